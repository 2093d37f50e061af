"""Former runs, kept beside the present one for comparison. They last as long as the project is open."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.history import LossPoint
from core.numbers import format_number
from core.optimizers import OPTIMIZERS
from core.settings import Settings
from core.training import Run
from nnviz_app.document import Change, Document

# The oldest makes way for a new one: more curves could not be told apart.
MOST_RUNS = 7


@dataclass(eq=False)
class KeptRun:
    """A former run with a name and a number for its colour."""

    name: str
    color: int
    run: Run
    points: tuple[LossPoint, ...]


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
        """Keep a run under a name that says how it was trained."""
        if run.last == run.first or any(kept.run is run for kept in self.kept):
            return
        self._number += 1
        free = set(range(MOST_RUNS + 1)) - {kept.color for kept in self.kept}
        name = f"Run {self._number}: {describe_settings(run.settings_of(run.last))}"
        self.kept.append(KeptRun(name, min(free), run, run.points()))
        del self.kept[:-MOST_RUNS]
        self.changed.emit()

    def rename(self, kept: KeptRun, name: str) -> None:
        """Give a run another name; an empty one is passed over."""
        if name.strip() and name != kept.name:
            kept.name = name.strip()
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
    return f"{title}, η {format_number(settings.learning_rate, 3)}, {batch}"
