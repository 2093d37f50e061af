from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_examples import assert_close, free_form, layered, projects, write, write_or_pass_over
from hypothesis import given, settings
from hypothesis import strategies as st

from core.activations import ACTIVATIONS, evaluate
from core.errors import ExportError
from core.export.onnx_model import IR_VERSION, OPSET
from core.export.verify import Precision, make_trial
from core.network import Network
from core.project import Project

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")


def run_by_onnxruntime(path: Path, x: Any, precision: Precision) -> Any:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["outputs"], {"inputs": np.asarray(x, precision)})[0]


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(project=projects(), precision=st.sampled_from(["float64", "float32"]))
def test_onnxruntime_computes_the_same(
    tmp_path_factory: pytest.TempPathFactory, project: Project, precision: Precision
) -> None:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_or_pass_over("onnx", project, path, precision)
    trial = make_trial(project)
    assert_close(run_by_onnxruntime(path, trial.x, precision), trial.y, precision)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_is_the_engines(tmp_path: Path, activation: str, precision: Precision) -> None:
    network = Network()
    for name in ("x1", "x2"):
        network.add_neuron("input", id=name)
    for name, source in (("y1", "x1"), ("y2", "x2")):
        network.add_neuron("output", id=name, activation=activation)
        network.connect(source, name, weight=1.0)
    write("onnx", Project(network), tmp_path / "model.onnx", precision)
    z = np.array([-700.0, -90.0, -9.0, -6.0, -0.5, 0.0, 0.3, 4.0, 8.0, 90.0, 700.0])[:, None] * [1.0, 0.5]
    z = z.astype(np.float32).astype(float)
    y = evaluate(activation, z.T).T
    assert_close(run_by_onnxruntime(tmp_path / "model.onnx", z, precision), y, precision)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_gelu_keeps_its_digits_over_its_whole_range(tmp_path: Path, precision: Precision) -> None:
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y", activation="gelu")
    network.connect("x", "y", weight=1.0)
    write("onnx", Project(network), tmp_path / "model.onnx", precision)
    z = np.linspace(-12.0, 12.0, 4001, dtype=np.float32).astype(float)
    found = run_by_onnxruntime(tmp_path / "model.onnx", z[:, None], precision)[:, 0]
    limit = {"float64": 4e-15, "float32": 2e-6}[precision]
    assert np.abs(found - evaluate("gelu", z)).max() < limit


@pytest.mark.parametrize("rows", [1, 2, 1000])
def test_the_number_of_rows_is_free(tmp_path: Path, rows: int) -> None:
    write("onnx", free_form(), tmp_path / "model.onnx", "float32")
    assert run_by_onnxruntime(tmp_path / "model.onnx", np.zeros((rows, 3)), "float32").shape == (rows, 4)


def test_a_layered_network_is_gemm_and_activation(tmp_path: Path) -> None:
    write("onnx", layered(("relu", "tanh", "softmax")), tmp_path / "model.onnx", "float32")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [node.op_type for node in graph.node] == ["Gemm", "Relu", "Gemm", "Tanh", "Gemm", "Softmax"]
    assert [tensor.name for tensor in graph.initializer] == [
        f"layers.{k}.{part}" for k in range(3) for part in ("weight", "bias")
    ]
    assert [list(tensor.dims) for tensor in graph.initializer][:2] == [[3, 2], [3]]


def test_what_the_file_says(tmp_path: Path) -> None:
    written = write("onnx", layered(), tmp_path / "model.onnx", "float32")
    model = onnx.load(tmp_path / "model.onnx")
    assert (model.opset_import[0].version, model.ir_version) == (OPSET, IR_VERSION)
    assert any(f"opset {OPSET}" in sentence for sentence in written.sentences)
    said = json.loads({entry.key: entry.value for entry in model.metadata_props}["nnviz"])
    assert said["title"] == "Two layers"
    [first], [last] = model.graph.input, model.graph.output
    assert (first.name, last.name) == ("inputs", "outputs")
    for value, columns in ((first, "x1, x2"), (last, "n20, n21")):
        rows, width = value.type.tensor_type.shape.dim
        assert (rows.dim_param, width.dim_value) == ("rows", 2)
        assert value.doc_string == f"One row a sample; the columns are {columns}."


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_every_activation_in_one_free_form_network(tmp_path: Path, precision: Precision) -> None:
    project = free_form()
    write("onnx", project, tmp_path / "model.onnx", precision)
    trial = make_trial(project)
    assert_close(run_by_onnxruntime(tmp_path / "model.onnx", trial.x, precision), trial.y, precision)


def test_without_the_library_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "onnx":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ExportError, match=r'pip install "nnviz\[onnx\]"'):
        write("onnx", layered(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
