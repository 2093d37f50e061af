"""What optimizers compute for each parameter on the way to the new one: formulas for people, and their options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from core.options import Option

# Texts by the name of what they stand for: symbols, or numbers with the negative ones in brackets.
Texts = Mapping[str, str]


class Formula(Struct, frozen=True):
    """A right-hand side, in LaTeX, as text and as Python, with symbols or numbers put in for its `operands`.

    Operands are "parameter", "gradient", "learning_rate", "updates" (t, the number of this update, from 1), names
    of options, of terms, and "<term>_old" for a term's value before this update. Negative numbers are put in with
    brackets, except those of the `bare` operands. In the text a product is written " × ". The code takes
    identifiers, and of Python `math` alone.
    """

    operands: tuple[str, ...]
    latex: Callable[[Texts], str]
    text: Callable[[Texts], str]
    code: Callable[[Texts], str]
    bare: tuple[str, ...] = ()


class Term(Struct, frozen=True):
    """One quantity that an optimizer computes for each parameter on the way to the new one.

    `kept`: its value is needed at the next update (it is a slot), and is 0 before the first.
    `weights_only`: for a bias nothing is computed, and the term's value is that of the formula's first operand.
    `squares`: it is made of squares, so that it is never negative.
    """

    name: str
    title: str
    symbol: str
    latex: str
    formula: Formula
    kept: bool = False
    weights_only: bool = False
    squares: bool = False


def _base(text: str) -> str:
    """What a power stands on, in brackets unless it is a plain number, a letter or in brackets already."""
    return text if re.fullmatch(r"[\d.]+|\w[₀-₉]?|\\[a-z]+(_\w)?|\([^()]*\)", text) else f"({text})"


def _bare(text: str) -> str:
    """What stands under a root: the text for it in brackets where it is more than a number or a name."""
    return text if re.fullmatch(r"[^\s()]+|\(.*\)", text) else f"({text})"


def sign_code(text: str) -> str:
    """The sign of a number as Python, which has no function for it; that of 0 is 0."""
    return f"(1 if {text} > 0 else -1 if {text} < 0 else 0)"


def _average(name: str, keep: str, of: str) -> Formula:
    """A running average of squares: what share `keep` of the old one stays, and what it averages."""
    return Formula(
        (f"{name}_old", keep, of),
        lambda s: rf"{s[keep]} \cdot {s[f'{name}_old']} + (1 - {s[keep]}) \cdot {_base(s[of])}^2",
        lambda s: f"{s[keep]} × {s[f'{name}_old']} + (1 − {s[keep]}) × {_base(s[of])}²",
        lambda s: f"{s[keep]} * {s[f'{name}_old']} + (1 - {s[keep]}) * {s[of]} ** 2",
    )


def _corrected(name: str, beta: str) -> Formula:
    return Formula(
        (name, beta, "updates"),
        lambda s: rf"\frac{{{s[name]}}}{{1 - {_base(s[beta])}^{{{s['updates']}}}}}",
        lambda s: f"{s[name]} / (1 − {_base(s[beta])}^{s['updates']})",
        lambda s: f"{s[name]} / (1 - {s[beta]} ** {s['updates']})",
        bare=(name,),
    )


def plain_update(direction: str) -> Formula:
    """The parameter minus the learning rate times the direction."""
    return Formula(
        ("parameter", "learning_rate", direction),
        lambda s: rf"{s['parameter']} - {s['learning_rate']} \cdot {s[direction]}",
        lambda s: f"{s['parameter']} − {s['learning_rate']} × {s[direction]}",
        lambda s: f"{s['parameter']} - {s['learning_rate']} * {s[direction]}",
        bare=("parameter",),
    )


def scaled_update(direction: str, squares: str, parameter: str = "parameter") -> Formula:
    """The direction divided by the root of the squares, which gives every parameter a rate of its own."""
    return Formula(
        (parameter, "learning_rate", direction, squares, "eps"),
        lambda s: (
            rf"{s[parameter]} - {s['learning_rate']} \cdot "
            rf"\frac{{{s[direction]}}}{{\sqrt{{{s[squares]}}} + {s['eps']}}}"
        ),
        lambda s: f"{s[parameter]} − {s['learning_rate']} × {s[direction]} / (√{_bare(s[squares])} + {s['eps']})",
        lambda s: f"{s[parameter]} - {s['learning_rate']} * {s[direction]} / (math.sqrt({s[squares]}) + {s['eps']})",
        bare=(parameter,),
    )


def _share(name: str, title: str, symbol: str, latex: str, default: float, about: str) -> Option:
    return Option(name, title, symbol, latex, default, 0.0, 1.0, about, high_open=True)


def _eps(default: float, about: str = "Keeps the division safe where gradients are tiny.") -> Option:
    return Option("eps", "Epsilon", "ε", r"\epsilon", default, 0.0, 1.0, about, low_open=True)


MOMENTUM = _share("momentum", "Momentum", "μ", r"\mu", 0.9, "How much of the last velocity goes on.")
VELOCITY = Term(
    "velocity",
    "velocity",
    "v",
    "v",
    Formula(
        ("velocity_old", "momentum", "gradient"),
        lambda s: rf"{s['momentum']} \cdot {s['velocity_old']} + {s['gradient']}",
        lambda s: f"{s['momentum']} × {s['velocity_old']} + {s['gradient']}",
        lambda s: f"{s['momentum']} * {s['velocity_old']} + {s['gradient']}",
    ),
    kept=True,
)
LOOK_AHEAD = Term(
    "look_ahead",
    "look-ahead gradient",
    "g˜",
    r"\tilde{g}",
    Formula(
        ("gradient", "momentum", "velocity"),
        lambda s: rf"{s['gradient']} + {s['momentum']} \cdot {s['velocity']}",
        lambda s: f"{s['gradient']} + {s['momentum']} × {s['velocity']}",
        lambda s: f"{s['gradient']} + {s['momentum']} * {s['velocity']}",
        bare=("gradient",),
    ),
)
ADAGRAD_EPS = _eps(1e-10)
SQUARE_SUM = Term(
    "square_sum",
    "sum of squared gradients",
    "G",
    "G",
    Formula(
        ("square_sum_old", "gradient"),
        lambda s: rf"{s['square_sum_old']} + {_base(s['gradient'])}^2",
        lambda s: f"{s['square_sum_old']} + {_base(s['gradient'])}²",
        lambda s: f"{s['square_sum_old']} + {s['gradient']} ** 2",
    ),
    kept=True,
    squares=True,
)
RMSPROP_OPTIONS = (
    _share("alpha", "Alpha", "α", r"\alpha", 0.99, "How much of the last average of squares is kept."),
    _eps(1e-8),
)
RMSPROP_TERMS = (
    Term(
        "square_average",
        "average of squared gradients",
        "v",
        "v",
        _average("square_average", "alpha", "gradient"),
        kept=True,
        squares=True,
    ),
)

ADADELTA_OPTIONS = (
    _share("rho", "Rho", "ρ", r"\rho", 0.9, "How much of the last averages of squares is kept."),
    _eps(1e-6, "Keeps the division safe, and sets the size of the first steps."),
)
ADADELTA_TERMS = (
    Term(
        "square_average",
        "average of squared gradients",
        "v",
        "v",
        _average("square_average", "rho", "gradient"),
        kept=True,
        squares=True,
    ),
    Term(
        "step",
        "step",
        "Δ",
        r"\Delta",
        Formula(
            ("step_average_old", "square_average", "eps", "gradient"),
            lambda s: (
                rf"\frac{{\sqrt{{{s['step_average_old']} + {s['eps']}}}}}"
                rf"{{\sqrt{{{s['square_average']} + {s['eps']}}}}}"
                rf" \cdot {s['gradient']}"
            ),
            lambda s: (
                f"√({s['step_average_old']} + {s['eps']}) / √({s['square_average']} + {s['eps']}) × {s['gradient']}"
            ),
            lambda s: (
                f"math.sqrt({s['step_average_old']} + {s['eps']}) / math.sqrt({s['square_average']} + {s['eps']})"
                f" * {s['gradient']}"
            ),
        ),
    ),
    Term(
        "step_average",
        "average of squared steps",
        "u",
        "u",
        _average("step_average", "rho", "step"),
        kept=True,
        squares=True,
    ),
)

ADAM_OPTIONS = (
    _share("beta1", "Beta 1", "β₁", r"\beta_1", 0.9, "How much of the last average of gradients is kept."),
    _share("beta2", "Beta 2", "β₂", r"\beta_2", 0.999, "How much of the last average of squared gradients is kept."),
    _eps(1e-8),
)
ADAM_TERMS = (
    Term(
        "first_moment",
        "first moment",
        "m",
        "m",
        Formula(
            ("first_moment_old", "beta1", "gradient"),
            lambda s: rf"{s['beta1']} \cdot {s['first_moment_old']} + (1 - {s['beta1']}) \cdot {s['gradient']}",
            lambda s: f"{s['beta1']} × {s['first_moment_old']} + (1 − {s['beta1']}) × {s['gradient']}",
            lambda s: f"{s['beta1']} * {s['first_moment_old']} + (1 - {s['beta1']}) * {s['gradient']}",
        ),
        kept=True,
    ),
    Term(
        "second_moment",
        "second moment",
        "v",
        "v",
        _average("second_moment", "beta2", "gradient"),
        kept=True,
        squares=True,
    ),
    # ˆ and ˜ stand behind their letter: many fonts put marks that combine with it elsewhere.
    Term("first_corrected", "corrected first moment", "mˆ", r"\hat{m}", _corrected("first_moment", "beta1")),
    Term("second_corrected", "corrected second moment", "vˆ", r"\hat{v}", _corrected("second_moment", "beta2")),
)
WEIGHT_DECAY = Option(
    "weight_decay",
    "Weight decay",
    "λ",
    r"\lambda",
    0.01,
    0.0,
    10.0,
    "Shrinks every weight a little at each update, apart from its gradient.",
)
DECAYED = Term(
    "decayed",
    "decayed weight",
    "w˜",
    r"\tilde{w}",
    Formula(
        ("parameter", "learning_rate", "weight_decay"),
        lambda s: rf"(1 - {s['learning_rate']} \cdot {s['weight_decay']}) \cdot {s['parameter']}",
        lambda s: f"(1 − {s['learning_rate']} × {s['weight_decay']}) × {s['parameter']}",
        lambda s: f"(1 - {s['learning_rate']} * {s['weight_decay']}) * {s['parameter']}",
    ),
    weights_only=True,
)


def penalized_gradient(*, l1: bool, l2: bool) -> Term:
    """The gradient with what the penalties add, where they are not 0; "gradient" is that of the loss alone."""
    return Term(
        "penalized_gradient",
        "penalized gradient",
        "g",
        "g",
        Formula(
            ("gradient", *(("l2",) if l2 else ()), *(("l1",) if l1 else ()), "parameter"),
            lambda s: (
                s["gradient"]
                + (rf" + {s['l2']} \cdot {s['parameter']}" if l2 else "")
                + (rf" + {s['l1']} \cdot \mathrm{{sign}}({s['parameter']})" if l1 else "")
            ),
            lambda s: (
                s["gradient"]
                + (f" + {s['l2']} × {s['parameter']}" if l2 else "")
                + (f" + {s['l1']} × sign({s['parameter']})" if l1 else "")
            ),
            lambda s: (
                s["gradient"]
                + (f" + {s['l2']} * {s['parameter']}" if l2 else "")
                + (f" + {s['l1']} * {sign_code(s['parameter'])}" if l1 else "")
            ),
            bare=("gradient",),
        ),
        weights_only=True,
    )
