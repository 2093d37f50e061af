"""Runs: updates one after the other, each of which can be gone back to bit for bit."""

from __future__ import annotations

import time
from array import array
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.engine import Engine
from core.errors import TrainingError
from core.plan import Plan, compile_network
from core.project import Project

# Memory for the keyframes of one run, in bytes.
KEYFRAME_BYTES = 64 * 2**20
# The same for a run that only the undo history still holds.
REST_BYTES = 2**20
FIRST_INTERVAL = 32
# What a keyframe takes beside its numbers: the array object and its entry in the dictionary.
KEYFRAME_OVERHEAD = 240
# Losses kept of one run's epochs; beyond it every second one is dropped.
POINT_LIMIT = 20_000
# `Run.train` comes up for air this often, in seconds, within an epoch that takes long.
BREATH = 0.05


@dataclass(frozen=True, slots=True)
class LossPoint:
    """The loss over the whole table after `update` updates."""

    update: int
    loss: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `Run.train` has come: `epoch` epochs are done; `loss` is that after the last of them."""

    epoch: int
    epochs: int
    update: int
    loss: float


class Run:
    """The updates since the last change of network, data or settings, which stay as they are for a run's life.

    `first` is the number of updates made before it. Parameters are kept at keyframes and computed again between
    them by the same operations, so that `parameters_at` gives back the former ones bit for bit.
    `points` holds the losses for the plot, those of former runs included.
    """

    def __init__(self, project: Project, points: tuple[LossPoint, ...] = ()) -> None:
        self.network = project.network
        self.dataset = project.dataset
        self.settings = project.settings
        self.first = project.updates
        earlier = tuple(point for point in points if point.update < self.first)
        self.earlier = earlier if len(earlier) <= POINT_LIMIT else (*earlier[:-1:2], earlier[-1])
        self._points: list[LossPoint] = []
        # The updates made one at a time, whose points are never dropped; of the epochs one in `_stride` has one.
        self._stepped: set[int] = set()
        self._stride = 1
        self._epochs = 0
        self._starts = array("q")
        self._stops = array("q")
        self._keyframes: dict[int, NDArray[np.float64]] = {}
        self._interval = FIRST_INTERVAL
        self._engine: Engine | None = None
        self._at = self.first

    # Set-up that costs something is done when it is first needed.

    @property
    def plan(self) -> Plan:
        """The compiled network."""
        return self.engine.plan

    @property
    def engine(self) -> Engine:
        """The run's own engine; its parameters are those after some update of the run."""
        if self._engine is None:
            self._engine = Engine(compile_network(self.network), loss=self.settings.loss, mean=self.settings.batch_mean)
            self._engine.load(self.network.values)
            self._keyframes[self.first] = self._engine.parameters.copy()
            self._trainable = self._engine.plan.trainable(update_biases=self.settings.update_biases)
            self._x = self.dataset.matrix([n.id for n in self.network.inputs])
            self._targets = self.dataset.matrix([n.id for n in self.network.outputs])
        return self._engine

    @property
    def last(self) -> int:
        """The number of the last update that the run has made."""
        return self.first + len(self._starts)

    def points(self, until: int | None = None) -> tuple[LossPoint, ...]:
        """The losses up to and including update `until` (all of them without it), in order."""
        self._note_start()
        points = (*self.earlier, *self._points)
        return points if until is None else tuple(point for point in points if point.update <= until)

    def _note_start(self) -> None:
        if self.can_train and not self._points:
            self._points.append(LossPoint(self.first, self.table_loss(self.first)))

    def _note_epoch(self, loss: float) -> None:
        """Add the point of the epoch just made, so that at most about POINT_LIMIT are kept, evenly spread."""
        points = self._points
        # The last epoch always has a point: that of the one before goes unless its turn had come.
        if self._epochs % self._stride and points[-1].update not in self._stepped and len(points) > 1:
            points.pop()
        self._epochs += 1
        points.append(LossPoint(self.last, loss))
        if len(points) > POINT_LIMIT + len(self._stepped):
            self._stride *= 2
            stepped, last = self._stepped, len(points) - 1
            self._points = [
                p for place, p in enumerate(points) if place % 2 == 0 or place == last or p.update in stepped
            ]

    @property
    def can_train(self) -> bool:
        """Whether there is an output and a row, so that there is a loss."""
        return bool(self.network.outputs) and self.dataset.rows > 0

    def table_loss(self, update: int) -> float:
        """The loss over the whole table after `update` updates."""
        self._restore(update)
        self.engine.forward(self._x)
        return self.engine.loss_value(self._targets)

    def parameters_at(self, update: int) -> dict[str, float]:
        """Every parameter after `update` updates, bit for bit as they were."""
        self._restore(update)
        return self.engine.plan.unpack(self.engine.parameters)

    def rows_of(self, update: int) -> range:
        """The rows of the batch that made update number `update` (the first is `first` + 1)."""
        place = update - self.first - 1
        return range(self._starts[place], self._stops[place])

    def _restore(self, update: int) -> None:
        engine = self.engine
        if self._at == update:
            return
        if not self.first <= update <= self.last:
            raise TrainingError(f"Update {update} is not part of this run.")
        keyframe = update - (update - self.first) % self._interval
        if not keyframe <= self._at < update:
            engine.parameters[:] = self._keyframes[keyframe]
            self._at = keyframe
        while self._at < update:
            self._compute(self.rows_of(self._at + 1))

    def _compute(self, rows: range) -> None:
        engine = self.engine
        part = slice(rows.start, rows.stop)
        engine.forward(self._x[part])
        engine.loss_value(self._targets[part])
        engine.backward()
        engine.descend(self.settings.learning_rate, self._trainable)
        self._at += 1

    def branch(self, update: int) -> Run:
        """A run that shares this one's updates up to `update` and can go on otherwise."""
        source = self.engine
        twin = Run.__new__(Run)
        twin.__dict__.update(self.__dict__)
        count = update - self.first
        twin._starts, twin._stops = self._starts[:count], self._stops[:count]
        twin._keyframes = {k: v for k, v in self._keyframes.items() if k <= update}
        twin._points = [point for point in self._points if point.update <= update]
        twin._stepped = {made for made in self._stepped if made <= update}
        twin._engine = Engine(source.plan, loss=self.settings.loss, mean=self.settings.batch_mean)
        twin._engine.parameters[:] = source.parameters
        return twin

    def advance(self, update: int, rows: range, *, noted: bool = True) -> Run:
        """Make the update that follows `update`, on the batch `rows`, and return the run that holds it.

        That is this run itself, unless it has gone on from there with another batch already. Unless `noted`,
        the loss after it is not computed and gets no point.
        Raises TrainingError when the update is impossible or would make a parameter infinite or NaN.
        """
        if not self.can_train:
            raise TrainingError("An update needs an output neuron and a row of data with its target.")
        if update < self.last:
            if self.rows_of(update + 1) == rows:
                return self
            return self.branch(update).advance(update, rows, noted=noted)
        self._note_start()
        self._restore(update)
        self._append(rows)
        if not np.isfinite(self.engine.parameters).all():
            self._forget_last()
            raise TrainingError(
                f"Update {update + 1} would make a parameter infinite: the parameters stay as they were. "
                "Try a smaller learning rate."
            )
        if noted:
            self._stepped.add(update + 1)
            self._points.append(LossPoint(update + 1, self.table_loss(update + 1)))
        return self

    def _append(self, rows: range) -> None:
        self._compute(rows)
        self._starts.append(rows.start)
        self._stops.append(rows.stop)
        if (self._at - self.first) % self._interval == 0:
            self._keyframes[self._at] = self.engine.parameters.copy()
            self._thin_keyframes(KEYFRAME_BYTES)

    def _thin_keyframes(self, limit: int) -> None:
        size = self.engine.parameters.nbytes + KEYFRAME_OVERHEAD
        while len(self._keyframes) * size > limit and len(self._keyframes) > 4:
            self._interval *= 2
            self._keyframes = {k: v for k, v in self._keyframes.items() if (k - self.first) % self._interval == 0}

    def rest(self) -> None:
        """Take little memory until the run is gone on with: fewer keyframes, more to compute when going back."""
        if self._engine is not None:
            self._thin_keyframes(REST_BYTES)

    def _forget_last(self) -> None:
        self._go_back_to(self.last - 1)

    def _go_back_to(self, update: int) -> None:
        """Forget the updates after `update`, for which there are no points yet."""
        count = update - self.first
        del self._starts[count:], self._stops[count:]
        self._keyframes = {k: v for k, v in self._keyframes.items() if k <= update}
        self._at = -1
        self._restore(update)

    def train(self, update: int, epochs: int) -> Generator[Progress, None, None]:
        """Make `epochs` passes over the table from update number `update` on; yield after each of them.

        It also yields within an epoch that takes long. The run must stand at its last update (see `branch`).
        Closing the iterator keeps the updates made so far. Raises TrainingError when a parameter or the loss
        becomes infinite or NaN; the updates up to the end of the epoch before it are then kept.
        """
        if not self.can_train:
            raise TrainingError("Training needs an output neuron and a row of data with its target.")
        if update != self.last:
            raise TrainingError(f"The run has gone on to update {self.last} already.")
        self._note_start()
        self._restore(update)
        rows = self.dataset.rows
        size = self.settings.batch_size or rows
        batches = [range(start, min(start + size, rows)) for start in range(0, rows, size)]
        loss = self._points[-1].loss
        sealed = update
        breath = time.perf_counter() + BREATH
        try:
            for epoch in range(1, epochs + 1):
                for batch in batches:
                    self._append(batch)
                    if time.perf_counter() > breath and self.last < sealed + len(batches):
                        self._check(sealed, loss)
                        yield Progress(epoch - 1, epochs, self.last, loss)
                        breath = time.perf_counter() + BREATH
                loss = self._loss_at_last()
                self._check(sealed, loss)
                sealed = self.last
                self._note_epoch(loss)
                yield Progress(epoch, epochs, self.last, loss)
        finally:
            # Stopped within an epoch: what has been learned is kept, if it is finite.
            if self.last > sealed:
                loss = self._loss_at_last()
                self._check(sealed, loss)
                self._note_epoch(loss)

    def _loss_at_last(self) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.table_loss(self.last)

    def _check(self, sealed: int, loss: float) -> None:
        """Go back to update `sealed` and raise TrainingError unless the loss and all parameters are finite."""
        if np.isfinite(loss) and np.isfinite(self.engine.parameters).all():
            return
        self._go_back_to(sealed)
        raise TrainingError(
            f"The loss became infinite in the epoch after update {sealed}: the parameters of update {sealed} "
            "are kept. Try a smaller learning rate."
        )
