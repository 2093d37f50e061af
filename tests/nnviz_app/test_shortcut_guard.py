"""Which keys stay with the widget that has the keyboard, and which are shortcuts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QListView,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QTableView,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from nnviz_app.shortcut_guard import ShortcutGuard, keeps_key

Key = Qt.Key
NONE, CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
TYPING = [QLineEdit, QSpinBox, QComboBox, QTextEdit, QPlainTextEdit]


def pressed(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)


@pytest.mark.parametrize("kind", [*TYPING, QSlider])
def test_plain_keys_stay_where_text_is_typed(qtbot: QtBot, kind: Callable[[], QWidget]) -> None:
    widget = kind()
    qtbot.addWidget(widget)
    for key in (Key.Key_R, Key.Key_Space, Key.Key_Left, Key.Key_Home, Key.Key_Delete):
        assert keeps_key(widget, pressed(key))
        assert keeps_key(widget, pressed(key, SHIFT))
        assert not keeps_key(widget, pressed(key, CTRL))
        assert not keeps_key(widget, pressed(key, ALT))
    assert not keeps_key(widget, pressed(Key.Key_F1))
    assert not keeps_key(widget, pressed(Key.Key_F11))
    assert not keeps_key(widget, pressed(Key.Key_Escape))


def test_lists_keep_all_but_left_and_right(qtbot: QtBot) -> None:
    for widget in (QListView(), QListWidget()):
        qtbot.addWidget(widget)
        assert keeps_key(widget, pressed(Key.Key_Down))
        assert keeps_key(widget, pressed(Key.Key_Home))
        assert not keeps_key(widget, pressed(Key.Key_Left))
        assert not keeps_key(widget, pressed(Key.Key_Right))


def test_buttons_tables_and_plain_widgets_decide_themselves(qtbot: QtBot) -> None:
    for widget in (QPushButton(), QWidget(), QTableView()):
        qtbot.addWidget(widget)
        assert not any(keeps_key(widget, pressed(key)) for key in (Key.Key_R, Key.Key_Right, Key.Key_Space))


class Bench:
    """A window whose keys R, Right and Ctrl+R are shortcuts, and a widget in it."""

    def __init__(self, qtbot: QtBot, widget: QWidget) -> None:
        self.qtbot, self.widget = qtbot, widget
        self.window = QWidget()
        qtbot.addWidget(self.window)
        QVBoxLayout(self.window).addWidget(widget)
        self.fired: list[str] = []
        for keys in ("R", "Right", "Ctrl+R"):
            shortcut = QShortcut(QKeySequence(keys), self.window)
            shortcut.activated.connect(lambda k=keys: self.fired.append(k))
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()
        widget.setFocus()

    def press_all(self) -> list[str]:
        self.fired.clear()
        for key, modifiers in ((Key.Key_R, NONE), (Key.Key_Right, NONE), (Key.Key_R, CTRL)):
            self.qtbot.keyClick(self.widget, key, modifiers)
        return self.fired


@pytest.fixture
def guard(qapp: QApplication) -> ShortcutGuard:
    guard = ShortcutGuard(qapp)
    qapp.installEventFilter(guard)
    yield guard
    qapp.removeEventFilter(guard)
    guard.deleteLater()


def test_typing_r_types_r(qtbot: QtBot, guard: ShortcutGuard) -> None:
    line = QLineEdit()
    assert Bench(qtbot, line).press_all() == ["Ctrl+R"]
    assert line.text().lower() == "r"


def test_a_list_lets_right_through(qtbot: QtBot, guard: ShortcutGuard) -> None:
    view = QListView()
    view.setModel(QStringListModel(["one", "two"], view))
    assert Bench(qtbot, view).press_all() == ["Right", "Ctrl+R"]


def test_a_plain_widget_lets_everything_through(qtbot: QtBot, guard: ShortcutGuard) -> None:
    button = QPushButton("x")
    assert Bench(qtbot, button).press_all() == ["R", "Right", "Ctrl+R"]


@pytest.mark.qt_log_ignore("grabbing the (keyboard|mouse)")
def test_an_open_menu_has_its_keys(qtbot: QtBot, guard: ShortcutGuard) -> None:
    line = QLineEdit()
    bench = Bench(qtbot, line)
    menu = QMenu(bench.window)
    menu.addAction("One")
    menu.addAction("Two")
    menu.popup(bench.window.mapToGlobal(bench.window.rect().center()))
    qtbot.waitUntil(menu.isVisible)
    event = pressed(Key.Key_R)
    event.ignore()
    assert not guard.eventFilter(line, event)
    qtbot.keyClick(menu, Key.Key_Down)
    assert menu.activeAction().text() == "One"
    menu.close()
