"""The shipped walkthroughs by numbers, layer by layer, planar data, 2-2-2 and skip connection: what they say is so.

Golden numbers were computed by PyTorch in double precision; printed ones stand in the articles.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
from guided import GOLDEN, OTHER, Shown, guided

from core.answers import Answers, three_answers
from core.engine import Engine
from core.metrics import accuracy
from core.moments import advance_run, fill_caption, project_of
from core.passes import trace_project
from core.plan import compile_network
from core.project import Project
from core.references import read_reference
from core.slips import explain_difference
from core.style import Style
from core.training import Run
from core.walkthrough import refuse_broken

BY_NUMBERS, LAYERS, PLANAR, MAZUR, SKIP = NAMES = (
    "1-by-numbers",
    "3-layer-by-layer",
    "5-planar-data",
    "6-two-two-two",
    "7-skip-connection",
)
# What a moment may bring forward.
SEEN = {"Explain", "Inside", "Check", "Nudge", "Conventions", "Data", "Steps", "Train", "Inspector"}
PANELS = SEEN | {"", "Loss", "Map", "Histograms", "Confusion", "Random search"}


def outputs_and_loss(project: Project) -> tuple[np.ndarray, float]:
    """The outputs for all rows, shape (rows, outputs), and the mean loss, by an engine of its own."""
    network, dataset = project.network, project.dataset
    engine = Engine(compile_network(network), loss=project.settings.loss)
    engine.load(network.values)
    outputs = engine.forward(dataset.matrix([n.id for n in network.inputs])).copy()
    return outputs, engine.loss_value(dataset.matrix([n.id for n in network.outputs]))


def assert_says(shown: Shown, printed: str, value: float) -> None:
    """The caption has this number, and it is `value` to all its digits."""
    assert printed in shown.caption, shown.caption
    assert_printed(printed, value)


def assert_printed(printed: str, value: float) -> None:
    mantissa, _, power = printed.replace("−", "-").replace("%", "").strip().partition("e")
    decimals = len(mantissa.partition(".")[2])
    assert value == pytest.approx(float(f"{mantissa}e{power or 0}"), abs=0.5 * 10.0 ** (int(power or 0) - decimals))


def assert_golden(shown: Shown, name: str) -> None:
    """The trace has the numbers of a worked example."""
    expected = GOLDEN[name]["expected"]
    for kind, key in {
        "z": "pre_activation",
        "dL/da": "activation_grad",
        "dL/dz": "pre_activation_grad",
        "dL/dw": "weight_grad",
        "dL/db": "bias_grad",
    }.items():
        for subject, value in expected[key].items():
            assert shown.value(f"{kind}({subject})") == close(value), (kind, subject)
    assert shown.value("L") == close(expected["loss"])


def assert_after(project: Project, name: str, update: int, tolerance: float = 1e-12) -> None:
    """The parameters, outputs and loss after so many updates are those of a worked example."""
    after = next(a for a in GOLDEN[name]["expected"]["after_update"] if a["update"] == update)
    assert project.network.values == close(after["weight"] | after["bias"], tolerance)
    outputs, loss = outputs_and_loss(project)
    assert outputs[0].tolist() == close(after["outputs"], tolerance)
    assert loss == close(after["loss"], tolerance)


def close(expected: Any, tolerance: float = 1e-12) -> Any:
    return pytest.approx(expected, rel=tolerance, abs=tolerance)


# Every file


@pytest.mark.parametrize("name", NAMES)
def test_a_walkthrough_opens_and_fits_its_networks(name: str) -> None:
    project = guided(name).project
    walkthrough = guided(name).walkthrough
    refuse_broken(walkthrough)
    assert 8 <= len(walkthrough.moments) <= 15
    assert project.title
    assert project.source
    assert project.notes
    first = walkthrough.scenes[walkthrough.moments[0].scene]
    assert project.network.values == first.network.values
    assert project.settings == first.settings
    assert {moment.scene for moment in walkthrough.moments} == set(range(len(walkthrough.scenes)))
    headings = [moment.caption.partition("\n")[0] for moment in walkthrough.moments]
    assert headings[0] == "### What you will see"
    assert headings[-1] == "### Try this"
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("name", NAMES)
def test_every_moment_can_be_brought_about(name: str) -> None:
    for place, moment in enumerate(guided(name).walkthrough.moments, 1):
        shown = guided(name).show(place)
        assert 0 <= shown.done <= len(shown.trace)
        assert moment.panel in PANELS, f"{name}, moment {place}: {moment.panel}"
        assert shown.project.updates == moment.update
        for style in (Style(), OTHER):
            caption = fill_caption(moment.caption, shown.trace, style, shown.sample)
            assert not re.search(r"\[\[|\]\]|NaN|∞", caption), caption
            # An even number of them: each formula that begins also ends.
            assert caption.count("$") % 2 == 0, caption


@pytest.mark.parametrize("name", NAMES)
def test_what_a_moment_asks_about_has_been_revealed(name: str) -> None:
    for place, moment in enumerate(guided(name).walkthrough.moments, 1):
        shown = guided(name).show(place)
        for text in moment.ask:
            quantity = read_reference(text, shown.project.network)
            assert shown.trace.is_revealed(quantity, shown.done), f"{name}, moment {place}: {text}"


@pytest.mark.parametrize("name", NAMES)
def test_captions_are_short(name: str) -> None:
    for moment in guided(name).walkthrough.moments:
        text = re.sub(r"\$[^$]*\$|\[\[[^\]]*\]\]", "x", moment.caption.partition("\n")[2])
        assert len(text.split()) <= 70, moment.caption


# 1. By numbers


def test_by_numbers_shows_what_the_article_prints() -> None:
    guide = guided(BY_NUMBERS)
    output = guide.titled("Forward: the output")
    assert_golden(output, "two_two_one")
    assert_says(output, "0.37163015135768", output.value("a(o)"))
    weight = guide.titled("The gradient of one weight")
    # The article's last three digits are others.
    assert "−0.059693437674795" in weight.caption
    assert f"{weight.value('dL/dw(w5)'):.12g}" == f"{-0.059693437674795:.12g}"
    assert_says(weight, "−0.059693437674808", weight.value("dL/dw(w5)"))
    update = guide.titled("The update")
    assert update.value("new(w5)") == close(GOLDEN["two_two_one"]["expected"]["after_update"][0]["weight"]["w5"])
    assert update.trace.is_revealed(read_reference("new(w5)", update.project.network), update.done)


def test_by_numbers_finds_what_follows_from_one_update() -> None:
    guide = guided(BY_NUMBERS)
    after = guide.titled("Once more, forward")
    assert_after(after.project, "two_two_one", 1)
    assert_says(after, "0.390016", after.value("a(o)"))
    assert "0.64623980051852" in after.caption
    assert after.value("a(o)") < 0.64623980051852
    weights = guide.titled("Perhaps the biases stayed?")
    assert not weights.project.settings.update_biases
    assert_says(weights, "0.376331", weights.value("a(o)"))


def test_by_numbers_reaches_the_printed_output_when_it_says() -> None:
    guide, printed = guided(BY_NUMBERS), 0.64623980051852
    reached = guide.titled("When is it")
    before = outputs_and_loss(guide.project_after(0, 18))[0].item()
    assert reached.moment.update == 19
    assert before < printed < reached.value("a(o)")
    assert_says(reached, "0.6447", before)
    assert_says(reached, "0.6545", reached.value("a(o)"))
    assert "19 updates" in reached.caption
    assert "66th" in reached.caption
    weights_only = [outputs_and_loss(guide.project_after(1, update))[0].item() for update in (65, 66)]
    assert weights_only[0] < printed < weights_only[1]


def test_by_numbers_shows_the_slip_of_the_new_weights() -> None:
    slip = guided(BY_NUMBERS).titled("A slip to avoid")
    assert slip.project.settings.updated_weights
    # By hand: w5 after the update, times dL/dz of the output.
    by_hand = (-0.1 - 0.4 * slip.value("dL/dw(w5)")) * slip.value("dL/dz(o)")
    assert slip.value("back(w5)") == close(by_hand)
    assert_says(slip, "0.01099", by_hand)
    assert_says(slip, "0.01444", GOLDEN["two_two_one"]["expected"]["activation_grad"]["h1"])
    answers: Answers = three_answers(slip.trace, "w1")
    true = GOLDEN["two_two_one"]["expected"]["weight_grad"]["w1"]
    assert answers.difference == pytest.approx(true, rel=1e-8)
    assert answers.summed == close(true)
    assert answers.backpropagated == close(slip.value("dL/dw(w1)"))
    assert not answers.agrees


def test_by_numbers_asks_for_the_loss_without_the_half() -> None:
    last = guided(BY_NUMBERS).titled("Try this")
    assert "−0.1194" in last.caption
    verdict = explain_difference(last.trace, read_reference("dL/dw(w5)", last.project.network), "−0.1194")
    assert verdict.kind == "convention"
    assert "half" in verdict.sentence


# 3. Layer by layer


def test_a_layer_turns_one_derivative_into_two() -> None:
    """dE/dX = dE/dY W^T and dE/dW = X^T dE/dY, as the captions have it, with plain matrices."""
    shown = guided(LAYERS).titled("The first layer, and done")
    network = shown.project.network
    layers = [["x1", "x2"], ["h1", "h2", "h3"], ["g1", "g2"], ["y"]]
    values = {n: shown.value(f"{'x' if n in layers[0] else 'a'}({n})") for layer in layers for n in layer}
    grad = np.array([2.0 * (values["y"] - shown.value("t(y)"))])
    assert shown.value("dL/da(y)") == close(grad.item())
    for before, after in reversed(list(itertools.pairwise(layers))):
        edges = {(e.source, e.target): e.id for e in network.edges.values()}
        weights = np.array([[network.weight(edges[s, t]) for t in after] for s in before])
        x, y = np.array([values[n] for n in before]), np.array([values[n] for n in after])
        biases = np.array([network.bias(n) for n in after])
        assert np.tanh(x @ weights + biases) == close(y)
        grad = grad * (1.0 - y**2)
        assert [shown.value(f"dL/dz({n})") for n in after] == close(grad.tolist())
        products = [shown.value(f"dL/dw({edges[s, t]})") for s in before for t in after]
        assert products == close(np.outer(x, grad).ravel().tolist())
        grad = weights @ grad
        if before != layers[0]:
            assert [shown.value(f"dL/da({n})") for n in before] == close(grad.tolist())


def test_xor_is_learned_as_the_captions_say() -> None:
    guide = guided(LAYERS)
    start = guide.titled("A task for such a list")
    settings = start.project.settings
    assert (settings.loss, settings.learning_rate, settings.batch_size) == ("mean_squared_error", 0.1, 1)
    assert [len(level) for level in start.project.network.levels()] == [2, 3, 1]
    slow = guide.titled("After 100 epochs")
    assert slow.project.epoch == 100
    assert_says(slow, "0.252", outputs_and_loss(start.project)[1])
    assert_says(slow, "0.248", outputs_and_loss(slow.project)[1])
    assert np.abs(outputs_and_loss(slow.project)[0] - 0.5).max() < 0.1
    found = guide.titled("After 300 epochs")
    assert_says(found, "0.19", outputs_and_loss(guide.project_after(1, 800))[1])
    assert_says(found, "0.040", outputs_and_loss(found.project)[1])
    done = guide.titled("After 1,000 epochs")
    outputs, loss = outputs_and_loss(done.project)
    assert done.project.epoch == 1000
    assert_says(done, "0.00028", loss)
    for printed, output in zip(("0.001", "0.976", "0.977", "−0.002"), outputs[:, 0], strict=True):
        assert_says(done, printed, float(output))
    # What the last moment asks: hidden neurons without tanh never get below the best single answer.
    linear = start.project.copy()
    for neuron in ("h1", "h2", "h3"):
        linear.network.set_activation(neuron, "linear")
    learned = project_of(linear, advance_run(linear, Run(linear), 4000), 4000)
    assert outputs_and_loss(learned)[1] == pytest.approx(0.25, abs=0.005)


# 5. Planar data


def test_the_planar_costs_are_those_of_the_course() -> None:
    """The course prints these for its own starting weights, which are in the file."""
    printed = (0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504)
    project = guided(PLANAR).project
    random = np.random.RandomState(2)
    drawn = np.concatenate([random.randn(4, 2).ravel(), random.randn(1, 4).ravel()]) * 0.01
    assert [project.network.weight(f"w{place}") for place in range(1, 13)] == drawn.tolist()
    for thousand, cost in enumerate(printed):
        assert outputs_and_loss(guided(PLANAR).project_after(0, 1000 * thousand))[1] == pytest.approx(cost, abs=5.1e-7)


def test_the_planar_network_learns_as_the_captions_say() -> None:
    guide = guided(PLANAR)
    settings = guide.project.settings
    assert (settings.loss, settings.learning_rate, settings.batch_size) == ("binary_cross_entropy", 1.2, 0)
    costs = []
    for place, moment in enumerate(guide.walkthrough.moments, 1):
        if moment.update:
            shown = guide.show(place)
            costs.append(outputs_and_loss(shown.project)[1])
            said = re.search(r"updates: cost (0\.\d+)", shown.caption)
            # After the jump the last bit of a computer's rounding matters.
            assert said
            assert costs[-1] == pytest.approx(float(said[1]), abs=5e-4 if moment.update < 8000 else 2e-3)
    assert costs[:7] == sorted(costs[:7], reverse=True)
    assert [moment.update for moment in guide.walkthrough.moments if moment.update] == [
        *range(1000, 9000, 1000),
        10000,
    ]
    for place, right in ((6, 357), (8, 362)):
        shown = guide.show(place)
        assert f"{right} " in shown.caption
        assert right_points(shown.project) == right
    assert 355 <= right_points(guide.titled("10,000 updates").project) <= 366


def right_points(project: Project) -> int:
    outputs, _ = outputs_and_loss(project)
    targets = project.dataset.matrix(["y"])
    share = accuracy(outputs, targets)
    assert share is not None
    return round(400 * share)


def test_the_planar_cost_jumps_between_7000_and_8000_updates() -> None:
    guide = guided(PLANAR)
    before, after = (outputs_and_loss(guide.project_after(0, update))[1] for update in (7700, 8000))
    assert before < outputs_and_loss(guide.project_after(0, 7000))[1] < after
    assert "7,850" in guide.titled("more than before").caption


def test_the_planar_gradient_is_the_mean_over_all_rows() -> None:
    shown = guided(PLANAR).titled("400 rows, one update")
    assert shown.trace.batch == 400
    gradients = [
        shown.trace.value(read_reference(f"dL/dw(w9)@{sample}", shown.project.network)) for sample in range(1, 401)
    ]
    assert shown.value("gradient(w9)") == close(math.fsum(gradients) / 400)
    joint = guided(PLANAR).titled("without a fraction")
    assert joint.value("dL/dz(y)") == close(joint.value("a(y)") - joint.value("t(y)"))


# 6. The 2-2-2 example

ARTICLE = {
    "z(h1)": "0.3775",
    "a(h1)": "0.593269992",
    "a(o1)": "0.75136507",
    "a(o2)": "0.772928465",
    "L(o1)": "0.274811083",
    "L(o2)": "0.023560026",
    "L": "0.298371109",
    "dL/dz(o1)": "0.138498562",
    "dL/dw(w5)": "0.082167041",
    "dL/da(h1)": "0.036350306",
    "dL/dw(w1)": "0.000438568",
    "new(w1)": "0.149780716",
    "new(w5)": "0.35891648",
}


def test_the_article_and_the_captions_agree() -> None:
    guide = guided(MAZUR)
    start = guide.show(1)
    assert_golden(start, "two_two_two")
    captions = " ".join(guide.show(place).caption for place in range(1, 11))
    for reference, printed in ARTICLE.items():
        assert_printed(printed, start.value(reference))
        assert printed in captions, reference
    after = guide.titled("The loss afterwards")
    assert_after(after.project, "two_two_two", 1)
    assert_says(after, "0.2910277737", after.value("L"))


def test_where_the_three_other_numbers_of_the_article_come_from() -> None:
    """They are reproduced, to all digits printed, with weights that the update has changed already."""
    guide = guided(MAZUR)
    once = guide.titled("Where 0.291027924 comes from")
    assert once.project.settings.updated_weights
    assert not once.project.settings.update_biases
    assert_says(once, "0.291027924", once.value("L"))
    often = guide.titled("After 10,000 updates")
    assert_says(often, "0.015912196", often.value("a(o1)"))
    assert_says(often, "0.984065734", often.value("a(o2)"))
    exact = guide.project_after(0, 10000)
    assert_after(exact, "two_two_two", 10000, 1e-9)
    true = outputs_and_loss(exact)[0][0]
    assert_says(often, "0.01591362", float(true[0]))
    assert_says(often, "0.98406427", float(true[1]))
    # The two printings of the loss that the notes tell of.
    assert "0.000035085" in guide.project.notes
    assert "0.0000351085" in guide.project.notes
    assert_printed("0.000035085", often.value("L"))
    assert_printed("0.0000351085", outputs_and_loss(guide.project_after(0, 9999))[1])


def test_the_slip_of_the_new_weights_by_hand() -> None:
    """Mazur's network in plain Python: the output layer is updated before the hidden gradients are made."""

    def sigmoid(z: float) -> float:
        return 1.0 / (1.0 + math.exp(-z))

    def forward(w: list[float]) -> tuple[float, float, float, float]:
        h1 = sigmoid(w[0] * 0.05 + w[1] * 0.1 + 0.35)
        h2 = sigmoid(w[2] * 0.05 + w[3] * 0.1 + 0.35)
        return h1, h2, sigmoid(w[4] * h1 + w[5] * h2 + 0.6), sigmoid(w[6] * h1 + w[7] * h2 + 0.6)

    w = [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55]
    h1, h2, o1, o2 = forward(w)
    d1, d2 = (o1 - 0.01) * o1 * (1 - o1), (o2 - 0.99) * o2 * (1 - o2)
    w[4:] = [w[4] - 0.5 * d1 * h1, w[5] - 0.5 * d1 * h2, w[6] - 0.5 * d2 * h1, w[7] - 0.5 * d2 * h2]
    e1 = (d1 * w[4] + d2 * w[6]) * h1 * (1 - h1)
    e2 = (d1 * w[5] + d2 * w[7]) * h2 * (1 - h2)
    w[:4] = [w[0] - 0.5 * e1 * 0.05, w[1] - 0.5 * e1 * 0.1, w[2] - 0.5 * e2 * 0.05, w[3] - 0.5 * e2 * 0.1]
    _, _, o1, o2 = forward(w)
    loss = 0.5 * (o1 - 0.01) ** 2 + 0.5 * (o2 - 0.99) ** 2
    assert_printed("0.291027924", loss)
    once = guided(MAZUR).titled("Where 0.291027924 comes from")
    assert [once.value(f"w(w{place})") for place in range(1, 9)] == close(w)
    assert once.value("L") == close(loss)


def test_the_same_network_with_biases() -> None:
    guide = guided(MAZUR)
    biases = guide.titled("And the biases?")
    assert biases.project.settings.update_biases
    assert_golden(biases, "two_two_two_biases")
    once = guide.project_after(biases.moment.scene, 1)
    assert_after(once, "two_two_two_biases", 1)
    assert_says(biases, "0.2805", outputs_and_loss(once)[1])
    often = guide.titled("10,000 updates with biases")
    assert_after(often.project, "two_two_two_biases", 10000, 1e-9)
    weights_only = outputs_and_loss(guide.project_after(0, 10000))[1]
    assert_says(often, "3.51e−5", weights_only)
    assert round(weights_only / often.value("L")) == 14
    assert "a fourteenth" in often.caption


# 7. A skip connection


def test_gradients_add_where_paths_meet() -> None:
    guide = guided(SKIP)
    meeting = guide.titled("They are added")
    assert_golden(meeting, "skip_connection")
    assert meeting.value("dL/da(h1)") == close(meeting.value("back(e3)") + meeting.value("back(e6)"))
    assert_after(guide.titled("After one update").project, "skip_connection", 1)
    after = guide.titled("After one update")
    assert_says(after, "0.0323", meeting.value("L"))
    assert_says(after, "0.6797", meeting.value("a(o)"))


def test_the_paths_of_the_skip_connection_are_those_of_the_captions() -> None:
    shown = guided(SKIP).titled("What goes wrong")
    answers = three_answers(shown.trace, "e1")
    products = {path.edges: path.product for path in answers.paths.paths}
    assert set(products) == {("e1", "e6"), ("e1", "e3", "e5")}
    assert_says(shown, "0.1489", products["e1", "e6"])
    assert_says(shown, "−0.1021", products["e1", "e3", "e5"])
    assert products["e1", "e6"] > 3 * answers.backpropagated > 0
    # Three answers agree to ten digits.
    assert answers.agrees
    assert answers.errors["difference"] < 1e-10
    for typed in ("0.1489", "-0.1021"):
        verdict = explain_difference(shown.trace, read_reference("dL/dw(e1)", shown.project.network), typed)
        assert verdict.kind == "slip"
        assert "missing" in verdict.sentence
    # What the last moment asks: the long way closed, and an edge that makes no further path for e2.
    closed = shown.project.copy()
    closed.network.set_values({**closed.network.values, "h2": -1.0})
    trace = trace_project(closed)
    assert trace.value(read_reference("dL/da(h2)", closed.network)) != 0.0
    assert trace.value(read_reference("back(e3)", closed.network)) == 0.0
    assert three_answers(trace, "e2").paths.count == 2
