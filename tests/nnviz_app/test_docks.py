"""Where the panels stand at first, and what becomes of them when the window is narrow or the text large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.docks import AREAS, LOWEST, NARROW, NARROW_PILES, Docks, DockTitle
from nnviz_app.theme import theme


class Window(QMainWindow):
    """A window with all docks; `docks` like the real one's."""

    def __init__(self) -> None:
        super().__init__()
        self.setCentralWidget(QWidget())
        self.docks = Docks(self, {title: QLabel(title) for title in AREAS})


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot) -> Iterator[Window]:
    theme().set_text_scale(1.0)
    theme().apply(qapp)
    made = Window()
    qtbot.addWidget(made)
    made.resize(1440, 900)
    made.show()
    made.docks.resize()
    yield made
    theme().set_text_scale(1.0)


def shown(window: Window) -> set[str]:
    return {title for title, dock in window.docks.items() if not dock.isHidden()}


def test_all_panels_are_there_and_the_canvas_has_most_of_the_room(window: Window) -> None:
    assert shown(window) == set(AREAS)
    assert window.centralWidget().width() > window.width() / 2
    assert window.centralWidget().height() > window.height() / 2


def test_with_large_text_the_panels_share_the_right_side(window: Window) -> None:
    theme().set_text_scale(2.0)
    assert window.docks.is_narrow
    assert shown(window) == {title for pile in NARROW_PILES for title in pile}
    assert len(window.tabifiedDockWidgets(window.docks["Explain"])) == len(NARROW_PILES[0]) - 1
    assert (window.width(), window.height()) == (1440, 900)
    assert window.centralWidget().width() > window.width() / 2
    theme().set_text_scale(1.0)
    assert not window.docks.is_narrow
    assert shown(window) == set(AREAS)


def test_a_change_of_colours_moves_no_panel(window: Window) -> None:
    window.docks["Loss"].hide()
    theme().changed.emit()
    assert window.docks["Loss"].isHidden()


def test_the_panels_come_back_from_wherever_they_are(window: Window) -> None:
    window.docks["Explain"].setFloating(True)
    window.docks["Data"].close()
    window.docks.arrange()
    assert not window.docks["Explain"].isFloating()
    assert shown(window) == set(AREAS)


def test_a_narrow_window(window: Window) -> None:
    window.resize(round(NARROW * theme().em) - 20, 700)
    window.docks.resize()
    assert window.docks.is_narrow


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_in_a_narrow_window_what_is_opened_joins_the_piles(window: Window, scale: float) -> None:
    theme().set_text_scale(scale)
    window.resize(1280, 720)
    window.docks.resize()
    assert window.docks.is_low is (LOWEST * theme().em > 720)
    size, canvas = window.size(), window.centralWidget().height()
    for title in AREAS.keys() - shown(window):
        window.docks[title].show()
        assert window.tabifiedDockWidgets(window.docks[title])
    QApplication.processEvents()
    assert window.size() == size
    assert window.centralWidget().height() == pytest.approx(canvas, abs=2)


def test_in_a_low_window_there_is_one_pile(window: Window) -> None:
    theme().set_text_scale(2.0)
    window.resize(1280, 720)
    window.docks.resize()
    assert len(window.tabifiedDockWidgets(window.docks["Explain"])) == sum(map(len, NARROW_PILES)) - 1


def test_a_caption_and_its_explanation_are_in_sight_together(window: Window) -> None:
    docks = window.docks
    theme().set_text_scale(1.5)
    docks.give_room("Walkthrough")
    assert docks.would_hide("Inspector", "Walkthrough")
    assert not docks.would_hide("Explain", "Walkthrough")
    docks["Inspector"].raise_()
    QApplication.processEvents()
    # What is behind already cannot be hidden.
    assert not docks.would_hide("Steps", "Walkthrough")


def test_the_title_has_buttons_that_grow_with_the_text(window: Window) -> None:
    dock = window.docks["Steps"]
    title = dock.titleBarWidget()
    assert isinstance(title, DockTitle)
    former = title.close_button.iconSize().width()
    theme().set_text_scale(2.0)
    assert title.close_button.iconSize().width() == pytest.approx(2 * former, abs=2)
    title.float_button.click()
    assert dock.isFloating()
    title.float_button.click()
    assert not dock.isFloating()
    title.close_button.click()
    assert dock.isHidden()
