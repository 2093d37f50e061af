"""What a number is made of, as a tree: every quantity opens into those of its own formula, down to what is given."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeView, QWidget

from core.derivation import Derivation, root
from core.explanation import explain
from core.notation import Writer
from core.numbers import NOT_COMPUTED, format_exact, format_number
from core.quantities import Kind, Quantity
from core.trace import Trace
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import theme

Index = QModelIndex | QPersistentModelIndex
# Rows in sight at most; the others are scrolled to.
MOST_ROWS = 12
_GIVEN = {
    Kind.INPUT: "input",
    Kind.WEIGHT: "parameter",
    Kind.BIAS: "parameter",
    Kind.TARGET: "target",
    Kind.MASK: "dropout",
    Kind.FORMER_1: "remembered",
    Kind.FORMER_2: "remembered",
}


class _Row:
    """A quantity at its place in the tree."""

    def __init__(self, derivation: Derivation, parent: _Row | None, place: int) -> None:
        self.derivation, self.parent, self.place = derivation, parent, place
        self._children: list[_Row] | None = None

    @property
    def quantity(self) -> Quantity:
        return self.derivation.quantity

    @property
    def children(self) -> list[_Row]:
        if self._children is None:
            self._children = [_Row(child, self, i) for i, child in enumerate(self.derivation.children)]
        return self._children


class DerivationModel(QAbstractItemModel):
    """The tree below one quantity. Rows are made when they are opened, texts when they are painted."""

    def __init__(self, player: Player, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.player, self.preferences = player, preferences
        self._root: _Row | None = None
        # Qt keeps only a pointer to a row.
        self._rows: dict[int, _Row] = {}

    @property
    def trace(self) -> Trace | None:
        """The trace that the numbers are from."""
        return self._root.derivation.trace if self._root is not None else None

    def show_quantity(self, trace: Trace | None, quantity: Quantity | None) -> None:
        """Show what another quantity is made of."""
        self.beginResetModel()
        self._rows.clear()
        self._root = _Row(root(trace, quantity), None, 0) if trace is not None and quantity is not None else None
        self.endResetModel()

    def quantity(self, index: Index) -> Quantity | None:
        """What a row is about."""
        row = self._row(index)
        return row.quantity if row is not None and index.isValid() else None

    def _row(self, index: Index) -> _Row | None:
        return self._rows.get(index.internalId()) if index.isValid() else self._root

    # Qt

    def index(self, row: int, column: int, parent: Index | None = None) -> QModelIndex:
        above = self._row(parent if parent is not None else QModelIndex())
        if above is None or not 0 <= row < len(above.children):
            return QModelIndex()
        child = above.children[row]
        self._rows[id(child)] = child
        return self.createIndex(row, column, id(child))

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        row = self._row(index)
        if row is None or row.parent is None or row.parent is self._root:
            return QModelIndex()
        self._rows[id(row.parent)] = row.parent
        return self.createIndex(row.parent.place, 0, id(row.parent))

    def hasChildren(self, parent: Index | None = None) -> bool:
        row = self._row(parent if parent is not None else QModelIndex())
        return row is not None and not row.derivation.is_leaf

    def rowCount(self, parent: Index | None = None) -> int:
        row = self._row(parent if parent is not None else QModelIndex())
        return len(row.children) if row is not None and (parent is None or parent.column() <= 0) else 0

    def columnCount(self, parent: Index | None = None) -> int:
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, trace = self._row(index), self.trace
        if row is None or trace is None or not index.isValid():
            return None
        quantity = row.quantity
        if role == Qt.ItemDataRole.DisplayRole:
            return self._value(trace, quantity) if index.column() else self._formula(trace, row)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column():
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and not index.column() and row.derivation.is_leaf:
            return theme().palette.color("muted_on_tint")
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(trace, quantity)
        return None

    def _formula(self, trace: Trace, row: _Row) -> str:
        quantity = row.quantity
        sample = f"sample {quantity.sample + 1}: " if trace.batch > 1 and self._is_mixed(row) else ""
        if row.derivation.is_leaf:
            name = Writer(trace, self.preferences.style).name(quantity)
            return f"{sample}{name}  ({_GIVEN[quantity.kind]})" if quantity.kind in _GIVEN else f"{sample}{name}"
        told = explain(trace, quantity, self.preferences.style)
        left = told.formula.partition(" = ")[0]
        # A product's formula is its name.
        is_name = left.replace(" ", "") == told.title.replace(" ", "")
        return sample + (told.formula if is_name else f"{told.title} = {told.formula}")

    @staticmethod
    def _is_mixed(row: _Row) -> bool:
        """Whether the rows beside this one are from several samples."""
        above = row.parent
        return above is not None and len({child.quantity.sample for child in above.children[:2]}) > 1

    def _value(self, trace: Trace, quantity: Quantity) -> str:
        if not trace.is_revealed(quantity, self.player.index):
            return NOT_COMPUTED
        return format_number(trace.value(quantity), self.preferences.style.digits)

    def _tool_tip(self, trace: Trace, quantity: Quantity) -> str:
        told = explain(trace, quantity, self.preferences.style)
        if not trace.is_revealed(quantity, self.player.index):
            return f"{told.sentence}.\nNot computed yet."
        return f"{told.sentence}.\n{told.title} = {format_exact(trace.value(quantity))}"


class DerivationView(QTreeView):
    """The tree as it is shown: a double click or Enter asks for a row's own derivation, the pointer lights it."""

    rows_changed = Signal()

    def __init__(self, model: DerivationModel, inquiry: Inquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inquiry = inquiry
        self.setModel(model)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setAllColumnsShowFocus(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What the number is made of")
        self.header().setStretchLastSection(False)
        self.header().setMinimumSectionSize(1)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.expanded.connect(self._fit)
        self.collapsed.connect(self._fit)
        model.modelReset.connect(self._fit)

    @property
    def derivation(self) -> DerivationModel:
        """The model."""
        model = self.model()
        assert isinstance(model, DerivationModel)
        return model

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self.setIndentation(theme().space(1.0))
        self._fit()

    def _fit(self) -> None:
        """As high as the rows that are open, up to a limit beyond which it scrolls."""
        rows = 0
        index = self.model().index(0, 0)
        while index.isValid() and rows < MOST_ROWS:
            rows += 1
            index = self.indexBelow(index)
        height = self.rowHeight(self.model().index(0, 0)) if rows else 0
        self.setFixedHeight(rows * height + 2)
        self.rows_changed.emit()

    def _ask(self, index: QModelIndex) -> None:
        quantity = self.derivation.quantity(index)
        if quantity is not None:
            self.inquiry.point_at(None)  # the rows under the pointer are others now
            self.inquiry.follow(quantity)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self.inquiry.point_at(self.derivation.quantity(self.indexAt(event.position().toPoint())))

    def leaveEvent(self, event: object) -> None:
        self.inquiry.point_at(None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self._ask(index)
        else:
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._ask(self.currentIndex())
        elif event.key() == Qt.Key.Key_Backspace and self.inquiry.trail:
            self.inquiry.go_back()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
