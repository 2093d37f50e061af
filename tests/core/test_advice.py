"""Advice: which networks, settings and data get which sentence."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import connect_all

from core.advice import advise
from core.dataset import Dataset
from core.initializers import initial_values
from core.network import Network
from core.settings import Settings


def network_of(outputs: int = 1, activation: str = "sigmoid", hidden: str = "tanh") -> Network:
    """A 2-2-n network that has nothing wrong with it."""
    rng = np.random.default_rng(1)
    network = Network()
    inputs = [network.add_neuron("input").id for _ in range(2)]
    middle = [network.add_neuron("hidden", activation=hidden).id for _ in range(2)]
    ends = [network.add_neuron("output", activation=activation).id for _ in range(outputs)]
    connect_all(network, inputs, middle, lambda: float(rng.normal()))
    connect_all(network, middle, ends, lambda: float(rng.normal()))
    return network


def data_of(network: Network, *targets: float) -> Dataset:
    columns = {neuron.id: [0.5] for neuron in network.inputs}
    columns |= {neuron.id: [target] for neuron, target in zip(network.outputs, targets, strict=True)}
    return Dataset(columns)


def advice(network: Network, *targets: float, **settings: object) -> list[str]:
    targets = targets or (0.0,) * len(network.outputs)
    return advise(network, Settings(**settings), data_of(network, *targets))


def test_nothing_is_said_where_all_fits() -> None:
    assert advice(network_of()) == []
    assert advice(network_of(), loss="binary_cross_entropy") == []
    assert advice(network_of(3, "softmax"), 0.0, 1.0, 0.0, loss="cross_entropy") == []
    assert advice(network_of(3, "softmax"), 0.2, 0.3, 0.5, loss="cross_entropy") == []
    assert advise(Network(), Settings(), Dataset()) == []


@pytest.mark.parametrize(
    ("activation", "names"), [("linear", "o1 is linear"), ("relu", "o1 is ReLU"), ("tanh", "o1 is tanh")]
)
def test_binary_cross_entropy_needs_probabilities(activation: str, names: str) -> None:
    (said,) = advice(network_of(1, activation), loss="binary_cross_entropy")
    assert said == f"{names}: binary cross-entropy needs outputs between 0 and 1; choose sigmoid."


def test_cross_entropy_needs_softmax() -> None:
    (said,) = advice(network_of(2, "sigmoid"), 0.0, 1.0, loss="cross_entropy")
    assert said == "o1 and o2 are sigmoid: cross-entropy needs outputs that add up to 1; choose softmax."
    (said,) = advice(network_of(1, "sigmoid"), 1.0, loss="cross_entropy")
    assert "choose binary cross-entropy with sigmoid" in said


def test_a_softmax_of_one_output() -> None:
    assert "o1 is alone in its softmax" in advice(network_of(1, "softmax"), 1.0, loss="cross_entropy")[0]


def test_targets_outside_0_and_1() -> None:
    (said,) = advice(network_of(), 1.5, loss="binary_cross_entropy")
    assert said == "Row 1: the target of o1 is 1.5; binary cross-entropy needs targets between 0 and 1."
    assert advice(network_of(), 1.5) == []


def test_targets_of_a_softmax_that_do_not_add_up_to_1() -> None:
    (said,) = advice(network_of(2, "softmax"), 1.0, 0.5, loss="cross_entropy")
    assert said.startswith("Row 1: the targets add up to 1.5;")


def test_step_functions_stop_gradients() -> None:
    network = network_of(hidden="step")
    assert "h1 and h2 are step functions, whose gradient is 0: nothing before h1 and h2 learns." in advice(network)


def test_neurons_that_lead_nowhere() -> None:
    network = network_of()
    network.add_neuron("input", id="i3")
    network.add_neuron("hidden", id="h3")
    network.connect("i1", "h3", weight=1.0)
    said = advise(network, Settings(), data_of(network, 0.0))
    assert said == [
        "i3 has no edge: connect it.",
        "No path leads from h3 to an output: its gradient is 0.",
    ]


def test_an_output_that_nothing_leads_to() -> None:
    network = network_of()
    network.add_neuron("output", id="o2")
    assert advice(network) == ["No path leads from an input to o2: it gives the same for every row."]


def test_no_output_at_all() -> None:
    network = network_of()
    network.set_role("o1", "hidden")
    assert advise(network, Settings(), data_of(network)) == [
        "No neuron is an output, so there is no loss: make one an output."
    ]


@pytest.mark.parametrize(
    ("initializer", "word"), [("zeros", "All weights are 0"), ("constant", "h1 and h2 have the same")]
)
def test_weights_that_never_part(initializer: str, word: str) -> None:
    network = network_of()
    network.set_values(initial_values(network, initializer, np.random.default_rng(0)))
    (said,) = advice(network)
    assert said.startswith(word)
    # Without hidden neurons zeros are a good start.
    plain = Network()
    plain.add_neuron("input")
    plain.add_neuron("output")
    plain.connect("i1", "o1")
    assert advice(plain) == []


def test_many_names_are_cut_short() -> None:
    network = network_of(6, "linear")
    (said,) = advice(network, loss="binary_cross_entropy")
    assert said.startswith("o1, o2 and 4 others are linear")


@pytest.mark.parametrize(("optimizer", "usual", "high"), [("sgd", 5.0, 6.0), ("adam", 0.1, 0.2), ("adadelta", 9.0, 11)])
def test_a_learning_rate_far_above_the_usual(optimizer: str, usual: float, high: float) -> None:
    assert advice(network_of(), optimizer=optimizer, learning_rate=usual) == []
    (said,) = advice(network_of(), optimizer=optimizer, learning_rate=high)
    assert said.startswith(f"A learning rate of {high:g} is far above the usual ")


def test_dropout_that_leaves_out_a_whole_layer() -> None:
    network = network_of()
    network.set_dropout("h1", 0.5)
    assert advice(network) == []
    network.set_dropout("h2", 0.4)
    (said,) = advice(network)
    assert said.startswith("Dropout leaves out all of h1 and h2 for 20 % of the samples")
    network.set_dropout("h2", 0.01)
    assert advice(network) == []


def test_float32_for_a_small_network() -> None:
    (said,) = advice(network_of(), precision="float32")
    assert said.endswith("choose float64.")
