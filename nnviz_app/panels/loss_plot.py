"""The loss panel: losses and accuracies after each update, beside those of former runs, with a cursor to go back."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import (
    QCursor,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from core.errors import NnvizError
from core.numbers import format_number
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.panels.fields import PanelArea
from nnviz_app.panels.loss_bar import LossBar
from nnviz_app.panels.loss_curves import FormerCurve, LossCurves
from nnviz_app.panels.run_list import RunList, figures, percent, run_color
from nnviz_app.player import Player
from nnviz_app.runs import Course, RunShelf
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

EMPTY = "Apply an update or run training, and the loss is drawn here."
PREPARING = "Preparing the plot …"
NO_LOSS = "A loss needs an output neuron and a training row of data with its target."
# Qt's own largest size of a widget.
UNLIMITED = 16_777_215


def loss_name(project: Project) -> str:
    """What is plotted, told from the loss of the one sample that the canvas shows."""
    rows = len(project.dataset.training_rows)
    return "loss" if rows == 1 else f"{'mean' if project.settings.batch_mean else 'total'} loss of {rows:,} rows"


class LossPlotPanel(QWidget):
    """Plots the points of `document.run`, or the trainer's during a run. Made after the first paint."""

    def __init__(
        self,
        document: Document,
        player: Player,
        trainer: Trainer,
        runs: RunShelf | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.trainer = document, player, trainer
        self.runs = runs or RunShelf(document, self)
        self.curves: LossCurves | None = None
        self.present = Course.of(())
        self._stale = True
        self.reading_label = ElidedLabel()
        self.bar = LossBar()
        self.bar.chosen.connect(self.refresh)
        self.bar.accuracy.toggled.connect(self._show_list)
        self.bar.keep_requested.connect(lambda: self.runs.keep(self.document.run))
        self.placeholder = QLabel(PREPARING, self)
        self.placeholder.setProperty("role", "muted")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.placeholder)
        self.list = RunList(self.runs)
        self.list_area = PanelArea(self.list)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.addWidget(self.reading_label, 1)
        self._head.addWidget(self.bar)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.addLayout(self._stack, 1)
        self._body.addWidget(self.list_area)
        self._box = QVBoxLayout(self)
        self._box.addLayout(self._head)
        self._box.addLayout(self._body, 1)
        trainer.turns.add(self, self._catch_up)
        document.changed.connect(self._follow)
        trainer.running_changed.connect(self._follow_running)
        self.runs.changed.connect(self._follow_runs)
        theme().changed.connect(self._restyle)
        self._show_list()
        self._restyle()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(28), theme().space(14))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(14), theme().space(6))

    # The look

    def _restyle(self) -> None:
        space = theme().space
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.9), space(0.4))
        self._box.setSpacing(space(0.2))
        self._head.setSpacing(space(0.3))
        self._body.setSpacing(space(0.6))
        self.bar.restyle()
        self.list.restyle()
        self._turn()
        if self.curves is not None:
            self.curves.restyle()
        self._wish()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        """Put things beside each other where the panel is wide, else below each other."""
        space, across, down = theme().space, QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        bar = self.bar.sizeHint().width()
        fits = self.width() >= bar + space(33)
        self._head.setDirection(across if fits else down)
        across_policy = QSizePolicy.Policy.Fixed if fits else QSizePolicy.Policy.Ignored
        self.bar.setSizePolicy(across_policy, QSizePolicy.Policy.Fixed)
        is_wide = self.width() >= max(space(30), 1.4 * self.height())
        self._body.setDirection(across if is_wide else down)
        area, content = self.list_area, self.list.sizeHint()
        if is_wide:
            area.setFixedWidth(min(space(28), max(space(17), round(0.36 * self.width()))))
            area.setMinimumHeight(0)
            area.setMaximumHeight(UNLIMITED)
        else:
            area.setMinimumWidth(0)
            area.setMaximumWidth(UNLIMITED)
            area.setFixedHeight(min(content.height(), self.height() // 3))

    # What is followed

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.curves is not None and self._stale:
            self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.curves is None:
            # Importing pyqtgraph takes its time: the window is painted first.
            QTimer.singleShot(0, self, self.ensure_plot)

    def ensure_plot(self) -> None:
        """Make the plot, if it has not been made."""
        if self.curves is None:
            self.curves = LossCurves()
            self.curves.hovered.connect(self._tell)
            self.curves.chosen.connect(self._go_to)
            self._stack.addWidget(self.curves)
            self.refresh()

    def _follow(self, change: Change) -> None:
        if change.affects_numbers or change.project:
            self._wish()

    def _follow_running(self) -> None:
        self._stale = True
        if self.isVisible():
            self.refresh()

    def _follow_runs(self) -> None:
        self._show_list()
        self._wish()

    def _show_list(self) -> None:
        self.list_area.setVisible(bool(self.runs.kept))
        self.list.refresh(accuracy=self.bar.accuracy.isChecked())
        self._turn()

    def _wish(self) -> None:
        """Draw anew: now, or when it is shown, or in its turn during a run."""
        if not self.isVisible() or self.trainer.is_running:
            self._stale = True
        else:
            self.refresh()

    def _catch_up(self) -> None:
        if self._stale:
            self.refresh()

    @property
    def update_on_show(self) -> int:
        """The update at which the cursor stands."""
        return self.document.project.updates

    # What is shown

    def refresh(self) -> None:
        """Plot the points as they are now."""
        self._stale = False
        run, running = self.document.run, self.trainer.is_running
        points = self.trainer.live_points if running else run.points() if run.can_train else ()
        self.present = self._with_cursor(Course.of(points))
        enough = len(self.present) > 1
        self.placeholder.setText(PREPARING if enough else EMPTY if run.can_train else NO_LOSS)
        self._show_choices(enough=enough)
        if self.curves is not None:
            self._stack.setCurrentWidget(self.curves if enough else self.placeholder)
            if enough:
                self._draw(self.curves)
        self._show_reading()

    def _with_cursor(self, course: Course) -> Course:
        """The course with a point at the cursor: between the points of a run its numbers are computed."""
        here, run = self.update_on_show, self.document.run
        place = course.place_at(here)
        is_known = place >= 0 and course.updates[place] == here
        if is_known or self.trainer.is_running or not (run.can_train and run.first <= here <= run.last):
            return course
        added = Course.of([run.point_at(here)])
        return Course(
            np.insert(course.updates, place + 1, added.updates),
            np.insert(course.numbers, place + 1, added.numbers, axis=0),
        )

    def _show_choices(self, *, enough: bool) -> None:
        """Offer what there is to be shown."""
        courses = [self.present, *(kept.course for kept in self.runs.kept if kept.is_shown)]
        has_test, has_accuracy = (
            enough and any(bool(np.isfinite(course.numbers[:, column]).any()) for course in courses)
            for column in (1, 2)
        )
        self.bar.offer(losses=enough, accuracies=has_accuracy, test=has_test)
        self._turn()
        run = self.document.run
        self.bar.keep.setEnabled(not self.trainer.is_running and run.last > run.first and not self.runs.has(run))

    def _draw(self, curves: LossCurves) -> None:
        run = self.document.run
        former = [
            FormerCurve(kept.course, kept.course.parting(self.present), run_color(kept))
            for kept in self.runs.kept
            if kept.is_shown
        ]
        reach = range(0) if self.trainer.is_running else range(run.first, run.last + 1)
        curves.show_runs(self.present, former, here=self.update_on_show, reach=reach, shown=self.bar.shown)

    def _show_reading(self) -> None:
        place = self.present.place_at(self.update_on_show)
        if place < 0:
            self.reading_label.setText("")
            self.reading_label.setToolTip("")
            return
        update, numbers = int(self.present.updates[place]), self.present.numbers[place]
        if self.bar.accuracy.isChecked():
            what, texts = "accuracy", [percent(float(share)) for share in numbers[2:]]
        else:
            what, texts = loss_name(self.document.project), [format_number(float(loss), 6) for loss in numbers[:2]]
        test = ""
        if not np.isnan(numbers[1]):
            # How many rows they are has no room beside two numbers.
            what, test = what.partition(" of ")[0], f", test {texts[1]}"
        self.reading_label.setText(f"{self._title(update)}: {what} {texts[0]}{test}")
        self.reading_label.setToolTip("\n".join([self._title(update), *figures(numbers)]))

    def _title(self, update: int) -> str:
        """An update's number, with how many epochs were finished by then, if that is known."""
        project, run = self.document.project, self.document.run
        epochs = None
        if update == project.updates:
            epochs = project.epoch
        elif not self.trainer.is_running and run.first <= update <= run.last:
            epochs = run.epoch_at(update)
        if epochs is None:
            return f"Update {update:,}"
        return f"Update {update:,} ({epochs:,} epoch{'' if epochs == 1 else 's'})"

    # What the pointer does

    def _tell(self, update: int | None) -> None:
        """Show all numbers at an update that is pointed at, with all their digits."""
        if update is None:
            QToolTip.hideText()
            return
        lines = []
        courses = [("", self.present), *((kept.name, kept.course) for kept in self.runs.kept if kept.is_shown)]
        for name, course in courses:
            place = course.place_at(update)
            if place < 0:
                continue
            at = int(course.updates[place])
            head = name if at == update else f"{name or 'This run'} at update {at:,}"
            lines += [f"<b>{escape(head)}</b>"] if head else []
            lines += figures(course.numbers[place])
        text = "<br>".join(lines)
        text = f"<p style='white-space: pre'><b>{self._title(update)}</b><br>{text}</p>"
        QToolTip.showText(QCursor.pos(), text, self.curves)

    def _go_to(self, update: int) -> None:
        try:
            self.player.go_to_update(update)
        except NnvizError as error:
            self.reading_label.setText(str(error))
