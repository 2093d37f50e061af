"""A project: a network with its data and settings, everything that one file holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.batches import Batches
from core.breakpoints import Breakpoint, Watch
from core.dataset import Dataset
from core.network import Network
from core.settings import Memory, Settings
from core.walkthrough import Walkthrough


@dataclass
class Project:
    """Network, data, settings, and how far training has come.

    `updates` counts the updates since the start, `epoch` the finished epochs; `start` holds the parameters at
    update 0 (None while `updates` is 0: they are the network's own). `memory` is that of the settings' optimizer,
    None where there is none yet. `used_rows` counts the training rows that the epoch under way has used.
    `title`, `source` and `notes` are for people. `walkthrough` leads through the project, where it has one.
    """

    network: Network = field(default_factory=Network)
    dataset: Dataset = field(default_factory=Dataset)
    settings: Settings = field(default_factory=Settings)
    updates: int = 0
    start: dict[str, float] | None = None
    title: str = ""
    source: str = ""
    notes: str = ""
    epoch: int = 0
    memory: Memory | None = None
    breakpoints: tuple[Breakpoint, ...] = ()
    used_rows: int = 0
    walkthrough: Walkthrough | None = None

    def copy(self) -> Project:
        """A project that can be changed without changing this one."""
        return Project(
            self.network.copy(),
            self.dataset.copy(),
            self.settings,
            self.updates,
            self.start,
            self.title,
            self.source,
            self.notes,
            self.epoch,
            self.memory,
            self.breakpoints,
            self.used_rows,
            self.walkthrough,
        )

    def begin_anew(self) -> None:
        """Take the present parameters as those of update 0: nothing has been trained yet."""
        self.updates, self.epoch, self.used_rows, self.start, self.memory = 0, 0, 0, None, None

    def rename(self, old: str, new: str) -> None:
        """Give a neuron or an edge another id, in the network, the data and the start."""
        self.network.rename(old, new)
        self.dataset.rename(old, new)
        if self.start is not None and old in self.start:
            self.start = {new if i == old else i: value for i, value in self.start.items()}
        if self.memory is not None:
            self.memory = self.memory.rename(old, new)
        self.breakpoints = tuple(
            replace(point, subject=new) if point.subject == old else point for point in self.breakpoints
        )

    def drop_lost(self) -> None:
        """Forget breakpoints on neurons and parameters that are no longer there, and what the optimizer remembers."""
        network = self.network
        if self.memory is not None:
            self.memory = self.memory.without_lost(network.values)
        known = {Watch.LOSS: {""}, Watch.ACTIVATION: network.neurons}
        if any(point.subject not in known.get(point.watch, network.values) for point in self.breakpoints):
            self.breakpoints = tuple(
                point for point in self.breakpoints if point.subject in known.get(point.watch, network.values)
            )

    def carry_start(self, former: Project) -> None:
        """Give each weight that edges shared in `former`, and that has a parameter of its own since, its start."""
        if self.start is None:
            return
        start = dict(self.start)
        for parameter in self.network.values:
            edge = former.network.edges.get(parameter)
            if parameter not in start and edge is not None and edge.parameter in start:
                start[parameter] = start[edge.parameter]
        self.start = start

    def start_values(self) -> dict[str, float]:
        """Every parameter at update 0; for those added since, their present value."""
        start = self.start or {}
        return {i: start.get(i, value) for i, value in self.network.values.items()}

    @property
    def batches(self) -> Batches:
        """How the training rows are divided into batches."""
        settings = self.settings
        return Batches(self.dataset.training_rows, settings.batch_size, shuffle=settings.shuffle, seed=settings.seed)

    def batch_rows(self, row: int) -> NDArray[np.intp]:
        """The rows of the batch that `row` belongs to in the present epoch; a test row is on its own."""
        batches = self.batches
        batch = batches.find(self.epoch, row)
        return np.array([row]) if batch is None else batches.rows(self.epoch, batch)

    @property
    def first_rows(self) -> NDArray[np.intp]:
        """The rows of the first batch of the present epoch; all rows where there is nothing to train with."""
        batches = self.batches
        return batches.rows(self.epoch, 0) if batches.count else np.arange(self.dataset.rows)
