"""A number that a person can set, such as an optimizer's momentum: its bounds, its default and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from core.errors import TrainingError


class Option(Struct, frozen=True):
    """A number that a person can set. `low` and `high` are allowed themselves unless marked as open.

    `symbol` is plain text, `latex` the same for formulas, `about` one sentence on what the number does.
    """

    name: str
    title: str
    symbol: str
    latex: str
    default: float
    low: float
    high: float
    about: str
    low_open: bool = False
    high_open: bool = False
    integer: bool = False

    def allows(self, value: float) -> bool:
        """Whether `value` is within the bounds, and a whole number where it has to be."""
        above = self.low < value if self.low_open else self.low <= value
        below = value < self.high if self.high_open else value <= self.high
        return above and below and not (self.integer and value % 1)

    @property
    def bounds(self) -> str:
        """The bounds in words, such as "at least 0 and below 1"."""
        low = f"{'above' if self.low_open else 'at least'} {self.low:,.15g}"
        high = f"{'below' if self.high_open else 'at most'} {self.high:,.15g}"
        return f"{'a whole number, ' if self.integer else ''}{low} and {high}"


def option_values(options: Iterable[Option], given: Mapping[str, float], owner: str) -> dict[str, float]:
    """Every option's value: the one `given` or its default. `owner` is the title of what the options belong to.

    Raises TrainingError for an unknown name or a value out of bounds.
    """
    values = {option.name: option.default for option in options}
    for name in given:
        if name not in values:
            known = ", ".join(values) or "none"
            raise TrainingError(f"{owner} has no option “{name}”: remove it (there are: {known}).")
    values.update(given)
    for option in options:
        if not option.allows(values[option.name]):
            raise TrainingError(
                f"{owner}: {option.title.lower()} is {values[option.name]:g}, and has to be {option.bounds}."
            )
    return values
