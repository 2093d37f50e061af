"""Explanations: what a step says in words, symbols and numbers is what the engine has computed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_strategies import chain
from training_strategies import other_options, settings_of_any_sort

from core.activations import ACTIVATIONS, evaluate
from core.book import RoundedTrace, round_half_away
from core.dataset import Dataset
from core.explanation import Explanation, explain_batch_loss, step_title
from core.explanation import explain as explain_with_marks
from core.losses import LOSSES
from core.network import Network, Role
from core.notation import Writer, tex_number, without_brackets
from core.numbers import parse_number
from core.optimizers import OPTIMIZERS
from core.passes import trace_project
from core.plan import compile_network
from core.project import Project
from core.project_file import load_project
from core.quantities import TERM_KINDS, Kind, Quantity, Step
from core.settings import Settings
from core.style import Notation, Rounding, Style, unmark
from core.trace import Trace
from core.training import Run, project_at

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"
# All digits of a float64.
EXACT = 17


# Reading the numbers of a formula as a person with a pocket calculator does


def _function(name: str) -> object:
    return lambda z: float(evaluate(name, np.array([z]))[0])


def _huber(x: float) -> float:
    return 0.5 * x * x if abs(x) <= 1.0 else abs(x) - 0.5


FUNCTIONS = {
    "abs": abs,
    "clip": lambda x, low=-1.0, high=1.0: min(max(x, low), high),
    "cos": math.cos,
    "exp": math.exp,
    "huber": _huber,
    "log": math.log,
    "max": max,
    "phi": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    "Phi": lambda z: 0.5 * math.erfc(-z / math.sqrt(2)),
    "sign": lambda x: float(np.sign(x)),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "σ": _function("sigmoid"),
    "ReLU": _function("relu"),
    "leaky": _function("leaky_relu"),
    "ELU": _function("elu"),
    "softplus": _function("softplus"),
    "GELU": _function("gelu"),
    "SiLU": _function("silu"),
    "step": _function("step"),
}


def calculate(expression: str) -> float:
    return float(eval(expression, {"__builtins__": {}}, FUNCTIONS))


def text_value(text: str) -> float:
    """What a line of text such as "½ × (0.5 − (−0.3))²" comes to."""
    text = text.replace("−", "-").replace("×", "*").replace("½", "0.5").replace("²", "**2")
    text = re.sub(r"ln ([^ )]+|\([^)]*\))", r"log(\1)", text).replace("ln(", "log(")
    text = re.sub(r"\be\^(-?[\d.]+(?:e-?\d+)?)", r"exp(\1)", text)
    text = re.sub(r"√([^\s()]+)", r"sqrt(\1)", text).replace("√(", "sqrt(").replace("^", "**")
    return calculate(re.sub(r"\|(.+)\|", r"abs(\1)", text))


def sides(plain: str) -> list[str]:
    """What stands before and behind the equals signs of a line of text, or the sign of a rounded result."""
    return re.split(" [=≈] ", plain)


def tex_value(latex: str) -> float:
    """What a formula in LaTeX with numbers put in comes to."""
    text = latex.removeprefix("= ")
    text = re.sub(r"\\mathrm\{(\w+)\}", r"\1", text).replace(r"\;", " ")
    text = text.replace(r"\cdot", "*").replace(r"\,", "*").replace(r"\sigma", "σ").replace(r"\varphi", "phi")
    text = re.sub(r"10\^\{(-?\d+)\}", r"10**(\1)", text)
    text = re.sub(r"\\ln ([^ )]+|\([^)]*\))", r"log(\1)", text)
    for name in ("max", "tanh", "sin", "cos", "Phi", "ln"):
        text = text.replace(rf"\{name}", "log" if name == "ln" else name)
    text = re.sub(r"\| (.+) \|", r"abs(\1)", text)
    text = re.sub(r"\[(.+?) > 0\]", r"(\1 > 0)", text)
    while re.search(r"\\frac|\^\{|\\sqrt", text):
        former = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\be\^\{([^{}]*)\}", r"exp(\1)", text)
        text = re.sub(r"(?<=[\d)])\^\{(\d+)\}", r"**\1", text)
        assert text != former, text
    text = re.sub(r"([\d)]) +(log|\()", r"\1*\2", text)
    assert "--" not in text, latex
    assert not re.search(r"[*+] -", text), latex
    return calculate(text.replace("^2", "**2"))


def number_of(result: str) -> float:
    """The number of a result such as "= -1.5 \\cdot 10^{-7}"."""
    return parse_number(re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", re.sub(r"^(=|\\approx) ", "", result)))


# Networks


def small(activation: str, loss: str, *, target: float = 0.3, weight: float = -0.7, feeding: bool = True) -> Trace:
    """1 input, 1 hidden neuron, 2 outputs of which the first feeds the second where it can; two samples."""
    network = Network()
    network.add_neuron("input", id="i1")
    network.add_neuron("hidden", id="h1", activation="tanh" if activation == "softmax" else activation)
    for k in (1, 2):
        network.add_neuron("output", id=f"o{k}", activation=activation)
        network.set_value(f"o{k}", 0.4 * k)
    network.connect("i1", "h1", weight=weight)
    network.connect("h1", "o1", weight=1.1 * weight)
    network.connect("h1", "o2", weight=-0.8 * weight)
    if feeding and activation != "softmax":
        network.connect("o1", "o2", weight=-0.3)
    inputs = np.array([[0.9], [-1.3]])
    return Trace(
        compile_network(network),
        network.values,
        inputs,
        np.array([[target, 1 - target], [target, target]]),
        Settings(loss=loss),
    )


def example(name: str) -> Trace:
    return trace_project(load_project(EXAMPLES / f"{name}.nnviz"))


@pytest.fixture(scope="module")
def worked() -> Trace:
    return example("01-two-two-two")


def explain(trace: Trace, quantity: Quantity, style: Style = Style()) -> Explanation:  # noqa: B008 - frozen
    """With plain LaTeX: most tests are about what is read, not about what stands for which operand."""
    found = explain_with_marks(trace, quantity, style)
    return replace(found, symbols=unmark(found.symbols), numbers=unmark(found.numbers))


def operands_in(latex: str) -> dict[int, str]:
    """What is marked, by its place among the operands."""
    return {int(place): text for place, text in re.findall(r"\\operand\{(\d+)\}\{((?:[^{}]|\{[^{}]*\})*)\}", latex)}


def step_of(trace: Trace, kind: Kind, subject: str = "", sample: int = 0) -> Step:
    return trace[trace.index_of(Quantity(kind, subject, sample))]


def told(trace: Trace, kind: Kind, subject: str = "", digits: int = 4) -> Explanation:
    return explain(trace, step_of(trace, kind, subject).quantity, Style(digits=digits))


# Each kind on the worked example


@pytest.mark.parametrize(
    ("kind", "subject", "title", "formula", "plain"),
    [
        (Kind.INPUT, "i1", "a(i1)", "a(i1) = x(i1)", "a(i1) = 0.05"),
        (Kind.PRODUCT, "w1", "w1·a(i1)", "w1 · a(i1)", "0.15 × 0.05 = 0.0075"),
        (
            Kind.WEIGHTED_SUM,
            "h1",
            "z(h1)",
            "z(h1) = w1·a(i1) + w2·a(i2) + b(h1)",
            "0.0075 + 0.02 + 0.35 = 0.3775",
        ),
        (Kind.ACTIVATION, "h1", "a(h1)", "a(h1) = σ(z(h1))", "σ(0.3775) = 0.5933"),
        (Kind.LOSS_SHARE, "o1", "L(o1)", "L(o1) = ½ · (t(o1) − a(o1))²", "½ × (0.01 − 0.7514)² = 0.2748"),
        (Kind.LOSS, "", "L", "L = L(o1) + L(o2)", "0.2748 + 0.02356 = 0.2984"),
        (Kind.ACTIVATION_GRAD, "o1", "∂L/∂a(o1)", "∂L/∂a(o1) = a(o1) − t(o1)", "0.7514 − 0.01 = 0.7414"),
        (
            Kind.PRE_ACTIVATION_GRAD,
            "o1",
            "δ(o1)",
            "δ(o1) = ∂L/∂a(o1) · f'(z(o1))",
            "0.7414 × 0.1868 = 0.1385",
        ),
        (Kind.WEIGHT_GRAD, "w5", "∂L/∂w5", "∂L/∂w5 = δ(o1) · a(h1)", "0.1385 × 0.5933 = 0.08217"),
        (Kind.CONTRIBUTION, "w5", "w5·δ(o1)", "w5 · δ(o1)", "0.4 × 0.1385 = 0.0554"),
        (
            Kind.ACTIVATION_GRAD,
            "h1",
            "∂L/∂a(h1)",
            "∂L/∂a(h1) = w5·δ(o1) + w7·δ(o2)",
            "0.0554 + (−0.01905) = 0.03635",
        ),
        (Kind.BIAS_GRAD, "o1", "∂L/∂b(o1)", "∂L/∂b(o1) = δ(o1)", "δ(o1) = 0.1385"),
        (Kind.UPDATE, "w5", "new w5", "new w5 = w5 − η · ∂L/∂w5", "0.4 − 0.5 × 0.08217 = 0.3589"),
    ],
)
def test_each_kind(worked: Trace, kind: Kind, subject: str, title: str, formula: str, plain: str) -> None:
    explanation = told(worked, kind, subject)
    assert (explanation.title, explanation.formula, explanation.plain) == (title, formula, plain)
    assert step_title(worked, step_of(worked, kind, subject).index) == title


def test_sentences_name_what_is_at_work(worked: Trace) -> None:
    for step in worked:
        sentence = explain(worked, step.quantity).sentence
        subjects = {step.quantity.subject or "loss", *(worked.network.edges and [step.neuron, step.edge])} - {""}
        assert any(re.search(rf"\b{subject}\b", sentence) for subject in subjects), sentence
        assert not sentence.endswith(".")


def test_symbols_of_the_worked_example(worked: Trace) -> None:
    explanation = told(worked, Kind.WEIGHT_GRAD, "w5")
    assert explanation.symbols == r"\frac{\partial L}{\partial w_{5}} = \delta_{o1} \cdot a_{h1}"
    assert explanation.numbers == r"= 0.1385 \cdot 0.5933"
    assert explanation.result == "= 0.08217"
    assert told(worked, Kind.WEIGHT_GRAD, "w5", digits=8).numbers == r"= 0.13849856 \cdot 0.59326999"
    assert told(worked, Kind.UPDATE, "w5").symbols == (
        r"w_{5}^{\mathrm{new}} = w_{5} - \eta \cdot \frac{\partial L}{\partial w_{5}}"
    )


def test_a_batch_says_mean_or_sum_and_tied_edges_are_added_up() -> None:
    batch = example("10-batch")
    explanation = told(batch, Kind.PARAMETER_GRAD, next(iter(batch.network.edges)))
    assert "the mean over the 4 samples" in explanation.sentence
    assert sides(explanation.plain)[0].endswith(") / 4")
    assert explanation.symbols.startswith(r"\frac{\partial L}{\partial w_{1}} = \frac{1}{4} \sum_{n=1}^{4} ")
    assert explanation.symbols.endswith(r"\frac{\partial L^{(n)}}{\partial w_{1}}")
    tied = example("11-tied-weights")
    shared = next(p for p in tied.network.edges if len(tied.network.edges_of_parameter(p)) > 1)
    explanation = told(tied, Kind.PARAMETER_GRAD, shared)
    assert ": the sum over the 2 edges that share it" in explanation.sentence
    assert text_value(sides(explanation.plain)[0]) == pytest.approx(tied.gradient[shared], rel=1e-3)


def test_a_share_of_a_tied_weight_has_a_name_of_its_own() -> None:
    tied = example("11-tied-weights")
    gradient = told(tied, Kind.PARAMETER_GRAD, "k1")
    assert gradient.title == "∂L/∂w(k1)"
    assert gradient.formula == "∂L/∂w(k1) = ∂L/∂w(k1)[x1→h1] + ∂L/∂w(k1)[x2→h2]"
    shares = []
    for edge, ends in (("k1", "x1→h1"), ("k1b", "x2→h2")):
        share = told(tied, Kind.WEIGHT_GRAD, edge)
        name, symbol = share.formula.partition(" = ")[0], share.symbols.partition(" = ")[0]
        assert share.title == name == f"∂L/∂w(k1)[{ends}]"
        arrow = ends.replace("→", r" \to ")
        assert symbol == rf"\frac{{\partial L}}{{\partial w_{{k1}}^{{{arrow}}}}}"
        assert share.sentence.startswith(f"The share of the edge {ends} in the gradient of w(k1): ")
        shares.append(symbol)
    assert gradient.symbols == r"\frac{\partial L}{\partial w_{k1}} = " + " + ".join(shares)
    # What is not shared is called as ever.
    assert told(tied, Kind.WEIGHT_GRAD, "v1").title == "∂L/∂w(v1)"
    assert told(tied, Kind.UPDATE, "k1").formula == "new w(k1) = w(k1) − η · ∂L/∂w(k1)"


def test_what_belongs_to_a_row_of_a_batch_is_told_from_what_is_the_batchs() -> None:
    batch = example("10-batch")
    second = explain(batch, Quantity(Kind.WEIGHT_GRAD, "w5", 1))
    assert second.formula == "∂L⁽²⁾/∂w5 = δ(o) · a(h1)"
    assert second.symbols.startswith(r"\frac{\partial L^{(2)}}{\partial w_{5}} = ")
    delta = explain(batch, Quantity(Kind.PRE_ACTIVATION_GRAD, "o", 2))
    assert delta.symbols.count("L^{(3)}") == 2
    loss = explain(batch, Quantity(Kind.LOSS, "", 3))
    assert (loss.title, loss.formula) == ("L⁽⁴⁾", "L⁽⁴⁾ = L⁽⁴⁾(o)")
    assert loss.symbols == "L^{(4)} = L_{o}^{(4)}"
    whole = explain(batch, Quantity(Kind.PARAMETER_GRAD, "w5"))
    assert whole.formula == "∂L/∂w5 = 1/4 · Σ ∂L⁽ⁿ⁾/∂w5"
    assert "L^" not in told(batch, Kind.UPDATE, "w5").symbols
    derivative = explain(batch, Quantity(Kind.CONTRIBUTION, "w5", 1), Style(Notation(delta="derivative")))
    assert derivative.formula == "w5 · ∂L⁽²⁾/∂z(o)"
    assert derivative.sentence.endswith("∂L⁽²⁾/∂z of o")
    # With one row nothing is added.
    for step in example("01-two-two-two"):
        explanation = explain(example("01-two-two-two"), step.quantity)
        assert "^{(" not in explanation.latex
        assert "⁽" not in explanation.title + explanation.formula


def test_the_loss_of_a_batch_is_explained_from_those_of_its_rows() -> None:
    batch = example("10-batch")
    told = explain_batch_loss(batch)
    assert told.symbols.startswith(r"L = \frac{1}{4} \sum_{n=1}^{4} L^{(n)}")
    assert told.formula == "L = 1/4 · Σ L⁽ⁿ⁾"
    calculation, result = sides(told.plain)
    assert text_value(calculation) == pytest.approx(batch.loss, rel=1e-3)
    assert parse_number(result) == pytest.approx(batch.loss, rel=1e-3)
    assert told.operands == tuple(Quantity(Kind.LOSS, "", row) for row in range(4))


def test_what_stands_alone_has_no_brackets() -> None:
    assert without_brackets("(1 - a^2)") == "1 - a^2"
    assert without_brackets("(1 - a) (1 + a)") == "(1 - a) (1 + a)"
    assert without_brackets(r"\sigma(z)") == r"\sigma(z)"


def test_a_number_times_a_logarithm_has_a_dot() -> None:
    explanation = told(example("09-three-classes"), Kind.LOSS_SHARE, "red")
    assert explanation.symbols.endswith(r"= -t_{\mathrm{red}} \ln a_{\mathrm{red}}")
    assert re.fullmatch(r"= -1 \\cdot \\ln 0\.\d+", explanation.numbers)
    assert " · ln " in explanation.formula


def test_a_neuron_without_edges_and_a_long_sum() -> None:
    network = Network()
    network.add_neuron("hidden", id="h1")
    network.add_neuron("output", id="o1", activation="sigmoid")
    for k in range(9):
        network.add_neuron("input", id=f"i{k + 1}")
        network.connect(f"i{k + 1}", "o1", weight=0.1)
    trace = Trace(compile_network(network), network.values, np.ones((1, 9)), np.ones((1, 1)))
    assert "nothing arrives there" in told(trace, Kind.WEIGHTED_SUM, "h1").sentence
    assert "changes nothing" in told(trace, Kind.ACTIVATION_GRAD, "h1").sentence
    long = told(trace, Kind.WEIGHTED_SUM, "o1")
    assert long.plain == "0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + … (4 more) = 0.9"
    assert r"(4 \; \mathrm{more})" in long.numbers
    assert long.symbols.count("w_") == 6


def test_unusual_names() -> None:
    network = Network()
    network.add_neuron("input", id="wind speed")
    network.add_neuron("output", id="y_1", activation="sigmoid")
    network.connect("wind speed", "y_1", id="a.b", weight=0.5)
    trace = Trace(compile_network(network), network.values, np.ones((1, 1)), np.ones((1, 1)))
    product = told(trace, Kind.PRODUCT, "a.b")
    assert product.formula == "w(a.b) · a(wind speed)"
    assert product.symbols == r"w_{\mathrm{a.b}} \cdot a_{\mathrm{wind\;speed}}"
    assert told(trace, Kind.ACTIVATION, "y_1").symbols.startswith(r"a_{\mathrm{y\_1}} = ")


# The numbers come to the result, whatever their signs


def is_defined(trace: Trace, step: Step) -> bool:
    """Whether the formula as it is written has a value: logarithms and quotients only inside (0, 1)."""
    if not LOSSES[trace.engine.loss.name].probabilities:
        return True
    return all(
        1e-9 < trace.value(q) < 1 - 1e-9 for q in step.operands if q.kind is Kind.ACTIVATION
    ) or step.kind not in (Kind.LOSS_SHARE, Kind.ACTIVATION_GRAD)


def check_arithmetic(trace: Trace) -> Iterator[Kind]:
    for step in trace:
        explanation = explain(trace, step.quantity, Style(digits=EXACT))
        close = pytest.approx(step.value, rel=1e-9, abs=1e-12)
        assert number_of(explanation.result) == step.value
        *left, result = sides(explanation.plain)
        assert parse_number(result) == step.value
        if not is_defined(trace, step):
            continue
        if explanation.numbers and r"\cdots" not in explanation.numbers:
            assert tex_value(explanation.numbers) == close, explanation
            yield step.kind
        text = left[0] if left else ""
        if text and not re.search(r"…|Σ|softmax|∂|^(a|δ)\(|^L$", text):
            assert text_value(text) == close, explanation


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_numbers_put_in_come_to_the_result(activation: str, loss: str) -> None:
    seen: set[Kind] = set()
    for target in (0.3, 1.0) if LOSSES[loss].probabilities else (0.3, -2.4):
        for weight in (-0.7, 0.9):
            seen |= set(check_arithmetic(small(activation, loss, target=target, weight=weight)))
    assert seen >= {Kind.PRODUCT, Kind.WEIGHTED_SUM, Kind.PRE_ACTIVATION_GRAD, Kind.PARAMETER_GRAD, Kind.UPDATE}
    assert (Kind.ACTIVATION in seen) == (activation != "linear")


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_targets_that_are_no_probabilities_are_bracketed_too(activation: str, loss: str) -> None:
    assert set(check_arithmetic(small(activation, loss, target=-0.4)))


def test_tiny_activations_have_no_double_exponent() -> None:
    explanation = told(small("tanh", "squared_error", weight=1e-9, feeding=False), Kind.PRE_ACTIVATION_GRAD, "h1")
    assert r"(1 - (" in explanation.numbers
    assert "}^2" not in explanation.numbers


def test_softmax_with_targets_that_do_not_add_up_to_1() -> None:
    trace = small("softmax", "cross_entropy", target=0.3)
    simple = explain(trace, step_of(trace, Kind.PRE_ACTIVATION_GRAD, "o1", 0).quantity)
    general = explain(trace, step_of(trace, Kind.PRE_ACTIVATION_GRAD, "o1", 1).quantity)
    assert simple.formula == "δ(o1) = a(o1) − t(o1)"
    assert general.formula == "δ(o1) = a(o1) · Σ t − t(o1)"
    assert r"\sum_{k} t_k" in general.symbols


def test_a_single_softmax_output_whose_target_is_not_1() -> None:
    trace = chain(("o1", "softmax"), target=0.25, loss="cross_entropy")
    assert told(trace, Kind.PRE_ACTIVATION_GRAD, "o1").plain == "1 × 0.25 − 0.25 = 0"
    assert tex_value(told(trace, Kind.PRE_ACTIVATION_GRAD, "o1").numbers) == 0.0
    one = chain(("o1", "softmax"), target=1.0, loss="cross_entropy")
    assert told(one, Kind.PRE_ACTIVATION_GRAD, "o1").plain == "1 − 1 = 0"


@pytest.mark.parametrize("loss", ["half_squared_error", "mean_absolute_error"])
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
def test_the_numbers_put_in_come_to_the_rounded_result(activation: str, loss: str) -> None:
    for rounding in (Rounding(2), Rounding(3, "digits")):
        trace = RoundedTrace(small(activation, loss), rounding)
        for step in trace:
            if step.kind is Kind.PRE_ACTIVATION_GRAD:
                explanation = explain(trace, step.quantity, Style(digits=EXACT))
                by_text = text_value(sides(explanation.plain)[0])
                for value in (tex_value(explanation.numbers), by_text):
                    assert round_half_away(value, rounding) == step.value, explanation


def shown(value: float, digits: int) -> float:
    # A half is rounded away from 0.
    return float(f"{value * (1 + 1e-11):.{digits - 1}e}")


@pytest.mark.parametrize("digits", [3, 4, 6])
@pytest.mark.parametrize("name", ["01-two-two-two", "06-skip-connection", "08-xor", "09-three-classes", "10-batch"])
def test_a_result_that_the_printed_numbers_miss_is_about_equal(name: str, digits: int) -> None:
    trace = example(name)
    book = RoundedTrace(trace, Rounding(4))
    signs = set()
    for step in trace[len(trace) // 3 :][:60]:
        explanation = explain(trace, step.quantity, Style(digits=digits))
        *left, result = sides(explanation.plain)
        sign, text_sign = explanation.result.partition(" ")[0], r"\approx" if " ≈ " in explanation.plain else "="
        calculated = []
        if explanation.numbers and r"\cdots" not in explanation.numbers:
            calculated.append((sign, tex_value(explanation.numbers)))
        if left and not re.search(r"…|Σ|∂|^(a|δ)\(|^L", left[0]):
            calculated.append((text_sign, text_value(left[0])))
        for written, value in calculated:
            is_same = shown(value, digits) == parse_number(result) or abs(value - step.value) < 1e-15
            assert is_same == (written == "="), explanation
            signs.add(written)
        if not calculated:
            assert sign == text_sign == "="
        # Where each number is rounded before the next one is computed, every line comes out.
        assert explain(book, step.quantity, Style(digits=digits)).result.startswith("= ")
    assert signs == {"=", r"\approx"}


def test_the_loss_of_a_batch_that_the_printed_numbers_miss_is_about_equal() -> None:
    batch = example("10-batch")
    signs = set()
    for digits in range(1, 12):
        told = explain_batch_loss(batch, Style(digits=digits))
        value = tex_value(unmark(told.numbers))
        is_same = shown(value, digits) == number_of(told.result)
        assert told.result.startswith("= " if is_same else r"\approx ")
        assert (" ≈ " in told.plain) == (not is_same)
        signs.add(is_same)
    assert signs == {False, True}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
def test_a_negative_number_is_in_brackets_unless_it_stands_first(activation: str, loss: str) -> None:
    for target, weight in ((-0.4, -0.7), (0.3, 0.9)):
        trace = small(activation, loss, target=target, weight=weight)
        for step in trace:
            explanation = explain(trace, step.quantity)
            for line in (explanation.numbers, "= " + " = ".join(sides(explanation.plain)[:-1])):
                # First in the line, in a bracket or in a fraction's part there are none, but for powers.
                assert not re.search(r"(= |[({|]|\| )\([-−][\d.]+\)(?!\^|²)", line), line
                assert not re.search(r"[×+*−] [−-][\d.]|\\cdot -|\\, ?-\d|/ −", line), line


def test_a_linear_activation_is_its_pre_activation() -> None:
    sentence = told(example("06-skip-connection"), Kind.ACTIVATION, "o").sentence
    assert sentence == "The activation of o: its pre-activation, as its activation function is linear"


def test_notes_say_what_is_a_convention() -> None:
    assert "at z = 0 is taken as 0" in told(small("relu", "squared_error"), Kind.PRE_ACTIVATION_GRAD, "o1").note
    assert "wherever it exists" in told(small("step", "squared_error"), Kind.ACTIVATION, "o1").note


# Optimizers, penalties, dropout


def training(
    *, batch: int = 1, updates: int = 0, weight: float = -0.7, biases: bool = True, **settings: object
) -> tuple[Project, Trace]:
    """A 1-2-2 network with dropout in h1, as it is after some updates, and the trace of its first batch."""
    network = Network()
    network.add_neuron("input", id="i1")
    for k, name in enumerate(("h1", "h2")):
        network.add_neuron("hidden", id=name, activation="tanh", bias=0.2 - 0.5 * k)
    for name in ("o1", "o2"):
        network.add_neuron("output", id=name, activation="sigmoid", bias=-0.3)
    pairs = [("i1", "h1"), ("i1", "h2"), ("h1", "o1"), ("h2", "o1"), ("h1", "o2")]
    for k, (source, target) in enumerate(pairs):
        network.connect(source, target, weight=weight * (1 + k) / (-2) ** k)
    network.set_dropout("h1", 0.4)
    data = Dataset({"i1": np.linspace(-1.0, 1.5, 4), "o1": np.linspace(0.1, 0.9, 4), "o2": np.ones(4)})
    project = Project(network, data, Settings(batch_size=batch, update_biases=biases, learning_rate=0.05, **settings))
    run = Run(project)
    for update in range(updates):
        run.advance(update, run.next_batch(update, project.settings), project.settings)
    here = project_at(project, run, updates)
    return here, trace_project(here)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("penalty", [{}, {"l1": 0.02}, {"l2": 0.3}, {"l1": 0.02, "l2": 0.3}])
def test_the_numbers_of_an_update_come_to_its_result(name: str, penalty: dict[str, float]) -> None:
    seen: set[Kind] = set()
    for batch, updates, weight in ((1, 0, -0.7), (1, 4, 0.9), (3, 1, 0.9), (3, 4, -0.7)):
        for options in ({}, other_options(name)):
            chosen = {"optimizer": name, "optimizer_options": options, **penalty}
            _, trace = training(batch=batch, updates=updates, weight=weight, **chosen)
            seen |= set(check_arithmetic(trace))
    wanted = {Kind.UPDATE, Kind.DROPOUT, Kind.DROPOUT_GRAD, *TERM_KINDS[: len(OPTIMIZERS[name].terms)]}
    wanted |= {Kind.PENALIZED_GRAD} if penalty else set()
    assert seen >= wanted


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_formula_of_an_update_names_what_its_operands_are(name: str) -> None:
    for penalty in (0.0, 0.1):
        _, trace = training(batch=2, updates=2, optimizer=name, l2=penalty)
        for step in trace[trace.schedule.sample_length * 2 :]:
            explanation = explain(trace, step.quantity, Style(digits=6))
            names = [Writer(trace, Style()).name(operand) for operand in step.operands]
            if step.kind is Kind.PARAMETER_GRAD:
                continue
            for operand_name in names:
                assert operand_name.removesuffix(" of the batch") in explanation.formula, explanation
            assert explanation.formula.startswith(f"{Writer(trace, Style()).name(step.quantity)} = ")
            assert explanation.title == Writer(trace, Style()).name(step.quantity)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sgd", "new w1 = w1 − η · ∂L/∂w1"),
        ("momentum", "new w1 = w1 − η · v(w1)"),
        ("nesterov", "new w1 = w1 − η · g˜(w1)"),
        ("adagrad", "new w1 = w1 − η · ∂L/∂w1 / (√(G(w1)) + ε)"),
        ("rmsprop", "new w1 = w1 − η · ∂L/∂w1 / (√(v(w1)) + ε)"),
        ("adadelta", "new w1 = w1 − η · Δ(w1)"),
        ("adam", "new w1 = w1 − η · mˆ(w1) / (√(vˆ(w1)) + ε)"),
        ("adamw", "new w1 = w˜(w1) − η · mˆ(w1) / (√(vˆ(w1)) + ε)"),
    ],
)
def test_the_update_of_each_optimizer(name: str, formula: str) -> None:
    _, trace = training(optimizer=name)
    explanation = told(trace, Kind.UPDATE, "w1")
    assert explanation.formula == formula
    assert explanation.symbols.startswith(r"w_{1}^{\mathrm{new}} = ")
    how = "minus the learning rate times its gradient" if name == "sgd" else OPTIMIZERS[name].title
    assert how in explanation.sentence


def test_the_learning_rate_of_the_epoch_and_the_number_of_the_update_are_those_put_in() -> None:
    here, trace = training(
        updates=6, batch=2, optimizer="adam", schedule="exponential", schedule_options={"factor": 0.5}
    )
    assert here.epoch == 3
    assert "0.00625" in told(trace, Kind.UPDATE, "w1").plain
    assert "^7)" in told(trace, Kind.TERM_3, "w1").plain
    assert told(trace, Kind.TERM_3, "w1").formula == "mˆ(w1) = m(w1) / (1 − β₁^t)"


def test_a_bias_has_neither_a_penalty_nor_a_decay() -> None:
    _, trace = training(optimizer="adamw", l2=0.1)
    assert told(trace, Kind.UPDATE, "h2").formula == "new b(h2) = b(h2) − η · mˆ(b(h2)) / (√(vˆ(b(h2))) + ε)"
    assert "∂L/∂b(h2)" in told(trace, Kind.TERM_2, "h2").formula
    assert "g(w2)" in told(trace, Kind.TERM_2, "w2").formula
    assert told(trace, Kind.PENALIZED_GRAD, "w2").formula == "g(w2) = ∂L/∂w2 + λ₂ · w2"


def test_dropout_says_whether_the_neuron_is_left_out() -> None:
    fates = set()
    for updates in range(8):
        _, trace = training(updates=updates)
        explanation = told(trace, Kind.DROPOUT, "h1")
        mask = trace.value(Quantity(Kind.MASK, "h1"))
        assert explanation.formula == "ã(h1) = m(h1) · a(h1)"
        assert ("leaves it out" in explanation.sentence) == (mask == 0.0)
        assert "p = 0.4" in explanation.sentence
        assert told(trace, Kind.PRODUCT, "w3").formula == "w3 · ã(h1)"
        assert told(trace, Kind.PRODUCT, "w4").formula == "w4 · a(h2)"
        fates.add(mask)
    assert len(fates) == 2


def test_dropout_in_a_neuron_that_leads_nowhere() -> None:
    network = Network()
    for role, name in (("input", "i1"), ("hidden", "h1"), ("output", "o1")):
        network.add_neuron(role, id=name)
    network.connect("i1", "h1", weight=0.5)
    network.set_dropout("h1", 0.5)
    trace = Trace(compile_network(network), network.values, np.ones((1, 1)), np.ones((1, 1)))
    explanation = told(trace, Kind.DROPOUT_GRAD, "h1")
    assert explanation.sentence == "No path leads from h1 to the loss, so what it passes on changes nothing"
    assert explanation.formula == "∂L/∂ã(h1) = 0"


# Any network


@given(
    case=cases(max_neurons=12, max_batch=2),
    digits=st.integers(2, 17),
    chosen=settings_of_any_sort(),
    dropout=st.booleans(),
)
@settings(max_examples=settings.default.max_examples // 4)
def test_every_step_of_any_network_can_be_explained(case: Case, digits: int, chosen: Settings, dropout: bool) -> None:
    if dropout:
        for neuron in [n for n in case.network.neurons.values() if n.role is Role.HIDDEN]:
            case.network.set_dropout(neuron.id, 0.4)
    trace = Trace(
        compile_network(case.network),
        case.network.values,
        case.x,
        case.targets,
        replace(chosen, loss=case.loss, batch_mean=case.mean),
    )
    for step in trace:
        explanation = explain(trace, step.quantity, Style(digits=digits))
        assert explanation.title == step_title(trace, step.index)
        assert explanation.sentence
        assert explanation.symbols
        assert explanation.numbers[:2] in ("", "= ")
        near = pytest.approx(step.value, rel=0.6 * 10.0 ** (1 - digits), abs=0)
        assert number_of(explanation.result) == near
        assert parse_number(sides(explanation.plain)[-1]) == near
        for latex in (explanation.symbols, explanation.numbers):
            assert latex.count("{") == latex.count("}")
            assert "--" not in latex
        marked = explain_with_marks(trace, step.quantity, Style(digits=digits))
        assert not re.search("[\ue000-\uf8ff]", f"{marked.symbols} {marked.numbers} {marked.plain} {marked.formula}")
        for place, number in operands_in(marked.numbers).items():
            assert number == tex_number(trace.value(marked.operands[place]), digits)


def test_numbers_that_overflow_are_still_explained() -> None:
    trace = small("linear", "half_squared_error", weight=1e200)
    results = {explain(trace, step.quantity).result for step in trace}
    assert r"= \infty" in results


# Operands and notation


def test_what_stands_for_an_operand_is_marked(worked: Trace) -> None:
    told = explain_with_marks(worked, Quantity(Kind.WEIGHT_GRAD, "w7"))
    assert told.operands == (Quantity(Kind.PRE_ACTIVATION_GRAD, "o2"), Quantity(Kind.ACTIVATION, "h1"))
    assert operands_in(told.symbols) == {0: r"\delta_{o2}", 1: "a_{h1}"}
    assert operands_in(told.numbers) == {0: "-0.0381", 1: "0.5933"}
    assert told.latex == (
        r"\frac{\partial L}{\partial w_{7}} = \delta_{o2} \cdot a_{h1} = -0.0381 \cdot 0.5933 = -0.0226"
    )


def test_a_negative_operand_keeps_its_brackets_outside_the_mark(worked: Trace) -> None:
    told = explain_with_marks(worked, Quantity(Kind.CONTRIBUTION, "w7"))
    assert told.symbols == r"\operand{0}{w_{7}} \cdot \operand{1}{\delta_{o2}}"
    assert told.numbers == r"= \operand{0}{0.5} \cdot (\operand{1}{-0.0381})"


@pytest.mark.parametrize(
    ("kind", "subject", "formula", "symbols"),
    [
        (Kind.WEIGHTED_SUM, "h1", "net(h1) = w(i1,h1)·out(i1) + w(i2,h1)·out(i2) + b(h1)", r"\mathrm{net}_{h1} ="),
        (Kind.PRE_ACTIVATION_GRAD, "o1", "∂E/∂net(o1) = ∂E/∂out(o1) · f'(net(o1))", r"\frac{\partial E}{\partial "),
        (Kind.UPDATE, "w5", "new w(h1,o1) = w(h1,o1) − α · ∂E/∂w(h1,o1)", r"w_{h1,o1}^{\mathrm{new}} = w_{h1,o1}"),
        (Kind.LOSS, "", "E = E(o1) + E(o2)", "E = E_{o1} + E_{o2}"),
    ],
)
def test_another_notation(worked: Trace, kind: Kind, subject: str, formula: str, symbols: str) -> None:
    notation = Notation(pre_activation="net", activation="out", delta="derivative", rate="α", weights="ends", loss="E")
    told = explain(worked, Quantity(kind, subject), Style(notation))
    assert told.formula == formula
    assert told.symbols.startswith(symbols)


def test_what_is_given_is_explained_as_given(worked: Trace) -> None:
    told = explain(worked, Quantity(Kind.WEIGHT, "w5"))
    assert (told.title, told.symbols, told.numbers, told.result) == ("w5", "w_{5}", "", "= 0.4")
    assert "parameter" in told.sentence
    assert "should be" in explain(worked, Quantity(Kind.TARGET, "o1")).sentence


def test_a_notation_that_nobody_uses_is_refused() -> None:
    with pytest.raises(ValueError, match="pre_activation is one of z, net, in"):
        Notation(pre_activation="y")
