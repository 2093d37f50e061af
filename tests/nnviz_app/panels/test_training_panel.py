"""The training panel: each field is one undo entry, nothing resets the network, runs show their progress."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from core import fast_kernel, training_loop
from core.dataset import Dataset
from core.losses import LOSSES
from core.metrics import task_of
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.project import Project
from core.rate_schedules import SCHEDULES
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.panels.inspector import InspectorPanel
from nnviz_app.panels.training import TrainingPanel
from nnviz_app.panels.training_fields import SettingsForm
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

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
    message = panel.forms[panel.optimizer_form].message
    assert message.isVisible()
    assert message.text().endswith(".")
    qtbot.keyClick(panel.rate_field, Qt.Key.Key_Escape)
    assert panel.rate_field.text() == "0.5"
    assert not message.isVisible()


def test_one_visit_to_the_batch_size_is_one_undo_entry(panel: TrainingPanel, qtbot: QtBot) -> None:
    spin = panel.data_form.batch_spin
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
    type_into(panel.data_form.batch_spin, qtbot, "5")
    with panel.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows([0, 1, 2])
    assert settings_of(panel).batch_size == 5
    assert panel.data_form.batch_spin.value() == 5


def test_the_choices_are_undo_entries_and_never_touch_the_network(panel: TrainingPanel, qtbot: QtBot) -> None:
    network = panel.document.project.network
    for box, name, values in (
        (panel.loss_box, "loss", list(LOSSES)),
        (panel.data_form.batch_mean_box, "batch_mean", [False, True]),
        (panel.biases_box, "update_biases", [False, True]),
        (panel.weights_form.initializer_box, "initializer", ["normal", "zeros"]),
    ):
        for value in values:
            choose(box, qtbot, value)
            assert getattr(settings_of(panel), name) == value
    assert panel.document.project.network.values is network.values
    panel.document.undo_stack.setIndex(0)
    assert panel.loss_box.currentData() == "half_squared_error"
    assert panel.weights_form.initializer_box.currentData() == "xavier_uniform"


def test_the_scale_is_there_for_the_initializers_that_have_one(panel: TrainingPanel, qtbot: QtBot) -> None:
    assert not panel.weights_form.scale_field.isVisible()
    choose(panel.weights_form.initializer_box, qtbot, "normal")
    assert panel.weights_form.scale_field.isVisible()
    assert panel.weights_form.scale_label.text() == "Std. deviation"
    type_into(panel.weights_form.scale_field, qtbot, "0,1")
    assert settings_of(panel).initializer_scale == 0.1
    choose(panel.weights_form.initializer_box, qtbot, "constant")
    assert panel.weights_form.scale_label.text() == "Value"
    qtbot.mouseClick(panel.draw_button, LEFT)
    network = panel.document.project.network
    assert all(network.weight(edge) == 0.1 for edge in network.edges)


def test_the_wheel_over_a_field_changes_nothing(panel: TrainingPanel, qtbot: QtBot) -> None:
    # A box that was chosen from has the focus still.
    panel.loss_box.setFocus()
    for field in (panel.data_form.batch_spin, panel.loss_box, panel.seed_spin):
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
    assert not panel.run_box.reset_button.isEnabled()
    for update in (1, 2):
        qtbot.mouseClick(panel.run_box.update_button, LEFT)
        assert panel.document.project.updates == update
    assert panel.player.row == 2
    qtbot.mouseClick(panel.run_box.reset_button, LEFT)
    assert panel.document.project.updates == 0
    assert panel.document.project.network.values == before
    assert (panel.player.row, panel.player.index) == (0, 0)
    assert not panel.run_box.reset_button.isEnabled()


def test_new_weights_and_the_dice(panel: TrainingPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.draw_button, LEFT)
    first = dict(panel.document.project.network.values)
    qtbot.mouseClick(panel.weights_form.dice_button, LEFT)
    assert panel.seed_spin.value() == settings_of(panel).seed == 2
    assert panel.document.project.network.values != first
    type_into(panel.seed_spin, qtbot, "1")
    qtbot.mouseClick(panel.draw_button, LEFT)
    assert panel.document.project.network.values == first


@pytest.mark.parametrize("is_prepared", [False, True])
def test_a_run_that_has_to_be_prepared_says_so(
    panel: TrainingPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, is_prepared: bool
) -> None:
    compiled = threading.Event()
    monkeypatch.setattr(fast_kernel, "available", lambda: True)
    monkeypatch.setattr(fast_kernel, "is_prepared", lambda: is_prepared)
    # Without the loops, after what took so long: the run goes on with numpy.
    monkeypatch.setattr(training_loop, "can_be_fast", lambda *_: compiled.wait() and False)
    type_into(panel.epochs_spin, qtbot, "500000")
    qtbot.mouseClick(panel.run_box.run_button, LEFT)
    try:
        qtbot.waitUntil(panel.run_box.progress_label.isVisible)
        first, second = panel.run_box.progress_label.text().split("\n")
        assert first.startswith("Epoch 0 of 500,000: loss ")
        assert second == ("" if is_prepared else "preparing the first run: some seconds")
    finally:
        compiled.set()
    qtbot.waitUntil(lambda: panel.run_box.progress_label.text().endswith(" updates per second"))
    with qtbot.waitSignal(panel.trainer.finished):
        qtbot.mouseClick(panel.run_box.stop_button, LEFT)


def test_a_run_shows_its_progress_and_can_be_stopped(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.epochs_spin, qtbot, "500000")
    assert settings_of(panel).epochs == 500_000
    qtbot.mouseClick(panel.run_box.run_button, LEFT)
    assert panel.trainer.is_running
    qtbot.waitUntil(panel.run_box.stop_button.isVisible)
    assert not panel.run_box.run_button.isVisible()
    for widget in (
        panel.run_box.update_button,
        panel.run_box.reset_button,
        panel.draw_button,
        panel.loss_box,
        panel.rate_field,
    ):
        assert not widget.isEnabled()
    qtbot.waitUntil(lambda: panel.run_box.progress_bar.value() > 0)
    assert panel.run_box.progress_label.text().startswith("Epoch ")
    qtbot.waitUntil(lambda: panel.run_box.progress_label.text().endswith(" updates per second"))
    with qtbot.waitSignal(panel.trainer.finished):
        qtbot.mouseClick(panel.run_box.stop_button, LEFT)
    assert panel.run_box.run_button.isVisible()
    assert not panel.run_box.progress_bar.isVisible()
    assert panel.loss_box.isEnabled()
    assert panel.run_box.reset_button.isEnabled()
    assert panel.document.undo_stack.undoText().startswith("Run ")


def test_without_a_row_there_is_nothing_to_press(panel: TrainingPanel) -> None:
    with panel.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows(range(6))
    assert not panel.run_box.update_button.isEnabled()
    assert not panel.run_box.run_button.isEnabled()
    assert "row of data" in panel.run_box.run_button.toolTip()


def test_a_hint_where_loss_and_outputs_do_not_fit(panel: TrainingPanel, qtbot: QtBot) -> None:
    assert not panel.hint.isVisible()
    with panel.document.edit("Set activation") as draft:
        draft.network.set_activation("o1", "linear")
    choose(panel.loss_box, qtbot, "binary_cross_entropy")
    qtbot.waitUntil(panel.hint.isVisible)
    assert panel.hint.text().startswith("o1 is linear: binary cross-entropy needs outputs between 0 and 1")
    assert panel.run_box.update_button.isEnabled()
    panel.document.undo_stack.undo()
    qtbot.waitUntil(lambda: not panel.hint.isVisible())


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("ems", [15, 19, 24, 40])
def test_nothing_is_cut_off_at_the_right(panel: TrainingPanel, qtbot: QtBot, scale: float, ems: int) -> None:
    theme().set_text_scale(scale)
    try:
        assert panel.minimumSizeHint().width() <= theme().space(15)
        for section in panel.forms.values():
            section.set_open(True)
        panel.resize(theme().space(ems), 900)
        qtbot.waitUntil(lambda: panel.widget().width() == panel.viewport().width())
        for widget in panel.widget().findChildren(QWidget):
            if widget.isVisibleTo(panel):
                right = widget.mapTo(panel.viewport(), QPoint(widget.width(), 0)).x()
                assert right <= panel.viewport().width()
            if isinstance(widget, QAbstractButton | QSpinBox) and widget.isVisibleTo(panel):
                assert widget.width() >= widget.minimumSizeHint().width()
    finally:
        theme().set_text_scale(1.0)


# Optimizers


def message_of(panel: TrainingPanel, form: SettingsForm) -> str:
    """What the section of a form says."""
    message = panel.forms[form].message
    return message.text() if message.isVisible() else ""


def unfold(panel: TrainingPanel, qtbot: QtBot, form: SettingsForm) -> None:
    """Open a section by a click on its header."""
    if not panel.forms[form].is_open:
        qtbot.mouseClick(panel.forms[form].header, LEFT)


def entries(panel: TrainingPanel) -> list[str]:
    stack = panel.document.undo_stack
    return [stack.text(place) for place in range(stack.index())]


def test_every_optimizer_shows_its_options_and_never_touches_the_network(panel: TrainingPanel, qtbot: QtBot) -> None:
    form, values = panel.optimizer_form, panel.document.project.network.values
    for optimizer in OPTIMIZERS.values():
        choose(form.optimizer_box, qtbot, optimizer.name)
        assert settings_of(panel).optimizer == optimizer.name
        shown = {key: field.text() for key, field in form.option_fields.items() if field.isVisible()}
        assert list(shown) == [(optimizer.name, option.name) for option in optimizer.options]
        assert [float(text.replace("−", "-")) for text in shown.values()] == [o.default for o in optimizer.options]
        for option in optimizer.options:
            assert option.about in form.option_fields[optimizer.name, option.name].toolTip()
    assert panel.document.project.network.values is values
    assert panel.document.project.updates == 0


def test_a_suggested_learning_rate_comes_with_the_optimizer(panel: TrainingPanel, qtbot: QtBot) -> None:
    form = panel.optimizer_form
    choose(form.optimizer_box, qtbot, "momentum")
    assert (settings_of(panel).learning_rate, form.rate_field.text()) == (0.1, "0.1")
    assert message_of(panel, form) == "The learning rate is now 0.1, which is usual with Momentum."
    assert entries(panel) == ["Change the optimizer to Momentum"]
    panel.document.undo_stack.undo()
    assert (settings_of(panel).optimizer, settings_of(panel).learning_rate) == ("sgd", 0.5)
    assert message_of(panel, form) == ""
    # One that was chosen by hand stays.
    type_into(form.rate_field, qtbot, "0,3")
    choose(form.optimizer_box, qtbot, "momentum")
    assert settings_of(panel).learning_rate == 0.3
    assert message_of(panel, form) == ""


def test_options_are_kept_only_where_they_differ_from_the_default(panel: TrainingPanel, qtbot: QtBot) -> None:
    form = panel.optimizer_form
    choose(form.optimizer_box, qtbot, "momentum")
    field = form.option_fields["momentum", "momentum"]
    type_into(field, qtbot, "4/5")
    assert settings_of(panel).optimizer_options == {"momentum": 0.8}
    # Nesterov's momentum is the same number; AdaGrad has none.
    choose(form.optimizer_box, qtbot, "nesterov")
    assert settings_of(panel).optimizer_options == {"momentum": 0.8}
    choose(form.optimizer_box, qtbot, "adagrad")
    assert settings_of(panel).optimizer_options == {}
    panel.document.undo_stack.undo()
    type_into(form.option_fields["nesterov", "momentum"], qtbot, "0.9")
    assert settings_of(panel).optimizer_options == {}
    assert entries(panel)[-1] == "Set momentum"


@pytest.mark.parametrize("text", ["1", "-0.1", "much", "1/0"])
def test_an_option_out_of_bounds_is_refused_and_stays(panel: TrainingPanel, qtbot: QtBot, text: str) -> None:
    form = panel.optimizer_form
    choose(form.optimizer_box, qtbot, "adam")
    field, count = form.option_fields["adam", "beta1"], len(entries(panel))
    type_into(field, qtbot, text)
    assert field.text() == text
    assert field.property("invalid")
    assert message_of(panel, form).endswith(".")
    # Nothing is run with a number that was refused, and another setting does not sweep it away.
    qtbot.mouseClick(panel.run_box.run_button, LEFT)
    assert not panel.trainer.is_running
    choose(panel.biases_box, qtbot, False)
    assert (field.text(), field.property("invalid")) == (text, True)
    assert message_of(panel, form)
    # An undo takes the field away, and with it what was typed.
    panel.document.undo_stack.setIndex(count - 1)
    assert not field.isVisible()
    assert not form.has_refused
    assert len(entries(panel)) == count - 1


def test_what_is_typed_counts_when_a_button_is_pressed(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.rate_field, qtbot, "0.125", enter=False)
    qtbot.mouseClick(panel.run_box.update_button, LEFT)
    assert settings_of(panel).learning_rate == 0.125
    assert entries(panel) == ["Set the learning rate", "Update 1"]


def test_a_schedule_shows_its_options_and_the_present_rate(panel: TrainingPanel, qtbot: QtBot) -> None:
    form = panel.optimizer_form
    assert not form.rate_line.isVisible()
    for schedule in SCHEDULES.values():
        choose(form.schedule_box, qtbot, schedule.name)
        shown = [key for key, field in form.option_fields.items() if field.isVisible()]
        assert shown == [(schedule.name, option.name) for option in schedule.options]
    choose(form.schedule_box, qtbot, "step")
    type_into(form.option_fields["step", "epochs"], qtbot, "2,5")
    assert "whole number" in message_of(panel, form)
    type_into(form.option_fields["step", "epochs"], qtbot, "1")
    assert settings_of(panel).schedule_options == {"epochs": 1}
    assert form.rate_line.text() == "At first: 0.5"
    for epoch in (1, 2):
        with qtbot.waitSignal(panel.trainer.finished):
            qtbot.mouseClick(panel.run_box.epoch_button, LEFT)
        assert panel.document.project.epoch == epoch
    assert form.rate_line.text() == "After 2 epochs: 0.005"
    panel.document.undo_stack.undo()
    assert form.rate_line.text() == "After 1 epoch: 0.05"


# Data and regularization


@pytest.mark.parametrize(
    ("rows", "size", "mean", "text"),
    [
        (9, 4, True, "9 rows make 2 batches of 4 and one of 1, weighted as its own mean."),
        (9, 4, False, "9 rows make 2 batches of 4 and one of 1."),
        (9, 3, True, "9 rows make 3 batches of 3."),
        (9, 0, True, "9 rows make one batch."),
        (9, 20, True, "9 rows make one batch."),
        (9, 8, True, "9 rows make one batch of 8 and one of 1, weighted as its own mean."),
        (1, 0, True, "1 row makes one batch."),
    ],
)
def test_the_last_batch_is_told(panel: TrainingPanel, rows: int, size: int, mean: bool, text: str) -> None:
    panel.document.open_project(project_of(rows, batch_size=size, batch_mean=mean))
    assert panel.data_form.batch_line.isVisible()
    assert panel.data_form.batch_line.text() == text


def test_test_rows_make_no_batches(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.data_form.batch_spin, qtbot, "4")
    with panel.document.edit("Split") as draft:
        draft.dataset.split(1 / 3, 1)
    assert panel.data_form.batch_line.text() == "4 training rows make one batch."
    assert panel.data_form.batch_spin.maximum() == 4


def test_shuffling_and_precision(panel: TrainingPanel, qtbot: QtBot) -> None:
    choose(panel.data_form.shuffle_box, qtbot, True)
    choose(panel.data_form.precision_box, qtbot, "float32")
    assert (settings_of(panel).shuffle, settings_of(panel).precision) == (True, "float32")
    assert panel.data_form.summary() == "Half squared error, batch 1, shuffled, float32"
    qtbot.waitUntil(lambda: "float32" in panel.hint.text())
    panel.document.undo_stack.setIndex(0)
    assert panel.data_form.precision_box.currentData() == "float64"


def test_penalties_and_the_dropout_of_all_hidden_neurons(panel: TrainingPanel, qtbot: QtBot) -> None:
    form, values = panel.regularization_form, dict(panel.document.project.network.values)
    assert not form.l1_field.isVisible()
    unfold(panel, qtbot, form)
    type_into(form.l1_field, qtbot, "1e-3")
    type_into(form.l2_field, qtbot, "0,01")
    type_into(form.dropout_field, qtbot, "1/4")
    neurons = panel.document.project.network.neurons
    assert [neurons[name].dropout for name in ("i1", "h1", "h2", "o1")] == [0.0, 0.25, 0.25, 0.0]
    assert (settings_of(panel).l1, settings_of(panel).l2) == (0.001, 0.01)
    assert panel.document.project.network.values == values
    assert entries(panel) == ["Set L1", "Set L2", "Dropout of all hidden neurons: 0.25"]
    assert form.summary() == "L1 0.001, L2 0.01, dropout 0.25"
    with panel.document.edit("Set the dropout of h1") as draft:
        draft.network.set_dropout("h1", 0.5)
    assert (form.dropout_field.text(), form.dropout_field.placeholderText()) == ("", "several")
    for field, text in ((form.l1_field, "-1"), (form.dropout_field, "1")):
        type_into(field, qtbot, text)
        assert field.property("invalid")
        assert "has to be at least 0" in message_of(panel, form)
    # What was refused does not get out of sight.
    qtbot.mouseClick(panel.forms[form].header, LEFT)
    assert form.isVisible()


def test_without_hidden_neurons_there_is_no_dropout(panel: TrainingPanel) -> None:
    with panel.document.edit("Delete") as draft:
        for name in ("h1", "h2"):
            draft.network.remove_neuron(name)
    assert not panel.regularization_form.dropout_field.isEnabled()


# Stopping


def test_stopping_is_off_until_a_number_is_typed(panel: TrainingPanel, qtbot: QtBot) -> None:
    form = panel.stop_form
    assert panel.forms[form].header.summary == "off"
    unfold(panel, qtbot, form)
    assert (form.loss_field.text(), form.loss_field.placeholderText()) == ("", "off")
    type_into(form.loss_field, qtbot, "0.01")
    assert settings_of(panel).stop_loss == 0.01
    type_into(form.patience_spin, qtbot, "12")
    assert settings_of(panel).patience == 12
    assert panel.forms[form].header.summary == "loss ≤ 0.01, no gain for 12"
    form.loss_field.setFocus()
    form.loss_field.selectAll()
    qtbot.keyClick(form.loss_field, Qt.Key.Key_Delete)
    qtbot.keyClick(form.loss_field, Qt.Key.Key_Return)
    assert settings_of(panel).stop_loss is None
    assert entries(panel)[-1] == "Set the loss to stop at"


def test_accuracy_stops_only_where_targets_are_classes(panel: TrainingPanel, qtbot: QtBot) -> None:
    field = panel.stop_form.accuracy_field
    unfold(panel, qtbot, panel.stop_form)
    assert not field.isEnabled()
    assert "classes" in field.toolTip()
    with panel.document.edit("Set targets") as draft:
        for row in range(6):
            draft.dataset.set_value(row, "o1", row % 2)
    assert task_of(panel.document.project.dataset.matrix(["o1"])) == "binary"
    assert field.isEnabled()
    type_into(field, qtbot, "95")
    assert "0.95" in message_of(panel, panel.stop_form)
    type_into(field, qtbot, "0.95")
    assert settings_of(panel).stop_accuracy == 0.95
    panel.document.undo_stack.setIndex(0)
    assert not field.isEnabled()


def test_a_run_ends_at_the_loss(panel: TrainingPanel, qtbot: QtBot) -> None:
    unfold(panel, qtbot, panel.stop_form)
    type_into(panel.stop_form.loss_field, qtbot, "1000")
    type_into(panel.epochs_spin, qtbot, "500")
    with qtbot.waitSignal(panel.trainer.finished) as finished:
        qtbot.mouseClick(panel.run_box.run_button, LEFT)
    assert finished.args[0].startswith("The loss is at most 1000.")
    assert panel.document.project.epoch == 1


# Buttons, sections, keys


def test_one_epoch_is_one_entry_and_the_keyboard_stays(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.run_box.epoch_button.setFocus()
    for epoch in (1, 2, 3):
        with qtbot.waitSignal(panel.trainer.finished):
            qtbot.keyClick(panel.run_box.epoch_button, Qt.Key.Key_Space)
        assert (panel.document.project.epoch, panel.document.project.updates) == (epoch, 6 * epoch)
        assert panel.run_box.epoch_button.hasFocus()
    assert entries(panel) == ["Run 1 epoch"] * 3


def test_the_keyboard_goes_from_run_to_stop_and_back(panel: TrainingPanel, qtbot: QtBot) -> None:
    type_into(panel.epochs_spin, qtbot, "900000")
    panel.run_box.run_button.setFocus()
    qtbot.keyClick(panel.run_box.run_button, Qt.Key.Key_Space)
    qtbot.waitUntil(panel.run_box.stop_button.hasFocus)
    with qtbot.waitSignal(panel.trainer.finished):
        qtbot.keyClick(panel.run_box.stop_button, Qt.Key.Key_Space)
    assert panel.run_box.run_button.hasFocus()


def test_sections_fold_tell_what_is_set_and_remember(panel: TrainingPanel, qtbot: QtBot) -> None:
    section = panel.forms[panel.data_form]
    assert panel.loss_box.isVisible()
    assert [s.is_open for s in panel.forms.values()] == [False, True, True, False, True]
    qtbot.mouseClick(section.header, LEFT)
    assert not panel.loss_box.isVisible()
    assert section.header.summary == "Half squared error, batch 1"
    section.header.setFocus()
    qtbot.keyClick(panel.forms[panel.regularization_form].header, Qt.Key.Key_Return)
    document = Document()
    player = Player(document)
    another = TrainingPanel(document, player, Trainer(document, player, document))
    qtbot.addWidget(another)
    document.setParent(another)
    assert [s.is_open for s in another.forms.values()] == [False, False, True, True, True]


def test_tab_goes_down_the_panel(panel: TrainingPanel, qtbot: QtBot) -> None:
    for section in panel.forms.values():
        section.set_open(True)
    qtbot.mouseClick(panel.run_box.update_button, LEFT)
    panel.run_section.header.setFocus()
    seen: list[QWidget] = []
    while (focused := QApplication.focusWidget()) is not None and focused not in seen:
        seen.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    heights = [widget.mapTo(panel.widget(), QPoint(0, 0)).y() for widget in seen]
    # The reset button stands beside the first two.
    heights.pop(seen.index(panel.run_box.reset_button))
    assert heights == sorted(heights)
    assert len(seen) > 20
    assert panel.draw_button in seen


def test_settings_go_on_with_a_run_and_keep_what_was_learned(panel: TrainingPanel, qtbot: QtBot) -> None:
    for _ in range(3):
        qtbot.mouseClick(panel.run_box.update_button, LEFT)
    values, run = dict(panel.document.project.network.values), panel.document.run
    choose(panel.optimizer_form.optimizer_box, qtbot, "adam")
    choose(panel.optimizer_form.schedule_box, qtbot, "exponential")
    choose(panel.data_form.shuffle_box, qtbot, True)
    type_into(panel.data_form.batch_spin, qtbot, "2")
    type_into(panel.rate_field, qtbot, "0.02")
    assert panel.document.run is run
    choose(panel.loss_box, qtbot, "binary_cross_entropy")
    unfold(panel, qtbot, panel.regularization_form)
    type_into(panel.regularization_form.dropout_field, qtbot, "0.2")
    assert panel.document.project.network.values == values
    assert panel.document.project.updates == 3
    qtbot.mouseClick(panel.run_box.update_button, LEFT)
    assert panel.document.project.updates == 4


def test_the_inspector_sets_the_dropout_of_one_neuron(desk: Desk) -> None:
    inspector = desk.show(InspectorPanel(desk.document, desk.player, desk.selection, desk.preferences))
    desk.select("o1")
    field = inspector.neuron_form.dropout
    assert not field.isVisible()
    desk.select("h1")
    type_into(field, desk.qtbot, "0,2")
    assert [n.dropout for n in desk.document.project.network.neurons.values()] == [0.0, 0.0, 0.2, 0.0, 0.0, 0.0]
    assert desk.undo_texts == ["Set the dropout of h1"]
    type_into(field, desk.qtbot, "1")
    assert (field.text(), inspector.message.text()) == ("1", "“Dropout” has to be at least 0 and below 1.")
    desk.select("h2")
    assert field.text() == "0"
