"""Trajectories: where W_s and every A_k went, step by step.

Enters: snapshots taken while `fit` or the engine trains.  Leaves: `Trajectory`, and tables for
plots:

    norms      ||W_s||, ||A_k||, ||W_t||        how much each part holds
    angles     between W_s and A_k              whether an adapter adds to what is shared
    conserved  W_s - sum_t A_t                  what plain descent without penalties never changes
    conflict   cos(dCE_t/dW_s, dCE_u/dW_s)      whether two tasks pull the shared weights apart
    words      W[positive] - W[negative]        which words live in W_s, which in an adapter

Gradient conflict: Yu et al. (2020), gradient surgery for multi-task learning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.backward import gradients
from ragteach.engine.replicas import Replicas, routing, stack
from ragteach.errors import one_of, refuse, whole
from ragteach.ground.arguments import check_model
from ragteach.model import RAG, task_weights
from ragteach.tensors import TaskTensors, as_tensors


class Recorder:
    """A callback for `fit` that keeps W_s, every active A_k and the biases at chosen steps.

    Args:
        model: the model about to be trained; its start is step 0.
        every: keep one snapshot every so many steps (and the last step).

    Example:
        >>> from ragteach import RAG, MultiTaskDataset, fit
        >>> data = MultiTaskDataset(torch.eye(4), [0, 1, 1, 0], 2, ["a", "a", "b", "b"])
        >>> model = RAG(4, 2, 2, tasks=data.task_names)
        >>> recorder = Recorder(model, every=5)
        >>> history = fit(model, data, epochs=10, callbacks=[recorder], progress=False)
        >>> recorder.trajectory().steps.tolist()
        [0, 5, 10]
    """

    def __init__(self, model: RAG, every: int = 1) -> None:
        check_model(model)
        whole("every", every, 1)
        self.model, self.every, self.last = model, every, 0
        self.snapshots: list[tuple[int, Tensor, Tensor, Tensor]] = []
        self._keep(0)

    def on_step(self, model: RAG, step: int, loss: float) -> None:
        """Called by `fit` after every step."""
        self.last = step
        if step % self.every == 0:
            self._keep(step)

    def _keep(self, step: int) -> None:
        shared = self.model.shared
        bias = self.model.bias
        parts = (
            shared,
            self.model.adapter_weights(),
            shared.new_zeros(0) if bias is None else bias,
        )
        weights, adapters, biases = (part.detach().clone() for part in parts)
        self.snapshots.append((step, weights, adapters, biases))

    def trajectory(self, words: Iterable[str] | None = None) -> Trajectory:
        """What was recorded, as a `Trajectory`; ``words`` are the names of the features."""
        if self.snapshots[-1][0] != self.last:
            self._keep(self.last)
        steps, *parts = zip(*self.snapshots, strict=True)
        shared, adapters, bias = (torch.stack(part) for part in parts)
        return Trajectory.of(
            self.model, steps, shared, adapters, words, bias if bias.numel() else None
        )


@dataclass
class Trajectory:
    """W_s and A_k over time.

    Attributes:
        steps: (n_steps,) step numbers. shared: (n_steps, n_classes, n_features).
        adapters: (n_steps, n_adapters, n_classes, n_features). graph: (n_tasks, n_adapters).
        task_names, adapter_names, words: names along the axes. Inactive adapters are left out.
        bias: (n_steps, n_tasks or 1, n_classes), or None.
    """

    steps: np.ndarray
    shared: Tensor
    adapters: Tensor
    graph: Tensor
    task_names: list[str]
    adapter_names: list[str]
    words: list[str]
    bias: Tensor | None = None

    @classmethod
    def of(
        cls,
        model: RAG,
        steps: Sequence[int],
        shared: Tensor,
        adapters: Tensor,
        words: Iterable[str] | None = None,
        bias: Tensor | None = None,
    ) -> Trajectory:
        """Name the axes of recorded weights after ``model``; its inactive adapters are left out."""
        words = (
            [f"x{j}" for j in range(shared.shape[-1])] if words is None else [str(w) for w in words]
        )
        if len(words) != shared.shape[-1]:
            raise refuse(
                expected=f"one word for each of {shared.shape[-1]} features",
                got=f"{len(words)} words",
                fix="pass vectorizer.get_feature_names_out() of the vectoriser the data were made "
                "with",
            )
        active = [model.active[name] for name in model.adapter_names]
        if adapters.shape[1] == len(active):
            adapters = adapters[:, active]
        names = [name for name in model.adapter_names if model.active[name]]
        shared = shared.cpu()
        adapters = adapters.cpu()
        graph = routing(model).detach().cpu()
        bias = None if bias is None else bias.cpu()
        return cls(
            np.array(steps),
            shared,
            adapters,
            graph.to(shared),
            model.task_names,
            names,
            words,
            bias,
        )

    @classmethod
    def from_replicas(
        cls, replicas: Replicas, r: int = 0, words: Iterable[str] | None = None
    ) -> Trajectory:
        """The path of replica ``r`` of an engine run with ``record_every``."""
        if not replicas.history:
            raise refuse(
                expected="replicas trained with record_every",
                got="replicas without a history",
                fix="call train_many(..., record_every=5)",
            )
        steps = [step for step, _, _ in replicas.history]
        shared = torch.stack([shared[r] for _, shared, _ in replicas.history])
        adapters = torch.stack([adapters[:, r] for *_, adapters in replicas.history])
        biases = [bias[:, r] for bias in replicas.bias_history]
        bias = torch.stack(biases) if biases else None
        return cls.of(replicas.template, steps, shared, adapters, words, bias)

    def task_weights(self) -> Tensor:
        """W_t over time: (n_steps, n_tasks, n_classes, n_features)."""
        return task_weights(self.shared, self.adapters.transpose(0, 1), self.graph).transpose(0, 1)

    def parts(self) -> dict[str, Tensor]:
        """Every path by name: ``W_s``, the adapters, ``W[task]``; each (n_steps, n_classes,
        n_features).
        """
        named = {"W_s": self.shared}
        named |= {name: self.adapters[:, k] for k, name in enumerate(self.adapter_names)}
        weights = self.task_weights()
        return named | {f"W[{name}]": weights[:, t] for t, name in enumerate(self.task_names)}

    def norms(self) -> pd.DataFrame:
        """Length of every part over time: columns step, part, norm."""
        return self._tidy(
            {name: path.flatten(1).norm(dim=1) for name, path in self.parts().items()}, "norm"
        )

    def angles(self) -> pd.DataFrame:
        """Angle of every adapter to W_s, in degrees: columns step, part, angle. 90: unrelated, or
        zero.
        """
        flat = {
            name: path.flatten(1)
            for name, path in self.parts().items()
            if not name.startswith("W[")
        }
        shared = flat.pop("W_s")
        cosine = {
            n: torch.cosine_similarity(shared, a, dim=1).clamp(-1, 1) for n, a in flat.items()
        }
        return self._tidy({name: c.acos().rad2deg() for name, c in cosine.items()}, "angle")

    def conserved(self) -> Tensor:
        """``W_s - sum_k A_k`` over time, (n_steps, n_classes, n_features).

        With G = identity, lam = lam_shared = 0 and plain gradient descent on J it never moves:
        dJ/dW_s is the sum of the dJ/dA_t, so both sides take the same step.
        """
        return self.shared - self.adapters.sum(1)

    def project(
        self, words: Sequence[str] | None = None, classes: tuple[int, int] = (0, -1)
    ) -> pd.DataFrame:
        """Paths in a plane: columns step, part, x, y; ``.attrs["axes"]`` names the axes.

        Args:
            words: two words; the axes are then their scores W[classes[1]] - W[classes[0]]. Default:
                the first two principal components of all W_s and A_k snapshots together.
            classes: the two classes compared.
        """
        paths = self.parts()
        if words is not None:
            columns = [self._word(word) for word in words]
            points = {
                n: (p[:, classes[1]] - p[:, classes[0]])[:, columns] for n, p in paths.items()
            }
            axes = [f"score of {word!r}" for word in words]
        else:
            cloud = torch.cat(
                [p.flatten(1) for n, p in paths.items() if not n.startswith("W[")]
            ).double()
            centre = cloud.mean(0)
            _, size, vt = torch.linalg.svd(
                torch.nn.functional.pad(cloud - centre, (0, 1, 0, 1)), False
            )
            vt = vt[:, :-1]  # the padding makes sure that there are two components
            share = size.square() / size.square().sum().clamp(min=1e-300)
            points = {n: (p.flatten(1).double() - centre) @ vt[:2].T for n, p in paths.items()}
            axes = [f"principal component {i + 1} ({share[i]:.0%})" for i in range(2)]
        x, y = (self._tidy({n: p[:, i] for n, p in points.items()}, "xy"[i]) for i in (0, 1))
        table = x.assign(y=y["y"])
        table.attrs["axes"] = axes
        return table

    def gradient_cosines(self, tensors: MultiTaskDataset | TaskTensors) -> pd.DataFrame:
        """Whether tasks pull W_s the same way: columns step, task_a, task_b, cosine. Below 0 they
        conflict.

        The penalties have no part in it. Any kind of adapter will do: only its A_k counts.

        Args:
            tensors: the training data, as `TaskTensors` or `MultiTaskDataset`.
        """
        n_tasks = len(self.task_names)
        rows = []
        pulls = []
        size = self.shared.shape[2], self.shared.shape[1], len(self.adapter_names)
        template = RAG(*size, tasks=self.task_names, graph=self.graph.float()).to(self.shared)
        replicas = stack([template] * len(self.steps))
        replicas.shared = self.shared
        replicas.adapters = self.adapters.transpose(0, 1)
        replicas.bias = None if self.bias is None else self.bias.transpose(0, 1)
        replicas.lam = replicas.lam.to(self.shared)
        replicas.lam_shared = replicas.lam_shared.to(self.shared)
        tensors = as_tensors(template, tensors)
        # CE_t alone: alpha is 1 for task t, else 0
        for alone in torch.eye(n_tasks).to(self.shared):
            # (n_steps, C d)
            pulls.append(gradients(replicas, tensors, alone, self.graph)[0].flatten(1))
        for a in range(n_tasks):
            for b in range(a + 1, n_tasks):
                cosines = torch.cosine_similarity(pulls[a], pulls[b], dim=1).tolist()
                rows += [
                    (s, self.task_names[a], self.task_names[b], c)
                    for s, c in zip(self.steps, cosines, strict=True)
                ]
        return pd.DataFrame(rows, columns=["step", "task_a", "task_b", "cosine"])

    def word_table(
        self,
        words: Iterable[str] | None = None,
        snapshot: int = -1,
        classes: tuple[int, int] = (0, -1),
    ) -> pd.DataFrame:
        """What each part thinks of a word: a row per word, a column per part.

        The entries are W[classes[1]] - W[classes[0]]. Such a difference can be read: softmax's
        common shift of all classes does not change it.
        """
        chosen = self.words if words is None else list(words)
        columns = [self._word(word) for word in chosen]
        scores = {
            n: (p[snapshot, classes[1]] - p[snapshot, classes[0]])[columns]
            for n, p in self.parts().items()
        }
        return pd.DataFrame(scores, index=pd.Index(chosen, name="word")).astype(float)

    def _word(self, word: str) -> int:
        if word not in self.words:
            close = [w for w in self.words if w[:3] == str(word)[:3]][:5] or self.words[:5]
            one_of("word", word, close)
        return self.words.index(word)

    def _tidy(self, columns: Mapping[str, Any], value: str) -> pd.DataFrame:
        table = pd.DataFrame({name: np.asarray(v) for name, v in columns.items()})
        table.insert(0, "step", self.steps)
        return table.melt("step", var_name="part", value_name=value)


def model_words(
    model: RAG, words: Iterable[str] | None, classes: tuple[int, int] = (0, -1)
) -> pd.DataFrame:
    """`Trajectory.word_table` of a model as it stands: which words live in W_s, which in which
    adapter.
    """
    with torch.no_grad():
        path = Trajectory.of(
            model, [0], model.shared[None].clone(), model.adapter_weights()[None].clone(), words
        )
    return path.word_table(classes=classes)
