"""Out of the lesson: one file that holds a model and all that it needs.

Enters: a trained model.  Leaves: a safetensors file (`save`), and the model again (`load`). For
ONNX files and torch's own programs, see `programs`.

    file = 8 bytes: length of the header | header (JSON) | the tensors, byte by byte

All that is not a tensor stands in the header as JSON: names, kinds, lambda, seed, the vocabulary.
There is no pickle anywhere, so loading runs no code from the file. A SHA-256 over names, JSON and
tensors tells damage. It is a seal against accidents, not a signature: who can change the file can
also change the seal. So what a file says is checked against its tensors before anything is built
(see `trust`).

The file is written beside its place, flushed to disk and then renamed. Renaming is one step for the
file system, so whoever looks finds the whole old file or the whole new one.

Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import scipy.sparse as sp
import torch
from safetensors import SafetensorError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils import check_array

from ragteach.data.features import WORD, silent_texts, warn_of_silent
from ragteach.data.inputs import MOST_TEXTS
from ragteach.errors import one_of, refuse, shown, whole
from ragteach.ground.arguments import texts_in
from ragteach.ground.objects import as_path, attribute, has, outside
from ragteach.ground.writing import put
from ragteach.integrations.trust import (
    check_finite,
    check_labels,
    check_model,
    check_roles,
    check_vectorizer,
    read_json,
)
from ragteach.model import RAG
from ragteach.study.heads import HEADS
from ragteach.study.multi_head import MultiHead

FORMAT = 1
FIX_TEXTS = "pass a list, also for one text: ['a good film']"
VECTORIZERS = {cls.__name__: cls for cls in (TfidfVectorizer, CountVectorizer)}
IDF = "vectorizer.idf"  # the name of the words' weights in a file
# Stands in a file for `WORD`, which is long, and differs by the Unicode tables of each Python.
OUR_WORD = "<word of ragteach>"


class NoVectorizerWarning(UserWarning):
    """A model of texts is saved without what turns texts into its features."""


@dataclass
class Saved:
    """What `load` found in a file: the model, and what one needs to use it.

    Attributes:
        model: `RAG` or `MultiHead`. vectorizer: fitted, or None.
        labels: names of the classes (of a `MultiHead`: a dict from task to names), or None.
        training: lam, lam_shared, alpha and whatever else was noted about the training.
    """

    model: RAG | MultiHead
    vectorizer: Any = None
    labels: list | dict | None = None
    training: dict = field(default_factory=dict)

    def logits(self, texts: Any, task: str | int) -> np.ndarray:
        """Logits of texts, by the merged task; of features if there is no vectoriser.

        Args:
            texts: a list of strings, or features (n_docs, n_features).
            task: name or number of the task.

        Returns:
            (n_docs, n_classes)

        Warns:
            UnknownWordsWarning: of texts without any word that the model knows.
        """
        if isinstance(self.model, MultiHead):
            x = self._features(texts)
            x = x.toarray() if sp.issparse(x) else x
            with torch.no_grad():
                return self.model(x, task).numpy()
        linear = self.model.merge(task)
        x = self._features(texts)
        if linear.weight.dtype not in (torch.float32, torch.float64):
            linear = linear.float()  # numpy has no bfloat16
        weight = linear.weight.detach().numpy()
        logits = np.asarray(x @ weight.T)  # (n_docs, n_classes); x may be sparse
        return logits if linear.bias is None else logits + linear.bias.detach().numpy()

    def shared_logits(self, texts: Any) -> np.ndarray:
        """Logits of texts by what all tasks share: x W_s' + the mean of the biases.

        For a task that was not in training: it has no adapter and no bias of its own. How often
        such answers are right nobody has measured.

        Args:
            texts: as in `logits`.

        Returns:
            (n_docs, n_classes)

        Raises:
            RagteachError: a model that shares no weights, as independent models; tasks with classes
                of their own.
        """
        model = self.check_shared()
        x = self._features(texts)
        weight = model.shared.detach().double().numpy()
        logits = np.asarray(x @ weight.T)  # (n_docs, n_classes)
        bias = model.task_bias()
        return logits if bias is None else logits + bias.detach().double().mean(0).numpy()

    def check_shared(self) -> RAG:
        """The model; refuses one in which tasks share no weights of the same classes."""
        if isinstance(self.model, MultiHead) or not bool(self.model.shared.any()):
            own = isinstance(self.model, MultiHead)
            raise refuse(
                expected="a model that shares weights of the same classes, such as RAG",
                got="one whose tasks have classes of their own"
                if own
                else "one whose W_s is 0: its tasks share nothing",
                fix="train on tasks of the same classes"
                if own
                else "train with strategy RAG or full sharing (--strategy RAG)",
            )
        return self.model

    def _features(self, texts: Any) -> Any:
        """Texts as the vectoriser counts them; or features, checked."""
        flat = isinstance(texts, Iterable) and not isinstance(texts, str | bytes | Mapping)
        if self.vectorizer is not None:
            flat_list = flat and attribute(texts, "ndim", 1) == 1
            listed = texts_in("texts", texts, FIX_TEXTS, MOST_TEXTS) if flat_list else []
            if not listed or not all(isinstance(text, str) for text in listed):
                wrong = [i for i, text in enumerate(listed) if not isinstance(text, str)][:1]
                what = f"{type(texts).__name__}" + ("" if listed else " without any" * flat_list)
                at = "".join(f", of which number {i + 1} is {shown(listed[i], 60)}" for i in wrong)
                raise refuse(
                    expected="texts as a list of strings, at least one",
                    got=f"texts of type {what}{at}",
                    fix="leave that one out, or give it a text" if wrong else FIX_TEXTS,
                )
            x = self.vectorizer.transform(listed)
            warn_of_silent(len(listed), silent_texts(x, listed))
            return x
        if isinstance(texts, str) or (flat and any(isinstance(text, str) for text in texts)):
            raise refuse(
                expected="a model saved with its vectoriser, to read texts",
                got="a file without one",
                fix="save it again with save(path, model, vectorizer=...), or pass a feature "
                "matrix",
            )
        body = getattr(self.model, "body", self.model)
        try:
            x = check_array(texts, accept_sparse="csr", dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise refuse(
                expected=f"texts as finite features of shape (n_docs, {body.n_features})",
                got=f"{type(texts).__name__} ({str(error).splitlines()[0]})",
                fix="pass what the model was trained on, one row a document",
            ) from error
        if x.shape[1] != body.n_features:
            raise refuse(
                expected=f"texts as features of shape (n_docs, {body.n_features})",
                got=f"shape {x.shape}",
                fix="pass what the model was trained on, one row a document",
            )
        return texts if hasattr(texts, "shape") and not hasattr(texts, "columns") else x


def save(
    path: str | os.PathLike,
    model: Any,
    vectorizer: Any = None,
    labels: list | dict | None = None,
    **training: Any,
) -> Path:
    """Write a model to one safetensors file; the old file stays until the new one is complete.

    Args:
        path: where to; a link is followed.
        model: a `RAG`, a `MultiHead`, a fitted `RAGClassifier` (labels and lambdas are taken from
            it), a Pipeline of a vectoriser and a fitted `RAGClassifier`, or the fitted search
            (GridSearchCV) of one.
        vectorizer: the fitted TfidfVectorizer or CountVectorizer of the training texts.
        labels: names of the classes, in order. Default: the names that the data brought. Of a
            `MultiHead`: a dict from task to such names.
        training: anything JSON can hold: ``lam=0.1, lam_shared=0.01, alpha="equal"``.

    Returns:
        The path.

    Raises:
        RagteachError: a vectoriser with functions of its own (they are code, which no file may
            carry), or an unfitted one; one of other words than the model has features; labels that
            are not one name a class; weights that are not finite; notes that JSON cannot hold.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> model = RAG(4, 2, 2, tasks=["films", "cars"])
        >>> torch.equal(load(save(path, model, lam=0.1)).model.shared, model.shared)
        True
    """
    model, vectorizer, labels, noted = _unpacked(model, vectorizer, labels)
    path = _path(path)
    training = noted | training
    state = {name: t for name, t in model.state_dict().items() if _is_tensor(name)}
    check_finite(state)
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
    check_labels(labels, _sizes(model))
    tensors = {f"model.{name}": t for name, t in state.items()}
    info = {
        "format": FORMAT,
        "kind": type(model).__name__,
        "model": _model_info(model),
        "labels": labels,
        "training": training,
        "vectorizer": None,
    }
    info["columns"] = getattr(model, "columns", None)
    if vectorizer is None and info["columns"]:
        warnings.warn(
            "the model learnt from texts, and the file holds no vectoriser to read any: save(path, "
            "model, vectorizer=data.vectorizer)",
            NoVectorizerWarning,
            stacklevel=outside(),
        )
    if vectorizer is not None:
        found, learnt = _vectorizer_info(vectorizer)
        n_features = getattr(model, "body", model).n_features
        check_vectorizer(found, n_features, learnt.get(IDF))
        info["vectorizer"] = found
        tensors |= learnt
    try:
        text = json.dumps(info, sort_keys=True, default=_plain, allow_nan=False)
        read_json(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse(
            expected="labels and training notes that JSON can hold",
            got=str(error),
            fix="use text, finite numbers, lists and dicts",
        ) from error
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    metadata = {"ragteach": json.dumps({"sha256": _digest(text, tensors), "info": text})}
    return put(path, safetensors.torch.save(tensors, metadata))


def _unpacked(model: Any, vectorizer: Any, labels: Any) -> tuple[Any, Any, Any, dict]:
    """(model, vectoriser, labels, notes) out of a search, a pipeline or an estimator."""
    model = attribute(model, "best_estimator_", model)
    if has(model, "steps") and len(model.steps) == 2:
        vectorizer, model = (step for _, step in model.steps)
    noted = {}
    if has(model, "model_"):
        classes = getattr(model, "classes_", np.array([])).tolist()
        labels = classes or None if labels is None else labels
        noted = {name: getattr(model, name) for name in ("lam", "lam_shared", "alpha", "strategy")}
        model = model.model_
    if isinstance(model, torch.nn.Module) and has(model, "save", "task_names"):
        raise refuse(
            expected="model to be a RAG, a MultiHead, or a fitted RAGClassifier",
            got=f"a {type(model).__name__}, which is saved with its network",
            fix="model.save(path), and DeepRAG.load(path, base) onto the same network",
        )
    if not isinstance(model, RAG | MultiHead):
        raise refuse(
            expected="model to be a RAG, a MultiHead, or a fitted RAGClassifier",
            got=f"a {type(model).__name__}",
            fix="fit it first; plain torch modules can be saved with safetensors itself",
        )
    labels = getattr(model, "class_names", None) if labels is None else labels
    return model, vectorizer, labels, noted


def _sizes(model: Any) -> dict[str, int] | int:
    """How many classes there are to name: of a RAG; of a `MultiHead`, by task."""
    if isinstance(model, RAG):
        return model.n_classes
    heads = zip(model.task_names, model.heads, strict=True)
    return {task: head.size for task, head in heads}


def _path(path: Any) -> Path:
    """The path of a file, which may not be there yet."""
    if not isinstance(path, str | os.PathLike) or not as_path("path", path):
        raise refuse(
            expected="path of a file, as text or pathlib.Path",
            got=f"path = {shown(path)}",
            fix="give a name such as 'model.safetensors'",
        )
    return Path(path)


def load(path: str | os.PathLike) -> Saved:
    """Read what `save` wrote. No code from the file is run.

    Returns:
        `Saved`; every weight bit by bit as it was, with its type, and whether it was active and
        trainable.

    Raises:
        RagteachError: no such file, a file cut short or changed, one that another program wrote,
            one of a newer format, or one whose parts do not fit each other. Nothing is returned by
            halves.
    """
    path = _path(path)
    if not os.path.isfile(path):  # False for a name too long, where Path.is_file raises
        there = "the folder" if os.path.isdir(path) else "no file"
        got = f"{there} {shown(str(path))}"
        raise refuse(expected="a saved model", got=got, fix="check the path")
    try:
        data = path.read_bytes()
    except OSError as error:
        got = f"{path}: {error.strerror}"
        raise refuse(expected="a saved model", got=got, fix="check who may read it") from error
    try:
        tensors = safetensors.torch.load(data)
        header = read_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header.get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError) as error:
        raise refuse(
            expected="a whole safetensors file",
            got=f"{path.name}, {len(data)} bytes, cut short or not one ({error})",
            fix="copy the file again, or save the model again",
        ) from error
    if "ragteach" not in metadata:
        raise refuse(
            expected="a file that ragteach saved",
            got=f"{path.name}, the tensors of another program: {sorted(tensors)[:4]}",
            fix="read it with safetensors.torch.load_file, and build the RAG yourself",
        )
    info = _opened(metadata["ragteach"], tensors, path)
    try:
        return _rebuild(info, {name: t.clone() for name, t in tensors.items()})
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise refuse(
            expected="a model whose names, shapes and tensors agree",
            got=f"{path.name}, in which they do not ({str(error)[:500]})",
            fix="use a file that save() wrote",
        ) from error


def _opened(sealed: str, tensors: dict[str, torch.Tensor], path: Path) -> dict:
    """What stands under the seal, if the seal is whole and the format known."""
    try:
        envelope = read_json(sealed)
        intact = envelope["sha256"] == _digest(envelope["info"], tensors)
    except (ValueError, TypeError, KeyError, AttributeError):
        intact = False
    if not intact:
        raise refuse(
            expected="a file as it was saved",
            got=f"{path.name}, changed since: its SHA-256 differs",
            fix="use the original file, or save the model again",
        )
    try:
        info = read_json(envelope["info"])
        whole("format", info["format"], 1)
    except (ValueError, TypeError, KeyError) as error:
        raise refuse(
            expected="a header that can be read",
            got=f"{path.name}, whose header cannot ({str(error)[:200]})",
            fix="use a file that save() wrote",
        ) from error
    if info["format"] > FORMAT:
        raise refuse(
            expected=f"format {FORMAT}",
            got=f"format {info['format']}, from a newer version",
            fix="update ragteach",
        )
    return info


# ------------------------------------------------------------------ what stands in the header


def _model_info(model: Any) -> dict[str, Any]:
    body = model.body if isinstance(model, MultiHead) else model
    info = {
        "tasks": body.task_names,
        "adapters": body.adapter_names,
        "adapter": body.adapter_kind,
        "rank": body.rank,
        "init": body.init,
        "scale": body.scale,
        "seed": body.seed,
        "bias": body.bias_kind,
        "active": [body.active[name] for name in body.adapter_names],
        "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
    }
    if isinstance(model, MultiHead):
        heads = [[type(head).__name__, head.size] for head in model.heads]
        for kind, _ in heads:
            one_of("kind of head", kind, HEADS)
        info |= {"heads": heads, "activation": model.activation}
    return info


def _rebuild(info: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Saved:
    """The `Saved` that header and tensors describe."""
    one_of("kind", info["kind"], ("RAG", "MultiHead"))
    odd = [name for name in tensors if not name.startswith("model.") and name != IDF]
    if odd or (IDF in tensors and info["vectorizer"] is None):
        raise ValueError(f"a tensor that belongs to nothing, {(odd or [IDF])[0]!r:.100}")
    given = info["model"]
    multi = info["kind"] == "MultiHead"
    state = {
        name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")
    }
    n_outputs, n_features = state["body.shared" if multi else "shared"].shape
    check_model(given, state, multi, HEADS)
    names = ("tasks", "adapters", "adapter", "rank", "init", "scale", "seed", "bias")
    options = {name: given[name] for name in names} | {"graph": "all"}
    if multi:
        kinds = zip(given["tasks"], given["heads"], strict=True)
        heads = {task: HEADS[kind](size) for task, (kind, size) in kinds}
        del options["tasks"]
        options |= {"num_adapters": len(given["adapters"]), "activation": given["activation"]}
        model: Any = MultiHead(n_features, heads, n_outputs, **options)
        body = model.body
    else:
        model = body = RAG(n_features, n_outputs, len(given["adapters"]), **options)
    model.load_state_dict(state, assign=True)
    body.active = dict(zip(body.adapter_names, map(bool, given["active"]), strict=True))
    for name, p in model.named_parameters():
        p.requires_grad_(name not in given["frozen"])
    check_labels(info["labels"], _sizes(model))
    model.class_names = info["labels"]
    check_roles(info.get("columns"))
    model.columns = info.get("columns")
    found = info["vectorizer"]
    idf = tensors.get(IDF)
    if found is not None:
        check_vectorizer(found, n_features, idf)
    vectorizer = None if found is None else _vectorizer(found, tensors)
    return Saved(model, vectorizer, info["labels"], dict(info["training"]))


def _vectorizer_info(vectorizer: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A vectoriser as (JSON, tensors)."""
    kind = type(vectorizer).__name__
    params: dict[str, Any] = attribute(vectorizer, "get_params", dict)()
    code = [name for name, value in params.items() if callable(value) and name != "dtype"]
    fitted = VECTORIZERS.get(kind) is type(vectorizer) and hasattr(vectorizer, "vocabulary_")
    if code or not fitted:
        own = f"{kind} with functions of its own: {', '.join(code)}"
        raise refuse(
            expected="a fitted TfidfVectorizer or CountVectorizer without functions of its own",
            got=own if code else f"{kind}, unfitted or other",
            fix="fit one made by make_vectorizer(); a file carries data, never code",
        )
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
    params |= {
        "dtype": np.dtype(params["dtype"]).name,
        "vocabulary": params["vocabulary"] is not None,
    }
    if params["token_pattern"] == WORD:
        params["token_pattern"] = OUR_WORD
    idf = {}
    if params.get("use_idf"):
        idf[IDF] = torch.from_numpy(vectorizer.idf_.copy())
    return {"kind": kind, "params": params, "terms": terms}, idf


def _vectorizer(info: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Any:
    """The vectoriser that JSON and tensors describe."""
    one_of("kind of vectoriser", info["kind"], VECTORIZERS)
    params = dict(info["params"])
    fixed = params.pop("vocabulary")
    params |= {"dtype": np.dtype(params["dtype"]).type, "ngram_range": tuple(params["ngram_range"])}
    if params["token_pattern"] == OUR_WORD:
        params["token_pattern"] = WORD
    vectorizer = VECTORIZERS[info["kind"]](**params, vocabulary=info["terms"])
    vectorizer.fit([""])  # with a given vocabulary this only sets up the parts
    if IDF in tensors:
        vectorizer.idf_ = tensors[IDF].numpy()
    if not fixed:
        vectorizer.set_params(vocabulary=None)
        vectorizer.fixed_vocabulary_ = False
    return vectorizer


def _digest(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the JSON and of every tensor's name, type, shape and bytes."""
    seal = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        t = tensors[name]
        seal.update(f"\n{name} {t.dtype} {tuple(t.shape)}\n".encode())
        seal.update(t.flatten().view(torch.uint8).numpy().tobytes())
    return seal.hexdigest()


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays, and sets, as JSON's own."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} {shown(value)}")


def _is_tensor(name: str) -> bool:
    """Whether a part of a state_dict is stored as a tensor (what is active is in the header)."""
    return not name.endswith("_extra_state")
