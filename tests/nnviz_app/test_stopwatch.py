"""Seconds that an action takes, in spite of moments in which the machine is busy with something else."""

from __future__ import annotations

import pytest

from nnviz_app import stopwatch
from nnviz_app.stopwatch import ALLOWANCE, TRIES, seconds_of


class Clock:
    """Goes on by what is said for each action."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, 0

    def action(self) -> None:
        self.now += self.seconds[self.calls]
        self.calls += 1


@pytest.mark.parametrize(
    ("seconds", "expected", "calls"),
    [
        ((0.004, 0.001, 0.003, 0.002, 0.002), 0.001, TRIES),
        ((0.001, 2 * ALLOWANCE), 0.001, 2),
        ((2 * ALLOWANCE,), 2 * ALLOWANCE, 1),
    ],
)
def test_the_quickest_try_counts_and_a_slow_action_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, ...], expected: float, calls: int
) -> None:
    clock = Clock(*seconds)
    monkeypatch.setattr(stopwatch, "perf_counter", lambda: clock.now)
    assert seconds_of(clock.action) == pytest.approx(expected)
    assert clock.calls == calls
