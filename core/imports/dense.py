"""Arrays without a word about their network, taken as dense layers one after the other."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.arrays import natural_order
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

    def sizes(self, orientation: Orientation) -> tuple[int, int]:
        """The numbers of neurons and of sources."""
        rows, columns = self.weight.shape
        return (rows, columns) if orientation == "neurons" else (columns, rows)


def dense_layers(file: NamedArrays) -> list[DenseLayer]:
    """The weight matrices of a file in their order, each with the bias that has the same place among the vectors.

    Names that differ in numbers only are ordered by these. Raises ImportFileError where the arrays are no such layers.
    """
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
    weights, biases = _ordered(weights), _ordered(biases)
    return [
        DenseLayer(name, file.arrays[name], other, file.arrays[other] if other else None)
        for name, other in zip(weights, biases or [""] * len(weights), strict=True)
    ]


def _ordered(names: list[str]) -> list[str]:
    same_but_numbers = len({re.sub(r"\d+", "", name) for name in names}) == 1
    return sorted(names, key=natural_order) if same_but_numbers else names


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
    return not any(misfit(layers, one) for one in ORIENTATIONS)


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
