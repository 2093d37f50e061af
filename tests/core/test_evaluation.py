"""Evaluations: which rows are taken for which class, and how far numbers are off, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.activations import Array
from core.dataset import Dataset
from core.decision import Probe
from core.evaluation import Evaluation, evaluate
from core.network import Network


def identity(outputs: int) -> Network:
    """Each output is the input of the same number."""
    network = Network()
    for place in range(outputs):
        network.add_neuron("input", id=f"x{place}")
    for place in range(outputs):
        network.add_neuron("output", id=f"y{place}", activation="linear")
        network.connect(f"x{place}", f"y{place}", weight=1.0)
    return network


def evaluation_of(outputs: Array, targets: Array, rows: list[int] | None = None) -> Evaluation:
    """Of outputs and targets, both of shape (rows, outputs)."""
    network = identity(outputs.shape[1])
    columns = {f"x{place}": column for place, column in enumerate(outputs.T)}
    columns |= {f"y{place}": column for place, column in enumerate(targets.T)}
    chosen = np.arange(len(outputs)) if rows is None else np.array(rows, dtype=np.intp)
    return evaluate(Probe(network), network, Dataset(columns), chosen)


def test_classes_are_counted() -> None:
    targets = np.eye(3)[[0, 0, 1, 1, 1, 2]]
    outputs = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0], [0, 0.9, 0], [0, 0.4, 0.5], [0, 0.6, 0.5], [0, 0, 0.1]])
    found = evaluation_of(outputs, targets)
    assert found.task == "classes"
    assert found.names == ("y0", "y1", "y2")
    assert found.counts.tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 1]]
    assert found.right == 4
    assert found.rows_of(1, 1).tolist() == [2, 4]
    assert found.rows_of(2, 0).tolist() == []
    np.testing.assert_array_equal(found.outputs, outputs)


def test_some_rows_keep_the_classes_of_the_whole_table() -> None:
    targets = np.eye(3)[[0, 0, 1, 1, 2]]
    found = evaluation_of(targets, targets, rows=[1, 3])
    assert found.counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert found.rows_of(1, 1).tolist() == [3]


@pytest.mark.parametrize(
    ("low", "names", "outputs"),
    [(0.0, ("0", "1"), [0.1, 0.6, 0.4, 0.9]), (-1.0, ("−1", "1"), [-0.9, 0.1, -0.1, 0.8])],
)
def test_classes_of_one_output_go_by_their_targets(low: float, names: tuple[str, str], outputs: list[float]) -> None:
    targets = np.array([[low], [low], [1.0], [1.0]])
    found = evaluation_of(np.array([outputs]).T, targets)
    assert (found.task, found.names) == ("binary", names)
    assert found.counts.tolist() == [[1, 1], [1, 1]]
    assert found.rows_of(0, 1).tolist() == [1]


def test_numbers_are_measured() -> None:
    rng = np.random.default_rng(5)
    targets = rng.normal(size=(20, 2))
    outputs = targets + 0.1 * rng.normal(size=(20, 2))
    found = evaluation_of(outputs, targets)
    assert found.task == "regression"
    assert found.counts.size == 0
    own = [1 - ((t - y) ** 2).sum() / ((t - t.mean()) ** 2).sum() for t, y in zip(targets.T, outputs.T, strict=True)]
    assert found.fit.r2 == pytest.approx(sum(own) / 2, rel=1e-12)
    assert found.fit.rmse == pytest.approx(np.sqrt(((targets - outputs) ** 2).mean()), rel=1e-12)


def test_perfect_outputs_and_their_mean_are_the_marks_of_r2() -> None:
    targets = np.array([[1.0], [2.0], [4.5]])
    assert evaluation_of(targets, targets).fit.r2 == 1.0
    assert evaluation_of(targets, targets).fit.rmse == 0.0
    assert evaluation_of(np.full((3, 1), 2.5), targets).fit.r2 == pytest.approx(0.0)


def test_where_all_targets_are_the_same_there_is_no_r2() -> None:
    fit = evaluation_of(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]])).fit
    assert fit.r2 is None
    assert fit.rmse == pytest.approx(np.sqrt(2.5))


def test_outputs_that_are_too_large_are_told_without_a_warning() -> None:
    fit = evaluation_of(np.array([[1e200], [2.0]]), np.array([[3.0], [4.0]])).fit
    assert fit.rmse == np.inf
    assert fit.r2 == -np.inf


def test_the_network_sees_scaled_values() -> None:
    network = identity(1)
    dataset = Dataset({"x0": [10.0, 20.0, 30.0], "y0": [1.0, 3.0, 5.0]})
    dataset.add_scaling("range", ["x0", "y0"])
    found = evaluate(Probe(network), network, dataset, np.arange(3))
    assert found.targets[:, 0].tolist() == found.outputs[:, 0].tolist() == [0.0, 0.5, 1.0]
    assert found.fit.r2 == 1.0
