"""The guide: which moment of the project's walkthrough is on show, and how it is brought about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QGuiApplication

from core.errors import NnvizError
from core.moments import advance_run, agree, fill_caption, in_sample, project_of, steps_done
from core.project import Project
from core.references import read_reference
from core.training import Run
from core.walkthrough import Moment, Walkthrough
from nnviz_app.document import Change, Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight

# From so many updates on that have to be made first, the pointer says that one has to wait.
LONG_WAY = 500


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a moment has led: what the learner may have left since."""

    project: Project
    row: int
    index: int
    operation: int


class Guide(QObject):
    """Leads through the walkthrough of the project; `place` is the moment on show, from 0.

    A moment is made of ordinary things: its network is one undo entry, its step the player's, its question the
    inquiry's. So all can be touched meanwhile; `is_away` says that it was, and the walkthrough stays what it is.
    """

    # Another moment, another text of it, or the learner has gone away or come back.
    changed = Signal()
    # The title of a panel that a moment wants to be seen.
    panel_requested = Signal(str)
    # Other neurons or edges than before are on show.
    network_replaced = Signal()
    # A sentence for the person: why a moment could not be shown.
    refused = Signal(str)

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        inquiry: Inquiry,
        spotlight: Spotlight,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.selection = document, player, selection
        self.inquiry, self.spotlight, self.preferences = inquiry, spotlight, preferences
        self.place = 0
        self._here: _Here | None = None
        # Scenes by their identity, each with its run as far as a moment has needed it.
        self._runs: dict[int, tuple[Project, Run]] = {}
        # Steps follow each other faster than captions need to.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.changed)
        document.changed.connect(self._follow)
        player.moved.connect(self._timer.start)
        preferences.changed.connect(self._timer.start)

    # What is on show

    @property
    def walkthrough(self) -> Walkthrough:
        """That of the project; without a moment where it has none."""
        return self.document.project.walkthrough or Walkthrough()

    @property
    def count(self) -> int:
        """The number of moments."""
        return len(self.walkthrough.moments)

    @property
    def moment(self) -> Moment | None:
        """The moment on show; None where there is none."""
        moments = self.walkthrough.moments
        return moments[self.place] if moments else None

    @property
    def is_away(self) -> bool:
        """Whether the network, the row or the step is another one than the moment's."""
        here, player = self._here, self.player
        if self.moment is None or player.is_locked:
            return False
        if here is None:
            return True
        if (here.row, here.index, here.operation) != (player.row, player.index, player.operation):
            return True
        project = self.document.project
        return Change.between(here.project, project).affects_numbers and not agree(here.project, project)

    def caption(self, text: str | None = None) -> str:
        """The moment's caption, or another text, as Markdown with the symbols and numbers of what is on show."""
        if text is None:
            text = self.moment.caption if self.moment is not None else ""
        return fill_caption(text, self.player.trace, self.preferences.style, self.player.sample)

    @property
    def is_last(self) -> bool:
        """Whether no moment follows."""
        return self.place >= self.count - 1

    # Moving

    def next(self) -> None:
        """Show the next moment, wherever the learner has gone meanwhile."""
        self.show(self.place + 1)

    def previous(self) -> None:
        """Show the moment before."""
        self.show(self.place - 1)

    def return_(self) -> None:
        """Bring about the moment on show once more."""
        self.show(self.place)

    def show(self, place: int) -> None:
        """Show a moment, if there is one at this place; tell through `refused` why it cannot be shown."""
        if not 0 <= place < self.count:
            return
        if self.document.busy:
            self.refused.emit(self.document.busy)
            return
        self.player.pause()
        moment = self.walkthrough.moments[place]
        try:
            self._show_scene(place, moment)
            self.place = place
            self._show_step(moment)
        except NnvizError as error:
            self.refused.emit(f"Moment {place + 1}: {error}")
        self._show_parts(moment)
        self.stay()
        if moment.panel:
            self.panel_requested.emit(moment.panel)

    def stay(self, place: int | None = None) -> None:
        """Take what is on show for the moment (at `place`, if told): the learner is where it has led."""
        if place is not None:
            self.place = place
        player = self.player
        self._here = _Here(self.document.project, player.row, player.index, player.operation)
        self._timer.stop()
        self.changed.emit()

    def run_of(self, scene: Project) -> Run:
        """A scene's own run, as far as it has been made: to be advanced only as the scene's settings say."""
        return self._runs.setdefault(id(scene), (scene, Run(scene)))[1]

    def _show_scene(self, place: int, moment: Moment) -> None:
        scene = self.walkthrough.scenes[moment.scene]
        run = self.run_of(scene)
        with waiting(run.first + moment.update - run.last >= LONG_WAY):
            run = advance_run(scene, run, moment.update)
            project = project_of(scene, run, moment.update)
            # The learner may go on otherwise, which the scene's own run must not know of.
            mine = run.branch(project.updates) if moment.update else Run(scene)
        former = self.document.project.network
        self.document.show_scene(f"Moment {place + 1}", project, mine)
        shown = self.document.project.network
        if (shown.neurons, shown.edges) != (former.neurons, former.edges):
            self.network_replaced.emit()

    def _show_step(self, moment: Moment) -> None:
        player = self.player
        player.select_row(moment.row)
        trace = player.trace
        if trace is None:
            return
        sample = list(player.batch_rows).index(moment.row) if moment.row in player.batch_rows else 0
        index = steps_done(trace, moment.position, sample)
        operation = min(moment.operation, max(0, player.operations_in(index) - 1)) if moment.operation else 0
        player.go_into(index, operation)

    def _show_parts(self, moment: Moment) -> None:
        trace, network = self.player.trace, self.document.project.network
        self.spotlight.show_path(())
        self.spotlight.show_parts(moment.highlight, moment.hide)
        self.selection.set(moment.select)
        self.inquiry.end()
        for place, text in enumerate(moment.ask if trace is not None else ()):
            quantity = in_sample(read_reference(text, network), self.player.sample)
            (self.inquiry.follow if place else self.inquiry.ask)(quantity)

    # Following

    def _follow(self, change: Change) -> None:
        if change.project:
            self.place, self._here, self._runs = 0, None, {}
            moment = self.moment
            if moment is None:
                self.changed.emit()
            elif not moment.update and agree(self.walkthrough.scenes[moment.scene], self.document.project):
                # The others have to know of the new project first. Nothing is changed by what a file is opened with.
                QTimer.singleShot(0, self, self._begin)
        elif change.walkthrough:
            self.place = max(0, min(self.place, self.count - 1))
        if not self.player.is_locked:
            self._timer.start()

    def _begin(self) -> None:
        if self.moment is not None and self._here is None:
            self.show(0)


@contextmanager
def waiting(long: bool) -> Iterator[None]:
    """Show the wait cursor while the block takes long."""
    if long:
        QGuiApplication.setOverrideCursor(QCursor(Qt.CursorShape.WaitCursor))
    try:
        yield
    finally:
        if long:
            QGuiApplication.restoreOverrideCursor()


def play(guide: Guide) -> Iterator[Moment]:
    """Show each moment from the first to the last; they come one by one, when they are on show.

    Raises NnvizError with the sentence why one could not be shown.
    """
    problems: list[str] = []
    guide.refused.connect(problems.append)
    try:
        for place in range(guide.count):
            guide.show(place)
            if problems:
                raise NnvizError(problems[0])
            assert guide.moment is not None
            yield guide.moment
    finally:
        guide.refused.disconnect(problems.append)
