"""Fills a sheet from a trace: numbered formulas as the explanations have them, tables of quantities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from core.explanation import Explanation, explain, explain_batch_loss
from core.notation import MAX_TERMS, Writer, term_of
from core.numbers import NOT_COMPUTED
from core.printed import comes_out, printed
from core.quantities import TERM_KINDS, Granularity, Kind, Quantity
from core.sheet import Block, Figure, Formula, Heading, Paragraph, Table
from core.style import Style, unmark
from core.trace import Trace

# Columns of a table, without the first; wider ones are divided.
MOST_COLUMNS = 8
# Names in a sentence.
MOST_NAMES = 12

_SUMS = (Kind.WEIGHTED_SUM, Kind.ACTIVATION_GRAD, Kind.DROPOUT_GRAD)
_TERMS = (Kind.PRODUCT, Kind.CONTRIBUTION)

# A cell: a text, or the quantity whose number stands there.
Cell = str | Quantity


def listed(names: Iterable[str]) -> str:
    """Names as in a sentence: "h1, h2 and h3"; of many the first ones and how many more there are."""
    names = list(names)
    if len(names) > MOST_NAMES:
        names[MOST_NAMES - 1 :] = [f"{len(names) - MOST_NAMES + 1} more"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def row_name(rows: Sequence[int], sample: int) -> str:
    """The row of the data that a batch's sample is, and its n where that is another number."""
    number = f"{rows[sample] + 1}"
    return number if list(rows) == list(range(len(rows))) or len(rows) == 1 else f"{number} (n = {sample + 1})"


class SheetWriter:
    """A sheet in the making; `formulas` and `cells` are those of core.solution.Solution.

    With `rounded` the numbers of a sum's terms stand in it too, as they are rounded before they are added.
    """

    def __init__(self, trace: Trace, style: Style, granularity: Granularity, *, rounded: bool) -> None:
        self.trace, self.style, self.granularity, self.rounded = trace, style, granularity, rounded
        self.writer = Writer(trace, style)
        # Weights before biases, as in the passes.
        self.parameters = sorted(trace.schedule.parameter_ids, key=lambda name: name not in trace.network.edges)
        self.blocks: list[Block] = []
        self.formulas: dict[int, Quantity] = {}
        self.cells: dict[tuple[int, int, int], Quantity] = {}
        # The number of the formula of the batch's loss; 0 while there is none.
        self.batch_loss_number = 0
        self._number = 0

    # Blocks

    def heading(self, text: str, level: int = 1) -> None:
        """Begin a part of the sheet."""
        self.blocks.append(Heading(text, level))

    def paragraph(self, text: str) -> None:
        """Add sentences."""
        self.blocks.append(Paragraph(text))

    def figure(self, index: int, caption: str) -> None:
        """Add the network with so many steps done."""
        self.blocks.append(Figure(index, caption))

    def definition(self, sentence: str, latex: str, plain: str) -> None:
        """Add a formula that holds for all that follows: it has symbols alone."""
        self._add_formula(sentence, latex, "", "", plain)

    def formula(self, quantity: Quantity, sentence: str = "") -> None:
        """Add a quantity's formula: symbols, numbers, result, and above it the explanation's sentence or another.

        Where products and contributions have no lines of their own, a sum has their factors.
        """
        explanation = explain(self.trace, quantity, self.style)
        numbers, shown = unmark(explanation.numbers), explanation.result
        middle, _, result = explanation.plain.replace(" ≈ ", " = ").rpartition(" = ")
        if self.granularity is not Granularity.TERM and quantity.kind in _SUMS and not self.is_cut(quantity):
            numbers, middle = self._with_factors(quantity, explanation, numbers, middle)
            shown = f"{self._sign(quantity)} {shown.partition(' ')[2]}"
        # What is but another name for the same, or the result already, has nothing to put in.
        known = [*explanation.formula.split(" = "), result]
        steps = [explanation.formula, *([middle] if middle and middle not in known else []), result]
        numbers = "" if numbers == shown else numbers
        self.formulas[self._number + 1] = quantity
        self._add_formula(
            sentence or explanation.sentence,
            unmark(explanation.symbols),
            numbers,
            shown,
            " = ".join(steps),
        )

    def batch_loss(self) -> None:
        """Add the formula of the batch's loss."""
        told = explain_batch_loss(self.trace, self.style)
        plain = f"{told.formula} = {told.plain.replace(' ≈ ', ' = ')}"
        self.batch_loss_number = self._number + 1
        self._add_formula(told.sentence, unmark(told.symbols), unmark(told.numbers), told.result, plain)

    def _add_formula(self, sentence: str, symbols: str, numbers: str, result: str, plain: str) -> None:
        self._number += 1
        self.blocks.append(Formula(self._number, sentence, symbols, numbers, result, plain))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> None:
        """Add a table; one of many columns as several, each with the first column."""
        for start in range(1, max(2, len(header)), MOST_COLUMNS):
            columns = [0, *range(start, min(start + MOST_COLUMNS, len(header)))]
            place = len(self.blocks)
            texts = []
            for row, cells in enumerate(rows):
                texts.append(tuple(self._text(cells[column]) for column in columns))
                for shown, column in enumerate(columns):
                    cell = cells[column]
                    if isinstance(cell, Quantity) and self.has(cell):
                        self.cells[place, row, shown] = cell
            self.blocks.append(Table(tuple(header[column] for column in columns), tuple(texts), caption))

    def _text(self, cell: Cell) -> str:
        if isinstance(cell, str):
            return cell
        return self.writer.text(cell) if self.has(cell) else NOT_COMPUTED

    def has(self, quantity: Quantity) -> bool:
        """Whether a quantity is part of the passes: nothing is passed back to inputs, say."""
        trace = self.trace
        return trace.has(quantity) and (quantity.kind is not Kind.CONTRIBUTION or trace.has_step(quantity))

    # Sums

    def is_cut(self, quantity: Quantity) -> bool:
        """Whether a quantity is a sum of so many terms that its formula shows the first ones only."""
        return quantity.kind in _SUMS and len(self._terms(quantity)) > MAX_TERMS + 1

    def _terms(self, quantity: Quantity) -> list[Quantity]:
        operands = self.trace.operands(quantity)
        if quantity.kind is Kind.WEIGHTED_SUM:
            return list(operands)
        return [operand for operand in operands if operand.kind is Kind.CONTRIBUTION]

    def _sign(self, quantity: Quantity) -> str:
        """What stands before a sum's result where its numbers are the factors of its terms."""
        trace, digits = self.trace, self.style.digits

        def value(operand: Quantity) -> float:
            factors = trace.operands(operand) if operand.kind in _TERMS else (operand,)
            return math.prod(printed(trace.value(factor), digits) for factor in factors)

        return "=" if comes_out(trace, quantity, digits, value) else r"\approx"

    def _with_factors(self, quantity: Quantity, explanation: Explanation, numbers: str, middle: str) -> tuple[str, str]:
        """A sum's line with numbers, as LaTeX and as text, with the factors of the terms in place of the products."""
        writer, terms = self.writer, self._terms(quantity)
        if not any(term.kind in _TERMS for term in terms):
            return numbers, middle
        goes_on = len(terms) < len(explanation.operands)
        summed, summed_text = writer.sum_numbers(terms, goes_on=goes_on), writer.sum_text(terms, goes_on=goes_on)
        factors, factors_text = [], []
        for place, term in enumerate(terms):
            first, *others = self.trace.operands(term) if term.kind in _TERMS else (term,)
            bracket = goes_on or place > 0
            tex = [writer.number(first, bracket=bracket), *map(writer.number, others)]
            text = [writer.text(q) for q in (first, *others)]
            factors.append(r" \cdot ".join(tex))
            factors_text.append(
                " × ".join([writer.bracket_text(text[0], bracket), *map(writer.bracket_text, text[1:])])
            )
        line, line_text = " + ".join(factors), " + ".join(factors_text)
        if not numbers:
            # A single term: its value is the sum's.
            return f"= {line}", line_text
        line, line_text = numbers.removesuffix(summed) + line, middle.removesuffix(summed_text) + line_text
        if self.rounded:
            return f"{line} {numbers}", f"{line_text} = {middle}"
        return line, line_text

    # Names

    def name(self, quantity: Quantity) -> str:
        """What a quantity is called in text."""
        return self.writer.name(quantity)

    def column_title(self, kind: Kind, sample: int = 0) -> str:
        """What a column of quantities of this kind and sample is headed with."""
        notation, row = self.style.notation, self.writer.row(Quantity(kind, sample=sample))
        loss, z, a = self.writer.loss(row), notation.pre_activation, notation.activation
        delta = self.writer.delta_word(row)
        titles = {
            Kind.INPUT: a,
            Kind.TARGET: "t",
            Kind.MASK: "m",
            Kind.WEIGHTED_SUM: z,
            Kind.ACTIVATION: a,
            Kind.DROPOUT: notation.dropped,
            Kind.LOSS_SHARE: loss,
            Kind.DROPOUT_GRAD: f"∂{loss}/∂{notation.dropped}",
            Kind.ACTIVATION_GRAD: f"∂{loss}/∂{a}",
            Kind.PRE_ACTIVATION_GRAD: f"{delta} = ∂{loss}/∂b",
            Kind.WEIGHT_GRAD: f"∂{loss}/∂w",
            Kind.CONTRIBUTION: f"w·{delta}",
        }
        if kind in titles:
            return titles[kind]
        former = "old " if kind not in (*TERM_KINDS, Kind.PENALIZED_GRAD) else ""
        return former + term_of(self.trace, kind).symbol
