"""The compiled kernel computes what the numpy engine and the stepper compute."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from graph_strategies import Case, Shape, cases, random_network, random_targets
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core import fast_kernel
from core.activations import ACTIVATIONS
from core.batches import dropout_masks
from core.engine import Engine
from core.errors import TrainingError
from core.losses import LOSSES
from core.network import Network, Role
from core.optimizers import OPTIMIZERS, Penalty, Stepper
from core.plan import Plan, compile_network

pytestmark = pytest.mark.skipif(not fast_kernel.available(), reason="numba is not installed")

Vector = NDArray[np.float64]
# The smaller ones of what the program suggests, so that rounding errors do not grow into other paths.
RATES = {name: min(0.01, optimizer.suggested_rate) for name, optimizer in OPTIMIZERS.items()}


class Pair:
    """The same network, table and choices for the kernel and for numpy."""

    def __init__(
        self,
        network: Network,
        x: Vector,
        targets: Vector,
        *,
        loss: str,
        mean: bool = True,
        optimizer: str = "sgd",
        rate: float | None = None,
        update_biases: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        size: int = 1,
    ) -> None:
        self.plan: Plan = compile_network(network)
        self.x, self.targets, self.size = x, targets, size
        self.rate = RATES[optimizer] if rate is None else rate
        trainable = self.plan.trainable(update_biases=update_biases)
        self.kernel = fast_kernel.FastKernel(
            self.plan,
            loss=loss,
            mean=mean,
            x=x,
            targets=targets,
            trainable=trainable,
            optimizer=optimizer,
            options={},
            l1=l1,
            l2=l2,
        )
        self.parameters = self.plan.pack(network.values)
        self.slots = [np.zeros(self.plan.size) for _ in OPTIMIZERS[optimizer].slots]
        self.made = 0
        self.engine = Engine(self.plan, loss=loss, mean=mean)
        self.engine.load(network.values)
        weights = self.plan.weights()
        self.stepper = Stepper(OPTIMIZERS[optimizer], self.plan.size, trainable=trainable, weights=weights)
        self.penalty = Penalty(weights, l1=l1, l2=l2)
        self.order = np.arange(len(x))
        self.loss = 0.0

    def run_kernel(self, count: int, *, batch: int = 0, masks: Vector | None = None) -> int:
        made = self.kernel.run(
            self.parameters,
            self.slots,
            self.made,
            order=self.order,
            size=self.size,
            batch=batch,
            count=count,
            rate=self.rate,
            masks=masks,
        )
        self.made += made
        return made

    def run_numpy(self, count: int, *, masks: Vector | None = None) -> None:
        batches = -(-len(self.order) // self.size)
        with np.errstate(all="ignore"):
            for update in range(count):
                start = update % batches * self.size
                rows = self.order[start : start + self.size]
                if masks is not None:
                    self.engine.set_masks(masks[update][:, : len(rows)])
                self.engine.forward(self.x[rows])
                self.loss = self.engine.loss_value(self.targets[rows])
                self.engine.backward()
                self.penalty.add_to(self.engine.gradient, self.engine.parameters)
                self.stepper.step(self.engine.parameters, self.engine.gradient, self.rate)

    def check(self, tolerance: float = 1e-12) -> None:
        places = self.plan.name_positions
        assert relative(self.parameters[places], self.engine.parameters[places]) <= tolerance
        for slot, (name, expected) in zip(self.slots, self.stepper.slots.items(), strict=True):
            # Averages of squares double the relative error.
            assert relative(slot[places], expected[places]) <= 100 * tolerance, name
        assert abs(self.kernel.loss - self.loss) <= tolerance * max(1.0, abs(self.loss))


def relative(found: Vector, expected: Vector) -> float:
    """The largest difference, relative to the largest number."""
    if not len(expected):
        return 0.0
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300))


def smooth(network: Network) -> Network:
    """The same network without jumps in value or slope, at which one rounding error leads to another path."""
    for neuron in list(network.neurons.values()):
        if neuron.activation in ("relu", "leaky_relu", "elu", "step"):
            network.set_activation(neuron.id, "tanh")
    return network


@given(cases(max_neurons=25, max_batch=20), st.sampled_from([1, 3, 8, 20]), st.booleans())
def test_one_update_of_any_graph(case: Case, size: int, update_biases: bool) -> None:
    pair = Pair(
        case.network,
        case.x,
        case.targets,
        loss=case.loss,
        mean=case.mean,
        update_biases=update_biases,
        size=size,
    )
    before = pair.parameters.copy()
    pair.run_numpy(1)
    if np.isfinite(pair.loss) and np.isfinite(pair.engine.parameters).all():
        assert pair.run_kernel(1) == 1
        places = pair.plan.name_positions
        # The change is what was computed: it is compared itself, to what rounding of its terms allows.
        change, expected = (pair.parameters - before)[places], (pair.engine.parameters - before)[places]
        scale = max(np.abs(before).max(initial=0.0), np.abs(expected).max(initial=0.0))
        assert np.abs(change - expected).max(initial=0.0) <= 1e-12 * scale
        assert abs(pair.kernel.loss - pair.loss) <= 1e-12 * max(1.0, abs(pair.loss))


# Each loss and its part of the seed. With some networks a thousand updates make any rounding large, such as where
# RMSProp divides a gradient that is nothing but rounding by its size; with these rounding errors stay 100 times
# smaller than what is allowed.
LONG_RUNS = {
    "half_squared_error": 0,
    "squared_error": 1,
    "mean_squared_error": 10,
    "mean_absolute_error": 3,
    "huber": 4,
    "binary_cross_entropy": 5,
    "cross_entropy": 6,
    "half_mean_squared_error": 7,
    "summed_binary_cross_entropy": 10,
}


def test_each_loss_has_a_long_run() -> None:
    assert LONG_RUNS.keys() == LOSSES.keys()


@pytest.mark.parametrize("loss", LONG_RUNS)
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_a_thousand_updates(optimizer: str, loss: str) -> None:
    # Each optimizer and each loss meets all three networks, but not each pair of them.
    meets = (list(OPTIMIZERS).index(optimizer) + list(LONG_RUNS).index(loss)) % 3
    rng = np.random.default_rng([list(OPTIMIZERS).index(optimizer), LONG_RUNS[loss]])
    for trial in range(3):
        shape = Shape(
            inputs=3,
            hidden=8,
            outputs=3,
            softmax=2 * (trial % 2),
            tied=True,
            frozen=trial == 2,
            probabilities=LOSSES[loss].probabilities,
        )
        network = smooth(random_network(rng, shape))
        pair = Pair(
            network,
            rng.normal(size=(11, 3)),
            random_targets(rng, (11, 3), loss),
            loss=loss,
            mean=trial != 1,
            optimizer=optimizer,
            rate=0.001,
            update_biases=trial != 2,
            l1=0.0 if trial else 1e-3,
            l2=0.0 if trial else 1e-2,
            size=(4, 11, 1)[trial],
        )
        if trial != meets:
            continue
        start = pair.parameters.copy()
        pair.run_numpy(1000)
        assert pair.run_kernel(1000) == 1000
        pair.check()
        trainable = pair.plan.trainable(update_biases=trial != 2)
        if trainable is not None:
            np.testing.assert_array_equal(pair.parameters[trainable == 0], start[trainable == 0])


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
def test_every_activation(activation: str, size: int) -> None:
    rng = np.random.default_rng(5)
    network = random_network(rng, Shape(inputs=2, hidden=4, outputs=1, density=1.0))
    for neuron in list(network.neurons.values()):
        if neuron.role is not Role.INPUT:
            network.set_activation(neuron.id, activation)
    # Far inputs, too: where exponentials overflow or vanish.
    x = rng.normal(size=(14, 2)) * np.repeat([1.0, 1e-9, 30.0, 1e3, 0.0, 3.0, 1.0], 2)[:, np.newaxis]
    if activation == "sine":
        # Far out its slope changes so fast that rounding errors grow a thousandfold with each update.
        x = np.clip(x, -3.0, 3.0)
    pair = Pair(network, x, rng.normal(size=(14, 1)), loss="huber", rate=1e-3, size=size)
    pair.run_numpy(40)
    pair.run_kernel(40)
    pair.check()


def test_dropout_with_the_same_masks() -> None:
    rng = np.random.default_rng(3)
    network = smooth(random_network(rng, Shape(inputs=3, hidden=6, outputs=2, density=1.0)))
    for neuron in ("h2", "h5", "h6"):
        network.set_dropout(neuron, 0.4)
    for size in (1, 4, 10):
        pair = Pair(network, rng.normal(size=(10, 3)), rng.normal(size=(10, 2)), loss="squared_error", size=size)
        rates = pair.plan.dropout_rates
        masks = np.stack([dropout_masks(rates, size, seed=1, update=u) for u in range(300)])
        pair.run_numpy(300, masks=masks)
        assert pair.run_kernel(300, masks=masks) == 300
        pair.check()


def sample_pair(**choices: object) -> Pair:
    rng = np.random.default_rng(8)
    network = smooth(random_network(rng, Shape(inputs=2, hidden=3, outputs=1, density=1.0)))
    given = {"loss": "mean_squared_error", "size": 4, "rate": 0.05} | choices
    return Pair(network, rng.normal(size=(10, 2)), rng.normal(size=(10, 1)), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_slices_give_the_bits_of_one_run(optimizer: str) -> None:
    whole, parts = sample_pair(optimizer=optimizer), sample_pair(optimizer=optimizer)
    whole.run_kernel(100)
    for count in (1, 5, 30, 64):
        parts.run_kernel(count, batch=parts.made % 3)
    np.testing.assert_array_equal(whole.parameters, parts.parameters)
    assert whole.kernel.loss == parts.kernel.loss


def test_a_rate_for_each_epoch() -> None:
    one, other = sample_pair(), sample_pair()
    rates = np.array([0.1, 0.03, 0.01])
    one.rate = rates  # type: ignore[assignment]
    one.run_kernel(11, batch=1)
    for rate, count, batch in ((0.1, 2, 1), (0.03, 3, 0), (0.01, 6, 0)):
        other.rate = rate
        other.run_kernel(count, batch=batch)
    np.testing.assert_array_equal(one.parameters, other.parameters)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_it_stops_before_the_update_that_spoils(optimizer: str) -> None:
    pair = sample_pair(optimizer=optimizer, rate=0.01)
    assert pair.run_kernel(5) == 5
    former, slots = pair.parameters.copy(), [slot.copy() for slot in pair.slots]
    pair.rate = np.inf
    assert pair.run_kernel(5, batch=2) == 0
    np.testing.assert_array_equal(pair.parameters, former)
    for slot, kept in zip(pair.slots, slots, strict=True):
        np.testing.assert_array_equal(slot, kept)


def test_it_stops_before_an_infinite_loss() -> None:
    pair = sample_pair()
    pair.x[5, 0] = np.nan
    bad = Pair(pair.plan.network, pair.x, pair.targets, loss="mean_squared_error", size=4)
    assert bad.run_kernel(9) == 1
    assert np.isfinite(bad.parameters).all()
    assert np.isfinite(bad.kernel.loss)


def test_what_does_not_fit_is_refused() -> None:
    pair = sample_pair()
    with pytest.raises(ValueError, match="no batch 3 of 4"):
        pair.run_kernel(1, batch=3)
    with pytest.raises(ValueError, match="shape of the masks"):
        pair.run_kernel(1, masks=np.ones((1, 2, 4)))
    pair.order = np.array([0, 10])
    with pytest.raises(ValueError, match="some of the 10 rows"):
        pair.run_kernel(1)


def test_a_network_without_edges_or_inputs() -> None:
    network = Network()
    network.add_neuron(Role.OUTPUT, id="o", activation="tanh", bias=0.3)
    pair = Pair(network, np.zeros((3, 0)), np.ones((3, 1)), loss="half_squared_error", size=2)
    pair.run_numpy(10)
    assert pair.run_kernel(10) == 10
    pair.check()


def test_bad_choices_are_named() -> None:
    pair = sample_pair()
    arguments = {"mean": True, "x": pair.x, "targets": pair.targets, "trainable": None}
    with pytest.raises(TrainingError, match="has no option"):
        fast_kernel.FastKernel(
            pair.plan,
            loss="huber",
            optimizer="sgd",
            options={"momentum": 0.9},
            **arguments,  # type: ignore[arg-type]
        )
    network = Network()
    network.add_neuron(Role.INPUT, id="x")
    with pytest.raises(TrainingError, match="no output neuron"):
        fast_kernel.FastKernel(
            compile_network(network),
            loss="huber",
            optimizer="sgd",
            options={},
            **arguments,  # type: ignore[arg-type]
        )


def test_it_is_chosen_for_small_networks_only() -> None:
    rng = np.random.default_rng(1)
    small = compile_network(random_network(rng, Shape(inputs=2, hidden=4, outputs=1)))
    large = compile_network(random_network(rng, Shape(inputs=60, hidden=100, outputs=10, density=0.9)))
    assert fast_kernel.is_faster(small, 1)
    assert fast_kernel.is_faster(small, 400)
    assert not fast_kernel.is_faster(small, 100_000)
    assert not fast_kernel.is_faster(large, 1)


def test_asking_for_it_does_not_import_numba() -> None:
    code = "import sys; from core import fast_kernel; fast_kernel.available(); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
