"""Icons: all load, are tinted by the theme and follow it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QColor, QIcon, QImage
from PySide6.QtWidgets import QApplication, QPushButton, QToolBar
from pytestqt.qtbot import QtBot

from nnviz_app.assets import APP_ICON, app_icon, icon, icon_names, icon_pixmap, themed_icon
from nnviz_app.theme import theme, tinted_svg

WANTED = """new open save undo redo select neuron connect fit zoom-in zoom-out first back forward last play
pause update reset dice run stop add-row delete-row add-layer align-left align-center align-top
align-middle distribute-horizontal distribute-vertical tidy copy paste delete lock unlock data chart help
warning info nnviz"""


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    yield
    theme().set_mode("light")
    theme().set_text_scale(1.0)


def inked(image: QImage) -> list[QColor]:
    """Return the colours of the pixels that are covered fully."""
    colors = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return [color for color in colors if color.alpha() == 255]


def test_all_wanted_icons_are_there() -> None:
    assert set(WANTED.split()) <= set(icon_names())


@pytest.mark.parametrize("name", icon_names())
def test_icon_is_drawn(name: str) -> None:
    image = icon_pixmap(name, QColor("#FF0000"), 48).toImage()
    ink = inked(image)
    assert ink
    if name != APP_ICON:
        assert all(color.red() > 250 and color.green() < 5 for color in ink)
        border = [image.pixelColor(x, y).alpha() for x in range(48) for y in (0, 47)]
        assert max(border) < 255  # nothing reaches the edge, where it would look cut off


@pytest.mark.parametrize("name", icon_names())
def test_icons_share_one_style(name: str) -> None:
    svg = tinted_svg(name, QColor("#123456")).decode()
    assert "currentColor" not in svg
    if name != APP_ICON:
        assert 'viewBox="0 0 24 24"' in svg
        assert 'stroke="#123456"' in svg
        assert 'stroke-linecap="round"' in svg


def test_unknown_icon_is_refused(qtbot: QtBot) -> None:
    with pytest.raises(KeyError, match="no-such-icon"):
        icon("no-such-icon")
    button = QPushButton()
    qtbot.addWidget(button)
    with pytest.raises(KeyError):
        themed_icon(button, "no-such-icon")
    assert button.icon().isNull()


def test_states_have_their_colors() -> None:
    stop = icon("stop")
    size = QSize(24, 24)
    for mode, state, color in (
        (QIcon.Mode.Normal, QIcon.State.Off, theme().palette.text),
        (QIcon.Mode.Normal, QIcon.State.On, theme().palette.accent),
        (QIcon.Mode.Disabled, QIcon.State.Off, theme().palette.disabled_text),
    ):
        assert stop.pixmap(size, 1.0, mode, state).toImage().pixelColor(12, 12) == color


def test_icons_are_cached() -> None:
    assert icon("save").cacheKey() == icon("save").cacheKey()


def test_pixmap_is_sharp_on_dense_screens() -> None:
    pixmap = icon_pixmap("save", QColor("black"), 20, 2.0)
    assert pixmap.width() == 40
    assert pixmap.deviceIndependentSize().width() == 20


def test_app_icon_has_many_sizes_and_colors() -> None:
    assert QSize(256, 256) in app_icon().availableSizes()
    colors = {color.name() for color in inked(app_icon().pixmap(64, 64).toImage())}
    assert len(colors) > 10


def center_color(action: QAction) -> QColor:
    return action.icon().pixmap(QSize(24, 24), 1.0).toImage().pixelColor(12, 12)


def test_themed_icon_follows_the_theme(qtbot: QtBot) -> None:
    toolbar = QToolBar()
    qtbot.addWidget(toolbar)
    themed_icon(toolbar.addAction("Stop"), "stop")
    gc.collect()  # nobody but the toolbar holds the action now
    theme().set_mode("dark")
    assert center_color(toolbar.actions()[0]) == theme().palette.text
    theme().set_mode("light")
    assert center_color(toolbar.actions()[0]) == theme().palette.text


def test_themed_icon_changes_its_name(qtbot: QtBot) -> None:
    action = QAction()
    themed_icon(action, "play")
    first = action.icon().cacheKey()
    themed_icon(action, "pause")
    assert action.icon().cacheKey() != first
    assert len(action.children()) == 1
    theme().set_mode("dark")
    assert action.icon().cacheKey() == icon("pause").cacheKey()


def test_deleted_target_is_forgotten(qtbot: QtBot) -> None:
    button = QPushButton()
    themed_icon(button, "save")
    with qtbot.waitSignal(button.destroyed):
        button.deleteLater()
    theme().set_mode("dark")  # would fail on the dead button
