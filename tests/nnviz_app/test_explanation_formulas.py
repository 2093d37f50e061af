"""Every formula of an explanation can be drawn: none falls back to plain text."""

from __future__ import annotations

import re

import numpy as np

from core.activations import ACTIVATIONS
from core.explanation import explain
from core.losses import LOSSES
from core.network import Network
from core.plan import compile_network
from core.project_file import load_project
from core.report import trace_project
from core.settings import Settings
from core.trace import Trace
from nnviz_app.examples import examples
from nnviz_app.formula import lay_out


def formulas(trace: Trace) -> dict[str, str]:
    """By its shape one formula of each: which digits and neurons stand in it makes no difference."""
    told = [explain(trace, step.quantity) for step in trace]
    found = (latex for e in told for latex in (e.symbols, e.numbers, e.result) if latex)
    return {re.sub(r"\b[iho]0", "n", re.sub(r"[\d.]+", "0", latex)): latex for latex in found}


def odd_one(activation: str, loss: str) -> Trace:
    """Two outputs of which one may feed the other, odd names, negative and tiny numbers."""
    network = Network()
    network.add_neuron("input", id="wind speed")
    network.add_neuron("hidden", id="h_1", activation="tanh")
    for k in (1, 2):
        network.add_neuron("output", id=f"y.{k}'", activation=activation)
    network.connect("wind speed", "h_1", id="a.b", weight=-1e-9)
    network.connect("h_1", "y.1'", weight=-0.5)
    network.connect("h_1", "y.2'", weight=0.5)
    if activation != "softmax":
        network.connect("y.1'", "y.2'", weight=-0.25)
    x, targets = np.array([[0.5], [-3.0]]), np.array([[0.25, 0.75], [-1e-7, 1.0]])
    return Trace(compile_network(network), network.values, x, targets, Settings(loss=loss))


def test_every_formula_can_be_drawn() -> None:
    pairs = {(name, "half_squared_error") for name in ACTIVATIONS}
    pairs |= {(name, loss) for loss in LOSSES for name in ("sigmoid", "softmax")}
    found: dict[str, str] = {}
    for trace in (*(odd_one(*pair) for pair in pairs), *(trace_project(load_project(e.path)) for e in examples())):
        found |= formulas(trace)
    assert len(found) > 100
    assert [latex for latex in found.values() if lay_out(latex) is None] == []
