"""The data panel: the table of samples with its buttons, clipboard and messages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.dataset import Scaling
from core.errors import NnvizError
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.blocks import format_block, parse_block
from nnviz_app.panels.data_bar import DataBar
from nnviz_app.panels.data_model import DataModel
from nnviz_app.panels.data_rows import is_classification
from nnviz_app.panels.data_view import DataView
from nnviz_app.panels.fields import MessageLabel, copy_text, flat_button
from nnviz_app.panels.split_dialog import SplitDialog
from nnviz_app.player import Player
from nnviz_app.theme import set_style_property, theme

__all__ = ["DataModel", "DataPanel", "DataView"]

EMPTY = "No columns yet. Choose data, or draw an input neuron for each feature and an output neuron for each target."
NO_TARGETS = "Draw an output neuron to give samples a target."
NO_INPUTS = "Draw an input neuron to give samples a feature."
WHOLE_ROWS = "To delete samples, select their rows by the numbers at the left, or press “Delete rows”."
NO_COLUMNS_SELECTED = "Select a cell of each column first."


class DataPanel(QWidget):
    """The samples. The row that is current here is the one that the canvas shows, and the other way round.

    `choose_requested` and `import_requested`: a person asks for other data; the window knows how.
    """

    choose_requested = Signal()
    import_requested = Signal()

    def __init__(self, document: Document, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.player = document, player
        self.model = DataModel(document, player, self)
        self.view = DataView(self.model)
        self.view.setAccessibleName("Samples")
        self.message = MessageLabel()
        self.bar = DataBar(self.model)
        self.split_dialog: SplitDialog | None = None
        self._seed = 1
        self._shown = -1
        self._is_classification = False
        self._scalings: tuple[Scaling, ...] = ()
        self.count = QLabel()
        set_style_property(self.count, "role", "small")
        self.add_button = flat_button("add-row", "Add row")
        self.add_button.clicked.connect(self.add_row)
        self.delete_button = flat_button("delete-row", "Delete rows")
        self.delete_button.clicked.connect(self.delete_rows)
        empty = QLabel(EMPTY)
        empty.setWordWrap(True)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_style_property(empty, "role", "muted")
        self.empty = empty
        self._head = QHBoxLayout()
        for widget, stretch in ((self.bar, 1), (self.add_button, 0), (self.delete_button, 0)):
            self._head.addWidget(widget, stretch)
        table = QWidget()
        layout = QVBoxLayout(table)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.count)
        layout.addWidget(self.view, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(empty)
        self.stack.addWidget(table)
        self._table = table
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._head)
        outer.addWidget(self.stack, 1)
        outer.addWidget(self.message)
        self.view.copy_requested.connect(self.copy)
        self.view.cut_requested.connect(self.cut)
        self.view.paste_requested.connect(self.paste)
        self.view.delete_requested.connect(self._delete_key)
        self.view.new_row_requested.connect(self.add_row)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._open_menu)
        numbers = self.view.verticalHeader()
        numbers.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        numbers.customContextMenuRequested.connect(self._open_row_menu)
        titles = self.view.horizontalHeader()
        titles.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        titles.customContextMenuRequested.connect(self._open_column_menu)
        self.bar.choose_requested.connect(self.choose_requested)
        self.bar.import_requested.connect(self.import_requested)
        self.bar.split_requested.connect(self.ask_split)
        self.bar.scaling_requested.connect(self._scale)
        self.bar.refused.connect(self.message.say)
        self.model.rearranged.connect(self._rearranged)
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self.view.selectionModel().selectionChanged.connect(self._update_buttons)
        self.model.refused.connect(self.message.say)
        self.model.added.connect(player.select_row)
        self.model.modelReset.connect(self._columns_changed)
        document.changed.connect(self._document_changed)
        player.moved.connect(self._follow_player)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._columns_changed()

    # Following

    def _columns_changed(self) -> None:
        self.stack.setCurrentWidget(self._table if self.model.columns else self.empty)
        for button in (self.add_button, self.delete_button):
            button.setVisible(bool(self.model.columns))
        self.message.say("")
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._look_at_targets()
        self.view.fit_columns()
        self._describe()
        self._shown = -1
        self._follow_player()

    def _document_changed(self, change: Change) -> None:
        # The model, which is connected first, has taken over the change by now.
        if change.data or change.structure or change.settings:
            if change.data:
                self._look_at_targets()
            self._describe()
            self._follow_player()

    def _look_at_targets(self) -> None:
        self._is_classification = is_classification(self.document.project)
        if self._scalings != self.model.dataset.scalings:
            self._scalings = self.model.dataset.scalings
            self.view.fit_columns()

    def _describe(self) -> None:
        model, settings = self.model, self.document.project.settings
        rows = model.samples
        parts = [f"{rows:,} sample{'' if rows == 1 else 's'}"]
        if model.rows != rows:
            parts[0] = f"{model.rows:,} of {parts[0]}"
        if model.has_test_rows:
            parts.append(f"{int(model.dataset.test.sum()):,} for testing")
        trained = len(model.dataset.training_rows)
        if settings.batch_size != 1 and trained > 1:
            size = settings.batch_size or trained
            parts.append("one batch" if size >= trained else f"batches of {size:,}")
        if model.is_seen:
            parts.append("as the network sees them")
        if self.model.columns and not self.model.input_count:
            parts.append(NO_INPUTS)
        elif self.model.columns and self.model.input_count == len(self.model.columns):
            parts.append(NO_TARGETS)
        self.count.setText(" · ".join(parts))
        self.bar.refresh(is_classification=self._is_classification)
        self.view.fit_numbers()
        self._update_buttons()

    def _update_buttons(self) -> None:
        self.delete_button.setEnabled(bool(self.selected_rows()))

    def _follow_player(self) -> None:
        model = self.model
        row = self.player.row if model.samples else -1
        if row >= model.samples:
            return  # the model has not taken over the change yet; it calls again
        is_other, self._shown = row != self._shown, row
        place = model.place_of(row)
        self.view.show_row(place, self.player.batch_rows if model.samples else range(0))
        current = self.view.currentIndex()
        if place >= 0 and is_other and current.row() != place and not self.view.is_editing:
            self.view.go_to(place, max(0, current.column()))

    def _rearranged(self) -> None:
        """The sample on show stays the same one, wherever it stands now."""
        column = max(0, self.view.currentIndex().column())
        self.view.selectionModel().clear()
        self._describe()
        self._follow_player()
        if self.view.shown_row >= 0:
            self.view.go_to(self.view.shown_row, column)

    def _current_changed(self, current: QModelIndex) -> None:
        model = self.model
        if current.isValid() and not model.is_rearranging and current.row() < model.rows:
            self.player.select_row(model.row_at(current.row()))

    def _restyle(self) -> None:
        space = theme().space
        self._head.setContentsMargins(0, 0, space(0.4), 0)
        self._head.setSpacing(space(0.1))
        self.count.setContentsMargins(space(0.9), 0, space(0.4), space(0.1))
        self.empty.setMargin(space(1))
        self.view.setMinimumHeight(2 * theme().row_height)
        self.bar.restyle()

    # What is selected

    def selected_rows(self) -> list[int]:
        """The samples of which some cell is selected."""
        rows: set[int] = set()
        for part in self.view.selected_parts():
            rows.update(range(part.top(), part.bottom() + 1))
        return sorted(row for row in rows if row < self.model.rows)

    def selected_columns(self) -> list[int]:
        """The columns of which some cell is selected."""
        columns: set[int] = set()
        for part in self.view.selected_parts():
            columns.update(range(part.left(), part.right() + 1))
        return sorted(columns)

    # Actions

    def add_row(self) -> None:
        """Add a sample at the end and go there."""
        self.insert_row(self.model.rows)

    def insert_row(self, at: int) -> None:
        """Add a sample before row `at` and go there."""
        self.message.say("")
        column = max(0, self.view.currentIndex().column())
        if self.model.insert_rows(at):
            self.view.go_to(at, column)
            self.view.setFocus()

    def hold_out(self, test: bool) -> None:
        """Hold the selected samples out of training, or use them for it."""
        self.message.say("")
        rows = self.selected_rows()
        if rows:
            self.model.set_test(rows, test)

    def ask_split(self) -> None:
        """Ask for the share of test rows and a seed, and split."""
        self.message.say("")
        dataset = self.model.dataset
        share = dataset.test.mean() if self.model.has_test_rows else 0.2
        dialog = SplitDialog(self.model.samples, float(share), self._seed, self)
        dialog.accepted.connect(self._split)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._split_asked)
        self.split_dialog = dialog
        dialog.open()

    def _split(self) -> None:
        dialog = self.split_dialog
        if dialog is None:
            return
        share, seed = dialog.share, dialog.seed
        self._seed = seed
        text = f"Split: {round(100 * share)} % test rows, seed {seed}" if share else "Train with all rows"
        self.model.edit(text, lambda draft: draft.dataset.split(share, seed))

    def _split_asked(self) -> None:
        self.split_dialog = None

    def _scale(self, kind: str, whose: str) -> None:
        model = self.model
        places: Sequence[int] = range(len(model.columns))
        if whose == "inputs":
            places = range(model.input_count)
        elif whose == "targets":
            places = range(model.input_count, len(model.columns))
        elif whose == "selected":
            places = self.selected_columns()
        name = whose if whose in ("inputs", "targets") else _name_columns([model.titles[place] for place in places])
        self.scale([model.columns[place] for place in places], kind, name)

    def scale(self, columns: Sequence[str], kind: str, name: str) -> None:
        """Standardize ("standardize") or scale to 0..1 ("range") these columns, or remove their scaling ("")."""
        self.message.say("")
        if not columns:
            self.message.say(NO_COLUMNS_SELECTED, "info")
        elif not kind:
            self.model.edit(f"Remove scaling of {name}", lambda draft: draft.dataset.remove_scaling(columns))
        else:

            def change(draft: Project) -> None:
                # A step after another comes to the same as that step alone, with its numbers taken anew.
                draft.dataset.remove_scaling(columns)
                draft.dataset.add_scaling("standardize" if kind == "standardize" else "range", columns)

            text = f"Standardize {name}" if kind == "standardize" else f"Scale {name} to 0..1"
            self.model.edit(text, change)

    def delete_rows(self) -> None:
        """Take away the samples that are selected."""
        self.message.say("")
        rows = self.selected_rows()
        if not rows:
            return
        column = max(0, self.view.currentIndex().column())
        if self.model.delete_rows(rows):
            self.view.go_to(min(rows[0], self.model.rows), column)

    def _delete_key(self) -> None:
        if self._whole_rows_selected():
            self.delete_rows()
        else:
            self.message.say(WHOLE_ROWS, "info")

    def _whole_rows_selected(self) -> bool:
        width = len(self.model.columns)
        parts = self.view.selected_parts()
        return bool(self.selected_rows()) and all(part.width() == width for part in parts) and width > 0

    def copy(self) -> None:
        """Copy the selected cells as tab-separated numbers with every digit."""
        self.message.say("")
        rows, columns = self.selected_rows(), self.selected_columns()
        if rows and columns:
            copy_text(format_block(self.model.block(rows, columns)))

    def cut(self) -> None:
        """Copy, and take the rows away when whole rows are selected."""
        self.copy()
        if self._whole_rows_selected():
            self.delete_rows()
        else:
            self.message.say(f"Copied. A cell cannot be empty, so nothing was cut. {WHOLE_ROWS}", "info")

    def paste(self) -> None:
        """Write the block on the clipboard with its first cell where the selection begins.

        A current cell outside the selection goes before it: that is where the frame is seen.
        """
        self.message.say("")
        rows, columns = self.selected_rows(), self.selected_columns()
        current = self.view.currentIndex()
        if current.isValid() and not self.view.selectionModel().isSelected(current):
            rows, columns = [], []
        row = rows[0] if rows else current.row() if current.isValid() else self.model.rows
        column = columns[0] if columns else max(0, current.column())
        try:
            text = QGuiApplication.clipboard().text()
            block = parse_block(text, self.model.titles, first_row=row, first_column=column, row_at=self.model.row_at)
        except NnvizError as error:
            self.message.say(str(error))
            return
        if len(block.rows) == block.width == 1 and len(rows) * len(columns) > 1:
            self.model.fill([(r, c) for r in rows for c in columns], block.rows[0][0])
            return
        if self.model.put_block(row, column, block):
            self.message.say(block.note, "info")
            last = self.model.index(row + len(block.rows) - 1, column + block.width - 1)
            self._select(self.model.index(row, column), last)

    def _select(self, first: QModelIndex, last: QModelIndex) -> None:
        flags = QItemSelectionModel.SelectionFlag
        self.view.selectionModel().setCurrentIndex(first, flags.NoUpdate)
        self.view.selectionModel().select(QItemSelection(first, last), flags.ClearAndSelect)

    def _open_menu(self, place: QPoint) -> None:
        menu = self.make_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _open_row_menu(self, place: QPoint) -> None:
        row = self.view.verticalHeader().logicalIndexAt(place)
        if row not in self.selected_rows() or not self._whole_rows_selected():
            self.view.selectRow(row)
        self._open_menu(place)

    def make_menu(self) -> QMenu:
        """The menu of the selected cells."""
        menu = QMenu(self)
        rows = self.selected_rows()
        menu.addAction("Copy", self.copy).setEnabled(bool(rows))
        menu.addAction("Paste", self.paste)
        menu.addSeparator()
        if rows and not self.model.is_arranged:
            menu.addAction("Insert row above", lambda: self.insert_row(rows[0]))
            menu.addAction("Insert row below", lambda: self.insert_row(rows[-1] + 1))
        else:
            menu.addAction("Add row", self.add_row)
        if rows:
            are_test = [self.model.is_test(row) for row in rows]
            word = "row" if len(rows) == 1 else "rows"
            menu.addAction(f"Hold out as test {word}", lambda: self.hold_out(True)).setEnabled(not all(are_test))
            menu.addAction("Use for training", lambda: self.hold_out(False)).setEnabled(any(are_test))
        columns = self.selected_columns()
        if len(columns) == 1:
            self._fill_column_menu(menu.addMenu(f"Column {self.model.titles[columns[0]]}"), columns[0])
        menu.addSeparator()
        many = "Delete row" if len(rows) < 2 else f"Delete {len(rows):,} rows"
        menu.addAction(many, self.delete_rows).setEnabled(bool(rows))
        return menu

    def _fill_column_menu(self, menu: QMenu, column: int) -> None:
        header, orders = self.view.horizontalHeader(), Qt.SortOrder
        name, title = self.model.columns[column], self.model.titles[column]
        menu.addAction("Sort from small to large", lambda: header.setSortIndicator(column, orders.AscendingOrder))
        menu.addAction("Sort from large to small", lambda: header.setSortIndicator(column, orders.DescendingOrder))
        unsort = menu.addAction("In the data’s order", lambda: header.setSortIndicator(-1, orders.AscendingOrder))
        unsort.setEnabled(header.sortIndicatorSection() >= 0)
        menu.addSeparator()
        menu.addAction("Standardize", lambda: self.scale([name], "standardize", title))
        menu.addAction("Scale to 0..1", lambda: self.scale([name], "range", title))
        remove = menu.addAction("Remove scaling", lambda: self.scale([name], "", title))
        remove.setEnabled(bool(self.model.scaling_words(column)))

    def _open_column_menu(self, place: QPoint) -> None:
        header = self.view.horizontalHeader()
        column = header.logicalIndexAt(place)
        if column < 0:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Select column", lambda: self.view.selectColumn(column))
        self._fill_column_menu(menu, column)
        menu.popup(header.viewport().mapToGlobal(place))


def _name_columns(titles: Sequence[str]) -> str:
    return ", ".join(titles) if len(titles) <= 3 else f"{len(titles)} columns"
