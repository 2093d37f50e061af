"""The recorder: makes moments out of what is on show, and writes their captions. No code is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QModelIndex, QSignalBlocker, QSize, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import NnvizError
from core.walkthrough import HIDEABLE
from nnviz_app.guide import Guide
from nnviz_app.panels.fields import MessageLabel, PanelArea, flat_button, keep_keys
from nnviz_app.panels.moment_words import first_words
from nnviz_app.recording import Recorder
from nnviz_app.theme import set_style_property, theme

HINT = "What is to be seen here? **Bold**, $formulas$; the buttons below insert a symbol or a live number."
NO_PANEL = "No panel"


class CaptionEditor(QPlainTextEdit):
    """Plain Markdown; undo and redo are the window's, as each change of the text is one of the document's."""

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(HINT)
        self.setAccessibleName("Caption")

    def show_text(self, text: str) -> None:
        """Show another text, with the cursor where it was."""
        cursor = self.textCursor()
        place = min(cursor.position(), len(text))
        with QSignalBlocker(self):
            self.setPlainText(text)
        cursor = self.textCursor()
        cursor.setPosition(place)
        self.setTextCursor(cursor)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
        ):
            event.ignore()
            return False
        return super().event(event)


class RecorderForm(PanelArea):
    """The moments as a list, and what the one on show says, hides and highlights."""

    # The caption as it is being typed: shown at once, kept when all its references can be read.
    draft_changed = Signal(str)

    def __init__(self, guide: Guide, parent: QWidget | None = None) -> None:
        super().__init__(QWidget(), parent)
        self.guide = guide
        self.recorder = Recorder(guide, self)
        self._place = -1
        # Whether what is typed cannot be kept as it is.
        self._is_draft = False
        self.message = MessageLabel()
        self.add_button = self._button(
            "Add this moment", "What is on show now, as a moment after this one", self.recorder.add
        )
        set_style_property(self.add_button, "primary", True)
        self.retake_button = self._button(
            "Retake", "Let this moment show what is on show now; its caption stays", self.recorder.retake
        )
        self.editor = CaptionEditor()
        self.editor.textChanged.connect(self._take_caption)
        self.symbol_button = self._button("Insert symbol", "", lambda: self._insert(""))
        self.number_button = self._button("Insert number", "", lambda: self._insert("="))
        self.offer = QLabel()
        set_style_property(self.offer, "role", "small")
        self.list = QListWidget()
        self.list.setAccessibleName("Moments")
        self.list.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.list.currentRowChanged.connect(self._show_chosen)
        self.list.model().rowsMoved.connect(self._take_order)
        self.up_button = self._tool("chevron-up", "Move this moment up", lambda: self._move(-1))
        self.down_button = self._tool("chevron-down", "Move this moment down", lambda: self._move(1))
        self.duplicate_button = self._tool("copy", "Duplicate this moment", self.recorder.duplicate)
        self.remove_button = self._tool("delete", "Remove this moment", self.recorder.remove)
        self.highlight_button = self._button(
            "Highlight selected", "Highlight what is selected on the canvas", lambda: self._mark(hide=False)
        )
        self.hide_button = self._button(
            "Hide selected", "Hide what is selected on the canvas", lambda: self._mark(hide=True)
        )
        self.clear_button = self._button("Show all", "Highlight nothing and hide nothing", self._show_all)
        self.boxes = {name: QCheckBox(name.capitalize()) for name in HIDEABLE}
        for name, box in self.boxes.items():
            box.setToolTip(f"Hide {name}")
            box.setAccessibleName(f"Hide {name}")
            box.clicked.connect(self._take_boxes)
            keep_keys(box)
        self.panel_box = QComboBox()
        self.panel_box.setAccessibleName("Panel to bring forward")
        self.panel_box.activated.connect(self._take_panel)
        self.set_panel_titles(())
        self._lay_out()
        for changed in (guide.spotlight.changed, guide.selection.changed, guide.inquiry.changed):
            changed.connect(self.refresh)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def _button(self, text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self._do(slot))
        keep_keys(button)
        return button

    def _tool(self, icon: str, tip: str, slot: Callable[[], object]) -> QToolButton:
        button = flat_button(icon, tip)
        button.clicked.connect(lambda: self._do(slot))
        return button

    def _lay_out(self) -> None:
        self._box = QVBoxLayout(self.widget())
        takes, inserts, marks = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        takes.addWidget(self.add_button)
        takes.addWidget(self.retake_button)
        inserts.addWidget(self.symbol_button)
        inserts.addWidget(self.number_button)
        marks.addWidget(self.highlight_button)
        marks.addWidget(self.hide_button)
        marks.addWidget(self.clear_button)
        for row in (takes, inserts, marks):
            row.addStretch(1)
        tools = QVBoxLayout()
        for button in (self.up_button, self.down_button, self.duplicate_button, self.remove_button):
            tools.addWidget(button)
        tools.addStretch(1)
        moments = QHBoxLayout()
        moments.addWidget(self.list, 1)
        moments.addLayout(tools)
        hidden = QGridLayout()
        for place, box in enumerate(self.boxes.values()):
            hidden.addWidget(box, place // 3, place % 3)
        self.hidden_label = QLabel("Hide")
        form = QFormLayout()
        form.addRow(self.hidden_label, hidden)
        form.addRow("Bring forward", self.panel_box)
        self._box.addLayout(takes)
        self._box.addWidget(self.message)
        self._box.addWidget(self.editor)
        self._box.addLayout(inserts)
        self._box.addWidget(self.offer)
        self._box.addLayout(marks)
        self._box.addLayout(form)
        self._box.addLayout(moments)
        self._box.addStretch(1)

    def set_panel_titles(self, titles: Iterable[str]) -> None:
        """Which panels a moment can bring forward."""
        self.panel_box.clear()
        self.panel_box.addItems([NO_PANEL, *titles])

    # Showing

    def refresh(self) -> None:
        """Show the moment that the guide shows; what is being typed stays."""
        if self.isHidden():
            return
        guide, moment = self.guide, self.guide.moment
        for widget in (self.editor, self.list, self.panel_box, self.retake_button, *self.boxes.values()):
            widget.setEnabled(moment is not None)
        offered = self.recorder.offered() if moment is not None else ""
        for button in (self.symbol_button, self.number_button):
            button.setEnabled(bool(offered))
        self.offer.setText(
            f"Inserts {offered}: select or click another number for that one."
            if offered
            else "Select a neuron or an edge, or make a step, to insert its symbol or number."
        )
        self.offer.setVisible(moment is not None)
        self.offer.setWordWrap(True)
        has_selection = bool(len(guide.selection)) and moment is not None
        self.highlight_button.setEnabled(has_selection)
        self.hide_button.setEnabled(has_selection)
        self.clear_button.setEnabled(bool(moment and (guide.spotlight.highlighted or guide.spotlight.hidden)))
        for name, box in self.boxes.items():
            box.setChecked(name in guide.spotlight.hidden)
        for tool, can in (
            (self.up_button, guide.place > 0),
            (self.down_button, not guide.is_last),
            (self.duplicate_button, moment is not None),
            (self.remove_button, moment is not None),
        ):
            tool.setEnabled(can)
        self._show_list()
        self._show_caption()
        panel = moment.panel if moment is not None else ""
        self.panel_box.setCurrentIndex(max(0, self.panel_box.findText(panel)) if panel else 0)

    def _show_list(self) -> None:
        rows = [f"{n}  {first_words(m.caption)}" for n, m in enumerate(self.guide.walkthrough.moments, 1)]
        with QSignalBlocker(self.list):
            if rows != [self.list.item(row).text() for row in range(self.list.count())]:
                self.list.clear()
                self.list.addItems(rows)
            self.list.setCurrentRow(self.guide.place if rows else -1)

    def _show_caption(self) -> None:
        place, moment = self.guide.place, self.guide.moment
        caption = moment.caption if moment is not None else ""
        if place != self._place:
            self._place, self._is_draft = place, False
            self.message.say("")
        if caption != self.editor.toPlainText() and not self._is_draft:
            self.editor.show_text(caption)

    # Changing

    def _do(self, change: Callable[[], object]) -> bool:
        """Make a change; say why where it is refused."""
        try:
            change()
        except NnvizError as error:
            self.message.say(str(error))
            return False
        self.message.say("")
        self.refresh()
        return True

    def _take_caption(self) -> None:
        text = self.editor.toPlainText()
        self.draft_changed.emit(text)
        self._is_draft = True
        self._is_draft = not self._do(lambda: self.recorder.set_caption(text))

    def _insert(self, number: str) -> None:
        self.editor.insertPlainText(f"[[{self.recorder.offered()}{number}]]")
        self.editor.setFocus()

    def _mark(self, *, hide: bool) -> None:
        spot, ids = self.guide.spotlight, frozenset(self.guide.selection.ids)
        if hide:
            spot.show_parts(spot.highlighted - ids, spot.hidden | ids)
        else:
            spot.show_parts(spot.highlighted | ids, spot.hidden - ids)
        self.recorder.take_parts()

    def _show_all(self) -> None:
        self.guide.spotlight.show_parts()
        self.recorder.take_parts()

    def _take_boxes(self) -> None:
        spot = self.guide.spotlight
        sorts = {name for name, box in self.boxes.items() if box.isChecked()}
        spot.show_parts(spot.highlighted, (spot.hidden - set(HIDEABLE)) | sorts)
        self._do(self.recorder.take_parts)

    def _take_panel(self, row: int) -> None:
        self._do(lambda: self.recorder.set_panel(self.panel_box.itemText(row) if row else ""))

    def _show_chosen(self, row: int) -> None:
        if row >= 0:
            self.guide.show(row)

    def _move(self, by: int) -> None:
        self.recorder.move(self.guide.place, self.guide.place + by)

    def _take_order(self, _parent: QModelIndex, start: int, _end: int, _to: QModelIndex, row: int) -> None:
        # When the list has come to an end of its own moving.
        to = row - 1 if row > start else row
        QTimer.singleShot(0, self, lambda: self._do(lambda: self.recorder.move(start, to)))

    # Qt

    def _restyle(self) -> None:
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.6), space(0.8), space(0.7))
        self._box.setSpacing(space(0.5))
        self.editor.setFixedHeight(space(7.5))
        self.list.setFixedHeight(space(9))

    def sizeHint(self) -> QSize:
        return QSize(theme().space(22), theme().space(24))
