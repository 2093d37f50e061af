"""The conventions panel: what a book computes, writes and rounds in another way, set in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QSpinBox

from core.losses import LOSSES
from core.quantities import Kind
from core.style import Notation, Rounding
from nnviz_app.panels.conventions import ConventionsPanel
from nnviz_app.preferences import NOTATIONS, OWN, Preferences
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

# What the offscreen platform says when a combo box opens.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support grabbing the keyboard$")


@pytest.fixture
def panel(desk: Desk) -> ConventionsPanel:
    return desk.show(ConventionsPanel(desk.document, desk.player, desk.preferences), 380, 1200)


def choose(desk: Desk, box: QComboBox, title: str) -> None:
    """Choose in the popup, by the keyboard."""
    box.setFocus()
    desk.qtbot.keyClick(box, Qt.Key.Key_Space)
    view = box.view()
    desk.qtbot.waitUntil(view.isVisible)
    view.setCurrentIndex(box.model().index(box.findText(title), 0))
    desk.qtbot.keyClick(view, Qt.Key.Key_Return)
    desk.settle()


def known(desk: Desk, kind: Kind, subject: str = "") -> float:
    desk.player.go_to(desk.player.length)
    value = desk.player.known(kind, subject)
    assert value is not None
    return value


def meaning(panel: ConventionsPanel, title: str) -> str:
    """A formula as it is read aloud."""
    return panel.meaning.formulas[title].plain()


# Loss and update


def test_a_preset_is_one_undo_entry_and_changes_the_numbers(desk: Desk, panel: ConventionsPanel) -> None:
    assert panel.form.preset_box.currentText() == "Mazur's article"
    half = known(desk, Kind.LOSS)
    choose(desk, panel.form.preset_box, "PyTorch")
    settings = desk.document.project.settings
    assert (settings.loss, settings.batch_mean, settings.update_biases) == ("mean_squared_error", True, True)
    assert desk.undo_texts == ["Conventions: PyTorch"]
    # Of two outputs: the mean of squares is their half sum.
    assert known(desk, Kind.LOSS) == pytest.approx(half, rel=1e-14)
    assert "MSELoss" in panel.form.about_line.text()
    assert panel.form.biases_box.currentText() == "Updated"
    desk.document.undo_stack.undo()
    assert panel.form.preset_box.currentText() == "Mazur's article"
    assert panel.form.biases_box.currentText() == "Fixed"


def test_half_and_sum_one_by_one(desk: Desk, panel: ConventionsPanel) -> None:
    loss, slope = known(desk, Kind.LOSS), known(desk, Kind.ACTIVATION_GRAD, "o1")
    assert meaning(panel, "Gradient") == "∂L/∂a_k = a_k − t_k"
    assert meaning(panel, "Loss") == "L = Σ_k 1/2 (t_k − a_k)²"
    choose(desk, panel.form.half_box, "Without ½")
    assert desk.document.project.settings.loss == "squared_error"
    assert known(desk, Kind.LOSS) == pytest.approx(2.0 * loss, rel=1e-14)
    assert known(desk, Kind.ACTIVATION_GRAD, "o1") == pytest.approx(2.0 * slope, rel=1e-14)
    assert meaning(panel, "Gradient") == "∂L/∂a_k = 2 (a_k − t_k)"
    assert panel.form.preset_box.currentText() == OWN
    assert panel.form.about_line.isHidden()
    choose(desk, panel.form.outputs_box, "Mean")
    assert known(desk, Kind.LOSS) == pytest.approx(loss, rel=1e-14)
    choose(desk, panel.form.batch_box, "Sum")
    assert not desk.document.project.settings.batch_mean
    choose(desk, panel.form.biases_box, "Updated")
    assert desk.document.project.settings.update_biases
    assert len(desk.undo_texts) == 4


def test_what_does_not_apply_to_the_loss_is_disabled_and_says_why(desk: Desk, panel: ConventionsPanel) -> None:
    form = panel.form
    choose(desk, form.loss_box, LOSSES["binary_cross_entropy"].title)
    assert not form.half_box.isEnabled()
    assert form.half_box.toolTip() == "Binary cross-entropy has no square that a ½ could stand before."
    assert form.outputs_box.isEnabled()
    # Sigmoid outputs: the loss gives the gradient of the pre-activation at once.
    assert meaning(panel, "Gradient").startswith("δ_k = ")
    choose(desk, form.outputs_box, "Sum")
    assert desk.document.project.settings.loss == "summed_binary_cross_entropy"
    choose(desk, form.loss_box, LOSSES["cross_entropy"].title)
    assert not form.outputs_box.isEnabled()
    assert "always added up" in form.outputs_box.toolTip()
    choose(desk, form.loss_box, LOSSES["huber"].title)
    assert not form.outputs_box.isEnabled()
    assert form.outputs_box.toolTip() == "The loss “Huber” is always a mean over the outputs."
    assert form.outputs_box.currentText() == "Mean"


def test_gradients_go_back_through_updated_weights(desk: Desk, panel: ConventionsPanel) -> None:
    deltas = {name: known(desk, Kind.PRE_ACTIVATION_GRAD, name) for name in ("o1", "o2")}
    new = {name: known(desk, Kind.UPDATE, name) for name in ("w5", "w7")}
    choose(desk, panel.form.back_box, "Updated weights")
    assert desk.document.project.settings.updated_weights
    by_hand = new["w5"] * deltas["o1"] + new["w7"] * deltas["o2"]
    assert known(desk, Kind.ACTIVATION_GRAD, "h1") == pytest.approx(by_hand, rel=1e-14)
    assert "^new" in meaning(panel, "Passed back")
    assert panel.section.message.isHidden()


@pytest.mark.parametrize(
    ("example", "reason"), [("10-batch", "takes batches of one sample"), ("11-tied-weights", "weights of their own")]
)
def test_updated_weights_are_refused_in_one_sentence(
    desk: Desk, panel: ConventionsPanel, example: str, reason: str
) -> None:
    desk.open(example)
    if example == "11-tied-weights":
        with desk.document.edit("One row") as draft:
            draft.settings = replace(draft.settings, batch_size=1)
    entries = len(desk.undo_texts)
    choose(desk, panel.form.back_box, "Updated weights")
    assert reason in panel.section.message.text()
    assert panel.section.message.isVisible()
    assert not desk.document.project.settings.updated_weights
    assert panel.form.back_box.currentText() == "Old weights"
    assert len(desk.undo_texts) == entries
    # What is possible takes the sentence away again.
    choose(desk, panel.form.batch_box, "Sum")
    assert panel.section.message.isHidden()


def test_settings_that_no_longer_go_together_are_told_and_can_be_mended(desk: Desk, panel: ConventionsPanel) -> None:
    choose(desk, panel.form.back_box, "Updated weights")
    desk.set_data({name: [0.1, 0.2] for name in ("i1", "i2", "o1", "o2")})
    with desk.document.edit("All rows") as draft:
        draft.settings = replace(draft.settings, batch_size=0)
    desk.settle()
    assert "set the batch size to 1" in panel.section.message.text()
    choose(desk, panel.form.back_box, "Old weights")
    assert panel.section.message.isHidden()
    assert desk.player.trace is not None


def test_nothing_of_it_changes_during_a_run(desk: Desk, panel: ConventionsPanel) -> None:
    desk.player.lock(True)
    assert not panel.form.isEnabled()
    assert panel.notation_form.isEnabled()
    desk.player.lock(False)
    assert panel.form.isEnabled()


# Notation


def test_a_book_s_notation_is_kept_and_shown(desk: Desk, panel: ConventionsPanel) -> None:
    form = panel.notation_form
    assert form.preset_box.currentText() == "nnviz"
    choose(desk, form.preset_box, "Mazur's article")
    assert desk.preferences.notation == Notation(pre_activation="net", activation="out", loss="E")
    assert Preferences().notation == desk.preferences.notation
    assert form.boxes["activation"].currentText() == "out"
    assert panel.preview.formulas["Gradient"].plain() == "∂E/∂w5 = δ_o1 · out_h1"
    assert meaning(panel, "Gradient") == "∂E/∂out_k = out_k − t_k"
    assert desk.undo_texts == []


def test_symbols_one_by_one(desk: Desk, panel: ConventionsPanel) -> None:
    form = panel.notation_form
    for name, title, value in (
        ("pre_activation", "in", "in"),
        ("rate", "α", "α"),
        ("weights", "ends: w(h1,o1)", "ends"),
        ("loss", "C", "C"),
        ("delta", "∂C/∂in", "derivative"),
    ):
        choose(desk, form.boxes[name], title)
        assert getattr(desk.preferences.notation, name) == value
    assert form.preset_box.currentText() == OWN
    assert panel.preview.formulas["Update"].plain() == "w_h1,o1^new = w_h1,o1 − α · ∂C/∂w_h1,o1"


@pytest.mark.parametrize("title", NOTATIONS)
def test_the_present_book_is_shown_wherever_it_was_chosen(desk: Desk, panel: ConventionsPanel, title: str) -> None:
    desk.preferences.set_notation(NOTATIONS[title])
    assert panel.notation_form.preset_box.currentText() == title


# Digits and rounding


def test_digits_and_rounding_like_the_book(desk: Desk, panel: ConventionsPanel) -> None:
    form = panel.rounding_form
    desk.preferences.changed.connect(lambda: desk.player.set_rounding(desk.preferences.rounding))
    choose(desk, form.digits_box, "6 significant digits")
    assert desk.preferences.digits == 6
    assert form.places_spin.isHidden()
    exact = known(desk, Kind.LOSS)
    choose(desk, form.rounding_box, "Decimals, like the book")
    assert desk.preferences.rounding == Rounding(4)
    assert known(desk, Kind.LOSS) == round(exact, 4)
    assert "exact numbers" in form.exact_line.text()
    assert form.exact_line.isVisible()
    assert not form.digits_box.isEnabled()
    type_places(desk, form.places_spin, "3")
    assert desk.preferences.rounding == Rounding(3)
    choose(desk, form.rounding_box, "Digits, like the book")
    assert desk.preferences.rounding == Rounding(3, "digits")
    choose(desk, form.rounding_box, "Off")
    assert desk.preferences.rounding is None
    assert known(desk, Kind.LOSS) == exact
    assert desk.undo_texts == []


def test_rounding_changes_what_is_shown_and_not_what_is_learned(desk: Desk, panel: ConventionsPanel) -> None:
    desk.preferences.changed.connect(lambda: desk.player.set_rounding(desk.preferences.rounding))
    exact = known(desk, Kind.UPDATE, "w5")
    choose(desk, panel.rounding_form.rounding_box, "Decimals, like the book")
    assert known(desk, Kind.UPDATE, "w5") == 0.3589
    desk.player.apply_update()
    assert desk.document.project.network.values["w5"] == exact


def type_places(desk: Desk, spin: QSpinBox, text: str) -> None:
    spin.setFocus()
    spin.selectAll()
    desk.qtbot.keyClicks(spin, text)
    desk.qtbot.keyClick(spin, Qt.Key.Key_Return)
    desk.settle()


def test_a_hidden_panel_catches_up(desk: Desk, panel: ConventionsPanel) -> None:
    panel.hide()
    desk.preferences.set_digits(7)
    desk.open("10-batch")
    panel.show()
    assert panel.rounding_form.digits_box.currentText() == "7 significant digits"
    assert panel.form.preset_box.currentText() != "Mazur's article"


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_nothing_is_cut_off(desk: Desk, qapp: QApplication, panel: ConventionsPanel, scale: float) -> None:
    theme().set_text_scale(scale)
    theme().apply(qapp)
    try:
        panel.resize(panel.minimumSizeHint().width(), 900)
        desk.settle()
        content = panel.widget()
        assert content.width() <= panel.viewport().width()
        for box in content.findChildren(QComboBox):
            if box.isVisible():
                assert box.mapTo(content, box.rect().topRight()).x() <= content.width()
                assert box.width() >= box.minimumSizeHint().width()
    finally:
        theme().set_text_scale(1.0)
        theme().apply(qapp)


def test_a_network_too_large_to_round_is_told(
    desk: Desk, panel: ConventionsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnviz_app.player.LARGEST_ROUNDED", 4)
    desk.preferences.changed.connect(lambda: desk.player.set_rounding(desk.preferences.rounding))
    message = panel.sections[panel.rounding_form].message
    choose(desk, panel.rounding_form.rounding_box, "Decimals, like the book")
    assert message.text() == desk.player.rounding_refused != ""
    choose(desk, panel.rounding_form.rounding_box, "Off")
    assert message.isHidden()
