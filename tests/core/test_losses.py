"""The losses against their formulas, and the joint forms where sigmoid and softmax saturate."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.activations import evaluate
from core.engine import Engine, pass_sample
from core.errors import TrainingError
from core.losses import HUBER_DELTA, LOSSES, PROBABILITY_MARGIN
from core.network import Network
from core.plan import compile_network


def huber(a: float, t: float) -> float:
    distance = abs(a - t)
    return 0.5 * distance**2 if distance <= HUBER_DELTA else HUBER_DELTA * (distance - 0.5 * HUBER_DELTA)


SHARES: dict[str, Callable[[float, float], float]] = {
    "half_squared_error": lambda a, t: 0.5 * (t - a) ** 2,
    "half_mean_squared_error": lambda a, t: 0.5 * (t - a) ** 2,
    "squared_error": lambda a, t: (t - a) ** 2,
    "mean_squared_error": lambda a, t: (t - a) ** 2,
    "mean_absolute_error": lambda a, t: abs(t - a),
    "huber": huber,
    "binary_cross_entropy": lambda a, t: -(t * math.log(a) + (1.0 - t) * math.log1p(-a)),
    "summed_binary_cross_entropy": lambda a, t: -(t * math.log(a) + (1.0 - t) * math.log1p(-a)),
    "cross_entropy": lambda a, t: -t * math.log(a),
}
ANY = [name for name in SHARES if not LOSSES[name].probabilities]
PROBABILITIES = [name for name in SHARES if LOSSES[name].probabilities]
MEAN = {
    "half_mean_squared_error",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "binary_cross_entropy",
}

numbers = st.floats(-1e3, 1e3)
chances = st.floats(0.001, 0.999)


def one(value: float) -> NDArray[np.float64]:
    return np.array([[value]])


def test_the_table_lists_every_loss_under_its_name_and_convention() -> None:
    assert list(SHARES) == list(LOSSES)
    assert all(name == loss.name for name, loss in LOSSES.items())
    assert {name for name, loss in LOSSES.items() if loss.mean} == MEAN
    assert {name: loss.joint_activation for name, loss in LOSSES.items() if loss.joint_activation} == {
        "binary_cross_entropy": "sigmoid",
        "summed_binary_cross_entropy": "sigmoid",
        "cross_entropy": "softmax",
    }


@pytest.mark.parametrize("name", ANY)
@given(a=numbers, t=numbers)
def test_a_share_is_that_of_the_formula(name: str, a: float, t: float) -> None:
    assert LOSSES[name].share(one(a), one(t)).item() == pytest.approx(SHARES[name](a, t), rel=1e-12)


@pytest.mark.parametrize("name", PROBABILITIES)
@given(a=chances, t=st.floats(0.0, 1.0))
def test_a_share_of_a_cross_entropy_is_that_of_the_formula(name: str, a: float, t: float) -> None:
    assert LOSSES[name].share(one(a), one(t)).item() == pytest.approx(SHARES[name](a, t), rel=1e-12)


@pytest.mark.parametrize("name", ANY)
@given(a=st.floats(-5.0, 5.0), t=st.floats(-5.0, 5.0))
def test_the_gradient_is_that_of_central_differences(name: str, a: float, t: float) -> None:
    h = 1e-5
    kinks = {"mean_absolute_error": (0.0,), "huber": (HUBER_DELTA,)}.get(name, ())
    if any(abs(abs(a - t) - kink) <= h for kink in kinks):
        return
    difference = (SHARES[name](a + h, t) - SHARES[name](a - h, t)) / (2 * h)
    assert LOSSES[name].grad(one(a), one(t)).item() == pytest.approx(difference, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", PROBABILITIES)
@given(a=st.floats(0.01, 0.99), t=st.floats(0.0, 1.0))
def test_the_gradient_of_a_cross_entropy_is_that_of_central_differences(name: str, a: float, t: float) -> None:
    h = 1e-6
    difference = (SHARES[name](a + h, t) - SHARES[name](a - h, t)) / (2 * h)
    assert LOSSES[name].grad(one(a), one(t)).item() == pytest.approx(difference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", list(LOSSES))
def test_no_loss_is_smaller_than_at_the_target(name: str) -> None:
    t = np.array([[0.3], [0.7]])
    at_target = LOSSES[name].share(t, t).sum()
    for nudge in (0.05, -0.05):
        # For the cross-entropy the activations go on adding up to 1.
        assert LOSSES[name].share(t + np.array([[nudge], [-nudge]]), t).sum() > at_target


@pytest.mark.parametrize("name", PROBABILITIES)
@pytest.mark.parametrize("a", [0.0, 1.0, -0.5, 1.5, 1e4, -1e4])
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_cross_entropy_is_finite_where_its_logarithm_is_not(name: str, a: float, t: float) -> None:
    limit = -math.log(PROBABILITY_MARGIN)
    assert 0.0 <= LOSSES[name].share(one(a), one(t)).item() <= limit * (1 + 1e-5)
    assert abs(LOSSES[name].grad(one(a), one(t)).item()) <= 1.1 / PROBABILITY_MARGIN


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("a", [1e4, -1e4, 0.0])
def test_nothing_overflows_up_to_ten_thousand(name: str, a: float) -> None:
    assert np.isfinite(LOSSES[name].share(one(a), one(0.5))).all()
    assert np.isfinite(LOSSES[name].grad(one(a), one(0.5))).all()


def network_with_outputs(activations: list[str], logits: list[float]) -> Network:
    """Outputs without incoming edges, whose biases are their pre-activations."""
    network = Network()
    for activation, logit in zip(activations, logits, strict=True):
        network.add_neuron("output", activation=activation, bias=logit)
    return network


def engine_with(network: Network, loss: str) -> Engine:
    engine = Engine(compile_network(network), loss=loss)
    engine.load(network.values)
    return engine


BINARY = ["binary_cross_entropy", "summed_binary_cross_entropy"]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("z", [0.0, 5.0, -5.0, 20.0, -20.0, 40.0, -40.0, 700.0, -700.0, 1e4, -1e4])
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_sigmoid_with_binary_cross_entropy_is_exact_where_the_sigmoid_saturates(name: str, z: float, t: float) -> None:
    wrong_way = z if t == 0.0 else -z
    numbers = pass_sample(engine_with(network_with_outputs(["sigmoid"], [z]), name), np.zeros(0), np.array([t]))
    expected = max(wrong_way, 0.0) + math.log1p(math.exp(-abs(wrong_way)))
    assert numbers.loss == pytest.approx(expected, rel=1e-14, abs=0.0)
    assert numbers.pre_activation_grad("o1") == pytest.approx(float(evaluate("sigmoid", np.array(z))) - t, rel=1e-14)


@pytest.mark.parametrize("name", BINARY)
@given(z=st.floats(-30.0, 30.0), t=st.floats(0.0, 1.0))
def test_the_joint_form_of_binary_cross_entropy_equals_the_plain_one(name: str, z: float, t: float) -> None:
    loss = LOSSES[name]
    assert loss.joint_share is not None
    a = evaluate("sigmoid", one(z))
    if 1e-9 < a < 1.0 - 1e-9:
        assert loss.joint_share(one(z), one(t)).item() == pytest.approx(loss.share(a, one(t)).item(), rel=1e-6)


@pytest.mark.parametrize(
    ("summed", "mean"),
    [
        ("half_squared_error", "half_mean_squared_error"),
        ("squared_error", "mean_squared_error"),
        ("summed_binary_cross_entropy", "binary_cross_entropy"),
    ],
)
@pytest.mark.parametrize("activations", [["sigmoid"] * 3, ["sigmoid", "tanh", "sigmoid"], ["tanh"] * 3])
def test_a_mean_over_three_outputs_is_a_third_of_the_sum(summed: str, mean: str, activations: list[str]) -> None:
    network = network_with_outputs(activations, [0.3, 0.8, 1.5])
    targets = np.array([0.2, 0.5, 0.9])
    whole, part = (pass_sample(engine_with(network, name), np.zeros(0), targets) for name in (summed, mean))
    assert part.loss == pytest.approx(whole.loss / 3, rel=1e-14)
    for neuron in network.outputs:
        expected = whole.pre_activation_grad(neuron.id) / 3
        assert part.pre_activation_grad(neuron.id) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("z", [[0.0, 0.0, 0.0], [40.0, 0.0, -40.0], [1e4, 0.0, -1e4], [-1e4, 1e4, 1e4]])
@pytest.mark.parametrize("right", [0, 1, 2])
def test_softmax_with_cross_entropy_is_finite_where_softmax_saturates(z: list[float], right: int) -> None:
    targets = np.eye(3)[right]
    numbers = pass_sample(engine_with(network_with_outputs(["softmax"] * 3, z), "cross_entropy"), np.zeros(0), targets)
    largest = max(z)
    expected = largest - z[right] + math.log(math.fsum(math.exp(value - largest) for value in z))
    assert numbers.loss == pytest.approx(expected, rel=1e-14, abs=1e-300)
    a = evaluate("softmax", np.array(z))
    for k, neuron_id in enumerate(("o1", "o2", "o3")):
        assert numbers.pre_activation_grad(neuron_id) == pytest.approx(a[k] - targets[k], rel=1e-14)


@given(z=st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=4), seed=st.integers(0, 100))
def test_the_gradient_of_softmax_with_cross_entropy_is_right_for_targets_of_any_sum(z: list[float], seed: int) -> None:
    targets = np.random.default_rng(seed).random(len(z))
    network = network_with_outputs(["softmax"] * len(z), z)
    engine = engine_with(network, "cross_entropy")
    numbers = pass_sample(engine, np.zeros(0), targets)
    h = 1e-4
    for neuron in network.outputs:
        losses = []
        for nudge in (-h, h):
            engine.load({**network.values, neuron.id: network.values[neuron.id] + nudge})
            losses.append(pass_sample(engine, np.zeros(0), targets).loss)
        difference = (losses[1] - losses[0]) / (2 * h)
        assert numbers.pre_activation_grad(neuron.id) == pytest.approx(difference, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_shares_of_the_outputs_add_up_to_the_loss(name: str) -> None:
    network = network_with_outputs(["sigmoid", "softmax", "sigmoid", "softmax"], [0.3, -0.2, 1.5, 0.4])
    numbers = pass_sample(engine_with(network, name), np.zeros(0), np.array([0.2, 0.5, 0.9, 0.5]))
    divisor = 4.0 if LOSSES[name].mean else 1.0
    for neuron_id, share in numbers.shares.items():
        expected = SHARES[name](numbers.activation(neuron_id), numbers.targets[neuron_id]) / divisor
        assert share == pytest.approx(expected, rel=1e-12)
    assert numbers.loss == pytest.approx(math.fsum(numbers.shares.values()), rel=1e-14)


def test_a_network_without_outputs_has_no_loss_and_says_so() -> None:
    network = Network()
    network.add_neuron("hidden")
    engine = engine_with(network, "squared_error")
    engine.forward(np.zeros((1, 0)))
    with pytest.raises(TrainingError, match="no output neuron"):
        engine.loss_value(np.zeros((1, 0)))
