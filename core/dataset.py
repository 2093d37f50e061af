"""The table of samples: one row a sample, one column per input neuron and per target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.network import Network, Role

Column = NDArray[np.float64]


class Dataset:
    """Samples by column. A column belongs to a neuron by its id: an input's values or an output's targets.

    Columns are never changed in place but replaced, so a `copy` shares them.
    """

    def __init__(self, columns: Mapping[str, Iterable[float]] | None = None, rows: int | None = None) -> None:
        self.columns: dict[str, Column] = {}
        lengths = set()
        for neuron_id, values in (columns or {}).items():
            column = np.fromiter(values, dtype=np.float64)
            column.flags.writeable = False
            self.columns[neuron_id] = column
            lengths.add(len(column))
        if len(lengths) > 1:
            raise DataError("Every column needs the same number of rows.")
        self.rows: int = lengths.pop() if lengths else (rows or 0)

    def copy(self) -> Dataset:
        """A dataset that can be changed without changing this one."""
        twin = Dataset()
        twin.columns = dict(self.columns)
        twin.rows = self.rows
        return twin

    def same_as(self, other: Dataset) -> bool:
        """Whether both hold the same columns, sharing their arrays."""
        return (
            self.rows == other.rows
            and list(self.columns) == list(other.columns)
            and all(self.columns[i] is other.columns[i] for i in self.columns)
        )

    def value(self, row: int, neuron_id: str) -> float:
        """One cell."""
        return float(self.columns[neuron_id][row])

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
            column.flags.writeable = False
            self.columns[neuron_id] = column

    def insert_rows(self, at: int, rows: Sequence[Mapping[str, float]]) -> None:
        """Insert rows before row `at`; a value that a row does not name is 0."""
        for neuron_id, column in self.columns.items():
            new = np.insert(column, at, [row.get(neuron_id, 0.0) for row in rows])
            new.flags.writeable = False
            self.columns[neuron_id] = new
        self.rows += len(rows)

    def delete_rows(self, rows: Iterable[int]) -> None:
        """Take away the rows with these numbers."""
        rows = sorted(set(rows))
        for neuron_id, column in self.columns.items():
            new = np.delete(column, rows)
            new.flags.writeable = False
            self.columns[neuron_id] = new
        self.rows -= len(rows)

    def follow(self, network: Network) -> None:
        """Give every input and output neuron of `network` a column, and take away the columns of others.

        A column stays with its neuron whatever the order in which neurons are drawn; a new one is all 0.
        """
        wanted = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        if list(self.columns) == wanted:
            return
        if not self.rows:
            self.rows = 1
        columns = {}
        for neuron_id in wanted:
            column = self.columns.get(neuron_id)
            if column is None or len(column) != self.rows:
                column = np.zeros(self.rows)
                column.flags.writeable = False
            columns[neuron_id] = column
        self.columns = columns

    def rename(self, old: str, new: str) -> None:
        """Follow a neuron to its new id."""
        self.columns = {new if i == old else i: column for i, column in self.columns.items()}

    def matrix(self, neuron_ids: Sequence[str], rows: slice | Sequence[int] = slice(None)) -> NDArray[np.float64]:
        """The columns of these neurons, shape (rows, neurons)."""
        index = rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.intp)
        if not neuron_ids:
            return np.zeros((len(np.arange(self.rows)[index]), 0))
        return np.stack([self.columns[i][index] for i in neuron_ids], axis=1)


def column_title(network: Network, neuron_id: str) -> str:
    """How a column is headed: an input by its name, a target as "target o1"."""
    return neuron_id if network.neuron(neuron_id).role is Role.INPUT else f"target {neuron_id}"
