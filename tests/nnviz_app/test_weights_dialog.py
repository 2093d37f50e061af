"""Importing weights: the dialog by hand, and what becomes of the document."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QRadioButton
from pytestqt.qtbot import QtBot

from core.errors import ImportFileError, TrainingError
from core.export.formats import FORMATS
from core.imports.arrays import read_arrays
from core.jobs import finish
from core.project import Project
from nnviz_app.document import Document
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.theme import theme
from nnviz_app.weights_dialog import WeightsDialog, ask_for_weights, import_weights

LEFT = Qt.MouseButton.LeftButton
Opener = Callable[[Project, Path], WeightsDialog]


@pytest.fixture
def open_dialog(qtbot: QtBot, qapp: QApplication) -> Opener:
    """Shows the dialog for a file."""
    theme().apply(qapp)

    def make(project: Project, path: Path) -> WeightsDialog:
        dialog = WeightsDialog(project, read_arrays(path))
        qtbot.addWidget(dialog)
        with qtbot.waitActive(dialog):
            dialog.show()
            dialog.activateWindow()
        return dialog

    return make


def pick(qtbot: QtBot, box: QComboBox, title: str) -> None:
    """Choose an entry of a box with the keyboard."""
    box.setFocus()
    place = next(i for i in range(box.count()) if box.itemText(i).startswith(title))
    while box.currentIndex() != place:
        qtbot.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < place else Qt.Key.Key_Up)


def tick(qtbot: QtBot, radio: QRadioButton) -> None:
    qtbot.mouseClick(radio, LEFT, pos=QPoint(theme().space(0.6), radio.height() // 2))


def layered(*sizes: int) -> Project:
    project = Project()
    replace_network(project, NewNetwork(sizes))
    return project


def cells(dialog: WeightsDialog) -> list[list[str]]:
    model = dialog.view.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


@pytest.fixture
def torch_like(tmp_path: Path) -> Path:
    """A 2-3-1 network as PyTorch has it."""
    path = tmp_path / "net.npz"
    arrays = {"0.weight": np.arange(6.0).reshape(3, 2), "0.bias": np.zeros(3), "2.weight": np.ones((1, 3))}
    np.savez(path, **arrays, **{"2.bias": np.array([0.25])})  # type: ignore[arg-type]
    return path


def test_what_goes_where_is_shown(qtbot: QtBot, open_dialog: Opener, torch_like: Path) -> None:
    dialog = open_dialog(layered(2, 3, 1), torch_like)
    assert dialog.into_radio.isChecked()
    assert dialog.accept_button.isEnabled()
    assert cells(dialog)[0] == ["bias of h1", "0", "the same", "0.bias[0]"]
    assert ["bias of o1", "0", "0.25", "2.bias[0]"] in cells(dialog)
    assert dialog.sentence.text().startswith("13 parameters by order, 10 of them with another value.")
    assert not dialog.rows_row.isVisible()
    pick(qtbot, dialog.by_box, "by name")
    assert dialog.sentence.text().startswith("net.npz: nothing in it is one of this network's parameters")
    assert not dialog.accept_button.isEnabled()
    assert dialog.accept_button.toolTip() == f"<qt>{escape(dialog.sentence.text())}</qt>"
    assert cells(dialog) == []
    assert dialog.match is None
    pick(qtbot, dialog.by_box, "by order")
    assert dialog.match is not None


def test_places_in_the_file_stand_on_one_line_or_in_the_tooltip(open_dialog: Opener, tmp_path: Path) -> None:
    project = layered(2, 3, 1)
    project.dataset.follow(project.network)
    path = tmp_path / "net.npz"
    finish(FORMATS["npz"].write(project, path, precision="float64"))
    project.network.set_values({"w1": -0.123456789})
    dialog = open_dialog(project, path)
    view, model = dialog.view, dialog.view.model()
    assert not view.wordWrap()
    for column in range(4):
        assert view.columnWidth(column) >= view.sizeHintForColumn(column)
    path = tmp_path / "long.npz"
    names = [f"{'block.' * 30}<b>{k}.weight" for k in (0, 1)]
    np.savez(path, **{names[0]: np.ones((3, 2)), names[1]: np.ones((1, 3))})  # type: ignore[arg-type]
    dialog = open_dialog(project, path)
    view, model = dialog.view, dialog.view.model()
    assert view.columnWidth(3) < view.sizeHintForColumn(3)
    assert view.textElideMode() is Qt.TextElideMode.ElideMiddle
    assert not view.horizontalScrollBar().isVisible()
    assert model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole) == f"<qt>{escape(names[0])}[0, 0]</qt>"


def test_what_would_change_nothing_is_not_imported(open_dialog: Opener, tmp_path: Path) -> None:
    project = layered(1, 1)
    path = tmp_path / "same.json"
    path.write_text('{"parameters": {"w1": 0}}')
    project.network.set_values({"w1": 0.0})
    dialog = open_dialog(project, path)
    assert dialog.into_radio.isChecked()
    assert dialog.sentence.text() == (
        "1 of 2 parameters by name, none of them with another value: nothing would change. The other one is not in "
        "the file and stays: the bias of o1."
    )
    assert dialog.sentence.property("message") == "info"
    assert not dialog.accept_button.isEnabled()
    assert dialog.accept_button.toolTip() == "<qt>Nothing would change.</qt>"


def test_a_file_that_does_not_fit_is_offered_as_a_new_network(
    qtbot: QtBot, open_dialog: Opener, torch_like: Path
) -> None:
    dialog = open_dialog(layered(2, 4, 1), torch_like)
    assert dialog.new_radio.isChecked()
    assert cells(dialog) == [["inputs", "2", "", ""], ["layer 1", "3", "ReLU", "6"], ["outputs", "1", "Linear", "3"]]
    assert "does not say its activations" in dialog.sentence.text()
    pick(qtbot, dialog.output_box, "Sigmoid")
    assert cells(dialog)[-1] == ["outputs", "1", "Sigmoid", "3"]
    assert dialog.new_project is not None
    assert dialog.new_project.settings.loss == "binary_cross_entropy"
    tick(qtbot, dialog.into_radio)
    assert "0.weight has 3 × 2 numbers" in dialog.sentence.text()
    assert not dialog.accept_button.isEnabled()
    assert dialog.new_project is None


def test_what_the_file_says_of_its_activations_is_chosen_at_first(
    qtbot: QtBot, open_dialog: Opener, tmp_path: Path
) -> None:
    path = tmp_path / "mlp.npz"
    np.savez(path, coefs_0=np.ones((2, 3)), coefs_1=np.ones((3, 1)), activation="tanh")
    dialog = open_dialog(Project(), path)
    assert (dialog.hidden_box.currentData(), dialog.output_box.currentData()) == ("tanh", "linear")
    assert dialog.new_project is not None
    assert dialog.new_project.network.neurons["h1"].activation == "tanh"
    assert "The file does not say all its activations" in dialog.sentence.text()
    pick(qtbot, dialog.hidden_box, "ReLU")
    assert dialog.new_project.network.neurons["h1"].activation == "relu"
    assert "those you chose: relu, linear" in dialog.sentence.text()


def test_activations_that_are_not_known_are_asked_for(qtbot: QtBot, open_dialog: Opener, tmp_path: Path) -> None:
    path = tmp_path / "mlp.npz"
    np.savez(path, coefs_0=np.ones((2, 3)), coefs_1=np.ones((3, 1)), activation="relu", out_activation="exp")
    dialog = open_dialog(Project(), path)
    assert "its activation “exp” is not known here" in dialog.sentence.text()
    assert not dialog.accept_button.isEnabled()
    assert dialog.new_row.isVisible()
    pick(qtbot, dialog.hidden_box, "Sine")
    # To choose what stood there at first is a choice too.
    pick(qtbot, dialog.hidden_box, "ReLU")
    assert dialog.accept_button.isEnabled()
    assert "those you chose: relu, linear" in dialog.sentence.text()


def test_without_a_network_there_is_only_a_new_one(open_dialog: Opener, torch_like: Path) -> None:
    dialog = open_dialog(Project(), torch_like)
    assert not dialog.into_radio.isEnabled()
    assert dialog.new_radio.isChecked()
    assert dialog.accept_button.isEnabled()


def test_what_fits_nowhere_is_refused(open_dialog: Opener, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"parameters": {"x": 1}}')
    dialog = open_dialog(layered(1, 1), path)
    assert dialog.into_radio.isChecked()
    assert not dialog.accept_button.isEnabled()


def test_rows_are_asked_for_where_nobody_can_tell(qtbot: QtBot, open_dialog: Opener, tmp_path: Path) -> None:
    path = tmp_path / "square.npz"
    np.savez(path, a=np.array([[1.0, 2.0], [3.0, 4.0]]), b=np.zeros(2))
    dialog = open_dialog(layered(2, 2), path)
    assert dialog.rows_row.isVisible()
    assert "cannot be told" in dialog.sentence.text()
    pick(qtbot, dialog.rows_box, "one a source")
    assert [line[2] for line in cells(dialog) if line[0].startswith("w")] == ["1", "3", "2", "4"]


def test_the_order_that_was_taken_is_shown(open_dialog: Opener, tmp_path: Path) -> None:
    path = tmp_path / "auto.npz"
    shapes = {"decoder": (4, 2), "encoder": (2, 4)}
    biases = {f"{name}.bias": np.ones(shape[0]) for name, shape in shapes.items()}
    np.savez(path, **{f"{name}.weight": np.ones(shape) for name, shape in shapes.items()}, **biases)  # type: ignore[arg-type]
    order = "Layers were taken in the order encoder.weight, decoder.weight: "
    dialog = open_dialog(layered(1, 1), path)
    assert dialog.new_radio.isChecked()
    assert [line[1] for line in cells(dialog)] == ["4", "2", "4"]
    assert order in dialog.sentence.text()
    dialog = open_dialog(layered(4, 2, 4), path)
    assert dialog.into_radio.isChecked()
    assert order in dialog.sentence.text()


def test_importing_is_one_undo_entry(qtbot: QtBot, qapp: QApplication, torch_like: Path) -> None:
    theme().apply(qapp)
    document = Document()
    document.open_project(layered(2, 3, 1))
    before = document.project.network.values

    def press(button: str) -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, WeightsDialog)
        if button == "import":
            qtbot.mouseClick(dialog.accept_button, LEFT)
        else:
            qtbot.keyClick(dialog, Qt.Key.Key_Escape)

    QTimer.singleShot(0, lambda: press("cancel"))
    assert not import_weights(document, torch_like, may_discard=lambda: True)
    assert document.undo_stack.count() == 0
    QTimer.singleShot(0, lambda: press("import"))
    assert import_weights(document, torch_like, may_discard=lambda: True)
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Import weights"
    assert document.project.network.bias("o1") == 0.25
    document.undo_stack.undo()
    assert document.project.network.values == before
    document.busy = "A run is under way."
    QTimer.singleShot(0, lambda: press("import"))
    with pytest.raises(TrainingError):
        import_weights(document, torch_like, may_discard=lambda: True)


def test_a_new_network_opens_a_project_of_its_own(qtbot: QtBot, qapp: QApplication, torch_like: Path) -> None:
    theme().apply(qapp)
    document = Document()
    document.open_project(layered(1, 1))

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, WeightsDialog)
        qtbot.mouseClick(dialog.accept_button, LEFT)

    QTimer.singleShot(0, press)
    assert not import_weights(document, torch_like, may_discard=lambda: False)
    assert len(document.project.network.neurons) == 2
    QTimer.singleShot(0, press)
    assert import_weights(document, torch_like, may_discard=lambda: True)
    assert len(document.project.network.neurons) == 6
    assert document.undo_stack.count() == 0
    with pytest.raises(ImportFileError):
        import_weights(document, torch_like.with_suffix(".pt"), may_discard=lambda: True)


def test_the_files_are_asked_for_by_their_endings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(*arguments: object) -> tuple[str, str]:
        asked.append(arguments)
        return ("/tmp/w.npz" if len(asked) == 1 else "", "")

    monkeypatch.setattr("nnviz_app.weights_dialog.QFileDialog.getOpenFileName", answer)
    assert ask_for_weights("/tmp") == Path("/tmp/w.npz")
    assert ask_for_weights("/tmp") is None
    assert "*.safetensors" in str(asked[0])
