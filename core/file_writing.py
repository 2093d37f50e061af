"""A project turned into the text of its file, always in the same order, so that two versions compare line by line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

import msgspec

from core.dataset import MAX_CELLS, Dataset, Scaling
from core.errors import ProjectError
from core.file_problems import translate
from core.file_records import (
    FORMAT,
    MAX_EDGES,
    MAX_MOMENTS,
    MAX_NEURONS,
    MAX_STEPS,
    VERSION,
    Count,
    MomentRecord,
    SettingsRecord,
)
from core.network import Network
from core.project import Project
from core.settings import Settings
from core.walkthrough import Moment, Walkthrough, refuse_broken

_DEFAULTS = Settings()
# Settings that a file always has; the others only where they are not the defaults.
ALWAYS_WRITTEN = (
    "loss",
    "learning_rate",
    "batch_size",
    "batch_mean",
    "update_biases",
    "seed",
    "initializer",
    "initializer_scale",
    "epochs",
)


def project_to_text(project: Project) -> str:
    """The text of the file that holds `project`: one neuron, edge and row of data a line, always in the same order.

    Raises ProjectError for what no file can hold: a number that is infinite or NaN, or more than the limits.
    """
    return "".join(_lines(project))


def _lines(project: Project) -> Iterator[str]:
    yield f'{{\n  "format": {_text(FORMAT)},\n  "version": {VERSION},\n'
    yield from _scene_part(project)
    if project.breakpoints:
        _check_size(len(project.breakpoints), MAX_STEPS, "breakpoints")
        yield ',\n  "breakpoints": '
        yield from _list((_value(asdict(point), "a breakpoint") for point in project.breakpoints), "    ")
    if project.walkthrough is not None and project.walkthrough.moments:
        _check_walkthrough(project.walkthrough)
        yield from _walkthrough_part(project.walkthrough.tidy())
    yield "\n}\n"


def _scene_part(project: Project) -> Iterator[str]:
    dataset = project.dataset.copy()
    dataset.follow(project.network)
    _check_settings(project)
    _check_sizes(project, dataset)
    for name in ("title", "source", "notes"):
        if getattr(project, name):
            yield f'  "{name}": {_text(getattr(project, name))},\n'
    yield from _network_part(project.network)
    yield from _data_part(dataset)
    yield from _settings_part(project.settings)
    # The parts that most files do without. Each begins with the comma that ends the one before it.
    yield from _training_part(project)


def _walkthrough_part(walkthrough: Walkthrough) -> Iterator[str]:
    yield ',\n  "walkthrough": {\n    "moments": '
    lines = (_value(_moment_fields(moment), "a moment of the walkthrough") for moment in walkthrough.moments)
    yield from _list(lines, "      ")
    yield ',\n    "scenes": '
    yield from _list((_scene_text(scene) for scene in walkthrough.scenes), "      ")
    yield "\n  }"


def _moment_fields(moment: Moment) -> dict[str, Any]:
    """What differs from the defaults, the caption first; scenes and rows are counted from 1."""
    given = {
        field.name: getattr(moment, field.name)
        for field in msgspec.structs.fields(Moment)
        if field.name == "caption" or getattr(moment, field.name) != field.default
    }
    for counted in ("scene", "row"):
        if counted in given:
            given[counted] += 1
    return given


def _scene_text(scene: Project) -> str:
    return "{\n      " + "".join(_scene_part(scene)).replace("\n", "\n      ") + "\n      }"


def _network_part(network: Network) -> Iterator[str]:
    yield '  "network": {\n    "neurons": '
    yield from _list(_neuron_lines(network), "      ")
    yield ',\n    "edges": '
    yield from _list(_edge_lines(network), "      ")
    yield "\n  }"


def _data_part(dataset: Dataset) -> Iterator[str]:
    yield f',\n  "data": {{\n    "columns": [{", ".join(map(_text, dataset.columns))}],\n    "rows": '
    yield from _list(_row_lines(dataset), "      ")
    if dataset.test.any():
        yield f',\n    "test": [{", ".join(str(row + 1) for row in dataset.test_rows.tolist())}]'
    if dataset.scalings:
        yield ',\n    "scalings": '
        yield from _list(map(_scaling_line, dataset.scalings), "      ")
    yield "\n  }"


def _settings_part(settings: Settings) -> Iterator[str]:
    yield ',\n  "settings": {\n'
    yield ",\n".join(
        f'    "{field.name}": {_value(getattr(settings, field.name), f"settings.{field.name}")}'
        for field in fields(Settings)
        # A file that uses none of the many ways to train does not list them.
        if field.name in ALWAYS_WRITTEN or getattr(settings, field.name) != getattr(_DEFAULTS, field.name)
    )
    yield "\n  }"


def _training_part(project: Project) -> Iterator[str]:
    if project.updates:
        yield f',\n  "updates": {project.updates}'
        if project.start is not None:
            start = project.start_values()
            yield ',\n  "start": {'
            yield ",".join(f"\n    {_text(i)}: {_number(value, i)}" for i, value in start.items())
            yield "\n  }" if start else "}"
    if project.epoch:
        yield f',\n  "epoch": {project.epoch}'
    if project.used_rows:
        yield f',\n  "used_rows": {project.used_rows}'
    if project.memory is not None:
        yield f',\n  "memory": {{"updates": {project.memory.updates}, "slots": '
        yield f"{_value(project.memory.slots, 'what the optimizer remembers')}}}"


def _scaling_line(scaling: Scaling) -> str:
    place = f"the scaling of {scaling.neuron}"
    return (
        f'{{"column": {_text(scaling.neuron)}, "kind": "{scaling.kind}", '
        f'"shift": {_number(scaling.shift, place)}, "scale": {_number(scaling.scale, place)}}}'
    )


def _check_settings(project: Project) -> None:
    # What cannot be opened again is not to be saved in the first place.
    try:
        msgspec.convert(asdict(project.settings), SettingsRecord)
        msgspec.convert(project.updates, Count)
        msgspec.convert(project.epoch, Count)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        place = f"settings{path.rstrip('`')}" if path else "updates"
        raise ProjectError(f"The project cannot be saved: {place}: {translate(problem)}.") from None


def _check_walkthrough(walkthrough: Walkthrough) -> None:
    _check_size(len(walkthrough.moments), MAX_MOMENTS, "moments")
    refuse_broken(walkthrough)
    for place, moment in enumerate(walkthrough.moments, 1):
        try:
            msgspec.convert(_moment_fields(moment), MomentRecord)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at `$.")
            where = f"moment {place}: {path.rstrip('`')}"
            raise ProjectError(f"The project cannot be saved: {where}: {translate(problem)}.") from None


def _check_sizes(project: Project, dataset: Dataset) -> None:
    _check_size(len(project.network.neurons), MAX_NEURONS, "neurons")
    _check_size(len(project.network.edges), MAX_EDGES, "edges")
    _check_size(dataset.rows * max(1, len(dataset.columns)), MAX_CELLS, "numbers in its data")
    _check_size(len(dataset.scalings), MAX_STEPS, "steps of scaling")


def _check_size(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise ProjectError(f"The project has {count:,} {what}: a file holds at most {limit:,}.")


def _list(lines: Iterable[str], indent: str) -> Iterator[str]:
    opened = False
    for line in lines:
        yield f"{',' if opened else '['}\n{indent}{line}"
        opened = True
    yield f"\n{indent[2:]}]" if opened else "[]"


def _neuron_lines(network: Network) -> Iterator[str]:
    for neuron in network.neurons.values():
        line = f'{{"id": {_text(neuron.id)}, "role": "{neuron.role}"'
        if network.has_bias(neuron.id):
            bias = _number(network.bias(neuron.id), f"the bias of {neuron.id}")
            line += f', "activation": "{neuron.activation}", "bias": {bias}'
            if neuron.dropout:
                line += f', "dropout": {_number(neuron.dropout, f"the dropout of {neuron.id}")}'
        x, y = network.positions[neuron.id]
        place = f"the position of {neuron.id}"
        line += f', "x": {_number(x, place)}, "y": {_number(y, place)}'
        yield line + (', "frozen": true}' if neuron.id in network.frozen else "}")


def _edge_lines(network: Network) -> Iterator[str]:
    for edge in network.edges.values():
        line = f'{{"id": {_text(edge.id)}, "source": {_text(edge.source)}, "target": {_text(edge.target)}'
        if edge.tied_to is None:
            line += f', "weight": {_number(network.weight(edge.id), f"the weight of {edge.id}")}'
        else:
            line += f', "tied_to": {_text(edge.tied_to)}'
        yield line + (', "frozen": true}' if edge.id in network.frozen else "}")


def _row_lines(dataset: Dataset) -> Iterator[str]:
    columns = [column.tolist() for column in dataset.columns.values()]
    if not columns:
        yield from ["[]"] * dataset.rows
    for index, row in enumerate(zip(*columns, strict=True)):
        yield f"[{', '.join(_number(value, f'the data in row {index + 1}') for value in row)}]"


def _text(text: str) -> str:
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        # Half of a character, as some clipboards give it: no file can hold that.
        return _text(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _value(value: object, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value, place)
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(v, place) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(k))}: {_value(v, place)}" for k, v in value.items()) + "}"
    return _text(str(value))


def _number(value: float, place: str) -> str:
    """The shortest text from which the same float64 is read; whole numbers without ".0"."""
    text = repr(float(value))
    if text.endswith(".0") and text != "-0.0":
        return text[:-2]
    if not math.isfinite(value):
        raise ProjectError(f"The project cannot be saved while {place} is {text}: give it a finite value.")
    return text
