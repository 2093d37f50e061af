"""Safetensors: named arrays that most frameworks read; for the names see core.export.arrays.

Its metadata are texts: "nnviz", what core.export.form.metadata says, as JSON, and for those who look into the file
"format", "version", "form", "loss" and "activations" (one a layer, with commas between).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.arrays import form_of, named_arrays
from core.export.checked_file import write_checked
from core.export.form import ModelForm, metadata
from core.export.verify import Precision
from core.jobs import Job
from core.project import Project


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the weights as named arrays of `precision`. Raises ExportError."""

    def put(form: ModelForm, file: Path) -> None:
        from safetensors.numpy import save

        # It takes the memory as it lies: arrays have to be in the order of their rows.
        arrays = {name: np.ascontiguousarray(array) for name, array in named_arrays(form).items()}
        file.write_bytes(save(arrays, told_in(project, form)))

    return write_checked(
        project, path, precision=precision, put=put, compute=_compute, where="read back with safetensors"
    )


def told_in(project: Project, form: ModelForm) -> dict[str, str]:
    """The metadata of a safetensors file."""
    told = metadata(project, form)
    return {
        "nnviz": json.dumps(told, allow_nan=False),
        **{name: str(told[name]) for name in ("format", "version", "form", "loss")},
        "activations": ",".join(layer.activation for layer in form.layers),
    }


def _compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as opened:
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no dictionary
        described = json.loads(opened.metadata()["nnviz"])
    return form_of(described, arrays).outputs_of(x)
