"""A table on a page: rules between its rows, numbers aligned at their points, its header again after a page break."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from core.sheet import Table
from nnviz_app.export.page_layout import Piece, Type, draw_box, draw_rule, text_pieces

SIZE = 95
LEAST_SIZE = 55
GAP = 220.0
PADDING = 42.0
# Room for a number in handwriting.
BLANK_WIDTH = 750.0
BLANK_HEIGHT = 190.0
# Columns of words are made narrower down to this.
LEAST_COLUMN = 700.0
# A table of so many rows is never divided, and of a longer one so many stay together.
WHOLE_ROWS = 14
LEAST_ROWS = 3
# Between two tables side by side, of which the longer one has at most so many times the rows of the other.
BESIDE = 500.0
UNEVEN = 3
_CAPTION = Type(90, bold=True)
_NUMBER = re.compile(r"[-−+]?(?:\d[\d,]*\.?\d*(?:e[-−+]?\d+)?|∞)|NaN|–|")


@dataclass(frozen=True)
class _Column:
    """Where a column stands, and, for one of numbers, how wide they are up to their points."""

    x: float
    width: float
    whole: float | None


def table_pieces(table: Table, *, width: float) -> list[Piece]:
    """The caption, the header and a piece for each row."""
    size = SIZE
    widths = _widths(table, size)
    while _total(widths) > width and size > LEAST_SIZE and all(_is_numeric(table, c) for c in range(len(widths))):
        size -= 5
        widths = _widths(table, size)
    widths = _narrowed(widths, width)
    columns, x = [], 0.0
    for place, column_width in enumerate(widths):
        columns.append(_Column(x, column_width, _whole_width(table, place, size)))
        x += column_width + GAP
    pieces = []
    if table.caption:
        pieces += text_pieces(table.caption, _CAPTION, width=width, before=130.0, joined=True)
    header = _row_piece(table.header, columns, Type(size, bold=True), is_header=True)
    pieces.append(Piece(header.height, header.draw, 60.0 if pieces else 130.0, joined=True))
    count = len(table.rows)
    for place, cells in enumerate(table.rows):
        blanks = frozenset(column for column in range(len(cells)) if (place, column) in table.blanks)
        row = _row_piece(cells, columns, Type(size), blanks=blanks, is_last=place == count - 1)
        # A row that does not stay with the next one can end a page.
        joined = count <= WHOLE_ROWS or not LEAST_ROWS - 1 <= place < count - LEAST_ROWS
        pieces.append(Piece(row.height, row.draw, joined=joined and place < count - 1, again=header))
    return pieces


def side_by_side(left: Table, right: Table, *, width: float) -> Piece | None:
    """Two short tables beside each other; None where they are too wide or long, or of too different lengths."""
    counts = sorted((len(left.rows), len(right.rows)))
    second = _natural_width(left) + BESIDE
    if counts[1] > min(WHOLE_ROWS, UNEVEN * counts[0]) or second + _natural_width(right) > width:
        return None
    columns = [(0.0, table_pieces(left, width=width)), (second, table_pieces(right, width=width))]

    def draw(painter: QPainter, x: float, y: float) -> None:
        for start, pieces in columns:
            top = y - pieces[0].before
            for piece in pieces:
                piece.draw(painter, x + start, top + piece.before)
                top += piece.before + piece.height

    height = max(sum(p.before + p.height for p in pieces) - pieces[0].before for _, pieces in columns)
    return Piece(height, draw, before=max(pieces[0].before for _, pieces in columns))


def _natural_width(table: Table) -> float:
    """The width of a table that nothing makes narrower."""
    return max(_total(_widths(table, SIZE)), _CAPTION.width(table.caption) + 1.0)


def _total(widths: Sequence[float]) -> float:
    return sum(widths) + GAP * (len(widths) - 1)


def _cells(table: Table, column: int) -> list[str]:
    return [row[column] for place, row in enumerate(table.rows) if (place, column) not in table.blanks]


def _is_numeric(table: Table, column: int) -> bool:
    return all(_NUMBER.fullmatch(cell) for cell in _cells(table, column))


def _widths(table: Table, size: int) -> list[float]:
    kind, bold = Type(size), Type(size, bold=True)
    widths = []
    for column, title in enumerate(table.header):
        cells = _cells(table, column)
        whole = _whole_width(table, column, size)
        rest = max((kind.width(cell) for cell in cells), default=0.0)
        if whole is not None:
            rest = whole + max((kind.width(cell[_point(cell) :]) for cell in cells), default=0.0)
        has_blank = any(place[1] == column for place in table.blanks)
        widths.append(max(bold.width(title), rest, BLANK_WIDTH if has_blank else 0.0))
    return widths


def _point(cell: str) -> int:
    """Where the whole part of a number ends."""
    return next((place for place, letter in enumerate(cell) if letter in ".e"), len(cell))


def _whole_width(table: Table, column: int, size: int) -> float | None:
    if not _is_numeric(table, column):
        return None
    return max((Type(size).width(cell[: _point(cell)]) for cell in _cells(table, column)), default=0.0)


def _narrowed(widths: list[float], width: float) -> list[float]:
    """Widths that fit: the widest columns are made narrower first, and their texts broken."""
    widths = list(widths)
    while _total(widths) > width + 1e-6:
        widest = max(widths)
        others = [w for w in widths if w < widest]
        same = len(widths) - len(others)
        target = max(max(others, default=0.0), LEAST_COLUMN if widest > LEAST_COLUMN else 0.0)
        needed = (_total(widths) - width) / same
        if widest - target < 1e-6:
            target = 0.0
        widths = [max(target, w - needed) if w == widest else w for w in widths]
    return widths


def _row_piece(
    cells: Sequence[str],
    columns: Sequence[_Column],
    kind: Type,
    *,
    blanks: frozenset[int] = frozenset(),
    is_header: bool = False,
    is_last: bool = False,
) -> Piece:
    texts = [
        kind.wrap(cell, max(column.width, 1.0) + 2.0) if kind.width(cell) > column.width + 1.0 else [cell]
        for cell, column in zip(cells, columns, strict=True)
    ]
    leading = 1.25 * kind.size
    height = max(len(lines) for lines in texts) * leading + 2 * PADDING
    if blanks:
        height = max(height, BLANK_HEIGHT + PADDING)
    right = columns[-1].x + columns[-1].width if columns else 0.0

    def draw(painter: QPainter, x: float, y: float) -> None:
        for place, (lines, column) in enumerate(zip(texts, columns, strict=True)):
            if place in blanks:
                box = QRectF(x + column.x, y + 0.5 * PADDING, column.width, height - PADDING)
                draw_box(painter, box)
                continue
            # What has fewer lines than others stands in the middle of the row.
            top = y + 0.5 * (height - len(lines) * leading)
            for number, line in enumerate(lines):
                left = x + column.x
                if not is_header and column.whole is not None and len(lines) == 1:
                    left += column.whole - kind.width(line[: _point(line)])
                kind.draw(painter, left, top + number * leading + 0.95 * kind.size, line)
        if is_header:
            draw_rule(painter, x, x + right, y, strong=True)
        draw_rule(painter, x, x + right, y + height, strong=is_header or is_last)

    return Piece(height, draw)
