"""The formula of each quantity as code: it gives the engine's number, is safe, and can be pasted."""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from trace_strategies import chain, trace_of, traces

from core.activations import ACTIVATIONS
from core.derivation import leaves
from core.expressions import LONGEST_SUM, SATURATED, Expression, expression
from core.formula_code import ACTIVATION_CODES, SHARE_CODES, SHARE_SLOPE_CODES, SLOPE_CODES
from core.identifiers import Identifiers
from core.losses import LOSSES
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.python_code import python_code
from core.quantities import Kind, Quantity
from core.trace import Trace

# What each expression may differ from the engine, of the largest number that it adds or multiplies: the engine adds
# up in another order.
TOLERANCE = 1e-9
# Numbers that cancel have what rounding left of them: the batch's pass rounds elsewhere than that of one sample.
ROUNDING = 1e-15
# Shares of a cross-entropy smaller than this have no digits left in the activation that they are made of.
SMALL_SHARE = 1e-5


def size_of(trace: Trace, found: Expression) -> float:
    """The largest number in a formula, its result included."""
    return max([abs(trace.value(q)) for q in (found.quantity, *found.operands)], default=0.0)


@given(trace=traces())
def test_each_expression_gives_the_engines_number(trace: Trace) -> None:
    for step in trace:
        found = expression(trace, step.quantity)
        value = found.evaluate(trace.value)
        if not math.isfinite(step.value):
            event("overflow")
            continue
        if step.kind is Kind.LOSS_SHARE and trace.engine.loss.probabilities:
            floor = SMALL_SHARE
        else:
            floor = size_of(trace, found)
        limit = TOLERANCE * max(abs(step.value), floor) + ROUNDING
        assert abs(value - step.value) <= limit, f"{step} {found.code} {value}"
        # Its operands are those of the trace that the formula needs.
        extra = set(found.operands) - set(step.operands)
        assert not extra or step.kind is Kind.LOSS_SHARE
        assert list(found.names.values()) == list(found.operands)


@given(trace=traces(max_neurons=8, max_batch=3))
def test_the_code_of_an_expression_runs_on_its_names_alone(trace: Trace) -> None:
    for step in trace:
        found = expression(trace, step.quantity)
        names = {node.id for node in ast.walk(ast.parse(found.code)) if isinstance(node, ast.Name)}
        own = {*found.names, *found.settings}
        # z, a and grad are names within the sums over many softmax outputs.
        assert own <= names <= own | {"math", "abs", "max", "min", "sum", "zip", "z", "a", "grad"}
        assert not own & {"math", "abs", "max", "min", "sum", "zip", "z", "a", "grad"}
        values = {name: trace.value(q) for name, q in found.names.items()} | found.settings
        with contextlib.suppress(ArithmeticError, ValueError):
            result = eval(found.code, {"math": math, **values})
            assert result == found.evaluate(trace.value) or math.isnan(result)


@given(trace=traces(max_neurons=8, max_batch=3), depth=st.sampled_from([0, 1, 2, None]), data=st.data())
def test_a_script_prints_the_engines_number(trace: Trace, depth: int | None, data: st.DataObject) -> None:
    step = trace[data.draw(st.integers(0, len(trace) - 1))]
    code = python_code(trace, step.quantity, depth=depth)
    assert code.startswith("import math\n")
    printed = run(code)
    if math.isfinite(step.value):
        assert printed == pytest.approx(step.value, rel=1e-9, abs=1e-9)
    if depth is None:
        identifiers = Identifiers(trace)
        assert len(re.findall(r"^.* = .*  # ", code, re.MULTILINE)) >= len(leaves(trace, step.quantity))
        assert len({identifiers[q] for q in leaves(trace, step.quantity)}) == len(leaves(trace, step.quantity))


def run(code: str) -> float:
    """What a script prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, np.errstate():
        exec(code, {})
    return float(out.getvalue())


def two_two_one(**settings: object) -> Trace:
    network = Network()
    for name, role in (("i1", "input"), ("i2", "input"), ("h1", "hidden"), ("h2", "hidden"), ("o1", "output")):
        activation = "linear" if role == "input" else "sigmoid"
        network.add_neuron(role, id=name, activation=activation, bias=0.25)
    for source, target in (("i1", "h1"), ("i2", "h1"), ("i1", "h2"), ("i2", "h2"), ("h1", "o1"), ("h2", "o1")):
        network.connect(source, target, weight=0.5)
    return trace_of(network, [[0.5, -1.0]], [[0.75]], **settings)


@pytest.mark.parametrize(
    ("kind", "subject", "code"),
    [
        (Kind.INPUT, "i1", "0.5"),
        (Kind.WEIGHT, "w5", "0.5"),
        (Kind.TARGET, "o1", "0.75"),
        (Kind.PRODUCT, "w5", "w5 * a_h1"),
        (Kind.WEIGHTED_SUM, "o1", "product_w5 + product_w6 + b_o1"),
        (Kind.ACTIVATION, "o1", "1 / (1 + math.exp(-z_o1))"),
        (Kind.LOSS_SHARE, "o1", "0.5 * (t_o1 - a_o1) ** 2"),
        (Kind.LOSS, "", "L_o1"),
        (Kind.ACTIVATION_GRAD, "o1", "a_o1 - t_o1"),
        (Kind.ACTIVATION_GRAD, "h1", "back_w5"),
        (Kind.PRE_ACTIVATION_GRAD, "o1", "dL_da_o1 * a_o1 * (1 - a_o1)"),
        (Kind.WEIGHT_GRAD, "w5", "delta_o1 * a_h1"),
        (Kind.BIAS_GRAD, "o1", "delta_o1"),
        (Kind.CONTRIBUTION, "w5", "w5 * delta_o1"),
        (Kind.UPDATE, "w5", "w5 - learning_rate * dL_dw5"),
        (Kind.UPDATE, "o1", "b_o1 - learning_rate * dL_db_o1"),
    ],
)
def test_the_code_is_the_formula_that_people_write(kind: Kind, subject: str, code: str) -> None:
    assert expression(two_two_one(), Quantity(kind, subject)).code == code


def test_a_parameter_that_is_not_updated_stays() -> None:
    trace = two_two_one(update_biases=False)
    found = expression(trace, Quantity(Kind.UPDATE, "o1"))
    assert (found.code, found.evaluate(trace.value)) == ("b_o1", 0.25)


def test_settings_have_names_and_values() -> None:
    trace = two_two_one(optimizer="adam", learning_rate=0.01)
    found = expression(trace, Quantity(Kind.UPDATE, "w5"))
    assert found.settings == {"learning_rate": 0.01, "eps": 1e-8}
    corrected = expression(trace, Quantity(Kind.TERM_3, "w5"))
    assert corrected.code == "first_moment_w5 / (1 - beta1 ** updates)"
    assert corrected.settings == {"beta1": 0.9, "updates": 1}


def test_values_can_be_put_in_that_are_not_the_traces() -> None:
    found = expression(two_two_one(), Quantity(Kind.PRODUCT, "w5"))
    weight, activation = found.operands
    assert found.evaluate({weight: 2.0, activation: -3.0}) == -6.0
    assert found.evaluate({weight: math.inf, activation: 0.0}.get) != found.evaluate({weight: 1.0, activation: 0.0})


def test_every_activation_and_loss_has_its_code() -> None:
    assert set(ACTIVATION_CODES) == set(SLOPE_CODES) == set(ACTIVATIONS) - {"softmax"}
    assert set(SHARE_CODES) >= set(LOSSES)
    assert set(SHARE_SLOPE_CODES) >= set(LOSSES)


# Where digits are lost


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("x", [0.1, 2.5, 13.0, 15.0, 40.0, 800.0, -13.0, -40.0, -800.0])
@pytest.mark.parametrize(("activation", "loss"), [("sigmoid", "binary_cross_entropy"), ("tanh", "cross_entropy")])
def test_a_cross_entropy_is_right_where_its_activation_is_next_to_0_or_1(
    activation: str, loss: str, x: float, target: float
) -> None:
    trace = chain(("o", activation), x=x, target=target, weight=1.0, loss=loss)
    for kind in (Kind.LOSS_SHARE, Kind.ACTIVATION_GRAD, Kind.PRE_ACTIVATION_GRAD):
        quantity = Quantity(kind, "o")
        if kind is not Kind.LOSS_SHARE and not trace.has_step(quantity):
            continue
        found = expression(trace, quantity)
        assert found.evaluate(trace.value) == pytest.approx(trace.value(quantity), rel=1e-9, abs=1e-14), found.code
        assert run(python_code(trace, quantity)) == pytest.approx(trace.value(quantity), rel=1e-9, abs=1e-14)
    # Otherwise it is what people write.
    a = trace.value(Quantity(Kind.ACTIVATION, "o"))
    if SATURATED < a < 1 - SATURATED:
        assert {q.kind for q in expression(trace, Quantity(Kind.LOSS_SHARE, "o")).operands} == {
            Kind.ACTIVATION,
            Kind.TARGET,
        }


def softmax_trace(outputs: int, spread: float = 1.0, **settings: object) -> Trace:
    network = Network()
    network.add_neuron("input", id="x")
    for k in range(outputs):
        network.add_neuron("output", id=f"o{k}", activation="softmax", bias=0.1 * k)
        network.connect("x", f"o{k}", weight=spread * (k - 1))
    return trace_of(network, [[1.0]], [[0.25 * (k == 1) + 0.5 * (k == 2) for k in range(outputs)]], **settings)


@pytest.mark.parametrize("loss", ["cross_entropy", "half_squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize(
    ("outputs", "spread"), list(product([1, 2, LONGEST_SUM, LONGEST_SUM + 1, 25], [1.0, 30.0, 900.0]))
)
def test_softmax_over_few_and_many_outputs(outputs: int, spread: float, loss: str) -> None:
    trace = softmax_trace(outputs, spread, loss=loss)
    for step in trace:
        found = expression(trace, step.quantity)
        assert found.evaluate(trace.value) == pytest.approx(step.value, rel=1e-9, abs=1e-14), found.code
        assert run(python_code(trace, step.quantity)) == pytest.approx(step.value, rel=1e-9, abs=1e-14)


def test_the_code_of_a_softmax() -> None:
    trace = softmax_trace(2, loss="cross_entropy")
    assert (
        expression(trace, Quantity(Kind.ACTIVATION, "o0")).code == "1 / (math.exp(z_o0 - z_o0) + math.exp(z_o1 - z_o0))"
    )
    # Targets that do not add up to 1, and some that do.
    assert expression(trace, Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")).code == "a_o1 * (t_o1 + t_o0) - t_o1"
    full = trace_of(trace.network, [[1.0]], [[0.0, 1.0]], loss="cross_entropy")
    assert expression(full, Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")).code == "a_o1 - t_o1"


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"softmax"}))
@pytest.mark.parametrize("x", [0.0, 1e-9, 1.0, 30.0, 800.0, 1e300])
def test_no_pre_activation_is_too_large_for_an_activation(activation: str, x: float) -> None:
    for sign in (1.0, -1.0):
        trace = chain(("h", activation), ("o", "linear"), x=sign * x, weight=1.0)
        for step in trace:
            value = expression(trace, step.quantity).evaluate(trace.value)
            if math.isfinite(step.value):
                assert value == pytest.approx(step.value, rel=1e-9, abs=1e-300), step
            else:
                assert not math.isfinite(value), step


def test_overflow_gives_infinities_also_in_a_script() -> None:
    trace = chain(("h", "linear"), ("o", "linear"), x=1e200, weight=1e10)
    quantity = Quantity(Kind.LOSS_SHARE, "o")
    assert expression(trace, quantity).evaluate(trace.value) == math.inf == trace.value(quantity)
    code = python_code(trace, quantity, depth=None)
    assert "import numpy as np" in code
    assert run(code) == math.inf
    # A sigmoid's exponential overflows in Python alone, and its 0 is right.
    trace = chain(("o", "sigmoid"), x=-800.0, weight=1.0)
    assert run(python_code(trace, Quantity(Kind.ACTIVATION, "o"))) == 0.0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("target", [0.0, 0.3, 0.5, 1.0])
def test_each_loss_at_its_corners(loss: str, target: float) -> None:
    for activation, x in product(("linear", "sigmoid", "tanh"), (-4.0, -0.5, 0.1, 0.5, 1.0, 4.0)):
        trace = chain(("h", "linear"), ("o", activation), x=x, target=target, weight=1.0, loss=loss)
        for step in trace:
            found = expression(trace, step.quantity)
            assert found.evaluate(trace.value) == pytest.approx(step.value, rel=1e-9, abs=1e-14), (step, found.code)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_in_its_first_and_in_a_later_update(name: str) -> None:
    trace = chain(("h", "tanh"), ("o", "linear"), optimizer=name, learning_rate=0.1, l1=0.01, l2=0.02)
    for updates in (1, 5):
        learner = trace.learner
        for _ in range(updates - 1):
            learner.gradient(trace.x, trace.targets, masks=None)
            learner.step(0.1)
        values = trace.plan.unpack(learner.engine.parameters)
        settings, memory = trace.settings, learner.memory()
        later = Trace(trace.plan, values, trace.x, trace.targets, settings, number=updates, memory=memory)
        for step in later:
            found = expression(later, step.quantity)
            assert found.evaluate(later.value) == pytest.approx(step.value, rel=1e-12, abs=1e-15), found.code


@given(trace=traces(max_neurons=10, precision="float32"))
def test_in_single_precision_the_numbers_agree_as_far_as_it_goes(trace: Trace) -> None:
    # The engine makes a cross-entropy from z, which has digits that an activation next to 0 or 1 has lost.
    lossy = {Kind.LOSS_SHARE} | ({Kind.ACTIVATION_GRAD} if trace.settings.loss == "binary_cross_entropy" else set())
    for step in trace:
        found = expression(trace, step.quantity)
        floor = max(size_of(trace, found), 1e-2)
        if math.isfinite(step.value) and step.kind not in lossy:
            assert abs(found.evaluate(trace.value) - step.value) <= 1e-5 * floor, f"{step} {found.code}"


def test_what_goes_back_through_a_weight_that_is_updated_first_is_made_with_the_new_one() -> None:
    trace = two_two_one(updated_weights=True)
    found = expression(trace, Quantity(Kind.CONTRIBUTION, "w5"))
    assert found.code == "new_w5 * delta_o1"
    assert found.evaluate(trace.value) == trace.value(found.quantity)
    code = python_code(trace, Quantity(Kind.UPDATE, "w1"), depth=None)
    assert code.index("\nnew_w5 = ") < code.index("\nback_w5 = ") < code.index("\nnew_w1 = ")
    assert run(code) == pytest.approx(trace.new_values["w1"], rel=1e-12)


# Sums and names


def test_long_sums_are_lists() -> None:
    network = Network()
    network.add_neuron("output", id="o")
    for k in range(300):
        network.add_neuron("input", id=f"x{k}")
        network.connect(f"x{k}", "o", weight=0.01 * k)
    trace = trace_of(network, np.ones((1, 300)), [[1.0]])
    found = expression(trace, Quantity(Kind.WEIGHTED_SUM, "o"))
    assert found.code.startswith("sum([product_w1, product_w2,")
    assert found.code.endswith(", b_o])")
    assert len(found.operands) == 301
    assert run(python_code(trace, Quantity(Kind.WEIGHTED_SUM, "o"), depth=None)) == pytest.approx(448.5)


def test_a_batch_names_its_samples_and_a_tied_weight_adds_up() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="tanh")
    network.add_neuron("output", id="o")
    network.connect("x", "h", weight=0.5)
    network.connect("h", "o", weight=0.5)
    network.tie("w2", "w1")
    trace = trace_of(network, [[1.0], [2.0]], [[0.0], [1.0]])
    found = expression(trace, Quantity(Kind.PARAMETER_GRAD, "w1"))
    assert found.code == "(dL_dw1_s1 + dL_dw2_s1 + dL_dw1_s2 + dL_dw2_s2) / samples"
    assert found.settings == {"samples": 2}
    code = python_code(trace, Quantity(Kind.UPDATE, "w1"), depth=None)
    assert "t_o_s2 = 1.0  # t(o), sample 2\n" in code
    assert run(code) == pytest.approx(trace.new_values["w1"], rel=1e-12)


def test_any_name_becomes_an_identifier_of_its_own() -> None:
    names = ["a b", "a.b", "a-b", "a'b", "a_b", "α", "Ω", "é", "数", "1", "lambda", "math", "w_1", "ﬁ", "fi"]
    network = Network()
    network.add_neuron("output", id="out put", activation="sigmoid")
    for place, name in enumerate(names):
        network.add_neuron("input", id=name)
        network.connect(name, "out put", weight=0.1, id=f"e.{name}"[:40] if place % 2 else None)
    trace = trace_of(network, [0.1 * np.arange(len(names))], [[1.0]])
    identifiers = Identifiers(trace)
    quantities = [Quantity(Kind.INPUT, name) for name in names] + [Quantity(Kind.WEIGHT, e) for e in network.edges]
    found = [identifiers[q] for q in quantities]
    assert len(set(found)) == len(quantities)
    assert all(name.isidentifier() and name.isascii() for name in found)
    assert identifiers[Quantity(Kind.INPUT, "α")] == "a_alpha"
    assert identifiers[Quantity(Kind.INPUT, "a b")] == "a_a_b" == found[0]
    for step in trace:
        code = python_code(trace, step.quantity, depth=None)
        assert run(code) == pytest.approx(step.value, rel=1e-12)


def test_a_script_can_be_read() -> None:
    trace = two_two_one(learning_rate=0.5)
    assert python_code(trace, Quantity(Kind.WEIGHT_GRAD, "w5"), depth=2) == (
        "import math\n\n"
        f"dL_da_o1 = {trace.value(Quantity(Kind.ACTIVATION_GRAD, 'o1'))!r}  # ∂L/∂a(o1)\n"
        f"a_o1 = {trace.value(Quantity(Kind.ACTIVATION, 'o1'))!r}  # a(o1)\n"
        "z_h1 = 0.0  # z(h1)\n\n"
        "delta_o1 = dL_da_o1 * a_o1 * (1 - a_o1)  # δ(o1)\n"
        "a_h1 = 1 / (1 + math.exp(-z_h1))  # a(h1)\n"
        "dL_dw5 = delta_o1 * a_h1  # ∂L/∂w5\n"
        "print(dL_dw5)\n"
    )
