"""Why is this number what it is? Asking, following operands in formulas and in the tree, and going back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication

from core.dataset import Dataset
from core.quantities import Kind, Quantity
from core.style import Notation, Rounding
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.panels.explain import ExplainPanel


def q(kind: Kind, subject: str = "") -> Quantity:
    return Quantity(kind, subject)


@pytest.fixture
def panel(desk) -> ExplainPanel:
    desk.player.go_to(desk.player.length)
    made = desk.show(ExplainPanel(desk.player, desk.preferences, desk.inquiry), 420, 700)
    desk.settle()
    return made


def middle_of(formula: FormulaLabel, place: int) -> QPoint:
    return dict(formula.operand_boxes())[place].center().toPoint()


def hover(formula: FormulaLabel, at: QPoint) -> None:
    """The pointer moves there; sent to the widget, whatever other windows stood under the real pointer before."""
    where, none = QPointF(at), Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, QPointF(formula.mapToGlobal(at)), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(formula, event)


def click(desk, formula: FormulaLabel, place: int) -> None:
    desk.qtbot.mouseClick(formula, Qt.MouseButton.LeftButton, pos=middle_of(formula, place))
    desk.settle()


def test_operands_lead_four_levels_down_and_back(desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(q(Kind.WEIGHT_GRAD, "w5"))
    desk.settle()
    assert panel.symbols.plain() == "∂L/∂w5 = δ(o1) · a(h1)"
    assert not panel.next.isVisible()
    click(desk, panel.symbols, 0)
    assert desk.inquiry.quantity == q(Kind.PRE_ACTIVATION_GRAD, "o1")
    click(desk, panel.numbers, 0)
    assert desk.inquiry.quantity == q(Kind.ACTIVATION_GRAD, "o1")
    click(desk, panel.symbols, 0)
    assert desk.inquiry.quantity == q(Kind.ACTIVATION, "o1")
    click(desk, panel.symbols, 0)
    assert desk.inquiry.quantity == q(Kind.WEIGHTED_SUM, "o1")
    for name in ("∂L/∂w5", "δ(o1)", "z(o1)"):
        assert name in panel.trail.label.text()
    assert panel.result.latex() == "= 1.106"
    desk.qtbot.mouseClick(panel.trail.back_button, Qt.MouseButton.LeftButton)
    assert desk.inquiry.quantity == q(Kind.ACTIVATION, "o1")
    panel.trail.label.linkActivated.emit("0")
    assert desk.inquiry.trail == (q(Kind.WEIGHT_GRAD, "w5"),)
    desk.qtbot.mouseClick(panel.trail.end_button, Qt.MouseButton.LeftButton)
    desk.settle()
    assert not desk.inquiry.trail
    assert not panel.trail.isVisible()


def test_pointing_at_an_operand_lights_it_and_tells_the_others(desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(q(Kind.WEIGHT_GRAD, "w5"))
    desk.settle()
    hover(panel.symbols, middle_of(panel.symbols, 1))
    desk.qtbot.waitUntil(lambda: desk.inquiry.pointed == q(Kind.ACTIVATION, "h1"))
    before = panel.symbols.grab().toImage()
    hover(panel.symbols, QPoint(1, 1))
    desk.qtbot.waitUntil(lambda: desk.inquiry.pointed is None)
    assert panel.symbols.grab().toImage() != before
    # What the canvas points at: that very number, else another one of the same neuron.
    dark = panel.numbers.grab().toImage()
    desk.inquiry.point_at(q(Kind.WEIGHTED_SUM, "h1"))
    assert panel.numbers.grab().toImage() != dark


def test_the_tree_opens_down_to_inputs_and_parameters(desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(q(Kind.ACTIVATION, "h1"))
    desk.settle()
    desk.qtbot.mouseClick(panel.more, Qt.MouseButton.LeftButton)
    model, view = panel.tree_model, panel.tree
    z = model.index(0, 0)
    assert z.data() == "z(h1) = w1·a(i1) + w2·a(i2) + b(h1)"
    view.expand(z)
    assert [model.index(row, 0, z).data() for row in range(3)] == [
        "w1 · a(i1)",
        "w2 · a(i2)",
        "b(h1)  (parameter)",
    ]
    product = model.index(0, 0, z)
    view.expand(product)
    leaves = [model.index(row, 0, product) for row in range(2)]
    assert [leaf.data() for leaf in leaves] == ["w1  (parameter)", "a(i1)  (input)"]
    assert not any(model.hasChildren(leaf) for leaf in leaves)
    assert model.index(0, 1, product).data() == "0.15"
    view.setCurrentIndex(product)
    desk.qtbot.keyClick(view, Qt.Key.Key_Return)
    assert desk.inquiry.trail == (q(Kind.ACTIVATION, "h1"), q(Kind.PRODUCT, "w1"))
    desk.settle()
    assert panel.result.latex() == "= 0.0075"


def test_a_number_that_is_not_computed_yet_is_not_given_away(desk, panel: ExplainPanel) -> None:
    desk.player.go_to(3)
    desk.inquiry.ask(q(Kind.WEIGHT_GRAD, "w5"))
    desk.settle()
    assert panel.symbols.isVisible()
    assert not panel.numbers.isVisible()
    assert not panel.result.isVisible()
    assert "go to its step" in panel.missing.text()
    panel.missing.linkActivated.emit("step")
    desk.settle()
    assert desk.player.step is not None
    assert desk.player.step.quantity == q(Kind.WEIGHT_GRAD, "w5")
    assert panel.result.latex() == "= 0.08217"


def test_a_step_ends_the_inquiry(desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(q(Kind.WEIGHT_GRAD, "w5"))
    desk.player.back()
    desk.settle()
    assert not desk.inquiry.trail
    assert panel.sentence.text().startswith("The new")


def test_another_notation_and_rounding_like_a_book(desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(q(Kind.ACTIVATION, "h1"))
    desk.preferences.set_notation(Notation(pre_activation="net", activation="out"))
    desk.settle()
    assert panel.symbols.plain().startswith("out(h1) = ")
    desk.player.set_rounding(Rounding(3))
    desk.preferences.set_rounding(Rounding(3))
    desk.settle()
    assert panel.result.latex() == "= 0.593"
    assert "Rounded to 3 decimals at each step" in panel.note.text()
    assert "0.5932699921071872" in panel.note.text()
    # The script has all digits: rounded this would be 0.378.
    panel.copy_as_python()
    assert "z_h1 = 0.3775 " in QGuiApplication.clipboard().text()
    assert not desk.player.rounding_refused


def test_a_batch_that_is_too_large_to_be_rounded_at_each_step_stays_exact(
    desk, panel: ExplainPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.inquiry.ask(q(Kind.ACTIVATION, "h1"))
    monkeypatch.setattr("nnviz_app.player.LARGEST_ROUNDED", 7)
    desk.player.set_rounding(Rounding(3))
    desk.settle()
    assert panel.result.latex() == "= 0.5933"
    assert panel.note.text() == ("Rounding at each step is for networks of up to 7 edges; the numbers shown are exact.")


def test_copying_as_python_runs(desk, panel: ExplainPanel, capsys: pytest.CaptureFixture[str]) -> None:
    desk.inquiry.ask(q(Kind.WEIGHTED_SUM, "o1"))
    desk.settle()
    panel.copy_as_python()
    exec(QGuiApplication.clipboard().text(), {})
    assert float(capsys.readouterr().out) == pytest.approx(1.1059059670597702, rel=1e-14)


def test_of_a_batch_it_says_which_sample_a_number_is_of(desk, panel: ExplainPanel) -> None:
    with desk.document.edit("A batch of three") as draft:
        draft.dataset = Dataset({name: [0.1, 0.2, 0.3] for name in ("i1", "i2", "o1", "o2")})
        draft.settings = replace(draft.settings, batch_size=0)
    desk.player.go_to(desk.player.length)
    desk.inquiry.ask(q(Kind.PARAMETER_GRAD, "w5"))
    desk.settle()
    assert panel.phase.text() == "UPDATE"
    click(desk, panel.numbers, 1)
    assert desk.inquiry.quantity == Quantity(Kind.WEIGHT_GRAD, "w5", 1)
    assert panel.phase.text() == "BACKWARD · sample 2 of 3"
    desk.inquiry.end()
    desk.settle()
    assert panel.phase.text() == "UPDATE"


def test_settings_that_make_no_update_possible_are_told(desk, panel: ExplainPanel) -> None:
    with desk.document.edit("A batch through updated weights") as draft:
        draft.dataset = Dataset({name: [0.1, 0.2] for name in ("i1", "i2", "o1", "o2")})
        draft.settings = replace(draft.settings, batch_size=0, updated_weights=True)
    desk.settle()
    assert desk.player.problem
    assert panel.sentence.text() == desk.player.problem
