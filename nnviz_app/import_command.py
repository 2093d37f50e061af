"""``nnviz import``: weights from another program's file, into a project or as a new one."""

from __future__ import annotations

import argparse
from pathlib import Path

from nnviz_app.command import OK, print_lines, whole_number

DESCRIPTION = (
    "Take weights from a file (.npz, .safetensors, .json, .csv, .onnx) into a project, or make a new one of them."
)
EPILOG = """\
examples:
  nnviz import my.nnviz weights.safetensors              take what fits by name, else layer by layer
  nnviz import my.nnviz weights.npz --dry-run            only show what would go where
  nnviz import my.nnviz weights.npz --by order --out trained.nnviz
  nnviz import --new model.onnx --out model.nnviz        a new project with the file's network
  nnviz import --new net.safetensors --out net.nnviz --activations relu,softmax

Files are read without running anything in them. Nothing is saved when something does not fit.

exit codes:
  0 taken and saved, 2 wrong usage, a file that cannot be read or written, or weights that do not fit
"""

# Lines of the preview.
LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("project", metavar="PROJECT", nargs="?", type=Path, help="a project file (*.nnviz)")
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?", type=Path, help="the file of weights")
    parser.add_argument("--new", metavar="WEIGHTS", type=Path, help="make a new project of this file; needs --out")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where to save (PROJECT itself)")
    parser.add_argument(
        "--by",
        choices=("name", "order"),
        help="by the names of parameters, or layer by layer in their order (by name where any fits, else by order)",
    )
    parser.add_argument(
        "--activations",
        metavar="NAME,...",
        type=_names,
        default=(),
        help="with --new: one for each layer after the inputs, or one for the hidden layers and one for the outputs",
    )
    parser.add_argument(
        "--rows",
        choices=("neurons", "sources"),
        help="what the rows of a weight array are, where its shape leaves it open: neurons as in PyTorch, or sources "
        "as in Keras and scikit-learn",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be taken, and save nothing")
    parser.add_argument(
        "--lines",
        metavar="N",
        type=whole_number(0, None),
        help=f"lines of the preview (default {LINES}), without --new",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def run(options: argparse.Namespace) -> int:
    """Take the weights, save, and print what was taken. Raises NnvizError before anything is written."""
    from core.imports.arrays import ENDINGS

    if options.out is not None and options.out.suffix.lower() in ENDINGS:
        options.refuse(f"--out is a project, and {options.out} would pass for a file of weights: end it in .nnviz")
    if options.new is not None:
        _make(options)
    else:
        _take(options)
    return OK


def _make(options: argparse.Namespace) -> None:
    if options.project is not None or options.by is not None:
        options.refuse("--new takes one file of weights: leave out PROJECT and --by")
    if options.out is None and not options.dry_run:
        options.refuse("--new needs --out FILE, the project to write")
    if options.lines is not None:
        options.refuse("--lines does not go with --new: leave it out")
    from core.imports.arrays import read_arrays
    from core.imports.records import printable
    from core.project_file import save_project
    from nnviz_app.import_weights import new_project

    file = read_arrays(options.new)
    project, sentences = new_project(file, activations=options.activations, orientation=options.rows)
    print_lines(map(printable, sentences))
    if options.dry_run:
        print_lines(["Nothing was saved (--dry-run)."])
        return
    save_project(project, options.out)
    print_lines([f"Saved in {options.out}."])


def _take(options: argparse.Namespace) -> None:
    if options.project is None or options.weights is None:
        options.refuse("name the PROJECT and the file of WEIGHTS, or --new WEIGHTS")
    if options.activations:
        options.refuse("--activations goes with --new: a project has its own")
    from core.imports.arrays import read_arrays
    from core.imports.assignments import describe_match
    from core.imports.matching import apply_match, match_file
    from core.imports.records import printable
    from core.project_file import load_project, save_project
    from nnviz_app.import_weights import preview_lines

    project = load_project(options.project)
    file = read_arrays(options.weights)
    match = match_file(file, project.network, by=options.by, orientation=options.rows)
    if options.rows is not None and match.by == "name":
        options.refuse("--rows matters by order, and these weights go by name: leave it out, or give --by order")
    count = LINES if options.lines is None else options.lines
    lines = preview_lines(match, project.network, count) if count else []
    print_lines(map(printable, [*lines, describe_match(match, project.network)]))
    if options.dry_run:
        print_lines(["Nothing was saved (--dry-run)."])
        return
    if not match.changed and options.out is None:
        print_lines(["Nothing was saved: there is nothing to change."])
        return
    out = options.out or options.project
    apply_match(match, project)
    save_project(project, out)
    count, left = len(match.assignments), len(match.kept)
    parameters = "parameter" if count == 1 else "parameters"
    stayed = f": {count:,} {parameters} taken, {left:,} left as {'it was' if left == 1 else 'they were'}"
    print_lines([f"Saved in {out}{stayed if left else ''}."])
