"""Formulas as MathML, which browsers set themselves."""

from __future__ import annotations

import functools
import re
from html import escape

# What the converter writes for a letter of an upright name, and several of them.
_UPRIGHT = r'<mi mathvariant="normal">([^<])</mi>'
_MINUS, _PLUS = "&#x02212;", "&#x0002B;"
# A sign is that of a number at the start of its group, and after one of these.
_OPERATOR = r"<mo(?: [^>]*)?>&#x0(?:003D|0028|002B|2212|00B7|00D7|002C|003C|003E|2248);</mo>"
_SIGN = re.compile(rf"(<mrow>|<mspace[^>]*/>|{_OPERATOR})<mo>({_MINUS}|{_PLUS})</mo>")
_NAMED = ("max", "min", "&#x02202;")


@functools.lru_cache(maxsize=4096)
def mathml(latex: str) -> str:
    """A formula, or a part of one such as "= 0.5", as a math element in display style."""
    # Only now: it takes a while to import.
    from latex2mathml.converter import convert

    # A line that goes on with a sign adds to what stands before it.
    goes_on = latex.lstrip()[:1] in ("+", "-")
    inner = re.sub(r"^<math[^>]*>|</math>$", "", convert(latex, display="block"))
    inner = re.sub(f"({_UPRIGHT})+", _word, inner)
    inner = _SIGN.sub(r'\1<mo form="prefix" lspace="0" rspace="0">\2</mo>', inner)
    if goes_on:
        inner = inner.replace('<mo form="prefix" lspace="0" rspace="0">', '<mo form="infix">', 1)
    for name in _NAMED:
        inner = inner.replace(f"<mo>{name}</mo>", f"<mi>{name}</mi>")
    # What a logarithm is of need not stand in brackets.
    inner = re.sub(r'<mi>ln</mi>(?!<mo stretchy="false">)', '<mo lspace="0.167em" rspace="0.167em">ln</mo>', inner)
    # A tilde or a hat belongs close to its letter.
    inner = re.sub(r"<mover>(?=<mrow>)", '<mover accent="true">', inner)
    return f'<math displaystyle="true">{inner}</math>'


def _word(found: re.Match[str]) -> str:
    word = "".join(re.findall(_UPRIGHT, found[0]))
    # A single letter would be set in italics.
    return f"<mi>{word}</mi>" if len(word) > 1 else f'<mi mathvariant="normal">{escape(word, quote=False)}</mi>'
