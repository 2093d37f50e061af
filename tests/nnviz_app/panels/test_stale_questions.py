"""Questions about numbers that a change has taken away: nothing is asked any more, and nothing breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.quantities import Kind, Quantity
from nnviz_app.panels.explain import BEGIN, ExplainPanel

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk


@pytest.fixture
def panel(desk: Desk) -> ExplainPanel:
    panel = desk.show(ExplainPanel(desk.player, desk.preferences, desk.inquiry), 360, 420)
    desk.settle()
    return panel


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (Kind.TERM_1, "w5"),
        (Kind.FORMER_1, "w5"),
        (Kind.PENALIZED_GRAD, "w5"),
        (Kind.MASK, "h1"),
        (Kind.ACTIVATION_GRAD, "o1"),
        (Kind.PARAMETER_GRAD, "w6"),
        (Kind.BIAS, "h2"),
    ],
)
def test_a_number_that_a_change_takes_away_is_asked_about_no_more(
    desk: Desk, panel: ExplainPanel, kind: Kind, subject: str
) -> None:
    with desk.document.edit("Adam with a penalty and dropout") as draft:
        draft.settings = replace(draft.settings, optimizer="adam", l2=0.1)
        draft.network.set_dropout("h1", 0.5)
    desk.settle()
    desk.inquiry.ask(Quantity(kind, subject))
    desk.settle()
    assert desk.inquiry.quantity == Quantity(kind, subject)
    assert panel.sentence.text() != BEGIN
    with desk.document.edit("Plain descent, other loss, another network") as draft:
        draft.settings = replace(draft.settings, optimizer="sgd", l2=0.0, loss="binary_cross_entropy")
        draft.network.set_dropout("h1", 0.0)
        draft.network.tie("w6", "w5")
        draft.network.remove_neuron("h2")
    desk.settle()
    assert desk.inquiry.trail == ()
    assert panel.sentence.text() == BEGIN
    desk.document.undo_stack.undo()
    desk.settle()
    assert panel.sentence.text() == BEGIN


def test_what_the_trace_does_not_have_cannot_be_asked(desk: Desk, panel: ExplainPanel) -> None:
    desk.inquiry.ask(Quantity(Kind.TERM_1, "w5"))
    assert desk.inquiry.trail == ()
    desk.inquiry.ask(Quantity(Kind.WEIGHTED_SUM, "h1"))
    desk.inquiry.follow(Quantity(Kind.MASK, "h1"))
    desk.settle()
    assert desk.inquiry.trail == (Quantity(Kind.WEIGHTED_SUM, "h1"),)
