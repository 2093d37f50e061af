"""The panels around the canvas: where they stand at first and how large they are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from nnviz_app.theme import theme

LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
AREAS = {
    "Examples": LEFT,
    "Train": LEFT,
    "Explain": RIGHT,
    "Inspector": RIGHT,
    "Steps": RIGHT,
    "History": RIGHT,
    "Data": BOTTOM,
    "Loss": BOTTOM,
}


class Docks(dict[str, QDockWidget]):
    """The docks of a window by title. The columns at the sides take the window's full height."""

    def __init__(self, window: QMainWindow, panels: dict[str, QWidget]) -> None:
        super().__init__()
        self.window = window
        for title, panel in panels.items():
            dock = QDockWidget(title, window)
            dock.setObjectName(title)
            dock.setWidget(panel)
            self[title] = dock
        window.setDockNestingEnabled(True)
        for corner, area in (
            (Qt.Corner.TopLeftCorner, LEFT),
            (Qt.Corner.BottomLeftCorner, LEFT),
            (Qt.Corner.TopRightCorner, RIGHT),
            (Qt.Corner.BottomRightCorner, RIGHT),
        ):
            window.setCorner(corner, area)
        self.arrange()

    def arrange(self) -> None:
        """Put every panel where it was at first."""
        for title, dock in self.items():
            self.window.removeDockWidget(dock)
            dock.setFloating(False)
            self.window.addDockWidget(AREAS[title], dock)
            dock.show()
        self.window.splitDockWidget(self["Data"], self["Loss"], Qt.Orientation.Horizontal)
        self.window.tabifyDockWidget(self["Inspector"], self["Steps"])
        self.window.tabifyDockWidget(self["Steps"], self["History"])
        self["Steps"].raise_()

    def resize(self) -> None:
        """Give the panels their first sizes, by the window's size and the size of its text."""
        window, em = self.window, theme().em
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        left, right = min(round(15 * em), window.width() // 5), min(round(21 * em), window.width() // 4)
        window.resizeDocks([self["Examples"], self["Explain"]], [left, right], horizontal)
        window.resizeDocks([self["Data"], self["Loss"]], [50, 50], horizontal)
        window.resizeDocks([self["Data"], self["Loss"]], [window.height() // 4] * 2, vertical)
        window.resizeDocks([self["Examples"], self["Train"]], [40, 60], vertical)
        window.resizeDocks([self["Explain"], self["Inspector"]], [45, 55], vertical)
