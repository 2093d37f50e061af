"""The loss plot: it grows with the updates, its cursor goes back with them, and it is live during a run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.numbers import format_exact
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
    qtbot.waitUntil(lambda: panel.plot is not None)
    yield panel
    trainer.shutdown()


def drawn(curve: object) -> tuple[list[float], list[float]]:
    x, y = curve.getOriginalDataset()  # type: ignore[attr-defined]
    return ([] if x is None else list(x)), ([] if y is None else list(y))


def hover(panel: LossPlotPanel, qtbot: QtBot, update: float, loss: float) -> None:
    view = panel.plot.getPlotItem().getViewBox()
    scene = view.mapViewToScene(QPointF(update, loss))
    qtbot.mouseMove(panel.plot.viewport(), QPoint(5, 5))
    qtbot.mouseMove(panel.plot.viewport(), panel.plot.mapFromScene(scene))


def test_before_the_first_update_it_says_how_to_begin(panel: LossPlotPanel) -> None:
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == loss_plot.EMPTY
    assert not panel.plot.isVisible()
    assert panel.reading_label.text().startswith("Update 0: mean loss of ")


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
    assert panel.plot.isVisible()
    assert drawn(panel.curve) == ([0, 1, 2, 3, 4], losses)
    assert panel.cursor_line.value() == 4
    for update in (3, 2):
        panel.player.go_to(0)
        panel.player.back()
        assert panel.cursor_line.value() == update
        assert drawn(panel.curve) == (list(range(update + 1)), losses[: update + 1])
        # What came later is still there, paler, joined to the rest.
        assert drawn(panel.later_curve) == (list(range(update, 5)), losses[update:])
        assert panel.reading_label.text().startswith(f"Update {update}: mean loss of ")
        assert format_exact(losses[update]) in panel.reading_label.toolTip()
    document.reset()
    assert panel.placeholder.isVisible()
    document.undo_stack.undo()
    assert drawn(panel.curve) == ([0, 1, 2], losses[:3])


def test_between_the_points_of_a_run_the_cursors_loss_is_computed(panel: LossPlotPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.start(5)
    assert drawn(panel.curve)[0] == [0, 3, 6, 9, 12, 15]
    panel.player.go_to(0)
    panel.player.back()
    exact = panel.document.run.table_loss(14)
    assert panel.cursor_line.value() == 14
    assert drawn(panel.curve)[0] == [0, 3, 6, 9, 12, 14]
    assert drawn(panel.curve)[1][-1] == exact
    assert drawn(panel.later_curve)[0] == [14, 15]
    assert format_exact(exact) in panel.reading_label.toolTip()


def test_hovering_shows_the_update_and_its_exact_loss(panel: LossPlotPanel, qtbot: QtBot) -> None:
    for _ in range(5):
        panel.player.apply_update()
    point = panel.document.run.points()[2]
    qtbot.waitUntil(lambda: panel.plot.getPlotItem().getViewBox().width() > 100)
    hover(panel, qtbot, 2.1, point.loss)
    qtbot.waitUntil(lambda: panel.reading_label.text().endswith(f" rows {format_exact(point.loss)}"))
    QApplication.sendEvent(panel.plot.viewport(), QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: panel.reading_label.text().startswith("Update 5: "))


def test_the_logarithmic_axis(panel: LossPlotPanel, qtbot: QtBot) -> None:
    for _ in range(3):
        panel.player.apply_update()
    qtbot.mouseClick(panel.log_box, LEFT, pos=QPoint(6, panel.log_box.height() // 2))
    assert panel.log_box.isChecked()
    assert panel.plot.getPlotItem().getAxis("left").logMode
    low, high = panel.plot.getPlotItem().viewRange()[1]
    logs = np.log10([point.loss for point in panel.document.run.points()])
    assert low <= logs.min() <= logs.max() <= high
    qtbot.mouseClick(panel.log_box, LEFT, pos=QPoint(6, panel.log_box.height() // 2))
    assert panel.plot.getPlotItem().viewRange()[1][0] <= 0


def test_a_loss_of_zero_or_infinity_is_left_out(panel: LossPlotPanel) -> None:
    with panel.document.edit("Fit") as draft:
        draft.network.set_activation("o1", "linear")
        draft.network.set_values(dict.fromkeys(draft.network.values, 0.0))
        draft.dataset.set_values({(row, "o1"): 0.0 for row in range(3)})
    for _ in range(2):
        panel.player.apply_update()
    panel.log_box.setChecked(True)
    assert drawn(panel.curve) == ([], [])
    panel.log_box.setChecked(False)
    assert drawn(panel.curve)[1] == [0.0, 0.0, 0.0]
    panel.plot.grab()


def test_it_is_live_during_a_run(panel: LossPlotPanel, qtbot: QtBot) -> None:
    panel.trainer.start(1_000_000)
    with qtbot.waitSignal(panel.trainer.progressed) as caught:
        pass
    reached = caught.args[0].update
    assert panel.cursor_line.value() == reached
    assert drawn(panel.curve)[0][-1] == reached
    low, high = panel.plot.getPlotItem().viewRange()[0]
    assert low <= 0 < reached <= high
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert drawn(panel.curve)[0][-1] == panel.document.project.updates


def test_the_colours_follow_the_theme(panel: LossPlotPanel) -> None:
    for _ in range(2):
        panel.player.apply_update()
    try:
        theme().set_mode("dark")
        assert panel.curve.opts["pen"].color() == theme().palette.forward
        assert panel.plot.backgroundBrush().color() == theme().palette.panel
    finally:
        theme().set_mode("light")
    assert panel.curve.opts["pen"].color() == theme().palette.forward


def test_there_is_no_menu_of_the_plots_own(panel: LossPlotPanel) -> None:
    panel.player.apply_update()
    view = panel.plot.getPlotItem().getViewBox()
    assert not view.menuEnabled()
    assert panel.plot.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_pyqtgraph_comes_after_the_first_paint(qtbot: QtBot) -> None:
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    panel = LossPlotPanel(document, player, Trainer(document, player, document))
    document.setParent(panel)
    qtbot.addWidget(panel)
    player.apply_update()
    assert panel.plot is None
    panel.show()
    assert panel.plot is None
    assert panel.placeholder.text() == loss_plot.PREPARING
    qtbot.waitUntil(lambda: panel.plot is not None)
    assert panel.plot.isVisible()
    assert drawn(panel.curve)[0] == [0, 1]


def test_hidden_it_waits_and_shown_again_it_is_up_to_date(panel: LossPlotPanel) -> None:
    panel.hide()
    for _ in range(3):
        panel.player.apply_update()
    panel.show()
    assert drawn(panel.curve)[0] == [0, 1, 2, 3]
