"""What forms are made of: fields with bounds, and rows that fold where there is little room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QGridLayout,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from core.numbers import format_exact, parse_number
from nnviz_app.panels.fields import Field, NumberField
from nnviz_app.theme import theme

# A field beside its label is at least this wide, in text sizes, unless it asks for more; where there is less
# room it stands below.
NARROWEST_FIELD = 5.0


class SettingField(NumberField):
    """A number that `allows` holds for, `bounds` in words; or none, where `empty` says what that means.

    `chosen` carries the new number, or None.
    """

    chosen = Signal(object)

    def __init__(
        self, title: str, about: str, *, allows: Callable[[float], bool], bounds: str, empty: str = ""
    ) -> None:
        super().__init__()
        self.title, self.about, self.bounds = title, about, bounds
        self._allows, self._empty = allows, empty
        self.setPlaceholderText(empty)
        self.setAccessibleDescription(about)

    def show_number(self, value: float | None, *, force: bool = False) -> None:
        """Show the number of the document; None for no number."""
        if value is None:
            self.show_text("", force=force)
            self.setToolTip(self.about)
        else:
            self.show_value(value, force=force)
            self.setToolTip(f"{self.about}\n{format_exact(value)}")

    def check(self, text: str) -> str:
        if self._empty and not text.strip():
            return ""
        sentence = super().check(text)
        if not sentence and not self._allows(parse_number(text)):
            return f"“{self.title}” has to be {self.bounds}."
        return sentence

    def _announce(self, text: str) -> None:
        value = parse_number(text) if text.strip() else None
        self.show_number(value, force=True)
        self.chosen.emit(value)


def dropout_field() -> SettingField:
    """A field for the dropout of hidden neurons."""
    return SettingField(
        "Dropout",
        "The share of samples for which training leaves a hidden neuron out, such as 0.2",
        allows=lambda value: 0.0 <= value < 1.0,
        bounds="at least 0 and below 1",
    )


class WheelGuard(QObject):
    """Scrolling the panel must not change the field that happens to pass under the pointer.

    A box keeps the focus when it has been chosen from, so it never follows the wheel.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget):
            may_follow = watched.hasFocus() and not isinstance(watched, QComboBox)
            if not may_follow:
                event.ignore()
                return True
        return super().eventFilter(watched, event)


class ElidedBox(QComboBox):
    """A box that may be narrower than its titles: what does not fit ends in "…", the list has the whole."""

    def showPopup(self) -> None:
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 2 * theme().space(0.5))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = QStyle.SubControl.SC_ComboBoxEditField
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, style, self)
        text = self.currentText()
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, field.width())  # type: ignore[attr-defined]
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class FoldingRow(QWidget):
    """Widgets beside each other or, where that is too narrow, below each other; the last one takes what is left."""

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        self._widgets = widgets
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            self._row.addWidget(widget, int(widget is widgets[-1]))

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self._row.setSpacing(theme().space(0.5))
        self._arrange()
        self.updateGeometry()

    def _widths(self) -> list[int]:
        return [w.minimumSizeHint().expandedTo(w.minimumSize()).width() for w in self._widgets if not w.isHidden()]

    def _arrange(self) -> None:
        widths = self._widths()
        beside = self.width() >= sum(widths) + self._row.spacing() * (len(widths) - 1)
        self._row.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    # Qt

    def minimumSizeHint(self) -> QSize:
        return QSize(max(self._widths(), default=0), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()


@dataclass(frozen=True, slots=True)
class _Row:
    label: QLabel | None
    field: QWidget
    # The room, in text sizes, that the field wants beside its label.
    ems: float


class LabelledFields(QWidget):
    """Rows of a label and a field, beside each other or, where that is too narrow, below each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[_Row] = []
        self._label_width = 0
        self._arranged: tuple[bool, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)

    def add(self, title: str, field: QWidget, *, named: QWidget | None = None, ems: float = NARROWEST_FIELD) -> QLabel:
        """Add a row, beside each other where there are `ems` for the field; the label names `named`, if given."""
        label = QLabel(title, self)
        # Now, so that Tab goes from row to row.
        field.setParent(self)
        label.setProperty("role", "muted")
        label.setBuddy(named or field)
        (named or field).setAccessibleName(title)
        self._rows.append(_Row(label, field, ems))
        return label

    def add_line(self) -> QLabel:
        """Add a line of small text over the full width."""
        line = QLabel(self)
        line.setProperty("role", "small")
        line.setWordWrap(True)
        self._rows.append(_Row(None, line, 0.0))
        return line

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show or hide the row of a field; what is being typed in a hidden one is given up."""
        row = next(row for row in self._rows if row.field is field)
        if not shown and isinstance(field, Field):
            field.give_up()
        if row.label is not None:
            row.label.setVisible(shown)
        field.setVisible(shown)

    def label_width(self) -> int:
        """The width of the widest label."""
        labels = [row.label for row in self._rows if row.label is not None]
        return max(label.fontMetrics().horizontalAdvance(label.text()) for label in labels)

    def restyle(self, label_width: int) -> None:
        """Take over the text's size; labels get this width."""
        self._label_width = label_width
        self._grid.setHorizontalSpacing(theme().space(0.8))
        self._grid.setVerticalSpacing(theme().space(0.35))
        self._arrange(again=True)

    def _is_beside(self, ems: float) -> bool:
        return self.width() >= self._label_width + theme().space(0.8) + theme().space(ems)

    def _arrange(self, *, again: bool = False) -> None:
        beside = tuple(row.label is not None and self._is_beside(row.ems) for row in self._rows)
        if beside == self._arranged and not again:
            return
        self._arranged = beside
        for place, (row, is_beside) in enumerate(zip(self._rows, beside, strict=True)):
            for widget in (row.label, row.field):
                if widget is not None:
                    self._grid.removeWidget(widget)
            if row.label is not None:
                row.label.setMinimumWidth(self._label_width if is_beside else 0)
                self._grid.addWidget(row.label, 2 * place, 0, 1, 1 if is_beside else 2)
            if is_beside:
                self._grid.addWidget(row.field, 2 * place, 1)
            else:
                self._grid.addWidget(row.field, 2 * place + 1, 0, 1, 2)

    # Qt

    def minimumSizeHint(self) -> QSize:
        # Narrower than a label and its field beside each other: then they go below each other.
        return QSize(theme().space(NARROWEST_FIELD), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
