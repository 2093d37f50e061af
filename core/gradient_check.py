"""Every gradient of backpropagation against one that needs no backpropagation: a central difference of the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.activations import ACTIVATIONS
from core.engine import Engine
from core.errors import TrainingError
from core.plan import Plan, compile_network
from core.project import Project

# A gradient whose relative error is above this is taken for wrong.
TOLERANCE = 1e-6
# Gradients below this part of the loss (or of 1, if that is larger) drown in the rounding of the loss, so that
# their errors are relative to it.
FLOOR = 1e-4
# The first step is the power of two next to eps^(1/5), at which truncation and rounding of a fourth-order
# difference of a smooth function weigh about the same. The others are for functions that bend faster.
FIRST_STEP = 2.0**-10
STEP_COUNT = 16
# Two steps that agree so well are believed without further ones.
AGREEMENT = 1e-8
EPSILON = 2.0**-52
# Activations with a kink at z = 0, where there is no derivative but a convention.
KINKED = frozenset({"relu", "leaky_relu", "step"})


@dataclass(frozen=True, slots=True)
class ParameterCheck:
    """One parameter: its gradient by backpropagation, the difference quotient, and how far they are apart.

    `kink` says what has a kink so near that no difference quotient can decide; "" where nothing has.
    """

    parameter: str
    gradient: float
    difference: float
    error: float
    kink: str = ""


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The checks of all parameters over `rows` samples, in the network's order."""

    parameters: tuple[ParameterCheck, ...]
    rows: int

    @property
    def worst(self) -> ParameterCheck | None:
        """The parameter with the largest relative error; those at a kink are not counted."""
        return max((p for p in self.parameters if not p.kink), key=lambda p: p.error, default=None)

    @property
    def kinks(self) -> list[ParameterCheck]:
        """The parameters at a kink."""
        return [p for p in self.parameters if p.kink]

    @property
    def passed(self) -> bool:
        """Whether no relative error is above TOLERANCE."""
        return self.worst is None or self.worst.error <= TOLERANCE


def check_gradients(project: Project) -> GradientCheck:
    """Compare dL/dw of every parameter, frozen ones included, with a central difference; L is over all rows.

    The difference is the fourth-order central one (Abramowitz and Stegun, Handbook of Mathematical Functions,
    25.3.21 at p = 0)::

        d = (8 (L(w + h) - L(w - h)) - (L(w + 2h) - L(w - 2h))) / 12h

    at the step h = max(1, |w|) 2^-10, 2^-11, ... at which truncation and rounding blur it least. The relative
    error is |g - d| / max(|g|, |d|, FLOOR max(1, |L|)).

    Raises TrainingError where there is no loss: without an output, without a row, or when it is not finite.
    """
    return _Checker(project).run()


class _Checker:
    def __init__(self, project: Project) -> None:
        network, dataset = project.network, project.dataset
        if not network.outputs or not dataset.rows:
            raise TrainingError("There is no loss to check: it takes an output neuron and a row of data.")
        self.network = network
        self.plan: Plan = compile_network(network)
        self.engine = Engine(self.plan, loss=project.settings.loss, mean=project.settings.batch_mean)
        self.engine.load(network.values)
        self.x = dataset.matrix([n.id for n in network.inputs])
        self.targets = dataset.matrix([n.id for n in network.outputs])
        self.kinked = [n.id for n in network.neurons.values() if n.activation in KINKED]
        self.kinked_rows = [self.plan.rows[n] for n in self.kinked]

    def run(self) -> GradientCheck:
        loss = self.loss()
        gradient = self.plan.unpack(self.engine.backward())
        if not (math.isfinite(loss) and all(map(math.isfinite, gradient.values()))):
            raise TrainingError(
                "The loss or its gradient is not finite, so there is nothing to compare: use smaller weights or inputs."
            )
        sides = self.sides()
        floor = FLOOR * max(1.0, abs(loss))
        positions = self._positions()
        checks = [self.check(name, positions[name], gradient[name], floor, sides) for name in self.network.values]
        return GradientCheck(tuple(checks), len(self.x))

    def _positions(self) -> dict[str, list[int]]:
        """Where each parameter stands in the flat vector: tied edges at several places."""
        positions = {name: [place] for name, place in self.plan.bias_position.items()}
        for edge in self.network.edges.values():
            positions.setdefault(edge.parameter, []).append(self.plan.weight_position[edge.id])
        return positions

    def loss(self) -> float:
        self.engine.forward(self.x)
        return self.engine.loss_value(self.targets)

    def sides(self) -> NDArray[np.float64]:
        """On which side of its kink each kinked neuron, and each output's absolute error, is for each sample."""
        work = self.engine.workspace
        sides = [np.sign(work.z[self.kinked_rows])]
        if self.engine.loss.name == "mean_absolute_error":
            sides.append(np.sign(work.a[self.plan.output_rows] - work.targets))
        return np.concatenate(sides)

    def check(
        self, name: str, positions: list[int], gradient: float, floor: float, sides: NDArray[np.float64]
    ) -> ParameterCheck:
        parameters = self.engine.parameters
        value = float(parameters[positions[0]])

        def loss_at(shifted: float) -> float:
            parameters[positions] = shifted
            return self.loss()

        def error_of(difference: float) -> float:
            error = abs(gradient - difference) / max(abs(gradient), abs(difference), floor)
            return error if math.isfinite(error) else math.inf

        difference, step = differentiate(loss_at, value, floor)
        kink = ""
        if error_of(difference) > TOLERANCE:
            kink = self._kink([value - step, value + step], loss_at, sides)
        parameters[positions] = value
        return ParameterCheck(name, gradient, difference, error_of(difference), kink)

    def _kink(self, points: list[float], loss_at: Callable[[float], float], sides: NDArray[np.float64]) -> str:
        for point in points:
            loss_at(point)
            changed = np.flatnonzero((self.sides() != sides).any(axis=1))
            if len(changed):
                place = int(changed[0])
                if place >= len(self.kinked):
                    return f"the absolute error of {self.network.outputs[place - len(self.kinked)].id}"
                neuron = self.network.neurons[self.kinked[place]]
                return f"the {ACTIVATIONS[neuron.activation].title} of {neuron.id}"
        return ""


def differentiate(f: Callable[[float], float], at: float, floor: float) -> tuple[float, float]:
    """The derivative of `f`, and the step at which it was found."""
    step = FIRST_STEP * 2.0 ** math.ceil(math.log2(max(1.0, abs(at))))
    best, best_step, best_doubt = math.nan, step, math.inf
    former = math.nan
    for _ in range(STEP_COUNT):
        values = f(at + step), f(at - step), f(at + 2 * step), f(at - 2 * step)
        difference = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * step)
        # What truncation can amount to, and what rounding can.
        doubt = abs(difference - former) + EPSILON * max(map(abs, values)) / step
        if doubt < best_doubt:
            best, best_step, best_doubt = difference, step, doubt
            if doubt <= AGREEMENT * max(abs(difference), floor):
                break
        former = difference
        step /= 2
    return best, best_step
