"""The activations as chains of elementary operations, each from the operation that makes z to the one that makes a."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from core.elementary import (
    ADD,
    ADD_ONE,
    DIVIDE,
    DOUBLE,
    EXP,
    LEAK,
    LOGARITHM,
    MAXIMUM,
    MULTIPLY,
    NEGATE,
    NEGATE_AND_DOUBLE,
    NEGATIVE_PART,
    NORMAL_CDF,
    POSITIVE_PART,
    RECIPROCAL,
    SINE,
    STEP,
    SUBTRACT_FROM_ONE,
    SUBTRACT_ONE,
    Elementary,
)

# Beyond these pre-activations an exponential, or what becomes of it backward, leaves the range of float64.
LARGE = 300.0
# From here on (e^2z − 1)/(e^2z + 1) would lose digits backward.
LARGE_TANH = 3.0


class Chain(Protocol):
    """What operations are added to. `notes` say what is done otherwise than the formula has it."""

    notes: list[str]

    def apply(self, elementary: Elementary, *operands: int, value: float | None = None) -> int:
        """Add an operation on earlier ones; `value` where it is known more exactly than from these."""

    def value(self, operand: int) -> np.float64:
        """The value of an earlier operation."""


def _linear(chain: Chain, z: int) -> int:
    return z


def _sigmoid(chain: Chain, z: int) -> int:
    if chain.value(z) < -LARGE:
        chain.notes.append("1/(1 + e^−z) is written as e^z/(1 + e^z) here, as e^−z would be too large.")
        power = chain.apply(EXP, z)
        return chain.apply(DIVIDE, power, chain.apply(ADD_ONE, power))
    power = chain.apply(EXP, chain.apply(NEGATE, z))
    return chain.apply(RECIPROCAL, chain.apply(ADD_ONE, power))


def _tanh(chain: Chain, z: int) -> int:
    # The difference is taken by expm1, which keeps the digits that a subtraction of 1 loses near z = 0.
    x = chain.value(z)
    if x > LARGE_TANH:
        chain.notes.append(
            "(e^2z − 1)/(e^2z + 1) is written as (1 − e^−2z)/(1 + e^−2z) here, as e^2z is so large that 1 is lost "
            "beside it."
        )
        power = chain.apply(EXP, chain.apply(NEGATE_AND_DOUBLE, z))
        above = chain.apply(SUBTRACT_FROM_ONE, power)
    else:
        power = chain.apply(EXP, chain.apply(DOUBLE, z))
        above = chain.apply(SUBTRACT_ONE, power, value=float(np.expm1(2.0 * x)))
    return chain.apply(DIVIDE, above, chain.apply(ADD_ONE, power))


def _relu(chain: Chain, z: int) -> int:
    return chain.apply(POSITIVE_PART, z)


def _leaky_relu(chain: Chain, z: int) -> int:
    return chain.apply(MAXIMUM, z, chain.apply(LEAK, z))


def _elu(chain: Chain, z: int) -> int:
    below = chain.apply(NEGATIVE_PART, z)
    power = chain.apply(EXP, below)
    less = chain.apply(SUBTRACT_ONE, power, value=float(np.expm1(chain.value(below))))
    return chain.apply(ADD, chain.apply(POSITIVE_PART, z), less)


def _softplus(chain: Chain, z: int) -> int:
    large = chain.value(z) > LARGE
    if large:
        chain.notes.append("ln(1 + e^z) is written as z + ln(1 + e^−z) here, as e^z would be too large.")
    power = chain.apply(EXP, chain.apply(NEGATE, z) if large else z)
    more = chain.apply(ADD_ONE, power)
    # By log1p, which keeps the digits that are lost beside the 1.
    logarithm = chain.apply(LOGARITHM, more, value=float(np.log1p(chain.value(power))))
    return chain.apply(ADD, z, logarithm) if large else logarithm


def _gelu(chain: Chain, z: int) -> int:
    return chain.apply(MULTIPLY, z, chain.apply(NORMAL_CDF, z))


def _silu(chain: Chain, z: int) -> int:
    return chain.apply(MULTIPLY, z, _sigmoid(chain, z))


def _sine(chain: Chain, z: int) -> int:
    return chain.apply(SINE, z)


def _step(chain: Chain, z: int) -> int:
    return chain.apply(STEP, z)


CHAINS: dict[str, Callable[[Chain, int], int]] = {
    "linear": _linear,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "gelu": _gelu,
    "silu": _silu,
    "sine": _sine,
    "step": _step,
}
