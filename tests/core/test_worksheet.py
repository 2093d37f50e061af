"""Worksheets: the solution with blanks, which nothing else on the sheet fills in."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import pytest
from graph_strategies import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_strategies import project_of
from training_strategies import settings_of_any_sort

from core.errors import ExportError
from core.jobs import finish
from core.numbers import format_number
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity, Kind
from core.sheet import Blank, Figure, Formula, Heading, Paragraph, Sheet, Table
from core.solution import GRANULARITIES, solve
from core.style import Notation, Rounding, Style
from core.variants import Variants
from core.worksheet import Blanks, Group, worksheet

EXAMPLES = sorted((Path(__file__).parents[2] / "resources" / "examples").glob("*.nnviz"))
CLASSIC = EXAMPLES[0]
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-−]?\d+)?")


def variant(number: int) -> Project:
    """A variant of the classic example."""
    variants = Variants(load_project(CLASSIC), 7)
    return [finish(variants.find()) for _ in range(number)][-1]


def shown(sheet: Sheet) -> str:
    """All that a reader sees on a sheet, whatever it is rendered to."""
    parts = [sheet.title, sheet.subtitle]
    for block in sheet.blocks:
        match block:
            case Heading() | Paragraph():
                parts.append(block.text)
            case Formula():
                parts += [block.sentence, block.plain]
                parts += [block.symbols] * (block.blank is not Blank.ALL)
                parts += [block.numbers] * (block.blank in (Blank.NOTHING, Blank.RESULT))
                parts += [block.result] * (block.blank is Blank.NOTHING)
            case Table():
                parts += [*block.header, block.caption]
                parts += [
                    cell for r, row in enumerate(block.rows) for c, cell in enumerate(row) if (r, c) not in block.blanks
                ]
            case Figure():
                parts.append(block.caption)
    return "\n".join(parts)


def numbers_on(sheet: Sheet) -> set[str]:
    return set(NUMBER.findall(shown(sheet)))


def formulas(sheet: Sheet) -> list[Formula]:
    return [block for block in sheet.blocks if isinstance(block, Formula)]


def value(quantity_value: float) -> str:
    return format_number(abs(quantity_value), 4)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_key_is_the_whole_solution_with_the_same_numbers(path: Path) -> None:
    project = load_project(path)
    task, key = worksheet(project)
    assert key.blocks == solve(project).sheet.blocks
    data = "" if project.dataset.rows == 1 else f": a batch of {len(project.first_rows)} rows"
    data = ": row 1 of the data" if len(project.first_rows) == 1 < project.dataset.rows else data
    assert (task.subtitle, key.subtitle) == (f"Worksheet{data}", f"Answer key{data}")
    assert task.title == key.title == project.title
    assert [formula.number for formula in formulas(task)] == [formula.number for formula in formulas(key)]
    assert all(formula.blank is Blank.NOTHING for formula in formulas(key))
    assert any(formula.blank is not Blank.NOTHING for formula in formulas(task))


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("hide", [Blank.RESULT, Blank.NUMBERS, Blank.ALL])
def test_no_answer_is_on_the_sheet(granularity: Granularity, hide: Blank) -> None:
    for number in (1, 2, 3):
        project = variant(number)
        task, _ = worksheet(project, blanks=Blanks(hide=hide), granularity=granularity)
        trace = trace_project(project)
        given_numbers = numbers_on(Sheet("", "", task.blocks[: task.blocks.index(Heading("Forward pass"))]))
        answers = {value(step.value) for step in trace if step.kind not in (Kind.INPUT, Kind.PRODUCT)}
        assert not numbers_on(task) & answers - given_numbers - {"2"}


def sorted_names(groups: set[Group]) -> str:
    return " ".join(sorted(groups))


@pytest.mark.parametrize("asked", [set(c) for n in (1, 2) for c in itertools.combinations(Group, n)], ids=sorted_names)
def test_what_is_not_asked_for_gives_nothing_away(asked: set[Group]) -> None:
    project = variant(2)
    task, key = worksheet(project, blanks=Blanks(frozenset(asked)))
    kinds = {
        Group.FORWARD: (Kind.WEIGHTED_SUM, Kind.ACTIVATION),
        Group.LOSS: (Kind.LOSS_SHARE, Kind.LOSS),
        Group.BACKWARD: (Kind.ACTIVATION_GRAD, Kind.PRE_ACTIVATION_GRAD),
        # That of a bias is δ, which may be given.
        Group.GRADIENTS: (Kind.WEIGHT_GRAD,),
        Group.UPDATES: (Kind.UPDATE,),
    }
    trace = trace_project(project)
    answers = {value(step.value) for step in trace if any(step.kind in kinds[group] for group in asked)}
    assert not numbers_on(task) & answers - {"2"}
    groups = list(Group)
    last = max(map(groups.index, asked))
    before, behind = (
        {value(step.value) for group in set(part) - asked for step in trace if step.kind in kinds[group]} - answers
        for part in (groups[:last], groups[last + 1 :])
    )
    # What is not asked for is there to compare with, up to the last answers.
    assert before <= numbers_on(task)
    given_numbers = numbers_on(worksheet(project)[0])
    assert not (behind - before - given_numbers) & numbers_on(key)
    assert len(formulas(task)) == len(formulas(key))


def test_numbers_are_shown_where_they_are_given() -> None:
    task, key = worksheet(load_project(CLASSIC))
    blanks = {formula.plain.partition(" = ")[0]: formula.blank for formula in formulas(task)}
    assert blanks["z(h1)"] is Blank.RESULT
    assert blanks["a(h1)"] is Blank.NUMBERS
    assert "0.15" in next(f.numbers for f in formulas(task) if f.plain.startswith("z(h1)"))
    assert "0.5933" in shown(key)
    assert "0.5933" not in shown(task)


def test_drawings_show_nothing_that_is_asked_for() -> None:
    project = load_project(CLASSIC)
    trace = trace_project(project)
    all_asked, _ = worksheet(project)
    assert [block.index for block in all_asked.blocks if isinstance(block, Figure)] == [0]
    backward, _ = worksheet(project, blanks=Blanks(frozenset({Group.BACKWARD})))
    assert [b.index for b in backward.blocks if isinstance(b, Figure)] == [0, trace.end_of_forward()]


def results(sheet: Sheet) -> list[Table]:
    return [block for block in sheet.blocks if isinstance(block, Table) and block.header[-1] == "New value"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_asked_for_above_is_not_asked_for_again(path: Path) -> None:
    task, key = worksheet(load_project(path))
    assert not results(task)
    assert Heading("Result") not in task.blocks
    assert results(key)
    assert Heading("Result") in key.blocks


def test_the_result_table_is_there_for_what_only_it_asks_for() -> None:
    task, _ = worksheet(load_project(CLASSIC), granularity=Granularity.LAYER)
    (table,) = results(task)
    place = table.header.index("Gradient")
    assert all((row, place) in table.blanks for row in range(len(table.rows)))
    # The biases of this example stay as they are.
    assert [row for row, cells in enumerate(table.rows) if (row, place + 1) in table.blanks] == [
        row for row, cells in enumerate(table.rows) if cells[0].startswith("w")
    ]


def asking(*groups: Group) -> Blanks:
    return Blanks(frozenset(groups))


@pytest.mark.parametrize("path", EXAMPLES[::3], ids=lambda path: path.stem)
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("last", Group)
def test_both_end_with_what_is_asked_for_last(path: Path, granularity: Granularity, last: Group) -> None:
    project = load_project(path)
    task, key = worksheet(project, blanks=asking(last), granularity=granularity)
    assert [formula.number for formula in formulas(key)] == list(range(1, len(formulas(key)) + 1))
    assert [formula.number for formula in formulas(task)] == list(range(1, len(formulas(key)) + 1))
    left_out = {
        Group.FORWARD: ("loss", "backward", "update", "result"),
        Group.LOSS: ("backward", "update", "result"),
        Group.BACKWARD: ("update", "result"),
        Group.GRADIENTS: (),
        Group.UPDATES: (),
    }[last]
    for sheet in (task, key):
        titles = [block.text.lower() for block in sheet.blocks if isinstance(block, Heading)]
        assert not [title for title in titles for word in left_out if word in title]
        columns = {name for block in sheet.blocks if isinstance(block, Table) for name in block.header}
        assert "New value" not in columns or last is Group.UPDATES
        assert "Gradient" not in columns or last in (Group.GRADIENTS, Group.UPDATES)
        assert not any("falls from" in block.text for block in sheet.blocks if isinstance(block, Paragraph)) or (
            last is Group.UPDATES and sheet is key
        )
        for one, other in itertools.pairwise(sheet.blocks):
            assert not (isinstance(one, Heading) and isinstance(other, Heading) and other.level <= one.level)
    whole = solve(project, granularity=granularity).sheet
    assert (key.blocks == whole.blocks) is (last is Group.UPDATES)


def test_what_follows_the_answers_does_not_give_them_away() -> None:
    project = load_project(CLASSIC)
    forward, _ = worksheet(project, blanks=asking(Group.FORWARD))
    # a(o1) is this plus the target.
    assert "0.7414" not in shown(forward)
    backward, key = worksheet(project, blanks=asking(Group.BACKWARD))
    # δ(h1) is this by the input.
    assert "0.0008771" not in shown(backward) + shown(key)
    gradients, _ = worksheet(project, blanks=asking(Group.GRADIENTS))
    assert "0.3589" not in shown(gradients)


def test_the_loss_of_a_batch_ends_a_worksheet_about_losses() -> None:
    batch = next(load_project(path) for path in EXAMPLES if "batch" in path.stem)
    task, key = worksheet(batch, blanks=asking(Group.LOSS))
    assert formulas(task)[-1].blank is Blank.NUMBERS
    assert formulas(key)[-1].plain.startswith("L = 1/4")
    forward, _ = worksheet(batch, blanks=asking(Group.FORWARD))
    assert Heading("Loss of the batch") not in forward.blocks


def test_new_weights_through_which_a_gradient_goes_back_are_asked_for_with_it() -> None:
    project = load_project(CLASSIC)
    project.settings = dataclasses.replace(project.settings, updated_weights=True)
    for granularity in GRANULARITIES:
        task, key = worksheet(project, blanks=asking(Group.BACKWARD), granularity=granularity)
        trace = trace_project(project)
        names = {step.quantity.subject: value(step.value) for step in trace if step.kind is Kind.UPDATE}
        assert {names["w5"], names["w8"]} <= numbers_on(key)
        assert not {names["w5"], names["w8"]} & numbers_on(task)
        assert not {names["w1"], names["w4"]} & numbers_on(key)


def test_a_worksheet_of_a_test_row_ends_with_what_is_asked_for_too() -> None:
    project = load_project(CLASSIC)
    project.dataset.set_test([0])
    for group, is_said in ((Group.FORWARD, False), (Group.LOSS, True)):
        for sheet in worksheet(project, [0], blanks=asking(group)):
            assert ("Nothing is learned from test rows" in shown(sheet)) is is_said
            assert "Numbers are shown with up to" in shown(sheet)


def test_the_result_table_is_there_for_what_it_gives() -> None:
    task, _ = worksheet(
        load_project(CLASSIC), blanks=asking(Group.FORWARD, Group.UPDATES), granularity=Granularity.LAYER
    )
    (table,) = results(task)
    assert {column for _, column in table.blanks} == {table.header.index("New value")}
    assert Heading("Result") in task.blocks


@pytest.mark.parametrize("hide", [Blank.RESULT, Blank.NUMBERS, Blank.ALL])
def test_what_is_hidden_is_not_on_the_sheet_at_all(hide: Blank) -> None:
    task, _ = worksheet(load_project(CLASSIC), blanks=Blanks(hide=hide))
    for formula in formulas(task):
        if formula.blank is not Blank.NOTHING:
            assert formula.result == "="
            assert formula.blank is Blank.RESULT or formula.numbers in ("", "=")


def test_a_label_stands_below_the_title() -> None:
    batch = next(load_project(path) for path in EXAMPLES if "batch" in path.stem)
    task, key = worksheet(batch, [1], title="Test", label="variant 3 of seed 1")
    assert (task.title, task.subtitle) == ("Test", "Worksheet: variant 3 of seed 1, row 2 of the data")
    assert key.subtitle == "Answer key: variant 3 of seed 1, row 2 of the data"
    task, key = worksheet(batch, [1], title="")
    assert (task.title, task.subtitle) == ("Worksheet", "row 2 of the data")
    assert key.title == "Answer key"


def test_names_and_instructions_come_first() -> None:
    task, _ = worksheet(load_project(CLASSIC), rounding=Rounding(4), style=Style(digits=15))
    first, second = task.blocks[:2]
    assert isinstance(first, Paragraph)
    assert isinstance(second, Paragraph)
    assert first.text.startswith("Name: ____")
    assert second.text == "Calculate what is left blank. Round each number to 4 decimals before you go on with it."
    task, _ = worksheet(load_project(CLASSIC), style=Style(digits=5))
    assert task.blocks[1] == Paragraph(
        "Calculate what is left blank, with all digits of your calculator, "
        "and give each number with up to 5 significant digits."
    )


def test_a_test_row_has_nothing_to_update() -> None:
    project = load_project(CLASSIC)
    project.dataset.set_test([0])
    with pytest.raises(ExportError, match="Nothing would be left blank"):
        worksheet(project, [0], blanks=Blanks(frozenset({Group.UPDATES})))
    task, key = worksheet(project, [0])
    loss = value(trace_project(project, [0]).loss)
    assert loss in shown(key)
    assert loss not in shown(task)


def test_other_symbols_are_used() -> None:
    notation = Notation(pre_activation="net", activation="out", loss="E", delta="derivative", weights="ends")
    task, _ = worksheet(load_project(CLASSIC), style=Style(notation))
    assert "net(h1)" in shown(task)


@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_any_pass_makes_a_worksheet(data: st.DataObject) -> None:
    case = data.draw(cases(max_neurons=7, max_batch=2))
    project: Project = project_of(case, data.draw(settings_of_any_sort()), dropout=data.draw(st.booleans()))
    granularity = data.draw(st.sampled_from(GRANULARITIES))
    hide = data.draw(st.sampled_from([Blank.RESULT, Blank.NUMBERS, Blank.ALL]))
    task, key = worksheet(project, blanks=Blanks(hide=hide), granularity=granularity)
    assert [f.number for f in formulas(task)] == [f.number for f in formulas(key)]
    solved = solve(project, granularity=granularity)
    trace = trace_project(project)
    for formula in formulas(task):
        quantity = solved.formulas.get(formula.number)
        if quantity is not None and trace.has_step(quantity) and quantity.kind is not Kind.INPUT:
            assert formula.blank is not Blank.NOTHING


@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_any_pass_ends_with_what_is_asked_for(data: st.DataObject) -> None:
    case = data.draw(cases(max_neurons=7, max_batch=2))
    project: Project = project_of(case, data.draw(settings_of_any_sort()), dropout=data.draw(st.booleans()))
    blanks = asking(*data.draw(st.sets(st.sampled_from([*Group][:-1]), min_size=1)))
    granularity = data.draw(st.sampled_from(GRANULARITIES))
    try:
        task, key = worksheet(project, blanks=blanks, granularity=granularity)
    except ExportError:
        # Of these groups the pass has nothing.
        return
    assert (
        [f.number for f in formulas(task)] == [f.number for f in formulas(key)] == [*range(1, len(formulas(key)) + 1)]
    )
    assert not [f for f in formulas(key) if f.blank is not Blank.NOTHING]
    if not project.settings.updated_weights:
        assert not [f for f in formulas(key) if f.plain.startswith("new ")]
        assert not results(key)
