"""What the commands share: a parser that says what is wrong in one line, and arguments that several have."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NoReturn, TextIO

if TYPE_CHECKING:
    from core.jobs import Job, Progress, Written
    from core.project import Project
    from core.style import Notation, Rounding, Style

# Those of nnviz_app.export.pages, here without its imports.
PAPERS: tuple[Literal["A4", "Letter"], ...] = ("A4", "Letter")
# The granularities of core.solution, here without its imports.
SIZES = ("term", "neuron", "layer", "pass")
OK, CHECK_FAILED, BAD_USAGE = 0, 1, 2
# What shells report for a program that was asked to end.
TERMINATED = 143
# Columns of the help, and of a bar.
WIDTH, BAR_WIDTH = 100, 24
# Seconds between two looks of a bar.
REDRAW = 0.1


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: to ask for the terminal's argparse would import shutil, even when no help is wanted."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH)


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(BAD_USAGE)


def make_parser(prog: str, description: str, epilog: str) -> Parser:
    """A parser without surprises: options are written out, the help is as it stands."""
    return Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )


# Arguments

Arguments = argparse.ArgumentParser | argparse._ArgumentGroup


def add_rows(parser: Arguments) -> None:
    """The arguments that choose rows of the data: see `chosen_rows`."""
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--sample", metavar="N", type=whole_number(1, None), help="row N of the data, counted from 1")
    rows.add_argument("--batch", action="store_true", help="all rows as one batch")


def add_style(parser: Arguments, *, digits: int, what: str = "significant digits, 1 to 17") -> None:
    """The arguments that say how numbers and symbols are written: see `chosen_style` and `chosen_rounding`."""
    parser.add_argument(
        "--digits", metavar="N", type=whole_number(1, 17), default=digits, help=f"{what} (default {digits})"
    )
    parser.add_argument(
        "--notation",
        metavar="KEY=VALUE,...",
        type=notation,
        help="other symbols, such as pre_activation=net,activation=out,loss=E",
    )
    parser.add_argument(
        "--round",
        metavar="N",
        type=whole_number(1, 12),
        help="round every step to N decimals before the next is made with it, as in a book",
    )


def add_paper(parser: Arguments) -> None:
    """The argument that says how large the pages of a PDF are."""
    parser.add_argument("--paper", choices=PAPERS, help=f"the pages of a PDF (default {PAPERS[0]})")


def notation(text: str) -> Notation:
    """Reads symbols: KEY=VALUE, separated by commas."""
    from core.style import CHOICES, Notation

    chosen: dict[str, str] = {}
    for part in text.split(","):
        key, mark, value = (piece.strip() for piece in part.partition("="))
        if not mark or key not in CHOICES:
            raise argparse.ArgumentTypeError(f"“{part.strip()}” is not KEY=VALUE with a key of {', '.join(CHOICES)}")
        chosen[key] = value
    try:
        return Notation(**chosen)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class whole_number:  # noqa: N801 (used like a function)
    """Reads a whole number between two limits."""

    def __init__(self, least: int, most: int | None) -> None:
        self.least, self.most = least, most

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = self.least - 1
        if number < self.least or (self.most is not None and number > self.most):
            limits = f"{self.least} or more" if self.most is None else f"{self.least} to {self.most}"
            raise argparse.ArgumentTypeError(f"“{text}” is not a whole number, {limits}")
        return number


# What they say


def chosen_rows(project: Project, sample: int | None, *, whole: bool) -> range | None:
    """The rows that the arguments name, None for the project's first batch. Raises DataError for a row that is not."""
    from core.errors import DataError

    count = project.dataset.rows
    if whole:
        return range(count)
    if sample is None:
        return None
    if sample > count:
        raise DataError(f"There is no sample {sample}: the data has {count_of(count, 'row')}.")
    return range(sample - 1, sample)


def count_of(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def print_lines(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def print_written(written: Written) -> None:
    """Say what a job has written: its sentences, then where."""
    # The folder "." has no name that could be read in a sentence.
    places = (path if path.name else path.absolute() for path in written.paths)
    print_lines([*written.sentences, f"Written to {', '.join(map(str, places))}."])


def chosen_rounding(options: argparse.Namespace) -> Rounding | None:
    """The rounding of every step that the arguments ask for."""
    from core.style import Rounding

    return Rounding(options.round) if options.round else None


def chosen_style(options: argparse.Namespace) -> Style:
    """The symbols and digits that the arguments ask for; what is rounded already has all its digits."""
    from core.style import Notation, Style

    return Style(options.notation or Notation(), 15 if options.round else options.digits)


# Before and after


def keep_imports() -> None:
    """Let the garbage collector work again, but never look through what was imported while it did not.

    All that stays, and to search it, last of all when the process ends, took a tenth of the time of a small trace.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def use_one_thread() -> None:
    # A pass of a small network is over before the threads of numpy's linear algebra have started.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def start_painting() -> None:
    """Let things be painted without a display. Raises ExportError where Qt cannot be used."""
    from core.errors import ExportError
    from nnviz_app.platform import qt_problem

    if problem := qt_problem():
        raise ExportError(problem)
    from nnviz_app.export.offscreen import offscreen_application

    offscreen_application()


def complain(sentence: object) -> None:
    """Say what went wrong, on standard error."""
    print(sentence, file=sys.stderr)


def follow(job: Job) -> Written:
    """Run a job to its end, with a bar on a terminal; Ctrl+C or SIGTERM stops it, and nothing is left of it.

    Whatever imports Qt or paints belongs into the job: only there they wait for a moment that suits it.
    """
    stream = sys.stderr
    bar = _Bar(stream) if stream.isatty() else None
    stopped = False
    with _interrupts_held() as let_go:
        try:
            while True:
                try:
                    progress = next(job)
                except StopIteration as stop:
                    written: Written = stop.value
                    return written
                let_go()
                if bar is not None:
                    bar.show(progress)
        except (KeyboardInterrupt, SystemExit) as stop:
            # A job may end the program for another reason, such as options that do not go together.
            stopped = isinstance(stop, KeyboardInterrupt) or stop.code == TERMINATED
            raise
        finally:
            job.close()
            if bar is not None:
                bar.clear()
            if stopped:
                complain("Stopped: nothing was written.")


@contextlib.contextmanager
def _interrupts_held() -> Iterator[Callable[[], None]]:
    """Within the block the first Ctrl+C or SIGTERM waits until the function that it gives is called; another does not.

    Qt survives neither being left in the middle of painting nor an import that is broken off. What goes wrong after a
    Ctrl+C, as in a program that has heard it too, counts as interrupted.
    """
    # Only now: `nnviz trace` has no use for it.
    import signal

    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    formers = {number: signal.getsignal(number) for number in usual}
    held: list[int] = []

    def hold(number: int, _frame: object) -> None:
        held.append(number)
        signal.signal(number, formers[signal.Signals(number)])

    def let_go() -> None:
        if signal.SIGTERM in held:
            raise SystemExit(TERMINATED)
        if held:
            raise KeyboardInterrupt

    for number, handler in usual.items():
        # What others do with a signal is left to them.
        if formers[number] is handler:
            signal.signal(number, hold)
    try:
        yield let_go
    except Exception:
        let_go()
        raise
    finally:
        for number, former in formers.items():
            signal.signal(number, former)


class _Bar:
    """How far a job is, in one line that is drawn again and again."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._due = 0.0
        self._width = 0

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + REDRAW
        full = round(BAR_WIDTH * progress.done / progress.total) if progress.total else 0
        text = f"[{'█' * full}{'·' * (BAR_WIDTH - full)}] {progress.what}"
        self._width = max(self._width, len(text))
        self.stream.write(f"\r{text.ljust(self._width)}")
        self.stream.flush()

    def clear(self) -> None:
        self.stream.write(f"\r{' ' * self._width}\r")
        self.stream.flush()
