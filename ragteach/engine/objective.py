"""J as Newton's method sees it: functions of the logits, and the way between weights and logits.

Enters: `Replicas`, stacked tasks, alpha.  Leaves: `Problem`.

    J = CE(fixed + z) + lam_s/2 |W_s|^2 + lam/2 sum_k |A_k|^2

    z            logits of the parts that move           weights -> logits: `Problem.logits_of`
    fixed        logits of the frozen parts, which stay as they are
    residual     dCE/dlogits                             logits -> weights: `Problem.weights_of`
    D_t          sum_i residual_ti x_ti'                 dCE/dW_s = sum_t D_t
                                                         dCE/dA_k = sum_t G[t,k] D_t

Shapes: logits (n_tasks, R, n_classes, n_docs), W_s (R, n_classes, n_features), A (n_adapters, R,
n_classes, n_features), with R the replicas.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ragteach import losses
from ragteach.engine.backward import bias_gradient
from ragteach.engine.replicas import Replicas, routing, trainable
from ragteach.errors import refuse
from ragteach.graph import unless_identity
from ragteach.linear import back_project
from ragteach.model import task_logits, task_weights
from ragteach.tensors import TaskTensors

BIAS_WORD = 0.5  # see `Problem.bias_scale`; only the number of steps depends on it


class Problem:
    """J of all replicas.

    Attributes:
        lam, lam_shared: (R,) penalties.
        shared_moves, bias_moves: whether they may; adapters_move: the same for each, 0 or 1,
            (n_adapters, 1, 1, 1).
        graph: (n_tasks, n_adapters); routes: the same, or None for the identity, whose products, as
            many as tasks squared, are left out.
        doc_weight: (n_tasks, n_docs), what each document counts in CE = sum_t alpha_t CE_t.
        fixed: (n_tasks, 1, n_classes, n_docs), the logits of what is frozen.
        n_biases: how many biases of a replica move.
        bias_scale: (R,). The biases come along as the weights of one more word, which stands this
            often, so to speak, in every document.
    """

    def __init__(self, start: Replicas, tensors: TaskTensors, alphas: Tensor) -> None:
        self.start, self.tensors, self.alphas = start, tensors, alphas
        self.lam, self.lam_shared = start.lam, start.lam_shared
        self.graph = routing(start.template).to(start.shared)
        self.routes = unless_identity(self.graph)
        self.doc_weight = tensors.of_task(alphas).unsqueeze(1) * tensors.weight
        may = trainable(start.template)
        self.shared_moves, self.bias_moves = may.shared, may.bias
        moves = torch.tensor(may.adapters, dtype=start.shared.dtype, device=start.shared.device)
        self.adapters_move = moves.view(-1, 1, 1, 1)
        shared, adapters = start.shared[:1], start.adapters[:, :1]
        self.fixed_shared = torch.zeros_like(shared) if may.shared else shared
        self.fixed_adapters = torch.where(self.adapters_move > 0, 0.0, adapters)
        self.n_biases = 0
        if start.bias is not None and may.bias:
            self.n_biases = start.bias.shape[0] * tensors.n_classes
        self.fixed = self.fixed_logits(tensors)
        lam = self.least_penalty()
        self.bias_scale = BIAS_WORD * torch.where(lam > 0, lam, 1.0).rsqrt()
        if not bool(self.fixed.isfinite().all()):
            raise refuse(
                expected="finite frozen weights and features",
                got="infinity or NaN in the logits of the frozen parts",
                fix="unfreeze those parts, or start anew with model.reset(seed)",
            )

    def select(self, rows: Tensor) -> Problem:
        """The same problem for some of the replicas."""
        part = copy.copy(self)
        part.lam = self.lam[rows]
        part.lam_shared = self.lam_shared[rows]
        part.bias_scale = self.bias_scale[rows]
        return part

    def least_penalty(self) -> Tensor:
        """The smallest penalty on what moves, (R,)."""
        lams = [self.lam_shared] if self.shared_moves else []
        if bool(self.adapters_move.any()):
            lams.append(self.lam)
        return torch.stack(lams).amin(0) if lams else torch.ones_like(self.lam)

    # ---- from weights to logits, and back

    def fixed_logits(self, tensors: TaskTensors) -> Tensor:
        """What the frozen parts say of documents: (n_blocks, 1, n_classes, n_docs)."""
        weights = task_weights(self.fixed_shared, self.fixed_adapters, self.routes)
        logits = task_logits(tensors.x, weights)
        bias = self.start.bias
        if bias is None or self.bias_moves:
            return logits
        return logits + tensors.of_task(bias[:, :1]).unsqueeze(-1)

    def logits_of(self, shared: Tensor, adapters: Tensor) -> Tensor:
        """W_t x, with W_t = W_s + sum_k G[t,k] A_k."""
        return task_logits(self.tensors.x, task_weights(shared, adapters, self.routes))

    def weights_of(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        """sum_t D_t and sum_t G[t,k] D_t, with D_t = sum_i residual_ti x_ti'; zero where frozen.

        Of dCE/dlogits that is dCE/dW_s and dCE/dA.
        """
        by_task = back_project(residual, self.tensors.x)  # D_t  (n_tasks, R, n_classes, n_features)
        shared = by_task.sum(0)
        routed = by_task if self.routes is None else torch.tensordot(self.graph.mT, by_task, dims=1)
        adapters = routed * self.adapters_move
        return shared if self.shared_moves else torch.zeros_like(shared), adapters

    # ---- CE and its derivatives, as functions of the logits

    def residual(self, logits: Tensor) -> Tensor:
        """dCE/dlogits, where the parts that move make ``logits`` and the frozen ones add theirs."""
        return losses.residual(self.fixed + logits, self.tensors.onehot, self.doc_weight)

    def probabilities(self, logits: Tensor) -> Tensor:
        """softmax, as in `residual`."""
        return (self.fixed + logits).softmax(-2)

    def residual_change(self, probabilities: Tensor, dlogits: Tensor) -> Tensor:
        """How `residual` changes if the logits change by ``dlogits``: the Hessian of CE times
        it.
        """
        return losses.residual_change(probabilities, dlogits, self.doc_weight)

    # ---- biases: (n_tasks or 1, R, n_classes); in a vector (R, n_biases), in units of bias_scale

    def bias_of(self, part: Tensor) -> Tensor | None:
        """Biases from their part of a vector; None if they stand still."""
        if not self.n_biases:
            return None
        bias = part.view(len(part), -1, self.tensors.n_classes).transpose(0, 1)
        return bias * self.bias_scale.unsqueeze(1)

    def with_bias(self, logits: Tensor, bias: Tensor | None) -> Tensor:
        """Logits plus the bias of each one's task."""
        return logits if bias is None else logits + self.tensors.of_task(bias).unsqueeze(-1)

    def bias_part(self, residual: Tensor) -> Tensor:
        """dCE/db from dCE/dlogits, as a part of a vector."""
        if not self.n_biases:
            return residual.new_zeros(residual.shape[1], 0)
        n_rows = self.n_biases // self.tensors.n_classes
        d_bias = bias_gradient(self.tensors.by_task(residual.sum(-1)), n_rows)
        scaled = d_bias * self.bias_scale.unsqueeze(1)
        return scaled.transpose(0, 1).flatten(1)

    def bias_norm2(self, part: Tensor) -> Tensor:
        """|dCE/db|^2 from its part of a vector: (R,)."""
        return (part / self.bias_scale.unsqueeze(1)).square().sum(1)
