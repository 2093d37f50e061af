"""Stepping at the size of an operation: through the elementary operations of a neuron, with the same player."""

from __future__ import annotations

from dataclasses import replace

from core.book import RoundedTrace
from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from core.style import Rounding
from core.trace import Trace
from nnviz_app.document import Document
from nnviz_app.examples import first_example
from nnviz_app.layers import NewNetwork, replace_network
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
    assert not player.rounding_refused
    player.set_rounding(None)
    assert player.known(Kind.ACTIVATION, "h1") == exact


def test_a_large_network_and_a_large_batch_are_not_rounded_at_each_step(qapp: object) -> None:
    player = make_player()
    player.set_rounding(Rounding(2))
    with player.document.edit("Rows") as draft:
        draft.dataset.insert_rows(1, [{}] * 624)
        draft.settings = replace(draft.settings, batch_size=0)
    # 8 edges times 625 rows.
    assert isinstance(player.trace, RoundedTrace)
    with player.document.edit("Row") as draft:
        draft.dataset.insert_rows(1, [{}])
    assert isinstance(player.trace, Trace)
    assert not isinstance(player.trace, RoundedTrace)
    assert player.rounding_refused == (
        "Rounding at each step is for batches of up to 625 rows in a network of 8 edges; the numbers shown are exact."
    )
    with player.document.edit("Layers") as draft:
        replace_network(draft, NewNetwork((2, 70, 70, 2)))
        draft.settings = replace(draft.settings, batch_size=1)
    assert player.rounding_refused == (
        "Rounding at each step is for networks of up to 5,000 edges; the numbers shown are exact."
    )
    player.set_rounding(None)
    assert not player.rounding_refused
