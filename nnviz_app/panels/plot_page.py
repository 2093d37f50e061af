"""A plot with its controls: beside it where there is room, else above it."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from nnviz_app.panels.fields import PanelArea
from nnviz_app.theme import theme

# A page is wide when it is so many times as wide as it is high. Text sizes: of the controls, and of the least plot.
WIDE, CONTROLS, LEAST_PLOT = 1.25, 17.0, 9.0
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

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.6), space(0.3))
        self._box.setSpacing(space(0.5))
        self.turn()

    def turn(self) -> None:
        """Arrange the parts; to be called when other controls are shown."""
        bar = self.area.verticalScrollBar().sizeHint().width()
        width = max(theme().space(CONTROLS), self._controls.minimumSizeHint().width() + bar)
        least = theme().space(LEAST_PLOT)
        is_wide = self.width() > max(WIDE * self.height(), width + 1.5 * least)
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom)
        self.area.setMinimumWidth(width if is_wide else 0)
        self.area.setMaximumWidth(width if is_wide else UNLIMITED)
        wanted = self._controls.heightForWidth(self.area.viewport().width())
        wanted = wanted if wanted > 0 else self._controls.sizeHint().height()
        self.area.setMinimumHeight(0)
        self.area.setMaximumHeight(
            UNLIMITED if is_wide else max(theme().space(4), min(wanted, self.height() - least))
        )
        self._picture.setMinimumHeight(theme().space(5))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.turn()
