"""``nnviz train``: a run without a window, with a progress bar; Ctrl+C ends it and keeps what was learned."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from core.history import LossPoint
    from core.project import Project
    from core.training import Progress, Run

BAR_WIDTH = 24
# Seconds between two looks of the bar on a terminal, and the share of a run between two lines elsewhere.
REDRAW = 0.1
LINE_SHARE = 0.1


def add_arguments(
    parser: argparse.ArgumentParser, whole_number: Callable[[int, int | None], Callable[[str], int]]
) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument(
        "--epochs", metavar="N", type=whole_number(1, 2**31 - 1), help="passes over the data (the project's own number)"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="where to save (FILE itself)")


def train(file: Path, epochs: int | None, out: Path | None, stream: TextIO) -> str:
    """Train, save, and return a sentence about what was reached. Raises NnvizError before anything is written."""
    from core.errors import TrainingError
    from core.project_file import load_project, save_project
    from core.training import Run, project_at

    project = load_project(file)
    out = out or file
    run = Run(project)
    bar = _Bar(stream, run)
    problem = ""
    try:
        for progress in run.train(
            project.updates, project.settings, epochs=epochs or project.settings.epochs, breakpoints=project.breakpoints
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
    """The progress of a run: a bar that is drawn again on a terminal, a line now and then elsewhere."""

    def __init__(self, stream: TextIO, run: Run) -> None:
        self.stream, self.run = stream, run
        self.is_terminal = stream.isatty()
        self.reason = ""
        self._first, self._start = run.first, time.perf_counter()
        self._due = 0.0
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Show how far the run has come, if it is time to."""
        self.reason = progress.reason
        share = progress.epoch / progress.epochs
        now = time.perf_counter()
        if share < 1.0 and (now if self.is_terminal else share) < self._due:
            return
        self._due = now + REDRAW if self.is_terminal else share + LINE_SHARE
        speed = (progress.update - self._first) / max(now - self._start, 1e-9)
        text = (
            f"epoch {progress.epoch:,} of {progress.epochs:,}, loss {progress.loss:.6g}"
            f"{_details(progress.point)}, {speed:,.0f} updates/s"
        )
        if self.is_terminal:
            full = round(BAR_WIDTH * share)
            text = f"[{'█' * full}{'·' * (BAR_WIDTH - full)}] {text}"
            self.stream.write(f"\r{text.ljust(self._width)}")
            self._width = len(text)
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self) -> None:
        """Leave the bar's line."""
        if self.is_terminal and self._width:
            self.stream.write("\n")
            self.stream.flush()
