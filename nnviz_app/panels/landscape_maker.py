"""Makes the surface of the landscape panel in short slices, so that the window goes on answering."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from core.landscape import SIDE, Surface
from nnviz_app.stopwatch import seconds_of

# Seconds: of computing at a time, between two pictures of a surface in the making, and what is only made when asked.
SLICE = 0.012
PICTURE_PAUSE = 0.2
LONG = 2.0


class SurfaceMaker(QObject):
    """Holds the last surface; `made` comes when there is more of it. `basis` is what it was made from.

    `seconds` is about what the whole of it takes.
    """

    made = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.surface: Surface | None = None
        self.basis: object = None
        self.seconds = 0.0
        self.done = 0
        self._work: Iterator[int] | None = None
        self._pictured = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_at_work(self) -> bool:
        """Whether there is more to come."""
        return self._work is not None

    def begin(self, surface: Surface, basis: object, *, asked: bool) -> None:
        """Make this surface; one that takes long only if a person asked for it."""
        self.give_up()
        self.seconds = seconds_of(lambda: surface.loss_at(surface.window.left, surface.window.bottom)) * SIDE * SIDE
        self.surface, self.basis, self.done = surface, basis, 0
        if asked or self.seconds < LONG:
            self._work, self._pictured = surface.compute(), time.perf_counter()
            self._timer.start(0)

    def give_up(self) -> None:
        """Leave it as it is."""
        self._timer.stop()
        if self._work is not None:
            self._work, self.basis = None, None

    def forget(self) -> None:
        """Have no surface."""
        self.give_up()
        self.surface = self.basis = None

    def _go_on(self) -> None:
        end = time.perf_counter() + SLICE
        for done in self._work or ():
            self.done = done
            if time.perf_counter() > end:
                self._timer.start(0)
                break
        else:
            self._work = None
        if self._work is None or end > self._pictured + PICTURE_PAUSE:
            self.made.emit()
            self._pictured = time.perf_counter()
