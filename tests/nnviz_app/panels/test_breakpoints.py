"""Breakpoints: adding, changing, switching and removing them, and what happens when one stops a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox

from core.breakpoints import Breakpoint, Relation, Watch
from core.style import Notation
from nnviz_app.panels import breakpoints
from nnviz_app.panels.breakpoints import BreakpointsPanel
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> Iterator[BreakpointsPanel]:
    trainer = Trainer(desk.document, desk.player)
    yield desk.show(BreakpointsPanel(desk.document, desk.player, trainer, desk.selection, desk.preferences), 380, 620)
    trainer.shutdown()


def choose(desk: Desk, box: QComboBox, data: object) -> None:
    """Choose an entry of a box by the keyboard."""
    box.setFocus()
    for _ in range(box.count()):
        desk.qtbot.keyClick(box, Qt.Key.Key_Up)
    while box.currentData() != data:
        desk.qtbot.keyClick(box, Qt.Key.Key_Down)


def type_value(desk: Desk, panel: BreakpointsPanel, text: str) -> None:
    panel.form.value_field.setFocus()
    panel.form.value_field.selectAll()
    desk.qtbot.keyClicks(panel.form.value_field, text)


def click(desk: Desk, button: QAbstractButton) -> None:
    desk.qtbot.mouseClick(button, LEFT)
    desk.settle()


def add(desk: Desk, panel: BreakpointsPanel, watch: Watch, relation: Relation, value: str, subject: str = "") -> None:
    choose(desk, panel.form.watch_box, watch)
    if subject:
        choose(desk, panel.form.subject_box, subject)
    choose(desk, panel.form.relation_box, relation)
    if relation is not Relation.CHANGES_SIGN:
        type_value(desk, panel, value)
    click(desk, panel.add_button)


def titles(panel: BreakpointsPanel) -> list[str]:
    return [panel.list.item(row).text() for row in range(panel.list.count())]


def kept(desk: Desk) -> tuple[Breakpoint, ...]:
    return desk.document.project.breakpoints


def test_without_any_it_says_what_to_do(panel: BreakpointsPanel) -> None:
    assert panel.empty_label.isVisible()
    assert panel.empty_label.text() == breakpoints.EMPTY
    assert not panel.list.isVisible()
    assert not panel.remove_button.isEnabled()
    assert not panel.selection_button.isEnabled()


def test_adding_one_of_each_kind(panel: BreakpointsPanel, desk: Desk) -> None:
    add(desk, panel, Watch.LOSS, Relation.BELOW, "0,25")
    add(desk, panel, Watch.PARAMETER, Relation.CROSSES, "-1/2", "w5")
    choose(desk, panel.form.watch_box, Watch.GRADIENT)
    desk.qtbot.mouseClick(panel.form.absolute_box, LEFT, pos=QPoint(8, panel.form.absolute_box.height() // 2))
    add(desk, panel, Watch.GRADIENT, Relation.ABOVE, "10", "h1")
    add(desk, panel, Watch.ACTIVATION, Relation.CHANGES_SIGN, "", "h2")
    assert kept(desk) == (
        Breakpoint(Watch.LOSS, Relation.BELOW, value=0.25),
        Breakpoint(Watch.PARAMETER, Relation.CROSSES, "w5", -0.5),
        Breakpoint(Watch.GRADIENT, Relation.ABOVE, "h1", 10.0, absolute=True),
        Breakpoint(Watch.ACTIVATION, Relation.CHANGES_SIGN, "h2"),
    )
    assert titles(panel) == ["loss below 0.25", "w5 crosses −0.5", "|∂L/∂b(h1)| above 10", "a(h2) changes sign"]
    assert desk.undo_texts == ["Add breakpoint"] * 4
    assert not panel.empty_label.isVisible()
    desk.document.undo_stack.undo()
    assert len(titles(panel)) == 3


def test_only_what_matters_is_asked(panel: BreakpointsPanel, desk: Desk) -> None:
    form = panel.form
    assert not form.subject_box.isVisible()
    assert not form.absolute_box.isVisible()
    choose(desk, form.watch_box, Watch.ACTIVATION)
    assert [form.subject_box.itemData(i) for i in range(form.subject_box.count())] == ["h1", "h2", "o1", "o2"]
    assert form.absolute_box.isVisible()
    choose(desk, form.relation_box, Relation.CHANGES_SIGN)
    assert not form.value_field.isVisible()
    assert not form.absolute_box.isVisible()


def test_a_value_that_is_no_number_is_refused(panel: BreakpointsPanel, desk: Desk) -> None:
    type_value(desk, panel, "much")
    click(desk, panel.add_button)
    assert kept(desk) == ()
    assert panel.message.text() == "“much” is not a number: type a number such as 0.5, 0,5 or 1/3."


def test_the_same_one_twice_is_refused(panel: BreakpointsPanel, desk: Desk) -> None:
    click(desk, panel.add_button)
    click(desk, panel.add_button)
    assert len(kept(desk)) == 1
    assert panel.message.text() == breakpoints.TAKEN


def test_switching_by_the_space_key(panel: BreakpointsPanel, desk: Desk) -> None:
    click(desk, panel.add_button)
    panel.list.setFocus()
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Space)
    assert [point.enabled for point in kept(desk)] == [False]
    assert desk.undo_texts[-1] == "Switch breakpoint off"
    desk.document.undo_stack.undo()
    assert [point.enabled for point in kept(desk)] == [True]
    assert panel.list.item(0).checkState() is Qt.CheckState.Checked


def test_changing_one(panel: BreakpointsPanel, desk: Desk) -> None:
    add(desk, panel, Watch.LOSS, Relation.BELOW, "0.25")
    add(desk, panel, Watch.PARAMETER, Relation.ABOVE, "3", "w5")
    panel.list.setFocus()
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Up)
    # The form shows the one that is chosen.
    assert panel.form.watch is Watch.LOSS
    assert panel.form.value_field.text() == "0.25"
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Space)
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert panel.form.watch_box.hasFocus()
    type_value(desk, panel, "0.125")
    click(desk, panel.change_button)
    assert kept(desk)[0] == Breakpoint(Watch.LOSS, Relation.BELOW, value=0.125, enabled=False)
    assert len(kept(desk)) == 2


def test_removing_by_button_and_key(panel: BreakpointsPanel, desk: Desk) -> None:
    for value in ("1", "2", "3"):
        add(desk, panel, Watch.LOSS, Relation.BELOW, value)
    click(desk, panel.remove_button)
    assert titles(panel) == ["loss below 1", "loss below 2"]
    panel.list.setFocus()
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert kept(desk) == ()
    assert panel.empty_label.isVisible()


def test_adding_for_the_selection(panel: BreakpointsPanel, desk: Desk) -> None:
    desk.select("w5", "h1", "i1")
    # Of the loss there is but one: the weights and activations are meant.
    click(desk, panel.selection_button)
    assert titles(panel) == ["w5 above 0.1", "a(h1) above 0.1"]
    choose(desk, panel.form.watch_box, Watch.GRADIENT)
    click(desk, panel.selection_button)
    assert titles(panel)[2:] == ["∂L/∂w5 above 0.1", "∂L/∂b(h1) above 0.1"]
    # With other symbols, at once.
    desk.preferences.set_notation(Notation(activation="out", loss="E", weights="ends"))
    assert titles(panel)[:3] == ["w(h1,o1) above 0.1", "out(h1) above 0.1", "∂E/∂w(h1,o1) above 0.1"]
    assert panel.form.subject_box.itemText(panel.form.subject_box.findData("w5")) == "w(h1,o1)"
    assert desk.undo_texts == ["Add breakpoints"] * 2
    click(desk, panel.selection_button)
    assert panel.message.text() == breakpoints.TAKEN
    desk.select("w5")
    choose(desk, panel.form.watch_box, Watch.ACTIVATION)
    click(desk, panel.selection_button)
    assert panel.message.text().startswith("None of what is selected has this")


def test_selecting_on_the_canvas_chooses_the_subject(panel: BreakpointsPanel, desk: Desk) -> None:
    choose(desk, panel.form.watch_box, Watch.GRADIENT)
    desk.select("w7")
    assert panel.form.subject_box.currentData() == "w7"


def test_they_go_with_what_they_watch_and_follow_new_names(panel: BreakpointsPanel, desk: Desk) -> None:
    add(desk, panel, Watch.PARAMETER, Relation.ABOVE, "3", "w5")
    add(desk, panel, Watch.ACTIVATION, Relation.ABOVE, "3", "h2")
    add(desk, panel, Watch.LOSS, Relation.ABOVE, "3")
    with desk.document.edit("Rename") as draft:
        draft.rename("w5", "mine")
    assert titles(panel) == ["w(mine) above 3", "a(h2) above 3", "loss above 3"]
    with desk.document.edit("Delete") as draft:
        draft.network.remove_edge("mine")
    assert titles(panel) == ["a(h2) above 3", "loss above 3"]
    with desk.document.edit("Delete") as draft:
        draft.network.remove_neuron("h2")
    assert titles(panel) == ["loss above 3"]
    desk.document.undo_stack.undo()
    desk.document.undo_stack.undo()
    assert len(titles(panel)) == 3


def test_a_run_stops_before_the_update_that_does_it(panel: BreakpointsPanel, desk: Desk) -> None:
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(50)
    value = desk.document.run.parameters_at(20)["w5"]
    rises = value > desk.document.run.parameters_at(19)["w5"]
    desk.document.go_to_update(0)
    add(desk, panel, Watch.PARAMETER, Relation.ABOVE if rises else Relation.BELOW, repr(value), "w5")
    desk.player.go_to(7)
    told: list[str] = []
    panel.stopped.connect(told.append)
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(50)
    # Update 20 reaches the value exactly, so it is 21 that passes it.
    assert desk.document.project.updates == 20
    assert desk.player.index == 0
    assert desk.player.batch_rows.tolist() == [0]
    assert panel.message.text().startswith("Breakpoint: w5 ")
    assert "in update 21: step through it now." in panel.message.text()
    assert len(told) == 1
    assert told[0].startswith("Breakpoint: w5 ")


def test_running_on_stops_at_once_until_it_is_switched_off(panel: BreakpointsPanel, desk: Desk) -> None:
    add(desk, panel, Watch.LOSS, Relation.BELOW, "1000")
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(5)
    assert desk.document.project.updates == 0
    assert "loss below 1000 in update 1" in panel.message.text()
    assert panel.message.text().endswith(breakpoints.STOPPED)
    panel.list.setFocus()
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Space)
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(5)
    assert desk.document.project.updates == 5
    assert not panel.message.isVisible()


def test_during_a_run_nothing_can_be_changed(panel: BreakpointsPanel, desk: Desk) -> None:
    add(desk, panel, Watch.LOSS, Relation.BELOW, "-5")
    panel.trainer.start(1_000_000)
    desk.qtbot.waitUntil(lambda: desk.document.project.updates > 0)
    for button in (panel.add_button, panel.change_button, panel.remove_button, panel.selection_button):
        assert not button.isEnabled()
    panel.list.setFocus()
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    desk.qtbot.keyClick(panel.list, Qt.Key.Key_Space)
    assert len(kept(desk)) == 1
    assert panel.list.item(0).checkState() is Qt.CheckState.Checked
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert panel.add_button.isEnabled()


def test_a_network_without_parameters(panel: BreakpointsPanel, desk: Desk) -> None:
    with desk.document.edit("Clear") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
    choose(desk, panel.form.watch_box, Watch.PARAMETER)
    click(desk, panel.add_button)
    assert panel.message.text() == breakpoints.NOTHING_TO_WATCH


def test_everything_fits_at_twice_the_text_size(panel: BreakpointsPanel, desk: Desk) -> None:
    click(desk, panel.add_button)
    theme().set_text_scale(2.0)
    try:
        desk.settle()
        panel.resize(panel.minimumSizeHint().width(), 900)
        desk.settle()
        assert panel.widget().width() <= panel.viewport().width()
    finally:
        theme().set_text_scale(1.0)
