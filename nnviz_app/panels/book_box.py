"""What a book prints for a gradient, compared with ours: the same, another convention, a slip, or unknown."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from core.book import RoundedTrace
from core.errors import NnvizError
from core.network import Role
from core.notation import Writer
from core.numbers import format_exact
from core.quantities import Kind, Quantity
from core.references import read_reference, reference
from core.settings import Settings
from core.slips import Finding, TypedNumber, Verdict, explain_difference
from core.trace import Trace
from nnviz_app.panels.decision_controls import choice_box, fill_box
from nnviz_app.panels.fields import Field, MessageLabel
from nnviz_app.panels.forms import FoldingRow
from nnviz_app.panels.landscape_form import push_button
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

# Neurons whose deltas can be chosen, and findings that are told.
MOST_NEURONS = 200
MOST_FINDINGS = 4
MESSAGES = {"agrees": "success", "convention": "info", "slip": "warning", "ambiguous": "warning", "none": "warning"}
# In a larger network an answer takes a while: it is not given again by itself.
MOST_EDGES_AGAIN = 2000


def convention_settings(name: str, settings: Settings) -> Settings | None:
    """The settings with the convention that a finding of this name stands for; None where it is no setting."""
    for part in name.split(" + "):
        sort, _, choice = part.partition(":")
        if sort == "loss":
            settings = replace(settings, loss=choice)
        elif sort == "batch":
            settings = replace(settings, batch_mean=choice == "mean")
        elif sort == "updated_weights":
            settings = replace(settings, updated_weights=choice == "True")
        else:
            return None
    return settings


class BookField(Field):
    """A number just as it is printed: its digits count."""

    def check(self, text: str) -> str:
        try:
            TypedNumber.parse(text)
        except NnvizError as error:
            return str(error)
        return ""


class BookBox(QWidget):
    """A box with the gradients that a book may print, a field for its number, and the verdict.

    `adopted` carries settings: those of a convention that a person wants to use.
    """

    adopted = Signal(object)

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.verdict: Verdict | None = None
        self._trace: Trace | None = None
        self._typed = ""
        self._asked = ""
        title = QLabel("My book says")
        set_style_property(title, "role", "strong")
        self.box = choice_box(self, "Which gradient")
        self.field = BookField()
        self.field.setPlaceholderText("its number, then Enter")
        self.field.setAccessibleName("The number in the book")
        title.setBuddy(self.field)
        self.message = MessageLabel()
        self.findings = QWidget()
        self._found = QVBoxLayout(self.findings)
        self._found.setContentsMargins(0, 0, 0, 0)
        self.buttons: list[QPushButton] = []
        self._row = FoldingRow(self.box, self.field)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        for widget in (title, self._row, self.message, self.findings):
            self._box.addWidget(widget)
        self.box.activated.connect(self._choose)
        self.field.committed.connect(self._ask)
        self.field.refused.connect(self._refuse)
        self.field.textChanged.connect(self._compare)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._box.setSpacing(space(0.35))
        self._found.setSpacing(space(0.3))
        self.field.setMinimumWidth(space(9))
        self.box.setMinimumWidth(space(7))
        self._row.restyle()

    def show_subject(self, trace: Trace, parameter: str, sample: int) -> None:
        """Offer the gradients around a parameter; what was said of another one is taken back."""
        choices = gradients_around(trace, parameter, sample)
        writer = Writer(trace, self.preferences.style)
        titles = {reference(q): writer.name(q) for q in choices}
        if trace.batch == 1:
            titles = {key: title.removesuffix(" of the batch") for key, title in titles.items()}
        first = next(iter(titles), "")
        chosen = self.box.currentData()
        is_same = self._asked == first
        fill_box(self.box, titles, chosen if is_same and chosen in titles else first)
        if is_same and trace is self._trace:
            return
        self._asked, self._trace = first, trace
        self.field.setEnabled(bool(titles))
        if self._typed and is_same and len(trace.network.edges) <= MOST_EDGES_AGAIN:
            self._ask(self._typed)
        else:
            self._typed = ""
            self.field.show_text("", force=True)
            self._forget()

    def _choose(self) -> None:
        self.box.setToolTip(self.box.currentText())
        if self._typed:
            self._ask(self._typed)

    def _refuse(self, sentence: str) -> None:
        if sentence or self.verdict is None:
            self._forget()
            self.message.say(sentence)

    def _compare(self, text: str) -> None:
        # What was said is of the number that was entered, not of one that is being typed.
        if not self.field.property("invalid"):
            is_same = text.strip() == self._typed
            self.message.setVisible(is_same and bool(self.message.text()))
            self.findings.setVisible(is_same and bool(self._found.count()))

    def _forget(self) -> None:
        self.verdict = None
        self.message.say("")
        self._list_findings(())

    def _ask(self, text: str) -> None:
        trace = self._trace
        self._forget()
        self._typed = text.strip()
        self.field.show_text(self._typed, force=True)
        if trace is None or self.box.currentData() is None:
            return
        try:
            quantity = read_reference(self.box.currentData(), trace.network)
            self.verdict, sentence = self._judge(trace, quantity)
        except NnvizError as error:
            self.message.say(str(error))
            return
        self.message.say(sentence, MESSAGES[self.verdict.kind])
        self._list_findings(self.verdict.findings)

    def _judge(self, trace: Trace, quantity: Quantity) -> tuple[Verdict, str]:
        """The verdict and what is said of it; a book may also have rounded as the numbers on show are."""
        exact = trace.exact if isinstance(trace, RoundedTrace) else trace
        verdict = explain_difference(exact, quantity, self._typed, style=self.preferences.exact_style)
        if isinstance(trace, RoundedTrace) and verdict.kind != "agrees":
            rounded = explain_difference(trace, quantity, self._typed, style=self.preferences.style)
            if rounded.kind == "agrees":
                return rounded, f"{rounded.sentence} Each step is rounded to {trace.rounding}."
        return verdict, verdict.sentence

    def _list_findings(self, findings: tuple[Finding, ...]) -> None:
        """Each finding that the message does not tell, and a button where it is a setting."""
        self.buttons.clear()
        while (item := self._found.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        told = self.verdict is not None and self.verdict.kind != "ambiguous"
        for place, finding in enumerate(findings[:MOST_FINDINGS]):
            if place or not told:
                label = QLabel(finding.sentence)
                label.setWordWrap(True)
                label.setToolTip(format_exact(finding.value))
                self._found.addWidget(label)
            settings = convention_settings(finding.name, self._trace.settings) if self._trace is not None else None
            if settings is not None:
                button = push_button("Use this convention", finding.sentence)
                button.clicked.connect(lambda _=False, chosen=settings: self.adopted.emit(chosen))
                self.buttons.append(button)
                self._found.addWidget(FoldingRow(button, QWidget()))
        if len(findings) > MOST_FINDINGS:
            self._found.addWidget(QLabel(f"… and {len(findings) - MOST_FINDINGS} more."))
        self.findings.setVisible(bool(self._found.count()))


def gradients_around(trace: Trace, parameter: str, sample: int) -> list[Quantity]:
    """The gradients that can be asked about, that of the parameter itself first."""
    network = trace.network
    if not network.outputs or parameter not in network.values:
        return []
    whole = Quantity(Kind.PARAMETER_GRAD, parameter)
    if parameter in network.edges:
        own = [Quantity(Kind.WEIGHT_GRAD, edge.id, sample) for edge in network.edges_of_parameter(parameter)]
    else:
        own = [Quantity(Kind.BIAS_GRAD, parameter, sample)]
    # Of one sample and one edge both are the same number; that of the parameter knows more slips.
    found = [whole] if trace.batch == 1 and len(own) == 1 else [*own, whole]
    neurons = [neuron.id for neuron in network.neurons.values() if neuron.role is not Role.INPUT]
    ends = [network.edges[q.subject].target if q.subject in network.edges else q.subject for q in own]
    ordered = list(dict.fromkeys((*ends, *neurons)))[:MOST_NEURONS]
    found += [Quantity(Kind.PRE_ACTIVATION_GRAD, neuron, sample) for neuron in ordered]
    found += [Quantity(Kind.ACTIVATION_GRAD, neuron, sample) for neuron in ordered]
    return [q for q in found if q.kind is Kind.PARAMETER_GRAD or trace.has_step(q)]
