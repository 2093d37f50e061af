"""Runs: going on with what has been trained, in the same way or in another."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Self

from core.breakpoints import Breakpoint
from core.errors import TrainingError
from core.plan import compile_network
from core.project import Project
from core.settings import Settings
from core.timeline import Timeline
from core.training_loop import TRY_SMALLER, Progress, TrainingLoop

__all__ = ["CANNOT_TRAIN", "Progress", "Run", "project_at"]

CANNOT_TRAIN = "Training needs an output neuron and a training row of data with its target."


class Run(Timeline):
    """The updates since the last change of network or data, which stay as they are for a run's life.

    Settings may change between two updates, but for those that change what the loss is.
    """

    def advance(self, update: int, batch: int, settings: Settings, *, noted: bool = True) -> Run:
        """Make the update after `update`, on batch number `batch` of the epoch, and return the run that holds it.

        That is this run itself, unless it has gone on from there otherwise already. Unless `noted`, the loss after
        it is not computed and gets no point.
        Raises TrainingError when the update is impossible or would make a parameter infinite or NaN.
        """
        if not self.can_train:
            raise TrainingError("An update needs an output neuron and a training row of data with its target.")
        epoch = self.epoch_at(update)
        if update < self.last:
            if self.place(update + 1) == (epoch, batch) and self.settings_of(update + 1).trains_as(settings):
                return self
            return self.branch(update).advance(update, batch, settings, noted=noted)
        self.note_start()
        self.go_to(update)
        self.make(settings, epoch=epoch, batch=batch, count=1)
        if not self.is_finite:
            name = self.name_infinite()
            self.forget_after(update)
            raise TrainingError(
                f"Update {update + 1} would make {name} infinite: the parameters stay as they were. {TRY_SMALLER}"
            )
        if noted:
            self.new_points.add_step(self.measure())
        return self

    def train(
        self,
        update: int,
        settings: Settings,
        *,
        epochs: int,
        breakpoints: Iterable[Breakpoint] = (),
        every: int = 0,
    ) -> Generator[Progress, None, None]:
        """Go on for `epochs` epochs after update number `update`, the one under way included; yield now and then.

        The run must stand at its last update (see `branch`). It ends early where the settings say so or a breakpoint
        holds: before the update that makes it hold. Losses are measured at the ends of some epochs, those whose number
        `every` divides among them. Closing the iterator keeps the updates made so far.
        Raises TrainingError when a parameter or the loss becomes infinite or NaN; the updates before are kept.
        """
        if not self.can_train:
            raise TrainingError(CANNOT_TRAIN)
        if update != self.last:
            raise TrainingError(f"The run has gone on to update {self.last} already.")
        self.note_start()
        self.go_to(update)
        enabled = tuple(b for b in breakpoints if b.enabled)
        loop = TrainingLoop(self, settings, epochs=epochs, breakpoints=enabled, every=every)
        try:
            yield from loop.go_on()
        finally:
            # Stopped within an epoch: what has been learned is kept, if it is finite.
            loop.seal()

    def branch(self, update: int) -> Self:
        """A run that shares this one's updates up to `update` and can go on otherwise.

        Raises TrainingError when this run has no such update.
        """
        self._check_update(update)
        twin = self._twin(update, self.plan)
        if twin.can_train and (not twin.new_points.all or twin.new_points.all[-1].update != update):
            # So that its curve begins where it leaves the other one.
            twin.new_points.add_step(twin.measure())
        return twin

    def renamed(self, old: str, new: str) -> Self:
        """The same run of a network in which the neuron or the edge `old` has the id `new`.

        No number depends on a name: the updates made so far are shared.
        """
        network, dataset = self.network.copy(), self.dataset.copy()
        network.rename(old, new)
        dataset.rename(old, new)
        twin = self._twin(self.last, compile_network(network))
        twin.network, twin.dataset = network, dataset
        return twin


def project_at(project: Project, run: Run, update: int) -> Project:
    """A copy of `project`, which `run` is of, as it is after `update` updates."""
    draft = project.copy()
    draft.network.set_values(run.parameters_at(update))
    draft.start = project.start_values() if update else None
    draft.updates, draft.epoch, draft.used_rows = update, run.epoch_at(update), run.used_rows_at(update)
    draft.memory = run.memory_at(update, project.settings.optimizer)
    draft.network.share_unchanged(project.network)
    return draft
