"""Weights from files that anybody may have written: no code in them is run, sizes are looked at before memory is taken.

What is read: NumPy's .npz, safetensors, JSON, CSV and ONNX, as core.export writes them and as others do.
"""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DataError, ImportFileError
from core.file_problems import shorten
from core.imports.npz_file import read_npz
from core.imports.records import (
    MOST_ARRAYS,
    MOST_BYTES,
    MOST_NAMED,
    MOST_NUMBERS,
    Array,
    NamedArrays,
    as_numbers,
    decode_json,
    read_notes,
    refuse,
)
from core.numbers import parse_number

ENDINGS = (".npz", ".safetensors", ".json", ".csv", ".onnx")
# Files that Python unpickles.
PICKLED = frozenset((".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib"))
# Dimensions of lists within lists in JSON.
MOST_DIMENSIONS = 8
# Letters of a name, in JSON with those of all that it is inside of.
LONGEST_KEY = 300

_SAFETENSORS_KINDS = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
    "BOOL": "|b1",
    **{f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)},
}


def read_arrays(path: Path) -> NamedArrays:
    """What a file of weights holds; which form it has is told by its ending.

    Raises ImportFileError with one sentence where it cannot be read, is too large, holds anything but plain numbers,
    or a number that is not finite.
    """
    readers = {
        ".npz": read_npz,
        ".safetensors": _read_safetensors,
        ".json": _read_json,
        ".csv": _read_csv,
        ".onnx": _read_onnx,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        what = f"weights are read from files that end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        if path.suffix.lower() in PICKLED:
            what += "; one like this can hold code, so save its numbers, for PyTorch with safetensors.torch.save_file"
        elif path.is_dir():
            what += ": choose one of them in this folder"
        refuse(path.name, f"{what}.")
    return reader(_read_bytes(path), path.name)


def _read_bytes(path: Path) -> bytes:
    try:
        # Looked at before it is opened: opening a pipe would wait for its other end.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if path.is_dir() else "not an ordinary file"
            refuse(str(path), f"this is {what}: choose a file of weights.")
        with path.open("rb") as file:
            # A file can grow while it is read.
            data = file.read(status.st_size + 1) if status.st_size <= MOST_BYTES else b""
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImportFileError(f"{path} cannot be read ({reason}): choose another file.") from None
    if max(status.st_size, len(data)) > MOST_BYTES:
        refuse(path.name, f"it is larger than {MOST_BYTES // 2**20} MB, more than any network that can be drawn needs.")
    return data


def _read_onnx(data: bytes, name: str) -> NamedArrays:
    from core.imports.onnx_model import read_onnx

    return read_onnx(data, name)


# Safetensors


def _read_safetensors(data: bytes, name: str) -> NamedArrays:
    """The form: https://huggingface.co/docs/safetensors/index#format"""
    from safetensors import SafetensorError, deserialize

    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        refuse(name, "it is not a whole safetensors file: save it anew.")
    header = decode_json(data[8 : 8 + length], name=name, what="its header")
    count = len(header.keys() - {"__metadata__"}) if isinstance(header, dict) else 0
    if count > MOST_ARRAYS:
        refuse(name, f"it holds {count:,} arrays; up to {MOST_ARRAYS:,} can be read.")
    try:
        # It checks that the arrays lie in the file whole, without gaps and without sharing bytes.
        found: list[tuple[str, dict[str, Any]]] = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        refuse(name, f"it is not a whole safetensors file ({shorten(str(error))}): save it anew.")
    arrays: dict[str, Array] = {}
    _check_key(max((array for array, _ in found), key=len, default=""), name)
    for array, entry in sorted(found, key=lambda item: natural_order(item[0])):
        kind, shape = entry["dtype"], entry["shape"]
        if kind not in _SAFETENSORS_KINDS:
            refuse(name, f"{shorten(array)} holds numbers of an unknown kind ({kind}): save it as float32.")
        if prod(shape) > MOST_NUMBERS or len(shape) > 32:
            refuse(name, f"{shorten(array)} has more numbers than can be read; up to {MOST_NUMBERS:,} are.")
        values = np.frombuffer(bytes(entry["data"]), _SAFETENSORS_KINDS[kind])
        if kind == "BF16":
            # The upper half of a float32.
            values = (values.astype("<u4") << 16).view("<f4")
        arrays[array] = as_numbers(values.reshape(shape), name=name, array=array)
    told = header.get("__metadata__") or {}
    notes = told.get("nnviz")
    return NamedArrays(
        name,
        arrays=arrays,
        notes=None if notes is None else read_notes(decode_json(notes, name=name, what="its entry “nnviz”"), name),
    )


def natural_order(text: str) -> list[tuple[int, str]]:
    """A key for sorting by which layers.10 comes after layers.9."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for letter in f"{text}\0":
        if letter in "0123456789":
            digits += letter
            continue
        if digits:
            # As many digits as the number has come first, then the digits themselves.
            plain = digits.lstrip("0")
            parts.append((len(plain), plain))
            digits = ""
        parts.append((-1, letter))
    return parts


# JSON


def _read_json(data: bytes, name: str) -> NamedArrays:
    content = decode_json(data, name=name, what="it")
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
            if isinstance(value, str):
                texts[key] = value
            elif isinstance(value, int | float) and not isinstance(value, bool):
                parameters[key.removeprefix("parameters.")] = float(value)
            elif isinstance(value, list) and (notes is None or key.endswith((".weight", ".bias"))):
                # Other lists beside notes are their names.
                arrays[key] = _array(value, name=name, array=key)
        except OverflowError:
            refuse(name, f"{shorten(key)} has a number that is too large: a network can only hold finite numbers.")
    return NamedArrays(name, arrays=arrays, parameters=parameters, texts=texts, notes=notes)


def _check_key(key: str, name: str, *, inside: int = 0) -> None:
    """Refuse a name that is too long, with so many letters of the names that it is inside of."""
    if inside + len(key) > LONGEST_KEY:
        refuse(name, f"the name {shorten(key)} in it has more than {LONGEST_KEY} letters: choose a shorter one.")


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Whatever is no object, with the keys on the way to it and dots between them; objects in a list are counted."""
    todo = [("", value)]
    left = MOST_NAMED
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
        _check_key(longest, name, inside=len(key))
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


# CSV


def _read_csv(data: bytes, name: str) -> NamedArrays:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse(name, "it is not text in UTF-8: save it as CSV in UTF-8.")
    first = text.partition("\n")[0]
    delimiter = next((mark for mark in (";", "\t") if mark in first), ",")
    parameters: dict[str, float] = {}
    ends: dict[str, tuple[str, str]] = {}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [cell.strip().casefold() for cell in next(reader, [])]
        if not {"name", "value"} <= set(header):
            refuse(name, "its first row has to name the columns: name, source, target, value (or name, value).")
        columns = [header.index(title) if title in header else -1 for title in ("name", "source", "target", "value")]
        for cells in reader:
            if reader.line_num > MOST_NAMED:
                refuse(name, f"it has more than {MOST_NAMED:,} rows, which is more than can be read.")
            if not any(cell.strip() for cell in cells):
                continue
            where = f"row {reader.line_num:,}"
            if len(cells) <= max(columns):
                refuse(name, f"{where} has fewer cells than the first row: fill it up.")
            label, source, target, number = (cells[i].strip() if i >= 0 else "" for i in columns)
            if not label or label in parameters:
                what = f"“{shorten(label)}” is there twice" if label else "the name is missing"
                refuse(name, f"{where}: {what}; each parameter has one row and its own name.")
            try:
                parameters[label] = parse_number(shorten(number))
            except DataError as error:
                refuse(name, f"{where}: {shorten(label)}: {error}")
            if target and columns[1] >= 0:
                ends[label] = (source, target)
    except csv.Error as error:
        refuse(name, f"it is not a table ({error}): save it as CSV.")
    return NamedArrays(name, parameters=parameters, ends=ends)
