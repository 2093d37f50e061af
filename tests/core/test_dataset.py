"""The table of samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset import Dataset, column_title
from core.errors import DataError
from core.network import Network


def small() -> Dataset:
    return Dataset({"x": [1.0, 2.0, 3.0], "y": [10.0, 20.0, 30.0]})


def column(dataset: Dataset, neuron_id: str) -> list[float]:
    return dataset.columns[neuron_id].tolist()


def network_with(inputs: list[str], outputs: list[str]) -> Network:
    network = Network()
    for name in inputs:
        network.add_neuron("input", id=name)
    network.add_neuron("hidden", id="between")
    for name in outputs:
        network.add_neuron("output", id=name)
    return network


def assert_sound(dataset: Dataset) -> None:
    for values in dataset.columns.values():
        assert values.shape == (dataset.rows,)
        assert values.dtype == np.float64
        assert not values.flags.writeable


# Making


def test_a_dataset_takes_any_iterables_of_one_length() -> None:
    dataset = Dataset({"x": [1, 2], "y": (value for value in (3.0, 4.0)), "z": np.array([5, 6])})
    assert dataset.rows == 2
    assert [column(dataset, name) for name in "xyz"] == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert_sound(dataset)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="same number of rows"):
        Dataset({"x": [1.0], "y": [1.0, 2.0]})


def test_a_dataset_without_columns_can_have_rows() -> None:
    assert Dataset().rows == 0
    assert Dataset(rows=3).rows == 3
    assert Dataset(rows=3).matrix([]).shape == (3, 0)


def test_a_dataset_keeps_its_numbers_when_the_array_that_it_came_from_changes() -> None:
    source = np.array([1.0, 2.0])
    dataset = Dataset({"x": source})
    source[0] = 99.0
    assert column(dataset, "x") == [1.0, 2.0]


# Cells


def test_a_cell_can_be_read_and_set() -> None:
    dataset = small()
    dataset.set_value(1, "y", 7.5)
    assert dataset.value(1, "y") == 7.5
    assert column(dataset, "y") == [10.0, 7.5, 30.0]
    assert column(dataset, "x") == [1.0, 2.0, 3.0]
    assert_sound(dataset)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_cell_takes_finite_numbers_only_and_says_where(value: float) -> None:
    dataset = small()
    with pytest.raises(DataError, match="Row 3, y"):
        dataset.set_values({(0, "x"): 5.0, (2, "y"): value})
    assert dataset.same_as(small()) is False
    assert column(dataset, "x") == [1.0, 2.0, 3.0], "nothing is set when one value is refused"


@pytest.mark.parametrize("cell", [(3, "x"), (-1, "x"), (0, "z")])
def test_a_cell_that_does_not_exist_is_refused(cell: tuple[int, str]) -> None:
    dataset = small()
    with pytest.raises(DataError, match="no cell"):
        dataset.set_values({(0, "x"): 5.0, cell: 1.0})
    assert column(dataset, "x") == [1.0, 2.0, 3.0]


# Copies


def test_a_copy_shares_its_columns_until_one_of_them_changes() -> None:
    dataset = small()
    twin = dataset.copy()
    assert twin.same_as(dataset)
    twin.set_value(0, "x", 5.0)
    assert not twin.same_as(dataset)
    assert twin.columns["y"] is dataset.columns["y"]
    assert column(dataset, "x") == [1.0, 2.0, 3.0]


def test_a_copy_is_not_changed_by_rows_and_names_of_the_original() -> None:
    dataset = small()
    twin = dataset.copy()
    dataset.insert_rows(0, [{}])
    dataset.rename("x", "z")
    dataset.delete_rows([0, 1])
    assert twin.same_as(twin.copy())
    assert (twin.rows, column(twin, "x"), column(twin, "y")) == (3, [1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


def test_datasets_with_columns_in_another_order_are_not_the_same() -> None:
    dataset = small()
    twin = Dataset()
    twin.rows = 3
    twin.columns = {name: dataset.columns[name] for name in ("y", "x")}
    assert not twin.same_as(dataset)


def test_the_steps_of_a_column_are_those_that_are_there_now() -> None:
    dataset = small()
    assert dataset.scalings_of("x") == ()
    dataset.add_scaling("range", ["x", "y"])
    dataset.add_scaling("standardize", ["x"])
    twin = dataset.copy()
    assert [step.kind for step in dataset.scalings_of("x")] == ["range", "standardize"]
    assert [step.kind for step in dataset.scalings_of("y")] == ["range"]
    dataset.remove_scaling(["x"])
    assert dataset.scalings_of("x") == ()
    assert [step.kind for step in dataset.scalings_of("y")] == ["range"]
    # A copy has its own.
    assert [step.kind for step in twin.scalings_of("x")] == ["range", "standardize"]
    twin.rename("x", "z")
    assert twin.scalings_of("x") == ()
    assert [step.neuron for step in twin.scalings_of("z")] == ["z", "z"]


# Rows


def test_rows_are_inserted_in_order_with_zeros_where_nothing_is_given() -> None:
    dataset = small()
    dataset.insert_rows(1, [{"x": 8.0}, {"y": 9.0, "no such neuron": 1.0}])
    assert dataset.rows == 5
    assert column(dataset, "x") == [1.0, 8.0, 0.0, 2.0, 3.0]
    assert column(dataset, "y") == [10.0, 0.0, 9.0, 20.0, 30.0]
    assert_sound(dataset)


def test_rows_can_be_added_at_the_end_and_to_an_empty_table() -> None:
    dataset = small()
    dataset.insert_rows(3, [{"x": 4.0, "y": 40.0}])
    assert column(dataset, "x") == [1.0, 2.0, 3.0, 4.0]
    empty = Dataset({"x": []})
    empty.insert_rows(0, [{"x": 1.0}])
    assert (empty.rows, column(empty, "x")) == (1, [1.0])


def test_rows_are_deleted_by_number_each_once() -> None:
    dataset = small()
    dataset.delete_rows([2, 0, 2])
    assert (dataset.rows, column(dataset, "x"), column(dataset, "y")) == (1, [2.0], [20.0])
    dataset.delete_rows([])
    assert dataset.rows == 1
    assert_sound(dataset)


@given(st.data())
def test_deleting_inserted_rows_gives_the_former_table(data: st.DataObject) -> None:
    dataset = small()
    at = data.draw(st.integers(0, 3))
    count = data.draw(st.integers(0, 3))
    dataset.insert_rows(at, [{"x": float(k)} for k in range(count)])
    dataset.delete_rows(range(at, at + count))
    assert (dataset.rows, column(dataset, "x"), column(dataset, "y")) == (3, [1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


# Following a network


def test_a_new_dataset_gets_one_row_of_zeros_and_a_column_per_input_and_output() -> None:
    dataset = Dataset()
    dataset.follow(network_with(["a", "b"], ["o"]))
    assert list(dataset.columns) == ["a", "b", "o"]
    assert dataset.matrix(["a", "b", "o"]).tolist() == [[0.0, 0.0, 0.0]]
    assert_sound(dataset)


def test_columns_stay_with_their_neurons_whatever_is_drawn_before_them() -> None:
    dataset = small()
    dataset.follow(network_with(["new", "x"], ["y"]))
    assert list(dataset.columns) == ["new", "x", "y"]
    assert column(dataset, "x") == [1.0, 2.0, 3.0]
    assert column(dataset, "y") == [10.0, 20.0, 30.0]
    assert column(dataset, "new") == [0.0, 0.0, 0.0]
    assert_sound(dataset)


def test_the_columns_of_deleted_neurons_go() -> None:
    dataset = small()
    dataset.follow(network_with(["x"], []))
    assert list(dataset.columns) == ["x"]
    assert dataset.rows == 3


def test_a_table_whose_rows_were_all_deleted_follows_a_new_neuron_with_columns_of_one_length() -> None:
    dataset = small()
    dataset.delete_rows([0, 1, 2])
    dataset.follow(network_with(["x", "new"], ["y"]))
    assert dataset.matrix(["x", "new", "y"]).shape == (dataset.rows, 3)
    assert_sound(dataset)


def test_nothing_changes_when_the_columns_fit_already() -> None:
    dataset = small()
    twin = dataset.copy()
    dataset.follow(network_with(["x"], ["y"]))
    assert dataset.same_as(twin)


def test_a_renamed_neuron_keeps_its_column_and_place() -> None:
    dataset = small()
    dataset.rename("x", "speed")
    dataset.rename("no such neuron", "z")
    assert list(dataset.columns) == ["speed", "y"]
    assert column(dataset, "speed") == [1.0, 2.0, 3.0]


# Matrices


@pytest.mark.parametrize(
    "rows", [slice(0, 3, 2), [0, 2], (0, 2), range(0, 3, 2), np.array([0, 2])], ids=lambda rows: type(rows).__name__
)
def test_a_matrix_has_one_row_per_sample_and_one_column_per_neuron(rows: slice | list[int]) -> None:
    assert small().matrix(["y", "x"], rows).tolist() == [[10.0, 1.0], [30.0, 3.0]]
    assert small().matrix([], rows).shape == (2, 0)


@pytest.mark.parametrize("rows", [(1,), [1], slice(1, 2)])
def test_a_matrix_of_one_sample_is_still_a_matrix(rows: slice | list[int]) -> None:
    assert small().matrix(["x", "y"], rows).tolist() == [[2.0, 20.0]]


@pytest.mark.parametrize("rows", [(), [], slice(0, 0)])
def test_a_matrix_of_no_samples_has_no_rows(rows: slice | list[int]) -> None:
    assert small().matrix(["x", "y"], rows).shape == (0, 2)


def test_a_matrix_can_be_changed_without_changing_the_table() -> None:
    dataset = small()
    dataset.matrix(["x"])[:] = 0.0
    assert column(dataset, "x") == [1.0, 2.0, 3.0]


def test_a_targets_column_says_that_it_is_one() -> None:
    network = network_with(["x"], ["o"])
    assert column_title(network, "x") == "x"
    assert column_title(network, "o") == "target o"
