"""The open project, its undo history and its file. Views read it, change it through `edit`, and wait for `changed`."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from core.errors import TrainingError
from core.initializers import initial_values
from core.moments import agree, have_same_data
from core.project import Project
from core.training import Run, project_at

# A run of fewer updates is not worth comparing with.
WORTH_KEEPING = 10


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
    breakpoints: bool = False
    walkthrough: bool = False

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
            breakpoints=old.breakpoints != new.breakpoints,
            walkthrough=old.walkthrough is not new.walkthrough,
        )


class _StateCommand(QUndoCommand):
    """Going from one state to another. Commands with the same merge key that follow one another become one."""

    def __init__(self, document: Document, text: str, *, before: State, after: State, merge: Hashable) -> None:
        super().__init__(text)
        # Weak: in a circle of document and commands the garbage collector takes them down in any order, and crashes.
        self._document = weakref.ref(document)
        self.before, self.after, self.merge = before, after, merge

    def id(self) -> int:
        return -1 if self.merge is None else 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _StateCommand) or other.merge != self.merge:
            return False
        self.after = other.after
        self.setText(other.text())
        return True

    def redo(self) -> None:
        self._show(self.after)

    def undo(self) -> None:
        self._show(self.before)

    def _show(self, state: State) -> None:
        document = self._document()
        if document is not None:
            document._take(state)


class Document(QObject):
    """Holds the project. `changed` tells which parts differ; `path` is the file, None before the first save."""

    changed = Signal(object)
    path_changed = Signal()
    # A run of some length (core.training.Run) gives way to one that has not got as far.
    run_left = Signal(object)

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
        """The updates made since the last change of network, data or what the loss is."""
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
        if self.busy:
            # A moment within a run is none that the undo history could lead back to.
            self.undo_stack.resetClean()
        else:
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
        draft.drop_lost()
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
        renaming = self._renaming(draft) if run is None and change.structure else None
        if renaming is not None:
            # The same updates under another name: no run is left.
            run = self.run.renamed(*renaming)
        else:
            run = run or self._run_after(change, draft)
            self._leave(self._state, draft.updates, run)
        after = State(draft, run)
        self.undo_stack.push(_StateCommand(self, text, before=self._state, after=after, merge=merge))

    def _run_after(self, change: Change, draft: Project) -> Run:
        """The run of a draft that differs so: the present one where that goes on, else a new one."""
        former, present = self.project.settings, draft.settings
        # The run goes on through a change of settings, but for what changes the meaning of its losses.
        same_loss = (former.loss, former.batch_mean) == (present.loss, present.batch_mean)
        goes_on = same_loss and not (change.structure or change.values or change.data)
        if former.optimizer != present.optimizer:
            # As the run does it: another optimizer begins anew, and coming back to the former one finds its own.
            draft.memory = self.run.memory_at(draft.updates, present.optimizer) if goes_on else None
        if goes_on:
            return self.run
        if change.data:
            # Other rows: none of them has been used yet.
            draft.used_rows = 0
        # The losses so far stay in the plot. At update 0 there are none, so nothing is computed for them.
        kept = draft.updates and draft.updates >= self.project.updates
        return Run(draft, self.run.points(self.project.updates) if kept else ())

    def _renaming(self, draft: Project) -> tuple[str, str] | None:
        """The former and the new id where one neuron or edge has another name, and no number is another."""
        old, new = self.project.network, draft.network
        if (len(old.neurons), len(old.edges)) != (len(new.neurons), len(new.edges)):
            return None
        ids = zip((*old.neurons, *old.edges), (*new.neurons, *new.edges), strict=True)
        renamed = [(one, other) for one, other in ids if one != other]
        if len(renamed) != 1:
            return None
        expected = self.project.copy()
        expected.rename(*renamed[0])
        expected.network.share_unchanged(new)
        return None if Change.between(expected, draft).affects_numbers else renamed[0]

    def _leave(self, before: State, update: int, run: Run) -> None:
        """Tell of the former run where it went further than the point at which another one goes on."""
        former, point = before.run, min(before.project.updates, update)
        if former is not run and point < former.last and former.last - former.first >= WORTH_KEEPING:
            self.run_left.emit(former)

    def _take(self, state: State) -> None:
        change = Change.between(self.project, state.project)
        if state.run is not self.run:
            self.run.rest()
        self._state = state
        self.changed.emit(change)

    # Updates

    def apply_update(self, batch: int) -> None:
        """One update on this batch of the present epoch. Raises TrainingError when it cannot be made."""
        self._refuse_if_busy()
        update = self.project.updates
        run = self.run.advance(update, batch, self.project.settings)
        self._push(f"Update {update + 1}", project_at(self.project, run, update + 1), run=run)

    def apply_updates(self, batches: Sequence[int]) -> None:
        """The updates on several batches, as one undo entry.

        Raises TrainingError when one of them cannot be made; those before it are then kept.
        """
        self._refuse_if_busy()
        run, start = self.run, self.project.updates
        update = start
        try:
            for batch in batches:
                run = run.advance(update, batch, self.project.settings, noted=batch == batches[-1])
                update += 1
        finally:
            if update > start:
                text = f"Update {update}" if update == start + 1 else f"Updates {start + 1} to {update}"
                self._push(text, project_at(self.project, run, update), run=run)

    @property
    def can_go_back(self) -> bool:
        """Whether an update was made in the present run."""
        return self.project.updates > self.run.first

    def back_update(self, *, epoch: bool = False) -> NDArray[np.intp]:
        """Go back past the last update, to the bit; return the rows of its batch.

        With `epoch` past all updates of that epoch.
        """
        run = self.run
        target = self.project.updates - 1
        begun = run.epoch_at(target)
        while epoch and target > run.first and run.epoch_at(target - 1) == begun:
            target -= 1
        rows = run.rows_of(target + 1)
        stack = self.undo_stack
        command = stack.command(stack.index() - 1) if stack.index() else None
        if (
            isinstance(command, _StateCommand)
            and command.before.run is self.run
            and command.before.project.updates == target
        ):
            stack.undo()
        else:
            self._push(f"Back to update {target}", project_at(self.project, self.run, target), run=self.run)
        return rows

    def go_to_update(self, update: int) -> None:
        """Go to any update of the run, to the bit; moves that follow each other are one undo entry.

        Raises TrainingError when the run has no such update.
        """
        self._refuse_if_busy()
        if update != self.project.updates:
            self._push(
                f"Go to update {update:,}", project_at(self.project, self.run, update), merge="update", run=self.run
            )

    def branch(self) -> None:
        """Go on from the present update in a run of its own; the former one, which has gone further, is left."""
        self._refuse_if_busy()
        update = self.project.updates
        run = self.run.branch(update)
        self._push(f"Branch from update {update:,}", self.project.copy(), run=run)

    def show_scene(self, text: str, scene: Project, run: Run) -> None:
        """Put another network with its data and settings in the place of the present ones, as one undo entry.

        Title, notes and walkthrough stay, and so does the layout where the same neurons are connected in the same way.
        `run` is the one that has led to the scene. Nothing is done where the scene is on show already.
        Raises TrainingError during a run.
        """
        self._refuse_if_busy()
        former = self.project
        if agree(scene, former):
            return
        draft = scene.copy()
        draft.title, draft.source, draft.notes = former.title, former.source, former.notes
        draft.breakpoints, draft.walkthrough = former.breakpoints, former.walkthrough
        draft.network.share_unchanged(former.network)
        if have_same_data(draft.dataset, former.dataset):
            draft.dataset = former.dataset.copy()
        if not Change.between(former, draft).structure:
            draft.network.positions = former.network.positions
        draft.drop_lost()
        is_saved = not self.is_modified
        # Nobody asked for the run that is left here, and the undo history leads back to it: it is not told of.
        self.undo_stack.push(_StateCommand(self, text, before=self._state, after=State(draft, run), merge=None))
        if is_saved:
            # Going through a walkthrough is no work that could be lost.
            self.undo_stack.setClean()

    def show_progress(self, project: Project) -> None:
        """Let the views follow a run that is under way, without an undo entry.

        `run` stays what it was: the one under way belongs to the trainer's thread until `finish_run`.
        """
        self._take(State(project, self.run))

    def finish_run(self, text: str, before: State, run: Run, update: int) -> None:
        """Make the whole of a run one undo entry that leads back to `before`; none when it made no update."""
        if update == before.project.updates:
            self._take(before)
            return
        self._state = before
        self._leave(before, update, run)
        after = State(project_at(self.project, run, update), run)
        self.undo_stack.push(_StateCommand(self, text, before=before, after=after, merge=None))

    def reset(self) -> None:
        """Back to the parameters of update 0."""
        self._refuse_if_busy()
        draft = self.project.copy()
        draft.network.set_values(self.project.start_values())
        draft.begin_anew()
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
        draft.begin_anew()
        draft.network.share_unchanged(self.project.network)
        self._push(f"New random weights (seed {settings.seed})", draft)
