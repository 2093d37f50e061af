"""How quantities are written: names and numbers as text and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.numbers import format_number
from core.optimizer_terms import Formula, Term
from core.quantities import FORMER_KINDS, TERM_KINDS, Kind, Quantity
from core.trace import Trace

# A longer sum is cut: the first terms, then how many more there are.
MAX_TERMS = 6


def _is_weight_name(edge: str) -> bool:
    return re.fullmatch(r"w\d+", edge) is not None


def weight_name(edge: str) -> str:
    """w5 for the edge w5, w(e1) for an edge of another name."""
    return edge if _is_weight_name(edge) else f"w({edge})"


def quantity_name(trace: Trace, quantity: Quantity) -> str:
    """A short name in text: z(h1), ∂L/∂w5, δ(o1)."""
    kind, subject = quantity.kind, quantity.subject
    match kind:
        case Kind.WEIGHT:
            return weight_name(subject)
        case Kind.BIAS:
            return f"b({subject})"
        case Kind.TARGET:
            return f"t({subject})"
        case Kind.INPUT | Kind.ACTIVATION:
            return f"a({subject})"
        case Kind.PRODUCT:
            return f"{weight_name(subject)}·{carried_name(trace, subject)}"
        case Kind.WEIGHTED_SUM:
            return f"z({subject})"
        case Kind.LOSS_SHARE:
            return f"L({subject})"
        case Kind.LOSS:
            return "L"
        case Kind.ACTIVATION_GRAD:
            return f"∂L/∂a({subject})"
        case Kind.PRE_ACTIVATION_GRAD:
            return f"δ({subject})"
        case Kind.WEIGHT_GRAD:
            return f"∂L/∂{weight_name(subject)}"
        case Kind.BIAS_GRAD:
            return f"∂L/∂b({subject})"
        case Kind.CONTRIBUTION:
            return f"{weight_name(subject)}·δ({trace.network.edges[subject].target})"
        case Kind.MASK:
            return f"m({subject})"
        case Kind.DROPOUT:
            return f"ã({subject})"
        case Kind.DROPOUT_GRAD:
            return f"∂L/∂ã({subject})"
    parameter = parameter_name(trace, subject)
    if kind is Kind.PARAMETER_GRAD:
        return f"∂L/∂{parameter} of the batch"
    if kind is Kind.UPDATE:
        return f"new {parameter}"
    former = "old " if kind in FORMER_KINDS else ""
    return f"{former}{term_of(trace, kind).symbol}({parameter})"


def carried_name(trace: Trace, edge: str) -> str:
    """What an edge carries: a(h1), or ã(h1) where dropout has been at work."""
    source = trace.network.edges[edge].source
    return f"{'ã' if source in trace.schedule.dropped else 'a'}({source})"


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


def parameter_name(trace: Trace, parameter: str) -> str:
    """w5 for a weight, b(h1) for a bias."""
    return weight_name(parameter) if parameter in trace.network.edges else f"b({parameter})"


def tex_id(subject: str) -> str:
    """A name as LaTeX: h1 as it is, longer ones upright."""
    if re.fullmatch(r"[A-Za-z]?\d*'*", subject):
        return subject
    escaped = re.sub(r"([_%&#$])", r"\\\1", subject).replace(" ", r"\;")
    return rf"\mathrm{{{escaped}}}"


def tex_weight(edge: str) -> str:
    """A weight as LaTeX, by the name of its edge."""
    return f"w_{{{edge[1:]}}}" if _is_weight_name(edge) else f"w_{{{tex_id(edge)}}}"


def tex_number(value: float, digits: int) -> str:
    """A number in LaTeX, such as ``1.5 \\cdot 10^{-7}``."""
    text = format_number(value, digits).replace("−", "-").replace("∞", r"\infty")
    mantissa, mark, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{power}}}" if mark and mantissa != "NaN" else text


class Writer:
    """Writes the quantities of one trace with the chosen digits."""

    def __init__(self, trace: Trace, digits: int) -> None:
        self.trace = trace
        self.network = trace.network
        self.digits = digits

    def text(self, quantity: Quantity) -> str:
        """Its value as text."""
        return format_number(self.trace.value(quantity), self.digits)

    def number(self, quantity: Quantity, *, bracket: bool = True) -> str:
        """Its value as LaTeX, a negative one in brackets."""
        return self.bracket(tex_number(self.trace.value(quantity), self.digits), bracket)

    @staticmethod
    def bracket(number: str, bracket: bool = True) -> str:
        """A number as LaTeX, a negative one in brackets."""
        return f"({number})" if bracket and number.startswith("-") else number

    def symbol(self, quantity: Quantity) -> str:
        """Its symbol as LaTeX."""
        kind, subject = quantity.kind, quantity.subject
        tex = tex_id(subject)
        match kind:
            case Kind.WEIGHT:
                return tex_weight(subject)
            case Kind.BIAS:
                return f"b_{{{tex}}}"
            case Kind.TARGET:
                return f"t_{{{tex}}}"
            case Kind.INPUT | Kind.ACTIVATION:
                return f"a_{{{tex}}}"
            case Kind.PRODUCT:
                source = self.network.edges[subject].source
                carried = r"\tilde{a}" if source in self.trace.schedule.dropped else "a"
                return rf"{tex_weight(subject)} \, {carried}_{{{tex_id(source)}}}"
            case Kind.WEIGHTED_SUM:
                return f"z_{{{tex}}}"
            case Kind.LOSS_SHARE:
                return f"L_{{{tex}}}"
            case Kind.LOSS:
                return "L"
            case Kind.ACTIVATION_GRAD:
                return rf"\frac{{\partial L}}{{\partial a_{{{tex}}}}}"
            case Kind.PRE_ACTIVATION_GRAD:
                return rf"\delta_{{{tex}}}"
            case Kind.CONTRIBUTION:
                return rf"{tex_weight(subject)} \, \delta_{{{tex_id(self.network.edges[subject].target)}}}"
            case Kind.BIAS_GRAD:
                return rf"\frac{{\partial L}}{{\partial b_{{{tex}}}}}"
            case Kind.WEIGHT_GRAD:
                return rf"\frac{{\partial L}}{{\partial {tex_weight(subject)}}}"
            case Kind.MASK:
                return f"m_{{{tex}}}"
            case Kind.DROPOUT:
                return rf"\tilde{{a}}_{{{tex}}}"
            case Kind.DROPOUT_GRAD:
                return rf"\frac{{\partial L}}{{\partial \tilde{{a}}_{{{tex}}}}}"
            case Kind.PARAMETER_GRAD | Kind.UPDATE:
                return rf"\frac{{\partial L}}{{\partial {self.parameter(subject)}}}"
        term = term_of(self.trace, kind).latex
        former = r"^{\mathrm{old}}" if kind in FORMER_KINDS else ""
        return rf"{term}_{{{self.parameter(subject)}}}{former}"

    def parameter(self, subject: str) -> str:
        """A parameter's symbol as LaTeX."""
        return tex_weight(subject) if subject in self.network.edges else f"b_{{{tex_id(subject)}}}"

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
                numbers[name] = self.bracket(tex_number(value, self.digits), not bare)
                texts[name] = self.bracket_text(format_number(value, self.digits), not bare)
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
                names[name] = f"∂L/∂{parameter_name(self.trace, subject)}"
            else:
                names[name] = quantity_name(self.trace, quantity)
        return formula.text(names).replace(" × ", " · ")

    def _setting_name(self, name: str) -> str:
        fixed = {"learning_rate": "η", "updates": "t", "l1": "λ₁", "l2": "λ₂"}
        options = {option.name: option.symbol for option in self.trace.optimizer.options}
        return fixed.get(name) or options[name]

    def _setting(self, name: str) -> tuple[str, float]:
        """A number of the settings in an optimizer's formula: its symbol as LaTeX and its value."""
        stepper, settings = self.trace.learner.stepper, self.trace.settings
        if name == "learning_rate":
            return r"\eta", self.trace.learning_rate
        if name == "updates":
            return "t", stepper.updates + 1
        if name in ("l1", "l2"):
            return rf"\lambda_{name[1]}", getattr(settings, name)
        option = next(option for option in stepper.optimizer.options if option.name == name)
        return option.latex, stepper.options[name]

    def sum_symbols(self, terms: Sequence[Quantity]) -> str:
        """The symbols of a sum's terms, cut after MAX_TERMS."""
        return self.cut([self.symbol(term) for term in terms], r" + \cdots \; (%d \; \mathrm{more})")

    def sum_numbers(self, terms: Sequence[Quantity], *, goes_on: bool = False) -> str:
        """The numbers of a sum's terms; `goes_on` where another term stands before them."""
        shown = [self.number(term, bracket=goes_on or place > 0) for place, term in enumerate(terms[: MAX_TERMS + 1])]
        shown += [""] * (len(terms) - len(shown))
        return self.cut(shown, r" + \cdots \; (%d \; \mathrm{more})")

    def sum_text(self, terms: Sequence[Quantity], *, goes_on: bool = False) -> str:
        """The numbers of a sum's terms as text; `goes_on` where another term stands before them."""
        shown = [
            self.bracket_text(self.text(term), goes_on or place > 0)
            for place, term in enumerate(terms[: MAX_TERMS + 1])
        ]
        shown += [""] * (len(terms) - len(shown))
        return self.cut(shown, " + … (%d more)")

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
