"""Formulas as glyphs at their places: many of them fast, and drawn so that a PDF stays small.

A class's worksheets have thousands of formulas that differ in their digits alone, and digits are equally wide: a
formula is laid out once for all numbers of so many digits.
"""

from __future__ import annotations

import functools
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QRawFont

from nnviz_app.formula import LAYOUT_SIZE, close_signs

# Glyphs' outlines are whole numbers of a thousandth of the text size.
_UNITS = 1000.0
_DECIMAL = re.compile(r"\d+\.\d+")
_MARK = "#0a"
_VIEW_BOX = re.compile(r'<svg[^>]*viewBox="(\S+) (\S+) (\S+) (\S+)"')
_SYMBOL = re.compile(r'<symbol id="([^"]+)" viewBox="(\S+) (\S+) (\S+) (\S+)"')
_USE = re.compile(r'<use href="#([^"]+)" x="(\S+)" y="(\S+)" width="\S+" height="(\S+)" fill="([^"]*)"')
_RULE = re.compile(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"')

log = logging.getLogger(__name__)


class Glyph(NamedTuple):
    """A glyph of the font of formulas, at (x, y) on its baseline and scaled; `mark`: the number that it belongs to."""

    shape: int
    x: float
    y: float
    scale: float
    mark: int


@dataclass(frozen=True)
class Setting:
    """A formula laid out at LAYOUT_SIZE: its extent, and what is at which place from the start of its baseline."""

    width: float
    ascent: float
    descent: float
    glyphs: tuple[Glyph, ...]
    rules: tuple[QRectF, ...]

    def draw(self, painter: QPainter, x: float, baseline: float, *, size: float, color: str) -> None:
        """Draw it at a text size."""
        scale = size / LAYOUT_SIZE
        painter.save()
        painter.translate(x, baseline)
        painter.scale(scale, scale)
        for rule in self.rules:
            painter.fillRect(rule, QColor(color))
        painter.setPen(_unseen_pen(color))
        painter.setBrush(QColor(color))
        for glyph in self.glyphs:
            painter.save()
            painter.translate(glyph.x, glyph.y)
            unit = glyph.scale * LAYOUT_SIZE / _UNITS
            painter.scale(unit, unit)
            painter.drawPath(_outline(glyph.shape))
            painter.restore()
        painter.restore()


@functools.lru_cache(maxsize=4096)
def typeset(latex: str) -> Setting | None:
    """Lay out a formula; None where it cannot be read as LaTeX, is empty, or takes other fonts."""
    numbers = _DECIMAL.findall(latex)
    if numbers:
        places = iter(range(len(numbers)))
        zeros = _DECIMAL.sub(
            lambda found: rf"\textcolor{{{_MARK}{next(places):04x}}}{{{re.sub('[0-9]', '0', found[0])}}}", latex
        )
        template = _lay_out(zeros)
        filled = _fill_in(template, numbers) if template is not None else None
        if filled is not None:
            return filled
    return _lay_out(latex)


def _fill_in(template: Setting, numbers: list[str]) -> Setting | None:
    """The template with the digits of these numbers; None where its digits are not of equal width, as in exponents."""
    digits = _digits()
    letters = [iter(number) for number in numbers]
    glyphs = []
    for glyph in template.glyphs:
        letter = next(letters[glyph.mark]) if glyph.mark >= 0 else "."
        if letter != "." and glyph.shape != digits[0]:
            return None
        glyphs.append(glyph if letter == "." else glyph._replace(shape=digits[int(letter)]))
    return replace(template, glyphs=tuple(glyphs))


@functools.cache
def _digits() -> tuple[int, ...]:
    """The glyphs of 0 to 9."""
    setting = _lay_out("0123456789")
    assert setting is not None
    return tuple(glyph.shape for glyph in setting.glyphs)


@functools.lru_cache(maxsize=2048)
def _lay_out(latex: str) -> Setting | None:
    if not latex.strip():
        return None
    # Only now: it takes a fifth of a second.
    import ziamath

    ziamath.config.svg2 = True
    try:
        # With a colour of its own each glyph says which.
        svg = ziamath.Latex(close_signs(latex), size=LAYOUT_SIZE, color="#000000").svg()
    except Exception:  # the parser raises whatever it stumbles over, from KeyError to its own errors
        log.debug("cannot read %r as LaTeX", latex, exc_info=True)
        return None
    finally:
        # What draws on screen cannot draw this kind.
        ziamath.config.svg2 = False
    return _read(svg)


def _read(svg: str) -> Setting | None:
    view = _VIEW_BOX.search(svg)
    if view is None:
        return None
    left, top, width, height = (float(number) for number in view.groups())
    if not (width > 0 and height > 0):
        return None
    boxes = {name: [float(number) for number in numbers] for name, *numbers in _SYMBOL.findall(svg)}
    glyphs = []
    for name, x, y, glyph_height, fill in _USE.findall(svg):
        base, _, index = name.rpartition("_")
        if base != _family():
            return None
        box_left, box_top, _, box_height = boxes[name]
        # Symbols are drawn for a text size of 12.
        scale = float(glyph_height) / box_height
        mark = int(fill[3:], 16) if fill.startswith(_MARK) and len(fill) == 7 else -1
        place = (float(x) - min(box_left, 0.0) * scale - left, float(y) - box_top * scale)
        glyphs.append(Glyph(int(index), *place, scale * 12.0 / LAYOUT_SIZE, mark))
    rules = tuple(
        QRectF(float(x) - left, float(y), float(width), float(height)) for x, y, width, height in _RULE.findall(svg)
    )
    return Setting(width, -top, height + top, tuple(glyphs), rules)


@functools.cache
def _unseen_pen(color: str) -> QPen:
    """With a pen Qt writes outlines in their own coordinates, the same for each glyph of a kind: they compress well.

    This one never touches the paper, as its first dash is far beyond the longest outline: a line, as thin as it may be,
    would make the glyphs bolder on a screen.
    """
    pen = QPen(QColor(color), 1.0)
    pen.setDashPattern([1.0, 1e6])
    pen.setDashOffset(1e5)
    return pen


@functools.cache
def _font() -> QRawFont:
    """The font of formulas, at the size of its outlines."""
    return QRawFont(str(_font_file()), _UNITS, QFont.HintingPreference.PreferNoHinting)


@functools.cache
def _font_file() -> Path:
    import ziamath

    return Path(ziamath.Latex("x").font.fname)


@functools.cache
def _family() -> str:
    """What the symbols of its glyphs are named after."""
    return "".join(letter for letter in _font_file().stem if letter.isalnum())


@functools.cache
def _outline(index: int) -> QPainterPath:
    """The outline of a glyph in thousandths of the text size, rounded to whole ones."""
    path = _font().pathForGlyph(index)
    for place in range(path.elementCount()):
        element = path.elementAt(place)
        path.setElementPositionAt(place, round(element.x), round(element.y))  # type: ignore[attr-defined]
    return path
