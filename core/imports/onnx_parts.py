"""The constants and attributes in an ONNX graph, whose sizes core.imports.onnx_model has checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.file_problems import shorten
from core.imports.records import Array, as_numbers, refuse

if TYPE_CHECKING:
    import onnx

T = TypeVar("T")

# A constant's attributes that hold plain numbers, and the fields they are in.
_PLAIN = {"value_float": "f", "value_int": "i", "value_floats": "floats", "value_ints": "ints"}


def check_once(tensors: Iterable[str], name: str) -> None:
    """Refuse tensors of one name in the file called `name`."""
    double = next((tensor for tensor, count in Counter(tensors).items() if count > 1), None)
    if double is not None:
        refuse(name, f"its tensor “{shorten(double)}” is there twice: export it again.")


def read_tensor(tensor: onnx.TensorProto, name: str) -> Array:
    """The numbers of a tensor in the file called `name`, in its own shape. Raises ImportFileError."""
    from onnx import TensorProto, numpy_helper

    label = shorten(tensor.name) or "a constant"
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        refuse(
            name,
            f"{label} lies in another file: save the model with its weights in it (for PyTorch, external_data=False).",
        )
    kinds = {
        *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.BOOL),
        *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
        *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
    }
    if tensor.data_type not in kinds:
        refuse(name, f"{label} holds numbers of an unknown kind: save it as float32.")
    try:
        values: NDArray[Any] = numpy_helper.to_array(tensor)
    except (ValueError, TypeError):
        refuse(name, f"{label} is not as long as it says: save it anew.")
    return as_numbers(values, name=name, array=tensor.name)


def read_constant(node: onnx.NodeProto, name: str) -> Array:
    """What a Constant holds, in the file called `name`."""
    found = next((one for one in node.attribute if one.name == "value" or one.name in _PLAIN), None)
    if found is None:
        refuse(name, f"its constant {shorten(node.name)} holds no numbers: only dense layers can be drawn.")
    if found.name == "value":
        return read_tensor(found.t, name)
    return as_numbers(np.array(getattr(found, _PLAIN[found.name])), name=name, array=node.name)


def read_attribute(node: onnx.NodeProto, key: str, default: T, *, name: str) -> T:
    """An attribute of a node, which has to be of the same type as `default`, its value where it is not given."""
    from onnx import helper

    found = next((one for one in node.attribute if one.name == key), None)
    if found is None:
        return default
    try:
        value: Any = helper.get_attribute_value(found)
    except ValueError:
        value = None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    is_same = isinstance(value, type(default))
    if not is_same or (isinstance(value, list) and not all(isinstance(one, int) for one in value)):
        refuse(name, f"the attribute {key} of {shorten(node.name or node.op_type)} is none that it can have.")
    found_value: T = value
    return found_value
