"""Former runs: which are kept, how they are told apart, and where they part from the present one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.history import LossPoint
from core.network import Network
from core.project import Project
from core.settings import Settings
from nnviz_app.document import WORTH_KEEPING, Document
from nnviz_app.runs import MOST_RUNS, Course, RunShelf, describe_settings


def project_of() -> Project:
    """One linear neuron that is to double its input."""
    network = Network()
    network.add_neuron("input", id="x")
    network.add_neuron("output", id="y", activation="linear")
    network.connect("x", "y", weight=0.5)
    dataset = Dataset({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
    return Project(network, dataset, Settings(learning_rate=0.01, batch_size=0))


@pytest.fixture
def shelf(qapp: QApplication) -> Iterator[RunShelf]:
    document = Document()
    document.open_project(project_of())
    yield RunShelf(document, document)
    document.deleteLater()


def update(shelf: RunShelf, count: int) -> None:
    for _ in range(count):
        shelf.document.apply_update(0)


def set_rate(shelf: RunShelf, rate: float) -> None:
    with shelf.document.edit("Learning rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=rate)


def course(*points: tuple[int, float]) -> Course:
    return Course.of([LossPoint(update, loss) for update, loss in points])


# Courses


def test_a_course_holds_what_there_is() -> None:
    made = Course.of([LossPoint(0, 2.0), LossPoint(5, 1.0, 1.5, 0.25, 0.5)])
    assert made.updates.tolist() == [0, 5]
    assert made.numbers[1].tolist() == [1.0, 1.5, 0.25, 0.5]
    assert np.isnan(made.numbers[0, 1:]).all()
    assert len(Course.of([])) == 0
    assert [made.place_at(update) for update in (-1, 0, 4, 5, 9)] == [-1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("other", "place", "is_part"),
    [
        (course((0, 4.0), (10, 3.0), (20, 2.0), (30, 1.0)), 2, True),
        # The points of the other one are further apart.
        (course((0, 4.0), (20, 2.0), (40, 1.0)), 2, True),
        (course((0, 4.0), (10, 3.0), (20, 2.5)), 1, False),
        (course((0, 4.0), (10, 3.0)), 1, False),
        (course((0, 4.0), (3, 3.5), (30, 1.0)), 0, False),
        (course((0, 5.0), (10, 3.0), (20, 2.0)), 0, False),
        (course(), 0, False),
    ],
)
def test_where_two_courses_part(other: Course, place: int, is_part: bool) -> None:
    mine = course((0, 4.0), (10, 3.0), (20, 2.0))
    assert mine.parting(other) == place
    assert mine.is_part_of(other) == is_part


# Keeping


def test_a_run_that_gives_way_is_kept_by_itself(shelf: RunShelf, qtbot: QtBot) -> None:
    update(shelf, WORTH_KEEPING)
    run, losses = shelf.document.run, [point.loss for point in shelf.document.run.points()]
    with qtbot.waitSignal(shelf.changed):
        shelf.document.reset()
    (kept,) = shelf.kept
    assert kept.run is run
    assert kept.course.numbers[:, 0].tolist() == losses
    assert kept.name == "Run 1: Gradient descent (SGD), rate 0.01, all rows"
    assert shelf.has(run)
    assert not shelf.has(shelf.document.run)


def test_a_short_run_and_one_without_updates_are_not(shelf: RunShelf) -> None:
    shelf.keep(shelf.document.run)
    update(shelf, WORTH_KEEPING - 1)
    shelf.document.reset()
    assert shelf.kept == []


def test_a_short_one_is_kept_when_a_person_wants_it(shelf: RunShelf) -> None:
    update(shelf, 3)
    for _ in range(2):
        shelf.keep(shelf.document.run)
        assert len(shelf.kept) == 1
    assert shelf.has(shelf.document.run)
    # It has gone on: then it is not kept as far as that.
    update(shelf, 1)
    assert not shelf.has(shelf.document.run)


def test_a_kept_run_follows_a_new_name_when_it_is_kept_again(shelf: RunShelf) -> None:
    update(shelf, 3)
    shelf.keep(shelf.document.run)
    with shelf.document.edit("Rename") as draft:
        draft.rename("y", "double")
    assert not shelf.has(shelf.document.run)
    shelf.keep(shelf.document.run)
    assert len(shelf.kept) == 1
    assert shelf.has(shelf.document.run)
    assert "double" in shelf.kept[0].run.parameters_at(3)


def test_a_kept_run_that_went_on_is_brought_up_to_date(shelf: RunShelf) -> None:
    update(shelf, 12)
    shelf.keep(shelf.document.run)
    shelf.rename(shelf.kept[0], "mine")
    update(shelf, 5)
    shelf.document.reset()
    assert [(kept.name, kept.course.updates[-1]) for kept in shelf.kept] == [("mine", 17)]
    # The same updates again, fewer of them, are nothing new.
    update(shelf, 11)
    shelf.document.reset()
    assert [(kept.name, kept.course.updates[-1]) for kept in shelf.kept] == [("mine", 17)]
    set_rate(shelf, 0.02)
    update(shelf, 11)
    shelf.document.reset()
    assert [kept.name for kept in shelf.kept] == ["mine", "Run 2: Gradient descent (SGD), rate 0.02, all rows"]


def test_a_branch_leaves_the_longer_run_behind(shelf: RunShelf) -> None:
    update(shelf, 30)
    shelf.document.go_to_update(12)
    shelf.document.branch()
    assert [kept.course.updates[-1] for kept in shelf.kept] == [30]
    set_rate(shelf, 0.03)
    update(shelf, 5)
    present = Course.of(shelf.document.run.points())
    assert shelf.kept[0].course.updates[shelf.kept[0].course.parting(present)] == 12


def test_the_oldest_makes_way_and_colours_differ(shelf: RunShelf) -> None:
    for number in range(MOST_RUNS + 2):
        set_rate(shelf, 0.001 * (number + 1))
        update(shelf, 10)
        shelf.document.reset()
    assert [kept.name.partition(":")[0] for kept in shelf.kept] == [f"Run {n}" for n in range(3, MOST_RUNS + 3)]
    assert sorted(kept.color for kept in shelf.kept) == list(range(MOST_RUNS))
    # A colour that has become free is used again.
    gone = shelf.kept[3]
    shelf.remove(gone)
    set_rate(shelf, 0.05)
    update(shelf, 10)
    shelf.document.reset()
    assert shelf.kept[-1].color == gone.color


def test_naming_hiding_and_forgetting(shelf: RunShelf) -> None:
    update(shelf, 3)
    shelf.keep(shelf.document.run)
    (kept,) = shelf.kept
    heard: list[None] = []
    shelf.changed.connect(lambda: heard.append(None))
    shelf.rename(kept, "  slow ")
    assert kept.name == "slow"
    shelf.rename(kept, " ")
    shelf.rename(kept, "slow")
    assert (kept.name, len(heard)) == ("slow", 1)
    shelf.show(kept, False)
    shelf.show(kept, False)
    assert (kept.is_shown, len(heard)) == (False, 2)
    shelf.clear()
    shelf.clear()
    assert (shelf.kept, len(heard)) == ([], 3)


def test_another_project_begins_without_former_runs(shelf: RunShelf) -> None:
    update(shelf, 3)
    shelf.keep(shelf.document.run)
    shelf.document.open_project(project_of())
    assert shelf.kept == []
    update(shelf, 3)
    shelf.keep(shelf.document.run)
    assert shelf.kept[0].name.startswith("Run 1: ")


def test_settings_in_words() -> None:
    settings = Settings(optimizer="adam", learning_rate=0.0031234, batch_size=32)
    assert describe_settings(settings) == "Adam, rate 0.00312, batch 32"
