"""One training: updates as many at once as is quick, losses now and then, and the reasons to end."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from core.breakpoints import Breakpoint, Watch
from core.errors import TrainingError
from core.history import LossPoint
from core.learning import can_be_fast
from core.numbers import format_number
from core.settings import Settings
from core.timeline import Timeline

# It comes up for air this often, in seconds.
BREATH = 0.05
# The most updates made at once, however quick they are: a stop waits for them, and so does the search for the one
# that went wrong.
MOST_AT_ONCE = 2**18
TRY_SMALLER = "Try a smaller learning rate."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come: `epoch` of `epochs` epochs are done; `point` is the last that was computed.

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


class TrainingLoop:
    """Goes on with `run` from its last update: how far it has come and whether it has to end.

    `settings`, `epochs`, `breakpoints` (all of them enabled) and `every` are those of `Run.train`.
    """

    def __init__(
        self, run: Timeline, settings: Settings, *, epochs: int, breakpoints: tuple[Breakpoint, ...], every: int
    ) -> None:
        self.run, self.settings = run, settings
        self.every = every
        self.epochs, self.first_epoch = epochs, run.epoch_at(run.last)
        self.batches = run.batches_of(settings)
        # The last update that is known to have spoiled nothing.
        self.sealed = run.last
        self.point = run.new_points.all[-1]
        self.stops = settings.stop_loss is not None or settings.stop_accuracy is not None or settings.patience > 0
        self.best, self.best_epoch = np.inf, 0
        # Updates per second.
        self.quickness = 1.0
        # How many epochs had been finished when the losses were last measured.
        self.noted = 0
        self.fast = not breakpoints and can_be_fast(run.plan, settings, self.batches.size)
        self.watches = [_Watched(run, breakpoint) for breakpoint in breakpoints]

    @property
    def epoch(self) -> int:
        """How many epochs have been finished in this training."""
        return self.run.epoch_at(self.run.last) - self.first_epoch

    def progress(self, reason: str = "") -> Progress:
        """How far it has come."""
        return Progress(self.epoch, self.epochs, self.run.last, self.point, reason)

    def go_on(self) -> Generator[Progress, None, None]:
        """Train to the end, and yield now and then."""
        run, per_epoch = self.run, self.batches.count
        breath = time.perf_counter() + BREATH
        while self.epoch < self.epochs:
            # Up to the next epoch whose loss is wanted; fewer updates where these take long.
            goal = min(self.noted + (1 if self.stops else run.new_points.epochs_to_next), self.epochs)
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
        run, settings = self.run, self.settings
        if not self.watches:
            run.make(settings, epoch=run.epoch_at(run.last), batch=batch, count=count, fast=self.fast)
            return ""
        for _ in range(count):
            before = run.last
            run.make(settings, epoch=run.epoch_at(before), batch=run.next_batch(before, settings), count=1)
            held = next((watched for watched in self.watches if watched.holds()), None)
            if held is not None:
                self.check()
                run.forget_after(before)
                return f"{held.describe()} in update {before + 1}: step through it now."
        return ""

    def note(self, epochs: int) -> str:
        """Measure after the last of these epochs; a sentence where the settings say that the run ends here."""
        run, settings = self.run, self.settings
        point = run.measure()
        self.check(point.loss)
        self.point, self.sealed = point, run.last
        run.new_points.add_epoch(point, epochs)
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
        if np.isfinite(loss) and run.is_finite:
            return
        bad, name = self._search(run.last)
        run.forget_after(bad - 1)
        self.point, self.sealed = run.measure(), run.last
        run.new_points.add_epoch(self.point)
        raise TrainingError(
            f"Update {bad} makes {name} infinite: the run ends with update {bad - 1}, whose parameters are kept. "
            f"{TRY_SMALLER}"
        )

    def _search(self, last: int) -> tuple[int, str]:
        """The first update after the sealed one that spoils something, and what it spoils."""
        low, high = self.sealed, last
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._is_good(middle) else (low, middle)
        self.run.go_to(high)
        return high, self.run.name_infinite()

    def _is_good(self, update: int) -> bool:
        self.run.go_to(update)
        return self.run.is_finite and bool(np.isfinite(self.run.measure().loss))

    def seal(self) -> None:
        """Measure after the last update, where that has not been done."""
        if self.run.last > self.sealed:
            point = self.run.point_at(self.run.last)
            self.check(point.loss)
            self.point, self.sealed = point, self.run.last
            self.run.new_points.add_step(point)


class _Watched:
    """A breakpoint and the number it watches, from one update to the next."""

    def __init__(self, run: Timeline, breakpoint: Breakpoint) -> None:
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
                penalty = learner.penalty
                gradient = learner.engine.gradient if penalty is None else penalty.loss_gradient
                return float(gradient[self.place])
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
