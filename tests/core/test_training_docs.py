"""The tables of docs/training.md against the code: names, formulas, defaults, sources, limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core import diagnostics, history, landscape
from core.numbers import format_number
from core.optimizer_terms import Formula, penalized_gradient
from core.optimizers import OPTIMIZERS, Optimizer
from core.options import Option
from core.rate_schedules import SCHEDULES, RateSchedule

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
SYMBOLS = {"parameter": "w", "gradient": "g", "learning_rate": "η", "updates": "t", "l1": "λ₁", "l2": "λ₂"}


def defaults(options: tuple[Option, ...]) -> str:
    return ", ".join(f"{option.symbol} {format_number(option.default)}" for option in options) or "–"


def formula_text(formula: Formula, names: dict[str, str]) -> str:
    text = formula.text({name: names[name] for name in formula.operands}).replace(" × ", " · ")
    # A symbol needs no brackets under its power.
    return re.sub(r"\((\w+)\)\^", r"\1^", text)


def optimizer_row(optimizer: Optimizer) -> str:
    names = SYMBOLS | {option.name: option.symbol for option in optimizer.options}
    names |= {term.name: term.symbol for term in optimizer.terms}
    names |= {f"{term.name}_old": f"old {term.symbol}" for term in optimizer.terms}
    lines = [f"{term.symbol} = {formula_text(term.formula, names)}" for term in optimizer.terms]
    lines.append(f"new w = {formula_text(optimizer.update, names)}")
    cells = (
        f"{optimizer.title}<br>`{optimizer.name}`",
        "<br>".join(lines),
        defaults(optimizer.options),
        format_number(optimizer.suggested_rate),
        optimizer.source,
    )
    return f"| {' | '.join(cells)} |"


def schedule_row(schedule: RateSchedule) -> str:
    cells = (
        f"{schedule.title}<br>`{schedule.name}`",
        schedule.text,
        defaults(schedule.options),
        schedule.about.removesuffix("."),
        schedule.source or "–",
    )
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_table_of_optimizers_is_the_code_s(name: str) -> None:
    assert optimizer_row(OPTIMIZERS[name]) in PAGE.splitlines()


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_table_of_schedules_is_the_code_s(name: str) -> None:
    assert schedule_row(SCHEDULES[name]) in PAGE.splitlines()


def test_each_option_is_named_with_its_bounds() -> None:
    everything = (*OPTIMIZERS.values(), *SCHEDULES.values())
    for option in {option for owner in everything for option in owner.options}:
        assert f"| {option.title} {option.symbol} | {option.bounds} |" in PAGE, option.title


def test_the_penalty_is_the_code_s() -> None:
    assert f"`{formula_text(penalized_gradient(l1=True, l2=True).formula, SYMBOLS)}`" in PAGE


@pytest.mark.parametrize(
    "phrase",
    [
        f"{history.KEYFRAME_BYTES // 2**20} MB of them",
        f"{max(interval for _, interval in history.FIRST_INTERVALS):,} updates",
        f"{history.POINT_LIMIT:,} epochs",
        f"{diagnostics.FLAT_SLOPE:.0%} of its largest slope".replace("%", " %"),
        f"{diagnostics.FLAT_ROWS:.0%} of the rows".replace("%", " %"),
        f"below {diagnostics.VANISHING:g} of",
        f"above {diagnostics.EXPLODING:g} times",
        f"more than {diagnostics.LEARNED:g} away",
        f"{diagnostics.ROW_LIMIT:,} training rows",
        f"{landscape.SIDE} × {landscape.SIDE}",
    ],
)
def test_limits_are_the_code_s(phrase: str) -> None:
    assert phrase in " ".join(PAGE.split())
