"""The open project, its undo history and its file. Views read it, change it through `edit`, and wait for `changed`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from core.errors import TrainingError
from core.initializers import initial_values
from core.project import Project
from core.training import Run


@dataclass(frozen=True, slots=True)
class State:
    """One moment of the document. A state is never changed, only replaced, so undo is going back to one."""

    project: Project
    run: Run


@dataclass(frozen=True, slots=True)
class Change:
    """Which parts differ between two states of the document."""

    structure: bool = False
    values: bool = False
    layout: bool = False
    data: bool = False
    settings: bool = False
    about: bool = False
    # Another project altogether: a file was opened or a new one begun.
    project: bool = False

    @property
    def affects_numbers(self) -> bool:
        """Whether any pass computes otherwise than before."""
        return self.structure or self.values or self.data or self.settings

    @classmethod
    def between(cls, old: Project, new: Project) -> Change:
        """What changed from `old` to `new`, whose unchanged parts are shared."""
        a, b = old.network, new.network
        return cls(
            structure=a.neurons is not b.neurons or a.edges is not b.edges or a.frozen != b.frozen,
            values=a.values is not b.values or old.updates != new.updates,
            layout=a.positions is not b.positions,
            data=not old.dataset.same_as(new.dataset),
            settings=old.settings != new.settings,
            about=(old.title, old.source, old.notes) != (new.title, new.source, new.notes),
        )


class _StateCommand(QUndoCommand):
    """Going from one state to another. Commands with the same merge key that follow one another become one."""

    def __init__(self, document: Document, text: str, *, before: State, after: State, merge: Hashable) -> None:
        super().__init__(text)
        self.document, self.before, self.after, self.merge = document, before, after, merge

    def id(self) -> int:
        return -1 if self.merge is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _StateCommand) or other.merge != self.merge:
            return False
        self.after = other.after
        return True

    def redo(self) -> None:
        self.document._take(self.after)

    def undo(self) -> None:
        self.document._take(self.before)


class Document(QObject):
    """Holds the project. `changed` tells which parts differ; `path` is the file, None before the first save."""

    changed = Signal(object)
    path_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(500)
        self.path: Path | None = None
        # Why nothing can be changed at the moment: a sentence while a run is under way, else empty.
        self.busy = ""
        project = Project()
        self._state = State(project, Run(project))

    @property
    def project(self) -> Project:
        """The open project: to be read only."""
        return self._state.project

    @property
    def run(self) -> Run:
        """The updates made since the last change of network, data or settings."""
        return self._state.run

    @property
    def state(self) -> State:
        """The present state, to come back to."""
        return self._state

    @property
    def is_modified(self) -> bool:
        """Whether there is something that is not saved."""
        return not self.undo_stack.isClean()

    def open_project(self, project: Project, path: Path | None = None) -> None:
        """Show another project, with an empty undo history."""
        project.dataset.follow(project.network)
        self.undo_stack.clear()
        self.undo_stack.setClean()
        self._state = State(project, Run(project))
        self.path = path
        self.path_changed.emit()
        self.changed.emit(Change(*[True] * 7))

    def saved_as(self, path: Path) -> None:
        """Note that the present state is in this file. The undo history survives."""
        self.path = path
        self.undo_stack.setClean()
        self.path_changed.emit()

    @contextmanager
    def edit(self, text: str, *, merge: Hashable = None) -> Iterator[Project]:
        """Change the project: ``with document.edit("Add neuron") as draft: draft.network.add_neuron("hidden")``.

        The draft becomes one undo entry called `text` when the block ends, unless nothing differs. When the
        block raises (a NetworkError, say), the document stays as it was. Raises TrainingError during a run.
        """
        self._refuse_if_busy()
        draft = self.project.copy()
        yield draft
        draft.dataset.follow(draft.network)
        draft.carry_start(self.project)
        draft.network.share_unchanged(self.project.network)
        self._push(text, draft, merge=merge)

    def _refuse_if_busy(self) -> None:
        if self.busy:
            raise TrainingError(self.busy)

    def _push(self, text: str, draft: Project, *, merge: Hashable = None, run: Run | None = None) -> None:
        change = Change.between(self.project, draft)
        if change == Change() and run is None:
            return
        if run is None:
            # Seed, initializer and number of epochs do not take part in an update.
            same = replace(
                draft.settings,
                seed=self.project.settings.seed,
                initializer=self.project.settings.initializer,
                initializer_scale=self.project.settings.initializer_scale,
                epochs=self.project.settings.epochs,
            )
            steady = not (change.structure or change.values or change.data) and same == self.project.settings
            if steady:
                run = self.run
            else:
                # The losses so far stay in the plot. At update 0 there are none, so nothing is computed for them.
                kept = draft.updates and draft.updates >= self.project.updates
                run = Run(draft, self.run.points(self.project.updates) if kept else ())
        after = State(draft, run)
        self.undo_stack.push(_StateCommand(self, text, before=self._state, after=after, merge=merge))

    def _take(self, state: State) -> None:
        change = Change.between(self.project, state.project)
        if state.run is not self.run:
            self.run.rest()
        self._state = state
        self.changed.emit(change)

    # Updates

    def _at_update(self, run: Run, update: int) -> Project:
        draft = self.project.copy()
        draft.network.set_values(run.parameters_at(update))
        draft.start = self.project.start_values() if update else None
        draft.updates = update
        draft.network.share_unchanged(self.project.network)
        return draft

    def apply_update(self, rows: range) -> None:
        """One update of gradient descent on the batch `rows`. Raises TrainingError when it cannot be made."""
        self._refuse_if_busy()
        update = self.project.updates
        run = self.run.advance(update, rows)
        self._push(f"Update {update + 1}", self._at_update(run, update + 1), run=run)

    def apply_updates(self, batches: Sequence[range]) -> None:
        """The updates on several batches, as one undo entry.

        Raises TrainingError when one of them cannot be made; those before it are then kept.
        """
        self._refuse_if_busy()
        run, start = self.run, self.project.updates
        update = start
        try:
            for rows in batches:
                run = run.advance(update, rows, noted=rows is batches[-1])
                update += 1
        finally:
            if update > start:
                text = f"Update {update}" if update == start + 1 else f"Updates {start + 1} to {update}"
                self._push(text, self._at_update(run, update), run=run)

    @property
    def can_go_back(self) -> bool:
        """Whether an update was made since the last change of network, data or settings."""
        return self.project.updates > self.run.first

    def back_update(self, *, epoch: bool = False) -> range:
        """Go back past the last update, to the bit; return the rows of its batch.

        With `epoch` past all updates since the last one that began the table.
        """
        rows = self.run.rows_of(self.project.updates)
        target = self.project.updates - 1
        while epoch and rows.start and target > self.run.first:
            rows = self.run.rows_of(target)
            target -= 1
        stack = self.undo_stack
        command = stack.command(stack.index() - 1) if stack.index() else None
        if (
            isinstance(command, _StateCommand)
            and command.before.run is self.run
            and command.before.project.updates == target
        ):
            stack.undo()
        else:
            self._push(f"Back to update {target}", self._at_update(self.run, target), run=self.run)
        return rows

    def show_progress(self, values: dict[str, float], update: int) -> None:
        """Let the views follow a run that is under way, without an undo entry.

        `run` stays what it was: the one under way belongs to the trainer's thread until `finish_run`.
        """
        draft = self.project.copy()
        draft.network.set_values(values)
        draft.start = self.project.start_values()
        draft.updates = update
        draft.network.share_unchanged(self.project.network)
        self._take(State(draft, self.run))

    def finish_run(self, text: str, before: State, run: Run, update: int) -> None:
        """Make the whole of a run one undo entry that leads back to `before`; none when it made no update."""
        if update == before.project.updates:
            self._take(before)
            return
        self._state = before
        after = State(self._at_update(run, update), run)
        self.undo_stack.push(_StateCommand(self, text, before=before, after=after, merge=None))

    def reset(self) -> None:
        """Back to the parameters of update 0."""
        self._refuse_if_busy()
        draft = self.project.copy()
        draft.network.set_values(self.project.start_values())
        draft.updates, draft.start = 0, None
        draft.network.share_unchanged(self.project.network)
        self._push("Reset to the start", draft)

    def draw_weights(self, seed: int | None = None) -> None:
        """New random weights from the settings' initializer and seed, or from `seed`, which is then kept."""
        self._refuse_if_busy()
        draft = self.project.copy()
        if seed is not None:
            draft.settings = replace(draft.settings, seed=seed)
        settings = draft.settings
        rng = np.random.default_rng(settings.seed)
        draft.network.set_values(
            initial_values(draft.network, settings.initializer, rng, scale=settings.initializer_scale)
        )
        draft.updates, draft.start = 0, None
        draft.network.share_unchanged(self.project.network)
        self._push(f"New random weights (seed {settings.seed})", draft)
