"""PyTorch: a folder with model.py, its weights, the data, and train.py, which goes on training them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.export import safetensors
from core.export.child import run_python
from core.export.form import ModelForm, model_form, remarks
from core.export.pytorch_parts import memory_arrays, model_source, train_source
from core.export.source_text import fill_template, plain_title
from core.export.verify import Precision, check, make_trial
from core.jobs import Job, Progress, Written
from core.project import Project
from core.whole_files import new_folder

Array = NDArray[np.floating[Any]]

# What says that a file is of such an export: a text near the beginning of one, a key in the metadata of another.
TEXT_MARKS = {
    "model.py": "A neural network in PyTorch, exported from nnviz.",
    "train.py": "Goes on training the network of model.py, from where nnviz left it",
    "README.md": "exported from nnviz for PyTorch.",
}
TENSOR_MARKS = {
    "weights.safetensors": "nnviz",
    "weights.state.safetensors": "optimizer_updates",
    "data.safetensors": "targets",
}
# So far into a text its mark is looked for, in letters.
BEGINNING = 1000

# Run by another process in the written folder: the outputs of the model for inputs in a file, to another file.
_CHECK = """
import sys
from model import DTYPE, load_model
import numpy as np
import torch
x = torch.from_numpy(np.load(sys.argv[1])).to(DTYPE)
with torch.no_grad():
    np.save(sys.argv[2], load_model()(x).numpy())
"""


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the folder `path`. Raises ExportError, also where it would replace a file that is not of such an export.

    Where PyTorch is installed another process loads the model and computes the outputs that are checked.
    """
    yield Progress(0, 4, "Collecting the parameters")
    form = model_form(project.network, precision)
    former_files(path)
    with new_folder(path) as folder:
        yield Progress(1, 4, f"Writing {path.name}")
        (folder / "model.py").write_text(model_source(project, form, precision), "utf-8")
        (folder / "train.py").write_text(train_source(project, form), "utf-8")
        (folder / "README.md").write_text(_readme(project, form), "utf-8")
        write_data(project, folder / "data.safetensors", precision)
        write_state(project, form, folder / "weights.state.safetensors")
        weights = yield from _write_weights(project, folder / "weights.safetensors", precision)
        yield Progress(3, 4, "Checking model.py")
        sentences = yield from _check(project, folder, precision, weights)
        yield Progress(4, 4, "Checked model.py")
    return Written((path,), (form.description, *sentences, *train_remarks(project), *remarks(project)))


def former_files(folder: Path) -> tuple[str, ...]:
    """The files of a former export that one into this folder would replace.

    Raises ExportError where one of them is not of such an export.
    """
    former = tuple(name for name in (*TEXT_MARKS, *TENSOR_MARKS) if (folder / name).is_file())
    for name in former:
        if not _is_own(folder / name):
            raise ExportError(
                f"{folder / name} is of no PyTorch export, but one would replace it: choose a folder that is free."
            )
    return former


def _is_own(file: Path) -> bool:
    """Whether a file that is there was written by such an export."""
    from safetensors import SafetensorError, safe_open

    try:
        if file.name in TEXT_MARKS:
            with file.open(encoding="utf-8", errors="replace") as opened:
                return TEXT_MARKS[file.name] in opened.read(BEGINNING)
        with safe_open(file, framework="numpy") as tensors:
            return TENSOR_MARKS[file.name] in (tensors.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _check(
    project: Project, folder: Path, precision: Precision, weights: Written
) -> Generator[Progress, None, tuple[str, ...]]:
    # Looked for, not imported: it would take seconds and a few hundred megabytes of this process.
    if importlib.util.find_spec("torch") is None:
        return weights.sentences[1], "PyTorch is not installed here, so model.py itself was not run."
    trial = make_trial(project)
    with tempfile.TemporaryDirectory() as place:
        given, found = Path(place, "x.npy"), Path(place, "y.npy")
        np.save(given, trial.x)
        yield from run_python(_CHECK, [str(given), str(found)], folder=folder, what="PyTorch loads model.py")
        return (check(trial, np.load(found), precision, "computed by model.py with PyTorch"),)


def _write_weights(project: Project, path: Path, precision: Precision) -> Job:
    job = safetensors.write(project, path, precision=precision)
    with contextlib.closing(job):
        while True:
            try:
                part = next(job)
            except StopIteration as stop:
                written: Written = stop.value
                return written
            yield Progress(2, 4, part.what)


def write_data(project: Project, path: Path, precision: Precision) -> None:
    """Write the table as the network sees it. Raises ExportError where a value is too large for the precision."""
    from safetensors.numpy import save

    inputs = [neuron.id for neuron in project.network.inputs]
    outputs = [neuron.id for neuron in project.network.outputs]
    dataset = project.dataset
    x, y = (dataset.matrix(names) if dataset.rows else np.zeros((0, len(names))) for names in (inputs, outputs))
    with np.errstate(over="ignore"):
        arrays = {"x": x.astype(precision), "y": y.astype(precision), "test": np.array(dataset.test)}
    for name, values in zip((*inputs, *outputs), np.hstack([arrays["x"], arrays["y"]]).T, strict=True):
        if not np.isfinite(values).all():
            raise ExportError(f"A value of {name} in the data is too large for {precision}: choose float64.")
    told = {"inputs": json.dumps(inputs), "targets": json.dumps(outputs)}
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, told))


def write_state(project: Project, form: ModelForm, path: Path) -> None:
    """Write what training goes on from beside the weights: how far it has come, and what the optimizer remembers."""
    from safetensors.numpy import save

    memory = project.memory
    told = {
        "updates": project.updates,
        "epoch": project.epoch,
        "used_rows": project.used_rows,
        "optimizer_updates": memory.updates if memory is not None else 0,
    }
    path.write_bytes(save(memory_arrays(project, form), {name: str(number) for name, number in told.items()}))


def train_remarks(project: Project) -> list[str]:
    """What people who use train.py have to know, a sentence each."""
    sentences = []
    if project.dataset.rows == 0 or project.dataset.test.all():
        sentences.append("There is no row to train with, so train.py has nothing to do: add rows to the data.")
    if project.settings.updated_weights:
        sentences.append(
            "train.py goes back through the weights from before an update: PyTorch has no “Updated weights”."
        )
    return sentences


def _readme(project: Project, form: ModelForm) -> str:
    notes = [form.description, *train_remarks(project), *remarks(project)]
    return fill_template(
        "readme.md.txt",
        title=plain_title(project.title) or "A neural network",
        notes="\n".join(f"- {note}" for note in notes),
        input_count=str(len(form.inputs)),
    )
