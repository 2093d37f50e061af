"""Two boxes to choose parameters in; selecting weights and neurons on the canvas chooses them too."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from core.notation import Names
from nnviz_app.document import Document
from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.forms import ElidedBox
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import theme

# Parameters at a time, and parameters listed in the boxes; others are chosen on the canvas.
MOST_CHOSEN = 8
MOST_LISTED = 3000


class ParameterBoxes(QWidget):
    """`pair` holds the two parameters in the boxes, `chosen` up to eight: all that were selected on the canvas."""

    changed = Signal()

    def __init__(
        self, document: Document, selection: Selection, preferences: Preferences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.document, self.selection, self.preferences = document, selection, preferences
        self.pair: tuple[str, ...] = ()
        self.chosen: tuple[str, ...] = ()
        # Of the parameters in the boxes: titles and ids.
        self._listed: list[tuple[str, str]] = []
        self.first_box, self.second_box = self._box("First parameter"), self._box("Second parameter")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for box in (self.first_box, self.second_box):
            self._row.addWidget(box, 1)
        self.first_box.activated.connect(lambda: self._choose(0))
        self.second_box.activated.connect(lambda: self._choose(1))
        selection.changed.connect(self._follow_selection)
        preferences.changed.connect(self.sync)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _box(self, name: str) -> ElidedBox:
        box = ElidedBox()
        box.setAccessibleName(name)
        box.setToolTip("A weight or bias; it can also be selected on the canvas")
        box.setSizeAdjustPolicy(ElidedBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(3)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        keep_keys(box)
        return box

    def _restyle(self) -> None:
        self._row.setSpacing(theme().space(0.5))

    def titles(self) -> list[str]:
        """The short names of the chosen parameters."""
        return [self._naming().parameter(name) for name in self.chosen]

    def pair_titles(self) -> list[str]:
        """The short names of the two in the boxes."""
        return [self._naming().parameter(name) for name in self.pair]

    def _naming(self) -> Names:
        return Names(self.document.project.network, self.preferences.notation)

    def choose(self, *names: str) -> None:
        """Choose these parameters, by their ids; the pair is filled up from the former one."""
        values = self.document.project.network.values
        known = tuple(name for name in dict.fromkeys(names) if name in values)
        self.pair = tuple(name for name in dict.fromkeys((*known, *self.pair, *self._some())) if name in values)[:2]
        self.chosen = known[:MOST_CHOSEN] or self.pair
        self._fill()

    def sync(self) -> None:
        """Follow the network: what is no longer there is no longer chosen."""
        values = self.document.project.network.values
        if len(self.pair) < 2 or any(name not in values for name in (*self.pair, *self.chosen)):
            self.choose(*self.chosen)
        else:
            self._fill()

    def forget(self) -> None:
        """Choose nothing: the network is another one."""
        self.pair = self.chosen = ()

    def _some(self) -> tuple[str, ...]:
        network = self.document.project.network
        weights = [name for name in network.values if name in network.edges]
        biases = [name for name in network.values if name in network.neurons]
        return (*weights[:2], *biases[:2])

    def _fill(self) -> None:
        network, naming = self.document.project.network, self._naming()
        offered = list(network.values) if len(network.values) <= MOST_LISTED else list(self.pair)
        listed = [(naming.parameter(name), name) for name in offered]
        for box in (self.first_box, self.second_box):
            if listed != self._listed:
                box.clear()
                for title, name in listed:
                    box.addItem(title, name)
        self._listed = listed
        for box, name in zip((self.first_box, self.second_box), self.pair, strict=False):
            box.setCurrentIndex(offered.index(name))

    def _choose(self, place: int) -> None:
        taken = (self.first_box, self.second_box)[place].currentData()
        if taken is None or len(self.pair) < 2:
            return
        other = self.pair[1 - place]
        # The other box has it: they change places.
        other = self.pair[place] if other == taken else other
        self.pair = (taken, other) if place == 0 else (other, taken)
        self.chosen = self.pair
        self._fill()
        self.changed.emit()

    def _follow_selection(self) -> None:
        network = self.document.project.network
        names = [network.edges[i].parameter if i in network.edges else i for i in self.selection.ids]
        if any(name in network.values for name in names):
            self.choose(*names)
            self.changed.emit()
