"""The explain panel: the step that was done, or any number that was asked about, as a sentence and a formula.

What a number is made of can be followed down to what is given; beneath a step stands the one that comes next.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.book import RoundedTrace
from core.explanation import Explanation, explain
from core.numbers import format_exact
from core.python_code import python_code
from core.quantities import EDGE_KINDS, Kind, Phase, Quantity, phase_of
from core.style import unmark
from core.trace import Trace
from nnviz_app.assets import themed_icon
from nnviz_app.formula import break_formula
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.inquiry import Inquiry
from nnviz_app.panels.derivation_view import DerivationModel, DerivationView
from nnviz_app.panels.fields import PanelArea, copy_text, flat_button, keep_keys
from nnviz_app.panels.readings import phase_name
from nnviz_app.panels.trail_bar import TrailBar
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

RUNNING = "A run is under way: its last step is explained when it ends."
BEGIN = "Press → to begin, or click any number to see where it comes from."
EMPTY = "There is nothing to explain yet: the network needs input and output neurons, the data a row."
DONE = "All steps are done. Press → to keep the new parameters and go on."
DONE_WITHOUT_LOSS = "All steps are done. Draw an output neuron to get a loss and gradients."
PHASE_TITLES = {
    Phase.FORWARD: "FORWARD",
    Phase.LOSS: "LOSS",
    Phase.BACKWARD: "BACKWARD",
    Phase.UPDATE: "UPDATE",
}


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
    """Explains the number that was asked about; else what came out last, and what is about to be computed.

    Each operand in a formula can be pointed at and clicked: the inquiry goes on to it.
    """

    def __init__(
        self, player: Player, preferences: Preferences, inquiry: Inquiry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.player, self.preferences, self.inquiry = player, preferences, inquiry
        self.explanation: Explanation | None = None
        self._quantity: Quantity | None = None
        self._stale = False
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # what was clicked last has the keys
        self.phase = QLabel()
        set_style_property(self.phase, "role", "strong")
        self.copy_button = flat_button("copy", "Copy this step")
        self.copy_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.copy_menu = QMenu(self.copy_button)
        self.copy_menu.addAction("As text", self.copy_as_text)
        self.copy_menu.addAction("As LaTeX", self.copy_as_latex)
        self.copy_menu.addAction("As Python", self.copy_as_python)
        self.copy_menu.addAction("Result only", self.copy_result)
        self.copy_button.setMenu(self.copy_menu)
        self.trail = TrailBar(inquiry, preferences)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.symbols = FormulaLabel()
        self.numbers = FormulaLabel()
        self.result = FormulaLabel()
        self.result.set_relative_size(1.2)
        for formula in (self.symbols, self.numbers):
            formula.operand_clicked.connect(self._follow_operand)
            formula.operand_hovered.connect(self._point_at_operand)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.linkActivated.connect(self._go_to_step)
        self.note = QLabel()
        self.note.setWordWrap(True)
        set_style_property(self.note, "role", "small")
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        set_style_property(self.more, "fold", True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setText("Made of")
        self.more.setChecked(False)
        self.more.toggled.connect(self._show_tree)
        keep_keys(self.more)
        self.tree_model = DerivationModel(player, preferences, self)
        self.tree = DerivationView(self.tree_model, inquiry)
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
        player.moved.connect(self._follow_move)
        inquiry.changed.connect(self._timer.start)
        inquiry.pointed_changed.connect(self._light)
        preferences.changed.connect(self._timer.start)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

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
        self._inner.addWidget(self.trail)
        self._inner.addWidget(self.head)
        self._inner.addWidget(self.sentence)
        self._inner.addLayout(self._formulas)
        self._inner.addWidget(self.missing)
        self._inner.addWidget(self.note)
        self._inner.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self._inner.addWidget(self.tree)
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
            self._show(None, None)
            self.phase.setText("")
            self.sentence.setText(RUNNING)
            self.next.hide()
            self.end.hide()
            return
        self._stale = False
        trace, step = self.player.trace, self.player.step
        asked = self.inquiry.quantity
        self._show(trace, asked if asked is not None else step.quantity if step is not None else None)
        following = None
        if asked is None and trace is not None and self.player.index < len(trace):
            following = trace.quantity_at(self.player.index)
        self.next.setVisible(following is not None)
        if trace is not None and following is not None:
            coming = explain(trace, following, self.preferences.style)
            self.next.title.setText(f"Next: {coming.title}")
            self.next.setToolTip(coming.sentence)
            self.next.formula.set_latex(unmark(f"{coming.symbols} = {{?}}"))
        self.end.setVisible(asked is None and trace is not None and following is None)
        has_loss = bool(self.player.document.project.network.outputs)
        self.end.setText(DONE if has_loss else DONE_WITHOUT_LOSS)

    def _follow_move(self) -> None:
        says_why_not = self.explanation is None and self.sentence.text() != BEGIN
        if says_why_not and not self.player.is_locked and self.player.trace is not None:
            # It may be long until no key is waiting: meanwhile it must not say that there is nothing to explain.
            self.sentence.setText("" if self.player.index else BEGIN)
        self._timer.start()

    def _show(self, trace: Trace | None, quantity: Quantity | None) -> None:
        """Explain a quantity of the trace; nothing where there is none."""
        self._quantity = quantity
        told = None
        if trace is not None and quantity is not None:
            told = explain(trace, quantity, self.preferences.style)
        self.explanation = told
        for widget in (self.symbols, self.numbers, self.result, self.head):
            widget.setVisible(told is not None)
        if trace is None or quantity is None or told is None:
            self.phase.setText("")
            self.sentence.setText(BEGIN if trace is not None else self.player.problem or EMPTY)
            for widget in (self.trail, self.missing, self.note, self.more, self.tree):
                widget.hide()
            return
        hue = phase_name(phase_of(quantity.kind))
        is_known = trace.is_revealed(quantity, self.player.index)
        self.trail.show_trail(trace)
        self.phase.setText(PHASE_TITLES[phase_of(quantity.kind)] + self._sample_words(trace, quantity))
        set_style_property(self.phase, "phase", hue)
        self.sentence.setText(told.sentence.rstrip(".") + ".")
        self.symbols.set_latex(told.symbols, plain=told.formula)
        self.numbers.set_latex(told.numbers, pieces=formula_pieces(told.numbers))
        self.numbers.setVisible(bool(told.numbers) and is_known)
        self.numbers.set_color(hue)
        self.result.set_latex(told.result)
        self.result.setVisible(is_known)
        self.result.set_color(hue)
        self.result.setToolTip(f"{told.title} = {format_exact(trace.value(quantity))}")
        self.result.setAccessibleName(self.result.toolTip())
        color = theme().palette.color("accent").name()
        self.missing.setText(
            f'Not computed yet: <a href="step" style="color: {color}">go to its step</a>'
            if trace.has_step(quantity)
            else "No step computes this number."
        )
        self.missing.setVisible(not is_known)
        self.note.setText("\n".join(note for note in (told.note, self._rounding_note(trace, quantity)) if note))
        self.note.setVisible(bool(self.note.text()))
        self.more.setVisible(bool(told.operands))
        self._show_tree(self.more.isChecked())
        self._light()

    def _sample_words(self, trace: Trace, quantity: Quantity) -> str:
        """Of which sample an asked number is, as it need not be the one on the canvas."""
        is_of_batch = phase_of(quantity.kind) is Phase.UPDATE or quantity.kind in (Kind.WEIGHT, Kind.BIAS)
        if trace.batch == 1 or is_of_batch or not self.inquiry.trail:
            return ""
        return f" · sample {quantity.sample + 1:,} of {trace.batch:,}"

    def _rounding_note(self, trace: Trace, quantity: Quantity) -> str:
        if not trace.is_revealed(quantity, self.player.index):
            return ""
        if not isinstance(trace, RoundedTrace):
            return self.player.rounding_refused
        exact = format_exact(trace.exact.value(quantity))
        return f"Rounded to {trace.rounding} at each step, as a printed calculation is. Exactly it is {exact}."

    def _show_tree(self, wanted: bool) -> None:
        trace, told = self.player.trace, self.explanation
        shown = wanted and told is not None and bool(told.operands)
        themed_icon(self.more, "chevron-down" if wanted else "chevron-right")
        if told is not None:
            count = len(told.operands)
            self.more.setText("Made of" if count < 8 else f"Made of {count:,} numbers")
        self.tree.setVisible(shown)
        self.tree_model.show_quantity(trace if shown else None, self._quantity if shown else None)

    # Operands

    def _operand(self, place: int) -> Quantity | None:
        told = self.explanation
        return told.operands[place] if told is not None and 0 <= place < len(told.operands) else None

    def _follow_operand(self, place: int) -> None:
        operand = self._operand(place)
        if operand is not None:
            self.inquiry.point_at(None)  # what is under the pointer is another formula now
            self.inquiry.follow(operand)

    def _point_at_operand(self, place: int) -> None:
        self.inquiry.point_at(self._operand(place))

    def _light(self) -> None:
        """Light the terms that stand for what is pointed at: that very number, else those of the same edge."""
        pointed, told = self.inquiry.pointed, self.explanation
        lit: list[int] = []
        if pointed is not None and told is not None:
            lit = [place for place, operand in enumerate(told.operands) if operand == pointed]
            if not lit:
                lit = [place for place, operand in enumerate(told.operands) if _are_of_one_part(operand, pointed)]
        self.symbols.set_lit(lit)
        self.numbers.set_lit(lit)

    def _go_to_step(self) -> None:
        trace, quantity = self.player.trace, self._quantity
        if trace is not None and quantity is not None:
            self.player.go_to(trace.index_of(quantity) + 1)

    def event(self, event: QEvent) -> bool:
        # Backspace never deletes what is selected on the canvas here, also at the beginning of the trail.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            ends = event.key() == Qt.Key.Key_Escape and bool(self.inquiry.trail)
            if ends or event.key() == Qt.Key.Key_Backspace:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.inquiry.trail and event.key() == Qt.Key.Key_Backspace:
            self.inquiry.go_back()
        elif self.inquiry.trail and event.key() == Qt.Key.Key_Escape:
            self.inquiry.end()
        else:
            super().keyPressEvent(event)

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
        self.tree.restyle()
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
        trace = self.player.trace
        if trace is not None and self._quantity is not None:
            copy_text(repr(float(trace.value(self._quantity))))

    def copy_as_python(self) -> None:
        """Copy the formula as a script: what goes in with every digit, then the calculation."""
        trace = self.player.trace
        if isinstance(trace, RoundedTrace):
            # What goes in has every digit, so what comes out has, too.
            trace = trace.exact
        if trace is not None and self._quantity is not None:
            copy_text(python_code(trace, self._quantity, style=self.preferences.style))


def _are_of_one_part(first: Quantity, second: Quantity) -> bool:
    """Whether both belong to the same edge, or to the same neuron."""
    same_sort = (first.kind in EDGE_KINDS) == (second.kind in EDGE_KINDS)
    return bool(first.subject) and same_sort and first.subject == second.subject


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
