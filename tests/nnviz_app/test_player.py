"""The player: stepping, crossing updates both ways, playing, and following the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from graph_strategies import connect_all
from pytestqt.qtbot import QtBot

from core import fast_kernel
from core.dataset import Dataset
from core.network import Network
from core.project import Project
from core.quantities import Granularity, Kind, Phase
from core.settings import Settings
from core.training import Run
from nnviz_app.document import Document
from nnviz_app.player import Player

ROWS = 5


def project_of(batch_size: int = 1, **settings: object) -> Project:
    """A 2-2-1 network with five rows."""
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    for name in ("h1", "h2"):
        network.add_neuron("hidden", id=name, activation="tanh", bias=0.1)
    network.add_neuron("output", id="o1", activation="sigmoid")
    weights = iter([0.15, -0.2, 0.25, 0.3, 0.4, -0.45])
    connect_all(network, ["i1", "i2"], ["h1", "h2"], lambda: next(weights))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: next(weights))
    columns = {
        "i1": np.linspace(0, 1, ROWS),
        "i2": np.linspace(1, -1, ROWS),
        "o1": np.linspace(0.2, 0.8, ROWS),
    }
    return Project(network, Dataset(columns), Settings(batch_size=batch_size, **settings))


@pytest.fixture
def player(qapp: object) -> Iterator[Player]:
    document = Document()
    document.open_project(project_of())
    yield Player(document, document)
    document.deleteLater()


def bits(player: Player) -> dict[str, str]:
    return {name: value.hex() for name, value in player.document.project.network.values.items()}


def where(player: Player) -> tuple[int, int, int]:
    return player.document.project.updates, player.row, player.index


def test_the_beginning(player: Player) -> None:
    assert (player.index, player.row, player.step, player.phase) == (0, 0, None, Phase.FORWARD)
    assert player.known(Kind.INPUT, "i1") is None
    player.forward()
    assert player.known(Kind.INPUT, "i1") == 0.0
    assert player.step is not None
    assert player.step.kind is Kind.INPUT


def test_every_size_leads_to_the_end_and_back_to_the_start(player: Player) -> None:
    for size in Granularity:
        if size in (Granularity.OPERATION, Granularity.EPOCH):
            continue  # tests of their own
        player.set_granularity(size)
        player.go_to(0)
        stops = [0]
        while player.index < player.length:
            player.forward()
            assert player.index > stops[-1]
            stops.append(player.index)
        for stop in reversed(stops[:-1]):
            player.back()
            assert player.index == stop
        assert player.document.project.updates == 0


def test_going_on_applies_the_update_and_going_back_restores_it_to_the_bit(player: Player) -> None:
    history = [bits(player)]
    for row in range(ROWS):
        assert player.row == row
        player.go_to(player.length)
        player.forward()
        history.append(bits(player))
        assert player.index == 1
    assert where(player) == (ROWS, 0, 1)
    for update in range(ROWS, 0, -1):
        player.go_to(0)
        player.back()
        assert where(player) == (update - 1, update - 1, player.length)
        assert bits(player) == history[update - 1]
        assert player.known(Kind.UPDATE, "w1") == float.fromhex(history[update]["w1"])
    assert not player.document.can_go_back
    player.go_to(0)
    player.back()
    assert where(player) == (0, 0, 0)


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 0])
def test_sample_update_and_pass_sizes_cross_updates_both_ways(player: Player, batch: int) -> None:
    player.document.open_project(project_of(batch))
    for size in (Granularity.PASS, Granularity.SAMPLE, Granularity.UPDATE):
        player.document.open_project(project_of(batch))
        player.set_granularity(size)
        places, history = [where(player)], [bits(player)]
        for _ in range(25):
            player.forward()
            places.append(where(player))
            history.append(bits(player))
        assert player.document.project.updates > 0
        if size is not Granularity.UPDATE:
            # Backwards the same places come, with the ends between batches in addition.
            seen = []
            while where(player) != (0, 0, 0):
                player.back()
                seen.append((where(player), bits(player)))
            wanted = list(zip(places, history, strict=True))[-2::-1]
            assert [moment for moment in seen if moment in wanted] == wanted


def test_a_whole_update_ends_with_the_trace_even_when_the_next_batch_is_longer(player: Player) -> None:
    player.document.open_project(project_of(2))
    player.set_granularity(Granularity.UPDATE)
    lengths = []
    for _ in range(7):
        player.forward()
        assert player.index == player.length
        lengths.append(player.length)
    assert lengths[2] < lengths[3]


def test_an_epoch_is_one_undo_entry(player: Player) -> None:
    player.document.open_project(project_of(2))
    first = bits(player)
    player.set_granularity(Granularity.EPOCH)
    player.forward()
    assert where(player) == (3, 0, 0)
    assert player.document.undo_stack.count() == 1
    player.forward()
    player.back()
    player.back()
    assert where(player) == (0, 0, 0)
    assert bits(player) == first


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw"])
def test_stepping_through_shuffled_batches_is_what_training_does(
    player: Player, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    monkeypatch.setattr(fast_kernel, "available", lambda: False)
    project = project_of(
        2,
        shuffle=True,
        optimizer=optimizer,
        learning_rate=0.05,
        l2=0.01,
        schedule="step",
        schedule_options={"epochs": 1.0},
    )
    project.network.set_dropout("h1", 0.5)
    judge = Run(project)
    for _ in judge.train(0, project.settings, epochs=3):
        pass
    document = player.document
    document.open_project(project)
    player.show_next_batch()
    player.set_granularity(Granularity.UPDATE)
    for update in range(9):
        if update:
            player.forward()
        assert player.batch_rows.tolist() == judge.rows_of(update + 1).tolist()
        player.go_to(player.length)
        assert document.project.updates == update
        after = judge.parameters_at(update + 1)
        assert {name: player.known(Kind.UPDATE, name) for name in after} == after
    player.forward()
    assert document.project.network.values == after
    assert document.project.epoch == 3
    for update in range(8, -1, -1):
        player.go_to(0)
        player.back()
        assert document.project.updates == update
        assert player.batch_rows.tolist() == judge.rows_of(update + 1).tolist()
        assert document.project.network.values == judge.parameters_at(update)


def test_a_test_row_can_be_looked_at_but_not_trained_with(player: Player, qtbot: QtBot) -> None:
    project = project_of(2)
    project.dataset.set_test([3])
    player.document.open_project(project)
    player.select_row(3)
    assert not player.is_training_row
    assert player.batch_rows.tolist() == [3]
    player.go_to(player.length)
    assert player.known(Kind.WEIGHT_GRAD, "w1") is not None
    assert player.known(Kind.UPDATE, "w1") is None
    for action in (player.forward, player.apply_update):
        with qtbot.waitSignal(player.refused) as caught:
            action()
        assert caught.args[0].startswith("Row 4 is a test row")
    assert player.document.project.updates == 0
    # Batches go on over it.
    player.select_row(2)
    assert player.batch_rows.tolist() == [2, 4]


def test_an_epoch_of_very_many_updates_is_left_to_a_run(
    player: Player, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnviz_app.player.LONG_EPOCH", 4)
    with qtbot.waitSignal(player.long_epoch):
        player.forward(Granularity.EPOCH)
    assert player.document.project.updates == 0
    # From the second batch on there are few enough.
    player.select_row(1)
    player.forward(Granularity.EPOCH)
    assert player.document.project.updates == 4


def test_going_to_another_update_keeps_the_row_on_show(player: Player) -> None:
    for _ in range(7):
        player.apply_update()
    player.go_to(9)
    player.document.go_to_update(3)
    assert (player.row, player.index) == (2, 9)
    assert player.trace is not None
    assert player.trace.values == player.document.run.parameters_at(3)
    player.show_next_batch()
    assert where(player) == (3, 3, 0)


def test_apply_update_shows_the_next_forward_pass_with_its_loss(player: Player) -> None:
    player.apply_update()
    assert where(player)[:2] == (1, 1)
    assert player.step is not None
    assert player.step.kind is Kind.LOSS
    assert player.known(Kind.LOSS) is not None
    assert player.known(Kind.WEIGHT_GRAD, "w1") is None


def test_an_update_that_cannot_be_made_says_why_and_changes_nothing(player: Player, qtbot: QtBot) -> None:
    with player.document.edit("Set role") as draft:
        draft.network.set_role("o1", "hidden")
    player.go_to(player.length)
    before = player.document.project
    with qtbot.waitSignal(player.refused) as caught:
        player.forward()
    assert "output neuron" in caught.args[0]
    assert player.document.project is before


def test_selecting_a_row_shows_it_as_far_stepped(player: Player) -> None:
    player.go_to(9)
    player.select_row(3)
    assert (player.row, player.index) == (3, 9)
    assert player.trace is not None
    assert player.trace.x[0, 0] == 0.75
    player.select_row(99)
    player.select_row(-1)
    assert player.row == 3


def test_selecting_a_row_of_the_batch_goes_to_its_passes(player: Player) -> None:
    player.document.open_project(project_of(3))
    assert player.trace is not None
    length = player.trace.schedule.sample_length
    player.go_to(4)
    player.select_row(2)
    assert (player.row, player.index) == (2, 2 * length + 4)
    player.select_row(4)
    assert player.row == 4
    assert player.batch_rows.tolist() == [3, 4]
    player.select_row(0)
    assert (player.row, player.index) == (0, 4)


def test_an_edit_of_numbers_keeps_the_place(player: Player) -> None:
    player.select_row(2)
    player.go_to(7)
    with player.document.edit("Set weight") as draft:
        draft.network.set_value("w1", 0.9)
    assert (player.row, player.index) == (2, 7)
    with player.document.edit("Set rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.1)
    assert (player.row, player.index) == (2, 7)
    assert player.trace is not None
    assert player.trace.values["w1"] == 0.9
    assert player.trace.learning_rate == 0.1


def test_moving_a_neuron_does_not_pass_again(player: Player, qtbot: QtBot) -> None:
    trace = player.trace
    with qtbot.assertNotEmitted(player.moved), player.document.edit("Move") as draft:
        draft.network.move({"h1": (5.0, 5.0)})
    assert player.trace is trace


def test_rows_taken_away_under_the_player(player: Player) -> None:
    player.select_row(4)
    player.go_to(5)
    with player.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows([3, 4])
    assert (player.row, player.index) == (2, 5)
    with player.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows([0, 1, 2])
    assert player.trace is None
    assert (player.index, player.length) == (0, 0)
    player.forward()
    player.back()
    player.apply_update()
    player.play()
    assert not player.is_playing


def test_another_structure_begins_again_unless_all_was_done(player: Player) -> None:
    player.go_to(9)
    with player.document.edit("Add neuron") as draft:
        draft.network.add_neuron("hidden", id="h3")
    assert player.index == 0
    player.go_to(player.length)
    with player.document.edit("Delete") as draft:
        draft.network.remove_neuron("h3")
    assert player.index == player.length


def test_playing_steps_until_paused(player: Player, qtbot: QtBot) -> None:
    player.set_speed(500.0)
    with qtbot.waitSignal(player.playing_changed) as caught:
        player.play()
    assert caught.args == [True]
    qtbot.waitUntil(lambda: player.document.project.updates > 0)
    with qtbot.waitSignal(player.playing_changed) as caught:
        player.pause()
    assert caught.args == [False]
    assert not player.is_playing


def test_a_locked_player_does_not_move(player: Player) -> None:
    player.play()
    player.lock(True)
    assert not player.is_playing
    for action in (player.forward, player.back, player.apply_update, player.play):
        action()
    assert where(player) == (0, 0, 0)
    assert not player.is_playing
    player.lock(False)
    player.forward()
    assert player.index == 1


def test_one_size_larger(player: Player) -> None:
    sizes = list(Granularity)
    for place, size in enumerate(sizes):
        player.set_granularity(size)
        assert player.larger() is sizes[min(place + 1, len(sizes) - 1)]


def test_another_batch_size_keeps_the_row_on_show_as_far_stepped(player: Player) -> None:
    with player.document.edit("rows") as draft:
        draft.dataset.insert_rows(0, [{}, {}, {}])
    player.select_row(2)
    player.go_to(5)
    step = player.step
    assert step is not None
    for size, sample in ((0, 2), (2, 0), (1, 0)):
        with player.document.edit("size") as draft:
            draft.settings = replace(draft.settings, batch_size=size)
        assert (player.row, player.sample) == (2, sample)
        now = player.step
        assert now is not None
        assert (now.kind, now.quantity.subject, now.value) == (step.kind, step.quantity.subject, step.value)
