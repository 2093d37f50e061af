"""How well a network does on some rows of its data: which classes it takes for which, or how far numbers are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.dataset import Dataset
from core.decision import Probe
from core.metrics import Classes, Task, confusion, predicted, task_of
from core.network import Network
from core.numbers import format_number


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How well numbers are met. R² = 1 - Σ(t - y)² / Σ(t - mean t)²: 1 for perfect outputs, 0 for their mean.

    `rmse` is the root of the mean squared difference. Both are over all outputs together, R² as the mean of the
    outputs' own; it is None where the targets of an output are all the same.
    """

    r2: float | None
    rmse: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The network's answers to some rows.

    `rows` are their numbers in the table, shape (rows,); `targets` and `outputs`, shape (rows, outputs), are as the
    network sees them. Where targets stand for classes, `names` are these, and `true` and `found` those of each row,
    shape (rows,); else `names` are the output neurons.
    """

    rows: NDArray[np.intp]
    targets: Array
    outputs: Array
    task: Task
    names: tuple[str, ...]
    true: Classes
    found: Classes
    # How many rows of each class were taken for which, shape (classes, classes): (true, predicted).
    counts: NDArray[np.intp]

    @property
    def right(self) -> int:
        """The number of rows whose class is predicted."""
        return int(np.count_nonzero(self.true == self.found))

    def rows_of(self, true: int, found: int) -> NDArray[np.intp]:
        """The numbers of the rows of class `true` that were taken for class `found`, in order."""
        rows: NDArray[np.intp] = self.rows[(self.true == true) & (self.found == found)]
        return rows

    @property
    def fit(self) -> Fit:
        """How well numbers are met. There must be a row."""
        with np.errstate(all="ignore"):
            differences = ((self.targets - self.outputs) ** 2).sum(axis=0)
            spread = ((self.targets - self.targets.mean(axis=0)) ** 2).sum(axis=0)
            r2 = None if (spread == 0).any() else float(np.mean(1.0 - differences / spread))
            return Fit(r2, float(np.sqrt(differences.sum() / self.targets.size)))


def evaluate(probe: Probe, network: Network, dataset: Dataset, rows: NDArray[np.intp]) -> Evaluation:
    """The answers of `network`, whose structure `probe` has compiled, to these rows of the table; without dropout."""
    probe.load(network.values)
    outputs = [neuron.id for neuron in network.outputs]
    table = dataset.matrix(outputs)
    answers = probe.activations(dataset.matrix(probe.inputs, rows), outputs).T
    targets, task = table[rows], task_of(table)
    names = tuple(outputs)
    if task == "regression":
        none = np.zeros(0, dtype=np.intp)
        return Evaluation(rows, targets, answers, task, names, none, none, none.reshape(0, 0))
    if task == "binary":
        names = tuple(format_number(value) for value in np.unique(dataset.columns[outputs[0]]).tolist())
    true, found = (predicted(values, task, table) for values in (targets, answers))
    counts = confusion(answers, targets, table=table)
    return Evaluation(rows, targets, answers, task, names, true, found, counts)
