"""The comparison: its references, what differs, and when it goes off by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.project_file import load_project
from nnviz_app.comparison import Comparison, With
from nnviz_app.document import Document
from nnviz_app.runs import RunShelf

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


@pytest.fixture
def comparison(qtbot: QtBot) -> Comparison:
    """Of the 2-2-2 example after 20 updates."""
    document = Document()
    document.open_project(load_project(EXAMPLES / "01-two-two-two.nnviz"))
    made = Comparison(document, RunShelf(document))
    update(made, 20)
    return made


def update(comparison: Comparison, count: int) -> None:
    comparison.document.apply_updates([0] * count)


def values(comparison: Comparison) -> dict[str, float]:
    return comparison.document.project.network.values


def branch_with_other_rate(comparison: Comparison, update_number: int, count: int) -> None:
    """Another run from an update of the present one on, which is kept."""
    document = comparison.document
    document.go_to_update(update_number)
    document.branch()
    with document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.05)
    update(comparison, count)


def test_it_is_off_at_first(comparison: Comparison) -> None:
    assert not comparison.is_on
    assert comparison.reference is None
    assert comparison.title == ""
    assert comparison.differences == {}
    assert comparison.largest is None


def test_with_a_pinned_moment(comparison: Comparison, qtbot: QtBot) -> None:
    then = dict(values(comparison))
    with qtbot.waitSignal(comparison.changed):
        comparison.pin()
    assert comparison.title == "update 20"
    assert set(comparison.differences.values()) == {0.0}
    update(comparison, 3)
    assert comparison.differences == {name: value - then[name] for name, value in values(comparison).items()}
    name, difference = comparison.largest or ("", 0.0)
    assert abs(difference) == max(map(abs, comparison.differences.values())) > 0
    assert comparison.differences[name] == difference
    with qtbot.waitSignal(comparison.changed):
        comparison.switch_off()
    assert not comparison.is_on
    assert comparison.differences == {}


def test_with_the_start(comparison: Comparison) -> None:
    start = comparison.document.run.parameters_at(0)
    comparison.with_start()
    assert comparison.differences == {name: value - start[name] for name, value in values(comparison).items()}
    comparison.document.go_to_update(0)
    assert set(comparison.differences.values()) == {0.0}
    comparison.document.undo_stack.undo()
    assert any(comparison.differences.values())


def test_with_the_same_update_of_another_run(comparison: Comparison) -> None:
    former = comparison.document.run
    branch_with_other_rate(comparison, 5, 30)
    kept = comparison.runs.kept[0]
    comparison.with_run(kept, at_end=False)
    document = comparison.document
    for number in (3, 5, 6, 12, 20):
        document.go_to_update(number)
        other = former.parameters_at(number)
        assert comparison.differences == {name: value - other[name] for name, value in values(comparison).items()}
        assert any(comparison.differences.values()) is (number > 5)
    assert comparison.title == f"{kept.name}, update 20, its end"
    document.go_to_update(12)
    assert comparison.title == f"{kept.name}, update 12"
    # Beyond its end, its end.
    document.go_to_update(30)
    end = former.parameters_at(20)
    assert comparison.differences["w1"] == values(comparison)["w1"] - end["w1"]


def test_with_the_end_of_another_run(comparison: Comparison) -> None:
    end = dict(values(comparison))
    branch_with_other_rate(comparison, 5, 1)
    comparison.with_run(comparison.runs.kept[0], at_end=True)
    assert comparison.differences["w1"] == values(comparison)["w1"] - end["w1"]


def test_a_run_under_way_is_not_held_up(comparison: Comparison) -> None:
    branch_with_other_rate(comparison, 5, 1)
    document = comparison.document
    comparison.with_run(comparison.runs.kept[0], at_end=False)
    assert ", update 6" in comparison.title
    document.busy = "A run is under way."
    later = document.project.copy()
    later.updates = 15
    document.show_progress(later)
    assert ", update 6" in comparison.title
    document.busy = ""
    assert ", update 15" in comparison.title


def test_it_goes_off_with_its_run_and_with_the_project(comparison: Comparison) -> None:
    branch_with_other_rate(comparison, 5, 1)
    kept = comparison.runs.kept[0]
    comparison.with_run(kept, at_end=True)
    comparison.runs.rename(kept, "Quick")
    assert comparison.title.startswith("Quick, ")
    comparison.runs.remove(kept)
    assert not comparison.is_on
    comparison.pin()
    comparison.document.open_project(load_project(EXAMPLES / "08-xor.nnviz"))
    assert comparison.choice.what is With.NOTHING


def test_parameters_that_the_reference_does_not_have(comparison: Comparison) -> None:
    comparison.pin()
    with comparison.document.edit("Draw") as draft:
        draft.network.add_neuron("hidden", id="h9")
        draft.network.connect("i1", "h9", weight=0.5, id="w9")
        draft.network.remove_edge("w1")
    assert not {"w9", "h9", "w1"} & comparison.differences.keys()
    assert "w2" in comparison.differences
