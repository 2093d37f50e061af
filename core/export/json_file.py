"""JSON: what core.export.form.metadata says, with the numbers in it.

Each of the "layers" also has its "weight", a list of rows, one a neuron, and its "bias"; "parameters" has every
parameter by its id. Numbers have every digit that it takes to read the same float64 back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.export.arrays import form_of, named_arrays
from core.export.checked_file import write_checked
from core.export.form import ModelForm, metadata
from core.export.verify import Precision
from core.jobs import Job
from core.project import Project


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write structure and weights as text. Raises ExportError."""

    def put(form: ModelForm, file: Path) -> None:
        file.write_text("".join(_pieces(_content(project, form), "")) + "\n", encoding="utf-8")

    def compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["parameters"] != project.network.values:
            raise ExportError("Nothing was written: the parameters read back with json are others than the network's.")
        arrays = {
            f"layers.{k}.{part}": np.array(layer[part])
            for k, layer in enumerate(content["layers"])
            for part in ("weight", "bias")
        }
        return form_of(content, arrays).outputs_of(x)

    return write_checked(project, path, precision=precision, put=put, compute=compute, where="read back with json")


def _content(project: Project, form: ModelForm) -> dict[str, Any]:
    content: dict[str, Any] = metadata(project, form)
    arrays = named_arrays(form)
    for k, layer in enumerate(content["layers"]):
        layer["weight"] = arrays[f"layers.{k}.weight"].tolist()
        layer["bias"] = arrays[f"layers.{k}.bias"].tolist()
    content["parameters"] = project.network.values
    return content


def _pieces(value: Any, indent: str) -> Iterator[str]:
    """The text of a value: a line an entry, but a list of numbers or texts on one line."""
    is_named = isinstance(value, dict)
    children = value if isinstance(value, dict | list) else []
    if not children or (not is_named and not any(isinstance(child, dict | list) for child in children)):
        yield _encode(value)
        return
    yield "{" if is_named else "["
    inner = indent + "  "
    for place, child in enumerate(children):
        yield f"{',' if place else ''}\n{inner}"
        if is_named:
            yield f"{_encode(child)}: "
        yield from _pieces(value[child] if is_named else child, inner)
    yield f"\n{indent}{'}' if is_named else ']'}"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
