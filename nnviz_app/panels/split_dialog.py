"""Asks how many rows to hold out of training, and with which seed to choose them."""

from __future__ import annotations

import random

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from nnviz_app.dialogs import LARGEST_SEED
from nnviz_app.panels.fields import flat_button
from nnviz_app.theme import set_style_property, theme

MOST_SHARE = 90
# Seeds that are diced stay short enough to be read out.
LARGEST_DICED = 9999


class SeedField(QWidget):
    """A seed that is shown, typed or diced."""

    def __init__(self, seed: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spin = QSpinBox()
        self.spin.setRange(0, LARGEST_SEED)
        self.spin.setValue(seed)
        self.spin.setToolTip("The same seed gives the same choice again")
        self.spin.setAccessibleName("Seed")
        self.dice = flat_button("dice", "Another seed")
        self.dice.clicked.connect(lambda: self.spin.setValue(random.randint(0, LARGEST_DICED)))
        self.setFocusProxy(self.spin)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.spin, 1)
        layout.addWidget(self.dice)


class SplitDialog(QDialog):
    """Test share and seed."""

    def __init__(self, rows: int, share: float, seed: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Test rows")
        self.rows = rows
        self.share_spin = QSpinBox()
        self.share_spin.setRange(0, MOST_SHARE)
        self.share_spin.setSingleStep(5)
        self.share_spin.setSuffix(" %")
        self.share_spin.setValue(round(100 * share))
        self.seed_field = SeedField(seed)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setMinimumHeight(theme().space(3.6))
        self.sentence.setMinimumWidth(theme().space(22))
        set_style_property(self.sentence, "message", "info")
        form = QFormLayout()
        form.setHorizontalSpacing(theme().space(1.5))
        form.setVerticalSpacing(theme().space(0.6))
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Test share", self.share_spin)
        form.addRow("&Seed", self.seed_field)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setText("Split")
        set_style_property(ok, "primary", True)
        for button in self.buttons.buttons():
            button.setIcon(QIcon())  # the style's own do not go with the program's
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        margin = theme().space(1.2)
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(theme().space(0.8))
        layout.addLayout(form)
        layout.addWidget(self.sentence)
        layout.addWidget(self.buttons)
        self.share_spin.valueChanged.connect(self._describe)
        self._describe()
        self.share_spin.selectAll()
        self.share_spin.setFocus()

    @property
    def share(self) -> float:
        """The share of rows to hold out, 0 to 0.9."""
        return self.share_spin.value() / 100

    @property
    def seed(self) -> int:
        """The seed that chooses them."""
        return self.seed_field.spin.value()

    def _describe(self) -> None:
        count = min(round(self.share * self.rows), max(self.rows - 1, 0))
        if count:
            self.sentence.setText(f"{count:,} of {self.rows:,} rows are held out: training leaves them out.")
        else:
            self.sentence.setText("All rows are used for training.")
