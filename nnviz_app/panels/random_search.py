"""The panel "Random search": what trial and error reaches with as many evaluations as gradient descent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QProgressBar, QStackedLayout, QVBoxLayout, QWidget

from core.errors import NnvizError
from core.numbers import format_exact, format_number, parse_number
from core.random_search import RandomSearch
from nnviz_app.document import Change, Document
from nnviz_app.panels.decision_controls import choice_box
from nnviz_app.panels.fields import MessageLabel, keep_keys
from nnviz_app.panels.forms import FoldingRow, LabelledFields, SettingField
from nnviz_app.panels.landscape_form import push_button
from nnviz_app.panels.plot_page import PlotPage
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

if TYPE_CHECKING:
    from nnviz_app.panels.search_plot import SearchPlot

Mode = Literal["change", "fresh"]

EMPTY = "Press Start: random search and gradient descent set out from the same parameters, side by side."
NO_LOSS = "A search needs an output neuron and a training row of data with its target."
FORMER = "These curves are those of the network, data or settings before the last change."
MODES: dict[str, Mode] = {"Small changes": "change", "Fresh draws": "fresh"}
NAMES = ("gradient descent", "random search")
MODE_TIP = (
    "Small changes: each trial adds a random number to every parameter and is kept if the loss falls.\n"
    "Fresh draws: each trial draws every parameter, whatever was before."
)
BUDGET, MOST_BUDGET, MOST_SEED = 2000, 1_000_000, 2**31 - 1
SPREAD = {"change": 0.1, "fresh": 1.0}
# Seconds: of computing at a time, and between two pictures.
SLICE, PICTURE_PAUSE = 0.012, 0.1


class RandomSearchPanel(QWidget):
    """`search` is the last one, under way or finished; the network is never changed.

    While the panel is hidden a search rests.
    """

    def __init__(self, document: Document, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.preferences = document, preferences
        self.search: RandomSearch | None = None
        self.plot: SearchPlot | None = None
        self.done = 0
        self.is_former = False
        self._basis: object = None
        self._work: Iterator[int] | None = None
        self._pictured = 0.0
        self._make_widgets()
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._go_on)
        document.changed.connect(self._follow)
        preferences.changed.connect(self._show_result)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def _make_widgets(self) -> None:
        self.mode_box = choice_box(self, "Random search")
        for title, mode in MODES.items():
            self.mode_box.addItem(title, mode)
        self.mode_box.setMinimumContentsLength(11)
        self.mode_box.setToolTip(MODE_TIP)
        self.mode_box.activated.connect(self._suggest_spread)
        self.budget_field = SettingField(
            "Evaluations",
            "How often each of the two may compute the loss over all training rows; an epoch of gradient descent "
            "counts as two",
            allows=lambda value: value == int(value) and 1 <= value <= MOST_BUDGET,
            bounds=f"a whole number from 1 to {MOST_BUDGET:,}",
        )
        self.seed_field = SettingField(
            "Seed",
            "The same seed draws the same random numbers",
            allows=lambda value: value == int(value) and 0 <= value <= MOST_SEED,
            bounds="a whole number of at least 0",
        )
        self.spread_field = SettingField(
            "Spread",
            "The standard deviation of the random numbers",
            allows=lambda value: value > 0.0,
            bounds="above 0",
        )
        self.fields = (self.budget_field, self.spread_field, self.seed_field)
        for field, value in zip(self.fields, (BUDGET, SPREAD["change"], 1), strict=True):
            field.show_number(float(value), force=True)
        self.log_box = QCheckBox("Logarithmic axis")
        self.log_box.toggled.connect(self._draw)
        keep_keys(self.log_box)
        self.start_button = push_button("Start", "Search and descend side by side; the network is not changed")
        self.start_button.setProperty("primary", True)
        self.start_button.clicked.connect(self._press)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.message, self.former_label = MessageLabel(), MessageLabel()
        for field in self.fields:
            field.refused.connect(self.message.say)
        self.result_label = QLabel()
        self.result_label.setTextFormat(Qt.TextFormat.RichText)
        self.result_label.setWordWrap(True)
        self.result_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.placeholder = QLabel(EMPTY)
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        set_style_property(self.placeholder, "role", "muted")

    def _lay_out(self) -> None:
        controls = QWidget()
        self._form = LabelledFields()
        self._form.add("Search", self.mode_box)
        for field in self.fields:
            self._form.add(field.title, field)
        self._column = QVBoxLayout(controls)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._head = FoldingRow(self.start_button, self.log_box)
        for widget in (self._head, self.progress, self.message, self.former_label, self.result_label, self._form):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        plot = QWidget()
        self._stack = QStackedLayout(plot)
        self._stack.addWidget(self.placeholder)
        self._page = PlotPage(controls, plot)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._page)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(26), theme().space(32))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._page.least_width(), theme().space(8))

    @property
    def is_at_work(self) -> bool:
        """Whether a search is under way."""
        return self._work is not None

    # Acting

    def _press(self) -> None:
        if self.is_at_work:
            self.stop()
        else:
            self.start()

    def _suggest_spread(self) -> None:
        """Another mode has another usual spread; one that a person has typed stays."""
        usual = {format_exact(value) for value in SPREAD.values()}
        if self.spread_field.text() in usual:
            self.spread_field.show_number(SPREAD[self.mode_box.currentData()], force=True)

    def start(self) -> None:
        """Begin a search with what is in the fields."""
        for field in self.fields:
            field.commit()
        if any(field.property("invalid") for field in self.fields):
            return
        budget, spread, seed = (parse_number(field.text()) for field in self.fields)
        self.message.say("")
        project = self.document.project
        try:
            self.search = RandomSearch(
                project, budget=int(budget), seed=int(seed), spread=spread, mode=self.mode_box.currentData()
            )
        except NnvizError as error:
            self._forget()
            self.message.say(str(error))
            return
        self._basis = self._present_basis()
        self._work, self.done, self.is_former = self.search.compute(), 0, False
        self._pictured = time.perf_counter()
        self._timer.start(0)
        self.refresh()

    def stop(self) -> None:
        """End the search; what it has reached stays on show."""
        self._timer.stop()
        self._work = None
        self.refresh()

    def _forget(self) -> None:
        self._timer.stop()
        self._work, self.search, self.is_former = None, None, False
        self.refresh()

    def _go_on(self) -> None:
        end = time.perf_counter() + SLICE
        try:
            for done in self._work or ():
                self.done = done
                if time.perf_counter() > end:
                    self._timer.start(0)
                    break
            else:
                self._work = None
        except NnvizError as error:
            self._work = None
            self.message.say(str(error))
        if self._work is None:
            self.refresh()
        elif end > self._pictured + PICTURE_PAUSE:
            self._pictured = end
            self.progress.setValue(self.done)
            self._draw()
            self._show_result()

    # Following

    def _present_basis(self) -> object:
        """What the curves depend on, but for the network's structure and its data."""
        project = self.document.project
        # They do not depend on how long a run is.
        return project.start_values(), replace(project.settings, epochs=1)

    def _differs(self, change: Change) -> bool:
        """Whether the start or the settings are no longer those of the curves: updates change neither."""
        return change.affects_numbers and self.search is not None and self._basis != self._present_basis()

    def _follow(self, change: Change) -> None:
        if change.project:
            self.message.say("")
            self._forget()
        elif change.structure or change.data or self._differs(change):
            if self.is_at_work:
                self.stop()
            self.is_former = self.search is not None
            self.refresh()

    # Showing

    def ensure_plot(self) -> None:
        """Make the plot, if it has not been made."""
        if self.plot is None:
            from nnviz_app.panels.search_plot import SearchPlot

            self.plot = SearchPlot()
            self.plot.hovered.connect(self._tell)
            self._stack.addWidget(self.plot)
            self.refresh()

    def refresh(self) -> None:
        """Show the search as far as it has come."""
        at_work, search = self.is_at_work, self.search
        project = self.document.project
        can_search = bool(project.network.outputs) and bool(len(project.dataset.training_rows))
        self.start_button.setText("Stop" if at_work else "Start")
        self.start_button.setEnabled(at_work or can_search)
        for field in (*self.fields, self.mode_box):
            field.setEnabled(not at_work)
        self.progress.setVisible(at_work)
        if search is not None:
            self.progress.setMaximum(search.budget)
            self.progress.setValue(self.done)
        self.former_label.say(FORMER if self.is_former else "", "warning")
        has_curves = search is not None
        self.placeholder.setText(EMPTY if can_search else NO_LOSS)
        self.log_box.setVisible(has_curves)
        self._head.restyle()
        if self.plot is not None:
            self._stack.setCurrentWidget(self.plot if has_curves else self.placeholder)
        self._show_result()
        self._draw()

    def _draw(self) -> None:
        search = self.search
        if search is None or self.plot is None or not self.isVisible():
            return
        self.plot.show_curves(
            (search.search_evaluations, search.search_losses),
            (search.descent_evaluations, search.descent_losses),
            budget=search.budget,
            log=self.log_box.isChecked(),
        )

    def _losses_at(self, evaluations: float) -> tuple[float, float]:
        """The losses of gradient descent and of random search after so many evaluations; NaN where there is none."""
        search = self.search
        assert search is not None
        found = []
        for x, y in (
            (search.descent_evaluations, search.descent_losses),
            (search.search_evaluations, search.search_losses),
        ):
            known = np.flatnonzero((x <= evaluations) & ~np.isnan(y))
            found.append(float(y[known[-1]]) if len(known) else float("nan"))
        return found[0], found[1]

    def _sentence(self, evaluations: int) -> str:
        """Both losses, in the colours of their curves."""
        many = f"{evaluations:,} evaluation{'' if evaluations == 1 else 's'}"
        digits = self.preferences.exact_style.digits
        parts = [
            f'<span style="color: {color.name()}">■</span>&nbsp;{name} {format_number(loss, digits)}'
            for name, loss, color in zip(NAMES, self._losses_at(evaluations), theme().palette.series, strict=False)
        ]
        return f"After {many}: {', '.join(parts)}."

    def _show_result(self) -> None:
        search = self.search
        self.result_label.setVisible(search is not None and self.done > 0)
        if search is None or not self.done:
            return
        lines = [self._sentence(self.done)]
        if not self.is_at_work:
            lines.append(f"Random search kept {search.kept:,} of {max(0, self.done - 1):,} trials.")
        if search.descent_problem:
            lines.append(search.descent_problem)
        self.result_label.setText(" ".join(lines))

    def _tell(self, evaluations: float | None) -> None:
        """Say both losses where the pointer is, else what was reached."""
        if self.search is None or evaluations is None or not self.done:
            self._show_result()
        else:
            self.result_label.setText(self._sentence(min(max(round(evaluations), 1), self.done)))

    # Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.plot is None:
            # Importing pyqtgraph takes its time: the window is painted first.
            QTimer.singleShot(0, self, self.ensure_plot)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.is_at_work:
            self._timer.start(0)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _restyle(self) -> None:
        space = theme().space
        self._column.setSpacing(space(0.5))
        self._head.restyle()
        self._form.restyle(self._form.label_width())
        self._page.restyle()
        if self.plot is not None:
            self.plot.restyle()
        self._show_result()
        self._draw()
