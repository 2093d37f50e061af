"""The panel that opens one neuron: its elementary operations, forward and backward, and the curve it works on."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.activations import ACTIVATIONS
from core.diagnostics import Ailment
from core.network import Role
from core.notation import Writer
from core.operation_graph import End, Operations, operations_of_step
from core.operations import neuron_operations
from core.quantities import Kind, Phase, Quantity
from core.trace import Trace
from nnviz_app.checkup import Checkup
from nnviz_app.panels.activation_curve import ActivationCurve, Working
from nnviz_app.panels.decision_controls import choice_box, fill_box
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.panels.fields import PanelArea
from nnviz_app.panels.inside_graph import InsideGraph
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme

BEGIN = "Select a neuron, or press → until one is at work: its operations are shown here one by one."
EMPTY = "There is nothing to open yet: the network needs a neuron, the data a row."
RUNNING = "A run is under way: the neuron is opened again when it ends."
INPUT = "{} is an input: its value is passed on as it is, so there is nothing inside."
LINEAR = "The activation is linear: {a} is {z} itself."
MOST_DIGITS = 8
ENDS: dict[str, str] = {End.LOSS: "the loss", End.ACTIVATION: "the activation itself"}


class GraphArea(QScrollArea):
    """Scrolls the graph to the side where it is too wide; as high as the graph."""

    resized = Signal()

    def __init__(self, graph: InsideGraph) -> None:
        super().__init__()
        self.graph = graph
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWidget(graph)

    def sizeHint(self) -> QSize:
        bar = self.horizontalScrollBar().sizeHint().height()
        return QSize(theme().space(20), self.graph.sizeHint().height() + bar)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(12), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class InsidePanel(QWidget):
    """Opens the selected neuron, or the one at work in the player's step, as far as the player has come.

    `asked` carries a quantity of the trace that is clicked.
    """

    asked = Signal(object)

    def __init__(
        self,
        player: Player,
        selection: Selection,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.player, self.selection, self.preferences = player, selection, preferences
        self.checkup = Checkup.of(player.document)
        self.operations: Operations | None = None
        self._key: object = None
        self._neuron = ""
        self._is_stale = True
        self.title = ElidedLabel()
        set_style_property(self.title, "role", "strong")
        self.end_box = choice_box(self, "Derivative of")
        fill_box(self.end_box, ENDS, End.LOSS)
        self.end_box.setToolTip("What is derived backward: the loss by each number, or only this neuron's activation")
        self.end_box.currentIndexChanged.connect(self.refresh)
        self._end_label = QLabel("Derivative of")
        set_style_property(self._end_label, "role", "muted")
        self.graph = InsideGraph()
        self.area = GraphArea(self.graph)
        self.detail = QLabel()
        self.note = QLabel()
        self.health = QLabel()
        for label in (self.detail, self.note, self.health):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        set_style_property(self.detail, "role", "small")
        set_style_property(self.note, "role", "small")
        self.health.setProperty("message", "warning")
        self.curve = ActivationCurve()
        self.placeholder = QLabel()
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self.placeholder.setProperty("role", "muted")
        self._lay_out()
        self.graph.asked.connect(self.asked)
        self.graph.told.connect(self._tell)
        # With a key held down only the last step is drawn.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self.area.resized.connect(self._timer.start)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.refresh)
        for signal in (player.moved, selection.changed, preferences.changed, self.checkup.outdated):
            signal.connect(self._timer.start)
        theme().changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def _lay_out(self) -> None:
        self._head = QHBoxLayout()
        self._head.addWidget(self.title, 1)
        self._head.addWidget(self._end_label)
        self._head.addWidget(self.end_box, 1)
        content = QWidget()
        self._inner = QVBoxLayout(content)
        self._inner.addLayout(self._head)
        self._inner.addWidget(self.area)
        self._inner.addWidget(self.detail)
        self._inner.addWidget(self.note)
        self._inner.addWidget(self.curve, 1)
        self._inner.addWidget(self.health)
        self._inner.addStretch()
        self._content = PanelArea(content)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._content)
        self._stack.addWidget(self.placeholder)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(26), theme().space(36))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._content.minimumSizeHint().width(), theme().space(8))

    # What is shown

    @property
    def end(self) -> End:
        """What is derived."""
        return End(self.end_box.currentData())

    def neuron(self) -> str:
        """The neuron to open: the selected one, else the one at work, else the one that was; "" for none."""
        trace = self.player.trace
        if trace is None:
            return ""
        selected = self.selection.neurons
        if selected:
            return selected[0]
        at_work = self._step_at_work(trace)
        found = trace[at_work].neuron if at_work >= 0 else ""
        if found in trace.network.neurons:
            self._neuron = found
        return self._neuron if self._neuron in trace.network.neurons else ""

    @property
    def _operation(self) -> int:
        """How many operations inside the next step are done."""
        return self.player.operation

    def _step_at_work(self, trace: Trace) -> int:
        """The index of the step that is under way, else of the last one; -1 before the first."""
        return self.player.index if self._operation and self.player.index < len(trace) else self.player.index - 1

    def refresh(self) -> None:
        """Show the neuron as it is now."""
        self._timer.stop()
        if not self.isVisible():
            self._is_stale = True
            return
        self._is_stale = False
        trace, neuron = self.player.trace, self.neuron()
        problem = ""
        if self.player.is_locked:
            problem = RUNNING
        elif trace is None:
            problem = self.player.problem or EMPTY
        elif not neuron:
            problem = BEGIN
        elif trace.network.neurons[neuron].role is Role.INPUT:
            problem = INPUT.format(neuron)
        self.placeholder.setText(problem)
        self._stack.setCurrentWidget(self.placeholder if problem else self._content)
        if problem or trace is None:
            self.operations, self._key = None, None
            return
        self._open(trace, neuron)
        self._show_moment(trace)

    def _open(self, trace: Trace, neuron: str) -> None:
        """Open the neuron, unless it is open already."""
        # Within a rounded step nothing is rounded: all digits would be too many.
        style = replace(self.preferences.style, digits=min(self.preferences.style.digits, MOST_DIGITS))
        width = self.area.viewport().width()
        key = (trace, neuron, self.player.sample, self.end, style, theme().text_scale, width)
        if key == self._key:
            return
        self._key = key
        writer = Writer(trace, style)
        self.operations = neuron_operations(trace, neuron, self.player.sample, end=self.end)
        activation = ACTIVATIONS[trace.network.neurons[neuron].activation]
        self.title.setText(f"{neuron} · {activation.title}")
        self.title.setToolTip(self.title.text())
        self.graph.show_operations(self.operations, writer, width)
        self.area.updateGeometry()
        notes = [self.operations.note]
        if self.operations.a == self.operations.z:
            notes.append(LINEAR.format(a=writer.a(neuron), z=writer.z(neuron)))
        text = " ".join(filter(None, notes))
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _show_moment(self, trace: Trace) -> None:
        operations = self.operations
        assert operations is not None
        index, part = self.player.index, self._operation
        done = operations.done(index, part)
        own = operations_of_step(operations, self._step_at_work(trace))
        # Of a step under way the last operation done, of a whole step all of its own.
        moments = [operations.sequence[k] for k in (own[part - 1 : part] if part else own)]
        phase = moments[-1].phase if moments else Phase.FORWARD
        self.graph.show_moment(operations.revealed(done), index, frozenset(m.operation for m in moments), phase)
        self._tell("")
        box = self.graph.current_box
        if box is not None:
            rect = box.rect.toRect()
            self.area.ensureVisible(rect.center().x(), rect.center().y(), rect.width(), 0)
            place = self.graph.mapTo(self._content.widget(), rect.center())
            self._content.ensureVisible(0, place.y(), 0, 2 * rect.height())
        self._show_curve(trace, operations)

    def _show_curve(self, trace: Trace, operations: Operations) -> None:
        neuron, sample = operations.neuron, operations.sample
        activation = Quantity(Kind.ACTIVATION, neuron, sample)
        z, *others = (trace.value(q) for q in trace.operands(activation))
        working = Working(trace.network.neurons[neuron].activation, z, tuple(others))
        notation = self.preferences.notation
        is_revealed = trace.is_revealed(activation, self.player.index)
        names = notation.pre_activation, notation.activation
        self.curve.show_working(working, names, is_revealed=is_revealed)
        diagnosis = self.checkup.diagnosis
        finding = diagnosis.by_neuron.get(neuron) if diagnosis is not None else None
        sentence = ""
        if finding is not None and finding.ailment in (Ailment.DEAD, Ailment.SATURATED):
            sentence = finding.sentence
        elif is_revealed:
            sentence = working.ailment(neuron)
        self.health.setText(sentence)
        self.health.setVisible(bool(sentence))

    def _tell(self, sentence: str) -> None:
        """What the pointer or the keyboard is on; without either the operation of the moment."""
        box = self.graph.current_box
        if not sentence and self.graph.hasFocus():
            box = self.graph.focused_box
        if not sentence and box is not None:
            sentence = self.graph.sentence(box)
        self.detail.setText(sentence)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def _restyle(self) -> None:
        space = theme().space
        self._inner.setContentsMargins(space(0.9), space(0.5), space(0.9), space(0.6))
        self._inner.setSpacing(space(0.5))
        self._head.setSpacing(space(0.5))
        self.placeholder.setContentsMargins(space(1), space(1), space(1), space(1))
        # Three lines at all times, or the curve would jump from step to step.
        self.detail.setMinimumHeight(round(3.4 * self.detail.fontMetrics().height()))
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.curve.restyle()
        self._key = None
        if self.isVisible():
            self.refresh()
