"""The document: edits, updates and runs as undo entries, exact to the bit."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graph_strategies import connect_all
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from core.breakpoints import Breakpoint, Relation, Watch
from core.dataset import Dataset
from core.errors import NetworkError, TrainingError
from core.network import Network
from core.passes import trace_project
from core.project import Project
from core.project_file import project_from_text, project_to_text
from core.settings import Settings
from core.training import project_at
from nnviz_app.document import Change, Document

pytestmark = pytest.mark.usefixtures("qapp")


def small_project(rows: int = 3, **settings: object) -> Project:
    """A 2-2-1 network whose numbers are all different."""
    network = Network()
    for name in ("i1", "i2"):
        network.add_neuron("input", id=name)
    for place, name in enumerate(("h1", "h2")):
        network.add_neuron("hidden", id=name, activation="sigmoid", bias=0.1 + 0.2 * place)
    network.add_neuron("output", id="o1", activation="sigmoid", bias=-0.3)
    weights = iter([0.15, -0.2, 0.25, 0.3, 0.4, -0.45])
    connect_all(network, ["i1", "i2"], ["h1", "h2"], lambda: next(weights))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: next(weights))
    columns = {
        "i1": np.linspace(0, 1, rows),
        "i2": np.linspace(1, -1, rows),
        "o1": np.linspace(0.2, 0.8, rows),
    }
    return Project(network, Dataset(columns), Settings(**settings))


@pytest.fixture
def document() -> Iterator[Document]:
    document = Document()
    document.open_project(small_project())
    yield document
    document.deleteLater()


def bits(document: Document) -> dict[str, str]:
    return {name: value.hex() for name, value in document.project.network.values.items()}


def test_an_edit_is_one_undo_entry_and_says_what_changed(document: Document, qtbot: QtBot) -> None:
    before = document.project
    with qtbot.waitSignal(document.changed) as caught, document.edit("Add neuron") as draft:
        draft.network.add_neuron("hidden", id="h3")
    change: Change = caught.args[0]
    assert (change.structure, change.values, change.layout) == (True, True, True)
    assert (change.data, change.settings, change.about, change.project) == (False, False, False, False)
    assert document.undo_stack.undoText() == "Add neuron"
    assert document.is_modified
    document.undo_stack.undo()
    assert document.project is before
    assert not document.is_modified
    document.undo_stack.redo()
    assert "h3" in document.project.network.neurons


def test_what_refers_to_a_neuron_goes_with_it_and_comes_back_with_undo() -> None:
    document = Document()
    document.open_project(small_project(optimizer="adam"))
    with document.edit("Breakpoint") as draft:
        draft.breakpoints = (Breakpoint(Watch.ACTIVATION, Relation.ABOVE, "h1"),)
    document.apply_update(0)
    before = document.project
    with document.edit("Delete h1") as draft:
        draft.network.remove_neuron("h1")
    project = document.project
    assert project.breakpoints == ()
    assert project.memory is not None
    assert all(numbers.keys() == project.network.values.keys() for numbers in project.memory.slots.values())
    assert project.memory.updates == 1
    # It can be opened again.
    assert project_from_text(project_to_text(project)).memory == project.memory
    document.undo_stack.undo()
    assert document.project is before


def test_an_edit_that_changes_nothing_is_no_undo_entry(document: Document, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(document.changed), document.edit("Set weight") as draft:
        draft.network.set_value("w1", draft.network.values["w1"])
    assert document.undo_stack.count() == 0


def test_a_refused_edit_leaves_everything_as_it_was(document: Document, qtbot: QtBot) -> None:
    before = document.project

    def close_a_cycle() -> None:
        with document.edit("Connect") as draft:
            draft.network.set_value("w1", 9.0)
            draft.network.connect("o1", "h1")

    with qtbot.assertNotEmitted(document.changed), pytest.raises(NetworkError):
        close_a_cycle()
    assert document.project is before
    assert document.project.network.values["w1"] == 0.15


def test_edits_with_one_merge_key_become_one_undo_entry(document: Document) -> None:
    for rate in (0.1, 0.12, 0.125):
        with document.edit("Set the learning rate", merge="rate") as draft:
            draft.settings = replace(draft.settings, learning_rate=rate)
    assert document.undo_stack.count() == 1
    with document.edit("Set the learning rate", merge="another visit") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.2)
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    assert document.project.settings.learning_rate == 0.125
    document.undo_stack.undo()
    assert document.project.settings.learning_rate == 0.5


def test_what_is_saved_during_a_run_is_no_state_to_undo_to(document: Document, tmp_path: Path) -> None:
    document.busy = "A run is under way."
    document.saved_as(tmp_path / "a.nnviz")
    document.busy = ""
    assert document.is_modified


def test_merging_stops_at_a_save(document: Document, tmp_path: Path) -> None:
    with document.edit("Set the seed", merge="seed") as draft:
        draft.settings = replace(draft.settings, seed=2)
    document.saved_as(tmp_path / "a.nnviz")
    assert not document.is_modified
    with document.edit("Set the seed", merge="seed") as draft:
        draft.settings = replace(draft.settings, seed=3)
    assert document.is_modified
    document.undo_stack.undo()
    assert not document.is_modified
    assert document.project.settings.seed == 2


def test_stepping_back_past_an_update_restores_the_parameters_to_the_bit(document: Document) -> None:
    history = [bits(document)]
    batches = [0, 2, 1, 1]
    for batch in batches:
        document.apply_update(batch)
        history.append(bits(document))
    assert document.project.updates == 4
    for update in (3, 2, 1, 0):
        assert document.back_update().tolist() == [batches[update]]
        assert document.project.updates == update
        assert bits(document) == history[update]
    assert not document.can_go_back
    assert document.project.start is None
    # The losses after this update are still known, and going on with the same batches gives the same.
    assert document.run.last == 4
    for update, batch in enumerate(batches):
        document.apply_update(batch)
        assert bits(document) == history[update + 1]


def test_updates_are_undone_and_redone_like_any_edit(document: Document) -> None:
    first = bits(document)
    document.apply_update(0)
    second = bits(document)
    with document.edit("Rename", merge=None) as draft:
        draft.title = "mine"
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert (bits(document), document.project.updates) == (first, 0)
    document.undo_stack.redo()
    document.undo_stack.redo()
    assert (bits(document), document.project.title) == (second, "mine")
    assert document.can_go_back
    document.back_update()
    assert bits(document) == first
    assert document.project.title == "mine"


def test_going_back_takes_the_update_off_the_undo_stack_again(document: Document) -> None:
    document.apply_update(0)
    document.back_update()
    assert document.undo_stack.index() == 0
    assert not document.is_modified
    assert document.undo_stack.canRedo()


def test_an_epoch_is_one_undo_entry_and_gone_back_past_at_once(document: Document) -> None:
    document.open_project(small_project(batch_size=2))
    history = [bits(document)]
    document.apply_updates([0, 1])
    assert document.undo_stack.undoText() == "Updates 1 to 2"
    assert document.project.epoch == 1
    history.append(bits(document))
    document.apply_updates([0, 1])
    assert document.back_update(epoch=True).tolist() == [0, 1]
    assert (bits(document), document.project.updates, document.project.epoch) == (history[1], 2, 1)
    assert document.back_update().tolist() == [2]
    assert document.project.updates == 1
    assert document.back_update(epoch=True).tolist() == [0, 1]
    assert bits(document) == history[0]


def test_updates_that_were_made_before_one_that_cannot_be_are_kept(document: Document) -> None:
    project = small_project(loss="squared_error", learning_rate=1e200)
    project.network.set_activation("o1", "linear")
    project.network.set_values(dict.fromkeys(project.network.values, 0.0))
    project.dataset.set_values({(0, "o1"): 0.0, (1, "o1"): 1e150})
    document.open_project(project)
    with pytest.raises(TrainingError, match="Update 2 would make the bias of o1 infinite"):
        document.apply_updates([0, 1, 2])
    assert document.project.updates == document.run.last == 1
    assert document.undo_stack.undoText() == "Update 1"


def test_another_batch_after_going_back_branches_off(document: Document) -> None:
    for _ in range(3):
        document.apply_update(0)
    document.back_update()
    document.apply_update(1)
    assert document.project.updates == document.run.last == 3
    assert document.run.rows_of(3).tolist() == [1]
    assert [point.update for point in document.run.points()] == [0, 1, 2, 3]


def test_the_run_goes_on_through_a_change_of_settings(document: Document) -> None:
    history = [bits(document)]
    run = document.run
    for batch in range(2):
        document.apply_update(batch)
        history.append(bits(document))
    with document.edit("Set the optimizer") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.1, optimizer="adam", shuffle=True, batch_size=2)
    assert document.run is run
    document.apply_update(0)
    assert document.run is run
    assert run.last == 3
    assert [point.update for point in run.points()] == [0, 1, 2, 3]
    assert [run.settings_of(update).optimizer for update in (1, 2, 3)] == ["sgd", "sgd", "adam"]
    # Back past the change, whose settings stay: an update goes, not an edit.
    for update in (2, 1):
        document.back_update()
        assert bits(document) == history[update]
        assert document.project.settings.optimizer == "adam"


@pytest.mark.parametrize("old", ["i1", "h2", "o1", "w5"])
def test_the_run_goes_on_under_another_name(document: Document, old: str) -> None:
    document.open_project(small_project(optimizer="adam", batch_size=2))
    left: list[object] = []
    document.run_left.connect(left.append)
    history = [bits(document)]
    for update in range(12):
        document.apply_update(update % 2)
        history.append(bits(document))
    judge = document.run.branch(9)
    # Within an epoch, and with updates that have been gone back past: none of them is lost.
    document.go_to_update(9)
    points, memory = document.run.points(), document.project.memory
    with document.edit("Rename") as draft:
        draft.rename(old, "a new name")
    assert not left
    assert (document.run.first, document.run.last) == (0, 12)
    assert document.run.points() == points
    assert document.project.used_rows == 2
    assert memory is not None
    assert document.project.memory == memory.rename(old, "a new name")

    def named(numbers: dict[str, str]) -> dict[str, str]:
        return {"a new name" if name == old else name: number for name, number in numbers.items()}

    for update in (12, 4, 0, 9):
        document.go_to_update(update)
        assert bits(document) == named(history[update])
    document.back_update()
    assert bits(document) == named(history[8])
    # On from there otherwise: a batch that was not that of update 10.
    document.go_to_update(9)
    document.apply_update(0)
    judge = judge.advance(9, 0, document.project.settings)
    assert bits(document) == named({name: value.hex() for name, value in judge.parameters_at(10).items()})
    while document.undo_stack.index() > 12:
        document.undo_stack.undo()
    assert bits(document) == history[12]
    assert old in {*document.run.network.neurons, *document.run.network.edges}


def test_a_new_name_beside_another_change_begins_a_run(document: Document) -> None:
    document.apply_update(0)
    with document.edit("Rename and more") as draft:
        draft.rename("h1", "first")
        draft.network.set_activation("first", "tanh")
    assert not document.can_go_back
    document.apply_update(0)
    with document.edit("Rename two") as draft:
        draft.rename("first", "h1")
        draft.rename("w1", "w20")
    assert not document.can_go_back


def test_a_change_of_the_loss_keeps_the_points_so_far_in_a_run_of_its_own(document: Document) -> None:
    for _ in range(2):
        document.apply_update(0)
    with document.edit("Set the loss") as draft:
        draft.settings = replace(draft.settings, loss="huber")
    assert not document.can_go_back
    document.apply_update(0)
    assert [point.update for point in document.run.points()] == [0, 1, 2, 3]
    document.back_update()
    assert not document.can_go_back
    document.undo_stack.undo()
    assert document.can_go_back


def test_parameters_set_by_hand_begin_a_run_and_keep_what_the_optimizer_remembers(document: Document) -> None:
    document.open_project(small_project(optimizer="momentum"))
    document.apply_update(0)
    memory = document.project.memory
    assert memory is not None
    with document.edit("Set weight") as draft:
        draft.network.set_value("w1", 0.75)
    assert not document.can_go_back
    assert document.project.memory == memory
    document.apply_update(1)
    after = document.project.memory
    assert after is not None
    assert after.updates == 2
    assert after.slots["velocity"]["w1"] != 0.9 * memory.slots["velocity"]["w1"]
    assert [point.update for point in document.run.points()] == [0, 1, 2]


@pytest.mark.parametrize("others", [["sgd"], ["adamw"], ["sgd", "momentum"]])
def test_what_is_shown_after_choosing_optimizers_is_what_is_made(document: Document, others: list[str]) -> None:
    document.open_project(small_project(optimizer="adam"))
    for batch in range(2):
        document.apply_update(batch)
    memory = document.project.memory
    # Looking through the list of optimizers, to end with the one of before, which remembers still.
    for optimizer in [*others, "adam"]:
        with document.edit("Set the optimizer", merge="optimizer") as draft:
            draft.settings = replace(draft.settings, optimizer=optimizer)
        shown = trace_project(document.project, [2])
        made = document.run.branch(2).advance(2, 2, document.project.settings).parameters_at(3)
        assert shown.new_values == made, optimizer
    assert document.project.memory == memory


@pytest.mark.parametrize(
    "setting",
    [
        {"seed": 7},
        {"epochs": 9},
        {"initializer": "he_normal"},
        {"initializer_scale": 2.0},
        {"learning_rate": 0.1},
        {"batch_size": 2},
        {"shuffle": True},
        {"optimizer": "adam"},
        {"l2": 0.1},
        {"schedule": "cosine"},
        {"precision": "float32"},
        {"update_biases": False},
        {"stop_loss": 0.1},
    ],
)
def test_settings_do_not_end_the_run(document: Document, setting: dict) -> None:
    before = bits(document)
    document.apply_update(0)
    with document.edit("Change a setting") as draft:
        draft.settings = replace(draft.settings, **setting)
    assert document.can_go_back
    document.back_update()
    assert bits(document) == before


@pytest.mark.parametrize(
    "setting",
    [
        {"loss": "huber"},
        {"learning_rate": 2.0},
        {"batch_size": 2},
        {"batch_mean": False},
        {"update_biases": False},
        {"optimizer": "adam"},
        {"precision": "float32"},
    ],
)
def test_no_setting_resets_the_network(document: Document, setting: dict) -> None:
    document.apply_update(0)
    before = bits(document)
    with document.edit("Change a setting") as draft:
        draft.settings = replace(draft.settings, **setting)
    assert bits(document) == before
    assert document.project.updates == 1


def test_reset_leads_to_the_start_and_is_undone_like_any_edit(document: Document) -> None:
    first = bits(document)
    for batch in range(3):
        document.apply_update(batch)
    with document.edit("Set the loss") as draft:
        draft.settings = replace(draft.settings, loss="huber")
    document.apply_update(0)
    last = bits(document)
    document.reset()
    assert (bits(document), document.project.updates, document.project.start) == (first, 0, None)
    assert [point.update for point in document.run.points()] == [0]
    document.undo_stack.undo()
    assert (bits(document), document.project.updates) == (last, 4)


def test_new_weights_are_those_of_the_shown_seed(document: Document) -> None:
    document.apply_update(0)
    document.draw_weights()
    first = bits(document)
    assert document.project.updates == 0
    assert document.project.network.values["h1"] == 0.0
    document.draw_weights(2)
    assert document.project.settings.seed == 2
    assert bits(document) != first
    document.draw_weights(1)
    assert bits(document) == first
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert bits(document) == first


def test_opening_another_project_starts_a_new_history(document: Document, qtbot: QtBot) -> None:
    document.apply_update(0)
    with qtbot.waitSignal(document.path_changed), qtbot.waitSignal(document.changed) as caught:
        document.open_project(small_project(rows=1), Path("b.nnviz"))
    assert caught.args[0].project
    assert document.undo_stack.count() == 0
    assert not document.is_modified
    assert document.project.updates == 0


def test_during_a_run_nothing_can_be_changed(document: Document) -> None:
    document.busy = "A run is under way."
    for change in (document.reset, document.draw_weights, lambda: document.apply_update(0)):
        with pytest.raises(TrainingError, match="under way"):
            change()
    with pytest.raises(TrainingError, match="under way"), document.edit("Add neuron") as draft:
        draft.network.add_neuron("hidden")
    assert document.undo_stack.count() == 0


def test_progress_is_shown_without_an_undo_entry_and_a_finished_run_is_one(document: Document) -> None:
    document.apply_update(0)
    before, first = document.state, bits(document)
    run = document.run.branch(1)
    for progress in run.train(1, document.project.settings, epochs=4):
        document.show_progress(project_at(before.project, run, progress.update))
        assert (document.project.updates, document.project.epoch) == (progress.update, progress.epoch)
        assert document.run is before.run
    assert document.undo_stack.count() == 1
    document.finish_run("Run 4 epochs", before, run, run.last)
    assert document.undo_stack.count() == 2
    # The first of the four epochs had begun.
    assert (document.project.updates, document.project.epoch) == (12, 4)
    last = bits(document)
    document.undo_stack.undo()
    assert document.state is before
    assert bits(document) == first
    document.undo_stack.redo()
    assert bits(document) == last
    # One update back from there is the update before the last, exactly.
    document.back_update()
    assert document.project.network.values == run.parameters_at(11)


def test_any_update_of_the_run_can_be_gone_to(document: Document) -> None:
    document.open_project(small_project(optimizer="adam", shuffle=True))
    history = [(bits(document), document.project.memory, document.project.epoch)]
    for batch in (0, 1, 2, 0, 1):
        document.apply_update(batch)
        history.append((bits(document), document.project.memory, document.project.epoch))
    count = document.undo_stack.count()
    for update in (2, 0, 5, 3, 4):
        document.go_to_update(update)
        project = document.project
        # Before the first update there is nothing to remember, or 0 for each parameter: the same.
        memory = project.memory if update else None
        assert (bits(document), memory, project.epoch) == history[update]
        assert project.updates == update
        assert (project.start is None) == (update == 0)
    # Moves that follow each other are one entry.
    assert document.undo_stack.count() == count + 1
    assert document.undo_stack.undoText() == "Go to update 4"
    document.undo_stack.undo()
    assert bits(document) == history[5][0]
    with pytest.raises(TrainingError, match="Update 6"):
        document.go_to_update(6)
    document.go_to_update(5)
    assert document.undo_stack.index() == count


def test_a_branch_leaves_a_run_that_has_gone_further(document: Document, qtbot: QtBot) -> None:
    for update in range(12):
        document.apply_update(update % 3)
    former = document.run
    document.go_to_update(4)
    with qtbot.waitSignal(document.run_left) as caught:
        document.branch()
    assert caught.args == [former]
    assert (document.run.last, former.last) == (4, 12)
    assert document.project.updates == 4
    assert document.run.points() == former.points(4)
    document.undo_stack.undo()
    assert document.run is former


def test_a_run_of_few_updates_is_left_without_a_word(document: Document, qtbot: QtBot) -> None:
    for update in range(3):
        document.apply_update(update)
    document.go_to_update(1)
    with qtbot.assertNotEmitted(document.run_left):
        document.branch()


def test_a_documents_commands_do_not_keep_it_alive() -> None:
    document = Document()
    document.open_project(small_project())
    for update in range(3):
        document.apply_update(update)
    document.undo_stack.setIndex(2)
    # In a circle with its commands the garbage collector would take it down, in an order that crashes.
    gone = weakref.ref(document)
    del document
    assert gone() is None


def test_a_run_without_an_update_leaves_no_undo_entry(document: Document) -> None:
    before = document.state
    document.finish_run("Run 0 epochs", before, document.run.branch(0), 0)
    assert document.state is before
    assert document.undo_stack.count() == 0


ACTIONS = ["update", "back", "go", "branch", "weight", "rate", "optimizer", "reset", "draw", "title"]


@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=14))
def test_everything_undone_and_redone_is_the_same(actions: list[str]) -> None:
    document = Document()
    document.open_project(small_project())
    moments = [(bits(document), document.project.updates, document.project.settings)]
    for number, action in enumerate(actions):
        count = document.undo_stack.index()
        match action:
            case "update":
                document.apply_update(number % 3)
            case "go" if document.run.last:
                document.go_to_update(document.run.first + number % (document.run.last - document.run.first + 1))
            case "branch":
                document.branch()
            case "optimizer":
                with document.edit("Set optimizer") as draft:
                    draft.settings = replace(draft.settings, optimizer=["sgd", "momentum", "nesterov"][number % 3])
            case "back" if document.can_go_back:
                document.back_update()
            case "weight":
                with document.edit("Set weight") as draft:
                    draft.network.set_value("w1", number / 7)
            case "rate":
                with document.edit("Set rate") as draft:
                    draft.settings = replace(draft.settings, learning_rate=1 / (number + 1))
            case "reset":
                document.reset()
            case "draw":
                document.draw_weights(number)
            case "title":
                with document.edit("Set title") as draft:
                    draft.title = str(number)
        index = document.undo_stack.index()
        moments[index:] = [(bits(document), document.project.updates, document.project.settings)]
        assert index in (count - 1, count, count + 1)
    for index in (*range(len(moments) - 1, -1, -1), *range(len(moments))):
        document.undo_stack.setIndex(index)
        assert (bits(document), document.project.updates, document.project.settings) == moments[index]


def test_the_start_of_a_shared_weight_goes_on_with_each_edge(document: Document) -> None:
    project = Project()
    network = project.network
    for role, name in (("input", "x"), ("hidden", "h"), ("output", "o")):
        network.add_neuron(role, id=name)
    network.connect("x", "h", id="w1", weight=0.1)
    network.connect("h", "o", id="w2", tied_to="w1")
    network.set_frozen("w2", False)
    document.open_project(project)
    with document.edit("data") as draft:
        draft.dataset.set_values({(0, "x"): 1.0, (0, "o"): 1.0})
    document.apply_update(0)
    assert document.project.network.weight("w2") != 0.1
    for change in ("untie", "remove"):
        with document.edit(change) as draft:
            if change == "untie":
                draft.network.untie("w2")
            else:
                draft.network.remove_edge("w1")
        assert document.project.start_values()["w2"] == 0.1
        document.undo_stack.undo()
