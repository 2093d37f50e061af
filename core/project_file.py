"""Project files: JSON that a person can read, compare line by line and correct by hand.

docs/file-format.md describes the format for people, docs/nnviz.schema.json (`project_schema`) for tools.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, NoReturn

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from core.activations import ACTIVATIONS
from core.breakpoints import Breakpoint, Relation, Watch
from core.dataset import MAX_CELLS, Dataset, Scaling
from core.errors import NetworkError, ProjectError, TrainingError
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.network import Edge, Network, Neuron, Role
from core.optimizers import OPTIMIZERS
from core.options import option_values
from core.project import Project
from core.rate_schedules import SCHEDULES
from core.settings import Memory, Settings

FORMAT = "nnviz"
# The version that this program reads and writes.
VERSION = 1

# What a file may hold at most. The largest network with data of all these sizes takes about 100 MB.
MAX_BYTES = 128 * 2**20
MAX_NEURONS = 5_000
MAX_EDGES = 200_000
# Steps of scaling, and breakpoints.
MAX_STEPS = 10_000
# Counts in the settings fit a 32-bit integer.
MAX_COUNT = 2**31 - 1


# What a file looks like. msgspec decodes straight into these and refuses all that is not described here.


def _choice(names: Iterable[str], description: str) -> Meta:
    # Checked by this module rather than by msgspec, so that the message can list the names.
    return Meta(description=description, extra_json_schema={"enum": list(names)})


Id = Annotated[str, Meta(min_length=1, max_length=40, description="A name, unique among neurons and edges.")]
Across = Annotated[float, Meta(description="Where it is drawn: to the right, in pixels at 100 %.")]
Down = Annotated[float, Meta(description="Where it is drawn: downwards, in pixels at 100 %.")]
Bias = Annotated[float, Meta(description="Its bias.")]
FrozenBias = Annotated[bool, Meta(description="Whether updates leave the bias alone.")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
_DEFAULTS = Settings()
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


class InputRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="input"):
    """An input neuron: it has no activation and no bias."""

    id: Id
    x: Across
    y: Down


class HiddenRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="hidden"):
    """A hidden neuron."""

    id: Id
    activation: Annotated[str, _choice([n for n in ACTIVATIONS if n != "softmax"], "Its activation.")]
    bias: Bias
    x: Across
    y: Down
    frozen: FrozenBias = False
    dropout: Annotated[float, Meta(ge=0, lt=1, description="For which share of samples training leaves it out.")] = 0.0


class OutputRecord(Struct, forbid_unknown_fields=True, tag_field="role", tag="output"):
    """An output neuron."""

    id: Id
    activation: Annotated[str, _choice(ACTIVATIONS, "Its activation; softmax goes over all outputs that use it.")]
    bias: Bias
    x: Across
    y: Down
    frozen: FrozenBias = False


class EdgeRecord(Struct, forbid_unknown_fields=True):
    """An edge: with a weight of its own, or tied to another edge, whose weight it shares."""

    id: Id
    source: Annotated[str, Meta(description="The id of the neuron where it starts.")]
    target: Annotated[str, Meta(description="The id of the neuron where it ends; never an input.")]
    weight: Annotated[float, Meta(description="Its weight.")] | UnsetType = UNSET
    tied_to: Annotated[str, Meta(description="The id of the edge whose weight it shares.")] | UnsetType = UNSET
    frozen: Annotated[bool, Meta(description="Whether updates leave its own weight alone.")] = False


_ONE_WEIGHT = {
    "oneOf": [
        {"required": ["weight"]},
        {"required": ["tied_to"], "properties": {"frozen": {"const": False}}},
    ]
}


class NetworkRecord(Struct, forbid_unknown_fields=True):
    """The neurons and the edges, in drawing order. The edges form no cycle."""

    neurons: Annotated[list[InputRecord | HiddenRecord | OutputRecord], Meta(max_length=MAX_NEURONS)]
    edges: Annotated[list[Annotated[EdgeRecord, Meta(extra_json_schema=_ONE_WEIGHT)]], Meta(max_length=MAX_EDGES)]


class ScalingRecord(Struct, forbid_unknown_fields=True):
    """A step between the numbers in the file and what the network sees: (value - shift) / scale."""

    column: Annotated[str, Meta(description="The id of the input or output.")]
    kind: Annotated[Literal["standardize", "range"], Meta(description="What shift and scale were taken from.")]
    shift: float
    scale: float


class DataRecord(Struct, forbid_unknown_fields=True):
    """The samples: a column for each input (its values) and each output (its targets), a row for each sample."""

    columns: Annotated[list[str], Meta(max_length=MAX_NEURONS, description="The ids of the inputs and outputs.")]
    rows: Annotated[
        list[Annotated[list[float], Meta(max_length=MAX_NEURONS)]],
        Meta(max_length=MAX_CELLS, description="A list for each sample, with a number for each column."),
    ]
    test: Annotated[
        list[Annotated[int, Meta(ge=1)]],
        Meta(max_length=MAX_CELLS, description="The rows that training leaves out, counted from 1."),
    ] = []
    scalings: Annotated[
        list[ScalingRecord], Meta(max_length=MAX_STEPS, description="In the order in which they are applied.")
    ] = []


class SettingsRecord(Struct, forbid_unknown_fields=True):
    """How passes and updates are computed; the fields of core.project.Settings."""

    loss: Annotated[str, _choice(LOSSES, "The loss.")] = _DEFAULTS.loss
    learning_rate: Annotated[float, Meta(ge=0)] = _DEFAULTS.learning_rate
    batch_size: Annotated[Count, Meta(description="Samples in an update; 0 stands for all rows.")] = (
        _DEFAULTS.batch_size
    )
    batch_mean: Annotated[bool, Meta(description="Whether a batch's loss is the mean, else the sum.")] = (
        _DEFAULTS.batch_mean
    )
    update_biases: Annotated[bool, Meta(description="Whether updates change the biases.")] = _DEFAULTS.update_biases
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="For new random weights, shuffling and dropout.")] = (
        _DEFAULTS.seed
    )
    initializer: Annotated[str, _choice(INITIALIZERS, "For new random weights.")] = _DEFAULTS.initializer
    initializer_scale: Annotated[float, Meta(description="The number that some initializers take.")] = (
        _DEFAULTS.initializer_scale
    )
    epochs: Annotated[int, Meta(ge=1, le=MAX_COUNT, description="Passes over the data that a run makes.")] = (
        _DEFAULTS.epochs
    )
    optimizer: Annotated[str, _choice(OPTIMIZERS, "How the gradient changes the parameters.")] = _DEFAULTS.optimizer
    optimizer_options: Annotated[dict[str, float], Meta(description="Those that are not the defaults.")] = {}
    l1: Annotated[float, Meta(ge=0, description="Penalty on the absolute values of the weights.")] = 0.0
    l2: Annotated[float, Meta(ge=0, description="Penalty on the squares of the weights, half of it.")] = 0.0
    schedule: Annotated[str, _choice(SCHEDULES, "How the learning rate changes by epoch.")] = _DEFAULTS.schedule
    schedule_options: Annotated[dict[str, float], Meta(description="Those that are not the defaults.")] = {}
    shuffle: Annotated[bool, Meta(description="Whether each epoch has an order of its own.")] = False
    precision: Annotated[Literal["float64", "float32"], Meta(description="What the engine computes with.")] = "float64"
    stop_loss: Annotated[float | None, Meta(description="A run ends at this training loss.")] = None
    stop_accuracy: Annotated[float, Meta(ge=0, le=1)] | None = None
    patience: Annotated[Count, Meta(description="A run ends after so many epochs without a smaller loss.")] = 0


class MemoryRecord(Struct, forbid_unknown_fields=True):
    """What the optimizer remembers: a number for each slot and parameter."""

    updates: Count
    slots: dict[str, dict[str, float]]


class BreakpointRecord(Struct, forbid_unknown_fields=True):
    """A condition that stops a run before the update that makes it true."""

    watch: Literal["loss", "parameter", "gradient", "activation"]
    relation: Literal["above", "below", "crosses", "changes_sign"]
    subject: Annotated[str, Meta(description="The id of a parameter or a neuron; empty for the loss.")] = ""
    value: float = 0.0
    absolute: Annotated[bool, Meta(description="Whether the absolute value is meant.")] = False
    enabled: bool = True


class ProjectRecord(Struct, forbid_unknown_fields=True):
    """A project file of nnviz: a network with its data and settings."""

    format: Literal["nnviz"]
    version: Literal[1]
    network: NetworkRecord
    data: DataRecord
    settings: SettingsRecord = msgspec.field(default_factory=SettingsRecord)
    title: str = ""
    source: Annotated[str, Meta(description="Where the example comes from.")] = ""
    notes: str = ""
    updates: Annotated[Count, Meta(description="How many updates were made since the start.")] = 0
    start: Annotated[dict[str, float], Meta(description="Parameters at update 0, by id.")] | UnsetType = UNSET
    epoch: Annotated[Count, Meta(description="How many epochs are finished.")] = 0
    memory: MemoryRecord | UnsetType = UNSET
    breakpoints: Annotated[list[BreakpointRecord], Meta(max_length=MAX_STEPS)] = []
    used_rows: Annotated[Count, Meta(description="Training rows that the epoch under way has used.")] = 0


class HeaderRecord(Struct):
    """What is read first, whatever the version."""

    format: Any = None
    version: Any = None


class StartRecord(Struct):
    start: dict[str, Raw] = {}


def project_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a project file. It cannot say everything: no cycles, for example."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(ProjectRecord)}


# Reading


def load_project(path: str | Path) -> Project:
    """The project in a file. Raises ProjectError, one sentence naming the place, when it cannot be read."""
    path = Path(path)
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            # A file can grow while it is read, hence the limit on reading too.
            data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        if max(size, len(data)) > MAX_BYTES:
            raise ProjectError(
                f"{path} is too large for a project ({size / 2**20:.0f} MB): the limit is {MAX_BYTES // 2**20} MB."
            )
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character.
        raise ProjectError(_reading_problem(path, error)) from None
    return _read(data, path.name)


def reading_problem(path: str | Path) -> str | None:
    """Why this file cannot be opened at all, in one sentence; None when it can, whatever is in it."""
    path = Path(path)
    try:
        _open(path).close()
    except ProjectError as error:
        return str(error)
    except (OSError, ValueError) as error:
        return _reading_problem(path, error)
    return None


def _open(path: Path) -> BinaryIO:
    # Looked at before it is opened: opening a pipe would wait for its other end.
    if not stat.S_ISREG(path.stat().st_mode):
        what = "a folder" if path.is_dir() else "not an ordinary file"
        raise ProjectError(f"{path} is {what}: choose a project file (*.nnviz).")
    return path.open("rb")


def _reading_problem(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: check the name."
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: you have no permission to read it."
    if isinstance(error, NotADirectoryError):
        return f"{path} does not exist: a part of its path is a file."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be read ({reason}): choose another file."


def project_from_text(text: str, where: str = "The project") -> Project:
    """The project that `text` describes. Raises ProjectError that begins with `where` and the place in it."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise ProjectError(f"{where}: the character at position {error.start + 1} is half of one.") from None
    return _read(data, where)


def _read(data: bytes, where: str) -> Project:
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise ProjectError(f"{where} is empty: choose a project file that was saved by nnviz.")
    try:
        _check_version(msgspec.json.decode(data, type=HeaderRecord), where)
        # A migration from an older version goes here, from decoded JSON to decoded JSON.
        return _to_project(msgspec.json.decode(data, type=ProjectRecord), where)
    except UnicodeDecodeError as error:
        raise ProjectError(_describe_syntax(str(error), data, where)) from None
    except RecursionError:
        raise ProjectError(f"{where}: brackets are nested too deeply for a project file.") from None
    except msgspec.ValidationError as error:
        raise ProjectError(_describe(str(error), data, where)) from None
    except msgspec.DecodeError as error:
        raise ProjectError(_describe_syntax(str(error), data, where)) from None


def _check_version(header: HeaderRecord, where: str) -> None:
    if header.format != FORMAT:
        raise ProjectError(
            f'{where} is not an nnviz project, for it lacks "format": "{FORMAT}": choose a project file (*.nnviz).'
        )
    version = header.version
    if type(version) is not int or version < 1:
        raise ProjectError(f"{where}: version: expected the whole number {VERSION} — correct it in a text editor.")
    if version > VERSION:
        raise ProjectError(
            f"{where} was saved in version {version} of the file format, and this program reads version {VERSION}: "
            "open it with a newer nnviz."
        )


# What msgspec calls the types of JSON.
_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_TYPE = "|".join(_TYPES)
_MESSAGES: list[tuple[str, str]] = [
    (rf"Expected `({_TYPE})(?: \| null)?`, got `({_TYPE})(?: \| null)?`", "expected {0}, got {1}"),
    (rf"Expected `({_TYPE})`", "expected {0}"),
    (r"Expected `(?:int|float)` >= ([\d.]+)", "expected {0} or more"),
    (r"Expected `(?:int|float)` < ([\d.]+)", "expected less than {0}"),
    (r"Expected `(?:int|float)` <= ([\d.]+)", "expected {0} or less"),
    (r"Expected `array` of length <= (\d+)", "too long, the limit is {0} entries"),
    (r"Expected `str` of length <= (\d+)", "too long, the limit is {0} characters"),
    (r"Expected `str` of length >= 1", "it is empty"),
    (r"Object missing required field `(.*)`", "the key “{0}” is missing"),
    (r"Object contains unknown field `(.*)`", "the key “{0}” is unknown"),
    (r"Invalid (?:enum )?value (.*)", "{0} is not known here"),
    (r"(?:Number|Integer value) out of range", "the number is too large (the limit is 1.8e308)"),
]


def _problem(where: str, place: str, problem: str) -> str:
    """One sentence: the file, the place in it, what is wrong there, and what to do."""
    return f"{where}: {place}: {problem} — correct it in a text editor."


def _refuse(where: str, place: str, problem: str) -> NoReturn:
    raise ProjectError(_problem(where, place, problem))


def _describe(message: str, data: bytes, where: str) -> str:
    """msgspec's message about a wrong value in this program's words."""
    problem, _, path = message.partition(" - at `$")
    place = path.rstrip("`").lstrip(".") or "the file"
    if place == "start[...]":
        place = _place_in_start(data)
    return _problem(where, place, _translate(problem))


def _translate(problem: str) -> str:
    for pattern, words in _MESSAGES:
        found = re.fullmatch(pattern, problem, re.DOTALL)
        if found:
            return words.format(*[_TYPES.get(group, _shorten(group)) for group in found.groups()])
    return _shorten(problem)


def _place_in_start(data: bytes) -> str:
    # msgspec does not name the key of a wrong value in a mapping.
    for name, value in msgspec.json.decode(data, type=StartRecord).start.items():
        try:
            msgspec.json.decode(value, type=float)
        except msgspec.DecodeError:
            return f"start.{_shorten(name)}"
    return "start"


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _describe_syntax(message: str, data: bytes, where: str) -> str:
    try:
        data.decode()
    except UnicodeDecodeError:
        return f"{where} is not text in UTF-8: choose a project file (*.nnviz)."
    if not data.lstrip().startswith(b"{"):
        return f"{where} is not an nnviz project: choose a project file (*.nnviz)."
    found = re.search(r"\(byte (\d+)\)", message)
    offset = min(int(found[1]), len(data)) if found else len(data)
    before = data[:offset].decode("utf-8", "replace")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    place = f"line {line}, column {column}"
    literal = re.match(
        rb"-?(nan|inf(?:inity)?)\b", data[max(0, offset - 1) : offset + 9].lstrip(b" ,:["), re.IGNORECASE
    )
    if literal:
        return _problem(where, place, f"{literal[0].decode()} is not a number that a project can hold")
    if not found:
        return f"{where}: {place}: the file breaks off here — it is incomplete, so take a copy of it."
    problem = re.sub(r"^JSON is malformed: | \(byte \d+\)", "", message)
    return _problem(where, place, f"this is not JSON ({problem})")


def _to_project(file: ProjectRecord, where: str) -> Project:
    network = _to_network(file.network, where)
    dataset = _to_dataset(file.data, network, where)
    tables: dict[str, Mapping[str, object]] = {
        "loss": LOSSES,
        "initializer": INITIALIZERS,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
    }
    for name, table in tables.items():
        chosen = getattr(file.settings, name)
        if chosen not in table:
            _refuse(where, f"settings.{name}", f"“{_shorten(chosen)}” is not one of {', '.join(table)}")
    start = None
    if file.start is not UNSET:
        if not file.updates:
            _refuse(where, "start", "it belongs to a project with updates, and “updates” is 0 or missing")
        for name in file.start:
            if name not in network.values:
                _refuse(where, f"start.{_shorten(name)}", "there is no such parameter")
        start = file.start
    if file.used_rows and file.used_rows >= len(dataset.training_rows):
        _refuse(where, "used_rows", f"there are {len(dataset.training_rows)} training rows, and one of them is next")
    settings = Settings(**msgspec.structs.asdict(file.settings))
    _check_options(settings, where)
    return Project(
        network=network,
        dataset=dataset,
        settings=settings,
        updates=file.updates,
        start=start,
        title=file.title,
        source=file.source,
        notes=file.notes,
        epoch=file.epoch,
        memory=_to_memory(file.memory, settings, network, where),
        breakpoints=_to_breakpoints(file.breakpoints, network, where),
        used_rows=file.used_rows,
    )


def _check_options(settings: Settings, where: str) -> None:
    try:
        optimizer, schedule = OPTIMIZERS[settings.optimizer], SCHEDULES[settings.schedule]
        option_values(optimizer.options, settings.optimizer_options, optimizer.title)
        option_values(schedule.options, settings.schedule_options, schedule.title)
    except TrainingError as error:
        raise ProjectError(f"{where}: settings: {error}") from None


def _to_memory(part: MemoryRecord | UnsetType, settings: Settings, network: Network, where: str) -> Memory | None:
    if part is UNSET:
        return None
    slots = OPTIMIZERS[settings.optimizer].slots
    if set(part.slots) != set(slots):
        wanted = ", ".join(slots) or "nothing"
        _refuse(where, "memory.slots", f"the optimizer {settings.optimizer} remembers {wanted}")
    for slot, numbers in part.slots.items():
        for name in numbers:
            if name not in network.values:
                _refuse(where, f"memory.slots.{slot}.{_shorten(name)}", "there is no such parameter")
    return Memory(part.updates, {slot: part.slots[slot] for slot in slots})


def _to_breakpoints(records: list[BreakpointRecord], network: Network, where: str) -> tuple[Breakpoint, ...]:
    found = []
    for index, record in enumerate(records):
        watch = Watch(record.watch)
        known: Mapping[str, object] = {"": 0.0}
        if watch is not Watch.LOSS:
            known = network.neurons if watch is Watch.ACTIVATION else network.values
        if record.subject not in known:
            what = "neuron" if watch is Watch.ACTIVATION else "parameter"
            _refuse(where, f"breakpoints[{index}].subject", f"there is no {what} “{_shorten(record.subject)}”")
        fields = msgspec.structs.asdict(record) | {"watch": watch, "relation": Relation(record.relation)}
        found.append(Breakpoint(**fields))
    return tuple(found)


def _to_network(part: NetworkRecord, where: str) -> Network:
    _check_names(part, where)
    frozen = [n.id for n in part.neurons if not isinstance(n, InputRecord) and n.frozen]
    frozen += [e.id for e in part.edges if e.frozen]
    neurons: list[tuple[Neuron, float, tuple[float, float]]] = []
    for neuron in part.neurons:
        if isinstance(neuron, InputRecord):
            record, bias = Neuron(neuron.id, Role.INPUT), 0.0
        else:
            role = Role.HIDDEN if isinstance(neuron, HiddenRecord) else Role.OUTPUT
            dropout = neuron.dropout if isinstance(neuron, HiddenRecord) else 0.0
            record, bias = Neuron(neuron.id, role, neuron.activation, dropout), neuron.bias
        neurons.append((record, bias, (neuron.x, neuron.y)))
    edges = [
        (
            Edge(e.id, e.source, e.target, None if e.tied_to is UNSET else e.tied_to),
            0.0 if e.weight is UNSET else e.weight,
        )
        for e in part.edges
    ]
    try:
        return Network.build(neurons, edges, frozen)
    except NetworkError as error:
        raise ProjectError(f"{where}: network: {error}") from None


def _check_names(part: NetworkRecord, where: str) -> None:
    """Refuse what the network would refuse too, where the place in the file can still be named."""
    neurons: dict[str, str] = {}
    for index, neuron in enumerate(part.neurons):
        place = f"network.neurons[{index}]"
        if neuron.id in neurons:
            _refuse(where, f"{place}.id", f"“{_shorten(neuron.id)}” is the id of {neurons[neuron.id]} already")
        neurons[neuron.id] = place
        if not isinstance(neuron, InputRecord) and neuron.activation not in ACTIVATIONS:
            choices = ", ".join(ACTIVATIONS)
            _refuse(where, f"{place}.activation", f"“{_shorten(neuron.activation)}” is not one of {choices}")
    edges: dict[str, str] = {}
    owners = {edge.id for edge in part.edges if edge.tied_to is UNSET}
    for index, edge in enumerate(part.edges):
        place = f"network.edges[{index}]"
        former = neurons.get(edge.id) or edges.get(edge.id)
        if former:
            _refuse(where, f"{place}.id", f"“{_shorten(edge.id)}” is the id of {former} already")
        edges[edge.id] = place
        for end in ("source", "target"):
            name = getattr(edge, end)
            if name not in neurons:
                _refuse(where, f"{place}.{end}", f"there is no neuron “{_shorten(name)}”")
        if (edge.weight is UNSET) == (edge.tied_to is UNSET):
            _refuse(where, place, "it needs either the key “weight” or the key “tied_to”")
        if edge.tied_to is not UNSET and edge.tied_to not in owners:
            _refuse(where, f"{place}.tied_to", f"“{_shorten(edge.tied_to)}” is not an edge with a weight of its own")
        if edge.tied_to is not UNSET and edge.frozen:
            _refuse(where, f"{place}.frozen", f"the weight belongs to {edge.tied_to}: freeze it there")


def _to_dataset(part: DataRecord, network: Network, where: str) -> Dataset:
    columns = part.columns
    wanted = [n.id for n in network.inputs] + [n.id for n in network.outputs]
    known = set(wanted)
    for index, name in enumerate(columns):
        if name in columns[:index]:
            _refuse(where, f"data.columns[{index}]", f"“{_shorten(name)}” is named twice")
        if name not in known:
            _refuse(where, f"data.columns[{index}]", f"there is no input and no output “{_shorten(name)}”")
        known.discard(name)
    if known:
        missing = next(name for name in wanted if name in known)
        _refuse(where, "data.columns", f"there is no column for “{missing}”")
    if len(columns) * len(part.rows) > MAX_CELLS:
        _refuse(where, "data.rows", f"too many numbers, the limit is {MAX_CELLS} (rows times columns)")
    for index, row in enumerate(part.rows):
        if len(row) != len(columns):
            _refuse(where, f"data.rows[{index}]", f"expected {len(columns)} numbers, one a column, got {len(row)}")
    values = dict(zip(columns, zip(*part.rows, strict=True), strict=False)) if part.rows else {}
    # In the network's order, whatever the order of the columns in the file.
    dataset = Dataset({name: values.get(name, ()) for name in wanted}, rows=len(part.rows))
    for index, number in enumerate(part.test):
        if number > len(part.rows):
            _refuse(where, f"data.test[{index}]", f"there is no row {number}")
    dataset.set_test(number - 1 for number in part.test)
    for index, scaling in enumerate(part.scalings):
        if scaling.column not in dataset.columns:
            _refuse(where, f"data.scalings[{index}].column", f"there is no column “{_shorten(scaling.column)}”")
        if not scaling.scale:
            _refuse(where, f"data.scalings[{index}].scale", "nothing can be divided by 0")
    dataset.scalings = tuple(Scaling(s.column, s.kind, s.shift, s.scale) for s in part.scalings)
    with np.errstate(all="ignore"):
        for name in dict.fromkeys(scaling.neuron for scaling in dataset.scalings):
            if not np.isfinite(dataset.seen(name)).all():
                _refuse(where, "data.scalings", f"they make numbers of “{_shorten(name)}” infinite")
    return dataset


# Writing


def project_to_text(project: Project) -> str:
    """The text of the file that holds `project`: one neuron, edge and row of data a line, always in the same order.

    Raises ProjectError for what no file can hold: a number that is infinite or NaN, or more than the limits.
    """
    return "".join(_lines(project))


def _lines(project: Project) -> Iterator[str]:
    network = project.network
    dataset = project.dataset.copy()
    dataset.follow(network)
    _check_settings(project)
    _check_size(len(network.neurons), MAX_NEURONS, "neurons")
    _check_size(len(network.edges), MAX_EDGES, "edges")
    _check_size(dataset.rows * max(1, len(dataset.columns)), MAX_CELLS, "numbers in its data")
    _check_size(len(dataset.scalings), MAX_STEPS, "steps of scaling")
    _check_size(len(project.breakpoints), MAX_STEPS, "breakpoints")
    yield f'{{\n  "format": {_text(FORMAT)},\n  "version": {VERSION},\n'
    for name in ("title", "source", "notes"):
        if getattr(project, name):
            yield f'  "{name}": {_text(getattr(project, name))},\n'
    yield '  "network": {\n    "neurons": '
    yield from _list(_neuron_lines(network), "      ")
    yield ',\n    "edges": '
    yield from _list(_edge_lines(network), "      ")
    yield f'\n  }},\n  "data": {{\n    "columns": [{", ".join(map(_text, dataset.columns))}],\n    "rows": '
    yield from _list(_row_lines(dataset), "      ")
    if dataset.test.any():
        yield f',\n    "test": [{", ".join(str(row + 1) for row in dataset.test_rows.tolist())}]'
    if dataset.scalings:
        yield ',\n    "scalings": '
        yield from _list(map(_scaling_line, dataset.scalings), "      ")
    yield '\n  },\n  "settings": {\n'
    yield ",\n".join(
        f'    "{field.name}": {_value(getattr(project.settings, field.name), f"settings.{field.name}")}'
        for field in fields(Settings)
        # A file that uses none of the many ways to train does not list them.
        if field.name in ALWAYS_WRITTEN or getattr(project.settings, field.name) != getattr(_DEFAULTS, field.name)
    )
    yield "\n  }"
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
    if project.breakpoints:
        yield ',\n  "breakpoints": '
        yield from _list((_value(asdict(point), "a breakpoint") for point in project.breakpoints), "    ")
    yield "\n}\n"


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
        raise ProjectError(f"The project cannot be saved: {place}: {_translate(problem)}.") from None


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


def save_project(project: Project, path: str | Path) -> None:
    """Write the project to a file, whole or not at all: until the new one is complete the old one stays.

    A link is followed, and a file that exists keeps its permissions. Raises ProjectError naming the path.
    """
    data = project_to_text(project).encode()
    path = Path(path)
    try:
        _replace(Path(os.path.realpath(path)), data)
    except (OSError, ValueError) as error:
        raise ProjectError(_writing_problem(path, error)) from None


def _replace(path: Path, data: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError
    # A file that may not be written is not to be replaced either, which its folder alone would allow.
    if path.exists() and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError
    temporary = path.parent / f".nnviz-{os.urandom(8).hex()}.tmp"
    # Opened so, rather than by tempfile, the new file gets the permissions that new files usually have.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut too, where the system can (Windows cannot open folders)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _writing_problem(path: Path, error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder: choose a file name in it."
    if isinstance(error, PermissionError):
        return f"{path} cannot be written: you have no permission to write there, so choose another place."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{path} cannot be written: there is no folder {path.parent}, so choose another place."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be written ({reason}): choose another place."
