"""The list of former runs beside the loss plot: colour, name, where each ended, hide and remove."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.numbers import NOT_COMPUTED, format_exact, format_number
from nnviz_app.assets import themed_icon
from nnviz_app.panels.fields import Field, flat_button
from nnviz_app.runs import KeptRun, RunShelf
from nnviz_app.theme import theme

HIDE, SHOW = "Hide this run", "Show this run"


class NameField(Field):
    """A run's name, without a frame until it is pointed at or typed in."""

    def check(self, text: str) -> str:
        # An empty one gives the former name back.
        return ""


class Swatch(QWidget):
    """A piece of a run's curve."""

    def __init__(self, kept: KeptRun) -> None:
        super().__init__()
        self.kept = kept
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(1.2), theme().space(1.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = max(3, theme().space(0.25))
        color = run_color(self.kept) if self.kept.is_shown else theme().palette.line
        painter.fillRect(0, (self.height() - side) // 2, self.width(), side, color)


class RunRow:
    """The widgets of one run, in a row of a grid."""

    def __init__(self, shelf: RunShelf, kept: KeptRun) -> None:
        self.shelf, self.kept = shelf, kept
        self.eye = flat_button("eye", HIDE)
        self.eye.clicked.connect(self._turn)
        self.swatch = Swatch(kept)
        self.name = NameField()
        self.name.setAccessibleName("Name of the run")
        self.name.setFrame(False)
        self.name.committed.connect(self._rename)
        self.value = QLabel()
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bin = flat_button("close", "Remove this run")
        self.bin.clicked.connect(partial(shelf.remove, kept))
        self.widgets: tuple[QWidget, ...] = (self.eye, self.swatch, self.name, self.value, self.bin)

    def show_run(self, *, accuracy: bool) -> None:
        """Show the run as it is: its last loss, or its last accuracy."""
        kept, numbers = self.kept, self.kept.course.numbers[-1]
        self.name.show_text(kept.name)
        self.name.setToolTip(kept.name)
        self.name.setEnabled(kept.is_shown)
        themed_icon(self.eye, "eye" if kept.is_shown else "eye-off")
        self.eye.setToolTip(HIDE if kept.is_shown else SHOW)
        self.eye.setAccessibleName(f"{self.eye.toolTip()}: {kept.name}")
        self.bin.setAccessibleName(f"Remove this run: {kept.name}")
        shown = numbers[2] if accuracy else numbers[0]
        self.value.setText(percent(shown) if accuracy else format_number(shown))
        self.value.setToolTip("\n".join([f"After update {kept.course.updates[-1]:,}", *figures(numbers)]))
        self.swatch.update()

    def _turn(self) -> None:
        self.shelf.show(self.kept, not self.kept.is_shown)

    def _rename(self, text: str) -> None:
        self.shelf.rename(self.kept, text)
        self.name.show_text(self.kept.name, force=True)


class RunList(QWidget):
    """All runs of a shelf, the newest last."""

    def __init__(self, shelf: RunShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shelf = shelf
        self.rows: list[RunRow] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(2, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(self._grid)
        box.addStretch(1)
        self.restyle()

    def restyle(self) -> None:
        """Follow the theme."""
        space, palette = theme().space, theme().palette
        self._grid.setHorizontalSpacing(space(0.35))
        self._grid.setVerticalSpacing(0)
        self.setStyleSheet(
            f"NameField {{ border: 1px solid transparent; background: transparent; padding: {space(0.15)}px; }}"
            f"NameField:hover {{ border-color: {palette.border.name()}; }}"
            f"NameField:focus {{ border-color: {palette.accent.name()}; }}"
            f"QToolButton {{ padding: {space(0.2)}px; qproperty-iconSize: {space(1.1)}px {space(1.1)}px; }}"
        )
        for row in self.rows:
            row.name.setMinimumWidth(space(6))

    def refresh(self, *, accuracy: bool) -> None:
        """Show the runs that are kept."""
        known = {row.kept: row for row in self.rows}
        if list(known) != self.shelf.kept:
            for kept, row in known.items():
                for widget in row.widgets:
                    self._grid.removeWidget(widget)
                    if kept not in self.shelf.kept:
                        widget.hide()
                        widget.deleteLater()
            self.rows = [known.get(kept) or RunRow(self.shelf, kept) for kept in self.shelf.kept]
            for place, row in enumerate(self.rows):
                row.name.setMinimumWidth(theme().space(6))
                for column, widget in enumerate(row.widgets):
                    self._grid.addWidget(widget, place, column)
        for row in self.rows:
            row.show_run(accuracy=accuracy)


def run_color(kept: KeptRun) -> QColor:
    """The colour of a former run's curves; the first of the series is the present run's."""
    return QColor(theme().palette.series[1 + kept.color])


def percent(share: float, digits: int = 4) -> str:
    """A share as it is read, such as "93.33 %"; "–" where there is none."""
    return NOT_COMPUTED if math.isnan(share) else f"{format_number(100.0 * share, digits)} %"


def figures(numbers: NDArray[np.float64]) -> list[str]:
    """The numbers of a point, shape (4,), with all their digits, one a line; what does not apply is left out."""
    losses = [format_exact(float(loss)) for loss in numbers[:2]]
    accuracies = [percent(float(share), 15) for share in numbers[2:]]
    titles = ("training loss", "test loss", "training accuracy", "test accuracy")
    texts = zip(titles, (*losses, *accuracies), numbers, strict=True)
    return [f"{title} {text}" for title, text, number in texts if not math.isnan(number)]
