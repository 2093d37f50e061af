"""How long something takes, told from a moment in which the machine was busy with something else."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

# How often a slow action is tried again, and the seconds that all tries together may take.
TRIES, ALLOWANCE = 5, 0.02


def seconds_of(action: Callable[[], object]) -> float:
    """The seconds that an action takes: of its quickest try, for the first one is slower and any may be interrupted."""
    quickest, begun = float("inf"), perf_counter()
    for _ in range(TRIES):
        start = perf_counter()
        action()
        now = perf_counter()
        quickest = min(quickest, now - start)
        if now - begun > ALLOWANCE:
            break
    return quickest
