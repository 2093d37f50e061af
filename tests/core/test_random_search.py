"""Trial and error beside gradient descent: what is drawn, what is kept, what it costs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from training_strategies import bits, judge, small_project

from core.engine import Engine
from core.errors import TrainingError
from core.network import Network
from core.plan import compile_network
from core.project import Project
from core.random_search import RandomSearch, random_search


def computed(project: Project, **given: Any) -> RandomSearch:
    search = RandomSearch(project, **{"budget": 60, "seed": 3, "spread": 0.1, **given})
    for _ in search.compute():
        pass
    return search


def table_loss(project: Project, values: dict[str, float]) -> float:
    """The loss over the training rows, computed anew."""
    network, dataset, settings = project.network, project.dataset, project.settings
    engine = Engine(compile_network(network), loss=settings.loss, mean=settings.batch_mean)
    engine.load(values)
    engine.forward(dataset.matrix([n.id for n in network.inputs], dataset.training_rows))
    return engine.loss_value(dataset.matrix([n.id for n in network.outputs], dataset.training_rows))


@pytest.mark.parametrize("mode", ["change", "fresh"])
def test_what_is_kept_is_never_worse_and_has_the_loss_that_is_shown(mode: Literal["change", "fresh"]) -> None:
    project = small_project(7, test_rows=2)
    search = computed(project, mode=mode)
    assert search.search_losses[0] == pytest.approx(table_loss(project, project.network.values), rel=1e-14)
    assert (np.diff(search.search_losses) <= 0).all()
    assert np.count_nonzero(np.diff(search.search_losses)) == search.kept > 0
    assert search.search_losses[-1] == pytest.approx(table_loss(project, search.best), rel=1e-14)
    assert search.search_evaluations.tolist() == list(range(1, 61))


def test_each_trial_is_a_normal_change_of_the_best_so_far() -> None:
    project = small_project(4)
    search = computed(project, budget=40, seed=9, spread=0.2)
    rng, plan = np.random.default_rng([9, 5]), compile_network(project.network)
    best, losses = dict(project.network.values), [table_loss(project, project.network.values)]
    for _ in range(39):
        changes = dict(zip(plan.names, rng.normal(scale=0.2, size=len(plan.names)).tolist(), strict=True))
        trial = {name: value + changes[name] for name, value in best.items()}
        loss = table_loss(project, trial)
        if loss < losses[-1]:
            best = trial
        losses.append(min(loss, losses[-1]))
    assert search.search_losses == pytest.approx(losses, rel=1e-12)


def test_fresh_trials_forget_what_was_before() -> None:
    project = small_project(4)
    for name in project.network.values:
        project.network.set_value(name, 1000.0)
    search = computed(project, mode="fresh", spread=0.5)
    assert max(map(abs, search.best.values())) < 5.0


def test_frozen_parameters_biases_and_ties_are_as_in_training() -> None:
    project = small_project(4, update_biases=False)
    project.network.set_frozen("w1", True)
    project.network.tie("w3", "w2")
    before = dict(project.network.values)
    search = computed(project)
    moved = {name for name, value in search.best.items() if value != before[name]}
    assert moved == {name for name in project.network.values if name in project.network.edges} - {"w1"}
    assert search.search_losses[-1] == pytest.approx(table_loss(project, search.best), rel=1e-14)


@pytest.mark.parametrize(("batch_size", "cost"), [(0, 2.0), (1, 2 / 5), (2, 4 / 5), (5, 2.0)])
def test_an_update_costs_two_passes_over_its_rows(batch_size: int, cost: float) -> None:
    project = small_project(5, batch_size=batch_size)
    search = computed(project, budget=20)
    costs = search.descent_evaluations
    assert costs[0] == 0.0
    assert costs[-1] <= 20 < costs[-1] + cost + 1
    if batch_size in (0, 5):
        assert costs.tolist() == list(range(0, 21, 2))
    # Looked at once an evaluation at most, however small the updates are.
    assert len(costs) <= 21
    assert (np.diff(np.floor(costs)) >= 1).all()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 2, "shuffle": True},
        {"optimizer": "adam", "learning_rate": 0.05, "l2": 0.01, "batch_size": 0},
        {"schedule": "exponential", "schedule_options": {"factor": 0.9}, "batch_size": 3},
    ],
)
def test_gradient_descent_is_the_project_s_own(settings: dict[str, Any]) -> None:
    project = small_project(6, dropout=0.3, **settings)
    search = computed(project, budget=10)
    # The judge makes one update after the other, with nothing of the search's.
    states = list(judge(project, project.settings, epochs=5))
    per_update = 2 * (project.settings.batch_size or 6) / 6
    for cost, loss in zip(search.descent_evaluations[1:], search.descent_losses[1:], strict=True):
        state, _, _ = states[round(cost / per_update) - 1]
        values = {name: float.fromhex(text) for name, text in state.items()}  # type: ignore[attr-defined]
        assert loss == pytest.approx(table_loss(project, values), rel=1e-12)


def test_both_begin_at_update_0_and_the_project_is_left_as_it_is() -> None:
    project = small_project(4)
    project.start = dict.fromkeys(project.network.values, 0.25)
    project.updates, project.epoch = 5, 1
    before = bits(project.network.values)
    search = computed(project)
    start = table_loss(project, project.start)
    assert search.search_losses[0] == search.descent_losses[0] == pytest.approx(start, rel=1e-14)
    assert bits(project.network.values) == before
    assert (project.updates, project.epoch, project.memory) == (5, 1, None)


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    project = small_project(4)
    (_, one), (_, descent) = random_search(project, budget=30, seed=1, spread=0.1)
    (_, again), _ = random_search(project, budget=30, seed=1, spread=0.1)
    (_, other), (_, other_descent) = random_search(project, budget=30, seed=2, spread=0.1)
    assert one.tobytes() == again.tobytes() != other.tobytes()
    assert descent.tobytes() == other_descent.tobytes()


def test_it_goes_in_slices_and_both_curves_keep_up() -> None:
    search = RandomSearch(small_project(4), budget=30, seed=1, spread=0.1)
    slices = search.compute()
    assert np.isnan(search.search_losses).all()
    for done in range(1, 31):
        assert next(slices) == done
        assert np.isfinite(search.search_losses[:done]).all()
        assert np.isnan(search.search_losses[done:]).all()
        reached = search.descent_evaluations[np.isfinite(search.descent_losses)]
        assert done - 3 <= reached[-1] <= done + 1
    list(slices)
    assert np.isfinite(search.descent_losses).all()


def test_gradient_descent_learns_more_with_the_same_budget() -> None:
    project = small_project(20, seed=4, hidden=30, learning_rate=2.0, batch_size=0)
    search = computed(project, budget=600, spread=0.05)
    assert search.descent_losses[-1] < search.search_losses[-1] < search.search_losses[0]


def test_an_overflow_ends_the_descent_alone_and_says_so() -> None:
    project = small_project(4, learning_rate=1e300, loss="squared_error")
    project.network.set_activation("o1", "linear")
    search = computed(project)
    assert "smaller learning rate" in search.descent_problem
    assert np.isnan(search.descent_losses[-1])
    assert np.isfinite(search.search_losses).all()


def test_what_cannot_be_searched_is_refused() -> None:
    with pytest.raises(TrainingError, match="needs an output"):
        RandomSearch(Project(Network()), budget=10, seed=1, spread=0.1)
    project = small_project(4)
    for wrong in ({"budget": 0}, {"spread": 0.0}, {"spread": float("nan")}):
        with pytest.raises(TrainingError, match="at least one evaluation"):
            computed(project, **wrong)
    with pytest.raises(TrainingError, match="updated weights"):
        computed(small_project(4, batch_size=2, updated_weights=True))
    assert np.isfinite(computed(small_project(4, batch_size=1, updated_weights=True)).descent_losses).all()
    for name in project.network.values:
        project.network.set_frozen(name, True)
    with pytest.raises(TrainingError, match="frozen"):
        computed(project)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("budget", [1, 2, 7, 30])
def test_the_loss_is_looked_at_after_the_first_update_of_each_evaluation(batch_size: int, budget: int) -> None:
    project = small_project(7, batch_size=batch_size)
    rows = len(project.dataset.training_rows)
    batches, expected, used, update = project.batches, [0.0], 0, 0
    while True:
        start, stop = batches.bounds(update % batches.count)
        used, update = used + 2 * (stop - start), update + 1
        if used > budget * rows:
            break
        if used // rows > int(expected[-1]):
            expected.append(used / rows)
    search = RandomSearch(project, budget=budget, seed=1, spread=0.1)
    assert search.descent_evaluations.tolist() == expected
