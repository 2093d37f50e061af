"""The breakpoints panel: conditions that stop a run just before the update that makes them true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.breakpoints import Breakpoint, Watch
from core.notation import Names
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.breakpoint_form import WATCHES, BreakpointForm, breakpoint_title, chosen_subjects
from nnviz_app.panels.fields import MessageLabel, PanelArea, keep_keys, try_edit
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

EMPTY = "No breakpoint yet: choose what to watch, press Add, and run. The run stops before the update that does it."
STOPPED = "To run on past it, apply the update or switch the breakpoint off."
# From so many text sizes on, the list stands beside the form.
WIDE = 34.0
TAKEN = "There is such a breakpoint already."
NOTHING_TO_WATCH = "There is nothing of that kind to watch yet: add neurons and connect them."


class BreakpointList(QListWidget):
    """The breakpoints with a check each. Del removes the present one, Enter edits it."""

    removed = Signal()
    opened = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        else:
            super().keyPressEvent(event)


class BreakpointsPanel(PanelArea):
    """Lists and edits `project.breakpoints`; shows the update before which one stopped the run."""

    # A sentence: which breakpoint stopped the run before which update.
    stopped = Signal(str)

    def __init__(
        self,
        document: Document,
        player: Player,
        trainer: Trainer,
        selection: Selection,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(QWidget(), parent)
        self.preferences = preferences
        self.document, self.player, self.trainer, self.selection = document, player, trainer, selection
        self._has_stopped = False
        self._stale = True
        self.empty_label = QLabel(EMPTY)
        self.empty_label.setWordWrap(True)
        set_style_property(self.empty_label, "role", "muted")
        self.list = BreakpointList()
        self.list.setAccessibleName("Breakpoints")
        self.list.setTabKeyNavigation(False)
        self.list.currentRowChanged.connect(self._show_current)
        self.list.itemChanged.connect(self._check)
        self.list.removed.connect(self.remove)
        self.form = BreakpointForm()
        self.list.opened.connect(self.form.watch_box.setFocus)
        self.form.changed.connect(self._show_subjects)
        self.message = MessageLabel()
        self.form.value_field.refused.connect(self.message.say)
        self.add_button = self._button("Add", "Add a breakpoint with this condition", self.add)
        self.change_button = self._button("Change", "Give the chosen breakpoint this condition", self.change)
        self.remove_button = self._button("Remove", "Remove the chosen breakpoint (Del)", self.remove)
        self.selection_button = self._button("Add for the selection", "", self.add_for_selection)
        self._buttons = QGridLayout()
        for column, button in enumerate((self.add_button, self.change_button, self.remove_button)):
            self._buttons.addWidget(button, 0, column)
        self._buttons.addWidget(self.selection_button, 1, 0, 1, 3)
        self._shown, self._typing = QVBoxLayout(), QVBoxLayout()
        self._shown.addWidget(self.message)
        self._shown.addWidget(self.empty_label, 0, Qt.AlignmentFlag.AlignTop)
        self._shown.addWidget(self.list, 1)
        self._typing.addWidget(self.form)
        self._typing.addLayout(self._buttons)
        self._typing.addStretch(1)
        # Beside each other in a wide panel, else below.
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom, self.widget())
        self._halves.addLayout(self._shown)
        self._halves.addLayout(self._typing)
        document.changed.connect(self._follow)
        selection.changed.connect(self._follow_selection)
        self.preferences.changed.connect(self._show_again)
        trainer.running_changed.connect(self._follow_running)
        trainer.stopped_at_breakpoint.connect(self._note_stop)
        trainer.finished.connect(self._tell_stop)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _button(self, text: str, tip: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action)
        keep_keys(button)
        return button

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(30))

    def _restyle(self) -> None:
        space = theme().space
        self._halves.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.6))
        for layout in (self._halves, self._shown, self._typing):
            layout.setSpacing(space(0.6))
        self._buttons.setSpacing(space(0.5))
        self.list.setMinimumHeight(4 * theme().row_height)
        self.form.restyle(self.form.label_width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        is_wide = self.viewport().width() >= theme().space(WIDE)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._halves.setDirection(across if is_wide else down)
        # Below each other, the list takes what is left, where there is one.
        shown, typing = (2, 3) if is_wide else (1, 0) if self.breakpoints else (0, 1)
        self._halves.setStretch(0, shown)
        self._halves.setStretch(1, typing)

    # What hands do

    @property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """Those of the project."""
        return self.document.project.breakpoints

    def _edit(self, text: str, breakpoints: tuple[Breakpoint, ...]) -> bool:
        def change(draft: Project) -> None:
            draft.breakpoints = breakpoints

        refusal = try_edit(self.document, self.player, text, change)
        self.message.say(refusal)
        return not refusal

    def add(self) -> None:
        """Add what the form says."""
        point = self._typed()
        if point is not None and self._edit("Add breakpoint", (*self.breakpoints, point)):
            self.list.setCurrentRow(len(self.breakpoints) - 1)

    def change(self) -> None:
        """Give the chosen breakpoint the condition in the form."""
        place, point = self.list.currentRow(), self._typed(besides=self.list.currentRow())
        if place >= 0 and point is not None:
            points = list(self.breakpoints)
            points[place] = replace(point, enabled=points[place].enabled)
            self._edit("Change breakpoint", tuple(points))

    def remove(self) -> None:
        """Remove the chosen breakpoint."""
        place = self.list.currentRow()
        if place >= 0:
            self._edit("Remove breakpoint", self.breakpoints[:place] + self.breakpoints[place + 1 :])

    def add_for_selection(self) -> None:
        """Add one with the form's condition for each selected neuron and edge.

        Where the form watches the loss: their activations and weights.
        """
        template = self._typed(is_template=True)
        if template is None:
            return
        network, watch = self.document.project.network, template.watch
        wanted: list[Breakpoint] = []
        for subject in self.selection.ids:
            is_edge = subject in network.edges
            kind = (Watch.PARAMETER if is_edge else Watch.ACTIVATION) if watch is Watch.LOSS else watch
            wanted += [replace(template, watch=kind, subject=i) for i in chosen_subjects(network, kind, [subject])]
        new = [point for point in dict.fromkeys(wanted) if not self._is_taken(point)]
        if new:
            self._edit("Add breakpoints" if len(new) > 1 else "Add breakpoint", (*self.breakpoints, *new))
            self.list.setCurrentRow(len(self.breakpoints) - 1)
        else:
            self.message.say(TAKEN if wanted else f"None of what is selected has this: {WATCHES[watch]}.")

    def _typed(self, *, besides: int = -1, is_template: bool = False) -> Breakpoint | None:
        """What the form says; None where that cannot be a breakpoint, which is said."""
        point = self.form.breakpoint()
        if point is None:
            if not self.form.value_field.property("invalid"):
                self.message.say(NOTHING_TO_WATCH)
        elif not is_template and self._is_taken(point, besides):
            self.message.say(TAKEN)
            return None
        return point

    def _is_taken(self, point: Breakpoint, besides: int = -1) -> bool:
        others = (other for place, other in enumerate(self.breakpoints) if place != besides)
        return any(replace(other, enabled=True) == point for other in others)

    def _check(self, item: QListWidgetItem) -> None:
        place, enabled = self.list.row(item), item.checkState() is Qt.CheckState.Checked
        points = list(self.breakpoints)
        if points[place].enabled is not enabled:
            points[place] = replace(points[place], enabled=enabled)
            if not self._edit("Switch breakpoint on" if enabled else "Switch breakpoint off", tuple(points)):
                self.refresh()

    # What is shown

    def _show_current(self, place: int) -> None:
        if 0 <= place < len(self.breakpoints):
            self.form.show_breakpoint(self.breakpoints[place])
        self._show_enabled()

    def _show_subjects(self) -> None:
        self.form.show_network(self._names(), self.selection.ids)

    def _names(self) -> Names:
        return Names(self.document.project.network, self.preferences.notation)

    def _follow(self, change: Change) -> None:
        if change.project:
            self.message.say("")
        if change.structure or change.breakpoints or change.project:
            self._show_again()

    def _show_again(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    def _follow_selection(self) -> None:
        if self.isVisible():
            self._show_subjects()
            chosen = chosen_subjects(self.document.project.network, self.form.watch, self.selection.ids)
            if chosen:
                self.form.choose_subject(chosen[0])
        self._show_enabled()

    def _follow_running(self, running: bool) -> None:
        if running:
            self.message.say("")
        self._show_enabled()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """List the project's breakpoints as they are now."""
        self._stale = False
        names, place = self._names(), self.list.currentRow()
        with QSignalBlocker(self.list):
            while self.list.count() > len(self.breakpoints):
                self.list.takeItem(self.list.count() - 1)
            for row, point in enumerate(self.breakpoints):
                if row == self.list.count():
                    self.list.addItem(QListWidgetItem())
                item, title = self.list.item(row), breakpoint_title(names, point)
                item.setText(title)
                item.setToolTip(f"Stop before the update after which this holds: {title}")
                item.setCheckState(Qt.CheckState.Checked if point.enabled else Qt.CheckState.Unchecked)
            self.list.setCurrentRow(min(place, len(self.breakpoints) - 1))
        self.empty_label.setVisible(not self.breakpoints)
        self.list.setVisible(bool(self.breakpoints))
        self._arrange()
        self._show_subjects()
        self._show_enabled()

    def _show_enabled(self) -> None:
        free = not self.trainer.is_running
        self.add_button.setEnabled(free)
        for button in (self.change_button, self.remove_button):
            button.setEnabled(free and self.list.currentRow() >= 0)
        self.selection_button.setEnabled(free and len(self.selection) > 0)
        self.selection_button.setToolTip(
            "Watch each selected neuron and edge with this condition"
            if len(self.selection)
            else "Select neurons or edges on the canvas first"
        )

    # Stopping

    def _note_stop(self) -> None:
        self._has_stopped = True

    def _tell_stop(self, summary: str) -> None:
        """Show the update that makes a breakpoint hold: its batch, before its first step."""
        if not self._has_stopped:
            return
        self._has_stopped = False
        self.player.show_next_batch()
        self.message.say(f"{summary} {STOPPED}", "info")
        self.stopped.emit(summary)
