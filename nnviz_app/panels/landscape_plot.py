"""The plot of the landscape panel: curves of parameters over the updates, or the loss as a surface with a path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.landscape import SIDE, Surface
from core.numbers import format_number
from nnviz_app.palette import faded, mix
from nnviz_app.panels.plot_look import restyle_axes, set_axis_titles
from nnviz_app.theme import theme

Values = NDArray[np.float64]

# Losses whose largest is so many times the smallest are coloured by their logarithms.
LOG_FROM = 20.0
LEVEL_LINES = 11
# Points of the picture for each of the grid's.
FINER = 4
COLORS = 256


def _pen(color: QColor, width: float, *, dashed: bool = False) -> QPen:
    """A pen of this width in pixels whatever the axes' scales."""
    pen = QPen(color, width)
    pen.setCosmetic(True)
    if dashed:
        pen.setDashPattern([3.0, 3.0])
    return pen


def heights(losses: Values) -> tuple[Values, bool]:
    """What is coloured, NaN where there is nothing finite, and whether it is the logarithm."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    known = finite[~np.isnan(finite)]
    is_log = len(known) > 0 and known.min() > 0 and known.max() > LOG_FROM * known.min()
    return (np.log10(finite) if is_log else finite), is_log


def _finer(values: Values) -> Values:
    """The same surface with FINER - 1 more points between any two, on straight lines between them."""
    coarse, fine = np.arange(SIDE), np.linspace(0, SIDE - 1, FINER * (SIDE - 1) + 1)
    across = np.stack([np.interp(fine, coarse, row) for row in values])
    return np.stack([np.interp(fine, coarse, column) for column in across.T], axis=1)


class LossScale(QWidget):
    """The colours of the surface with the smallest and the largest loss."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low = self.high = 0.0
        self.is_log = False
        self.setVisible(False)

    def show_range(self, low: float, high: float, is_log: bool) -> None:
        """Show a scale from `low` to `high`."""
        self.low, self.high, self.is_log = low, high, is_log
        self.setToolTip(f"Loss from {low!r} to {high!r}" + (", in equal factors" if is_log else ""))
        self.setVisible(True)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(12), theme().space(1.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(8), theme().space(1.5))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = theme().font("small")
        painter.setFont(font)
        low, high = f"loss {format_number(self.low, 3)}", format_number(self.high, 3)
        measure = painter.fontMetrics().horizontalAdvance
        gap = theme().space(0.5)
        bar = QRectF(measure(low) + gap, self.height() * 0.25, 0.0, self.height() * 0.5)
        bar.setRight(min(self.width() - measure(high) - gap, bar.left() + theme().space(12)))
        painter.setPen(theme().palette.muted)
        painter.drawText(QRectF(0, 0, measure(low) + 1, self.height()), Qt.AlignmentFlag.AlignVCenter, low)
        right = QRectF(bar.right() + gap, 0, measure(high) + 1, self.height())
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter, high)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        gradient.setColorAt(0.0, shade(0.0))
        gradient.setColorAt(1.0, shade(1.0))
        painter.setPen(theme().pen("line"))
        painter.setBrush(gradient)
        painter.drawRect(bar)


def shade(share: float) -> QColor:
    """The colour of a height between the lowest, 0, and the highest, 1."""
    palette = theme().palette
    return mix(palette.panel, palette.forward, 0.04 + 0.76 * share)


class LandscapePlot(QWidget):
    """Draws what it is given. `pointed` and `pressed` carry a place on the axes; `left` comes without one.

    pyqtgraph is imported when it is made.
    """

    pointed = Signal(float, float)
    pressed = Signal(float, float)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self._pg = pg
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        self.item = self.plot.getPlotItem()
        self.item.hideButtons()
        self.item.setMouseEnabled(x=False, y=False)
        self.item.disableAutoRange()
        self.item.scene().contextMenu = []
        self.image = pg.ImageItem(axisOrder="row-major")
        self.level_lines = pg.PlotCurveItem(connect="pairs")
        self.halo = pg.PlotCurveItem(antialias=True)
        self.path = pg.PlotCurveItem(antialias=True)
        self.later_path = pg.PlotCurveItem(antialias=True)
        self.start_dot = pg.ScatterPlotItem(size=8, pxMode=True, symbol="s")
        self.present_dot = pg.ScatterPlotItem(size=11, pxMode=True)
        self.picked_dot = pg.ScatterPlotItem(size=11, pxMode=True, symbol="+")
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.curves: list[Any] = []
        self._surface_parts = (self.image, self.level_lines)
        self._path_parts = (self.halo, self.later_path, self.path, self.start_dot, self.present_dot, self.picked_dot)
        for part in (*self._surface_parts, *self._path_parts, self.cursor_line):
            self.item.addItem(part, ignoreBounds=True)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        palette = theme().palette
        restyle_axes(self.plot)
        colors = [shade(k / (COLORS - 1)) for k in range(COLORS)]
        self.image.setLookupTable(np.array([(c.red(), c.green(), c.blue()) for c in colors], dtype=np.uint8))
        self.level_lines.setPen(_pen(faded(palette.text, 0.28), 1.0))
        self.halo.setPen(_pen(faded(palette.panel, 0.8), 5.0))
        self.path.setPen(_pen(palette.backward, 2.0))
        self.later_path.setPen(_pen(faded(palette.backward, 0.6), 1.5, dashed=True))
        self.start_dot.setBrush(palette.panel)
        self.start_dot.setPen(_pen(palette.backward, 2.0))
        self.present_dot.setBrush(palette.backward)
        self.present_dot.setPen(_pen(palette.panel, 2.0))
        self.picked_dot.setBrush(palette.text)
        self.picked_dot.setPen(_pen(palette.panel, 1.0))
        self.cursor_line.setPen(_pen(faded(palette.backward, 0.6), 1.0))

    # Curves

    def show_curves(self, updates: NDArray[np.int64], values: Values, here: int) -> None:
        """Draw the curve of each parameter, `values` of shape (moments, parameters), with a line at update `here`."""
        for part in (*self._surface_parts, *self._path_parts):
            part.setVisible(False)
        while len(self.curves) > values.shape[1]:
            self.item.removeItem(self.curves.pop())
        while len(self.curves) < values.shape[1]:
            curve = self._pg.PlotCurveItem(antialias=True)
            self.curves.append(curve)
            self.item.addItem(curve, ignoreBounds=True)
        for place, curve in enumerate(self.curves):
            curve.setPen(_pen(theme().palette.series[place], 2.0))
            curve.setData(updates, values[:, place])
        self.cursor_line.setVisible(True)
        self.cursor_line.setValue(here)
        set_axis_titles(self.plot, bottom="update", left="")
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.06 * (high - low) or max(abs(low), 1.0) * 0.1
        self.item.setXRange(float(updates[0]), max(float(updates[-1]), float(updates[0]) + 1.0), padding=0.02)
        self.item.setYRange(low - margin, high + margin, padding=0.0)

    # The surface

    def show_surface(self, surface: Surface, *, titles: tuple[str, str]) -> tuple[float, float, bool] | None:
        """Draw as much of the surface as is computed; return its lowest and highest loss and whether logs are shown."""
        for curve in self.curves:
            self.item.removeItem(curve)
        self.curves.clear()
        self.cursor_line.setVisible(False)
        for part in (*self._surface_parts, *self._path_parts):
            part.setVisible(True)
        window = surface.window
        set_axis_titles(self.plot, bottom=titles[0], left=titles[1])
        self.item.setXRange(window.left, window.right, padding=0.0)
        self.item.setYRange(window.bottom, window.top, padding=0.0)
        shown, is_log = heights(surface.losses)
        known = shown[~np.isnan(shown)]
        if not len(known):
            self.image.clear()
            self.level_lines.setData([], [])
            return None
        low, high = float(known.min()), float(known.max())
        is_whole = len(known) == SIDE * SIDE
        # What is infinite lies higher than all else.
        drawn = np.where(np.isinf(surface.losses), high, shown)
        self.image.setImage(_finer(drawn) if is_whole else drawn, levels=(low, high if high > low else low + 1.0))
        cell = QSize(FINER * (SIDE - 1) + 1, FINER * (SIDE - 1) + 1) if is_whole else QSize(SIDE, SIDE)
        width, height = window.right - window.left, window.top - window.bottom
        # Its points are the middles of its cells: half a cell more on each side.
        across, up = width / (cell.width() - 1), height / (cell.height() - 1)
        self.image.setRect(QRectF(window.left - across / 2, window.bottom - up / 2, width + across, height + up))
        self._draw_level_lines(surface, drawn if is_whole and high > low else None, low, high)
        scale = (10.0**low, 10.0**high) if is_log else (low, high)
        return (*scale, is_log)

    def _draw_level_lines(self, surface: Surface, drawn: Values | None, low: float, high: float) -> None:
        if drawn is None:
            self.level_lines.setData([], [])
            return
        segments: list[Any] = []
        for level in np.linspace(low, high, LEVEL_LINES + 2)[1:-1].tolist():
            segments.extend(self._pg.isocurve(drawn, level))
        if not segments:
            self.level_lines.setData([], [])
            return
        # In rows and columns of the grid; a point of the grid is the middle of its cell.
        points = np.array(segments, dtype=np.float64).reshape(-1, 2) - 0.5
        window = surface.window
        share = points / (SIDE - 1)
        self.level_lines.setData(
            window.left + share[:, 1] * (window.right - window.left),
            window.bottom + share[:, 0] * (window.top - window.bottom),
            connect="pairs",
        )

    def show_path(self, points: Values, walked: int, present: Values) -> None:
        """Draw the way over `points`, shape (moments, 2), of which `walked` lie behind `present`, shape (2,)."""
        behind = np.vstack([points[:walked], present])
        ahead = np.vstack([present, points[walked:]])
        for curve in (self.halo, self.path):
            curve.setData(behind[:, 0], behind[:, 1], connect="finite")
        self.later_path.setData(ahead[:, 0], ahead[:, 1], connect="finite")
        self.start_dot.setData(*([[c] for c in points[0]] if len(points) > 1 else ([], [])))
        self.present_dot.setData([present[0]], [present[1]])

    def show_picked(self, place: tuple[float, float] | None) -> None:
        """Mark a place of the surface, or none."""
        self.picked_dot.setData(*(([], []) if place is None else ([place[0]], [place[1]])))

    # Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() in (
            QEvent.Type.MouseMove,
            QEvent.Type.MouseButtonPress,
        ):
            position = self.plot.mapToScene(event.position().toPoint())
            view = self.item.getViewBox()
            inside = view.sceneBoundingRect().contains(position)
            place = view.mapSceneToView(QPointF(position))
            if not inside:
                self.left.emit()
            elif event.type() is QEvent.Type.MouseMove:
                self.pointed.emit(place.x(), place.y())
            elif event.button() is Qt.MouseButton.LeftButton:
                self.pressed.emit(place.x(), place.y())
        elif event.type() is QEvent.Type.Leave:
            self.left.emit()
        return super().eventFilter(watched, event)
