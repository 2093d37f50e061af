from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_examples import assert_close, free_form, layered, projects, write
from hypothesis import given, settings

from core.activations import ACTIVATIONS, evaluate
from core.dataset import Dataset
from core.export.form import model_form
from core.export.numpy_module import source_of
from core.export.source_text import LINE_LENGTH
from core.export.verify import make_trial
from core.network import Network
from core.project import Project


def module_of(project: Project) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "model"}
    exec(source_of(project, model_form(project.network)), module)
    return module


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(project=projects(max_neurons=25))
def test_any_network_computes_the_same(project: Project) -> None:
    source, trial = source_of(project, model_form(project.network)), make_trial(project)
    assert_close(module_of(project)["predict"](trial.x), trial.y, "float64")
    imports = {
        alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imports <= {"math", "sys", "numpy"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_is_the_engines(activation: str) -> None:
    module = module_of(layered(("silu", activation)))
    z = np.array([-800.0, -40.0, -6.0, -0.5, -1e-9, 0.0, 1e-9, 0.3, 5.0, 40.0, 800.0])[:, None] * [1.0, 0.5]
    if activation != "linear":
        assert_close(module[activation](z), evaluate(activation, z.T).T, "float64")


def test_what_no_output_depends_on_is_kept_but_not_computed() -> None:
    project = layered(("tanh", "linear"))
    project.network.add_neuron("hidden", id="idle", activation="gelu", bias=0.5)
    source = source_of(project, model_form(project.network))
    assert "gelu: idle from x1." in source
    assert "No output depends on it." in source.replace("\n#", "")
    assert "def gelu" not in source
    trial = make_trial(project)
    assert_close(module_of(project)["predict"](trial.x), trial.y, "float64")


def test_one_row_may_be_flat_and_wrong_shapes_are_named() -> None:
    module, trial = module_of(layered()), make_trial(layered())
    assert_close(module["predict"](trial.x[3].tolist()), trial.y[3], "float64")
    assert module["INPUTS"] == ["x1", "x2"]
    assert module["OUTPUTS"] == ["n20", "n21"]
    with pytest.raises(ValueError, match=r"x needs 2 numbers a row, but its shape is \(3,\)"):
        module["predict"]([1.0, 2.0, 3.0])


def test_it_runs_alone(tmp_path: Path) -> None:
    project = free_form()
    project.network.rename("i1", "it's")
    inputs = [neuron.id for neuron in project.network.inputs]
    write("numpy", project, tmp_path / "model.py")
    run = [sys.executable, "-I", "-W", "error"]
    # Only numpy and the standard library are left to import.
    code = (
        "import importlib.util, sys, numpy, math\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        raise ImportError(name)\n"
        "sys.meta_path[:] = [Refuse()]\n"
        "module = {'__name__': 'model'}\n"
        "exec(open('model.py', encoding='utf-8').read(), module)\n"
        "print(repr(module['predict']([0.5, -1.0, 0.25]).tolist()))"
    )
    done = subprocess.run([*run, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    y = model_form(project.network).outputs_of(np.array([[0.5, -1.0, 0.25]]))[0]
    assert_close(ast.literal_eval(done.stdout), y, "float64")

    done = subprocess.run(
        [*run, "model.py", "0.5", "-1", "0.25"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    printed = dict(line.split(" = ") for line in done.stdout.splitlines())
    assert list(printed) == [neuron.id for neuron in project.network.outputs]
    assert_close([float(value) for value in printed.values()], y, "float64")

    done = subprocess.run([*run, "model.py", "0.5"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"Usage: python model.py {' '.join(inputs)}\n")


def wide() -> Project:
    """So many neurons that no list of them fits a line, with edges between all levels."""
    network = Network()
    rng = np.random.default_rng(0)
    for k in range(60):
        network.add_neuron("input", id=f"a rather long name {k}")
    for k in range(30):
        network.add_neuron("output" if k % 2 else "hidden", id=f"h{k}", activation=["linear", "tanh"][k // 3 % 2])
        for source in list(network.neurons)[-2 - k : -1 : 3]:
            network.connect(source, f"h{k}", weight=float(rng.normal()))
    return Project(network, title=" ".join(["A title that goes on"] * 20))


@pytest.mark.parametrize("make", [layered, free_form, wide, lambda: layered(("gelu",), outputs=1)])
def test_it_is_well_written(tmp_path: Path, make: Any) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=Path(sys.executable).parent)
    project = make()
    write("numpy", project, tmp_path / "model.py")
    assert max(map(len, (tmp_path / "model.py").read_text(encoding="utf-8").splitlines())) <= LINE_LENGTH
    if ruff is None:
        pytest.skip("ruff is not installed")
    rules = "E,F,W,I,UP,B,SIM,C4,PT,N,PLE,PLW,PIE,RET,NPY"
    for words in (["check", "--select", rules], ["format", "--check", "--diff"]):
        options = ["--isolated", "--no-cache", "--line-length", str(LINE_LENGTH), "model.py"]
        done = subprocess.run([ruff, *words, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("title", ['"""', 'a"', "\\", '\\"""\n"""; import os', "\0\u2028\N{GRINNING FACE}", ""])
def test_no_title_breaks_it(title: str) -> None:
    project = layered()
    project.title = title
    source = source_of(project, model_form(project.network))
    assert (ast.get_docstring(ast.parse(source)) or "").endswith("Written as 2 dense layers.")


def test_scalings_are_written_out() -> None:
    project = layered(("tanh", "linear"), outputs=1)
    project.dataset = Dataset({"x1": [1.0, 3.0], "x2": [0.0, 0.0], "n20": [5.0, 7.0]})
    project.dataset.add_scaling("range", ["x1", "n20"])
    project.dataset.add_scaling("standardize", ["x1"])
    source = source_of(project, model_form(project.network))
    assert "    scaled x1 = ((x1 - 1.0) / 2.0 - 0.5) / 0.5\n    n20 = scaled n20 * 2.0 + 5.0\n" in source
