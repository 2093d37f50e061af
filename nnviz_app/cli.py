"""The command ``nnviz``: the window, and what works without one.

Qt is imported only when a window is to be opened, numpy only when there is something to compute. The parser is
argparse, since importing typer takes four times as long and ``nnviz trace`` has to start at once.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from nnviz_app import __version__

if TYPE_CHECKING:
    from core.gradient_check import GradientCheck
    from core.project import Project
    from core.style import Notation

OK, CHECK_FAILED, BAD_USAGE = 0, 1, 2
# What shells report for a program ended by Ctrl+C, and by a reader that went away.
INTERRUPTED, PIPE_CLOSED = 130, 141
# Up to so many parameters `nnviz check` lists, the worst first.
LISTED = 20
# From so many on it says that it takes a while.
SLOW = 2000
# Columns of the help.
WIDTH = 100

_DESCRIPTION = "Draw a neural network and step through backpropagation, with every number where it belongs."
_EPILOG = """\
commands:
  nnviz [FILE]         open the window, on FILE or on a worked example
  nnviz trace FILE     print a forward pass, loss, backward pass and update, step by step
  nnviz check FILE     compare every gradient with a central difference of the loss
  nnviz train FILE     train without a window, with a progress bar

examples:
  nnviz                                open the window on a worked example
  nnviz my.nnviz                       open a project
  nnviz trace my.nnviz --sample 2      step through the second row of its data
  nnviz trace my.nnviz --format json   the same for a program to read
  nnviz check my.nnviz                 are the gradients right?
  nnviz train my.nnviz --epochs 1000   train and save
  nnviz ./trace                        open a file that has the name of a command

exit codes:
  0 all went well, 1 a gradient failed the check, 2 wrong usage or a file that cannot be read
"""
_TRACE_EPILOG = """\
examples:
  nnviz trace my.nnviz                   the first batch, as large as the project's settings say
  nnviz trace my.nnviz --sample 2        the second row alone
  nnviz trace my.nnviz --batch           all rows as one batch
  nnviz trace my.nnviz --digits 10       more digits
  nnviz trace my.nnviz --round 4         every step rounded to 4 decimals, as in a book
  nnviz trace my.nnviz --notation pre_activation=net,activation=out,loss=E
  nnviz trace my.nnviz --format json     for a program to read, with every digit
"""
_CHECK_EPILOG = """\
The loss is that of all rows. The relative error of a gradient g and a difference quotient d is
|g - d| / max(|g|, |d|, 0.0001 max(1, |loss|)). A parameter so near the kink of a ReLU that no difference can
decide is named and not counted.

exit codes:
  0 every error is at most 1e-6, 1 one is above, 2 wrong usage or a file that cannot be read
"""


_TRAIN_EPILOG = """\
It goes on from the updates that the project has had already, with its own settings, and ends early where these say so.
Ctrl+C ends the run and saves what was learned until then.

examples:
  nnviz train my.nnviz --epochs 1000             train and save in the same file
  nnviz train my.nnviz --out trained.nnviz       leave the file as it is
  nnviz train my.nnviz --every 1000              print the losses after every 1,000 epochs

exit codes:
  0 trained and saved, 2 wrong usage, a file that cannot be read or written, or nothing that can be trained
"""


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: to ask for the terminal's argparse would import shutil, even when no help is wanted."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH)


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(BAD_USAGE)


def _parser(prog: str, description: str, epilog: str) -> _Parser:
    return _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )


def _window_parser() -> _Parser:
    parser = _parser("nnviz", _DESCRIPTION, _EPILOG)
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="a project file (*.nnviz)")
    parser.add_argument("--version", action="version", version=f"nnviz {__version__}")
    return parser


def _trace_parser() -> _Parser:
    parser = _parser(
        "nnviz trace",
        "Print a forward pass, the loss, the backward pass and the update, one line a step.",
        _TRACE_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument(
        "--sample", metavar="N", type=_whole_number(1, None), help="step through row N of the data, counted from 1"
    )
    rows.add_argument("--batch", action="store_true", help="step through all rows as one batch")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="lines to read, or JSON")
    parser.add_argument(
        "--digits",
        metavar="N",
        type=_whole_number(1, 17),
        default=6,
        help="significant digits of the steps, 1 to 17 (default 6; the summary and JSON have all)",
    )
    parser.add_argument(
        "--notation",
        metavar="KEY=VALUE,...",
        type=_notation,
        help="other symbols, such as pre_activation=net,activation=out,loss=E",
    )
    parser.add_argument(
        "--round",
        metavar="N",
        type=_whole_number(1, 12),
        help="round every step to N decimals before the next is made with it, as in a book",
    )
    return parser


def _check_parser() -> _Parser:
    parser = _parser("nnviz check", "Compare every gradient with a central difference of the loss.", _CHECK_EPILOG)
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    return parser


def _notation(text: str) -> Notation:
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


class _whole_number:  # noqa: N801 (used like a function)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (without them, the program's own) and return its exit code."""
    own_process = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_output()
    try:
        if arguments and arguments[0] in _COMMANDS:
            if own_process:
                # Until the imports are done, see _keep_imports.
                gc.disable()
            return _print_command(_COMMANDS[arguments[0]], arguments[1:])
        return _open(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED


def _print_command(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    try:
        code = command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # A full disk behind ">", say.
        _forget_output()
        _complain(f"The output cannot be written ({error.strerror or error}).")
        return BAD_USAGE
    return code


def _prepare_output() -> None:
    """Let every character be printed: formulas need more than some terminals' encodings hold."""
    for stream in (sys.stdout, sys.stderr):
        # Replaced streams, such as a test's, may not have the method.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None and not sys.stdout.isatty():
        reconfigure(encoding="utf-8")


def _forget_output() -> None:
    """Keep the interpreter from complaining at its end that the rest cannot be written either."""
    try:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, sys.stdout.fileno())
        os.close(handle)
    except (OSError, ValueError):
        pass


def _complain(sentence: object) -> None:
    print(sentence, file=sys.stderr)


def _open(arguments: list[str]) -> int:
    options = _window_parser().parse_args(arguments)
    path: Path | None = options.file
    # What is said about a file that cannot be opened comes with the engine, which takes longer than the window's frame.
    if path is not None and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        from core.project_file import reading_problem

        if problem := reading_problem(path):
            _complain(problem)
            return BAD_USAGE
    from nnviz_app.app import run_app

    return run_app(path)


def _trace(arguments: list[str]) -> int:
    parser = _trace_parser()
    options = parser.parse_args(arguments)
    if options.format == "json" and (options.notation or options.round):
        parser.error("--notation and --round are for lines to read, not for JSON")
    _use_one_thread()
    from core.errors import NnvizError
    from core.project_file import load_project
    from core.report import data_report, text_report
    from core.style import Notation, Rounding, Style

    _keep_imports()
    try:
        project = load_project(options.file)
        rows = _chosen_rows(project, options.sample, whole=options.batch)
        if options.format == "json":
            import msgspec

            # Numbers that JSON does not have (NaN and the infinities) become null.
            print(msgspec.json.format(msgspec.json.encode(data_report(project, rows)), indent=2).decode())
        else:
            rounding = Rounding(options.round) if options.round else None
            # What is rounded already is printed with all its digits.
            style = Style(options.notation or Notation(), 15 if rounding else options.digits)
            _print_lines(text_report(project, rows, style=style, rounding=rounding))
    except NnvizError as error:
        _complain(error)
        return BAD_USAGE
    return OK


def _keep_imports() -> None:
    """Let the garbage collector work again, but never look through what was imported while it did not.

    All that stays, and to search it, last of all when the process ends, took a tenth of the time of a small trace.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _use_one_thread() -> None:
    # A pass of a small network is over before the threads of numpy's linear algebra have started.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _chosen_rows(project: Project, sample: int | None, *, whole: bool) -> range | None:
    from core.errors import DataError

    count = project.dataset.rows
    if whole:
        return range(count)
    if sample is None:
        return None
    if sample > count:
        raise DataError(f"There is no sample {sample}: the data has {_count(count, 'row')}.")
    return range(sample - 1, sample)


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _check(arguments: list[str]) -> int:
    options = _check_parser().parse_args(arguments)
    _use_one_thread()
    from core.errors import NnvizError
    from core.gradient_check import check_gradients
    from core.project_file import load_project

    _keep_imports()
    try:
        project = load_project(options.file)
        if len(project.network.values) > SLOW and sys.stderr.isatty():
            _complain(f"Checking {len(project.network.values):,} parameters takes a while; Ctrl+C stops it.")
        result = check_gradients(project)
    except NnvizError as error:
        _complain(error)
        return BAD_USAGE
    _print_lines(_check_lines(result, project))
    return OK if result.passed else CHECK_FAILED


def _check_lines(result: GradientCheck, project: Project) -> Iterable[str]:
    from core.advice import advise

    network = project.network
    compared = sorted((p for p in result.parameters if not p.kink), key=lambda p: -p.error)

    def name(parameter: str) -> str:
        return parameter if parameter in network.edges else f"bias of {parameter}"

    if compared:
        table = [("parameter", "gradient", "difference", "relative error")]
        table += [(name(p.parameter), f"{p.gradient:.9g}", f"{p.difference:.9g}", f"{p.error:.1e}") for p in compared]
        table = table[: LISTED + 1]
        widths = [max(len(row[column]) for row in table) for column in range(4)]
        for first, *others in table:
            yield "  ".join([first.ljust(widths[0]), *(o.rjust(w) for o, w in zip(others, widths[1:], strict=True))])
        if len(compared) > LISTED:
            yield f"... and {_count(len(compared) - LISTED, 'parameter')} with smaller errors"
        yield ""
    for p in result.kinks:
        yield (
            f"{name(p.parameter)} is not counted: {p.kink} is at its kink, where there is no derivative to compare "
            f"{p.gradient:.9g} with."
        )
    worst = result.worst
    if worst is None:
        yield "There is no parameter to compare."
        return
    verdict = "passed" if result.passed else "failed"
    yield (
        f"Worst relative error: {worst.error:.1e} ({name(worst.parameter)}), limit 1e-6; "
        f"{_count(len(compared), 'gradient')} over {_count(result.rows, 'row')}: {verdict}."
    )
    if not result.passed:
        yield from advise(network, project.settings, project.dataset)


def _train_parser() -> _Parser:
    from nnviz_app.train_command import add_arguments

    parser = _parser("nnviz train", "Train without a window, with a progress bar.", _TRAIN_EPILOG)
    add_arguments(parser, _whole_number)
    return parser


def _train(arguments: list[str]) -> int:
    options = _train_parser().parse_args(arguments)
    from core.errors import NnvizError
    from nnviz_app.train_command import train

    _keep_imports()
    try:
        print(train(options.file, sys.stderr, epochs=options.epochs, every=options.every, out=options.out))
    except NnvizError as error:
        _complain(error)
        return BAD_USAGE
    return OK


_COMMANDS = {"trace": _trace, "check": _check, "train": _train}
