"""A formula on a page: typeset as vectors, with its text, invisible, over it, so that it can be found and copied."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from core.sheet import Blank, Formula
from nnviz_app.export.page_glyphs import extent, typeset
from nnviz_app.export.page_layout import INK, MUTED, Piece, Type, draw_box, draw_rule, text_pieces
from nnviz_app.formula import LAYOUT_SIZE, RELATIONS, break_formula, fit_formula, plain_text

SIZE = 110.0
# The numbers of the formulas stand in this margin.
GUTTER = 260.0
# Between a side of the formula and the next "=".
SPACE = 0.3 * SIZE
LINE_GAP = 0.55 * SIZE
# What handwriting takes: a result, the numbers put in for symbols as a multiple of their width, and at least and at
# most such a line. How long the numbers are does not count: the room would tell.
RESULT_ROOM = 900.0
HANDWRITING = 2.2
LEAST_ROOM = 1200.0
MOST_ROOM = 2600.0
WRITING_HEIGHT = 250.0
# Formulas of more lines than that may go on on the next page.
MOST_JOINED = 12
_NUMBER = Type(80, color=MUTED)
_INVISIBLE = Type(90, color="#00000000")


@dataclass(frozen=True)
class Part:
    """A piece of a line: LaTeX at a size, or with `room` a place to write in, as wide as that."""

    latex: str
    size: float = SIZE
    room: float = 0.0
    boxed: bool = False

    @property
    def width(self) -> float:
        """The width on the page."""
        if self.room:
            return self.room
        setting = typeset(self.latex)
        return _plain_type(self.size).width(self.text) if setting is None else setting.width * self._scale

    @property
    def ascent(self) -> float:
        """The height above the baseline."""
        if self.room:
            return 0.72 * WRITING_HEIGHT
        setting = typeset(self.latex)
        return self.size if setting is None else setting.ascent * self._scale

    @property
    def descent(self) -> float:
        """The depth below the baseline."""
        if self.room:
            return 0.28 * WRITING_HEIGHT
        setting = typeset(self.latex)
        return 0.3 * self.size if setting is None else setting.descent * self._scale

    @property
    def text(self) -> str:
        """The same as text."""
        return "" if self.room else plain_text(self.latex) or self.latex.strip()

    @property
    def _scale(self) -> float:
        return self.size / LAYOUT_SIZE

    def draw(self, painter: QPainter, x: float, baseline: float) -> None:
        """Draw it at its place on a line; what is typeset says nothing to those who search, see `Line.draw`."""
        if self.boxed:
            top = baseline - self.ascent
            draw_box(painter, QRectF(x, top, self.room, self.ascent + self.descent))
        elif self.room:
            draw_rule(painter, x, x + self.room, baseline + 25.0, strong=True)
        elif (setting := typeset(self.latex)) is None:
            _plain_type(self.size).draw(painter, x, baseline, self.text)
        else:
            setting.draw(painter, x, baseline, size=self.size, color=INK)


@functools.cache
def _plain_type(size: float) -> Type:
    return Type(max(1, round(0.95 * size)))


def _draw_invisibly(painter: QPainter, x: float, baseline: float, *, width: float, text: str) -> None:
    """Write a text of this width in no colour: who searches or copies what is on the page finds it there."""
    natural = _INVISIBLE.width(text)
    if natural <= 0:
        return
    painter.save()
    painter.translate(x, baseline)
    painter.scale(width / natural, 1.0)
    _INVISIBLE.draw(painter, 0.0, 0.0, text)
    painter.restore()


@dataclass(frozen=True)
class Line:
    """Parts on one baseline, from `indent` on."""

    parts: tuple[Part, ...]
    indent: float = 0.0

    @property
    def width(self) -> float:
        """From the indent to the end of the last part."""
        return sum(part.width for part in self.parts) + SPACE * (len(self.parts) - 1)

    @property
    def ascent(self) -> float:
        """The height above the baseline."""
        return max(part.ascent for part in self.parts)

    @property
    def descent(self) -> float:
        """The depth below the baseline."""
        return max(part.descent for part in self.parts)

    def draw(self, painter: QPainter, x: float, y: float) -> None:
        """Draw it below `y`."""
        x, baseline = x + self.indent, y + self.ascent
        for text, parts in itertools.groupby(
            self.parts, lambda part: not part.room and typeset(part.latex) is not None
        ):
            start, drawn = x, list(parts)
            for part in drawn:
                part.draw(painter, x, baseline)
                x += part.width + SPACE
            if text:
                whole = " ".join(part.text for part in drawn)
                _draw_invisibly(painter, start, baseline, width=x - SPACE - start, text=whole)


def formula_pieces(formula: Formula, *, width: float) -> list[Piece]:
    """The sentence with its number in the margin, and the formula below it, the sides aligned at their "="."""
    sentence = text_pieces(formula.sentence, Type(95, color=MUTED), width=width - GUTTER, before=85.0, joined=True)
    pieces = [_moved(piece, GUTTER) for piece in sentence]
    pieces[0] = _numbered(pieces[0], str(formula.number))
    lines = formula_lines(formula, width=width - GUTTER)
    for place, line in enumerate(lines):

        def draw(painter: QPainter, x: float, y: float, line: Line = line) -> None:
            line.draw(painter, x + GUTTER, y)

        is_last = place == len(lines) - 1
        # The lines of a formula stay together, unless it is a very long sum.
        joined = not is_last and (len(lines) <= MOST_JOINED or place in (0, len(lines) - 2))
        pieces.append(Piece(line.ascent + line.descent, draw, 35.0 if place == 0 else LINE_GAP, joined))
    return pieces


def _moved(piece: Piece, by: float) -> Piece:
    return replace(piece, draw=lambda painter, x, y: piece.draw(painter, x + by, y))


def _numbered(piece: Piece, number: str) -> Piece:
    def draw(painter: QPainter, x: float, y: float) -> None:
        _NUMBER.draw(painter, x, y + 100.0, number)
        piece.draw(painter, x, y)

    return replace(piece, draw=draw)


# A side of a formula from its "=" on.
Side = tuple[Part, ...]


def formula_lines(formula: Formula, *, width: float) -> list[Line]:
    """The formula in lines of this width at most: on one line if that is wide enough, else a line for each side."""
    left, right = _split(formula.symbols)
    numbers = room = None
    if formula.numbers:
        numbers, room = formula.numbers, _Room(writing_room(Part(right).width))
    shown: list[str | _Room | None]
    match formula.blank:
        case Blank.NOTHING:
            shown = [right, numbers, formula.result]
        case Blank.RESULT:
            shown = [right, numbers, _Room(RESULT_ROOM, boxed=True)]
        case Blank.NUMBERS:
            shown = [right, room, _Room(RESULT_ROOM, boxed=True)]
        case Blank.ALL:
            shown = [_Room(LEAST_ROOM), _Room(RESULT_ROOM, boxed=True)]
    return [_stretched(line, width) for line in _arrange(Part(left), [_side(one) for one in shown if one], width)]


def _stretched(line: Line, width: float) -> Line:
    """The line with its rule to write on as long as can be: the boxes behind such rules stand one below the other."""
    rest = max(0.0, width - line.indent - line.width)
    return replace(
        line, parts=tuple(replace(p, room=p.room + rest) if p.room and not p.boxed else p for p in line.parts)
    )


@dataclass(frozen=True)
class _Room:
    width: float
    boxed: bool = False


def writing_room(symbols: float) -> float:
    """The width that the numbers put in for symbols of this width take at least in handwriting."""
    return min(max(LEAST_ROOM, HANDWRITING * symbols), MOST_ROOM)


def _split(symbols: str) -> tuple[str, str]:
    """The left side, and the rest from the relation on."""
    pieces = break_formula(symbols)
    for place, piece in enumerate(pieces[1:], 1):
        if _relation(piece):
            return "".join(pieces[:place]).strip(), "".join(pieces[place:]).strip()
    return symbols.strip(), ""


def _relation(latex: str) -> str:
    """The relation that a piece begins with, if it does."""
    start = latex.lstrip()
    command = re.match(r"\\[A-Za-z]+|.", start)
    return command[0] if command is not None and command[0] in RELATIONS else ""


def _side(shown: str | _Room) -> Side:
    """Its "=" is a part of its own, so that all of them stand one below the other."""
    if isinstance(shown, _Room):
        return (Part("="), Part("", room=shown.width, boxed=shown.boxed))
    relation = _relation(shown)
    rest = shown.strip().removeprefix(relation).strip()
    return tuple(Part(latex) for latex in (relation, rest) if latex)


def _arrange(left: Part, sides: Sequence[Side], width: float) -> list[Line]:
    whole = Line((left, *itertools.chain(*sides)))
    if whole.width <= width or not sides:
        return [whole]
    indent = left.width + SPACE
    # A long left side leaves too little beside it.
    is_below = indent > 0.4 * width
    indent = 2 * SIZE if is_below else indent
    lines: list[Line] = []
    for place, side in enumerate(sides):
        joined = Line((*lines[-1].parts, *side), lines[-1].indent) if lines else None
        # The result stands with the numbers where it fits.
        if (
            joined is not None
            and place == len(sides) - 1
            and place > 1
            and joined.indent + joined.width <= width - indent
        ):
            lines[-1] = joined
        else:
            lines += _broken(side, width - indent)
    lines = [replace(line, indent=line.indent + indent) for line in lines]
    return [Line((left,)), *lines] if is_below else [Line((left, *lines[0].parts)), *lines[1:]]


def _broken(side: Side, width: float) -> list[Line]:
    """A side in lines of this width: broken between the terms of its sums, those after the first below its first."""
    if Line(side).width <= width:
        return [Line(side)]
    *start, last = side
    hang = sum(part.width + SPACE for part in start)
    if last.room:
        return [Line((*start, replace(last, room=max(width - hang, 1.0))))]
    fitted = fit_formula(last.latex, break_formula(last.latex), size=SIZE, width=width - hang, extent_of=extent)
    first, *others = [Part(line, fitted.size) for line in fitted.lines] or [last]
    return [Line((*start, first)), *(Line((part,), hang) for part in others)]
