"""Small parts that panels are made of: fields that commit or refuse, rows that show one number, messages."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QLineEdit, QScrollArea, QToolButton, QWidget

from core.errors import NnvizError
from core.numbers import format_exact, parse_number
from core.project import Project
from nnviz_app.assets import themed_icon
from nnviz_app.document import Document
from nnviz_app.player import Player
from nnviz_app.theme import set_style_property, theme

RUNNING = "Training is running: stop it first, then change this."

# Keys that a focused button, box or list works with, and that the window would otherwise step or play with.
_CONTROL_KEYS = frozenset(
    {
        Qt.Key.Key_Space,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
    }
)
# Keys that belong to the window unless a field has something to take back.
_HISTORY_KEYS = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


def try_edit(document: Document, player: Player, text: str, change: Callable[[Project], object]) -> str:
    """Make `change` one undo entry called `text`; return "" or, when it is refused, the sentence why."""
    if player.is_locked:
        return RUNNING
    try:
        with document.edit(text) as draft:
            change(draft)
    except NnvizError as error:
        return str(error)
    return ""


def copy_text(text: str) -> None:
    """Put text on the clipboard."""
    QGuiApplication.clipboard().setText(text)


class _KeyKeeper(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in _CONTROL_KEYS:
                event.accept()
        return super().eventFilter(watched, event)


def keep_keys(widget: QWidget) -> None:
    """Let a focused control have Space, arrows and Enter before the window's shortcuts take them."""
    widget.installEventFilter(_KeyKeeper(widget))


class Field(QLineEdit):
    """One line of text. Enter and leaving commit it, Esc gives up; what is refused stays, marked.

    `committed` carries the new text. `refused` carries the sentence why a text cannot be, or "" when that
    no longer holds.
    """

    committed = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept = ""
        self.textEdited.connect(self._edited)

    def show_text(self, text: str, *, force: bool = False) -> None:
        """Show the text of the document; what a person is typing stays unless `force`."""
        self._kept = text
        if force or not self.isModified():
            self.give_up()

    def give_up(self) -> None:
        """Forget what was typed."""
        was_refused = bool(self.property("invalid"))
        if self.text() != self._kept:
            self.setText(self._kept)
            self.setCursorPosition(0)
        self.setModified(False)
        set_style_property(self, "invalid", False)
        if was_refused:
            self.refused.emit("")

    def refuse(self, sentence: str) -> None:
        """Keep what was typed, marked as refused."""
        self.setModified(True)
        set_style_property(self, "invalid", True)
        self.refused.emit(sentence)

    def check(self, text: str) -> str:
        """Why this text cannot be; "" when it can. To be overridden."""
        return "" if text.strip() else "A name cannot be empty: type a letter or digit first."

    def commit(self) -> None:
        """Take over what was typed, if anything was."""
        if not self.isModified():
            return
        text = self.text()
        sentence = self.check(text)
        if sentence:
            self.refuse(sentence)
            return
        self.setModified(False)
        set_style_property(self, "invalid", False)
        self.refused.emit("")
        self.committed.emit(text)

    def _edited(self) -> None:
        if self.property("invalid") and not self.check(self.text()):
            set_style_property(self, "invalid", False)
            self.refused.emit("")

    # Qt

    def event(self, event: QEvent) -> bool:
        # Esc, undo and redo belong to the field while there is something to give up, and to the window otherwise.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape and self.isModified():
                event.accept()
                return True
            if not self.isModified() and any(event.matches(key) for key in _HISTORY_KEYS):
                event.ignore()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.commit()
            if not self.property("invalid"):
                self.selectAll()
        elif event.key() == Qt.Key.Key_Escape and self.isModified():
            self.give_up()
            self.selectAll()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # A menu over the field or another window in front is not leaving it.
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self.commit()


class NumberField(Field):
    """A number, typed in any of the ways that `parse_number` reads; shown at full precision."""

    changed_to = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.committed.connect(self._announce)

    def show_value(self, value: float, *, force: bool = False) -> None:
        """Show the number of the document."""
        self.setToolTip(format_exact(value))  # all of it, where the field is too narrow
        self.show_text(format_exact(value), force=force)

    def check(self, text: str) -> str:
        try:
            parse_number(text)
        except NnvizError as error:
            return str(error)
        return ""

    def _announce(self, text: str) -> None:
        value = parse_number(text)
        self.show_value(value, force=True)
        self.changed_to.emit(value)


class MessageLabel(QLabel):
    """A sentence in the colours of its kind; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # From the start: Qt takes a label's padding over when the label first gets its style, not later.
        self.setProperty("message", "error")
        self.hide()

    def say(self, sentence: str, kind: str = "error") -> None:
        """Show a sentence ("" for none) as an "error", "warning", "info" or "success"."""
        set_style_property(self, "message", kind)
        self.setText(sentence)
        self.setVisible(bool(sentence))


class PanelArea(QScrollArea):
    """Scrolls a panel's content up and down; never narrower than the content, so that nothing is cut off."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        width = self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, theme().space(6))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


def flat_button(icon: str, text: str) -> QToolButton:
    """A button that shows an icon only and says its name when pointed at."""
    button = QToolButton()
    button.setToolTip(text)
    button.setAccessibleName(text)
    button.setAutoRaise(True)
    themed_icon(button, icon)
    keep_keys(button)
    return button
