"""Learning-rate schedules, by hand and against PyTorch's schedulers."""

from __future__ import annotations

import math

import pytest
import ziamath

from core.errors import TrainingError
from core.rate_schedules import SCHEDULES, rate_at


def test_rates_by_hand() -> None:
    assert rate_at("constant", {}, 0.5, 1000) == 0.5
    assert [rate_at("step", {"epochs": 2, "factor": 0.5}, 0.8, e) for e in range(5)] == [0.8, 0.8, 0.4, 0.4, 0.2]
    assert [rate_at("exponential", {"factor": 0.5}, 0.8, e) for e in range(3)] == [0.8, 0.4, 0.2]
    cosine = {"epochs": 4, "minimum": 0.2}
    assert [rate_at("cosine", cosine, 1.0, e) for e in (0, 2, 4)] == pytest.approx([1.0, 0.6, 0.2])
    assert rate_at("cosine", cosine, 1.0, 1) == pytest.approx(0.6 + 0.4 * math.sqrt(0.5))


@pytest.mark.parametrize(
    ("name", "options", "torch_name", "torch_options"),
    [
        ("step", {}, "StepLR", {"step_size": 30}),
        ("step", {"epochs": 7, "factor": 0.3}, "StepLR", {"step_size": 7, "gamma": 0.3}),
        ("exponential", {}, "ExponentialLR", {"gamma": 0.99}),
        ("exponential", {"factor": 0.9}, "ExponentialLR", {"gamma": 0.9}),
        ("cosine", {}, "CosineAnnealingLR", {"T_max": 100}),
        ("cosine", {"epochs": 30, "minimum": 0.01}, "CosineAnnealingLR", {"T_max": 30, "eta_min": 0.01}),
    ],
)
def test_rates_agree_with_torch(
    name: str, options: dict[str, float], torch_name: str, torch_options: dict[str, float]
) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.7)
    scheduler = getattr(torch.optim.lr_scheduler, torch_name)(optimizer, **torch_options)
    for epoch in range(101):
        assert rate_at(name, options, 0.7, epoch) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12, abs=1e-12)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("constant", {"epochs": 3}, "Schedule “Constant” has no option “epochs”: remove it (there are: none)."),
        ("step", {"gamma": 0.5}, "Schedule “Step” has no option “gamma”: remove it (there are: epochs, factor)."),
        (
            "step",
            {"epochs": 0},
            "Schedule “Step”: epochs is 0, and has to be a whole number, at least 1 and at most 1,000,000.",
        ),
        (
            "step",
            {"epochs": 2.5},
            "Schedule “Step”: epochs is 2.5, and has to be a whole number, at least 1 and at most 1,000,000.",
        ),
        ("exponential", {"factor": 0.0}, "Schedule “Exponential”: factor is 0, and has to be above 0 and at most 1."),
        (
            "cosine",
            {"minimum": math.nan},
            "Schedule “Cosine”: minimum is nan, and has to be at least 0 and at most 1,000,000.",
        ),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, float], sentence: str) -> None:
    with pytest.raises(TrainingError) as caught:
        rate_at(name, options, 0.5, 0)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_defaults_are_allowed_and_formulas_can_be_drawn(schedule) -> None:
    assert all(option.allows(option.default) for option in schedule.options)
    for latex in (schedule.latex, *(option.latex for option in schedule.options)):
        assert ziamath.Latex(latex).svg()
    assert schedule.text.startswith("η = ")
