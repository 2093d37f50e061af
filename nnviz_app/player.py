"""The player: which row is on show, how far its trace has been stepped, and what is therefore known."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import NnvizError
from core.passes import trace_project
from core.plan import Plan, compile_network
from core.quantities import Granularity, Kind, Phase, Quantity, Step
from core.schedule import Schedule
from core.trace import Trace
from nnviz_app.document import Change, Document

# More updates than this in one step are a run's.
LONG_EPOCH = 2000
# A unit of more steps than this is too large to be shown at work as a whole.
LARGEST_UNIT = 2000
# Steps a second when playing.
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Player(QObject):
    """Steps through the trace of the selected row or of its batch.

    `index` is the number of steps done: 0 is before the first, `len(trace)` after the last. `moved` comes
    whenever anything that a view shows of the trace may differ; `row` is the row on show.
    """

    moved = Signal()
    granularity_changed = Signal()
    playing_changed = Signal(bool)
    # An epoch of so many updates that a run has to make it, so that the window goes on answering.
    long_epoch = Signal()
    # A sentence for the person: why a step could not be made.
    refused = Signal(str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.index = 0
        self.granularity = Granularity.TERM
        self.speed = 2.0
        self.is_locked = False
        self._row = 0
        # The first row of the batch that the trace is of.
        self._first_row = 0
        self._plan: Plan | None = None
        self._trace: Trace | None = None
        self._schedule: Schedule | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._play_on)
        document.changed.connect(self._follow)

    # What is on show

    @property
    def trace(self) -> Trace | None:
        """The trace of the batch on show; None while there is no neuron or no row."""
        project = self.document.project
        if self._trace is None and project.network.neurons and project.dataset.rows:
            if self._plan is None:
                self._plan = compile_network(project.network)
            rows = self.batch_rows
            self._first_row = rows.start
            self._trace = trace_project(project, rows, plan=self._plan, schedule=self._schedule)
            self._schedule = self._trace.schedule
        return self._trace

    @property
    def batch_rows(self) -> range:
        """The rows of the batch on show."""
        return self.document.project.batch_rows(self._row)

    @property
    def sample(self) -> int:
        """The sample on show, counted within the batch."""
        if self.trace is None:
            return 0
        if self.index:
            return self.trace.sample_at(self.index)
        return 0

    @property
    def row(self) -> int:
        """The row on show."""
        return self.batch_rows.start + self.sample

    @property
    def length(self) -> int:
        """The number of steps in the trace."""
        return len(self.trace) if self.trace is not None else 0

    @property
    def step(self) -> Step | None:
        """The step that was done last; None at the start."""
        if self.trace is None or self.index == 0:
            return None
        return self.trace[self.index - 1]

    @property
    def unit(self) -> range:
        """The indices of the steps of the neuron or layer just finished, when steps go by these; else of the last."""
        trace = self.trace
        if trace is None or self.index == 0:
            return range(0)
        start = self.index - 1
        if self.granularity in (Granularity.NEURON, Granularity.LAYER):
            begin = trace.previous_index(self.index, self.granularity)
            if self.index - begin <= LARGEST_UNIT:
                start = begin
        return range(start, self.index)

    @property
    def phase(self) -> Phase:
        """The phase of the last step; forward at the start."""
        step = self.step
        return step.phase if step else Phase.FORWARD

    def known(self, kind: Kind, subject: str = "") -> float | None:
        """A quantity of the sample on show, if it has been revealed."""
        trace = self.trace
        if trace is None:
            return None
        once = kind in (Kind.PARAMETER_GRAD, Kind.UPDATE)
        quantity = Quantity(kind, subject, 0 if once else self.sample)
        return trace.value(quantity) if trace.is_revealed(quantity, self.index) else None

    # Moving

    def go_to(self, index: int) -> None:
        """Show the trace after `index` steps."""
        index = max(0, min(index, self.length))
        if index != self.index:
            self.index = index
            self.moved.emit()

    def forward(self, granularity: Granularity | None = None) -> None:
        """One unit forward; past the end, the update is applied and the next batch begins."""
        size = granularity or self.granularity
        trace = self.trace
        if trace is None or self.is_locked:
            return
        if self.index < len(trace) and size is not Granularity.EPOCH:
            self.go_to(trace.next_index(self.index, size))
        elif size is Granularity.EPOCH:
            self._finish_epoch()
        elif self._apply():
            # The next batch's own trace says how far one unit goes: its length may differ.
            self._show_batch(self._next_row())
            if self.trace is not None:
                self._set(self._row, self.trace.next_index(0, size))

    def back(self, granularity: Granularity | None = None) -> None:
        """One unit back; before the start, the former update is taken back, to the bit."""
        size = granularity or self.granularity
        trace = self.trace
        if trace is None or self.is_locked:
            return
        if self.index > 0:
            self.go_to(trace.previous_index(self.index, size))
        elif self.document.can_go_back:
            rows = self.document.back_update(epoch=size is Granularity.EPOCH)
            self._set(rows.start, 0)
            if self.trace is not None:
                target = len(self.trace)
                if size in (Granularity.UPDATE, Granularity.EPOCH):
                    target = 0
                self.go_to(target)

    def larger(self) -> Granularity:
        """The granularity one size above the present one."""
        sizes = list(Granularity)
        return sizes[min(sizes.index(self.granularity) + 1, len(sizes) - 1)]

    def set_granularity(self, granularity: Granularity) -> None:
        """Choose how far one press goes."""
        if granularity is not self.granularity:
            self.granularity = granularity
            self.granularity_changed.emit()
            self.moved.emit()

    def apply_update(self) -> None:
        """Apply the update of the batch on show and show the next batch's forward pass with its loss."""
        if self.trace is None or self.is_locked:
            return
        if self._apply():
            self._show_batch(self._next_row())
            if self.trace is not None:
                self._set(self._row, self.trace.end_of_forward())

    def _apply(self, batches: Sequence[range] = ()) -> bool:
        try:
            if batches:
                self.document.apply_updates(batches)
            else:
                self.document.apply_update(self.batch_rows)
        except NnvizError as error:
            self.pause()
            self.refused.emit(str(error))
            return False
        return True

    def _finish_epoch(self) -> None:
        project = self.document.project
        batches = [self.batch_rows]
        while batches[-1].stop < project.dataset.rows:
            batches.append(project.batch_rows(batches[-1].stop))
        if len(batches) > LONG_EPOCH and not batches[0].start:
            self.long_epoch.emit()
            return
        self._apply(batches)
        made = self.document.project.updates - project.updates
        self._set(batches[made].start if made < len(batches) else 0, 0)

    def _next_row(self) -> int:
        following = self.batch_rows.stop
        return following if following < self.document.project.dataset.rows else 0

    def select_row(self, row: int) -> None:
        """Show another row, as far stepped as this one."""
        if row == self.row or not 0 <= row < self.document.project.dataset.rows:
            return
        trace = self.trace
        within = self.index - self.sample * trace.schedule.sample_length if trace else 0
        self._set(row, self._index_in_batch(row, within))

    def _index_in_batch(self, row: int, within: int) -> int:
        """The number of steps done in its batch when `within` steps of this row's own are."""
        length = self.trace.schedule.sample_length if self.trace else 0
        sample = row - self.document.project.batch_rows(row).start
        # Of a later sample of a batch at least one step is done, else the one before it would be on show.
        return sample * length + max(min(within, length), 1 if sample else 0)

    def _show_batch(self, row: int) -> None:
        if self.document.project.batch_rows(row) != self.batch_rows:
            self._trace = None
        self._row = row

    def _set(self, row: int, index: int) -> None:
        self._show_batch(row)
        self.index = max(0, min(index, self.length))
        self.moved.emit()

    # Playing

    @property
    def is_playing(self) -> bool:
        """Whether steps are being made by themselves."""
        return self._timer.isActive()

    def play(self) -> None:
        """Step by itself, `speed` units a second, until paused or refused."""
        if self.trace is not None and not self.is_locked:
            self._timer.start(round(1000 / self.speed))
            self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop stepping by itself."""
        if self.is_playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def set_speed(self, speed: float) -> None:
        """Units a second when playing."""
        self.speed = speed
        if self.is_playing:
            self._timer.setInterval(round(1000 / speed))

    def _play_on(self) -> None:
        if self.trace is None:
            self.pause()
        else:
            self.forward()

    def lock(self, locked: bool) -> None:
        """Refuse to step while a run is under way."""
        if locked:
            self.pause()
        self.is_locked = locked

    # Following the document

    def _follow(self, change: Change) -> None:
        if not (change.affects_numbers or change.project):
            return
        former = self._trace
        at_end = former is not None and self.index == len(former)
        if change.structure or change.project:
            self._plan = None
        self._trace = None
        if change.project:
            self.pause()
            self._row, self.index = 0, 0
        self._row = min(self._row, max(0, self.document.project.dataset.rows - 1))
        if change.structure and not at_end:
            self.index = 0
        elif change.settings and not change.project and former is not None and not at_end:
            # Other batches, perhaps: the row on show stays, as far stepped as it was.
            sample = former.sample_at(self.index)
            self._row = min(self._first_row + sample, max(0, self.document.project.dataset.rows - 1))
            self.index = self._index_in_batch(self._row, self.index - sample * former.schedule.sample_length)
        self.index = self.length if at_end and not change.project else min(self.index, self.length)
        self.moved.emit()
