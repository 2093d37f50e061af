"""The picture of a decision map: the plane or the curve, axes, points, scale and marks, painted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from core.decision import Array, Span, ticks
from core.numbers import format_number
from nnviz_app.map_image import Ramp
from nnviz_app.palette import faded
from nnviz_app.theme import theme

# How near the pointer must be to a point, in pixels.
NEAR = 8.0
# Of more points than this an evenly spread part is drawn.
MOST_POINTS = 4000
# Room between two numbers beside each other, and below each other, in text sizes.
TICK_ROOM, LINE_ROOM = 3.2, 2.1
# From this height on, in text sizes, the name of the horizontal axis has a line of its own.
ROOMY = 24.0
# The size of a point's mark, in text sizes; the second one where there are more than so many.
MARK, SMALL_MARK, MANY_POINTS = 0.95, 0.72, 150
# A name beside the map is at most so wide, in text sizes.
WIDEST_NAME = 7.0


@dataclass(frozen=True, eq=False)
class Points:
    """Samples on the map: places, the number of each one's colour, and the row that it is."""

    x: Array = field(default_factory=lambda: np.zeros(0))
    y: Array = field(default_factory=lambda: np.zeros(0))
    color: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    rows: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    test: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    colors: tuple[QColor, ...] = ()
    opacity: float = 1.0

    def same_as(self, other: Points) -> bool:
        """Whether the same is painted at the same places."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("x", "y", "color", "rows", "test"))
        return (self.colors, self.opacity) == (other.colors, other.opacity) and all(np.array_equal(*p) for p in pairs)


@dataclass(frozen=True, eq=False)
class MapPicture:
    """All that the view paints. Either an `image` of the plane or `curves`, each a colour with its x and y."""

    x_name: str
    y_name: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    image: QImage | None = None
    curves: tuple[tuple[QColor, Array, Array], ...] = ()
    points: Points = field(default_factory=Points)
    # At the right: the scale of the colours, or the classes by name.
    scale: Span | None = None
    names: tuple[tuple[QColor, str], ...] = ()
    # The row on show: its place, wherever it is drawn.
    row: int = -1
    row_at: tuple[float, float] | None = None


class MapView(QWidget):
    """Paints a `MapPicture`. Its signals carry places in the picture's own numbers."""

    pressed = Signal(float, float, object)
    dragged = Signal(float, float)
    released = Signal()
    # No arguments: where the pointer is, `pointer` says.
    hovered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: MapPicture | None = None
        # Where the pointer is, in the picture's numbers, and the row of the point under it.
        self.pointer: tuple[float, float] | None = None
        self.near_row: int | None = None
        self.plot = QRectF()
        # The room left of the plot for its numbers and, upright, the name of its vertical axis.
        self._gutter = 0.0
        self._stamped: tuple[object, ...] | None = None
        self._stamps = QPixmap()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme().changed.connect(self.update)

    def show_picture(self, picture: MapPicture | None) -> None:
        """Paint this from now on."""
        former = self.picture
        if picture is not None and former is not None and picture.points.same_as(former.points):
            # While a run goes on, the points stay where they are, and so does their picture.
            picture = replace(picture, points=former.points)
        self.picture = picture
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(20), theme().space(16))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(9), theme().space(6))

    # Places

    def to_pixels(self, x: float, y: float) -> QPointF:
        """Where a place of the picture is in the widget."""
        assert self.picture is not None
        (left, right), (low, high) = self.picture.x_range, self.picture.y_range
        plot = self.plot
        return QPointF(
            plot.left() + (x - left) / (right - left) * plot.width(),
            plot.bottom() - (y - low) / (high - low) * plot.height(),
        )

    def to_picture(self, position: QPointF) -> tuple[float, float]:
        """The place under a point of the widget; the nearest one of the plot where it is outside."""
        assert self.picture is not None
        (left, right), (low, high) = self.picture.x_range, self.picture.y_range
        across = (position.x() - self.plot.left()) / max(self.plot.width(), 1.0)
        up = (self.plot.bottom() - position.y()) / max(self.plot.height(), 1.0)
        across, up = min(max(across, 0.0), 1.0), min(max(up, 0.0), 1.0)
        return left + across * (right - left), low + up * (high - low)

    def row_at(self, position: QPointF) -> int | None:
        """The row whose point is nearest, if it is near enough."""
        picture = self.picture
        if picture is None or not len(picture.points.rows):
            return None
        at = self._pixels(picture.points)
        away = np.hypot(at[:, 0] - position.x(), at[:, 1] - position.y())
        nearest = int(np.argmin(away))
        return int(picture.points.rows[nearest]) if away[nearest] <= max(NEAR, theme().space(0.6)) else None

    def _pixels(self, points: Points) -> Array:
        origin = self.to_pixels(0.0, 0.0)
        unit = self.to_pixels(1.0, 1.0) - origin
        return np.stack([origin.x() + points.x * unit.x(), origin.y() + points.y * unit.y()], axis=1)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().palette.panel)
        self.paint_map(painter)
        painter.end()

    def paint_map(self, painter: QPainter, *, as_shapes: bool = False) -> None:
        """Paint the picture, without a ground, as large as the widget is; `as_shapes`: points as shapes, for a file."""
        if self.picture is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme().font("small"))
        self._place_plot(self.picture)
        if self.plot.width() >= theme().space(2) and self.plot.height() >= theme().space(2):
            self._paint(painter, self.picture, as_shapes=as_shapes)

    @property
    def _is_roomy(self) -> bool:
        return self.height() >= theme().space(ROOMY)

    def _place_plot(self, picture: MapPicture) -> None:
        space, metrics = theme().space, QFontMetricsF(theme().font("small"))
        line = metrics.height()
        side = 0.0
        if picture.scale is not None:
            span = picture.scale
            numbers = [format_number(value, 3) for value in (span.low, span.middle, span.high)]
            side = space(1.6) + max(metrics.horizontalAdvance(text) for text in numbers)
        elif picture.names:
            widest = max(metrics.horizontalAdvance(name) for _, name in picture.names)
            side = space(2.0) + min(widest, space(WIDEST_NAME))
        top, bottom = float(space(0.6)), (2.0 if self._is_roomy else 1.0) * line + space(0.5)
        height = max(self.height() - top - bottom, 0.0)
        marks = ticks(*picture.y_range, max(1, int(height / space(LINE_ROOM))))
        numbers_width = max((metrics.horizontalAdvance(format_number(mark)) for mark in marks), default=0.0)
        left = self._gutter = line + space(0.8) + numbers_width
        width = max(self.width() - left - side - space(1.0), 0.0)
        if picture.image is not None:
            # Circles are to look like circles.
            edge = min(width, height)
            left += (width - edge) / 2
            top += (height - edge) / 2
            width = height = edge
        self.plot = QRectF(round(left), round(top), round(width), round(height))

    def _paint(self, painter: QPainter, picture: MapPicture, *, as_shapes: bool) -> None:
        palette, plot = theme().palette, self.plot
        if picture.image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(plot, picture.image)
        self._paint_axes(painter, picture)
        painter.save()
        painter.setClipRect(plot.adjusted(-1, -1, 1, 1))
        for color, x, y in picture.curves:
            self._paint_curve(painter, color, x, y)
        if as_shapes:
            self._paint_points(painter, picture.points)
        else:
            painter.drawPixmap(QPointF(), self._point_stamps(picture.points))
        if picture.row_at is not None:
            self._paint_ring(painter, self.to_pixels(*picture.row_at), space=0.62)
        if self.near_row is not None and self.near_row != picture.row:
            place = np.flatnonzero(picture.points.rows == self.near_row)
            if len(place):
                near = float(picture.points.x[place[0]]), float(picture.points.y[place[0]])
                self._paint_ring(painter, self.to_pixels(*near), space=0.5)
        if picture.curves and self.pointer is not None:
            at = self.to_pixels(*self.pointer).x()
            painter.setPen(QPen(faded(palette.text, 0.5), 1.0, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()))
        painter.restore()
        painter.setPen(QPen(palette.border, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot)
        if picture.scale is not None:
            self._paint_scale(painter, picture.scale)
        elif picture.names:
            self._paint_names(painter, picture.names)

    def _paint_axes(self, painter: QPainter, picture: MapPicture) -> None:
        space, palette, plot = theme().space, theme().palette, self.plot
        metrics = QFontMetricsF(painter.font())
        line, tick = metrics.height(), space(0.25)
        grid = QPen(palette.line, 1.0)
        baseline = plot.bottom() + tick + metrics.ascent() + 1
        painter.setPen(palette.text)
        if self._is_roomy:
            name = metrics.elidedText(picture.x_name, Qt.TextElideMode.ElideMiddle, plot.width())
            below = QRectF(plot.left(), baseline + metrics.descent(), plot.width(), line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, name)
            numbers_end = float(self.width())
        else:
            # After the numbers, on their line, as one of its own would take as much from the map. Those in its way
            # give in.
            room = self.width() - plot.center().x()
            name = metrics.elidedText(picture.x_name, Qt.TextElideMode.ElideMiddle, room)
            numbers_end = min(plot.right() + space(1.2), self.width() - metrics.horizontalAdvance(name) - 1.0)
            painter.drawText(QPointF(numbers_end, baseline), name)
        for mark in ticks(*picture.x_range, max(1, int(plot.width() / space(TICK_ROOM)))):
            at, text = self.to_pixels(mark, 0.0).x(), format_number(mark)
            painter.setPen(grid)
            start = plot.bottom() if picture.image is not None else plot.top()
            painter.drawLine(QPointF(at, start), QPointF(at, plot.bottom() + tick))
            half = metrics.horizontalAdvance(text) / 2
            if at + half + space(0.4) <= numbers_end:
                painter.setPen(palette.muted)
                painter.drawText(QPointF(at - half, baseline), text)
        for mark in ticks(*picture.y_range, max(1, int(plot.height() / space(LINE_ROOM)))):
            at, text = self.to_pixels(0.0, mark).y(), format_number(mark)
            painter.setPen(grid)
            stop = plot.left() if picture.image is not None else plot.right()
            painter.drawLine(QPointF(plot.left() - tick, at), QPointF(stop, at))
            painter.setPen(palette.muted)
            left = plot.left() - 2 * tick - metrics.horizontalAdvance(text)
            painter.drawText(QPointF(left, at + metrics.capHeight() / 2), text)
        painter.setPen(palette.text)
        painter.save()
        painter.translate(plot.left() - self._gutter, plot.center().y())
        painter.rotate(-90.0)
        name = metrics.elidedText(picture.y_name, Qt.TextElideMode.ElideMiddle, plot.height())
        upright = QRectF(-plot.height() / 2, 0.0, plot.height(), line)
        painter.drawText(upright, Qt.AlignmentFlag.AlignCenter, name)
        painter.restore()

    def _paint_curve(self, painter: QPainter, color: QColor, x: Array, y: Array) -> None:
        painter.setPen(QPen(color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        at = self._pixels(Points(x, y))
        # The line breaks off where there is no number.
        for piece in np.split(at, np.flatnonzero(~np.isfinite(at).all(axis=1))):
            usable = piece[np.isfinite(piece).all(axis=1)]
            painter.drawPolyline(QPolygonF([QPointF(*pair) for pair in np.clip(usable, -1e5, 1e5).tolist()]))

    def _point_stamps(self, points: Points) -> QPixmap:
        """All points in one transparent picture, made anew only when they or their places differ."""
        ratio = self.devicePixelRatioF()
        corners = [self.to_pixels(0.0, 0.0), self.to_pixels(1.0, 1.0)]
        key = (points, corners, self.size(), ratio, theme().is_dark, theme().em)
        if key == self._stamped:
            return self._stamps
        self._stamped = key
        self._stamps = QPixmap(self.size() * ratio)
        self._stamps.setDevicePixelRatio(ratio)
        self._stamps.fill(Qt.GlobalColor.transparent)
        if not len(points.rows):
            return self._stamps
        painter = QPainter(self._stamps)
        painter.setOpacity(points.opacity)
        side = _mark_side(points)
        stamps = [[_stamp(color, test, ratio, side) for color in points.colors] for test in (False, True)]
        for place, color, test in self._point_places(points):
            painter.drawPixmap(QPointF(place.x() - side / 2, place.y() - side / 2), stamps[test][color])
        painter.end()
        return self._stamps

    def _paint_points(self, painter: QPainter, points: Points) -> None:
        painter.save()
        painter.setOpacity(points.opacity)
        for place, color, test in self._point_places(points):
            _paint_mark(painter, place, points.colors[color], test=test, side=_mark_side(points))
        painter.restore()

    def _point_places(self, points: Points) -> Iterator[tuple[QPointF, int, bool]]:
        """Where points are painted, the number of each one's colour, and whether it is of a test row."""
        count = len(points.rows)
        if not count:
            return
        chosen = np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(np.intp)
        # Test rows last: there are fewer of them.
        chosen = chosen[np.argsort(points.test[chosen], kind="stable")]
        at = self._pixels(points)[chosen]
        inside = np.isfinite(at).all(axis=1) & (np.abs(at) < 1e5).all(axis=1)
        places, colors, tests = at[inside].tolist(), points.color[chosen][inside], points.test[chosen][inside]
        for (x, y), color, test in zip(places, colors.tolist(), tests.tolist(), strict=True):
            yield QPointF(x, y), color, test

    def _paint_ring(self, painter: QPainter, at: QPointF, *, space: float) -> None:
        radius = theme().space(space)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((theme().palette.panel, 4.5), (theme().palette.text, 2.0)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(at, radius, radius)

    def _paint_scale(self, painter: QPainter, span: Span) -> None:
        space, palette, plot = theme().space, theme().palette, self.plot
        metrics = QFontMetricsF(painter.font())
        bar = QRectF(plot.right() + space(0.6), plot.top(), space(0.7), plot.height())
        ramp = Ramp(palette, palette.panel)
        image = ramp.image(np.linspace(span.high, span.low, 256).reshape(-1, 1), span)
        painter.drawImage(bar, image)
        painter.setPen(QPen(palette.border, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar)
        painter.setPen(palette.muted)
        for value in dict.fromkeys((span.low, span.middle, span.high)):
            at = bar.bottom() - (value - span.low) / (span.high - span.low) * bar.height()
            at = min(max(at, bar.top() + metrics.capHeight() / 2), bar.bottom() - metrics.capHeight() / 2)
            painter.drawText(QPointF(bar.right() + space(0.3), at + metrics.capHeight() / 2), format_number(value, 3))

    def _paint_names(self, painter: QPainter, names: tuple[tuple[QColor, str], ...]) -> None:
        space, palette, plot = theme().space, theme().palette, self.plot
        metrics = QFontMetricsF(painter.font())
        step = metrics.height() * 1.25
        fitting = max(int(plot.height() / step), 1)
        shown = names if len(names) <= fitting else names[: fitting - 1]
        left, top = plot.right() + space(0.7), plot.top()
        for place, (color, name) in enumerate(shown):
            middle = top + (place + 0.5) * step
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(left + space(0.35), middle), space(0.35), space(0.35))
            painter.setPen(palette.text)
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, self.width() - left - space(1.1))
            painter.drawText(QPointF(left + space(1.0), middle + metrics.capHeight() / 2), text)
        if len(shown) < len(names):
            painter.setPen(palette.muted)
            at = QPointF(left, top + (len(shown) + 0.5) * step + metrics.capHeight() / 2)
            painter.drawText(at, f"and {len(names) - len(shown)}")

    # The pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        inside = self.plot.adjusted(-NEAR, -NEAR, NEAR, NEAR).contains(event.position())
        if event.button() == Qt.MouseButton.LeftButton and self.picture is not None and inside:
            self._point_at(event.position())
            self.pressed.emit(*self.to_picture(event.position()), event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.picture is None:
            return
        self._point_at(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(*self.to_picture(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.released.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = self.near_row = None
        self.hovered.emit()
        self.update()

    def _point_at(self, position: QPointF) -> None:
        inside = self.plot.contains(position)
        self.near_row = self.row_at(position)
        self.pointer = self.to_picture(position) if inside else None
        self.hovered.emit()
        self.update()


def _mark_side(points: Points) -> int:
    """How large a point's mark is, in pixels."""
    return theme().space(MARK if len(points.rows) <= MANY_POINTS else SMALL_MARK)


def _stamp(color: QColor, test: bool, ratio: float, side: int) -> QPixmap:
    """The mark of one point as a picture."""
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_mark(painter, QPointF(side / 2, side / 2), color, test=test, side=side)
    painter.end()
    return pixmap


def _paint_mark(painter: QPainter, at: QPointF, color: QColor, *, test: bool, side: int) -> None:
    """The mark of one point: a disc for a training row, a diamond with a dark outline for a test row."""
    palette, half = theme().palette, side / 2
    painter.setBrush(color)
    if test:
        painter.setPen(QPen(palette.text, 1.4))
        reach = half - 1.0
        corners = ((0, -1), (1, 0), (0, 1), (-1, 0))
        painter.drawPolygon(QPolygonF([QPointF(at.x() + reach * x, at.y() + reach * y) for x, y in corners]))
    else:
        painter.setPen(QPen(palette.panel, 1.2))
        painter.drawEllipse(at, 0.72 * half, 0.72 * half)
        # Seen also where the point has the colour of the paper: in the middle of the scale.
        painter.setPen(QPen(faded(palette.text, 0.6), 0.8))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 0.72 * half + 0.9, 0.72 * half + 0.9)
