"""A gradient as the sum over all paths to the loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from graph_strategies import Case, cases, connect_all
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TrainingError
from core.local_derivatives import LocalDerivatives, local_derivatives
from core.network import Network
from core.paths import Paths, find_paths, parameter_gradient
from core.plan import compile_network
from core.quantities import GIVEN_KINDS, Kind, Quantity
from core.settings import Settings
from core.style import Notation, Style
from core.trace import Trace


def trace_of(case: Case, **settings: Any) -> Trace:
    chosen = Settings(loss=case.loss, batch_mean=case.mean, **settings)
    return Trace(compile_network(case.network), case.network.values, case.x, case.targets, chosen)


def two_two_two(loss: str = "half_squared_error", activation: str = "sigmoid") -> Trace:
    """Mazur's example: the numbers are printed in his article."""
    network = Network()
    for role, names, bias in (
        ("input", ("i1", "i2"), 0.0),
        ("hidden", ("h1", "h2"), 0.35),
        ("output", ("o1", "o2"), 0.6),
    ):
        for name in names:
            kind = {"input": "linear", "hidden": "sigmoid"}.get(role, activation)
            network.add_neuron(role, id=name, activation=kind, bias=bias)
    weights = iter([0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55])
    for target in ("h1", "h2"):
        for source in ("i1", "i2"):
            network.connect(source, target, weight=next(weights))
    for target in ("o1", "o2"):
        for source in ("h1", "h2"):
            network.connect(source, target, weight=next(weights))
    data = np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])
    return Trace(compile_network(network), network.values, *data, Settings(loss=loss))


def scale_of(paths: Paths, trace: Trace) -> float:
    """What a rounding error of the sum is relative to."""
    return max(1.0, abs(trace.sample_pass(paths.sample).loss), *(abs(path.product) for path in paths.paths), 1.0)


@given(cases(max_neurons=25))
def test_the_sum_over_all_paths_is_the_gradient(case: Case) -> None:
    trace = trace_of(case)
    for parameter in case.network.values:
        for sample in range(min(2, len(case.x))):
            paths = find_paths(trace, parameter, sample=sample, limit=5)
            expected = parameter_gradient(trace, parameter, sample)
            assert paths.total == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale_of(paths, trace))
            assert len(paths.paths) == min(5, paths.count)


@given(cases(max_neurons=25, max_batch=2))
def test_each_tied_edge_adds_its_paths(case: Case) -> None:
    trace = trace_of(case)
    for edge in case.network.edges.values():
        # By any of the edges that share it.
        assert find_paths(trace, edge.id, limit=1).parameter == edge.parameter


@given(cases(max_neurons=11, max_batch=1))
def test_listed_one_by_one_they_are_all_there_largest_first(case: Case) -> None:
    trace = trace_of(case)
    for parameter in case.network.values:
        paths = find_paths(trace, parameter, limit=10_000)
        assert len(paths.paths) == paths.count
        assert len({(path.edges, path.neurons) for path in paths.paths}) == paths.count
        assert paths.shown_total == pytest.approx(paths.total, rel=1e-9, abs=1e-9 * scale_of(paths, trace))
        sizes = [abs(path.product) for path in paths.paths]
        assert sizes == sorted(sizes, reverse=True)
        few = find_paths(trace, parameter, limit=3)
        assert [abs(path.product) for path in few.paths] == pytest.approx(sizes[:3], rel=1e-9)


@given(cases(max_neurons=20, max_batch=2))
def test_a_path_is_made_of_edges_that_meet_and_of_quantities_of_the_trace(case: Case) -> None:
    trace, network = trace_of(case), case.network
    for parameter in network.values:
        for path in find_paths(trace, parameter, sample=len(case.x) - 1, limit=10).paths:
            for former, edge in zip(path.edges, path.edges[1:], strict=False):
                here, there = network.edges[former].target, network.edges[edge].source
                assert here == there or {network.neurons[n].activation for n in (here, there)} == {"softmax"}
            assert path.product == pytest.approx(math.prod(f.value for f in path.factors))
            for factor in path.factors:
                assert factor.text
                assert factor.latex
                for quantity in factor.quantities:
                    assert quantity.kind in GIVEN_KINDS or trace.has_step(quantity)


def test_the_printed_example() -> None:
    # "A Step by Step Backpropagation Example": dE/dw5 = 0.08216704, dE/dw1 = 0.000438568.
    trace = two_two_two()
    last = find_paths(trace, "w5")
    assert last.count == 1
    assert [(f.text, round(f.value, 6)) for f in last.paths[0].factors] == [
        ("a(h1)", 0.59327),
        ("σ′(z(o1))", 0.186816),
        ("∂L(o1)/∂a(o1)", 0.741365),
    ]
    assert last.total == pytest.approx(0.08216704, abs=1e-8)
    first = find_paths(trace, "w1")
    assert first.count == 2
    assert {path.neurons for path in first.paths} == {("i1", "h1", "o1"), ("i1", "h1", "o2")}
    assert {path.edges for path in first.paths} == {("w1", "w5"), ("w1", "w7")}
    assert first.total == pytest.approx(0.000438568, abs=1e-9)
    # The two paths of the article: dE_o1/dout_h1 = 0.055399425 and dE_o2/dout_h1 = -0.019049119.
    products = {path.edges[-1]: path.product for path in first.paths}
    slope = 0.241300709 * 0.05
    assert products == {
        "w5": pytest.approx(0.055399425 * slope, rel=1e-6),
        "w7": pytest.approx(-0.019049119 * slope, rel=1e-6),
    }


def test_a_bias_starts_with_one_and_symbols_follow_the_style() -> None:
    trace = two_two_two()
    paths = find_paths(trace, "o1", style=Style(Notation(pre_activation="net", activation="out", loss="E")))
    assert [f.text for f in paths.paths[0].factors] == ["1", "σ′(net(o1))", "∂E(o1)/∂out(o1)"]
    assert paths.paths[0].factors[1].latex == r"\sigma'(\mathrm{net}_{o1})"
    assert paths.paths[0].factors[1].quantities == (
        Quantity(Kind.WEIGHTED_SUM, "o1"),
        Quantity(Kind.ACTIVATION, "o1"),
    )


def test_where_loss_and_activation_are_joint_a_path_ends_with_one_factor_and_a_note() -> None:
    paths = find_paths(two_two_two("binary_cross_entropy"), "w5")
    assert [f.text for f in paths.paths[0].factors] == ["a(h1)", "∂L(o1)/∂z(o1)"]
    assert "Sigmoid and binary cross-entropy" in paths.notes[0]
    soft = find_paths(two_two_two("cross_entropy", "softmax"), "w5")
    assert soft.count == 1
    assert "Softmax and cross-entropy" in soft.notes[0]


def test_paths_cross_between_softmax_outputs() -> None:
    trace = two_two_two("half_squared_error", "softmax")
    paths = find_paths(trace, "w5")
    assert {path.neurons for path in paths.paths} == {("h1", "o1"), ("h1", "o1", "o2")}
    assert paths.total == pytest.approx(parameter_gradient(trace, "w5", 0), rel=1e-12)
    assert {"∂a(o1)/∂z(o1)", "∂a(o2)/∂z(o1)"} < {f.text for path in paths.paths for f in path.factors}
    assert "softmax" in paths.notes[0]


def test_dropout_masks_are_factors() -> None:
    trace = two_two_two()
    network = trace.network.copy()
    for neuron in ("h1", "h2"):
        network.set_dropout(neuron, 0.4)
    for seed in range(1, 6):
        dropped = Trace(compile_network(network), network.values, trace.x, trace.targets, Settings(seed=seed))
        for parameter in network.values:
            paths = find_paths(dropped, parameter)
            assert paths.total == pytest.approx(parameter_gradient(dropped, parameter, 0), rel=1e-12)
        texts = [f.text for f in find_paths(dropped, "w1").paths[0].factors]
        assert texts[:3] == ["a(i1)", "σ′(z(h1))", "m(h1)"]
        assert find_paths(dropped, "w5").paths[0].factors[0].text == "ã(h1)"


def layered(depth: int, width: int) -> Network:
    network, rng = Network(), np.random.default_rng(1)
    former = [network.add_neuron("input").id]
    for _ in range(depth):
        following = [network.add_neuron("hidden", activation="tanh").id for _ in range(width)]
        connect_all(network, former, following, lambda: float(rng.normal()) / width)
        former = following
    connect_all(network, former, [network.add_neuron("output").id], lambda: 0.5)
    return network


@pytest.mark.parametrize("equal", [False, True])
def test_a_number_of_paths_that_nobody_could_list_is_counted(equal: bool) -> None:
    network = layered(60, 10)
    if equal:
        for name in network.edges:
            network.set_value(name, 0.1)
    trace = Trace(compile_network(network), network.values, np.ones((1, 1)), np.ones((1, 1)), Settings())
    paths = find_paths(trace, "w1", limit=50)
    assert paths.count == 10**59
    assert len(paths.paths) == len({path.edges for path in paths.paths}) == 50
    assert paths.total == pytest.approx(parameter_gradient(trace, "w1", 0), rel=1e-9)


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    network = layered(1200, 1)
    for name in network.edges:
        network.set_value(name, 1.0)
    trace = Trace(compile_network(network), network.values, np.ones((1, 1)) * 1e-3, np.ones((1, 1)), Settings())
    paths = find_paths(trace, "w1")
    assert paths.count == 1
    assert len(paths.paths[0].edges) == 1201


def test_without_a_way_to_the_loss_there_is_no_path() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h")
    network.connect("x", "h", weight=2.0)
    trace = Trace(compile_network(network), network.values, np.ones((1, 1)), np.zeros((1, 0)), Settings())
    assert find_paths(trace, "w1") == Paths("w1", 0, (), 0, 0.0, 0.0, ())


def test_what_is_no_parameter_is_refused_and_so_are_infinite_numbers() -> None:
    trace = two_two_two()
    with pytest.raises(TrainingError, match="“i1” is not a parameter"):
        find_paths(trace, "i1")
    network = trace.network.copy()
    for neuron in ("h1", "o1"):
        network.set_activation(neuron, "linear")
    network.set_value("w5", 1e308)
    wild = Trace(compile_network(network), network.values, trace.x * 0 + 1e9, trace.targets, Settings())
    with pytest.raises(TrainingError, match="not finite"):
        find_paths(wild, "w1")


@given(cases(max_neurons=25), st.data())
def test_backpropagation_written_plainly_gives_the_engine_s_numbers(case: Case, data: st.DataObject) -> None:
    trace = trace_of(case)
    starts = [n.id for n in case.network.neurons.values() if case.network.has_bias(n.id)]
    local: LocalDerivatives = local_derivatives(trace, range(len(case.x)), starts)
    z_grad, a_grad = local.gradients()
    neuron = data.draw(st.sampled_from(starts))
    for sample in range(len(case.x)):
        numbers = trace.sample_pass(sample)
        expected = numbers.pre_activation_grad(neuron)
        scale = 1e-9 * max(1.0, abs(numbers.loss))
        assert np.broadcast_to(z_grad[neuron], len(case.x))[sample] == pytest.approx(expected, rel=1e-9, abs=scale)
        if trace.schedule.has_activation_grad(neuron):
            expected = numbers.activation_grad(neuron)
            got = np.broadcast_to(a_grad[neuron], len(case.x))[sample]
            assert got == pytest.approx(expected, rel=1e-9, abs=scale)
