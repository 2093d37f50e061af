"""An SVG document as Qt writes it, made short and robust: absolute places, groups with names, text centred in any font.

Qt writes a group with all attributes for each change of pen or brush, left-aligned text in one family that a reader
may not have, and loses where a brush's picture stands. What comes out here has the elements path, polyline, circle,
ellipse, rect, text and image only, in one level of groups, and no transformations.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterator
from xml.etree import ElementTree

from PySide6.QtGui import QFont, QFontMetricsF

from nnviz_app.theme import FONT_FAMILIES

# A text that begins with it is none: it opens the group of the name that follows, in hexadecimals. Letters of other
# scripts would make several texts of it.
MARK = "nnviz:"

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
FONTS = ", ".join(f"'{name}'" if " " in name else name for name in [*FONT_FAMILIES, "sans-serif"] if name[0] != ".")
# What an element has where it does not say otherwise.
USUAL = {
    "fill-opacity": "1", "stroke-opacity": "1", "stroke-linecap": "butt", "stroke-linejoin": "miter",
    "stroke-width": "1", "font-weight": "400", "font-style": "normal", "stroke-dashoffset": "0",
    "stroke-miterlimit": "4",
}  # fmt: skip
STROKE = ("stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "stroke-dashoffset")
PAINT = ("fill", "fill-opacity", "stroke", "stroke-opacity", *STROKE)
LETTERS = ("font-size", "font-weight", "font-style")
# Names of the coordinates in attributes: across, down, and lengths.
ACROSS, DOWN = ("x", "cx"), ("y", "cy")
LENGTHS = ("r", "rx", "ry", "width", "height", "stroke-width", "stroke-dashoffset", "font-size")
# A text that begins so close to another's end, in sizes of its letters, goes on with it.
NEAR = 0.2
# So many elements are put in order at once.
AT_ONCE = 100
NUMBER = re.compile(r"-?\d*\.?\d+(?:e[-+]?\d+)?", re.IGNORECASE)

Attributes = dict[str, str]


def group_mark(name: str) -> str:
    """The text to be painted before what belongs to the group of this name."""
    return f"{MARK}{name.encode().hex()}"


def tidy_svg(text: str, *, size: tuple[float, float], title: str, description: str) -> Generator[None, None, str]:
    """The document that Qt's generator has written, in order; `size` in pixels. The same picture gives the same text.

    It yields now and then, since large networks take a while. Raises ValueError where the document is turned or
    skewed, which the canvas never is.
    """
    source = ElementTree.fromstring(_without_forbidden(text))
    width, height = (number(value) for value in size)
    root = ElementTree.Element(
        "svg", {
            "xmlns": SVG, "width": width, "height": height, "viewBox": f"0 0 {width} {height}", "role": "img",
            "font-family": FONTS, "style": "font-variant-numeric: tabular-nums",
        },
    )  # fmt: skip
    ElementTree.SubElement(root, "title").text = _without_forbidden(title)
    ElementTree.SubElement(root, "desc").text = description
    images = _images(source)
    group = ElementTree.SubElement(root, "g")
    patterns: dict[str, str] = {}
    rim = float("inf")
    for place, (element, attributes) in enumerate(_joined(_elements(source))):
        if place % AT_ONCE == 0:
            yield
        if _is_mark(element):
            group = ElementTree.SubElement(root, "g")
            name = bytes.fromhex((element.text or "").removeprefix(MARK)).decode()
            ElementTree.SubElement(group, "title").text = name
            patterns.clear()
            rim = float("inf")
            continue
        if element.tag == "circle":
            rim = float(attributes["cx"]) + float(attributes["r"])
        if element.tag == "text" and float(attributes["x"]) < rim:
            # Centred where it stands with this font, it is in the middle with any other too. What stands beside a
            # neuron is a list of lines, which begin below each other.
            middle = float(attributes["x"]) + _text_width(element.text or "", attributes) / 2
            attributes.update({"x": number(middle), "text-anchor": "middle"})
        fill = attributes.get("fill", "none")
        if fill.startswith("url("):
            attributes["fill"] = _pattern(group, images[fill[5:-1]], attributes, patterns)
        group.append(_made(element, attributes))
    for empty in [g for g in root.findall("g") if all(child.tag == "title" for child in g)]:
        root.remove(empty)
    yield
    ElementTree.indent(root, " ")
    yield
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _without_forbidden(text: str) -> str:
    # XML has no place for control characters, not even escaped, though a name may hold one.
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)


def _elements(source: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, Attributes]]:
    """Every element with all that applies to it, where it stands at last, in the order of painting."""

    def walk(element: ElementTree.Element, inherited: Attributes) -> Iterator[tuple[ElementTree.Element, Attributes]]:
        tag = element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        own = {**inherited, **element.attrib}
        if tag == "g":
            for child in element:
                yield from walk(child, own)
        elif tag not in ("defs", "title", "desc"):
            yield element, _placed(own)

    for child in source:
        yield from walk(child, {})


def _is_mark(element: ElementTree.Element) -> bool:
    return element.tag == "text" and (element.text or "").startswith(MARK)


def _joined(
    elements: Iterator[tuple[ElementTree.Element, Attributes]],
) -> Iterator[tuple[ElementTree.Element, Attributes]]:
    """The elements with each text whole, which Qt writes in pieces where another script or font begins."""
    begun: tuple[ElementTree.Element, Attributes] | None = None
    for element, attributes in elements:
        if begun is not None and element.tag == "text" and _goes_on(*begun, attributes):
            begun[0].text = f"{begun[0].text or ''}{element.text or ''}"
            continue
        if begun is not None:
            yield begun
            begun = None
        if element.tag == "text" and not _is_mark(element):
            begun = element, attributes
        else:
            yield element, attributes
    if begun is not None:
        yield begun


def _goes_on(begun: ElementTree.Element, its: Attributes, attributes: Attributes) -> bool:
    """Whether a text with these attributes stands right behind the one that has `its`, and looks the same."""
    if any(attributes.get(name) != its.get(name) for name in ("y", "fill", "fill-opacity", *LETTERS)):
        return False
    end = float(its["x"]) + _text_width(begun.text or "", its)
    return abs(float(attributes["x"]) - end) < NEAR * float(its["font-size"])


def _placed(attributes: Attributes) -> Attributes:
    """The attributes with their group's transformation carried out."""
    a, b, c, d, e, f = [float(part) for part in NUMBER.findall(attributes.get("transform", "1 0 0 1 0 0"))]
    if abs(b) + abs(c) > 1e-6 or abs(a - d) > 1e-6:
        raise ValueError("a picture that is turned or skewed")

    def pairs(text: str) -> str:
        numbers = [float(part) for part in NUMBER.findall(text)]
        return " ".join(
            f"{number(a * x + e)},{number(a * y + f)}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        )

    placed = dict(attributes)
    for names, shift in ((ACROSS, e), (DOWN, f), (LENGTHS, 0.0)):
        for name in names:
            if name in attributes:
                placed[name] = number(a * float(attributes[name]) + shift)
    if "stroke-dasharray" in attributes and attributes["stroke-dasharray"] != "none":
        placed["stroke-dasharray"] = " ".join(
            number(a * float(part)) for part in NUMBER.findall(attributes["stroke-dasharray"])
        )
    if "points" in attributes:
        placed["points"] = pairs(attributes["points"])
    if "d" in attributes:
        placed["d"] = re.sub(r"([MLC])([^MLCZ]*)", lambda m: m[1] + pairs(m[2]), attributes["d"])
    return placed


def _made(element: ElementTree.Element, attributes: Attributes) -> ElementTree.Element:
    """The element with those of its attributes that make a difference."""
    tag = element.tag
    names: tuple[str, ...] = PAINT
    if tag == "text":
        names = ("x", "y", "text-anchor", *LETTERS, "fill", "fill-opacity")
    elif tag == "image":
        names = ("x", "y", "width", "height", "preserveAspectRatio", HREF)
    else:
        names = ("points", "d", "cx", "cy", "r", "rx", "ry", "x", "y", "width", "height", *PAINT)
        if tag == "polyline":
            attributes["fill"] = "none"
        if attributes.get("stroke", "none") == "none":
            attributes["stroke"] = "none"
            names = tuple(name for name in names if name not in STROKE)
        if tag == "path" and attributes["fill"] == "none":
            attributes.pop("fill-rule", None)
    found = {name: attributes[name] for name in names if name in attributes and attributes[name] != USUAL.get(name)}
    if found.get("stroke") == "none":
        del found["stroke"]
    if found.get("stroke-dasharray") == "none":
        del found["stroke-dasharray"]
    made = ElementTree.Element(tag, found)
    made.text = element.text if tag == "text" else None
    return made


def _text_width(text: str, attributes: Attributes) -> float:
    font = QFont()
    font.setFamilies(FONT_FAMILIES)
    # Measured large, as whole pixels are all that a font can be asked for.
    font.setPixelSize(100)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setWeight(QFont.Weight(int(attributes.get("font-weight", "400"))))
    return QFontMetricsF(font).horizontalAdvance(text) * float(attributes["font-size"]) / 100


def _images(source: ElementTree.Element) -> dict[str, str]:
    """The pictures of brushes, as data, by the name of their pattern."""
    found = {}
    for pattern in source.iter(f"{{{SVG}}}pattern"):
        image = pattern.find(f"{{{SVG}}}image")
        if image is not None:
            found[pattern.attrib["id"]] = image.attrib[HREF]
    return found


def _pattern(group: ElementTree.Element, image: str, attributes: Attributes, patterns: dict[str, str]) -> str:
    """A pattern in this group that fills the circle to be drawn with the image, and what refers to it."""
    if image not in patterns:
        x, y, r = (float(attributes[name]) for name in ("cx", "cy", "r"))
        place = {"x": number(x - r), "y": number(y - r), "width": number(2 * r), "height": number(2 * r)}
        # Named by what it is: documents in which several pictures stand may hold it more than once.
        name = f"map-{zlib.crc32(repr((image, place)).encode()):08x}"
        pattern = ElementTree.SubElement(group, "pattern", {"id": name, "patternUnits": "userSpaceOnUse", **place})
        size = {"width": place["width"], "height": place["height"], "preserveAspectRatio": "none"}
        ElementTree.SubElement(pattern, "image", {**size, "href": image})
        patterns[image] = f"url(#{name})"
    return patterns[image]
