"""A formula as lines that fit a page: its left side, then "= ..." beneath "= ...", long sums broken at their signs."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from msgspec import Struct

from core.sheet import Blank, Formula

# Widths are in digits. A formula up to this width stands on one line, numbers and result included.
ONE_LINE = 44.0
# What is no wider than this does not stand on a last line alone.
ALONE = 8.0
# The least share of the width for the right side.
LEAST = 0.6
# The room for what is to be filled in: a result, a line of numbers.
RESULT_ROOM, NUMBERS_ROOM = 12.0, 40.0

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_SPACES = {r"\,": 0.3, r"\:": 0.4, r"\;": 0.6, r"\quad": 2.0, r"\qquad": 4.0, r"\!": 0.0, "{": 0.0, "}": 0.0, " ": 0.0}
_RELATIONS = frozenset({"=", "<", ">", "+", "-", r"\cdot", r"\times", r"\approx"})
_FUNCTIONS = frozenset({r"\ln", r"\tanh", r"\max", r"\min", r"\sin", r"\cos", r"\exp"})
# After one of these a sign is that of a number.
_BEFORE_SIGNS = frozenset({"", "=", "(", "[", "+", "-", "<", ">", ",", "{", r"\cdot", r"\times", r"\approx", r"\;"})


class Line(Struct, frozen=True):
    """One line of a formula as LaTeX: `left` on the first one only, then `right`, which begins with its sign.

    `room`: behind it so much is left free to write in. `scale` is below 1 where the right side has to be so much
    smaller to fit.
    """

    left: str
    right: str
    room: float = 0.0
    scale: float = 1.0


def formula_lines(formula: Formula, *, width: float) -> list[Line]:
    """The lines of a formula that is at most `width` digits wide, where it can be broken."""
    left, symbols = _split(formula.symbols)
    # However long a name is, its formula is not squeezed into a corner.
    width = max(width - width_of(left), LEAST * width)
    sides = [(part, 0.0) for part in (symbols, formula.numbers, formula.result) if part]
    match formula.blank:
        case Blank.RESULT:
            sides = [*sides[:-1], ("=", RESULT_ROOM)]
        case Blank.NUMBERS:
            sides = [(symbols, 0.0)] if symbols else []
            sides += [("=", NUMBERS_ROOM)] if formula.numbers else []
            sides.append(("=", RESULT_ROOM))
        case Blank.ALL:
            sides = [("=", NUMBERS_ROOM)] * (len(sides) - 1) + [("=", RESULT_ROOM)]
        case _:
            pass
    lines: list[Line] = []
    for side, room in _joined(sides, width_of(left), width):
        *parts, last = _break(side, width - room)
        for part, part_room in [*((part, 0.0) for part in parts), (last, room)]:
            scale = min(1.0, width / max(width_of(part) + part_room, 1.0))
            lines.append(Line("" if lines else left, part, part_room, scale))
    return lines or [Line(left, "")]


def close_signs(latex: str) -> str:
    """LaTeX in which signs of numbers behind a space are groups; TeX would take them for operations."""
    return re.sub(r"(\\[,:;]\s*)-(?=[\d.])", r"\1{-}", latex)


def _split(symbols: str) -> tuple[str, str]:
    """The left side, and the rest from the first equals sign that stands in no brackets."""
    for place, depth, _, token in _tokens(symbols):
        if token == "=" and not depth:
            return symbols[:place].strip(), symbols[place:].strip()
    return symbols.strip(), ""


def _joined(sides: list[tuple[str, float]], left: float, width: float) -> list[tuple[str, float]]:
    """All on one line where that is short; else the result behind what stands before it, where it fits there."""
    for count, most in ((len(sides), min(ONE_LINE - left, width)), (2, width)):
        parts, room = [side for side, _ in sides[-count:]], sides[-1][1] if sides else 0.0
        is_written = not any(room for _, room in sides[-count:-1])
        if len(sides) >= count > 1 and is_written and width_of(" ".join(parts)) + room <= most:
            return [*sides[:-count], (" ".join(parts), room)]
    return sides


def _tokens(latex: str) -> Iterator[tuple[int, int, int, str]]:
    """The tokens, each with its place and how many braces, and brackets of any sort, are open before it."""
    braces = brackets = 0
    for found in _TOKEN.finditer(latex):
        token = found[0]
        if token == "}":
            braces -= 1
        if token in ("}", ")", "]"):
            brackets -= 1
        yield found.start(), braces, brackets, token
        if token == "{":
            braces += 1
        if token in ("{", "(", "["):
            brackets += 1


def _break(side: str, width: float) -> Iterator[str]:
    """A side in lines: broken where no bracket is open, and only inside brackets where that is not enough."""
    if width_of(side) <= width:
        yield side
        return
    lines = [[""]]
    for piece in _pieces(side, inside=False):
        for part in [piece] if width_of(piece) <= width else _pieces(piece, inside=True):
            line = "".join(lines[-1])
            if line.strip() and width_of(line + part) > width:
                lines.append([])
            lines[-1].append(part)
    if len(lines) > 1 and len(lines[-1]) == 1 and width_of(lines[-1][0]) <= ALONE:
        # No lone "+ 0": the term before it goes with it, where the line above keeps one.
        *kept, last = lines[-2]
        if "".join(kept).strip(" =") and width_of(last + lines[-1][0]) <= width:
            lines[-2:] = [kept, [last, *lines[-1]]]
    yield from ("".join(line).strip() for line in lines)


def _pieces(side: str, *, inside: bool) -> Iterator[str]:
    """What a line may end behind: each piece but the first begins with a sign or a relation."""
    begun, previous = 0, ""
    for place, braces, brackets, token in _tokens(side):
        is_sign = token in ("+", "-") and previous not in _BEFORE_SIGNS
        if place and (is_sign or (token == "=" and previous)) and not (braces if inside else brackets):
            yield side[begun:place]
            begun = place
        if token != " ":
            previous = token
    yield side[begun:]


@functools.lru_cache(maxsize=4096)
def width_of(latex: str) -> float:
    """About how wide LaTeX is, in digits."""
    return _measure(_TOKEN.findall(latex)[::-1])


def _measure(tokens: list[str]) -> float:
    """The width of tokens (the next one last) up to the end of the group that they begin in."""
    width = 0.0
    while tokens:
        token = tokens.pop()
        if token == "}":
            break
        if token == "{":
            width += _measure(tokens)
        elif token == r"\frac":
            width += max(_argument(tokens), _argument(tokens)) + 0.5
        elif token in ("_", "^"):
            width += 0.72 * _argument(tokens)
        elif token in (r"\mathrm", r"\tilde", r"\hat", r"\text"):
            width += _argument(tokens)
        elif token == r"\sqrt":
            width += _argument(tokens) + 1.6
        elif token in _SPACES:
            width += _SPACES[token]
        elif token in _RELATIONS:
            width += 1.6 if token == r"\cdot" else 2.6
        elif token in _FUNCTIONS:
            width += 0.95 * len(token)
        else:
            width += 0.6 if token in ".,'()[]|" else 1.2 if token.startswith("\\") or token.isalpha() else 1.0
    return width


def _argument(tokens: list[str]) -> float:
    while tokens and tokens[-1].isspace():
        tokens.pop()
    if not tokens:
        return 0.0
    token = tokens.pop()
    return _measure(tokens) if token == "{" else _measure([token])
