"""The view: zoom, pan, fit, keys that are not its own, and the words over the drawing."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QToolTip, QVBoxLayout, QWidget

from core.quantities import Granularity, Phase

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
Key = Qt.Key


def near(a: QPointF, b: QPointF, by: float = 2.0) -> bool:
    return (a - b).manhattanLength() <= by


# Zoom


@pytest.mark.parametrize("swapped", [False, True])
def test_the_wheel_zooms_at_the_cursor_or_scrolls(drawn: Any, swapped: bool) -> None:
    drawn.preferences.set_wheel_zooms(swapped)
    zooming, scrolling = (NONE, CTRL) if swapped else (CTRL, NONE)
    at = QPoint(700, 200)
    before, zoom = drawn.view.mapToScene(at), drawn.view.zoom
    drawn.wheel(at, 2, zooming)
    assert drawn.view.zoom == pytest.approx(zoom * 1.44)
    assert near(drawn.view.mapToScene(at), before)
    drawn.wheel(at, -1, scrolling)
    assert drawn.view.zoom == pytest.approx(zoom * 1.44)
    moved = drawn.view.mapToScene(at) - before
    assert moved.y() == pytest.approx(60 / drawn.view.zoom, abs=2)
    drawn.wheel(at, -1, scrolling | SHIFT)
    assert (drawn.view.mapToScene(at) - before).x() == pytest.approx(60 / drawn.view.zoom, abs=2)


def test_zoom_has_limits_and_is_told(drawn: Any, qtbot: Any) -> None:
    for _ in range(60):
        drawn.view.zoom_in()
    assert drawn.view.zoom == pytest.approx(8.0)
    with qtbot.waitSignal(drawn.view.zoom_changed) as told:
        drawn.view.zoom_to(0.001)
    assert drawn.view.zoom == pytest.approx(0.1)
    assert told.args == [pytest.approx(0.1)]


def test_zoom_keys(drawn: Any) -> None:
    drawn.key(Key.Key_0, CTRL)
    assert drawn.view.zoom == 1.0
    drawn.key(Key.Key_Plus, CTRL)
    drawn.key(Key.Key_Plus, CTRL | SHIFT)
    drawn.key(Key.Key_Minus, CTRL)
    assert drawn.view.zoom == pytest.approx(1.25)
    drawn.key(Key.Key_F)
    content = drawn.view.mapFromScene(drawn.view.canvas_scene.content_rect()).boundingRect()
    assert drawn.view.viewport().rect().contains(content)


def test_opening_fits_never_above_150_percent(hands: Any) -> None:
    hands.open(1, 1)
    assert hands.view.zoom <= 1.5
    hands.open(12, 12, 12)
    content = hands.view.mapFromScene(hands.view.canvas_scene.content_rect()).boundingRect()
    assert hands.view.viewport().rect().contains(content)
    assert hands.view.zoom < 1


def test_it_stays_fitted_until_somebody_zooms(drawn: Any) -> None:
    zoom = drawn.view.zoom
    drawn.view.resize(500, 350)
    assert drawn.view.zoom < zoom
    drawn.view.zoom_to(1.0)
    drawn.view.resize(1000, 700)
    assert drawn.view.zoom == 1.0
    drawn.view.fit()
    drawn.view.resize(500, 350)
    assert drawn.view.zoom < 1.0


def test_drawing_does_not_move_the_paper(hands: Any) -> None:
    place = hands.view.mapToScene(QPoint(0, 0))
    hands.double_click(QPoint(200, 200))
    hands.double_click(QPoint(900, 600))
    assert near(hands.view.mapToScene(QPoint(0, 0)), place, 0.5)
    zoom = hands.view.zoom
    hands.view.resize(700, 500)
    assert hands.view.zoom == zoom


def test_a_new_network_comes_into_sight(drawn: Any) -> None:
    drawn.view.zoom_to(4.0)
    drawn.view.scroll_by(QPoint(2000, 2000))
    drawn.editing.tidy()
    content = drawn.view.mapFromScene(drawn.view.canvas_scene.content_rect()).boundingRect()
    assert drawn.view.viewport().rect().contains(content)


# Pan


def test_middle_drag_pans(drawn: Any) -> None:
    before = drawn.view.mapToScene(QPoint(0, 0))
    drawn.drag(QPoint(500, 300), QPoint(440, 270), button=Qt.MouseButton.MiddleButton)
    moved = (drawn.view.mapToScene(QPoint(0, 0)) - before) * drawn.view.zoom
    assert near(moved, QPointF(60, 30))
    assert drawn.entries == []


def press_space(hands: Any) -> None:
    hands.qtbot.keyPress(hands.view, Key.Key_Space)


def release_space(hands: Any) -> None:
    hands.qtbot.keyRelease(hands.view, Key.Key_Space)


def test_space_drag_pans_and_does_not_play(drawn: Any) -> None:
    before = drawn.view.mapToScene(QPoint(0, 0))
    press_space(drawn)
    assert drawn.view.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    start = drawn.neuron("h1")
    drawn.drag(start, start + QPoint(50, 20))
    release_space(drawn)
    moved = (drawn.view.mapToScene(QPoint(0, 0)) - before) * drawn.view.zoom
    assert near(moved, QPointF(-50, -20))
    assert drawn.entries == []
    assert not drawn.player.is_playing


def test_space_alone_plays_and_pauses(drawn: Any) -> None:
    drawn.key(Key.Key_Space)
    assert drawn.player.is_playing
    drawn.key(Key.Key_Space)
    assert not drawn.player.is_playing


# Keys that are the player's


def test_the_players_keys_reach_the_window(drawn: Any, qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(drawn.view)
    used: list[str] = []
    names = ["Left", "Right", "Home", "End", "R", "Shift+Left", "Shift+Right"]
    for name in names:
        QShortcut(QKeySequence(name), window, lambda name=name: used.append(name))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    drawn.view.setFocus()
    place = drawn.view.mapToScene(QPoint(0, 0))
    for name in names:
        combination = QKeySequence(name)[0]
        drawn.key(combination.key(), combination.keyboardModifiers())
    assert used == names
    assert drawn.view.mapToScene(QPoint(0, 0)) == place
    drawn.view.setParent(None)


@pytest.mark.parametrize("key", [Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Home, Key.Key_End, Key.Key_R])
def test_keys_without_a_meaning_here_are_ignored(drawn: Any, key: Qt.Key) -> None:
    event = QKeyEvent(QEvent.Type.KeyPress, key, NONE)
    drawn.view.keyPressEvent(event)
    assert not event.isAccepted()


# What lies over the drawing


def test_it_is_said_that_dropout_takes_part(drawn: Any) -> None:
    label = drawn.view.overlay.sample_label
    assert "dropout" not in label.text()
    with drawn.document.edit("Set dropout") as draft:
        draft.network.set_dropout("h1", 0.5)
    assert label.text().endswith(" · with dropout")
    with drawn.document.edit("Hold out") as draft:
        draft.dataset.set_test([0])
    assert "dropout" not in label.text()


def test_the_sample_and_the_phase(drawn: Any) -> None:
    overlay = drawn.view.overlay
    assert overlay.sample_label.text() == "row 1 · sample 1 of 1"
    assert overlay.phase_label.text() == ""
    words = []
    while drawn.player.index < drawn.player.length:
        drawn.player.forward(Granularity.TERM)
        if not words or words[-1] != overlay.phase_label.text():
            words.append(overlay.phase_label.text())
    assert words == ["FORWARD", "LOSS", "BACKWARD", "UPDATE"]
    assert drawn.player.phase is Phase.UPDATE
    right = overlay.phase_label.geometry().right()
    assert drawn.view.width() - 30 < right < drawn.view.width()


def test_the_empty_canvas_has_hints_and_two_buttons(hands: Any, qtbot: Any) -> None:
    overlay = hands.view.overlay
    assert overlay.hints.isVisible()
    with qtbot.waitSignal(hands.view.examples_requested):
        qtbot.mouseClick(overlay.examples_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(hands.view.new_network_requested):
        qtbot.mouseClick(overlay.new_network_button, Qt.MouseButton.LeftButton)
    # The hints do not stand in the way of what they hint at.
    assert hands.view.childAt(overlay.hints.geometry().center()) is hands.view.viewport()
    hands.double_click(overlay.hints.geometry().center())
    assert hands.network.neurons
    assert not overlay.hints.isVisible()
    assert not overlay.buttons.isVisible()
    hands.document.undo_stack.undo()
    assert overlay.hints.isVisible()


def test_messages_last_until_the_next_action(drawn: Any) -> None:
    drawn.editing.connect_neurons(["h1"], ["i1"])
    assert "i1 is an input" in drawn.view.overlay.message
    assert drawn.messages == [drawn.view.overlay.message]
    area = drawn.view.rect()
    label = drawn.view.overlay.message_label
    assert area.contains(label.geometry())
    assert label.height() >= label.heightForWidth(label.width())
    assert label.height() < 2.5 * label.fontMetrics().height()
    drawn.view.resize(300, 300)
    assert drawn.view.rect().contains(label.geometry())
    assert label.height() >= label.heightForWidth(label.width())
    drawn.view.resize(1000, 700)
    drawn.key(Key.Key_V)
    assert drawn.view.overlay.message == ""
    drawn.player.refused.emit("No target.")
    assert drawn.view.overlay.message == "No target."
    drawn.editing.add_neuron("hidden")
    assert drawn.view.overlay.message == ""


def test_hovering_tells_the_scene_and_the_pointer_shows_what_a_press_does(drawn: Any) -> None:
    drawn.hover(drawn.rim("h1"))
    assert drawn.view.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    drawn.hover(drawn.edge("w1"))
    assert drawn.view.viewport().cursor().shape() == Qt.CursorShape.PointingHandCursor
    drawn.hover(QPoint(3, 690))
    assert drawn.view.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor
    drawn.view.set_tool("connect")
    assert drawn.view.viewport().cursor().shape() == Qt.CursorShape.CrossCursor


def test_tooltips_come_from_the_scene(drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _pos, text, *_: shown.append(text))
    at = drawn.edge("w1")
    QApplication.sendEvent(drawn.view.viewport(), QHelpEvent(QEvent.Type.ToolTip, at, at))
    assert "w1" in shown[-1]


def test_the_tool_and_the_role_are_told(drawn: Any, qtbot: Any) -> None:
    with qtbot.waitSignal(drawn.view.tool_changed) as told:
        drawn.key(Key.Key_N)
    assert told.args == ["neuron"]
    with qtbot.waitSignal(drawn.view.role_changed) as told:
        drawn.key(Key.Key_O)
    assert told.args == ["output"]
    drawn.key(Key.Key_C)
    assert drawn.view.tool.name == "connect"
    drawn.key(Key.Key_V)
    assert drawn.view.tool.name == "select"


def test_one_can_scroll_past_the_drawing_but_not_lose_it(drawn: Any) -> None:
    drawn.view.zoom_to(1.0)
    for _ in range(50):
        drawn.view.scroll_by(QPoint(500, 0))
    visible = drawn.view.mapToScene(drawn.view.viewport().rect()).boundingRect()
    content = drawn.view.canvas_scene.content_rect()
    assert visible.left() > content.left()
    assert visible.left() <= content.right() + 1
