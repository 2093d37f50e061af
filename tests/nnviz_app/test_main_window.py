"""The window as hands use it: menus, toolbar, keys, files, unsaved work, runs, panels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QListView,
    QMenu,
    QMessageBox,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from window_hands import WindowHands, example, plain

from core.activations import ACTIVATIONS
from core.network import Role
from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from nnviz_app.actions import EXPORTS
from nnviz_app.canvas.parts import PartKind
from nnviz_app.docks import AREAS
from nnviz_app.examples import examples
from nnviz_app.export.dialog import ExportDialog
from nnviz_app.help_dialog import KEYS, HelpDialog
from nnviz_app.menus import TEXT_SIZES
from nnviz_app.preferences import NOTATIONS, LabelMode
from nnviz_app.presenter import Presenter
from nnviz_app.theme import theme

Key = Qt.Key
BUTTONS = QMessageBox.StandardButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
STEPS = 45


@pytest.fixture
def file_dialogs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What the system's file dialogs answer: "open" and "save", "" for Cancel."""
    answers = {"open": "", "save": ""}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answers["open"], ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (answers["save"], ""))
    return answers


def copied(tmp_path: Path, name: str = "batch", to: str = "mine.nnviz") -> Path:
    path = tmp_path / to
    path.write_bytes(example(name).path.read_bytes())
    return path


def start_long_run(hands: WindowHands) -> None:
    """Begin a run that does not end by itself, and wait until it has learned something."""
    hands.window.trainer.start(1_000_000)
    hands.qtbot.waitUntil(lambda: hands.project.updates > 0)


# The first sight


def test_the_first_sight(hands: WindowHands) -> None:
    window = hands.window
    assert window.windowTitle() == f"{hands.project.title}[*] – nnviz"
    assert window.counts_label.text() == "6 neurons, 8 edges, 12 parameters"
    assert window.state_label.text().startswith("not saved yet · update 0 · seed ")
    assert "right arrow" in window.transport.caption.accessibleName()
    assert hands.view.hasFocus()
    assert not window.isWindowModified()
    assert hands.notice == ""
    for title in AREAS:
        assert window.docks[title].widget() is not None
    assert {title for title, dock in window.docks.items() if not dock.visibleRegion().isEmpty()} == {
        "Examples", "Train", "Explain", "Steps", "Data", "Loss", "Map",
    }  # fmt: skip


# Menus and toolbar


def leaves(hands: WindowHands, actions: list[QAction], path: tuple[str, ...] = ()) -> Iterable[tuple[str, ...]]:
    for action in actions:
        if action.isSeparator():
            continue
        here = (*path, plain(action))
        submenu = hands.menu_of(action)
        if submenu is not None:
            yield from leaves(hands, submenu.actions(), here)
        else:
            yield here


Check = Callable[[WindowHands], object]


def network_of(h: WindowHands) -> tuple[int, int]:
    return len(h.project.network.neurons), len(h.project.network.edges)


def end_presenting(hands: WindowHands) -> bool:
    """Whether the canvas is presented; it is back afterwards."""
    presenter = hands.view.window()
    if not isinstance(presenter, Presenter):
        return False
    hands.qtbot.keyClick(presenter, Qt.Key.Key_Escape)
    hands.settle()
    return hands.view.window() is hands.window


def checks(h: WindowHands, file_dialogs: dict[str, str], tmp_path: Path) -> dict[tuple[str, ...], object]:
    """By menu entry: (what is selected or done first, what has to hold afterwards)."""
    window, view, player, selection = h.window, h.view, h.player, h.window.selection
    saved = tmp_path / "saved.nnviz"
    opened = copied(tmp_path, "and", "opened.nnviz")
    file_dialogs.update(open=str(opened), save=str(saved))
    positions = dict(h.project.network.positions)
    network = lambda: h.project.network  # noqa: E731

    def accept(dialog: QWidget) -> None:
        h.qtbot.keyClick(dialog, Key.Key_Return)

    def see_about(dialog: QWidget) -> None:
        assert "MIT licence" in dialog.text()  # type: ignore[attr-defined]
        h.questions.append("about")

    def at_end() -> None:
        player.go_to(player.length)

    def spread() -> None:
        network_positions = {"h1": (0.0, 0.0), "h2": (13.0, 50.0), "o1": (200.0, 90.0)}
        h.window.editing.move_to(network_positions)
        selection.set(["h1", "h2", "o1"])

    def xs() -> set[float]:
        return {h.project.network.positions[i][0] for i in ("h1", "h2", "o1")}

    def ys() -> set[float]:
        return {h.project.network.positions[i][1] for i in ("h1", "h2", "o1")}

    def copy_first() -> None:
        selection.set(["h1", "h2"])
        h.window.editing.copy()

    def edit_first() -> None:
        h.window.editing.set_parameter("w1", 0.9)

    def undone_first() -> None:
        edit_first()
        h.document.undo_stack.undo()

    def tied_first() -> None:
        selection.set(["w1", "w2"])
        h.window.editing.tie()

    def frozen_first() -> None:
        selection.set(["w1"])
        h.window.editing.set_frozen(True)

    def choose_xor() -> None:
        h.answer(lambda dialog: dialog.open_button.click())

    def is_xor() -> bool:
        return h.project.title == "XOR" and window.focusWidget() is view

    def import_first() -> None:
        table_file = tmp_path / "points.csv"
        table_file.write_text("a,b,y\n" + "0.5,1.5,2.25\n" * 30, encoding="utf-8")
        file_dialogs["open"] = str(table_file)
        h.answer(accept)

    def is_imported() -> bool:
        return h.project.dataset.rows == 30

    def is_tied() -> bool:
        return network().edges["w2"].parameter == "w1"

    def weights_first() -> None:
        weights = tmp_path / "weights.csv"
        weights.write_text("name,value\nw1,0.7\n", encoding="utf-8")
        file_dialogs["open"] = str(weights)
        h.answer(accept)

    begun: list[str] = []

    def begins_with(dialog: QWidget) -> None:
        assert isinstance(dialog, ExportDialog)
        begun[:] = [dialog.entry.name, dialog.entry.group]

    def export_first() -> None:
        begun.clear()
        h.answer(begins_with)

    table: dict[tuple[str, ...], object] = {
        ("File", "New"): (None, lambda: network_of(h) == (0, 0)),
        ("File", "Import weights"): (weights_first, lambda: network().weight("w1") == 0.7),
        ("File", "Export"): (export_first, lambda: bool(begun)),
        **{
            ("File", "Export as", text.replace("&", "").removesuffix("...")): (
                export_first,
                lambda start=start: start in begun,
            )
            for text, start in EXPORTS.values()
        },
        ("File", "New network"): (lambda: h.answer(accept), lambda: h.entries[-1].startswith("New")),
        ("File", "Open"): (
            lambda: file_dialogs.update(open=str(opened)),
            lambda: h.document.path == opened and view.hasFocus(),
        ),
        **dict.fromkeys((("File", "New from data"), ("Data", "New from data")), (choose_xor, is_xor)),
        **dict.fromkeys((("File", "Import data"), ("Data", "Import data")), (import_first, is_imported)),
        ("File", "Save"): (edit_first, lambda: load_project(saved).network.weight("w1") == 0.9),
        ("File", "Save as"): (saved.unlink, saved.exists),
        ("Edit", "Undo"): (edit_first, lambda: network().weight("w1") == 0.15),
        ("Edit", "Redo"): (undone_first, lambda: network().weight("w1") == 0.9),
        ("Edit", "Cut"): (["h1"], lambda: "h1" not in network().neurons),
        ("Edit", "Copy"): (["h1"], lambda: "h1" in QGuiApplication.clipboard().text()),
        ("Edit", "Paste"): (copy_first, lambda: network_of(h)[0] == 8),
        ("Edit", "Duplicate"): (["h1"], lambda: network_of(h)[0] == 7),
        ("Edit", "Delete"): (["w1"], lambda: "w1" not in network().edges),
        ("Edit", "Select all"): (None, lambda: len(selection) == 14),
        ("Edit", "Select none"): (["h1"], lambda: len(selection) == 0),
        ("Edit", "Edit number"): (["w1"], lambda: view.in_place.is_open),
        ("View", "Zoom in"): (lambda: view.zoom_to(1.0), lambda: view.zoom > 1.0),
        ("View", "Zoom out"): (lambda: view.zoom_to(1.0), lambda: view.zoom < 1.0),
        ("View", "100 %"): (lambda: view.zoom_to(0.5), lambda: view.zoom == 1.0),
        ("View", "Fit"): (lambda: view.zoom_to(4.0), lambda: view.zoom < 3.0),
        ("View", "Maps in the neurons"): (None, lambda: window.preferences.shows_maps),
        ("View", "Signs of dead and saturated neurons"): (None, lambda: not window.preferences.shows_health),
        ("View", "Wheel zooms (Ctrl+wheel scrolls)"): (None, lambda: window.preferences.wheel_zooms),
        ("View", "Panels", "Reset panels"): (window.docks["Steps"].hide, window.docks["Steps"].isVisible),
        ("View", "Present"): (None, lambda: end_presenting(h)),
        ("View", "Full screen"): (None, window.isFullScreen),
        ("Network", "Add input neuron"): (None, lambda: "i3" in network().neurons),
        ("Network", "Add hidden neuron"): (None, lambda: "h3" in network().neurons),
        ("Network", "Add output neuron"): (None, lambda: "o3" in network().neurons),
        ("Network", "Add layer"): (lambda: h.answer(accept), lambda: network_of(h)[0] > 6),
        ("Network", "New network"): (lambda: h.answer(accept), lambda: network_of(h) != (6, 8)),
        ("Network", "Connect to the last selected"): (["i1", "i2", "o1"], lambda: network_of(h) == (6, 10)),
        ("Network", "Freeze"): (["w1"], lambda: "w1" in network().frozen),
        ("Network", "Thaw"): (frozen_first, lambda: "w1" not in network().frozen),
        ("Network", "Tie weights"): (["w1", "w2"], is_tied),
        ("Network", "Untie weights"): (tied_first, lambda: not is_tied()),
        ("Network", "Align", "Align left"): (spread, lambda: len(xs()) == 1),
        ("Network", "Align", "Align center"): (spread, lambda: len(xs()) == 1),
        ("Network", "Align", "Align right"): (spread, lambda: xs() == {200.0}),
        ("Network", "Align", "Align top"): (spread, lambda: ys() == {0.0}),
        ("Network", "Align", "Align middle"): (spread, lambda: len(ys()) == 1),
        ("Network", "Align", "Align bottom"): (spread, lambda: len(ys()) == 1),
        ("Network", "Distribute", "Distribute horizontally"): (spread, lambda: h.entries[-1].startswith("Distribute")),
        ("Network", "Distribute", "Distribute vertically"): (spread, lambda: h.entries[-1].startswith("Distribute")),
        ("Network", "Tidy layout"): (spread, lambda: h.entries[-1].startswith("Tidy")),
        ("Data", "Add row"): (None, lambda: h.project.dataset.rows == 2),
        ("Data", "Delete rows"): (None, lambda: h.project.dataset.rows == 0),
        ("Run", "First step"): (at_end, lambda: player.index == 0),
        ("Run", "Step back"): (at_end, lambda: player.index == player.length - 1),
        ("Run", "Step forward"): (None, lambda: player.index == 1),
        ("Run", "Last step"): (None, lambda: player.index == player.length),
        ("Run", "Step back, one size larger"): (at_end, lambda: player.index < player.length),
        ("Run", "Step forward, one size larger"): (None, lambda: player.index >= 1),
        ("Run", "Play or pause"): (None, lambda: player.is_playing),
        ("Run", "Apply update"): (None, lambda: h.project.updates == 1),
        ("Run", "Run one epoch"): (
            None,
            lambda: h.qtbot.waitUntil(lambda: not window.trainer.is_running) or h.project.epoch == 1,
        ),
        ("Run", "Run epochs"): (
            None,
            lambda: h.qtbot.waitUntil(lambda: not window.trainer.is_running) or h.project.updates == 100,
        ),
        ("Run", "Stop"): (
            lambda: start_long_run(h),
            lambda: h.qtbot.waitUntil(lambda: not window.trainer.is_running) or h.project.updates > 0,
        ),
        ("Run", "Reset to the start"): (player.apply_update, lambda: h.project.updates == 0),
        ("Run", "New random weights"): (None, lambda: network().weight("w1") != 0.15),
        ("Help", "Keys and gestures"): (None, lambda: bool(window.findChildren(HelpDialog))),
        ("Help", "About nnviz"): (lambda: h.answer(see_about), lambda: h.questions == ["about"]),
    }
    for mode in LabelMode:
        table["View", "Edge labels", mode.capitalize()] = (None, lambda m=mode: window.preferences.label_mode is m)
    for digits in range(2, 9):
        table["View", "Digits", f"{digits} significant digits"] = (
            None,
            lambda d=digits: window.preferences.digits == d,
        )
    for title, notation in NOTATIONS.items():
        table["View", "Notation", title] = (None, lambda n=notation: window.preferences.notation == n)
    for mode in ("dark", "system", "light"):
        table["View", "Theme", mode.capitalize()] = (None, lambda m=mode: theme().mode == m)
    for size in (*TEXT_SIZES[1:], 1.0):
        table["View", "Text size", f"{round(size * 100)} %"] = (None, lambda s=size: theme().text_scale == s)
    for title, dock in window.docks.items():
        table["View", "Panels", title] = (dock.show, dock.isHidden)
    for role in Role:
        table["Network", "Role", role.capitalize()] = (
            lambda: window.editing.add_neuron("hidden"),
            lambda r=role: network().neurons["h3"].role is r,
        )
    for activation in ACTIVATIONS.values():
        table["Network", "Activation", activation.title] = (
            ["o1"],
            lambda n=activation.name: network().neurons["o1"].activation == n,
        )
    for granularity in Granularity:
        table["Run", "Step size", granularity.capitalize()] = (None, lambda g=granularity: player.granularity is g)
    for shipped in examples():
        table["Learn", shipped.title] = (
            None,
            lambda title=shipped.title: h.project.title == title and view.hasFocus(),
        )
    assert positions
    return table


def test_every_menu_entry_does_what_it_says(hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path) -> None:
    window = hands.window
    table = checks(hands, file_dialogs, tmp_path)
    offered = list(leaves(hands, window.menuBar().actions()))
    assert len(offered) == len(set(offered))
    offered = [path for path in offered if path[1] not in ("Open recent", "Quit")]
    assert set(offered) == set(table)
    for path in offered:
        window.trainer.shutdown()
        window.player.pause()
        hands.document.undo_stack.setClean()
        window.open_example(examples()[0])
        prepare, check = table[path]
        if callable(prepare):
            prepare()
        elif prepare:
            window.selection.set(prepare)
        hands.choose(*path)
        hands.settle()
        hands.activate()
        assert check(), path
        assert hands.notice == "", path
        if path == ("View", "Full screen"):
            hands.choose(*path)
        for dialog in window.findChildren(QDialog):
            dialog.close()
    hands.document.undo_stack.setClean()
    hands.choose("File", "Quit")
    assert not window.isVisible()


def test_every_toolbar_button_works(hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path) -> None:
    window, view = hands.window, hands.view
    file_dialogs.update(open=str(copied(tmp_path)), save=str(tmp_path / "saved.nnviz"))
    for button in window.menus.toolbar.findChildren(QToolButton):
        if button.objectName() != "qt_toolbar_ext_button":
            assert button.isVisible(), button.text()
            assert button.toolTip(), button.text()
            assert button.focusPolicy() is Qt.FocusPolicy.NoFocus

    def click(name: str) -> None:
        hands.click(hands.tool_button(name))
        hands.settle()

    for tool in ("neuron", "connect", "select"):
        click(f"tool_{tool}")
        assert view.tool.name == tool
        assert [n for n in ("select", "neuron", "connect") if window.actions_by_name[f"tool_{n}"].isChecked()] == [tool]
    window.editing.set_parameter("w1", 0.9)
    click("undo")
    assert hands.project.network.weight("w1") == 0.15
    click("redo")
    assert hands.project.network.weight("w1") == 0.9
    click("save")
    assert load_project(tmp_path / "saved.nnviz").network.weight("w1") == 0.9
    view.zoom_to(3.0)
    click("zoom_100")
    assert view.zoom == 1.0
    view.zoom_to(4.0)
    click("fit")
    assert view.zoom < 3.0
    hands.answer(lambda dialog: hands.qtbot.keyClick(dialog, Key.Key_Return))
    click("add_layer")
    assert len(hands.project.network.neurons) > 6
    click("tidy")
    assert hands.entries[-1].startswith("Tidy")
    hands.answer_question(BUTTONS.Discard)
    click("open")
    assert hands.document.path == tmp_path / "mine.nnviz"
    click("new")
    assert not hands.project.network.neurons
    menu = hands.tool_button("tool_neuron").menu()
    assert isinstance(menu, QMenu)
    next(a for a in menu.actions() if a.text() == "Output").trigger()
    assert (view.tool.name, view.role) == ("neuron", Role.OUTPUT)
    for button, word in ((window.menus.labels_button, "Edge labels: "), (window.menus.digits_button, "Digits: ")):
        last = button.menu().actions()[-1]
        last.trigger()
        assert last.isChecked()
        assert button.text() == word + last.text().lower().partition(" ")[0]


def test_the_toolbar_shows_the_tool_in_hand(hands: WindowHands) -> None:
    window, actions = hands.window, hands.window.actions_by_name
    hands.press("N")
    assert actions["tool_neuron"].isChecked()
    hands.press("Esc")
    assert hands.view.tool.name == "select"
    assert actions["tool_select"].isChecked()
    # What is being typed is refused, so the tool stays.
    window.selection.set(["w1"])
    hands.press("F2")
    hands.keys("abc")
    hands.click(hands.tool_button("tool_neuron"))
    assert hands.view.in_place.is_open
    assert hands.view.tool.name == "select"
    assert actions["tool_select"].isChecked()


ALWAYS = {
    "new",
    "open",
    "new_network",
    "save",
    "save_as",
    "forward",
    "run",
    "add_layer",
    "select_all",
    "fit",
    "add_row",
}
ON_NEURON = {"cut", "copy", "duplicate", "delete", "freeze", "thaw", "edit_number", "role_output", "activation_tanh"}
ON_EDGE = {"delete", "freeze", "thaw", "edit_number", "untie"}
ON_MORE = {"connect_selection", "align_left", "distribute_vertical", "tie"}


@pytest.mark.parametrize(
    ("selected", "enabled"),
    [
        ([], set()),
        (["h1"], ON_NEURON),
        (["w1"], ON_EDGE),
        (["w1", "w2"], ON_EDGE | {"tie"}),
        (["h1", "o1"], ON_NEURON | {"connect_selection", "align_left"}),
        (["h1", "h2", "o1"], ON_NEURON | {"connect_selection", "align_left", "distribute_vertical"}),
    ],
)
def test_what_can_be_done_follows_the_selection(hands: WindowHands, selected: list[str], enabled: set[str]) -> None:
    actions = hands.window.actions_by_name
    hands.window.selection.set(selected)
    watched = ON_NEURON | ON_EDGE | ON_MORE
    assert {name for name in watched if actions[name].isEnabled()} == enabled
    assert all(actions[name].isEnabled() for name in ALWAYS)
    assert not any(actions[name].isEnabled() for name in ("undo", "redo", "stop"))


def test_during_a_run_only_looking_and_stopping_are_left(hands: WindowHands) -> None:
    window, actions = hands.window, hands.window.actions_by_name
    window.editing.set_parameter("w1", 0.9)
    window.selection.set(["h1", "w1", "w2"])
    start_long_run(hands)
    held = ALWAYS - {"select_all", "fit"} | ON_NEURON - {"copy"} | {"undo", "redo", "tie", "first", "play", "apply"}
    assert not [name for name in held if actions[name].isEnabled()]
    assert all(actions[name].isEnabled() for name in ("stop", "copy", "zoom_in", "keys", "quit"))
    assert not window.history.isEnabled()
    hands.press("Del", "Right", "U", "Ctrl+Z")
    assert "h1" in hands.project.network.neurons
    hands.press("Ctrl+.")
    hands.qtbot.waitUntil(lambda: not window.trainer.is_running)
    assert window.history.isEnabled()
    assert all(actions[name].isEnabled() for name in ALWAYS | ON_NEURON | {"undo"})
    assert "the loss went from" in window.statusBar().currentMessage()
    hands.press("Ctrl+Z")
    assert hands.project.updates == 0
    assert hands.project.network.weight("w1") == 0.9


# Keys


def test_keys_step(hands: WindowHands) -> None:
    player = hands.player
    hands.press("Right", "Right", "Left")
    assert player.index == 1
    hands.press("Shift+Right")
    assert player.index == player.trace.next_index(1, Granularity.NEURON)  # type: ignore[union-attr]
    hands.press("Shift+Left")
    assert player.index <= 1
    hands.press("End")
    assert player.index == player.length
    hands.press("Home")
    assert player.index == 0
    hands.press("U")
    assert hands.project.updates == 1
    hands.press("R")
    assert (hands.project.updates, player.index) == (0, 0)
    start = dict(hands.project.network.values)
    hands.press("End", "Right")
    assert (hands.project.updates, player.index) == (1, 1)
    hands.press("Left", "Left")
    assert hands.project.updates == 0
    assert hands.project.network.values == start


def test_space_plays_and_any_step_by_hand_pauses(hands: WindowHands, qtbot: QtBot) -> None:
    player, button = hands.player, hands.window.transport.play_button
    player.set_speed(100.0)
    hands.press("Space")
    assert player.is_playing
    assert button.isChecked()
    qtbot.waitUntil(lambda: player.index >= 3)
    hands.press("Space")
    assert not player.is_playing
    assert not button.isChecked()
    for key in ("Right", "Left", "Home", "End", "Shift+Left", "Shift+Right", "U", "R"):
        hands.press("Space")
        assert player.is_playing
        hands.press(key)
        assert not player.is_playing, key


def test_keys_draw_and_undo(hands: WindowHands) -> None:
    project = hands.document
    hands.press("Ctrl+A", "Del")
    assert not project.project.network.neurons
    hands.press("I", "H", "O")
    assert list(project.project.network.neurons) == ["i1", "h1", "o1"]
    hands.window.selection.set(["i1", "h1"])
    hands.press("Ctrl+K")
    assert list(project.project.network.edges) == ["w1"]
    hands.press("Ctrl+Z")
    assert not project.project.network.edges
    hands.press("Ctrl+Y")
    assert project.project.network.edges
    hands.press("Ctrl+Z", "Ctrl+Shift+Z")
    assert project.project.network.edges
    hands.window.selection.set(["h1"])
    hands.press("Ctrl+C", "Ctrl+V", "Ctrl+D")
    assert len(project.project.network.neurons) == 5
    hands.press("Backspace")
    assert len(project.project.network.neurons) == 4
    hands.press("Ctrl+A")
    assert len(hands.window.selection) == 5
    hands.press("Esc")
    assert not len(hands.window.selection)
    hands.window.selection.set(["h1"])
    hands.press("Ctrl+X")
    assert "h1" not in project.project.network.neurons


def test_keys_look(hands: WindowHands) -> None:
    view = hands.view
    hands.press("Ctrl+0")
    assert view.zoom == 1.0
    hands.press("Ctrl++")
    assert view.zoom > 1.0
    hands.press("Ctrl+-", "Ctrl+-")
    assert view.zoom < 1.0
    view.zoom_to(4.0)
    hands.press("F")
    assert view.zoom < 3.0
    for key, tool in (("C", "connect"), ("N", "neuron"), ("V", "select")):
        hands.press(key)
        assert view.tool.name == tool
    hands.press("F11")
    assert hands.window.isFullScreen()
    assert hands.window.actions_by_name["full_screen"].isChecked()
    hands.press("F11")
    assert not hands.window.isFullScreen()
    assert not hands.window.actions_by_name["full_screen"].isChecked()


def test_the_page_of_keys_names_every_plain_key(hands: WindowHands) -> None:
    hands.press("F1")
    (dialog,) = hands.window.findChildren(HelpDialog)
    assert dialog.isVisible()
    hands.click(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close))
    hands.settle()
    words = " ".join(keys for _, rows in KEYS for keys, _ in rows)
    names = {"Right": "→", "Left": "←", "Shift+Right": "→", "Shift+Left": "←", "Ctrl+Shift+R": "Ctrl+R"}
    known = set(words.replace(",", " ").split()) | {"F1"}
    for name, action in hands.window.actions_by_name.items():
        for shortcut in action.shortcuts():
            text = shortcut.toString()
            if "+" not in text:
                assert names.get(text, text) in known, f"{name}: {text}"


TYPED = "rufnicho"


def spy(hands: WindowHands) -> tuple[object, ...]:
    return (hands.document.state, hands.player.index, hands.view.zoom, hands.view.tool.name, hands.window.selection.ids)


def press_everything(hands: WindowHands) -> None:
    hands.keys(TYPED)
    for key in (Key.Key_Left, Key.Key_Right, Key.Key_Home, Key.Key_End, Key.Key_Space, Key.Key_Delete):
        hands.key(key)
    for key in (Key.Key_Left, Key.Key_Right, Key.Key_Home):
        hands.key(key, SHIFT)
    hands.key(Key.Key_Backspace)


def test_keys_do_nothing_else_while_a_number_is_typed_on_the_canvas(hands: WindowHands) -> None:
    hands.window.selection.set(["w1"])
    hands.press("F2")
    before = spy(hands)
    press_everything(hands)
    assert spy(hands) == before
    assert hands.view.in_place.is_open
    hands.press("Esc")
    assert not hands.view.in_place.is_open
    assert hands.window.selection.ids == ["w1"]
    assert hands.view.hasFocus()


def test_keys_do_nothing_else_while_text_is_typed_in_the_inspector(hands: WindowHands) -> None:
    hands.window.selection.set(["w1"])
    hands.settle()
    for field in [f for f in hands.window.inspector.findChildren(QLineEdit) if f.isVisible() and f.isEnabled()]:
        hands.click(field)
        assert field.hasFocus()
        before = spy(hands)
        press_everything(hands)
        assert spy(hands) == before
        hands.press("Esc")
        assert hands.window.selection.ids == ["w1"]
    assert hands.document.state is before[0]
    # Nothing left to give up: Esc is the window's again.
    hands.press("Esc")
    assert hands.window.selection.ids == []


def test_keys_do_nothing_else_in_the_data_table(hands: WindowHands) -> None:
    view = hands.window.data.view
    view.setFocus()
    view.go_to(0, 0)
    before = spy(hands)
    hands.keys("7")
    assert view.is_editing
    press_everything(hands)
    assert spy(hands) == before
    hands.press("Esc")
    assert not view.is_editing
    hands.keys("3,5")
    hands.key(Key.Key_Return)
    assert hands.project.dataset.value(0, "i1") == 3.5
    assert hands.player.index == 0


def test_the_arrows_move_in_the_table_but_space_still_plays(hands: WindowHands) -> None:
    view = hands.window.data.view
    view.setFocus()
    view.go_to(0, 0)
    hands.press("Right")
    assert (view.currentIndex().column(), hands.player.index) == (1, 0)
    hands.press("Space")
    assert hands.player.is_playing


def test_keys_in_spin_boxes_and_lists_to_choose_from(hands: WindowHands) -> None:
    panel = hands.window.training_panel
    panel.epochs_spin.setFocus()
    panel.epochs_spin.selectAll()
    hands.keys("25")
    hands.press("Home", "End", "Left")
    assert hands.player.index == 0
    assert hands.project.settings.epochs == 25
    panel.loss_box.setFocus()
    hands.press("Down")
    assert hands.project.settings.loss != "half_squared_error"
    hands.press("Home")
    assert hands.player.index == 0


def test_left_and_right_step_in_every_list(hands: WindowHands) -> None:
    window = hands.window
    hands.window.editing.set_parameter("w1", 0.9)
    window.docks["History"].raise_()
    for widget in (window.examples_panel.list, window.history):
        assert isinstance(widget, QListView)
        widget.setFocus()
        hands.player.go_to(0)
        hands.press("Right", "Right", "Left")
        assert (hands.player.index, widget.hasFocus()) == (1, True)
    window.docks["Steps"].raise_()
    window.steps.view.setFocus()
    hands.press("Right", "Right", "Left")
    assert hands.player.index == 2
    hands.press("Down")
    assert hands.player.index == 3
    hands.press("U")
    assert hands.project.updates == 1
    hands.press("Space")
    assert hands.player.is_playing


# Examples


def test_a_click_on_an_example_opens_it_and_the_next_key_steps(hands: WindowHands) -> None:
    items = hands.window.examples_panel.list
    for row in (4, 0):
        item = items.item(row)
        items.scrollToItem(item)
        rect = items.visualItemRect(item)
        hands.qtbot.mouseClick(items.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
        assert hands.project.title == item.text()
        assert items.currentItem() is item
        assert hands.view.hasFocus()
        hands.press("Right")
        assert hands.player.index == 1
    items.setFocus()
    hands.press("Down", "Return")
    assert hands.project.title == items.item(1).text()


def test_an_example_that_is_not_opened_is_not_marked(hands: WindowHands) -> None:
    items = hands.window.examples_panel.list
    hands.window.editing.set_parameter("w1", 0.9)
    hands.answer_question(BUTTONS.Cancel)
    hands.qtbot.mouseClick(
        items.viewport(), Qt.MouseButton.LeftButton, pos=items.visualItemRect(items.item(2)).center()
    )
    assert len(hands.questions) == 1
    assert hands.project.network.weight("w1") == 0.9
    assert items.currentRow() == 0


def test_an_empty_canvas_offers_examples_and_a_new_network(hands: WindowHands) -> None:
    hands.press("Ctrl+N")
    assert not hands.project.network.neurons
    assert hands.view.hasFocus()
    hands.window.docks["Examples"].hide()
    hands.settle()
    hands.click(hands.view.overlay.examples_button)
    assert hands.window.docks["Examples"].isVisible()
    assert hands.window.examples_panel.list.hasFocus()

    def type_sizes(dialog: QWidget) -> None:
        line = dialog.sizes_field  # type: ignore[attr-defined]
        line.selectAll()
        hands.qtbot.keyClicks(line, "2-3-1")
        hands.qtbot.keyClick(line, Key.Key_Return)

    hands.answer(type_sizes)
    hands.click(hands.view.overlay.new_network_button)
    hands.activate()
    assert hands.window.counts_label.text() == "6 neurons, 9 edges, 13 parameters"
    assert hands.view.hasFocus()


# Files


def test_title_modified_and_status_follow_the_file(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path
) -> None:
    window = hands.window
    path = tmp_path / "drawn"
    hands.press("Ctrl+S")  # and Cancel
    assert hands.document.path is None
    file_dialogs["save"] = str(path)
    hands.press("Ctrl+S")
    assert hands.document.path == path.with_suffix(".nnviz")
    assert window.windowTitle() == "drawn.nnviz[*] – nnviz"
    assert window.state_label.text().startswith("saved · update 0")
    assert window.statusBar().currentMessage() == f"Saved to {path.with_suffix('.nnviz')}."
    hands.press("U")
    assert window.isWindowModified()
    assert window.state_label.text().startswith("modified · update 1")
    hands.press("Ctrl+S")
    assert not window.isWindowModified()
    assert load_project(path.with_suffix(".nnviz")).updates == 1
    hands.press("Ctrl+Z")
    assert window.isWindowModified()
    hands.press("Ctrl+Y")
    assert not window.isWindowModified()
    file_dialogs["save"] = str(tmp_path / "other.nnviz")
    hands.press("Ctrl+Shift+S")
    assert window.windowTitle().startswith("other.nnviz")


def test_recent_files(hands: WindowHands, tmp_path: Path) -> None:
    menu = hands.window.menus.recent_menu
    assert not menu.isEnabled()
    paths = [copied(tmp_path, to=f"{k}.nnviz") for k in range(10)]
    odd = copied(tmp_path, "and", "you & me.nnviz")
    for path in (*paths, odd):
        assert hands.window.open_path(path)
    assert "you && me" in menu.actions()[0].text()
    assert len(menu.actions()) == 8
    menu.actions()[3].trigger()
    hands.settle()
    assert hands.document.path == paths[7]
    assert menu.actions()[0].text() == str(paths[7])
    paths[7].unlink()
    hands.window.open_path(odd)
    assert str(paths[7]) not in [a.text() for a in menu.actions()]


def test_a_bad_file_leaves_everything_as_it_was(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.nnviz"
    bad.write_text("{", encoding="utf-8")
    hands.window.editing.set_parameter("w1", 0.9)
    state = hands.document.state
    file_dialogs["open"] = str(bad)
    for use in (
        lambda: hands.press("Ctrl+O"),
        lambda: hands.window.open_path(bad),
        lambda: hands.drag(bad),
    ):
        hands.window.notice.hide()
        use()
        assert hands.document.state is state
        assert hands.document.path is None
        assert hands.notice.startswith("bad.nnviz: ")
        assert "\n" not in hands.notice
    assert hands.questions == []
    hands.press("Right")
    assert hands.notice == ""


def test_a_file_that_cannot_be_written_is_one_sentence(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path
) -> None:
    file_dialogs["save"] = str(tmp_path / "nowhere" / "x.nnviz")
    hands.window.editing.set_parameter("w1", 0.9)
    hands.press("Ctrl+S")
    assert hands.notice
    assert hands.window.isWindowModified()
    close = hands.window.notice.findChild(QToolButton)
    hands.click(close)
    assert hands.notice == ""


def test_a_dropped_file_is_opened(hands: WindowHands, tmp_path: Path) -> None:
    path = copied(tmp_path)
    assert hands.drag(path)
    assert hands.document.path == path
    assert hands.view.hasFocus()


def test_what_cannot_be_dropped_is_said_or_refused(hands: WindowHands, tmp_path: Path) -> None:
    image, first, second = tmp_path / "x.png", copied(tmp_path), copied(tmp_path, to="second.nnviz")
    image.write_bytes(b"x")
    remedy = (
        "drop one .nnviz file to open it, or one table (.csv, .tsv, .txt) or file of weights "
        "(.npz, .safetensors, .json, .onnx) to import it."
    )
    hands.drag(image)
    assert hands.notice == f"x.png: {remedy}"
    hands.drag(first, second)
    assert hands.notice == f"mine.nnviz, second.nnviz: {remedy}"
    assert hands.document.path is None
    assert not hands.drag(drop=False)


def test_a_dropped_or_pasted_table_becomes_the_data(hands: WindowHands, tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("a;b;y\n" + "0,5;1,5;2,25\n" * 12, encoding="utf-8")
    hands.answer(lambda dialog: dialog.accept())
    hands.drag(table)
    hands.settle()
    assert hands.project.dataset.rows == 12
    assert hands.project.dataset.columns["a"][0] == 0.5
    hands.document.undo_stack.setClean()
    hands.choose("File", "New")
    QGuiApplication.clipboard().setText("a\tb\ty\n" + "1\t2\t3\n" * 7)
    hands.answer(lambda dialog: dialog.accept())
    hands.press("Ctrl+V")
    hands.settle()
    assert hands.project.dataset.rows == 7


def test_dropped_weights_become_the_network_s(hands: WindowHands, tmp_path: Path) -> None:
    weights = tmp_path / "w.json"
    weights.write_text('{"parameters": {"w1": 0.75}}', encoding="utf-8")
    hands.answer(lambda dialog: dialog.accept())
    hands.drag(weights)
    hands.settle()
    assert hands.project.network.values["w1"] == 0.75
    hands.choose("Edit", "Undo")
    assert hands.project.network.values["w1"] == 0.15


# Unsaved work


def test_closing_asks_about_unsaved_work(hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path) -> None:
    window = hands.window
    window.editing.set_parameter("w1", 0.9)
    hands.answer_question(BUTTONS.Cancel)
    assert not window.close()
    # Save, but no name is given: nothing is lost.
    hands.answer_question(BUTTONS.Save)
    assert not window.close()
    assert window.isVisible()
    path = tmp_path / "kept.nnviz"
    file_dialogs["save"] = str(path)
    hands.answer_question(BUTTONS.Save)
    assert window.close()
    assert load_project(path).network.weight("w1") == 0.9
    assert hands.questions == ["This project has changes that are not saved."] * 3


def test_closing_may_discard(hands: WindowHands, tmp_path: Path) -> None:
    path = copied(tmp_path)
    hands.window.open_path(path)
    before = path.read_bytes()
    hands.press("U")
    hands.answer_question(BUTTONS.Discard)
    assert hands.window.close()
    assert hands.questions == ["mine.nnviz has changes that are not saved."]
    assert path.read_bytes() == before


@pytest.mark.parametrize("use", ["new", "open", "learn", "drop", "recent"])
def test_another_project_asks_about_unsaved_work(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path, use: str
) -> None:
    path = copied(tmp_path)
    hands.window.open_path(path)
    hands.window.open_example(examples()[0])
    hands.window.editing.set_parameter("w1", 0.9)
    file_dialogs["open"] = str(path)

    def act() -> None:
        match use:
            case "new":
                hands.press("Ctrl+N")
            case "open":
                hands.press("Ctrl+O")
            case "learn":
                hands.choose("Learn", examples()[2].title)
            case "drop":
                hands.drag(path)
            case _:
                hands.window.menus.recent_menu.actions()[0].trigger()
        hands.settle()

    state = hands.document.state
    hands.answer_question(BUTTONS.Cancel)
    act()
    assert hands.document.state is state
    hands.answer_question(BUTTONS.Discard)
    act()
    assert hands.document.state is not state
    assert len(hands.questions) == 2


# What is being typed is not lost


@pytest.mark.parametrize("place", ["canvas", "inspector", "table", "learning rate", "spin box"])
def test_saving_takes_over_what_is_being_typed(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path, place: str
) -> None:
    window = hands.window
    file_dialogs["save"] = str(tmp_path / "x.nnviz")
    window.selection.set(["w1"])
    hands.settle()
    match place:
        case "canvas":
            hands.press("F2")
        case "inspector":
            weight = next(f for f in window.inspector.findChildren(QLineEdit) if f.isVisible() and f.text() == "0.15")
            weight.setFocus()
            weight.selectAll()
        case "table":
            window.data.view.setFocus()
            window.data.view.go_to(0, 0)
        case "learning rate":
            window.training_panel.rate_field.setFocus()
            window.training_panel.rate_field.selectAll()
        case _:
            window.training_panel.seed_spin.setFocus()
            window.training_panel.seed_spin.selectAll()
    hands.keys("25")
    hands.press("Ctrl+S")
    project = load_project(tmp_path / "x.nnviz")
    found = {
        "canvas": project.network.weight("w1"),
        "inspector": project.network.weight("w1"),
        "table": project.dataset.value(0, "i1"),
        "learning rate": project.settings.learning_rate,
        "spin box": project.settings.seed,
    }[place]
    assert found == 25
    assert not window.isWindowModified()


@pytest.mark.parametrize("place", ["canvas", "inspector", "table"])
def test_what_is_no_number_is_not_saved(
    hands: WindowHands, file_dialogs: dict[str, str], tmp_path: Path, place: str
) -> None:
    window = hands.window
    path = tmp_path / "x.nnviz"
    file_dialogs["save"] = str(path)
    window.selection.set(["w1"])
    hands.settle()
    if place == "canvas":
        hands.press("F2")
    elif place == "inspector":
        weight = next(f for f in window.inspector.findChildren(QLineEdit) if f.isVisible() and f.text() == "0.15")
        weight.setFocus()
        weight.selectAll()
    else:
        window.data.view.setFocus()
        window.data.view.go_to(0, 0)
        hands.keys("1")
    hands.keys("1x")
    line = hands.focused_line()
    hands.press("Ctrl+S")
    assert not path.exists()
    assert line.hasFocus()
    assert line.property("invalid")
    hands.press("Esc")
    hands.press("Ctrl+S")
    assert path.exists()


def test_opening_and_closing_ask_about_what_is_being_typed(hands: WindowHands) -> None:
    hands.window.selection.set(["w1"])
    hands.press("F2")
    hands.keys("0.77")
    hands.answer_question(BUTTONS.Cancel)
    hands.press("Ctrl+N")
    assert len(hands.questions) == 1
    assert hands.project.network.weight("w1") == 0.77


# Runs


@pytest.mark.parametrize("way", ["example", "file", "close"])
def test_a_run_ends_when_the_project_goes(hands: WindowHands, tmp_path: Path, way: str) -> None:
    window = hands.window
    path = copied(tmp_path)
    start_long_run(hands)
    hands.answer_question(BUTTONS.Cancel)
    match way:
        case "example":
            window.open_example(examples()[3])
        case "file":
            window.open_path(path)
        case _:
            assert not window.close()
    assert len(hands.questions) == 1
    assert not window.trainer.is_running
    assert hands.document.busy == ""
    # What was learned is kept, as one entry.
    assert len(hands.entries) == 1
    assert hands.entries[0].startswith("Run ")
    assert hands.project.updates > 0
    hands.press("Ctrl+Z")
    assert (hands.project.updates, hands.project.network.weight("w1")) == (0, 0.15)


def test_ctrl_r_runs_the_chosen_epochs(hands: WindowHands, qtbot: QtBot) -> None:
    window = hands.window
    with qtbot.waitSignal(window.trainer.finished):
        hands.press("Ctrl+R")
    assert hands.project.updates == hands.project.settings.epochs
    assert hands.entries == [f"Run {hands.project.settings.epochs} epochs"]
    assert f"update {hands.project.updates}" in window.state_label.text()


def test_a_run_that_cannot_begin_says_why(hands: WindowHands) -> None:
    hands.press("Ctrl+N", "I", "Ctrl+R")
    assert hands.notice == "Training needs an output neuron and a training row of data with its target."
    hands.press("H")
    assert hands.notice == ""


# History and panels


def test_the_history_shows_and_goes_to_every_change(hands: WindowHands) -> None:
    window = hands.window
    window.editing.set_parameter("w1", 0.9)
    hands.press("U")
    window.docks["History"].raise_()
    hands.settle()
    model = window.history.model()
    rows = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert rows == ["As opened", "Set w1 to 0.9", "Update 1"]

    def click(row: int) -> None:
        rect = window.history.visualRect(model.index(row, 0))
        hands.qtbot.mouseClick(window.history.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())

    click(0)
    assert hands.project.network.weight("w1") == 0.15
    click(2)
    assert (hands.project.updates, window.actions_by_name["redo"].isEnabled()) == (1, False)


def test_selecting_raises_the_inspector(hands: WindowHands) -> None:
    docks = hands.window.docks
    hands.click_item(PartKind.WEIGHT, "w1")
    hands.settle()
    assert hands.window.selection.ids == ["w1"]
    assert not docks["Inspector"].visibleRegion().isEmpty()
    hands.press("Right")
    assert hands.player.index == 1


def test_panels_are_closed_and_put_back(hands: WindowHands) -> None:
    window, docks = hands.window, hands.window.docks
    at_first = {title: (window.dockWidgetArea(dock), dock.isHidden()) for title, dock in docks.items()}
    for title in ("Examples", "Explain", "Loss"):
        hands.choose("View", "Panels", title)
        assert docks[title].isHidden()
        assert not hands.entry("View", "Panels", title).isChecked()
    docks["Data"].setFloating(True)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["Steps"])
    hands.choose("View", "Panels", "Reset panels")
    hands.settle()
    assert {title: (window.dockWidgetArea(dock), dock.isHidden()) for title, dock in docks.items()} == at_first
    assert not docks["Data"].isFloating()
    assert set(window.tabifiedDockWidgets(docks["Steps"])) == {
        docks[title] for title in ("Inspector", "Inside", "History")
    }


def test_the_next_window_looks_as_the_last_one_did(hands: WindowHands, make_window: Callable[[], WindowHands]) -> None:
    hands.choose("View", "Panels", "Loss")
    hands.choose("View", "Digits", "6 significant digits")
    hands.choose("View", "Edge labels", "Gradient")
    assert hands.window.close()
    again = make_window().window
    assert again.docks["Loss"].isHidden()
    assert not again.docks["Data"].isHidden()
    assert (again.preferences.digits, again.preferences.label_mode) == (6, LabelMode.GRADIENT)
    assert again.menus.digits_button.text() == "Digits: 6"


def test_theme_and_text_size(hands: WindowHands) -> None:
    hands.choose("View", "Theme", "Dark")
    assert theme().palette.color("window").lightness() < 100
    assert hands.entry("View", "Theme", "Dark").isChecked()
    small = hands.window.menus.toolbar.iconSize().width()
    hands.choose("View", "Text size", "200 %")
    hands.settle()
    assert hands.window.menus.toolbar.iconSize().width() > small
    assert hands.entry("View", "Text size", "200 %").isChecked()
    assert not hands.window.grab().isNull()
    hands.choose("View", "Text size", "100 %")
    assert hands.window.menus.toolbar.iconSize().width() == small


def test_step_size_is_the_same_in_menu_and_transport(hands: WindowHands) -> None:
    hands.choose("Run", "Step size", "Layer")
    assert hands.window.transport.granularity_box.currentText() == "by layer"
    hands.player.set_granularity(Granularity.PASS)
    assert hands.entry("Run", "Step size", "Pass").isChecked()
    hands.press("Right")
    trace = hands.player.trace
    assert trace is not None
    assert hands.player.index == trace.index_of(Quantity(Kind.LOSS)) + 1


def test_what_the_canvas_refuses_is_in_the_status_line_too(hands: WindowHands) -> None:
    hands.window.selection.set(["o1", "h1"])
    hands.press("Ctrl+K")
    assert "cycle" in hands.window.statusBar().currentMessage()


def test_two_windows_do_not_disturb_each_other_s_keys(
    hands: WindowHands, make_window: Callable[[], WindowHands]
) -> None:
    other = make_window()
    assert other.window.close()
    hands.window.activateWindow()
    hands.qtbot.waitUntil(hands.window.isActiveWindow)
    hands.window.examples_panel.list.setFocus()
    hands.press("Right")
    assert hands.player.index == 1
    # Nothing of the closed window hears of a change of the theme any more.
    other.window.deleteLater()
    theme().set_mode("dark")
