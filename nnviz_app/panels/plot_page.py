"""A plot with its controls: beside it where there is room, else above it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from nnviz_app.panels.fields import PanelArea
from nnviz_app.theme import theme

# A page is wide when it is so many times as wide as it is high. Beside the plot the controls get this share of it, up
# to so many text sizes.
WIDE, SHARE, CONTROLS = 1.25, 0.42, 19.0
# The least plot, in text sizes.
LEAST_WIDTH, LEAST_HEIGHT = 13.0, 11.0
# Qt's own largest size of a widget.
UNLIMITED = 16_777_215


class PlotPage(QWidget):
    """The controls get the height that they ask for as long as the plot keeps its own; then they scroll."""

    def __init__(self, controls: QWidget, picture: QWidget) -> None:
        super().__init__()
        self._controls, self._picture = controls, picture
        self.area = PanelArea(controls)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.addWidget(self.area)
        self._box.addWidget(picture, 1)
        controls.installEventFilter(self)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.6), space(0.3))
        self._box.setSpacing(space(0.5))
        self.turn()

    def least_width(self) -> int:
        """The width below which controls would be cut off."""
        margins = self._box.contentsMargins()
        widest = max(part.minimumSizeHint().width() for part in (self.area, self._picture))
        return widest + margins.left() + margins.right()

    def turn(self) -> None:
        """Arrange the parts: when the page gets another size, or the controls want one."""
        bar = self.area.verticalScrollBar().sizeHint().width()
        share = min(theme().space(CONTROLS), round(SHARE * self.width()))
        width = max(share, self._controls.minimumSizeHint().width() + bar)
        is_wide = self.width() > max(WIDE * self.height(), width + theme().space(LEAST_WIDTH))
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom)
        self.area.setMinimumWidth(width if is_wide else 0)
        self.area.setMaximumWidth(width if is_wide else UNLIMITED)
        wanted = self._controls.heightForWidth(self.area.viewport().width())
        wanted = max(wanted, self._controls.minimumSizeHint().height())
        room = max(self.height() - theme().space(LEAST_HEIGHT), theme().space(6))
        self.area.setMinimumHeight(0 if is_wide else min(wanted, room))
        self.area.setMaximumHeight(UNLIMITED if is_wide else min(wanted, room))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self.turn()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.turn()
