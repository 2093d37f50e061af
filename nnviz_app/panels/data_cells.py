"""How the table of samples looks, and what happens while a cell of it is typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from core.errors import NnvizError
from core.numbers import parse_number
from nnviz_app.assets import icon_pixmap
from nnviz_app.panels.data_model import DataModel
from nnviz_app.panels.fields import MessageLabel
from nnviz_app.theme import set_style_property, theme

if TYPE_CHECKING:
    from nnviz_app.panels.data_view import DataView

Index = QModelIndex | QPersistentModelIndex
# What stands beside the number of a row that is held out.
TEST_MARK = "test"
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
TABS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


class CellEditor(QLineEdit):
    """The line that a cell is typed in. Several cells on the clipboard do not fit into it: the table pastes them."""

    block_pasted = Signal()

    @staticmethod
    def _holds_block() -> bool:
        text = QGuiApplication.clipboard().text()
        return any(mark in text for mark in "\t\r\n")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste) and self._holds_block():
            self.block_pasted.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        paste = menu.findChild(QAction, "edit-paste")
        if isinstance(paste, QAction) and self._holds_block():
            paste.triggered.disconnect()
            paste.triggered.connect(self.block_pasted)
        menu.popup(event.globalPos())


class CellDelegate(QStyledItemDelegate):
    """Paints a cell, and keeps its editor open with a sentence while what is typed is not a number."""

    def __init__(self, view: DataView) -> None:
        super().__init__(view)
        self.view = view
        self._bubble: MessageLabel | None = None

    # Editing

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = CellEditor(parent)
        editor.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        editor.setFrame(False)
        editor.textEdited.connect(lambda: self._recheck(editor))
        editor.block_pasted.connect(lambda: self._paste_block(editor))
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

    def _paste_block(self, editor: QLineEdit) -> None:
        editor.setModified(False)
        self.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.RevertModelCache)
        self.view.setFocus()
        self.view.go_to(self.view.currentIndex().row(), self.view.currentIndex().column())
        self.view.paste_requested.emit()

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
            if event.key() in (Qt.Key.Key_Escape, *ENTER, *TABS):
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in ENTER or event.key() in TABS:
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
            muted = "muted_on_tint" if ground else "muted"
            painter.setPen(palette.color(muted if model.is_test(index.row()) else "text"))
            inner = rect.adjusted(0, 0, -theme().space(0.6), 0)
            painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(text))
        painter.restore()


class DataHeader(QHeaderView):
    """Titles above, row numbers at the left; targets stand on a tint of their own, test rows are marked."""

    def __init__(self, orientation: Qt.Orientation, view: DataView) -> None:
        super().__init__(orientation, view)
        self.view = view
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        if orientation is Qt.Orientation.Horizontal:
            # A third click gives the data's own order back.
            self.setSortIndicatorClearable(True)
            self.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    def model_(self) -> DataModel:
        """The model, by its own type. A header gets it before its view does, and measures its sections at once."""
        model = self.model()
        assert isinstance(model, DataModel)
        return model

    def sectionSizeFromContents(self, section: int) -> QSize:
        size = super().sectionSizeFromContents(section)
        if self.orientation() is Qt.Orientation.Vertical:
            # As wide for any row, so that nothing moves when the table is sorted or scrolled.
            model = self.model_()
            text = f"{model.samples}+" + (f" {TEST_MARK}" if model.has_test_rows else "")
            size.setWidth(QFontMetrics(theme().font("body")).horizontalAdvance(text) + theme().space(1.2))
        return size

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        palette, view = theme().palette, self.view
        across = self.orientation() is Qt.Orientation.Horizontal
        model = self.model_()
        ground, color = "", "muted"
        if across:
            ground = "window" if model.is_target(section) else ""
        else:
            ground = view.ground(section)
            if section == view.shown_row:
                color = "text"
        muted = "muted_on_tint" if ground else "muted"
        painter.save()
        painter.fillRect(rect, palette.color(ground or "panel"))
        if across:
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), palette.color("line"))
            if section == model.input_count > 0:
                painter.fillRect(QRect(rect.left(), rect.top(), 1, rect.height()), palette.color("line"))
        inner = rect.adjusted(theme().space(0.4), 0, -theme().space(0.6), 0)
        if across and section == self.sortIndicatorSection():
            color = "text"
            inner.setRight(inner.right() - self._paint_arrow(painter, inner))
        elif not across and model.is_test(section):
            painter.setFont(theme().font("small"))
            painter.setPen(palette.color(muted))
            painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, TEST_MARK)
        painter.setFont(theme().font("body"))
        painter.setPen(palette.color(muted if color == "muted" else color))
        text = str(model.headerData(section, self.orientation()) or "")
        text = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def _paint_arrow(self, painter: QPainter, inner: QRect) -> int:
        """Draw which way the column is sorted at the right; return the width that this takes."""
        size = theme().space(0.9)
        up = self.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        ratio = self.devicePixelRatioF()
        arrow = icon_pixmap("chevron-up" if up else "chevron-down", theme().palette.color("accent"), size, ratio)
        painter.drawPixmap(inner.right() - size, inner.center().y() - size // 2, arrow)
        return size + theme().space(0.2)
