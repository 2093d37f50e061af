"""A small picture of data: points of a plane by class or target, a curve's points, or the first rows as a table."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.generators import GeneratedData, Task
from core.numbers import format_number
from nnviz_app.palette import mix
from nnviz_app.theme import theme

# Targets of a regression are drawn in so many shades.
SHADES = 9
# Many points are drawn smaller, few larger.
MANY = 1000
FEW = 20
DIGITS = 3


class DataPreview(QWidget):
    """Shows samples. Two inputs make a plane, one input with one target a curve, anything else a table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: GeneratedData | None = None
        self._task: Task = "regression"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def show_data(self, data: GeneratedData, task: Task) -> None:
        """Show these samples."""
        self._data, self._task = data, task
        self.setAccessibleName(f"{len(data.x):,} samples with {len(data.inputs)} inputs")
        self.update()

    @property
    def kind(self) -> str:
        """What is drawn: "plane", "curve" or "table"; "" while there is nothing."""
        data = self._data
        if data is None:
            return ""
        if data.x.shape[1] == 2 and (self._task == "classes" or data.targets.shape[1] == 1):
            return "plane"
        return "curve" if data.x.shape[1] == data.targets.shape[1] == 1 else "table"

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(17))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(14), theme().space(11))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme().pen("line", 1.0))
        painter.setBrush(theme().palette.color("canvas"))
        painter.drawRoundedRect(frame, theme().space(0.4), theme().space(0.4))
        data = self._data
        if data is None or not len(data.x):
            return
        inner = frame.adjusted(*(theme().space(1.4) * sign for sign in (1, 1, -1, -1)))
        match self.kind:
            case "plane":
                self._paint_plane(painter, inner, data)
            case "curve":
                self._paint_points(painter, inner, data.x[:, 0], data.targets[:, 0], self._color(0))
            case _:
                self._paint_table(painter, inner, data)

    def _color(self, place: int) -> QColor:
        return theme().palette.class_color(place)

    def _paint_plane(self, painter: QPainter, inner: QRectF, data: GeneratedData) -> None:
        # The same unit in both directions: a circle is round.
        side = min(inner.width(), inner.height())
        square = QRectF(0, 0, side, side)
        square.moveCenter(inner.center())
        low, high = data.x.min(axis=0), data.x.max(axis=0)
        middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-12)
        at = (data.x - middle) / half
        groups, colors = self._groups(data)
        for group, color in zip(groups, colors, strict=True):
            x = square.center().x() + at[group, 0] * side / 2
            y = square.center().y() - at[group, 1] * side / 2
            self._dot(painter, x, y, color, len(data.x))

    def _groups(self, data: GeneratedData) -> tuple[list[np.ndarray], list[QColor]]:
        if self._task == "classes":
            groups = [data.targets[:, place] > 0.5 for place in range(data.targets.shape[1])]
            return groups, [self._color(place) for place in range(len(groups))]
        target = data.targets[:, 0]
        if self._task == "binary":
            positive = target > (target.min() + target.max()) / 2
            return [~positive, positive], [self._color(1), self._color(0)]
        largest = max(float(np.abs(target).max()), 1e-12)
        shade = np.rint((target / largest + 1) / 2 * (SHADES - 1)).astype(np.intp)
        ends = self._color(1), theme().palette.color("line"), self._color(0)
        colors = []
        for place in range(SHADES):
            share = 2 * place / (SHADES - 1) - 1
            colors.append(mix(ends[1], ends[2] if share > 0 else ends[0], abs(share)))
        return [shade == place for place in range(SHADES)], colors

    def _paint_points(self, painter: QPainter, inner: QRectF, x: np.ndarray, y: np.ndarray, color: QColor) -> None:
        def along(values: np.ndarray) -> np.ndarray:
            low, high = float(values.min()), float(values.max())
            return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)

        left = inner.left() + along(x) * inner.width()
        top = inner.bottom() - along(y) * inner.height()
        self._dot(painter, left, top, color, len(x))

    def _dot(self, painter: QPainter, x: np.ndarray, y: np.ndarray, color: QColor, count: int) -> None:
        size = theme().em * (0.25 if count > MANY else 0.4 if count > FEW else 0.8)
        painter.setPen(QPen(color, size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]))

    def _paint_table(self, painter: QPainter, inner: QRectF, data: GeneratedData) -> None:
        painter.setFont(theme().font("small"))
        metrics = QFontMetrics(painter.font())
        height, width = metrics.height() * 1.35, metrics.horizontalAdvance("0") * 8.0
        room = max(2, int(inner.width() // width))
        inputs, outputs = data.x.shape[1], data.targets.shape[1]
        # Where there is no room for all columns, the first inputs and the last target are shown.
        shown = list(range(inputs + outputs))
        if len(shown) > room:
            shown = [*range(room - 2), -1, inputs + outputs - 1]
        names = [*data.inputs, *data.outputs]
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        rows = min(len(data.x), int(inner.height() // height) - 1)
        step = inner.width() / len(shown)
        for place, column in enumerate(shown):
            for row in range(-1, rows):
                rect = QRectF(inner.left() + place * step, inner.top() + (row + 1) * height, step, height)
                if column < 0:
                    text = "…" if row < 0 else ""
                elif row < 0:
                    text = metrics.elidedText(names[column], Qt.TextElideMode.ElideRight, round(step * 0.92))
                else:
                    values = data.x[row] if column < inputs else data.targets[row]
                    text = format_number(float(values[column if column < inputs else column - inputs]), DIGITS)
                painter.setPen(theme().palette.color("muted" if row < 0 else "text"))
                painter.drawText(rect, right, text)
        below = inner.top() + height
        painter.setPen(theme().pen("line", 1.0))
        painter.drawLine(QPointF(inner.left(), below), QPointF(inner.right(), below))
