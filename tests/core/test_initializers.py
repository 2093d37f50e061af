"""Initial weights: seeds, limits and variances, and what stays as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest
from graph_strategies import networks
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.initializers import INITIALIZERS, initial_values
from core.network import Edge, Network, Neuron, Role

FAN_IN, FAN_OUT = 40, 60
# The limit of a uniform, or the standard deviation of a normal, distribution with these fans and scale 0.5.
UNIFORM_LIMITS = {
    "uniform": 0.5,
    "xavier_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(6 / FAN_IN),
    "lecun_uniform": math.sqrt(3 / FAN_IN),
}
DEVIATIONS = {
    "normal": 0.5,
    "xavier_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_normal": math.sqrt(2 / FAN_IN),
    "lecun_normal": math.sqrt(1 / FAN_IN),
}


def two_layers() -> Network:
    """FAN_IN inputs, each connected with FAN_OUT outputs."""
    neurons = [(Neuron(f"i{k}", Role.INPUT), 0.0, (0.0, 0.0)) for k in range(FAN_IN)]
    neurons += [(Neuron(f"o{k}", Role.OUTPUT), 7.0, (1.0, 0.0)) for k in range(FAN_OUT)]
    pairs = [(i, o) for i in range(FAN_IN) for o in range(FAN_OUT)]
    return Network.build(neurons, [(Edge(f"w{i}.{o}", f"i{i}", f"o{o}"), 9.0) for i, o in pairs])


def drawn_weights(name: str) -> NDArray[np.float64]:
    network = two_layers()
    values = initial_values(network, name, np.random.default_rng(4), scale=0.5)
    return np.array([values[edge_id] for edge_id in network.edges])


def test_the_table_lists_every_initializer_under_its_name() -> None:
    assert all(name == initializer.name for name, initializer in INITIALIZERS.items())
    assert INITIALIZERS.keys() == {"zeros", "constant", *UNIFORM_LIMITS, *DEVIATIONS}
    assert {name for name, initializer in INITIALIZERS.items() if initializer.scaled} == {
        "constant",
        "uniform",
        "normal",
    }


@pytest.mark.parametrize(("name", "limit"), UNIFORM_LIMITS.items())
def test_uniform_weights_fill_the_range_of_the_formula(name: str, limit: float) -> None:
    weights = drawn_weights(name)
    assert np.abs(weights).max() <= limit
    assert weights.max() > 0.99 * limit
    assert weights.min() < -0.99 * limit
    assert weights.var() == pytest.approx(limit**2 / 3, rel=0.1)


@pytest.mark.parametrize(("name", "deviation"), DEVIATIONS.items())
def test_normal_weights_have_the_variance_of_the_formula(name: str, deviation: float) -> None:
    weights = drawn_weights(name)
    assert weights.std() == pytest.approx(deviation, rel=0.05)
    assert abs(weights.mean()) < 4 * deviation / math.sqrt(len(weights))
    # About 0.27 % of normal numbers lie outside three standard deviations; of uniform ones none.
    assert np.abs(weights).max() > 3 * deviation


@pytest.mark.parametrize(("name", "weight"), [("zeros", 0.0), ("constant", 0.5)])
def test_zeros_and_constant_give_every_weight_the_same_value(name: str, weight: float) -> None:
    assert set(drawn_weights(name)) == {weight}


@pytest.mark.parametrize("name", list(INITIALIZERS))
@given(network=networks(max_neurons=20), seed=st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_values_bit_for_bit(name: str, network: Network, seed: int) -> None:
    first = initial_values(network, name, np.random.default_rng(seed))
    again = initial_values(network, name, np.random.default_rng(seed))
    assert np.array(list(first.values())).tobytes() == np.array(list(again.values())).tobytes()
    assert list(first) == list(again)
    assert all(type(value) is float for value in first.values())


def test_another_seed_gives_other_values() -> None:
    network = two_layers()
    first = initial_values(network, "xavier_uniform", np.random.default_rng(1))
    assert initial_values(network, "xavier_uniform", np.random.default_rng(2)) != first


@given(network=networks(max_neurons=20), seed=st.integers(0, 100))
def test_every_parameter_but_the_frozen_ones_gets_a_value(network: Network, seed: int) -> None:
    values = initial_values(network, "he_normal", np.random.default_rng(seed), bias=0.25)
    assert values.keys() == network.values.keys() - network.frozen
    assert all(values[name] == 0.25 for name in values if name in network.neurons)
    former = dict(network.values)
    network.set_values(values)
    assert {name: network.values[name] for name in network.frozen} == {n: former[n] for n in network.frozen}


@given(network=networks(max_neurons=20), seed=st.integers(0, 100))
def test_freezing_a_weight_does_not_change_what_the_others_get(network: Network, seed: int) -> None:
    thawed = network.copy()
    for parameter in network.frozen:
        thawed.set_frozen(parameter, False)
    all_values = initial_values(thawed, "normal", np.random.default_rng(seed))
    values = initial_values(network, "normal", np.random.default_rng(seed))
    assert values == {name: all_values[name] for name in values}


def test_a_tied_weight_is_drawn_once() -> None:
    network = Network()
    for role, name in (("input", "x"), ("output", "p"), ("output", "q"), ("output", "r")):
        network.add_neuron(role, id=name)
    network.connect("x", "p", id="w1")
    network.connect("x", "q", id="w2", tied_to="w1")
    network.connect("x", "r", id="w3")
    values = initial_values(network, "normal", np.random.default_rng(0), scale=2.0)
    expected = np.random.default_rng(0).normal(0.0, 2.0, size=2)
    assert [values["w1"], values["w3"]] == expected.tolist()
    assert "w2" not in values


def test_fans_are_the_edges_of_the_neurons_at_both_ends() -> None:
    network = Network()
    for role, name in (("input", "x"), ("input", "y"), ("input", "z"), ("output", "p"), ("output", "q")):
        network.add_neuron(role, id=name)
    for source, target in (("x", "p"), ("y", "p"), ("z", "p"), ("x", "q")):
        network.connect(source, target, id=source + target)
    values = initial_values(network, "xavier_uniform", np.random.default_rng(8))
    rng = np.random.default_rng(8)
    for edge_id, fan_in, fan_out in (("xp", 3, 2), ("yp", 3, 1), ("zp", 3, 1), ("xq", 1, 2)):
        assert values[edge_id] == rng.uniform(-1.0, 1.0) * math.sqrt(6.0 / (fan_in + fan_out))
