"""An ONNX graph made of dense layers and known activations, as the layers of a network.

The graph is read, never run. On the way through it a tensor is a list of rows, each of which is a neuron already, or a
sum that will become one. The operators: https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from msgspec.structs import replace

from core.activations import ELU_ALPHA, LEAKY_SLOPE
from core.file_problems import shorten
from core.file_records import MAX_NEURONS
from core.imports.growing import GrowingNetwork, Row, Sum
from core.imports.onnx_parts import T, check_once, read_attribute, read_constant
from core.imports.records import Array, NamedArrays, refuse

if TYPE_CHECKING:
    import onnx


# Each activation by its operator; the attribute that it can have, and its only value that gives the same function.
ACTIVATIONS: dict[str, tuple[str, str, float | str]] = {
    "Sigmoid": ("sigmoid", "", ""),
    "Tanh": ("tanh", "", ""),
    "Relu": ("relu", "", ""),
    "LeakyRelu": ("leaky_relu", "alpha", LEAKY_SLOPE),
    "Elu": ("elu", "alpha", ELU_ALPHA),
    "Softplus": ("softplus", "", ""),
    "Gelu": ("gelu", "approximate", "none"),
    "Swish": ("silu", "alpha", 1.0),
    "Sin": ("sine", "", ""),
    "Softmax": ("softmax", "", ""),
}
# Numbers that a Cast can lead to, by ONNX's own: those that it leaves as they are but for rounding, and the others.
FLOATS = (1, 10, 11)
WHOLES = {2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 12: "u4", 13: "u8"}
# Rows that all tensors have together: a layer's go through a few of them.
MOST_ROWS = 1_000_000
# From here on PyTorch takes z for its softplus, which is the same to 2e-9.
SOFTPLUS_END = 20.0


class GraphReader:
    """Goes through a graph once, node after node; `rows` and `constants` hold its tensors by name."""

    def __init__(self, graph: onnx.GraphProto, constants: dict[str, Array], name: str) -> None:
        self.graph, self.constants, self.name = graph, dict(constants), name
        self.rows: dict[str, list[Row]] = {}
        self.rows_left = MOST_ROWS
        # z > number: the name of z, its rows, and the number.
        self.comparisons: dict[str, tuple[str, list[Row], float]] = {}
        self.network = GrowingNetwork(name)
        self.outputs = {value.name for value in graph.output}
        self.producers = {output: node for node in graph.node for output in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for one in node.input:
                self.readers.setdefault(one, []).append(node)
        self.operators: dict[str, Callable[[onnx.NodeProto], list[Row]]] = {
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Add": self._add,
            "Mul": self._mul,
            "Concat": self._concat,
            "Gather": self._gather,
            "Cast": self._cast,
            "Where": self._where,
            "Flatten": self._flatten,
            "Identity": self._pass_on,
            "Dropout": self._dropout,
        }

    def read(self) -> NamedArrays:
        """The graph's network. Raises ImportFileError, naming the operator, where it is no such graph."""
        inputs = [value for value in self.graph.input if value.name not in self.constants]
        made = (output for node in self.graph.node for output in node.output if output)
        check_once((*self.constants, *(value.name for value in inputs), *made), self.name)
        for value in inputs:
            self.rows[value.name] = list(self.network.add([Sum({})] * self._width(value), ""))
        for node in self.graph.node:
            self._run(node)
        outputs: list[int] = []
        for value in self.graph.output:
            for place in self._places(value.name):
                # An input, or a neuron that is an output already, is handed on by a neuron of its own.
                is_free = self.network.activations[place] and place not in outputs
                outputs.append(place if is_free else self.network.add([Sum({place: 1.0})], "linear")[0])
        return self.network.described(outputs)

    def _width(self, value: onnx.ValueInfoProto) -> int:
        dimensions = value.type.tensor_type.shape.dim
        if len(dimensions) != 2 or dimensions[1].dim_value < 1:
            refuse(
                self.name,
                f"its input “{shorten(value.name)}” is no table with a fixed number of columns: export the model for "
                "inputs of shape (rows, columns).",
            )
        count = int(dimensions[1].dim_value)
        self.network.check_count(count)
        return count

    def _run(self, node: onnx.NodeProto) -> None:
        operator = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        if not node.output or self._is_gate(node):
            return
        output = node.output[0]
        if operator == "Constant":
            self.constants[output] = read_constant(node, self.name)
        elif operator in ("Transpose", "Identity", "Cast") and node.input and node.input[0] in self.constants:
            found = self.constants[node.input[0]]
            if operator == "Cast":
                self._check_cast(node, found)
            self.constants[output] = self._transposed(node, found) if operator == "Transpose" else found
        elif operator == "Greater":
            self._compare(node)
        elif operator in ACTIVATIONS:
            self.rows[output] = self._activate(node, operator)
        elif operator in self.operators:
            self.rows[output] = self.operators[operator](node)
            if len(self.rows[output]) > MAX_NEURONS:
                self._refuse_operator(node, f"a layer of more than {MAX_NEURONS:,} neurons")
        else:
            self._refuse_operator(node, f"the operator {shorten(operator)}")
        self.rows_left -= len(self.rows.get(output, ()))
        if self.rows_left < 0:
            refuse(self.name, f"the tensors of its graph have more than {MOST_ROWS:,} columns together: simplify it.")

    def _refuse_operator(self, node: onnx.NodeProto, what: str) -> NoReturn:
        refuse(
            self.name,
            f"it uses {what} ({shorten(node.name or node.op_type)}); only dense layers (Gemm, MatMul, Add) and the "
            f"activations {', '.join(ACTIVATIONS)} can be drawn.",
        )

    # Tensors

    def _rows(self, node: onnx.NodeProto, number: int = 0) -> list[Row]:
        """An input of a node that depends on the network's inputs."""
        name = node.input[number] if number < len(node.input) else ""
        if name not in self.rows:
            self._refuse_operator(node, f"{shorten(node.op_type)} of “{shorten(name)}”, which is no layer,")
        return self.rows[name]

    def _fixed(self, node: onnx.NodeProto, number: int, dimensions: int | None = None) -> Array:
        """An input of a node that is a constant."""
        name = node.input[number] if number < len(node.input) else ""
        found = self.constants.get(name)
        if found is None or (dimensions is not None and found.ndim != dimensions):
            self._refuse_operator(
                node, f"{shorten(node.op_type)} with “{shorten(name)}”, which is no array of weights,"
            )
        return found

    def _transposed(self, node: onnx.NodeProto, array: Array) -> Array:
        order = self._attribute(node, "perm", list(range(array.ndim))[::-1])
        if sorted(order) != list(range(array.ndim)):
            self._refuse_operator(node, "an impossible Transpose")
        return array.transpose(order)

    def _check_cast(self, node: onnx.NodeProto, array: Array) -> None:
        """Refuse a Cast that makes other numbers of a constant."""
        kind = self._attribute(node, "to", 0)
        if kind in FLOATS:
            return
        with np.errstate(invalid="ignore"):
            is_kept = kind in WHOLES and np.array_equal(array.astype(WHOLES[kind]).astype(np.float64), array)
        if not is_kept:
            self._refuse_operator(node, "a Cast that changes the numbers of a constant")

    def _attribute(self, node: onnx.NodeProto, key: str, default: T) -> T:
        return read_attribute(node, key, default, name=self.name)

    # From sums to neurons

    def _places(self, name: str) -> list[int]:
        """A tensor as neurons: its sums become linear ones, once for all that read it."""
        rows = self.rows.get(name)
        if rows is None:
            refuse(self.name, f"its tensor “{shorten(name)}” comes from no input.")
        made = iter(self.network.add([row for row in rows if isinstance(row, Sum)], "linear"))
        places = [next(made) if isinstance(row, Sum) else row for row in rows]
        self.rows[name] = list(places)
        return places

    def _activate(self, node: onnx.NodeProto, operator: str) -> list[Row]:
        activation, option, wanted = ACTIVATIONS[operator]
        if option:
            found = self._attribute(node, option, wanted)
            # In the file they are float32.
            if found != wanted and (isinstance(wanted, str) or found != np.float32(wanted)):
                self._refuse_operator(node, f"{operator} with {option} = {found}, where only {wanted} is known,")
        is_whole = self._attribute(node, "axis", -1) in (1, -1) and "softmax" not in self.network.activations
        if activation == "softmax" and not is_whole:
            self._refuse_operator(node, "a Softmax over something else than all outputs")
        return self._apply(self._rows(node), activation)

    def _apply(self, rows: list[Row], activation: str) -> list[Row]:
        sums = [row if isinstance(row, Sum) else Sum({row: 1.0}) for row in rows]
        return list(self.network.add(sums, activation))

    # Operators

    def _linear(self, node: onnx.NodeProto, weight: Array, bias: Array | None) -> list[Row]:
        """Weight of shape (neurons, sources)."""
        rows = self._rows(node)
        if weight.shape[1] != len(rows):
            self._refuse_operator(node, f"{node.op_type} of {len(rows)} columns with weights for {weight.shape[1]},")
        self.network.check_count(len(weight))
        self.network.spend(weight.size)
        places = self._places(node.input[0])
        found: list[Row] = []
        for line in weight.tolist():
            terms: dict[int, float] = {}
            for place, number in zip(places, line, strict=True):
                terms[place] = terms.get(place, 0.0) + number
            found.append(Sum(terms))
        return found if bias is None else self._shifted(node, found, bias)

    def _shifted(self, node: onnx.NodeProto, rows: list[Row], bias: Array) -> list[Row]:
        # A third dimension would be one of the sum too.
        if bias.size not in (1, len(rows)) or any(size != 1 for size in bias.shape[:-1]) or bias.ndim > 2:
            self._refuse_operator(node, f"{node.op_type} of {len(rows)} columns and an array of another shape")
        sums = [row if isinstance(row, Sum) else Sum({row: 1.0}) for row in rows]
        numbers = np.broadcast_to(bias.reshape(-1), len(rows)).tolist()
        return [replace(one, bias=one.bias + number) for one, number in zip(sums, numbers, strict=True)]

    def _gemm(self, node: onnx.NodeProto) -> list[Row]:
        if self._attribute(node, "transA", 0):
            self._refuse_operator(node, "Gemm with transA")
        weight = self._fixed(node, 1, 2) * self._attribute(node, "alpha", 1.0)
        bias = None
        if len(node.input) > 2 and node.input[2]:
            bias = self._fixed(node, 2) * self._attribute(node, "beta", 1.0)
        return self._linear(node, weight if self._attribute(node, "transB", 0) else weight.T, bias)

    def _matmul(self, node: onnx.NodeProto) -> list[Row]:
        return self._linear(node, self._fixed(node, 1, 2).T, None)

    def _add(self, node: onnx.NodeProto) -> list[Row]:
        if self._attribute(node, "axis", -1) not in (1, -1):
            # Before operator set 7.
            self._refuse_operator(node, "Add along the rows")
        fixed = [one for one in node.input if one in self.constants]
        if len(fixed) == 1:
            number = list(node.input).index(fixed[0])
            return self._shifted(node, self._rows(node, 1 - number), self.constants[fixed[0]])
        first, second = self._rows(node, 0), self._rows(node, 1)
        if len(first) != len(second):
            self._refuse_operator(node, "Add of layers of different size")
        found: list[Row] = []
        for pair in zip(first, second, strict=True):
            one, other = (row if isinstance(row, Sum) else Sum({row: 1.0}) for row in pair)
            places = {**one.terms, **other.terms}
            terms = {place: one.terms.get(place, 0.0) + other.terms.get(place, 0.0) for place in places}
            self.network.spend(len(terms))
            found.append(Sum(terms, one.bias + other.bias))
        return found

    def _is_gate(self, node: onnx.NodeProto) -> bool:
        """Whether this is the sigmoid in x * sigmoid(x), read by that product alone."""
        if (
            node.op_type != "Sigmoid"
            or node.domain not in ("", "ai.onnx")
            or not node.input
            or node.output[0] in self.outputs
        ):
            return False
        readers = self.readers.get(node.output[0], [])
        return len(readers) == 1 and readers[0].op_type == "Mul" and node.input[0] in readers[0].input

    def _mul(self, node: onnx.NodeProto) -> list[Row]:
        names = list(node.input)
        for z, gate in (names, names[::-1]) if len(names) == 2 else ():
            producer = self.producers.get(gate)
            if z in self.rows and producer is not None and (producer.op_type, *producer.input) == ("Sigmoid", z):
                return self._apply(self.rows[z], "silu")
        return self._refuse_operator(node, "a product of layers other than z times its Sigmoid")

    def _compare(self, node: onnx.NodeProto) -> None:
        """Remember z > number, which is no layer by itself."""
        number = self._fixed(node, 1)
        if number.size != 1 or number.ndim > 2:
            self._refuse_operator(node, "Greater than an array")
        self.comparisons[node.output[0]] = node.input[0], self._rows(node), float(number.reshape(-1)[0])

    def _cast(self, node: onnx.NodeProto) -> list[Row]:
        if self._attribute(node, "to", 0) not in FLOATS:
            self._refuse_operator(node, "Cast to something else than floating-point numbers")
        if not node.input or node.input[0] not in self.comparisons:
            return self._rows(node)
        _, rows, number = self.comparisons[node.input[0]]
        if number != 0.0:
            self._refuse_operator(node, f"a step at {number:g}, where only one at 0 is known,")
        return self._apply(rows, "step")

    def _where(self, node: onnx.NodeProto) -> list[Row]:
        """PyTorch's softplus: z where it is large."""
        names = list(node.input)
        z, _, number = self.comparisons.get(names[0] if names else "", ("", [], 0.0))
        below = self.producers.get(names[2]) if len(names) == 3 else None
        is_softplus = below is not None and below.op_type == "Softplus" and list(below.input) == [z]
        if not is_softplus or names[1] != z or number < SOFTPLUS_END:
            self._refuse_operator(node, "the operator Where")
        return self._rows(node, 2)

    def _concat(self, node: onnx.NodeProto) -> list[Row]:
        if self._attribute(node, "axis", 0) not in (1, -1):
            self._refuse_operator(node, "Concat of rows")
        found: list[Row] = []
        for number in range(len(node.input)):
            found += self._rows(node, number)
            self.network.check_count(len(found))
        return found

    def _gather(self, node: onnx.NodeProto) -> list[Row]:
        rows, places = self._rows(node), self._fixed(node, 1, 1)
        if self._attribute(node, "axis", 0) not in (1, -1):
            self._refuse_operator(node, "Gather of rows")
        if len(places) > MAX_NEURONS or not ((-len(rows) <= places) & (places < len(rows))).all():
            self._refuse_operator(node, "an impossible Gather")
        return [rows[int(place)] for place in places]

    def _flatten(self, node: onnx.NodeProto) -> list[Row]:
        if self._attribute(node, "axis", 1) not in (1, -1):
            self._refuse_operator(node, "Flatten of rows")
        return self._rows(node)

    def _dropout(self, node: onnx.NodeProto) -> list[Row]:
        mode = node.input[2] if len(node.input) > 2 else ""
        if mode and self._fixed(node, 2).any():
            self._refuse_operator(node, "Dropout as in training, which gives other outputs each time")
        return self._rows(node)

    def _pass_on(self, node: onnx.NodeProto) -> list[Row]:
        return self._rows(node)
