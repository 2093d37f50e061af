"""The curve of one neuron's activation with the place where it works, the tangent there, and its derivative."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.activations import ACTIVATIONS, derivative, evaluate
from core.diagnostics import FLAT_SLOPE, LARGEST_SLOPE
from core.numbers import format_number, nice_step
from nnviz_app.theme import theme

Values = NDArray[np.float64]

# The curve is shown at least this far to both sides of 0.
SHOWN = 6.0
# What is farther out is left out of the picture: the curve would be a step.
MOST_SHOWN = 1e4
POINTS = 241


@dataclass(frozen=True, slots=True)
class Working:
    """Where a neuron works: its activation's name, z, and the pre-activations of the others of its softmax."""

    activation: str
    z: float
    others: tuple[float, ...] = ()

    def values(self, z: Values) -> Values:
        """The activation over pre-activations of this neuron, those of the others as they are."""
        if not self.others:
            return np.asarray(evaluate(self.activation, z), dtype=np.float64)
        group = np.vstack([z, *(np.full_like(z, other) for other in self.others)])
        return np.asarray(evaluate(self.activation, group)[0], dtype=np.float64)

    def slopes(self, z: Values) -> Values:
        """The derivative of the activation by this neuron's pre-activation."""
        if ACTIVATIONS[self.activation].coupled:
            a = self.values(z)
            return a * (1.0 - a)
        return np.asarray(derivative(self.activation, z), dtype=np.float64)

    @property
    def slope(self) -> float:
        """The slope where it works."""
        return float(self.slopes(np.array([self.z]))[0])

    def ailment(self, name: str) -> str:
        """A sentence where hardly any gradient passes in this sample, with the number that shows it; else ""."""
        z, slope = format_number(self.z), format_number(self.slope, 2)
        if self.activation == "step":
            return f"The step is flat everywhere: no gradient passes {name}."
        if self.activation == "relu" and self.z <= 0.0:
            return f"{name} is off in this sample: its z is {z}, not above 0, so no gradient passes."
        largest = LARGEST_SLOPE.get(self.activation)
        if largest is not None and abs(self.slope) < FLAT_SLOPE * largest:
            return (
                f"{name} is saturated in this sample: its slope is {slope}, at most it could be {largest:g}, "
                "so hardly any gradient passes."
            )
        return ""


class ActivationCurve(QWidget):
    """Draws f, thinner its derivative f', and where the neuron works once that is revealed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.working: Working | None = None
        self.is_revealed = False
        self.names = ("z", "a")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_working(self, working: Working | None, names: tuple[str, str], *, is_revealed: bool) -> None:
        """Show a neuron's curve; `names` are those of the axes. Its point only if it is revealed."""
        self.working, self.names, self.is_revealed = working, names, is_revealed
        self.setAccessibleName("The curve of the activation")
        self.setAccessibleDescription(self.point_text())
        self.update()

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self.setMaximumHeight(theme().space(16))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(18), theme().space(11))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(12), theme().space(9))

    def point_text(self) -> str:
        """The slope where the neuron works, as it stands in the picture; "" while that is not revealed."""
        if self.working is None or not self.is_revealed or not math.isfinite(self.working.z):
            return ""
        return f"slope {format_number(self.working.slope)}"

    def reach(self) -> float:
        """How far the curve is shown to both sides of 0."""
        if self.working is None or not self.is_revealed or not abs(self.working.z) <= MOST_SHOWN:
            return SHOWN
        return max(SHOWN, 1.15 * abs(self.working.z))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.working is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme().font("small"))
        line = QFontMetricsF(painter.font()).height()
        area = QRectF(0.0, line + 4.0, self.width() - 1.0, max(self.height() - 2.0 * line - 8.0, 1.0))
        reach = self.reach()
        z = np.linspace(-reach, reach, POINTS)
        # The points at both sides of 0, so that a kink or a jump stands where it is.
        z = np.sort(np.append(z, [-1e-9 * reach, 1e-9 * reach]))
        values, slopes = self.working.values(z), self.working.slopes(z)
        drawing = _Frame(
            area, reach, float(min(values.min(), slopes.min(), 0.0)), float(max(values.max(), slopes.max()))
        )
        self._paint_axes(painter, drawing)
        painter.setClipRect(area.adjusted(-1.0, -6.0, 1.0, 6.0))
        palette = theme().palette
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(palette.backward, 1.2))
        painter.drawPolyline(drawing.polygon(z, slopes))
        painter.setPen(QPen(palette.forward, 2.4))
        painter.drawPolyline(drawing.polygon(z, values))
        if self.is_revealed and abs(self.working.z) <= MOST_SHOWN:
            self._paint_point(painter, drawing)
        painter.setClipping(False)
        self._paint_legend(painter, line)

    def _paint_axes(self, painter: QPainter, drawing: _Frame) -> None:
        palette, area = theme().palette, drawing.area
        painter.setPen(QPen(palette.line, 1.0))
        zero = drawing.point(0.0, 0.0)
        painter.drawLine(QPointF(area.left(), zero.y()), QPointF(area.right(), zero.y()))
        painter.drawLine(QPointF(zero.x(), area.top()), QPointF(zero.x(), area.bottom()))
        painter.setPen(palette.muted)
        metrics = QFontMetricsF(painter.font())
        step = nice_step(drawing.reach / 2.5)
        for place in range(-2, 3):
            x = drawing.point(place * step, 0.0).x()
            text = format_number(place * step, 3)
            half = metrics.horizontalAdvance(text) / 2.0 + 2.0
            below = QRectF(x - half, area.bottom() + 3.0, 2.0 * half, metrics.height())
            if area.left() <= below.left() and below.right() <= area.right() - metrics.horizontalAdvance("  net"):
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
        corner = QRectF(area.left(), area.bottom() + 3.0, area.width(), metrics.height())
        painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.names[0])
        for height in (drawing.low, drawing.high):
            text = format_number(height, 2)
            y = drawing.point(0.0, height).y()
            top = y if height == drawing.high else y - metrics.height()
            width = metrics.horizontalAdvance(text)
            # Not on the axis, where a small number would stand.
            if abs(height) > 0.2 * (drawing.high - drawing.low):
                painter.drawText(QPointF(zero.x() - width - 4.0, top + metrics.ascent()), text)

    def _paint_point(self, painter: QPainter, drawing: _Frame) -> None:
        assert self.working is not None
        palette = theme().palette
        z, slope = self.working.z, self.working.slope
        a = float(self.working.values(np.array([z]))[0])
        point = drawing.point(z, a)
        painter.setPen(QPen(palette.muted, 1.0, Qt.PenStyle.DotLine))
        painter.drawLine(point, drawing.point(z, 0.0))
        # The tangent: as long on the screen whatever its slope.
        way = drawing.point(z + 1.0, a + slope) - point
        along = QPointF(way) * (theme().space(4.5) / max(math.hypot(way.x(), way.y()), 1e-9))
        painter.setPen(theme().pen("text", 1.6, dashed=True))
        painter.drawLine(point - along, point + along)
        painter.setPen(QPen(palette.panel, 1.5))
        painter.setBrush(palette.forward)
        painter.drawEllipse(point, 5.0, 5.0)
        dot = drawing.point(z, slope)
        painter.setBrush(palette.backward)
        painter.drawEllipse(dot, 3.5, 3.5)

    def _paint_legend(self, painter: QPainter, line: float) -> None:
        assert self.working is not None
        palette = theme().palette
        metrics = QFontMetricsF(painter.font())
        x = 0.0
        parts: list[tuple[str, QColor]] = [
            (f"{self.names[1]} = f({self.names[0]})", palette.forward),
            (f"f′({self.names[0]})", palette.backward),
        ]
        for text, color in parts:
            painter.setPen(color)
            painter.drawText(QPointF(x, metrics.ascent() + 1.0), text)
            x += metrics.horizontalAdvance(text) + theme().space(1)
        painter.setPen(palette.text)
        right = QRectF(x, 1.0, self.width() - x - 1.0, line)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.point_text())


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where numbers stand in the picture."""

    area: QRectF
    reach: float
    low: float
    high: float

    def point(self, z: float, height: float) -> QPointF:
        """The place of a number over a pre-activation."""
        x = self.area.left() + (z + self.reach) / (2.0 * self.reach) * self.area.width()
        share = (height - self.low) / max(self.high - self.low, 1e-300)
        return QPointF(x, self.area.bottom() - share * self.area.height())

    def polygon(self, z: Values, heights: Values) -> QPolygonF:
        """A curve."""
        return QPolygonF([self.point(*pair) for pair in zip(z.tolist(), heights.tolist(), strict=True)])
