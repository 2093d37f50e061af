"""What books and programs do differently when they compute a loss and an update, and the settings of some of them.

None of these changes what backpropagation is; each changes the numbers that are printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import TrainingError
from core.settings import Settings

Total = Literal["mean", "sum"]


@dataclass(frozen=True, slots=True)
class LossConvention:
    """What a loss of the table is: one of a `family`, with or without the half, added up over the outputs or averaged.

    `half` is None where the family has no such choice; `outputs` is None where the outputs make one distribution, over
    which nothing else than a sum makes sense.
    """

    family: str
    half: bool | None
    outputs: Total | None


LOSS_CONVENTIONS: dict[str, LossConvention] = {
    "half_squared_error": LossConvention("squared error", True, "sum"),
    "half_mean_squared_error": LossConvention("squared error", True, "mean"),
    "squared_error": LossConvention("squared error", False, "sum"),
    "mean_squared_error": LossConvention("squared error", False, "mean"),
    "mean_absolute_error": LossConvention("absolute error", None, "mean"),
    "huber": LossConvention("Huber", None, "mean"),
    "binary_cross_entropy": LossConvention("binary cross-entropy", None, "mean"),
    "summed_binary_cross_entropy": LossConvention("binary cross-entropy", None, "sum"),
    "cross_entropy": LossConvention("cross-entropy", None, None),
}


@dataclass(frozen=True, slots=True)
class Conventions:
    """The conventions in force. `family`, `half` and `outputs` are those of the loss (see LossConvention).

    `batch`: over the samples of a batch. `updated_weights`: gradients are passed back through weights that the same
    update has changed already.
    """

    family: str
    half: bool | None
    outputs: Total | None
    batch: Total
    update_biases: bool
    updated_weights: bool


def conventions_of(settings: Settings) -> Conventions:
    """The conventions of these settings."""
    loss = LOSS_CONVENTIONS[settings.loss]
    return Conventions(
        family=loss.family,
        half=loss.half,
        outputs=loss.outputs,
        batch="mean" if settings.batch_mean else "sum",
        update_biases=settings.update_biases,
        updated_weights=settings.updated_weights,
    )


def with_conventions(settings: Settings, conventions: Conventions) -> Settings:
    """The settings with these conventions; all else stays.

    Raises TrainingError where there is no such loss.
    """
    wanted = LossConvention(conventions.family, conventions.half, conventions.outputs)
    loss = next((name for name, convention in LOSS_CONVENTIONS.items() if convention == wanted), None)
    if loss is None:
        raise TrainingError(_refusal(wanted))
    return replace(
        settings,
        loss=loss,
        batch_mean=conventions.batch == "mean",
        update_biases=conventions.update_biases,
        updated_weights=conventions.updated_weights,
    )


def _refusal(wanted: LossConvention) -> str:
    known = [convention for convention in LOSS_CONVENTIONS.values() if convention.family == wanted.family]
    if not known:
        families = ", ".join(dict.fromkeys(convention.family for convention in LOSS_CONVENTIONS.values()))
        return f"There is no loss “{wanted.family}”: choose one of {families}."
    choices = ", ".join(_describe(convention) for convention in known)
    return f"There is no {_describe(wanted)}: choose {choices}."


def _describe(loss: LossConvention) -> str:
    half = {True: " with ½", False: " without ½", None: ""}[loss.half]
    outputs = {"mean": " as a mean over the outputs", "sum": " summed over the outputs", None: ""}[loss.outputs]
    return f"{loss.family}{half}{outputs}"


@dataclass(frozen=True, slots=True)
class Preset:
    """The conventions of one book or program. `apply` gives settings with them; optimizer and learning rate stay."""

    name: str
    title: str
    about: str
    apply: Callable[[Settings], Settings]


def _choice(loss: str, *, batch_mean: bool) -> Callable[[Settings], Settings]:
    def apply(settings: Settings) -> Settings:
        return replace(settings, loss=loss, batch_mean=batch_mean, update_biases=True, updated_weights=False)

    return apply


def _apply_mazur(settings: Settings) -> Settings:
    # Of one sample, sum and mean are the same: that choice is left as it is.
    return replace(settings, loss="half_squared_error", batch_size=1, update_biases=False, updated_weights=False)


PRESETS: tuple[Preset, ...] = (
    Preset(
        "mazur",
        "Mazur's article",
        "Half the squared error, ½ Σ (t − a)², summed over the outputs; one sample an update, and biases stay as they "
        "are. All gradients are computed with the old weights.",
        _apply_mazur,
    ),
    Preset(
        "pytorch",
        "PyTorch",
        "The squared error without ½, as a mean over the outputs and over the batch, as MSELoss computes it; biases "
        "are updated like weights.",
        _choice("mean_squared_error", batch_mean=True),
    ),
    Preset(
        "deeplearning_ai",
        "deeplearning.ai (cross-entropy, mean over the batch)",
        "Binary cross-entropy as a mean over the batch, with ∂L/∂z = a − t for each sample of a sigmoid output; biases "
        "are updated. Several outputs are averaged as well.",
        _choice("binary_cross_entropy", batch_mean=True),
    ),
    Preset(
        "half_sum",
        "Squared error with ½",
        "½ Σ (t − a)², summed over the outputs and over the samples of a batch, so that ∂L/∂a is a − t and nothing is "
        "divided by a number of outputs or samples; biases are updated.",
        _choice("half_squared_error", batch_mean=False),
    ),
)


def preset_of(settings: Settings) -> Preset | None:
    """The preset whose conventions the settings have, if any. Mean or sum is no difference with one sample a batch."""
    for preset in PRESETS:
        wanted = preset.apply(settings)
        if settings.batch_size == 1:
            wanted = replace(wanted, batch_mean=settings.batch_mean)
        if wanted == settings:
            return preset
    return None
