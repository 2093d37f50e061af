from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from export_examples import assert_close, free_form, layered, projects, write, write_or_pass_over
from hypothesis import given, settings
from safetensors import safe_open
from safetensors.numpy import load_file

from core.export.arrays import form_of
from core.export.verify import Precision, make_trial
from core.project import Project


@pytest.mark.parametrize("precision", ["float64", "float32"])
@settings(max_examples=settings.default.max_examples // 3)
@given(project=projects())
def test_any_network_comes_back(
    tmp_path_factory: pytest.TempPathFactory, precision: Precision, project: Project
) -> None:
    path = tmp_path_factory.mktemp("safetensors") / "model.safetensors"
    write_or_pass_over("safetensors", project, path, precision)
    with safe_open(path, framework="numpy") as file:
        said = json.loads(file.metadata()["nnviz"])
    form = form_of(said, load_file(path))
    assert form.layers[0].weight.dtype == np.dtype(precision)
    assert said["title"] == project.title
    trial = make_trial(project)
    assert_close(form.outputs_of(trial.x), trial.y, precision)


def test_the_metadata_say_what_the_arrays_are(tmp_path: Path) -> None:
    write("safetensors", layered(("tanh", "sigmoid")), tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", framework="numpy") as file:
        said = file.metadata()
    assert json.loads(said.pop("nnviz"))["inputs"] == ["x1", "x2"]
    assert said == {
        "format": "nnviz-weights",
        "version": "1",
        "form": "layers",
        "loss": "half_squared_error",
        "activations": "tanh,sigmoid",
    }


def test_a_free_form_one_has_masks_and_sources(tmp_path: Path) -> None:
    write("safetensors", free_form(), tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    assert arrays["layers.3.mask"].dtype == np.bool_
    assert arrays["layers.3.sources"].dtype == np.int64


def test_torch_reads_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from safetensors.torch import load_file as load

    project = layered(("tanh", "linear"))
    write("safetensors", project, tmp_path / "model.safetensors")
    arrays, trial = load(tmp_path / "model.safetensors"), make_trial(project)
    x = torch.from_numpy(trial.x)
    a = torch.tanh(torch.nn.functional.linear(x, arrays["layers.0.weight"], arrays["layers.0.bias"]))
    y = torch.nn.functional.linear(a, arrays["layers.1.weight"], arrays["layers.1.bias"])
    assert_close(y.numpy(), trial.y, "float64")
