"""The panel "Nudge": the loss over one parameter, a point to drag along it, and what the gradient foretold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from core.numbers import format_number
from core.project import Project
from core.style import Notation
from nnviz_app.panels import nudge as nudge_module
from nnviz_app.panels.nudge import EMPTY, FEWEST_POINTS, RUNNING, NudgePanel
from nnviz_app.panels.nudge_plot import NudgePlot
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(desk: Desk) -> NudgePanel:
    made = NudgePanel(desk.document, desk.player, desk.selection, desk.inquiry, desk.preferences)
    desk.show(made, 420, 620)
    desk.qtbot.waitUntil(lambda: made.plot is not None)
    desk.select("w5")
    return made


def plot_of(panel: NudgePanel) -> NudgePlot:
    assert panel.plot is not None
    return panel.plot


def pixel(panel: NudgePanel, x: float, y: float) -> QPoint:
    plot = plot_of(panel)
    return plot.plot.mapFromScene(plot.view.mapViewToScene(QPointF(x, y)))


def drag(desk: Desk, panel: NudgePanel, start: float, end: float) -> None:
    viewport, height = plot_of(panel).plot.viewport(), 0.3
    desk.qtbot.mousePress(viewport, LEFT, pos=pixel(panel, start, height))
    desk.qtbot.mouseMove(viewport, pixel(panel, (start + end) / 2, height))
    desk.qtbot.mouseMove(viewport, pixel(panel, end, height))
    desk.qtbot.mouseRelease(viewport, LEFT, pos=pixel(panel, end, height))
    desk.settle()


def loss_with(desk: Desk, parameter: str, value: float) -> float:
    """The loss of the 2-2-2 example where one weight has another value, by hand."""
    values = dict(desk.document.project.network.values) | {parameter: value}

    def f(z: float) -> float:
        return 1.0 / (1.0 + float(np.exp(-z)))

    table = desk.document.project.dataset
    i1, i2 = (float(table.matrix([name])[0, 0]) for name in ("i1", "i2"))
    h1 = f(values["w1"] * i1 + values["w2"] * i2 + values["h1"])
    h2 = f(values["w3"] * i1 + values["w4"] * i2 + values["h2"])
    o1 = f(values["w5"] * h1 + values["w6"] * h2 + values["o1"])
    o2 = f(values["w7"] * h1 + values["w8"] * h2 + values["o2"])
    t1, t2 = (float(table.matrix([name])[0, 0]) for name in ("o1", "o2"))
    return 0.5 * (t1 - o1) ** 2 + 0.5 * (t2 - o2) ** 2


def test_the_curve_the_tangent_and_the_next_update(desk: Desk, panel: NudgePanel) -> None:
    plot = plot_of(panel)
    x, y = plot.line.getData()
    assert (x[0], x[-1]) == pytest.approx((-0.6, 1.4))
    for place in (0, 60, 200):
        assert y[place] == pytest.approx(loss_with(desk, "w5", float(x[place])), rel=1e-12)
    tangent_x, tangent_y = plot.tangent.getData()
    slope = (tangent_y[-1] - tangent_y[0]) / (tangent_x[-1] - tangent_x[0])
    assert slope == pytest.approx(0.0821670406, rel=1e-7)
    # The update of the worked example: 0.4 − 0.5 · 0.0821670406.
    assert plot.new_dot.getData()[0][0] == pytest.approx(0.35891648, rel=1e-7)
    assert plot.shaft.getData()[0].tolist() == pytest.approx([0.4, 0.35891648])
    assert "w5 0.4 → 0.3589" in panel.update_label.text()
    assert plot.handle.getData()[0][0] == 0.4


def test_dragging_the_point_compares_prediction_and_truth(desk: Desk, panel: NudgePanel) -> None:
    before = desk.document.project.network.values
    drag(desk, panel, 0.4, 1.0)
    assert panel.at == pytest.approx(1.0, abs=0.01)
    change = panel.at - 0.4
    predicted = 0.0821670406 * change
    actual = loss_with(desk, "w5", panel.at) - loss_with(desk, "w5", 0.4)
    shown = [label.text() for label in panel.changes]
    assert shown == [format_number(number) for number in (predicted, actual, actual - predicted)]
    assert panel.sums[0].text() == f"0.08217 × {format_number(change)} ="
    assert plot_of(panel).handle.getData()[0][0] == panel.at
    assert plot_of(panel).gap.getData()[1].tolist() == pytest.approx(
        [loss_with(desk, "w5", 0.4) + predicted, loss_with(desk, "w5", panel.at)]
    )
    # The network is as it was.
    assert desk.document.project.network.values == before
    assert desk.undo_texts == []


def test_back_returns(desk: Desk, panel: NudgePanel) -> None:
    assert not panel.back_button.isEnabled()
    drag(desk, panel, 0.4, -0.2)
    desk.qtbot.mouseClick(panel.back_button, LEFT)
    assert panel.at == 0.4
    assert [label.text() for label in panel.changes] == ["0", "0", "0"]
    drag(desk, panel, 0.4, -0.2)
    desk.qtbot.keyClick(plot_of(panel), Qt.Key.Key_Escape)
    assert panel.at == 0.4


def test_arrow_keys_move_the_point(desk: Desk, panel: NudgePanel) -> None:
    plot = plot_of(panel)
    plot.setFocus()
    desk.qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert panel.at == pytest.approx(0.41)
    desk.qtbot.keyClick(plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert panel.at == pytest.approx(0.31)
    assert desk.player.index == 0


def test_a_typed_value_may_be_outside_of_the_curve(desk: Desk, panel: NudgePanel) -> None:
    field = panel.value_field
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, "-3,6")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.at == -3.6
    x, _ = plot_of(panel).line.getData()
    assert x[0] == pytest.approx(0.4 - 1.2 * 4.0)
    assert plot_of(panel).handle.getData()[0][0] == -3.6
    actual = loss_with(desk, "w5", -3.6) - loss_with(desk, "w5", 0.4)
    assert panel.changes[1].text() == format_number(actual)


def test_setting_the_weight_is_one_undo_entry(desk: Desk, panel: NudgePanel) -> None:
    drag(desk, panel, 0.4, 0.9)
    value = panel.at
    desk.qtbot.mouseClick(panel.set_button, LEFT)
    desk.settle()
    assert desk.document.project.network.values["w5"] == value
    assert desk.undo_texts == [f"Set w5 to {format_number(value)}"]
    assert panel.curve is not None
    assert panel.curve.value == value == panel.at
    assert not panel.set_button.isEnabled()
    desk.document.undo_stack.undo()
    desk.settle()
    assert panel.at == 0.4


def test_a_bias_and_another_notation(desk: Desk, panel: NudgePanel) -> None:
    desk.preferences.set_notation(Notation(loss="E"))
    desk.preferences.set_digits(6)
    desk.select("h1")
    assert panel.set_button.text() == "Set the bias"
    assert panel.parameter_box.currentText() == "b(h1)"
    assert plot_of(panel).titles == ("b(h1)", "E")
    panel.nudge_to(1.0)
    gradient = panel.curve.gradient  # type: ignore[union-attr]
    assert panel.sums[0].text() == f"{format_number(gradient, 6)} × {format_number(1.0 - 0.35, 6)} ="


def test_the_loss_of_the_row_or_of_the_batch(desk: Desk, panel: NudgePanel) -> None:
    assert not panel.loss_box.isVisible()
    desk.open("10-batch")
    desk.settle()
    assert panel.loss_box.isVisible()
    trace, name = desk.player.trace, panel.parameter_box.parameter
    assert trace is not None
    assert panel.curve is not None
    assert panel.curve.loss == pytest.approx(trace.sample_pass(0).loss)
    panel.loss_box.setFocus()
    desk.qtbot.keyClick(panel.loss_box, Qt.Key.Key_Down)
    desk.settle()
    assert panel.curve.loss == pytest.approx(trace.loss)
    assert panel.curve.gradient == trace.gradient[name]
    assert plot_of(panel).titles[1] == "L of the batch"


def test_another_range(desk: Desk, panel: NudgePanel) -> None:
    field = panel.reach_field
    field.setFocus()
    field.selectAll()
    desk.qtbot.keyClicks(field, "0,1")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    desk.settle()
    x, _ = plot_of(panel).line.getData()
    assert (x[0], x[-1]) == pytest.approx((0.3, 0.5))
    field.selectAll()
    desk.qtbot.keyClicks(field, "0")
    desk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "must be above 0" in panel.message.text()
    desk.qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not panel.message.isVisible()


def test_a_slow_network_gets_fewer_points(desk: Desk, panel: NudgePanel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudge_module, "CURVE_SECONDS", 0.0)
    desk.select("w6")
    assert panel.curve is not None
    assert len(panel.curve.values) == FEWEST_POINTS
    assert np.isclose(panel.curve.values, panel.curve.value).any()


def test_it_rests_while_hidden_or_during_a_run(desk: Desk, panel: NudgePanel, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = nudge_module.loss_curve
    monkeypatch.setattr(nudge_module, "loss_curve", lambda *a, **k: made.append(a) or real(*a, **k))
    desk.player.forward()
    desk.settle()
    assert not made
    panel.hide()
    desk.select("w7")
    assert not made
    panel.show()
    desk.settle()
    assert len(made) == 1
    desk.player.lock(True)
    desk.player.moved.emit()
    desk.settle()
    assert panel.placeholder.text() == RUNNING
    desk.player.lock(False)
    desk.document.open_project(Project())
    desk.settle()
    assert panel.placeholder.text() == EMPTY
    assert len(made) == 1


def test_controls_stand_beside_the_plot_where_there_is_room(desk: Desk, panel: NudgePanel) -> None:
    plot = plot_of(panel)
    assert plot.mapTo(panel, QPoint(0, 0)).y() > panel.set_button.mapTo(panel, QPoint(0, 0)).y()
    panel.resize(760, 320)
    desk.settle()
    assert plot.mapTo(panel, QPoint(0, 0)).x() > panel.set_button.mapTo(panel, QPoint(0, 0)).x()
    for label in (*panel.changes, *panel.sums):
        assert label.width() >= label.sizeHint().width()
    theme().set_mode("dark")
    desk.settle()
    assert plot.plot.backgroundBrush().color() == theme().palette.panel
    theme().set_mode("light")


def test_a_huge_slope_is_drawn_within_the_picture(desk: Desk, panel: NudgePanel) -> None:
    desk.open("10-batch")
    with desk.document.edit("Huge") as draft:
        for name in draft.network.values:
            draft.network.set_value(name, 1e70)
    desk.settle()
    plot = plot_of(panel)
    assert panel.curve is not None
    assert abs(panel.curve.gradient) > 1e60
    bottom, top = plot.view.viewRange()[1]
    x, y = plot.tangent.getData()
    assert len(x) == 2
    slack = 1e-6 * (top - bottom)
    assert all(bottom - slack <= height <= top + slack for height in y)
    panel.nudge_to(1.5e70)
    with desk.document.edit("Larger") as draft:
        for name in draft.network.values:
            draft.network.set_value(name, 1e300)
    desk.settle()
    # Nothing of it can be drawn.
    assert len(plot.tangent.getData()[0]) == 0
    assert np.isnan(plot.line.getData()[1]).all()
