"""Arrays in NumPy's zipped form, read without NumPy's own reader: nothing in a file decides how much memory it takes.

The form: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.file_problems import shorten
from core.imports.json_text import decode_json
from core.imports.records import MOST_ARRAYS, Array, NamedArrays, Room, as_numbers, read_notes, refuse

# Bytes of an array's header and of the archive's list of arrays; NumPy's headers of plain arrays have 118.
LONGEST_HEADER = 10_000
LONGEST_LIST = 2**20
# Letters of a text other than the notes, and of all texts together.
LONGEST_TEXT = 1000
MOST_LETTERS = 16 * 2**20

_DAMAGED = "it is not a whole .npz file: save it anew with numpy.savez."
# Letter and bytes of the numbers that can be read: truth values, whole numbers, floating-point numbers.
_KINDS = frozenset({"b1", *(f"{letter}{size}" for letter in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"})
_END_OF_LIST = b"PK\x05\x06"
_END_OF_LONG_LIST = b"PK\x06\x07"


def read_npz(data: bytes, name: str) -> NamedArrays:
    """The arrays in the bytes of an .npz file. Raises ImportFileError."""
    _check_list(data, name)
    arrays: dict[str, Array] = {}
    texts: dict[str, str] = {}
    room = Room(name)
    letters_left = MOST_LETTERS
    # What zipfile raises for damaged, encrypted or unknown entries.
    problems = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ARRAYS:
                refuse(name, f"it holds {len(entries):,} arrays; up to {MOST_ARRAYS:,} can be read.")
            for entry in entries:
                array = entry.filename.removesuffix(".npy")
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    refuse(name, f"{shorten(array)} is packed in an unusual way: save it with numpy.savez.")
                if array in arrays or array in texts:
                    refuse(name, f"“{shorten(array)}” is there twice: give each array once.")
                with archive.open(entry) as stream:
                    values = _read_array(stream, room, letters_left, name=name, array=array)
                if isinstance(values, str):
                    letters_left -= len(values)
                    texts[array] = values
                else:
                    arrays[array] = as_numbers(values, name=name, array=array)
    except problems:
        refuse(name, _DAMAGED)
    raw = texts.pop("nnviz", None)
    return NamedArrays(
        name,
        arrays=arrays,
        texts={key: text for key, text in texts.items() if len(text) <= LONGEST_TEXT},
        notes=None if raw is None else read_notes(decode_json(raw, name=name, what="its entry “nnviz”"), name),
    )


def _check_list(data: bytes, name: str) -> None:
    """Refuse a list of entries so long that reading it alone would take much memory."""
    end = data.rfind(_END_OF_LIST, max(0, len(data) - 2**16 - 22))
    if end < 0 or end + 22 > len(data):
        refuse(name, _DAMAGED)
    (length,) = struct.unpack_from("<I", data, end + 12)
    if length > LONGEST_LIST or data[max(0, end - 20) : end].startswith(_END_OF_LONG_LIST):
        refuse(name, f"its list of arrays is too long; up to {MOST_ARRAYS:,} can be read.")


def _read_array(stream: IO[bytes], room: Room, letters_left: int, *, name: str, array: str) -> NDArray[Any] | str:
    """The array, or the text where it is a single one; a list of texts comes as ""."""
    where = shorten(array)
    start = stream.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        refuse(name, f"{where} is not an array: save the arrays with numpy.savez.")
    form = "<H" if start[6] == 1 else "<I"
    (length,) = struct.unpack(form, stream.read(struct.calcsize(form)).ljust(4, b"\0")[: struct.calcsize(form)])
    if length > LONGEST_HEADER:
        refuse(name, f"the description of {where} is too long: save the arrays with numpy.savez.")
    header = stream.read(length).decode("latin-1")
    kind = re.search(r"'descr': *'([<>|=]?)([A-Za-z])(\d{0,9})'", header)
    # Its parts are taken whole (++, *+), so that no number can be split up in many ways.
    shape = re.search(r"'shape': *+\(((?: *+\d++ *+(?:,|(?=\))))*+) *+\)", header)
    if kind is None or shape is None:
        refuse(name, f"{where} holds no plain numbers: save numbers only.")
    order, letter, width = kind.groups()
    digits = [size.strip() for size in shape[1].split(",") if size.strip()]
    if any(len(size) > 12 for size in digits):
        refuse(name, f"with {where} it has more numbers than can be read: leave out what is no weight.")
    sizes = tuple(map(int, digits))
    if letter == "O":
        refuse(name, f"{where} holds Python objects, which could run code when they are read: save numbers only.")
    if letter in "US" and any(size != 1 for size in sizes):
        # Lists of texts, such as the names of classes, are no numbers and not needed.
        return ""
    if letter != "U" and f"{letter}{width}" not in _KINDS:
        refuse(name, f"{where} holds numbers of an unknown kind ({letter}{width}): save it as float64.")
    count = room.take(sizes, array) if letter != "U" else 1
    if letter == "U" and int(width or 0) > letters_left:
        refuse(name, f"{where} is a text of more letters than can be read: leave it out.")
    bytes_each = int(width or 0) * (4 if letter == "U" else 1)
    # So many bytes and one more, whatever the archive says of the entry's size.
    content = stream.read(count * bytes_each + 1)
    if len(content) != count * bytes_each:
        refuse(name, f"{where} is not as long as it says: save it anew.")
    if letter == "U":
        encoding = "utf-32-be" if order == ">" else "utf-32-le"
        return content.decode(encoding, errors="replace").rstrip("\0")
    dtype = np.dtype("?" if letter == "b" else f"{order.replace('|', '')}{letter}{width}")
    values = np.frombuffer(content, dtype)
    is_fortran = re.search(r"'fortran_order': *True", header) is not None
    return values.reshape(sizes, order="F" if is_fortran else "C")
