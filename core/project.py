"""A project: a network with its data and settings, everything that one file holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.dataset import Dataset
from core.network import Network


@dataclass(frozen=True, slots=True)
class Settings:
    """How passes and updates are computed. Nothing here ever resets the network.

    `batch_size` 0 stands for all rows; `batch_mean`: the batch's loss is the mean over its samples, else the sum.
    `initializer`, `initializer_scale` and `seed` are what "New random weights" uses; `epochs` what "Run" does.
    """

    loss: str = "half_squared_error"
    learning_rate: float = 0.5
    batch_size: int = 1
    batch_mean: bool = True
    update_biases: bool = True
    seed: int = 1
    initializer: str = "xavier_uniform"
    initializer_scale: float = 1.0
    epochs: int = 100


@dataclass
class Project:
    """Network, data, settings, and how far training has come.

    `updates` counts the updates since the start; `start` holds the parameters at update 0 (None while
    `updates` is 0: they are the network's own). `title`, `source` and `notes` are for people.
    """

    network: Network = field(default_factory=Network)
    dataset: Dataset = field(default_factory=Dataset)
    settings: Settings = field(default_factory=Settings)
    updates: int = 0
    start: dict[str, float] | None = None
    title: str = ""
    source: str = ""
    notes: str = ""

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
        )

    def rename(self, old: str, new: str) -> None:
        """Give a neuron or an edge another id, in the network, the data and the start."""
        self.network.rename(old, new)
        self.dataset.rename(old, new)
        if self.start is not None and old in self.start:
            self.start = {new if i == old else i: value for i, value in self.start.items()}

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

    def batch_rows(self, row: int) -> range:
        """The rows of the batch that `row` belongs to; the last batch may be smaller."""
        rows = self.dataset.rows
        size = self.settings.batch_size or rows
        first = row // size * size if size else 0
        return range(first, min(first + size, rows))
