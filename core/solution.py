"""A pass written out as a good teacher writes it: what is given, every line with its numbers, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from core.errors import ExportError
from core.given import PICTURED, write_given
from core.network import Role
from core.numbers import format_number
from core.passes import trace_project
from core.project import Project
from core.quantities import TERM_KINDS, Granularity, Kind, Phase, Quantity, phase_of
from core.sheet import Sheet
from core.sheet_writer import Cell, SheetWriter, listed, row_name
from core.style import Rounding, Style
from core.trace import Trace

# How much is written out: every step, each neuron's lines, a table a layer, tables of whole passes.
GRANULARITIES = (Granularity.TERM, Granularity.NEURON, Granularity.LAYER, Granularity.PASS)
# Formulas and rows of tables: some hundred pages.
MOST_LINES = 5000
# What is no line of its own beside the lines that contain it: the inputs, and the terms of sums.
_CONTAINED = frozenset({Kind.INPUT, Kind.PRODUCT, Kind.CONTRIBUTION})
_TITLES = {Phase.FORWARD: "Forward pass", Phase.LOSS: "Loss", Phase.BACKWARD: "Backward pass"}
_FORWARD = (Kind.WEIGHTED_SUM, Kind.ACTIVATION, Kind.DROPOUT)
# The gradient of a bias is that of the pre-activation: they have one column.
_BACKWARD = (Kind.DROPOUT_GRAD, Kind.ACTIVATION_GRAD, Kind.PRE_ACTIVATION_GRAD)
_OF_EDGES = (Kind.WEIGHT_GRAD, Kind.CONTRIBUTION)


class Solution(Struct, frozen=True):
    """A sheet, and what stands where on it.

    `formulas`: the quantity of each formula by its number; those that define something have none. `cells`: the
    quantity of each number in a table by (place in the sheet's blocks, row, column). `batch_loss`: the number of the
    formula of the batch's loss, which is no quantity; 0 where a single row has none.
    """

    sheet: Sheet
    formulas: dict[int, Quantity]
    cells: dict[tuple[int, int, int], Quantity]
    batch_loss: int = 0


def solution(
    project: Project,
    rows: Sequence[int] | None = None,
    *,
    granularity: Granularity = Granularity.NEURON,
    style: Style = Style(),  # noqa: B008 - frozen
    rounding: Rounding | None = None,
) -> Sheet:
    """The sheet of `solve` alone."""
    return solve(project, rows, granularity=granularity, style=style, rounding=rounding).sheet


def solve(
    project: Project,
    rows: Sequence[int] | None = None,
    *,
    granularity: Granularity = Granularity.NEURON,
    style: Style = Style(),  # noqa: B008 - frozen
    rounding: Rounding | None = None,
) -> Solution:
    """The passes of these rows (without `rows`, of the first batch) and their update, written out.

    TERM writes every step of the trace, NEURON leaves out what another line contains with its numbers, LAYER has
    tables for each layer and each kind of formula once, PASS has tables alone.
    Raises TrainingError, ExportError and ValueError as `check_length` does.
    """
    rows = project.first_rows.tolist() if rows is None else list(rows)
    check_length(project, rows, granularity)
    trace = trace_project(project, rows, rounding=rounding)
    page = SheetWriter(trace, style, granularity, rounded=rounding is not None)
    _write_passes(page, rows, rounding)
    if trace.network.outputs:
        _write_effect(page, project, rows, rounding)
    data = f"row {rows[0] + 1} of the data" if len(rows) == 1 else f"a batch of {len(rows):,} rows"
    subtitle = f"Worked solution: {data}" if project.title else data.capitalize()
    sheet = Sheet(project.title or "Worked solution", subtitle, tuple(page.blocks))
    return Solution(sheet, page.formulas, page.cells, page.batch_loss_number)


def check_length(project: Project, rows: Sequence[int] | None, granularity: Granularity) -> None:
    """Refuse what would become longer than anyone reads, with a remedy that helps; other numbers make no difference.

    Raises TrainingError as `trace_project` does, ExportError for more than MOST_LINES lines, and ValueError for a
    granularity that is none of GRANULARITIES.
    """
    if granularity not in GRANULARITIES:
        raise ValueError(f"granularity is one of {', '.join(GRANULARITIES)}, not {granularity}")
    rows = project.first_rows.tolist() if rows is None else list(rows)
    trace = trace_project(project, rows)
    if _is_short(trace, rows, granularity):
        return
    coarser = GRANULARITIES[GRANULARITIES.index(granularity) + 1 :]
    sizes = [f"by {size}" for size in coarser if _is_short(trace, rows, size)]
    remedies = [f"write it out {_alternatives(sizes)}"] if sizes else []
    if trace.batch > 1:
        alone = trace_project(project, rows[:1])
        if _is_short(alone, rows[:1], granularity):
            remedies.append("choose a single sample")
        elif not remedies:
            sizes = [f"by {size}" for size in coarser if _is_short(alone, rows[:1], size)]
            remedies += [f"choose a single sample and write it out {_alternatives(sizes)}"] if sizes else []
    remedy = ", or ".join(remedies) or "choose a smaller network"
    raise ExportError(f"Written out by {granularity}, this pass takes more than {MOST_LINES:,} lines: {remedy}.")


def _alternatives(names: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


class _TooLongError(Exception):
    """The lines counted are more than MOST_LINES."""


class _LineCounter(SheetWriter):
    """Counts the lines of a sheet instead of writing them, until they are too many."""

    _lines = 0

    def definition(self, sentence: str, latex: str, plain: str) -> None:
        """Count a definition."""
        self._count(1)

    def formula(self, quantity: Quantity, sentence: str = "") -> None:
        """Count a formula."""
        self._count(1)

    def batch_loss(self) -> None:
        """Count the formula of the batch's loss."""
        self._count(1)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> None:
        """Count the rows of a table."""
        self._count(len(rows))

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > MOST_LINES:
            raise _TooLongError


def _is_short(trace: Trace, rows: Sequence[int], granularity: Granularity) -> bool:
    """Whether a pass takes MOST_LINES lines at most."""
    # All weights stand in a table in any case: of very many not even the rows need be made.
    if len(trace.network.edges) > MOST_LINES:
        return False
    try:
        _write_passes(_LineCounter(trace, Style(), granularity, rounded=False), rows, None)
    except _TooLongError:
        return False
    return True


def _write_passes(page: SheetWriter, rows: Sequence[int], rounding: Rounding | None) -> None:
    """Write everything but what the update does to the loss."""
    write_given(page, rows, rounding)
    author = _Lines if page.granularity in (Granularity.TERM, Granularity.NEURON) else _Tables
    author(page, rows).write()
    if page.trace.network.outputs:
        _write_result(page)


class _Author:
    """Writes the passes of all samples, then the update. How is up to the classes that derive from it."""

    def __init__(self, page: SheetWriter, rows: Sequence[int]) -> None:
        self.page, self.trace, self.rows = page, page.trace, rows

    def write(self) -> None:
        """Write it all, in the order of the trace."""
        trace, page = self.trace, self.page
        has_loss = bool(trace.network.outputs)
        for sample in range(trace.batch):
            pictured = sample == 0 or trace.batch <= PICTURED
            row = row_name(self.rows, sample)
            of_row = "" if trace.batch == 1 else f" (row {row})"
            for phase, title in _TITLES.items() if has_loss else [(Phase.FORWARD, "Forward pass")]:
                page.heading(title if trace.batch == 1 else f"Row {row}: {title.lower()}")
                self.write_phase(phase, sample)
                if pictured and phase is (Phase.LOSS if has_loss else Phase.FORWARD):
                    page.figure(trace.end_of_forward(sample), f"The network after the forward pass{of_row}")
                elif pictured and phase is Phase.BACKWARD:
                    end = (sample + 1) * trace.schedule.sample_length
                    page.figure(end, f"The network after the backward pass{of_row}")
        if trace.batch > 1 and has_loss:
            page.heading("Loss of the batch")
            page.batch_loss()
        if trace.training and has_loss:
            self.write_update()

    def write_phase(self, phase: Phase, sample: int) -> None:
        """Write one pass of one sample."""
        raise NotImplementedError

    def write_update(self) -> None:
        """Write what follows the samples: the gradients of the batch, and the update."""
        raise NotImplementedError


class _Lines(_Author):
    """A line for each step, or for each step that no other line contains."""

    _is_update_told = False

    def write_phase(self, phase: Phase, sample: int) -> None:
        """The lines of one pass, under a heading for each neuron."""
        former = ""
        for quantity in self._quantities(sample):
            # Parameters that are updated within the sample belong to its backward pass.
            if phase_of(quantity.kind) is not phase and not (_is_update(quantity) and phase is Phase.BACKWARD):
                continue
            title = self._title(quantity) or former
            if title != former:
                self.page.heading(title, 2)
                former = title
            if self.page.granularity is Granularity.NEURON and self.page.is_cut(quantity):
                self._write_terms(quantity)
            self._write_line(quantity)

    def _write_line(self, quantity: Quantity) -> None:
        """A quantity's formula; before that of the first new parameter it is said how all of them come about."""
        page, optimizer = self.page, self.trace.optimizer
        if quantity.kind is not Kind.UPDATE:
            page.formula(quantity)
            return
        if not self._is_update_told:
            how = (
                "is the old one minus the learning rate times its gradient"
                if optimizer.name == "sgd"
                else f"comes by {optimizer.title} from what is computed before it"
            )
            page.paragraph(f"The new value of each parameter {how}.")
            self._is_update_told = True
        page.formula(quantity, f"The new {page.writer.parameter(quantity.subject)}")

    def _quantities(self, sample: int) -> Iterator[Quantity]:
        length = self.trace.schedule.sample_length
        for index in range(sample * length, (sample + 1) * length):
            quantity = self.trace.quantity_at(index)
            if self.page.granularity is Granularity.TERM or quantity.kind not in _CONTAINED:
                yield quantity

    def _title(self, quantity: Quantity) -> str:
        """The heading of the neuron at work; empty where that is still the one before, or there is none."""
        if quantity.kind in (Kind.LOSS_SHARE, Kind.LOSS) or _is_update(quantity):
            return ""
        network, subject = self.trace.network, quantity.subject
        neuron = network.neurons[subject if subject in network.neurons else network.edges[subject].target]
        if neuron.role is Role.INPUT:
            return "Inputs"
        if neuron.activation == "softmax" and quantity.kind in (Kind.ACTIVATION, Kind.ACTIVATION_GRAD):
            return "Softmax"
        return f"{'Output' if neuron.role is Role.OUTPUT else 'Hidden'} neuron {neuron.id}"

    def _write_terms(self, quantity: Quantity) -> None:
        """The terms of a sum of which the formula shows the first few only."""
        page, trace = self.page, self.trace
        terms = [term for term in trace.operands(quantity) if term.kind in (Kind.PRODUCT, Kind.CONTRIBUTION)]
        rows: list[list[Cell]] = [[page.name(term), *trace.operands(term), term] for term in terms]
        page.table(["Term", "First factor", "Second factor", "Product"], rows, f"The terms of {page.name(quantity)}")

    def write_update(self) -> None:
        """The gradients of the batch, then the new parameters."""
        trace, page = self.trace, self.page
        start = trace.batch * trace.schedule.sample_length
        tail = [trace.quantity_at(index) for index in range(start, len(trace))]
        # In the order of the other tables; of each parameter the terms stay before its new value.
        place = {name: number for number, name in enumerate(page.parameters)}
        tail.sort(key=lambda quantity: (quantity.kind is not Kind.PARAMETER_GRAD, place[quantity.subject]))
        sums = [quantity for quantity in tail if quantity.kind is Kind.PARAMETER_GRAD]
        updates = tail[len(sums) :]
        if sums:
            page.heading("Gradients for the update")
        for quantity in sums:
            page.formula(quantity)
        if updates:
            page.heading("Update")
        # Where each parameter has one line, headings would be as many as lines.
        headed = len(updates) > len({quantity.subject for quantity in updates})
        former = ""
        for quantity in updates:
            if headed and quantity.subject != former:
                page.heading(_title_of_parameter(page, quantity.subject), 2)
                former = quantity.subject
            self._write_line(quantity)


class _Tables(_Author):
    """Tables of numbers; by LAYER with each kind of formula once."""

    def __init__(self, page: SheetWriter, rows: Sequence[int]) -> None:
        super().__init__(page, rows)
        self._shown: set[tuple[object, ...]] = set()

    def write_phase(self, phase: Phase, sample: int) -> None:
        """The tables of one pass."""
        if phase is Phase.LOSS:
            self._write_loss(sample)
            return
        network = self.trace.network
        kinds = _FORWARD if phase is Phase.FORWARD else _BACKWARD
        layers = list(self._layers())
        for title, neurons in layers if phase is Phase.FORWARD else reversed(layers):
            if title:
                self.page.heading(title, 2)
            self._show_examples(Quantity(kind, n, sample) for kind in kinds for n in neurons)
            header = ["Neuron", *(self.page.column_title(kind, sample) for kind in kinds)]
            self._table(header, [[n, *(Quantity(kind, n, sample) for kind in kinds)] for n in neurons])
            if phase is Phase.BACKWARD:
                self._show_examples(Quantity(Kind.BIAS_GRAD, n, sample) for n in neurons)
                self._write_edges([edge.id for n in neurons for edge in network.incoming(n)], sample)

    def _layers(self) -> Iterator[tuple[str, list[str]]]:
        """The neurons that compute something, layer by layer with a title each, or all of them without one."""
        network = self.trace.network
        layers = [[n for n in level if network.has_bias(n)] for level in self.trace.schedule.levels]
        layers = [layer for layer in layers if layer]
        if self.page.granularity is Granularity.PASS:
            yield from [("", [n for layer in layers for n in layer])] if layers else []
            return
        for number, layer in enumerate(layers, 1):
            is_output = all(network.neurons[n].role is Role.OUTPUT for n in layer)
            yield f"{'Output layer' if is_output else f'Layer {number}'}: {listed(layer)}", layer

    def _write_loss(self, sample: int) -> None:
        outputs = [neuron.id for neuron in self.trace.network.outputs]
        kinds = (Kind.ACTIVATION, Kind.TARGET, Kind.LOSS_SHARE)
        loss = Quantity(Kind.LOSS, "", sample)
        self._show_examples(Quantity(Kind.LOSS_SHARE, name, sample) for name in outputs)
        header = ["Neuron", *(self.page.column_title(kind, sample) for kind in kinds)]
        rows: list[list[Cell]] = [[name, *(Quantity(kind, name, sample) for kind in kinds)] for name in outputs]
        if self.page.granularity is Granularity.PASS:
            # A sum beneath its terms needs no formula.
            rows.append(["Sum", "", "", loss])
        self._table(header, rows)
        if self.page.granularity is Granularity.LAYER:
            self.page.formula(loss)

    def _write_edges(self, edges: Sequence[str], sample: int) -> None:
        network, name = self.trace.network, self.page.writer.weight
        self._show_examples(Quantity(Kind.WEIGHT_GRAD, edge, sample) for edge in edges)
        rows: list[list[Cell]] = [
            [
                name(edge),
                network.edges[edge].source,
                network.edges[edge].target,
                *(Quantity(kind, edge, sample) for kind in _OF_EDGES),
            ]
            for edge in edges
        ]
        self._table(["Weight", "From", "To", *(self.page.column_title(kind, sample) for kind in _OF_EDGES)], rows)

    def write_update(self) -> None:
        """What the optimizer computes on the way; the gradients and the new parameters are in the result."""
        page, trace = self.page, self.trace
        parameters = page.parameters
        terms = [
            kind
            for kind in (Kind.PENALIZED_GRAD, *TERM_KINDS)
            if any(trace.has_step(Quantity(kind, name)) for name in parameters)
        ]
        if page.granularity is Granularity.PASS and not terms:
            return
        page.heading("Update")
        kinds = (Kind.PARAMETER_GRAD, *terms, Kind.UPDATE)
        self._show_examples(Quantity(kind, name) for kind in kinds for name in parameters)
        rows: list[list[Cell]] = [
            [page.writer.parameter(name), *(Quantity(kind, name) for kind in terms)] for name in parameters
        ]
        self._table(["Parameter", *map(page.column_title, terms)], rows if terms else [])

    def _show_examples(self, quantities: Iterator[Quantity]) -> None:
        """The first formula of each kind; activation functions differ, and so do hidden and output neurons."""
        if self.page.granularity is not Granularity.LAYER:
            return
        for quantity in quantities:
            if not self.trace.has_step(quantity):
                continue
            key: tuple[object, ...] = (quantity.kind,)
            neuron = self.trace.network.neurons.get(quantity.subject)
            if neuron is not None and quantity.kind in (
                Kind.ACTIVATION,
                Kind.ACTIVATION_GRAD,
                Kind.PRE_ACTIVATION_GRAD,
            ):
                key += (neuron.activation, neuron.role, neuron.id in self.trace.schedule.dropped)
            if key not in self._shown:
                self._shown.add(key)
                self.page.formula(quantity)

    def _table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A table without those columns for which the trace has no number; none where it has no row."""
        if not rows:
            return
        kept = [
            column
            for column in range(len(header))
            if any(isinstance(cell, str) or self.page.has(cell) for cell in (row[column] for row in rows))
        ]
        self.page.table([header[column] for column in kept], [[row[column] for column in kept] for row in rows])


def _is_update(quantity: Quantity) -> bool:
    return phase_of(quantity.kind) is Phase.UPDATE


def _title_of_parameter(page: SheetWriter, parameter: str) -> str:
    is_weight = parameter in page.trace.network.edges
    return f"Weight {page.writer.weight(parameter)}" if is_weight else f"Bias of {parameter}"


def _write_result(page: SheetWriter) -> None:
    """The parameters before and after."""
    trace = page.trace
    page.heading("Result")
    table: list[list[Cell]] = [
        [
            page.writer.parameter(name),
            Quantity(Kind.WEIGHT if name in trace.network.edges else Kind.BIAS, name),
            Quantity(Kind.PARAMETER_GRAD, name),
            Quantity(Kind.UPDATE, name),
        ]
        for name in page.parameters
    ]
    if table and trace.training:
        page.table(["Parameter", "Old value", "Gradient", "New value"], table)


def _write_effect(page: SheetWriter, project: Project, rows: Sequence[int], rounding: Rounding | None) -> None:
    """What the update has done to the loss."""
    trace = page.trace
    what = (
        "The loss of this sample" if trace.batch == 1 else f"The {'mean' if trace.mean else 'total'} loss of the batch"
    )
    if not trace.training:
        loss = format_number(trace.loss, page.style.digits)
        page.paragraph(f"{what} is {loss}. Nothing is learned from test rows, so no parameter changes.")
        return
    # The same update's number: dropout leaves the same neurons out.
    after = project.copy()
    after.network.set_values(trace.new_values)
    loss_after = trace_project(after, rows, rounding=rounding).loss
    page.paragraph(_compare(what, trace.loss, loss_after, page.style.digits))


def _compare(what: str, before: float, after: float, digits: int) -> str:
    """A sentence about a loss before and after, with as many digits as tell them apart."""
    if before == after:
        return f"{what} is {format_number(before, digits)} before and after the update."
    while format_number(before, digits) == format_number(after, digits) and digits < 17:
        digits += 1
    how = "falls" if after < before else "rises"
    return (
        f"With the new parameters {what[0].lower()}{what[1:]} {how} from {format_number(before, digits)} to "
        f"{format_number(after, digits)}."
    )
