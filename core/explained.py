"""What a kind of step says, and what the steps of several phases say alike."""

from __future__ import annotations

from dataclasses import dataclass

from core.notation import MORE, Writer
from core.quantities import Kind, Quantity
from core.trace import Trace


@dataclass(frozen=True, slots=True)
class Lines:
    """What one kind of step says: a sentence, the formula's sides, and the numbers as text."""

    sentence: str
    left: str
    right: str
    numbers: str
    text: str
    formula: str
    note: str = ""
    # What the text comes to as it is printed, where it has other numbers than the LaTeX.
    text_value: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is explained: a quantity and what it is made of."""

    quantity: Quantity
    operands: tuple[Quantity, ...]

    @property
    def kind(self) -> Kind:
        """What the quantity is."""
        return self.quantity.kind


def product_of_two(step: Told, w: Writer, sentence: str, note: str = "") -> Lines:
    """The product of the two operands. A product and a contribution have no other symbol than this product."""
    first, second = step.operands
    symbols, names = rf"{w.symbol(first)} \cdot {w.symbol(second)}", f"{w.name(first)} · {w.name(second)}"
    has_symbol = step.kind not in (Kind.PRODUCT, Kind.CONTRIBUTION)
    return Lines(
        sentence,
        w.symbol(step.quantity) if has_symbol else symbols,
        symbols if has_symbol else "",
        rf"{w.number(first, bracket=False)} \cdot {w.number(second)}",
        w.factor_text(first, second),
        f"{w.name(step.quantity)} = {names}" if has_symbol else names,
        note,
    )


def sum_of_all(step: Told, w: Writer, sentence: str) -> Lines:
    """The sum of the operands: numbers are put in where there are several."""
    is_sum = len(step.operands) > 1
    name = w.name(step.quantity)
    return Lines(
        sentence,
        w.symbol(step.quantity),
        w.sum_symbols(step.operands) or "0",
        w.sum_numbers(step.operands) if is_sum else "",
        w.sum_text(step.operands) if is_sum else name,
        f"{name} = {w.cut([w.name(q) for q in step.operands], MORE) or '0'}",
    )


def activation_phrase(quantity: Quantity) -> str:
    """What an edge carries from its source, in words."""
    if quantity.kind is Kind.DROPOUT:
        return f"what {quantity.subject} passes on"
    return f"the {'input' if quantity.kind is Kind.INPUT else 'activation of'} {quantity.subject}"


def loss_scale(trace: Trace) -> tuple[str, str]:
    """The factor that makes a mean over the outputs, as LaTeX and as text."""
    count = len(trace.network.outputs)
    if trace.engine.loss.mean and count > 1:
        return rf"\frac{{1}}{{{count}}} \cdot ", f"1/{count} × "
    return "", ""


def dotted(formula: str) -> str:
    """A formula of symbols; between numbers stands "×"."""
    return formula.replace(" × ", " · ")
