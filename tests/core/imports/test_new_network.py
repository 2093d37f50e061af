"""New networks from the files of PyTorch, scikit-learn and our own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.decision import Probe
from core.errors import ImportFileError
from core.imports.arrays import read_arrays
from core.imports.dense import has_open_rows
from core.imports.matching import apply_match, match_file
from core.imports.new_network import make_project
from core.imports.records import LayerNotes, NamedArrays, Notes, ScalingNotes
from core.network import Network
from core.project import Project

X = np.random.default_rng(0).normal(size=(9, 4))


def outputs_of(network: Network, x: NDArray[np.float64]) -> NDArray[np.float64]:
    probe = Probe(network)
    probe.load(network.values)
    return probe.activations(x, [neuron.id for neuron in network.outputs]).T


def activations_of(project: Project) -> list[str]:
    levels = project.network.levels()
    return [project.network.neurons[level[0]].activation for level in levels[1:]]


# PyTorch


def torch_file(path: Path, *modules: Any, prefix: str = "") -> Any:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    save_file = pytest.importorskip("safetensors.torch", reason="safetensors is not installed").save_file
    torch.manual_seed(0)
    model = torch.nn.Sequential(*modules).double()
    save_file({f"{prefix}{name}": value for name, value in model.state_dict().items()}, path)
    return model


@pytest.mark.parametrize("prefix", ["", "net."])
def test_a_sequential_of_pytorch_becomes_a_network(tmp_path: Path, prefix: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn, path = torch.nn, tmp_path / "net.safetensors"
    layers = [nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3), nn.Softmax(dim=1)]
    model = torch_file(path, *layers, prefix=prefix)
    project, sentences = make_project(read_arrays(path), activations=["tanh", "softmax"])
    with torch.no_grad():
        expected = model(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(outputs_of(project.network, X), expected, rtol=0, atol=1e-12)
    assert project.settings.loss == "cross_entropy"
    assert project.dataset.rows == 1
    assert sentences[0] == "A network of 15 neurons (4-4-4-3) and 44 edges."
    # The same by order into the network that is there.
    twin = project.copy()
    twin.network.set_values(dict.fromkeys(project.network.values, 0.0))
    apply_match(match_file(read_arrays(path), twin.network), twin)
    assert twin.network.values == project.network.values


def test_activations_that_nobody_knows_are_relu_and_linear_and_that_is_said(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn, path = torch.nn, tmp_path / "net.safetensors"
    layers = [layer for size in range(11) for layer in (nn.Linear(4, 4), nn.ReLU())][:-1]
    model = torch_file(path, *layers)
    file = read_arrays(path)
    project, sentences = make_project(file)
    assert activations_of(project) == ["relu"] * 10 + ["linear"]
    assert project.settings.loss == "mean_squared_error"
    assert "does not say its activations" in sentences[-1]
    with torch.no_grad():
        expected = model(torch.from_numpy(X)).numpy()
    # Eleven layers: the tenth comes after the ninth, not after the first.
    np.testing.assert_allclose(outputs_of(project.network, X), expected, rtol=0, atol=1e-12)
    each = ["relu", "tanh"] * 5 + ["sigmoid"]
    assert activations_of(make_project(file, activations=each)[0]) == each
    for wrong, words in ((["relu"] * 3, "11 layers after the inputs, but 3"), (["relu", "x"], "no activation “x”")):
        with pytest.raises(ImportFileError, match=words):
            make_project(file, activations=wrong)


def test_layers_without_biases_get_zeros(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    path = tmp_path / "net.safetensors"
    torch_file(path, torch.nn.Linear(4, 2, bias=False))
    project, sentences = make_project(read_arrays(path))
    assert [project.network.bias(neuron.id) for neuron in project.network.outputs] == [0.0, 0.0]
    assert "There are no biases in the file: they are 0." in sentences


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_other_layers_than_dense_ones_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn, path = torch.nn, tmp_path / "net.safetensors"
    for layers, words in (
        ([nn.Conv2d(1, 2, 3)], "0.weight has 4 dimensions"),
        ([nn.Linear(4, 2), nn.BatchNorm1d(2)], "1 weight matrix but 5 vectors"),
        # As many vectors as matrices, and of the sizes of biases.
        ([nn.Linear(4, 3, bias=False), nn.PReLU(3)], "1.weight is no bias of a dense layer"),
        ([nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3, bias=False), nn.PReLU(3)], "3.weight is no bias"),
        (
            [nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3, affine=False), nn.Linear(3, 3, bias=False)],
            "1.running_mean is no bias",
        ),
        ([nn.Linear(4, 2, bias=False), nn.LayerNorm(2, bias=False)], "1.weight is no bias"),
        ([nn.RNN(4, 4)], "is no weight matrix of a dense layer"),
        ([nn.MultiheadAttention(4, 1)], "in_proj_weight is no weight matrix"),
        ([nn.utils.parametrizations.weight_norm(nn.Linear(4, 1, bias=False))], "original0 is no weight matrix"),
        ([nn.Embedding(10, 4), nn.Linear(4, 4)], "1.weight wants 4 sources, 0.weight has 10 neurons"),
        ([nn.Linear(4, 0)], "0.weight has no numbers"),
        ([nn.Linear(4, 3), nn.Linear(2, 1)], "1.weight wants 2 sources, 0.weight has 3 neurons"),
    ):
        torch_file(path, *layers)
        with pytest.raises(ImportFileError, match=words):
            make_project(read_arrays(path))


def test_some_layers_have_biases_and_others_none(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn, path = torch.nn, tmp_path / "net.safetensors"
    layers = nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3, bias=False)
    model = torch_file(path, *layers)
    project, sentences = make_project(read_arrays(path), activations=["tanh", "linear"])
    with torch.no_grad():
        expected = model(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(outputs_of(project.network, X), expected, rtol=0, atol=1e-12)
    assert "There are no biases in the file for 0.weight, 4.weight: they are 0." in sentences
    # Into a network that is there, the others stay.
    match = match_file(read_arrays(path), project.network)
    assert (match.by, match.kept) == ("order", ("h1", "h2", "h3", "o1", "o2", "o3"))


# Names of arrays


def named(*names: str) -> NamedArrays:
    """Matrices of 2 × 2 and vectors, as their names begin with a capital letter or not, filled with their places."""
    arrays = {name: np.full((2, 2) if name[0].isupper() else 2, float(place)) for place, name in enumerate(names, 1)}
    return NamedArrays("a.npz", arrays)


@pytest.mark.parametrize(
    ("names", "biases"),
    [
        (["In.w", "Out.w", "out.b", "in.b"], [4.0, 3.0]),
        (["Hidden_W", "hidden_b", "Out_W"], [2.0, 0.0]),
        (["W1", "b2", "W2", "b1"], [4.0, 2.0]),
        (["Enc/kernel:0", "Dec/kernel:0", "dec/bias:0", "enc/bias:0"], [4.0, 3.0]),
        (["Arr_0", "arr_1", "Arr_2", "arr_3"], [2.0, 4.0]),
        (["Wh", "bh", "Wo", "bo"], [2.0, 4.0]),
    ],
)
def test_a_bias_goes_to_the_weights_of_its_name(names: list[str], biases: list[float]) -> None:
    network = make_project(named(*names), orientation="neurons")[0].network
    assert [network.bias(name) for name in ("h1", "o1")] == biases


@pytest.mark.parametrize("name", ["p_re_lu/alpha", "norm/beta:0", "norm/scale", "norm/moving_mean"])
def test_a_vector_that_keras_calls_otherwise_is_no_bias(name: str) -> None:
    with pytest.raises(ImportFileError, match=f"{name} is no bias of a dense layer"):
        make_project(named("Dense/kernel", name))


def test_shortened_words_tell_the_order_too() -> None:
    _, sentences = make_project(dense(("hid", 4, 4), ("inp", 4, 4), ("out", 2, 4)))
    assert order_in(sentences)[0].startswith("Layers were taken in the order inp.weight, hid.weight, out.weight")


def test_a_bias_without_weights_is_refused() -> None:
    with pytest.raises(ImportFileError) as caught:
        make_project(named("Fc1.weight", "fc1.bias", "Fc2.weight", "norm.bias"))
    assert str(caught.value) == (
        "a.npz: norm.bias belongs to no weight matrix, by its name: name each bias as its weights (fc1.weight, "
        "fc1.bias)."
    )


def test_our_layers_without_what_they_read_are_refused() -> None:
    file = described()
    arrays = {**file.arrays, "layers.0.sources": np.array([0.0, 1.0]), "layers.1.sources": np.array([2.0])}
    with pytest.raises(ImportFileError, match="it has lost what it says of its network"):
        make_project(NamedArrays("a.npz", arrays))


# Layers whose names do not count them


def dense(*layers: tuple[str, int, int], biases: bool = True, ending: str = "weight") -> NamedArrays:
    """Layers by name, neurons and sources, all their numbers different."""
    arrays: dict[str, NDArray[np.float64]] = {}
    for number, (name, neurons, sources) in enumerate(layers, 1):
        arrays[f"{name}.{ending}"] = np.arange(number, number + neurons * sources, dtype=float).reshape(
            neurons, sources
        )
        if biases:
            arrays[f"{name}.bias"] = np.full(neurons, float(number))
    return NamedArrays("a.npz", arrays)


def order_in(sentences: tuple[str, ...]) -> list[str]:
    return [one for one in sentences if one.startswith("Layers were taken")]


def sizes_of(project: Project) -> list[int]:
    return [len(level) for level in project.network.levels()]


def test_an_encoder_comes_before_its_decoder_whatever_the_alphabet_says(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed").save_file
    path = tmp_path / "auto.safetensors"
    layers = ("encoder", 2, 4), ("decoder", 4, 2)
    for biases in (True, False):
        save_file(dense(*layers, biases=biases).arrays, path)
        project, sentences = make_project(read_arrays(path))
        assert sizes_of(project) == [4, 2, 4]
        assert order_in(sentences) == [
            "Layers were taken in the order encoder.weight, decoder.weight: their names suggest it, though their "
            "shapes fit in another order too."
        ]
    deep = ("encoder.0", 4, 8), ("encoder.2", 2, 4), ("decoder.0", 4, 2), ("decoder.2", 8, 4)
    save_file(dense(*deep).arrays, path)
    assert sizes_of(make_project(read_arrays(path))[0]) == [8, 4, 2, 4, 8]


def test_layers_are_taken_in_the_only_order_in_which_they_follow_each_other() -> None:
    file = dense(("body", 5, 3), ("top", 2, 4), ("under", 3, 6), ("z", 4, 5))
    project, sentences = make_project(file)
    assert sizes_of(project) == [6, 3, 5, 4, 2]
    assert project.network.bias("h1") == 3.0
    assert order_in(sentences) == [
        "Layers were taken in the order under.weight, body.weight, z.weight, top.weight: their shapes fit in no other."
    ]
    # In this order they are in the file, so that there is nothing to say.
    assert not order_in(make_project(dense(("b", 3, 4), ("a", 2, 3)))[1])


def test_where_several_orders_fit_the_one_that_was_taken_is_said() -> None:
    file = dense(("b", 3, 3), ("a", 3, 3))
    project, sentences = make_project(file)
    assert project.network.bias("h1") == 1.0
    assert order_in(sentences) == [
        "Layers were taken in the order b.weight, a.weight: their shapes fit in another order too, so if it is wrong, "
        "number their names."
    ]
    # Their names count them.
    assert not order_in(make_project(dense(("a.2", 3, 3), ("a.1", 3, 3)))[1])


def test_an_order_that_nothing_tells_is_refused() -> None:
    file = dense(("out of", 2, 3), ("b", 3, 3), ("a", 3, 3))
    with pytest.raises(ImportFileError) as caught:
        make_project(file)
    assert str(caught.value) == (
        "a.npz: its layers out of.weight, b.weight, a.weight fit in several orders, and their names do not tell "
        "which: number the names in their order (layer1, layer2)."
    )


def test_layers_without_biases_that_fit_backwards_too_are_asked_for() -> None:
    file = dense(("a", 2, 3), ("b", 3, 4), biases=False)
    with pytest.raises(ImportFileError, match="and in another if it is a source, as in Keras and scikit-learn: choose"):
        make_project(file)
    assert has_open_rows(file)
    assert sizes_of(make_project(file, orientation="neurons")[0]) == [4, 3, 2]
    assert sizes_of(make_project(file, orientation="sources")[0]) == [2, 3, 4]
    # Where the names speak of no habit, the file's own order counts.
    assert sizes_of(make_project(dense(("a", 2, 3), ("b", 3, 4), biases=False, ending="w"))[0]) == [2, 3, 4]


def test_a_choice_of_rows_is_refused_where_the_file_leaves_none() -> None:
    table = NamedArrays("a.csv", parameters={"w": 0.5}, ends={"w": ("x", "y")})
    for file in (described(), table):
        with pytest.raises(ImportFileError, match="it says itself which weight belongs where: leave out"):
            make_project(file, orientation="sources")


# scikit-learn


def sklearn_file(model: Any, path: Path) -> NamedArrays:
    arrays = [("coefs", model.coefs_), ("intercepts", model.intercepts_)]
    named = {f"{name}_{i}": array for name, layers in arrays for i, array in enumerate(layers)}
    np.savez(path, **named, activation=model.activation, out_activation=model.out_activation_)
    return read_arrays(path)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_of_scikit_learn_predicts_the_same(tmp_path: Path, activation: str, classes: int) -> None:
    networks = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    labels = np.arange(len(X)) % classes
    model = networks.MLPClassifier((4, 4), activation=activation, max_iter=5, random_state=0)
    with warnings.catch_warnings():
        # It has not converged after so few epochs.
        warnings.simplefilter("ignore")
        model.fit(X, labels)
    project, _ = make_project(sklearn_file(model, tmp_path / "mlp.npz"))
    expected = model.predict_proba(X)
    found = outputs_of(project.network, X)
    np.testing.assert_allclose(found, expected if classes > 2 else expected[:, 1:], rtol=0, atol=1e-9)
    assert project.settings.loss == ("cross_entropy" if classes > 2 else "binary_cross_entropy")


def test_a_regressor_of_scikit_learn_predicts_the_same(tmp_path: Path) -> None:
    networks = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    model = networks.MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X[:, :2])
    project, sentences = make_project(sklearn_file(model, tmp_path / "mlp.npz"))
    np.testing.assert_allclose(outputs_of(project.network, X), model.predict(X), rtol=0, atol=1e-9)
    assert "Its activations are in the file: tanh, linear." in sentences


def test_what_a_file_says_of_its_hidden_layers_counts_though_it_says_no_more() -> None:
    file = dense(("a.1", 3, 4), ("a.2", 2, 3))
    file.texts["activation"] = "logistic"
    project, sentences = make_project(file)
    assert activations_of(project) == ["sigmoid", "linear"]
    assert sentences[-1] == (
        "The file does not say all its activations, so sigmoid, linear were taken: choose others if it had others."
    )
    file.texts["activation"] = "swoosh"
    with pytest.raises(ImportFileError, match="its activation “swoosh” is not known here: choose the activations"):
        make_project(file)
    assert activations_of(make_project(file, activations=["tanh", "linear"])[0]) == ["tanh", "linear"]


# Tables


def test_a_table_becomes_a_network(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,source,target,value\nw1,a,h,2\nw2,a,o,3\nw3,h,o,4\nh,,h,1\no,,o,-1\n")
    project, sentences = make_project(read_arrays(path), activations=["relu", "linear"])
    assert [neuron.id for neuron in project.network.inputs] == ["a"]
    assert sentences[2] == (
        "The table does not say what its neurons are, so inputs are those that read nothing and have no bias (a), "
        "outputs those that nothing reads (o); inputs without edges, and which weights are shared or frozen, are not "
        "in it."
    )
    np.testing.assert_allclose(outputs_of(project.network, np.array([[1.0], [-1.0]])), [[14.0], [-4.0]])
    for text, words in (
        ("name,value\nw1,1\n", "names no edge's source and target"),
        ("name,source,target,value\nw1,a,b,1\nw2,b,a,1\n", "cycle"),
        ("name,source,target,value\nw1,a,b,1\nw2,a,b,1\n", "both lead from a to b"),
    ):
        path.write_text(text)
        with pytest.raises(ImportFileError, match=words):
            make_project(read_arrays(path))


# Our own notes


HIDDEN = LayerNotes("tanh", ["h"], ["a", "b"], [["w1", "w2"]])
OUTPUT = LayerNotes("sigmoid", ["o"], ["h"], [["w3"]])


def described(**changes: Any) -> NamedArrays:
    fields: dict[str, Any] = {
        "inputs": ["a", "b"],
        "outputs": ["o"],
        "layers": [
            LayerNotes("tanh", ["h"], ["a", "b"], [["w1", "w2"]]),
            LayerNotes("sigmoid", ["o"], ["h"], [["w3"]]),
        ],
        "loss": "huber",
        **changes,
    }
    arrays = {
        "layers.0.weight": np.array([[1.0, 1.0]]),
        "layers.0.bias": np.zeros(1),
        "layers.1.weight": np.ones((1, 1)),
        "layers.1.bias": np.zeros(1),
    }
    return NamedArrays("a.npz", arrays, notes=Notes(**fields))


def test_notes_say_everything() -> None:
    scaling = {"a": [ScalingNotes("range", 1.0, 4.0)], "gone": [ScalingNotes("range", 0.0, 1.0)]}
    file = described(title="Mine", tied={"w2": "w1"}, frozen=["w1"], scaling=scaling)
    project, _ = make_project(file)
    assert (project.title, project.source, project.settings.loss) == ("Mine", "a.npz", "huber")
    assert project.network.edges["w2"].tied_to == "w1"
    assert project.network.frozen == {"w1"}
    assert [(one.neuron, one.shift, one.scale) for one in project.dataset.scalings] == [("a", 1.0, 4.0)]
    with pytest.raises(ImportFileError, match="says itself"):
        make_project(file, activations=["relu", "linear"])


def test_a_loss_that_is_not_known_is_told() -> None:
    project, sentences = make_project(described(loss="strange"))
    assert project.settings.loss == "binary_cross_entropy"
    assert "Its loss “strange” is not known here, so it is the binary cross-entropy." in sentences


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": []}, "no input"),
        ({"outputs": ["x"]}, "“x” is in no layer"),
        ({"outputs": ["a"]}, "“a” is an input too"),
        ({"outputs": ["o", "o"]}, "named twice"),
        ({"inputs": ["a", "a"]}, "named twice"),
        ({"inputs": ["a", "<b>"]}, "cannot be a name"),
        ({"inputs": ["a", "b" * 41]}, "too long"),
        ({"inputs": ["a"]}, "no neuron “b”"),
        ({"layers": [LayerNotes("x", ["h"], ["a", "b"])]}, "not known here: “x”"),
        ({"layers": [LayerNotes("tanh", ["h"], ["a"])]}, "1 × 2 and 1 numbers for 1 neurons with 1 sources"),
        ({"layers": [LayerNotes("tanh", ["h"], ["a", "b"], [["w1"]])]}, "does not name as many edges"),
        ({"layers": [HIDDEN, OUTPUT, OUTPUT]}, "layers.2.weight is missing"),
        ({"layers": [LayerNotes("softmax", ["h"], ["a", "b"])], "outputs": ["h"]}, ""),
        ({"tied": {"w3": "w9"}}, "There is no edge"),
        ({"frozen": ["w9"]}, "no parameter to freeze"),
        ({"inputs": ["a", "b\nc"]}, "“b c” cannot be a name"),
        ({"scaling": {"a": [ScalingNotes("range", 0.0, 0.0)]}}, "scaling of a"),
        # A project file with it could not be opened.
        ({"scaling": {"a": [ScalingNotes("range", 1e308, 1e-308)]}}, "scaling of a"),
        ({"scaling": {"a": [ScalingNotes("range", 0.0, 1.0)] * 10_001}}, "10,001 steps of scaling"),
        ({"inputs": [f"i{k}" for k in range(5001)]}, "up to 5,000 neurons"),
    ],
)
def test_notes_that_make_no_network_are_refused(changes: dict[str, Any], words: str) -> None:
    if not words:
        make_project(described(**changes))
        return
    with pytest.raises(ImportFileError) as caught:
        make_project(described(**changes))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_single_edge_is_counted_as_one() -> None:
    file = NamedArrays("a.csv", parameters={"w": 0.5, "y": 1.0}, ends={"w": ("x", "y"), "y": ("", "y")})
    _, sentences = make_project(file)
    assert sentences[0] == "A network of 2 neurons (1-1) and 1 edge."


def test_shared_weights_that_differ_are_refused() -> None:
    file = described(tied={"w2": "w1"})
    file.arrays["layers.0.weight"] = np.array([[1.0, 2.0]])
    with pytest.raises(ImportFileError, match="w2 and w1 share one weight"):
        make_project(file)
