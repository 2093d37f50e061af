"""The table of losses.

A loss is the sum of one share per output neuron. Where the convention is a mean over the outputs (as in
PyTorch's losses of the same name), each share is already divided by their number, so that shares always add up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from core.activations import Array, Program, constant

HUBER_DELTA = 1.0
# Activations are kept this far from 0 and 1 before a logarithm or a division.
PROBABILITY_MARGIN = 1e-12


# (z, a, grad, scale, total) of the outputs -> targets -> two programs: the one writes the sum of all shares into
# `total`, the other `scale` times their gradient into `grad`, which is dL/da, or dL/dz of a joint form.
Steps = Callable[[Array, Array, Array, float, Array], Callable[[Array], tuple[Program, Program]]]


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss L = sum over outputs of share(a, t).

    `share(a, t)` and `grad(a, t)` take arrays of shape (outputs, batch), not yet divided by the number of
    outputs; `mean` says that they are to be. `joint_activation` names the activation with which the loss has a
    stable joint form: `joint_share(z, t)` and dL/dz = `joint_grad(a, t)`.
    `steps` and `joint_steps` compute the same on arrays bound once, where speed is worth it.
    `latex(a, t)` and `grad_latex(a, t)` give the formulas of one share with the texts put in.
    """

    name: str
    title: str
    mean: bool
    share: Callable[[Array, Array], Array]
    grad: Callable[[Array, Array], Array]
    latex: Callable[[str, str], str]
    grad_latex: Callable[[str, str], str]
    joint_activation: str | None = None
    joint_share: Callable[[Array, Array], Array] | None = None
    joint_grad: Callable[[Array, Array], Array] | None = None
    probabilities: bool = False
    steps: Steps | None = None
    joint_steps: Steps | None = None

    @property
    def in_words(self) -> str:
        """What a share is called within a sentence: the title, without what it says of all shares together."""
        return self.title.partition(",")[0].lower()


def _probability(a: Array) -> Array:
    # In float32 the margin is what that can tell from 1.
    margin = max(PROBABILITY_MARGIN, float(np.finfo(a.dtype).eps))
    return np.clip(a, margin, 1.0 - margin)


def _half_squared(a: Array, t: Array) -> Array:
    difference = a - t
    return 0.5 * difference * difference


def _squared(a: Array, t: Array) -> Array:
    difference = a - t
    return difference * difference


def _squared_steps(half: bool) -> Steps:
    def steps(
        z: Array, a: Array, grad: Array, scale: float, total: Array
    ) -> Callable[[Array], tuple[Program, Program]]:
        difference = np.empty_like(a)
        flat = difference.reshape(-1)
        factor, one_half = constant(scale if half else 2.0 * scale, a), constant(0.5, a)

        def bind(t: Array) -> tuple[Program, Program]:
            value: Program = [(np.subtract, (a, t, difference)), (flat.dot, (flat, total))]
            if half:
                value.append((np.multiply, (total, one_half, total)))
            return value, [(np.multiply, (difference, factor, grad))]

        return bind

    return steps


def _huber(a: Array, t: Array) -> Array:
    distance = np.abs(a - t)
    inside = np.minimum(distance, HUBER_DELTA)
    return inside * (distance - 0.5 * inside)


def _binary_cross_entropy(a: Array, t: Array) -> Array:
    p = _probability(a)
    value: Array = -(t * np.log(p) + (1.0 - t) * np.log1p(-p))
    return value


def _binary_cross_entropy_grad(a: Array, t: Array) -> Array:
    p = _probability(a)
    value: Array = (p - t) / (p * (1.0 - p))
    return value


def _binary_cross_entropy_joint(z: Array, t: Array) -> Array:
    # ln(1 + e^z) - t z, from the pre-activations: exact where the sigmoid saturates, for which z cancels first.
    value: Array = np.maximum(z, 0.0) - t * z + np.log1p(np.exp(-np.abs(z)))
    return value


def _binary_cross_entropy_steps(
    z: Array, a: Array, grad: Array, scale: float, total: Array
) -> Callable[[Array], tuple[Program, Program]]:
    share, rest, part = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    flat, ones = share.reshape(-1), np.ones(z.size, z.dtype)
    zero, minus_one, factor = constant(0.0, z), constant(-1.0, z), constant(scale, z)

    def bind(t: Array) -> tuple[Program, Program]:
        return [
            (np.copysign, (z, minus_one, share)),
            (np.exp, (share, share)),
            (np.log1p, (share, share)),
            (partial(np.maximum, out=rest), (z, zero)),
            (np.multiply, (t, z, part)),
            # First these two, which may cancel.
            (np.subtract, (rest, part, rest)),
            (np.add, (share, rest, share)),
            (ones.dot, (flat, total)),
        ], [(np.subtract, (a, t, grad)), (np.multiply, (grad, factor, grad))]

    return bind


def _cross_entropy(a: Array, t: Array) -> Array:
    return -t * np.log(_probability(a))


def _cross_entropy_joint(z: Array, t: Array) -> Array:
    shifted = z - z.max(axis=0, keepdims=True)
    share: Array = t * (np.log(np.exp(shifted).sum(axis=0, keepdims=True)) - shifted)
    return share


def _softmax_cross_entropy_grad(a: Array, t: Array) -> Array:
    # a - t where the targets add up to 1, and right where they do not.
    grad: Array = a * t.sum(axis=0, keepdims=True) - t
    return grad


def _cross_entropy_steps(
    z: Array, a: Array, grad: Array, scale: float, total: Array
) -> Callable[[Array], tuple[Program, Program]]:
    shifted, power = np.empty_like(z), np.empty_like(z)
    column = np.empty((1, z.shape[1]), z.dtype)
    flat, ones, factor = shifted.reshape(-1), np.ones(z.size, z.dtype), constant(scale, z)

    def bind(t: Array) -> tuple[Program, Program]:
        return [
            (np.maximum.reduce, (z, 0, None, column, True)),
            (np.subtract, (z, column, shifted)),
            (np.exp, (shifted, power)),
            (np.add.reduce, (power, 0, None, column, True)),
            (np.log, (column, column)),
            (np.subtract, (column, shifted, shifted)),
            (np.multiply, (t, shifted, shifted)),
            (ones.dot, (flat, total)),
        ], [
            (np.add.reduce, (t, 0, None, column, True)),
            (np.multiply, (a, column, grad)),
            (np.subtract, (grad, t, grad)),
            (np.multiply, (grad, factor, grad)),
        ]

    return bind


def _times_ln(factor: str, a: str) -> str:
    """A factor times a logarithm; numbers need a dot between them."""
    dot = r"\cdot " if factor[0].isdigit() or factor.startswith("(-") else ""
    return rf"{factor} {dot}\ln {f'({a})' if 'cdot' in a else a}"


def _minus(a: str, t: str) -> str:
    return f"{a} - ({t})" if t.startswith(("-", "−")) else f"{a} - {t}"


def _squared_error(name: str, title: str, *, half: bool, mean: bool) -> Loss:
    def grad_latex(a: str, t: str) -> str:
        # In brackets where a factor comes before it.
        factor = "" if half else r"2 \, "
        return f"{factor}({_minus(a, t)})" if mean or factor else _minus(a, t)

    front = r"\frac{1}{2} " if half else ""
    return Loss(
        name,
        title,
        mean,
        _half_squared if half else _squared,
        np.subtract if half else lambda a, t: 2.0 * (a - t),
        lambda a, t: f"{front}({_minus(t, a)})^2",
        grad_latex,
        steps=_squared_steps(half),
    )


def _binary_loss(name: str, title: str, *, mean: bool) -> Loss:
    return Loss(
        name,
        title,
        mean,
        _binary_cross_entropy,
        _binary_cross_entropy_grad,
        lambda a, t: rf"-({_times_ln(t, a)} + (1 - {t}) \ln(1 - {a}))",
        lambda a, t: rf"\frac{{{_minus(a, t)}}}{{{a} \, (1 - {a})}}",
        joint_activation="sigmoid",
        joint_share=_binary_cross_entropy_joint,
        joint_grad=lambda a, t: a - t,
        joint_steps=_binary_cross_entropy_steps,
        probabilities=True,
    )


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        _squared_error("half_squared_error", "Half squared error", half=True, mean=False),
        _squared_error("half_mean_squared_error", "Half mean squared error", half=True, mean=True),
        _squared_error("squared_error", "Squared error", half=False, mean=False),
        _squared_error("mean_squared_error", "Mean squared error", half=False, mean=True),
        Loss(
            "mean_absolute_error",
            "Mean absolute error",
            True,
            lambda a, t: np.abs(a - t),
            lambda a, t: np.sign(a - t),
            lambda a, t: rf"| {_minus(t, a)} |",
            lambda a, t: rf"\mathrm{{sign}}({_minus(a, t)})",
        ),
        Loss(
            "huber",
            "Huber",
            True,
            _huber,
            lambda a, t: np.clip(a - t, -HUBER_DELTA, HUBER_DELTA),
            lambda a, t: rf"\mathrm{{huber}}({_minus(t, a)})",
            lambda a, t: rf"\mathrm{{clip}}({_minus(a, t)}, -1, 1)",
        ),
        _binary_loss("binary_cross_entropy", "Binary cross-entropy", mean=True),
        _binary_loss("summed_binary_cross_entropy", "Binary cross-entropy, summed", mean=False),
        Loss(
            "cross_entropy",
            "Cross-entropy",
            False,
            _cross_entropy,
            lambda a, t: -t / _probability(a),
            lambda a, t: f"-{_times_ln(t, a)}",
            lambda a, t: rf"-\frac{{{t}}}{{{a}}}",
            joint_activation="softmax",
            joint_share=_cross_entropy_joint,
            joint_grad=_softmax_cross_entropy_grad,
            joint_steps=_cross_entropy_steps,
            probabilities=True,
        ),
    )
}
