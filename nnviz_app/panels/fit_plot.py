"""The network's outputs over their targets: on the line where both are the same, the network is right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QCursor, QMouseEvent, QPen
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from core.evaluation import Evaluation
from core.numbers import format_exact
from nnviz_app.palette import faded
from nnviz_app.panels.plot_look import restyle_axes, set_axis_titles
from nnviz_app.theme import theme

# More points could not be told apart, and would take long to draw.
MOST_POINTS = 3_000
# How near the pointer must be to a point, in pixels.
NEAR = 12.0
# An axis cannot span what is larger.
MOST_DRAWN = 1e150


class FitPlot(QWidget):
    """A point for each row and output. `pressed` carries the row of a point that is clicked.

    pyqtgraph is imported when it is made.
    """

    pressed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        self.item = self.plot.getPlotItem()
        self.view = self.item.getViewBox()
        self.item.hideButtons()
        self.item.setMouseEnabled(x=False, y=False)
        self.item.disableAutoRange()
        self.item.scene().contextMenu = []
        self.line = pg.InfiniteLine(pos=(0.0, 0.0), angle=45, movable=False)
        self.dots = pg.ScatterPlotItem(size=7, pxMode=True)
        self.ring = pg.ScatterPlotItem(size=13, pxMode=True)
        for part in (self.line, self.dots, self.ring):
            self.item.addItem(part, ignoreBounds=True)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self.plot.setAccessibleName("Outputs over their targets")
        self._rows: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._columns = self._rows
        self._places = np.zeros((0, 2))
        self._names: tuple[str, ...] = ()
        self._near: int | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        palette = theme().palette
        restyle_axes(self.plot)
        set_axis_titles(self.plot, left="output", bottom="target")
        line = QPen(palette.muted, 1.0, Qt.PenStyle.DashLine)
        line.setCosmetic(True)
        self.line.setPen(line)
        ring = QPen(palette.backward, 2.0)
        ring.setCosmetic(True)
        self.ring.setPen(ring)
        self.ring.setBrush(None)

    def show_evaluation(self, evaluation: Evaluation, row: int) -> int:
        """Draw the rows, of many an even choice; `row` is the one on show. Return how many rows are drawn."""
        count, outputs = evaluation.targets.shape
        chosen = np.arange(count)
        most = MOST_POINTS // outputs
        if count > most:
            chosen = np.linspace(0, count - 1, most).astype(np.intp)
        places = np.stack([evaluation.targets[chosen].T.ravel(), evaluation.outputs[chosen].T.ravel()], axis=1)
        rows = np.tile(evaluation.rows[chosen], outputs)
        columns = np.repeat(np.arange(outputs), len(chosen))
        usable = (np.abs(places) < MOST_DRAWN).all(axis=1)
        self._places, self._rows, self._columns = places[usable], rows[usable], columns[usable]
        self._names = evaluation.names
        self._draw(row)
        return len(chosen)

    def _draw(self, row: int) -> None:
        places, palette = self._places, theme().palette
        brushes: Any = faded(palette.class_color(0), 0.7)
        if len(self._names) > 1:
            colors = [faded(palette.class_color(column), 0.7) for column in range(len(self._names))]
            brushes = [colors[column] for column in self._columns.tolist()]
        self.dots.setData(x=places[:, 0], y=places[:, 1], brush=brushes, pen=None)
        self.show_row(row)
        if not len(places):
            return
        low, high = float(places.min()), float(places.max())
        margin = 0.05 * (high - low) or max(0.1 * abs(low), 1.0)
        self.item.setXRange(low - margin, high + margin, padding=0.0)
        self.item.setYRange(low - margin, high + margin, padding=0.0)

    def show_row(self, row: int) -> None:
        """Mark the points of a row, if it is drawn."""
        own = self._places[self._rows == row]
        self.ring.setData(x=own[:, 0], y=own[:, 1])

    # The pointer

    def _point_at(self, position: QPointF) -> int | None:
        """The point nearest to a place of the viewport, if it is near."""
        scene = QPointF(self.plot.mapToScene(position.toPoint()))
        rect, ranges = self.view.sceneBoundingRect(), self.view.viewRange()
        if not len(self._places) or not rect.contains(scene):
            return None
        (left, right), (bottom, top) = ranges
        x = rect.left() + (self._places[:, 0] - left) / (right - left) * rect.width()
        y = rect.bottom() - (self._places[:, 1] - bottom) / (top - bottom) * rect.height()
        distances = np.hypot(x - scene.x(), y - scene.y())
        nearest = int(np.argmin(distances))
        return nearest if distances[nearest] <= NEAR else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip:
            # The scene, which has none, would take this one away.
            return True
        if event.type() is QEvent.Type.Leave:
            QToolTip.hideText()
        elif isinstance(event, QMouseEvent):
            point = self._point_at(event.position())
            if event.type() is QEvent.Type.MouseMove:
                self._hover(point)
            elif event.type() is QEvent.Type.MouseButtonPress and event.button() is Qt.MouseButton.LeftButton:
                if point is not None:
                    self.pressed.emit(int(self._rows[point]))
                return True
        return super().eventFilter(watched, event)

    def _hover(self, point: int | None) -> None:
        shape = Qt.CursorShape.ArrowCursor if point is None else Qt.CursorShape.PointingHandCursor
        self.plot.viewport().setCursor(shape)
        if point is None:
            QToolTip.hideText()
            return
        target, output = (format_exact(float(number)) for number in self._places[point])
        name = self._names[self._columns[point]]
        text = f"Row {self._rows[point] + 1:,}\n{name}: output {output}\ntarget {target}"
        QToolTip.showText(QCursor.pos(), text, self)
