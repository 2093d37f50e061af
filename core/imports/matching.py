"""What of a file goes where in a network that is there: by name, or layer by layer in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.dense import (
    ORIENTATIONS,
    DenseLayer,
    Orientation,
    choose_orientation,
    dense_layers,
    habit,
)
from core.imports.records import NamedArrays, refuse
from core.network import Network
from core.numbers import format_exact
from core.project import Project

By = Literal["name", "order"]

# Names listed in one sentence.
NAMES_SHOWN = 4


class Assignment(Struct, frozen=True):
    """One parameter of the network, its value now, and the new one with its place in the file."""

    parameter: str
    old: float
    new: float
    place: str


class Match(Struct, frozen=True):
    """What would become of a network: `assignments` in its own order; the parameters in `kept` stay as they are.

    `unused` names what in the file goes nowhere. `sentences` say what was taken for granted.
    """

    by: By
    assignments: tuple[Assignment, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]
    sentences: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many parameters get another value."""
        return sum(one.old != one.new for one in self.assignments)

    @property
    def summary(self) -> str:
        """The whole in a few sentences."""
        count = len(self.assignments)
        parts = [f"{count:,} {_parameters(count)} by {self.by}, {self.changed:,} of them with another value."]
        if self.kept:
            one = len(self.kept) == 1
            parts.append(f"Not in the file, so {'it stays' if one else 'they stay'}: {_listed(self.kept)}.")
        if self.unused:
            parts.append(f"Not used from the file: {_listed(self.unused)}.")
        return " ".join([*parts, *self.sentences])


class _Given(Struct, frozen=True):
    """A number in the file that may be a parameter; `ends` are the source ("" of a bias) and the target, if known."""

    name: str
    value: float
    place: str
    ends: tuple[str, str] | None = None


def match_file(
    file: NamedArrays, network: Network, *, by: By | None = None, orientation: Orientation | None = None
) -> Match:
    """What of the file goes where; without `by` it goes by name where any name fits, else by order.

    `orientation` matters by order only, and there only where shapes leave it open. Raises ImportFileError where
    nothing fits, or the shapes do not.
    """
    if not network.values:
        raise ImportFileError("The network has no weights and biases to import into: import as a new network.")
    if by != "order":
        found = _match_names(file, network)
        if found.assignments:
            return found
        if by == "name":
            refuse(
                file.name,
                f"no name in it is one of this network's parameters (it holds {_listed(found.unused)}): "
                "import by order, or as a new network.",
            )
    return _match_layers(file, network, orientation)


def apply_match(match: Match, project: Project) -> None:
    """Give the network the new values. Where any differs, they are those of update 0: nothing has been trained yet."""
    if match.changed:
        project.network.set_values({one.parameter: one.new for one in match.assignments})
        project.begin_anew()


# By name


def _match_names(file: NamedArrays, network: Network) -> Match:
    found: dict[str, Assignment] = {}
    names: dict[str, str] = {}
    unused: list[str] = []
    by_ends = {(edge.source, edge.target): edge.parameter for edge in network.edges.values()}
    for given in _givens(file):
        parameter = _parameter(given, network, by_ends)
        if parameter is None:
            unused.append(given.name)
            continue
        former = found.get(parameter)
        if former is not None and former.new != given.value:
            refuse(
                file.name,
                f"{names[parameter]} and {given.name} share one weight in this network, but the file has "
                f"{format_exact(former.new)} and {format_exact(given.value)}: untie them first, or make them equal.",
            )
        names.setdefault(parameter, given.name)
        found[parameter] = former or Assignment(parameter, network.values[parameter], given.value, given.place)
    if file.notes is None or file.notes.made_up:
        unused += file.arrays
    return _match("name", found, network, unused, _differences(file, network))


def _parameter(given: _Given, network: Network, by_ends: dict[tuple[str, str], str]) -> str | None:
    """The parameter that is meant: the one between the same neurons or, failing that, of the same name."""
    if given.ends is not None:
        source, target = given.ends
        if source and given.ends in by_ends:
            return by_ends[given.ends]
        if not source and target in network.values and target in network.neurons:
            return target
    edge = network.edges.get(given.name)
    if edge is not None:
        return edge.parameter if given.ends is None or given.ends[0] else None
    is_bias = given.name in network.values and (given.ends is None or not given.ends[0])
    return given.name if is_bias else None


def _givens(file: NamedArrays) -> Iterator[_Given]:
    """Every number of the file that has a name."""
    for name, value in file.parameters.items():
        yield _Given(name, value, "parameters" if file.notes else name, file.ends.get(name))
    if file.notes is None or file.notes.made_up or file.parameters:
        return
    for k, layer in enumerate(file.notes.layers):
        weight, bias = (file.arrays.get(f"layers.{k}.{part}") for part in ("weight", "bias"))
        if weight is not None and weight.shape != (len(layer.neurons), len(layer.sources)):
            refuse(
                file.name,
                f"layers.{k}.weight has {_shape(weight.shape)} numbers, but the file speaks of "
                f"{len(layer.neurons)} neurons with {len(layer.sources)} sources: export it again.",
            )
        if bias is not None and bias.shape != (len(layer.neurons),):
            refuse(
                file.name,
                f"layers.{k}.bias has {_shape(bias.shape)} numbers for {len(layer.neurons)} neurons: export it again.",
            )
        for i, target in enumerate(layer.neurons):
            for j, source in enumerate(layer.sources if weight is not None and layer.edges else ()):
                edge = layer.edges[i][j] if i < len(layer.edges) and j < len(layer.edges[i]) else ""
                if edge and weight is not None:
                    yield _Given(edge, float(weight[i, j]), f"layers.{k}.weight[{i}, {j}]", (source, target))
            if bias is not None:
                yield _Given(target, float(bias[i]), f"layers.{k}.bias[{i}]", ("", target))


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
    return (f"Only weights and biases are taken, though the file has other activations: {_listed(tuple(other))}.",)


# By order


def _match_layers(file: NamedArrays, network: Network, asked: Orientation | None) -> Match:
    if not file.arrays and file.parameters:
        refuse(file.name, "it holds no layers, only named numbers, and no name is one of this network's parameters.")
    levels = network.levels()
    pairs = [(level, _sources(network, level)) for level in levels[1:]]
    layers = dense_layers(file)
    if len(layers) != len(pairs):
        refuse(
            file.name,
            f"it holds {_counted(len(layers), 'layer')}, the network has {len(pairs)}: open a network of the same "
            "layers, or import as a new network.",
        )
    wanted = [(len(level), len(sources)) for level, sources in pairs]
    fitting: list[Orientation] = [
        one
        for one in ORIENTATIONS
        if [layer.sizes(one) for layer in layers] == wanted and not _bias_misfit(layers, one)
    ]
    if not fitting or (asked is not None and asked not in fitting):
        refuse(file.name, _layer_problem(layers, wanted, asked or next(iter(fitting), habit(file))))
    orientation = choose_orientation(file, fitting, asked)
    found: dict[str, Assignment] = {}
    for (level, sources), layer in zip(pairs, layers, strict=True):
        weight = layer.weight if orientation == "neurons" else layer.weight.T
        for i, target in enumerate(level):
            edges = {edge.source: edge for edge in network.incoming(target)}
            for j, source in enumerate(sources):
                row, column = (i, j) if orientation == "neurons" else (j, i)
                place = f"{layer.weight_name}[{row}, {column}]"
                _assign(found, network, edges[source].parameter, float(weight[i, j]), place, file.name)
            if layer.bias is not None:
                _assign(found, network, target, float(layer.bias[i]), f"{layer.bias_name}[{i}]", file.name)
    taken = {name for layer in layers for name in (layer.weight_name, layer.bias_name)}
    sentences = (f"The weights were read with {ORIENTATIONS[orientation]}.",)
    unused = [name for name in (*file.arrays, *file.parameters) if name not in taken]
    return _match("order", found, network, unused, sentences)


def _bias_misfit(layers: list[DenseLayer], orientation: Orientation) -> bool:
    return any(layer.bias is not None and len(layer.bias) != layer.sizes(orientation)[0] for layer in layers)


def _sources(network: Network, level: list[str]) -> list[str]:
    """What the neurons of a level read, in drawing order. Raises ImportFileError where they do not read the same."""
    sets = {frozenset(edge.source for edge in network.incoming(target)) for target in level}
    if len(sets) != 1:
        raise ImportFileError(
            f"{level[0]} and the other neurons of its layer read different neurons, so weights cannot be imported by "
            "order: import by name."
        )
    (sources,) = sets
    return [name for name in network.neurons if name in sources]


def _layer_problem(layers: list[DenseLayer], wanted: list[tuple[int, int]], orientation: Orientation | None) -> str:
    ordinals = ("first", "second", "third", "fourth", "fifth")

    # Told for the orientation with which most layers fit, the usual one where both are equal.
    def fits(one: Orientation) -> int:
        return sum(layer.sizes(one) == size for layer, size in zip(layers, wanted, strict=True))

    best: Orientation = max(sorted(ORIENTATIONS, key=lambda one: one != orientation), key=fits)
    for number, (layer, (neurons, sources)) in enumerate(zip(layers, wanted, strict=True)):
        which = ordinals[number] if number < len(ordinals) else f"{number + 1}th"
        if layer.sizes(best) != (neurons, sources):
            rows, columns = (neurons, sources) if best == "neurons" else (sources, neurons)
            return (
                f"{shorten(layer.weight_name)} has {_shape(layer.weight.shape)} numbers, but the network's {which} "
                f"layer after the inputs wants {rows} × {columns} ({neurons} neurons with {sources} sources each): "
                "open a network of the same layers, or import as a new network."
            )
        if layer.bias is not None and len(layer.bias) != neurons:
            return (
                f"{shorten(layer.bias_name)} has {_counted(len(layer.bias), 'number')}, but the network's {which} "
                f"layer after the inputs has {_counted(neurons, 'neuron')}: open a network of the same layers."
            )
    return f"its weight matrices do not fit with {ORIENTATIONS[orientation or best]}: choose the other way."


# Both


def _assign(
    found: dict[str, Assignment], network: Network, parameter: str, value: float, place: str, name: str
) -> None:
    former = found.setdefault(parameter, Assignment(parameter, network.values[parameter], value, place))
    if former.new != value:
        refuse(
            name,
            f"{former.place} and {place} are one shared weight, {parameter}, in this network, but differ "
            f"({format_exact(former.new)} and {format_exact(value)}): untie its edges first, or make them equal.",
        )


def _match(
    by: By, found: dict[str, Assignment], network: Network, unused: list[str], sentences: tuple[str, ...]
) -> Match:
    return Match(
        by=by,
        assignments=tuple(found[name] for name in network.values if name in found),
        kept=tuple(name for name in network.values if name not in found),
        unused=tuple(unused),
        sentences=sentences,
    )


def _parameters(count: int) -> str:
    return "parameter" if count == 1 else "parameters"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "1"


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    shown = [shorten(name) for name in names[:NAMES_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
