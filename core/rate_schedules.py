"""The table of learning-rate schedules: the rate of each epoch, in the closed form of PyTorch's schedulers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

from core.options import Option, option_values


class RateSchedule(Struct, frozen=True):
    """How the learning rate goes on from its setting, the base.

    `rate(base, epoch, values)` is the rate during the epoch after `epoch` finished ones, with every option's
    value; `latex` and `text` are the formula, where η₀ is the base and k the number of finished epochs.
    """

    name: str
    title: str
    about: str
    latex: str
    text: str
    source: str
    rate: Callable[[float, int, Mapping[str, float]], float]
    options: tuple[Option, ...] = ()


def _cosine(base: float, epoch: int, values: Mapping[str, float]) -> float:
    low = values["minimum"]
    return low + (base - low) * (1.0 + math.cos(math.pi * epoch / values["epochs"])) / 2.0


# Far more epochs than anyone trains: the bound only keeps a slip of the finger out.
_MOST_EPOCHS = 1e6
_FACTOR_ABOUT = "What the learning rate is multiplied by each time."

SCHEDULES: dict[str, RateSchedule] = {
    schedule.name: schedule
    for schedule in (
        RateSchedule(
            "constant",
            "Constant",
            "The learning rate stays as it is.",
            r"\eta = \eta_0",
            "η = η₀",
            "",
            lambda base, epoch, values: base,
        ),
        RateSchedule(
            "step",
            "Step",
            "The learning rate drops after every so many epochs.",
            r"\eta = \eta_0 \cdot \gamma^{\lfloor k / n \rfloor}",
            "η = η₀ · γ^⌊k / n⌋",
            "torch.optim.lr_scheduler.StepLR",
            lambda base, epoch, values: base * values["factor"] ** (epoch // int(values["epochs"])),
            (
                Option(
                    "epochs",
                    "Epochs",
                    "n",
                    "n",
                    30,
                    1,
                    _MOST_EPOCHS,
                    "How many epochs lie between two drops.",
                    integer=True,
                ),
                Option("factor", "Factor", "γ", r"\gamma", 0.1, 0.0, 1.0, _FACTOR_ABOUT, low_open=True),
            ),
        ),
        RateSchedule(
            "exponential",
            "Exponential",
            "The learning rate shrinks by the same factor after every epoch.",
            r"\eta = \eta_0 \cdot \gamma^{k}",
            "η = η₀ · γ^k",
            "torch.optim.lr_scheduler.ExponentialLR",
            lambda base, epoch, values: base * values["factor"] ** epoch,
            (Option("factor", "Factor", "γ", r"\gamma", 0.99, 0.0, 1.0, _FACTOR_ABOUT, low_open=True),),
        ),
        RateSchedule(
            "cosine",
            "Cosine",
            "The learning rate falls to its minimum along half a wave; after that it rises again, as in PyTorch.",
            r"\eta = \eta_{\min} + \frac{1}{2} (\eta_0 - \eta_{\min}) (1 + \cos(\pi \, \frac{k}{n}))",
            "η = ηmin + ½ (η₀ − ηmin) (1 + cos(π k / n))",
            "Loshchilov and Hutter (2017), SGDR; torch.optim.lr_scheduler.CosineAnnealingLR",
            _cosine,
            (
                Option(
                    "epochs",
                    "Epochs",
                    "n",
                    "n",
                    100,
                    1,
                    _MOST_EPOCHS,
                    "After how many epochs the minimum is reached.",
                    integer=True,
                ),
                Option(
                    "minimum",
                    "Minimum",
                    "ηmin",
                    r"\eta_{\min}",
                    0.0,
                    0.0,
                    1e6,
                    "The learning rate that it falls to.",
                ),
            ),
        ),
    )
}


def rate_at(name: str, options: Mapping[str, float], base: float, epoch: int) -> float:
    """The learning rate during the epoch that follows `epoch` finished ones; `options` left out have their default.

    Raises TrainingError for options that the schedule does not have or does not allow.
    """
    schedule = SCHEDULES[name]
    return schedule.rate(base, epoch, option_values(schedule.options, options, f"Schedule “{schedule.title}”"))
