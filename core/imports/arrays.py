"""Weights from files that anybody may have written: no code in them is run, sizes are looked at before memory is taken.

What is read: NumPy's .npz, safetensors, JSON, CSV and ONNX, as core.export writes them and as others do.
"""

from __future__ import annotations

import stat
from pathlib import Path

from core.errors import ImportFileError
from core.imports.csv_file import MOST_TABLE_BYTES, read_csv
from core.imports.json_file import read_json
from core.imports.npz_file import read_npz
from core.imports.records import MOST_BYTES, NamedArrays, refuse
from core.imports.safetensors_file import read_safetensors

ENDINGS = (".npz", ".safetensors", ".json", ".csv", ".onnx")
# Files that Python unpickles.
PICKLED = frozenset((".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib"))
# Bytes of the kinds of files that take more memory than others.
_MOST_BYTES = {".csv": MOST_TABLE_BYTES, ".onnx": 40 * 2**20}


def read_arrays(path: Path) -> NamedArrays:
    """What a file of weights holds; which form it has is told by its ending.

    Raises ImportFileError with one sentence where it cannot be read, is too large, holds anything but plain numbers,
    or a number that is not finite.
    """
    readers = {
        ".npz": read_npz,
        ".safetensors": read_safetensors,
        ".json": read_json,
        ".csv": read_csv,
        ".onnx": _read_onnx,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        what = f"weights are read from files that end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        if path.suffix.lower() in PICKLED:
            what += "; one like this can hold code, so save its numbers, for PyTorch with safetensors.torch.save_file"
        elif path.is_dir():
            what += ": choose one of them in this folder"
        # The folder "." has no name.
        refuse(path.name or str(path), f"{what}.")
    return reader(_read_bytes(path), path.name)


def _read_bytes(path: Path) -> bytes:
    most = _MOST_BYTES.get(path.suffix.lower(), MOST_BYTES)
    try:
        # Looked at before it is opened: opening a pipe would wait for its other end.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if path.is_dir() else "not an ordinary file"
            refuse(str(path), f"this is {what}: choose a file of weights.")
        with path.open("rb") as file:
            # A file can grow while it is read.
            data = file.read(status.st_size + 1) if status.st_size <= most else b""
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImportFileError(f"{path} cannot be read ({reason}): choose another file.") from None
    if status.st_size > most:
        refuse(path.name, f"it is larger than {most // 2**20} MB, more than any network that can be drawn needs.")
    if len(data) != status.st_size:
        refuse(path.name, "it changed while it was read: wait until it is written, then import it again.")
    if not data:
        refuse(path.name, "the file is empty: save it anew, or choose another one.")
    return data


def _read_onnx(data: bytes, name: str) -> NamedArrays:
    from core.imports.onnx_model import read_onnx

    return read_onnx(data, name)
