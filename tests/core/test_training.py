"""Runs: replay to the bit, branches, keyframes, points, stopping, and what happens when numbers overflow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import connect_all
from hypothesis import given
from hypothesis import strategies as st

from core import training
from core.dataset import Dataset
from core.errors import TrainingError
from core.network import Network
from core.project import Project
from core.settings import Settings
from core.training import LossPoint, Run

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8"))


def small_project(rows: int = 7, *, seed: int = 0, hidden: int = 3, **settings: object) -> Project:
    """A 2-3-1 tanh network with a skip edge and random data."""
    rng = np.random.default_rng(seed)
    network = Network()
    inputs = [network.add_neuron("input").id for _ in range(2)]
    middle = [network.add_neuron("hidden", activation="tanh", bias=float(rng.normal())).id for _ in range(hidden)]
    output = network.add_neuron("output", activation="sigmoid").id
    connect_all(network, inputs, middle, lambda: float(rng.normal()))
    connect_all(network, [*middle, inputs[0]], [output], lambda: float(rng.normal()))
    columns = {name: rng.uniform(-1, 1, rows) for name in inputs} | {output: rng.uniform(0, 1, rows)}
    return Project(network, Dataset(columns), Settings(**settings))


def train(run: Run, epochs: int) -> None:
    for _ in run.train(run.last, epochs):
        pass


def bits(values: dict[str, float]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


@given(
    rows=st.integers(1, 9),
    sizes=st.integers(0, 9),
    count=st.integers(1, 90),
    data=st.data(),
)
def test_going_back_and_on_is_exact_to_the_bit(rows: int, sizes: int, count: int, data: st.DataObject) -> None:
    project = small_project(rows, batch_size=sizes, learning_rate=0.7)
    batches = []
    for _ in range(count):
        start = data.draw(st.integers(0, rows - 1))
        batches.append(range(start, data.draw(st.integers(start + 1, rows))))
    run = Run(project)
    history = [bits(run.parameters_at(0))]
    losses = [run.table_loss(0)]
    for update, batch in enumerate(batches):
        assert run.advance(update, batch) is run
        history.append(bits(run.parameters_at(update + 1)))
        losses.append(run.table_loss(update + 1))
    for update in data.draw(st.lists(st.integers(0, count), max_size=6)):
        assert bits(run.parameters_at(update)) == history[update]
        assert run.table_loss(update) == losses[update]
    # Going there and making the same updates again gives the same.
    middle = data.draw(st.integers(0, count))
    twin = run.branch(middle)
    for update in range(middle, count):
        assert twin.advance(update, batches[update]) is twin
    assert bits(twin.parameters_at(count)) == history[count]
    assert twin.points() == run.points()


def test_a_run_starts_from_the_networks_own_parameters() -> None:
    project = small_project()
    assert Run(project).parameters_at(0) == project.network.values


def test_points_begin_before_the_first_update() -> None:
    run = Run(small_project())
    run.advance(0, range(1))
    assert [point.update for point in run.points()] == [0, 1]
    assert run.points(0) == run.points()[:1]
    assert run.points()[1].loss == run.table_loss(1)


def test_the_same_batch_again_keeps_the_run_and_another_branches_off() -> None:
    run = Run(small_project())
    for update in range(4):
        run.advance(update, range(update, update + 1))
    assert run.advance(2, range(2, 3)) is run
    other = run.advance(2, range(5, 7))
    assert other is not run
    assert (other.last, run.last) == (3, 4)
    assert [point.update for point in other.points()] == [0, 1, 2, 3]
    assert [point.update for point in run.points()] == [0, 1, 2, 3, 4]
    assert other.parameters_at(2) == run.parameters_at(2)
    assert other.parameters_at(3) != run.parameters_at(3)
    assert list(other.rows_of(3)) == [5, 6]


def test_a_branch_of_an_untouched_run_can_be_gone_back_in() -> None:
    project = small_project()
    branch = Run(project).branch(0)
    train(branch, 3)
    assert branch.parameters_at(0) == project.network.values
    assert branch.parameters_at(branch.last - 1) != branch.parameters_at(branch.last)


def test_training_is_the_same_as_stepping() -> None:
    project = small_project(rows=7, batch_size=3)
    trained, stepped = Run(project), Run(project)
    train(trained, 2)
    for update, start in enumerate([0, 3, 6, 0, 3, 6]):
        stepped.advance(update, range(start, min(start + 3, 7)))
    assert trained.last == stepped.last == 6
    for update in range(7):
        assert bits(trained.parameters_at(update)) == bits(stepped.parameters_at(update))
    assert [point.update for point in trained.points()] == [0, 3, 6]
    assert set(trained.points()) < set(stepped.points())


@given(size=st.integers(0, 7), epochs=st.integers(1, 40), data=st.data())
def test_thinned_keyframes_lose_nothing(size: int, epochs: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "KEYFRAME_BYTES", 2000)
        patch.setattr(training, "FIRST_INTERVAL", 2)
        run = Run(small_project(batch_size=size))
        train(run, epochs)
    # A run that has never thinned anything is the judge.
    judge = Run(small_project(batch_size=size))
    train(judge, epochs)
    for update in {0, run.last, *data.draw(st.lists(st.integers(0, run.last), max_size=5))}:
        assert bits(run.parameters_at(update)) == bits(judge.parameters_at(update))


def test_keyframes_stay_within_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "KEYFRAME_BYTES", 5000)
    run = Run(small_project(rows=5))
    train(run, 1000)
    size = run.engine.parameters.nbytes + training.KEYFRAME_OVERHEAD
    assert run.last == 5000
    assert len(run._keyframes) * size <= 5000


def test_points_of_many_epochs_are_thinned_evenly_and_stepped_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "POINT_LIMIT", 100)
    run = Run(small_project(rows=1))
    for update in range(5):
        run.advance(update, range(1))
    train(run, 5000)
    updates = [point.update for point in run.points()]
    assert updates[:6] == [0, 1, 2, 3, 4, 5]
    assert updates[-1] == run.last == 5005
    assert 40 <= len(updates) <= 110
    gaps = np.diff(updates[6:-1])
    assert gaps.max() - gaps.min() <= 1
    for point in run.points()[::7]:
        assert point.loss == run.table_loss(point.update)
    # Going on adds to them, and a branch in the middle keeps those before it.
    train(run, 3)
    assert run.points()[-1] == LossPoint(5008, run.table_loss(5008))
    assert run.branch(1000).points() == run.points(1000)


def test_points_of_former_runs_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "POINT_LIMIT", 10)
    project = replace_updates(small_project(), 50)
    run = Run(project, tuple(LossPoint(update, 1.0) for update in range(60)))
    assert len(run.earlier) <= 26
    assert run.earlier[0].update == 0
    assert run.earlier[-1].update == 49
    assert run.points()[-1].update == 50


def replace_updates(project: Project, updates: int) -> Project:
    project.start = dict(project.network.values)
    project.updates = updates
    return project


def test_a_run_may_begin_after_former_updates() -> None:
    project = replace_updates(small_project(), 40)
    run = Run(project, (LossPoint(0, 3.0), LossPoint(40, 2.0), LossPoint(41, 1.0)))
    run.advance(40, range(2))
    assert [point.update for point in run.points()] == [0, 40, 41]
    assert run.points()[1].loss == run.table_loss(40)
    with pytest.raises(TrainingError, match="Update 39"):
        run.parameters_at(39)


def test_stopping_within_an_epoch_keeps_the_updates_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "BREATH", 0.0)
    run = Run(small_project(rows=7))
    steps = run.train(0, 5)
    for progress in steps:
        if progress.update == 10:
            break
    steps.close()
    assert (progress.epoch, progress.epochs) == (1, 5)
    assert run.last == 10
    assert run.points()[-1] == LossPoint(10, run.table_loss(10))
    judge = Run(small_project(rows=7))
    train(judge, 2)
    for update in (0, 7, 9, 10):
        assert bits(run.parameters_at(update)) == bits(judge.parameters_at(update))
    # And the run can go on from there.
    train(run, 1)
    assert run.last == 17


def test_an_infinite_loss_ends_training_with_the_last_good_parameters() -> None:
    project = small_project(rows=4, loss="squared_error", learning_rate=1e200)
    project.network.set_activation("o1", "linear")
    run = Run(project)
    with pytest.raises(TrainingError, match="smaller learning rate"):
        train(run, 50)
    assert run.last % 4 == 0
    assert all(np.isfinite(value) for value in run.parameters_at(run.last).values())
    assert np.isfinite(run.table_loss(run.last))
    assert run.points()[-1].update == run.last


def test_an_infinite_loss_found_on_the_way_does_not_wait_for_the_end_of_the_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "BREATH", 0.0)
    project = small_project(rows=500, loss="squared_error", learning_rate=1e200)
    project.network.set_activation("o1", "linear")
    run = Run(project)
    with pytest.raises(TrainingError, match="update 0 are kept"):
        train(run, 1)
    assert run.last == 0
    assert run.parameters_at(0) == project.network.values


def test_an_update_to_infinity_is_refused_and_leaves_the_run_usable() -> None:
    project = small_project(rows=2, loss="squared_error", learning_rate=1e308)
    project.network.set_activation("o1", "linear")
    project.dataset.set_values({(row, "i1"): 1e10 for row in range(2)})
    run = Run(project)
    with pytest.raises(TrainingError, match="Update 1 would make a parameter infinite"):
        run.advance(0, range(1))
    assert run.last == 0
    assert run.parameters_at(0) == project.network.values
    assert [point.update for point in run.points()] == [0]


def test_without_an_output_or_a_row_there_is_nothing_to_train() -> None:
    network = Network()
    network.add_neuron("input")
    run = Run(Project(network, Dataset({"i1": [1.0]})))
    assert not run.can_train
    assert run.points() == ()
    with pytest.raises(TrainingError, match="output neuron"):
        run.advance(0, range(1))
    with pytest.raises(TrainingError, match="output neuron"):
        next(run.train(0, 1))


def test_training_goes_on_from_the_last_update_only() -> None:
    run = Run(small_project())
    train(run, 1)
    with pytest.raises(TrainingError, match="gone on to update 7"):
        next(run.train(0, 1))


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_worked_examples_after_their_updates(example: dict) -> None:
    project = example_project(example)
    run = Run(project)
    for expected in example["expected"]["after_update"]:
        train(run, expected["update"] - run.last)
        values = run.parameters_at(expected["update"])
        tolerance = 1e-12 if expected["update"] == 1 else 1e-9
        for name, value in (expected["weight"] | expected["bias"]).items():
            assert values[name] == pytest.approx(value, rel=tolerance, abs=tolerance)
        assert run.table_loss(run.last) == pytest.approx(expected["loss"], rel=tolerance, abs=tolerance)


def example_project(example: dict) -> Project:
    network = Network()
    for neuron in example["network"]["neurons"]:
        network.add_neuron(
            neuron["role"],
            id=neuron["id"],
            activation=neuron.get("activation"),
            bias=neuron.get("bias", 0.0),
        )
    for edge in example["network"]["edges"]:
        network.connect(edge["source"], edge["target"], weight=edge["weight"], id=edge["id"])
    values = zip([*network.inputs, *network.outputs], [*example["inputs"], *example["targets"]], strict=True)
    return Project(
        network,
        Dataset({neuron.id: [value] for neuron, value in values}),
        Settings(
            loss=example["loss"],
            learning_rate=example["learning_rate"],
            update_biases=example["update_biases"],
        ),
    )
