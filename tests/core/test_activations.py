"""The activation functions against the formulas of the standard library's math."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.activations import ACTIVATIONS, ELU_ALPHA, LEAKY_SLOPE, derivative, evaluate, run
from core.engine import Engine
from core.network import Network
from core.plan import compile_network


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z)) if z > 0 else math.exp(z) / (1.0 + math.exp(z))


FORMULAS: dict[str, Callable[[float], float]] = {
    "linear": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "leaky_relu": lambda z: z if z > 0 else LEAKY_SLOPE * z,
    "elu": lambda z: z if z > 0 else ELU_ALPHA * math.expm1(z),
    "softplus": lambda z: max(z, 0.0) + math.log1p(math.exp(-abs(z))),
    "gelu": lambda z: z * 0.5 * math.erfc(-z / math.sqrt(2.0)),
    "silu": lambda z: z * sigmoid(z),
    "sine": math.sin,
    "step": lambda z: float(z > 0),
}
DERIVATIVES: dict[str, Callable[[float], float]] = {
    "linear": lambda z: 1.0,
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": lambda z: 1.0 / math.cosh(z) ** 2,
    "relu": lambda z: float(z > 0),
    "leaky_relu": lambda z: 1.0 if z > 0 else LEAKY_SLOPE,
    "elu": lambda z: 1.0 if z > 0 else ELU_ALPHA * math.exp(z),
    "softplus": sigmoid,
    "gelu": lambda z: 0.5 * math.erfc(-z / math.sqrt(2.0)) + z * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi),
    "silu": lambda z: sigmoid(z) + z * sigmoid(z) * sigmoid(-z),
    "sine": math.cos,
    "step": lambda z: 0.0,
}
ELEMENTWISE = list(FORMULAS)
KINKED = {"relu", "leaky_relu", "elu", "step"}

moderate = st.floats(-30.0, 30.0)
extreme = st.one_of(st.floats(-1e4, 1e4), st.sampled_from([0.0, -0.0, 709.0, -709.0, 745.2, -745.2, 1e4, -1e4]))


def test_the_table_lists_every_activation_under_its_name() -> None:
    assert [*ELEMENTWISE, "softmax"] == list(ACTIVATIONS)
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())
    assert [name for name, activation in ACTIVATIONS.items() if activation.coupled] == ["softmax"]


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=moderate)
def test_the_value_is_that_of_the_formula(name: str, z: float) -> None:
    assert evaluate(name, np.array([z]))[0] == pytest.approx(FORMULAS[name](z), rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=moderate)
def test_the_derivative_is_that_of_the_formula(name: str, z: float) -> None:
    # 1 - a and 1 - a^2 lose digits where a is near 1, so the tolerance is absolute.
    assert derivative(name, np.array([z]))[0] == pytest.approx(DERIVATIVES[name](z), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=st.floats(-10.0, 10.0))
def test_the_derivative_is_that_of_central_differences(name: str, z: float) -> None:
    h = 1e-3
    if name in KINKED and abs(z) <= 2 * h:
        return
    a = evaluate(name, np.array([z - 2 * h, z - h, z + h, z + 2 * h]))
    difference = (a[0] - 8 * a[1] + 8 * a[2] - a[3]) / (12 * h)
    assert derivative(name, np.array([z]))[0] == pytest.approx(difference, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_at_zero_are_what_textbooks_say(name: str) -> None:
    at_zero = {"sigmoid": 0.5, "softplus": math.log(2.0)}
    assert evaluate(name, np.zeros(1))[0] == pytest.approx(at_zero.get(name, 0.0), rel=1e-15)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@given(z=st.lists(extreme, min_size=1, max_size=6))
def test_nothing_overflows_up_to_ten_thousand(name: str, z: list[float]) -> None:
    # Warnings are errors in this project's tests, so numpy may not complain either.
    a, slope = evaluate(name, np.array(z)), derivative(name, np.array(z))
    assert np.isfinite(a).all()
    assert np.isfinite(slope).all()
    assert (np.abs(slope) <= 1.2).all()
    if name in ("sigmoid", "softmax", "step"):
        assert ((a >= 0.0) & (a <= 1.0)).all()


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_a_pass_of_the_engine_through_saturated_neurons_stays_finite(name: str, size: float) -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="p", activation=name)
    network.add_neuron("output", id="q", activation=name)
    network.connect("x", "p", weight=size)
    network.connect("x", "q", weight=-size)
    engine = Engine(compile_network(network))
    engine.load(network.values)
    assert np.isfinite(engine.forward(np.ones((1, 1)))).all()
    assert np.isfinite(engine.loss_value(np.zeros((1, 2))))
    assert np.isfinite(engine.backward()).all()


def test_a_network_that_diverges_ends_in_infinities_without_a_warning() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    for name in ACTIVATIONS:
        network.add_neuron("output", id=name, activation=name)
        network.connect("x", name, weight=1.0)
    engine = Engine(compile_network(network), loss="squared_error")
    engine.load(network.values)
    for _ in range(30):
        engine.forward(np.full((1, 1), 1e30))
        engine.loss_value(np.zeros((1, len(ACTIVATIONS))))
        engine.backward()
        engine.descend(1e30)
    assert not np.isfinite(engine.parameters).all()


def test_relu_has_the_derivative_0_at_0_and_says_so() -> None:
    assert derivative("relu", np.array([0.0, -0.0])).tolist() == [0.0, 0.0]
    assert "0" in ACTIVATIONS["relu"].note


def test_the_step_function_has_the_gradient_0_everywhere_and_says_so() -> None:
    z = np.array([-2.0, -0.0, 0.0, 1e-300, 3.0])
    assert evaluate("step", z).tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
    assert derivative("step", z).tolist() == [0.0] * 5
    assert "gradient" in ACTIVATIONS["step"].note
    assert "0" in ACTIVATIONS["step"].note


@given(z=st.lists(moderate, min_size=1, max_size=6), shift=moderate)
def test_softmax_gives_the_shares_of_the_exponentials_whatever_is_added_to_all(z: list[float], shift: float) -> None:
    exponentials = [math.exp(value - max(z)) for value in z]
    expected = [e / math.fsum(exponentials) for e in exponentials]
    assert evaluate("softmax", np.array(z)).tolist() == pytest.approx(expected, rel=1e-12)
    assert evaluate("softmax", np.array(z) + shift).tolist() == pytest.approx(expected, rel=1e-12)
    assert math.fsum(evaluate("softmax", np.array(z))) == pytest.approx(1.0, rel=1e-15)


@given(z=st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=5), seed=st.integers(0, 1000))
def test_the_vjp_of_softmax_is_its_jacobian_times_the_vector(z: list[float], seed: int) -> None:
    column = np.array(z)[:, np.newaxis]
    a = evaluate("softmax", column)
    a_grad = np.random.default_rng(seed).normal(size=column.shape)
    z_grad = np.empty_like(column)
    vjp = ACTIVATIONS["softmax"].vjp
    assert vjp is not None
    run(vjp(column, a, a_grad, z_grad))
    jacobian = np.diagflat(a) - a @ a.T
    np.testing.assert_allclose(z_grad, jacobian @ a_grad, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(derivative("softmax", column), np.diag(jacobian)[:, np.newaxis], rtol=1e-12)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_each_sample_of_a_batch_is_evaluated_by_itself(name: str) -> None:
    z = np.random.default_rng(3).normal(size=(4, 3))
    together = evaluate(name, z)
    for k in range(3):
        np.testing.assert_allclose(together[:, k], evaluate(name, z[:, k]), rtol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_single_number_can_be_evaluated(name: str) -> None:
    assert float(evaluate(name, np.array(0.7))) == pytest.approx(FORMULAS[name](0.7), rel=1e-14)
    assert float(derivative(name, np.array(0.7))) == pytest.approx(DERIVATIVES[name](0.7), rel=1e-14)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_formulas_bracket_a_negative_number_that_follows_an_operator(name: str) -> None:
    activation = ACTIVATIONS[name]
    for text in (activation.latex("-1.5"), activation.derivative_latex("-1.5", "-0.2")):
        assert not any(wrong in text for wrong in ("--", "- -", "\\cdot -", "+ -")), text
        assert text.count("{") == text.count("}")
