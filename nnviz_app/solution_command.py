"""``nnviz solution``: a pass written out as a document, with drawings, every line and every number."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz_app.command import (
    OK,
    PAPERS,
    SIZES,
    add_paper,
    add_rows,
    add_style,
    chosen_rounding,
    chosen_rows,
    chosen_style,
    follow,
    keep_imports,
    print_written,
    start_painting,
)

if TYPE_CHECKING:
    from core.jobs import Job

DESCRIPTION = "Write a pass out: the drawing, and every line of the forward, backward and update calculation."
EPILOG = """\
The form is told by the ending of PATH: .html (one file for browsers), .pdf, .md (with a folder of drawings beside it)
or .tex (for pdflatex).

examples:
  nnviz solution my.nnviz -o solution.pdf               the first batch, as large as the project's settings say
  nnviz solution my.nnviz -o solution.html --sample 2   the second row alone
  nnviz solution my.nnviz -o solution.md --by layer     a table for each layer, each kind of formula once
  nnviz solution my.nnviz -o solution.tex --round 4     every step rounded to 4 decimals, as in a book

exit codes:
  0 written, 2 wrong usage, a file that cannot be read or written, or a pass too long to be written out
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument("-o", "--out", metavar="PATH", type=Path, required=True, help="what to write")
    add_rows(parser)
    parser.add_argument(
        "--by",
        choices=SIZES,
        default="neuron",
        help="how much: every term, the lines of each neuron (the usual), tables of layers, tables of whole passes",
    )
    add_paper(parser)
    add_style(parser, digits=4, what="significant digits, 1 to 17")


def run(options: argparse.Namespace) -> int:
    """Write what the arguments ask for, and say so."""
    print_written(follow(_job(options)))
    return OK


def _job(options: argparse.Namespace) -> Job:
    from core.project_file import load_project
    from core.quantities import Granularity
    from nnviz_app.export.solution import form_of, write_solution

    keep_imports()
    # Said at once: the rest takes a moment.
    form = form_of(options.out)
    if options.paper and form != ".pdf":
        options.refuse(f"--paper does not go with {form}: leave it out")
    project = load_project(options.file)
    rows = chosen_rows(project, options.sample, whole=options.batch)
    start_painting()
    return (
        yield from write_solution(
            project,
            options.out,
            rows=rows,
            granularity=Granularity(options.by),
            style=chosen_style(options),
            rounding=chosen_rounding(options),
            paper=options.paper or PAPERS[0],
        )
    )
