"""A line above the canvas for one sentence: what could not be done, where, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from nnviz_app.assets import themed_icon
from nnviz_app.theme import set_style_property


class NoticeBar(QFrame):
    """Shows a sentence until it is dismissed or the next one comes. It never takes the keyboard."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        close = QToolButton()
        close.setToolTip("Dismiss this message")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.setAutoRaise(True)
        close.clicked.connect(self.hide)
        themed_icon(close, "close")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.addWidget(self.label)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence on show, empty when there is none."""
        return "" if self.isHidden() else self.label.text()

    def show_message(self, text: str, kind: str = "error") -> None:
        """Show a sentence; `kind` is "info", "warning", "error" or "success"."""
        set_style_property(self, "message", kind)
        self.label.setText(text)
        self.show()
