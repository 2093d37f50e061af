"""The colours of the program, one palette for each theme, and what is computed from colours."""

from __future__ import annotations

from dataclasses import dataclass, fields

from PySide6.QtGui import QColor


@dataclass(frozen=True)
class Palette:
    """All colours of one theme. Fields are named by what they are for, never by hue.

    `text` is legible everywhere, `muted` on the panel, the canvas, fields and pills only: on the window,
    a tint or a selection use `muted_on_tint`. `negative` is too pale for text on a tint or a selection.
    """

    # Surfaces and lines
    window: QColor
    panel: QColor
    canvas: QColor
    line: QColor
    border: QColor
    grid_dots: QColor
    # Text
    text: QColor
    muted: QColor
    muted_on_tint: QColor
    disabled_text: QColor
    # Weights by sign
    positive: QColor
    negative: QColor
    # The two passes
    forward: QColor
    forward_tint: QColor
    backward: QColor
    backward_tint: QColor
    # Controls
    accent: QColor
    accent_hover: QColor
    accent_pressed: QColor
    on_accent: QColor
    selection: QColor
    hover: QColor
    pressed: QColor
    field: QColor
    scroll_handle: QColor
    # Canvas
    pill: QColor
    pill_border: QColor
    neuron: QColor
    neuron_border: QColor
    # Messages
    warning: QColor
    warning_tint: QColor
    error: QColor
    error_tint: QColor
    success: QColor
    success_tint: QColor
    tooltip: QColor
    tooltip_text: QColor
    # Curves, to be used in this order; told apart by lightness too
    series: tuple[QColor, ...]
    # Classes, and whatever else fills areas; told apart also by those who see no difference of red and green
    classes: tuple[QColor, ...]

    def class_color(self, place: int) -> QColor:
        """Return the colour of the class number `place`; past the last one they begin again."""
        return QColor(self.classes[place % len(self.classes)])

    def color(self, name: str) -> QColor:
        """Return a copy of the colour called `name`. Raises KeyError for an unknown name."""
        if name not in COLOR_NAMES:
            raise KeyError(f"no colour called {name!r}")
        return QColor(getattr(self, name))

    def weight(self, value: float) -> QColor:
        """Return the colour for a weight of this sign (zero counts as positive)."""
        return QColor(self.negative if value < 0 else self.positive)


COLOR_NAMES = frozenset(field.name for field in fields(Palette)) - {"series", "classes"}


def mix(first: QColor, second: QColor, amount: float) -> QColor:
    """Blend `amount` (0 to 1) of `second` into `first`."""

    def between(a: float, b: float) -> float:
        return a + (b - a) * amount

    return QColor.fromRgbF(
        between(first.redF(), second.redF()),
        between(first.greenF(), second.greenF()),
        between(first.blueF(), second.blueF()),
    )


def faded(color: QColor, opacity: float) -> QColor:
    """Return `color` with its opacity set to `opacity` (0 to 1)."""
    result = QColor(color)
    result.setAlphaF(opacity)
    return result


def contrast_ratio(first: QColor, second: QColor) -> float:
    """Return the WCAG 2.1 contrast ratio of two opaque colours, from 1 to 21."""

    def luminance(color: QColor) -> float:
        def linear(part: float) -> float:
            return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

        return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _colors(*names: str) -> tuple[QColor, ...]:
    return tuple(QColor(name) for name in names)


LIGHT = Palette(
    window=QColor("#F4F5F8"),
    panel=QColor("#FFFFFF"),
    canvas=QColor("#FBFBFD"),
    line=QColor("#DFE3EA"),
    border=QColor("#CDD3DE"),
    grid_dots=QColor("#E9ECF2"),
    text=QColor("#1F2430"),
    muted=QColor("#6B7385"),
    muted_on_tint=QColor("#596173"),
    disabled_text=QColor("#A4ABB9"),
    positive=QColor("#2463B4"),
    negative=QColor("#B8500F"),
    forward=QColor("#4F46E5"),
    forward_tint=QColor("#EEEDFD"),
    backward=QColor("#C2255C"),
    backward_tint=QColor("#FDEAF1"),
    accent=QColor("#4F46E5"),
    accent_hover=QColor("#4338CA"),
    accent_pressed=QColor("#372FA8"),
    on_accent=QColor("#FFFFFF"),
    selection=QColor("#E8EBF7"),
    hover=QColor("#F0F2F8"),
    pressed=QColor("#DCE1F1"),
    field=QColor("#FBFBFD"),
    scroll_handle=QColor("#C9CFDA"),
    pill=QColor("#FFFFFF"),
    pill_border=QColor("#DFE3EA"),
    neuron=QColor("#FFFFFF"),
    neuron_border=QColor("#6B7385"),
    warning=QColor("#8A5300"),
    warning_tint=QColor("#FFF3DA"),
    error=QColor("#B42318"),
    error_tint=QColor("#FDECEA"),
    success=QColor("#1A7446"),
    success_tint=QColor("#E5F5EC"),
    tooltip=QColor("#1F2430"),
    tooltip_text=QColor("#F4F5F8"),
    series=_colors("#4F46E5", "#B8500F", "#1A7F72", "#C2255C", "#2463B4", "#8A6D00", "#7A3E9D", "#5A6273"),
    classes=_colors(
        "#2463B4", "#B8500F", "#36B6A1", "#70044C", "#BCA46B", "#040D6F", "#D9A30B", "#B15A5D", "#173203", "#89B0DA"
    ),
)

DARK = Palette(
    window=QColor("#16181D"),
    panel=QColor("#1E2128"),
    canvas=QColor("#191C22"),
    line=QColor("#31363F"),
    border=QColor("#414854"),
    grid_dots=QColor("#262A32"),
    text=QColor("#E8EAF0"),
    muted=QColor("#98A0B0"),
    muted_on_tint=QColor("#A9B1C0"),
    disabled_text=QColor("#5F6775"),
    positive=QColor("#74AEF0"),
    negative=QColor("#F0A15E"),
    forward=QColor("#9B95FF"),
    forward_tint=QColor("#2A2850"),
    backward=QColor("#FF7BA8"),
    backward_tint=QColor("#46202F"),
    accent=QColor("#9B95FF"),
    accent_hover=QColor("#B0ABFF"),
    accent_pressed=QColor("#C4C0FF"),
    on_accent=QColor("#16181D"),
    selection=QColor("#2C313E"),
    hover=QColor("#262A33"),
    pressed=QColor("#363C4A"),
    field=QColor("#191C22"),
    scroll_handle=QColor("#454C59"),
    pill=QColor("#20242C"),
    pill_border=QColor("#31363F"),
    neuron=QColor("#20242C"),
    neuron_border=QColor("#98A0B0"),
    warning=QColor("#F0C36A"),
    warning_tint=QColor("#3A2F17"),
    error=QColor("#FF8F85"),
    error_tint=QColor("#45211F"),
    success=QColor("#6FD6A0"),
    success_tint=QColor("#1B3A2B"),
    tooltip=QColor("#E8EAF0"),
    tooltip_text=QColor("#16181D"),
    series=_colors("#9B95FF", "#F0A15E", "#5FD0C0", "#FF7BA8", "#74AEF0", "#E2C85A", "#CF9BEB", "#A9B1C0"),
    classes=_colors(
        "#74AEF0", "#F0A15E", "#1BFCD9", "#A80B66", "#6F9C76", "#6147C1", "#F9F55B", "#B384AC", "#B61618", "#C8FFAC"
    ),
)
