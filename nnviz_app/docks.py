"""The panels around the canvas: where they stand at first and how large they are."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QToolButton, QWidget

from nnviz_app.theme import set_style_property, theme

LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
AREAS = {
    "Examples": LEFT,
    "Walkthrough": LEFT,
    "Train": LEFT,
    "Conventions": LEFT,
    "Explain": RIGHT,
    "Check": RIGHT,
    "Nudge": RIGHT,
    "Inspector": RIGHT,
    "Steps": RIGHT,
    "Inside": RIGHT,
    "History": RIGHT,
    "Data": BOTTOM,
    "Time machine": BOTTOM,
    "Breakpoints": BOTTOM,
    "Loss": BOTTOM,
    "Confusion": BOTTOM,
    "Map": BOTTOM,
    "Histograms": BOTTOM,
    "Surface": BOTTOM,
    "Random search": BOTTOM,
}
# Panels of which one is seen at a time, the first of each pile at the start.
PILES = (
    ("Examples", "Walkthrough"),
    ("Train", "Conventions"),
    ("Explain", "Check", "Nudge"),
    ("Steps", "Inspector", "Inside", "History"),
    ("Data", "Time machine", "Breakpoints"),
    ("Loss", "Confusion"),
    ("Map", "Histograms", "Surface", "Random search"),
)
# In a window that is narrower than this many text sizes the panels that are needed most share the right side in two
# piles of tabs, so that the canvas keeps most of the room; the others are opened by the View menu.
NARROW = 84.0
# In a window lower than this many text sizes a caption takes what is there.
LOW = 62.0
# A caption and the explanation that it leads to are seen together.
NARROW_PILES = (("Explain", "Data", "Loss", "Map"), ("Steps", "Walkthrough", "Inspector", "Inside", "Train"))
# Where it is less than this high as well, there is no room for two piles above each other: they are one.
LOWEST = 36.0


class PanelDock(QDockWidget):
    """A dock that is painted anew when it has another size: Qt leaves lines standing that were beside it before."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Only now does the window know where the lines are.
        QTimer.singleShot(0, self, self.update)


class DockTitle(QWidget):
    """A dock's title and its two buttons, as large as the text asks for: Qt's own buttons never grow."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.dock = dock
        self.label = QLabel(dock.windowTitle())
        set_style_property(self.label, "role", "strong")
        self.float_button = self._button("float", f"Take {dock.windowTitle()} out of the window, or put it back")
        self.float_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        self.close_button = self._button("close", f"Close {dock.windowTitle()}; the View menu opens it again")
        self.close_button.clicked.connect(dock.close)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.label, 1)
        self._row.addWidget(self.float_button)
        self._row.addWidget(self.close_button)
        theme().changed.connect(self.restyle)
        self.restyle()

    def _button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        # The style sheet gives each its picture by this name.
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setAccessibleName(tip.partition(";")[0])
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    def minimumSizeHint(self) -> QSize:
        # A long title must not keep its panel wide.
        return QSize(theme().space(6), super().minimumSizeHint().height())

    @Slot()
    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._row.setContentsMargins(space(0.9), space(0.45), space(0.4), space(0.3))
        self._row.setSpacing(space(0.1))


class Docks(dict[str, QDockWidget]):
    """The docks of a window by title. The row at the bottom takes the window's full width."""

    def __init__(self, window: QMainWindow, panels: dict[str, QWidget]) -> None:
        super().__init__()
        self.window = window
        self.is_narrow, self.is_low = self._should_be_narrow(), self._should_be_low()
        # The panel at the upper left, and its share of the height there.
        self._roomy, self._percent = "Examples", 30
        for title, panel in panels.items():
            dock = PanelDock(title, window)
            dock.setObjectName(title)
            dock.setWidget(panel)
            dock.setTitleBarWidget(DockTitle(dock))
            self[title] = dock
        window.setDockNestingEnabled(True)
        for corner, area in (
            (Qt.Corner.TopLeftCorner, LEFT),
            (Qt.Corner.BottomLeftCorner, BOTTOM),
            (Qt.Corner.TopRightCorner, RIGHT),
            # Explanations are what most is read of: they have the whole height.
            (Qt.Corner.BottomRightCorner, RIGHT),
        ):
            window.setCorner(corner, area)
        self.arrange()
        _TextSizeFollower(self)

    def arrange(self) -> None:
        """Put every panel where it was at first."""
        for dock in self.values():
            self.window.removeDockWidget(dock)
        if self.is_narrow:
            self._arrange_narrow()
            return
        behind = {title for pile in PILES for title in pile[1:]}
        for title, area in AREAS.items():
            if title in self and title not in behind:
                self._place(title, area)
        for left, right in (("Data", "Loss"), ("Loss", "Map")):
            self.window.splitDockWidget(self[left], self[right], Qt.Orientation.Horizontal)
        for pile in PILES:
            self._pile(pile)
            self[pile[0]].raise_()

    def _arrange_narrow(self) -> None:
        shown = tuple(title for pile in NARROW_PILES for title in pile)
        for pile in (shown,) if self.is_low else NARROW_PILES:
            # One by one: all of them above each other, if only for a moment, would make the window higher.
            self._place(pile[0], RIGHT)
            self._pile(pile)
            self[pile[0]].raise_()
        for pile in PILES:
            # Opened later, a panel is a tab beside one that it is with in a wide window: for more there is no room.
            companion = next(title for title in pile if title in shown)
            for title in pile:
                if title in self and title not in shown:
                    self[title].hide()
                    self.window.tabifyDockWidget(self[companion], self[title])
                    self._put_back(title)
                    self[title].hide()

    def _place(self, title: str, area: Qt.DockWidgetArea) -> None:
        self.window.addDockWidget(area, self[title])
        # Only now: a dock that is in no area cannot be put back into the window.
        self._put_back(title)
        self[title].show()

    def _pile(self, titles: tuple[str, ...]) -> None:
        for below, above in pairwise(title for title in titles if title in self):
            self.window.tabifyDockWidget(self[below], self[above])
            self._put_back(above)
            self[above].show()

    def _put_back(self, title: str) -> None:
        # Asked for in vain, it takes as long as if it were floating.
        if self[title].isFloating():
            self[title].setFloating(False)

    def _should_be_narrow(self) -> bool:
        return self.window.width() < NARROW * theme().em

    def _should_be_low(self) -> bool:
        return self._should_be_narrow() and self.window.height() < LOWEST * theme().em

    def resize(self) -> None:
        """Give the panels their first sizes, by the window's size and the size of its text."""
        window, em = self.window, theme().em
        fitting = self._should_be_narrow(), self._should_be_low()
        if fitting != (self.is_narrow, self.is_low):
            self.is_narrow, self.is_low = fitting
            self.arrange()
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        if self.is_narrow:
            window.resizeDocks([self["Explain"]], [min(round(22 * em), window.width() // 3)], horizontal)
            if not self.is_low:
                window.resizeDocks([self["Explain"], self["Steps"]], [58, 42], vertical)
            return
        left, right = min(round(18 * em), window.width() // 6), min(round(28 * em), window.width() // 4)
        window.resizeDocks([self["Examples"], self["Explain"]], [left, right], horizontal)
        bottom_row = [self["Data"], self["Loss"], self["Map"]]
        window.resizeDocks(bottom_row, [31, 27, 42], horizontal)
        # What the canvas does not need before: a low window, such as a projector's, gives it more of its height.
        bottom = round(0.45 * max(window.height() - 20 * em, 0))
        window.resizeDocks(bottom_row, [bottom] * 3, vertical)
        self._share_left()
        window.resizeDocks([self["Explain"], self["Steps"]], [54, 46], vertical)

    def would_hide(self, title: str, other: str) -> bool:
        """Whether bringing a panel forward would put it in front of another one that is in sight."""
        return self[title] in self.window.tabifiedDockWidgets(self[other]) and not self[other].visibleRegion().isEmpty()

    def give_room(self, title: str, percent: int = 62) -> None:
        """Bring a panel of the left side forward, with so much of the height, so that it can be read."""
        self[title].show()
        self[title].raise_()
        self._roomy, self._percent = title, percent
        if not self.is_narrow and not self[title].isFloating():
            self._share_left()

    def _share_left(self) -> None:
        """Share the height of the left side between its two piles."""
        # A low window, such as a projector's, has no height to share with a caption.
        is_low = self._roomy != "Examples" and self.window.height() < LOW * theme().em
        percent = 92 if is_low else self._percent
        self.window.resizeDocks([self[self._roomy], self["Train"]], [percent, 100 - percent], Qt.Orientation.Vertical)


class _TextSizeFollower(QObject):
    """Gives the docks their first sizes again when the text gets another size: the former would cut it off."""

    def __init__(self, docks: Docks) -> None:
        super().__init__(docks.window)
        self.docks = docks
        self.em = theme().em
        theme().changed.connect(self.follow)

    @Slot()
    def follow(self) -> None:
        if theme().em != self.em:
            self.em = theme().em
            if self.docks.window.isVisible():
                self.docks.resize()
