"""A model's form as named arrays and back, for the formats that hold arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.form import Layer, ModelForm


def named_arrays(form: ModelForm) -> dict[str, NDArray[Any]]:
    """The arrays by name, for the k-th layer, counted from 0.

    "layers.k.weight", shape (neurons, sources), and "layers.k.bias", shape (neurons,). Where the form is not layered
    also "layers.k.mask" (bool, True where there is an edge), shape (neurons, sources), and "layers.k.sources" (int64),
    the places of the sources among all neurons: the inputs, then those of each layer.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for k, layer in enumerate(form.layers):
        arrays[f"layers.{k}.weight"] = layer.weight
        arrays[f"layers.{k}.bias"] = layer.bias
        if not form.is_layered:
            mask = np.ones(layer.weight.shape, np.bool_) if layer.mask is None else layer.mask
            arrays[f"layers.{k}.mask"] = mask
            arrays[f"layers.{k}.sources"] = np.array(layer.sources, np.int64)
    return arrays


def form_of(described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> ModelForm:
    """The form that `named_arrays` gave, from what core.export.form.metadata said beside them."""
    inputs = tuple(described["inputs"])
    place = {name: i for i, name in enumerate(inputs)}
    layers = []
    for k, told in enumerate(described["layers"]):
        layer = Layer(
            neurons=tuple(told["neurons"]),
            activation=told["activation"],
            sources=tuple(map(int, arrays.get(f"layers.{k}.sources", [place[name] for name in told["sources"]]))),
            weight=arrays[f"layers.{k}.weight"],
            bias=arrays[f"layers.{k}.bias"],
            mask=arrays.get(f"layers.{k}.mask"),
            edges=tuple(map(tuple, told["edges"])),
        )
        place |= {name: len(place) + i for i, name in enumerate(layer.neurons)}
        layers.append(layer)
    outputs = tuple(place[name] for name in described["outputs"])
    return ModelForm(inputs, tuple(layers), outputs, described["form"] == "layers")
