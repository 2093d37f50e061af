"""``nnviz train``: a run without a window, with a progress bar; Ctrl+C ends it and keeps what was learned."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nnviz_app.command import OK, keep_imports, whole_number

if TYPE_CHECKING:
    from core.history import LossPoint
    from core.project import Project
    from core.training import Progress, Run

BAR_WIDTH = 24
# Seconds between two looks of the bar on a terminal, and how many lines there are elsewhere.
REDRAW = 0.1
LINES = 10


DESCRIPTION = "Train without a window, with a progress bar."
EPILOG = """\
It goes on from the updates that the project has had already, with its own settings, and ends early where these say so.
Ctrl+C ends the run and saves what was learned until then.

examples:
  nnviz train my.nnviz --epochs 1000             train and save in the same file
  nnviz train my.nnviz --out trained.nnviz       leave the file as it is
  nnviz train my.nnviz --every 1000              print the losses after every 1,000 epochs

exit codes:
  0 trained and saved, 2 wrong usage, a file that cannot be read or written, or nothing that can be trained
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(1, 2**31 - 1), help="passes over the data (the project's own number)"
    )
    parser.add_argument(
        "--every", metavar="N", type=whole_number(1, 2**31 - 1), help="a line each N epochs instead of a bar"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="where to save (FILE itself)")


def run(options: argparse.Namespace) -> int:
    """Train, save and say what was reached."""
    keep_imports()
    print(train(options.file, sys.stderr, epochs=options.epochs, every=options.every, out=options.out))
    return OK


def train(file: Path, stream: TextIO, *, epochs: int | None, every: int | None, out: Path | None) -> str:
    """Train, save, and return a sentence about what was reached. Raises NnvizError before anything is written."""
    from core.errors import ProjectError, TrainingError
    from core.project_file import load_project, save_project
    from core.training import Run, project_at

    project = load_project(file)
    out = out or file
    if not out.resolve().parent.is_dir():
        # Said now: after the run it would be too late.
        raise ProjectError(f"{out} cannot be written: there is no folder {out.parent}, so choose another place.")
    run = Run(project)
    epochs = epochs or project.settings.epochs
    if every is None and not stream.isatty():
        every = max(1, epochs // LINES)
    bar = _Bar(stream, run, every or 0)
    problem = ""
    try:
        for progress in run.train(
            project.updates,
            project.settings,
            epochs=epochs,
            breakpoints=project.breakpoints,
            every=every or 0,
        ):
            bar.show(progress)
    except KeyboardInterrupt:
        bar.reason = "Stopped."
    except TrainingError as error:
        if run.last == project.updates:
            raise
        problem = f"{error} "
    bar.end()
    save_project(project_at(project, run, run.last), out)
    return f"{problem}{_summary(project, run, bar.reason)} Saved in {out}."


def _summary(project: Project, run: Run, reason: str) -> str:
    points = [point for point in run.points() if point.update >= project.updates]
    made = run.last - project.updates
    sentence = f"{made:,} update{'' if made == 1 else 's'}: loss {points[0].loss:.6g} → {points[-1].loss:.6g}"
    return f"{reason} {sentence}{_details(points[-1])}.".strip()


def _details(point: LossPoint) -> str:
    parts = []
    if point.test_loss is not None:
        parts.append(f"test loss {point.test_loss:.6g}")
    if point.accuracy is not None:
        parts.append(f"accuracy {100 * point.accuracy:.1f} %")
    if point.test_accuracy is not None:
        parts.append(f"test accuracy {100 * point.test_accuracy:.1f} %")
    return "".join(f", {part}" for part in parts)


class _Bar:
    """The progress of a run: a bar that is drawn again and again or, with `every`, a line each so many epochs."""

    def __init__(self, stream: TextIO, run: Run, every: int) -> None:
        self.stream, self.run, self.every = stream, run, every
        self.reason = ""
        self._start = time.perf_counter()
        self._due = 0.0
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Show how far the run has come, if it is time to."""
        self.reason = progress.reason
        now = time.perf_counter()
        speed = (progress.update - self.run.first) / max(now - self._start, 1e-9)
        losses = f"loss {progress.loss:.6g}{_details(progress.point)}"
        if self.every:
            # Only where the loss is that of this very epoch.
            epoch = self.run.epoch_at(progress.update)
            if progress.point.update == progress.update and (epoch % self.every == 0 or progress.reason):
                self.stream.write(f"epoch {epoch:,}, {losses}, {speed:,.0f} updates/s\n")
                self.stream.flush()
            return
        if progress.epoch < progress.epochs and now < self._due:
            return
        self._due = now + REDRAW
        share = progress.epoch / progress.epochs
        full = round(BAR_WIDTH * share)
        text = (
            f"[{'█' * full}{'·' * (BAR_WIDTH - full)}] epoch {progress.epoch:,} of {progress.epochs:,}, "
            f"{losses}, {speed:,.0f} updates/s"
        )
        self.stream.write(f"\r{text.ljust(self._width)}")
        self.stream.flush()
        self._width = len(text)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._width:
            self.stream.write("\n")
            self.stream.flush()
