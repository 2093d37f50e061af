from __future__ import annotations

import numpy as np
import pytest
from export_examples import assert_close, free_form, layered, projects
from hypothesis import given

from core.errors import ExportError
from core.export.arrays import form_of, named_arrays
from core.export.blocks import reading
from core.export.form import metadata, model_form, remarks
from core.export.verify import make_trial
from core.network import Network, Role
from core.project import Project


@given(project=projects())
def test_every_network_has_a_form_that_computes_the_same(project: Project) -> None:
    form, trial = model_form(project.network), make_trial(project)
    assert_close(form.outputs_of(trial.x), trial.y, "float64")
    assert sorted(form.names) == sorted(project.network.neurons)


@given(project=projects())
def test_a_form_comes_back_from_its_arrays_and_what_is_said_of_them(project: Project) -> None:
    form, trial = model_form(project.network), make_trial(project)
    again = form_of(metadata(project, form), named_arrays(form))
    assert (again.names, again.outputs, again.is_layered) == (form.names, form.outputs, form.is_layered)
    assert_close(again.outputs_of(trial.x), trial.y, "float64")


@given(project=projects())
def test_a_reading_gives_the_neurons_in_order_from_as_few_blocks_as_possible(project: Project) -> None:
    form = model_form(project.network)
    blocks = [form.inputs, *(layer.neurons for layer in form.layers)]
    for places in (*(layer.sources for layer in form.layers), form.outputs):
        found = reading(form, places)
        read = [name for block in found.blocks for name in blocks[block]]
        if found.columns is not None:
            read = [read[column] for column in found.columns]
        assert read == [form.names[place] for place in places]
        assert all(set(blocks[block]) & set(read) for block in found.blocks)


def test_a_layered_network_keeps_its_layers() -> None:
    project = layered(("relu", "tanh", "softmax"))
    form = model_form(project.network)
    assert form.is_layered
    assert form.description == "Written as 3 dense layers."
    assert [layer.weight.shape for layer in form.layers] == [(3, 2), (3, 3), (2, 3)]
    assert all(layer.mask is None for layer in form.layers)
    weight = project.network.edge_between("x2", "n11")
    assert weight is not None
    assert form.layers[0].weight[1, 1] == project.network.weight(weight.id)
    assert form.layers[0].edges[1][1] == weight.id


@pytest.mark.parametrize("change", ["absent edge", "skipping edge", "mixed activations", "outputs in another order"])
def test_what_is_not_in_layers_is_said(change: str) -> None:
    project = layered()
    network = project.network
    match change:
        case "absent edge":
            network.remove_edge("w1")
        case "skipping edge":
            network.connect("x1", "n20", weight=0.5)
        case "mixed activations":
            network.set_activation("n11", "relu")
        case _:
            network.set_role("n10", "output")
    form = model_form(network)
    assert not form.is_layered
    assert "free-form" in form.description
    trial = make_trial(project)
    assert_close(form.outputs_of(trial.x), trial.y, "float64")


def test_all_softmax_outputs_are_one_layer() -> None:
    network = layered(("tanh", "softmax"), outputs=3).network
    # Another depth of a softmax output must not split them.
    network.remove_edges([edge.id for edge in network.incoming("n20")])
    network.connect("x1", "n20", weight=1.5)
    layers = [layer for layer in model_form(network).layers if layer.activation == "softmax"]
    assert [len(layer.neurons) for layer in layers] == [3]


def test_a_neuron_without_edges_is_a_masked_layer() -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y", bias=0.75)
    form = model_form(network)
    assert form.layers[0].mask is not None
    assert not form.layers[0].mask.any()
    assert form.outputs_of(np.array([[4.0]])).tolist() == [[0.75]]


@pytest.mark.parametrize("lost", [Role.INPUT, Role.OUTPUT])
def test_without_inputs_or_outputs_there_is_nothing_to_export(lost: Role) -> None:
    network = layered().network
    for neuron in network.with_role(lost):
        network.remove_neuron(neuron.id)
    with pytest.raises(ExportError, match=f"has no {lost}.*add one"):
        model_form(network)


def test_a_weight_too_large_for_float32_is_named() -> None:
    network = layered().network
    network.set_value("w1", 1e39)
    assert np.isfinite(model_form(network).layers[0].weight).all()
    with pytest.raises(ExportError, match=r"n10.*too large for float32: choose float64"):
        model_form(network, "float32")
    with pytest.raises(ExportError, match=r"n10.*too large for float32: make it smaller"):
        model_form(network, "float32", has_float64=False)


def test_scaled_data_is_remarked_and_kept_in_the_metadata() -> None:
    project = free_form()
    assert remarks(project) == []
    names = [neuron.id for neuron in (*project.network.inputs, *project.network.outputs)]
    for name in names:
        project.dataset.columns[name] = np.array([1.0, 2.0, 6.0])
    project.dataset.rows, project.dataset.test = 3, np.zeros(3, np.bool_)
    project.dataset.add_scaling("range", ["i2"])
    assert "scaled" in remarks(project)[0]
    said = metadata(project, model_form(project.network))
    assert said["scaling"] == {"i2": [{"neuron": "i2", "kind": "range", "shift": 1.0, "scale": 5.0}]}
