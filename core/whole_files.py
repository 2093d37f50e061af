"""Files and folders that are written whole or not at all: until the new one is complete the old one stays."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from core.errors import ExportError, NnvizError


@contextlib.contextmanager
def new_file(path: Path, error: type[NnvizError] = ExportError) -> Iterator[Path]:
    """A place to write to, which becomes `path` when the block ends without an error, and vanishes otherwise.

    It lies in the same folder and has the same ending. A link is followed, and a file that exists keeps its
    permissions. Raises `error`, one sentence naming the path, where nothing can be written.
    """
    with _named_problems(path, error):
        target = _target(path)
        if target.is_dir():
            raise IsADirectoryError
        # Such as /dev/null, which would become an ordinary file for everyone.
        if target.exists() and not target.is_file():
            raise error(f"{path} is not an ordinary file: choose another place.")
        # A file that may not be written is not to be replaced either, which its folder alone would allow.
        if target.exists() and not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError
        if not target.parent.is_dir():
            raise FileNotFoundError
        temporary = target.parent / f".nnviz-{os.urandom(8).hex()}{target.suffix}"
        try:
            yield temporary
            _flush(temporary)
            with contextlib.suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        # Makes the new name last through a power cut too, where the system can (Windows cannot open folders).
        with contextlib.suppress(OSError):
            _flush(target.parent)


@contextlib.contextmanager
def new_folder(path: Path, error: type[NnvizError] = ExportError) -> Iterator[Path]:
    """A folder to write into, which becomes `path` when the block ends without an error, and vanishes otherwise.

    A folder that was there keeps its other files; those of the same names are replaced. Raises `error`, one sentence
    naming the path, where nothing can be written.
    """
    with _named_problems(path, error):
        target = _target(path)
        if target.exists() and not target.is_dir():
            raise NotADirectoryError
        if not target.parent.is_dir():
            raise FileNotFoundError
        temporary = target.parent / f".nnviz-{os.urandom(8).hex()}"
        temporary.mkdir()
        try:
            yield temporary
            if not target.exists():
                temporary.replace(target)
                return
            for file in sorted(temporary.rglob("*")):
                place = target / file.relative_to(temporary)
                if file.is_dir():
                    place.mkdir(exist_ok=True)
                else:
                    file.replace(place)
        finally:
            # Only now: `nnviz trace` has no folder to write.
            import shutil

            shutil.rmtree(temporary, ignore_errors=True)


def _target(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except ValueError as problem:
        # A path with a null character.
        raise OSError(str(problem)) from None


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _named_problems(path: Path, error: type[NnvizError]) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise error(_writing_problem(path, problem)) from None


def _writing_problem(path: Path, error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder: choose a file name in it."
    if isinstance(error, PermissionError):
        return f"{path} cannot be written: you have no permission to write there, so choose another place."
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.is_file():
            return f"{path} is a file: choose a folder, or a name that is free."
        return f"{path} cannot be written: there is no folder {path.parent}, so choose another place."
    reason = error.strerror or str(error)
    return f"{path} cannot be written ({reason}): choose another place."
