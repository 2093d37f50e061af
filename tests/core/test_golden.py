"""The worked examples whose numbers are known: computed by PyTorch, some of them printed in articles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.engine import Engine, pass_sample
from core.network import Edge, Network, Neuron, Role
from core.plan import compile_network
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.trace import Trace

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "worked_examples.json").read_text(encoding="utf-8")
)


@pytest.fixture(params=EXAMPLES, ids=lambda example: example["name"])
def example(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = request.param
    return chosen


def network_of(example: dict[str, Any]) -> Network:
    neurons, edges = example["network"]["neurons"], example["network"]["edges"]
    return Network.build(
        [
            (Neuron(n["id"], Role(n["role"]), n.get("activation", "linear")), n.get("bias", 0.0), (0.0, 0.0))
            for n in neurons
        ],
        [(Edge(e["id"], e["source"], e["target"]), e["weight"]) for e in edges],
    )


def engine_of(example: dict[str, Any]) -> Engine:
    network = network_of(example)
    engine = Engine(compile_network(network), loss=example["loss"])
    engine.load(network.values)
    return engine


def close(expected: Any, tolerance: float = 1e-12) -> Any:
    return pytest.approx(expected, rel=tolerance, abs=tolerance)


def test_the_numbers_of_one_pass_are_those_of_the_worked_example(example: dict[str, Any]) -> None:
    expected = example["expected"]
    numbers = pass_sample(engine_of(example), np.array(example["inputs"]), np.array(example["targets"]))
    assert numbers.loss == close(expected["loss"])
    readers = {
        "pre_activation": numbers.pre_activation,
        "activation": numbers.activation,
        "activation_grad": numbers.activation_grad,
        "pre_activation_grad": numbers.pre_activation_grad,
        "weight_grad": numbers.weight_grad,
        "bias_grad": numbers.pre_activation_grad,
    }
    for name, reader in readers.items():
        assert {subject: reader(subject) for subject in expected[name]} == close(expected[name]), name


def test_the_gradient_of_the_parameters_is_that_of_the_worked_example(example: dict[str, Any]) -> None:
    engine = engine_of(example)
    engine.forward(np.array([example["inputs"]]))
    engine.loss_value(np.array([example["targets"]]))
    gradient = engine.plan.unpack(engine.backward())
    assert gradient == close(example["expected"]["weight_grad"] | example["expected"]["bias_grad"])


def test_the_steps_of_a_trace_show_the_numbers_of_the_worked_example(example: dict[str, Any]) -> None:
    network = network_of(example)
    trace = Trace(
        compile_network(network),
        network.values,
        np.array([example["inputs"]]),
        np.array([example["targets"]]),
        Settings(
            loss=example["loss"],
            learning_rate=example["learning_rate"],
            update_biases=example["update_biases"],
        ),
    )
    expected, after = example["expected"], example["expected"]["after_update"][0]
    shown = {(step.kind, step.quantity.subject): step.value for step in trace}
    for kind, name in {
        Kind.WEIGHTED_SUM: "pre_activation",
        Kind.ACTIVATION_GRAD: "activation_grad",
        Kind.PRE_ACTIVATION_GRAD: "pre_activation_grad",
        Kind.WEIGHT_GRAD: "weight_grad",
        Kind.BIAS_GRAD: "bias_grad",
    }.items():
        assert {s: v for (k, s), v in shown.items() if k is kind} == close(expected[name]), name
    activations = {s: v for (k, s), v in shown.items() if k in (Kind.INPUT, Kind.ACTIVATION)}
    assert activations == close(expected["activation"])
    assert shown[Kind.LOSS, ""] == close(expected["loss"])
    updated = after["weight"] | (after["bias"] if example["update_biases"] else {})
    assert {s: v for (k, s), v in shown.items() if k is Kind.UPDATE} == close(updated)
    assert trace.has_step(Quantity(Kind.UPDATE, next(iter(after["bias"])))) == example["update_biases"]


def test_training_gives_the_parameters_of_the_worked_example(example: dict[str, Any]) -> None:
    engine = engine_of(example)
    trainable = engine.plan.trainable(update_biases=example["update_biases"])
    x, targets = np.array([example["inputs"]]), np.array([example["targets"]])
    done = 0
    for after in example["expected"]["after_update"]:
        for _ in range(after["update"] - done):
            engine.forward(x)
            engine.loss_value(targets)
            engine.backward()
            engine.descend(example["learning_rate"], trainable)
        done = after["update"]
        tolerance = 1e-12 if done == 1 else 1e-9
        values = engine.plan.unpack(engine.parameters)
        assert values == close(after["weight"] | after["bias"], tolerance), f"after {done} updates"
        assert engine.forward(x)[0].tolist() == close(after["outputs"], tolerance)
        assert engine.loss_value(targets) == close(after["loss"], tolerance)


def test_the_most_quoted_example_gives_its_published_numbers() -> None:
    # Mazur (2015), "A Step by Step Backpropagation Example", prints these digits; it updates weights only.
    example = next(e for e in EXAMPLES if e["name"] == "two_two_two")
    engine = engine_of(example)
    x, targets = np.array([example["inputs"]]), np.array([example["targets"]])
    engine.forward(x)
    assert round(engine.loss_value(targets), 9) == 0.298371109
    engine.backward()
    engine.descend(0.5, engine.plan.trainable(update_biases=False))
    assert round(engine.plan.unpack(engine.parameters)["w5"], 8) == 0.35891648
