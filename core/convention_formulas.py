"""What the conventions in force mean, as formulas: the loss, its gradient, a batch, and what is passed back."""

from __future__ import annotations

from dataclasses import dataclass

from core.losses import LOSSES
from core.settings import Settings
from core.style import Notation


@dataclass(frozen=True, slots=True)
class ConventionFormulas:
    r"""Formulas in LaTeX for an output k, one of K, a neuron h below it and a sample n, one of m.

    `joint` is the gradient with respect to the output's pre-activation where the loss gives it at once, else empty.
    """

    loss: str
    gradient: str
    joint: str
    batch: str
    passed_back: str


def convention_formulas(settings: Settings, notation: Notation, *, of_row: bool = False) -> ConventionFormulas:
    """The formulas of these settings, with the symbols of `notation`; with `of_row` the loss is that of sample n."""
    loss, total = LOSSES[settings.loss], notation.loss
    one = f"{total}^{{(n)}}"
    letter = one if of_row else total
    a, t = f"{notation.activation_tex}_k", "t_k"
    mean = r"\frac{1}{K} " if loss.mean else ""
    delta = r"\delta_k" if notation.delta == "delta" else _derivative(letter, f"{notation.pre_activation_tex}_k")
    difference = f"({a} - {t})" if loss.mean else f"{a} - {t}"
    back = r"\mathrm{new}" if settings.updated_weights else r"\mathrm{old}"
    return ConventionFormulas(
        loss=f"{letter} = " + _times(rf"{mean}\sum_k ", loss.latex(a, t)),
        gradient=f"{_derivative(letter, a)} = " + _times(mean, loss.grad_latex(a, t)),
        joint=f"{delta} = {mean}{difference}" if loss.joint_activation else "",
        batch=f"{total} = " + (r"\frac{1}{m} " if settings.batch_mean else "") + rf"\sum_n {one}",
        passed_back=rf"{_derivative(letter, f'{notation.activation_tex}_h')} = \sum_k w_{{hk}}^{{{back}}} \, {delta}",
    )


def _derivative(letter: str, latex: str) -> str:
    return rf"\frac{{\partial {letter}}}{{\partial {latex}}}"


def _times(front: str, term: str) -> str:
    """A term with what stands before it; the term's minus sign comes first."""
    return f"-{front}{term[1:]}" if term.startswith("-") else front + term
