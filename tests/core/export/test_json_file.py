from __future__ import annotations

import json
from pathlib import Path

import pytest
from export_examples import layered, projects, write
from hypothesis import given, settings

import core.export.json_file
from core.errors import ExportError
from core.project import Project


@settings(max_examples=settings.default.max_examples // 2)
@given(project=projects())
def test_every_number_comes_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, project: Project) -> None:
    path = tmp_path_factory.mktemp("json") / "model.json"
    write("json", project, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    network = project.network
    assert content["parameters"] == network.values
    assert content["title"] == project.title
    for layer in content["layers"]:
        assert layer["bias"] == [network.bias(name) for name in layer["neurons"]]
        for ids, weights in zip(layer["edges"], layer["weight"], strict=True):
            assert weights == [network.weight(edge) if edge else 0.0 for edge in ids]


def test_it_is_text_for_people(tmp_path: Path) -> None:
    project = layered(("tanh", "linear"), width=1, outputs=1)
    project.network.rename("x1", "größe")
    project.network.set_values({"w1": 0.5, "w2": -0.25, "n10": 1e-9})
    write("json", project, tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "format": "nnviz-weights",\n  "version": 1,\n')
    assert '  "inputs": ["größe", "x2"],\n' in text
    assert '      "weight": [\n        [0.5, -0.25]\n      ],\n      "bias": [1e-09]\n    },\n' in text
    assert text.endswith("\n}\n")


def test_parameters_that_come_back_otherwise_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = core.export.json_file._encode
    monkeypatch.setattr(core.export.json_file, "_encode", lambda value: encode(0.5 if value == 0.125 else value))
    project = layered()
    project.network.set_value("w1", 0.125)
    with pytest.raises(ExportError, match="Nothing was written: the parameters"):
        write("json", project, tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []
