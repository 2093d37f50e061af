"""Runs: replay to the bit, branches, settings that change, stopping, breakpoints, and numbers that overflow."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_strategies import (
    bits,
    judge,
    losses,
    memory_bits,
    other_options,
    settings_of_any_sort,
    small_project,
    state_at,
    train,
)

from core import fast_kernel, history, timeline, training_loop
from core.breakpoints import Breakpoint, Relation, Watch
from core.dataset import Dataset
from core.errors import ProjectError, TrainingError
from core.history import LossPoint
from core.learning import Learner
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.passes import trace_project
from core.project import Project
from core.project_file import project_from_text, project_to_text
from core.settings import Memory, Settings
from core.training import Progress, Run, project_at

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates by numpy alone, whose bits are those that stepping shows."""
    monkeypatch.setattr(fast_kernel, "available", lambda: False)


WAYS = [
    "numpy",
    pytest.param("kernel", marks=pytest.mark.skipif(not fast_kernel.available(), reason="numba is not installed")),
]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, by_numpy: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Training by numpy alone, and by the compiled kernel where that is installed."""
    monkeypatch.setattr(fast_kernel, "available", lambda: request.param == "kernel")
    return str(request.param)


def progress_of(run: Run, epochs: int, settings: Settings | None = None, *breakpoints: Breakpoint) -> list[Progress]:
    return list(run.train(run.last, settings or run.settings, epochs=epochs, breakpoints=breakpoints))


# Going back and on


@given(rows=st.integers(1, 9), test_rows=st.integers(0, 3), data=st.data())
def test_training_is_one_gradient_and_one_step_after_the_other(rows: int, test_rows: int, data: st.DataObject) -> None:
    settings = data.draw(settings_of_any_sort())
    dropout = data.draw(st.sampled_from([0.0, 0.4]))
    project = small_project(rows + test_rows, test_rows=test_rows, dropout=dropout)
    project.settings = settings
    run = Run(project)
    train(run, 3)
    expected = list(judge(project, settings, 3))
    assert run.last == len(expected)
    for update in data.draw(st.permutations(range(1, run.last + 1))):
        assert state_at(run, update) == expected[update - 1], update


class Wanderer:
    """Trains a project in parts, each with its settings; between them it may look back at any update."""

    def __init__(self, project: Project, data: st.DataObject | None = None) -> None:
        self.run = Run(project)
        self.data = data
        # Where each part began, with what it did.
        self.parts: list[tuple[int, Settings, object]] = []

    def look_back(self) -> None:
        if self.data is not None:
            for update in self.data.draw(st.lists(st.integers(0, self.run.last), max_size=3)):
                self.run.parameters_at(update)

    def do(self, settings: Settings, what: object) -> None:
        """Train `what` epochs, or make updates on the batches that it names."""
        run = self.run
        self.parts.append((run.last, settings, what))
        if isinstance(what, int):
            train(run, what, settings)
        else:
            assert isinstance(what, list)
            for share in what:
                count = run.batches_of(settings).count
                run = run.advance(run.last, int(share * count), settings)
                self.look_back()
            assert run is self.run
        self.look_back()


@pytest.mark.parametrize("way", WAYS)
@given(rows=st.integers(1, 9), test_rows=st.integers(0, 2), data=st.data())
def test_going_anywhere_and_on_is_exact_to_the_bit(way: str, rows: int, test_rows: int, data: st.DataObject) -> None:
    project = small_project(
        rows + test_rows,
        test_rows=test_rows,
        dropout=data.draw(st.sampled_from([0.0, 0.4])),
    )
    deeds = st.integers(1, 12) | st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=6)
    parts = data.draw(st.lists(st.tuples(settings_of_any_sort(), deeds), min_size=1, max_size=4))
    project.settings = parts[0][0]
    straight = Wanderer(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_kernel, "available", lambda: way == "kernel")
        patch.setattr(history, "KEYFRAME_BYTES", data.draw(st.sampled_from([4_000, 10**6])))
        patch.setattr(history, "FIRST_INTERVALS", ((10**9, data.draw(st.integers(1, 5))),))
        wandering = Wanderer(project, data)
        for settings, what in parts:
            straight.do(settings, what)
            wandering.do(settings, what)
        run, other = straight.run, wandering.run
        last = run.last
        assert other.last == last
        assert state_at(other, last) == state_at(run, last)
        assert other.points() == run.points() == losses(run)
        for update in data.draw(st.lists(st.integers(0, last), max_size=6)):
            assert state_at(other, update) == state_at(run, update)
            assert other.table_loss(update) == run.table_loss(update)
            if update:
                assert other.settings_of(update) == run.settings_of(update)
                assert other.rows_of(update).tolist() == run.rows_of(update).tolist()
        # Going back to where a part began and doing the same again gives the same.
        start = data.draw(st.integers(0, len(parts) - 1))
        twin = Wanderer(project, data)
        twin.run = other.branch(straight.parts[start][0])
        for settings, what in parts[start:]:
            twin.do(settings, what)
        assert state_at(twin.run, last) == state_at(run, last)
        assert twin.run.points() == run.points()
        # The run that was branched from is as it was.
        assert other.last == last
        assert state_at(other, last) == state_at(run, last)


@given(data=st.data())
def test_the_same_updates_again_from_any_update_give_the_same_bits(data: st.DataObject) -> None:
    settings = data.draw(settings_of_any_sort())
    project = small_project(8, dropout=0.3)
    project.settings = settings
    run = Run(project)
    train(run, 3)
    begin = data.draw(st.integers(0, run.last))
    twin = run.branch(begin)
    for update in range(begin, run.last):
        assert twin.advance(update, twin.next_batch(update, settings), settings, noted=False) is twin
        assert twin.rows_of(update + 1).tolist() == run.rows_of(update + 1).tolist()
    assert state_at(twin, run.last) == state_at(run, run.last)


def test_a_run_starts_from_the_networks_own_parameters() -> None:
    project = small_project()
    assert Run(project).parameters_at(0) == project.network.values


def test_single_precision_does_not_round_the_start() -> None:
    project = small_project(precision="float32")
    run = Run(project)
    train(run, 2)
    assert project_at(project, run, 0).network.values == project.network.values
    assert run.parameters_at(0) == project.network.values


def test_points_begin_before_the_first_update() -> None:
    project = small_project()
    run = Run(project)
    run.advance(0, 0, project.settings)
    assert [point.update for point in run.points()] == [0, 1]
    assert run.points(0) == run.points()[:1]
    assert run.points()[1].loss == run.table_loss(1)


def test_points_hold_test_losses_and_accuracies_where_there_are_any() -> None:
    project = small_project(8, test_rows=3)
    project.dataset.set_values({(row, "o1"): float(row % 2) for row in range(8)})
    point = Run(project).point_at(0)
    assert point.test_loss is not None
    assert point.test_loss != point.loss
    assert {point.accuracy, point.test_accuracy} <= {k / n for n in (3, 5) for k in range(n + 1)}
    assert Run(small_project()).point_at(0) == LossPoint(0, Run(small_project()).table_loss(0))


def test_a_batch_again_keeps_the_run_and_another_branches_off() -> None:
    project = small_project()
    settings = project.settings
    run = Run(project)
    for update in range(4):
        run.advance(update, update, settings)
    assert run.advance(2, 2, settings) is run
    other = run.advance(2, 5, settings)
    assert other is not run
    assert (other.last, run.last) == (3, 4)
    assert [point.update for point in other.points()] == [0, 1, 2, 3]
    assert [point.update for point in run.points()] == [0, 1, 2, 3, 4]
    assert other.parameters_at(2) == run.parameters_at(2)
    assert other.parameters_at(3) != run.parameters_at(3)
    assert other.rows_of(3).tolist() == [5]


def test_the_same_batch_with_other_settings_branches_off() -> None:
    project = small_project()
    run = Run(project)
    for update in range(3):
        run.advance(update, update, project.settings)
    other = run.advance(2, 2, replace(project.settings, learning_rate=0.1))
    assert other is not run
    assert other.parameters_at(3) != run.parameters_at(3)
    # What takes no part in an update does not count as other settings.
    assert run.advance(2, 2, replace(project.settings, epochs=9, stop_loss=0.1)) is run


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
    for update in range(6):
        stepped.advance(update, update % 3, project.settings)
    assert trained.last == stepped.last == 6
    for update in range(7):
        assert state_at(trained, update) == state_at(stepped, update)
    assert [point.update for point in trained.points()] == [0, 3, 6]
    assert set(trained.points()) < set(stepped.points())


@pytest.mark.skipif(not fast_kernel.available(), reason="numba is not installed")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_kernel_agrees_with_numpy_up_to_rounding(name: str) -> None:
    project = small_project(
        rows=11, dropout=0.3, optimizer=name, batch_size=4, shuffle=True, l1=0.001, l2=0.01, learning_rate=0.05
    )
    runs = [Run(project), Run(project)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_kernel, "available", lambda: True)
        train(runs[0], 20)
    train(runs[1], 20)
    assert runs[0]._segments[0].fast
    assert not runs[1]._segments[0].fast
    assert runs[0].parameters_at(60) == pytest.approx(runs[1].parameters_at(60), rel=1e-9, abs=1e-12)
    # The bits may be others, as the numbers are added in another order; a run can be gone back in by its own.
    states = [state_at(runs[0], update) for update in (7, 60)]
    assert [state_at(runs[0], update) for update in (7, 60)] == states


# What it looks back at


def test_rows_settings_and_epochs_of_any_update() -> None:
    project = small_project(rows=7, batch_size=3, shuffle=True)
    run = Run(project)
    train(run, 2)
    for epoch in range(2):
        rows = np.concatenate([run.rows_of(3 * epoch + k) for k in (1, 2, 3)])
        assert sorted(rows.tolist()) == list(range(7))
        assert rows.tolist() == project.batches.order(epoch).tolist()
    assert run.rows_of(1).tolist() != run.rows_of(4).tolist()
    assert [run.epoch_at(update) for update in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    other = replace(project.settings, learning_rate=0.1)
    train(run, 1, other)
    assert run.settings_of(6) == project.settings
    assert run.settings_of(7) == other


def test_another_batch_size_in_the_middle_of_an_epoch_goes_on_with_the_rows_that_are_left() -> None:
    project = small_project(rows=10, batch_size=2)
    run = Run(project)
    for update in range(3):
        run.advance(update, update, project.settings)
    for size, batch in ((1, 6), (3, 2), (4, 1), (0, 0)):
        assert run.next_batch(3, replace(project.settings, batch_size=size)) == batch
    other = replace(project.settings, batch_size=3)
    train(run, 1, other)
    assert [run.rows_of(update).tolist() for update in (4, 5)] == [[6, 7, 8], [9]]
    assert run.epoch_at(5) == 1
    assert run.last == 5
    assert run.next_batch(5, other) == 0


def test_a_project_saved_within_an_epoch_goes_on_with_the_rows_that_are_left() -> None:
    project = small_project(batch_size=2, optimizer="adam", shuffle=True)
    run = Run(project)
    train(run, 2)
    for update in (8, 9, 10):
        run.advance(update, run.next_batch(update, run.settings), run.settings)
    saved = project_from_text(project_to_text(project_at(project, run, run.last)))
    assert (saved.epoch, saved.used_rows) == (2, 6)
    again = Run(saved)
    train(run, 2)
    train(again, 2)
    assert again.last == run.last == 16
    assert bits(again.parameters_at(16)) == bits(run.parameters_at(16))
    assert again.rows_of(12).tolist() == run.rows_of(12).tolist()


def test_used_rows_in_a_file_leave_at_least_one() -> None:
    text = project_to_text(replace(small_project(), used_rows=7))
    with pytest.raises(ProjectError, match="used_rows: there are 7 training rows"):
        project_from_text(text)


def test_the_way_of_some_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    project = small_project(rows=4, hidden=1)
    run = Run(project)
    train(run, 25)
    names = ["w1", "o1"]
    for most in (1000, 10):
        updates, values = run.path(names, most=most)
        assert updates[0] == 0
        assert updates[-1] == run.last == 100
        for update, row in zip(updates.tolist()[:: len(updates) // 5], values[:: len(updates) // 5], strict=True):
            parameters = run.parameters_at(update)
            assert row.tolist() == [parameters[name] for name in names]
    assert len(run.path(names, most=1000)[0]) == 101
    # Of a long run, those that are quick to get back to.
    monkeypatch.setattr(history, "FIRST_INTERVALS", ((10**9, 8),))
    long = Run(project)
    train(long, 25)
    assert len(long.path(names, most=5)[0]) <= 13


# Memory


def test_keyframes_stay_within_their_memory(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(history, "KEYFRAME_BYTES", 20_000)
    monkeypatch.setattr(history, "FIRST_INTERVALS", ((10**9, 4),))
    run = Run(small_project(rows=5, optimizer="adam", learning_rate=0.01))
    train(run, 1000)
    assert run.last == 5000
    assert run._keyframes.nbytes <= 20_000
    assert run.memory >= run._keyframes.nbytes
    # Resting takes even less, and everything can still be gone back to.
    before = state_at(run, 1234)
    monkeypatch.setattr(timeline, "REST_BYTES", 7_000)
    run.rest()
    assert run._keyframes.nbytes <= 7_000
    assert state_at(run, 1234) == before


# Points


def test_points_of_many_epochs_are_thinned_evenly_and_stepped_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "POINT_LIMIT", 100)
    project = small_project(rows=1)
    run = Run(project)
    for update in range(5):
        run.advance(update, 0, project.settings)
    train(run, 5000)
    updates = [point.update for point in run.points()]
    assert updates[:6] == [0, 1, 2, 3, 4, 5]
    assert updates[-1] == run.last == 5005
    assert 40 <= len(updates) <= 110
    gaps = np.diff(updates[6:-1])
    assert gaps.max() - gaps.min() <= 1
    for point in run.points()[::7]:
        assert point.loss == run.table_loss(point.update)
    # Going on adds to them, and a branch in the middle keeps those before it and has one where it begins.
    train(run, 3)
    assert run.points()[-1] == LossPoint(5008, run.table_loss(5008))
    assert run.branch(1000).points() == (*run.points(1000), run.point_at(1000))


def test_points_are_spread_evenly_however_few_updates_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "POINT_LIMIT", 20)
    monkeypatch.setattr(training_loop, "MOST_AT_ONCE", 7)
    run = Run(small_project(rows=3))
    train(run, 400)
    epochs = [point.update / 3 for point in run.points()]
    assert all(epoch == int(epoch) for epoch in epochs)
    assert len({*np.diff(epochs[:-1])}) == 1
    assert epochs[-1] == 400


def test_points_of_former_runs_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "POINT_LIMIT", 10)
    project = after_updates(small_project(), 50)
    run = Run(project, tuple(LossPoint(update, 1.0) for update in range(60)))
    assert len(run.earlier) <= 26
    assert run.earlier[0].update == 0
    assert run.earlier[-1].update == 49
    assert run.points()[-1].update == 50


def after_updates(project: Project, updates: int, epoch: int = 0) -> Project:
    project.start = dict(project.network.values)
    project.updates, project.epoch = updates, epoch
    return project


def test_a_run_may_begin_after_former_updates() -> None:
    project = after_updates(small_project(), 40, epoch=5)
    run = Run(project, (LossPoint(0, 3.0), LossPoint(40, 2.0), LossPoint(41, 1.0)))
    run.advance(40, 0, project.settings)
    assert [point.update for point in run.points()] == [0, 40, 41]
    assert run.points()[1].loss == run.table_loss(40)
    assert run.epoch_at(40) == run.epoch_at(41) == 5
    with pytest.raises(TrainingError, match="Update 39"):
        run.parameters_at(39)
    with pytest.raises(TrainingError, match="Update 42"):
        run.branch(42)


# Stopping


def test_stopping_within_an_epoch_keeps_the_updates_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "BREATH", 0.0)
    project = small_project(rows=7)
    run = Run(project)
    steps = run.train(0, project.settings, epochs=5)
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
    # And the run can go on from there: the epoch under way is the first one.
    train(run, 1)
    assert run.last == 14
    assert bits(run.parameters_at(14)) == bits(judge.parameters_at(14))


def test_interrupted_within_the_updates_it_keeps_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ctrl+C in `nnviz train` comes anywhere, here behind one of several updates that are made at once.
    project = small_project(rows=7, optimizer="adam", learning_rate=0.01)
    run = Run(project)
    train(run, 1)
    with monkeypatch.context() as patch:
        updates = Learner.updates

        def interrupt(learner: Learner, *what: Any, **more: Any) -> None:
            patch.undo()
            updates(learner, what[0], what[1], 1, **more)
            raise KeyboardInterrupt

        patch.setattr(Learner, "updates", interrupt)
        patch.setattr(training_loop, "can_be_fast", lambda *_: False)
        with pytest.raises(KeyboardInterrupt):
            train(run, 2)
    assert run.last > 7
    judge = Run(project)
    train(judge, 3)
    for update in (7, run.last):
        assert bits(run.parameters_at(update)) == bits(judge.parameters_at(update))
    assert run.points()[-1] == LossPoint(run.last, judge.table_loss(run.last))


def test_a_resting_run_goes_on_as_if_it_had_not_rested() -> None:
    runs = [Run(small_project(optimizer="adam", shuffle=True)) for _ in range(2)]
    for run in runs:
        train(run, 2)
    runs[0].rest()
    for run in runs:
        train(run, 2)
    assert bits(runs[0].parameters_at(28)) == bits(runs[1].parameters_at(28))
    assert bits(runs[0].parameters_at(9)) == bits(runs[1].parameters_at(9))


def test_training_ends_when_the_loss_is_small_enough() -> None:
    project = small_project(batch_size=0, learning_rate=0.5)
    free = Run(project)
    train(free, 60)
    limit = free.table_loss(37)
    run = Run(project)
    last = progress_of(run, 60, replace(project.settings, stop_loss=limit))[-1]
    first = next(update for update in range(1, 61) if free.table_loss(update) <= limit)
    assert run.last == last.update == last.epoch == first
    assert last.reason.startswith("The loss is at most ")
    assert not last.at_breakpoint
    # It stops after the first epoch at the latest: that it was small before is found then.
    assert progress_of(run, 60, replace(project.settings, stop_loss=limit))[-1].epoch == 1


def test_training_ends_when_the_accuracy_is_high_enough() -> None:
    project = small_project(rows=4, batch_size=0, learning_rate=2.0, loss="binary_cross_entropy")
    project.dataset.set_values({(row, "o1"): float(project.dataset.value(row, "i1") > 0) for row in range(4)})
    run = Run(project)
    last = progress_of(run, 500, replace(project.settings, stop_accuracy=1.0))[-1]
    assert 0 < last.epoch < 500
    assert last.point.accuracy == 1.0
    assert last.reason == "The accuracy is at least 1."
    assert run.point_at(run.last - 1).accuracy != 1.0


def test_accuracy_never_ends_a_regression() -> None:
    project = small_project(stop_accuracy=0.1)
    assert progress_of(Run(project), 3)[-1].reason == ""


@pytest.mark.parametrize("test_rows", [0, 3])
def test_patience_ends_training_when_the_loss_has_not_become_smaller(test_rows: int) -> None:
    project = small_project(rows=10, test_rows=test_rows, batch_size=0, learning_rate=0.5, patience=4)
    if not test_rows:
        # Too large a learning rate: the loss jumps.
        project.settings = replace(project.settings, learning_rate=60.0)
    run = Run(project)
    last = progress_of(run, 5000)[-1]
    assert last.epoch < 5000
    assert last.reason == f"The {'test ' if test_rows else ''}loss has not become smaller for 4 epochs."
    watched = [point.test_loss if test_rows else point.loss for point in run.points()[1:]]
    assert int(np.argmin(watched)) == len(watched) - 5


def test_without_a_condition_training_goes_on_to_the_end() -> None:
    run = Run(small_project(rows=4))
    progress = progress_of(run, 7)
    assert [p.epoch for p in progress] == [1, 2, 3, 4, 5, 6, 7]
    assert {p.reason for p in progress} == {""}
    assert progress[-1].loss == run.table_loss(28)


def test_training_goes_on_from_the_last_update_only() -> None:
    run = Run(small_project())
    train(run, 1)
    with pytest.raises(TrainingError, match="gone on to update 7"):
        next(run.train(0, run.settings, epochs=1))


def test_without_an_output_or_a_training_row_there_is_nothing_to_train() -> None:
    network = Network()
    network.add_neuron("input")
    all_held_out = small_project(3, test_rows=3)
    empty = small_project(1)
    empty.dataset.delete_rows([0])
    for project in (Project(network, Dataset({"i1": [1.0]})), all_held_out, empty):
        run = Run(project)
        assert not run.can_train
        assert run.points() == ()
        with pytest.raises(TrainingError, match="output neuron and a training row"):
            run.advance(0, 0, project.settings)
        with pytest.raises(TrainingError, match="output neuron and a training row"):
            next(run.train(0, project.settings, epochs=1))


# Numbers that overflow


def exploding(rows: int = 4, learning_rate: float = 1e200, **settings: object) -> Project:
    project = small_project(rows=rows, loss="squared_error", learning_rate=learning_rate, **settings)
    project.network.set_activation("o1", "linear")
    return project


def bad_in_row(row: int) -> Project:
    """Nothing changes in any update but that of one row, whose target is far away; the first two epochs are done."""
    project = exploding(rows=6)
    project.network.set_values(dict.fromkeys(project.network.values, 0.0))
    project.dataset.set_values({(r, "o1"): 1e150 if r == row else 0.0 for r in range(6)})
    return after_updates(project, 6, epoch=1)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_an_infinite_loss_ends_training_with_the_last_good_parameters(way: str, optimizer: str) -> None:
    run = Run(exploding(optimizer=optimizer))
    with pytest.raises(
        TrainingError, match=r"Update (\d+) makes .+ infinite: .+ Try a smaller learning rate\."
    ) as caught:
        train(run, 50)
    assert f"the run ends with update {run.last}" in str(caught.value)
    assert f"Update {run.last + 1} " in str(caught.value)
    assert all(np.isfinite(value) for value in run.parameters_at(run.last).values())
    assert np.isfinite(run.table_loss(run.last))
    assert run.points()[-1].update == run.last
    # It can be gone on with when the learning rate is smaller.
    train(run, 1, replace(run.settings, learning_rate=1e-300))


def test_it_is_the_very_update_that_went_wrong_and_the_parameter_is_named(way: str) -> None:
    project = bad_in_row(3)
    run = Run(project)
    with pytest.raises(TrainingError, match="Update 10 makes the bias of o1 infinite: the run ends with update 9, "):
        train(run, 4)
    assert run.last == 9
    assert bits(run.parameters_at(9)) == bits(project.network.values)
    stepped = Run(project)
    for update in range(6, 9):
        stepped.advance(update, 0, project.settings)
    with pytest.raises(TrainingError, match="Update 10 would make the bias of o1 infinite"):
        stepped.advance(9, 3, project.settings)
    project.network.set_frozen("o1")
    with pytest.raises(TrainingError, match="Update 10 makes w10 infinite"):
        train(Run(project), 4)


def test_an_infinite_loss_found_on_the_way_does_not_wait_for_the_end_of_the_epoch(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(training_loop, "BREATH", 0.0)
    project = exploding(rows=500)
    run = Run(project)
    with pytest.raises(TrainingError, match="the run ends with update"):
        train(run, 1)
    assert run.last <= 2
    assert bits(run.parameters_at(0)) == bits(project.network.values)


def test_an_update_to_infinity_is_refused_and_leaves_the_run_usable() -> None:
    project = exploding(rows=2, learning_rate=1e308)
    project.dataset.set_values({(row, "i1"): 1e10 for row in range(2)})
    run = Run(project)
    with pytest.raises(TrainingError, match=r"Update 1 would make .+ infinite: the parameters stay as they were"):
        run.advance(0, 0, project.settings)
    assert run.last == 0
    assert run.parameters_at(0) == project.network.values
    assert [point.update for point in run.points()] == [0]
    run.advance(0, 0, replace(project.settings, learning_rate=1e-20))
    assert run.last == 1


def test_a_run_stopped_just_when_it_goes_wrong_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "BREATH", 0.0)
    run = Run(bad_in_row(3))
    steps = run.train(6, run.settings, epochs=1)
    assert [next(steps).update for _ in range(3)] == [7, 8, 9]
    # As a fault found only when the run is closed: what is sealed is measured and checked.
    run.make(run.settings, epoch=1, batch=3, count=1)
    with pytest.raises(TrainingError, match="Update 10 makes"):
        steps.close()
    assert run.last == 9


# Settings that change on the way


def test_another_optimizer_begins_without_a_memory_and_the_former_one_comes_back_with_its_own() -> None:
    project = small_project(optimizer="adam", learning_rate=0.01)
    run = Run(project)
    train(run, 1)
    memory = run.memory_at(7)
    assert memory is not None
    assert memory.updates == 7
    train(run, 1, replace(project.settings, optimizer="adamw"))
    after = run.memory_at(14)
    assert after is not None
    assert after.updates == 7
    assert run.memory_at(7) == memory
    assert Run(small_project()).memory_at(0) is None


def test_a_project_of_an_update_has_only_the_memory_of_its_own_optimizer() -> None:
    for first, then in (("momentum", "nesterov"), ("adam", "adamw"), ("adam", "sgd"), ("sgd", "adam")):
        project = small_project(optimizer=first, learning_rate=0.01)
        run = Run(project)
        train(run, 1)
        here = project_at(project, run, 7)
        assert memory_bits(here.memory) == memory_bits(run.memory_at(7))
        changed = here.copy()
        changed.settings = replace(project.settings, optimizer=then)
        for update in (3, 7, 0):
            there = project_at(changed, run, update)
            shown = trace_project(there, run.rows_of(update + 1) if update < 7 else [0])
            other = run.branch(update).advance(update, run.next_batch(update, there.settings), there.settings)
            assert bits(shown.new_values) == bits(other.parameters_at(update + 1)), (first, then, update)
            # It can be saved.
            assert project_from_text(project_to_text(there)).settings.optimizer == then


def test_float32_in_the_middle_leaves_the_moments_before_it_as_they_were() -> None:
    project = small_project(optimizer="momentum")
    run = Run(project)
    train(run, 2)
    before = state_at(run, 14)
    train(run, 0, replace(project.settings, precision="float32"))
    assert state_at(run, 14) == before
    train(run, 1, replace(project.settings, precision="float32"))
    assert all(value == np.float32(value) for value in run.parameters_at(15).values())
    assert state_at(run, 14) == before


# Going on from a file


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_saved_project_goes_on_as_if_it_had_not_been_saved(way: str, name: str, precision: str) -> None:
    project = small_project(
        rows=9,
        test_rows=2,
        dropout=0.3,
        optimizer=name,
        optimizer_options=other_options(name),
        batch_size=3,
        shuffle=True,
        schedule="cosine",
        schedule_options={"epochs": 50.0},
        learning_rate=0.05,
        l2=0.01,
        precision=precision,
    )
    whole = Run(project)
    train(whole, 40)
    half = Run(project)
    train(half, 20)
    saved = project_from_text(project_to_text(project_at(project, half, half.last)))
    assert (saved.updates, saved.epoch) == (60, 20)
    assert saved.start == project.network.values
    rest = Run(saved)
    train(rest, 20)
    assert rest.last == whole.last == 120
    for update in (60, 61, 100, 120):
        assert state_at(rest, update) == state_at(whole, update)
        assert rest.table_loss(update) == whole.table_loss(update)
    # And the next step that is shown is the one that is made.
    shown = trace_project(saved, whole.rows_of(61))
    assert shown.new_values == pytest.approx(whole.parameters_at(61), rel=1e-12 if way == "kernel" else 0, abs=1e-15)


def test_memory_follows_a_parameters_new_name() -> None:
    memory = Memory(3, {"velocity": {"w1": 0.5, "h1": 0.25}})
    assert memory.rename("w1", "a").slots == {"velocity": {"a": 0.5, "h1": 0.25}}
    project = small_project(optimizer="momentum")
    run = Run(project)
    train(run, 1)
    here = project_at(project, run, 7)
    renamed = here.copy()
    renamed.rename("w1", "a")
    one, other = Run(here), Run(renamed)
    train(one, 1)
    train(other, 1)
    values = one.parameters_at(14)
    assert other.parameters_at(14) == {"a" if name == "w1" else name: value for name, value in values.items()}


# Other names


@given(subject=st.sampled_from(["i1", "h2", "o1", "w1", "w2", "w10"]), data=st.data())
def test_a_renamed_run_has_the_same_past_and_future_to_the_bit(subject: str, data: st.DataObject) -> None:
    project = small_project(8, test_rows=1, dropout=data.draw(st.sampled_from([0.0, 0.4])))
    project.settings = settings = data.draw(settings_of_any_sort())
    # Named so that it comes first where names are sorted.
    new = data.draw(st.sampled_from(["A first one", "zz"]))
    project.network.tie("w2", "w1")
    run = Run(project)
    train(run, 2)
    run.advance(run.last, run.next_batch(run.last, settings), settings)
    run.parameters_at(data.draw(st.integers(0, run.last)))
    judge = run.branch(run.last)
    twin = run.renamed(subject, new)
    assert twin.network.neurons.keys() - run.network.neurons.keys() <= {new}
    assert twin.points() == run.points()

    def same(one: Run, other: Run, update: int) -> bool:
        def named(numbers: dict[str, float]) -> dict[str, str]:
            return bits({new if name == subject else name: number for name, number in numbers.items()})

        memory = one.memory_at(update)
        assert other.memory_at(update) == (memory and memory.rename(subject, new))
        return bits(other.parameters_at(update)) == named(one.parameters_at(update))

    for update in data.draw(st.permutations(range(run.last + 1))):
        assert same(run, twin, update)
        if update:
            assert twin.rows_of(update).tolist() == run.rows_of(update).tolist()
        assert (twin.epoch_at(update), twin.used_rows_at(update)) == (run.epoch_at(update), run.used_rows_at(update))
    train(judge, 2)
    train(twin, 2)
    assert same(judge, twin, judge.last)
    assert twin.points() == judge.points()
    # The former run has neither gone on nor taken the name.
    assert run.last < twin.last
    assert new not in run.parameters_at(run.last)


# Breakpoints


def watch(watched: Watch, relation: Relation, value: float = 0.0, subject: str = "", **more: bool) -> Breakpoint:
    return Breakpoint(watched, relation, subject, value, **more)


class Recorded:
    """The numbers that a breakpoint may watch, update by update."""

    def __init__(self, project: Project, epochs: int) -> None:
        run = Run(project)
        train(run, epochs)
        self.parameters = [run.parameters_at(update) for update in range(run.last + 1)]
        self.traces = [
            trace_project(project_at(project, run, update), run.rows_of(update + 1)) for update in range(run.last)
        ]

    def numbers(self, point: Breakpoint) -> list[float | None]:
        """What is watched, by update; the first is before the first update, where that is known."""
        match point.watch:
            case Watch.LOSS:
                return [None, *(trace.loss for trace in self.traces)]
            case Watch.GRADIENT:
                return [None, *(trace.gradient[point.subject] for trace in self.traces)]
            case Watch.ACTIVATION:
                return [
                    None,
                    *(
                        float(np.mean([t.sample_pass(s).activation(point.subject) for s in range(t.batch)]))
                        for t in self.traces
                    ),
                ]
        return [values[point.subject] for values in self.parameters]

    def first(self, point: Breakpoint) -> int | None:
        """The update that makes it hold first."""
        numbers = self.numbers(point)
        for update in range(1, len(numbers)):
            present = numbers[update]
            assert present is not None
            if point.holds(numbers[update - 1], present):
                return update
        return None


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_watched_gradient_is_that_of_the_loss_without_the_penalties(precision: str) -> None:
    # As the canvas shows it under ∂L/∂w: the penalties are far larger here, and of the other sign.
    project = small_project(rows=9, seed=4, batch_size=2, l1=3.0, l2=5.0, learning_rate=0.01, precision=precision)
    recorded = Recorded(project, 3)
    numbers = recorded.numbers(watch(Watch.GRADIENT, Relation.ABOVE, subject="w1"))[1:]
    sizes = sorted(abs(number) for number in numbers if number is not None)
    assert sizes[-1] < 1.0
    for level in ((sizes[-1] + sizes[-2]) / 2, (sizes[5] + sizes[6]) / 2):
        point = watch(Watch.GRADIENT, Relation.ABOVE, level, "w1", absolute=True)
        first = recorded.first(point)
        assert first is not None
        run = Run(project)
        assert progress_of(run, 3, None, point)[-1].update == first - 1
    run = Run(project)
    progress_of(run, 3, None, watch(Watch.GRADIENT, Relation.ABOVE, 1.0, "w1", absolute=True))
    assert run.last == 15


SUBJECTS = {Watch.LOSS: "", Watch.PARAMETER: "w1", Watch.GRADIENT: "h2", Watch.ACTIVATION: "h1"}


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("relation", Relation)
@pytest.mark.parametrize("watched", Watch)
def test_a_run_stops_before_the_update_that_makes_a_breakpoint_hold(
    watched: Watch, relation: Relation, absolute: bool
) -> None:
    project = small_project(rows=9, seed=4, batch_size=2, shuffle=True, optimizer="momentum", learning_rate=0.3)
    recorded = Recorded(project, 8)
    subject = SUBJECTS[watched]
    numbers = [n for n in recorded.numbers(watch(watched, relation, subject=subject)) if n is not None]
    sizes = sorted(abs(n) if absolute else n for n in numbers)
    # Between two values: whether a number is above itself would be a matter of rounding.
    between = [(one + two) / 2 for one, two in pairwise(sizes)]
    for level in (between[1], between[len(between) // 2], between[-3], sizes[-1] + 1.0):
        point = watch(watched, relation, level, subject, absolute=absolute)
        first = recorded.first(point)
        run = Run(project)
        last = progress_of(run, 8, None, point)[-1]
        if first is None:
            assert run.last == 40
            assert not last.at_breakpoint
            continue
        assert last.at_breakpoint
        assert last.update == run.last == first - 1
        name = "b(h2)" if watched is Watch.GRADIENT else subject
        told = point.describe({Watch.GRADIENT: f"gradient of {name}", Watch.PARAMETER: name}.get(watched, ""))
        assert last.reason == f"Breakpoint: {told} in update {first}: step through it now."
        assert run.points()[-1].update == first - 1
        assert bits(run.parameters_at(run.last)) == bits(recorded.parameters[first - 1])


def test_a_disabled_breakpoint_never_stops_a_run() -> None:
    run = Run(small_project())
    progress = progress_of(run, 2, None, watch(Watch.LOSS, Relation.ABOVE, -1.0, enabled=False))
    assert run.last == 14
    assert not any(p.at_breakpoint for p in progress)


def test_the_first_of_several_breakpoints_stops_the_run_and_stepping_over_it_leads_on() -> None:
    project = small_project(learning_rate=0.3)
    recorded = Recorded(project, 3)
    levels = [values["w1"] for values in recorded.parameters]
    points = [watch(Watch.PARAMETER, Relation.CROSSES, (levels[k] + levels[k + 1]) / 2, "w1") for k in (2, 9)]
    firsts = sorted({first for point in points if (first := recorded.first(point)) is not None})
    run = Run(project)
    last = progress_of(run, 3, None, *points)[-1]
    assert run.last == firsts[0] - 1
    assert last.at_breakpoint
    # By hand over it, then on.
    run.advance(run.last, run.next_batch(run.last, project.settings), project.settings)
    last = progress_of(run, 3, None, *points)[-1]
    assert run.last > firsts[0]


def test_a_breakpoint_on_a_tied_weight_watches_the_weight_it_is_tied_to() -> None:
    project = small_project(learning_rate=0.3)
    project.network.tie("w2", "w1")
    start = project.network.weight("w1")
    run = Run(project)
    train(run, 2)
    level = (start + run.parameters_at(5)["w1"]) / 2
    stopped = Run(project)
    progress_of(stopped, 2, None, watch(Watch.PARAMETER, Relation.CROSSES, level, "w2"))
    values = [run.parameters_at(update)["w1"] for update in range(14)]
    assert (values[stopped.last] < level) != (values[stopped.last + 1] < level)


@pytest.mark.parametrize(("size", "level", "last"), [(1, 0.25, 3), (2, 0.2, 1), (0, 0.19, 0)])
def test_a_breakpoint_may_watch_the_mean_of_an_input(size: int, level: float, last: int) -> None:
    project = small_project(rows=5, batch_size=size)
    project.dataset.set_values({(row, "i1"): 0.1 * row for row in range(5)})
    run = Run(project)
    progress_of(run, 2, None, watch(Watch.ACTIVATION, Relation.ABOVE, level, "i1"))
    assert run.last == last


# Known numbers


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_worked_examples_after_their_updates(way: str, example: dict) -> None:
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
