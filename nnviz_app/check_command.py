"""``nnviz check``: every gradient beside a central difference of the loss."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz_app.command import CHECK_FAILED, OK, complain, count_of, keep_imports, print_lines, use_one_thread

if TYPE_CHECKING:
    from core.gradient_check import GradientCheck
    from core.project import Project

# Up to so many parameters are listed, the worst first.
LISTED = 20
# From so many on it says that it takes a while.
SLOW = 2000

DESCRIPTION = "Compare every gradient with a central difference of the loss."
EPILOG = """\
The loss is that of all rows. The relative error of a gradient g and a difference quotient d is
|g - d| / max(|g|, |d|, 0.0001 max(1, |loss|)). A parameter so near the kink of a ReLU that no difference can
decide is named and not counted.

exit codes:
  0 every error is at most 1e-6, 1 one is above, 2 wrong usage or a file that cannot be read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")


def run(options: argparse.Namespace) -> int:
    """Compare, print the table and return the exit code."""
    use_one_thread()
    from core.gradient_check import check_gradients
    from core.project_file import load_project

    keep_imports()
    project = load_project(options.file)
    if len(project.network.values) > SLOW and sys.stderr.isatty():
        complain(f"Checking {len(project.network.values):,} parameters takes a while; Ctrl+C stops it.")
    result = check_gradients(project)
    print_lines(_check_lines(result, project))
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
            yield f"... and {count_of(len(compared) - LISTED, 'parameter')} with smaller errors"
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
        f"{count_of(len(compared), 'gradient')} over {count_of(result.rows, 'row')}: {verdict}."
    )
    if not result.passed:
        yield from advise(network, project.settings, project.dataset)
