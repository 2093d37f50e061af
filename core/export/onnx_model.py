"""ONNX: a model that many runtimes run, for any number of rows.

The input is "inputs", shape (rows, inputs), the output "outputs", shape (rows, outputs). The k-th layer, counted from
0, is a Gemm "layers.k" with the initializers "layers.k.weight", shape (neurons, sources), and "layers.k.bias"; its
activation is "layers.k.a". A layer that does not read exactly one other gathers its sources. The metadata property
"nnviz" is what core.export.form.metadata says, as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.export.blocks import reading
from core.export.checked_file import write_checked
from core.export.form import ModelForm, metadata
from core.export.onnx_graph import Graph, add_activation
from core.export.verify import Precision
from core.jobs import Job, Written
from core.project import Project

# The first with Gelu. Its files have IR version 9; onnxruntime reads both from 1.17 on.
OPSET = 20
IR_VERSION = 9

# So many rows the reference evaluator gets at once, which keeps its arrays small.
ROWS_A_CALL = 250


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the model. Raises ExportError, also where onnx is not installed."""
    onnx = _import_onnx()

    def put(form: ModelForm, file: Path) -> None:
        model = make_model(project, form)
        onnx.checker.check_model(model, full_check=True)
        onnx.save_model(model, file)

    def compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
        from onnx.reference import ReferenceEvaluator

        session: Any = ReferenceEvaluator(str(file))
        pieces = [x[start : start + ROWS_A_CALL] for start in range(0, len(x), ROWS_A_CALL)]
        # Its exponentials overflow where they should.
        with np.errstate(all="ignore"):
            return np.concatenate([session.run(None, {"inputs": piece.astype(precision)})[0] for piece in pieces])

    written = yield from write_checked(
        project, path, precision=precision, put=put, compute=compute, where="run by onnx's reference evaluator"
    )
    sentence = f"ONNX opset {OPSET}, {precision}: input “inputs”, output “outputs”, their first dimension is free."
    return Written(written.paths, (*written.sentences[:2], sentence, *written.sentences[2:]))


def make_model(project: Project, form: ModelForm) -> Any:
    """The onnx.ModelProto of a form, in the precision of its numbers."""
    onnx = _import_onnx()
    helper = onnx.helper
    graph = Graph(form.layers[0].weight.dtype)
    # By block: the inputs, then the activations of each layer.
    blocks = ["inputs"]
    for k, layer in enumerate(form.layers):
        name = f"layers.{k}"
        weight, bias = graph.constant(f"{name}.weight", layer.weight), graph.constant(f"{name}.bias", layer.bias)
        sources = _read(graph, blocks, form, places=layer.sources, name=f"{name}.sources")
        z = graph.node("Gemm", [sources, weight, bias], name, transB=1)
        blocks.append(add_activation(graph, layer.activation, z, f"{name}.a"))
    graph.rename(_read(graph, blocks, form, places=form.outputs, name="gathered"), "outputs")
    names = form.names
    described = json.dumps(metadata(project, form), allow_nan=False)
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    made = helper.make_graph(
        graph.nodes,
        "nnviz",
        [_value(helper, "inputs", kind, form.inputs)],
        [_value(helper, "outputs", kind, [names[place] for place in form.outputs])],
        graph.initializers,
        doc_string=project.title,
    )
    model = helper.make_model(
        made,
        producer_name="nnviz",
        doc_string=f"{project.title}\n{form.description}".strip(),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {"nnviz": described})
    return model


def _read(graph: Graph, blocks: list[str], form: ModelForm, *, places: tuple[int, ...], name: str) -> str:
    """The neurons at these places side by side, from as few of the `blocks` as possible."""
    found = reading(form, places)
    chosen = [blocks[block] for block in found.blocks]
    joined = chosen[0] if len(chosen) == 1 else graph.node("Concat", chosen, f"{name}.joined", axis=1)
    if found.columns is None:
        return joined
    columns = graph.constant(f"{name}.columns", np.array(found.columns, np.int64))
    return graph.node("Gather", [joined, columns], name, axis=1)


def _value(helper: ModuleType, name: str, kind: int, neurons: list[str] | tuple[str, ...]) -> Any:
    return helper.make_tensor_value_info(
        name, kind, ["rows", len(neurons)], doc_string=f"One row a sample; the columns are {', '.join(neurons)}."
    )


def _import_onnx() -> ModuleType:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
    except ImportError:
        raise ExportError('ONNX files need the library onnx: install it with pip install "nnviz[onnx]".') from None
    module: ModuleType = onnx
    return module
