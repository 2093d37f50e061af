"""The trainer: a run over the whole table in a thread of its own, while the window goes on answering."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, QTimer, Signal

from core.errors import NnvizError, TrainingError
from core.history import LossPoint
from core.numbers import format_number
from core.project import Project
from core.training import CANNOT_TRAIN, Progress, Run, project_at
from nnviz_app.document import Change, Document, State
from nnviz_app.turns import Turns

# Seconds of training between two reports to the window, at least.
REPORT_SECONDS = 0.06
# The window's share of the time: a report that took 20 ms to show is followed by 160 ms of training at least.
TRAINING_TO_SHOWING = 8.0
# How long training waits for the window to have shown a report.
SHOWING_LIMIT = 1.0
# Between the canvas and the panels of a report the window answers what has come in the meantime.
BETWEEN_MILLISECONDS = 2
# When panels have taken this long over a report, those after them wait for the next one.
TURNS_SECONDS = 0.004
# Python's default of 5 ms makes each of the window's many small calls wait that long for the worker.
SWITCH_SECONDS = 0.0005

BUSY = "A run is under way: stop it first."


class Lockable(Protocol):
    """What must not move by itself while a run is under way: the player."""

    def lock(self, locked: bool) -> None:
        """Refuse to step, or step again."""


@dataclass(frozen=True, slots=True)
class Report:
    """One moment of a run, for the window: nothing in it is changed any more."""

    progress: Progress
    # As it is after the run's last update.
    project: Project
    points: tuple[LossPoint, ...]


class _Worker(QThread):
    """Trains `run`, which is its own until it has finished, and reports now and then."""

    reported = Signal(object)

    def __init__(self, run: Run, project: Project, epochs: int, parent: QObject) -> None:
        super().__init__(parent)
        self.training, self.project, self.update, self.epochs = run, project, project.updates, epochs
        self._reported_at = time.perf_counter()
        self._due = self._reported_at + REPORT_SECONDS
        # Why the run ended before its time, where a setting or a breakpoint wanted it.
        self.reason, self.at_breakpoint = "", False
        self.error = ""
        self.fault: Exception | None = None
        self.epochs_done = 0
        self._stop = threading.Event()
        self._shown = threading.Event()
        self._shown.set()

    def stop(self) -> None:
        """End after the update under way."""
        self._stop.set()
        self._shown.set()

    def shown(self) -> None:
        """The window has shown the last report: the next one comes after as much training as its share asks for."""
        now = time.perf_counter()
        self._due = now + max(REPORT_SECONDS, TRAINING_TO_SHOWING * (now - self._reported_at))
        self._shown.set()

    def run(self) -> None:
        try:
            self._train()
        except NnvizError as error:
            self.error = str(error)
        except Exception as error:
            # A fault in the program must not leave the window locked for ever.
            self.fault = error
            self.error = f"The run ended with a fault in the program: {error!r}."

    def _train(self) -> None:
        run, project = self.training, self.project
        steps = run.train(self.update, project.settings, epochs=self.epochs, breakpoints=project.breakpoints)
        try:
            for progress in steps:
                self.epochs_done, self.reason = progress.epoch, progress.reason
                self.at_breakpoint = progress.at_breakpoint
                if self._stop.is_set():
                    break
                if self._shown.is_set() and time.perf_counter() >= self._due:
                    self._report(progress)
        finally:
            steps.close()

    def _report(self, progress: Progress) -> None:
        """Let the window show where the run is."""
        run = self.training
        report = Report(progress, project_at(self.project, run, progress.update), run.points())
        self._shown.clear()
        self._reported_at = time.perf_counter()
        self.reported.emit(report)
        # The window works undisturbed in the meantime: two threads that both want the interpreter slow each
        # other down much more than taking turns does.
        if not self._stop.is_set():
            self._shown.wait(SHOWING_LIMIT)


class Trainer(QObject):
    """Runs epochs over the whole table. While it does, the document is busy and the player locked.

    `finished` comes with a sentence about what was reached, `refused` with one about why a run could not
    start or had to end early. All signals come in the window's thread.
    """

    started = Signal()
    running_changed = Signal(bool)
    progressed = Signal(object)
    finished = Signal(str)
    refused = Signal(str)
    # The next update is the one that makes a breakpoint hold.
    stopped_at_breakpoint = Signal()

    def __init__(self, document: Document, player: Lockable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.player = document, player
        self.live_points: tuple[LossPoint, ...] = ()
        self.progress: Progress | None = None
        self._worker: _Worker | None = None
        self._before: State | None = None
        # The panels that follow a run one after the other.
        self.turns = Turns()
        self._waits_for_turns = False
        self._showing = False
        self._switch_seconds = sys.getswitchinterval()
        document.changed.connect(self._give_up)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.shutdown)

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def start(self, epochs: int) -> None:
        """Train `epochs` epochs from the present parameters on."""
        if self.is_running:
            return
        document, update = self.document, self.document.project.updates
        if not document.run.can_train:
            self.refused.emit(CANNOT_TRAIN)
            return
        try:
            branch = document.run.branch(update)
            self.live_points = branch.points()
        except NnvizError as error:
            self.refused.emit(str(error))
            return
        self._before = document.state
        self.progress = Progress(0, epochs, update, self.live_points[-1])
        worker = self._worker = _Worker(branch, document.project, epochs, self)
        worker.reported.connect(self._show)
        worker.finished.connect(self._end)
        document.busy = BUSY
        self.player.lock(True)
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(min(SWITCH_SECONDS, self._switch_seconds))
        self.running_changed.emit(True)
        self.started.emit()
        worker.start()

    def stop(self) -> None:
        """End the run soon; what has been learned until then is kept."""
        if self._worker is not None:
            self._worker.stop()

    def shutdown(self) -> None:
        """End the run, keep what has been learned, and wait until the thread is gone."""
        worker = self._worker
        if worker is not None:
            worker.stop()
            worker.wait()
            self._end()

    def _show(self, report: Report) -> None:
        worker = self._worker
        if worker is None or self.sender() is not worker:
            return
        self.live_points, self.progress = report.points, report.progress
        self._showing = True
        try:
            self.document.show_progress(report.project)
        finally:
            self._showing = False
        self.progressed.emit(report.progress)
        self._waits_for_turns = True
        self._after_painting()

    def _after_painting(self) -> None:
        # Behind the repaints that have been caused, whose events are of low priority themselves.
        QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), Qt.EventPriority.LowEventPriority.value - 1)

    def customEvent(self, event: QEvent) -> None:
        if self._worker is None:
            return
        if self._waits_for_turns:
            self._waits_for_turns = False
            QTimer.singleShot(BETWEEN_MILLISECONDS, self, self._take_turns)
        else:
            self._worker.shown()

    def _take_turns(self) -> None:
        self.turns.take(TURNS_SECONDS)
        self._after_painting()

    def _end(self) -> None:
        worker, before = self._worker, self._before
        # The signal of a former worker may still come when the next one is at work.
        if worker is None or before is None or not worker.isFinished():
            return
        self._release()
        run, epochs = worker.training, worker.epochs_done
        text = f"Run {epochs} epoch{'' if epochs == 1 else 's'}"
        self._showing = True
        try:
            self.document.finish_run(text, before, run, run.last)
        except TrainingError as error:
            worker.error = worker.error or str(error)
        except Exception as fault:
            # A fault in the program: what was before the run is shown again, and the window is free.
            worker.fault = worker.fault or fault
            worker.error = worker.error or f"The run ended with a fault in the program: {fault!r}."
            self.document.finish_run(text, before, run, before.project.updates)
        finally:
            self._showing = False
        self.running_changed.emit(False)
        if worker.fault is not None:
            # As with any other fault: the details go where the program keeps them.
            sys.excepthook(type(worker.fault), worker.fault, worker.fault.__traceback__)
        if worker.error:
            self.refused.emit(worker.error)
        elif worker.at_breakpoint:
            self.stopped_at_breakpoint.emit()
        self.finished.emit(self._summary(worker, before))

    def _summary(self, worker: _Worker, before: State) -> str:
        run, update = worker.training, worker.update
        made = run.last - update
        if not made:
            return worker.reason or "Stopped before the first update."
        points = run.points()
        was = next(point.loss for point in reversed(points) if point.update <= update)
        count, updates = worker.epochs_done, f"{run.last:,} update{'' if run.last == 1 else 's'}"
        done = f"{count:,} epoch{'' if count == 1 else 's'}"
        opening = f"{done} done" if count == worker.epochs else f"Stopped after {done}"
        if worker.reason:
            opening = f"{worker.reason} {opening}"
        change = f"the loss went from {format_number(was)} to {format_number(points[-1].loss)}"
        return f"{opening}: {change} ({updates} in all)."

    def _give_up(self, change: Change) -> None:
        """Another project, or an undo, came in between: the run has no place to end in, so it is dropped."""
        worker = self._worker
        if worker is None or self._showing:
            return
        worker.stop()
        worker.wait()
        self._release()
        self.running_changed.emit(False)
        self.finished.emit("The run was dropped because the project was changed meanwhile.")

    def _release(self) -> None:
        worker, self._worker, self._before = self._worker, None, None
        self.progress = None
        self.live_points = ()
        self.document.busy = ""
        self.player.lock(False)
        sys.setswitchinterval(self._switch_seconds)
        if worker is not None:
            worker.wait()
            worker.deleteLater()
