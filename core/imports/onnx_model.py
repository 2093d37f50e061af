"""Networks from ONNX files: our own, and others made of Gemm, MatMul, Add and the activations that are known here.

Our own come back by the notes in them, others by what their graph says (core.imports.onnx_graph).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.json_text import decode_json
from core.imports.onnx_graph import GraphReader
from core.imports.onnx_parts import check_once, read_tensor
from core.imports.onnx_wire import check_wire
from core.imports.records import MOST_ARRAYS, NamedArrays, Room, read_notes, refuse

if TYPE_CHECKING:
    import onnx

# Inputs and outputs of a graph; each can have as many columns as there are neurons.
MOST_ENDS = 500


def read_onnx(data: bytes, name: str) -> NamedArrays:
    """The network in the bytes of an ONNX file, with notes. Raises ImportFileError, naming an operator not known."""
    try:
        import onnx

        damaged: type[Exception] = importlib.import_module("google.protobuf.message").DecodeError
    except ImportError:
        raise ImportFileError(
            f'{name}: reading ONNX files needs the library onnx: install it with pip install "nnviz[onnx]".'
        ) from None
    check_wire(data, onnx.ModelProto.DESCRIPTOR, name)
    try:
        model = onnx.load_model_from_string(data)
    except (damaged, UnicodeDecodeError, ValueError):
        refuse(name, "it is not a whole ONNX file: save it anew.")
    graph = model.graph
    if len(graph.node) > MOST_ARRAYS or len(graph.initializer) > MOST_ARRAYS:
        refuse(name, f"its graph is too large; up to {MOST_ARRAYS:,} operators can be read.")
    # Files of old list their initializers among the inputs.
    if len(graph.input) > MOST_ENDS + len(graph.initializer) or len(graph.output) > MOST_ENDS:
        refuse(name, f"it has more than {MOST_ENDS} inputs or outputs, each a table: join them into one.")
    if not all(isinstance(text, str) for text in _texts(model)):
        # Texts that are none in UTF-8 come as bytes.
        refuse(name, "it is not a whole ONNX file: save it anew.")
    room = Room(name)
    for tensor in (*graph.initializer, *(one.t for node in graph.node for one in node.attribute if one.HasField("t"))):
        room.take(tensor.dims, tensor.name or "a constant")
    check_once([tensor.name for tensor in graph.initializer], name)
    constants = {tensor.name: read_tensor(tensor, name) for tensor in graph.initializer}
    for prop in model.metadata_props:
        if prop.key == "nnviz":
            notes = read_notes(decode_json(prop.value, name=name, what="its entry “nnviz”"), name)
            if notes is not None:
                # Beside them may be what the layers read and mask.
                ours = re.compile(r"layers\.\d+\.(weight|bias)")
                arrays = {key: values for key, values in constants.items() if ours.fullmatch(key)}
                return NamedArrays(name, arrays=arrays, notes=notes)
    redefined = next((function.name for function in model.functions if function.domain in ("", "ai.onnx")), None)
    if redefined is not None:
        refuse(
            name,
            f"it defines the operator {shorten(redefined)} anew, so nobody can tell what it does: export it again.",
        )
    return GraphReader(graph, constants, name).read()


def _texts(model: onnx.ModelProto) -> Iterator[object]:
    """Every name in a model."""
    graph = model.graph
    for named in (*graph.initializer, *graph.input, *graph.output):
        yield named.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.t.name for attribute in node.attribute)
    for function in model.functions:
        yield from (function.name, function.domain)
    for prop in model.metadata_props:
        yield from (prop.key, prop.value)
