"""Where a number comes from: the tree of formulas down to what is given, and the way back up from that alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.expressions import Expression, expression, in_order
from core.quantities import Quantity
from core.trace import Trace


@dataclass(frozen=True, eq=False)
class Derivation:
    """A quantity in the tree of what it is made of; its children are made when they are asked for.

    A quantity that several others are made of stands below each of them. `depth` is that of this one, 0 at the root.
    """

    trace: Trace
    quantity: Quantity
    depth: int = 0

    @cached_property
    def expression(self) -> Expression:
        """The formula that makes it from its children."""
        return expression(self.trace, self.quantity)

    @cached_property
    def children(self) -> tuple[Derivation, ...]:
        """What it is made of, in the order of its formula."""
        return tuple(Derivation(self.trace, operand, self.depth + 1) for operand in self.expression.operands)

    @property
    def is_leaf(self) -> bool:
        """Whether it is given; or 0, as a gradient is where no path leads to the loss."""
        return not self.expression.operands

    @property
    def value(self) -> float:
        """Its value in the trace."""
        return self.trace.value(self.quantity)


def root(trace: Trace, quantity: Quantity) -> Derivation:
    """The tree of what a quantity is made of."""
    return Derivation(trace, quantity)


def leaves(trace: Trace, quantity: Quantity) -> set[Quantity]:
    """All that a quantity is made of in the end: inputs, parameters, targets, dropout masks, the optimizer's memory."""
    return {q for q, found in _expressions(trace, quantity).items() if not found.operands}


def recombine(trace: Trace, quantity: Quantity) -> float:
    """The value of a quantity computed anew from its leaves' values, each formula on the way once."""
    values: dict[Quantity, float] = {}
    for q, found in _expressions(trace, quantity).items():
        values[q] = found.evaluate(values)
    return values[quantity]


def _expressions(trace: Trace, quantity: Quantity) -> dict[Quantity, Expression]:
    """The formulas of a quantity and all below it, each after those of its operands."""
    found: dict[Quantity, Expression] = {}

    def operands_of(q: Quantity) -> tuple[Quantity, ...]:
        found[q] = expression(trace, q)
        return found[q].operands

    return {q: found[q] for q in in_order(quantity, operands_of)}
