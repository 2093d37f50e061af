"""How plots by pyqtgraph look: background and axes in the theme's colours and sizes."""

from __future__ import annotations

from typing import Any

from nnviz_app.theme import theme


def restyle_axes(plot: Any) -> None:
    """Give a plot widget and its axes the theme's colours, fonts and distances; to be called at each change."""
    space, palette, font, item = theme().space, theme().palette, theme().font("small"), plot.getPlotItem()
    plot.setBackground(palette.panel)
    for name in ("left", "bottom"):
        axis = item.getAxis(name)
        axis.setTickFont(font)
        axis.setTextPen(palette.muted)
        axis.setPen(theme().pen("line"))
        axis.setStyle(tickLength=-space(0.3), tickTextOffset=space(0.4), autoReduceTextSpace=True)
    item.getAxis("bottom").setHeight(space(2.9))
    item.layout.setContentsMargins(0, space(0.5), space(0.8), 0)


def set_axis_titles(plot: Any, **titles: str) -> None:
    """Name axes in the theme's small muted text: ``set_axis_titles(plot, bottom="update")``."""
    style = {"color": theme().palette.muted.name(), "font-size": f"{theme().font('small').pointSizeF():.1f}pt"}
    for axis, title in titles.items():
        plot.getPlotItem().setLabel(axis, title, **style)
