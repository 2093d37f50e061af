"""One gradient found in three ways that have nothing in common, and the loss as a curve over one parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.activations import ACTIVATIONS
from core.engine import Engine
from core.errors import TrainingError
from core.gradient_check import KINKED, differentiate
from core.losses import PROBABILITY_MARGIN
from core.network import Neuron
from core.numbers import format_number
from core.paths import LIMIT, Paths, find_paths, parameter_gradient, parameter_of
from core.quantities import Kind, Quantity
from core.style import Style
from core.trace import Trace

# By precision: the step of the difference quotient, from which relative error on two answers are taken for
# different, and below which part of the loss (or of 1) a gradient drowns in the rounding of the loss.
STEP = {"float64": 1e-5, "float32": 1e-2}
TOLERANCE = {"float64": 1e-6, "float32": 1e-2}
FLOOR = {"float64": 1e-4, "float32": 1e-2}
# Points of a curve: an odd number, so that the parameter's own value is one of them.
POINTS = 201
# Digits of the numbers in a reason: enough to tell apart what differs.
DIGITS = 7


class ParameterLoss:
    """The loss as a function of one parameter; all others are those of the trace, and so are its dropout masks.

    It is that of one sample, or where `sample` is None of the trace's batch, in the precision of its settings
    unless `dtype` is given.
    """

    def __init__(self, trace: Trace, parameter: str, sample: int | None, *, dtype: str | None = None) -> None:
        settings, plan = trace.settings, trace.plan
        self.parameter = parameter_of(trace, parameter)
        self.samples = list(range(trace.batch)) if sample is None else [sample]
        self.engine = Engine(plan, loss=settings.loss, mean=settings.batch_mean, dtype=dtype or settings.precision)
        passes = [trace.sample_pass(s) for s in self.samples]
        self.engine.parameters[:] = passes[0].parameters
        edges = trace.network.edges_of_parameter(self.parameter)
        self._positions = [plan.weight_position[e.id] for e in edges] or [plan.bias_position[self.parameter]]
        self._x, self._targets = trace.x[self.samples], trace.targets[self.samples]
        if passes[0].masks:
            self.engine.set_masks(np.array([[numbers.masks[n] for numbers in passes] for n in plan.dropout_neurons]))
        self.value = float(self.engine.parameters[self._positions[0]])

    def __call__(self, value: float) -> float:
        """The loss where the parameter has this value. Raises TrainingError when the network has no output."""
        with np.errstate(over="ignore"):
            self.engine.parameters[self._positions] = value
        self.engine.forward(self._x)
        return self.engine.loss_value(self._targets)

    def quotient(self, step: float) -> float:
        """(L(w + h) - L(w - h)) / 2h."""
        return (self(self.value + step) - self(self.value - step)) / (2.0 * step)


@dataclass(frozen=True, slots=True)
class Answers:
    """One sample's gradient with respect to a parameter of the value `value`, three times.

    `backpropagated` is the engine's, `difference` the quotient (L(w + h) - L(w - h)) / 2h with h = `step` and
    the losses `above` and `below`, and that of `paths` is the sum over all of them. `judge` is a better difference:
    of fourth order, in double precision, with a step of its own. `reason` says why they differ, where they do;
    `notes` what they have in common.
    """

    parameter: str
    sample: int
    value: float
    step: float
    loss: float
    above: float
    below: float
    backpropagated: float
    difference: float
    judge: float
    paths: Paths
    precision: str
    reason: str
    notes: tuple[str, ...]

    @property
    def summed(self) -> float:
        """The sum over all paths."""
        return self.paths.total

    @property
    def errors(self) -> dict[str, float]:
        """The relative errors: of the difference and of the paths to backpropagation, and between these two."""
        pairs = {
            "difference": (self.backpropagated, self.difference),
            "paths": (self.backpropagated, self.summed),
            "difference and paths": (self.difference, self.summed),
        }
        return {name: self._error(*pair) for name, pair in pairs.items()}

    @property
    def agrees(self) -> bool:
        """Whether all three are the same, as far as the precision allows."""
        return all(error <= TOLERANCE[self.precision] for error in self.errors.values())

    def _error(self, one: float, other: float) -> float:
        return relative_error(one, other, FLOOR[self.precision] * max(1.0, abs(self.loss)))


def relative_error(one: float, other: float, floor: float) -> float:
    """|one - other| / max(|one|, |other|, floor); infinite where that is no number."""
    error = abs(one - other) / max(abs(one), abs(other), floor)
    return error if math.isfinite(error) else math.inf


def three_answers(
    trace: Trace,
    parameter: str,
    *,
    sample: int = 0,
    step: float | None = None,
    limit: int = LIMIT,
    style: Style = Style(),  # noqa: B008 - frozen
) -> Answers:
    """A sample's gradient by backpropagation, by a difference quotient with this `step`, and over all paths.

    The paths' factors are written in `style`.

    Raises TrainingError for what is no parameter, a step that is not above 0, a network without an output, and
    numbers that are not finite.
    """
    parameter = parameter_of(trace, parameter)
    precision = trace.settings.precision
    loss_at = ParameterLoss(trace, parameter, sample)
    loss = loss_at(loss_at.value)
    if not math.isfinite(loss):
        raise TrainingError("The loss is not finite, so there is nothing to compare: use smaller weights or inputs.")
    if step is None:
        step = STEP[precision] * 10.0 ** math.floor(math.log10(max(1.0, abs(loss_at.value))))
    if not (step > 0.0 and math.isfinite(step)):
        raise TrainingError(f"The step h is {format_number(step)}: it has to be a number above 0.")
    above, below = loss_at(loss_at.value + step), loss_at(loss_at.value - step)
    judge, _ = differentiate(
        ParameterLoss(trace, parameter, sample, dtype="float64"), loss_at.value, FLOOR["float64"] * max(1.0, abs(loss))
    )
    numbers = Answers(
        parameter=parameter,
        sample=sample,
        value=loss_at.value,
        step=step,
        loss=loss,
        above=above,
        below=below,
        backpropagated=parameter_gradient(trace, parameter, sample),
        difference=(above - below) / (2.0 * step),
        judge=judge,
        paths=find_paths(trace, parameter, sample=sample, limit=limit, style=style),
        precision=precision,
        reason="",
        notes=(),
    )
    return _Reasons(trace, loss_at, numbers).explained()


class _Reasons:
    """Why three answers differ."""

    def __init__(self, trace: Trace, loss_at: ParameterLoss, answers: Answers) -> None:
        self.trace, self.network, self.loss_at, self.answers = trace, trace.network, loss_at, answers
        self.tolerance = TOLERANCE[answers.precision]

    def explained(self) -> Answers:
        answers = self.answers
        reason = "" if answers.agrees else self._reason()
        return replace(answers, reason=reason, notes=self._notes())

    def _reason(self) -> str:
        answers, tolerance = self.answers, self.tolerance
        errors = answers.errors
        reasons = []
        if errors["paths"] > tolerance:
            if self.trace.settings.updated_weights:
                reasons.append(
                    "The settings say that the backward pass uses weights that this update has already changed: "
                    "what it gives is then no longer the gradient, which the other two answers are."
                )
            else:
                reasons.append(
                    f"Backpropagation and the sum over the paths differ by {_text(errors['paths'])} of their size, "
                    "and no cause is known: one of the two is wrong."
                )
        if errors["difference and paths"] > tolerance:
            reasons.append(self._why_difference_is_off())
        return (
            " ".join(reasons)
            or "The quotient and the paths lie on two sides of backpropagation, each just near enough."
        )

    def _why_difference_is_off(self) -> str:
        answers, h = self.answers, _text(self.answers.step)
        if not math.isfinite(answers.difference):
            return f"The loss is not finite at w − h or w + h: the step h = {h} is too large."
        found = self._kinks() or self._clipped()
        if found:
            return found
        step, off = answers.step, abs(answers.difference - answers.judge)
        if answers.value + step == answers.value:
            return f"The step h = {h} is too small: w + h is w itself in the precision that numbers have here."
        smaller, larger = self.loss_at.quotient(step / 10.0), self.loss_at.quotient(step * 10.0)
        if abs(smaller - answers.judge) < off:
            return (
                f"The step h = {h} is too large: the loss bends between w − h and w + h. "
                f"With h = {_text(step / 10.0)} the quotient is {_text(smaller)}, which is nearer."
            )
        if abs(larger - answers.judge) < off:
            exact = {"float64": 17, "float32": 9}[answers.precision]
            return (
                f"The step h = {h} is too small: L(w + h) = {_text(answers.above, exact)} and "
                f"L(w − h) = {_text(answers.below, exact)} have so many digits in common that {self._digits_left()}. "
                f"With h = {_text(step * 10.0)} the quotient is {_text(larger)}, which is nearer."
            )
        if answers.precision == "float32":
            return (
                "The settings ask for single precision (float32): each loss has about 7 digits, and few of them are "
                f"left in a difference of two. In double precision the quotient is {_text(answers.judge)}."
            )
        return (
            f"No difference quotient comes near: at h = {_text(step / 10.0)} it is {_text(smaller)}, at h = {h} "
            f"{_text(answers.difference)}, at h = {_text(step * 10.0)} {_text(larger)}. No cause is known."
        )

    def _digits_left(self) -> str:
        answers = self.answers
        size = max(abs(answers.above), abs(answers.below))
        change = abs(answers.above - answers.below)
        digits = {"float64": 16, "float32": 7}[answers.precision]
        left = max(0, digits + math.floor(math.log10(change / size))) if change and size else 0
        return "no digit of their difference is left" if not left else f"their difference has only about {left} left"

    def _pass_at(self, value: float) -> tuple[dict[str, float], dict[str, float]]:
        """z of each neuron with a kink, and a - t of each output of the mean absolute error."""
        self.loss_at(value)
        work, rows = self.loss_at.engine.workspace, self.trace.plan.rows
        z = {n.id: float(work.z[rows[n.id], 0]) for n in self.network.neurons.values() if n.activation in KINKED}
        distances: dict[str, float] = {}
        if self.trace.settings.loss == "mean_absolute_error":
            outputs = self.network.outputs
            distances = {n.id: float(work.a[rows[n.id], 0] - work.targets[k, 0]) for k, n in enumerate(outputs)}
        return z, distances

    def _kinks(self) -> str:
        """What changes sides between w - h and w + h, each with its two numbers; "" where nothing does."""
        answers = self.answers
        (z_below, off_below), (z_above, off_above) = (
            self._pass_at(answers.value + sign * answers.step) for sign in (-1.0, 1.0)
        )
        found = []
        for neuron, below in z_below.items():
            above = z_above[neuron]
            if np.sign(below) != np.sign(above):
                name = self.network.neurons[neuron].activation
                what = "jumps" if name == "step" else "has a kink"
                found.append(
                    f"The {ACTIVATIONS[name].title} of {neuron} {what} between w − h and w + h: "
                    f"z({neuron}) goes from {_text(below)} to {_text(above)}."
                )
        for neuron, below in off_below.items():
            above = off_above[neuron]
            if np.sign(below) != np.sign(above):
                found.append(
                    f"The absolute error of {neuron} has a kink between w − h and w + h: "
                    f"a − t goes from {_text(below)} to {_text(above)}."
                )
        if not found:
            return ""
        if any(" jumps " in sentence for sentence in found):
            return " ".join(found) + " The quotient measures the jump; the gradient is 0 on either side of it."
        return " ".join(found) + " The quotient mixes the slopes of two sides; backpropagation takes that of one."

    def _clipped(self) -> str:
        """Outputs that a cross-entropy without a joint form keeps from 0 and 1."""
        loss, numbers = self.trace.engine.loss, self.trace.sample_pass(self.answers.sample)
        if not loss.probabilities:
            return ""
        for neuron in self.network.outputs:
            a = numbers.activation(neuron.id)
            if neuron.id not in numbers.joint and not PROBABILITY_MARGIN < a < 1.0 - PROBABILITY_MARGIN:
                return (
                    f"a({neuron.id}) is {_text(a)}, where {loss.in_words} has no value: it is taken just inside "
                    "of 0 and 1, so that the loss is flat there."
                )
        return ""

    def _notes(self) -> tuple[str, ...]:
        answers, paths = self.answers, self.answers.paths
        notes = list(paths.notes)
        if paths.count > len(paths.paths):
            notes.append(f"{len(paths.paths):,} of {paths.count:,} paths are listed; the sum is over all of them.")
        if self.loss_at.engine.workspace.mask is not None:
            notes.append("All three use the same dropout masks: those of this update.")
        settings = self.trace.settings
        if settings.l1 or settings.l2:
            notes.append("It is the gradient of the loss: the penalty on the weights comes on top in the update.")
        if answers.backpropagated == 0.0 and any(n.activation == "step" for n in self._on_the_way()):
            notes.append("The gradient of a step function is 0 wherever it exists, and so is that of all before it.")
        if answers.precision == "float32":
            notes.append("In single precision the answers can agree in a few digits only.")
        return tuple(notes)

    def _on_the_way(self) -> list[Neuron]:
        named = {n for path in self.answers.paths.paths for n in path.neurons[1:] or path.neurons}
        return [self.network.neurons[n] for n in named]


def _text(value: float, digits: int = DIGITS) -> str:
    return format_number(value, digits)


@dataclass(frozen=True, eq=False)
class LossCurve:
    """The loss over one parameter: `losses` at `values`, and the `tangent` at its present `value`, one shape.

    `gradient` is the tangent's slope, as backpropagation gives it. `new_value` is what the next update makes of the
    parameter and `new_loss` the loss there, if it alone moved; None where no update changes it.
    """

    loss_at: ParameterLoss
    values: NDArray[np.float64]
    losses: NDArray[np.float64]
    tangent: NDArray[np.float64]
    value: float
    loss: float
    gradient: float
    new_value: float | None
    new_loss: float | None

    def predict(self, change: float) -> tuple[float, float]:
        """What the tangent says of the loss's change when the parameter changes by so much, and what it really is."""
        return self.gradient * change, self.loss_at(self.value + change) - self.loss


def loss_curve(
    trace: Trace, parameter: str, *, sample: int | None = None, span: float | None = None, points: int = POINTS
) -> LossCurve:
    """The loss of one sample, or of the batch where `sample` is None, from `span` below to `span` above the value.

    Without `span` it is max(1, |w|). Raises TrainingError for what is no parameter, or without an output.
    """
    loss_at = ParameterLoss(trace, parameter, sample)
    parameter, value = loss_at.parameter, loss_at.value
    span = max(1.0, abs(value)) if span is None else span
    if not math.isfinite(2.0 * (abs(value) + span)):
        raise TrainingError("So far from the present value there is no curve: choose a smaller number.")
    values = np.linspace(value - span, value + span, points)
    loss = loss_at(value)
    gradient = trace.gradient[parameter] if sample is None else parameter_gradient(trace, parameter, sample)
    new_value = trace.new_values[parameter] if trace.has_step(Quantity(Kind.UPDATE, parameter)) else None
    # Huge weights may overflow it: it is then drawn as far as it goes.
    with np.errstate(over="ignore", invalid="ignore"):
        tangent = loss + gradient * (values - value)
    return LossCurve(
        loss_at=loss_at,
        values=values,
        losses=np.array([loss_at(v) for v in values.tolist()]),
        tangent=tangent,
        value=value,
        loss=loss,
        gradient=gradient,
        new_value=new_value,
        new_loss=None if new_value is None else loss_at(new_value),
    )
