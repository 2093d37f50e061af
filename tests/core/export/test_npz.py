from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from export_examples import assert_close, free_form, layered, projects, write, write_or_pass_over
from hypothesis import given, settings

from core.export.arrays import form_of
from core.export.verify import Precision, make_trial
from core.project import Project


@pytest.mark.parametrize("precision", ["float64", "float32"])
@settings(max_examples=settings.default.max_examples // 3)
@given(project=projects())
def test_any_network_comes_back(
    tmp_path_factory: pytest.TempPathFactory, precision: Precision, project: Project
) -> None:
    path = tmp_path_factory.mktemp("npz") / "model.npz"
    write_or_pass_over("npz", project, path, precision)
    with np.load(path, allow_pickle=False) as file:
        form = form_of(json.loads(str(file["nnviz"])), file)
        assert {form.layers[0].weight.dtype, form.layers[0].bias.dtype} == {np.dtype(precision)}
    trial = make_trial(project)
    assert_close(form.outputs_of(trial.x), trial.y, precision)


def test_a_layered_network_is_loaded_in_three_lines(tmp_path: Path) -> None:
    project = layered(("tanh", "linear"))
    write("npz", project, tmp_path / "model.npz")
    trial = make_trial(project)
    file = np.load(tmp_path / "model.npz")
    a = np.tanh(trial.x @ file["layers.0.weight"].T + file["layers.0.bias"])
    y = a @ file["layers.1.weight"].T + file["layers.1.bias"]
    file.close()
    assert_close(y, trial.y, "float64")
    assert sorted(file.files) == ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight", "nnviz"]


def test_a_free_form_one_has_masks_and_sources(tmp_path: Path) -> None:
    write("npz", free_form(), tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        said = json.loads(str(file["nnviz"]))
        assert said["form"] == "masked"
        names = [*said["inputs"], *(name for layer in said["layers"] for name in layer["neurons"])]
        for k, layer in enumerate(said["layers"]):
            assert file[f"layers.{k}.mask"].dtype == np.bool_
            assert [[bool(edge) for edge in row] for row in layer["edges"]] == file[f"layers.{k}.mask"].tolist()
            assert [names[place] for place in file[f"layers.{k}.sources"]] == layer["sources"]
            assert not file[f"layers.{k}.weight"][~file[f"layers.{k}.mask"]].any()


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write("npz", free_form(), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
