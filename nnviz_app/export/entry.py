"""One thing that can be made of a project, as the export dialog offers it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from core.jobs import Job
from nnviz_app.export.options import AnyOption, Values
from nnviz_app.export.subject import Subject

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

Write = Callable[[Subject, Path, Values], Job]
# A job that makes a picture, None where that would take too long, and what there is to say beneath it.
Previewing = Generator[object, None, tuple["QImage | None", str]]
Preview = Callable[[Subject, Values], Previewing]


class Entry(Struct, frozen=True, kw_only=True):
    """`about` says what it is, `keeps` what is in it and whether it can come back.

    `suffixes`: the endings that its file can have, the usual one first; none where it is a folder. `file` is how it is
    called at first, with {name} for the project's name. `missing` says what has to be installed first, "" if nothing.
    `needs_steps`: it is made of the steps of a pass. `refuses` says why it cannot be made with what is chosen, "" if it
    can: for what shows at once, as the preview finds out the rest. `replaces` says what would go in a folder that is
    there, "" where nothing would; it raises ExportError where nothing may be written there.
    """

    name: str
    group: str
    title: str
    about: str
    keeps: str
    suffixes: tuple[str, ...]
    file: str
    write: Write
    options: Callable[[Subject], tuple[AnyOption, ...]] = lambda _: ()
    missing: Callable[[], str] = str
    preview: Preview | None = None
    needs_steps: bool = False
    refuses: Callable[[Subject, Values], str] = lambda *_: ""
    replaces: Callable[[Path], str] = lambda _: ""

    def why_not(self, subject: Subject, values: Values) -> str:
        """What stands in the way, and what to do about it: a sentence, "" if nothing does."""
        if not subject.project.network.neurons:
            return "There is nothing to export yet: draw a network first."
        if self.needs_steps and not subject.steps:
            return subject.problem or "There is no pass to write out: give the network a row of data first."
        return self.missing() or self.refuses(subject, values)

    def suffix(self, values: Values) -> str:
        """The ending that the file gets, "" where it is a folder."""
        return f".{values['form']}" if len(self.suffixes) > 1 else next(iter(self.suffixes), "")

    def path(self, typed: Path, subject: Subject, values: Values) -> Path:
        """Where it goes when this was typed: with its ending; a file for which a folder was typed goes into that."""
        suffix = self.suffix(values)
        if not suffix:
            return typed
        if os.path.isdir(typed):
            return typed / self.default_name(subject, values)
        return typed if typed.suffix.lower() == suffix else typed.with_name(typed.name + suffix)

    def default_name(self, subject: Subject, values: Values) -> str:
        """What the file is called at first."""
        name = subject.name
        if self.suffixes == (".py",):
            # A module is imported by its name.
            name = re.sub(r"^(?=\d)", "network_", re.sub(r"\W+", "_", name))
        return self.file.format(name=name) + self.suffix(values)
