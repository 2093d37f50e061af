"""Files of other programs that hold layers but no names of neurons: what they are, in the words of our own files."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from core.activations import ACTIVATIONS
from core.file_problems import shorten
from core.file_records import MAX_EDGES, MAX_NEURONS
from core.imports.assignments import listed
from core.imports.dense import (
    ORIENTATIONS,
    Orientation,
    arrange,
    choose_orientation,
    dense_layers,
    habit,
    likely_orientations,
    misfit,
    refuse_rows,
)
from core.imports.records import MOST_NUMBERS, LayerNotes, NamedArrays, Notes, refuse

DEFAULT_HIDDEN = "relu"
DEFAULT_OUTPUT = "linear"

# scikit-learn's names: https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html
SKLEARN_ACTIVATIONS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softmax": "softmax",
}
# The texts beside its arrays: of the hidden layers and of the outputs.
_TOLD = ("activation", "out_activation")


def describe(
    file: NamedArrays, *, activations: Sequence[str] = (), orientation: Orientation | None = None
) -> NamedArrays:
    """The same file with notes and with arrays named layers.k.weight and layers.k.bias; itself where it has notes.

    `activations`: one for each layer after the inputs, or one for the hidden layers and one for the outputs. Without
    them what the file says is taken, else ReLU in hidden layers and linear outputs.
    Raises ImportFileError where the arrays are no dense layers one after the other.
    """
    if file.notes is not None:
        if activations:
            refuse(file.name, "it says itself which activations it has: leave them out.")
        refuse_rows(file, orientation)
        return file
    if not file.arrays and file.parameters:
        refuse_rows(file, orientation)
        return _describe_table(file, activations)
    if any(re.fullmatch(r"layers\.\d+\.sources", array) for array in file.arrays):
        refuse(
            file.name,
            "it has lost what it says of its network, without which nobody can tell what its layers read: export it "
            "again, or keep its metadata when you save it.",
        )
    layers, order = arrange(file, dense_layers(file), orientation=orientation)
    fitting = likely_orientations(file, layers, [one for one in ORIENTATIONS if not misfit(layers, one)], orientation)
    if not fitting or (orientation is not None and orientation not in fitting):
        tried: Orientation = orientation or habit(file) or "neurons"
        refuse(file.name, f"{misfit(layers, tried)} (with {ORIENTATIONS[tried]}): these are no dense layers in order.")
    taken = choose_orientation(file, fitting, orientation)
    chosen, said = _activations(file, activations, len(layers))
    sentences = [*([order] if order else []), f"The weights were read with {ORIENTATIONS[taken]}.", said]
    sizes = [layer.sizes(taken) for layer in layers]
    names = [[f"i{i + 1}" for i in range(sizes[0][1])]]
    hidden = 0
    for number, (count, _) in enumerate(sizes):
        is_last = number == len(sizes) - 1
        names.append([f"o{i + 1}" if is_last else f"h{hidden + i + 1}" for i in range(count)])
        hidden += count
    arrays = {}
    for k, layer in enumerate(layers):
        arrays[f"layers.{k}.weight"] = layer.weight if taken == "neurons" else layer.weight.T
        arrays[f"layers.{k}.bias"] = np.zeros(sizes[k][0]) if layer.bias is None else layer.bias
    lacking = [layer.weight_name for layer in layers if layer.bias is None]
    if len(lacking) == len(layers):
        sentences.append("There are no biases in the file: they are 0.")
    elif lacking:
        sentences.append(f"There are no biases in the file for {listed(tuple(lacking))}: they are 0.")
    notes = Notes(
        inputs=names[0],
        outputs=names[-1],
        layers=[
            LayerNotes(activation, neurons, sources)
            for activation, neurons, sources in zip(chosen, names[1:], names[:-1], strict=True)
        ],
    )
    return replace(file, arrays=arrays, parameters={}, notes=notes, sentences=(*file.sentences, *sentences))


def refuse_size(name: str, neurons: int, edges: int) -> None:
    """Refuse a network that is too large in the file called `name`."""
    if neurons > MAX_NEURONS or edges > MAX_EDGES:
        refuse(
            name,
            f"its network has {neurons:,} neurons and {edges:,} edges; up to {MAX_NEURONS:,} neurons and "
            f"{MAX_EDGES:,} edges can be drawn.",
        )


def says_activations(file: NamedArrays) -> bool:
    """Whether the file itself says which activations its layers have, in names that are known here."""
    return file.notes is not None or all(_known(file.texts.get(key, "")) for key in _TOLD)


def _known(name: str) -> str:
    """Our name of an activation that a file names; "" where there is none."""
    found = SKLEARN_ACTIVATIONS.get(name, name)
    return found if found in ACTIVATIONS else ""


def usual_activations(file: NamedArrays) -> tuple[str, str]:
    """What is taken for the hidden layers and for the outputs where nobody chooses: what the file says, or the usual.

    Raises ImportFileError where it says something that is not known here.
    """
    hidden, output = (file.texts.get(key, "") for key in _TOLD)
    for name in (hidden, output):
        if name and not _known(name):
            refuse(file.name, f"its activation “{shorten(name)}” is not known here: choose the activations.")
    return _known(hidden) or DEFAULT_HIDDEN, _known(output) or DEFAULT_OUTPUT


def _activations(file: NamedArrays, asked: Sequence[str], layers: int) -> tuple[list[str], str]:
    """The activation of each layer, and a sentence that says where they are from."""
    if asked:
        for name in asked:
            if name not in ACTIVATIONS:
                refuse(file.name, f"there is no activation “{shorten(name)}”: choose from {', '.join(ACTIVATIONS)}.")
        if len(asked) == layers:
            chosen = list(asked)
        elif len(asked) == 2:
            chosen = [asked[0]] * (layers - 1) + [asked[1]]
        else:
            refuse(
                file.name,
                f"it has {layers} layers after the inputs, but {len(asked)} activations are given: give one for each "
                "layer, or one for the hidden layers and one for the outputs.",
            )
        return chosen, f"Its activations are those you chose: {', '.join(chosen)}."
    hidden, output = usual_activations(file)
    chosen = [hidden] * (layers - 1) + [output]
    if says_activations(file):
        return chosen, f"Its activations are in the file: {', '.join(chosen)}."
    return chosen, (
        f"The file does not say {'all its' if any(map(file.texts.get, _TOLD)) else 'its'} activations, so "
        f"{', '.join(chosen)} {'was' if layers == 1 else 'were'} taken: choose others if it had others."
    )


def _describe_table(file: NamedArrays, activations: Sequence[str]) -> NamedArrays:
    """A table of parameters with sources and targets: what reads nothing is an input, what nobody reads an output."""
    edges = {name: ends for name, ends in file.ends.items() if ends[0] and ends[1]}
    if not edges:
        refuse(file.name, "it names no edge's source and target, so nobody can tell which neurons there are.")
    biases = {target: file.parameters[name] for name, (source, target) in file.ends.items() if target and not source}
    refuse_size(file.name, len({*biases, *(end for ends in edges.values() for end in ends)}), len(edges))
    depth = _depths(file, edges, biases)
    read = {source for source, _ in edges.values()}
    outputs = [name for name, level in depth.items() if level and name not in read]
    levels = max(depth.values())
    chosen, said = _activations(file, activations, levels)
    # An output that stands on the way to deeper neurons has the outputs' activation all the same.
    groups: dict[tuple[int, str], list[str]] = {}
    for name, level in depth.items():
        if level:
            groups.setdefault((level, chosen[-1] if name in outputs else chosen[level - 1]), []).append(name)
    incoming: dict[str, dict[str, str]] = {name: {} for name in depth}
    for name, (source, target) in edges.items():
        if source in incoming[target]:
            refuse(
                file.name,
                f"{shorten(incoming[target][source])} and {shorten(name)} both lead from {shorten(source)} to "
                f"{shorten(target)}: keep one.",
            )
        incoming[target][source] = name
    layers, arrays = [], {}
    left = MOST_NUMBERS
    for k, ((_, activation), neurons) in enumerate(sorted(groups.items(), key=lambda item: item[0][0])):
        sources = list(dict.fromkeys(source for name in neurons for source in incoming[name]))
        # A table without most edges would take far more memory than its edges do.
        left -= len(neurons) * len(sources)
        if left < 0:
            refuse(file.name, "its layers read too many others to be drawn.")
        named = [[incoming[name].get(source, "") for source in sources] for name in neurons]
        layers.append(LayerNotes(activation, neurons, sources, named))
        arrays[f"layers.{k}.weight"] = np.array(
            [[file.parameters[edge] if edge else 0.0 for edge in row] for row in named]
        ).reshape(len(neurons), len(sources))
        arrays[f"layers.{k}.bias"] = np.array([biases.get(name, 0.0) for name in neurons])
    notes = Notes(inputs=[name for name, level in depth.items() if not level], outputs=outputs, layers=layers)
    guessed = (
        f"The table does not say what its neurons are, so inputs are those that read nothing and have no bias "
        f"({listed(tuple(notes.inputs))}), outputs those that nothing reads ({listed(tuple(outputs))}); inputs without "
        "edges, and which weights are shared or frozen, are not in it."
    )
    return replace(file, arrays=arrays, parameters={}, notes=notes, sentences=(*file.sentences, guessed, said))


def _depths(file: NamedArrays, edges: dict[str, tuple[str, str]], biases: dict[str, float]) -> dict[str, int]:
    """The level of each neuron: inputs 0, any other one after the deepest of its sources."""
    from graphlib import CycleError, TopologicalSorter

    sources: dict[str, list[str]] = {}
    for source, target in edges.values():
        sources.setdefault(source, [])
        sources.setdefault(target, []).append(source)
    for name in biases:
        sources.setdefault(name, [])
    try:
        order = list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        refuse(file.name, f"its edges form a cycle ({shorten(' → '.join(error.args[1]))}): take one of them out.")
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = max((depth[source] + 1 for source in sources[name]), default=1 if name in biases else 0)
    # In the order in which the file speaks of them.
    return {name: depth[name] for name in sources}
