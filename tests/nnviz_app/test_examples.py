"""The shipped examples: each opens, is laid out well, and has the numbers that are known of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.advice import advise
from core.engine import Engine, pass_sample
from core.gradient_check import check_gradients
from core.initializers import initial_values
from core.network import Network
from core.plan import compile_network
from core.project import Project
from core.project_file import load_project, project_to_text
from core.training import Run
from nnviz_app.examples import Example, examples, first_example

GOLDEN: dict[str, dict[str, Any]] = {
    example["name"]: example
    for example in json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8"))
}
# Shipped under which name.
NAMES = {
    "two_two_two": "two-two-two",
    "two_two_two_biases": "two-two-two-biases",
    "two_two_one": "two-two-one",
    "one_neuron_sigmoid": "one-sigmoid-neuron",
    "one_linear_neuron": "one-linear-neuron",
    "skip_connection": "skip-connection",
}
# A neuron's picture and its labels need so much room around its centre, in scene units.
NEURON_ROOM = 70.0
EDGE_ROOM = 60.0


def named(name: str) -> Project:
    return load_project(next(example.path for example in examples() if example.name == name))


@pytest.fixture(params=examples(), ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    chosen: Example = request.param
    return chosen


def test_the_classic_one_comes_first() -> None:
    assert first_example().name == "two-two-two"
    assert examples()[0] == first_example()
    assert set(NAMES) == set(GOLDEN)
    assert [e.name for e in examples()][:6] == list(NAMES.values())
    assert len({e.name for e in examples()}) == len(examples()) == 11


def test_an_example_says_what_it_is(example: Example) -> None:
    project = load_project(example.path)
    assert example.title == project.title
    assert example.title
    assert "\n" not in example.title + example.description
    assert 20 < len(example.description) <= 120
    assert project.source


def test_an_example_is_written_as_the_program_writes_it(example: Example) -> None:
    assert project_to_text(load_project(example.path)) == example.path.read_text(encoding="utf-8")


def test_an_example_begins_at_the_start_and_learns(example: Example) -> None:
    project = load_project(example.path)
    assert project.updates == 0
    assert not advise(project.network, project.settings, project.dataset)
    run = Run(project)
    losses = [
        run.table_loss(0),
        *(progress.loss for progress in run.train(0, project.settings, epochs=project.settings.epochs)),
    ]
    assert losses[-1] < 0.2 * losses[0]


def test_the_gradients_of_an_example_are_right(example: Example) -> None:
    result = check_gradients(load_project(example.path))
    assert result.passed, result.worst
    assert not result.kinks


def test_an_example_is_laid_out_well(example: Example) -> None:
    network = load_project(example.path).network
    positions = {name: complex(*place) for name, place in network.positions.items()}
    xs, ys = [p.real for p in positions.values()], [p.imag for p in positions.values()]
    assert min(xs) + max(xs) == 0
    assert min(ys) + max(ys) == 0
    for name, place in positions.items():
        assert all(abs(place - other) >= 2 * NEURON_ROOM for o, other in positions.items() if o != name)
        for edge in network.edges.values():
            start, end = positions[edge.source], positions[edge.target]
            assert end.real > start.real
            if name not in (edge.source, edge.target):
                assert distance(place, start, end) >= EDGE_ROOM, f"{edge.id} passes through {name}"


def distance(point: complex, start: complex, end: complex) -> float:
    """How far a point is from the line between two others."""
    along = ((point - start) * (end - start).conjugate()).real / abs(end - start) ** 2
    return abs(point - (start + min(1.0, max(0.0, along)) * (end - start)))


def close(expected: Any, tolerance: float = 1e-12) -> Any:
    return pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=lambda golden: golden["name"])
def test_a_worked_example_has_its_known_numbers(golden: dict[str, Any]) -> None:
    project, expected = named(NAMES[golden["name"]]), golden["expected"]
    network, settings = project.network, project.settings
    assert settings.loss == golden["loss"]
    assert settings.learning_rate == golden["learning_rate"]
    assert settings.update_biases == golden["update_biases"]
    assert_same_network(network, golden["network"])
    inputs, outputs = [n.id for n in network.inputs], [n.id for n in network.outputs]
    assert project.dataset.matrix([*inputs, *outputs]).tolist() == [[*golden["inputs"], *golden["targets"]]]

    engine = Engine(compile_network(network), loss=settings.loss, mean=settings.batch_mean)
    engine.load(network.values)
    numbers = pass_sample(engine, project.dataset.matrix(inputs)[0], project.dataset.matrix(outputs)[0])
    assert numbers.loss == close(expected["loss"])
    assert {i: numbers.activation(i) for i in expected["activation"]} == close(expected["activation"])
    assert {i: numbers.pre_activation_grad(i) for i in expected["bias_grad"]} == close(expected["bias_grad"])
    assert {e: numbers.weight_grad(e) for e in expected["weight_grad"]} == close(expected["weight_grad"])


def assert_same_network(network: Network, golden: dict[str, Any]) -> None:
    assert [(n.id, str(n.role), n.activation) for n in network.neurons.values()] == [
        (n["id"], n["role"], n.get("activation", "linear")) for n in golden["neurons"]
    ]
    assert [(e.id, e.source, e.target) for e in network.edges.values()] == [
        (e["id"], e["source"], e["target"]) for e in golden["edges"]
    ]
    parameters = {n["id"]: n["bias"] for n in golden["neurons"] if "bias" in n}
    assert network.values == parameters | {e["id"]: e["weight"] for e in golden["edges"]}


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=lambda golden: golden["name"])
def test_a_worked_example_trains_to_its_known_numbers(golden: dict[str, Any]) -> None:
    run = Run(named(NAMES[golden["name"]]))
    for after in golden["expected"]["after_update"]:
        tolerance = 1e-12 if after["update"] < 100 else 1e-9
        *_, progress = run.train(run.last, run.settings, epochs=after["update"] - run.last)
        assert progress.loss == close(after["loss"], tolerance)
        assert run.parameters_at(after["update"]) == close(after["weight"] | after["bias"], tolerance)


@pytest.mark.parametrize("name", ["xor", "three-classes"])
def test_the_random_weights_are_those_of_the_shown_seed(name: str) -> None:
    project = named(name)
    settings = project.settings
    rng = np.random.default_rng(settings.seed)
    drawn = initial_values(project.network, settings.initializer, rng, scale=settings.initializer_scale)
    assert project.network.values == drawn


def test_what_the_notes_promise() -> None:
    xor = named("xor")
    *_, progress = Run(xor).train(0, xor.settings, epochs=300)
    assert progress.loss < 0.01
    batch = named("batch")
    gradients = [
        check.gradient
        for row in range(4)
        for check in check_gradients(_row(batch, row)).parameters
        if check.parameter == "w5"
    ]
    assert {math.copysign(1, g) for g in gradients} == {1.0, -1.0}


def _row(project: Project, row: int) -> Project:
    alone = project.copy()
    alone.dataset.delete_rows([r for r in range(project.dataset.rows) if r != row])
    return alone
