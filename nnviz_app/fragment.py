"""A part of a network on its own, as the clipboard holds it: neurons with the edges among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from core.dataset import Scaling
from core.errors import NetworkError
from core.network import ROLE_PREFIX, Position, Role
from core.project import Project

MIME_TYPE = "application/x-nnviz-neurons+json"
MARK = "nnviz neurons"
VERSION = 1
# Scene units; what lies farther out could not be scrolled to.
FARTHEST = 1_000_000.0


@dataclass(frozen=True, slots=True)
class CopiedNeuron:
    """A neuron with its bias (None for an input), its place, and its column of the data, scaled, if it had one."""

    id: str
    role: Role
    activation: str
    position: Position
    bias: float | None = None
    frozen: bool = False
    column: tuple[float, ...] | None = None
    scalings: tuple[Scaling, ...] = ()
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class CopiedEdge:
    """An edge between two copied neurons. `tied_to` names another copied edge."""

    id: str
    source: str
    target: str
    weight: float
    frozen: bool = False
    tied_to: str | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """Copied neurons and the edges among them, in drawing order."""

    neurons: tuple[CopiedNeuron, ...]
    edges: tuple[CopiedEdge, ...] = ()
    format: str = MARK
    version: int = field(default=VERSION)


def copy_fragment(project: Project, neuron_ids: Iterable[str]) -> Fragment:
    """These neurons of the project with the edges among them, their numbers and their columns."""
    network, chosen = project.network, set(neuron_ids)
    neurons = tuple(
        CopiedNeuron(
            neuron.id,
            neuron.role,
            neuron.activation,
            network.positions[neuron.id],
            bias=network.values.get(neuron.id),
            frozen=neuron.id in network.frozen,
            column=tuple(map(float, project.dataset.columns[neuron.id]))
            if neuron.id in project.dataset.columns
            else None,
            scalings=project.dataset.scalings_of(neuron.id),
            dropout=neuron.dropout,
        )
        for neuron in network.neurons.values()
        if neuron.id in chosen
    )
    inner = [e for e in network.edges.values() if e.source in chosen and e.target in chosen]
    # Of edges that share a weight the first copied one owns it, whether or not the real owner is copied.
    owners: dict[str, str] = {}
    for edge in inner:
        owners.setdefault(edge.parameter, edge.id)
    edges = tuple(
        CopiedEdge(
            edge.id,
            edge.source,
            edge.target,
            network.weight(edge.id),
            frozen=edge.parameter in network.frozen,
            tied_to=None if owners[edge.parameter] == edge.id else owners[edge.parameter],
        )
        for edge in inner
    )
    return Fragment(neurons, edges)


def fragment_to_text(fragment: Fragment) -> str:
    """The fragment as JSON."""
    return msgspec.json.encode(fragment).decode()


def fragment_from_text(text: str) -> Fragment:
    """The fragment in this JSON. Raises NetworkError when it is not one."""
    try:
        fragment = msgspec.json.decode(text, type=Fragment)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        fragment = None
    if fragment is None or fragment.format != MARK or not fragment.neurons:
        raise NetworkError("The clipboard holds no neurons: select some here and copy them first.")
    if fragment.version > VERSION:
        raise NetworkError("The neurons in the clipboard come from a newer version of nnviz.")
    return fragment


def paste_fragment(project: Project, fragment: Fragment, offset: Position) -> list[str]:
    """Add the fragment's neurons and edges, moved by `offset`; return the new neurons' ids.

    An id that is taken is replaced by a free one. Raises NetworkError when the network's rules refuse a part.
    """
    network = project.network
    names: dict[str, str] = {}
    for copied in fragment.neurons:
        if copied.id in names:
            raise NetworkError(f"The clipboard names the neuron “{copied.id}” twice.")
        x, y = copied.position
        if max(abs(x), abs(y)) > FARTHEST:
            raise NetworkError(f"The clipboard puts “{copied.id}” too far away to be drawn.")
        names[copied.id] = network.add_neuron(
            copied.role,
            id=_free_name(project, copied.id, ROLE_PREFIX[copied.role]),
            activation=copied.activation,
            bias=copied.bias or 0.0,
            position=(x + offset[0], y + offset[1]),
        ).id
        if copied.dropout:
            network.set_dropout(names[copied.id], copied.dropout)
    edges: dict[str, str] = {}
    for edge in fragment.edges:
        if edge.source not in names or edge.target not in names:
            raise NetworkError(f"The clipboard's edge “{edge.id}” leads to a neuron that it does not hold.")
        edges[edge.id] = network.connect(
            names[edge.source], names[edge.target], weight=edge.weight, id=_free_name(project, edge.id, "w")
        ).id
    for edge in fragment.edges:
        if edge.tied_to in edges:
            network.tie(edges[edge.id], edges[edge.tied_to])
    frozen = [edges[edge.id] for edge in fragment.edges if edge.frozen]
    frozen += [names[n.id] for n in fragment.neurons if n.frozen and n.role is not Role.INPUT]
    for parameter in frozen:
        network.set_frozen(parameter)
    _paste_columns(project, fragment, names)
    return list(names.values())


def _paste_columns(project: Project, fragment: Fragment, names: dict[str, str]) -> None:
    dataset = project.dataset
    dataset.follow(project.network)
    dataset.set_values(
        {
            (row, names[copied.id]): value
            for copied in fragment.neurons
            if copied.column is not None and names[copied.id] in dataset.columns
            for row, value in enumerate(copied.column[: dataset.rows])
        }
    )
    dataset.scalings += tuple(
        replace(scaling, neuron=names[copied.id])
        for copied in fragment.neurons
        if names[copied.id] in dataset.columns
        for scaling in copied.scalings
        if scaling.scale > 0.0
    )


def _free_name(project: Project, wanted: str, fallback: str) -> str:
    """`wanted` where it is free (cut neurons come back under their names), else with the next free number."""
    network = project.network
    if wanted not in network.neurons and wanted not in network.edges:
        return wanted
    prefix = re.sub(r"\d+$", "", wanted)[:36].rstrip() or fallback
    return network.free_id(prefix)
