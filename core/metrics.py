"""How well outputs fit targets where these stand for classes: predicted classes, accuracy, confusion table."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.activations import Array

Task = Literal["regression", "binary", "classes"]
Classes = NDArray[np.intp]


def task_of(targets: Array) -> Task:
    """What the targets, shape (rows, outputs), ask for.

    "binary": one output whose targets are 0 and 1, or -1 and 1, both present; "classes": two or more outputs,
    one of them 1 and the others 0 in each row; else "regression".
    """
    if targets.ndim != 2 or not targets.size:
        return "regression"
    if targets.shape[1] == 1:
        low, high = float(targets.min()), float(targets.max())
        known = high == 1.0 and low in {0.0, -1.0} and bool(np.all((targets == low) | (targets == high)))
        return "binary" if known else "regression"
    ones = targets == 1.0
    one_hot = bool(np.all(ones.sum(axis=1) == 1)) and np.count_nonzero(targets) == len(targets)
    return "classes" if one_hot else "regression"


def predicted(outputs: Array, task: Task, targets: Array) -> Classes:
    """The class of each row of `outputs`, shape (rows,), for a task found from `targets`, shape (any rows, outputs).

    For a binary task class 1 is an output of at least the middle between the two targets; for classes it is the
    place of the largest output, the first of equal ones. Raises ValueError for a regression.
    """
    if task == "regression":
        raise ValueError("A regression has no classes.")
    if task == "binary":
        middle = (float(targets.min()) + float(targets.max())) / 2.0
        return (outputs[:, 0] >= middle).astype(np.intp)
    classes: Classes = np.argmax(outputs, axis=1)
    return classes


def accuracy(outputs: Array, targets: Array, *, table: Array | None = None) -> float | None:
    """The share of rows whose class is predicted, from 0 to 1; None for a regression or without rows.

    Both arrays have shape (rows, outputs). Where they are some rows of a table, such as its test rows, `table` is
    all its targets: these tell the classes, of which a few rows may show only one.
    """
    table = targets if table is None else table
    task = task_of(table)
    if task == "regression" or not len(targets):
        return None
    return float(np.mean(predicted(outputs, task, table) == predicted(targets, task, table)))


def confusion(outputs: Array, targets: Array, *, table: Array | None = None) -> NDArray[np.intp]:
    """How many rows of each true class were predicted as each class, shape (classes, classes): (true, predicted).

    `outputs`, `targets` and `table` as for `accuracy`. Raises ValueError for a regression.
    """
    table = targets if table is None else table
    task = task_of(table)
    true, found = predicted(targets, task, table), predicted(outputs, task, table)
    count = 2 if task == "binary" else table.shape[1]
    return np.bincount(true * count + found, minlength=count * count).reshape(count, count)
