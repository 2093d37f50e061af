"""The diagnosis: histograms by layer, dead and saturated neurons, vanishing and exploding gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph_strategies import cases, connect_all
from hypothesis import example, given
from hypothesis import strategies as st

from core.dataset import Dataset
from core.diagnostics import (
    BAR_LIMIT,
    ROW_LIMIT,
    Ailment,
    Diagnosis,
    diagnose,
    histogram,
    spread_rows,
)
from core.engine import Engine
from core.errors import TrainingError
from core.network import Network
from core.plan import compile_network
from core.project_file import load_project

EXAMPLES = sorted((Path(__file__).parents[2] / "resources" / "examples").glob("*.nnviz"))


def chain(*activations: str, width: int = 2, weight: float = 1.0) -> Network:
    """Two inputs, hidden layers with these activations (the last is the output's), every weight the same."""
    network = Network()
    before = [network.add_neuron("input", id=f"i{k + 1}").id for k in range(2)]
    for depth, activation in enumerate(activations[:-1], start=1):
        layer = [network.add_neuron("hidden", id=f"h{depth}{k}", activation=activation).id for k in range(width)]
        connect_all(network, before, layer, lambda: weight)
        before = layer
    network.add_neuron("output", id="o1", activation=activations[-1])
    connect_all(network, before, ["o1"], lambda: weight)
    return network


def data(rows: int = 20, seed: int = 1) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset({"i1": rng.normal(size=rows), "i2": rng.normal(size=rows), "o1": rng.normal(size=rows)})


def diagnosis_of(network: Network, dataset: Dataset | None = None, loss: str = "half_squared_error") -> Diagnosis:
    engine = Engine(compile_network(network), loss=loss)
    engine.load(network.values)
    return diagnose(engine, dataset or data())


def ailments(diagnosis: Diagnosis) -> dict[str, Ailment]:
    return {neuron: finding.ailment for neuron, finding in diagnosis.by_neuron.items()}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_the_examples(path: Path) -> None:
    project = load_project(path)
    project.dataset.follow(project.network)
    assert diagnosis_of(project.network, project.dataset, project.settings.loss).findings == ()


def test_the_histograms_count_every_number_of_a_layer() -> None:
    network = chain("tanh", "relu", "linear", weight=0.5)
    network.set_values({edge.id: 0.1 * place for place, edge in enumerate(network.edges.values())})
    dataset = data(30)
    found = diagnosis_of(network, dataset)
    assert [layer.title for layer in found.layers] == ["Layer 1", "Layer 2", "Outputs"]
    assert [layer.neurons for layer in found.layers] == [("h10", "h11"), ("h20", "h21"), ("o1",)]
    first = found.layers[0]
    assert first.weights is not None
    assert first.activations is not None
    assert first.pre_activations is not None
    weights = [network.weight(edge.id) for neuron in first.neurons for edge in network.incoming(neuron)]
    assert first.weights.total == 4
    assert (first.weights.minimum, first.weights.maximum) == (min(weights), max(weights))
    assert first.weights.mean == pytest.approx(np.mean(weights))
    assert first.weights.deviation == pytest.approx(np.std(weights))
    z = dataset.matrix(["i1", "i2"]) @ np.array(
        [[network.weight(network.edge_between(i, h).id) for h in first.neurons] for i in ("i1", "i2")]
    )
    assert first.pre_activations.total == first.activations.total == 60
    assert first.pre_activations.maximum == pytest.approx(z.max(), rel=1e-12)
    assert first.activations.mean == pytest.approx(np.tanh(z).mean(), rel=1e-12)
    assert [layer.gradients.total for layer in found.layers if layer.gradients] == [4, 4, 2]


def test_a_relu_that_is_off_for_every_row_is_dead() -> None:
    network = chain("relu", "linear")
    network.set_values({"h10": -50.0, "h11": 50.0})
    found = diagnosis_of(network)
    assert ailments(found) == {"h10": Ailment.DEAD}
    finding = found.by_neuron["h10"]
    assert finding.number < -40
    assert finding.sentence.startswith("h10 is dead: its ReLU is 0 in all 20 rows (its largest z is −")
    # One row does not tell.
    assert diagnosis_of(network, data(1)).findings == ()


def test_a_step_that_never_changes_is_dead() -> None:
    network = chain("step", "linear")
    network.set_values({"h10": 50.0})
    found = diagnosis_of(network)
    assert ailments(found) == {"h10": Ailment.DEAD}
    assert found.by_neuron["h10"].number == 1.0


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "elu", "softplus", "gelu", "silu"])
def test_a_flat_activation_is_saturated(activation: str) -> None:
    network = chain(activation, "linear", weight=0.1)
    network.set_values({"h10": -30.0})
    found = diagnosis_of(network)
    assert ailments(found) == {"h10": Ailment.SATURATED}
    assert found.by_neuron["h10"].number < 1e-6
    assert "in 100% of the rows" in found.by_neuron["h10"].sentence


def test_an_output_is_not_saturated_where_it_has_learned_or_where_it_does_not_matter() -> None:
    network = chain("sigmoid", weight=0.01)
    network.set_values({"o1": 20.0})
    right = Dataset({"i1": [1.0, 2.0], "i2": [0.0, 1.0], "o1": [1.0, 1.0]})
    wrong = Dataset({"i1": [1.0, 2.0], "i2": [0.0, 1.0], "o1": [0.0, 0.0]})
    assert ailments(diagnosis_of(network, right)) == {}
    assert ailments(diagnosis_of(network, wrong)) == {"o1": Ailment.SATURATED}
    # The joint gradient is a - t, however flat the sigmoid is.
    assert ailments(diagnosis_of(network, wrong, "binary_cross_entropy")) == {}


def test_gradients_vanish_through_many_sigmoids_and_explode_through_large_weights() -> None:
    vanishing = diagnosis_of(chain(*["sigmoid"] * 6, "linear", weight=0.3))
    kinds = {finding.layer: finding.ailment for finding in vanishing.findings}
    assert kinds[1] is kinds[2] is Ailment.VANISHING
    assert 6 not in kinds
    assert vanishing.findings[0].neurons == ("h10", "h11")
    exploding = diagnosis_of(chain(*["relu"] * 3, "linear", weight=30.0))
    assert exploding.findings[0].ailment is Ailment.EXPLODING
    assert exploding.findings[0].number > 100
    assert "times that of the outputs" in exploding.findings[0].sentence


def test_the_worst_finding_is_a_neurons_own() -> None:
    network = chain(*["sigmoid"] * 6, "linear", weight=0.3)
    network.set_values({"h10": 60.0})
    found = diagnosis_of(network)
    assert found.by_neuron["h10"].ailment is Ailment.SATURATED
    assert found.by_neuron["h11"].ailment is Ailment.VANISHING


def test_of_a_long_table_evenly_spread_training_rows_are_looked_at() -> None:
    dataset = data(5000)
    dataset.set_test(range(0, 5000, 2))
    found = diagnosis_of(chain("tanh", "linear"), dataset)
    assert (found.rows, found.all_rows) == (ROW_LIMIT, 2500)
    rows = spread_rows(dataset.training_rows)
    assert (rows[0], rows[-1], len(set(rows.tolist()))) == (1, 4999, ROW_LIMIT)
    assert set(np.diff(rows).tolist()) <= {4, 6}


def test_without_an_output_or_a_training_row_it_says_so() -> None:
    network = chain("tanh", "linear")
    dataset = data(3)
    dataset.set_test(range(3))
    with pytest.raises(TrainingError, match="training row"):
        diagnosis_of(network, dataset)
    network.set_role("o1", "hidden")
    with pytest.raises(TrainingError, match="output neuron"):
        diagnosis_of(network)


@given(st.lists(st.floats(-1e305, 1e305, allow_subnormal=False) | st.floats(-5, 5), min_size=1, max_size=50))
@example([2.2e56, -4e-269])
def test_a_histogram_counts_all_but_what_cannot_be_drawn(values: list[float]) -> None:
    array = np.array(values)
    counted = array[np.abs(array) < 1e150]
    found = histogram(array)
    if found is None:
        assert not len(counted)
        return
    assert found.total == len(counted)
    assert found.left_out == len(values) - len(counted)
    assert len(found.edges) == len(found.counts) + 1 <= BAR_LIMIT + 1
    assert np.all(np.diff(found.edges) > 0)
    assert found.edges[0] <= found.minimum <= found.maximum <= found.edges[-1]


def test_infinite_numbers_are_left_out() -> None:
    found = histogram(np.array([1.0, np.inf, np.nan, 3.0]))
    assert found is not None
    assert (found.total, found.left_out, found.mean) == (2, 2, 2.0)
    assert histogram(np.array([np.nan])) is None
    assert histogram(np.array([])) is None


@given(cases(max_neurons=20))
def test_any_network_can_be_diagnosed(case: object) -> None:
    network, x, targets = case.network, case.x, case.targets  # type: ignore[attr-defined]
    columns = {n.id: x[:, k] for k, n in enumerate(network.inputs)}
    columns |= {n.id: targets[:, k] for k, n in enumerate(network.outputs)}
    engine = Engine(compile_network(network), loss=case.loss, mean=case.mean)  # type: ignore[attr-defined]
    engine.load(network.values)
    found = diagnose(engine, Dataset(columns))
    assert sum(layer.weights.total for layer in found.layers if layer.weights) == len(network.edges)
    assert found.by_neuron.keys() <= network.neurons.keys()
