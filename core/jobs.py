"""Work that takes a while: it says how far it is, can be stopped at any time, and leaves no half file.

A job is a generator. Whoever runs it takes its `Progress` one after the other and closes it to stop; what it writes
(core.whole_files) stands under its own name only once it is complete.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


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


def finish(work: Generator[object, None, T]) -> T:
    """Run a job, or something else that is made step by step, to its end; what it has made."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            made: T = stop.value
            return made


def reporting(work: Generator[object, None, T], progress: Progress) -> Generator[Progress, None, T]:
    """What is made step by step as a part of a job: `progress` after each step; closed where the job is stopped."""
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as stop:
                made: T = stop.value
                return made
            yield progress
