"""Typing a number or a name where it stands on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from core.network import Network, Role
from core.numbers import format_exact, parse_number
from core.project import Project
from nnviz_app.canvas.scene import PartKind
from nnviz_app.editing import Editing, NumberKind
from nnviz_app.theme import set_style_property, theme

NUMBER_KINDS: dict[PartKind, NumberKind] = {
    PartKind.WEIGHT: "weight",
    PartKind.BIAS: "bias",
    PartKind.VALUE: "value",
    PartKind.TARGET: "target",
}
EDITABLE_KINDS = frozenset({PartKind.NAME, *NUMBER_KINDS})
# The text is as large as on the canvas, within these multiples of the body text.
SMALLEST_SCALE, LARGEST_SCALE = 1.0, 1.75


@dataclass(frozen=True, slots=True)
class Field:
    """A text on the canvas that can be typed over. `row` is the row of the data for a value or a target."""

    kind: PartKind
    id: str
    row: int = 0

    def exists(self, project: Project) -> bool:
        """Whether the project has this field."""
        network = project.network
        match self.kind:
            case PartKind.WEIGHT:
                return self.id in network.edges
            case PartKind.BIAS:
                return self.id in network.neurons and network.has_bias(self.id)
            case PartKind.NAME:
                return self.id in network.neurons
            case PartKind.VALUE | PartKind.TARGET:
                role = Role.INPUT if self.kind is PartKind.VALUE else Role.OUTPUT
                has_column = self.id in network.neurons and network.neurons[self.id].role is role
                return has_column and 0 <= self.row < project.dataset.rows
        return False

    def text(self, project: Project) -> str:
        """What stands there, at full precision: of the data what the network sees."""
        match self.kind:
            case PartKind.WEIGHT:
                value = project.network.weight(self.id)
            case PartKind.BIAS:
                value = project.network.bias(self.id)
            case PartKind.NAME:
                return self.id
            case _:
                value = float(project.dataset.seen(self.id)[self.row])
        # The keyboard's minus sign, for those who edit the text rather than typing over it.
        return format_exact(value).replace("−", "-")

    def commit(self, editing: Editing, text: str) -> bool:
        """Take over what was typed. Raises DataError when it is no number; False when it was refused."""
        if self.kind is PartKind.NAME:
            return editing.rename(self.id, text)
        return editing.set_number(NUMBER_KINDS[self.kind], self.id, parse_number(text), row=self.row)


def fields_in_order(network: Network, kind: PartKind, row: int) -> list[Field]:
    """The fields that Tab goes through: weights, biases, values and targets; or, from a name, the names."""
    if kind is PartKind.NAME:
        return [Field(PartKind.NAME, neuron_id) for neuron_id in network.neurons]
    return [
        *(Field(PartKind.WEIGHT, edge_id, row) for edge_id in network.edges),
        *(Field(PartKind.BIAS, neuron_id, row) for neuron_id in network.neurons if network.has_bias(neuron_id)),
        *(Field(PartKind.VALUE, neuron.id, row) for neuron in network.inputs),
        *(Field(PartKind.TARGET, neuron.id, row) for neuron in network.outputs),
    ]


class CanvasEditor(QLineEdit):
    """The line in which a field is typed. Nothing typed here reaches the window's shortcuts.

    `commit_requested(step)`: Enter, or another widget was clicked (0), Tab (1), Shift+Tab (-1).
    """

    commit_requested = Signal(int)
    cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAccessibleName("Number")
        self.textEdited.connect(self._accept_again)
        self.textChanged.connect(self._fit_width)
        self._place = QRect()

    def open(self, text: str, place: QRect, scale: float) -> None:
        """Show `text`, selected, over `place` (in the parent's pixels)."""
        self._accept_again()
        self.setText(text)
        self.place_over(place, scale)
        self.selectAll()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def place_over(self, place: QRect, scale: float) -> None:
        """Stand over `place` at this zoom."""
        font = theme().font("body")
        font.setPointSizeF(font.pointSizeF() * min(max(scale, SMALLEST_SCALE), LARGEST_SCALE))
        # The application's style sheet sets no size for a line edit, so this font holds.
        self.setFont(font)
        self._place = place
        self._fit_width()

    def _fit_width(self) -> None:
        metrics = self.fontMetrics()
        wanted = metrics.horizontalAdvance(self.text()) + theme().space(2.2)
        size = self.sizeHint()
        size.setWidth(max(wanted, self._place.width(), metrics.horizontalAdvance("0") * 7))
        rect = QRect(0, 0, size.width(), max(metrics.height() + theme().space(0.7), size.height()))
        rect.moveCenter(self._place.center())
        parent = self.parentWidget()
        room = parent.rect() if parent is not None else rect
        # A long number near the border must not run out of the canvas.
        rect.moveLeft(max(room.left(), min(rect.left(), room.right() - rect.width())))
        self.setGeometry(rect)

    def refuse(self, reason: str) -> None:
        """Stay open and say why."""
        set_style_property(self, "invalid", True)
        self.setToolTip(reason)

    def _accept_again(self) -> None:
        set_style_property(self, "invalid", False)
        self.setToolTip("")

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
            if not event.modifiers() & (others | Qt.KeyboardModifier.MetaModifier):
                event.accept()
                return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            # Before the focus moves on.
            if event.key() == Qt.Key.Key_Tab:
                self.commit_requested.emit(1)
                return True
            if event.key() == Qt.Key.Key_Backtab:
                self.commit_requested.emit(-1)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.commit_requested.emit(0)
        elif event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)
        # Nothing goes on to the canvas, where letters are commands.
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.commit_requested.emit(0)
