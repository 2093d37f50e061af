"""Every gesture of mouse and keys on the real view; what is looked at is the document."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton

from core.network import Role
from nnviz_app.arrange import snapped

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
Key = Qt.Key

# What the offscreen platform says about each menu.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support grabbing the keyboard$")


# Selecting


def test_click_shift_and_ctrl(drawn: Any) -> None:
    drawn.click(drawn.neuron("i1"))
    assert drawn.selection.ids == ["i1"]
    drawn.click(drawn.neuron("h1"), SHIFT)
    drawn.click(drawn.neuron("h1"), SHIFT)
    assert drawn.selection.ids == ["i1", "h1"]
    drawn.click(drawn.edge("w1"), CTRL)
    assert drawn.selection.ids == ["i1", "h1", "w1"]
    drawn.click(drawn.neuron("i1"), CTRL)
    assert drawn.selection.ids == ["h1", "w1"]
    drawn.click(drawn.neuron("h1"))
    assert drawn.selection.ids == ["h1"]
    drawn.click(QPoint(5, 650))
    assert drawn.selection.ids == []
    assert drawn.entries == []


@pytest.mark.parametrize("zoom", [0.25, 1.0, 4.0])
def test_edges_are_hit_within_ten_pixels_at_any_zoom(drawn: Any, zoom: float) -> None:
    drawn.open(1, 1)
    drawn.editing.move_to({"i1": (0.0, 0.0), "o1": (2000.0, 0.0)})
    middle = QPointF(700.0, 0.0)
    drawn.view.zoom_to(zoom)
    drawn.view.centerOn(middle)
    at = drawn.view.mapFromScene(middle)
    drawn.click(at + QPoint(0, 8))
    assert drawn.selection.ids == ["w1"]
    drawn.click(at + QPoint(0, -14))
    assert drawn.selection.ids == []


def test_ctrl_a_and_escape(drawn: Any) -> None:
    drawn.key(Key.Key_A, CTRL)
    assert set(drawn.selection.ids) == {*drawn.network.neurons, *drawn.network.edges}
    drawn.key(Key.Key_Escape)
    assert drawn.selection.ids == []


def test_rubber_band(drawn: Any) -> None:
    x, y = drawn.network.positions["h1"]
    start, end = drawn.pixel(x - 50, y - 80), drawn.pixel(x + 50, y + 160)
    drawn.drag(start, end)
    assert drawn.selection.neurons == ["h1", "h2"]
    drawn.click(drawn.neuron("i1"))
    drawn.drag(start, end, SHIFT)
    assert drawn.selection.neurons == ["i1", "h1", "h2"]
    drawn.drag(start, end, CTRL)
    assert drawn.selection.neurons == ["i1"]


def test_escape_ends_a_rubber_band(drawn: Any) -> None:
    drawn.press(QPoint(5, 5))
    drawn.move(QPoint(900, 600))
    drawn.key(Key.Key_Escape)
    drawn.move(QPoint(950, 650))
    drawn.release(QPoint(950, 650))
    assert drawn.entries == []
    assert drawn.view.tool.gesture is None


# Moving


def test_drag_moves_the_selection_onto_the_grid(drawn: Any) -> None:
    before = dict(drawn.network.positions)
    drawn.click(drawn.neuron("h1"))
    drawn.click(drawn.neuron("h2"), SHIFT)
    start = drawn.neuron("h1")
    shift = drawn.pixel(33, 48) - drawn.pixel(0, 0)
    drawn.drag(start, start + shift)
    moved = drawn.network.positions
    assert moved["h1"] == snapped(before["h1"][0] + 33, before["h1"][1] + 48)
    assert moved["h2"][1] - moved["h1"][1] == before["h2"][1] - before["h1"][1]
    assert moved["i1"] == before["i1"]
    assert drawn.entries == ["Move h1 and h2"]
    drawn.document.undo_stack.undo()
    assert drawn.network.positions == before
    assert drawn.selection.ids == ["h1", "h2"]


def test_alt_moves_off_the_grid(drawn: Any) -> None:
    drawn.view.zoom_to(2.0)
    drawn.view.centerOn(*drawn.network.positions["h1"])
    x, y = drawn.network.positions["h1"]
    start = drawn.neuron("h1")
    drawn.drag(start, start + QPoint(6, 14), ALT)
    assert drawn.network.positions["h1"] == (x + 3, y + 7)


def test_moving_shows_before_it_is_done_and_escape_takes_it_back(drawn: Any) -> None:
    before = drawn.view.canvas_scene.neuron_rect("h1").center()
    start = drawn.neuron("h1")
    drawn.press(start)
    drawn.move(start + QPoint(80, 0))
    assert drawn.entries == []
    drawn.key(Key.Key_Escape)
    drawn.release(start + QPoint(80, 0))
    assert drawn.entries == []
    assert drawn.view.canvas_scene.neuron_rect("h1").center() == before


def test_dragging_out_of_the_window_scrolls_along(drawn: Any) -> None:
    drawn.view.zoom_to(1.0)
    x, _ = drawn.network.positions["h1"]
    start = drawn.neuron("h1")
    before = drawn.view.mapToScene(QPoint(0, 0)).x()
    drawn.press(start)
    for _ in range(3):
        drawn.move(QPoint(1049, start.y()))
    drawn.release(QPoint(999, start.y()))
    assert drawn.view.mapToScene(QPoint(0, 0)).x() == before + 150
    assert drawn.network.positions["h1"][0] >= x + 150


def test_a_shaky_click_moves_nothing(drawn: Any) -> None:
    start = drawn.neuron("h1")
    drawn.drag(start, start + QPoint(2, 1))
    assert drawn.entries == []
    assert drawn.selection.ids == ["h1"]


def test_pressing_one_of_several_keeps_them_for_a_drag_and_a_click_narrows(drawn: Any) -> None:
    drawn.selection.set(["h1", "h2"])
    drawn.press(drawn.neuron("h1"))
    assert drawn.selection.ids == ["h1", "h2"]
    drawn.release(drawn.neuron("h1"))
    assert drawn.selection.ids == ["h1"]


def test_alt_arrows_nudge(drawn: Any) -> None:
    x, y = drawn.network.positions["h1"]
    drawn.selection.set(["h1"])
    drawn.key(Key.Key_Right, ALT)
    drawn.key(Key.Key_Right, ALT)
    drawn.key(Key.Key_Up, ALT)
    assert drawn.network.positions["h1"] == (x + 20, y - 10)
    assert drawn.entries == ["Move h1"]


# Adding


def test_double_click_on_empty_canvas_adds_a_neuron(hands: Any) -> None:
    at = QPoint(300, 200)
    place = hands.view.mapToScene(at)
    hands.double_click(at)
    assert hands.network.neurons["h1"].role is Role.HIDDEN
    assert hands.network.positions["h1"] == snapped(place.x(), place.y())
    hands.view.set_role("output")
    hands.double_click(QPoint(600, 200))
    assert hands.network.neurons["o1"].role is Role.OUTPUT
    assert hands.entries == ["Add h1", "Add o1"]


def test_the_neuron_tool_adds_at_each_click(hands: Any) -> None:
    hands.key(Key.Key_N)
    assert hands.view.tool.name == "neuron"
    hands.key(Key.Key_I)
    assert not hands.network.neurons
    for y in (150, 350):
        hands.click(QPoint(200, y))
    hands.click(QPoint(200, 150))
    assert list(hands.network.neurons) == ["i1", "i2"]
    assert hands.selection.ids == ["i1"]
    hands.key(Key.Key_Escape)
    assert hands.view.tool.name == "select"


def test_a_double_click_with_the_neuron_tool_adds_one(hands: Any) -> None:
    hands.key(Key.Key_N)
    hands.double_click(QPoint(300, 300))
    hands.release(QPoint(300, 300))
    assert list(hands.network.neurons) == ["h1"]
    assert not hands.view.in_place.is_open


def test_enter_adds_with_the_neuron_tool(hands: Any) -> None:
    hands.key(Key.Key_N)
    hands.key(Key.Key_Return)
    hands.key(Key.Key_Return)
    assert list(hands.network.neurons) == ["h1", "h2"]


def test_letters_add_neurons_by_role(hands: Any) -> None:
    for key in (Key.Key_I, Key.Key_I, Key.Key_H, Key.Key_O):
        hands.key(key)
    assert list(hands.network.neurons) == ["i1", "i2", "h1", "o1"]
    assert hands.network.positions["i1"][0] < hands.network.positions["h1"][0] < hands.network.positions["o1"][0]


# Connecting


def test_drag_from_the_rim_connects(drawn: Any) -> None:
    drawn.drag(drawn.rim("i1"), drawn.neuron("o1"))
    edge = drawn.network.edge_between("i1", "o1")
    assert edge is not None
    assert drawn.network.weight(edge.id) != 0
    assert drawn.entries == ["Connect i1 to o1"]
    assert drawn.selection.ids == [edge.id]


def test_drop_on_empty_canvas_makes_a_connected_neuron(drawn: Any) -> None:
    x, y = drawn.network.positions["h2"]
    drawn.drag(drawn.rim("i2"), drawn.pixel(x + 4, y + 157))
    assert drawn.network.positions["h3"] == snapped(x + 4, y + 157)
    assert drawn.network.edge_between("i2", "h3") is not None
    assert drawn.entries == ["Add h3"]
    assert drawn.selection.ids == ["h3"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("h1", "i1", "i1 is an input"),
        ("i1", "h1", "already an edge"),
        ("o1", "h1", "would close a cycle"),
    ],
)
def test_invalid_targets_say_why(drawn: Any, source: str, target: str, words: str) -> None:
    drawn.drag(drawn.rim(source), drawn.neuron(target))
    assert drawn.entries == []
    assert words in drawn.messages[-1]
    assert words in drawn.view.overlay.message
    drawn.click(QPoint(5, 650))
    assert drawn.view.overlay.message == ""


def test_the_reason_is_shown_while_dragging(drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(drawn.view.canvas_scene, "set_edge_preview", lambda *args: shown.append(args))
    drawn.press(drawn.rim("o1"))
    drawn.move(drawn.neuron("h1"))
    source, _, target, problem = shown[-1]
    assert (source, target) == ("o1", "h1")
    assert "would close a cycle" in problem
    drawn.move(drawn.neuron("h1") + QPoint(0, 250))
    assert shown[-1][2:] == (None, None)
    drawn.key(Key.Key_Escape)
    assert shown[-1][0] is None
    drawn.release(drawn.neuron("h1"))
    assert drawn.entries == []


def test_a_click_on_the_rim_selects(drawn: Any) -> None:
    drawn.click(drawn.rim("h1"))
    assert drawn.selection.ids == ["h1"]
    drawn.click(drawn.rim("h2"), SHIFT)
    assert drawn.selection.ids == ["h1", "h2"]


def test_dropping_on_the_source_does_nothing(drawn: Any) -> None:
    start = drawn.rim("h1")
    drawn.press(start)
    drawn.move(start + QPoint(0, -100))
    drawn.move(drawn.neuron("h1"))
    drawn.release(drawn.neuron("h1"))
    assert drawn.entries == []
    assert drawn.messages == []


def test_the_connect_tool_by_drag_and_by_clicks(drawn: Any) -> None:
    drawn.view.set_tool("connect")
    drawn.drag(drawn.neuron("i1"), drawn.neuron("o1"))
    assert drawn.network.edge_between("i1", "o1") is not None
    drawn.click(drawn.neuron("i2"))
    drawn.hover(drawn.neuron("h1"))
    assert drawn.network.edge_between("i2", "o1") is None
    drawn.click(drawn.neuron("o1"))
    assert drawn.network.edge_between("i2", "o1") is not None
    assert len(drawn.entries) == 2
    # The next click is a source again.
    drawn.click(drawn.neuron("h1"))
    drawn.key(Key.Key_Escape)
    drawn.click(drawn.neuron("h2"))
    drawn.key(Key.Key_Escape)
    assert drawn.view.tool.name == "connect"
    drawn.key(Key.Key_Escape)
    assert drawn.view.tool.name == "select"
    assert len(drawn.entries) == 2


def test_the_connect_tool_makes_a_neuron_on_empty_canvas(drawn: Any) -> None:
    drawn.view.set_tool("connect")
    drawn.selection.set(["i1", "i2"])
    x, y = drawn.network.positions["h2"]
    drawn.drag(drawn.neuron("i2"), drawn.pixel(x, y + 160))
    assert [e.source for e in drawn.network.incoming("h3")] == ["i1", "i2"]


def test_several_sources_connect_to_one_target(drawn: Any) -> None:
    drawn.selection.set(["i1", "i2"])
    drawn.view.set_tool("connect")
    drawn.drag(drawn.neuron("i1"), drawn.neuron("o1"))
    assert {e.source for e in drawn.network.incoming("o1")} == {"h1", "h2", "i1", "i2"}
    assert drawn.entries == ["Connect i1 and i2 to o1"]


def test_a_band_of_the_connect_tool_connects_all_to_all(drawn: Any) -> None:
    drawn.view.editing.add_neuron("hidden", (440, 200))
    drawn.view.editing.add_neuron("hidden", (440, 320))
    drawn.view.fit()
    drawn.selection.set(["h1", "h2"])
    drawn.view.set_tool("connect")
    count = len(drawn.entries)
    drawn.drag(drawn.pixel(380, 150), drawn.pixel(500, 370))
    assert {(e.source, e.target) for i in ("h3", "h4") for e in drawn.network.incoming(i)} == {
        (source, target) for source in ("h1", "h2") for target in ("h3", "h4")
    }
    assert len(drawn.entries) == count + 1


def test_a_band_of_the_connect_tool_without_sources_says_what_to_do(drawn: Any) -> None:
    drawn.view.set_tool("connect")
    drawn.drag(QPoint(5, 5), QPoint(990, 690))
    assert "Select the neurons to connect from first" in drawn.messages[-1]
    drawn.selection.set(["i1"])
    drawn.drag(QPoint(5, 600), QPoint(60, 690))
    assert "holds no neuron" in drawn.messages[-1]


def test_connecting_with_the_keyboard_only(hands: Any) -> None:
    for key in (Key.Key_I, Key.Key_I, Key.Key_H, Key.Key_O):
        hands.key(key)
    hands.key(Key.Key_Escape)
    hands.key(Key.Key_Tab)
    assert hands.selection.ids == ["i1"]
    hands.key(Key.Key_C)
    assert "Tab goes through the targets" in hands.view.overlay.message
    hands.key(Key.Key_Return)
    assert [(e.source, e.target) for e in hands.network.edges.values()] == [("i1", "h1")]
    hands.key(Key.Key_Tab)
    hands.key(Key.Key_Backtab, SHIFT)
    hands.key(Key.Key_Return)
    assert "already an edge" in hands.messages[-1]
    hands.key(Key.Key_Escape)
    hands.key(Key.Key_Escape)
    assert hands.view.tool.name == "select"


def test_enter_takes_sources_in_the_connect_tool(drawn: Any) -> None:
    drawn.view.set_tool("connect")
    drawn.key(Key.Key_Tab)
    drawn.key(Key.Key_Return)
    assert drawn.view.tool.sources == ["i1"]
    assert drawn.view.tool.candidate == "o1"
    drawn.editing.delete()
    assert drawn.view.tool.sources == []


def test_ctrl_k_connects_the_selection(drawn: Any) -> None:
    drawn.selection.set(["i1", "o1"])
    drawn.key(Key.Key_K, CTRL)
    assert drawn.network.edge_between("i1", "o1") is not None


# Walking


def test_tab_walks_through_neurons_and_edges(drawn: Any) -> None:
    seen = []
    order = [*drawn.network.neurons, *drawn.network.edges]
    for _ in order:
        drawn.key(Key.Key_Tab)
        seen += drawn.selection.ids
    assert seen == order
    drawn.key(Key.Key_Backtab, SHIFT)
    assert drawn.selection.ids == [order[-2]]


def test_tab_scrolls_into_sight(drawn: Any) -> None:
    drawn.view.zoom_to(4.0)
    drawn.key(Key.Key_Backtab, SHIFT)
    drawn.key(Key.Key_Escape)
    drawn.key(Key.Key_Tab)
    rect = drawn.view.mapFromScene(drawn.view.canvas_scene.neuron_rect("i1")).boundingRect()
    assert drawn.view.viewport().rect().contains(rect)


def test_tab_leaves_the_canvas_at_the_end(drawn: Any, qtbot: Any) -> None:
    other = QPushButton("next")
    qtbot.addWidget(other)
    drawn.selection.set([list(drawn.network.edges)[-1]])
    assert not drawn.view.walk(1)
    drawn.selection.set(["i1"])
    assert not drawn.view.walk(-1)


# Deleting and the clipboard


@pytest.mark.parametrize("key", [Key.Key_Delete, Key.Key_Backspace])
def test_delete_keys(drawn: Any, key: Qt.Key) -> None:
    drawn.click(drawn.neuron("h1"))
    drawn.key(key)
    assert "h1" not in drawn.network.neurons
    assert drawn.entries == ["Delete h1"]


def test_clipboard_keys(drawn: Any) -> None:
    drawn.selection.set(["i1", "h1"])
    drawn.key(Key.Key_C, CTRL)
    drawn.key(Key.Key_V, CTRL)
    assert drawn.selection.neurons == ["i3", "h3"]
    assert drawn.network.edge_between("i3", "h3") is not None
    drawn.key(Key.Key_D, CTRL)
    assert drawn.selection.neurons == ["i4", "h4"]
    drawn.key(Key.Key_X, CTRL)
    assert "i4" not in drawn.network.neurons
    QGuiApplication.clipboard().setText("0.5\t0.25")
    drawn.key(Key.Key_V, CTRL)
    assert "The clipboard holds no neurons" in drawn.view.overlay.message


# The menu


def test_right_click_selects_first(drawn: Any) -> None:
    drawn.selection.set(["i1"])
    menu = drawn.menu(drawn.neuron("h1"))
    assert drawn.selection.ids == ["h1"]
    drawn.choose(menu, "Activation", "Tanh")
    assert drawn.network.neurons["h1"].activation == "tanh"


def test_right_click_on_the_selection_keeps_it(drawn: Any) -> None:
    drawn.selection.set(["h1", "h2"])
    menu = drawn.menu(drawn.neuron("h1"))
    assert drawn.selection.ids == ["h1", "h2"]
    drawn.choose(menu, "Align", "Top")
    assert drawn.network.positions["h1"][1] == drawn.network.positions["h2"][1]


def titles(menu: Any) -> dict[str, bool]:
    return {a.text().split("\t")[0]: a.isEnabled() for a in menu.actions() if not a.isSeparator()}


def test_the_menu_offers_only_what_works(drawn: Any) -> None:
    menu = drawn.menu(drawn.neuron("i1"))
    offered = titles(menu)
    assert "Edit value of i1" in offered
    assert "Freeze" not in offered
    assert not offered["Activation"]
    menu.close()
    QApplication.processEvents()
    menu = drawn.menu(drawn.neuron("h1"))
    assert not titles(menu.submenus["Role"])["Input"]
    assert not titles(menu.submenus["Activation"])["Softmax"]


def test_the_menu_of_an_edge(drawn: Any) -> None:
    drawn.selection.set(["w1", "w2"])
    menu = drawn.menu(drawn.edge("w1"))
    assert titles(menu)["Tie weights"]
    assert not titles(menu)["Untie weights"]
    drawn.choose(menu, "Tie weights")
    assert drawn.network.edges["w2"].tied_to == "w1"


def test_the_menu_of_the_empty_canvas(drawn: Any, qtbot: Any) -> None:
    drawn.selection.set(["h1", "h2"])
    drawn.editing.copy()
    at = QPoint(900, 600)
    place = drawn.view.mapToScene(at)
    menu = drawn.menu(at)
    assert drawn.selection.ids == []
    drawn.choose(menu, "Add neuron here", "Input")
    assert drawn.network.positions["i3"] == snapped(place.x(), place.y())
    QApplication.processEvents()
    at = QPoint(500, 650)
    place = drawn.view.mapToScene(at)
    menu = drawn.menu(at)
    drawn.choose(menu, "Paste")
    assert abs(drawn.network.positions["h3"][0] - place.x()) <= 5
    QApplication.processEvents()
    with qtbot.waitSignal(drawn.view.new_network_requested):
        drawn.choose(drawn.menu(QPoint(5, 5)), "New network...")
    QApplication.processEvents()
    with qtbot.waitSignal(drawn.view.add_layer_requested):
        drawn.choose(drawn.menu(QPoint(5, 5)), "Add layer...")


def test_menu_keys_act_on_the_selection(drawn: Any) -> None:
    drawn.selection.set(["h1"])
    drawn.key(Key.Key_F10, SHIFT)
    menu = drawn.menu()
    assert drawn.selection.ids == ["h1"]
    drawn.choose(menu, "Delete")
    assert "h1" not in drawn.network.neurons
