"""Tables of text: CSV files and what a spreadsheet puts on the clipboard, read into columns of numbers and words.

Delimiter, header and decimal mark are guessed from the text, and each guess can be overridden. Digits grouped by
thousands are never guessed: "1,234.5" is not a number.
"""

from __future__ import annotations

import csv
import io
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.dataset import MAX_CELLS
from core.errors import DataError

MOST_ROWS = 50_000
MOST_COLUMNS = 2_000
MOST_BYTES = 10_000_000
# In the order in which they are preferred where a text can be split by several. " " stands for any white space.
DELIMITERS = {"\t": "Tab", ";": "Semicolon  ;", "|": "Bar  |", ",": "Comma  ,", " ": "Space"}
DECIMALS = {".": "Point  0.5", ",": "Comma  0,5"}
# What stands for "no value" in files (any case), beside the empty cell.
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null"})
# How many rows are looked at to guess how a text is to be read.
SAMPLE_ROWS = 200

_NUMBER = {
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?(\d+(?:,\d+)?|,\d+)([eE][+-]?\d+)?", re.ASCII),
}
_WORD = re.compile(r'"(?:[^"]|"")*"|\S+')


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: `cells` as written, without white space around them; `values` (rows,), NaN where no number is.

    `missing` (rows,) tells where a cell holds no value; `classes` are the different others, as they first appear.
    """

    name: str
    cells: tuple[str, ...]
    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    classes: tuple[str, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether at least half of the cells that hold something are numbers."""
        numbers = int(np.count_nonzero(np.isfinite(self.values)))
        return numbers > 0 and 2 * numbers >= len(self.cells) - int(np.count_nonzero(self.missing))


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read, and how.

    `row_numbers` (rows,) are the rows' numbers in the file as a spreadsheet counts them: names and blank rows too.
    `widths` (rows,) counts each row's cells: a row with more cells than there are columns cannot be used.
    """

    name: str
    delimiter: str
    header: bool
    decimal: str
    columns: tuple[TableColumn, ...]
    row_numbers: NDArray[np.int64]
    widths: NDArray[np.int64]
    width: int

    @property
    def rows(self) -> int:
        """The number of rows, without that of the names."""
        return len(self.row_numbers)


def read_table(
    path: Path, *, delimiter: str | None = None, header: bool | None = None, decimal: str | None = None
) -> Table:
    """The table in a file; see `read_text` and `parse_table`, whose errors it raises."""
    return parse_table(read_text(path), name=path.name, delimiter=delimiter, header=header, decimal=decimal)


def read_text(path: Path) -> str:
    """The text of a file: UTF-8 or UTF-16, else Windows' Western European letters.

    Raises DataError when it cannot be read, is no text, or is larger than `MOST_BYTES`.
    """
    try:
        status = path.stat()
        # Looked at before it is opened: opening a pipe would wait for its other end.
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path.name} is not an ordinary file: choose a table such as a .csv file.")
        with path.open("rb") as file:
            # A file can grow while it is read, hence the limit on reading too.
            data = file.read(MOST_BYTES + 1) if status.st_size <= MOST_BYTES else b""
        size = max(status.st_size, len(data))
        if size > MOST_BYTES:
            raise DataError(
                f"{path.name} has {size / 1e6:.1f} MB; up to {MOST_BYTES // 1_000_000} MB can be read: "
                "keep fewer rows or columns."
            )
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path.name} is a spreadsheet or an archive: save the sheet as CSV, then import that.")
    text = _decode(data)
    if "\0" in text:
        raise DataError(f"{path.name} is not a text file: choose a table such as a .csv file.")
    return text


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    # Without a mark, every second byte of plain UTF-16 is 0.
    head = data[:1000]
    for encoding, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = head[start::2]
        if len(zeros) > 1 and zeros.count(0) > 0.7 * len(zeros) and head.count(0) < 0.6 * len(head):
            return data.decode(encoding, errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def parse_table(
    text: str,
    *,
    name: str = "The table",
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
) -> Table:
    """The table in a text. What is None is guessed; `name` begins the sentences about it.

    Raises DataError when there is no table in it, a quotation mark is out of place, or there are more than
    `MOST_ROWS` rows, `MOST_COLUMNS` columns or `MAX_CELLS` cells. Cells that are no numbers raise nothing here.
    """
    text = text.removeprefix("\ufeff")
    if delimiter is None:
        delimiter = _guess_delimiter(text)
    numbered: list[tuple[int, list[str]]] = []
    number = 0
    try:
        for number, row in enumerate(_rows(text, delimiter), 1):
            if any(map(str.strip, row)):
                numbered.append((number, row))
                if len(row) > MOST_COLUMNS:
                    raise DataError(
                        f"{name}: row {number} has {len(row):,} cells; up to {MOST_COLUMNS:,} can be read: "
                        "keep fewer columns, or choose another delimiter."
                    )
            if len(numbered) > MOST_ROWS + 1:
                break
    except csv.Error:
        raise DataError(
            f"{name}: row {number + 1}: a quotation mark (\") is not closed, or closes before the cell's end: "
            "take it away, or choose another delimiter."
        ) from None
    if not numbered:
        raise DataError(f"{name} holds no table: there should be one row for each sample, with its values.")
    rows = [row for _, row in numbered]
    if decimal is None:
        decimal = _guess_decimal(rows)
    if header is None:
        header = _guess_header(rows, decimal)
    if len(rows) - header > MOST_ROWS:
        raise DataError(f"{name} has more than {MOST_ROWS:,} rows, which is all that can be read: keep fewer rows.")
    if len(rows) == header:
        raise DataError(f"{name} has names but no rows below them: add samples, or take the tick from the names.")
    titles = [cell.strip() for cell in rows[0]] if header else []
    body = rows[1:] if header else rows
    lengths = Counter(map(len, body))
    width = lengths.most_common(1)[0][0]
    if len(titles) == width - 1 and len(lengths) == 1:
        titles.insert(0, "row")  # R leaves the column of row names without a title
    width = max(width, len(titles))
    if width * len(body) > MAX_CELLS:
        raise DataError(
            f"{name} has {width * len(body):,} cells; up to {MAX_CELLS:,} can be read: keep fewer rows or columns."
        )
    if set(lengths) != {width}:
        body = [[*row, *[""] * (width - len(row))][:width] for row in body]
    columns = []
    for place, raw in enumerate(zip(*body, strict=True)):
        cells = tuple(map(str.strip, raw))
        title = " ".join(titles[place].split()) if place < len(titles) else ""
        # A delimiter at the end of each line makes a column of nothing.
        if title or any(cells):
            columns.append(_column(title or f"column {place + 1}", cells, decimal))
    kept = numbered[header:]
    return Table(
        name,
        delimiter,
        header,
        decimal,
        tuple(columns),
        np.fromiter((number for number, _ in kept), np.int64, len(kept)),
        np.fromiter((len(row) for _, row in kept), np.int64, len(kept)),
        width,
    )


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    if delimiter != " ":
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    return ([_unquoted(word) for word in _WORD.findall(line)] if '"' in line else line.split() for line in lines)


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if len(word) > 1 and word[0] == word[-1] == '"' else word


# Guesses


def _guess_delimiter(text: str) -> str:
    """The delimiter that gives rows of equal width with the most numbers in them; "," where none does."""
    best, chosen = (False, 0.0), ","
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in islice(_rows(text, delimiter), SAMPLE_ROWS) if any(map(str.strip, row))]
        except csv.Error:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        if width < 2 or max(map(len, rows)) > MOST_COLUMNS:
            continue
        cells = [cell.strip() for row in rows[1:] or rows for cell in row]
        decimals = "." if delimiter == "," else ".,"
        share = sum(any(_NUMBER[d].fullmatch(cell) for d in decimals) for cell in cells) / len(cells)
        score = (count >= 0.9 * len(rows), share)
        if score > best or (score == best and chosen == ","):
            best, chosen = score, delimiter
    return chosen


def _spread(rows: Sequence[list[str]]) -> Iterable[list[str]]:
    """Some rows from the whole length of a table."""
    return rows[:: max(1, len(rows) // SAMPLE_ROWS)]


def _guess_decimal(rows: Sequence[list[str]]) -> str:
    cells = [cell.strip() for row in _spread(rows) for cell in row]
    commas = sum("," in cell and bool(_NUMBER[","].fullmatch(cell)) for cell in cells)
    points = sum("." in cell and bool(_NUMBER["."].fullmatch(cell)) for cell in cells)
    return "," if commas > points else "."


def _guess_header(rows: Sequence[list[str]], decimal: str) -> bool:
    """Whether the first row holds names: no numbers, while there are some below or its words do not come again."""
    is_number = _NUMBER[decimal].fullmatch
    first, body = [cell.strip() for cell in rows[0]], [[cell.strip() for cell in row] for row in _spread(rows[1:])]
    if any(map(is_number, first)) or len(set(first)) == 1 < len(first):
        return False
    if any(is_number(cell) for row in body for cell in row):
        return True
    return not any(
        cell and cell in {row[place] for row in body if place < len(row)} for place, cell in enumerate(first)
    )


# Columns


def _column(name: str, cells: tuple[str, ...], decimal: str) -> TableColumn:
    classes = tuple(dict.fromkeys(cells))
    values = _plain_numbers(cells, decimal)
    missing = np.zeros(len(cells), dtype=np.bool_)
    if values is None:
        # Each text once: most of these columns hold few different words.
        known = {cell: _number(cell, decimal) for cell in classes}
        values = np.fromiter((known[cell] for cell in cells), np.float64, len(cells))
        absent = {cell for cell in classes if cell.casefold() in MISSING}
        if absent:
            missing = np.fromiter((cell in absent for cell in cells), np.bool_, len(cells))
            classes = tuple(cell for cell in classes if cell not in absent)
    return TableColumn(name, cells, values, missing, classes)


def _plain_numbers(cells: tuple[str, ...], decimal: str) -> NDArray[np.float64] | None:
    """The cells as numbers, quickly; None unless all are plain numbers."""
    whole = "".join(cells)
    # float() would take digits of other scripts and 1_000 too.
    if not whole.isascii() or "_" in whole or (decimal == "," and "." in whole):
        return None
    plain: Iterable[str] = cells if decimal == "." else (cell.replace(",", ".") for cell in cells)
    try:
        values = np.fromiter(map(float, plain), np.float64, len(cells))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _number(cell: str, decimal: str) -> float:
    cell = cell.replace("−", "-")
    if not _NUMBER[decimal].fullmatch(cell):
        return float("nan")
    value = float(cell.replace(",", "."))
    return value if np.isfinite(value) else float("nan")


def is_table(text: str) -> bool:
    """Whether a text looks like a table of samples: two columns or more, some of them numbers, and two rows or more."""
    try:
        table = parse_table(text)
    except DataError:
        return False
    regular = bool((table.widths == table.width).all())
    return regular and len(table.columns) > 1 < table.rows and any(column.is_numeric for column in table.columns)
