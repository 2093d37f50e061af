"""Typing numbers and names where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from core.dataset import Dataset
from core.project import Project
from nnviz_app.canvas.scene import PartKind
from nnviz_app.layers import NewNetwork, replace_network

Key = Qt.Key


def line(hands: Any) -> QLineEdit:
    return hands.view.in_place.line


def test_double_click_on_a_weight_types_over_it(drawn: Any) -> None:
    drawn.editing.set_parameter("w1", 1 / 3)
    drawn.double_click(drawn.part(PartKind.WEIGHT, "w1"))
    assert line(drawn).isVisible()
    assert line(drawn).text() == repr(1 / 3)
    assert line(drawn).selectedText() == repr(1 / 3)
    drawn.type("0,15")
    drawn.key(Key.Key_Return)
    assert drawn.network.weight("w1") == 0.15
    assert not line(drawn).isVisible()
    assert drawn.entries[-1] == "Set w1 to 0.15"
    assert drawn.view.hasFocus()


@pytest.mark.parametrize(
    ("kind", "subject", "text", "value"),
    [
        (PartKind.BIAS, "h1", "1/4", 0.25),
        (PartKind.VALUE, "i2", "-2", -2.0),
        (PartKind.TARGET, "o1", "1e-2", 0.01),
    ],
)
def test_double_click_on_the_other_numbers(drawn: Any, kind: PartKind, subject: str, text: str, value: float) -> None:
    drawn.double_click(drawn.part(kind, subject))
    drawn.type(text)
    drawn.key(Key.Key_Return)
    if kind is PartKind.BIAS:
        assert drawn.network.bias(subject) == value
    else:
        assert drawn.document.project.dataset.value(0, subject) == value
    assert len(drawn.entries) == 1


def test_double_click_on_a_name_renames(drawn: Any) -> None:
    drawn.double_click(drawn.part(PartKind.NAME, "i1"))
    drawn.type("price")
    drawn.key(Key.Key_Return)
    assert "price" in drawn.network.neurons
    drawn.double_click(drawn.part(PartKind.NAME, "i2"))
    drawn.type("price")
    drawn.key(Key.Key_Return)
    assert line(drawn).isVisible()
    assert "taken by another neuron" in drawn.messages[-1]
    drawn.key(Key.Key_Escape)
    assert "i2" in drawn.network.neurons


@pytest.mark.parametrize(
    ("subject", "kind"), [("w1", PartKind.WEIGHT), ("h1", PartKind.BIAS), ("o1", PartKind.BIAS), ("i1", PartKind.VALUE)]
)
@pytest.mark.parametrize("key", [Key.Key_F2, Key.Key_Return])
def test_f2_and_enter_edit_the_selection(drawn: Any, subject: str, kind: PartKind, key: Qt.Key) -> None:
    drawn.selection.set([subject])
    drawn.key(key)
    field = drawn.view.in_place.field
    assert (field.kind, field.id) == (kind, subject)


def test_double_click_on_a_line_or_a_body_edits_its_number(drawn: Any) -> None:
    drawn.double_click(drawn.edge("w1"))
    assert drawn.view.in_place.field.kind is PartKind.WEIGHT
    drawn.key(Key.Key_Escape)
    drawn.double_click(drawn.neuron("h1"))
    assert drawn.view.in_place.field.kind is PartKind.BIAS


def test_double_click_on_the_loss_says_that_it_is_computed(drawn: Any) -> None:
    drawn.double_click(drawn.part(PartKind.LOSS, ""))
    assert "is computed" in drawn.messages[-1]
    assert not drawn.view.in_place.is_open


def test_escape_leaves_what_was_there(drawn: Any) -> None:
    before = drawn.network.weight("w1")
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.type("9")
    drawn.key(Key.Key_Escape)
    assert drawn.network.weight("w1") == before
    assert drawn.entries == []
    assert drawn.selection.ids == ["w1"]
    assert drawn.view.hasFocus()


def test_clicking_elsewhere_commits(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.type("9")
    drawn.click(drawn.neuron("h2"))
    assert drawn.network.weight("w1") == 9
    assert drawn.selection.ids == ["h2"]


def test_another_widget_commits(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.type("9")
    line(drawn).clearFocus()
    assert drawn.network.weight("w1") == 9
    assert not drawn.view.in_place.is_open


@pytest.mark.parametrize("text", ["abc", "", "1/0", "1e999", "0.5.1"])
def test_what_is_no_number_stays_with_a_sentence_why(drawn: Any, text: str) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    line(drawn).clear()
    drawn.type(text)
    drawn.key(Key.Key_Return)
    assert line(drawn).isVisible()
    assert line(drawn).property("invalid")
    assert line(drawn).toolTip() == drawn.view.overlay.message != ""
    drawn.click(drawn.neuron("h2"))
    assert line(drawn).isVisible()
    assert line(drawn).text() == text
    assert line(drawn).hasFocus()
    assert drawn.selection.ids == ["w1"]
    assert drawn.entries == []
    line(drawn).selectAll()
    drawn.type("7")
    assert not line(drawn).property("invalid")
    drawn.key(Key.Key_Return)
    assert drawn.network.weight("w1") == 7
    assert drawn.view.overlay.message == ""


def test_nothing_typed_is_no_undo_entry(drawn: Any) -> None:
    for subject in ("w1", "h1", "i1"):
        drawn.selection.set([subject])
        drawn.key(Key.Key_F2)
        drawn.key(Key.Key_Return)
    assert drawn.entries == []


def test_tab_types_a_whole_network(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    numbers = ["0.15", "0.2", "0.25", "0.3", "0.4", "0.45", "0.35", "0.36", "0.6", "0.05", "0.1", "0.99"]
    for number in numbers:
        drawn.type(number)
        drawn.key(Key.Key_Tab)
    network, dataset = drawn.network, drawn.document.project.dataset
    assert [network.weight(f"w{i}") for i in range(1, 7)] == [0.15, 0.2, 0.25, 0.3, 0.4, 0.45]
    assert [network.bias(i) for i in ("h1", "h2", "o1")] == [0.35, 0.36, 0.6]
    assert [dataset.value(0, i) for i in ("i1", "i2", "o1")] == [0.05, 0.1, 0.99]
    # Round and round.
    assert drawn.view.in_place.field.id == "w1"
    drawn.key(Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert drawn.view.in_place.field.kind is PartKind.TARGET
    assert len(drawn.entries) == len(numbers)


def test_tab_stays_at_what_is_no_number(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.type("x")
    drawn.key(Key.Key_Tab)
    assert drawn.view.in_place.field.id == "w1"
    assert line(drawn).isVisible()


def test_values_go_into_the_row_on_show(drawn: Any) -> None:
    project = Project()
    replace_network(project, NewNetwork((1, 1)))
    project.dataset = Dataset({"i1": [1.0, 2.0, 3.0], "o1": [0.0, 0.0, 0.0]})
    drawn.document.open_project(project)
    drawn.player.select_row(1)
    drawn.double_click(drawn.part(PartKind.VALUE, "i1"))
    assert line(drawn).text() == "2"
    drawn.type("5")
    drawn.key(Key.Key_Return)
    drawn.double_click(drawn.part(PartKind.TARGET, "o1"))
    drawn.type("1")
    drawn.key(Key.Key_Return)
    dataset = drawn.document.project.dataset
    assert list(dataset.columns["i1"]) == [1, 5, 3]
    assert list(dataset.columns["o1"]) == [0, 1, 0]


def test_shortcuts_do_nothing_while_typing(drawn: Any, qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(drawn.view)
    used: list[str] = []
    for name in ("Left", "Right", "Home", "End", "Space", "R", "Shift+Right", "Del", "Backspace", "N", "F2", "Up"):
        QShortcut(QKeySequence(name), window, lambda name=name: used.append(name))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    drawn.view.setFocus()
    drawn.selection.set(["w1"])
    drawn.view.edit_selected()
    qtbot.waitUntil(line(drawn).hasFocus)
    for key in (Key.Key_Right, Key.Key_Left, Key.Key_Home, Key.Key_End, Key.Key_Space, Key.Key_Delete, Key.Key_Up):
        drawn.key(key)
    drawn.key(Key.Key_Backspace)
    drawn.key(Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    drawn.type("rnR")
    assert used == []
    drawn.key(Key.Key_Escape)
    drawn.key(Key.Key_R)
    assert used == ["R"]
    drawn.view.setParent(None)


def test_the_editor_follows_zoom_and_scrolling(drawn: Any) -> None:
    drawn.editing.set_parameter("w1", 0.5)
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.wheel(QPoint(500, 300), 1)
    part = drawn.part(PartKind.WEIGHT, "w1")
    assert (line(drawn).geometry().center() - part).manhattanLength() <= 3
    drawn.view.zoom_to(2.0)
    drawn.view.reveal(drawn.view.place_of("w1"))
    part = drawn.part(PartKind.WEIGHT, "w1")
    assert (line(drawn).geometry().center() - part).manhattanLength() <= 3


def test_a_field_that_is_gone_closes_the_editor(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.editing.delete()
    assert not drawn.view.in_place.is_open
    assert not line(drawn).isVisible()
    drawn.selection.set(["w2"])
    drawn.key(Key.Key_F2)
    drawn.open(1, 1)
    assert not drawn.view.in_place.is_open


def test_the_numbers_are_editable_far_out_where_no_label_is_drawn(drawn: Any) -> None:
    drawn.view.zoom_to(0.15)
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    assert line(drawn).isVisible()
    assert line(drawn).width() >= 40
    drawn.type("3")
    drawn.key(Key.Key_Return)
    assert drawn.network.weight("w1") == 3


def test_a_refusal_of_the_document_keeps_the_text(drawn: Any) -> None:
    drawn.selection.set(["w1"])
    drawn.key(Key.Key_F2)
    drawn.type("3")
    drawn.document.busy = "Training is under way."
    drawn.key(Key.Key_Return)
    assert line(drawn).isVisible()
    assert line(drawn).toolTip() == "Training is under way."
    drawn.document.busy = ""
    drawn.key(Key.Key_Return)
    assert drawn.network.weight("w1") == 3
    assert QApplication.focusWidget() is drawn.view
