"""What a network's numbers look like by layer, and which of its neurons cannot learn.

All is read from one forward and one backward pass of the engine over the training rows, or over an evenly
spread part of them.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.activations import ACTIVATIONS, derivative
from core.dataset import Dataset
from core.engine import Engine
from core.errors import TrainingError
from core.network import Role
from core.numbers import format_number, nice_step
from core.plan import Plan

Values = NDArray[np.float64]

# Rows that are looked at, at most, and rows times parameters for a large network.
ROW_LIMIT = 1000
PRODUCT_LIMIT = 20_000_000
FEWEST_ROWS = 16
# Bars of a histogram, at most.
BAR_LIMIT = 24
# Larger numbers are left out of a histogram: their squares are infinite.
MOST_DRAWN = 1e150

# Saturated: the slope is below this share of the activation's largest one, in more than this share of the rows.
# With 1 % of the slope a weight needs about a hundred times the updates; the rest of the rows cannot make up for it.
FLAT_SLOPE = 0.01
FLAT_ROWS = 0.9
# The largest slope of each activation that flattens out (Clevert 2015, Hendrycks 2016: those of ELU, GELU and SiLU
# are near 1, which is near enough for 1 % of it).
LARGEST_SLOPE = {"sigmoid": 0.25, "softmax": 0.25, "tanh": 1.0, "elu": 1.0, "softplus": 1.0, "gelu": 1.0, "silu": 1.0}
# An output this near to its target is flat because it has learned.
LEARNED = 0.1
# Bengio, Simard and Frasconi 1994: the gradient changes by a factor from layer to layer. A layer that gets less
# than a thousandth of the outputs' gradient stands still while these learn; growing is worse than shrinking, as
# a learning rate that suits the outputs then throws the layer far off, so a hundredfold is told already.
VANISHING = 1e-3
EXPLODING = 1e2


class Ailment(StrEnum):
    """What is wrong with a neuron, the most serious first."""

    DEAD = "dead"
    SATURATED = "saturated"
    EXPLODING = "exploding"
    VANISHING = "vanishing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with these neurons of one layer.

    `number` shows it: dead, the largest z of all rows (a step's constant activation); saturated, the mean |f'(z)|;
    vanishing and exploding, the root mean square of the layer's ∂L/∂z divided by that of the outputs'.
    `label` is the number as it stands beside a neuron, `sentence` says what it means and what to try.
    """

    ailment: Ailment
    layer: int
    neurons: tuple[str, ...]
    number: float
    label: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts between `edges`, which are multiples of 1, 2 or 5 times a power of ten. `edges` is one longer.

    `counts` leave out the `left_out` numbers that are infinite, NaN or beyond 1e150; so do the other figures.
    """

    edges: Values
    counts: NDArray[np.intp]
    minimum: float
    mean: float
    maximum: float
    deviation: float
    left_out: int = 0

    @property
    def total(self) -> int:
        """The number of counted numbers."""
        return int(self.counts.sum())


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer's numbers: `depth` counts from 1, as the inputs are 0; a histogram is None where there is no number.

    `gradients` are those of the weights: ∂L/∂w of the loss over the rows that were looked at.
    """

    depth: int
    title: str
    neurons: tuple[str, ...]
    weights: Histogram | None
    activations: Histogram | None
    pre_activations: Histogram | None
    gradients: Histogram | None


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The layers after the inputs, and what is wrong. `rows` of `all_rows` training rows were looked at."""

    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...]
    rows: int
    all_rows: int
    by_neuron: dict[str, Finding] = field(init=False)

    def __post_init__(self) -> None:
        order = list(Ailment)
        worst = sorted(self.findings, key=lambda finding: -order.index(finding.ailment))
        object.__setattr__(self, "by_neuron", {i: finding for finding in worst for i in finding.neurons})


def spread_rows(rows: NDArray[np.intp], limit: int = ROW_LIMIT) -> NDArray[np.intp]:
    """At most `limit` of these rows, evenly spread, in order."""
    if len(rows) <= limit:
        return rows
    return rows[np.linspace(0, len(rows) - 1, limit).round().astype(np.intp)]


def histogram(values: NDArray[np.floating[Any]]) -> Histogram | None:
    """The histogram of all numbers in `values`, of whatever shape; None when there is nothing to count."""
    flat = np.ravel(values).astype(np.float64)
    counted = flat[np.abs(flat) < MOST_DRAWN]
    if not len(counted):
        return None
    low, high = float(counted.min()), float(counted.max())
    width = high - low
    if width <= 1e-9 * max(abs(low), abs(high)):
        # All the same: one bar around the number.
        half = 0.5 * nice_step(max(abs(low), 1e-300) / 4.0) if low or high else 0.5
        edges = np.array([low - half, high + half])
    else:
        step = nice_step(width / (BAR_LIMIT - 2))
        first = math.floor(low / step)
        if first * step > low:
            # The quotient was too small for a float64: it became 0, and the number beneath it had no bar.
            first -= 1
        edges = np.arange(first, math.floor(high / step) + 2) * step
    counts = np.histogram(counted, edges)[0]
    return Histogram(
        edges, counts, low, float(counted.mean()), high, float(counted.std()), left_out=len(flat) - len(counted)
    )


def diagnose(engine: Engine, dataset: Dataset) -> Diagnosis:
    """Pass the training rows through `engine`, with its present parameters, and look at every layer.

    The engine's own batch and gradient are left behind. Raises TrainingError when there is no loss: without an
    output, or without a training row.
    """
    plan = engine.plan
    every = dataset.training_rows
    if not plan.network.outputs or not len(every):
        raise TrainingError("There is nothing to look at: it takes an output neuron and a training row.")
    rows = spread_rows(every, min(ROW_LIMIT, max(FEWEST_ROWS, PRODUCT_LIMIT // max(plan.size, 1))))
    targets = dataset.matrix([n.id for n in plan.network.outputs], rows)
    engine.forward(dataset.matrix([n.id for n in plan.network.inputs], rows))
    engine.loss_value(targets)
    engine.backward()
    members, positions = _places(plan)
    findings = [
        *_neuron_findings(engine, members, targets),
        *_layer_findings(engine, members),
    ]
    return Diagnosis(_layers(engine, members, positions), tuple(findings), len(rows), len(every))


# The same plan is asked about again and again while its parameters change.
@functools.lru_cache(maxsize=1)
def _places(plan: Plan) -> tuple[list[list[str]], list[NDArray[np.intp]]]:
    """The neurons of each layer after the inputs, and where the weights of the edges into them stand."""
    members = plan.network.levels()[1:]
    depth_of = {neuron: depth for depth, neurons in enumerate(members) for neuron in neurons}
    positions: list[list[int]] = [[] for _ in members]
    for edge in plan.network.edges.values():
        positions[depth_of[edge.target]].append(plan.weight_position[edge.id])
    return members, [np.array(found, dtype=np.intp) for found in positions]


def _layers(engine: Engine, members: list[list[str]], positions: list[NDArray[np.intp]]) -> tuple[Layer, ...]:
    plan, work = engine.plan, engine.workspace
    found = []
    for depth, neurons in enumerate(members):
        here = _rows(plan, neurons)
        found.append(
            Layer(
                depth + 1,
                _title(plan, depth + 1, neurons),
                tuple(neurons),
                weights=histogram(engine.parameters[positions[depth]]),
                activations=histogram(work.a[here]),
                pre_activations=histogram(work.z[here]),
                gradients=histogram(engine.gradient[positions[depth]]),
            )
        )
    return tuple(found)


def _title(plan: Plan, depth: int, neurons: list[str]) -> str:
    roles = {plan.network.neurons[i].role for i in neurons}
    return "Outputs" if roles == {Role.OUTPUT} else f"Layer {depth}"


def _rows(plan: Plan, neurons: list[str]) -> NDArray[np.intp]:
    return np.array([plan.rows[i] for i in neurons], dtype=np.intp)


# Single neurons


def _neuron_findings(engine: Engine, members: list[list[str]], targets: Values) -> list[Finding]:
    plan, work = engine.plan, engine.workspace
    neurons = plan.network.neurons
    slopes = np.zeros_like(work.z)
    for level in plan.levels:
        for segment in level.segments:
            slopes[segment.rows] = derivative(segment.activation.name, work.z[segment.rows])
    target_of = {neuron.id: targets[:, place] for place, neuron in enumerate(plan.network.outputs)}
    found = []
    for depth, names in enumerate(members):
        for name in names:
            neuron, row = neurons[name], plan.rows[name]
            # With the joint gradient a - t the slope does not matter.
            if neuron.role is Role.OUTPUT and neuron.activation == engine.loss.joint_activation:
                continue
            if neuron.activation in ("relu", "step"):
                finding = _dead(name, neuron.activation, depth + 1, work.z[row], work.a[row])
            else:
                finding = _saturated(name, neuron.activation, depth + 1, slopes[row], work.a[row], target_of.get(name))
            if finding is not None:
                found.append(finding)
    return found


def _dead(name: str, activation: str, layer: int, z: Values, a: Values) -> Finding | None:
    # One row does not tell a neuron that is off from one that is off for ever.
    if len(a) < 2 or not np.all(a == a[0]) or (activation == "relu" and a[0] != 0.0):
        return None
    if activation == "step":
        number = format_number(float(a[0]), 2)
        return Finding(
            Ailment.DEAD,
            layer,
            (name,),
            float(a[0]),
            f"a = {number}",
            f"{name} never changes: its step gives {number} in all {len(a):,} rows, so it tells the next layer "
            "nothing. Change its bias or draw new random weights.",
        )
    largest = float(z.max())
    number = format_number(largest, 2)
    return Finding(
        Ailment.DEAD,
        layer,
        (name,),
        largest,
        f"z ≤ {number}",
        f"{name} is dead: its ReLU is 0 in all {len(a):,} rows (its largest z is {number}), so its weights get no "
        "gradient. Try a smaller learning rate, a larger bias, new random weights or Leaky ReLU.",
    )


def _saturated(
    name: str, activation: str, layer: int, slopes: Values, a: Values, target: Values | None
) -> Finding | None:
    largest = LARGEST_SLOPE.get(activation)
    if largest is None:
        return None
    flat = np.abs(slopes) < FLAT_SLOPE * largest
    if target is not None:
        flat &= np.abs(a - target) > LEARNED
    share = float(flat.mean())
    if share <= FLAT_ROWS:
        return None
    mean = float(np.abs(slopes).mean())
    number = format_number(mean, 2)
    return Finding(
        Ailment.SATURATED,
        layer,
        (name,),
        mean,
        f"f′ {number}",
        f"{name} is saturated: in {share:.0%} of the rows its {ACTIVATIONS[activation].title} is so flat (the mean "
        f"slope f′(z) is {number}, at most it could be {largest:g}) that it hardly learns. "
        "Try smaller weights or standardized inputs.",
    )


# Layers


def _layer_findings(engine: Engine, members: list[list[str]]) -> list[Finding]:
    plan, work = engine.plan, engine.workspace
    neurons = plan.network.neurons
    outputs = _root_mean_square(work.z_grad[_rows(plan, [n.id for n in plan.network.outputs])])
    # Nothing is left to learn, or nothing can be compared.
    if not 0.0 < outputs < math.inf:
        return []
    found = []
    for depth, names in enumerate(members):
        hidden = [i for i in names if neurons[i].role is Role.HIDDEN and neurons[i].activation != "step"]
        if not hidden:
            continue
        grads = work.z_grad[_rows(plan, hidden)]
        # A neuron that gets no gradient at all is dead or leads nowhere: the others tell of the layer.
        reached = grads[np.any(grads != 0.0, axis=1)]
        if not len(reached):
            continue
        ratio = _root_mean_square(reached) / outputs
        if ratio < VANISHING:
            found.append(_vanishing(depth + 1, tuple(hidden), ratio))
        elif not ratio <= EXPLODING:
            found.append(_exploding(depth + 1, tuple(hidden), ratio))
    return found


def _vanishing(layer: int, neurons: tuple[str, ...], ratio: float) -> Finding:
    number = format_number(ratio, 2)
    return Finding(
        Ailment.VANISHING,
        layer,
        neurons,
        ratio,
        f"× {number}",
        f"Layer {layer} hardly learns: the gradient that reaches its pre-activations is {number} times that of the "
        "outputs (it vanishes on the way). Try ReLU or tanh, larger first weights or fewer layers.",
    )


def _exploding(layer: int, neurons: tuple[str, ...], ratio: float) -> Finding:
    number = format_number(ratio, 2)
    return Finding(
        Ailment.EXPLODING,
        layer,
        neurons,
        ratio,
        f"× {number}",
        f"Layer {layer} gets too large a gradient: that of its pre-activations is {number} times that of the outputs "
        "(it explodes on the way). Try smaller random weights or a smaller learning rate.",
    )


def _root_mean_square(values: NDArray[np.floating[Any]]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.mean(np.square(values))))
