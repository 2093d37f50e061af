from __future__ import annotations

import csv
from pathlib import Path

import pytest
from export_examples import layered, projects, write
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.dataset import Scaling
from core.errors import NetworkError
from core.imports.arrays import read_arrays
from core.imports.new_network import make_project
from core.network import Network
from core.project import Project


@settings(max_examples=settings.default.max_examples // 2)
@given(project=projects())
def test_every_parameter_has_its_row(tmp_path_factory: pytest.TempPathFactory, project: Project) -> None:
    path = tmp_path_factory.mktemp("csv") / "model.csv"
    write("csv", project, path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    network = project.network
    weights = {row["name"]: row for row in rows if row["source"]}
    biases = {row["name"]: row for row in rows if not row["source"]}
    # Edges that share a weight each have a row.
    assert weights.keys() == network.edges.keys()
    assert biases.keys() == {name for name in network.neurons if network.has_bias(name)}
    for name, row in weights.items():
        edge = network.edge(name)
        assert (row["source"], row["target"], float(row["value"])) == (edge.source, edge.target, network.weight(name))
    for name, row in biases.items():
        assert (row["target"], float(row["value"])) == (name, network.bias(name))


def test_the_table_is_plain(tmp_path: Path) -> None:
    project = layered(("tanh",), outputs=1)
    project.network.set_values({"w1": 0.1, "w2": -2.0, "n10": 1e-30})
    written = write("csv", project, tmp_path / "model.csv")
    assert (tmp_path / "model.csv").read_bytes() == (
        b"name,source,target,value\nw1,x1,n10,0.1\nw2,x2,n10,-2.0\nn10,,n10,1e-30\n"
    )
    assert "parameters alone" in written.sentences[0]
    assert not any("differs" in one for one in written.sentences)


def test_what_a_new_network_would_lose_is_said(tmp_path: Path) -> None:
    network = Network()
    for name in ("x1", "x2", "x3"):
        network.add_neuron("input", id=name)
    for role, name in (("hidden", "dead"), ("output", "o1"), ("output", "o2")):
        network.add_neuron(role, id=name, activation="tanh")
    for source, target in (("x3", "dead"), ("x1", "o1"), ("x3", "o1"), ("o1", "o2")):
        network.connect(source, target)
    network.tie("w3", "w2")
    network.set_frozen("o2")
    project = Project(network)
    project.dataset.follow(network)
    project.dataset.scalings = (Scaling("x1", "range", 0.0, 2.0),)
    assert write("csv", project, tmp_path / "model.csv").sentences[1] == (
        "Imported as a new network it differs: inputs without edges are left out (x2), hidden neurons that lead "
        "nowhere become outputs (dead), outputs that lead on become hidden neurons (o1), inputs or outputs come in "
        "another order (x1, x3), weights are shared no more (w3), parameters are frozen no more (o2), columns are "
        "scaled no more (x1)."
    )
    network.remove_edges(["w1", "w2", "w3"])
    assert write("csv", project, tmp_path / "model.csv").sentences[1] == (
        "No edge leads from an input, so it cannot be imported as a new network."
    )


@given(project=projects())
def test_nothing_is_lost_without_a_word(tmp_path_factory: pytest.TempPathFactory, project: Project) -> None:
    network = project.network
    assume(any(edge.source == neuron.id for edge in network.edges.values() for neuron in network.inputs))
    path = tmp_path_factory.mktemp("csv") / "model.csv"
    said = any("it differs" in one for one in write("csv", project, path).sentences)
    new = make_project(read_arrays(path))[0].network

    def shape_of(one: Network) -> tuple[object, ...]:
        ends = ([neuron.id for neuron in neurons] for neurons in (one.inputs, one.outputs))
        return *ends, set(one.neurons), set(one.edges.values()), one.frozen

    assert (shape_of(new) != shape_of(network)) == said


@given(first=st.sampled_from("=+-@\t\r;\"'|, %"), rest=st.text("abc1(", max_size=5))
def test_no_name_can_begin_as_a_formula_does(first: str, rest: str) -> None:
    with pytest.raises(NetworkError):
        Network().add_neuron("input", id=first + rest)
