"""A real window for each test, and what opens and closes one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from real_window import close_window, open_window

from nnviz_app.main_window import MainWindow
from nnviz_app.theme import theme


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    if application.platformName() != "xcb":
        pytest.skip("needs a real window: run it under X with NNVIZ_TEST_PLATFORM=xcb")
    theme().apply(application)
    window = open_window(qtbot)
    yield window
    close_window(window)
