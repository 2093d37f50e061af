"""Icons from resources/icons, drawn in the theme's colours."""

from __future__ import annotations

import functools
import importlib.resources

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Slot
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from nnviz_app.palette import Palette
from nnviz_app.theme import theme, tinted_svg

APP_ICON = "nnviz"
ICON_SIZES = (16, 24, 32)
APP_ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)


@functools.cache
def icon_names() -> tuple[str, ...]:
    """Return the names of all icons, sorted."""
    folder = importlib.resources.files("resources").joinpath("icons")
    return tuple(sorted(entry.name.removesuffix(".svg") for entry in folder.iterdir() if entry.name.endswith(".svg")))


def icon(name: str) -> QIcon:
    """Return the icon `name` in the colours of the theme in force. Raises KeyError for an unknown name.

    It does not follow a later change of the theme: `themed_icon` does.
    """
    screens = QGuiApplication.screens()
    ratio = max((screen.devicePixelRatio() for screen in screens), default=1.0)
    return QIcon(_icon(name, theme().is_dark, theme().icon_size, ratio))


def app_icon() -> QIcon:
    """Return the program's own icon, which looks the same in both themes."""
    return icon(APP_ICON)


def icon_pixmap(name: str, color: QColor, size: float, device_pixel_ratio: float = 1.0) -> QPixmap:
    """Draw the icon `name` in one colour, `size` pixels square, for painting by hand."""
    return _draw(tinted_svg(name, color), round(size * device_pixel_ratio), device_pixel_ratio)


@functools.lru_cache(maxsize=512)
def _icon(name: str, is_dark: bool, toolbar_size: int, ratio: float) -> QIcon:
    # The arguments beside the name are the key: whatever changes the pictures must be among them.
    result = QIcon()
    colors = theme().palette
    if name == APP_ICON:
        _add(result, name, colors.text, QIcon.Mode.Normal, QIcon.State.Off, APP_ICON_SIZES)
        return result
    # The toolbar's own size on the sharpest screen is drawn exactly; the others are scaled by Qt when needed.
    sizes = tuple(sorted({*ICON_SIZES, toolbar_size, round(toolbar_size * ratio)}))
    for (mode, state), color in _state_colors(colors).items():
        _add(result, name, color, mode, state, sizes)
    return result


def _state_colors(colors: Palette) -> dict[tuple[QIcon.Mode, QIcon.State], QColor]:
    mode, state = QIcon.Mode, QIcon.State
    return {
        (mode.Normal, state.Off): colors.text,
        (mode.Normal, state.On): colors.accent,
        (mode.Active, state.Off): colors.text,
        (mode.Active, state.On): colors.accent,
        (mode.Selected, state.Off): colors.text,
        (mode.Selected, state.On): colors.accent,
        (mode.Disabled, state.Off): colors.disabled_text,
        (mode.Disabled, state.On): colors.disabled_text,
    }


def _add(result: QIcon, name: str, color: QColor, mode: QIcon.Mode, state: QIcon.State, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        result.addPixmap(_pixmap(name, color.rgba(), size), mode, state)


@functools.lru_cache(maxsize=2048)
def _pixmap(name: str, rgba: int, size: int) -> QPixmap:
    shape = _shape(name, size)
    if name == APP_ICON:
        return shape
    # The same shape in another colour: much quicker than to draw it anew.
    pixmap = QPixmap(shape)
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), QColor.fromRgba(rgba))
    painter.end()
    return pixmap


@functools.lru_cache(maxsize=512)
def _shape(name: str, size: int) -> QPixmap:
    return _draw(tinted_svg(name, QColor(Qt.GlobalColor.black)), size, 1.0)


def _draw(svg: bytes, pixels: int, ratio: float) -> QPixmap:
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg)).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class _IconUpdater(QObject):
    """Keeps its parent's icon in the theme's colours. As a child it lives exactly as long as the parent."""

    def __init__(self, target: QAction | QAbstractButton, name: str) -> None:
        super().__init__(target)
        self._name = name
        theme().changed.connect(self.update_icon)
        self.update_icon()

    def show_name(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self.update_icon()

    @Slot()
    def update_icon(self) -> None:
        target = self.parent()
        if isinstance(target, QAction | QAbstractButton):
            target.setIcon(icon(self._name))


def themed_icon(target: QAction | QAbstractButton, name: str) -> None:
    """Give an action or a button the icon `name` and redraw it whenever the theme changes.

    Calling it again with another name changes the icon (play and pause). Raises KeyError for an unknown name.
    """
    for child in target.children():
        if isinstance(child, _IconUpdater):
            child.show_name(name)
            return
    icon(name)  # an unknown name must fail before anything is connected
    _IconUpdater(target, name)
