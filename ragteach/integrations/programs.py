"""Programs that others can run: ONNX for any runtime, `torch.export` for torch alone.

Enters: a trained `RAG`.  Leaves: an ONNX file (`export_onnx`), or an exported program
    (`export_program`).

    one task      x (n_docs, n_features) -> W_t x + b_t (n_docs, n_classes): one product
    every task    x (n_docs, n_features) -> (n_docs, n_tasks, n_classes)

Formats: https://onnx.ai, https://docs.pytorch.org/docs/stable/export.html
"""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ragteach.errors import need
from ragteach.ground.writing import check_place, put
from ragteach.integrations.trust import check_rag
from ragteach.model import RAG


def export_onnx(model: RAG, path: str | os.PathLike, task: str | int | None = None) -> Path:
    """Write an ONNX program for any number of documents: ``x`` (n_docs, n_features) -> ``logits``.

    Args:
        task: a name or number: logits (n_docs, n_classes) of one product. None: (n_docs, n_tasks,
            n_classes).

    Returns:
        The path. Run it with ``onnxruntime.InferenceSession(path).run(None, {"x": x})``.
    """
    check_rag(model)
    need("onnx", "onnxscript")
    check_place(path)
    module = _AllTasks(copy.deepcopy(model)) if task is None else model.merge(task)
    # float32 is the type that ONNX runtimes expect; the number of rows stays open.
    x = torch.zeros(2, model.n_features)
    names = {"input_names": ["x"], "output_names": ["logits"]}
    rows = ({0: torch.export.Dim("n_docs")},)
    options = names | {"dynamo": True, "verbose": False, "dynamic_shapes": rows}
    with _quiet():
        program = torch.onnx.export(module.float().eval(), (x,), **options)
    return put(path, program.model_proto.SerializeToString())


def export_program(model: RAG, task: str | int | None = None) -> torch.export.ExportedProgram:
    """The model as a `torch.export.ExportedProgram`, for any number of documents.

    Args:
        task: see `export_onnx`.

    Example:
        >>> from ragteach import RAG
        >>> program = export_program(RAG(4, 2, 2, tasks=["films", "cars"]), "films")
        >>> program.module()(torch.zeros(3, 4)).shape
        torch.Size([3, 2])
    """
    check_rag(model)
    module = _AllTasks(copy.deepcopy(model)) if task is None else model.merge(task)
    x = torch.zeros(2, model.n_features, dtype=model.shared.dtype)
    return torch.export.export(
        module.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("n_docs")},)
    )


class _AllTasks(torch.nn.Module):
    """The model one level down: a torch program keeps the name ``graph`` for itself."""

    def __init__(self, model: RAG) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


@contextmanager
def _quiet() -> Iterator[None]:
    """torch's exporter logs that torchvision is missing, and uses a name about to be retired."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
            yield
    finally:
        log.setLevel(level)
