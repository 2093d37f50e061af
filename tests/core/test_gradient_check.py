"""The gradient check agrees with right gradients, catches wrong ones, and knows kinks."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import given

from core import gradient_check
from core.activations import ACTIVATIONS, Array, Program
from core.dataset import Dataset
from core.errors import TrainingError
from core.gradient_check import TOLERANCE, check_gradients
from core.network import Network
from core.project import Project
from core.settings import Settings


def chain(
    activation: str, *, weight: float = 0.5, x: tuple[float, ...] = (1.0, 2.0), target: float = 1.0, loss: str = ""
) -> Project:
    """x -> h -> o with a linear output."""
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation=activation)
    network.add_neuron("output", id="o")
    network.connect("x", "h", weight=weight)
    network.connect("h", "o", weight=1.5)
    dataset = Dataset({"x": x, "o": [target] * len(x)})
    return Project(network, dataset, Settings(loss=loss or "half_squared_error"))


def project_of(case: Case) -> Project:
    names = [n.id for n in case.network.inputs] + [n.id for n in case.network.outputs]
    columns = dict(zip(names, np.hstack([case.x, case.targets]).T, strict=True))
    return Project(case.network, Dataset(columns), Settings(loss=case.loss, batch_mean=case.mean))


@given(cases(max_neurons=25))
def test_every_random_network_passes(case: Case) -> None:
    result = check_gradients(project_of(case))
    assert result.passed, result.worst
    assert [p.parameter for p in result.parameters] == list(case.network.values)
    assert result.rows == len(case.x)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 1000.0])
def test_small_and_large_inputs_pass(activation: str, scale: float) -> None:
    result = check_gradients(chain(activation, weight=0.3 / scale, x=(scale, -2 * scale)))
    assert result.passed, result.worst
    assert not result.kinks


def test_the_difference_is_the_derivative() -> None:
    # L = (1.5 * 0.5 * 2 - 1)^2 / 2 at x = 2: dL/dw1 = 0.5 * 1.5 * 2.
    result = check_gradients(chain("linear", x=(2.0,)))
    checked = {p.parameter: p for p in result.parameters}
    assert checked["w1"].gradient == 1.5
    assert checked["w1"].difference == pytest.approx(1.5, rel=1e-11)


@pytest.mark.parametrize("factor", [0.0, -1.0, 1.001, 1.00001])
def test_a_wrong_derivative_fails(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    right = ACTIVATIONS["tanh"]

    def wrong(z: Array, a: Array, slope: Array) -> Program:
        return [*right.slope(z, a, slope), (np.multiply, (slope, factor, slope))]

    monkeypatch.setitem(ACTIVATIONS, "tanh", msgspec.structs.replace(right, slope=wrong))
    result = check_gradients(chain("tanh"))
    assert not result.passed
    assert result.worst is not None
    assert result.worst.parameter in ("h", "w1")
    assert result.worst.error == pytest.approx(abs(1 - factor) / max(1.0, abs(factor)), rel=1e-3)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "step"])
@pytest.mark.parametrize("weight", [0.0, 1e-12])
def test_a_parameter_at_a_kink_is_named_and_not_counted(activation: str, weight: float) -> None:
    result = check_gradients(chain(activation, weight=weight))
    assert result.passed
    assert [p.parameter for p in result.kinks] == ["h", "w1"]
    assert all(p.kink == f"the {ACTIVATIONS[activation].title} of h" for p in result.kinks)
    assert all(p.error > TOLERANCE for p in result.kinks)
    assert result.worst is not None
    assert result.worst.parameter in ("o", "w2")


def test_the_kink_of_an_absolute_error_is_named() -> None:
    result = check_gradients(chain("linear", weight=1.0, x=(1.0,), target=1.5 - 1e-10, loss="mean_absolute_error"))
    assert {p.kink for p in result.kinks} == {"the absolute error of o"}
    assert result.worst is None
    assert result.passed


@pytest.mark.parametrize("weight", [1e-3, -1e-5])
def test_a_kink_nearby_is_stepped_around(weight: float) -> None:
    result = check_gradients(chain("relu", weight=weight))
    assert result.passed
    assert not result.kinks


def test_a_loss_of_exactly_zero_passes() -> None:
    assert check_gradients(chain("linear", weight=1.0, x=(1.0,), target=1.5)).passed
    assert check_gradients(chain("linear", weight=1.0, x=(1e6,), target=1.5e6)).passed


def test_tied_weights_are_one_parameter() -> None:
    project = chain("tanh")
    project.network.connect("x", "o", id="skip", tied_to="w1")
    result = check_gradients(project)
    assert [p.parameter for p in result.parameters] == ["h", "o", "w1", "w2"]
    assert result.passed


def test_the_project_stays_as_it_was() -> None:
    project = chain("tanh")
    before = dict(project.network.values)
    check_gradients(project)
    assert project.network.values == before


def test_without_a_loss_there_is_nothing_to_check() -> None:
    with pytest.raises(TrainingError, match="There is no loss to check"):
        check_gradients(Project())
    project = chain("tanh")
    project.dataset = Dataset({"x": [], "o": []})
    with pytest.raises(TrainingError, match="There is no loss to check"):
        check_gradients(project)


def test_an_infinite_loss_is_said_so() -> None:
    with pytest.raises(TrainingError, match="is not finite"):
        check_gradients(chain("linear", weight=1e200, x=(1e200,)))


def test_the_constants_are_what_the_docs_say() -> None:
    assert gradient_check.TOLERANCE == 1e-6
    assert gradient_check.FLOOR == 1e-4
    assert gradient_check.FIRST_STEP == 1 / 1024
