"""Arrays without a word about their network, taken as dense layers one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NoReturn

from msgspec import Struct

from core.errors import ImportFileError
from core.file_problems import shorten
from core.imports.assignments import listed, shape_of
from core.imports.layer_order import Order, Size, by_numbers, find_order
from core.imports.records import Array, NamedArrays, refuse

# What the rows of a weight array are: neurons, as PyTorch has it, or their sources, as Keras and scikit-learn have it.
Orientation = Literal["neurons", "sources"]
ORIENTATIONS: dict[Orientation, str] = {
    "neurons": "a row a neuron, as in PyTorch",
    "sources": "a row a source, as in Keras and scikit-learn",
}


# Words in names that say what an array is, and nothing of its layer.
_WEIGHT_WORDS = frozenset(("weight", "weights", "w", "kernel", "kernels", "coef", "coefs"))
_BIAS_WORDS = frozenset(("bias", "biases", "b", "intercept", "intercepts"))
# Names that PyTorch and Keras give to what is no weight matrix of a dense layer, and to vectors that are no biases.
_OTHER_MATRIX = r"weight_([ih]h(_l\d+(_reverse)?)?|[gv]|orig)$|in_proj_weight$|parametrizations\."
_OTHER_VECTOR = r"(^|[./_])((running|moving)_(mean|var|variance)|alpha|beta|gamma|scale|weight)(:0)?$"


class DenseLayer(Struct, frozen=True, eq=False):
    """A layer as the file has it, and the names of its arrays; `bias` is None where it has none."""

    weight_name: str
    weight: Array
    bias_name: str = ""
    bias: Array | None = None

    def sizes(self, orientation: Orientation) -> Size:
        """The numbers of neurons and of sources."""
        rows, columns = self.weight.shape
        return (rows, columns) if orientation == "neurons" else (columns, rows)


def dense_layers(file: NamedArrays) -> list[DenseLayer]:
    """The weight matrices as the file has them, each with its bias.

    That is the vector whose name says so (fc1.weight, fc1.bias), else the one of the same place among the vectors.
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
        if values.ndim == 2 and values.size == 0:
            refuse(file.name, f"{shorten(array)} has no numbers ({shape_of(values.shape)}): leave its layer out.")
        (weights if values.ndim == 2 else biases).append(array)
    if not weights:
        refuse(file.name, "it holds no weight matrix: give arrays of two dimensions, or named numbers.")
    _refuse_other_layers(file.name, weights, biases)
    weights, biases = by_numbers(weights), by_numbers(biases)
    partners = _partners(file.name, weights, biases)
    if partners is None:
        partners = dict(zip(weights, biases, strict=True))
    return [
        DenseLayer(name, file.arrays[name], other, file.arrays[other] if other else None)
        for name in weights
        for other in (partners.get(name, ""),)
    ]


def _refuse_other_layers(name: str, weights: list[str], biases: list[str]) -> None:
    """Refuse arrays that are of other kinds of layers, by their number and by their names."""
    other = next((one for one in weights if re.search(_OTHER_MATRIX, one)), None)
    if other is None and len(biases) > len(weights):
        _refuse_count(name, weights, biases)
    if other is None:
        other = next((one for one in biases if re.search(_OTHER_VECTOR, one)), None)
    if other is not None:
        what = "weight matrix" if other in weights else "bias"
        refuse(
            name,
            f"{shorten(other)} is no {what} of a dense layer, by its name: only dense layers, such as PyTorch's "
            "Linear, can be drawn.",
        )


def _refuse_count(name: str, weights: list[str], biases: list[str]) -> NoReturn:
    refuse(
        name,
        f"it holds {len(weights)} weight {'matrix' if len(weights) == 1 else 'matrices'} but {len(biases)} "
        f"{'vector' if len(biases) == 1 else 'vectors'}: each dense layer has one weight matrix and one bias (other "
        "kinds of layers cannot be drawn).",
    )


def _partners(name: str, weights: list[str], biases: list[str]) -> dict[str, str] | None:
    """The bias of each weight matrix that has one, by their names; None where these do not tell, but places do."""
    layers = {_layer_name(one, _WEIGHT_WORDS): one for one in weights}
    owners = {_layer_name(one, _BIAS_WORDS): one for one in biases}
    found = [key for key in owners if key in layers]
    if not all(map(_is_called_bias, biases)) or len(owners) < len(biases) or len(layers) < len(weights) or not found:
        if biases and len(biases) != len(weights):
            _refuse_count(name, weights, biases)
        return None if biases else {}
    if len(found) < len(owners):
        alone = next(one for key, one in owners.items() if key not in layers)
        refuse(
            name,
            f"{shorten(alone)} belongs to no weight matrix, by its name: name each bias as its weights (fc1.weight, "
            "fc1.bias).",
        )
    return {layers[key]: owners[key] for key in found}


def _is_called_bias(array: str) -> bool:
    return not _BIAS_WORDS.isdisjoint(_words(array))


def _layer_name(array: str, words: frozenset[str]) -> tuple[str, ...]:
    """What the name of an array says of its layer: all but the last of these words in it."""
    parts = _words(array)
    place = next((i for i in reversed(range(len(parts))) if parts[i] in words), len(parts))
    return (*parts[:place], *parts[place + 1 :])


def _words(array: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", array.casefold())


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


def likely_orientations(
    file: NamedArrays, layers: list[DenseLayer], fitting: list[Orientation], asked: Orientation | None
) -> list[Orientation]:
    """Of the fitting orientations those that can be meant.

    Where some layers have a bias and others none, one of these may be another kind of layer, such as PyTorch's
    Embedding; shapes alone that speak against the names are no good reason then to turn all the others around.
    """
    usual = habit(file)
    if asked is not None or usual is None or len({layer.bias is None for layer in layers}) == 1:
        return fitting
    return [one for one in fitting if one == usual]


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
