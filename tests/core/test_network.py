"""The network's rules, and that they hold after any sequence of changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_strategies import Shape, connect_all, networks, random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.activations import ACTIVATIONS
from core.errors import NetworkError
from core.network import Edge, Network, Neuron, Role


def state_of(network: Network) -> dict[str, Any]:
    """Everything that a network is, the order of its parts included."""
    return {
        "neurons": list(network.neurons.items()),
        "edges": list(network.edges.items()),
        "values": list(network.values.items()),
        "frozen": network.frozen,
        "positions": list(network.positions.items()),
        "incoming": {n: network.incoming(n) for n in network.neurons},
        "outgoing": {n: network.outgoing(n) for n in network.neurons},
        "index keys": (list(network._incoming), list(network._outgoing)),
    }


def assert_sound(network: Network) -> None:
    """Every invariant that holds between the parts of a network."""
    assert network.positions.keys() == network.neurons.keys()
    assert not network.neurons.keys() & network.edges.keys()
    assert all(neuron_id == neuron.id for neuron_id, neuron in network.neurons.items())
    assert all(edge_id == edge.id for edge_id, edge in network.edges.items())
    for index, end in ((network._incoming, "target"), (network._outgoing, "source")):
        assert index.keys() == network.neurons.keys()
        for neuron_id, edge_ids in index.items():
            assert sorted(edge_ids) == sorted(e.id for e in network.edges.values() if getattr(e, end) == neuron_id)
    pairs = [(edge.source, edge.target) for edge in network.edges.values()]
    assert len(set(pairs)) == len(pairs)
    assert all(network.neurons[target].role is not Role.INPUT for _, target in pairs)
    for edge in network.edges.values():
        assert edge.tied_to is None or network.edges[edge.tied_to].tied_to is None
    biases = {n.id for n in network.neurons.values() if n.role is not Role.INPUT}
    assert network.values.keys() == biases | {e.id for e in network.edges.values() if e.tied_to is None}
    assert all(type(value) is float for value in network.values.values())
    assert network.frozen <= network.values.keys()
    for neuron in network.neurons.values():
        assert neuron.activation in ACTIVATIONS
        assert neuron.role is not Role.INPUT or neuron.activation == "linear"
        assert neuron.role is Role.OUTPUT or neuron.activation != "softmax"
    assert_levels(network)


def assert_levels(network: Network) -> None:
    levels = network.levels()
    depth = {neuron_id: level for level, members in enumerate(levels) for neuron_id in members}
    assert sorted(depth) == sorted(network.neurons)
    assert all(depth[edge.source] < depth[edge.target] for edge in network.edges.values())
    assert all((depth[n.id] == 0) == (n.role is Role.INPUT) for n in network.neurons.values())
    assert len({depth[n.id] for n in network.neurons.values() if n.activation == "softmax"}) <= 1
    assert all(levels[1:])


def refused(network: Network, change: Callable[[], object], *parts: str) -> None:
    """Check that a change is refused with all `parts` in its one sentence, and that nothing has changed."""
    before = state_of(network)
    with pytest.raises(NetworkError) as refusal:
        change()
    sentence = str(refusal.value)
    assert all(part in sentence for part in parts), sentence
    assert sentence.endswith((".", "!")) or "characters" in sentence
    assert state_of(network) == before


@pytest.fixture
def network() -> Network:
    """x, y -> h, g -> o, p; edges w1 to w8 in this order: xh, xg, yh, yg, ho, hp, go, gp."""
    made = Network()
    for role, names in (("input", "xy"), ("hidden", "hg"), ("output", "op")):
        for name in names:
            made.add_neuron(role, id=name, bias=0.5)
    connect_all(made, "xy", "hg", iter([1.0, 2.0, 3.0, 4.0]).__next__)
    connect_all(made, "hg", "op", iter([5.0, 6.0, 7.0, 8.0]).__next__)
    return made


# Adding


def test_neurons_are_named_after_their_role_with_the_first_free_number() -> None:
    network = Network()
    made = [network.add_neuron(role).id for role in ("input", "hidden", "hidden", "output", Role.INPUT)]
    assert made == ["i1", "h1", "h2", "o1", "i2"]
    network.remove_neuron("h1")
    assert network.add_neuron("hidden").id == "h1"


def test_edges_are_named_w_with_the_first_free_number(network: Network) -> None:
    assert list(network.edges) == [f"w{k}" for k in range(1, 9)]
    network.remove_edge("w3")
    network.rename("h", "w9")
    assert [network.connect("y", "w9").id, network.connect("x", "o").id] == ["w3", "w10"]


def test_a_new_neuron_has_what_was_asked_for() -> None:
    network = Network()
    neuron = network.add_neuron("output", id="answer", activation="softmax", bias=2, position=(3, 4))
    assert neuron == network.neuron("answer") == Neuron("answer", Role.OUTPUT, "softmax")
    assert network.bias("answer") == 2.0
    assert network.positions["answer"] == (3.0, 4.0)
    assert network.add_neuron("hidden").activation == "linear"
    assert not network.has_bias(network.add_neuron("input").id)
    assert_sound(network)


@pytest.mark.parametrize(
    "name", ["", " h", "_h", "a/b", "a\nb", "h\n", "h1 ", "-1", "x" * 41, "a“b", "a,b", "\u200bx"], ids=repr
)
def test_an_unusable_name_is_refused_and_the_rule_is_told(network: Network, name: str) -> None:
    refused(network, lambda: network.add_neuron("hidden", id=name), "cannot be a name", "letter")
    refused(network, lambda: network.connect("x", "o", id=name), "cannot be a name")
    refused(network, lambda: network.rename("h", name), "cannot be a name")
    refused(network, lambda: network.rename("w1", name), "cannot be a name")


@pytest.mark.parametrize("name", ["h", "H 1", "neuron-2", "x'", "a.b", "γ", "1", "Größe", "x_1", "y" * 40])
def test_names_may_be_in_any_language(name: str) -> None:
    network = Network()
    network.add_neuron("hidden", id=name)
    assert_sound(network)


def test_a_name_is_taken_by_neurons_and_edges_alike(network: Network) -> None:
    refused(network, lambda: network.add_neuron("hidden", id="h"), "“h”", "another neuron")
    refused(network, lambda: network.add_neuron("hidden", id="w1"), "“w1”", "another edge")
    refused(network, lambda: network.connect("x", "o", id="h"), "“h”", "another neuron")
    refused(network, lambda: network.rename("h", "w1"), "“w1”", "another edge")
    refused(network, lambda: network.rename("w1", "w2"), "“w2”", "another edge")


def test_an_unknown_activation_is_refused_and_the_known_ones_are_listed(network: Network) -> None:
    refused(network, lambda: network.add_neuron("hidden", activation="swish"), "swish", "sigmoid", "softmax")
    refused(network, lambda: network.set_activation("h", "swish"), "h:", "swish", "sigmoid")


def test_an_input_has_no_activation(network: Network) -> None:
    refused(network, lambda: network.add_neuron("input", id="z", activation="relu"), "z", "input")
    refused(network, lambda: network.set_activation("x", "relu"), "x", "input")


def test_softmax_is_for_outputs_only(network: Network) -> None:
    refused(network, lambda: network.set_activation("h", "softmax"), "h is hidden", "output neurons only")
    refused(network, lambda: network.add_neuron("hidden", id="k", activation="softmax"), "k is hidden")
    refused(network, lambda: network.set_activation("x", "softmax"), "x", "input")


@pytest.mark.parametrize("name", ["neuron", "edge", "remove_neuron", "remove_edge", "untie"])
def test_what_does_not_exist_is_named(network: Network, name: str) -> None:
    refused(network, lambda: getattr(network, name)("nowhere"), "There is no", "“nowhere”")


def test_changes_of_what_does_not_exist_are_refused(network: Network) -> None:
    refused(network, lambda: network.set_role("nowhere", "hidden"), "no neuron “nowhere”")
    refused(network, lambda: network.set_activation("nowhere", "relu"), "no neuron “nowhere”")
    refused(network, lambda: network.rename("nowhere", "somewhere"), "“nowhere”")
    refused(network, lambda: network.connect("nowhere", "h"), "no neuron “nowhere”")
    refused(network, lambda: network.connect("h", "nowhere"), "no neuron “nowhere”")
    refused(network, lambda: network.connect("x", "o", tied_to="nowhere"), "no edge “nowhere”")
    refused(network, lambda: network.tie("w1", "nowhere"), "no edge “nowhere”")
    refused(network, lambda: network.remove_edges(["w1", "nowhere"]), "no edge “nowhere”")
    refused(network, lambda: network.tie("nowhere", "w1"), "no edge “nowhere”")
    refused(network, lambda: network.set_value("nowhere", 1.0), "“nowhere”")
    refused(network, lambda: network.set_values({"h": 1.0, "nowhere": 1.0}), "“nowhere”")
    refused(network, lambda: network.set_frozen("nowhere"), "“nowhere”")
    refused(network, lambda: network.move({"h": (1.0, 2.0), "nowhere": (1.0, 2.0)}), "“nowhere”")


# Connecting


def test_no_edge_leads_into_an_input(network: Network) -> None:
    refused(network, lambda: network.connect("h", "x"), "x is an input", "no edge can lead into it")
    refused(network, lambda: network.connect("y", "x"), "x is an input")


def test_no_neuron_feeds_itself(network: Network) -> None:
    refused(network, lambda: network.connect("h", "h"), "h cannot feed itself", "cycle")


def test_there_is_one_edge_between_two_neurons_at_most(network: Network) -> None:
    refused(network, lambda: network.connect("x", "h"), "already an edge from x to h")


def test_no_edge_closes_a_cycle_and_the_cycle_is_named(network: Network) -> None:
    refused(network, lambda: network.connect("o", "h"), "from o to h", "h → o → h")
    network.connect("o", "p")
    network.remove_edge("w6")
    refused(network, lambda: network.connect("p", "h"), "from p to h", "h → o → p → h")


def test_an_edge_may_skip_levels_and_lead_out_of_an_output(network: Network) -> None:
    network.connect("x", "o")
    network.connect("o", "p")
    assert network.levels() == [["x", "y"], ["h", "g"], ["o"], ["p"]]
    assert_sound(network)


def test_no_path_leads_from_one_softmax_output_to_another(network: Network) -> None:
    network.set_activation("o", "softmax")
    network.set_activation("p", "softmax")
    refused(network, lambda: network.connect("o", "p"), "o and p share one softmax")
    network.add_neuron("hidden", id="k")
    network.connect("o", "k")
    refused(network, lambda: network.connect("k", "p"), "o and p share one softmax")
    network.set_activation("p", "linear")
    network.connect("k", "p")
    refused(network, lambda: network.set_activation("p", "softmax"), "o", "p", "softmax output to another")


def test_why_not_connect_says_what_connect_would_refuse(network: Network) -> None:
    assert network.why_not_connect("x", "o") is None
    assert network.why_not_connect("x", "h") == "There is already an edge from x to h."


@given(networks(max_neurons=12))
def test_an_edge_can_be_drawn_exactly_where_no_reason_is_against_it(network: Network) -> None:
    for source in network.neurons:
        for target in network.neurons:
            twin = network.copy()
            reason = network.why_not_connect(source, target)
            if reason is None:
                twin.connect(source, target)
                assert_sound(twin)
            else:
                refused(twin, lambda twin=twin, s=source, t=target: twin.connect(s, t), reason)


# Removing


def test_a_neuron_goes_with_its_edges_and_nothing_else(network: Network) -> None:
    network.set_frozen("h")
    network.set_frozen("w1")
    network.remove_neuron("h")
    assert list(network.edges) == ["w2", "w4", "w7", "w8"]
    assert network.values == {"g": 0.5, "o": 0.5, "p": 0.5, "w2": 2.0, "w4": 4.0, "w7": 7.0, "w8": 8.0}
    assert network.frozen == frozenset()
    assert_sound(network)


def test_the_weight_of_a_removed_owner_goes_on_in_the_edges_tied_to_it(network: Network) -> None:
    network.tie("w2", "w1")
    network.tie("w3", "w1")
    network.set_frozen("w1")
    network.remove_edge("w1")
    assert network.edges["w2"].tied_to is None
    assert network.edges["w3"].tied_to == "w2"
    assert network.weight("w3") == 1.0
    assert network.frozen == {"w2"}
    assert_sound(network)


def test_removing_edges_together_is_removing_them_one_by_one(network: Network) -> None:
    for edge_id in ("w2", "w3", "w5"):
        network.tie(edge_id, "w1")
    network.tie("w7", "w6")
    network.set_frozen("w6")
    together, one_by_one = network.copy(), network.copy()
    gone = ["w1", "w2", "w6", "w8"]
    together.remove_edges(iter(gone))
    for edge_id in gone:
        one_by_one.remove_edge(edge_id)
    assert state_of(together) == state_of(one_by_one)
    assert together.edges["w5"].tied_to == "w3"
    assert together.frozen == {"w7"}
    assert_sound(together)


# Ties


def test_tied_edges_share_one_weight(network: Network) -> None:
    network.tie("w2", "w1")
    assert "w2" not in network.values
    network.set_value("w2", 9.0)
    assert network.weight("w1") == network.weight("w2") == network.values["w1"] == 9.0
    assert [edge.id for edge in network.edges_of_parameter("w1")] == ["w1", "w2"]
    assert network.edges_of_parameter("h") == []


def test_tying_to_a_tied_edge_ties_to_its_owner(network: Network) -> None:
    network.tie("w2", "w1")
    network.tie("w3", "w2")
    assert network.edges["w3"].tied_to == "w1"
    made = network.connect("x", "o", tied_to="w3", weight=99.0)
    assert made.tied_to == "w1"
    assert network.weight(made.id) == 1.0
    assert_sound(network)


def test_an_owner_that_is_tied_takes_its_edges_along(network: Network) -> None:
    network.tie("w2", "w1")
    network.tie("w1", "w8")
    assert {e.id for e in network.edges_of_parameter("w8")} == {"w1", "w2", "w8"}
    assert network.weight("w2") == 8.0
    assert_sound(network)


def test_tying_within_a_group_or_to_itself_changes_nothing(network: Network) -> None:
    network.tie("w2", "w1")
    before = state_of(network)
    for first, second in (("w1", "w1"), ("w1", "w2"), ("w2", "w1"), ("w2", "w2")):
        network.tie(first, second)
        assert state_of(network) == before


def test_an_untied_edge_keeps_the_value_that_it_shared(network: Network) -> None:
    network.tie("w2", "w1")
    network.untie("w2")
    network.set_value("w1", 5.0)
    assert network.weight("w2") == 1.0
    before = state_of(network)
    network.untie("w2")
    network.untie("w1")
    assert state_of(network) == before
    assert_sound(network)


def test_freezing_a_tied_edge_freezes_the_weight_that_it_shares(network: Network) -> None:
    network.tie("w2", "w1")
    network.set_frozen("w2")
    assert network.frozen == {"w1"}
    network.set_frozen("w2", False)
    assert network.frozen == frozenset()


def test_an_input_has_no_bias_to_set_or_freeze(network: Network) -> None:
    refused(network, lambda: network.set_value("x", 1.0), "“x”", "inputs have no bias")
    refused(network, lambda: network.set_frozen("x"), "“x”", "inputs have no bias")


# Roles, activations, names


def test_a_neuron_with_incoming_edges_does_not_become_an_input(network: Network) -> None:
    refused(network, lambda: network.set_role("h", "input"), "h cannot become an input", "w1", "from x")


def test_a_neuron_that_becomes_an_input_loses_its_bias_and_activation(network: Network) -> None:
    network.add_neuron("hidden", id="k", activation="tanh", bias=3.0)
    network.set_frozen("k")
    network.set_role("k", "input")
    assert network.neuron("k") == Neuron("k", Role.INPUT)
    assert_sound(network)
    network.set_role("k", Role.OUTPUT)
    assert network.bias("k") == 0.0
    assert_sound(network)


def test_an_output_that_becomes_hidden_keeps_all_but_softmax(network: Network) -> None:
    network.set_activation("o", "tanh")
    network.set_role("o", "hidden")
    assert (network.neuron("o").activation, network.bias("o")) == ("tanh", 0.5)
    network.set_activation("p", "softmax")
    network.set_role("p", "hidden")
    assert network.neuron("p").activation == "linear"
    assert_sound(network)


def test_setting_the_role_that_a_neuron_has_changes_nothing(network: Network) -> None:
    network.set_activation("o", "softmax")
    before = state_of(network)
    network.set_role("o", "output")
    assert state_of(network) == before


def test_a_renamed_neuron_keeps_its_place_value_and_edges(network: Network) -> None:
    network.set_frozen("h")
    network.rename("h", "hidden one")
    assert list(network.neurons) == ["x", "y", "hidden one", "g", "o", "p"]
    assert list(network.values)[:2] == ["hidden one", "g"]
    assert [e.id for e in network.incoming("hidden one")] == ["w1", "w3"]
    assert network.edges["w5"].source == "hidden one"
    assert network.frozen == {"hidden one"}
    assert_sound(network)


def test_a_renamed_edge_keeps_its_place_value_and_ties(network: Network) -> None:
    network.tie("w3", "w1")
    network.set_frozen("w1")
    network.rename("w1", "first")
    assert list(network.edges)[:3] == ["first", "w2", "w3"]
    assert network.edges["w3"].tied_to == "first"
    assert network.weight("w3") == 1.0
    assert network.frozen == {"first"}
    network.rename("w3", "third")
    assert network.edges["third"].tied_to == "first"
    assert_sound(network)


def test_renaming_to_the_same_name_changes_nothing(network: Network) -> None:
    before = state_of(network)
    network.rename("h", "h")
    network.rename("w1", "w1")
    assert state_of(network) == before


# Reading


def test_inputs_and_outputs_are_in_drawing_order(network: Network) -> None:
    network.add_neuron("input", id="z")
    network.set_role("g", "output")
    assert [n.id for n in network.inputs] == ["x", "y", "z"]
    assert [n.id for n in network.outputs] == ["g", "o", "p"]
    assert [n.id for n in network.with_role(Role.HIDDEN)] == ["h"]


def test_levels_put_softmax_outputs_side_by_side(network: Network) -> None:
    network.add_neuron("output", id="q", activation="softmax")
    network.set_activation("o", "softmax")
    network.connect("q", network.add_neuron("hidden", id="k").id)
    assert network.levels() == [["x", "y"], ["h", "g"], ["o", "p", "q"], ["k"]]


def test_hidden_neurons_without_incoming_edges_stand_after_the_inputs() -> None:
    network = Network()
    network.add_neuron("hidden", id="h")
    assert network.levels() == [[], ["h"]]
    network.add_neuron("input", id="x")
    assert network.levels() == [["x"], ["h"]]
    assert Network().levels() == []


@given(networks())
def test_each_neuron_stands_one_level_after_its_deepest_source(network: Network) -> None:
    assert_sound(network)
    depth = {n: level for level, members in enumerate(network.levels()) for n in members}
    for neuron in network.neurons.values():
        if neuron.role is not Role.INPUT and neuron.activation != "softmax":
            assert depth[neuron.id] == max([depth[e.source] + 1 for e in network.incoming(neuron.id)], default=1)


# Copies and building


@given(networks(max_neurons=15))
def test_a_copy_is_equal_and_changes_alone(network: Network) -> None:
    before = state_of(network)
    twin = network.copy()
    assert state_of(twin) == before
    for neuron in network.outputs:
        twin.rename(neuron.id, f"{neuron.id} renamed")
    twin.set_values(dict.fromkeys(twin.values, 3.0))
    twin.move(dict.fromkeys(twin.neurons, (9.0, 9.0)))
    for edge_id in list(twin.edges)[::2]:
        twin.remove_edge(edge_id)
    for parameter in twin.values:
        twin.set_frozen(parameter)
    twin.add_neuron("input")
    assert_sound(twin)
    assert state_of(network) == before


def test_parts_that_did_not_change_are_shared_with_the_former_network(network: Network) -> None:
    network.set_frozen("h")
    network.set_frozen("w1")
    twin = network.copy()
    twin.set_value("h", 7.0)
    # Equal sets may come in another order.
    twin.frozen = frozenset(sorted(network.frozen, key=lambda name: name != "w1"))
    twin.share_unchanged(network)
    for part in ("neurons", "edges", "frozen", "positions"):
        assert getattr(twin, part) is getattr(network, part), part
    assert twin.values is not network.values


def test_neurons_in_another_order_are_a_change(network: Network) -> None:
    twin = network.copy()
    twin.neurons = dict(reversed(twin.neurons.items()))
    twin.share_unchanged(network)
    assert twin.neurons is not network.neurons


@given(networks())
def test_frozen_sets_of_many_names_are_shared_in_whatever_order_they_grew(network: Network) -> None:
    names = list(network.values)
    network.frozen = frozenset(names)
    twin = network.copy()
    twin.frozen = frozenset()
    for name in reversed(names):
        twin.set_frozen(name)
    twin.share_unchanged(network)
    assert twin.frozen is network.frozen


def records_of(network: Network) -> tuple[list[tuple[Neuron, float, Any]], list[tuple[Edge, float]], frozenset[str]]:
    neurons = [(n, network.values.get(n.id, 0.0), network.positions[n.id]) for n in network.neurons.values()]
    return neurons, [(e, network.weight(e.id)) for e in network.edges.values()], network.frozen


@given(networks(max_neurons=25))
def test_a_network_built_from_its_records_is_the_same(network: Network) -> None:
    assert state_of(Network.build(*records_of(network))) == state_of(network)


@given(networks(max_neurons=15))
def test_a_network_built_at_once_equals_one_built_step_by_step(network: Network) -> None:
    twin = Network()
    for neuron in network.neurons.values():
        twin.add_neuron(
            neuron.role,
            id=neuron.id,
            activation=neuron.activation,
            bias=network.values.get(neuron.id, 0.0),
            position=network.positions[neuron.id],
        )
    for edge in network.edges.values():
        twin.connect(edge.source, edge.target, id=edge.id, weight=network.weight(edge.id))
    for edge in network.edges.values():
        if edge.tied_to:
            twin.tie(edge.id, edge.tied_to)
    for parameter in network.frozen:
        twin.set_frozen(parameter)
    assert state_of(twin) == state_of(network)


X = (Neuron("x", Role.INPUT), 0.0, (0.0, 0.0))
H, G = ((Neuron(i, Role.HIDDEN), 0.0, (0.0, 0.0)) for i in ("h", "g"))
S, T = ((Neuron(i, Role.OUTPUT, "softmax"), 0.0, (0.0, 0.0)) for i in ("s", "t"))


def edges(*texts: str) -> list[tuple[Edge, float]]:
    """Edges out of texts such as "e: x h" and "f: x g = e" (tied to e)."""
    made = []
    for text in texts:
        name, _, rest = text.partition(": ")
        ends, _, owner = rest.partition(" = ")
        source, target = ends.split()
        made.append((Edge(name, source, target, owner or None), 1.0))
    return made


@pytest.mark.parametrize(
    ("neurons", "made", "parts"),
    [
        ([X, X], [], ["“x”", "taken"]),
        ([X, H], edges("e: x h", "e: h h"), ["e", "h cannot feed itself"]),
        ([X, H], edges("e: x h", "f: x h"), ["f", "already an edge from x to h"]),
        ([X, H], edges("e: h x"), ["e", "x is an input"]),
        ([X, H, G], edges("e: h g", "f: g h"), ["cycle", "h", "g"]),
        ([X, H, S, T], edges("e: s h", "f: h t"), ["softmax", "s", "t"]),
        ([X, H], edges("e: x k"), ["“k”"]),
        ([X, H], edges("e: k h"), ["“k”"]),
        ([X, H], edges("x: x h"), ["“x”", "taken"]),
        ([X, H], edges("e: x h = k"), ["“k”"]),
        ([X, H], edges("e: x h = e"), ["e is tied to e"]),
        ([X, H, G], edges("e: x h = f", "f: x g = e"), ["tied to"]),
        ([X, H, G], edges("e: x h", "f: x g = e", "g2: h g = f"), ["g2 is tied to f"]),
        ([X, H, G], edges("g2: h g = f", "f: x g = e", "e: x h"), ["g2 is tied to f"]),
    ],
)
def test_records_that_break_a_rule_are_refused_by_name(
    neurons: list[tuple[Neuron, float, Any]], made: list[tuple[Edge, float]], parts: list[str]
) -> None:
    with pytest.raises(NetworkError) as refusal:
        Network.build(neurons, made)
    assert all(part in str(refusal.value) for part in parts), refusal.value


def test_frozen_records_that_name_no_parameter_are_refused() -> None:
    for name in ("x", "nowhere"):
        with pytest.raises(NetworkError, match=f"“{name}”"):
            Network.build([X, H], edges("e: x h"), [name])


def test_an_edge_may_be_tied_to_one_that_comes_later_in_the_records() -> None:
    network = Network.build([X, H, G], edges("f: x g = e", "e: x h"), ["f"])
    assert network.edges["f"].tied_to == "e"
    assert network.frozen == {"e"}
    assert_sound(network)


def test_a_large_network_with_many_ties_and_frozen_weights_opens() -> None:
    # Looking through all edges for each tied one would take minutes here.
    size = 150
    neurons = [(Neuron(f"i{k}", Role.INPUT), 0.0, (0.0, 0.0)) for k in range(size)]
    neurons += [(Neuron(f"o{k}", Role.OUTPUT), 0.0, (0.0, 0.0)) for k in range(size)]
    made = [
        (Edge(f"w{i}.{o}", f"i{i}", f"o{o}", f"w0.{(o - i) % size}" if i else None), 1.0)
        for i in range(size)
        for o in range(size)
    ]
    network = Network.build(neurons, made, [edge.id for edge, _ in made])
    assert len(network.values) == 2 * size
    assert len(network.frozen) == size
    assert_levels(network)


# Any sequence of changes

NAMES = [*"abcdefgh", "w1", "w2", "w3", "w4", "no such"]
names = st.sampled_from(NAMES)
roles = st.sampled_from(list(Role))
activations = st.sampled_from(["linear", "relu", "softmax", "no such activation"])
numbers = st.floats(-10.0, 10.0)


class NetworkChanges(RuleBasedStateMachine):
    """Changes in any order, allowed or not: one that is refused leaves everything as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network()
        self.earlier: list[tuple[Network, dict[str, Any]]] = []

    def change(self, name: str, *arguments: object, **options: object) -> None:
        before = state_of(self.network)
        try:
            getattr(self.network, name)(*arguments, **options)
        except NetworkError:
            assert state_of(self.network) == before, f"{name} was refused but changed something"

    @initialize(seed=st.integers(0, 1000), softmax=st.integers(0, 2))
    def start(self, seed: int, softmax: int) -> None:
        shape = Shape(inputs=2, hidden=3, outputs=3, density=0.3, softmax=softmax, feeding_outputs=True, tied=True)
        self.network = random_network(np.random.default_rng(seed), shape)
        for old, new in zip(list(self.network.neurons), "abcdefgh", strict=True):
            self.network.rename(old, new)

    @rule(role=roles, name=st.none() | names, activation=activations, bias=numbers)
    def add_neuron(self, role: Role, name: str | None, activation: str, bias: float) -> None:
        self.change("add_neuron", role, id=name, activation=activation, bias=bias)

    @rule(first=names, second=names, name=st.none() | names, tied_to=st.none() | names, weight=numbers)
    def connect(self, first: str, second: str, name: str | None, tied_to: str | None, weight: float) -> None:
        self.change("connect", first, second, weight=weight, id=name, tied_to=tied_to)

    @rule(name=names, what=st.sampled_from(["remove_neuron", "remove_edge", "untie"]))
    def remove_or_untie(self, name: str, what: str) -> None:
        self.change(what, name)

    @rule(several=st.lists(st.sampled_from(["w1", "w2", "w3", "w4"]), max_size=4))
    def remove_edges(self, several: list[str]) -> None:
        self.change("remove_edges", several)

    @rule(name=names, role=roles)
    def set_role(self, name: str, role: Role) -> None:
        self.change("set_role", name, role)

    @rule(name=names, activation=activations)
    def set_activation(self, name: str, activation: str) -> None:
        self.change("set_activation", name, activation)

    @rule(name=names, value=numbers)
    def set_value(self, name: str, value: float) -> None:
        self.change("set_value", name, value)

    @rule(values=st.dictionaries(names, numbers, max_size=3))
    def set_values(self, values: dict[str, float]) -> None:
        self.change("set_values", values)

    @rule(positions=st.dictionaries(names, st.tuples(numbers, numbers), max_size=3))
    def move(self, positions: dict[str, tuple[float, float]]) -> None:
        self.change("move", positions)

    @rule(name=names, frozen=st.booleans())
    def set_frozen(self, name: str, frozen: bool) -> None:
        self.change("set_frozen", name, frozen)

    @rule(first=names, second=names)
    def tie(self, first: str, second: str) -> None:
        self.change("tie", first, second)

    @rule(old=names, new=names)
    def rename(self, old: str, new: str) -> None:
        self.change("rename", old, new)

    @precondition(lambda self: len(self.earlier) < 3)
    @rule()
    def go_on_with_a_copy(self) -> None:
        self.earlier.append((self.network, state_of(self.network)))
        self.network = self.network.copy()

    @invariant()
    def the_network_is_sound(self) -> None:
        assert_sound(self.network)

    @invariant()
    def earlier_copies_have_not_changed(self) -> None:
        for network, state in self.earlier:
            assert state_of(network) == state

    @invariant()
    def it_can_be_built_from_its_records(self) -> None:
        built = Network.build(*records_of(self.network))
        assert built.neurons == self.network.neurons
        assert built.edges == self.network.edges
        assert built.values == self.network.values
        assert built.frozen == self.network.frozen


TestNetworkChanges = NetworkChanges.TestCase
TestNetworkChanges.settings = settings(stateful_step_count=30, deadline=None)


def test_values_that_are_not_finite_are_kept_as_they_are(network: Network) -> None:
    # A run that diverges ends in them; the trainer, not the network, is what refuses them.
    network.set_value("h", math.inf)
    assert network.bias("h") == math.inf


def test_an_untied_edge_stays_frozen(network: Network) -> None:
    network.tie("w2", "w1")
    network.set_frozen("w1")
    network.untie("w2")
    assert network.frozen == {"w1", "w2"}
