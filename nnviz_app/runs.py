"""Former runs, kept beside the present one for comparison. They last as long as the project is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from core.history import LossPoint
from core.numbers import format_number
from core.optimizers import OPTIMIZERS
from core.settings import Settings
from core.training import Run
from nnviz_app.document import Change, Document

# The oldest makes way for a new one: more curves could not be told apart.
MOST_RUNS = 7


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """Loss points as arrays: updates, shape (points,), and numbers, shape (points, 4), NaN where there is none.

    The columns are loss, test loss, accuracy and test accuracy.
    """

    updates: NDArray[np.int64]
    numbers: NDArray[np.float64]

    @classmethod
    def of(cls, points: Sequence[LossPoint]) -> Course:
        """The arrays of these points, which are in order."""
        rows = [(p.update, p.loss, p.test_loss, p.accuracy, p.test_accuracy) for p in points]
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0].astype(np.int64), table[:, 1:])

    def __len__(self) -> int:
        return len(self.updates)

    def place_at(self, update: int) -> int:
        """The place of the last point at or before this update; -1 before the first."""
        return int(np.searchsorted(self.updates, update, side="right")) - 1

    def _shared(self, other: Course) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The places of the updates that `other` has as well, and whether the losses are the same to the bit."""
        if not len(self) or not len(other):
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.bool_)
        places = np.minimum(np.searchsorted(other.updates, self.updates), len(other) - 1)
        shared = np.flatnonzero(other.updates[places] == self.updates)
        return shared, self.numbers[shared, 0] == other.numbers[places[shared], 0]

    def parting(self, other: Course) -> int:
        """The place of the last point that lies on `other` too, before the two part; 0 if they never agree."""
        shared, same = self._shared(other)
        agreeing = len(same) if same.all() else int(np.argmin(same))
        return int(shared[agreeing - 1]) if agreeing else 0

    def is_part_of(self, other: Course) -> bool:
        """Whether `other` made the same updates, and perhaps more."""
        shared, same = self._shared(other)
        # The same start alone says nothing.
        return len(shared) > 1 and bool(same.all()) and bool(self.updates[-1] <= other.updates[-1])


@dataclass(eq=False)
class KeptRun:
    """A former run with a name and a number for its colour, from 0 to below MOST_RUNS."""

    name: str
    color: int
    run: Run
    course: Course
    is_shown: bool = True


class RunShelf(QObject):
    """The former runs of a document. A run that gives way to one that has not got as far is kept by itself."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.kept: list[KeptRun] = []
        self._number = 0
        document.run_left.connect(self.keep)
        document.changed.connect(self._follow)

    def keep(self, run: Run) -> None:
        """Keep a run as far as it has got, under a name that says how it was trained.

        One that was kept already and has gone on since is brought up to date; nothing is kept twice.
        """
        if run.last == run.first:
            return
        course = Course.of(run.points())
        same = next((kept for kept in self.kept if course.is_part_of(kept.course)), None)
        if same is not None:
            if course.updates[-1] == same.course.updates[-1]:
                # The very same updates: something may have another name in it since.
                same.run = run
                self.changed.emit()
            return
        begun = next((kept for kept in self.kept if kept.course.is_part_of(course)), None)
        if begun is not None:
            begun.run, begun.course = run, course
        else:
            self._number += 1
            del self.kept[: 1 - MOST_RUNS]
            color = min(set(range(MOST_RUNS)) - {kept.color for kept in self.kept})
            name = f"Run {self._number}: {describe_settings(run.settings_of(run.last))}"
            self.kept.append(KeptRun(name, color, run, course))
        self.changed.emit()

    def has(self, run: Run) -> bool:
        """Whether this very run is kept as far as it has got."""
        return any(kept.run is run and kept.course.updates[-1] == run.last for kept in self.kept)

    def rename(self, kept: KeptRun, name: str) -> None:
        """Give a run another name; an empty one is passed over."""
        if name.strip() and name.strip() != kept.name:
            kept.name = name.strip()
            self.changed.emit()

    def show(self, kept: KeptRun, shown: bool) -> None:
        """Show a run's curves, or hide them."""
        if shown != kept.is_shown:
            kept.is_shown = shown
            self.changed.emit()

    def remove(self, kept: KeptRun) -> None:
        """Forget a run."""
        self.kept.remove(kept)
        self.changed.emit()

    def clear(self) -> None:
        """Forget all of them."""
        if self.kept:
            self.kept.clear()
            self.changed.emit()

    def _follow(self, change: Change) -> None:
        if change.project:
            self._number = 0
            self.clear()


def describe_settings(settings: Settings) -> str:
    """What tells a run from others: optimizer, learning rate, batch size."""
    title = OPTIMIZERS[settings.optimizer].title
    batch = f"batch {settings.batch_size}" if settings.batch_size else "all rows"
    return f"{title}, rate {format_number(settings.learning_rate, 3)}, {batch}"
