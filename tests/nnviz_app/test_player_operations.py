"""Stepping at the size of an operation: through the elementary operations of a neuron, with the same player."""

from __future__ import annotations

from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from core.style import Rounding
from nnviz_app.document import Document
from nnviz_app.examples import first_example
from nnviz_app.player import Player


def make_player() -> Player:
    document = Document()
    document.open_project(load_project(first_example().path))
    return Player(document)


def test_operations_lead_through_every_step_and_back(qapp: object) -> None:
    player = make_player()
    player.set_granularity(Granularity.OPERATION)
    assert player.trace is not None
    places = [(player.index, player.operation)]
    while player.index < player.length:
        player.forward()
        places.append((player.index, player.operation))
    assert [index for index, operation in places if not operation] == list(range(player.length + 1))
    activation = player.trace.index_of(Quantity(Kind.ACTIVATION, "h1"))
    # Negate, exp, add one, reciprocal: the last of them completes the step.
    assert [place for place in places if place[0] == activation] == [(activation, k) for k in range(4)]
    back = [(player.index, player.operation)]
    while player.index or player.operation:
        player.back()
        back.append((player.index, player.operation))
    assert back == places[::-1]


def test_another_size_goes_on_from_the_step_that_was_begun(qapp: object) -> None:
    player = make_player()
    assert player.trace is not None
    activation = player.trace.index_of(Quantity(Kind.ACTIVATION, "h1"))
    player.go_into(activation, 2)
    player.forward(Granularity.TERM)
    assert (player.index, player.operation) == (activation + 1, 0)
    player.go_into(activation, 2)
    player.back(Granularity.TERM)
    assert (player.index, player.operation) == (activation, 0)
    player.go_into(activation, 2)
    player.document.reset()
    with player.document.edit("Weight") as draft:
        draft.network.set_value("w1", 0.5)
    assert player.index == activation


def test_rounding_like_a_book_changes_what_is_shown_and_nothing_else(qapp: object) -> None:
    player = make_player()
    player.go_to(player.length)
    exact = player.known(Kind.ACTIVATION, "h1")
    player.set_rounding(Rounding(4))
    assert player.known(Kind.WEIGHTED_SUM, "h1") == 0.3775
    assert player.known(Kind.ACTIVATION, "h1") == 0.5933
    player.set_rounding(None)
    assert player.known(Kind.ACTIVATION, "h1") == exact
