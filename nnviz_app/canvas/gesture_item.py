"""What is drawn while a hand is at work."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz_app.canvas.lettering import draw_text, text_width
from nnviz_app.palette import faded
from nnviz_app.theme import theme


class GestureItem(QGraphicsItem):
    """What is drawn while a hand is at work: the line that becomes an edge, and the rubber band."""

    def __init__(self) -> None:
        super().__init__()
        self._line: tuple[QPointF, QPointF] | None = None
        self._problem: str | None = None
        self._can_be = False
        self._band: QRectF | None = None
        self._scale = 1.0

    def set_line(
        self,
        line: tuple[QPointF, QPointF] | None,
        *,
        can_be: bool = False,
        problem: str | None = None,
        scale: float = 1.0,
    ) -> None:
        """Draw a line that becomes an edge if it `can_be`, or the `problem` why it cannot."""
        self.prepareGeometryChange()
        self._line, self._can_be, self._problem, self._scale = line, can_be, problem, scale
        self.update()

    def set_band(self, rect: QRectF | None) -> None:
        """Draw the rubber band around what is being selected."""
        self.prepareGeometryChange()
        self._band = rect
        self.update()

    def boundingRect(self) -> QRectF:
        rect = QRectF()
        if self._line is not None:
            rect = QRectF(*self._line).normalized().adjusted(-20, -20, 20, 20)
            if self._problem:
                rect = rect.united(self._bubble().adjusted(-4, -4, 4, 4))
        if self._band is not None:
            rect = rect.united(self._band.normalized().adjusted(-3, -3, 3, 3))
        return rect

    def _bubble(self) -> QRectF:
        """The rectangle of the sentence that says why not, the same size on screen at every zoom."""
        assert self._line is not None
        zoom = 1.0 / max(self._scale, 1e-6)
        width = (text_width("share", self._problem or "") + 20) * zoom
        end = self._line[1]
        return QRectF(end.x() + 16 * zoom, end.y() + 14 * zoom, width, 24 * zoom)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        palette = theme().palette
        if self._band is not None:
            # Upright lines one pixel wide are crisp without.
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            pen = QPen(palette.accent, 1.0)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setBrush(faded(palette.accent, 0.10))
            painter.drawRect(self._band.normalized())
        if self._line is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = palette.error if self._problem else palette.accent if self._can_be else palette.muted
        pen = QPen(color, 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        if not self._can_be:
            pen.setDashPattern([3.0, 3.0])
        painter.setPen(pen)
        painter.drawLine(*self._line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(self._line[1], 4.0, 4.0)
        if self._problem:
            bubble = self._bubble()
            painter.setPen(QPen(palette.error, 1.0 / max(self._scale, 1e-6)))
            painter.setBrush(palette.error_tint)
            radius = bubble.height() / 4
            painter.drawRoundedRect(bubble, radius, radius)
            draw_text(
                painter, bubble, self._problem, role="share", color=palette.error, factor=1.0 / max(self._scale, 1e-6)
            )
