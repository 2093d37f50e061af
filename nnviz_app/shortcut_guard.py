"""Keeps plain keys with the widget that has a use for them, so that shortcuts do nothing while text is typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QListView,
    QPlainTextEdit,
    QTableView,
    QTextEdit,
    QWidget,
)

_KEEPERS = (QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)


class ShortcutGuard(QObject):
    """An event filter for the application: a plain key is a shortcut only where it has no other work to do."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and isinstance(watched, QWidget)
            # A popup handles its keys itself, by this very event.
            and QApplication.activePopupWidget() is None
            and keeps_key(watched, event)
        ):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def keeps_key(widget: QWidget, event: QKeyEvent) -> bool:
    """Whether a key belongs to the widget that has the focus rather than to the window's shortcuts."""
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    key = event.key()
    if Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35:
        return False
    if key == Qt.Key.Key_Escape or isinstance(widget, QTableView):
        # A field that has something to give up and the tables say themselves what they want.
        return False
    if isinstance(widget, QListView):
        # Left and right have no meaning in a list, so they step.
        return key not in (Qt.Key.Key_Left, Qt.Key.Key_Right)
    return isinstance(widget, _KEEPERS)
