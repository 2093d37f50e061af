"""A walkthrough's moments brought about: the network and its run, the step, and the caption filled in."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from core.errors import NnvizError, ProjectError
from core.notation import Writer, tex_number
from core.numbers import format_number
from core.project import Project
from core.quantities import PARAMETER_KINDS, Kind, Quantity
from core.references import read_reference
from core.style import Style
from core.trace import Trace
from core.training import Run, project_at
from core.walkthrough import END, REFERENCE, START

_FORMULA = re.compile(r"(?<![\\$])\$([^$\n]+)\$")


def advance_run(scene: Project, run: Run, update: int) -> Run:
    """The scene's run continued, where it has not got so far yet, until it has made `update` updates.

    Raises TrainingError when an update cannot be made.
    """
    target = run.first + update
    # However a person lets training stop, a moment is what its number of updates makes it.
    settings = replace(scene.settings, stop_loss=None, stop_accuracy=None, patience=0)
    per_epoch = scene.batches.count
    while run.last < target:
        batch = run.next_batch(run.last, settings)
        epochs = (target - run.last) // per_epoch if per_epoch and not batch else 0
        if epochs:
            deque(run.train(run.last, settings, epochs=epochs), maxlen=0)
        else:
            run = run.advance(run.last, batch, settings)
    return run


def project_of(scene: Project, run: Run, update: int) -> Project:
    """The scene's project after `update` updates of its run."""
    return project_at(scene, run, run.first + update)


def steps_done(trace: Trace, position: str, sample: int) -> int:
    """How many steps of a trace are done at this position of a moment.

    Raises ProjectError when it names no quantity of the network, or none that a step reveals.
    """
    length = trace.schedule.sample_length
    if position == START:
        return sample * length + (1 if sample else 0)
    if position == END:
        return len(trace)
    if position.isdecimal():
        return min(int(position), len(trace))
    quantity = read_reference(position, trace.network)
    index = trace.index_of(_in_sample(quantity, sample))
    if index < 0:
        raise ProjectError(f"“{position}”: no step reveals this; write the position as a quantity that one does.")
    return index + 1


def fill_caption(caption: str, trace: Trace | None, style: Style, sample: int = 0) -> str:
    """The caption with a symbol or a number, in the style, for each reference; formulas stay between dollars.

    What the network no longer has is shown as it is written in the caption.
    """
    if trace is None:
        return caption
    writer = Writer(trace, style)

    def written(found: re.Match[str], *, in_formula: bool) -> str:
        text, number, digits = found[1], found[2], found[3]
        try:
            quantity = read_reference(text, trace.network)
        except NnvizError:
            return text
        quantity = _in_sample(quantity, sample)
        if number is None:
            return writer.symbol(quantity) if in_formula else f"${writer.symbol(quantity)}$"
        places = int(digits) if digits else style.digits
        value = trace.value(quantity)
        return tex_number(value, places) if in_formula else format_number(value, places)

    parts = []
    end = 0
    for formula in _FORMULA.finditer(caption):
        parts.append(REFERENCE.sub(lambda found: written(found, in_formula=False), caption[end : formula.start()]))
        inner = REFERENCE.sub(lambda found: written(found, in_formula=True), formula[1])
        parts.append(f"${inner}$")
        end = formula.end()
    parts.append(REFERENCE.sub(lambda found: written(found, in_formula=False), caption[end:]))
    return "".join(parts)


def _in_sample(quantity: Quantity, sample: int) -> Quantity:
    """The same quantity of the sample on show, where it is one of a sample and names no other."""
    once = quantity.kind in PARAMETER_KINDS or quantity.kind in (Kind.WEIGHT, Kind.BIAS)
    return quantity if once or quantity.sample else Quantity(quantity.kind, quantity.subject, sample)
