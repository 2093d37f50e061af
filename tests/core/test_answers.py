"""Backpropagation, a difference quotient and the sum over the paths agree, or it is said why they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import event, given

from core.answers import Answers, ParameterLoss, loss_curve, three_answers
from core.errors import TrainingError
from core.network import Network
from core.paths import parameter_gradient
from core.plan import compile_network
from core.settings import Settings
from core.trace import Trace


def trace_of(network: Network, x: Any, targets: Any, **settings: Any) -> Trace:
    return Trace(
        compile_network(network), network.values, np.atleast_2d(x), np.atleast_2d(targets), Settings(**settings)
    )


def chain(activation: str, *, weight: float = 0.5, x: float = 1.0, target: float = 1.0, **settings: Any) -> Trace:
    """x -> h -> o with a linear output."""
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation=activation)
    network.add_neuron("output", id="o")
    network.connect("x", "h", weight=weight)
    network.connect("h", "o", weight=1.5)
    return trace_of(network, [x], [target], **settings)


@given(cases(max_neurons=15, max_batch=2))
def test_on_random_networks_they_agree_or_there_is_a_reason_that_is_known(case: Case) -> None:
    trace = trace_of(case.network, case.x, case.targets, loss=case.loss, batch_mean=case.mean)
    for parameter in list(case.network.values)[:6]:
        answers = three_answers(trace, parameter, sample=len(case.x) - 1, limit=3)
        event("agrees" if answers.agrees else answers.reason[:20])
        assert answers.agrees == (not answers.reason)
        assert answers.errors["paths"] < 1e-9
        assert "No cause is known" not in answers.reason


def test_the_numbers_of_a_small_example() -> None:
    # L = (1.5 * 0.5 * 1 - 1)^2 / 2: dL/dw1 = -0.25 * 1.5.
    answers = three_answers(chain("linear"), "w1")
    assert (answers.value, answers.step, answers.loss) == (0.5, 1e-5, 0.03125)
    assert answers.backpropagated == answers.summed == -0.375
    assert answers.difference == pytest.approx(-0.375, rel=1e-9)
    assert answers.above == pytest.approx((1.5 * 0.50001 - 1) ** 2 / 2, rel=1e-14)
    assert answers.judge == pytest.approx(-0.375, rel=1e-11)
    assert answers.agrees
    assert answers.reason == ""
    assert answers.notes == ()


def test_a_kink_of_relu_is_named_with_its_numbers() -> None:
    answers = three_answers(chain("relu", weight=1e-6), "w1")
    assert not answers.agrees
    assert "The ReLU of h has a kink between w − h and w + h: z(h) goes from −9e−6 to 1.1e−5." in answers.reason
    # Somewhere else there is none.
    assert three_answers(chain("relu"), "w1").agrees


def test_a_kink_of_the_absolute_error_is_named_with_its_numbers() -> None:
    answers = three_answers(chain("linear", weight=0.66667, loss="mean_absolute_error"), "w1")
    assert (
        "The absolute error of o has a kink between w − h and w + h: a − t goes from −1e−5 to 2e−5." in answers.reason
    )


def test_a_step_function_has_no_gradient_and_may_jump() -> None:
    flat = three_answers(chain("step"), "w1")
    assert flat.agrees
    assert flat.backpropagated == flat.difference == 0.0
    assert any("step function is 0" in note for note in flat.notes)
    jump = three_answers(chain("step", weight=1e-6), "w1")
    assert "The Step of h jumps between" in jump.reason


def test_a_step_that_is_too_large_or_too_small_is_told() -> None:
    trace = chain("tanh")
    large = three_answers(trace, "w1", step=0.3)
    assert "too large: the loss bends" in large.reason
    assert "With h = 0.03 the quotient is" in large.reason
    small = three_answers(trace, "w1", step=1e-13)
    assert "too small" in small.reason
    assert "in common" in small.reason
    assert "w + h is w itself" in three_answers(trace, "w1", step=1e-18).reason
    assert three_answers(trace, "w1").agrees
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(TrainingError, match="has to be a number above 0"):
            three_answers(trace, "w1", step=wrong)


def test_single_precision_agrees_in_a_few_digits_and_says_so() -> None:
    answers = three_answers(chain("tanh", precision="float32"), "w1")
    assert answers.agrees
    assert any("single precision" in note for note in answers.notes)
    assert answers.judge == pytest.approx(answers.backpropagated, rel=1e-5)
    rough = three_answers(chain("tanh", precision="float32"), "w1", step=1e-6)
    assert not rough.agrees
    assert "too small" in rough.reason or "single precision" in rough.reason


def test_an_output_outside_of_the_probabilities_is_told() -> None:
    answers = three_answers(chain("linear", weight=2.0, loss="binary_cross_entropy"), "w1")
    assert "a(o) is 3, where binary cross-entropy has no value" in answers.reason


def test_dropout_uses_the_same_masks_in_all_three() -> None:
    network = chain("tanh").network.copy()
    network.set_dropout("h", 0.5)
    gradients = set()
    for seed in range(1, 9):
        trace = trace_of(network, [1.0], [1.0], seed=seed)
        answers = three_answers(trace, "w1")
        assert answers.agrees
        assert any("same dropout masks" in note for note in answers.notes)
        gradients.add(round(answers.backpropagated, 6))
    assert len(gradients) == 2


def test_updated_weights_are_told() -> None:
    trace = chain("tanh", updated_weights=True)
    assert parameter_gradient(trace, "w1", 0) != parameter_gradient(chain("tanh"), "w1", 0)
    answers = three_answers(trace, "w1")
    assert not answers.agrees
    assert answers.errors["difference and paths"] < 1e-6
    assert "already changed" in answers.reason


def test_paths_that_are_not_listed_are_counted_in_the_notes() -> None:
    network = chain("tanh").network.copy()
    network.connect("x", "o", weight=0.1)
    network.add_neuron("hidden", id="g", activation="tanh")
    network.connect("h", "g", weight=0.3)
    network.connect("g", "o", weight=0.3)
    answers: Answers = three_answers(trace_of(network, [1.0], [1.0]), "w1", limit=1)
    assert answers.agrees
    assert "1 of 2 paths are listed; the sum is over all of them." in answers.notes


def test_without_a_loss_there_is_nothing_to_compare() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h")
    network.connect("x", "h", weight=2.0)
    with pytest.raises(TrainingError, match="no output neuron"):
        three_answers(trace_of(network, [1.0], np.zeros((1, 0))), "w1")
    with pytest.raises(TrainingError, match="not finite"):
        three_answers(chain("linear", weight=1e200), "w1")


# The curve


def two_samples(**settings: Any) -> Trace:
    trace = chain("tanh")
    return trace_of(trace.network, [[1.0], [-2.0]], [[1.0], [0.5]], **settings)


@pytest.mark.parametrize("mean", [True, False])
def test_the_curve_touches_its_tangent_and_holds_the_next_update(mean: bool) -> None:
    trace = two_samples(batch_mean=mean, learning_rate=0.25)
    curve = loss_curve(trace, "w1", span=2.0, points=401)
    middle = 200
    assert curve.values[middle] == curve.value == 0.5
    assert (curve.values[0], curve.values[-1]) == (-1.5, 2.5)
    assert curve.losses[middle] == curve.tangent[middle] == pytest.approx(trace.loss, rel=1e-15)
    assert np.gradient(curve.losses, curve.values)[middle] == pytest.approx(curve.gradient, rel=1e-4)
    assert curve.new_value == pytest.approx(0.5 - 0.25 * curve.gradient, rel=1e-15)
    assert curve.new_loss is not None
    assert curve.new_loss < curve.loss
    # By hand: the loss of the batch at another weight.
    by_hand = [(1.5 * np.tanh(0.7 * x) - t) ** 2 / 2 for x, t in ((1.0, 1.0), (-2.0, 0.5))]
    assert curve.loss_at(0.7) == pytest.approx(np.mean(by_hand) if mean else np.sum(by_hand), rel=1e-14)


def test_the_curve_of_one_sample_is_its_own() -> None:
    trace = two_samples()
    curve = loss_curve(trace, "w1", sample=1)
    assert curve.loss == trace.sample_pass(1).loss
    assert curve.gradient == trace.sample_pass(1).weight_grad("w1")


def test_a_prediction_is_the_gradient_times_the_change() -> None:
    curve = loss_curve(chain("linear"), "w1")
    predicted, actual = curve.predict(0.1)
    assert predicted == pytest.approx(-0.0375)
    # L(0.6) = (0.9 - 1)^2 / 2 = 0.005.
    assert actual == pytest.approx(0.005 - 0.03125)


def test_what_no_update_changes_has_no_new_value() -> None:
    network = chain("tanh").network.copy()
    network.set_frozen("w1", True)
    frozen = loss_curve(trace_of(network, [1.0], [1.0]), "w1")
    assert frozen.new_value is frozen.new_loss is None
    assert loss_curve(trace_of(network, [1.0], [1.0], update_biases=False), "h").new_value is None


def test_tied_edges_move_together_and_the_trace_stays_as_it_is() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h")
    network.add_neuron("output", id="o")
    network.connect("x", "h", weight=0.5)
    network.connect("h", "o", tied_to="w1")
    trace = trace_of(network, [1.0], [1.0])
    loss_at = ParameterLoss(trace, "w2", 0)
    assert loss_at.parameter == "w1"
    assert loss_at(2.0) == (4.0 - 1.0) ** 2 / 2
    assert trace.sample_pass(0).weight("w1") == 0.5
    # L = (w^2 - 1)^2 / 2: dL/dw = 2w (w^2 - 1).
    assert three_answers(trace, "w1").backpropagated == pytest.approx(-0.75)
    assert three_answers(trace, "w1").agrees
