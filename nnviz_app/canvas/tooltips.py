"""What the canvas says of a part with every digit, where the pointer rests on it."""

from __future__ import annotations

from core.activations import ACTIVATIONS
from core.network import Role
from core.numbers import NOT_COMPUTED, format_exact
from core.quantities import TERM_KINDS, Kind, Quantity
from nnviz_app.canvas.parts import EDGE_PARTS, Part, PartKind
from nnviz_app.canvas.texts import CanvasTexts


def tooltip(texts: CanvasTexts, part: Part) -> str:
    """What a part shows, with every digit; lines of "name = number"."""
    if part.kind is PartKind.LOSS:
        return f"<b>Loss</b><br>{texts.notation.loss} = {_exact(texts, Kind.LOSS)}"
    if part.kind in EDGE_PARTS:
        return _edge_tooltip(texts, part.id)
    return _neuron_tooltip(texts, part.id)


def _exact(texts: CanvasTexts, kind: Kind, subject: str = "") -> str:
    value = texts.player.known(kind, subject)
    return NOT_COMPUTED if value is None else format_exact(value)


def _exact_given(texts: CanvasTexts, neuron_id: str) -> str:
    given, dataset = texts.given(neuron_id), texts.document.project.dataset
    if given is None:
        return NOT_COMPUTED
    if not dataset.scalings_of(neuron_id):
        return format_exact(given)
    return f"{format_exact(given)}, scaled from {format_exact(dataset.value(texts.player.row, neuron_id))}"


def _difference(texts: CanvasTexts, parameter: str) -> list[str]:
    """The line about how much a parameter differs from the comparison's reference; none while nothing is compared."""
    comparison = texts.comparison
    if comparison is None or comparison.reference is None:
        return []
    reference = comparison.reference
    then, difference = reference.values.get(parameter), comparison.differences.get(parameter)
    if then is None or difference is None:
        return [f"not there in {reference.title}"]
    return [f"Δ = {format_exact(difference)} from {format_exact(then)} in {reference.title}"]


def _revealed(texts: CanvasTexts, lines: list[tuple[str, Kind, str]]) -> list[str]:
    """The lines whose quantity some step of this trace reveals."""
    trace = texts.player.trace
    if trace is None:
        return []
    return [
        f"{name} = {_exact(texts, kind, subject)}"
        for name, kind, subject in lines
        if trace.has_step(Quantity(kind, subject))
    ]


def _term_lines(texts: CanvasTexts, parameter: str) -> list[tuple[str, Kind, str]]:
    """What the optimizer computes of a parameter."""
    trace = texts.player.trace
    if trace is None:
        return []
    terms = zip(TERM_KINDS, trace.optimizer.terms, strict=False)
    return [(f"{term.title} {term.symbol}", kind, parameter) for kind, term in terms]


def _edge_tooltip(texts: CanvasTexts, edge_id: str) -> str:
    network = texts.network
    if edge_id not in network.edges:
        return ""
    edge, n = network.edges[edge_id], texts.notation
    tied = f" (shared with {edge.tied_to})" if edge.tied_to else ""
    frozen = " (frozen)" if edge.parameter in network.frozen else ""
    lines = [f"w = {format_exact(network.weight(edge_id))}{tied}{frozen}"]
    lines += _difference(texts, edge.parameter)
    lines += _revealed(
        texts,
        [
            (f"w · {n.activation}", Kind.PRODUCT, edge_id),
            (f"∂{n.loss}/∂w", Kind.WEIGHT_GRAD, edge_id),
            (f"to ∂{n.loss}/∂{n.activation} of {edge.source}", Kind.CONTRIBUTION, edge_id),
            (
                f"{texts.gradient_name()} ∂{n.loss}/∂w",
                Kind.PARAMETER_GRAD,
                edge.parameter,
            ),
            *_term_lines(texts, edge.parameter),
            ("new w", Kind.UPDATE, edge.parameter),
        ],
    )
    return "<br>".join([f"<b>{edge_id}</b>: {edge.source} → {edge.target}", *lines])


def _neuron_tooltip(texts: CanvasTexts, neuron_id: str) -> str:
    network = texts.network
    if neuron_id not in network.neurons:
        return ""
    neuron, n = network.neurons[neuron_id], texts.notation
    delta = "δ = " if n.delta == "delta" else ""
    given = texts.given(neuron_id)
    if neuron.role is Role.INPUT:
        return f"<b>{neuron_id}</b>, input<br>value = {_exact_given(texts, neuron_id)}"
    frozen = " (frozen)" if neuron_id in network.frozen else ""
    lines = [f"b = {format_exact(network.bias(neuron_id))}{frozen}"]
    lines += _difference(texts, neuron_id)
    if neuron.role is Role.OUTPUT and given is not None:
        lines.append(f"target t = {_exact_given(texts, neuron_id)}")
    lines += _revealed(
        texts,
        [
            (n.pre_activation, Kind.WEIGHTED_SUM, neuron_id),
            (n.activation, Kind.ACTIVATION, neuron_id),
            (f"{n.activation} after dropout", Kind.DROPOUT, neuron_id),
            (f"share of {n.loss}", Kind.LOSS_SHARE, neuron_id),
            (f"∂{n.loss}/∂{n.activation}", Kind.ACTIVATION_GRAD, neuron_id),
            (f"{delta}∂{n.loss}/∂{n.pre_activation}", Kind.PRE_ACTIVATION_GRAD, neuron_id),
            (f"∂{n.loss}/∂b", Kind.BIAS_GRAD, neuron_id),
            (f"{texts.gradient_name()} ∂{n.loss}/∂b", Kind.PARAMETER_GRAD, neuron_id),
            *_term_lines(texts, neuron_id),
            ("new b", Kind.UPDATE, neuron_id),
        ],
    )
    title = ACTIVATIONS[neuron.activation].title
    return "<br>".join([f"<b>{neuron_id}</b>, {neuron.role.value}, {title}", *lines])
