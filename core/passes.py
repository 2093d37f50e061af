"""The trace of a project's rows, by its network, data and settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import TrainingError
from core.learning import rate_of
from core.plan import Plan, compile_network
from core.project import Project
from core.schedule import Schedule
from core.style import Rounding
from core.trace import Trace


def trace_project(
    project: Project,
    rows: Sequence[int] | NDArray[np.intp] | None = None,
    *,
    plan: Plan | None = None,
    schedule: Schedule | None = None,
    rounding: Rounding | None = None,
) -> Trace:
    """The trace of these rows of the project's data; without `rows`, of the first batch of the present epoch.

    Rows among which there is a test row are not trained with: their trace has no update and no dropout.
    `plan` and `schedule` are former ones to use again, where only numbers have changed since. With a `rounding` each
    step's number is rounded before the next is made with it (core.book).
    Raises TrainingError when there is no neuron or no row.
    """
    network, settings, dataset = project.network, project.settings, project.dataset
    if not network.neurons:
        raise TrainingError("The network has no neuron, so there is nothing to step through.")
    if rows is None:
        rows = project.first_rows
    index = np.asarray(rows, dtype=np.intp)
    trace = Trace(
        plan or compile_network(network),
        network.values,
        dataset.matrix([n.id for n in network.inputs], index),
        dataset.matrix([n.id for n in network.outputs], index),
        settings,
        number=project.updates + 1,
        rate=rate_of(settings, project.epoch),
        memory=project.memory,
        training=not dataset.test[index].any(),
        schedule=schedule,
        start=project.start,
    )
    if rounding is None:
        return trace
    # Only now: most traces are not rounded.
    from core.book import RoundedTrace

    return RoundedTrace(trace, rounding)
