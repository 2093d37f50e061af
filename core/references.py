"""Quantities as short texts, in files and in captions: z(h1), dL/dw(w5), new(b1).

The texts are the same whatever notation a person has chosen; captions show the symbols of that notation.
"""

from __future__ import annotations

import re

from core.errors import ProjectError
from core.network import Network, Role
from core.quantities import EDGE_KINDS, PARAMETER_KINDS, TERM_KINDS, Kind, Quantity

_HEADS = {
    Kind.WEIGHT: "w",
    Kind.BIAS: "b",
    Kind.TARGET: "t",
    Kind.MASK: "m",
    Kind.FORMER_1: "former1",
    Kind.FORMER_2: "former2",
    Kind.INPUT: "x",
    Kind.PRODUCT: "product",
    Kind.WEIGHTED_SUM: "z",
    Kind.ACTIVATION: "a",
    Kind.DROPOUT: "dropped",
    Kind.LOSS_SHARE: "L",
    Kind.LOSS: "L",
    Kind.DROPOUT_GRAD: "dL/ddropped",
    Kind.ACTIVATION_GRAD: "dL/da",
    Kind.PRE_ACTIVATION_GRAD: "dL/dz",
    Kind.WEIGHT_GRAD: "dL/dw",
    Kind.BIAS_GRAD: "dL/db",
    Kind.CONTRIBUTION: "back",
    Kind.PARAMETER_GRAD: "gradient",
    Kind.PENALIZED_GRAD: "penalized",
    **{kind: f"term{place}" for place, kind in enumerate(TERM_KINDS, 1)},
    Kind.UPDATE: "new",
}
_KINDS = {head: kind for kind, head in _HEADS.items()} | {"L": Kind.LOSS_SHARE, "delta": Kind.PRE_ACTIVATION_GRAD}
_REFERENCE = re.compile(r"^([A-Za-z/]+\d?)(?:\((.+?)\))?(?:@(\d{1,9}))?$")
EXAMPLES = "z(h1), a(h1), dL/dw(w5), dL/dz(h1), new(w5) or L"


def reference(quantity: Quantity) -> str:
    """A quantity as text; samples after the first of a batch are counted from 1 after an @."""
    subject = f"({quantity.subject})" if quantity.subject else ""
    sample = f"@{quantity.sample + 1}" if quantity.sample else ""
    return f"{_HEADS[quantity.kind]}{subject}{sample}"


def read_reference(text: str, network: Network) -> Quantity:
    """The quantity of a network that a text names.

    Raises ProjectError when it names no kind of quantity, or none of this network.
    """
    found = _REFERENCE.match(text.strip())
    head, subject, sample = found.groups() if found else ("", None, None)
    kind = _KINDS.get(head)
    if kind is None:
        raise ProjectError(f"“{text.strip()}” names no quantity: write it such as {EXAMPLES}.")
    if kind is Kind.LOSS_SHARE and subject is None:
        kind, subject = Kind.LOSS, ""
    quantity = Quantity(kind, subject or "", max(0, int(sample or 1) - 1))
    _refuse_unknown(quantity, text.strip(), network)
    return quantity


def _refuse_unknown(quantity: Quantity, text: str, network: Network) -> None:
    kind, subject = quantity.kind, quantity.subject
    if kind is Kind.LOSS:
        if network.outputs:
            return
        raise ProjectError(f"“{text}”: the network has no output, so there is no loss.")
    is_edge, neuron = subject in network.edges, network.neurons.get(subject)
    if kind in EDGE_KINDS and not is_edge:
        raise ProjectError(f"“{text}”: the network has no edge called “{subject}”.")
    if kind in PARAMETER_KINDS and not is_edge and neuron is None:
        raise ProjectError(f"“{text}”: the network has no edge or neuron called “{subject}”.")
    if kind in EDGE_KINDS or kind in PARAMETER_KINDS:
        return
    if neuron is None:
        raise ProjectError(f"“{text}”: the network has no neuron called “{subject}”.")
    is_input = neuron.role is Role.INPUT
    if (kind is Kind.INPUT) != is_input and kind not in (Kind.TARGET, Kind.LOSS_SHARE):
        other = f"x({subject})" if is_input else f"a({subject})"
        raise ProjectError(f"“{text}”: {subject} is {'an' if is_input else 'no'} input; its value is {other}.")
    if kind in (Kind.TARGET, Kind.LOSS_SHARE) and neuron.role is not Role.OUTPUT:
        raise ProjectError(f"“{text}”: {subject} is no output.")
