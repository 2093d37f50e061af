"""Work that takes a while: it says how far it is, can be stopped at any time, and leaves no half file.

A job is a generator. Whoever runs it takes its `Progress` one after the other and closes it to stop; what it writes
(core.whole_files) stands under its own name only once it is complete.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from msgspec import Struct


class Progress(Struct, frozen=True):
    """`done` of `total` parts are finished (a `total` of 0: nobody knows how many there are); `what` is under way."""

    done: int
    total: int
    what: str


class Written(Struct, frozen=True):
    """What a job has written, and what is to be said of it: sentences, the most important one first."""

    paths: tuple[Path, ...]
    sentences: tuple[str, ...] = ()


Job = Generator[Progress, None, Written]


def finish(job: Job) -> Written:
    """Run a job to its end."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            written: Written = stop.value
            return written
