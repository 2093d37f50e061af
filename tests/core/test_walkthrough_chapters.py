"""The shipped walkthroughs of high-school mathematics and from scratch: what their captions say is so."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from guided import GOLDEN, OTHER, Shown, guided

from core.answers import ParameterLoss, three_answers
from core.moments import advance_run, fill_caption, in_sample, project_of
from core.operations import neuron_operations
from core.passes import trace_project
from core.paths import find_paths
from core.project import Project
from core.project_file import project_to_text
from core.random_search import random_search
from core.references import read_reference
from core.slips import explain_difference
from core.style import Style
from core.training import Run
from core.walkthrough import refuse_broken

SCHOOL, SCRATCH = NAMES = ("2-high-school-mathematics", "4-from-scratch")
CHAPTERS = (
    "First neurons",
    "Adding layers",
    "Activation functions",
    "The loss",
    "Looking for better weights",
    "Derivatives",
    "Partial derivatives",
    "One ReLU neuron, forward",
    "A whole network",
    "Optimizers",
)
# What a moment may bring forward.
PANELS = frozenset(
    ("", "Explain", "Inside", "Check", "Nudge", "Conventions", "Random search", "Loss", "Map", "Data", "Steps", "Train")
)


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


def right_rows(project: Project) -> int:
    """How many rows have their largest output at their largest target."""
    network, dataset = project.network, project.dataset
    trace = trace_project(project, np.arange(dataset.rows))
    outputs = [n.id for n in network.outputs]
    found = [
        [trace.value(read_reference(f"a({o})@{row + 1}", network)) for o in outputs] for row in range(dataset.rows)
    ]
    return int((np.argmax(found, axis=1) == dataset.matrix(outputs).argmax(axis=1)).sum())


# Every moment


@pytest.mark.parametrize("name", NAMES)
def test_a_walkthrough_opens_and_fits_its_networks(name: str) -> None:
    guide = guided(name)
    project, walkthrough = guide.project, guide.walkthrough
    refuse_broken(walkthrough)
    assert project_to_text(project) == guide.path.read_text(encoding="utf-8")
    assert 20 < len(project.notes.partition("\n")[0]) <= 120
    assert project.title
    assert project.source
    first = walkthrough.scenes[0]
    assert project.network.values == first.network.values
    assert project.settings == first.settings
    assert all(scene.title for scene in walkthrough.scenes)
    assert {moment.scene for moment in walkthrough.moments} == set(range(len(walkthrough.scenes)))
    assert guide.headings[0] == "### What you will see"
    assert guide.headings[-1] == "### Try this"
    assert len(set(guide.headings)) == len(guide.headings)


@pytest.mark.parametrize("name", NAMES)
def test_every_moment_can_be_brought_about(name: str) -> None:
    for place, moment in enumerate(guided(name).walkthrough.moments, 1):
        shown = guided(name).show(place)
        assert 0 <= shown.done <= len(shown.trace)
        assert moment.panel in PANELS
        assert shown.project.updates == moment.update
        for text in moment.ask:
            quantity = in_sample(read_reference(text, shown.project.network), shown.sample)
            assert shown.trace.is_revealed(quantity, shown.done), f"moment {place}: {text}"
        for style in (Style(), OTHER):
            caption = fill_caption(moment.caption, shown.trace, style, shown.sample)
            assert not re.search(r"\[\[|\]\]|NaN|∞", caption), caption
            # An even number of them: each formula that begins also ends.
            assert caption.count("$") % 2 == 0, caption
        words = re.sub(r"\$[^$]*\$|\[\[[^\]]*\]\]", "x", moment.caption.partition("\n")[2])
        assert len(words.split()) <= 70, moment.caption


@pytest.mark.parametrize("name", NAMES)
def test_the_networks_are_laid_out_well(name: str) -> None:
    for scene in guided(name).walkthrough.scenes:
        positions = [complex(*place) for place in scene.network.positions.values()]
        for part in ([p.real for p in positions], [p.imag for p in positions]):
            assert min(part) + max(part) == pytest.approx(0, abs=1)
        # Inputs are squares of 66 units with nothing above or below them.
        assert all(abs(p - q) >= 76 for i, p in enumerate(positions) for q in positions[:i])


# 2. High-school mathematics


def test_sums_of_products() -> None:
    guide = guided(SCHOOL)
    guide.titled(" One input, one output").says(("2", 2.0), ("3", 3.0), ("1", 1.0), ("7", 2.0 * 3.0 + 1.0))
    guide.titled(" Many inputs, one output").says(("4.5", 0.5 * 1 - 1 * 2 + 2 * 3))
    guide.titled(" One input, many outputs").says(("1", 0.5 * 2), ("−2", -1.0 * 2), ("3", 1.5 * 2))


def test_many_to_many_is_the_matrix_product_with_columns_for_the_outputs() -> None:
    shown = guided(SCHOOL).titled(" Many inputs, many outputs")
    network = shown.project.network
    matrix = np.array([[network.weight(f"w{i}{j}") for j in (1, 2, 3)] for i in (1, 2, 3)])
    assert all(network.edges[f"w{i}{j}"].source == f"x{i}" for i in (1, 2, 3) for j in (1, 2, 3))
    inputs = np.array([[shown.value(f"x(x{i})") for i in (1, 2, 3)]])
    assert [shown.value(f"a(y{j})") for j in (1, 2, 3)] == close((inputs @ matrix)[0].tolist())
    # The other order gives other numbers: the article's heading WX is not the product below it.
    assert (inputs @ matrix).tolist() != (matrix @ inputs[0])[None].tolist()
    assert (np.zeros((2, 3)) @ np.zeros((3, 2))).shape == (2, 2)
    assert (np.zeros((3, 2)) @ np.zeros((2, 3))).shape[0] == 3


def test_the_chain_rule_of_one_neuron() -> None:
    guide = guided(SCHOOL)
    chain = guide.titled("The chain rule")
    assert chain.value("dL/da(f)") == 1.0
    assert chain.value("dL/db(o)") == chain.value("w(w2)") == 3.0
    assert chain.value("a(f)") == (4.0 + 2.0) * 3.0
    neuron = guide.titled("One neuron, backward")
    assert [neuron.value(r) for r in ("dL/da(y)", "dL/dw(w1)", "dL/db(y)")] == [1.0, 3.0, 1.0]


def test_the_sigmoid_is_the_chain_that_the_article_prints() -> None:
    guide = guided(SCHOOL)
    shown = guide.titled("The same chain, backward")
    network, values = shown.project.network, shown.project.network.values
    assert [n["id"] for n in GOLDEN["one_neuron_sigmoid"]["network"]["neurons"]] == list(network.neurons)
    assert values == {"w": 1.0, "y": 0.0}
    assert shown.value("dL/da(y)") == close(1.0)
    operations = neuron_operations(shown.trace, "y")
    steps = operations.all[-4:]
    by_hand = [-1.0, math.exp(-1.0), 1.0 + math.exp(-1.0), 1.0 / (1.0 + math.exp(-1.0))]
    assert [o.value for o in steps] == close(by_hand)
    assert [round(o.value, 2) for o in steps] == [-1.0, 0.37, 1.37, 0.73]
    # dD/dC, dD/dB and dD/dA are what is passed back by 1/C, 1 + B and exp(A); dD/dx by the change of sign.
    passed = [o.passed[0] for o in reversed(steps)]
    slope = -1.0 / by_hand[2] ** 2
    assert passed == close([slope, slope, slope * by_hand[1], -slope * by_hand[1]])
    assert [round(number, 2) for number in passed] == [-0.53, -0.53, -0.2, 0.2]
    shown.says(("−0.53", passed[0]), ("0.37", by_hand[1]), ("−0.2", round(passed[2], 2)), ("0.2", round(passed[3], 2)))
    guide.titled("all four").says(("1.37", by_hand[2]), ("0.73", by_hand[3]))
    guide.titled("A short cut").says(("0.73", by_hand[3]), ("0.27", 1 - by_hand[3]), ("0.1966", passed[3]))


def test_two_operations_of_the_sigmoid_are_done_where_the_caption_says_so() -> None:
    shown = guided(SCHOOL).titled("two steps")
    operations = neuron_operations(shown.trace, "y")
    revealed = operations.revealed(operations.done(shown.done, shown.moment.operation))
    assert [k - len(operations) for k in sorted(revealed.values)][-1] == -3
    shown.says(("0.37", operations.all[-3].value))


def test_the_sigmoid_with_a_loss_is_the_worked_example() -> None:
    shown, golden = guided(SCHOOL).titled("And a loss behind it"), GOLDEN["one_neuron_sigmoid"]
    expected = golden["expected"]
    assert shown.project.settings.loss == golden["loss"]
    assert [shown.value(r) for r in ("x(x)", "t(y)")] == [*golden["inputs"], *golden["targets"]]
    assert shown.value("L") == close(expected["loss"])
    assert shown.value("dL/da(y)") == close(expected["activation_grad"]["y"])
    assert shown.value("dL/dz(y)") == close(expected["pre_activation_grad"]["y"])
    assert shown.value("dL/dw(w)") == close(expected["weight_grad"]["w"])


def test_the_path_through_two_layers_has_the_factors_of_the_caption() -> None:
    shown = guided(SCHOOL).titled("Every factor of it")
    paths = find_paths(shown.trace, "w11")
    assert paths.count == 1
    assert paths.paths[0].edges == ("w11", "w1")
    h1, y = shown.value("a(h1)"), shown.value("a(y)")
    by_hand = shown.value("x(x1)") * h1 * (1 - h1) * shown.value("w(w1)") * y * (1 - y) * (y - shown.value("t(y)"))
    assert paths.total == close(by_hand)
    assert shown.value("dL/dw(w11)") == close(by_hand)


def test_the_articles_derivative_of_the_mean_squared_error_has_its_sign_reversed() -> None:
    guide = guided(SCHOOL)
    shown = guide.titled("A number to check")
    assert shown.project.settings.loss == "mean_squared_error"
    assert not shown.project.settings.update_biases
    assert [len(level) for level in shown.project.network.levels()] == [10, 5, 2]
    a, t = shown.value("a(y2)"), shown.value("t(y2)")
    of_the_article = 2 / 2 * (t - a) * a * (1 - a) * shown.value("a(h1)")
    assert shown.project.network.edges["w56"].source == "h1"
    assert shown.project.network.edges["w56"].target == "y2"
    shown.says(("−0.03174", of_the_article))
    verdict = explain_difference(shown.trace, read_reference("dL/dw(w56)", shown.project.network), "−0.03174")
    assert verdict.kind == "slip"
    assert "sign" in verdict.sentence
    answers = three_answers(shown.trace, "w56")
    assert answers.agrees
    assert answers.backpropagated == close(-of_the_article)


def test_the_right_sign_takes_the_loss_down() -> None:
    guide = guided(SCHOOL)
    shown = guide.titled("What was found")
    wrong = shown.project.copy()
    rate, weights = shown.project.settings.learning_rate, shown.project.network.edges
    values = shown.project.network.values
    wrong.network.set_values(values | {w: values[w] + rate * shown.trace.gradient[w] for w in weights})
    first = guide.loss_after(shown, 0)
    shown.says(("0.2196", first), ("0.2240", trace_project(wrong).loss), ("0.2152", guide.loss_after(shown, 1)))
    losses = [guide.loss_after(shown, update) for update in range(101)]
    assert losses == sorted(losses, reverse=True)
    trained = guide.titled("100 updates")
    trained.says(("0.2196", losses[0]), ("0.01616", losses[100]))


def test_a_target_above_1_leaves_a_loss() -> None:
    shown = guided(SCHOOL).titled("Try this")
    project = shown.project.copy()
    project.dataset.columns["y1"] = np.array([1.5])
    run = Run(project)
    run = advance_run(project, run, project.updates + 1000)
    assert run.table_loss(run.last) > 0.5 * 0.5**2


# 4. From scratch


def test_the_chapters_follow_each_other() -> None:
    headings = guided(SCRATCH).headings[1:-1]
    numbers = [int(re.match(r"### Chapter (\d+): ", heading)[1]) for heading in headings]  # type: ignore[index]
    assert numbers == sorted(numbers)
    for number, title in enumerate(CHAPTERS, 1):
        assert 2 <= numbers.count(number) <= 4
        assert headings[numbers.index(number)] == f"### Chapter {number}: {title}"


def test_first_neurons() -> None:
    guide = guided(SCRATCH)
    one = guide.titled("First neurons")
    one.says(("0.25", 0.5 * 2 + 1.0 * -1 - 0.25 * 3 + 1.0))
    assert guide.titled("A layer").value("a(y1)") == one.value("z(y)")
    batch = guide.titled("A batch")
    network, dataset = batch.project.network, batch.project.dataset
    names = ["x1", "x2", "x3"], ["y1", "y2", "y3"]
    matrix = np.array([[network.weight(network.edge_between(s, t).id) for t in names[1]] for s in names[0]])  # type: ignore[union-attr]
    outputs = dataset.matrix(names[0]) @ matrix + [network.bias(t) for t in names[1]]
    assert [batch.value(f"a({t})") for t in names[1]] == close(outputs[1].tolist())
    batch.says(("4", outputs[1, 0]))


def test_linear_layers_collapse_and_relu_layers_do_not() -> None:
    guide = guided(SCRATCH)
    riddle = guide.titled("A riddle").project
    for row, x in enumerate((0, 1, 2)):
        trace = trace_project(riddle, riddle.batch_rows(row))
        assert trace.value(read_reference("a(y)", riddle.network)) == 6 * x + 2
    ramp = guide.titled("must not be straight").project
    for row, (given, wanted) in enumerate(((-1, 0), (0.5, 0.5), (2, 1))):
        trace = trace_project(ramp, ramp.batch_rows(row))
        assert trace.x[0, 0] == given
        assert trace.value(read_reference("a(y)", ramp.network)) == wanted


def test_the_activations_by_hand() -> None:
    guide = guided(SCRATCH)
    guide.titled("Activation functions").says(("−0.5", -0.5), ("0.3775", 1 / (1 + math.exp(0.5))), ("0", 0.0))
    shares = np.exp([2.0, 1.0, 0.0]) / np.exp([2.0, 1.0, 0.0]).sum()
    softmax = guide.titled("Softmax")
    assert [softmax.value(f"a(c{k})") for k in (1, 2, 3)] == close(shares.tolist())


def test_the_loss_by_hand() -> None:
    guide = guided(SCRATCH)
    shares = np.exp([2.0, 1.0, 0.0]) / np.exp([2.0, 1.0, 0.0]).sum()
    right, wrong = -math.log(shares[0]), -math.log(shares[2])
    guide.titled("Chapter 4: The loss").says(("0.4076", right), ("0.6652", shares[0]))
    guide.titled("Sure and wrong").says(("2.4076", wrong), ("0.09003", shares[2]))
    both = guide.titled("Loss and accuracy")
    both.says(
        ("0.4076", right),
        ("2.4076", wrong),
        ("1.4076", (right + wrong) / 2),
        ("50", 100 * right_rows(both.project) / 2),
    )
    assert both.trace.loss == close((right + wrong) / 2)


def searched(project: Project) -> tuple[float, float, float, float]:
    """The losses at the start and by small changes, fresh draws and gradient descent, as the panel begins."""
    (_, changed), (_, descent) = random_search(project, budget=2000, seed=1, spread=0.1)
    (_, fresh), _ = random_search(project, budget=2000, seed=1, spread=1.0, mode="fresh")
    return float(changed[0]), float(changed[-1]), float(fresh[-1]), float(descent[-1])


def test_random_search_does_what_the_captions_say() -> None:
    guide = guided(SCRATCH)
    small = guide.titled("Small changes")
    assert len(small.project.network.values) == 13
    start, changed, fresh, descent = searched(small.project)
    guide.titled("Looking for better weights").says(("0.70", start), ("0.48", fresh))
    small.says(("0.0027", descent))
    assert changed < 1e-12
    large = guide.titled("Many parameters")
    assert len(large.project.network.values) == 39
    assert large.project.dataset.rows == 60
    start, changed, fresh, descent = searched(large.project)
    large.says(("1.16", start), ("0.36", changed), ("0.91", fresh), ("0.14", descent))
    # What the last moment asks: not as few as these.
    assert changed > guide.loss_after(guide.titled("Adam"), 200)


def test_secants_become_the_tangent() -> None:
    guide = guided(SCRATCH)
    tangent = guide.titled("From secant to tangent")
    loss = ParameterLoss(tangent.trace, "w1", 0)

    def slope(step: float) -> float:
        return (loss(3.0 + step) - loss(3.0)) / step

    guide.titled("Chapter 6: Derivatives").says(("9", loss(3.0)), ("7", slope(1.0)))
    for printed, step in (("6.1", 0.1), ("6.01", 0.01), ("6.001", 0.001)):
        assert printed in tangent.caption
        assert slope(step) == pytest.approx(float(printed), abs=1e-9)
    assert tangent.value("dL/dw(w1)") == 6.0
    nudge = guide.titled("What a slope is good for")
    nudge.says(("0.6", 0.1 * 6), ("0.59", loss(3.0) - loss(2.9)), ("6", 6.0), ("5", loss(3.0) - loss(2.0)))


def test_partial_derivatives_by_hand() -> None:
    guide = guided(SCRATCH)
    shown = guide.titled("The gradient")
    h, y = 0.5 * 3 + 1.0 * -2 + 1.0, 4 * 0.5
    assert [shown.value(r) for r in ("a(h)", "a(y)", "dL/da(y)")] == [h, y, y - 1.0]
    assert [shown.value(f"dL/dw(w{k})") for k in (1, 2, 3)] == [1.0 * 4 * 3, 1.0 * 4 * -2, 1.0 * h]
    guide.titled("The chain rule").says(("1", 1.0), ("4", 4.0), ("3", 3.0), ("12", 12.0))

    def after(rate: float) -> float:
        w1, w2, w3 = 0.5 - rate * 12, 1.0 + rate * 8, 4.0 - rate * 0.5
        return 0.5 * (w3 * (3 * w1 - 2 * w2 + 1.0 - rate * 4) - rate - 1.0) ** 2

    shown.says(("0.3001", after(0.001)), ("0.781", after(0.01)))
    assert guide.loss_after(shown, 1) == close(after(0.001))


def test_the_relu_neuron_by_hand() -> None:
    guide = guided(SCRATCH)
    backward = guide.titled("And backward")
    inputs = [2.0, -1.0, 3.0]
    assert backward.value("z(y)") == 0.5 * 2 - 1 + 3 + 1 == 4.0
    # 1 comes from behind and passes the ReLU: the gradients are the inputs, and 1 for the bias.
    assert [backward.value(f"dL/dw(w{k})") for k in (1, 2, 3)] == inputs
    assert backward.value("dL/db(y)") == backward.value("dL/da(y)") == 1.0
    after = guide.titled("A step down")
    after.says(("3.85", 4.0 - 0.01 * 15), ("15", sum(x * x for x in inputs) + 1))
    assert after.value("a(y)") == close(3.85)
    closed = guide.titled("A closed gate")
    assert closed.value("z(y)") == -0.5 * 2 + 1 - 3 + 1 == -2.0
    assert [closed.value(r) for r in ("a(y)", "dL/da(y)", "dL/dz(y)", "dL/dw(w1)", "dL/db(y)")] == [0, -1, 0, 0, 0]


def test_the_whole_network_learns() -> None:
    guide = guided(SCRATCH)
    start = guide.titled("A whole network")
    assert start.value("t(c2)") == 1.0
    start.says(("1.1617", guide.loss_after(start, 0)), ("1.0986", math.log(3)))
    first = guide.titled("The first gradient back")
    shares = [first.value(f"dL/dz(c{k})") for k in (1, 2, 3)]
    assert shares == close([first.value(f"a(c{k})") - first.value(f"t(c{k})") for k in (1, 2, 3)])
    assert sum(shares) == close(0.0)
    hidden = guide.titled("Through the hidden layer")
    back = sum(edge_back(hidden, edge.id) for edge in hidden.project.network.outgoing("h1"))
    assert len(hidden.project.network.outgoing("h1")) == 3
    assert hidden.value("dL/da(h1)") == close(back)
    assert hidden.value("z(h1)") > 0
    assert hidden.value("dL/dz(h1)") == hidden.value("dL/da(h1)")
    trained = guide.titled("200 updates")
    trained.says(("0.3711", guide.loss_after(trained, 200)), ("50", right_rows(trained.project)))


def edge_back(shown: Shown, edge: str) -> float:
    network = shown.project.network
    return network.weight(edge) * shown.value(f"dL/dz({network.edges[edge].target})")


def test_the_optimizers_get_as_far_as_the_captions_say() -> None:
    guide = guided(SCRATCH)
    plain = guide.titled("Chapter 10: Optimizers")
    assert plain.value("new(w1)") == close(plain.value("w(w1)") - plain.value("gradient(w1)"))
    plain.says(("0.530", guide.loss_after(plain, 100)), ("0.371", guide.loss_after(plain, 200)))
    decay = guide.titled("A rate that decays")
    decay.says(("0.533", guide.loss_after(decay, 200)), ("0.13", 0.99**200))
    momentum = guide.titled("Momentum")
    momentum.says(("0.48", guide.loss_after(momentum, 20)), ("0.085", guide.loss_after(momentum, 200)))
    assert guide.loss_after(plain, 100) > guide.loss_after(momentum, 20)
    adam = guide.titled("Adam")
    adam.says(("0.243", guide.loss_after(adam, 100)), ("0.100", guide.loss_after(adam, 200)))
    adam.says(("58", right_rows(adam.project)))
    same = {
        tuple(guide.walkthrough.scenes[s.moment.scene].network.values.items()) for s in (plain, decay, momentum, adam)
    }
    assert len(same) == 1, "all begin with the same weights"


def test_the_velocity_is_the_gradient_and_nine_tenths_of_the_one_before() -> None:
    guide = guided(SCRATCH)
    scene = guide.walkthrough.scenes[guide.titled("Momentum").moment.scene]
    velocity, run = 0.0, Run(scene)
    for update in range(21):
        run = advance_run(scene, run, update)
        trace = trace_project(project_of(scene, run, update), np.arange(60))
        velocity = 0.9 * velocity + trace.gradient["w1"]
    shown = guide.titled("Momentum")
    assert shown.value("term1(w1)") == close(velocity)
    shown.says(("0.09177", velocity), ("0.001267", trace.gradient["w1"]))


@pytest.mark.parametrize(("optimizer", "rate", "below"), [("rmsprop", 0.02, True), ("adagrad", 0.1, False)])
def test_what_there_is_to_try(optimizer: str, rate: float, below: bool) -> None:
    scene = guided(SCRATCH).titled("Try this").project.copy()
    assert scene.updates == 0
    scene.settings = replace(scene.settings, optimizer=optimizer, learning_rate=rate)
    assert (advance_run(scene, Run(scene), 200).table_loss(200) < 0.2) is below
