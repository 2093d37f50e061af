"""The breakpoints panel: conditions that stop a run just before the update that makes them true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.breakpoints import Breakpoint, Relation, Watch
from core.network import Network, Role
from core.numbers import parse_number
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.fields import MessageLabel, NumberField, PanelArea, keep_keys, try_edit
from nnviz_app.panels.forms import ElidedBox, LabelledFields, WheelGuard
from nnviz_app.panels.parameter_boxes import MOST_LISTED, parameter_title
from nnviz_app.player import Player
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

EMPTY = (
    "No breakpoint yet: choose below what to watch, press Add, and run. The run stops before the update that does it."
)
STOPPED = "To run on past it, apply the update or switch the breakpoint off."
TAKEN = "There is such a breakpoint already."
NOTHING_TO_WATCH = "There is nothing of that kind to watch yet: add neurons and connect them."
WATCHES = {
    Watch.LOSS: "Loss of the batch",
    Watch.PARAMETER: "Weight or bias",
    Watch.GRADIENT: "Gradient of a weight or bias",
    Watch.ACTIVATION: "Activation, mean of the batch",
}
RELATIONS = {
    Relation.ABOVE: "is above",
    Relation.BELOW: "is below",
    Relation.CROSSES: "crosses",
    Relation.CHANGES_SIGN: "changes sign",
}


def breakpoint_title(network: Network, point: Breakpoint) -> str:
    """A breakpoint in words, with the names that the canvas shows: "|∂L/∂w5| above 10"."""
    if point.watch not in (Watch.PARAMETER, Watch.GRADIENT):
        return point.describe()
    name = parameter_title(network, point.subject)
    return point.describe(f"∂L/∂{name}" if point.watch is Watch.GRADIENT else name)


class BreakpointForm(LabelledFields):
    """What is watched, and which condition on it. It follows the selection of the canvas."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.watch_box, self.subject_box, self.relation_box = ElidedBox(), ElidedBox(), ElidedBox()
        for watch, title in WATCHES.items():
            self.watch_box.addItem(title, watch)
        for relation, title in RELATIONS.items():
            self.relation_box.addItem(title, relation)
        for box in (self.watch_box, self.subject_box, self.relation_box):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            box.installEventFilter(WheelGuard(self))
            keep_keys(box)
        self.absolute_box = QCheckBox("Size only, without the sign: |…|")
        keep_keys(self.absolute_box)
        self.value_field = NumberField()
        self.value_field.show_value(0.1)
        self.add("Watch", self.watch_box, ems=12.0)
        self.add("Of", self.subject_box)
        self.add("Stop when it", self.relation_box)
        self.add("Value", self.value_field)
        self.add("", self.absolute_box, ems=16.0)
        self.watch_box.currentIndexChanged.connect(self._show_fields)
        self.relation_box.currentIndexChanged.connect(self._show_fields)
        self._network = Network()
        self._show_fields()

    @property
    def watch(self) -> Watch:
        """What is watched."""
        return Watch(self.watch_box.currentData())

    @property
    def relation(self) -> Relation:
        """What has to happen."""
        return Relation(self.relation_box.currentData())

    def show_network(self, network: Network, selected: list[str]) -> None:
        """Offer this network's parameters and neurons; of a large one those that are selected."""
        self._network, former = network, self.subject_box.currentData()
        subjects = subjects_of(network, self.watch)
        if len(subjects) > MOST_LISTED:
            subjects = chosen_subjects(network, self.watch, selected) or subjects[:1]
        titles = [name if self.watch is Watch.ACTIVATION else parameter_title(network, name) for name in subjects]
        listed = [(self.subject_box.itemText(i), self.subject_box.itemData(i)) for i in range(self.subject_box.count())]
        if listed != list(zip(titles, subjects, strict=True)):
            self.subject_box.clear()
            for title, name in zip(titles, subjects, strict=True):
                self.subject_box.addItem(title, name)
            if former in subjects:
                self.subject_box.setCurrentIndex(subjects.index(former))

    def choose_subject(self, name: str) -> None:
        """Choose a parameter or neuron, if it is offered."""
        place = self.subject_box.findData(name)
        if place >= 0:
            self.subject_box.setCurrentIndex(place)

    def show_breakpoint(self, point: Breakpoint) -> None:
        """Show the condition of a breakpoint, to be changed."""
        self.watch_box.setCurrentIndex(self.watch_box.findData(point.watch))
        self.relation_box.setCurrentIndex(self.relation_box.findData(point.relation))
        self.choose_subject(point.subject)
        self.value_field.show_value(point.value, force=True)
        self.absolute_box.setChecked(point.absolute)

    def breakpoint(self) -> Breakpoint | None:
        """The breakpoint as typed; None where the value is refused or there is nothing to watch."""
        self.value_field.commit()
        subject = "" if self.watch is Watch.LOSS else self.subject_box.currentData()
        needs_value = self.relation is not Relation.CHANGES_SIGN
        if subject is None or (needs_value and self.value_field.property("invalid")):
            return None
        return Breakpoint(
            self.watch,
            self.relation,
            subject,
            parse_number(self.value_field.text()) if needs_value else 0.0,
            self.absolute_box.isChecked() and self._can_be_absolute,
        )

    @property
    def _can_be_absolute(self) -> bool:
        # A loss has no sign to leave out, and without one there is none to change.
        return self.watch is not Watch.LOSS and self.relation is not Relation.CHANGES_SIGN

    def _show_fields(self) -> None:
        self.show_row(self.subject_box, self.watch is not Watch.LOSS)
        self.show_row(self.value_field, self.relation is not Relation.CHANGES_SIGN)
        self.show_row(self.absolute_box, self._can_be_absolute)
        self.changed.emit()


def subjects_of(network: Network, watch: Watch) -> list[str]:
    """What can be watched so: parameters, or neurons that compute."""
    if watch is Watch.LOSS:
        return []
    if watch is Watch.ACTIVATION:
        return [neuron.id for neuron in network.neurons.values() if neuron.role is not Role.INPUT]
    return list(network.values)


def chosen_subjects(network: Network, watch: Watch, ids: list[str]) -> list[str]:
    """Which of these neurons and edges, or of their parameters, can be watched so."""
    if watch is not Watch.ACTIVATION:
        ids = [network.edges[i].parameter if i in network.edges else i for i in ids]
    known = set(subjects_of(network, watch))
    return [name for name in dict.fromkeys(ids) if name in known]


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
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(QWidget(), parent)
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
        self._box = QVBoxLayout(self.widget())
        self._box.addWidget(self.message)
        self._box.addWidget(self.empty_label)
        self._box.addWidget(self.list, 1)
        self._box.addWidget(self.form)
        self._box.addLayout(self._buttons)
        self._box.addStretch(0)
        document.changed.connect(self._follow)
        selection.changed.connect(self._follow_selection)
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
        self._box.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.6))
        self._box.setSpacing(space(0.6))
        self._buttons.setSpacing(space(0.5))
        self.list.setMinimumHeight(4 * theme().row_height)
        self.form.restyle(self.form.label_width())

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
        self.form.show_network(self.document.project.network, self.selection.ids)

    def _follow(self, change: Change) -> None:
        if change.project:
            self.message.say("")
        if change.structure or change.breakpoints or change.project:
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
        network, place = self.document.project.network, self.list.currentRow()
        with QSignalBlocker(self.list):
            while self.list.count() > len(self.breakpoints):
                self.list.takeItem(self.list.count() - 1)
            for row, point in enumerate(self.breakpoints):
                if row == self.list.count():
                    self.list.addItem(QListWidgetItem())
                item, title = self.list.item(row), breakpoint_title(network, point)
                item.setText(title)
                item.setToolTip(f"Stop before the update after which this holds: {title}")
                item.setCheckState(Qt.CheckState.Checked if point.enabled else Qt.CheckState.Unchecked)
            self.list.setCurrentRow(min(place, len(self.breakpoints) - 1))
        self.empty_label.setVisible(not self.breakpoints)
        self.list.setVisible(bool(self.breakpoints))
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
