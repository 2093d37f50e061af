"""A drawing as TikZ: from the SVG that the canvas has painted to a tikzpicture that people can read and change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.etree import ElementTree

from core.export.tex_text import CHARACTER, tex_text

SVG = "{http://www.w3.org/2000/svg}"
# TeX points to a pixel, and the longest length that TeX knows, with something to spare.
POINTS = 0.75 * 72.27 / 72
LONGEST = 14_000.0
# The size of the font that texts are scaled from: one that every installation has.
FONT_POINTS = 10.0
CAPS = {"round": "round", "square": "rect"}

Point = tuple[float, float]
NO_NAMES: Mapping[str, str] = MappingProxyType({})

_OPENING = r"""% {title}
% This file is a document of its own, and can be read into another one too: \usepackage{{tikz}} before
% \begin{{document}}, and \input{{this file}} where the picture belongs; \resizebox{{\linewidth}}{{!}}{{\input{{...}}}}
% makes it as wide as the text.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \let\nnvizend\relax
\else
  \def\nnvizend{{\end{{document}}}}
  \documentclass{{article}}
  \usepackage[paperwidth={width}pt, paperheight={height}pt, margin=0pt]{{geometry}}
  \usepackage{{tikz}}
  \pagestyle{{empty}}
  \parindent=0pt \topskip=0pt
  \begin{{document}}
\fi
"""
_STYLE = r"nnviz text/.style={inner sep=0pt, outer sep=0pt, anchor=base, font=\fontsize{10}{12}\selectfont\sffamily}"


def tikz_picture(svg: str, colors: Mapping[str, str] = NO_NAMES) -> str:
    """A tikzpicture environment that draws what an SVG does. It needs \\usepackage{tikz} and nothing else.

    `svg` is one of the canvas's: groups of path, polyline, circle, ellipse, rect and text with absolute places
    and colours in hexadecimals. `colors`: what such a colour is called, "text" for "#1f2430"; others are called as they
    are. The unit is a pixel of 1/96 inch, or smaller where the picture would be too large for TeX. Raises ValueError
    for anything else, such as an image.
    """
    return _Picture(ElementTree.fromstring(svg.encode()), colors).text()


def tikz_document(svg: str, colors: Mapping[str, str] = NO_NAMES) -> str:
    """The same as a file that LaTeX compiles as it is, and that other documents can read in too."""
    root = ElementTree.fromstring(svg.encode())
    picture = _Picture(root, colors)
    title = " ".join((root.findtext(f"{SVG}title") or "").split())
    width, height = (_number(side * picture.unit) for side in (picture.width, picture.height))
    # Rounding must not make the paper smaller than the picture.
    opening = _OPENING.format(title=title, width=f"{float(width) + 0.01:.2f}", height=f"{float(height) + 0.01:.2f}")
    return f"{opening}{picture.text()}%\n\\nnvizend\n"


class _Picture:
    def __init__(self, root: ElementTree.Element, names: Mapping[str, str]) -> None:
        self.root, self.names = root, names
        self.width, self.height = float(root.attrib["width"]), float(root.attrib["height"])
        self.unit = min(POINTS, LONGEST / max(self.width, self.height))
        self.colors: dict[str, str] = {}

    def text(self) -> str:
        lines: list[str] = []
        for group in self.root.iter(f"{SVG}g"):
            name = " ".join((group.findtext(f"{SVG}title") or "").split())
            lines.append(f"  % {name}")
            for element in group:
                if element.tag != f"{SVG}title":
                    lines.append(f"  {self._command(element)}")
        unit = f"{self.unit:.5f}".rstrip("0")
        colors = [f"  \\definecolor{{{name}}}{{HTML}}{{{value}}}" for value, name in self.colors.items()]
        body = "\n".join([*colors, *lines])
        return "\n".join(
            [
                *([CHARACTER] if "\\nnvizchar" in body else []),
                f"\\begin{{tikzpicture}}[x={unit}pt, y={unit}pt,\n    {_STYLE}]",
                f"  \\useasboundingbox (0,0) rectangle ({_number(self.width)},{_number(self.height)});",
                body,
                "\\end{tikzpicture}",
            ]
        )

    def _command(self, element: ElementTree.Element) -> str:
        tag, values = element.tag.removeprefix(SVG), element.attrib
        if tag == "text":
            return self._node(element.text or "", values)
        is_open = False
        if tag == "circle":
            shape = f"{self._at(values['cx'], values['cy'])} circle[radius={_number(float(values['r']))}]"
        elif tag == "ellipse":
            radii = f"x radius={values['rx']}, y radius={values['ry']}"
            shape = f"{self._at(values['cx'], values['cy'])} ellipse[{radii}]"
        elif tag == "rect":
            x, y, width, height = (float(values[name]) for name in ("x", "y", "width", "height"))
            shape = f"{self._at(x, y)} rectangle {self._at(x + width, y + height)}"
        elif tag == "polyline":
            points = _points(values["points"])
            shape, is_open = " -- ".join(self._at(*point) for point in points), True
        elif tag == "path":
            shape, is_open = self._path(values["d"])
        else:
            raise ValueError(f"TikZ has nothing for <{tag}>")
        fill, stroke = values.get("fill", "none"), values.get("stroke", "none")
        options = []
        if fill != "none":
            options += [f"fill={self._color(fill)}", *self._opacity("fill", values)]
        if stroke != "none":
            options += [f"draw={self._color(stroke)}", *self._opacity("draw", values, "stroke")]
            options += self._line(values, is_open=is_open, has_corners=shape.count("--") > 1)
        return f"\\path[{', '.join(options)}] {shape};"

    def _line(self, values: Mapping[str, str], *, is_open: bool, has_corners: bool) -> list[str]:
        options = [f"line width={self._length(values.get('stroke-width', '1'))}"]
        cap, join = CAPS.get(values.get("stroke-linecap", "")), values.get("stroke-linejoin", "miter")
        dashes = [self._length(part) for part in values.get("stroke-dasharray", "").split()]
        if dashes:
            pattern = " ".join(f"{('on', 'off')[place % 2]} {length}" for place, length in enumerate(dashes))
            options.append(f"dash pattern={pattern}")
        if cap and is_open:
            options.append(f"line cap={cap}")
        if join != "miter" and has_corners:
            options.append(f"line join={join}")
        return options

    def _node(self, text: str, values: Mapping[str, str]) -> str:
        scale = float(values["font-size"]) * self.unit / FONT_POINTS
        options = ["nnviz text", f"scale={scale:.3f}".rstrip("0"), f"text={self._color(values.get('fill', '#000000'))}"]
        options += self._opacity("text", values, "fill")
        weight = r"\bfseries " if int(values.get("font-weight", "400")) >= 600 else ""
        if values.get("text-anchor") != "middle":
            options.append("anchor=base west")
        return f"\\node[{', '.join(options)}] at {self._at(values['x'], values['y'])} {{{weight}{tex_text(text)}}};"

    def _path(self, data: str) -> tuple[str, bool]:
        """A path as TikZ writes it, and whether it is open."""
        parts = [(found[1], _points(found[2])) for found in re.finditer(r"([MLC])([^MLCZ]*)", data)]
        rounded = self._rounded(parts)
        if rounded is not None:
            return rounded, False
        words: list[str] = []
        start: Point = (0.0, 0.0)
        is_open = True
        for place, (letter, points) in enumerate(parts):
            is_last = place + 1 == len(parts) or parts[place + 1][0] == "M"
            closes = is_last and points[-1] == start
            end = "cycle" if closes else self._at(*points[-1])
            if letter == "M":
                start = points[-1]
                words.append(end if not closes else self._at(*start))
            elif letter == "L":
                words.append(f"-- {end}")
            else:
                first, second = (self._at(*point) for point in points[:2])
                words.append(f".. controls {first} and {second} .. {end}")
            is_open = is_open and not (closes and letter != "M")
        return " ".join(words), is_open

    def _rounded(self, parts: list[tuple[str, list[Point]]]) -> str | None:
        """A rectangle with round corners, if the path is one: four curves, all of whose points are on its box."""
        if [letter for letter, _ in parts].count("C") != 4 or parts[0][0] != "M":
            return None
        points = [point for _, several in parts for point in several]
        (left, right), (top, bottom) = [(min(axis), max(axis)) for axis in zip(*points, strict=True)]
        if any(x not in (left, right) and y not in (top, bottom) for x, y in points):
            return None
        place = next(place for place, (letter, _) in enumerate(parts) if letter == "C")
        radius = abs(parts[place][1][-1][0] - parts[place - 1][1][-1][0])
        # TikZ wants to see a bit of each side.
        radius = min(radius, (right - left) / 2 - 0.01, (bottom - top) / 2 - 0.01)
        corners = f"[rounded corners={self._length(radius)}]"
        return f"{corners} {self._at(left, top)} rectangle {self._at(right, bottom)}"

    def _at(self, x: float | str, y: float | str) -> str:
        return f"({_number(float(x))},{_number(self.height - float(y))})"

    def _length(self, value: float | str) -> str:
        return f"{_number(float(value) * self.unit)}pt"

    def _color(self, value: str) -> str:
        if not re.fullmatch("#[0-9a-f]{6}", value):
            raise ValueError(f"TikZ has nothing for the colour {value}")
        return self.colors.setdefault(value[1:].upper(), f"nnviz{self.names.get(value, value[1:])}")

    def _opacity(self, what: str, values: Mapping[str, str], name: str = "fill") -> list[str]:
        found = values.get(f"{name}-opacity", "1")
        return [] if found == "1" else [f"{what} opacity={_number(float(found))}"]


def _points(text: str) -> list[Point]:
    numbers = [float(part) for part in re.split(r"[\s,]+", text.strip())]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
