"""Whether a PDF is there to its end: Qt, which writes it, says nothing of a full disk."""

from __future__ import annotations

from pathlib import Path

from core.errors import ExportError


def check_whole(file: Path) -> None:
    """Raises ExportError where a PDF that has just been written stops before its end."""
    with file.open("rb") as pdf:
        pdf.seek(max(0, file.stat().st_size - 16))
        if b"%%EOF" not in pdf.read():
            raise ExportError("The PDF could not be written to its end: is there room left on the disk?")
