"""The walkthrough panel: the caption of a moment, the way through the moments, and, on demand, the recorder."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz_app.caption import CaptionView
from nnviz_app.guide import Guide
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.panels.fields import MessageLabel, flat_button, keep_keys
from nnviz_app.panels.moment_words import first_words
from nnviz_app.panels.recorder import RecorderForm
from nnviz_app.theme import set_style_property, theme

EMPTY = (
    "A walkthrough leads through a network moment by moment, with words beside the drawing. "
    "Open one on the left, or record one of your own."
)
NO_MOMENT = "Bring the network to where it should be shown, then press “Add this moment”."
AWAY = "You have changed something."


class AwayBar(QFrame):
    """Says that the learner has left the moment, and leads back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_style_property(self, "message", "info")
        self.label = QLabel(AWAY)
        self.label.setWordWrap(True)
        self.button = QPushButton("Back to this moment")
        self.button.setToolTip("Network, row and step as the moment has them; your change stays in the history")
        keep_keys(self.button)
        self.row = QHBoxLayout(self)
        self.row.addWidget(self.label, 1)
        self.row.addWidget(self.button)


class WalkthroughPanel(QWidget):
    """Shows the guide's moment and goes on to others; "Record" opens the form that makes moments."""

    examples_requested = Signal()
    present_requested = Signal()

    def __init__(self, guide: Guide, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.guide = guide
        self._shown: tuple[int, bool] | None = None
        self._stale = True
        self.title = ElidedLabel()
        set_style_property(self.title, "role", "strong")
        self.moments_button = QToolButton()
        self.moments_button.setAutoRaise(True)
        self.moments_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.moments_button.setToolTip("All moments")
        self.moments_menu = QMenu(self.moments_button)
        self.moments_menu.aboutToShow.connect(self._fill_menu)
        self.moments_button.setMenu(self.moments_menu)
        self.present_button = flat_button("present", "Present on the whole screen (F5)")
        self.present_button.clicked.connect(self.present_requested)
        self.record_button = QToolButton()
        self.record_button.setText("Record")
        self.record_button.setCheckable(True)
        self.record_button.setAutoRaise(True)
        self.record_button.setToolTip("Make a walkthrough, or change this one")
        self.record_button.toggled.connect(self._set_recording)
        self.away = AwayBar()
        self.away.button.clicked.connect(guide.return_)
        self.message = MessageLabel()
        self.caption = CaptionView(1.08)
        self.source = QLabel()
        self.source.setWordWrap(True)
        self.source.setTextFormat(Qt.TextFormat.PlainText)
        self.source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_style_property(self.source, "role", "small")
        self.previous_button = QPushButton("Previous")
        self.previous_button.setToolTip("The moment before (Page Up)")
        self.previous_button.clicked.connect(guide.previous)
        self.next_button = QPushButton("Next")
        self.next_button.setToolTip("The next moment (Page Down)")
        self.next_button.clicked.connect(guide.next)
        set_style_property(self.next_button, "primary", True)
        self.empty = QLabel(EMPTY)
        self.empty.setWordWrap(True)
        set_style_property(self.empty, "role", "muted")
        # Keeps what is said of no walkthrough at the top.
        self.rest = QWidget()
        self.open_button = QPushButton("Show the walkthroughs")
        self.open_button.clicked.connect(self.examples_requested)
        self.begin_button = QPushButton("Record one")
        self.begin_button.clicked.connect(lambda: self.record_button.setChecked(True))
        for button in (self.previous_button, self.next_button, self.open_button, self.begin_button):
            keep_keys(button)
        for tool in (self.moments_button, self.record_button):
            keep_keys(tool)
        self.recorder = RecorderForm(guide)
        self.recorder.draft_changed.connect(self._show_draft)
        self._lay_out()
        guide.changed.connect(self.refresh)
        guide.refused.connect(self.message.say)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def _lay_out(self) -> None:
        reader = QWidget()
        # The two choices stand below each other: beside each other they would make the whole left side wider.
        self._head, self._buttons, self._choices = QHBoxLayout(), QHBoxLayout(), QVBoxLayout()
        self._head.addWidget(self.title, 1)
        self._head.addWidget(self.moments_button)
        self._head.addWidget(self.present_button)
        self._head.addWidget(self.record_button)
        self._buttons.addWidget(self.previous_button)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self.next_button)
        for button in (self.open_button, self.begin_button):
            self._choices.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._box = QVBoxLayout(reader)
        self._box.addLayout(self._head)
        self._box.addWidget(self.empty)
        self._box.addLayout(self._choices)
        self._box.addWidget(self.away)
        self._box.addWidget(self.message)
        self._box.addWidget(self.caption, 1)
        self._box.addWidget(self.rest, 1)
        self._box.addWidget(self.source)
        self._box.addLayout(self._buttons)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(reader)
        self.splitter.addWidget(self.recorder)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.splitter)

    def set_panel_titles(self, titles: Iterable[str]) -> None:
        """Which panels a moment can bring forward."""
        self.recorder.set_panel_titles(titles)

    @property
    def is_recording(self) -> bool:
        """Whether the recorder is open."""
        return self.record_button.isChecked()

    # Showing

    def refresh(self) -> None:
        """Show where the guide is."""
        if not self.isVisible() and self._shown is not None:
            self._stale = True
            return
        self._stale = False
        guide, project = self.guide, self.guide.document.project
        has_moments = guide.count > 0
        is_empty = not has_moments and not self.is_recording
        for widget in (self.empty, self.open_button, self.begin_button, self.rest):
            widget.setVisible(is_empty)
        for widget in (self.caption, self.previous_button, self.next_button):
            widget.setVisible(not is_empty)
        for tool in (self.moments_button, self.present_button):
            tool.setVisible(has_moments)
        self.title.setText(project.title or "Walkthrough" if has_moments or self.is_recording else "")
        self.title.setToolTip(self.title.text())
        self.moments_button.setText(f"{guide.place + 1} / {guide.count}")
        self.moments_button.setAccessibleName(f"Moment {guide.place + 1} of {guide.count}")
        self.previous_button.setEnabled(guide.place > 0)
        self.next_button.setEnabled(not guide.is_last)
        self.away.setVisible(has_moments and guide.is_away and not self.is_recording)
        self.source.setText(f"Source: {project.source}")
        self.source.setVisible(has_moments and guide.is_last and bool(project.source) and not self.is_recording)
        shown = (guide.place, has_moments)
        moved = shown != self._shown
        if moved or not guide.is_away:
            self.message.say("")
        self._shown = shown
        if not guide.player.is_locked:
            self.caption.set_caption(guide.caption() if has_moments else NO_MOMENT, from_top=moved)
        self.recorder.refresh()

    def _show_draft(self, text: str) -> None:
        """Show what is being typed, also while it cannot be kept."""
        self.caption.set_caption(self.guide.caption(text))

    def _fill_menu(self) -> None:
        self.moments_menu.clear()
        for place, moment in enumerate(self.guide.walkthrough.moments):
            action = self.moments_menu.addAction(f"{place + 1}  {first_words(moment.caption)}".replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(place == self.guide.place)
            action.triggered.connect(lambda _checked=False, place=place: self.guide.show(place))
        if self.guide.spotlight.hidden:
            self.moments_menu.addSeparator()
            self.moments_menu.addAction("Show what this moment hides", self.guide.spotlight.show_parts)

    def _set_recording(self, recording: bool) -> None:
        self.recorder.setVisible(recording)
        self.refresh()
        if recording:
            self.splitter.setSizes([round(share * self.height()) for share in (0.4, 0.6)])
            self.recorder.add_button.setFocus()

    def _restyle(self) -> None:
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.8), space(0.7))
        self._box.setSpacing(space(0.5))
        self._head.setSpacing(space(0.2))
        self.away.row.setContentsMargins(space(0.7), space(0.4), space(0.5), space(0.4))

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(theme().space(22), theme().space(20))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_PageDown:
            self.guide.next()
        elif event.key() == Qt.Key.Key_PageUp:
            self.guide.previous()
        else:
            super().keyPressEvent(event)
