"""What the inspector says about a neuron or an edge: the numbers of the sample on show, as far as revealed."""

from __future__ import annotations

from dataclasses import dataclass

from core.network import Role
from core.notation import Names
from core.numbers import NOT_COMPUTED, format_exact
from core.quantities import FORMER_KINDS, PARAMETER_KINDS, TERM_KINDS, Kind, Phase, Quantity, phase_of
from core.style import Notation
from core.trace import Trace
from nnviz_app.player import Player

JOINT_NOTE = "not needed: the loss gives {} directly"
FROZEN_NOTE = "frozen: stays as it is"
FIXED_BIAS_NOTE = "biases take no part in updates"
NO_OUTPUT_NOTE = "no output neuron, so no loss"


@dataclass(frozen=True)
class Reading:
    """One number on show: how it is labelled, what it is in words, and its value once it is revealed.

    `note` stands where the number would when there never is one. `color` and `tint` name palette colours. `quantity`
    is what it is the number of, for those who ask why.
    """

    label: str
    meaning: str
    value: float | None = None
    note: str = ""
    color: str = "text"
    tint: str = ""
    quantity: Quantity | None = None

    @property
    def text(self) -> str:
        """What is shown: every digit, the note, or the sign for what is not computed yet."""
        if self.value is not None:
            return format_exact(self.value)
        return self.note or NOT_COMPUTED

    @property
    def raw(self) -> str:
        """The number as Python reads it; "" when it is not known."""
        return "" if self.value is None else repr(float(self.value))


def phase_name(phase: Phase) -> str:
    """The hue of a phase: forward and loss share one, backward and update the other."""
    return "forward" if phase in (Phase.FORWARD, Phase.LOSS) else "backward"


def neuron_readings(player: Player, neuron_id: str, notation: Notation) -> list[Reading]:
    """The numbers of a neuron in the order in which they are computed."""
    network = player.document.project.network
    names = Names(network, notation)
    z, a = notation.pre_activation, notation.activation
    neuron = network.neurons[neuron_id]
    if neuron.role is Role.INPUT:
        return [_reading(player, a, f"The activation of {neuron_id}: the value that is typed", Kind.INPUT, neuron_id)]
    rows = [
        _reading(player, z, f"The pre-activation of {neuron_id}", Kind.WEIGHTED_SUM, neuron_id),
        _reading(player, a, f"The activation of {neuron_id}", Kind.ACTIVATION, neuron_id),
    ]
    if neuron.role is Role.OUTPUT:
        rows.append(_reading(player, "loss share", f"What {neuron_id} adds to the loss", Kind.LOSS_SHARE, neuron_id))
    trace = player.trace
    if trace is not None and trace.has_step(Quantity(Kind.DROPOUT, neuron_id)):
        mask = _reading(player, "mask m", "0: left out of this sample; else 1 / (1 − p)", Kind.MASK, neuron_id)
        label = f"{notation.dropped} = m · {a}"
        after = _reading(player, label, "The activation after dropout, which is passed on", Kind.DROPOUT, neuron_id)
        rows += [mask, after]
    joint = trace is not None and network.outputs and not trace.schedule.has_activation_grad(neuron_id)
    if trace is not None and trace.has_step(Quantity(Kind.DROPOUT_GRAD, neuron_id)):
        meaning = "The gradient of the loss with respect to the activation after dropout"
        rows.append(_reading(player, names.derivative(notation.dropped), meaning, Kind.DROPOUT_GRAD, neuron_id))
    slope = names.derivative(z)
    rows += [
        _reading(
            player,
            names.derivative(a),
            f"The gradient of the loss with respect to the activation of {neuron_id}",
            Kind.ACTIVATION_GRAD,
            neuron_id,
            note=JOINT_NOTE.format(notation.delta_word) if joint else "",
        ),
        _reading(
            player,
            slope if notation.delta_word == slope else f"{notation.delta_word} = {slope}",
            f"The gradient of the loss with respect to the pre-activation of {neuron_id}: its delta",
            Kind.PRE_ACTIVATION_GRAD,
            neuron_id,
        ),
        _reading(
            player,
            names.derivative("b"),
            f"The gradient of the loss with respect to the bias of {neuron_id}",
            Kind.BIAS_GRAD,
            neuron_id,
        ),
    ]
    return rows + _parameter_readings(player, trace, neuron_id, names=names, symbol="b", word="bias")


def edge_readings(player: Player, edge_id: str, notation: Notation) -> list[Reading]:
    """The numbers of an edge in the order in which they are computed."""
    network = player.document.project.network
    names, edge = Names(network, notation), network.edges[edge_id]
    a, delta = notation.activation, notation.delta_word
    rows = [
        _reading(player, f"w · {a}", f"The weight times the activation of {edge.source}", Kind.PRODUCT, edge_id),
        _reading(
            player,
            names.derivative("w"),
            f"The gradient of the loss with respect to {edge_id}: {delta} of {edge.target} times {a} of {edge.source}",
            Kind.WEIGHT_GRAD,
            edge_id,
        ),
    ]
    if network.neurons[edge.source].role is not Role.INPUT:
        rows.append(
            _reading(
                player,
                f"w · {delta}",
                f"What {edge_id} contributes to {names.derivative(a)} of {edge.source}: "
                f"the weight times {delta} of {edge.target}",
                Kind.CONTRIBUTION,
                edge_id,
            )
        )
    return rows + _parameter_readings(player, player.trace, edge.parameter, names=names, symbol="w", word="weight")


def summary_readings(player: Player, notation: Notation) -> list[Reading]:
    """The loss of the sample on show and, of a batch, the whole batch's once it is complete."""
    network = player.document.project.network
    note = "" if network.outputs else NO_OUTPUT_NOTE
    return [_reading(player, f"loss {notation.loss}", "The loss of the sample on show", Kind.LOSS, "", note=note)]


def _parameter_readings(
    player: Player, trace: Trace | None, parameter: str, *, names: Names, symbol: str, word: str
) -> list[Reading]:
    project, derivative = player.document.project, names.derivative(symbol)
    rows = []
    if trace is not None and trace.has_step(Quantity(Kind.PARAMETER_GRAD, parameter)):
        if trace.batch == 1:
            label, meaning = f"Σ {derivative}", "The gradients of all edges that share this weight, added"
        elif project.settings.batch_mean:
            label, meaning = f"mean {derivative}", f"The gradient of the {word}, averaged over the batch"
        else:
            label, meaning = f"Σ {derivative}", f"The gradient of the {word}, added over the batch"
        rows.append(_reading(player, label, meaning, Kind.PARAMETER_GRAD, parameter))
    if trace is not None:
        rows += _optimizer_readings(player, trace, parameter, word)
    note = ""
    if parameter in project.network.frozen:
        note = FROZEN_NOTE
    elif word == "bias" and not project.settings.update_biases:
        note = FIXED_BIAS_NOTE
    elif not project.network.outputs:
        note = NO_OUTPUT_NOTE
    rows.append(_reading(player, f"new {symbol}", f"The {word} after the update", Kind.UPDATE, parameter, note=note))
    return rows


def _optimizer_readings(player: Player, trace: Trace, parameter: str, word: str) -> list[Reading]:
    """What the penalty and the optimizer compute of a parameter, with what was remembered of it."""
    rows = []
    if trace.has_step(Quantity(Kind.PENALIZED_GRAD, parameter)):
        meaning = f"The gradient of the {word} with the penalty on its size"
        rows.append(_reading(player, "g", meaning, Kind.PENALIZED_GRAD, parameter))
    for place, term in enumerate(trace.optimizer.terms):
        kind = TERM_KINDS[place]
        if not trace.has_step(Quantity(kind, parameter)):
            continue
        if term.name in trace.optimizer.slots:
            former = FORMER_KINDS[trace.optimizer.slots.index(term.name)]
            rows.append(_reading(player, f"old {term.symbol}", f"The {term.title} so far", former, parameter))
        meaning = f"The {term.title} of the {word}, by {trace.optimizer.title}"
        rows.append(_reading(player, term.symbol, meaning, kind, parameter))
    return rows


def _reading(player: Player, label: str, meaning: str, kind: Kind, subject: str, *, note: str = "") -> Reading:
    name = phase_name(phase_of(kind))
    step = player.step
    current = step is not None and step.kind is kind and step.quantity.subject == subject
    return Reading(
        label,
        meaning,
        None if note else player.known(kind, subject),
        note=note,
        color="text" if name == "forward" else "backward",
        tint=f"{name}_tint" if current else "",
        quantity=None if note else Quantity(kind, subject, 0 if kind in PARAMETER_KINDS else player.sample),
    )
