"""``nnviz worksheet``: a pass to be calculated by hand, with its key, and for a class other numbers for everyone."""

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
    whole_number,
)

if TYPE_CHECKING:
    from core.jobs import Job

# The groups and blanks of core.worksheet, and the forms and the largest number of nnviz_app.export.worksheet, here
# without their imports.
GROUPS = ("forward", "loss", "backward", "gradients", "updates")
HIDDEN = ("result", "numbers", "all")
FORMS = ("pdf", "html", "md", "tex")
MOST_VARIANTS = 500

DESCRIPTION = "Write worksheets: a pass to be calculated by hand, with chosen numbers left blank, and the answer keys."
EPILOG = """\
Without --variants there is one worksheet, with the numbers of the project. Each variant has weights, biases, inputs and
targets of its own: the same ones for the same seed, whatever the number of variants. The folder holds a worksheet and
a key for each, the variant as a project to open and step through, and index.csv; as PDF all of them in one file too,
each on leaves of its own. Worksheets that index.csv lists in the folder already are replaced.

examples:
  nnviz worksheet my.nnviz -o sheets                              one sheet and its key
  nnviz worksheet my.nnviz --variants 30 --seed 1 -o sheets       for a class, everyone with other numbers
  nnviz worksheet my.nnviz --blank backward,gradients -o sheets   the forward pass is given
  nnviz worksheet my.nnviz --hide all -o sheets                   only what is asked for is named
  nnviz worksheet my.nnviz --round 4 --to html -o sheets          every step rounded to 4 decimals, as web pages

exit codes:
  0 written, 2 wrong usage, or a file that cannot be read or written
"""


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in GROUPS:
            raise argparse.ArgumentTypeError(f"“{name}” is none of {', '.join(GROUPS)}")
    return names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument("-o", "--out", metavar="FOLDER", type=Path, required=True, help="the folder to write to")
    parser.add_argument(
        "--variants",
        metavar="N",
        type=whole_number(1, MOST_VARIANTS),
        default=0,
        help=f"so many sheets, each with other numbers, up to {MOST_VARIANTS}",
    )
    parser.add_argument(
        "--seed", metavar="N", type=whole_number(0, 2**31 - 1), default=1, help="which other numbers (default 1)"
    )
    parser.add_argument("--to", choices=FORMS, default="pdf", help="how they are written (default pdf)")
    parser.add_argument(
        "--blank",
        metavar="WHAT,...",
        type=_groups,
        default=GROUPS,
        help=f"what is left blank: any of {','.join(GROUPS)} (default all); sheet and key end with the last of them, "
        "as what follows would give answers away",
    )
    parser.add_argument(
        "--hide",
        choices=HIDDEN,
        default="result",
        help="of each line left blank: the result, the numbers put in too, or all right of the first = "
        "(default result; numbers that are answers themselves are always hidden)",
    )
    parser.add_argument("--by", choices=SIZES, default="neuron", help="how much is written out (default neuron)")
    add_paper(parser)
    add_rows(parser)
    add_style(parser, digits=4)


def run(options: argparse.Namespace) -> int:
    """Write what the arguments ask for, and say so."""
    if options.paper and options.to != "pdf":
        options.refuse(f"--paper does not go with --to {options.to}: leave it out")
    print_written(follow(_job(options)))
    return OK


def _job(options: argparse.Namespace) -> Job:
    from core.project_file import load_project
    from core.quantities import Granularity
    from core.sheet import Blank
    from core.worksheet import Blanks, Group
    from nnviz_app.export.own_file import keep_own_file

    keep_imports()
    project = load_project(options.file)
    keep_own_file(options.file.absolute(), options.out)
    rows = chosen_rows(project, options.sample, whole=options.batch)
    start_painting()
    from nnviz_app.export.worksheet import WorksheetOptions, write_worksheets

    chosen = WorksheetOptions(
        rows=None if rows is None else tuple(rows),
        blanks=Blanks(frozenset(map(Group, options.blank)), Blank(options.hide)),
        granularity=Granularity(options.by),
        style=chosen_style(options),
        rounding=chosen_rounding(options),
        paper=options.paper or PAPERS[0],
    )
    variants, seed, form = options.variants, options.seed, options.to
    return (yield from write_worksheets(project, options.out, variants=variants, seed=seed, form=form, options=chosen))
