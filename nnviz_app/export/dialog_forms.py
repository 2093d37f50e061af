"""The widgets of the export dialog: options as a form, and the list of what can be made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from nnviz_app.export.entries import ENTRIES, GROUPS
from nnviz_app.export.entry import Entry
from nnviz_app.export.options import AnyOption, Decimal, Pick, Several, Switch, Values, Whole
from nnviz_app.panels.split_dialog import SeedField
from nnviz_app.theme import set_style_property, theme

# Check boxes that stand side by side.
COLUMNS = 3
# The heights of an entry and of a heading, in text sizes: all of them are to be seen on a screen 720 pixels high.
ENTRY, HEADING = 1.8, 1.6


class _WholeHeadings(QStyledItemDelegate):
    """Gives headings the whole height of their lines; else the style sheet's padding would be taken off it."""

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        editor.setGeometry(option.rect)  # type: ignore[attr-defined]


class EntryList(QListWidget):
    """What can be made, under headings; what something is missing for is muted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What to export")
        self.setItemDelegate(_WholeHeadings(self))
        self._resized = QTimer(self, singleShot=True, interval=0)
        self._resized.timeout.connect(self._keep_in_sight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.ensurePolished()  # else the items' heights leave out the style sheet's padding
        for group in GROUPS:
            self._add_heading(group)
            for entry in ENTRIES.values():
                if entry.group == group:
                    item = QListWidgetItem(entry.title, self)
                    item.setToolTip(entry.missing() or entry.about)
                    item.setData(Qt.ItemDataRole.UserRole, entry.name)
                    item.setSizeHint(
                        QSize(self.sizeHintForIndex(self.indexFromItem(item)).width(), theme().space(ENTRY))
                    )
                    if entry.missing():
                        item.setForeground(theme().palette.color("muted"))
        self.setFixedWidth(self.sizeHintForColumn(0) + theme().space(2))

    def _add_heading(self, text: str) -> None:
        item, label = QListWidgetItem(self), QLabel(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setSizeHint(QSize(0, theme().space(HEADING)))
        label.setContentsMargins(theme().space(0.3), 0, 0, theme().space(0.1))
        label.setAlignment(Qt.AlignmentFlag.AlignBottom)
        set_style_property(label, "role", "small")
        self.setItemWidget(item, label)

    @property
    def entry(self) -> Entry:
        """What is selected."""
        return ENTRIES[self.currentItem().data(Qt.ItemDataRole.UserRole)]

    def scrollTo(
        self,
        index: QModelIndex | QPersistentModelIndex,
        hint: QListWidget.ScrollHint = QListWidget.ScrollHint.EnsureVisible,
    ) -> None:
        # What comes first under a heading is seen with it, where there is room for both.
        if index.row() > 0 and not (above := self.item(index.row() - 1)).flags():
            super().scrollTo(self.indexFromItem(above), hint)
        super().scrollTo(index, hint)

    def moveCursor(self, action: QListWidget.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        # The first line is a heading, which cannot be selected.
        if action is QListWidget.CursorAction.MoveHome:
            return self.indexFromItem(self.item(1))
        return super().moveCursor(action, modifiers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # When it has its lines in place: headings would stay where they were.
        self._resized.start()

    def _keep_in_sight(self) -> None:
        self.scrollTo(self.currentIndex())

    def select(self, name: str) -> bool:
        """Select the entry called `name`, or the first one of the group called so; whether there is one."""
        for row in range(self.count()):
            entry = ENTRIES.get(self.item(row).data(Qt.ItemDataRole.UserRole))
            if entry is not None and name in (entry.name, entry.group):
                self.setCurrentRow(row)
                self.scrollTo(self.currentIndex())
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
            self.set_value(option.name, values[option.name])
            self.form.addRow("" if isinstance(option, Switch) else option.title, field)
            label, proxy = self.form.labelForField(field), field.focusProxy()
            if proxy is not None and isinstance(label, QLabel):
                # Else the key of its label would lead nowhere.
                label.setBuddy(proxy)
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
