"""Surfaces of the loss: planes through the parameters, the path on them, and the losses themselves."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import connect_all

from core.dataset import Dataset
from core.engine import Engine
from core.errors import TrainingError
from core.landscape import SIDE, Plane, Surface, Window, parameter_plane, random_plane
from core.network import Network
from core.plan import Plan, compile_network


def network_of() -> Network:
    rng = np.random.default_rng(5)
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    for name in ("h1", "h2"):
        network.add_neuron("hidden", id=name, activation="tanh", bias=0.3)
    network.add_neuron("output", id="o1", activation="sigmoid", bias=-0.2)
    connect_all(network, ["i1", "i2"], ["h1", "h2"], lambda: float(rng.normal()))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: float(rng.normal()))
    return network


@pytest.fixture
def network() -> Network:
    return network_of()


@pytest.fixture
def plan(network: Network) -> Plan:
    return compile_network(network)


def data(rows: int = 12) -> Dataset:
    rng = np.random.default_rng(2)
    return Dataset({"i1": rng.normal(size=rows), "i2": rng.normal(size=rows), "o1": rng.random(rows)})


def surface_of(plane: Plane, window: Window, dataset: Dataset | None = None) -> Surface:
    return Surface(plane, window, dataset or data(), loss="half_squared_error", mean=True)


def loss_of(network: Network, dataset: Dataset) -> float:
    engine = Engine(compile_network(network))
    engine.load(network.values)
    engine.forward(dataset.matrix(["i1", "i2"]))
    return engine.loss_value(dataset.matrix(["o1"]))


def test_on_a_plane_of_two_parameters_places_are_their_values(network: Network, plan: Plan) -> None:
    plane = parameter_plane(plan, network.values, "w1", "h2")
    assert plane.values(0.25, -3.0) == {**network.values, "w1": 0.25, "h2": -3.0}
    walked = np.array([[network.values[name] for name in plan.names]] * 2)
    walked[1, plan.names.index("w1")] = 7.0
    found = plane.project(walked)
    np.testing.assert_allclose(found, [[network.values["w1"], 0.3], [7.0, 0.3]], atol=1e-12)


def test_tied_weights_move_together(network: Network) -> None:
    network.tie("w2", to="w1")
    plan = compile_network(network)
    plane = parameter_plane(plan, network.values, "w1", "w3")
    point = plane.point(0.5, 0.0)
    assert point[plan.weight_position["w1"]] == point[plan.weight_position["w2"]] == 0.5


@pytest.mark.parametrize(
    ("first", "second", "reason"), [("w1", "w1", "same parameter"), ("w1", "i1", "“i1” is not a parameter")]
)
def test_two_parameters_are_needed(network: Network, plan: Plan, first: str, second: str, reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        parameter_plane(plan, network.values, first, second)


def test_the_losses_are_the_engines(network: Network, plan: Plan) -> None:
    plane, dataset = parameter_plane(plan, network.values, "w1", "w4"), data()
    surface = surface_of(plane, Window(-1.0, 2.0, -3.0, 4.0), dataset)
    counts = list(surface.compute())
    assert counts == list(range(1, SIDE * SIDE + 1))
    for row, column in ((0, 0), (3, 40), (SIDE - 1, SIDE - 1)):
        other = network_of()
        other.set_values({"w1": surface.window.xs[column], "w4": surface.window.ys[row]})
        assert surface.losses[row, column] == loss_of(other, dataset)
    here = surface.loss_at(network.values["w1"], network.values["w4"])
    assert here == loss_of(network, dataset)


def test_a_surface_is_filled_step_by_step(network: Network, plan: Plan) -> None:
    surface = surface_of(parameter_plane(plan, network.values, "w1", "w2"), Window.around((0, 0), 1.0))
    steps = surface.compute()
    for _ in range(SIDE + 1):
        next(steps)
    assert np.isfinite(surface.losses).sum() == SIDE + 1
    assert np.isfinite(surface.losses[0]).all()


def test_random_directions_have_each_neurons_own_length(network: Network, plan: Plan) -> None:
    plane = random_plane(plan, network.values, 3)
    for direction in (plane.first, plane.second):
        for neuron in ("h1", "h2", "o1"):
            places = [plan.weight_position[edge.id] for edge in network.incoming(neuron)]
            weights = [network.weight(edge.id) for edge in network.incoming(neuron)]
            assert np.linalg.norm(direction[places]) == pytest.approx(np.linalg.norm(weights), rel=1e-12)
            assert direction[plan.bias_position[neuron]] == 0.0
    assert plane.values(0.0, 0.0) == network.values
    same, other = random_plane(plan, network.values, 3), random_plane(plan, network.values, 4)
    np.testing.assert_array_equal(plane.first, same.first)
    assert not np.array_equal(plane.first, other.first)
    assert not np.array_equal(plane.first, plane.second)


def test_frozen_weights_stay_and_places_are_found_again(network: Network) -> None:
    network.set_frozen("w1")
    plan = compile_network(network)
    plane = random_plane(plan, network.values, 1)
    assert plane.values(2.0, -1.0)["w1"] == network.values["w1"]
    walked = np.array([[plane.values(x, y)[name] for name in plan.names] for x, y in ((0.5, -0.25), (0.0, 1.5))])
    # What leads off the plane does not count.
    walked[:, plan.names.index("h1")] += 10.0
    np.testing.assert_allclose(plane.project(walked), [[0.5, -0.25], [0.0, 1.5]], atol=1e-12)


def test_without_weights_there_is_no_random_direction(network: Network) -> None:
    network.set_values(dict.fromkeys(network.edges, 0.0))
    with pytest.raises(TrainingError, match="draw new random weights"):
        random_plane(compile_network(network), network.values, 1)


def test_weights_too_large_to_be_squared_give_no_random_direction(network: Network) -> None:
    network.set_value("w1", 1e300)
    with pytest.raises(TrainingError, match="into h1 are too large"):
        random_plane(compile_network(network), network.values, 1)


def test_of_many_rows_a_part_is_used_and_test_rows_are_not(network: Network, plan: Plan) -> None:
    plane = parameter_plane(plan, network.values, "w1", "w2")
    dataset = data(3000)
    dataset.set_test(range(100))
    surface = surface_of(plane, Window.around((0, 0), 1.0), dataset)
    assert (surface.rows, surface.all_rows) == (1000, 2900)
    dataset.set_test(range(3000))
    with pytest.raises(TrainingError, match="training row"):
        surface_of(plane, Window.around((0, 0), 1.0), dataset)


def test_an_overflow_is_no_error(network: Network) -> None:
    network.set_activation("o1", "linear")
    plane = parameter_plane(compile_network(network), network.values, "w5", "w6")
    surface = surface_of(plane, Window.around((0, 0), 1e200))
    assert np.isinf(surface.loss_at(1e200, 0.0))


def test_a_window_holds_the_path_with_room_around() -> None:
    points = np.array([[0.0, 1.0], [4.0, 1.1], [np.nan, 3.0]])
    window = Window.holding(points, 1.0)
    assert (window.left, window.right) == (-1.0, 5.0)
    assert (window.bottom, window.top) == pytest.approx((0.05, 2.05))
    assert Window.holding(np.zeros((0, 2)), 1.0) == Window(-1.0, 1.0, -1.0, 1.0)
    assert len(window.xs) == len(window.ys) == SIDE
    assert Window.around((1.0, 2.0), 0.5).xs[SIDE // 2] == 1.0
