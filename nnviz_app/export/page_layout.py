"""Where things stand on a page: pieces that stay whole, and the pages that they fill.

All lengths are tenths of a point, so that pixel sizes of fonts, which are whole numbers, are fine enough.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QTextLayout, QTextOption

from nnviz_app.theme import FONT_FAMILIES

PER_INCH = 720.0
PER_MM = PER_INCH / 25.4

BODY = 105
# Print is black on white whatever the theme; greys are dark enough for a copier.
INK = "#111418"
MUTED = "#565E6C"
RULE = QColor("#9AA1AD")
LIGHT_RULE = QColor("#D3D7DE")


@functools.cache
def _font(pixels: int, bold: bool) -> QFont:
    font = QFont()
    font.setFamilies(FONT_FAMILIES)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if hasattr(QFont, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
        # A search for "significant" would not find it with the letters fi in one.
        font.setFeature(QFont.Tag("liga"), 0)
    return font


@functools.cache
def _metrics(pixels: int, bold: bool) -> QFontMetricsF:
    return QFontMetricsF(_font(pixels, bold))


@dataclass(frozen=True)
class Type:
    """How a text is set: its size in tenths of a point, its weight and colour."""

    size: int = BODY
    bold: bool = False
    color: str = INK

    @property
    def font(self) -> QFont:
        """The font of this size, with figures of equal width."""
        return _font(self.size, self.bold)

    @property
    def leading(self) -> float:
        """From one baseline to the next."""
        return 1.4 * self.size

    def width(self, text: str) -> float:
        """How wide a text is, unbroken."""
        return _metrics(self.size, self.bold).horizontalAdvance(text)

    def cut(self, text: str, width: float) -> str:
        """The text, with its end left out where it is wider."""
        return QFontMetricsF(self.font).elidedText(text, Qt.TextElideMode.ElideRight, width)

    def draw(self, painter: QPainter, x: float, baseline: float, text: str) -> None:
        """Write one line of text from `x` on."""
        painter.setFont(self.font)
        painter.setPen(QColor(self.color))
        painter.drawText(QPointF(x, baseline), text)

    def wrap(self, text: str, width: float) -> list[str]:
        """The text as lines of this width at most; a word that is wider is broken."""
        lines: list[str] = []
        for paragraph in text.split("\n"):
            layout = QTextLayout(paragraph, self.font)
            option = QTextOption()
            option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
            layout.setTextOption(option)
            layout.beginLayout()
            # Its places count UTF-16 units, of which some characters take two.
            units = paragraph.encode("utf-16-le")
            while (line := layout.createLine()).isValid():
                line.setLineWidth(width)
                start, length = line.textStart(), line.textLength()
                lines.append(units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace").rstrip())
            layout.endLayout()
        return lines


# Draws a piece whose upper left corner is at (x, y).
Draw = Callable[[QPainter, float, float], None]


@dataclass(frozen=True)
class Piece:
    """What is never divided between two pages.

    `before` is the room above it, except at the top of a page. `joined`: the next piece stays on its page, as far as
    that is possible. `again` is drawn first where this piece begins a page: a table's header.
    """

    height: float
    draw: Draw
    before: float = 0.0
    joined: bool = False
    again: Piece | None = None


@dataclass(frozen=True)
class Placed:
    """A piece on its page, from the page's upper edge of text down."""

    piece: Piece
    y: float


def fill_pages(pieces: Sequence[Piece], height: float) -> list[list[Placed]]:
    """Pages of this height with all pieces in their order; one that is higher than a page has a page of its own."""
    pages: list[list[Placed]] = [[]]
    y = 0.0
    for group in _groups(pieces):
        needed = _height(group, at_top=not pages[-1])
        # A group that fits no page is placed piece by piece.
        if pages[-1] and y + needed > height >= _height(group, at_top=True):
            pages.append([])
            y = 0.0
        for piece in group:
            gap = piece.before if pages[-1] else 0.0
            if pages[-1] and y + gap + piece.height > height:
                pages.append([])
                y, gap = 0.0, 0.0
            if not pages[-1] and piece.again is not None:
                pages[-1].append(Placed(piece.again, 0.0))
                y = piece.again.height
            pages[-1].append(Placed(piece, y + gap))
            y += gap + piece.height
    return pages


def _groups(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    for piece in pieces:
        group.append(piece)
        if not piece.joined:
            yield group
            group = []
    if group:
        yield group


def _height(group: Sequence[Piece], *, at_top: bool) -> float:
    height = sum(piece.before + piece.height for piece in group)
    if at_top:
        height -= group[0].before
        if group[0].again is not None:
            height += group[0].again.height
    return height


def text_pieces(text: str, kind: Type, *, width: float, before: float, joined: bool = False) -> list[Piece]:
    """A paragraph, line by line, of which no single first or last line stands on another page than the others."""
    lines = kind.wrap(text, width)
    count = len(lines)
    pieces = []
    for place, line in enumerate(lines):

        def draw(painter: QPainter, x: float, y: float, line: str = line) -> None:
            kind.draw(painter, x, y + 1.05 * kind.size, line)

        stays = joined if place == count - 1 else place in (0, count - 2)
        pieces.append(Piece(kind.leading, draw, before if place == 0 else 0.0, stays))
    return pieces


def draw_rule(painter: QPainter, left: float, right: float, y: float, *, strong: bool = False) -> None:
    """A horizontal rule: between rows, or `strong` around them and under what is to be filled in."""
    painter.setPen(QPen(RULE if strong else LIGHT_RULE, 7.0 if strong else 5.0))
    painter.drawLine(QPointF(left, y), QPointF(right, y))


def draw_box(painter: QPainter, box: QRectF) -> None:
    """A box to write in."""
    painter.setPen(QPen(RULE, 7.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, 25.0, 25.0)
