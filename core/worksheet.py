"""A worked solution as an exercise: the same lines with chosen numbers left blank, and the key to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from core.errors import ExportError
from core.passes import trace_project
from core.project import Project
from core.quantities import GIVEN_KINDS, TERM_KINDS, Granularity, Kind, Quantity
from core.sheet import Blank, Block, Figure, Formula, Heading, Paragraph, Sheet, Table
from core.solution import Solution, solve
from core.style import Rounding, Style
from core.trace import Trace

NAME_LINE = "Name: ______________________________     Date: ______________"
GAP = "________"
_NUMBER = re.compile(r"[-−]?\d+(?:[.,]\d+)*(?:e[-−]?\d+)?")


class Group(StrEnum):
    """What can be asked for together."""

    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    GRADIENTS = "gradients"
    UPDATES = "updates"


_GROUPS = {
    **dict.fromkeys((Kind.PRODUCT, Kind.WEIGHTED_SUM, Kind.ACTIVATION, Kind.DROPOUT), Group.FORWARD),
    **dict.fromkeys((Kind.LOSS_SHARE, Kind.LOSS), Group.LOSS),
    **dict.fromkeys(
        (Kind.DROPOUT_GRAD, Kind.ACTIVATION_GRAD, Kind.PRE_ACTIVATION_GRAD, Kind.CONTRIBUTION), Group.BACKWARD
    ),
    **dict.fromkeys((Kind.WEIGHT_GRAD, Kind.BIAS_GRAD, Kind.PARAMETER_GRAD, Kind.PENALIZED_GRAD), Group.GRADIENTS),
    **dict.fromkeys((*TERM_KINDS, Kind.UPDATE), Group.UPDATES),
}
_PLACES = {group: place for place, group in enumerate(Group)}

# The quantities in the cells of a table, by row and column.
Cells = dict[tuple[int, int], Quantity]


class Blanks(Struct, frozen=True):
    """What is asked for: `groups`, and how much of each line is left blank.

    With Blank.RESULT the line with the numbers stays wherever they are given, and do not come of what is asked for.
    """

    groups: frozenset[Group] = frozenset(Group)
    hide: Blank = Blank.RESULT


def worksheet(
    project: Project,
    rows: Sequence[int] | None = None,
    *,
    blanks: Blanks = Blanks(),  # noqa: B008 - frozen
    granularity: Granularity = Granularity.NEURON,
    style: Style = Style(),  # noqa: B008 - frozen
    rounding: Rounding | None = None,
    title: str | None = None,
    label: str = "",
) -> tuple[Sheet, Sheet]:
    """The exercise and its key: the worked solution of `core.solution.solve` twice, with the same numbers of lines.

    Both end with the last group that has blanks: what follows would give answers away. Up to there no number that is
    asked for stands anywhere else on the exercise: neither in lines nor in tables, sentences or drawings. The result of
    a group in between that is not asked for stays, though it is made of answers.
    The title is the project's without `title`; `label` stands below it, such as "variant 3 of seed 1".
    Raises as `solve`, and ExportError where nothing would be left to calculate.
    """
    solved = solve(project, rows, granularity=granularity, style=style, rounding=rounding)
    trace = trace_project(project, rows, rounding=rounding)
    ending = _Ending(trace, solved, blanks)
    solved = ending.cut(solved)
    secrets = _Secrets(trace, solved, lambda q: _GROUPS.get(q.kind) in blanks.groups or ending.is_later(q))
    if not secrets.asked:
        raise ExportError(
            "Nothing would be left blank on the worksheet: choose something that the passes of these rows calculate."
        )
    blocks = [Paragraph(NAME_LINE), Paragraph(_instruction(style, rounding)), *_hidden(solved, secrets, blanks.hide)]
    title = project.title if title is None else title
    # Of a single row it need not be said which one.
    _, _, data = solved.sheet.subtitle.rpartition(": ")
    about = ", ".join(filter(None, (label, "" if project.dataset.rows == 1 else data[:1].lower() + data[1:])))
    task, key = (
        Sheet(title or kind, ": ".join(filter(None, (kind if title else "", about))), tuple(part))
        for kind, part in (("Worksheet", blocks), ("Answer key", solved.sheet.blocks))
    )
    return task, key


def _instruction(style: Style, rounding: Rounding | None) -> str:
    if rounding is not None:
        return f"Calculate what is left blank. Round each number to {rounding} before you go on with it."
    return (
        "Calculate what is left blank, with all digits of your calculator, "
        f"and give each number with up to {style.digits} significant digits."
    )


class _Ending:
    """Where a worksheet ends: with the last group in which something is left blank."""

    def __init__(self, trace: Trace, solved: Solution, blanks: Blanks) -> None:
        self.trace = trace
        quantities = {*solved.formulas.values(), *solved.cells.values()}
        asked = [q for q in quantities if _is_made(trace, q) and _GROUPS.get(q.kind) in blanks.groups]
        self.last = max((_PLACES[_GROUPS[q.kind]] for q in asked), default=_PLACES[Group.UPDATES])
        # Where an error goes back through new weights, what is asked for is made of later groups: they are asked for.
        self._needed: set[Quantity] = set()
        while asked:
            for operand in trace.operands(asked.pop()):
                if operand not in self._needed and operand.kind not in GIVEN_KINDS:
                    self._needed.add(operand)
                    asked.append(operand)

    def is_later(self, quantity: Quantity) -> bool:
        """Whether a quantity is of a group behind the last one."""
        return quantity.kind in _GROUPS and self._is_behind(_GROUPS[quantity.kind])

    def _is_behind(self, group: Group) -> bool:
        return _PLACES[group] > self.last

    def _is_left_out(self, quantity: Quantity) -> bool:
        return self.is_later(quantity) and quantity not in self._needed

    def cut(self, solved: Solution) -> Solution:
        """The solution up to there, its formulas numbered anew."""
        if not any(map(self._is_behind, Group)):
            return solved
        blocks: list[Block] = []
        formulas: dict[int, Quantity] = {}
        cells: dict[tuple[int, int, int], Quantity] = {}
        batch_loss = number = 0
        for block, quantities in _without_empty_parts(list(self._kept(solved))):
            cells |= {(len(blocks), *where): quantity for where, quantity in quantities.items()}
            if not isinstance(block, Formula):
                blocks.append(block)
                continue
            number += 1
            blocks.append(replace(block, number=number))
            if block.number == solved.batch_loss:
                batch_loss = number
            elif block.number in solved.formulas:
                formulas[number] = solved.formulas[block.number]
        return Solution(replace(solved.sheet, blocks=tuple(blocks)), formulas, cells, batch_loss)

    def _kept(self, solved: Solution) -> Iterator[tuple[Block, Cells]]:
        """The blocks that are not left out, and the quantities in the cells of tables."""
        trace = self.trace
        pictured = {0, *map(trace.end_of_forward, range(trace.batch))}
        # The sentences in the passes are about the update, or without one about the loss.
        group = Group.UPDATES if trace.training else Group.LOSS
        is_told = not self._is_behind(group) or any(_GROUPS.get(q.kind) is group for q in self._needed)
        above: set[Quantity] = set()
        for place, block in enumerate(solved.sheet.blocks):
            quantities: Cells = {}
            match block:
                case Formula() if block.number == solved.batch_loss:
                    if self._is_behind(Group.LOSS):
                        continue
                case Formula() if block.number in solved.formulas:
                    if self._is_left_out(solved.formulas[block.number]):
                        continue
                    above.add(solved.formulas[block.number])
                case Table():
                    table, quantities = self._cut_table(block, _cells_of(solved, place))
                    made = {quantity for quantity in quantities.values() if quantity.kind in _GROUPS}
                    # What is left of a table of later numbers may stand above already.
                    if table is not block and made <= above:
                        continue
                    above |= made
                    block = table  # noqa: PLW2901 - without some of its numbers
                case Paragraph() if above and not is_told:
                    continue
                case Figure() if self._is_behind(Group.BACKWARD) and block.index not in pictured:
                    continue
                case _:
                    pass
            yield block, quantities

    def _cut_table(self, table: Table, cells: Cells) -> tuple[Table, Cells]:
        """A table without columns and rows of what is left out, and what is in the cells of the others."""
        left_out = {place for place, quantity in cells.items() if self._is_left_out(quantity)}
        if not left_out:
            return table, cells
        stays = cells.keys() - left_out
        without_columns = {column for _, column in left_out} - {column for _, column in stays}
        without_rows = {row for row, _ in left_out} - {row for row, c in stays if cells[row, c].kind in _GROUPS}
        columns = [column for column in range(len(table.header)) if column not in without_columns]
        rows = [row for row in range(len(table.rows)) if row not in without_rows]
        header = tuple(table.header[column] for column in columns)
        texts = tuple(tuple(table.rows[row][column] for column in columns) for row in rows)
        inside = {
            (new_row, new_column): cells[row, column]
            for new_row, row in enumerate(rows)
            for new_column, column in enumerate(columns)
            if (row, column) in cells
        }
        return replace(table, header=header, rows=texts), inside


def _without_empty_parts(parts: Sequence[tuple[Block, Cells]]) -> list[tuple[Block, Cells]]:
    """All but the headings under which nothing is left but drawings."""
    kept: list[tuple[Block, Cells]] = []
    # The levels whose next heading has something below it.
    filled: set[int] = set()
    for block, quantities in reversed(parts):
        if isinstance(block, Heading):
            if block.level not in filled:
                continue
            filled = {level for level in filled if level < block.level}
        elif not isinstance(block, Figure):
            filled = {1, 2, 3}
        kept.append((block, quantities))
    return kept[::-1]


class _Secrets:
    """Which quantities of a solution are asked for, and what would give them away.

    `limit`: a drawing with more steps done than that shows one of them.
    """

    def __init__(self, trace: Trace, solved: Solution, is_chosen: Callable[[Quantity], bool]) -> None:
        self.trace = trace
        on_sheet = sorted(
            {*solved.formulas.values(), *solved.cells.values()},
            # What no step reveals repeats what one does: last.
            key=lambda quantity: (not trace.has_step(quantity), trace.index_of(quantity)),
        )
        self.asked = {q for q in on_sheet if _is_made(trace, q) and is_chosen(q)}
        self._follows: dict[Quantity, bool] = {}
        # What merely repeats an answer, such as the gradient of a bias after δ, is asked for too.
        for quantity in on_sheet:
            operands = trace.operands(quantity)
            repeats = any(op in self.asked and trace.value(op) == trace.value(quantity) for op in operands)
            if repeats and _is_made(trace, quantity):
                self.asked.add(quantity)
        # In the order of the trace, so that none has to look back far.
        for quantity in on_sheet:
            self.follows(quantity)
        self.limit = min((trace.index_of(q) for q in self.asked if trace.has_step(q)), default=len(trace))

    def follows(self, quantity: Quantity) -> bool:
        """Whether one of the numbers that a quantity is made of is asked for, or comes of one that is."""
        found = self._follows.get(quantity)
        if found is None:
            found = any(
                op in self.asked or (op.kind not in GIVEN_KINDS and self.follows(op))
                for op in self.trace.operands(quantity)
            )
            self._follows[quantity] = found
        return found

    def are_all_asked(self, quantities: Iterable[Quantity], above: Collection[Quantity]) -> bool:
        """Whether all of these that are calculated are asked for, and so in what stands `above`."""
        trace = self.trace
        made = [quantity for quantity in quantities if _is_made(trace, quantity)]
        return bool(made) and all(
            q in self.asked
            and (q in above or any(op in above and trace.value(op) == trace.value(q) for op in trace.operands(q)))
            for q in made
        )


def _is_made(trace: Trace, quantity: Quantity) -> bool:
    """Whether a quantity is calculated; the gradient of a single sample's parameter by another's step."""
    return trace.has_step(quantity) or quantity.kind is Kind.PARAMETER_GRAD


def _hidden(solved: Solution, secrets: _Secrets, hide: Blank) -> Iterable[Block]:
    """The blocks of the exercise."""
    blocks = solved.sheet.blocks
    result = next((p for p, block in enumerate(blocks) if block == Heading("Result")), len(blocks))
    yield from _hidden_passes(solved, blocks[:result], secrets, hide)
    rest = list(_hidden_result(solved, result, secrets))
    if rest:
        yield from (*blocks[result : result + 1], *rest)


def _hidden_result(solved: Solution, result: int, secrets: _Secrets) -> Iterable[Block]:
    """The blocks below the heading of the result, which stands at the place `result`."""
    above = {*solved.formulas.values(), *(q for (where, _, _), q in solved.cells.items() if where < result)}
    for place, block in enumerate(solved.sheet.blocks[result + 1 :], result + 1):
        match block:
            case Table():
                cells = _cells_of(solved, place)
                if not secrets.are_all_asked(cells.values(), above):
                    yield _hide_cells(block, cells, secrets)
            case Paragraph() if not secrets.trace.training:
                # What the update does to the loss takes another forward pass: that is the key's part.
                yield Paragraph(_NUMBER.sub(GAP, block.text))
            case _:
                pass


def _cells_of(solved: Solution, place: int) -> Cells:
    return {(row, column): q for (where, row, column), q in solved.cells.items() if where == place}


def _hidden_passes(solved: Solution, blocks: Sequence[Block], secrets: _Secrets, hide: Blank) -> Iterable[Block]:
    for place, block in enumerate(blocks):
        match block:
            case Formula() if block.number == solved.batch_loss:
                losses = [Quantity(Kind.LOSS, "", sample) for sample in range(secrets.trace.batch)]
                asked = any(loss in secrets.asked for loss in losses)
                yield _hide_lines(block, asked=asked, follows=asked or any(map(secrets.follows, losses)), hide=hide)
            case Formula():
                yield _hide_formula(block, solved.formulas.get(block.number), secrets, hide)
            case Table():
                yield _hide_cells(block, _cells_of(solved, place), secrets)
            case Figure() if block.index > secrets.limit:
                continue
            case _:
                yield block


def _hide_formula(formula: Formula, quantity: Quantity | None, secrets: _Secrets, hide: Blank) -> Formula:
    if quantity is None:
        return formula
    return _hide_lines(formula, asked=quantity in secrets.asked, follows=secrets.follows(quantity), hide=hide)


def _hide_lines(formula: Formula, *, asked: bool, follows: bool, hide: Blank) -> Formula:
    if asked:
        blank = Blank.NUMBERS if follows and hide is Blank.RESULT else hide
        # What is hidden is not there: nothing can be as long as the answer.
        numbers = formula.numbers if blank is Blank.RESULT else "=" * bool(formula.numbers)
        plain = f"{formula.plain.partition(' = ')[0]} = {GAP}"
        return replace(formula, numbers=numbers, result="=", plain=plain, blank=blank)
    if follows:
        # Its result is a value to compare with; its numbers would be answers.
        left, result = formula.plain.partition(" = ")[0], formula.plain.rpartition(" = ")[2]
        return replace(formula, numbers="", plain=f"{left} = {result}")
    return formula


def _hide_cells(table: Table, cells: Cells, secrets: _Secrets) -> Table:
    contained = (Kind.PRODUCT, Kind.CONTRIBUTION)
    hidden = {
        place
        for place, quantity in cells.items()
        if quantity in secrets.asked or (quantity.kind in contained and secrets.follows(quantity))
    }
    rows = tuple(
        tuple("" if (r, c) in hidden else cell for c, cell in enumerate(row)) for r, row in enumerate(table.rows)
    )
    return replace(table, rows=rows, blanks=table.blanks | hidden)
