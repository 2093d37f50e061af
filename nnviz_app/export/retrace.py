"""The losses of a file that has been trained: its updates made again from where they began."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

from core.errors import ExportError, TrainingError
from core.jobs import Progress
from core.project import Project
from core.training import CANNOT_TRAIN, Run

# The compiled loop may differ from numpy in the last digits, and training makes such differences grow.
TOLERANCE = 1e-6


def retrace(project: Project) -> Generator[Progress, None, Run]:
    """Make a project's updates again, which its file does not hold, and return the run with their losses.

    Raises ExportError where there is none, and where they do not lead to the project's own parameters, as when the
    settings have changed meanwhile: the losses on the way would not be those that there were.
    """
    if not project.updates or project.start is None:
        raise ExportError("There is no loss to plot: no update has been made yet, so train the network first.")
    begun = project.copy()
    begun.network.set_values(project.start)
    begun.begin_anew()
    run = Run(begun)
    if not run.can_train:
        raise ExportError(CANNOT_TRAIN)
    # Where a run ended early and was gone on with, it does so here too.
    settings = replace(project.settings, stop_loss=None, stop_accuracy=None, patience=0)
    made = project.updates
    try:
        if project.epoch:
            for progress in run.train(0, settings, epochs=project.epoch):
                if progress.update > made:
                    break
                yield Progress(progress.update, made, "Training again for the losses")
        batches = run.batches_of(settings)
        if made - run.last < batches.count:
            for update in range(run.last, made):
                run.advance(update, run.next_batch(update, settings), settings)
                yield Progress(update + 1, made, "Training again for the losses")
    except TrainingError as error:
        raise ExportError(f"The losses cannot be computed again: {error}") from None
    if run.last != made or not _agree(run.parameters_at(made), project.network.values):
        raise ExportError(
            "The losses cannot be computed again, because settings or steps have changed on the way: "
            "export the plot from the window in which the training was done."
        )
    return run


def _agree(found: dict[str, float], wanted: dict[str, float]) -> bool:
    return all(math.isclose(found[name], wanted[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE) for name in wanted)
