"""The table of samples: one row a sample, one column per input neuron and per target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.network import Network, Role

# The numbers that a table of samples may hold: rows times columns.
MAX_CELLS = 4_000_000

Column = NDArray[np.float64]
Rows = slice | range | Sequence[int] | NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scaling:
    """A step between what was entered and what the network sees, for one column: (value - shift) / scale.

    "standardize": mean 0 and standard deviation 1 over the training rows; "range": 0 to 1 over them.
    """

    neuron: str
    kind: Literal["standardize", "range"]
    shift: float
    scale: float


class Dataset:
    """Samples by column. A column belongs to a neuron by its id: an input's values or an output's targets.

    `columns` holds the numbers as they were entered, `seen` those that the network gets, after the `scalings`.
    `test` marks the rows that training leaves out. Arrays are never changed in place but replaced, so a `copy`
    shares them.
    """

    def __init__(self, columns: Mapping[str, Iterable[float]] | None = None, rows: int | None = None) -> None:
        self.columns: dict[str, Column] = {}
        lengths = set()
        for neuron_id, values in (columns or {}).items():
            column = self.columns[neuron_id] = _frozen(np.fromiter(values, dtype=np.float64))
            lengths.add(len(column))
        if len(lengths) > 1:
            raise DataError("Every column needs the same number of rows.")
        self.rows: int = lengths.pop() if lengths else (rows or 0)
        self.test = _frozen(np.zeros(self.rows, dtype=np.bool_))
        self.scalings: tuple[Scaling, ...] = ()
        self._seen: dict[str, tuple[Column, tuple[Scaling, ...], Column]] = {}
        # The scalings by neuron, and those that this was made of.
        self._steps: tuple[dict[str, tuple[Scaling, ...]], tuple[Scaling, ...]] = ({}, ())

    def copy(self) -> Dataset:
        """A dataset that can be changed without changing this one."""
        twin = Dataset()
        twin.columns = dict(self.columns)
        twin.rows, twin.test, twin.scalings = self.rows, self.test, self.scalings
        twin._seen, twin._steps = dict(self._seen), self._steps
        return twin

    def same_as(self, other: Dataset) -> bool:
        """Whether both hold the same columns, sharing their arrays."""
        return (
            self.rows == other.rows
            and self.test is other.test
            and self.scalings == other.scalings
            and list(self.columns) == list(other.columns)
            and all(self.columns[i] is other.columns[i] for i in self.columns)
        )

    def value(self, row: int, neuron_id: str) -> float:
        """One cell, as it was entered."""
        return float(self.columns[neuron_id][row])

    # Training and test rows

    @property
    def training_rows(self) -> NDArray[np.intp]:
        """The numbers of the rows that training uses, in order."""
        return np.flatnonzero(~self.test)

    @property
    def test_rows(self) -> NDArray[np.intp]:
        """The numbers of the rows that are held out, in order."""
        return np.flatnonzero(self.test)

    def set_test(self, rows: Iterable[int], test: bool = True) -> None:
        """Hold rows out of training, or give them back to it."""
        marks = self.test.copy()
        marks[list(rows)] = test
        if not np.array_equal(marks, self.test):
            self.test = _frozen(marks)

    def split(self, share: float, seed: int) -> None:
        """Hold a random `share` of all rows out, from 0 (none) to below 1; the same seed chooses the same rows."""
        if not 0.0 <= share < 1.0:
            raise DataError(f"A test share of {share:g} is not possible: choose 0 to below 1.")
        # At least one row is left to train with.
        count = min(round(share * self.rows), max(self.rows - 1, 0))
        marks = np.zeros(self.rows, dtype=np.bool_)
        marks[np.random.default_rng([seed, 3]).permutation(self.rows)[:count]] = True
        self.test = _frozen(marks)

    # Scaling

    def scalings_of(self, neuron_id: str) -> tuple[Scaling, ...]:
        """The steps of one column, in their order."""
        steps, made_of = self._steps
        if made_of is not self.scalings:
            found: dict[str, list[Scaling]] = {}
            for scaling in self.scalings:
                found.setdefault(scaling.neuron, []).append(scaling)
            steps = {neuron: tuple(group) for neuron, group in found.items()}
            self._steps = steps, self.scalings
        return steps.get(neuron_id, ())

    def add_scaling(self, kind: Literal["standardize", "range"], neuron_ids: Iterable[str]) -> None:
        """Add a step to each of these columns, with its numbers taken from the training rows as they are now.

        A column in which all these values are the same is only shifted. Raises DataError without training rows.
        """
        rows = self.training_rows
        if not len(rows):
            raise DataError("There are no training rows to take the scaling from: add rows to the data.")
        added = []
        for neuron_id in neuron_ids:
            values = self.seen(neuron_id)[rows]
            low, high = float(values.min()), float(values.max())
            shift, scale = (float(values.mean()), float(values.std())) if kind == "standardize" else (low, high - low)
            if not (np.isfinite(shift) and np.isfinite(scale)):
                raise DataError(f"The values of {neuron_id} are too large to be scaled.")
            # The deviation of equal values can be a rounding error instead of 0.
            added.append(Scaling(neuron_id, kind, shift, scale if high > low and scale > 0.0 else 1.0))
        self.scalings = (*self.scalings, *added)

    def remove_scaling(self, neuron_ids: Iterable[str]) -> None:
        """Take away all steps of these columns: the network sees again what was entered."""
        gone = set(neuron_ids)
        self.scalings = tuple(scaling for scaling in self.scalings if scaling.neuron not in gone)

    def seen(self, neuron_id: str) -> Column:
        """A column as the network sees it: after its scalings."""
        column, steps = self.columns[neuron_id], self.scalings_of(neuron_id)
        if not steps:
            return column
        known = self._seen.get(neuron_id)
        if known is not None and known[0] is column and known[1] == steps:
            return known[2]
        values = self.as_seen(neuron_id, column)
        self._seen[neuron_id] = (column, steps, _frozen(values))
        return values

    def as_seen(self, neuron_id: str, values: Column) -> Column:
        """What the network sees of any values entered in this column."""
        for step in self.scalings_of(neuron_id):
            values = (values - step.shift) / step.scale
        return values

    def entered(self, neuron_id: str, value: float) -> float:
        """The number to enter in this column so that the network sees `value`."""
        for step in reversed(self.scalings_of(neuron_id)):
            value = value * step.scale + step.shift
        return value

    # Changing

    def set_value(self, row: int, neuron_id: str, value: float) -> None:
        """Set one cell; `value` must be finite."""
        self.set_values({(row, neuron_id): value})

    def set_values(self, cells: Mapping[tuple[int, str], float]) -> None:
        """Set many cells; each value must be finite."""
        changed: dict[str, Column] = {}
        for (row, neuron_id), value in cells.items():
            if not np.isfinite(value):
                raise DataError(f"Row {row + 1}, {neuron_id}: {value} is not a finite number.")
            if neuron_id not in self.columns or not 0 <= row < self.rows:
                raise DataError(f"There is no cell for {neuron_id} in row {row + 1}.")
            column = changed.setdefault(neuron_id, self.columns[neuron_id].copy())
            column[row] = value
        for neuron_id, column in changed.items():
            self.columns[neuron_id] = _frozen(column)

    def insert_rows(self, at: int, rows: Sequence[Mapping[str, float]]) -> None:
        """Insert rows before row `at`; a value that a row does not name is 0."""
        for neuron_id, column in self.columns.items():
            self.columns[neuron_id] = _frozen(np.insert(column, at, [row.get(neuron_id, 0.0) for row in rows]))
        self.test = _frozen(np.insert(self.test, at, [False] * len(rows)))
        self.rows += len(rows)

    def delete_rows(self, rows: Iterable[int]) -> None:
        """Take away the rows with these numbers."""
        rows = sorted(set(rows))
        for neuron_id, column in self.columns.items():
            self.columns[neuron_id] = _frozen(np.delete(column, rows))
        self.test = _frozen(np.delete(self.test, rows))
        self.rows -= len(rows)

    def follow(self, network: Network) -> None:
        """Give every input and output neuron of `network` a column, and take away the columns of others.

        A column stays with its neuron whatever the order in which neurons are drawn; a new one is all 0.
        """
        wanted = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        if list(self.columns) == wanted:
            return
        if not self.rows:
            self.rows, self.test = 1, _frozen(np.zeros(1, dtype=np.bool_))
        columns = {}
        for neuron_id in wanted:
            column = self.columns.get(neuron_id)
            if column is None or len(column) != self.rows:
                column = _frozen(np.zeros(self.rows))
            columns[neuron_id] = column
        self.columns = columns
        if any(scaling.neuron not in columns for scaling in self.scalings):
            self.scalings = tuple(scaling for scaling in self.scalings if scaling.neuron in columns)

    def rename(self, old: str, new: str) -> None:
        """Follow a neuron to its new id."""
        self.columns = {new if i == old else i: column for i, column in self.columns.items()}
        self.scalings = tuple(replace(s, neuron=new) if s.neuron == old else s for s in self.scalings)

    def matrix(self, neuron_ids: Sequence[str], rows: Rows = slice(None)) -> NDArray[np.float64]:
        """What the network sees in the columns of these neurons, shape (rows, neurons)."""
        index = rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.intp)
        if not neuron_ids:
            return np.zeros((len(np.arange(self.rows)[index]), 0))
        return np.stack([self.seen(i)[index] for i in neuron_ids], axis=1)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def column_title(network: Network, neuron_id: str) -> str:
    """How a column is headed: an input by its name, a target as "target o1"."""
    return neuron_id if network.neuron(neuron_id).role is Role.INPUT else f"target {neuron_id}"
