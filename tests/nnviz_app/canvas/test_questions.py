"""Asking on the canvas: a click on a number, pointing, paths, highlights and what is hidden."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.style import Notation, Rounding
from nnviz_app.canvas.scene import PartKind
from nnviz_app.examples import first_example
from nnviz_app.inquiry import Inquiry
from nnviz_app.spotlight import Spotlight


class Desk:
    """A canvas with the worked example, all steps done, and what questions meet in."""

    def __init__(self, hands: Any) -> None:
        self.hands = hands
        self.inquiry, self.spotlight = Inquiry(hands.player), Spotlight(hands.document)
        hands.view.set_inquiry(self.inquiry)
        hands.view.set_spotlight(self.spotlight)
        hands.document.open_project(load_project(first_example().path))
        hands.player.go_to(hands.player.length)
        hands.view.fit()

    @property
    def scene(self) -> Any:
        return self.hands.view.canvas_scene

    def picture(self) -> Any:
        return self.hands.view.grab().toImage()


@pytest.fixture
def desk(hands: Any) -> Desk:
    return Desk(hands)


@pytest.mark.parametrize(
    ("kind", "subject", "asked"),
    [
        (PartKind.VALUE, "h1", Quantity(Kind.ACTIVATION, "h1")),
        (PartKind.VALUE, "i1", Quantity(Kind.INPUT, "i1")),
        (PartKind.DELTA, "o1", Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")),
        (PartKind.BIAS, "h1", Quantity(Kind.BIAS, "h1")),
        (PartKind.TARGET, "o2", Quantity(Kind.TARGET, "o2")),
        (PartKind.SHARE, "o1", Quantity(Kind.LOSS_SHARE, "o1")),
        (PartKind.LOSS, "", Quantity(Kind.LOSS)),
        (PartKind.WEIGHT, "w5", Quantity(Kind.UPDATE, "w5")),
    ],
)
def test_a_click_on_a_number_asks_about_it(desk: Desk, kind: PartKind, subject: str, asked: Quantity) -> None:
    desk.hands.click(desk.hands.part(kind, subject))
    assert desk.inquiry.trail == (asked,)
    if subject:
        assert desk.hands.selection.ids == [subject]


def test_what_an_edge_tells_is_asked_about_by_phase(desk: Desk) -> None:
    trace = desk.hands.player.trace
    desk.hands.player.go_to(trace.index_of(Quantity(Kind.WEIGHT_GRAD, "w5")) + 1)
    desk.hands.click(desk.hands.part(PartKind.GRADIENT, "w5"))
    assert desk.inquiry.quantity == Quantity(Kind.WEIGHT_GRAD, "w5")
    desk.hands.click(desk.hands.part(PartKind.WEIGHT, "w5"))
    assert desk.inquiry.quantity == Quantity(Kind.WEIGHT, "w5")


def test_a_click_beside_all_numbers_ends_the_question(desk: Desk) -> None:
    desk.inquiry.ask(Quantity(Kind.LOSS))
    desk.hands.click(desk.hands.view.rect().topLeft() + desk.hands.view.rect().center() / 40)
    assert not desk.inquiry.trail


def test_a_drag_from_a_number_does_not_ask(desk: Desk) -> None:
    at = desk.hands.part(PartKind.VALUE, "h1")
    desk.hands.drag(at, at + desk.hands.view.rect().center() / 8)
    assert not desk.inquiry.trail


def test_the_canvas_tells_the_story_of_the_number_asked_about(desk: Desk) -> None:
    desk.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w5"))
    focus = desk.scene.focus
    assert focus.active == {(PartKind.GRADIENT, "w5")}
    assert focus.operands == {(PartKind.DELTA, "o1"), (PartKind.VALUE, "h1")}
    assert focus.dims
    # The label shows the number that was asked about, not what its phase would show.
    assert desk.scene.painted_text(PartKind.GRADIENT, "w5") == "∂ 0.08217"
    desk.inquiry.end()
    assert not desk.scene.focus.lights(PartKind.DELTA, "o1")


def test_pointing_goes_both_ways(desk: Desk) -> None:
    desk.hands.hover(desk.hands.part(PartKind.DELTA, "o1"))
    assert desk.inquiry.pointed == Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")
    desk.hands.hover(desk.hands.edge("w3"))
    assert desk.inquiry.pointed is not None
    assert desk.inquiry.pointed.subject == "w3"
    QApplication.sendEvent(desk.hands.view, QEvent(QEvent.Type.Leave))
    assert desk.inquiry.pointed is None
    before = desk.picture()
    desk.inquiry.point_at(Quantity(Kind.PRE_ACTIVATION_GRAD, "o1"))
    assert desk.scene.focus.lights(PartKind.DELTA, "o1")
    assert desk.picture() != before


def test_a_path_is_lit_and_all_else_paler(desk: Desk) -> None:
    before = desk.picture()
    desk.spotlight.show_path(["w1", "w7"])
    assert desk.scene.focus.active_edges == {"w1", "w7"}
    assert desk.scene.focus.curves == {"o2"}
    assert desk.picture() != before
    desk.spotlight.show_path(())
    assert desk.picture() == before


def test_parts_are_highlighted_and_hidden(desk: Desk) -> None:
    desk.spotlight.show_parts(highlighted=["h2", "w6"])
    assert "h2" in desk.scene.focus.active_neurons
    assert "w6" in desk.scene.focus.active_edges
    at = desk.hands.edge("w1")
    desk.spotlight.show_parts(hidden=["h1", "biases", "targets", "weights"])
    assert desk.scene.part(PartKind.WEIGHT, "w1") is None
    assert desk.scene.part(PartKind.BIAS, "h2") is None
    assert desk.scene.part(PartKind.TARGET, "o1") is None
    assert desk.scene.painted_text(PartKind.WEIGHT, "w6") == "w6"
    desk.hands.click(at)
    assert desk.hands.selection.ids == []
    desk.spotlight.show_parts()
    assert desk.scene.painted_text(PartKind.TARGET, "o1") == "t 0.01"
    assert desk.scene.part(PartKind.WEIGHT, "w1") is not None


def test_the_notation_is_everywhere(desk: Desk) -> None:
    desk.hands.preferences.set_notation(
        Notation(pre_activation="net", activation="out", delta="derivative", weights="ends", loss="E")
    )
    trace = desk.hands.player.trace
    desk.hands.player.go_to(trace.index_of(Quantity(Kind.WEIGHTED_SUM, "o1")) + 1)
    assert desk.scene.painted_text(PartKind.PRE_ACTIVATION, "o1") == "net 1.106"
    assert desk.scene.painted_text(PartKind.WEIGHT, "w5") == "h1,o1 0.4"
    assert desk.scene.painted_text(PartKind.SHARE, "o1").startswith("½(t−out)²")
    desk.hands.player.go_to(trace.index_of(Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")) + 1)
    assert desk.scene.painted_text(PartKind.DELTA, "o1") == "∂E/∂net 0.1385"


def test_rounding_like_a_book_shows_what_a_book_prints(desk: Desk) -> None:
    with desk.hands.document.edit("Weight") as draft:
        draft.network.set_value("w5", 0.123456)
    desk.hands.preferences.set_rounding(Rounding(3))
    desk.hands.player.set_rounding(Rounding(3))
    trace = desk.hands.player.trace
    desk.hands.player.go_to(trace.index_of(Quantity(Kind.ACTIVATION, "h1")) + 1)
    assert desk.scene.painted_text(PartKind.VALUE, "h1") == "0.593"
    assert desk.scene.painted_text(PartKind.WEIGHT, "w5") == "w5 0.123"


def test_another_network_may_be_opened_while_something_is_asked(desk: Desk) -> None:
    desk.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w5"))
    desk.inquiry.point_at(Quantity(Kind.DROPOUT, "h1"))
    desk.spotlight.show_parts(highlighted=["h1"])
    desk.hands.open(1, 1)
    assert not desk.inquiry.trail
    assert set(desk.scene.focus.active_neurons) <= {"i1", "o1"}
