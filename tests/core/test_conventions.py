"""Conventions: what books do otherwise, as settings; going back through updated weights against plain Python."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Shape, random_network
from hypothesis import given
from hypothesis import strategies as st
from training_strategies import bits, other_options, small_project

from core.conventions import (
    LOSS_CONVENTIONS,
    PRESETS,
    Conventions,
    Preset,
    conventions_of,
    preset_of,
    with_conventions,
)
from core.dataset import Dataset
from core.errors import TrainingError
from core.learning import Learner, can_be_fast
from core.losses import LOSSES
from core.network import Network, Role
from core.optimizers import OPTIMIZERS, Stepper
from core.passes import trace_project
from core.plan import compile_network
from core.project import Project
from core.project_file import load_project, project_from_text, project_to_text
from core.quantities import Kind, Quantity
from core.settings import Settings
from core.training import Run, project_at

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


# Going back through updated weights


def table(project: Project) -> tuple[np.ndarray, np.ndarray]:
    network, dataset = project.network, project.dataset
    return dataset.matrix([n.id for n in network.inputs]), dataset.matrix([n.id for n in network.outputs])


def example(name: str) -> Project:
    (path,) = EXAMPLES.glob(f"*-{name}.nnviz")
    project = load_project(path)
    project.settings = replace(project.settings, updated_weights=True)
    return project


def test_the_two_two_two_example_with_the_hidden_layer_after_the_updated_w5_to_w8() -> None:
    i1, i2, t1, t2, rate = 0.05, 0.1, 0.01, 0.99, 0.5
    h1, h2 = sigmoid(0.15 * i1 + 0.2 * i2 + 0.35), sigmoid(0.25 * i1 + 0.3 * i2 + 0.35)
    o1, o2 = sigmoid(0.4 * h1 + 0.45 * h2 + 0.6), sigmoid(0.5 * h1 + 0.55 * h2 + 0.6)
    d1, d2 = (o1 - t1) * o1 * (1 - o1), (o2 - t2) * o2 * (1 - o2)
    w5, w6 = 0.4 - rate * d1 * h1, 0.45 - rate * d1 * h2
    w7, w8 = 0.5 - rate * d2 * h1, 0.55 - rate * d2 * h2
    # As in the article up to here.
    assert (w5, w6, w7, w8) == pytest.approx((0.35891648, 0.408666186, 0.511301270, 0.561370121), abs=5e-9)
    e1 = (w5 * d1 + w7 * d2) * h1 * (1 - h1)
    e2 = (w6 * d1 + w8 * d2) * h2 * (1 - h2)
    expected = {
        "w1": 0.15 - rate * e1 * i1,
        "w2": 0.2 - rate * e1 * i2,
        "w3": 0.25 - rate * e2 * i1,
        "w4": 0.3 - rate * e2 * i2,
        "w5": w5,
        "w6": w6,
        "w7": w7,
        "w8": w8,
        "h1": 0.35,
        "h2": 0.35,
        "o1": 0.6,
        "o2": 0.6,
    }
    trace = trace_project(example("two-two-two"))
    assert trace.new_values == pytest.approx(expected, rel=1e-14)
    assert expected["w1"] == pytest.approx(0.149817635, abs=5e-9)
    for edge, value in (("w5", w5 * d1), ("w6", w6 * d1), ("w7", w7 * d2), ("w8", w8 * d2)):
        assert trace.value(Quantity(Kind.CONTRIBUTION, edge)) == pytest.approx(value, rel=1e-14)
    assert trace.value(Quantity(Kind.PRE_ACTIVATION_GRAD, "h1")) == pytest.approx(e1, rel=1e-14)
    # The weights of the forward pass, as ever.
    assert trace.value(Quantity(Kind.WEIGHT, "w5")) == 0.4
    assert trace.value(Quantity(Kind.PRODUCT, "w5")) == pytest.approx(0.4 * h1, rel=1e-14)


def test_the_two_two_one_example_with_updated_biases() -> None:
    x1, x2, t, rate, b = 0.5, 0.25, 0.99, 0.4, -0.4
    h1, h2 = sigmoid(0.2 * x1 - 0.2 * x2 + b), sigmoid(0.05 * x1 + 0.2 * x2 + b)
    o = sigmoid(-0.1 * h1 - 0.2 * h2 + b)
    d = (o - t) * o * (1 - o)
    w5, w6 = -0.1 - rate * d * h1, -0.2 - rate * d * h2
    e1, e2 = w5 * d * h1 * (1 - h1), w6 * d * h2 * (1 - h2)
    expected = {
        "w1": 0.2 - rate * e1 * x1,
        "w2": -0.2 - rate * e1 * x2,
        "w3": 0.05 - rate * e2 * x1,
        "w4": 0.2 - rate * e2 * x2,
        "w5": w5,
        "w6": w6,
        "h1": b - rate * e1,
        "h2": b - rate * e2,
        "o": b - rate * d,
    }
    project = example("two-two-one")
    assert trace_project(project).new_values == pytest.approx(expected, rel=1e-14)
    run = Run(project)
    run.advance(0, 0, project.settings)
    assert run.parameters_at(1) == pytest.approx(expected, rel=1e-14)


# The functions and their derivatives.
PLAIN_ACTIVATIONS = {
    "linear": (lambda z: z, lambda z: 1.0),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1.0 - sigmoid(z))),
    "tanh": (math.tanh, lambda z: 1.0 - math.tanh(z) ** 2),
    "sine": (math.sin, math.cos),
}


class PlainUpdates:
    """The same by recursion on the network's definition: one number after the other, no level, no array of weights.

    The optimizer's own formula is that of core.optimizers, for one parameter at a time.
    """

    def __init__(self, network: Network, settings: Settings) -> None:
        self.network, self.settings = network, settings
        self.values = dict(network.values)
        options = settings.optimizer_options
        self.steppers = {
            name: Stepper(
                OPTIMIZERS[settings.optimizer], 1, options=options, weights=np.array([float(name in network.edges)])
            )
            for name in network.values
        }

    def update(self, inputs: dict[str, float], targets: dict[str, float]) -> None:
        network, values, settings = self.network, dict(self.values), self.settings

        @cache
        def z(neuron: str) -> float:
            return math.fsum(values[e.id] * a(e.source) for e in network.incoming(neuron)) + values[neuron]

        @cache
        def a(neuron: str) -> float:
            if neuron in inputs:
                return inputs[neuron]
            return float(PLAIN_ACTIVATIONS[network.neurons[neuron].activation][0](z(neuron)))

        @cache
        def delta(neuron: str) -> float:
            total = [new(e.id) * delta(e.target) for e in network.outgoing(neuron)]
            if neuron in targets:
                difference = a(neuron) - targets[neuron]
                total.append(2.0 * difference / len(targets))
            return math.fsum(total) * float(PLAIN_ACTIVATIONS[network.neurons[neuron].activation][1](z(neuron)))

        @cache
        def new(parameter: str) -> float:
            edge, value = network.edges.get(parameter), values[parameter]
            if parameter in network.frozen or (edge is None and not settings.update_biases):
                return value
            if edge is None:
                gradient = delta(parameter)
            else:
                gradient = delta(edge.target) * a(edge.source) + settings.l2 * value
                gradient += settings.l1 * ((value > 0) - (value < 0))
            holder = np.array([value])
            self.steppers[parameter].step(holder, np.array([gradient]), settings.learning_rate)
            return float(holder[0])

        self.values = {parameter: new(parameter) for parameter in values}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(seed=st.integers(0, 2**32 - 1), hidden=st.integers(1, 9), feeding=st.booleans(), data=st.data())
def test_updates_are_those_of_plain_recursion(
    optimizer: str, seed: int, hidden: int, feeding: bool, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    shape = Shape(inputs=2, hidden=hidden, outputs=2, density=0.6, feeding_outputs=feeding, frozen=True)
    network = random_network(rng, shape)
    for neuron in list(network.neurons.values()):
        if neuron.role is not Role.INPUT:
            names = list(PLAIN_ACTIVATIONS)
            network.set_activation(neuron.id, names[rng.integers(len(names))])
    settings = Settings(
        loss="mean_squared_error",
        learning_rate=0.05,
        optimizer=optimizer,
        optimizer_options=other_options(optimizer),
        update_biases=data.draw(st.booleans()),
        l1=data.draw(st.sampled_from([0.0, 0.01])),
        l2=data.draw(st.sampled_from([0.0, 0.1])),
        updated_weights=True,
    )
    columns = {n.id: rng.normal(size=3) for n in (*network.inputs, *network.outputs)}
    project = Project(network, Dataset(columns), settings)
    plain, run = PlainUpdates(network, settings), Run(project)
    for row in range(3):
        numbers = {name: float(column[row]) for name, column in columns.items()}
        plain.update({n.id: numbers[n.id] for n in network.inputs}, {n.id: numbers[n.id] for n in network.outputs})
        if max(map(abs, plain.values.values())) > 1e6:
            # Where values explode, so do the differences of rounding.
            break
        run.advance(row, row, settings)
        assert run.parameters_at(row + 1) == pytest.approx(plain.values, rel=1e-6, abs=1e-6)
        if optimizer in ("sgd", "momentum", "nesterov"):
            assert run.parameters_at(row + 1) == pytest.approx(plain.values, rel=1e-12, abs=1e-12)


def test_the_last_layer_learns_as_ever_and_the_ones_before_it_otherwise() -> None:
    project = small_project(learning_rate=0.5)
    plain = trace_project(project)
    shown = trace_project(replace(project, settings=replace(project.settings, updated_weights=True)))
    assert shown.loss == plain.loss
    for parameter, value in shown.new_values.items():
        edge = project.network.edges.get(parameter)
        is_last = project.network.neurons[edge.target if edge else parameter].role is Role.OUTPUT
        assert (value.hex() == plain.new_values[parameter].hex()) == is_last, parameter


def test_where_no_update_comes_after_it_the_gradient_is_the_true_one() -> None:
    project = small_project(rows=1)
    x, targets = table(project)
    gradients = []
    for updated in (False, True):
        learner = Learner(compile_network(project.network), replace(project.settings, updated_weights=updated))
        learner.load(project.network.values)
        learner.gradient(x, targets, masks=None)
        gradients.append(learner.engine.gradient.tobytes())
        assert learner.weights_back is None
    assert gradients[0] == gradients[1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_gradient_leaves_parameters_and_memory_as_they_were(optimizer: str, precision: str) -> None:
    project = small_project(rows=1, optimizer=optimizer, precision=precision, updated_weights=True, dropout=0.5)
    learner = Learner(compile_network(project.network), project.settings)
    learner.load(project.network.values)
    x, targets = table(project)
    for update in range(2):
        before = learner.moment()
        learner.gradient(x, targets, masks=learner.masks(update, 1), rate=0.1)
        after = learner.moment()
        assert after.parameters.tobytes() == before.parameters.tobytes()
        assert after.state.updates == before.state.updates
        assert {n: s.tobytes() for n, s in after.state.slots.items()} == {
            n: s.tobytes() for n, s in before.state.slots.items()
        }
        learner.step(0.1)
        # What has come back through the last layer's weights are those that it has now.
        assert learner.weights_back is not None
        for edge in project.network.incoming(project.network.outputs[0].id):
            position = learner.plan.weight_position[edge.id]
            assert learner.weights_back[position] == learner.engine.parameters[position]


def test_training_and_stepping_agree_and_any_update_can_be_gone_back_to() -> None:
    project = small_project(optimizer="adam", learning_rate=0.05, updated_weights=True, shuffle=True, dropout=0.3)
    stepped, trained = Run(project), Run(project)
    for _ in trained.train(0, project.settings, epochs=2):
        pass
    for update in range(trained.last):
        here = project_at(project, stepped, update)
        batch = stepped.next_batch(update, project.settings)
        trace = trace_project(here, here.batches.rows(here.epoch, batch))
        stepped.advance(update, batch, project.settings)
        assert (
            bits(trace.new_values) == bits(stepped.parameters_at(update + 1)) == bits(trained.parameters_at(update + 1))
        )
    assert bits(trained.parameters_at(3)) == bits(stepped.parameters_at(3))


def test_the_compiled_kernel_knows_no_updated_weights() -> None:
    plan = compile_network(small_project().network)
    assert not can_be_fast(plan, Settings(updated_weights=True), 1)


@given(size=st.integers(2, 7))
def test_larger_batches_are_refused_where_an_update_would_be_made(size: int) -> None:
    project = small_project(updated_weights=True, batch_size=size)
    with pytest.raises(TrainingError, match=rf"one sample, and this one has {size}: set the batch size to 1, or turn"):
        trace_project(project)
    x, targets = table(project)
    learner = Learner(compile_network(project.network), project.settings)
    with pytest.raises(TrainingError, match="“Updated weights” off"):
        learner.gradient(x, targets, masks=None, rate=0.1)
    with pytest.raises(TrainingError, match="“Updated weights” off"):
        Run(project).advance(0, 0, project.settings)


def test_all_rows_are_one_batch_of_one_sample_where_there_is_one_row() -> None:
    project = small_project(rows=1, batch_size=0, updated_weights=True)
    assert trace_project(project).new_values == Run(project).advance(0, 0, project.settings).parameters_at(1)


def test_tied_weights_are_refused_with_their_names() -> None:
    project = small_project(updated_weights=True)
    project.network.tie("w2", "w1")
    for make in (lambda: trace_project(project), lambda: Run(project).advance(0, 0, project.settings)):
        with pytest.raises(TrainingError, match="weights of their own, and w2 is tied to w1: untie it, or turn"):
            make()


def test_a_network_without_outputs_is_stepped_through_forward_all_the_same() -> None:
    project = small_project(updated_weights=True, batch_size=0)
    project.network.remove_neuron(project.network.outputs[0].id)
    project.dataset.follow(project.network)
    assert {step.kind for step in trace_project(project)} >= {Kind.ACTIVATION}


# Conventions and presets

choices = st.builds(
    Settings,
    loss=st.sampled_from(list(LOSSES)),
    batch_mean=st.booleans(),
    update_biases=st.booleans(),
    updated_weights=st.booleans(),
    batch_size=st.integers(0, 3),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
)


def test_every_loss_has_a_convention_of_its_own_that_is_the_table_s() -> None:
    assert list(LOSS_CONVENTIONS) == list(LOSSES)
    assert len(set(LOSS_CONVENTIONS.values())) == len(LOSSES)
    for name, convention in LOSS_CONVENTIONS.items():
        assert (convention.outputs == "mean") == LOSSES[name].mean
        if convention.half is not None:
            share = LOSSES[name].share(np.array([[3.0]]), np.array([[1.0]])).item()
            assert share == (2.0 if convention.half else 4.0)


@given(settings=choices, others=choices)
def test_conventions_can_be_read_and_set(settings: Settings, others: Settings) -> None:
    assert with_conventions(settings, conventions_of(settings)) == settings
    changed = with_conventions(settings, conventions_of(others))
    assert conventions_of(changed) == conventions_of(others)
    assert (changed.optimizer, changed.batch_size) == (settings.optimizer, settings.batch_size)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("outputs", ["mean", "sum"])
def test_half_and_outputs_of_the_squared_error_are_two_choices(half: bool, outputs: str) -> None:
    wanted = replace(conventions_of(Settings()), half=half, outputs=outputs)
    name = with_conventions(Settings(), wanted).loss
    a, t = np.array([[0.25], [1.0]]), np.array([[1.0], [-1.0]])
    squares = 0.75**2 + 2.0**2
    total = LOSSES[name].share(a, t).sum() / (2 if LOSSES[name].mean else 1)
    assert total == squares * (0.5 if half else 1.0) / (2 if outputs == "mean" else 1)


def test_a_loss_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    wanted = Conventions("absolute error", None, "sum", "mean", update_biases=True, updated_weights=False)
    with pytest.raises(TrainingError) as refused:
        with_conventions(Settings(), wanted)
    assert str(refused.value) == (
        "There is no absolute error summed over the outputs: choose absolute error as a mean over the outputs."
    )
    with pytest.raises(TrainingError, match="There is no loss “guess”: choose one of squared error, absolute error, "):
        with_conventions(Settings(), replace(wanted, family="guess"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@given(settings=choices)
def test_the_settings_of_a_preset_are_known_as_its_own(preset: Preset, settings: Settings) -> None:
    applied = preset.apply(settings)
    assert preset_of(applied) is preset
    assert preset.apply(applied) == applied
    assert (applied.optimizer, applied.learning_rate) == (settings.optimizer, settings.learning_rate)
    assert not applied.updated_weights
    assert preset_of(replace(applied, updated_weights=True)) is None
    assert preset_of(replace(applied, loss="huber")) is None
    if settings.batch_size != 1 and preset.name != "mazur":
        assert preset_of(replace(applied, batch_mean=not applied.batch_mean)) is None


def test_presets_have_names_and_say_what_they_are_about() -> None:
    assert len({preset.name for preset in PRESETS}) == len({preset.title for preset in PRESETS}) == len(PRESETS)
    for preset in PRESETS:
        assert preset.about.endswith(".")
        assert len(preset.about) < 250


def test_the_examples_are_recognized() -> None:
    (path,) = EXAMPLES.glob("*-two-two-two.nnviz")
    found = preset_of(load_project(path).settings)
    assert found is not None
    assert found.name == "mazur"
    (path,) = EXAMPLES.glob("*-two-two-one.nnviz")
    found = preset_of(load_project(path).settings)
    assert found is not None
    assert found.name == "half_sum"


def test_a_file_keeps_the_setting_and_older_files_have_the_old_weights() -> None:
    project = small_project(updated_weights=True)
    text = project_to_text(project)
    assert project_from_text(text).settings == project.settings
    assert "updated_weights" not in project_to_text(small_project())
    assert not project_from_text(project_to_text(small_project())).settings.updated_weights
