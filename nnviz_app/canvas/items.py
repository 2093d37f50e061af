"""A neuron as it is drawn, with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.network import Role
from nnviz_app.canvas import geometry
from nnviz_app.canvas.geometry import INPUT_CORNER, OUTER_RADIUS, PILL_GAP, PILL_HEIGHT, PILL_SPACING
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
from nnviz_app.palette import faded, mix
from nnviz_app.theme import theme

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
        is_input, value = self.role is Role.INPUT, texts.value(i)
        name_y, value_y, symbol_y = (-12.0, 5.0, 0.0) if is_input else (-15.0, 2.0, 17.0)
        if not value.text:
            # Where no number stands between them, the two move together.
            name_y, symbol_y = (0.0, 0.0) if is_input else (-8.0, 9.0)
        found = [
            self._inside(PartKind.NAME, Text(elided("name", i, 44.0), "muted"), name_y, "name", width=44.0),
            self._inside(PartKind.VALUE, value, value_y, "value", width=VALUE_WIDTH),
        ]
        symbol = texts.symbol(i)
        if symbol:
            found.append(self._inside(None, Text(symbol, "muted"), symbol_y, "symbol", width=34.0))
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
        # A part of a number would be another number: too long for its place, it is written with fewer digits.
        digits = self.canvas.preferences.style.digits
        while kind is PartKind.VALUE and width / natural < SMALLEST_TEXT and digits > 1:
            digits -= 1
            text = self.canvas.texts.value(self.neuron_id, digits)
            natural = max(text_width(lettering, text.text), 1.0)
        factor = min(largest, width / natural)
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
        # In a crowd the gradient of the bias, which equals δ, is shown while it takes part.
        stands_out = self.canvas.focus.lights(PartKind.BIAS_GRADIENT, i) or i in self.canvas.selection
        if gradient is not None and texts.is_comparing and self.canvas.is_crowded and not stands_out:
            # As on the edges: of two numbers the difference is the one that is asked for.
            return [self._pill(PartKind.BIAS_GRADIENT, gradient, 0.0, top)]
        if gradient is None or (self.canvas.is_crowded and not stands_out):
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
        top = self._beside_top()
        lines = []
        if target is not None:
            lines.append(self._line(PartKind.TARGET, target, top, "target"))
        if share is not None:
            lines.append(self._line(PartKind.SHARE, share, top + LINE_HEIGHT, "share"))
        return lines

    def _beside_top(self) -> float:
        # On the side of the line to the loss where there is none of it.
        is_above = self.pos().y() <= self.canvas.loss_y + 1.0
        return -2 * LINE_HEIGHT - 3.0 if is_above else 0.0

    def _line(self, kind: PartKind, text: Text, top: float, lettering: Lettering) -> Piece:
        width = text_width(lettering, text.text)
        return Piece(kind, text, QRectF(OUTER_RADIUS + TARGET_GAP, top, width, LINE_HEIGHT), lettering)

    def _pill(self, kind: PartKind, text: Text, x: float, top: float, *, locked: bool = False) -> Piece:
        width = pill_width(text.text, locked=locked)
        return Piece(kind, text, QRectF(x - width / 2, top, width, PILL_HEIGHT), locked=locked)

    def reserved(self, *, is_scarce: bool, has_detail: bool) -> list[QRectF]:
        """The scene rectangles that edge labels keep clear of, whatever is written there at the moment.

        Where room `is_scarce`, only those of numbers that are shown then; `has_detail`: those around the neuron.
        """
        half = geometry.half_extent(self.role)
        rects = [QRectF(-half, -half, 2 * half, 2 * half)]
        if has_detail:
            if self.role is Role.OUTPUT:
                width = text_width("share", self.canvas.texts.widest_beside())
                rects.append(QRectF(OUTER_RADIUS + TARGET_GAP, self._beside_top(), width, 2 * LINE_HEIGHT))
            if self.role is not Role.INPUT:
                texts = self.canvas.texts
                number = texts.widest_lower()
                below = pill_width(texts.widest_bias(self.neuron_id))
                below += 0.0 if is_scarce else PILL_SPACING + pill_width(number)
                n = self.canvas.preferences.notation
                widest = max(f"∂{n.loss}/∂{n.activation}", n.delta_word, n.pre_activation, key=len)
                above = pill_width(number if is_scarce else f"{widest} {number[2:]}")
                rects.append(QRectF(-below / 2, half + PILL_GAP, below, PILL_HEIGHT))
                rects.append(QRectF(-above / 2, -half - PILL_GAP - PILL_HEIGHT, above, PILL_HEIGHT))
        return [rect.translated(self.pos()) for rect in rects]

    # How it is drawn

    def boundingRect(self) -> QRectF:
        right = 260.0 if self.role is Role.OUTPUT else 115.0
        return QRectF(-115.0, -72.0, 115.0 + right, 144.0)

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(geometry.body_rect(QPointF(), self.role))
        return path

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
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
        self.canvas.health.paint(painter, self)

    def _paint_halo(self, painter: QPainter) -> None:
        palette, i = theme().palette, self.neuron_id
        focus = self.canvas.focus
        half = geometry.half_extent(self.role)
        if i in focus.active_neurons:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(palette.color(focus.hue), 0.18))
            self._outline(painter, half + 7.0)
        if i in self.canvas.selection:
            # A ring apart from the outline, so that it is not taken for the neuron at work.
            painter.setPen(QPen(palette.accent, 2.0))
            painter.setBrush(faded(palette.accent, 0.08))
            self._outline(painter, half + 4.5)
        elif i in self.canvas.hovered_neurons:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(palette.accent, 0.13))
            self._outline(painter, half + 5.0)

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
        if i in focus.active_neurons:
            color, width = palette.color(focus.hue), 3.0
        elif i in focus.operand_neurons:
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
        if i in self.canvas.thumbnails:
            painter.setBrush(self.canvas.thumbnails.brush(i, half))
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
        if name in focus.active or (name in focus.operands and piece.kind is not PartKind.VALUE):
            color = palette.color(focus.hue)
        elif piece.kind is PartKind.VALUE and not piece.text.is_known:
            color = palette.muted
        elif piece.kind is PartKind.VALUE and self.role is Role.INPUT and not self.canvas.texts.is_value_revealed(i):
            color = mix(color, palette.canvas, DIMMED_TEXT)
        is_on_map = piece.rect.left() < INNER_RADIUS and i in self.canvas.thumbnails
        if is_on_map and color == palette.muted:
            # Too pale for a ground in colours.
            color = palette.text
        if not is_on_map and not focus.is_lit(i) and i not in self.canvas.hovered_neurons:
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
