"""The catalogue: every entry makes a project that can be trained, and the shipped tables are what they say."""

from __future__ import annotations

import csv
import importlib.resources
from pathlib import Path

import numpy as np
import pytest

from core.advice import advise
from core.engine import Engine
from core.errors import DataError
from core.generators import GENERATORS, generate
from core.import_table import guess_roles, make_samples
from core.metrics import task_of
from core.plan import compile_network
from core.project import Project
from core.project_file import load_project, save_project
from core.samplers import planar_flower
from core.table_file import parse_table
from nnviz_app.gallery import GALLERY, Entry, block_positions, make_project, read_table
from nnviz_app.import_data import ImportChoice, draw_network, fill_dataset

DATASETS = Path(str(importlib.resources.files("resources").joinpath("datasets")))
# Neurons nearer than this would overlap.
NEURON_ROOM = 85.0


@pytest.fixture(params=GALLERY.values(), ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> Entry:
    chosen: Entry = request.param
    return chosen


def test_every_generator_and_every_table_has_an_entry() -> None:
    assert {e.generator.name for e in GALLERY.values() if e.generator} == set(GENERATORS)
    assert {e.file for e in GALLERY.values() if e.is_real} == {path.name for path in DATASETS.glob("*.csv")}


def test_an_entry_makes_a_project_that_is_ready_to_train(entry: Entry) -> None:
    project = make_project(entry)
    network, dataset = project.network, project.dataset
    before = dict(dataset.columns)
    dataset.follow(network)
    assert list(dataset.columns) == list(before)
    assert all(dataset.columns[i] is column for i, column in before.items())
    assert not advise(network, project.settings, dataset)
    targets = dataset.matrix([n.id for n in network.outputs])
    if entry.standardized != "inputs and targets":
        assert task_of(targets) == entry.task
    engine = Engine(compile_network(network), loss=project.settings.loss, mean=project.settings.batch_mean)
    engine.load(network.values)
    engine.forward(dataset.matrix([n.id for n in network.inputs]))
    assert np.isfinite(engine.loss_value(targets))
    assert np.abs(engine.backward()).max() > 0.0


def test_an_entry_says_what_it_is(entry: Entry) -> None:
    project = make_project(entry)
    assert project.title == entry.title
    assert project.source == entry.source
    for line in (entry.description, entry.learned):
        assert line in project.notes.splitlines()
        assert len(line) <= 120
        assert line.endswith(".")
    if entry.is_real:
        assert entry.source


def test_the_drawing_of_an_entry_is_legible(entry: Entry) -> None:
    assert least_distance(make_project(entry)) >= NEURON_ROOM


def least_distance(project: Project) -> float:
    """Between the middles of two neurons."""
    points = np.array(list(project.network.positions.values()))
    distance = np.linalg.norm(points[:, np.newaxis] - points, axis=2) + np.eye(len(points)) * 1e9
    return float(distance.min())


def test_an_entry_is_the_same_after_saving_and_opening(entry: Entry, tmp_path: Path) -> None:
    project, path = make_project(entry), tmp_path / "saved.nnviz"
    save_project(project, path)
    again = load_project(path)
    for part in ("neurons", "edges", "values", "positions"):
        assert getattr(again.network, part) == getattr(project.network, part)
    assert again.settings == project.settings
    assert (again.title, again.source, again.notes) == (project.title, project.source, project.notes)
    dataset, opened = project.dataset, again.dataset
    assert list(opened.columns) == list(dataset.columns)
    assert all(np.array_equal(opened.columns[i], column) for i, column in dataset.columns.items())
    assert np.array_equal(opened.test, dataset.test)
    assert opened.scalings == dataset.scalings


def test_the_seed_decides_data_weights_and_split(entry: Entry) -> None:
    first, again, other = (make_project(entry, seed=seed) for seed in (5, 5, 6))
    assert first.network.values == again.network.values != other.network.values
    assert np.array_equal(first.dataset.test, again.dataset.test)
    for name, column in first.dataset.columns.items():
        assert np.array_equal(column, again.dataset.columns[name])
    assert first.settings.seed == 5


def test_points_noise_and_options_reach_the_generator() -> None:
    project = make_project(GALLERY["random"], points=5, inputs=40, outputs=3)
    assert project.dataset.rows == 5
    assert (len(project.network.inputs), len(project.network.outputs)) == (40, 3)
    with pytest.raises(DataError, match="2 points are not possible"):
        make_project(GALLERY["circles"], points=2)


def test_scaling_is_fitted_on_the_training_rows() -> None:
    dataset = make_project(GALLERY["wine"]).dataset
    assert len(dataset.test_rows) == 36
    seen = dataset.matrix(list(dataset.columns)[:13])
    assert np.allclose(seen[dataset.training_rows].mean(axis=0), 0.0, atol=1e-12)
    assert np.allclose(seen[dataset.training_rows].std(axis=0), 1.0)
    assert dataset.columns["alcohol"][0] == 14.23


def test_a_long_layer_stands_as_a_block() -> None:
    layers = [[f"i{n}" for n in range(64)], ["h1", "h2"], ["o1"]]
    positions = block_positions(layers)
    inputs = np.array([positions[i] for i in layers[0]])
    assert len(set(inputs[:, 0])) == len(set(inputs[:, 1])) == 8
    # Row by row, as the pixels of a picture.
    assert np.all(inputs[:8, 1] == inputs[0, 1])
    assert np.all(np.diff(inputs[:8, 0]) > 0)
    assert inputs[:, 0].max() < positions["h1"][0] < positions["o1"][0]
    assert inputs[:, 1].mean() == pytest.approx(positions["o1"][1], abs=1.0)


def test_pixels_go_from_0_to_1_by_one_scale() -> None:
    project = make_project(GALLERY["digits"])
    pixels = [n.id for n in project.network.inputs]
    entered = np.stack([project.dataset.columns[i] for i in pixels], axis=1)
    assert np.array_equal(project.dataset.matrix(pixels), entered / 16.0)
    assert entered.max() == 16.0
    # Ten outputs beside a block of pixels and one of hidden neurons.
    assert [len(level) for level in project.network.levels()] == [64, 32, 10]
    places = np.array([project.network.positions[i] for i in pixels])
    assert [len(set(places[:, axis])) for axis in (0, 1)] == [8, 8]


def test_a_file_of_pixels_and_a_class_is_read_and_drawn() -> None:
    """64 whole numbers and the digit, without a header: as UCI's optdigits.tra and optdigits.tes."""
    made = generate("digits", points=100)
    table = np.hstack([made.x, made.targets.argmax(axis=1)[:, np.newaxis]]).astype(int)
    # A pixel that never has ink, as the corners of most such files.
    table[:, 0] = 0
    read = parse_table("\n".join(",".join(map(str, row)) for row in table), name="optdigits.tra")
    roles = guess_roles(read)
    assert [role.title for role in roles] == ["Input"] * 64 + ["Target, one per class"]
    project = Project()
    choice = ImportChoice(read.name, make_samples(read, roles), test_share=0.2)
    draw_network(project, choice)
    fill_dataset(project, choice)
    assert [n.id for n in project.network.outputs] == list("0123456789")
    assert np.array_equal(
        np.stack([project.dataset.columns[n.id] for n in project.network.inputs], axis=1), table[:, :64]
    )
    assert not advise(project.network, project.settings, project.dataset)
    assert least_distance(project) >= NEURON_ROOM
    assert len({project.network.positions[n.id] for n in project.network.inputs}) == 64
    assert len({project.network.positions[n.id][0] for n in project.network.inputs}) == 8


# The shipped tables


@pytest.mark.parametrize(
    ("file", "rows", "classes", "means"),
    [
        ("iris.csv", 150, {"setosa": 50, "versicolor": 50, "virginica": 50}, [5.843333, 3.057333, 3.758, 1.199333]),
        (
            "wine.csv",
            178,
            {"cultivar 1": 59, "cultivar 2": 71, "cultivar 3": 48},
            # As published with scikit-learn's copy.
            [
                *(13.000618, 2.336348, 2.366517, 19.494944, 99.741573, 2.295112, 2.029270),
                *(0.361854, 1.590899, 5.058090, 0.957449, 2.611685, 746.893258),
            ],
        ),
    ],
)
def test_a_table_of_classes_is_complete(file: str, rows: int, classes: dict[str, int], means: list[float]) -> None:
    data = read_table(file, "classes")
    assert dict(zip(data.outputs, data.targets.sum(axis=0), strict=True)) == classes
    assert len(data.x) == rows
    assert data.x.mean(axis=0) == pytest.approx(means, abs=1e-6)
    assert np.all(data.targets.sum(axis=1) == 1.0)


def test_the_cars_are_complete() -> None:
    data = read_table("cars.csv", "regression")
    # Mean and standard deviation of the 392 cars, as published with R's ISLR::Auto.
    table = np.hstack([data.x, data.targets])
    assert len(table) == 392
    assert data.outputs == ("mpg",)
    assert table.mean(axis=0) == pytest.approx(
        [5.471939, 194.411990, 104.469388, 2977.584184, 15.541327, 75.979592, 23.445918], abs=1e-6
    )
    assert table.std(axis=0, ddof=1) == pytest.approx(
        [1.705783, 104.644004, 38.491160, 849.402560, 2.758864, 3.683737, 7.805007], abs=1e-6
    )


def test_the_planar_table_is_the_course_s_to_the_bit() -> None:
    data = read_table("planar.csv", "binary")
    x, targets = planar_flower(400, 0.2, np.random.RandomState(1))
    assert np.array_equal(data.x, x)
    assert np.array_equal(data.targets, targets)


def test_training_on_the_planar_table_gives_the_course_s_costs() -> None:
    """The course starts from `seed(2)` and prints these costs."""
    random = np.random.RandomState(2)
    first, second = random.randn(4, 2) * 0.01, random.randn(1, 4) * 0.01
    project = make_project(GALLERY["planar_course"])
    network, settings = project.network, project.settings
    hidden = [n.id for n in network.neurons.values() if n.id.startswith("h")]
    for place, neuron_id in enumerate(hidden):
        for edge, weight in zip(network.incoming(neuron_id), first[place], strict=True):
            network.set_values({edge.id: float(weight)})
    for edge, weight in zip(network.incoming(network.outputs[0].id), second[0], strict=True):
        network.set_values({edge.id: float(weight)})
    engine = Engine(compile_network(network), loss=settings.loss, mean=settings.batch_mean)
    engine.load(network.values)
    x, targets = project.dataset.matrix(["x1", "x2"]), project.dataset.matrix(["y"])
    costs = []
    for update in range(2001):
        engine.forward(x)
        if update % 1000 == 0:
            costs.append(engine.loss_value(targets))
        engine.loss_value(targets)
        engine.parameters -= settings.learning_rate * engine.backward()
    assert costs == pytest.approx([0.693048, 0.288083, 0.254385], abs=1e-6)


def test_each_table_is_named_with_its_licence_and_all_are_small() -> None:
    readme = (DATASETS / "README.md").read_text(encoding="utf-8")
    for path in DATASETS.glob("*.csv"):
        assert f"`{path.name}`" in readme
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))
        assert f"| `{path.name}` | {len(rows) - 1} | {len(rows[0]) - 1}" in readme
    assert sum(path.stat().st_size for path in DATASETS.iterdir()) < 2**20
