"""A pass as a sequence of steps: the engine's finished numbers and the order in which they are revealed.

A `Step` is built only when it is asked for. The steps of a batch are the samples' passes one after the other, then
the gradient of each parameter where it is a sum or a mean, then the update.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from core.engine import SamplePass, read_sample
from core.errors import TrainingError
from core.learning import Learner, refuse_updated_weights
from core.network import Role
from core.operands import Operands
from core.plan import Plan
from core.quantities import (
    EDGE_KINDS,
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
from core.style import Rounding


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
    # How each step's number is rounded before the next one is made with it (core.book); here it is not.
    rounding: Rounding | None = None

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
        start: Mapping[str, float] | None = None,
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
        # Where the parameters began: a float32 one that is back there has that very value.
        self._start = start or {}
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
        self._operands = Operands(schedule, self.optimizer, len(x))
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
            new=plan.unpack(engine.parameters, kept=(self.values, self._start)),
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
        return self._operands.of(quantity)

    def term_operand(self, name: str, parameter: str, *, penalized: bool = True) -> Quantity | None:
        """What an operand of an optimizer's formula stands for; None for a number of the settings.

        "gradient" is that with the penalty, where there is one, unless not `penalized`.
        """
        return self._operands.of_term(name, parameter, penalized=penalized)

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

    def has(self, quantity: Quantity) -> bool:
        """Whether this trace has such a quantity at all: one of another trace, or that a text names, it may lack."""
        kind, subject, network = quantity.kind, quantity.subject, self.network
        if not 0 <= quantity.sample < self.batch:
            return False
        if kind is Kind.LOSS:
            return bool(network.outputs) and not subject
        if kind in PARAMETER_KINDS:
            is_there = self.training and bool(network.outputs) and subject in network.values
            if kind in FORMER_KINDS:
                return is_there and FORMER_KINDS.index(kind) < len(self.optimizer.slots)
            # Without a step they are no sum, or the parameter stays as it is; of terms there is nothing then.
            return is_there and (kind in (Kind.PARAMETER_GRAD, Kind.UPDATE) or self.has_step(quantity))
        if kind in EDGE_KINDS:
            return subject in network.edges and (kind in (Kind.WEIGHT, Kind.PRODUCT) or bool(network.outputs))
        if subject not in network.neurons:
            return False
        match kind:
            case Kind.BIAS:
                return network.has_bias(subject)
            case Kind.TARGET:
                return network.neurons[subject].role is Role.OUTPUT
            case Kind.MASK:
                return subject in self.schedule.dropped
            case _:
                return self.has_step(quantity)

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
