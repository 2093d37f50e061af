"""How much there is in the bytes of a protobuf message, found before protobuf takes memory for it.

A part of two bytes can become an object of some hundred. The form: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import Any

from core.imports.records import MOST_NUMBERS, refuse

# Fields in all messages together; 10,000 operators with what they are made of have fewer.
MOST_PARTS = 400_000

# Types of fields (google.protobuf.descriptor.FieldDescriptor) whose bytes stay as they are.
_TEXTS = frozenset({9, 12})
_FIXED = frozenset({1, 2, 6, 7, 15, 16})
_LONGEST_VARINT = 10


def check_wire(data: bytes, descriptor: Any, name: str) -> None:
    """Refuse a message that has too many parts, or whose parts are not as long as they say.

    `descriptor` is the protobuf Descriptor of the message, `name` that of the file. Raises ImportFileError.
    """
    parts, numbers = MOST_PARTS, MOST_NUMBERS
    # Of each kind of message the fields that are messages themselves, and those that are packed whole numbers.
    kinds: dict[str, tuple[dict[int, Any], set[int]]] = {}
    todo = [(0, len(data), descriptor)]
    try:
        while todo:
            place, end, kind = todo.pop()
            if kind.full_name not in kinds:
                inner = {field.number: field.message_type for field in kind.fields if field.message_type is not None}
                whole = {field.number for field in kind.fields if field.type not in _TEXTS | _FIXED} - inner.keys()
                kinds[kind.full_name] = inner, whole
            messages, packed = kinds[kind.full_name]
            while place < end:
                parts -= 1
                key, place = _varint(data, place)
                if key & 7 == 0:
                    _, place = _varint(data, place)
                elif key & 7 == 1:
                    place += 8
                elif key & 7 == 5:
                    place += 4
                elif key & 7 == 2:
                    length, place = _varint(data, place)
                    if key >> 3 in messages:
                        todo.append((place, place + length, messages[key >> 3]))
                    elif key >> 3 in packed:
                        # Each byte can be a number of eight.
                        numbers -= length
                    place += length
                else:
                    raise IndexError
                if parts < 0 or numbers < 0:
                    refuse(
                        name,
                        f"its graph is too large; up to {MOST_PARTS:,} parts of operators and {MOST_NUMBERS:,} bytes "
                        "of whole numbers can be read: save its weights as .npz.",
                    )
            if place > end:
                raise IndexError
    except IndexError:
        refuse(name, "it is not a whole ONNX file: save it anew.")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it. Raises IndexError where there is none."""
    if data[place] < 128:
        return data[place], place + 1
    for end in range(place, place + _LONGEST_VARINT):
        if data[end] < 128:
            return sum((data[i] & 127) << 7 * (i - place) for i in range(place, end + 1)), end + 1
    raise IndexError
