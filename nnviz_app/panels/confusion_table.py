"""The confusion table: how many rows of each true class were taken for which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.numbers import format_number
from nnviz_app.palette import mix
from nnviz_app.theme import theme

Index = QModelIndex | QPersistentModelIndex
Counts = NDArray[np.intp]
ROOT = QModelIndex()

# How much of its colour a cell of few and of all rows of its class has.
PALEST, FULLEST = 0.1, 0.45


class ConfusionModel(QAbstractTableModel):
    """Counts, shape (classes, classes), true classes down, predicted ones across."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.names: tuple[str, ...] = ()
        self.counts: Counts = np.zeros((0, 0), dtype=np.intp)
        # Where the row on show is counted.
        self.marked: tuple[int, int] | None = None

    def show_counts(self, names: tuple[str, ...], counts: Counts, marked: tuple[int, int] | None) -> None:
        """Show other counts; the table is laid out anew only where the classes are others."""
        if names != self.names:
            self.beginResetModel()
            self.names, self.counts, self.marked = names, counts, marked
            self.endResetModel()
        elif marked != self.marked or not np.array_equal(counts, self.counts):
            totals = not np.array_equal(counts.sum(axis=1), self.counts.sum(axis=1))
            self.counts, self.marked = counts, marked
            last = len(names) - 1
            self.dataChanged.emit(self.index(0, 0), self.index(last, last))
            if totals:
                self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, last)

    def share(self, true: int, found: int) -> float:
        """Which share of the rows of a class was taken for which; 0 where there are none."""
        total = int(self.counts[true].sum())
        return int(self.counts[true, found]) / total if total else 0.0

    def sentence(self, true: int, found: int) -> str:
        """A cell in words."""
        count, total = int(self.counts[true, found]), int(self.counts[true].sum())
        rows = f"{total:,} row{'' if total == 1 else 's'} of class {self.names[true]}"
        share = f" ({format_number(100 * self.share(true, found))} %)" if total else ""
        return f"{count:,} of {rows}{share} predicted as {self.names[found]}"

    # Qt

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.names)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        true, found = index.row(), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{self.counts[true, found]:,}"
            case Qt.ItemDataRole.ToolTipRole:
                mark = "\nThe row on show is one of them." if self.marked == (true, found) else ""
                return self.sentence(true, found) + mark
            case Qt.ItemDataRole.AccessibleTextRole:
                return self.sentence(true, found)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if section >= len(self.names):
            return None
        name = self.names[section]
        is_true = orientation is Qt.Orientation.Vertical
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return name
            case Qt.ItemDataRole.ToolTipRole if is_true:
                return f"True class {name}: {self.counts[section].sum():,} rows"
            case Qt.ItemDataRole.ToolTipRole:
                return f"Predicted class {name}: {self.counts[:, section].sum():,} rows"
        return None


def cell_color(share: float, *, right: bool) -> QColor:
    """The colour of a cell that holds this share, above 0, of the rows of its class."""
    palette = theme().palette
    return mix(palette.panel, palette.positive if right else palette.negative, PALEST + (FULLEST - PALEST) * share)


class _CellPainter(QStyledItemDelegate):
    """Paints count and percentage on the cell's colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ConfusionModel)
        true, found = index.row(), index.column()
        count, share = int(model.counts[true, found]), model.share(true, found)
        palette, middle = theme().palette, Qt.AlignmentFlag.AlignCenter
        rect = QRectF(option.rect).adjusted(1, 1, -1, -1)  # type: ignore[attr-defined]
        painter.save()
        # Over the style's own marks of what is selected.
        painter.fillRect(option.rect, palette.panel)  # type: ignore[attr-defined]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(cell_color(share, right=true == found) if count else palette.panel)
        radius = theme().space(0.25)
        painter.drawRoundedRect(rect, radius, radius)
        if option.state & QStyle.StateFlag.State_Selected:  # type: ignore[attr-defined]
            painter.setPen(QPen(palette.text, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)
        number, percentage = f"{count:,}", f"{format_number(100 * share, 3)} %"
        strong, small = theme().font("strong"), theme().font("small")
        gap = theme().space(0.4)
        width = QFontMetricsF(strong).horizontalAdvance(number)
        after = QFontMetricsF(small).horizontalAdvance(percentage)
        has_room = count > 0 and width + gap + after < rect.width() - gap
        painter.setFont(strong if count else theme().font("body"))
        painter.setPen(palette.text if count else palette.muted)
        if has_room:
            left = rect.center().x() - (width + gap + after) / 2
            beside = QRectF(left, rect.top(), width + 1, rect.height())
            painter.drawText(beside, middle, number)
            painter.setFont(small)
            painter.drawText(QRectF(left + width + gap, rect.top(), after + 1, rect.height()), middle, percentage)
        else:
            painter.drawText(rect, middle, number)
        if model.marked == (true, found):
            side = theme().space(0.4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.backward)
            painter.drawEllipse(QRectF(rect.right() - 1.5 * side, rect.top() + 0.5 * side, side, side))
        painter.restore()


class ConfusionView(QTableView):
    """Shows the counts; a cell can be chosen by mouse and by arrow keys."""

    def __init__(self, model: ConfusionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_CellPainter(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setAccessibleName("Confusion table: true classes down, predicted classes across")
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionsClickable(False)
            header.setTextElideMode(Qt.TextElideMode.ElideRight)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
        self.restyle()

    def restyle(self) -> None:
        """Follow the theme's text size."""
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.setMinimumSectionSize(theme().space(3.2))
        across.setMaximumSectionSize(theme().space(12))
        down.setMinimumSectionSize(theme().space(2.1))
        down.setMaximumSectionSize(theme().space(4))
        down.setMaximumWidth(theme().space(10))
        across.setFixedHeight(theme().row_height)
        self.viewport().update()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(8), theme().space(5))
