"""Images as PNG files, with the system's own word where one cannot be written."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

from core.jobs import Progress

# The thread is looked after this often, in seconds.
BREATH = 0.01


def write_image(image: QImage, path: Path, progress: Progress) -> Generator[Progress, None, None]:
    """Write an image as PNG, and report `progress` in the meantime. Raises OSError where that fails.

    Large images take seconds to be packed: a thread does that. It is not waited for where the job is stopped.
    """
    thread = ThreadPoolExecutor(1)
    try:
        packing = thread.submit(_pack, image)
        while not wait([packing], BREATH).done:
            yield progress
    finally:
        thread.shutdown(wait=False)
    path.write_bytes(packing.result())


def _pack(image: QImage) -> bytes:
    # Not by image.save: on a full disk that says no more than that it failed, and libpng speaks to the terminal.
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise OSError("there is not enough memory for the image")
    return bytes(buffer.data().data())
