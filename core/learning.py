"""One update after the other in place: the engine's gradient, the penalties, the optimizer's step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.batches import Batches, dropout_masks
from core.engine import Engine
from core.errors import TrainingError
from core.network import Network
from core.optimizers import OPTIMIZERS, OptimizerState, Penalty, Stepper
from core.plan import Plan
from core.rate_schedules import rate_at
from core.settings import Memory, Settings

if TYPE_CHECKING:
    from core.fast_kernel import FastKernel

# Numbers of one array while a whole table is evaluated.
PART = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """All that the next updates depend on: flat parameters and the optimizer's state, as copies."""

    parameters: Array
    optimizer: str
    state: OptimizerState

    @property
    def nbytes(self) -> int:
        """The bytes that its numbers take."""
        return self.parameters.nbytes + sum(slot.nbytes for slot in self.state.slots.values())


def rate_of(settings: Settings, epoch: int) -> float:
    """The learning rate in this epoch (the first is epoch 0)."""
    return rate_at(settings.schedule, settings.schedule_options, settings.learning_rate, epoch)


def refuse_updated_weights(network: Network, settings: Settings, batch: int) -> None:
    """Raise TrainingError where the settings ask for updated weights and a batch of so many samples cannot have them.

    Settings may be chosen in any order, so they are not refused before an update is to be made with them.
    """
    if not settings.updated_weights:
        return
    off = "or turn “Updated weights” off."
    if batch > 1:
        raise TrainingError(
            "Going back through updated weights takes batches of one sample, "
            f"and this one has {batch:,}: set the batch size to 1, {off}"
        )
    tied = next((edge for edge in network.edges.values() if edge.tied_to is not None), None)
    if tied is not None:
        raise TrainingError(
            "Going back through updated weights takes edges with weights of their own, "
            f"and {tied.id} is tied to {tied.tied_to}: untie it, {off}"
        )


def can_be_fast(plan: Plan, settings: Settings, size: int) -> bool:
    """Whether the compiled kernel is there, in order, and quicker than numpy for batches of this size.

    The first time of all this compiles it, which takes some seconds.
    """
    # Only now: `nnviz trace` has no use for it.
    from core import fast_kernel

    if settings.updated_weights or settings.precision != "float64":
        return False
    if not fast_kernel.available() or not fast_kernel.is_faster(plan, size):
        return False
    try:
        fast_kernel.prepare()
    except ImportError:
        # A numba that does not fit the numpy that is installed: all works without it.
        return False
    return True


class Learner:
    """Makes updates with the choices of `settings`: loss, optimizer, penalties, precision, what may change.

    `engine.parameters` are the present ones. Which rows make an update, and the learning rate, are the caller's.
    Raises TrainingError for options that the optimizer does not allow.
    """

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self.plan, self.settings = plan, settings
        dtype = np.dtype(settings.precision)
        self.engine = Engine(plan, loss=settings.loss, mean=settings.batch_mean, dtype=dtype)
        # The loss of the last batch, and the flat vector of the weights that its gradient was passed back through,
        # where these are updated ones.
        self.loss = 0.0
        self.weights_back: Array | None = None
        self._order: NDArray[np.intp] | None = None
        self._kernel: FastKernel | None = None
        self._kernel_table: Array | None = None
        weights = plan.weights()
        self.stepper = Stepper(
            OPTIMIZERS[settings.optimizer],
            plan.size,
            options=settings.optimizer_options,
            dtype=dtype,
            trainable=plan.trainable(update_biases=settings.update_biases),
            weights=weights,
        )
        self.penalty: Penalty | None = None
        if settings.l1 or settings.l2:
            self.penalty = Penalty(weights, l1=settings.l1, l2=settings.l2, dtype=dtype)

    # The state that updates go on from

    def load(self, values: Mapping[str, float], memory: Memory | None = None) -> None:
        """Take parameters by id, and what the optimizer remembers; `memory` of another optimizer is left out."""
        self.engine.load(values)
        slots = {name: np.zeros(self.plan.size, self.stepper.dtype) for name in self.stepper.slots}
        updates = 0
        if memory is not None and set(memory.slots) == set(slots):
            updates = memory.updates
            for name, numbers in memory.slots.items():
                slots[name][:] = self.plan.pack({i: numbers.get(i, 0.0) for i in self.plan.names})
        self.stepper.load_state(OptimizerState(updates, slots))

    def memory(self) -> Memory | None:
        """What the optimizer remembers, by parameter; None where it remembers nothing."""
        if not self.stepper.slots:
            return None
        slots = {name: self.plan.unpack(slot) for name, slot in self.stepper.slots.items()}
        return Memory(self.stepper.updates, slots)

    def moment(self) -> Moment:
        """The present state, to come back to."""
        return Moment(self.engine.parameters.copy(), self.settings.optimizer, self.stepper.copy_state())

    def restore(self, moment: Moment) -> None:
        """Go back to a former state, bit for bit; the state of another optimizer is begun anew."""
        self.engine.parameters[:] = moment.parameters
        if moment.optimizer == self.settings.optimizer:
            self.stepper.load_state(moment.state)
        else:
            zeros = {name: np.zeros_like(slot) for name, slot in self.stepper.slots.items()}
            self.stepper.load_state(OptimizerState(0, zeros))

    # Updates

    def masks(self, update: int, batch: int) -> NDArray[Any] | None:
        """The dropout masks for update number `update`, shape (dropout neurons, batch); None without dropout."""
        rates = self.plan.dropout_rates
        if not len(rates):
            return None
        masks = dropout_masks(rates, batch, seed=self.settings.seed, update=update)
        return masks.astype(self.stepper.dtype, copy=False)

    def gradient(self, x: Array, targets: Array, *, masks: NDArray[Any] | None, rate: float | None = None) -> float:
        """Leave the gradient of samples, shapes (batch, inputs) and (batch, outputs), in the engine; their loss.

        `rate` is that of the update to be made with it, None where none will be: updated weights come from it.
        Raises TrainingError where the settings ask for updated weights and this batch cannot have them.
        """
        engine = self.engine
        if rate is not None:
            refuse_updated_weights(self.plan.network, self.settings, len(x))
        with np.errstate(all="ignore"):
            engine.set_masks(masks)
            engine.forward(x)
            self.loss = engine.loss_value(targets)
            self.weights_back = None
            if rate is not None and self.settings.updated_weights:
                self.weights_back = self._update_weights_back(rate)
            engine.backward(self.weights_back)
            engine.set_masks(None)
        return self.loss

    def _update_weights_back(self, rate: float) -> Array:
        """The parameters of which each weight is updated already that something is passed back through.

        From the last level on: its gradients make its new weights, and these the gradients of the level before it.
        """
        engine, before = self.engine, self.moment()
        weights = before.parameters.copy()
        for level in reversed(self.plan.levels[1:]):
            engine.backward(weights)
            self.step(rate)
            # The parameters stand in the order of the levels.
            start = level.blocks[0].offset
            weights[start:] = engine.parameters[start:]
            self.restore(before)
        return weights

    def step(self, rate: float) -> None:
        """Penalties and the optimizer's step, with the gradient that the engine holds."""
        engine = self.engine
        with np.errstate(all="ignore"):
            if self.penalty is not None:
                self.penalty.add_to(engine.gradient, engine.parameters)
            self.stepper.step(engine.parameters, engine.gradient, rate)

    def bind(self, x: Array, targets: Array, order: NDArray[np.intp]) -> None:
        """Take the rows of a table in this order, for `updates`; the same order again costs nothing."""
        if order is not self._order:
            self._order = order
            self.engine.bind(x[order], targets[order])

    def updates(self, batches: Batches, batch: int, count: int, *, number: int, rate: float) -> None:
        """Make `count` updates on the bound table, from this batch on; the first is number `number`.

        After the last batch the first one follows, in the same order. Raises TrainingError as `gradient` does.
        """
        if self.settings.updated_weights:
            self._updates_going_back(batches, batch, count, number=number, rate=rate)
            return
        engine, stepper, penalty = self.engine, self.stepper, self.penalty
        parameters, gradient = engine.parameters, engine.gradient
        pass_rows, step, bounds = engine.pass_rows, stepper.step, batches.all_bounds
        has_dropout = bool(self.plan.dropout_neurons)
        with np.errstate(all="ignore"):
            for place in range(batch, batch + count):
                start, stop = bounds[place % len(bounds)]
                if has_dropout:
                    engine.set_masks(self.masks(number + place - batch, stop - start))
                self.loss = pass_rows(start, stop)
                if penalty is not None:
                    penalty.add_to(gradient, parameters)
                step(parameters, gradient, rate)
        if has_dropout:
            engine.set_masks(None)

    def _updates_going_back(self, batches: Batches, batch: int, count: int, *, number: int, rate: float) -> None:
        """As `updates`, with gradients that are passed back through updated weights."""
        bounds = batches.all_bounds
        for place in range(batch, batch + count):
            start, stop = bounds[place % len(bounds)]
            masks = self.masks(number + place - batch, stop - start)
            x, targets = self.engine.bound_rows(start, stop)
            self.gradient(x, targets, masks=masks, rate=rate)
            self.step(rate)

    def fast_updates(
        self,
        x: Array,
        targets: Array,
        batches: Batches,
        *,
        epoch: int,
        batch: int,
        count: int,
        number: int,
        rate: float,
    ) -> int:
        """As `updates`, by the compiled kernel on the table's rows; returns how many could be made.

        One that would give an infinite or NaN number is left out, and so are those after it.
        """
        stepper, engine, settings = self.stepper, self.engine, self.settings
        if self._kernel is None or self._kernel_table is not x:
            from core.fast_kernel import FastKernel

            self._kernel = FastKernel(
                self.plan,
                loss=settings.loss,
                mean=settings.batch_mean,
                x=x,
                targets=targets,
                trainable=self.plan.trainable(update_biases=settings.update_biases),
                optimizer=settings.optimizer,
                options=settings.optimizer_options,
                l1=settings.l1,
                l2=settings.l2,
            )
            self._kernel_table = x
        masks = None
        if self.plan.dropout_neurons:
            masks = np.zeros((count, len(self.plan.dropout_neurons), batches.size))
            bounds = batches.all_bounds
            for place in range(count):
                start, stop = bounds[(batch + place) % len(bounds)]
                masks[place, :, : stop - start] = self.masks(number + place, stop - start)
        made = self._kernel.run(
            engine.parameters,
            list(stepper.slots.values()),
            stepper.updates,
            order=batches.order(epoch),
            size=batches.size,
            batch=batch,
            count=count,
            rate=rate,
            masks=masks,
        )
        stepper.updates += made
        self.loss = self._kernel.loss
        return made

    def evaluate(self, x: Array, targets: Array, rows: NDArray[np.intp]) -> tuple[float, Array]:
        """The loss over some rows of a table and their outputs, shape (rows, outputs), without dropout."""
        engine = self.engine
        # In parts, so that a long table takes little memory.
        size = max(1, PART // max(1, self.plan.row_count))
        total, outputs = 0.0, []
        with np.errstate(all="ignore"):
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                outputs.append(engine.forward(x[part]).copy())
                share = engine.loss_value(targets[part])
                total += share * len(part) if engine.mean else share
        return total / len(rows) if engine.mean else total, np.concatenate(outputs)
