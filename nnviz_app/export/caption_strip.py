"""The strip beneath a frame of an animation: phase, step, a sentence and the step's formula, nothing ever cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from core.explanation import explain
from core.quantities import Phase, phase_of
from core.style import Style, unmark
from core.trace import Trace
from nnviz_app.formula import LAYOUT_SIZE, formula_size, lay_out, render_formula
from nnviz_app.panels.explain import PHASE_TITLES, formula_pieces
from nnviz_app.panels.readings import phase_name
from nnviz_app.theme import theme

# In text sizes: the strip's height, its margins, the row with the phase, that with the sentence.
HEIGHT, MARGIN, TOP, HEAD, LINE = 9.2, 1.2, 0.7, 1.5, 1.5
# Formulas: their size at first, and at which they begin to take several lines; both in text sizes.
FORMULA, UNBROKEN = 1.3, 1.1
# Each try is so much smaller than the one before.
SHRINKING = 0.94
# Between two lines of a formula, and before all but the first, in sizes of its text.
GAP, INDENT = 0.25, 1.0
# A sentence that would have to be smaller than this share of its size gets a second line.
SMALLEST_LINE = 0.85


@dataclass(frozen=True)
class Caption:
    """What is said of a moment.

    `parts` are LaTeX, each with the name of its colour, as they follow each other: symbols, then numbers and result.
    """

    phase: str
    hue: str
    counter: str
    sentence: str
    parts: tuple[tuple[str, str], ...] = ()


def caption_of(trace: Trace, index: int, style: Style) -> Caption:
    """What is said after `index` steps: the last of them."""
    counter = f"{index:,} / {len(trace):,}"
    if not index:
        return Caption("START", "muted", counter, "Inputs, weights and biases are given; nothing is computed yet.")
    quantity = trace.quantity_at(index - 1)
    phase = phase_of(quantity.kind)
    hue, title = phase_name(phase), PHASE_TITLES[phase]
    if trace.batch > 1 and phase is not Phase.UPDATE:
        title += f" · sample {quantity.sample + 1:,} of {trace.batch:,}"
    told = explain(trace, quantity, style)
    sentence = f"{told.sentence.rstrip('.')}."
    written = ((told.symbols, "text"), (told.numbers, hue), (told.result, hue))
    return Caption(title, hue, counter, sentence, tuple((unmark(part), color) for part, color in written if part))


@dataclass(frozen=True)
class _Piece:
    """A part of a formula that stays together; its extent is that at LAYOUT_SIZE."""

    latex: str
    color: str
    width: float
    ascent: float
    descent: float


@dataclass(frozen=True)
class _Set:
    """A formula in lines of pieces, with the size of its text and its height in pixels."""

    lines: list[list[_Piece]]
    size: float
    height: float


class CaptionStrip:
    """A strip of a width in pixels with text of `em` pixels; its height is always the same."""

    def __init__(self, width: int, em: float) -> None:
        self.width, self.em = width, em
        self.height = round(HEIGHT * em)

    def paint(self, painter: QPainter, top: float, caption: Caption) -> None:
        """Paint it at this height of a picture, in the colours of the theme in force."""
        palette, em = theme().palette, self.em
        margin, room = MARGIN * em, self.width - 2 * MARGIN * em
        painter.fillRect(QRectF(0, top, self.width, self.height), palette.panel)
        painter.fillRect(QRectF(0, top, self.width, 1), palette.line)
        y = top + TOP * em
        head = QRectF(margin, y, room, HEAD * em)
        counter = self._font("body", 0.9)
        painter.setFont(counter)
        painter.setPen(palette.muted)
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, caption.counter)
        taken = QFontMetricsF(counter).horizontalAdvance(caption.counter) + em
        painter.setFont(_fitted(self._font("strong", 0.9), caption.phase, head.width() - taken))
        painter.setPen(palette.color(caption.hue))
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, caption.phase)
        y += head.height()
        y += self._paint_sentence(painter, QRectF(margin, y, room, 2 * LINE * em), caption.sentence) + 0.3 * em
        if caption.parts:
            self._paint_formula(painter, QRectF(margin, y, room, top + self.height - y - 0.6 * em), caption.parts)

    def _font(self, role: str, size: float) -> QFont:
        font = theme().font("strong" if role == "strong" else "body")
        font.setPixelSize(max(1, round(size * self.em)))
        return font

    def _paint_sentence(self, painter: QPainter, area: QRectF, sentence: str) -> float:
        """Paint a sentence on one line, or on two where it is long; return how high it is."""
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        font = self._font("body", 1.0)
        whole = QFontMetricsF(font).horizontalAdvance(sentence)
        lines = 1
        if whole * SMALLEST_LINE <= area.width():
            font = _fitted(font, sentence, area.width())
        else:
            flags |= Qt.TextFlag.TextWordWrap
            lines = 2
            while font.pixelSize() > 1:
                needed = QFontMetricsF(font).boundingRect(area, int(flags), sentence)
                if needed.height() <= area.height() and needed.width() <= area.width():
                    break
                font.setPixelSize(font.pixelSize() - 1)
        painter.setFont(font)
        painter.setPen(theme().palette.text)
        painter.drawText(area, int(flags), sentence)
        return lines * area.height() / 2

    def _paint_formula(self, painter: QPainter, area: QRectF, parts: Sequence[tuple[str, str]]) -> None:
        formula = set_formula(parts, em=self.em, width=area.width(), height=area.height())
        scale = formula.size / LAYOUT_SIZE
        y = area.center().y() - formula.height / 2
        for number, line in enumerate(formula.lines):
            x = area.left() + (INDENT * formula.size if number else 0.0)
            base = y + max(piece.ascent for piece in line) * scale
            for piece in line:
                color = theme().palette.color(piece.color)
                pixmap = render_formula(piece.latex, color=color, size=formula.size)
                # On whole pixels it stays sharp.
                painter.drawPixmap(QPointF(round(x), round(base - piece.ascent * scale)), pixmap)
                x += piece.width * scale
            y = base + max(piece.descent for piece in line) * scale + GAP * formula.size


def set_formula(parts: Sequence[tuple[str, str]], *, em: float, width: float, height: float) -> _Set:
    """Set parts of a formula, each LaTeX and a colour's name, into a rectangle: on one line, else each part on its own
    and broken where it is longer, else smaller, without a limit."""
    groups = [
        [_piece(latex if not place and not number else "{} " + latex, color) for number, latex in enumerate(pieces)]
        for place, (pieces, color) in enumerate((formula_pieces(latex), color) for latex, color in parts)
    ]
    line = [piece for group in groups for piece in group]
    # A little smaller looks better than broken.
    size = min(FORMULA * em, width / _width(line, 1.0))
    if size < UNBROKEN * em or _height([line], size) > height:
        size = FORMULA * em
        while size > 1.0 and not _fits(_fill(groups, size, width), size, width=width, height=height):
            size *= SHRINKING
        lines = _fill(groups, size, width)
    else:
        lines = [line]
    return _Set(lines, size, _height(lines, size))


def _fits(lines: Sequence[Sequence[_Piece]], size: float, *, width: float, height: float) -> bool:
    across = (_width(line, size) + (INDENT * size if place else 0.0) for place, line in enumerate(lines))
    return max(across) <= width and _height(lines, size) <= height


def _piece(latex: str, color: str) -> _Piece:
    drawing = lay_out(latex)
    if drawing is not None:
        return _Piece(latex, color, drawing.width, drawing.ascent, drawing.descent)
    width, height = formula_size(latex, LAYOUT_SIZE)
    return _Piece(latex, color, width, 0.8 * height, 0.2 * height)


def _fill(groups: Sequence[Sequence[_Piece]], size: float, width: float) -> list[list[_Piece]]:
    """Lines that begin anew with each group, but for one that the line before has room for as a whole."""
    lines: list[list[_Piece]] = []
    for place, group in enumerate(groups):
        room = width - (INDENT * size if len(lines) > 1 else 0.0)
        if lines and place > 1 and _width([*lines[-1], *group], size) <= room:
            lines[-1] += group
            continue
        lines.append([])
        for piece in group:
            room = width - (INDENT * size if len(lines) > 1 else 0.0)
            if lines[-1] and _width([*lines[-1], piece], size) > room:
                lines.append([])
            lines[-1].append(piece)
    return lines


def _width(line: Sequence[_Piece], size: float) -> float:
    return sum(piece.width for piece in line) * size / LAYOUT_SIZE


def _height(lines: Sequence[Sequence[_Piece]], size: float) -> float:
    extents = (max(p.ascent for p in line) + max(p.descent for p in line) for line in lines)
    return sum(extents) * size / LAYOUT_SIZE + GAP * size * (len(lines) - 1)


def _fitted(font: QFont, text: str, width: float) -> QFont:
    """The font, smaller where the text is wider."""
    font = QFont(font)
    while QFontMetricsF(font).horizontalAdvance(text) > width and font.pixelSize() > 1:
        font.setPixelSize(font.pixelSize() - 1)
    return font
