"""Arrays from safetensors files, the header checked before the library that defined it takes memory for them.

The form: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.file_problems import shorten
from core.imports.json_text import decode_json
from core.imports.records import (
    MOST_ARRAYS,
    Array,
    NamedArrays,
    Room,
    as_numbers,
    check_key,
    natural_order,
    read_notes,
    refuse,
)

# Bytes of the header, with the notes in it.
LONGEST_HEADER = 20 * 2**20

_KINDS = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
    "BOOL": "|b1",
    **{f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)},
}


def read_safetensors(data: bytes, name: str) -> NamedArrays:
    """The arrays in the bytes of a safetensors file. Raises ImportFileError."""
    from safetensors import SafetensorError, deserialize

    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        refuse(name, "it is not a whole safetensors file: save it anew.")
    if length > LONGEST_HEADER:
        refuse(name, f"its header is larger than {LONGEST_HEADER // 2**20} MB: leave out what is no weight.")
    header = decode_json(data[8 : 8 + length], name=name, what="its header")
    _check_header(header, name)
    try:
        # It checks that the arrays lie in the file whole, without gaps and without sharing bytes.
        found: list[tuple[str, dict[str, Any]]] = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        refuse(name, f"it is not a whole safetensors file ({shorten(str(error))}): save it anew.")
    arrays: dict[str, Array] = {}
    for array, entry in sorted(found, key=lambda item: natural_order(item[0])):
        kind = entry["dtype"]
        if kind not in _KINDS:
            refuse(name, f"{shorten(array)} holds numbers of an unknown kind ({kind}): save it as float32.")
        values = np.frombuffer(entry["data"], _KINDS[kind])
        if kind == "BF16":
            # The upper half of a float32.
            values = (values.astype("<u4") << 16).view("<f4")
        arrays[array] = as_numbers(values.reshape(entry["shape"]), name=name, array=array)
    told = header.get("__metadata__") or {}
    notes = told.get("nnviz")
    return NamedArrays(
        name,
        arrays=arrays,
        notes=None if notes is None else read_notes(decode_json(notes, name=name, what="its entry “nnviz”"), name),
    )


def _check_header(header: object, name: str) -> None:
    """Refuse what would be read but is too large; that the header is one at all is left to the library."""
    entries = {key: entry for key, entry in header.items() if key != "__metadata__"} if isinstance(header, dict) else {}
    if len(entries) > MOST_ARRAYS:
        refuse(name, f"it holds {len(entries):,} arrays; up to {MOST_ARRAYS:,} can be read.")
    check_key(max(entries, key=len, default=""), name)
    room = Room(name)
    for array, entry in entries.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if isinstance(shape, list) and all(isinstance(size, int) for size in shape):
            room.take(shape, array)
