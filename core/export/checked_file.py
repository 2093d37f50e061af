"""One file, written from the model's form, and tried as it stands on the disk before it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.form import ModelForm, model_form, remarks
from core.export.verify import Precision, check, make_trial
from core.jobs import Job, Progress, Written
from core.project import Project
from core.whole_files import new_file

Array = NDArray[np.floating[Any]]


def write_checked(
    project: Project,
    path: Path,
    *,
    precision: Precision,
    put: Callable[[ModelForm, Path], None],
    compute: Callable[[Path, Array], Array],
    where: str,
) -> Job:
    """Write a file and check what it computes.

    `put(form, file)` writes it. `compute(file, x)` reads it as its users do and gives its outputs, shape (rows,
    outputs), for inputs `x`, shape (rows, inputs); `where` says what computed them. Raises ExportError where the
    network has no such form, nothing can be written there, or the outputs differ; then the former file stays.
    """
    yield Progress(0, 4, "Collecting the parameters")
    form = model_form(project.network, precision)
    yield Progress(1, 4, "Computing the engine's outputs")
    trial = make_trial(project)
    with new_file(path) as temporary:
        yield Progress(2, 4, f"Writing {path.name}")
        put(form, temporary)
        yield Progress(3, 4, f"Checking {path.name}")
        sentence = check(trial, compute(temporary, trial.x), precision, where)
        yield Progress(4, 4, f"Checked {path.name}")
    return Written((path,), (form.description, sentence, *remarks(project)))
