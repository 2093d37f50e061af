"""The transport bar under the canvas: buttons, the slider over the whole trace, and the step in words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpacerItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.explanation import explain
from core.quantities import Granularity, Kind, Phase, phase_of
from nnviz_app.assets import themed_icon
from nnviz_app.document import Document
from nnviz_app.palette import mix
from nnviz_app.panels.caption import Caption
from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.readings import phase_name
from nnviz_app.player import SPEEDS, Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import theme

HINT_START = "Press the right arrow key to begin the forward pass."
HINT_EMPTY = "Draw a neuron to begin: double-click the canvas, or press N."
HINT_NO_ROLE = "No neuron is an input or an output yet: select some and choose their role in the Inspector."
HINT_NO_ROW = "Add a row to the data: there is no sample to step through yet."
HINT_NO_OUTPUT = "The forward pass is done. Make a neuron an output for a loss, a backward pass and an update."
HINT_RUNNING = "A run is under way; stepping goes on when it has ended."

# Below this many pixels a phase is too narrow to be told from its neighbours.
NARROWEST_PHASE = 3.0
# A slider shorter than so many text sizes stands in a row of its own.
SHORTEST_SLIDER = 10.0
_SIZES = {
    Granularity.OPERATION: "one elementary operation of a neuron at a time",
    Granularity.TERM: "one product, sum or gradient at a time",
    Granularity.NEURON: "all of a neuron at a time",
    Granularity.LAYER: "all neurons of equal depth at a time",
    Granularity.PASS: "a whole forward or backward pass at a time",
    Granularity.SAMPLE: "both passes of a sample at a time",
    Granularity.UPDATE: "a whole batch with its update at a time",
    Granularity.EPOCH: "the whole table, with all its updates, at a time",
}


class TraceSlider(QSlider):
    """The whole trace from left to right, in the hues of its phases; what is still to come is paler."""

    def __init__(self, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.player = player
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Steps of the trace")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        keep_keys(self)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(20), theme().space(1.8))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(6), theme().space(1.8))

    # Where things stand

    def _groove(self) -> QRectF:
        radius, height = theme().space(0.6), max(3.0, 0.32 * theme().em)
        return QRectF(radius, (self.height() - height) / 2, max(1, self.width() - 2 * radius), height)

    def x_of(self, index: int) -> float:
        """Where the handle stands after `index` steps, in pixels."""
        groove = self._groove()
        return groove.left() + groove.width() * index / max(1, self.maximum())

    def index_at(self, x: float) -> int:
        """The number of steps done at this place."""
        groove = self._groove()
        share = min(max((x - groove.left()) / groove.width(), 0.0), 1.0)
        return round(share * self.maximum())

    def phases(self) -> list[tuple[int, int, str]]:
        """(first, last, hue) of each run of steps of one phase; a hue "" is several, too narrow to be told apart."""
        trace = self.player.trace
        if trace is None or not len(trace):
            return []
        length, total = trace.schedule.sample_length, len(trace)
        split = length
        if trace.network.outputs:
            split = trace.end_of_forward()
        sample_width = self._groove().width() * length / total
        if sample_width < 2 * NARROWEST_PHASE and trace.batch > 1:
            found = [(0, trace.batch * length, "")]
        else:
            found = []
            for sample in range(trace.batch):
                start = sample * length
                found += [(start, start + split, "forward"), (start + split, start + length, "backward")]
        found.append((trace.batch * length, total, phase_name(Phase.UPDATE)))
        return [part for part in found if part[1] > part[0]]

    # Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        palette, groove = theme().palette, self._groove()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        parts = self.phases()
        here = self.x_of(self.value())
        if not parts or not self.isEnabled():
            painter.setBrush(palette.line)
            painter.drawRoundedRect(groove, groove.height() / 2, groove.height() / 2)
        else:
            for first, last, hue in parts:
                full = palette.color(hue) if hue else mix(palette.forward, palette.backward, 0.5)
                left, right = self.x_of(first), self.x_of(last)
                # A gap between the phases, so that backward and update are told apart.
                right -= 2.0 if right - left > 6.0 and last < self.maximum() else 0.0
                for start, stop, color in (
                    (left, min(right, here), full),
                    (max(left, here), right, mix(palette.panel, full, 0.28)),
                ):
                    if stop > start:
                        painter.setBrush(color)
                        piece = QRectF(start, groove.top(), stop - start, groove.height())
                        painter.drawRoundedRect(piece, groove.height() / 2, groove.height() / 2)
            self._paint_handle(painter, here)
        painter.end()

    def _paint_handle(self, painter: QPainter, here: float) -> None:
        palette, radius = theme().palette, 0.55 * theme().em
        color = palette.color(phase_name(self.player.phase))
        painter.setBrush(color)
        painter.setPen(theme().pen("text" if self.hasFocus() else "panel", 2.0))
        middle = self.height() / 2
        painter.drawEllipse(QRectF(here - radius, middle - radius, 2 * radius, 2 * radius))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.setValue(self.index_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().x())
        if self.isSliderDown():
            self.setValue(index)
        trace = self.player.trace
        if trace is not None and index:
            self.setToolTip(f"Step {index:,}: {phase_of(trace.quantity_at(index - 1).kind).value}")
        else:
            self.setToolTip("The start")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        if delta:
            self.setValue(self.value() + (1 if delta < 0 else -1))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # The arrows step, as everywhere in the window; the rest is as for any slider.
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)


class TransportBar(QWidget):
    """Steps through the trace with the pointer, and says what the current step does."""

    def __init__(
        self, document: Document, player: Player, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.preferences = document, player, preferences
        self.first_button = self._button(
            "first", "To the start of the trace (Home); R goes back to update 0", self.first
        )
        self.back_button = self._button("back", "One step back (←), one size larger with Shift+←", self.back)
        self.forward_button = self._button(
            "forward", "One step forward (→), one size larger with Shift+→", self.forward
        )
        self.last_button = self._button("last", "To the end of the trace (End)", self.last)
        self.play_button = self._button("play", "", self.toggle_play)
        self.play_button.setCheckable(True)

        self.granularity_box = QComboBox()
        for size in Granularity:
            self.granularity_box.addItem(f"by {size.value}", size)
            place = self.granularity_box.count() - 1
            self.granularity_box.setItemData(place, _SIZES[size].capitalize(), Qt.ItemDataRole.ToolTipRole)
        self.granularity_box.setAccessibleName("Size of a step")
        self.granularity_box.activated.connect(self._choose_granularity)
        self.speed_box = QComboBox()
        for speed in SPEEDS:
            self.speed_box.addItem(f"{'½' if speed == 0.5 else f'{speed:g}'} / s", speed)
        self.speed_box.setAccessibleName("Steps a second when playing")
        self.speed_box.setToolTip("Steps a second when playing")
        self.speed_box.activated.connect(self._choose_speed)
        for box in (self.granularity_box, self.speed_box):
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            keep_keys(box)

        self.slider = TraceSlider(player)
        self.slider.valueChanged.connect(player.go_to)
        self.position_label = QLabel()
        self.position_label.setProperty("role", "muted")
        self.position_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.caption = Caption()

        self._row = QHBoxLayout()
        for button in self.buttons:
            self._row.addWidget(button)
        self._row.addWidget(self.granularity_box)
        self._row.addWidget(self.speed_box)
        # Where one row is too narrow for all, what shows the position stands in a row of its own.
        self._position_row = QHBoxLayout()
        self._is_narrow: bool | None = None
        self._box = QVBoxLayout(self)
        self._box.addLayout(self._row)
        self._box.addLayout(self._position_row)
        self._box.addWidget(self.caption)

        player.moved.connect(self.refresh)
        player.granularity_changed.connect(self._show_granularity)
        player.playing_changed.connect(self._show_playing)
        document.changed.connect(self.refresh)
        preferences.changed.connect(self.refresh)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._show_granularity()
        self._show_playing(player.is_playing)
        self.speed_box.setCurrentIndex(SPEEDS.index(player.speed) if player.speed in SPEEDS else 2)
        self.refresh()

    @property
    def buttons(self) -> list[QToolButton]:
        """All buttons, from left to right."""
        return [self.first_button, self.back_button, self.forward_button, self.last_button, self.play_button]

    def _button(self, icon: str, tip: str, action: object) -> QToolButton:
        button = QToolButton()
        # By Tab only: a click leaves the keyboard where it was, on the canvas.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tip)
        button.setAccessibleName(tip.partition(" (")[0])
        keep_keys(button)
        themed_icon(button, icon)
        button.clicked.connect(action)
        return button

    # What hands do

    def first(self) -> None:
        """To the start of the trace."""
        self.player.pause()
        if not self.player.is_locked:
            self.player.go_to(0)

    def last(self) -> None:
        """To the end of the trace, before the update is applied."""
        self.player.pause()
        if not self.player.is_locked:
            self.player.go_to(self.player.length)

    def back(self) -> None:
        """One step back, in the chosen size."""
        self.player.pause()
        self.player.back()

    def forward(self) -> None:
        """One step forward, in the chosen size."""
        self.player.pause()
        self.player.forward()

    def back_larger(self) -> None:
        """One step back, one size larger than chosen."""
        self.player.pause()
        self.player.back(self.player.larger())

    def forward_larger(self) -> None:
        """One step forward, one size larger than chosen."""
        self.player.pause()
        self.player.forward(self.player.larger())

    def toggle_play(self) -> None:
        """Play, or pause."""
        if self.player.is_playing:
            self.player.pause()
        else:
            self.player.play()
        self._show_playing(self.player.is_playing)

    def _choose_granularity(self, place: int) -> None:
        self.player.set_granularity(Granularity(self.granularity_box.itemData(place)))

    def _choose_speed(self, place: int) -> None:
        self.player.set_speed(float(self.speed_box.itemData(place)))

    # What is shown

    def refresh(self) -> None:
        """Show the player's position again."""
        player, length = self.player, self.player.length
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, length)
            self.slider.setValue(player.index)
        free = length > 0 and not player.is_locked
        self.slider.setEnabled(free)
        self.first_button.setEnabled(free and player.index > 0)
        self.back_button.setEnabled(free and (player.index > 0 or self.document.can_go_back))
        self.forward_button.setEnabled(free)
        self.last_button.setEnabled(free and player.index < length)
        self.play_button.setEnabled(free)
        self.position_label.setText(f"{player.index:,} of {length:,}")
        # As wide as it can get, so that the slider does not move while stepping.
        widest = self.position_label.fontMetrics().horizontalAdvance(f"{length:,} of {length:,}")
        self.position_label.setMinimumWidth(widest)
        self.slider.update()
        self._describe()

    def _describe(self) -> None:
        player = self.player
        trace, step = player.trace, player.step
        if player.is_locked:
            self.caption.show_text(HINT_RUNNING)
        elif trace is None and player.problem:
            self.caption.show_text(player.problem)
        elif trace is None:
            project = self.document.project
            hint = HINT_NO_ROW if project.dataset.columns else HINT_NO_ROLE
            self.caption.show_text(hint if project.network.neurons else HINT_EMPTY)
        elif step is None:
            self.caption.show_text(HINT_START)
        else:
            told = explain(trace, step.quantity, self.preferences.style)
            after: tuple[str, ...] = ()
            if player.index == len(trace):
                after = self._what_comes_next()
            self.caption.show_text(told.sentence, told.plain, hue=phase_name(step.phase), after=after)

    def _what_comes_next(self) -> tuple[str, ...]:
        trace = self.player.trace
        if trace is None or not trace.network.outputs:
            return (HINT_NO_OUTPUT,)
        if not self.player.is_training_row:
            return (
                f"Row {self.player.row + 1} is a test row: it has a loss and gradients, but nothing is updated by it.",
                "A test row: nothing is updated by it.",
            )
        if not trace.schedule.positions(Kind.UPDATE).max(initial=-1) >= 0:
            return ("All steps are done; nothing can be updated, since every parameter is frozen or fixed.",)
        again = self._following_batch()
        return (
            f"All steps of this update are done: press → to apply the update and go on with {again}.",
            f"Press → to apply the update and go on with {again}.",
            "→ applies the update.",
        )

    def _following_batch(self) -> str:
        """The rows of the batch after the one on show, in words."""
        project, batches = self.document.project, self.document.project.batches
        if len(batches.training_rows) == 1:
            return f"row {int(batches.training_rows[0]) + 1} once more"
        batch = batches.find(project.epoch, self.player.row) or 0
        if batch + 1 < batches.count:
            rows = batches.rows(project.epoch, batch + 1)
        else:
            rows = batches.rows(project.epoch + 1, 0)
        first, last = int(rows[0]) + 1, int(rows[-1]) + 1
        if len(rows) == 1:
            return f"row {first}"
        in_order = last - first == len(rows) - 1 and not batches.shuffle
        return f"rows {first} to {last}" if in_order else f"{len(rows)} rows from row {first} on"

    def _show_granularity(self) -> None:
        place = list(Granularity).index(self.player.granularity)
        self.granularity_box.setCurrentIndex(place)
        larger = self.player.larger().value
        self.granularity_box.setToolTip(
            f"How far → and ← go: {_SIZES[self.player.granularity]}; with Shift by {larger}"
        )

    def _show_playing(self, playing: bool) -> None:
        themed_icon(self.play_button, "pause" if playing else "play")
        self.play_button.setChecked(playing)
        self.play_button.setToolTip("Pause (Space)" if playing else "Play: steps by itself (Space)")
        self.play_button.setAccessibleName("Pause" if playing else "Play")

    def _restyle(self) -> None:
        space = theme().space
        self._row.setSpacing(space(0.4))
        self._box.setSpacing(space(0.3))
        self._box.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.6))
        # Unlike a toolbar's, these buttons have a frame: they are the ones that are pressed all the time.
        line = theme().palette.border.name()
        frame = f"QToolButton:!focus {{ border-color: {line}; }}"
        if frame != self.styleSheet():
            self.setStyleSheet(frame)
        self.position_label.setFont(theme().font("body"))
        for button in self.buttons:
            button.setIconSize(QSize(theme().icon_size, theme().icon_size))
        self._position_row.setSpacing(space(0.4))
        self.refresh()
        self._arrange()

    # How it is laid out

    def _arrange(self) -> None:
        """Have all in one row, or the slider below the buttons where that would leave it too short to aim at."""
        controls = [*self.buttons, self.granularity_box, self.speed_box]
        needed = sum(widget.sizeHint().width() for widget in controls) + self.position_label.minimumWidth()
        needed += theme().space(1.8) + self._row.spacing() * (len(controls) + 1) + theme().space(SHORTEST_SLIDER)
        is_narrow = self.width() < needed
        if is_narrow is self._is_narrow:
            return
        self._is_narrow = is_narrow
        former, row = (self._row, self._position_row) if is_narrow else (self._position_row, self._row)
        for widget in (self.slider, self.position_label):
            former.removeWidget(widget)
        if is_narrow:
            self._row.addStretch(1)
        elif isinstance(self._row.itemAt(self._row.count() - 1), QSpacerItem):
            self._row.takeAt(self._row.count() - 1)
        row.addWidget(self.slider, 1)
        row.addWidget(self.position_label)

    def minimumSizeHint(self) -> QSize:
        # Narrower than one row: then there are two.
        controls = [*self.buttons, self.granularity_box, self.speed_box]
        width = sum(widget.minimumSizeHint().width() for widget in controls) + self._row.spacing() * len(controls)
        return QSize(width + theme().space(1.8), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
