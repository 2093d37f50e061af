"""Formulas in lines: what belongs together stays together, and nothing is lost."""

from __future__ import annotations

import pytest

from core.export.formula_lines import formula_lines, width_of
from core.sheet import Blank, Formula


def formula(symbols: str, numbers: str = "", result: str = "= 1", blank: Blank = Blank.NOTHING) -> Formula:
    return Formula(1, "", symbols, numbers, result, "", blank)


def lines(made: Formula, width: float = 60.0) -> list[tuple[str, str]]:
    return [(line.left, line.right) for line in formula_lines(made, width=width)]


def test_a_short_formula_is_one_line() -> None:
    assert lines(formula("a = b + c", "= 0.5 + 0.5")) == [("a", "= b + c = 0.5 + 0.5 = 1")]
    assert lines(formula("a = b")) == [("a", "= b = 1")]
    assert lines(formula("a = b", result="")) == [("a", "= b")]
    assert lines(formula(r"w_{1} \, a_{1}", r"= 2 \cdot 0.5")) == [(r"w_{1} \, a_{1}", r"= 2 \cdot 0.5 = 1")]


def test_numbers_and_result_share_the_second_line() -> None:
    numbers = r"= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35 \cdot 12"
    found = lines(formula(r"z_{h1} = w_{1} \, a_{i1} + w_{2} \, a_{i2} + b_{h1}", numbers))
    assert found == [("z_{h1}", r"= w_{1} \, a_{i1} + w_{2} \, a_{i2} + b_{h1}"), ("", f"{numbers} = 1")]


def test_the_left_side_ends_at_the_first_equals_sign_in_no_bracket() -> None:
    assert lines(formula(r"\sum_{n=1} x = y"))[0][0] == r"\sum_{n=1} x"
    assert lines(formula(r"\delta = \frac{a}{b} = c"))[0] == (r"\delta", r"= \frac{a}{b} = c = 1")


def test_long_sums_are_broken_at_their_signs_only() -> None:
    numbers = "= " + " + ".join(["0.123456789", "(-0.5)", r"2 \cdot (-3)", "4e"] * 4) + " - 0.25"
    made = formula("z = a", numbers)
    found = lines(made, 40.0)
    assert len(found) > 3
    assert " ".join(right for _, right in found[1:]) == f"{numbers} = 1"
    assert all(right[0] in "=+-" for _, right in found)
    assert all(width_of(right) <= 40.0 for _, right in found)
    assert all(right.count("(") == right.count(")") for _, right in found)


def test_no_lone_zero_ends_a_sum() -> None:
    numbers = r"= 0.1234567 \cdot 0.1234567 + 0.1234567 \cdot 0.1234567"
    wide = width_of(f"{numbers} + 0") - 1.0
    found = [right for _, right in lines(formula("z = a", f"{numbers} + 0"), wide / 0.999 + width_of("z"))]
    assert found == ["= a", r"= 0.1234567 \cdot 0.1234567", r"+ 0.1234567 \cdot 0.1234567 + 0", "= 1"]
    # Nothing can go with it where there is but one term before it.
    alone = "= " + "0.123456789" * 3
    found = [right for _, right in lines(formula("z = a", f"{alone} + 0"), width_of(alone) + width_of("z") + 1.0)]
    assert found[1:3] == [alone, "+ 0"]


def test_a_long_bracket_is_broken_inside_but_never_a_group() -> None:
    inner = " + ".join(["0.123456789"] * 7)
    found = lines(formula("g = x", rf"= \frac{{1}}{{4}} ({inner})"), 40.0)
    assert len(found) > 2
    assert all(right.count("{") == right.count("}") for _, right in found)
    softmax = rf"= \frac{{e^{{1}}}}{{{inner}}}"
    assert lines(formula("a = x", softmax), 40.0)[1] == ("", softmax)


@pytest.mark.parametrize(
    ("blank", "expected"),
    [
        (Blank.RESULT, [("a", "= b + c = 0.5 + 0.5 =")]),
        (Blank.NUMBERS, [("a", "= b + c"), ("", "="), ("", "=")]),
        (Blank.ALL, [("a", "="), ("", "="), ("", "=")]),
    ],
)
def test_blanks_leave_room_behind_an_equals_sign(blank: Blank, expected: list[tuple[str, str]]) -> None:
    made = formula_lines(formula("a = b + c", "= 0.5 + 0.5", blank=blank), width=60.0)
    assert [(line.left, line.right) for line in made] == expected
    assert all(line.room > 0 for line in made if line.right.endswith("=")), made
    # What has no numbers to put in has no line for them.
    short = formula_lines(formula("a = b", blank=blank), width=60.0)
    assert len(short) == {Blank.RESULT: 1, Blank.NUMBERS: 1, Blank.ALL: 2}[blank]
    assert all("1" not in line.right for line in [*made, *short])


def test_widths_follow_what_is_printed() -> None:
    assert width_of("") == 0.0
    assert width_of("0.5933") < width_of("0.59333333")
    assert width_of(r"\frac{1}{2 + 3}") < width_of("1 2 + 3")
    assert width_of("x_{12}") < width_of("x12")
    assert width_of("x^") > 0
