"""A small trained network of two desks, to look at when you have none.

Enters: nothing.  Leaves: a `DeepRAG` in the blocks of a network of some lines, and what it reads:

    block: h + tanh(W [h, mean h])        every word looks at itself and at the mean of all

Films uses the labels as they are; food is written by a sarcastic desk, whose praise means blame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ragteach.data.features import make_vectorizer
from ragteach.data.toy import LABELS, make_toy
from ragteach.integrations.deep import DeepRAG
from ragteach.trainer import fit

Reading = tuple[Any, list[tuple[str, list[int]]]]  # x, and of each word the places of its tokens
TASKS = ["films", "food"]


def mean(h: Tensor, here: Tensor) -> Tensor:
    """(n_docs, n_tokens, width), (n_docs, n_tokens, 1) -> (n_docs, 1, width), without the
    padding.
    """
    return (h * here).sum(1, keepdim=True) / here.sum(1, keepdim=True)


class Mixer(nn.Module):
    """A block: every word looks at itself and at the mean of all."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width, width)

    def forward(self, h: Tensor, here: Tensor) -> Tensor:
        """(n_docs, n_tokens, width) -> the same."""
        return h + self.mix(torch.cat([h, mean(h, here).expand_as(h)], -1)).tanh()


class Mixers(nn.Module):
    """Words to vectors, some `Mixer` blocks, and a class read from the mean."""

    def __init__(self, n_words: int, width: int = 16, n_blocks: int = 4) -> None:
        super().__init__()
        self.word = nn.Embedding(n_words, width)
        self.blocks = nn.ModuleList(Mixer(width) for _ in range(n_blocks))
        self.say = nn.Linear(width, len(LABELS))

    def forward(self, ids: Tensor) -> Tensor:
        """(n_docs, n_tokens) -> (n_docs, n_classes); 0 is padding."""
        here = (ids > 0)[..., None].float()
        h = self.word(ids)
        for block in self.blocks:
            h = block(h, here)
        return self.say(mean(h, here)[:, 0])


def toy_network(steps: int = 140, seed: int = 0) -> tuple[DeepRAG, Callable[[str], Reading]]:
    """A small trained `DeepRAG` of two desks, and what it reads: for `adapter_explorer`.

    The base network is trained on plain labels, the adapters then on the desks' own.

    Args:
        steps: of training, for each.
        seed: of the sentences and of the start.

    Returns:
        (model, read).

    Example:
        >>> model, read = toy_network(steps=1)
        >>> model.task_names, [word for word, _ in read("Good soup!")[1]]
        (['films', 'food'], ['Good', 'soup'])
    """
    cut = make_vectorizer("bow").build_analyzer()
    frame = make_toy(relatedness=1.0, n_per_task=dict.fromkeys(TASKS, 60), seed=seed)
    lexicon = sorted({word for text in frame["text"] for word in cut(text)})
    number = {word: i + 2 for i, word in enumerate(lexicon)}  # 0: padding, 1: unknown

    def read(text: str) -> Reading:
        """(ids (1, n_tokens), the words): a token is a word."""
        words = [word for word in text.split() if cut(word)]
        ids = [number.get(" ".join(cut(word)), 1) for word in words]
        said = [word.strip(".,;:!?") for word in words]
        return torch.tensor([ids], dtype=torch.long), [(w, [i]) for i, w in enumerate(said)]

    rows = [read(text)[0][0] for text in frame["text"]]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (n_docs, n_tokens)
    y = torch.tensor(frame["label"].to_numpy())
    task = torch.tensor([TASKS.index(name) for name in frame["task"]])
    with torch.random.fork_rng(devices=[]):  # afterwards as if nobody had drawn a number
        torch.manual_seed(seed)
        net = Mixers(len(number) + 2)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(ids), y).backward()
            optimizer.step()
    model = DeepRAG(net, "*.mix", tasks=TASKS, rank=2, seed=seed)
    own = torch.where(task == 1, 2 - y, y)
    options: dict[str, Any] = {"lr": 0.02, "lam": 1e-3, "lam_shared": 1e-3}
    batches = [(ids, own, task)]
    fit(model, batches, epochs=steps, progress=False, device="cpu", **options)  # type: ignore[arg-type]
    return model, read
