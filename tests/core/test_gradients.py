"""Every gradient against central differences of the loss."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import assume, event, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.engine import Engine
from core.losses import HUBER_DELTA, LOSSES, PROBABILITY_MARGIN
from core.network import Network
from core.plan import compile_network

TOLERANCE = 1e-6
STEP = 1e-4
# At most this many parameters of one network are nudged, each in turn.
NUDGED = 25
KINKED = {"relu", "leaky_relu", "elu", "step"}


def engine_of(case: Case) -> Engine:
    engine = Engine(compile_network(case.network), loss=case.loss, mean=case.mean)
    engine.load(case.network.values)
    return engine


def gradient_of(engine: Engine, case: Case) -> dict[str, float]:
    engine.forward(case.x)
    engine.loss_value(case.targets)
    return engine.plan.unpack(engine.backward())


def loss_and_sides(engine: Engine, case: Case, values: dict[str, float]) -> tuple[float, NDArray[np.bool_]]:
    """The loss, and on which side of each kink (of an activation or of the loss) each number lies."""
    engine.load(values)
    difference = engine.forward(case.x) - case.targets
    loss = engine.loss_value(case.targets)
    kinked = [engine.plan.rows[n.id] for n in case.network.neurons.values() if n.activation in KINKED]
    sides = [engine.workspace.z[kinked] > 0.0]
    if case.loss == "mean_absolute_error":
        sides.append(difference > 0.0)
    if case.loss == "huber":
        sides += [difference > HUBER_DELTA, difference < -HUBER_DELTA]
    return loss, np.concatenate([side.ravel() for side in sides])


def central_difference(engine: Engine, case: Case, name: str) -> float | None:
    """dL/dparameter from four losses around it, to fourth order; None where a kink lies between them."""
    former = dict(case.network.values)
    losses, sides = [], []
    for steps in (-2, -1, 1, 2):
        loss, side = loss_and_sides(engine, case, {**former, name: former[name] + steps * STEP})
        losses.append(loss)
        sides.append(side)
    if any(not np.array_equal(side, sides[0]) for side in sides):
        return None
    return (losses[0] - 8.0 * losses[1] + 8.0 * losses[2] - losses[3]) / (12.0 * STEP)


def stays_off_the_margin(engine: Engine, case: Case) -> bool:
    """Whether no activation lies where a cross-entropy keeps it from 0 or 1: there the loss has another kink."""
    loss = LOSSES[case.loss]
    plain = [n.activation != loss.joint_activation for n in case.network.outputs]
    a = engine.forward(case.x)[:, plain]
    margin = 1e3 * PROBABILITY_MARGIN
    return not loss.probabilities or bool(np.all((a > margin) & (a < 1.0 - margin)))


@given(case=cases(), random=st.randoms(use_true_random=False))
def test_gradients_are_those_of_central_differences(case: Case, random: object) -> None:
    engine = engine_of(case)
    assume(stays_off_the_margin(engine, case))
    gradient = gradient_of(engine, case)
    loss = engine.loss_value(case.targets)
    names = list(case.network.values)
    if len(names) > NUDGED:
        names = random.sample(names, NUDGED)  # type: ignore[attr-defined]
    event(f"loss {case.loss}")
    for name in names:
        expected = central_difference(engine, case, name)
        if expected is None:
            continue
        # Rounding of the loss limits what a difference can show of a gradient that is far smaller than the loss.
        size = max(abs(expected) + abs(gradient[name]), 1e-3 * max(1.0, abs(loss)))
        assert abs(gradient[name] - expected) / size < TOLERANCE, name


@given(case=cases(max_neurons=20), update_biases=st.booleans())
def test_an_update_leaves_frozen_parameters_alone_to_the_bit_and_moves_the_others_by_their_gradient(
    case: Case, update_biases: bool
) -> None:
    network, engine = case.network, engine_of(case)
    gradient = gradient_of(engine, case)
    assert gradient.keys() == network.values.keys()
    engine.descend(0.3, engine.plan.trainable(update_biases=update_biases))
    updated = engine.plan.unpack(engine.parameters)
    for name, former in network.values.items():
        held = name in network.frozen or (name in network.neurons and not update_biases)
        expected = former if held else former - 0.3 * gradient[name]
        assert np.float64(updated[name]).tobytes() == np.float64(expected).tobytes(), name


@given(case=cases(max_neurons=20))
def test_freezing_does_not_change_a_gradient(case: Case) -> None:
    thawed = case.network.copy()
    for parameter in thawed.frozen:
        thawed.set_frozen(parameter, False)
    free = Engine(compile_network(thawed), loss=case.loss, mean=case.mean)
    free.load(thawed.values)
    assert gradient_of(free, case) == gradient_of(engine_of(case), case)


@given(case=cases(max_neurons=20))
def test_tied_edges_get_the_sum_of_the_gradients_that_they_would_get_alone(case: Case) -> None:
    untied = case.network.copy()
    for edge in case.network.edges.values():
        untied.untie(edge.id)
    alone = Engine(compile_network(untied), loss=case.loss, mean=case.mean)
    alone.load(untied.values)
    each = gradient_of(alone, case)
    for name, value in gradient_of(engine_of(case), case).items():
        shares = [each[edge.id] for edge in case.network.edges_of_parameter(name)] or [each[name]]
        assert value == pytest.approx(sum(shares), rel=1e-10, abs=1e-10 * max(abs(share) for share in shares))


@given(case=cases(max_neurons=20))
def test_tied_edges_and_absent_edges_stay_so_through_updates(case: Case) -> None:
    engine = engine_of(case)
    for _ in range(3):
        gradient_of(engine, case)
        engine.descend(0.1, engine.plan.trainable(update_biases=True))
    plan = engine.plan
    for edge in case.network.edges.values():
        shared = engine.parameters[plan.weight_position[edge.parameter]]
        assert engine.parameters[plan.weight_position[edge.id]].tobytes() == shared.tobytes()
    absent = np.ones(plan.size, dtype=bool)
    absent[[*plan.weight_position.values(), *plan.bias_position.values()]] = False
    assert not engine.parameters[absent].any()


def test_a_frozen_parameter_stays_even_when_its_gradient_is_infinite() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y", bias=-0.0)
    network.connect("x", "y", id="w", weight=1e200)
    network.set_frozen("w")
    network.set_frozen("y")
    engine = Engine(compile_network(network), loss="squared_error")
    engine.load(network.values)
    engine.forward(np.array([[1e200]]))
    engine.loss_value(np.zeros((1, 1)))
    assert not np.isfinite(engine.plan.unpack(engine.backward())["w"])
    engine.descend(0.1, engine.plan.trainable(update_biases=True))
    updated = engine.plan.unpack(engine.parameters)
    assert updated["w"] == 1e200
    assert np.signbit(updated["y"]), "minus zero stays minus zero"


def test_a_batch_sums_or_averages_what_its_samples_give() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y")
    network.connect("x", "y", id="w", weight=2.0)
    x, targets = np.array([[1.0], [3.0]]), np.array([[0.0], [5.0]])
    for mean, loss, weight_grad in ((True, (4.0 + 1.0) / 2, (4.0 + 6.0) / 2), (False, 4.0 + 1.0, 4.0 + 6.0)):
        engine = Engine(compile_network(network), loss="squared_error", mean=mean)
        engine.load(network.values)
        engine.forward(x)
        assert engine.loss_value(targets) == loss
        assert engine.plan.unpack(engine.backward())["w"] == weight_grad
