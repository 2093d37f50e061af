"""Runs: updates one after the other, each of which can be gone back to bit for bit."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.batches import Batches
from core.breakpoints import Breakpoint, Watch
from core.errors import TrainingError
from core.history import POINT_LIMIT, REST_BYTES, Keyframes, LossPoint, Points, Segment, first_interval
from core.learning import Learner, can_be_fast, rate_of
from core.metrics import accuracy
from core.numbers import format_number
from core.plan import Plan, compile_network
from core.project import Project
from core.settings import Memory, Settings

# `Run.train` comes up for air this often, in seconds.
BREATH = 0.05
# The most updates made at once, however quick they are: a stop waits for them, and so does the search for the one
# that went wrong.
MOST_AT_ONCE = 2**18
MOST_MASKED = 256
CANNOT_TRAIN = "Training needs an output neuron and a training row of data with its target."
TRY_SMALLER = "Try a smaller learning rate."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `Run.train` has come: `epoch` of `epochs` epochs are done; `point` is the last that was computed.

    `reason` says why the run ends here, where it does so before its time; `at_breakpoint`: the next update is the
    one that makes a breakpoint hold.
    """

    epoch: int
    epochs: int
    update: int
    point: LossPoint
    reason: str = ""
    at_breakpoint: bool = False

    @property
    def loss(self) -> float:
        """The training loss after the last epoch for which it was computed."""
        return self.point.loss


class Run:
    """The updates since the last change of network or data, which stay as they are for a run's life.

    Settings may change between two updates, but for those that change what the loss is. `first` is the number of
    updates made before the run. Moments are kept at keyframes and computed again between them by the same
    operations, so that `parameters_at` gives back the former ones bit for bit. `points` holds the losses for the
    plot, those of former runs included.
    """

    def __init__(self, project: Project, points: tuple[LossPoint, ...] = ()) -> None:
        self.network = project.network
        self.dataset = project.dataset
        self.settings = project.settings
        self.first, self.first_epoch, self._first_used = project.updates, project.epoch, project.used_rows
        self.last = self.first
        earlier = tuple(point for point in points if point.update < self.first)
        self.earlier = earlier if len(earlier) <= POINT_LIMIT else (*earlier[:-1:2], earlier[-1])
        self._first_memory = project.memory
        self._segments: list[Segment] = []
        self._points = Points()
        self._batches: dict[tuple[int, bool, int], Batches] = {}
        self._learner: Learner | None = None
        self._at = self.first

    # Set-up that costs something is done when it is first needed.

    @property
    def learner(self) -> Learner:
        """The run's own learner; its parameters are those after some update of the run."""
        if self._learner is None:
            self._plan = compile_network(self.network)
            self._learner = Learner(self._plan, self.settings)
            self._learner.load(self.network.values, self._first_memory)
            self._x = self.dataset.matrix([n.id for n in self.network.inputs])
            self._targets = self.dataset.matrix([n.id for n in self.network.outputs])
            self._training_rows = self.dataset.training_rows
            self._test_rows = self.dataset.test_rows
            size = min(self.settings.batch_size or len(self._training_rows), len(self._training_rows))
            self._keyframes = Keyframes(self.first, first_interval(self._plan.size * max(1, size)))
            self._keyframes.keep(self.first, self._learner.moment())
        return self._learner

    @property
    def plan(self) -> Plan:
        """The compiled network."""
        return self.learner.plan

    def _use(self, settings: Settings) -> Learner:
        """The learner with these settings, in the state that the present one is in."""
        learner = self.learner
        if not learner.settings.learns_as(settings):
            self._learner = Learner(learner.plan, settings)
            self._learner.restore(learner.moment())
        return self._learner or learner

    def _batches_of(self, settings: Settings) -> Batches:
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
        return keyframes + 200 * (len(self._points.all) + len(self._segments))

    def _segment(self, update: int) -> Segment:
        """The segment that made this update."""
        return self._segments[bisect_left(self._segments, update, key=lambda segment: segment.first) - 1]

    def _place(self, update: int) -> tuple[int, int]:
        """The epoch and the batch that made this update."""
        segment = self._segment(update)
        return segment.place(update, self._batches_of(segment.settings).count)

    def epoch_at(self, update: int) -> int:
        """How many epochs are finished after `update` updates."""
        if update <= self.first:
            return self.first_epoch
        epoch, batch = self._place(update)
        return epoch + (batch == self._batches_of(self._segment(update).settings).count - 1)

    def used_rows_at(self, update: int) -> int:
        """How many training rows the epoch under way has used after `update` updates; 0 between two epochs."""
        if update <= self.first:
            return self._first_used
        batches = self._batches_of(self._segment(update).settings)
        used = batches.bounds(self._place(update)[1])[1]
        return 0 if used >= len(batches.training_rows) else used

    def next_batch(self, update: int, settings: Settings) -> int:
        """The batch whose turn it is after `update` updates: the one after the rows that the epoch has used."""
        used = self.used_rows_at(update)
        return used // self._batches_of(settings).size if used else 0

    def settings_of(self, update: int) -> Settings:
        """The settings with which update number `update` was made."""
        return self._segment(update).settings

    def rows_of(self, update: int) -> NDArray[np.intp]:
        """The rows of the batch that made update number `update` (the first is `first` + 1)."""
        epoch, batch = self._place(update)
        return self._batches_of(self._segment(update).settings).rows(epoch, batch)

    def points(self, until: int | None = None) -> tuple[LossPoint, ...]:
        """The losses up to and including update `until` (all of them without it), in order."""
        self._note_start()
        points = (*self.earlier, *self._points.all)
        return points if until is None else tuple(point for point in points if point.update <= until)

    def point_at(self, update: int) -> LossPoint:
        """The losses and accuracies after `update` updates, computed anew."""
        self._restore(update)
        return self._measure()

    def table_loss(self, update: int) -> float:
        """The loss over all training rows after `update` updates."""
        return self.point_at(update).loss

    def parameters_at(self, update: int) -> dict[str, float]:
        """Every parameter after `update` updates, bit for bit as they were."""
        if update == self.first:
            # As they were entered: an engine of single precision has them rounded.
            return dict(self.network.values)
        self._restore(update)
        return self.plan.unpack(self.learner.engine.parameters, kept=self.network.values)

    def memory_at(self, update: int, optimizer: str | None = None) -> Memory | None:
        """What the optimizer remembers after `update` updates; None where `optimizer` is another one."""
        self._restore(update)
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
            self._restore(update)
            values[row] = self.learner.engine.parameters[places]
        return np.array(updates), values

    # Going back and forth

    def _check_update(self, update: int) -> None:
        if not self.first <= update <= self.last:
            raise TrainingError(f"Update {update} is not part of this run.")

    def _restore(self, update: int) -> None:
        learner = self.learner
        if self._at == update:
            return
        self._check_update(update)
        keyframe = self._keyframes.before(update)
        if not keyframe <= self._at < update:
            learner = self._use(self._segment(keyframe).settings if keyframe > self.first else self.settings)
            learner.restore(self._keyframes.moments[keyframe])
            self._at = keyframe
        self._forward(update)

    def _forward(self, update: int) -> None:
        """Make the recorded updates up to this one, again or for the first time, and keep keyframes where due."""
        while self._at < update:
            segment = self._segment(self._at + 1)
            place = self._segments.index(segment)
            end = self._segments[place + 1].first if place + 1 < len(self._segments) else self.last
            stop = min(update, end, self._keyframes.next_due(self._at))
            try:
                self._make(segment, stop - self._at)
            except BaseException:
                # Interrupted between two updates, or within one: the next restore begins at a keyframe.
                self._at = -1
                raise
            self._at = stop
            if self._keyframes.wants(stop):
                self._keyframes.keep(stop, self.learner.moment())

    def _make(self, segment: Segment, count: int) -> None:
        """The next `count` updates of a segment, in place."""
        settings = segment.settings
        learner, batches = self._use(settings), self._batches_of(settings)
        update = self._at
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
            # Their masks are drawn beforehand.
            count = min(count, MOST_MASKED)
        made = learner.fast_updates(
            self._x, self._targets, batches, epoch=epoch, batch=batch, count=count, number=update + 1, rate=rate
        )
        if made < count:
            learner.bind(self._x, self._targets, batches.order(epoch))
            learner.updates(batches, (batch + made) % batches.count, 1, number=update + made + 1, rate=rate)
            return made + 1
        return made

    def branch(self, update: int) -> Run:
        """A run that shares this one's updates up to `update` and can go on otherwise.

        Raises TrainingError when this run has no such update.
        """
        self._check_update(update)
        source = self.learner
        twin = Run.__new__(Run)
        twin.__dict__.update(self.__dict__)
        twin.last = update
        twin._segments = [segment for segment in self._segments if segment.first < update]
        twin._keyframes = self._keyframes.copy(update)
        twin._points = self._points.copy(update)
        twin._batches = {}
        twin._learner = Learner(source.plan, source.settings)
        twin._learner.restore(source.moment())
        twin._restore(update)
        if twin.can_train and (not twin._points.all or twin._points.all[-1].update != update):
            # So that its curve begins where it leaves the other one.
            twin._points.add_step(twin._measure())
        return twin

    def rest(self) -> None:
        """Take little memory until the run is gone on with: fewer keyframes, more to compute when going back."""
        learner = self._learner
        if learner is not None:
            self._keyframes.thin(REST_BYTES)
            # Another learner in the same state: it has none of the arrays and programs that batches leave behind.
            self._learner = Learner(learner.plan, learner.settings)
            self._learner.restore(learner.moment())

    # Going on

    def advance(self, update: int, batch: int, settings: Settings, *, noted: bool = True) -> Run:
        """Make the update after `update`, on batch number `batch` of the epoch, and return the run that holds it.

        That is this run itself, unless it has gone on from there otherwise already. Unless `noted`, the loss after
        it is not computed and gets no point.
        Raises TrainingError when the update is impossible or would make a parameter infinite or NaN.
        """
        if not self.can_train:
            raise TrainingError("An update needs an output neuron and a training row of data with its target.")
        epoch = self.epoch_at(update)
        if update < self.last:
            if self._place(update + 1) == (epoch, batch) and self.settings_of(update + 1).trains_as(settings):
                return self
            return self.branch(update).advance(update, batch, settings, noted=noted)
        self._note_start()
        self._restore(update)
        self._append(settings, epoch, batch, 1)
        self._forward(self.last)
        if not np.isfinite(self.learner.engine.parameters).all():
            name = self._first_bad()
            self._go_back_to(update)
            raise TrainingError(
                f"Update {update + 1} would make {name} infinite: the parameters stay as they were. {TRY_SMALLER}"
            )
        if noted:
            self._points.add_step(self._measure())
        return self

    def _append(self, settings: Settings, epoch: int, batch: int, count: int, *, fast: bool = False) -> None:
        """Record the next updates; they are made by `_forward`."""
        segment = self._segments[-1] if self._segments else None
        if (
            segment is None
            or segment.fast != fast
            or not segment.settings.trains_as(settings)
            or segment.place(self.last + 1, self._batches_of(segment.settings).count) != (epoch, batch)
        ):
            self._segments.append(Segment(self.last, settings, epoch, batch, fast))
        self.last += count

    def _go_back_to(self, update: int) -> None:
        """Forget the updates after `update`."""
        self.last = update
        self._segments = [segment for segment in self._segments if segment.first < update]
        self._keyframes.drop_after(update)
        self._points.drop_after(update)
        self._at = -1
        self._restore(update)

    def train(
        self,
        update: int,
        settings: Settings,
        *,
        epochs: int,
        breakpoints: Iterable[Breakpoint] = (),
        every: int = 0,
    ) -> Generator[Progress, None, None]:
        """Go on for `epochs` epochs after update number `update`, the one under way included; yield now and then.

        The run must stand at its last update (see `branch`). It ends early where the settings say so or a breakpoint
        holds: before the update that makes it hold. Losses are measured at the ends of some epochs, those whose number
        `every` divides among them. Closing the iterator keeps the updates made so far.
        Raises TrainingError when a parameter or the loss becomes infinite or NaN; the updates before are kept.
        """
        if not self.can_train:
            raise TrainingError(CANNOT_TRAIN)
        if update != self.last:
            raise TrainingError(f"The run has gone on to update {self.last} already.")
        self._note_start()
        self._restore(update)
        training = _Training(self, settings, epochs, tuple(b for b in breakpoints if b.enabled), every)
        try:
            yield from training.go_on()
        finally:
            # Stopped within an epoch: what has been learned is kept, if it is finite.
            training.seal()

    # Losses

    def _note_start(self) -> None:
        if self.can_train and not self._points.all:
            here = self._at
            self._points.add_step(self.point_at(self.first))
            self._restore(here)

    def _measure(self) -> LossPoint:
        """The losses and accuracies with the present parameters."""
        learner = self.learner
        training, test = self._training_rows, self._test_rows
        loss, outputs = learner.evaluate(self._x, self._targets, training)
        test_loss, test_outputs = learner.evaluate(self._x, self._targets, test) if len(test) else (None, None)
        return LossPoint(
            self._at,
            loss,
            test_loss,
            accuracy(outputs, self._targets[training], table=self._targets),
            None if test_outputs is None else accuracy(test_outputs, self._targets[test], table=self._targets),
        )

    def _first_bad(self) -> str:
        """The first parameter that is infinite or NaN."""
        values = self.plan.unpack(self.learner.engine.parameters)
        return next((_named(self, name) for name, value in values.items() if not np.isfinite(value)), "the loss")


def project_at(project: Project, run: Run, update: int) -> Project:
    """A copy of `project`, which `run` is of, as it is after `update` updates."""
    draft = project.copy()
    draft.network.set_values(run.parameters_at(update))
    draft.start = project.start_values() if update else None
    draft.updates, draft.epoch, draft.used_rows = update, run.epoch_at(update), run.used_rows_at(update)
    draft.memory = run.memory_at(update, project.settings.optimizer)
    draft.network.share_unchanged(project.network)
    return draft


class _Training:
    """One call of `Run.train`: how far it has come and whether it has to end."""

    def __init__(
        self, run: Run, settings: Settings, epochs: int, breakpoints: tuple[Breakpoint, ...], every: int
    ) -> None:
        self.run, self.settings, self.breakpoints = run, settings, breakpoints
        self.every = every
        self.epochs, self.first_epoch = epochs, run.epoch_at(run.last)
        self.batches = run._batches_of(settings)
        self.sealed = run.last
        self.point = run._points.all[-1]
        self.stops = settings.stop_loss is not None or settings.stop_accuracy is not None or settings.patience > 0
        self.best, self.best_epoch = np.inf, 0
        self.quickness = 1.0
        # How many epochs had been finished when the losses were last measured.
        self.noted = 0
        self.fast = not breakpoints and can_be_fast(run.plan, settings, self.batches.size)
        self.watches = [_Watched(run, breakpoint) for breakpoint in breakpoints]

    @property
    def epoch(self) -> int:
        """How many epochs have been finished in this call."""
        return self.run.epoch_at(self.run.last) - self.first_epoch

    def progress(self, reason: str = "") -> Progress:
        return Progress(self.epoch, self.epochs, self.run.last, self.point, reason)

    def go_on(self) -> Generator[Progress, None, None]:
        run, per_epoch = self.run, self.batches.count
        breath = time.perf_counter() + BREATH
        while self.epoch < self.epochs:
            # Up to the next epoch whose loss is wanted; fewer updates where these take long.
            goal = min(self.noted + (1 if self.stops else run._points.epochs_to_next), self.epochs)
            if self.every:
                goal = min(goal, self.noted + self.every - (self.first_epoch + self.noted) % self.every)
            batch = run.next_batch(run.last, self.settings)
            due = (goal - self.epoch) * per_epoch - batch
            count = max(1, min(due, int(BREATH * self.quickness), MOST_AT_ONCE))
            start = time.perf_counter()
            reason = self.make(batch, count)
            now = time.perf_counter()
            self.quickness = count / max(now - start, 1e-9)
            if reason:
                self.seal()
                yield replace(self.progress(reason), at_breakpoint=True)
                return
            if count == due:
                reason = self.note(goal - self.noted)
                self.noted = goal
                yield self.progress(reason)
                if reason:
                    return
            elif now > breath:
                self.check()
                yield self.progress()
            if now > breath:
                breath = time.perf_counter() + BREATH

    def make(self, batch: int, count: int) -> str:
        """The next updates; a sentence where a breakpoint ends the run before one of them."""
        run = self.run
        if not self.watches:
            run._append(self.settings, run.epoch_at(run.last), batch, count, fast=self.fast)
            run._forward(run.last)
            return ""
        for _ in range(count):
            before = run.last
            run._append(self.settings, run.epoch_at(before), run.next_batch(before, self.settings), 1)
            run._forward(run.last)
            held = next((watched for watched in self.watches if watched.holds()), None)
            if held is not None:
                self.check()
                run._go_back_to(before)
                return f"{held.describe()} in update {before + 1}: step through it now."
        return ""

    def note(self, epochs: int) -> str:
        """Measure after the last of these epochs; a sentence where the settings say that the run ends here."""
        run, settings = self.run, self.settings
        point = run._measure()
        self.check(point.loss)
        self.point, self.sealed = point, run.last
        run._points.add_epoch(point, epochs)
        if settings.stop_loss is not None and point.loss <= settings.stop_loss:
            return f"The loss is at most {format_number(settings.stop_loss)}."
        wanted = settings.stop_accuracy
        if wanted is not None and point.accuracy is not None and point.accuracy >= wanted:
            return f"The accuracy is at least {wanted:.4g}."
        watched = point.loss if point.test_loss is None else point.test_loss
        if watched < self.best:
            self.best, self.best_epoch = watched, self.epoch
        elif settings.patience and self.epoch - self.best_epoch >= settings.patience:
            what = "loss" if point.test_loss is None else "test loss"
            return f"The {what} has not become smaller for {settings.patience} epochs."
        return ""

    def check(self, loss: float = 0.0) -> None:
        """Go back to the last good update and raise TrainingError unless the loss and all parameters are finite."""
        run = self.run
        if np.isfinite(loss) and np.isfinite(run.learner.engine.parameters).all():
            return
        wanted = run.last
        bad, name = self._search(wanted)
        run._go_back_to(bad - 1)
        self.point, self.sealed = run._measure(), run.last
        run._points.add_epoch(self.point)
        raise TrainingError(
            f"Update {bad} makes {name} infinite: the run ends with update {bad - 1}, whose parameters are kept. "
            f"{TRY_SMALLER}"
        )

    def _search(self, last: int) -> tuple[int, str]:
        """The first update after the sealed one that spoils something, and what it spoils."""
        run = self.run
        low, high = self.sealed, last
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._is_good(middle) else (low, middle)
        run._restore(high)
        return high, run._first_bad()

    def _is_good(self, update: int) -> bool:
        run = self.run
        run._restore(update)
        return bool(np.isfinite(run.learner.engine.parameters).all()) and np.isfinite(run._measure().loss)

    def seal(self) -> None:
        """Measure after the last update, where that has not been done."""
        if self.run.last > self.sealed:
            self.run._restore(self.run.last)
            point = self.run._measure()
            self.check(point.loss)
            self.point, self.sealed = point, self.run.last
            self.run._points.add_step(point)


class _Watched:
    """A breakpoint and the number it watches, from one update to the next."""

    def __init__(self, run: Run, breakpoint: Breakpoint) -> None:
        self.run, self.breakpoint = run, breakpoint
        self.former: float | None = None
        plan, subject = run.plan, breakpoint.subject
        if breakpoint.watch is Watch.ACTIVATION:
            self.place = plan.rows[subject]
        elif breakpoint.watch is not Watch.LOSS:
            edge = run.network.edges.get(subject)
            self.place = int(plan.name_positions[plan.names.index(edge.parameter if edge else subject)])
        if breakpoint.watch is Watch.PARAMETER:
            self.former = self.value()

    def value(self) -> float:
        """The watched number, of the update just made."""
        learner = self.run.learner
        match self.breakpoint.watch:
            case Watch.LOSS:
                return learner.loss
            case Watch.ACTIVATION:
                return float(learner.engine.workspace.a[self.place].mean())
            case Watch.GRADIENT:
                return float(learner.engine.gradient[self.place])
            case Watch.PARAMETER:
                return float(learner.engine.parameters[self.place])

    def holds(self) -> bool:
        """Whether the condition holds after the update just made."""
        former, self.former = self.former, self.value()
        return self.breakpoint.holds(former, self.former)

    def describe(self) -> str:
        """What holds, in words."""
        watch, subject = self.breakpoint.watch, self.breakpoint.subject
        name = ""
        if watch in (Watch.PARAMETER, Watch.GRADIENT):
            name = subject if subject in self.run.network.edges else f"b({subject})"
            name = f"gradient of {name}" if watch is Watch.GRADIENT else name
        return f"Breakpoint: {self.breakpoint.describe(name)}"


def _named(run: Run, parameter: str) -> str:
    return parameter if parameter in run.network.edges else f"the bias of {parameter}"
