"""The walk: what some parameters were after the updates of the run on show, growing while one is under way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.training import Run
from nnviz_app.document import Document
from nnviz_app.trainer import Trainer

# Moments of a path, at most, and numbers in memory for a network of many parameters.
MOST_MOMENTS = 500
FEWEST_MOMENTS = 20
MOST_NUMBERS = 2_000_000


class Walk:
    """`updates`, shape (moments,), and `values`, shape (moments, parameters), of the parameters last asked for."""

    def __init__(self, document: Document, trainer: Trainer) -> None:
        self.document, self.trainer = document, trainer
        self.names: tuple[str, ...] = ()
        self.updates: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.values: NDArray[np.float64] = np.zeros((0, 0))
        self._run: Run | None = None
        self._last = 0
        self._is_live = False

    def read(self, names: Sequence[str]) -> None:
        """Bring `updates` and `values` up to date, for these parameters."""
        run, is_live = self.document.run, self.trainer.is_running
        known = self.names == tuple(names) and self._run is run and self._last == run.last
        # What grew during a run is replaced by the run's own history.
        if not known or (self._is_live and not is_live):
            self.names, self._run, self._last = tuple(names), run, run.last
            most = min(MOST_MOMENTS, max(FEWEST_MOMENTS, MOST_NUMBERS // max(run.plan.size, 1)))
            self.updates, self.values = run.path(names, most)
            if is_live:
                # The run under way may have begun at an earlier update.
                kept = self.updates <= self.document.project.updates
                self.updates, self.values = self.updates[kept], self.values[kept]
        self._is_live = is_live
        if is_live:
            self._grow()

    def _grow(self) -> None:
        project = self.document.project
        update = project.updates
        before = int(np.searchsorted(self.updates, update))
        present = [project.network.values[name] for name in self.names]
        self.updates = np.append(self.updates[:before], update)
        self.values = np.vstack([self.values[:before], present])

    @property
    def walked(self) -> int:
        """How many of the moments lie at or before the present update."""
        return int(np.searchsorted(self.updates, self.document.project.updates, side="right"))
