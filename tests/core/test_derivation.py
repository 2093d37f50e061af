"""The tree of what a number is made of, its leaves, and the way back up from them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from trace_strategies import chain, trace_of, traces

from core.derivation import Derivation, leaves, recombine, root
from core.expressions import in_order
from core.network import Network
from core.quantities import GIVEN_KINDS, Kind, Quantity, Step
from core.trace import Trace

# What comes from all the way down may differ from the engine, of the largest number on the way.
TOLERANCE = 1e-9


def is_given(quantity: Quantity) -> bool:
    return quantity.kind in GIVEN_KINDS or quantity.kind is Kind.INPUT


def leads_nowhere(trace: Trace, quantity: Quantity) -> bool:
    """Whether it is the gradient of a neuron from which no edge leaves."""
    is_grad = quantity.kind in (Kind.ACTIVATION_GRAD, Kind.DROPOUT_GRAD)
    return is_grad and not trace.network.outgoing(quantity.subject) and trace.value(quantity) == 0.0


def some_steps(trace: Trace, data: st.DataObject) -> list[Step]:
    """A few steps of every part of a trace, its last one included."""
    indices = data.draw(st.lists(st.integers(0, len(trace) - 1), max_size=6, unique=True))
    return [trace[index] for index in {*indices, len(trace) - 1}]


@given(trace=traces(), data=st.data())
def test_every_tree_ends_in_what_is_given(trace: Trace, data: st.DataObject) -> None:
    for step in some_steps(trace, data):
        for leaf in leaves(trace, step.quantity):
            assert is_given(leaf) or leads_nowhere(trace, leaf), leaf
            assert root(trace, leaf).is_leaf


@given(trace=traces(), data=st.data())
def test_the_leaves_alone_recombine_to_the_engines_number(trace: Trace, data: st.DataObject) -> None:
    for step in some_steps(trace, data):
        # The largest number on the way, by which rounding errors are judged.
        size = max(abs(trace.value(q)) for q in in_order(step.quantity, trace.operands))
        if math.isfinite(size):
            value = recombine(trace, step.quantity)
            assert abs(value - step.value) <= TOLERANCE * size, f"{step.quantity} recombines to {value}, {step.value}"


@given(trace=traces(max_neurons=6, max_batch=2), data=st.data())
def test_a_tree_unfolds_to_its_leaves(trace: Trace, data: st.DataObject) -> None:
    quantity = trace[data.draw(st.integers(0, len(trace) - 1))].quantity
    assume(trace.batch * len(trace.network.edges) < 20)
    found: set[Quantity] = set()
    rest: list[Derivation] = [root(trace, quantity)]
    count = 0
    while rest and count < 20_000:
        count += 1
        derivation = rest.pop()
        assert derivation.value == trace.value(derivation.quantity)
        assert [child.quantity for child in derivation.children] == list(derivation.expression.operands)
        assert all(child.depth == derivation.depth + 1 for child in derivation.children)
        if derivation.is_leaf:
            found.add(derivation.quantity)
        rest += derivation.children
    assert found <= leaves(trace, quantity)
    assert rest or found == leaves(trace, quantity)


def test_children_stand_in_the_order_of_the_formula_and_are_made_once() -> None:
    trace = chain(("h", "sigmoid"), ("o", "sigmoid"))
    tree = root(trace, Quantity(Kind.PRE_ACTIVATION_GRAD, "o"))
    assert [child.quantity for child in tree.children] == [
        Quantity(Kind.ACTIVATION_GRAD, "o"),
        Quantity(Kind.ACTIVATION, "o"),
    ]
    assert tree.children is tree.children
    # The activation stands below its own derivative too.
    again = tree.children[0].children[0]
    assert (again.quantity, again.depth) == (Quantity(Kind.ACTIVATION, "o"), 2)


def test_the_leaves_of_an_update() -> None:
    trace = chain(("h", "sigmoid"), ("o", "sigmoid"), optimizer="momentum")
    assert leaves(trace, Quantity(Kind.UPDATE, "w1")) == {
        *(Quantity(Kind.WEIGHT, edge) for edge in ("w1", "w2")),
        *(Quantity(Kind.BIAS, neuron) for neuron in ("h", "o")),
        Quantity(Kind.INPUT, "x"),
        Quantity(Kind.TARGET, "o"),
        Quantity(Kind.FORMER_1, "w1"),
    }


def test_shared_subtrees_and_deep_networks_cost_no_more_than_their_quantities() -> None:
    # Two neurons a layer, all connected: 2^400 paths, and deeper than Python's stack.
    network = Network()
    layer = [network.add_neuron("input").id for _ in range(2)]
    for _ in range(400):
        following = [network.add_neuron("hidden", activation="sine", bias=0.1).id for _ in range(2)]
        for target in following:
            for source in layer:
                network.connect(source, target, weight=0.5)
        layer = following
    network.add_neuron("output", id="o")
    for source in layer:
        network.connect(source, "o", weight=1.0)
    trace = trace_of(network, [[0.3, -0.2]], [[1.0]])
    quantity = Quantity(Kind.UPDATE, "w1")
    # Were they not shared, this would not end.
    assert len(leaves(trace, quantity)) == 4 * 400 + 2 + 2 * 400 + 1 + 2 + 1
    assert np.isclose(recombine(trace, quantity), trace.value(quantity), rtol=1e-12, atol=0.0)
