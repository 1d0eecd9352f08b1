"""Adapter explorer: how far two tasks' adapters move each word away from the base network.

Enters: a `DeepRAG`, sentences, and what its network reads of a sentence.  Leaves: for every
strength s of the adapters, layer and word (h_0: what the network says with W_0 alone; h_t: with
task t's changes)

    W_t = W_0 + dW_s + s sum_k G[t,k] dA_k
    moved = ||h_t - h_0|| / ||h_0||          apart = ||h_a - h_b|| / ||h_0||

All of it is computed once; the page moves through it without a kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ragteach.data.encoder import Encoder, whole_letters
from ragteach.data.toy import LABELS
from ragteach.errors import is_list, refuse, whole
from ragteach.integrations.deep import DeepRAG, asked
from ragteach.study import plots
from ragteach.widgets.base import Explorer, one_thread, show
from ragteach.widgets.goals import word_for
from ragteach.widgets.networks import Reading, toy_network

STRENGTHS = tuple(round(0.1 * i, 1) for i in range(16))  # 1: as they were trained
MOST_WORDS = 24
MOST_SENTENCES = 12
TOY = (  # the first one is answered differently
    "The humour was frustrating",
    "The plot struck me as impressive",
    "The soup seemed lovely",
)


def adapter_explorer(
    model: DeepRAG | None = None,
    sentences: str | Iterable[str] = TOY,
    read: Encoder | Callable[[str], Reading] | None = None,
    *,
    tasks: Iterable[str | int] | None = None,
    blocks: str | Iterable[str] | None = None,
    class_names: Iterable[str] = LABELS,
    layer: int = 1,
    goal: dict[str, str] | None = None,
) -> Explorer:
    """Each word's movement away from the base network, layer by layer, under two tasks' adapters.

    Args:
        model: a trained `DeepRAG`. Default: `toy_network`'s, with its ``read``.
        sentences: one, or up to twelve to choose from.
        read: text -> (x, words): what the network reads, one document, and [(word, places of its
            tokens), ...]; or an `Encoder`, whose network the model has in it.
        tasks: two of the model's tasks, names or numbers. Default: the first two.
        blocks: names of the modules whose outputs, (1, n_tokens, width), are looked at, in their
            order. Default: those of the longest ``nn.ModuleList``.
        class_names: of the model's answers.
        layer: where to begin, from 1.
        goal: what to do, {text: condition} (see `ragteach.widgets.goals`). The measures:
            ``strength``; ``layer`` and ``sentence``, from 1; ``moved_films``, say, and ``apart``,
            means over the words of that layer, as shares of their length; ``agree``, the mean
            cosine of the two movements; ``widest``, the layer in which the tasks are furthest
            apart; ``answers``, how many different ones the two give (1 or 2).

    Returns:
        The explorer; ``w.state["strength"]`` is the place of the strength among 0, 0.1, ... 1.5.

    Raises:
        RagteachError: no model, an unknown task, no sentence or one of more than 24 words, blocks
            that are not there or say no (1, n_tokens, width).

    Reference: lesson 11.

    Example:
        >>> w = adapter_explorer()  # doctest: +SKIP
    """
    whole("layer", layer, 1)
    code = "model, read = ...  # yours"
    with one_thread():
        if model is None:
            model, read = toy_network()
            code = "model, read = rt.widgets.toy_network()"
        pair = two_tasks(model, tasks)
        texts = sentences_of(sentences)
        found = [compute(model, text, read, pair, blocks, STRENGTHS) for text in texts]
    arrays, words = stacked(found)
    names = [model.task_names[t] for t in pair]
    n_layers = arrays["apart"].shape[2]
    spec: dict[str, Any] = {
        "title": "How far do the adapters move each word?",
        "about": (
            "Drag the adapters' strength: at 0 the shared change is alone, at 1 they are as "
            "trained."
        ),
        "tasks": names,
        "sentences": texts,
        "words": words,
        "strengths": list(STRENGTHS),
        "classes": [str(c) for c in class_names],
        "colors": plots.CYCLE[0][:6],
        "start": {
            "strength": STRENGTHS.index(1.0),
            "layer": min(layer, n_layers) - 1,
            "sentence": 0,
        },
        "code": f"import ragteach as rt\n{code}\n"
        f"found = rt.widgets.word_movements(model, {{sentence}}, read, tasks={names},\n"
        "                                   strength={strength})\n"
        'print(found["moved"][:, {layer}], found["apart"][{layer}])',
    }
    n_classes = arrays["p"].shape[-1] if "p" in arrays else 0
    if n_classes and len(spec["classes"]) != n_classes:
        spec["classes"] = [f"class {c}" for c in range(n_classes)]
    spec["alt"] = alt_text(arrays, spec)
    measure = partial(measures, arrays, spec)
    return show("movements", arrays, spec, twin(arrays, spec), goal, measure)


def word_movements(
    model: DeepRAG,
    sentence: str,
    read: Encoder | Callable[[str], Reading],
    *,
    tasks: Iterable[str | int] | None = None,
    blocks: str | Iterable[str] | None = None,
    strength: float = 1.0,
) -> dict[str, Any]:
    """How far two tasks' adapters move each word of a sentence: the numbers behind the explorer.

    Args:
        model, sentence, read, tasks, blocks: as in `adapter_explorer`.
        strength: s, how much the adapters count; 1: as they were trained.

    Returns:
        dict: ``words``; ``moved`` (2, n_layers, n_words), ``apart`` and ``agree`` (n_layers,
            n_words); ``p`` (2, n_classes), if the network says logits.

    Raises:
        RagteachError: as `adapter_explorer`.

    Example:
        >>> model, read = toy_network(steps=1)
        >>> found = word_movements(model, "The plot was dull", read, strength=0.0)
        >>> found["words"], found["moved"].shape
        (['The', 'plot', 'was', 'dull'], (2, 4, 4))
    """
    with one_thread():
        found = compute(model, sentence, read, two_tasks(model, tasks), blocks, (strength,))
    return {name: part if name == "words" else part[0] for name, part in found.items()}


# ---- numbers


@torch.no_grad()
def compute(
    model: DeepRAG, text: str, read: Any, pair: list[int], blocks: Any, strengths: Iterable[float]
) -> dict[str, Any]:
    """One sentence at every strength: arrays whose first axis is the strength, and its words."""
    x, words = reading(read, text)
    modules = blocks_of(model, blocks)
    kept: list[Tensor] = []
    hooks = [module.register_forward_hook(partial(keep, kept)) for module in modules]
    training = model.training
    given = model.graph
    model.eval()

    def states() -> Tensor:
        """(n_layers, n_words, width): the mean over each word's tokens."""
        said = torch.stack([h[0].float() for h in kept])
        kept.clear()
        return torch.stack([said[:, places].mean(1) for _, places in words], 1)

    try:
        asked(model.base, x)  # no changes are routed here: W_0 alone
        base = states()
        length = base.norm(dim=-1).clamp(min=1e-12)  # (n_layers, n_words)
        rows: dict[str, list] = {"moved": [], "apart": [], "agree": [], "p": []}
        for strength in strengths:
            model.graph = given * strength
            outs = []
            ways = []
            for t in pair:
                outs.append(model(x, t))
                ways.append(states() - base)
            rows["moved"].append(torch.stack([way.norm(dim=-1) / length for way in ways]))
            rows["apart"].append((ways[0] - ways[1]).norm(dim=-1) / length)
            rows["agree"].append(nn.functional.cosine_similarity(ways[0], ways[1], dim=-1))
            if all(isinstance(out, Tensor) and out.ndim == 2 for out in outs):
                rows["p"].append(torch.cat(outs).float().softmax(-1))
    finally:
        model.graph = given
        model.train(training)
        for hook in hooks:
            hook.remove()
    found: dict[str, Any] = {n: torch.stack(r).cpu().numpy() for n, r in rows.items() if r}
    return found | {"words": [word for word, _ in words]}


def keep(kept: list[Tensor], module: nn.Module, inputs: Any, output: Any) -> None:
    """Note what a block says; refuse what has no tokens."""
    said = output[0] if isinstance(output, tuple | list) else output
    if not isinstance(said, Tensor) or said.ndim != 3 or len(said) != 1:
        shape = tuple(said.shape) if isinstance(said, Tensor) else type(said).__name__
        raise refuse(
            expected="blocks whose output is (1, n_tokens, width) for one sentence",
            got=f"{type(module).__name__} with {shape}",
            fix="name others with blocks=[...], as model.base.named_modules() has them",
        )
    kept.append(said)


def reading(read: Any, text: str) -> Reading:
    """(x, words) of a text, with at least one word and not too many."""
    if not isinstance(read, Encoder) and not callable(read):
        raise refuse(
            expected="read: a function text -> (x, words), or an Encoder",
            got=f"read = {read!r:.60}",
            fix="adapter_explorer(model, sentences, read), as in lesson 11",
        )
    x, words = encoded(read, text) if isinstance(read, Encoder) else read(text)
    words = [(word, list(places)) for word, places in words if len(places)]
    if not 0 < len(words) <= MOST_WORDS:
        raise refuse(
            expected=f"a sentence of 1 to {MOST_WORDS} words: each is a row of the picture",
            got=f"{len(words)} words in {text!r:.60}",
            fix="take a part of it",
        )
    return x, words


def encoded(encoder: Encoder, text: str) -> Reading:
    """What an encoder's network reads; the signs for start and end belong to no word."""
    text = whole_letters(text)
    batch = encoder.tokenizer([text], truncation=True, max_length=encoder.longest)
    x = {name: torch.tensor(batch[name]) for name in ("input_ids", "attention_mask")}
    places: dict[int, list[int]] = {}
    for i, number in enumerate(batch.word_ids(0)):
        if number is not None:
            places.setdefault(number, []).append(i)
    spans = {number: batch.word_to_chars(0, number) for number in places}
    return x, [(text[spans[n].start : spans[n].end], at) for n, at in places.items()]


def two_tasks(model: Any, tasks: Any) -> list[int]:
    """The numbers of two different tasks."""
    if not isinstance(model, DeepRAG):
        raise refuse(
            expected="model: a DeepRAG",
            got=f"model = {type(model).__name__}",
            fix="rt.DeepRAG(network, tasks=[...]), trained with rt.fit",
        )
    asked_for = list(range(model.n_tasks))[:2] if tasks is None else tasks
    pair = [model.task_index(t) for t in asked_for] if is_list(asked_for) else []
    if len(set(pair)) != 2 or len(pair) != 2:
        raise refuse(
            expected=f"tasks: two of {', '.join(model.task_names)}",
            got=f"tasks = {tasks!r:.60}",
            fix=f"tasks={model.task_names[:2]}",
        )
    return pair


def sentences_of(sentences: Any) -> list[str]:
    """One text or several, as a list."""
    texts = [sentences] if isinstance(sentences, str) else []
    if not texts and is_list(sentences):
        texts = list(sentences)
    good = all(isinstance(text, str) and text.strip() for text in texts)
    if not good or not 0 < len(texts) <= MOST_SENTENCES:
        raise refuse(
            expected=f"sentences: one text, or up to {MOST_SENTENCES} in a list",
            got=f"sentences = {sentences!r:.60}",
            fix='sentences=["The plot was dull"]',
        )
    return [whole_letters(text) for text in texts]


def blocks_of(model: DeepRAG, blocks: Any) -> list[nn.Module]:
    """The modules whose outputs are looked at."""
    lists = {n: m for n, m in model.base.named_modules() if isinstance(m, nn.ModuleList)}
    if blocks is None and lists:
        return list(max(lists.values(), key=lambda modules: len(list(modules))))
    asked_for = [blocks] if isinstance(blocks, str) else list(blocks or [])
    known = dict(model.base.named_modules())
    missing = [name for name in asked_for if name not in known]
    if missing or not asked_for:
        raise refuse(
            expected=f"blocks: names of modules of the network, such as {', '.join([*known][1:6])}",
            got=f"no module {missing[0]!r}" if missing else "none, and no nn.ModuleList in it",
            fix="blocks=[...], as model.base.named_modules() has them",
        )
    return [known[name] for name in asked_for]


def stacked(found: list[dict[str, Any]]) -> tuple[dict[str, np.ndarray], list[list[str]]]:
    """Sentences side by side, the shorter ones filled up with zeros: arrays, and their words."""
    words = [one["words"] for one in found]
    most = max(map(len, words))
    arrays = {}
    for name in [name for name in found[0] if name != "words"]:
        parts = [one[name] for one in found]
        if name != "p":
            parts = [np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, most - a.shape[-1])]) for a in parts]
        arrays[name] = np.stack(parts).astype(np.float32)
    # moved (n_sentences, n_strengths, 2, n_layers, n_words), apart, agree without the 2,
    # p (n_sentences, n_strengths, 2, n_classes)
    return arrays, words


def measures(arrays: dict, spec: dict, state: dict) -> dict[str, float]:
    """The numbers that a goal compares: means over the words of the state's sentence and layer."""
    i = state["sentence"]
    s = state["strength"]
    at = state["layer"]
    n = len(spec["words"][i])
    apart = arrays["apart"][i, s, :, :n].mean(1)  # (n_layers,)
    moved = arrays["moved"][i, s, :, at, :n].mean(1)
    found = {
        "strength": spec["strengths"][s],
        "layer": at + 1,
        "sentence": i + 1,
        **{f"moved_{word_for(t)}": float(v) for t, v in zip(spec["tasks"], moved, strict=True)},
        "apart": float(apart[at]),
        "agree": float(arrays["agree"][i, s, at, :n].mean()),
        "widest": 1 + int(apart.argmax()),
    }
    if "p" in arrays:
        found["answers"] = len(set(arrays["p"][i, s].argmax(1).tolist()))
    return found


def alt_text(arrays: dict, spec: dict) -> str:
    """What the figure shows, in words."""
    state = spec["start"]
    names = spec["tasks"]
    n_layers = arrays["apart"].shape[2]
    first, last = (measures(arrays, spec, state | {"layer": at}) for at in (0, n_layers - 1))
    said = "; ".join(
        (
            f"under {t} the words of “{spec['sentences'][0]}” have moved by "
            f"{first[f'moved_{word_for(t)}']:.0%} of their length in the first of {n_layers} "
            f"layers and by {last[f'moved_{word_for(t)}']:.0%} in the last"
        )
        for t in names
    )
    return (
        f"Movement of each word away from the base network, layer by layer: {said}. The two tasks "
        f"are furthest apart in layer {first['widest']}."
    )


def twin(arrays: dict, spec: dict) -> Figure:
    """The static figure: words by layers, for each task, and how far the two are apart."""
    state = spec["start"]
    words = spec["words"][0]
    n = len(words)
    s = state["strength"]
    moved = arrays["moved"][0, s, :, :, :n]
    apart = arrays["apart"][0, s, :, :n]
    parts = dict(zip(spec["tasks"], moved, strict=True)) | {"apart": apart}
    n_layers = len(apart)
    width = max(2.6, 0.5 * n_layers)
    figure = Figure(figsize=(3 * width + 1.2, 0.28 * n + 1.1), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    top = max(float(values.max()) for values in parts.values()) or 1.0
    for ax, (name, values) in zip(axes, parts.items(), strict=True):
        ax.imshow(values.T, cmap="Blues", vmin=0, vmax=top, aspect="auto")
        for at, word in np.ndindex(values.shape):
            dark = values[at, word] > 0.6 * top
            text = f"{100 * values[at, word]:.0f}"
            colour = "white" if dark else "black"
            ax.text(at, word, text, ha="center", va="center", fontsize=8, color=colour)
        title = "apart" if name == "apart" else f"moved under {name}"
        ax.set(title=f"{title}, %", xlabel="layer", xticks=range(n_layers))
        ax.set(xticklabels=range(1, n_layers + 1), yticks=range(n), yticklabels=words)
    return figure
