"""A Python file that needs nothing but numpy: the weights as literals, and predict(x)."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.activations import ELU_ALPHA, LEAKY_SLOPE
from core.export.blocks import reading
from core.export.checked_file import write_checked
from core.export.form import ModelForm, remarks
from core.export.source_text import LINE_LENGTH, name_list, packed_list, plain_title
from core.export.verify import Precision
from core.jobs import Job
from core.project import Project

# Each as a person would write it who knows numpy; z has shape (rows, neurons).
FUNCTIONS = {
    "sigmoid": """
        def sigmoid(z):
            e = np.exp(-np.abs(z))  # never overflows
            return np.where(z > 0, 1.0, e) / (1.0 + e)
    """,
    "tanh": """
        def tanh(z):
            return np.tanh(z)
    """,
    "relu": """
        def relu(z):
            return np.maximum(z, 0.0)
    """,
    "leaky_relu": f"""
        def leaky_relu(z):
            return np.maximum(z, {LEAKY_SLOPE} * z)
    """,
    "elu": f"""
        def elu(z):
            return np.where(z > 0, z, {f"{ELU_ALPHA} * " if ELU_ALPHA != 1.0 else ""}np.expm1(np.minimum(z, 0.0)))
    """,
    "softplus": """
        def softplus(z):
            return np.logaddexp(0.0, z)  # ln(1 + e^z)
    """,
    "gelu": """
        erfc = np.vectorize(math.erfc, otypes=[float])


        def gelu(z):
            return 0.5 * z * erfc(-z / math.sqrt(2.0))  # z times the normal distribution up to z
    """,
    "silu": """
        def silu(z):
            return z * sigmoid(z)
    """,
    "sine": """
        def sine(z):
            return np.sin(z)
    """,
    "step": """
        def step(z):
            return np.where(z > 0, 1.0, 0.0)
    """,
    "softmax": """
        def softmax(z):
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
    """,
}
# Names in the comment on a layer take at most so many characters.
ROOM = 300

USES = {"silu": "sigmoid"}

PROGRAM = """
    if __name__ == "__main__":
        numbers = [float(text) for text in sys.argv[1:]]
        if len(numbers) != len(INPUTS):
            sys.exit(f"Usage: python {sys.argv[0]} {' '.join(INPUTS)}")
        for name, number in zip(OUTPUTS, predict(numbers), strict=True):
            print(f"{name} = {number}")
"""


def write(project: Project, path: Path, *, precision: Precision) -> Job:
    """Write the module. Raises ExportError."""

    def put(form: ModelForm, file: Path) -> None:
        file.write_text(source_of(project, form), encoding="utf-8")

    return write_checked(project, path, precision=precision, put=put, compute=_compute, where="run as Python")


def _compute(file: Path, x: NDArray[Any]) -> NDArray[Any]:
    # No foreign code: the file was written a moment ago, and nothing in it is anyone's text but as a literal.
    module: dict[str, Any] = {"__name__": "exported_by_nnviz"}
    exec(compile(file.read_text(encoding="utf-8"), file.name, "exec"), module)
    with np.errstate(all="ignore"):
        outputs: NDArray[Any] = module["predict"](x)
    return outputs


def source_of(project: Project, form: ModelForm) -> str:
    """The text of the module."""
    used = {form.layers[k - 1].activation for k in _needed(form) if k}
    used |= {USES[name] for name in used & USES.keys()}
    outputs = [form.names[place] for place in form.outputs]
    imports = ["math", "sys"] if "gelu" in used else ["sys"]
    parts = [
        _docstring(project, form),
        "\n".join(f"import {name}" for name in imports) + "\n\nimport numpy as np",
        # Formatters would put each number on a line of its own.
        f"# fmt: off\n{_assigned('INPUTS', form.inputs)}\n{_assigned('OUTPUTS', outputs)}",
    ]
    parts += ["\n".join(_layer_lines(form, k)) for k in range(1, len(form.layers) + 1)]
    parts[-1] += "\n# fmt: on"
    functions = [textwrap.dedent(FUNCTIONS[name]).strip("\n") for name in FUNCTIONS if name in used]
    head = "\n\n".join(parts)
    return "\n\n\n".join([head, *functions, _predict(form), textwrap.dedent(PROGRAM).strip("\n")]) + "\n"


def _docstring(project: Project, form: ModelForm) -> str:
    title = plain_title(project.title) or "A neural network"
    example = ", ".join(["0.5", "1.0", "-0.25", "0.0"][: len(form.inputs)]) + (", ..." if len(form.inputs) > 4 else "")
    paragraphs = [f"{title}, written by nnviz. It needs numpy alone.", form.description, *remarks(project)]
    first, *others = ("\n".join(_wrapped(text)) for text in paragraphs)
    scalings = "\n".join(f"    {line}" for line in _scaling_lines(project, form))
    parts = [first, f"    outputs = predict([{example}])", *others, *([scalings] if scalings else [])]
    return '"""' + "\n\n".join(parts) + '\n"""'


def _scaling_lines(project: Project, form: ModelForm) -> Iterator[str]:
    """How to come from what was entered to what the network sees, and from its outputs back."""
    for name in form.inputs:
        text = name
        for scaling in project.dataset.scalings_of(name):
            text = f"({text} - {scaling.shift!r}) / {scaling.scale!r}"
        if text != name:
            yield f"scaled {name} = {text}"
    for place in form.outputs:
        name = form.names[place]
        text = f"scaled {name}"
        for scaling in reversed(project.dataset.scalings_of(name)):
            text = f"({text} * {scaling.scale!r} + {scaling.shift!r})"
        if text != f"scaled {name}":
            yield f"{name} = {text[1:-1]}"


def _layer_lines(form: ModelForm, k: int) -> Iterator[str]:
    layer = form.layers[k - 1]
    names = form.names
    sources = [names[place] for place in layer.sources]
    text = f"Layer {k}, {layer.activation}: {name_list(layer.neurons, ROOM)} from {name_list(sources, ROOM)}. "
    text += "A row of weights a neuron, a column a source"
    text += "." if layer.mask is None else ", 0.0 where there is no edge."
    text += "" if k in _needed(form) else " No output depends on it."
    for line in _wrapped(text):
        yield f"# {line}"
    yield f"W{k} = np.array(["
    for row in layer.weight:
        yield packed_list("[", _literals(row.tolist()), "],", indent=4)
    yield "])"
    yield _assigned(f"b{k}", layer.bias.tolist(), "np.array([", "])")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LINE_LENGTH - 10, break_on_hyphens=False, break_long_words=False)


def _literals(values: Sequence[str | float]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value) for value in values]


def _assigned(name: str, values: Sequence[str | float], opening: str = "[", closing: str = "]") -> str:
    return packed_list(f"{name} = {opening}", _literals(values), closing)


def _predict(form: ModelForm) -> str:
    shapes = f"(rows, {len(form.outputs)}) for inputs x of shape (rows, {len(form.inputs)})"
    lines = [
        "def predict(x):",
        f'    """Outputs of shape {shapes}; one row may be a flat list."""',
        "    x = np.asarray(x, dtype=float)",
        "    a0 = np.atleast_2d(x)",
        "    if a0.ndim != 2 or a0.shape[1] != len(INPUTS):",
        '        raise ValueError(f"x needs {len(INPUTS)} numbers a row, but its shape is {x.shape}.")',
    ]
    needed = _needed(form)
    for k, layer in enumerate(form.layers, start=1):
        if k in needed:
            read = _read(form, layer.sources)
            if not read.isidentifier():
                lines.append(f"    s{k} = {read}")
                read = f"s{k}"
            z = f"{read} @ W{k}.T + b{k}"
            lines.append(f"    a{k} = {z if layer.activation == 'linear' else f'{layer.activation}({z})'}")
    lines += [f"    y = {_read(form, form.outputs)}", "    return y if x.ndim == 2 else y[0]"]
    return "\n".join(line if len(line) <= LINE_LENGTH else _broken(line.strip()) for line in lines)


def _needed(form: ModelForm) -> set[int]:
    """The layers, counted from 1, that an output depends on."""
    needed = set(reading(form, form.outputs).blocks)
    for k in range(len(form.layers), 0, -1):
        if k in needed:
            needed.update(reading(form, form.layers[k - 1].sources).blocks)
    return needed


def _broken(line: str) -> str:
    # Its spaces are within brackets, where a line can go on after any of them.
    lines = textwrap.wrap(line, LINE_LENGTH, initial_indent="    ", subsequent_indent=" " * 8, break_long_words=False)
    return "\n".join(lines) + "  # fmt: skip"


def _read(form: ModelForm, places: Sequence[int]) -> str:
    found = reading(form, places)
    blocks = [f"a{block}" for block in found.blocks]
    text = blocks[0] if len(blocks) == 1 else f"np.hstack([{', '.join(blocks)}])"
    return text if found.columns is None else f"{text}[:, {list(found.columns)}]"
