"""The panel of results: the confusion table of classes, or outputs over targets where these are numbers."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.decision import Probe
from core.errors import NnvizError
from core.evaluation import Evaluation, evaluate
from core.numbers import format_exact, format_number
from nnviz_app.document import Change, Document
from nnviz_app.panels.confusion_table import ConfusionModel, ConfusionView
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.panels.fields import PanelArea, keep_keys
from nnviz_app.panels.fit_plot import FitPlot
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

NO_OUTPUT = "Outputs are compared with their targets here: add an output neuron on the canvas (N), then connect it."
NO_ROWS = "There are no training rows to compare: add rows to the data, or give test rows back to training."
CAPTION = "Down: true class. Across: predicted class."
CLICK = "Click a cell to see its rows."
# While a run goes on, rows are compared at most this often, and for at most one part of the time in so many.
LIVE_SECONDS = 0.34
PAUSE_TO_WORK = 8.0
# The rows that are named at a time.
MOST_LISTED = 24


class ConfusionPanel(QWidget):
    """Follows the document and the row on show; a click on a cell or a point shows its rows."""

    def __init__(self, document: Document, player: Player, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.player, self.trainer = document, player, trainer
        self.evaluation: Evaluation | None = None
        self.model = ConfusionModel(self)
        self.plot: FitPlot | None = None
        self._probe: Probe | None = None
        self._chosen: tuple[int, int] | None = None
        self._stale = True
        self._lay_out()
        self._pace = QTimer(self, singleShot=True)
        self._pace.timeout.connect(self._catch_up)
        document.changed.connect(self._follow)
        player.moved.connect(self._show_row)
        trainer.running_changed.connect(self._follow_running)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _lay_out(self) -> None:
        self.result_label = ElidedLabel()
        self._parts = QWidget()
        self._parts_box = QHBoxLayout(self._parts)
        self._parts_box.setContentsMargins(0, 0, 0, 0)
        parts = QButtonGroup(self)
        self.training_button, self.test_button = QToolButton(), QToolButton()
        for button, text in ((self.training_button, "Training rows"), (self.test_button, "Test rows")):
            button.setText(text)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(button)
            parts.addButton(button)
            self._parts_box.addWidget(button)
        self._parts_box.addStretch(1)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.addWidget(self.result_label, 1)
        self._head.addWidget(self._parts)
        self.training_button.setChecked(True)
        self.test_button.toggled.connect(self._turn)
        self.view = ConfusionView(self.model)
        self.view.selectionModel().selectionChanged.connect(self._choose)
        self.view.clicked.connect(self._select_first)
        self.view.activated.connect(self._select_first)
        self.caption = QLabel(CAPTION)
        self.caption.setProperty("role", "small")
        self.rows_label = QLabel(CLICK)
        self.rows_label.setWordWrap(True)
        self.rows_label.setTextFormat(Qt.TextFormat.RichText)
        self.rows_label.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.rows_label.linkActivated.connect(lambda row: self.player.select_row(int(row)))
        keep_keys(self.rows_label)
        self._rows_area = PanelArea(self.rows_label)
        self._table_page = QWidget()
        self._table_box = QVBoxLayout(self._table_page)
        self._table_box.setContentsMargins(0, 0, 0, 0)
        self._table_box.addWidget(self.caption)
        self._table_box.addWidget(self.view, 1)
        self._table_box.addWidget(self._rows_area)
        self.placeholder = QLabel(self)
        self.placeholder.setProperty("role", "muted")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.placeholder)
        self._stack.addWidget(self._table_page)
        self._box = QVBoxLayout(self)
        self._box.addLayout(self._head)
        self._box.addLayout(self._stack, 1)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(26), theme().space(16))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(16), theme().space(8))

    def _restyle(self) -> None:
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.9), space(0.4))
        self._box.setSpacing(space(0.3))
        for row in (self._head, self._parts_box):
            row.setSpacing(space(0.2))
        self._table_box.setSpacing(space(0.2))
        self.view.restyle()
        self._arrange()
        if self.plot is not None:
            self.plot.restyle()
        self._wish()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """The buttons below the result where there is little room; few lines of rows, which scroll."""
        is_wide = self.width() >= self._parts.sizeHint().width() + theme().space(26)
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._head.setDirection(across if is_wide else down)
        label = self.rows_label
        wanted = label.heightForWidth(max(self._rows_area.viewport().width(), 1))
        line = label.fontMetrics().lineSpacing()
        self._rows_area.setFixedHeight(min(wanted, max(line, self.height() // 4)))

    # What is followed

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _follow(self, change: Change) -> None:
        if change.structure or change.project:
            self._probe = None
        if change.project:
            self.training_button.setChecked(True)
        if change.affects_numbers or change.project:
            self._wish()

    def _follow_running(self) -> None:
        self._pace.stop()
        self._wish()

    def _wish(self) -> None:
        """Compare anew: now, or when it is shown, or when it may be during a run."""
        if not self.isVisible() or self._pace.isActive():
            self._stale = True
            return
        start = time.perf_counter()
        self.refresh()
        if self.trainer.is_running:
            spent = time.perf_counter() - start
            self._pace.start(round(1000 * max(LIVE_SECONDS, PAUSE_TO_WORK * spent)))

    def _catch_up(self) -> None:
        if self._stale:
            self._wish()

    def _turn(self) -> None:
        self._chosen = None
        self.view.clearSelection()
        self._wish()

    # What is shown

    def refresh(self) -> None:
        """Compare the present outputs with their targets."""
        self._stale = False
        dataset = self.document.project.dataset
        has_test = bool(dataset.test.any())
        if not has_test and self.test_button.isChecked():
            self.training_button.setChecked(True)
        self._parts.setVisible(has_test)
        self.evaluation, problem = self._evaluate()
        if self.evaluation is None:
            self.placeholder.setText(problem)
            self._stack.setCurrentWidget(self.placeholder)
            self._say("")
        elif self.evaluation.task == "regression":
            self._show_fit(self.evaluation)
        else:
            self._show_table(self.evaluation)

    def _evaluate(self) -> tuple[Evaluation | None, str]:
        project = self.document.project
        network, dataset = project.network, project.dataset
        if not network.outputs:
            return None, NO_OUTPUT
        rows = dataset.test_rows if self.test_button.isChecked() else dataset.training_rows
        if not len(rows):
            return None, NO_ROWS
        try:
            if self._probe is None or not self._probe.fits(network):
                self._probe = Probe(network)
            return evaluate(self._probe, network, dataset, rows), ""
        except NnvizError as error:
            return None, str(error)

    def _rows_name(self, evaluation: Evaluation) -> str:
        kind, count = "test" if self.test_button.isChecked() else "training", len(evaluation.rows)
        return f"{count:,} {kind} row{'' if count == 1 else 's'}"

    def _say(self, text: str, tip: str = "") -> None:
        self.result_label.setText(text)
        self.result_label.setToolTip(tip or text)

    # Classes

    def _show_table(self, evaluation: Evaluation) -> None:
        self._stack.setCurrentWidget(self._table_page)
        right, count = evaluation.right, len(evaluation.rows)
        share = format_number(100.0 * right / count)
        self._say(f"Accuracy {share} %: {right:,} of {self._rows_name(evaluation)}")
        if evaluation.names != self.model.names:
            self._chosen = None
        self.model.show_counts(evaluation.names, evaluation.counts, self._cell_of_row(evaluation))
        self._list_rows()

    def _cell_of_row(self, evaluation: Evaluation) -> tuple[int, int] | None:
        """Where the row on show is counted."""
        place = int(np.searchsorted(evaluation.rows, self.player.row))
        if place >= len(evaluation.rows) or evaluation.rows[place] != self.player.row:
            return None
        return int(evaluation.true[place]), int(evaluation.found[place])

    def _show_row(self) -> None:
        evaluation = self.evaluation
        if evaluation is None or self._stale or not self.isVisible():
            return
        if evaluation.task != "regression":
            self.model.show_counts(self.model.names, self.model.counts, self._cell_of_row(evaluation))
        elif self.plot is not None:
            self.plot.show_row(self.player.row)

    def _choose(self) -> None:
        self._chosen = next(((i.row(), i.column()) for i in self.view.selectedIndexes()), None)
        self._list_rows()

    def _select_first(self, index: QModelIndex) -> None:
        if self.evaluation is not None:
            rows = self.evaluation.rows_of(index.row(), index.column())
            if len(rows):
                self.player.select_row(int(rows[0]))

    def _list_rows(self) -> None:
        text = CLICK
        if self._chosen is not None and self.evaluation is not None:
            rows = self.evaluation.rows_of(*self._chosen).tolist()
            links = ", ".join(f'<a href="{row}">{row + 1}</a>' for row in rows[:MOST_LISTED])
            more = f" … and {len(rows) - MOST_LISTED:,} more" if len(rows) > MOST_LISTED else ""
            count = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}" if rows else "No row"
            true, found = (self.evaluation.names[place] for place in self._chosen)
            which = f"{count} of class {true} predicted as {found}"
            text = f"{which}: {links}{more}" if rows else f"{which}."
        # Setting it again would end a press on a number.
        if text != self.rows_label.text():
            self.rows_label.setText(text)
            self._arrange()

    # Numbers

    def _show_fit(self, evaluation: Evaluation) -> None:
        if self.plot is None:
            # Importing pyqtgraph takes most of a second: the window is painted first.
            self.placeholder.setText("Preparing the plot …")
            self._stack.setCurrentWidget(self.placeholder)
            QTimer.singleShot(0, self, self._make_plot)
            return
        self._stack.setCurrentWidget(self.plot)
        fit, scaled = evaluation.fit, any(self.document.project.dataset.scalings_of(i) for i in evaluation.names)
        drawn = self.plot.show_evaluation(evaluation, self.player.row)
        r2 = "–" if fit.r2 is None else format_number(fit.r2)
        of = f", {drawn:,} of them drawn" if drawn < len(evaluation.rows) else ""
        unit = ", targets as scaled" if scaled else ""
        self._say(
            f"R² {r2}, RMSE {format_number(fit.rmse)} over {self._rows_name(evaluation)}{of}{unit}",
            "\n".join(
                [
                    f"R² {'–' if fit.r2 is None else format_exact(fit.r2)}: 1 is perfect, 0 no better than the mean",
                    f"RMSE {format_exact(fit.rmse)}: the root of the mean squared difference{unit}",
                ]
            ),
        )

    def _make_plot(self) -> None:
        if self.plot is None:
            self.plot = FitPlot()
            self.plot.pressed.connect(self.player.select_row)
            self._stack.addWidget(self.plot)
        self.refresh()
