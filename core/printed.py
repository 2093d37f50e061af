"""Whether the numbers of a line come to its result as they are printed, with their few digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from core.expressions import expression
from core.quantities import Quantity
from core.style import SETTING_DIGITS
from core.trace import Trace

# More digits of a float64 than these are noise of its last operations.
_CERTAIN = 14
_NOISE = 1e-12


def printed(value: float, digits: int) -> float:
    """The number that is read where `value` is written with so many significant digits."""
    return float(f"{value:.{digits - 1}e}")


def is_shown_as(calculated: float, value: float, digits: int) -> bool:
    """Whether a number is `value` to the digits shown, where people round a half away from 0."""
    if value == 0.0 or not (math.isfinite(value) and math.isfinite(calculated)):
        return abs(calculated) < _NOISE if value == 0.0 else str(calculated) == str(value)
    digits = min(digits, _CERTAIN)
    # Noise is less than what the last digit stands for, however many there are.
    noise = min(_NOISE, 10.0 ** -(digits + 1))
    return printed(calculated * (1.0 + noise), digits) == printed(value, digits)


def comes_out(trace: Trace, quantity: Quantity, digits: int, values: Callable[[Quantity], float] | None = None) -> bool:
    """Whether a quantity's formula gives its printed value from the printed ones of its operands.

    `values` are others for the operands, such as products of what is printed for their factors. A trace that rounds
    at every step is computed with what it shows, so it does, but for ln 0 and 1/0: the engine computes these from z.
    """
    formula = expression(trace, quantity, literally=True)
    if not formula.operands:
        return True
    if trace.rounding is not None:
        return math.isfinite(formula.evaluate(values or trace.value))
    most = max(digits, SETTING_DIGITS)
    formula = replace(formula, settings={name: printed(value, most) for name, value in formula.settings.items()})
    calculated = formula.evaluate(values or (lambda operand: printed(trace.value(operand), digits)))
    return is_shown_as(calculated, trace.value(quantity), digits)
