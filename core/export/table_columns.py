"""Columns of numbers in a table whose points stand one beneath the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.sheet import Table

_NUMBER = re.compile(r"[−-]?(\d[\d.,]*(e[−-]?\d+)?|∞)|NaN|–|")


def shown_columns(table: Table) -> list[tuple[str, ...]]:
    """The texts of each column, empty where something is left to fill in: its length must not tell the answer."""
    return [
        tuple("" if (row, column) in table.blanks else cells[column] for row, cells in enumerate(table.rows))
        for column in range(len(table.header))
    ]


def is_numeric(column: Sequence[str]) -> bool:
    """Whether a column holds numbers, and nothing else but empty cells and dashes."""
    return all(_NUMBER.fullmatch(cell) for cell in column)


def trailing(column: Sequence[str]) -> list[tuple[int, bool]]:
    """For each number how many digits, and whether a point, it lacks behind it to be as long as the longest there.

    Set to the right with so much room behind them, the numbers have their points one beneath the other. A column of
    other texts lacks nothing.
    """
    places = [_places(cell) for cell in column] if is_numeric(column) else []
    most = max((count for count in places if count is not None), default=0)
    if not most:
        return [(0, False)] * len(column)
    return [(0, False) if count is None else (most - count, count == 0) for count in places]


def _places(cell: str) -> int | None:
    """Digits behind the point; None for what has no such place."""
    if not cell or not cell[-1].isdigit() or "e" in cell:
        return None
    return len(cell.partition(".")[2])
