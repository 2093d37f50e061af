"""Three answers to one question under each other, digit under digit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from core.answers import Answers
from core.numbers import format_exact, format_number
from nnviz_app.panels.decision_controls import choice_box
from nnviz_app.theme import set_style_property, theme

# Significant digits of the largest answer.
DIGITS = 12
STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
# More digits than these are never certain.
MOST_DIGITS = 15


def align(values: Sequence[float], digits: int = DIGITS) -> list[str]:
    """Numbers with equally many decimals, the largest with so many significant digits; the same power for all."""
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0)
    exponent = math.floor(math.log10(largest)) if largest else 0
    fixed = -4 <= exponent < 6
    scale, decimals = (0, max(0, digits - 1 - exponent)) if fixed else (exponent, digits - 1)
    power = "" if fixed else f"e{exponent}"
    return [
        f"{value / 10.0**scale:.{decimals}f}{power}".replace("-", "−") if math.isfinite(value) else format_number(value)
        for value in values
    ]


def differing(text: str, reference: str) -> int:
    """Where a text begins to differ from another one; its length where it does not."""
    if len(text) != len(reference):
        return 0
    same = [one == other for one, other in zip(text, reference, strict=True)]
    return same.index(False) if False in same else len(text)


def agreement(error: float) -> str:
    """A relative error in words: to how many digits two numbers agree."""
    if not math.isfinite(error):
        return "cannot be compared"
    digits = MOST_DIGITS if error == 0.0 else min(MOST_DIGITS, max(0, math.floor(-math.log10(error))))
    if not digits:
        return f"differ (relative error {format_number(error, 2)})"
    return f"agree to {digits} digit{'' if digits == 1 else 's'}" + (f", {format_number(error, 2)}" if error else "")


class AnswerRows(QWidget):
    """Backpropagation, the central difference, the sum over paths; digits that differ are marked.

    `step_box`, in which h is chosen, is placed by whoever makes this.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles = [QLabel("Backpropagation"), QLabel("Central difference"), QLabel("Sum over paths")]
        self.numbers = [QLabel(), QLabel(), QLabel()]
        self.step_box = choice_box(self, "Step h of the difference")
        self.step_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.step_box.setToolTip("h in (L(w + h) − L(w − h)) / 2h")
        self.step_box.addItem("h automatic", None)
        for step in STEPS:
            self.step_box.addItem(f"h = {_power(step)}", step)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        for row, (title, number) in enumerate(zip(self.titles, self.numbers, strict=True)):
            set_style_property(title, "role", "muted")
            number.setTextFormat(Qt.TextFormat.RichText)
            number.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            number.setAccessibleName(title.text())
            self._grid.addWidget(title, row, 0)
            self._grid.addWidget(number, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    @property
    def step(self) -> float | None:
        """The chosen h; None for the automatic one."""
        chosen = self.step_box.currentData()
        return None if chosen is None else float(chosen)

    def show_answers(self, answers: Answers) -> None:
        """Show the three numbers."""
        if self.step is None:
            self.step_box.setItemText(0, f"h = {format_number(answers.step)} (automatic)")
        values = [answers.backpropagated, answers.difference, answers.summed]
        texts = align(values)
        color = theme().palette.warning.name()
        for label, text, value in zip(self.numbers, texts, values, strict=True):
            place = differing(text, texts[0])
            tail = f'<span style="color: {color}">{text[place:]}</span>' if place < len(text) else ""
            label.setText(f"{text[:place]}{tail}")
            label.setToolTip(format_exact(value))

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self._grid.setHorizontalSpacing(theme().space(0.8))
        self._grid.setVerticalSpacing(theme().space(0.35))
        for number in self.numbers:
            number.setFont(theme().font("value"))


def _power(step: float) -> str:
    return f"1e{math.floor(math.log10(step) + 0.5)}".replace("-", "−")
