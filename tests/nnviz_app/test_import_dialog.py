"""Importing a table: the dialog by hand, and what becomes of the document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDialog, QRadioButton
from pytestqt.qtbot import QtBot

from core.errors import DataError, TrainingError
from core.import_table import guess_roles, make_samples
from core.network import Network, Role
from core.project import Project
from core.table_file import parse_table, read_table
from nnviz_app.document import Document
from nnviz_app.import_data import ImportChoice, apply_import, is_scalable, match_columns, output_rules
from nnviz_app.import_dialog import ImportDialog, import_file, import_text
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.theme import theme

DATASETS = Path(__file__).parents[2] / "resources" / "datasets"
LEFT = Qt.MouseButton.LeftButton
FLOWERS = "length;width;species\n5,1;3,5;setosa\n7,0;3,2;versicolor\n6,3;3,3;virginica\n4,9;3,0;setosa\n"
HOUSES = "area;rooms;price\n50;2;120,5\n80;3;200\n120;5;310\n65;2;150\n"

Opener = Callable[..., ImportDialog]


@pytest.fixture
def open_dialog(qtbot: QtBot, qapp: QApplication) -> Opener:
    """Shows the dialog for a text."""
    theme().apply(qapp)

    def make(text: str, network: Network | None = None) -> ImportDialog:
        dialog = ImportDialog(network or Network(), text, "t.csv")
        qtbot.addWidget(dialog)
        with qtbot.waitActive(dialog):
            dialog.show()
            dialog.activateWindow()
        return dialog

    return make


def pick(qtbot: QtBot, box: QComboBox, title: str) -> None:
    """Choose an entry of a box with the keyboard, as typing its first letters or the arrows do."""
    box.setFocus()
    place = next(i for i in range(box.count()) if box.itemText(i).startswith(title))
    while box.currentIndex() != place:
        qtbot.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < place else Qt.Key.Key_Up)


def tick(qtbot: QtBot, check: QCheckBox | QRadioButton) -> None:
    """Click a tick box or a round button where its mark is."""
    qtbot.mouseClick(check, LEFT, pos=QPoint(theme().space(0.6), check.height() // 2))


def layered(*sizes: int) -> Project:
    project = Project()
    replace_network(project, NewNetwork(sizes))
    return project


def roles(dialog: ImportDialog) -> list[str]:
    return [dialog.preview.box(section).currentText() for section in range(dialog.preview.preview.columnCount())]


def choice(text: str, **changes: object) -> ImportChoice:
    table = parse_table(text, name="t.csv")
    return ImportChoice("t.csv", make_samples(table, guess_roles(table)), **changes)  # type: ignore[arg-type]


# The dialog


def test_what_was_guessed_is_shown(open_dialog: Opener) -> None:
    dialog = open_dialog(FLOWERS)
    assert dialog.windowTitle() == "Import t.csv"
    assert (dialog.delimiter_box.currentData(), dialog.decimal_box.currentData()) == (";", ",")
    assert dialog.names_check.isChecked()
    model = dialog.preview.preview
    assert (model.rowCount(), model.columnCount()) == (4, 3)
    assert model.index(1, 0).data() == "7,0"
    assert [model.headerData(i, Qt.Orientation.Horizontal) for i in range(3)] == ["length", "width", "species"]
    # Rows are counted as a spreadsheet does.
    assert model.headerData(0, Qt.Orientation.Vertical) == "2"
    assert roles(dialog) == ["Input", "Input", "Target, one per class"]
    assert dialog.sentence.text() == "4 rows: 2 inputs, 3 targets."
    assert dialog.new_radio.text() == "Ne&w network: 2-8-3"
    assert dialog.accept_button.isEnabled()
    assert dialog.accept_button.hasFocus()
    assert dialog.test_box.value() == 0
    assert not dialog.present_radio.isEnabled()
    assert dialog.inputs_check.isEnabled()
    assert not dialog.targets_check.isEnabled()


def test_each_column_has_one_box_and_there_is_no_other(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(FLOWERS)
    try:
        theme().set_text_scale(1.5)
        boxes = [box for box in dialog.preview.findChildren(QComboBox) if box.isVisibleTo(dialog)]
        assert sorted(map(id, boxes)) == sorted(id(dialog.preview.box(section)) for section in range(3))
    finally:
        theme().set_text_scale(1.0)


def test_another_reading_is_shown_at_once(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(FLOWERS)
    tick(qtbot, dialog.names_check)
    assert dialog.preview.rows == 5
    assert dialog.preview.preview.headerData(0, Qt.Orientation.Horizontal) == "column 1"
    tick(qtbot, dialog.names_check)
    pick(qtbot, dialog.delimiter_box, "Bar")
    assert not dialog.accept_button.isEnabled()
    assert dialog.sentence.text().startswith("No column is ")
    pick(qtbot, dialog.delimiter_box, "Semicolon")
    assert dialog.sentence.text() == "4 rows: 2 inputs, 3 targets."
    pick(qtbot, dialog.decimal_box, "Point")
    assert roles(dialog)[0] != "Input"


def test_a_text_without_a_table_says_so(open_dialog: Opener) -> None:
    dialog = open_dialog('a,b\n1,2\n"3,4\n')
    assert "a quotation mark" in dialog.sentence.text()
    assert not dialog.accept_button.isEnabled()
    assert dialog.delimiter_box.hasFocus()
    with pytest.raises(DataError, match="a quotation mark"):
        dialog.choice()


def test_roles_are_chosen_with_the_keyboard(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(HOUSES)
    assert roles(dialog) == ["Input", "Input", "Target"]
    dialog.names_check.setFocus()
    qtbot.keyClick(dialog.names_check, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is dialog.preview.box(0)
    for widget in (dialog.preview.box(1), dialog.preview.box(2), dialog.preview.view, dialog.new_radio):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is widget
    pick(qtbot, dialog.preview.box(2), "Ignored")
    assert dialog.sentence.text() == "No column is a target: choose “Target” above one of the columns."
    assert not dialog.accept_button.isEnabled()
    pick(qtbot, dialog.preview.box(1), "Target")
    assert dialog.sentence.text() == "4 rows: 1 input, 1 target."
    # Another reading of the same columns keeps what was chosen.
    pick(qtbot, dialog.delimiter_box, "Tab")
    pick(qtbot, dialog.delimiter_box, "Semicolon")
    assert dialog.accept_button.isEnabled()


def test_several_selected_columns_get_one_role(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog("a,b,c,d\n1,2,3,4.5\n2,5,1,6\n7,7,2,8\n")
    header = dialog.preview.header
    for section, modifier in ((0, Qt.KeyboardModifier.NoModifier), (2, Qt.KeyboardModifier.ShiftModifier)):
        middle = header.sectionViewportPosition(section) + header.sectionSize(section) // 2
        qtbot.mouseClick(header.viewport(), LEFT, modifier, QPoint(middle, theme().space(0.8)))
    pick(qtbot, dialog.preview.box(1), "Ignored")
    assert roles(dialog) == ["Ignored", "Ignored", "Ignored", "Target"]
    pick(qtbot, dialog.preview.box(0), "Input")
    assert roles(dialog) == ["Input", "Input", "Input", "Target"]


def test_rows_with_bad_cells_are_left_out_when_asked(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(HOUSES + "n/a;3;4\n")
    sentence = "t.csv: row 6, column “area”: “n/a” is not a number: correct the cell, or leave its row out."
    assert dialog.sentence.text() == sentence
    assert not dialog.accept_button.isEnabled()
    model = dialog.preview.preview
    assert model.is_bad(4, 0)
    assert model.index(4, 0).data(Qt.ItemDataRole.ToolTipRole) == "This is not a number."
    assert dialog.leave_check.text() == "&Leave out the row with cells that cannot be used"
    tick(qtbot, dialog.leave_check)
    assert dialog.sentence.text() == "4 rows: 2 inputs, 1 target. 1 row left out."
    assert dialog.accept_button.isEnabled()
    assert dialog.choice().samples.rows == 4
    pick(qtbot, dialog.preview.box(0), "Ignored")
    assert not dialog.leave_check.isVisible()


def test_the_present_network_must_fit(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(FLOWERS, layered(2, 2, 1).network)
    tick(qtbot, dialog.present_radio)
    assert dialog.sentence.text() == (
        "The table gives 2 inputs and 3 targets, but the network has 2 inputs and 1 output: "
        "choose other roles above the columns, or a new network."
    )
    assert not dialog.accept_button.isEnabled()
    tick(qtbot, dialog.new_radio)
    assert dialog.accept_button.isEnabled()


def test_many_columns_get_their_boxes_when_they_are_seen(qtbot: QtBot, open_dialog: Opener) -> None:
    rows = "\n".join(",".join(str((i * j) % 7 + 0.5) for j in range(200)) for i in range(30))
    dialog = open_dialog(rows)
    boxes = dialog.preview.boxes
    assert 3 < len(boxes) < 40
    dialog.preview.box(0).setFocus()
    for _ in range(30):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is boxes[30]
    strip = dialog.preview.strip
    place = boxes[30].mapTo(strip, QPoint(0, 0)).x()
    assert place >= 0
    assert place + boxes[30].width() <= strip.width()
    bar = dialog.preview.view.horizontalScrollBar()
    bar.setValue(bar.maximum())
    assert boxes[199].currentText() == "Target"
    assert boxes[199].x() + boxes[199].width() <= strip.width()


def test_the_wheel_changes_no_role(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(HOUSES)
    box = dialog.preview.box(0)
    box.setFocus()
    middle = QPointF(box.rect().center())
    buttons, modifiers, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(
        box,
        QWheelEvent(middle, box.mapToGlobal(middle), QPoint(), QPoint(0, -120), buttons, modifiers, phase, False),
    )
    assert box.currentText() == "Input"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_every_theme_and_size_shows_all(open_dialog: Opener, mode: str, scale: float) -> None:
    dialog = open_dialog(FLOWERS + ";1;setosa\n")
    theme().set_mode(mode)  # type: ignore[arg-type]
    theme().set_text_scale(scale)
    QApplication.processEvents()
    box = dialog.preview.box(2)
    assert box.height() >= box.sizeHint().height()
    assert box.fontMetrics().horizontalAdvance(box.currentText()) < box.width()
    bottom = dialog.preview.strip.mapTo(dialog, QPoint(0, dialog.preview.strip.height())).y()
    assert bottom <= dialog.preview.view.viewport().mapTo(dialog, QPoint(0, 0)).y()
    assert not dialog.grab().isNull()
    theme().set_mode("light")
    theme().set_text_scale(1.0)


# Into the document


def answer(act: Callable[[ImportDialog], None]) -> None:
    """Do this in the dialog as soon as it is there."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, ImportDialog):
            act(dialog)
        else:
            QTimer.singleShot(5, look)

    QTimer.singleShot(0, look)


def test_a_file_becomes_a_new_network_in_one_undo_entry(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    theme().apply(qapp)
    document = Document()
    before = document.project
    path = tmp_path / "flowers.csv"
    path.write_text(FLOWERS)
    answer(lambda dialog: qtbot.keyClick(dialog, Qt.Key.Key_Return))
    assert import_file(document, path)
    project = document.project
    assert [n.id for n in project.network.inputs] == ["length", "width"]
    assert [(n.id, n.activation) for n in project.network.outputs] == [
        ("setosa", "softmax"),
        ("versicolor", "softmax"),
        ("virginica", "softmax"),
    ]
    assert [n.activation for n in project.network.with_role(Role.HIDDEN)] == ["tanh"] * 8
    assert len(project.network.edges) == 2 * 8 + 8 * 3
    assert (project.settings.loss, project.settings.batch_size) == ("cross_entropy", 4)
    assert project.title == "flowers"
    assert project.dataset.columns["length"].tolist() == [5.1, 7.0, 6.3, 4.9]
    assert [(s.neuron, s.kind) for s in project.dataset.scalings] == [
        ("length", "standardize"),
        ("width", "standardize"),
    ]
    assert abs(project.dataset.seen("length").mean()) < 1e-12
    assert document.undo_stack.count() == 1
    assert document.undo_stack.text(0) == "Import flowers.csv"
    document.undo_stack.undo()
    assert document.project is before


def test_cancel_changes_nothing(qtbot: QtBot, qapp: QApplication) -> None:
    theme().apply(qapp)
    document = Document()
    answer(lambda dialog: qtbot.keyClick(dialog, Qt.Key.Key_Escape))
    assert not import_text(document, FLOWERS)
    assert document.undo_stack.count() == 0


def test_a_file_that_cannot_be_read_asks_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        import_file(Document(), tmp_path / "none.csv")


def test_columns_find_their_neurons_by_name_then_by_order(qapp: QApplication) -> None:
    document = Document()
    project = layered(3, 1)
    project.rename("i3", "Rooms")
    document.open_project(project)
    values = dict(document.project.network.values)
    text = "rooms,area,age,price\n2,50,7,120.5\n3,80,2,200\n5,120,1,310\n"
    apply_import(document, choice(text, new_network=False, standardize_inputs=False, standardize_targets=False))
    columns = document.project.dataset.columns
    assert {name: column.tolist() for name, column in columns.items()} == {
        "i1": [50, 80, 120],
        "i2": [7, 2, 1],
        "Rooms": [2, 3, 5],
        "o1": [120.5, 200, 310],
    }
    assert document.project.network.values == values
    assert not document.project.dataset.scalings
    assert document.undo_stack.count() == 1


def test_an_import_that_does_not_fit_changes_nothing(qapp: QApplication) -> None:
    document = Document()
    document.open_project(layered(2, 1))
    before = document.project
    with pytest.raises(DataError, match="but the network has 2 inputs and 1 output"):
        apply_import(document, choice(FLOWERS, new_network=False))
    document.busy = "Training is running: stop it first."
    with pytest.raises(TrainingError, match="Training is running"):
        apply_import(document, choice(FLOWERS))
    assert document.project is before


def test_test_rows_and_scalings_come_from_the_seed_and_the_training_rows(qapp: QApplication) -> None:
    rng = np.random.default_rng(1)
    text = "a,b,y\n" + "\n".join(
        f"{a:.3f},{b},{3 * a:.3f}" for a, b in zip(rng.normal(5, 2, 50), [0, 1] * 25, strict=True)
    )
    document = Document()
    apply_import(document, choice(text, test_share=0.2, seed=7))
    dataset = document.project.dataset
    assert int(dataset.test.sum()) == 10
    # b holds 0 and 1 only, which stay as they are.
    assert [s.neuron for s in dataset.scalings] == ["a", "y"]
    assert dataset.scalings[0].shift == pytest.approx(dataset.columns["a"][~dataset.test].mean())
    assert document.project.settings.seed == 7
    again = Document()
    apply_import(again, choice(text, test_share=0.2, seed=7))
    assert np.array_equal(again.project.dataset.test, dataset.test)
    assert again.project.network.values == document.project.network.values


def test_outputs_and_loss_fit_the_targets() -> None:
    def rules(text: str) -> tuple[list[str], str]:
        return output_rules(choice(text).samples.targets)

    assert rules(FLOWERS) == (["softmax"] * 3, "cross_entropy")
    assert rules(HOUSES) == (["linear"], "mean_squared_error")
    assert rules("a,b,y\n3,2,0\n5,4,1\n2,1,1\n") == (["sigmoid"], "binary_cross_entropy")
    assert rules("a,b,y\n3,2,yes\n5,4,no\n2,1,no\n") == (["sigmoid"], "binary_cross_entropy")


def test_names_of_columns_never_clash_with_other_names(qapp: QApplication) -> None:
    document = Document()
    apply_import(document, choice("w1,h1,i1,o1\n1.5,2,3,4\n2,7,8,3\n"))
    network = document.project.network
    assert [n.id for n in network.inputs] == ["w1", "h1", "i1"]
    assert [n.id for n in network.outputs] == ["o1"]
    assert len(network.edges) == 3 * 8 + 8


def test_a_table_of_many_columns_becomes_a_network(qapp: QApplication) -> None:
    document = Document()
    rng = np.random.default_rng(0)
    lines = [",".join([*map(str, rng.integers(0, 17, 64)), str(i % 10)]) for i in range(200)]
    apply_import(document, choice("\n".join([",".join([*(f"p{i}" for i in range(64)), "digit"]), *lines])))
    assert [n.id for n in document.project.network.outputs] == list("0123456789")
    assert len(document.project.network.inputs) == 64


def test_a_network_that_was_drawn_for_a_file_learns_it(qapp: QApplication) -> None:
    table = read_table(DATASETS / "iris.csv")
    document = Document()
    samples = make_samples(table, guess_roles(table))
    apply_import(document, ImportChoice(table.name, samples, test_share=0.2))
    run = document.run
    for _ in run.train(0, document.project.settings, epochs=100):
        pass
    assert (run.points()[-1].test_accuracy or 0) >= 0.95


def test_scalable_columns_are_those_of_numbers() -> None:
    samples = choice("a,b,c\n0,1.5,u\n1,2,v\n1,7,w\n").samples
    assert [is_scalable(c) for c in [*samples.inputs, *samples.targets]] == [False, True, False, False, False]
    assert list(match_columns(layered(2, 3).network, samples)) == ["i1", "i2", "o1", "o2", "o3"]


def test_the_dialog_ends_with_what_was_asked_for(qtbot: QtBot, open_dialog: Opener) -> None:
    dialog = open_dialog(HOUSES)
    tick(qtbot, dialog.targets_check)
    dialog.test_box.setFocus()
    dialog.test_box.selectAll()
    qtbot.keyClicks(dialog.test_box, "50")
    qtbot.mouseClick(dialog.accept_button, LEFT)
    assert dialog.result() == QDialog.DialogCode.Accepted
    made = dialog.choice()
    assert (made.standardize_inputs, made.standardize_targets, made.test_share) == (True, False, 0.5)
