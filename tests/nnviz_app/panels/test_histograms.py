"""The histograms panel: what it counts, how it tells the figures, and the sentences that select neurons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from core.numbers import format_exact
from nnviz_app.panels.histograms import HEALTHY, HistogramsPanel, HistogramView
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> Iterator[HistogramsPanel]:
    trainer = Trainer(desk.document, desk.player)
    made = desk.show(HistogramsPanel(desk.document, desk.player, desk.selection, trainer), 560, 640)
    desk.settle()
    yield made
    trainer.shutdown()


def make_sick(desk: Desk) -> None:
    """h1 becomes a dead ReLU."""
    rows = np.linspace(-1.0, 1.0, 8)
    with desk.document.edit("Make sick") as draft:
        draft.dataset.insert_rows(1, [{"i1": float(v), "i2": 0.2, "o1": 0.5, "o2": 0.5} for v in rows])
        draft.network.set_activation("h1", "relu")
        draft.network.set_value("h1", -20.0)


def click_box(desk: Desk, panel: HistogramsPanel, name: str) -> None:
    box = getattr(panel, name)
    desk.qtbot.mouseClick(box, LEFT, pos=QPoint(6, box.height() // 2))


def test_a_row_for_each_layer(panel: HistogramsPanel, desk: Desk) -> None:
    assert [views[0].subject for views in panel.views] == ["Weights, Layer 1", "Weights, Outputs"]
    weights = [desk.document.project.network.weight(f"w{k}") for k in (1, 2, 3, 4)]
    found = panel.views[0][0].histogram
    assert found is not None
    assert (found.minimum, found.maximum, found.total) == (min(weights), max(weights), 4)
    assert panel.caption.text() == "1 training row"
    assert panel.findings_label.text() == HEALTHY
    for views in panel.views:
        assert all(view.height() >= view.minimumSizeHint().height() for view in views)


def test_it_follows_the_numbers(panel: HistogramsPanel, desk: Desk) -> None:
    with desk.document.edit("Weight") as draft:
        draft.network.set_value("w1", 7.5)
    desk.qtbot.waitUntil(lambda: panel.views[0][0].histogram.maximum == 7.5)  # type: ignore[union-attr]
    with desk.document.edit("Layer") as draft:
        draft.network.add_neuron("hidden", id="g1", activation="tanh")
        draft.network.connect("h1", "g1", weight=0.5)
        draft.network.connect("g1", "o1", weight=0.5)
    desk.qtbot.waitUntil(lambda: len(panel.views) == 3)
    desk.document.undo_stack.undo()
    desk.qtbot.waitUntil(lambda: len(panel.views) == 2)


def test_pointed_at_it_tells_the_bar_and_the_exact_figures(panel: HistogramsPanel, desk: Desk) -> None:
    view = panel.views[0][0]
    found = view.histogram
    assert found is not None
    at = QPoint(3, view.height() // 2)
    bar = view.bar_at(at.x())
    assert bar == 0
    event = QHelpEvent(QEvent.Type.ToolTip, at, view.mapToGlobal(at))
    QApplication.sendEvent(view, event)
    text = QToolTip.text()
    QToolTip.hideText()
    assert text.startswith(view.bar_text(0))
    assert text.split("\n")[0].endswith(": 1")
    for figure in (found.maximum, found.mean, found.minimum, found.deviation):
        assert format_exact(figure) in text


def test_before_the_activation_function(panel: HistogramsPanel, desk: Desk) -> None:
    click_box(desk, panel, "z_box")
    assert panel.views[0][1].subject == "Pre-activations, Layer 1"
    trace = desk.player.trace
    assert trace is not None
    z = [panel.checkup.diagnosis.layers[0].pre_activations.mean]  # type: ignore[union-attr]
    assert panel.views[0][1].histogram.mean == z[0]  # type: ignore[union-attr]
    click_box(desk, panel, "z_box")
    assert panel.views[0][1].subject == "Activations, Layer 1"


def test_a_logarithmic_count_makes_the_rare_higher(panel: HistogramsPanel, desk: Desk) -> None:
    view = panel.views[0][0]
    before = view.grab().toImage()
    with desk.document.edit("Rows") as draft:
        draft.network.set_values({"w1": 0.2, "w2": 0.2, "w3": 0.2, "w4": 0.9})
    desk.qtbot.waitUntil(lambda: view.histogram.maximum == 0.9)  # type: ignore[union-attr]
    linear = view.grab().toImage()
    click_box(desk, panel, "log_box")
    assert view.is_log
    assert view.grab().toImage() != linear != before


def test_a_sentence_selects_its_neuron(panel: HistogramsPanel, desk: Desk) -> None:
    make_sick(desk)
    desk.qtbot.waitUntil(lambda: "h1</u> is dead" in panel.findings_label.text())
    desk.settle()
    label = panel.findings_label
    desk.qtbot.mouseClick(label, LEFT, pos=QPoint(theme().space(2), theme().space(1.2)))
    assert desk.selection.ids == ["h1"]


def test_a_layers_sentence_selects_all_its_neurons(panel: HistogramsPanel, desk: Desk) -> None:
    with desk.document.edit("Small weights") as draft:
        draft.network.set_values({f"w{k}": 1e-6 for k in (5, 6, 7, 8)})
    desk.qtbot.waitUntil(lambda: "Layer 1</u> hardly learns" in panel.findings_label.text())
    desk.settle()
    panel.findings_label.setFocus()
    desk.qtbot.keyClick(panel.findings_label, Qt.Key.Key_Tab)
    desk.qtbot.keyClick(panel.findings_label, Qt.Key.Key_Return)
    assert desk.selection.ids == ["h1", "h2"]


def test_without_a_loss_it_says_what_is_missing(panel: HistogramsPanel, desk: Desk) -> None:
    with desk.document.edit("No output") as draft:
        for name in ("o1", "o2"):
            draft.network.set_role(name, "hidden")
    desk.qtbot.waitUntil(panel.placeholder.isVisible)
    assert "an output neuron and a training row" in panel.placeholder.text()
    desk.document.undo_stack.undo()
    desk.qtbot.waitUntil(lambda: not panel.placeholder.isVisible())


def test_hidden_it_waits_and_shown_again_it_is_up_to_date(panel: HistogramsPanel, desk: Desk) -> None:
    panel.hide()
    with desk.document.edit("Weight") as draft:
        draft.network.set_value("w1", 7.5)
    desk.qtbot.waitSignal(panel.checkup.outdated).wait()
    panel.show()
    assert panel.views[0][0].histogram.maximum == 7.5  # type: ignore[union-attr]


def test_it_is_live_during_a_run(panel: HistogramsPanel, desk: Desk) -> None:
    before = panel.views[0][0].histogram.mean  # type: ignore[union-attr]
    panel.trainer.start(1_000_000)
    desk.qtbot.waitUntil(lambda: panel.views[0][0].histogram.mean != before)  # type: ignore[union-attr]
    assert panel.trainer.is_running
    with desk.qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_themes_and_large_text(panel: HistogramsPanel, desk: Desk, mode: str) -> None:
    try:
        theme().set_mode(mode)  # type: ignore[arg-type]
        theme().set_text_scale(2.0)
        desk.settle()
        view = panel.views[0][0]
        assert view.height() >= view.minimumSizeHint().height() >= theme().space(5)
        # Nothing is cut off.
        panel.resize(panel.minimumSizeHint())
        desk.settle()
        last = panel.views[0][-1]
        assert last.mapTo(panel, last.rect().topRight()).x() < panel.width()
        colors = {
            view.grab().toImage().pixelColor(x, y).name() for x in range(view.width()) for y in (view.height() // 2,)
        }
        assert theme().palette.positive.name() in colors
    finally:
        theme().set_mode("light")
        theme().set_text_scale(1.0)


def test_nothing_to_count(desk: Desk) -> None:
    view = desk.show(HistogramView("positive"), 200, 100)
    view.show_histogram("Weights, Layer 1", None, is_log=False)
    assert view.figures() == "Weights, Layer 1: nothing to count."
    assert view.bar_at(50) is None
    view.grab()
