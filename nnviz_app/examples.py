"""What comes with the program: worked examples and walkthroughs, project files in resources by their names' order."""

from __future__ import annotations

import functools
import importlib.resources
from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped project. `title` and `description`, one line each, are the file's title and its notes' first line."""

    name: str
    title: str
    description: str
    path: Path


class _Head(msgspec.Struct):
    """What the list needs of a file: the rest, and much of it in a walkthrough, is read when it is opened."""

    title: str
    notes: str = ""


@functools.cache
def _shipped(folder_name: str) -> tuple[Example, ...]:
    folder = Path(str(importlib.resources.files("resources").joinpath(folder_name)))
    found = []
    for path in sorted(folder.glob("*.nnviz")):
        head = msgspec.json.decode(path.read_bytes(), type=_Head)
        # 01-two-two-two: the number gives the order only.
        name = path.stem.partition("-")[2]
        found.append(Example(name, head.title, head.notes.partition("\n")[0], path))
    return tuple(found)


def examples() -> list[Example]:
    """All shipped examples, the one to begin with first."""
    return list(_shipped("examples"))


def walkthroughs() -> list[Example]:
    """All shipped walkthroughs, in the order in which they build upon each other."""
    return list(_shipped("walkthroughs"))


def first_example() -> Example:
    """The example that a new user sees."""
    return _shipped("examples")[0]
