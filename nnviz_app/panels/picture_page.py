"""A picture that gets nearly all of a panel, with its controls and what is read from it around it."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from nnviz_app.panels.fields import PanelArea
from nnviz_app.theme import theme

# A page is wide when it is so many times as wide as it is high, and leaves the picture so many text sizes.
WIDE, NARROWEST = 1.1, 11.0
# Qt's own largest size of a widget.
UNLIMITED = 16_777_215


class PicturePage(QWidget):
    """Controls and reading beside the picture where the page is wide, else above and below it.

    Beside the picture the controls are at least `ems` text sizes wide; where they are too high they scroll.
    """

    def __init__(self, controls: QWidget, picture: QWidget, reading: QLabel, *, ems: float) -> None:
        super().__init__()
        self._controls, self._picture, self._reading, self._ems = controls, picture, reading, ems
        self._area = PanelArea(controls)
        self._is_wide: bool | None = None
        self._grid = QGridLayout(self)
        reading.setWordWrap(True)
        reading.setMinimumWidth(1)
        self.restyle()

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._grid.setContentsMargins(space(0.9), space(0.3), space(0.6), space(0.3))
        self._grid.setSpacing(space(0.4))
        self.turn()

    def turn(self) -> None:
        """Arrange the parts; to be called when other controls are shown."""
        bar = self._area.verticalScrollBar().sizeHint().width()
        width = max(theme().space(self._ems), self._controls.minimumSizeHint().width() + bar)
        is_wide = self.width() > max(WIDE * self.height(), width + theme().space(NARROWEST))
        if is_wide is not self._is_wide:
            self._is_wide = is_wide
            self._place(is_wide)
        self._area.setMinimumWidth(width if is_wide else 0)
        for widget in (self._area, self._reading):
            widget.setMaximumWidth(width if is_wide else UNLIMITED)
        self._area.setMaximumHeight(
            UNLIMITED if is_wide else min(self._controls.sizeHint().height(), self.height() // 3)
        )
        # As many lines as most readings take, so that little moves with the pointer.
        self._reading.setMinimumHeight((2 if is_wide else 1) * self._reading.fontMetrics().lineSpacing())

    def _place(self, is_wide: bool) -> None:
        grid = self._grid
        for widget in (self._area, self._reading, self._picture):
            grid.removeWidget(widget)
        grid.addWidget(self._area, 0, 0)
        grid.addWidget(self._reading, 1 if is_wide else 2, 0)
        grid.addWidget(self._picture, *((0, 1, 2, 1) if is_wide else (1, 0, 1, 1)))
        for stretches, place in ((grid.setRowStretch, 0), (grid.setColumnStretch, 1)):
            stretches(place, int(is_wide))
            stretches(1 - place, int(not is_wide))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.turn()
