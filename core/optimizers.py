"""The table of optimizers: formulas for people, and functions that work in place on flat arrays.

Formulas, defaults (but for a momentum of 0.9 instead of 0) and the order of operations are those of PyTorch's
torch.optim, without its extras (weight decay other than AdamW's, dampening, AMSGrad). Training and stepping use the
same function, so their bits agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import DTypeLike

from core.activations import Array
from core.optimizer_terms import (
    ADADELTA_OPTIONS,
    ADADELTA_TERMS,
    ADAGRAD_EPS,
    ADAM_OPTIONS,
    ADAM_TERMS,
    DECAYED,
    LOOK_AHEAD,
    MOMENTUM,
    RMSPROP_OPTIONS,
    RMSPROP_TERMS,
    SQUARE_SUM,
    VELOCITY,
    WEIGHT_DECAY,
    Formula,
    Term,
    penalized_gradient,
    plain_update,
    scaled_update,
)
from core.options import Option, option_values

Apply = Callable[[Array, Array], None]


class Optimizer(Struct, frozen=True):
    """One way to make an update: the `terms` in the order of their computation, then the new parameter by `update`.

    `build` gives the function that carries a Stepper's updates out; `suggested_rate` is a learning rate to begin
    with on small networks; `source` says where the formula comes from.
    """

    name: str
    title: str
    update: Formula
    build: Callable[[Stepper], Apply]
    suggested_rate: float
    source: str
    options: tuple[Option, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the terms that are kept from one update to the next."""
        return tuple(term.name for term in self.terms if term.kept)

    def why_not_remember(self, slot: str, number: float) -> str | None:
        """Why this slot can hold no such number for a parameter, in a few words; None where it can."""
        term = next(term for term in self.terms if term.name == slot)
        if term.squares and number < 0.0:
            return f"the {term.title} is never negative: choose 0 or more"
        return None


class OptimizerState(Struct, frozen=True):
    """What an optimizer remembers: the number of updates done, and a copy of each slot, shape (parameters,)."""

    updates: int
    slots: dict[str, Array]


class Stepper:
    """Carries out updates with one optimizer on a flat vector of `size` parameters of one `dtype`.

    `slots` and `terms` hold arrays of shape (size,) by name, valid after a step and written again at the next;
    a slot is both. `updates` counts the updates done. `trainable` is 0 at parameters that must never change;
    their slots stay 0. `weights` is 1 at weights and 0 at biases, which AdamW's decay leaves alone; without it
    everything decays, as in PyTorch.
    Raises TrainingError for options that the optimizer does not have or does not allow.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        size: int,
        *,
        options: Mapping[str, float] | None = None,
        dtype: DTypeLike = np.float64,
        trainable: Array | None = None,
        weights: Array | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.options = option_values(optimizer.options, options or {}, optimizer.title)
        self.dtype = np.dtype(dtype)
        self.weights = weights
        self.updates = 0
        self.learning_rate = 0.0
        self.terms = {term.name: np.zeros(size, self.dtype) for term in optimizer.terms}
        self.slots = {name: self.terms[name] for name in optimizer.slots}
        # What the functions below work with: the rate as an array (numpy takes it faster than a float), scratch.
        self.rate = self.constant(0.0)
        self.buffer = np.zeros(size, self.dtype)
        self._frozen = None if trainable is None else np.flatnonzero(np.equal(trainable, 0))
        if self._frozen is not None and not len(self._frozen):
            self._frozen = None
        self._gradient = np.zeros(size, self.dtype)
        self._apply = optimizer.build(self)

    def constant(self, value: float) -> Array:
        """A number as an array without dimensions, of the parameters' type."""
        return np.array(value, self.dtype)

    def step(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """One update of `parameters` in place; `gradient` is left as it is. Both have shape (size,).

        Overflow gives infinities, with numpy's warnings unless the caller has set np.errstate.
        """
        if learning_rate != self.learning_rate:
            self.learning_rate = learning_rate
            self.rate[()] = learning_rate
        self.updates += 1
        frozen = self._frozen
        if frozen is None:
            self._apply(parameters, gradient)
            return
        # Not a product with the mask, as 0 times infinity is NaN; and put back, so that no bit can change.
        kept = parameters[frozen]
        np.copyto(self._gradient, gradient)
        self._gradient[frozen] = 0.0
        self._apply(parameters, self._gradient)
        parameters[frozen] = kept

    def copy_state(self) -> OptimizerState:
        """All that the next updates depend on, as a copy."""
        return OptimizerState(self.updates, {name: slot.copy() for name, slot in self.slots.items()})

    def load_state(self, state: OptimizerState) -> None:
        """Go on from a former state of the same optimizer, bit for bit."""
        self.updates = state.updates
        for name, slot in self.slots.items():
            slot[:] = state.slots[name]


# ------------------------------------------------------------------------------------------ what is computed


def _sgd(s: Stepper) -> Apply:
    rate, change = s.rate, s.buffer

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(gradient, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _momentum(s: Stepper) -> Apply:
    rate, change, velocity = s.rate, s.buffer, s.terms["velocity"]
    momentum = s.constant(s.options["momentum"])

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(velocity, momentum, velocity)
        np.add(velocity, gradient, velocity)
        np.multiply(velocity, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _nesterov(s: Stepper) -> Apply:
    rate, change, velocity, ahead = s.rate, s.buffer, s.terms["velocity"], s.terms["look_ahead"]
    momentum = s.constant(s.options["momentum"])

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(velocity, momentum, velocity)
        np.add(velocity, gradient, velocity)
        np.multiply(velocity, momentum, ahead)
        np.add(gradient, ahead, ahead)
        np.multiply(ahead, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _adagrad(s: Stepper) -> Apply:
    rate, change, squares = s.rate, s.buffer, s.terms["square_sum"]
    eps = s.constant(s.options["eps"])

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(gradient, gradient, change)
        np.add(squares, change, squares)
        np.sqrt(squares, change)
        np.add(change, eps, change)
        np.divide(gradient, change, change)
        np.multiply(change, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _rmsprop(s: Stepper) -> Apply:
    rate, change, squares = s.rate, s.buffer, s.terms["square_average"]
    alpha, rest, eps = (
        s.constant(s.options["alpha"]),
        s.constant(1.0 - s.options["alpha"]),
        s.constant(s.options["eps"]),
    )

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(squares, alpha, squares)
        np.multiply(gradient, gradient, change)
        np.multiply(change, rest, change)
        np.add(squares, change, squares)
        np.sqrt(squares, change)
        np.add(change, eps, change)
        np.divide(gradient, change, change)
        np.multiply(change, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _adadelta(s: Stepper) -> Apply:
    rate, change, step = s.rate, s.buffer, s.terms["step"]
    squares, steps = s.terms["square_average"], s.terms["step_average"]
    rho, rest, eps = s.constant(s.options["rho"]), s.constant(1.0 - s.options["rho"]), s.constant(s.options["eps"])

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(squares, rho, squares)
        np.multiply(gradient, gradient, change)
        np.multiply(change, rest, change)
        np.add(squares, change, squares)
        np.add(squares, eps, change)
        np.sqrt(change, change)
        np.add(steps, eps, step)
        np.sqrt(step, step)
        np.divide(step, change, step)
        np.multiply(step, gradient, step)
        np.multiply(steps, rho, steps)
        np.multiply(step, step, change)
        np.multiply(change, rest, change)
        np.add(steps, change, steps)
        np.multiply(step, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _adam(s: Stepper) -> Apply:
    rate, change = s.rate, s.buffer
    first, second = s.terms["first_moment"], s.terms["second_moment"]
    first_corrected, second_corrected = s.terms["first_corrected"], s.terms["second_corrected"]
    beta1, beta2, eps = s.options["beta1"], s.options["beta2"], s.constant(s.options["eps"])
    keep1, keep2, rest1, rest2 = s.constant(beta1), s.constant(beta2), s.constant(1.0 - beta1), s.constant(1.0 - beta2)
    correction1, correction2 = s.constant(0.0), s.constant(0.0)

    def apply(parameters: Array, gradient: Array) -> None:
        np.multiply(first, keep1, first)
        np.multiply(gradient, rest1, change)
        np.add(first, change, first)
        np.multiply(second, keep2, second)
        np.multiply(gradient, gradient, change)
        np.multiply(change, rest2, change)
        np.add(second, change, second)
        correction1[()] = 1.0 - beta1**s.updates
        correction2[()] = 1.0 - beta2**s.updates
        np.divide(first, correction1, first_corrected)
        np.divide(second, correction2, second_corrected)
        np.sqrt(second_corrected, change)
        np.add(change, eps, change)
        np.divide(first_corrected, change, change)
        np.multiply(change, rate, change)
        np.subtract(parameters, change, parameters)

    return apply


def _adamw(s: Stepper) -> Apply:
    decayed, adam, decay = s.terms["decayed"], _adam(s), s.options["weight_decay"]
    factors = np.ones_like(decayed)
    positions = slice(None) if s.weights is None else np.flatnonzero(s.weights)
    rate_of_factors = 0.0

    def apply(parameters: Array, gradient: Array) -> None:
        nonlocal rate_of_factors
        if s.learning_rate != rate_of_factors:
            rate_of_factors = s.learning_rate
            factors[positions] = 1.0 - rate_of_factors * decay
        np.multiply(parameters, factors, decayed)
        np.copyto(parameters, decayed)
        adam(parameters, gradient)

    return apply


OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer(
            "sgd",
            "Gradient descent (SGD)",
            plain_update("gradient"),
            _sgd,
            0.5,
            "torch.optim.SGD",
        ),
        Optimizer(
            "momentum",
            "Momentum",
            plain_update("velocity"),
            _momentum,
            0.1,
            "Polyak (1964); torch.optim.SGD(momentum=…)",
            (MOMENTUM,),
            (VELOCITY,),
        ),
        Optimizer(
            "nesterov",
            "Nesterov momentum",
            plain_update("look_ahead"),
            _nesterov,
            0.1,
            "Nesterov (1983), Sutskever et al. (2013); torch.optim.SGD(momentum=…, nesterov=True)",
            (MOMENTUM,),
            (VELOCITY, LOOK_AHEAD),
        ),
        Optimizer(
            "adagrad",
            "AdaGrad",
            scaled_update("gradient", "square_sum"),
            _adagrad,
            0.1,
            "Duchi, Hazan and Singer (2011); torch.optim.Adagrad",
            (ADAGRAD_EPS,),
            (SQUARE_SUM,),
        ),
        Optimizer(
            "rmsprop",
            "RMSProp",
            scaled_update("gradient", "square_average"),
            _rmsprop,
            0.01,
            "Hinton's lecture 6e (2012); torch.optim.RMSprop",
            RMSPROP_OPTIONS,
            RMSPROP_TERMS,
        ),
        Optimizer(
            "adadelta",
            "Adadelta",
            plain_update("step"),
            _adadelta,
            1.0,
            "Zeiler (2012); torch.optim.Adadelta",
            ADADELTA_OPTIONS,
            ADADELTA_TERMS,
        ),
        Optimizer(
            "adam",
            "Adam",
            scaled_update("first_corrected", "second_corrected"),
            _adam,
            0.01,
            "Kingma and Ba (2015); torch.optim.Adam",
            ADAM_OPTIONS,
            ADAM_TERMS,
        ),
        Optimizer(
            "adamw",
            "AdamW",
            scaled_update("first_corrected", "second_corrected", "decayed"),
            _adamw,
            0.01,
            "Loshchilov and Hutter (2019); torch.optim.AdamW",
            (*ADAM_OPTIONS, WEIGHT_DECAY),
            (DECAYED, *ADAM_TERMS),
        ),
    )
}


class Penalty:
    """Penalties on the weights: the loss grows by l2/2 * sum(w^2) + l1 * sum(|w|), the gradient by l2*w + l1*sign(w).

    `weights` is 1 at weights and 0 at biases, which are not penalised; shape (parameters,). sign(0) = 0.
    `loss_gradient`, shape (parameters,), is the gradient of the loss alone that the penalties were last added to.
    """

    def __init__(self, weights: Array, *, l1: float, l2: float, dtype: DTypeLike = np.float64) -> None:
        self.l1, self.l2 = l1, l2
        self.loss_gradient = np.zeros(len(weights), dtype)
        self._l1 = (weights * l1).astype(dtype)
        self._l2 = (weights * l2).astype(dtype)
        self._buffer = np.zeros(len(weights), dtype)

    def add_to(self, gradient: Array, parameters: Array) -> None:
        """Add the penalties' share to `gradient` in place; both of shape (parameters,)."""
        np.copyto(self.loss_gradient, gradient)
        if self.l2:
            np.multiply(parameters, self._l2, self._buffer)
            np.add(gradient, self._buffer, gradient)
        if self.l1:
            np.sign(parameters, self._buffer)
            np.multiply(self._buffer, self._l1, self._buffer)
            np.add(gradient, self._buffer, gradient)

    @property
    def term(self) -> Term:
        """What is added, as a term with the operands "gradient" (of the loss), "l2", "l1" and "parameter"."""
        return penalized_gradient(l1=bool(self.l1), l2=bool(self.l2))
