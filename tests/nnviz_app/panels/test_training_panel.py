"""The training panel: each field is one undo entry, nothing resets the network, runs show their progress."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.losses import LOSSES
from core.network import Network
from core.project import Project
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.panels.training import TrainingPanel
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

LEFT = Qt.MouseButton.LeftButton


def project_of(rows: int = 6, **settings: object) -> Project:
    """A 2-2-1 network."""
    rng = np.random.default_rng(3)
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    for name in ("h1", "h2"):
        network.add_neuron("hidden", id=name, activation="sigmoid", bias=0.35)
    network.add_neuron("output", id="o1", activation="sigmoid", bias=0.6)
    connect_all(network, ["i1", "i2"], ["h1", "h2"], lambda: float(rng.normal()))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: float(rng.normal()))
    columns = {name: rng.uniform(0, 1, rows) for name in ("i1", "i2", "o1")}
    return Project(network, Dataset(columns), Settings(**settings))


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[TrainingPanel]:
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    trainer = Trainer(document, player, document)
    panel = TrainingPanel(document, player, trainer)
    document.setParent(panel)
    qtbot.addWidget(panel)
    panel.resize(panel.sizeHint())
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    yield panel
    trainer.shutdown()


def settings_of(panel: TrainingPanel) -> Settings:
    return panel.document.project.settings


def type_into(field: object, qtbot: QtBot, text: str, *, enter: bool = True) -> None:
    field.setFocus()  # type: ignore[attr-defined]
    field.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(field, text)
    if enter:
        qtbot.keyClick(field, Qt.Key.Key_Return)


def choose(box: QComboBox, qtbot: QtBot, data: object) -> None:
    box.setFocus()
    while box.currentIndex() > box.findData(data):
        qtbot.keyClick(box, Qt.Key.Key_Up)
    while box.currentIndex() < box.findData(data):
        qtbot.keyClick(box, Qt.Key.Key_Down)


@pytest.mark.parametrize(("text", "value"), [("0.25", 0.25), ("0,25", 0.25), ("1/3", 1 / 3), ("1e-3", 1e-3)])
def test_the_learning_rate_takes_every_spelling(panel: TrainingPanel, qtbot: QtBot, text: str, value: float) -> None:
    before = dict(panel.document.project.network.values)
    type_into(panel.rate_field, qtbot, text)
    assert settings_of(panel).learning_rate == value
    assert panel.document.undo_stack.count() == 1
    assert panel.document.project.network.values == before
    panel.document.undo_stack.undo()
    assert panel.rate_field.text() == "0.5"


@pytest.mark.parametrize("text", ["fast", "0", "-1", "1/0", ""])
def test_what_is_no_learning_rate_stays_marked_with_a_sentence(panel: TrainingPanel, qtbot: QtBot, text: str) -> None:
    panel.rate_field.setFocus()
    panel.rate_field.selectAll()
    qtbot.keyClick(panel.rate_field, Qt.Key.Key_Backspace)
    type_into(panel.rate_field, qtbot, text)
    assert settings_of(panel).learning_rate == 0.5
    assert panel.rate_field.property("invalid")
    assert panel.message.isVisible()
    assert panel.message.text().endswith(".")
    qtbot.keyClick(panel.rate_field, Qt.Key.Key_Escape)
    assert panel.rate_field.text() == "0.5"
    assert not panel.message.isVisible()


def test_one_visit_to_the_batch_size_is_one_undo_entry(panel: TrainingPanel, qtbot: QtBot) -> None:
    spin = panel.batch_spin
    assert (spin.minimum(), spin.maximum()) == (0, 6)
    spin.setFocus()
    for _ in range(4):
        qtbot.keyClick(spin, Qt.Key.Key_Up)
    assert settings_of(panel).batch_size == 5
    assert panel.document.undo_stack.count() == 1
    panel.epochs_spin.setFocus()
    spin.setFocus()
    for _ in range(5):
        qtbot.keyClick(spin, Qt.Key.Key_Down)
    assert settings_of(panel).batch_size == 0
    assert spin.text() == "all"
    assert panel.document.undo_stack.count() == 2
    panel.document.undo_stack.undo()
    assert spin.value() == 5
    panel.document.undo_stack.undo()
    assert spin.value() == 1


def test_rows_that_go_do_not_change_the_batch_size(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.batch_spin, qtbot, "5")
    with panel.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows([0, 1, 2])
    assert settings_of(panel).batch_size == 5
    assert panel.batch_spin.value() == 5


def test_the_choices_are_undo_entries_and_never_touch_the_network(panel: TrainingPanel, qtbot: QtBot) -> None:
    network = panel.document.project.network
    for box, name, values in (
        (panel.loss_box, "loss", list(LOSSES)),
        (panel.batch_mean_box, "batch_mean", [False, True]),
        (panel.biases_box, "update_biases", [False, True]),
        (panel.initializer_box, "initializer", ["normal", "zeros"]),
    ):
        for value in values:
            choose(box, qtbot, value)
            assert getattr(settings_of(panel), name) == value
    assert panel.document.project.network.values is network.values
    panel.document.undo_stack.setIndex(0)
    assert panel.loss_box.currentData() == "half_squared_error"
    assert panel.initializer_box.currentData() == "xavier_uniform"


def test_the_scale_is_there_for_the_initializers_that_have_one(panel: TrainingPanel, qtbot: QtBot) -> None:
    assert not panel.scale_field.isVisible()
    choose(panel.initializer_box, qtbot, "normal")
    assert panel.scale_field.isVisible()
    assert panel.scale_label.text() == "Std. deviation"
    type_into(panel.scale_field, qtbot, "0,1")
    assert settings_of(panel).initializer_scale == 0.1
    choose(panel.initializer_box, qtbot, "constant")
    assert panel.scale_label.text() == "Value"
    qtbot.mouseClick(panel.draw_button, LEFT)
    network = panel.document.project.network
    assert all(network.weight(edge) == 0.1 for edge in network.edges)


def test_the_wheel_over_a_field_changes_nothing(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.setFocus()
    for field in (panel.batch_spin, panel.loss_box, panel.seed_spin):
        place = QPointF(field.rect().center())
        event = QWheelEvent(
            place,
            QPointF(field.mapToGlobal(place.toPoint())),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(field, event)
    assert panel.document.undo_stack.count() == 0


def test_apply_update_and_reset(panel: TrainingPanel, qtbot: QtBot) -> None:
    before = dict(panel.document.project.network.values)
    assert not panel.reset_button.isEnabled()
    for update in (1, 2):
        qtbot.mouseClick(panel.update_button, LEFT)
        assert panel.document.project.updates == update
    assert panel.player.row == 2
    qtbot.mouseClick(panel.reset_button, LEFT)
    assert panel.document.project.updates == 0
    assert panel.document.project.network.values == before
    assert (panel.player.row, panel.player.index) == (0, 0)
    assert not panel.reset_button.isEnabled()


def test_new_weights_and_the_dice(panel: TrainingPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.draw_button, LEFT)
    first = dict(panel.document.project.network.values)
    qtbot.mouseClick(panel.dice_button, LEFT)
    assert panel.seed_spin.value() == settings_of(panel).seed == 2
    assert panel.document.project.network.values != first
    type_into(panel.seed_spin, qtbot, "1")
    qtbot.mouseClick(panel.draw_button, LEFT)
    assert panel.document.project.network.values == first


def test_a_run_shows_its_progress_and_can_be_stopped(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.epochs_spin, qtbot, "500000")
    assert settings_of(panel).epochs == 500_000
    qtbot.mouseClick(panel.run_button, LEFT)
    assert panel.trainer.is_running
    assert panel.stop_button.isVisible()
    assert not panel.run_button.isVisible()
    for widget in (panel.update_button, panel.reset_button, panel.draw_button, panel.loss_box, panel.rate_field):
        assert not widget.isEnabled()
    qtbot.waitUntil(lambda: panel.progress_bar.value() > 0)
    assert panel.progress_label.text().startswith("Epoch ")
    with qtbot.waitSignal(panel.trainer.finished):
        qtbot.mouseClick(panel.stop_button, LEFT)
    assert panel.run_button.isVisible()
    assert not panel.progress_bar.isVisible()
    assert panel.loss_box.isEnabled()
    assert panel.reset_button.isEnabled()
    assert panel.document.undo_stack.undoText().startswith("Run ")


def test_without_a_row_there_is_nothing_to_press(panel: TrainingPanel) -> None:
    with panel.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows(range(6))
    assert not panel.update_button.isEnabled()
    assert not panel.run_button.isEnabled()
    assert "row of data" in panel.run_button.toolTip()


def test_a_hint_where_loss_and_outputs_do_not_fit(panel: TrainingPanel, qtbot: QtBot) -> None:
    assert not panel.hint.isVisible()
    with panel.document.edit("Set activation") as draft:
        draft.network.set_activation("o1", "linear")
    choose(panel.loss_box, qtbot, "binary_cross_entropy")
    qtbot.waitUntil(panel.hint.isVisible)
    assert panel.hint.text().startswith("o1 is linear: binary cross-entropy needs outputs between 0 and 1")
    assert panel.update_button.isEnabled()
    panel.document.undo_stack.undo()
    qtbot.waitUntil(lambda: not panel.hint.isVisible())


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("ems", [16, 24, 40])
def test_nothing_is_cut_off_at_the_right(panel: TrainingPanel, qtbot: QtBot, scale: float, ems: int) -> None:
    theme().set_text_scale(scale)
    try:
        panel.resize(max(theme().space(ems), panel.minimumSizeHint().width()), 900)
        qtbot.waitUntil(lambda: panel.widget().width() == panel.viewport().width())
        for widget in (panel.epochs_spin, panel.dice_button, panel.loss_box, panel.draw_button):
            right = widget.mapTo(panel.viewport(), QPoint(widget.width(), 0)).x()
            assert right <= panel.viewport().width()
            assert widget.width() >= widget.minimumSizeHint().width() or isinstance(widget, QComboBox)
    finally:
        theme().set_text_scale(1.0)
