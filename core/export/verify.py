"""Whether an exported form computes what the network computes, on the project's own rows or on random inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.decision import Probe
from core.engine import Engine
from core.errors import ExportError
from core.network import Network
from core.plan import compile_network
from core.project import Project

Array = NDArray[np.floating[Any]]
Precision = Literal["float64", "float32"]

# The greatest difference of an output y that is let pass, relative to max(1, |y|).
LIMITS: dict[Precision, float] = {"float64": 1e-12, "float32": 1e-5}
# Of larger tables so many rows are compared, evenly spread; without data so many random inputs.
MOST_ROWS = 1000
RANDOM_ROWS = 64
# Rows that the engine computes at once.
ROWS_AT_ONCE = 64
# A step function whose pre-activation is so near 0 may jump when its sum is added up in another order.
NEAR_JUMP = 1e-5
LOOK = "look at its weights for very large numbers"


class Trial(Struct, frozen=True, eq=False):
    """Inputs as the network sees them, (rows, inputs), and the engine's outputs, (rows, outputs).

    `left_out` counts the rows that decide nothing, since a step function stands at its jump; `overflowing` those in
    which a pre-activation is no finite number, whatever the outputs are then.
    """

    x: Array
    y: Array
    is_random: bool
    left_out: int = 0
    overflowing: int = 0


def make_trial(project: Project) -> Trial:
    """What exported forms are tried on. Inputs are rounded to float32, so that both precisions get the same."""
    network, dataset = project.network, project.dataset
    inputs = [neuron.id for neuron in network.inputs]
    x: NDArray[np.float64] = np.zeros((0, len(inputs)))
    if dataset.rows:
        rows = np.unique(np.linspace(0, dataset.rows - 1, min(dataset.rows, MOST_ROWS)).astype(np.intp))
        x = _rounded(dataset.matrix(inputs, rows))
    decides = ~_at_a_jump(network, x)
    left_out = int((~decides).sum())
    is_random = not decides.any()
    x = _rounded(np.random.default_rng(0).normal(size=(RANDOM_ROWS, len(inputs)))) if is_random else x[decides]
    probe = Probe(network)
    probe.load(network.values)
    y = probe.activations(x, [neuron.id for neuron in network.outputs]).T
    return Trial(x, y, is_random, left_out, int(_overflows(network, x).sum()))


def _rounded(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float32).astype(np.float64)


def _at_a_jump(network: Network, x: Array) -> NDArray[np.bool_]:
    """Whether a step function stands at its jump, by rows."""
    jumps = [neuron.id for neuron in network.neurons.values() if neuron.activation == "step"]
    return _any_pre_activation(network, x, jumps, lambda z: np.abs(z) < NEAR_JUMP)


def _overflows(network: Network, x: Array) -> NDArray[np.bool_]:
    """Whether a pre-activation is no finite number, by rows."""
    computed = [name for name in network.neurons if network.has_bias(name)]
    return _any_pre_activation(network, x, computed, lambda z: ~np.isfinite(z))


def _any_pre_activation(
    network: Network, x: Array, neurons: list[str], is_so: Callable[[Array], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Whether something holds for the pre-activation of one of the `neurons`, by rows."""
    found: NDArray[np.bool_] = np.zeros(len(x), dtype=np.bool_)
    if not neurons:
        return found
    plan = compile_network(network)
    engine = Engine(plan)
    engine.load(network.values)
    rows = [plan.rows[name] for name in neurons]
    with np.errstate(all="ignore"):
        for start in range(0, len(x), ROWS_AT_ONCE):
            piece = slice(start, start + ROWS_AT_ONCE)
            engine.forward(x[piece])
            found[piece] = is_so(engine.workspace.z[rows]).any(axis=0)
    return found


def check(trial: Trial, found: Array, precision: Precision, where: str, *, has_float64: bool = True) -> str:
    """The greatest difference between `found`, shape (rows, outputs), and the engine's outputs, in a sentence.

    `where` says what computed them, such as "read back with numpy"; `has_float64`: that could be chosen instead.
    Raises ExportError where the difference is above the limit.
    """
    y = trial.y
    with np.errstate(all="ignore"):
        found = np.asarray(found, dtype=np.float64)
        same = (found == y) | (np.isnan(found) & np.isnan(y))
        difference = np.where(same, 0.0, np.abs(found - y))
        excess = np.where(same, 0.0, difference / np.maximum(1.0, np.abs(y)))
    limit = LIMITS[precision]
    worst = float(difference.max(initial=0.0))
    # Written so that NaN fails too.
    if not (excess <= limit).all():
        is_coarse = precision == "float32" and has_float64
        remedy = "choose float64" if is_coarse else LOOK
        raise ExportError(
            f"Nothing was written: {where}, an output differs from the engine's by {worst:.2g}, more than {limit:g} "
            f"allows; {remedy}."
        )
    count = len(trial.x)
    rows = f"{count} random inputs" if trial.is_random else f"{count} row{'' if count == 1 else 's'}"
    apart = " (those at the jump of a step function are left out)" if trial.left_out else ""
    sentence = f"Checked on {rows}{apart}, {where}: the greatest difference from the engine is {worst:.2g}"
    if trial.overflowing:
        those = "it" if count == 1 else f"{trial.overflowing} of them"
        sentence += f", but in {those} a pre-activation overflows; {LOOK}"
    return f"{sentence}."
