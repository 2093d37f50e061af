"""The choices that decide how passes and updates are computed, and what an optimizer remembers."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """How passes and updates are computed. Nothing here ever resets the network.

    `batch_size` 0 stands for all rows; `batch_mean`: the batch's loss is the mean over its samples, else the sum.
    `updated_weights`: what comes back through an edge is made with the weight that this very update gives it, as in
    some books and programs; with batches of one sample and no tied weights only.
    `initializer`, `initializer_scale` and `seed` are what "New random weights" uses; `epochs` what "Run" does.
    `optimizer_options` and `schedule_options` hold what differs from the defaults in core.optimizers and
    core.rate_schedules. `l1` and `l2` penalize weights, not biases. The `seed` also shuffles and draws dropout masks.
    A run ends early when the training loss is at most `stop_loss`, the accuracy at least `stop_accuracy`, or the
    loss (of the test rows, where there are some) has not become smaller for `patience` epochs; 0 is for ever.
    """

    loss: str = "half_squared_error"
    learning_rate: float = 0.5
    batch_size: int = 1
    batch_mean: bool = True
    update_biases: bool = True
    updated_weights: bool = False
    seed: int = 1
    initializer: str = "xavier_uniform"
    initializer_scale: float = 1.0
    epochs: int = 100
    optimizer: str = "sgd"
    optimizer_options: Mapping[str, float] = field(default_factory=dict)
    l1: float = 0.0
    l2: float = 0.0
    schedule: str = "constant"
    schedule_options: Mapping[str, float] = field(default_factory=dict)
    shuffle: bool = False
    precision: Literal["float64", "float32"] = "float64"
    stop_loss: float | None = None
    stop_accuracy: float | None = None
    patience: int = 0

    def _learner_part(self) -> tuple[object, ...]:
        options = tuple(sorted(self.optimizer_options.items()))
        what = (self.loss, self.batch_mean, self.update_biases, self.updated_weights, self.optimizer, options)
        return *what, self.l1, self.l2, self.precision, self.seed

    def learns_as(self, other: Settings) -> bool:
        """Whether the same samples make the same update, but for the learning rate."""
        return self._learner_part() == other._learner_part()

    def trains_as(self, other: Settings) -> bool:
        """Whether training goes on in the same way: the same batches make the same updates."""
        mine, others = (
            (s.learning_rate, s.batch_size, s.shuffle, s.schedule, dict(s.schedule_options)) for s in (self, other)
        )
        return self.learns_as(other) and mine == others


@dataclass(frozen=True, slots=True)
class Memory:
    """What an optimizer remembers between updates: each slot's number by parameter, after `updates` updates.

    A parameter without a number has 0, as at the start.
    """

    updates: int
    slots: Mapping[str, Mapping[str, float]]

    def rename(self, old: str, new: str) -> Memory:
        """The same with a parameter's new id."""
        slots = {
            name: {new if i == old else i: number for i, number in numbers.items()}
            for name, numbers in self.slots.items()
        }
        return Memory(self.updates, slots)

    def without_lost(self, parameters: Container[str]) -> Memory:
        """The same for these parameters alone; itself where it knows no others."""
        if all(i in parameters for numbers in self.slots.values() for i in numbers):
            return self
        slots = {
            name: {i: number for i, number in numbers.items() if i in parameters}
            for name, numbers in self.slots.items()
        }
        return Memory(self.updates, slots)
