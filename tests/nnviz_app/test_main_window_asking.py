"""Asking in the window: which keys go back, end and undo, and which panel stays in front."""

from __future__ import annotations

from PySide6.QtCore import Qt
from window_hands import LEFT, WindowHands

from core.quantities import Kind, Quantity
from nnviz_app.canvas.parts import PartKind

GRADIENT = Quantity(Kind.WEIGHT_GRAD, "w5")
DELTA = Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")


def follow_delta(hands: WindowHands) -> None:
    """With w5 selected, go from its gradient to the delta of o1 by a click into the formula."""
    window = hands.window
    hands.player.go_to(hands.player.length)
    hands.click_item(PartKind.GRADIENT, "w5")
    hands.qtbot.waitUntil(lambda: window.explain.symbols.plain().startswith("∂L/∂w5"))
    assert window.inquiry.trail == (GRADIENT,)
    assert window.selection.edges == ["w5"]
    spot = dict(window.explain.symbols.operand_boxes())[0].center().toPoint()
    hands.qtbot.mouseClick(window.explain.symbols, LEFT, pos=spot)
    hands.qtbot.waitUntil(lambda: window.inquiry.quantity == DELTA)


def test_backspace_goes_back_and_deletes_nothing(hands: WindowHands) -> None:
    follow_delta(hands)
    inquiry, edges = hands.window.inquiry, set(hands.project.network.edges)
    for trail in (1, 0, 0):
        hands.key(Qt.Key.Key_Backspace)
        hands.settle()
        assert len(inquiry.trail) == trail
        assert set(hands.project.network.edges) == edges
    # The arrow keys step as everywhere.
    index = hands.player.index
    hands.key(Qt.Key.Key_Left)
    assert hands.player.index == index - 1


def test_escape_ends_an_inquiry_in_the_panel_and_on_the_canvas(hands: WindowHands) -> None:
    follow_delta(hands)
    hands.key(Qt.Key.Key_Escape)
    assert not hands.window.inquiry.trail
    assert hands.window.selection.edges == ["w5"]
    hands.click_item(PartKind.GRADIENT, "w5")
    assert hands.window.inquiry.trail
    hands.key(Qt.Key.Key_Escape)
    assert not hands.window.inquiry.trail
    assert not hands.window.selection.edges


def test_inside_stays_in_front_when_a_neuron_is_clicked(hands: WindowHands) -> None:
    docks = hands.window.docks
    docks["Inside"].raise_()
    hands.settle()
    hands.click_item(PartKind.NEURON, "o1")
    hands.settle()
    assert not docks["Inside"].visibleRegion().isEmpty()
    assert hands.window.inside.title.text().startswith("o1")


def test_undo_in_a_field_takes_back_what_was_entered(hands: WindowHands) -> None:
    hands.window.selection.set({"w5"})
    hands.settle()
    field = hands.window.inspector.edge_form.weight
    field.setFocus()
    field.selectAll()
    hands.keys("0.7")
    hands.key(Qt.Key.Key_Return)
    assert hands.project.network.weight("w5") == 0.7
    hands.press("Ctrl+Z")
    assert hands.project.network.weight("w5") == 0.4
    assert field.text() == "0.4"
    # What is being typed is the field's own to take back.
    hands.keys("9")
    hands.press("Ctrl+Z")
    assert field.text() == "0.4"
    assert hands.project.network.weight("w5") == 0.4
