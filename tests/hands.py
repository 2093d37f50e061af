"""Hands for tests in a real window: the pointer and the keyboard of the X server, through xdotool."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patient_bot import PATIENCE
from PySide6.QtCore import QDeadlineTimer, QPoint, QPointF, QProcess, QRectF, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit, QListWidget, QScrollArea, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.canvas.parts import PartKind
from nnviz_app.main_window import MainWindow

# What is found in the same place at so many looks, with the window's events between them, stays there.
LOOKS = 10

# A kind of dialog, and what is done in it.
Use = tuple[type[QDialog], Callable[[Any], None]]


class Hands:
    """Moves the real pointer and presses real keys, and lets the window answer after each of them."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window
        self.view = window.view
        self.scene = window.view.canvas_scene

    def _xdotool(self, *arguments: object) -> None:
        subprocess.run(["xdotool", *map(str, arguments)], check=True, timeout=60)
        # The X server has taken the events in; now Qt takes them from there and handles them.
        QGuiApplication.sync()
        QGuiApplication.sync()

    # Keyboard

    def _wait_for_focus(self) -> None:
        """Keys go to the window that is active: for a moment there is none when a dialog has come or gone."""

        def has_focus() -> bool:
            window = QApplication.activeModalWidget() or QApplication.activeWindow()
            return window is not None and window.isActiveWindow()

        self.qtbot.waitUntil(has_focus)

    def key(self, *names: str) -> None:
        """Press keys one after the other: "Right", "ctrl+s"."""
        for name in names:
            self._wait_for_focus()
            self._xdotool("key", "--clearmodifiers", name)

    def type(self, text: str) -> None:
        """Type a text."""
        self._wait_for_focus()
        self._xdotool("type", "--delay", 5, text)

    def answer_popup(self, *keys: str) -> None:
        """Press these keys in the menu or list that is opened next, which may wait for them in a loop of its own."""

        def look() -> None:
            if QApplication.activePopupWidget() is not None:
                timer.stop()
                timer.deleteLater()
                QProcess.startDetached("xdotool", ["key", "--delay", "40", *keys])

        timer = QTimer(self.window)
        timer.timeout.connect(look)
        timer.start(30)

    # Dialogs

    def use_dialogs(self, *uses: Use, opened_by: Callable[[], None]) -> None:
        """Use one dialog after the other: each waits in a loop of its own, inside what opens the first."""
        left = list(uses)
        problems: list[Exception] = []
        patience = QDeadlineTimer(PATIENCE)
        is_used = False

        def look() -> None:
            nonlocal is_used
            dialog = QApplication.activeModalWidget()
            if is_used or dialog is None:
                return
            if left and isinstance(dialog, left[0][0]) and dialog.isActiveWindow():
                is_used = True
                try:
                    left.pop(0)[1](dialog)
                except Exception as problem:
                    problems.append(problem)
                    left.clear()
                finally:
                    # Else it would wait for ever.
                    dialog.close()
                    is_used = False
            elif patience.hasExpired():
                # One that is not expected would as well.
                dialog.close()

        timer = QTimer(self.window, interval=30)
        timer.timeout.connect(look)
        timer.start()
        opened_by()
        try:
            self.qtbot.waitUntil(lambda: not left and not is_used)
        finally:
            timer.stop()
        if problems:
            raise problems[0]

    def file_dialog(self, path: Path) -> Use:
        """The use of a dialog for files: type this path, and press Enter."""

        def use(dialog: QFileDialog) -> None:
            field = dialog.findChild(QLineEdit, "fileNameEdit")
            assert field is not None
            self.key("ctrl+a")
            self.type(str(path))
            self.qtbot.waitUntil(lambda: field.text() == str(path))
            self.key("Return")
            if dialog.isVisible():
                # The first one may have gone to the list of names that fit.
                self.key("Return")
            self.qtbot.waitUntil(lambda: not dialog.isVisible())

        return QFileDialog, use

    def open_by_dialog(self, path: Path) -> None:
        """Open a file by Ctrl+O."""
        self.use_dialogs(self.file_dialog(path), opened_by=lambda: self.key("ctrl+o"))

    # Pointer

    def screen(self, widget: QWidget, point: QPoint | None = None) -> QPoint:
        """A point of a widget (its middle) on the screen."""
        return widget.mapToGlobal(widget.rect().center() if point is None else point)

    def on_canvas(self, point: QPointF) -> QPoint:
        """A point of the scene on the screen."""
        return self.view.viewport().mapToGlobal(self.view.mapFromScene(point))

    def point_at(self, point: QPoint) -> None:
        """Move the pointer to a point of the screen, with no tip in its way."""
        self._xdotool("mousemove", point.x(), point.y())
        QToolTip.hideText()
        self.qtbot.waitUntil(lambda: not QToolTip.isVisible())

    def click(self, point: QPoint, button: int = 1, repeat: int = 1) -> None:
        """Click at a point of the screen."""
        self.point_at(point)
        for _ in range(repeat):
            self._xdotool("click", button)

    def click_widget(self, widget: QWidget) -> None:
        """Click in the middle of a widget, once it can be clicked, is in sight and stays where it is."""
        self.qtbot.waitUntil(widget.isEnabled)
        parent = widget.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(widget)
            parent = parent.parentWidget()
        places: deque[QPoint] = deque(maxlen=LOOKS)

        def is_at_rest() -> bool:
            places.append(self.screen(widget))
            is_in_sight = widget.visibleRegion().contains(widget.rect().center())
            return is_in_sight and places.count(places[-1]) == LOOKS

        while True:
            # What is said above it may still move it.
            self.qtbot.waitUntil(is_at_rest)
            self.point_at(places[-1])
            if self.screen(widget) == places[-1]:
                break
        self._xdotool("click", 1)

    def click_item(self, listed: QListWidget, text: str) -> None:
        """Click on an entry of a list."""
        item = next(listed.item(row) for row in range(listed.count()) if listed.item(row).text() == text)
        listed.scrollToItem(item)
        QApplication.processEvents()
        self.click(listed.viewport().mapToGlobal(listed.visualItemRect(item).center()))

    def double_click(self, point: QPoint) -> None:
        """Double-click at a point of the screen."""
        self._xdotool("mousemove", point.x(), point.y(), "click", "--repeat", 2, "--delay", 40, 1)

    def drag(self, start: QPoint, end: QPoint) -> None:
        """Press at `start`, move in small steps, let go at `end`."""
        self._xdotool("mousemove", start.x(), start.y(), "mousedown", 1)
        for part in range(1, 7):
            way = start + (end - start) * part / 6
            self._xdotool("mousemove", way.x(), way.y())
        self._xdotool("mouseup", 1)

    # The canvas

    def rect(self, kind: PartKind, subject: str) -> QRectF:
        """Where a part of the canvas is drawn, in the scene."""
        part = self.scene.part(kind, subject)
        assert part is not None, f"{kind} of {subject} is not on the canvas"
        return part.rect

    def rim(self, neuron: str) -> QPoint:
        """A point on the right rim of a neuron, on the screen."""
        rect = self.scene.neuron_rect(neuron)
        return self.on_canvas(QPointF(rect.right() - 1, rect.center().y()))

    def middle(self, neuron: str) -> QPoint:
        """The middle of a neuron, on the screen."""
        return self.on_canvas(self.scene.neuron_rect(neuron).center())

    def write(self, kind: PartKind, subject: str, text: str) -> None:
        """Double-click a number on the canvas, type another, and press Enter."""
        self.double_click(self.on_canvas(self.rect(kind, subject).center()))
        self.qtbot.waitUntil(lambda: self.view.in_place.is_open)
        self.type(text)
        self.key("Return")
        self.qtbot.waitUntil(lambda: not self.view.in_place.is_open)

    def read(self, kind: PartKind, subject: str = "") -> str:
        """The text that is painted for a number, empty when there is none."""
        return self.scene.painted_text(kind, subject) or ""
