"""The vocabulary of a trace: kinds of quantities, phases, sizes of steps, and the step itself."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from msgspec import Struct


class Kind(IntEnum):
    """What a quantity is. Those from INPUT on are revealed by a step; the others are given from the start.

    FORMER_1 and FORMER_2 are what the optimizer remembers of a parameter from the update before; TERM_1 to TERM_5
    what it computes on the way to the new one (core.optimizers names them).
    """

    WEIGHT = 0
    BIAS = 1
    TARGET = 2
    MASK = 3
    FORMER_1 = 4
    FORMER_2 = 5
    INPUT = 6
    PRODUCT = 7
    WEIGHTED_SUM = 8
    ACTIVATION = 9
    DROPOUT = 10
    LOSS_SHARE = 11
    LOSS = 12
    DROPOUT_GRAD = 13
    ACTIVATION_GRAD = 14
    PRE_ACTIVATION_GRAD = 15
    WEIGHT_GRAD = 16
    BIAS_GRAD = 17
    CONTRIBUTION = 18
    PARAMETER_GRAD = 19
    PENALIZED_GRAD = 20
    TERM_1 = 21
    TERM_2 = 22
    TERM_3 = 23
    TERM_4 = 24
    TERM_5 = 25
    UPDATE = 26


FORMER_KINDS = (Kind.FORMER_1, Kind.FORMER_2)
TERM_KINDS = (Kind.TERM_1, Kind.TERM_2, Kind.TERM_3, Kind.TERM_4, Kind.TERM_5)
# Kinds whose subject is an edge; those of the update have a parameter, LOSS nothing, the others a neuron.
EDGE_KINDS = frozenset({Kind.WEIGHT, Kind.PRODUCT, Kind.WEIGHT_GRAD, Kind.CONTRIBUTION})
PARAMETER_KINDS = frozenset({Kind.PARAMETER_GRAD, Kind.PENALIZED_GRAD, *FORMER_KINDS, *TERM_KINDS, Kind.UPDATE})
GIVEN_KINDS = frozenset(kind for kind in Kind if kind < Kind.INPUT)


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
    if kind >= Kind.DROPOUT_GRAD:
        return Phase.BACKWARD
    if kind >= Kind.LOSS_SHARE:
        return Phase.LOSS
    return Phase.FORWARD


class Granularity(StrEnum):
    """How far one press goes. UPDATE and EPOCH end with the trace; going on from there is the player's part.

    OPERATION goes within a step: through the elementary operations of a neuron. The trace's own steps are its TERMs.
    """

    OPERATION = "operation"
    TERM = "term"
    NEURON = "neuron"
    LAYER = "layer"
    PASS = "pass"
    SAMPLE = "sample"
    UPDATE = "update"
    EPOCH = "epoch"


class Quantity(Struct, frozen=True):
    """One number of a trace: dL/dw of edge w5 in the trace's second sample, say.

    `subject` is the id of a neuron, edge or parameter ("" for the loss); `sample` counts within the batch and
    is 0 for weights, biases, parameter gradients and updates, which belong to the batch as a whole.
    """

    kind: Kind
    subject: str = ""
    sample: int = 0


class Step(Struct, frozen=True):
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
