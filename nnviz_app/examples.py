"""The worked examples that come with the program: project files in resources/examples, in the order of their names."""

from __future__ import annotations

import functools
import importlib.resources
from dataclasses import dataclass
from pathlib import Path

from core.project_file import load_project


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped project. `title` and `description`, one line each, are the file's title and its notes' first line."""

    name: str
    title: str
    description: str
    path: Path


@functools.cache
def _examples() -> tuple[Example, ...]:
    folder = Path(str(importlib.resources.files("resources").joinpath("examples")))
    found = []
    for path in sorted(folder.glob("*.nnviz")):
        project = load_project(path)
        # 01-two-two-two: the number gives the order only.
        name = path.stem.partition("-")[2]
        found.append(Example(name, project.title, project.notes.partition("\n")[0], path))
    return tuple(found)


def examples() -> list[Example]:
    """All shipped examples, the one to begin with first."""
    return list(_examples())


def first_example() -> Example:
    """The example that a new user sees."""
    return _examples()[0]
