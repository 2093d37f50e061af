"""What of a file goes where in a network that is there: by name, or layer by layer in their order."""

from __future__ import annotations

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.assignments import Assignment, By, Match, listed, make_match, shape_of
from core.imports.by_name import givens_of, match_names
from core.imports.dense import (
    ORIENTATIONS,
    DenseLayer,
    Orientation,
    arrange,
    choose_orientation,
    dense_layers,
    habit,
    likely_orientations,
    refuse_empty,
    refuse_rows,
)
from core.imports.records import NamedArrays, refuse
from core.network import Network
from core.numbers import format_exact
from core.project import Project


def match_file(
    file: NamedArrays, network: Network, *, by: By | None = None, orientation: Orientation | None = None
) -> Match:
    """What of the file goes where; without `by` it goes by name where anything fits so, else by order.

    By name the ends of an edge decide where the file has them, else the edge's own name.
    `orientation` matters by order only, and there only where shapes leave it open. Raises ImportFileError where
    nothing fits, or the shapes do not.
    """
    if not network.values:
        raise ImportFileError("The network has no weights and biases to import into: import as a new network.")
    refuse_empty(file)
    if by != "order":
        # Layers in their order are a better guess than the names of edges between neurons that are not here.
        found = match_names(file, network, strangers=by == "name" or not file.arrays)
        if found.assignments:
            return found
        if by == "name":
            refuse(
                file.name,
                f"nothing in it is one of this network's parameters by name (it holds {listed(found.unused)}): "
                "import by order, or as a new network.",
            )
    return _match_layers(file, network, orientation)


def apply_match(match: Match, project: Project) -> None:
    """Give the network the new values. Where any differs, they are those of update 0: nothing has been trained yet."""
    if match.changed:
        project.network.set_values({one.parameter: one.new for one in match.assignments})
        project.begin_anew()


# By order


def _match_layers(file: NamedArrays, network: Network, asked: Orientation | None) -> Match:
    if not file.arrays and file.parameters:
        if match_names(file, network, strangers=True).assignments:
            refuse(file.name, "it holds no layers, only named numbers, which go by name: import by name, not by order.")
        held = listed(tuple(given.title for given in givens_of(file)))
        refuse(
            file.name,
            f"it holds no layers, only named numbers, and none is one of this network's parameters ({held}): name "
            "neurons as in the file, or import as a new network.",
        )
    refuse_rows(file, asked)
    levels = network.levels()
    # Inputs first, then layer by layer, as in our own files.
    names = [name for level in levels for name in level]
    pairs = [(level, _sources(network, level, names)) for level in levels[1:]]
    layers = dense_layers(file)
    if len(layers) != len(pairs):
        refuse(
            file.name,
            f"it holds {_counted(len(layers), 'layer')}, the network has {len(pairs)}: open a network of the same "
            "layers, or import as a new network.",
        )
    wanted = [(len(level), len(sources)) for level, sources in pairs]
    layers, order = arrange(file, layers, orientation=asked, wanted=wanted)
    fitting: list[Orientation] = [
        one
        for one in ORIENTATIONS
        if [layer.sizes(one) for layer in layers] == wanted and not _bias_misfit(layers, one)
    ]
    fitting = likely_orientations(file, layers, fitting, asked)
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
    sentences = (*([order] if order else []), f"The weights were read with {ORIENTATIONS[orientation]}.")
    if file.notes is None:
        unused = [name for name in (*file.arrays, *file.parameters) if name not in taken]
    else:
        # Its parameters are the same numbers once more, its masks and sources what the layers are.
        unused = [name for name in file.arrays if name not in taken and not name.endswith((".mask", ".sources"))]
    return make_match("order", found, network, unused, sentences)


def _bias_misfit(layers: list[DenseLayer], orientation: Orientation) -> bool:
    return any(layer.bias is not None and len(layer.bias) != layer.sizes(orientation)[0] for layer in layers)


def _sources(network: Network, level: list[str], names: list[str]) -> list[str]:
    """What the neurons of a level read, ordered as in `names`.

    Raises ImportFileError where they do not read the same.
    """
    sets = {frozenset(edge.source for edge in network.incoming(target)) for target in level}
    if len(sets) != 1:
        raise ImportFileError(
            f"{level[0]} and the other neurons of its layer read different neurons, so weights cannot be imported by "
            "order: import by name."
        )
    (sources,) = sets
    return [name for name in names if name in sources]


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
                f"{shorten(layer.weight_name)} has {shape_of(layer.weight.shape)} numbers, but the network's {which} "
                f"layer after the inputs wants {rows} × {columns} ({_counted(neurons, 'neuron')} with "
                f"{_counted(sources, 'source')} each): "
                "open a network of the same layers, or import as a new network."
            )
        if layer.bias is not None and len(layer.bias) != neurons:
            return (
                f"{shorten(layer.bias_name)} has {_counted(len(layer.bias), 'number')}, but the network's {which} "
                f"layer after the inputs has {_counted(neurons, 'neuron')}: open a network of the same layers."
            )
    return f"its weight matrices do not fit with {ORIENTATIONS[orientation or best]}: choose the other way."


def _assign(
    found: dict[str, Assignment], network: Network, parameter: str, value: float, place: str, name: str
) -> None:
    former = found.setdefault(parameter, Assignment(parameter, network.values[parameter], value, place))
    if former.new != value:
        refuse(
            name,
            f"{shorten(former.place)} and {shorten(place)} are one shared weight, {parameter}, in this network, but "
            f"differ ({format_exact(former.new)} and {format_exact(value)}): untie its edges first, or make them "
            "equal.",
        )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
