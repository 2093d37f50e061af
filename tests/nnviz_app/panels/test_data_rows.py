"""The table of samples: filters, sorting, test rows, scaling, and numbers as the network sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLineEdit, QMenu, QToolButton

from core.dataset import Dataset
from core.errors import DataError
from core.project import Project
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.panels.data import NO_COLUMNS_SELECTED, DataPanel
from nnviz_app.panels.data_model import SEEN
from nnviz_app.panels.data_rows import RowKind, parse_conditions, wrongly_classified
from nnviz_app.panels.inspector import InspectorPanel

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

# What the offscreen platform says when a menu opens.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support grabbing the keyboard$")

CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key


@pytest.fixture
def table(desk: Desk) -> DataPanel:
    """Five samples of the 2-2-2 network; i1 is 3 1 2 1 5, i2 is 0 to 4, and targets tell two classes."""
    panel = desk.show(DataPanel(desk.document, desk.player), 760, 320)
    first = [1.0, 0.0, 1.0, 0.0, 1.0]
    desk.set_data({"i1": [3, 1, 2, 1, 5], "i2": [0, 1, 2, 3, 4], "o1": first, "o2": [1 - value for value in first]})
    desk.document.undo_stack.clear()
    panel.view.setFocus()
    return panel


def numbers(panel: DataPanel) -> list[str]:
    """The row numbers as they stand, without the + at the end."""
    header = Qt.Orientation.Vertical
    texts = [str(panel.model.headerData(place, header)) for place in range(panel.model.rowCount())]
    return [text for text in texts if text != "+"]


def column(desk: Desk, neuron_id: str) -> list[float]:
    return desk.document.project.dataset.columns[neuron_id].tolist()


def click(desk: Desk, panel: DataPanel, place: int, column: int, *, shift: bool = False) -> None:
    view = panel.view
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    desk.qtbot.mouseClick(view.viewport(), LEFT, modifier, view.visualRect(view.model().index(place, column)).center())


def click_title(desk: Desk, panel: DataPanel, column: int) -> None:
    header = panel.view.horizontalHeader()
    x = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
    desk.qtbot.mouseClick(header.viewport(), LEFT, pos=QPoint(x, header.height() // 2))


def type_cell(desk: Desk, panel: DataPanel, text: str) -> None:
    desk.qtbot.keyClick(panel.view, text[0])
    editor = panel.view.editor()
    assert editor is not None
    desk.qtbot.keyClicks(editor, text[1:])
    desk.qtbot.keyClick(editor, Key.Key_Return)


def type_filter(desk: Desk, panel: DataPanel, text: str) -> QLineEdit:
    field = panel.bar.filter
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, text)
    return field


def action(menu: QMenu, text: str) -> QAction:
    found = [item for item in menu.actions() if item.text() == text]
    assert found, [item.text() for item in menu.actions()]
    assert found[0].isEnabled()
    return found[0]


# Sorting


def test_a_title_sorts_up_then_down_then_not(desk: Desk, table: DataPanel) -> None:
    orders = []
    for _ in range(4):
        click_title(desk, table, 0)
        orders.append(numbers(table))
    assert orders == [["2", "4", "3", "1", "5"], ["5", "1", "3", "2", "4"], ["1", "2", "3", "4", "5"], orders[0]]
    assert column(desk, "i1") == [3, 1, 2, 1, 5]
    assert desk.undo_texts == []


def test_sorting_keeps_the_sample_on_show(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 2, 1)
    assert desk.player.row == 2
    click_title(desk, table, 0)
    click_title(desk, table, 0)
    assert desk.player.row == 2
    assert numbers(table)[table.view.shown_row] == "3"
    assert (table.view.currentIndex().row(), table.view.currentIndex().column()) == (table.view.shown_row, 1)


def test_a_sample_of_a_sorted_table_is_stepped_through_by_its_own_row(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    click(desk, table, 4, 0)
    assert desk.player.row == 4
    click(desk, table, 0, 0)
    assert desk.player.row == 1
    desk.player.select_row(0)
    assert table.view.shown_row == table.view.currentIndex().row() == 3


def test_what_is_typed_into_a_sorted_table_goes_to_its_own_row_and_stays(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    click(desk, table, 0, 0)
    type_cell(desk, table, "9")
    assert column(desk, "i1") == [3, 9, 2, 1, 5]
    assert desk.undo_texts == ["Set i1 in row 2"]
    assert numbers(table) == ["2", "4", "3", "1", "5"]
    desk.document.undo_stack.undo()
    assert column(desk, "i1") == [3, 1, 2, 1, 5]


def test_a_new_sample_of_a_sorted_table_stands_at_the_end(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    click(desk, table, 5, 0)
    editor = table.view.editor()
    assert editor is not None
    desk.qtbot.keyClicks(editor, "0.5")
    desk.qtbot.keyClick(editor, Key.Key_Return)
    assert numbers(table) == ["2", "4", "3", "1", "5", "6"]
    assert desk.player.row == 5
    desk.document.undo_stack.undo()
    assert numbers(table) == ["2", "4", "3", "1", "5"]


def test_rows_are_deleted_and_copied_by_their_own_numbers(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    click(desk, table, 0, 0)
    click(desk, table, 2, 1, shift=True)
    desk.qtbot.keyClick(table.view, Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "1\t1\n1\t3\n2\t2"
    desk.qtbot.mouseClick(table.delete_button, LEFT)
    assert column(desk, "i1") == [3, 5]
    assert column(desk, "i2") == [0, 4]


def test_a_paste_goes_to_the_rows_on_show_and_then_to_new_ones(desk: Desk, table: DataPanel) -> None:
    type_filter(desk, table, "i1 > 2")
    assert numbers(table) == ["1", "5"]
    QGuiApplication.clipboard().setText("30\n50\n60")
    click(desk, table, 0, 0)
    desk.qtbot.keyClick(table.view, Key.Key_V, CONTROL)
    assert column(desk, "i1") == [30, 1, 2, 1, 50, 60]
    assert numbers(table) == ["1", "5", "6"]


def test_a_refused_paste_names_the_datas_row(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    QGuiApplication.clipboard().setText("x")
    click(desk, table, 3, 0)
    desk.qtbot.keyClick(table.view, Key.Key_V, CONTROL)
    assert table.message.text().startswith("Row 1, i1: “x” is not a number")


def test_the_menu_sorts_too(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 0, 1)
    menu = table.make_menu()
    (columns,) = menu.findChildren(QMenu)
    assert columns.title() == "Column i2"
    action(columns, "Sort from large to small").trigger()
    assert numbers(table) == ["5", "4", "3", "2", "1"]
    # Between sorted rows there is no place for a new one.
    assert "Insert row above" not in [item.text() for item in table.make_menu().actions()]


def test_another_project_begins_unsorted_and_unfiltered(desk: Desk, table: DataPanel) -> None:
    click_title(desk, table, 0)
    type_filter(desk, table, "i1 > 1")
    desk.open("01-two-two-two")
    assert numbers(table) == ["1"]
    assert table.bar.filter.text() == ""
    assert table.view.horizontalHeader().sortIndicatorSection() == -1


# Filters


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("i1 > 1", ["1", "3", "5"]),
        ("i1>=2 and i2 < 4", ["1", "3"]),
        ("target o1 = 1", ["1", "3", "5"]),
        ("o1 != 1", ["2", "4"]),
        ("I2 <= 1,0", ["1", "2"]),
        ("i1 = 2/2 & i2 = 3", ["4"]),
        ("i1 > 100", []),
    ],
)
def test_a_filter_shows_the_rows_for_which_it_holds(desk: Desk, table: DataPanel, text: str, rows: list[str]) -> None:
    type_filter(desk, table, text)
    assert numbers(table) == rows
    assert f"{len(rows)} of 5 samples" in table.count.text()
    table.bar.filter.clear()
    assert len(numbers(table)) == 5


def test_half_a_filter_is_no_fault_until_enter(desk: Desk, table: DataPanel) -> None:
    field = type_filter(desk, table, "i7 >")
    assert not field.property("invalid")
    desk.qtbot.keyClick(field, Key.Key_Return)
    assert field.property("invalid")
    assert "compares nothing: type for example" in table.message.text()
    desk.qtbot.keyClicks(field, "1")
    desk.qtbot.keyClick(field, Key.Key_Return)
    assert table.message.text() == "There is no column “i7”: the columns are i1, i2, target o1, target o2."
    field.clear()
    assert not field.property("invalid")
    assert table.message.isHidden()


def test_a_filter_keeps_the_sample_on_show_even_where_it_is_hidden(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 3, 0)
    type_filter(desk, table, "i1 > 2")
    assert desk.player.row == 3
    assert table.view.shown_row == -1
    assert not table.view.currentIndex().isValid()
    table.bar.filter.clear()
    assert table.view.shown_row == table.view.currentIndex().row() == 3


def test_what_is_left_unfinished_is_not_written_into_another_sample(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 0, 0)
    type_cell(desk, table, "nothing")
    assert table.view.is_editing
    type_filter(desk, table, "i1 < 3")
    assert not table.view.is_editing
    assert table.view.sentence == ""
    assert column(desk, "i1") == [3, 1, 2, 1, 5]
    click(desk, table, 0, 0)
    type_cell(desk, table, "7")
    assert column(desk, "i1") == [3, 7, 2, 1, 5]


def test_a_row_does_not_vanish_while_it_is_typed_into(desk: Desk, table: DataPanel) -> None:
    type_filter(desk, table, "i1 > 2")
    click(desk, table, 0, 0)
    type_cell(desk, table, "1")
    assert numbers(table) == ["1", "5"]
    assert column(desk, "i1")[0] == 1


def test_equal_is_as_shown() -> None:
    (condition,) = parse_conditions("x = 0.333333", ["x"], ["x"])
    assert condition.holds(np.array([1 / 3, 0.3334])).tolist() == [True, False]
    (condition,) = parse_conditions("x ≤ 2", ["x"], ["x"])
    assert condition.holds(np.array([1.0, 2.0, 3.0])).tolist() == [True, True, False]


def test_names_decide_by_letter_case_only_where_they_must() -> None:
    titles = ["X", "x"]
    assert parse_conditions("x > 1", titles, titles)[0].column == 1
    with pytest.raises(DataError, match="no column “y”"):
        parse_conditions("y > 1", titles, titles)


# Test rows


def test_rows_are_held_out_by_the_menu_and_marked(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 1, 0)
    click(desk, table, 2, 0, shift=True)
    narrow = table.view.verticalHeader().width()
    action(table.make_menu(), "Hold out as test rows").trigger()
    assert desk.document.project.dataset.test_rows.tolist() == [1, 2]
    assert desk.undo_texts == ["Hold out 2 rows"]
    assert [table.model.is_test(place) for place in range(6)] == [False, True, True, False, False, False]
    assert table.view.verticalHeader().width() > narrow
    assert "2 for testing" in table.count.text()
    action(table.make_menu(), "Use for training").trigger()
    assert not table.model.has_test_rows
    assert desk.undo_texts[-1] == "Train with 2 rows"


def test_the_menu_shows_rows_by_what_they_are_for(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Test rows") as draft:
        draft.dataset.set_test([1, 4])
    action(table.bar.show_menu, "Test rows").trigger()
    assert numbers(table) == ["2", "5"]
    assert table.bar.show_rows.text() == "Show: test rows"
    action(table.bar.show_menu, "Training rows").trigger()
    assert numbers(table) == ["1", "3", "4"]
    click_title(desk, table, 0)
    assert numbers(table) == ["4", "3", "1"]
    action(table.bar.show_menu, "All rows").trigger()
    assert numbers(table) == ["2", "4", "3", "1", "5"]


def test_the_rows_are_split_by_share_and_seed(desk: Desk, table: DataPanel) -> None:
    button = table.bar.bar.widgetForAction(table.bar.split)
    assert isinstance(button, QToolButton)
    desk.qtbot.mouseClick(button, LEFT)
    dialog = table.split_dialog
    assert dialog is not None
    dialog.share_spin.setFocus()
    dialog.share_spin.selectAll()
    desk.qtbot.keyClicks(dialog.share_spin, "40")
    assert dialog.sentence.text() == "2 of 5 rows are held out: training leaves them out."
    dialog.seed_field.spin.setFocus()
    dialog.seed_field.spin.selectAll()
    desk.qtbot.keyClicks(dialog.seed_field.spin, "7")
    desk.qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), LEFT)
    assert desk.undo_texts == ["Split: 40 % test rows, seed 7"]
    wanted = Dataset(rows=5)
    wanted.split(0.4, 7)
    assert desk.document.project.dataset.test.tolist() == wanted.test.tolist()
    assert table.bar.split.text() == "Test rows: 2"
    assert table.split_dialog is None
    desk.document.undo_stack.undo()
    assert not table.model.has_test_rows


def test_another_seed_is_diced_and_the_share_stays_what_it_is(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Split") as draft:
        draft.dataset.split(0.6, 3)
    table.ask_split()
    dialog = table.split_dialog
    assert dialog is not None
    assert dialog.share_spin.value() == 60
    before = dialog.seed
    for _ in range(3):  # one may be the same by chance
        desk.qtbot.mouseClick(dialog.seed_field.dice, LEFT)
    assert dialog.seed != before
    desk.qtbot.keyClick(dialog, Key.Key_Escape)
    assert table.split_dialog is None
    assert desk.undo_texts == ["Data", "Split"][-1:]


def test_the_batch_on_show_is_tinted_in_any_order(desk: Desk, table: DataPanel) -> None:
    desk.open("01-two-two-two")
    desk.open("10-batch")  # the player knows of its larger batch before the table does
    rows = desk.player.batch_rows.tolist()
    assert len(rows) > 1
    click_title(desk, table, 0)
    click_title(desk, table, 0)
    tinted = [place for place in range(table.model.rows) if table.view.ground(place)]
    assert sorted(table.model.row_at(place) for place in tinted) == sorted(rows)


# Wrong rows


def test_wrongly_classified_rows_follow_the_parameters(desk: Desk, table: DataPanel) -> None:
    project = desk.document.project
    wrong = [str(row + 1) for row in np.flatnonzero(wrongly_classified(project))]
    action(table.bar.show_menu, "Wrongly classified rows").trigger()
    assert numbers(table) == wrong
    # Outputs of a network whose last weights and biases change sign change places.
    with desk.document.edit("Turn round") as draft:
        for output in draft.network.outputs:
            bias = {"o1": 50.0, "o2": -50.0}[output.id]
            draft.network.set_value(output.id, bias)
    desk.qtbot.waitUntil(lambda: numbers(table) == ["2", "4"])


def test_a_regression_has_no_wrong_rows(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Regression") as draft:
        draft.dataset.set_value(0, "o1", 0.5)
    kinds = {item.data(): item for item in table.bar.show_menu.actions()}
    assert not kinds[RowKind.WRONG].isEnabled()
    assert not wrongly_classified(desk.document.project).any()


# Scaling


def test_the_inputs_are_standardized_shown_so_and_undone(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("Test row") as draft:
        draft.dataset.set_test([4])
    action(table.bar.scale_menu, "Standardize inputs").trigger()
    assert desk.undo_texts[-1] == "Standardize inputs"
    header = Qt.Orientation.Horizontal
    titles = [table.model.headerData(c, header) for c in range(4)]
    assert titles == ["i1 · standardized", "i2 · standardized", "target o1", "target o2"]
    # From the training rows 3 1 2 1.
    tooltip = str(table.model.headerData(0, header, Qt.ItemDataRole.ToolTipRole))
    assert f"standardized: the network sees (value − 1.75) / {np.std([3, 1, 2, 1])}" in tooltip
    assert column(desk, "i1") == [3, 1, 2, 1, 5]
    action(table.bar.scale_menu, "Scale inputs to 0..1").trigger()
    assert table.model.headerData(0, header) == "i1 · 0 to 1"
    assert desk.document.project.dataset.seen("i1").tolist() == [1, 0, 0.5, 0, 2]
    action(table.bar.scale_menu, "Remove all scaling").trigger()
    assert table.model.headerData(0, header) == "i1"
    desk.document.undo_stack.undo()
    desk.document.undo_stack.undo()
    assert table.model.headerData(0, header) == "i1 · standardized"


def test_classes_are_not_scaled_but_other_targets_are(desk: Desk, table: DataPanel) -> None:
    assert not table.bar.scalings["standardize", "targets"].isEnabled()
    with desk.document.edit("Regression") as draft:
        draft.dataset.set_value(0, "o1", 0.5)
    action(table.bar.scale_menu, "Scale targets to 0..1").trigger()
    assert [s.neuron for s in desk.document.project.dataset.scalings] == ["o1", "o2"]


def test_selected_columns_are_scaled(desk: Desk, table: DataPanel) -> None:
    click(desk, table, 0, 1)
    action(table.bar.scale_menu, "Standardize selected columns").trigger()
    assert [s.neuron for s in desk.document.project.dataset.scalings] == ["i2"]
    assert desk.undo_texts == ["Standardize i2"]
    action(table.bar.scale_menu, "Remove scaling of selected columns").trigger()
    assert not desk.document.project.dataset.scalings
    table.view.clearSelection()
    action(table.bar.scale_menu, "Standardize selected columns").trigger()
    assert table.message.text() == NO_COLUMNS_SELECTED


def test_the_menu_of_a_title_scales_its_column(desk: Desk, table: DataPanel) -> None:
    header = table.view.horizontalHeader()
    header.customContextMenuRequested.emit(QPoint(header.sectionViewportPosition(1) + 5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    action(menu, "Scale to 0..1").trigger()
    menu.close()
    assert desk.undo_texts == ["Scale i2 to 0..1"]


def test_without_training_rows_nothing_is_scaled(desk: Desk, table: DataPanel) -> None:
    with desk.document.edit("All held out") as draft:
        draft.dataset.set_test(range(5))
    action(table.bar.scale_menu, "Standardize inputs").trigger()
    assert "no training rows" in table.message.text()


def test_what_the_network_sees_can_be_shown_but_not_changed(desk: Desk, table: DataPanel) -> None:
    assert not table.bar.seen.isVisible()
    action(table.bar.scale_menu, "Scale inputs to 0..1").trigger()
    button = table.bar.bar.widgetForAction(table.bar.seen)
    assert isinstance(button, QToolButton)
    desk.settle()
    desk.qtbot.mouseClick(button, LEFT)
    model = table.model
    assert [model.index(r, 0).data() for r in range(model.rowCount())] == ["0.5", "0", "0.25", "0", "1"]
    assert "as the network sees them" in table.count.text()
    click(desk, table, 0, 0)
    desk.qtbot.keyClick(table.view, Key.Key_5)
    assert not table.view.is_editing
    assert table.message.text() == SEEN
    QGuiApplication.clipboard().setText("7")
    desk.qtbot.keyClick(table.view, Key.Key_V, CONTROL)
    desk.qtbot.mouseClick(table.add_button, LEFT)
    assert desk.undo_texts == ["Scale inputs to 0..1"]
    # A filter means what is shown.
    type_filter(desk, table, "i1 = 0.25")
    assert numbers(table) == ["3"]
    desk.qtbot.mouseClick(button, LEFT)
    assert numbers(table) == []
    table.bar.filter.clear()
    assert model.index(0, 0).data() == "3"
    assert model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "i1, row 1: 3 as entered\n0.5 as the network sees it"


def test_the_inspector_shows_and_takes_what_the_network_sees(desk: Desk, table: DataPanel) -> None:
    action(table.bar.scale_menu, "Scale inputs to 0..1").trigger()
    inspector = desk.show(InspectorPanel(desk.document, desk.player, desk.selection, desk.preferences))
    desk.select("i1")
    field = next(f for f in inspector.findChildren(QLineEdit) if f.isVisible() and f.accessibleName() == "Value")
    assert field.text() == "0.5"
    assert field.toolTip() == "0.5, scaled from 3"
    desk.qtbot.mouseDClick(field, LEFT)
    field.selectAll()
    desk.qtbot.keyClicks(field, "0.75")
    desk.qtbot.keyClick(field, Key.Key_Return)
    assert column(desk, "i1")[0] == 4
    assert field.text() == "0.75"


# Where data comes from


def test_the_bar_asks_for_other_data(desk: Desk, table: DataPanel) -> None:
    for wanted, item in ((table.choose_requested, table.bar.choose), (table.import_requested, table.bar.import_file)):
        button = table.bar.bar.widgetForAction(item)
        assert isinstance(button, QToolButton)
        with desk.qtbot.waitSignal(wanted):
            desk.qtbot.mouseClick(button, LEFT)


def test_what_has_no_room_is_in_a_menu(desk: Desk, table: DataPanel) -> None:
    table.resize(380, 320)
    desk.settle()
    more = table.bar.bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert isinstance(more, QToolButton)
    assert more.isVisible()
    menus = [[item.text() for item in menu.actions()] for menu in table.bar.bar.findChildren(QMenu)]
    assert any({"Scale", "Show"} <= set(texts) for texts in menus), menus


# Large tables


def test_a_large_table_is_sorted_filtered_and_scrolled(desk: Desk) -> None:
    rows, width = 50_000, 20
    project = Project(settings=replace(desk.document.project.settings, batch_size=32))
    replace_network(project, NewNetwork((width - 1, 4, 1)))
    rng = np.random.default_rng(1)
    columns = [n.id for n in (*project.network.inputs, *project.network.outputs)]
    project.dataset = Dataset({i: rng.normal(size=rows) for i in columns})
    desk.document.open_project(project)
    panel = desk.show(DataPanel(desk.document, desk.player), 1200, 500)

    panel.view.horizontalHeader().setSortIndicator(3, Qt.SortOrder.AscendingOrder)
    shown = [panel.model.number(place, 3) for place in (0, 10_000, 49_999)]
    assert shown == sorted(shown)
    panel.bar.filter.setText("i5 > 0.5 and i7 < 0")
    i5, i7 = (project.dataset.columns[name] for name in ("i5", "i7"))
    assert panel.model.rowCount() == np.count_nonzero((i5 > 0.5) & (i7 < 0)) + 1  # with the row for new ones
    panel.bar.filter.setText("")
    assert panel.model.rowCount() == rows + 1
    bar = panel.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    panel.view.grab()
    assert panel.view.rowAt(5) > rows // 3
    panel.view.go_to(30_000, 2)
    assert panel.view.currentIndex().row() == 30_000
