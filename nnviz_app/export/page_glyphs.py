"""Formulas as glyphs at their places: many of them fast, and drawn so that a PDF stays small.

A class's worksheets have thousands of formulas that differ in their digits alone, and digits are equally wide: a
formula is laid out once for all numbers of so many digits. Formulas are put together from what stands side by side in
them, such as a fraction or a symbol with its index, and the same is laid out once for all formulas.
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QRawFont

from nnviz_app.formula import LAYOUT_SIZE, close_signs

# Glyphs' outlines are whole numbers of a thousandth of the text size.
_UNITS = 1000.0
_DECIMAL = re.compile(r"\d+\.\d+")
_MARK = "#0a"
_MARKS = re.compile(_MARK + "([0-9a-f]{4})")
_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
# Around a formula.
MARGIN = 1.0
# fmt: off
# Elements of MathML that look the same whatever stands beside them; "mfrac" but for what it follows.
_INDEPENDENT = frozenset((
    "mrow", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover",
    "munderover",
))
# fmt: on

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


def extent(latex: str) -> tuple[float, float] | None:
    """The width and height of a formula with its own digits, as it breaks on a screen; None as for `typeset`."""
    setting = _lay_out(latex)
    return None if setting is None else (setting.width, setting.ascent + setting.descent)


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
    try:
        parts = _parts(close_signs(latex))
        blocks = [(_lay_out_part(part.xml, part.former), part.mark) for part in parts]
    except Exception:  # the parser raises whatever it stumbles over, from KeyError to its own errors
        log.debug("cannot read %r as LaTeX", latex, exc_info=True)
        return None
    return _put_together(blocks)


class _Part(NamedTuple):
    """An element of MathML that is laid out by itself, with its numbers counted from its first one, `mark`.

    `former` is what stands before it, where that matters.
    """

    xml: str
    mark: int = 0
    former: str = ""


def _parts(latex: str) -> list[_Part]:
    """What stands side by side in a formula; a single part where something in it depends on the whole row."""
    # Only now: it takes a fifth of a second.
    from ziamath.tex import tex2mml

    root = ElementTree.fromstring(tex2mml(latex).replace(_NAMESPACE, "", 1))
    (row,) = root
    # Rows with line breaks look at what they are in.
    if any("linebreak" in element.attrib for element in row.iter()):
        return [_part(root)]
    if not all(_is_independent(element) for element in _same_row(row)):
        return [_part(row)]
    parts: list[_Part] = []
    for place, element in enumerate(row):
        if element.tag in ("mo", "mi"):
            # The room around an operator depends on where in the row it stands.
            ends = {0: "prefix", len(row) - 1: "postfix"}
            element.attrib.setdefault("form", "none" if len(row) == 1 else ends.get(place, "infix"))
        # So does that before a fraction, on what it follows.
        former = parts[-1].xml if parts and element.tag == "mfrac" else ""
        parts.append(_part(element)._replace(former=former))
    return parts


def _part(element: ElementTree.Element) -> _Part:
    xml = ElementTree.tostring(element, encoding="unicode")
    first = min((int(mark, 16) for mark in _MARKS.findall(xml)), default=0)
    return _Part(_MARKS.sub(lambda found: f"{_MARK}{int(found[1], 16) - first:04x}", xml), first)


def _same_row(row: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """What may depend on the whole row: all but what stands in rows of its own, unless they are its elements."""
    for element in row:
        inner = element[0] if element.tag == "mstyle" and len(element) == 1 else element
        yield from (element, *(inner if inner.tag == "mrow" else ()))
        waiting = [element] if inner.tag != "mrow" else list(inner)
        while waiting:
            children = [child for child in waiting.pop() if child.tag not in ("mrow", "mstyle")]
            yield from children
            waiting += children


def _is_independent(element: ElementTree.Element) -> bool:
    """Whether an element takes no notice of the others in its row: it does not grow with them."""
    from ziamath import operators

    text = (element.text or "").strip()
    match element.tag:
        case "mo" | "mi":
            stretchy = operators.get_params(text, "infix").get("stretchy", "false")
            return bool(text) and element.get("stretchy", stretchy) == "false"
        case "mstyle":
            return [child.tag for child in element] == ["mrow"]
        case tag:
            return tag in _INDEPENDENT


class _Block(NamedTuple):
    """A part laid out: how far it moves what follows, the edges of its box, and what is at which place.

    Glyphs stand at the left edges of their symbols, with how far these are from where the glyphs begin.
    """

    advance: float
    left: float
    right: float
    bottom: float
    top: float
    glyphs: tuple[tuple[Glyph, float], ...]
    rules: tuple[tuple[float, ...], ...]


@functools.lru_cache(maxsize=4096)
def _lay_out_part(xml: str, former: str) -> _Block:
    """Lay out a part. What stands in a row is laid out twice by ziamath, in a row in a row four times and so on."""
    import ziamath

    root = ElementTree.fromstring(f"<math>{former}{xml}</math>" if former else xml)
    # With a colour of its own each glyph says which.
    root.attrib.setdefault("mathcolor", "#000000")
    node = ziamath.Math(root, size=LAYOUT_SIZE).node
    if former:
        node = node.nodes[-1]
    svg = ElementTree.Element("svg")
    precision = ziamath.config.precision
    ziamath.config.svg2, ziamath.config.precision = True, 9
    try:
        node.draw(0.0, 0.0, svg)
    finally:
        # What draws on screen cannot draw this kind.
        ziamath.config.svg2, ziamath.config.precision = False, precision
    box = node.bbox
    return _Block(node.xadvance(), box.xmin, box.xmax, box.ymin, box.ymax, *_read(svg))


def _read(svg: ElementTree.Element) -> tuple[tuple[tuple[Glyph, float], ...], tuple[tuple[float, ...], ...]]:
    boxes = {symbol.attrib["id"]: symbol.attrib["viewBox"].split() for symbol in svg.iter("symbol")}
    glyphs = []
    for use in svg.iter("use"):
        name, fill = use.attrib["href"].removeprefix("#"), use.attrib["fill"]
        base, _, index = name.rpartition("_")
        if base != _family():
            raise ValueError(f"{name} is no glyph of the font of formulas")
        box_left, box_top, _, box_height = (_rounded(float(number)) for number in boxes[name])
        # Symbols are drawn for a text size of 12.
        scale = _rounded(float(use.attrib["height"])) / box_height
        mark = int(fill[3:], 16) if fill.startswith(_MARK) and len(fill) == 7 else -1
        y = _rounded(float(use.attrib["y"])) - box_top * scale
        glyph = Glyph(int(index), float(use.attrib["x"]), y, scale * 12.0 / LAYOUT_SIZE, mark)
        glyphs.append((glyph, min(box_left, 0.0) * scale))
    rules = (tuple(float(rule.attrib[key]) for key in ("x", "y", "width", "height")) for rule in svg.iter("rect"))
    return tuple(glyphs), tuple(rules)


def _rounded(number: float) -> float:
    """As ziamath writes numbers: what is put together is the same as what it lays out in one go."""
    return round(number, 3)


def _put_together(blocks: Sequence[tuple[_Block, int]]) -> Setting | None:
    """Blocks side by side, the numbers of each counted on from its first one."""
    starts = itertools.accumulate((block.advance for block, _ in blocks), initial=0.0)
    row = list(zip(starts, blocks, strict=False))
    first = min(start + block.left for start, (block, _) in row)
    last = max(0.0, *(start + block.right for start, (block, _) in row))
    highest, lowest = max(block.top for block, _ in blocks), min(block.bottom for block, _ in blocks)
    left, top = _rounded(first - MARGIN), _rounded(-highest - MARGIN)
    width, height = _rounded(last - first + 2 * MARGIN), _rounded(highest - lowest + 2 * MARGIN)
    if not (width > 0 and height > 0):
        return None
    glyphs, rules = [], []
    for start, (block, mark) in row:
        for glyph, inset in block.glyphs:
            x = _rounded(start + glyph.x) - inset - left
            glyphs.append(glyph._replace(x=x, mark=glyph.mark + mark if glyph.mark >= 0 else -1))
        for x, *others in block.rules:
            rules.append(QRectF(_rounded(start + x) - left, *map(_rounded, others)))
    return Setting(width, -top, height + top, tuple(glyphs), tuple(rules))


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
