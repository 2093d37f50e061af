"""What each quantity of a trace is made of: the operands of its formula, in their order."""

from __future__ import annotations

from core.network import Role
from core.optimizer_terms import Formula
from core.optimizers import Optimizer
from core.quantities import FORMER_KINDS, TERM_KINDS, Kind, Quantity
from core.schedule import Schedule


class Operands:
    """The operands of the quantities of a batch of so many samples; the schedule says which of them there are."""

    def __init__(self, schedule: Schedule, optimizer: Optimizer, batch: int) -> None:
        self.schedule = schedule
        self.network = schedule.network
        self.optimizer = optimizer
        self.batch = batch

    def of(self, quantity: Quantity) -> tuple[Quantity, ...]:
        """The earlier or given quantities that this one is made of, in the order of its formula."""
        kind, subject, s = quantity.kind, quantity.subject, quantity.sample
        network = self.network
        match kind:
            case Kind.PRODUCT:
                return Quantity(Kind.WEIGHT, subject), self._output_of(network.edges[subject].source, s)
            case Kind.WEIGHTED_SUM:
                products = tuple(Quantity(Kind.PRODUCT, e.id, s) for e in network.incoming(subject))
                return (*products, Quantity(Kind.BIAS, subject))
            case Kind.ACTIVATION:
                return tuple(Quantity(Kind.WEIGHTED_SUM, n, s) for n in self._group(subject))
            case Kind.LOSS_SHARE:
                return Quantity(Kind.ACTIVATION, subject, s), Quantity(Kind.TARGET, subject, s)
            case Kind.LOSS:
                return tuple(Quantity(Kind.LOSS_SHARE, n.id, s) for n in network.outputs)
            case Kind.DROPOUT:
                return Quantity(Kind.MASK, subject, s), Quantity(Kind.ACTIVATION, subject, s)
            case Kind.DROPOUT_GRAD:
                return tuple(Quantity(Kind.CONTRIBUTION, e.id, s) for e in network.outgoing(subject))
            case Kind.ACTIVATION_GRAD if subject in self.schedule.dropped:
                return Quantity(Kind.MASK, subject, s), Quantity(Kind.DROPOUT_GRAD, subject, s)
            case Kind.ACTIVATION_GRAD:
                contributions = tuple(Quantity(Kind.CONTRIBUTION, e.id, s) for e in network.outgoing(subject))
                own: tuple[Quantity, ...] = ()
                if network.neurons[subject].role is Role.OUTPUT and subject not in self.schedule.joint:
                    own = (Quantity(Kind.ACTIVATION, subject, s), Quantity(Kind.TARGET, subject, s))
                return own + contributions
            case Kind.PRE_ACTIVATION_GRAD:
                return self._pre_activation_grad_operands(subject, s)
            case Kind.WEIGHT_GRAD:
                edge = network.edges[subject]
                return Quantity(Kind.PRE_ACTIVATION_GRAD, edge.target, s), self._output_of(edge.source, s)
            case Kind.BIAS_GRAD:
                return (Quantity(Kind.PRE_ACTIVATION_GRAD, subject, s),)
            case Kind.CONTRIBUTION:
                edge = network.edges[subject]
                return self._weight_back(subject), Quantity(Kind.PRE_ACTIVATION_GRAD, edge.target, s)
            case Kind.PARAMETER_GRAD:
                return self._sample_gradients(subject)
            case Kind.PENALIZED_GRAD:
                return self._gradient_of(subject), self._given(subject)
            case Kind.UPDATE:
                return self._formula_operands(self.optimizer.update, subject)
            case _ if kind in TERM_KINDS:
                return self._formula_operands(self.optimizer.terms[TERM_KINDS.index(kind)].formula, subject)
            case _:
                return ()

    def of_term(self, name: str, parameter: str, *, penalized: bool = True) -> Quantity | None:
        """What an operand of an optimizer's formula stands for; None for a number of the settings.

        "gradient" is that with the penalty, where there is one, unless not `penalized`.
        """
        if name == "parameter":
            return self._given(parameter)
        if name == "gradient":
            if penalized and self.schedule.place(Kind.PENALIZED_GRAD, parameter) >= 0:
                return Quantity(Kind.PENALIZED_GRAD, parameter)
            return self._gradient_of(parameter)
        slots = self.optimizer.slots
        if name.endswith("_old") and name.removesuffix("_old") in slots:
            return Quantity(FORMER_KINDS[slots.index(name.removesuffix("_old"))], parameter)
        for kind, term in zip(TERM_KINDS, self.optimizer.terms, strict=False):
            if term.name == name:
                if self.schedule.place(kind, parameter) < 0:
                    # For a bias this term is its formula's first operand, unchanged.
                    return self.of_term(term.formula.operands[0], parameter)
                return Quantity(kind, parameter)
        return None

    def _weight_back(self, edge: str) -> Quantity:
        """The weight that something is passed back through: the new one where the sample's own steps reveal it."""
        if 0 <= self.schedule.place(Kind.UPDATE, edge) < self.schedule.sample_length:
            return Quantity(Kind.UPDATE, edge)
        return Quantity(Kind.WEIGHT, edge)

    def _given(self, parameter: str) -> Quantity:
        return Quantity(Kind.WEIGHT if parameter in self.network.edges else Kind.BIAS, parameter)

    def _gradient_of(self, parameter: str) -> Quantity:
        """The gradient of the loss: that of the batch, or the only sample's own where there is nothing to add up."""
        if self.schedule.place(Kind.PARAMETER_GRAD, parameter) >= 0:
            return Quantity(Kind.PARAMETER_GRAD, parameter)
        return self._sample_gradients(parameter)[0]

    def _formula_operands(self, formula: Formula, parameter: str) -> tuple[Quantity, ...]:
        found = (self.of_term(name, parameter) for name in formula.operands)
        return tuple(quantity for quantity in found if quantity is not None)

    def _output_of(self, neuron_id: str, sample: int) -> Quantity:
        if neuron_id in self.schedule.dropped:
            return Quantity(Kind.DROPOUT, neuron_id, sample)
        is_input = self.network.neurons[neuron_id].role is Role.INPUT
        return Quantity(Kind.INPUT if is_input else Kind.ACTIVATION, neuron_id, sample)

    def _group(self, neuron_id: str) -> list[str]:
        """The neurons that share an activation: all softmax outputs, or this one alone; this one comes first."""
        if self.network.neurons[neuron_id].activation != "softmax":
            return [neuron_id]
        others = [n.id for n in self.network.outputs if n.activation == "softmax" and n.id != neuron_id]
        return [neuron_id, *others]

    def _pre_activation_grad_operands(self, subject: str, s: int) -> tuple[Quantity, ...]:
        found: list[Quantity] = []
        group = self._group(subject)
        if self.schedule.has_activation_grad(subject):
            for member in group:
                found.append(Quantity(Kind.ACTIVATION_GRAD, member, s))
            for member in group:
                found.append(Quantity(Kind.WEIGHTED_SUM, member, s))
            for member in group:
                found.append(Quantity(Kind.ACTIVATION, member, s))
        elif subject in self.schedule.joint:
            found.append(Quantity(Kind.ACTIVATION, subject, s))
        if subject in self.schedule.joint:
            found += [Quantity(Kind.TARGET, member, s) for member in group]
        return tuple(found)

    def _sample_gradients(self, parameter: str) -> tuple[Quantity, ...]:
        kind = Kind.WEIGHT_GRAD if parameter in self.network.edges else Kind.BIAS_GRAD
        subjects = self.schedule.sharing.get(parameter, [parameter])
        return tuple(Quantity(kind, subject, s) for s in range(self.batch) for subject in subjects)
