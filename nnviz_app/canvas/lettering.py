"""Text on the canvas: its fonts, its measures, and the pills that hold numbers. All in scene units."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from nnviz_app.palette import mix
from nnviz_app.theme import theme

Lettering = Literal["name", "value", "symbol", "pill", "target", "share"]

# Sizes in scene units: the canvas has its own zoom, so they do not follow the size of the widgets' text.
SIZES: dict[Lettering, int] = {"name": 11, "value": 14, "symbol": 11, "pill": 11, "target": 13, "share": 11}
PILL_PADDING = 7.5
LOCK_WIDTH = 10.0
# How much of its strength a dimmed colour gives up to the canvas.
DIMMED_LINE = 0.52
DIMMED_TEXT = 0.2


def font(role: Lettering) -> QFont:
    """The font of one kind of text on the canvas."""
    return QFont(_fonts(theme().font("body").families()[0])[role])


@functools.lru_cache(maxsize=4)
def _fonts(_family: str) -> dict[Lettering, QFont]:
    fonts = {}
    for role, size in SIZES.items():
        made = theme().font("value" if role == "value" else "body")
        made.setPixelSize(size)
        # Widths then grow in step with the zoom, so that text which fits at 100 % fits at every zoom.
        made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        fonts[role] = made
    return fonts


@functools.lru_cache(maxsize=8192)
def text_width(role: Lettering, text: str) -> float:
    """The width of a text."""
    return QFontMetricsF(font(role)).horizontalAdvance(text)


def elided(role: Lettering, text: str, width: float) -> str:
    """`text`, cut with an ellipsis where it is wider than `width`."""
    if text_width(role, text) <= width:
        return text
    return QFontMetricsF(font(role)).elidedText(text, Qt.TextElideMode.ElideRight, width)


def pill_width(text: str, *, locked: bool = False) -> float:
    """The width of a pill around a text."""
    return text_width("pill", text) + 2 * PILL_PADDING + (LOCK_WIDTH if locked else 0.0)


@dataclass(frozen=True)
class Ink:
    """The colours of a pill or text. `border_width` in scene units."""

    text: QColor
    fill: QColor
    border: QColor
    border_width: float = 1.0

    def dimmed(self) -> Ink:
        """The same, further back."""
        canvas = theme().palette.canvas
        return Ink(
            mix(self.text, canvas, DIMMED_TEXT),
            mix(self.fill, canvas, DIMMED_TEXT),
            mix(self.border, canvas, DIMMED_TEXT),
            self.border_width,
        )


def plain_ink(color: QColor | None = None) -> Ink:
    """A pill at rest, with text in `color`."""
    palette = theme().palette
    return Ink(color or palette.text, palette.pill, palette.pill_border)


def active_ink(hue: str) -> Ink:
    """The pill of the number that a step reveals."""
    palette = theme().palette
    color = palette.color(hue)
    return Ink(color, palette.color(f"{hue}_tint"), color, 1.6)


def operand_ink(hue: str, color: QColor | None = None) -> Ink:
    """The pill of a number that a step is made of."""
    palette = theme().palette
    return Ink(color or palette.text, palette.pill, palette.color(hue), 1.3)


def draw_text(
    painter: QPainter, rect: QRectF, text: str, *, role: Lettering, color: QColor, factor: float = 1.0
) -> None:
    """Draw one line of text in the middle of `rect`, `factor` times its own size, without cutting it."""
    metrics = QFontMetricsF(font(role))
    painter.setPen(color)
    painter.setFont(font(role))
    width = text_width(role, text)
    # The middle of the figures, not of the line, stands at the middle of the rectangle.
    baseline = metrics.capHeight() / 2
    if factor == 1.0:
        painter.drawText(QPointF(rect.center().x() - width / 2, rect.center().y() + baseline), text)
        return
    painter.save()
    painter.translate(rect.center())
    painter.scale(factor, factor)
    painter.drawText(QPointF(-width / 2, baseline), text)
    painter.restore()


def draw_pill(
    painter: QPainter, rect: QRectF, text: str, ink: Ink, *, factor: float = 1.0, locked: bool = False
) -> None:
    """Draw a number in its pill. `factor` is the size of the text relative to its own."""
    radius = rect.height() / 2
    painter.setPen(QPen(ink.border, ink.border_width * factor))
    painter.setBrush(ink.fill)
    painter.drawRoundedRect(rect, radius, radius)
    if locked:
        shift = LOCK_WIDTH * factor
        left = rect.center().x() - text_width("pill", text) * factor / 2 - shift / 2
        _draw_lock(painter, QPointF(left, rect.center().y()), ink.text, factor)
        rect = rect.translated(shift / 2, 0)
    draw_text(painter, rect, text, role="pill", color=ink.text, factor=factor)


def _draw_lock(painter: QPainter, center: QPointF, color: QColor, factor: float) -> None:
    painter.save()
    painter.translate(center)
    painter.scale(factor, factor)
    painter.setPen(QPen(color, 1.1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shackle = QPainterPath(QPointF(-2.1, -0.4))
    shackle.lineTo(-2.1, -2.0)
    shackle.arcTo(QRectF(-2.1, -4.1, 4.2, 4.2), 180, -180)
    shackle.lineTo(2.1, -0.4)
    painter.drawPath(shackle)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(-3.4, -0.6, 6.8, 4.8), 1, 1)
    painter.restore()
