"""The dialogs that ask for whole layers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from core.network import Network, Role
from core.project import Project
from core.settings import Settings
from nnviz_app.dialogs import AddLayerDialog, NewNetworkDialog, fit_to_screen
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.theme import theme


@pytest.fixture
def network() -> Network:
    project = Project()
    replace_network(project, NewNetwork((2, 3, 1)))
    return project.network


def test_new_network_says_what_it_will_be(qtbot: QtBot) -> None:
    dialog = NewNetworkDialog(Settings(seed=5, initializer="he_normal"))
    qtbot.addWidget(dialog)
    assert dialog.sentence.text() == "2 inputs, 4 hidden, 1 output: 17 parameters"
    dialog.show()
    dialog.sizes_field.clear()
    qtbot.keyClicks(dialog.sizes_field, "3-2")
    assert dialog.sentence.text() == "3 inputs, 2 outputs: 8 parameters"
    assert not dialog.hidden_box.isEnabled()
    choice = dialog.choice()
    assert (choice.sizes, choice.seed, choice.initializer) == ((3, 2), 5, "he_normal")


def test_new_network_cannot_be_accepted_while_the_sizes_are_unusable(qtbot: QtBot) -> None:
    dialog = NewNetworkDialog(Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.sizes_field.setText("2-x")
    assert not dialog.accept_button.isEnabled()
    assert "“x” is not a number of neurons" in dialog.sentence.text()
    assert dialog.sizes_field.property("invalid")
    qtbot.keyClick(dialog.sizes_field, Qt.Key.Key_Return)
    assert dialog.result() != QDialog.DialogCode.Accepted
    dialog.sizes_field.setText("2-1")
    assert not dialog.sizes_field.property("invalid")
    qtbot.keyClick(dialog.sizes_field, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_softmax_is_offered_to_outputs_only(qtbot: QtBot) -> None:
    dialog = NewNetworkDialog(Settings())
    qtbot.addWidget(dialog)
    assert dialog.hidden_box.findData("softmax") == -1
    assert dialog.output_box.findData("softmax") >= 0


def test_add_layer_describes_what_it_will_do(qtbot: QtBot, network: Network) -> None:
    dialog = AddLayerDialog(network, [])
    qtbot.addWidget(dialog)
    assert dialog.sentence.text() == "3 hidden neurons after h1, h2, h3, connected by 9 edges."
    dialog.count_box.setValue(1)
    dialog.previous_check.setChecked(False)
    assert dialog.sentence.text() == "1 hidden neuron after h1, h2, h3."
    dialog.next_check.setChecked(True)
    choice = dialog.choice()
    assert (choice.count, choice.role, choice.activation) == (1, Role.HIDDEN, "sigmoid")
    assert (choice.connect_previous, choice.connect_next) == (False, True)


def test_add_layer_follows_the_role(qtbot: QtBot, network: Network) -> None:
    dialog = AddLayerDialog(network, ["h1"])
    qtbot.addWidget(dialog)
    assert "after h1, connected by 3 edges" in dialog.sentence.text()
    dialog.role_box.setCurrentIndex(dialog.role_box.findData("output"))
    assert dialog.activation_box.findData("softmax") >= 0
    assert not dialog.next_check.isEnabled()
    dialog.role_box.setCurrentIndex(dialog.role_box.findData("input"))
    assert not dialog.activation_box.isEnabled()
    assert not dialog.previous_check.isEnabled()
    assert dialog.choice().role is Role.INPUT
    assert not dialog.choice().connect_previous
    dialog.role_box.setCurrentIndex(dialog.role_box.findData("hidden"))
    assert dialog.activation_box.currentData() == "sigmoid"


def test_add_layer_in_an_empty_network(qtbot: QtBot) -> None:
    dialog = AddLayerDialog(Network(), [])
    qtbot.addWidget(dialog)
    assert not dialog.previous_check.isEnabled()
    assert not dialog.next_check.isEnabled()
    assert dialog.sentence.text() == "3 hidden neurons."


def test_a_dialog_with_its_frame_fits_the_screen(qtbot: QtBot) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    fit_to_screen(dialog, 20, 10)
    assert (dialog.width(), dialog.height()) == (theme().space(20), theme().space(10))
    fit_to_screen(dialog, 1000, 1000)
    screen = dialog.screen().availableSize()
    assert dialog.width() < screen.width()
    assert dialog.height() <= 0.9 * screen.height()
