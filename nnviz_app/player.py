"""The player: which row is on show, how far its trace has been stepped, and what is therefore known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from core.book import RoundedTrace
from core.errors import NnvizError, TrainingError
from core.operation_graph import operations_of_step
from core.operations import neuron_operations
from core.passes import trace_project
from core.plan import Plan, compile_network
from core.quantities import PARAMETER_KINDS, Granularity, Kind, Phase, Quantity, Step
from core.schedule import Schedule
from core.style import Rounding
from core.trace import Trace
from nnviz_app.document import Change, Document

# More updates than this in one step are a run's.
LONG_EPOCH = 2000
# A unit of more steps than this is too large to be shown at work as a whole.
LARGEST_UNIT = 2000
# Numbers are rounded at each step where the edges, once for each row of the batch, are no more than these: it takes
# some 0.2 ms an edge.
LARGEST_ROUNDED = 5000
# Steps a second when playing.
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Player(QObject):
    """Steps through the trace of the selected row or of its batch.

    `index` is the number of steps done: 0 is before the first, `len(trace)` after the last; `operation` the number
    of elementary operations done of the step after these. `moved` comes whenever anything that a view shows of the
    trace may differ; `row` is the row on show.
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
        self.operation = 0
        # Why there is no trace, where settings do not go together; else empty.
        self.problem = ""
        self.granularity = Granularity.TERM
        self.speed = 2.0
        self.is_locked = False
        self._row = 0
        # The rows of the batch on show, while they are known.
        self._rows: NDArray[np.intp] | None = None
        self._plan: Plan | None = None
        self._trace: Trace | None = None
        self._schedule: Schedule | None = None
        self._rounding: Rounding | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._play_on)
        document.changed.connect(self._follow)

    # What is on show

    @property
    def trace(self) -> Trace | None:
        """The trace of the batch on show; None while there is no neuron or no row, or `problem` says why not."""
        project = self.document.project
        self.problem = ""
        if self._trace is None and project.network.neurons and project.dataset.rows:
            if self._plan is None:
                self._plan = compile_network(project.network)
            try:
                self._trace = trace_project(project, self.batch_rows, plan=self._plan, schedule=self._schedule)
            except TrainingError as error:
                self.problem = str(error)
                return None
            self._schedule = self._trace.schedule
            if self._rounding is not None and len(project.network.edges) * self._trace.batch <= LARGEST_ROUNDED:
                self._trace = RoundedTrace(self._trace, self._rounding)
        return self._trace

    def set_rounding(self, rounding: Rounding | None) -> None:
        """Show numbers as a person gets them who rounds at every step; None for exact ones."""
        if rounding != self._rounding:
            self._rounding = rounding
            self._trace = None
            self.moved.emit()

    @property
    def rounding_refused(self) -> str:
        """Why the numbers on show are exact though they were to be rounded; else empty."""
        trace = self.trace
        if self._rounding is None or trace is None or isinstance(trace, RoundedTrace):
            return ""
        edges, largest = len(trace.network.edges), f"networks of up to {LARGEST_ROUNDED:,} edges"
        if edges <= LARGEST_ROUNDED:
            largest = f"batches of up to {LARGEST_ROUNDED // edges:,} rows in a network of {edges:,} edges"
        return f"Rounding at each step is for {largest}; the numbers shown are exact."

    @property
    def batch_rows(self) -> NDArray[np.intp]:
        """The rows of the batch on show, in the order of the epoch; a test row is on its own."""
        if self._rows is None:
            self._rows = self.document.project.batch_rows(self._row)
        return self._rows

    @property
    def is_training_row(self) -> bool:
        """Whether the row on show is trained with."""
        dataset = self.document.project.dataset
        return self._row < dataset.rows and not dataset.test[self._row]

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
        return int(self.batch_rows[self.sample]) if self.document.project.dataset.rows else 0

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
        once = kind in PARAMETER_KINDS
        quantity = Quantity(kind, subject, 0 if once else self.sample)
        return trace.value(quantity) if trace.is_revealed(quantity, self.index) else None

    # Moving

    def go_to(self, index: int) -> None:
        """Show the trace after `index` steps."""
        self.go_into(max(0, min(index, self.length)), 0)

    def go_into(self, index: int, operation: int) -> None:
        """Show the trace after `index` steps and so many elementary operations of the next one."""
        if (index, operation) != (self.index, self.operation):
            self.index, self.operation = index, operation
            self.moved.emit()

    def operations_in(self, index: int) -> int:
        """How many elementary operations of its neuron the step at `index` consists of; 1 where it is not opened."""
        trace = self.trace
        if trace is None or not 0 <= index < len(trace):
            return 0
        step = trace[index]
        if step.neuron not in trace.network.neurons:
            return 1
        opened = neuron_operations(trace, step.neuron, step.quantity.sample)
        return max(1, len(operations_of_step(opened, index)))

    def forward(self, granularity: Granularity | None = None) -> None:
        """One unit forward; past the end, the update is applied and the next batch begins."""
        size = granularity or self.granularity
        trace = self.trace
        if trace is None or self.is_locked:
            return
        if size is Granularity.OPERATION and self.operation + 1 < self.operations_in(self.index):
            self.go_into(self.index, self.operation + 1)
        elif self.index < len(trace) and size is not Granularity.EPOCH:
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
        if size is Granularity.OPERATION and self.operation:
            self.go_into(self.index, self.operation - 1)
        elif size is Granularity.OPERATION and self.index > 0:
            self.go_into(self.index - 1, self.operations_in(self.index - 1) - 1)
        elif self.operation:
            # What is begun of the next step is taken back first.
            self.go_to(self.index)
        elif self.index > 0:
            self.go_to(trace.previous_index(self.index, size))
        elif self.document.can_go_back:
            rows = self.document.back_update(epoch=size is Granularity.EPOCH)
            self._set(int(rows[0]), 0)
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

    def go_to_update(self, update: int) -> None:
        """Go to any update of the run and show the batch that the run made the next one with.

        Raises TrainingError when the run has no such update, or one is under way.
        """
        self.pause()
        self.document.go_to_update(update)
        run = self.document.run
        if update < run.last:
            self.select_row(int(run.rows_of(update + 1)[0]))

    def show_next_batch(self) -> None:
        """Show the batch whose turn it is, before its first step."""
        self._set(self._next_row(), 0)

    def follow_order(self) -> None:
        """Show the batch whose turn it is, as far stepped as the present one."""
        at_end, within = self.index == self.length, self.index
        if self.trace is not None:
            within -= self.sample * self.trace.schedule.sample_length
        row = self._next_row()
        self._show_batch(row)
        self._set(row, self.length if at_end else self._index_in_batch(row, within))

    def _apply(self, *, epoch: bool = False) -> bool:
        """The update of the batch on show; with `epoch` also those of the batches after it."""
        project = self.document.project
        batches = project.batches
        batch = batches.find(project.epoch, self._row)
        if batch is None:
            self.pause()
            self.refused.emit(f"Row {self._row + 1} is a test row, which is not trained with: choose a training row.")
            return False
        try:
            if epoch:
                self.document.apply_updates(range(batch, batches.count))
            else:
                self.document.apply_update(batch)
        except NnvizError as error:
            self.pause()
            self.refused.emit(str(error))
            return False
        return True

    def _finish_epoch(self) -> None:
        project = self.document.project
        batch = project.batches.find(project.epoch, self._row) or 0
        if project.batches.count - batch > LONG_EPOCH:
            self.long_epoch.emit()
            return
        before = project.updates
        self._apply(epoch=True)
        if self.document.project.updates > before:
            self._set(self._next_row(), 0)

    def _next_row(self) -> int:
        """The first row of the batch whose turn it is."""
        project = self.document.project
        batches = project.batches
        if not batches.count:
            return 0
        batch = self.document.run.next_batch(project.updates, project.settings)
        return int(batches.rows(project.epoch, batch)[0])

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
        sample = int(np.flatnonzero(self.document.project.batch_rows(row) == row)[0])
        # Of a later sample of a batch at least one step is done, else the one before it would be on show.
        return sample * length + max(min(within, length), 1 if sample else 0)

    def _show_batch(self, row: int) -> None:
        rows = self.document.project.batch_rows(row)
        if self._rows is None or not np.array_equal(rows, self._rows):
            self._trace, self._rows = None, rows
        self._row = row

    def _set(self, row: int, index: int) -> None:
        self._show_batch(row)
        self.index, self.operation = max(0, min(index, self.length)), 0
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
        self.moved.emit()

    # Following the document

    def _follow(self, change: Change) -> None:
        if not (change.affects_numbers or change.project):
            return
        former, rows = self._trace, self._rows
        at_end = former is not None and self.index == len(former)
        if change.structure or change.project or change.settings:
            self.operation = 0
        if change.structure or change.project:
            self._plan = None
        self._trace = self._rows = None
        if change.project:
            self.pause()
            self._row, self.index = self._next_row(), 0
        last = max(0, self.document.project.dataset.rows - 1)
        self._row = min(self._row, last)
        if change.structure and not at_end:
            self.index = 0
        elif (change.settings or change.data) and not change.project and former is not None and not at_end:
            # Other batches, perhaps: the row on show stays, as far stepped as it was.
            sample = former.sample_at(self.index)
            self._row = min(int(rows[sample]) if rows is not None else self._row, last)
            self.index = self._index_in_batch(self._row, self.index - sample * former.schedule.sample_length)
        self.index = self.length if at_end and not change.project else min(self.index, self.length)
        self.moved.emit()
