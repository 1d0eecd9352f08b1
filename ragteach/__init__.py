"""ragteach: multi-task learning with shared weights and random adapters, small enough to read in an evening.

    import ragteach as rt

Names load on first use, so that ``import ragteach`` costs almost nothing beyond torch.
"""

import importlib
import sys
import types

_WHERE = {
    "errors": ("RagteachError",),
    "data": (
        "LABELS",
        "TOY_TASKS",
        "make_toy",
        "load_toy",
        "load_handwritten",
        "load_article",
        "load_human",
        "load_csv",
    ),
    "features": ("make_vectorizer",),
    "tasks": ("MISSING", "MultiTaskDataset", "TaskTensors", "split_frame"),
    "graph": ("routing_graph", "task_covariance"),
    "model": ("RAG", "Adapter", "task_weights", "task_logits"),
    "losses": ("MultiTaskLoss", "cross_entropy", "residual", "penalty"),
    "engine": ("Replicas", "train_many", "gradients"),
    "trainer": ("train_epoch", "evaluate", "fit", "History"),
    "solver": ("solve", "solve_path", "Solution"),
    "trajectories": ("Recorder", "Trajectory"),
    "compare": ("compare", "summary", "paired", "who_wins_map"),
    "estimator": ("RAGClassifier",),
    "regressor": ("RAGRegressor",),
    "heads": (
        "MultiHead",
        "Classification",
        "Regression",
        "MultiLabel",
        "Ranking",
        "Similarity",
        "fit_heads",
    ),
    "export": ("save", "load"),
    "programs": ("export_onnx", "export_program"),
    "peft_bridge": ("to_peft", "from_peft", "lora_weights"),
    "search": ("search",),
    "tracking": ("TensorBoard", "WandB"),
    "augment": ("class_weights", "resample", "augment", "self_train"),
    "checks": ("check", "reference"),
    "hints": ("card", "hint", "predict", "reveal", "rubric"),
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}
__all__ = sorted(_MODULE_OF)
__version__ = "0.1.0"


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"ragteach.{_MODULE_OF[name]}"), name)
    if name in _WHERE or name in ("plots", "widgets"):
        return importlib.import_module(f"ragteach.{name}")
    raise AttributeError(f"module 'ragteach' has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]


class _Package(types.ModuleType):
    """Importing ragteach.compare makes Python bind that name here; ``rt.compare`` stays the function."""

    def __setattr__(self, name, value):
        if name in _MODULE_OF and isinstance(value, types.ModuleType):
            value = getattr(value, name, value)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
