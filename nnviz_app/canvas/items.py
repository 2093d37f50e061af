"""A neuron and the loss as they are drawn, with their numbers; and what is drawn while a hand is at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.network import Role
from nnviz_app.canvas import geometry
from nnviz_app.canvas.geometry import INPUT_CORNER, OUTER_RADIUS, PILL_GAP, PILL_HEIGHT, PILL_SPACING, RADIUS
from nnviz_app.canvas.lettering import (
    DIMMED_LINE,
    DIMMED_TEXT,
    SIZES,
    Ink,
    Lettering,
    active_ink,
    draw_pill,
    draw_text,
    elided,
    operand_ink,
    pill_width,
    plain_ink,
    text_width,
)
from nnviz_app.canvas.parts import PartKind
from nnviz_app.canvas.texts import Text
from nnviz_app.theme import faded, mix, theme

if TYPE_CHECKING:
    from nnviz_app.canvas.scene import CanvasScene

# Below the first, a neuron shows nothing but its value; below the second, not even that.
DETAIL_SCALE = 0.55
DISC_SCALE = 0.30
# The widest that a number inside a neuron may be, and the smallest that its text may become.
VALUE_WIDTH = 50.0
SMALLEST_TEXT = 0.62
TARGET_GAP = 12.0
LINE_HEIGHT = 17.0
INNER_RADIUS = 28.5


@dataclass(frozen=True)
class Piece:
    """One piece of text of a neuron: `rect` from the neuron's middle, `factor` its size relative to its own."""

    kind: PartKind | None
    text: Text
    rect: QRectF
    lettering: Lettering = "pill"
    factor: float = 1.0
    locked: bool = False

    @property
    def is_pill(self) -> bool:
        """Whether it stands in a pill."""
        return self.lettering == "pill"


class NeuronItem(QGraphicsItem):
    """One neuron: outline by role, name, number, activation's sign, and its pills."""

    def __init__(self, canvas: CanvasScene, neuron_id: str) -> None:
        super().__init__()
        self.canvas = canvas
        self.neuron_id = neuron_id
        self.role = canvas.network.neurons[neuron_id].role

    def set_role(self, role: Role) -> None:
        """Take the outline of another role."""
        self.prepareGeometryChange()
        self.role = role
        self.update()

    # What is written

    def pieces(self) -> list[Piece]:
        """All that is written on and around this neuron at the present zoom."""
        scale = self.canvas.scale
        if scale < DISC_SCALE:
            return []
        texts, i = self.canvas.texts, self.neuron_id
        if scale < DETAIL_SCALE:
            # Alone in the neuron, the number can be larger.
            return [self._inside(PartKind.VALUE, texts.value(i), 0.0, "value", width=VALUE_WIDTH + 2, largest=1.3)]
        is_input = self.role is Role.INPUT
        found = [
            self._inside(
                PartKind.NAME, Text(elided("name", i, 44.0), "muted"), -12.0 if is_input else -15.0, "name", width=44.0
            ),
            self._inside(PartKind.VALUE, texts.value(i), 5.0 if is_input else 2.0, "value", width=VALUE_WIDTH),
        ]
        symbol = texts.symbol(i)
        if symbol:
            found.append(self._inside(None, Text(symbol, "muted"), 17.5, "symbol", width=36.0))
        return found + self._above() + self._below() + self._beside()

    def _inside(
        self,
        kind: PartKind | None,
        text: Text,
        y: float,
        lettering: Lettering,
        *,
        width: float,
        largest: float = 1.0,
    ) -> Piece:
        natural = max(text_width(lettering, text.text), 1.0)
        factor = min(largest, width / natural)
        if factor < SMALLEST_TEXT:
            factor = SMALLEST_TEXT
            text = Text(elided(lettering, text.text, width / factor), text.color)
            natural = text_width(lettering, text.text)
        height = SIZES[lettering] * 1.25 * factor
        rect = QRectF(-natural * factor / 2, y - height / 2, natural * factor, height)
        return Piece(kind, text, rect, lettering, factor)

    def _above(self) -> list[Piece]:
        texts, i = self.canvas.texts, self.neuron_id
        if self.role is Role.INPUT:
            return []
        for kind, text in (
            (PartKind.DELTA, texts.delta(i)),
            (PartKind.ACTIVATION_GRADIENT, texts.activation_gradient(i)),
            (PartKind.PRE_ACTIVATION, texts.pre_activation(i)),
        ):
            if text is not None:
                top = -geometry.half_extent(self.role) - PILL_GAP - PILL_HEIGHT
                return [self._pill(kind, text, 0.0, top)]
        return []

    def _below(self) -> list[Piece]:
        texts, i = self.canvas.texts, self.neuron_id
        bias = texts.bias(i)
        if bias is None:
            return []
        top = geometry.half_extent(self.role) + PILL_GAP
        locked = i in self.canvas.network.frozen
        gradient = texts.bias_gradient(i)
        if gradient is None:
            return [self._pill(PartKind.BIAS, bias, 0.0, top, locked=locked)]
        first, second = pill_width(bias.text, locked=locked), pill_width(gradient.text)
        left = -(first + PILL_SPACING + second) / 2
        return [
            self._pill(PartKind.BIAS, bias, left + first / 2, top, locked=locked),
            self._pill(PartKind.BIAS_GRADIENT, gradient, left + first + PILL_SPACING + second / 2, top),
        ]

    def _beside(self) -> list[Piece]:
        texts, i = self.canvas.texts, self.neuron_id
        target, share = texts.target(i), texts.share(i)
        if target is None or share is None:
            return []
        # On the side of the line to the loss where there is none of it.
        is_above = self.pos().y() <= self.canvas.loss_y + 1.0
        top = -2 * LINE_HEIGHT - 3.0 if is_above else 4.0
        return [
            self._line(PartKind.TARGET, target, top, "target"),
            self._line(PartKind.SHARE, share, top + LINE_HEIGHT, "share"),
        ]

    def _line(self, kind: PartKind, text: Text, top: float, lettering: Lettering) -> Piece:
        width = text_width(lettering, text.text)
        return Piece(kind, text, QRectF(OUTER_RADIUS + TARGET_GAP, top, width, LINE_HEIGHT), lettering)

    def _pill(self, kind: PartKind, text: Text, x: float, top: float, *, locked: bool = False) -> Piece:
        width = pill_width(text.text, locked=locked)
        return Piece(kind, text, QRectF(x - width / 2, top, width, PILL_HEIGHT), locked=locked)

    def reserved(self) -> list[QRectF]:
        """The scene rectangles that edge labels keep clear of, whatever is written there at the moment."""
        half = geometry.half_extent(self.role)
        rects = [QRectF(-half, -half, 2 * half, 2 * half)]
        if self.role is not Role.INPUT and self.canvas.scale >= DETAIL_SCALE:
            texts = self.canvas.texts
            bias = texts.bias(self.neuron_id)
            width = pill_width(f"b {texts.number(self.canvas.network.bias(self.neuron_id))}" if bias else "")
            width += PILL_SPACING + pill_width(texts.widest_lower())
            rects.append(QRectF(-width / 2, half + PILL_GAP, width, PILL_HEIGHT))
            width = pill_width(f"∂L/∂a {texts.widest_lower()[2:]}")
            rects.append(QRectF(-width / 2, -half - PILL_GAP - PILL_HEIGHT, width, PILL_HEIGHT))
        rects += [piece.rect for piece in self._beside()] if self.canvas.scale >= DETAIL_SCALE else []
        return [rect.translated(self.pos()) for rect in rects]

    # How it is drawn

    def boundingRect(self) -> QRectF:
        right = 260.0 if self.role is Role.OUTPUT else 115.0
        return QRectF(-115.0, -72.0, 115.0 + right, 144.0)

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(geometry.body_rect(QPointF(), self.role))
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_halo(painter)
        self._paint_body(painter)
        edited = self.canvas.edited_part
        for piece in self.pieces():
            if edited is not None and (piece.kind, self.neuron_id) == (edited.kind, edited.id):
                continue
            if piece.is_pill:
                draw_pill(painter, piece.rect, piece.text.text, self._ink(piece), locked=piece.locked)
            else:
                self._paint_text(painter, piece)

    def _paint_halo(self, painter: QPainter) -> None:
        palette, i = theme().palette, self.neuron_id
        focus = self.canvas.focus
        rings = []
        if i in self.canvas.selection:
            rings.append(faded(palette.accent, 0.22))
        if i in focus.active_neurons:
            rings.append(faded(palette.color(focus.hue), 0.18))
        if i in self.canvas.hovered_neurons and i not in self.canvas.selection:
            rings.append(faded(palette.accent, 0.13))
        half = geometry.half_extent(self.role)
        painter.setPen(Qt.PenStyle.NoPen)
        for color in rings:
            painter.setBrush(color)
            self._outline(painter, half + 6.5)

    def _outline(self, painter: QPainter, half: float) -> None:
        rect = QRectF(-half, -half, 2 * half, 2 * half)
        if self.role is Role.INPUT:
            corner = INPUT_CORNER + half - geometry.INPUT_HALF
            painter.drawRoundedRect(rect, corner, corner)
        else:
            painter.drawEllipse(rect)

    def _paint_body(self, painter: QPainter) -> None:
        palette, focus, i = theme().palette, self.canvas.focus, self.neuron_id
        is_lit = focus.is_lit(i) or i in self.canvas.hovered_neurons or i in self.canvas.selection
        color, width = palette.neuron_border, 1.5
        if i in self.canvas.selection:
            color, width = palette.accent, 2.2
        if i in focus.active_neurons:
            color, width = palette.color(focus.hue), 3.0
        elif i in focus.operand_neurons and i not in self.canvas.selection:
            color, width = palette.color(focus.hue), 2.2
        if not is_lit:
            color = mix(color, palette.canvas, DIMMED_LINE)
        half = geometry.half_extent(self.role)
        painter.setBrush(palette.neuron)
        if self.canvas.scale < DISC_SCALE:
            painter.setPen(QPen(color, max(width, 1.2 / self.canvas.scale)))
            painter.setBrush(self._disc_color())
            self._outline(painter, half)
            return
        if self.role is Role.OUTPUT:
            painter.setPen(QPen(color, 1.2))
            self._outline(painter, half - 0.6)
            painter.setPen(QPen(color, width))
            self._outline(painter, INNER_RADIUS)
            return
        painter.setPen(QPen(color, width))
        self._outline(painter, half - width / 2 + 0.5)

    def _disc_color(self) -> QColor:
        """A plain disc says what the neuron is for by its colour, since its outline is too small to."""
        palette = theme().palette
        if self.role is Role.INPUT:
            return mix(palette.neuron, palette.neuron_border, 0.25)
        return mix(palette.neuron, palette.accent, 0.55 if self.role is Role.OUTPUT else 0.25)

    def _paint_text(self, painter: QPainter, piece: Piece) -> None:
        palette, focus, i = theme().palette, self.canvas.focus, self.neuron_id
        color = palette.color(piece.text.color)
        name = (piece.kind, i)
        if name in focus.active:
            color = palette.color(focus.hue)
        elif name in focus.operands and piece.kind is not PartKind.VALUE:
            color = palette.color(focus.hue)
        elif piece.kind is PartKind.VALUE and not piece.text.is_known:
            color = palette.muted
        elif piece.kind is PartKind.VALUE and self.role is Role.INPUT and not self.canvas.texts.is_value_revealed(i):
            color = mix(color, palette.canvas, DIMMED_TEXT)
        if not focus.is_lit(i) and i not in self.canvas.hovered_neurons:
            color = mix(color, palette.canvas, DIMMED_TEXT)
        if piece.lettering == "share" and name in focus.active:
            ink = active_ink(focus.hue)
            painter.setPen(QPen(ink.border, ink.border_width))
            painter.setBrush(ink.fill)
            painter.drawRoundedRect(piece.rect.adjusted(-7, 0, 7, 0), 8.5, 8.5)
        draw_text(painter, piece.rect, piece.text.text, role=piece.lettering, color=color, factor=piece.factor)

    def _ink(self, piece: Piece) -> Ink:
        focus, i = self.canvas.focus, self.neuron_id
        color = theme().palette.color(piece.text.color)
        name = (piece.kind, i)
        if name in focus.active:
            return active_ink(focus.hue)
        if name in focus.operands:
            return operand_ink(focus.hue, color)
        ink = plain_ink(color)
        return ink if focus.is_lit(i) or i in self.canvas.hovered_neurons else ink.dimmed()


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

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, focus = theme().palette, self.canvas.focus
        hue = palette.color(focus.hue)
        for output, start in self._starts.items():
            is_lit = output in focus.curves
            painter.setPen(QPen(hue if is_lit else palette.border, 2.0 if is_lit else 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(self._curve(start))
        is_active = (PartKind.LOSS, "") in focus.active
        is_dimmed = focus.dims and not is_active
        border = hue if is_active else palette.neuron_border
        if is_active:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(hue, 0.18))
            painter.drawPolygon(self._diamond(8.0))
        painter.setPen(QPen(mix(border, palette.canvas, DIMMED_LINE) if is_dimmed else border, 3.0 if is_active else 1.5))
        painter.setBrush(palette.neuron)
        painter.drawPolygon(self._diamond(0.0))
        if self.shows_text:
            self._paint_texts(painter, is_active=is_active, is_dimmed=is_dimmed)

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
            draw_text(painter, middle.translated(0, -17), "L", role="name", color=muted)
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
        start = output + QPointF(OUTER_RADIUS + 2.0, 0)
        # To the nearer of the two left sides of the diamond, at half their height.
        offset = max(-1.0, min(1.0, (output.y() - self._center.y()) / 60.0)) * 0.5
        end = self._center + QPointF(
            -geometry.LOSS_HALF_WIDTH * (1 - abs(offset)) - 2.0, offset * geometry.LOSS_HALF_HEIGHT
        )
        path = QPainterPath(start)
        reach = max(40.0, (end.x() - start.x()) * 0.55)
        path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach * 0.6, -offset * 30), end)
        return path


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
        self, line: tuple[QPointF, QPointF] | None, *, can_be: bool = False, problem: str | None = None, scale: float = 1.0
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

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = theme().palette
        if self._band is not None:
            pen = QPen(palette.accent, 1.0)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setBrush(faded(palette.accent, 0.10))
            painter.drawRect(self._band.normalized())
        if self._line is None:
            return
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
