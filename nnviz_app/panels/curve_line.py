"""One line of the loss plot, quick to draw however many points it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

Numbers = NDArray[np.float64]

# A longer line is drawn piece by piece, which is many times quicker, but dashes would begin anew with each piece.
LONG = 200
DASH = (4.0, 3.0)
# The same in pixels, for a long line.
LONG_DASH, LONG_GAP = 7.0, 4.0


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a line looks; `dot` is the colour of its points, if they are marked."""

    color: QColor
    width: float
    dashed: bool = False
    dot: QColor | None = None


def line_pen(color: QColor, width: float, *, dashed: bool = False) -> QPen:
    """A pen of this width in pixels whatever the axes' scales."""
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern(list(DASH))
    return pen


def draw_line(curve: Any, x: Numbers, y: Numbers, style: LineStyle, *, pixels: float, in_pieces: bool = True) -> None:
    """Let pyqtgraph's `curve` show these points. It breaks off where y is NaN; `pixels` is one unit of x wide.

    Unless `in_pieces` a long line is drawn as any other: slowly, with its joints and dashes right.
    """
    known = ~np.isnan(y)
    if not known.any():
        if curve.xData is not None and len(curve.xData):
            curve.setData([], [])
        return
    is_long = in_pieces and len(x) > LONG
    if is_long and style.dashed:
        y = np.where(_dashes(x * pixels), y, np.nan)
    curve.curve.setSegmentedLineMode("on" if is_long else "off")
    curve.setData(
        x,
        y,
        connect="finite",
        pen=line_pen(style.color, style.width, dashed=style.dashed and not is_long),
        symbol=None if style.dot is None else "o",
        symbolSize=5,
        symbolBrush=style.dot,
        symbolPen=None,
    )


def _dashes(x: Numbers) -> NDArray[np.bool_]:
    """Which points, at `x` in pixels, are on a dash: the line is cut at the others."""
    spacing = (x[-1] - x[0]) / (len(x) - 1)
    dash, gap = max(LONG_DASH, 3.0 * spacing), max(LONG_GAP, 1.2 * spacing)
    dashes: NDArray[np.bool_] = (x - x[0]) % (dash + gap) <= dash
    return dashes
