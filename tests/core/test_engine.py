"""The engine's ways through a batch: bound tables, dropout, float32, and what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.activations import ACTIVATIONS, Array
from core.engine import KEPT_BATCHES, Engine, pass_sample
from core.errors import TrainingError
from core.losses import LOSSES
from core.network import Network, Role
from core.plan import compile_network


def engine_of(case: Case, dtype: str = "float64") -> Engine:
    engine = Engine(compile_network(case.network), loss=case.loss, mean=case.mean, dtype=dtype)
    engine.load(case.network.values)
    return engine


def with_dropout(case: Case, seed: int) -> Case:
    """The case with a dropout of a half in some of its hidden neurons."""
    rng = np.random.default_rng(seed)
    for neuron in list(case.network.neurons.values()):
        if neuron.role is Role.HIDDEN and rng.random() < 0.6:
            case.network.neurons[neuron.id] = replace(neuron, dropout=0.5)
    return case


def draw_masks(engine: Engine, batch: int, seed: int) -> Array:
    rates = engine.plan.dropout_rates[:, np.newaxis]
    return (np.random.default_rng(seed).random((len(rates), batch)) >= rates) / (1.0 - rates)


def chain(dropout: float = 0.0, activation: str = "tanh") -> Network:
    """x -> h -> o with weights 2 and 3 and biases 0.5 and 0."""
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation=activation, bias=0.5)
    network.add_neuron("output", id="o")
    network.connect("x", "h", weight=2.0, id="w1")
    network.connect("h", "o", weight=3.0, id="w2")
    network.neurons["h"] = replace(network.neurons["h"], dropout=dropout)
    return network


# Bound tables


@given(cases(max_neurons=25), st.integers(0, 3), st.booleans())
def test_rows_of_a_bound_table_give_the_same_bits_as_the_three_passes(case: Case, before: int, drop: bool) -> None:
    engine = engine_of(with_dropout(case, 1) if drop else case)
    batch = len(case.x)
    masks = draw_masks(engine, batch, 2) if drop else None
    padding = np.full((before, case.x.shape[1]), 7.0), np.full((before, case.targets.shape[1]), 0.25)
    engine.bind(np.concatenate([padding[0], case.x]), np.concatenate([padding[1], case.targets]))
    engine.set_masks(masks)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = engine.pass_rows(before, before + batch)
    gradient = engine.gradient.tobytes()
    again = engine_of(case)
    again.set_masks(masks)
    again.forward(case.x)
    assert again.loss_value(case.targets) == loss
    assert again.backward().tobytes() == gradient


def test_binding_as_many_rows_again_takes_the_place_of_the_former() -> None:
    engine = Engine(compile_network(chain()), loss="squared_error")
    engine.load(engine.plan.network.values)
    x, targets = np.array([[0.1], [0.2], [0.3]]), np.array([[1.0], [2.0], [3.0]])
    losses = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 2]):
        engine.bind(x[order], targets[order])
        losses.append([engine.pass_rows(k, k + 1) for k in range(len(order))])
    assert losses[1] == [losses[0][k] for k in (2, 0, 1)]
    assert losses[2] == losses[0][1:]


def test_the_table_is_a_copy() -> None:
    engine = Engine(compile_network(chain()))
    x, targets = np.array([[0.1]]), np.array([[1.0]])
    engine.bind(x, targets)
    before = engine.pass_rows(0, 1)
    x += 1.0
    targets += 1.0
    assert engine.pass_rows(0, 1) == before


def test_programs_are_kept_for_so_many_batches_only() -> None:
    engine = Engine(compile_network(chain()), loss="squared_error")
    engine.load(engine.plan.network.values)
    rows = KEPT_BATCHES + 10
    x = np.linspace(0.0, 1.0, rows)[:, np.newaxis]
    engine.bind(x, x)
    first = [engine.pass_rows(k, k + 1) for k in range(rows)]
    assert len(engine._batches) <= KEPT_BATCHES
    assert [engine.pass_rows(k, k + 1) for k in range(rows)] == first


def test_a_table_without_an_output_is_refused() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    with pytest.raises(TrainingError, match="no output neuron"):
        Engine(compile_network(network)).bind(np.zeros((2, 1)), np.zeros((2, 0)))


# Dropout


@pytest.mark.parametrize("mask", [0.0, 2.0])
def test_a_masked_neuron_gives_its_activation_times_the_mask(mask: float) -> None:
    engine = Engine(compile_network(chain(0.5)), loss="half_squared_error")
    engine.load(engine.plan.network.values)
    assert engine.plan.dropout_neurons == ("h",)
    assert engine.plan.dropout_rates.tolist() == [0.5]
    engine.set_masks(np.array([[mask]]))
    numbers = pass_sample(engine, np.array([0.25]), np.array([1.0]))
    h = np.tanh(1.0)
    assert numbers.activation("h") == pytest.approx(h, rel=1e-15)
    assert numbers.mask("h") == mask
    assert numbers.dropped_activation("h") == pytest.approx(mask * h, rel=1e-15)
    delta = 3.0 * mask * h - 1.0
    assert numbers.pre_activation_grad("o") == pytest.approx(delta, rel=1e-14)
    assert numbers.weight_grad("w2") == pytest.approx(delta * mask * h, rel=1e-14)
    assert numbers.dropped_grad("h") == pytest.approx(3.0 * delta, rel=1e-14)
    assert numbers.activation_grad("h") == pytest.approx(3.0 * delta * mask, rel=1e-14)
    assert numbers.pre_activation_grad("h") == pytest.approx(3.0 * delta * mask * (1 - h * h), rel=1e-14)


def test_without_masks_nothing_is_dropped_and_both_activations_are_one() -> None:
    engine = Engine(compile_network(chain(0.5)))
    engine.load(engine.plan.network.values)
    x, targets = np.array([0.25]), np.array([1.0])
    plain = pass_sample(engine, x, targets)
    engine.set_masks(np.array([[0.0]]))
    assert pass_sample(engine, x, targets).loss != plain.loss
    engine.set_masks(None)
    numbers = pass_sample(engine, x, targets)
    assert numbers.loss == plain.loss
    assert numbers.mask("h") == 1.0
    assert numbers.dropped_activation("h") == numbers.activation("h")
    assert numbers.dropped_grad("h") == numbers.activation_grad("h")


def test_masks_of_ones_change_nothing_and_networks_without_dropout_ignore_masks() -> None:
    for dropout in (0.5, 0.0):
        engine = Engine(compile_network(chain(dropout)))
        engine.load(engine.plan.network.values)
        x = np.array([[0.25], [0.5]])
        outputs = engine.forward(x).tolist()
        engine.set_masks(np.ones((len(engine.plan.dropout_rows), 2)))
        assert engine.forward(x).tolist() == outputs


def test_masks_for_another_number_of_samples_are_refused() -> None:
    engine = Engine(compile_network(chain(0.5)))
    engine.bind(np.zeros((3, 1)), np.zeros((3, 1)))
    engine.pass_rows(0, 3)
    engine.set_masks(np.ones((1, 2)))
    with pytest.raises(ValueError, match="for 2 samples, the batch has 3"):
        engine.pass_rows(0, 3)
    with pytest.raises(ValueError, match="for 2 samples, the batch has 1"):
        engine.forward(np.zeros((1, 1)))


@given(cases(max_neurons=20), st.integers(0, 10**6))
def test_the_gradient_under_masks_is_that_of_the_network_with_scaled_outgoing_weights(case: Case, seed: int) -> None:
    case = with_dropout(case, seed)
    engine = engine_of(case)
    masks = dict(zip(engine.plan.dropout_neurons, draw_masks(engine, 1, seed)[:, 0].tolist(), strict=True))
    factor = {e.id: masks.get(e.source, 1.0) for e in case.network.edges.values()}
    if any(e.tied_to is not None for e in case.network.edges.values()):
        return
    scaled = Engine(engine.plan, loss=case.loss, mean=case.mean)
    scaled.load({name: value * factor.get(name, 1.0) for name, value in case.network.values.items()})
    engine.set_masks(np.array(list(masks.values())).reshape(-1, 1))
    x, targets = case.x[0], case.targets[0]
    wanted = pass_sample(scaled, x, targets)
    expected = {n: g * factor.get(n, 1.0) for n, g in engine.plan.unpack(scaled.gradient).items()}
    numbers = pass_sample(engine, x, targets)
    assert numbers.loss == pytest.approx(wanted.loss, rel=1e-12, abs=1e-14)
    gradient = engine.plan.unpack(engine.gradient)
    scale = max(1.0, *(abs(g) for g in expected.values()))
    for name, value in expected.items():
        assert gradient[name] == pytest.approx(value, rel=1e-10, abs=1e-11 * scale), name


# float32


@pytest.mark.parametrize("loss", list(LOSSES))
def test_float32_stays_float32_in_every_array(loss: str) -> None:
    for activation in ACTIVATIONS:
        network = chain(0.5)
        network.neurons["o"] = replace(network.neurons["o"], activation=activation)
        if activation != "softmax":
            network.neurons["h"] = replace(network.neurons["h"], activation=activation)
        wide, narrow = (Engine(compile_network(network), loss=loss, dtype=d) for d in ("float64", "float32"))
        x, targets = np.array([[0.1], [0.2]]), np.array([[1.0], [0.0]])
        losses = []
        for engine in (wide, narrow):
            engine.load(network.values)
            engine.set_masks(np.array([[2.0, 0.0]]))
            engine.bind(x, targets)
            losses.append(engine.pass_rows(0, 2))
        # At 0, at 1 and beyond, a logarithm is taken at the margin, which is another one.
        if not LOSSES[loss].probabilities or activation == LOSSES[loss].joint_activation:
            assert losses[1] == pytest.approx(losses[0], rel=1e-4, abs=1e-5)
            np.testing.assert_allclose(narrow.gradient, wide.gradient, rtol=1e-3, atol=1e-4)
        arrays = {**vars(narrow), **vars(narrow.workspace)}
        floats = {name: a.dtype for name, a in arrays.items() if isinstance(a, np.ndarray)}
        floats.pop("_masks")
        assert set(floats.values()) == {np.dtype("float32")}, floats
        assert narrow.forward(x).dtype == np.float32


@given(cases(max_neurons=20))
def test_float32_agrees_with_float64_to_its_digits(case: Case) -> None:
    wide, narrow = engine_of(case), engine_of(case, "float32")
    a, b = wide.forward(case.x), narrow.forward(case.x)
    assert b.dtype == np.float32
    steps = any(n.activation == "step" for n in case.network.neurons.values())
    if not steps:
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(a).max(initial=0.0))))
