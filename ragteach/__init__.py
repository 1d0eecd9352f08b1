"""Multi-task learning with shared weights and random adapters; the public names.

    import ragteach as rt

Names load on first use, so that ``import ragteach`` costs almost nothing beyond torch. What there
is stands in ``__init__.pyi``, where editors and type checkers read it too.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
