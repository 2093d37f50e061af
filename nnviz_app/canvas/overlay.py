"""What lies over the drawing and does not move with it: the sample, the phase, messages, and a beginner's hints."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.numbers import format_number
from core.quantities import Phase
from nnviz_app.comparison import Comparison
from nnviz_app.document import Document
from nnviz_app.palette import faded
from nnviz_app.player import Player
from nnviz_app.theme import set_style_property, theme

HINTS = (
    "Double-click to add a neuron, or press I, H or O for an input, hidden or output neuron",
    "Drag from a neuron's rim to another to connect them",
    "Press the right arrow key to step through the passes",
)
# The hue of each phase, as the style sheet knows it.
PHASE_STYLE = {
    Phase.FORWARD: "forward",
    Phase.LOSS: "forward",
    Phase.BACKWARD: "backward",
    Phase.UPDATE: "backward",
}
MESSAGE_MILLISECONDS = 10_000


class _CornerLabel(QLabel):
    """A few words that stay readable when the drawing is scrolled beneath them."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.text():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(theme().palette.canvas, 0.85))
            painter.drawRoundedRect(self.rect(), theme().space(0.3), theme().space(0.3))
            painter.end()
        super().paintEvent(event)


class CanvasOverlay(QObject):
    """The words over the canvas. They are the view's children and not the viewport's, which scrolls its own."""

    def __init__(self, view: QWidget, document: Document, player: Player) -> None:
        super().__init__(view)
        self.document, self.player = document, player
        self.comparison: Comparison | None = None
        self._view = view
        self.sample_label, self.phase_label = _CornerLabel(view), _CornerLabel(view)
        self.comparison_label = _CornerLabel(view)
        self.comparison_label.setWordWrap(True)
        for label in (self.sample_label, self.phase_label, self.comparison_label):
            label.setContentsMargins(theme().space(0.3), 1, theme().space(0.3), 1)
        self.sample_label.setProperty("role", "small")
        self.comparison_label.setProperty("role", "small")
        self.phase_label.setProperty("role", "strong")
        self.message_label = QLabel(view)
        # A label that was first polished as a plain one gets no padding later.
        self.message_label.setProperty("message", "info")
        self.message_label.setWordWrap(True)
        self.message_label.hide()
        for shown in (self.sample_label, self.phase_label, self.comparison_label, self.message_label):
            shown.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hints = QWidget(view)
        self.hints.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        lines = QVBoxLayout(self.hints)
        lines.setSpacing(theme().space(0.6))
        for hint in HINTS:
            line = QLabel(hint, alignment=Qt.AlignmentFlag.AlignCenter)
            set_style_property(line, "role", "muted")
            lines.addWidget(line)
        self.buttons = QWidget(view)
        row = QHBoxLayout(self.buttons)
        row.setSpacing(theme().space(0.8))
        self.examples_button = QPushButton("Open an example...")
        self.examples_button.setProperty("primary", True)
        self.new_network_button = QPushButton("New network...")
        row.addWidget(self.examples_button)
        row.addWidget(self.new_network_button)
        self._timer = QTimer(self, singleShot=True, interval=MESSAGE_MILLISECONDS)
        self._timer.timeout.connect(self.hide_message)
        theme().changed.connect(self.place)

    def set_comparison(self, comparison: Comparison) -> None:
        """Say what the edges show while it is on."""
        self.comparison = comparison
        comparison.changed.connect(self.refresh)
        self.refresh()

    @property
    def message(self) -> str:
        """The message on show; "" when there is none."""
        return "" if self.message_label.isHidden() else self.message_label.text()

    def show_message(self, text: str, kind: str = "warning") -> None:
        """Show a sentence at the bottom until the next action, but not for ever. `kind`: "warning" or "info"."""
        self.message_label.setText(text)
        set_style_property(self.message_label, "message", kind)
        self.message_label.show()
        self._timer.start()
        self.place()

    def hide_message(self) -> None:
        """Take the message away."""
        self._timer.stop()
        self.message_label.hide()

    def refresh(self) -> None:
        """Show what the player and the document say now."""
        rows = self.document.project.dataset.rows
        player = self.player
        text = ""
        if self.document.project.network.neurons and rows:
            text = f"row {player.row + 1} · sample {player.sample + 1} of {len(player.batch_rows)}"
            if not player.is_training_row:
                text = f"row {player.row + 1} · test row"
            elif len(player.batch_rows) > 1 or self.document.project.batches.count > 1:
                text += f" · {self._batch()}"
        if text and player.trace is not None and player.trace.schedule.dropped:
            # Map, loss and confusion leave nobody out: their numbers differ from those on the canvas.
            text += " · with dropout"
        self.sample_label.setText(text)
        self.comparison_label.setText(self._compared())
        phase = player.phase
        self.phase_label.setText(phase.value.upper() if player.index else "")
        set_style_property(self.phase_label, "phase", PHASE_STYLE[phase])
        is_empty = not self.document.project.network.neurons
        self.hints.setVisible(is_empty)
        self.buttons.setVisible(is_empty)
        self.place()

    def _compared(self) -> str:
        """The legend of the differences on the edges; "" while nothing is compared."""
        comparison = self.comparison
        if comparison is None or not comparison.is_on or not self.document.project.network.neurons:
            return ""
        opening = f"Edges show Δ = present − {comparison.title}"
        largest = comparison.largest
        if largest is None or not largest[1]:
            return f"{opening}: nothing differs"
        name, value = largest
        name = name if name in self.document.project.network.edges else f"the bias of {name}"
        return f"{opening} · solid: up, dashed: down · max |Δ| {format_number(abs(value))}, {name}"

    def _batch(self) -> str:
        project = self.document.project
        batches = project.batches
        batch = batches.find(project.epoch, self.player.row) or 0
        of = f"batch {batch + 1} of {batches.count}"
        size = len(self.player.batch_rows)
        # The last batch of an epoch may be smaller: its mean is over its own samples.
        return of if size == batches.size else f"{of} ({size} instead of {batches.size} rows)"

    def place(self) -> None:
        """Put everything where it belongs in the view as large as it is."""
        area = self._view.rect()
        margin = theme().space(1.0)
        for label in (self.sample_label, self.phase_label, self.hints, self.buttons):
            label.adjustSize()
        self.sample_label.move(margin, margin)
        words = self.comparison_label.fontMetrics().horizontalAdvance(self.comparison_label.text())
        width = max(min(words + theme().space(1.0), area.width() - 2 * margin), 1)
        self.comparison_label.resize(width, max(self.comparison_label.heightForWidth(width), 1))
        self.comparison_label.move(margin, margin + max(self.sample_label.height(), self.phase_label.height()))
        self.comparison_label.setVisible(bool(self.comparison_label.text()))
        self.phase_label.move(area.width() - margin - self.phase_label.width(), margin)
        self.hints.move((area.width() - self.hints.width()) // 2, area.height() // 2 - self.hints.height())
        self.buttons.move((area.width() - self.buttons.width()) // 2, area.height() // 2)
        label = self.message_label
        # On one line where there is room; the size hint of a label with word wrap would be nearly square.
        words = label.fontMetrics().horizontalAdvance(label.text()) + theme().space(2.2)
        width = max(min(words, area.width() - 2 * margin), 1)
        label.resize(width, max(label.heightForWidth(width), 1))
        label.move((area.width() - label.width()) // 2, area.height() - margin - label.height())
