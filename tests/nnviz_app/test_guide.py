"""The guide: moments are brought about, everything stays usable meanwhile, and each change can be undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.errors import NnvizError
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.walkthrough import Moment, Walkthrough
from nnviz_app.document import Document
from nnviz_app.guide import Guide, play
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import theme

RESOURCES = Path(__file__).parents[2] / "resources"
SHIPPED = sorted((RESOURCES / "walkthroughs").glob("*.nnviz"))


def example(name: str) -> Project:
    return load_project(next((RESOURCES / "examples").glob(f"*-{name}.nnviz")))


def small_walkthrough() -> Project:
    """Four moments: XOR before training, in the middle of a backward pass, after 600 updates; and another network."""
    xor, classic = example("xor"), example("two-two-two")
    xor.settings = replace(xor.settings, batch_size=1)
    project = xor.copy()
    hidden, output = xor.network.edges, xor.network.outputs[0].id
    edge = next(i for i, e in hidden.items() if e.target == output)
    moments = (
        Moment("Before: [[L=]].", row=1, hide=("gradients",)),
        Moment(
            f"In the middle: [[dL/dw({edge})=]].",
            row=2,
            position=f"dL/dw({edge})",
            ask=(f"dL/dw({edge})", f"dL/dz({output})"),
            select=(edge,),
            highlight=(output,),
            panel="Explain",
        ),
        Moment("After: [[L=]].", update=600, position="end", panel="Loss"),
        Moment("Another one: [[w(w5)=]].", scene=1, position="5"),
    )
    project.walkthrough = Walkthrough(moments, (xor, classic))
    return project


@pytest.fixture
def guide(qtbot: QtBot, qapp: QApplication) -> Guide:
    theme().apply(qapp)
    document = Document()
    player = Player(document)
    made = Guide(document, player, Selection(document), Inquiry(player), Spotlight(document), Preferences())
    document.open_project(small_walkthrough())
    QApplication.processEvents()
    return made


def undo_texts(guide: Guide) -> list[str]:
    stack = guide.document.undo_stack
    return [stack.text(i) for i in range(stack.index())]


def test_a_file_opens_with_its_first_moment_and_changes_nothing(guide: Guide) -> None:
    assert (guide.place, guide.count) == (0, 4)
    assert not guide.is_away
    assert not guide.document.is_modified
    assert (guide.player.row, guide.player.index) == (1, 0)
    assert guide.spotlight.hidden == {"gradients"}
    assert not guide.is_last


def test_a_file_that_was_saved_elsewhere_stays_as_it_is(guide: Guide) -> None:
    project = small_walkthrough()
    edge = next(iter(project.network.edges))
    project.network.set_values({**project.network.values, edge: 3.0})
    guide.document.open_project(project)
    QApplication.processEvents()
    assert guide.document.project.network.values[edge] == 3.0
    assert guide.is_away
    guide.return_()
    assert not guide.is_away
    assert undo_texts(guide) == ["Moment 1"]


def test_a_moment_brings_row_step_question_and_parts(guide: Guide, qtbot: QtBot) -> None:
    with qtbot.waitSignal(guide.panel_requested, check_params_cb=lambda title: title == "Explain"):
        guide.next()
    player, moment = guide.player, guide.moment
    assert moment is not None
    edge = moment.select[0]
    assert player.row == 2
    assert player.step is not None
    assert player.step.quantity.kind is Kind.WEIGHT_GRAD
    assert player.step.quantity.subject == edge
    assert [quantity.kind for quantity in guide.inquiry.trail] == [Kind.WEIGHT_GRAD, Kind.PRE_ACTIVATION_GRAD]
    assert guide.selection.ids == [edge]
    assert guide.spotlight.highlighted == set(moment.highlight)
    assert not guide.spotlight.hidden
    # Nothing of the network was another one: there is nothing to undo.
    assert undo_texts(guide) == []


def test_an_update_s_moment_is_one_undo_entry_with_its_curve(guide: Guide) -> None:
    guide.show(2)
    document = guide.document
    assert undo_texts(guide) == ["Moment 3"]
    assert document.project.updates == 600
    assert document.run.last == 600
    points = document.run.points()
    assert points[0].update == 0
    assert points[-1].update == 600
    assert points[-1].loss < points[0].loss
    # Back works as after a training of one's own.
    assert document.can_go_back
    document.go_to_update(10)
    assert document.project.updates == 10
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.project.updates == 0
    assert guide.is_away


def test_going_through_a_walkthrough_is_nothing_to_save(guide: Guide) -> None:
    for _ in play(guide):
        assert not guide.document.is_modified
    guide.document.draw_weights(3)
    guide.show(1)
    assert guide.document.is_modified


def test_the_updates_of_a_scene_are_made_once(guide: Guide) -> None:
    guide.show(2)
    scene = guide.walkthrough.scenes[0]
    run = guide.run_of(scene)
    guide.show(0)
    guide.show(2)
    assert guide.run_of(scene) is run
    assert guide.document.project.updates == 600
    assert QGuiApplication.overrideCursor() is None


def test_what_the_learner_does_is_noticed_and_undone_by_return(guide: Guide, qtbot: QtBot) -> None:
    before = guide.document.project.network.values
    bias = guide.document.project.network.outputs[0].id
    said = guide.caption()
    with qtbot.waitSignal(guide.changed), guide.document.edit("Change bias") as draft:
        draft.network.set_values({**before, bias: 5.0})
    assert guide.is_away
    assert guide.caption() != said
    guide.return_()
    assert not guide.is_away
    assert guide.document.project.network.values == before
    assert guide.caption() == said
    assert undo_texts(guide) == ["Change bias", "Moment 1"]
    guide.document.undo_stack.undo()
    assert guide.document.project.network.values[bias] == 5.0


def test_a_step_is_away_and_the_same_step_is_back(guide: Guide) -> None:
    guide.player.forward()
    assert guide.is_away
    guide.player.back()
    assert not guide.is_away
    guide.player.select_row(3)
    assert guide.is_away


def test_selecting_and_moving_neurons_is_no_change_that_matters(guide: Guide) -> None:
    neuron = guide.document.project.network.outputs[0].id
    guide.selection.set([neuron])
    with guide.document.edit("Move") as draft:
        draft.network.move({neuron: (400.0, 300.0)})
    assert not guide.is_away
    guide.show(2)
    assert guide.document.project.network.positions[neuron] == (400.0, 300.0)


def test_next_goes_on_after_a_change(guide: Guide) -> None:
    guide.document.draw_weights(5)
    with guide.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=0.01)
    guide.next()
    assert guide.place == 1
    assert not guide.is_away
    assert guide.document.project.settings.learning_rate == guide.walkthrough.scenes[0].settings.learning_rate
    assert undo_texts(guide)[-1] == "Moment 2"


def test_other_updates_of_the_learner_leave_the_scene_s_own_run_alone(guide: Guide) -> None:
    guide.show(2)
    trained = dict(guide.document.project.network.values)
    guide.show(0)
    with guide.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=1e-3)
    for _ in range(3):
        guide.player.apply_update()
    guide.document.undo_stack.undo()
    guide.show(2)
    guide.player.apply_update()
    guide.show(0)
    guide.show(2)
    assert guide.document.project.network.values == trained


def test_another_network_asks_for_a_new_fit(guide: Guide, qtbot: QtBot) -> None:
    with qtbot.waitSignal(guide.network_replaced):
        guide.show(3)
    assert "w5" in guide.document.project.network.edges
    assert guide.player.index == 5
    assert guide.document.project.title == example("xor").title
    assert guide.caption() == "Another one: 0.4."
    with qtbot.assertNotEmitted(guide.network_replaced):
        guide.return_()
    guide.previous()
    assert guide.document.project.updates == 600


def test_the_ends_are_the_ends(guide: Guide) -> None:
    guide.previous()
    assert guide.place == 0
    guide.show(3)
    assert guide.is_last
    guide.next()
    assert guide.place == 3


def test_nothing_is_shown_during_a_run(guide: Guide, qtbot: QtBot) -> None:
    guide.document.busy = "A run is under way."
    with qtbot.waitSignal(guide.refused, check_params_cb=lambda text: text == "A run is under way."):
        guide.next()
    assert guide.place == 0
    guide.document.busy = ""


def test_what_cannot_be_shown_is_said(guide: Guide, qtbot: QtBot) -> None:
    project = small_walkthrough()
    assert project.walkthrough is not None
    edge = next(iter(project.network.edges))
    project.walkthrough = project.walkthrough.change(1, Moment("x", position=f"w({edge})"))
    guide.document.open_project(project)
    with qtbot.waitSignal(guide.refused, check_params_cb=lambda text: text.startswith("Moment 2: ")):
        guide.next()
    with pytest.raises(NnvizError, match="Moment 2"):
        list(play(guide))


def test_a_question_belongs_to_the_sample_on_show(guide: Guide) -> None:
    project = load_project(next((RESOURCES / "examples").glob("*-batch.nnviz")))
    output = project.network.outputs[0].id
    scene = project.copy()
    project.walkthrough = Walkthrough((Moment("", row=1, position="end", ask=(f"z({output})",)),), (scene,))
    guide.document.open_project(project)
    QApplication.processEvents()
    assert guide.inquiry.quantity is not None
    assert guide.inquiry.quantity == Quantity(Kind.WEIGHTED_SUM, output, guide.player.sample)


def test_a_project_without_a_walkthrough_has_no_moment(guide: Guide) -> None:
    guide.document.open_project(example("and"))
    QApplication.processEvents()
    assert guide.count == 0
    assert guide.moment is None
    assert not guide.is_away
    assert guide.caption() == ""
    guide.next()
    assert guide.place == 0


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_walkthrough_plays_to_its_end(guide: Guide, path: Path) -> None:
    project = load_project(path)
    guide.document.open_project(project)
    QApplication.processEvents()
    assert not guide.document.is_modified, "the file does not begin with its first moment"
    for place, _moment in enumerate(play(guide)):
        assert guide.place == place
        assert not guide.is_away
        assert guide.player.trace is not None
        text = guide.caption()
        assert text
        assert "[[" not in text
    assert guide.is_last
    assert guide.document.project.walkthrough is project.walkthrough
    while guide.document.undo_stack.canUndo():
        guide.document.undo_stack.undo()
    assert guide.document.project.network.values == project.network.values
