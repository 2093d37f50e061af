"""A whole pass written out: as lines of text for people, as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.explanation import explain
from core.notation import Writer
from core.numbers import format_exact
from core.passes import trace_project
from core.project import Project
from core.quantities import Phase
from core.style import Rounding, Style
from core.trace import Trace

HEADINGS = {
    Phase.FORWARD: "Forward pass",
    Phase.LOSS: "Loss",
    Phase.BACKWARD: "Backward pass",
    Phase.UPDATE: "Update",
}

# The sentences stand one beneath the other, to the right of all but the longest formulas.
FORMULA_WIDTH = 52


def text_report(
    project: Project,
    rows: Sequence[int] | None = None,
    *,
    style: Style = Style(digits=6),  # noqa: B008 - frozen
    rounding: Rounding | None = None,
) -> Iterator[str]:
    """Every step in one line under the heading of its pass, then the summary. Raises as `trace_project`.

    With `rounding` each step's number is rounded before the next step is made with it, as in a book.
    """
    rows = project.first_rows.tolist() if rows is None else rows
    trace = trace_project(project, rows)
    if rounding is not None:
        # Only now: decimal numbers take their time to import.
        from core.book import RoundedTrace

        trace = RoundedTrace(trace, rounding)
    heading: tuple[int, Phase] | None = None
    width = len(str(len(trace)))
    for step in trace:
        sample = -1 if step.phase is Phase.UPDATE else step.quantity.sample
        if heading != (sample, step.phase):
            heading = (sample, step.phase)
            where = "" if sample < 0 else f", row {rows[sample] + 1}"
            yield from ("", f"{HEADINGS[step.phase]}{where}")
        explanation = explain(trace, step.quantity, style)
        name = explanation.formula.partition(" = ")[0]
        formula = explanation.plain if explanation.plain.startswith(name) else f"{name} = {explanation.plain}"
        yield f"  {step.index + 1:>{width}}  {formula:<{FORMULA_WIDTH}}  {explanation.sentence}"
    yield from _summary(trace, rounding)


def _summary(trace: Trace, rounding: Rounding | None) -> Iterator[str]:
    network = trace.network
    if not network.outputs:
        return
    yield from ("", "Summary" if rounding is None else f"Summary, every step rounded to {rounding}")
    what = "loss" if trace.batch == 1 else f"{'mean' if trace.mean else 'total'} loss over {trace.batch} samples"
    yield f"  {what} before the update: {format_exact(trace.loss)}"
    rows = [
        (
            name if name in network.edges else f"bias of {name}",
            format_exact(trace.values[name]),
            format_exact(trace.gradient[name]),
            format_exact(trace.new_values[name]),
        )
        for name in network.values
    ]
    # A test row has no update.
    columns = 4 if trace.training else 3
    table = [row[:columns] for row in [("parameter", "value", "gradient", "new value"), *rows]]
    widths = [max(len(row[i]) for row in table) for i in range(columns)]
    for row in table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def data_report(project: Project, rows: Sequence[int] | None = None) -> dict[str, object]:
    """The same as plain data for JSON, every number with full precision. Raises as `trace_project`."""
    rows = project.first_rows.tolist() if rows is None else rows
    trace = trace_project(project, rows)
    network, writer = trace.network, Writer(trace, Style())
    summary: dict[str, object] = {}
    if network.outputs:
        summary = {
            "loss": trace.loss,
            "gradient": trace.gradient,
            "value": trace.values,
            "new_value": trace.new_values if trace.training else {},
        }
    return {
        "format": "nnviz-trace",
        "version": 1,
        "rows": [row + 1 for row in rows],
        "loss": project.settings.loss,
        "optimizer": project.settings.optimizer,
        "learning_rate": trace.learning_rate,
        "update_biases": trace.settings.update_biases,
        "updated_weights": trace.settings.updated_weights,
        "steps": [
            {
                "step": step.index + 1,
                "phase": str(step.phase),
                "kind": step.kind.name.lower(),
                "name": writer.name(step.quantity),
                "row": None if step.phase is Phase.UPDATE else rows[step.quantity.sample] + 1,
                "neuron": step.neuron or None,
                "edge": step.edge or None,
                "value": step.value,
                "operands": [
                    {"kind": q.kind.name.lower(), "subject": q.subject, "value": trace.value(q)} for q in step.operands
                ],
            }
            for step in trace
        ],
        "summary": summary,
    }
