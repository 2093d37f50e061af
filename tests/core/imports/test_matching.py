"""Weights into a network that is there: what goes where, what stays, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ImportFileError
from core.export.formats import FORMATS
from core.imports.arrays import read_arrays
from core.imports.assignments import By, Match, describe_match
from core.imports.dense import has_open_rows
from core.imports.matching import apply_match, match_file
from core.imports.records import LayerNotes, NamedArrays, Notes
from core.jobs import finish
from core.network import Network
from core.project import Project
from core.project_file import load_project
from core.settings import Memory

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"


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


def taken(match: Match) -> dict[str, float]:
    return {one.parameter: one.new for one in match.assignments}


# By name


def test_names_give_each_parameter_its_number_and_the_rest_stays() -> None:
    network = layered(2, 1, 1)
    match = match_file(NamedArrays("a.json", parameters={"w2": 5.0, "h1": 0.0, "x": 1.0}), network)
    assert [(one.parameter, one.old, one.new) for one in match.assignments] == [("h1", 0.0, 0.0), ("w2", 0.0, 5.0)]
    assert (match.changed, match.kept, match.unused) == (1, ("w1", "o1", "w3"), ("x",))
    assert describe_match(match, network) == (
        "2 of 5 parameters by name, 1 of them with another value. The other 3 are not in the file and stay: "
        "w1 (i1 → h1), the bias of o1, w3 (h1 → o1). Not used from the file: x."
    )


def test_what_changes_nothing_says_so() -> None:
    network = layered(1, 1)
    match = match_file(NamedArrays("a.json", parameters={"w1": 0.0}), network)
    assert describe_match(match, network) == (
        "1 of 2 parameters by name, none of them with another value: nothing would change. The other one is not in "
        "the file and stays: the bias of o1."
    )


def test_the_neurons_of_an_edge_say_more_than_its_name() -> None:
    network = layered(2, 1, 1)
    file = NamedArrays(
        "a.csv",
        parameters={"first": 1.0, "w1": 2.0, "shift": 3.0, "w3": 4.0},
        ends={"first": ("i1", "h1"), "w1": ("i2", "h1"), "shift": ("", "o1"), "w3": ("h9", "o9")},
    )
    match = match_file(file, network)
    assert taken(match) == {"w1": 1.0, "w2": 2.0, "o1": 3.0}
    # This network's w3 leads from h1 to o1.
    assert match.unused == ("w3 (h9 → o9)",)
    assert match.kept == ("h1", "w3")


def test_a_bias_goes_with_the_edges_into_its_neuron() -> None:
    network = layered(2, 1, 1)
    values = {"a": 1.0, "h1": 2.0, "b": 3.0, "c": 4.0, "o1": 5.0}
    ends = {"a": ("x", "h1"), "h1": ("", "h1"), "b": ("h1", "o1"), "c": ("h2", "o1"), "o1": ("", "o1")}
    match = match_file(NamedArrays("a.csv", parameters=values, ends=ends), network)
    # Its h1 reads nothing that this h1 reads; of what o1 reads there is one, so it is the same neuron.
    assert taken(match) == {"w3": 3.0, "o1": 5.0}
    assert match.unused == ("a (x → h1)", "the bias of h1", "c (h2 → o1)")
    # A bias alone needs no more than its name.
    alone = NamedArrays("a.csv", parameters={"h1": 2.0}, ends={"h1": ("", "h1")})
    assert taken(match_file(alone, network)) == {"h1": 2.0}


def test_names_of_edges_count_where_no_neuron_of_the_file_is_here() -> None:
    network = layered(1, 1, 1)
    file = NamedArrays("a.csv", parameters={"w1": 1.0, "w2": 2.0}, ends={"w1": ("x", "h"), "w2": ("h", "y")})
    assert taken(match_file(file, network)) == {"w1": 1.0, "w2": 2.0}
    one_here = NamedArrays("a.csv", parameters={"w1": 1.0, "w2": 2.0}, ends={"w1": ("x", "h1"), "w2": ("h1", "y")})
    assert refused(one_here, network) == (
        "a.csv: it holds no layers, only named numbers, and none is one of this network's parameters (w1 (x → h1), "
        "w2 (h1 → y)): name neurons as in the file, or import as a new network."
    )


def test_named_numbers_that_fit_by_name_are_said_to_when_order_is_asked_for() -> None:
    file = NamedArrays("a.csv", parameters={"w1": 1.0}, ends={"w1": ("i1", "h1")})
    assert refused(file, layered(1, 1, 1), by="order") == (
        "a.csv: it holds no layers, only named numbers, which go by name: import by name, not by order."
    )
    strange = NamedArrays("a.csv", parameters={"x1": 1.0})
    assert "none is one of this network's parameters (x1)" in refused(strange, layered(1, 1, 1), by="order")


@pytest.mark.parametrize("by", [None, "name", "order"])
def test_a_file_without_numbers_is_refused_for_that(by: By | None) -> None:
    assert refused(NamedArrays("a.json", texts={"w1": "0.5"}), layered(1, 1), by=by) == (
        "a.json: it holds no numbers (w1 is text): give arrays of two dimensions, or named numbers."
    )
    assert "it holds no numbers: give" in refused(NamedArrays("a.npz"), layered(1, 1), by=by)


def test_layers_of_other_neurons_are_taken_in_order_unless_names_are_asked_for() -> None:
    layer = LayerNotes("tanh", ["y"], ["x"], [["w1"]])
    arrays = {"layers.0.weight": np.full((1, 1), 2.0), "layers.0.bias": np.ones(1)}
    file = NamedArrays("a.npz", arrays, notes=Notes(["x"], ["y"], [layer]))
    match = match_file(file, layered(1, 1))
    assert (match.by, taken(match)) == ("order", {"w1": 2.0, "o1": 1.0})
    match = match_file(file, layered(1, 1), by="name")
    assert (match.by, taken(match), match.kept) == ("name", {"w1": 2.0}, ("o1",))


@pytest.mark.parametrize("form", ["npz", "safetensors", "json", "csv"])
def test_an_export_of_another_network_puts_no_weight_on_another_neurons_edge(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"three{FORMATS[form].suffix}"
    finish(FORMATS[form].write(load_project(EXAMPLES / "09-three-classes.nnviz"), path, precision="float64"))
    network = load_project(EXAMPLES / "10-batch.nnviz").network
    match = match_file(read_arrays(path), network)
    assert set(taken(match)) == {"h1", "h2", "w1", "w2", "w3", "w4"}
    assert match.kept == ("o", "w5", "w6")
    assert {"w5 (x1 → h3)", "w7 (h1 → red)", "the bias of h3", "the bias of red"} <= set(match.unused)


def test_each_edge_of_a_shared_weight_in_json_has_its_number(tmp_path: Path) -> None:
    project = Project(layered(2, 1))
    project.dataset.follow(project.network)
    project.network.tie("w2", "w1")
    project.network.set_values({"w1": 0.5})
    path = tmp_path / "tied.json"
    finish(FORMATS["json"].write(project, path, precision="float64"))
    match = match_file(read_arrays(path), layered(2, 1))
    assert taken(match) == {"o1": 0.0, "w1": 0.5, "w2": 0.5}
    assert {one.place for one in match.assignments} == {"parameters.o1", "parameters.w1"}


def test_a_table_without_sources_goes_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,target,value\nw1,o1,2\no1,o1,3\n")
    assert taken(match_file(read_arrays(path), layered(1, 1))) == {"w1": 2.0, "o1": 3.0}


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


def test_an_edge_that_the_file_has_twice_shares_nothing() -> None:
    network = layered(2, 1, 1)
    twice = {"a": ("i1", "h1"), "b": ("i1", "h1")}
    said = refused(NamedArrays("a.csv", parameters={"a": 0.5, "b": 0.7}, ends=twice), network)
    assert said == "a.csv: a and b both lead from i1 to h1: keep one."
    by_name = NamedArrays("a.csv", parameters={"w1": 0.5, "b": 0.7}, ends={"b": ("i1", "h1")})
    assert refused(by_name, network) == "a.csv: w1 and b both lead from i1 to h1: keep one."
    biases = {"a": ("", "h1"), "b": ("", "h1")}
    said = refused(NamedArrays("a.csv", parameters={"a": 0.5, "b": 0.7}, ends=biases), network)
    assert said == "a.csv: a and b both are the bias of h1: keep one."
    # Two edges of one weight are another matter, and so is one number written twice.
    network.tie("w2", "w1")
    shared = NamedArrays("a.csv", parameters={"a": 0.5, "b": 0.7}, ends={"a": ("i1", "h1"), "b": ("i2", "h1")})
    assert "a and b share one weight" in refused(shared, network)
    assert taken(match_file(NamedArrays("a.csv", parameters={"a": 0.5, "b": 0.5}, ends=twice), network)) == {"w1": 0.5}


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
        "a.npz: nothing in it is one of this network's parameters by name (it holds 0.weight, 0.bias): import by "
        "order, or as a new network."
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


def test_layers_go_where_their_shapes_fit() -> None:
    names = ["decoder.weight", "decoder.bias", "encoder.weight", "encoder.bias"]
    file = file_of((4, 2), (4,), (2, 4), (2,), names=names)
    match = match_file(file, layered(4, 2, 4))
    assert match.assignments[0].place == "encoder.bias[0]"
    assert match.sentences[0] == (
        "Layers were taken in the order encoder.weight, decoder.weight: their shapes fit in no other."
    )
    # Into such a network they go as they are in the file.
    assert len(match_file(file, layered(2, 4, 2)).sentences) == 1
    match = match_file(file_of((2, 2), (2,), (2, 2), (2,), names=["b.weight", "b.bias", "a.weight", "a.bias"]),
                       layered(2, 2, 2))  # fmt: skip
    assert match.sentences[0].startswith("Layers were taken in the order b.weight, a.weight: their shapes fit in anot")


def test_a_choice_of_rows_is_refused_for_files_that_say_it() -> None:
    notes = Notes(["x", "y"], ["p", "q"], [LayerNotes("tanh", ["p", "q"], ["x", "y"])])
    arrays = {"layers.0.weight": np.ones((2, 2)), "layers.0.bias": np.ones(2)}
    said = refused(NamedArrays("a.npz", arrays, notes=notes), layered(2, 2), by="order", orientation="sources")
    assert said == "a.npz: it says itself which weight belongs where: leave out what a row of its weights is."


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
        ([(4, 2), (4,), (1, 3), (1,)], "layer after the inputs wants 1 × 4 (1 neuron with 4 sources each)"),
        ([(4, 2, 3, 3), (4,)], "arr_0 has 4 dimensions"),
        ([(4, 2), (4,), (4,), (1, 4), (1,)], "2 weight matrices but 3 vectors"),
        ([(4,)], "no weight matrix"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes: list[tuple[int, ...]], words: str) -> None:
    assert words in refused(file_of(*shapes), layered(2, 4, 1))


def test_sources_in_several_layers_are_taken_in_the_order_of_our_files(tmp_path: Path) -> None:
    network = Network()
    # The hidden neuron was drawn first.
    for role in ("hidden", "input", "input", "output"):
        network.add_neuron(role)
    for source, target in (("i1", "h1"), ("i2", "h1"), ("h1", "o1"), ("i1", "o1"), ("i2", "o1")):
        network.connect(source, target)
    network.set_values({name: float(number) for number, name in enumerate(network.values)})
    project = Project(network)
    project.dataset.follow(network)
    for form in ("npz", "json"):
        path = tmp_path / f"a.{form}"
        finish(FORMATS[form].write(project, path, precision="float64"))
        assert match_file(read_arrays(path), network, by="order").changed == 0


@pytest.mark.parametrize("form", ["npz", "safetensors", "json", "onnx"])
def test_our_files_of_skip_connections_come_back_by_order(form: str, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("onnx", reason="ONNX files need the library onnx")
    project = load_project(EXAMPLES / "06-skip-connection.nnviz")
    path = tmp_path / f"a.{form}"
    finish(FORMATS[form].write(project, path, precision="float64"))
    match = match_file(read_arrays(path), project.network, by="order")
    assert (match.kept, match.unused, match.changed) == ((), (), 0)


@pytest.mark.parametrize(("place", "words"), [("w8", "layers.1.weight[1, 1]"), ("o2", "layers.1.bias[1]")])
def test_numbers_that_a_file_has_twice_have_to_agree(place: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    project = load_project(EXAMPLES / "01-two-two-two.nnviz")
    finish(FORMATS["json"].write(project, path, precision="float64"))
    content = json.loads(path.read_text(encoding="utf-8"))
    content["parameters"][place] = 9
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ImportFileError) as caught:
        read_arrays(path)
    assert str(caught.value).startswith(f"a.json: {place} is 9 among its parameters, but 0.")
    assert str(caught.value).endswith(f" in {words}: make them equal.")


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
