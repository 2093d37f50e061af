"""The dialog that offers generated and well-known data."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel
from pytestqt.qtbot import QtBot

from core.errors import DataError
from core.generators import generate
from core.network import Network
from core.project import Project
from nnviz_app.data_dialog import GROUPS, KEEPS, NO_NETWORK, DataChoice, DataDialog, group_of
from nnviz_app.document import Document
from nnviz_app.gallery import GALLERY, make_project
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.theme import theme

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key


@pytest.fixture
def network() -> Network:
    """Two inputs, one output."""
    project = Project()
    replace_network(project, NewNetwork((2, 3, 1)))
    return project.network


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication, network: Network) -> DataDialog:
    theme().apply(qapp)
    dialog = DataDialog(network)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def test_every_entry_is_offered_once_under_its_heading(dialog: DataDialog) -> None:
    shown = [dialog.list.item(row) for row in range(dialog.list.count())]
    headings = [label.text() for item in shown if isinstance(label := dialog.list.itemWidget(item), QLabel)]
    assert headings == list(GROUPS)
    titles = [item.text() for item in shown if item.text()]
    assert sorted(titles) == sorted(entry.title for entry in GALLERY.values())
    assert group_of(GALLERY["iris"]) == "Real data"
    assert group_of(GALLERY["planar_course"]) == "Two classes"


@pytest.mark.parametrize("name", GALLERY)
def test_each_entry_is_pictured_and_described(dialog: DataDialog, name: str) -> None:
    dialog.select(name)
    entry = GALLERY[name]
    assert dialog.entry is entry
    assert dialog.title.text() == entry.title
    assert dialog.description.text() == entry.description
    assert entry.learned in dialog.learned.text()
    assert dialog.source.isVisible() == bool(entry.source)
    assert entry.source in dialog.source.text()
    inputs = len(dialog.choice().data().inputs)
    if inputs > 2:
        assert dialog.preview.kind == "table"
    elif entry.task != "regression" or inputs == 2:
        assert dialog.preview.kind == "plane"
    else:
        assert dialog.preview.kind == "curve"
    dialog.preview.grab()
    # Generated data only have a number of points and noise.
    assert dialog.points_spin.isVisible() == (not entry.is_real)


def test_keys_go_from_entry_to_entry_past_the_headings(qtbot: QtBot, dialog: DataDialog) -> None:
    names = []
    dialog.select("and")
    for _ in range(4):
        names.append(dialog.entry.name)
        qtbot.keyClick(dialog.list, Key.Key_Down)
    assert names[:3] == ["and", "or", "xor"]
    assert group_of(GALLERY[names[3]]) == "Two classes"


def test_points_noise_and_seed_make_the_data(qtbot: QtBot, dialog: DataDialog) -> None:
    dialog.select("moons")
    for spin, text in ((dialog.points_spin, "120"), (dialog.noise_spin, "0.25"), (dialog.seed_field.spin, "9")):
        spin.setFocus()
        spin.selectAll()
        qtbot.keyClicks(spin, text)
    qtbot.keyClick(dialog.list, Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    choice = dialog.choice()
    assert choice.with_network
    wanted = generate("moons", points=120, noise=0.25, seed=9)
    assert np.array_equal(choice.data().x, wanted.x)
    project = choice.make_project()
    assert np.array_equal(project.dataset.columns["x1"], wanted.x[:, 0])
    assert project.title == "Moons"
    assert "120 samples" in dialog.sizes.text()


def test_the_dice_draws_other_data(qtbot: QtBot, dialog: DataDialog) -> None:
    dialog.select("moons")
    before = dialog.choice().data().x
    for _ in range(3):  # one may be the same by chance
        qtbot.mouseClick(dialog.seed_field.dice, LEFT)
    assert not np.array_equal(dialog.choice().data().x, before)


def test_options_come_and_go_with_the_entry(qtbot: QtBot, dialog: DataDialog) -> None:
    dialog.select("random")
    inputs = dialog._options["inputs"]
    inputs.setFocus()
    inputs.selectAll()
    qtbot.keyClicks(inputs, "5")
    assert len(dialog.choice().data().inputs) == 5
    assert not dialog.noise_spin.isVisible()
    dialog.select("polynomial")
    assert list(dialog.choice().options) == ["degree"]
    dialog.select("iris")
    assert not dialog.choice().options
    assert dialog.choice().points is None


def test_the_present_network_takes_what_fits_only(dialog: DataDialog) -> None:
    dialog.select("moons")
    assert dialog.present_button.isEnabled()
    assert dialog.sentence.text() == KEEPS
    dialog.select("sine")
    assert not dialog.present_button.isEnabled()
    assert dialog.sentence.text() == (
        "“Into the present network” does not fit: Sine has 1 input and 1 output, the network 2 and 1."
    )


def test_an_empty_network_takes_none(qtbot: QtBot) -> None:
    dialog = DataDialog(Network())
    qtbot.addWidget(dialog)
    assert not dialog.present_button.isEnabled()
    assert dialog.sentence.text() == NO_NETWORK


def test_into_the_present_network_replaces_the_data_as_one_entry(qtbot: QtBot, dialog: DataDialog) -> None:
    dialog.select("circles")
    qtbot.mouseClick(dialog.present_button, LEFT)
    assert dialog.result() == QDialog.DialogCode.Accepted
    choice = dialog.choice()
    assert not choice.with_network
    document = Document()
    project = Project()
    replace_network(project, NewNetwork((2, 3, 1)))
    document.open_project(project)
    values = document.project.network.values
    with document.edit(choice.text) as draft:
        choice.put_into(draft)
    assert document.undo_stack.count() == 1
    assert document.undo_stack.text(0) == "Data: Circles"
    dataset = document.project.dataset
    assert list(dataset.columns) == ["i1", "i2", "o1"]
    assert np.array_equal(dataset.columns["i2"], choice.data().x[:, 1])
    assert document.project.network.values == values
    document.undo_stack.undo()
    assert document.project.dataset.rows == 1


def test_test_rows_and_scalings_come_along() -> None:
    project = Project()
    replace_network(project, NewNetwork((4, 3)))
    choice = DataChoice(GALLERY["iris"], 1, with_network=False)
    choice.put_into(project)
    own = make_project(GALLERY["iris"]).dataset
    assert project.dataset.test.tolist() == own.test.tolist()
    assert [step.neuron for step in project.dataset.scalings] == ["i1", "i2", "i3", "i4"]
    assert np.array_equal(project.dataset.seen("i3"), own.seen("petal length"))


def test_what_does_not_fit_is_refused() -> None:
    project = Project()
    replace_network(project, NewNetwork((3, 1)))
    with pytest.raises(DataError, match="Iris has 4 inputs and 3 outputs, the network 3 and 1"):
        DataChoice(GALLERY["iris"], 1).put_into(project)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_large_text_still_fits_a_small_screen(qtbot: QtBot, qapp: QApplication, network: Network, mode: str) -> None:
    theme().apply(qapp)
    try:
        theme().set_mode("dark" if mode == "dark" else "light")
        theme().set_text_scale(2.0)
        dialog = DataDialog(network)
        qtbot.addWidget(dialog)
        assert dialog.minimumSizeHint().width() <= 1280
        assert dialog.minimumSizeHint().height() <= 720
    finally:
        theme().set_mode("light")
        theme().set_text_scale(1.0)
