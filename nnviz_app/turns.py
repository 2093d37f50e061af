"""Turns: panels that draw much follow a run one after the other, so that none of its frames takes long."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtWidgets import QWidget


class Turns:
    """Calls what brings a panel up to date: each time of a few visible panels, next time of those after them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[QWidget, Callable[[], None]]] = deque()

    def add(self, panel: QWidget, catch_up: Callable[[], None]) -> None:
        """Let a panel take part until it is destroyed; `catch_up` is not called while it is hidden."""
        entry = (panel, catch_up)
        self._waiting.append(entry)
        panel.destroyed.connect(lambda: self._waiting.remove(entry))

    def take(self, seconds: float) -> None:
        """Let panels catch up, each at most once, until this much time has been spent."""
        end = time.perf_counter() + seconds
        for _ in range(len(self._waiting)):
            panel, catch_up = self._waiting[0]
            self._waiting.rotate(-1)
            if panel.isVisible():
                catch_up()
            if time.perf_counter() > end:
                break
