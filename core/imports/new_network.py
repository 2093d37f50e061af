"""A new project from a file of weights that says, or is told, what its network is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from core.activations import ACTIVATIONS
from core.dataset import Dataset, Scaling
from core.errors import NetworkError
from core.file_problems import shorten
from core.file_records import MAX_STEPS
from core.imports.dense import Orientation
from core.imports.foreign import describe, refuse_size
from core.imports.records import Array, LayerNotes, NamedArrays, Notes, refuse
from core.losses import LOSSES
from core.network import Edge, Network, Neuron, Position, Role
from core.numbers import format_exact
from core.project import Project
from core.settings import Settings

# Where neurons stand, in scene units.
COLUMN_GAP = 260.0
ROW_GAP = 110.0
LONGEST_NAME = 40


def make_project(
    file: NamedArrays, *, activations: Sequence[str] = (), orientation: Orientation | None = None
) -> tuple[Project, tuple[str, ...]]:
    """A project with the file's network and one row of zeros as data, and sentences that say what was taken.

    For `activations` and `orientation` see core.imports.foreign.describe. The loss is the file's, else one that fits
    the outputs. Raises ImportFileError where the file's network is not whole or is too large to be drawn.
    """
    file = describe(file, activations=activations, orientation=orientation)
    assert file.notes is not None
    notes = file.notes
    _check_size(file.name, notes)
    network = _network(file, notes)
    loss = notes.loss if notes.loss in LOSSES else _fitting_loss(network)
    dataset = Dataset(rows=1)
    dataset.follow(network)
    dataset.scalings = tuple(_scalings(file.name, notes, dataset))
    project = Project(network, dataset, Settings(loss=loss), title=notes.title, source=file.name)
    project.title = notes.title or PurePath(file.name).stem
    sizes = "-".join(str(len(level)) for level in network.levels())
    edges = "1 edge" if len(network.edges) == 1 else f"{len(network.edges):,} edges"
    sentences = [f"A network of {len(network.neurons):,} neurons ({sizes}) and {edges}."]
    if notes.loss not in LOSSES:
        lacking = (
            f"Its loss “{shorten(notes.loss)}” is not known here" if notes.loss else "The file does not say its loss"
        )
        sentences.append(f"{lacking}, so it is the {LOSSES[loss].title.lower()}.")
    return project, (*sentences, *file.sentences)


def _check_size(name: str, notes: Notes) -> None:
    edges = sum(sum(map(bool, row)) for layer in notes.layers for row in layer.edges) + sum(
        len(layer.neurons) * len(layer.sources) for layer in notes.layers if not layer.edges
    )
    refuse_size(name, notes.neurons, edges)
    if not notes.inputs or not notes.outputs:
        refuse(name, f"its network has no {'output' if notes.inputs else 'input'}: it cannot be drawn.")


def _network(file: NamedArrays, notes: Notes) -> Network:
    """The network of the notes, with the arrays' numbers. Raises ImportFileError where they do not fit together."""
    name = file.name
    biases: dict[str, float] = {}
    activation: dict[str, str] = {}
    edges: list[tuple[Edge, float]] = []
    taken = {*notes.inputs, *(neuron for layer in notes.layers for neuron in layer.neurons)}
    taken |= {edge for layer in notes.layers for row in layer.edges for edge in row}
    number = 1
    for k, layer in enumerate(notes.layers):
        weight, bias = _layer_arrays(file, layer, k)
        if layer.activation not in ACTIVATIONS:
            refuse(name, f"layer {k + 1} has an activation that is not known here: “{shorten(layer.activation)}”.")
        for i, target in enumerate(layer.neurons):
            biases[target], activation[target] = float(bias[i]), layer.activation
            for j, source in enumerate(layer.sources):
                edge = layer.edges[i][j] if layer.edges else ""
                if layer.edges and not edge:
                    continue
                if not edge:
                    while f"w{number}" in taken:
                        number += 1
                    edge = f"w{number}"
                    number += 1
                edges.append((Edge(edge, source, target, notes.tied.get(edge)), float(weight[i, j])))
    _check_names(file.name, notes, activation)
    _check_tied(file.name, edges)
    outputs = set(notes.outputs)
    neurons = [
        *(Neuron(one, Role.INPUT) for one in notes.inputs),
        *(Neuron(one, Role.HIDDEN, activation[one]) for one in activation if one not in outputs),
        *(Neuron(one, Role.OUTPUT, activation[one]) for one in notes.outputs),
    ]
    try:
        network = Network.build(
            [(neuron, biases.get(neuron.id, 0.0), (0.0, 0.0)) for neuron in neurons], edges, notes.frozen
        )
    except NetworkError as error:
        # On one line, whatever is in its names.
        refuse(name, f"its network cannot be drawn: {' '.join(str(error).split())}")
    network.move(_positions(network))
    return network


def _check_names(name: str, notes: Notes, activation: Mapping[str, str]) -> None:
    """Refuse names that stand twice, and outputs that are nowhere."""
    known = [*notes.inputs, *(neuron for layer in notes.layers for neuron in layer.neurons)]
    edges = {edge for layer in notes.layers for row in layer.edges for edge in row}
    if len(set(known)) < len(known) or len(set(notes.outputs)) < len(notes.outputs):
        refuse(name, "a neuron is named twice in it: export it again.")
    too_long = next((one for one in (*known, *edges) if len(one) > LONGEST_NAME), None)
    if too_long is not None:
        refuse(name, f"the name “{shorten(too_long)}” is too long; up to {LONGEST_NAME} characters can be drawn.")
    lost = next((one for one in notes.outputs if one not in activation), None)
    if lost is not None:
        what = "an input too" if lost in notes.inputs else "in no layer"
        refuse(name, f"its output “{shorten(lost)}” is {what}: an output needs a layer of its own.")


def _check_tied(name: str, edges: Sequence[tuple[Edge, float]]) -> None:
    """Refuse edges that share one weight but have different numbers."""
    weights = {edge.id: weight for edge, weight in edges}
    for edge, weight in edges:
        owner = weights.get(edge.parameter, weight)
        if owner != weight:
            refuse(
                name,
                f"{edge.id} and {edge.parameter} share one weight, but the file has {format_exact(weight)} and "
                f"{format_exact(owner)}: make them equal.",
            )


def _layer_arrays(file: NamedArrays, layer: LayerNotes, k: int) -> tuple[Array, Array]:
    shape = len(layer.neurons), len(layer.sources)
    weight, bias = (file.arrays.get(f"layers.{k}.{part}") for part in ("weight", "bias"))
    if weight is None or bias is None:
        refuse(file.name, f"layers.{k}.{'weight' if weight is None else 'bias'} is missing: export it again.")
    if 0 in shape:
        weight = weight.reshape(shape) if weight.size == 0 else weight
    if weight.shape != shape or bias.shape != shape[:1]:
        refuse(
            file.name,
            f"layers.{k}.weight and layers.{k}.bias have {' × '.join(map(str, weight.shape))} and "
            f"{' × '.join(map(str, bias.shape))} numbers for {shape[0]} neurons with {shape[1]} sources.",
        )
    if layer.edges and (len(layer.edges) != shape[0] or any(len(row) != shape[1] for row in layer.edges)):
        refuse(file.name, f"layer {k + 1} does not name as many edges as it has: export it again.")
    return weight, bias


def _fitting_loss(network: Network) -> str:
    activations = {neuron.activation for neuron in network.outputs}
    if activations == {"softmax"}:
        return "cross_entropy"
    return "binary_cross_entropy" if activations == {"sigmoid"} else "mean_squared_error"


def _scalings(name: str, notes: Notes, dataset: Dataset) -> list[Scaling]:
    found = []
    for neuron, steps in notes.scaling.items():
        for step in steps if neuron in dataset.columns else ():
            # What the network sees of a 0 has to be finite too.
            if not (step.scale > 0.0 and math.isfinite(step.scale) and math.isfinite(step.shift / step.scale)):
                refuse(name, f"the scaling of {shorten(neuron)} is no usable number: export it again.")
            found.append(Scaling(neuron, step.kind, step.shift, step.scale))
    if len(found) > MAX_STEPS:
        refuse(name, f"it has {len(found):,} steps of scaling; up to {MAX_STEPS:,} can be kept.")
    return found


def _positions(network: Network) -> dict[str, Position]:
    """Each level in a column, the outputs that nobody reads in the last one."""
    levels = network.levels()
    last = [neuron.id for neuron in network.outputs if not network.outgoing(neuron.id)]
    columns = [[one for one in level if one not in set(last)] for level in levels]
    columns = [column for column in [*columns, last] if column]
    gap = max(COLUMN_GAP, ROW_GAP * max(map(len, columns)) / 4.0)
    return {
        name: (round(x * gap, -1), (row - (len(column) - 1) / 2) * ROW_GAP)
        for x, column in enumerate(columns)
        for row, name in enumerate(column)
    }
