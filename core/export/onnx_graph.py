"""The nodes of an ONNX graph: layers' activations, made of operators that runtimes have in that precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.activations import ELU_ALPHA, LEAKY_SLOPE

# The step and the terms of the series in `_erf`: the next term and the next image of the error are below 1e-16.
ERF_STEP = 0.25
ERF_TERMS = 25
# From here on 1 - erf is less than 1e-16.
ERF_END = 6.0


class Graph:
    """Nodes and initializers as they are added. Each node's output has the node's name."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._constants: set[str] = set()

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node and return its output."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add an initializer, once for each name, and return its name."""
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants.add(name)
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def number(self, value: float) -> str:
        """A number in the graph's precision."""
        return self.constant(f"number {value!r}", np.array(value, self.dtype))

    def rename(self, former: str, name: str) -> None:
        """Give an output another name, wherever it is read."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if one == former else one for one in names]


def add_activation(graph: Graph, activation: str, z: str, name: str) -> str:
    """Add a = f(z), each of shape (rows, neurons), and return a, which is called `name` unless it is z itself."""
    if activation == "linear":
        return z
    operator, attributes, has_float64 = OPERATORS.get(activation, ("", {}, False))
    if operator and (has_float64 or graph.dtype == np.float32):
        return graph.node(operator, [z], name, **attributes)
    return COMPOSED[activation](graph, z, name)


# Operator, attributes, and whether common runtimes (onnxruntime) have it in float64.
OPERATORS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "sigmoid": ("Sigmoid", {}, True),
    "tanh": ("Tanh", {}, True),
    "relu": ("Relu", {}, True),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAKY_SLOPE}, False),
    "elu": ("Elu", {"alpha": ELU_ALPHA}, False),
    "softplus": ("Softplus", {}, False),
    "gelu": ("Gelu", {"approximate": "none"}, False),
    "sine": ("Sin", {}, True),
    "softmax": ("Softmax", {"axis": 1}, True),
}


def _leaky_relu(graph: Graph, z: str, name: str) -> str:
    """max(z, s z)."""
    return graph.node("Max", [z, graph.node("Mul", [z, graph.number(LEAKY_SLOPE)], f"{name}.scaled")], name)


def _elu(graph: Graph, z: str, name: str) -> str:
    """z above 0, else α (e^z - 1)."""
    zero = graph.number(0.0)
    power = graph.node("Exp", [graph.node("Min", [z, zero], f"{name}.negative")], f"{name}.exp")
    below = graph.node("Sub", [power, graph.number(1.0)], f"{name}.below")
    scaled = graph.node("Mul", [below, graph.number(ELU_ALPHA)], f"{name}.scaled")
    return graph.node("Where", [graph.node("Greater", [z, zero], f"{name}.positive"), z, scaled], name)


def _softplus(graph: Graph, z: str, name: str) -> str:
    """max(z, 0) + ln(1 + e^-|z|), which never overflows."""
    size = graph.node("Neg", [graph.node("Abs", [z], f"{name}.size")], f"{name}.negative")
    power = graph.node("Exp", [size], f"{name}.exp")
    rest = graph.node("Log", [graph.node("Add", [power, graph.number(1.0)], f"{name}.sum")], f"{name}.log")
    return graph.node("Add", [graph.node("Max", [z, graph.number(0.0)], f"{name}.positive"), rest], name)


def _silu(graph: Graph, z: str, name: str) -> str:
    """z σ(z)."""
    return graph.node("Mul", [z, graph.node("Sigmoid", [z], f"{name}.sigmoid")], name)


def _step(graph: Graph, z: str, name: str) -> str:
    """1 where z > 0, else 0."""
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    return graph.node("Cast", [graph.node("Greater", [z, graph.number(0.0)], f"{name}.positive")], name, to=kind)


def _gelu(graph: Graph, z: str, name: str) -> str:
    """z (1 + erf(z / √2)) / 2."""
    erf = _erf(graph, graph.node("Mul", [z, graph.number(math.sqrt(0.5))], f"{name}.scaled"), f"{name}.erf")
    twice = graph.node("Mul", [z, graph.node("Add", [erf, graph.number(1.0)], f"{name}.sum")], f"{name}.twice")
    return graph.node("Mul", [twice, graph.number(0.5)], name)


def _erf(graph: Graph, x: str, name: str) -> str:
    """The error function, for runtimes that have no Erf in float64.

    erf(x) = 2/π ∫ e^(-t²) sin(2 x t) / t dt over t > 0, by the trapezoidal rule with the step h, which for this
    integral is exact but for images of the function π/h away: 2/π (h x + Σ e^(-(n h)²) sin(2 n h x) / n).
    """
    n = np.arange(1, ERF_TERMS + 1)
    h = ERF_STEP
    frequencies = graph.constant("erf.frequencies", (2.0 * h * n).astype(graph.dtype))
    weights = graph.constant("erf.weights", (2.0 / math.pi * np.exp(-((n * h) ** 2)) / n).astype(graph.dtype))
    axis = graph.constant("erf.axis", np.array([2], np.int64))
    least = graph.node("Max", [x, graph.number(-ERF_END)], f"{name}.least")
    x = graph.node("Min", [least, graph.number(ERF_END)], f"{name}.x")
    angles = graph.node("Mul", [graph.node("Unsqueeze", [x, axis], f"{name}.column"), frequencies], f"{name}.angles")
    waves = graph.node("MatMul", [graph.node("Sin", [angles], f"{name}.sines"), weights], f"{name}.waves")
    line = graph.node("Mul", [x, graph.number(2.0 / math.pi * h)], f"{name}.line")
    return graph.node("Add", [waves, line], name)


COMPOSED: dict[str, Callable[[Graph, str, str], str]] = {
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "gelu": _gelu,
    "silu": _silu,
    "step": _step,
}
