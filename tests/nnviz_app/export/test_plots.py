"""The loss curves and the decision map as files: the numbers of the engine, and text as text."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtGui import QImage

from core.decision import Probe
from core.errors import ExportError
from core.jobs import finish
from core.project import Project
from core.project_file import load_project, save_project
from core.training import Run, project_at
from nnviz_app.examples import examples
from nnviz_app.export.plots import PlotOptions, write_plot
from nnviz_app.export.retrace import retrace
from nnviz_app.palette import DARK, LIGHT
from nnviz_app.panels.decision_picture import Show
from nnviz_app.panels.loss_curves import Shown
from nnviz_app.runs import Course, KeptRun

pytestmark = pytest.mark.usefixtures("qapp")
XOR, CLASSES = 7, 8


def example(place: int) -> Project:
    return load_project(examples()[place].path)


def trained(project: Project, epochs: int, steps: int = 0) -> tuple[Project, Run]:
    """The project after a training of `epochs` epochs, then `steps` updates, and the run that made them."""
    run = Run(project)
    for _ in run.train(project.updates, project.settings, epochs=epochs):
        pass
    for _ in range(steps):
        run.advance(run.last, run.next_batch(run.last, project.settings), project.settings)
    return project_at(project, run, run.last), run


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return [(element.text or "").strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


# Losses


def test_the_table_of_losses_has_every_digit(tmp_path: Path) -> None:
    project = example(XOR)
    project.dataset.set_test([1])
    after, run = trained(project, 40)
    finish(write_plot("loss", after, tmp_path / "loss.csv", run=run))
    head, *rows = table(tmp_path / "loss.csv")
    assert head == ["update", "epoch", "loss", "test_loss", "accuracy", "test_accuracy"]
    points = run.points()
    assert len(rows) == len(points) == 41
    for row, point in zip(rows, points, strict=True):
        numbers = [float(cell) if cell else None for cell in row]
        assert numbers == [
            point.update, run.epoch_at(point.update), point.loss, point.test_loss, point.accuracy, point.test_accuracy,
        ]  # fmt: skip


@pytest.mark.parametrize("steps", [0, 3])
def test_a_file_s_losses_are_computed_again(tmp_path: Path, steps: int) -> None:
    project = example(CLASSES)
    project.settings = replace(
        project.settings, batch_size=1, optimizer="adam", learning_rate=0.02, shuffle=True, schedule="step"
    )
    after, run = trained(project, 12, steps)
    save_project(after, tmp_path / "trained.nnviz")
    again = finish_retrace(load_project(tmp_path / "trained.nnviz"))
    assert again.last == run.last
    ours = {point.update: point.loss for point in run.points()}
    theirs = {point.update: point.loss for point in again.points()}
    assert ours.keys() == theirs.keys()
    assert list(theirs.values()) == pytest.approx(list(ours.values()), rel=1e-9)


def finish_retrace(project: Project) -> Run:
    job = retrace(project)
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def test_a_run_that_stopped_early_is_computed_again_to_its_end(tmp_path: Path) -> None:
    project = example(XOR)
    project.settings = replace(project.settings, stop_loss=0.2)
    after, run = trained(project, 500)
    assert run.last < 500
    more, run = trained(after, 1, 5)
    assert finish_retrace(more).last == more.updates


def test_losses_that_were_others_are_not_made_up(tmp_path: Path) -> None:
    after, _ = trained(example(XOR), 20)
    for change in ({"learning_rate": 0.01}, {"batch_size": 1}):
        after.settings = replace(after.settings, **change)
        with pytest.raises(ExportError, match="settings or steps have changed on the way"):
            finish(write_plot("loss", after, tmp_path / "loss.svg"))
    assert not list(tmp_path.iterdir())


def test_without_an_update_there_is_nothing_to_plot(tmp_path: Path) -> None:
    project = example(XOR)
    for run in (None, Run(project)):
        with pytest.raises(ExportError, match="no update has been made yet, so train the network first"):
            finish(write_plot("loss", project, tmp_path / "loss.svg", run=run))


def test_the_svg_of_losses_has_its_words_as_text_and_no_picture(tmp_path: Path) -> None:
    project = example(XOR)
    project.dataset.set_test([1])
    after, run = trained(project, 300)
    finish(write_plot("loss", after, tmp_path / "loss.svg", run=run))
    found = texts(tmp_path / "loss.svg")
    assert {"update", "mean loss of 3 rows", "training rows", "test rows", "0", "100", "300"} <= set(found)
    text = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    assert "<image" not in text
    assert "<title>Mean loss of 3 rows after each update</title>" in text
    assert "stroke-dasharray" in text
    assert "sans-serif" in text
    # The whole line is one path, however long it is.
    assert text.count("<path") < 60


def test_losses_of_one_sort_of_rows_need_no_key(tmp_path: Path) -> None:
    after, run = trained(example(XOR), 5)
    finish(write_plot("loss", after, tmp_path / "loss.svg", run=run))
    assert "test rows" not in texts(tmp_path / "loss.svg")
    assert "Mean loss of 4 rows after each update" in texts(tmp_path / "loss.svg")


def test_the_title_says_after_what_there_is_a_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def title(steps: int) -> str:
        project = example(XOR)
        project.settings = replace(project.settings, batch_size=2)
        after, run = trained(project, 4, steps)
        return finish(write_plot("loss", after, tmp_path / "loss.csv", run=run)).sentences[0]

    assert title(0) == "Mean loss of 4 rows after each epoch."
    assert [row[:2] for row in table(tmp_path / "loss.csv")[1:]] == [[f"{2 * k}", f"{k}"] for k in range(5)]
    assert title(3) == "Mean loss of 4 rows over the updates."
    monkeypatch.setattr("core.history.POINT_LIMIT", 2)
    assert title(0) == "Mean loss of 4 rows over the updates."


def test_accuracies_are_plotted_where_there_are_any(tmp_path: Path) -> None:
    after, run = trained(example(XOR), 5)
    options = PlotOptions(shown=Shown(accuracy=True))
    finish(write_plot("loss", after, tmp_path / "loss.svg", options=options, run=run))
    assert "accuracy" in texts(tmp_path / "loss.svg")
    after, run = trained(example(0), 5)
    with pytest.raises(ExportError, match="no accuracy to plot"):
        finish(write_plot("loss", after, tmp_path / "none.svg", options=options, run=run))


def test_former_runs_are_beside_the_present_one(tmp_path: Path) -> None:
    after, run = trained(example(XOR), 10)
    slow = example(XOR)
    slow.settings = replace(slow.settings, learning_rate=0.01)
    _, other = trained(slow, 15)
    kept = [KeptRun("Run 1: slow & steady", 0, other, Course.of(other.points()))]
    for form in ("svg", "csv"):
        finish(write_plot("loss", after, tmp_path / f"loss.{form}", run=run, kept=kept))
    assert "Run 1: slow & steady" in texts(tmp_path / "loss.svg")
    head, *rows = table(tmp_path / "loss.csv")
    assert head[:2] == ["run", "update"]
    assert [row[0] for row in rows] == ["this run"] * 11 + ["Run 1: slow & steady"] * 16
    kept[0].is_shown = False
    finish(write_plot("loss", after, tmp_path / "loss.svg", run=run, kept=kept))
    assert "Run 1: slow & steady" not in texts(tmp_path / "loss.svg")


def test_the_description_gives_the_numbers_of_each_line(tmp_path: Path) -> None:
    project = example(XOR)
    project.dataset.set_test([1])
    after, run = trained(project, 10)
    kept = [KeptRun("a < b & c", 0, run, Course.of(run.points()))]
    first, last = run.points()[0], run.points()[-1]
    finish(write_plot("loss", after, tmp_path / "loss.svg", run=run, kept=kept))
    told = ElementTree.parse(tmp_path / "loss.svg").findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert told.startswith(f"training rows: {first.loss:.4g} at update 0, {last.loss:.4g} at update 10; least ")
    assert f" test rows: {first.test_loss:.4g} at update 0, " in told
    assert " a < b & c, training rows: " in told
    finish(write_plot("loss", after, tmp_path / "loss.png", run=run, kept=kept))
    assert QImage(str(tmp_path / "loss.png")).text("Description") == told


def test_an_axis_that_is_too_short_for_its_title_has_none(tmp_path: Path) -> None:
    after, run = trained(example(XOR), 5)
    options = PlotOptions(width=200, height=130)
    finish(write_plot("loss", after, tmp_path / "loss.svg", run=run, options=options))
    assert "mean loss of 4 rows" not in texts(tmp_path / "loss.svg")
    assert "Mean loss of 4 rows after each update" in texts(tmp_path / "loss.svg")


# Maps


def test_the_table_of_a_map_has_the_engine_s_numbers(tmp_path: Path) -> None:
    project = example(XOR)
    project.dataset.add_scaling("standardize", ["x1"])
    finish(write_plot("map", project, tmp_path / "map.csv"))
    head, *rows = table(tmp_path / "map.csv")
    assert head == ["x1", "x2", "o"]
    numbers = np.array(rows, dtype=float)
    side = len(np.unique(numbers[:, 0]))
    assert len(numbers) == side**2
    # As entered: around the data, which are 0 and 1.
    assert numbers[:, :2].min() == pytest.approx(-0.12 + 1.24 / side / 2)
    assert numbers[:, :2].max() == pytest.approx(1.12 - 1.24 / side / 2)
    probe = Probe(project.network)
    probe.load(project.network.values)
    chosen = numbers[:: side * 7 + 3]
    seen = np.stack([project.dataset.as_seen(name, chosen[:, place]) for place, name in enumerate(head[:2])], axis=1)
    np.testing.assert_allclose(probe.activations(seen, ["o"])[0], chosen[:, 2], rtol=1e-13)


def test_a_map_over_chosen_inputs_keeps_the_others_as_they_are_in_the_row(tmp_path: Path) -> None:
    project = Project()
    for name in ("a", "b", "c"):
        project.network.add_neuron("input", id=name)
    project.network.add_neuron("output", id="y", activation="linear")
    for name, weight in (("a", 1.0), ("b", 10.0), ("c", 100.0)):
        project.network.connect(name, "y", weight=weight)
    project.dataset.follow(project.network)
    project.dataset.insert_rows(0, [{"a": 1.0, "b": 2.0, "c": 3.0, "y": 0.0}, {"a": 0.0, "b": 5.0, "c": -1.0}])
    options = PlotOptions(axes=("c", "a"), neuron="y", row=1)
    finish(write_plot("map", project, tmp_path / "map.csv", options=options))
    head, *rows = table(tmp_path / "map.csv")
    assert head == ["c", "a", "y"]
    numbers = np.array(rows, dtype=float)
    np.testing.assert_allclose(numbers[:, 2], 100 * numbers[:, 0] + numbers[:, 1] + 50.0, atol=1e-9)
    finish(write_plot("map", project, tmp_path / "map.csv", options=PlotOptions(axes=("c", "a"), others={"b": 7.0})))
    numbers = np.array(table(tmp_path / "map.csv")[1:], dtype=float)
    np.testing.assert_allclose(numbers[:, 2], 100 * numbers[:, 0] + numbers[:, 1] + 70.0, atol=1e-9)


def test_along_one_input_a_map_is_a_curve(tmp_path: Path) -> None:
    for form in ("csv", "svg"):
        finish(write_plot("map", example(3), tmp_path / f"map.{form}"))
    head, *rows = table(tmp_path / "map.csv")
    assert head == ["x", "y"]
    assert len(rows) == 400
    assert "<image" not in (tmp_path / "map.svg").read_text(encoding="utf-8")


def test_the_svg_of_a_map_has_its_words_as_text_and_points_as_shapes(tmp_path: Path) -> None:
    project = example(CLASSES)
    project.dataset.set_test([0])
    finish(write_plot("map", project, tmp_path / "map.svg"))
    assert {"x1", "x2", "red", "green", "blue", "Largest of red, green, blue over x1 and x2"} <= set(
        texts(tmp_path / "map.svg")
    )
    text = (tmp_path / "map.svg").read_text(encoding="utf-8")
    # The plane alone.
    assert text.count("<image") == 1
    finish(
        write_plot("map", project, tmp_path / "bare.svg", options=PlotOptions(show=Show(training=False, test=False)))
    )
    bare = (tmp_path / "bare.svg").read_text(encoding="utf-8")
    # Each point is a disc with two rims; the row on show has a ring of its own either way.
    assert text.count("<circle") - bare.count("<circle") == 2 * (project.dataset.rows - 1)


@pytest.mark.parametrize(("height", "is_below"), [(460, True), (200, False)])
def test_the_name_of_the_horizontal_axis_is_below_its_numbers_where_there_is_room(
    tmp_path: Path, height: int, is_below: bool
) -> None:
    finish(write_plot("map", example(CLASSES), tmp_path / "map.svg", options=PlotOptions(width=720, height=height)))
    root = ElementTree.parse(tmp_path / "map.svg").getroot()
    places = [
        ((element.text or "").strip(), float(element.get("x", "nan")), float(element.get("y", "nan")))
        for element in root.iter("{http://www.w3.org/2000/svg}text")
    ]
    ((x, line),) = [(x, y) for text, x, y in places if text == "x1"]
    numbers_line = max(y for text, _, y in places if text[-1:].isdigit() and text not in ("x1", "x2"))
    numbers = [left for _, left, y in places if y == numbers_line]
    assert (line > numbers_line + 5) == is_below
    assert (min(numbers) < x < max(numbers)) == is_below
    assert line < height


# Both


@pytest.mark.parametrize(("mode", "palette"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("kind", ["loss", "map"])
def test_a_png_has_the_size_and_the_theme_that_were_chosen(
    tmp_path: Path, kind: str, mode: str, palette: object
) -> None:
    after, run = trained(example(XOR), 5)
    for transparent in (True, False):
        options = PlotOptions(mode=mode, transparent=transparent, width=400, height=300, scale=1.5)  # type: ignore[arg-type]
        finish(write_plot(kind, after, tmp_path / "plot.png", options=options, run=run))  # type: ignore[arg-type]
        image = QImage(str(tmp_path / "plot.png"))
        assert (image.width(), image.height()) == (600, 450)
        corner = image.pixelColor(1, 1)
        assert corner.alpha() == (0 if transparent else 255)
        if not transparent:
            assert corner == palette.panel  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["loss", "map"])
def test_a_larger_png_is_the_same_picture(tmp_path: Path, kind: str) -> None:
    after, run = trained(example(XOR), 300)
    images = []
    for scale in (1.0, 4.0):
        options = PlotOptions(width=400, height=300, scale=scale)
        finish(write_plot(kind, after, tmp_path / "plot.png", options=options, run=run))  # type: ignore[arg-type]
        image = QImage(str(tmp_path / "plot.png")).convertToFormat(QImage.Format.Format_Grayscale8)
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)[:, : image.width()]
        factor = round(scale)
        images.append(pixels.reshape(300, factor, 400, factor).mean(axis=(1, 3)))
    # In both as much ink, at the same places: lines are as wide in proportion.
    ink = [255.0 - image for image in images]
    assert ink[1].sum() == pytest.approx(ink[0].sum(), rel=0.05)
    assert np.abs(images[0] - images[1]).mean() < 2.5


@pytest.mark.parametrize(
    ("kind", "name", "options", "words"),
    [
        ("loss", "plot.pdf", PlotOptions(), r"ends with \.svg, \.png or \.csv"),
        ("map", "plot.svg", PlotOptions(neuron="q"), "There is no neuron q to plot: choose one of h1"),
        (
            "map",
            "plot.svg",
            PlotOptions(axes=("h1",)),
            "no input h1 to plot over: choose one or two of x1, x2",
        ),
        ("map", "plot.svg", PlotOptions(width=10), "at least 160 pixels wide"),
        ("map", "plot.png", PlotOptions(scale=100.0), "at most 100 million pixels"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    tmp_path: Path, kind: str, name: str, options: PlotOptions, words: str
) -> None:
    with pytest.raises(ExportError, match=words):
        finish(write_plot(kind, example(XOR), tmp_path / name, options=options))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_network_without_inputs_has_no_map(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="There is no map to plot"):
        finish(write_plot("map", Project(), tmp_path / "map.svg"))


@pytest.mark.parametrize("form", ["svg", "png", "csv"])
@pytest.mark.parametrize("kind", ["loss", "map"])
def test_nothing_is_left_of_one_that_was_stopped(tmp_path: Path, kind: str, form: str) -> None:
    after, run = trained(example(XOR), 5)
    path = tmp_path / f"plot.{form}"
    path.write_text("the former one")
    job = write_plot(kind, after, path, run=run)  # type: ignore[arg-type]
    # While the numbers are written, or when the picture is about to be painted.
    last = ("Writing the numbers", "Mean loss of 4 rows after each update", "Activation of o over x1 and x2")
    assert any(progress.what in last for progress in job)
    job.close()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "the former one"


def test_the_window_s_theme_stays_as_it_is(tmp_path: Path) -> None:
    from nnviz_app.theme import theme

    changes: list[int] = []
    theme().changed.connect(lambda: changes.append(1))
    former = theme().palette
    after, run = trained(example(XOR), 5)
    for kind in ("loss", "map"):
        finish(write_plot(kind, after, tmp_path / f"{kind}.svg", options=PlotOptions(mode="dark"), run=run))
    assert theme().palette is former
    assert not changes


def test_pillow_and_pyqtgraph_are_imported_when_they_are_needed() -> None:
    code = (
        "import sys, nnviz_app.export.plots, nnviz_app.export.animation;"
        "print([name for name in ('PIL', 'pyqtgraph', 'ziamath') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
