"""The decision map: what a neuron answers over two inputs, or along one, with the data's points upon it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QLabel,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.decision import Extent, Probe, extent_of, points_on
from core.errors import NnvizError
from core.numbers import format_exact, format_number
from core.project import Project
from nnviz_app.document import Change, Document
from nnviz_app.panels.decision_controls import ClickMode, MapControls
from nnviz_app.panels.decision_picture import Field, picture_of
from nnviz_app.panels.decision_view import MapView
from nnviz_app.panels.fields import RUNNING, MessageLabel
from nnviz_app.panels.picture_page import PicturePage
from nnviz_app.player import Player
from nnviz_app.selection import Selection
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

NO_INPUTS = "The map needs an input neuron: add one on the canvas (N), then connect it."
NO_NEURONS = "The map shows how a neuron answers to its inputs: add a hidden or an output neuron on the canvas (N)."
# Points on a side of the plane, at rest and while a run goes on, and the products that these may take.
SIDE, LIVE_SIDE = 150, 60
BUDGET, LIVE_BUDGET = 800_000_000, 150_000_000
CURVE_POINTS = 400
OUTPUTS = ""
# The width of the controls beside the picture, in text sizes.
CONTROLS = 14.0


class DecisionMapPanel(QWidget):
    """Follows the document, the row on show and the selected neuron; changes data when the map is clicked."""

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        trainer: Trainer,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.selection, self.trainer = document, player, selection, trainer
        self.neuron = OUTPUTS
        self._probe: Probe | None = None
        self._field: Field | None = None
        # What the field was computed from, with the parameters.
        self._key: tuple[Any, ...] = ()
        self._values: Mapping[str, float] = {}
        self._extents: dict[str, Extent] = {}
        self._axes: list[str] = []
        self._row = -1
        self._stale = True
        self._feeding = False
        self._feeds = 0
        self._lay_out()
        trainer.turns.add(self, self._catch_up)
        document.changed.connect(self._follow)
        player.moved.connect(self._follow_row)
        selection.changed.connect(self._follow_selection)
        trainer.running_changed.connect(self._wish)
        theme().changed.connect(self._restyle)
        self._restyle()

    # The parts

    def _lay_out(self) -> None:
        self.view = MapView()
        self.view.pressed.connect(self._press)
        self.view.dragged.connect(self._drag)
        self.view.released.connect(self._release)
        self.view.hovered.connect(self._show_reading)
        self.controls = MapControls()
        self.controls.neuron_chosen.connect(self.show_neuron)
        self.controls.axis_chosen.connect(self._choose_axis)
        self.controls.changed.connect(self.refresh)
        self.controls.modes.changed.connect(self._show_mode)
        self.reading_label = QLabel()
        self.reading_label.setTextFormat(Qt.TextFormat.PlainText)
        self.reading_label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.message = MessageLabel()
        self.placeholder = QLabel()
        self.placeholder.setProperty("role", "muted")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        picture = QWidget()
        self._picture_box = QVBoxLayout(picture)
        self._picture_box.setContentsMargins(0, 0, 0, 0)
        self._picture_box.addWidget(self.view, 1)
        self._picture_box.addWidget(self.message)
        self._page = PicturePage(self.controls, picture, self.reading_label, ems=CONTROLS)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.placeholder)
        self._stack.addWidget(self._page)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(32), theme().space(18))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(14), theme().space(6))

    def _restyle(self) -> None:
        space = theme().space
        self._picture_box.setSpacing(space(0.2))
        self._page.restyle()
        self._wish()

    # What is followed

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _follow(self, change: Change) -> None:
        if change.project:
            self._extents.clear()
            self.controls.fixed.typed.clear()
            self._axes = []
            self.neuron = OUTPUTS
            self.message.say("")
        if change.affects_numbers or change.project:
            self._wish()

    def _wish(self) -> None:
        """Make the map anew: now, or when it is shown, or in its turn during a run."""
        if not self.isVisible() or self.trainer.is_running:
            self._stale = True
        else:
            self.refresh()

    def _catch_up(self) -> None:
        if self._stale:
            self.refresh()

    def _follow_row(self) -> None:
        if not self.isVisible():
            self._stale = True
        elif self.player.row != self._row and self._fits() and not self.trainer.is_running:
            self.refresh()

    def _fits(self) -> bool:
        """Whether the structure is known here: the document's own signal may still be on its way."""
        return self._probe is not None and self._probe.fits(self.document.project.network)

    def _follow_selection(self) -> None:
        network = self.document.project.network
        chosen = [neuron for neuron in self.selection.neurons if network.neurons[neuron].role != "input"]
        if len(chosen) == 1 and len(self.selection.neurons) == 1:
            self.show_neuron(chosen[0])
        elif not len(self.selection):
            self.show_neuron(OUTPUTS)

    @property
    def axes(self) -> tuple[str, ...]:
        """The inputs that it is over: at most two."""
        return tuple(self._axes)

    def show_neuron(self, neuron: str) -> None:
        """Show the map of this neuron; "" for the outputs."""
        if neuron != self.neuron:
            self.neuron = neuron
            self._wish()

    # What is shown

    def refresh(self) -> None:
        """Show the document as it is now."""
        self._stale = False
        project = self.document.project
        network = project.network
        answering = [neuron.id for neuron in network.neurons.values() if neuron.role != "input"]
        empty = NO_INPUTS if not network.inputs else NO_NEURONS if not answering else ""
        self.placeholder.setText(empty)
        self._stack.setCurrentWidget(self.placeholder if empty else self._page)
        if empty:
            self._field, self._probe, self._key = None, None, ()
            self.view.show_picture(None)
            return
        if self._probe is None or not self._probe.fits(network):
            self._probe = Probe(network)
        if self.neuron not in answering:
            self.neuron = OUTPUTS if network.outputs else answering[-1]
        self._row = self.player.row
        self._show_choices()
        self._compute()
        self._show_picture()
        self._show_reading()

    def _show_choices(self) -> None:
        network = self.document.project.network
        inputs, outputs = [neuron.id for neuron in network.inputs], network.outputs
        if len(outputs) == 1 and self.neuron == outputs[0].id:
            self.neuron = OUTPUTS
        # An input that is gone, or has another name, leaves its place to the first that has none.
        free = iter([neuron for neuron in inputs if neuron not in self._axes])
        kept = [axis if axis in inputs else next(free, "") for axis in [*self._axes, "", ""][:2]]
        self._axes = [axis for axis in kept if axis]
        fixed = self.controls.fixed
        fixed.typed = {neuron: value for neuron, value in fixed.typed.items() if neuron in inputs}
        others = {neuron: value for neuron, value in self._inputs().items() if neuron not in self._axes}
        self.controls.show_choices(self.document.project, neuron=self.neuron, axes=self._axes, others=others)
        self._show_mode()

    def _show_mode(self) -> None:
        selects = self.controls.modes.mode is ClickMode.SELECT
        self.view.setCursor(Qt.CursorShape.ArrowCursor if selects else Qt.CursorShape.CrossCursor)
        self._page.turn()

    def _choose_axis(self, place: int, chosen: str) -> None:
        if chosen == self._axes[1 - place]:
            self._axes.reverse()
        else:
            self._axes[place] = chosen
        self._wish()

    def _inputs(self) -> dict[str, float]:
        """Every input as entered: what was typed here, else that of the row on show, else 0."""
        project = self.document.project
        dataset, row = project.dataset, self.player.row
        in_row = {
            neuron.id: dataset.value(row, neuron.id) if row < dataset.rows else 0.0 for neuron in project.network.inputs
        }
        fixed = {neuron: value for neuron, value in self.controls.fixed.typed.items() if neuron not in self._axes}
        return in_row | fixed

    def _extent(self, neuron: str) -> Extent:
        former = self._extents.get(neuron)
        # Under a moving pointer the plane has to stay where it is.
        if former is None or not self._feeding:
            former = self._extents[neuron] = extent_of(self.document.project.dataset, neuron, former)
        return former

    def _compute(self) -> None:
        project, probe = self.document.project, self._probe
        assert probe is not None
        network, running = project.network, self.trainer.is_running
        axes = [self._extent(neuron) for neuron in self._axes]
        neurons = [neuron.id for neuron in network.outputs] if self.neuron == OUTPUTS else [self.neuron]
        others = {neuron: value for neuron, value in self._inputs().items() if neuron not in self._axes}
        if len(axes) == 1:
            side = CURVE_POINTS
        else:
            side = probe.side(LIVE_SIDE if running else SIDE, LIVE_BUDGET if running else BUDGET)
        key = (probe, axes, neurons, others, side, project.dataset.scalings)
        if key == self._key and network.values is self._values:
            return
        self._key, self._values = key, network.values
        probe.load(network.values)
        y = axes[1] if len(axes) > 1 else None
        points = points_on(project.dataset, probe.inputs, others, x=axes[0], y=y, side=side)
        self._field = Field(neurons, probe.activations(points, neurons), side)

    def _show_picture(self) -> None:
        assert self._field is not None
        axes = [self._extents[neuron] for neuron in self._axes]
        self.view.show_picture(
            picture_of(self.document.project, self._field, axes, row=self._row, show=self.controls.show_what())
        )

    # What is read

    def _show_reading(self) -> None:
        dataset = self.document.project.dataset
        row = self._row if self.view.near_row is None and self.view.pointer is None else self.view.near_row
        if self._probe is None or self._field is None:
            self.reading_label.setText("")
        elif row is not None and row < dataset.rows:
            inputs = {neuron: dataset.value(row, neuron) for neuron in self._probe.inputs}
            self._read(f" · row {row + 1}", inputs)
        elif self.view.pointer is not None:
            self._read("", self._inputs() | dict(zip(self._axes, self.view.pointer, strict=False)))
        else:
            self.reading_label.setText("")

    def _read(self, subject: str, inputs: Mapping[str, float]) -> None:
        """Say what the neuron answers to these inputs, which are as entered."""
        probe, field, dataset = self._probe, self._field, self.document.project.dataset
        assert probe is not None
        assert field is not None
        seen = [dataset.as_seen(neuron, np.array([inputs[neuron]])) for neuron in probe.inputs]
        answers = probe.activations(np.stack(seen, axis=1), field.neurons)[:, 0]
        best = int(np.argmax(np.nan_to_num(answers, nan=-np.inf)))
        place = ", ".join(f"{neuron} {format_number(inputs[neuron])}" for neuron in self._axes)
        answer = f"{field.neurons[best]} {format_number(float(answers[best]))}"
        self.reading_label.setText(f"{answer} at {place}{subject}")
        answered = (f"{neuron} {format_exact(float(a))}" for neuron, a in zip(field.neurons, answers, strict=True))
        self.reading_label.setToolTip("\n".join(answered))

    # What a click does

    def _press(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        mode = self.controls.modes.mode
        if mode is ClickMode.SELECT:
            if self.view.near_row is not None:
                self.player.select_row(self.view.near_row)
        elif mode is ClickMode.ADD:
            self._add(x, y, test=bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
        else:
            self._feeding = True
            self._feeds += 1
            self._feed(x, y)

    def _drag(self, x: float, y: float) -> None:
        if self._feeding:
            self._feed(x, y)

    def _release(self) -> None:
        if self._feeding:
            self._feeding = False
            self.refresh()

    def _clicked(self, x: float, y: float) -> dict[str, float]:
        """The inputs at a place of the map, as entered, without digits that a pointer cannot mean."""
        extents = [self._extents[neuron] for neuron in self._axes]
        return {
            extent.neuron: round(value, 3 - math.floor(math.log10(extent.high - extent.low)))
            for extent, value in zip(extents, (x, y), strict=False)
        }

    def _edit(self, text: str, change: Callable[[Project], object], *, merge: Hashable = None) -> bool:
        sentence = RUNNING if self.player.is_locked else ""
        if not sentence:
            try:
                with self.document.edit(text, merge=merge) as draft:
                    change(draft)
            except NnvizError as error:
                sentence = str(error)
        self.message.say(sentence)
        return not sentence

    def _add(self, x: float, y: float, *, test: bool) -> None:
        at = self.document.project.dataset.rows

        def change(draft: Project) -> None:
            cells = self._inputs() | self._clicked(x, y) | self._targets(y)
            draft.dataset.insert_rows(at, [cells])
            if test:
                draft.dataset.set_test([at])

        if self._edit("Add test point" if test else "Add point", change):
            self.player.select_row(at)

    def _targets(self, height: float) -> dict[str, float]:
        """The targets of a new point: the height of the click over one input, else what is chosen."""
        project = self.document.project
        outputs = [neuron.id for neuron in project.network.outputs]
        shown = self._field.neurons if self._field is not None else []
        if len(self._axes) == 1 and len(shown) == len(outputs) == 1 and shown == outputs:
            return {outputs[0]: float(f"{project.dataset.entered(outputs[0], height):.4g}")}
        return self.controls.targets(outputs)

    def _feed(self, x: float, y: float) -> None:
        row, values = self.player.row, self._clicked(x, y)
        if row >= self.document.project.dataset.rows:
            self.message.say("There is no row to feed: click with Add first.")
            return
        cells = {(row, neuron): value for neuron, value in values.items()}
        text = f"Feed {', '.join(values)}"
        self._edit(text, lambda draft: draft.dataset.set_values(cells), merge=("feed", row, self._feeds))
