"""The form of a breakpoint: what is watched, of which parameter or neuron, and the condition."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from core.breakpoints import Breakpoint, Relation, Watch
from core.network import Network, Role
from core.notation import Names
from core.numbers import parse_number
from nnviz_app.panels.fields import NumberField, keep_keys
from nnviz_app.panels.forms import ElidedBox, LabelledFields, WheelGuard
from nnviz_app.panels.parameter_boxes import MOST_LISTED

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


def breakpoint_title(names: Names, point: Breakpoint) -> str:
    """A breakpoint in words, with the names that the canvas shows: "|∂L/∂w5| above 10"."""
    match point.watch:
        case Watch.LOSS:
            return point.describe()
        case Watch.ACTIVATION:
            return point.describe(names.a(point.subject))
        case Watch.PARAMETER:
            return point.describe(names.parameter(point.subject))
        case Watch.GRADIENT:
            return point.describe(names.derivative(names.parameter(point.subject)))


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
        self._show_fields()

    @property
    def watch(self) -> Watch:
        """What is watched."""
        return Watch(self.watch_box.currentData())

    @property
    def relation(self) -> Relation:
        """What has to happen."""
        return Relation(self.relation_box.currentData())

    def show_network(self, names: Names, selected: list[str]) -> None:
        """Offer this network's parameters and neurons; of a large one those that are selected."""
        network, former = names.network, self.subject_box.currentData()
        subjects = subjects_of(network, self.watch)
        if len(subjects) > MOST_LISTED:
            subjects = chosen_subjects(network, self.watch, selected) or subjects[:1]
        titles = [name if self.watch is Watch.ACTIVATION else names.parameter(name) for name in subjects]
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
