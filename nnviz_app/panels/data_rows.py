"""Which samples the table shows, and in which order. Filters and sorting never change the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from core.engine import Engine
from core.errors import DataError
from core.metrics import predicted, task_of
from core.numbers import parse_number
from core.plan import compile_network
from core.project import Project

Mask = NDArray[np.bool_]
RowNumbers = NDArray[np.intp]

EXAMPLE = "x1 > 0.5"
# Numbers are equal when they are so in the digits that the table shows.
SAME = 5e-6
# A pass over the whole table goes in parts, so that its arrays stay small.
PART = 4096
# A sentence names no more columns than this.
MOST_NAMED = 8

_COMPARISON = re.compile(r"^(.+?)\s*(<=|>=|!=|==|≤|≥|≠|=|<|>)\s*(.+)$")
_AND = re.compile(r"\s+and\s+|\s*&+\s*|\s*;\s*", re.IGNORECASE)
_PLAIN = {"≤": "<=", "≥": ">=", "≠": "!=", "==": "="}


class RowKind(Enum):
    """Which rows are shown, by what they are for."""

    ALL = "all rows"
    TRAINING = "training rows"
    TEST = "test rows"
    WRONG = "wrongly classified"


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one column with a number."""

    column: int
    operator: str
    value: float

    def holds(self, values: NDArray[np.float64]) -> Mask:
        """For which of the column's values it holds."""
        equal: Mask = np.isclose(values, self.value, rtol=SAME, atol=0.0)
        match self.operator:
            case "=":
                return equal
            case "!=":
                return ~equal
            case "<":
                return values < self.value
            case "<=":
                return (values <= self.value) | equal
            case ">":
                return values > self.value
            case _:
                return (values >= self.value) | equal


def parse_conditions(text: str, titles: Sequence[str], ids: Sequence[str]) -> tuple[Condition, ...]:
    """The comparisons in a filter such as ``x1 > 0.5 and target o1 = 1``, all of which have to hold.

    A column goes by its title or its neuron's id. Raises DataError with one sentence when the text is no filter.
    """
    found = []
    for part in _AND.split(text.strip()) if text.strip() else []:
        match = _COMPARISON.match(part.strip())
        if match is None:
            raise DataError(f"“{part.strip()}” compares nothing: type for example {EXAMPLE}.")
        column = _find_column(match[1], titles, ids)
        found.append(Condition(column, _PLAIN.get(match[2], match[2]), parse_number(match[3])))
    return tuple(found)


def _find_column(name: str, titles: Sequence[str], ids: Sequence[str]) -> int:
    for names in (titles, ids):
        if name in names:
            return names.index(name)
    for names in (titles, ids):
        alike = [place for place, other in enumerate(names) if other.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
    known = ", ".join(titles[:MOST_NAMED]) + (" …" if len(titles) > MOST_NAMED else "")
    raise DataError(f"There is no column “{name}”: the columns are {known}.")


def is_classification(project: Project) -> bool:
    """Whether the targets stand for classes."""
    outputs = [neuron.id for neuron in project.network.outputs]
    return bool(outputs) and task_of(project.dataset.matrix(outputs)) != "regression"


def wrongly_classified(project: Project) -> Mask:
    """Which rows the network puts into another class than their targets say; none when these are no classes."""
    network, dataset = project.network, project.dataset
    targets = dataset.matrix([neuron.id for neuron in network.outputs])
    task = task_of(targets)
    if task == "regression":
        return np.zeros(dataset.rows, dtype=np.bool_)
    engine = Engine(compile_network(network))
    engine.load(network.values)
    x = dataset.matrix([neuron.id for neuron in network.inputs])
    outputs = np.concatenate([engine.forward(x[i : i + PART]).copy() for i in range(0, len(x), PART)])
    return predicted(outputs, task, targets) != predicted(targets, task, targets)


def choose_rows(
    rows: int,
    columns: Sequence[NDArray[np.float64]],
    *,
    kept: Mask | None,
    conditions: Sequence[Condition],
    sort_column: int,
    descending: bool,
) -> RowNumbers | None:
    """The numbers of the rows to show, in their order; None for all of them as they are.

    `kept` marks the rows to choose from; `sort_column` is -1 for the data's own order. Equal values stay in the
    data's order in both directions.
    """
    if kept is None and not conditions and sort_column < 0:
        return None
    mask = np.ones(rows, dtype=np.bool_) if kept is None else kept
    for condition in conditions:
        mask = mask & condition.holds(columns[condition.column])
    chosen = np.flatnonzero(mask)
    if sort_column >= 0:
        values = columns[sort_column][chosen]
        chosen = chosen[np.argsort(-values if descending else values, kind="stable")]
    return chosen
