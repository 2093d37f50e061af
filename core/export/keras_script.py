"""Keras 3: a Python file that makes the model, with the weights in it."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import tempfile
import textwrap
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.activations import LEAKY_SLOPE
from core.export.child import run_python
from core.export.form import Layer, ModelForm, model_form, remarks
from core.export.source_text import LINE_LENGTH, fill_template, name_list, packed_list, plain_title
from core.export.verify import Precision, check, make_trial
from core.jobs import Job, Progress, Written
from core.project import Project
from core.whole_files import new_file

Array = NDArray[np.floating[Any]]

# Keras's own activations by the names that it knows them by, and functions for the others.
OWN_NAMES = {name: f'"{name}"' for name in ("linear", "sigmoid", "tanh", "relu", "elu", "gelu", "silu", "softmax")}
FUNCTIONS = {
    "leaky_relu": (
        "leaky_relu",
        f"The slope below 0 is {LEAKY_SLOPE}.",
        f"keras.activations.leaky_relu(z, negative_slope={LEAKY_SLOPE})",
    ),
    "softplus": ("softplus", "ln(1 + e^z), exact for large z too.", "-ops.log_sigmoid(-z)"),
    "sine": ("sine", "sin(z).", "ops.sin(z)"),
    "step": ("step", "1 above 0, else 0.", "ops.cast(z > 0, z.dtype)"),
}
# What Keras can run on, by the names that it and Python know it by; the lightest to start comes first.
BACKENDS = ("torch", "tensorflow", "jax")

# Run by another process: the outputs of the written file's model for inputs in a file, to another file.
_CHECK = """
import importlib.util, sys
import numpy as np
import keras
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
model = module.build_model()
x = keras.ops.convert_to_tensor(np.load(sys.argv[2]), module.DTYPE)
np.save(sys.argv[3], keras.ops.convert_to_numpy(model(x)))
"""


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the script. Raises ExportError.

    Where Keras 3 and something that it runs on are installed another process makes the model and computes the outputs
    that are checked.
    """
    yield Progress(0, 3, "Collecting the parameters")
    form = model_form(project.network, precision, has_float64=False)
    with new_file(path) as temporary:
        yield Progress(1, 3, f"Writing {path.name}")
        temporary.write_text((yield from _source(project, form, precision)), "utf-8")
        yield Progress(2, 3, f"Checking {path.name}")
        sentences = yield from _check(project, form, temporary, precision)
        yield Progress(3, 3, f"Checked {path.name}")
    return Written((path,), (form.description, *sentences, *remarks(project)))


# The check


def _check(
    project: Project, form: ModelForm, file: Path, precision: Precision
) -> Generator[Progress, None, tuple[str, ...]]:
    trial = make_trial(project)
    missing = find_missing()
    if missing:
        found = _read_back(file, form, precision).outputs_of(trial.x)
        return (
            check(trial, found, precision, "the file's weights read back", has_float64=False),
            f"{missing} is not installed here, so the model itself was not made.",
        )
    with tempfile.TemporaryDirectory() as place:
        given, computed = Path(place, "x.npy"), Path(place, "y.npy")
        np.save(given, trial.x)
        yield from run_python(
            _CHECK,
            [str(file), str(given), str(computed)],
            folder=Path(place),
            what="Keras makes the model",
            # Its settings file is written at its first import: not in the user's home.
            environment={
                "KERAS_BACKEND": os.environ.get("KERAS_BACKEND") or find_backends()[0],
                "KERAS_HOME": place,
            },
        )
        where = "computed by the model in Keras"
        return (check(trial, np.load(computed), precision, where, has_float64=False),)


def find_backends() -> list[str]:
    """What is installed that Keras can run on, the best one first."""
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def find_missing() -> str:
    """What the model would need to be made here; "" where all is there. Nothing of it is imported."""
    try:
        version = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        return "Keras 3"
    if int(version.split(".")[0]) < 3:
        return "Keras 3"
    return "" if find_backends() else "PyTorch, TensorFlow or JAX for Keras"


def _read_back(file: Path, form: ModelForm, precision: Precision) -> ModelForm:
    """The form with the numbers that stand in the file; nothing of the file is run."""
    read: dict[str, Any] = {}
    for statement in ast.parse(file.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            read[statement.targets[0].id] = ast.literal_eval(statement.value)
    layers = [
        replace(layer, weight=np.array(kernel, precision).T, bias=np.array(bias, precision))
        for layer, kernel, bias in zip(form.layers, read["KERNELS"], read["BIASES"], strict=True)
    ]
    if not form.is_layered:
        layers = [
            replace(layer, sources=tuple(sources)) for layer, sources in zip(layers, read["SOURCES"], strict=True)
        ]
    return replace(form, layers=tuple(layers))


# The text


def _source(project: Project, form: ModelForm, precision: Precision) -> Generator[Progress, None, str]:
    outputs = [form.names[place] for place in form.outputs]
    used = {layer.activation for layer in form.layers}
    functions = [
        '\n\n@keras.saving.register_keras_serializable(package="nnviz")\n'
        f'def {name}(z):\n    """{about}"""\n    return {code}\n'
        for activation, (name, about, code) in FUNCTIONS.items()
        if activation in used
    ]
    if not form.is_layered:
        functions.append(fill_template("keras_masked.py.txt"))
    title = plain_title(project.title)
    notes = [form.description, *remarks(project)]
    literals = yield from _literals(form)
    needs_ops = any("ops." in text for text in functions)
    return fill_template(
        "keras.py.txt",
        title=f"{title}\n\n" if title else "",
        inputs=name_list(form.inputs, 90),
        outputs=name_list(outputs, 90),
        notes="\n".join(_wrapped(text) for text in notes),
        input_count=str(len(form.inputs)),
        output_count=str(len(outputs)),
        import_ops=", ops" if needs_ops else "",
        precision=precision,
        literals=literals,
        functions="".join(functions),
        body=_layered_body(form) if form.is_layered else _masked_body(form),
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, LINE_LENGTH, break_long_words=False, break_on_hyphens=False)


def _literals(form: ModelForm) -> Generator[Progress, None, str]:
    """The constants with the numbers, layer by layer, each kernel in Keras's shape: (sources, neurons)."""
    kernels, biases, edges = [], [], []
    for k, layer in enumerate(form.layers):
        yield Progress(1, 3, f"Writing layer {k + 1} of {len(form.layers)}")
        names = f"  # {name_list(layer.neurons, 80)}"
        rows = "\n".join(packed_list("[", map(str, row), "],", indent=8) for row in layer.weight.T)
        kernels.append(f"    [{names}\n{rows}\n    ],")
        biases.append(packed_list("[", map(str, layer.bias), "],", indent=4))
        if layer.mask is None:
            edges.append("    None,")
        else:
            ones = (("1" if one else "0" for one in row) for row in layer.mask.T)
            rows = "\n".join(packed_list("[", row, "],", indent=8) for row in ones)
            edges.append(f"    [{names}\n{rows}\n    ],")
    parts = ["# The weights of each layer: a row for each source, a column for each neuron.", _list("KERNELS", kernels)]
    parts.append(_list("BIASES", biases))
    if not form.is_layered:
        parts += [
            "# What each layer reads: places among the inputs and the neurons of all layers before.",
            _list("SOURCES", [packed_list("[", map(str, layer.sources), "],", indent=4) for layer in form.layers]),
            "# Where there are edges (1), in the shape of the kernels.",
            _list("EDGES", edges),
            "# The places of the outputs.",
            packed_list("OUTPUTS = [", map(str, form.outputs), "]"),
        ]
    return "\n".join(parts)


def _list(name: str, items: list[str]) -> str:
    return "\n".join([f"{name} = [", *items, "]"])


def _activation(layer: Layer) -> str:
    return OWN_NAMES.get(layer.activation) or FUNCTIONS[layer.activation][0]


def _line(code: str, layer: Layer) -> str:
    """A line of build_model with the layer's neurons as a comment, where there is room for it."""
    room = LINE_LENGTH - len(code) - 7
    return f"    {code}  # {name_list(layer.neurons, room)}" if room > 14 else f"    {code}"


def _layered_body(form: ModelForm) -> str:
    lines = [f'    inputs = keras.Input(({len(form.inputs)},), dtype=DTYPE, name="inputs")', "    a = inputs"]
    for k, layer in enumerate(form.layers):
        code = f'layers.Dense({len(layer.neurons)}, {_activation(layer)}, dtype=DTYPE, name="layer_{k}")(a)'
        lines.append(_line(f"a = {code}", layer))
    lines.append('    model = keras.Model(inputs, a, name="network")')
    return "\n".join(lines)


def _masked_body(form: ModelForm) -> str:
    lines = [f'    inputs = keras.Input(({len(form.inputs)},), dtype=DTYPE, name="inputs")', "    found = inputs"]
    for k, layer in enumerate(form.layers):
        arguments = (
            f'{len(layer.neurons)}, {_activation(layer)}, SOURCES[{k}], EDGES[{k}], dtype=DTYPE, name="layer_{k}"'
        )
        lines.append(_line(f"a = MaskedDense({arguments})(found)", layer))
        lines.append(f'    found = layers.Concatenate(dtype=DTYPE, name="found_{k}")([found, a])')
    lines.append('    model = keras.Model(inputs, ops.take(found, OUTPUTS, axis=1), name="network")')
    return "\n".join(lines)
