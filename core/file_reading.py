"""The text of a project file turned into a project; what is wrong with it is said with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from core.activations import ACTIVATIONS
from core.breakpoints import Breakpoint, Relation, Watch
from core.dataset import MAX_CELLS, Dataset, Scaling
from core.errors import NetworkError, ProjectError, TrainingError
from core.file_problems import describe_syntax, describe_value, refuse, shorten
from core.file_records import (
    FORMAT,
    VERSION,
    BreakpointRecord,
    DataRecord,
    HeaderRecord,
    HiddenRecord,
    InputRecord,
    MemoryRecord,
    NetworkRecord,
    ProjectRecord,
    SceneRecord,
    WalkthroughRecord,
)
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.network import Edge, Network, Neuron, Role
from core.optimizers import OPTIMIZERS
from core.options import option_values
from core.project import Project
from core.rate_schedules import SCHEDULES
from core.settings import Memory, Settings
from core.walkthrough import Moment, Walkthrough, refuse_broken


def project_from_text(text: str, where: str = "The project") -> Project:
    """The project that `text` describes. Raises ProjectError that begins with `where` and the place in it."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise ProjectError(f"{where}: the character at position {error.start + 1} is half of one.") from None
    return project_from_bytes(data, where)


def project_from_bytes(data: bytes, where: str) -> Project:
    """The project in the bytes of a file, which is UTF-8. Raises ProjectError that begins with `where`."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise ProjectError(f"{where} is empty: choose a project file that was saved by nnviz.")
    try:
        _check_version(msgspec.json.decode(data, type=HeaderRecord), where)
        # A migration from an older version goes here, from decoded JSON to decoded JSON.
        return _to_project(msgspec.json.decode(data, type=ProjectRecord), where)
    except UnicodeDecodeError as error:
        raise ProjectError(describe_syntax(str(error), data, where)) from None
    except RecursionError:
        raise ProjectError(f"{where}: brackets are nested too deeply for a project file.") from None
    except msgspec.ValidationError as error:
        raise ProjectError(describe_value(str(error), data, where)) from None
    except msgspec.DecodeError as error:
        raise ProjectError(describe_syntax(str(error), data, where)) from None


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


def _to_project(file: ProjectRecord, where: str) -> Project:
    project = _to_scene(file, where)
    project.breakpoints = _to_breakpoints(file.breakpoints, project.network, where)
    if file.walkthrough is not UNSET:
        project.walkthrough = _to_walkthrough(file.walkthrough, where)
    return project


def _to_walkthrough(part: WalkthroughRecord, where: str) -> Walkthrough:
    scenes = tuple(_to_scene(scene, f"{where}: walkthrough.scenes[{i}]") for i, scene in enumerate(part.scenes))
    moments = []
    for record in part.moments:
        given: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in msgspec.structs.asdict(record).items()
        }
        moments.append(Moment(**given | {"scene": record.scene - 1, "row": record.row - 1}))
    walkthrough = Walkthrough(tuple(moments), scenes)
    try:
        refuse_broken(walkthrough)
    except ProjectError as error:
        raise ProjectError(f"{where}: {error}") from None
    return walkthrough


def _to_scene(file: SceneRecord, where: str) -> Project:
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
            refuse(where, f"settings.{name}", f"“{shorten(chosen)}” is not one of {', '.join(table)}")
    start = None
    if file.start is not UNSET:
        if not file.updates:
            refuse(where, "start", "it belongs to a project with updates, and “updates” is 0 or missing")
        for name in file.start:
            if name not in network.values:
                refuse(where, f"start.{shorten(name)}", "there is no such parameter")
        start = file.start
    if file.used_rows and file.used_rows >= len(dataset.training_rows):
        refuse(where, "used_rows", f"there are {len(dataset.training_rows)} training rows, and one of them is next")
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
    optimizer = OPTIMIZERS[settings.optimizer]
    slots = optimizer.slots
    if set(part.slots) != set(slots):
        wanted = ", ".join(slots) or "nothing"
        refuse(where, "memory.slots", f"the optimizer {settings.optimizer} remembers {wanted}")
    for slot, numbers in part.slots.items():
        for name, number in numbers.items():
            place = f"memory.slots.{slot}.{shorten(name)}"
            if name not in network.values:
                refuse(where, place, "there is no such parameter")
            reason = optimizer.why_not_remember(slot, number)
            if reason is not None:
                refuse(where, place, reason)
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
            refuse(where, f"breakpoints[{index}].subject", f"there is no {what} “{shorten(record.subject)}”")
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
            refuse(where, f"{place}.id", f"“{shorten(neuron.id)}” is the id of {neurons[neuron.id]} already")
        neurons[neuron.id] = place
        if not isinstance(neuron, InputRecord) and neuron.activation not in ACTIVATIONS:
            choices = ", ".join(ACTIVATIONS)
            refuse(where, f"{place}.activation", f"“{shorten(neuron.activation)}” is not one of {choices}")
    edges: dict[str, str] = {}
    owners = {edge.id for edge in part.edges if edge.tied_to is UNSET}
    for index, edge in enumerate(part.edges):
        place = f"network.edges[{index}]"
        former = neurons.get(edge.id) or edges.get(edge.id)
        if former:
            refuse(where, f"{place}.id", f"“{shorten(edge.id)}” is the id of {former} already")
        edges[edge.id] = place
        for end in ("source", "target"):
            name = getattr(edge, end)
            if name not in neurons:
                refuse(where, f"{place}.{end}", f"there is no neuron “{shorten(name)}”")
        if (edge.weight is UNSET) == (edge.tied_to is UNSET):
            refuse(where, place, "it needs either the key “weight” or the key “tied_to”")
        if edge.tied_to is not UNSET and edge.tied_to not in owners:
            refuse(where, f"{place}.tied_to", f"“{shorten(edge.tied_to)}” is not an edge with a weight of its own")
        if edge.tied_to is not UNSET and edge.frozen:
            refuse(where, f"{place}.frozen", f"the weight belongs to {edge.tied_to}: freeze it there")


def _to_dataset(part: DataRecord, network: Network, where: str) -> Dataset:
    columns = part.columns
    wanted = [n.id for n in network.inputs] + [n.id for n in network.outputs]
    known = set(wanted)
    for index, name in enumerate(columns):
        if name in columns[:index]:
            refuse(where, f"data.columns[{index}]", f"“{shorten(name)}” is named twice")
        if name not in known:
            refuse(where, f"data.columns[{index}]", f"there is no input and no output “{shorten(name)}”")
        known.discard(name)
    if known:
        missing = next(name for name in wanted if name in known)
        refuse(where, "data.columns", f"there is no column for “{missing}”")
    if len(columns) * len(part.rows) > MAX_CELLS:
        refuse(where, "data.rows", f"too many numbers, the limit is {MAX_CELLS} (rows times columns)")
    for index, row in enumerate(part.rows):
        if len(row) != len(columns):
            refuse(where, f"data.rows[{index}]", f"expected {len(columns)} numbers, one a column, got {len(row)}")
    values = dict(zip(columns, zip(*part.rows, strict=True), strict=False)) if part.rows else {}
    # In the network's order, whatever the order of the columns in the file.
    dataset = Dataset({name: values.get(name, ()) for name in wanted}, rows=len(part.rows))
    for index, number in enumerate(part.test):
        if number > len(part.rows):
            refuse(where, f"data.test[{index}]", f"there is no row {number}")
    dataset.set_test(number - 1 for number in part.test)
    for index, scaling in enumerate(part.scalings):
        if scaling.column not in dataset.columns:
            refuse(where, f"data.scalings[{index}].column", f"there is no column “{shorten(scaling.column)}”")
        if not scaling.scale:
            refuse(where, f"data.scalings[{index}].scale", "nothing can be divided by 0")
    dataset.scalings = tuple(Scaling(s.column, s.kind, s.shift, s.scale) for s in part.scalings)
    with np.errstate(all="ignore"):
        for name in dict.fromkeys(scaling.neuron for scaling in dataset.scalings):
            if not np.isfinite(dataset.seen(name)).all():
                refuse(where, "data.scalings", f"they make numbers of “{shorten(name)}” infinite")
    return dataset
