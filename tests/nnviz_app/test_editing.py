"""The editing operations: what each does to the project, that each is one undo entry, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from core.errors import NetworkError
from core.network import Network, Role
from nnviz_app.document import Document
from nnviz_app.editing import Editing
from nnviz_app.fragment import MIME_TYPE
from nnviz_app.layers import (
    NewLayer,
    NewNetwork,
    describe_sizes,
    new_weight,
    parse_sizes,
)
from nnviz_app.player import Player
from nnviz_app.selection import Selection


@pytest.fixture
def world(qtbot: QtBot) -> SimpleNamespace:
    document = Document()
    selection = Selection(document)
    player = Player(document)
    editing = Editing(document, selection, player)
    refused: list[str] = []
    editing.refused.connect(refused.append)
    return SimpleNamespace(document=document, selection=selection, player=player, editing=editing, refused=refused)


@pytest.fixture
def drawn(world: SimpleNamespace) -> SimpleNamespace:
    """A 2-2-1 network."""
    world.editing.new_network(NewNetwork((2, 2, 1)))
    world.document.undo_stack.clear()
    return world


def network_of(world: SimpleNamespace) -> Network:
    return world.document.project.network


def entries(world: SimpleNamespace) -> list[str]:
    stack = world.document.undo_stack
    return [stack.text(i) for i in range(stack.count())]


# Neurons


def test_add_neuron_selects_it_and_can_be_undone(world: SimpleNamespace) -> None:
    assert world.editing.add_neuron("hidden", (123.0, 47.0)) == "h1"
    neuron = network_of(world).neurons["h1"]
    assert (neuron.role, neuron.activation) == (Role.HIDDEN, "sigmoid")
    assert network_of(world).positions["h1"] == (120.0, 50.0)
    assert world.selection.ids == ["h1"]
    assert entries(world) == ["Add h1"]
    world.document.undo_stack.undo()
    assert not network_of(world).neurons
    assert world.selection.ids == []


def test_new_neurons_of_a_role_take_its_activation(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["h2"])
    drawn.editing.set_activation("tanh")
    drawn.editing.add_neuron("hidden", (0, 400))
    assert network_of(drawn).neurons["h3"].activation == "tanh"


def test_neurons_without_a_place_do_not_cover_one_another(world: SimpleNamespace) -> None:
    for role in ("input", "input", "hidden", "hidden", "output", "input"):
        world.editing.add_neuron(role)
    positions = network_of(world).positions
    assert len(set(positions.values())) == 6
    assert positions["i1"][0] == positions["i2"][0] == positions["i3"][0]
    assert positions["i1"][0] < positions["h1"][0] < positions["o1"][0]


def test_add_neuron_connected_from_others_is_one_entry(drawn: SimpleNamespace) -> None:
    added = drawn.editing.add_neuron("hidden", (0, 300), connect_from=["i1", "i2"])
    assert [e.source for e in network_of(drawn).incoming(added)] == ["i1", "i2"]
    assert len(entries(drawn)) == 1


def test_rename_goes_through_network_data_and_selection(drawn: SimpleNamespace) -> None:
    drawn.editing.set_cell(0, "i1", 0.5)
    drawn.selection.set(["i1"])
    assert drawn.editing.rename("i1", " price ")
    assert "price" in network_of(drawn).neurons
    assert drawn.document.project.dataset.value(0, "price") == 0.5
    assert drawn.selection.ids == ["price"]


def test_a_taken_name_is_refused(drawn: SimpleNamespace) -> None:
    assert not drawn.editing.rename("i1", "w1")
    assert "taken by another edge" in drawn.refused[-1]
    assert entries(drawn) == []


def test_set_role(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["h1"])
    drawn.editing.set_role(Role.OUTPUT)
    assert network_of(drawn).neurons["h1"].role is Role.OUTPUT
    assert "h1" in drawn.document.project.dataset.columns
    drawn.editing.set_role("input")
    assert "cannot become an input while edges lead into it" in drawn.refused[-1]
    drawn.selection.set(["i2"])
    drawn.editing.set_role("hidden")
    assert network_of(drawn).neurons["i2"].activation == "sigmoid"


def test_set_activation_passes_over_inputs(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["i1", "h1", "h2"])
    drawn.editing.set_activation("relu")
    assert [network_of(drawn).neurons[i].activation for i in ("i1", "h1", "h2")] == ["linear", "relu", "relu"]
    drawn.editing.set_activation("softmax")
    assert "softmax goes over output neurons only" in drawn.refused[-1]
    drawn.selection.set(["i1"])
    drawn.editing.set_activation("relu")
    assert "inputs have no activation" in drawn.refused[-1]


def test_nudges_in_a_row_are_one_entry(drawn: SimpleNamespace) -> None:
    before = network_of(drawn).positions["h1"]
    drawn.selection.set(["h1"])
    drawn.editing.nudge(10, 0)
    drawn.editing.nudge(10, 0)
    assert network_of(drawn).positions["h1"] == (before[0] + 20, before[1])
    assert entries(drawn) == ["Move h1"]
    drawn.document.undo_stack.undo()
    assert network_of(drawn).positions["h1"] == before


def test_moving_to_the_same_place_is_no_entry(drawn: SimpleNamespace) -> None:
    drawn.editing.move_to(dict(network_of(drawn).positions))
    assert entries(drawn) == []


# Edges


def test_connect_draws_a_weight_that_is_never_zero(drawn: SimpleNamespace) -> None:
    (edge,) = drawn.editing.connect_neurons(["i1"], ["o1"])
    weight = network_of(drawn).weight(edge)
    assert weight == new_weight(drawn.document.project.settings.seed, edge)
    assert weight != 0
    assert round(weight, 2) == weight


def test_new_weights_are_reproducible_and_differ() -> None:
    weights = [new_weight(1, f"w{i}") for i in range(500)]
    assert weights == [new_weight(1, f"w{i}") for i in range(500)]
    assert 0.0 not in weights
    assert len(set(weights)) > 100
    assert max(map(abs, weights)) <= 1
    assert new_weight(2, "w1") != new_weight(1, "w1")


def test_connect_all_to_all_leaves_out_what_is_not_allowed(drawn: SimpleNamespace) -> None:
    added = drawn.editing.connect_neurons(["i1", "i2"], ["h1", "h2", "o1"])
    assert {network_of(drawn).edges[e].target for e in added} == {"o1"}
    assert len(entries(drawn)) == 1
    assert drawn.refused == []


def test_connecting_nothing_says_why(drawn: SimpleNamespace) -> None:
    assert drawn.editing.connect_neurons(["h1"], ["i1"]) == []
    assert drawn.refused == ["i1 is an input: its value is typed, so no edge can lead into it."]
    assert entries(drawn) == []


def test_connect_selection_goes_to_the_last_selected(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["i1"])
    drawn.editing.connect_selection()
    assert "Select two neurons or more" in drawn.refused[-1]
    drawn.selection.set(["i1", "i2", "o1"])
    drawn.editing.connect_selection()
    assert {e.source for e in network_of(drawn).incoming("o1")} == {"h1", "h2", "i1", "i2"}


def test_tie_and_untie(drawn: SimpleNamespace) -> None:
    first = network_of(drawn).weight("w1")
    drawn.selection.set(["w1", "w3", "w4"])
    drawn.editing.tie()
    assert [network_of(drawn).weight(i) for i in ("w3", "w4")] == [first, first]
    assert entries(drawn) == ["Tie w1, w3 and w4"]
    drawn.selection.set(["w1"])
    drawn.editing.untie()
    assert all(e.tied_to is None for e in network_of(drawn).edges.values())
    drawn.editing.untie()
    assert "share a weight" in drawn.refused[-1]


# Numbers


def test_set_numbers(drawn: SimpleNamespace) -> None:
    editing = drawn.editing
    assert editing.set_number("weight", "w1", 0.15)
    assert editing.set_number("bias", "h1", 0.35)
    assert editing.set_number("value", "i1", 0.05)
    assert editing.set_number("target", "o1", 0.01, row=0)
    network, dataset = network_of(drawn), drawn.document.project.dataset
    assert (network.weight("w1"), network.bias("h1")) == (0.15, 0.35)
    assert (dataset.value(0, "i1"), dataset.value(0, "o1")) == (0.05, 0.01)
    assert entries(drawn) == [
        "Set w1 to 0.15",
        "Set bias of h1 to 0.35",
        "Set i1 in row 1 to 0.05",
        "Set o1 in row 1 to 0.01",
    ]
    assert not editing.set_number("target", "o1", 0.01, row=7)
    assert "no cell" in drawn.refused[-1]


def test_freeze_and_thaw(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["w1", "h1", "i1"])
    drawn.editing.set_frozen(True)
    assert network_of(drawn).frozen == {"w1", "h1"}
    drawn.editing.set_frozen(False)
    assert not network_of(drawn).frozen
    drawn.selection.set(["i1"])
    drawn.editing.set_frozen(True)
    assert "inputs have no parameter" in drawn.refused[-1]


def test_nothing_changes_while_a_run_is_under_way(drawn: SimpleNamespace) -> None:
    drawn.document.busy = "Training is under way."
    assert not drawn.editing.set_parameter("w1", 1.0)
    assert drawn.refused == ["Training is under way."]
    drawn.selection.set(["h1"])
    drawn.editing.cut()
    assert "h1" in network_of(drawn).neurons


# Deleting and the clipboard


def test_delete_takes_edges_along_and_keeps_untouched_weights(drawn: SimpleNamespace) -> None:
    kept = {i: network_of(drawn).weight(i) for i in ("w3", "w4", "w6")}
    drawn.selection.set(["h1"])
    drawn.editing.delete()
    assert list(network_of(drawn).edges) == ["w3", "w4", "w6"]
    assert {i: network_of(drawn).weight(i) for i in kept} == kept
    assert drawn.selection.ids == []
    assert entries(drawn) == ["Delete h1"]
    drawn.editing.delete()
    assert "Nothing is selected" in drawn.refused[-1]


def test_copies_keep_inner_edges_and_their_numbers(drawn: SimpleNamespace) -> None:
    editing, network = drawn.editing, network_of(drawn)
    drawn.selection.set(["w1", "w2"])
    editing.tie()
    drawn.selection.set(["w1", "h1"])
    editing.set_frozen(True)
    editing.set_parameter("h1", 0.35)
    editing.set_cell(0, "i1", 0.05)
    drawn.selection.set(["i1", "i2", "h1"])
    assert editing.copy()
    added = editing.paste()
    network = network_of(drawn)
    assert added == ["i3", "i4", "h3"]
    first, second = network.incoming("h3")
    assert (first.source, second.source) == ("i3", "i4")
    assert network.weight(first.id) == network.weight("w1")
    assert second.tied_to == first.id
    assert network.bias("h3") == 0.35
    assert {first.id, "h3"} <= network.frozen
    assert drawn.document.project.dataset.value(0, "i3") == 0.05
    assert network.outgoing("h3") == []
    assert set(drawn.selection.ids) == {"i3", "i4", "h3", first.id, second.id}
    x, y = network.positions["i1"]
    assert network.positions["i3"] == (x + 80, y + 80)
    again = editing.paste()[0]
    assert network_of(drawn).positions[again] == (x + 160, y + 160)


def test_paste_around_a_position(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["h1", "h2"])
    drawn.editing.copy()
    added = drawn.editing.paste((500.0, 300.0))
    ys = [network_of(drawn).positions[i] for i in added]
    assert {x for x, _ in ys} == {500.0}
    assert abs(sum(y for _, y in ys) / 2 - 300) <= 5


def test_cut_neurons_come_back_with_their_names_and_place(drawn: SimpleNamespace) -> None:
    before = network_of(drawn).positions["h1"]
    drawn.selection.set(["h1", "w6"])
    drawn.editing.cut()
    assert "h1" not in network_of(drawn).neurons
    assert "w6" in network_of(drawn).edges
    assert entries(drawn) == ["Cut h1"]
    assert drawn.editing.paste() == ["h1"]
    assert network_of(drawn).positions["h1"] == before


def test_the_clipboard_holds_text_too(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["h1"])
    drawn.editing.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasFormat(MIME_TYPE)
    text = data.text()
    assert json.loads(text)["neurons"][0]["id"] == "h1"
    QGuiApplication.clipboard().setText(text)
    assert drawn.editing.paste() == ["h3"]


def neurons(**changes: object) -> str:
    neuron = {"id": "a", "role": "hidden", "activation": "linear", "position": [0, 0], **changes}
    return json.dumps({"format": "nnviz neurons", "version": 1, "neurons": [neuron]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no neurons"),
        ("hello", "holds no neurons"),
        ("[1, 2]", "holds no neurons"),
        ('{"neurons": []}', "holds no neurons"),
        (neurons(position=["x", 0]), "holds no neurons"),
        (neurons(bias="1"), "holds no neurons"),
        (neurons(role="loss"), "holds no neurons"),
        (neurons(activation="magic"), "there is no activation"),
        (neurons(id="_"), "cannot be a name"),
        (neurons(position=[1e300, 0]), "too far away"),
        (neurons().replace('"version": 1', '"version": 9'), "newer version"),
        (neurons()[:-1] + ', "edges": [{"id": "e", "source": "a", "target": "b", "weight": 1}]}', "does not hold"),
    ],
)
def test_foreign_clipboards_are_refused_with_a_sentence(drawn: SimpleNamespace, text: str, words: str) -> None:
    before = drawn.document.project
    QGuiApplication.clipboard().setText(text)
    assert drawn.editing.paste() == []
    assert words in drawn.refused[-1]
    assert drawn.document.project is before


def test_duplicate_does_not_touch_the_clipboard(drawn: SimpleNamespace) -> None:
    QGuiApplication.clipboard().setText("mine")
    drawn.selection.set(["i1", "h1"])
    assert drawn.editing.duplicate() == ["i3", "h3"]
    assert QGuiApplication.clipboard().text() == "mine"
    assert network_of(drawn).edge_between("i3", "h3") is not None


@pytest.mark.parametrize("name", ["copy", "cut", "duplicate"])
def test_copying_needs_neurons(drawn: SimpleNamespace, name: str) -> None:
    drawn.selection.set(["w1"])
    getattr(drawn.editing, name)()
    assert "Select the neurons to copy first" in drawn.refused[-1]


# Arranging


def test_align_and_distribute(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["i1", "h1", "o1"])
    drawn.editing.align("top")
    drawn.editing.distribute("vertical")
    assert len({network_of(drawn).positions[i][1] for i in ("i1", "h1", "o1")}) == 1
    drawn.selection.set(["i1"])
    drawn.editing.align("left")
    assert "Select two neurons or more" in drawn.refused[-1]
    drawn.editing.distribute("horizontal")
    assert "Select three neurons or more" in drawn.refused[-1]


def test_tidy_is_one_entry_and_changes_no_value(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["h1"])
    drawn.editing.nudge(300, 300)
    values = network_of(drawn).values
    drawn.editing.tidy()
    assert network_of(drawn).values is values
    assert entries(drawn) == ["Move h1", "Tidy layout"]


# Layers


def test_a_new_network_has_not_been_trained(world: SimpleNamespace) -> None:
    world.editing.new_network(NewNetwork((2, 2, 1)))
    with world.document.edit("Adam") as draft:
        draft.settings = replace(draft.settings, optimizer="adam")
    world.document.apply_update(0)
    assert world.document.project.memory is not None
    world.editing.new_network(NewNetwork((2, 3, 1)))
    project = world.document.project
    assert (project.updates, project.epoch, project.start, project.memory) == (0, 0, None, None)


def test_new_network(world: SimpleNamespace) -> None:
    world.editing.add_neuron("input")
    world.editing.new_network(NewNetwork((2, 4, 1), hidden_activation="tanh", seed=7))
    project = world.document.project
    network = project.network
    assert [len(level) for level in network.levels()] == [2, 4, 1]
    assert len(network.values) == 17
    assert network.neurons["h1"].activation == "tanh"
    assert [(e.source, e.target) for e in list(network.edges.values())[:3]] == [
        ("i1", "h1"),
        ("i2", "h1"),
        ("i1", "h2"),
    ]
    assert network.positions["h1"][0] - network.positions["i1"][0] == 260
    assert project.settings.seed == 7
    assert project.dataset.rows == 1
    assert project.dataset.value(0, "o1") == 0
    weights = dict(network.values)
    world.document.undo_stack.undo()
    assert list(network_of(world).neurons) == ["i1"]
    world.editing.new_network(NewNetwork((2, 4, 1), hidden_activation="tanh", seed=7))
    assert network_of(world).values == weights


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("2-4-1", (2, 4, 1)), (" 2 4 1 ", (2, 4, 1)), ("3, 2", (3, 2)), ("2×2x1", (2, 2, 1)), ("2–3", (2, 3))],
)
def test_sizes_as_people_type_them(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Type the number"),
        ("2", "at least inputs and outputs"),
        ("2-a-1", "“a” is not a number"),
        ("2-0-1", "at least one neuron"),
        ("2-1001-1", "up to 1000"),
        ("1000-1000-1", "1,002,001 parameters"),
        ("2.5-1", "“2.5” is not"),
    ],
)
def test_unusable_sizes_say_why(text: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        parse_sizes(text)


def test_sizes_in_words() -> None:
    assert describe_sizes((2, 4, 1)) == "2 inputs, 4 hidden, 1 output: 17 parameters"
    assert describe_sizes((1, 3, 2, 2)) == "1 input, 3 + 2 hidden, 2 outputs: 20 parameters"
    assert describe_sizes((3, 1)) == "3 inputs, 1 output: 4 parameters"


def test_add_layer_stands_after_the_last_hidden_one(drawn: SimpleNamespace) -> None:
    before = network_of(drawn)
    added = drawn.editing.add_layer(NewLayer(3, activation="relu", connect_next=True))
    network = network_of(drawn)
    assert added == ["h3", "h4", "h5"]
    assert {network.neurons[i].activation for i in added} == {"relu"}
    assert {network.positions[i][0] for i in added} == {520.0}
    assert network.positions["o1"][0] == 780.0
    assert [e.source for e in network.incoming("h3")] == ["h1", "h2"]
    assert {e.source for e in network.incoming("o1")} == {"h1", "h2", "h3", "h4", "h5"}
    assert all(network.values[i] == before.values[i] for i in before.values)
    assert len(entries(drawn)) == 1
    assert drawn.selection.ids == added


def test_add_layer_after_the_selection(drawn: SimpleNamespace) -> None:
    drawn.selection.set(["i1", "i2"])
    added = drawn.editing.add_layer(NewLayer(2))
    network = network_of(drawn)
    assert {e.source for i in added for e in network.incoming(i)} == {"i1", "i2"}
    assert {network.positions[i][0] for i in added} == {260.0}
    assert network.positions["h1"][0] == 520.0


def test_layers_from_nothing(world: SimpleNamespace) -> None:
    editing: Editing = world.editing
    editing.add_layer(NewLayer(2, role=Role.INPUT))
    world.selection.clear()
    editing.add_layer(NewLayer(3))
    world.selection.clear()
    editing.add_layer(NewLayer(1, role=Role.OUTPUT))
    network = network_of(world)
    assert [len(level) for level in network.levels()] == [2, 3, 1]
    assert len(network.edges) == 9
    assert [network.positions[i][0] for i in ("i1", "h1", "o1")] == [0, 260, 520]
    world.selection.clear()
    editing.add_layer(NewLayer(2, role=Role.INPUT, connect_next=True))
    assert [e.target for e in network_of(world).outgoing("i3")] == ["h1", "h2", "h3"]
    world.selection.clear()
    editing.add_layer(NewLayer(1, role=Role.OUTPUT))
    network = network_of(world)
    assert network.positions["o2"] == (520, network.positions["o1"][1] + 110)
    assert len(set(network.positions.values())) == len(network.neurons)


def test_add_layer_refuses_silly_counts(drawn: SimpleNamespace) -> None:
    assert drawn.editing.add_layer(NewLayer(0)) == []
    assert "1 to 1000" in drawn.refused[-1]


def test_a_layer_of_many_edges(world: SimpleNamespace) -> None:
    world.editing.add_layer(NewLayer(60, role=Role.INPUT))
    world.editing.add_layer(NewLayer(60))
    assert len(network_of(world).edges) == 3600
