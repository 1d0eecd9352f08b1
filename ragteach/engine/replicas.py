"""The engine: many trainings at once, as one tensor program.

Enters: a `RAG`, stacked tasks, and one (lambda, lambda_s, seed) per replica.  Leaves: `Replicas`,
the trained weights of all. A replica axis R stands before (n_classes, n_features); everything else
is the single model's own code. One step reads

    W_t     = W_s + sum_k G[t,k] A_k                      model.task_weights
    logits  = W_t x + b_t                                 model.task_logits
    E_t     = alpha_t weight (softmax(logits) - onehot)   losses.residual
    dJ/dW_t = E_t x'                                      products.back_project
    dJ/dW_s = sum_t dJ/dW_t         + lam_s W_s
    dJ/dA_k = sum_t G[t,k] dJ/dW_t  + lam A_k

The gradient is written out, not recorded: a test holds it equal to autograd, and replica r equal to
a lone `fit`. All replicas share x, so their products are one matrix product per task: that is where
the speed comes from.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch

from ragteach.errors import at_least, one_of, refuse, whole
from ragteach.graph import unless_identity
from ragteach.linear import back_project
from ragteach.losses import cross_entropy, penalty, residual, task_alphas
from ragteach.model import task_logits, task_weights
from ragteach.tensors import as_tensors

OPTIMIZERS = ("adam", "sgd", "proximal")
PARTS = ("shared", "adapters", "bias")  # the parts of a model that may move


@dataclass
class Replicas:
    """Weights of R models that share a graph and a data set.

    Attributes:
        shared: (n_replicas, n_classes, n_features).
        adapters: (n_adapters, n_replicas, n_classes, n_features).
        bias: (n_tasks or 1, n_replicas, n_classes), or None.
        lam, lam_shared: (n_replicas,) penalties each was trained with.
        template: the `RAG` they are copies of.
        history: with ``record_every``, a list of (step, shared, adapters) snapshots.
        bias_history: the biases of the same steps (empty if there are none).
    """

    shared: torch.Tensor
    adapters: torch.Tensor
    bias: torch.Tensor | None
    lam: torch.Tensor
    lam_shared: torch.Tensor
    template: object
    history: list = field(default_factory=list)
    bias_history: list = field(default_factory=list)

    def __len__(self):
        return self.shared.shape[0]

    def task_weights(self):
        """W_t of every replica: (n_tasks, n_replicas, n_classes, n_features)."""
        return task_weights(self.shared, self.adapters, routing(self.template).to(self.shared))

    def logits(self, x):
        """Logits of stacked documents x: (n_tasks, n_replicas, n_classes, n_docs)."""
        return task_logits(x, self.task_weights(), self.bias)

    def losses(self, tensors):
        """CE_t of every replica: (n_tasks, n_replicas)."""
        return cross_entropy(self.logits(tensors.x), tensors.onehot, tensors.weight)

    def accuracy(self, tensors):
        """Share of examples each replica gets right: (n_tasks, n_replicas)."""
        right = self.logits(tensors.x).argmax(-2) == tensors.y.unsqueeze(
            1
        )  # (n_tasks, n_replicas, n_docs)
        there = (tensors.weight > 0).unsqueeze(1)
        return (right & there).sum(-1) / there.sum(-1)

    def objective(self, tensors, alpha="equal"):
        """J of every replica: (n_replicas,)."""
        alphas = task_alphas(alpha, tensors.sizes).to(self.shared)
        return alphas @ self.losses(tensors) + penalty(
            self.shared, self.adapters, self.lam, self.lam_shared
        )

    def model(self, r):
        """Replica ``r`` as a `RAG` of its own."""
        model = copy.deepcopy(self.template).to(self.shared)
        with torch.no_grad():
            model.shared.copy_(self.shared[r])
            for k, name in enumerate(n for n in model.adapter_names if model.active[n]):
                model.adapters[name].full.copy_(self.adapters[k, r])
            if model.bias is not None:
                model.bias.copy_(self.bias[:, r])
        return model


def routing(model):
    """The columns of G that belong to active adapters, (n_tasks, n_active)."""
    return model.graph[:, [model.active[n] for n in model.adapter_names]]


def stack(models, lam=0.0, lam_shared=0.0):
    """Models of one family, one per replica, as `Replicas`. Only full-size adapters can be
    stacked.
    """
    for model in models:
        if model.adapter_kind != "full":
            raise refuse(
                expected='models with adapter="full"', got=f"adapter={model.adapter_kind!r}",
                fix="train low-rank or projected adapters with fit(), one model at a time",
            )  # fmt: skip
    with torch.no_grad():
        parts = [model.parts() for model in models]
        shared = torch.stack([p[0] for p in parts])  # (n_replicas, n_classes, n_features)
        adapters = torch.stack(
            [p[1] for p in parts], 1
        )  # (n_adapters, n_replicas, n_classes, n_features)
        bias = None if models[0].bias is None else torch.stack([m.bias for m in models], 1)
    shape, dtype = (len(models),), shared.dtype
    penalties = [torch.as_tensor(v, dtype=dtype).expand(shape).clone() for v in (lam, lam_shared)]
    return Replicas(shared, adapters, bias, *penalties, models[0])


def gradients(replicas, tensors, alphas, graph):
    """dJ/dW_s, dJ/dA, dJ/db of every replica (the penalties of J included), in the shapes of the
    weights.

    Args:
        alphas: (n_tasks,). graph: (n_tasks, n_adapters), or None for the identity.
    """
    shared, adapters = replicas.shared, replicas.adapters
    logits = task_logits(tensors.x, task_weights(shared, adapters, graph), replicas.bias)
    weight = alphas.unsqueeze(-1) * tensors.weight  # (n_tasks, n_docs)
    error = residual(logits, tensors.onehot, weight)  # (n_tasks, n_replicas, n_classes, n_docs)
    by_task = back_project(
        error, tensors.x
    )  # dJ/dW_t  (n_tasks, n_replicas, n_classes, n_features)
    d_shared = by_task.sum(0)
    d_adapters = by_task if graph is None else torch.tensordot(graph.mT, by_task, dims=1)
    d_shared.addcmul_(replicas.lam_shared.view(-1, 1, 1), shared)
    d_adapters.addcmul_(replicas.lam.view(-1, 1, 1), adapters)
    if replicas.bias is None:
        return d_shared, d_adapters, None
    d_bias = error.sum(-1)  # (n_tasks, n_replicas, n_classes)
    return (
        d_shared,
        d_adapters,
        d_bias if len(replicas.bias) == len(d_bias) else d_bias.sum(0, keepdim=True),
    )


def train_many(model, tensors, lam=0.0, lam_shared=0.0, seeds=None, *, steps=200, lr=0.05, optimizer="adam",
               alpha="equal", train=PARTS, record_every=None, budget_mb=4.0):  # fmt: skip
    """Train one replica per (lam, lam_shared, seed), full batch, all at once.

    Args:
        model: template `RAG` (full-size adapters); its frozen parts stay frozen. Or `Replicas`, to
            train on.
        tensors: `TaskTensors`, or the `MultiTaskDataset` they come from.
        lam, lam_shared: number or (n_replicas,) each.
        seeds: (n_replicas,) random starts. Default: every replica starts from ``model`` as it is.
        steps, lr: gradient steps and their size.
        optimizer: ``"adam"``; ``"sgd"``; ``"proximal"``, which shrinks by 1 / (1 + lr lam) and so
            stays finite for any lam; or any torch optimiser whose update is element by element, as
            ``f(params, lr=lr)``.
        train: the parts that move.
        record_every: keep snapshots of W_s and A every so many steps (and at the start and the
            end).
        budget_mb: working memory in MB. Replicas are trained in chunks that fit, with the same
            results.

    Returns:
        `Replicas`

    Example:
        >>> import torch
        >>> from ragteach import RAG, MultiTaskDataset
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=data.task_names)
        >>> replicas = train_many(model, data.stacked(), lam=[0.01, 1.0], seeds=[0, 0])
        >>> len(replicas), replicas.adapters.shape
        (2, torch.Size([2, 2, 2, 4]))
    """
    whole("steps", steps), at_least("lr", lr), at_least("budget_mb", budget_mb)
    if record_every is not None:
        whole("record_every", record_every, 1)
    for name in train:
        one_of("train", name, PARTS)
    if not callable(optimizer):
        one_of("optimizer", optimizer, OPTIMIZERS)
    if isinstance(model, Replicas):
        start = model
    else:
        lam, lam_shared, seeds = _grid(lam, lam_shared, seeds)
        fresh = {seed: copy.deepcopy(model) for seed in seeds}
        for seed in fresh.keys() - {None}:
            fresh[seed].reset(seed)
        start = stack([fresh[s] for s in seeds], lam, lam_shared)
    tensors = as_tensors(start.template, tensors)
    chunk = chunk_size(start, tensors, budget_mb)
    alphas = task_alphas(alpha, tensors.sizes).to(start.shared)
    options = (tensors, steps, lr, optimizer, alphas, train, record_every)
    done = [
        _train_chunk(_slice(start, slice(r, r + chunk)), *options)
        for r in range(0, len(start), chunk)
    ]
    return done[0] if len(done) == 1 else _join(done)


def chunk_size(replicas, tensors, budget_mb):
    """How many replicas fit ``budget_mb``: weights, gradients, two moments; logits and their
    errors.
    """
    weights = (replicas.shared[:1].numel() + 2 * replicas.adapters[:, :1].numel()) * 4
    activity = 3 * tensors.y.numel() * tensors.n_classes
    return max(1, int(budget_mb * 2**20 / ((weights + activity) * replicas.shared.element_size())))


@torch.no_grad()
def _train_chunk(replicas, tensors, steps, lr, optimizer, alphas, train, record_every):
    graph = unless_identity(routing(replicas.template).to(replicas.shared))
    moving, frozen = _moving(replicas, train)
    kept = replicas.adapters[frozen].clone()
    update = _updater(replicas, moving, lr, optimizer)
    for step in range(steps + 1):
        if record_every and (step % record_every == 0 or step == steps):
            replicas.history.append((step, replicas.shared.clone(), replicas.adapters.clone()))
            if replicas.bias is not None:
                replicas.bias_history.append(replicas.bias.clone())
        if step == steps:
            return replicas
        grads = dict(zip(PARTS, gradients(replicas, tensors, alphas, graph), strict=True))
        update(grads)
        if len(kept):
            replicas.adapters[frozen] = kept


def _moving(replicas, train):
    """Names of the tensors that move, and which adapters stay all the same: a list of bools."""
    model = replicas.template
    frozen = [
        not model.adapters[n].full.requires_grad for n in model.adapter_names if model.active[n]
    ]
    moving = [
        name
        for name, tensor, may in (
            ("shared", replicas.shared, model.shared.requires_grad),
            ("adapters", replicas.adapters, not all(frozen)),
            ("bias", replicas.bias, model.bias is not None and model.bias.requires_grad),
        )
        if name in train and may and tensor is not None
    ]
    return moving, frozen


def _updater(replicas, moving, lr, optimizer):
    """One optimiser step as a function of the gradients."""
    if not moving:
        return lambda grads: None
    if optimizer in ("sgd", "proximal"):
        shrink = {"shared": replicas.lam_shared, "adapters": replicas.lam}

        def update(grads):
            for name in moving:
                tensor = getattr(replicas, name)
                if (
                    optimizer == "proximal" and name in shrink
                ):  # A <- (A - lr dCE/dA) / (1 + lr lam)
                    lam = shrink[name].view(-1, 1, 1)
                    tensor.add_(grads[name].addcmul_(lam, tensor, value=-1), alpha=-lr).div_(
                        1 + lr * lam
                    )
                else:
                    tensor.add_(grads[name], alpha=-lr)

        return update
    tensors = [getattr(replicas, name) for name in moving]
    if optimizer == "adam":
        opt = torch.optim.Adam(tensors, lr=lr, fused=True)
    else:
        opt = optimizer(tensors, lr=lr)

    def update(grads):
        for name, tensor in zip(moving, tensors, strict=True):
            tensor.grad = grads[name]
        opt.step()

    return update


def _grid(lam, lam_shared, seeds):
    """Broadcast (lam, lam_shared, seeds) to one value per replica, and check them."""
    lam, lam_shared = (torch.as_tensor(v, dtype=torch.float64).flatten() for v in (lam, lam_shared))
    for name, values in (("lam", lam), ("lam_shared", lam_shared)):
        whole(f"number of values of {name}", len(values), 1)
        at_least(name, values.min().item()), at_least(name, values.max().item())
    seeds = [None] if seeds is None else [int(s) for s in torch.as_tensor(seeds).flatten()]
    n = max(lam.numel(), lam_shared.numel(), len(seeds))
    if {lam.numel(), lam_shared.numel(), len(seeds)} - {1, n}:
        raise refuse(
            expected="lam, lam_shared and seeds of one length (or a single value each)",
            got=f"{lam.numel()}, {lam_shared.numel()} and {len(seeds)} values",
            fix="for a grid, repeat them: torch.cartesian_prod(lams, seeds)",
        )
    return (
        lam.expand(n).flatten(),
        lam_shared.expand(n).flatten(),
        seeds * n if len(seeds) == 1 else seeds,
    )


def _slice(replicas, part):
    bias = None if replicas.bias is None else replicas.bias[:, part].clone()
    return Replicas(
        replicas.shared[part].clone(), replicas.adapters[:, part].clone(), bias, replicas.lam[part],
        replicas.lam_shared[part], replicas.template,
    )  # fmt: skip


def _join(parts):
    first = parts[0]
    bias = None if first.bias is None else torch.cat([p.bias for p in parts], 1)
    history = [
        (rows[0][0], torch.cat([r[1] for r in rows]), torch.cat([r[2] for r in rows], 1))
        for rows in zip(*(p.history for p in parts), strict=True)
    ]
    shared, adapters = (
        torch.cat([p.shared for p in parts]),
        torch.cat([p.adapters for p in parts], 1),
    )
    lam, lam_shared = torch.cat([p.lam for p in parts]), torch.cat([p.lam_shared for p in parts])
    biases = [torch.cat(b, 1) for b in zip(*(p.bias_history for p in parts), strict=True)]
    return Replicas(shared, adapters, bias, lam, lam_shared, first.template, history, biases)
