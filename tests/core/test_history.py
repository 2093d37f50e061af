"""What a run keeps: keyframes at regular intervals within their memory, and points that stay evenly spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import history
from core.history import FIRST_INTERVALS, LEAST_INTERVAL, Keyframes, LossPoint, Points, Segment, first_interval
from core.learning import Moment
from core.optimizers import OptimizerState
from core.settings import Settings


def moment(size: int = 10) -> Moment:
    return Moment(np.zeros(size), "sgd", OptimizerState(0, {}))


# Segments


@given(first=st.integers(0, 9), epoch=st.integers(0, 5), count=st.integers(1, 7), data=st.data())
def test_a_segment_knows_the_epoch_and_batch_of_each_update(
    first: int, epoch: int, count: int, data: st.DataObject
) -> None:
    batch = data.draw(st.integers(0, count - 1))
    segment = Segment(first, Settings(), epoch, batch, fast=False)
    expected = epoch, batch
    for update in range(first + 1, first + 30):
        assert segment.place(update, count) == expected
        expected = (expected[0], expected[1] + 1) if expected[1] + 1 < count else (expected[0] + 1, 0)


# Keyframes


@given(first=st.integers(0, 50), interval=st.integers(1, 9), last=st.integers(1, 300), limit=st.integers(4, 40))
def test_there_is_always_a_keyframe_to_go_back_to(first: int, interval: int, last: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "KEYFRAME_BYTES", limit * (moment().nbytes + history.KEYFRAME_OVERHEAD))
        keyframes = Keyframes(first, interval)
        keyframes.keep(first, moment())
        update = first
        while update < first + last:
            update = keyframes.next_due(update)
            assert keyframes.wants(update)
            keyframes.keep(update, moment())
            assert len(keyframes.moments) <= max(limit, 4)
    assert first in keyframes.moments
    assert all((kept - first) % keyframes.interval == 0 for kept in keyframes.moments)
    for wanted in range(first, update + 1):
        before = keyframes.before(wanted)
        assert before in keyframes.moments
        assert 0 <= wanted - before < keyframes.interval
    # So many updates at most are computed again: twice as many as with all the memory in use.
    assert keyframes.interval <= max(interval, 4 * last // min(limit, last) + 2 * interval)


def test_keyframes_are_at_the_multiples_of_the_interval_after_the_first() -> None:
    keyframes = Keyframes(5, 4)
    assert [keyframes.next_due(update) for update in (5, 6, 8, 9, 12)] == [9, 9, 9, 13, 13]
    keyframes.keep(9, moment())
    assert not keyframes.wants(9)
    assert not keyframes.wants(10)
    assert keyframes.wants(13)


def test_what_comes_later_can_be_forgotten_and_copies_are_independent() -> None:
    keyframes = Keyframes(0, 2)
    for update in range(0, 11, 2):
        keyframes.keep(update, moment())
    twin = keyframes.copy(5)
    assert sorted(twin.moments) == [0, 2, 4]
    assert twin.moments[2] is keyframes.moments[2]
    keyframes.drop_after(7)
    assert sorted(keyframes.moments) == [0, 2, 4, 6]
    twin.keep(6, moment())
    twin.keep(8, moment())
    assert sorted(keyframes.moments) == [0, 2, 4, 6]
    assert Keyframes(0, 1).nbytes == 0


def test_the_first_interval_shrinks_as_updates_grow() -> None:
    found = [first_interval(numbers) for numbers in (1, 499, 500, 3_999, 4_000, 199_999, 200_000, 10**9)]
    assert found == sorted(found, reverse=True)
    assert found[0] == FIRST_INTERVALS[0][1]
    assert found[-1] == LEAST_INTERVAL


# Points


def point(update: int) -> LossPoint:
    return LossPoint(update, 1.0 / (update + 1))


@given(
    limit=st.integers(8, 20),
    deeds=st.lists(st.tuples(st.sampled_from(["step", "epochs"]), st.integers(1, 60)), max_size=12),
    per_epoch=st.integers(1, 3),
)
def test_points_are_few_evenly_spread_and_the_last_is_always_there(
    limit: int, deeds: list[tuple[str, int]], per_epoch: int
) -> None:
    points, update = Points(), 0
    points.add_step(point(0))
    stepped = {0}
    turns: list[tuple[int, int]] = []
    # Where training ended for a while: a point that is there for being the last may stay.
    ends: set[int] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "POINT_LIMIT", limit)
        for deed, count in deeds:
            if deed == "step":
                update += 1
                points.add_step(point(update))
                stepped.add(update)
                continue
            left = count
            while left:
                epochs = min(points.epochs_to_next, left)
                update += epochs * per_epoch
                left -= epochs
                points.add_epoch(point(update), epochs)
                turns.append((update, points.epochs))
            ends.add(update)
    updates = [p.update for p in points.all]
    assert updates == sorted(set(updates))
    assert updates[-1] == update
    assert stepped <= set(updates)
    assert len(updates) <= limit + len(stepped) + 1
    # Every epoch whose turn it is has its point.
    due = {u for u, epoch in turns if epoch % points.stride == 0}
    assert due <= set(updates)
    assert set(updates) - due - stepped <= ends


def test_a_point_again_takes_the_place_of_the_former() -> None:
    points = Points()
    points.add_step(point(0))
    points.add_epoch(point(3))
    points.add_epoch(LossPoint(3, 9.0))
    assert [p.loss for p in points.all] == [1.0, 9.0]


def test_points_after_an_update_can_be_forgotten_and_copies_are_independent() -> None:
    points = Points()
    for update in range(6):
        points.add_step(point(update))
    twin = points.copy(3)
    assert [p.update for p in twin.all] == [0, 1, 2, 3]
    points.drop_after(1)
    assert [p.update for p in points.all] == [0, 1]
    assert points.stepped == {0, 1}
    twin.add_step(point(7))
    twin.add_epoch(point(9))
    assert [p.update for p in points.all] == [0, 1]
    assert [p.update for p in twin.all] == [0, 1, 2, 3, 7, 9]
