"""The formats of weights and models, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from core.errors import ExportError
from core.export.verify import Precision
from core.jobs import Job
from core.project import Project


class Format(Struct, frozen=True):
    """One format. `suffix` is the ending of its file, "" where it is a folder; `about` says in a sentence what it is.

    `precisions`: those that it can be written in, the usual one first.
    """

    name: str
    title: str
    suffix: str
    about: str
    precisions: tuple[Precision, ...]
    module: str

    def write(self, project: Project, path: Path, *, precision: Precision | None = None) -> Job:
        """The job that writes the project to `path`, verified before it is there. Raises ExportError."""
        if precision is not None and precision not in self.precisions:
            raise ExportError(f"{self.title} is written in {self.precisions[0]} only: leave the precision out.")
        # Only now: each format brings libraries of its own.
        writer: Callable[..., Job] = importlib.import_module(f"core.export.{self.module}").write
        return writer(project, path, precision=precision or self.precisions[0])


_BOTH: tuple[Precision, ...] = ("float64", "float32")

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("npz", "NumPy arrays", ".npz", "Named arrays for numpy.load, without pickle.", _BOTH, "npz"),
        Format(
            "safetensors",
            "Safetensors",
            ".safetensors",
            "Named arrays with all that the network is beside them, for most frameworks.",
            _BOTH,
            "safetensors",
        ),
        Format(
            "json", "JSON", ".json", "Weights and structure as text that any program reads.", ("float64",), "json_file"
        ),
        Format(
            "csv", "CSV table", ".csv", "One row a parameter: name, source, target, value.", ("float64",), "csv_file"
        ),
        Format(
            "onnx",
            "ONNX model",
            ".onnx",
            "A model that runs anywhere, for any number of rows.",
            _BOTH[::-1],
            "onnx_model",
        ),
        Format(
            "numpy",
            "Python module (numpy)",
            ".py",
            "A Python file that needs nothing but numpy: outputs = predict(inputs).",
            ("float64",),
            "numpy_module",
        ),
        Format(
            "pytorch",
            "PyTorch",
            "",
            "A folder: model.py, its weights, the data, and train.py, which goes on training on one process or many.",
            _BOTH,
            "pytorch",
        ),
        Format(
            "keras",
            "Keras 3 script",
            ".py",
            "A Python file that makes the model with its weights in it.",
            # Its float64 products are rounded to float32 by some of its backends.
            ("float32",),
            "keras_script",
        ),
    )
}
