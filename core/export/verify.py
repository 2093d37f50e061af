"""Whether an exported form computes what the network computes, on the project's own rows or on random inputs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.decision import Probe
from core.errors import ExportError
from core.project import Project

Array = NDArray[np.floating[Any]]
Precision = Literal["float64", "float32"]

# The greatest difference of an output y that is let pass, relative to max(1, |y|).
LIMITS: dict[Precision, float] = {"float64": 1e-12, "float32": 1e-5}
# Of larger tables so many rows are compared, evenly spread; without data so many random inputs.
MOST_ROWS = 1000
RANDOM_ROWS = 64


class Trial(Struct, frozen=True, eq=False):
    """Inputs as the network sees them, (rows, inputs), and the engine's outputs, (rows, outputs)."""

    x: Array
    y: Array
    is_random: bool


def make_trial(project: Project) -> Trial:
    """What exported forms are tried on. Inputs are rounded to float32, so that both precisions get the same."""
    network, dataset = project.network, project.dataset
    inputs = [neuron.id for neuron in network.inputs]
    is_random = dataset.rows == 0
    if is_random:
        x = np.random.default_rng(0).normal(size=(RANDOM_ROWS, len(inputs)))
    else:
        rows = np.unique(np.linspace(0, dataset.rows - 1, min(dataset.rows, MOST_ROWS)).astype(np.intp))
        x = dataset.matrix(inputs, rows)
    x = x.astype(np.float32).astype(np.float64)
    probe = Probe(network)
    probe.load(network.values)
    return Trial(x, probe.activations(x, [neuron.id for neuron in network.outputs]).T, is_random)


def check(trial: Trial, found: Array, precision: Precision, where: str) -> str:
    """The greatest difference between `found`, shape (rows, outputs), and the engine's outputs, in a sentence.

    `where` says what computed them, such as "read back with numpy". Raises ExportError where it is above the limit.
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
        remedy = "choose float64" if precision == "float32" else "look at its weights for very large numbers"
        raise ExportError(
            f"Nothing was written: {where}, an output differs from the engine's by {worst:.2g}, more than {limit:g} "
            f"allows; {remedy}."
        )
    count = len(trial.x)
    rows = f"{count} random inputs" if trial.is_random else f"{count} row{'' if count == 1 else 's'}"
    return f"Checked on {rows}, {where}: the greatest difference from the engine is {worst:.2g}."
