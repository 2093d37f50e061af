"""JSON that anybody may have written: its size in memory is estimated before it is read, and no name is there twice."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from core.file_problems import shorten
from core.imports.records import MOST_ARRAYS, refuse

# Objects: one an array or a layer.
MOST_OBJECTS = 3 * MOST_ARRAYS
# Bytes that JSON may take once it is read.
MOST_MEMORY = 200 * 2**20
# What each of these marks stands for takes at most, with the copies that are made of it: a value, a list, an object,
# half of a text, a name in an object; an empty text, as masked layers have many, is only one for all.
_MEMORY = {b",": 48, b"[": 150, b"{": 250, b'"': 28, b":": 110, b'""': -56}
# A text (whole, or cut off at the end) with the colon that makes it a name; where objects begin and end.
_TOKEN = rb'"((?:[^"\\]++|\\.)*+)(?:"|\Z)[ \t\r\n]*+(:?)|[{}]'


def decode_json(data: bytes | str, *, name: str, what: str) -> Any:
    """JSON as plain data; `what` of the file called `name` it is. Raises ImportFileError."""
    raw = data.encode() if isinstance(data, str) else data
    if raw.count(b"{") > MOST_OBJECTS:
        refuse(name, f"{what} holds more than {MOST_OBJECTS:,} objects, which is more than can be read.")
    # One letter that is not in ASCII makes all letters of its text wider.
    letters = len(raw) * (1 if raw.isascii() else 4)
    if letters + sum(size * raw.count(mark) for mark, size in _MEMORY.items()) > MOST_MEMORY:
        refuse(
            name,
            f"{what} would take more than {MOST_MEMORY // 2**20} MB of memory: leave out what is no weight, or save "
            "the weights as .npz.",
        )
    try:
        double = _first_double(raw)
        if double is not None:
            refuse(name, f"{what} has “{shorten(double)}” twice in one place: give each name once.")
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        refuse(name, f"{what} is not readable JSON ({shorten(str(error))}): export it again.")


def _first_double(raw: bytes) -> str | None:
    """The first name that an object has twice, of which msgspec would take the last without a word."""
    inside: list[set[str]] = []
    for token in re.finditer(_TOKEN, raw, re.DOTALL):
        mark = raw[token.start()]
        if mark == ord("{"):
            inside.append(set())
        elif mark == ord("}"):
            del inside[-1:]
        elif token[2] and inside:
            key = msgspec.json.decode(b'"%b"' % token[1], type=str) if b"\\" in token[1] else token[1].decode()
            if key in inside[-1]:
                return key
            inside[-1].add(key)
    return None
