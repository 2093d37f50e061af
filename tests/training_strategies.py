"""What tests of training share: a small project, settings of every sort, numbers to the bit, and a plain judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from graph_strategies import connect_all
from hypothesis import strategies as st

from core.batches import Batches
from core.dataset import Dataset
from core.history import LossPoint
from core.learning import Learner, rate_of
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.plan import compile_network
from core.project import Project
from core.settings import Memory, Settings
from core.training import Run

SCHEDULES = {"constant": {}, "step": {"epochs": 2.0}, "exponential": {"factor": 0.9}, "cosine": {"epochs": 5.0}}


def small_project(
    rows: int = 7, *, seed: int = 0, hidden: int = 3, test_rows: int = 0, dropout: float = 0.0, **settings: Any
) -> Project:
    """A 2-3-1 tanh network with a skip edge and random data; the first `test_rows` rows are held out."""
    rng = np.random.default_rng(seed)
    network = Network()
    inputs = [network.add_neuron("input").id for _ in range(2)]
    middle = [network.add_neuron("hidden", activation="tanh", bias=float(rng.normal())).id for _ in range(hidden)]
    output = network.add_neuron("output", activation="sigmoid").id
    connect_all(network, inputs, middle, lambda: float(rng.normal()))
    connect_all(network, [*middle, inputs[0]], [output], lambda: float(rng.normal()))
    for neuron in middle[: 2 if dropout else 0]:
        network.set_dropout(neuron, dropout)
    columns = {name: rng.uniform(-1, 1, rows) for name in inputs} | {output: rng.uniform(0, 1, rows)}
    dataset = Dataset(columns)
    dataset.set_test(range(test_rows))
    return Project(network, dataset, Settings(**settings))


def train(run: Run, epochs: int, settings: Settings | None = None) -> None:
    """Go on for so many epochs, with the run's own settings unless others are given."""
    for _ in run.train(run.last, settings or run.settings, epochs=epochs):
        pass


def bits(values: Mapping[str, float]) -> dict[str, str]:
    """Numbers such that only the same bits are equal."""
    return {name: value.hex() for name, value in values.items()}


def memory_bits(memory: Memory | None) -> object:
    """The same for what an optimizer remembers."""
    return memory and (memory.updates, {name: bits(numbers) for name, numbers in memory.slots.items()})


def state_at(run: Run, update: int) -> tuple[object, ...]:
    """All that a run goes on from after `update` updates."""
    return bits(run.parameters_at(update)), memory_bits(run.memory_at(update)), run.epoch_at(update)


def other_options(name: str) -> dict[str, float]:
    """Options of an optimizer that are not its defaults."""
    return {option.name: 0.8 * option.default for option in OPTIMIZERS[name].options}


@st.composite
def settings_of_any_sort(draw: st.DrawFn, **fixed: Any) -> Settings:
    """Settings with which a small network trains without overflow; what is `fixed` is not drawn."""
    optimizer, schedule = draw(st.sampled_from(list(OPTIMIZERS))), draw(st.sampled_from(list(SCHEDULES)))
    drawn = {
        "optimizer": optimizer,
        "optimizer_options": other_options(optimizer) if draw(st.booleans()) else {},
        "learning_rate": draw(st.sampled_from([0.3, 0.05])),
        "batch_size": draw(st.integers(0, 9)),
        "shuffle": draw(st.booleans()),
        "schedule": schedule,
        "schedule_options": SCHEDULES[schedule],
        "l1": draw(st.sampled_from([0.0, 0.01])),
        "l2": draw(st.sampled_from([0.0, 0.1])),
        "update_biases": draw(st.booleans()),
        "seed": draw(st.integers(1, 2)),
        "precision": draw(st.sampled_from(["float64", "float64", "float32"])),
    }
    return Settings(**drawn | fixed)


def judge(project: Project, settings: Settings, epochs: int) -> Iterator[tuple[object, ...]]:
    """The states after each update of some epochs, one gradient and one step at a time, without any history."""
    learner = Learner(compile_network(project.network), settings)
    learner.load(project.network.values, project.memory)
    dataset = project.dataset
    x, targets = (dataset.matrix([n.id for n in part]) for part in (project.network.inputs, project.network.outputs))
    batches = Batches(dataset.training_rows, settings.batch_size, shuffle=settings.shuffle, seed=settings.seed)
    update = project.updates
    for epoch in range(project.epoch, project.epoch + epochs):
        for batch in range(batches.count):
            rows = batches.rows(epoch, batch)
            learner.gradient(x[rows], targets[rows], masks=learner.masks(update + 1, len(rows)))
            learner.step(rate_of(settings, epoch))
            update += 1
            finished = epoch + (batch == batches.count - 1)
            values = learner.plan.unpack(learner.engine.parameters, kept=(project.network.values,))
            yield bits(values), memory_bits(learner.memory()), finished


def losses(run: Run) -> tuple[LossPoint, ...]:
    """The points with each loss computed anew."""
    return tuple(run.point_at(point.update) for point in run.points())
