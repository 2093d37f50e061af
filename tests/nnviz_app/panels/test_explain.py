"""The explain panel: what came out, what comes next, and copying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from core.dataset import Dataset
from core.network import Role
from core.project import Project
from core.quantities import Kind
from nnviz_app.formula import lay_out
from nnviz_app.panels.explain import BEGIN, DONE, DONE_WITHOUT_LOSS, EMPTY, ExplainPanel, formula_pieces
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk


@pytest.fixture
def panel(desk: Desk) -> ExplainPanel:
    panel = desk.show(ExplainPanel(desk.player, desk.preferences, desk.inquiry), 360, 420)
    desk.settle()
    return panel


def make_wide(desk: Desk, sources: int) -> None:
    """One output with many incoming edges."""
    with desk.document.edit("Wide") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
        draft.network.add_neuron(Role.OUTPUT, id="y")
        for number in range(1, sources + 1):
            draft.network.add_neuron(Role.INPUT, id=f"x{number}")
            draft.network.connect(f"x{number}", "y", weight=number / 10)
        draft.dataset = Dataset({**{f"x{n}": [1.0] for n in range(1, sources + 1)}, "y": [0.0]})
    desk.settle()


def test_at_the_start_it_says_how_to_begin(desk: Desk, panel: ExplainPanel) -> None:
    assert panel.sentence.text() == BEGIN
    assert not panel.result.isVisible()
    assert not panel.head.isVisible()
    assert panel.next.isVisible()
    assert panel.next.title.text() == "Next: a(i1)"
    assert panel.next.formula.plain().endswith("= ?")


def test_a_step_stands_in_three_lines(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.settle()
    assert panel.phase.text() == "BACKWARD"
    assert panel.sentence.text() == "The gradient of w5: δ of o1 times the activation of h1."
    assert panel.symbols.latex() == r"\frac{\partial L}{\partial w_{5}} = \delta_{o1} \cdot a_{h1}"
    assert panel.numbers.latex() == r"= 0.1385 \cdot 0.5933"
    assert panel.result.latex() == "= 0.08217"
    assert "0.0821670405642307" in panel.result.toolTip()
    colors = theme().palette
    assert panel.symbols.color() == colors.text
    assert panel.numbers.color() == panel.result.color() == colors.backward


def test_what_comes_next_looks_about_to_be(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.settle()
    assert panel.next.title.text() == "Next: ∂L/∂w6"
    assert panel.next.formula.latex().endswith("= {?}")
    assert panel.next.formula.color() == theme().palette.muted


def test_forward_has_its_own_hue(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    assert panel.result.color() == theme().palette.forward
    assert panel.phase.property("phase") == "forward"


def test_a_line_without_numbers_is_left_out(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.BIAS_GRAD, "o1")
    desk.settle()
    assert not panel.numbers.isVisible()
    assert panel.result.isVisible()


def test_at_the_end_it_says_what_the_next_press_does(desk: Desk, panel: ExplainPanel) -> None:
    desk.player.go_to(desk.player.length)
    desk.settle()
    assert not panel.next.isVisible()
    assert panel.end.text() == DONE
    with desk.document.edit("No outputs") as draft:
        for neuron in draft.network.outputs:
            draft.network.set_role(neuron.id, Role.HIDDEN)
    desk.player.go_to(desk.player.length)
    desk.settle()
    assert panel.end.text() == DONE_WITHOUT_LOSS


def test_with_nothing_to_step_it_says_so(desk: Desk, panel: ExplainPanel) -> None:
    with desk.document.edit("No rows") as draft:
        draft.dataset.delete_rows([0])
    desk.settle()
    assert panel.sentence.text() == EMPTY
    assert not panel.next.isVisible()


def test_it_never_says_that_there_is_nothing_when_there_is(desk: Desk) -> None:
    project = desk.document.project
    desk.document.open_project(Project())
    panel = desk.show(ExplainPanel(desk.player, desk.preferences, desk.inquiry), 360, 420)
    assert panel.sentence.text() == EMPTY
    # No event is handled in between, as when keys are held down.
    desk.document.open_project(project)
    assert panel.sentence.text() == BEGIN
    desk.player.go_to(18)
    assert panel.sentence.text() in ("", BEGIN)
    desk.document.open_project(Project())
    desk.settle()
    desk.document.open_project(project)
    desk.player.go_to(18)
    desk.settle()
    assert panel.explanation is not None
    assert panel.result.isVisible()


def test_digits_are_the_preferred_ones(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.preferences.set_digits(7)
    desk.settle()
    # What is printed, 0.1384986 · 0.59327, is 0.08216706.
    assert panel.result.latex() == r"\approx 0.08216704"


def test_every_step_of_every_example_can_be_typeset(desk: Desk, panel: ExplainPanel) -> None:
    for example in ("09-three-classes", "11-tied-weights"):
        desk.open(example)
        for index in range(1, desk.player.length + 1, 9):
            desk.player.go_to(index)
            panel.refresh()
            for formula in (panel.symbols, panel.numbers, panel.result, panel.next.formula):
                assert not formula.latex() or lay_out(formula.latex()) is not None, formula.latex()


def test_copying(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.settle()
    actions = {action.text(): action for action in panel.copy_menu.actions()}
    actions["As text"].trigger()
    assert QGuiApplication.clipboard().text() == (
        "The gradient of w5: δ of o1 times the activation of h1.\n∂L/∂w5 = δ(o1) · a(h1)\n= 0.1385 × 0.5933 = 0.08217"
    )
    actions["As LaTeX"].trigger()
    assert QGuiApplication.clipboard().text() == (
        r"\frac{\partial L}{\partial w_{5}} = \delta_{o1} \cdot a_{h1} = 0.1385 \cdot 0.5933 = 0.08217"
    )
    actions["Result only"].trigger()
    assert float(QGuiApplication.clipboard().text()) == pytest.approx(0.08216704056423077, rel=1e-14)


def test_a_long_sum_stays_readable_and_opens(desk: Desk, panel: ExplainPanel) -> None:
    make_wide(desk, 50)
    desk.step_to(Kind.WEIGHTED_SUM, "y")
    desk.settle()
    assert "more" in panel.symbols.plain() or "more" in panel.symbols.latex()
    for formula in (panel.symbols, panel.numbers):
        assert formula.height() >= formula.heightForWidth(formula.width())
        assert formula.fitted().width <= formula.width()
    assert panel.more.isVisible()
    assert panel.more.text() == "Made of 51 numbers"
    assert not panel.tree.isVisible()
    desk.qtbot.mouseClick(panel.more, Qt.MouseButton.LeftButton)
    assert panel.tree.isVisible()
    model = panel.tree_model
    assert model.rowCount() == 51
    assert [model.index(1, c).data() for c in (0, 1)] == ["w2 · a(x2)", "0.2"]
    desk.qtbot.mouseClick(panel.more, Qt.MouseButton.LeftButton)
    assert not panel.tree.isVisible()


def test_many_moves_at_once_are_typeset_once(desk: Desk, panel: ExplainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(panel.result, "set_latex", lambda latex, **_: shown.append(latex))
    for _ in range(20):
        desk.player.forward()
    desk.settle()
    assert len(shown) == 1


def test_a_hidden_panel_catches_up_when_shown(desk: Desk, panel: ExplainPanel) -> None:
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    panel.hide()
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.settle()
    panel.show()
    assert panel.result.latex() == "= 0.08217"


@pytest.mark.parametrize("width", [260, 400])
def test_nothing_is_cut_off(desk: Desk, panel: ExplainPanel, width: int) -> None:
    panel.resize(width, 400)
    for index in range(1, desk.player.length, 4):
        desk.player.go_to(index)
        desk.settle()
        assert panel.width() == width
        for widget in (panel.sentence, panel.symbols, panel.numbers, panel.result, panel.next):
            if widget.isVisible():
                assert widget.mapTo(panel, widget.rect().topRight()).x() < width
                assert widget.height() >= widget.heightForWidth(widget.width())


def test_a_mean_over_a_batch_is_broken_rather_than_tiny(desk: Desk, panel: ExplainPanel) -> None:
    desk.open("09-three-classes")
    desk.step_to(Kind.PARAMETER_GRAD, "w1")
    desk.settle()
    assert "".join(formula_pieces(panel.numbers.latex())) == panel.numbers.latex()
    fitted = panel.numbers.fitted()
    assert len(fitted.lines) > 1
    assert fitted.size >= 0.75 * panel.numbers.text_size()
