"""From a table of text to samples: what each column is for, and how its cells become numbers of neurons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.dataset import MAX_CELLS
from core.errors import DataError
from core.table_file import Table, TableColumn

MOST_CLASSES = 50
MOST_NEURONS = 1000
LONGEST_NAME = 40
# Words for "yes", of which a column of two classes makes its 1.
YES = frozenset({"yes", "y", "true", "t", "on", "1", "positive", "pos", "ja", "oui", "si", "sí", "да"})
TARGET_NAMES = frozenset({"target", "class", "label", "species", "diagnosis", "outcome", "output", "category", "y"})
ID_NAMES = frozenset({"id", "index", "row", "no", "nr", "#", "unnamed: 0"})


class Use(StrEnum):
    """What a column is for."""

    IGNORED = "ignored"
    INPUT = "input"
    TARGET = "target"


class Coding(StrEnum):
    """How a column's cells become numbers: as they are, 0 or 1 by class, or one column of 0 and 1 a class."""

    NUMBER = "number"
    BINARY = "binary"
    CLASSES = "classes"


@dataclass(frozen=True, slots=True)
class ColumnRole:
    """The role of a column of a table."""

    use: Use
    coding: Coding = Coding.NUMBER

    @property
    def title(self) -> str:
        """How the role is called on the screen."""
        if self.use is Use.IGNORED:
            return "Ignored"
        ending = {Coding.NUMBER: "", Coding.BINARY: ", 0 or 1", Coding.CLASSES: ", one per class"}
        return f"{self.use.value.capitalize()}{ending[self.coding]}"


IGNORED = ColumnRole(Use.IGNORED)


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """The values (rows,) of one neuron-to-be, its name, and how they came about."""

    name: str
    values: NDArray[np.float64]
    coding: Coding


@dataclass(frozen=True, slots=True)
class Samples:
    """What a network is given: its input and target columns. `left_out` rows held cells that cannot be used.

    `notes` say in words how classes of two became 0 and 1.
    """

    inputs: tuple[SampleColumn, ...]
    targets: tuple[SampleColumn, ...]
    rows: int
    left_out: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadCells:
    """The rows (mask) that hold a cell that cannot be used, and the sentence about the first of them."""

    rows: NDArray[np.bool_]
    sentence: str

    @property
    def count(self) -> int:
        """How many rows these are."""
        return int(np.count_nonzero(self.rows))


def classes_of(column: TableColumn, rows: NDArray[np.bool_]) -> list[str]:
    """The classes of a column in these rows (mask), as they first appear; those that are numbers by their size."""
    classes = list(column.classes)
    if not rows.all():
        present = {cell for cell, kept in zip(column.cells, rows, strict=True) if kept}
        classes = [name for name in classes if name in present]
    if column.is_numeric:
        size = dict(zip(column.cells, column.values, strict=True))
        classes.sort(key=lambda name: size[name] if np.isfinite(size[name]) else np.inf)
    return classes


def role_choices(column: TableColumn) -> list[ColumnRole]:
    """The roles that a column can have, the likeliest input first."""
    codings = [Coding.NUMBER] if np.isfinite(column.values).any() else []
    count = len(column.classes)
    if 2 <= count <= MOST_CLASSES:
        codings += [Coding.CLASSES] if count > 2 else [Coding.BINARY, Coding.CLASSES]
    if not column.is_numeric:
        codings.sort(key=lambda coding: coding is Coding.NUMBER)
    return [*(ColumnRole(use, coding) for use in (Use.INPUT, Use.TARGET) for coding in codings), IGNORED]


def guess_roles(table: Table) -> tuple[ColumnRole, ...]:
    """A role for each column: the last, or one with a name such as "class", is the target; row numbers are ignored."""
    columns = table.columns
    roles = [next(role for role in role_choices(column)) for column in columns]
    if len(columns) > 2 and roles[0] is not IGNORED and _is_row_number(columns[0]):
        roles[0] = IGNORED
    for place, column in enumerate(columns):
        # A text column of which every cell is another, such as a name, would be one input a row.
        if not column.is_numeric and len(column.classes) > MOST_CLASSES:
            roles[place] = IGNORED
    usable = [place for place, role in enumerate(roles) if role is not IGNORED]
    if usable:
        named = [place for place in usable if columns[place].name.casefold() in TARGET_NAMES]
        words = [place for place in usable if not columns[place].is_numeric]
        # Some files begin with the class; that it is the only column of words gives it away.
        target = named[-1] if named else words[0] if words in ([usable[0]], [usable[-1]]) else usable[-1]
        roles[target] = ColumnRole(Use.TARGET, _target_coding(columns[target], roles[target].coding))
    return tuple(roles)


def _is_row_number(column: TableColumn) -> bool:
    values = column.values
    if column.name.casefold() in ID_NAMES:
        return True
    return len(values) > 2 and values[0] in (0.0, 1.0) and bool((np.diff(values) == 1.0).all())


def _target_coding(column: TableColumn, coding: Coding) -> Coding:
    """Whole numbers 0, 1, 2 ... or 1, 2, 3 ... that come again and again are the numbers of classes."""
    values = column.values[np.isfinite(column.values)]
    distinct = np.unique(values)
    if coding is Coding.NUMBER and 3 <= len(distinct) <= 10 and len(values) >= 5 * len(distinct):
        running = distinct[0] in (0.0, 1.0) and bool((np.diff(distinct) == 1.0).all())
        return Coding.CLASSES if running else coding
    return coding


def find_bad_cells(table: Table, roles: Sequence[ColumnRole]) -> BadCells:
    """The rows that cannot be used with these roles, and a sentence that names the first bad cell and the remedy."""
    too_wide = table.widths > table.width
    bad = too_wide.copy()
    masks: dict[int, NDArray[np.bool_]] = {}
    for place, (column, role) in enumerate(zip(table.columns, roles, strict=True)):
        if role.use is not Use.IGNORED:
            masks[place] = np.isnan(column.values) if role.coding is Coding.NUMBER else column.missing
            bad |= masks[place]
    if not bad.any():
        return BadCells(bad, "")
    row = int(np.argmax(bad))
    where = f"{table.name}: row {table.row_numbers[row]}"
    if too_wide[row]:
        count = int(table.widths[row])
        return BadCells(bad, f"{where} has {count} cells instead of {table.width}: correct it, or leave it out.")
    place = next(place for place, mask in masks.items() if mask[row])
    column = table.columns[place]
    where += f", column “{column.name}”"
    cell = column.cells[row]
    if not cell:
        return BadCells(bad, f"{where}: the cell is empty: fill it in, or leave its row out.")
    kind = "number" if roles[place].coding is Coding.NUMBER else "class"
    shown = cell if len(cell) <= 30 else f"{cell[:29]}…"
    return BadCells(bad, f"{where}: “{shown}” is not a {kind}: correct the cell, or leave its row out.")


def make_samples(table: Table, roles: Sequence[ColumnRole], *, leave_out: bool = False) -> Samples:
    """The columns of inputs and targets that `table` gives with these roles, one role a column.

    Raises DataError, naming row and column, when a cell cannot be used, unless `leave_out`: such rows are then left
    out and counted. Raises it too without an input, a target or a row, and for more columns than can be drawn.
    """
    for use, article in ((Use.INPUT, "an input"), (Use.TARGET, "a target")):
        if not any(role.use is use for role in roles):
            raise DataError(f"No column is {article}: choose “{use.value.capitalize()}” above one of the columns.")
    bad = find_bad_cells(table, roles)
    if bad.count and not leave_out:
        raise DataError(bad.sentence)
    kept = ~bad.rows
    if not kept.any():
        raise DataError(f"No row is left, since each holds a cell that cannot be used. {bad.sentence}")
    inputs: list[SampleColumn] = []
    targets: list[SampleColumn] = []
    notes: list[str] = []
    for column, role in zip(table.columns, roles, strict=True):
        if role.use is not Use.IGNORED:
            made, note = _encode(table, column, role, kept)
            (inputs if role.use is Use.INPUT else targets).extend(made)
            notes += [note] if note else []
            # Now, as many columns of many classes would take much memory.
            _check_size(len(inputs), len(targets), int(np.count_nonzero(kept)))
    names = iter(usable_names([column.name for column in [*inputs, *targets]]))
    inputs = [SampleColumn(next(names), column.values, column.coding) for column in inputs]
    targets = [SampleColumn(next(names), column.values, column.coding) for column in targets]
    return Samples(tuple(inputs), tuple(targets), int(np.count_nonzero(kept)), bad.count, tuple(notes))


def _check_size(inputs: int, targets: int, rows: int) -> None:
    for count, noun in ((inputs, "inputs"), (targets, "targets")):
        if count > MOST_NEURONS:
            raise DataError(f"There are more than {MOST_NEURONS:,} {noun}, too many to be drawn: ignore some columns.")
    if rows * (inputs + targets) > MAX_CELLS:
        raise DataError(
            f"There are more than {MAX_CELLS:,} numbers, with one column per class: ignore some columns, or keep fewer "
            "rows."
        )


def _encode(
    table: Table, column: TableColumn, role: ColumnRole, kept: NDArray[np.bool_]
) -> tuple[list[SampleColumn], str]:
    if role.coding is Coding.NUMBER:
        return [SampleColumn(column.name, column.values[kept], role.coding)], ""
    classes = classes_of(column, kept)
    if len(classes) < 2:
        raise DataError(f"{table.name}: column “{column.name}” holds a single class: ignore it, or keep more rows.")
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{table.name}: column “{column.name}” holds {len(classes):,} classes; up to {MOST_CLASSES} can be used: "
            "ignore it."
        )
    place = {name: number for number, name in enumerate(classes)}
    number = np.array([place.get(cell, -1) for cell in column.cells])[kept]
    if role.coding is Coding.CLASSES:
        first = "" if role.use is Use.TARGET else f"{column.name} "
        return [
            SampleColumn(f"{first}{name}", (number == place[name]).astype(np.float64), role.coding) for name in classes
        ], ""
    yes = next((name for name in classes if name.casefold() in YES), "")
    one = yes or classes[1]
    other = classes[1 - place[one]]
    # "smoker" is 1 for yes, but a column "sex" is called by the class that is 1.
    name = column.name if yes else one
    values = (number == place[one]).astype(np.float64)
    return [SampleColumn(name, values, role.coding)], f"{column.name}: {one} is 1, {other} is 0"


def usable_names(wanted: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Names that neurons can have, all different and none `taken`, as near to the wanted ones as can be."""
    used = set(taken)
    names = []
    for text in wanted:
        # A minus before a class's number is part of it: -1 and 1 are two classes.
        plain = re.sub(r"[^\w.\-' ]+", " ", re.sub(r"^[-−](?=\d)", "minus ", text.strip()))
        name = base = re.sub(r"^[\W_]+", "", " ".join(plain.split()))[:LONGEST_NAME].rstrip() or "unnamed"
        number = 2
        while name in used:
            ending = f" {number}"
            name = base[: LONGEST_NAME - len(ending)].rstrip() + ending
            number += 1
        used.add(name)
        names.append(name)
    return names
