"""The table of losses.

A loss is the sum of one share per output neuron. Where the convention is a mean over the outputs (as in
PyTorch's losses of the same name), each share is already divided by their number, so that shares always add up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.activations import Array

HUBER_DELTA = 1.0
# Activations are kept this far from 0 and 1 before a logarithm or a division.
PROBABILITY_MARGIN = 1e-12


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss L = sum over outputs of share(a, t).

    `share(a, t)` and `grad(a, t)` take arrays of shape (outputs, batch), not yet divided by the number of
    outputs; `mean` says that they are to be. `joint_activation` names the activation with which the loss has a
    stable joint form: `joint_share(z, t)` and dL/dz = `joint_grad(a, t)`.
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


def _probability(a: Array) -> Array:
    return np.clip(a, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN)


def _half_squared(a: Array, t: Array) -> Array:
    difference = a - t
    return 0.5 * difference * difference


def _squared(a: Array, t: Array) -> Array:
    difference = a - t
    return difference * difference


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


def _minus(a: str, t: str) -> str:
    return f"{a} - ({t})" if t.startswith(("-", "−")) else f"{a} - {t}"


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "half_squared_error",
            "Half squared error",
            False,
            _half_squared,
            lambda a, t: a - t,
            lambda a, t: rf"\frac{{1}}{{2}} ({_minus(t, a)})^2",
            _minus,
        ),
        Loss(
            "squared_error",
            "Squared error",
            False,
            _squared,
            lambda a, t: 2.0 * (a - t),
            lambda a, t: f"({_minus(t, a)})^2",
            lambda a, t: rf"2 \, ({_minus(a, t)})",
        ),
        Loss(
            "mean_squared_error",
            "Mean squared error",
            True,
            _squared,
            lambda a, t: 2.0 * (a - t),
            lambda a, t: f"({_minus(t, a)})^2",
            lambda a, t: rf"2 \, ({_minus(a, t)})",
        ),
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
        Loss(
            "binary_cross_entropy",
            "Binary cross-entropy",
            True,
            _binary_cross_entropy,
            _binary_cross_entropy_grad,
            lambda a, t: rf"-({t} \ln {a} + (1 - {t}) \ln(1 - {a}))",
            lambda a, t: rf"\frac{{{_minus(a, t)}}}{{{a} \, (1 - {a})}}",
            joint_activation="sigmoid",
            joint_share=_binary_cross_entropy_joint,
            joint_grad=lambda a, t: a - t,
            probabilities=True,
        ),
        Loss(
            "cross_entropy",
            "Cross-entropy",
            False,
            _cross_entropy,
            lambda a, t: -t / _probability(a),
            lambda a, t: rf"-{t} \ln {a}",
            lambda a, t: rf"-\frac{{{t}}}{{{a}}}",
            joint_activation="softmax",
            joint_share=_cross_entropy_joint,
            joint_grad=_softmax_cross_entropy_grad,
            probabilities=True,
        ),
    )
}
