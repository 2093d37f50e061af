"""The order in which a pass reveals its quantities: a few flat arrays over kinds and subjects."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.network import Network, Role
from core.quantities import EDGE_KINDS, PARAMETER_KINDS, TERM_KINDS, Kind


@dataclass(frozen=True, slots=True)
class Tail:
    """What follows a batch's last sample: nothing where it is not trained with, else the update.

    `sums`: the gradient is a sum or mean over several samples. `penalized`: weights have a penalty. `terms`: which
    of the optimizer's terms come before the new parameter: for each whether only weights have it. `early`: a neuron's
    weights and bias are updated before something is passed back through them, so not after the sample but in it.
    """

    update_biases: bool = True
    sums: bool = False
    penalized: bool = False
    terms: tuple[bool, ...] = ()
    early: bool = False


class Schedule:
    """The order of the steps of one sample's passes, and of the steps after a batch's last sample.

    `dropped`: the neurons with dropout, where it takes part.
    """

    def __init__(
        self,
        network: Network,
        *,
        joint: frozenset[str],
        tail: Tail | None = Tail(),
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        self.network = network
        self.joint = joint
        self.dropped = dropped
        self.key = (joint, tail, dropped)
        self.neuron_ids = list(network.neurons)
        self.edge_ids = list(network.edges)
        # In drawing order, which `network.values` need not have: untying a weight moves it to the end, say.
        biases = [neuron_id for neuron_id in self.neuron_ids if network.has_bias(neuron_id)]
        self.parameter_ids = biases + [e.id for e in network.edges.values() if e.tied_to is None]
        # The edges that share a weight, by its parameter; of others none.
        self.sharing: dict[str, list[str]] = {e.tied_to: [] for e in network.edges.values() if e.tied_to is not None}
        if self.sharing:
            for edge in network.edges.values():
                if edge.parameter in self.sharing:
                    self.sharing[edge.parameter].append(edge.id)
        self._place = {
            **{n: i for i, n in enumerate(self.neuron_ids)},
            **{e: i for i, e in enumerate(self.edge_ids)},
        }
        self._parameter_place = {p: i for i, p in enumerate(self.parameter_ids)}
        self.levels = network.levels()
        self.kinds = array("b")
        self.subjects = array("l")
        self.units = array("l")
        self.level_units = array("l")
        self._unit = 0
        self._level = 0
        self._tail = tail
        # The parameters that are updated within the sample.
        self._updated: set[str] = set()
        self._add_sample()
        self.sample_length = len(self.kinds)
        if tail is not None:
            self._add_update(tail)
        self.tail_length = len(self.kinds) - self.sample_length
        self._positions = self._invert()

    def _add(self, kind: Kind, subject: str) -> None:
        self.kinds.append(kind)
        places = self._parameter_place if kind in PARAMETER_KINDS else self._place
        self.subjects.append(places[subject] if subject else 0)
        self.units.append(self._unit)
        self.level_units.append(self._level)

    def _add_sample(self) -> None:
        network = self.network
        for neuron in network.inputs:
            self._unit += 1
            self._add(Kind.INPUT, neuron.id)
        for members in self.levels:
            self._level += 1
            softmax: list[str] = []
            for neuron_id in members:
                neuron = network.neurons[neuron_id]
                if neuron.role is Role.INPUT:
                    continue
                self._unit += 1
                for edge in network.incoming(neuron_id):
                    self._add(Kind.PRODUCT, edge.id)
                self._add(Kind.WEIGHTED_SUM, neuron_id)
                if neuron.activation == "softmax":
                    softmax.append(neuron_id)
                else:
                    self._add(Kind.ACTIVATION, neuron_id)
                if neuron_id in self.dropped:
                    self._add(Kind.DROPOUT, neuron_id)
            self._each(Kind.ACTIVATION, softmax)
        self._level += 1
        if not network.outputs:
            return
        self._each(Kind.LOSS_SHARE, [n.id for n in network.outputs])
        self._unit += 1
        self._add(Kind.LOSS, "")
        for members in reversed(self.levels):
            self._level += 1
            self._add_backward([n for n in members if network.neurons[n].role is not Role.INPUT])

    def _each(self, kind: Kind, neuron_ids: list[str]) -> None:
        for neuron_id in neuron_ids:
            self._unit += 1
            self._add(kind, neuron_id)

    def _add_backward(self, members: list[str]) -> None:
        # dL/dz of a softmax neuron needs dL/da of the whole group first.
        softmax = [
            n for n in members if self.network.neurons[n].activation == "softmax" and self.has_activation_grad(n)
        ]
        self._each(Kind.ACTIVATION_GRAD, softmax)
        for neuron_id in members:
            self._unit += 1
            if neuron_id in self.dropped:
                self._add(Kind.DROPOUT_GRAD, neuron_id)
            if neuron_id not in softmax and self.has_activation_grad(neuron_id):
                self._add(Kind.ACTIVATION_GRAD, neuron_id)
            self._add(Kind.PRE_ACTIVATION_GRAD, neuron_id)
            incoming = self.network.incoming(neuron_id)
            for edge in incoming:
                self._add(Kind.WEIGHT_GRAD, edge.id)
            self._add(Kind.BIAS_GRAD, neuron_id)
            passed_back = [e.id for e in incoming if self.network.neurons[e.source].role is not Role.INPUT]
            if self._tail is not None and self._tail.early and passed_back:
                for parameter in (*(edge.id for edge in incoming), neuron_id):
                    self._add_new_parameter(parameter, self._tail)
                    self._updated.add(parameter)
            for edge_id in passed_back:
                self._add(Kind.CONTRIBUTION, edge_id)

    def has_activation_grad(self, neuron_id: str) -> bool:
        """Whether dL/da is a step: not where the loss gives dL/dz jointly and nothing else leads to the loss."""
        if neuron_id not in self.joint:
            return True
        group = [neuron_id]
        if self.network.neurons[neuron_id].activation == "softmax":
            group = [n.id for n in self.network.outputs if n.activation == "softmax"]
        return any(self.network.outgoing(member) for member in group)

    def _add_update(self, tail: Tail) -> None:
        network = self.network
        if not network.outputs:
            return
        self._level += 1
        for parameter in self.parameter_ids:
            if tail.sums or parameter in self.sharing:
                self._unit += 1
                self._add(Kind.PARAMETER_GRAD, parameter)
        self._level += 1
        for parameter in self.parameter_ids:
            if parameter not in self._updated:
                self._unit += 1
                self._add_new_parameter(parameter, tail)

    def _add_new_parameter(self, parameter: str, tail: Tail) -> None:
        is_weight = parameter in self.network.edges
        if parameter in self.network.frozen or not (tail.update_biases or is_weight):
            return
        if tail.penalized and is_weight:
            self._add(Kind.PENALIZED_GRAD, parameter)
        for kind, weights_only in zip(TERM_KINDS, tail.terms, strict=False):
            if is_weight or not weights_only:
                self._add(kind, parameter)
        self._add(Kind.UPDATE, parameter)

    def _invert(self) -> dict[Kind, NDArray[np.int64]]:
        kinds = np.array(self.kinds, dtype=np.int8)
        subjects = np.array(self.subjects, dtype=np.int64)
        positions = {}
        for kind in Kind:
            count = (
                len(self.edge_ids)
                if kind in EDGE_KINDS
                else len(self.parameter_ids)
                if kind in PARAMETER_KINDS
                else max(1, len(self.neuron_ids))
            )
            inverse = np.full(count, -1, dtype=np.int64)
            where = np.flatnonzero(kinds == kind)
            inverse[subjects[where]] = where
            positions[kind] = inverse
        return positions

    def positions(self, kind: Kind) -> NDArray[np.int64]:
        """The place of this kind's step for each edge, parameter or neuron in drawing order; -1 where none."""
        return self._positions[kind]

    def place(self, kind: Kind, subject: str) -> int:
        """The place of one quantity's step in the schedule; -1 when no step reveals it."""
        if not subject:
            return int(self._positions[kind][0])
        index = (self._parameter_place if kind in PARAMETER_KINDS else self._place).get(subject, -1)
        return int(self._positions[kind][index]) if index >= 0 else -1

    def subject(self, place: int) -> str:
        """The id that the step at this place is about."""
        kind = Kind(self.kinds[place])
        if kind is Kind.LOSS:
            return ""
        ids = (
            self.edge_ids if kind in EDGE_KINDS else self.parameter_ids if kind in PARAMETER_KINDS else self.neuron_ids
        )
        return ids[self.subjects[place]]
