"""While two moments are compared, the edges and the biases show how much they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.numbers import format_number
from core.quantities import Kind, Quantity
from nnviz_app.canvas.parts import PartKind
from nnviz_app.comparison import Comparison
from nnviz_app.preferences import LabelMode
from nnviz_app.runs import RunShelf

if TYPE_CHECKING:
    from tests.nnviz_app.canvas.conftest import Hands


@pytest.fixture
def comparison(drawn: Hands) -> Comparison:
    """With update 0 of a 2-2-1 network after 3 updates."""
    document = drawn.document
    with document.edit("Values") as draft:
        draft.network.set_values({"w1": 0.5, "w2": -0.4, "w3": 0.3, "w4": 0.2, "w5": 0.7, "w6": -0.6})
        draft.dataset = type(draft.dataset)({"i1": [0.2, 1.0], "i2": [0.7, 0.4], "o1": [0.3, 0.9]})
    made = Comparison(document, RunShelf(document))
    drawn.view.set_comparison(made)
    drawn.player.apply_update()
    drawn.player.apply_update()
    drawn.player.go_to(0)
    return made


def lower(hands: Hands, edge: str) -> str | None:
    return hands.view.canvas_scene.painted_text(PartKind.GRADIENT, edge)


def shown(difference: float) -> str:
    return f"Δ {'+' if difference > 0 else ''}{format_number(difference, 4)}"


def test_edges_and_biases_show_their_differences(drawn: Hands, comparison: Comparison) -> None:
    assert lower(drawn, "w5") is None
    comparison.with_start()
    differences = comparison.differences
    assert len(differences) == 9
    for edge in drawn.network.edges:
        assert lower(drawn, edge) == shown(differences[edge])
    for neuron in ("h1", "h2", "o1"):
        assert drawn.view.canvas_scene.painted_text(PartKind.BIAS_GRADIENT, neuron) == shown(differences[neuron])
    comparison.switch_off()
    assert lower(drawn, "w5") is None


def test_they_follow_the_moment(drawn: Hands, comparison: Comparison) -> None:
    comparison.with_start()
    two_updates = lower(drawn, "w5")
    drawn.document.go_to_update(1)
    assert lower(drawn, "w5") == shown(comparison.differences["w5"]) != two_updates
    drawn.document.go_to_update(0)
    assert lower(drawn, "w5") == "Δ 0"


def test_width_and_hue_are_those_of_the_differences(drawn: Hands, comparison: Comparison) -> None:
    scene = drawn.view.canvas_scene
    comparison.with_start()
    differences = [comparison.differences[edge] for edge in drawn.network.edges]
    assert scene._edges.weights.tolist() == differences
    drawn.document.go_to_update(1)
    assert (
        scene._edges.weights.tolist() == [comparison.differences[edge] for edge in drawn.network.edges] != differences
    )
    comparison.switch_off()
    assert scene._edges.weights.tolist() == [drawn.network.weight(edge) for edge in drawn.network.edges]


def test_the_legend_says_what_the_edges_show(drawn: Hands, comparison: Comparison) -> None:
    label = drawn.view.overlay.comparison_label
    assert not label.isVisible()
    comparison.with_start()
    assert label.isVisible()
    assert "Δ = present − the start (update 0)" in label.text()
    name, value = comparison.largest or ("", 0.0)
    assert f"max |Δ| {format_number(abs(value))}" in label.text()
    assert name in label.text()
    drawn.document.go_to_update(0)
    assert label.text().endswith("nothing differs")
    comparison.switch_off()
    assert not label.isVisible()


def test_what_a_step_computes_is_shown_before_the_difference(drawn: Hands, comparison: Comparison) -> None:
    comparison.with_start()
    trace = drawn.player.trace
    assert trace is not None
    drawn.player.go_to(trace.index_of(Quantity(Kind.PRODUCT, "w5")) + 1)
    assert (lower(drawn, "w5") or "").startswith("→ ")
    assert lower(drawn, "w1") == shown(comparison.differences["w1"])
    drawn.player.go_to(trace.index_of(Quantity(Kind.BIAS_GRAD, "o1")) + 1)
    assert (drawn.view.canvas_scene.painted_text(PartKind.BIAS_GRADIENT, "o1") or "").startswith("∂ ")


def test_also_where_labels_show_the_weight_alone(drawn: Hands, comparison: Comparison) -> None:
    drawn.preferences.set_label_mode(LabelMode.WEIGHT)
    assert lower(drawn, "w5") is None
    comparison.with_start()
    assert lower(drawn, "w5") == shown(comparison.differences["w5"])
    drawn.preferences.set_label_mode(LabelMode.AUTO)


def test_what_the_reference_does_not_have(drawn: Hands, comparison: Comparison) -> None:
    comparison.pin()
    with drawn.document.edit("Add") as draft:
        draft.network.connect("i1", "o1", weight=2.0, id="skip")
    assert lower(drawn, "skip") == "Δ –"
    part = drawn.view.canvas_scene.part(PartKind.EDGE, "skip")
    assert part is not None
    assert "not there in update 2" in drawn.view.canvas_scene.tooltip_for(part)


def test_tooltips_have_every_digit(drawn: Hands, comparison: Comparison) -> None:
    comparison.with_start()
    scene = drawn.view.canvas_scene
    for kind, subject in ((PartKind.EDGE, "w5"), (PartKind.NEURON, "h1")):
        part = scene.part(kind, subject)
        assert part is not None
        assert repr(abs(comparison.differences[subject])) in scene.tooltip_for(part)
