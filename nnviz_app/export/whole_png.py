"""Images as PNG files, with the system's own word where one cannot be written."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage


def write_image(image: QImage, path: Path) -> None:
    """Write an image as PNG. Raises OSError where that fails."""
    # Not by image.save: on a full disk that says no more than that it failed, and libpng speaks to the terminal.
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise OSError("there is not enough memory for the image")
    path.write_bytes(buffer.data().data())
