"""The table of samples as a Qt item model. It reads the dataset's arrays; nothing is kept per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from core.dataset import Dataset, column_title
from core.numbers import format_exact, format_number, parse_number
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.blocks import Block
from nnviz_app.panels.fields import try_edit
from nnviz_app.player import Player

Index = QModelIndex | QPersistentModelIndex
DIGITS = 6
NO_COLUMNS = "A sample needs a column to stand in: draw an input or output neuron first."


class DataModel(QAbstractTableModel):
    """One row a sample and one more to type new ones into; one column per input neuron and per target.

    Columns belong to neurons by their ids (`columns`) and stand in drawing order. Every change goes through
    the document as one undo entry; `refused` carries the sentence when one cannot be made.
    """

    refused = Signal(str)
    # The first of the samples that were just typed or pasted after the last row.
    added = Signal(int)

    def __init__(self, document: Document, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.player = document, player
        self.columns: list[str] = []
        self.input_count = 0
        self.titles: list[str] = []
        # States of the document are never changed, so the dataset on show can be kept as it is.
        self._dataset = Dataset()
        self._rows = 0
        document.changed.connect(self._follow)
        self._take()

    # Reading

    @property
    def rows(self) -> int:
        """The number of samples."""
        return self._rows

    def number(self, row: int, column: int) -> float:
        """One cell."""
        return self._dataset.value(row, self.columns[column])

    def is_target(self, column: int) -> bool:
        """Whether this column holds targets."""
        return column >= self.input_count

    def is_new_row(self, row: int) -> bool:
        """Whether this is the row at the end that new samples are typed into."""
        return row == self._rows

    def block(self, rows: Sequence[int], columns: Sequence[int]) -> list[list[float]]:
        """The numbers of these rows and columns."""
        values = [self._dataset.columns[self.columns[c]] for c in columns]
        return [[float(column[row]) for column in values] for row in rows]

    # Changing

    def _edit(self, text: str, change: Callable[[Project], object]) -> bool:
        sentence = try_edit(self.document, self.player, text, change)
        if sentence:
            self.refused.emit(sentence)
        return not sentence

    def set_number(self, row: int, column: int, value: float) -> bool:
        """Set one cell; in the row at the end this adds a sample."""
        title, neuron_id = self.titles[column], self.columns[column]
        if self.is_new_row(row):
            done = self._edit("Add row", lambda draft: draft.dataset.insert_rows(row, [{neuron_id: value}]))
            if done:
                self.added.emit(row)
            return done
        if self.number(row, column) == value:
            return True
        return self._edit(f"Set {title} in row {row + 1}", lambda draft: draft.dataset.set_value(row, neuron_id, value))

    def insert_rows(self, at: int, count: int = 1) -> bool:
        """Add samples, all 0, before row `at`."""
        if not self.columns:
            self.refused.emit(NO_COLUMNS)
            return False
        text = "Add row" if count == 1 else f"Add {count} rows"
        return self._edit(text, lambda draft: draft.dataset.insert_rows(at, [{}] * count))

    def delete_rows(self, rows: Sequence[int]) -> bool:
        """Take away samples."""
        text = f"Delete row {rows[0] + 1}" if len(rows) == 1 else f"Delete {len(rows):,} rows"
        return self._edit(text, lambda draft: draft.dataset.delete_rows(rows))

    def put_block(self, row: int, column: int, block: Block) -> bool:
        """Write a block with its first cell at (row, column); rows that are missing are added."""
        names = self.columns[column : column + block.width]
        rows = self._rows

        def change(draft: Project) -> None:
            missing = row + len(block.rows) - rows
            if missing > 0:
                fresh = [dict(zip(names, line, strict=True)) for line in block.rows[-missing:]]
                draft.dataset.insert_rows(rows, fresh)
            inside = block.rows[: max(0, rows - row)]
            draft.dataset.set_values(
                {
                    (row + place, name): value
                    for place, line in enumerate(inside)
                    for name, value in zip(names, line, strict=True)
                }
            )

        done = self._edit(f"Paste {len(block.rows):,} × {block.width} cells", change)
        if done and row == rows:
            self.added.emit(row)
        return done

    def fill(self, cells: Sequence[tuple[int, int]], value: float) -> bool:
        """Write one number into many cells."""
        numbers = {(row, self.columns[column]): value for row, column in cells}
        return self._edit(f"Paste into {len(numbers):,} cells", lambda draft: draft.dataset.set_values(numbers))

    # Following the document

    def _take(self) -> None:
        project = self.document.project
        network = project.network
        self.columns = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        self.input_count = len(network.inputs)
        self.titles = [column_title(network, i) for i in self.columns]
        self._dataset = project.dataset
        self._rows = project.dataset.rows if self.columns else 0

    def _follow(self, change: Change) -> None:
        if not (change.structure or change.data or change.project):
            return
        project = self.document.project
        network = project.network
        columns = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        if change.project or columns != self.columns or len(network.inputs) != self.input_count:
            self.beginResetModel()
            self._take()
            self.endResetModel()
            return
        # Cells are read anew in any case, so it does not matter which rows came or went, only how many.
        difference = project.dataset.rows - self._rows
        if difference > 0:
            # New rows come after the row for typing, which thereby becomes the first of them: the cell that a
            # person has just typed into stays current.
            self.beginInsertRows(QModelIndex(), self._rows + 1, self._rows + difference)
            self._take()
            self.endInsertRows()
        elif difference < 0:
            self.beginRemoveRows(QModelIndex(), self._rows + difference + 1, self._rows)
            self._take()
            self.endRemoveRows()
        else:
            self._take()
        if self.columns:
            self.dataChanged.emit(self.index(0, 0), self.index(self._rows, len(self.columns) - 1))

    # Qt

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if (parent is not None and parent.isValid()) or not self.columns else self._rows + 1

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        row, column = index.row(), index.column()
        if row >= self._rows:
            return "Type here to add a sample" if role == Qt.ItemDataRole.ToolTipRole else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return format_number(self.number(row, column), DIGITS)
            case Qt.ItemDataRole.EditRole:
                return format_exact(self.number(row, column))
            case Qt.ItemDataRole.ToolTipRole:
                return f"{self.titles[column]}, row {row + 1}: {format_exact(self.number(row, column))}"
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        return self.set_number(index.row(), index.column(), parse_number(str(value)))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Vertical:
            if role == Qt.ItemDataRole.DisplayRole:
                return "+" if section >= self._rows else f"{section + 1}"
            if role == Qt.ItemDataRole.ToolTipRole and section >= self._rows:
                return "Add a row"
            return None
        if not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            what = "The targets of the output neuron" if self.is_target(section) else "The values of the input neuron"
            return f"{what} {self.columns[section]}"
        return None
