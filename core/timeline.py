"""The updates since the last change of network or data, each of which can be gone back to bit for bit."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.batches import Batches
from core.errors import TrainingError
from core.history import POINT_LIMIT, REST_BYTES, Keyframes, LossPoint, Points, Segment, first_interval
from core.learning import Learner, rate_of, refuse_updated_weights
from core.metrics import accuracy
from core.plan import Plan, compile_network
from core.project import Project
from core.settings import Memory, Settings

# Updates made at once by the compiled kernel where their dropout masks have to be drawn beforehand.
MOST_MASKED = 256


class Timeline:
    """What has been trained: which updates were made and how, and the losses on the way, for the plot.

    `first` is the number of updates made before it, `last` that of the last one in it. `at` is the update after
    which its learner stands. Moments are kept at keyframes and computed again between them by the same operations,
    so that `parameters_at` gives back the former ones bit for bit.
    """

    def __init__(self, project: Project, points: tuple[LossPoint, ...] = ()) -> None:
        self.network = project.network
        self.dataset = project.dataset
        self.settings = project.settings
        self.first, self.first_epoch, self._first_used = project.updates, project.epoch, project.used_rows
        self.last = self.at = self.first
        earlier = tuple(point for point in points if point.update < self.first)
        self.earlier = earlier if len(earlier) <= POINT_LIMIT else (*earlier[:-1:2], earlier[-1])
        self._first_memory = project.memory
        self._segments: list[Segment] = []
        self.new_points = Points()
        self._batches: dict[tuple[int, bool, int], Batches] = {}
        self._learner: Learner | None = None

    # Set-up that costs something is done when it is first needed.

    @property
    def learner(self) -> Learner:
        """Its own learner; the parameters are those after update number `at`."""
        if self._learner is None:
            self._learner = Learner(compile_network(self.network), self.settings)
            self._learner.load(self.network.values, self._first_memory)
            self._x = self.dataset.matrix([n.id for n in self.network.inputs])
            self._targets = self.dataset.matrix([n.id for n in self.network.outputs])
            self._training_rows = self.dataset.training_rows
            self._test_rows = self.dataset.test_rows
            size = min(self.settings.batch_size or len(self._training_rows), len(self._training_rows))
            self._keyframes = Keyframes(self.first, first_interval(self._learner.plan.size * max(1, size)))
            self._keyframes.keep(self.first, self._learner.moment())
        return self._learner

    @property
    def plan(self) -> Plan:
        """The compiled network."""
        return self.learner.plan

    def _use(self, settings: Settings) -> Learner:
        """The learner with these settings, in the state that the present one is in."""
        learner = self.learner
        # Nearly always they are the very same, which is quickly said.
        if learner.settings is not settings and not learner.settings.learns_as(settings):
            learner = self._stand_in(learner.plan, settings)
        return learner

    def _stand_in(self, plan: Plan, settings: Settings) -> Learner:
        """Put another learner in the place of the present one, in the same state."""
        moment = self.learner.moment()
        self._learner = Learner(plan, settings)
        self._learner.restore(moment)
        return self._learner

    def batches_of(self, settings: Settings) -> Batches:
        """How these settings divide the training rows into batches."""
        key = (settings.batch_size, settings.shuffle, settings.seed)
        if key not in self._batches:
            size, shuffle, seed = key
            self._batches[key] = Batches(self.dataset.training_rows, size, shuffle=shuffle, seed=seed)
        return self._batches[key]

    # What was

    @property
    def can_train(self) -> bool:
        """Whether there is an output and a training row, so that there is a loss."""
        return bool(self.network.outputs) and not self.dataset.test.all() and self.dataset.rows > 0

    @property
    def memory(self) -> int:
        """The bytes that its history takes, roughly."""
        keyframes = self._keyframes.nbytes if self._learner is not None else 0
        return keyframes + 200 * (len(self.new_points.all) + len(self._segments))

    def _segment(self, update: int) -> Segment:
        """The segment that made this update."""
        return self._segments[bisect_left(self._segments, update, key=lambda segment: segment.first) - 1]

    def place(self, update: int) -> tuple[int, int]:
        """The epoch and the batch that made this update (the first is `first` + 1)."""
        segment = self._segment(update)
        return segment.place(update, self.batches_of(segment.settings).count)

    def settings_of(self, update: int) -> Settings:
        """The settings with which update number `update` was made."""
        return self._segment(update).settings

    def rows_of(self, update: int) -> NDArray[np.intp]:
        """The rows of the batch that made update number `update`."""
        epoch, batch = self.place(update)
        return self.batches_of(self.settings_of(update)).rows(epoch, batch)

    def epoch_at(self, update: int) -> int:
        """How many epochs are finished after `update` updates."""
        if update <= self.first:
            return self.first_epoch
        epoch, batch = self.place(update)
        return epoch + (batch == self.batches_of(self.settings_of(update)).count - 1)

    def used_rows_at(self, update: int) -> int:
        """How many training rows the epoch under way has used after `update` updates; 0 between two epochs."""
        if update <= self.first:
            return self._first_used
        batches = self.batches_of(self.settings_of(update))
        used = batches.bounds(self.place(update)[1])[1]
        return 0 if used >= len(batches.training_rows) else used

    def next_batch(self, update: int, settings: Settings) -> int:
        """The batch whose turn it is after `update` updates: the one after the rows that the epoch has used."""
        used = self.used_rows_at(update)
        return used // self.batches_of(settings).size if used else 0

    def parameters_at(self, update: int) -> dict[str, float]:
        """Every parameter after `update` updates, bit for bit as they were."""
        if update == self.first:
            # As they were entered: an engine of single precision has them rounded.
            return dict(self.network.values)
        self.go_to(update)
        return self.plan.unpack(self.learner.engine.parameters, kept=(self.network.values,))

    def memory_at(self, update: int, optimizer: str | None = None) -> Memory | None:
        """What the optimizer remembers after `update` updates; None where `optimizer` is another one."""
        self.go_to(update)
        if optimizer not in (None, self.learner.settings.optimizer):
            return None
        return self.learner.memory()

    def path(self, parameters: Sequence[str], most: int = 500) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The way of some parameters: updates, shape (moments,), and values, shape (moments, parameters).

        Of a long run only moments that are quick to get back to, about `most` of them.
        """
        plan, made = self.plan, self.last - self.first
        position = dict(zip(plan.names, plan.name_positions.tolist(), strict=True))
        places = [position[name] for name in parameters]
        if made <= max(most, self._keyframes.interval):
            updates = list(range(self.first, self.last + 1, max(1, made // most)))
        else:
            kept = sorted(self._keyframes.moments)
            updates = kept[:: max(1, len(kept) // most)]
        if updates[-1] != self.last:
            updates.append(self.last)
        values = np.empty((len(updates), len(places)))
        for row, update in enumerate(updates):
            self.go_to(update)
            values[row] = self.learner.engine.parameters[places]
        return np.array(updates), values

    # Losses

    def points(self, until: int | None = None) -> tuple[LossPoint, ...]:
        """The losses up to and including update `until` (all of them without it), in order.

        Those of the updates before `first` are included.
        """
        self.note_start()
        points = (*self.earlier, *self.new_points.all)
        return points if until is None else tuple(point for point in points if point.update <= until)

    def note_start(self) -> None:
        """See to it that the points begin with the loss before the first update."""
        if self.can_train and not self.new_points.all:
            here = self.at
            self.new_points.add_step(self.point_at(self.first))
            self.go_to(here)

    def point_at(self, update: int) -> LossPoint:
        """The losses and accuracies after `update` updates, computed anew."""
        self.go_to(update)
        return self.measure()

    def table_loss(self, update: int) -> float:
        """The loss over all training rows after `update` updates."""
        return self.point_at(update).loss

    def measure(self) -> LossPoint:
        """The losses and accuracies with the present parameters."""
        learner = self.learner
        training, test = self._training_rows, self._test_rows
        loss, outputs = learner.evaluate(self._x, self._targets, training)
        test_loss, test_outputs = learner.evaluate(self._x, self._targets, test) if len(test) else (None, None)
        return LossPoint(
            self.at,
            loss,
            test_loss,
            accuracy(outputs, self._targets[training], table=self._targets),
            None if test_outputs is None else accuracy(test_outputs, self._targets[test], table=self._targets),
        )

    @property
    def is_finite(self) -> bool:
        """Whether none of the present parameters is infinite or NaN."""
        return bool(np.isfinite(self.learner.engine.parameters).all())

    def name_infinite(self) -> str:
        """The first of the present parameters that is infinite or NaN, in words; else it is the loss."""
        for name, value in self.plan.unpack(self.learner.engine.parameters).items():
            if not np.isfinite(value):
                return name if name in self.network.edges else f"the bias of {name}"
        return "the loss"

    # Making updates, and going back and forth

    def make(self, settings: Settings, *, epoch: int, batch: int, count: int, fast: bool = False) -> None:
        """Make the `count` updates that follow the last one, from this batch of the epoch on.

        `fast`: by the compiled kernel. Raises TrainingError where the settings are impossible; nothing is made then.
        """
        refuse_updated_weights(self.network, settings, self.batches_of(settings).size)
        self.go_to(self.last)
        self._use(settings)
        segment = self._segments[-1] if self._segments else None
        if (
            segment is None
            or segment.fast != fast
            or not segment.settings.trains_as(settings)
            or segment.place(self.last + 1, self.batches_of(segment.settings).count) != (epoch, batch)
        ):
            self._segments.append(Segment(self.last, settings, epoch, batch, fast))
        self.last += count
        self._forward(self.last)

    def forget_after(self, update: int) -> None:
        """Be as if the updates after this one had never been made."""
        self.last = update
        self._segments = [segment for segment in self._segments if segment.first < update]
        self._keyframes.drop_after(update)
        self.new_points.drop_after(update)
        self.at = -1
        self.go_to(update)

    def go_to(self, update: int) -> None:
        """Bring the learner to where it was after `update` updates. Raises TrainingError where that never was."""
        learner = self.learner
        if self.at == update:
            return
        self._check_update(update)
        keyframe = self._keyframes.before(update)
        if not keyframe <= self.at < update:
            learner = self._use(self.settings_of(keyframe) if keyframe > self.first else self.settings)
            learner.restore(self._keyframes.moments[keyframe])
            self.at = keyframe
        self._forward(update)

    def _check_update(self, update: int) -> None:
        if not self.first <= update <= self.last:
            raise TrainingError(f"Update {update} is not part of this run.")

    def _forward(self, update: int) -> None:
        """Make the recorded updates up to this one, again or for the first time, and keep keyframes where due."""
        while self.at < update:
            segment = self._segment(self.at + 1)
            place = self._segments.index(segment)
            end = self._segments[place + 1].first if place + 1 < len(self._segments) else self.last
            stop = min(update, end, self._keyframes.next_due(self.at))
            try:
                self._make(segment, stop - self.at)
            except BaseException:
                # Interrupted between two updates, or within one: the next move begins at a keyframe.
                self.at = -1
                raise
            self.at = stop
            if self._keyframes.wants(stop):
                self._keyframes.keep(stop, self.learner.moment())

    def _make(self, segment: Segment, count: int) -> None:
        """The next `count` updates of a segment, in place."""
        settings = segment.settings
        learner, batches = self._use(settings), self.batches_of(settings)
        update = self.at
        changes = settings.shuffle or settings.schedule != "constant"
        while count:
            epoch, batch = segment.place(update + 1, batches.count)
            # Order and learning rate may be others in the next epoch.
            part = min(count, batches.count - batch) if changes else count
            rate = rate_of(settings, epoch)
            if segment.fast:
                part = self._make_fast(batches, epoch, batch, part, update, rate=rate)
            else:
                learner.bind(self._x, self._targets, batches.order(epoch))
                learner.updates(batches, batch, part, number=update + 1, rate=rate)
            update, count = update + part, count - part

    def _make_fast(self, batches: Batches, epoch: int, batch: int, count: int, update: int, *, rate: float) -> int:
        """Updates by the compiled kernel; how many. One that goes wrong is numpy's, so that it can be looked into."""
        learner = self.learner
        if self.plan.dropout_neurons:
            count = min(count, MOST_MASKED)
        made = learner.fast_updates(
            self._x, self._targets, batches, epoch=epoch, batch=batch, count=count, number=update + 1, rate=rate
        )
        if made < count:
            learner.bind(self._x, self._targets, batches.order(epoch))
            learner.updates(batches, (batch + made) % batches.count, 1, number=update + made + 1, rate=rate)
            return made + 1
        return made

    # Copies

    def _twin(self, update: int, plan: Plan) -> Self:
        """A copy up to and including this update that can go on otherwise; `plan` may have other ids."""
        learner = self.learner
        twin = copy.copy(self)
        twin.last = update
        twin._segments = [segment for segment in self._segments if segment.first < update]
        twin._keyframes = self._keyframes.copy(update)
        twin.new_points = self.new_points.copy(update)
        twin._batches = {}
        twin._stand_in(plan, learner.settings)
        twin.go_to(update)
        return twin

    def rest(self) -> None:
        """Take little memory until it is gone on with: fewer keyframes, more to compute when going back."""
        learner = self._learner
        if learner is not None:
            self._keyframes.thin(REST_BYTES)
            # It has none of the arrays and programs that batches leave behind in a learner.
            self._stand_in(learner.plan, learner.settings)
