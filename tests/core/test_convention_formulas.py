"""The formulas of the conventions in force, against the table of losses and against written ones."""

from __future__ import annotations

import pytest

from core.convention_formulas import convention_formulas
from core.losses import LOSSES
from core.settings import Settings
from core.style import Notation


def formulas(**settings: object) -> tuple[str, str, str]:
    found = convention_formulas(Settings(**settings), Notation())
    return found.loss, found.gradient, found.joint


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("half_squared_error", (r"\sum_k \frac{1}{2} (t_k - a_k)^2", "a_k - t_k")),
        ("half_mean_squared_error", (r"\frac{1}{K} \sum_k \frac{1}{2} (t_k - a_k)^2", r"\frac{1}{K} (a_k - t_k)")),
        ("squared_error", (r"\sum_k (t_k - a_k)^2", r"2 \, (a_k - t_k)")),
        ("mean_squared_error", (r"\frac{1}{K} \sum_k (t_k - a_k)^2", r"\frac{1}{K} 2 \, (a_k - t_k)")),
        ("cross_entropy", (r"-\sum_k t_k \ln a_k", r"-\frac{t_k}{a_k}")),
    ],
)
def test_loss_and_gradient(loss: str, expected: tuple[str, str]) -> None:
    shown, gradient, _ = formulas(loss=loss)
    assert shown == f"L = {expected[0]}"
    assert gradient == rf"\frac{{\partial L}}{{\partial a_k}} = {expected[1]}"


@pytest.mark.parametrize("loss", LOSSES)
def test_a_mean_over_the_outputs_and_a_joint_gradient_are_written_where_the_table_has_them(loss: str) -> None:
    shown, gradient, joint = formulas(loss=loss)
    for formula in (shown, gradient):
        assert (r"\frac{1}{K}" in formula) == LOSSES[loss].mean
    scale = r"\frac{1}{K} (a_k - t_k)" if LOSSES[loss].mean else "a_k - t_k"
    assert joint == (rf"\delta_k = {scale}" if LOSSES[loss].joint_activation else "")


def test_batch_and_what_is_passed_back() -> None:
    mean, total = Settings(), Settings(batch_mean=False, updated_weights=True)
    notation = Notation(pre_activation="net", activation="out", delta="derivative", loss="E")
    assert convention_formulas(mean, notation).batch == r"E = \frac{1}{m} \sum_n E^{(n)}"
    assert convention_formulas(total, notation).batch == r"E = \sum_n E^{(n)}"
    back = r"\frac{\partial E}{\partial \mathrm{out}_h} = \sum_k w_{hk}^{\mathrm{%s}} \, "
    slope = r"\frac{\partial E}{\partial \mathrm{net}_k}"
    assert convention_formulas(mean, notation).passed_back == back % "old" + slope
    assert convention_formulas(total, notation).passed_back == back % "new" + slope
    of_row = convention_formulas(mean, notation, of_row=True)
    assert of_row.loss.startswith("E^{(n)} = ")
    assert of_row.batch == convention_formulas(mean, notation).batch
