"""What a person can choose about an export, as data: for a form, a command line and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

# The chosen values by the options' names.
Values = Mapping[str, Any]


class Option(Struct, frozen=True, kw_only=True):
    """What all options have: a name, a title with its mnemonic, a tip, and `only`.

    `only` names another option and the values with which this one matters. One that is not `kept` begins anew each
    time, with what the window shows, not with what was chosen last.
    """

    name: str
    title: str
    tip: str = ""
    only: tuple[str, tuple[str, ...]] | None = None
    kept: bool = True

    def matters(self, values: Values) -> bool:
        """Whether it makes a difference beside these values."""
        return self.only is None or values.get(self.only[0]) in self.only[1]


class Pick(Option, frozen=True, kw_only=True):
    """One of several (value, title); the usual one is `usual`, or the first one."""

    choices: tuple[tuple[str, str], ...]
    usual: str | None = None

    @property
    def default(self) -> str:
        """The usual value."""
        return self.choices[0][0] if self.usual is None else self.usual

    def read(self, text: str) -> str:
        """The value that was kept as this text; the usual one where it is none."""
        return text if text in dict(self.choices) else self.default


class Whole(Option, frozen=True, kw_only=True):
    """A whole number from `low` to `high`; `lowest` is what stands there for the least one."""

    low: int
    high: int
    default: int
    step: int = 1
    suffix: str = ""
    lowest: str = ""

    def read(self, text: str) -> int:
        """The value that was kept as this text, brought into the range; the usual one where it is none."""
        return min(max(int(text), self.low), self.high) if text.isdecimal() else self.default


class Decimal(Option, frozen=True, kw_only=True):
    """A number with `places` decimals from `low` to `high`."""

    low: float
    high: float
    default: float
    step: float = 0.1
    places: int = 1
    suffix: str = ""

    def read(self, text: str) -> float:
        """The value that was kept as this text, brought into the range; the usual one where it is none."""
        try:
            number = float(text)
        except ValueError:
            return self.default
        # Written so that a not-a-number from a hand-edited file does not get through.
        return number if self.low <= number <= self.high else self.default


class Switch(Option, frozen=True, kw_only=True):
    """Yes or no."""

    default: bool = False

    def read(self, text: str) -> bool:
        """The value that was kept as this text; the usual one where it is none."""
        return text == "True" if text in ("True", "False") else self.default


class Several(Option, frozen=True, kw_only=True):
    """Any of several (value, title), at first those in `default`; the value is a tuple of theirs."""

    choices: tuple[tuple[str, str], ...]
    default: tuple[str, ...]

    def read(self, text: str) -> tuple[str, ...]:
        """The values that were kept as this text; the usual ones where it is empty."""
        kept = text.split(",")
        return tuple(value for value, _ in self.choices if value in kept) or self.default


AnyOption = Pick | Whole | Decimal | Switch | Several


def write_value(value: object) -> str:
    """The text that a value is kept as, for `read`."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
