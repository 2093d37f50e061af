"""The preview of a table that is to be imported: its first rows, and above each column what it is for."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QMoveEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.import_table import Coding, ColumnRole, Use, role_choices
from core.table_file import Table
from nnviz_app.theme import theme

Index = QModelIndex | QPersistentModelIndex
PREVIEW_ROWS = 100


class PreviewModel(QAbstractTableModel):
    """The first rows of a table as they were written; cells that cannot be used are marked."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: Table | None = None
        self.roles: Sequence[ColumnRole] = ()

    def show(self, table: Table | None, roles: Sequence[ColumnRole]) -> None:
        """Show another table."""
        self.beginResetModel()
        self.table, self.roles = table, roles
        self.endResetModel()

    def show_roles(self, roles: Sequence[ColumnRole]) -> None:
        """Show the same table with other roles."""
        self.roles = roles
        if self.rowCount() and self.columnCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    def is_bad(self, row: int, column: int) -> bool:
        """Whether this cell cannot be used with its column's role."""
        role = self.roles[column]
        if self.table is None or role.use is Use.IGNORED:
            return False
        cells = self.table.columns[column]
        return bool(np.isnan(cells.values[row]) if role.coding is Coding.NUMBER else cells.missing[row])

    def rowCount(self, parent: Index | None = None) -> int:
        if self.table is None or (parent is not None and parent.isValid()):
            return 0
        return min(self.table.rows, PREVIEW_ROWS)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if self.table is None or (parent is not None and parent.isValid()) else len(self.table.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self.table is None or not index.isValid():
            return None
        row, column = index.row(), index.column()
        cells = self.table.columns[column]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cells.cells[row]
            case Qt.ItemDataRole.ToolTipRole:
                if self.is_bad(row, column):
                    kind = "number" if self.roles[column].coding is Coding.NUMBER else "class"
                    return f"This is not a {kind}." if cells.cells[row] else "This cell is empty."
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if cells.is_numeric else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole:
                bad = self.is_bad(row, column)
                ignored = self.roles[column].use is Use.IGNORED
                return theme().palette.color("error" if bad else "disabled_text" if ignored else "text")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self.table is None or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if orientation is Qt.Orientation.Horizontal:
            name = self.table.columns[section].name
            # A name is not to be taken for markup.
            return f"<qt>{html.escape(name)}</qt>" if role == Qt.ItemDataRole.ToolTipRole else name
        # As a spreadsheet or an editor counts, so that a sentence about row 17 leads to it.
        return str(self.table.row_numbers[section])


class CellDelegate(QStyledItemDelegate):
    """Paints a cell that cannot be used on a ground of its own, so that an empty one is seen too."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        if isinstance(model, PreviewModel) and model.is_bad(index.row(), index.column()):
            painter.fillRect(option.rect, theme().palette.color("error_tint"))  # type: ignore[attr-defined]
        super().paint(painter, option, index)


class RoleHeader(QHeaderView):
    """The columns' names, and room under each for the box with its role."""

    # Sections have other places: the boxes follow.
    moved = Signal()

    def __init__(self, view: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        self.view = view
        self.box_height = 0
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.sectionResized.connect(self.moved)
        view.horizontalScrollBar().valueChanged.connect(self.moved)

    @property
    def preview(self) -> PreviewModel:
        """What the table shows."""
        model = self.model()
        assert isinstance(model, PreviewModel)
        return model

    def fit(self) -> None:
        """Make each column as wide as its name, its role and its first cells, within reason."""
        table = self.preview.table
        if table is None:
            return
        measure = QFontMetrics(theme().font("body")).horizontalAdvance
        for section, column in enumerate(table.columns):
            texts = max(map(measure, (column.name, *column.cells[:20])))
            roles = max(measure(role.title) for role in role_choices(column))
            width = max(min(texts, theme().space(16)) + theme().space(1.5), roles + theme().space(3.9))
            self.resizeSection(section, width)

    def sizeHint(self) -> QSize:
        line = QFontMetrics(theme().font("body")).height()
        return QSize(super().sizeHint().width(), line + self.box_height + theme().space(0.9))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        palette = theme().palette
        table = self.preview.table
        if table is None:
            return
        painter.save()
        chosen = self.view.selectionModel().isColumnSelected(section, QModelIndex())
        painter.fillRect(rect, palette.color("selection" if chosen else "panel"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), palette.color("line"))
        ignored = self.preview.roles[section].use is Use.IGNORED
        painter.setFont(theme().font("body"))
        painter.setPen(palette.color("disabled_text" if ignored else "text"))
        side = theme().space(0.6)
        inner = rect.adjusted(side, theme().space(0.3), -side, 0)
        text = QFontMetrics(painter.font()).elidedText(
            table.columns[section].name, Qt.TextElideMode.ElideMiddle, inner.width()
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, text)
        painter.restore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.moved.emit()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self.moved.emit()


class PreviewTable(QWidget):
    """The preview with a box for each column's role. `role_chosen` carries the columns that are to have a role.

    Boxes are made when their column comes into sight. They lie over the header, not in it: the style sheet
    dresses what is inside a table as an editor of its cells.
    """

    role_chosen = Signal(list, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview = PreviewModel(self)
        self.view = QTableView()
        self.view.setModel(self.preview)
        self.view.setItemDelegate(CellDelegate(self.view))
        self.header = RoleHeader(self.view)
        self.view.setHorizontalHeader(self.header)
        self.view.setAccessibleName("Preview of the table")
        self.view.setTabKeyNavigation(False)
        self.view.setWordWrap(False)
        self.view.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        numbers = self.view.verticalHeader()
        numbers.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        numbers.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.strip = QWidget(self)
        self.boxes: dict[int, QComboBox] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.strip.raise_()
        self.header.moved.connect(self._place)
        theme().changed.connect(self._restyle)
        self._restyle()

    @property
    def rows(self) -> int:
        """How many rows the table has, those that are not shown too."""
        return self.preview.table.rows if self.preview.table is not None else 0

    def show_table(self, table: Table | None, roles: Sequence[ColumnRole]) -> None:
        """Show another table."""
        for box in self.boxes.values():
            box.hide()
            box.deleteLater()
        self.boxes.clear()
        self.preview.show(table, roles)
        self.header.fit()
        self._place()

    def show_roles(self, roles: Sequence[ColumnRole]) -> None:
        """Show other roles of the same table."""
        self.preview.show_roles(roles)
        for section in self.boxes:
            self._show_role(section)
        self.header.viewport().update()

    def box(self, section: int) -> QComboBox:
        """The box of a column."""
        if section not in self.boxes:
            table = self.preview.table
            assert table is not None
            box = self.boxes[section] = QComboBox(self.strip)
            box.setAccessibleName(f"Role of {table.columns[section].name}")
            box.setToolTip("What this column is for")
            for role in role_choices(table.columns[section]):
                box.addItem(role.title)
            box.activated.connect(lambda place: self._choose(section, place))
            box.installEventFilter(self)
            self._show_role(section)
            box.show()
        return self.boxes[section]

    def _show_role(self, section: int) -> None:
        self.boxes[section].setCurrentIndex(self.boxes[section].findText(self.preview.roles[section].title))

    def _choose(self, section: int, place: int) -> None:
        """What is chosen above one of the selected columns holds for all of them."""
        table = self.preview.table
        assert table is not None
        selected = [index.column() for index in self.view.selectionModel().selectedColumns()]
        role = role_choices(table.columns[section])[place]
        self.role_chosen.emit(selected if section in selected else [section], role)

    def _place(self) -> None:
        """Put each box under its column's name."""
        header = self.header
        across = header.viewport().width()
        gap, height = theme().space(0.25), header.box_height
        corner = header.viewport().mapTo(self, QPoint(0, header.height() - height - gap))
        self.strip.setGeometry(corner.x(), corner.y(), across, height)
        first, last = max(0, header.visualIndexAt(0)), header.visualIndexAt(across - 1)
        # One more than can be seen, so that Tab leads on.
        known = len(self.boxes)
        for section in range(first, min(header.count(), (last if last >= 0 else header.count()) + 2)):
            self.box(section)
        if len(self.boxes) > known:
            # From left to right where the cells were in the order, and the cells after them.
            for before, after in pairwise([self.view, *(self.boxes[i] for i in sorted(self.boxes)), self.view]):
                self.setTabOrder(before, after)
        for section, box in self.boxes.items():
            x, width = header.sectionViewportPosition(section), header.sectionSize(section)
            box.setGeometry(x + gap, 0, width - 2 * gap, height)

    def _restyle(self) -> None:
        self.header.box_height = self._box_height()
        self.view.verticalHeader().setDefaultSectionSize(theme().row_height)
        self.view.setMinimumHeight(self.header.sizeHint().height() + 3 * theme().row_height)
        self.header.fit()
        self._place()

    def _box_height(self) -> int:
        # Without a parent it is on no screen, and gone when this ends.
        box = QComboBox()
        box.addItem("Input")
        box.ensurePolished()
        return box.sizeHint().height()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QComboBox):
            if event.type() == QEvent.Type.Wheel:
                # The wheel moves the table, it does not change what a column is for.
                event.ignore()
                return True
            if event.type() == QEvent.Type.FocusIn and self.preview.rowCount():
                section = next((number for number, box in self.boxes.items() if box is watched), 0)
                self.view.scrollTo(self.preview.index(max(0, self.view.rowAt(0)), section))
        return super().eventFilter(watched, event)
