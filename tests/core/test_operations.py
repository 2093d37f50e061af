"""A neuron opened: its operations recombine to the engine's numbers, and are derived rightly one by one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_strategies import Case, Shape, cases, random_network
from hypothesis import given
from hypothesis import strategies as st

from core import elementary
from core.activations import ACTIVATIONS, derivative, evaluate
from core.book import RoundedTrace
from core.elementary import Elementary
from core.network import Edge, Network, Neuron, Role
from core.operation_graph import End, Operations, operations_of_step
from core.operations import SATURATED, neuron_operations
from core.plan import compile_network
from core.quantities import Kind, Phase, Quantity
from core.settings import Settings
from core.style import Rounding
from core.trace import Trace

ALONE = [name for name in ACTIVATIONS if name != "softmax"]
EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8")
)


def trace_of(network: Network, x: list[float], targets: list[float], loss: str = "half_squared_error") -> Trace:
    return Trace(compile_network(network), network.values, np.array([x]), np.array([targets]), Settings(loss=loss))


def one_neuron(activation: str, z: float, *, target: float = 0.0, loss: str = "half_squared_error") -> Trace:
    """x = 1, w = 0.75 z, b = 0.25 z: the neuron y has the pre-activation z, up to rounding."""
    network = Network.build(
        [
            (Neuron("x", Role.INPUT), 0.0, (0.0, 0.0)),
            (Neuron("y", Role.OUTPUT, activation), 0.25 * z, (1.0, 0.0)),
        ],
        [(Edge("w", "x", "y"), 0.75 * z)],
    )
    return trace_of(network, [1.0], [target], loss)


def softmax_group(zs: list[float], targets: list[float], loss: str = "cross_entropy") -> Trace:
    """Outputs o1, o2 ... with these pre-activations, made by their biases alone but for a weight of 0."""
    neurons = [(Neuron("x", Role.INPUT), 0.0, (0.0, 0.0))]
    neurons += [(Neuron(f"o{k + 1}", Role.OUTPUT, "softmax"), z, (1.0, float(k))) for k, z in enumerate(zs)]
    edges = [(Edge(f"w{k + 1}", "x", f"o{k + 1}"), 0.0) for k in range(len(zs))]
    return trace_of(Network.build(neurons, edges), [1.0], targets, loss)


def texts(operations: Operations) -> list[str]:
    return [operation.symbol for operation in operations]


def backward(operations: Operations) -> list[float]:
    """What is passed back, in the order of revelation."""
    return [
        operations[m.operation].passed[m.operand]
        for m in operations.sequence
        if m.phase is Phase.BACKWARD and m.operand is not None
    ]


# Known examples


def test_the_sigmoid_at_1_is_the_chain_that_articles_print() -> None:
    example = next(e for e in EXAMPLES if e["name"] == "one_neuron_sigmoid")
    n, e = example["network"]["neurons"], example["network"]["edges"]
    network = Network.build(
        [(Neuron(k["id"], Role(k["role"]), k.get("activation", "linear")), k.get("bias", 0.0), (0, 0)) for k in n],
        [(Edge(k["id"], k["source"], k["target"]), k["weight"]) for k in e],
    )
    trace = trace_of(network, example["inputs"], example["targets"])
    inside = neuron_operations(trace, "y", end=End.ACTIVATION)
    assert texts(inside) == ["×", "+", "× −1", "exp", "+ 1", "1/x"]
    assert [round(operation.value, 2) for operation in inside] == [1.0, 1.0, -1.0, 0.37, 1.37, 0.73]
    step = trace.index_of(Quantity(Kind.PRE_ACTIVATION_GRAD, "y"))
    moments = [inside.sequence[k] for k in operations_of_step(inside, step)]
    assert [inside[m.operation].name for m in moments] == ["reciprocal", "add one", "exp", "negate"]
    assert [round(inside[m.operation].passed[0], 2) for m in moments] == [-0.53, -0.53, -0.2, 0.2]
    loss = neuron_operations(trace, "y")
    assert loss[1].grad == pytest.approx(example["expected"]["pre_activation_grad"]["y"], rel=1e-15)
    assert inside.slope_formula(5, 0) == ("−1/x²", "−1/1.368²")
    assert inside.slope_formula(3, 0) == ("e^x", "e^(−1)")


def test_a_linear_neuron_has_only_products_and_sums() -> None:
    inside = neuron_operations(one_neuron("linear", 2.0), "y")
    assert texts(inside) == ["×", "+"]
    assert inside.a == inside.z == 1
    assert [operation.value for operation in inside] == [1.5, 2.0]
    assert inside[0].passed == (2.0, 3.0)  # dL/da = 2, x = 1, w = 1.5


def test_an_input_has_no_operations_and_a_neuron_without_edges_its_bias() -> None:
    trace = one_neuron("tanh", 0.5)
    assert len(neuron_operations(trace, "x")) == 0
    network = Network()
    network.add_neuron("output", id="y", activation="tanh", bias=0.5)
    inside = neuron_operations(trace_of(network, [], [0.0]), "y")
    assert texts(inside) == ["=", "× 2", "exp", "− 1", "+ 1", "÷"]
    check(inside)


# Each operation by itself

FUNCTIONS = [f for f in vars(elementary).values() if isinstance(f, Elementary)]
SMOOTH_AT = (-1.7, -0.4, 0.6, 2.3)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_each_derivative_is_the_quotient_of_small_differences(function: Elementary) -> None:
    count = len(function.derivatives)
    h = 1e-5
    for x in SMOOTH_AT:
        point = [abs(x) if function.name == "ln" else x, 0.9][:count]
        value = float(function.function(*point))
        for place, d in enumerate(function.derivatives):
            above, below = list(point), list(point)
            above[place] += h
            below[place] -= h
            quotient = (float(function.function(*above)) - float(function.function(*below))) / (2.0 * h)
            assert d.slope(*point, value) == pytest.approx(quotient, rel=1e-8, abs=1e-8), (point, place)
            # Its formula can be written with any numbers.
            assert "{" not in d.text.format(x="1", y="2")
            assert d.latex.format(x="1", y="2")


# The chains against the engine


def recomputed(operations: Operations, index: int) -> float:
    """An operation's value from its operands alone."""
    operation = operations[index]
    with np.errstate(all="ignore"):
        return float(operation.elementary.function(*(np.float64(operations.value(q)) for q in operation.operands)))


def check(operations: Operations) -> None:
    """Values follow from operands, gradients from the chain rule, and both are the engine's where it has them."""
    trace, sample = operations.trace, operations.sample
    back = dict(operations.seeds)
    for index in range(len(operations) - 1, -1, -1):
        operation = operations[index]
        # A sum or a difference of 1 loses digits relative to its operands.
        largest = max([1.0, *(abs(operations.value(q)) for q in operation.operands)])
        if math.isfinite(largest):
            assert recomputed(operations, index) == pytest.approx(operation.value, rel=1e-12, abs=1e-12 * largest)
        if operation.quantity is not None:
            assert operation.value == trace.value(operation.quantity)
        for slope, passed, operand in zip(operation.slopes, operation.passed, operation.operands, strict=True):
            if operation.grad and slope:
                assert passed == pytest.approx(operation.grad * slope, rel=1e-9, abs=1e-12)
            if isinstance(operand, int):
                back[operand] = back.get(operand, 0.0) + passed
            elif operations.end is End.LOSS:
                kind = {
                    Kind.WEIGHT: Kind.WEIGHT_GRAD,
                    Kind.BIAS: Kind.BIAS_GRAD,
                    Kind.WEIGHTED_SUM: Kind.PRE_ACTIVATION_GRAD,
                }.get(operand.kind, Kind.CONTRIBUTION)
                subject = operand.subject
                if kind is Kind.CONTRIBUTION:
                    assert operation.quantity is not None
                    subject = operation.quantity.subject
                if kind is not Kind.PRE_ACTIVATION_GRAD:
                    assert passed == trace.value(Quantity(kind, subject, sample))
    assert operations.z is not None
    z = operations[operations.z]
    tolerance = 1e-12 * max([1.0, *(abs(seed) for seed in operations.seeds.values())])
    assert z.grad == pytest.approx(back[operations.z], rel=1e-12, abs=tolerance)
    if operations.end is End.LOSS:
        assert z.grad == trace.value(Quantity(Kind.PRE_ACTIVATION_GRAD, operations.neuron, sample))


@pytest.mark.parametrize("activation", ALONE)
@pytest.mark.parametrize("end", End)
@given(z=st.one_of(st.floats(-8.0, 8.0), st.floats(-1e5, 1e5), st.floats(-1e-6, 1e-6), st.just(0.0)))
def test_the_operations_of_every_activation_recombine_to_the_engine(activation: str, end: End, z: float) -> None:
    check(neuron_operations(one_neuron(activation, z), "y", end=end))


@pytest.mark.parametrize("activation", ALONE)
@given(z=st.one_of(st.floats(-30.0, 30.0), st.floats(-800.0, 800.0)))
def test_derived_by_the_activation_itself_the_chain_gives_its_slope(activation: str, z: float) -> None:
    inside = neuron_operations(one_neuron(activation, z), "y", end=End.ACTIVATION)
    assert inside.z is not None
    x = np.array([inside[inside.z].value])
    assert inside[inside.z].grad == pytest.approx(float(derivative(activation, x)[0]), rel=1e-12, abs=1e-12)
    # The last operation by itself, not only what the trace says: to the last digits.
    assert inside.a is not None
    # The logarithm of softplus is taken of 1 + x with the digits that x has: not from its operand alone.
    if inside.a != inside.z and activation != "softplus":
        expected = float(evaluate(activation, x)[0])
        assert recomputed(inside, inside.a) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("activation", ALONE)
@pytest.mark.parametrize("z", [-1e308, -1e5, -800.0, -710.0, -400.0, -40.0, 40.0, 400.0, 710.0, 1e5, 1e308])
def test_no_number_is_too_large(activation: str, z: float) -> None:
    for end in End:
        inside = neuron_operations(one_neuron(activation, z), "y", end=end)
        numbers = [number for operation in inside for number in (operation.value, operation.grad, *operation.passed)]
        assert not any(math.isnan(number) for number in numbers)
    slope = inside[inside.z or 0].grad
    assert slope == pytest.approx(float(derivative(activation, np.array([z]))[0]), rel=1e-12, abs=1e-12)


def test_where_a_form_is_changed_the_note_says_so() -> None:
    assert neuron_operations(one_neuron("sigmoid", 2.0), "y").note == ""
    assert "e^z/(1 + e^z)" in neuron_operations(one_neuron("sigmoid", -500.0), "y").note
    assert "(1 − e^−2z)" in neuron_operations(one_neuron("tanh", 5.0), "y").note
    assert "ln(1 + e^−z)" in neuron_operations(one_neuron("softplus", 500.0), "y").note
    assert "largest z" in neuron_operations(softmax_group([800.0, 1.0], [1.0, 0.0]), "o1").note


# Softmax and joint gradients


@given(
    zs=st.lists(st.one_of(st.floats(-6.0, 6.0), st.floats(-900.0, 900.0)), min_size=1, max_size=5),
    joint=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_softmax_is_opened_as_a_group(zs: list[float], joint: bool, seed: int) -> None:
    targets = np.random.default_rng(seed).random(len(zs)).tolist()
    trace = softmax_group(zs, targets, "cross_entropy" if joint else "half_squared_error")
    a = [trace.value(Quantity(Kind.ACTIVATION, f"o{k + 1}")) for k in range(len(zs))]
    for k in range(len(zs)):
        own = neuron_operations(trace, f"o{k + 1}", end=End.ACTIVATION)
        check(own)
        assert own[own.z or 0].grad == pytest.approx(a[k] * (1.0 - a[k]), rel=1e-12, abs=1e-12)
        loss = neuron_operations(trace, f"o{k + 1}")
        if joint and min(a) < SATURATED:
            assert "no exact digits" in loss.note
        else:
            check(loss)


@given(z=st.floats(-10.0, 10.0), target=st.sampled_from([0.0, 1.0, 0.3]))
def test_sigmoid_with_cross_entropy_begins_with_the_losss_own_derivative(z: float, target: float) -> None:
    trace = one_neuron("sigmoid", z, target=target, loss="binary_cross_entropy")
    inside = neuron_operations(trace, "y")
    a = trace.value(Quantity(Kind.ACTIVATION, "y"))
    (seed,) = inside.seeds.values()
    assert seed == pytest.approx((a - target) / (a * (1.0 - a)), rel=1e-9)
    assert "∂L/∂z from the loss at once" in inside.note
    # The chain comes out at a - t, but for the digits that 1 - a lacks.
    check_tolerance = 1e-15 / min(a, 1.0 - a)
    (back,) = inside[2].passed
    assert back == pytest.approx(a - target, rel=1e-12 + check_tolerance, abs=1e-15)


@pytest.mark.parametrize(("z", "target"), [(60.0, 0.0), (-800.0, 1.0)])
def test_a_saturated_joint_output_keeps_the_traces_gradient_and_says_so(z: float, target: float) -> None:
    trace = one_neuron("sigmoid", z, target=target, loss="binary_cross_entropy")
    inside = neuron_operations(trace, "y")
    assert inside[inside.z or 0].grad == 1.0 - 2.0 * target
    assert "no exact digits" in inside.note


# Whole networks


def opened(trace: Trace) -> list[Operations]:
    return [
        neuron_operations(trace, neuron.id, sample)
        for neuron in trace.network.neurons.values()
        for sample in range(trace.batch)
    ]


@given(case=cases(max_neurons=14))
def test_in_every_network_the_operations_belong_to_the_steps(case: Case) -> None:
    trace = Trace(compile_network(case.network), case.network.values, case.x, case.targets, Settings(loss=case.loss))
    for inside in opened(trace):
        if inside.all and "no exact digits" not in inside.note:
            check(inside)
        assert list(inside.indices) == sorted(inside.indices)
        owned = {step: operations_of_step(inside, step) for step in set(inside.indices)}
        assert sum(map(len, owned.values())) == len(inside.sequence)
        for index, moment in enumerate(inside.sequence):
            assert index in owned[trace.index_of(moment.step)]
            known = inside.revealed(index)
            operation = inside[moment.operation]
            inner = [q for q in operation.operands if isinstance(q, int)]
            if moment.phase is Phase.FORWARD:
                # Nothing is computed before its operands.
                assert known.values.issuperset(inner)
                for q in operation.operands:
                    if not isinstance(q, int):
                        assert trace.is_revealed(q, trace.index_of(moment.step))
            elif moment.operand is not None:
                # Nothing is passed back before it has come together.
                assert moment.operation in known.grads
        done = inside.done(len(trace))
        assert done == len(inside.sequence)
        if inside.all:
            known = inside.revealed(done)
            assert len(known.values) == len(inside)
            assert len(known.grads) == len(inside) or not trace.schedule.place(Kind.LOSS, "") >= 0


def test_the_steps_of_a_neuron_have_their_operations() -> None:
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    network.add_neuron("hidden", id="h", activation="sigmoid", bias=0.1)
    network.add_neuron("output", id="o", activation="silu", bias=0.2)
    for source, target in (("i1", "h"), ("i2", "h"), ("h", "o")):
        network.connect(source, target, weight=0.4)
    trace = trace_of(network, [0.5, -1.0], [0.3])

    def told(neuron: str, kind: Kind, subject: str) -> list[str]:
        inside = neuron_operations(trace, neuron)
        own = operations_of_step(inside, trace.index_of(Quantity(kind, subject)))
        return [inside[inside.sequence[k].operation].symbol for k in own]

    assert told("h", Kind.PRODUCT, "w1") == ["×"]
    assert told("h", Kind.WEIGHTED_SUM, "h") == ["+", "+"]
    assert told("h", Kind.ACTIVATION, "h") == ["× −1", "exp", "+ 1", "1/x"]
    assert told("h", Kind.ACTIVATION_GRAD, "h") == ["1/x"]
    assert told("h", Kind.PRE_ACTIVATION_GRAD, "h") == ["1/x", "+ 1", "exp", "× −1"]
    # Through both sums to the first product, and there to its weight.
    assert told("h", Kind.WEIGHT_GRAD, "w1") == ["+", "+", "×"]
    assert told("h", Kind.WEIGHT_GRAD, "w2") == ["+", "×"]
    assert told("h", Kind.BIAS_GRAD, "h") == ["+"]
    # z has two ways to the activation: by the sigmoid and directly.
    assert told("o", Kind.PRE_ACTIVATION_GRAD, "o") == ["×", "×", "1/x", "+ 1", "exp", "× −1"]
    assert told("o", Kind.CONTRIBUTION, "w3") == ["×"]
    assert told("h", Kind.ACTIVATION, "o") == []
    inside = neuron_operations(trace, "h")
    step = trace.index_of(Quantity(Kind.ACTIVATION, "h"))
    assert inside.done(step) == 4
    assert inside.done(step, 2) == 6
    assert inside.done(step, 99) == 8
    revealed = inside.revealed(6)
    assert revealed.values == {0, 1, 2, 3, 4, 5}
    assert not revealed.grads


def test_rounded_as_in_a_book_the_trace_says_what_the_quantities_are() -> None:
    exact = trace_of(random_network(np.random.default_rng(5), Shape(hidden=3, density=1.0)), [0.3, 0.7], [0.1, 0.9])
    trace = RoundedTrace(exact, Rounding(3))
    for inside in opened(trace):
        for operation in inside:
            if operation.quantity is not None:
                assert operation.value == trace.value(operation.quantity)


@pytest.mark.parametrize("activation", ALONE)
def test_every_gradient_is_that_of_pytorch(activation: str) -> None:
    torch = pytest.importorskip("torch")
    by_name = {
        "negate": lambda x: -x,
        "double": lambda x: 2 * x,
        "negate and double": lambda x: -2 * x,
        "leak": lambda x: 0.01 * x,
        "add one": lambda x: x + 1,
        "subtract one": lambda x: x - 1,
        "subtract from one": lambda x: 1 - x,
        "exp": torch.exp,
        "reciprocal": torch.reciprocal,
        "ln": torch.log,
        "sine": torch.sin,
        "normal distribution": torch.special.ndtr,
        "maximum with 0": torch.relu,
        "minimum with 0": lambda x: torch.clamp(x, max=0.0),
        "step": lambda x: (x > 0).double() + 0 * x,
        "add": torch.add,
        "multiply": torch.mul,
        "divide": torch.div,
        "maximum": torch.maximum,
    }
    for z in (-2.5, -0.3, 0.7, 3.5):
        for end in End:
            inside = neuron_operations(one_neuron(activation, z, target=0.2), "y", end=end)
            made: list[Any] = []
            for operation in inside:
                operands = [
                    made[q] if isinstance(q, int) else torch.tensor(inside.value(q), dtype=torch.float64)
                    for q in operation.operands
                ]
                operands = [q.requires_grad_() if q.is_leaf else q for q in operands]
                made.append(by_name[operation.name](*operands))
                made[-1].retain_grad()
            (last, seed), *_ = inside.seeds.items()
            (made[last] * seed).backward()
            for operation, tensor in zip(inside, made, strict=True):
                assert operation.value == pytest.approx(tensor.item(), rel=1e-12, abs=1e-14)
                assert operation.grad == pytest.approx(tensor.grad.item(), rel=1e-11, abs=1e-14), operation
