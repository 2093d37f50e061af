"""NumPy's own file of named arrays (.npz), without pickle; for the names see core.export.arrays.

The array "nnviz" is a text: what core.export.form.metadata says, as JSON.
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
        described = np.array(json.dumps(metadata(project, form), allow_nan=False))
        # To an open file, since to a name without the ending NumPy would add it.
        with file.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **named_arrays(form), nnviz=described)

    return write_checked(project, path, precision=precision, put=put, compute=_compute, where="read back with numpy")


def _compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
    with np.load(file, allow_pickle=False) as opened:
        arrays = dict(opened)
    return form_of(json.loads(arrays["nnviz"].item()), arrays).outputs_of(x)
