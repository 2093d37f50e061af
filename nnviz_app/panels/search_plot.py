"""Two losses over the evaluations that they have cost: random search and gradient descent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from nnviz_app.panels.curve_line import line_pen
from nnviz_app.panels.plain_plot import PlainPlot
from nnviz_app.theme import theme

Numbers = NDArray[np.float64]
# Points of a curve that are drawn at most.
MOST_POINTS = 2000
# A larger loss is not drawn: an axis could not span it.
MOST_DRAWN = 1e150
# The least loss on a logarithmic axis.
LEAST = 1e-300


def thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """What is computed of a curve, of many points an even choice with the last one."""
    known = np.flatnonzero(np.abs(y) < MOST_DRAWN)
    if len(known) > MOST_POINTS:
        known = known[np.linspace(0, len(known) - 1, MOST_POINTS).astype(np.intp)]
    return x[known], y[known]


class SearchPlot(PlainPlot):
    """Draws what it is given. `hovered` carries a number of evaluations, or None."""

    hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Losses over the evaluations", parent)
        self.search = self.pg.PlotCurveItem(antialias=True)
        self.descent = self.pg.PlotCurveItem(antialias=True)
        for part in (self.search, self.descent):
            self.item.addItem(part, ignoreBounds=True)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        super().restyle()
        palette = theme().palette
        self.search.setPen(line_pen(palette.series[1], 2.0))
        self.descent.setPen(line_pen(palette.series[0], 2.0))
        self.set_titles("loss evaluations", "loss")

    def show_curves(
        self, search: tuple[Numbers, Numbers], descent: tuple[Numbers, Numbers], *, budget: int, log: bool
    ) -> None:
        """Draw as much as is computed of both curves, each evaluations and losses."""
        self.item.getAxis("left").setLogMode(False, log)
        drawn = []
        for curve, (x, y) in ((self.search, thinned(*search)), (self.descent, thinned(*descent))):
            heights = np.log10(np.maximum(y, LEAST)) if log else y
            curve.setData(x, heights)
            drawn.append(heights)
        both = np.concatenate(drawn)
        if not len(both):
            return
        low, high = float(both.min()), float(both.max())
        if not log:
            # From 0, so that heights can be compared; what overflows must not press the rest flat.
            low, high = 0.0, min(high, 3.0 * max(float(y[0]) for y in drawn if len(y)))
        margin = 0.06 * (high - low) or max(0.1 * abs(high), 1e-12)
        self.item.setXRange(0.0, float(budget), padding=0.01)
        self.item.setYRange(low - margin if log else 0.0, high + margin, padding=0.0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() is QEvent.Type.MouseMove:
            scene = self.plot.mapToScene(event.position().toPoint())
            inside = self.view.sceneBoundingRect().contains(scene)
            self.hovered.emit(self.view.mapSceneToView(QPointF(scene)).x() if inside else None)
        elif event.type() is QEvent.Type.Leave:
            self.hovered.emit(None)
        return super().eventFilter(watched, event)
