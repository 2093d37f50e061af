"""The QApplication and the names under which it keeps its settings."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication


def make_application(arguments: list[str]) -> QApplication:
    """The one application; before the theme, which reads the settings."""
    app = QApplication(arguments)
    app.setOrganizationName("nnviz")
    app.setApplicationName("nnviz")
    # The window's title names the program itself.
    app.setApplicationDisplayName("")
    app.setDesktopFileName("nnviz")
    return app
