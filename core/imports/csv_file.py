"""Weights from tables: a row a parameter, with its name, its value and what it is between."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from core.errors import DataError
from core.file_problems import shorten
from core.imports.records import MOST_NAMED, NamedArrays, refuse
from core.numbers import parse_number

# Bytes of a table: in memory a letter can take four, and those of all names stay there.
MOST_TABLE_BYTES = 32 * 2**20
# Letters of a row, whose cells are in memory all at once.
LONGEST_ROW = 10_000


class _Lines:
    """The lines of a table one after the other; a row can go over several, as long as it has a quotation mark open."""

    def __init__(self, data: bytes, name: str) -> None:
        self.text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
        self.name = name
        self.count = 0
        self.begin_row()

    def begin_row(self) -> None:
        """The next line is the first of a row."""
        self.letters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.count += 1
        self.letters += len(line)
        if self.letters > LONGEST_ROW:
            refuse(self.name, f"row {self.count:,} has more than {LONGEST_ROW:,} letters: make it shorter.")
        if self.count > MOST_NAMED:
            refuse(self.name, f"it has more than {MOST_NAMED:,} rows, which is more than can be read.")
        return line


def read_csv(data: bytes, name: str) -> NamedArrays:
    """The numbers in the bytes of a table, by their names. Raises ImportFileError."""
    first = data[:LONGEST_ROW].partition(b"\n")[0]
    delimiter = next((mark for mark in (";", "\t") if mark.encode() in first), ",")
    parameters: dict[str, float] = {}
    ends: dict[str, tuple[str, str]] = {}
    try:
        lines = _Lines(data, name)
        reader = csv.reader(lines, delimiter=delimiter)
        header = [cell.strip().casefold() for cell in next(reader, [])]
        lines.begin_row()
        if not {"name", "value"} <= set(header):
            refuse(name, "its first row has to name the columns: name, source, target, value (or name, value).")
        titles = ("name", "source", "target", "value")
        double = next((title for title in titles if header.count(title) > 1), None)
        if double is not None:
            refuse(name, f"its first row names the column “{double}” twice: give each column its own name.")
        columns = [header.index(title) if title in header else -1 for title in titles]
        for cells in reader:
            lines.begin_row()
            if not "".join(cells).strip():
                continue
            where = f"row {reader.line_num:,}"
            if len(cells) <= max(columns):
                refuse(name, f"{where} has fewer cells than the first row: fill it up.")
            if any(cell.strip() for cell in cells[len(header) :]):
                refuse(
                    name,
                    f"{where} has more cells than the first row: write numbers with a point (0.5), or between "
                    "quotation marks.",
                )
            label, source, target, number = (cells[i].strip() if i >= 0 else "" for i in columns)
            if not label or label in parameters:
                what = f"“{shorten(label)}” is there twice" if label else "the name is missing"
                refuse(name, f"{where}: {what}; each parameter has one row and its own name.")
            try:
                parameters[label] = parse_number(number)
            except DataError as error:
                refuse(name, f"{where}: {shorten(label)}: {str(error).replace(number, shorten(number))}")
            if target and columns[1] >= 0:
                ends[label] = (source, target)
    except UnicodeDecodeError:
        refuse(name, "it is not text in UTF-8: save it as CSV in UTF-8.")
    except csv.Error as error:
        refuse(name, f"it is not a table ({error}): save it as CSV.")
    return NamedArrays(name, parameters=parameters, ends=ends)
