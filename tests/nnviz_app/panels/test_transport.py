"""The transport bar: buttons, slider, sizes and the caption, used as hands do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.project import Project
from core.quantities import Granularity, Phase
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.panels import transport
from nnviz_app.panels.caption import Caption
from nnviz_app.panels.transport import TransportBar
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences

LEFT = Qt.MouseButton.LeftButton


def project_of(rows: int = 2, **settings: object) -> Project:
    """A 2-2-1 network."""
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    for name in ("h1", "h2"):
        network.add_neuron("hidden", id=name, activation="sigmoid", bias=0.35)
    network.add_neuron("output", id="o1", activation="sigmoid", bias=0.6)
    weights = iter([0.15, -0.2, 0.25, 0.3, 0.4, -0.45])
    connect_all(network, ["i1", "i2"], ["h1", "h2"], lambda: next(weights))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: next(weights))
    columns = {name: np.linspace(0.05, 0.9, rows) for name in ("i1", "i2", "o1")}
    return Project(network, Dataset(columns), Settings(**settings))


@pytest.fixture
def bar(qtbot: QtBot) -> TransportBar:
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    bar = TransportBar(document, player, Preferences(document))
    document.setParent(bar)
    qtbot.addWidget(bar)
    bar.resize(900, bar.sizeHint().height())
    bar.show()
    qtbot.waitExposed(bar)
    return bar


def click_slider(bar: TransportBar, qtbot: QtBot, index: int) -> None:
    place = QPoint(round(bar.slider.x_of(index)), bar.slider.height() // 2)
    qtbot.mouseClick(bar.slider, LEFT, pos=place)


def test_the_buttons_step(bar: TransportBar, qtbot: QtBot) -> None:
    player = bar.player
    assert not bar.back_button.isEnabled()
    assert not bar.first_button.isEnabled()
    for index in (1, 2, 3):
        qtbot.mouseClick(bar.forward_button, LEFT)
        assert player.index == index
    assert bar.position_label.text() == f"3 of {player.length}"
    qtbot.mouseClick(bar.back_button, LEFT)
    assert player.index == 2
    qtbot.mouseClick(bar.last_button, LEFT)
    assert player.index == player.length
    assert not bar.last_button.isEnabled()
    qtbot.mouseClick(bar.first_button, LEFT)
    assert player.index == 0


def test_forward_at_the_end_applies_the_update_and_back_takes_it_back(bar: TransportBar, qtbot: QtBot) -> None:
    before = dict(bar.document.project.network.values)
    qtbot.mouseClick(bar.last_button, LEFT)
    assert "press → to apply the update and go on with row 2" in bar.caption.text()
    qtbot.mouseClick(bar.forward_button, LEFT)
    assert (bar.document.project.updates, bar.player.row, bar.player.index) == (1, 1, 1)
    qtbot.mouseClick(bar.first_button, LEFT)
    assert bar.back_button.isEnabled()
    qtbot.mouseClick(bar.back_button, LEFT)
    assert bar.document.project.updates == 0
    assert bar.document.project.network.values == before


def test_clicks_leave_the_keyboard_where_it_was(bar: TransportBar, qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    layout, other = QVBoxLayout(holder), QLineEdit()
    layout.addWidget(other)
    layout.addWidget(bar)
    holder.show()
    holder.activateWindow()
    qtbot.waitUntil(holder.isActiveWindow)
    other.setFocus()
    for button in (*bar.buttons, bar.play_button):
        qtbot.mouseClick(button, LEFT)
    click_slider(bar, qtbot, 5)
    assert QApplication.focusWidget() is other
    # With Tab they can be reached all the same.
    for widget in (*bar.buttons, bar.slider, bar.granularity_box, bar.speed_box):
        assert widget.focusPolicy() == Qt.FocusPolicy.TabFocus
    bar.setParent(None)


def test_the_slider_goes_anywhere(bar: TransportBar, qtbot: QtBot) -> None:
    for index in (7, 1, bar.player.length, 0, 12):
        click_slider(bar, qtbot, index)
        assert bar.player.index == index
    # Dragged beyond its ends it stays there.
    middle = bar.slider.height() // 2
    qtbot.mousePress(bar.slider, LEFT, pos=QPoint(round(bar.slider.x_of(12)), middle))
    qtbot.mouseMove(bar.slider, QPoint(5000, middle))
    assert bar.player.index == bar.player.length
    qtbot.mouseMove(bar.slider, QPoint(round(bar.slider.x_of(3)), middle))
    qtbot.mouseRelease(bar.slider, LEFT)
    assert bar.player.index == 3
    qtbot.mouseMove(bar.slider, QPoint(round(bar.slider.x_of(9)), middle))
    assert bar.player.index == 3
    assert bar.slider.toolTip() == "Step 9: forward"


def test_the_sliders_hues_are_those_of_the_phases(bar: TransportBar) -> None:
    trace = bar.player.trace
    assert trace is not None
    for first, last, hue in bar.slider.phases():
        for index in (first, last - 1):
            forward = trace[index].phase in (Phase.FORWARD, Phase.LOSS)
            assert hue == ("forward" if forward else "backward")
    parts = bar.slider.phases()
    assert parts[0][0] == 0
    assert parts[-1][1] == len(trace)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(parts))


def test_a_trace_of_a_million_steps(bar: TransportBar, qtbot: QtBot) -> None:
    bar.document.open_project(project_of(rows=40_000, batch_size=0))
    length = bar.player.length
    assert length > 1_000_000
    assert len(bar.slider.phases()) == 2
    bar.slider.repaint()
    click_slider(bar, qtbot, length // 2)
    assert abs(bar.player.index - length // 2) < length / 200
    assert bar.position_label.text() == f"{bar.player.index:,} of {length:,}"
    assert bar.position_label.width() >= bar.position_label.sizeHint().width()


def test_play_and_pause(bar: TransportBar, qtbot: QtBot) -> None:
    bar.player.set_speed(200.0)
    qtbot.mouseClick(bar.play_button, LEFT)
    assert bar.player.is_playing
    assert bar.play_button.isChecked()
    assert bar.play_button.accessibleName() == "Pause"
    qtbot.waitUntil(lambda: bar.player.index > 3)
    qtbot.mouseClick(bar.play_button, LEFT)
    assert not bar.player.is_playing
    assert not bar.play_button.isChecked()
    assert bar.play_button.accessibleName() == "Play"
    # A step by hand ends playing.
    bar.toggle_play()
    qtbot.mouseClick(bar.back_button, LEFT)
    assert not bar.player.is_playing


def test_the_size_of_a_step(bar: TransportBar, qtbot: QtBot) -> None:
    box = bar.granularity_box
    assert [box.itemText(place) for place in range(box.count())] == [f"by {size}" for size in Granularity]
    box.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert bar.player.granularity is Granularity.NEURON
    qtbot.mouseClick(bar.forward_button, LEFT)
    bar.forward_larger()
    assert bar.player.trace is not None
    assert bar.player.index in bar.player.trace.boundaries(Granularity.LAYER)
    bar.back_larger()
    assert bar.player.index == 0
    bar.player.set_granularity(Granularity.EPOCH)
    assert box.currentText() == "by epoch"


def test_the_speed(bar: TransportBar, qtbot: QtBot) -> None:
    box = bar.speed_box
    assert box.currentText() == "2 / s"
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert bar.player.speed == 16.0
    qtbot.keyClick(box, Qt.Key.Key_Home)
    assert bar.player.speed == 0.5


def test_the_caption_says_the_step_in_words_and_numbers(bar: TransportBar, qtbot: QtBot) -> None:
    assert bar.caption.text() == transport.HINT_START
    trace = bar.player.trace
    assert trace is not None
    for index in range(1, len(trace)):
        bar.player.go_to(index)
        assert bar.caption.words.endswith(":")
        assert bar.caption.numbers
        assert bar.caption.toolTip() == f"{bar.caption.words}\n{bar.caption.numbers}"
        forward = trace[index - 1].phase in (Phase.FORWARD, Phase.LOSS)
        assert bar.caption.hue == ("forward" if forward else "backward")
    bar.player.go_to(3)
    short = bar.caption.numbers
    bar.preferences.set_digits(8)
    bar.player.go_to(9)
    assert bar.caption.numbers != short


def test_what_the_caption_says_where_there_is_nothing_to_step(bar: TransportBar) -> None:
    bar.document.open_project(Project())
    assert bar.caption.text() == transport.HINT_EMPTY
    assert not any(button.isEnabled() for button in bar.buttons)
    project = project_of()
    bar.document.open_project(project)
    with bar.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows([0, 1])
    assert bar.caption.text() == transport.HINT_NO_ROW
    bar.document.open_project(project_of())
    with bar.document.edit("Set role") as draft:
        draft.network.set_role("o1", "hidden")
    bar.last()
    assert transport.HINT_NO_OUTPUT in bar.caption.text()
    bar.document.open_project(project_of())
    with bar.document.edit("Freeze") as draft:
        for name in draft.network.values:
            draft.network.set_frozen(name)
    bar.last()
    assert "every parameter is frozen" in bar.caption.text()


def test_where_the_next_update_goes_on(bar: TransportBar) -> None:
    for rows, size, text in ((1, 1, "row 1 once more"), (5, 2, "rows 3 to 4"), (5, 4, "row 5"), (4, 0, "rows 1 to 4")):
        bar.document.open_project(project_of(rows=rows, batch_size=size))
        bar.last()
        assert f"go on with {text}." in bar.caption.text()


def test_while_the_player_is_locked_nothing_can_be_pressed(bar: TransportBar) -> None:
    bar.player.go_to(5)
    bar.player.lock(True)
    bar.refresh()
    assert not any(button.isEnabled() for button in bar.buttons)
    assert not bar.slider.isEnabled()
    assert bar.caption.text() == transport.HINT_RUNNING
    bar.first()
    bar.last()
    assert bar.player.index == 5


def test_a_change_of_settings_shows_at_once(bar: TransportBar) -> None:
    with bar.document.edit("Batch") as draft:
        draft.settings = replace(draft.settings, batch_size=2)
    assert bar.position_label.text() == f"0 of {bar.player.length}"
    assert bar.slider.maximum() == bar.player.length


@pytest.mark.parametrize("width", [120, 300, 480, 640, 900, 2000])
def test_the_caption_never_needs_more_than_its_two_lines(qtbot: QtBot, width: int) -> None:
    caption = Caption()
    qtbot.addWidget(caption)
    for words, numbers, after in (
        ("The weight w5 times the activation of h1", "0.4 × 0.5933 = 0.2373", ()),
        ("The pre-activation of o1: the 40 products that arrive there, plus its bias", "0.1 + " * 40 + " = 4.1", ()),
        ("The new w8: the old one minus the rate times its gradient", "0.55 = 0.5614", ("All done: press →.", "→")),
        (transport.HINT_NO_OUTPUT, "", ()),
        (transport.HINT_START, "", ()),
    ):
        caption.show_text(words, numbers, after=after)
        lines = caption.lines(width)
        assert 1 <= len(lines) <= 2
        for pieces in lines:
            needed = sum(caption._width(text, style) for text, style in pieces) + caption._gap() * (len(pieces) - 1)
            assert needed <= width + 1 or any("…" in text for text, _ in pieces)
        if numbers and width >= 300:
            shown = next(text for pieces in lines for text, style in pieces if style == "numbers")
            assert shown.endswith(numbers[-5:])


def test_the_caption_keeps_its_height(bar: TransportBar) -> None:
    height = bar.caption.sizeHint().height()
    bar.player.go_to(bar.player.length)
    assert bar.caption.sizeHint().height() == height
