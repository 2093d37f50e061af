"""Opening and closing a window that really is on a screen."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz_app.main_window import MainWindow


def open_window(qtbot: QtBot) -> MainWindow:
    """A new window that has the focus."""
    window = MainWindow()
    window.setGeometry(0, 24, 1500, 940)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def close_window(window: MainWindow) -> None:
    """Close a window without the question about unsaved changes."""
    window.document.undo_stack.setClean()
    window.close()
    window.deleteLater()
    QApplication.processEvents()
