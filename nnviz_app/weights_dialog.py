"""The dialog that shows what of a file of weights goes where, before it becomes the network's or a new project."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QRadioButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.activations import ACTIVATIONS
from core.errors import NnvizError
from core.imports.arrays import ENDINGS, read_arrays
from core.imports.assignments import Match, describe_match
from core.imports.dense import has_open_rows
from core.imports.foreign import DEFAULT_HIDDEN, DEFAULT_OUTPUT, says_activations, usual_activations
from core.imports.matching import apply_match, match_file
from core.imports.records import NamedArrays
from core.network import Network, Role
from core.project import Project
from nnviz_app.dialogs import accept_buttons, choice_box, fit_to_screen
from nnviz_app.document import Document
from nnviz_app.import_weights import HEADER, describe_assignment, new_project
from nnviz_app.layers import allowed_activations
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
# Columns are as wide as so many lines ask for.
LINES_MEASURED = 200
LAYERS_HEADER = ("Layer", "Neurons", "Activation", "Edges into it")

MATCHINGS = {None: "automatically", "name": "by name", "order": "by order, layer by layer"}
ROWS = {
    None: "as their names suggest",
    "neurons": "one a neuron (PyTorch)",
    "sources": "one a source (Keras, scikit-learn)",
}


def ask_for_weights(folder: str, parent: QWidget | None = None) -> Path | None:
    """Ask for a file of weights; None where none was chosen."""
    patterns = " ".join(f"*{ending}" for ending in ENDINGS)
    name, _ = QFileDialog.getOpenFileName(parent, "Import weights", folder, f"Weights ({patterns});;All files (*)")
    return Path(name) if name else None


def import_weights(
    document: Document, path: Path, *, may_discard: Callable[[], bool], parent: QWidget | None = None
) -> bool:
    """Ask how the weights in a file are to be taken, and take them; return whether they were.

    Into the open network they are one undo entry; as a new network they open a new project, if `may_discard` says
    that the present one may go. Raises ImportFileError where the file cannot be read, TrainingError during a run.
    """
    dialog = WeightsDialog(document.project, read_arrays(path), parent)
    try:
        if not dialog.exec():
            return False
        if dialog.match is not None:
            with document.edit("Import weights") as draft:
                apply_match(dialog.match, draft)
            return True
        if dialog.new_project is None or not may_discard():
            return False
        document.open_project(dialog.new_project)
        return True
    finally:
        dialog.deleteLater()


class _LinesModel(QAbstractTableModel):
    """Lines of text, each made when it is looked at."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._header: Sequence[str] = HEADER
        self._count = 0
        self._line: Callable[[int], Sequence[str]] = lambda row: ()

    def show(self, header: Sequence[str], count: int, line: Callable[[int], Sequence[str]]) -> None:
        """Show so many other lines."""
        self.beginResetModel()
        self._header, self._count, self._line = header, count, line
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._header)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._line(index.row())[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            # The line has no room for every name.
            return _tip(self._line(index.row())[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column()) | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and self._line(index.row())[index.column()] == "the same":
            return theme().palette.color("muted")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(section) | Qt.AlignmentFlag.AlignVCenter
        return self._header[section] if role == Qt.ItemDataRole.DisplayRole else None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        is_number = self._header[column] in ("Now", "New", "Neurons", "Edges into it")
        return Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft


class WeightsDialog(QDialog):
    """Shows what would become of a file of weights. Once accepted, one of `match` and `new_project` is set."""

    def __init__(self, project: Project, file: NamedArrays, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Import weights from {file.name}")
        self.network, self.file = project.network, file
        self.match: Match | None = None
        self.new_project: Project | None = None
        self._make_fields()
        self._lay_out()
        self._begin()
        fit_to_screen(self, 46, 40)

    def _make_fields(self) -> None:
        self.into_radio = QRadioButton("Into this &network")
        self.new_radio = QRadioButton("As a ne&w network")
        self.where = QButtonGroup(self)
        for radio in (self.into_radio, self.new_radio):
            self.where.addButton(radio)
        if not self.network.values:
            self.into_radio.setEnabled(False)
            self.into_radio.setToolTip("The present network has no weights and biases.")
        self.by_box = choice_box(MATCHINGS)
        self.by_box.setToolTip("Names are those of neurons and edges; layers are counted from the inputs")
        self.rows_box = choice_box(ROWS)
        self.rows_box.setToolTip("Their shapes do not tell what their rows stand for")
        hidden, output = _usual_activations(self.file)
        self.hidden_box = _activation_box(Role.HIDDEN, hidden)
        self.output_box = _activation_box(Role.OUTPUT, output)
        self._has_chosen = False
        self.model = _LinesModel(self)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.view.verticalHeader().setDefaultSectionSize(theme().row_height)
        self.view.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.view.setAlternatingRowColors(True)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        # A place in the file can be told from others by its end.
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.horizontalHeader().setHighlightSections(False)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        # It quotes names from the file, which are not to be taken for markup.
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setMinimumHeight(theme().space(3.6))
        self.where.buttonClicked.connect(self._check)
        for box in (self.hidden_box, self.output_box):
            box.activated.connect(self._choose)
        for box in (self.by_box, self.rows_box, self.hidden_box, self.output_box):
            box.activated.connect(self._check)

    def _lay_out(self) -> None:
        space = theme().space
        buttons, self.accept_button = accept_buttons(self, "Import")
        self.into_row = _row(("&Match", self.by_box))
        self.new_row = _row(("&Hidden layers", self.hidden_box), ("&Outputs", self.output_box))
        self.rows_row = _row(("&Rows of weight matrices", self.rows_box))
        layout = QVBoxLayout(self)
        margin = space(1.2)
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(space(0.7))
        layout.addWidget(_row(self.into_radio, self.new_radio))
        for row in (self.into_row, self.new_row, self.rows_row):
            layout.addWidget(row)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.sentence)
        layout.addWidget(buttons)

    def _begin(self) -> None:
        """Begin with what can be done: into the network, or else as a new one."""
        self.into_radio.setChecked(self.into_radio.isEnabled())
        self.new_radio.setChecked(not self.into_radio.isEnabled())
        self._check()
        if self.match is not None or self.new_radio.isChecked():
            return
        refused = self.sentence.text()
        self.new_radio.setChecked(True)
        self._check()
        if not self.accept_button.isEnabled():
            self.into_radio.setChecked(True)
            self._check()
        else:
            self.into_radio.setToolTip(_tip(refused))

    # Saying

    def _choose(self) -> None:
        self._has_chosen = True

    def _check(self) -> None:
        """Show what would be done, or say why it cannot be."""
        into = self.into_radio.isChecked()
        self.into_row.setVisible(into)
        self.new_row.setVisible(not into and not says_activations(self.file))
        self.rows_row.setVisible(has_open_rows(self.file))
        self.match, self.new_project = None, None
        refused = ""
        try:
            sentence = self._match() if into else self._make()
        except NnvizError as error:
            sentence = refused = str(error)
            self.model.show(HEADER if into else LAYERS_HEADER, 0, lambda row: ())
        self._share_width()
        self.sentence.setText(sentence)
        set_style_property(self.sentence, "message", "error" if refused else "info")
        if self.match is not None and not self.match.changed:
            refused = "Nothing would change."
        self.accept_button.setEnabled(not refused)
        self.accept_button.setToolTip(_tip(refused) if refused else "")

    def _share_width(self) -> None:
        """Let the places in the file have what parameters and numbers leave."""
        header = self.view.horizontalHeader()
        if self.match is None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            return
        # Before it is shown it has no style, and its lines no margins.
        self.view.ensurePolished()
        count = self.model.rowCount()
        # All over the table, since biases come first and are often 0.
        rows = range(0, count, 1 + count // LINES_MEASURED)
        for column in range(3):
            hints = (self.view.sizeHintForIndex(self.model.index(row, column)).width() for row in rows)
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, min(max(header.sectionSizeHint(column), *hints), theme().space(17)))

    def _match(self) -> str:
        network = self.network
        match = match_file(self.file, network, by=self.by_box.currentData(), orientation=self.rows_box.currentData())
        self.model.show(
            HEADER, len(match.assignments), lambda row: describe_assignment(network, match.assignments[row])
        )
        self.match = match
        return describe_match(match, network)

    def _make(self) -> str:
        chosen: tuple[str, ...] = ()
        # What is taken for granted is said so.
        if self._has_chosen and not says_activations(self.file):
            chosen = (self.hidden_box.currentData(), self.output_box.currentData())
        project, sentences = new_project(self.file, activations=chosen, orientation=self.rows_box.currentData())
        lines = _layer_lines(project.network)
        self.model.show(LAYERS_HEADER, len(lines), lines.__getitem__)
        self.new_project = project
        return " ".join(sentences)


def _tip(text: str) -> str:
    """A tooltip that breaks into lines and takes nothing for markup: it quotes names from the file."""
    return f"<qt>{html.escape(text)}</qt>"


def _layer_lines(network: Network) -> list[tuple[str, str, str, str]]:
    levels = network.levels()
    lines = [("inputs", f"{len(levels[0]):,}", "", "")]
    for number, (_, level) in enumerate(pairwise(levels), 1):
        titles = dict.fromkeys(ACTIVATIONS[network.neurons[name].activation].title for name in level)
        edges = sum(len(network.incoming(name)) for name in level)
        title = "outputs" if number == len(levels) - 1 else f"layer {number}"
        lines.append((title, f"{len(level):,}", ", ".join(titles), f"{edges:,}"))
    return lines


def _usual_activations(file: NamedArrays) -> tuple[str, str]:
    """What is chosen at first, of what can be chosen."""
    try:
        hidden, output = usual_activations(file)
    except NnvizError:
        return DEFAULT_HIDDEN, DEFAULT_OUTPUT
    hidden = hidden if hidden in allowed_activations(Role.HIDDEN) else DEFAULT_HIDDEN
    return hidden, output if output in allowed_activations(Role.OUTPUT) else DEFAULT_OUTPUT


def _activation_box(role: Role, chosen: str) -> QComboBox:
    box = choice_box({name: ACTIVATIONS[name].title for name in allowed_activations(role)})
    box.setCurrentIndex(box.findData(chosen))
    return box


def _row(*parts: QWidget | tuple[str, QWidget]) -> QWidget:
    """Widgets side by side, some with a label before them."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme().space(0.6))
    for number, part in enumerate(parts):
        if number:
            layout.addSpacing(theme().space(1))
        if isinstance(part, tuple):
            label = QLabel(part[0])
            label.setBuddy(part[1])
            layout.addWidget(label)
        layout.addWidget(part[1] if isinstance(part, tuple) else part)
    layout.addStretch()
    return row
