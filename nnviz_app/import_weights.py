"""Weights from a file, for the command and the dialog: a new project of them, and lines that show what goes where."""

from __future__ import annotations

from collections.abc import Sequence

from core.imports.assignments import Assignment, Match, describe_parameter
from core.imports.dense import Orientation
from core.imports.new_network import make_project
from core.imports.records import NamedArrays
from core.network import Network, Position
from core.numbers import format_number
from core.project import Project
from nnviz_app.arrange import tidy
from nnviz_app.gallery import block_positions

HEADER = ("Parameter", "Now", "New", "From")
DIGITS = 6
# Larger networks are laid out by their layers alone: to look for crossings takes long.
MOST_EDGES_TIDIED = 3000


def new_project(
    file: NamedArrays, *, activations: Sequence[str] = (), orientation: Orientation | None = None
) -> tuple[Project, tuple[str, ...]]:
    """A project with the file's network, laid out to be looked at, and sentences that say what was taken.

    Raises ImportFileError.
    """
    project, sentences = make_project(file, activations=activations, orientation=orientation)
    project.network.move(_layout(project.network))
    return project, sentences


def _layout(network: Network) -> dict[str, Position]:
    levels = network.levels()
    depth = {name: number for number, level in enumerate(levels) for name in level}
    is_layered = all(depth[edge.target] == depth[edge.source] + 1 for edge in network.edges.values())
    if is_layered or len(network.edges) > MOST_EDGES_TIDIED:
        return block_positions(levels)
    return tidy(network)


def describe_assignment(network: Network, one: Assignment) -> tuple[str, str, str, str]:
    """The cells of a line of the preview; a parameter that stays the same has no new number."""
    new = format_number(one.new, DIGITS) if one.new != one.old else "the same"
    return describe_parameter(network, one.parameter), format_number(one.old, DIGITS), new, one.place


def preview_lines(match: Match, network: Network, most: int) -> list[str]:
    """The first `most` lines of the preview as a table of text."""
    rows = [HEADER, *(describe_assignment(network, one) for one in match.assignments[:most])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in (1, 2) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    left = len(match.assignments) - most
    if left > 0:
        lines.append(f"and {left:,} more")
    return lines
