"""The worksheets that a folder holds already, and how they make room for others."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from nnviz_app.export.solution import DRAWING

INDEX = "index.csv"
# Its columns of names of files, and what those are like.
FILES = ("worksheet", "key", "project")
_OWN = re.compile(r"(worksheet|key)(-\d+)?\.(pdf|html|md|tex)|project(-\d+)?\.nnviz")
# All in one file, which nobody edits; they are finished after the list is.
_ALL = frozenset(("all-worksheets.pdf", "all-keys.pdf"))
# Some file systems keep times to two seconds.
_GRACE = 2.5


@dataclass(frozen=True)
class FormerSheets:
    """What the index.csv of a folder says was written with it, and is there: files, and folders of drawings."""

    folder: Path
    names: frozenset[str] = frozenset()
    # When the list was written, in seconds.
    time: float = 0.0

    @classmethod
    def of(cls, folder: Path) -> FormerSheets:
        """Those in this folder; none where it has no such list."""
        index = folder / INDEX
        try:
            time = index.stat().st_mtime
            with index.open(encoding="utf-8", errors="replace", newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, csv.Error):
            return cls(folder)
        # Only names that are given here: a file of someone else's may be called so too.
        names = {name for row in rows for column in FILES if _OWN.fullmatch(name := row.get(column) or "")}
        if len(rows) > 1 and any(name.endswith(".pdf") for name in names):
            names |= _ALL
        names |= {f"{name.removesuffix('.md')}-figures" for name in names if name.endswith(".md")}
        return cls(folder, frozenset(name for name in names if (folder / name).exists()), time)

    def describe(self) -> str:
        """What becomes of them and of what is called like them where others are written; "" where there are none."""
        if self.names:
            return f"The folder {self.folder.name} holds worksheets already: they, their keys and projects would go."
        if any(path.name == INDEX or _OWN.fullmatch(path.name) for path in self.folder.glob("*")):
            return f"The folder {self.folder.name} exists already: files of the same names in it would be replaced."
        return ""

    def remove_all_but(self, new: Collection[Path]) -> tuple[str, ...]:
        """Remove what the `new` ones, relative to the folder, have not replaced; sentences about it.

        What was changed since it was written is somebody's work by now, and stays.
        """
        gone, sentences = 0, []
        left = set(self._paths()) - {self.folder / place for place in new}
        # Folders after what is in them.
        for path in sorted(left, key=lambda path: (path.is_dir(), path)):
            name = path.relative_to(self.folder)
            try:
                if self._is_changed(path):
                    sentences.append(f"{name} stays, as it was changed after it had been written.")
                elif not path.is_dir():
                    path.unlink()
                    gone += 1
                elif not any(path.iterdir()):
                    # What else lies there would be someone's own.
                    path.rmdir()
            except OSError as problem:
                why = f"({problem.strerror})"
                sentences.append(f"{name} is of worksheets made before and could not be removed {why}: delete it.")
        if gone:
            sentences.insert(0, f"Worksheets made before are gone: {gone} file{'' if gone == 1 else 's'}.")
        return tuple(sentences)

    def _paths(self) -> Iterator[Path]:
        for name in self.names:
            path = self.folder / name
            yield path
            yield from (file for file in path.glob("*") if DRAWING.fullmatch(file.name))

    def _is_changed(self, path: Path) -> bool:
        return path.is_file() and path.name not in _ALL and path.stat().st_mtime > self.time + _GRACE
