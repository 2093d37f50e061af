"""The comparison in words and numbers: what is compared with, the largest difference, and a table of all parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFontMetrics, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.notation import Names
from core.numbers import NOT_COMPUTED, format_exact, format_number
from nnviz_app.comparison import Choice, Comparison, With
from nnviz_app.document import Change, Document
from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.forms import ElidedBox, WheelGuard
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("Parameter", "Reference", "Present", "Δ")
DELTA = len(COLUMNS) - 1
DIGITS = 5
# A number with the fewest digits needs no more room than this.
NARROWEST = "−0.00012"
OFF = "Two moments side by side: choose one to compare the present weights and biases with."


class ComparisonModel(QAbstractTableModel):
    """A row for each parameter. The column Δ sorts by size, whatever the sign; "–": not there in the reference."""

    def __init__(self, comparison: Comparison, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.comparison, self.preferences = comparison, preferences
        self._names: list[str] = []
        # Reference, present value and difference, shape (parameters, 3); NaN where there is no reference.
        self._numbers: NDArray[np.float64] = np.zeros((0, 3))
        self._order: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._sorted_by = DELTA, Qt.SortOrder.DescendingOrder
        # The pixels that a number has: too long for them, it is written with fewer digits.
        self.room = 0

    def refresh(self) -> None:
        """Take over what the comparison says now."""
        values, reference = self.comparison.document.project.network.values, self.comparison.reference
        names = list(values) if reference is not None else []
        others = names != self._names
        if others:
            self.beginResetModel()
        else:
            self.layoutAboutToBeChanged.emit()
        self._names = names
        self._numbers = np.full((len(names), 3), np.nan)
        if reference is not None:
            for column, known in enumerate((reference.values, values, self.comparison.differences)):
                self._numbers[:, column] = [known.get(name, np.nan) for name in names]
        self._sort()
        if others:
            self.endResetModel()
        else:
            self.layoutChanged.emit()

    def title(self, name: str) -> str:
        """What a parameter is called: w5, b(h1)."""
        return Names(self.comparison.document.project.network, self.preferences.notation).parameter(name)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted_by = column, order
        self.layoutAboutToBeChanged.emit()
        self._sort()
        self.layoutChanged.emit()

    def _sort(self) -> None:
        column, order = self._sorted_by
        down = order is Qt.SortOrder.DescendingOrder
        if column == 0:
            self._order = np.arange(len(self._names))[:: -1 if down else 1]
            return
        keys = self._numbers[:, column - 1]
        keys = np.abs(keys) if column == DELTA else keys
        # Stable, and what is not there last, in both directions.
        self._order = np.argsort(-keys if down else keys, kind="stable")

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._names)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            tips = {1: self.comparison.title, DELTA: "Present − reference; sorted by size, whatever the sign"}
            return tips.get(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = int(self._order[index.row()]), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if column == 0:
            if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                return None
            return self.title(self._names[row])
        value = float(self._numbers[row, column - 1])
        if role == Qt.ItemDataRole.ForegroundRole and column == DELTA and value:
            return theme().palette.weight(value)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if self._names[row] not in self.comparison.differences and column != 2:
            return NOT_COMPUTED
        sign = "+" if column == DELTA and value > 0 else ""
        if role == Qt.ItemDataRole.ToolTipRole:
            return sign + format_exact(value)
        metrics = QFontMetrics(theme().font("body"))
        for digits in range(DIGITS, 1, -1):
            text = sign + format_number(value, digits)
            if metrics.horizontalAdvance(text) <= self.room:
                break
        return text


class ComparisonTable(QWidget):
    """The box that chooses the reference, what differs most, and the table."""

    def __init__(
        self, document: Document, comparison: Comparison, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.document, self.comparison = document, comparison
        self._stale = True
        self.box = ElidedBox()
        self.box.setAccessibleName("Compare with")
        self.box.setSizeAdjustPolicy(ElidedBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(10)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.activated.connect(self._choose)
        self.off_button = QPushButton("Stop comparing")
        self.off_button.setToolTip("Show weights on the edges again")
        self.off_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.off_button.clicked.connect(comparison.switch_off)
        for control in (self.box, self.off_button):
            keep_keys(control)
        self.box.installEventFilter(WheelGuard(self))
        self.title_label, self.summary_label = QLabel("Compare with"), QLabel()
        self.title_label.setBuddy(self.box)
        self.summary_label.setWordWrap(True)
        for label in (self.title_label, self.summary_label):
            set_style_property(label, "role", "muted")
        self.model = ComparisonModel(comparison, preferences, self)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Differences")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(DELTA, Qt.SortOrder.DescendingOrder)
        header.sectionResized.connect(self._fit_numbers)
        self.view.setSortingEnabled(True)
        self._row = QHBoxLayout()
        self._row.addWidget(self.title_label)
        self._row.addWidget(self.box, 1)
        self._row.addWidget(self.off_button)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.addLayout(self._row)
        self._box.addWidget(self.summary_label)
        self._box.addWidget(self.view, 100)
        self._box.addStretch(1)
        comparison.changed.connect(self._show_again)
        comparison.runs.changed.connect(self._show_again)
        preferences.changed.connect(self._show_again)
        document.changed.connect(self._follow)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._fill()

    def _restyle(self) -> None:
        space = theme().space
        self._box.setSpacing(space(0.4))
        self._row.setSpacing(space(0.5))
        vertical = self.view.verticalHeader()
        vertical.setMinimumSectionSize(1)
        vertical.setDefaultSectionSize(theme().row_height)
        widest = QFontMetrics(theme().font("body")).horizontalAdvance(NARROWEST)
        self.view.horizontalHeader().setMinimumSectionSize(widest + self._padding())
        # A few rows at least.
        self.view.setMinimumHeight(6 * theme().row_height)

    @staticmethod
    def _padding() -> int:
        """What a cell keeps free beside its text, in pixels."""
        return 2 * theme().space(0.5) + 8

    def _fit_numbers(self) -> None:
        room = self.view.columnWidth(DELTA) - self._padding()
        if room != self.model.room:
            self.model.room = room
            self.view.viewport().update()

    # Choosing

    def _fill(self) -> None:
        """Offer what there is to compare with."""
        present, choice = self.document.project.updates, self.comparison.choice
        offered = [("Nothing", Choice()), ("The start, update 0", Choice(With.START))]
        for kept in self.comparison.runs.kept:
            offered.append((f"{kept.name}: the same update", Choice(With.SAME_UPDATE, kept)))
            offered.append((f"{kept.name}: its end, update {kept.run.last:,}", Choice(With.END, kept)))
        if choice.what is With.PINNED:
            offered.append((f"{self.comparison.title.capitalize()}, pinned", choice))
        # At the end: choosing it makes it the one before, which the arrow keys would not get past elsewhere.
        offered.append((f"This moment, update {present:,}", Choice(With.PINNED)))
        if [title for title, _ in offered] != [self.box.itemText(place) for place in range(self.box.count())]:
            self.box.clear()
            for title, _ in offered:
                self.box.addItem(title)
        self._offered = [each for _, each in offered]
        self.box.setCurrentIndex(self._offered.index(choice))
        self.box.setToolTip(self.box.currentText())

    def _choose(self, place: int) -> None:
        choice, comparison = self._offered[place], self.comparison
        if choice.kept is not None:
            comparison.with_run(choice.kept, at_end=choice.what is With.END)
        elif choice.what is With.START:
            comparison.with_start()
        elif choice.what is With.NOTHING:
            comparison.switch_off()
        elif place == len(self._offered) - 1:
            comparison.pin()

    # Following

    def _follow(self, change: Change) -> None:
        if change.affects_numbers or change.project:
            self._show_again()

    def _show_again(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Show the comparison as it is now."""
        self._stale = False
        self._fill()
        is_on = self.comparison.is_on
        self.off_button.setVisible(is_on)
        self.view.setVisible(is_on)
        self.model.refresh()
        self.summary_label.setText(self._summary() if is_on else OFF)

    def _summary(self) -> str:
        comparison, network = self.comparison, self.document.project.network
        opening = f"Δ = present (update {self.document.project.updates:,}) − {comparison.title}"
        largest, missing = comparison.largest, len(network.values) - len(comparison.differences)
        if largest is None:
            text = f"{opening}: no parameter is in both."
        elif not largest[1]:
            text = f"{opening}: nothing differs."
        else:
            name, value = largest
            text = f"{opening}: max |Δ| {format_number(abs(value), DIGITS)} at {self.model.title(name)}."
        if missing and largest is not None:
            text += f" {missing:,} not there then."
        return text
