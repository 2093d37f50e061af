"""``nnviz trace``: a forward pass, the loss, the backward pass and the update, one line a step."""

from __future__ import annotations

import argparse
from pathlib import Path

from nnviz_app.command import (
    OK,
    add_rows,
    add_style,
    chosen_rounding,
    chosen_rows,
    chosen_style,
    keep_imports,
    print_lines,
    use_one_thread,
)

DESCRIPTION = "Print a forward pass, the loss, the backward pass and the update, one line a step."
EPILOG = """\
examples:
  nnviz trace my.nnviz                   the first batch, as large as the project's settings say
  nnviz trace my.nnviz --sample 2        the second row alone
  nnviz trace my.nnviz --batch           all rows as one batch
  nnviz trace my.nnviz --digits 10       more digits
  nnviz trace my.nnviz --round 4         every step rounded to 4 decimals, as in a book
  nnviz trace my.nnviz --notation pre_activation=net,activation=out,loss=E
  nnviz trace my.nnviz --format json     for a program to read, with every digit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    add_rows(parser)
    parser.add_argument("--format", choices=["text", "json"], default="text", help="lines to read, or JSON")
    add_style(parser, digits=6, what="significant digits of the steps, 1 to 17; the summary and JSON have all")


def run(options: argparse.Namespace) -> int:
    """Print what the arguments ask for."""
    if options.format == "json" and (options.notation or options.round):
        options.refuse("--notation and --round are for lines to read, not for JSON")
    use_one_thread()
    from core.project_file import load_project
    from core.report import data_report, text_report

    keep_imports()
    project = load_project(options.file)
    rows = chosen_rows(project, options.sample, whole=options.batch)
    if options.format == "json":
        import msgspec

        # Numbers that JSON does not have (NaN and the infinities) become null.
        print(msgspec.json.format(msgspec.json.encode(data_report(project, rows)), indent=2).decode())
    else:
        print_lines(text_report(project, rows, style=chosen_style(options), rounding=chosen_rounding(options)))
    return OK
