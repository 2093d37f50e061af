"""The panel "Check": one gradient found in three ways, the paths that it is the sum of, and what a book says of it."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core.answers import Answers, three_answers
from core.errors import NnvizError
from core.notation import Writer
from core.paths import Paths
from core.project import Project
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.trace import Trace
from nnviz_app.document import Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.answer_rows import AnswerRows, agreement
from nnviz_app.panels.book_box import BookBox
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.panels.fields import MessageLabel, PanelArea, try_edit
from nnviz_app.panels.forms import FoldingRow
from nnviz_app.panels.parameter_panel import ParameterPanel
from nnviz_app.panels.path_list import PathList
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import set_style_property, theme

RUNNING = "A run is under way: the gradient is checked again when it ends."
EMPTY = "There is no gradient to check yet: connect an input to an output neuron and give the data a row."


class CheckPanel(ParameterPanel):
    """Checks the gradient of one parameter for the row on show. `answers` is what is shown, None for nothing.

    Nothing is computed while it is hidden or during a run.
    """

    running, empty = RUNNING, EMPTY

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        inquiry: Inquiry,
        spotlight: Spotlight,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(document, player, selection, inquiry, preferences, parent)
        self.answers: Answers | None = None
        self.title = ElidedLabel()
        set_style_property(self.title, "role", "strong")
        self.rows = AnswerRows()
        self.badge = MessageLabel()
        self.note = QLabel()
        self.note.setWordWrap(True)
        set_style_property(self.note, "role", "small")
        self.path_list = PathList(spotlight)
        self.book = BookBox(preferences)
        self._lay_out()
        self.rows.step_box.activated.connect(self._wish)
        self.book.adopted.connect(self._adopt)
        self._restyle()

    def _lay_out(self) -> None:
        content = QWidget()
        self._head = FoldingRow(self.parameter_box, self.rows.step_box)
        self._inner = QVBoxLayout(content)
        for widget in (self._head, self.title, self.rows, self.badge, self.path_list, self.book, self.note):
            self._inner.addWidget(widget)
        self._inner.addStretch(1)
        self._content = PanelArea(content)
        self._stack.addWidget(self._content)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(24), theme().space(38))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._content.minimumSizeHint().width(), theme().space(8))

    # Showing

    def refresh(self) -> None:
        """Check the gradient as it is now."""
        self._timer.stop()
        if not self.isVisible():
            return
        trace, problem = self._find_trace()
        if trace is None:
            self._show_problem(problem)
            return
        parameter, sample = self.parameter_box.parameter, self.player.sample
        shown = self.player.trace
        key = (shown, parameter, sample, self.rows.step, self.preferences.exact_style)
        if key == self._key:
            return
        self._key = key
        try:
            self.answers = three_answers(
                trace, parameter, sample=sample, step=self.rows.step, style=self.preferences.exact_style
            )
        except NnvizError as error:
            self._show_problem(str(error))
            return
        self._show(trace, self.answers, self.answers.paths)
        if shown is not None:
            self.book.show_subject(shown, parameter, sample)
        self._stack.setCurrentWidget(self._content)

    def _show_problem(self, sentence: str) -> None:
        if self.answers is not None:
            self.answers = None
            self.path_list.show_paths(None, None)
        super()._show_problem(sentence)

    def _show(self, trace: Trace, answers: Answers, paths: Paths) -> None:
        writer = Writer(trace, self.preferences.exact_style)
        row = writer.row(Quantity(Kind.LOSS, "", paths.sample))
        gradient = writer.derivative(writer.parameter(answers.parameter), row)
        alone = " alone" if trace.batch > 1 else ""
        self.title.setText(f"{gradient} for row {self.player.row + 1:,}{alone}")
        self.title.setToolTip(self.title.text())
        self.rows.show_answers(answers)
        self.badge.say(*self._judgement(answers))
        self.path_list.show_paths(paths, writer)
        self.note.setText(" ".join(answers.notes))
        self.note.setVisible(bool(answers.notes))

    def _judgement(self, answers: Answers) -> tuple[str, str]:
        """What is said of the three numbers, and the kind of the message."""
        errors = answers.errors
        if answers.agrees and not answers.reason:
            return f"All three {agreement(max(errors.values()))}.", "success"
        lines = [
            f"Backpropagation and {title} {agreement(errors[name])}."
            for name, title in (("difference", "the difference"), ("paths", "the paths"))
        ]
        kind = "error" if "no cause is known" in answers.reason.lower() else "warning"
        return " ".join([*lines, answers.reason]), kind

    # Acting

    def _adopt(self, settings: Settings) -> None:
        def change(draft: Project) -> None:
            draft.settings = settings

        problem = try_edit(self.document, self.player, "Use the book's convention", change)
        if problem:
            self.book.message.say(problem)

    # Qt

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.path_list.view.clearSelection()
        self.path_list.view.light_chosen()

    def _restyle(self) -> None:
        super()._restyle()
        space = theme().space
        self._inner.setContentsMargins(space(0.9), space(0.4), space(0.9), space(0.6))
        self._inner.setSpacing(space(0.6))
        self._head.restyle()
        self.rows.restyle()
        self.path_list.restyle()
        self.book.restyle()
        self._key = None
