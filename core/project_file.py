"""Project files: JSON that a person can read, compare line by line and correct by hand.

docs/file-format.md describes the format for people, docs/nnviz.schema.json (`project_schema`) for tools. Here a file
is opened, and written whole or not at all. What it looks like is in core.file_records, what its text means in
core.file_reading, how a project becomes text in core.file_writing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from core.errors import ProjectError
from core.file_reading import project_from_bytes, project_from_text
from core.file_records import MAX_BYTES, project_schema
from core.file_writing import project_to_text
from core.project import Project
from core.whole_files import new_file

__all__ = ["load_project", "project_from_text", "project_schema", "project_to_text", "reading_problem", "save_project"]


def load_project(path: str | Path) -> Project:
    """The project in a file. Raises ProjectError, one sentence naming the place, when it cannot be read."""
    path = Path(path)
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            # A file can grow while it is read, hence the limit on reading too.
            data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        if max(size, len(data)) > MAX_BYTES:
            raise ProjectError(
                f"{path} is too large for a project ({size / 2**20:.0f} MB): the limit is {MAX_BYTES // 2**20} MB."
            )
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character.
        raise ProjectError(_reading_problem(path, error)) from None
    return project_from_bytes(data, path.name)


def reading_problem(path: str | Path) -> str | None:
    """Why this file cannot be opened at all, in one sentence; None when it can, whatever is in it."""
    path = Path(path)
    try:
        _open(path).close()
    except ProjectError as error:
        return str(error)
    except (OSError, ValueError) as error:
        return _reading_problem(path, error)
    return None


def _open(path: Path) -> BinaryIO:
    # Looked at before it is opened: opening a pipe would wait for its other end.
    if not stat.S_ISREG(path.stat().st_mode):
        what = "a folder" if path.is_dir() else "not an ordinary file"
        raise ProjectError(f"{path} is {what}: choose a project file (*.nnviz).")
    return path.open("rb")


def _reading_problem(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: check the name."
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: you have no permission to read it."
    if isinstance(error, NotADirectoryError):
        return f"{path} does not exist: a part of its path is a file."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be read ({reason}): choose another file."


def save_project(project: Project, path: str | Path) -> None:
    """Write the project to a file, whole or not at all: until the new one is complete the old one stays.

    A link is followed, and a file that exists keeps its permissions. Raises ProjectError naming the path.
    """
    data = project_to_text(project).encode()
    with new_file(Path(path), ProjectError) as file:
        file.write_bytes(data)
