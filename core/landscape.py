"""The loss as a surface over a plane in the space of all parameters, and the path that a run walked on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.dataset import Dataset
from core.diagnostics import ROW_LIMIT, spread_rows
from core.engine import Engine
from core.errors import TrainingError
from core.plan import Plan

Values = NDArray[np.float64]

# Points of the grid along each side. An odd number: the middle of a surface is one of them.
SIDE = 51
# How much of the picture is left free around a path, on each side, as a share of its extent.
MARGIN = 0.25


@dataclass(frozen=True, eq=False)
class Plane:
    """The points origin + x · first + y · second; each is a flat parameter vector of the plan."""

    plan: Plan
    origin: Values
    first: Values
    second: Values

    def point(self, x: float, y: float) -> Values:
        """The flat parameter vector at (x, y)."""
        return self.origin + x * self.first + y * self.second

    def values(self, x: float, y: float) -> dict[str, float]:
        """The value of each parameter at (x, y), by its id."""
        return self.plan.unpack(self.point(x, y))

    def project(self, values: Values) -> Values:
        """Where points stand on the plane, shape (points, 2): the nearest place to each.

        `values` has shape (points, parameters), in the order of `plan.names`.
        """
        names = self.plan.name_positions
        axes = np.stack([self.first[names], self.second[names]], axis=1)
        away = np.atleast_2d(values) - self.origin[names]
        return np.asarray(np.linalg.lstsq(axes, away.T, rcond=None)[0].T, dtype=np.float64)


def parameter_plane(plan: Plan, values: Mapping[str, float], first: str, second: str) -> Plane:
    """The plane on which two parameters vary and all others keep their `values`; x and y are the two values.

    Raises TrainingError when one of them is no parameter of the network, or both are the same.
    """
    for name in (first, second):
        if name not in values:
            raise TrainingError(f"“{name}” is not a parameter of this network: choose another.")
    if first == second:
        raise TrainingError("Both sides of the surface are the same parameter: choose two.")
    nothing = dict.fromkeys(plan.names, 0.0)
    return Plane(
        plan,
        origin=plan.pack({**values, first: 0.0, second: 0.0}),
        first=plan.pack({**nothing, first: 1.0}),
        second=plan.pack({**nothing, second: 1.0}),
    )


def random_plane(plan: Plan, values: Mapping[str, float], seed: int) -> Plane:
    """The plane through `values` along two random directions, normalised neuron by neuron.

    Li, Xu, Taylor, Studer and Goldstein 2018: each direction is drawn from a normal distribution, and the part
    that belongs to the weights into one neuron is given the length of these weights, so that surfaces of
    different networks can be compared. As in their program, biases stay as they are; so do frozen weights.
    Raises TrainingError when there are fewer than two weights other than 0 to vary, or one is too large to be squared.
    """
    network = plan.network
    groups: dict[str, list[str]] = {}
    for edge in network.edges.values():
        if edge.tied_to is None and edge.id not in network.frozen:
            groups.setdefault(edge.target, []).append(edge.id)
    groups = {neuron: ids for neuron, ids in groups.items() if any(values[i] for i in ids)}
    if sum(map(len, groups.values())) < 2:
        raise TrainingError(
            "Random directions need at least two weights that are not all 0 or frozen: draw new random weights."
        )
    rng = np.random.default_rng([seed, 4])
    directions = []
    for _ in range(2):
        direction = dict.fromkeys(plan.names, 0.0)
        for neuron, ids in groups.items():
            drawn = rng.normal(size=len(ids))
            with np.errstate(over="ignore"):
                length = float(np.linalg.norm([values[i] for i in ids]))
            if not np.isfinite(length):
                raise TrainingError(
                    f"The weights into {neuron} are too large for random directions: draw new random weights."
                )
            drawn *= length / float(np.linalg.norm(drawn))
            direction.update(zip(ids, drawn.tolist(), strict=True))
        directions.append(plan.pack(direction))
    return Plane(plan, plan.pack(values), *directions)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a plane that is looked at."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def xs(self) -> Values:
        """The grid's places along the first direction."""
        return np.linspace(self.left, self.right, SIDE)

    @property
    def ys(self) -> Values:
        """The grid's places along the second direction."""
        return np.linspace(self.bottom, self.top, SIDE)

    @classmethod
    def around(cls, center: Sequence[float], reach: float) -> Window:
        """As far as `reach` on each side of `center`."""
        x, y = float(center[0]), float(center[1])
        return cls(x - reach, x + reach, y - reach, y + reach)

    @classmethod
    def holding(cls, points: Values, least: float) -> Window:
        """With all `points`, shape (points, 2), and some room around; at least `least` from its middle to a side."""
        finite = points[np.isfinite(points).all(axis=1)]
        if not len(finite):
            return cls.around((0.0, 0.0), least)
        low, high = finite.min(axis=0), finite.max(axis=0)
        middle = (low + high) / 2
        half = np.maximum((high - low) * (0.5 + MARGIN), least)
        (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
        return cls(left, right, bottom, top)


class Surface:
    """The loss over a window of a plane, computed by an engine of its own over at most 1,000 training rows.

    `losses`, shape (SIDE, SIDE), has a row for each y and a column for each x, NaN where it is not computed yet.
    Raises TrainingError when there is no loss: without an output, or without a training row.
    """

    def __init__(self, plane: Plane, window: Window, dataset: Dataset, *, loss: str, mean: bool) -> None:
        network = plane.plan.network
        every = dataset.training_rows
        if not network.outputs or not len(every):
            raise TrainingError("A loss needs an output neuron and a training row with its target.")
        rows = spread_rows(every, ROW_LIMIT)
        self.plane, self.window = plane, window
        self.rows, self.all_rows = len(rows), len(every)
        self.losses = np.full((SIDE, SIDE), np.nan)
        self._engine = Engine(plane.plan, loss=loss, mean=mean)
        self._x = dataset.matrix([n.id for n in network.inputs], rows)
        self._targets = dataset.matrix([n.id for n in network.outputs], rows)

    def loss_at(self, x: float, y: float) -> float:
        """The loss at one place of the plane, infinite or NaN where it overflows."""
        self._engine.parameters[:] = self.plane.point(x, y)
        self._engine.forward(self._x)
        return self._engine.loss_value(self._targets)

    def compute(self) -> Iterator[int]:
        """Fill `losses`; yield the number of points done after each of them."""
        xs, ys = self.window.xs.tolist(), self.window.ys.tolist()
        for row, y in enumerate(ys):
            for column, x in enumerate(xs):
                self.losses[row, column] = self.loss_at(x, y)
                yield row * SIDE + column + 1
