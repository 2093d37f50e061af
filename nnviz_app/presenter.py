"""Presenting: the canvas and a caption in large type on the whole screen, driven by the keys of a clicker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from core.explanation import explain
from core.style import unmark
from nnviz_app.caption import CaptionView
from nnviz_app.theme import set_style_property, theme

if TYPE_CHECKING:
    from nnviz_app.guide import Guide
    from nnviz_app.main_window import MainWindow

# The caption's text: so many points on a screen of this height in pixels, more on a higher one.
POINTS, HEIGHT = 21.0, 720.0
# How much of the height a caption takes at most, and at least, so that the drawing does not jump.
LARGEST_SHARE, SMALLEST_SHARE = 0.45, 0.2
# A caption that would be higher is written smaller, down to this many points.
SMALLEST_POINTS = 20.0
# Where one is, for the presenter rather than for the audience.
PLACE_POINTS = 13.0
MARGIN = 1.6

Key = Qt.Key
FORWARD = (Key.Key_PageDown, Key.Key_Right, Key.Key_Space)
BACK = (Key.Key_PageUp, Key.Key_Left)
# What stays at hand: each says itself when it can be used.
ACTIONS = ("undo", "redo", "zoom_in", "zoom_out", "zoom_100", "fit")


class Presenter(QWidget):
    """Takes the canvas out of the main window until it is closed, and puts it back as it was.

    With a walkthrough the keys go from moment to moment, else from step to step; then the caption is what the last
    step says. The drawing can be worked with as ever: Enter leads back to the moment.
    """

    ended = Signal()

    def __init__(self, window: MainWindow, guide: Guide) -> None:
        # The window's child, though a window of its own: it lives until it is closed, whoever has made it.
        super().__init__(window, Qt.WindowType.Window)
        self.window_presented, self.guide = window, guide
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setWindowTitle(window.windowTitle().replace("[*]", ""))
        self.setWindowIcon(window.windowIcon())
        self._text = ""
        self.view = window.view
        self.caption = CaptionView()
        self.place = QLabel()
        set_style_property(self.place, "role", "muted")
        font = theme().font("body")
        font.setPointSizeF(PLACE_POINTS)
        self.place.setFont(font)
        self.place.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        # Steps follow each other faster than formulas are typeset.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.refresh)
        guide.changed.connect(self._timer.start)
        guide.refused.connect(self.view.show_message)
        for name in ACTIONS:
            self.addAction(window.actions_by_name[name])

    @property
    def has_moments(self) -> bool:
        """Whether there is a walkthrough to go through."""
        return self.guide.count > 0

    def begin(self) -> None:
        """Take the canvas and fill the screen that the window is on."""
        view, window = self.view, self.window_presented
        self._zoom = (view.auto_fit, view.zoom, view.mapToScene(view.viewport().rect()).boundingRect().center())
        # A canvas with the keyboard would, while it is moved, walk to the next neuron.
        view.clearFocus()
        centre = window.centralWidget()
        home = centre.layout()
        assert isinstance(home, QVBoxLayout)
        self._home = home
        self._home_place = self._home.indexOf(view)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(view, 1)
        self._foot = QHBoxLayout()
        self._foot.addWidget(self.caption, 1)
        self._foot.addWidget(self.place)
        box.addLayout(self._foot)
        view.installEventFilter(self)
        self.caption.installEventFilter(self)
        self.setGeometry(window.screen().geometry())
        self.showFullScreen()
        self.activateWindow()
        self.setFocus()
        view.fit()
        self.refresh()

    # Showing

    def refresh(self) -> None:
        """Show the moment's caption, or what the last step says."""
        guide = self.guide
        if guide.player.is_locked:
            return
        text = guide.caption() if self.has_moments else self._step_text()
        self.place.setText(self._place_text())
        if text != self._text:
            self._text = text
            self.caption.set_caption(text, from_top=True)
        self._fit_caption()

    def _place_text(self) -> str:
        guide, player = self.guide, self.guide.player
        if not self.has_moments:
            return f"{player.index:,} / {player.length:,}"
        back = "Enter: back to this moment   " if guide.is_away else ""
        return f"{back}{guide.place + 1} / {guide.count}"

    def _step_text(self) -> str:
        """The sentence and the formula of the last step as a caption."""
        player, project = self.guide.player, self.guide.document.project
        trace, step = player.trace, player.step
        if trace is None or step is None:
            return f"**{project.title}**" if project.title else "Press Page Down to step."
        told = explain(trace, step.quantity, self.guide.preferences.style)
        numbers = f" = {told.numbers.removeprefix('= ')}" if told.numbers else ""
        return f"{told.sentence.rstrip('.')}.\n\n${unmark(told.symbols + numbers)} {told.result}$"

    def _fit_caption(self) -> None:
        """Give the caption its height; one that needs too much of the screen is written a little smaller."""
        height, em = self.height(), theme().em
        margin = round(MARGIN * em)
        self._foot.setContentsMargins(margin, round(0.5 * margin), margin, round(0.7 * margin))
        room = max(100, self.width() - 2 * margin - self.place.sizeHint().width() - self._foot.spacing())
        points = max(POINTS, POINTS * height / HEIGHT)
        while True:
            self.caption.set_factor(points / theme().font("body").pointSizeF())
            needed = self.caption.height_for(room)
            if needed <= LARGEST_SHARE * height or points <= SMALLEST_POINTS:
                break
            points = max(SMALLEST_POINTS, 0.9 * points)
        self.caption.setFixedHeight(round(min(max(needed, SMALLEST_SHARE * height), LARGEST_SHARE * height)))

    # Keys

    def go(self, key: int) -> bool:
        """What a key does: the next or the former moment or step, the first or the last; whether it does anything."""
        guide, player = self.guide, self.guide.player
        with_moments = self.has_moments
        if key in FORWARD:
            guide.next() if with_moments else player.forward()
        elif key in BACK:
            guide.previous() if with_moments else player.back()
        elif key == Key.Key_Home:
            guide.show(0) if with_moments else player.go_to(0)
        elif key == Key.Key_End:
            guide.show(guide.count - 1) if with_moments else player.go_to(player.length)
        elif key in (Key.Key_Return, Key.Key_Enter) and with_moments and guide.is_away:
            guide.return_()
        elif key in (Key.Key_Escape, Key.Key_F5):
            self.close()
        else:
            return False
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if not (plain and self.go(event.key())):
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The canvas has a use of its own for some of these keys once it was clicked.
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            return plain and self.go(event.key())
        return super().eventFilter(watched, event)

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_caption()

    def closeEvent(self, event: QCloseEvent) -> None:
        view = self.view
        if not view.finish_editing():
            event.ignore()
            return
        view.removeEventFilter(self)
        view.clearFocus()
        self._home.insertWidget(self._home_place, view, 1)
        view.show()
        fitted, zoom, middle = self._zoom
        # When this window is no longer in front of it.
        QTimer.singleShot(0, self.window_presented, self.window_presented.activateWindow)
        if fitted:
            view.fit()
        else:
            view.zoom_to(zoom)
            view.centerOn(middle)
        view.setFocus()
        self._timer.stop()
        self.guide.changed.disconnect(self._timer.start)
        self.guide.refused.disconnect(view.show_message)
        event.accept()
        self.ended.emit()
