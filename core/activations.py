"""The table of activation functions.

Each works on arrays of shape (neurons, batch) and writes into arrays that the caller owns. A function is given as
a program: the numpy calls that compute it, bound to their arrays once and run at each pass.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
# Calls to make one after the other: each a function and its arguments.
Program = list[tuple[Callable[..., object], tuple[object, ...]]]

LEAKY_SLOPE = 0.01
ELU_ALPHA = 1.0

_erfc = np.frompyfunc(math.erfc, 1, 1)


class Activation(Struct, frozen=True):
    """One activation function a = f(z).

    `forward(z, a)` is the program that writes the activations. `slope(z, a, slope)` writes f'(z), element by
    element. A `coupled` activation (softmax) depends on the pre-activations of the whole group: it has a
    vector-Jacobian product instead, `vjp(z, a, a_grad, z_grad)`, which writes dL/dz from dL/da.
    `latex(z)` and `derivative_latex(z, a)` give the formula with the texts put in.
    """

    name: str
    title: str
    symbol: str
    forward: Callable[[Array, Array], Program]
    slope: Callable[[Array, Array, Array], Program]
    latex: Callable[[str], str]
    derivative_latex: Callable[[str, str], str]
    note: str = ""
    vjp: Callable[[Array, Array, Array, Array], Program] | None = None

    @property
    def coupled(self) -> bool:
        """Whether an activation depends on other neurons' pre-activations."""
        return self.vjp is not None


def constant(value: float, like: Array) -> Array:
    """`value` as an array without dimensions: numpy takes it three times as fast as a Python number."""
    return np.array(value, like.dtype)


def run(program: Program) -> None:
    """Make the calls of a program."""
    for function, arguments in program:
        function(*arguments)


def _linear(z: Array, a: Array) -> Program:
    return [(np.copyto, (a, z))]


def _linear_slope(z: Array, a: Array, slope: Array) -> Program:
    return [(slope.fill, (1.0,))]


def _sigmoid(z: Array, a: Array) -> Program:
    # exp overflows to infinity below z = -709, and 1 / infinity is the right 0. Never in place: with a single
    # number numpy takes four times as long for that.
    part = np.empty_like(z)
    return [
        (np.negative, (z, part)),
        (np.exp, (part, a)),
        (np.add, (a, constant(1.0, z), part)),
        (np.reciprocal, (part, a)),
    ]


def _sigmoid_slope(z: Array, a: Array, slope: Array) -> Program:
    part = np.empty_like(z)
    return [(np.subtract, (constant(1.0, z), a, part)), (np.multiply, (part, a, slope))]


def _tanh(z: Array, a: Array) -> Program:
    return [(np.tanh, (z, a))]


def _tanh_slope(z: Array, a: Array, slope: Array) -> Program:
    part = np.empty_like(z)
    return [(np.multiply, (a, a, part)), (np.subtract, (constant(1.0, z), part, slope))]


def _relu(z: Array, a: Array) -> Program:
    return [(partial(np.maximum, out=a), (z, constant(0.0, z)))]


def _positive(z: Array, a: Array, slope: Array) -> Program:
    return [(partial(np.greater, casting="unsafe"), (z, constant(0.0, z), slope))]


def _leaky_relu(z: Array, a: Array) -> Program:
    return [(np.multiply, (z, constant(LEAKY_SLOPE, z), a)), (partial(np.maximum, out=a), (z, a))]


def _leaky_relu_slope(z: Array, a: Array, slope: Array) -> Program:
    def choose() -> None:
        np.copyto(slope, np.where(z > 0.0, 1.0, LEAKY_SLOPE))

    return [(choose, ())]


def _elu(z: Array, a: Array) -> Program:
    def copy_positive() -> None:
        np.copyto(a, z, where=z > 0.0)

    return [
        (partial(np.minimum, out=a), (z, constant(0.0, z))),
        (np.expm1, (a, a)),
        (np.multiply, (a, constant(ELU_ALPHA, z), a)),
        (copy_positive, ()),
    ]


def _elu_slope(z: Array, a: Array, slope: Array) -> Program:
    def choose() -> None:
        np.copyto(slope, np.where(z > 0.0, 1.0, a + ELU_ALPHA))

    return [(choose, ())]


def _softplus(z: Array, a: Array) -> Program:
    return [(np.logaddexp, (constant(0.0, z), z, a))]


def _softplus_slope(z: Array, a: Array, slope: Array) -> Program:
    return _sigmoid(z, slope)


def _normal_cdf(z: Array) -> Array:
    # By erfc, since 1 + erf loses its digits far below 0.
    return 0.5 * np.asarray(_erfc(z / -math.sqrt(2.0)), dtype=z.dtype)


def _gelu(z: Array, a: Array) -> Program:
    return [(lambda: np.multiply(z, _normal_cdf(z), a), ())]


def _gelu_slope(z: Array, a: Array, slope: Array) -> Program:
    def add_up() -> None:
        density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        np.add(_normal_cdf(z), z * density, slope)

    return [(add_up, ())]


def _silu(z: Array, a: Array) -> Program:
    return [*_sigmoid(z, a), (np.multiply, (a, z, a))]


def _silu_slope(z: Array, a: Array, slope: Array) -> Program:
    gate = np.empty_like(z)
    return [*_sigmoid(z, gate), (lambda: np.multiply(gate, 1.0 + z * (1.0 - gate), slope), ())]


def _sine(z: Array, a: Array) -> Program:
    return [(np.sin, (z, a))]


def _sine_slope(z: Array, a: Array, slope: Array) -> Program:
    return [(np.cos, (z, slope))]


def _step_slope(z: Array, a: Array, slope: Array) -> Program:
    return [(slope.fill, (0.0,))]


def _step(z: Array, a: Array) -> Program:
    return _positive(z, a, a)


def _softmax(z: Array, a: Array) -> Program:
    # The largest pre-activation is subtracted first, so that no exponential overflows.
    most = np.empty((1, *z.shape[1:]), z.dtype)
    return [
        (np.maximum.reduce, (z, 0, None, most, True)),
        (np.subtract, (z, most, a)),
        (np.exp, (a, a)),
        (np.add.reduce, (a, 0, None, most, True)),
        (np.divide, (a, most, a)),
    ]


def _softmax_slope(z: Array, a: Array, slope: Array) -> Program:
    """The diagonal of the Jacobian."""
    return _sigmoid_slope(z, a, slope)


def _softmax_vjp(z: Array, a: Array, a_grad: Array, z_grad: Array) -> Program:
    mean = np.empty((1, *z.shape[1:]), z.dtype)
    return [
        (np.multiply, (a, a_grad, z_grad)),
        (np.add.reduce, (z_grad, 0, None, mean, True)),
        (np.subtract, (a_grad, mean, z_grad)),
        (np.multiply, (z_grad, a, z_grad)),
    ]


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", "Linear", "z", _linear, _linear_slope, lambda z: z, lambda z, a: "1"),
        Activation(
            "sigmoid",
            "Sigmoid",
            "σ",
            _sigmoid,
            _sigmoid_slope,
            lambda z: rf"\frac{{1}}{{1 + e^{{-{_bracket(z)}}}}}",
            lambda z, a: rf"{_bracket(a)} \, (1 - {_bracket(a)})",
        ),
        Activation(
            "tanh",
            "Tanh",
            "tanh",
            _tanh,
            _tanh_slope,
            lambda z: rf"\tanh({z})",
            lambda z, a: rf"(1 - {_base(a)}^2)",
        ),
        Activation(
            "relu",
            "ReLU",
            "ReLU",
            _relu,
            _positive,
            lambda z: rf"\max(0, {z})",
            lambda z, a: rf"[{z} > 0]",
            note="The derivative at z = 0 is taken as 0.",
        ),
        Activation(
            "leaky_relu",
            "Leaky ReLU",
            "leaky",
            _leaky_relu,
            _leaky_relu_slope,
            lambda z: rf"\max({LEAKY_SLOPE} \cdot {_bracket(z)}, {z})",
            lambda z, a: rf"(1 \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; {LEAKY_SLOPE})",
            note=f"The slope below 0 is {LEAKY_SLOPE}.",
        ),
        Activation(
            "elu",
            "ELU",
            "ELU",
            _elu,
            _elu_slope,
            lambda z: rf"({z} \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; e^{{{z}}} - 1)",
            lambda z, a: rf"(1 \; \mathrm{{if}} \; {z} > 0 \; \mathrm{{else}} \; {a} + 1)",
        ),
        Activation(
            "softplus",
            "Softplus",
            "softplus",
            _softplus,
            _softplus_slope,
            lambda z: rf"\ln(1 + e^{{{z}}})",
            lambda z, a: rf"\frac{{1}}{{1 + e^{{-{_bracket(z)}}}}}",
        ),
        Activation(
            "gelu",
            "GELU",
            "GELU",
            _gelu,
            _gelu_slope,
            lambda z: rf"{_bracket(z)} \cdot \Phi({z})",
            lambda z, a: rf"(\Phi({z}) + {_bracket(z)} \cdot \varphi({z}))",
            note="Φ and φ are the standard normal distribution and its density (the exact form).",
        ),
        Activation(
            "silu",
            "SiLU",
            "SiLU",
            _silu,
            _silu_slope,
            lambda z: rf"{_bracket(z)} \cdot \sigma({z})",
            lambda z, a: rf"\sigma({z}) \, (1 + {_bracket(z)} \, (1 - \sigma({z})))",
        ),
        Activation(
            "sine",
            "Sine",
            "sin",
            _sine,
            _sine_slope,
            lambda z: rf"\sin({z})",
            lambda z, a: rf"\cos({z})",
        ),
        Activation(
            "step",
            "Step",
            "step",
            _step,
            _step_slope,
            lambda z: rf"[{z} > 0]",
            lambda z, a: "0",
            note="The gradient of the step function is 0 wherever it exists, so nothing before it learns.",
        ),
        Activation(
            "softmax",
            "Softmax",
            "softmax",
            _softmax,
            _softmax_slope,
            lambda z: rf"\mathrm{{softmax}}({z})",
            lambda z, a: rf"{_bracket(a)} \, (1 - {_bracket(a)})",
            note="Over all output neurons that use it: their activations add up to 1.",
            vjp=_softmax_vjp,
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
        run(ACTIVATIONS[name].forward(z, a))
    return a


def derivative(name: str, z: Array, a: Array | None = None) -> Array:
    """f'(z), element by element (for softmax the diagonal of its Jacobian).

    `a` is taken for f(z) where the formula has it, such as the a (1 - a) of a sigmoid whose activation is rounded.
    """
    z = np.asarray(z, dtype=float)
    a = evaluate(name, z) if a is None else np.asarray(a, dtype=float)
    slope = np.empty_like(z)
    with np.errstate(over="ignore"):
        run(ACTIVATIONS[name].slope(z, a, slope))
    return slope
