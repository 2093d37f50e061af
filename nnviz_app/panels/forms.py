"""What the training panel's forms are made of: labelled fields that stand beside or below their labels."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from core.numbers import parse_number
from nnviz_app.panels.fields import NumberField
from nnviz_app.theme import theme

# A field beside its label is at least this wide, in text sizes, unless it asks for more; where there is less
# room it stands below.
NARROWEST_FIELD = 6.0


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
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, field.width())  # type: ignore[attr-defined]
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class LabelledFields(QWidget):
    """Rows of a label and a field, beside each other or, where that is too narrow, below each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[QLabel, QWidget, float]] = []
        self._label_width = 0
        self._arranged: tuple[bool, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)

    def add(self, title: str, field: QWidget, *, named: QWidget | None = None, ems: float = NARROWEST_FIELD) -> QLabel:
        """Add a row, beside each other where there are `ems` for the field; the label names `named`, if given."""
        label = QLabel(title)
        label.setProperty("role", "muted")
        label.setBuddy(named or field)
        (named or field).setAccessibleName(title)
        self._rows.append((label, field, ems))
        return label

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show or hide the row of a field."""
        label = next(label for label, other, _ in self._rows if other is field)
        label.setVisible(shown)
        field.setVisible(shown)

    def label_width(self) -> int:
        """The width of the widest label."""
        return max(label.fontMetrics().horizontalAdvance(label.text()) for label, _, _ in self._rows)

    def restyle(self, label_width: int) -> None:
        """Take over the text's size; labels get this width."""
        self._label_width = label_width
        self._grid.setHorizontalSpacing(theme().space(0.8))
        self._grid.setVerticalSpacing(theme().space(0.35))
        self._arrange(again=True)

    def _is_beside(self, ems: float) -> bool:
        return self.width() >= self._label_width + theme().space(0.8) + theme().space(ems)

    def _arrange(self, *, again: bool = False) -> None:
        beside = tuple(self._is_beside(ems) for _, _, ems in self._rows)
        if beside == self._arranged and not again:
            return
        self._arranged = beside
        for place, ((label, field, _), is_beside) in enumerate(zip(self._rows, beside, strict=True)):
            self._grid.removeWidget(label)
            self._grid.removeWidget(field)
            label.setMinimumWidth(self._label_width if is_beside else 0)
            if is_beside:
                self._grid.addWidget(label, 2 * place, 0)
                self._grid.addWidget(field, 2 * place, 1)
            else:
                self._grid.addWidget(label, 2 * place, 0, 1, 2)
                self._grid.addWidget(field, 2 * place + 1, 0, 1, 2)

    # Qt

    def minimumSizeHint(self) -> QSize:
        # Narrower than a label and its field beside each other: then they go below each other.
        return QSize(theme().space(NARROWEST_FIELD), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
