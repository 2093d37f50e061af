"""Arrays without a word about their network, taken as dense layers one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.assignments import listed
from core.imports.layer_order import Order, Size, by_numbers, find_order
from core.imports.records import Array, NamedArrays, refuse

# What the rows of a weight array are: neurons, as PyTorch has it, or their sources, as Keras and scikit-learn have it.
Orientation = Literal["neurons", "sources"]
ORIENTATIONS: dict[Orientation, str] = {
    "neurons": "a row a neuron, as in PyTorch",
    "sources": "a row a source, as in Keras and scikit-learn",
}


class DenseLayer(Struct, frozen=True, eq=False):
    """A layer as the file has it, and the names of its arrays; `bias` is None where the layers have none."""

    weight_name: str
    weight: Array
    bias_name: str = ""
    bias: Array | None = None

    def sizes(self, orientation: Orientation) -> Size:
        """The numbers of neurons and of sources."""
        rows, columns = self.weight.shape
        return (rows, columns) if orientation == "neurons" else (columns, rows)


def dense_layers(file: NamedArrays) -> list[DenseLayer]:
    """The weight matrices as the file has them, each with the bias that has the same place among the vectors.

    Names that differ in numbers only are ordered by these; for the others see `arrange`. Raises ImportFileError where
    the arrays are no such layers.
    """
    refuse_empty(file)
    weights: list[str] = []
    biases: list[str] = []
    for array, values in file.arrays.items():
        if array.endswith((".mask", ".sources", "classes_")) or values.ndim == 0:
            continue
        if values.ndim > 2:
            refuse(
                file.name,
                f"{shorten(array)} has {values.ndim} dimensions, so it is no dense layer: only weights in two and "
                "biases in one dimension can be drawn.",
            )
        (weights if values.ndim == 2 else biases).append(array)
    if not weights:
        refuse(file.name, "it holds no weight matrix: give arrays of two dimensions, or named numbers.")
    if biases and len(biases) != len(weights):
        refuse(
            file.name,
            f"it holds {len(weights)} weight {'matrix' if len(weights) == 1 else 'matrices'} but {len(biases)} "
            "vectors: each dense layer has one weight matrix and one bias (other kinds of layers cannot be drawn).",
        )
    weights, biases = by_numbers(weights), by_numbers(biases)
    return [
        DenseLayer(name, file.arrays[name], other, file.arrays[other] if other else None)
        for name, other in zip(weights, biases or [""] * len(weights), strict=True)
    ]


def arrange(
    file: NamedArrays,
    layers: list[DenseLayer],
    *,
    orientation: Orientation | None = None,
    wanted: Sequence[Size] | None = None,
) -> tuple[list[DenseLayer], str]:
    """The layers of a file in the order in which they follow each other, and a sentence where that has to be said.

    `orientation` is the one asked for, `wanted` the sizes that a network has for them. As they are where none fits.
    Raises ImportFileError where several orders fit and nothing tells which is meant.
    """
    asked = ORIENTATIONS if orientation is None else (orientation,)
    orders = {one: order for one in asked if (order := _find_order(layers, one, wanted))}
    if not orders:
        return layers, ""
    usual = habit(file)
    own = next((order for order in orders.values() if order.is_own), None)
    taken = orders.get(usual) if usual else own
    if taken is None:
        taken = next(iter(orders.values()))
    # Without biases, layers that follow each other one way do so backwards the other way.
    is_open = len({order.places for order in orders.values()}) > 1
    if is_open and not taken.is_own and (own is not None or usual is None):
        refuse(
            file.name,
            f"its layers {listed(_names(layers))} fit in one order if a row of a weight matrix is a neuron, as in "
            "PyTorch, and in another if it is a source, as in Keras and scikit-learn: choose which.",
        )
    if not taken.is_told:
        refuse(
            file.name,
            f"its layers {listed(_names(layers))} fit in several orders, and their names do not tell which: number "
            "the names in their order (layer1, layer2).",
        )
    arranged = [layers[place] for place in taken.places]
    if not taken.reason:
        return arranged, ""
    return arranged, f"Layers were taken in the order {listed(_names(arranged))}: {taken.reason}."


def _find_order(
    layers: list[DenseLayer], orientation: Orientation, wanted: Sequence[Size] | None = None
) -> Order | None:
    sizes = [layer.sizes(orientation) for layer in layers]
    if any(layer.bias is not None and len(layer.bias) != size[0] for layer, size in zip(layers, sizes, strict=True)):
        return None
    return find_order(_names(layers), sizes, wanted)


def _names(layers: list[DenseLayer]) -> tuple[str, ...]:
    return tuple(layer.weight_name for layer in layers)


def misfit(layers: list[DenseLayer], orientation: Orientation) -> str:
    """Why these are no layers one after the other with this orientation; "" where they are."""
    for layer in layers:
        neurons, _ = layer.sizes(orientation)
        if layer.bias is not None and len(layer.bias) != neurons:
            return (
                f"{shorten(layer.weight_name)} is of {neurons} neurons, {shorten(layer.bias_name)} has "
                f"{len(layer.bias)} numbers"
            )
    for former, layer in pairwise(layers):
        sources, before = layer.sizes(orientation)[1], former.sizes(orientation)[0]
        if sources != before:
            return (
                f"{shorten(layer.weight_name)} wants {sources} sources, {shorten(former.weight_name)} has "
                f"{before} neurons"
            )
    return ""


def habit(file: NamedArrays) -> Orientation | None:
    """The orientation that the names of the arrays are usual for, if any."""
    names = list(file.arrays)
    if any(re.search(r"(^|[./])kernel|coefs?_", name) for name in names):
        return "sources"
    if any(re.search(r"(^|\.)\d*\.?weight$", name) for name in names):
        return "neurons"
    return None


def has_open_rows(file: NamedArrays) -> bool:
    """Whether the shapes of a file's arrays leave open what their rows are."""
    if file.notes is not None or not file.arrays:
        return False
    try:
        layers = dense_layers(file)
    except ImportFileError:
        # Whoever takes the arrays will say so.
        return False
    return all(_find_order(layers, one) for one in ORIENTATIONS)


def refuse_empty(file: NamedArrays) -> None:
    """Refuse a file without any number."""
    if not file.arrays and not file.parameters:
        text = next(iter(file.texts), None)
        what = "" if text is None else f" ({shorten(text)} is text)"
        refuse(file.name, f"it holds no numbers{what}: give arrays of two dimensions, or named numbers.")


def refuse_rows(file: NamedArrays, asked: Orientation | None) -> None:
    """Refuse the choice of an orientation for a file that leaves none."""
    if asked is not None and (file.notes is not None or not file.arrays):
        refuse(file.name, "it says itself which weight belongs where: leave out what a row of its weights is.")


def choose_orientation(file: NamedArrays, fitting: list[Orientation], asked: Orientation | None) -> Orientation:
    """Which of the fitting orientations is taken. Raises ImportFileError where nobody can tell."""
    if asked is not None and asked in fitting:
        return asked
    usual = habit(file)
    if len(fitting) == 1:
        return fitting[0]
    if usual not in fitting:
        refuse(
            file.name,
            "its weight matrices are square or without biases, so it cannot be told whether a row is a neuron, as in "
            "PyTorch, or a source, as in Keras and scikit-learn: choose which.",
        )
    return usual
