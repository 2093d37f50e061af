"""What the tests of the whole window share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from window_hands import WindowHands

from core import fast_kernel
from core.quantities import Granularity
from core.style import Notation
from nnviz_app.examples import examples
from nnviz_app.garbage import no_collection
from nnviz_app.main_window import MainWindow
from nnviz_app.preferences import LabelMode
from nnviz_app.theme import theme


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests with windows come last.

    As long as the shared one is there, each change of the theme restyles it, and the pointer of tests with a widget of
    their own may be over it.
    """
    items.sort(key=lambda item: "make_window" in getattr(item, "fixturenames", ()))


@pytest.fixture(autouse=True)
def no_collection_elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """While a test has widgets, the collector rests: it would destroy others' in the thread of a run."""
    with no_collection() if "qapp" in request.fixturenames else nullcontext():
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel() -> None:
    """Where numba is there, the kernel is compiled before a test waits for a run: the first time takes ten seconds."""
    if fast_kernel.available():
        fast_kernel.prepare()


@pytest.fixture(scope="session")
def shared(qapp: QApplication) -> Iterator[list[WindowHands]]:
    """The window that tests share, if there is one; it goes before the application does."""
    kept: list[WindowHands] = []
    yield kept
    for hands in kept:
        _dispose(hands.window)


def _dispose(window: MainWindow) -> None:
    window.trainer.shutdown()
    window.view.in_place.cancel()
    window.document.undo_stack.setClean()
    window.close()
    window.deleteLater()
    # Now, not when the interpreter ends.
    QApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


@pytest.fixture
def make_window(qtbot: QtBot, shared: list[WindowHands]) -> Iterator[Callable[[], WindowHands]]:
    """Makes windows on the screen that have the keyboard."""
    windows: list[MainWindow] = []

    def make() -> WindowHands:
        window = MainWindow()
        windows.append(window)
        window.resize(1300, 850)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        hands = WindowHands(qtbot, window)
        hands.settle()
        return hands

    yield make
    for window in windows:
        if isValid(window) and not any(window is hands.window for hands in shared):
            _dispose(window)


@pytest.fixture
def hands(
    qtbot: QtBot, qapp: QApplication, shared: list[WindowHands], make_window: Callable[[], WindowHands]
) -> Iterator[WindowHands]:
    """A window with the first worked example, as it is after the start.

    Windows take a while to make, so the tests share one until one of them closes it.
    """
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    if not shared:
        theme().apply(qapp)
        shared.append(make_window())
    hands = shared[0]
    hands.qtbot = qtbot
    hands.questions.clear()
    window = hands.window
    window.player.speed = 2.0
    window.open_example(examples()[0])
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    hands.settle()
    yield hands
    hands.stop_answering()
    # What was copied must not outlive the interpreter.
    QGuiApplication.clipboard().clear()
    window.trainer.shutdown()
    window.player.pause()
    window.player.set_granularity(Granularity.TERM)
    window.view.in_place.cancel()
    window.examples_panel.list.setFocus()
    window.view.set_tool("select")
    window.view.set_role("hidden")
    window.selection.clear()
    window.document.undo_stack.setClean()
    window.notice.hide()
    window.preferences.set_digits(4)
    window.preferences.set_notation(Notation())
    window.preferences.set_rounding(None)
    window.preferences.set_label_mode(LabelMode.AUTO)
    window.preferences.set_wheel_zooms(False)
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    if window.isVisible():
        window.open_example(examples()[0])
        window.reset_panels()
    else:
        shared.clear()
        _dispose(window)
