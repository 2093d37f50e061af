"""How networks are compiled, and that every form of blocks computes the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from graph_strategies import Case, cases, networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import plan as plan_module
from core.engine import Engine
from core.losses import LOSSES
from core.network import Edge, Network, Neuron, Role
from core.plan import Block, Plan, compile_network


def layered(*sizes: int, activation: str = "tanh") -> Network:
    """A network of fully connected layers with random values."""
    rng = np.random.default_rng(1)
    names = [[f"n{depth}.{k}" for k in range(size)] for depth, size in enumerate(sizes)]
    neurons = []
    for depth, layer in enumerate(names):
        role = Role.INPUT if not depth else Role.OUTPUT if depth == len(sizes) - 1 else Role.HIDDEN
        for name in layer:
            neurons.append((Neuron(name, role, activation if depth else "linear"), rng.normal(), (float(depth), 0.0)))
    edges = [
        (Edge(f"{source}-{target}", source, target), rng.normal())
        for sources, targets in pairwise(names)
        for target in targets
        for source in sources
    ]
    return Network.build(neurons, edges)


def one_to_one(size: int, *, stride: int = 1) -> Network:
    """As many hidden neurons as inputs, each with one edge, from the input `stride` times as far on."""
    neurons = [(Neuron(f"i{k}", Role.INPUT), 0.0, (0.0, 0.0)) for k in range(size)]
    neurons += [(Neuron(f"o{k}", Role.OUTPUT), 0.5, (1.0, 0.0)) for k in range(size)]
    edges = [(Edge(f"w{k}", f"i{k * stride % size}", f"o{k}"), 1.0 + k) for k in range(size)]
    return Network.build(neurons, edges)


def blocks_of(plan: Plan) -> list[Block]:
    return [block for level in plan.levels for block in level.blocks]


def passes(case: Case) -> dict[str, object]:
    """All numbers of one forward and backward pass, by neuron and by parameter.

    Without the inputs: dL/da of an input is no part of the backward pass, so it is computed in some forms only.
    """
    engine = Engine(compile_network(case.network), loss=case.loss, mean=case.mean)
    engine.load(case.network.values)
    engine.forward(case.x)
    loss = engine.loss_value(case.targets)
    gradient = engine.plan.unpack(engine.backward())
    work = engine.workspace
    rows = [engine.plan.rows[n.id] for n in case.network.neurons.values() if n.role != "input"]
    return {
        "loss": loss,
        "z": work.z[rows],
        "a": work.a[rows],
        "dL/dz": work.z_grad[rows],
        "dL/da": work.a_grad[rows],
        "gradient": np.array(list(gradient.values())),
        "parameters": list(gradient),
    }


# The form of a layered network


def test_a_layered_network_compiles_into_one_dense_block_per_layer_without_a_mask() -> None:
    plan = compile_network(layered(3, 5, 4, 2))
    assert [block.shape for block in blocks_of(plan)] == [(5, 4), (4, 6), (2, 5)]
    assert all(block.mask is None and isinstance(block.sources, slice) for block in blocks_of(plan))
    assert plan.size == 5 * 4 + 4 * 6 + 2 * 5
    assert [block.feeds_back for block in blocks_of(plan)] == [False, True, True]
    assert plan.reads_inputs_first


def test_the_weight_matrices_and_their_gradients_are_views_of_the_flat_vectors() -> None:
    network = layered(2, 3, 1, activation="linear")
    engine = Engine(compile_network(network))
    for matrix, gradient in engine.workspace.matrices.values():
        assert np.shares_memory(matrix, engine.parameters)
        assert np.shares_memory(gradient, engine.gradient)
    engine.load(network.values)
    before = engine.forward(np.ones((1, 2))).copy()
    engine.parameters[engine.plan.bias_position["n2.0"]] += 1.0
    assert engine.forward(np.ones((1, 2))) == pytest.approx(before + 1.0)


def test_every_parameter_has_a_position_of_its_own() -> None:
    network = layered(3, 5, 4, 2)
    plan = compile_network(network)
    positions = [*plan.weight_position.values(), *plan.bias_position.values()]
    assert sorted(positions) == list(range(plan.size))
    assert plan.weight_position.keys() | plan.bias_position.keys() == network.values.keys()


@given(networks())
def test_parameters_that_are_packed_and_unpacked_come_back_to_the_bit(network: Network) -> None:
    plan = compile_network(network)
    assert plan.unpack(plan.pack(network.values)) == network.values


@given(networks())
def test_a_compiled_neuron_stands_after_all_its_sources(network: Network) -> None:
    plan = compile_network(network)
    assert sorted(plan.rows) == sorted(network.neurons)
    assert not set(plan.rows.values()) & set(plan.ones.tolist())
    for edge in network.edges.values():
        assert plan.rows[edge.source] < plan.rows[edge.target]


def test_an_update_can_be_kept_from_biases_and_frozen_parameters() -> None:
    network = layered(1, 1, 1)
    assert compile_network(network).trainable(update_biases=True) is None
    network.set_frozen("n0.0-n1.0")
    plan = compile_network(network)
    mask = plan.trainable(update_biases=False)
    assert mask is not None
    assert plan.unpack(mask) == {"n1.0": 0.0, "n2.0": 0.0, "n0.0-n1.0": 0.0, "n1.0-n2.0": 1.0}


# Buffers


def test_buffers_are_allocated_once_per_batch_size() -> None:
    network = layered(2, 3, 1)
    engine = Engine(compile_network(network))
    arrays = []
    for batch in (4, 1, 4):
        engine.forward(np.ones((batch, 2)))
        engine.loss_value(np.ones((batch, 1)))
        gradient = engine.backward()
        arrays.append((engine.workspace, engine.workspace.a, engine.workspace.z_grad, gradient))
        assert engine.workspace.a.shape == (engine.plan.row_count, batch)
        assert gradient is engine.gradient
    assert all(first is third for first, third in zip(arrays[0], arrays[2], strict=True))
    assert arrays[0][0] is not arrays[1][0]


@given(cases(max_neurons=20), st.integers(1, 5))
def test_a_pass_leaves_nothing_behind_that_changes_the_next(case: Case, other_batch: int) -> None:
    engine = Engine(compile_network(case.network), loss=case.loss, mean=case.mean)
    engine.load(case.network.values)
    results = []
    for _ in range(2):
        outputs = engine.forward(case.x).copy()
        loss = engine.loss_value(case.targets)
        results.append((outputs.tolist(), loss, engine.backward().tolist()))
        # Another batch in between, of another or the same size.
        engine.forward(np.full((other_batch, case.x.shape[1]), 7.0))
        engine.loss_value(np.full((other_batch, case.targets.shape[1]), 0.5))
        engine.backward()
    assert results[0] == results[1]


# Other forms


def test_a_skip_connection_is_a_mask_in_a_block_that_spans_both_levels() -> None:
    network = Network()
    for role, name in (("input", "x"), ("hidden", "h"), ("output", "y")):
        network.add_neuron(role, id=name)
    for source, target in (("x", "h"), ("x", "y"), ("h", "y")):
        network.connect(source, target)
    last = blocks_of(compile_network(network))[-1]
    assert isinstance(last.sources, slice)
    assert last.mask is not None
    # Bias, x, the hidden level's row of ones, h.
    assert last.mask.tolist() == [[1.0, 1.0, 0.0, 1.0]]


@pytest.mark.parametrize(("inputs", "shape"), [(1000, (1, 1001)), (10000, (1, 3))])
def test_sources_far_apart_are_gathered_where_that_saves_much(inputs: int, shape: tuple[int, int]) -> None:
    neurons = [(Neuron(f"i{k}", Role.INPUT), 0.0, (0.0, 0.0)) for k in range(inputs)]
    ends = [(Edge("first", "i0", "o"), 2.0), (Edge("last", f"i{inputs - 1}", "o"), 3.0)]
    network = Network.build([*neurons, (Neuron("o", Role.OUTPUT), 0.5, (1.0, 0.0))], ends)
    engine = Engine(compile_network(network))
    (block,) = blocks_of(engine.plan)
    assert block.shape == shape
    assert isinstance(block.sources, slice) == (shape[1] > 3)
    assert (block.mask is None) == (shape[1] == 3)
    engine.load(network.values)
    assert engine.forward(np.arange(1.0, inputs + 1)[np.newaxis, :]).item() == 0.5 + 2.0 + 3.0 * inputs


@pytest.mark.parametrize("stride", [1, 1234567])
def test_a_wide_sparse_level_is_split_so_that_memory_grows_with_its_edges(stride: int) -> None:
    size = 5000
    network = one_to_one(size, stride=stride)
    plan = compile_network(network)
    blocks = blocks_of(plan)
    assert len(blocks) > 1
    assert plan.size <= size * 2 * plan_module.BLOCK_WASTE + len(blocks) * plan_module.BLOCK_FREE
    assert plan.size < 0.1 * size * size
    engine = Engine(plan)
    engine.load(network.values)
    x = np.random.default_rng(0).normal(size=(1, size))
    order = np.arange(size) * stride % size
    np.testing.assert_allclose(engine.forward(x)[0], x[0, order] * (1.0 + np.arange(size)) + 0.5, rtol=1e-14)


FORMS = {
    "spanned": {"SPAN_WASTE": 10**9, "SPAN_FREE": 10**9, "BLOCK_WASTE": 10**9, "BLOCK_FREE": 10**9},
    "gathered": {"SPAN_WASTE": 0, "SPAN_FREE": 0, "BLOCK_WASTE": 10**9, "BLOCK_FREE": 10**9},
    "split and spanned": {"SPAN_WASTE": 10**9, "SPAN_FREE": 10**9, "BLOCK_WASTE": 0, "BLOCK_FREE": 0},
    "split and gathered": {"SPAN_WASTE": 0, "SPAN_FREE": 0, "BLOCK_WASTE": 0, "BLOCK_FREE": 0},
    "split here and there": {"SPAN_WASTE": 1, "SPAN_FREE": 8, "BLOCK_WASTE": 2, "BLOCK_FREE": 4},
}


@pytest.mark.parametrize("form", FORMS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(max_neurons=30))
def test_each_form_of_blocks_computes_the_same(monkeypatch: pytest.MonkeyPatch, form: str, case: Case) -> None:
    expected = passes(case)
    with monkeypatch.context() as patch:
        for name, limit in FORMS[form].items():
            patch.setattr(plan_module, name, limit)
        plan = compile_network(case.network)
        computed = passes(case)
    blocks = blocks_of(plan)
    if form.startswith("split and"):
        assert all(block.shape[0] == 1 for block in blocks)
    if "gathered" in form:
        # One source may still be a slice: a row of ones alone.
        assert all(not isinstance(block.sources, slice) for block in blocks)
    elif "spanned" in form:
        assert all(isinstance(block.sources, slice) for block in blocks)
    assert computed.pop("parameters") == expected.pop("parameters")
    for name, wanted in expected.items():
        scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        np.testing.assert_allclose(computed[name], wanted, rtol=1e-12, atol=1e-12 * scale, err_msg=name)


# Softmax


@pytest.mark.parametrize("loss", list(LOSSES))
def test_softmax_outputs_are_one_group_whatever_else_is_on_their_level(loss: str) -> None:
    network = Network()
    for name, activation in (("s1", "softmax"), ("l", "linear"), ("s2", "softmax"), ("t", "tanh"), ("s3", "softmax")):
        network.add_neuron("output", id=name, activation=activation, bias=0.1 * len(network.neurons))
    network.add_neuron("hidden", id="h")
    network.add_neuron("output", id="last", activation="sigmoid")
    network.connect("s2", "h", weight=1.0)
    network.connect("h", "last", weight=1.0)
    engine = Engine(compile_network(network), loss=loss)
    engine.load(network.values)
    outputs = dict(zip([n.id for n in network.outputs], engine.forward(np.zeros((1, 0)))[0], strict=True))
    exponentials = {n: np.exp(network.values[n]) for n in ("s1", "s2", "s3")}
    for name, value in exponentials.items():
        assert outputs[name] == pytest.approx(value / sum(exponentials.values()), rel=1e-14)


# Small and odd networks


def test_an_empty_network_passes_nothing_on() -> None:
    engine = Engine(compile_network(Network()))
    assert engine.plan.size == 0
    assert engine.plan.levels == ()
    assert engine.forward(np.zeros((3, 0))).shape == (3, 0)
    assert engine.plan.unpack(engine.parameters) == {}
    assert engine.plan.trainable(update_biases=False) is None


def test_inputs_alone_pass_nothing_on() -> None:
    network = Network()
    network.add_neuron("input")
    engine = Engine(compile_network(network))
    assert engine.forward(np.ones((2, 1))).shape == (2, 0)
    assert engine.workspace.a[engine.plan.rows["i1"]].tolist() == [1.0, 1.0]


def test_a_network_without_outputs_still_computes_its_neurons() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("hidden", id="h", activation="relu", bias=1.0)
    network.connect("x", "h", weight=2.0)
    engine = Engine(compile_network(network))
    engine.load(network.values)
    assert engine.forward(np.array([[3.0]])).shape == (1, 0)
    assert engine.workspace.a[engine.plan.rows["h"]].item() == 7.0


def test_outputs_alone_give_their_biases_and_learn_them() -> None:
    network = Network()
    network.add_neuron("output", id="p", bias=2.0)
    network.add_neuron("output", id="q", activation="relu", bias=-1.0)
    engine = Engine(compile_network(network), loss="half_squared_error", mean=False)
    engine.load(network.values)
    assert engine.forward(np.zeros((2, 0))).tolist() == [[2.0, 0.0]] * 2
    assert engine.loss_value(np.array([[0.0, 0.0], [1.0, 0.0]])) == 2.0 + 0.5
    assert engine.plan.unpack(engine.backward()) == {"p": 3.0, "q": 0.0}


def test_outputs_come_in_drawing_order_even_when_their_levels_differ() -> None:
    network = Network()
    network.add_neuron("output", id="late")
    network.add_neuron("output", id="early", bias=1.0)
    network.add_neuron("hidden", id="h", bias=5.0)
    network.connect("h", "late", weight=1.0)
    engine = Engine(compile_network(network))
    engine.load(network.values)
    assert engine.forward(np.zeros((1, 0))).tolist() == [[5.0, 1.0]]


def test_a_neuron_without_incoming_edges_gives_its_bias() -> None:
    network = layered(2, 2, 1)
    network.add_neuron("hidden", id="alone", activation="sigmoid", bias=0.5)
    engine = Engine(compile_network(network))
    engine.load(network.values)
    engine.forward(np.ones((1, 2)))
    assert engine.workspace.a[engine.plan.rows["alone"]].item() == pytest.approx(1 / (1 + np.exp(-0.5)))
