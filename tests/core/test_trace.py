"""A trace as a sequence of steps: what is revealed when, out of what, and that the numbers recombine."""

from __future__ import annotations

import math
import sys
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from graph_strategies import Case, Shape, cases, random_network
from hypothesis import assume, event, given
from hypothesis import strategies as st
from training_strategies import bits, settings_of_any_sort

from core import fast_kernel
from core.batches import dropout_masks
from core.dataset import Dataset
from core.engine import Engine
from core.errors import TrainingError
from core.losses import LOSSES, PROBABILITY_MARGIN
from core.network import Edge, Network, Neuron, Role
from core.optimizers import OPTIMIZERS
from core.passes import trace_project
from core.plan import compile_network
from core.project import Project
from core.quantities import (
    EDGE_KINDS,
    GIVEN_KINDS,
    PARAMETER_KINDS,
    TERM_KINDS,
    Granularity,
    Kind,
    Phase,
    Quantity,
    Step,
    phase_of,
)
from core.settings import Settings
from core.trace import Trace
from core.training import Run, project_at

LEARNING_RATE = 0.3
# From the smallest to the largest: each boundary of one is a boundary of those before it.
SIZES = list(Granularity)


def trace_of(case: Case, *, update_biases: bool = True, updated_weights: bool = False) -> Trace:
    settings = Settings(
        loss=case.loss,
        batch_mean=case.mean,
        learning_rate=LEARNING_RATE,
        update_biases=update_biases,
        updated_weights=updated_weights,
    )
    return Trace(compile_network(case.network), case.network.values, case.x, case.targets, settings)


def untie_all(network: Network) -> None:
    for edge in list(network.edges.values()):
        if edge.tied_to is not None:
            network.untie(edge.id)


@st.composite
def traced(draw: st.DrawFn, max_neurons: int, max_batch: int = 3) -> tuple[Case, Trace]:
    """A case and its trace: biases updated or not, and where it is one sample, through updated weights or not."""
    updated_weights = draw(st.booleans())
    case = draw(cases(max_neurons=max_neurons, max_batch=1 if updated_weights else max_batch))
    if updated_weights:
        untie_all(case.network)
    return case, trace_of(case, update_biases=draw(st.booleans()), updated_weights=updated_weights)


def two_two_two(activation: str = "sigmoid") -> Network:
    network = Network()
    for role, names in (("input", ("i1", "i2")), ("hidden", ("h1", "h2")), ("output", ("o1", "o2"))):
        for name in names:
            kind = activation if role == "output" else "linear" if role == "input" else "sigmoid"
            network.add_neuron(role, id=name, activation=kind, bias=0.4)
    for source, target in (("i", "h"), ("h", "o")):
        for k in "12":
            for j in "12":
                network.connect(source + j, target + k, weight=0.1 * (len(network.edges) + 1))
    return network


def small_case(network: Network, *, batch: int = 1, loss: str = "half_squared_error", mean: bool = True) -> Case:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(batch, len(network.inputs)))
    return Case(Shape(), 2, network, x, rng.random((batch, len(network.outputs))), loss, mean)


def listed(trace: Trace) -> list[str]:
    """The steps in short: "dL/dw w5"."""
    short = {
        Kind.INPUT: "x",
        Kind.PRODUCT: "wa",
        Kind.WEIGHTED_SUM: "z",
        Kind.ACTIVATION: "a",
        Kind.LOSS_SHARE: "share",
        Kind.LOSS: "L",
        Kind.ACTIVATION_GRAD: "dL/da",
        Kind.PRE_ACTIVATION_GRAD: "dL/dz",
        Kind.WEIGHT_GRAD: "dL/dw",
        Kind.BIAS_GRAD: "dL/db",
        Kind.CONTRIBUTION: "back",
        Kind.PARAMETER_GRAD: "grad",
        Kind.UPDATE: "new",
    }
    return [f"{short[step.kind]} {step.quantity.subject}".strip() for step in trace]


# The order of the steps


def test_the_two_two_two_example_with_fixed_biases_has_53_steps() -> None:
    trace = trace_of(small_case(two_two_two()), update_biases=False)
    assert len(trace) == 53
    assert listed(trace) == [
        *["x i1", "x i2"],
        *["wa w1", "wa w2", "z h1", "a h1", "wa w3", "wa w4", "z h2", "a h2"],
        *["wa w5", "wa w6", "z o1", "a o1", "wa w7", "wa w8", "z o2", "a o2"],
        *["share o1", "share o2", "L"],
        *["dL/da o1", "dL/dz o1", "dL/dw w5", "dL/dw w6", "dL/db o1", "back w5", "back w6"],
        *["dL/da o2", "dL/dz o2", "dL/dw w7", "dL/dw w8", "dL/db o2", "back w7", "back w8"],
        *["dL/da h1", "dL/dz h1", "dL/dw w1", "dL/dw w2", "dL/db h1"],
        *["dL/da h2", "dL/dz h2", "dL/dw w3", "dL/dw w4", "dL/db h2"],
        *[f"new w{k}" for k in range(1, 9)],
    ]


def test_biases_that_are_updated_and_frozen_weights_that_are_not_change_the_last_steps() -> None:
    network = two_two_two()
    assert len(trace_of(small_case(network))) == 53 + 4
    network.set_frozen("w1")
    network.set_frozen("h1")
    assert len(trace_of(small_case(network))) == 53 + 2


def test_a_batch_repeats_the_passes_and_then_combines_the_gradients() -> None:
    trace = trace_of(small_case(two_two_two(), batch=3))
    assert len(trace) == 3 * 45 + 12 + 12
    assert [trace[k].quantity.sample for k in (0, 44, 45, 89, 90, 134)] == [0, 0, 1, 1, 2, 2]
    assert {step.kind for step in trace[135:147]} == {Kind.PARAMETER_GRAD}
    assert {step.kind for step in trace[147:]} == {Kind.UPDATE}


def test_a_tied_weight_adds_up_its_gradient_even_in_a_single_sample() -> None:
    network = two_two_two()
    network.tie("w2", "w1")
    trace = trace_of(small_case(network), update_biases=False)
    assert listed(trace)[-8:] == ["grad w1", *[f"new w{k}" for k in (1, 3, 4, 5, 6, 7, 8)]]
    assert trace[-8].operands == (Quantity(Kind.WEIGHT_GRAD, "w1"), Quantity(Kind.WEIGHT_GRAD, "w2"))


def test_parameters_are_updated_in_drawing_order_however_the_network_came_about() -> None:
    network, changed = two_two_two(), two_two_two()
    changed.tie("w2", "w1")
    changed.untie("w2")
    changed.set_value("w2", network.weight("w2"))
    changed.set_role("o1", "hidden")
    changed.set_role("o1", "output")
    assert list(changed.values) != list(network.values)
    for batch in (1, 2):
        assert listed(trace_of(small_case(changed, batch=batch))) == listed(trace_of(small_case(network, batch=batch)))


def test_with_updated_weights_a_neuron_s_parameters_are_updated_before_something_comes_back_through_them() -> None:
    network = two_two_two()
    network.set_frozen("w6")
    trace = trace_of(small_case(network), updated_weights=True)
    steps = listed(trace)
    # One parameter is frozen: all the steps but that one, in another order.
    assert sorted(steps) == sorted(listed(trace_of(small_case(network))))
    assert len(trace) == 53 + 4 - 1
    output, hidden = steps.index("dL/da o1"), steps.index("dL/da h1")
    assert steps[output : output + 9] == [
        *["dL/da o1", "dL/dz o1", "dL/dw w5", "dL/dw w6", "dL/db o1"],
        *["new w5", "new o1", "back w5", "back w6"],
    ]
    # Nothing comes back to the inputs: the first layer is updated when all else is done.
    assert steps[hidden:] == [
        *["dL/da h1", "dL/dz h1", "dL/dw w1", "dL/dw w2", "dL/db h1"],
        *["dL/da h2", "dL/dz h2", "dL/dw w3", "dL/dw w4", "dL/db h2"],
        *["new h1", "new h2", "new w1", "new w2", "new w3", "new w4"],
    ]
    back = {step.quantity.subject: step for step in trace if step.kind is Kind.CONTRIBUTION}
    assert back["w5"].operands == (Quantity(Kind.UPDATE, "w5"), Quantity(Kind.PRE_ACTIVATION_GRAD, "o1"))
    assert back["w6"].operands == (Quantity(Kind.WEIGHT, "w6"), Quantity(Kind.PRE_ACTIVATION_GRAD, "o1"))
    assert trace.boundaries(Granularity.PASS).tolist() == [21, len(trace) - 6, len(trace)]
    assert trace.boundaries(Granularity.SAMPLE).tolist() == [len(trace) - 6, len(trace)]
    assert trace.boundaries(Granularity.LAYER).tolist() == [2, 10, 18, 21, hidden, len(trace) - 6, len(trace)]


def test_a_trace_that_is_not_trained_with_goes_back_through_the_weights_of_its_forward_pass() -> None:
    project = project_of(small_case(two_two_two(), batch=2), Settings(updated_weights=True), dropout=False)
    project.dataset.set_test([1])
    plain = replace(project, settings=Settings())
    shown, expected = trace_project(project, [1]), trace_project(plain, [1])
    assert [(s.quantity, s.value, s.operands) for s in shown] == [(s.quantity, s.value, s.operands) for s in expected]
    assert shown.schedule.tail_length == 0


def test_softmax_outputs_are_activated_together_after_all_their_sums() -> None:
    steps = listed(trace_of(small_case(two_two_two("softmax"))))
    assert steps.index("z o2") < steps.index("a o1") < steps.index("a o2")
    assert steps.index("dL/da o2") < steps.index("dL/dz o1") < steps.index("dL/dz o2")


@pytest.mark.parametrize(("activation", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")])
def test_the_joint_gradient_of_activation_and_loss_is_one_step(activation: str, loss: str) -> None:
    trace = trace_of(small_case(two_two_two(activation), loss=loss))
    steps = listed(trace)
    assert "dL/da o1" not in steps
    assert "dL/dz o1" in steps
    assert "dL/da h1" in steps
    divisor = 2.0 if LOSSES[loss].mean else 1.0
    step = trace[steps.index("dL/dz o1")]
    assert step.operands[0] == Quantity(Kind.ACTIVATION, "o1")
    assert Quantity(Kind.TARGET, "o1") in step.operands
    total = trace.targets.sum() if activation == "softmax" else 1.0
    expected = (trace.value(step.operands[0]) * total - trace.targets[0, 0]) / divisor
    assert step.value == pytest.approx(expected, rel=1e-14)


def test_a_network_without_outputs_has_a_forward_pass_and_neither_a_loss_nor_an_update() -> None:
    network = two_two_two()
    network.remove_neuron("o1")
    network.remove_neuron("o2")
    trace = trace_of(small_case(network))
    assert listed(trace) == ["x i1", "x i2", "wa w1", "wa w2", "z h1", "a h1", "wa w3", "wa w4", "z h2", "a h2"]
    assert all(step.phase is Phase.FORWARD for step in trace)
    assert trace[5].value == pytest.approx(1 / (1 + math.exp(-trace[4].value)), rel=1e-14)
    assert trace.end_of_forward() == len(trace) == 10
    assert trace.next_index(0, Granularity.PASS) == 10
    with pytest.raises(TrainingError, match="no output neuron"):
        _ = trace.loss


def test_a_trace_of_an_empty_network_has_no_steps() -> None:
    trace = trace_of(small_case(Network(), batch=2))
    assert len(trace) == 0
    assert list(trace) == []
    assert trace.end_of_forward() == 0
    assert trace.sample_at(0) == 0
    for size in SIZES:
        assert trace.next_index(0, size) == trace.previous_index(0, size) == 0


def test_a_trace_without_samples_is_refused() -> None:
    with pytest.raises(TrainingError, match="no sample"):
        trace_of(small_case(two_two_two(), batch=0))


def test_a_trace_is_indexed_like_any_sequence() -> None:
    trace = trace_of(small_case(two_two_two()))
    assert trace[-1] == trace[len(trace) - 1]
    assert list(trace[3:9:2]) == [trace[3], trace[5], trace[7]]
    assert [step.index for step in reversed(trace)] == list(reversed(range(len(trace))))
    for index in (len(trace), -len(trace) - 1):
        with pytest.raises(IndexError):
            trace[index]


# Completeness


def expected_quantities(case: Case, trace: Trace) -> set[Quantity]:
    """Every quantity that the passes compute, from the network and the settings alone."""
    network, update_biases = case.network, trace.settings.update_biases
    computed = [n for n in network.neurons.values() if n.role is not Role.INPUT]
    joint = [n.id for n in network.outputs if n.activation == LOSSES[case.loss].joint_activation]
    softmax = {n.id for n in network.outputs if n.activation == "softmax"}
    found: set[Quantity] = set()
    for s in range(len(case.x)):
        found |= {Quantity(Kind.INPUT, n.id, s) for n in network.inputs}
        found |= {Quantity(Kind.LOSS_SHARE, n.id, s) for n in network.outputs} | {Quantity(Kind.LOSS, "", s)}
        for neuron in computed:
            group = softmax if neuron.id in softmax else {neuron.id}
            found |= {
                Quantity(kind, neuron.id, s)
                for kind in (Kind.WEIGHTED_SUM, Kind.ACTIVATION, Kind.PRE_ACTIVATION_GRAD, Kind.BIAS_GRAD)
            }
            if neuron.id not in joint or any(network.outgoing(member) for member in group):
                found.add(Quantity(Kind.ACTIVATION_GRAD, neuron.id, s))
        for edge in network.edges.values():
            found |= {Quantity(Kind.PRODUCT, edge.id, s), Quantity(Kind.WEIGHT_GRAD, edge.id, s)}
            if network.neurons[edge.source].role is not Role.INPUT:
                found.add(Quantity(Kind.CONTRIBUTION, edge.id, s))
    for parameter in network.values:
        if len(case.x) > 1 or len(network.edges_of_parameter(parameter)) > 1:
            found.add(Quantity(Kind.PARAMETER_GRAD, parameter))
        if parameter not in network.frozen and (update_biases or parameter in network.edges):
            found.add(Quantity(Kind.UPDATE, parameter))
    return found


@given(found=traced(max_neurons=20))
def test_every_quantity_is_revealed_by_exactly_one_step(found: tuple[Case, Trace]) -> None:
    case, trace = found
    quantities = [step.quantity for step in trace]
    assert len(quantities) == len(trace)
    assert max(Counter(quantities).values()) == 1
    assert set(quantities) == expected_quantities(case, trace)
    for index, step in enumerate(trace):
        assert step.index == index == trace.index_of(step.quantity)
        assert step.quantity == trace.quantity_at(index)
        assert step.value == trace.value(step.quantity)
        assert step.phase is phase_of(step.kind)
        assert trace.sample_at(index + 1) == (len(case.x) - 1 if step.kind in PARAMETER_KINDS else step.quantity.sample)


@given(found=traced(max_neurons=20))
def test_operands_are_revealed_before_the_step_that_needs_them_or_given(found: tuple[Case, Trace]) -> None:
    _, trace = found
    for step in trace:
        for operand in step.operands:
            if operand.kind in GIVEN_KINDS:
                assert not trace.has_step(operand)
            else:
                assert 0 <= trace.index_of(operand) < step.index, f"{step.quantity} needs {operand}"


@given(found=traced(max_neurons=20, max_batch=2))
def test_a_step_names_the_neuron_and_the_edge_at_work(found: tuple[Case, Trace]) -> None:
    case, trace = found
    network = case.network
    for step in trace:
        subject = step.quantity.subject
        if step.kind in EDGE_KINDS:
            assert (step.neuron, step.edge) == (network.edges[subject].target, subject)
        elif step.kind is Kind.LOSS:
            assert (step.neuron, step.edge) == ("", "")
        elif subject in network.edges:
            assert (step.neuron, step.edge) == ("", subject)
        else:
            assert (step.neuron, step.edge) == (subject, "")


# Recombination: every value from the values of its operands, with nothing but math


def activation_of(name: str, z: float) -> float:
    match name:
        case "linear":
            return z
        case "sigmoid":
            return 0.5 * (1.0 + math.tanh(0.5 * z))
        case "tanh":
            return math.tanh(z)
        case "relu":
            return max(0.0, z)
        case "leaky_relu":
            return z if z > 0 else 0.01 * z
        case "elu":
            return z if z > 0 else math.expm1(z)
        case "softplus":
            return max(z, 0.0) + math.log1p(math.exp(-abs(z)))
        case "gelu":
            return 0.5 * z * math.erfc(-z / math.sqrt(2.0))
        case "silu":
            return z * 0.5 * (1.0 + math.tanh(0.5 * z))
        case "sine":
            return math.sin(z)
        case _:
            return float(z > 0)


def slope_of(name: str, z: float) -> float:
    sigmoid = activation_of("sigmoid", z)
    match name:
        case "linear":
            return 1.0
        case "sigmoid":
            return sigmoid * (1.0 - sigmoid)
        case "tanh":
            return 1.0 - math.tanh(z) ** 2
        case "relu":
            return float(z > 0)
        case "leaky_relu":
            return 1.0 if z > 0 else 0.01
        case "elu":
            return 1.0 if z > 0 else math.exp(z)
        case "softplus":
            return sigmoid
        case "gelu":
            return 0.5 * math.erfc(-z / math.sqrt(2.0)) + z * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        case "silu":
            return sigmoid * (1.0 + z * (1.0 - sigmoid))
        case "sine":
            return math.cos(z)
        case _:
            return 0.0


def share_of(loss: str, a: float, t: float) -> float:
    match loss:
        case "half_squared_error" | "half_mean_squared_error":
            return 0.5 * (a - t) ** 2
        case "squared_error" | "mean_squared_error":
            return (a - t) ** 2
        case "mean_absolute_error":
            return abs(a - t)
        case "huber":
            return 0.5 * (a - t) ** 2 if abs(a - t) <= 1.0 else abs(a - t) - 0.5
        case "binary_cross_entropy" | "summed_binary_cross_entropy":
            return -t * math.log(a) - (1.0 - t) * math.log1p(-a)
        case _:
            return -t * math.log(a)


def share_slope_of(loss: str, a: float, t: float) -> float:
    match loss:
        case "half_squared_error" | "half_mean_squared_error":
            return a - t
        case "squared_error" | "mean_squared_error":
            return 2.0 * (a - t)
        case "mean_absolute_error":
            return math.copysign(1.0, a - t) if a != t else 0.0
        case "huber":
            return max(-1.0, min(1.0, a - t))
        case "binary_cross_entropy" | "summed_binary_cross_entropy":
            return (a - t) / (a * (1.0 - a))
        case _:
            return -t / a


class Recombination:
    """Computes a step's value from its operands; `terms` are the sizes of what was added, for the tolerance."""

    def __init__(self, trace: Trace, case: Case, step: Step) -> None:
        self.trace, self.case, self.step = trace, case, step
        self.network = case.network
        self.by_kind: dict[Kind, list[float]] = {}
        for operand in step.operands:
            self.by_kind.setdefault(operand.kind, []).append(trace.value(operand))
        self.values = [trace.value(operand) for operand in step.operands]
        loss = LOSSES[case.loss]
        self.scale = 1.0 / len(self.network.outputs) if loss.mean else 1.0
        self.joint = loss.joint_activation
        self.terms: list[float] = []

    def add(self, *terms: float) -> float:
        self.terms += [abs(term) for term in terms]
        return math.fsum(terms)

    def activation_name(self) -> str:
        return self.network.neurons[self.step.quantity.subject].activation

    def value(self) -> float:
        kind, subject, values = self.step.kind, self.step.quantity.subject, self.values
        match kind:
            case Kind.INPUT:
                place = [n.id for n in self.network.inputs].index(subject)
                return float(self.case.x[self.step.quantity.sample, place])
            case Kind.PRODUCT | Kind.WEIGHT_GRAD | Kind.CONTRIBUTION:
                first, second = values
                return first * second
            case Kind.WEIGHTED_SUM | Kind.LOSS:
                return self.add(*values)
            case Kind.ACTIVATION:
                if self.activation_name() == "softmax":
                    exponentials = [math.exp(z - max(values)) for z in values]
                    return exponentials[0] / math.fsum(exponentials)
                (z,) = values
                return activation_of(self.activation_name(), z)
            case Kind.LOSS_SHARE:
                a, t = values
                return self.scale * share_of(self.case.loss, a, t)
            case Kind.ACTIVATION_GRAD:
                return self.add(*self.own_grad(), *self.by_kind.get(Kind.CONTRIBUTION, []))
            case Kind.PRE_ACTIVATION_GRAD:
                return self.pre_activation_grad()
            case Kind.BIAS_GRAD:
                (z_grad,) = values
                return z_grad
            case Kind.PARAMETER_GRAD:
                divisor = len(self.case.x) if self.case.mean else 1
                return self.add(*(value / divisor for value in values))
            case _:
                former, gradient = values
                return self.add(former, -LEARNING_RATE * gradient)

    def own_grad(self) -> list[float]:
        if Kind.TARGET not in self.by_kind:
            return []
        (a,), (t,) = self.by_kind[Kind.ACTIVATION], self.by_kind[Kind.TARGET]
        return [self.scale * share_slope_of(self.case.loss, a, t)]

    def pre_activation_grad(self) -> float:
        terms: list[float] = []
        name = self.activation_name()
        a_grads = self.by_kind.get(Kind.ACTIVATION_GRAD)
        activations = self.by_kind.get(Kind.ACTIVATION, [])
        if a_grads and name == "softmax":
            terms += [activations[0] * a_grads[0]]
            terms += [-activations[0] * a * g for a, g in zip(activations, a_grads, strict=True)]
        elif a_grads:
            (z,) = self.by_kind[Kind.WEIGHTED_SUM]
            terms += [a_grads[0] * slope_of(name, z)]
        if name == self.joint and self.network.neurons[self.step.quantity.subject].role is Role.OUTPUT:
            targets = self.by_kind[Kind.TARGET]
            total = math.fsum(targets) if name == "softmax" else 1.0
            terms += [self.scale * activations[0] * total, -self.scale * targets[0]]
        return self.add(*terms)


@given(found=traced(max_neurons=25))
def test_the_operands_of_each_step_recombine_to_its_value(found: tuple[Case, Trace]) -> None:
    case, trace = found
    if LOSSES[case.loss].probabilities:
        # A share of a cross-entropy is computed from z; from an activation next to 0 or 1 digits are lost.
        outputs = [trace.sample_pass(s).activation(n.id) for s in range(len(case.x)) for n in case.network.outputs]
        assume(all(1e3 * PROBABILITY_MARGIN < a < 1 - 1e3 * PROBABILITY_MARGIN for a in outputs))
    for step in trace:
        recombination = Recombination(trace, case, step)
        value = recombination.value()
        size = max([abs(value), *recombination.terms])
        loose = step.kind is Kind.LOSS_SHARE and LOSSES[case.loss].joint_activation is not None
        # A derivative such as 1 - a^2 loses digits where a is near 1.
        floor = max(map(abs, recombination.values), default=0.0) if step.kind is Kind.PRE_ACTIVATION_GRAD else 1e-3
        tolerance = 1e-6 if loose else 1e-12
        assert abs(step.value - value) <= tolerance * max(size, floor), f"{step} recombines to {value}"


# The same numbers as the batched engine


@given(case=cases(max_neurons=25), update_biases=st.booleans())
def test_gradients_and_updates_are_those_of_the_batched_engine(case: Case, update_biases: bool) -> None:
    trace = trace_of(case, update_biases=update_biases)
    engine = Engine(trace.plan, loss=case.loss, mean=case.mean)
    engine.load(case.network.values)
    engine.forward(case.x)
    assert trace.loss == engine.loss_value(case.targets)
    gradient = trace.plan.unpack(engine.backward())
    engine.descend(LEARNING_RATE, trace.plan.trainable(update_biases=update_biases))
    assert trace.gradient == gradient
    assert trace.new_values == trace.plan.unpack(engine.parameters)
    for step in trace[len(case.x) * trace.schedule.sample_length :]:
        expected = trace.new_values if step.kind is Kind.UPDATE else gradient
        assert step.value == expected[step.quantity.subject]


@given(case=cases(max_neurons=25))
def test_the_samples_gradients_combine_to_the_batchs_gradient(case: Case) -> None:
    trace = trace_of(case)
    passes = [trace.sample_pass(s) for s in range(trace.batch)]
    divisor = trace.batch if case.mean else 1
    assert trace.loss == pytest.approx(math.fsum(p.loss for p in passes) / divisor, rel=1e-12, abs=1e-12)
    for parameter, value in trace.gradient.items():
        edges = case.network.edges_of_parameter(parameter)
        shares = [p.weight_grad(edge.id) for p in passes for edge in edges]
        shares = shares or [p.pre_activation_grad(parameter) for p in passes]
        size = max(1.0, *map(abs, shares))
        assert value == pytest.approx(math.fsum(shares) / divisor, rel=1e-12, abs=1e-12 * size)


def test_passes_that_are_not_kept_any_more_are_computed_again_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Trace, "KEPT", 2)
    trace = trace_of(small_case(two_two_two(), batch=7))
    first = [step.value for step in trace]
    assert len(trace._passes) == 2
    assert [trace[k].value for k in reversed(range(len(trace)))] == first[::-1]


def test_a_schedule_is_used_again_only_where_it_fits() -> None:
    network = two_two_two()
    case = small_case(network, batch=2)
    plan = compile_network(network)
    first = Trace(plan, network.values, case.x, case.targets)

    def again(size: int, **chosen: object) -> Trace:
        settings = replace(Settings(), **chosen)
        return Trace(plan, network.values, case.x[:size], case.targets[:size], settings, schedule=first.schedule)

    assert again(2).schedule is first.schedule
    assert again(2, loss="cross_entropy").schedule is first.schedule
    for trace, length in ((again(1), 45 + 12), (again(2, update_biases=False), 90 + 12 + 8)):
        assert len(trace) == length
        assert trace.schedule is not first.schedule
    assert len(again(2, loss="binary_cross_entropy")) == 2 * (45 - 2) + 24
    other = compile_network(network.copy())
    assert Trace(other, network.values, case.x, case.targets, schedule=first.schedule).schedule is not first.schedule


def test_looking_at_the_update_does_not_change_the_passes() -> None:
    trace = trace_of(small_case(two_two_two(), batch=2))
    before = [step.value for step in trace[:10]]
    parameters = trace.engine.parameters.copy()
    assert trace[-1].kind is Kind.UPDATE
    trace._passes.clear()
    assert [step.value for step in trace[:10]] == before
    assert trace.engine.parameters.tobytes() == parameters.tobytes()


def test_a_trace_keeps_its_numbers_when_the_network_it_came_from_is_edited() -> None:
    network = two_two_two()
    case = small_case(network)
    edited = network.copy()
    trace = Trace(compile_network(network), edited.values, case.x, case.targets)
    before = [(step.value, [trace.value(o) for o in step.operands]) for step in trace]
    edited.set_value("w1", 99.0)
    edited.set_value("h1", 99.0)
    assert [(step.value, [trace.value(o) for o in step.operands]) for step in trace] == before


# Optimizers, penalties, dropout: what is shown is what training does


def project_of(case: Case, settings: Settings, *, dropout: bool) -> Project:
    """The case as a project; with `dropout` in about half of its hidden neurons."""
    network = case.network
    rng = np.random.default_rng(case.seed)
    for neuron in list(network.neurons.values()):
        if dropout and neuron.role is Role.HIDDEN and rng.random() < 0.5:
            network.set_dropout(neuron.id, 0.4)
    columns = {n.id: case.x[:, place] for place, n in enumerate(network.inputs)}
    columns |= {n.id: case.targets[:, place] for place, n in enumerate(network.outputs)}
    return Project(network, Dataset(columns), replace(settings, loss=case.loss, batch_mean=case.mean))


@st.composite
def training_projects(draw: st.DrawFn, max_neurons: int = 15, **fixed: object) -> Project:
    """Any network with a table of up to six rows and settings of any sort."""
    case = draw(cases(max_neurons=max_neurons, max_batch=6))
    if draw(st.booleans()):
        untie_all(case.network)
        fixed = {"updated_weights": True, "batch_size": 1} | fixed
    return project_of(case, draw(settings_of_any_sort(**fixed)), dropout=draw(st.booleans()))


@given(project=training_projects())
def test_the_update_that_is_shown_is_the_one_that_stepping_and_training_make(project: Project) -> None:
    settings = project.settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_kernel, "available", lambda: False)
        stepped, trained = Run(project), Run(project)
        try:
            for _ in trained.train(0, settings, epochs=2):
                pass
        except TrainingError:
            event("infinite")
        for update in range(trained.last):
            here = project_at(project, stepped, update)
            batch = stepped.next_batch(update, settings)
            trace = trace_project(here, here.batches.rows(here.epoch, batch))
            shown = {s.quantity.subject: s.value for s in trace if s.kind is Kind.UPDATE}
            stepped.advance(update, batch, settings, noted=False)
            after = stepped.parameters_at(update + 1)
            assert bits(trace.new_values) == bits(after) == bits(trained.parameters_at(update + 1))
            # What has no step of its own has not changed: it is frozen, or a bias that is not updated.
            assert bits({**here.network.values, **shown}) == bits(after)
            memory = stepped.memory_at(update + 1)
            if memory is not None:
                kept = [k for k, term in enumerate(trace.optimizer.terms) if term.kept]
                for place, slot in zip(kept, trace.optimizer.slots, strict=True):
                    for name in shown:
                        if trace.has_step(Quantity(TERM_KINDS[place], name)):
                            assert trace.value(Quantity(TERM_KINDS[place], name)) == memory.slots[slot][name]


@given(project=training_projects())
def test_what_an_optimizer_and_dropout_need_is_revealed_before_or_given(project: Project) -> None:
    trace = trace_project(project)
    quantities = [step.quantity for step in trace]
    assert len({*quantities}) == len(trace)
    for step in trace:
        for operand in step.operands:
            if operand.kind in GIVEN_KINDS:
                assert not trace.has_step(operand)
                assert isinstance(trace.value(operand), float)
            else:
                assert 0 <= trace.index_of(operand) < step.index, f"{step.quantity} needs {operand}"


@given(project=training_projects())
def test_with_optimizers_and_dropout_the_sizes_of_steps_still_nest(project: Project) -> None:
    trace = trace_project(project)
    boundaries = [trace.boundaries(size) for size in SIZES]
    for smaller, larger in pairwise(boundaries):
        assert set(larger.tolist()) <= set(smaller.tolist())
    index = len(trace) // 2
    for kind in (Kind.DROPOUT, Kind.DROPOUT_GRAD, Kind.MASK, Kind.FORMER_1, *TERM_KINDS, Kind.PENALIZED_GRAD):
        in_order = trace.schedule.parameter_ids if kind in PARAMETER_KINDS else list(project.network.neurons)
        at = 0 if kind in PARAMETER_KINDS else trace.sample_at(index)
        expected = [trace.is_revealed(Quantity(kind, subject, at), index) for subject in in_order]
        assert trace.revealed(kind, index)[: len(in_order)].tolist() == expected, kind


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_terms_of_an_optimizer_come_before_the_new_parameter(name: str) -> None:
    network = two_two_two()
    network.set_frozen("w1")
    network.set_frozen("h1")
    for penalty in (0.0, 0.1):
        trace = trace_of_project(network, Settings(optimizer=name, l1=penalty))
        tail = trace[trace.schedule.sample_length :]
        by_parameter: dict[str, list[Kind]] = {}
        for step in tail:
            by_parameter.setdefault(step.quantity.subject, []).append(step.kind)
        assert set(by_parameter) == set(network.values) - {"w1", "h1"}
        terms = OPTIMIZERS[name].terms
        for parameter, kinds in by_parameter.items():
            is_weight = parameter in network.edges
            expected = [Kind.PENALIZED_GRAD] if penalty and is_weight else []
            expected += [TERM_KINDS[k] for k, term in enumerate(terms) if is_weight or not term.weights_only]
            assert kinds == [*expected, Kind.UPDATE]


def trace_of_project(network: Network, settings: Settings, rows: int = 1) -> Trace:
    return trace_project(project_of(small_case(network, batch=rows), replace(settings, batch_size=0), dropout=False))


@pytest.mark.parametrize("l1", [0.0, 0.3])
@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_a_penalty_is_added_to_the_gradient_of_weights_alone(l1: float, l2: float) -> None:
    network = two_two_two()
    network.set_value("w3", -0.25)
    network.set_value("w4", 0.0)
    trace = trace_of_project(network, Settings(l1=l1, l2=l2, batch_mean=True), rows=2)
    plain = trace_of_project(network, Settings(), rows=2)
    assert trace.gradient == plain.gradient
    for name, gradient in trace.gradient.items():
        quantity = Quantity(Kind.PENALIZED_GRAD, name)
        assert trace.has_step(quantity) == bool((l1 or l2) and name in network.edges)
        if trace.has_step(quantity):
            w = network.weight(name)
            wanted = gradient + l2 * w + l1 * ((w > 0) - (w < 0))
            assert trace.value(quantity) == pytest.approx(wanted, rel=1e-14)
            step = trace[trace.index_of(Quantity(Kind.UPDATE, name))]
            assert step.operands == (Quantity(Kind.WEIGHT, name), quantity)
    assert trace.loss == plain.loss


@given(project=training_projects(precision="float64"))
def test_dropout_is_a_factor_between_an_activation_and_what_later_neurons_read(project: Project) -> None:
    trace = trace_project(project)
    network = project.network
    for step in trace:
        values = [trace.value(operand) for operand in step.operands]
        neuron = step.quantity.subject
        if step.kind is Kind.DROPOUT:
            mask, activation = values
            assert mask in (0.0, 1.0 / (1.0 - network.neurons[neuron].dropout))
            assert step.value == mask * activation
        elif step.kind is Kind.DROPOUT_GRAD:
            assert step.value == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-12 * max([1.0, *map(abs, values)]))
        elif step.kind is Kind.ACTIVATION_GRAD and neuron in trace.schedule.dropped:
            mask, dropped_grad = values
            assert step.value == pytest.approx(mask * dropped_grad, rel=1e-6)
        elif step.kind in (Kind.PRODUCT, Kind.WEIGHT_GRAD):
            read = next(q for q in step.operands if q.kind in (Kind.INPUT, Kind.ACTIVATION, Kind.DROPOUT))
            assert (read.kind is Kind.DROPOUT) == bool(network.neurons[read.subject].dropout)


def test_a_test_row_has_a_loss_but_neither_dropout_nor_an_update() -> None:
    network = two_two_two()
    network.set_dropout("h1", 0.5)
    project = project_of(small_case(network, batch=3), Settings(optimizer="adam", l2=0.1), dropout=False)
    project.dataset.set_test([1])
    trace = trace_project(project, [1])
    assert trace.schedule.tail_length == 0
    kinds = {step.kind for step in trace}
    assert Kind.LOSS in kinds
    assert Kind.WEIGHT_GRAD in kinds
    assert not kinds & {Kind.DROPOUT, Kind.DROPOUT_GRAD, *PARAMETER_KINDS}
    assert {Kind.DROPOUT, Kind.UPDATE} <= {step.kind for step in trace_project(project, [0])}


def test_masks_belong_to_the_update_and_its_samples() -> None:
    network = two_two_two()
    for name in ("h1", "h2"):
        network.set_dropout(name, 0.5)
    project = project_of(small_case(network, batch=8), Settings(batch_size=0), dropout=False)

    def masks(project: Project) -> list[float]:
        trace = trace_project(project)
        return [trace.value(Quantity(Kind.MASK, name, s)) for name in ("h1", "h2") for s in range(8)]

    assert masks(project) == masks(project.copy())
    assert set(masks(project)) == {0.0, 2.0}
    later = project.copy()
    later.updates = 1
    assert masks(later) != masks(project)
    trace = trace_project(project)
    expected = dropout_masks(trace.plan.dropout_rates, 8, seed=1, update=1)
    assert masks(project) == [expected[trace.plan.dropout_neurons.index(n), s] for n in ("h1", "h2") for s in range(8)]


def test_the_learning_rate_of_the_epoch_is_the_one_shown() -> None:
    network = two_two_two()
    settings = Settings(learning_rate=0.8, schedule="exponential", schedule_options={"factor": 0.5})
    project = project_of(small_case(network), settings, dropout=False)
    for epoch, rate in ((0, 0.8), (1, 0.4), (3, 0.1)):
        project.epoch = epoch
        trace = trace_project(project)
        assert trace.learning_rate == rate
        assert trace.new_values["w1"] == network.weight("w1") - rate * trace.gradient["w1"]


def test_what_is_remembered_is_given_to_the_next_update() -> None:
    project = project_of(small_case(two_two_two()), Settings(optimizer="adam", learning_rate=0.01), dropout=False)
    run = Run(project)
    for update in range(3):
        run.advance(update, 0, project.settings)
    before, trace = run.memory_at(3), trace_project(project_at(project, run, 3))
    assert before is not None
    for kind, slot in ((Kind.FORMER_1, "first_moment"), (Kind.FORMER_2, "second_moment")):
        quantity = Quantity(kind, "w5")
        assert trace.is_revealed(quantity, 0)
        assert trace.value(quantity) == before.slots[slot]["w5"]
    assert trace.learner.stepper.updates == 3
    # Looking at the update has changed nothing that was remembered.
    assert trace.new_values == trace_project(project_at(project, run, 3)).new_values


# Revelation


@given(found=traced(max_neurons=12), data=st.data())
def test_what_is_revealed_of_a_kind_is_what_is_revealed_one_by_one(
    found: tuple[Case, Trace], data: st.DataObject
) -> None:
    case, trace = found
    for index in [0, len(trace), *data.draw(st.lists(st.integers(0, len(trace)), max_size=8))]:
        sample = trace.sample_at(index)
        for kind in Kind:
            if kind in EDGE_KINDS:
                subjects = list(case.network.edges)
            elif kind in PARAMETER_KINDS:
                subjects = trace.schedule.parameter_ids
            elif kind is Kind.LOSS:
                subjects = [""]
            else:
                subjects = list(case.network.neurons)
            at = 0 if kind in PARAMETER_KINDS else sample
            expected = [trace.is_revealed(Quantity(kind, subject, at), index) for subject in subjects]
            assert trace.revealed(kind, index)[: len(subjects)].tolist() == expected, (kind, index)


@given(found=traced(max_neurons=12), data=st.data())
def test_a_quantity_is_revealed_from_its_step_on(found: tuple[Case, Trace], data: st.DataObject) -> None:
    _, trace = found
    index = data.draw(st.integers(0, len(trace)))
    for step in trace:
        assert trace.is_revealed(step.quantity, index) == (step.index < index)


def test_weights_biases_and_targets_are_known_from_the_start() -> None:
    trace = trace_of(small_case(two_two_two()))
    for quantity in (Quantity(Kind.WEIGHT, "w1"), Quantity(Kind.BIAS, "h1"), Quantity(Kind.TARGET, "o1")):
        assert trace.is_revealed(quantity, 0)
        assert not trace.has_step(quantity)


def test_the_sample_on_show_is_the_one_whose_step_came_last() -> None:
    trace = trace_of(small_case(two_two_two(), batch=3))
    length = trace.schedule.sample_length
    assert [trace.sample_at(k) for k in (0, 1, length, length + 1, 2 * length, 3 * length, len(trace))] == [
        *[0, 0, 0, 1, 1, 2, 2]
    ]
    assert [trace.end_of_forward(s) for s in range(3)] == [21, 21 + length, 21 + 2 * length]


# Granularities


@given(found=traced(max_neurons=20))
def test_the_boundaries_of_each_granularity_are_boundaries_of_the_smaller_ones(found: tuple[Case, Trace]) -> None:
    _, trace = found
    boundaries = [trace.boundaries(size) for size in SIZES]
    for smaller, larger in pairwise(boundaries):
        assert set(larger.tolist()) <= set(smaller.tolist())
    for found in boundaries:
        assert (np.diff(found) > 0).all()
        assert found[0] > 0
        assert found[-1] == len(trace)


@given(found=traced(max_neurons=12), data=st.data())
def test_going_back_and_forward_again_leads_to_the_same_place(found: tuple[Case, Trace], data: st.DataObject) -> None:
    _, trace = found
    index = data.draw(st.integers(0, len(trace)))
    for size in SIZES:
        places = [0, *trace.boundaries(size).tolist()]
        following, former = trace.next_index(index, size), trace.previous_index(index, size)
        assert following == min((p for p in places if p > index), default=len(trace))
        assert former == max((p for p in places if p < index), default=0)
        if index in places:
            assert index in (len(trace), trace.previous_index(following, size))
            assert index in (0, trace.next_index(former, size))


def test_a_unit_is_a_term_a_neuron_a_layer_a_pass_a_sample_or_the_update() -> None:
    trace = trace_of(small_case(two_two_two(), batch=2), update_biases=False)
    # Forward 2 + 2*4 + 2*4 + 3 = 21, backward 2*7 + 2*5 = 24, then 12 mean gradients and 8 new weights.
    assert trace.boundaries(Granularity.TERM).tolist() == list(range(1, len(trace) + 1))
    neurons = [1, 2, 6, 10, 14, 18, 19, 20, 21, 28, 35, 40, 45]
    tail = list(range(91, 111))
    assert trace.boundaries(Granularity.NEURON).tolist() == [*neurons, *(45 + n for n in neurons), *tail]
    layers = [2, 10, 18, 21, 35, 45]
    assert trace.boundaries(Granularity.LAYER).tolist() == [*layers, *(45 + n for n in layers), 102, 110]
    assert trace.boundaries(Granularity.PASS).tolist() == [21, 45, 66, 90, 110]
    assert trace.boundaries(Granularity.SAMPLE).tolist() == [45, 90, 110]
    assert trace.boundaries(Granularity.UPDATE).tolist() == [110]
    assert trace.boundaries(Granularity.EPOCH).tolist() == [110]


# Laziness


def wide_network(*sizes: int) -> Network:
    rng = np.random.default_rng(0)
    layers = [[f"n{depth}.{k}" for k in range(size)] for depth, size in enumerate(sizes)]
    roles = [Role.INPUT, *[Role.HIDDEN] * (len(sizes) - 2), Role.OUTPUT]
    neurons = [
        (Neuron(name, role, "tanh" if role is Role.HIDDEN else "linear"), 0.0, (0.0, 0.0))
        for role, layer in zip(roles, layers, strict=True)
        for name in layer
    ]
    edges = [
        (Edge(f"{source}-{target}", source, target), rng.normal() * 0.05)
        for sources, targets in pairwise(layers)
        for target in targets
        for source in sources
    ]
    return Network.build(neurons, edges)


def test_a_trace_of_a_hundred_thousand_edges_is_made_without_its_steps() -> None:
    network = wide_network(250, 200, 200, 50)
    assert len(network.edges) == 100_000
    plan = compile_network(network)
    case = small_case(network, batch=50)
    tracemalloc.start()
    try:
        trace = trace_of(Case(case.shape, 0, network, case.x, case.targets, case.loss, case.mean))
        assert len(trace) > 12_000_000
        rng = np.random.default_rng(1)
        for index in [0, len(trace) - 1, *rng.integers(0, len(trace), 10).tolist()]:
            step = trace[index]
            assert step.index == index == trace.index_of(step.quantity)
            for size in SIZES:
                assert trace.previous_index(index, size) <= index <= trace.next_index(index, size)
            trace.revealed(Kind.WEIGHT_GRAD, index)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert plan.size < 110_000
    # A record a step would take more than a hundred bytes; what is allowed here is less than ten.
    assert sys.getsizeof(trace[0]) + sys.getsizeof(trace[0].quantity) > 100
    assert peak < 10 * len(trace)


def test_a_trace_holds_the_passes_of_few_samples_even_of_a_large_batch() -> None:
    shape = Shape(inputs=3, hidden=10, outputs=2, density=1.0)
    network = random_network(np.random.default_rng(0), shape)
    trace = trace_of(small_case(network, batch=300))
    for sample in range(300):
        trace.sample_pass(sample)
    assert len(trace._passes) <= Trace.KEPT


@given(traced(max_neurons=6))
def test_a_trace_has_what_its_steps_reveal_and_what_these_are_made_of(made: tuple[Case, Trace]) -> None:
    _, trace = made
    for step in trace:
        assert trace.has(step.quantity)
        assert all(trace.has(operand) for operand in step.operands)


@pytest.mark.parametrize(
    "quantity",
    [
        Quantity(Kind.WEIGHTED_SUM, "h1", 1),
        Quantity(Kind.WEIGHTED_SUM, "i1"),
        Quantity(Kind.WEIGHTED_SUM, "w1"),
        Quantity(Kind.WEIGHT, "h1"),
        Quantity(Kind.BIAS, "i1"),
        Quantity(Kind.TARGET, "h1"),
        Quantity(Kind.MASK, "h1"),
        Quantity(Kind.FORMER_1, "w1"),
        Quantity(Kind.TERM_1, "w1"),
        Quantity(Kind.PENALIZED_GRAD, "w1"),
        Quantity(Kind.UPDATE, "i1"),
        Quantity(Kind.UPDATE, "w4"),
        Quantity(Kind.ACTIVATION_GRAD, "o1"),
    ],
)
def test_what_a_trace_does_not_have(quantity: Quantity) -> None:
    network = two_two_two()
    network.tie("w4", "w1")
    assert not trace_of(small_case(network, loss="binary_cross_entropy")).has(quantity)


def test_a_trace_has_the_gradient_and_the_new_value_also_of_what_stays_as_it_is() -> None:
    network = two_two_two()
    network.set_frozen("w1", True)
    trace = trace_of(small_case(network))
    for quantity in (Quantity(Kind.PARAMETER_GRAD, "w1"), Quantity(Kind.UPDATE, "w1")):
        assert not trace.has_step(quantity)
        assert trace.has(quantity)
    assert trace.value(Quantity(Kind.UPDATE, "w1")) == network.weight("w1")
