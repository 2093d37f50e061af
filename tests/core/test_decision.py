"""The numbers behind decision maps: grids of activations, extents, scales and classes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from graph_strategies import connect_all

from core.dataset import Dataset
from core.decision import (
    Extent,
    Probe,
    Span,
    extent_of,
    points_on,
    span_of,
    target_choices,
    ticks,
    winners,
)
from core.engine import Engine
from core.network import Network
from core.plan import compile_network


def network_of(*activations: str, hidden: int = 3, inputs: int = 2) -> Network:
    """`inputs` inputs, a tanh layer, and an output with each of these activations."""
    rng = np.random.default_rng(5)
    network = Network()
    names: list[list[str]] = [[], [], []]
    for place in range(inputs):
        names[0].append(network.add_neuron("input", id=f"x{place + 1}").id)
    for place in range(hidden):
        bias = float(rng.normal())
        names[1].append(network.add_neuron("hidden", id=f"h{place + 1}", activation="tanh", bias=bias).id)
    for place, activation in enumerate(activations):
        names[2].append(network.add_neuron("output", id=f"o{place + 1}", activation=activation).id)
    for sources, targets in pairwise(names):
        connect_all(network, sources, targets, lambda: float(rng.normal()))
    return network


def test_the_probe_computes_what_the_engine_does() -> None:
    network = network_of("sigmoid", "linear")
    # More points than one piece holds, and a rest.
    x = np.random.default_rng(1).normal(size=(20_011, 2))
    probe = Probe(network)
    probe.load(network.values)
    found = probe.activations(x, ["o2", "h1", "o1"])
    plan = compile_network(network)
    engine = Engine(plan)
    engine.load(network.values)
    outputs = engine.forward(x)
    np.testing.assert_allclose(found[0], outputs[:, 1], rtol=1e-12)
    np.testing.assert_allclose(found[2], outputs[:, 0], rtol=1e-12)
    np.testing.assert_allclose(found[1], engine.workspace.a[plan.rows["h1"]], rtol=1e-12)


def test_dropout_takes_no_part() -> None:
    network = network_of("sigmoid")
    x = np.zeros((5, 2))
    probe = Probe(network)
    probe.load(network.values)
    former = probe.activations(x, ["o1"])
    for neuron in ("h1", "h2", "h3"):
        network.set_dropout(neuron, 0.9)
    dropped = Probe(network)
    dropped.load(network.values)
    np.testing.assert_array_equal(dropped.activations(x, ["o1"]), former)


def test_the_probe_serves_as_long_as_the_structure_stays() -> None:
    network = network_of("sigmoid")
    probe = Probe(network)
    other = network.copy()
    other.set_value("o1", 2.0)
    other.share_unchanged(network)
    assert probe.fits(other)
    larger = network.copy()
    larger.add_neuron("hidden")
    larger.share_unchanged(network)
    assert not probe.fits(larger)
    probe.load(network.values)
    first = probe.activations(np.zeros((1, 2)), ["o1"])
    probe.load(network.values | {"o1": 3.0})
    assert probe.activations(np.zeros((1, 2)), ["o1"]) != first


def test_a_larger_network_gets_a_coarser_grid() -> None:
    assert Probe(network_of("sigmoid")).side(150, 10**9) == 150
    assert 8 <= Probe(network_of("sigmoid", hidden=300)).side(150, 10**6) < 60
    assert Probe(network_of("sigmoid")).side(150, 1) == 8


def test_the_square_goes_row_by_row_from_the_top_as_the_network_sees_it() -> None:
    data = Dataset({"x1": [0.0, 10.0], "x2": [1.0, 3.0], "x3": [5.0, 7.0]})
    data.add_scaling("range", ["x1", "x3"])
    data.add_scaling("standardize", ["x1"])
    x, y = Extent("x2", 0.0, 4.0), Extent("x1", 0.0, 10.0)
    points = points_on(data, ["x1", "x2", "x3"], {"x3": 6.0}, x=x, y=y, side=2)
    entered = [(7.5, 1.0, 6.0), (7.5, 3.0, 6.0), (2.5, 1.0, 6.0), (2.5, 3.0, 6.0)]
    seen = [[data.as_seen(f"x{i + 1}", np.array([v]))[0] for i, v in enumerate(row)] for row in entered]
    np.testing.assert_allclose(points, seen)
    assert points[0, 2] == 0.5
    np.testing.assert_allclose(data.as_seen("x1", data.columns["x1"]), data.seen("x1"))


def test_a_line_has_its_points_from_left_to_right() -> None:
    points = points_on(Dataset({"x1": [0.0]}), ["x1"], {}, x=Extent("x1", -1.0, 1.0), side=4)
    assert points.tolist() == [[-0.75], [-0.25], [0.25], [0.75]]


def test_an_extent_leaves_room_and_stays_while_the_data_is_inside() -> None:
    first = extent_of(Dataset({"x1": [0.0, 1.0]}), "x1")
    assert (first.low, first.high) == pytest.approx((-0.12, 1.12))
    assert extent_of(Dataset({"x1": [0.1, 1.1]}), "x1", first) is first
    assert extent_of(Dataset({"x1": [0.5, 0.5]}), "x1", first) is first
    outside = extent_of(Dataset({"x1": [0.0, 2.0]}), "x1", first)
    assert outside.low < 0 < 2 < outside.high
    # A plane much too wide is not kept.
    assert extent_of(Dataset({"x1": [0.0, 0.1]}), "x1", first).high < 0.2


@pytest.mark.parametrize(("values", "reach"), [([0.05], 1.0), ([-3.0, -3.0], 5.0), ([], 1.0)])
def test_an_extent_of_one_value_goes_to_a_round_number(values: list[float], reach: float) -> None:
    extent = extent_of(Dataset({"x1": values}), "x1")
    assert (extent.low, extent.high) == (-reach, reach)


def test_the_scale_of_a_neuron() -> None:
    network = network_of("sigmoid", "linear", "relu")
    data = Dataset({"x1": [0.0, 1.0], "x2": [0.0, 1.0], "o1": [0.0, 0.0], "o2": [100.0, 300.0], "o3": [0.0, 0.0]})
    values = np.array([-3.0, 1.7, np.inf, np.nan])
    assert span_of(network, data, "o1", values) == Span(0.0, 0.5, 1.0)
    assert span_of(network, data, "h1", values) == Span(-1.0, 0.0, 1.0)
    assert span_of(network, data, "o2", values) == Span(100.0, 200.0, 300.0)
    # All targets the same: the values say how far it goes.
    assert span_of(network, data, "o3", np.array([0.0, 1.7])) == Span(0.0, 0.0, 2.0)
    network.set_activation("o3", "linear")
    assert span_of(network, data, "o3", values) == Span(-5.0, 0.0, 5.0)
    assert span_of(network, data, "o3", np.array([np.nan])) == Span(-1.0, 0.0, 1.0)
    place = Span(0.0, 0.0, 2.0).place(np.array([0.0, 1.0, 2.0, 9.0]))
    assert place.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_the_winner_and_its_certainty() -> None:
    classes, certainty = winners(np.array([[0.9, 0.3, 0.5, np.nan], [0.1, 0.7, 0.5, 0.2], [0.0, 0.2, 0.1, 0.1]]), 1.0)
    assert classes[:2].tolist() == [0, 1]
    assert classes[3] == 1
    assert certainty == pytest.approx([0.8, 0.4, 0.0, 0.1])


def test_what_a_new_point_can_be() -> None:
    network = network_of("tanh")
    columns: dict[str, list[float]] = {"x1": [0, 1, 2], "x2": [0, 1, 2]}

    def choices(**targets: list[float]) -> list[tuple[str, dict[str, float]]]:
        return [(c.title, dict(c.targets)) for c in target_choices(network, Dataset(columns | targets))]

    assert choices(o1=[-1, 1, 1]) == [("o1 = −1", {"o1": -1.0}), ("o1 = 1", {"o1": 1.0})]
    assert choices(o1=[1, 1, 1]) == [("o1 = −1", {"o1": -1.0}), ("o1 = 1", {"o1": 1.0})]
    assert choices(o1=[0.2, 0.5, 0.8]) == []
    network = network_of("sigmoid", "sigmoid")
    assert choices(o1=[0.01, 0.99, 0.01], o2=[0.99, 0.01, 0.99]) == [
        ("o1", {"o1": 0.99, "o2": 0.01}),
        ("o2", {"o1": 0.01, "o2": 0.99}),
    ]
    assert choices(o1=[0.1, 0.2, 0.3], o2=[0, 0, 0])[1] == ("o2", {"o1": 0.0, "o2": 1.0})
    network = network_of()
    assert choices() == []


def test_ticks() -> None:
    assert ticks(-0.12, 1.12, 6) == [0.0, 0.5, 1.0]
    assert ticks(0.0, 1.0, 10) == pytest.approx([i / 10 for i in range(11)])
    assert str(ticks(-0.1, 0.7, 8)[0]) == "-0.1"
    assert ticks(1.0, 1.0, 5) == ticks(0.0, np.inf, 5) == ticks(0.0, 1.0, 0) == []
