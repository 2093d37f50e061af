"""Plain text as LaTeX writes it with the fonts that every installation has: no Unicode, no packages."""

from __future__ import annotations

import re
import unicodedata

# Characters with a meaning of their own, and those that the usual fonts have elsewhere.
ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", '"': "''", "`": "`", "\u00a0": "~", "\u2009": r"\,",
    "\u202f": r"\,", "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "ß": r"\ss{}",
    "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}",
    "ı": r"\i{}", "§": r"\S{}", "¶": r"\P{}", "©": r"\copyright{}", "¡": "!`", "¿": "?`", "„": ",,", "‐": "-", "‑": "-",
}  # fmt: skip
# From α on, in the order of Unicode; omicron is a Latin letter.
_GREEK = (
    "alpha", "beta", "gamma", "delta", "varepsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
    "xi", "", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "varphi", "chi", "psi", "omega",
)  # fmt: skip
_CAPITALS = {"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma",
             "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"}  # fmt: skip
MATH = {
    "<": "<", ">": ">", "|": "|", "−": "-", "×": r"\times", "·": r"\cdot", "⋅": r"\cdot", "÷": r"\div", "±": r"\pm",
    "→": r"\to", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "∂": r"\partial", "∇": r"\nabla", "∑": r"\Sigma", "∏": r"\Pi", "√": r"\surd",
    "∞": r"\infty", "≈": r"\approx", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq", "≡": r"\equiv", "∈": r"\in",
    "∝": r"\propto", "∥": r"\parallel", "⊙": r"\odot", "∘": r"\circ", "°": r"^\circ", "′": "'", "½": r"\frac12",
    "¼": r"\frac14", "¾": r"\frac34", "µ": r"\mu", "ο": "o", "ℓ": r"\ell", "ϵ": r"\epsilon", "ϕ": r"\phi",
    "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee", "⊕": r"\oplus",
    **{chr(0x3B1 + place): f"\\{name}" for place, name in enumerate(_GREEK) if name},
    **{letter: f"\\{name}" for letter, name in _CAPITALS.items()},
    **{digit: f"^{place}" for place, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: f"_{place}" for place, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "ₐ": "_a", "ᵢ": "_i", "ⱼ": "_j", "ₖ": "_k", "ₙ": "_n", "ᵀ": "^T", "⁻": "^-", "⁺": "^+",
    "⁽": "^(", "⁾": "^)", "ⁿ": "^n",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0331": "b",
}  # fmt: skip
# The categories of characters that are not to be seen.
UNSEEN = frozenset({"Cc", "Cf", "Cs"})


def tex_text(text: str) -> str:
    r"""`text` as LaTeX code in text mode. A character that it has no sign for becomes ``\nnvizchar{...}``.

    That command (`CHARACTER`) writes it with XeLaTeX and LuaLaTeX, whose fonts may have it, and a question mark with
    pdfLaTeX.
    """
    found: list[str] = []
    is_math = False
    for cluster in _clusters(text):
        code = _math(cluster)
        if code is None:
            found.append(f"${_text(cluster)}" if is_math else _text(cluster))
        else:
            # A command ends where a letter follows, and a space does no harm.
            found.append(f" {code}" if is_math else f"${code}")
        is_math = code is not None
    return "".join([*found, "$" if is_math else ""])


# Defines what `tex_text` writes for unusual characters.
CHARACTER = r"\providecommand\nnvizchar[1]{\ifdefined\Umathcode#1\else?\fi}"


def unusual(code: str) -> str:
    """The characters in LaTeX code that pdfLaTeX does not write, each once."""
    return "".join(dict.fromkeys(re.findall(r"\\nnvizchar\{([^}]*)\}", code)))


def unusual_remark(letters: str, fonts: str = r"\setmainfont{...} \setsansfont{...}") -> str:
    r"""What to do where pdfLaTeX has no sign for `letters`, in a sentence; "" where there are none.

    `fonts` are the commands of fontspec by which the document gets fonts that have them.
    """
    if not letters:
        return ""
    return (
        f"pdfLaTeX has no sign for {letters}: compile it with LuaLaTeX or XeLaTeX, and a font that has them "
        rf"(\usepackage{{fontspec}} {fonts} before \begin{{document}})."
    )


def _clusters(text: str) -> list[str]:
    """The characters, each with the accents that follow it."""
    found: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character) and found:
            found[-1] += character
        elif character.isspace() and character not in ESCAPES:
            found.append(" ")
        elif unicodedata.category(character) not in UNSEEN:
            found.append(character)
    return found


def _math(cluster: str) -> str | None:
    code = MATH.get(cluster) or MATH.get(cluster[0])
    # Two indices may follow each other, which stand at one letter otherwise.
    return f"{{}}{code}" if code is not None and code[0] in "^_'" else code


def _text(cluster: str) -> str:
    base, accents = cluster[0], cluster[1:]
    if base in ESCAPES:
        code = ESCAPES[base]
    elif base.isascii() and base.isprintable():
        code = base
    else:
        whole = unicodedata.normalize("NFC", cluster)
        plain = unicodedata.normalize("NFKD", cluster)
        # Such as a letter of double width.
        return "".join(map(_text, plain)) if plain != cluster and plain.isascii() else rf"\nnvizchar{{{whole}}}"
    if any(accent not in ACCENTS for accent in accents):
        return rf"\nnvizchar{{{unicodedata.normalize('NFC', cluster)}}}"
    for accent in accents:
        code = rf"\{ACCENTS[accent]}{{{ {'i': chr(92) + 'i', 'j': chr(92) + 'j'}.get(code, code) }}}"
    return code
