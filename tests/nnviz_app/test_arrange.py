"""Layout: pure functions on positions."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest
from graph_strategies import connect_all
from hypothesis import given
from hypothesis import strategies as st

from core.network import Network, Role
from nnviz_app import arrange


def layered(*sizes: int) -> Network:
    network = Network()
    groups = []
    for index, size in enumerate(sizes):
        role = Role.INPUT if index == 0 else Role.OUTPUT if index == len(sizes) - 1 else Role.HIDDEN
        groups.append([network.add_neuron(role).id for _ in range(size)])
    for sources, targets in pairwise(groups):
        connect_all(network, sources, targets)
    return network


def test_columns_are_centred_on_one_another() -> None:
    positions = arrange.columns([["a", "b"], ["c", "d", "e"]])
    assert positions["a"] == (0.0, -55.0)
    assert positions["b"] == (0.0, 55.0)
    assert [positions[i] for i in "cde"] == [(260.0, -110.0), (260.0, 0.0), (260.0, 110.0)]


def test_tidy_puts_inputs_left_and_outputs_right() -> None:
    network = layered(2, 3, 1)
    positions = arrange.tidy(network)
    assert len({positions[i][0] for i in ("i1", "i2")}) == 1
    assert positions["i1"][0] < positions["h1"][0] < positions["o1"][0]
    assert positions["o1"][0] - positions["i1"][0] == 2 * arrange.COLUMN_GAP
    ys = sorted(positions[i][1] for i in ("h1", "h2", "h3"))
    assert ys[1] - ys[0] == ys[2] - ys[1] == arrange.ROW_GAP


def test_tidy_puts_a_shallow_output_in_the_last_column() -> None:
    network = layered(1, 1, 1)
    network.add_neuron(Role.OUTPUT, id="o2")
    network.connect("i1", "o2")
    positions = arrange.tidy(network)
    assert positions["o2"][0] == positions["o1"][0]


def test_tidy_uncrosses_edges() -> None:
    network = Network()
    for index in range(3):
        network.add_neuron("input", position=(0, index))
        network.add_neuron("hidden", position=(1, -index))
    for index in range(1, 4):
        network.connect(f"i{index}", f"h{index}")
    positions = arrange.tidy(network)
    lines = [(positions[e.source][1], positions[e.target][1]) for e in network.edges.values()]
    assert all((a[0] - b[0]) * (a[1] - b[1]) > 0 for a, b in combinations(lines, 2))


def test_tidy_keeps_a_long_edge_off_the_neurons_between() -> None:
    network = layered(1, 1, 1)
    network.connect("i1", "o1")
    positions = arrange.tidy(network)
    line_y = (positions["i1"][1] + positions["o1"][1]) / 2
    assert abs(positions["h1"][1] - line_y) >= 40


def test_tidy_keeps_the_centre_and_changes_no_value() -> None:
    network = layered(2, 2)
    network.move({i: (1000.0 + n, 500.0) for n, i in enumerate(network.neurons)})
    values = dict(network.values)
    x, y = arrange.center(arrange.tidy(network).values())
    assert abs(x - 1001.5) <= 5
    assert abs(y - 500) <= 5
    assert network.values == values


def test_tidy_of_nothing_is_nothing() -> None:
    assert arrange.tidy(Network()) == {}


POSITIONS = {"a": (0.0, 10.0), "b": (30.0, 0.0), "c": (100.0, 50.0)}


@pytest.mark.parametrize(
    ("kind", "axis", "value"),
    [("left", 0, 0), ("center", 0, 50), ("right", 0, 100), ("top", 1, 0), ("middle", 1, 25), ("bottom", 1, 50)],
)
def test_align(kind: arrange.Alignment, axis: int, value: float) -> None:
    result = arrange.align(POSITIONS, kind)
    assert {p[axis] for p in result.values()} == {value}
    assert all(result[i][1 - axis] == POSITIONS[i][1 - axis] for i in POSITIONS)


@pytest.mark.parametrize(("axis", "index"), [("horizontal", 0), ("vertical", 1)])
def test_distribute(axis: arrange.Axis, index: int) -> None:
    result = arrange.distribute(POSITIONS, axis)
    values = sorted(p[index] for p in result.values())
    assert values[1] - values[0] == pytest.approx(values[2] - values[1])
    assert (values[0], values[2]) == (
        min(p[index] for p in POSITIONS.values()),
        max(p[index] for p in POSITIONS.values()),
    )


def test_two_neurons_are_distributed_already() -> None:
    two = {"a": (0.0, 0.0), "b": (5.0, 5.0)}
    assert arrange.distribute(two, "horizontal") == two
    assert arrange.align({}, "left") == {}


point = st.tuples(st.integers(-40, 40), st.integers(-40, 40)).map(lambda p: (p[0] * 10.0, p[1] * 10.0))


@given(st.lists(point, max_size=30), point)
def test_a_free_position_is_free(taken: list[tuple[float, float]], wanted: tuple[float, float]) -> None:
    place = arrange.free_position(taken, wanted)
    covered = any(math.dist(place, other) < arrange.CLEARANCE for other in taken)
    # In a column with gaps of less than two rows everywhere, the wanted place itself is given back.
    assert not covered or place == wanted


@given(st.data())
def test_tidy_never_puts_two_neurons_in_one_place(data: st.DataObject) -> None:
    network = Network()
    count = data.draw(st.integers(1, 12))
    for number in range(count):
        network.add_neuron(data.draw(st.sampled_from(list(Role))), id=f"n{number}")
    for _ in range(data.draw(st.integers(0, 20))):
        source, target = (f"n{data.draw(st.integers(0, count - 1))}" for _ in range(2))
        if network.why_not_connect(source, target) is None:
            network.connect(source, target)
    positions = arrange.tidy(network)
    assert set(positions) == set(network.neurons)
    assert all(math.dist(a, b) >= 100 for a, b in combinations(positions.values(), 2))
