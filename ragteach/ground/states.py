"""States: which adapters take part in W_t, and which parts training may change.

Enters: names of parts.  Leaves: a model whose parts are in or out, trainable or frozen.

Two things that sound alike are kept apart: an adapter is *active* if it takes part in W_t, and
*trainable* if training may change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from ragteach.errors import one_of
from ragteach.ground.arguments import yes_no


class Parts(nn.Module):
    """A model of named parts: what `RAG` and `DeepRAG` share."""

    adapter_names: Any  # list[str]
    active: dict[str, bool]  # adapter -> does it take part?

    def part_names(self) -> list[str]:
        """What may be frozen, adapters included."""
        raise NotImplementedError

    def called(self, part: str) -> list[nn.Module | nn.Parameter]:
        """The modules or weights of that name; none where the model goes without."""
        raise NotImplementedError

    def activate(self, *names: str) -> None:
        """Let these adapters take part in W_t."""
        self._set_active(names, True)

    def deactivate(self, *names: str) -> None:
        """Take these adapters out of W_t. Their numbers stay, and training leaves them alone."""
        self._set_active(names, False)

    def freeze(self, *names: str) -> None:
        """Do not train these: ``"shared"``, ``"adapters"``, ``"bias"`` (of a network: ``"head"``)
        or adapter names.
        """
        self._set_trainable(names, False)

    def unfreeze(self, *names: str) -> None:
        """Let these parts be trained again."""
        self._set_trainable(names, True)

    def num_parameters(self, trainable: bool = False) -> int:
        """How many numbers the model stores as parameters (or may train)."""
        yes_no("trainable", trainable)
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not trainable)

    def _set_active(self, names: tuple[str, ...], value: bool) -> None:
        for name in names:
            one_of("adapter", name, self.adapter_names)
        self.active.update(dict.fromkeys(names, value))

    def _set_trainable(self, names: tuple[str, ...], value: bool) -> None:
        for name in names:
            one_of("part", name, self.part_names())
        for name in names:
            for part in self.called(name):
                part.requires_grad_(value)


def state_of(parameters: Iterable[nn.Parameter]) -> str:
    """The word for what training may do with a part."""
    return "trainable" if any(p.requires_grad for p in parameters) else "frozen"
