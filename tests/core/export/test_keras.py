"""The Keras export: the script is run by Keras 3 in another process, and its model saved and loaded again."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import Shape, connect_all, networks, random_network
from hypothesis import HealthCheck, assume, given, settings
from training_strategies import small_project

from core.activations import ACTIVATIONS
from core.errors import ExportError
from core.export import keras_script
from core.export.formats import FORMATS
from core.export.verify import LIMITS, make_trial
from core.jobs import finish
from core.network import Network
from core.project import Project

# Asked without importing it, which needs a backend and writes a settings file.
MISSING = keras_script.find_missing()
needs_keras = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} is not installed")
FEW = settings(
    max_examples=settings.default.max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Makes the model of each script, saves it, loads it without the script's help, and computes with both.
PROGRAM = """
import importlib.util, pathlib, sys
import keras
import numpy as np
for script in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.build_model()
    x = np.load(script.with_suffix(".npy")).astype(module.DTYPE)
    model.save(script.with_suffix(".keras"))
    loaded = keras.models.load_model(script.with_suffix(".keras"))
    kinds = [type(layer).__name__ for layer in model.layers]
    y = [keras.ops.convert_to_numpy(one(x)) for one in (model, loaded)] + [model.predict(x, verbose=0)]
    np.savez(script.with_suffix(".npz"), *y, kinds=np.array(kinds))
"""


def network_of_all_activations() -> Network:
    """A layer of each activation, one after the other, softmax last."""
    rng = np.random.default_rng(4)
    network = Network()
    former = [network.add_neuron("input").id for _ in range(3)]
    names = [name for name in ACTIVATIONS if name != "softmax"]
    for name in [*names, "softmax"]:
        role = "output" if name == "softmax" else "hidden"
        layer = [network.add_neuron(role, activation=name, bias=float(rng.normal())).id for _ in range(3)]
        connect_all(network, former, layer, lambda: float(rng.normal()))
        former = layer
    return network


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports as where there is no Keras, which is quick: the numbers in the text are checked."""
    monkeypatch.setattr(keras_script, "find_missing", lambda: "Keras 3")


@needs_keras
@pytest.mark.usefixtures("unchecked")
def test_models_of_every_shape_compute_what_the_engine_computes(tmp_path: Path) -> None:
    cases = [
        network_of_all_activations(),
        small_project().network,
    ]
    for seed in range(8):
        shape = Shape(inputs=1 + seed % 3, hidden=2 * seed, outputs=3, density=0.4, softmax=seed % 3, tied=True)
        cases.append(random_network(np.random.default_rng(seed), shape))
    trials = []
    for k, network in enumerate(cases):
        finish(keras_script.write(Project(network), tmp_path / f"net{k:02}.py", precision="float32"))
        trials.append(make_trial(Project(network)))
        np.save(tmp_path / f"net{k:02}.npy", trials[-1].x)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": keras_script.find_backends()[0], "KERAS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    for k, trial in enumerate(trials):
        found = dict(np.load(tmp_path / f"net{k:02}.npz"))
        kinds = found.pop("kinds").tolist()
        assert ("Dense" in kinds) is not ("MaskedDense" in kinds)
        assert kinds.count("Dense") == (len(ACTIVATIONS) if k == 0 else 0)
        for y in found.values():
            assert y.dtype == np.float32
            difference = np.abs(y - trial.y) / np.maximum(1.0, np.abs(trial.y))
            assert difference.max() <= LIMITS["float32"]


@needs_keras
def test_a_script_is_checked_by_keras_where_it_is_installed(tmp_path: Path) -> None:
    written = finish(keras_script.write(small_project(), tmp_path / "net.py", precision="float32"))
    assert written.paths == (tmp_path / "net.py",)
    assert "free-form" in written.sentences[0]
    assert "computed by the model in Keras" in written.sentences[1]
    assert [file.name for file in tmp_path.iterdir()] == ["net.py"]


def test_a_precision_that_keras_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Keras 3 script is written in float32 only: leave the precision out"):
        FORMATS["keras"].write(small_project(), tmp_path / "net.py", precision="float64")
    assert list(tmp_path.iterdir()) == []


def test_a_number_too_large_is_not_advised_another_precision(tmp_path: Path) -> None:
    project = small_project()
    project.network.set_value(next(iter(project.network.edges)), 1e39)
    with pytest.raises(ExportError, match=r"too large for float32: make it smaller\."):
        finish(keras_script.write(project, tmp_path / "net.py", precision="float32"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 4, pytest.param(8, marks=needs_keras)])
def test_stopping_the_check_leaves_nothing_behind(tmp_path: Path, count: int) -> None:
    job = keras_script.write(small_project(), tmp_path / "net.py", precision="float32")
    for _ in range(count):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unchecked")
@FEW
@given(networks(max_neurons=30))
def test_the_numbers_in_the_text_are_the_weights(tmp_path_factory: pytest.TempPathFactory, network: Network) -> None:
    assume(network.inputs)
    assume(all(neuron.activation != "step" for neuron in network.neurons.values()))
    path = tmp_path_factory.mktemp("export") / "net.py"
    written = finish(keras_script.write(Project(network), path, precision="float32"))
    assert "Keras 3 is not installed here, so the model itself was not made." in written.sentences


@pytest.mark.usefixtures("unchecked")
def test_a_text_with_other_numbers_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text("former")
    monkeypatch.setattr(keras_script, "str", lambda number: f"{number:.3f}", raising=False)
    with pytest.raises(ExportError, match="differs from the engine's"):
        finish(keras_script.write(Project(network_of_all_activations()), tmp_path / "net.py", precision="float32"))
    assert (tmp_path / "net.py").read_text() == "former"


def test_what_is_missing_is_found_without_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"keras": "3.4.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert keras_script.find_missing() == "PyTorch, TensorFlow or JAX for Keras"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "jax" else None)
    assert keras_script.find_missing() == ""
    versions["keras"] = "2.15.0"
    assert keras_script.find_missing() == "Keras 3"
    versions.clear()
    assert keras_script.find_missing() == "Keras 3"


@pytest.mark.usefixtures("unchecked")
def test_the_written_scripts_are_clean(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed beside this Python")
    wide = random_network(np.random.default_rng(1), Shape(inputs=4, hidden=40, outputs=40, density=0.6))
    for k, network in enumerate([network_of_all_activations(), small_project().network, wide]):
        project = Project(network, title='A "title" \\ with """quotes""", $signs, ü\nand a second line')
        finish(keras_script.write(project, tmp_path / f"net{k}.py", precision="float32"))
    rules = "E,F,W,I,UP,B,SIM,C4,RUF,PT,N,PLC,PLE,PLW,PIE,RET,NPY"
    for command in (["check", "--select", rules], ["format", "--diff"]):
        start = [ruff, command[0], "--isolated", "--no-cache", "--line-length", "120"]
        done = subprocess.run([*start, *command[1:], "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
