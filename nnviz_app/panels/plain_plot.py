"""A plot in the look of the program, without menus and zooming of its own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nnviz_app.panels.plot_look import restyle_axes, set_axis_titles


class PlainPlot(QWidget):
    """Axes in the theme's colours. pyqtgraph is imported when it is made."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self.pg = pg
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        self.plot.setAccessibleName(name)
        self.item = self.plot.getPlotItem()
        self.view = self.item.getViewBox()
        self.item.hideButtons()
        self.item.setMouseEnabled(x=False, y=False)
        self.item.disableAutoRange()
        self.item.scene().contextMenu = []
        for name in ("left", "bottom"):
            # "L (x0.001)" would have to be multiplied in one's head.
            self.item.getAxis(name).enableAutoSIPrefix(False)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        restyle_axes(self.plot)

    def set_titles(self, bottom: str, left: str) -> None:
        """Name the axes."""
        set_axis_titles(self.plot, bottom=bottom, left=left)
