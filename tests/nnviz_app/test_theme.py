"""The theme: contrast, modes, text sizes, fonts, pens and the style sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from nnviz_app import theme as theme_module
from nnviz_app.palette import COLOR_NAMES, DARK, LIGHT, Palette, contrast_ratio, faded, mix
from nnviz_app.theme import FONT_ROLES, MODE_KEY, TEXT_SCALE_KEY, Theme, set_style_property, theme

READABLE = 4.5  # WCAG 2.1, level AA, for text of ordinary size
VISIBLE = 3.0  # the same, for drawings

TEXT_PAIRS = [
    *((text, ground) for text in ("text", "muted", "positive", "negative", "forward", "backward")
      for ground in ("panel", "canvas", "field", "pill", "neuron")),
    *((text, ground) for text in ("text", "muted_on_tint", "positive", "forward", "backward")
      for ground in ("window", "selection", "forward_tint", "backward_tint")),
    *(("text", ground) for ground in ("hover", "pressed")),
    *(("on_accent", ground) for ground in ("accent", "accent_hover", "accent_pressed")),
    *((name, ground) for name in ("warning", "error", "success") for ground in ("panel", f"{name}_tint")),
    ("text", "error_tint"),
    ("negative", "window"),
    ("tooltip_text", "tooltip"),
]  # fmt: skip


@pytest.fixture
def applied(qapp: QApplication) -> Iterator[Theme]:
    """Give the theme applied in light at the ordinary size, and put it back there."""
    theme().apply(qapp)
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    yield theme()
    theme().set_mode("light")
    theme().set_text_scale(1.0)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_is_readable(palette: Palette, text: str, ground: str) -> None:
    assert contrast_ratio(palette.color(text), palette.color(ground)) >= READABLE


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_drawings_are_visible(palette: Palette) -> None:
    for color in (*palette.series, palette.neuron_border, palette.accent):
        assert contrast_ratio(color, palette.panel) >= VISIBLE


def test_contrast_ratio_of_known_colors() -> None:
    black, white = QColor("#000000"), QColor("#FFFFFF")
    assert contrast_ratio(black, white) == pytest.approx(21.0)
    assert contrast_ratio(white, black) == pytest.approx(21.0)
    assert contrast_ratio(white, white) == pytest.approx(1.0)
    assert contrast_ratio(QColor("#767676"), white) == pytest.approx(4.54, abs=0.01)


def test_mix_and_fade() -> None:
    black, white = QColor("#000000"), QColor("#FFFFFF")
    assert mix(black, white, 0.0) == black
    assert mix(black, white, 1.0) == white
    assert mix(black, white, 0.5).red() in (127, 128)
    assert faded(white, 0.5).alphaF() == pytest.approx(0.5, abs=0.01)
    assert white.alphaF() == 1.0


def test_palette_gives_copies_and_refuses_unknown_names() -> None:
    LIGHT.color("text").setRed(255)
    assert LIGHT.text == QColor("#1F2430")
    assert LIGHT.weight(-0.1) == LIGHT.negative
    assert LIGHT.weight(0.0) == LIGHT.positive
    with pytest.raises(KeyError):
        LIGHT.color("series")


def test_mode_changes_colors_and_is_remembered(applied: Theme, qtbot: QtBot) -> None:
    with qtbot.waitSignal(applied.changed):
        applied.set_mode("dark")
    assert applied.is_dark
    assert applied.palette is DARK
    assert QApplication.palette().window().color() == DARK.panel
    assert QSettings().value(MODE_KEY) == "dark"
    assert Theme().is_dark


def test_same_mode_again_changes_nothing(applied: Theme, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(applied.changed):
        applied.set_mode("light")


def test_unknown_mode_is_refused(applied: Theme) -> None:
    with pytest.raises(ValueError, match="sepia"):
        applied.set_mode("sepia")  # type: ignore[arg-type]


def test_system_mode_follows_the_desktop(applied: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    is_dark = False
    monkeypatch.setattr(theme_module, "system_is_dark", lambda: is_dark)
    applied.set_mode("system")
    assert not applied.is_dark
    is_dark = True
    with qtbot.waitSignal(applied.changed):
        QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert applied.is_dark


def test_chosen_mode_does_not_follow_the_desktop(applied: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme_module, "system_is_dark", lambda: True)
    with qtbot.assertNotEmitted(applied.changed):
        QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert not applied.is_dark


def test_text_scale_enlarges_fonts_and_spacing(applied: Theme, qtbot: QtBot) -> None:
    before = {role: applied.font(role).pointSizeF() for role in FONT_ROLES}
    em, icon_size = applied.em, applied.icon_size
    with qtbot.waitSignal(applied.changed):
        applied.set_text_scale(2.0)
    for role in FONT_ROLES:
        assert applied.font(role).pointSizeF() == pytest.approx(2.0 * before[role])
    assert applied.em == pytest.approx(2.0 * em, abs=1.0)
    assert applied.icon_size == pytest.approx(2 * icon_size, abs=2)
    assert QApplication.font().pointSizeF() == pytest.approx(2.0 * before["body"])
    assert Theme().text_scale == 2.0


@pytest.mark.parametrize(("asked", "given"), [(0.1, 1.0), (1.5, 1.5), (9.0, 2.0)])
def test_text_scale_stays_in_its_range(applied: Theme, asked: float, given: float) -> None:
    applied.set_text_scale(asked)
    assert applied.text_scale == given


@pytest.mark.parametrize("value", ["nan", "large", "", "17"])
def test_spoilt_settings_are_ignored(qapp: QApplication, value: str) -> None:
    QSettings().setValue(MODE_KEY, value)
    QSettings().setValue(TEXT_SCALE_KEY, value)
    spoilt = Theme()
    assert spoilt.mode == "system"
    assert spoilt.text_scale == 1.0


def test_fonts_have_roles(applied: Theme) -> None:
    assert applied.font("value").weight() == QFont.Weight.DemiBold
    assert applied.font("body").weight() == QFont.Weight.Normal
    assert applied.font("small").pointSizeF() < applied.font("body").pointSizeF()
    assert applied.font("formula").pointSizeF() > applied.font("body").pointSizeF()
    if hasattr(QFont, "setFeature"):
        assert applied.font("value").isFeatureSet(QFont.Tag("tnum"))


def test_fonts_are_copies(applied: Theme) -> None:
    applied.font("body").setBold(True)
    assert not applied.font("body").bold()


def test_edge_pen_tells_sign_and_size(applied: Theme) -> None:
    positive, negative = applied.edge_pen(1.0, 1.0), applied.edge_pen(-1.0, 1.0)
    assert positive.color() == applied.palette.positive
    assert positive.style() == Qt.PenStyle.SolidLine
    assert negative.color() == applied.palette.negative
    assert negative.style() == Qt.PenStyle.CustomDashLine
    assert positive.widthF() == negative.widthF() == 4.0
    assert applied.edge_pen(0.0, 1.0).widthF() == 1.0
    assert applied.edge_pen(5.0, 0.0).widthF() == 1.0
    assert applied.edge_pen(float("nan"), 1.0).widthF() == 1.0
    assert applied.edge_pen(0.5, 1.0, opacity=0.5).color().alphaF() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_style_sheet_is_filled_in_and_accepted(
    applied: Theme, qtbot: QtBot, mode: theme_module.Mode, scale: float
) -> None:
    applied.set_mode(mode)
    applied.set_text_scale(scale)
    sheet = applied.style_sheet()
    assert not re.search(r"\$|\bem\(|glyph\(|/\*", sheet)
    assert applied.palette.accent.name() in sheet
    button = QPushButton("Apply update")
    qtbot.addWidget(button)
    button.show()  # Qt warns when it cannot read the sheet, and warnings fail the test


def test_every_length_grows_with_the_text(applied: Theme) -> None:
    def longest() -> int:
        return max(int(length) for length in re.findall(r"(\d+)px", applied.style_sheet()))

    before = longest()
    applied.set_text_scale(2.0)
    assert longest() >= 1.8 * before


def test_primary_button_is_drawn_in_the_accent(applied: Theme, qtbot: QtBot) -> None:
    button = QPushButton("Apply update")
    qtbot.addWidget(button)
    button.resize(120, 30)
    button.show()
    set_style_property(button, "primary", True)
    assert button.grab().toImage().pixelColor(60, 3) == applied.palette.accent
    set_style_property(button, "primary", False)
    assert button.grab().toImage().pixelColor(60, 3) == applied.palette.panel


def test_label_role_changes_its_color(applied: Theme, qtbot: QtBot) -> None:
    label = QLabel("sample 1 of 1")
    qtbot.addWidget(label)
    label.show()
    set_style_property(label, "role", "muted")
    assert label.palette().windowText().color() == applied.palette.muted


def test_there_is_one_theme() -> None:
    assert theme() is theme()
    assert "accent" in COLOR_NAMES
