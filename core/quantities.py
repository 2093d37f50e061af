"""The vocabulary of a trace: kinds of quantities, phases, sizes of steps, and the step itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Kind(IntEnum):
    """What a quantity is. Those from INPUT on are revealed by a step; the others are given from the start."""

    WEIGHT = 0
    BIAS = 1
    TARGET = 2
    INPUT = 3
    PRODUCT = 4
    WEIGHTED_SUM = 5
    ACTIVATION = 6
    LOSS_SHARE = 7
    LOSS = 8
    ACTIVATION_GRAD = 9
    PRE_ACTIVATION_GRAD = 10
    WEIGHT_GRAD = 11
    BIAS_GRAD = 12
    CONTRIBUTION = 13
    PARAMETER_GRAD = 14
    UPDATE = 15


# Kinds whose subject is an edge; PARAMETER_GRAD and UPDATE have a parameter, LOSS nothing, the others a neuron.
EDGE_KINDS = frozenset({Kind.WEIGHT, Kind.PRODUCT, Kind.WEIGHT_GRAD, Kind.CONTRIBUTION})
PARAMETER_KINDS = frozenset({Kind.PARAMETER_GRAD, Kind.UPDATE})
GIVEN_KINDS = frozenset({Kind.WEIGHT, Kind.BIAS, Kind.TARGET})


class Phase(StrEnum):
    """The part of a pass that a step belongs to."""

    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    UPDATE = "update"


def phase_of(kind: Kind) -> Phase:
    """The phase in which a quantity of this kind is revealed."""
    if kind >= Kind.PARAMETER_GRAD:
        return Phase.UPDATE
    if kind >= Kind.ACTIVATION_GRAD:
        return Phase.BACKWARD
    if kind >= Kind.LOSS_SHARE:
        return Phase.LOSS
    return Phase.FORWARD


class Granularity(StrEnum):
    """How far one press goes. UPDATE and EPOCH end with the trace; going on from there is the player's part."""

    TERM = "term"
    NEURON = "neuron"
    LAYER = "layer"
    PASS = "pass"
    SAMPLE = "sample"
    UPDATE = "update"
    EPOCH = "epoch"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a trace: dL/dw of edge w5 in the trace's second sample, say.

    `subject` is the id of a neuron, edge or parameter ("" for the loss); `sample` counts within the batch and
    is 0 for weights, biases, parameter gradients and updates, which belong to the batch as a whole.
    """

    kind: Kind
    subject: str = ""
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the quantity that it reveals, its value, and the earlier quantities that it is made of.

    `neuron` is the neuron at work ("" for the loss and for updates of weights), `edge` the edge ("" if none).
    """

    index: int
    quantity: Quantity
    phase: Phase
    value: float
    operands: tuple[Quantity, ...]
    neuron: str
    edge: str

    @property
    def kind(self) -> Kind:
        """What the step reveals."""
        return self.quantity.kind
