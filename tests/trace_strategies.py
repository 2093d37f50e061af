"""Hypothesis strategies and examples for traces: of any network, with settings of any sort."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from graph_strategies import Case, cases
from hypothesis import strategies as st
from training_strategies import settings_of_any_sort

from core.dataset import Dataset
from core.network import Network, Role
from core.passes import trace_project
from core.plan import compile_network
from core.project import Project
from core.settings import Settings
from core.trace import Trace


def project_of(case: Case, settings: Settings, *, dropout: bool) -> Project:
    """The case as a project; with `dropout` in about half of its hidden neurons."""
    rng = np.random.default_rng(case.seed)
    for neuron in list(case.network.neurons.values()):
        if dropout and neuron.role is Role.HIDDEN and rng.random() < 0.5:
            case.network.set_dropout(neuron.id, 0.4)
    columns = {n.id: case.x[:, place] for place, n in enumerate(case.network.inputs)}
    columns |= {n.id: case.targets[:, place] for place, n in enumerate(case.network.outputs)}
    return Project(case.network, Dataset(columns), replace(settings, loss=case.loss, batch_mean=case.mean))


@st.composite
def traces(draw: st.DrawFn, max_neurons: int = 15, max_batch: int = 4, precision: str = "float64") -> Trace:
    """The first batch of any network with settings of any sort, perhaps with what an optimizer remembers."""
    case = draw(cases(max_neurons=max_neurons, max_batch=max_batch))
    project = project_of(case, draw(settings_of_any_sort(precision=precision)), dropout=draw(st.booleans()))
    trace = trace_project(project)
    if draw(st.booleans()):
        learner = trace.learner
        learner.gradient(trace.x, trace.targets, masks=None)
        learner.step(0.1)
        project.updates, project.memory = 1, learner.memory()
    tied = any(edge.tied_to for edge in project.network.edges.values())
    if trace.batch == 1 and not tied and draw(st.booleans()):
        project.settings = replace(project.settings, updated_weights=True)
    return trace_project(project)


def chain(*neurons: tuple[str, str], x: float = 0.5, target: float = 0.75, weight: float = 0.5, **chosen: Any) -> Trace:
    """An input x and neurons one after the other, each an id and an activation; the last one is the output.

    All biases are 0.25; `chosen` are settings.
    """
    network = Network()
    network.add_neuron("input", id="x")
    for place, (name, activation) in enumerate(neurons):
        before = list(network.neurons)[-1]
        role = "output" if place == len(neurons) - 1 else "hidden"
        network.add_neuron(role, id=name, activation=activation, bias=0.25)
        network.connect(before, name, weight=weight)
    return trace_of(network, [[x]], [[target]], **chosen)


def trace_of(network: Network, x: Any, targets: Any, **chosen: Any) -> Trace:
    """The trace of these samples, both arrays (batch, neurons), with these settings."""
    return Trace(compile_network(network), network.values, np.array(x), np.array(targets), Settings(**chosen))
