"""The time machine: goes to any update of the run, steps through it, branches there, and compares two moments."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import NnvizError
from core.history import KEYFRAME_BYTES, LossPoint
from core.numbers import format_number, parse_number
from nnviz_app.comparison import Comparison
from nnviz_app.document import Change, Document
from nnviz_app.panels.comparison_table import ComparisonTable
from nnviz_app.panels.fields import Field, MessageLabel, PanelArea, flat_button, keep_keys
from nnviz_app.panels.forms import FoldingRow, WheelGuard
from nnviz_app.panels.scrubber import Scrubber
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.runs import RunShelf, describe_settings
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

EMPTY = "Apply an update or run training, and this slider goes back to any moment of it."
NO_LOSS = "A run needs an output neuron and a training row of data with its target."
RUNNING = "A run is under way: stop it to go back in time."
AT_END = "This is the run's last update: training goes on from here."
IN_PAST = (
    "From here the same settings make the same updates again; other settings make others in place of the later ones. "
    "“Branch from here” keeps those as a run of its own, to compare with."
)
# From so many text sizes on, the comparison stands beside the controls.
WIDE = 50.0
# A move that takes longer than this, in seconds, waits until the hand rests.
FLUENT = 0.05
LONGEST_WAIT = 0.3
MEGABYTE = 2**20


class UpdateField(Field):
    """The number of an update of the run, from `first` to `last`."""

    first = last = 0

    def check(self, text: str) -> str:
        try:
            number = parse_number(text.replace(",", ""))
        except NnvizError as error:
            return str(error)
        if number != int(number) or not self.first <= number <= self.last:
            return f"This run has the updates {self.first:,} to {self.last:,}: type one of them."
        return ""


class TimeMachinePanel(PanelArea):
    """Scrubs through `document.run` by `player.go_to_update`; all other views follow the document."""

    def __init__(
        self,
        document: Document,
        player: Player,
        trainer: Trainer,
        runs: RunShelf,
        comparison: Comparison,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(QWidget(), parent)
        self.document, self.player, self.trainer, self.runs = document, player, trainer, runs
        self.comparison_table = ComparisonTable(document, comparison, preferences)
        self._stale = True
        # The update that is asked for and has not been gone to yet.
        self._wanted: int | None = None
        self._cost = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._go)
        self._make_widgets()
        self._lay_out()
        document.changed.connect(self._follow)
        trainer.running_changed.connect(self._show_again)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _make_widgets(self) -> None:
        self.scrubber = Scrubber()
        self.scrubber.valueChanged.connect(self.ask)
        self.scrubber.installEventFilter(WheelGuard(self))
        self.first_button = self._button("first", "To the first update of the run", lambda: self.document.run.first)
        self.epoch_back_button = self._button("back-epoch", "Back by an epoch", lambda: self._by_epoch(-1))
        self.back_button = self._button("back", "One update back", lambda: self._here() - 1)
        self.forward_button = self._button("forward", "One update forward", lambda: self._here() + 1)
        self.epoch_forward_button = self._button("forward-epoch", "Forward by an epoch", lambda: self._by_epoch(1))
        self.last_button = self._button("last", "To the last update of the run", lambda: self.document.run.last)
        self.update_field = UpdateField()
        self.update_field.setAccessibleName("Update")
        self.update_field.setToolTip("The update to go to")
        self.update_field.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.update_field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.update_field.committed.connect(self._typed)
        self.message = MessageLabel()
        self.update_field.refused.connect(self.message.say)
        self.status_label, self.hint_label = QLabel(), QLabel()
        for label in (self.status_label, self.hint_label):
            label.setWordWrap(True)
        set_style_property(self.hint_label, "role", "muted")
        self.step_button = QPushButton("Step through this update")
        self.step_button.setToolTip("Go to the moment before it, and to the first step of its batch")
        self.step_button.clicked.connect(self.step_through)
        self.branch_button = QPushButton("Branch from here")
        self.branch_button.setToolTip("Keep this run as it is, and go on from here in another one")
        self.branch_button.clicked.connect(self.branch)
        for button in (self.step_button, self.branch_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(button)

    def _button(self, icon: str, tip: str, target: Callable[[], int]) -> QToolButton:
        button = flat_button(icon, tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoRepeat(True)
        button.clicked.connect(lambda: self.ask(target()))
        return button

    def _lay_out(self) -> None:
        self._row = QHBoxLayout()
        for widget in (self.first_button, self.epoch_back_button, self.back_button, self.update_field):
            self._row.addWidget(widget)
        for widget in (self.forward_button, self.epoch_forward_button, self.last_button):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self._actions = FoldingRow(self.step_button, self.branch_button)
        self._controls = QVBoxLayout()
        self._controls.addWidget(self.scrubber)
        self._controls.addLayout(self._row)
        for part in (self.message, self.status_label, self._actions, self.hint_label):
            self._controls.addWidget(part)
        self._controls.addStretch(1)
        # Beside each other in a wide panel, else below.
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom, self.widget())
        self._halves.addLayout(self._controls)
        self._halves.addWidget(self.comparison_table)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(26), theme().space(36))

    def _restyle(self) -> None:
        space = theme().space
        self._halves.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.6))
        self._halves.setSpacing(space(1.2))
        self._controls.setSpacing(space(0.5))
        self._row.setSpacing(space(0.1))
        self._actions.restyle()
        icon = QSize(theme().icon_size, theme().icon_size)
        for button in self.buttons:
            button.setIconSize(icon)
        self._show_again()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self.viewport().width() >= theme().space(WIDE)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._halves.setDirection(across if is_wide else down)
        # The table needs more of the width.
        self._halves.setStretch(0, 2 if is_wide else 0)
        self._halves.setStretch(1, 3)

    @property
    def buttons(self) -> list[QToolButton]:
        """The buttons that go to another update, from left to right."""
        return [
            self.first_button,
            self.epoch_back_button,
            self.back_button,
            self.forward_button,
            self.epoch_forward_button,
            self.last_button,
        ]

    @property
    def is_at_rest(self) -> bool:
        """Whether the update that was asked for last is on show, and nobody holds the scrubber."""
        return self._wanted is None and not self.scrubber.isSliderDown()

    # Going

    def _here(self) -> int:
        """The update that is shown, or is asked for already."""
        return self.document.project.updates if self._wanted is None else self._wanted

    def _by_epoch(self, direction: int) -> int:
        """The update at which the epoch under way began, or at which it ends."""
        run, here = self.document.run, self._here()
        if here <= run.first and direction < 0:
            return run.first
        epoch = run.epoch_at(here - 1) if direction < 0 else run.epoch_at(here) + 1
        return run.first + bisect_left(range(run.first, run.last), epoch, key=run.epoch_at)

    def ask(self, update: int) -> None:
        """Go to an update of the run once the events that are waiting are done: the last that was asked for."""
        run = self.document.run
        self._wanted = min(max(update, run.first), run.last)
        with QSignalBlocker(self.scrubber):
            self.scrubber.setValue(self._wanted)
        is_slow = self._cost > FLUENT and self.scrubber.isSliderDown()
        if is_slow or not self._timer.isActive():
            self._timer.start(round(1000 * min(self._cost, LONGEST_WAIT)) if is_slow else 0)

    def _go(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            start = time.perf_counter()
            self._try(lambda: self.player.go_to_update(wanted))
            self._cost = time.perf_counter() - start

    def _typed(self, text: str) -> None:
        self.update_field.show_text(text, force=True)
        self.ask(int(parse_number(text.replace(",", ""))))

    def _try(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except NnvizError as error:
            self.message.say(str(error))
            self.refresh()
            return False
        self.message.say("")
        return True

    def step_through(self) -> None:
        """Go to before the update on show, and to the first step of its batch."""
        run, project = self.document.run, self.document.project
        update = project.updates
        if update == run.first:
            return
        made, present = run.settings_of(update), project.settings
        if self._try(lambda: self.player.go_to_update(update - 1)):
            self.player.go_to(0)
            if not made.trains_as(present):
                self.message.say(
                    f"Update {update:,} was made with other settings ({describe_settings(made)}): the steps show it "
                    "with the present ones.",
                    "warning",
                )

    def branch(self) -> None:
        """Go on from here in another run; the present one is kept as it is."""
        former = self.document.run
        if self._try(self.document.branch):
            # However short it is: it was asked for.
            self.runs.keep(former)
            self.message.say(
                f"The former run, up to update {former.last:,}, is kept to compare with. Change a setting if you like, "
                "and train on.",
                "success",
            )

    # What is shown

    def _follow(self, change: Change) -> None:
        if change.project or change.structure or change.data:
            self._wanted = None
        if change.affects_numbers or change.project:
            if change.project:
                self.message.say("")
            self._show_again()

    def _show_again(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Show where in the run the document stands."""
        self._stale = False
        document, run, is_running = self.document, self.document.run, self.trainer.is_running
        update = document.project.updates
        points = self.trainer.live_points if is_running else run.points() if run.can_train else ()
        first = points[0].update if is_running and points else run.first
        last = update if is_running else run.last
        with QSignalBlocker(self.scrubber):
            self.scrubber.show_run(max(first, run.first), last, points)
            self.scrubber.setValue(self._here())
        self.update_field.first, self.update_field.last = run.first, run.last
        self.update_field.show_text(str(update))
        widest = self.update_field.fontMetrics().horizontalAdvance("0" * max(len(str(run.last)), 4))
        self.update_field.setFixedWidth(widest + theme().space(1.8))
        can_go = not is_running and run.last > run.first
        for widget in (self.scrubber, self.update_field, self.epoch_back_button):
            widget.setEnabled(can_go)
        for button in (self.first_button, self.epoch_back_button, self.back_button):
            button.setEnabled(can_go and update > run.first)
        for button in (self.forward_button, self.epoch_forward_button, self.last_button):
            button.setEnabled(can_go and update < run.last)
        self.step_button.setEnabled(can_go and update > run.first)
        self.branch_button.setEnabled(can_go and update < run.last)
        self.status_label.setText(self._status(points))
        self.status_label.setVisible(can_go or is_running)
        self.hint_label.setText(self._hint())

    def _status(self, points: tuple[LossPoint, ...]) -> str:
        """Where one stands: "update 312 of 1,000 · epoch 12 · loss 0.0123 · history: 1.3 MB (limit 64 MB)"."""
        project, run = self.document.project, self.document.run
        update = project.updates
        place = f"Update {update:,}" if self.trainer.is_running else f"Update {update:,} of {run.last:,}"
        size = run.memory / MEGABYTE
        shown = f"{size:.1f} MB" if size >= 0.1 else f"{run.memory / 1024:.0f} kB"
        parts = [place, f"epoch {project.epoch:,}"]
        loss = self._loss(points)
        if loss is not None:
            parts.append(f"loss {format_number(loss)}")
        return " · ".join([*parts, f"history: {shown} (limit {KEYFRAME_BYTES // MEGABYTE} MB)"])

    def _loss(self, points: tuple[LossPoint, ...]) -> float | None:
        """The loss over the training rows at the present update; during a run the last that is known."""
        run, update = self.document.run, self.document.project.updates
        place = bisect_left(points, update, key=lambda point: point.update)
        if place < len(points) and points[place].update == update:
            return points[place].loss
        if self.trainer.is_running:
            return points[place - 1].loss if place else None
        return run.table_loss(update) if run.can_train and run.first <= update <= run.last else None

    def _hint(self) -> str:
        run = self.document.run
        if self.trainer.is_running:
            return RUNNING
        if run.last == run.first:
            return EMPTY if run.can_train else NO_LOSS
        return IN_PAST if self.document.project.updates < run.last else AT_END
