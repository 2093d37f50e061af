"""The PyTorch export, loaded and run by PyTorch: its model, and the training that goes on with it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from graph_strategies import Shape, cases, networks, random_network, random_targets
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from training_strategies import other_options, small_project

from core.dataset import Dataset
from core.decision import Probe
from core.errors import ExportError
from core.export import pytorch, safetensors
from core.export.form import model_form
from core.export.pytorch_parts import model_source, train_source
from core.export.verify import LIMITS, Precision
from core.jobs import finish
from core.losses import LOSSES
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.project import Project
from core.settings import Settings
from core.training import Run, project_at

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

FEW = settings(
    max_examples=settings.default.max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def export_unchecked(project: Project, folder: Path, precision: Precision = "float64") -> Path:
    """The files of an export, without the other process that checks them."""
    folder.mkdir(exist_ok=True)
    form = model_form(project.network, precision)
    (folder / "model.py").write_text(model_source(project, form, precision), "utf-8")
    (folder / "train.py").write_text(train_source(project, form), "utf-8")
    pytorch.write_data(project, folder / "data.safetensors", precision)
    pytorch.write_state(project, form, folder / "weights.state.safetensors")
    finish(safetensors.write(project, folder / "weights.safetensors", precision=precision))
    return folder


def load_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def modules_of(folder: Path) -> Iterator[tuple[ModuleType, ModuleType]]:
    """model.py and train.py of an export, imported."""
    try:
        yield load_module(folder / "model.py"), load_module(folder / "train.py")
    finally:
        sys.modules.pop("model", None)
        sys.modules.pop("train", None)


def train_in_process(folder: Path, updates: int, **changed: Any) -> dict[str, NDArray[Any]]:
    """What train.py makes of the weights after so many updates."""
    with modules_of(folder) as (_, train):
        options = argparse.Namespace(
            epochs=0,
            updates=updates,
            weights=folder / "weights.safetensors",
            out=folder / "trained.safetensors",
            learning_rate=train.LEARNING_RATE,
            batch_size=train.BATCH_SIZE,
            shuffle=train.SHUFFLE,
            seed=train.SEED,
            every=0,
        )
        vars(options).update(changed)
        train.Training(options, torch.device("cpu")).run()
    return arrays_in(folder / "trained.safetensors")


def arrays_in(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file

    return dict(load_file(path))


def trained_by_engine(project: Project, updates: int) -> Project:
    """The project after so many updates of the engine."""
    run = Run(project)
    for _ in range(updates):
        run = run.advance(run.last, run.next_batch(run.last, project.settings), project.settings)
    return project_at(project, run, run.last)


def assert_same_weights(found: dict[str, NDArray[Any]], network: Network, tolerance: float = 1e-9) -> None:
    for k, layer in enumerate(model_form(network).layers):
        np.testing.assert_allclose(found[f"layers.{k}.weight"], layer.weight, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(found[f"layers.{k}.bias"], layer.bias, rtol=tolerance, atol=tolerance)


def free_form_project(seed: int = 3, rows: int = 7, *, loss: str = "half_squared_error", **chosen: Any) -> Project:
    """A network with skip edges, tied and frozen parameters, unused neurons, and dropout."""
    rng = np.random.default_rng(seed)
    shape = Shape(inputs=3, hidden=8, outputs=3, softmax=2, tied=True, frozen=True, probabilities=True)
    network = random_network(rng, shape)
    for neuron in [n for n in network.neurons.values() if n.role == "hidden"][::2]:
        network.set_dropout(neuron.id, 0.3)
    columns = {n.id: rng.normal(size=rows) for n in network.inputs}
    targets = random_targets(rng, (rows, len(network.outputs)), loss)
    columns |= {n.id: targets[:, k] for k, n in enumerate(network.outputs)}
    dataset = Dataset(columns)
    dataset.set_test([1])
    return Project(network, dataset, Settings(loss=loss, **chosen))


# The model


@FEW
@given(networks(max_neurons=30), st.sampled_from(["float64", "float32"]), st.integers(0, 2**32 - 1))
def test_the_model_computes_what_the_engine_computes(
    tmp_path_factory: pytest.TempPathFactory, network: Network, precision: Precision, seed: int
) -> None:
    assume(network.inputs)
    # Where the step function jumps, the last bit of float32 decides.
    assume(precision == "float64" or all(n.activation != "step" for n in network.neurons.values()))
    folder = export_unchecked(Project(network), tmp_path_factory.mktemp("export"), precision)
    x = np.random.default_rng(seed).normal(size=(5, len(network.inputs))).astype(np.float32).astype(np.float64)
    probe = Probe(network)
    probe.load(network.values)
    expected = probe.activations(x, [neuron.id for neuron in network.outputs]).T
    with modules_of(folder) as (model, _):
        network_model = model.load_model(folder / "weights.safetensors")
        with torch.no_grad():
            found = network_model(torch.from_numpy(x).to(model.DTYPE)).numpy()
    assert found.dtype == precision
    np.testing.assert_array_less(np.abs(found - expected) / np.maximum(1.0, np.abs(expected)), LIMITS[precision])


def test_a_layered_network_is_a_plain_state_dict_of_linear_layers(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    network = Network()
    for k in range(2):
        network.add_neuron("input", id=f"i{k}")
    for k in range(3):
        network.add_neuron("hidden", id=f"h{k}", activation="tanh", bias=0.1 * k)
    network.add_neuron("output", id="o", activation="sigmoid", bias=-0.2)
    for k in range(3):
        for j in range(2):
            network.connect(f"i{j}", f"h{k}", weight=0.3 * j - 0.2 * k)
        network.connect(f"h{k}", "o", weight=0.7 - k)
    project = Project(network)
    written = finish(pytorch.write(project, tmp_path / "net", precision="float64"))
    assert written.sentences[0] == "Written as 2 dense layers."
    assert "computed by model.py with PyTorch" in written.sentences[1]
    state = {name.removeprefix("layers."): t for name, t in load_file(tmp_path / "net" / "weights.safetensors").items()}
    nn = torch.nn
    plain = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 1)]).double()
    plain.load_state_dict(state)
    x = torch.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=torch.float64)
    probe = Probe(network)
    probe.load(network.values)
    found = torch.sigmoid(plain[1](torch.tanh(plain[0](x)))).detach().numpy()
    np.testing.assert_allclose(found, probe.activations(x.numpy(), ["o"]).T, rtol=1e-14)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_folder_holds_what_it_says(tmp_path: Path, precision: Precision) -> None:
    project = free_form_project()
    written = finish(pytorch.write(project, tmp_path / "net", precision=precision))
    names = {file.name for file in (tmp_path / "net").iterdir()}
    assert names == {
        "README.md",
        "data.safetensors",
        "model.py",
        "train.py",
        "weights.safetensors",
        "weights.state.safetensors",
    }
    assert "free-form" in written.sentences[0]
    data = arrays_in(tmp_path / "net" / "data.safetensors")
    inputs = [neuron.id for neuron in project.network.inputs]
    np.testing.assert_array_equal(data["x"], project.dataset.matrix(inputs).astype(precision))
    assert data["test"].tolist() == [False, True, False, False, False, False, False]
    assert data["y"].dtype == precision


def test_stopping_at_any_time_leaves_nothing_behind(tmp_path: Path) -> None:
    project = small_project()
    for count in range(1, 12):
        job = pytorch.write(project, tmp_path / "net", precision="float64")
        for _ in range(count):
            next(job)
        job.close()
        assert list(tmp_path.iterdir()) == []


def test_a_former_export_is_replaced_and_what_else_is_there_stays(tmp_path: Path) -> None:
    for precision in ("float64", "float32"):
        finish(pytorch.write(free_form_project(), tmp_path, precision=precision))
        (tmp_path / "mine.py").write_text("mine")
        (tmp_path / "trained.safetensors").write_text("trained")
    assert arrays_in(tmp_path / "data.safetensors")["x"].dtype == np.float32
    assert (tmp_path / "mine.py").read_text() == "mine"
    assert (tmp_path / "trained.safetensors").read_text() == "trained"


@pytest.mark.parametrize("name", [*pytorch.TEXT_MARKS, *pytorch.TENSOR_MARKS])
def test_a_file_of_another_origin_is_not_replaced(tmp_path: Path, name: str) -> None:
    from safetensors.numpy import save_file

    if name in pytorch.TENSOR_MARKS:
        save_file({"x": np.zeros(2)}, tmp_path / name)
    else:
        (tmp_path / name).write_text("# mine")
    before = (tmp_path / name).read_bytes()
    with pytest.raises(ExportError, match=rf"{name} is of no PyTorch export, .*: choose a folder that is free"):
        finish(pytorch.write(small_project(), tmp_path, precision="float64"))
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


def test_a_model_that_fails_is_told_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch, "model_source", lambda *_: "raise RuntimeError('broken')")
    with pytest.raises(ExportError, match=r"PyTorch loads model\.py, but fails \(RuntimeError: broken\)"):
        finish(pytorch.write(small_project(), tmp_path / "net", precision="float64"))
    assert list(tmp_path.iterdir()) == []


def test_without_pytorch_the_weights_are_checked_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    written = finish(pytorch.write(small_project(), tmp_path / "net", precision="float64"))
    assert "PyTorch is not installed here, so model.py itself was not run." in written.sentences
    assert any("read back with safetensors" in sentence for sentence in written.sentences)


# The training


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("options", [lambda name: {}, other_options], ids=["defaults", "others"])
def test_every_optimizer_goes_on_as_in_the_engine(
    tmp_path: Path, name: str, options: Callable[[str], dict[str, float]]
) -> None:
    project = free_form_project(
        optimizer=name, optimizer_options=options(name), learning_rate=0.1, batch_size=3, l1=0.01, l2=0.1, shuffle=True
    )
    # From the middle of an epoch, with what the optimizer remembers.
    begun = trained_by_engine(project, 3)
    assert begun.used_rows
    found = train_in_process(export_unchecked(begun, tmp_path), 3)
    assert_same_weights(found, trained_by_engine(project, 6).network)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("batch_mean", [True, False])
def test_every_loss_goes_on_as_in_the_engine(tmp_path: Path, loss: str, batch_mean: bool) -> None:
    for seed in range(3):
        project = free_form_project(seed, loss=loss, batch_mean=batch_mean, learning_rate=0.05, batch_size=4)
        found = train_in_process(export_unchecked(project, tmp_path), 3)
        assert_same_weights(found, trained_by_engine(project, 3).network)


@pytest.mark.parametrize(
    "chosen",
    [
        {"schedule": "step", "schedule_options": {"epochs": 1.0, "factor": 0.5}},
        {"schedule": "exponential", "schedule_options": {"factor": 0.9}},
        {"schedule": "cosine", "schedule_options": {"epochs": 3.0, "minimum": 0.01}},
        {"update_biases": False},
        {"optimizer": "adamw", "update_biases": False},
        {"optimizer": "nesterov", "optimizer_options": {"momentum": 0.0}},
        {"batch_size": 0},
        {"batch_size": 100, "shuffle": True},
    ],
    ids=str,
)
def test_every_choice_goes_on_as_in_the_engine(tmp_path: Path, chosen: dict[str, Any]) -> None:
    project = free_form_project(**{"learning_rate": 0.1, "batch_size": 4} | chosen)
    found = train_in_process(export_unchecked(project, tmp_path), 7)
    assert_same_weights(found, trained_by_engine(project, 7).network)


@FEW
@given(cases(max_neurons=20))
def test_any_network_goes_on_as_in_the_engine(tmp_path_factory: pytest.TempPathFactory, case: Any) -> None:
    network = case.network
    assume(network.inputs)
    columns = {n.id: case.x[:, k] for k, n in enumerate(network.inputs)}
    columns |= {n.id: case.targets[:, k] for k, n in enumerate(network.outputs)}
    chosen = Settings(loss=case.loss, batch_mean=case.mean, batch_size=0, learning_rate=1.0, l2=0.1)
    project = Project(network, Dataset(columns), chosen)
    probe = Probe(network)
    probe.load(network.values)
    a = probe.activations(case.x, [n.id for n in network.outputs])
    # Near 0 and 1 the gradient of a logarithm has few digits.
    assume(not LOSSES[case.loss].probabilities or ((a > 1e-6) & (a < 1.0 - 1e-6)).all())
    folder = export_unchecked(project, tmp_path_factory.mktemp("export"))
    assert_same_weights(train_in_process(folder, 1), trained_by_engine(project, 1).network, 1e-9)


def test_training_goes_on_from_its_own_result(tmp_path: Path) -> None:
    project = free_form_project(optimizer="adam", learning_rate=0.1, batch_size=3, shuffle=True)
    folder = export_unchecked(project, tmp_path)
    train_in_process(folder, 3)
    found = train_in_process(folder, 4, weights=folder / "trained.safetensors")
    assert_same_weights(found, trained_by_engine(project, 7).network)


def test_the_result_keeps_the_metadata_and_counts_the_updates(tmp_path: Path) -> None:
    import json

    from safetensors import safe_open

    project = trained_by_engine(small_project(batch_size=3), 2)
    folder = export_unchecked(project, tmp_path)
    train_in_process(folder, 5)
    told = []
    for name in ("weights", "trained"):
        with safe_open(folder / f"{name}.safetensors", framework="numpy") as opened:
            told.append(opened.metadata())
    before, after = (json.loads(one.pop("nnviz")) for one in told)
    assert told[0] == told[1]
    assert (before.pop("updates"), after.pop("updates")) == (2, 7)
    assert before == after


def test_the_result_comes_back_into_the_project(tmp_path: Path) -> None:
    from core.imports.arrays import read_arrays
    from core.imports.matching import apply_match, match_file

    project = free_form_project(batch_size=2, learning_rate=0.1)
    folder = export_unchecked(project, tmp_path)
    train_in_process(folder, 3)
    apply_match(match_file(read_arrays(folder / "trained.safetensors"), project.network), project)
    expected = trained_by_engine(free_form_project(batch_size=2, learning_rate=0.1), 3).network.values
    assert project.network.values == pytest.approx(expected, rel=1e-10)
    assert project.network.values != pytest.approx(free_form_project().network.values, rel=1e-10)


def test_data_that_float32_does_not_hold_are_refused(tmp_path: Path) -> None:
    project = small_project()
    project.dataset.set_value(1, "o1", 1e39)
    with pytest.raises(ExportError, match="A value of o1 in the data is too large for float32: choose float64"):
        finish(pytorch.write(project, tmp_path / "net", precision="float32"))
    assert list(tmp_path.iterdir()) == []


def test_a_network_without_rows_says_so(tmp_path: Path) -> None:
    project = Project(small_project().network)
    folder = export_unchecked(project, tmp_path)
    with pytest.raises(SystemExit, match="has no row to train with"):
        train_in_process(folder, 1)
    assert any("no row to train with" in sentence for sentence in pytorch.train_remarks(project))


# On more than one process


def launch(folder: Path, *arguments: str, processes: int) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-B"]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--nnodes", "1", "--nproc-per-node", str(processes)]
        start += ["--master-addr", "127.0.0.1", "--master-port", "0", "--rdzv-backend", "c10d"]
        start += ["--rdzv-endpoint", "127.0.0.1:0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        [*start, "train.py", "--device", "cpu", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def spawn_two(folder: Path, *arguments: str) -> None:
    """Two processes with the variables that launchers other than torchrun set too, and without its own process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    shared = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "WORLD_SIZE": "2"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = [
        subprocess.Popen(
            [sys.executable, "-B", "train.py", "--device", "cpu", *arguments],
            cwd=folder,
            env={**shared, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        for process in started:
            _, complaint = process.communicate(timeout=600)
            assert process.returncode == 0, complaint
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_two_processes_make_the_updates_of_the_full_batch(tmp_path: Path) -> None:
    """With a learning rate of 1 the difference of the weights is the gradient; of 7 rows one process has 4, one 3."""
    project = free_form_project(rows=8, loss="cross_entropy", learning_rate=1.0, batch_size=0)
    folder = export_unchecked(project, tmp_path)
    done = launch(folder, "--updates", "1", processes=2)
    assert done.returncode == 0, done.stderr
    assert "find_unused_parameters" not in done.stderr
    assert done.stdout.count("update 1: loss") == 1
    assert_same_weights(arrays_in(folder / "trained.safetensors"), trained_by_engine(project, 1).network, 1e-10)


def test_two_processes_with_momentum_tied_weights_and_a_batch_of_one(tmp_path: Path) -> None:
    # 7 training rows in batches of 3: the last one has a single row, so one process has none.
    project = free_form_project(rows=8, optimizer="adam", learning_rate=0.1, batch_size=3, l2=0.1, batch_mean=False)
    folder = export_unchecked(project, tmp_path)
    spawn_two(folder, "--epochs", "2")
    assert_same_weights(arrays_in(folder / "trained.safetensors"), trained_by_engine(project, 6).network, 1e-9)
    assert sorted(file.name for file in folder.glob("*.safetensors")) == [
        "data.safetensors",
        "trained.safetensors",
        "trained.state.safetensors",
        "weights.safetensors",
        "weights.state.safetensors",
    ]


def test_one_process_from_the_command_line(tmp_path: Path) -> None:
    project = small_project(batch_size=2, epochs=3, test_rows=2)
    folder = export_unchecked(project, tmp_path)
    done = launch(folder, processes=1)
    assert done.returncode == 0, done.stderr
    assert "test loss" in done.stdout
    assert_same_weights(arrays_in(folder / "trained.safetensors"), trained_by_engine(project, 9).network)


# The text


def test_the_written_files_are_clean(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed beside this Python")
    for k, loss in enumerate(LOSSES):
        project = free_form_project(k, loss=loss, optimizer=list(OPTIMIZERS)[k % 8], schedule="cosine")
        project.title = 'A "title" \\ with """quotes""", $signs, ü\nand a second line ' * (1 + k % 2)
        if k % 2:
            project.settings = replace(project.settings, schedule="exponential", updated_weights=True)
        export_unchecked(project if k else small_project(dropout=0.5), tmp_path / loss)
    rules = "E,F,W,I,UP,B,SIM,C4,RUF,PT,N,PLC,PLE,PLW,PIE,RET,NPY"
    common = ["--isolated", "--no-cache", "--line-length", "120"]
    for command in (
        ["check", "--select", rules, "--config", f"src={[str(p) for p in tmp_path.iterdir()]}"],
        ["format", "--diff"],
    ):
        done = subprocess.run(
            [ruff, command[0], *common, *command[1:], "."], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
