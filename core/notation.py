"""How quantities are written: names and numbers as text and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.network import Network
from core.numbers import format_number
from core.optimizer_terms import Formula, Term
from core.quantities import FORMER_KINDS, TERM_KINDS, Kind, Quantity
from core.style import SETTING_DIGITS, Notation, Style
from core.trace import Trace

# A longer sum is cut: the first terms, then how many more there are.
MAX_TERMS = 6
MORE, MORE_TEX = " + … (%d more)", r" + \cdots \; (%d \; \mathrm{more})"
# Behind what stands for an operand while a formula is put together: a character of the private use area.
_FIRST_MARK = 0xE000
_LAST_MARK = 0xF8FF
# A negative number in brackets, and what it stands first behind.
_BRACKETED_FIRST = (
    r"(^|[({\[]|\| |\|(?=\(−))"
    r"\(([-−](?:[\d.]+|∞|\\infty)(?:e−?\d+)?(?: \\cdot 10\^\{-?\d+\})?[\ue000-\uf8ff]?)\)(?![\^²])"
)
_RAISED = str.maketrans("0123456789n", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ")
# A row of a batch, counted from 1 within it; "n" for any of them; None for what is the batch's, or of a single row.
Row = int | str | None


def _is_weight_name(edge: str) -> bool:
    return re.fullmatch(r"w\d+", edge) is not None


def term_of(trace: Trace, kind: Kind) -> Term:
    """The optimizer's or the penalty's term that a quantity of this kind is."""
    terms = trace.optimizer.terms
    if kind in TERM_KINDS:
        return terms[TERM_KINDS.index(kind)]
    if kind in FORMER_KINDS:
        slot = trace.optimizer.slots[FORMER_KINDS.index(kind)]
        return next(term for term in terms if term.name == slot)
    assert trace.learner.penalty is not None
    return trace.learner.penalty.term


def tex_id(subject: str) -> str:
    """A name as LaTeX: h1 and k1b as they are, words upright."""
    if re.fullmatch(r"(?:[A-Za-z]?\d+)*[A-Za-z]?'*", subject):
        return subject
    escaped = re.sub(r"([_%&#$])", r"\\\1", subject).replace(" ", r"\;")
    return rf"\mathrm{{{escaped}}}"


def tex_number(value: float, digits: int) -> str:
    """A number in LaTeX, such as ``1.5 \\cdot 10^{-7}``."""
    text = format_number(value, digits).replace("−", "-").replace("∞", r"\infty")
    mantissa, mark, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{power}}}" if mark and mantissa != "NaN" else text


def without_brackets(text: str) -> str:
    """What stands alone without the brackets around the whole of it."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth and place < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def bare_first(line: str) -> str:
    """A line of numbers, as LaTeX or text, in which a negative number in brackets never stands first.

    That is first in the line, in a bracket, a fraction's part or an exponent; not where it is raised to a power.
    """
    return re.sub(_BRACKETED_FIRST, r"\1\2", line)


class Names:
    """What neurons, weights and parameters of a network are called, in text and as LaTeX."""

    def __init__(self, network: Network, notation: Notation) -> None:
        self.network, self.notation = network, notation

    def weight(self, edge: str) -> str:
        """w5 for the edge w5, w(e1) for an edge of another name; w(h1,o1) where weights go by their ends."""
        if self.notation.weights == "ends":
            return f"w({self._ends(edge)})"
        return edge if _is_weight_name(edge) else f"w({edge})"

    def weight_tex(self, edge: str) -> str:
        """A weight as LaTeX."""
        if self.notation.weights == "ends":
            ends = self.network.edges[edge]
            return f"w_{{{tex_id(ends.source)},{tex_id(ends.target)}}}"
        return f"w_{{{edge[1:]}}}" if _is_weight_name(edge) else f"w_{{{tex_id(edge)}}}"

    def edge(self, edge: str) -> str:
        """The short name of a weight on the canvas: w5, w(e1), or h1,o1 where weights go by their ends."""
        return self._ends(edge) if self.notation.weights == "ends" else self.weight(edge)

    def _ends(self, edge: str) -> str:
        ends = self.network.edges[edge]
        return f"{ends.source},{ends.target}"

    def parameter(self, parameter: str) -> str:
        """w5 for a weight, b(h1) for a bias."""
        return self.weight(parameter) if parameter in self.network.edges else f"b({parameter})"

    def parameter_tex(self, parameter: str) -> str:
        """A parameter as LaTeX."""
        return self.weight_tex(parameter) if parameter in self.network.edges else f"b_{{{tex_id(parameter)}}}"

    def loss(self, row: Row = None) -> str:
        """L, or L⁽²⁾ for that of a batch's second row."""
        return self.notation.loss + (f"⁽{row}⁾".translate(_RAISED) if row else "")

    def loss_tex(self, row: Row = None) -> str:
        """The same as LaTeX."""
        return self.notation.loss + (f"^{{({row})}}" if row else "")

    def derivative(self, text: str, row: Row = None) -> str:
        """The derivative of the loss, or of a row's loss, with respect to what `text` stands for."""
        return f"∂{self.loss(row)}/∂{text}"

    def derivative_tex(self, latex: str, row: Row = None) -> str:
        """The same as LaTeX."""
        return rf"\frac{{\partial {self.loss_tex(row)}}}{{\partial {latex}}}"

    def z(self, neuron: str) -> str:
        """z(o1), or net(o1)."""
        return f"{self.notation.pre_activation}({neuron})"

    def a(self, neuron: str) -> str:
        """a(o1), or out(o1)."""
        return f"{self.notation.activation}({neuron})"

    def dropped(self, neuron: str) -> str:
        """ã(o1): an activation after dropout."""
        return f"{self.notation.dropped}({neuron})"

    def delta_word(self, row: Row = None) -> str:
        """What dL/dz is called in a sentence: δ, or ∂L/∂z."""
        return "δ" if self.notation.delta == "delta" else self.derivative(self.notation.pre_activation, row)

    def delta(self, neuron: str, row: Row = None) -> str:
        """δ(o1), or ∂L/∂z(o1)."""
        return f"{self.delta_word(row)}({neuron})"

    def delta_tex(self, neuron: str, row: Row = None) -> str:
        """The same as LaTeX."""
        if self.notation.delta == "delta":
            return rf"\delta_{{{tex_id(neuron)}}}"
        return self.derivative_tex(f"{self.notation.pre_activation_tex}_{{{tex_id(neuron)}}}", row)


class Writer(Names):
    """Writes the quantities of one trace in a style.

    What stands for one of `operands` in LaTeX is marked as ``\\operand{place}{...}`` by `mark_operands`.
    """

    def __init__(self, trace: Trace, style: Style, operands: Sequence[Quantity] = ()) -> None:
        super().__init__(trace.network, style.notation)
        self.trace, self.digits = trace, style.digits
        self._marks = {q: chr(_FIRST_MARK + i) for i, q in enumerate(operands[: _LAST_MARK - _FIRST_MARK + 1])}
        self._marked: dict[str, set[str]] = {}

    # Names

    def row(self, quantity: Quantity) -> Row:
        """The row of a batch that a quantity of a sample belongs to; None where there is but one."""
        return quantity.sample + 1 if self.trace.batch > 1 else None

    def name(self, quantity: Quantity) -> str:
        """A short name in text: z(h1), ∂L/∂w5, δ(o1)."""
        kind, subject, row = quantity.kind, quantity.subject, self.row(quantity)
        match kind:
            case Kind.WEIGHT:
                return self.weight(subject)
            case Kind.BIAS:
                return f"b({subject})"
            case Kind.TARGET:
                return f"t({subject})"
            case Kind.INPUT | Kind.ACTIVATION:
                return self.a(subject)
            case Kind.PRODUCT:
                return f"{self.weight(subject)}·{self.carried(subject)}"
            case Kind.WEIGHTED_SUM:
                return self.z(subject)
            case Kind.LOSS_SHARE:
                return f"{self.loss(row)}({subject})"
            case Kind.LOSS:
                return self.loss(row)
            case Kind.ACTIVATION_GRAD:
                return self.derivative(self.a(subject), row)
            case Kind.PRE_ACTIVATION_GRAD:
                return self.delta(subject, row)
            case Kind.WEIGHT_GRAD:
                return self.weight_grad(subject, row)
            case Kind.BIAS_GRAD:
                return self.derivative(f"b({subject})", row)
            case Kind.CONTRIBUTION:
                weight = self.name(self.trace.operands(quantity)[0])
                return f"{weight}·{self.delta(self.network.edges[subject].target, row)}"
            case Kind.MASK:
                return f"m({subject})"
            case Kind.DROPOUT:
                return self.dropped(subject)
            case Kind.DROPOUT_GRAD:
                return self.derivative(self.dropped(subject), row)
        parameter = self.parameter(subject)
        if kind is Kind.PARAMETER_GRAD:
            return f"{self.derivative(parameter)}{' of the batch' if self.trace.batch > 1 else ''}"
        if kind is Kind.UPDATE:
            return f"new {parameter}"
        former = "old " if kind in FORMER_KINDS else ""
        return f"{former}{term_of(self.trace, kind).symbol}({parameter})"

    def weight_grad(self, edge: str, row: Row = None) -> str:
        """∂L/∂w5; of a weight that edges share, the share of one of them: ∂L/∂w(k1)[x1→h1]."""
        ends = self.network.edges[edge]
        copy = f"[{ends.source}→{ends.target}]" if self.is_shared(edge) else ""
        return self.derivative(self.weight(ends.parameter) + copy, row)

    def weight_grad_tex(self, edge: str, row: Row = None) -> str:
        """The same as LaTeX: a shared weight has the edge as its index above, as if each edge had a copy of its own.

        So Goodfellow, Bengio and Courville write weights that are shared over time (Deep Learning, 10.2.2).
        """
        ends = self.network.edges[edge]
        copy = rf"^{{{tex_id(ends.source)} \to {tex_id(ends.target)}}}" if self.is_shared(edge) else ""
        return self.derivative_tex(self.weight_tex(ends.parameter) + copy, row)

    def is_shared(self, edge: str) -> bool:
        """Whether other edges have the same weight."""
        return self.network.edges[edge].parameter in self.trace.schedule.sharing

    def carried(self, edge: str) -> str:
        """What an edge carries: a(h1), or ã(h1) where dropout has been at work."""
        source = self.network.edges[edge].source
        return self.dropped(source) if source in self.trace.schedule.dropped else self.a(source)

    def text(self, quantity: Quantity) -> str:
        """Its value as text."""
        return format_number(self.trace.value(quantity), self.digits)

    # LaTeX

    def number(self, quantity: Quantity, *, bracket: bool = True) -> str:
        """Its value as LaTeX, a negative one in brackets."""
        return self.bracket(self._mark(quantity, tex_number(self.trace.value(quantity), self.digits)), bracket)

    @staticmethod
    def bracket(number: str, bracket: bool = True) -> str:
        """A number as LaTeX, a negative one in brackets."""
        return f"({number})" if bracket and number.startswith("-") else number

    def symbol(self, quantity: Quantity) -> str:
        """Its symbol as LaTeX."""
        return self._mark(quantity, self._symbol(quantity))

    def _symbol(self, quantity: Quantity) -> str:
        kind, subject, n = quantity.kind, quantity.subject, self.notation
        tex, row = tex_id(subject), self.row(quantity)
        match kind:
            case Kind.WEIGHT:
                return self.weight_tex(subject)
            case Kind.BIAS:
                return f"b_{{{tex}}}"
            case Kind.TARGET:
                return f"t_{{{tex}}}"
            case Kind.INPUT | Kind.ACTIVATION:
                return f"{n.activation_tex}_{{{tex}}}"
            case Kind.PRODUCT:
                source = self.network.edges[subject].source
                carried = n.dropped_tex if source in self.trace.schedule.dropped else n.activation_tex
                return rf"{self.weight_tex(subject)} \, {carried}_{{{tex_id(source)}}}"
            case Kind.WEIGHTED_SUM:
                return f"{n.pre_activation_tex}_{{{tex}}}"
            case Kind.LOSS_SHARE:
                return f"{n.loss}_{{{tex}}}" + (f"^{{({row})}}" if row else "")
            case Kind.LOSS:
                return self.loss_tex(row)
            case Kind.ACTIVATION_GRAD:
                return self.derivative_tex(f"{n.activation_tex}_{{{tex}}}", row)
            case Kind.PRE_ACTIVATION_GRAD:
                return self.delta_tex(subject, row)
            case Kind.CONTRIBUTION:
                weight = self._symbol(self.trace.operands(quantity)[0])
                return rf"{weight} \, {self.delta_tex(self.network.edges[subject].target, row)}"
            case Kind.BIAS_GRAD:
                return self.derivative_tex(f"b_{{{tex}}}", row)
            case Kind.WEIGHT_GRAD:
                return self.weight_grad_tex(subject, row)
            case Kind.MASK:
                return f"m_{{{tex}}}"
            case Kind.DROPOUT:
                return f"{n.dropped_tex}_{{{tex}}}"
            case Kind.DROPOUT_GRAD:
                return self.derivative_tex(f"{n.dropped_tex}_{{{tex}}}", row)
            case Kind.PARAMETER_GRAD:
                return self.derivative_tex(self.parameter_tex(subject))
            case Kind.UPDATE:
                return rf"{self.parameter_tex(subject)}^{{\mathrm{{new}}}}"
        term = term_of(self.trace, kind).latex
        former = r"^{\mathrm{old}}" if kind in FORMER_KINDS else ""
        return rf"{term}_{{{self.parameter_tex(subject)}}}{former}"

    # Marks. They stand behind what they mark, so that formulas look at the text's first character as before.

    def _mark(self, quantity: Quantity, latex: str) -> str:
        mark = self._marks.get(quantity)
        if mark is None:
            return latex
        self._marked.setdefault(mark, set()).add(latex)
        return latex + mark

    def mark_operands(self, latex: str) -> str:
        """What stands for an operand as ``\\operand{place}{...}``."""
        for mark, texts in self._marked.items():
            place = ord(mark) - _FIRST_MARK
            for text in sorted(texts, key=len, reverse=True):
                latex = latex.replace(text + mark, rf"\operand{{{place}}}{{{text}}}")
        return latex

    def formula(self, formula: Formula, subject: str, *, penalized: bool = True) -> tuple[str, str, str]:
        """An optimizer's formula for one parameter: LaTeX with symbols, LaTeX with numbers, text with numbers.

        Unless `penalized` it is that of the penalty itself.
        """
        symbols, numbers, texts = {}, {}, {}
        for name in formula.operands:
            bare = name in formula.bare
            quantity = self.trace.term_operand(name, subject, penalized=penalized)
            if quantity is None:
                symbols[name], value = self._setting(name)
                digits = max(self.digits, SETTING_DIGITS)
                numbers[name] = self.bracket(tex_number(value, digits), not bare)
                texts[name] = self.bracket_text(format_number(value, digits), not bare)
            else:
                symbols[name] = self.symbol(quantity)
                numbers[name] = self.number(quantity, bracket=not bare)
                texts[name] = self.bracket_text(self.text(quantity), not bare)
        return formula.latex(symbols), formula.latex(numbers), formula.text(texts)

    def formula_text(self, formula: Formula, subject: str, *, penalized: bool = True) -> str:
        """An optimizer's formula for one parameter as text with symbols."""
        names = {}
        for name in formula.operands:
            quantity = self.trace.term_operand(name, subject, penalized=penalized)
            if quantity is None:
                names[name] = self._setting_name(name)
            elif quantity.kind is Kind.PARAMETER_GRAD:
                names[name] = self.derivative(self.parameter(subject))
            else:
                names[name] = self.name(quantity)
        return formula.text(names).replace(" × ", " · ")

    def _setting_name(self, name: str) -> str:
        fixed = {"learning_rate": self.notation.rate, "updates": "t", "l1": "λ₁", "l2": "λ₂"}
        options = {option.name: option.symbol for option in self.trace.optimizer.options}
        return fixed.get(name) or options[name]

    def _setting(self, name: str) -> tuple[str, float]:
        """A number of the settings in an optimizer's formula: its symbol as LaTeX and its value."""
        stepper, settings = self.trace.learner.stepper, self.trace.settings
        if name == "learning_rate":
            return self.notation.rate_tex, self.trace.learning_rate
        if name == "updates":
            return "t", stepper.updates + 1
        if name in ("l1", "l2"):
            return rf"\lambda_{name[1]}", getattr(settings, name)
        option = next(option for option in stepper.optimizer.options if option.name == name)
        return option.latex, stepper.options[name]

    def sum_symbols(self, terms: Sequence[Quantity]) -> str:
        """The symbols of a sum's terms, cut after MAX_TERMS."""
        return self.cut([self.symbol(term) for term in terms], MORE_TEX)

    def sum_numbers(self, terms: Sequence[Quantity], *, goes_on: bool = False) -> str:
        """The numbers of a sum's terms; `goes_on` where another term stands before them."""
        shown = [self.number(term, bracket=goes_on or place > 0) for place, term in enumerate(terms[: MAX_TERMS + 1])]
        shown += [""] * (len(terms) - len(shown))
        return self.cut(shown, MORE_TEX)

    def sum_text(self, terms: Sequence[Quantity], *, goes_on: bool = False) -> str:
        """The numbers of a sum's terms as text; `goes_on` where another term stands before them."""
        shown = [
            self.bracket_text(self.text(term), goes_on or place > 0)
            for place, term in enumerate(terms[: MAX_TERMS + 1])
        ]
        shown += [""] * (len(terms) - len(shown))
        return self.cut(shown, MORE)

    @staticmethod
    def bracket_text(number: str, bracket: bool = True) -> str:
        """A number as text, a negative one in brackets."""
        return f"({number})" if bracket and number.startswith("−") else number

    @staticmethod
    def cut(parts: list[str], more: str) -> str:
        """The parts as a sum, cut after MAX_TERMS."""
        if len(parts) <= MAX_TERMS + 1:
            return " + ".join(parts)
        return " + ".join(parts[:MAX_TERMS]) + more % (len(parts) - MAX_TERMS)

    def factor_text(self, *quantities: Quantity) -> str:
        """The numbers of a product as text."""
        first, *others = (self.text(q) for q in quantities)
        return " × ".join([first, *(self.bracket_text(other) for other in others)])
