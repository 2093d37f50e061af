"""What a book prints is compared with ours: conventions and slips are recognised, right answers left alone."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_strategies import Case, Shape, cases, random_network, seeds
from hypothesis import assume, given
from hypothesis import strategies as st

from core.activations import derivative
from core.errors import DataError, TrainingError
from core.network import Edge, Network, Neuron, Role
from core.numbers import format_number
from core.plan import compile_network
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.slips import TypedNumber, Verdict, explain_difference
from core.style import Notation, Style
from core.trace import Trace

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8")
)


def golden(name: str, **settings: Any) -> Trace:
    """A worked example whose numbers another program has computed."""
    example = next(e for e in EXAMPLES if e["name"] == name)
    network = Network.build(
        [
            (Neuron(n["id"], Role(n["role"]), n.get("activation", "linear")), n.get("bias", 0.0), (0.0, 0.0))
            for n in example["network"]["neurons"]
        ],
        [(Edge(e["id"], e["source"], e["target"]), e["weight"]) for e in example["network"]["edges"]],
    )
    chosen = Settings(**{"loss": example["loss"], "learning_rate": example["learning_rate"], **settings})
    x, targets = np.array([example["inputs"]]), np.array([example["targets"]])
    return Trace(compile_network(network), network.values, x, targets, chosen)


def trace_of(case: Case) -> Trace:
    settings = Settings(loss=case.loss, batch_mean=case.mean)
    return Trace(compile_network(case.network), case.network.values, case.x, case.targets, settings)


def printed(value: float, digits: int = 8) -> str:
    """With all these digits, trailing zeros too."""
    return f"{value:.{digits - 1}e}"


def names(verdict: Verdict) -> list[str]:
    return [finding.name for finding in verdict.findings]


# What was typed


@pytest.mark.parametrize(
    ("text", "value", "digits", "exact", "near"),
    [
        ("0.082", 0.082, 2, 0.0005, 0.0005),
        ("0.0822", 0.0822, 3, 0.00005, 0.00015),
        ("0,0822", 0.0822, 3, 0.00005, 0.00015),
        ("−0.500", -0.5, 3, 0.0005, 0.0015),
        ("8.22e-2", 0.0822, 3, 0.00005, 0.00015),
        ("8,22E−2", 0.0822, 3, 0.00005, 0.00015),
        ("1234", 1234.0, 4, 0.5, 1.5),
        ("2", 2.0, 1, 0.0, 0.0),
        ("0", 0.0, 0, 0.0, 0.0),
        ("0.000", 0.0, 0, 0.0005, 0.0005),
        ("1/3", 1 / 3, 6, 0.0, 0.0),
    ],
)
def test_a_number_is_as_precise_as_it_was_typed(
    text: str, value: float, digits: int, exact: float, near: float
) -> None:
    typed = TypedNumber.parse(text)
    assert (typed.value, typed.digits) == (value, digits)
    assert typed.exact == pytest.approx(exact, abs=2e-9 * max(1.0, abs(value)))
    assert typed.near == pytest.approx(near, abs=2e-9 * max(1.0, abs(value)))


def test_what_is_no_number_is_refused() -> None:
    for text in ("", "abc", "0.1.2"):
        with pytest.raises(DataError):
            explain_difference(golden("two_two_two"), "w5", text)


def test_only_gradients_can_be_compared() -> None:
    trace = golden("two_two_two")
    for wrong in (Quantity(Kind.ACTIVATION, "o1"), Quantity(Kind.WEIGHT_GRAD, "w99"), Quantity(Kind.LOSS, "")):
        with pytest.raises(TrainingError, match="Only a gradient of this pass"):
            explain_difference(trace, wrong, "0.5")
    with pytest.raises(TrainingError, match="not a parameter"):
        explain_difference(trace, "i1", "0.5")


# Right answers


@given(cases(max_neurons=15, max_batch=3), st.data())
def test_a_right_answer_is_never_called_wrong(case: Case, data: st.DataObject) -> None:
    trace = trace_of(case)
    parameter = data.draw(st.sampled_from(list(case.network.values)))
    digits = data.draw(st.integers(1, 12))
    value = trace.gradient[parameter]
    text = format_number(value, digits)
    assume("e" not in text or digits > 1)
    # A whole number is taken for exact.
    assume("." in text or value == float(text.replace("−", "-")))
    verdict = explain_difference(trace, parameter, text)
    assert verdict.kind == "agrees", (value, verdict)
    assert verdict.findings == ()
    assert verdict.ours == value


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["name"])
@pytest.mark.parametrize("digits", [2, 3, 4, 8])
def test_the_numbers_of_the_worked_examples_agree(example: dict[str, Any], digits: int) -> None:
    trace, expected = golden(example["name"]), example["expected"]
    for kind, part in (
        (Kind.WEIGHT_GRAD, "weight_grad"),
        (Kind.BIAS_GRAD, "bias_grad"),
        (Kind.PRE_ACTIVATION_GRAD, "pre_activation_grad"),
        (Kind.ACTIVATION_GRAD, "activation_grad"),
    ):
        for subject, value in expected[part].items():
            quantity = Quantity(kind, subject)
            if not trace.has_step(quantity):
                continue
            text = f"{value:.{digits - 1}e}"
            assert explain_difference(trace, quantity, text).kind == "agrees", (quantity, text)
    for parameter, value in (expected["weight_grad"] | expected["bias_grad"]).items():
        assert explain_difference(trace, parameter, f"{value:.{digits - 1}e}").kind == "agrees"


def test_a_book_that_rounds_its_last_digit_otherwise_still_agrees() -> None:
    # 0.0821670: printed as 0.0823 after rounding on the way.
    verdict = explain_difference(golden("two_two_two"), "w5", "0.0823")
    assert verdict.kind == "agrees"
    assert "rounding of the last digit" in verdict.sentence


# Conventions, each computed by an engine that has them


FAMILIES = [
    ["half_squared_error", "squared_error", "mean_squared_error", "half_mean_squared_error"],
    ["binary_cross_entropy", "summed_binary_cross_entropy"],
]


@pytest.mark.parametrize(("ours", "theirs"), [(a, b) for family in FAMILIES for a in family for b in family if a != b])
def test_the_convention_of_the_loss_is_recognised(ours: str, theirs: str) -> None:
    trace, other = golden("two_two_two", loss=ours), golden("two_two_two", loss=theirs)
    for parameter in ("w5", "w1", "o1", "h2"):
        value = other.gradient[parameter]
        verdict = explain_difference(trace, parameter, printed(value))
        if value == pytest.approx(trace.gradient[parameter]):
            assert verdict.kind == "agrees"
        else:
            assert f"loss:{theirs}" in names(verdict)
            assert verdict.kind in ("convention", "ambiguous")
            assert verdict.findings[0].value == pytest.approx(value)


def test_the_sentence_names_what_the_book_does() -> None:
    verdict = explain_difference(golden("two_two_two"), "w5", "0.1643")
    assert verdict.kind == "convention"
    assert verdict.sentence == "Your book leaves out the half (squared error): ∂L/∂w5 is then 0.1643."
    style = Style(Notation(loss="E"))
    verdict = explain_difference(golden("two_two_two"), "w5", "0.1643", style=style)
    assert "∂E/∂w5 is then" in verdict.sentence
    # Two outputs: half of the squared error is its mean.
    both = explain_difference(golden("two_two_two", loss="squared_error"), "w5", "0.08217")
    assert both.kind == "ambiguous"
    assert names(both)[:2] == ["loss:half_squared_error", "loss:mean_squared_error"]
    assert "same number" in both.sentence


@given(cases(max_neurons=12, max_batch=4), st.data())
def test_the_sum_or_the_mean_over_the_batch_is_recognised(case: Case, data: st.DataObject) -> None:
    x, targets = (np.concatenate([part, part[:1] * 0.5]) for part in (case.x, case.targets))
    case = replace(case, x=x, targets=targets)
    trace, other = trace_of(case), trace_of(replace(case, mean=not case.mean))
    parameter = data.draw(st.sampled_from(list(case.network.values)))
    value = other.gradient[parameter]
    if abs(value) < 1e-9:
        return
    verdict = explain_difference(trace, parameter, printed(value))
    assert f"batch:{'sum' if case.mean else 'mean'}" in names(verdict)
    assert verdict.kind in ("convention", "ambiguous")


def test_weights_that_are_updated_too_early_are_recognised() -> None:
    trace = golden("two_two_two")
    # By hand: w5 and w7 are updated first, and h1 is given back through the new ones.
    sample, rate = trace.sample_pass(0), 0.5
    back = sum(
        (sample.weight(e) - rate * sample.weight_grad(e)) * sample.pre_activation_grad(o)
        for e, o in (("w5", "o1"), ("w7", "o2"))
    )
    a = sample.activation("h1")
    verdict = explain_difference(trace, "w1", printed(back * a * (1 - a) * sample.activation("i1")))
    assert names(verdict) == ["updated_weights:True"]
    assert verdict.kind == "convention"
    assert "already changed" in verdict.sentence
    # The other way round, and together with a missing slope.
    early = golden("two_two_two", updated_weights=True)
    assert names(explain_difference(early, "w1", printed(trace.gradient["w1"]))) == ["updated_weights:False"]
    both = explain_difference(trace, "w1", printed(back * sample.activation("i1")))
    assert names(both) == ["updated_weights:True + missing_slope:h1"]
    slip = explain_difference(early, "w1", printed(back * sample.activation("i1")))
    assert names(slip) == ["missing_slope:h1"]


def test_the_penalty_in_the_gradient_is_recognised() -> None:
    trace = golden("two_two_two", l2=0.1)
    value = trace.gradient["w5"] + 0.1 * 0.4
    assert trace.update_numbers.penalized["w5"] == pytest.approx(value)
    verdict = explain_difference(trace, "w5", printed(value))
    assert (verdict.kind, names(verdict)) == ("convention", ["penalty"])


# Slips, each made by hand: Mazur's example, where every number is a letter of the chain rule


def by_hand() -> dict[str, float]:
    p = golden("two_two_two").sample_pass(0)
    a = {n: p.activation(n) for n in ("i1", "h1", "o1", "o2")}
    z = {n: p.pre_activation(n) for n in ("h1", "o1", "o2")}
    t = {"o1": 0.01, "o2": 0.99}
    slope = {n: a[n] * (1 - a[n]) for n in ("h1", "o1", "o2")}
    delta = {n: (a[n] - t[n]) * slope[n] for n in t}
    w5, w6, w7 = p.weight("w5"), p.weight("w6"), p.weight("w7")
    back = w5 * delta["o1"] + w7 * delta["o2"]
    sigmoid = {n: 1 / (1 + math.exp(-a[n])) for n in a}
    return {
        "w5 sign": -delta["o1"] * a["h1"],
        "w5 missing_slope:o1": (a["o1"] - t["o1"]) * a["h1"],
        "w5 missing_activation": delta["o1"],
        "w5 z_for_a": delta["o1"] * z["h1"],
        "w5 target_for_difference": t["o1"] * slope["o1"] * a["h1"],
        "w5 activation_for_difference": a["o1"] * slope["o1"] * a["h1"],
        "w5 slope_of_z:o1": (a["o1"] - t["o1"]) * z["o1"] * (1 - z["o1"]) * a["h1"],
        "w5 slope_at_a:o1": (a["o1"] - t["o1"]) * sigmoid["o1"] * (1 - sigmoid["o1"]) * a["h1"],
        "w5 other_parameter:w7": delta["o2"] * a["h1"],
        "w1 sign": -back * slope["h1"] * a["i1"],
        "w1 missing_slope:h1": back * a["i1"],
        "w1 missing_slope:o2": (w5 * delta["o1"] + w7 * (a["o2"] - t["o2"])) * slope["h1"] * a["i1"],
        "w1 missing_slope:outputs": (w5 * (a["o1"] - t["o1"]) + w7 * (a["o2"] - t["o2"])) * slope["h1"] * a["i1"],
        "w1 missing_slope:all": (w5 * (a["o1"] - t["o1"]) + w7 * (a["o2"] - t["o2"])) * a["i1"],
        "w1 missing_path:w5": w7 * delta["o2"] * slope["h1"] * a["i1"],
        "w1 missing_path:w7": w5 * delta["o1"] * slope["h1"] * a["i1"],
        "w1 missing_activation": back * slope["h1"],
        "w1 wrong_weight:w5": (w6 * delta["o1"] + w7 * delta["o2"]) * slope["h1"] * a["i1"],
        "w1 wrong_weight:w7": (w5 * delta["o1"] + w6 * delta["o2"]) * slope["h1"] * a["i1"],
        "h1 missing_slope:h1": back,
        "o1 missing_slope:o1": a["o1"] - t["o1"],
    }


def test_one_output_has_no_mean_of_its_own() -> None:
    trace = golden("two_two_one")
    verdict = explain_difference(trace, "o", printed(2.0 * trace.gradient["o"]))
    assert verdict.kind == "convention"
    assert len([n for n in names(verdict) if n.startswith("loss:")]) == 1
    # Nothing else gives half as much there.
    assert names(explain_difference(trace, "o", printed(0.5 * trace.gradient["o"]))) == ["factor:1/2"]


@pytest.mark.parametrize("what", by_hand())
def test_each_slip_made_by_hand_is_recognised(what: str) -> None:
    subject, name = what.split()
    verdict = explain_difference(golden("two_two_two"), subject, printed(by_hand()[what]))
    assert name in names(verdict)
    assert verdict.kind in ("slip", "ambiguous")
    assert verdict.findings[0].value == pytest.approx(by_hand()[what], rel=1e-6)


def test_deltas_and_gradients_of_activations_can_be_compared() -> None:
    trace = golden("two_two_two")
    numbers = trace.sample_pass(0)
    delta = explain_difference(trace, Quantity(Kind.PRE_ACTIVATION_GRAD, "h1"), printed(numbers.activation_grad("h1")))
    assert names(delta) == ["missing_slope:h1"]
    back = printed(numbers.contribution("w5"))
    one_way = explain_difference(trace, Quantity(Kind.ACTIVATION_GRAD, "h1"), back)
    assert names(one_way) == ["missing_path:w7"]
    assert "the way over w7, from h1 to o2, is missing" in one_way.sentence.lower()


def test_the_slope_that_cross_entropy_holds_already_is_recognised() -> None:
    trace = golden("two_two_one", loss="binary_cross_entropy")
    a = trace.sample_pass(0).activation("o")
    value = trace.gradient["o"] * a * (1 - a)
    assert "extra_slope" in names(explain_difference(trace, "o", printed(value)))


def test_one_sample_for_the_batch_and_the_batch_for_one_sample_are_recognised() -> None:
    single = golden("two_two_two")
    x, targets = np.array([[0.05, 0.1], [0.7, -0.3]]), np.array([[0.01, 0.99], [0.4, 0.2]])
    trace = Trace(single.plan, single.values, x, targets, Settings())
    only = printed(trace.sample_pass(1).weight_grad("w5"))
    assert names(explain_difference(trace, "w5", only)) == ["one_sample:1"]
    of_first = Quantity(Kind.WEIGHT_GRAD, "w5", 0)
    assert names(explain_difference(trace, of_first, printed(trace.gradient["w5"]))) == ["whole_batch"]


def test_a_convention_and_a_slip_together_are_tried_last() -> None:
    trace = golden("two_two_two")
    value = 2.0 * by_hand()["w1 missing_slope:h1"]
    verdict = explain_difference(trace, "w1", printed(value))
    assert names(verdict)[0] == "loss:squared_error + missing_slope:h1"
    assert verdict.sentence.startswith("Your book leaves out the half (squared error), and the factor σ′(z(h1)) is")
    # With two digits that would be a guess.
    assert explain_difference(trace, "w1", f"{value:.1e}").findings == ()


def test_what_nothing_explains_is_said_to_be_so() -> None:
    verdict = explain_difference(golden("two_two_two"), "w5", "0.5123987")
    assert verdict.kind == "none"
    assert verdict.findings == ()
    assert "None of the usual" in verdict.sentence
    assert "0.08216704" in verdict.sentence


def test_what_is_likelier_comes_first_and_the_rest_also_fits() -> None:
    # dL/dw2 is twice dL/dw1 here, because its input is: the missing half is the likelier cause.
    trace = golden("two_two_two")
    verdict = explain_difference(trace, "w1", printed(2.0 * trace.gradient["w1"]))
    assert verdict.kind == "convention"
    assert names(verdict)[0] == "loss:squared_error"
    assert "other_parameter:w2" in names(verdict)
    assert "factor:2" not in names(verdict)
    assert verdict.sentence.endswith("Other explanations also fit, but are less likely.")


@given(cases(max_neurons=12, max_batch=1), st.data())
def test_slips_on_random_networks_are_recognised(case: Case, data: st.DataObject) -> None:
    trace = trace_of(case)
    network = case.network
    value = data.draw(st.sampled_from(list(network.values)))
    edges = network.edges_of_parameter(value)
    ours = trace.gradient[value]
    if abs(ours) < 1e-9:
        return
    wrong: dict[str, float] = {"sign": -ours}
    if edges:
        sample = trace.sample_pass(0)
        wrong["missing_activation"] = sum(sample.pre_activation_grad(e.target) for e in edges)
        # A way out of the neuron is left out: as if that weight were 0 for what comes back alone.
        for edge in network.outgoing(edges[0].target) if len(edges) == 1 else []:
            neuron = network.neurons[edge.source]
            if (
                neuron.role is Role.HIDDEN
                and len(network.outgoing(neuron.id)) > 1
                and sample.activation_grad(neuron.id)
            ):
                slope = sample.pre_activation_grad(neuron.id) / sample.activation_grad(neuron.id)
                lost = sample.contribution(edge.id) * slope * sample.activation(edges[0].source)
                wrong[f"missing_path:{edge.id}"] = ours - lost
    for name, number in wrong.items():
        if abs(number) < 1e-12 or abs(number - ours) < 1e-6 * abs(ours):
            continue
        verdict = explain_difference(trace, value, printed(number, 10))
        found = names(verdict)
        alike = any(n.partition(":")[0] == name.partition(":")[0] for n in found)
        assert name in found or alike, (name, verdict)


def recursive(trace: Trace, edge: Edge, slope: dict[str, float], source: float, share: dict[str, float]) -> float:
    """dL/dw by the chain rule as it is written in books, neuron by neuron, with what is given put in."""
    network = trace.network

    def delta(neuron: str) -> float:
        back = share.get(neuron, 0.0) + sum(network.weight(e.id) * delta(e.target) for e in network.outgoing(neuron))
        return back * slope[neuron]

    return delta(edge.target) * source


small_shapes = st.builds(
    Shape,
    inputs=st.integers(1, 3),
    hidden=st.integers(0, 4),
    outputs=st.integers(1, 3),
    density=st.sampled_from([0.4, 1.0]),
    feeding_outputs=st.booleans(),
)


@given(small_shapes, seeds, st.sampled_from(FAMILIES[0]), st.data())
def test_slips_made_by_an_independent_recursion_are_recognised(
    shape: Shape, seed: int, loss: str, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, shape)
    x, targets = rng.normal(size=(1, shape.inputs)), rng.normal(size=(1, shape.outputs))
    trace = Trace(compile_network(network), network.values, x, targets, Settings(loss=loss))
    if not network.edges:
        return
    edge = data.draw(st.sampled_from(list(network.edges.values())))
    sample = trace.sample_pass(0)
    neurons = [n for n in network.neurons if network.has_bias(n)]
    z = {n: sample.pre_activation(n) for n in neurons}
    slope = {n: float(derivative(network.neurons[n].activation, np.array([z[n]]))[0]) for n in neurons}
    factor = (1.0 if "half" in loss else 2.0) / (len(network.outputs) if "mean" in loss else 1)
    share = {o: factor * (sample.activation(o) - t) for o, t in sample.targets.items()}
    a = sample.activation(edge.source)
    ours = recursive(trace, edge, slope, a, share)
    assert trace.gradient[edge.parameter] == pytest.approx(ours, rel=1e-9, abs=1e-12)
    neuron = data.draw(st.sampled_from(neurons))
    wrong = {
        f"missing_slope:{neuron}": recursive(trace, edge, {**slope, neuron: 1.0}, a, share),
        "missing_slope:all": recursive(trace, edge, dict.fromkeys(slope, 1.0), a, share),
        "missing_activation": recursive(trace, edge, slope, 1.0, share),
        "target_for_difference": recursive(trace, edge, slope, a, {o: factor * t for o, t in sample.targets.items()}),
        "activation_for_difference": recursive(
            trace, edge, slope, a, {o: factor * sample.activation(o) for o in sample.targets}
        ),
    }
    if edge.source in z:
        wrong["z_for_a"] = recursive(trace, edge, slope, z[edge.source], share)
    for name, number in wrong.items():
        if abs(number) < 1e-9 or abs(number - ours) < 1e-6 * max(abs(ours), abs(number)):
            continue
        verdict = explain_difference(trace, edge.id, printed(number, 10))
        assert verdict.kind not in ("agrees", "none"), (name, verdict)
        # Of several slips of one sort that give the same number one is named.
        assert {n.partition(":")[0] for n in names(verdict)} & {name.partition(":")[0]}, (name, verdict)
        assert all(f.value == pytest.approx(number, rel=1e-7) for f in verdict.findings), name


def test_it_is_quick_on_a_larger_network() -> None:
    network = Network()
    rng = np.random.default_rng(3)
    former = [network.add_neuron("input").id for _ in range(8)]
    for role, width in (("hidden", 20), ("hidden", 20), ("output", 4)):
        following = [network.add_neuron(role, activation="tanh").id for _ in range(width)]
        for source in former:
            for target in following:
                network.connect(source, target, weight=float(rng.normal() / 5))
        former = following
    trace = Trace(
        compile_network(network), network.values, rng.normal(size=(1, 8)), rng.normal(size=(1, 4)), Settings()
    )
    value = trace.gradient["w1"]
    assert explain_difference(trace, "w1", printed(-value)).findings[0].name == "sign"
    assert explain_difference(trace, "w1", printed(value * 17.123)).kind in ("none", "slip")
