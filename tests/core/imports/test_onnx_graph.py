"""Operators of a graph that may change numbers, or leave them as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import ImportFileError
from core.imports.arrays import read_arrays
from core.imports.new_network import make_project
from core.imports.onnx_graph import GraphReader

onnx = pytest.importorskip("onnx", reason="ONNX files need the library onnx")
helper, TYPES = onnx.helper, onnx.TensorProto
WHOLE = np.array([[2.0, -1.0], [0.0, 3.0]])
CONSTANTS = {
    "w": np.array([[0.7, -1.3], [0.4, 2.6]]),
    "whole": WHOLE,
    "on": np.array(True),
    "off": np.array(False),
    "half": np.array(0.5, np.float32),
}


def weights_of(path: Path, *nodes: Any) -> list[list[float]]:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TYPES.DOUBLE, ["n", 2])],
        [helper.make_tensor_value_info("y", TYPES.DOUBLE, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()],
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
    network = make_project(read_arrays(path))[0].network
    ends = [[network.edge_between(source, target) for source in ("i1", "i2")] for target in ("o1", "o2")]
    return [[network.weight(edge.id) if edge else 0.0 for edge in row] for row in ends]


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(" "), outputs.split(), **attributes)


@pytest.mark.parametrize("kind", ["INT32", "INT64", "INT8", "UINT8", "BOOL", "FLOAT8E5M2", "STRING"])
@pytest.mark.parametrize("constant", ["w", "whole"])
def test_a_constant_goes_through_a_cast_that_keeps_its_numbers(kind: str, constant: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    casts = node("Cast", constant, "c", to=getattr(TYPES, kind)), node("Cast", "c", "d", to=TYPES.DOUBLE)
    if constant == "whole" and kind.startswith("INT"):
        assert weights_of(path, *casts, node("Gemm", "x d", "y", transB=1)) == WHOLE.tolist()
        return
    with pytest.raises(ImportFileError, match="it uses a Cast that changes the numbers of a constant"):
        weights_of(path, *casts, node("Gemm", "x d", "y", transB=1))


def test_dropout_is_passed_on_unless_it_is_in_training(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    for inputs in ("z", "z half", "z half off", "z  off"):
        layers = node("Gemm", "x whole", "z", transB=1), node("Dropout", inputs, "y")
        assert weights_of(path, *layers) == WHOLE.tolist()
    for inputs, words in (("z half on", "it uses Dropout as in training"), ("z half x", "Dropout with “x”, which is")):
        with pytest.raises(ImportFileError, match=words):
            weights_of(path, node("Gemm", "x whole", "z", transB=1), node("Dropout", inputs, "y"))


def test_the_outputs_are_not_gone_through_for_each_sigmoid() -> None:
    class Outputs(list[Any]):
        times = 0

        def __iter__(self) -> Iterator[Any]:
            self.times += 1
            return super().__iter__()

    def times(sigmoids: int) -> int:
        outputs = Outputs([helper.make_tensor_value_info("y0", TYPES.DOUBLE, None)])
        nodes = [node("Gemm", "x whole", "z"), *(node("Sigmoid", "z", f"y{k}") for k in range(sigmoids))]
        inputs = [helper.make_tensor_value_info("x", TYPES.DOUBLE, ["n", 2])]
        graph: Any = SimpleNamespace(node=nodes, input=inputs, output=outputs)
        GraphReader(graph, {"whole": WHOLE}, "a.onnx").read()
        return outputs.times

    assert times(50) == times(1)
