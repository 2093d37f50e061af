"""A trace that rounds at every step, as a printed book does: checked by hand with decimals."""

from __future__ import annotations

import json
import math
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_strategies import chain, trace_of, traces

from core.book import RoundedTrace, round_half_away
from core.dataset import Dataset
from core.errors import TrainingError
from core.network import Edge, Network, Neuron, Role
from core.passes import trace_project
from core.project import Project
from core.quantities import PARAMETER_KINDS, Kind, Quantity
from core.settings import Settings
from core.style import Rounding
from core.trace import Trace

EXAMPLES: dict[str, dict[str, Any]] = {
    example["name"]: example
    for example in json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8"))
}


def golden(name: str) -> Trace:
    """The trace of a worked example."""
    example = EXAMPLES[name]
    neurons, edges = example["network"]["neurons"], example["network"]["edges"]
    network = Network.build(
        [
            (Neuron(n["id"], Role(n["role"]), n.get("activation", "linear")), n.get("bias", 0.0), (0.0, 0.0))
            for n in neurons
        ],
        [(Edge(e["id"], e["source"], e["target"]), e["weight"]) for e in edges],
    )
    return trace_of(
        network,
        [example["inputs"]],
        [example["targets"]],
        loss=example["loss"],
        learning_rate=example["learning_rate"],
        update_biases=example.get("update_biases", True),
    )


# Rounding


@pytest.mark.parametrize(
    ("value", "places", "kind", "wanted"),
    [
        (0.125, 2, "decimals", 0.13),
        (-0.125, 2, "decimals", -0.13),
        (2.675, 2, "decimals", 2.68),
        (1.005, 2, "decimals", 1.01),
        (0.5 * 0.25, 2, "decimals", 0.13),
        (0.35 * 0.3, 2, "decimals", 0.11),
        (1.1 + 2.2 - 3.3 + 0.25, 1, "decimals", 0.3),
        (0.12499, 2, "decimals", 0.12),
        (-0.004, 2, "decimals", 0.0),
        (9.996, 2, "decimals", 10.0),
        (1234.5, 2, "decimals", 1234.5),
        (1234.5, 4, "digits", 1235.0),
        (1234.5, 2, "digits", 1200.0),
        (0.00012345, 4, "digits", 0.0001235),
        (9.996, 3, "digits", 10.0),
        (-2.5e-9, 1, "digits", -3e-9),
        (1e300, 4, "decimals", 1e300),
        (1.2345e300, 4, "digits", 1.235e300),
        (5e-324, 3, "digits", 5e-324),
        (0.0, 3, "digits", 0.0),
        (math.inf, 3, "decimals", math.inf),
        (-math.inf, 3, "digits", -math.inf),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float, places: int, kind: str, wanted: float) -> None:
    found = round_half_away(value, Rounding(places, kind))
    assert found == wanted
    assert math.copysign(1.0, found) == math.copysign(1.0, wanted)


def test_nan_stays() -> None:
    assert math.isnan(round_half_away(math.nan, Rounding(2)))


@given(value=st.floats(-1e6, 1e6), places=st.integers(1, 8))
def test_so_many_decimals_are_left_and_the_number_moves_by_half_of_the_last_at_most(value: float, places: int) -> None:
    rounding = Rounding(places, "decimals")
    found = round_half_away(value, rounding)
    assert abs(found - value) <= 0.5 * 10.0**-places * (1 + 1e-3) + 1e-15 * abs(value)
    assert -int(Decimal(repr(found)).normalize().as_tuple().exponent) <= places
    assert round_half_away(found, rounding) == found


@given(value=st.floats(-1e300, 1e300).filter(lambda x: abs(x) > 1e-300), places=st.integers(1, 12))
def test_so_many_digits_are_left_and_the_number_moves_by_half_of_the_last_at_most(value: float, places: int) -> None:
    rounding = Rounding(places, "digits")
    found = round_half_away(value, rounding)
    assert found == pytest.approx(value, rel=0.5 * 10.0 ** (1 - places) * (1 + 1e-3))
    assert len(Decimal(repr(found)).normalize().as_tuple().digits) <= places
    assert round_half_away(found, rounding) == found


# Worked by hand


def by_hand(number: Decimal, places: str = "0.0001") -> Decimal:
    return number.quantize(Decimal(places), ROUND_HALF_UP)


def sigmoid(z: Decimal) -> Decimal:
    return by_hand(1 / (1 + (-z).exp()))


def test_the_2_2_2_network_with_four_decimals_is_what_a_hand_gets() -> None:
    trace = RoundedTrace(golden("two_two_two"), Rounding(4, "decimals"))
    d, r = Decimal, by_hand
    wanted: dict[Quantity, Decimal] = {}

    def shown(kind: Kind, subject: str, value: Decimal) -> Decimal:
        wanted[Quantity(kind, subject)] = value
        return value

    x1, x2, b1, b2 = d("0.05"), d("0.1"), d("0.35"), d("0.6")
    w1, w2, w3, w4, w5, w6, w7, w8 = (d(f"{number}") for number in (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55))
    z_h1 = shown(Kind.WEIGHTED_SUM, "h1", r(r(w1 * x1) + r(w2 * x2) + b1))
    z_h2 = shown(Kind.WEIGHTED_SUM, "h2", r(r(w3 * x1) + r(w4 * x2) + b1))
    h1, h2 = shown(Kind.ACTIVATION, "h1", sigmoid(z_h1)), shown(Kind.ACTIVATION, "h2", sigmoid(z_h2))
    z_o1 = shown(Kind.WEIGHTED_SUM, "o1", r(r(w5 * h1) + r(w6 * h2) + b2))
    z_o2 = shown(Kind.WEIGHTED_SUM, "o2", r(r(w7 * h1) + r(w8 * h2) + b2))
    o1, o2 = shown(Kind.ACTIVATION, "o1", sigmoid(z_o1)), shown(Kind.ACTIVATION, "o2", sigmoid(z_o2))
    share1 = shown(Kind.LOSS_SHARE, "o1", r((d("0.01") - o1) ** 2 / 2))
    share2 = shown(Kind.LOSS_SHARE, "o2", r((d("0.99") - o2) ** 2 / 2))
    loss = shown(Kind.LOSS, "", r(share1 + share2))
    grad1 = shown(Kind.ACTIVATION_GRAD, "o1", r(o1 - d("0.01")))
    grad2 = shown(Kind.ACTIVATION_GRAD, "o2", r(o2 - d("0.99")))
    delta1 = shown(Kind.PRE_ACTIVATION_GRAD, "o1", r(grad1 * o1 * (1 - o1)))
    delta2 = shown(Kind.PRE_ACTIVATION_GRAD, "o2", r(grad2 * o2 * (1 - o2)))
    grad_w5 = shown(Kind.WEIGHT_GRAD, "w5", r(delta1 * h1))
    shown(Kind.UPDATE, "w5", r(w5 - d("0.5") * grad_w5))
    back5 = shown(Kind.CONTRIBUTION, "w5", r(w5 * delta1))
    back7 = shown(Kind.CONTRIBUTION, "w7", r(w7 * delta2))
    grad_h1 = shown(Kind.ACTIVATION_GRAD, "h1", r(back5 + back7))
    delta_h1 = shown(Kind.PRE_ACTIVATION_GRAD, "h1", r(grad_h1 * h1 * (1 - h1)))
    grad_w1 = shown(Kind.WEIGHT_GRAD, "w1", r(delta_h1 * x1))
    shown(Kind.UPDATE, "w1", r(w1 - d("0.5") * grad_w1))
    for quantity, value in wanted.items():
        assert trace.value(quantity) == float(value), quantity
    # What the article and many after it print.
    assert (z_h1, h1, h2, loss, grad_w5) == (d("0.3775"), d("0.5933"), d("0.5969"), d("0.2984"), d("0.0822"))
    assert trace.loss == 0.2984
    assert trace.gradient["w5"] == 0.0822
    assert trace.new_values["w5"] == 0.3589
    assert trace.update_numbers.loss == 0.2984


def test_the_2_2_1_network_with_three_digits_is_what_a_hand_gets() -> None:
    exact = golden("two_two_one")
    trace = RoundedTrace(exact, Rounding(3, "digits"))

    def r(number: Decimal) -> Decimal:
        return number.quantize(Decimal(1).scaleb(number.adjusted() - 2), ROUND_HALF_UP)

    values = {q.subject: Decimal(repr(trace.value(q))) for q in map(given_value(exact), exact.network.values)}
    x = [r(Decimal(repr(value))) for value in exact.x[0].tolist()]
    network = exact.network
    inputs = dict(zip([n.id for n in network.inputs], x, strict=True))
    activations = dict(inputs)
    for members in network.levels():
        for neuron in members:
            if neuron in inputs:
                continue
            total = values[neuron]
            for edge in network.incoming(neuron):
                total += r(values[edge.id] * activations[edge.source])
            z = r(total)
            activations[neuron] = r(1 / (1 + (-z).exp()))
            assert trace.value(Quantity(Kind.WEIGHTED_SUM, neuron)) == float(z)
            assert trace.value(Quantity(Kind.ACTIVATION, neuron)) == float(activations[neuron])
    (output,) = (n.id for n in network.outputs)
    target = Decimal(repr(float(exact.targets[0, 0])))
    a = activations[output]
    delta = r(r(a - target) * a * (1 - a))
    assert trace.value(Quantity(Kind.PRE_ACTIVATION_GRAD, output)) == float(delta)
    edge = next(e for e in network.incoming(output))
    assert trace.value(Quantity(Kind.WEIGHT_GRAD, edge.id)) == float(r(delta * activations[edge.source]))


def given_value(trace: Trace) -> Any:
    """A parameter as the quantity that is given."""
    return lambda name: Quantity(Kind.WEIGHT if name in trace.network.edges else Kind.BIAS, name)


# The whole

roundings = st.builds(Rounding, st.integers(1, 12), st.sampled_from(["decimals", "digits"]))


@given(trace=traces(max_neurons=10, max_batch=3), rounding=roundings)
def test_each_step_is_rounded(trace: Trace, rounding: Rounding) -> None:
    rounded = RoundedTrace(trace, rounding)
    assert len(rounded) == len(trace)
    numbers = rounded.update_numbers
    for step, exact in zip(rounded, trace, strict=True):
        assert (step.quantity, step.operands, step.neuron) == (exact.quantity, exact.operands, exact.neuron)
        if math.isfinite(step.value):
            assert round_half_away(step.value, rounding) == step.value
            assert rounded.deviation(step.quantity) == step.value - exact.value
        elif step.value == rounded.value(step.quantity):
            assert rounded.exact.value(step.quantity) == exact.value
        # The update is made of the same numbers.
        name = step.quantity.subject
        if step.kind is Kind.PARAMETER_GRAD:
            assert same(numbers.gradient[name], step.value)
        elif step.kind is Kind.PENALIZED_GRAD:
            assert same(numbers.penalized[name], step.value)
        elif step.kind is Kind.UPDATE:
            assert same(rounded.new_values[name], step.value)
        elif step.kind in PARAMETER_KINDS:
            assert same(numbers.terms[step.kind - Kind.TERM_1][name], step.value)
    assert numbers.gradient.keys() == trace.gradient.keys()
    assert numbers.new.keys() == trace.new_values.keys()
    assert same(numbers.loss, rounded.loss)
    if trace.batch == 1:
        assert same(rounded.loss, rounded.value(Quantity(Kind.LOSS)))


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(trace=traces(max_neurons=8, max_batch=2))
def test_the_exact_trace_is_left_as_it_was(trace: Trace) -> None:
    before = [step.value for step in trace]
    rounded = RoundedTrace(trace, Rounding(2))
    _ = [step.value for step in rounded], rounded.update_numbers
    after = [step.value for step in trace]
    assert np.array_equal(before, after, equal_nan=True)


def test_twelve_digits_are_next_to_the_exact_numbers() -> None:
    exact = golden("two_two_two")
    rounded = RoundedTrace(exact, Rounding(12, "digits"))
    for step in exact:
        assert rounded.value(step.quantity) == pytest.approx(step.value, rel=1e-9)


def test_an_output_rounded_to_1_still_has_a_cross_entropy() -> None:
    exact = chain(("o", "sigmoid"), x=10.0, target=0.0, weight=1.0, loss="binary_cross_entropy")
    rounded = RoundedTrace(exact, Rounding(2))
    assert rounded.value(Quantity(Kind.ACTIVATION, "o")) == 1.0
    # ln(1 - 1) there is not: the loss is made from z.
    assert rounded.loss == 10.25


def test_a_batchs_loss_is_the_mean_of_its_samples_rounded_ones() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="o")
    network.connect("x", "o", weight=1.0)
    exact = trace_of(network, [[1.0], [2.0], [3.0]], [[0.86], [1.86], [2.84]], loss="squared_error")
    rounded = RoundedTrace(exact, Rounding(2))
    # 0.0196, 0.0196 and 0.0256 are 0.02, 0.02 and 0.03.
    assert [rounded.value(Quantity(Kind.LOSS, "", s)) for s in range(3)] == [0.02, 0.02, 0.03]
    assert rounded.loss == 0.02
    assert exact.loss == pytest.approx(0.0216)


def test_a_projects_trace_can_be_rounded() -> None:
    exact = golden("two_two_two")
    network = exact.network
    columns = {n.id: exact.x[:, k] for k, n in enumerate(network.inputs)}
    columns |= {n.id: exact.targets[:, k] for k, n in enumerate(network.outputs)}
    project = Project(network, Dataset(columns), Settings())
    trace = trace_project(project, rounding=Rounding(4))
    assert isinstance(trace, RoundedTrace)
    assert trace.value(Quantity(Kind.ACTIVATION, "h1")) == 0.5933
    assert not isinstance(trace_project(project), RoundedTrace)
    again = trace_project(project, plan=trace.plan, schedule=trace.schedule, rounding=Rounding(2))
    assert again.schedule is trace.schedule


def test_without_outputs_there_is_no_loss_to_round() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="tanh")
    network.connect("x", "h", weight=1.0)
    rounded = RoundedTrace(trace_of(network, [[1.0]], np.zeros((1, 0))), Rounding(2))
    assert [step.value for step in rounded] == [1.0, 1.0, 1.0, 0.76]
    with pytest.raises(TrainingError, match="no output neuron"):
        _ = rounded.loss
