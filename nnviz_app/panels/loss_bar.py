"""The loss panel's choices: losses or accuracies, training or test rows, the axis, and keeping the run."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QToolBar, QToolButton

from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.loss_curves import Shown
from nnviz_app.theme import theme


class LossBar(QToolBar):
    """What is shown, and the button that keeps the run. Where there is no room, the rest is in a menu at the end."""

    chosen = Signal()
    keep_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        # The button for what has no room is narrow: a menu's arrow beside its own would push that out.
        self.setStyleSheet(
            "QToolBar { border: 0; padding: 0; } QToolBarExtension { padding: 0; }"
            "QToolBarExtension::menu-indicator { image: none; }"
        )
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.loss = self._add("Loss", "The loss over all rows after each update", checked=True)
        self.accuracy = self._add("Accuracy", "The share of rows whose class is predicted")
        views = QActionGroup(self)
        for action in (self.loss, self.accuracy):
            views.addAction(action)
        self._after_views = self.addSeparator()
        self.training = self._add("Training", "Over the rows that training uses: solid", checked=True)
        self.test = self._add("Test", "Over the rows that are held out: dashed", checked=True)
        self._after_parts = self.addSeparator()
        self.log = self._add("Log", "Logarithmic axis for the loss")
        self.keep = QAction("Keep this run", self)
        self.keep.setToolTip("Keep its curves for comparison with later runs")
        self.keep.triggered.connect(self.keep_requested)
        self.addAction(self.keep)
        more = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if isinstance(more, QToolButton):
            # It takes over the other buttons' style, but has an icon only.
            more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            more.setAccessibleName("More")
            more.setToolTip("More")
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(button)
        self.restyle()

    def _add(self, text: str, tip: str, *, checked: bool = False) -> QAction:
        action = QAction(text, self)
        action.setToolTip(tip)
        action.setCheckable(True)
        action.setChecked(checked)
        action.toggled.connect(self.chosen)
        self.addAction(action)
        return action

    def restyle(self) -> None:
        """Follow the theme."""
        self.training.setIcon(_line_icon(Qt.PenStyle.SolidLine))
        self.test.setIcon(_line_icon(Qt.PenStyle.DashLine))

    @property
    def shown(self) -> Shown:
        """What is chosen, of what is offered."""
        has_test = self.test.isVisible()
        return Shown(
            accuracy=self.accuracy.isChecked(),
            log=self.log.isChecked(),
            training=self.training.isChecked() or not has_test,
            test=self.test.isChecked() and has_test,
        )

    def offer(self, *, losses: bool, accuracies: bool, test: bool) -> None:
        """Offer what there is to be shown."""
        if not accuracies and self.accuracy.isChecked():
            self.loss.setChecked(True)
        for action in (self.loss, self.accuracy, self._after_views):
            action.setVisible(accuracies)
        for action in (self.training, self.test, self._after_parts):
            action.setVisible(test)
        self.log.setVisible(losses and self.loss.isChecked())
        self.keep.setVisible(losses)


def _line_icon(style: Qt.PenStyle) -> QIcon:
    """A piece of a solid or a dashed curve."""
    side = theme().icon_size
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    pen = QPen(theme().palette.forward, max(2.0, side / 10), style)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if style is Qt.PenStyle.DashLine:
        pen.setDashPattern([0.32 * side / pen.widthF(), 0.16 * side / pen.widthF()])
    painter = QPainter(pixmap)
    painter.setPen(pen)
    # Some room before the words.
    painter.drawLine(0, side // 2, round(0.8 * side), side // 2)
    painter.end()
    return QIcon(pixmap)
