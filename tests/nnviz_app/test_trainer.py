"""The trainer: a run in its own thread, shown while it lasts, stopped at will, one undo entry at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from core import fast_kernel
from core.breakpoints import Breakpoint, Relation, Watch
from core.dataset import Dataset
from core.network import Network
from core.project import Project
from core.settings import Settings
from core.training import Progress
from nnviz_app.document import Document
from nnviz_app.player import Player
from nnviz_app.trainer import Trainer

LONG = 1_000_000


def project_of(rows: int = 4, hidden: int = 3, **settings: object) -> Project:
    """A 2-h-1 network with random data."""
    rng = np.random.default_rng(3)
    network = Network()
    inputs = [network.add_neuron("input").id for _ in range(2)]
    middle = [network.add_neuron("hidden", activation="tanh").id for _ in range(hidden)]
    network.add_neuron("output", id="o1", activation="sigmoid")
    connect_all(network, inputs, middle, lambda: float(rng.normal()))
    connect_all(network, middle, ["o1"], lambda: float(rng.normal()))
    columns = {name: rng.uniform(-1, 1, rows) for name in inputs} | {"o1": rng.uniform(0, 1, rows)}
    return Project(network, Dataset(columns), Settings(**settings))


@pytest.fixture
def trainer(qapp: object) -> Iterator[Trainer]:
    document = Document()
    document.open_project(project_of())
    trainer = Trainer(document, Player(document, document))
    yield trainer
    trainer.shutdown()
    assert not trainer.is_running
    assert sys.getswitchinterval() >= 0.004
    trainer.deleteLater()
    document.deleteLater()


@pytest.fixture
def by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates by numpy alone, which is slower than the compiled kernel and gives the bits that stepping shows."""
    monkeypatch.setattr(fast_kernel, "available", lambda: False)


def bits(document: Document) -> dict[str, str]:
    return {name: value.hex() for name, value in document.project.network.values.items()}


def test_a_run_is_one_undo_entry_and_the_same_as_training_without_a_thread(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    before, first = document.state, bits(document)
    with qtbot.waitSignal(trainer.started), qtbot.waitSignal(trainer.finished) as caught:
        trainer.start(50)
    assert "50 epochs done" in caught.args[0]
    assert document.project.updates == document.run.last == 200
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Run 50 epochs"
    judge = before.run.branch(0)
    for _ in judge.train(0, before.project.settings, epochs=50):
        pass
    assert document.project.network.values == judge.parameters_at(200)
    assert document.run.points() == judge.points()
    last = bits(document)
    document.undo_stack.undo()
    assert (document.state, bits(document)) == (before, first)
    document.undo_stack.redo()
    assert bits(document) == last
    document.back_update()
    assert document.project.network.values == judge.parameters_at(199)


def test_while_it_runs_document_and_player_are_held_and_the_views_follow(trainer: Trainer, qtbot: QtBot) -> None:
    document, player = trainer.document, trainer.player
    assert isinstance(player, Player)
    with qtbot.waitSignal(trainer.running_changed) as caught:
        trainer.start(LONG)
    assert caught.args == [True]
    assert document.busy
    assert player.is_locked
    with qtbot.waitSignal(trainer.progressed) as caught:
        pass
    progress: Progress = caught.args[0]
    assert document.project.updates == progress.update > 0
    assert trainer.live_points[-1].update == progress.update
    assert trainer.live_points[-1].loss == progress.loss
    player.forward()
    assert player.index == 0
    with qtbot.waitSignal(trainer.progressed):
        pass
    with qtbot.waitSignal(trainer.finished) as caught:
        trainer.stop()
    assert caught.args[0].startswith("Stopped after")
    assert not document.busy
    assert not player.is_locked
    assert trainer.live_points == ()
    assert document.project.updates == document.run.last >= progress.update
    assert document.undo_stack.count() == 1


def test_during_a_run_the_document_has_the_optimizers_memory_too(trainer: Trainer, qtbot: QtBot) -> None:
    """So what is saved meanwhile goes on as the run does, and the steps show the right moments."""
    trainer.document.open_project(project_of(optimizer="adam"))
    trainer.start(LONG)
    qtbot.waitUntil(lambda: trainer.document.project.updates > 0)
    seen = trainer.document.project
    assert seen.memory is not None
    assert seen.memory.updates == seen.updates
    trainer.shutdown()
    assert trainer.document.run.memory_at(seen.updates).slots == seen.memory.slots
    assert trainer.document.run.parameters_at(seen.updates) == seen.network.values


def test_what_was_learned_until_the_stop_is_kept_exactly(trainer: Trainer, qtbot: QtBot, by_numpy: None) -> None:
    document = trainer.document
    run = document.run
    trainer.start(LONG)
    with qtbot.waitSignal(trainer.progressed):
        pass
    with qtbot.waitSignal(trainer.finished):
        trainer.stop()
    made = document.run.last
    judge = run.branch(0)
    for update in range(made):
        judge.advance(update, update % 4, document.project.settings, noted=False)
    assert document.project.network.values == judge.parameters_at(made)
    assert document.run.points()[-1].update == made


def test_a_stop_within_a_long_epoch_does_not_wait_for_its_end(trainer: Trainer, qtbot: QtBot, by_numpy: None) -> None:
    document = trainer.document
    document.open_project(project_of(rows=300_000))
    trainer.start(3)
    with qtbot.waitSignal(trainer.progressed) as caught:
        pass
    assert caught.args[0].epoch == 0
    with qtbot.waitSignal(trainer.finished):
        trainer.stop()
    assert 0 < document.project.updates < 300_000


def test_stopped_at_once_there_is_no_undo_entry(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    before = document.state
    with qtbot.waitSignal(trainer.finished):
        trainer.start(LONG)
        trainer.stop()
    if document.project.updates == 0:
        assert document.state is before
        assert document.undo_stack.count() == 0


def test_shutdown_waits_and_keeps_what_was_learned(trainer: Trainer, qtbot: QtBot) -> None:
    threads = threading.active_count()
    trainer.start(LONG)
    with qtbot.waitSignal(trainer.progressed):
        pass
    with qtbot.waitSignal(trainer.finished):
        trainer.shutdown()
    assert not trainer.is_running
    assert trainer.document.project.updates > 0
    assert threading.active_count() <= threads
    trainer.shutdown()


def test_one_run_after_the_other(trainer: Trainer, qtbot: QtBot) -> None:
    for number in range(1, 4):
        with qtbot.waitSignal(trainer.finished):
            trainer.start(5)
        assert trainer.document.project.updates == 20 * number
        assert trainer.document.undo_stack.count() == number
    # A second start while one is under way is passed over.
    trainer.start(LONG)
    worker = trainer._worker
    trainer.start(5)
    assert trainer._worker is worker


def test_a_run_from_the_middle_drops_the_later_updates(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    document.open_project(project_of(batch_size=0))
    for _ in range(4):
        document.apply_update(0)
    document.back_update()
    document.back_update()
    with qtbot.waitSignal(trainer.finished):
        trainer.start(2)
    assert document.project.updates == document.run.last == 4
    assert document.project.epoch == 4
    assert [point.update for point in document.run.points()] == [0, 1, 2, 3, 4]


def test_an_infinite_loss_ends_the_run_with_the_last_good_parameters(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    project = project_of(loss="squared_error", learning_rate=1e150)
    project.network.set_activation("o1", "linear")
    document.open_project(project)
    with qtbot.waitSignal(trainer.finished), qtbot.waitSignal(trainer.refused) as caught:
        trainer.start(100)
    assert "smaller learning rate" in caught.args[0]
    assert all(np.isfinite(value) for value in document.project.network.values.values())
    assert document.project.updates == document.run.last
    assert not document.busy


def test_without_a_row_it_is_refused(trainer: Trainer, qtbot: QtBot) -> None:
    with trainer.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows(range(4))
    with qtbot.assertNotEmitted(trainer.started), qtbot.waitSignal(trainer.refused) as caught:
        trainer.start(3)
    assert "row of data" in caught.args[0]


@pytest.mark.parametrize("action", ["open", "undo"])
def test_another_project_or_an_undo_in_between_drops_the_run(trainer: Trainer, qtbot: QtBot, action: str) -> None:
    document = trainer.document
    document.apply_update(0)
    trainer.start(LONG)
    with qtbot.waitSignal(trainer.progressed):
        pass
    with qtbot.waitSignal(trainer.finished) as caught:
        if action == "open":
            document.open_project(project_of(rows=2))
        else:
            document.undo_stack.undo()
    assert "dropped" in caught.args[0]
    assert not trainer.is_running
    assert not document.busy
    assert document.project.updates == 0
    assert trainer.progress is None


def test_a_fault_in_the_worker_does_not_leave_the_window_locked(
    trainer: Trainer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[type[BaseException]] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: faults.append(kind))
    monkeypatch.setattr("core.training.Run.make", lambda self, *what, **more: 1 / 0)
    with qtbot.waitSignal(trainer.finished), qtbot.waitSignal(trainer.refused) as caught:
        trainer.start(3)
    assert "ZeroDivisionError" in caught.args[0]
    assert not trainer.document.busy
    # With all its details, for whoever has to mend it.
    assert faults == [ZeroDivisionError]


def test_a_breakpoint_ends_the_run_before_its_update(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    judge = document.run.branch(0)
    for _ in judge.train(0, document.project.settings, epochs=3):
        pass
    level = (judge.parameters_at(6)["w7"] + judge.parameters_at(7)["w7"]) / 2
    with document.edit("Breakpoint") as draft:
        draft.breakpoints = (Breakpoint(Watch.PARAMETER, Relation.CROSSES, "w7", level),)
    with qtbot.waitSignal(trainer.stopped_at_breakpoint), qtbot.waitSignal(trainer.finished) as caught:
        trainer.start(3)
    assert document.project.updates == document.run.last == 6
    assert caught.args[0].startswith("Breakpoint: w7 crosses ")
    assert "in update 7: step through it now. Stopped after 1 epoch" in caught.args[0]
    assert document.undo_stack.undoText() == "Run 1 epoch"
    assert not document.busy
    # Where it holds at the next update already, nothing is done; it is said all the same.
    before = document.state
    with document.edit("Breakpoint") as draft:
        draft.breakpoints = (Breakpoint(Watch.LOSS, Relation.ABOVE),)
    before = document.state
    with qtbot.waitSignal(trainer.stopped_at_breakpoint), qtbot.waitSignal(trainer.finished) as caught:
        trainer.start(3)
    assert document.state is before
    assert caught.args[0].startswith("Breakpoint: loss above 0 in update 7: step through it now.")


def test_a_condition_of_the_settings_ends_the_run_and_is_named(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    document.open_project(project_of(stop_loss=1.0))
    with qtbot.waitSignal(trainer.finished) as caught, qtbot.assertNotEmitted(trainer.stopped_at_breakpoint):
        trainer.start(50)
    assert caught.args[0].startswith("The loss is at most 1. Stopped after 1 epoch: the loss went from ")
    assert document.project.updates == 4


def test_the_window_answers_during_a_run(trainer: Trainer, qtbot: QtBot) -> None:
    document = trainer.document
    document.open_project(project_of(rows=64, hidden=30, batch_size=8))
    beats: list[bool] = []
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: beats.append(trainer.is_running))
    trainer.start(LONG)
    timer.start()
    qtbot.waitUntil(lambda: len(beats) >= 60)
    timer.stop()
    trainer.stop()
    assert all(beats)
