"""The command ``nnviz``: the window, and what works without one.

Each command is a module: its `add_arguments` and `run`. Qt is imported only when something is to be painted, numpy
only when there is something to compute. The parser is argparse, since importing typer takes four times as long and
``nnviz trace`` has to start at once.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nnviz_app import __version__
from nnviz_app.command import BAD_USAGE, OK, Parser, complain, make_parser

# What shells report for a program ended by Ctrl+C, and by a reader that went away.
INTERRUPTED, PIPE_CLOSED = 130, 141
# Each has a module, such as nnviz_app.trace_command.
COMMANDS = ("trace", "check", "train", "export", "import", "solution", "worksheet")

_DESCRIPTION = "Draw a neural network and step through backpropagation, with every number where it belongs."
_EPILOG = """\
commands:
  nnviz [FILE]               open the window, on FILE or on a worked example
  nnviz trace FILE           print a forward pass, loss, backward pass and update, step by step
  nnviz check FILE           compare every gradient with a central difference of the loss
  nnviz train FILE           train without a window, with a progress bar
  nnviz export FILE          write weights, a model, a picture, an animation or a plot
  nnviz import FILE WEIGHTS  take weights from another program's file
  nnviz solution FILE        write a pass out, every line with symbols and numbers
  nnviz worksheet FILE       the same with blanks and a key, for one student or a class

examples:
  nnviz                                open the window on a worked example
  nnviz my.nnviz                       open a project
  nnviz trace my.nnviz --sample 2      step through the second row of its data
  nnviz trace my.nnviz --format json   the same for a program to read
  nnviz check my.nnviz                 are the gradients right?
  nnviz train my.nnviz --epochs 1000   train and save
  nnviz export my.nnviz --to onnx -o my.onnx
  nnviz solution my.nnviz -o solution.pdf
  nnviz ./trace                        open a file that has the name of a command

exit codes:
  0 all went well, 1 a gradient failed the check, 2 wrong usage or a file that cannot be read or written
"""


def _window_parser() -> Parser:
    parser = make_parser("nnviz", _DESCRIPTION, _EPILOG)
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="a project file (*.nnviz)")
    parser.add_argument("--version", action="version", version=f"nnviz {__version__}")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (without them, the program's own) and return its exit code."""
    own_process = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_output()
    try:
        if arguments and arguments[0] in COMMANDS:
            if own_process:
                # Until the imports are done, see keep_imports.
                gc.disable()
            return _run(arguments[0], arguments[1:])
        return _open(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED


def _run(name: str, arguments: list[str]) -> int:
    command = importlib.import_module(f"nnviz_app.{name}_command")
    parser = make_parser(f"nnviz {name}", command.DESCRIPTION, command.EPILOG)
    command.add_arguments(parser)
    options = parser.parse_args(arguments)
    options.refuse = parser.error
    # Only now: numpy comes with it, which --help can do without.
    from core.errors import NnvizError

    try:
        code: int = command.run(options)
        sys.stdout.flush()
    except NnvizError as error:
        complain(error)
        return BAD_USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        # A full disk behind ">", say.
        _forget_output()
        complain(f"The output cannot be written ({error.strerror or error}).")
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


def _open(arguments: list[str]) -> int:
    options = _window_parser().parse_args(arguments)
    path: Path | None = options.file
    # What is said about a file that cannot be opened comes with the engine, which takes longer than the window's frame.
    if path is not None and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        from core.project_file import reading_problem

        if problem := reading_problem(path):
            complain(problem)
            return BAD_USAGE
    from nnviz_app.app import run_app

    return run_app(path)
