from __future__ import annotations

import csv
from pathlib import Path

import pytest
from export_examples import layered, projects, write
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NetworkError
from core.network import Network
from core.project import Project


@settings(max_examples=30)
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


@given(first=st.sampled_from("=+-@\t\r;\"'|, %"), rest=st.text("abc1(", max_size=5))
def test_no_name_can_begin_as_a_formula_does(first: str, rest: str) -> None:
    with pytest.raises(NetworkError):
        Network().add_neuron("input", id=first + rest)
