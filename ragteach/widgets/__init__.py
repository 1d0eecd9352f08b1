"""Explorers: pictures that follow the hand.  Each function displays its static twin and returns a live widget.

    sharing_slider     from independent models to one for all

Enters: your data or model (or nothing: toy data).  Leaves: a figure on the page, and an anywidget.
"""

from ragteach.widgets.base import Explorer
from ragteach.widgets.sharing import sharing_slider, toy_parts

__all__ = ["Explorer", "sharing_slider", "toy_parts"]
