"""The time machine: going to any update by slider, keys, buttons and number; branching; comparing in the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton

from core.numbers import format_number
from core.style import Notation
from nnviz_app.comparison import Comparison, With
from nnviz_app.panels import time_machine
from nnviz_app.panels.time_machine import TimeMachinePanel
from nnviz_app.runs import RunShelf
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> Iterator[TimeMachinePanel]:
    """Of the 2-2-2 example with six rows, two to a batch."""
    document = desk.document
    rng = np.random.default_rng(1)
    desk.set_data({name: rng.uniform(0.1, 0.9, 6).tolist() for name in ("i1", "i2", "o1", "o2")})
    with document.edit("Batches") as draft:
        draft.settings = replace(draft.settings, batch_size=2)
    trainer = Trainer(document, desk.player)
    runs = RunShelf(document)
    made = TimeMachinePanel(document, desk.player, trainer, runs, Comparison(document, runs), desk.preferences)
    yield desk.show(made, 420, 700)
    trainer.shutdown()


def train(desk: Desk, panel: TimeMachinePanel, epochs: int = 10) -> None:
    """A run: three updates an epoch."""
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(epochs)
    desk.settle()


def updates(desk: Desk) -> int:
    return desk.document.project.updates


def go_to(desk: Desk, panel: TimeMachinePanel, update: int) -> None:
    """Type the number of an update."""
    panel.update_field.setFocus()
    panel.update_field.selectAll()
    desk.qtbot.keyClicks(panel.update_field, str(update))
    desk.qtbot.keyClick(panel.update_field, Qt.Key.Key_Return)
    desk.settle()


def click(desk: Desk, button: QAbstractButton) -> None:
    desk.qtbot.mouseClick(button, LEFT)
    desk.settle()


def at(panel: TimeMachinePanel, update: int) -> QPoint:
    return QPoint(round(panel.scrubber.x_of(update)), panel.scrubber.height() - 10)


def choose(desk: Desk, panel: TimeMachinePanel, opening: str) -> None:
    """Choose what to compare with, by the keyboard."""
    box = panel.comparison_table.box
    box.setFocus()
    for _ in range(box.count()):
        desk.qtbot.keyClick(box, Qt.Key.Key_Up)
    place = next(i for i in range(box.count()) if box.itemText(i).startswith(opening))
    for _ in range(place):
        desk.qtbot.keyClick(box, Qt.Key.Key_Down)
    desk.settle()


def cells(panel: TimeMachinePanel) -> list[list[str]]:
    model = panel.comparison_table.model
    return [[model.index(row, column).data() for column in range(4)] for row in range(model.rowCount())]


def test_without_a_run_it_says_what_to_do(panel: TimeMachinePanel) -> None:
    assert panel.hint_label.text() == time_machine.EMPTY
    for control in (panel.scrubber, *panel.buttons, panel.step_button, panel.branch_button, panel.update_field):
        assert not control.isEnabled()


def test_without_a_row_there_is_no_run(panel: TimeMachinePanel, desk: Desk) -> None:
    desk.set_data({name: [] for name in ("i1", "i2", "o1", "o2")})
    assert panel.hint_label.text() == time_machine.NO_LOSS


def test_a_click_on_the_slider_goes_to_an_update(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    run = desk.document.run
    desk.qtbot.mouseClick(panel.scrubber, LEFT, pos=at(panel, 12))
    desk.settle()
    assert updates(desk) == 12
    assert desk.document.project.network.values == run.parameters_at(12)
    assert "Update 12 of 30 · epoch 4 · loss " in panel.status_label.text()
    assert format_number(run.table_loss(12)) in panel.status_label.text()
    assert "limit 64 MB" in panel.status_label.text()


def test_dragging_is_one_undo_entry_and_goes_to_the_last_place(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    entries = len(desk.undo_texts)
    gone_to: list[int] = []
    desk.document.changed.connect(lambda _: gone_to.append(updates(desk)))
    desk.qtbot.mousePress(panel.scrubber, LEFT, pos=at(panel, 25))
    for update in (22, 17, 11, 8):
        desk.qtbot.mouseMove(panel.scrubber, at(panel, update))
    # All of them came in the same turn of the event loop.
    assert gone_to == []
    desk.settle()
    assert gone_to == [8]
    desk.qtbot.mouseMove(panel.scrubber, at(panel, 5))
    desk.settle()
    desk.qtbot.mouseRelease(panel.scrubber, LEFT, pos=at(panel, 5))
    assert updates(desk) == 5
    assert len(desk.undo_texts) == entries + 1
    assert desk.undo_texts[-1] == "Go to update 5"
    desk.document.undo_stack.undo()
    assert updates(desk) == 30
    assert panel.scrubber.value() == 30


def test_a_slow_move_waits_until_the_hand_rests(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    panel._cost = 0.1
    gone_to: list[int] = []
    desk.document.changed.connect(lambda _: gone_to.append(updates(desk)))
    desk.qtbot.mousePress(panel.scrubber, LEFT, pos=at(panel, 25))
    desk.settle()
    desk.qtbot.mouseMove(panel.scrubber, at(panel, 20))
    desk.settle()
    assert gone_to == []
    assert panel.scrubber.value() == 20
    desk.qtbot.waitUntil(lambda: gone_to == [20])
    desk.qtbot.mouseRelease(panel.scrubber, LEFT, pos=at(panel, 20))


def test_the_slider_by_keyboard(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    panel.scrubber.setFocus()
    for key, expected in (
        (Qt.Key.Key_Left, 29),
        (Qt.Key.Key_Down, 28),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Up, 2),
        (Qt.Key.Key_End, 30),
    ):
        desk.qtbot.keyClick(panel.scrubber, key)
        desk.settle()
        assert updates(desk) == expected


def test_the_buttons(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    assert not panel.forward_button.isEnabled()
    for button, expected in (
        (panel.back_button, 29),
        (panel.epoch_back_button, 27),
        (panel.epoch_back_button, 24),
        (panel.forward_button, 25),
        (panel.epoch_forward_button, 27),
        (panel.epoch_forward_button, 30),
        (panel.first_button, 0),
        (panel.epoch_forward_button, 3),
        (panel.last_button, 30),
    ):
        click(desk, button)
        assert updates(desk) == expected
    click(desk, panel.first_button)
    assert not panel.epoch_back_button.isEnabled()


def test_the_number_of_an_update_is_typed(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    go_to(desk, panel, 17)
    assert updates(desk) == 17
    go_to(desk, panel, 99)
    assert updates(desk) == 17
    assert panel.message.text() == "This run has the updates 0 to 30: type one of them."
    desk.qtbot.keyClick(panel.update_field, Qt.Key.Key_Escape)
    assert panel.update_field.text() == "17"
    assert not panel.message.isVisible()


def test_the_player_shows_the_batch_of_the_next_update(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    run = desk.document.run
    for update in (4, 5, 6, 13):
        go_to(desk, panel, update)
        assert desk.player.batch_rows.tolist() == run.rows_of(update + 1).tolist()


def test_stepping_through_an_update_makes_it_again(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    run = desk.document.run
    go_to(desk, panel, 14)
    desk.player.go_to(9)
    click(desk, panel.step_button)
    assert updates(desk) == 13
    assert desk.player.index == 0
    assert desk.player.batch_rows.tolist() == run.rows_of(14).tolist()
    desk.player.apply_update()
    assert updates(desk) == 14
    # It is the run's own update: nothing branches off.
    assert desk.document.run is run
    assert run.last == 30


def test_stepping_says_so_where_the_settings_were_others(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    with desk.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.125)
    go_to(desk, panel, 14)
    click(desk, panel.step_button)
    assert panel.message.text().startswith("Update 14 was made with other settings (")


def test_going_back_and_training_on_is_as_if_one_had_not_gone(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel, 5)
    train(desk, panel, 5)
    straight = desk.document.project.network.values
    go_to(desk, panel, 15)
    train(desk, panel, 5)
    assert desk.document.project.network.values == straight


def test_branching_keeps_the_former_run(panel: TimeMachinePanel, desk: Desk) -> None:
    # Fewer updates than are kept without being asked for.
    train(desk, panel, 2)
    former = desk.document.run
    assert not panel.branch_button.isEnabled()
    assert panel.hint_label.text() == time_machine.AT_END
    go_to(desk, panel, 4)
    assert panel.hint_label.text() == time_machine.IN_PAST
    click(desk, panel.branch_button)
    assert [kept.run for kept in panel.runs.kept] == [former]
    assert desk.document.run.last == 4
    assert panel.scrubber.maximum() == 4
    assert "up to update 6" in panel.message.text()
    with desk.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.125)
    train(desk, panel, 2)
    assert desk.document.run.parameters_at(4) == former.parameters_at(4)
    assert desk.document.run.parameters_at(6) != former.parameters_at(6)


def test_during_a_run_it_waits(panel: TimeMachinePanel, desk: Desk) -> None:
    panel.trainer.start(1_000_000)
    desk.qtbot.waitUntil(lambda: updates(desk) > 0)
    desk.settle()
    assert panel.hint_label.text() == time_machine.RUNNING
    assert not panel.scrubber.isEnabled()
    assert panel.scrubber.maximum() == updates(desk)
    assert f"Update {updates(desk):,} · epoch " in panel.status_label.text()
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert panel.scrubber.isEnabled()


def test_a_panel_that_was_hidden_catches_up(panel: TimeMachinePanel, desk: Desk) -> None:
    panel.hide()
    train(desk, panel)
    panel.show()
    assert panel.scrubber.maximum() == 30
    assert panel.scrubber.value() == 30


def test_it_follows_updates_that_are_stepped(panel: TimeMachinePanel, desk: Desk) -> None:
    desk.player.apply_update()
    desk.player.apply_update()
    assert (panel.scrubber.minimum(), panel.scrubber.value(), panel.scrubber.maximum()) == (0, 2, 2)
    assert panel.update_field.text() == "2"


# Comparing


def test_comparing_with_a_pinned_moment(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    table = panel.comparison_table
    assert not table.view.isVisible()
    choose(desk, panel, "This moment, update 30")
    assert panel.comparison_table.comparison.choice.what is With.PINNED
    assert table.box.currentText() == "Update 30, pinned"
    assert "nothing differs" in table.summary_label.text()
    then = desk.document.project.network.values
    go_to(desk, panel, 10)
    now = desk.document.project.network.values
    rows = cells(panel)
    sizes = [abs(now[name] - then[name]) for name in table.model._names]
    assert len(rows) == len(now) == 12
    # The largest difference is the first, and named above.
    largest = table.model._names[int(np.argmax(sizes))]
    assert f"max |Δ| {format_number(max(sizes), 5)} at " in table.summary_label.text()
    assert rows[0][0] in (largest, f"b({largest})")
    difference = now[largest] - then[largest]
    tip = table.model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.lstrip("+−") == repr(abs(difference))
    assert tip[0] == ("+" if difference > 0 else "−")
    # With other names, at once.
    desk.preferences.set_notation(Notation(weights="ends"))
    assert {row[0] for row in cells(panel)} >= {"w(h1,o1)", "w(h2,o2)", "b(h1)"}
    click(desk, table.off_button)
    assert not panel.comparison_table.comparison.is_on
    assert not table.view.isVisible()


def test_pinning_again_pins_the_present_moment(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    choose(desk, panel, "This moment")
    go_to(desk, panel, 10)
    assert panel.comparison_table.comparison.title == "update 30"
    box = panel.comparison_table.box
    assert [box.itemText(i) for i in range(box.count())][2:] == ["Update 30, pinned", "This moment, update 10"]
    desk.qtbot.keyClick(box, Qt.Key.Key_Down)
    assert panel.comparison_table.comparison.title == "update 10"
    assert box.currentText() == "Update 10, pinned"


def test_comparing_with_another_run(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    former = desk.document.run
    go_to(desk, panel, 10)
    click(desk, panel.branch_button)
    with desk.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.125)
    train(desk, panel, 3)
    kept = panel.runs.kept[0]
    choose(desk, panel, f"{kept.name}: the same update")
    differences = panel.comparison_table.comparison.differences
    update = updates(desk)
    assert differences["w1"] == desk.document.project.network.values["w1"] - former.parameters_at(update)["w1"]
    choose(desk, panel, f"{kept.name}: its end, update 30")
    assert panel.comparison_table.comparison.title.endswith("update 30, its end")
    choose(desk, panel, "Nothing")
    assert not panel.comparison_table.comparison.is_on


def test_the_table_sorts_by_each_column(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    choose(desk, panel, "The start")
    table = panel.comparison_table
    header = table.view.horizontalHeader()

    def press(column: int) -> list[int]:
        x = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
        desk.qtbot.mouseClick(header.viewport(), LEFT, pos=QPoint(x, header.height() // 2))
        return table.model._order.tolist()

    count = table.model.rowCount()
    assert press(0) == list(range(count))
    assert press(0) == list(range(count))[::-1]
    for column in (1, 2):
        for sign in (1, -1):
            order = press(column)
            assert (np.diff(sign * table.model._numbers[order, column - 1]) >= 0).all()
    for sign in (1, -1):
        order = press(3)
        assert (np.diff(sign * np.abs(table.model._numbers[order, 2])) >= 0).all()


def test_what_the_reference_does_not_have(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    choose(desk, panel, "This moment")
    with desk.document.edit("Add") as draft:
        draft.network.connect("i1", "o1", weight=2.0, id="skip")
    desk.settle()
    assert cells(panel)[-1] == ["w(skip)", "–", "2", "–"]
    assert "1 not there then." in panel.comparison_table.summary_label.text()


@pytest.mark.parametrize("width", [330, 420, 900])
def test_no_number_is_cut(panel: TimeMachinePanel, desk: Desk, width: int) -> None:
    train(desk, panel)
    choose(desk, panel, "The start")
    panel.resize(width, 600)
    desk.settle()
    view = panel.comparison_table.view
    metrics = view.fontMetrics()
    for row in range(panel.comparison_table.model.rowCount()):
        for column in (1, 2, 3):
            text = panel.comparison_table.model.index(row, column).data()
            assert metrics.horizontalAdvance(text) <= view.columnWidth(column) - 2 * theme().space(0.5)


def test_nothing_is_wider_than_the_panel_at_twice_the_text_size(panel: TimeMachinePanel, desk: Desk) -> None:
    train(desk, panel)
    choose(desk, panel, "The start")
    theme().set_text_scale(2.0)
    try:
        desk.settle()
        panel.resize(panel.minimumSizeHint().width(), 900)
        desk.settle()
        assert panel.widget().width() <= panel.viewport().width()
        for control in (*panel.buttons, panel.step_button, panel.branch_button, panel.comparison_table.off_button):
            assert (
                panel.widget()
                .rect()
                .contains(control.geometry().translated(control.parentWidget().mapTo(panel.widget(), QPoint())))
            )
    finally:
        theme().set_text_scale(1.0)
