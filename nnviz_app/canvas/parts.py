"""What can be pointed at on the canvas, and which parts a step of the trace is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QRectF

from core.network import Network, Role
from core.quantities import PARAMETER_KINDS, Kind, Phase, Quantity, Step, phase_of
from core.trace import Trace


class PartKind(StrEnum):
    """What a part of the canvas is. The id that goes with it is a neuron's, an edge's, or "" for the loss."""

    NEURON = "neuron"
    # A neuron's outline, from which edges are drawn.
    RIM = "rim"
    NAME = "name"
    # The number inside a neuron: an input's value, or the activation.
    VALUE = "value"
    PRE_ACTIVATION = "pre-activation"
    BIAS = "bias"
    BIAS_GRADIENT = "bias gradient"
    # dL/da and dL/dz, above a neuron.
    ACTIVATION_GRADIENT = "activation gradient"
    DELTA = "delta"
    TARGET = "target"
    SHARE = "loss share"
    EDGE = "edge"
    WEIGHT = "weight"
    # The lower number of an edge's label: its product, gradient, contribution or new weight.
    GRADIENT = "gradient"
    LOSS = "loss"


EDGE_PARTS = frozenset({PartKind.EDGE, PartKind.WEIGHT, PartKind.GRADIENT})


@dataclass(frozen=True)
class Part:
    """One part of the canvas: what it is, whose it is, and where it stands in the scene."""

    kind: PartKind
    id: str
    rect: QRectF

    @property
    def is_of_edge(self) -> bool:
        """Whether `id` is an edge's."""
        return self.kind in EDGE_PARTS

    @property
    def is_of_neuron(self) -> bool:
        """Whether `id` is a neuron's."""
        return not self.is_of_edge and self.kind is not PartKind.LOSS


Name = tuple[PartKind, str]

_PART_OF_KIND = {
    Kind.WEIGHT: PartKind.WEIGHT,
    Kind.BIAS: PartKind.BIAS,
    Kind.TARGET: PartKind.TARGET,
    Kind.MASK: PartKind.VALUE,
    Kind.INPUT: PartKind.VALUE,
    Kind.PRODUCT: PartKind.GRADIENT,
    Kind.WEIGHTED_SUM: PartKind.PRE_ACTIVATION,
    Kind.ACTIVATION: PartKind.VALUE,
    Kind.DROPOUT: PartKind.VALUE,
    Kind.LOSS_SHARE: PartKind.SHARE,
    Kind.LOSS: PartKind.LOSS,
    Kind.DROPOUT_GRAD: PartKind.ACTIVATION_GRADIENT,
    Kind.ACTIVATION_GRAD: PartKind.ACTIVATION_GRADIENT,
    Kind.PRE_ACTIVATION_GRAD: PartKind.DELTA,
    Kind.WEIGHT_GRAD: PartKind.GRADIENT,
    Kind.BIAS_GRAD: PartKind.BIAS_GRADIENT,
    Kind.CONTRIBUTION: PartKind.GRADIENT,
}


def parts_of(quantity: Quantity, network: Network) -> list[Name]:
    """Where a quantity is shown; a weight that edges share is shown on each of them."""
    kind, subject = quantity.kind, quantity.subject
    if kind not in PARAMETER_KINDS:
        return [(_PART_OF_KIND[kind], subject)]
    # What the optimizer computes on the way stands where the gradient stood.
    is_gradient = kind is not Kind.UPDATE
    if subject in network.neurons:
        return [(PartKind.BIAS_GRADIENT if is_gradient else PartKind.BIAS, subject)]
    part = PartKind.GRADIENT if is_gradient else PartKind.WEIGHT
    return [(part, edge.id) for edge in network.edges_of_parameter(subject)]


@dataclass(frozen=True)
class Focus:
    """The parts that a step is about: those at work, and its operands.

    `active` are the numbers that the step reveals, `operands` those that it is made of. `edges` carry an arrow
    where they are in `arrows`, from target to source if `is_backward`. `curves` are the outputs whose lines to
    the loss take part. `dims`: all that does not take part is paler. `is_unit`: it is about several steps.
    """

    kind: Kind | None = None
    is_backward: bool = False
    dims: bool = False
    is_unit: bool = False
    active: frozenset[Name] = frozenset()
    operands: frozenset[Name] = frozenset()
    active_neurons: frozenset[str] = frozenset()
    operand_neurons: frozenset[str] = frozenset()
    near_neurons: frozenset[str] = frozenset()
    active_edges: frozenset[str] = frozenset()
    operand_edges: frozenset[str] = frozenset()
    arrows: frozenset[str] = frozenset()
    curves: frozenset[str] = frozenset()

    @property
    def hue(self) -> str:
        """The name of the palette's colour for this phase."""
        return "backward" if self.is_backward else "forward"

    def is_lit(self, neuron_id: str) -> bool:
        """Whether a neuron is not to be dimmed."""
        return (
            not self.dims
            or neuron_id in self.active_neurons
            or neuron_id in self.operand_neurons
            or neuron_id in self.near_neurons
        )

    def lights(self, kind: PartKind, part_id: str) -> bool:
        """Whether a number takes part in the step."""
        return (kind, part_id) in self.active or (kind, part_id) in self.operands


# Steps that gather what came along several edges: these edges carry arrows too.
_GATHERING = frozenset({Kind.WEIGHTED_SUM, Kind.ACTIVATION_GRAD, Kind.DROPOUT_GRAD})
_OF_EDGE = frozenset({PartKind.WEIGHT, PartKind.GRADIENT})


def focus_of(step: Step | None, network: Network, *, dims: bool = True) -> Focus:
    """The parts that this step is about; no part for no step."""
    if step is None:
        return Focus()
    active = frozenset(parts_of(step.quantity, network))
    operands = frozenset(name for operand in step.operands for name in parts_of(operand, network)) - active
    active_edges = _ids(active, edges=True)
    operand_edges = _ids(operands, edges=True) - active_edges
    active_neurons = _ids(active, edges=False)
    flows = step.kind in (Kind.PRODUCT, Kind.WEIGHT_GRAD, Kind.CONTRIBUTION)
    arrows = active_edges if flows else operand_edges if step.kind in _GATHERING else frozenset()
    ends = {end for e in active_edges for end in (network.edges[e].source, network.edges[e].target)}
    curves: frozenset[str] = frozenset()
    if step.kind is Kind.LOSS:
        curves = frozenset(neuron.id for neuron in network.outputs)
    elif step.kind in (Kind.LOSS_SHARE, Kind.ACTIVATION_GRAD) and network.neurons[step.neuron].role is Role.OUTPUT:
        curves = frozenset({step.neuron})
    return Focus(
        kind=step.kind,
        is_backward=step.phase in (Phase.BACKWARD, Phase.UPDATE),
        dims=dims,
        active=active,
        operands=operands,
        active_neurons=active_neurons,
        operand_neurons=_ids(operands, edges=False) - active_neurons,
        near_neurons=frozenset(ends),
        active_edges=active_edges,
        operand_edges=operand_edges,
        arrows=arrows,
        curves=curves,
    )


def focus_of_quantity(trace: Trace, quantity: Quantity) -> Focus:
    """The parts that a number which was asked about is about, as if its step had just been done."""
    subject = quantity.subject
    step = Step(
        index=max(0, trace.index_of(quantity)),
        quantity=quantity,
        phase=phase_of(quantity.kind),
        value=trace.value(quantity),
        operands=trace.operands(quantity),
        neuron=subject if subject in trace.network.neurons else "",
        edge=subject if subject in trace.network.edges else "",
    )
    return focus_of(step, trace.network)


def with_pointed(focus: Focus, quantity: Quantity, network: Network) -> Focus:
    """The same focus, with what is pointed at in a formula or a list lit too."""
    names = frozenset(parts_of(quantity, network))
    return replace(
        focus,
        operands=focus.operands | names,
        operand_neurons=focus.operand_neurons | (_ids(names, edges=False) - focus.active_neurons),
        operand_edges=focus.operand_edges | (_ids(names, edges=True) - focus.active_edges),
    )


def focus_of_path(path: Sequence[str], network: Network) -> Focus:
    """The edges of a path towards the loss, with their neurons; all else is paler."""
    edges = [network.edges[edge] for edge in path if edge in network.edges]
    neurons = frozenset(end for edge in edges for end in (edge.source, edge.target))
    last = {edge.target for edge in edges[-1:]}
    return Focus(
        dims=True,
        active=frozenset((PartKind.WEIGHT, edge.id) for edge in edges),
        operand_neurons=neurons,
        active_edges=frozenset(edge.id for edge in edges),
        arrows=frozenset(edge.id for edge in edges),
        curves=frozenset(last & {neuron.id for neuron in network.outputs}),
    )


def with_highlighted(focus: Focus, ids: frozenset[str], network: Network) -> Focus:
    """The same focus, with these neurons and edges at work too."""
    if not ids:
        return focus
    return replace(
        focus,
        active_neurons=focus.active_neurons | {i for i in ids if i in network.neurons},
        active_edges=focus.active_edges | {i for i in ids if i in network.edges},
    )


def focus_of_unit(steps: Sequence[Step], network: Network, *, dims: bool = True) -> Focus:
    """The parts of the steps that one press has made: of a neuron or a layer all of them are at work."""
    if len(steps) < 2:
        return focus_of(steps[-1] if steps else None, network, dims=dims)
    parts = [focus_of(step, network, dims=dims) for step in steps]

    def union(name: str) -> frozenset[Any]:
        return frozenset().union(*(getattr(part, name) for part in parts))

    active, active_neurons, active_edges = union("active"), union("active_neurons"), union("active_edges")
    return replace(
        parts[-1],
        is_unit=True,
        active=active,
        operands=union("operands") - active,
        active_neurons=active_neurons,
        operand_neurons=union("operand_neurons") - active_neurons,
        near_neurons=union("near_neurons"),
        active_edges=active_edges,
        operand_edges=union("operand_edges") - active_edges,
        arrows=union("arrows"),
        curves=union("curves"),
    )


def _ids(names: Iterable[Name], *, edges: bool) -> frozenset[str]:
    return frozenset(i for kind, i in names if i and (kind in _OF_EDGE) is edges)
