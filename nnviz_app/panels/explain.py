"""The explain panel: the step that was done, as a sentence and a typeset formula, and the one that comes next."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.explanation import Explanation, explain
from core.notation import MAX_TERMS, Writer
from core.numbers import format_exact, format_number
from core.quantities import Phase, Quantity, Step
from core.trace import Trace
from nnviz_app.formula import break_formula
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.panels.fields import PanelArea, copy_text, flat_button, keep_keys
from nnviz_app.panels.readings import phase_name
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
RUNNING = "A run is under way: its last step is explained when it ends."
BEGIN = "Press → to begin."
EMPTY = "There is nothing to explain yet: the network needs input and output neurons, the data a row."
DONE = "All steps are done. Press → to keep the new parameters and go on."
DONE_WITHOUT_LOSS = "All steps are done. Draw an output neuron to get a loss and gradients."
PHASE_TITLES = {
    Phase.FORWARD: "FORWARD",
    Phase.LOSS: "LOSS",
    Phase.BACKWARD: "BACKWARD",
    Phase.UPDATE: "UPDATE",
}


class TermsModel(QAbstractTableModel):
    """The terms of a long sum: name and value. A value is asked of the trace when it is painted."""

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self._trace: Trace | None = None
        self._terms: tuple[Quantity, ...] = ()

    def show_terms(self, trace: Trace, terms: tuple[Quantity, ...]) -> None:
        """Show the terms of another sum."""
        self.beginResetModel()
        self._trace, self._terms = trace, terms
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._terms)

    def columnCount(self, parent: Index | None = None) -> int:
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._trace is None or not index.isValid():
            return None
        term = self._terms[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return format_exact(self._trace.value(term))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if index.column() == 0:
            sample = f"sample {term.sample + 1}: " if self._trace.batch > 1 else ""
            return sample + Writer(self._trace, self.preferences.style).name(term)
        return format_number(self._trace.value(term), self.preferences.digits)


class NextFrame(QFrame):
    """What comes next: its symbols with a question mark for the result, in a dashed frame."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setWordWrap(True)
        set_style_property(self.title, "role", "muted")
        self.formula = FormulaLabel()
        self.formula.set_color("muted")
        self.formula.set_relative_size(0.85)
        self._box = QVBoxLayout(self)
        self._box.addWidget(self.title)
        self._box.addWidget(self.formula)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._box.setContentsMargins(space(0.7), space(0.5), space(0.7), space(0.6))
        self._box.setSpacing(space(0.4))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme().pen("border", 1.0, dashed=True))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), theme().space(0.4), theme().space(0.4))
        painter.end()


class ExplainPanel(QWidget):
    """Explains where the player stands: what came out last, and beneath it what is about to be computed."""

    def __init__(self, player: Player, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player, self.preferences = player, preferences
        self.explanation: Explanation | None = None
        self._step: Step | None = None
        self._stale = False
        self.phase = QLabel()
        set_style_property(self.phase, "role", "strong")
        self.copy_button = flat_button("copy", "Copy this step")
        self.copy_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.copy_menu = QMenu(self.copy_button)
        self.copy_menu.addAction("As text", self.copy_as_text)
        self.copy_menu.addAction("As LaTeX", self.copy_as_latex)
        self.copy_menu.addAction("Result only", self.copy_result)
        self.copy_button.setMenu(self.copy_menu)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.symbols = FormulaLabel()
        self.numbers = FormulaLabel()
        self.result = FormulaLabel()
        self.result.set_relative_size(1.2)
        self.note = QLabel()
        self.note.setWordWrap(True)
        set_style_property(self.note, "role", "small")
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._show_terms)
        keep_keys(self.more)
        self.terms = QTableView()
        self.terms_model = TermsModel(preferences, self)
        self._set_up_terms()
        self.next = NextFrame()
        self.end = QLabel()
        self.end.setWordWrap(True)
        set_style_property(self.end, "role", "muted")
        self._lay_out()
        # Typesetting takes some 50 ms a step. With a key held down it waits until no key is waiting, so that the
        # panel never makes the stepping lag.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.refresh)
        player.moved.connect(self._timer.start)
        preferences.changed.connect(self._timer.start)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def _set_up_terms(self) -> None:
        self.terms.setModel(self.terms_model)
        self.terms.setShowGrid(False)
        self.terms.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.terms.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.terms.horizontalHeader().hide()
        self.terms.verticalHeader().hide()
        self.terms.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.terms.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        content = QWidget()
        self.head = QWidget()
        head = QHBoxLayout(self.head)
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.phase, 1)
        head.addWidget(self.copy_button)
        self._formulas = QVBoxLayout()
        for formula in (self.symbols, self.numbers, self.result):
            self._formulas.addWidget(formula)
        self._inner = QVBoxLayout(content)
        self._inner.addWidget(self.head)
        self._inner.addWidget(self.sentence)
        self._inner.addLayout(self._formulas)
        self._inner.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self._inner.addWidget(self.terms)
        self._inner.addWidget(self.note)
        self._inner.addSpacing(theme().space(0.4))
        self._inner.addWidget(self.next)
        self._inner.addWidget(self.end)
        self._inner.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(PanelArea(content))

    # Showing

    def refresh(self) -> None:
        """Explain where the player stands now."""
        self._timer.stop()
        if not self.isVisible() and self.explanation is not None:
            self._stale = True  # nothing is typeset for a panel that nobody sees
            return
        if self.player.is_locked:
            # Numbers that change many times a second are not typeset.
            self._show_done(None, None)
            self.phase.setText("")
            self.sentence.setText(RUNNING)
            self.next.hide()
            self.end.hide()
            return
        self._stale = False
        trace, step = self.player.trace, self.player.step
        style = self.preferences.style
        self._step = step
        self.explanation = explain(trace, step.quantity, style) if trace is not None and step is not None else None
        self._show_done(trace, step)
        following = None
        if trace is not None and self.player.index < len(trace):
            following = trace[self.player.index]
        self.next.setVisible(following is not None)
        if trace is not None and following is not None:
            coming = explain(trace, following.quantity, style)
            self.next.title.setText(f"Next: {coming.title}")
            self.next.setToolTip(coming.sentence)
            self.next.formula.set_latex(f"{coming.symbols} = {{?}}")
        self.end.setVisible(trace is not None and following is None)
        has_loss = bool(self.player.document.project.network.outputs)
        self.end.setText(DONE if has_loss else DONE_WITHOUT_LOSS)

    def _show_done(self, trace: Trace | None, step: Step | None) -> None:
        done = self.explanation
        if step is None:
            done = None
        for widget in (self.symbols, self.numbers, self.result, self.head):
            widget.setVisible(done is not None)
        if done is None or step is None or trace is None:
            self.phase.setText("")
            self.sentence.setText(BEGIN if trace is not None else EMPTY)
            self.note.hide()
            self.more.hide()
            self.terms.hide()
            return
        hue = phase_name(step.phase)
        self.phase.setText(PHASE_TITLES[step.phase])
        set_style_property(self.phase, "phase", hue)
        self.sentence.setText(done.sentence.rstrip(".") + ".")
        self.symbols.set_latex(done.symbols, plain=done.formula)
        self.numbers.set_latex(done.numbers, pieces=formula_pieces(done.numbers))
        self.numbers.setVisible(bool(done.numbers))
        self.numbers.set_color(hue)
        self.result.set_latex(done.result)
        self.result.set_color(hue)
        self.result.setToolTip(f"{done.title} = {format_exact(step.value)}")
        self.result.setAccessibleName(self.result.toolTip())
        self.note.setText(done.note)
        self.note.setVisible(bool(done.note))
        is_long = len(step.operands) > MAX_TERMS + 1
        self.more.setVisible(is_long)
        self.more.setText(f"All {len(step.operands):,} terms")
        self._show_terms(self.more.isChecked())

    def _show_terms(self, wanted: bool) -> None:
        step, trace = self._step, self.player.trace
        is_long = step is not None and len(step.operands) > MAX_TERMS + 1
        self.more.setArrowType(Qt.ArrowType.DownArrow if wanted else Qt.ArrowType.RightArrow)
        self.terms.setVisible(wanted and is_long)
        if wanted and is_long and step is not None and trace is not None:
            self.terms_model.show_terms(trace, step.operands)
            rows = min(8, len(step.operands))
            self.terms.setFixedHeight(rows * self.terms.verticalHeader().defaultSectionSize() + 2)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _restyle(self) -> None:
        space = theme().space
        self._inner.setContentsMargins(space(0.9), space(0.5), space(0.8), space(0.6))
        self._inner.setSpacing(space(0.6))
        self._formulas.setSpacing(space(0.55))
        self._formulas.setContentsMargins(0, space(0.2), 0, 0)
        # The widest title has room at all times, or the panel would change its width with the phase.
        metrics = QFontMetrics(theme().font("strong"))
        self.phase.setMinimumWidth(max(metrics.horizontalAdvance(title) for title in PHASE_TITLES.values()))
        for formula in (self.symbols, self.numbers, self.result, self.next.formula):
            formula.setMinimumWidth(space(6))  # what is wider becomes smaller or breaks
        self.terms.verticalHeader().setMinimumSectionSize(1)
        self.terms.verticalHeader().setDefaultSectionSize(space(1.7))
        self.next.restyle()

    # Copying

    def copy_as_text(self) -> None:
        """Copy the sentence and the formula as text."""
        done = self.explanation
        if done is not None:
            copy_text(f"{done.sentence.rstrip('.')}.\n{done.formula}\n= {done.plain}")

    def copy_as_latex(self) -> None:
        """Copy the formula as one line of LaTeX."""
        done = self.explanation
        if done is not None:
            copy_text(done.latex)

    def copy_result(self) -> None:
        """Copy the result with every digit, so that it pastes into Python."""
        if self._step is not None:
            copy_text(repr(float(self._step.value)))


def formula_pieces(latex: str) -> list[str]:
    """Where a formula may be broken: also inside brackets that hold a long sum, such as a mean over a batch."""
    pieces: list[str] = []
    for piece in break_formula(latex):
        pieces += _split_bracket(piece) if piece.count(" + ") > 2 else [piece]
    return pieces


def _split_bracket(latex: str) -> list[str]:
    """Split before each plus in the outermost round brackets, never inside braces or brackets within."""
    pieces, start, round_depth, brace_depth = [], 0, 0, 0
    for place, character in enumerate(latex):
        round_depth += {"(": 1, ")": -1}.get(character, 0)
        brace_depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "+" and round_depth == 1 and brace_depth == 0:
            pieces.append(latex[start:place])
            start = place
    return [*pieces, latex[start:]]
