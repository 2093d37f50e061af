"""Presenting: canvas and caption on the whole screen, by the keys of a clicker, and everything back as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from window_hands import WindowHands

from core.project_file import load_project
from core.quantities import Kind
from core.walkthrough import Moment, Walkthrough
from nnviz_app.presenter import Presenter
from nnviz_app.theme import theme

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"
Key = Qt.Key


@pytest.fixture
def presenter(hands: WindowHands) -> Iterator[Presenter]:
    made = Presenter(hands.window, hands.window.guide)
    made.begin()
    hands.qtbot.waitUntil(made.isActiveWindow)
    made.showNormal()
    made.resize(1280, 720)
    hands.settle()
    yield made
    if hands.view.window() is made:
        made.close()
    QApplication.sendPostedEvents(made, QEvent.Type.DeferredDelete)


def open_walkthrough(hands: WindowHands) -> None:
    scene = load_project(EXAMPLES / "01-two-two-two.nnviz")
    project = scene.copy()
    moments = (
        Moment("First: [[w(w5)=]]."),
        Moment("Second: $[[dL/dw(w5)]]$.", position="dL/dw(w5)"),
        Moment("Third.", position="end"),
    )
    project.walkthrough = Walkthrough(moments, (scene,))
    hands.document.open_project(project)
    hands.settle()


def press(hands: WindowHands, presenter: Presenter, *keys: Qt.Key) -> None:
    for key in keys:
        hands.qtbot.keyClick(QApplication.focusWidget() or presenter, key)
    hands.settle()


def text_of(presenter: Presenter) -> str:
    return presenter.caption.document().toPlainText()


def test_a_clicker_leads_through_the_moments(hands: WindowHands, presenter: Presenter) -> None:
    open_walkthrough(hands)
    assert text_of(presenter) == "First: 0.4."
    assert presenter.place.text() == "1 / 3"
    for key in (Key.Key_PageDown, Key.Key_Right, Key.Key_Space):
        press(hands, presenter, Key.Key_Home, key)
        assert presenter.guide.place == 1
        assert text_of(presenter).startswith("Second")
    for key in (Key.Key_PageUp, Key.Key_Left):
        press(hands, presenter, Key.Key_End, key)
        assert presenter.guide.place == 1
    press(hands, presenter, Key.Key_End, Key.Key_PageDown)
    assert presenter.place.text() == "3 / 3"


def test_the_same_keys_after_a_click_on_the_canvas(hands: WindowHands, presenter: Presenter) -> None:
    open_walkthrough(hands)
    hands.click(hands.view.viewport())
    assert hands.view.hasFocus()
    press(hands, presenter, Key.Key_PageDown, Key.Key_Space)
    assert presenter.guide.place == 2


def test_enter_leads_back_to_the_moment(hands: WindowHands, presenter: Presenter) -> None:
    open_walkthrough(hands)
    hands.player.forward()
    hands.settle()
    assert "Enter" in presenter.place.text()
    press(hands, presenter, Key.Key_Return)
    assert hands.player.index == 0
    assert presenter.place.text() == "1 / 3"


def test_without_a_walkthrough_the_keys_step(hands: WindowHands, presenter: Presenter) -> None:
    assert hands.project.title in text_of(presenter)
    press(hands, presenter, Key.Key_PageDown)
    assert hands.player.index == 1
    assert presenter.place.text().startswith("1 / ")
    assert "\ufffc" in text_of(presenter)
    press(hands, presenter, Key.Key_PageUp)
    assert hands.player.index == 0
    press(hands, presenter, Key.Key_End)
    assert hands.player.index == hands.player.length
    trace = hands.player.trace
    assert trace is not None
    hands.player.go_to(int(trace.schedule.positions(Kind.WEIGHT_GRAD).max()) + 1)
    hands.settle()
    assert text_of(presenter).startswith("The gradient of")


def test_the_caption_is_large_and_all_of_it_is_seen(hands: WindowHands, presenter: Presenter) -> None:
    open_walkthrough(hands)
    press(hands, presenter, Key.Key_PageDown)
    assert (presenter.width(), presenter.height()) == (1280, 720)
    assert presenter.caption.document().defaultFont().pointSizeF() >= 20
    assert presenter.caption.verticalScrollBar().maximum() == 0
    assert hands.view.height() >= 0.5 * presenter.height()
    assert hands.view.window() is presenter
    assert hands.window.transport.window() is hands.window


def state_of(hands: WindowHands) -> dict[str, object]:
    """All of the window that presenting could leave changed."""
    window, view = hands.window, hands.view
    docks = {title: dock.geometry() for title, dock in window.docks.items() if not dock.visibleRegion().isEmpty()}
    return {
        "window": window.geometry(),
        "docks": docks,
        "toolbar": window.menus.toolbar.geometry(),
        "canvas": view.geometry(),
        "zoom": view.zoom,
        "middle": view.mapToScene(view.viewport().rect().center()).toPoint(),
        "transport": window.transport.geometry(),
        "text": theme().text_scale,
    }


def test_everything_is_back_as_it_was(hands: WindowHands) -> None:
    hands.view.zoom_to(1.3)
    hands.settle()
    before = state_of(hands)
    hands.press("F5")
    hands.settle()
    gc.collect()
    presenter = hands.view.window()
    assert isinstance(presenter, Presenter)
    assert presenter.isFullScreen()
    press(hands, presenter, Key.Key_PageDown, Key.Key_PageUp, Key.Key_Escape)
    assert state_of(hands) == before
    assert hands.view.window() is hands.window
    hands.qtbot.waitUntil(hands.view.hasFocus)
    hands.press("Right")
    assert hands.player.index == 1
    hands.view.fit()


@pytest.mark.parametrize("key", [Key.Key_Escape, Key.Key_F5])
def test_it_ends_by_key_and_can_begin_again(hands: WindowHands, key: Qt.Key) -> None:
    for _ in range(2):
        hands.window.present()
        hands.settle()
        presenter = hands.view.window()
        assert isinstance(presenter, Presenter)
        with hands.qtbot.waitSignal(presenter.ended):
            hands.qtbot.keyClick(presenter, key)
        hands.settle()
        assert hands.view.window() is hands.window
        assert hands.view.isVisible()


def test_undo_works_while_presenting(hands: WindowHands, presenter: Presenter) -> None:
    open_walkthrough(hands)
    hands.window.editing.set_parameter("w5", 0.75)
    hands.settle()
    assert text_of(presenter) == "First: 0.75."
    hands.window.actions_by_name["undo"].trigger()
    hands.settle()
    assert text_of(presenter) == "First: 0.4."
    assert hands.window.actions_by_name["undo"] in presenter.actions()
