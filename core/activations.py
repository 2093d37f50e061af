"""The table of activation functions.

Each works on arrays of shape (neurons, batch) and writes into an array that the caller owns.
An activation gives a vector-Jacobian product, so that softmax needs no special case.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

LEAKY_SLOPE = 0.01
ELU_ALPHA = 1.0

_erfc = np.frompyfunc(math.erfc, 1, 1)


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation function a = f(z).

    `forward(z, a)` writes the activations; `vjp(z, a, a_grad, z_grad)` writes dL/dz from dL/da.
    `latex(z)` and `derivative_latex(z, a)` give the formula with the texts put in.
    `coupled`: an activation depends on the pre-activations of the whole group (softmax).
    """

    name: str
    title: str
    symbol: str
    forward: Callable[[Array, Array], object]
    vjp: Callable[[Array, Array, Array, Array], object]
    latex: Callable[[str], str]
    derivative_latex: Callable[[str, str], str]
    note: str = ""
    coupled: bool = False


def _linear(z: Array, a: Array) -> None:
    np.copyto(a, z)


def _linear_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.copyto(z_grad, a_grad)


def _sigmoid(z: Array, a: Array) -> None:
    # exp overflows to infinity below z = -709, and 1 / infinity is the right 0.
    np.negative(z, a)
    np.exp(a, a)
    np.add(a, 1.0, a)
    np.reciprocal(a, a)


def _sigmoid_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.subtract(1.0, a, z_grad)
    np.multiply(z_grad, a, z_grad)
    np.multiply(z_grad, a_grad, z_grad)


def _tanh_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.multiply(a, a, z_grad)
    np.subtract(1.0, z_grad, z_grad)
    np.multiply(z_grad, a_grad, z_grad)


def _relu(z: Array, a: Array) -> None:
    np.maximum(z, 0.0, out=a)


def _relu_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.multiply(a_grad, z > 0.0, z_grad)


def _leaky_relu(z: Array, a: Array) -> None:
    np.multiply(z, LEAKY_SLOPE, a)
    np.maximum(z, a, out=a)


def _leaky_relu_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.multiply(a_grad, np.where(z > 0.0, 1.0, LEAKY_SLOPE), z_grad)


def _elu(z: Array, a: Array) -> None:
    np.minimum(z, 0.0, out=a)
    np.expm1(a, a)
    np.multiply(a, ELU_ALPHA, a)
    np.copyto(a, z, where=z > 0.0)


def _elu_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.multiply(a_grad, np.where(z > 0.0, 1.0, a + ELU_ALPHA), z_grad)


def _softplus(z: Array, a: Array) -> None:
    np.logaddexp(0.0, z, a)


def _softplus_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    _sigmoid(z, z_grad)
    np.multiply(z_grad, a_grad, z_grad)


def _normal_cdf(z: Array) -> Array:
    # By erfc, since 1 + erf loses its digits far below 0.
    return 0.5 * np.asarray(_erfc(z / -math.sqrt(2.0)), dtype=z.dtype)


def _gelu(z: Array, a: Array) -> None:
    np.multiply(z, _normal_cdf(z), a)


def _gelu_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    np.multiply(a_grad, _normal_cdf(z) + z * density, z_grad)


def _silu(z: Array, a: Array) -> None:
    _sigmoid(z, a)
    np.multiply(a, z, a)


def _silu_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    gate = np.empty_like(z)
    _sigmoid(z, gate)
    np.multiply(a_grad, gate * (1.0 + z * (1.0 - gate)), z_grad)


def _sine_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    np.cos(z, z_grad)
    np.multiply(z_grad, a_grad, z_grad)


def _step(z: Array, a: Array) -> None:
    np.greater(z, 0.0, out=a, casting="unsafe")


def _step_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    z_grad.fill(0.0)


def _softmax(z: Array, a: Array) -> None:
    # The largest pre-activation is subtracted first, so that no exponential overflows.
    np.subtract(z, z.max(axis=0, keepdims=True), a)
    np.exp(a, a)
    np.divide(a, a.sum(axis=0, keepdims=True), a)


def _softmax_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> None:
    mean = (a * a_grad).sum(axis=0, keepdims=True)
    np.subtract(a_grad, mean, z_grad)
    np.multiply(z_grad, a, z_grad)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", "Linear", "z", _linear, _linear_vjp, lambda z: z, lambda z, a: "1"),
        Activation(
            "sigmoid",
            "Sigmoid",
            "σ",
            _sigmoid,
            _sigmoid_vjp,
            lambda z: rf"\frac{{1}}{{1 + e^{{-{_bracket(z)}}}}}",
            lambda z, a: rf"{_bracket(a)} \, (1 - {_bracket(a)})",
        ),
        Activation(
            "tanh",
            "Tanh",
            "tanh",
            np.tanh,
            _tanh_vjp,
            lambda z: rf"\tanh({z})",
            lambda z, a: rf"(1 - {_base(a)}^2)",
        ),
        Activation(
            "relu",
            "ReLU",
            "ReLU",
            _relu,
            _relu_vjp,
            lambda z: rf"\max(0, {z})",
            lambda z, a: rf"[{z} > 0]",
            note="The derivative at z = 0 is taken as 0.",
        ),
        Activation(
            "leaky_relu",
            "Leaky ReLU",
            "leaky",
            _leaky_relu,
            _leaky_relu_vjp,
            lambda z: rf"\max({LEAKY_SLOPE} \cdot {_bracket(z)}, {z})",
            lambda z, a: rf"(1 \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; {LEAKY_SLOPE})",
            note=f"The slope below 0 is {LEAKY_SLOPE}.",
        ),
        Activation(
            "elu",
            "ELU",
            "ELU",
            _elu,
            _elu_vjp,
            lambda z: rf"({z} \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; e^{{{z}}} - 1)",
            lambda z, a: rf"(1 \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; {a} + 1)",
        ),
        Activation(
            "softplus",
            "Softplus",
            "softplus",
            _softplus,
            _softplus_vjp,
            lambda z: rf"\ln(1 + e^{{{z}}})",
            lambda z, a: rf"\frac{{1}}{{1 + e^{{-{_bracket(z)}}}}}",
        ),
        Activation(
            "gelu",
            "GELU",
            "GELU",
            _gelu,
            _gelu_vjp,
            lambda z: rf"{_bracket(z)} \cdot \Phi({z})",
            lambda z, a: rf"(\Phi({z}) + {_bracket(z)} \cdot \varphi({z}))",
            note="Φ and φ are the standard normal distribution and its density (the exact form).",
        ),
        Activation(
            "silu",
            "SiLU",
            "SiLU",
            _silu,
            _silu_vjp,
            lambda z: rf"{_bracket(z)} \cdot \sigma({z})",
            lambda z, a: rf"\sigma({z}) \, (1 + {_bracket(z)} \, (1 - \sigma({z})))",
        ),
        Activation(
            "sine",
            "Sine",
            "sin",
            np.sin,
            _sine_vjp,
            lambda z: rf"\sin({z})",
            lambda z, a: rf"\cos({z})",
        ),
        Activation(
            "step",
            "Step",
            "step",
            _step,
            _step_vjp,
            lambda z: rf"[{z} > 0]",
            lambda z, a: "0",
            note="The gradient of the step function is 0 wherever it exists, so nothing before it learns.",
        ),
        Activation(
            "softmax",
            "Softmax",
            "softmax",
            _softmax,
            _softmax_vjp,
            lambda z: rf"\mathrm{{softmax}}({z})",
            lambda z, a: rf"{_bracket(a)} \, (1 - {_bracket(a)})",
            note="Over all output neurons that use it: their activations add up to 1.",
            coupled=True,
        ),
    )
}


def _bracket(text: str) -> str:
    return f"({text})" if text.startswith(("-", "−")) else text


def _base(text: str) -> str:
    """In brackets also where the text has a power of its own, such as 1.5 * 10^-7."""
    return f"({text})" if "^" in text else _bracket(text)


def evaluate(name: str, z: Array) -> Array:
    """f(z) of the activation `name`; for softmax over the first axis of `z`."""
    z = np.asarray(z, dtype=float)
    a = np.empty_like(z)
    with np.errstate(over="ignore"):
        ACTIVATIONS[name].forward(z, a)
    return a


def derivative(name: str, z: Array) -> Array:
    """f'(z), element by element (for softmax the diagonal of its Jacobian)."""
    z = np.asarray(z, dtype=float)
    a = evaluate(name, z)
    if ACTIVATIONS[name].coupled:
        return a * (1.0 - a)
    z_grad = np.empty_like(z)
    with np.errstate(over="ignore"):
        ACTIVATIONS[name].vjp(z, a, np.ones_like(z), z_grad)
    return z_grad
