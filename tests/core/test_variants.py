"""Other numbers for the same exercise: nice ones, the same for the same seed, and worth calculating with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_strategies import project_of
from training_strategies import settings_of_any_sort

from core.dataset import Dataset
from core.jobs import finish
from core.network import Network, Role
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project, project_from_text, project_to_text
from core.settings import Settings
from core.trace import Trace
from core.variants import (
    LARGEST_LOSS,
    LARGEST_Z,
    LEAST_DIFFERENCE,
    LEAST_GRADIENT,
    Critic,
    Variants,
)

EXAMPLES = sorted((Path(__file__).parents[2] / "resources" / "examples").glob("*.nnviz"))
CLASSIC = EXAMPLES[0]
seeds = st.integers(0, 2**31 - 1)


def first(project: Project, count: int, seed: int = 1) -> list[Project]:
    found = Variants(project, seed)
    return [finish(found.find()) for _ in range(count)]


def flaws(project: Project, rows: Sequence[int] | None = None) -> float:
    return Critic(project, rows).flaws(project.network.values, project.dataset)


def flaws_of_steps(trace: Trace) -> float:
    """The same one number after the other, as someone counts them who steps through the pass."""
    network = trace.network
    count = 0.0
    for sample in range(trace.batch):
        numbers = trace.sample_pass(sample)
        computed = [name for name, n in network.neurons.items() if n.role is not Role.INPUT]
        count += sum(abs(numbers.pre_activation(name)) > LARGEST_Z for name in computed)
        count += sum(abs(numbers.activation(n.id) - numbers.targets[n.id]) < LEAST_DIFFERENCE for n in network.outputs)
        for level in network.levels():
            rectified = [name for name in level if network.neurons[name].activation == "relu"]
            if rectified and not any(numbers.pre_activation(name) > 0 for name in rectified):
                count += len(network.values) + 1
    count += not np.isfinite(trace.loss) or trace.loss > LARGEST_LOSS
    zero = {n.id for place, n in enumerate(network.inputs) if not trace.x[:, place].any()}
    for name, gradient in trace.gradient.items():
        edges = network.edges_of_parameter(name) if name in network.edges else []
        starts = [edge.target for edge in edges] or [name]
        is_fed = not edges or any(edge.source not in zero for edge in edges)
        count += is_fed and not abs(gradient) >= LEAST_GRADIENT and any(reaches_output(network, n) for n in starts)
    return count


def reaches_output(network: Network, name: str) -> bool:
    neuron = network.neurons[name]
    if neuron.activation == "step":
        return False
    return neuron.role is Role.OUTPUT or any(reaches_output(network, e.target) for e in network.outgoing(name))


def numbers_of(project: Project) -> list[float]:
    columns = [value for column in project.dataset.columns.values() for value in column.tolist()]
    return [*project.network.values.values(), *columns]


def of_text(project: Project) -> str:
    return project_to_text(project)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_class_has_thirty_different_exercises_worth_making(path: Path) -> None:
    project = load_project(path)
    made = first(project, 30)
    assert len({tuple(numbers_of(one)) for one in made}) == 30
    for one in made:
        assert flaws(one) == 0
        assert one.settings == project.settings
        assert list(one.network.edges.values()) == list(project.network.edges.values())
        assert one.network.frozen == project.network.frozen
        assert one.updates == 0
        assert one.walkthrough is None


@given(seed=seeds)
@settings(max_examples=settings.default.max_examples // 2)
def test_numbers_are_nice_and_the_pass_is_worth_making(seed: int) -> None:
    one = first(load_project(CLASSIC), 1, seed)[-1]
    for value in numbers_of(one):
        assert value == round(round(value / 0.05) * 0.05, 2)
        assert 0.05 <= abs(value) <= 1.0
    weights = [one.network.values[name] for name in one.network.edges]
    assert len({abs(weight) for weight in weights}) == len(weights)
    trace = trace_project(one)
    assert flaws(one) == 0
    assert all(abs(gradient) >= 1e-4 for gradient in trace.gradient.values())


@given(seed=seeds, number=st.integers(1, 6))
@settings(max_examples=settings.default.max_examples // 6)
def test_a_variant_is_the_same_however_many_there_are(seed: int, number: int) -> None:
    project = load_project(CLASSIC)
    assert of_text(first(project, number, seed)[-1]) == of_text(first(project, 6, seed)[number - 1])


def test_another_seed_makes_others_and_the_project_stays() -> None:
    project = load_project(CLASSIC)
    before = of_text(project)
    one, other = first(project, 1)[0], first(project, 1, seed=2)[0]
    assert numbers_of(one) != numbers_of(other)
    assert of_text(project) == before


def test_a_variant_can_be_saved_and_opened() -> None:
    one = first(load_project(CLASSIC), 2)[-1]
    assert one.title == "2-2-2 network: the classic worked example, variant 2"
    assert of_text(project_from_text(of_text(one), "variant.nnviz")) == of_text(one)


def test_a_truth_table_stays() -> None:
    project = load_project(next(path for path in EXAMPLES if "xor" in path.stem))
    one = first(project, 1)[-1]
    assert all((one.dataset.columns[name] == column).all() for name, column in project.dataset.columns.items())
    assert one.network.values != project.network.values


def test_each_row_keeps_one_class() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    for name in ("red", "green", "blue"):
        network.add_neuron("output", id=name, activation="softmax")
        network.connect("x", name)
    columns = {"x": [0.3, -0.5], "red": [1.0, 0.0], "green": [0.0, 0.0], "blue": [0.0, 1.0]}
    project = Project(network, Dataset(columns), Settings(loss="cross_entropy", batch_size=2))
    classes = set()
    for one in first(project, 10):
        targets = one.dataset.matrix(["red", "green", "blue"])
        assert (np.sort(targets, axis=1) == [0, 0, 1]).all()
        classes.add(tuple(targets.argmax(axis=1).tolist()))
    assert len(classes) > 1


def test_rows_of_a_large_table_change_places_together() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y")
    network.connect("x", "y")
    x = np.arange(40) / 40
    dataset = Dataset({"x": x, "y": x**2})
    dataset.set_test(range(30, 40))
    one = first(Project(network, dataset), 1)[-1]
    assert sorted(one.dataset.columns["x"]) == x.tolist()
    assert (one.dataset.columns["y"] == one.dataset.columns["x"] ** 2).all()
    assert (one.dataset.test == (one.dataset.columns["x"] >= 0.75)).all()
    assert one.dataset.columns["x"].tolist() != x.tolist()


def test_frozen_and_tied_parameters_stay() -> None:
    project = load_project(CLASSIC)
    project.network.set_frozen("w1")
    project.network.tie("w6", "w5")
    one = first(project, 1)[-1]
    assert one.network.values["w1"] == project.network.values["w1"]
    assert one.network.edges["w6"].tied_to == "w5"
    assert "w6" not in one.network.values


def test_of_relus_some_are_active() -> None:
    project = load_project(CLASSIC)
    for name in ("h1", "h2"):
        project.network.set_activation(name, "relu")
    for one in first(project, 20):
        numbers = trace_project(one).sample_pass(0)
        assert any(numbers.pre_activation(name) > 0 for name in ("h1", "h2"))


def test_the_rows_that_are_asked_for_are_worth_making() -> None:
    project = load_project(next(path for path in EXAMPLES if "batch" in path.stem))
    one = finish(Variants(project, 5, rows=[2]).find())
    assert flaws(one, [2]) == 0


def imported(outputs: int, activation: str, loss: str, rows: int = 1) -> Project:
    """A network as it comes of a file of weights: nothing but 0 in its data."""
    network = Network()
    levels = [
        [network.add_neuron("input").id for _ in range(2)],
        [network.add_neuron("hidden", activation="relu", bias=0.1).id for _ in range(3)],
        [network.add_neuron("output", activation=activation, bias=0.1).id for _ in range(outputs)],
    ]
    for sources, targets in itertools.pairwise(levels):
        for source, target in itertools.product(sources, targets):
            network.connect(source, target)
    columns = {n.id: [0.0] * rows for n in (*network.inputs, *network.outputs)}
    return Project(network, Dataset(columns), Settings(loss=loss))


def inputs_of(project: Project) -> list[list[float]]:
    return project.dataset.matrix([n.id for n in project.network.inputs]).tolist()


@pytest.mark.parametrize("name", ["06", "10", "11"])
def test_inputs_of_a_row_differ_and_so_do_rows(name: str) -> None:
    for seed in (1, 2, 3):
        for one in first(load_project(next(path for path in EXAMPLES if path.stem.startswith(name))), 10, seed):
            rows = inputs_of(one)
            assert all(len(set(row)) == len(row) for row in rows)
            assert len(set(map(tuple, rows))) == len(rows)


def rows_of(columns: dict[str, list[float]]) -> Project:
    network = Network()
    for name in columns:
        network.add_neuron("input", id=name)
    network.add_neuron("output", id="o", activation="sigmoid")
    for name in columns:
        network.connect(name, "o")
    return Project(network, Dataset({**columns, "o": [0.3] * len(columns["x"])}))


def test_rows_differ_in_what_is_drawn_where_there_are_numbers_enough() -> None:
    for seed in range(30):
        # 1 and 2 are all there is for x, and y is kept: both pairs occur in each of its rows.
        (one,) = first(rows_of({"x": [2.0, 2.0, 2.0, 2.0], "y": [0.0, 0.0, 1.0, 0.0]}), 1, seed)
        rows = inputs_of(one)
        assert [y for _, y in rows] == [0, 0, 1, 0]
        assert {tuple(row) for row in rows} == {(1, 0), (2, 0), (2, 1)}
        # As many inputs as there are numbers.
        (one,) = first(rows_of({f"{'x' * k}": [0.5] for k in range(1, 20)}), 1, seed)
        assert len(set(inputs_of(one)[0])) == 19
        (one,) = first(rows_of({f"{'x' * k}": [0.5] for k in range(1, 24)}), 1, seed)
        assert len(set(inputs_of(one)[0])) == 19


@pytest.mark.parametrize("rows", [1, 2])
def test_rows_of_zeros_get_inputs(rows: int) -> None:
    project = imported(1, "sigmoid", "half_squared_error", rows)
    made = first(project, 2)
    inputs = [[one.dataset.columns[n.id].tolist() for n in project.network.inputs] for one in made]
    assert inputs[0] != inputs[1]
    assert np.abs(inputs).min() > 0


def test_rows_of_zeros_get_targets() -> None:
    classes = imported(3, "softmax", "cross_entropy")
    for one in first(classes, 5):
        assert sorted(one.dataset.matrix([n.id for n in one.network.outputs])[0]) == [0, 0, 1]
    numbers = imported(2, "linear", "half_squared_error")
    for one in first(numbers, 5):
        assert one.dataset.matrix([n.id for n in one.network.outputs]).all()


def test_the_search_can_be_stopped_after_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    project = load_project(CLASSIC)
    monkeypatch.setattr("core.variants.ATTEMPTS", 7)
    monkeypatch.setattr(Critic, "flaws", lambda *_: 1.0)
    found = Variants(project, 1)
    stopped = found.find()
    next(stopped)
    stopped.close()
    assert len(list(found.find())) == 7
    monkeypatch.undo()
    assert of_text(finish(found.find())) == of_text(first(project, 2)[-1])


@given(
    case=cases(max_neurons=10, max_batch=3),
    chosen=settings_of_any_sort(precision="float64"),
    dropout=st.booleans(),
    training=st.booleans(),
    zero=st.booleans(),
)
def test_flaws_are_those_of_the_steps(
    case: Case, chosen: Settings, *, dropout: bool, training: bool, zero: bool
) -> None:
    project = project_of(case, chosen, dropout=dropout)
    if not training:
        project.dataset.set_test(range(project.dataset.rows))
    if zero and case.network.inputs:
        name = case.network.inputs[0].id
        project.dataset.set_values({(row, name): 0.0 for row in range(project.dataset.rows)})
    assert flaws(project) == flaws_of_steps(trace_project(project))


@given(case=cases(max_neurons=8, max_batch=3), seed=seeds)
@settings(max_examples=settings.default.max_examples // 3)
def test_any_network_has_variants(case: Case, seed: int) -> None:
    columns = {n.id: case.x[:, place] for place, n in enumerate(case.network.inputs)}
    columns |= {n.id: case.targets[:, place] for place, n in enumerate(case.network.outputs)}
    project = Project(case.network, Dataset(columns, rows=len(case.x)), Settings(loss=case.loss, batch_mean=case.mean))
    with pytest.MonkeyPatch.context() as patch:
        # Few of these networks have variants without flaws: all attempts are made.
        patch.setattr("core.variants.ATTEMPTS", 20)
        one = first(project, 2, seed)[-1]
    assert np.isfinite(numbers_of(one)).all()
    assert list(one.network.values) == list(project.network.values)
    free = [name for name in one.network.values if name not in one.network.frozen and name in one.network.edges]
    assert all(0.1 <= abs(one.network.values[name]) <= 1.0 for name in free)
