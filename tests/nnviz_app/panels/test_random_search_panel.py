"""The panel "Random search": both curves, the same budget, made in slices; the network stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QTextDocument

from core.numbers import format_number
from core.project import Project
from core.random_search import random_search
from nnviz_app.panels.fields import Field
from nnviz_app.panels.random_search import EMPTY, FORMER, NO_LOSS, RandomSearchPanel
from nnviz_app.panels.search_plot import MOST_POINTS, thinned

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> RandomSearchPanel:
    made = desk.show(RandomSearchPanel(desk.document, desk.preferences), 420, 620)
    desk.qtbot.waitUntil(lambda: made.plot is not None)
    desk.settle()
    return made


def enter(desk: Desk, field: Field, text: str) -> None:
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, text)
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)


def told(panel: RandomSearchPanel) -> str:
    """The result as it is read, without its colours."""
    document = QTextDocument()
    document.setHtml(panel.result_label.text())
    return document.toPlainText().replace("■ ", "")


def run(desk: Desk, panel: RandomSearchPanel) -> None:
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    desk.qtbot.waitUntil(lambda: not panel.is_at_work)
    desk.settle()


def test_at_first_it_says_how_to_begin(panel: RandomSearchPanel) -> None:
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == EMPTY
    assert not panel.result_label.isVisible()


def test_both_curves_and_what_they_reach(desk: Desk, panel: RandomSearchPanel) -> None:
    before, texts = desk.document.project, desk.undo_texts
    enter(desk, panel.budget_field, "300")
    enter(desk, panel.seed_field, "7")
    run(desk, panel)
    (x, y), (descent_x, descent_y) = random_search(desk.document.project, budget=300, seed=7, spread=0.1)
    assert panel.plot is not None
    drawn = panel.plot.search.getData()
    assert np.array_equal(drawn[0], x)
    assert np.array_equal(drawn[1], y)
    drawn = panel.plot.descent.getData()
    assert np.array_equal(drawn[0], descent_x)
    assert np.array_equal(drawn[1], descent_y)
    both = f"gradient descent {format_number(descent_y[-1])}, random search {format_number(y[-1])}."
    assert told(panel).startswith(f"After 300 evaluations: {both} Random search kept ")
    # The network is as it was.
    assert desk.document.project is before
    assert desk.undo_texts == texts


def test_the_other_mode_has_a_spread_of_its_own(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "50")
    panel.mode_box.setFocus()
    desk.qtbot.keyClick(panel.mode_box, Qt.Key.Key_Down)
    assert panel.spread_field.text() == "1"
    run(desk, panel)
    (_, y), _ = random_search(desk.document.project, budget=50, seed=1, spread=1.0, mode="fresh")
    assert panel.search is not None
    assert np.array_equal(panel.search.search_losses, y)
    # What was typed stays.
    enter(desk, panel.spread_field, "0,3")
    desk.qtbot.keyClick(panel.mode_box, Qt.Key.Key_Up)
    assert panel.spread_field.text() == "0.3"


def test_a_logarithmic_axis(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "100")
    run(desk, panel)
    assert panel.plot is not None
    assert panel.search is not None
    # On the box itself, not beside its words.
    desk.qtbot.mouseClick(panel.log_box, LEFT, pos=panel.log_box.rect().center())
    if not panel.log_box.isChecked():
        desk.qtbot.keyClick(panel.log_box, Qt.Key.Key_Space)
    assert np.allclose(panel.plot.search.getData()[1], np.log10(panel.search.search_losses))
    (low, high) = panel.plot.view.viewRange()[1]
    assert low < panel.plot.search.getData()[1].min() < high


def test_it_can_be_stopped_and_the_window_stays_live(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "1000000")
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    assert panel.start_button.text() == "Stop"
    assert panel.progress.isVisible()
    assert not panel.seed_field.isEnabled()
    desk.qtbot.waitUntil(lambda: panel.done > 50)
    assert panel.is_at_work
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    assert not panel.is_at_work
    assert panel.start_button.text() == "Start"
    done = panel.done
    assert told(panel).startswith(f"After {done:,} evaluations: ")
    desk.settle()
    assert panel.done == done


def test_it_rests_while_hidden(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "1000000")
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    desk.qtbot.waitUntil(lambda: panel.done > 0)
    panel.hide()
    done = panel.done
    desk.settle()
    assert panel.done == done
    panel.show()
    desk.qtbot.waitUntil(lambda: panel.done > done)
    panel.stop()


def test_another_network_or_start_marks_the_curves(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "50")
    run(desk, panel)
    # Updates do not change where both set out from.
    desk.player.apply_update()
    assert not panel.former_label.isVisible()
    with desk.document.edit("Rate") as draft:
        draft.network.set_value("w5", 2.0)
        draft.begin_anew()
    assert panel.former_label.isVisible()
    assert panel.former_label.text() == FORMER
    run(desk, panel)
    assert not panel.former_label.isVisible()
    with desk.document.edit("Neuron") as draft:
        draft.network.set_activation("h1", "relu")
    assert panel.former_label.isVisible()
    desk.open("08-xor")
    assert not panel.former_label.isVisible()
    assert panel.search is None
    assert panel.placeholder.isVisible()


def test_a_change_stops_a_search(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "1000000")
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    desk.qtbot.waitUntil(lambda: panel.done > 0)
    with desk.document.edit("Neuron") as draft:
        draft.network.set_activation("h1", "relu")
    assert not panel.is_at_work
    assert panel.former_label.isVisible()


def test_without_a_loss_it_cannot_begin(desk: Desk, panel: RandomSearchPanel) -> None:
    desk.document.open_project(Project())
    assert panel.placeholder.text() == NO_LOSS
    assert not panel.start_button.isEnabled()


def test_frozen_parameters_and_bad_numbers_are_told(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "0")
    assert "whole number from 1" in panel.message.text()
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    assert not panel.is_at_work
    enter(desk, panel.budget_field, "10")
    with desk.document.edit("Freeze") as draft:
        for name in draft.network.values:
            draft.network.set_frozen(name)
    desk.qtbot.mouseClick(panel.start_button, LEFT)
    assert panel.message.text().startswith("Every parameter is frozen")


def test_the_pointer_reads_the_curves(desk: Desk, panel: RandomSearchPanel) -> None:
    enter(desk, panel.budget_field, "100")
    run(desk, panel)
    assert panel.plot is not None
    assert panel.search is not None
    viewport = panel.plot.plot.viewport()
    rect = panel.plot.view.sceneBoundingRect()
    desk.qtbot.mouseMove(viewport, panel.plot.plot.mapFromScene(rect.topLeft()))
    desk.qtbot.mouseMove(viewport, panel.plot.plot.mapFromScene(rect.center()))
    assert told(panel).startswith("After 5")
    evaluations = int(told(panel).split()[1])
    assert told(panel).endswith(f"{format_number(panel.search.search_losses[evaluations - 1])}.")
    panel.plot.eventFilter(viewport, QEvent(QEvent.Type.Leave))
    assert told(panel).startswith("After 100 ")


def test_long_curves_are_thinned() -> None:
    x, y = np.arange(10_000.0), np.linspace(1.0, 0.0, 10_000)
    y[9_000:] = np.nan
    shown_x, shown_y = thinned(x, y)
    assert len(shown_x) == len(shown_y) == MOST_POINTS
    assert (shown_x[0], shown_x[-1]) == (0.0, 8_999.0)
