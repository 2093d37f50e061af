"""The widgets of the export dialog: options as a form, the list of what can be made, a small preview."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from nnviz_app.export.entries import ENTRIES, GROUPS
from nnviz_app.export.entry import Entry
from nnviz_app.export.options import AnyOption, Decimal, Pick, Several, Switch, Values, Whole
from nnviz_app.panels.split_dialog import SeedField
from nnviz_app.theme import set_style_property, theme

# Check boxes that stand side by side.
COLUMNS = 3


class EntryList(QListWidget):
    """What can be made, under headings; what something is missing for is muted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What to export")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.ensurePolished()  # else the items' heights leave out the style sheet's padding
        for group in GROUPS:
            self._add_heading(group)
            for entry in ENTRIES.values():
                if entry.group == group:
                    item = QListWidgetItem(entry.title, self)
                    item.setToolTip(entry.missing() or entry.about)
                    item.setData(Qt.ItemDataRole.UserRole, entry.name)
                    if entry.missing():
                        item.setForeground(theme().palette.color("muted"))
        self.setFixedWidth(self.sizeHintForColumn(0) + theme().space(2))

    def _add_heading(self, text: str) -> None:
        item, label = QListWidgetItem(self), QLabel(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setSizeHint(QSize(0, theme().space(2.2)))
        label.setContentsMargins(theme().space(0.3), 0, 0, theme().space(0.2))
        label.setAlignment(Qt.AlignmentFlag.AlignBottom)
        set_style_property(label, "role", "small")
        self.setItemWidget(item, label)

    @property
    def entry(self) -> Entry:
        """What is selected."""
        return ENTRIES[self.currentItem().data(Qt.ItemDataRole.UserRole)]

    def moveCursor(self, action: QListWidget.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        # The first line is a heading, which cannot be selected.
        if action is QListWidget.CursorAction.MoveHome:
            return self.indexFromItem(self.item(1))
        return super().moveCursor(action, modifiers)

    def select(self, name: str) -> bool:
        """Select the entry called `name`, or the first one of the group called so; whether there is one."""
        for row in range(self.count()):
            entry = ENTRIES.get(self.item(row).data(Qt.ItemDataRole.UserRole))
            if entry is not None and name in (entry.name, entry.group):
                self.setCurrentRow(row)
                # With its heading.
                self.scrollToItem(self.item(row - 1))
                self.scrollToItem(self.item(row))
                return True
        return False


class OptionsForm(QWidget):
    """The options of an entry, one row each; those that make no difference at present are not shown."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields: dict[str, QWidget] = {}
        self._options: dict[str, AnyOption] = {}
        self._is_filling = False
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setHorizontalSpacing(theme().space(1.5))
        self.form.setVerticalSpacing(theme().space(0.5))
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)

    def show_options(self, options: Iterable[AnyOption], values: Values) -> None:
        """Show other options with these values."""
        while self.form.rowCount():
            self.form.removeRow(0)
        self._options = {option.name: option for option in options}
        self.fields = {}
        self._is_filling = True
        for option in self._options.values():
            field = self.fields[option.name] = self._make(option)
            field.setToolTip(option.tip)
            if field.focusProxy() is not None:
                # Else the key of its label would lead nowhere.
                field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self.set_value(option.name, values[option.name])
            self.form.addRow("" if isinstance(option, Switch) else option.title, field)
        self._is_filling = False
        self._show_rows()

    def _make(self, option: AnyOption) -> QWidget:
        match option:
            case Pick():
                box = QComboBox()
                for value, title in option.choices:
                    box.addItem(title, value)
                box.currentIndexChanged.connect(self._changed)
                return box
            case Switch():
                check = QCheckBox(option.title)
                check.toggled.connect(self._changed)
                return check
            case Several():
                boxes = CheckBoxes(option.choices)
                boxes.changed.connect(self._changed)
                return boxes
            case Whole() if option.name == "seed":
                seed = SeedField(option.default)
                seed.spin.valueChanged.connect(self._changed)
                return seed
            case _:
                return self._make_spin(option)

    def _make_spin(self, option: Whole | Decimal) -> QSpinBox | QDoubleSpinBox:
        spin: QSpinBox | QDoubleSpinBox
        if isinstance(option, Whole):
            spin = QSpinBox()
            spin.setRange(option.low, option.high)
            spin.setSingleStep(option.step)
            spin.setSpecialValueText(option.lowest)
        else:
            spin = QDoubleSpinBox()
            spin.setDecimals(option.places)
            spin.setRange(option.low, option.high)
            spin.setSingleStep(option.step)
        spin.setSuffix(option.suffix)
        spin.setGroupSeparatorShown(True)
        spin.valueChanged.connect(self._changed)
        return spin

    def set_value(self, name: str, value: Any) -> None:
        """Show this value of an option."""
        match self.fields[name]:
            case QComboBox() as box:
                box.setCurrentIndex(max(0, box.findData(value)))
            case QCheckBox() as check:
                check.setChecked(value)
            case CheckBoxes() as boxes:
                boxes.check(value)
            case SeedField() as seed:
                seed.spin.setValue(value)
            case QSpinBox() | QDoubleSpinBox() as spin:
                spin.setValue(value)

    def value(self, name: str) -> Any:
        """The value of an option."""
        match self.fields[name]:
            case QComboBox() as box:
                return box.currentData()
            case QCheckBox() as check:
                return check.isChecked()
            case CheckBoxes() as boxes:
                return boxes.checked()
            case SeedField() as seed:
                return seed.spin.value()
            case QSpinBox() | QDoubleSpinBox() as spin:
                return spin.value()

    def values(self) -> dict[str, Any]:
        """The values of all options."""
        return {name: self.value(name) for name in self.fields}

    def focus_chain(self) -> list[QWidget]:
        """Where Tab goes, one after the other."""
        chain: list[QWidget] = []
        for field in self.fields.values():
            match field:
                case CheckBoxes() as boxes:
                    chain += boxes.boxes.values()
                case SeedField() as seed:
                    chain += [seed.spin, seed.dice]
                case _:
                    chain.append(field)
        return chain

    def _changed(self) -> None:
        if not self._is_filling:
            self._show_rows()
            self.changed.emit()

    def _show_rows(self) -> None:
        values = self.values()
        for name, option in self._options.items():
            self.form.setRowVisible(self.fields[name], option.matters(values))


class CheckBoxes(QWidget):
    """Some of several, side by side in a few columns."""

    changed = Signal()

    def __init__(self, choices: Iterable[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes = {value: QCheckBox(title) for value, title in choices}
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(theme().space(1))
        layout.setVerticalSpacing(theme().space(0.2))
        for place, box in enumerate(self.boxes.values()):
            box.toggled.connect(self.changed)
            layout.addWidget(box, *divmod(place, COLUMNS))
        self.setFocusProxy(next(iter(self.boxes.values())))

    def check(self, values: tuple[str, ...]) -> None:
        """Check exactly these."""
        for value, box in self.boxes.items():
            box.setChecked(value in values)

    def checked(self) -> tuple[str, ...]:
        """Those that are checked."""
        return tuple(value for value, box in self.boxes.items() if box.isChecked())


class PreviewBox(QWidget):
    """A picture as large as there is room for it, never larger than it is; squares show where it is transparent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.setAccessibleName("Preview")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_image(self, image: QImage) -> None:
        """Show this picture."""
        self.image = image
        self.update()

    def sizeHint(self) -> QSize:
        # Small: where there is no more room, the options are to be seen beneath it.
        return QSize(theme().space(30), theme().space(11))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(12), theme().space(9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme().pen("line"))
        painter.setBrush(theme().palette.color("window"))
        painter.drawRoundedRect(frame, theme().space(0.4), theme().space(0.4))
        if self.image.isNull():
            return
        margin = theme().space(0.6)
        inner = frame.adjusted(margin, margin, -margin, -margin)
        size = self.image.deviceIndependentSize()
        size.scale(inner.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(QPointF(), size)
        place.moveCenter(inner.center())
        if self.image.hasAlphaChannel():
            self._paint_squares(painter, place)
        painter.drawImage(place, self.image)

    @staticmethod
    def _paint_squares(painter: QPainter, place: QRectF) -> None:
        side = theme().space(0.5)
        painter.save()
        painter.setClipRect(place)
        painter.fillRect(place, theme().palette.color("panel"))
        for row in range(int(place.height() // side) + 1):
            for column in range(row % 2, int(place.width() // side) + 1, 2):
                corner = QRectF(place.left() + column * side, place.top() + row * side, side, side)
                painter.fillRect(corner, theme().palette.color("window"))
        painter.restore()
