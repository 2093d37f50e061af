"""Whole training against PyTorch: the same batches, penalties, schedules, frozen parameters and dropout masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from training_strategies import SCHEDULES, bits, other_options, small_project, train

from core import fast_kernel
from core.batches import dropout_masks
from core.network import Network, Role
from core.optimizers import OPTIMIZERS
from core.plan import compile_network
from core.project import Project
from core.settings import Settings
from core.training import Run

torch = pytest.importorskip("torch")
F = torch.nn.functional

UPDATES = 100
TOLERANCE = 1e-9
FROZEN = ("w2", "w8", "h3")
ACTIVATIONS = {"tanh": torch.tanh, "sigmoid": torch.sigmoid}


def make_optimizer(settings: Settings, weights: list[Any], biases: list[Any]) -> Any:
    """PyTorch's optimizer with our options; weight decay is for weights only."""
    options, name = dict(settings.optimizer_options), settings.optimizer
    groups = [{"params": weights}, {"params": biases}]
    if "beta1" in options:
        options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    if name == "adamw":
        groups[1]["weight_decay"] = 0.0  # type: ignore[assignment]
    if name in ("momentum", "nesterov"):
        options = {"momentum": 0.9, "nesterov": name == "nesterov", **options}
    kind = {
        "sgd": torch.optim.SGD,
        "momentum": torch.optim.SGD,
        "nesterov": torch.optim.SGD,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }[name]
    return kind(groups, lr=settings.learning_rate, **options)


def make_scheduler(settings: Settings, optimizer: Any) -> Any:
    """PyTorch's schedule, which makes one step an epoch."""
    schedulers, options = torch.optim.lr_scheduler, settings.schedule_options
    match settings.schedule:
        case "step":
            return schedulers.StepLR(optimizer, int(options["epochs"]), gamma=0.1)
        case "exponential":
            return schedulers.ExponentialLR(optimizer, options["factor"])
        case "cosine":
            return schedulers.CosineAnnealingLR(optimizer, int(options["epochs"]))
    return schedulers.ConstantLR(optimizer, factor=1.0)


class TorchTraining:
    """The same network as torch's tensors, trained on the rows that a run was trained on."""

    def __init__(self, project: Project, run: Run) -> None:
        self.project, self.run = project, run
        network, settings = project.network, project.settings
        self.parameters = {
            name: torch.tensor(value, dtype=torch.float64, requires_grad=name not in network.frozen)
            for name, value in network.values.items()
        }
        free = {name: p for name, p in self.parameters.items() if p.requires_grad}
        self.weights = [p for name, p in free.items() if name in network.edges]
        biases = [p for name, p in free.items() if name not in network.edges]
        if not settings.update_biases:
            for bias in biases:
                bias.requires_grad_(False)
            biases = []
        self.optimizer = make_optimizer(settings, self.weights, biases)
        self.scheduler = make_scheduler(settings, self.optimizer)
        self.columns = {name: torch.tensor(np.array(project.dataset.seen(name))) for name in project.dataset.columns}
        self.plan = compile_network(network)

    def outputs(self, rows: Any, update: int) -> list[Any]:
        network, settings = self.project.network, self.project.settings
        masks = dropout_masks(self.plan.dropout_rates, len(rows), seed=settings.seed, update=update)
        dropped = dict(zip(self.plan.dropout_neurons, torch.tensor(masks), strict=True))
        a = {n.id: self.columns[n.id][rows] for n in network.inputs}
        for members in network.levels():
            for name in members:
                neuron = network.neurons[name]
                if neuron.role is Role.INPUT:
                    continue
                z = self.parameters[name].expand(len(rows))
                for edge in network.incoming(name):
                    z = z + self.parameters[edge.parameter] * a[edge.source]
                a[name] = ACTIVATIONS[neuron.activation](z) * dropped.get(name, 1.0)
        return [a[n.id] for n in network.outputs]

    def make_update(self, update: int) -> None:
        settings = self.project.settings
        rows = torch.tensor(np.array(self.run.rows_of(update)))
        targets = [self.columns[n.id][rows] for n in self.project.network.outputs]
        shares = [0.5 * (a - t) ** 2 for a, t in zip(self.outputs(rows, update), targets, strict=True)]
        loss = torch.stack(shares).sum()
        if settings.batch_mean:
            loss = loss / len(rows)
        for weight in self.weights:
            loss = loss + 0.5 * settings.l2 * weight**2 + settings.l1 * weight.abs()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.run.epoch_at(update) > self.run.epoch_at(update - 1):
            self.scheduler.step()

    def values(self) -> dict[str, float]:
        return {name: p.item() for name, p in self.parameters.items()}


def check_against_torch(project: Project) -> None:
    run = Run(project)
    train(run, -(-UPDATES // project.batches.count))
    sizes = {len(run.rows_of(update)) for update in range(1, project.batches.count + 1)}
    assert len(sizes) == 1 + bool(len(project.dataset.training_rows) % project.batches.size)
    theirs = TorchTraining(project, run)
    moved = False
    for update in range(1, UPDATES + 1):
        theirs.make_update(update)
        if update in (1, 2, 10, UPDATES):
            ours = run.parameters_at(update)
            assert ours == pytest.approx(theirs.values(), rel=TOLERANCE, abs=TOLERANCE)
            frozen = {name: value for name, value in project.network.values.items() if name in project.network.frozen}
            assert bits({name: ours[name] for name in frozen}) == bits(frozen)
            moved = all(ours[name] != value for name, value in project.network.values.items() if name not in frozen)
    assert moved or not project.settings.update_biases


def freeze(network: Network) -> None:
    for name in FROZEN:
        network.set_frozen(name)


@pytest.fixture(params=["numpy", "kernel"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training by numpy alone, and by the compiled kernel where that is installed."""
    if request.param == "kernel" and not fast_kernel.available():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(fast_kernel, "available", lambda: request.param == "kernel")


@pytest.mark.parametrize("options", ["own", "default"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_hundred_updates_with_everything_agree(name: str, options: str) -> None:
    project = small_project(
        rows=14,
        test_rows=3,
        optimizer=name,
        optimizer_options=other_options(name) if options == "own" else {},
        learning_rate=0.05,
        batch_size=4,
        shuffle=True,
        l1=0.003,
        l2=0.01,
        schedule="cosine",
        schedule_options={"epochs": 40.0},
    )
    freeze(project.network)
    check_against_torch(project)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dropout_with_the_same_masks_agrees(name: str) -> None:
    project = small_project(
        rows=11, dropout=0.4, seed=3, hidden=5, optimizer=name, learning_rate=0.03, batch_size=4, shuffle=True
    )
    check_against_torch(project)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_agrees(schedule: str) -> None:
    project = small_project(
        rows=5, optimizer="adam", learning_rate=0.1, schedule=schedule, schedule_options=SCHEDULES[schedule]
    )
    check_against_torch(project)


@pytest.mark.parametrize("settings", [{"batch_mean": False}, {"update_biases": False}, {"batch_size": 0}, {"l1": 0.5}])
def test_other_choices_agree(settings: dict[str, Any]) -> None:
    project = small_project(rows=7, seed=5, optimizer="adamw", **{"learning_rate": 0.02, "batch_size": 3} | settings)
    check_against_torch(project)


def test_tied_weights_agree() -> None:
    project = small_project(rows=9, optimizer="nesterov", learning_rate=0.05, batch_size=4, l2=0.02)
    project.network.tie("w2", "w1")
    project.network.tie("w9", "w1")
    check_against_torch(project)
