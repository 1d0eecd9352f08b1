"""ragteach: multi-task learning with shared weights and random adapters, small enough to read in an evening.

    import ragteach as rt

Names load on first use, so that ``import ragteach`` costs almost nothing beyond torch.
"""

import importlib

_WHERE = {
    "errors": ("RagteachError",),
    "data": ("LABELS", "TOY_TASKS", "make_toy", "load_toy", "load_handwritten", "load_article", "load_human", "load_csv"),
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
