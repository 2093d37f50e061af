"""When Python's collector of garbage may run, which destroys widgets that nothing leads to any more."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QTimer

# Milliseconds between two looks at what has become garbage.
PAUSE = 500


@contextmanager
def no_collection() -> Iterator[None]:
    """For what Qt does to one widget after the other, with a list of them: it would go on to those that were destroyed.

    It calls Python on the way, whose collector may set in at any time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Collector(QObject):
    """Lets the collector run between events only, in the thread that the widgets belong to, until it is closed.

    By itself it runs wherever Python makes something, in the thread of a run too, where no widget may be destroyed.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=PAUSE)
        self._timer.timeout.connect(collect)
        self._timer.start()

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.enable()


def collect() -> None:
    """Look through the oldest generation that is due by Python's own thresholds, and the younger ones with it."""
    for generation in (2, 1, 0):
        if gc.get_count()[generation] > gc.get_threshold()[generation] > 0:
            gc.collect(generation)
            break
