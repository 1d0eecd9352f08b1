"""Documents as they come, as features: what a dataset does with texts and with numbers.

Enters: texts, or numbers of shape (n_docs, n_features).  Leaves: a float32 tensor, or a scipy CSR
matrix where a tensor would be too large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from ragteach.data.features import ANALYZERS, make_vectorizer, warn_of_unknown
from ragteach.errors import RagteachError, is_list, is_number, refuse, shown
from ragteach.ground.arguments import texts_in
from ragteach.ground.objects import as_array, as_plain, attribute, has

SPARSE_ABOVE = 5_000  # features; wider sparse matrices stay sparse,
MOST_TEXTS = 100_000_000
DENSE_NUMBERS = 20_000_000  # and so do those that would fill more than 80 MB


def as_texts(texts: Any) -> list[str] | None:
    """The texts as a list, or None if these are numbers."""
    if isinstance(texts, str):
        raise refuse(
            expected="a list of texts",
            got="one single text",
            fix="put it in a list: [text], with labels [label]",
        )
    if attribute(texts, "ndim", 1) != 1 or isinstance(texts, torch.Tensor):
        return None
    if not is_list(texts):
        raise refuse(
            expected="a list of texts, or numbers of shape (n_docs, n_features)",
            got=f"{type(texts).__name__} that is neither",
            fix="pass strings, a numpy array, a tensor or a scipy sparse matrix",
        )
    texts = texts_in("texts", texts, "texts=['a good film', 'bad brakes']", MOST_TEXTS)
    texts = [str(t) if isinstance(t, str) else t for t in texts]  # numpy's strings are plain ones
    absent = [
        i for i, t in enumerate(texts) if t is None or t is pd.NA or (is_number(t) and t != t)
    ]
    if absent and any(isinstance(t, str) for t in texts):
        raise refuse(
            expected="a list of texts, one for every document",
            got=f"list that is neither: {len(absent)} of {len(texts)} are None or NaN",
            fix="pass strings: leave those documents out, or use from_frame(frame, missing='drop')",
        )
    return texts if texts and all(isinstance(t, str) for t in texts) else None


def vectorized(texts: list[str], vectorizer: Any) -> tuple[Any, Any]:
    """A fitted vectoriser and what it makes of the texts.

    Args:
        vectorizer: fitted; or the name of an analyzer, of one that is to be fitted.
    """
    analyzer = "auto" if vectorizer is None else vectorizer
    if isinstance(analyzer, str) and analyzer in ANALYZERS:
        vectorizer = None
    fits = has(vectorizer, "fit", "transform")
    if vectorizer is not None and (isinstance(vectorizer, type) or not fits):
        raise refuse(
            expected="vectorizer: a scikit-learn vectoriser that is fitted",
            got=f"vectorizer = {type(vectorizer).__name__} {shown(vectorizer, 60)}",
            fix="pass train.vectorizer, or leave it out",
        )
    try:
        if vectorizer is not None:
            x = vectorizer.transform(texts)
            warn_of_unknown(x)
            return vectorizer, x
        vectorizer = make_vectorizer(analyzer=analyzer)
        return vectorizer, vectorizer.fit_transform(texts)
    except ValueError as error:
        raise refuse(
            expected="texts with words in them, and a vectorizer that is fitted",
            got=f"{len(texts)} texts, such as {shown(texts[0] if texts else None, 60)}: {error}",
            fix="look at your texts; fit the vectorizer on the training texts, or leave it out "
            "(make_vectorizer(analyzer='char') takes signs and emoji too)",
        ) from error


def _as_scipy(x: torch.Tensor) -> sp.csr_matrix:
    """A sparse tensor of two axes as scipy's matrix."""
    parts = x.detach().cpu().to_sparse_coo().coalesce()
    values = parts.values().float().numpy()
    places = parts.indices().numpy()
    return sp.csr_matrix((values, (places[0], places[1])), shape=tuple(parts.shape))


def as_features(x: Any) -> Any:
    """Numbers of shape (n_docs, n_features): float32 tensor, or CSR when wide and sparse."""
    if isinstance(x, torch.Tensor) and x.layout != torch.strided and x.ndim == 2:
        x = _as_scipy(x)
    if sp.issparse(x) and x.ndim == 2 and x.dtype.kind in "biuf":
        x = sp.csr_matrix(x, dtype=np.float32)
        finite = np.isfinite(x.data).all()
        shape = x.shape
        wide = shape[1] > SPARSE_ABOVE or shape[0] * shape[1] > DENSE_NUMBERS
        x = x if wide else torch.from_numpy(x.toarray())
    else:
        try:
            x = (
                as_plain("texts", x.detach())
                if isinstance(x, torch.Tensor)
                else as_array("texts", x)
            )
            x = torch.as_tensor(x)
            if x.is_complex():
                raise TypeError("complex numbers: pass .real or .abs()")
            x = x.to(torch.float32)
        except RagteachError:
            raise
        except (TypeError, ValueError) as error:
            raise refuse(
                expected="a list of texts, or numbers of shape (n_docs, n_features)",
                got=f"{type(x).__name__} that is neither ({error})",
                fix="pass strings, a numpy array, a tensor or a scipy sparse matrix",
            ) from error
        finite = bool(torch.isfinite(x).all())
        shape = tuple(x.shape)
    if len(shape) != 2 or 0 in shape:
        raise refuse(
            expected="features of shape (n_docs, n_features), neither of them 0",
            got=f"shape {shape}",
            fix="one row per document, one column per feature; x.reshape(1, -1) makes a row of one "
            "document",
        )
    if not finite:
        raise refuse(
            expected="finite features",
            got="NaN or infinity among them",
            fix="find them with numpy.isfinite and drop or fill those rows",
        )
    return x
