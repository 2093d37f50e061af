"""The loss as it is drawn, with a curve from each output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz_app.canvas import geometry
from nnviz_app.canvas.items import DETAIL_SCALE, DISC_SCALE
from nnviz_app.canvas.lettering import DIMMED_LINE, DIMMED_TEXT, draw_text, text_width
from nnviz_app.canvas.parts import PartKind
from nnviz_app.palette import faded, mix
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from nnviz_app.canvas.scene import CanvasScene


class LossItem(QGraphicsItem):
    """The loss: a diamond at the right, with a thin curve from each output."""

    def __init__(self, canvas: CanvasScene) -> None:
        super().__init__()
        self.canvas = canvas
        self._center = QPointF()
        self._starts: dict[str, QPointF] = {}
        self._bounds = QRectF()

    def move_to(self, center: QPointF, outputs: dict[str, QPointF]) -> None:
        """Stand at `center`, with curves from these outputs' middles."""
        if center == self._center and outputs == self._starts:
            return
        self.prepareGeometryChange()
        self._center = center
        self._starts = outputs
        rect = self.rect()
        for point in outputs.values():
            rect = rect.united(QRectF(point, point + QPointF(1, 1)))
        self._bounds = rect.adjusted(-14, -14, 14, 14)
        self.update()

    def rect(self) -> QRectF:
        """The rectangle around the diamond."""
        return geometry.loss_rect(self._center)

    @property
    def shows_text(self) -> bool:
        """Whether the loss is written in the diamond at the present zoom."""
        return self.canvas.scale >= DISC_SCALE

    def contains_point(self, point: QPointF) -> bool:
        """Whether a scene point lies in the diamond."""
        offset = point - self._center
        across = abs(offset.x()) / geometry.LOSS_HALF_WIDTH + abs(offset.y()) / geometry.LOSS_HALF_HEIGHT
        return across <= 1.0

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, focus = theme().palette, self.canvas.focus
        hue = palette.color(focus.hue)
        for output, start in self._starts.items():
            is_lit = output in focus.curves
            painter.setPen(QPen(hue if is_lit else palette.border, 2.0 if is_lit else 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            curve = self._curve(start)
            painter.drawPath(curve)
            if is_lit:
                self._paint_arrow(painter, curve, is_backward=focus.is_backward)
        is_active = (PartKind.LOSS, "") in focus.active
        is_dimmed = focus.dims and not is_active
        border = hue if is_active else palette.neuron_border
        if is_active:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(hue, 0.18))
            painter.drawPolygon(self._diamond(8.0))
        width = 3.0 if is_active else 1.5
        if not self.shows_text:
            width = max(width, 1.2 / self.canvas.scale)
        painter.setPen(QPen(mix(border, palette.canvas, DIMMED_LINE) if is_dimmed else border, width))
        painter.setBrush(palette.neuron)
        painter.drawPolygon(self._diamond(0.0))
        if self.shows_text:
            self._paint_texts(painter, is_active=is_active, is_dimmed=is_dimmed)

    def _paint_arrow(self, painter: QPainter, curve: QPainterPath, *, is_backward: bool) -> None:
        """An arrow head at the end of a curve to which the numbers flow."""
        tip = curve.pointAtPercent(0.0 if is_backward else 1.0)
        reach = curve.percentAtLength(11.0)
        back = curve.pointAtPercent(reach if is_backward else 1.0 - reach)
        across = QPointF(tip.y() - back.y(), back.x() - tip.x()) * 0.5
        painter.drawPolyline(QPolygonF([back + across, tip, back - across]))

    def _paint_texts(self, painter: QPainter, *, is_active: bool, is_dimmed: bool) -> None:
        palette, focus = theme().palette, self.canvas.focus
        text = self.canvas.texts.loss()
        if text is None:
            return
        color = palette.color(focus.hue) if is_active else palette.text if text.is_known else palette.muted
        muted = palette.muted
        if is_dimmed:
            color, muted = mix(color, palette.canvas, DIMMED_TEXT), mix(muted, palette.canvas, DIMMED_TEXT)
        width = 66.0
        factor = min(1.0, width / max(text_width("value", text.text), 1.0))
        middle = QRectF(self._center.x() - width / 2, self._center.y() - 6, width, 20)
        if self.canvas.scale >= DETAIL_SCALE:
            letter = self.canvas.preferences.notation.loss
            # In the middle where there is no number.
            up = -17 if text.text else -4
            draw_text(painter, middle.translated(0, up), letter, role="name", color=muted)
        draw_text(painter, middle, text.text, role="value", color=color, factor=factor)

    def _diamond(self, margin: float) -> QPolygonF:
        rect = self.rect().adjusted(-margin * 1.2, -margin, margin * 1.2, margin)
        c = rect.center()
        return QPolygonF(
            [
                QPointF(rect.left(), c.y()),
                QPointF(c.x(), rect.top()),
                QPointF(rect.right(), c.y()),
                QPointF(c.x(), rect.bottom()),
            ]
        )

    def _curve(self, output: QPointF) -> QPainterPath:
        start = output + QPointF(geometry.OUTER_RADIUS + 2.0, 0)
        # To the nearer of the two left sides of the diamond, at half their height.
        offset = max(-1.0, min(1.0, (output.y() - self._center.y()) / 60.0)) * 0.5
        end = self._center + QPointF(
            -geometry.LOSS_HALF_WIDTH * (1 - abs(offset)) - 2.0, offset * geometry.LOSS_HALF_HEIGHT
        )
        path = QPainterPath(start)
        reach = max(40.0, (end.x() - start.x()) * 0.55)
        path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach * 0.6, -offset * 30), end)
        return path
