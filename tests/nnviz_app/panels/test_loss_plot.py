"""The loss plot: it grows with the updates, its cursor goes back with them, and it is live during a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.numbers import format_exact, format_number
from core.project import Project
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.panels import loss_plot
from nnviz_app.panels.loss_plot import LossPlotPanel
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

LEFT = Qt.MouseButton.LeftButton


def project_of(rows: int = 3, **settings: object) -> Project:
    """A 1-2-1 network."""
    rng = np.random.default_rng(3)
    network = Network()
    network.add_neuron("input", id="i1")
    for name in ("h1", "h2"):
        network.add_neuron("hidden", id=name, activation="sigmoid")
    network.add_neuron("output", id="o1", activation="sigmoid")
    connect_all(network, ["i1"], ["h1", "h2"], lambda: float(rng.normal()))
    connect_all(network, ["h1", "h2"], ["o1"], lambda: float(rng.normal()))
    columns = {name: rng.uniform(0, 1, rows) for name in ("i1", "o1")}
    return Project(network, Dataset(columns), Settings(**settings))


@pytest.fixture
def tips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the tooltips, whether or not there is a pointer that they could stand at."""
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, *_: shown.append(text))
    return shown


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[LossPlotPanel]:
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    trainer = Trainer(document, player, document)
    panel = LossPlotPanel(document, player, trainer)
    document.setParent(panel)
    qtbot.addWidget(panel)
    panel.resize(500, 300)
    panel.show()
    qtbot.waitUntil(lambda: panel.curves is not None)
    yield panel
    trainer.shutdown()


def drawn(curve: object) -> tuple[list[float], list[float]]:
    x, y = curve.getOriginalDataset()  # type: ignore[attr-defined]
    return ([] if x is None else list(x)), ([] if y is None else list(y))


def place_of(panel: LossPlotPanel, update: float) -> QPoint:
    """Where an update stands, in the middle of the plot's height."""
    curves = panel.curves
    assert curves is not None
    for _ in range(4):
        QApplication.processEvents()
    (_, _), (low, high) = curves.view.viewRange()
    return curves.plot.mapFromScene(curves.view.mapViewToScene(QPointF(update, (low + high) / 2)))


def hover(panel: LossPlotPanel, qtbot: QtBot, update: float) -> None:
    assert panel.curves is not None
    qtbot.mouseMove(panel.curves.plot.viewport(), QPoint(5, 5))
    qtbot.mouseMove(panel.curves.plot.viewport(), place_of(panel, update))


def click(panel: LossPlotPanel, qtbot: QtBot, update: float) -> None:
    assert panel.curves is not None
    qtbot.mouseClick(panel.curves.plot.viewport(), LEFT, pos=place_of(panel, update))


def press(panel: LossPlotPanel, qtbot: QtBot, action: QAction) -> None:
    """Click a button of the bar."""
    qtbot.mouseClick(panel.bar.widgetForAction(action), LEFT)


def train(panel: LossPlotPanel, qtbot: QtBot, epochs: int) -> None:
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(epochs)


def test_before_the_first_update_it_says_how_to_begin(panel: LossPlotPanel) -> None:
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == loss_plot.EMPTY
    assert not panel.curves.plot.isVisible()
    assert panel.reading_label.text().startswith("Update 0 (0 epochs): mean loss of ")


def test_without_a_loss_it_says_what_is_missing(panel: LossPlotPanel) -> None:
    with panel.document.edit("Set role") as draft:
        draft.network.set_role("o1", "hidden")
    assert panel.placeholder.text() == loss_plot.NO_LOSS
    assert panel.reading_label.text() == ""


def test_each_update_adds_a_point_and_going_back_moves_the_cursor(panel: LossPlotPanel) -> None:
    document, losses = panel.document, []
    for update in range(4):
        losses.append(document.run.table_loss(update))
        panel.player.apply_update()
    losses.append(document.run.table_loss(4))
    assert panel.curves.plot.isVisible()
    assert drawn(panel.curves.curves[0]) == ([0, 1, 2, 3, 4], losses)
    assert panel.curves.cursor_line.value() == 4
    for update in (3, 2):
        panel.player.go_to(0)
        panel.player.back()
        assert panel.curves.cursor_line.value() == update
        assert drawn(panel.curves.curves[0]) == (list(range(update + 1)), losses[: update + 1])
        # What came later is still there, paler, joined to the rest.
        assert drawn(panel.curves.later_curves[0]) == (list(range(update, 5)), losses[update:])
        assert panel.reading_label.text().startswith(f"Update {update} (")
        assert format_exact(losses[update]) in panel.reading_label.toolTip()
    document.reset()
    assert panel.placeholder.isVisible()
    document.undo_stack.undo()
    assert drawn(panel.curves.curves[0]) == ([0, 1, 2], losses[:3])


def test_between_the_points_of_a_run_the_cursors_loss_is_computed(panel: LossPlotPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(5)
    assert drawn(panel.curves.curves[0])[0] == [0, 3, 6, 9, 12, 15]
    panel.player.go_to(0)
    panel.player.back()
    exact = panel.document.run.table_loss(14)
    assert panel.curves.cursor_line.value() == 14
    assert drawn(panel.curves.curves[0])[0] == [0, 3, 6, 9, 12, 14]
    assert drawn(panel.curves.curves[0])[1][-1] == exact
    assert drawn(panel.curves.later_curves[0])[0] == [14, 15]
    assert format_exact(exact) in panel.reading_label.toolTip()


def test_hovering_shows_all_numbers_of_an_update_exactly(panel: LossPlotPanel, qtbot: QtBot, tips: list[str]) -> None:
    for _ in range(5):
        panel.player.apply_update()
    hover(panel, qtbot, 2.1)
    loss = format_exact(panel.document.run.points()[2].loss)
    assert "Update 2 (0 epochs)" in tips[-1]
    assert f"training loss {loss}" in tips[-1]
    assert list(panel.curves.hover_dots.getData()[0]) == [2]
    QApplication.sendEvent(panel.curves.plot.viewport(), QEvent(QEvent.Type.Leave))
    assert len(panel.curves.hover_dots.getData()[0]) == 0
    assert panel.reading_label.text().startswith("Update 5 (1 epoch): mean loss of 3 rows ")


def test_what_is_pointed_at_follows_the_axis(panel: LossPlotPanel, qtbot: QtBot, tips: list[str]) -> None:
    train(panel, qtbot, 10)
    hover(panel, qtbot, 15)
    assert "<b>Update 15 (5 epochs)</b>" in tips[-1]
    # The pointer stays in the middle of the plot, whose axis is twice as long now.
    train(panel, qtbot, 10)
    assert "<b>Update 30 (10 epochs)</b>" in tips[-1]
    assert list(panel.curves.hover_dots.getData()[0]) == [30]


def test_a_click_goes_to_the_update_and_further_to_one_without_a_point(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 20)
    document = panel.document
    after = document.run.parameters_at(6)
    click(panel, qtbot, 6.2)
    assert document.project.updates == 6
    assert dict(document.project.network.values) == after
    # One undo entry for however many moves.
    click(panel, qtbot, 30)
    click(panel, qtbot, 12)
    assert document.undo_stack.undoText() == "Go to update 12"
    document.undo_stack.undo()
    assert document.project.updates == 60


def test_the_cursor_line_is_dragged(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 20)
    viewport = panel.curves.plot.viewport()
    start = place_of(panel, 60) + QPoint(3, 0)
    qtbot.mouseMove(viewport, start)
    assert viewport.cursor().shape() is Qt.CursorShape.SizeHorCursor
    qtbot.mousePress(viewport, LEFT, pos=start)
    seen = []
    for update in (41, 25):
        qtbot.mouseMove(viewport, place_of(panel, update))
        seen.append(panel.document.project.updates)
    qtbot.mouseRelease(viewport, LEFT, pos=place_of(panel, 25))
    assert [abs(at - wanted) <= 1 for at, wanted in zip(seen, (41, 25), strict=True)] == [True, True]
    assert panel.curves.cursor_line.value() == seen[-1] == panel.update_on_show
    # Let go, it stays where it is.
    qtbot.mouseMove(viewport, place_of(panel, 50))
    assert panel.update_on_show == seen[-1]


def test_where_the_history_does_not_reach_a_click_does_nothing(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 10)
    with panel.document.edit("Weight") as draft:
        draft.network.set_values({next(iter(draft.network.values)): 0.1})
    train(panel, qtbot, 10)
    assert (panel.document.run.first, panel.document.run.last) == (30, 60)
    click(panel, qtbot, 9)
    assert panel.document.project.updates == 60
    click(panel, qtbot, 45)
    assert panel.document.project.updates == 45
    # What is applied next is what the run did there.
    assert panel.player.row == panel.document.run.rows_of(46)[0]


def test_the_wheel_chooses_a_part_and_all_of_it_again(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 20)
    view, plot = panel.curves.view, panel.curves.plot
    whole = view.viewRange()
    for turns, closer in ((6, True), (20, False)):
        for _ in range(turns):
            middle = QPointF(place_of(panel, 10))
            wheel = QWheelEvent(
                middle, plot.viewport().mapToGlobal(middle), QPoint(), QPoint(0, 120 if closer else -120),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(plot.viewport(), wheel)
        low, high = view.viewRange()[0]
        assert (high - low < 40) == closer
        if closer:
            # The height goes with what is seen, and a further update moves nothing.
            before = view.viewRange()
            panel.player.apply_update()
            assert view.viewRange() == before
            assert before[1] != whole[1]
    panel.player.apply_update()
    assert view.viewRange()[0][1] >= 62


def test_the_logarithmic_axis(panel: LossPlotPanel, qtbot: QtBot) -> None:
    for _ in range(3):
        panel.player.apply_update()
    press(panel, qtbot, panel.bar.log)
    assert panel.bar.log.isChecked()
    assert panel.curves.item.getAxis("left").logMode
    low, high = panel.curves.item.viewRange()[1]
    logs = np.log10([point.loss for point in panel.document.run.points()])
    assert low <= logs.min() <= logs.max() <= high
    press(panel, qtbot, panel.bar.log)
    assert panel.curves.item.viewRange()[1][0] <= 0


def test_a_loss_of_zero_or_infinity_is_left_out(panel: LossPlotPanel) -> None:
    with panel.document.edit("Fit") as draft:
        draft.network.set_activation("o1", "linear")
        draft.network.set_values(dict.fromkeys(draft.network.values, 0.0))
        draft.dataset.set_values({(row, "o1"): 0.0 for row in range(3)})
    for _ in range(2):
        panel.player.apply_update()
    panel.bar.log.setChecked(True)
    assert drawn(panel.curves.curves[0]) == ([], [])
    panel.bar.log.setChecked(False)
    assert drawn(panel.curves.curves[0])[1] == [0.0, 0.0, 0.0]
    panel.curves.plot.grab()


def test_it_is_live_during_a_run(panel: LossPlotPanel, qtbot: QtBot) -> None:
    panel.trainer.start(1_000_000)
    with qtbot.waitSignal(panel.trainer.progressed) as caught:
        pass
    # In its turn among the panels, after the report.
    qtbot.waitUntil(lambda: panel.curves.cursor_line.value() >= caught.args[0].update)
    reached = panel.curves.cursor_line.value()
    assert drawn(panel.curves.curves[0])[0][-1] == reached
    low, high = panel.curves.plot.getPlotItem().viewRange()[0]
    assert low <= 0 < reached <= high
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert drawn(panel.curves.curves[0])[0][-1] == panel.document.project.updates


def test_the_colours_follow_the_theme(panel: LossPlotPanel) -> None:
    for _ in range(2):
        panel.player.apply_update()
    try:
        theme().set_mode("dark")
        assert panel.curves.curves[0].opts["pen"].color() == theme().palette.forward
        assert panel.curves.plot.backgroundBrush().color() == theme().palette.panel
    finally:
        theme().set_mode("light")
    assert panel.curves.curves[0].opts["pen"].color() == theme().palette.forward


def test_there_is_no_menu_of_the_plots_own(panel: LossPlotPanel) -> None:
    panel.player.apply_update()
    view = panel.curves.plot.getPlotItem().getViewBox()
    assert not view.menuEnabled()
    assert panel.curves.plot.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_pyqtgraph_comes_after_the_first_paint(qtbot: QtBot) -> None:
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    panel = LossPlotPanel(document, player, Trainer(document, player, document))
    document.setParent(panel)
    qtbot.addWidget(panel)
    player.apply_update()
    assert panel.curves is None
    panel.show()
    assert panel.curves is None
    assert panel.placeholder.text() == loss_plot.PREPARING
    qtbot.waitUntil(lambda: panel.curves is not None)
    assert panel.curves.plot.isVisible()
    assert drawn(panel.curves.curves[0])[0] == [0, 1]


def test_hidden_it_waits_and_shown_again_it_is_up_to_date(panel: LossPlotPanel) -> None:
    panel.hide()
    for _ in range(3):
        panel.player.apply_update()
    panel.show()
    assert drawn(panel.curves.curves[0])[0] == [0, 1, 2, 3]


# Test rows and accuracies


@pytest.fixture
def classes(panel: LossPlotPanel) -> LossPlotPanel:
    """With twelve rows of two classes, a third of them held out."""
    project = project_of(12)
    project.dataset.set_values({(row, "o1"): float(row % 2) for row in range(12)})
    project.dataset.set_test([0, 1, 2, 3])
    panel.document.open_project(project)
    return panel


def test_training_is_solid_and_test_dashed(classes: LossPlotPanel, qtbot: QtBot) -> None:
    panel = classes
    assert not panel.bar.training.isVisible()
    train(panel, qtbot, 5)
    points = panel.document.run.points()
    training, test = panel.curves.curves[:2]
    assert drawn(training)[1] == [point.loss for point in points]
    assert drawn(test)[1] == [point.test_loss for point in points]
    assert training.opts["pen"].style() is Qt.PenStyle.SolidLine
    assert test.opts["pen"].style() is Qt.PenStyle.CustomDashLine
    assert f"test {points[-1].test_loss:.3}"[:8] in panel.reading_label.text()
    press(panel, qtbot, panel.bar.training)
    assert drawn(training) == ([], [])
    assert len(drawn(test)[0]) == len(points)
    press(panel, qtbot, panel.bar.training)
    press(panel, qtbot, panel.bar.test)
    assert drawn(test) == ([], [])
    assert drawn(training)[1] == [point.loss for point in points]


def test_the_accuracy_of_classes(classes: LossPlotPanel, qtbot: QtBot, tips: list[str]) -> None:
    panel = classes
    panel.bar.log.setChecked(True)
    train(panel, qtbot, 5)
    press(panel, qtbot, panel.bar.accuracy)
    points = panel.document.run.points()
    assert drawn(panel.curves.curves[0]) == ([], [])
    assert drawn(panel.curves.curves[2])[1] == [point.accuracy for point in points]
    assert drawn(panel.curves.curves[3])[1] == [point.test_accuracy for point in points]
    # Its axis is never logarithmic.
    assert not panel.bar.log.isVisible()
    assert not panel.curves.item.getAxis("left").logMode
    assert panel.curves.item.getAxis("left").tickStrings([0.5], 1.0, 0.1) == ["50 %"]
    assert f"accuracy {100 * points[-1].accuracy:.4g} %" in panel.reading_label.text()
    hover(panel, qtbot, 8)
    assert points[1].update == 8
    for title, share in (("training", points[1].accuracy), ("test", points[1].test_accuracy)):
        assert f"{title} accuracy {100 * share:g} %" in tips[-1]
        assert f"{title} loss " in tips[-1]
    press(panel, qtbot, panel.bar.loss)
    assert panel.curves.item.getAxis("left").logMode
    # Numbers have none.
    press(panel, qtbot, panel.bar.accuracy)
    panel.document.open_project(project_of())
    panel.player.apply_update()
    assert not panel.bar.accuracy.isVisible()
    assert len(drawn(panel.curves.curves[0])[0]) == 2


# Former runs


def test_a_former_run_stays_as_a_thin_curve_with_its_name(panel: LossPlotPanel, qtbot: QtBot, tips: list[str]) -> None:
    assert not panel.list_area.isVisible()
    train(panel, qtbot, 20)
    losses = [point.loss for point in panel.document.run.points()]
    panel.document.reset()
    assert panel.list_area.isVisible()
    with panel.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=2.0)
    train(panel, qtbot, 10)
    (former,) = panel.curves._former_curves
    # They part at the start.
    assert drawn(former[0])[1] == losses
    pen = former[0].opts["pen"]
    assert pen.color() == theme().palette.series[1]
    assert pen.widthF() < panel.curves.curves[0].opts["pen"].widthF()
    (row,) = panel.list.rows
    assert row.name.text() == "Run 1: Gradient descent (SGD), rate 0.5, batch 1"
    assert row.value.text() == format_number(losses[-1])
    hover(panel, qtbot, 27)
    assert f"training loss {format_exact(losses[9])}" in tips[-1]
    assert f"training loss {format_exact(panel.document.run.points()[9].loss)}" in tips[-1]
    # The x axis holds both; where one ended is told.
    hover(panel, qtbot, 60)
    assert f"training loss {format_exact(losses[20])}" in tips[-1]
    assert "<b>This run at update 30</b>" in tips[-1]


def test_a_branch_is_drawn_from_where_it_branches(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 20)
    losses = [point.loss for point in panel.document.run.points()]
    panel.document.go_to_update(24)
    panel.document.branch()
    with panel.document.edit("Rate") as draft:
        draft.settings = replace(draft.settings, learning_rate=2.0)
    train(panel, qtbot, 20)
    (former,) = panel.curves._former_curves
    assert drawn(former[0]) == (list(range(24, 61, 3)), losses[8:])
    assert drawn(panel.curves.curves[0])[1][:9] == losses[:9]


def test_runs_are_named_hidden_and_removed(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 4)
    press(panel, qtbot, panel.bar.keep)
    assert not panel.bar.keep.isEnabled()
    (row,) = panel.list.rows
    name = row.name.text()
    for typed, wanted in (("slow", "slow"), ("  ", "slow"), ("quick", "quick")):
        qtbot.mouseDClick(row.name, LEFT)
        row.name.selectAll()
        qtbot.keyClicks(row.name, typed)
        qtbot.keyClick(row.name, Qt.Key.Key_Return)
        assert row.name.text() == panel.runs.kept[0].name == wanted
    assert name != "quick"
    panel.document.reset()
    train(panel, qtbot, 1)
    assert len(panel.curves._former_curves) == 1
    qtbot.mouseClick(row.eye, LEFT)
    assert not panel.runs.kept[0].is_shown
    assert panel.curves._former_curves == []
    qtbot.mouseClick(row.eye, LEFT)
    assert len(panel.curves._former_curves) == 1
    qtbot.mouseClick(row.bin, LEFT)
    assert panel.runs.kept == panel.list.rows == panel.curves._former_curves == []
    assert not panel.list_area.isVisible()


def test_during_a_run_nothing_can_be_gone_to_or_kept(panel: LossPlotPanel, qtbot: QtBot) -> None:
    train(panel, qtbot, 4)
    panel.trainer.start(1_000_000)
    with qtbot.waitSignal(panel.trainer.progressed):
        pass
    assert not panel.bar.keep.isEnabled()
    click(panel, qtbot, 4)
    assert panel.document.project.updates > 12
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert panel.bar.keep.isEnabled()


@pytest.mark.parametrize(("width", "height", "is_beside"), [(900, 300, True), (380, 420, False)])
def test_the_list_stands_where_there_is_room(
    panel: LossPlotPanel, qtbot: QtBot, width: int, height: int, is_beside: bool
) -> None:
    train(panel, qtbot, 4)
    press(panel, qtbot, panel.bar.keep)
    panel.resize(width, height)
    for _ in range(3):
        QApplication.processEvents()
    plot, area = panel.curves.geometry(), panel.list_area.geometry()
    assert (area.left() >= plot.right()) == is_beside
    assert (area.top() >= plot.bottom()) == (not is_beside)
    assert plot.height() > height / 3
    assert area.bottom() <= panel.height()
