"""A quantity's calculation as Python code to paste and run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.expressions import Expression, expression, in_order, literal
from core.identifiers import Identifiers, is_of_sample
from core.notation import Writer
from core.quantities import Quantity
from core.style import Style
from core.trace import Trace


def python_code(
    trace: Trace,
    quantity: Quantity,
    *,
    depth: int | None = 1,
    style: Style = Style(),  # noqa: B008 - frozen
) -> str:
    """A script that assigns the numbers that a quantity is made of, then computes and prints it.

    What is `depth` formulas or more below it is assigned; with None all is computed from what is given: inputs,
    parameters, targets, dropout masks, the optimizer's memory. It imports `math`, and numpy only where numbers
    overflow, which Python's own refuse.
    """
    made = _made(trace, quantity, depth)
    identifiers, writer = Identifiers(trace), Writer(trace, style)
    values: dict[Quantity, float] = {}
    settings: dict[str, float] = {}
    given, computed = [], []
    is_plain = True
    for q in in_order(quantity, lambda q: made[q].operands if q in made else ()):
        comment = _printable(writer.name(q))
        if is_of_sample(q.kind) and trace.batch > 1:
            comment += f", sample {q.sample + 1}"
        found = made.get(q)
        if found is None or not found.operands:
            values[q] = trace.value(q)
            given.append((identifiers[q], literal(values[q]), comment))
        else:
            values[q] = found.evaluate(values)
            settings |= found.settings
            is_plain = is_plain and _is_plain(found, values)
            computed.append((identifiers[q], found.write([identifiers[o] for o in found.operands]), comment))
    given = [(name, repr(value), "") for name, value in settings.items()] + given
    if not is_plain:
        given = [(name, f"np.float64({code})", comment) for name, code, comment in given]
        computed = [(name, re.sub(r"\bmath\.(?!erfc)", "np.", code), comment) for name, code, comment in computed]
    head = ["import math"] if is_plain else ["import math", "", "import numpy as np", "", 'np.seterr(all="ignore")']
    parts = [head, [_line(*part) for part in given], [_line(*part) for part in computed]]
    parts[-1].append(f"print({identifiers[quantity]})")
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _made(trace: Trace, quantity: Quantity, depth: int | None) -> dict[Quantity, Expression]:
    """The formulas of all that is less than `depth` formulas below a quantity, the fewest counting."""
    made: dict[Quantity, Expression] = {}
    level = [quantity]
    while level and (depth is None or depth > 0):
        for q in level:
            made[q] = expression(trace, q)
        level = list(dict.fromkeys(o for q in level for o in made[q].operands if o not in made))
        depth = None if depth is None else depth - 1
    return made


def _is_plain(found: Expression, values: Mapping[Quantity, float]) -> bool:
    """Whether Python's own floats can compute it."""
    try:
        found.run([values[operand] for operand in found.operands])
    except (ArithmeticError, ValueError):
        return False
    return True


def _line(name: str, code: str, comment: str) -> str:
    return f"{name} = {code}  # {comment}" if comment else f"{name} = {code}"


def _printable(text: str) -> str:
    """A name that stays within its comment."""
    return "".join(c if c.isprintable() else " " for c in text)
