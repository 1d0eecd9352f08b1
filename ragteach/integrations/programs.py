"""Programs that others can run: ONNX for any runtime, `torch.export` for torch alone.

Enters: a trained `RAG`.  Leaves: an ONNX file (`export_onnx`), or an exported program
    (`export_program`).

    one task      x (n_docs, n_features) -> W_t x + b_t (n_docs, n_classes): the merged layer, one product
    every task    x (n_docs, n_features) -> (n_docs, n_tasks, n_classes)

Formats: https://onnx.ai, https://docs.pytorch.org/docs/stable/export.html
"""

from __future__ import annotations

import copy
import logging
import warnings
from contextlib import contextmanager

import torch

from ragteach.data.writing import write
from ragteach.errors import need


def export_onnx(model, path, task=None):
    """Write an ONNX program: input ``x`` (n_docs, n_features), output ``logits``, any number of
    documents.

    Args:
        task: a name or number: logits (n_docs, n_classes) of one product. None: (n_docs, n_tasks,
            n_classes).

    Returns:
        The path. Run it with ``onnxruntime.InferenceSession(path).run(None, {"x": x})``.
    """
    need("onnx", "onnxscript")
    module = _AllTasks(copy.deepcopy(model)) if task is None else model.merge(task)
    x = torch.zeros(
        2, model.n_features
    )  # the type ONNX runtimes expect; its number of rows stays open
    with _quiet():
        program = torch.onnx.export(
            module.float().eval(), (x,), input_names=["x"], output_names=["logits"], dynamo=True,
            verbose=False, dynamic_shapes=({0: torch.export.Dim("n_docs")},),
        )  # fmt: skip
    return write(path, program.model_proto.SerializeToString())


def export_program(model, task=None):
    """The model as a `torch.export.ExportedProgram`: its graph without Python, for any number of
    documents.

    Args:
        task: see `export_onnx`.

    Example:
        >>> from ragteach import RAG
        >>> program = export_program(RAG(4, 2, 2, tasks=["films", "cars"]), "films")
        >>> program.module()(torch.zeros(3, 4)).shape
        torch.Size([3, 2])
    """
    module = _AllTasks(copy.deepcopy(model)) if task is None else model.merge(task)
    x = torch.zeros(2, model.n_features, dtype=model.shared.dtype)
    return torch.export.export(
        module.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("n_docs")},)
    )


class _AllTasks(torch.nn.Module):
    """The model one level down: at the top, its buffer ``graph`` clashes with a name of torch
    programs.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)


@contextmanager
def _quiet():
    """torch's exporter logs that torchvision is missing, and uses a name that torch is about to
    retire.
    """
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
            yield
    finally:
        log.setLevel(level)
