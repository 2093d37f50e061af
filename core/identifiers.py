"""Names for quantities that are valid in Python: w5, a_h1, dL_da_h1, delta_o1."""

from __future__ import annotations

import re
import unicodedata

from core.quantities import EDGE_KINDS, FORMER_KINDS, PARAMETER_KINDS, TERM_KINDS, Kind, Quantity
from core.trace import Trace

_FRONTS = {
    Kind.WEIGHT: "",
    Kind.BIAS: "b_",
    Kind.TARGET: "t_",
    Kind.MASK: "m_",
    Kind.INPUT: "a_",
    Kind.PRODUCT: "product_",
    Kind.WEIGHTED_SUM: "z_",
    Kind.ACTIVATION: "a_",
    Kind.DROPOUT: "dropped_",
    Kind.LOSS_SHARE: "L_",
    Kind.DROPOUT_GRAD: "dL_ddropped_",
    Kind.ACTIVATION_GRAD: "dL_da_",
    Kind.PRE_ACTIVATION_GRAD: "delta_",
    Kind.WEIGHT_GRAD: "dL_d",
    Kind.BIAS_GRAD: "dL_db_",
    Kind.CONTRIBUTION: "back_",
    Kind.PARAMETER_GRAD: "gradient_",
    Kind.PENALIZED_GRAD: "penalized_gradient_",
    Kind.UPDATE: "new_",
}


class Identifiers:
    """The identifiers of a trace's quantities: each the same whenever asked for, no two alike.

    They are made of ASCII letters, digits and "_" only, whatever the ids, and are never a keyword, a function or the
    name of a setting. In a batch they name the sample: a_h1_s2 is of the second one.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._found: dict[Quantity, str] = {}
        self._taken: set[str] = set()

    def __getitem__(self, quantity: Quantity) -> str:
        found = self._found.get(quantity)
        if found is None:
            wanted = found = self._wanted(quantity)
            number = 1
            while found in self._taken:
                number += 1
                found = f"{wanted}_{number}"
            self._taken.add(found)
            self._found[quantity] = found
        return found

    def _wanted(self, quantity: Quantity) -> str:
        kind, subject = quantity.kind, quantity.subject
        if kind is Kind.LOSS:
            name = "L"
        elif kind in EDGE_KINDS:
            name = _FRONTS[kind] + _weight(subject)
        elif kind in PARAMETER_KINDS:
            is_weight = subject in self._trace.network.edges
            name = self._front(kind) + (_weight(subject) if is_weight else f"b_{_ascii(subject)}")
        else:
            name = _FRONTS[kind] + _ascii(subject)
        return f"{name}_s{quantity.sample + 1}" if is_of_sample(kind) and self._trace.batch > 1 else name

    def _front(self, kind: Kind) -> str:
        optimizer = self._trace.optimizer
        if kind in TERM_KINDS:
            return f"{optimizer.terms[TERM_KINDS.index(kind)].name}_"
        if kind in FORMER_KINDS:
            return f"old_{optimizer.slots[FORMER_KINDS.index(kind)]}_"
        return _FRONTS[kind]


def is_of_sample(kind: Kind) -> bool:
    """Whether each sample of a batch has its own quantity of this kind."""
    return kind not in PARAMETER_KINDS and kind not in (Kind.WEIGHT, Kind.BIAS)


def _weight(edge: str) -> str:
    return edge if re.fullmatch(r"w[0-9]+", edge) else f"w_{_ascii(edge)}"


def _ascii(subject: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else _letter(c) for c in subject)


def _letter(character: str) -> str:
    """The name of a Greek letter, else "_"."""
    words = unicodedata.name(character, "").split()
    return words[3].lower() if words[:1] == ["GREEK"] and len(words) == 4 else "_"
