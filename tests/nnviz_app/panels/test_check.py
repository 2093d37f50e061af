"""The panel "Check": three answers to one question, the paths behind them, and what a book says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel

from core.answers import three_answers
from core.dataset import Dataset
from core.network import Role
from core.numbers import format_exact, format_number
from core.project import Project
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.style import Notation, Rounding
from nnviz_app.panels import check as check_module
from nnviz_app.panels import parameter_box
from nnviz_app.panels.answer_rows import agreement, align, differing
from nnviz_app.panels.book_box import convention_settings
from nnviz_app.panels.check import EMPTY, RUNNING, CheckPanel
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def usual_looks() -> Iterator[None]:
    yield
    theme().set_mode("light")
    theme().set_text_scale(1.0)


@pytest.fixture
def panel(desk: Desk) -> CheckPanel:
    made = CheckPanel(desk.document, desk.player, desk.selection, desk.inquiry, desk.spotlight, desk.preferences)
    desk.show(made, 400, 700)
    desk.settle()
    return made


def plain(panel: CheckPanel, place: int) -> str:
    """A number of the three as it is read, without its colours."""
    text = panel.rows.numbers[place].text()
    while "<" in text:
        text = text[: text.index("<")] + text[text.index(">") + 1 :]
    return text


def type_number(desk: Desk, panel: CheckPanel, text: str) -> None:
    field = panel.book.field
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, text)
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    desk.settle()


def row_spot(panel: CheckPanel, row: int) -> QPoint:
    view = panel.path_list.view
    return view.visualRect(view.model().index(row, 0)).center()


def hover(desk: Desk, panel: CheckPanel, row: int) -> None:
    viewport, spot = panel.path_list.view.viewport(), QPointF(row_spot(panel, row))
    none = Qt.MouseButton.NoButton
    where = QPointF(viewport.mapToGlobal(spot.toPoint()))
    event = QMouseEvent(QEvent.Type.MouseMove, spot, where, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(viewport, event)
    desk.settle()


# Which parameter


def test_the_selected_parameter_comes_first_then_the_inquiry_then_the_step(desk: Desk, panel: CheckPanel) -> None:
    assert panel.parameter_box.parameter == "w1"
    desk.step_to(Kind.WEIGHT_GRAD, "w7")
    desk.settle()
    assert panel.title.text() == "∂L/∂w7 for row 1"
    desk.inquiry.ask(Quantity(Kind.PRE_ACTIVATION_GRAD, "h2"))
    desk.settle()
    assert panel.title.text() == "∂L/∂b(h2) for row 1"
    desk.select("w5")
    assert panel.title.text() == "∂L/∂w5 for row 1"
    assert panel.parameter_box.currentText() == "w5"
    # An input has no parameter.
    desk.select("i1")
    assert panel.title.text() == "∂L/∂b(h2) for row 1"


def test_in_a_large_network_steps_are_not_followed(
    desk: Desk, panel: CheckPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameter_box, "MOST_FOLLOWED", 7)
    desk.step_to(Kind.WEIGHT_GRAD, "w7")
    desk.settle()
    assert panel.parameter_box.parameter == "w1"
    desk.select("w5")
    assert panel.parameter_box.parameter == "w5"


def test_a_parameter_can_be_chosen_in_the_box(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    panel.parameter_box.setFocus()
    desk.qtbot.keyClick(panel.parameter_box, Qt.Key.Key_Down)
    desk.settle()
    assert panel.answers is not None
    assert panel.answers.parameter == "w6"
    desk.player.forward()
    desk.settle()
    assert panel.answers.parameter == "w6"
    desk.select("w2")
    assert panel.answers.parameter == "w2"


# The three answers


def test_three_numbers_under_each_other(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    # The worked example by hand: 0.74136507 · 0.186815602 · 0.593269992.
    by_hand = 0.74136507 * 0.186815602 * 0.593269992
    shown = [float(plain(panel, place)) for place in range(3)]
    assert shown == pytest.approx([by_hand] * 3, rel=1e-7)
    assert len({len(plain(panel, place)) for place in range(3)}) == 1
    assert panel.badge.property("message") == "success"
    assert panel.badge.text().startswith("All three agree to ")
    assert panel.answers is not None
    worst = max(panel.answers.errors.values())
    assert panel.badge.text().endswith(f"digits, {format_number(worst, 2)}.")


def test_another_h_makes_the_quotient_worse_and_says_why(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    box = panel.rows.step_box
    box.setFocus()
    desk.qtbot.keyClick(box, Qt.Key.Key_Down)
    desk.settle()
    assert box.currentText() == "h = 1e−2"
    assert panel.answers is not None
    assert panel.answers.step == 1e-2
    assert panel.badge.property("message") == "warning"
    assert "The step h = 0.01 is too large" in panel.badge.text()
    # Only the digits that differ are marked.
    assert "<span" in panel.rows.numbers[1].text()
    assert "<span" not in panel.rows.numbers[0].text()


def test_a_kink_is_named(desk: Desk, panel: CheckPanel) -> None:
    with desk.document.edit("Kink") as draft:
        draft.network.set_activation("h1", "relu")
        for name, value in (("w1", 0.0), ("w2", 0.0), ("h1", 0.0)):
            draft.network.set_value(name, value)
    desk.select("w1")
    assert panel.badge.property("message") == "warning"
    text = panel.badge.text()
    assert text.startswith(
        "Backpropagation and the difference differ (relative error 1). Backpropagation and the paths"
    )
    assert "The ReLU of h1 has a kink between w − h and w + h" in text


def test_it_is_the_row_on_show(desk: Desk, panel: CheckPanel) -> None:
    desk.open("10-batch")
    desk.settle()
    name = panel.parameter_box.parameter
    for row in (0, 2):
        desk.player.select_row(row)
        desk.settle()
        assert panel.title.text().endswith(f"for row {row + 1} alone")
        assert desk.player.trace is not None
        expected = three_answers(desk.player.trace, name, sample=desk.player.sample)
        assert panel.rows.numbers[0].toolTip() == format_exact(expected.backpropagated)


def test_rounding_of_the_numbers_on_show_does_not_change_the_check(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    before = plain(panel, 0)
    desk.player.set_rounding(Rounding(2))
    desk.settle()
    assert plain(panel, 0) == before
    assert panel.badge.property("message") == "success"


def test_helpers() -> None:
    assert align([0.25, -0.125], 3) == ["0.250", "−0.125"]
    assert align([1.5e-9, 1.25e-9], 3) == ["1.50e−9", "1.25e−9"]
    assert align([0.0, 0.0], 3) == ["0.00", "0.00"]
    assert align([float("inf"), 1.0], 2) == ["∞", "1.0"]
    assert differing("0.250", "0.251") == 4
    assert differing("0.250", "0.250") == 5
    assert agreement(2.1e-10) == "agree to 9 digits, 2.1e−10"
    assert agreement(0.0) == "agree to 15 digits"
    assert agreement(0.04) == "agree to 1 digit, 0.04"
    assert agreement(1.0) == "differ (relative error 1)"
    assert agreement(float("inf")) == "cannot be compared"


# The paths


def test_paths_are_listed_with_their_sum(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    paths = panel.path_list
    assert paths.count_label.text() == "2 paths to the loss"
    texts = [paths.model.data(paths.model.index(row)) for row in range(2)]
    assert texts == ["i1 → h1 → o1 → L: 0.0006684", "i1 → h1 → o2 → L: −0.0002298"]
    tip = paths.model.data(paths.model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert isinstance(tip, str)
    assert tip.startswith("a(i1) · σ′(z(h1)) · w5 · σ′(z(o1)) · ∂L(o1)/∂a(o1)\n= 0.05 · ")
    assert tip.endswith("of the sum")
    assert paths.sum_label.text() == "∂L/∂w1 = their sum = 0.0004386"


def test_the_notation_and_the_digits_are_followed(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    desk.preferences.set_notation(Notation(pre_activation="net", activation="out", loss="E"))
    desk.preferences.set_digits(6)
    desk.settle()
    text = panel.path_list.model.data(panel.path_list.model.index(0))
    assert text == "i1 → h1 → o1 → E: 0.000668396"
    assert panel.title.text() == "∂E/∂w1 for row 1"
    assert "net(h1)" in str(panel.path_list.model.data(panel.path_list.model.index(0), Qt.ItemDataRole.ToolTipRole))


def test_a_path_is_lit_while_pointed_at(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    hover(desk, panel, 1)
    assert desk.spotlight.path == ("w1", "w7")
    hover(desk, panel, 0)
    assert desk.spotlight.path == ("w1", "w5")
    QApplication.sendEvent(panel.path_list.view, QEvent(QEvent.Type.Leave))
    assert desk.spotlight.path == ()


def test_a_path_that_is_clicked_stays_lit_and_is_typeset(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    view = panel.path_list.view
    desk.qtbot.mouseClick(view.viewport(), LEFT, pos=row_spot(panel, 1))
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert desk.spotlight.path == ("w1", "w7")
    assert panel.path_list.formula.isVisible()
    assert panel.path_list.formula.latex().endswith("= -0.0002298")
    desk.qtbot.keyClick(view, Qt.Key.Key_Up)
    assert desk.spotlight.path == ("w1", "w5")
    desk.qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert desk.spotlight.path == ()
    assert not panel.path_list.formula.isVisible()
    desk.qtbot.mouseClick(view.viewport(), LEFT, pos=row_spot(panel, 0))
    desk.qtbot.mouseClick(view.viewport(), LEFT, pos=row_spot(panel, 0))
    assert view.chosen is None
    desk.qtbot.mouseClick(view.viewport(), LEFT, pos=row_spot(panel, 0))
    panel.hide()
    assert desk.spotlight.path == ()


def test_what_others_light_is_left_alone(desk: Desk, panel: CheckPanel) -> None:
    desk.spotlight.show_path(["w3", "w6"])
    desk.select("w1")
    desk.player.forward()
    desk.settle()
    panel.hide()
    assert desk.spotlight.path == ("w3", "w6")
    panel.show()
    desk.settle()
    hover(desk, panel, 0)
    # Another parameter has other paths.
    desk.select("w2")
    assert desk.spotlight.path == ()


def test_a_bar_is_as_long_as_its_share(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    view = panel.path_list.view
    image = view.viewport().grab().toImage()
    lengths = []
    for row, color in enumerate((theme().palette.positive, theme().palette.negative)):
        rect = view.visualRect(view.model().index(row, 0))
        lines = range(rect.top(), rect.bottom() + 1)
        lengths.append(max(sum(image.pixelColor(x, y) == color for x in range(image.width())) for y in lines))
    assert lengths[1] / lengths[0] == pytest.approx(0.0002298 / 0.0006684, abs=0.02)


def test_more_paths_than_can_be_listed(desk: Desk, panel: CheckPanel) -> None:
    project = Project()
    network, rng = project.network, np.random.default_rng(1)
    before = [network.add_neuron(Role.INPUT, id="x").id]
    for layer in range(8):
        here = [network.add_neuron(Role.HIDDEN, id=f"h{layer}_{k}", activation="tanh").id for k in range(6)]
        for source in before:
            for target in here:
                network.connect(source, target, weight=float(rng.normal()))
        before = here
    network.add_neuron(Role.OUTPUT, id="y")
    for source in before:
        network.connect(source, "y", weight=0.5)
    project.dataset = Dataset({"x": [0.5], "y": [0.1]})
    desk.document.open_project(project)
    desk.settle()
    assert panel.answers is not None
    count = 6**7
    assert panel.answers.paths.count == count
    assert panel.path_list.count_label.text() == f"Showing 200 of {count:,} paths: the largest"
    assert f"sum over all {count:,}" in panel.path_list.sum_label.text()
    assert panel.path_list.model.rowCount() == 200
    assert panel.badge.property("message") == "success"


# The book


def test_a_book_that_agrees(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    type_number(desk, panel, "0,0822")
    assert panel.book.verdict is not None
    assert panel.book.verdict.kind == "agrees"
    assert panel.book.message.text().startswith("It agrees")
    assert panel.book.message.property("message") == "success"
    assert not panel.book.buttons


def test_a_convention_can_be_taken_over_and_undone(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    assert desk.document.project.settings.loss == "half_squared_error"
    # Without the half the gradient is twice as large.
    type_number(desk, panel, "0.164334")
    assert panel.book.verdict is not None
    assert panel.book.verdict.kind == "convention"
    assert "leaves out the half" in panel.book.message.text()
    (button,) = panel.book.buttons
    before = desk.undo_texts
    desk.qtbot.mouseClick(button, LEFT)
    desk.settle()
    assert desk.document.project.settings.loss == "squared_error"
    assert desk.undo_texts == [*before, "Use the book's convention"]
    # What was typed is compared again.
    assert panel.book.field.text() == "0.164334"
    assert panel.book.verdict.kind == "agrees"
    desk.document.undo_stack.undo()
    desk.settle()
    assert desk.document.project.settings.loss == "half_squared_error"
    assert panel.book.verdict.kind == "convention"


def test_of_a_number_that_is_being_typed_nothing_is_said(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    type_number(desk, panel, "0.164334")
    assert panel.book.message.isVisible()
    desk.qtbot.keyClicks(panel.book.field, "7")
    assert not panel.book.message.isVisible()
    assert not panel.book.findings.isVisible()
    desk.qtbot.keyClick(panel.book.field, Qt.Key.Key_Escape)
    assert panel.book.field.text() == "0.164334"
    assert panel.book.message.isVisible()
    assert panel.book.findings.isVisible()


def test_a_slip_and_a_number_that_nothing_gives(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    # The derivative of the sigmoid is left out: 0.74136507 · 0.593269992.
    type_number(desk, panel, "0.439830")
    assert panel.book.verdict is not None
    assert panel.book.verdict.kind == "slip"
    assert not panel.book.buttons
    type_number(desk, panel, "123.456")
    assert panel.book.verdict.kind == "none"
    assert "None of the usual conventions" in panel.book.message.text()


def test_several_explanations_are_all_told(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w1")
    # One digit only: two slips that leave out a slope come to it.
    type_number(desk, panel, "0.002")
    verdict = panel.book.verdict
    assert verdict is not None
    assert verdict.kind == "ambiguous"
    told = [label.text() for label in panel.book.findings.findChildren(QLabel) if label.isVisible()]
    assert told == [finding.sentence for finding in verdict.findings]
    assert len(told) == 2
    type_number(desk, panel, "0.000439")
    assert not panel.book.findings.isVisible()


def test_what_is_no_number_is_said(desk: Desk, panel: CheckPanel) -> None:
    type_number(desk, panel, "about 3")
    assert panel.book.message.text() == "“about 3” is not a number: type a number such as 0.5, 0,5 or 1/3."
    assert panel.book.field.property("invalid")
    type_number(desk, panel, "0,5")
    assert not panel.book.field.property("invalid")
    assert panel.book.message.property("message") != "error"


def test_the_delta_of_a_neuron(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    box = panel.book.box
    assert [box.itemText(i) for i in range(3)] == ["∂L/∂w5", "δ(o1)", "δ(h1)"]
    box.setFocus()
    desk.qtbot.keyClick(box, Qt.Key.Key_Down)
    # 0.74136507 · 0.186815602
    type_number(desk, panel, "0.13849856")
    assert panel.book.verdict is not None
    assert panel.book.verdict.kind == "agrees"
    assert "δ(o1)" in panel.book.message.text()


def test_another_parameter_begins_anew(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    type_number(desk, panel, "0.0822")
    desk.player.forward()
    desk.settle()
    assert panel.book.message.isVisible()
    desk.select("w6")
    assert panel.book.field.text() == ""
    assert not panel.book.message.isVisible()


def test_a_book_that_rounds_at_each_step(desk: Desk, panel: CheckPanel) -> None:
    desk.select("w5")
    desk.player.set_rounding(Rounding(2))
    desk.settle()
    assert desk.player.trace is not None
    rounded = desk.player.trace.value(Quantity(Kind.PARAMETER_GRAD, "w5"))
    assert rounded == 0.08
    type_number(desk, panel, "0.0800")
    assert panel.book.verdict is not None
    assert panel.book.verdict.kind == "agrees"
    assert "Each step is rounded" in panel.book.message.text()


def test_settings_of_a_finding() -> None:
    settings = Settings()
    changed = convention_settings("loss:squared_error + batch:sum", settings)
    assert changed is not None
    assert (changed.loss, changed.batch_mean) == ("squared_error", False)
    both = convention_settings("updated_weights:True", settings)
    assert both is not None
    assert both.updated_weights
    for name in ("penalty", "whole_batch", "missing_slope:o1", "loss:squared_error + sign"):
        assert convention_settings(name, settings) is None


# When


def test_nothing_is_computed_while_hidden(desk: Desk, panel: CheckPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = check_module.three_answers
    monkeypatch.setattr(check_module, "three_answers", lambda *a, **k: made.append(a) or real(*a, **k))
    panel.hide()
    desk.select("w5")
    desk.player.forward()
    desk.settle()
    assert not made
    panel.show()
    desk.settle()
    assert len(made) == 1
    # A step changes nothing of the gradient.
    desk.player.forward()
    desk.settle()
    assert len(made) == 1


def test_during_a_run_and_without_a_network_it_says_so(desk: Desk, panel: CheckPanel) -> None:
    desk.player.lock(True)
    desk.player.moved.emit()
    desk.settle()
    assert panel.placeholder.text() == RUNNING
    assert panel.answers is None
    desk.player.lock(False)
    desk.player.moved.emit()
    desk.settle()
    assert not panel.placeholder.isVisible()
    desk.document.open_project(Project())
    desk.settle()
    assert panel.placeholder.text() == EMPTY


def test_nothing_is_cut_off(desk: Desk, panel: CheckPanel) -> None:
    for scale in (1.0, 1.6):
        theme().set_text_scale(scale)
        panel.resize(panel.minimumSizeHint().width(), 400)
        desk.settle()
        for label in (*panel.rows.numbers, *panel.rows.titles):
            assert label.width() >= label.sizeHint().width()
            right = label.mapTo(panel, QPoint(label.width(), 0)).x()
            assert right <= panel.width()
