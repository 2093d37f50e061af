"""Other numbers for the same exercise: nice ones, the same for the same seed, and worth calculating with."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dataset import Dataset
from core.network import Network
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project, project_from_text, project_to_text
from core.settings import Settings
from core.variants import flaws, variant, variants

EXAMPLES = sorted((Path(__file__).parents[2] / "resources" / "examples").glob("*.nnviz"))
CLASSIC = EXAMPLES[0]
seeds = st.integers(0, 2**31 - 1)


def first(project: Project, count: int, seed: int = 1) -> list[Project]:
    return list(itertools.islice(variants(project, seed), count))


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
        assert flaws(trace_project(one)) == 0
        assert one.settings == project.settings
        assert list(one.network.edges.values()) == list(project.network.edges.values())
        assert one.network.frozen == project.network.frozen
        assert one.updates == 0
        assert one.walkthrough is None


@given(seed=seeds)
@settings(max_examples=25)
def test_numbers_are_nice_and_the_pass_is_worth_making(seed: int) -> None:
    one = variant(load_project(CLASSIC), seed, 1)
    for value in numbers_of(one):
        assert value == round(round(value / 0.05) * 0.05, 2)
        assert 0.05 <= abs(value) <= 1.0
    weights = [one.network.values[name] for name in one.network.edges]
    assert len({abs(weight) for weight in weights}) == len(weights)
    trace = trace_project(one)
    assert flaws(trace) == 0
    assert all(abs(gradient) >= 1e-4 for gradient in trace.gradient.values())


@given(seed=seeds, number=st.integers(1, 6))
@settings(max_examples=10)
def test_a_variant_is_the_same_however_many_there_are(seed: int, number: int) -> None:
    project = load_project(CLASSIC)
    assert of_text(variant(project, seed, number)) == of_text(first(project, 6, seed)[number - 1])


def test_another_seed_makes_others_and_the_project_stays() -> None:
    project = load_project(CLASSIC)
    before = of_text(project)
    one, other = variant(project, 1, 1), variant(project, 2, 1)
    assert numbers_of(one) != numbers_of(other)
    assert of_text(project) == before


def test_a_variant_can_be_saved_and_opened() -> None:
    one = variant(load_project(CLASSIC), 1, 2)
    assert one.title == "2-2-2 network: the classic worked example, variant 2"
    assert of_text(project_from_text(of_text(one), "variant.nnviz")) == of_text(one)


def test_a_truth_table_stays() -> None:
    project = load_project(next(path for path in EXAMPLES if "xor" in path.stem))
    one = variant(project, 1, 1)
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
    one = variant(Project(network, dataset), 1, 1)
    assert sorted(one.dataset.columns["x"]) == x.tolist()
    assert (one.dataset.columns["y"] == one.dataset.columns["x"] ** 2).all()
    assert (one.dataset.test == (one.dataset.columns["x"] >= 0.75)).all()
    assert one.dataset.columns["x"].tolist() != x.tolist()


def test_frozen_and_tied_parameters_stay() -> None:
    project = load_project(CLASSIC)
    project.network.set_frozen("w1")
    project.network.tie("w6", "w5")
    one = variant(project, 1, 1)
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
    one = variant(project, 5, 1, rows=[2])
    assert flaws(trace_project(one, [2])) == 0


@given(case=cases(max_neurons=8, max_batch=3), seed=seeds)
@settings(max_examples=20)
def test_any_network_has_variants(case: Case, seed: int) -> None:
    columns = {n.id: case.x[:, place] for place, n in enumerate(case.network.inputs)}
    columns |= {n.id: case.targets[:, place] for place, n in enumerate(case.network.outputs)}
    project = Project(case.network, Dataset(columns, rows=len(case.x)), Settings(loss=case.loss, batch_mean=case.mean))
    with pytest.MonkeyPatch.context() as patch:
        # Few of these networks have variants without flaws: all attempts are made.
        patch.setattr("core.variants.ATTEMPTS", 20)
        one = variant(project, seed, 2)
    assert np.isfinite(numbers_of(one)).all()
    assert list(one.network.values) == list(project.network.values)
    free = [name for name in one.network.values if name not in one.network.frozen and name in one.network.edges]
    assert all(0.1 <= abs(one.network.values[name]) <= 1.0 for name in free)
