"""Weights into a network that is there, by the names of neurons and edges."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from core.file_problems import shorten
from core.imports.assignments import Assignment, Match, listed, make_match, shape_of
from core.imports.records import NamedArrays, Notes, refuse
from core.network import Network
from core.numbers import format_exact

_Ends = tuple[str, str]


class Given(Struct, frozen=True):
    """A number in the file that may be a parameter; `ends` are the source ("" of a bias) and the target, if known."""

    name: str
    value: float
    place: str
    ends: _Ends | None = None

    @property
    def title(self) -> str:
        """What it is in the file."""
        if self.ends is None:
            return self.name
        source, target = self.ends
        return f"{self.name} ({source} → {target})" if source else f"the bias of {target}"


def match_names(file: NamedArrays, network: Network, *, strangers: bool) -> Match:
    """The match by name. `strangers`: names of edges count also where the file's neurons are all unknown here."""
    givens = list(givens_of(file))
    by_ends = {(edge.source, edge.target): edge.id for edge in network.edges.values()}
    known = [given.ends for given in givens if given.ends is not None]
    by_names = strangers and not any(end in network.neurons for ends in known for end in ends)
    # A neuron that reads none of what it reads in the file has only its name in common, so its bias stays.
    akin: dict[str, bool] = {}
    for source, target in known:
        if source:
            akin[target] = akin.get(target, False) or (source, target) in by_ends
    found: dict[str, Assignment] = {}
    # By parameter, the first that it was given by, and the edge or neuron that this one is of.
    firsts: dict[str, tuple[str, str]] = {}
    unused: list[str] = []
    for given in givens:
        if given.ends is None or by_names:
            owner = _named(given, network)
        elif given.ends[0]:
            owner = by_ends.get(given.ends)
        else:
            target = given.ends[1]
            is_bias = target in network.neurons and target in network.values
            owner = target if is_bias and akin.get(target, True) else None
        if owner is None:
            unused.append(given.title)
            continue
        edge = network.edges.get(owner)
        parameter = edge.parameter if edge else owner
        former = found.get(parameter)
        if former is not None and former.new != given.value:
            first, first_owner = firsts[parameter]
            if first_owner == owner:
                where = f"lead from {edge.source} to {edge.target}" if edge else f"are the bias of {owner}"
                refuse(file.name, f"{shorten(first)} and {shorten(given.name)} both {where}: keep one.")
            refuse(
                file.name,
                f"{shorten(first)} and {shorten(given.name)} share one weight in this network, but the file has "
                f"{format_exact(former.new)} and {format_exact(given.value)}: untie them first, or make them equal.",
            )
        firsts.setdefault(parameter, (given.name, owner))
        found[parameter] = former or Assignment(parameter, network.values[parameter], given.value, given.place)
    if file.notes is None or file.notes.made_up:
        unused += file.arrays
    return make_match("name", found, network, unused, _differences(file, network))


def _named(given: Given, network: Network) -> str | None:
    """The edge or neuron of the same name, where the file has a weight or a bias as here."""
    if given.name in network.edges:
        return given.name if given.ends is None or given.ends[0] else None
    is_bias = given.name in network.values and (given.ends is None or not given.ends[0])
    return given.name if is_bias else None


def givens_of(file: NamedArrays) -> Iterator[Given]:
    """Every number of the file that has a name."""
    ends = file.ends if file.notes is None else _ends(file.notes)
    tied = file.notes.tied if file.notes else {}
    for name, value in file.parameters.items():
        yield Given(name, value, f"parameters.{name}" if file.notes else name, ends.get(name))
    for name, owner in tied.items():
        if owner in file.parameters and name not in file.parameters:
            yield Given(name, file.parameters[owner], f"parameters.{owner}", ends.get(name))
    if file.notes is None or file.notes.made_up or file.parameters:
        return
    for k, layer in enumerate(file.notes.layers):
        weight, bias = (file.arrays.get(f"layers.{k}.{part}") for part in ("weight", "bias"))
        if weight is not None and weight.shape != (len(layer.neurons), len(layer.sources)):
            refuse(
                file.name,
                f"layers.{k}.weight has {shape_of(weight.shape)} numbers, but the file speaks of "
                f"{len(layer.neurons)} neurons with {len(layer.sources)} sources: export it again.",
            )
        if bias is not None and bias.shape != (len(layer.neurons),):
            refuse(
                file.name,
                f"layers.{k}.bias has {shape_of(bias.shape)} numbers for {len(layer.neurons)} neurons: "
                "export it again.",
            )
        for i, target in enumerate(layer.neurons):
            for j, source in enumerate(layer.sources if weight is not None and layer.edges else ()):
                edge = layer.edges[i][j] if i < len(layer.edges) and j < len(layer.edges[i]) else ""
                if edge and weight is not None:
                    yield Given(edge, float(weight[i, j]), f"layers.{k}.weight[{i}, {j}]", (source, target))
            if bias is not None:
                yield Given(target, float(bias[i]), f"layers.{k}.bias[{i}]", ("", target))


def _ends(notes: Notes) -> dict[str, _Ends]:
    """The ends of each edge and bias that the notes name."""
    ends = {target: ("", target) for layer in notes.layers for target in layer.neurons}
    for layer in notes.layers:
        for target, edges in zip(layer.neurons, layer.edges, strict=False):
            ends |= {edge: (source, target) for edge, source in zip(edges, layer.sources, strict=False) if edge}
    return ends


def _differences(file: NamedArrays, network: Network) -> tuple[str, ...]:
    """A sentence where the file's neurons have other activations than the network's of the same names."""
    other = [
        f"{name} ({layer.activation}, here {network.neurons[name].activation})"
        for layer in (file.notes.layers if file.notes else ())
        for name in layer.neurons
        if name in network.neurons and network.neurons[name].activation != layer.activation
    ]
    if not other:
        return ()
    return (f"Only weights and biases are taken, though the file has other activations: {listed(tuple(other))}.",)
