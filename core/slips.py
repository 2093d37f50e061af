"""Why a book prints another gradient: its conventions are others, or somebody has made one of the usual slips."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from core.conventions import LOSS_CONVENTIONS, LossConvention
from core.errors import TrainingError
from core.local_derivatives import LocalDerivatives, Values, local_derivatives
from core.losses import LOSSES
from core.notation import Writer
from core.numbers import format_number, parse_number
from core.paths import Path, find_paths, parameter_of
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.style import Style
from core.trace import Trace
from core.wrong_passes import WrongPass, wrong_passes, wrong_weights

# What can be explained: gradients of a sample, and that of the batch.
EXPLAINED = frozenset(
    {Kind.WEIGHT_GRAD, Kind.BIAS_GRAD, Kind.PARAMETER_GRAD, Kind.PRE_ACTIVATION_GRAD, Kind.ACTIVATION_GRAD}
)
# Up to so many paths, samples and parameters each is looked at on its own.
MOST_PATHS, MOST_SAMPLES, MOST_PARAMETERS = 50, 50, 300
# In a network with more edges two causes at once are not looked for: that takes seconds.
MOST_EDGES_FOR_PAIRS = 5000
# With fewer digits than these coincidences are too likely: for a rounding error of the book's own, for two causes
# at once and for another parameter's gradient, for the weight of another edge.
DIGITS_FOR_SLACK, DIGITS_FOR_PAIRS, DIGITS_FOR_WEIGHTS = 3, 3, 4
# As many digits a fraction counts for.
FRACTION_DIGITS = 6
# Numbers that differ by less are the same.
SAME = {"float64": 1e-9, "float32": 1e-5}

# Losses whose derivative is a multiple of a - t also without a joint form.
_LINEAR = frozenset(name for name, loss in LOSS_CONVENTIONS.items() if loss.family == "squared error")
# What a convention may change in the settings.
_CHOICES = ("loss", "batch_mean", "updated_weights")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that gives the typed number: its `name`, a sentence for the person, and the number it gives.

    The name is a key such as "loss:squared_error" or "missing_slope:o1"; two causes are joined by " + ".
    """

    name: str
    sentence: str
    value: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a typed number: the best finding comes first, what also fits after it.

    "ambiguous" means that several findings are equally likely, "none" that nothing that is known fits.
    """

    kind: Literal["agrees", "convention", "slip", "none", "ambiguous"]
    typed: float
    ours: float
    sentence: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """A number with as many digits as a person typed: it stands for all that are rounded to it.

    A book's own rounding may have moved its last digit by one: `near` allows for that from three digits on. A whole
    number of one or two digits, and a fraction, are taken for exact.
    """

    value: float
    digits: int
    exact: float
    near: float

    @classmethod
    def parse(cls, text: str, same: float = SAME["float64"]) -> TypedNumber:
        """Read what was typed; raises DataError when it is not a number."""
        value = parse_number(text)
        margin = same * abs(value)
        found = re.search(r"(\d*)(?:[.,](\d*))?(?:[eE]([+\-−–]?\d+))?$", re.sub(r"\s", "", text))
        whole, decimals, power = found.groups() if found and "/" not in text else ("", None, None)
        digits = len((whole + (decimals or "")).lstrip("0"))
        if "/" in text or (decimals is None and power is None and digits < DIGITS_FOR_SLACK):
            return cls(value, FRACTION_DIGITS if "/" in text else digits, margin, margin)
        place = int((power or "0").replace("−", "-").replace("–", "-")) - len(decimals or "")
        unit = float(f"1e{place}")
        half = 0.5 * unit + margin
        return cls(value, digits, half, half + unit if digits >= DIGITS_FOR_SLACK else half)

    def grade(self, value: float) -> int | None:
        """How well a number fits: 0 when it is rounded to this one, 1 when nearly, None when it does not fit."""
        off = abs(value - self.value)
        # Digits are decimal and numbers are not: 0.0825 is a little more or less than what was typed.
        return 0 if off <= self.exact * (1.0 + 1e-9) else 1 if off <= self.near else None


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    kind: Literal["convention", "slip"]
    clause: str
    value: float

    @property
    def sort(self) -> str:
        return self.name.partition(":")[0]


def explain_difference(
    trace: Trace,
    subject: Quantity | str,
    typed: str,
    *,
    style: Style = Style(),  # noqa: B008 - frozen
) -> Verdict:
    """Compare what a book prints for a gradient with ours, and look for what would give the book's number.

    `subject` is a gradient of the trace (dL/dw, dL/db, dL/dz or dL/da), or a parameter: then it is that of the
    trace's whole batch. Conventions are tried first, then slips, and pairs only where nothing fits alone.

    Raises DataError when `typed` is not a number, TrainingError when `subject` is no gradient of the trace or is
    not finite.
    """
    return _Explanation(trace, subject, typed, style).verdict()


class _Gradient:
    """The gradient that is asked about, read from a trace of any conventions, or from local derivatives."""

    def __init__(self, trace: Trace, subject: Quantity | str) -> None:
        self.network = trace.network
        if isinstance(subject, str):
            subject = Quantity(Kind.PARAMETER_GRAD, parameter_of(trace, subject))
        elif not _is_explained(trace, subject):
            raise TrainingError("Only a gradient of this pass can be compared: choose a weight, a bias, or a neuron.")
        self.quantity, self.kind = subject, subject.kind
        self.of_batch = self.kind is Kind.PARAMETER_GRAD
        self.samples = list(range(trace.batch)) if self.of_batch else [subject.sample]
        self.edges = []
        if self.of_batch:
            self.edges = self.network.edges_of_parameter(subject.subject)
        elif self.kind is Kind.WEIGHT_GRAD:
            self.edges = [self.network.edges[subject.subject]]
        self.starts = [edge.target for edge in self.edges] or [subject.subject]

    def of_trace(self, trace: Trace) -> float:
        return trace.value(self.quantity)

    def local(self, trace: Trace) -> LocalDerivatives:
        """The local derivatives, with the weights that the trace's backward pass goes through."""
        local = local_derivatives(trace, self.samples, self.starts)
        back = trace.sample_pass(self.samples[0]).weights
        if back is None:
            return local
        position = trace.plan.weight_position
        return replace(local, weights={edge: back[position[edge]][np.newaxis] for edge in local.weights})

    def by_sample(self, local: LocalDerivatives) -> Values:
        with np.errstate(all="ignore"):
            z_grad, a_grad = local.gradients()
        if self.edges:
            return np.asarray(sum(z_grad[edge.target] * local.outputs[edge.source] for edge in self.edges))
        return (a_grad if self.kind is Kind.ACTIVATION_GRAD else z_grad)[self.starts[0]]

    def of_local(self, local: LocalDerivatives, *, mean: bool) -> float:
        values = np.broadcast_to(self.by_sample(local), len(self.samples))
        return float(values.mean() if mean and self.of_batch else values.sum())


def _is_explained(trace: Trace, quantity: Quantity) -> bool:
    network = trace.network
    if quantity.kind is Kind.PARAMETER_GRAD:
        return quantity.subject in network.values
    known = quantity.subject in (network.edges if quantity.kind is Kind.WEIGHT_GRAD else network.neurons)
    return quantity.kind in EXPLAINED and known and trace.has_step(quantity)


class _Explanation:
    def __init__(self, trace: Trace, subject: Quantity | str, typed: str, style: Style) -> None:
        self.trace, self.gradient = trace, _Gradient(trace, subject)
        self.writer = Writer(trace, style)
        self.same = SAME[trace.settings.precision]
        self.typed = TypedNumber.parse(typed, self.same)
        self.digits = max(style.digits, min(self.typed.digits, 15))
        self.ours = self.gradient.of_trace(trace)
        if not math.isfinite(self.ours):
            raise TrainingError("This gradient is not finite, so there is nothing to compare: use smaller weights.")

    def verdict(self) -> Verdict:
        name, typed = self._name(), self.typed
        grade = typed.grade(self.ours)
        if grade is not None:
            how = "to all digits typed" if grade == 0 else "but for the rounding of the last digit"
            return self._verdict("agrees", f"It agrees: here {name} is {self._text(self.ours)}, the same {how}.")
        conventions = list(self._conventions(self.trace))
        singles = [(0, c) for c in conventions] + [(1, s) for s in self._slips(self.trace)]
        fitting = self._fitting(singles)
        small = len(self.trace.network.edges) <= MOST_EDGES_FOR_PAIRS
        if not fitting and small and typed.digits >= DIGITS_FOR_PAIRS:
            fitting = self._fitting([(2, pair) for pair in self._pairs()])
        if not fitting:
            return self._verdict(
                "none",
                f"None of the usual conventions and slips gives {self._text(typed.value)}; here {name} is "
                f"{self._text(self.ours)}. Compare the numbers that it is made of one by one, from the loss on.",
            )
        findings = tuple(
            Finding(c.name, f"{c.clause[0].upper()}{c.clause[1:]}: {name} is then {self._text(c.value)}.", c.value)
            for _, c in fitting
        )
        best = [c for rank, c in fitting if rank == fitting[0][0]]
        if len(best) == 1:
            more = "" if len(fitting) == 1 else " Other explanations also fit, but are less likely."
            return self._verdict(best[0].kind, findings[0].sentence + more, findings)
        alike = all(self._is_same(c.value, best[0].value) for c in best)
        why = "they all give the same number here" if alike else "more digits would tell them apart"
        return self._verdict("ambiguous", f"{len(best)} explanations fit equally well: {why}.", findings)

    def _verdict(
        self,
        kind: Literal["agrees", "convention", "slip", "none", "ambiguous"],
        sentence: str,
        findings: tuple[Finding, ...] = (),
    ) -> Verdict:
        return Verdict(kind, self.typed.value, self.ours, sentence, findings)

    def _name(self) -> str:
        quantity = self.gradient.quantity
        if quantity.kind is Kind.PARAMETER_GRAD:
            return self.writer.derivative(self.writer.parameter(quantity.subject))
        return self.writer.name(quantity)

    def _text(self, value: float) -> str:
        return format_number(value, self.digits)

    def _is_same(self, one: float, other: float) -> bool:
        return abs(one - other) <= self.same * max(abs(one), abs(other))

    def _fitting(self, candidates: list[tuple[int, _Candidate]]) -> list[tuple[tuple[int, int], _Candidate]]:
        """Those that give the typed number, by (tier, grade); of slips of one sort the first that gives a number."""
        found: list[tuple[tuple[int, int], _Candidate]] = []
        for tier, candidate in candidates:
            grade = self.typed.grade(candidate.value) if math.isfinite(candidate.value) else None
            if grade is None or self._is_same(candidate.value, self.ours):
                continue
            rivals = [c for _, c in found if self._is_same(c.value, candidate.value)]
            # "Twice as much" is no cause where there is one.
            alike = candidate.kind == "slip" and any(c.sort == candidate.sort for c in rivals)
            if alike or (candidate.sort == "factor" and rivals):
                continue
            found.append(((tier, grade), candidate))
        return sorted(found, key=lambda pair: pair[0])

    # Conventions

    def _conventions(self, trace: Trace) -> Iterator[_Candidate]:
        for name, clause, settings in self._other_settings(trace):
            yield _Candidate(name, "convention", clause, self.gradient.of_trace(self._traced(settings)))
        batch, quantity = self.trace.batch, self.gradient.quantity
        penalty = trace.learner.penalty
        if self.gradient.of_batch and penalty is not None and trace.training:
            value = trace.update_numbers.penalized[quantity.subject]
            yield _Candidate(
                "penalty", "convention", "your book adds the penalty on the weights to the gradient", value
            )
        if self.gradient.edges and not self.gradient.of_batch and batch > 1:
            parameter = self.gradient.edges[0].parameter
            clause = f"your book gives the gradient of the whole batch of {batch} samples"
            yield _Candidate("whole_batch", "convention", clause, trace.gradient[parameter])

    def _traced(self, settings: Settings) -> Trace:
        trace = self.trace
        return Trace(
            trace.plan,
            trace.values,
            trace.x,
            trace.targets,
            settings,
            number=trace.number,
            rate=trace.learning_rate,
            memory=trace.learner.memory(),
            training=trace.training,
            schedule=trace.schedule,
        )

    def _other_settings(self, trace: Trace) -> Iterator[tuple[str, str, Settings]]:
        """Settings that differ in one convention: a name, what to say, the settings."""
        settings, network = trace.settings, trace.network
        mine, several = LOSS_CONVENTIONS[settings.loss], len(network.outputs) > 1

        def form(loss: LossConvention) -> tuple[bool | None, str | None]:
            # With one output its mean is its sum.
            return loss.half, loss.outputs if several else None

        seen = {form(mine)}
        for name, loss in LOSS_CONVENTIONS.items():
            if loss.family != mine.family or form(loss) in seen:
                continue
            seen.add(form(loss))
            parts = []
            if loss.half != mine.half:
                parts.append("has a half in its loss" if loss.half else "leaves out the half")
            if several and loss.outputs != mine.outputs:
                mean = loss.outputs == "mean"
                parts.append("takes the mean over the outputs" if mean else "adds up over the outputs")
            clause = f"your book {' and '.join(parts)} ({LOSSES[name].title.lower()})"
            yield f"loss:{name}", clause, replace(settings, loss=name)
        if self.gradient.of_batch and trace.batch > 1:
            how = "adds up over the samples" if settings.batch_mean else "takes the mean over the samples"
            clause = f"your book {how} of the batch"
            yield (
                f"batch:{'sum' if settings.batch_mean else 'mean'}",
                clause,
                replace(settings, batch_mean=not settings.batch_mean),
            )
        tied = any(edge.tied_to for edge in network.edges.values())
        if trace.batch == 1 and trace.training and not tied:
            clause = (
                "your book goes back through the weights as they were before the update"
                if settings.updated_weights
                else "your book goes back through weights that this update has already changed"
            )
            changed = replace(settings, updated_weights=not settings.updated_weights)
            yield f"updated_weights:{changed.updated_weights}", clause, changed

    def _pairs(self) -> Iterator[_Candidate]:
        """Two conventions at once, then a convention with a slip."""
        others = list(self._other_settings(self.trace))
        base = self.trace.settings
        for (name, clause, one), (other_name, other_clause, other) in combinations(others, 2):
            if name.partition(":")[0] == other_name.partition(":")[0]:
                continue
            changes = {f: getattr(other, f) for f in _CHOICES if getattr(other, f) != getattr(base, f)}
            both = replace(one, **changes)
            value = self.gradient.of_trace(self._traced(both))
            joined = f"{clause}, and {other_clause.removeprefix('your book ')}"
            yield _Candidate(f"{name} + {other_name}", "convention", joined, value)
        for name, clause, settings in others:
            for slip in self._slips(self._traced(settings), alone=False):
                yield _Candidate(f"{name} + {slip.name}", "slip", f"{clause}, and {slip.clause}", slip.value)

    # Slips

    def _slips(self, trace: Trace, *, alone: bool = True) -> Iterator[_Candidate]:
        """The slips that can be made with the conventions of this trace; unless `alone`, those that go with others."""
        gradient, value = self.gradient, self.gradient.of_trace(trace)
        local = gradient.local(trace)
        yield _slip("sign", "the sign is reversed (t − a for a − t, say)", -value)
        linear = trace.settings.loss in _LINEAR or not local.shares
        for wrong in wrong_passes(local, gradient.edges, self.writer, linear=linear):
            yield self._of_pass(wrong, trace)
        for path in self._paths(trace):
            way = " → ".join(path.neurons)
            yield _slip(f"missing_path:{way}", f"the path {way} is missing", value - path.product)
        if not alone:
            return
        if gradient.of_batch and 1 < trace.batch <= MOST_SAMPLES:
            by_sample = np.broadcast_to(gradient.by_sample(local), trace.batch).tolist()
            for sample, number in enumerate(by_sample):
                yield _slip(f"one_sample:{sample}", f"only sample {sample + 1} of the batch is counted", number)
        if self.typed.digits >= DIGITS_FOR_PAIRS:
            yield from self._of_others(trace)
        if self.typed.digits >= DIGITS_FOR_WEIGHTS:
            for wrong in wrong_weights(local, trace.sample_pass(0).weight, self.writer):
                yield self._of_pass(wrong, trace)
        yield _slip("factor:2", "it is twice as much", 2.0 * value)
        yield _slip("factor:1/2", "it is half as much", 0.5 * value)

    def _of_pass(self, wrong: WrongPass, trace: Trace) -> _Candidate:
        return _slip(wrong.name, wrong.clause, self.gradient.of_local(wrong.local, mean=trace.mean))

    def _paths(self, trace: Trace) -> tuple[Path, ...]:
        """The paths to one sample's loss, where there are several but few of them."""
        if not self.gradient.of_batch or trace.batch > 1 or trace.settings.updated_weights:
            return ()
        paths = find_paths(trace, self.gradient.quantity.subject, limit=MOST_PATHS)
        return paths.paths if 2 <= paths.count <= MOST_PATHS else ()

    def _of_others(self, trace: Trace) -> Iterator[_Candidate]:
        """The same gradient of other parameters: books number weights in other orders."""
        kind, own = self.gradient.kind, self.gradient.quantity.subject
        values: dict[str, float] = {}
        if kind is Kind.PARAMETER_GRAD and len(trace.network.values) <= MOST_PARAMETERS:
            values = trace.gradient
        elif kind is Kind.WEIGHT_GRAD and len(trace.network.edges) <= MOST_PARAMETERS:
            numbers = trace.sample_pass(self.gradient.quantity.sample)
            values = {edge: numbers.weight_grad(edge) for edge in trace.network.edges}
        mine = self.writer.parameter(own)
        for subject, value in values.items():
            if subject != own:
                clause = f"the book's {mine} is {self.writer.parameter(subject)} here"
                yield _slip(f"other_parameter:{subject}", clause, value)


def _slip(name: str, clause: str, value: float) -> _Candidate:
    return _Candidate(name, "slip", clause, value)
