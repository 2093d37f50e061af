"""Worked solutions: every number is the engine's, nothing is missing at any size, nothing stands there twice."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_strategies import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_strategies import project_of
from training_strategies import settings_of_any_sort

from core.dataset import Dataset
from core.errors import ExportError, TrainingError
from core.network import Edge, Network, Neuron, Role
from core.numbers import NOT_COMPUTED, format_number, parse_number
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from core.settings import Settings
from core.sheet import Blank, Figure, Formula, Heading, Paragraph, Sheet, Table
from core.solution import GRANULARITIES, Solution, check_length, solution, solve
from core.style import Notation, Rounding, Style
from core.worksheet import Blanks, Group, worksheet

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "resources" / "examples").glob("*.nnviz"))
CLASSIC = EXAMPLES[0]
GOLDEN: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "worked_examples.json").read_text(encoding="utf-8"))[0]
# What no line is about beside lines that contain it.
TERMS = {Kind.INPUT, Kind.PRODUCT, Kind.CONTRIBUTION}


def formulas(sheet: Sheet) -> list[Formula]:
    return [block for block in sheet.blocks if isinstance(block, Formula)]


def headings(sheet: Sheet, level: int) -> list[str]:
    return [block.text for block in sheet.blocks if isinstance(block, Heading) and block.level == level]


def sentences(sheet: Sheet) -> str:
    return " ".join(block.text for block in sheet.blocks if isinstance(block, Paragraph))


def table_of(sheet: Sheet, caption: str) -> Table:
    return next(block for block in sheet.blocks if isinstance(block, Table) and block.caption == caption)


def dense(sources: int, targets: int) -> Project:
    inputs, outputs = [f"x{k}" for k in range(sources)], [f"y{k}" for k in range(targets)]
    neurons = [(Neuron(name, Role.INPUT), 0.0, (0.0, 0.0)) for name in inputs]
    neurons += [(Neuron(name, Role.OUTPUT, "tanh"), 0.1, (0.0, 0.0)) for name in outputs]
    pairs = [(source, target) for target in outputs for source in inputs]
    edges = [(Edge(f"w{k + 1}", *pair), 0.01 * (k % sources + 1)) for k, pair in enumerate(pairs)]
    columns = {name: [0.5, 0.25] for name in inputs} | {name: [0.0, 1.0] for name in outputs}
    return Project(Network.build(neurons, edges), Dataset(columns), Settings())


def check_numbers(solved: Solution, project: Project, style: Style, rounding: Rounding | None = None) -> None:
    """Each formula and cell shows the number that the trace has."""
    rows = project.first_rows
    trace = trace_project(project, rows, rounding=rounding)
    by_number = {formula.number: formula for formula in formulas(solved.sheet)}
    for number, quantity in solved.formulas.items():
        expected = format_number(trace.value(quantity), style.digits)
        formula = by_number[number]
        assert formula.plain.rpartition(" = ")[2] == expected
        # What is computed from rounded numbers is what they come to, but for ln 0 and a division by 0.
        inexact = rounding is None or quantity.kind in {Kind.LOSS_SHARE, Kind.LOSS, Kind.ACTIVATION_GRAD}
        assert formula.result.startswith(("= ", r"\approx ") if inexact else "= ")
        assert "operand" not in formula.symbols + formula.numbers + formula.result
    for (place, row, column), quantity in solved.cells.items():
        table = solved.sheet.blocks[place]
        assert isinstance(table, Table)
        assert table.rows[row][column] == format_number(trace.value(quantity), style.digits)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_number_is_that_of_the_trace(path: Path, granularity: Granularity) -> None:
    project = load_project(path)
    style = Style(Notation("net", "out", "derivative", "α", "ends", "E"), 5)
    check_numbers(solve(project, granularity=granularity, style=style), project, style)


def test_the_numbers_of_the_classic_example_are_those_of_the_article() -> None:
    project = load_project(CLASSIC)
    sheet = solution(project, style=Style(digits=9))
    lines = {formula.plain.partition(" = ")[0]: formula for formula in formulas(sheet)}
    assert lines["a(h1)"].plain == "a(h1) = σ(z(h1)) = σ(0.3775) = 0.593269992"
    assert lines["z(h1)"].numbers == r"= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35"
    assert lines["z(h1)"].plain.endswith("+ b(h1) = 0.15 × 0.05 + 0.2 × 0.1 + 0.35 = 0.3775")
    assert lines["L"].plain.endswith(" = 0.298371109")
    assert lines["new w5"].plain.endswith(" = 0.35891648")
    expected = GOLDEN["expected"]
    for name, value in expected["weight_grad"].items():
        assert parse_number(lines[f"∂L/∂{name}"].plain.rpartition(" = ")[2]) == pytest.approx(value, rel=1e-8)
    # The loss after the update is computed from the new parameters.
    after = expected["after_update"][0]["loss"]
    assert f"falls from 0.298371109 to {format_number(after, 9)}." in sentences(sheet)
    result = next(block for block in reversed(sheet.blocks) if isinstance(block, Table))
    assert result.header == ("Parameter", "Old value", "Gradient", "New value")
    assert ("w5", "0.4", "0.0821670406", "0.35891648") in result.rows


@settings(max_examples=settings.default.max_examples // 2)
@given(case=cases(max_neurons=9, max_batch=3), sort=settings_of_any_sort(), data=st.data())
def test_any_network_with_any_settings_is_written_out(case: Any, sort: Settings, data: st.DataObject) -> None:
    project = project_of(case, sort, dropout=data.draw(st.booleans()))
    granularity = data.draw(st.sampled_from(GRANULARITIES))
    rounding = data.draw(st.sampled_from([None, Rounding(3), Rounding(4, "digits")]))
    style = Style(digits=data.draw(st.integers(2, 8)))
    solved = solve(project, granularity=granularity, style=style, rounding=rounding)
    check_numbers(solved, project, style, rounding)
    # Numbered without a gap, nothing twice.
    numbers = [formula.number for formula in formulas(solved.sheet)]
    assert numbers == list(range(1, len(numbers) + 1))
    written = list(solved.formulas.values())
    assert len(set(written)) == len(written)
    trace = trace_project(project, rounding=rounding)
    steps = {trace.quantity_at(index) for index in range(len(trace))}
    if granularity is Granularity.TERM:
        length = trace.batch * trace.schedule.sample_length
        assert written[:length] == [trace.quantity_at(index) for index in range(length)]
        assert set(written) == steps
    elif granularity is Granularity.NEURON:
        assert set(written) == {quantity for quantity in steps if quantity.kind not in TERMS}
    else:
        # Tables have all, but for the formula of a bias's gradient, which is δ, and what an example shows.
        shown = set(written) | set(solved.cells.values())
        assert {q for q in steps if q.kind is not Kind.BIAS_GRAD and q.kind is not Kind.PRODUCT} <= shown
    if granularity is Granularity.PASS:
        assert not written


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_figures_stand_before_the_first_step_and_after_each_pass(granularity: Granularity) -> None:
    project = load_project(CLASSIC)
    trace = trace_project(project)
    figures = [block.index for block in solution(project, granularity=granularity).blocks if isinstance(block, Figure)]
    assert figures == [0, trace.end_of_forward(), trace.schedule.sample_length]


def test_the_parts_follow_each_other_as_in_a_book() -> None:
    sheet = solution(load_project(CLASSIC))
    assert headings(sheet, 1) == [
        "Given",
        "How it is computed",
        "Forward pass",
        "Loss",
        "Backward pass",
        "Update",
        "Result",
    ]
    neurons = ["Hidden neuron h1", "Hidden neuron h2", "Output neuron o1", "Output neuron o2"]
    assert headings(sheet, 2) == [*neurons, *neurons[2:], *neurons[:2]]
    assert headings(solution(load_project(CLASSIC), granularity=Granularity.LAYER), 2) == [
        "Layer 1: h1 and h2",
        "Output layer: o1 and o2",
        "Output layer: o1 and o2",
        "Layer 1: h1 and h2",
    ]
    assert sheet.title == "2-2-2 network: the classic worked example"
    assert sheet.subtitle == "Worked solution: row 1 of the data"


def test_a_batch_is_written_row_by_row_and_then_the_mean_of_its_gradients() -> None:
    project = load_project(next(path for path in EXAMPLES if "batch" in path.stem))
    sheet = solution(project)
    titles = headings(sheet, 1)
    rows = [title for title in titles if title.startswith("Row ")]
    assert rows == [f"Row {row}: {what}" for row in (1, 2, 3, 4) for what in ("forward pass", "loss", "backward pass")]
    assert titles[-4:] == ["Loss of the batch", "Gradients for the update", "Update", "Result"]
    mean = next(formula for formula in formulas(sheet) if "mean over the 4 samples" in formula.sentence)
    assert mean.numbers.startswith(r"= \frac{1}{4} (")
    trace = trace_project(project)
    losses = " + ".join(format_number(trace.value(Quantity(Kind.LOSS, "", row)), 4) for row in range(4))
    loss = next(formula for formula in formulas(sheet) if formula.number == solve(project).batch_loss)
    assert loss.plain == f"L = 1/4 · Σ L⁽ⁿ⁾ = ({losses}) / 4 = {format_number(trace.loss, 4)}"
    # Its terms are the rows' own lines.
    assert [f"L⁽{row}⁾" in {f.plain.partition(" = ")[0] for f in formulas(sheet)} for row in "¹²³⁴"] == [True] * 4
    assert solve(project, [2]).batch_loss == 0
    assert "With the new parameters the mean loss of the batch falls" in sentences(sheet)
    assert len(solution(project, [2]).blocks) < len(sheet.blocks)
    assert solution(project, [2]).subtitle == "Worked solution: row 3 of the data"


def test_a_worksheet_asks_for_the_loss_of_the_batch_with_those_of_its_rows() -> None:
    project = load_project(next(path for path in EXAMPLES if "batch" in path.stem))
    number = solve(project).batch_loss
    asked = (
        ({Group.FORWARD, Group.LOSS, Group.UPDATES}, Blank.NUMBERS),
        ({Group.FORWARD, Group.UPDATES}, Blank.NOTHING),
    )
    for groups, blank in (*asked, ({Group.UPDATES}, Blank.NOTHING)):
        task, key = worksheet(project, blanks=Blanks(frozenset(groups)))
        line, answer = (next(f for f in formulas(sheet) if f.number == number) for sheet in (task, key))
        assert line.blank is blank
        # The losses of the rows come of what is asked for: then they stand nowhere.
        is_shown = groups == {Group.UPDATES}
        assert ("0.1544" in answer.numbers, "0.1544" in line.numbers + line.plain) == (True, is_shown)
        assert (line.plain == answer.plain) == is_shown


def test_what_is_given_is_said() -> None:
    project = load_project(CLASSIC)
    project.network.set_frozen("w1")
    project.network.set_dropout("h1", 0.5)
    project.settings = Settings(optimizer="adam", l2=0.01, learning_rate=0.125)
    text = sentences(solution(project))
    for part in (
        "2 inputs, 2 hidden neurons and 2 outputs, with 8 weights and 4 biases",
        "Adam",
        "β₁ = 0.9",
        "the learning rate η = 0.125",
        "It is update t = 1.",
        "λ₂ = 0.01",
        "Kept as it is: w1.",
        "Dropout takes part in training only",
        "up to 4 significant digits",
    ):
        assert part in text
    sheet = solution(project)
    assert table_of(sheet, "The inputs and targets, and the masks m of dropout").header[-1] == "m(h1)"
    # Each term of the optimizer has a line, under a heading of its parameter.
    assert "Weight w5" in headings(sheet, 2)


def test_rounding_is_said_and_shown_between_the_products_and_their_sum() -> None:
    project = load_project(CLASSIC)
    sheet = solution(project, style=Style(digits=15), rounding=Rounding(3))
    assert "Every number is rounded to 3 decimals before the next one is computed with it." in sentences(sheet)
    z = next(formula for formula in formulas(sheet) if formula.plain.startswith("z(h1)"))
    assert z.numbers == r"= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35 = 0.008 + 0.02 + 0.35"
    assert z.result == "= 0.378"


def test_a_sum_of_printed_factors_that_misses_the_result_is_about_equal() -> None:
    project = load_project(next(path for path in EXAMPLES if "xor" in path.stem))
    solved = solve(project)
    signs = []
    for formula in formulas(solved.sheet):
        quantity = solved.formulas.get(formula.number)
        if quantity is None or quantity.kind is not Kind.WEIGHTED_SUM:
            continue
        calculated = eval(formula.numbers.removeprefix("= ").replace(r"\cdot", "*"))
        sign, _, result = formula.result.partition(" ")
        is_same = f"{calculated * (1 + 1e-11):.3e}" == f"{float(result):.3e}"
        assert sign == ("=" if is_same else r"\approx"), formula
        # What is read aloud has the sign too.
        assert (" ≈ " in formula.text) == (not is_same)
        assert formula.text.replace("≈", "=") == formula.plain
        signs.append(sign)
    assert len(signs) == 16
    assert set(signs) == {"=", r"\approx"}
    assert "≈ stands before a result where the numbers as printed come to other last digits" in sentences(solved.sheet)
    rounded = solution(project, rounding=Rounding(4))
    assert all(r"\approx" not in formula.result for formula in formulas(rounded))
    assert "≈" not in sentences(rounded)


@pytest.mark.parametrize("digits", range(1, 18))
def test_lines_that_come_out_are_equal_with_however_many_digits(digits: int) -> None:
    # Whole numbers: w = 3, b = 1, x = 2, t = 9.
    project = load_project(next(path for path in EXAMPLES if "linear-neuron" in path.stem))
    lines = {f.plain.partition(" = ")[0]: f for f in formulas(solution(project, style=Style(digits=digits)))}
    assert lines["z(y)"].text.endswith("3 × 2 + 1 = 7")
    assert lines["∂L/∂a(y)"].result == "= -4"
    assert lines["∂L/∂w(w)"].result == "= -8"


def test_settings_keep_their_digits() -> None:
    # With two digits β₂ would be 1, and 1 − β₂ nothing to divide by.
    project = load_project(next(path for path in EXAMPLES if "linear-neuron" in path.stem))
    project.settings = replace(project.settings, optimizer="adam")
    texts = [formula.text for formula in formulas(solution(project, style=Style(digits=2)))]
    assert any("(1 \N{MINUS SIGN} 0.999) ×" in text for text in texts)
    divided = [text for text in texts if "/ (1 \N{MINUS SIGN} 0.999^1)" in text]
    assert len(divided) == 2
    assert not [text for text in divided if "≈" in text]


@pytest.mark.parametrize("rounding", [None, Rounding(3)])
def test_a_loss_that_is_computed_from_z_does_not_come_out_of_ln_0(rounding: Rounding | None) -> None:
    project = load_project(next(path for path in EXAMPLES if "and" in path.stem.split("-")))
    for name in project.network.values:
        project.network.set_value(name, 20.0)
    (loss,) = [
        f for f in formulas(solution(project, (1,), rounding=rounding)) if "ln" in f.plain and f.result is not None
    ]
    assert loss.text.endswith("× ln(1 \N{MINUS SIGN} 1)) ≈ 40")


_SLOPE = r"\frac{\partial E}{\partial "


@pytest.mark.parametrize(
    ("name", "loss", "slope"),
    [
        ("two-two-two", "half_squared_error", _SLOPE + r"\mathrm{out}_k} = \mathrm{out}_k - t_k"),
        ("two-two-two", "squared_error", _SLOPE + r"\mathrm{out}_k} = 2 \, (\mathrm{out}_k - t_k)"),
        (
            "two-two-two",
            "binary_cross_entropy",
            r"\delta_k = " + _SLOPE + r"\mathrm{net}_k} = \frac{1}{K} (\mathrm{out}_k - t_k)",
        ),
        ("and", "binary_cross_entropy", r"\delta_{o} = " + _SLOPE + r"\mathrm{net}_{o}} = \mathrm{out}_{o} - t_{o}"),
        ("skip", "mean_squared_error", _SLOPE + r"\mathrm{out}_{o}} = 2 \, (\mathrm{out}_{o} - t_{o})"),
        ("classes", "cross_entropy", r"\delta_k = " + _SLOPE + r"\mathrm{net}_k} = \mathrm{out}_k - t_k"),
    ],
)
def test_the_slope_of_the_loss_follows_the_loss(name: str, loss: str, slope: str) -> None:
    project = load_project(next(path for path in EXAMPLES if path.stem.endswith(name) or f"-{name}-" in path.stem))
    project.settings = Settings(loss=loss)
    found = formulas(solution(project, [0], style=Style(Notation("net", "out", loss="E"))))
    place = next(k for k, formula in enumerate(found) if formula.sentence.startswith("The loss"))
    assert found[place + 1].symbols == slope
    assert [f for f in found if f.sentence.startswith("Its derivative by")] == [found[place + 1]]


def test_the_slope_of_a_loss_of_targets_that_are_no_shares_is_the_general_one() -> None:
    project = load_project(next(path for path in EXAMPLES if "classes" in path.stem))
    columns = {name: [0.5, 0.25] for name in project.dataset.columns}
    project.dataset = Dataset(columns)
    slope = next(f for f in formulas(solution(project)) if f.sentence.startswith("Its derivative by"))
    assert slope.symbols.endswith(r"= a_k \sum_j t_j - t_k")


def test_outputs_are_told_by_their_names() -> None:
    losses = {
        path.stem[:2]: next(f for f in formulas(solution(load_project(path))) if f.sentence.startswith("The loss"))
        for path in EXAMPLES
        if path.stem[:2] in ("01", "06")
    }
    assert losses["06"].sentence == "The loss: mean squared error of the output o"
    assert losses["06"].symbols == "L = (t_{o} - a_{o})^2"
    assert losses["01"].sentence.endswith("summed over the outputs k, which are o1 and o2")


def test_a_drawing_says_which_row_it_shows_and_which_weights_are_shared() -> None:
    captions, said = {}, {}
    for path in EXAMPLES:
        sheet = solution(load_project(path))
        captions[path.stem[:2]] = next(block for block in sheet.blocks if isinstance(block, Figure)).caption
        said[path.stem[:2]] = "The drawings show row 1 alone, as the batch has more than 4 rows." in sentences(sheet)
    assert captions["10"] == "The network with its weights and biases (row 1)"
    assert captions["01"] == "The network with its weights and biases"
    assert captions["11"].endswith("biases; x1→h1 and x2→h2 share w(k1); x2→h1 and x3→h2 share w(k2)")
    assert [number for number, is_said in said.items() if is_said] == ["09"]
    tied = solution(load_project(next(path for path in EXAMPLES if "tied" in path.stem)))
    shared = {row[0]: row[-1] for row in table_of(tied, "The weights").rows}
    assert (shared["w(k1)"], shared["w(k1b)"], shared["w(v1)"]) == ("x2→h2", "x1→h1", "")
    assert table_of(solution(load_project(CLASSIC)), "The weights").header[-1] == "Value"


def test_the_terms_of_a_long_sum_stand_in_a_table() -> None:
    project = dense(12, 1)
    solved = solve(project)
    terms = table_of(solved.sheet, "The terms of z(y0)")
    assert len(terms.rows) == 12
    assert terms.rows[1] == ("w2·a(x1)", "0.02", "0.5", "0.01")
    z = next(formula for formula in formulas(solved.sheet) if formula.plain.startswith("z(y0)"))
    assert "(7 more)" in z.plain
    # Many inputs of few rows are listed one beneath the other.
    assert table_of(solved.sheet, "The inputs and targets").header == ("", "Row 1")


def test_wide_tables_are_divided() -> None:
    project = dense(10, 1)
    project.dataset = Dataset({name: np.linspace(0, 1, 9) for name in [*(f"x{k}" for k in range(10)), "y0"]})
    project.settings = Settings(batch_size=0)
    tables = [b for b in solution(project).blocks if isinstance(b, Table) and b.caption == "The inputs and targets"]
    assert [len(table.header) for table in tables] == [9, 4]
    assert all(table.header[0] == "Row" for table in tables)


def test_a_test_row_has_no_update() -> None:
    project = load_project(next(path for path in EXAMPLES if "xor" in path.stem))
    test = np.zeros(project.dataset.rows, dtype=np.bool_)
    test[0] = True
    project.dataset.test = test
    sheet = solution(project, [0])
    assert "Update" not in headings(sheet, 1)
    assert "Nothing is learned from test rows, so no parameter changes." in sentences(sheet)


def test_an_update_is_told_once_and_weights_come_before_biases() -> None:
    project = load_project(CLASSIC)
    sheet = solution(project)
    assert sentences(sheet).count("the old one minus the learning rate times its gradient") == 1
    updates = [f.sentence for f in formulas(sheet) if f.plain.startswith("new ")]
    names = [f"w{k}" for k in range(1, 9)]
    assert updates == [f"The new {name}" for name in names]
    project.settings = Settings(optimizer="momentum")
    sheet = solution(project)
    assert "The new value of each parameter comes by Momentum from what is computed before it." in sentences(sheet)
    titles = headings(sheet, 2)
    assert titles.index("Weight w8") < titles.index("Bias of h1")
    result = next(block for block in reversed(sheet.blocks) if isinstance(block, Table))
    assert [row[0] for row in result.rows] == [*names, "b(h1)", "b(h2)", "b(o1)", "b(o2)"]


def test_rows_that_are_not_the_first_are_told_from_their_place_in_the_batch() -> None:
    project = load_project(next(path for path in EXAMPLES if "batch" in path.stem))
    sheet = solution(project, [2, 1])
    assert "Row 3 (n = 1): forward pass" in headings(sheet, 1)
    assert [row[0] for row in table_of(sheet, "The inputs and targets").rows] == ["3 (n = 1)", "2 (n = 2)"]


def test_cases_in_brackets_are_explained_once() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="relu")
    network.add_neuron("hidden", id="g", activation="tanh")
    network.add_neuron("output", id="o", activation="step")
    for source, target in (("x", "h"), ("x", "g"), ("h", "o"), ("g", "o")):
        network.connect(source, target, weight=0.5)
    found = formulas(solution(Project(network, Dataset({"x": [3.0], "o": [1.0]}))))
    assert [f.symbols.rpartition(" = ")[2] for f in found if "[z > 0] is 1 where z > 0, else 0" in f.sentence] == [
        "[z > 0]"
    ]
    assert r"\frac{d a}{d z} = 1 - a^2" in [f.symbols for f in found]


def test_a_network_without_outputs_is_only_passed_forward() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="relu", bias=1.0)
    network.connect("x", "h", weight=2.0)
    for granularity in GRANULARITIES:
        sheet = solution(Project(network, Dataset({"x": [3.0]})), granularity=granularity)
        assert headings(sheet, 1) == ["Given", "How it is computed", "Forward pass"]
    with pytest.raises(TrainingError, match="no neuron"):
        solution(Project())


def test_what_is_not_there_is_not_counted_and_not_put_in() -> None:
    network = Network()
    network.add_neuron("output", id="o", bias=0.5)
    sheet = solution(Project(network, Dataset({"o": [1.0]})))
    assert "A network of 1 output, with 0 weights and 1 bias." in sentences(sheet)
    lines = {formula.plain.partition(" = ")[0]: formula for formula in formulas(sheet)}
    assert lines["a"].plain == "a = z"
    assert lines["z(o)"].plain == "z(o) = b(o) = 0.5"
    assert (lines["z(o)"].numbers, lines["z(o)"].result) == ("", "= 0.5")


def remedy(project: Project, rows: list[int], granularity: Granularity) -> str:
    with pytest.raises(ExportError, match=f"^Written out by {granularity}, .* more than 5,000 lines: ") as refused:
        solution(project, rows, granularity=granularity)
    return str(refused.value).partition(" lines: ")[2]


def test_a_pass_that_is_too_long_is_refused_with_what_helps() -> None:
    project = dense(30, 40)
    assert remedy(project, [0], Granularity.TERM) == "write it out by layer or by pass."
    solution(project, [0], granularity=Granularity.LAYER)
    solution(project, [0], granularity=Granularity.PASS)
    alone = "choose a single sample and write it out by layer or by pass."
    assert remedy(project, [0, 1], Granularity.NEURON) == alone
    assert remedy(project, [0, 1], Granularity.PASS) == "choose a single sample."
    several = [0, 1] * 10
    assert remedy(dense(12, 10), several, Granularity.TERM) == (
        "write it out by layer or by pass, or choose a single sample."
    )
    for granularity in (Granularity.LAYER, Granularity.PASS):
        solution(dense(12, 10), several, granularity=granularity)
    for granularity in GRANULARITIES:
        assert remedy(dense(30, 60), [0, 1], granularity) == "choose a smaller network."
        # So many weights are not looked at one by one.
        assert remedy(dense(100, 60), [0], granularity) == "choose a smaller network."


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_lines_are_formulas_and_rows_of_tables(granularity: Granularity, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in EXAMPLES[::3]:
        project = load_project(path)
        sheet = solution(project, granularity=granularity)
        lines = len(formulas(sheet)) + sum(len(block.rows) for block in sheet.blocks if isinstance(block, Table))
        monkeypatch.setattr("core.solution.MOST_LINES", lines)
        check_length(project, None, granularity)
        monkeypatch.setattr("core.solution.MOST_LINES", lines - 1)
        with pytest.raises(ExportError, match="more than"):
            check_length(project, None, granularity)
        monkeypatch.undo()


def test_other_sizes_are_no_sizes_of_a_solution() -> None:
    with pytest.raises(ValueError, match="granularity is one of"):
        solution(load_project(CLASSIC), granularity=Granularity.EPOCH)


def test_updated_weights_are_updated_before_something_goes_back_through_them() -> None:
    project = load_project(CLASSIC)
    project.settings = Settings(learning_rate=0.5, update_biases=False, updated_weights=True)
    solved = solve(project)
    written = list(solved.formulas.values())
    assert written.index(Quantity(Kind.UPDATE, "w5")) < written.index(Quantity(Kind.ACTIVATION_GRAD, "h1"))
    back = next(f for f in formulas(solved.sheet) if f.plain.startswith("∂L/∂a(h1)"))
    assert back.numbers.startswith(r"= 0.3589 \cdot 0.1385")
    assert "with its new weight" in sentences(solved.sheet)


def test_what_has_no_number_is_a_dash() -> None:
    project = load_project(next(path for path in EXAMPLES if "three-classes" in path.stem))
    sheet = solution(project, granularity=Granularity.PASS)
    backward = next(block for block in sheet.blocks if isinstance(block, Table) and block.header[1:2] == ("∂L⁽¹⁾/∂a",))
    assert {row[1] for row in backward.rows} >= {NOT_COMPUTED}
    assert all(re.fullmatch(r"−?[\d.]+", row[2]) for row in backward.rows)


def test_nothing_is_passed_back_to_inputs() -> None:
    project = load_project(CLASSIC)
    layers = [b for b in solution(project, granularity=Granularity.LAYER).blocks if isinstance(b, Table)]
    edges = [table for table in layers if table.header[-2:] == ("∂L/∂w", "w·δ") or table.header[-1] == "∂L/∂w"]
    assert [table.header[-1] for table in edges] == ["w·δ", "∂L/∂w"]
    passes = [b for b in solution(project, granularity=Granularity.PASS).blocks if isinstance(b, Table)]
    whole = next(table for table in passes if table.header[-1] == "w·δ")
    assert {row[0] for row in whole.rows if row[-1] == NOT_COMPUTED} == {"w1", "w2", "w3", "w4"}
