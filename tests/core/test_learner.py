"""The learner: the state that updates go on from, and losses over a table. Its updates are in test_training.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_strategies import bits, other_options, small_project

from core import fast_kernel, learning
from core.errors import TrainingError
from core.learning import Learner, can_be_fast, rate_of
from core.optimizers import OPTIMIZERS
from core.plan import compile_network
from core.project import Project
from core.settings import Memory, Settings


def learner_of(project: Project, **changes: object) -> Learner:
    learner = Learner(compile_network(project.network), replace(project.settings, **changes))
    learner.load(project.network.values, project.memory)
    return learner


def table(project: Project) -> tuple[np.ndarray, np.ndarray]:
    network, dataset = project.network, project.dataset
    return dataset.matrix([n.id for n in network.inputs]), dataset.matrix([n.id for n in network.outputs])


def make_updates(learner: Learner, project: Project, count: int) -> None:
    x, targets = table(project)
    for _ in range(count):
        learner.gradient(x, targets, masks=None)
        learner.step(0.05)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_what_is_remembered_leads_on_as_if_nothing_had_been_stored(name: str, precision: str) -> None:
    project = small_project(optimizer=name, optimizer_options=other_options(name), precision=precision)
    whole = learner_of(project)
    make_updates(whole, project, 5)
    half = learner_of(project)
    make_updates(half, project, 2)
    project.network.set_values(half.plan.unpack(half.engine.parameters))
    project.memory = half.memory()
    rest = learner_of(project)
    make_updates(rest, project, 3)
    assert rest.engine.parameters.tobytes() == whole.engine.parameters.tobytes()
    assert rest.memory() == whole.memory()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_moment_can_be_come_back_to(name: str) -> None:
    project = small_project(optimizer=name)
    learner = learner_of(project)
    make_updates(learner, project, 2)
    moment = learner.moment()
    make_updates(learner, project, 3)
    after = learner.engine.parameters.tobytes()
    learner.restore(moment)
    assert learner.engine.parameters.tobytes() == moment.parameters.tobytes()
    make_updates(learner, project, 3)
    assert learner.engine.parameters.tobytes() == after
    slots = len(OPTIMIZERS[name].slots)
    assert moment.nbytes == (1 + slots) * moment.parameters.nbytes


def test_only_optimizers_with_slots_remember_anything() -> None:
    project = small_project()
    assert learner_of(project).memory() is None
    memory = learner_of(project, optimizer="adam").memory()
    assert memory is not None
    assert memory.updates == 0
    assert set(memory.slots) == {"first_moment", "second_moment"}
    assert memory.slots["first_moment"] == dict.fromkeys(project.network.values, 0.0)


def test_a_memory_of_other_slots_is_left_out_and_a_missing_number_is_0() -> None:
    project = small_project(optimizer="momentum")
    project.memory = Memory(7, {"first_moment": {"w1": 1.0}})
    memory = learner_of(project).memory()
    assert memory is not None
    assert memory.updates == 0
    assert set(memory.slots["velocity"].values()) == {0.0}
    project.memory = Memory(7, {"velocity": {"w1": 1.5}})
    memory = learner_of(project).memory()
    assert memory is not None
    assert memory.updates == 7
    assert memory.slots["velocity"] == dict.fromkeys(project.network.values, 0.0) | {"w1": 1.5}


def test_a_moment_of_another_optimizer_gives_its_parameters_alone() -> None:
    project = small_project(optimizer="momentum")
    momentum = learner_of(project)
    make_updates(momentum, project, 3)
    nesterov = learner_of(project, optimizer="nesterov")
    make_updates(nesterov, project, 1)
    nesterov.restore(momentum.moment())
    assert nesterov.engine.parameters.tobytes() == momentum.engine.parameters.tobytes()
    memory = nesterov.memory()
    assert memory is not None
    assert memory.updates == 0
    assert set(memory.slots["velocity"].values()) == {0.0}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_frozen_keeps_its_bits_whatever_else_is_chosen(name: str) -> None:
    project = small_project(optimizer=name, l1=0.1, l2=0.3)
    frozen = ["w1", "w9", "h2"]
    for parameter in frozen:
        project.network.set_frozen(parameter)
    for update_biases in (True, False):
        learner = learner_of(project, update_biases=update_biases)
        make_updates(learner, project, 5)
        after = learner.plan.unpack(learner.engine.parameters)
        kept = {*frozen, *([] if update_biases else ["h1", "h3", "o1"])}
        before = project.network.values
        assert {i for i in before if bits({i: after[i]}) == bits({i: before[i]})} == kept
        memory = learner.memory()
        for numbers in memory.slots.values() if memory else ():
            assert all(numbers[parameter] == 0.0 for parameter in kept)


def test_options_that_are_not_allowed_are_refused() -> None:
    with pytest.raises(TrainingError, match="momentum is 2"):
        learner_of(small_project(optimizer="momentum", optimizer_options={"momentum": 2.0}))


# Losses over a table


@pytest.mark.parametrize("mean", [True, False])
def test_a_loss_over_many_rows_is_that_of_its_parts(mean: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    project = small_project(rows=23, test_rows=5, batch_mean=mean)
    x, targets = table(project)
    learner = learner_of(project)
    rows = project.dataset.training_rows
    whole, outputs = learner.evaluate(x, targets, rows)
    learner.engine.forward(x[rows])
    assert whole == learner.engine.loss_value(targets[rows])
    monkeypatch.setattr(learning, "PART", 7 * learner.plan.row_count)
    loss, in_parts = learner.evaluate(x, targets, rows)
    assert loss == pytest.approx(whole, rel=1e-14)
    np.testing.assert_allclose(in_parts, outputs, rtol=1e-14)
    assert outputs.shape == (18, 1)


def test_a_loss_over_the_table_knows_no_dropout() -> None:
    plain, dropping = small_project(rows=9), small_project(rows=9, dropout=0.6)
    x, targets = table(plain)
    rows = np.arange(9)
    learner = learner_of(dropping)
    loss = learner_of(plain).evaluate(x, targets, rows)[0]
    assert learner.evaluate(x, targets, rows)[0] == loss
    masks = learner.masks(1, 9)
    assert masks is not None
    assert learner.gradient(x, targets, masks=masks) != loss
    assert learner.evaluate(x, targets, rows)[0] == loss
    assert learner_of(plain).masks(1, 9) is None
    assert learner_of(dropping, precision="float32").masks(1, 9).dtype == np.float32  # type: ignore[union-attr]


# Choices


def test_the_rate_of_an_epoch() -> None:
    settings = Settings(learning_rate=0.8, schedule="step", schedule_options={"epochs": 3.0, "factor": 0.5})
    assert [rate_of(settings, epoch) for epoch in (0, 2, 3, 6)] == [0.8, 0.8, 0.4, 0.2]


def test_the_compiled_kernel_is_for_float64_and_small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = compile_network(small_project().network)
    monkeypatch.setattr(fast_kernel, "available", lambda: True)
    monkeypatch.setattr(fast_kernel, "prepare", lambda: None)
    assert can_be_fast(plan, Settings(), 1)
    assert not can_be_fast(plan, Settings(precision="float32"), 1)
    assert not can_be_fast(plan, Settings(), 10**6)
    monkeypatch.setattr(fast_kernel, "available", lambda: False)
    assert not can_be_fast(plan, Settings(), 1)


def test_a_numba_that_does_not_work_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("Numba needs NumPy 2.2 or less.")

    monkeypatch.setattr(fast_kernel, "available", lambda: True)
    monkeypatch.setattr(fast_kernel, "prepare", broken)
    assert not can_be_fast(compile_network(small_project().network), Settings(), 1)


def test_settings_that_train_alike() -> None:
    settings = Settings()
    for same in ({"epochs": 3}, {"stop_loss": 0.1}, {"patience": 3}, {"initializer": "zeros"}):
        assert settings.trains_as(replace(settings, **same))
    for rate in ({"learning_rate": 0.1}, {"batch_size": 3}, {"shuffle": True}, {"schedule": "cosine"}):
        other = replace(settings, **rate)
        assert not settings.trains_as(other)
        assert settings.learns_as(other)
    for choice in ({"optimizer": "adam"}, {"l1": 0.1}, {"l2": 0.1}, {"precision": "float32"}, {"seed": 2}):
        assert not settings.learns_as(replace(settings, **choice))
        assert not settings.trains_as(replace(settings, **choice))
