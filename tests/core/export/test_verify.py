from __future__ import annotations

import numpy as np
import pytest
from export_examples import layered

from core.dataset import Dataset
from core.errors import ExportError
from core.export.verify import MOST_ROWS, RANDOM_ROWS, Precision, Trial, check, make_trial
from core.network import Network
from core.project import Project


def test_the_projects_own_rows_are_tried_as_the_network_sees_them() -> None:
    project = layered()
    columns = {"x1": [1.0, 3.0], "x2": [0.1, 0.2], "n20": [0.0, 1.0], "n21": [1.0, 0.0]}
    project = Project(project.network, Dataset(columns))
    project.dataset.add_scaling("range", ["x1"])
    trial = make_trial(project)
    assert not trial.is_random
    assert trial.x[:, 0].tolist() == [0.0, 1.0]
    # The same numbers for float32 and float64.
    assert trial.x[:, 1].tolist() == np.array([0.1, 0.2], np.float32).astype(float).tolist()
    assert trial.y.shape == (2, 2)


def test_without_data_inputs_are_random_and_the_same_each_time() -> None:
    first, second = make_trial(layered()), make_trial(layered())
    assert first.is_random
    assert first.x.shape == (RANDOM_ROWS, 2)
    assert np.array_equal(first.x, second.x)


def test_of_a_long_table_rows_from_all_over_are_tried() -> None:
    count = 3 * MOST_ROWS
    columns = {name: np.arange(count, dtype=float) for name in ("x1", "x2", "n20", "n21")}
    trial = make_trial(Project(layered().network, Dataset(columns)))
    assert len(trial.x) == MOST_ROWS
    assert (trial.x[0, 0], trial.x[-1, 0]) == (0.0, count - 1.0)


def trial_of(*y: float) -> Trial:
    return Trial(np.zeros((len(y), 1)), np.array(y)[:, None], is_random=False)


def test_the_greatest_difference_is_told() -> None:
    assert check(trial_of(1.0, 2.0), np.array([[1.0], [2.0 + 2.0**-42]]), "float64", "read back") == (
        "Checked on 2 rows, read back: the greatest difference from the engine is 2.3e-13."
    )
    assert "1 row," in check(trial_of(1.0), np.array([[1.0]]), "float64", "read back")


@pytest.mark.parametrize(("precision", "off"), [("float64", 1e-11), ("float32", 1e-4), ("float64", np.nan)])
def test_a_difference_above_the_limit_is_refused(precision: Precision, off: float) -> None:
    with pytest.raises(ExportError, match=r"Nothing was written: read back, an output differs"):
        check(trial_of(1.0), np.array([[1.0 + off]]), precision, "read back")


def test_the_limit_is_relative_for_large_outputs_and_absolute_for_small_ones() -> None:
    check(trial_of(1e9), np.array([[1e9 + 1.0]]), "float32", "read back")
    check(trial_of(1e-9), np.array([[2e-9]]), "float32", "read back")


def test_nan_and_infinity_agree_with_themselves_alone() -> None:
    check(trial_of(np.nan, np.inf), np.array([[np.nan], [np.inf]]), "float64", "read back")
    for wrong in (np.nan, -np.inf, 1e308):
        with pytest.raises(ExportError, match="differs"):
            check(trial_of(np.inf), np.array([[wrong]]), "float64", "read back")


def overflowing() -> Project:
    """Two weights in series whose product is more than a float64 holds, before outputs that are finite all the same."""
    project = layered(("linear", "sigmoid"))
    for weight in project.network.edges:
        project.network.set_value(weight, 1e300)
    names = [neuron.id for neuron in (*project.network.inputs, *project.network.outputs)]
    project.dataset = Dataset({name: [1.0, 0.0] for name in names})
    return project


def test_rows_in_which_a_sum_overflows_are_told_though_the_outputs_agree() -> None:
    trial = make_trial(overflowing())
    assert np.isfinite(trial.y).all()
    said = check(trial, trial.y, "float64", "read back")
    assert "is 0, but in 1 of them a pre-activation overflows; look at its weights for very large numbers." in said
    one = Trial(np.zeros((1, 1)), np.zeros((1, 1)), is_random=False, overflowing=1)
    assert "Checked on 1 row, read back: the greatest difference from the engine is 0, but in it" in check(
        one, one.y, "float64", "read back"
    )
    assert make_trial(layered()).overflowing == 0


def test_float64_is_no_remedy_where_a_format_has_it_not() -> None:
    for has_float64, remedy in ((True, "choose float64"), (False, "look at its weights for very large numbers")):
        with pytest.raises(ExportError, match=f"; {remedy}"):
            check(trial_of(1.0), np.array([[1.1]]), "float32", "read back", has_float64=has_float64)


def perceptron() -> Network:
    """A step function whose pre-activation at (1, 1, 1) is 0, or a rounding error from it."""
    network = Network()
    network.add_neuron("output", id="o", activation="step", bias=-0.6)
    for weight in (0.1, 0.2, 0.3):
        network.connect(network.add_neuron("input").id, "o", weight=weight)
    return network


def test_a_row_at_the_jump_of_a_step_function_is_left_out_and_it_is_said() -> None:
    data = Dataset({"i1": [1.0, 0.0], "i2": [1.0, 0.0], "i3": [1.0, 0.0], "o": [0.0, 0.0]})
    trial = make_trial(Project(perceptron(), data))
    assert (len(trial.x), trial.left_out) == (1, 1)
    assert "left out" in check(trial, trial.y, "float64", "read back")


def test_where_all_rows_are_at_a_jump_inputs_are_random() -> None:
    data = Dataset({"i1": [1.0], "i2": [1.0], "i3": [1.0], "o": [0.0]})
    trial = make_trial(Project(perceptron(), data))
    assert trial.is_random
    assert set(trial.y.ravel()) == {0.0, 1.0}
