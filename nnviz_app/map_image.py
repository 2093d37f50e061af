"""Numbers over a plane as pictures: from one hue through a neutral middle to the other, or a colour for each class.

The hues are those of a weight's sign, so that a map reads as the edges do. Shared by the map and the canvas.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from core.decision import Array, Span
from nnviz_app.palette import Palette, mix

# Shades on each side of the middle.
SHADES = 160
# The share of its hue that the end of a scale has: points in the full hue stand out from it.
STRENGTH = 0.72
# What is uncertain keeps this share of its class's colour.
LEAST_CERTAIN = 0.12
# Colours at once in the table of an image of classes: shades of certainty for each.
CERTAINTIES = 64


class Ramp:
    """The colours of a scale over `base`: negative, neutral, positive."""

    def __init__(self, palette: Palette, base: QColor, strength: float = STRENGTH) -> None:
        self.base, self.strength = QColor(base), strength
        self._colors, self._table = _shades(base.rgb(), palette.negative.rgb(), palette.positive.rgb(), strength)

    def color(self, place: float) -> QColor:
        """The colour at a place of a scale from -1 to 1."""
        return QColor(self._colors[round((min(max(place, -1.0), 1.0) + 1.0) * SHADES)])

    def image(self, field: Array, span: Span, *, in_two: bool = False) -> QImage:
        """`field`, shape (rows, columns), from the top; `in_two`: only the side of the middle is shown."""
        place = span.place(np.nan_to_num(field, nan=span.middle, posinf=span.high, neginf=span.low))
        if in_two:
            place = np.where(place > 0.0, 1.0, -1.0)
        return _image(self._table[np.rint((place + 1.0) * SHADES).astype(np.intp)])


class ClassRamp:
    """The colours of classes over `base`, the paler the less certain."""

    def __init__(self, palette: Palette, base: QColor, classes: int) -> None:
        self._table = _class_shades(base.rgb(), tuple(palette.class_color(place).rgb() for place in range(classes)))

    def image(self, classes: NDArray[np.intp], certainty: Array, *, in_two: bool = False) -> QImage:
        """Both of shape (rows, columns), from the top; `in_two`: the certainty is not shown."""
        shade = CERTAINTIES - 1 if in_two else np.rint(certainty * (CERTAINTIES - 1)).astype(np.intp)
        return _image(self._table[classes * CERTAINTIES + shade])


# Many maps are made in a second while a run goes on, all with the same few scales.
@lru_cache(maxsize=16)
def _shades(base: int, negative: int, positive: int, strength: float) -> tuple[list[QColor], NDArray[np.uint32]]:
    """The colours of a `Ramp` and their table, not to be changed; colours are given as QColor.rgb."""
    middle = QColor(base)
    low, high = mix(middle, QColor(negative), strength), mix(middle, QColor(positive), strength)
    colors = [mix(middle, low, 1.0 - place / SHADES) for place in range(SHADES)]
    colors += [mix(middle, high, place / SHADES) for place in range(SHADES + 1)]
    return colors, _table(colors)


@lru_cache(maxsize=16)
def _class_shades(base: int, classes: tuple[int, ...]) -> NDArray[np.uint32]:
    """The table of a `ClassRamp`, not to be changed."""
    return _table(
        [
            mix(QColor(base), QColor(color), STRENGTH * max(LEAST_CERTAIN, shade / (CERTAINTIES - 1)))
            for color in classes
            for shade in range(CERTAINTIES)
        ]
    )


def _table(colors: list[QColor]) -> NDArray[np.uint32]:
    return np.array([color.rgb() for color in colors], dtype=np.uint32)


def _image(pixels: NDArray[np.uint32]) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape
    # A copy, for the array's memory does not outlive this function.
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
