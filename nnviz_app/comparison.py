"""The comparison: what the parameters were at another moment, or in another run, beside what they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from core.training import Run
from nnviz_app.document import Change, Document
from nnviz_app.runs import KeptRun, RunShelf


class With(StrEnum):
    """What the present parameters are compared with."""

    NOTHING = "nothing"
    PINNED = "pinned"
    START = "start"
    SAME_UPDATE = "same update"
    END = "end"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is compared with; `kept` is the former run of SAME_UPDATE and END."""

    what: With = With.NOTHING
    kept: KeptRun | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The other moment: a title for people, and the parameters then, by id."""

    title: str
    values: Mapping[str, float]


class Comparison(QObject):
    """Present parameters against a reference. Off until something is chosen, and off again with another project.

    `changed` comes when another reference is chosen or has another title. It does not come with the present
    parameters: who follows the document asks again, and what is computed here is computed when it is asked for.
    """

    changed = Signal()

    def __init__(self, document: Document, runs: RunShelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.runs = document, runs
        self.choice = Choice()
        self._pinned: Reference | None = None
        self._of_run: tuple[Run, int, Mapping[str, float]] | None = None
        # What the differences were computed from, and they themselves.
        self._known: tuple[Mapping[str, float], Mapping[str, float]] | None = None
        self._differences: dict[str, float] = {}
        self._largest: tuple[str, float] | None = None
        document.changed.connect(self._follow)
        runs.changed.connect(self._follow_runs)

    # Choosing

    @property
    def is_on(self) -> bool:
        """Whether anything is compared."""
        return self.choice.what is not With.NOTHING

    def pin(self) -> None:
        """Compare with this moment: whatever comes later is seen against it."""
        project = self.document.project
        self._pinned = Reference(f"update {project.updates:,}", dict(project.network.values))
        self._choose(Choice(With.PINNED))

    def with_start(self) -> None:
        """Compare with the parameters at update 0."""
        self._choose(Choice(With.START))

    def with_run(self, kept: KeptRun, *, at_end: bool) -> None:
        """Compare with a kept run: with its end, or with the update of the same number as the present one."""
        self._choose(Choice(With.END if at_end else With.SAME_UPDATE, kept))

    def switch_off(self) -> None:
        """Compare with nothing."""
        if self.is_on:
            self._choose(Choice())

    def _choose(self, choice: Choice) -> None:
        self.choice, self._of_run, self._known = choice, None, None
        if choice.what is not With.PINNED:
            self._pinned = None
        self.changed.emit()

    # What it says

    @property
    def reference(self) -> Reference | None:
        """The other moment; None while nothing is compared."""
        project, kept = self.document.project, self.choice.kept
        if self.choice.what is With.START:
            values = project.network.values if project.start is None else project.start
            return Reference("the start (update 0)", values)
        if kept is None:
            return self._pinned
        run = kept.run
        update = run.last
        if self.choice.what is With.SAME_UPDATE:
            update = min(max(project.updates, run.first), run.last)
            if self.document.busy and self._of_run is not None:
                # The run under way is not held up by making the other one's updates again.
                update = self._of_run[1]
        if self._of_run is None or self._of_run[:2] != (run, update):
            self._of_run = run, update, run.parameters_at(update)
        end = ", its end" if update == run.last else ""
        return Reference(f"{kept.name}, update {update:,}{end}", self._of_run[2])

    @property
    def title(self) -> str:
        """What is compared with, in words; "" while it is off."""
        reference = self.reference
        return reference.title if reference else ""

    @property
    def differences(self) -> dict[str, float]:
        """Δ = present − reference by parameter id, for those that the reference has."""
        self._compute()
        return self._differences

    @property
    def largest(self) -> tuple[str, float] | None:
        """The parameter whose difference is the largest in size, and that difference; None where there is none."""
        self._compute()
        return self._largest

    def _compute(self) -> None:
        reference, present = self.reference, self.document.project.network.values
        then = reference.values if reference is not None else {}
        if self._known is not None and self._known[0] is then and self._known[1] is present:
            return
        found = {name: value - then[name] for name, value in present.items() if name in then}
        self._known, self._differences = (then, present), found
        self._largest = max(found.items(), key=lambda item: abs(item[1]), default=None)

    # Following

    def _follow(self, change: Change) -> None:
        if change.project:
            self.switch_off()

    def _follow_runs(self) -> None:
        kept = self.choice.kept
        if kept is None:
            return
        if kept in self.runs.kept:
            self.changed.emit()
        else:
            self.switch_off()
