"""In which order layers follow each other: told by the numbers in their names, by their shapes, or by known words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from core.imports.records import natural_order

# The numbers of neurons and of sources.
Size = tuple[int, int]

# The search for an order ends after so many layers looked at: some tenths of a second.
MOST_STEPS = 200_000
# Words that say where a layer stands, the lowest first.
WORDS = {
    **dict.fromkeys(("input", "inp", "in", "first", "encoder", "enc"), 0),
    **dict.fromkeys(("hidden", "hid", "middle"), 1),
    **dict.fromkeys(("decoder", "dec"), 2),
    **dict.fromkeys(("output", "out", "last", "head", "classifier"), 3),
}


class Order(Struct, frozen=True):
    """Layers by their places in the file; `is_told` unless another order is as likely.

    `reason` says why this one was taken where the names' own order does not settle it.
    """

    places: tuple[int, ...]
    reason: str = ""
    is_told: bool = True

    @property
    def is_own(self) -> bool:
        """Whether it is the order that the names have in the file."""
        return self.places == tuple(range(len(self.places)))


def by_numbers(names: Sequence[str]) -> list[str]:
    """The same names, where those that differ in numbers only share out their places in the order of the numbers."""
    found = list(names)
    for places in _runs(names):
        for place, name in zip(places, sorted((names[i] for i in places), key=natural_order), strict=True):
            found[place] = name
    return found


def find_order(names: Sequence[str], sizes: Sequence[Size], wanted: Sequence[Size] | None = None) -> Order | None:
    """The order in which each layer's sources are the neurons of the one before; None where there is none.

    `wanted`: the sizes that the layers are to have one after the other, whatever they read. Names that differ in
    numbers only stay in their order.
    """
    own = tuple(range(len(names)))
    runs = _runs(names)
    fits_own = _fits(own, sizes, wanted)
    if len(runs) == 1:
        return Order(own) if fits_own else None
    found, is_complete = _search(runs, sizes, wanted)
    if not found and not fits_own:
        return None
    if is_complete and len(found) == 1:
        return Order(found[0], "" if found[0] == own else "their shapes fit in no other")
    suggested = _by_words(names)
    if suggested and _fits(suggested, sizes, wanted):
        return Order(suggested, "their names suggest it, though their shapes fit in another order too")
    if fits_own:
        return Order(own, "their shapes fit in another order too, so if it is wrong, number their names")
    return Order(found[0], is_told=False)


def _runs(names: Sequence[str]) -> list[list[int]]:
    """The places of names that differ in numbers only."""
    runs: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        runs.setdefault(re.sub(r"\d+", "", name), []).append(place)
    return list(runs.values())


def _fits(order: Sequence[int], sizes: Sequence[Size], wanted: Sequence[Size] | None) -> bool:
    placed = [sizes[place] for place in order]
    if wanted is not None:
        return placed == list(wanted)
    return all(layer[1] == former[0] for former, layer in pairwise(placed))


def _by_words(names: Sequence[str]) -> tuple[int, ...]:
    """The order that the words in the names suggest; empty where one has no known word, or all have the same."""
    ranks: list[int] = []
    for name in names:
        known = (WORDS[word] for word in re.split(r"[^a-z]+", name.casefold()) if word in WORDS)
        rank = next(known, None)
        if rank is None:
            return ()
        ranks.append(rank)
    return tuple(sorted(range(len(names)), key=ranks.__getitem__)) if len(set(ranks)) > 1 else ()


def _search(
    runs: Sequence[Sequence[int]], sizes: Sequence[Size], wanted: Sequence[Size] | None
) -> tuple[list[tuple[int, ...]], bool]:
    """Up to two orders that fit, and False where the search was given up before it had found all of these."""
    if wanted is not None:
        if Counter(sizes) != Counter(wanted):
            return [], True
        first = wanted[0][1]
    else:
        # A row of layers reads what it has not made at its start alone; a ring of them can start anywhere.
        unmade = Counter(sources for _, sources in sizes)
        unmade.subtract(neurons for neurons, _ in sizes)
        starts = [width for width, count in unmade.items() for _ in range(count)]
        if len(starts) > 1:
            return [], True
        first = starts[0] if starts else -1
    readers: dict[int, list[int]] = {}
    for number, run in enumerate(runs):
        for width in {sizes[place][1] for place in run}:
            readers.setdefault(width, []).append(number)
    found: list[tuple[int, ...]] = []
    taken = [0] * len(runs)
    path: list[int] = []
    order: list[int] = []
    todo: list[Iterator[int]] = [iter(range(len(runs)) if first < 0 else readers.get(first, []))]
    for _ in range(MOST_STEPS):
        number = next(todo[-1], -1)
        if number < 0:
            todo.pop()
            if not todo:
                return found, True
            order.pop()
            taken[path.pop()] -= 1
            continue
        if taken[number] == len(runs[number]):
            continue
        place = runs[number][taken[number]]
        before = sizes[order[-1]][0] if order else first
        if sizes[place] != wanted[len(order)] if wanted is not None else before not in (-1, sizes[place][1]):
            continue
        order.append(place)
        if len(order) == len(sizes):
            found.append(tuple(order))
            order.pop()
            if len(found) > 1:
                return found, True
            continue
        path.append(number)
        taken[number] += 1
        follower = sizes[place][0] if wanted is None else wanted[len(order)][1]
        todo.append(iter(readers.get(follower, [])))
    return found, False
