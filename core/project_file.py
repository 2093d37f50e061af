"""Project files: JSON that a person can read, compare line by line and correct by hand.

docs/file-format.md describes the format for people, docs/nnviz.schema.json (`project_schema`) for tools. Here a file
is opened, and written whole or not at all. What it looks like is in core.file_records, what its text means in
core.file_reading, how a project becomes text in core.file_writing.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from core.errors import ProjectError
from core.file_reading import project_from_bytes, project_from_text
from core.file_records import MAX_BYTES, project_schema
from core.file_writing import project_to_text
from core.project import Project

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
    path = Path(path)
    try:
        _replace(Path(os.path.realpath(path)), data)
    except (OSError, ValueError) as error:
        raise ProjectError(_writing_problem(path, error)) from None


def _replace(path: Path, data: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError
    # A file that may not be written is not to be replaced either, which its folder alone would allow.
    if path.exists() and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError
    temporary = path.parent / f".nnviz-{os.urandom(8).hex()}.tmp"
    # Opened so, rather than by tempfile, the new file gets the permissions that new files usually have.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut too, where the system can (Windows cannot open folders)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _writing_problem(path: Path, error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder: choose a file name in it."
    if isinstance(error, PermissionError):
        return f"{path} cannot be written: you have no permission to write there, so choose another place."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{path} cannot be written: there is no folder {path.parent}, so choose another place."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be written ({reason}): choose another place."
