"""What would become of a network's parameters with the numbers of a file, and how that is said."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from core.file_problems import shorten
from core.network import Network

By = Literal["name", "order"]

# Names listed in one sentence.
NAMES_SHOWN = 4


class Assignment(Struct, frozen=True):
    """One parameter of the network, its value now, and the new one with its place in the file."""

    parameter: str
    old: float
    new: float
    place: str


class Match(Struct, frozen=True):
    """What would become of a network: `assignments` in its own order; the parameters in `kept` stay as they are.

    `unused` names what in the file goes nowhere. `sentences` say what was taken for granted.
    """

    by: By
    assignments: tuple[Assignment, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]
    sentences: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many parameters get another value."""
        return sum(one.old != one.new for one in self.assignments)


def describe_parameter(network: Network, parameter: str) -> str:
    """A parameter as people know it: the neurons that a weight is between beside its name, or whose bias it is."""
    edge = network.edges.get(parameter)
    if edge is None:
        return f"bias of {parameter}"
    return f"{parameter} ({edge.source} → {edge.target})"


def describe_match(match: Match, network: Network) -> str:
    """The whole in a few sentences."""
    count, kept = len(match.assignments), len(match.kept)
    total = f"{count:,} of {count + kept:,}" if kept else f"{count:,}"
    taken = f"{total} {'parameter' if count + kept == 1 else 'parameters'} by {match.by}"
    if match.changed:
        parts = [f"{taken}, {match.changed:,} of them with another value."]
    else:
        parts = [f"{taken}, none of them with another value: nothing would change."]
    if kept:
        stay = "one is not in the file and stays" if kept == 1 else f"{kept:,} are not in the file and stay"
        names = (("" if name in network.edges else "the ") + describe_parameter(network, name) for name in match.kept)
        parts.append(f"The other {stay}: {listed(tuple(names))}.")
    if match.unused:
        parts.append(f"Not used from the file: {listed(match.unused)}.")
    return " ".join([*parts, *match.sentences])


def make_match(
    by: By, found: dict[str, Assignment], network: Network, unused: list[str], sentences: tuple[str, ...]
) -> Match:
    """The match with what was found for each parameter, by its name."""
    return Match(
        by=by,
        assignments=tuple(found[name] for name in network.values if name in found),
        kept=tuple(name for name in network.values if name not in found),
        unused=tuple(unused),
        sentences=sentences,
    )


def listed(names: tuple[str, ...]) -> str:
    """The first few names."""
    if not names:
        return "nothing"
    shown = [shorten(name) for name in names[:NAMES_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def shape_of(shape: tuple[int, ...]) -> str:
    """The shape of an array as people write it."""
    return " × ".join(map(str, shape)) or "1"
