"""What neurons answer over the plane of two inputs, or along one: the numbers behind decision maps.

Inputs are given as they were entered in the data; activations are those that the network computes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset
from core.engine import Engine
from core.network import Network
from core.numbers import format_number, nice_step
from core.plan import compile_network

Array = NDArray[np.float64]

# Free room on each side of the data, as a share of what it spans.
MARGIN = 0.12
# Points are computed in pieces of about so many numbers, which stay in the processor's cache.
PIECE = 65_536
SMALLEST_PIECE = 128
# What a point costs beside its products, in products: an activation for each neuron.
ACTIVATION_COST = 16

# The activations whose values have two ends, and these ends.
ENDS: dict[str, tuple[float, float]] = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "step": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sine": (-1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Extent:
    """The values of one input from `low` to `high`, as they are entered."""

    neuron: str
    low: float
    high: float

    def centres(self, count: int) -> Array:
        """The middles of `count` equal parts, from low to high."""
        return self.low + (np.arange(count) + 0.5) / count * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Span:
    """Which activations a scale of colours covers; at `middle` the answer turns from one side to the other."""

    low: float
    middle: float
    high: float

    def place(self, values: Array) -> Array:
        """Where values stand on the scale: 0 at the middle, -1 or 1 at the end further away from it."""
        half = max(self.high - self.middle, self.middle - self.low)
        place: Array = np.clip((values - self.middle) / half, -1.0, 1.0)
        return place


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """The targets of one class, by output neuron, as they are entered."""

    title: str
    targets: Mapping[str, float]


class Probe:
    """Computes activations at any inputs, whatever rows there are. One serves as long as the structure stays.

    Dropout takes no part, as in every loss over a table.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.inputs = [neuron.id for neuron in network.inputs]
        self._plan = compile_network(network)
        self._engine = Engine(self._plan)
        self._values: Mapping[str, float] | None = None

    def fits(self, network: Network) -> bool:
        """Whether the network still has the structure that was compiled."""
        return network.neurons is self.network.neurons and network.edges is self.network.edges

    def load(self, values: Mapping[str, float]) -> None:
        """Compute with these parameters from now on."""
        if values is not self._values:
            self._engine.load(values)
            self._values = values

    def side(self, largest: int, budget: int) -> int:
        """How many points a side of a square grid may have: at most `largest`, and `budget` products in all."""
        cost = self._plan.size + ACTIVATION_COST * self._plan.row_count
        return max(8, min(largest, math.isqrt(max(budget // cost, 1))))

    def activations(self, x: Array, neurons: Sequence[str]) -> Array:
        """The activations of `neurons`, shape (neurons, points), at inputs `x` as the network sees them, shape
        (points, inputs)."""
        rows = np.array([self._plan.rows[neuron] for neuron in neurons], dtype=np.intp)
        result = np.empty((len(rows), len(x)))
        # All pieces are equally long, so that the engine keeps the arrays of one size only.
        size = max(1, min(len(x), max(SMALLEST_PIECE, PIECE // self._plan.row_count)))
        with np.errstate(all="ignore"):
            for start in range(0, len(x), size):
                piece = x[start : start + size]
                count = len(piece)
                if count < size:
                    piece = np.concatenate([piece, np.zeros((size - count, x.shape[1]))])
                self._engine.forward(piece)
                result[:, start : start + count] = self._engine.workspace.a[rows, :count]
        return result


def points_on(
    dataset: Dataset,
    inputs: Sequence[str],
    others: Mapping[str, float],
    *,
    x: Extent,
    y: Extent | None = None,
    side: int,
) -> Array:
    """Inputs as the network sees them, shape (points, inputs): a line of `side` points, or a square of side * side.

    The square goes row by row from the top, where y is high, each from left to right. `others` holds the values
    that the inputs beside x and y keep, as they are entered.
    """
    columns = {x.neuron: dataset.as_seen(x.neuron, x.centres(side))}
    if y is not None:
        rows = dataset.as_seen(y.neuron, y.centres(side)[::-1])
        columns = {x.neuron: np.tile(columns[x.neuron], side), y.neuron: np.repeat(rows, side)}
    count = side if y is None else side * side
    points = np.empty((count, len(inputs)))
    for place, neuron in enumerate(inputs):
        column = columns.get(neuron)
        points[:, place] = dataset.as_seen(neuron, np.array([others[neuron]])) if column is None else column
    return points


def extent_of(dataset: Dataset, neuron: str, former: Extent | None = None) -> Extent:
    """The values of an input that a map shows: those of the data and some room around them.

    A `former` extent stays while the data is inside and takes up much of it, so that a map does not move at each
    small change of its data.
    """
    column = dataset.columns.get(neuron)
    low, high = (float(column.min()), float(column.max())) if column is not None and len(column) else (0.0, 0.0)
    if former is not None and former.low <= low and high <= former.high:
        wanted = (high - low) * (1.0 + 2.0 * MARGIN)
        if low == high or 0.5 * (former.high - former.low) <= wanted:
            return former
    if low == high:
        reach = nice_step(max(abs(low) * 1.25, 1.0))
        return Extent(neuron, -reach, reach)
    room = MARGIN * (high - low)
    return Extent(neuron, low - room, high + room)


def span_of(network: Network, dataset: Dataset, neuron: str, values: Array) -> Span:
    """The scale for a neuron's activation: the ends of its activation, else those of its targets, else of `values`."""
    activation = network.neurons[neuron].activation
    low, high = ENDS.get(activation, (0.0, 0.0))
    if activation not in ENDS and neuron in dataset.columns and dataset.rows:
        targets = dataset.seen(neuron)
        low, high = float(targets.min()), float(targets.max())
    if low < high:
        return Span(low, (low + high) / 2.0, high)
    finite = np.abs(values[np.isfinite(values)])
    reach = nice_step(float(finite.max())) if finite.size and finite.max() > 0 else 1.0
    return Span(0.0 if activation == "relu" else -reach, 0.0, reach)


def winners(activations: Array, span: float) -> tuple[NDArray[np.intp], Array]:
    """Which of the outputs answers most at each point, and how certain that is, from `activations` (outputs, points).

    The certainty is how far the largest is ahead of the second, as a share of `span`: 0 to 1.
    """
    known = np.where(np.isnan(activations), -np.inf, activations)
    classes: NDArray[np.intp] = known.argmax(axis=0)
    two = np.partition(known, -2, axis=0)[-2:]
    with np.errstate(invalid="ignore"):
        lead = np.nan_to_num((two[1] - two[0]) / span, nan=0.0, posinf=1.0)
    return classes, np.clip(lead, 0.0, 1.0)


def target_choices(network: Network, dataset: Dataset) -> list[TargetChoice]:
    """The classes that a new row can be given; none where the targets are numbers, not classes.

    One output has two classes, several have one each. Their targets are the two values that the table has, else
    the ends of the output's activation.
    """
    outputs = network.outputs
    if not outputs:
        return []
    table = np.stack([dataset.columns[neuron.id] for neuron in outputs])
    low, high = ENDS.get(outputs[0].activation, (0.0, 1.0))
    match np.unique(table).tolist():
        case [one, other]:
            low, high = one, other
        case found if len(outputs) == 1 and not set(found) <= {low, high}:
            return []
    if len(outputs) == 1:
        name = outputs[0].id
        return [TargetChoice(f"{name} = {format_number(value)}", {name: value}) for value in (low, high)]
    return [
        TargetChoice(chosen.id, {neuron.id: high if neuron is chosen else low for neuron in outputs})
        for chosen in outputs
    ]


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round numbers from `low` to `high`, equally far apart; none where there is no such range."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high and high - low < math.inf) or most < 1:
        return []
    step = nice_step((high - low) / most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") + 0.0 for place in range(first, last + 1)]
