"""Which rows make which update: the order of an epoch and its division into batches."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Independent streams of random numbers from one seed: the second number tells them apart.
SHUFFLING = 1
DROPOUT = 2


class Batches:
    """The batches of each epoch over the training `rows`; the last one of an epoch may be smaller.

    `size` 0 stands for all rows. With `shuffle` each epoch has an order of its own, which depends on the seed and
    the epoch's number alone: so any epoch can be gone back to.
    """

    def __init__(self, rows: NDArray[np.intp], size: int, *, shuffle: bool = False, seed: int = 0) -> None:
        self.training_rows = rows
        self.size = min(size, len(rows)) or len(rows)
        self.shuffle, self.seed = shuffle, seed
        # How many batches an epoch has.
        self.count = -(-len(rows) // self.size) if self.size else 0
        self._epoch = -1
        self._order = rows

    @cached_property
    def all_bounds(self) -> list[tuple[int, int]]:
        """Where each batch starts and stops in the order of its epoch."""
        return [self.bounds(batch) for batch in range(self.count)]

    def order(self, epoch: int) -> NDArray[np.intp]:
        """All training rows in the order of this epoch (the first is epoch 0)."""
        if self.shuffle and epoch != self._epoch:
            rng = np.random.default_rng([self.seed, SHUFFLING, epoch])
            self._order = self.training_rows[rng.permutation(len(self.training_rows))]
            self._epoch = epoch
        return self._order

    def bounds(self, batch: int) -> tuple[int, int]:
        """Where a batch starts and stops in the order of its epoch."""
        start = batch * self.size
        return start, min(start + self.size, len(self.training_rows))

    def rows(self, epoch: int, batch: int) -> NDArray[np.intp]:
        """The rows of one batch."""
        start, stop = self.bounds(batch)
        return self.order(epoch)[start:stop]

    def find(self, epoch: int, row: int) -> int | None:
        """The number of the batch that a row is in; None for a row that is not trained with."""
        places = np.flatnonzero(self.order(epoch) == row)
        return int(places[0]) // self.size if len(places) else None


def dropout_masks(rates: NDArray[np.floating], batch: int, *, seed: int, update: int) -> NDArray[np.float64]:
    """The masks with which update number `update` is computed, shape (neurons, batch).

    A neuron with dropout p is left out (0) with probability p, and kept as 1 / (1 - p) otherwise: "inverted dropout",
    Srivastava et al., JMLR 15 (2014). They depend on seed and update alone, so any update can be gone back to.
    """
    rng = np.random.default_rng([seed, DROPOUT, update])
    kept = rng.random((len(rates), batch)) >= rates[:, np.newaxis]
    return kept / (1.0 - rates[:, np.newaxis])
