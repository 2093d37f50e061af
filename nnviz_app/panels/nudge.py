"""The panel "Nudge": move one parameter a little and see whether the loss does what the gradient says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from core.answers import POINTS, LossCurve, ParameterLoss, loss_curve
from core.errors import NnvizError
from core.notation import Writer
from core.numbers import format_exact, format_number, parse_number
from core.trace import Trace
from nnviz_app.document import Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.decision_controls import choice_box, fill_box
from nnviz_app.panels.fields import MessageLabel, NumberField, try_edit
from nnviz_app.panels.forms import FoldingRow
from nnviz_app.panels.landscape_form import AUTO, ReachField, push_button
from nnviz_app.panels.parameter_panel import ParameterPanel
from nnviz_app.panels.plot_page import PlotPage
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.stopwatch import seconds_of
from nnviz_app.theme import set_style_property, theme

if TYPE_CHECKING:
    from nnviz_app.panels.nudge_plot import NudgePlot

PREPARING = "Preparing the plot …"
RUNNING = "A run is under way: the curve is drawn again when it ends."
EMPTY = "There is no loss to move yet: connect an input to an output neuron and give the data a row."
# Seconds that a curve may take, and its fewest points.
CURVE_SECONDS, FEWEST_POINTS = 0.15, 21
# A curve reaches so many times as far as a value that is typed outside of it.
FARTHER = 1.2
ROW, BATCH = "row", "batch"


class NudgePanel(ParameterPanel):
    """`curve` is the loss over the parameter in the box, None where there is none; `at` the value of the point.

    The point goes back to the present value when the network or the row on show changes.
    """

    running, empty = RUNNING, EMPTY

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        inquiry: Inquiry,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(document, player, selection, inquiry, preferences, parent)
        self.plot: NudgePlot | None = None
        self.curve: LossCurve | None = None
        self.at = 0.0
        # How far the curve reaches on each side; None for automatic.
        self.reach: float | None = None
        self._make_widgets()
        self._lay_out()
        self._restyle()

    def _make_widgets(self) -> None:
        self.loss_box = choice_box(self, "Loss of")
        self.loss_box.activated.connect(self._wish)
        self.reach_field = ReachField()
        self.reach_field.setAccessibleName("Range of the curve")
        self.reach_field.setToolTip("How far the curve reaches on each side; auto: as far as the value, at least 1")
        self.reach_field.show_text(AUTO)
        self.reach_field.committed.connect(self._set_reach)
        self.value_field = NumberField()
        self.value_field.setAccessibleName("The parameter's value")
        self.value_field.changed_to.connect(self.nudge_to)
        self.set_button = push_button("Set the weight", "Give the network this value; it can be undone")
        self.back_button = push_button("Back", "Back to the present value (Esc)")
        self.set_button.clicked.connect(self._set_value)
        self.back_button.clicked.connect(self.go_back)
        self.message = MessageLabel()
        for field in (self.value_field, self.reach_field):
            field.refused.connect(self.message.say)
        names = ("Predicted change", "Actual change", "Difference")
        self.names, self.sums, self.changes = [QLabel(n) for n in names], [QLabel() for _ in names], []
        for name, total in zip(self.names, self.sums, strict=True):
            set_style_property(name, "role", "muted")
            set_style_property(total, "role", "small")
            number = QLabel()
            number.setAccessibleName(name.text())
            number.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.changes.append(number)
        self.update_label = QLabel()
        self.update_label.setWordWrap(True)
        set_style_property(self.update_label, "role", "small")
        self.placeholder.setText(PREPARING)

    def _lay_out(self) -> None:
        controls = QWidget()
        range_label = QLabel("Range ±")
        range_label.setBuddy(self.reach_field)
        self._rows = (
            FoldingRow(self.parameter_box, self.value_field),
            FoldingRow(self.set_button, self.back_button),
            FoldingRow(self.loss_box),
            FoldingRow(range_label, self.reach_field, QWidget()),
        )
        self._table = QGridLayout()
        self._table.setColumnStretch(1, 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, (name, total, number) in enumerate(zip(self.names, self.sums, self.changes, strict=True)):
            self._table.addWidget(name, row, 0)
            self._table.addWidget(total, row, 1, right)
            self._table.addWidget(number, row, 2, right)
        self._column = QVBoxLayout(controls)
        self._column.setContentsMargins(0, 0, 0, 0)
        for row_of_fields in self._rows[:2]:
            self._column.addWidget(row_of_fields)
        self._column.addLayout(self._table)
        for part in (self.message, self.update_label, *self._rows[2:]):
            self._column.addWidget(part)
        self._column.addStretch(1)
        picture = QWidget()
        self._pictures = QStackedLayout(picture)
        self._pictures.addWidget(QLabel())
        self._page = PlotPage(controls, picture)
        self._stack.addWidget(self._page)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(26), theme().space(32))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._page.least_width(), theme().space(8))

    # Showing

    def ensure_plot(self) -> None:
        """Make the plot, if it has not been made."""
        if self.plot is not None:
            return
        from nnviz_app.panels.nudge_plot import NudgePlot

        self.plot = NudgePlot()
        self.plot.moved.connect(self.nudge_to)
        self.plot.left_alone.connect(self.go_back)
        self._pictures.addWidget(self.plot)
        self._pictures.setCurrentWidget(self.plot)
        self.refresh()

    def refresh(self) -> None:
        """Draw the curve as it is now."""
        self._timer.stop()
        if not self.isVisible() or self.plot is None:
            return
        trace, problem = self._find_trace()
        if trace is None:
            self._show_problem(problem)
            return
        self._offer_losses(trace)
        sample = self.player.sample if self.loss_box.currentData() == ROW else None
        key = (self.player.trace, self.parameter_box.parameter, sample, self.reach)
        try:
            if key != self._key:
                self._key = key
                self.curve = self._make_curve(trace, sample, span=self.reach)
                self.at = self.curve.value
            if self.curve is not None:
                self._show(trace, self.curve, sample)
        except NnvizError as error:
            self._show_problem(str(error))

    def _make_curve(self, trace: Trace, sample: int | None, *, span: float | None) -> LossCurve:
        """The curve, with fewer points where each takes long."""
        parameter = self.parameter_box.parameter
        loss_at = ParameterLoss(trace, parameter, sample)
        seconds = seconds_of(lambda: loss_at(loss_at.value))
        # An odd number, so that the present value is one of them.
        points = POINTS if seconds * POINTS < CURVE_SECONDS else max(FEWEST_POINTS, int(CURVE_SECONDS / seconds) | 1)
        return loss_curve(trace, parameter, sample=sample, span=span, points=points)

    def _set_reach(self, text: str) -> None:
        automatic = text.strip().lower() in ("", AUTO)
        self.reach = None if automatic else parse_number(text)
        self.reach_field.show_text(AUTO if automatic else text.strip(), force=True)
        self._timer.start()

    def _offer_losses(self, trace: Trace) -> None:
        row = f"Loss of row {self.player.row + 1:,}"
        titles = {ROW: row, BATCH: f"Loss of the batch of {trace.batch:,} rows"}
        chosen = self.loss_box.currentData() or ROW
        fill_box(self.loss_box, titles, chosen)
        self.loss_box.setItemText(0, row)
        self.loss_box.setItemText(1, titles[BATCH])
        self.loss_box.setToolTip(self.loss_box.currentText())
        self.loss_box.setVisible(trace.batch > 1)
        self._rows[2].setVisible(trace.batch > 1)

    def _show_problem(self, sentence: str) -> None:
        self.curve = None
        super()._show_problem(sentence)

    def _show(self, trace: Trace, curve: LossCurve, sample: int | None) -> None:
        assert self.plot is not None
        self._stack.setCurrentWidget(self._page)
        notation, title = self.preferences.notation, self.parameter_box.title
        whose = f"row {self.player.row + 1:,}" if sample is not None else "the batch"
        left = f"{notation.loss} of {whose}" if trace.batch > 1 else notation.loss
        if self.plot.curve is not curve or self.plot.titles != (title, left):
            self.plot.show_curve(curve, titles=(title, left))
        is_weight = self.parameter_box.parameter in trace.network.edges
        self.set_button.setText("Set the weight" if is_weight else "Set the bias")
        self.names[0].setToolTip(f"{Writer(trace, self.preferences.exact_style).derivative(title)} · Δ{title}")
        self.update_label.setText(self._describe_update(curve))
        self._show_point(curve)

    def _describe_update(self, curve: LossCurve) -> str:
        if curve.new_value is None or curve.new_loss is None:
            return "No update changes it."
        if curve.new_value == curve.value:
            return "The next update leaves it where it is."
        digits, loss = self.preferences.exact_style.digits, self.preferences.notation.loss
        numbers = [format_number(n, digits) for n in (curve.value, curve.new_value, curve.loss, curve.new_loss)]
        return (
            f"Next update (arrow): {self.parameter_box.title} {numbers[0]} → {numbers[1]}. If it alone moved: "
            f"{loss} {numbers[2]} → {numbers[3]}."
        )

    def _show_point(self, curve: LossCurve) -> None:
        assert self.plot is not None
        self.plot.show_point(self.at)
        change = self.at - curve.value
        predicted, actual = curve.predict(change)
        digits = self.preferences.exact_style.digits
        numbers = (predicted, actual, actual - predicted)
        for label, number in zip(self.changes, numbers, strict=True):
            label.setText(format_number(number, digits))
            label.setToolTip(format_exact(number))
        factors = [format_number(n, digits) for n in (curve.gradient, change)]
        after = [format_number(n, digits) for n in (curve.loss + actual, curve.loss)]
        self.sums[0].setText(f"{factors[0]} × {Writer.bracket_text(factors[1])} =")
        self.sums[1].setText(f"{after[0]} − {after[1]} =")
        self.value_field.show_value(self.at, force=not self.value_field.hasFocus())
        moved = change != 0.0
        self.back_button.setEnabled(moved)
        self.set_button.setEnabled(moved)

    # Acting

    def nudge_to(self, value: float) -> None:
        """Move the point to this value of the parameter; the network stays as it is."""
        curve, trace = self.curve, self.exact_trace
        if curve is None or self.plot is None or trace is None:
            return
        former, self.at = self.at, value
        if not curve.values[0] <= value <= curve.values[-1]:
            # Typed: the curve reaches farther then.
            sample = self.player.sample if self.loss_box.currentData() == ROW else None
            try:
                self.curve = self._make_curve(trace, sample, span=FARTHER * abs(value - curve.value))
            except NnvizError as error:
                self.at = former
                self.message.say(str(error))
                return
            self._show(trace, self.curve, sample)
        self._show_point(self.curve or curve)

    def go_back(self) -> None:
        """Put the point back to the present value."""
        if self.curve is not None:
            self.message.say("")
            self.nudge_to(self.curve.value)

    def _set_value(self) -> None:
        name, value = self.parameter_box.parameter, self.at
        text = f"Set {self.parameter_box.title} to {format_number(value)}"
        self.message.say(try_edit(self.document, self.player, text, lambda draft: draft.network.set_value(name, value)))

    # Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.plot is None:
            # Importing pyqtgraph takes its time: the window is painted first.
            QTimer.singleShot(0, self, self.ensure_plot)

    def _restyle(self) -> None:
        super()._restyle()
        space = theme().space
        self._column.setSpacing(space(0.4))
        self._table.setHorizontalSpacing(space(0.5))
        self._table.setVerticalSpacing(space(0.2))
        self.reach_field.setFixedWidth(space(5))
        self.value_field.setMinimumWidth(space(7))
        for row in self._rows:
            row.restyle()
        for number in self.changes:
            number.setFont(theme().font("value"))
        self._page.restyle()
        if self.plot is not None:
            self.plot.restyle()
        self._timer.start()
