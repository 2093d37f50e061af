"""Files and folders that are written whole or not at all: until the new one is complete the old one stays."""

from __future__ import annotations

import contextlib
import os
import re
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
        if target.exists() and not _may_write(target):
            raise PermissionError
        if not target.parent.is_dir():
            raise FileNotFoundError
        temporary = target.parent / f".nnviz-{os.urandom(8).hex()}{target.suffix}"
        # Whether it can be made shows here, and not in the words of each library that writes.
        temporary.touch(exist_ok=False)
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
def new_folder(
    path: Path, error: type[NnvizError] = ExportError, *, outdated: re.Pattern[str] | None = None
) -> Iterator[Path]:
    """A folder to write into, which becomes `path` when the block ends without an error, and vanishes otherwise.

    A folder that was there keeps its other files, but for those whose whole name matches `outdated`; those of the same
    names are replaced as `new_file` does it, once it is known that each of them can be. Raises `error`, one sentence
    naming the place, where nothing can be written.
    """
    with _named_problems(path, error):
        target = _target(path)
        if target.exists() and not target.is_dir():
            raise NotADirectoryError
        if not target.parent.is_dir():
            raise FileNotFoundError
        temporary = target.parent / f".nnviz-{os.urandom(8).hex()}"
        temporary.mkdir()
        # Only now: `nnviz trace` has no folder to write.
        import shutil

        try:
            yield temporary
            if not target.exists():
                temporary.replace(target)
                return
            former = _outdated_files(target, outdated, new=temporary)
            # The sentence names the place as it was asked for.
            with contextlib.ExitStack() as stack:
                for part in sorted(temporary.rglob("*")):
                    place = path / part.relative_to(temporary)
                    if part.is_dir():
                        _make_inner_folder(place, error, stack)
                        continue
                    if place.is_dir():
                        raise error(f"{place} is a folder, where a file is to go: rename it, or choose another place.")
                    file = stack.enter_context(new_file(place, error))
                    # A link may lead to another disk.
                    shutil.move(part, file)
                    # Whatever can fail does so before the first file is replaced.
                    _flush(file)
            for file in former:
                with contextlib.suppress(OSError):
                    file.unlink()
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _make_inner_folder(place: Path, error: type[NnvizError], stack: contextlib.ExitStack) -> None:
    if place.is_dir():
        return
    if os.path.lexists(place):
        raise error(f"{place} is a file, where a folder is to go: rename it, or choose another place.")
    with _named_problems(place, error):
        place.mkdir()

    def discard(kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            with contextlib.suppress(OSError):
                place.rmdir()

    stack.push(discard)


def _outdated_files(folder: Path, names: re.Pattern[str] | None, *, new: Path) -> list[Path]:
    """The ordinary files of a folder with such names that are not written anew, and that may be written."""
    if names is None:
        return []
    return [
        file
        for file in folder.iterdir()
        if names.fullmatch(file.name)
        and not (new / file.name).exists()
        and file.is_file()
        and not file.is_symlink()
        and _may_write(file)
    ]


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


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
        # Where a link leads matters, and in some folders, such as /proc, no file can be made.
        folder = _target(path).parent if path.parent.is_dir() else path.parent
        if folder.is_dir():
            return f"{path} cannot be written: nothing can be made in the folder {folder}, so choose another place."
        return f"{path} cannot be written: there is no folder {folder}, so choose another place."
    reason = error.strerror or str(error)
    return f"{path} cannot be written ({reason}): choose another place."
