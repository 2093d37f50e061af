"""Predicted classes, accuracy and the confusion table, against tables that were counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics import accuracy, confusion, predicted, task_of


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, np.newaxis]


CLASSES = np.eye(3)[[0, 0, 1, 2, 2]]
SCORES = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.2, 0.3]])


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (column(0, 1, 1), "binary"),
        (column(-1, 1), "binary"),
        (column(0, 0), "regression"),
        (column(1, 1), "regression"),
        (column(0, 2), "regression"),
        (column(-1, 0, 1), "regression"),
        (column(0, 0.5, 1), "regression"),
        (column(0, np.nan, 1), "regression"),
        (CLASSES, "classes"),
        (2 * CLASSES, "regression"),
        (np.array([[1.0, 1.0], [0.0, 1.0]]), "regression"),
        (np.array([[0.01, 0.99]]), "regression"),
        (np.array([[0.0, 0.0], [0.0, 1.0]]), "regression"),
        (np.array([[1.0, 0.5, -0.5]]), "regression"),
        (np.zeros((0, 2)), "regression"),
        (np.zeros((4, 0)), "regression"),
    ],
)
def test_the_targets_tell_the_task(targets: np.ndarray, task: str) -> None:
    assert task_of(targets) == task
    assert task_of(targets.astype(np.float32)) == task


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_a_binary_task_has_its_threshold_midway(low: float) -> None:
    targets = column(low, low, 1, 1, 1)
    middle = (low + 1) / 2
    outputs = column(middle - 0.1, middle + 0.1, middle, 1, middle - 1e-9)
    assert predicted(outputs, "binary", targets).tolist() == [0, 1, 1, 1, 0]
    assert accuracy(outputs, targets) == 3 / 5
    assert confusion(outputs, targets).tolist() == [[1, 1], [1, 2]]


def test_the_largest_output_is_the_class() -> None:
    assert predicted(SCORES, "classes", CLASSES).tolist() == [0, 1, 1, 2, 0]
    assert accuracy(SCORES, CLASSES) == 3 / 5
    assert confusion(SCORES, CLASSES).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_a_class_without_rows_has_its_place_in_the_table() -> None:
    targets = np.eye(3)[[0, 1]]
    assert confusion(targets, targets).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_regression_has_no_accuracy() -> None:
    targets = column(0.1, 0.2)
    assert accuracy(targets, targets) is None
    with pytest.raises(ValueError, match="regression"):
        confusion(targets, targets)


def test_a_few_rows_take_their_classes_from_the_whole_table() -> None:
    table = column(-1, 1, 1)
    rows = table[1:]
    assert accuracy(column(-0.5, 0.5), rows) is None
    assert accuracy(column(-0.5, 0.5), rows, table=table) == 1 / 2
    assert confusion(column(-0.5, 0.5), rows, table=table).tolist() == [[0, 0], [1, 1]]
    assert accuracy(rows[:0], rows[:0], table=table) is None


def test_outputs_that_are_no_numbers_are_predicted_as_some_class() -> None:
    targets = column(0, 1)
    assert accuracy(column(np.nan, np.nan), targets) == 1 / 2
    assert confusion(np.full_like(CLASSES, np.nan), CLASSES).sum() == len(CLASSES)
