"""A neuron opened into its elementary operations: each with its value, its local derivatives and its gradient.

The graph goes from the products of the incoming edges over the sum and the bias to the activation, which is taken
apart (core.chains). What is a quantity of the trace has the trace's value; only what lies between is computed here.
Backward each operation passes its gradient on to its operands, times the local derivative: the chain rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.chains import CHAINS
from core.elementary import ADD, DIVIDE, EXP, MULTIPLY, PASS_ON, Elementary, shift
from core.network import Role
from core.numbers import format_number
from core.operation_graph import End, Moment, Operand, Operation, Operations
from core.quantities import Kind, Phase, Quantity
from core.trace import Trace

# With larger pre-activations a softmax's sum of exponentials, or its square, leaves the range of float64.
LARGE_SOFTMAX = 100.0
# Nearer to 0 or 1 an activation lacks the digits that dL/da of a cross-entropy needs.
SATURATED = 1e-6


def neuron_operations(trace: Trace, neuron: str, sample: int = 0, *, end: End = End.LOSS) -> Operations:
    """The operations inside a neuron in one sample of the trace; for an input there is none.

    The gradient of the loss begins with the trace's dL/da. Where the trace has none, as the loss gives dL/dz at
    once (sigmoid with binary cross-entropy, softmax with cross-entropy), it begins with the loss's own dL/da. As
    that is infinite at an activation of 0 or 1, which are kept 1e-12 away from these as in the loss itself, the
    operations of a saturated neuron then do not lead to the trace's dL/dz; it is shown all the same, and `note`
    says so. A softmax's operations are those of the whole group, since they all share one sum.
    """
    return _open(trace, neuron, sample, end)


# A player and a panel ask for the same again and again.
@lru_cache(maxsize=2)
def _open(trace: Trace, neuron: str, sample: int, end: End) -> Operations:
    if trace.network.neurons[neuron].role is Role.INPUT:
        return Operations(trace, neuron, sample, end, (), None, None, {}, (), (), "An input is passed on as it is.")
    return _Opening(trace, neuron, sample, end).operations()


@dataclass(slots=True)
class _Box:
    """An operation before its gradient is known. `forward` and `backward` are the steps that it belongs to."""

    elementary: Elementary
    operands: tuple[Operand, ...]
    value: float
    slopes: tuple[float, ...]
    quantity: Quantity | None
    forward: Quantity
    backward: Quantity


class _Opening:
    """The operations of one neuron being put together."""

    def __init__(self, trace: Trace, neuron: str, sample: int, end: End) -> None:
        self.trace, self.neuron, self.sample, self.end = trace, neuron, sample, end
        self.activation = trace.network.neurons[neuron].activation
        self.edges = [edge.id for edge in trace.network.incoming(neuron)]
        # The neurons whose activations come out of these operations, in drawing order.
        self.members = [neuron]
        if self.activation == "softmax":
            self.members = [n.id for n in trace.network.outputs if n.activation == "softmax"]
        self.boxes: list[_Box] = []
        self.notes: list[str] = []
        # What the operations to come belong to: here to the sum.
        self.forward = self.quantity(Kind.WEIGHTED_SUM)
        self.backward = self.quantity(Kind.BIAS_GRAD)

    def quantity(self, kind: Kind, subject: str = "") -> Quantity:
        """A quantity of this sample, of the neuron itself if of no other subject."""
        return Quantity(kind, subject or self.neuron, self.sample)

    def operations(self) -> Operations:
        """All operations with their gradients."""
        with np.errstate(all="ignore"):
            self.z = self._add_up()
            self.activations = self._activate()
            self._rename_activations()
            self.seeds = self._begin()
            finished = self._pass_back()
        moments = [*self._forward_moments(), *self._backward_moments()]
        placed = [(self.trace.index_of(moment.step), moment) for moment in moments]
        placed = sorted((entry for entry in placed if entry[0] >= 0), key=lambda entry: entry[0])
        return Operations(
            trace=self.trace,
            neuron=self.neuron,
            sample=self.sample,
            end=self.end,
            all=tuple(finished),
            z=self.z,
            a=self.activations[self.neuron],
            seeds=self.seeds,
            sequence=tuple(moment for _, moment in placed),
            indices=tuple(index for index, _ in placed),
            note=" ".join(self.notes),
        )

    # Forward

    def apply(
        self,
        elementary: Elementary,
        *operands: Operand,
        value: float | None = None,
        quantity: Quantity | None = None,
    ) -> int:
        """Add an operation. Its value is the trace's where it is a quantity, else `value`, else it is computed."""
        numbers = [self.value(operand) for operand in operands]
        if quantity is not None:
            value = self.trace.value(quantity)
        elif value is None:
            value = float(elementary.function(*numbers))
        slopes = tuple(float(d.slope(*numbers, value)) for d in elementary.derivatives)
        self.boxes.append(_Box(elementary, operands, value, slopes, quantity, self.forward, self.backward))
        return len(self.boxes) - 1

    def value(self, operand: Operand) -> np.float64:
        """The value of an operand; of numpy's kind, which overflows to infinity."""
        return np.float64(self.boxes[operand].value if isinstance(operand, int) else self.trace.value(operand))

    def _add_up(self) -> int:
        """The products and their sum with the bias; gives the operation that makes z."""
        products = []
        for edge in self.edges:
            product = self.quantity(Kind.PRODUCT, edge)
            products.append(self.apply(MULTIPLY, *self.trace.operands(product), quantity=product))
            self.boxes[-1].forward = product
            if self.end is End.LOSS:
                # Where an update comes within the backward pass, the edge passes back by its new weight.
                back = self.trace.operands(self.quantity(Kind.CONTRIBUTION, edge))[0]
                self.boxes[-1].slopes = (self.boxes[-1].slopes[0], self.trace.value(back))
        bias, z = Quantity(Kind.BIAS, self.neuron), self.quantity(Kind.WEIGHTED_SUM)
        if not products:
            return self.apply(PASS_ON, bias, quantity=z)
        total = products[0]
        for term in products[1:]:
            total = self.apply(ADD, total, term)
        return self.apply(ADD, total, bias, quantity=z)

    def _activate(self) -> dict[str, int]:
        """The operations of the activation; gives those that make the activation of each member."""
        self.forward = self.quantity(Kind.ACTIVATION, self._first(Kind.ACTIVATION))
        self.backward = self.quantity(Kind.PRE_ACTIVATION_GRAD, self._first(Kind.PRE_ACTIVATION_GRAD))
        if self.activation == "softmax":
            return self._softmax()
        return {self.neuron: CHAINS[self.activation](self, self.z)}

    def _first(self, kind: Kind) -> str:
        """The member whose step comes first: what is common to all belongs to that."""
        return min(self.members, key=lambda member: self.trace.index_of(self.quantity(kind, member)))

    def _softmax(self) -> dict[str, int]:
        shared_forward, shared_backward = self.forward, self.backward
        powers: dict[str, int] = {}
        largest = max(self.trace.value(self.quantity(Kind.WEIGHTED_SUM, member)) for member in self.members)
        for member in self.members:
            self.backward = self.quantity(Kind.PRE_ACTIVATION_GRAD, member)
            power: Operand = self.z if member == self.neuron else self.quantity(Kind.WEIGHTED_SUM, member)
            if abs(largest) > LARGE_SOFTMAX:
                sign = "+" if largest < 0 else "−"
                symbol = f"{sign} {format_number(abs(largest))}"
                power = self.apply(shift(-largest, "subtract the largest", symbol), power)
            powers[member] = self.apply(EXP, power)
        if abs(largest) > LARGE_SOFTMAX:
            self.notes.append(
                "The largest z is subtracted from all first, as the exponentials would be too large or too small; "
                "it cancels in the quotient."
            )
        self.backward = shared_backward
        total, *others = powers.values()
        for other in others:
            total = self.apply(ADD, total, other)
        found = {}
        for member in self.members:
            self.forward = self.quantity(Kind.ACTIVATION, member)
            found[member] = self.apply(DIVIDE, powers[member], total)
        self.forward = shared_forward
        return found

    def _rename_activations(self) -> None:
        """What comes out is the trace's activation, to the last digit."""
        for member, index in self.activations.items():
            if index != self.z:
                activation = self.quantity(Kind.ACTIVATION, member)
                self.boxes[index].quantity, self.boxes[index].value = activation, self.trace.value(activation)

    # Backward

    def _begin(self) -> dict[int, float]:
        """The derivative of the end with respect to the activation of each member."""
        if self.end is End.ACTIVATION:
            return {index: float(member == self.neuron) for member, index in self.activations.items()}
        joint = [member for member in self.members if member in self.trace.schedule.joint]
        if joint:
            self._note_joint(joint)
        return {index: self._activation_grad(member) for member, index in self.activations.items()}

    def _activation_grad(self, member: str) -> float:
        trace, schedule = self.trace, self.trace.schedule
        grad = 0.0
        if schedule.has_activation_grad(member):
            grad = trace.value(self.quantity(Kind.ACTIVATION_GRAD, member))
        if member in schedule.joint:
            a, t = (np.array([[trace.value(self.quantity(k, member))]]) for k in (Kind.ACTIVATION, Kind.TARGET))
            loss = trace.engine.loss
            grad += float(loss.grad(a, t)[0, 0]) / (len(trace.network.outputs) if loss.mean else 1)
        return grad

    def _note_joint(self, joint: list[str]) -> None:
        self.notes.append(
            "The trace takes ∂L/∂z from the loss at once; here the loss is derived by the activation first."
        )
        values = [self.trace.value(self.quantity(Kind.ACTIVATION, member)) for member in joint]
        # A softmax of one is 1 whatever happens.
        if any(min(a, 1.0 - a) < SATURATED for a in values):
            self.notes.append(
                "An activation is so near to 0 or 1 that this derivative has no exact digits, or no end: ∂L/∂z is "
                "the trace's, which does not need it."
            )

    def _pass_back(self) -> list[Operation]:
        grads = [0.0] * len(self.boxes)
        for index, seed in self.seeds.items():
            grads[index] = seed
        finished = []
        for index in range(len(self.boxes) - 1, -1, -1):
            box = self.boxes[index]
            if index == self.z and self.end is End.LOSS:
                grads[index] = self.trace.value(self.quantity(Kind.PRE_ACTIVATION_GRAD))
            grad = grads[index]
            passed = tuple(
                self._passed(grad, slope, operand, box) for slope, operand in zip(box.slopes, box.operands, strict=True)
            )
            for amount, operand in zip(passed, box.operands, strict=True):
                if isinstance(operand, int):
                    grads[operand] += amount
            finished.append(Operation(box.elementary, box.operands, box.value, box.slopes, grad, passed, box.quantity))
        return finished[::-1]

    def _passed(self, grad: float, slope: float, operand: Operand, box: _Box) -> float:
        if self.end is End.LOSS and isinstance(operand, Quantity):
            return self.trace.value(self._grad_of(operand, box))
        # No gradient stays none, also where a slope is beyond all numbers.
        return grad * slope if grad and slope else 0.0

    def _grad_of(self, operand: Quantity, box: _Box) -> Quantity:
        """The trace's name for what an operand from outside gets back."""
        match operand.kind:
            case Kind.BIAS:
                return self.quantity(Kind.BIAS_GRAD)
            case Kind.WEIGHTED_SUM:
                return self.quantity(Kind.PRE_ACTIVATION_GRAD, operand.subject)
        assert box.quantity is not None
        kind = Kind.WEIGHT_GRAD if operand.kind is Kind.WEIGHT else Kind.CONTRIBUTION
        return self.quantity(kind, box.quantity.subject)

    # The order of revelation

    def _forward_moments(self) -> Iterator[Moment]:
        for index, box in enumerate(self.boxes):
            yield Moment(Phase.FORWARD, index, None, box.forward)

    def _backward_moments(self) -> Iterator[Moment]:
        for member, index in self.activations.items():
            step = self.quantity(Kind.ACTIVATION_GRAD, member)
            if index == self.z or not self.trace.schedule.has_activation_grad(member):
                step = self.quantity(Kind.PRE_ACTIVATION_GRAD, self._first(Kind.PRE_ACTIVATION_GRAD))
            yield Moment(Phase.BACKWARD, index, None, step)
        for index in range(len(self.boxes) - 1, self.z, -1):
            for place in range(len(self.boxes[index].operands)):
                yield Moment(Phase.BACKWARD, index, place, self.boxes[index].backward)
        yield from self._moments_of_sum()

    def _moments_of_sum(self) -> Iterator[Moment]:
        """Through the sums to the products, from there to weights and activations: when the trace's step does."""
        count = len(self.edges)
        bias = self.quantity(Kind.BIAS_GRAD)
        for k, edge in enumerate(self.edges):
            step = self.quantity(Kind.WEIGHT_GRAD, edge)
            if k == 0:
                # The sum of the products, then that of all but the last, down to the first product.
                for index in range(self.z, count - 1, -1):
                    yield Moment(Phase.BACKWARD, index, 0, step)
            else:
                yield Moment(Phase.BACKWARD, count + k - 1, 1, step)
            yield Moment(Phase.BACKWARD, k, 0, step)
        yield Moment(Phase.BACKWARD, self.z, 1 if count else 0, bias)
        for k, edge in enumerate(self.edges):
            yield Moment(Phase.BACKWARD, k, 1, self.quantity(Kind.CONTRIBUTION, edge))
