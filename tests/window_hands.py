"""Hands for tests of the whole window: mouse, keys, menus, dialogs and dropped files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from core.project import Project
from nnviz_app.canvas.parts import PartKind
from nnviz_app.examples import Example, examples
from nnviz_app.main_window import MainWindow

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def example(name: str) -> Example:
    """One of the shipped examples."""
    return next(e for e in examples() if e.name == name)


class WindowHands:
    """What a person does to the window."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window
        self.view = window.view
        self.document = window.document
        self.player = window.player
        # The texts of the questions that were asked.
        self.questions: list[str] = []
        self._look: QTimer | None = None

    @property
    def project(self) -> Project:
        return self.document.project

    def settle(self) -> None:
        """Let what waits in the event loop be done."""
        for _ in range(4):
            QApplication.processEvents()

    def activate(self) -> None:
        """Give the window the keyboard back after a question, as a window manager does."""
        if QApplication.activeWindow() is None:
            self.window.activateWindow()
            self.qtbot.waitUntil(self.window.isActiveWindow)

    # Keys

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """Press a key where the keyboard is."""
        self.activate()
        self.qtbot.keyClick(QApplication.focusWidget() or self.window, key, modifiers)

    def keys(self, text: str) -> None:
        """Type a text where the keyboard is; the first key may open a field for the others."""
        self.activate()
        for character in text:
            self.qtbot.keyClicks(QApplication.focusWidget() or self.window, character)

    def press(self, *shortcuts: str) -> None:
        """Press combinations such as "Ctrl+Shift+Z"."""
        for shortcut in shortcuts:
            *held, name = shortcut.replace("Ctrl++", "Ctrl+Plus").split("+")
            modifiers = NONE
            for word in held:
                modifiers |= {
                    "Ctrl": Qt.KeyboardModifier.ControlModifier,
                    "Shift": Qt.KeyboardModifier.ShiftModifier,
                    "Alt": Qt.KeyboardModifier.AltModifier,
                }[word]
            names = {"Del": "Delete", "Esc": "Escape", ".": "Period", "-": "Minus", "=": "Equal"}
            self.key(getattr(Qt.Key, f"Key_{names.get(name, name)}"), modifiers)

    # The pointer

    def click(self, widget: QWidget) -> None:
        """Click the middle of a widget."""
        self.qtbot.mouseClick(widget, LEFT, NONE, widget.rect().center())

    def click_item(self, kind: PartKind, subject: str) -> None:
        """Click a number or a name of the canvas."""
        part = self.view.canvas_scene.part(kind, subject)
        assert part is not None
        self.qtbot.mouseClick(self.view.viewport(), LEFT, NONE, self.view.mapFromScene(part.rect.center()))

    def choose(self, *path: str) -> None:
        """Choose an entry of the menus by the words on the way."""
        entry = self.entry(*path)
        assert entry.isEnabled(), f"{' > '.join(path)} is not enabled"
        entry.trigger()

    def entry(self, *path: str) -> QAction:
        """An entry of the menus, looked up where a person sees it."""
        actions = self.window.menuBar().actions()
        *menus, last = path
        for title in menus:
            menu = self.menu_of(next(a for a in actions if plain(a) == title))
            assert menu is not None
            actions = menu.actions()
        return next(a for a in actions if plain(a) == last)

    def menu_of(self, action: QAction) -> QMenu | None:
        """The menu behind an entry. (QAction.menu() would hand its ownership to Python, which then deletes it.)"""
        return next((m for m in self.window.menuBar().findChildren(QMenu) if m.menuAction() == action), None)

    def tool_button(self, name: str) -> QWidget:
        """The toolbar's button of an action."""
        return self.window.menus.toolbar.widgetForAction(self.window.actions_by_name[name])

    # Dialogs

    def answer(self, act: Callable[[QWidget], object]) -> None:
        """Do this in the dialog that is opened next."""

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                return
            self.stop_answering()
            try:
                act(dialog)
            finally:
                if dialog.isVisible():
                    dialog.close()

        self.stop_answering()
        self._look = QTimer(self.window)
        self._look.timeout.connect(look)
        self._look.start(5)

    def stop_answering(self) -> None:
        """Expect no dialog any more."""
        if self._look is not None:
            self._look.stop()
            self._look.deleteLater()
            self._look = None

    def answer_question(self, button: QMessageBox.StandardButton) -> None:
        """Press this button of the question that is asked next."""

        def press(dialog: QWidget) -> None:
            assert isinstance(dialog, QMessageBox)
            self.questions.append(dialog.text())
            self.click(dialog.button(button))

        self.answer(press)

    # Files

    def drag(self, *paths: Path, drop: bool = True) -> bool:
        """Drag files over the window and drop them; whether it takes them."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        middle, copy = self.window.rect().center(), Qt.DropAction.CopyAction
        with warnings.catch_warnings():
            # Newer versions of Qt keep this constructor to themselves, and there is no other for hands.
            warnings.simplefilter("ignore", DeprecationWarning)
            entered = QDragEnterEvent(middle, copy, data, LEFT, NONE)
        entered.ignore()
        QApplication.sendEvent(self.window, entered)
        if entered.isAccepted() and drop:
            dropped = QDropEvent(QPointF(middle), copy, data, LEFT, NONE)
            QApplication.sendEvent(self.window, dropped)
            self.settle()
        return entered.isAccepted()

    # What can be seen

    @property
    def entries(self) -> list[str]:
        """The undo entries."""
        stack = self.document.undo_stack
        return [stack.text(i) for i in range(stack.index())]

    @property
    def notice(self) -> str:
        return self.window.notice.text

    def focused_line(self) -> QLineEdit:
        line = QApplication.focusWidget()
        assert isinstance(line, QLineEdit)
        return line


def plain(action: QAction) -> str:
    """An entry's text as it is read, without what an undo would take back."""
    text = action.text().replace("&", "").removesuffix("...")
    return text.partition(" ")[0] if text.startswith(("Undo ", "Redo ")) else text
