"""Blocks of numbers as spreadsheets put them on the clipboard: text to numbers and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.errors import DataError
from core.numbers import parse_number

DECIMAL_COMMA_NOTE = (
    "The commas were read as decimal commas, so this is one column. For two columns separate them with tabs, "
    "semicolons or a comma and a space."
)


@dataclass(frozen=True)
class Block:
    """A rectangle of numbers, row by row; `note` says what had to be guessed while reading it."""

    rows: tuple[tuple[float, ...], ...]
    note: str = ""

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.rows[0]) if self.rows else 0


def split_block(text: str) -> tuple[list[list[str]], str]:
    """Split clipboard text into cells, and say what had to be guessed.

    Cells are separated by tabs, else by semicolons, else by commas or spaces. One comma between two runs of
    digits on each line is a decimal comma: "0,5".
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t").split("\n")
    if any("\t" in line for line in lines):
        return [line.split("\t") for line in lines], ""
    if any(";" in line for line in lines):
        return [line.split(";") for line in lines], ""
    if any(_separates(line) for line in lines):
        return [line.split(",") for line in lines], ""
    stripped = [line.strip(" ") for line in lines]
    if any(" " in line for line in stripped):
        return [line.split() for line in stripped], ""
    guessed = any("," in line for line in lines)
    return [[line] for line in lines], DECIMAL_COMMA_NOTE if guessed else ""


def _separates(line: str) -> bool:
    """Whether the commas of this line separate cells rather than decimals."""
    if "," not in line:
        return False
    return line.count(",") > 1 or "." in line or "/" in line or ", " in line or line.strip()[-1:] == ","


def parse_block(
    text: str,
    titles: Sequence[str],
    *,
    first_row: int,
    first_column: int,
    row_at: Callable[[int], int] = lambda place: place,
) -> Block:
    """The numbers of a pasted block whose first cell goes to (`first_row`, `first_column`), counted from 0.

    Messages name the row that `row_at` gives for a place in the table: a sorted one has them in another order.
    Raises DataError naming row and column when the block is too wide or a cell is not a number.
    """
    if not text.strip():
        raise DataError("There is nothing on the clipboard to paste: copy numbers first.")
    cells, note = split_block(text)
    width = max(len(line) for line in cells)
    room = len(titles) - first_column
    if width > room:
        raise DataError(
            f"The copied block has {_columns(width)}, but from {titles[first_column]} on there "
            f"{'is' if room == 1 else 'are'} only {room}: nothing was pasted."
        )
    rows = []
    for place, line in enumerate(cells):
        numbers = []
        for column in range(width):
            where = f"Row {row_at(first_row + place) + 1}, {titles[first_column + column]}"
            cell = line[column] if column < len(line) else ""
            if not cell.strip():
                raise DataError(f"{where}: the copied cell is empty; nothing was pasted.")
            try:
                numbers.append(parse_number(cell.strip().strip('"')))
            except DataError as error:
                sentence = str(error).rstrip(".").split(":")[0]
                raise DataError(f"{where}: {sentence}; nothing was pasted.") from None
        rows.append(tuple(numbers))
    return Block(tuple(rows), note)


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def format_block(rows: Iterable[Iterable[float]]) -> str:
    """Numbers as tab-separated text that keeps every digit."""
    return "\n".join("\t".join(_plain(value) for value in row) for row in rows)


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
