"""The operations inside a neuron as a graph: values forward, gradients backward, and the order of revelation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.elementary import Elementary
from core.numbers import format_number
from core.quantities import Phase, Quantity
from core.trace import Trace

# An operand is an earlier operation, by its index, or a quantity of the trace.
Operand = int | Quantity


class End(StrEnum):
    """What is derived: the loss, or the activation of the neuron itself."""

    LOSS = "loss"
    ACTIVATION = "activation"


@dataclass(frozen=True, slots=True)
class Operation:
    """One elementary operation.

    `slopes` are the local derivatives of the value with respect to each operand. `grad` is the derivative of the
    end with respect to the value, `passed` what goes back to each operand: grad times slope. `quantity` is the
    trace's name for the value where it has one: a product, z or an activation.
    """

    elementary: Elementary
    operands: tuple[Operand, ...]
    value: float
    slopes: tuple[float, ...]
    grad: float
    passed: tuple[float, ...]
    quantity: Quantity | None = None

    @property
    def name(self) -> str:
        """What it does: "negate"."""
        return self.elementary.name

    @property
    def symbol(self) -> str:
        """What stands in its box: "× −1"."""
        return self.elementary.symbol


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the order of revelation: an operation's value, what it passes back to one operand, or a seed.

    `operand` counts the operation's operands; it is None where the operation's own value is revealed, or backward
    the derivative that the passing back begins with. `step` is the trace's quantity whose step it belongs to.
    """

    phase: Phase
    operation: int
    operand: int | None
    step: Quantity


@dataclass(frozen=True, slots=True)
class Revealed:
    """What is known: operations whose value is, those whose gradient is, and what (operation, operand) passes back."""

    values: frozenset[int]
    grads: frozenset[int]
    passed: frozenset[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Operations:
    """The operations inside one neuron, in the order in which they are computed, and the order of revelation.

    `z` and `a` are the indices of the operations that give pre-activation and activation; the same one where the
    activation is linear, None for an input. `seeds` are the operations that the passing back begins with. `indices`
    holds the index of the trace's step of each moment in `sequence`. `note` says what is done differently from the
    formula, and why.
    """

    trace: Trace
    neuron: str
    sample: int
    end: End
    all: tuple[Operation, ...]
    z: int | None
    a: int | None
    seeds: Mapping[int, float]
    sequence: tuple[Moment, ...]
    indices: tuple[int, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, index: int) -> Operation:
        return self.all[index]

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.all)

    def value(self, operand: Operand) -> float:
        """The value of an operand of any operation."""
        return self.all[operand].value if isinstance(operand, int) else self.trace.value(operand)

    def done(self, index: int, operation: int = 0) -> int:
        """How many moments are past after `index` steps of the trace and `operation` moments of the next step."""
        own = operations_of_step(self, index)
        return own.start + min(operation, len(own))

    def revealed(self, done: int) -> Revealed:
        """What is known after `done` moments. A gradient is where everything has come back that it is the sum of."""
        values, begun, passed = set(), set(), set()
        for moment in self.sequence[:done]:
            if moment.phase is Phase.FORWARD:
                values.add(moment.operation)
            elif moment.operand is None:
                begun.add(moment.operation)
            else:
                passed.add((moment.operation, moment.operand))
        waiting = set(self.seeds) - begun
        for index, operation in enumerate(self.all):
            for place, operand in enumerate(operation.operands):
                if isinstance(operand, int) and (index, place) not in passed:
                    waiting.add(operand)
        return Revealed(frozenset(values), frozenset(range(len(self.all))) - waiting, frozenset(passed))

    def slope_formula(self, index: int, place: int) -> tuple[str, str]:
        """The local derivative of an operation by one operand as text: with x and y, and with their numbers."""
        operation = self.all[index]
        text = operation.elementary.derivatives[place].text
        numbers = [_bracketed(format_number(self.value(operand))) for operand in operation.operands]
        return _put_in(text, ["x", "y"]), _put_in(text, numbers)


def _put_in(text: str, operands: list[str]) -> str:
    return text.format(**dict(zip("xy", operands, strict=False)))


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("−") else number


def operations_of_step(operations: Operations, step: int) -> range:
    """The part of `operations.sequence` that belongs to the trace's step of this index; empty where none does."""
    indices = operations.indices
    return range(bisect_left(indices, step), bisect_right(indices, step))
