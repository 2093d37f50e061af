"""Numbers as people type and read them."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import DataError
from core.numbers import NOT_COMPUTED, format_exact, format_number, nice_step, parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("0,5", 0.5),
        (".5", 0.5),
        (",5", 0.5),
        ("5.", 5.0),
        ("+2", 2.0),
        ("-2", -2.0),
        ("−2", -2.0),
        ("–2", -2.0),
        (" 7 ", 7.0),
        ("- 7", -7.0),
        ("1 000", 1000.0),
        ("1\u00a0000,5", 1000.5),
        ("1e-3", 0.001),
        ("1e−3", 0.001),
        ("2,5E+2", 250.0),
        ("1/3", 1 / 3),
        ("-1/4", -0.25),
        ("−1 / −4", 0.25),
        ("0,5/2", 0.25),
        ("1e-400", 0.0),
        ("0", 0.0),
    ],
)
def test_a_number_is_read_as_people_type_it(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text", ["", "  ", "\n", "abc", "1.2.3", "1,2,3", "1e", "e5", "--1", "1-", "nan", "inf", "1/2/3", "/2", "2/", "0x1"]
)
def test_what_is_no_number_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DataError, match="type a number") as refusal:
        parse_number(text)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["1/0", "0/0", "1/-0", "1/0,0", "1/1e-400"])
def test_a_division_by_zero_is_refused_and_says_so(text: str) -> None:
    with pytest.raises(DataError, match="divides by zero"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1e308/1e-308", "1e400/1e400", "9" * 400])
def test_a_number_too_large_for_a_float_is_refused_and_says_so(text: str) -> None:
    with pytest.raises(DataError, match="too large"):
        parse_number(text)


@given(st.text(max_size=12))
def test_whatever_is_typed_gives_a_finite_number_or_a_sentence(text: str) -> None:
    try:
        value = parse_number(text)
    except DataError:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 4, "0"),
        (-0.0, 4, "0"),
        (1.0, 4, "1"),
        (-1.5, 4, "−1.5"),
        (0.29837110876, 4, "0.2984"),
        (0.29837110876, 9, "0.298371109"),
        (0.35, 2, "0.35"),
        (99.999, 4, "100"),
        (9.9999, 3, "10"),
        (0.00012346, 4, "0.0001235"),
        (0.0001, 4, "0.0001"),
        (0.000099999, 4, "0.0001"),
        (0.00009999, 4, "9.999e−5"),
        (1.5e-7, 4, "1.5e−7"),
        (-1.5e-7, 4, "−1.5e−7"),
        (123456.0, 4, "123500"),
        (999999.0, 4, "1e6"),
        (999999.0, 6, "999999"),
        (1e6, 4, "1e6"),
        (1234567.0, 4, "1.235e6"),
        (5e-324, 3, "4.94e−324"),
        (1.7e308, 3, "1.7e308"),
        (1.7e308, 1, "2e308"),
        (0.5, 1, "0.5"),
        (4321.0, 1, "4000"),
        (math.inf, 4, "∞"),
        (-math.inf, 4, "−∞"),
        (math.nan, 4, "NaN"),
    ],
)
def test_a_number_is_shown_with_its_significant_digits(value: float, digits: int, text: str) -> None:
    assert format_number(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 17))
@example(1000.0, 4)
@example(999.9999999999999, 16)
@example(999999.9999999999, 16)
@example(0.001, 1)
def test_a_shown_number_is_the_number_rounded_to_those_digits(value: float, digits: int) -> None:
    shown = format_number(value, digits)
    assert "-" not in shown
    rounded = float(f"{value:.{digits - 1}e}")
    if math.isfinite(rounded):
        assert parse_number(shown) == rounded


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(-0.1)
@example(1e15)
@example(1e16)
@example(-1e22)
@example(5e-324)
@example(123456789012345680.0)
def test_an_exact_number_reads_back_as_the_same_float(value: float) -> None:
    text = format_exact(value)
    assert "-" not in text
    assert struct.pack("d", parse_number(text) + 0.0) == struct.pack("d", value + 0.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (-0.1, "−0.1"), (3.0, "3"), (-3.0, "−3"), (0.0, "0"), (-0.0, "0"), (1e-7, "1e−07"), (1e20, "1e+20")],
)
def test_an_exact_number_has_no_more_digits_than_it_takes(value: float, text: str) -> None:
    assert format_exact(value) == text


def test_what_is_not_computed_yet_is_not_shown_as_a_number() -> None:
    with pytest.raises(DataError):
        parse_number(NOT_COMPUTED)


@given(st.floats(1e-200, 1e200))
def test_a_nice_step_is_not_much_more_than_asked_for(least: float) -> None:
    assert least * (1 - 1e-9) <= nice_step(least) <= 2.5 * least * (1 + 1e-9)


def test_steps_are_exact() -> None:
    assert [nice_step(v) for v in (0.3, 0.11, 1.0, 1.1, 7.0, 0.05)] == [0.5, 0.2, 1.0, 2.0, 10.0, 0.05]
