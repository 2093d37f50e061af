"""The base of panels about one parameter for the row on show."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QWidget

from core.book import RoundedTrace
from core.trace import Trace
from nnviz_app.document import Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.parameter_box import ParameterBox
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme


class ParameterPanel(QWidget):
    """A panel that shows something of the parameter in its `parameter_box`, or a sentence instead of all.

    It is refreshed when what it shows may have changed: `refresh` is called in the event loop's next turn, once for
    many signals, so that with a key held down only the last step is computed.
    """

    # Said during a run, and where there is nothing to show.
    running, empty = "", ""

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        inquiry: Inquiry,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.preferences = document, player, preferences
        # What the panel shows was made of.
        self._key: object = None
        self.parameter_box = ParameterBox(player, selection, inquiry, preferences)
        self.placeholder = QLabel(self.empty)
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        set_style_property(self.placeholder, "role", "muted")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.placeholder)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.refresh)
        for signal in (player.moved, selection.changed, inquiry.changed, preferences.changed, document.changed):
            signal.connect(self._wish)
        self.parameter_box.chosen.connect(self._wish)
        theme().changed.connect(self._restyle)

    def refresh(self) -> None:
        """Show what is there now; nothing is computed while the panel is hidden."""
        raise NotImplementedError

    @property
    def exact_trace(self) -> Trace | None:
        """The player's trace, before rounding where the numbers on show are rounded."""
        trace = self.player.trace
        return trace.exact if isinstance(trace, RoundedTrace) else trace

    def _wish(self, *_: object) -> None:
        # Some signals carry what a timer would take for its time.
        self._timer.start()

    def _find_trace(self) -> tuple[Trace | None, str]:
        """The trace with a loss and a parameter to show, or None and why there is none."""
        if self.player.is_locked:
            return None, self.running
        trace = self.exact_trace
        if trace is not None:
            self.parameter_box.sync()
            if trace.network.outputs and self.parameter_box.parameter:
                return trace, ""
        return None, self.player.problem or self.empty

    def _show_problem(self, sentence: str) -> None:
        self._key = None
        self.placeholder.setText(sentence)
        self._stack.setCurrentWidget(self.placeholder)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def _restyle(self) -> None:
        space = theme().space(1)
        self.placeholder.setContentsMargins(space, space, space, space)
        self._timer.start()
