"""Breakpoints: when a condition holds, and how it is put in words. That runs stop at them is in test_training.py."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.breakpoints import Breakpoint, Relation, Watch

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def on_loss(relation: Relation, value: float = 0.0, *, absolute: bool = False) -> Breakpoint:
    return Breakpoint(Watch.LOSS, relation, value=value, absolute=absolute)


@given(former=st.none() | NUMBERS, present=NUMBERS, value=NUMBERS)
def test_above_and_below_hold_for_one_value(former: float | None, present: float, value: float) -> None:
    assert on_loss(Relation.ABOVE, value).holds(former, present) == (present > value)
    assert on_loss(Relation.BELOW, value).holds(former, present) == (present < value)
    assert on_loss(Relation.ABOVE, value, absolute=True).holds(former, present) == (abs(present) > value)
    assert on_loss(Relation.BELOW, value, absolute=True).holds(former, present) == (abs(present) < value)


@pytest.mark.parametrize(
    ("former", "present", "holds"),
    [
        (None, 3.0, False),
        (1.0, 3.0, True),
        (3.0, 1.0, True),
        (1.0, 1.5, False),
        (3.0, 2.5, False),
        (1.0, 2.0, True),
        (3.0, 2.0, True),
        # It has been reached before: going on from there is no crossing.
        (2.0, 3.0, False),
        (2.0, 1.0, False),
        (2.0, 2.0, False),
    ],
)
def test_crossing_is_between_two_updates(former: float | None, present: float, holds: bool) -> None:
    assert on_loss(Relation.CROSSES, 2.0).holds(former, present) == holds
    # Changing sign is crossing 0, wherever the condition's own number is.
    shifted = None if former is None else former - 2.0
    assert on_loss(Relation.CHANGES_SIGN, 77.0).holds(shifted, present - 2.0) == holds


@given(former=NUMBERS, present=NUMBERS)
def test_an_absolute_value_never_changes_sign(former: float, present: float) -> None:
    held = on_loss(Relation.CHANGES_SIGN, absolute=True).holds(former, present)
    assert not (held and former and present)


def test_an_absolute_value_crosses_from_either_side() -> None:
    point = on_loss(Relation.CROSSES, 2.0, absolute=True)
    assert point.holds(-1.0, -3.0)
    assert point.holds(-3.0, 1.0)
    assert not point.holds(-3.0, 3.0)


@pytest.mark.parametrize("relation", [Relation.ABOVE, Relation.BELOW])
def test_what_is_not_a_number_is_neither_above_nor_below(relation: Relation) -> None:
    assert not on_loss(relation, 1.0).holds(0.5, math.nan)


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (Breakpoint(Watch.LOSS, Relation.BELOW, value=0.1), "loss below 0.1"),
        (Breakpoint(Watch.PARAMETER, Relation.CROSSES, "w5", -0.25), "w5 crosses −0.25"),
        (Breakpoint(Watch.PARAMETER, Relation.CHANGES_SIGN, "w5", 3.0), "w5 changes sign"),
        (Breakpoint(Watch.GRADIENT, Relation.ABOVE, "w5", 10.0, absolute=True), "|gradient of w5| above 10"),
        (Breakpoint(Watch.ACTIVATION, Relation.ABOVE, "h1", 0.999), "activation of h1 above 0.999"),
    ],
)
def test_in_words(point: Breakpoint, text: str) -> None:
    assert point.describe() == text


def test_in_words_with_a_name_for_its_subject() -> None:
    point = Breakpoint(Watch.GRADIENT, Relation.CROSSES, "w5", 0.1)
    assert point.describe("∂L/∂w5") == "∂L/∂w5 crosses 0.1"
    assert on_loss(Relation.ABOVE, 1.0).describe("whatever") == "loss above 1"
