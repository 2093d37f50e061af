"""What the training panel's forms are made of: labelled fields that stand beside or below their labels."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from core.numbers import parse_number
from nnviz_app.panels.fields import NumberField
from nnviz_app.theme import theme

# A field beside its label is at least this wide, in text sizes; where there is less room all stand below.
NARROWEST_FIELD = 8.5


class LearningRateField(NumberField):
    """A number above 0."""

    def check(self, text: str) -> str:
        sentence = super().check(text)
        if not sentence and parse_number(text) <= 0:
            return "The learning rate must be above 0: type a number such as 0.5 or 1/3."
        return sentence


class WheelGuard(QObject):
    """Scrolling the panel must not change the field that happens to pass under the pointer."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class ElidedBox(QComboBox):
    """A box that may be narrower than its titles: what does not fit ends in "…", the tooltip has the whole."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = QStyle.SubControl.SC_ComboBoxEditField
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, style, self)
        text = self.currentText()
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, field.width())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class LabelledFields(QWidget):
    """Rows of a label and a field: beside each other, or all of them below each other where it is narrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[QLabel, QWidget]] = []
        self._hidden: set[QWidget] = set()
        self._beside = True
        self._label_width = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)

    def add(self, title: str, field: QWidget, *, named: QWidget | None = None) -> QLabel:
        """Add a row; `named` is the widget that the label names, when it is only a part of the field."""
        label = QLabel(title)
        label.setProperty("role", "muted")
        label.setBuddy(named or field)
        (named or field).setAccessibleName(title)
        self._rows.append((label, field))
        self._arrange()
        return label

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show or hide the row of a field."""
        label = next(label for label, other in self._rows if other is field)
        label.setVisible(shown)
        field.setVisible(shown)

    def label_width(self) -> int:
        """The width of the widest label."""
        return max(label.fontMetrics().horizontalAdvance(label.text()) for label, _ in self._rows)

    def restyle(self, label_width: int) -> None:
        """Take over the text's size; labels get this width."""
        self._label_width = label_width
        self._grid.setHorizontalSpacing(theme().space(0.8))
        self._decide()
        self._arrange()

    def _decide(self) -> None:
        needed = self._label_width + theme().space(0.8) + theme().space(NARROWEST_FIELD)
        beside = self.width() >= needed
        if beside != self._beside:
            self._beside = beside
            self._arrange()

    def _arrange(self) -> None:
        space = theme().space
        self._grid.setVerticalSpacing(space(0.4) if self._beside else space(0.2))
        for place, (label, field) in enumerate(self._rows):
            self._grid.removeWidget(label)
            self._grid.removeWidget(field)
            label.setMinimumWidth(self._label_width if self._beside else 0)
            if self._beside:
                self._grid.addWidget(label, place, 0)
                self._grid.addWidget(field, place, 1)
            else:
                self._grid.addWidget(label, 2 * place, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
                self._grid.addWidget(field, 2 * place + 1, 0, 1, 2)

    # Qt

    def minimumSizeHint(self) -> QSize:
        # Narrower than both beside each other: then they go below each other.
        return QSize(theme().space(NARROWEST_FIELD), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._decide()
