"""What a kind of step says, and what the steps of several phases say alike."""

from __future__ import annotations

from dataclasses import dataclass

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
