"""The table that samples are typed into: its cells, its headers, and what its keys do."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
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
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.errors import NnvizError
from core.numbers import parse_number
from nnviz_app.panels.data_model import DataModel
from nnviz_app.panels.fields import MessageLabel
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
NEW_ROW_HINT = "type or paste here to add samples"
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_TABS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
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
        *_ENTER,
    }
)


class CellDelegate(QStyledItemDelegate):
    """Paints a cell, and keeps its editor open with a sentence while what is typed is not a number."""

    def __init__(self, view: DataView) -> None:
        super().__init__(view)
        self.view = view
        self._bubble: MessageLabel | None = None

    # Editing

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        editor.setFrame(False)
        editor.textEdited.connect(lambda: self._recheck(editor))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        # Qt asks again whenever data changes, and what is being typed must survive that.
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole) or ""))

    def setModelData(self, editor: QWidget, model: object, index: Index) -> None:
        if not isinstance(editor, QLineEdit) or not isinstance(model, DataModel):
            return
        if editor.isModified() and self._is_complete(editor):
            editor.setModified(False)
            model.setData(index, editor.text())

    @staticmethod
    def _sentence(editor: QLineEdit) -> str:
        try:
            parse_number(editor.text())
        except NnvizError as error:
            return str(error)
        return ""

    def _is_complete(self, editor: QLineEdit) -> bool:
        return not editor.isModified() or not self._sentence(editor)

    def refuse(self, editor: QLineEdit) -> bool:
        """Say below the editor why its text cannot be; False when it can."""
        if not editor.text().strip() and self.view.model_().is_new_row(self.view.currentIndex().row()):
            editor.setModified(False)  # nothing typed into the last row: no sample is meant
        if self._is_complete(editor):
            self.hide_bubble()
            return False
        set_style_property(editor, "invalid", True)
        self._show_bubble(editor, self._sentence(editor))
        editor.setFocus()
        return True

    def _recheck(self, editor: QLineEdit) -> None:
        if self._bubble is None:
            return
        sentence = self._sentence(editor)
        if sentence:
            self._show_bubble(editor, sentence)
        else:
            set_style_property(editor, "invalid", False)
            self.hide_bubble()

    def _show_bubble(self, editor: QLineEdit, sentence: str) -> None:
        window = self.view.window()
        if self._bubble is None or self._bubble.parent() is not window:
            self.hide_bubble()
            self._bubble = MessageLabel(window)
        bubble = self._bubble
        bubble.say(sentence)
        bubble.setFixedWidth(min(theme().space(20), window.width() - 8))
        bubble.adjustSize()
        self.place_bubble(editor)
        bubble.raise_()

    def place_bubble(self, editor: QLineEdit | None = None) -> None:
        """Put the sentence below the editor, or above it where there is no room."""
        editor = editor or self.view.editor()
        bubble = self._bubble
        if bubble is None or editor is None:
            return
        window = self.view.window()
        corner = editor.mapTo(window, QPoint(0, editor.height() + 2))
        if corner.y() + bubble.height() > window.height():
            corner.setY(corner.y() - editor.height() - bubble.height() - 4)
        corner.setX(max(4, min(corner.x(), window.width() - bubble.width() - 4)))
        bubble.move(corner)

    def follow_scrolling(self) -> None:
        """Keep the sentence beside its cell."""
        self.place_bubble()

    def hide_bubble(self) -> None:
        """Take the sentence away."""
        if self._bubble is not None:
            self._bubble.hide()
            self._bubble.deleteLater()
            self._bubble = None

    @property
    def sentence(self) -> str:
        """The sentence on show; "" while there is none."""
        return self._bubble.text() if self._bubble is not None else ""

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        if not isinstance(editor, QLineEdit):
            return super().eventFilter(editor, event)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Escape, *_ENTER, *_TABS):
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _ENTER or event.key() in _TABS:
                if not self.refuse(editor):
                    self.commitData.emit(editor)
                    self.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.NoHint)
                    self.view.setFocus()
                    self.view.go_on(event)
                return True
            if event.key() == Qt.Key.Key_Escape:
                editor.setModified(False)
                self.hide_bubble()
        elif event.type() == QEvent.Type.FocusOut and not self._is_complete(editor):
            # Left for another place: it stays open, marked, and is there when one comes back.
            set_style_property(editor, "invalid", True)
            self._show_bubble(editor, self._sentence(editor))
            return False
        return super().eventFilter(editor, event)

    # Painting

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        palette, view = theme().palette, self.view
        rect: QRect = option.rect  # type: ignore[attr-defined]
        selected = bool(option.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        ground = view.ground(index.row())
        if selected and (view.hasFocus() or view.is_block_selected):
            ground = "pressed"
        painter.save()
        if ground:
            painter.fillRect(rect, palette.color(ground))
        model = view.model_()
        if index.column() == model.input_count > 0 and not model.is_new_row(index.row()):
            painter.fillRect(QRect(rect.left(), rect.top(), 1, rect.height()), palette.color("line"))
        if index == view.currentIndex() and view.hasFocus():
            painter.setPen(theme().pen("accent", 1.0))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        text = index.data()
        if text:
            painter.setFont(theme().font("body"))
            painter.setPen(palette.color("text"))
            inner = rect.adjusted(0, 0, -theme().space(0.6), 0)
            painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(text))
        painter.restore()


class DataHeader(QHeaderView):
    """Titles above, row numbers at the left; targets stand on a tint of their own."""

    def __init__(self, orientation: Qt.Orientation, view: DataView) -> None:
        super().__init__(orientation, view)
        self.view = view
        self.setSectionsClickable(True)
        self.setHighlightSections(False)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        palette, view = theme().palette, self.view
        across = self.orientation() is Qt.Orientation.Horizontal
        model = view.model_()
        ground, color = "", "muted"
        if across:
            ground = "window" if model.is_target(section) else ""
        else:
            ground = view.ground(section)
            if section == view.shown_row:
                color = "text"
        painter.save()
        painter.fillRect(rect, palette.color(ground or "panel"))
        if across:
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), palette.color("line"))
            if section == model.input_count > 0:
                painter.fillRect(QRect(rect.left(), rect.top(), 1, rect.height()), palette.color("line"))
        painter.setFont(theme().font("body"))
        painter.setPen(palette.color("muted_on_tint" if ground and color == "muted" else color))
        inner = rect.adjusted(theme().space(0.4), 0, -theme().space(0.6), 0)
        text = str(model.headerData(section, self.orientation()) or "")
        text = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


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
        self.batch = range(0)
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
            width = max(theme().space(6.8), metrics.horizontalAdvance(title) + theme().space(1.4))
            self.setColumnWidth(column, min(width, theme().space(16)))

    # What is on show

    def show_row(self, row: int, batch: range) -> None:
        """Tint the row that the canvas shows, and less the batch that it belongs to."""
        self.shown_row, self.batch = row, batch
        self.viewport().update()
        self.verticalHeader().viewport().update()

    def ground(self, row: int) -> str:
        """The colour behind a row; "" for the panel's own."""
        if row == self.shown_row:
            return "selection"
        return "hover" if len(self.batch) > 1 and row in self.batch else ""

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
        if event.key() in _ENTER:
            move = moves.MoveUp if back else moves.MoveDown
        else:
            move = moves.MovePrevious if back or event.key() == Qt.Key.Key_Backtab else moves.MoveNext
        self.setCurrentIndex(self.moveCursor(move, Qt.KeyboardModifier.NoModifier))

    def _clicked(self, index: QModelIndex) -> None:
        if self.model_().is_new_row(index.row()) and not self.is_editing:
            self.edit(index)

    def _header_clicked(self, row: int) -> None:
        if self.model_().is_new_row(row):
            self.new_row_requested.emit()

    def _holds_refused(self) -> bool:
        editor = self.editor() if self.is_editing else None
        return editor is not None and self._delegate.refuse(editor)

    def reset(self) -> None:
        super().reset()
        self._delegate.hide_bubble()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self._delegate.hide_bubble()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._holds_refused():
            event.accept()
            return
        super().mousePressEvent(event)

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
        held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        return not held and len(event.text()) == 1 and event.text().isprintable() and event.text() != " "

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = QKeySequence.StandardKey
        if event.matches(keys.Copy):
            self.copy_requested.emit()
        elif event.matches(keys.Cut):
            self.cut_requested.emit()
        elif event.matches(keys.Paste):
            self.paste_requested.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_requested.emit()
        elif event.key() in _ENTER:
            self.go_on(event)
        elif event.key() == Qt.Key.Key_Space:
            event.ignore()
        elif event.key() in _TABS and self._is_at_end(event.key() == Qt.Key.Key_Tab):
            # The table must not be a trap for the keyboard.
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
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
        model = self.model_()
        if not model.columns or (self.is_editing and self.currentIndex().row() == model.rows):
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
        painter.end()
