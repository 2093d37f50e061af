"""A trace as a printed book has it: each step's number is rounded before the next step is made with it."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

from core.expressions import Expression, expression, in_order
from core.quantities import FORMER_KINDS, TERM_KINDS, Kind, Quantity
from core.style import Rounding
from core.trace import Trace, UpdateNumbers

# More significant digits of a float64 than these are noise of its last operations.
_CERTAIN = Context(prec=14)


def round_half_away(value: float, rounding: Rounding) -> float:
    """Round as people do, halves away from zero: 0.125 to 0.13. Infinities and NaN stay.

    A half is one in the decimal digits on show: a product that is 0.12499999999999999 by a rounding error counts as
    0.125.
    """
    if not math.isfinite(value) or value == 0.0:
        return value
    number = Decimal(repr(value))
    last = -rounding.places if rounding.kind == "decimals" else number.adjusted() - rounding.places + 1
    if int(number.as_tuple().exponent) >= last:
        return value
    certain = _CERTAIN.plus(number)
    # Not where that would move the last place itself.
    if int(certain.as_tuple().exponent) <= last - 3:
        number = certain
    # Adding 0 makes -0.0, which a small negative number may become, 0.0.
    return float(number.quantize(Decimal((0, (1,), last)), ROUND_HALF_UP)) + 0.0


class RoundedTrace(Trace):
    """The sequence of another trace with each number as a person gets it who rounds at every step.

    A value is its formula's with the rounded values of its operands, rounded; given values are rounded too, the
    learning rate and other settings are not. `exact` is the other trace, whose arrays it shares.
    """

    rounding: Rounding

    def __init__(self, exact: Trace, rounding: Rounding) -> None:
        # But for the numbers all is that trace's own.
        vars(self).update(vars(exact))
        self.exact = exact
        self.rounding = rounding
        self._values: dict[Quantity, float] = {}
        self._rounded: UpdateNumbers | None = None

    def value(self, quantity: Quantity) -> float:
        """The rounded value of a quantity, revealed or not."""
        values = self._values
        if quantity not in values:
            made: dict[Quantity, Expression] = {}

            def operands_of(q: Quantity) -> tuple[Quantity, ...]:
                if q in values:
                    return ()
                made[q] = expression(self, q)
                return made[q].operands

            for q in in_order(quantity, operands_of):
                if q not in values:
                    # What has no operands is given, or an empty sum.
                    number = made[q].evaluate(values) if made[q].operands else self.exact.value(q)
                    values[q] = round_half_away(number, self.rounding)
        return values[quantity]

    def deviation(self, quantity: Quantity) -> float:
        """How much rounding has changed a quantity: its rounded value minus the exact one."""
        return self.value(quantity) - self.exact.value(quantity)

    @property
    def loss(self) -> float:
        """The batch's loss: the mean (or sum) over its samples' rounded ones, rounded."""
        if not self.network.outputs:
            return self.exact.loss
        total = sum(self.value(Quantity(Kind.LOSS, "", sample)) for sample in range(self.batch))
        return round_half_away(total / self.batch if self.mean else total, self.rounding)

    @property
    def update_numbers(self) -> UpdateNumbers:
        """What the update of this batch computes, each number rounded."""
        if self._rounded is None:
            exact = self.exact.update_numbers
            gradient = self._rounded_all(Kind.PARAMETER_GRAD, exact.gradient)
            self._rounded = UpdateNumbers(
                loss=self.loss,
                gradient=gradient,
                penalized=self._rounded_steps(Kind.PENALIZED_GRAD, gradient),
                former=tuple(map(self._rounded_all, FORMER_KINDS, exact.former)),
                terms=tuple(map(self._rounded_steps, TERM_KINDS, exact.terms)),
                new=self._rounded_all(Kind.UPDATE, exact.new),
            )
        return self._rounded

    def _rounded_all(self, kind: Kind, exact: dict[str, float]) -> dict[str, float]:
        return {name: self.value(Quantity(kind, name)) for name in exact}

    def _rounded_steps(self, kind: Kind, exact: dict[str, float]) -> dict[str, float]:
        """As `_rounded_all`; what no step makes, such as a term of a frozen weight, is the exact number rounded."""
        return {
            name: self.value(Quantity(kind, name))
            if self.has_step(Quantity(kind, name))
            else round_half_away(number, self.rounding)
            for name, number in exact.items()
        }
