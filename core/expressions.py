"""Every quantity of a trace as the formula that makes it from others: code that runs and that people can read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import groupby
from types import SimpleNamespace

import numpy as np

from core.activations import ACTIVATIONS
from core.formula_code import (
    ACTIVATION_CODES,
    BINARY_FROM_Z,
    SHARE_CODES,
    SHARE_SLOPE_CODES,
    SLOPE_CODES,
    clipped,
)
from core.identifiers import Identifiers
from core.losses import PROBABILITY_MARGIN
from core.optimizer_terms import Formula
from core.quantities import GIVEN_KINDS, TERM_KINDS, Kind, Quantity
from core.trace import Trace

# Sums of more terms are written as sum([...]), which can have any length.
LONGEST_SUM = 8
# An activation nearer to 0 or 1 is no good for a cross-entropy: its logarithm lacks digits that the engine has.
SATURATED = 1e-6

Values = Mapping[Quantity, float] | Callable[[Quantity], float]

# In a pattern: $0 is the first operand, $0:3 the first three with commas between.
_MARK = re.compile(r"\$(\d+)(?::(\d+))?")
# The functions of `math` with infinities and NaN instead of exceptions.
_NUMPY_MATH = SimpleNamespace(
    **{name: getattr(np, name) for name in ("cos", "exp", "expm1", "log", "log1p", "pi", "sin", "sqrt", "tanh")},
    erfc=math.erfc,
)
_BUILT_IN = {"__builtins__": {}, "abs": abs, "max": max, "min": min, "sum": sum, "zip": zip}


@dataclass(frozen=True, eq=False)
class Expression:
    """The formula of one quantity: Python over `math`, built-in functions and the identifiers of `names`, `settings`.

    `operands` are the quantities in it, in the order of their first use; without any, the code is the number itself.
    `settings` are the numbers that are no quantities: learning rate, options of the optimizer, number of samples.
    """

    trace: Trace = field(repr=False)
    quantity: Quantity
    pattern: str = field(default="", repr=False)
    operands: tuple[Quantity, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)

    @cached_property
    def names(self) -> dict[str, Quantity]:
        """The operands by identifier."""
        identifiers = Identifiers(self.trace)
        return {identifiers[operand]: operand for operand in self.operands}

    @property
    def code(self) -> str:
        """The expression with the identifiers of `names`."""
        return self.write(list(self.names))

    def write(self, identifiers: Sequence[str]) -> str:
        """The expression with these identifiers for its operands."""
        if not self.operands:
            return literal(self.trace.value(self.quantity))

        def put_in(mark: re.Match[str]) -> str:
            first, last = int(mark[1]), int(mark[2] or int(mark[1]) + 1)
            return ", ".join(identifiers[first:last])

        return _MARK.sub(put_in, self.pattern)

    def evaluate(self, values: Values) -> float:
        """The value with these values of its operands; infinite or NaN where it overflows or divides by zero."""
        if not self.operands:
            return self.trace.value(self.quantity)
        look_up = values if callable(values) else values.__getitem__
        operands = [float(look_up(operand)) for operand in self.operands]
        try:
            return self.run(operands)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                return float(self._call([np.float64(operand) for operand in operands], _NUMPY_MATH))

    def run(self, operands: Sequence[float]) -> float:
        """The value as Python alone computes it, which raises ArithmeticError or ValueError where it overflows."""
        return float(self._call(operands, math))

    def _call(self, operands: Sequence[float], functions: object) -> float:
        return _compiled(self.pattern, tuple(self.settings))(operands, functions, *self.settings.values())


@lru_cache(maxsize=1024)
def _compiled(pattern: str, settings: tuple[str, ...]) -> Callable[..., float]:
    """A pattern as a function of the operands' values, `math` and the settings. No name of a person's gets here."""
    code = _MARK.sub(lambda mark: f"*q[{mark[1]}:{mark[2]}]" if mark[2] else f"q[{mark[1]}]", pattern)
    function: Callable[..., float] = eval(f"lambda {', '.join(['q', 'math', *settings])}: {code}", dict(_BUILT_IN))
    return function


def in_order(quantity: Quantity, operands_of: Callable[[Quantity], Iterable[Quantity]]) -> Iterator[Quantity]:
    """All that a quantity is made of, each once and after its own operands; the quantity itself comes last."""
    seen = {quantity}
    # Not by recursion: a network may be deeper than Python's stack.
    path = [(quantity, iter(operands_of(quantity)))]
    while path:
        present, rest = path[-1]
        following = next((operand for operand in rest if operand not in seen), None)
        if following is None:
            yield present
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(operands_of(following))))


def expression(trace: Trace, quantity: Quantity, *, literally: bool = False) -> Expression:
    """How a quantity that a step reveals is made; the number itself of one that is given, or of an empty sum.

    The operands are those of `trace.operands` that the formula uses. One thing differs: a cross-entropy of a sigmoid
    or softmax that is next to 0 or 1 (`SATURATED`) is made from the pre-activations, as in the engine; `literally` it
    is made from the activation there too, as it is written.
    """
    if quantity.kind in GIVEN_KINDS or quantity.kind is Kind.INPUT:
        return Expression(trace, quantity)
    building = _Building(trace, quantity, literally=literally)
    pattern = _BUILDERS[quantity.kind](building) if building.operands else ""
    return Expression(trace, quantity, _without_brackets(pattern), tuple(building.places), building.settings)


def _without_brackets(code: str) -> str:
    """A formula without brackets around the whole."""
    if not code.startswith("("):
        return code
    depth = 0
    for place, character in enumerate(code):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth:
            return code[1:-1] if place == len(code) - 1 else code
    return code


def literal(value: float) -> str:
    """A number as Python, to the last bit; `math` has those that have no digits."""
    if math.isfinite(value):
        return repr(float(value))
    return "math.nan" if math.isnan(value) else "math.inf" if value > 0 else "-math.inf"


class _Building:
    """An expression being put together: `self[quantity]` is what stands for a quantity in the pattern."""

    def __init__(self, trace: Trace, quantity: Quantity, *, literally: bool) -> None:
        self.trace = trace
        self.literally = literally
        self.subject = quantity.subject
        self.kind = quantity.kind
        self.operands = trace.operands(quantity)
        self.places: dict[Quantity, int] = {}
        self.settings: dict[str, float] = {}

    def __getitem__(self, quantity: Quantity) -> str:
        return f"${self._place(quantity)}"

    def _place(self, quantity: Quantity) -> int:
        return self.places.setdefault(quantity, len(self.places))

    def of(self, kind: Kind) -> list[Quantity]:
        """The operands of this kind."""
        return [q for q in self.operands if q.kind is kind]

    def listed(self, quantities: Sequence[Quantity]) -> str:
        """Quantities as a Python list."""
        places = [self._place(quantity) for quantity in quantities]
        # Places that follow one another differ by the same from their own.
        runs = [[place for _, place in run] for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0])]
        return f"[{', '.join(f'${run[0]}:{run[-1] + 1}' for run in runs)}]"

    def sum(self, quantities: Sequence[Quantity]) -> str:
        """Their sum."""
        if len(quantities) > LONGEST_SUM:
            return f"sum({self.listed(quantities)})"
        return " + ".join(self[q] for q in quantities)

    def fill(self, template: str, **quantities: Quantity) -> str:
        """A template with what stands for the quantities that it names."""
        return template.format(**{name: self[q] for name, q in quantities.items() if f"{{{name}}}" in template})

    def per_output(self, code: str) -> str:
        """The code divided by the number of outputs, where the loss is a mean over them."""
        outputs = len(self.trace.network.outputs)
        if not self.trace.engine.loss.mean or outputs == 1:
            return code
        self.settings["outputs"] = outputs
        return f"{code} / outputs"

    @property
    def is_coupled(self) -> bool:
        """Whether its neuron's activation takes others' pre-activations too: softmax."""
        return ACTIVATIONS[self.trace.network.neurons[self.subject].activation].coupled


def _product(b: _Building) -> str:
    return " * ".join(b[q] for q in b.operands)


def _sum(b: _Building) -> str:
    return b.sum(b.operands)


def _activation(b: _Building) -> str:
    own = b.operands[0]
    z = b[own]
    if not b.is_coupled:
        return b.fill(ACTIVATION_CODES[b.trace.network.neurons[b.subject].activation], z=own)
    # The exponentials, each divided by its own: none overflows where the result is not 0.
    if len(b.operands) > LONGEST_SUM:
        return f"1 / sum([math.exp(z - {z}) for z in {b.listed(b.operands)}])"
    return f"1 / ({' + '.join(f'math.exp({b[other]} - {z})' for other in b.operands)})"


def _loss_share(b: _Building) -> str:
    activation, target = b.operands
    code = SHARE_CODES[b.trace.engine.loss.name]
    if not _is_saturated(b, activation):
        return b.per_output(b.fill(code, a=activation, t=target))
    if b.subject not in b.trace.schedule.joint:
        return b.per_output(b.fill(clipped(code, _margin(b.trace)), a=activation, t=target))
    sums = b.trace.operands(activation)
    if not b.is_coupled:
        return b.per_output(b.fill(BINARY_FROM_Z, z=sums[0], t=target))
    t, z, every = b[target], b[sums[0]], b.listed(sums)
    logarithm = f"math.log(sum([math.exp(z - max({every})) for z in {every}]))"
    return b.per_output(f"{t} * (max({every}) - {z} + {logarithm})")


def _is_saturated(b: _Building, activation: Quantity) -> bool:
    if b.literally:
        return False
    return b.trace.engine.loss.probabilities and not SATURATED <= b.trace.value(activation) <= 1 - SATURATED


def _margin(trace: Trace) -> float:
    return max(PROBABILITY_MARGIN, float(np.finfo(trace.engine.dtype).eps))


def _activation_grad(b: _Building) -> str:
    if b.of(Kind.MASK):
        return _product(b)
    contributions = b.of(Kind.CONTRIBUTION)
    if not b.of(Kind.TARGET):
        return b.sum(contributions)
    activation, target = b.operands[:2]
    code = SHARE_SLOPE_CODES[b.trace.engine.loss.name]
    if _is_saturated(b, activation):
        code = clipped(code, _margin(b.trace))
    own = b.per_output(b.fill(code, a=activation, t=target))
    return f"{own} + {b.sum(contributions)}" if contributions else own


def _pre_activation_grad(b: _Building) -> str:
    grads, targets, activations = b.of(Kind.ACTIVATION_GRAD), b.of(Kind.TARGET), b.of(Kind.ACTIVATION)
    back = ""
    if grads and b.is_coupled:
        a, grad = b[activations[0]], b[grads[0]]
        if len(grads) > LONGEST_SUM:
            total = f"sum([a * grad for a, grad in zip({b.listed(activations)}, {b.listed(grads)})])"
        else:
            total = " + ".join(f"{b[x]} * {b[y]}" for x, y in zip(activations, grads, strict=True))
        back = f"{a} * ({grad} - ({total}))"
    elif grads:
        slope = SLOPE_CODES[b.trace.network.neurons[b.subject].activation]
        back = f"{b[grads[0]]} * " + b.fill(slope, z=b.of(Kind.WEIGHTED_SUM)[0], a=activations[0])
    if not targets:
        return back
    a, t = b[activations[0]], b[targets[0]]
    if b.is_coupled and sum(b.trace.value(q) for q in targets) != 1.0:
        # The general form, for targets that do not add up to 1.
        a = f"{a} * ({b.sum(targets)})"
    difference = b.per_output(f"({a} - {t})")
    return f"{back} + {difference}" if back else difference


def _parameter_grad(b: _Building) -> str:
    total = b.sum(b.operands)
    if not b.trace.mean or b.trace.batch == 1:
        return total
    b.settings["samples"] = b.trace.batch
    return f"({total}) / samples"


def _penalized_grad(b: _Building) -> str:
    assert b.trace.learner.penalty is not None
    return _formula(b, b.trace.learner.penalty.term.formula, penalized=False)


def _term(b: _Building) -> str:
    return _formula(b, b.trace.optimizer.terms[TERM_KINDS.index(b.kind)].formula)


def _update(b: _Building) -> str:
    if b.trace.has_step(Quantity(Kind.UPDATE, b.subject)):
        return _formula(b, b.trace.optimizer.update)
    # It is not updated.
    return b[Quantity(Kind.WEIGHT if b.subject in b.trace.network.edges else Kind.BIAS, b.subject)]


def _formula(b: _Building, formula: Formula, *, penalized: bool = True) -> str:
    texts = {}
    for name in formula.operands:
        quantity = b.trace.term_operand(name, b.subject, penalized=penalized)
        if quantity is None:
            b.settings[name] = _setting(b.trace, name)
        texts[name] = name if quantity is None else b[quantity]
    return formula.code(texts)


def _setting(trace: Trace, name: str) -> float:
    match name:
        case "learning_rate":
            return trace.learning_rate
        case "updates":
            return trace.learner.stepper.updates + 1
        case "l1" | "l2":
            return float(getattr(trace.settings, name))
        case _:
            return trace.learner.stepper.options[name]


_BUILDERS = {
    Kind.PRODUCT: _product,
    Kind.WEIGHTED_SUM: _sum,
    Kind.ACTIVATION: _activation,
    Kind.DROPOUT: _product,
    Kind.LOSS_SHARE: _loss_share,
    Kind.LOSS: _sum,
    Kind.DROPOUT_GRAD: _sum,
    Kind.ACTIVATION_GRAD: _activation_grad,
    Kind.PRE_ACTIVATION_GRAD: _pre_activation_grad,
    Kind.WEIGHT_GRAD: _product,
    Kind.BIAS_GRAD: _sum,
    Kind.CONTRIBUTION: _product,
    Kind.PARAMETER_GRAD: _parameter_grad,
    Kind.PENALIZED_GRAD: _penalized_grad,
    **dict.fromkeys(TERM_KINDS, _term),
    Kind.UPDATE: _update,
}
