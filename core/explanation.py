"""A step in words and as a formula: symbols, the same with numbers put in, and the result."""

from __future__ import annotations

from dataclasses import dataclass

from core.explained import Lines, Told
from core.explained_backward import BACKWARD
from core.explained_forward import FORWARD
from core.explained_update import UPDATE, mean_or_sum
from core.notation import Writer, bare_first, tex_number
from core.numbers import format_number
from core.printed import comes_out, is_shown_as, printed
from core.quantities import Kind, Quantity
from core.style import Style, unmark
from core.trace import Trace

_EXPLAINERS = {**FORWARD, **BACKWARD, **UPDATE}


@dataclass(frozen=True, slots=True)
class Explanation:
    r"""A quantity explained. `symbols`, `numbers` and `result` are LaTeX: "lhs = rhs", "= ...", "= value".

    The result stands behind ``\approx`` where the numbers, as they are printed, come to other last digits. `numbers`
    is empty where a formula has nothing to put in. `plain` is the line with numbers as text, such as
    "0.1385 × 0.5933 = 0.08217"; `formula` the line with symbols as text. In the LaTeX what stands for one of
    `operands` is marked as ``\operand{place}{...}``; `latex` is the whole without these marks.
    """

    title: str
    sentence: str
    symbols: str
    numbers: str
    result: str
    plain: str
    formula: str
    note: str = ""
    operands: tuple[Quantity, ...] = ()

    @property
    def latex(self) -> str:
        """All three lines as one, in plain LaTeX."""
        return unmark(" ".join(part for part in (self.symbols, self.numbers, self.result) if part))


def step_title(trace: Trace, index: int, style: Style = Style()) -> str:  # noqa: B008 - frozen
    """The short name of what the step at `index` reveals, without computing its value."""
    return Writer(trace, style).name(trace.quantity_at(index))


def explain(trace: Trace, quantity: Quantity, style: Style = Style()) -> Explanation:  # noqa: B008 - frozen
    """Explain how a quantity comes about, in a style; what is given has no formula but its value."""
    operands = trace.operands(quantity)
    writer = Writer(trace, style, operands)
    told = Told(quantity, operands)
    lines = _EXPLAINERS[quantity.kind](trace, told, writer)
    value, digits = trace.value(quantity), style.digits
    exact = not lines.numbers or comes_out(trace, quantity, digits)
    exact_text = exact
    if lines.text_value is not None and trace.rounding is None:
        exact_text = is_shown_as(lines.text_value, value, digits)
    return _explanation(
        writer,
        lines,
        value=value,
        title=writer.name(quantity),
        operands=operands,
        signs=(_sign(exact), _sign_text(exact_text)),
    )


def _sign(exact: bool) -> str:
    return "=" if exact else r"\approx"


def _sign_text(exact: bool) -> str:
    return "=" if exact else "≈"


def _explanation(
    writer: Writer,
    lines: Lines,
    *,
    value: float,
    title: str,
    operands: tuple[Quantity, ...],
    signs: tuple[str, str],
) -> Explanation:
    """The explanation of these lines; `signs` stand before the result, as LaTeX and as text."""
    result = format_number(value, writer.digits)
    return Explanation(
        title=title,
        sentence=lines.sentence,
        symbols=writer.mark_operands(f"{lines.left} = {lines.right}" if lines.right else lines.left),
        numbers=writer.mark_operands(f"= {bare_first(lines.numbers)}") if lines.numbers else "",
        result=f"{signs[0]} {tex_number(value, writer.digits)}",
        plain=f"{bare_first(lines.text)} {signs[1]} {result}" if lines.text else result,
        formula=lines.formula,
        note=lines.note,
        operands=operands,
    )


def explain_batch_loss(trace: Trace, style: Style = Style()) -> Explanation:  # noqa: B008 - frozen
    """Explain how the loss of a batch of several rows comes about: no step reveals it, see `Trace.loss`."""
    losses = tuple(Quantity(Kind.LOSS, "", sample) for sample in range(trace.batch))
    w = Writer(trace, style, losses)
    lines = mean_or_sum(
        w,
        losses,
        sentence=f"The loss of the batch: the {'mean' if trace.mean else 'sum'} over its {trace.batch:,} samples",
        left=(w.loss_tex(), w.loss()),
        term=(w.loss_tex("n"), w.loss("n")),
    )
    total = sum(printed(trace.value(loss), style.digits) for loss in losses)
    calculated = total / trace.batch if trace.mean else total
    exact = trace.rounding is not None or is_shown_as(calculated, trace.loss, style.digits)
    signs = _sign(exact), _sign_text(exact)
    return _explanation(w, lines, value=trace.loss, title=w.loss(), operands=losses, signs=signs)
