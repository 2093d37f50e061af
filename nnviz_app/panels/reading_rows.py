"""Numbers at full precision, one row each, to be read and copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from nnviz_app.assets import themed_icon
from nnviz_app.panels.fields import copy_text, flat_button
from nnviz_app.panels.readings import Reading
from nnviz_app.theme import set_style_property, theme


class ReadingRow(QWidget):
    """A label and a number at full precision on one line, or below each other where it is narrow.

    The number is copied with the button that shows while the pointer or the focus is here, with Ctrl+C or
    from the menu. `copy_all_requested` asks the owner for all rows. A click or Enter asks why it is what it is.
    """

    copy_all_requested = Signal()
    asked = Signal(object)

    def __init__(self, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading = reading
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.copy_button = QToolButton(self)
        self.copy_button.setAutoRaise(True)
        self.copy_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        themed_icon(self.copy_button, "copy")
        self.copy_button.clicked.connect(self.copy_value)
        self.copy_button.hide()
        theme().changed.connect(self._restyle)
        self._describe()

    def show_reading(self, reading: Reading) -> None:
        """Show another number in this row."""
        if reading == self.reading:
            return
        self.reading = reading
        self._describe()
        self._place_button()
        self.updateGeometry()
        self.update()

    def copy_value(self) -> None:
        """Copy the number so that it pastes into Python."""
        if self.reading.raw:
            copy_text(self.reading.raw)

    def _describe(self) -> None:
        reading = self.reading
        self.setAccessibleName(f"{reading.label}: {reading.text}")
        why = "" if reading.quantity is None else "\nClick: where it comes from"
        self.setToolTip(reading.meaning + why)
        can_ask = Qt.CursorShape.PointingHandCursor if why else Qt.CursorShape.ArrowCursor
        self.setCursor(can_ask)
        self.copy_button.setCursor(Qt.CursorShape.ArrowCursor)
        self.copy_button.setToolTip(f"Copy {reading.label}")
        self._show_button()

    def _show_button(self) -> None:
        self.copy_button.setVisible(bool(self.reading.raw) and (self.underMouse() or self.hasFocus()))

    def _restyle(self) -> None:
        self.updateGeometry()
        self._place_button()
        self.update()

    # Where things stand

    def _layout(self, width: int) -> tuple[QRect, QRect, QRect, int]:
        """(label, value, copy button, height) for a row of this width."""
        metrics = QFontMetrics(theme().font("body"))
        # At the right the number stands where it does in a field.
        left, right, button = theme().space(0.35), theme().space(0.55) + 1, theme().space(1.5)
        inner = max(1, width - left - right)
        line = max(metrics.height(), theme().space(1.65))
        label = metrics.horizontalAdvance(self.reading.label)
        value = metrics.horizontalAdvance(self.reading.text)
        is_number = self.reading.value is not None
        top = (line - button) // 2
        if label + theme().space(0.8) + value + (button if is_number else 0) <= inner:
            place = QRect(left + inner - value - button - theme().space(0.2), top, button, button)
            return QRect(left, 0, label, line), QRect(left, 0, inner, line), place, line
        place = QRect(width - button - theme().space(0.2), top, button, button)
        below = metrics.height()
        if not is_number:
            flags = int(Qt.TextFlag.TextWordWrap)
            below = metrics.boundingRect(QRect(0, 0, inner, 10_000), flags, self.reading.text).height()
        rest = QRect(left, line - theme().space(0.2), inner, below)
        return QRect(left, 0, inner, line), rest, place, line + below

    def _place_button(self) -> None:
        self.copy_button.setIconSize(QSize(theme().space(1.0), theme().space(1.0)))
        self.copy_button.setGeometry(self._layout(self.width())[2])

    # Qt

    def sizeHint(self) -> QSize:
        # On one line, as long as it is not known how wide the row will be.
        return QSize(theme().space(16), self._layout(theme().space(30))[3])

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(8), self._layout(theme().space(30))[3])

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._layout(width)[3]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_button()

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.matches(QKeySequence.StandardKey.Copy):
                event.accept()
                return True
        elif kind in (QEvent.Type.Enter, QEvent.Type.Leave, QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            result = super().event(event)
            self._show_button()
            self.update()
            return result
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_value()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._ask()

    def _ask(self) -> None:
        if self.reading.quantity is not None:
            self.asked.emit(self.reading.quantity)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.make_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def make_menu(self) -> QMenu:
        """The menu of this row: copy the value, copy all."""
        menu = QMenu(self)
        value = menu.addAction("Copy value", self.copy_value)
        value.setEnabled(bool(self.reading.raw))
        menu.addAction("Copy all", self.copy_all_requested.emit)
        return menu

    def paintEvent(self, event: QPaintEvent) -> None:
        reading, palette = self.reading, theme().palette
        label, value, _, _ = self._layout(self.width())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = reading.tint or ("hover" if self.underMouse() else "")
        if ground:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(ground))
            painter.drawRoundedRect(self.rect(), theme().space(0.3), theme().space(0.3))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme().pen("accent", 1.0))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), theme().space(0.3), theme().space(0.3))
        font = theme().font("body")
        painter.setFont(font)
        painter.setPen(palette.color("muted_on_tint" if ground else "muted"))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(label, left, reading.label)
        if reading.value is None:
            beside = value.top() == 0
            side = Qt.AlignmentFlag.AlignRight if beside else Qt.AlignmentFlag.AlignLeft
            painter.drawText(value, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, reading.text)
        else:
            needed = QFontMetrics(font).horizontalAdvance(reading.text)
            if needed > value.width():  # smaller is better than cut off
                font.setPixelSize(max(6, int(theme().em * value.width() / needed)))
                painter.setFont(font)
            painter.setPen(palette.color(reading.color))
            painter.drawText(value, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, reading.text)
        painter.end()


class ReadingList(QWidget):
    """The numbers of what is selected, one row each, under a title."""

    asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        set_style_property(self.title, "role", "strong")
        self.copy_all_button = flat_button("copy", "Copy all names and numbers")
        self.copy_all_button.clicked.connect(self.copy_all)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.copy_all_button)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addLayout(self._rows)
        self.rows: list[ReadingRow] = []

    def show_readings(self, title: str, readings: Sequence[Reading]) -> None:
        """Show these numbers, in the rows that are there already as far as possible."""
        self.title.setText(title)
        while len(self.rows) > len(readings):
            row = self.rows.pop()
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        for row, reading in zip(self.rows, readings, strict=False):
            row.show_reading(reading)
        for reading in readings[len(self.rows) :]:
            row = ReadingRow(reading)
            row.copy_all_requested.connect(self.copy_all)
            row.asked.connect(self.asked)
            self._rows.addWidget(row)
            self.rows.append(row)

    def copy_all(self) -> None:
        """Copy names and numbers, one line each with a tab between; what is not known is left empty."""
        copy_text("\n".join(f"{row.reading.label}\t{row.reading.raw}" for row in self.rows))
