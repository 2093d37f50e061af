"""The loss as a curve over one parameter, with its tangent, the next update's step, and a point to be dragged."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPen
from PySide6.QtWidgets import QWidget

from core.answers import LossCurve
from nnviz_app.palette import faded
from nnviz_app.panels.curve_line import line_pen
from nnviz_app.panels.plain_plot import PlainPlot
from nnviz_app.theme import theme

# Of the width of the plot: one press of an arrow key, and one with Shift.
SMALL_STEP, LARGE_STEP = 0.005, 0.05
# A larger loss is not drawn: an axis could not span it.
MOST_DRAWN = 1e150
_KEYS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape})


class NudgePlot(PlainPlot):
    """Draws what it is given. `moved` carries a value of the parameter, `left_alone` comes with Esc."""

    moved = Signal(float)
    left_alone = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The loss over one parameter: drag the point, or press the arrow keys", parent)
        pg = self.pg
        self.curve: LossCurve | None = None
        self.titles = ("", "")
        # The lowest and the highest loss in the picture.
        self._heights = (0.0, 1.0)
        self.at = 0.0
        self.line = pg.PlotCurveItem(antialias=True)
        self.tangent = pg.PlotCurveItem(antialias=True)
        self.gap = pg.PlotCurveItem(antialias=True)
        self.shaft = pg.PlotCurveItem(antialias=True)
        self.arrow = pg.ArrowItem(angle=180, headLen=10, tipAngle=36, pxMode=True)
        self.new_dot = pg.ScatterPlotItem(size=9, pxMode=True)
        self.present_dot = pg.ScatterPlotItem(size=11, pxMode=True)
        self.predicted_dot = pg.ScatterPlotItem(size=9, pxMode=True)
        self.handle = pg.ScatterPlotItem(size=15, pxMode=True)
        self.present_line = pg.InfiniteLine(angle=90, movable=False)
        parts = (self.present_line, self.line, self.tangent, self.gap, self.shaft, self.arrow)
        for part in (*parts, self.new_dot, self.present_dot, self.predicted_dot, self.handle):
            self.item.addItem(part, ignoreBounds=True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self._is_dragging = False
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        super().restyle()
        palette = theme().palette
        self.line.setPen(line_pen(palette.forward, 2.0))
        self.tangent.setPen(line_pen(palette.backward, 1.5, dashed=True))
        self.gap.setPen(line_pen(faded(palette.text, 0.55), 1.2))
        self.shaft.setPen(line_pen(palette.backward, 2.0))
        self.arrow.setStyle(brush=palette.backward, pen=QPen(palette.backward))
        self.new_dot.setBrush(palette.panel)
        self.new_dot.setPen(line_pen(palette.backward, 2.0))
        self.present_dot.setBrush(palette.forward)
        self.present_dot.setPen(line_pen(palette.panel, 1.5))
        self.predicted_dot.setBrush(palette.panel)
        self.predicted_dot.setPen(line_pen(palette.text, 1.5))
        self.handle.setBrush(faded(palette.forward, 0.25))
        self.handle.setPen(line_pen(palette.forward, 2.0))
        self.present_line.setPen(line_pen(palette.line, 1.0))
        if self.curve is not None:
            self._draw(self.curve)

    def show_curve(self, curve: LossCurve, *, titles: tuple[str, str]) -> None:
        """Draw another curve; the point is at the present value."""
        self.curve = curve
        self.titles = titles
        self._draw(curve)
        self.show_point(curve.value)

    def _draw(self, curve: LossCurve) -> None:
        self.set_titles(*self.titles)
        known = np.abs(curve.losses) < MOST_DRAWN
        low, high = (float(curve.losses[known].min()), float(curve.losses[known].max())) if known.any() else (0.0, 1.0)
        # What differs by rounding errors only is flat.
        height = high - low if high - low > 1e-13 * abs(high) else max(abs(high), 1e-12)
        # The tangent may leave the picture, the curve may not.
        self._heights = bottom, top = low - 0.16 * height, high + 0.06 * height
        self.item.setXRange(float(curve.values[0]), float(curve.values[-1]), padding=0.0)
        self.item.setYRange(bottom, top, padding=0.0)
        self.line.setData(curve.values, np.where(known, curve.losses, np.nan), connect="finite")
        self.tangent.setData(*self._visible_tangent(curve))
        self.present_line.setValue(curve.value)
        self.present_dot.setData(*(([curve.value], [curve.loss]) if abs(curve.loss) < MOST_DRAWN else ([], [])))
        self._draw_step(curve, bottom + 0.05 * height)

    def _visible_tangent(self, curve: LossCurve) -> tuple[list[float], list[float]]:
        """The tangent's two ends within the picture: dashes far outside of it would take for ever to draw."""
        bottom, top = self._heights
        left, right = float(curve.values[0]), float(curve.values[-1])
        if not (math.isfinite(curve.gradient) and abs(curve.loss) < MOST_DRAWN):
            return [], []
        if curve.gradient:
            ends = sorted(curve.value + (height - curve.loss) / curve.gradient for height in (bottom, top))
            left, right = max(left, ends[0]), min(right, ends[1])
        return [left, right], [curve.loss + curve.gradient * (x - curve.value) for x in (left, right)]

    def _draw_step(self, curve: LossCurve, height: float) -> None:
        """The arrow of the next update, just above the axis, and the point that it leads to."""
        new, loss = curve.new_value, curve.new_loss
        left, right = float(curve.values[0]), float(curve.values[-1])
        shown = new is not None and new != curve.value and math.isfinite(new)
        self.arrow.setVisible(shown)
        if new is None or loss is None or not shown:
            self.shaft.setData([], [])
            self.new_dot.setData([], [])
            return
        end = min(max(new, left), right)
        self.shaft.setData([curve.value, end], [height, height])
        self.arrow.setPos(end, height)
        self.arrow.setStyle(angle=180 if new > curve.value else 0)
        inside = left <= new <= right and abs(loss) < MOST_DRAWN
        self.new_dot.setData([new] if inside else [], [loss] if inside else [])

    def show_point(self, value: float) -> None:
        """Put the point that is dragged there."""
        curve, self.at = self.curve, value
        if curve is None:
            return
        loss, predicted = curve.loss_at(value), curve.loss + curve.gradient * (value - curve.value)
        is_drawn = abs(loss) < MOST_DRAWN
        moved = is_drawn and abs(predicted) < MOST_DRAWN and value != curve.value
        self.handle.setData([value] if is_drawn else [], [loss] if is_drawn else [])
        self.predicted_dot.setData([value] if moved else [], [predicted] if moved else [])
        self.gap.setData([value, value] if moved else [], [predicted, loss] if moved else [])

    # Hands

    def _value_at(self, position: QPointF) -> float:
        """The parameter's value under the pointer, within the curve, rounded to less than a pixel."""
        assert self.curve is not None
        scene = self.plot.mapToScene(position.toPoint())
        values = self.curve.values
        left, right = float(values[0]), float(values[-1])
        value = min(max(self.view.mapSceneToView(QPointF(scene)).x(), left), right)
        decimals = max(0, 3 - math.floor(math.log10(right - left)))
        return round(value, decimals)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and self.curve is not None:
            kind = event.type()
            if kind is QEvent.Type.MouseButtonPress and event.button() is Qt.MouseButton.LeftButton:
                self._is_dragging = True
                self.setFocus(Qt.FocusReason.MouseFocusReason)
                self.moved.emit(self._value_at(event.position()))
                return True
            if kind is QEvent.Type.MouseMove and self._is_dragging:
                self.moved.emit(self._value_at(event.position()))
                return True
            if kind is QEvent.Type.MouseButtonRelease and self._is_dragging:
                self._is_dragging = False
                return True
        if event.type() is QEvent.Type.Enter:
            self.plot.viewport().setCursor(Qt.CursorShape.SizeHorCursor)
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            # Here they move the point; elsewhere in the window they step.
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.curve is None or event.key() not in _KEYS:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.left_alone.emit()
        else:
            values = self.curve.values
            large = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            step = (LARGE_STEP if large else SMALL_STEP) * float(values[-1] - values[0])
            value = self.at + (step if event.key() == Qt.Key.Key_Right else -step)
            self.moved.emit(round(min(max(value, float(values[0])), float(values[-1])), 12))
