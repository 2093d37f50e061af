"""Networks learn: from a fixed seed to a stated accuracy on the data that everybody knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.engine import Engine
from core.metrics import accuracy
from core.plan import compile_network
from core.project import Project
from core.training import Run
from nnviz_app.gallery import GALLERY, make_project


def learn(project: Project) -> Project:
    """The project with the parameters that its settings' epochs of training come to."""
    run = Run(project)
    for _ in run.train(0, project.settings, epochs=project.settings.epochs):
        pass
    project.network.set_values(run.parameters_at(run.last))
    return project


def outputs_and_targets(project: Project) -> tuple[np.ndarray, np.ndarray]:
    """Of all rows, each of shape (rows, outputs)."""
    inputs, outputs = ([n.id for n in part] for part in (project.network.inputs, project.network.outputs))
    engine = Engine(compile_network(project.network), loss=project.settings.loss, mean=True)
    engine.load(project.network.values)
    return engine.forward(project.dataset.matrix(inputs)).copy(), project.dataset.matrix(outputs)


def share_right(project: Project, rows: np.ndarray) -> float:
    """The accuracy over these rows."""
    outputs, targets = outputs_and_targets(project)
    share = accuracy(outputs[rows], targets[rows], table=targets)
    assert share is not None
    return share


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("and", 1.0),
        ("or", 1.0),
        ("xor", 1.0),
        ("circles", 0.98),
        ("moons", 0.98),
        ("two_spirals", 0.98),
        ("three_spirals", 0.98),
        ("gaussians", 0.98),
        ("blobs", 0.98),
        ("planar", 0.9),
        ("planar_course", 0.9),
        ("playground_circle", 0.99),
        ("playground_xor", 0.98),
        ("playground_gauss", 0.99),
        ("playground_spiral", 0.98),
    ],
)
def test_classes_are_learned(name: str, least: float) -> None:
    project = learn(make_project(GALLERY[name]))
    assert share_right(project, project.dataset.training_rows) >= least


@pytest.mark.parametrize(("name", "least"), [("iris", 0.95), ("wine", 0.95), ("digits", 0.95)])
def test_rows_that_were_held_out_are_named_rightly(name: str, least: float) -> None:
    project = make_project(GALLERY[name])
    untrained = share_right(project, project.dataset.test_rows)
    learn(project)
    assert len(project.dataset.test_rows) == round(0.2 * project.dataset.rows)
    assert share_right(project, project.dataset.test_rows) >= least > untrained


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("cars", 0.2),
        ("playground_plane", 1e-4),
        ("playground_hills", 0.02),
        ("sine", 0.02),
        ("polynomial", 0.02),
        ("random", 1e-3),
    ],
)
def test_numbers_are_learned(name: str, most: float) -> None:
    project = learn(make_project(GALLERY[name]))
    outputs, targets = outputs_and_targets(project)
    rows = project.dataset.test_rows if project.dataset.test.any() else project.dataset.training_rows
    assert np.mean((outputs[rows] - targets[rows]) ** 2) <= most


def test_the_same_seed_learns_the_same_bits() -> None:
    first, again = (learn(make_project(GALLERY["circles"])) for _ in range(2))
    assert first.network.values == again.network.values
    other = make_project(GALLERY["circles"])
    other.settings = replace(other.settings, seed=2)
    # The data and the first weights are the same: only the order of the rows differs.
    assert learn(other).network.values != first.network.values
