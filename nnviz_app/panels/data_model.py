"""The table of samples as a Qt item model. It reads the dataset's arrays; nothing is kept per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from core.dataset import Column, Dataset, column_title
from core.numbers import format_exact, format_number, parse_number
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.blocks import Block
from nnviz_app.panels.data_rows import (
    Condition,
    Mask,
    RowKind,
    RowNumbers,
    choose_rows,
    parse_conditions,
    wrongly_classified,
)
from nnviz_app.panels.fields import try_edit
from nnviz_app.player import Player

Index = QModelIndex | QPersistentModelIndex
DIGITS = 6
# While parameters change, the rows that are wrongly classified are looked up again this many milliseconds later.
LOOK_AGAIN = 250
NO_COLUMNS = "A sample needs a column to stand in: draw an input or output neuron first."
SEEN = "These are the numbers as the network sees them: switch that off to change what was entered."
SCALING_WORDS = {"standardize": "standardized", "range": "0 to 1"}


class DataModel(QAbstractTableModel):
    """One row a sample and one more to type new ones into; one column per input neuron and per target.

    Columns belong to neurons by their ids (`columns`) and stand in drawing order. Filters and sorting decide which
    sample stands at which place: `row_at` and `place_of` translate between a place in the table and the number of
    the dataset's row. Every change goes through the document as one undo entry; `refused` carries the sentence
    when one cannot be made.
    """

    refused = Signal(str)
    # The dataset's row of the first of the samples that were just typed or pasted after the last place.
    added = Signal(int)
    # Other samples will be shown, or in another order; they are now.
    about_to_rearrange = Signal()
    rearranged = Signal()

    def __init__(self, document: Document, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.player = document, player
        self.columns: list[str] = []
        self.input_count = 0
        self.titles: list[str] = []
        # What is shown, and how.
        self.kind = RowKind.ALL
        self.is_seen = False
        self.is_rearranging = False
        self._conditions: tuple[Condition, ...] = ()
        self._sort_column, self._descending = -1, False
        # States of the document are never changed, so the dataset on show can be kept as it is.
        self._dataset = Dataset()
        self._values: list[Column] = []
        self._order: RowNumbers | None = None
        self._places: RowNumbers | None = None
        self._keeps_order = False
        self._look_again = QTimer(self, singleShot=True, interval=LOOK_AGAIN)
        self._look_again.timeout.connect(self._rearrange)
        document.changed.connect(self._follow)
        self._take()

    # Reading

    @property
    def rows(self) -> int:
        """The number of samples on show."""
        return self.samples if self._order is None else len(self._order)

    @property
    def samples(self) -> int:
        """The number of samples in the data."""
        return self._dataset.rows if self.columns else 0

    @property
    def is_arranged(self) -> bool:
        """Whether the table shows some samples only, or another order than the data's."""
        return self._order is not None

    @property
    def dataset(self) -> Dataset:
        """The data on show, to be read only."""
        return self._dataset

    def row_at(self, place: int) -> int:
        """The number of the dataset's row at a place in the table; of a new one after the last place."""
        if place >= self.rows:
            return self.samples + place - self.rows
        return place if self._order is None else int(self._order[place])

    def rows_at(self, places: Sequence[int]) -> list[int]:
        """The numbers of the dataset's rows at these places."""
        return [self.row_at(place) for place in places]

    def place_of(self, row: int) -> int:
        """Where a row of the dataset stands in the table; -1 where it does not."""
        if self._order is None:
            return row if 0 <= row < self.samples else -1
        if self._places is None:
            self._places = np.full(self.samples, -1, dtype=np.intp)
            self._places[self._order] = np.arange(len(self._order))
        return int(self._places[row]) if 0 <= row < len(self._places) else -1

    def number(self, place: int, column: int) -> float:
        """One cell."""
        return float(self._values[column][self.row_at(place)])

    def is_target(self, column: int) -> bool:
        """Whether this column holds targets."""
        return column >= self.input_count

    def is_test(self, place: int) -> bool:
        """Whether the sample at this place is held out of training."""
        return place < self.rows and bool(self._dataset.test[self.row_at(place)])

    def is_new_row(self, place: int) -> bool:
        """Whether this is the row at the end that new samples are typed into."""
        return place == self.rows and not self.is_seen

    @property
    def has_test_rows(self) -> bool:
        """Whether any sample is held out of training."""
        return bool(self._dataset.test.any())

    def scaling_words(self, column: int) -> str:
        """How this column is scaled, such as "standardized"; "" when it is not."""
        return " · ".join(SCALING_WORDS[s.kind] for s in self._dataset.scalings_of(self.columns[column]))

    def block(self, places: Sequence[int], columns: Sequence[int]) -> list[list[float]]:
        """The numbers at these places and in these columns."""
        values = [self._values[c] for c in columns]
        return [[float(column[row]) for column in values] for row in self.rows_at(places)]

    # Which samples, in which order

    def set_kind(self, kind: RowKind) -> None:
        """Show all rows, those for training, those for testing, or those that are wrongly classified."""
        if kind is not self.kind:
            self.kind = kind
            self._rearrange()

    def set_filter(self, text: str) -> None:
        """Show the samples only for which a filter holds ("" for all). Raises DataError when it is none."""
        conditions = parse_conditions(text, self.titles, self.columns)
        if conditions != self._conditions:
            self._conditions = conditions
            self._rearrange()

    def set_seen(self, seen: bool) -> None:
        """Show the numbers as the network sees them, which cannot be changed, or as they were entered."""
        if seen != self.is_seen:
            self._show(seen, keep=False)
            if self.columns:
                self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        chosen = (column, order is Qt.SortOrder.DescendingOrder)
        if chosen != (self._sort_column, self._descending):
            self._sort_column, self._descending = chosen
            self._rearrange()

    def _rearrange(self) -> None:
        self._show(self.is_seen, keep=False)

    def _kept_rows(self, dataset: Dataset) -> Mask | None:
        match self.kind:
            case RowKind.TRAINING:
                return ~dataset.test
            case RowKind.TEST:
                return dataset.test
            case RowKind.WRONG:
                return wrongly_classified(self.document.project)
        return None

    def _show(self, seen: bool, *, keep: bool) -> None:
        """Take over the document's data; with `keep` in the order as it is, new samples at the end."""
        before, total = self._order, self.rowCount()
        rows_before = self.samples
        dataset = self.document.project.dataset
        values = [dataset.seen(i) if seen else dataset.columns[i] for i in self.columns]
        if keep and before is not None:
            order: RowNumbers | None = np.concatenate([before, np.arange(rows_before, dataset.rows)])
        else:
            order = choose_rows(
                dataset.rows,
                values,
                kept=self._kept_rows(dataset),
                conditions=self._conditions,
                sort_column=self._sort_column,
                descending=self._descending,
            )
        rows = (dataset.rows if order is None else len(order)) if self.columns else 0
        wanted = rows + (0 if seen or not self.columns else 1)
        is_other = seen != self.is_seen or before is not None or order is not None
        self.is_rearranging = is_other and not keep
        if self.is_rearranging:
            self.about_to_rearrange.emit()

        def take() -> None:
            self._dataset, self._values, self.is_seen = dataset, values, seen
            self._order, self._places = order, None

        # Cells are read anew in any case, so it does not matter which rows came or went, only how many.
        if wanted > total:
            # New rows come after the row for typing, which thereby becomes the first of them: the cell that a
            # person has just typed into stays current.
            self.beginInsertRows(QModelIndex(), total, wanted - 1)
            take()
            self.endInsertRows()
        elif wanted < total:
            self.beginRemoveRows(QModelIndex(), wanted, total - 1)
            take()
            self.endRemoveRows()
        else:
            take()
        if wanted and self.columns:
            self.dataChanged.emit(self.index(0, 0), self.index(wanted - 1, len(self.columns) - 1))
            self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, wanted - 1)
        if self.is_rearranging:
            self.is_rearranging = False
            self.rearranged.emit()

    # Changing

    def edit(self, text: str, change: Callable[[Project], object], *, keeps_order: bool = False) -> bool:
        """Change the project as one undo entry, or say why not."""
        # A row must not jump away, or vanish, while a person types into it.
        self._keeps_order = keeps_order
        try:
            sentence = try_edit(self.document, self.player, text, change)
        finally:
            self._keeps_order = False
        if sentence:
            self.refused.emit(sentence)
        return not sentence

    def _edit_numbers(self, text: str, change: Callable[[Project], object]) -> bool:
        if self.is_seen:
            self.refused.emit(SEEN)
            return False
        return self.edit(text, change, keeps_order=True)

    def set_number(self, place: int, column: int, value: float) -> bool:
        """Set one cell; in the row at the end this adds a sample."""
        title, neuron_id, row = self.titles[column], self.columns[column], self.row_at(place)
        if self.is_new_row(place):
            done = self._edit_numbers("Add row", lambda draft: draft.dataset.insert_rows(row, [{neuron_id: value}]))
            if done:
                self.added.emit(row)
            return done
        if self.number(place, column) == value:
            return True
        return self._edit_numbers(
            f"Set {title} in row {row + 1}", lambda draft: draft.dataset.set_value(row, neuron_id, value)
        )

    def insert_rows(self, at: int, count: int = 1) -> bool:
        """Add samples, all 0, before place `at`; in a filtered or sorted table only after the last one."""
        if not self.columns:
            self.refused.emit(NO_COLUMNS)
            return False
        text, row = "Add row" if count == 1 else f"Add {count} rows", self.row_at(at)
        return self._edit_numbers(text, lambda draft: draft.dataset.insert_rows(row, [{}] * count))

    def delete_rows(self, places: Sequence[int]) -> bool:
        """Take away samples."""
        rows = self.rows_at(places)
        text = f"Delete row {rows[0] + 1}" if len(rows) == 1 else f"Delete {len(rows):,} rows"
        return self.edit(text, lambda draft: draft.dataset.delete_rows(rows))

    def set_test(self, places: Sequence[int], test: bool) -> bool:
        """Hold samples out of training, or use them for it."""
        rows = self.rows_at(places)
        what = f"row {rows[0] + 1}" if len(rows) == 1 else f"{len(rows):,} rows"
        text = f"Hold out {what}" if test else f"Train with {what}"
        return self.edit(text, lambda draft: draft.dataset.set_test(rows, test))

    def put_block(self, place: int, column: int, block: Block) -> bool:
        """Write a block with its first cell at (place, column); rows that are missing are added."""
        names = self.columns[column : column + block.width]
        samples, end = self.samples, place + len(block.rows)
        inside = self.rows_at(range(place, min(end, self.rows)))

        def change(draft: Project) -> None:
            fresh = [dict(zip(names, line, strict=True)) for line in block.rows[len(inside) :]]
            if fresh:
                draft.dataset.insert_rows(samples, fresh)
            draft.dataset.set_values(
                {
                    (row, name): value
                    for row, line in zip(inside, block.rows, strict=False)
                    for name, value in zip(names, line, strict=True)
                }
            )

        done = self._edit_numbers(f"Paste {len(block.rows):,} × {block.width} cells", change)
        if done and not inside:
            self.added.emit(samples)
        return done

    def fill(self, cells: Sequence[tuple[int, int]], value: float) -> bool:
        """Write one number into many cells."""
        numbers = {(self.row_at(place), self.columns[column]): value for place, column in cells}
        return self._edit_numbers(f"Paste into {len(numbers):,} cells", lambda draft: draft.dataset.set_values(numbers))

    # Following the document

    def _take(self) -> None:
        project = self.document.project
        network = project.network
        self.columns = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        self.input_count = len(network.inputs)
        self.titles = [column_title(network, i) for i in self.columns]
        self.kind, self.is_seen, self._conditions = RowKind.ALL, False, ()
        self._sort_column, self._descending = -1, False
        self._order = self._places = None
        self._dataset = project.dataset
        self._values = [project.dataset.columns[i] for i in self.columns]

    def _follow(self, change: Change) -> None:
        if change.values and self.kind is RowKind.WRONG and not self._look_again.isActive():
            self._look_again.start()
        if not (change.structure or change.data or change.project):
            return
        network = self.document.project.network
        columns = [n.id for n in network.inputs] + [n.id for n in network.outputs]
        if change.project or columns != self.columns or len(network.inputs) != self.input_count:
            self.beginResetModel()
            self._take()
            self.endResetModel()
            return
        scaled = self._dataset.scalings
        self._show(self.is_seen, keep=self._keeps_order)
        if self._dataset.scalings != scaled and self.columns:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    # Qt

    def rowCount(self, parent: Index | None = None) -> int:
        if (parent is not None and parent.isValid()) or not self.columns:
            return 0
        return self.rows + (0 if self.is_seen else 1)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags if self.is_seen else flags | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        place, column = index.row(), index.column()
        if place >= self.rows:
            return "Type here to add a sample" if role == Qt.ItemDataRole.ToolTipRole else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return format_number(self.number(place, column), DIGITS)
            case Qt.ItemDataRole.EditRole:
                return format_exact(self.number(place, column))
            case Qt.ItemDataRole.ToolTipRole:
                return self._tooltip(place, column)
        return None

    def _tooltip(self, place: int, column: int) -> str:
        row, name = self.row_at(place), self.columns[column]
        entered = f"{self.titles[column]}, row {row + 1}: {format_exact(self._dataset.value(row, name))}"
        if not self._dataset.scalings_of(name):
            return entered
        return f"{entered} as entered\n{format_exact(float(self._dataset.seen(name)[row]))} as the network sees it"

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        return self.set_number(index.row(), index.column(), parse_number(str(value)))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Vertical:
            is_new = self.is_new_row(section)
            if role == Qt.ItemDataRole.DisplayRole:
                return "+" if is_new else f"{self.row_at(section) + 1}"
            if role == Qt.ItemDataRole.ToolTipRole:
                test = "A test row: training leaves it out" if self.is_test(section) else None
                return "Add a row" if is_new else test
            return None
        if not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            words = self.scaling_words(section)
            return f"{self.titles[section]} · {words}" if words else self.titles[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._header_tooltip(section)
        return None

    def _header_tooltip(self, column: int) -> str:
        what = "The targets of the output neuron" if self.is_target(column) else "The values of the input neuron"
        lines = [f"{what} {self.columns[column]}"]
        for step in self._dataset.scalings_of(self.columns[column]):
            shift, scale = format_exact(step.shift), format_exact(step.scale)
            shift = f"({shift})" if step.shift < 0 else shift
            lines.append(f"{SCALING_WORDS[step.kind]}: the network sees (value − {shift}) / {scale}")
        return "\n".join([*lines, "Click to sort"])
