"""The search for an order: it finds what there is, and ends."""

from __future__ import annotations

import random
from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from core.imports.layer_order import by_numbers, find_order

Sizes = list[tuple[int, int]]
WIDTHS = st.integers(1, 3)
LETTERS = "abcdefg"


def follow(sizes: Sizes) -> bool:
    return all(layer[1] == former[0] for former, layer in pairwise(sizes))


@given(st.lists(st.tuples(WIDTHS, WIDTHS), min_size=1, max_size=5))
def test_an_order_is_told_where_it_is_the_only_one(sizes: Sizes) -> None:
    places = range(len(sizes))
    fitting = [one for one in permutations(places) if follow([sizes[place] for place in one])]
    found = find_order(LETTERS[: len(sizes)], sizes)
    if not fitting:
        assert found is None
        return
    assert found is not None
    assert found.places in fitting
    assert found.is_told == (len(fitting) == 1 or tuple(places) in fitting)
    assert bool(found.reason) == (found.is_told and fitting != [tuple(places)])


@given(st.lists(st.tuples(WIDTHS, WIDTHS), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_sizes_of_a_network_decide_where_it_has_some(sizes: Sizes, chance: random.Random) -> None:
    wanted = chance.sample(sizes, len(sizes))
    found = find_order(LETTERS[: len(sizes)], sizes, wanted)
    assert found is not None
    assert [sizes[place] for place in found.places] == wanted
    assert find_order(LETTERS[: len(sizes)], sizes, [*wanted[:-1], (9, 9)]) is None


def test_numbers_in_names_count_whatever_the_shapes_allow() -> None:
    names = by_numbers(["a.10", "b.1", "a.9", "a.1"])
    assert names == ["a.1", "b.1", "a.9", "a.10"]
    found = find_order(["a.1", "b", "a.2"], [(3, 3), (3, 2), (3, 3)])
    assert found is not None
    assert found.places == (1, 0, 2)
    assert find_order(["a.1", "a.2"], [(2, 3), (3, 4)]) is None


def test_the_search_ends() -> None:
    many = 3000
    names = [chr(0x4E00 + number) for number in range(many)]
    found = find_order(names, [(number + 1, number) for number in range(many, 0, -1)])
    assert found is not None
    assert found.places == tuple(range(many))[::-1]
    # Two rings that meet nowhere: every way ends too early.
    rings = [(2, 1), (1, 2)] * 15 + [(4, 3), (3, 4)] * 15
    assert find_order(names[: len(rings)], rings) is None
