"""Weights from JSON: numbers by their names, layers as lists of rows, our own files and others."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from core.file_problems import shorten
from core.imports.json_text import decode_json
from core.imports.records import MOST_NAMED, Array, NamedArrays, Notes, as_numbers, check_key, read_notes, refuse
from core.numbers import format_exact

# Dimensions of lists within lists.
MOST_DIMENSIONS = 8
# Letters of all names together, each with the names that it is inside of.
MOST_LETTERS = 10_000_000
# What keys begin with where each is a parameter.
_PARAMETERS = "parameters."


def read_json(data: bytes, name: str) -> NamedArrays:
    """The numbers and lists of numbers in the bytes of a JSON file, by their names. Raises ImportFileError."""
    # Some editors begin a text in UTF-8 with a mark.
    content = decode_json(data.removeprefix(BOM_UTF8), name=name, what="it")
    if not isinstance(content, dict):
        refuse(name, "it is a list or a single value: weights are named, as in {“parameters”: {“w1”: 0.5}}.")
    notes = read_notes(content, name)
    if notes is not None:
        content = {"layers": content["layers"], "parameters": content.get("parameters", {})}
    parameters: dict[str, float] = {}
    arrays: dict[str, Array] = {}
    texts: dict[str, str] = {}
    for key, value in _leaves(content, name):
        try:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if key.startswith(_PARAMETERS) and not is_number and not isinstance(value, list):
                what = "text" if isinstance(value, str) else "null" if value is None else "true or false"
                refuse(
                    name, f"{shorten(key.removeprefix(_PARAMETERS))} is {what}: give a number without quotation marks."
                )
            if isinstance(value, str):
                texts[key] = value
            elif is_number:
                label = key.removeprefix(_PARAMETERS)
                if label in parameters:
                    _refuse_double(label, name)
                parameters[label] = float(value)
            elif isinstance(value, list) and (notes is None or key.endswith((".weight", ".bias"))):
                # Other lists beside notes are their names.
                if key in arrays:
                    _refuse_double(key, name)
                arrays[key] = _array(value, name=name, array=key)
        except OverflowError:
            refuse(name, f"{shorten(key)} has a number that is too large: a network can only hold finite numbers.")
    if notes is not None:
        _check_agreement(notes, arrays, parameters, name)
    return NamedArrays(name, arrays=arrays, parameters=parameters, texts=texts, notes=notes)


def _check_agreement(notes: Notes, arrays: dict[str, Array], parameters: dict[str, float], name: str) -> None:
    """Refuse parameters that have one number by their names and another one in their layer."""

    def check(parameter: str, array: str, place: tuple[int, ...]) -> None:
        wanted, values = parameters.get(notes.tied.get(parameter, parameter)), arrays.get(array)
        if wanted is None or values is None or values.ndim != len(place):
            return
        is_inside = all(i < size for i, size in zip(place, values.shape, strict=True))
        if is_inside and values[place] != wanted:
            refuse(
                name,
                f"{shorten(parameter)} is {format_exact(wanted)} among its parameters, but "
                f"{format_exact(float(values[place]))} in {array}[{', '.join(map(str, place))}]: make them equal.",
            )

    for k, layer in enumerate(notes.layers):
        for i, neuron in enumerate(layer.neurons):
            check(neuron, f"layers.{k}.bias", (i,))
        for i, row in enumerate(layer.edges):
            for j, edge in enumerate(row):
                if edge:
                    check(edge, f"layers.{k}.weight", (i, j))


def _refuse_double(key: str, name: str) -> NoReturn:
    refuse(name, f"“{shorten(key)}” is there twice: give each parameter and each array once.")


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Whatever is no object, with the keys on the way to it and dots between them; objects in a list are counted."""
    todo = [("", value)]
    left, letters = MOST_NAMED, MOST_LETTERS
    while todo:
        key, value = todo.pop()
        children: list[tuple[str, Any]] | None = None
        if isinstance(value, dict):
            children = list(value.items())
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            children = [(str(number), child) for number, child in enumerate(value)]
        if children is None:
            yield key, value
            continue
        left -= len(children)
        if left < 0:
            refuse(name, f"it holds more than {MOST_NAMED:,} named numbers, which is more than can be read.")
        # Each child gets its own copy of the key.
        longest = max((child for child, _ in children), key=len, default="")
        check_key(longest, name, inside=len(key))
        letters -= sum(len(child) for child, _ in children) + len(children) * len(key)
        if letters < 0:
            refuse(name, f"the names in it have more than {MOST_LETTERS:,} letters together: choose shorter ones.")
        todo += [(f"{key}.{child}" if key else child, below) for child, below in reversed(children)]


def _array(value: list[Any], *, name: str, array: str) -> Array:
    shape, flat = [len(value)], value
    while flat and isinstance(flat[0], list) and len(shape) < MOST_DIMENSIONS:
        width = len(flat[0])
        if not all(isinstance(row, list) and len(row) == width for row in flat):
            refuse(name, f"the rows of {shorten(array)} are not equally long: give each as many numbers.")
        shape.append(width)
        flat = [cell for row in flat for cell in row]
    if not all(type(cell) in (int, float) for cell in flat):
        refuse(name, f"{shorten(array)} holds something that is not a number: give numbers only.")
    return as_numbers(np.array(flat, dtype=np.float64).reshape(shape), name=name, array=array)
