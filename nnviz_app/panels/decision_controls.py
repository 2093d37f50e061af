"""What the decision map is told by: what a click does, which class it gives, and the inputs that stay fixed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.decision import TargetChoice, target_choices
from core.errors import NnvizError
from core.numbers import format_exact, parse_number
from core.project import Project
from nnviz_app.panels.decision_picture import Show
from nnviz_app.panels.fields import MessageLabel, NumberField, keep_keys
from nnviz_app.panels.forms import ElidedBox, WheelGuard
from nnviz_app.theme import theme


class ClickMode(StrEnum):
    """What a click on the map does."""

    SELECT = "Select"
    ADD = "Add"
    FEED = "Feed"


TIPS = {
    ClickMode.SELECT: "A click on a point selects its row",
    ClickMode.ADD: "A click adds a row with these inputs; with Shift, a test row",
    ClickMode.FEED: "A click or drag gives these inputs to the row on show",
}


class ModeButtons(QWidget):
    """Three buttons of which one is down."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.buttons: dict[ClickMode, QToolButton] = {}
        group = QButtonGroup(self)
        for mode in ClickMode:
            button = self.buttons[mode] = QToolButton()
            button.setText(str(mode))
            button.setToolTip(TIPS[mode])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            keep_keys(button)
            group.addButton(button)
            row.addWidget(button)
            button.toggled.connect(lambda down: self.changed.emit() if down else None)
        self.buttons[ClickMode.SELECT].setChecked(True)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        side, line = theme().space(0.4), theme().palette.line.name()
        self.setStyleSheet(
            f"QToolButton {{ padding-left: {side}px; padding-right: {side}px; }}"
            f"QToolButton:!focus {{ border-color: {line}; }}"
        )

    @property
    def mode(self) -> ClickMode:
        """The one that is down."""
        return next(mode for mode, button in self.buttons.items() if button.isChecked())


def choice_box(parent: QWidget, name: str) -> QComboBox:
    """A box for a panel that may become narrow."""
    box = ElidedBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(WheelGuard(parent))
    keep_keys(box)
    return box


def fill_box(box: QComboBox, titles: Mapping[str, str], chosen: str) -> None:
    """Offer these, by key, with one of them chosen; nothing is announced."""
    with QSignalBlocker(box):
        if [box.itemData(i) for i in range(box.count())] != list(titles):
            box.clear()
            for key, title in titles.items():
                box.addItem(title, key)
        box.setCurrentIndex(list(titles).index(chosen) if chosen in titles else -1)
        box.setToolTip(box.currentText())


def color_icon(color: QColor) -> QIcon:
    """A disc of one colour."""
    side = theme().space(1.0)
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(1, 1, side - 2, side - 2)
    painter.end()
    return QIcon(pixmap)


class FixedInputs(QDialog):
    """The values of the inputs that are on no axis: those of the row on show until others are typed."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Other inputs")
        # What was typed, by input; the others are those of the row on show.
        self.typed: dict[str, float] = {}
        self._values: Mapping[str, float] = {}
        self._shown: tuple[dict[str, float], set[str]] = ({}, set())
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Input", "Value"])
        self.table.verticalHeader().hide()
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.itemChanged.connect(self._take)
        self.message = MessageLabel()
        self.row_button = QPushButton("As in the row on show")
        self.row_button.setAutoDefault(False)
        self.row_button.clicked.connect(self._forget)
        self._box = QVBoxLayout(self)
        for widget in (self.table, self.message, self.row_button):
            self._box.addWidget(widget)

    def show_values(self, values: Mapping[str, float]) -> None:
        """Show these values, by input; not again, for someone may be typing over one of them."""
        shown = (dict(values), set(self.typed))
        if shown != self._shown:
            self._values, self._shown = values, shown
            if self.isVisible():
                self._fill()

    def _fill(self) -> None:
        values = self._values
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(values))
            for place, (neuron, value) in enumerate(values.items()):
                name, number = self._cell(place, 0), self._cell(place, 1)
                name.setText(neuron)
                name.setFlags(Qt.ItemFlag.ItemIsEnabled)
                number.setText(format_exact(value))
                number.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                number.setFont(theme().font("strong" if neuron in self.typed else "body"))
        self.row_button.setEnabled(bool(self.typed))

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        # An item is not replaced: this may be its own signal's doing.
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.table.setItem(row, column, item)
        return item

    def open_below(self, widget: QWidget) -> None:
        """Open below a button, within the screen."""
        space = theme().space
        self._box.setContentsMargins(*[space(0.8)] * 4)
        self._box.setSpacing(space(0.5))
        self.message.say("")
        self._fill()
        self.table.setColumnWidth(0, space(9))
        self.resize(space(24), min(space(26), space(10) + theme().row_height * self.table.rowCount()))
        self.table.verticalHeader().setDefaultSectionSize(theme().row_height)
        place = widget.mapToGlobal(QPoint(0, widget.height()))
        area = widget.screen().availableGeometry()
        self.move(
            max(area.left(), min(place.x(), area.right() - self.width())),
            max(area.top(), min(place.y(), area.bottom() - self.height())),
        )
        self.show()

    def _take(self, item: QTableWidgetItem) -> None:
        neuron = self._cell(item.row(), 0).text()
        try:
            self.typed[neuron] = parse_number(item.text())
        except NnvizError as error:
            self.message.say(f"{neuron}: {error}")
            # What was typed goes back to what holds.
            self._fill()
        else:
            self.message.say("")
            self.changed.emit()

    def _forget(self) -> None:
        self.typed.clear()
        self.changed.emit()


class MapControls(QWidget):
    """Beside the map: which neuron, which inputs, what a click does, and what is shown."""

    neuron_chosen = Signal(str)
    axis_chosen = Signal(int, str)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: list[TargetChoice] = []
        self._takes_target = False
        self.neuron_box = choice_box(self, "Neuron on the map")
        self.neuron_box.activated.connect(lambda: self.neuron_chosen.emit(self.neuron_box.currentData()))
        self.axis_boxes = [choice_box(self, f"Input on the {name} axis") for name in ("horizontal", "vertical")]
        for place, box in enumerate(self.axis_boxes):
            box.setMinimumContentsLength(3)
            box.activated.connect(lambda _, place=place, box=box: self.axis_chosen.emit(place, box.currentData()))
        self.fixed = FixedInputs(self)
        self.fixed.changed.connect(self.changed)
        self.fixed_button = QPushButton("Other inputs …")
        self.fixed_button.setToolTip("The values that the inputs on no axis keep")
        self.fixed_button.clicked.connect(lambda: self.fixed.open_below(self.fixed_button))
        self.modes = ModeButtons()
        self.modes.changed.connect(self._show_mode)
        self.class_box = choice_box(self, "Class of a new point")
        self.target_field = NumberField()
        self.target_field.setAccessibleName("Target of a new point")
        self.target_field.setPlaceholderText("target")
        self.target_field.show_value(0.0)
        self.two_box = self._tick("Discretised", False, "Only which side of the middle, or which class, in full colour")
        self.training_box = self._tick("Training", True, "Training points, discs: the rows that training uses")
        self.test_box = self._tick("Test", True, "Test points, diamonds: the rows that are held out")
        self._axis_row = QHBoxLayout()
        for box in self.axis_boxes:
            self._axis_row.addWidget(box, 1)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self.neuron_box)
        self._column.addLayout(self._axis_row)
        for widget in (self.fixed_button, self.modes, self.class_box, self.target_field):
            self._column.addWidget(widget)
        self._column.addWidget(self.two_box)
        self._point_row = QHBoxLayout()
        self._point_row.addWidget(self.training_box)
        self._point_row.addWidget(self.test_box, 1)
        self._column.addLayout(self._point_row)
        self._column.addStretch(1)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _tick(self, text: str, on: bool, tip: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setChecked(on)
        box.setToolTip(tip)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.toggled.connect(self.changed)
        keep_keys(box)
        return box

    def _restyle(self) -> None:
        space = theme().space
        self._column.setContentsMargins(0, 0, space(0.5), 0)
        self._column.setSpacing(space(0.35))
        self._axis_row.setSpacing(space(0.3))
        self._point_row.setSpacing(space(0.8))

    def show_choices(self, project: Project, *, neuron: str, axes: list[str], others: Mapping[str, float]) -> None:
        """Offer what there is; `neuron` ("" for the outputs) and `axes` are on show, `others` the fixed inputs."""
        network, outputs = project.network, project.network.outputs
        titles = {"": f"Output {outputs[0].id}" if len(outputs) == 1 else "Outputs"} if outputs else {}
        for other in network.neurons.values():
            if other.role != "input" and (len(outputs) != 1 or other is not outputs[0]):
                titles[other.id] = f"{'Output' if other.role == 'output' else 'Neuron'} {other.id}"
        fill_box(self.neuron_box, titles, neuron)
        for box, axis in zip(self.axis_boxes, axes, strict=False):
            fill_box(box, {i.id: i.id for i in network.inputs}, axis)
        for box in self.axis_boxes:
            box.setVisible(bool(others))
        self.fixed_button.setVisible(bool(others))
        self.fixed.show_values(others)
        self.two_box.setVisible(len(axes) > 1)
        self.test_box.setEnabled(bool(project.dataset.test.any()))
        self._choices = target_choices(network, project.dataset)
        classes = [choice.title for choice in self._choices]
        chosen = self.class_box.currentData()
        fill_box(self.class_box, {i: i for i in classes}, chosen if chosen in classes else next(iter(classes), ""))
        palette = theme().palette
        for place in range(len(classes)):
            ends = (palette.negative, palette.positive)
            color = ends[place] if len(outputs) == 1 else palette.class_color(place)
            self.class_box.setItemIcon(place, color_icon(color))
        # Over one input the height of a click is the target.
        self._takes_target = not classes and len(outputs) == 1 and len(axes) > 1
        self._show_mode()

    def _show_mode(self) -> None:
        adds = self.modes.mode is ClickMode.ADD
        self.class_box.setVisible(adds and bool(self._choices))
        self.target_field.setVisible(adds and self._takes_target)

    def show_what(self) -> Show:
        """What is ticked."""
        return Show(self.two_box.isChecked(), self.training_box.isChecked(), self.test_box.isChecked())

    def targets(self, outputs: list[str]) -> dict[str, float]:
        """The targets of a new point, by output. Raises DataError when what was typed is no number."""
        if self._choices:
            return dict(self._choices[max(self.class_box.currentIndex(), 0)].targets)
        return dict.fromkeys(outputs, parse_number(self.target_field.text()))
