"""Weights into a network that is there: what goes where, what stays, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.errors import ImportFileError
from core.imports.dense import has_open_rows
from core.imports.matching import apply_match, match_file
from core.imports.records import LayerNotes, NamedArrays, Notes
from core.network import Network
from core.project import Project
from core.settings import Memory


def layered(*sizes: int) -> Network:
    """Layers i1.., h1.., o1.. with all edges, weights 0."""
    network = Network()
    roles = ["input", *["hidden"] * (len(sizes) - 2), "output"]
    former: list[str] = []
    for role, size in zip(roles, sizes, strict=True):
        level = [network.add_neuron(role, activation=None if role == "input" else "tanh").id for _ in range(size)]
        for target in level:
            for source in former:
                network.connect(source, target)
        former = level
    return network


def file_of(*shapes: Sequence[int], names: Sequence[str] = (), **fields: Any) -> NamedArrays:
    """Arrays of these shapes that hold 1, 2, 3 ..."""
    count = 0
    arrays = {}
    for number, shape in enumerate(shapes):
        size = int(np.prod(shape))
        name = names[number] if names else f"arr_{number}"
        arrays[name] = np.arange(count + 1.0, count + size + 1.0).reshape(shape)
        count += size
    return NamedArrays("a.npz", arrays, **fields)


def refused(file: NamedArrays, network: Network, **options: Any) -> str:
    with pytest.raises(ImportFileError) as caught:
        match_file(file, network, **options)
    assert str(caught.value).endswith(".")
    return str(caught.value)


# By name


def test_names_give_each_parameter_its_number_and_the_rest_stays() -> None:
    network = layered(2, 1, 1)
    match = match_file(NamedArrays("a.json", parameters={"w2": 5.0, "h1": 0.0, "x": 1.0}), network)
    assert [(one.parameter, one.old, one.new) for one in match.assignments] == [("h1", 0.0, 0.0), ("w2", 0.0, 5.0)]
    assert (match.changed, match.kept, match.unused) == (1, ("w1", "o1", "w3"), ("x",))
    assert match.summary == (
        "2 parameters by name, 1 of them with another value. Not in the file, so they stay: w1, o1, w3. "
        "Not used from the file: x."
    )


def test_the_neurons_of_an_edge_say_more_than_its_name() -> None:
    network = layered(2, 1, 1)
    file = NamedArrays(
        "a.csv",
        parameters={"first": 1.0, "w1": 2.0, "shift": 3.0, "w3": 4.0},
        ends={"first": ("i1", "h1"), "w1": ("i2", "h1"), "shift": ("", "o1"), "w3": ("h9", "o9")},
    )
    match = match_file(file, network)
    # Where there are no such neurons, the name is all there is.
    assert {one.parameter: one.new for one in match.assignments} == {"w1": 1.0, "w2": 2.0, "o1": 3.0, "w3": 4.0}


def test_edges_that_share_a_weight_have_to_agree() -> None:
    network = layered(2, 1, 1)
    network.tie("w2", "w1")
    match = match_file(NamedArrays("a.json", parameters={"w1": 2.0, "w2": 2.0}), network)
    assert [(one.parameter, one.new) for one in match.assignments] == [("w1", 2.0)]
    said = refused(NamedArrays("a.json", parameters={"w1": 2.0, "w2": 0.1}), network)
    assert said == (
        "a.json: w1 and w2 share one weight in this network, but the file has 2 and 0.1: untie them first, or make "
        "them equal."
    )


def test_other_activations_in_the_file_are_told() -> None:
    notes = Notes(["i1"], ["o1"], [LayerNotes("relu", ["o1"], ["i1"], [["w1"]])])
    arrays = {"layers.0.weight": np.ones((1, 1)), "layers.0.bias": np.ones(1)}
    match = match_file(NamedArrays("a.npz", arrays, notes=notes), layered(1, 1))
    assert match.sentences == (
        "Only weights and biases are taken, though the file has other activations: o1 (relu, here tanh).",
    )


def test_arrays_that_are_not_as_their_notes_say_are_refused() -> None:
    notes = Notes(["i1"], ["o1"], [LayerNotes("relu", ["o1"], ["i1"], [["w1"]])])
    file = NamedArrays("a.npz", {"layers.0.weight": np.ones((2, 1)), "layers.0.bias": np.ones(1)}, notes=notes)
    assert "layers.0.weight has 2 × 1 numbers" in refused(file, layered(1, 1))


def test_without_any_fitting_name_the_layers_are_taken_in_order() -> None:
    file = file_of((1, 2), (1,), names=["0.weight", "0.bias"])
    assert match_file(file, layered(2, 1)).by == "order"
    assert refused(file, layered(2, 1), by="name") == (
        "a.npz: no name in it is one of this network's parameters (it holds 0.weight, 0.bias): import by order, or "
        "as a new network."
    )


# By order


def test_rows_are_neurons_or_sources_as_the_shapes_tell() -> None:
    network = layered(2, 3, 1)
    expected = {f"w{k}": float(k) for k in range(1, 7)}
    torch = file_of((3, 2), (3,), (1, 3), (1,), names=["0.weight", "0.bias", "2.weight", "2.bias"])
    match = match_file(torch, network, by="order")
    assert {one.parameter: one.new for one in match.assignments}.items() >= expected.items()
    assert match.assignments[-1].place == "2.weight[0, 2]"
    keras = file_of((2, 3), (3,), (3, 1), (1,))
    match = match_file(keras, network, by="order")
    found = {one.parameter: one.new for one in match.assignments}
    # Row by row in the file is source by source: w1 and w2 lead to h1.
    assert [found[f"w{k}"] for k in range(1, 7)] == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    assert match.sentences == ("The weights were read with a row a source, as in Keras and scikit-learn.",)


def test_square_matrices_are_read_as_their_names_suggest_or_as_asked() -> None:
    network = layered(2, 2)
    for name, first_row in (("0.weight", ["w1", "w2"]), ("kernel", ["w1", "w3"])):
        match = match_file(file_of((2, 2), (2,), names=[name, "bias"]), network)
        found = {one.new: one.parameter for one in match.assignments if one.place.startswith(name)}
        assert [found[1.0], found[2.0]] == first_row
    plain = file_of((2, 2), (2,))
    assert has_open_rows(plain)
    assert "cannot be told" in refused(plain, network)
    match = match_file(plain, network, orientation="sources")
    assert {one.parameter: one.new for one in match.assignments}["w3"] == 2.0
    assert not has_open_rows(file_of((3, 2), (3,)))


def test_layers_without_biases_leave_the_biases() -> None:
    match = match_file(file_of((3, 2), (1, 3)), layered(2, 3, 1))
    assert match.kept == ("h1", "h2", "h3", "o1")


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (
            [(3, 2), (3,), (1, 3), (1,)],
            "arr_0 has 3 × 2 numbers, but the network's first layer after the inputs wants 4 × 2 (4 neurons with 2 "
            "sources each)",
        ),
        ([(4, 2), (4,), (2, 4), (2,)], "arr_2 has 2 × 4 numbers, but the network's second layer"),
        ([(4, 2), (3,), (1, 4), (1,)], "arr_1 has 3 numbers, but the network's first layer after the inputs has 4"),
        ([(1, 2), (1,)], "it holds 1 layer, the network has 2"),
        ([(4, 2, 3, 3), (4,)], "arr_0 has 4 dimensions"),
        ([(4, 2), (4,), (4,), (1, 4), (1,)], "2 weight matrices but 3 vectors"),
        ([(4,)], "no weight matrix"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes: list[tuple[int, ...]], words: str) -> None:
    assert words in refused(file_of(*shapes), layered(2, 4, 1))


def test_a_free_form_network_takes_weights_by_name_alone() -> None:
    network = layered(2, 2, 1)
    network.remove_edge("w1")
    assert "read different neurons" in refused(file_of((2, 2), (2,), (1, 2), (1,)), network)


def test_a_shared_weight_takes_one_number_by_order() -> None:
    network = layered(2, 1)
    network.tie("w2", "w1")
    file = NamedArrays("a.npz", {"w": np.array([[1.0, 1.0]]), "b": np.zeros(1)})
    assert match_file(file, network).kept == ()
    assert "are one shared weight, w1" in refused(file_of((1, 2), (1,)), network)


def test_a_network_without_parameters_is_no_place_for_weights() -> None:
    assert "import as a new network" in refused(file_of((1, 1)), Network())


# Applying


def test_other_values_are_those_of_update_0() -> None:
    network = layered(1, 1)
    project = Project(network, updates=7, epoch=3, start={"w1": 0.1, "o1": 0.0}, memory=Memory(7, {}))
    apply_match(match_file(NamedArrays("a.json", parameters={"w1": 0.0}), network), project)
    assert (project.updates, project.epoch) == (7, 3)
    apply_match(match_file(NamedArrays("a.json", parameters={"w1": 0.5}), network), project)
    assert network.values == {"o1": 0.0, "w1": 0.5}
    assert (project.updates, project.epoch, project.start, project.memory) == (0, 0, None, None)
