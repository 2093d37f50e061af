"""The trace of a project's rows, by its network, data and settings."""

from __future__ import annotations

from core.errors import TrainingError
from core.plan import Plan, compile_network
from core.project import Project
from core.schedule import Schedule
from core.trace import Trace


def trace_project(
    project: Project, rows: range | None = None, *, plan: Plan | None = None, schedule: Schedule | None = None
) -> Trace:
    """The trace of these rows of the project's data; without `rows`, of the batch that the first row is in.

    `plan` and `schedule` are former ones to use again, where only numbers have changed since.
    Raises TrainingError when there is no neuron or no row.
    """
    network, settings = project.network, project.settings
    if not network.neurons:
        raise TrainingError("The network has no neuron, so there is nothing to step through.")
    rows = project.batch_rows(0) if rows is None else rows
    return Trace(
        plan or compile_network(network),
        network.values,
        project.dataset.matrix([n.id for n in network.inputs], rows),
        project.dataset.matrix([n.id for n in network.outputs], rows),
        loss=settings.loss,
        mean=settings.batch_mean,
        learning_rate=settings.learning_rate,
        update_biases=settings.update_biases,
        schedule=schedule,
    )
