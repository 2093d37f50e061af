"""A pass as a sequence of steps: the engine's finished numbers and the order in which they are revealed.

A `Step` is built only when it is asked for. The steps of a batch are the samples' passes one after the other, then
the gradient of each parameter where it is a sum or a mean, then the update.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from core.engine import SamplePass, read_sample
from core.errors import TrainingError
from core.learning import Learner, refuse_updated_weights
from core.network import Role
from core.optimizer_terms import Formula
from core.plan import Plan
from core.quantities import (
    FORMER_KINDS,
    GIVEN_KINDS,
    PARAMETER_KINDS,
    TERM_KINDS,
    Granularity,
    Kind,
    Quantity,
    Step,
    phase_of,
)
from core.schedule import Schedule, Tail
from core.settings import Memory, Settings


@dataclass(frozen=True, slots=True)
class UpdateNumbers:
    """What the update of a batch computes, by parameter: `gradient` is that of the loss, `terms` the optimizer's.

    `former` holds the optimizer's memory from the update before, in the order of its slots.
    """

    loss: float
    gradient: dict[str, float]
    penalized: dict[str, float]
    former: tuple[dict[str, float], ...]
    terms: tuple[dict[str, float], ...]
    new: dict[str, float]


class Trace(Sequence[Step]):
    """The passes of one sample, or of a batch with its mean and update, as a sequence of steps.

    `x` has shape (batch, inputs), `targets` (batch, outputs). With `index` steps done, a view shows a quantity
    if and only if `is_revealed(quantity, index)`. Every value comes from the engine's arrays.
    `number` is the number of the update that the batch makes, `rate` its learning rate (the settings' own where it
    is None) and `memory` what the optimizer remembers. Without `training` there is no dropout and no update.
    The `schedule` of a former trace is used again where it fits: only the numbers differ then.

    Raises TrainingError when the batch is empty, when the optimizer does not allow its options, or when the settings
    ask for updated weights and the batch cannot have them.
    """

    # How many samples' passes are kept at once; others are passed again when asked for.
    KEPT = 64

    def __init__(
        self,
        plan: Plan,
        values: dict[str, float],
        x: NDArray[np.float64],
        targets: NDArray[np.float64],
        settings: Settings = Settings(),  # noqa: B008 - frozen
        *,
        number: int = 1,
        rate: float | None = None,
        memory: Memory | None = None,
        training: bool = True,
        schedule: Schedule | None = None,
    ) -> None:
        if not len(x):
            raise TrainingError("There is no sample to step through: add a row to the data.")
        if training and plan.network.outputs:
            refuse_updated_weights(plan.network, settings, len(x))
        self.plan = plan
        self.network = plan.network
        self.x, self.targets = x, targets
        self.settings = settings
        self.number = number
        self.learning_rate = settings.learning_rate if rate is None else rate
        self.learner = Learner(plan, settings)
        self.learner.load(values, memory)
        self.engine = self.learner.engine
        self.optimizer = self.learner.stepper.optimizer
        self.values = dict(values)
        # Whether an update is part of it.
        self.training = training
        self._masks = self.learner.masks(number, len(x)) if training else None
        self._passes: OrderedDict[int, SamplePass] = OrderedDict()
        first = self.sample_pass(0) if self.network.outputs else None
        joint = first.joint if first else frozenset()
        tail = None
        if training:
            tail = Tail(
                update_biases=settings.update_biases,
                sums=len(x) > 1,
                penalized=self.learner.penalty is not None,
                terms=tuple(term.weights_only for term in self.optimizer.terms),
                early=settings.updated_weights,
            )
        dropped = frozenset() if self._masks is None else frozenset(plan.dropout_neurons)
        if schedule is None or schedule.network is not self.network or schedule.key != (joint, tail, dropped):
            schedule = Schedule(self.network, joint=joint, tail=tail, dropped=dropped)
        self.schedule = schedule
        self._updated: UpdateNumbers | None = None
        self._boundaries: dict[Granularity, NDArray[np.int64]] = {}

    # Numbers

    @property
    def batch(self) -> int:
        """The number of samples."""
        return len(self.x)

    def sample_pass(self, sample: int) -> SamplePass:
        """The finished numbers of one sample of the batch."""
        found = self._passes.get(sample)
        if found is None:
            if self.network.outputs:
                row = slice(sample, sample + 1)
                masks = None if self._masks is None else self._masks[:, row]
                loss = self.learner.gradient(self.x[row], self.targets[row], masks=masks, rate=self._rate)
                weights = self.learner.weights_back
                found = read_sample(self.engine, self.targets[sample], loss=loss, weights=weights)
            else:
                found = self._forward_only(sample)
            # The parameters are the same in all passes: they are kept once.
            others = next(iter(self._passes.values()), found)
            self._passes[sample] = found = replace(found, parameters=others.parameters)
            if len(self._passes) > self.KEPT:
                self._passes.popitem(last=False)
        return found

    def _forward_only(self, sample: int) -> SamplePass:
        self.engine.forward(self.x[sample : sample + 1])
        work = self.engine.workspace
        nothing = np.zeros(self.plan.row_count)
        return SamplePass(
            plan=self.plan,
            z=work.z[:, 0].copy(),
            a=work.a[:, 0].copy(),
            a_grad=nothing,
            z_grad=nothing,
            shares={},
            targets={},
            loss=0.0,
            parameters=self.engine.parameters.copy(),
            joint=frozenset(),
        )

    @property
    def _rate(self) -> float | None:
        """The learning rate of the update; None where there is none."""
        return self.learning_rate if self.training else None

    @property
    def mean(self) -> bool:
        """Whether the batch's loss is the mean over its samples, else their sum."""
        return self.settings.batch_mean

    @property
    def update_numbers(self) -> UpdateNumbers:
        """What the update of this batch computes; the engine's own parameters are left as they were."""
        if self._updated is None:
            self._updated = self._compute_update()
        return self._updated

    def _compute_update(self) -> UpdateNumbers:
        learner, plan = self.learner, self.plan
        engine, stepper = learner.engine, learner.stepper
        before = learner.moment()
        former = tuple(plan.unpack(slot) for slot in stepper.slots.values())
        loss = learner.gradient(self.x, self.targets, masks=self._masks, rate=self._rate)
        gradient = plan.unpack(engine.gradient)
        learner.step(self.learning_rate)
        numbers = UpdateNumbers(
            loss=loss,
            gradient=gradient,
            penalized=plan.unpack(engine.gradient) if learner.penalty else gradient,
            former=former,
            terms=tuple(plan.unpack(stepper.terms[term.name]) for term in self.optimizer.terms),
            new=plan.unpack(engine.parameters, kept=self.values),
        )
        learner.restore(before)
        return numbers

    @property
    def loss(self) -> float:
        """The batch's loss: the mean (or sum) over its samples."""
        return self.update_numbers.loss

    @property
    def gradient(self) -> dict[str, float]:
        """The batch's gradient by parameter."""
        return self.update_numbers.gradient

    @property
    def new_values(self) -> dict[str, float]:
        """Every parameter after the update."""
        return self.update_numbers.new

    def value(self, quantity: Quantity) -> float:
        """The value of a quantity, revealed or not."""
        kind, subject = quantity.kind, quantity.subject
        if kind is Kind.PARAMETER_GRAD:
            return self.gradient[subject]
        if kind is Kind.UPDATE:
            return self.new_values[subject]
        if kind is Kind.WEIGHT:
            return self.values[self.network.edges[subject].parameter]
        if kind is Kind.BIAS:
            return self.values[subject]
        if kind is Kind.PENALIZED_GRAD:
            return self.update_numbers.penalized[subject]
        if kind in TERM_KINDS:
            return self.update_numbers.terms[TERM_KINDS.index(kind)][subject]
        if kind in FORMER_KINDS:
            return self.update_numbers.former[FORMER_KINDS.index(kind)][subject]
        numbers = self.sample_pass(quantity.sample)
        match kind:
            case Kind.TARGET:
                return numbers.targets[subject]
            case Kind.INPUT | Kind.ACTIVATION:
                return numbers.activation(subject)
            case Kind.MASK:
                return numbers.mask(subject)
            case Kind.DROPOUT:
                return numbers.dropped_activation(subject)
            case Kind.DROPOUT_GRAD:
                return numbers.dropped_grad(subject)
            case Kind.PRODUCT:
                return numbers.product(subject)
            case Kind.WEIGHTED_SUM:
                return numbers.pre_activation(subject)
            case Kind.LOSS_SHARE:
                return numbers.shares[subject]
            case Kind.LOSS:
                return numbers.loss
            case Kind.ACTIVATION_GRAD:
                return numbers.activation_grad(subject)
            case Kind.PRE_ACTIVATION_GRAD | Kind.BIAS_GRAD:
                return numbers.pre_activation_grad(subject)
            case Kind.WEIGHT_GRAD:
                return numbers.weight_grad(subject)
            case _:
                return numbers.contribution(subject)

    # The sequence

    def __len__(self) -> int:
        return self.batch * self.schedule.sample_length + self.schedule.tail_length

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample, place = self._locate(index)
        quantity = Quantity(Kind(self.schedule.kinds[place]), self.schedule.subject(place), sample)
        neuron, edge = self._subject(quantity)
        return Step(
            index=index,
            quantity=quantity,
            phase=phase_of(quantity.kind),
            value=self.value(quantity),
            operands=self.operands(quantity),
            neuron=neuron,
            edge=edge,
        )

    def _locate(self, index: int) -> tuple[int, int]:
        """(sample, place in the schedule) of a step."""
        length = self.schedule.sample_length
        if index < self.batch * length:
            return divmod(index, length)
        return 0, index - (self.batch - 1) * length

    def quantity_at(self, index: int) -> Quantity:
        """What the step at `index` reveals, without its value."""
        sample, place = self._locate(index)
        return Quantity(Kind(self.schedule.kinds[place]), self.schedule.subject(place), sample)

    def sample_at(self, index: int) -> int:
        """The sample whose passes are on show after `index` steps: the last one once the update has begun."""
        if index <= 0:
            return 0
        return min((index - 1) // self.schedule.sample_length, self.batch - 1)

    def _subject(self, quantity: Quantity) -> tuple[str, str]:
        subject = quantity.subject
        if subject in self.network.edges:
            edge = self.network.edges[subject]
            if quantity.kind is Kind.PRODUCT:
                return edge.target, subject
            if quantity.kind is Kind.CONTRIBUTION:
                return edge.target, subject
            if quantity.kind is Kind.WEIGHT_GRAD:
                return edge.target, subject
            return "", subject
        return subject, ""

    def operands(self, quantity: Quantity) -> tuple[Quantity, ...]:
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
                return self._share_operands(subject, s)
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
        found = (self.term_operand(name, parameter) for name in formula.operands)
        return tuple(quantity for quantity in found if quantity is not None)

    def term_operand(self, name: str, parameter: str, *, penalized: bool = True) -> Quantity | None:
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
                    return self.term_operand(term.formula.operands[0], parameter)
                return Quantity(kind, parameter)
        return None

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

    def _share_operands(self, subject: str, s: int) -> tuple[Quantity, ...]:
        return Quantity(Kind.ACTIVATION, subject, s), Quantity(Kind.TARGET, subject, s)

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

    # Revelation

    def index_of(self, quantity: Quantity) -> int:
        """The index of the step that reveals a quantity; -1 for what is given, None of the steps."""
        place = self.schedule.place(quantity.kind, quantity.subject)
        if place < 0:
            return -1
        if place >= self.schedule.sample_length:
            return place + (self.batch - 1) * self.schedule.sample_length
        return place + quantity.sample * self.schedule.sample_length

    def has_step(self, quantity: Quantity) -> bool:
        """Whether some step reveals this quantity."""
        return self.index_of(quantity) >= 0

    def is_revealed(self, quantity: Quantity, index: int) -> bool:
        """Whether the quantity is known after `index` steps; weights, biases and targets always are."""
        if quantity.kind in GIVEN_KINDS:
            return True
        return 0 <= self.index_of(quantity) < index

    def revealed(self, kind: Kind, index: int) -> NDArray[np.bool_]:
        """Which edges, parameters or neurons (in drawing order) have this kind revealed after `index` steps.

        Of quantities that belong to a sample, those of the sample on show.
        """
        positions = self.schedule.positions(kind)
        if kind in GIVEN_KINDS:
            return np.ones(len(positions), dtype=np.bool_)
        offset = self.batch - 1 if kind in PARAMETER_KINDS else self.sample_at(index)
        return (positions >= 0) & (positions + offset * self.schedule.sample_length < index)

    # Granularity

    def boundaries(self, granularity: Granularity) -> NDArray[np.int64]:
        """The numbers of steps done at which a unit of this size is complete, in rising order."""
        found = self._boundaries.get(granularity)
        if found is None:
            found = self._boundaries[granularity] = self._find_boundaries(granularity)
        return found

    def _find_boundaries(self, granularity: Granularity) -> NDArray[np.int64]:
        schedule, length = self.schedule, self.schedule.sample_length
        if granularity in (Granularity.UPDATE, Granularity.EPOCH):
            return np.array([len(self)])
        if granularity in (Granularity.OPERATION, Granularity.TERM):
            return np.arange(1, len(self) + 1)
        if granularity is Granularity.SAMPLE:
            ends = np.arange(1, self.batch + 1) * length
            return np.append(ends, len(self)) if schedule.tail_length else ends
        if granularity is Granularity.PASS:
            # Parameters updated within the sample belong to its backward pass.
            is_after = np.arange(len(schedule.kinds)) >= length
            labels = np.where(is_after, 2, np.array(schedule.kinds) >= Kind.DROPOUT_GRAD)
        else:
            labels = np.array(schedule.units if granularity is Granularity.NEURON else schedule.level_units)
        ends = np.flatnonzero(np.diff(labels)) + 1
        in_sample = np.append(ends[ends < length], length)
        in_tail = np.append(ends[ends > length], len(schedule.kinds)) if schedule.tail_length else ends[:0]
        samples = (in_sample[None, :] + np.arange(self.batch)[:, None] * length).ravel()
        return np.append(samples, in_tail + (self.batch - 1) * length)

    def next_index(self, index: int, granularity: Granularity) -> int:
        """The number of steps done after going one unit forward from `index` (len(self) at the end)."""
        if granularity in (Granularity.OPERATION, Granularity.TERM):
            # Without `boundaries`, which of terms are as many as steps.
            return min(index + 1, len(self))
        ends = self.boundaries(granularity)
        place = int(np.searchsorted(ends, index, side="right"))
        return int(ends[place]) if place < len(ends) else len(self)

    def previous_index(self, index: int, granularity: Granularity) -> int:
        """The number of steps done after going one unit back from `index` (0 at the start)."""
        if granularity in (Granularity.OPERATION, Granularity.TERM):
            return max(index - 1, 0)
        ends = self.boundaries(granularity)
        place = int(np.searchsorted(ends, index, side="left")) - 1
        return int(ends[place]) if place >= 0 else 0

    def end_of_forward(self, sample: int = 0) -> int:
        """The number of steps done when a sample's loss has just been revealed; without outputs, all of its steps."""
        if not self.network.outputs:
            return (sample + 1) * self.schedule.sample_length
        return self.index_of(Quantity(Kind.LOSS, "", sample)) + 1
