"""Out of the lesson: one file that holds a model and all that it needs.

Enters: a trained model.  Leaves: a safetensors file (`save`), and the model again (`load`). For
ONNX files and torch's own programs, see `programs`.

    file = 8 bytes: length of the header | header (JSON) | the tensors, byte by byte

All that is not a tensor stands in the header as JSON: names, kinds, lambda, seed, the vocabulary.
There is no pickle anywhere, so loading runs no code from the file. A SHA-256 over names, JSON and
tensors tells damage.
It is a seal against accidents, not a signature: who can change the file can also change the seal.

The file is written beside its place, flushed to disk and then renamed. Renaming is one step for the
file system, so whoever looks finds the whole old file or the whole new one.

Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import scipy.sparse as sp
import torch
from safetensors import SafetensorError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ragteach.data.features import warn_of_unknown
from ragteach.data.writing import write
from ragteach.errors import one_of, refuse
from ragteach.integrations.heads import HEADS, MultiHead
from ragteach.model import RAG

FORMAT = 1
VECTORIZERS = {cls.__name__: cls for cls in (TfidfVectorizer, CountVectorizer)}


@dataclass
class Saved:
    """What `load` found in a file: the model, and what one needs to use it.

    Attributes:
        model: `RAG` or `MultiHead`. vectorizer: fitted, or None.
        labels: names of the classes (of a `MultiHead`: a dict from task to names), or None.
        training: lam, lam_shared, alpha and whatever else was noted about the training.
    """

    model: torch.nn.Module
    vectorizer: object = None
    labels: list | dict | None = None
    training: dict = field(default_factory=dict)

    def logits(self, texts, task):
        """Logits (n_docs, n_classes) of texts, by the merged task; of features if there is no
        vectoriser.
        """
        if self.vectorizer is None and len(texts) and isinstance(texts[0], str):
            raise refuse(
                expected="a model saved with its vectoriser, to read texts", got="a file without one",
                fix="save it again with save(path, model, vectorizer=...), or pass a feature matrix",
            )  # fmt: skip
        x = texts if self.vectorizer is None else self.vectorizer.transform(texts)
        if self.vectorizer is not None:
            warn_of_unknown(x)
        if isinstance(self.model, MultiHead):
            with torch.no_grad():
                return self.model(x.toarray() if sp.issparse(x) else x, task).numpy()
        linear = self.model.merge(task)
        if linear.weight.dtype not in (torch.float32, torch.float64):
            linear = linear.float()  # numpy has no bfloat16
        logits = np.asarray(
            x @ linear.weight.detach().numpy().T
        )  # (n_docs, n_classes); x may be sparse
        return logits if linear.bias is None else logits + linear.bias.detach().numpy()


def save(path, model, vectorizer=None, labels=None, **training):
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
            carry), or an unfitted one; labels or notes that JSON cannot hold.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> model = RAG(4, 2, 2, tasks=["films", "cars"])
        >>> torch.equal(load(save(path, model, lam=0.1)).model.shared, model.shared)
        True
    """
    model = getattr(model, "best_estimator_", model)
    if hasattr(model, "steps") and len(model.steps) == 2:
        vectorizer, model = (step for _, step in model.steps)
    if hasattr(model, "model_"):
        labels = (
            getattr(model, "classes_", np.array([])).tolist() or None if labels is None else labels
        )
        training = {
            k: getattr(model, k) for k in ("lam", "lam_shared", "alpha", "strategy")
        } | training
        model = model.model_
    if labels is None:
        labels = getattr(model, "class_names", None)
    if not isinstance(model, RAG | MultiHead):
        raise refuse(
            expected="a RAG, a MultiHead, or a fitted RAGClassifier", got=f"a {type(model).__name__}",
            fix="fit it first; plain torch modules can be saved with safetensors itself",
        )  # fmt: skip
    tensors = {f"model.{name}": t for name, t in model.state_dict().items() if _is_tensor(name)}
    info = {
        "format": FORMAT,
        "kind": type(model).__name__,
        "model": _model_info(model),
        "labels": labels,
    }
    info |= {"training": training, "vectorizer": None, "columns": getattr(model, "columns", None)}
    if vectorizer is not None:
        info["vectorizer"], learnt = _vectorizer_info(vectorizer)
        tensors |= learnt
    try:
        text = json.dumps(info, sort_keys=True, default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refuse(
            expected="labels and training notes that JSON can hold", got=str(error),
            fix="use text, finite numbers, lists and dicts",
        ) from error  # fmt: skip
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    metadata = {"ragteach": json.dumps({"sha256": _digest(text, tensors), "info": text})}
    return write(path, safetensors.torch.save(tensors, metadata))


def load(path):
    """Read what `save` wrote. No code from the file is run.

    Returns:
        `Saved`; every weight bit by bit as it was, with its type, and whether it was active and
        trainable.

    Raises:
        RagteachError: no such file, a file cut short or changed, one that another program wrote, or
            one of a newer format. Nothing is returned by halves.
    """
    path = Path(path)
    if not path.is_file():
        raise refuse(expected="a saved model", got=f"no file {path}", fix="check the path")
    data = path.read_bytes()
    try:
        tensors = safetensors.torch.load(data)
        metadata = (
            json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
        )
    except (SafetensorError, ValueError) as error:
        raise refuse(
            expected="a whole safetensors file",
            got=f"{path.name}, {len(data)} bytes, cut short or not one ({error})",
            fix="copy the file again, or save the model again",
        ) from error  # fmt: skip
    if "ragteach" not in metadata:
        raise refuse(
            expected="a file that ragteach saved",
            got=f"{path.name}, the tensors of another program: {sorted(tensors)[:4]}",
            fix="read it with safetensors.torch.load_file, and build the RAG yourself",
        )  # fmt: skip
    try:
        envelope = json.loads(metadata["ragteach"])
        intact = envelope["sha256"] == _digest(envelope["info"], tensors)
        info = json.loads(envelope["info"])
        new = info["format"] > FORMAT
    except (ValueError, TypeError, KeyError, AttributeError):
        intact = new = False
    if not intact:
        raise refuse(
            expected="a file as it was saved", got=f"{path.name}, changed since: its SHA-256 differs",
            fix="use the original file, or save the model again",
        )  # fmt: skip
    if new:
        raise refuse(
            expected=f"format {FORMAT}", got=f"format {info['format']}, from a newer version",
            fix="update ragteach",
        )  # fmt: skip
    try:
        return _rebuild(info, {name: t.clone() for name, t in tensors.items()})
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise refuse(
            expected="a model whose names, shapes and tensors agree",
            got=f"{path.name}, in which they do not ({error})",
            fix="use a file that save() wrote",
        ) from error  # fmt: skip


# ------------------------------------------------------------------ what stands in the header


def _model_info(model):
    body = model.body if isinstance(model, MultiHead) else model
    info = {
        "tasks": body.task_names, "adapters": body.adapter_names, "adapter": body.adapter_kind,
        "rank": body.rank, "init": body.init, "scale": body.scale, "seed": body.seed, "bias": body.bias_kind,
        "active": [body.active[name] for name in body.adapter_names],
        "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
    }  # fmt: skip
    if isinstance(model, MultiHead):
        heads = [[type(head).__name__, head.size] for head in model.heads]
        for kind, _ in heads:
            one_of("kind of head", kind, HEADS)
        info |= {"heads": heads, "activation": model.activation}
    return info


def _rebuild(info, tensors):
    """The `Saved` that header and tensors describe."""
    one_of("kind", info["kind"], ("RAG", "MultiHead"))
    given, multi = info["model"], info["kind"] == "MultiHead"
    state = {
        name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")
    }
    n_outputs, n_features = state["body.shared" if multi else "shared"].shape
    names = ("tasks", "adapters", "adapter", "rank", "init", "scale", "seed", "bias")
    options = {name: given[name] for name in names} | {"graph": "all"}
    if options["rank"] is not None and options["rank"] > max(t.numel() for t in state.values()):
        raise ValueError("a rank that no tensor has")
    if multi:
        heads = {
            t: HEADS[kind](size)
            for t, (kind, size) in zip(given["tasks"], given["heads"], strict=True)
        }
        del options["tasks"]
        options |= {"num_adapters": len(given["adapters"]), "activation": given["activation"]}
        model = MultiHead(n_features, heads, n_outputs, **options)
    else:
        model = RAG(n_features, n_outputs, len(given["adapters"]), **options)
    expected = {name: t.shape for name, t in model.state_dict().items() if _is_tensor(name)}
    if expected != {name: t.shape for name, t in state.items()}:
        raise ValueError("tensors of other names or shapes than the header says")
    model.load_state_dict(state, assign=True)
    body = model.body if multi else model
    body.active = dict(zip(body.adapter_names, map(bool, given["active"]), strict=True))
    for name, p in model.named_parameters():
        p.requires_grad_(name not in given["frozen"])
    vectorizer = None if info["vectorizer"] is None else _vectorizer(info["vectorizer"], tensors)
    model.class_names, model.columns = info["labels"], info.get("columns")
    return Saved(model, vectorizer, info["labels"], info["training"])


def _vectorizer_info(vectorizer):
    """A vectoriser as (JSON, tensors)."""
    kind, params = type(vectorizer).__name__, getattr(vectorizer, "get_params", dict)()
    code = [name for name, value in params.items() if callable(value) and name != "dtype"]
    if (
        VECTORIZERS.get(kind) is not type(vectorizer)
        or code
        or not hasattr(vectorizer, "vocabulary_")
    ):
        got = (
            f"{kind} with functions of its own: {', '.join(code)}"
            if code
            else f"{kind}, unfitted or other"
        )
        raise refuse(
            expected="a fitted TfidfVectorizer or CountVectorizer without functions of its own", got=got,
            fix="fit one made by make_vectorizer(); a file carries data, never code",
        )  # fmt: skip
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
    params |= {
        "dtype": np.dtype(params["dtype"]).name,
        "vocabulary": params["vocabulary"] is not None,
    }
    idf = (
        {"vectorizer.idf": torch.from_numpy(vectorizer.idf_.copy())}
        if params.get("use_idf")
        else {}
    )
    return {"kind": kind, "params": params, "terms": terms}, idf


def _vectorizer(info, tensors):
    """The vectoriser that JSON and tensors describe."""
    one_of("kind of vectoriser", info["kind"], VECTORIZERS)
    params = dict(info["params"])
    fixed = params.pop("vocabulary")
    params |= {"dtype": np.dtype(params["dtype"]).type, "ngram_range": tuple(params["ngram_range"])}
    vectorizer = VECTORIZERS[info["kind"]](**params, vocabulary=info["terms"])
    vectorizer.fit([""])  # with a given vocabulary this only sets up the parts
    if "vectorizer.idf" in tensors:
        vectorizer.idf_ = tensors["vectorizer.idf"].numpy()
    if not fixed:
        vectorizer.set_params(vocabulary=None)
        vectorizer.fixed_vocabulary_ = False
    return vectorizer


def _digest(text, tensors):
    """SHA-256 of the JSON and of every tensor's name, type, shape and bytes."""
    seal = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        t = tensors[name]
        seal.update(f"\n{name} {t.dtype} {tuple(t.shape)}\n".encode())
        seal.update(t.flatten().view(torch.uint8).numpy().tobytes())
    return seal.hexdigest()


def _plain(value):
    """numpy's numbers and arrays, and sets, as JSON's own."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} {value!r}")


def _is_tensor(name):
    """Whether a part of a state_dict is stored as a tensor (what is active is in the header)."""
    return not name.endswith("_extra_state")
