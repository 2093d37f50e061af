"""The walkthrough panel and its recorder, by mouse and keys: reading, going away and back, recording, undoing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QTextCursor
from PySide6.QtWidgets import QMenu

from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.walkthrough import Moment, Walkthrough
from nnviz_app.guide import Guide
from nnviz_app.panels.moment_words import first_words
from nnviz_app.panels.walkthrough import WalkthroughPanel
from nnviz_app.theme import theme

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk) -> WalkthroughPanel:
    guide = Guide(desk.document, desk.player, desk.selection, desk.inquiry, desk.spotlight, desk.preferences)
    made = WalkthroughPanel(guide)
    made.set_panel_titles(["Explain", "Loss"])
    desk.show(made, 380, 720)
    desk.settle()
    return made


def open_walkthrough(desk) -> None:
    scene = load_project(EXAMPLES / "01-two-two-two.nnviz")
    project = scene.copy()
    project.source = "A book"
    moments = (
        Moment("First: [[w(w5)=]]."),
        Moment("Second: $[[z(h1)]]$ is [[z(h1)=]].", position="z(h1)"),
        Moment("Third.", position="end"),
    )
    project.walkthrough = Walkthrough(moments, (scene,))
    desk.document.open_project(project)
    desk.settle()


def click(desk, button) -> None:
    desk.qtbot.mouseClick(button, LEFT)
    desk.settle()


def shown(panel: WalkthroughPanel) -> str:
    return panel.caption.document().toPlainText()


def captions(panel: WalkthroughPanel) -> list[str]:
    return [moment.caption for moment in panel.guide.walkthrough.moments]


def record(desk, panel: WalkthroughPanel, *texts: str) -> None:
    """Record moments one step apart, each with its caption."""
    if not panel.is_recording:
        click(desk, panel.record_button)
    for text in texts:
        click(desk, panel.recorder.add_button)
        type_caption(desk, panel, text)
        desk.player.forward()
        desk.settle()


def type_caption(desk, panel: WalkthroughPanel, text: str) -> None:
    editor = panel.recorder.editor
    editor.setFocus()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    desk.qtbot.keyClicks(editor, text)
    desk.settle()


# Reading


def test_without_a_walkthrough_it_says_where_to_find_one(desk, panel: WalkthroughPanel) -> None:
    assert panel.empty.isVisible()
    assert not panel.next_button.isVisible()
    assert not panel.caption.isVisible()
    with desk.qtbot.waitSignal(panel.examples_requested):
        click(desk, panel.open_button)


def test_next_and_previous_by_mouse_and_keys(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    assert panel.moments_button.text() == "1 / 3"
    assert shown(panel) == "First: 0.4."
    assert not panel.previous_button.isEnabled()
    assert not panel.source.isVisible()
    click(desk, panel.next_button)
    assert shown(panel) == "Second: \ufffc is 0.3775."
    assert desk.player.step.quantity == Quantity(Kind.WEIGHTED_SUM, "h1")
    panel.next_button.setFocus()
    desk.qtbot.keyClick(panel.next_button, Qt.Key.Key_PageDown)
    desk.settle()
    assert panel.moments_button.text() == "3 / 3"
    assert not panel.next_button.isEnabled()
    assert panel.source.isVisible()
    assert panel.source.text() == "Source: A book"
    desk.qtbot.keyClick(panel.previous_button, Qt.Key.Key_PageUp)
    click(desk, panel.previous_button)
    assert shown(panel) == "First: 0.4."


def test_the_menu_leads_to_any_moment(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    menu: QMenu = panel.moments_menu
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == [
        "1  First: w(w5).",
        "2  Second: z(h1) is z(h1).",
        "3  Third.",
    ]
    assert [action.isChecked() for action in menu.actions()] == [True, False, False]
    menu.actions()[2].trigger()
    desk.settle()
    assert panel.guide.place == 2


def test_what_a_moment_hides_can_be_shown(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    desk.spotlight.show_parts((), ["weights"])
    panel.moments_menu.aboutToShow.emit()
    panel.moments_menu.actions()[-1].trigger()
    assert not desk.spotlight.hidden


def test_numbers_are_live_and_the_way_back_is_one_click(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    assert not panel.away.isVisible()
    with desk.document.edit("Change w5") as draft:
        draft.network.set_values({**draft.network.values, "w5": 0.75})
    desk.settle()
    assert shown(panel) == "First: 0.75."
    assert panel.away.isVisible()
    click(desk, panel.away.button)
    assert shown(panel) == "First: 0.4."
    assert not panel.away.isVisible()
    assert desk.undo_texts == ["Change w5", "Moment 1"]


def test_a_hidden_panel_catches_up_when_it_is_shown(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    panel.hide()
    panel.guide.next()
    desk.settle()
    panel.show()
    desk.settle()
    assert panel.moments_button.text() == "2 / 3"
    assert shown(panel).startswith("Second")


def test_presenting_is_asked_for(desk, panel: WalkthroughPanel) -> None:
    open_walkthrough(desk)
    with desk.qtbot.waitSignal(panel.present_requested):
        click(desk, panel.present_button)


@pytest.mark.parametrize("width", [280, 380, 700])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_nothing_is_cut_off(desk, panel: WalkthroughPanel, width: int, mode: str) -> None:
    open_walkthrough(desk)
    theme().set_mode(mode)  # type: ignore[arg-type]
    panel.resize(width, 420)
    desk.settle()
    for button in (panel.previous_button, panel.next_button, panel.record_button, panel.moments_button):
        assert button.width() >= button.minimumSizeHint().width()
        assert panel.rect().contains(button.mapTo(panel, QPoint(0, 0)))
        assert panel.rect().contains(button.mapTo(panel, QPoint(button.width() - 1, button.height() - 1)))
    assert colors(panel.grab().toImage()) > 3
    theme().set_mode("light")


def colors(image: QImage) -> int:
    return len({image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)})


# Recording


def test_recording_three_moments_without_code(desk, panel: WalkthroughPanel) -> None:
    click(desk, panel.begin_button)
    assert panel.is_recording
    assert panel.recorder.isVisible()
    record(desk, panel, "One", "Two", "Three")
    assert captions(panel) == ["One", "Two", "Three"]
    moments = panel.guide.walkthrough.moments
    assert [moment.position for moment in moments] == ["start", "x(i1)", "x(i2)"]
    assert len(panel.guide.walkthrough.scenes) == 1
    assert desk.undo_texts[:2] == ["Add moment 1", "Caption of moment 1"]
    # What was recorded plays.
    click(desk, panel.record_button)
    click(desk, panel.previous_button)
    click(desk, panel.previous_button)
    assert shown(panel) == "One"
    assert desk.player.index == 0
    assert not panel.away.isVisible()


def test_a_moment_takes_the_question_the_selection_and_the_update(desk, panel: WalkthroughPanel) -> None:
    desk.player.apply_update()
    desk.player.apply_update()
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    desk.select("w5")
    desk.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w5"))
    desk.inquiry.follow(Quantity(Kind.PRE_ACTIVATION_GRAD, "o1"))
    record(desk, panel, "x")
    (moment,) = panel.guide.walkthrough.moments
    assert moment.update == 2
    assert moment.position == "dL/dw(w5)"
    assert moment.ask == ("dL/dw(w5)", "dL/dz(o1)")
    assert moment.select == ("w5",)
    (scene,) = panel.guide.walkthrough.scenes
    # The scene begins before the training, so that moments at other updates share it.
    assert scene.updates == 0
    panel.guide.document.go_to_update(0)
    record(desk, panel, "y")
    assert [m.update for m in panel.guide.walkthrough.moments] == [2, 0]
    assert len(panel.guide.walkthrough.scenes) == 1


def test_another_network_is_another_scene(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "one")
    with desk.document.edit("Change w1") as draft:
        draft.network.set_values({**draft.network.values, "w1": 0.9})
    record(desk, panel, "two")
    assert len(panel.guide.walkthrough.scenes) == 2
    panel.guide.previous()
    assert desk.document.project.network.values["w1"] == 0.15
    panel.guide.next()
    assert desk.document.project.network.values["w1"] == 0.9


def test_symbols_and_numbers_are_inserted_for_what_is_selected_or_asked(desk, panel: WalkthroughPanel) -> None:
    desk.player.go_to(desk.player.length)
    record(desk, panel, "It is ")
    desk.select("w5")
    assert panel.recorder.offer.text().startswith("Inserts w(w5)")
    click(desk, panel.recorder.symbol_button)
    type_caption(desk, panel, " = ")
    click(desk, panel.recorder.number_button)
    assert captions(panel) == ["It is [[w(w5)]] = [[w(w5)=]]"]
    # The step after the last has made the update: numbers are those of what is on show.
    assert shown(panel) == "It is \ufffc = 0.3589"
    desk.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w5"))
    desk.settle()
    assert panel.recorder.offer.text().startswith("Inserts dL/dw(w5)")
    desk.select("i1")
    desk.inquiry.end()
    assert panel.recorder.recorder.offered() == "x(i1)"
    desk.select("h1")
    assert panel.recorder.recorder.offered() == "a(h1)"


def test_a_reference_that_cannot_be_read_is_said_and_not_kept(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "fine ")
    type_caption(desk, panel, "[[w(w9)=]]")
    assert "no edge called “w9”" in panel.recorder.message.text()
    assert panel.recorder.message.isVisible()
    assert captions(panel)[0].startswith("fine")
    assert "w9" not in "".join(captions(panel)).replace("[[w(w9)=]", "")
    assert panel.recorder.editor.toPlainText().endswith("[[w(w9)=]]")
    for _ in range(len("[[w(w9)=]]")):
        desk.qtbot.keyClick(panel.recorder.editor, Qt.Key.Key_Backspace)
    type_caption(desk, panel, "[[w(w5)=]]")
    assert not panel.recorder.message.isVisible()
    assert captions(panel) == ["fine [[w(w5)=]]"]


def test_typing_is_one_undo_entry_and_undo_brings_the_text_back(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "word")
    assert desk.undo_texts == ["Add moment 1", "Caption of moment 1"]
    desk.document.undo_stack.undo()
    desk.settle()
    assert panel.recorder.editor.toPlainText() == ""
    desk.document.undo_stack.undo()
    desk.settle()
    assert panel.guide.count == 0
    assert not panel.recorder.editor.isEnabled()
    desk.document.undo_stack.redo()
    desk.document.undo_stack.redo()
    desk.settle()
    assert panel.recorder.editor.toPlainText() == "word"


def test_order_copies_and_removal(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "a", "b", "c")
    recorder = panel.recorder
    assert [recorder.list.item(row).text() for row in range(3)] == ["1  a", "2  b", "3  c"]
    click(desk, recorder.up_button)
    assert captions(panel) == ["a", "c", "b"]
    assert panel.guide.place == 1
    item = recorder.list.item(0)
    desk.qtbot.mouseClick(recorder.list.viewport(), LEFT, pos=recorder.list.visualItemRect(item).center())
    desk.settle()
    assert panel.guide.place == 0
    click(desk, recorder.down_button)
    assert captions(panel) == ["c", "a", "b"]
    click(desk, recorder.duplicate_button)
    assert captions(panel) == ["c", "a", "a", "b"]
    click(desk, recorder.remove_button)
    click(desk, recorder.remove_button)
    assert captions(panel) == ["c", "a"]
    click(desk, recorder.remove_button)
    click(desk, recorder.remove_button)
    assert panel.guide.count == 0
    assert desk.document.project.walkthrough is None
    desk.document.undo_stack.undo()
    assert captions(panel) == ["c"]


def test_dragging_in_the_list_reorders(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "a", "b", "c")
    model = panel.recorder.list.model()
    # What the view does when an item is dropped behind the last.
    assert model.moveRow(panel.recorder.list.rootIndex(), 0, panel.recorder.list.rootIndex(), 3)
    desk.settle()
    assert captions(panel) == ["b", "c", "a"]
    assert panel.guide.place == 2
    assert [panel.recorder.list.item(row).text() for row in range(3)] == ["1  b", "2  c", "3  a"]


def test_retaking_keeps_the_words(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "words")
    desk.step_to(Kind.LOSS, "")
    click(desk, panel.recorder.retake_button)
    (moment,) = panel.guide.walkthrough.moments
    assert (moment.caption, moment.position) == ("words", "L")
    assert not panel.guide.is_away


def test_what_is_hidden_highlighted_and_brought_forward(desk, panel: WalkthroughPanel) -> None:
    record(desk, panel, "x")
    recorder = panel.recorder
    desk.select("w5", "h1")
    click(desk, recorder.highlight_button)
    desk.select("w1")
    click(desk, recorder.hide_button)
    click(desk, recorder.boxes["gradients"])
    moment = panel.guide.moment
    assert moment is not None
    assert moment.highlight == ("h1", "w5")
    assert moment.hide == ("gradients", "w1")
    assert desk.spotlight.hidden == {"gradients", "w1"}
    recorder.panel_box.setFocus()
    desk.qtbot.keyClick(recorder.panel_box, Qt.Key.Key_Down)
    desk.settle()
    assert panel.guide.moment is not None
    assert panel.guide.moment.panel == "Explain"
    click(desk, recorder.clear_button)
    assert panel.guide.moment.hide == ()
    assert not desk.spotlight.highlighted


def test_nothing_is_recorded_during_a_run(desk, panel: WalkthroughPanel) -> None:
    click(desk, panel.record_button)
    desk.document.busy = "A run is under way."
    click(desk, panel.recorder.add_button)
    assert panel.recorder.message.text() == "A run is under way."
    desk.document.busy = ""
    assert panel.guide.count == 0


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("", "(no caption)"),
        ("## Look at [[w(w5)=8]]", "Look at w(w5)"),
        ("$\\frac{a}{b}$ **is** [here](https://a.b)", "a/b is here"),
        ("one two three four five six seven eight", "one two three four five six seven …"),
    ],
)
def test_first_words(caption: str, words: str) -> None:
    assert first_words(caption) == words
