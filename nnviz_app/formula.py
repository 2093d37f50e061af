"""Formulas: LaTeX drawn as pictures and fitted into a width.

A formula is laid out once, as SVG in a placeholder colour; every size, colour and screen resolution is drawn
from that. What cannot be read as LaTeX is shown as plain text instead: a formula never raises.

Operands marked as ``\\operand{place}{...}`` are laid out in colours of their own, so that their places in the picture
are known; they are painted as the rest.
"""

from __future__ import annotations

import functools
import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer

from nnviz_app.theme import theme

LAYOUT_SIZE = 24.0
PLACEHOLDER_COLOR = "#010203"
SMALLEST_SCALE = 0.6
SMALLEST_UNBROKEN_SCALE = 0.8  # below this breaking looks better than one small line
LINE_GAP = 0.35  # between broken lines, in text sizes
LINE_INDENT = 1.0  # of broken lines after the first, in text sizes
# The time that laying out takes grows faster than the formula: with more pieces only lines are laid out, not the whole.
MOST_PIECES_AT_ONCE = 24

# fmt: off
RELATIONS = frozenset((
    "=", "<", ">", r"\approx", r"\le", r"\leq", r"\ge", r"\geq", r"\ne", r"\neq", r"\equiv", r"\sim",
    r"\propto", r"\to", r"\rightarrow", r"\leftarrow", r"\gets", r"\mapsto", r"\implies", r"\Rightarrow",
    r"\iff",
))
# fmt: on
SIGNS = frozenset("+-−")
SUMS = SIGNS | {r"\pm", r"\mp"}
PRODUCTS = frozenset((r"\cdot", r"\times", r"\odot"))

# Operands are laid out in the colours #0a0000 to #0affff.
_FIRST_OPERAND_COLOR = 0x0A0000
_OPERAND_COLORS = 0x10000
_OPERAND = re.compile(r"\\operand\{(\d+)\}")
_OPERAND_COLOR = re.compile("#0a[0-9a-f]{4}")
_COLORED = re.compile(r'(<(?:path|rect)[^>]*fill="#([0-9a-f]{6})"[^>]*>)')
_RECTANGLE = re.compile(r' (?:x|y|width|height)="([-\d.e]+)"')
_NUMBERS = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"\\(?:begin|end)\{[^}]*\}|\\[A-Za-z]+|\\.|.", re.DOTALL)
# fmt: off
_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ",
    "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "Delta": "Δ", "Sigma": "Σ",
    "partial": "∂", "nabla": "∇", "sum": "Σ", "prod": "Π", "infty": "∞", "ell": "ℓ", "ldots": "…",
    "dots": "…", "prime": "′", "quad": " ", "qquad": " ", "left": "", "right": "", "mathrm": "", "mathbf": "",
    "text": "", "operatorname": "", "textstyle": "", "displaystyle": "", "hat": "", "bar": "",
}
_OPERATORS = {
    "cdot": "·", "times": "×", "odot": "⊙", "pm": "±", "approx": "≈", "le": "≤", "leq": "≤", "ge": "≥",
    "geq": "≥", "ne": "≠", "neq": "≠", "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "in": "∈",
    "propto": "∝", "equiv": "≡", "sim": "∼", "implies": "⇒", "Rightarrow": "⇒", "iff": "⇔", "mapsto": "↦",
}
# fmt: on
_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Drawing:
    """A formula laid out at LAYOUT_SIZE: its SVG in the placeholder colour and its extent in pixels.

    `boxes` are the rectangles of its marked operands, by their places.
    """

    svg: str
    width: float
    ascent: float
    descent: float
    boxes: tuple[tuple[int, QRectF], ...] = ()


def plain_text(latex: str) -> str:
    """Return a formula as one readable line, for tooltips, screen readers and as the last resort."""
    return re.sub(r"\s+", " ", _plain(_TOKEN.findall(latex)[::-1])).strip()


def _plain(tokens: list[str]) -> str:
    """Turn tokens (the next one last) into text up to the end of the group they begin in."""
    text = ""
    while tokens:
        token = tokens.pop()
        name = token.removeprefix("\\") if len(token) > 1 else ""
        if token == "}":
            break
        if name in ("frac", "dfrac", "tfrac"):
            text += f"{_in_brackets(_argument(tokens))}/{_in_brackets(_argument(tokens))}"
        elif name == "sqrt":
            text += f"√{_in_brackets(_argument(tokens))}"
        elif name == "operand":
            _argument(tokens)
            text += _argument(tokens)
        elif token == "_":
            index = _argument(tokens)
            text += index if index.isdigit() else f"_{_in_brackets(index)}"
        elif token == "^":
            power = _argument(tokens)
            text += power.translate(_POWERS) if power.isdigit() else f"^{_in_brackets(power)}"
        elif token == "{":
            text += _plain(tokens)
        elif name in _OPERATORS:
            text += f" {_OPERATORS[name]} "
        elif name[:1].isalpha() and not name.startswith(("begin{", "end{")):
            text += _SYMBOLS.get(name, name)
            if tokens and tokens[-1] == " ":  # LaTeX drops the space that ends a command
                tokens.pop()
        elif name:
            text += " " if name in ",;:! \\" else name if name in "{}%&$#_" else " "
        else:
            text += " " if token in "&~" else "−" if token == "-" else token
    return text


def _argument(tokens: list[str]) -> str:
    """Take the next group, command or character as text."""
    while tokens and tokens[-1].isspace():
        tokens.pop()
    if not tokens:
        return ""
    token = tokens.pop()
    return _plain(tokens).strip() if token == "{" else _plain([token]).strip()


def _in_brackets(text: str) -> str:
    return f"({text})" if len(text) > 1 and re.search(r"[-+−=/·\s]", text) else text


def break_formula(latex: str) -> list[str]:
    """Split LaTeX where a line may end: before top-level relations and sums, never inside braces or brackets.

    Joined again the pieces give the same formula. A sign that belongs to its number does not begin a piece.
    """
    pieces: list[str] = []
    piece = ""
    depth = 0
    previous = ""
    for token in _TOKEN.findall(latex):
        may_break = token in RELATIONS or (token in SUMS and not _expects_operand(previous))
        if depth == 0 and may_break and piece.strip():
            pieces.append(piece)
            piece = ""
        depth = max(0, depth + _opens(token) - _closes(token))
        piece += token
        if not token.isspace():
            # A sign alone as an exponent is complete: what follows is an operation.
            previous = "x" if previous in ("^", "_") and token in SIGNS else token
    if piece.strip():
        pieces.append(piece)
    return pieces


def _opens(token: str) -> bool:
    return token in ("{", "(", "[", r"\{") or token.startswith(r"\begin")


def _closes(token: str) -> bool:
    return token in ("}", ")", "]", r"\}") or token.startswith(r"\end")


def _expects_operand(token: str) -> bool:
    """Say whether a plus or minus after `token` is the sign of a number rather than an operation."""
    return token in ("", ",", "^", "_", "/", "*", *RELATIONS, *SUMS, *PRODUCTS) or _opens(token)


def _color_operands(latex: str) -> str:
    return _OPERAND.sub(lambda found: rf"\textcolor{{#{_FIRST_OPERAND_COLOR + int(found[1]):06x}}}", latex)


def _boxes(svg: str, *, left: float, top: float) -> tuple[tuple[int, QRectF], ...]:
    """The rectangles of all that is drawn in the colour of an operand, from the drawing's upper left corner."""
    found: dict[int, QRectF] = {}
    for element, color in _COLORED.findall(svg):
        place = int(color, 16) - _FIRST_OPERAND_COLOR
        if not 0 <= place < _OPERAND_COLORS:
            continue
        if element.startswith("<rect"):
            x, y, width, height = (float(part) for part in _RECTANGLE.findall(element))
            box = QRectF(x, y, width, height)
        else:
            numbers = [float(number) for number in _NUMBERS.findall(element.partition('"')[2].partition('"')[0])]
            xs, ys = numbers[::2], numbers[1::2]
            box = QRectF(QPointF(min(xs), min(ys)), QPointF(max(xs), max(ys)))
        box.translate(-left, -top)
        found[place] = found[place].united(box) if place in found else box
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def close_signs(latex: str) -> str:
    """Put signs of numbers into groups; they would otherwise be set as far from them as operations are."""
    result = ""
    previous = ""
    for token in _TOKEN.findall(latex):
        is_sign = token in SIGNS and _expects_operand(previous) and previous not in ("^", "_")
        result += f"{{{token}}}" if is_sign else token
        if not token.isspace():
            previous = "x" if previous in ("^", "_") and token in SIGNS else token
    return result


# As many as a walk through a few hundred steps needs: laying out is what takes time, and its SVG is small.
@functools.lru_cache(maxsize=1024)
def lay_out(latex: str) -> Drawing | None:
    """Lay out a formula; None if it cannot be read as LaTeX or is empty."""
    if not latex.strip():
        return None
    # Imported here: it takes a fifth of a second, and nothing needs it before the first formula.
    import ziamath

    ziamath.config.svg2 = False  # QtSvg cannot draw the SVG 2 symbols
    try:
        formula = ziamath.Latex(_color_operands(close_signs(latex)), size=LAYOUT_SIZE, color=PLACEHOLDER_COLOR)
        svg = formula.svg()
    except Exception:  # the parser raises whatever it stumbles over, from KeyError to its own errors
        log.debug("cannot read %r as LaTeX", latex, exc_info=True)
        return None
    match = re.search(r'viewBox="([-\d.e]+) ([-\d.e]+) ([-\d.e]+) ([-\d.e]+)"', svg)
    if match is None:
        return None
    left, top, width, height = (float(part) for part in match.groups())
    if not (width > 0 and height > 0):
        return None
    boxes = _boxes(svg, left=left, top=top)
    plain = _OPERAND_COLOR.sub(PLACEHOLDER_COLOR, svg)
    return Drawing(svg=plain, width=width, ascent=-top, descent=height + top, boxes=boxes)


def render_formula(
    latex: str, *, color: QColor, size: float, device_pixel_ratio: float = 1.0, plain: str = ""
) -> QPixmap:
    """Draw a formula with text of `size` pixels, sharp on a screen with this ratio.

    What is not LaTeX is drawn as plain text: as `plain`, or made from the source. An empty formula gives a
    null pixmap.
    """
    if not latex.strip() or size <= 0:
        return QPixmap()
    # The pictures of plain text depend on the font, so it is part of the key.
    return QPixmap(_render(latex, plain, color.rgba(), round(size, 2), device_pixel_ratio, _plain_font(1).key()))


# The width and height of a formula at LAYOUT_SIZE; None where it cannot be read as LaTeX or is empty.
ExtentOf = Callable[[str], tuple[float, float] | None]


def drawn_extent(latex: str) -> tuple[float, float] | None:
    """The extent of a formula as it is laid out for drawing."""
    drawing = lay_out(latex)
    return None if drawing is None else (drawing.width, drawing.ascent + drawing.descent)


def formula_size(
    latex: str, size: float, *, plain: str = "", extent_of: ExtentOf = drawn_extent
) -> tuple[float, float]:
    """Return the width and height of a formula with text of `size` pixels, without drawing it."""
    extent = extent_of(latex)
    if extent is not None:
        scale = size / LAYOUT_SIZE
        return extent[0] * scale, extent[1] * scale
    if not latex.strip():
        return 0.0, 0.0
    metrics = QFontMetricsF(_plain_font(size))
    return metrics.horizontalAdvance(plain or _fallback(latex)) + 2, metrics.height()


@functools.lru_cache(maxsize=256)
def _render(latex: str, plain: str, rgba: int, size: float, ratio: float, font_key: str) -> QPixmap:
    color = QColor.fromRgba(rgba)
    width, height = formula_size(latex, size, plain=plain)
    pixmap = QPixmap(math.ceil(width * ratio), math.ceil(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    drawing = lay_out(latex)
    if drawing is not None:
        painter.setOpacity(color.alphaF())
        svg = drawing.svg.replace(PLACEHOLDER_COLOR, color.name())
        QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, width, height))
    else:
        font = _plain_font(size)
        painter.setFont(font)
        painter.setPen(color)
        painter.drawText(QPointF(1, QFontMetricsF(font).ascent()), plain or _fallback(latex))
    painter.end()
    return pixmap


def _plain_font(size: float) -> QFont:
    font = theme().font("formula")
    font.setPixelSize(max(1, round(size)))
    return font


def _fallback(latex: str) -> str:
    return plain_text(latex) or latex.strip()


@dataclass(frozen=True)
class FormulaLines:
    """A formula fitted into a width: its lines of LaTeX, their text size and their extent in pixels."""

    lines: tuple[str, ...]
    size: float
    width: float
    height: float


def fit_formula(
    latex: str,
    pieces: Sequence[str],
    *,
    size: float,
    width: float,
    plain: str = "",
    extent_of: ExtentOf = drawn_extent,
) -> FormulaLines:
    """Fit a formula into `width` pixels: as it is, else a little smaller, else broken between `pieces`.

    Lines are broken at full size where that is enough. A single piece wider than the width makes the whole
    smaller, without a limit, because a formula with a part cut off would be a wrong one. `extent_of` measures for those
    who draw it in another way.
    """
    # Whether it can be read as LaTeX is seen by its pieces.
    is_long = len(pieces) > MOST_PIECES_AT_ONCE and all(extent_of(_continued(piece)) for piece in pieces)
    widths = [_piece_width(piece, size, extent_of) for piece in pieces] if is_long else []
    if sum(widths) * SMALLEST_UNBROKEN_SCALE <= width:
        natural_width, natural_height = formula_size(latex, size, plain=plain, extent_of=extent_of)
        if natural_width <= 0:
            return FormulaLines((), size, 0.0, 0.0)
        scale = min(width / natural_width, 1.0)
        breakable = len(pieces) > 1 and extent_of(latex) is not None
        if scale >= SMALLEST_UNBROKEN_SCALE or not breakable:
            return FormulaLines((latex,), size * scale, natural_width * scale, natural_height * scale)
    lines = _fill_lines(pieces, size=size, width=width, extent_of=extent_of)
    extents = [formula_size(line, size, extent_of=extent_of) for line in lines]
    full_width = max(extent[0] + (LINE_INDENT * size if number else 0.0) for number, extent in enumerate(extents))
    full_height = sum(extent[1] for extent in extents) + LINE_GAP * size * (len(lines) - 1)
    scale = min(width / full_width, 1.0)
    return FormulaLines(tuple(lines), size * scale, full_width * scale, full_height * scale)


def _piece_width(piece: str, size: float, extent_of: ExtentOf) -> float:
    """How much wider a line gets by a piece at its end."""
    return formula_size(_continued(piece), size, extent_of=extent_of)[0]


def _continued(piece: str) -> str:
    # The empty group gives an operator at the start the spacing of one between two operands.
    return "{} " + piece


def _fill_lines(pieces: Sequence[str], *, size: float, width: float, extent_of: ExtentOf) -> list[str]:
    """Fill lines with whole sides of relations; break inside a side only if it is too wide for a line."""
    lines: list[str] = []
    # Of the last line: the sum of its pieces, each of which is laid out once.
    length = 0.0

    def fits(length: float) -> bool:
        # What is only a little too wide is made smaller rather than broken up.
        room = width - (LINE_INDENT * size if len(lines) > 1 else 0.0)
        return length * SMALLEST_UNBROKEN_SCALE <= room

    def begin(piece: str) -> None:
        lines.append(_continued(piece) if lines else piece)

    for side in _sides(pieces):
        whole = "".join(side)
        widths = [_piece_width(piece, size, extent_of) for piece in side]
        if lines and length + sum(widths) + LINE_INDENT * size <= width:
            lines[-1] += whole
            length += sum(widths)
            continue
        begin(whole)
        length = sum(widths)
        if fits(length) or len(side) == 1:
            continue
        lines.pop()
        begin(side[0])
        length = widths[0]
        for piece, more in zip(side[1:], widths[1:], strict=True):
            if fits(length + more):
                lines[-1] += piece
                length += more
            else:
                begin(piece)
                length = more
    return lines


def _sides(pieces: Sequence[str]) -> list[list[str]]:
    """Group pieces so that each group but the first begins with a relation."""
    sides: list[list[str]] = []
    for piece in pieces:
        first = _TOKEN.match(piece.lstrip())
        if not sides or (first is not None and first[0] in RELATIONS):
            sides.append([piece])
        else:
            sides[-1].append(piece)
    return sides
