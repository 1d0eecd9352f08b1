"""Study: the fair experiment, trajectories, plots, search, task heads."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["plots", "trajectories"])
