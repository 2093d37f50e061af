"""Animated GIFs, written a frame at a time: one table of colours, and of each frame only what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

# The table has 256 colours; the last number stands for what stays as it is.
UNCHANGED = 255
# The colours of so many of the largest areas are kept exactly; the shades at the rims of lines share what is left.
EXACT = 48
# So many colours are compared with the table at once, which takes some megabytes.
AT_ONCE = 2_048
# A colour as one number: red in the lowest byte.
COLORS = 2**24

Codes = NDArray[np.uint32]
Places = NDArray[np.uint8]


class GifWriter:
    """Writes frames of one size into a file, without dithering, in the colours of the frames that were sampled.

    Frames have four bytes a pixel (QImage.Format_RGBX8888).
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._samples: list[tuple[Codes, NDArray[np.intp]]] = []
        self._table: Codes = np.zeros(0, dtype=np.uint32)
        # The place of each colour in the table, found when it is first met.
        self._places = np.full(COLORS, UNCHANGED, dtype=np.uint8)
        self._shown: Places | None = None

    def sample(self, image: QImage) -> None:
        """See to it that the colours of this frame are there."""
        self._samples.append(np.unique(_codes(image), return_counts=True))

    def begin(self, width: int, height: int, *, colors: Sequence[QColor] = ()) -> None:
        """Write what precedes the frames, which are shown again and again.

        These `colors` are kept exactly, however little there is of them.
        """
        from PIL import GifImagePlugin, Image

        self._table = _choose_colors(self._samples, colors)
        first = Image.new("P", (width, height))
        first.putpalette([*_parts(self._table).ravel().tolist(), 0, 0, 0])
        header, _ = GifImagePlugin.getheader(first, info={"loop": 0, "transparency": UNCHANGED})
        self._file.write(b"".join(header))

    def add(self, image: QImage, seconds: float) -> None:
        """Add a frame that is shown for so long, in hundredths of a second."""
        from PIL import GifImagePlugin, Image

        places = self._place(_codes(image))
        left, top, part = 0, 0, places
        if self._shown is not None:
            left, top, part = _changed_part(self._shown, places)
        self._shown = places
        options = {"duration": round(100 * seconds) * 10, "disposal": 1, "transparency": UNCHANGED}
        self._file.write(b"".join(GifImagePlugin.getdata(Image.fromarray(part), (left, top), **options)))

    def end(self) -> None:
        """Write what ends the file."""
        self._file.write(b";")

    def _place(self, codes: Codes) -> Places:
        """The nearest colour of the table for each pixel."""
        new = np.unique(codes[self._places[codes] == UNCHANGED])
        table = _parts(self._table).astype(np.int32)
        for start in range(0, len(new), AT_ONCE):
            part = new[start : start + AT_ONCE]
            away = _parts(part).astype(np.int32)[:, None] - table
            self._places[part] = (away**2).sum(axis=2).argmin(axis=1)
        return self._places[codes]


def _codes(image: QImage) -> Codes:
    """The colours of a picture, shape (height, width)."""
    pixels = np.frombuffer(image.constBits(), dtype="<u4").reshape(image.height(), image.width())
    return pixels & np.uint32(COLORS - 1)


def _parts(codes: Codes) -> NDArray[np.uint8]:
    """Red, green and blue of colours, shape (colours, 3)."""
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16 & 255], axis=1).astype(np.uint8)


def _changed_part(before: Places, after: Places) -> tuple[int, int, Places]:
    """Left, top and pixels of the smallest rectangle that holds all that differs; the rest in it is UNCHANGED."""
    differs = before != after
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, np.full((1, 1), UNCHANGED, dtype=np.uint8)
    top, left = int(rows[0]), int(columns[0])
    part = np.where(differs, after, UNCHANGED).astype(np.uint8)
    return left, top, np.ascontiguousarray(part[top : rows[-1] + 1, left : columns[-1] + 1])


def _choose_colors(samples: Sequence[tuple[Codes, NDArray[np.intp]]], wanted: Sequence[QColor]) -> Codes:
    """The table that suits the colours and their counts in all of the samples, shape (UNCHANGED,)."""
    from PIL import Image

    colors, places = np.unique(np.concatenate([found for found, _ in samples]), return_inverse=True)
    counts = np.bincount(places, np.concatenate([count for _, count in samples]))
    areas = colors[np.argsort(counts, kind="stable")[::-1][:EXACT]]
    known = np.array([color.red() | color.green() << 8 | color.blue() << 16 for color in wanted], dtype=np.uint32)
    table = np.union1d(areas, known)
    shades = np.setdiff1d(colors, table)
    if len(shades):
        picture = Image.fromarray(_parts(shades)[None])
        reduced = picture.quantize(colors=UNCHANGED - len(table), method=Image.Quantize.MEDIANCUT)
        rest = np.array(reduced.getpalette(), dtype=np.uint32).reshape(-1, 3)
        table = np.concatenate([table, rest[:, 0] | rest[:, 1] << 8 | rest[:, 2] << 16])[:UNCHANGED]
    # Where there are fewer, the first one fills the rest.
    return np.concatenate([table, np.repeat(table[:1], UNCHANGED - len(table))])
