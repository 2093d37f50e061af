"""The dialog that shows a table before it becomes the data: how it is read, what each column is for, where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.errors import DataError
from core.import_table import ColumnRole, Samples, Use, find_bad_cells, guess_roles, make_samples, role_choices
from core.network import Network
from core.table_file import DECIMALS, DELIMITERS, Table, parse_table, read_text
from nnviz_app.dialogs import LARGEST_SEED, accept_buttons, choice_box, fit_to_screen
from nnviz_app.document import Document
from nnviz_app.import_data import HIDDEN_NEURONS, ImportChoice, apply_import, counted, is_scalable, match_columns
from nnviz_app.import_preview import PreviewTable
from nnviz_app.theme import set_style_property, theme

PASTED = "Pasted table"
HINT = "Choose above each column what it is for; for several at once, select them by their names first."
# Fewer rows are rather all learned from.
LEAST_ROWS_TO_SPLIT = 20
TEST_PERCENT = 20


def import_file(document: Document, path: Path, parent: QWidget | None = None) -> bool:
    """Ask how a file is to be imported, and import it; return whether it was.

    Raises DataError when it cannot be read, and TrainingError during a run.
    """
    return import_text(document, read_text(path), path.name, parent)


def import_text(document: Document, text: str, name: str = PASTED, parent: QWidget | None = None) -> bool:
    """Ask how a table is to be imported, and import it; return whether it was. Raises TrainingError during a run."""
    dialog = ImportDialog(document.project.network, text, name, document.project.settings.seed, parent)
    try:
        if not dialog.exec():
            return False
        apply_import(document, dialog.choice())
    finally:
        dialog.deleteLater()
    return True


class ImportDialog(QDialog):
    """Shows how a text is read as a table, and asks for what is to become of its columns."""

    def __init__(
        self, network: Network, text: str, name: str = PASTED, seed: int = 1, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Import {name}")
        self.network, self.text, self.name = network, text, name
        self.table: Table | None = None
        self.roles: tuple[ColumnRole, ...] = ()
        self._samples: Samples | None = None
        # How the person wants the text to be read; what is not in here is guessed.
        self._reading: dict[str, Any] = {}
        # Why the text is no table.
        self._problem = ""
        self._make_fields(seed)
        self._lay_out()
        self._read()
        self.test_box.setValue(TEST_PERCENT if self.preview.rows >= LEAST_ROWS_TO_SPLIT else 0)
        fit_to_screen(self, 62, 44)
        (self.accept_button if self.accept_button.isEnabled() else self.delimiter_box).setFocus()

    def _make_fields(self, seed: int) -> None:
        self.delimiter_box = choice_box(DELIMITERS)
        self.decimal_box = choice_box(DECIMALS)
        self.names_check = QCheckBox("First row holds &names")
        self.preview = PreviewTable()
        self.new_radio = QRadioButton("Ne&w network")
        self.present_radio = QRadioButton("Into the &present network")
        self.where = QButtonGroup(self)
        for radio in (self.new_radio, self.present_radio):
            self.where.addButton(radio)
        self.new_radio.setChecked(True)
        usable = bool(self.network.inputs and self.network.outputs)
        self.present_radio.setEnabled(usable)
        if not usable:
            self.present_radio.setToolTip("The present network has no inputs or no outputs.")
        self.inputs_check = QCheckBox("Standardize &inputs")
        self.targets_check = QCheckBox("Standardize &targets")
        for check, what in ((self.inputs_check, "input"), (self.targets_check, "target")):
            check.setChecked(True)
            check.setToolTip(
                f"Each {what} of numbers gets mean 0 and standard deviation 1 over the training rows. "
                "The step can be seen and taken away later."
            )
        self.test_box = QSpinBox()
        self.test_box.setRange(0, 90)
        self.test_box.setSuffix(" %")
        self.test_box.setToolTip("So many of the rows, chosen at random, are kept for testing")
        self.seed_box = QSpinBox()
        self.seed_box.setRange(0, LARGEST_SEED)
        self.seed_box.setValue(seed)
        # Its longest number would make the dialog wider than a small screen with large text.
        self.seed_box.setMaximumWidth(theme().space(7))
        self.seed_box.setToolTip("The same seed chooses the same test rows and the same weights")
        self.leave_check = QCheckBox()
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        # It quotes cells, which are not to be taken for markup.
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setMinimumHeight(theme().space(3.6))
        self.delimiter_box.activated.connect(lambda: self._read(delimiter=self.delimiter_box.currentData()))
        self.decimal_box.activated.connect(lambda: self._read(decimal=self.decimal_box.currentData()))
        self.names_check.clicked.connect(lambda: self._read(header=self.names_check.isChecked()))
        self.preview.role_chosen.connect(self._choose_role)
        self.where.buttonClicked.connect(self._check)
        self.leave_check.clicked.connect(self._check)

    def _lay_out(self) -> None:
        space = theme().space
        buttons, self.accept_button = accept_buttons(self, "Import")
        hint = QLabel(HINT)
        hint.setWordWrap(True)
        set_style_property(hint, "role", "muted")
        layout = QVBoxLayout(self)
        margin = space(1.2)
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(space(0.6))
        layout.addLayout(
            _row(("&Delimiter", self.delimiter_box), ("Decimal &mark", self.decimal_box), self.names_check)
        )
        layout.addWidget(hint)
        layout.addWidget(self.preview, 1)
        layout.addLayout(_row(self.new_radio, self.present_radio))
        layout.addLayout(
            _row(self.inputs_check, self.targets_check, ("Test &rows", self.test_box), ("&Seed", self.seed_box))
        )
        layout.addWidget(self.sentence)
        layout.addWidget(self.leave_check)
        layout.addWidget(buttons)

    def choice(self) -> ImportChoice:
        """What was asked for. Raises DataError while it cannot be done."""
        if self._samples is None:
            raise DataError(self.sentence.text())
        return ImportChoice(
            self.name,
            self._samples,
            new_network=self.new_radio.isChecked(),
            standardize_inputs=self.inputs_check.isEnabled() and self.inputs_check.isChecked(),
            standardize_targets=self.targets_check.isEnabled() and self.targets_check.isChecked(),
            test_share=self.test_box.value() / 100,
            seed=self.seed_box.value(),
        )

    # Reading

    def _read(self, **reading: object) -> None:
        """Read the text as the person wants. What was never chosen is guessed again."""
        self._reading |= reading
        former, roles = self.table, self.roles
        self.table, self.roles = None, ()
        self._problem = ""
        try:
            self.table = parse_table(self.text, name=self.name, **self._reading)
        except DataError as error:
            self._problem = str(error)
        if self.table is not None:
            self.delimiter_box.setCurrentIndex(self.delimiter_box.findData(self.table.delimiter))
            self.decimal_box.setCurrentIndex(self.decimal_box.findData(self.table.decimal))
            self.names_check.setChecked(self.table.header)
            self.roles = _kept_roles(former, roles, self.table) or guess_roles(self.table)
        self.preview.show_table(self.table, self.roles)
        self._check()

    def _choose_role(self, sections: list[int], role: ColumnRole) -> None:
        assert self.table is not None
        roles = list(self.roles)
        for section in sections:
            allowed = role_choices(self.table.columns[section])
            # A column of numbers that is no class becomes a plain input where others become one per class.
            roles[section] = next(
                (r for r in (role, replace(role, coding=allowed[0].coding)) if r in allowed), roles[section]
            )
        self.roles = tuple(roles)
        self.preview.show_roles(self.roles)
        self._check()

    # Saying

    def _check(self) -> None:
        """Say what would be imported, or why it cannot be."""
        self._samples = None
        bad_rows = 0
        sentence = self._problem
        if self.table is not None:
            bad_rows = find_bad_cells(self.table, self.roles).count
            try:
                self._samples = make_samples(self.table, self.roles, leave_out=self.leave_check.isChecked())
                if self.present_radio.isChecked():
                    match_columns(self.network, self._samples)
            except DataError as error:
                sentence = str(error)
        self._offer(bad_rows)
        samples = None if sentence else self._samples
        if samples is not None:
            parts = [f"{counted(samples.rows, 'row')}: {counted(len(samples.inputs), 'input')}, "]
            parts.append(f"{counted(len(samples.targets), 'target')}.")
            if samples.left_out:
                parts.append(f" {counted(samples.left_out, 'row')} left out.")
            parts += [f" {note}." for note in samples.notes]
            sentence = "".join(parts)
        self._samples = samples
        self.sentence.setText(sentence)
        set_style_property(self.sentence, "message", "error" if samples is None else "info")
        self.accept_button.setEnabled(samples is not None)

    def _offer(self, bad_rows: int) -> None:
        """Offer what there is to choose now."""
        self.leave_check.setVisible(bad_rows > 0)
        rows = "the row" if bad_rows == 1 else f"the {bad_rows:,} rows"
        self.leave_check.setText(f"&Leave out {rows} with cells that cannot be used")
        samples = self._samples
        sizes = f": {len(samples.inputs)}-{HIDDEN_NEURONS}-{len(samples.targets)}" if samples is not None else ""
        self.new_radio.setText(f"Ne&w network{sizes}")
        if samples is not None:
            self.inputs_check.setEnabled(any(map(is_scalable, samples.inputs)))
            self.targets_check.setEnabled(any(map(is_scalable, samples.targets)))


def _kept_roles(former: Table | None, roles: Sequence[ColumnRole], table: Table) -> tuple[ColumnRole, ...] | None:
    """The roles that were chosen, where the columns are still the same and can have them."""
    if former is None or [c.name for c in former.columns] != [c.name for c in table.columns]:
        return None
    fit = all(role in role_choices(column) for role, column in zip(roles, table.columns, strict=True))
    return tuple(roles) if fit and any(role.use is not Use.IGNORED for role in roles) else None


def _row(*parts: QWidget | tuple[str, QWidget]) -> QHBoxLayout:
    """Widgets side by side, some with a label before them."""
    layout = QHBoxLayout()
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
    return layout
