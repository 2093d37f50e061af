"""Projects to export: of every shape that can leave, and some by hand; and a job run to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
from graph_strategies import HIDDEN_ACTIVATIONS, Shape, connect_all, random_network, seeds, shapes
from hypothesis import assume
from hypothesis import strategies as st

from core.dataset import Dataset
from core.errors import ExportError
from core.export.formats import FORMATS
from core.export.verify import Precision
from core.jobs import Written, finish
from core.network import Network, Role
from core.project import Project


@st.composite
def projects(draw: st.DrawFn, *, max_neurons: int = 16) -> Project:
    """Any network with an input and an output, without data, with a row or with some."""
    shape = draw(shapes(max_neurons=max_neurons))
    rng = np.random.default_rng(draw(seeds))
    network = random_network(rng, replace(shape, inputs=max(shape.inputs, 1)))
    rows = draw(st.sampled_from([0, 1, 7]))
    names = [neuron.id for neuron in (*network.inputs, *network.outputs)]
    return Project(network, Dataset({name: rng.normal(size=rows) for name in names}), title=draw(st.text(max_size=20)))


def layered(activations: Sequence[str] = ("tanh", "sigmoid"), *, width: int = 3, outputs: int = 2) -> Project:
    """Two inputs and fully connected layers with these activations."""
    rng = np.random.default_rng(5)
    network = Network()
    former = [network.add_neuron("input", id=name).id for name in ("x1", "x2")]
    for depth, activation in enumerate(activations, start=1):
        is_last = depth == len(activations)
        role = Role.OUTPUT if is_last else Role.HIDDEN
        layer = [
            network.add_neuron(role, id=f"n{depth}{k}", activation=activation, bias=float(rng.normal())).id
            for k in range(outputs if is_last else width)
        ]
        connect_all(network, former, layer, lambda: float(rng.normal()))
        former = layer
    return Project(network, title="Two layers")


def free_form() -> Project:
    """Every activation, sources from everywhere, a tied weight, absent edges, outputs that are not the last layer."""
    shape = Shape(inputs=3, hidden=24, outputs=4, density=0.4, softmax=2, tied=True, feeding_outputs=True)
    network = random_network(np.random.default_rng(2), shape)
    hidden = network.with_role(Role.HIDDEN)
    for neuron, activation in zip(hidden, cycle(name for name in HIDDEN_ACTIVATIONS if name != "step"), strict=False):
        network.set_activation(neuron.id, activation)
    return Project(network, title="Free")


def write(name: str, project: Project, path: Path, precision: Precision = "float64") -> Written:
    """Export to `path`."""
    return finish(FORMATS[name].write(project, path, precision=precision))


def write_or_pass_over(name: str, project: Project, path: Path, precision: Precision) -> Written:
    """Export to `path`. Passes a hypothesis example over where float32 is said to be too coarse for it."""
    try:
        return write(name, project, path, precision)
    except ExportError as refusal:
        assume(not (precision == "float32" and "choose float64" in str(refusal)))
        raise


def assert_close(found: object, y: object, precision: Precision) -> None:
    """Outputs agree within the limit of the precision, relative to max(1, |y|)."""
    limit = {"float64": 1e-12, "float32": 1e-5}[precision]
    y = np.asarray(y, dtype=float)
    assert np.shape(found) == y.shape
    assert (np.abs(np.asarray(found, dtype=float) - y) <= limit * np.maximum(1.0, np.abs(y))).all()
