"""A network as other programs compute it: a sequence of dense layers over all neurons that come before."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import DTypeLike, NDArray

from core.activations import ACTIVATIONS, evaluate
from core.errors import ExportError
from core.imports.records import FORMAT, VERSION
from core.network import Network
from core.project import Project

Array = NDArray[np.floating[Any]]


class Layer(Struct, frozen=True, eq=False):
    """Neurons of one level with one activation: a = f(W · a[sources] + b).

    `sources` are places in `ModelForm.names`. `weight` has shape (neurons, sources), as in PyTorch, `bias` (neurons,).
    `mask` is True where there is an edge (elsewhere the weight is 0), or None where there is one everywhere.
    `edges` holds the edges' ids in the same shape, "" where there is none.
    """

    neurons: tuple[str, ...]
    activation: str
    sources: tuple[int, ...]
    weight: Array
    bias: Array
    mask: NDArray[np.bool_] | None
    edges: tuple[tuple[str, ...], ...]


class ModelForm(Struct, frozen=True, eq=False):
    """The whole: inputs and then layer after layer; the `outputs` are places in `names`.

    `is_layered`: each layer reads exactly the one before it through all edges, and the outputs are the last one,
    so that the layers of other programs are the same thing. Otherwise a layer gathers its sources from everything
    before it, and absent edges are masked.
    """

    inputs: tuple[str, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    is_layered: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All neurons: the inputs, then those of each layer."""
        return (*self.inputs, *(name for layer in self.layers for name in layer.neurons))

    @property
    def description(self) -> str:
        """Which form it is, in a sentence."""
        count = len(self.layers)
        if self.is_layered:
            return f"Written as {count} dense layer{'' if count == 1 else 's'}."
        return (
            f"The drawing is free-form, so it is written as {count} layer{'' if count == 1 else 's'} "
            "that gather their sources and mask absent edges; they compute the same."
        )

    def outputs_of(self, x: Array) -> Array:
        """The outputs for inputs of shape (rows, inputs), shape (rows, outputs), by plain numpy products."""
        found = np.asarray(x).T
        # What overflows is told by core.export.verify.
        with np.errstate(all="ignore"):
            for layer in self.layers:
                z = layer.weight @ found[list(layer.sources)] + layer.bias[:, None]
                found = np.concatenate([found, evaluate(layer.activation, z)])
        return found[list(self.outputs)].T


def model_form(network: Network, dtype: DTypeLike = np.float64, *, has_float64: bool = True) -> ModelForm:
    """The form of a network, its numbers in the precision `dtype`; `has_float64`: that could be chosen instead.

    Raises ExportError where there is no input or no output, or a number is too large for the precision.
    """
    if not network.inputs or not network.outputs:
        what = "input" if not network.inputs else "output"
        raise ExportError(f"The network has no {what}, so no other program can use it: add one.")
    inputs = tuple(neuron.id for neuron in network.inputs)
    place = {name: i for i, name in enumerate(inputs)}
    order = {name: i for i, name in enumerate(ACTIVATIONS)}
    layers: list[Layer] = []
    former = inputs
    is_layered = True
    for members in network.levels()[1:]:
        groups: dict[str, list[str]] = {}
        for name in sorted(members, key=lambda n: order[network.neurons[n].activation]):
            groups.setdefault(network.neurons[name].activation, []).append(name)
        for activation, group in groups.items():
            layer = _layer(network, group, activation, place, np.dtype(dtype), has_float64=has_float64)
            is_layered &= layer.mask is None and layer.sources == tuple(place[name] for name in former)
            layers.append(layer)
        is_layered &= len(groups) == 1
        former = tuple(members)
        place |= {name: len(place) + i for i, name in enumerate(n for group in groups.values() for n in group)}
    outputs = tuple(place[neuron.id] for neuron in network.outputs)
    is_layered &= outputs == tuple(place[name] for name in former)
    return ModelForm(inputs, tuple(layers), outputs, is_layered)


def _layer(
    network: Network,
    group: list[str],
    activation: str,
    place: dict[str, int],
    dtype: np.dtype[Any],
    *,
    has_float64: bool,
) -> Layer:
    # A layer whose neurons have no edge at all reads the first input, masked: other programs know no empty layer.
    sources = sorted({place[edge.source] for name in group for edge in network.incoming(name)}) or [0]
    column = {source: i for i, source in enumerate(sources)}
    weight = np.zeros((len(group), len(sources)))
    edges = [[""] * len(sources) for _ in group]
    for row, name in enumerate(group):
        for edge in network.incoming(name):
            weight[row, column[place[edge.source]]] = network.weight(edge.id)
            edges[row][column[place[edge.source]]] = edge.id
    mask = np.array([[bool(edge) for edge in row] for row in edges])
    with np.errstate(over="ignore"):
        rounded = weight.astype(dtype), np.array([network.bias(name) for name in group]).astype(dtype)
    if not all(np.isfinite(part).all() for part in rounded):
        if not all(np.isfinite(network.bias(name)) for name in group) or not np.isfinite(weight).all():
            raise ExportError(f"A parameter of {', '.join(group)} is not a finite number: give it one.")
        remedy = "choose float64" if has_float64 else "make it smaller"
        raise ExportError(f"A parameter of {', '.join(group)} is too large for {dtype.name}: {remedy}.")
    return Layer(
        neurons=tuple(group),
        activation=activation,
        sources=tuple(sources),
        weight=rounded[0],
        bias=rounded[1],
        mask=None if mask.all() else mask,
        edges=tuple(map(tuple, edges)),
    )


def metadata(project: Project, form: ModelForm) -> dict[str, object]:
    """What a file of weights says beside its arrays, as plain data for JSON: everything but the numbers.

    The arrays of the k-th layer, counted from 0, are called "layers.k.weight", shape (neurons, sources), and
    "layers.k.bias", shape (neurons,).
    """
    network, settings = project.network, project.settings
    names = form.names
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": project.title,
        "form": "layers" if form.is_layered else "masked",
        "loss": settings.loss,
        "updates": project.updates,
        "inputs": list(form.inputs),
        "outputs": [names[place] for place in form.outputs],
        "layers": [
            {
                "activation": layer.activation,
                "neurons": list(layer.neurons),
                "sources": [names[place] for place in layer.sources],
                "edges": [list(row) for row in layer.edges],
            }
            for layer in form.layers
        ],
        "tied": {edge.id: edge.tied_to for edge in network.edges.values() if edge.tied_to},
        "frozen": sorted(network.frozen),
        "scaling": {
            name: [msgspec.to_builtins(scaling) for scaling in project.dataset.scalings_of(name)]
            for name in (*form.inputs, *(names[place] for place in form.outputs))
            if project.dataset.scalings_of(name)
        },
    }


def remarks(project: Project) -> list[str]:
    """What people who load the numbers elsewhere have to know, a sentence each."""
    network = project.network
    sentences = []
    if any(project.dataset.scalings_of(neuron.id) for neuron in (*network.inputs, *network.outputs)):
        sentences.append("Inputs and targets are scaled in this project: give the model scaled inputs.")
    return sentences
