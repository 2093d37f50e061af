"""Networks from ONNX files: ours without their notes, PyTorch's, and graphs made by hand."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_strategies import networks
from hypothesis import assume, given, settings
from numpy.typing import NDArray

from core.decision import Probe
from core.errors import ImportFileError
from core.export.formats import FORMATS
from core.imports.arrays import read_arrays
from core.imports.matching import apply_match, match_file
from core.imports.new_network import make_project
from core.jobs import finish
from core.network import Network
from core.project import Project

onnx = pytest.importorskip("onnx", reason="ONNX files need the library onnx")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT

Array = NDArray[np.float64]
W = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])
B = np.array([0.25, -1.0, 0.0])
X = np.random.default_rng(0).normal(size=(6, 2))


def outputs_of(network: Network, x: Array) -> Array:
    probe = Probe(network)
    probe.load(network.values)
    return probe.activations(x, [neuron.id for neuron in network.outputs]).T


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        nodes: Sequence[Any], constants: dict[str, Any] | None = None, outputs: Sequence[str] = ("y",), columns: int = 2
    ) -> Path:
        graph = helper.make_graph(
            list(nodes),
            "g",
            [helper.make_tensor_value_info("x", FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
        )
        path = tmp_path / "a.onnx"
        onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
        return path

    return make


def node(operator: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def evaluated(path: Path, x: Array) -> Array:
    """What onnx itself computes."""
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(str(path))
    return np.concatenate(evaluator.run(None, {"x": x}), axis=1)


def agree(path: Path) -> Project:
    project, _ = make_project(read_arrays(path))
    np.testing.assert_allclose(outputs_of(project.network, X), evaluated(path, X), rtol=1e-6, atol=1e-6)
    return project


# Graphs made by hand


def test_gemm_in_each_of_its_forms(make: Make) -> None:
    for nodes, constants in (
        ([node("Gemm", "x w b")], {"w": W, "b": B}),
        ([node("Gemm", "x w b", transB=1, alpha=2.0, beta=0.5)], {"w": W.T.copy(), "b": B[None]}),
        ([node("Gemm", "x w")], {"w": W}),
        ([node("MatMul", "x w", "z"), node("Add", "z b")], {"w": W, "b": B}),
        ([node("MatMul", "x w", "z"), node("Add", "b z")], {"w": W, "b": np.array(0.5)}),
        ([node("Transpose", "v", "w", perm=[1, 0]), node("MatMul", "x w")], {"v": W.T.copy()}),
    ):
        project = agree(make(nodes, constants))
        assert [len(level) for level in project.network.levels()] == [2, 3]
        assert len(project.network.edges) == 6
        assert project.settings.loss == "mean_squared_error"


def test_a_constant_node_is_a_constant(make: Make) -> None:
    constant = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(W))
    agree(make([constant, node("MatMul", "x w")]))


@pytest.mark.parametrize(
    ("operator", "attributes", "activation"),
    [
        ("Sigmoid", {}, "sigmoid"),
        ("Tanh", {}, "tanh"),
        ("Relu", {}, "relu"),
        ("LeakyRelu", {}, "leaky_relu"),
        ("Elu", {"alpha": 1.0}, "elu"),
        ("Softplus", {}, "softplus"),
        ("Gelu", {}, "gelu"),
        ("Sin", {}, "sine"),
        ("Softmax", {"axis": 1}, "softmax"),
    ],
)
def test_each_activation_is_known(make: Make, operator: str, attributes: dict[str, Any], activation: str) -> None:
    project = agree(make([node("Gemm", "x w b", "z"), node(operator, "z", **attributes)], {"w": W, "b": B}))
    assert {neuron.activation for neuron in project.network.outputs} == {activation}
    assert len(project.network.neurons) == 5


def test_activations_made_of_several_operators(make: Make) -> None:
    gemm, constants = node("Gemm", "x w b", "z"), {"w": W, "b": B, "zero": np.array(0.0), "far": np.array(20.0)}
    for nodes, activation in (
        ([node("Sigmoid", "z", "s"), node("Mul", "s z")], "silu"),
        ([node("Greater", "z zero", "c"), node("Cast", "c", to=11)], "step"),
        ([node("Softplus", "z", "s"), node("Greater", "z far", "c"), node("Where", "c z s")], "softplus"),
    ):
        project = agree(make([gemm, *nodes], constants))
        assert {neuron.activation for neuron in project.network.outputs} == {activation}
        assert len(project.network.neurons) == 5


def test_layers_that_follow_without_activation_are_linear_ones(make: Make) -> None:
    project = agree(make([node("Gemm", "x w b", "z"), node("MatMul", "z v")], {"w": W, "b": B, "v": np.ones((3, 2))}))
    assert [len(level) for level in project.network.levels()] == [2, 3, 2]


def test_free_form_graphs(make: Make) -> None:
    constants = {"w": W, "b": B, "v": np.ones((5, 1)), "u": np.ones((2, 3)), "some": np.array([2, 0, -1])}
    hidden = [node("Gemm", "x w b", "z"), node("Tanh", "z", "h")]
    for tail in (
        [node("Concat", "x h", "j", axis=1), node("MatMul", "j v")],
        [node("Concat", "h x", "j", axis=-1), node("Gather", "j some", axis=1)],
        [node("MatMul", "x u", "k"), node("Add", "k h", "s"), node("Relu", "s")],
        [node("Add", "h h", "s"), node("Sigmoid", "s")],
        [node("Relu", "x", "r"), node("Concat", "r x h h", axis=1)],
        [node("Flatten", "h", "f"), node("Identity", "f", "i"), node("Dropout", "i", "d"), node("Cast", "d", to=11)],
    ):
        if tail[-1].output[0] == "d" or tail[-1].op_type == "Cast":
            tail[-1].output[0] = "y"
        agree(make([*hidden, *tail], constants))


def test_several_outputs_and_the_inputs_themselves(make: Make) -> None:
    project = agree(make([node("Gemm", "x w", "z"), node("Relu", "z")], {"w": W}, outputs=["y", "x", "z", "y"]))
    assert len(project.network.outputs) == 3 + 2 + 3 + 3


def test_weights_of_other_programs_go_into_a_network_by_order(make: Make) -> None:
    path = make([node("Gemm", "x w b", "z"), node("Tanh", "z")], {"w": W, "b": B})
    project, _ = make_project(read_arrays(path))
    wanted = project.network.values
    # The names of neurons are made up on reading: that they are the same here means nothing.
    project.network.set_values(dict.fromkeys(wanted, 0.0))
    match = match_file(read_arrays(path), project.network)
    assert (match.by, match.kept, match.unused) == ("order", (), ())
    apply_match(match, project)
    assert project.network.values == wanted


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Conv", "x w")], "the operator Conv"),
        ([node("Abs", "x")], "the operator Abs"),
        ([node("LeakyRelu", "x", alpha=0.2)], "LeakyRelu with alpha = 0.2"),
        ([node("Gelu", "x", approximate="tanh")], "approximate = tanh"),
        ([node("Softmax", "x", axis=0)], "a Softmax over"),
        ([node("Softmax", "x", "s"), node("Softmax", "s")], "a Softmax over"),
        ([node("Softmax", "x", "s"), node("MatMul", "s w")], "is hidden: softmax"),
        ([node("Mul", "x x")], "a product of layers"),
        ([node("MatMul", "w x")], "which is no array of weights"),
        ([node("MatMul", "x b")], "which is no array of weights"),
        ([node("MatMul", "q w")], "“q”, which is no layer"),
        ([node("Gemm", "x w", transA=1)], "Gemm with transA"),
        ([node("Gemm", "x w", alpha="a")], "attribute alpha"),
        ([node("Transpose", "w", "t", perm=[1.0, 0.0]), node("MatMul", "x t")], "attribute perm"),
        ([node("MatMul", "x v")], "MatMul of 2 columns with weights for 3"),
        ([node("Add", "x b")], "an array of another shape"),
        ([node("Concat", "x x", axis=0)], "Concat of rows"),
        ([node("Gather", "x i", axis=1)], "an impossible Gather"),
        ([node("Cast", "x", to=7)], "Cast to something else"),
        ([node("Greater", "x b")], "Greater than an array"),
        ([node("Greater", "x one", "c"), node("Cast", "c", to=1)], "a step at 1"),
        ([node("Where", "x x x")], "the operator Where"),
        ([node("Sigmoid", "x", "s"), node("Identity", "")], "which is no layer"),
        ([node("Gemm", "x w", "z"), node("Add", "z cube")], "an array of another shape"),
        ([node("Greater", "x cube", "c"), node("Cast", "c", to=1)], "Greater than an array"),
        ([node("Gemm", "x w", "z"), node("Add", "z b", axis=0)], "Add along the rows"),
        ([node("Sigmoid", "x", "s", domain="other"), node("Mul", "s x")], "the operator other.Sigmoid"),
        ([node("Relu", "x", "z"), node("Tanh", "x", "z"), node("Relu", "z")], "its tensor “z” is there twice"),
        ([node("Relu", "x", "w"), node("Tanh", "w")], "its tensor “w” is there twice"),
        ([node("Relu", "x", "x"), node("Tanh", "x")], "its tensor “x” is there twice"),
        ([], "“y” comes from no input"),
        ([node("Gemm", "x huge")], "“huge”, which is no array"),
    ],
)
def test_what_is_not_known_is_refused_by_its_name(make: Make, nodes: list[Any], words: str) -> None:
    constants = {"w": W, "v": np.ones((3, 3)), "b": B, "i": np.array([0, 7]), "one": np.array(1.0)}
    constants["cube"] = np.zeros((1, 1, 1))
    with pytest.raises(ImportFileError) as caught:
        make_project(read_arrays(make(nodes, constants)))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 350


def test_a_constant_that_is_there_twice_is_refused(make: Make) -> None:
    path = make([node("MatMul", "x w")], {"w": W})
    model = onnx.load_model(path)
    model.graph.initializer.append(numpy_helper.from_array(2 * W, "w"))
    onnx.save_model(model, path)
    with pytest.raises(ImportFileError, match="its tensor “w” is there twice"):
        read_arrays(path)


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
def test_an_operator_that_a_file_defines_itself_is_refused(make: Make, domain: str) -> None:
    path = make([node("Relu", "x")])
    model = onnx.load_model(path)
    opsets = [helper.make_opsetid("", 20)]
    model.functions.append(helper.make_function(domain, "Relu", ["a"], ["b"], [node("Neg", "a", "b")], opsets))
    onnx.save_model(model, path)
    with pytest.raises(ImportFileError, match="it defines the operator Relu anew"):
        read_arrays(path)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Gather", "x turn", "g", axis=1), node("Gemm", "g w b", "z"), node("Tanh", "z")],
        [node("Gemm", "x w b", "z"), node("Tanh", "z", "h"), node("Gather", "h mix", axis=1)],
        [
            node("Gemm", "x w b", "z"),
            node("Tanh", "z", "h"),
            node("Gather", "h mix", "g", axis=1),
            node("Gemm", "g v", "u"),
            node("Tanh", "u"),
        ],
    ],
)
def test_by_order_the_first_is_the_first_input_or_output_whatever_the_graph_mixes(make: Make, nodes: list[Any]) -> None:
    constants = {"w": W, "b": B, "v": W.T.copy(), "turn": np.array([1, 0]), "mix": np.array([2, 0, 1])}
    path = make(nodes, constants)
    project, _ = make_project(read_arrays(path))
    network = project.network
    # Another network of the same layers.
    twin = Network()
    levels = [[twin.add_neuron(network.neurons[name].role, activation="tanh" if k else None).id for name in level]
              for k, level in enumerate(network.levels())]  # fmt: skip
    for former, level in pairwise(levels):
        for target in level:
            for source in former:
                twin.connect(source, target)
    other = Project(twin)
    other.dataset.follow(twin)
    apply_match(match_file(read_arrays(path), twin, by="order"), other)
    np.testing.assert_allclose(outputs_of(twin, X), evaluated(path, X), rtol=1e-6, atol=1e-6)


def test_graphs_that_would_grow_are_stopped(make: Make) -> None:
    doubled = [node("Concat", f"x{k} x{k}", f"x{k + 1}", axis=1) for k in range(40)]
    cases = [
        ([node("Identity", "x", "x0"), *doubled, node("Identity", "x40")], 2, "more than 5,000 neurons"),
        ([node("MatMul", "x w")], 900, "more than 200,000 edges"),
        ([node("Relu", "x")], 10**9, "more than 5,000 neurons"),
        ([node("Identity", "x", f"y{k}") for k in range(300)], 4000, "more than 1,000,000 columns"),
    ]
    for nodes, columns, words in cases:
        with pytest.raises(ImportFileError, match=words):
            make_project(read_arrays(make(nodes, {"w": np.ones((900, 900))}, columns=columns)))


def test_weights_in_another_file_are_refused(make: Make, tmp_path: Path) -> None:
    path = make([node("MatMul", "x w")], {"w": np.ones((2, 600))})
    model = onnx.load_model(path)
    onnx.save_model(model, path, save_as_external_data=True, location="secret", size_threshold=0)
    with pytest.raises(ImportFileError, match="w lies in another file"):
        read_arrays(path)


def test_sizes_are_compared_with_what_is_there(make: Make) -> None:
    for dims, words in (((10**6, 10**6), "more numbers than"), ((2, 3000), "not as long"), ((-1, 2), "more numbers")):
        tensor = helper.make_tensor("w", FLOAT, [2, 2], np.ones(4, np.float32).tobytes(), raw=True)
        tensor.dims[:] = dims
        path = make([node("MatMul", "x w")])
        model = onnx.load_model(path)
        model.graph.initializer.append(tensor)
        path.write_bytes(model.SerializeToString())
        with pytest.raises(ImportFileError, match=words):
            read_arrays(path)


def test_constants_have_a_limit_together(make: Make) -> None:
    many = np.zeros(2_600_000, np.uint8)
    held = helper.make_node("Constant", [], ["v"], value=numpy_helper.from_array(many, "v"))
    with pytest.raises(ImportFileError, match="with v it has more numbers than can be read"):
        read_arrays(make([held, node("MatMul", "x w")], {"w": many}))


def test_many_inputs_or_outputs_are_refused(make: Make) -> None:
    with pytest.raises(ImportFileError, match="more than 500 inputs or outputs"):
        read_arrays(make([node("Relu", "x")], outputs=["y"] * 501))


def test_a_million_weights_are_read_up_to_what_can_be_drawn(make: Make) -> None:
    with pytest.raises(ImportFileError, match="more than 200,000 edges"):
        read_arrays(make([node("MatMul", "x w")], {"w": np.ones((1000, 1000))}, columns=1000))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x3a\x05\x0a\x00", "not a whole"),
        (b"\x3a\x02\x0a\x01\x00", "not a whole"),
        (b"\x0d\x00", "not a whole"),
        (b"\x08", "not a whole"),
        (b"\xff" * 20, "not a whole"),
        (b"\x0b\x0c", "not a whole"),
        (b"\x42\x00" * 400_001, "up to 400,000 parts"),
    ],
)
def test_the_parts_of_a_file_are_counted_before_it_is_read(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with pytest.raises(ImportFileError, match=words):
        read_arrays(path)


# PyTorch's and our own


def test_a_model_exported_by_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("onnxscript", reason="PyTorch needs onnxscript to export")
    nn = torch.nn
    torch.manual_seed(0)
    functions = [nn.SiLU(), nn.Softplus(), nn.LeakyReLU(), nn.Softmax(dim=1)]
    layers = [layer for function in functions for layer in (nn.Linear(2, 2), function)]
    model = nn.Sequential(*layers).eval()
    path = tmp_path / "a.onnx"
    with warnings.catch_warnings():
        # Those of its exporter are no concern of ours.
        warnings.simplefilter("ignore")
        shapes = ({0: torch.export.Dim("n")},)
        torch.onnx.export(
            model, (torch.zeros(4, 2),), path, dynamo=True, verbose=False, dynamic_shapes=shapes, external_data=False
        )
    project, _ = make_project(read_arrays(path))
    assert [len(level) for level in project.network.levels()] == [2] * 5
    with torch.no_grad():
        expected = model(torch.from_numpy(X).float()).numpy()
    np.testing.assert_allclose(outputs_of(project.network, X), expected, rtol=0, atol=1e-6)


@settings(max_examples=settings.default.max_examples // 5)
@given(networks(max_neurons=14))
def test_our_own_files_say_the_same_without_their_notes(network: Network) -> None:
    assume(network.inputs and network.outputs)
    project = Project(network)
    project.dataset.follow(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.onnx"
        finish(FORMATS["onnx"].write(project, path, precision="float32"))
        model = onnx.load_model(path)
        del model.metadata_props[:]
        onnx.save_model(model, path)
        found, _ = make_project(read_arrays(path))
    x = np.random.default_rng(0).normal(size=(5, len(network.inputs)))
    np.testing.assert_allclose(outputs_of(found.network, x), outputs_of(network, x), rtol=1e-3, atol=1e-3)
