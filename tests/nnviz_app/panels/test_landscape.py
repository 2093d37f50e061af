"""The surface panel: paths over the updates, surfaces made in slices, the path on them, and taking values from them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from core.landscape import SIDE, Surface
from core.numbers import format_number
from core.style import Notation
from nnviz_app.document import Document
from nnviz_app.panels import landscape, landscape_maker
from nnviz_app.panels.landscape import LandscapePanel
from nnviz_app.panels.landscape_form import View
from nnviz_app.panels.landscape_plot import heights
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> Iterator[LandscapePanel]:
    trainer = Trainer(desk.document, desk.player)
    made = LandscapePanel(desk.document, desk.player, desk.selection, trainer, desk.preferences)
    desk.show(made, 520, 560)
    desk.qtbot.waitUntil(lambda: made.plot is not None)
    yield made
    trainer.shutdown()


def update(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.player.apply_update()


def wait_for_surface(desk: Desk, panel: LandscapePanel) -> Surface:
    def is_done() -> bool:
        made = panel.maker.surface
        done = panel._is_fresh() and not panel.maker.is_at_work
        return done and made is not None and bool(np.isfinite(made.losses).all())

    desk.qtbot.waitUntil(is_done)
    assert panel.maker.surface is not None
    return panel.maker.surface


def choose_view(desk: Desk, panel: LandscapePanel, view: View) -> None:
    panel.form.view_box.setFocus()
    while panel.view is not view:
        desk.qtbot.keyClick(panel.form.view_box, Qt.Key.Key_Down)


def pixel(panel: LandscapePanel, x: float, y: float) -> QPoint:
    assert panel.plot is not None
    scene = panel.plot.item.getViewBox().mapViewToScene(QPointF(x, y))
    return panel.plot.plot.mapFromScene(scene)


def click(desk: Desk, panel: LandscapePanel, x: float, y: float) -> None:
    assert panel.plot is not None
    desk.settle()
    desk.qtbot.mouseClick(panel.plot.plot.viewport(), LEFT, pos=pixel(panel, x, y))


def hover(desk: Desk, panel: LandscapePanel, x: float, y: float) -> None:
    assert panel.plot is not None
    desk.settle()
    desk.qtbot.mouseMove(panel.plot.plot.viewport(), QPoint(5, 5))
    desk.qtbot.mouseMove(panel.plot.plot.viewport(), pixel(panel, x, y))


def curve(panel: LandscapePanel, place: int) -> tuple[list[float], list[float]]:
    assert panel.plot is not None
    x, y = panel.plot.curves[place].getData()
    return list(x), list(y)


# Paths


def test_before_the_first_update_it_says_how_to_begin(panel: LandscapePanel) -> None:
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == landscape.NO_PATH.format("w1 and w2")
    assert panel.boxes.pair == ("w1", "w2")


def test_the_path_of_two_parameters(panel: LandscapePanel, desk: Desk) -> None:
    values = [desk.document.project.network.values]
    for _ in range(4):
        update(desk, 1)
        values.append(desk.document.project.network.values)
    assert len(panel.plot.curves) == 2  # type: ignore[union-attr]
    for place, name in enumerate(("w1", "w2")):
        assert curve(panel, place) == ([0, 1, 2, 3, 4], [v[name] for v in values])
    assert panel.plot.cursor_line.value() == 4  # type: ignore[union-attr]
    assert f"w1 {format_number(values[4]['w1'], 5)}" in panel.reading_label.text()
    desk.player.go_to(0)
    desk.player.back()
    assert panel.plot.cursor_line.value() == 3  # type: ignore[union-attr]
    assert panel.reading_label.text().startswith("Update 3: ")
    assert curve(panel, 0)[0] == [0, 1, 2, 3, 4]


def test_selecting_on_the_canvas_chooses_the_parameters(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 2)
    desk.select("w5", "h1", "o2")
    assert panel.boxes.pair == ("w5", "h1")
    assert panel.boxes.chosen == ("w5", "h1", "o2")
    assert len(panel.plot.curves) == 3  # type: ignore[union-attr]
    assert "b(o2)" in panel.reading_label.text()
    desk.preferences.set_notation(Notation(weights="ends"))
    assert "w(h1,o1)" in panel.reading_label.text()
    assert panel.boxes.first_box.currentText() == "w(h1,o1)"
    desk.select("i1")
    assert panel.boxes.pair == ("w5", "h1")
    desk.select("w7")
    assert panel.boxes.pair == ("w7", "w5")


def test_choosing_in_the_boxes(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 1)
    box = panel.boxes.second_box
    box.setFocus()
    desk.qtbot.keyClick(box, Qt.Key.Key_Down)
    assert panel.boxes.pair == ("w1", "w3")
    panel.boxes.first_box.setFocus()
    while panel.boxes.pair[0] != "w3":
        desk.qtbot.keyClick(panel.boxes.first_box, Qt.Key.Key_Down)
    # The other box had it.
    assert panel.boxes.pair == ("w3", "w2")
    assert panel.boxes.second_box.currentData() == "w2"


def test_pointing_at_an_update_reads_the_values(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 5)
    value = desk.document.run.parameters_at(2)["w1"]
    hover(desk, panel, 2.2, value)
    desk.qtbot.waitUntil(lambda: panel.reading_label.text().startswith("Update 2: "))
    assert repr(value) in panel.reading_label.toolTip()


def test_it_grows_during_a_run(panel: LandscapePanel, desk: Desk) -> None:
    panel.trainer.start(1_000_000)
    desk.qtbot.waitUntil(lambda: len(panel.walk.updates) > 2)
    assert panel.trainer.is_running
    assert (np.diff(panel.walk.updates) > 0).all()
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    project = desk.document.project
    assert panel.walk.updates[0] == 0
    assert panel.walk.updates[-1] == project.updates
    assert panel.walk.values[-1].tolist() == [project.network.values[name] for name in ("w1", "w2")]
    assert len(panel.walk.updates) <= 2 * 500


def test_a_removed_parameter_is_no_longer_chosen(panel: LandscapePanel, desk: Desk) -> None:
    desk.select("w1", "w3")
    with desk.document.edit("Delete") as draft:
        draft.network.remove_edge("w3")
    assert panel.boxes.pair[0] == "w1"
    assert "w3" not in panel.boxes.pair
    desk.document.open_project(type(desk.document.project)())
    assert panel.placeholder.text() == landscape.NO_PARAMETER


# Surfaces


def test_a_surface_of_two_parameters(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 3)
    choose_view(desk, panel, View.TWO)
    surface = wait_for_surface(desk, panel)
    values, run = desk.document.project.network.values, desk.document.run
    assert surface.loss_at(values["w1"], values["w2"]) == pytest.approx(run.table_loss(3), rel=1e-12)
    assert panel.caption.text() == "Loss of 1 training row"
    expected = f"Present: w1 = {format_number(values['w1'])}, w2 = {format_number(values['w2'])}: loss "
    assert panel.reading_label.text().startswith(expected)
    plot = panel.plot
    assert plot is not None
    assert plot.present_dot.getData()[0].tolist() == [values["w1"]]
    assert plot.path.getData()[0].tolist() == [run.parameters_at(k)["w1"] for k in (0, 1, 2, 3, 3)]
    (left, right), (bottom, top) = plot.item.viewRange()
    window = surface.window
    assert (left, right, bottom, top) == pytest.approx((window.left, window.right, window.bottom, window.top))
    assert len(plot.level_lines.getData()[0]) > 50


def test_going_back_moves_the_present_place(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 3)
    choose_view(desk, panel, View.TWO)
    wait_for_surface(desk, panel)
    desk.player.go_to(0)
    desk.player.back()
    plot = panel.plot
    assert plot is not None
    assert plot.present_dot.getData()[0].tolist() == [desk.document.run.parameters_at(2)["w1"]]
    assert len(plot.later_path.getData()[0]) == 2
    assert panel.caption.text().endswith("before the last changes")
    wait_for_surface(desk, panel)
    assert panel.caption.text() == "Loss of 1 training row"


def test_clicking_reads_the_loss_and_taking_it_is_one_undo_entry(panel: LandscapePanel, desk: Desk) -> None:
    choose_view(desk, panel, View.TWO)
    surface = wait_for_surface(desk, panel)
    assert not panel.take_button.isEnabled()
    before = desk.document.project.network.values
    click(desk, panel, before["w1"] + 0.5, before["w2"] - 0.4)
    assert panel.picked is not None
    x, y = panel.picked
    assert (x, y) == pytest.approx((before["w1"] + 0.5, before["w2"] - 0.4), abs=0.02)
    assert len(f"{x}") <= 7
    assert panel.reading_label.text().startswith(f"Marked: w1 = {format_number(x)}, w2 = {format_number(y)}: loss ")
    loss = surface.loss_at(x, y)
    assert format_number(loss, 6) in panel.reading_label.text()
    desk.qtbot.mouseClick(panel.take_button, LEFT)
    assert desk.document.project.network.values == {**before, "w1": x, "w2": y}
    assert desk.undo_texts == ["Take values from the surface"]
    run = desk.document.run
    assert run.table_loss(run.last) == pytest.approx(loss, rel=1e-12)
    # The others have not changed: the surface is still right.
    assert panel.maker.surface is surface
    assert panel._is_fresh()
    desk.document.undo_stack.undo()
    assert desk.document.project.network.values == before


def test_random_directions(panel: LandscapePanel, desk: Desk) -> None:
    update(desk, 3)
    choose_view(desk, panel, View.RANDOM)
    surface = wait_for_surface(desk, panel)
    assert not panel.boxes.isVisible()
    assert surface.loss_at(0.0, 0.0) == pytest.approx(desk.document.run.table_loss(3), rel=1e-12)
    plot = panel.plot
    assert plot is not None
    np.testing.assert_allclose([c[-1] for c in plot.path.getData()], [0.0, 0.0], atol=1e-12)
    desk.qtbot.mouseClick(panel.form.seed_button, LEFT)
    other = wait_for_surface(desk, panel)
    assert not np.array_equal(other.plane.first, surface.plane.first)
    click(desk, panel, 0.5, 0.25)
    assert panel.picked is not None
    expected = other.plane.values(*panel.picked)
    desk.qtbot.mouseClick(panel.take_button, LEFT)
    assert desk.document.project.network.values == expected


def test_the_range_can_be_typed(panel: LandscapePanel, desk: Desk) -> None:
    choose_view(desk, panel, View.TWO)
    wait_for_surface(desk, panel)
    field = panel.form.reach_field
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, "-3")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.form.message.text().startswith("The range must be above 0")
    field.selectAll()
    desk.qtbot.keyClicks(field, "5")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert not panel.form.message.isVisible()
    surface = wait_for_surface(desk, panel)
    assert surface.window.right - surface.window.left == pytest.approx(10.0)
    field.selectAll()
    desk.qtbot.keyClicks(field, "auto")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert wait_for_surface(desk, panel).window.right - surface.window.left < 10.0


def test_what_takes_long_is_computed_when_asked(
    panel: LandscapePanel, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape_maker, "LONG", 0.0)
    choose_view(desk, panel, View.TWO)
    desk.qtbot.waitUntil(lambda: panel.caption.text().endswith("press Compute."))
    assert not panel.maker.is_at_work
    desk.qtbot.mouseClick(panel.form.compute_button, LEFT)
    assert panel.maker.is_at_work
    assert not panel.form.compute_button.isEnabled()
    wait_for_surface(desk, panel)
    assert panel.form.compute_button.isEnabled()


def test_one_slow_moment_does_not_make_a_person_ask(
    panel: LandscapePanel, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss_at, asked = Surface.loss_at, count()

    def interrupted(surface: Surface, x: float, y: float) -> float:
        if next(asked) == 0:
            time.sleep(2 * landscape_maker.LONG / SIDE**2)
        return loss_at(surface, x, y)

    monkeypatch.setattr(Surface, "loss_at", interrupted)
    choose_view(desk, panel, View.TWO)
    wait_for_surface(desk, panel)


def test_it_is_computed_in_slices(panel: LandscapePanel, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape_maker, "SLICE", 0.0)
    monkeypatch.setattr(landscape_maker, "PICTURE_PAUSE", 0.0)
    choose_view(desk, panel, View.TWO)
    desk.qtbot.waitUntil(lambda: 0 < panel.maker.done < SIDE * SIDE)
    assert "computing" in panel.caption.text()
    # Hidden, it stops; shown, it begins again.
    panel.hide()
    assert not panel.maker.is_at_work
    monkeypatch.undo()
    panel.show()
    wait_for_surface(desk, panel)


def test_no_surface_during_a_run(panel: LandscapePanel, desk: Desk) -> None:
    choose_view(desk, panel, View.TWO)
    wait_for_surface(desk, panel)
    panel.trainer.start(1_000_000)
    desk.qtbot.waitUntil(lambda: len(panel.walk.updates) > 2)
    assert not panel.form.compute_button.isEnabled()
    assert not panel.maker.is_at_work
    assert panel.caption.text().endswith("before the last changes")
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    wait_for_surface(desk, panel)


def test_reasons_why_there_is_none(panel: LandscapePanel, desk: Desk) -> None:
    choose_view(desk, panel, View.RANDOM)
    with desk.document.edit("Zero") as draft:
        draft.network.set_values(dict.fromkeys(draft.network.edges, 0.0))
    desk.qtbot.waitUntil(lambda: "draw new random weights" in panel.placeholder.text())
    assert not panel.form.compute_button.isEnabled()
    desk.document.undo_stack.undo()
    wait_for_surface(desk, panel)
    with desk.document.edit("Roles") as draft:
        for name in ("o1", "o2"):
            draft.network.set_role(name, "hidden")
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == landscape.NO_LOSS


def test_new_data_make_another_surface(panel: LandscapePanel, desk: Desk) -> None:
    choose_view(desk, panel, View.TWO)
    former = wait_for_surface(desk, panel)
    with desk.document.edit("Data") as draft:
        draft.dataset.set_value(0, "o1", 0.9)
    assert panel.maker.surface is None
    assert wait_for_surface(desk, panel) is not former


def test_many_rows_are_told(panel: LandscapePanel, desk: Desk) -> None:
    rng = np.random.default_rng(1)
    desk.set_data({name: rng.random(1200) for name in ("i1", "i2", "o1", "o2")})
    choose_view(desk, panel, View.TWO)
    wait_for_surface(desk, panel)
    assert panel.caption.text() == "Loss of 1,000 of 1,200 training rows"


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_themes_and_large_text(panel: LandscapePanel, desk: Desk, mode: str, view: View) -> None:
    update(desk, 2)
    panel.form.set_view(view)
    if view is not View.PATH:
        wait_for_surface(desk, panel)
    try:
        theme().set_mode(mode)  # type: ignore[arg-type]
        theme().set_text_scale(2.0)
        desk.settle()
        assert panel.plot is not None
        assert panel.plot.isVisible()
        assert panel.plot.plot.backgroundBrush().color() == theme().palette.panel
        panel.grab()
    finally:
        theme().set_mode("light")
        theme().set_text_scale(1.0)


def test_pyqtgraph_comes_after_the_first_paint(desk: Desk) -> None:
    trainer = Trainer(desk.document, desk.player)
    panel = LandscapePanel(desk.document, desk.player, desk.selection, trainer, desk.preferences)
    desk.qtbot.addWidget(panel)
    assert panel.plot is None
    panel.show()
    assert panel.plot is None
    desk.qtbot.waitUntil(lambda: panel.plot is not None)
    assert "pyqtgraph" in sys.modules


def test_heights_are_logarithms_where_losses_span_factors() -> None:
    assert heights(np.array([1.0, 100.0, np.inf]))[1]
    assert not heights(np.array([0.0, 100.0]))[1]
    shown, is_log = heights(np.array([1.0, 2.0, np.nan]))
    assert not is_log
    assert np.isnan(shown[2])


def test_an_empty_document_has_no_parameter(desk: Desk) -> None:
    document = Document()
    trainer = Trainer(document, desk.player)
    panel = desk.show(LandscapePanel(document, desk.player, desk.selection, trainer, desk.preferences))
    desk.qtbot.waitUntil(lambda: panel.plot is not None)
    for view in View:
        panel.form.set_view(view)
        assert panel.placeholder.text() == landscape.NO_PARAMETER
