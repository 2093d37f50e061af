"""Hands for tests in a real window: the pointer and the keyboard of the X server, through xdotool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, QProcess, QRectF, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QScrollArea, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.canvas.parts import PartKind
from nnviz_app.main_window import MainWindow


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

    def key(self, *names: str) -> None:
        """Press keys one after the other: "Right", "ctrl+s"."""
        for name in names:
            self._xdotool("key", "--clearmodifiers", name)

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", 5, text)

    def answer(self, is_there: Callable[[], bool], *arguments: str) -> None:
        """Give xdotool `arguments` as soon as `is_there`: what is opened next may wait for them in its own loop."""

        def look() -> None:
            if is_there():
                timer.stop()
                timer.deleteLater()
                QProcess.startDetached("xdotool", list(arguments))

        timer = QTimer(self.window)
        timer.timeout.connect(look)
        timer.start(30)

    def answer_popup(self, *keys: str) -> None:
        """Press these keys in the menu or list that is opened next."""
        self.answer(lambda: QApplication.activePopupWidget() is not None, "key", "--delay", "40", *keys)

    def answer_file_dialog(self, path: Path) -> None:
        """Type this path into the file dialog that is opened next, and press Enter."""

        def is_there() -> bool:
            dialog = QApplication.activeModalWidget()
            return isinstance(dialog, QFileDialog) and dialog.isActiveWindow()

        self.answer(is_there, "type", "--args", "1", "--delay", "5", str(path), "sleep", "0.2", "key", "Return")

    # Pointer

    def screen(self, widget: QWidget, point: QPoint | None = None) -> QPoint:
        """A point of a widget (its middle) on the screen."""
        return widget.mapToGlobal(widget.rect().center() if point is None else point)

    def on_canvas(self, point: QPointF) -> QPoint:
        """A point of the scene on the screen."""
        return self.view.viewport().mapToGlobal(self.view.mapFromScene(point))

    def click(self, point: QPoint, button: int = 1, repeat: int = 1) -> None:
        """Click at a point of the screen, when no tip is in the way."""
        self._xdotool("mousemove", point.x(), point.y())
        QToolTip.hideText()
        self.qtbot.waitUntil(lambda: not QToolTip.isVisible())
        for _ in range(repeat):
            self._xdotool("click", button)

    def click_widget(self, widget: QWidget) -> None:
        """Click in the middle of a widget, once it can be clicked and is in sight."""
        self.qtbot.waitUntil(widget.isEnabled)
        parent = widget.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(widget)
            parent = parent.parentWidget()
        QApplication.processEvents()
        self.qtbot.waitUntil(lambda: widget.visibleRegion().contains(widget.rect().center()))
        self.click(self.screen(widget))

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
