"""Batches: each training row once an epoch, orders and masks that depend on seed and number alone."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batches import Batches, dropout_masks


@given(
    rows=st.lists(st.integers(0, 99), unique=True, max_size=20),
    size=st.integers(0, 25),
    shuffle=st.booleans(),
    seed=st.integers(0, 3),
    epoch=st.integers(0, 4),
)
def test_each_row_is_in_one_batch_of_an_epoch(rows: list[int], size: int, shuffle: bool, seed: int, epoch: int) -> None:
    batches = Batches(np.array(sorted(rows), dtype=np.intp), size, shuffle=shuffle, seed=seed)
    parts = [batches.rows(epoch, batch).tolist() for batch in range(batches.count)]
    together = list(chain(*parts))
    assert sorted(together) == sorted(rows)
    assert together == batches.order(epoch).tolist()
    # All are of the same size but the last one, which is smaller where the rows do not come out even.
    wanted = min(size, len(rows)) or len(rows)
    assert all(len(part) == wanted for part in parts[:-1])
    assert all(0 < len(part) <= wanted for part in parts)
    assert [batches.bounds(batch) for batch in range(batches.count)] == batches.all_bounds
    for row in range(100):
        found = [batch for batch, part in enumerate(parts) if row in part]
        assert batches.find(epoch, row) == (found[0] if found else None)


def test_without_shuffling_the_rows_keep_their_order() -> None:
    batches = Batches(np.array([2, 3, 5, 8]), 3)
    assert [batches.rows(7, batch).tolist() for batch in (0, 1)] == [[2, 3, 5], [8]]
    # The same array each time, so that a table need not be bound again.
    assert batches.order(0) is batches.order(1)


def test_an_order_belongs_to_its_seed_and_epoch_whatever_came_before() -> None:
    rows = np.arange(50)
    one, other = (Batches(rows, 4, shuffle=True, seed=3) for _ in range(2))
    orders = [one.order(epoch).tolist() for epoch in range(6)]
    assert [other.order(epoch).tolist() for epoch in (5, 0, 3)] == [orders[5], orders[0], orders[3]]
    assert len({tuple(order) for order in orders}) == 6
    assert Batches(rows, 4, shuffle=True, seed=4).order(0).tolist() != orders[0]
    # It is the generator's own permutation of the rows that training has.
    shuffled = np.random.default_rng([3, 1, 2]).permutation(50)
    assert orders[2] == shuffled.tolist()
    assert Batches(rows + 100, 4, shuffle=True, seed=3).order(2).tolist() == (shuffled + 100).tolist()
    # Neither does the size of the batches play a part.
    assert Batches(rows, 9, shuffle=True, seed=3).order(2).tolist() == orders[2]


def test_without_rows_there_are_no_batches() -> None:
    for size in (0, 5):
        batches = Batches(np.array([], dtype=np.intp), size, shuffle=True)
        assert batches.count == 0
        assert batches.all_bounds == []
        assert batches.order(0).tolist() == []


def test_masks_are_0_or_1_over_the_share_that_is_kept() -> None:
    rates = np.array([0.25, 0.5, 0.9])
    masks = dropout_masks(rates, 20_000, seed=1, update=1)
    assert masks.shape == (3, 20_000)
    for row, rate in zip(masks, rates, strict=True):
        assert set(row) == {0.0, 1.0 / (1.0 - rate)}
        assert np.mean(row == 0.0) == pytest.approx(rate, abs=0.02)
        # What is passed on is the same on average.
        assert row.mean() == pytest.approx(1.0, abs=0.1)


def test_masks_depend_on_seed_and_update_alone() -> None:
    rates = np.array([0.5, 0.5])
    masks = dropout_masks(rates, 64, seed=1, update=7)
    assert masks.tolist() == dropout_masks(rates, 64, seed=1, update=7).tolist()
    assert masks.tolist() != dropout_masks(rates, 64, seed=1, update=8).tolist()
    assert masks.tolist() != dropout_masks(rates, 64, seed=2, update=7).tolist()
    # Neurons and samples are dropped independently of each other.
    assert masks[0].tolist() != masks[1].tolist()
    # And no order of rows is drawn from the same numbers.
    assert np.random.default_rng([1, 1, 7]).random() != np.random.default_rng([1, 2, 7]).random()
