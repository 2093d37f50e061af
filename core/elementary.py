"""Elementary functions: what an activation is made of, each with its derivative as a number and as a formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.activations import LEAKY_SLOPE


@dataclass(frozen=True, slots=True)
class Derivative:
    """The derivative of an elementary function with respect to one of its operands.

    `slope(*operands, value)` is the number. `text` and `latex` are formulas, in which {x} and {y} stand for the
    operands.
    """

    slope: Callable[..., float]
    text: str
    latex: str


@dataclass(frozen=True, slots=True)
class Elementary:
    """A function of one or two operands, with one derivative for each; `symbol` is what stands in its box."""

    name: str
    symbol: str
    function: Callable[..., float]
    derivatives: tuple[Derivative, ...]


def _constant(number: float) -> Derivative:
    text = f"{number:g}"
    return Derivative(lambda *_: number, text.replace("-", "−"), text)


def scale(factor: float, name: str = "scale") -> Elementary:
    """The function that multiplies by a fixed number."""
    symbol = f"× {factor:g}".replace("-", "−")
    return Elementary(name, symbol, lambda x: x * factor, (_constant(factor),))


def shift(amount: float, name: str, symbol: str) -> Elementary:
    """The function that adds a fixed number."""
    return Elementary(name, symbol, lambda x: x + amount, (_constant(1.0),))


def _density(x: float) -> float:
    return float(np.exp(-0.5 * x * x)) / math.sqrt(2.0 * math.pi)


def _truth(condition: bool) -> float:
    return 1.0 if condition else 0.0


NEGATE = scale(-1.0, "negate")
DOUBLE = scale(2.0, "double")
NEGATE_AND_DOUBLE = scale(-2.0, "negate and double")
LEAK = scale(LEAKY_SLOPE, "leak")
ADD_ONE = shift(1.0, "add one", "+ 1")
SUBTRACT_ONE = shift(-1.0, "subtract one", "− 1")
SUBTRACT_FROM_ONE = Elementary("subtract from one", "1 − x", lambda x: 1.0 - x, (_constant(-1.0),))
EXP = Elementary("exp", "exp", np.exp, (Derivative(lambda x, v: v, "e^{x}", "e^{{{x}}}"),))
RECIPROCAL = Elementary(
    "reciprocal",
    "1/x",
    lambda x: np.divide(1.0, x),
    (Derivative(lambda x, v: -np.divide(1.0, x * x), "−1/{x}²", r"-\frac{{1}}{{{x}^2}}"),),
)
LOGARITHM = Elementary("ln", "ln", np.log, (Derivative(lambda x, v: np.divide(1.0, x), "1/{x}", r"\frac{{1}}{{{x}}}"),))
SINE = Elementary("sine", "sin", np.sin, (Derivative(lambda x, v: np.cos(x), "cos({x})", r"\cos({x})"),))
NORMAL_CDF = Elementary(
    "normal distribution",
    "Φ",
    lambda x: 0.5 * math.erfc(x / -math.sqrt(2.0)),
    (Derivative(lambda x, v: _density(x), "φ({x})", r"\varphi({x})"),),
)
# The derivatives at 0 are the engine's: that of ReLU is 0, that of ELU comes from the exponential.
POSITIVE_PART = Elementary(
    "maximum with 0",
    "max(0, x)",
    lambda x: np.maximum(x, 0.0),
    (Derivative(lambda x, v: _truth(x > 0.0), "[{x} > 0]", "[{x} > 0]"),),
)
NEGATIVE_PART = Elementary(
    "minimum with 0",
    "min(0, x)",
    lambda x: np.minimum(x, 0.0),
    (Derivative(lambda x, v: _truth(x <= 0.0), "[{x} ≤ 0]", r"[{x} \le 0]"),),
)
STEP = Elementary("step", "x > 0", lambda x: _truth(x > 0.0), (_constant(0.0),))
PASS_ON = Elementary("pass on", "=", lambda x: x, (_constant(1.0),))

ADD = Elementary("add", "+", lambda x, y: x + y, (_constant(1.0), _constant(1.0)))
MULTIPLY = Elementary(
    "multiply",
    "×",
    lambda x, y: x * y,
    (Derivative(lambda x, y, v: y, "{y}", "{y}"), Derivative(lambda x, y, v: x, "{x}", "{x}")),
)
DIVIDE = Elementary(
    "divide",
    "÷",
    np.divide,
    (
        Derivative(lambda x, y, v: np.divide(1.0, y), "1/{y}", r"\frac{{1}}{{{y}}}"),
        Derivative(lambda x, y, v: -np.divide(x, y * y), "−{x}/{y}²", r"-\frac{{{x}}}{{{y}^2}}"),
    ),
)
MAXIMUM = Elementary(
    "maximum",
    "max",
    np.maximum,
    (
        Derivative(lambda x, y, v: _truth(x > y), "[{x} > {y}]", "[{x} > {y}]"),
        Derivative(lambda x, y, v: _truth(x <= y), "[{x} ≤ {y}]", r"[{x} \le {y}]"),
    ),
)
