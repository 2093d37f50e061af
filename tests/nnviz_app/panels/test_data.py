"""The table of samples: typing, pasting, copying, deleting, and the row on show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QSize, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QMenu

from core.errors import DataError
from core.network import Role
from nnviz_app.panels.blocks import DECIMAL_COMMA_NOTE, format_block, parse_block
from nnviz_app.panels.data import EMPTY, NO_TARGETS, DataPanel
from nnviz_app.panels.data_cells import DataHeader
from nnviz_app.panels.data_model import NO_COLUMNS
from nnviz_app.panels.data_view import DataView

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

# What the offscreen platform says when a menu opens.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support grabbing the keyboard$")

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> DataPanel:
    return desk.show(DataPanel(desk.document, desk.player), 640, 260)


@pytest.fixture
def table(desk: Desk, panel: DataPanel) -> DataPanel:
    """Three samples of the 2-2-2 network: 1 2 3 4, 5 6 7 8, 9 10 11 12."""
    numbers = np.arange(1.0, 13.0).reshape(3, 4)
    desk.set_data(dict(zip(("i1", "i2", "o1", "o2"), numbers.T.tolist(), strict=True)))
    desk.document.undo_stack.clear()
    panel.view.setFocus()
    return panel


def shown(panel: DataPanel) -> list[list[str]]:
    """The table as text, the row at the end left out."""
    model = panel.model
    return [[str(model.index(r, c).data()) for c in range(model.columnCount())] for r in range(model.rows)]


def column(desk: Desk, neuron_id: str) -> list[float]:
    return desk.document.project.dataset.columns[neuron_id].tolist()


def click(desk: Desk, view: DataView, row: int, column: int, *, shift: bool = False) -> None:
    center = view.visualRect(view.model().index(row, column)).center()
    desk.qtbot.mouseClick(view.viewport(), LEFT, SHIFT if shift else Qt.KeyboardModifier.NoModifier, center)


def click_number(desk: Desk, view: DataView, row: int, *, shift: bool = False) -> None:
    header = view.verticalHeader()
    place = QPoint(header.width() // 2, header.sectionViewportPosition(row) + header.sectionSize(row) // 2)
    modifier = SHIFT if shift else Qt.KeyboardModifier.NoModifier
    desk.qtbot.mouseClick(header.viewport(), LEFT, modifier, place)


def editor_of(view: DataView) -> QLineEdit:
    editor = view.editor()
    assert editor is not None
    return editor


def type_cell(desk: Desk, view: DataView, text: str, key: Qt.Key | None = Qt.Key.Key_Return) -> None:
    """Type into the current cell, as hands do: the first key opens it."""
    desk.qtbot.keyClick(view, text[0])
    editor = editor_of(view)
    desk.qtbot.keyClicks(editor, text[1:])
    if key is not None:
        desk.qtbot.keyClick(editor, key)


def place(view: DataView) -> tuple[int, int]:
    return view.currentIndex().row(), view.currentIndex().column()


def put_on_clipboard(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


# What is shown


def test_columns_are_inputs_and_targets_in_drawing_order(desk: Desk, panel: DataPanel) -> None:
    titles = [panel.model.headerData(c, Qt.Orientation.Horizontal) for c in range(panel.model.columnCount())]
    assert titles == ["i1", "i2", "target o1", "target o2"]
    assert shown(panel) == [["0.05", "0.1", "0.01", "0.99"]]
    assert panel.count.text() == "1 sample"


def test_an_exact_number_is_in_the_tool_tip_and_the_editor(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 0, 0)
    type_cell(desk, table.view, "1/3")
    index = table.model.index(0, 0)
    assert index.data() == "0.333333"
    assert "0.3333333333333333" in str(index.data(Qt.ItemDataRole.ToolTipRole))
    click(desk, table.view, 0, 0)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_F2)
    assert editor_of(table.view).text() == "0.3333333333333333"


def test_data_stays_with_its_neuron(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Rearrange") as draft:
        draft.network.remove_neuron("i1")
        draft.network.add_neuron(Role.INPUT, id="i9")
        draft.rename("i2", "height")
    assert table.model.titles == ["height", "i9", "target o1", "target o2"]
    assert [line[0] for line in shown(table)] == ["2", "6", "10"]
    assert [line[1] for line in shown(table)] == ["0", "0", "0"]


def test_without_neurons_it_says_what_to_do(desk: Desk, panel: DataPanel) -> None:
    with desk.document.edit("Clear") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
    assert panel.empty.isVisible()
    assert panel.empty.text() == EMPTY
    with desk.document.edit("Input") as draft:
        draft.network.add_neuron(Role.INPUT)
    assert panel.view.isVisible()
    assert NO_TARGETS in panel.count.text()


def test_without_neurons_no_row_is_added(desk: Desk, panel: DataPanel) -> None:
    with desk.document.edit("Clear") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
    rows = desk.document.project.dataset.rows
    panel.add_row()
    assert desk.document.project.dataset.rows == rows
    assert desk.undo_texts == ["Clear"]
    assert panel.message.isVisible()
    assert panel.message.text() == NO_COLUMNS
    with desk.document.edit("Input") as draft:
        draft.network.add_neuron(Role.INPUT)
    assert panel.message.isHidden()


def test_row_numbers_are_measured_while_the_table_takes_its_model(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Qt asks before the view has its model, and nobody hears what is raised there. After such a fault PySide6 6.10
    # and later drop a reference to the next method that Qt calls, until the interpreter crashes.
    faults: list[Exception] = []
    measured: list[QSize] = []
    measure = DataHeader.sectionSizeFromContents

    def watch(header: DataHeader, section: int) -> QSize:
        try:
            measured.append(measure(header, section))
        except Exception as fault:
            faults.append(fault)
            raise
        return measured[-1]

    monkeypatch.setattr(DataHeader, "sectionSizeFromContents", watch)
    panel = DataPanel(desk.document, desk.player)
    desk.qtbot.addWidget(panel)
    assert measured
    assert faults == []


# Typing


@pytest.mark.parametrize(("typed", "value"), [("0.5", 0.5), ("0,5", 0.5), ("1/4", 0.25), ("-3e-2", -0.03)])
def test_typing_a_number(desk: Desk, table: DataPanel, typed: str, value: float) -> None:
    click(desk, table.view, 1, 2)
    type_cell(desk, table.view, typed)
    assert column(desk, "o1") == [3, value, 11]
    assert desk.undo_texts == ["Set target o1 in row 2"]
    assert place(table.view) == (2, 2)
    desk.document.undo_stack.undo()
    assert column(desk, "o1") == [3, 7, 11]


def test_tab_goes_right_and_on_to_the_next_row(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 0, 2)
    type_cell(desk, table.view, "30", Qt.Key.Key_Tab)
    assert place(table.view) == (0, 3)
    type_cell(desk, table.view, "40", Qt.Key.Key_Tab)
    assert place(table.view) == (1, 0)
    assert shown(table)[0] == ["1", "2", "30", "40"]


def test_a_double_click_edits_and_a_click_elsewhere_commits(desk: Desk, table: DataPanel) -> None:
    view = table.view
    center = view.visualRect(view.model().index(0, 1)).center()
    desk.qtbot.mouseClick(view.viewport(), LEFT, pos=center)
    desk.qtbot.mouseDClick(view.viewport(), LEFT, pos=center)
    editor_of(view).selectAll()
    desk.qtbot.keyClicks(editor_of(view), "20")
    click(desk, view, 2, 2)
    assert column(desk, "i2") == [20, 6, 10]
    assert not view.is_editing


def test_what_is_not_a_number_stays_in_edit_with_a_sentence(desk: Desk, table: DataPanel) -> None:
    view = table.view
    click(desk, view, 1, 1)
    type_cell(desk, view, "six")
    assert view.is_editing
    assert editor_of(view).text() == "six"
    assert editor_of(view).property("invalid") is True
    assert "“six” is not a number" in view.sentence
    # Nor is it left with the mouse.
    click(desk, view, 0, 0)
    assert view.is_editing
    assert place(view) == (1, 1)
    assert desk.undo_texts == []
    editor_of(view).selectAll()
    desk.qtbot.keyClicks(editor_of(view), "6.5")
    assert view.sentence == ""
    desk.qtbot.keyClick(editor_of(view), Qt.Key.Key_Return)
    assert column(desk, "i2") == [2, 6.5, 10]


def test_the_sentence_stands_next_to_the_cell(desk: Desk, table: DataPanel) -> None:
    view = table.view
    click(desk, view, 0, 0)
    type_cell(desk, view, "x")
    bubble = view._delegate._bubble
    assert bubble is not None
    assert bubble.isVisible()
    cell = editor_of(view).mapTo(table.window(), QPoint(0, 0))
    assert 0 < bubble.y() - cell.y() <= 2 * editor_of(view).height()
    assert table.window().rect().contains(bubble.geometry())


def test_escape_gives_up(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 1, 1)
    type_cell(desk, table.view, "six")
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Escape)
    assert not table.view.is_editing
    assert table.view.sentence == ""
    assert shown(table)[1][1] == "6"


def test_what_is_left_unfinished_is_still_there(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 1, 1)
    type_cell(desk, table.view, "six", None)
    table.add_button.setFocus()
    assert table.view.is_editing
    assert editor_of(table.view).text() == "six"
    assert "not a number" in table.view.sentence


# Rows


def test_typing_into_the_last_row_adds_a_sample(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 3, 0)
    desk.qtbot.keyClicks(editor_of(table.view), "13")
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Tab)
    assert shown(table)[3] == ["13", "0", "0", "0"]
    assert place(table.view) == (3, 1)
    type_cell(desk, table.view, "14")
    assert shown(table)[3] == ["13", "14", "0", "0"]
    assert place(table.view) == (4, 1)
    assert desk.undo_texts == ["Add row", "Set i2 in row 4"]


def test_a_new_sample_is_shown_at_once(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 3, 3)
    desk.qtbot.keyClicks(editor_of(table.view), "13")
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Return)
    assert desk.player.row == 3


def test_a_click_on_the_hint_starts_in_the_first_column(desk: Desk, table: DataPanel) -> None:
    desk.settle()
    click(desk, table.view, 3, 1)
    desk.qtbot.keyClicks(editor_of(table.view), "0.5")
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Tab)
    type_cell(desk, table.view, "0.25", Qt.Key.Key_Tab)
    type_cell(desk, table.view, "1")
    assert shown(table)[3] == ["0.5", "0.25", "1", "0"]
    # Where there is no hint, each cell is its own.
    desk.settle()
    click(desk, table.view, 4, 1)
    assert place(table.view) == (4, 1)


@pytest.mark.parametrize("way", ["move on", "leave"])
def test_the_hint_is_whole_after_a_refused_cell(desk: Desk, table: DataPanel, way: str) -> None:
    view = table.view
    click(desk, view, 2, 0)  # the sample on show, so that going back there paints no more than it must
    click(desk, view, 3, 1)
    desk.qtbot.keyClicks(editor_of(view), "abc")
    desk.qtbot.keyClick(editor_of(view), Qt.Key.Key_Return)
    if way == "leave":
        table.add_button.setFocus()
    desk.settle()
    desk.qtbot.keyClick(editor_of(view), Qt.Key.Key_Escape)
    desk.settle()
    if way == "move on":
        desk.qtbot.keyClick(view, Qt.Key.Key_Up)
        desk.settle()
    on_screen = table.screen().grabWindow(table.winId()).toImage()
    assert on_screen == table.grab().toImage()


def test_looking_into_the_last_row_adds_nothing(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 3, 0)
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Return)
    click(desk, table.view, 3, 0)
    click(desk, table.view, 0, 0)
    assert table.model.rows == 3
    assert desk.undo_texts == []


def test_the_plus_and_the_button_add_a_row(desk: Desk, table: DataPanel) -> None:
    click_number(desk, table.view, 3)
    assert table.model.rows == 4
    desk.qtbot.mouseClick(table.add_button, LEFT)
    assert table.model.rows == 5
    assert desk.player.row == 4
    desk.document.undo_stack.undo()
    assert table.model.rows == 4


def test_deleting_rows(desk: Desk, table: DataPanel) -> None:
    click_number(desk, table.view, 0)
    click_number(desk, table.view, 1, shift=True)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert shown(table) == [["9", "10", "11", "12"]]
    assert desk.undo_texts == ["Delete 2 rows"]
    desk.document.undo_stack.undo()
    assert len(shown(table)) == 3
    click(desk, table.view, 1, 1)
    desk.qtbot.mouseClick(table.delete_button, LEFT)
    assert [line[0] for line in shown(table)] == ["1", "9"]


def test_delete_on_a_cell_deletes_nothing_and_says_how(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 1, 1)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert table.model.rows == 3
    assert "select their rows" in table.message.text()


def test_all_rows_can_go(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 0, 0)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_A, CONTROL)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert table.model.rows == 0
    assert desk.player.trace is None
    click(desk, table.view, 0, 1)
    desk.qtbot.keyClicks(editor_of(table.view), "4")
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Return)
    assert shown(table) == [["0", "4", "0", "0"]]
    assert desk.player.trace is not None


def test_the_menu_inserts_rows_between(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 1, 0)
    actions = {action.text(): action for action in table.make_menu().actions()}
    actions["Insert row below"].trigger()
    assert [line[0] for line in shown(table)] == ["1", "5", "0", "9"]
    assert place(table.view) == (2, 0)


def test_enter_and_tab_go_back_with_shift(desk: Desk, table: DataPanel) -> None:
    view = table.view
    click(desk, view, 1, 1)
    desk.qtbot.keyClick(view, Qt.Key.Key_Return, SHIFT)
    assert place(view) == (0, 1)
    assert not view.is_block_selected
    desk.qtbot.keyClick(view, Qt.Key.Key_Backtab, SHIFT)
    assert place(view) == (0, 0)
    assert not view.is_block_selected


def test_the_menu_of_a_row_number_is_about_that_row(desk: Desk, table: DataPanel) -> None:
    click_number(desk, table.view, 0)
    header = table.view.verticalHeader()
    header.customContextMenuRequested.emit(QPoint(3, header.sectionViewportPosition(2) + 3))
    assert table.selected_rows() == [2]
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions() if action.text()][-1] == "Delete row"
    menu.close()


# The clipboard


def test_copying_a_block(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 0, 1)
    click(desk, table.view, 1, 2, shift=True)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "2\t3\n6\t7"


@pytest.mark.parametrize(
    "text",
    [
        "0.5\t1\n2\t-3\n",
        "0,5\t1\r\n2\t-3\r\n",
        "0.5,1\n2,-3",
        "0,5;1\n2;-3\n",
        "0.5 1\n2 -3",
        "0.5, 1\n2, \u22123",
    ],
)
def test_pasting_a_block(desk: Desk, table: DataPanel, text: str) -> None:
    put_on_clipboard(text)
    click(desk, table.view, 1, 1)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert shown(table) == [["1", "2", "3", "4"], ["5", "0.5", "1", "8"], ["9", "2", "−3", "12"]]
    assert desk.undo_texts == ["Paste 2 × 2 cells"]


def test_pasting_adds_the_rows_that_are_missing(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("1\t2\t3\t4\n5\t6\t7\t8\n0\t0\t0\t1")
    click(desk, table.view, 2, 0)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert table.model.rows == 5
    assert shown(table)[2:] == [["1", "2", "3", "4"], ["5", "6", "7", "8"], ["0", "0", "0", "1"]]
    desk.document.undo_stack.undo()
    assert table.model.rows == 3
    assert shown(table)[2] == ["9", "10", "11", "12"]


def test_pasting_into_the_last_row(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("1\t2\n3\t4")
    table.view.go_to(3, 2)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert shown(table)[3:] == [["0", "0", "1", "2"], ["0", "0", "3", "4"]]
    assert desk.player.row == 3
    assert table.view.shown_row == 3


def test_pasting_a_block_into_the_last_row_by_click_and_key(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("1\t2\t3\t4\n5\t6\t7\t8\n")
    click(desk, table.view, 3, 0)
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_V, CONTROL)
    assert not table.view.is_editing
    assert shown(table)[3:] == [["1", "2", "3", "4"], ["5", "6", "7", "8"]]
    assert desk.undo_texts == ["Paste 2 × 4 cells"]


def test_pasting_a_block_while_typing_goes_to_that_cell(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("20\n30")
    click(desk, table.view, 0, 0)
    click(desk, table.view, 1, 1, shift=True)
    type_cell(desk, table.view, "99", None)
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_V, CONTROL)
    assert column(desk, "i1") == [1, 5, 9]
    assert column(desk, "i2") == [2, 20, 30]
    assert desk.undo_texts == ["Paste 2 × 1 cells"]


def test_the_menu_of_a_cell_being_typed_in_pastes_a_block(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("1\t2\n3\t4")
    click(desk, table.view, 3, 0)
    editor = editor_of(table.view)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(2, 2), editor.mapToGlobal(QPoint(2, 2)))
    QApplication.sendEvent(editor, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    paste = menu.findChild(QAction, "edit-paste")
    assert isinstance(paste, QAction)
    paste.trigger()
    menu.close()
    assert not table.view.is_editing
    assert shown(table)[3:] == [["1", "2", "0", "0"], ["3", "4", "0", "0"]]


def test_one_number_is_pasted_into_the_text_of_a_cell(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("5")
    click(desk, table.view, 0, 0)
    type_cell(desk, table.view, "0.", None)
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_V, CONTROL)
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Return)
    assert column(desk, "i1") == [0.5, 5, 9]


def test_pasting_goes_where_the_frame_is(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("7\n8")
    view = table.view
    click(desk, view, 0, 0)
    index = view.model().index(3, 2)
    view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
    desk.qtbot.keyClick(view, Qt.Key.Key_V, CONTROL)
    assert column(desk, "i1") == [1, 5, 9, 0, 0]
    assert column(desk, "o1") == [3, 7, 11, 7, 8]


def test_control_home_and_end_select_where_they_go(desk: Desk, table: DataPanel) -> None:
    view = table.view
    click(desk, view, 2, 1)
    desk.qtbot.keyClick(view, Qt.Key.Key_End, CONTROL)
    assert [(i.row(), i.column()) for i in view.selectedIndexes()] == [place(view)] == [(3, 3)]
    desk.qtbot.keyClick(view, Qt.Key.Key_Home, CONTROL)
    assert [(i.row(), i.column()) for i in view.selectedIndexes()] == [place(view)] == [(0, 0)]


def test_one_number_fills_the_selected_cells(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("0,5")
    click(desk, table.view, 0, 0)
    click(desk, table.view, 2, 1, shift=True)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert [line[:2] for line in shown(table)] == [["0.5", "0.5"]] * 3
    assert len(desk.undo_texts) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1\t2\n3\tx", "Row 3, target o1: “x” is not a number; nothing was pasted."),
        ("1\t2\n3\t", "Row 3, target o1: the copied cell is empty; nothing was pasted."),
        ("1\t2\t3\t4", "The copied block has 4 columns, but from i2 on there are only 3: nothing was pasted."),
        ("", "There is nothing on the clipboard to paste: copy numbers first."),
    ],
)
def test_a_refused_paste_names_the_place_and_changes_nothing(
    desk: Desk, table: DataPanel, text: str, sentence: str
) -> None:
    put_on_clipboard(text)
    click(desk, table.view, 1, 1)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert table.message.isVisible()
    assert table.message.text() == sentence
    assert desk.undo_texts == []
    assert shown(table)[1] == ["5", "6", "7", "8"]


def test_a_guess_about_commas_is_said(desk: Desk, table: DataPanel) -> None:
    put_on_clipboard("0,5\n0,25")
    click(desk, table.view, 0, 0)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_V, CONTROL)
    assert column(desk, "i1") == [0.5, 0.25, 9]
    assert table.message.text() == DECIMAL_COMMA_NOTE


def test_what_is_copied_is_pasted_to_the_bit() -> None:
    numbers = [[0.1 + 0.2, 1e-300], [-1 / 3, 12345678.0]]
    block = parse_block(format_block(numbers), ["a", "b"], first_row=0, first_column=0)
    assert [list(row) for row in block.rows] == numbers


def test_a_header_line_is_not_taken_for_numbers() -> None:
    with pytest.raises(DataError, match="Row 1, a: “x” is not a number"):
        parse_block("x\ty\n1\t2", ["a", "b"], first_row=0, first_column=0)


def test_cutting_whole_rows(desk: Desk, table: DataPanel) -> None:
    click_number(desk, table.view, 1)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_X, CONTROL)
    assert QGuiApplication.clipboard().text() == "5\t6\t7\t8"
    assert table.model.rows == 2


def test_keys_in_the_table_are_not_the_windows(desk: Desk, table: DataPanel) -> None:
    window = QMainWindow()
    desk.qtbot.addWidget(window)
    window.setCentralWidget(table)
    triggered: list[str] = []
    for key in ("Ctrl+C", "Ctrl+V", "Ctrl+X", "Ctrl+A", "Del", "Right", "Home", "N", "Space"):
        action = QAction(window)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _=False, key=key: triggered.append(key))
        window.addAction(action)
    with desk.qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    view = table.view
    view.setFocus()
    click(desk, view, 0, 0)
    for key in (Qt.Key.Key_C, Qt.Key.Key_V, Qt.Key.Key_A):
        desk.qtbot.keyClick(view, key, CONTROL)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Home):
        desk.qtbot.keyClick(view, key)
    desk.qtbot.keyClick(view, Qt.Key.Key_N)
    desk.qtbot.keyClick(editor_of(view), Qt.Key.Key_Escape)
    assert triggered == []
    # But one may still play the trace while looking at the table.
    desk.qtbot.keyClick(view, Qt.Key.Key_Space)
    assert triggered == ["Space"]
    window.takeCentralWidget()


# The sample on show


def test_the_current_row_is_the_sample_on_show(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 2, 1)
    assert desk.player.row == 2
    desk.qtbot.keyClick(table.view, Qt.Key.Key_Up)
    assert desk.player.row == 1
    desk.player.select_row(0)
    assert table.view.currentIndex().row() == 0
    assert table.view.shown_row == 0


def test_stepping_to_another_sample_moves_the_row(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Batch") as draft:
        draft.settings = replace(draft.settings, batch_size=2)
    assert table.view.ground(0) == "selection"
    assert table.view.ground(1) == "hover"
    assert table.view.ground(2) == ""
    assert desk.player.trace is not None
    desk.player.go_to(desk.player.trace.schedule.sample_length + 1)
    assert table.view.shown_row == 1
    assert table.view.currentIndex().row() == 1
    assert table.view.ground(0) == "hover"
    assert table.count.text() == "3 samples · batches of 2"


def test_stepping_does_not_disturb_typing(desk: Desk, table: DataPanel) -> None:
    click(desk, table.view, 0, 0)
    type_cell(desk, table.view, "1.5", None)
    desk.player.forward()
    desk.player.select_row(2)
    assert table.view.is_editing
    desk.qtbot.keyClick(editor_of(table.view), Qt.Key.Key_Return)
    assert column(desk, "i1") == [1.5, 5, 9]


def test_tab_leaves_the_table_at_its_end(desk: Desk, table: DataPanel) -> None:
    table.view.go_to(3, 3)
    desk.qtbot.keyClick(table.view, Qt.Key.Key_Tab)
    assert not table.view.hasFocus()


def test_fifty_thousand_rows(desk: Desk, panel: DataPanel) -> None:
    rows = np.arange(50_000.0).tolist()
    desk.set_data({"i1": rows, "i2": rows, "o1": rows, "o2": rows})
    panel.view.go_to(49_999, 1)
    panel.view.grab()
    click(desk, panel.view, 49_999, 1)
    type_cell(desk, panel.view, "7")
    panel.view.selectAll()
    assert len(panel.selected_rows()) == 50_000
    assert column(desk, "i2")[-1] == 7
    assert desk.player.row == 49_999
