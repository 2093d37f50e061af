"""Small maps in the neurons: how each one answers over the plane of the two inputs."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QBrush, QImage, QTransform

from core.decision import Probe, extent_of, points_on, span_of
from nnviz_app.document import Change, Document
from nnviz_app.map_image import Ramp
from nnviz_app.theme import theme

# Points on a side, at rest and while a run goes on.
SIDE, LIVE_SIDE = 36, 20
BUDGET = 20_000_000
LIVE_MILLISECONDS = 50
# Of more neurons the maps are too many to be looked at, and to be kept up to date.
MOST_NEURONS = 200
# The share of the hue behind numbers: these stay legible (the tests measure it), as they do not on the full hue.
BEHIND_NUMBERS = 0.42


class Thumbnails(QObject):
    """The maps of all hidden and output neurons of a network with two inputs; none while not `shown`."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.is_shown = False
        self._images: dict[str, QImage] = {}
        self._probe: Probe | None = None
        self._stale = False
        # While a run goes on, the maps are made at most this often.
        self._pace = QTimer(self, singleShot=True, interval=LIVE_MILLISECONDS)
        self._pace.timeout.connect(self._catch_up)
        document.changed.connect(self._follow)
        theme().changed.connect(self.refresh)

    def set_shown(self, shown: bool) -> None:
        """Show the maps or not."""
        if shown is not self.is_shown:
            self.is_shown = shown
            self.refresh()

    def __contains__(self, neuron: str) -> bool:
        return neuron in self._images

    def brush(self, neuron: str, half: float) -> QBrush:
        """Fills the square from -half to half around the origin with the map of `neuron`."""
        image = self._images[neuron]
        brush = QBrush(image)
        brush.setTransform(
            QTransform.fromTranslate(-half, -half).scale(2 * half / image.width(), 2 * half / image.height())
        )
        return brush

    def _follow(self, change: Change) -> None:
        if not self.is_shown or not (change.affects_numbers or change.project):
            return
        if self._pace.isActive():
            self._stale = True
            # What is no longer there must not be painted meanwhile.
            if change.structure:
                self._images.clear()
            return
        self.refresh()
        if self.document.busy:
            self._pace.start()

    def _catch_up(self) -> None:
        if self._stale:
            self.refresh()
            if self.document.busy:
                self._pace.start()

    def refresh(self) -> None:
        """Make the maps as they are now."""
        self._stale = False
        former, self._images = self._images, {}
        project = self.document.project
        network = project.network
        neurons = [neuron.id for neuron in network.neurons.values() if neuron.role != "input"]
        if self.is_shown and len(network.inputs) == 2 and 0 < len(neurons) <= MOST_NEURONS:
            if self._probe is None or not self._probe.fits(network):
                self._probe = Probe(network)
            self._make(self._probe, neurons)
        elif not self.is_shown:
            self._probe = None
        if former or self._images:
            self.changed.emit()

    def _make(self, probe: Probe, neurons: list[str]) -> None:
        project, palette = self.document.project, theme().palette
        probe.load(project.network.values)
        side = probe.side(LIVE_SIDE if self.document.busy else SIDE, BUDGET)
        x, y = (extent_of(project.dataset, neuron) for neuron in probe.inputs)
        points = points_on(project.dataset, probe.inputs, {}, x=x, y=y, side=side)
        ramp = Ramp(palette, palette.neuron, BEHIND_NUMBERS)
        for neuron, values in zip(neurons, probe.activations(points, neurons), strict=True):
            span = span_of(project.network, project.dataset, neuron, values)
            self._images[neuron] = ramp.image(values.reshape(side, side), span)
