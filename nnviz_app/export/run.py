"""Running a job between the window's events: many slices of it, each too short to be noticed."""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import NnvizError

# So long at a time, in seconds. A job cannot have a thread: what it paints, it paints with Qt's widgets and fonts.
SLICE = 0.012
# Milliseconds between two slices. Not 0: such a timer leaves the window little time to answer in. After a slice that
# was too long in spite of all, such as a picture of many thousand edges, enough for a button pressed by its key, which
# Qt holds down for 100 ms.
REST, LONG_REST = 1, 150
# In seconds.
LONG_SLICE = 0.1

# A job (core.jobs.Job), or something else that is made step by step.
Work = Generator[object, None, object]


class JobRunner(QObject):
    """Runs one job at a time. It ends with exactly one of `finished`, `failed` and `stopped`."""

    # How far it is (core.jobs.Progress): the last report of each slice.
    progressed = Signal(object)
    # What it has written (core.jobs.Written), or made.
    finished = Signal(object)
    # Why it could not: a sentence.
    failed = Signal(str)
    stopped = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: Work | None = None
        self._timer = QTimer(self, interval=REST)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_running(self) -> bool:
        """Whether a job is under way."""
        return self._job is not None

    def start(self, job: Work) -> None:
        """Begin a job, and stop the one before."""
        self.stop()
        self._job = job
        self._timer.start()

    def stop(self) -> None:
        """Stop the job that is under way, if there is one; it takes away what it has written."""
        if self._job is not None:
            self._end().close()
            self.stopped.emit()

    def _end(self) -> Work:
        job = self._job
        assert job is not None
        self._job = None
        self._timer.stop()
        return job

    def _go_on(self) -> None:
        job, begun = self._job, perf_counter()
        until = begun + SLICE
        if job is None:
            return
        try:
            progress = next(job)
            while perf_counter() < until:
                progress = next(job)
        except StopIteration as end:
            self._end()
            self.finished.emit(end.value)
        except NnvizError as error:
            self._end()
            self.failed.emit(str(error))
        except Exception as mistake:
            # The program's own: it is reported as any other, and the window does not wait for ever.
            self._end()
            self.failed.emit(f"Nothing was written: nnviz made a mistake ({type(mistake).__name__}: {mistake}).")
            raise
        else:
            self.progressed.emit(progress)
            self._timer.setInterval(LONG_REST if perf_counter() - begun > LONG_SLICE else REST)
