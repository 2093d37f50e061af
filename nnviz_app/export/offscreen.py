"""Painting without a display, for commands: an application without windows."""

from __future__ import annotations

import os

from PySide6.QtWidgets import QApplication

from nnviz_app.application import make_application

_kept: list[QApplication] = []


def offscreen_application() -> QApplication:
    """The application that is there, or one that needs no display; it lives as long as the program."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        return app
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _kept.append(make_application(["nnviz"]))
    return _kept[0]
