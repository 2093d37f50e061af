"""The table that samples are typed into: what its keys and the mouse do."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QTableView,
    QWidget,
)

from nnviz_app.panels.data_cells import ENTER, TABS, CellDelegate, DataHeader, Index
from nnviz_app.panels.data_model import SEEN, DataModel
from nnviz_app.panels.data_rows import Mask, RowNumbers
from nnviz_app.theme import theme

NEW_ROW_HINT = "type or paste here to add samples"
_MOVES = frozenset(
    {
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Delete,
        Qt.Key.Key_Backspace,
        Qt.Key.Key_F2,
        *ENTER,
    }
)


class DataView(QTableView):
    """The table. Copying, pasting and deleting are asked of the panel."""

    copy_requested = Signal()
    cut_requested = Signal()
    paste_requested = Signal()
    delete_requested = Signal()
    new_row_requested = Signal()

    def __init__(self, model: DataModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown_row = -1
        # Which rows of the data are in the batch on show.
        self._batch: Mask = np.zeros(0, dtype=np.bool_)
        # Where the hint was last painted, and whether the mouse went down on it: by the time of the click, focus and
        # current cell have moved and it is gone.
        self._hint = QRect()
        self._is_hint_pressed = False
        self._delegate = CellDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setHorizontalHeader(DataHeader(Qt.Orientation.Horizontal, self))
        self.setVerticalHeader(DataHeader(Qt.Orientation.Vertical, self))
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setCornerButtonEnabled(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed | triggers.AnyKeyPressed)
        self.setModel(model)
        self.setSortingEnabled(True)
        model.about_to_rearrange.connect(self._give_up)
        self.clicked.connect(self._clicked)
        self.verticalHeader().sectionClicked.connect(self._header_clicked)
        for bar in (self.verticalScrollBar(), self.horizontalScrollBar()):
            bar.valueChanged.connect(self._delegate.follow_scrolling)
        theme().changed.connect(self.restyle)
        self.restyle()

    def model_(self) -> DataModel:
        """The model, by its own type."""
        model = self.model()
        assert isinstance(model, DataModel)
        return model

    def restyle(self) -> None:
        """Follow the theme's text size."""
        header = self.verticalHeader()
        header.setMinimumSectionSize(1)
        header.setDefaultSectionSize(theme().row_height)
        self.fit_columns()

    def fit_columns(self) -> None:
        """Make each column wide enough for its title and for six digits."""
        metrics = QFontMetrics(theme().font("body"))
        for column, title in enumerate(self.model_().titles):
            wanted = metrics.horizontalAdvance(title) + theme().space(2.5)
            if self.model_().scaling_words(column):
                wanted += metrics.horizontalAdvance(f" · {self.model_().scaling_words(column)}")
            self.setColumnWidth(column, min(max(theme().space(6.8), wanted), theme().space(18)))

    def fit_numbers(self) -> None:
        """Make the row numbers' column as wide as they and the test rows' marks need."""
        self.updateGeometries()

    # What is on show

    def show_row(self, place: int, batch: RowNumbers | range) -> None:
        """Tint the sample that the canvas shows, by its place, and less the rows of the batch that it belongs to."""
        self.shown_row = place
        self._batch = np.zeros(self.model_().samples, dtype=np.bool_)
        if len(batch) > 1:
            rows = np.asarray(batch, dtype=np.intp)
            # The player follows a change before the table does, which is told again once it has.
            self._batch[rows[rows < len(self._batch)]] = True
        self.viewport().update()
        self.verticalHeader().viewport().update()

    def ground(self, place: int) -> str:
        """The colour behind a sample; "" for the panel's own."""
        if place == self.shown_row:
            return "selection"
        row = self.model_().row_at(place)
        return "hover" if row < len(self._batch) and self._batch[row] else ""

    @property
    def is_block_selected(self) -> bool:
        """Whether more than one cell is selected."""
        parts = self.selected_parts()
        return len(parts) > 1 or any(part.width() * part.height() > 1 for part in parts)

    def selected_parts(self) -> list[QItemSelectionRange]:
        """The rectangles that are selected: of a whole table this is one, not a cell each."""
        return self.selectionModel().selection().toList()

    @property
    def sentence(self) -> str:
        """Why the cell being typed in is refused; "" while it is not."""
        return self._delegate.sentence

    def editor(self) -> QLineEdit | None:
        """The open editor, if there is one."""
        editor = self.indexWidget(self.currentIndex())
        return editor if isinstance(editor, QLineEdit) else None

    @property
    def is_editing(self) -> bool:
        """Whether a cell is being typed in."""
        return self.state() == QAbstractItemView.State.EditingState

    # Hands

    def go_on(self, event: QKeyEvent) -> None:
        """Move on after a cell is done: Enter down, Tab right, with Shift the other way."""
        back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        moves = QAbstractItemView.CursorAction
        if event.key() in ENTER:
            move = moves.MoveUp if back else moves.MoveDown
        else:
            move = moves.MovePrevious if back or event.key() == Qt.Key.Key_Backtab else moves.MoveNext
        index = self.moveCursor(move, Qt.KeyboardModifier.NoModifier)
        self.go_to(index.row(), index.column())

    def go_to(self, row: int, column: int) -> None:
        """Make a cell current and select it alone, whatever keys are held."""
        index = self.model().index(row, column)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def _clicked(self, index: QModelIndex) -> None:
        if self.model_().is_new_row(index.row()) and not self.is_editing:
            if self._is_hint_pressed:
                self.go_to(index.row(), 0)
            self.edit(self.currentIndex())

    def _header_clicked(self, row: int) -> None:
        if self.model_().is_new_row(row):
            self.new_row_requested.emit()

    def _holds_refused(self) -> bool:
        editor = self.editor() if self.is_editing else None
        return editor is not None and self._delegate.refuse(editor)

    def _give_up(self) -> None:
        """Forget what is being typed: another sample comes to stand there."""
        editor = self.editor()
        if editor is not None:
            editor.setModified(False)
            self._delegate.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.RevertModelCache)

    def reset(self) -> None:
        super().reset()
        self._delegate.hide_bubble()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self._delegate.hide_bubble()
        self.viewport().update()  # Qt paints the one cell only, but the hint goes across the row

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._holds_refused():
            event.accept()
            return
        self._is_hint_pressed = self._hint.contains(event.position().toPoint())
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        if self.model_().is_seen and self.indexAt(event.position().toPoint()).isValid():
            self.model_().refused.emit(SEEN)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._wants(event):
            event.accept()
            return True
        return super().event(event)

    @staticmethod
    def _wants(event: QKeyEvent) -> bool:
        """Whether a key is the table's, not the window's."""
        keys = QKeySequence.StandardKey
        if any(event.matches(key) for key in (keys.Copy, keys.Cut, keys.Paste, keys.SelectAll)):
            return True
        if event.key() in _MOVES:
            return not event.modifiers() & Qt.KeyboardModifier.AltModifier
        return DataView._types(event)

    @staticmethod
    def _types(event: QKeyEvent) -> bool:
        """Whether a key is the first of what is typed into a cell."""
        held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        return not held and len(event.text()) == 1 and event.text().isprintable() and event.text() != " "

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys, moves = QKeySequence.StandardKey, QAbstractItemView.CursorAction
        if event.matches(keys.Copy):
            self.copy_requested.emit()
        elif event.matches(keys.Cut):
            self.cut_requested.emit()
        elif event.matches(keys.Paste):
            self.paste_requested.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_requested.emit()
        elif event.key() in ENTER or (event.key() in TABS and not self._is_at_end(event.key() == Qt.Key.Key_Tab)):
            self.go_on(event)
        elif event.matches(keys.MoveToStartOfDocument) or event.matches(keys.MoveToEndOfDocument):
            # Left to Qt, Ctrl moves the frame and leaves the selection behind.
            move = moves.MoveHome if event.matches(keys.MoveToStartOfDocument) else moves.MoveEnd
            index = self.moveCursor(move, Qt.KeyboardModifier.ControlModifier)
            self.go_to(index.row(), index.column())
        elif event.key() == Qt.Key.Key_Space:
            event.ignore()
        elif self.model_().is_seen and (event.key() == Qt.Key.Key_F2 or self._types(event)):
            self.model_().refused.emit(SEEN)
        elif event.key() in TABS:
            # The table must not be a trap for the keyboard. While it navigates by Tab itself, Qt would send the
            # key back here.
            self.setTabKeyNavigation(False)
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
            self.setTabKeyNavigation(True)
        else:
            super().keyPressEvent(event)

    def _is_at_end(self, forward: bool) -> bool:
        index, model = self.currentIndex(), self.model_()
        if not index.isValid():
            return True
        last = (model.rows, len(model.columns) - 1)
        return (index.row(), index.column()) == (last if forward else (0, 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._hint = QRect()
        model = self.model_()
        is_here = self.hasFocus() or self.is_editing
        if not model.columns or model.is_seen or (is_here and model.is_new_row(self.currentIndex().row())):
            return
        top = self.rowViewportPosition(model.rows)
        if top > self.viewport().height():
            return
        painter = QPainter(self.viewport())
        painter.setFont(theme().font("small"))
        painter.setPen(theme().palette.color("muted_on_tint"))
        rect = QRect(theme().space(0.6), top, self.viewport().width() - theme().space(1.2), theme().row_height)
        text = QFontMetrics(painter.font()).elidedText(NEW_ROW_HINT, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        self._hint = QRect(0, top, rect.left() + painter.fontMetrics().horizontalAdvance(text), rect.height())
        painter.end()
