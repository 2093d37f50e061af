"""A written-out pass as a document: headings, sentences, formulas, tables and pictures, whatever it is rendered to."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Blank(StrEnum):
    """What of a formula is left for the reader to fill in."""

    NOTHING = "nothing"
    RESULT = "result"
    # The line with the numbers put in, and the result.
    NUMBERS = "numbers"
    # All but the left side.
    ALL = "all"


class Heading(Struct, frozen=True):
    """A heading of `level` 1 (a pass) to 3 (a neuron)."""

    text: str
    level: int = 1


class Paragraph(Struct, frozen=True):
    """Sentences in plain text."""

    text: str


class Formula(Struct, frozen=True):
    r"""One number: a sentence about it, and its formula as LaTeX without marks ("lhs = rhs", "= ...", "= value").

    The result stands behind ``\approx`` where the numbers, as they are printed, come to other last digits. `plain` is
    the whole formula as one line of text, with "=" before the result in any case; `text` has its sign. `number`
    counts the sheet's formulas from 1: a worksheet and its key have the same numbers.
    """

    number: int
    sentence: str
    symbols: str
    numbers: str
    result: str
    plain: str
    blank: Blank = Blank.NOTHING

    @property
    def text(self) -> str:
        """The whole formula as one line of text."""
        if not self.result.startswith(r"\approx"):
            return self.plain
        left, _, result = self.plain.rpartition(" = ")
        return f"{left} ≈ {result}"


class Table(Struct, frozen=True):
    """A table of plain texts; the cells in `blanks` (row, column) are left for the reader to fill in."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    blanks: frozenset[tuple[int, int]] = frozenset()


class Figure(Struct, frozen=True):
    """The drawing of the network with the first `index` steps of the trace revealed."""

    index: int
    caption: str = ""


Block = Heading | Paragraph | Formula | Table | Figure


class Sheet(Struct, frozen=True):
    """The whole document. `subtitle` stands below the title: the rows, the settings, the variant."""

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
