"""The page of a picture: what stands where, and that nothing is cut off."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.panels.picture_page import PicturePage


@pytest.mark.parametrize(("width", "height", "beside"), [(480, 240, True), (240, 480, False), (240, 200, False)])
def test_controls_and_reading_stand_around_the_picture(qtbot: QtBot, width: int, height: int, beside: bool) -> None:
    controls, picture, reading, button = QWidget(), QWidget(), QLabel("y 0.5 at x 1"), QPushButton("A wide button")
    box = QVBoxLayout(controls)
    box.setContentsMargins(0, 0, 0, 0)
    box.addWidget(button)
    page = PicturePage(controls, picture, reading, ems=10.0)
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    QApplication.processEvents()

    def place(widget: QWidget) -> QRect:
        return QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())

    shown = page.rect()
    assert all(shown.contains(place(widget)) for widget in (button, picture, reading))
    assert button.width() >= button.minimumSizeHint().width()
    assert (place(button).right() < place(picture).left()) is beside
    assert (place(reading).top() > place(picture).bottom()) is not beside
    assert picture.width() * picture.height() > 0.4 * width * height
