"""The look of the program: its pens, fonts and style sheet, in the colours of the palette in force.

Widgets that paint by hand ask ``theme()`` each time they paint and repaint on ``theme().changed``; ordinary
widgets get all from the palette, the font and the style sheet that ``Theme.apply`` gives the application.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.resources
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QDir, QObject, QSettings, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette, QPen
from PySide6.QtWidgets import QApplication, QWidget

from nnviz_app.garbage import no_collection
from nnviz_app.palette import DARK, LIGHT, Palette, faded, mix

Mode = Literal["system", "light", "dark"]
FontRole = Literal["body", "small", "strong", "value", "formula", "title"]

MODES: tuple[Mode, ...] = get_args(Mode)
FONT_ROLES: tuple[FontRole, ...] = get_args(FontRole)
MODE_KEY = "appearance/theme"
TEXT_SCALE_KEY = "appearance/text_scale"
SMALLEST_TEXT_SCALE = 1.0
LARGEST_TEXT_SCALE = 2.0

FONT_FAMILIES = ["Inter", "Segoe UI", "SF Pro Text", ".AppleSystemUIFont", "Noto Sans", "DejaVu Sans"]
# Sizes relative to the body text.
FONT_SIZES: dict[FontRole, float] = {
    "body": 1.0,
    "small": 0.88,
    "strong": 1.0,
    "value": 1.0,
    "formula": 1.4,
    "title": 1.15,
}
BOLD_ROLES: frozenset[FontRole] = frozenset({"strong", "value", "title"})
SMALLEST_BODY_POINTS = 9.0

SEARCH_PREFIX = "nnvizglyphs"
EDGE_DASHES = [4.0, 3.0]


def tinted_svg(name: str, color: QColor) -> bytes:
    """Return the picture `name` from resources/icons with `currentColor` replaced by `color`.

    Raises KeyError when there is no such picture.
    """
    return _svg(name).replace("currentColor", color.name()).encode()


@functools.cache
def _svg(name: str) -> str:
    source = importlib.resources.files("resources").joinpath("icons", f"{name}.svg")
    if not source.is_file():
        raise KeyError(f"no icon called {name!r}")
    return source.read_text(encoding="utf-8")


def system_is_dark() -> bool:
    """Return whether the desktop asks for dark colours (no, if it does not say)."""
    if QGuiApplication.instance() is None:
        return False
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects on, and restyle the widget at once.

    The style sheet knows: ``primary`` (QPushButton), ``phase`` "forward" or "backward" (QLabel, QSlider, item
    views), ``role`` "muted", "small", "strong", "value", "title" (QLabel) and ``message`` "warning", "error",
    "success" or "info" (QLabel, QFrame), and ``invalid`` (line edits, spin boxes).
    """
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


class Theme(QObject):
    """The theme in force. Use ``theme()`` to get the only one."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._app: QApplication | None = None
        self._glyphs: QTemporaryDir | None = None
        self._mode: Mode = "system"
        self._text_scale = SMALLEST_TEXT_SCALE
        self._palette = LIGHT
        self._fonts: dict[FontRole, QFont] = {}
        self._em: float | None = None
        self._refreshing = False
        self._load_settings()

    # What to draw with

    @property
    def palette(self) -> Palette:
        """The colours in force."""
        return self._palette

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in force."""
        return self._palette is DARK

    @property
    def mode(self) -> Mode:
        """The chosen mode: "system", "light" or "dark"."""
        return self._mode

    @property
    def text_scale(self) -> float:
        """The size of the text relative to the system's own, 1 to 2."""
        return self._text_scale

    @property
    def em(self) -> float:
        """The body text's size in pixels: the unit of all spacing."""
        # Asked for thousands of times in a layout; a font's pixels take a while to be found.
        if self._em is None:
            self._em = float(QFontInfo(self.font("body")).pixelSize())
        return self._em

    @property
    def icon_size(self) -> int:
        """The side of a toolbar icon in pixels, growing with the text."""
        return self.space(1.5)

    @property
    def row_height(self) -> int:
        """The height of a table's row in pixels: a header view does not follow the text by itself."""
        return self.space(2.1)

    def space(self, ems: float) -> int:
        """Return a length of `ems` times the text size in whole pixels (at least 1 unless `ems` is 0)."""
        return max(1, round(ems * self.em)) if ems else 0

    def font(self, role: FontRole) -> QFont:
        """Return the font for `role`. All of them have figures of equal width where the family offers it."""
        if role not in self._fonts:
            self._fonts[role] = self._make_font(role)
        return QFont(self._fonts[role])

    def pen(self, color: str, width: float = 1.0, *, dashed: bool = False, opacity: float = 1.0) -> QPen:
        """Return a round-capped pen in the palette's colour called `color`."""
        pen = QPen(faded(self._palette.color(color), opacity), width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if dashed:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern(EDGE_DASHES)
        return pen

    def edge_pen(self, weight: float, largest: float, *, opacity: float = 1.0) -> QPen:
        """Return the pen of an edge: hue and dashes by the weight's sign, width by its size.

        `largest` is the largest absolute weight on show. Widths are whole halves of a pixel from 1 to 4, so
        that many edges share few pens.
        """
        share = min(abs(weight) / largest, 1.0) if largest > 0 and math.isfinite(weight) else 0.0
        width = round(2.0 * (1.0 + 3.0 * share)) / 2.0
        negative = weight < 0
        return self.pen("negative" if negative else "positive", width, dashed=negative, opacity=opacity)

    @contextlib.contextmanager
    def borrowed(self, mode: Literal["light", "dark"]) -> Iterator[None]:
        """Within the block whoever paints gets these colours and text of the usual size: pictures for elsewhere.

        Nobody is told and nothing is kept, so the block must be left before the window paints again.
        """
        former = self._palette, self._text_scale, self._fonts, self._em
        self._palette, self._text_scale = DARK if mode == "dark" else LIGHT, SMALLEST_TEXT_SCALE
        self._fonts, self._em = {}, None
        try:
            yield
        finally:
            self._palette, self._text_scale, self._fonts, self._em = former

    # Choices

    def set_mode(self, mode: Mode) -> None:
        """Choose and remember the mode. Raises ValueError for an unknown one."""
        if mode not in MODES:
            raise ValueError(f"the theme is one of {', '.join(MODES)}, not {mode!r}")
        QSettings().setValue(MODE_KEY, mode)
        if mode != self._mode:
            self._mode = mode
            self._refresh()

    def set_text_scale(self, factor: float) -> None:
        """Choose and remember the size of the text; values outside 1 to 2 are brought inside."""
        scale = min(max(float(factor), SMALLEST_TEXT_SCALE), LARGEST_TEXT_SCALE)
        QSettings().setValue(TEXT_SCALE_KEY, scale)
        if scale != self._text_scale:
            self._text_scale = scale
            self._refresh()

    def apply(self, app: QApplication) -> None:
        """Give `app` its style, colours, font and style sheet, and keep them up to date from now on."""
        if self._app is None:
            QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)
        if self._app is not app:
            self._app = app
            app.setStyle("Fusion")
        self._load_settings()
        self._refresh()

    # How it is done

    def _load_settings(self) -> None:
        settings = QSettings()
        mode = settings.value(MODE_KEY, "system")
        self._mode = mode if mode in MODES else "system"
        try:
            scale = float(str(settings.value(TEXT_SCALE_KEY, SMALLEST_TEXT_SCALE)))
        except ValueError:
            scale = SMALLEST_TEXT_SCALE
        # A not-a-number from a hand-edited file must not get through: every comparison with it is false.
        self._text_scale = scale if SMALLEST_TEXT_SCALE <= scale <= LARGEST_TEXT_SCALE else SMALLEST_TEXT_SCALE
        self._palette = self._choose_palette()
        self._forget_fonts()

    def _choose_palette(self) -> Palette:
        if self._mode != "system":
            return DARK if self._mode == "dark" else LIGHT
        return DARK if system_is_dark() else LIGHT

    def _follow_system(self) -> None:
        # Telling the system about the chosen mode comes back here, in the middle of a refresh.
        if not self._refreshing and self._choose_palette() is not self._palette:
            self._refresh()

    def _refresh(self) -> None:
        self._refreshing = True
        try:
            self._forget_fonts()
            if self._app is not None:
                self._tell_system()
            self._palette = self._choose_palette()
            if self._app is not None:
                with no_collection():
                    self._style(self._app)
        finally:
            self._refreshing = False
        self.changed.emit()

    def _style(self, app: QApplication) -> None:
        app.setPalette(self._qpalette())
        app.setFont(self.font("body"))
        sheet = self.style_sheet()
        # All widgets are styled anew, which takes a while, even where it is the same one.
        if sheet != app.styleSheet():
            app.setStyleSheet(sheet)

    def _tell_system(self) -> None:
        """Make the window frames follow the chosen mode, where Qt can (6.8 and later)."""
        hints = QGuiApplication.styleHints()
        schemes = {
            "light": Qt.ColorScheme.Light,
            "dark": Qt.ColorScheme.Dark,
            "system": Qt.ColorScheme.Unknown,
        }
        if hasattr(hints, "setColorScheme"):
            hints.setColorScheme(schemes[self._mode])

    def _forget_fonts(self) -> None:
        self._fonts.clear()
        self._em = None

    def _make_font(self, role: FontRole) -> QFont:
        system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        points = system.pointSizeF()
        if points <= 0:  # a size in pixels
            points = QFontInfo(system).pointSizeF()
        font = QFont()
        font.setFamilies(FONT_FAMILIES)
        font.setPointSizeF(max(points, SMALLEST_BODY_POINTS) * self._text_scale * FONT_SIZES[role])
        font.setWeight(QFont.Weight.DemiBold if role in BOLD_ROLES else QFont.Weight.Normal)
        if hasattr(QFont, "setFeature"):
            # Numbers change at every step: with figures of equal width nothing jumps sideways.
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def _qpalette(self) -> QPalette:
        colors = self._palette
        role = QPalette.ColorRole
        result = QPalette()
        for key, color in {
            # Docks, dialogs and scroll areas fill themselves with Window, and all of them are panels. The
            # menu bar, which has the window's colour, gets it from the style sheet.
            role.Window: colors.panel,
            role.WindowText: colors.text,
            role.Base: colors.panel,
            role.AlternateBase: mix(colors.panel, colors.window, 0.6),
            role.Text: colors.text,
            role.Button: colors.panel,
            role.ButtonText: colors.text,
            role.BrightText: colors.error,
            role.PlaceholderText: colors.muted,
            role.ToolTipBase: colors.tooltip,
            role.ToolTipText: colors.tooltip_text,
            role.Highlight: colors.selection,
            role.HighlightedText: colors.text,
            role.Link: colors.accent,
            role.LinkVisited: colors.accent,
            role.Light: colors.panel,
            role.Midlight: colors.hover,
            role.Mid: colors.line,
            role.Dark: colors.border,
            role.Shadow: colors.border,
            role.Accent: colors.accent,
        }.items():
            result.setColor(key, color)
        for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
            result.setColor(QPalette.ColorGroup.Disabled, key, colors.disabled_text)
        return result

    def style_sheet(self) -> str:
        """Return the style sheet for the colours and the text size in force.

        The template has three words of its own: ``$name`` is a colour, ``em(0.5)`` or ``em(0.5, -1)`` a
        length in text sizes plus pixels, ``glyph(check, muted)`` an icon in a colour.
        """
        template = importlib.resources.files("resources").joinpath("style.qss").read_text(encoding="utf-8")
        template = re.sub(r"/\*.*?\*/", "", template, flags=re.DOTALL)
        number = r"\s*(-?[\d.]+)\s*"

        def length(match: re.Match[str]) -> str:
            return f"{round(float(match[1]) * self.em) + int(match[2] or 0)}px"

        text = re.sub(rf"\bem\({number}(?:,\s*(-?\d+)\s*)?\)", length, template)
        text = re.sub(r"\bglyph\(([\w-]+),\s*(\w+)\)", lambda match: self._glyph(match[1], match[2]), text)
        return re.sub(r"\$(\w+)", lambda match: self._palette.color(match[1]).name(), text)

    def _glyph(self, name: str, color_name: str) -> str:
        """Return ``url(...)`` of an icon in a colour; style sheets can only read pictures from files."""
        if self._glyphs is None:
            self._glyphs = QTemporaryDir()
            QDir.setSearchPaths(SEARCH_PREFIX, [self._glyphs.path()])
        color = self._palette.color(color_name)
        # The colour is part of the name because Qt caches pictures by their name.
        file_name = f"{name}-{color.name()[1:]}.svg"
        file = Path(self._glyphs.path()) / file_name
        if not file.exists():
            file.write_bytes(tinted_svg(name, color))
        return f"url({SEARCH_PREFIX}:{file_name})"


@functools.cache
def theme() -> Theme:
    """Return the program's theme."""
    return Theme()
