"""A walkthrough's moments brought about: the network and its run, the step, and the caption filled in."""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import replace

import numpy as np

from core.dataset import Dataset
from core.errors import NnvizError, ProjectError, TrainingError
from core.notation import Writer, tex_number
from core.numbers import format_number
from core.project import Project
from core.quantities import PARAMETER_KINDS, Kind, Quantity
from core.references import read_reference
from core.style import Style
from core.trace import Trace
from core.training import Run, project_at
from core.walkthrough import END, MOST_UPDATES, REFERENCE, START

# What rounding may change in a parameter over so many updates.
SAME = 1e-9

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
    quantity = in_sample(quantity, sample)
    index = trace.index_of(quantity) if trace.has(quantity) else -1
    if index < 0:
        raise ProjectError(f"“{position}”: no step reveals this; write the position as a quantity that one does.")
    return index + 1


def fill_caption(caption: str, trace: Trace | None, style: Style, sample: int = 0) -> str:
    """The caption with a symbol or a number, in the style, for each reference; formulas stay between dollars.

    What the network or the trace does not have is shown as it is written in the caption.
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
        quantity = in_sample(quantity, sample)
        if not trace.has(quantity):
            return text
        if number is None:
            return writer.symbol(quantity) if in_formula else f"${writer.symbol(quantity)}$"
        places = max(1, int(digits)) if digits else style.digits
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


def in_sample(quantity: Quantity, sample: int) -> Quantity:
    """The same quantity of the sample on show, where it is one of a sample and names no other."""
    once = quantity.kind in PARAMETER_KINDS or quantity.kind in (Kind.WEIGHT, Kind.BIAS)
    return quantity if once or quantity.sample else Quantity(quantity.kind, quantity.subject, sample)


def agree(one: Project, other: Project) -> bool:
    """Whether every pass of two projects computes the same: network, data, settings and updates made."""
    return _have_same_parts(one, other) and one.updates == other.updates and one.network.values == other.network.values


def comes_from(scene: Project, run: Run, project: Project) -> bool:
    """Whether this scene's run leads to the project; it is made to go on as far as that takes.

    Parameters may differ by rounding: one update at a time and many at once need not agree in the last digit.
    """
    update = project.updates - scene.updates
    if not 0 <= update <= MOST_UPDATES or not _have_same_parts(scene, project):
        return False
    if scene.start_values() != project.start_values():
        return False
    try:
        reached = project_of(scene, advance_run(scene, run, update), update)
    except TrainingError:
        return False
    return all(
        math.isclose(value, project.network.values[name], rel_tol=SAME, abs_tol=SAME)
        for name, value in reached.network.values.items()
    )


def have_same_data(one: Dataset, other: Dataset) -> bool:
    """Whether two tables hold the same numbers, also where they do not share them."""
    return one.same_as(other) or (
        list(one.columns) == list(other.columns)
        and one.scalings == other.scalings
        and np.array_equal(one.test, other.test)
        and all(np.array_equal(column, other.columns[name]) for name, column in one.columns.items())
    )


def _have_same_parts(one: Project, other: Project) -> bool:
    a, b = one.network, other.network
    in_order = all(
        ours is theirs or (ours == theirs and list(ours) == list(theirs))
        for ours, theirs in ((a.neurons, b.neurons), (a.edges, b.edges))
    )
    same_network = in_order and a.frozen == b.frozen
    return same_network and one.settings == other.settings and have_same_data(one.dataset, other.dataset)
