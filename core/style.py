"""How numbers and quantities are written: the symbols of the field's books, the digits, rounding like a book."""

from __future__ import annotations

import re
from dataclasses import dataclass

PRE_ACTIVATIONS = ("z", "net", "in")
ACTIVATIONS = ("a", "out")
DELTAS = ("delta", "derivative")
RATES = ("η", "α", "lr")
WEIGHTS = ("name", "ends")
LOSSES = ("L", "E", "C", "J")

# Settings have at least so many significant digits: 1 for a β of 0.999 would be another formula.
SETTING_DIGITS = 6

_TEX = {"η": r"\eta", "α": r"\alpha"}


def _tex(symbol: str) -> str:
    return _TEX.get(symbol, symbol if len(symbol) == 1 else rf"\mathrm{{{symbol}}}")


@dataclass(frozen=True, slots=True)
class Notation:
    """Which symbols stand for what; each field holds one of the choices above.

    `delta`: the derivative of the loss with respect to a pre-activation is written δ, or as a derivative.
    `weights`: a weight is called by its name (w5), or by the neurons at its ends (w_{h1,o1}).
    """

    pre_activation: str = "z"
    activation: str = "a"
    delta: str = "delta"
    rate: str = "η"
    weights: str = "name"
    loss: str = "L"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {getattr(self, name)!r}")

    @property
    def pre_activation_tex(self) -> str:
        """The letter of a pre-activation as LaTeX."""
        return _tex(self.pre_activation)

    @property
    def activation_tex(self) -> str:
        """The letter of an activation as LaTeX."""
        return _tex(self.activation)

    @property
    def rate_tex(self) -> str:
        """The learning rate as LaTeX."""
        return _tex(self.rate)

    @property
    def dropped(self) -> str:
        """What stands for an activation after dropout: its letter with a tilde."""
        return f"{self.activation[0]}\u0303{self.activation[1:]}" if self.activation != "a" else "ã"

    @property
    def dropped_tex(self) -> str:
        """The same as LaTeX."""
        return rf"\tilde{{{self.activation_tex}}}"

    @property
    def delta_word(self) -> str:
        """What dL/dz is called in a sentence and on the canvas."""
        return "δ" if self.delta == "delta" else f"∂{self.loss}/∂{self.pre_activation}"


CHOICES: dict[str, tuple[str, ...]] = {
    "pre_activation": PRE_ACTIVATIONS,
    "activation": ACTIVATIONS,
    "delta": DELTAS,
    "rate": RATES,
    "weights": WEIGHTS,
    "loss": LOSSES,
}


ROUNDINGS = ("decimals", "digits")
MOST_PLACES = 12


@dataclass(frozen=True, slots=True)
class Rounding:
    """Each step's number is rounded to so many places: decimals, or significant digits."""

    places: int
    kind: str = "decimals"

    def __post_init__(self) -> None:
        if self.kind not in ROUNDINGS or not 1 <= self.places <= MOST_PLACES:
            raise ValueError(f"1 to {MOST_PLACES} decimals or digits, not {self.places} {self.kind}")

    def __str__(self) -> str:
        return f"{self.places} {self.kind}"


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is written: its symbols, and with how many significant digits."""

    notation: Notation = Notation()
    digits: int = 4


def unmark(latex: str) -> str:
    r"""A formula without the marks of its operands: ``\operand{2}{z_{h1}}`` becomes ``z_{h1}``."""
    while True:
        found = re.search(r"\\operand\{\d+\}\{", latex)
        if found is None:
            return latex
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(latex[end], 0)
            end += 1
        latex = latex[: found.start()] + latex[found.end() : end - 1] + latex[end:]
