"""The panel that opens a neuron: its operations as far as stepped, forward and backward, and its curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage
from PySide6.QtWidgets import QToolTip

from core.activations import ACTIVATIONS
from core.dataset import Dataset
from core.network import Role
from core.numbers import format_number
from core.operation_graph import End
from core.quantities import Granularity, Kind, Quantity
from nnviz_app.panels.inside import BEGIN, EMPTY, INPUT, RUNNING, InsidePanel
from nnviz_app.panels.inside_parts import Box, Numbers
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk


@pytest.fixture(autouse=True)
def usual_theme() -> Iterator[None]:
    yield
    theme().set_mode("light")
    theme().set_text_scale(1.0)


@pytest.fixture
def panel(desk: Desk) -> InsidePanel:
    panel = desk.show(InsidePanel(desk.player, desk.selection, desk.preferences), 460, 700)
    desk.settle()
    return panel


def symbols(panel: InsidePanel) -> list[str]:
    return [box.symbol for box in panel.graph.layout_.boxes]


def box(panel: InsidePanel, symbol: str) -> Box:
    """The last box with this symbol."""
    return [b for b in panel.graph.layout_.boxes if b.symbol == symbol][-1]


def at(panel: InsidePanel, symbol: str) -> Numbers:
    """The numbers behind the last box with this symbol."""
    operation = box(panel, symbol).operations[-1]
    return next(n for n in panel.graph.layout_.numbers if n.source == operation and n.value is not None)


def texts(panel: InsidePanel, symbol: str) -> tuple[str, str]:
    numbers = at(panel, symbol)
    return panel.graph.value_text(numbers), panel.graph.grad_text(numbers)


def point(spot: QPointF) -> QPoint:
    return spot.toPoint()


def has_color(image: QImage, color: QColor) -> bool:
    ratio = image.devicePixelRatio()
    assert ratio == 1.0
    return any(image.pixelColor(x, y) == color for y in range(image.height()) for x in range(image.width()))


def set_activation(desk: Desk, neuron: str, activation: str) -> None:
    with desk.document.edit("Activation") as draft:
        draft.network.set_activation(neuron, activation)
    desk.settle()


def one_output(desk: Desk, inputs: int, activation: str = "sigmoid") -> None:
    """One output y with so many inputs."""
    with desk.document.edit("Wide") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
        draft.network.add_neuron(Role.OUTPUT, id="y", activation=activation)
        for number in range(1, inputs + 1):
            draft.network.add_neuron(Role.INPUT, id=f"x{number}")
            draft.network.connect(f"x{number}", "y", weight=number / 100)
        draft.dataset = Dataset({**{f"x{n}": [1.0] for n in range(1, inputs + 1)}, "y": [0.0]})
    desk.settle()


# Which neuron


def test_at_the_start_it_says_how_to_begin(desk: Desk, panel: InsidePanel) -> None:
    assert panel.placeholder.text() == BEGIN
    assert panel.placeholder.isVisible()


def test_it_opens_the_neuron_at_work_and_keeps_it_where_none_is(desk: Desk, panel: InsidePanel) -> None:
    desk.step_to(Kind.PRODUCT, "w1")
    desk.settle()
    assert panel.title.text() == "h1 · Sigmoid"
    desk.step_to(Kind.ACTIVATION, "o2")
    desk.settle()
    assert panel.title.text() == "o2 · Sigmoid"
    desk.step_to(Kind.LOSS, "")
    desk.settle()
    assert panel.title.text() == "o2 · Sigmoid"


def test_the_selected_neuron_comes_first(desk: Desk, panel: InsidePanel) -> None:
    desk.step_to(Kind.ACTIVATION, "o2")
    desk.select("h2")
    assert panel.title.text() == "h2 · Sigmoid"
    desk.select("i1")
    assert panel.placeholder.text() == INPUT.format("i1")
    desk.select()
    assert panel.title.text() == "o2 · Sigmoid"


def test_without_a_neuron_or_during_a_run_it_says_so(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    desk.player.lock(True)
    desk.player.moved.emit()
    desk.settle()
    assert panel.placeholder.text() == RUNNING
    desk.player.lock(False)
    with desk.document.edit("Nothing") as draft:
        for neuron in list(draft.network.neurons):
            draft.network.remove_neuron(neuron)
    desk.settle()
    assert panel.placeholder.text() == EMPTY


# The operations


def test_what_is_not_revealed_is_a_dash(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    assert symbols(panel) == ["×", "×", "+", "+", "× −1", "exp", "+ 1", "1/x"]
    assert {panel.graph.value_text(at(panel, s)) for s in ("×", "+", "exp", "1/x")} == {"–"}
    # Weights are given from the start.
    weight = next(n for n in panel.graph.layout_.numbers if n.source == Quantity(Kind.WEIGHT, "w1"))
    assert panel.graph.value_text(weight) == "0.15"
    assert panel.graph.grad_text(weight) == "–"
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    assert texts(panel, "× −1") == ("−0.3775", "–")
    assert texts(panel, "1/x") == ("0.5933", "–")


def test_the_numbers_are_those_of_the_trace(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    desk.player.go_to(desk.player.length)
    desk.settle()
    trace = desk.player.trace
    assert trace is not None

    def shown(kind: Kind, subject: str) -> str:
        return format_number(trace.value(Quantity(kind, subject)), 4)

    assert texts(panel, "+") == (shown(Kind.WEIGHTED_SUM, "h1"), shown(Kind.PRE_ACTIVATION_GRAD, "h1"))
    assert texts(panel, "1/x") == (shown(Kind.ACTIVATION, "h1"), shown(Kind.ACTIVATION_GRAD, "h1"))
    for numbers in panel.graph.layout_.numbers:
        if numbers.grad_quantity is not None:
            expected = format_number(trace.value(numbers.grad_quantity), 4)
            assert panel.graph.grad_text(numbers) == expected
    named = {n.grad_quantity.kind for n in panel.graph.layout_.numbers if n.grad_quantity is not None}
    assert named == {Kind.PRE_ACTIVATION_GRAD, Kind.ACTIVATION_GRAD, Kind.WEIGHT_GRAD, Kind.BIAS_GRAD}
    # An input gets no gradient.
    source = next(n for n in panel.graph.layout_.numbers if n.source == Quantity(Kind.INPUT, "i1"))
    assert panel.graph.grad_text(source) == ""


def test_the_operations_of_the_moment_are_highlighted(desk: Desk, panel: InsidePanel) -> None:
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    palette = theme().palette
    image = panel.graph.grab().toImage()
    for symbol, tint in (("exp", palette.forward_tint), ("1/x", palette.forward_tint), ("+", palette.neuron)):
        rect = box(panel, symbol).rect
        assert image.pixelColor(point(rect.topLeft() + QPointF(6.0, 4.0))) == tint, symbol
    assert panel.detail.text().startswith("reciprocal: 0.5933\nderivative by x: −1/x² = −1/1.686² = −0.352")
    desk.step_to(Kind.PRE_ACTIVATION_GRAD, "h1")
    desk.settle()
    image = panel.graph.grab().toImage()
    rect = box(panel, "exp").rect
    assert image.pixelColor(point(rect.topLeft() + QPointF(6.0, 4.0))) == palette.backward_tint


def test_operations_are_revealed_one_by_one(desk: Desk, panel: InsidePanel) -> None:
    desk.player.set_granularity(Granularity.OPERATION)
    desk.step_to(Kind.WEIGHTED_SUM, "h1")
    desk.settle()
    seen = []
    for _ in range(4):
        desk.player.forward()
        desk.settle()
        current = panel.graph.current_box
        assert current is not None
        seen.append((current.symbol, *texts(panel, current.symbol)))
    assert seen == [
        ("× −1", "−0.3775", "–"),
        ("exp", "0.6856", "–"),
        ("+ 1", "1.686", "–"),
        ("1/x", "0.5933", "–"),
    ]
    desk.step_to(Kind.ACTIVATION_GRAD, "h1")
    desk.settle()
    desk.player.forward()
    desk.settle()
    # Back through 1/x: what "+ 1" gave has its gradient now, "exp" not yet.
    assert panel.graph.current_box is not None
    assert panel.graph.current_box.symbol == "1/x"
    assert texts(panel, "+ 1")[1] != "–"
    assert texts(panel, "exp")[1] == "–"
    assert "; back: " in panel.detail.text()


def test_the_article_of_the_sigmoid_at_1_by_hand(desk: Desk, panel: InsidePanel) -> None:
    desk.open("04-one-sigmoid-neuron")
    desk.settle()
    (output,) = desk.document.project.network.outputs
    desk.select(output.id)
    desk.player.go_to(desk.player.length)
    panel.end_box.setFocus()
    desk.qtbot.keyClick(panel.end_box, Qt.Key.Key_Down)
    desk.settle()
    assert panel.end is End.ACTIVATION
    chain = [texts(panel, symbol) for symbol in ("+", "× −1", "exp", "+ 1", "1/x")]
    assert chain == [
        ("1", "0.1966"),
        ("−1", "−0.1966"),
        ("0.3679", "−0.5344"),
        ("1.368", "−0.5344"),
        ("0.7311", "1"),
    ]
    # Of the activation's own derivative the trace has no quantities.
    assert all(n.grad_quantity is None for n in panel.graph.layout_.numbers)


def painted(panel: InsidePanel, numbers: Numbers) -> list[QRectF]:
    """Where the two texts of a wire stand."""
    metrics = QFontMetricsF(theme().font("small"))
    found = []
    for text, middle in ((panel.graph.value_text(numbers), 0.25), (panel.graph.grad_text(numbers), 0.75)):
        if text:
            size = metrics.tightBoundingRect(text).size()
            rect = QRectF(QPointF(0.0, 0.0), size)
            rect.moveCenter(QPointF(numbers.rect.center().x(), numbers.rect.top() + middle * numbers.rect.height()))
            found.append(rect)
    return found


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("width", [340, 700])
def test_every_activation_is_drawn_without_overlaps(desk: Desk, activation: str, scale: float, width: int) -> None:
    theme().set_text_scale(scale)
    panel = desk.show(InsidePanel(desk.player, desk.selection, desk.preferences), width, 700)
    set_activation(desk, "h1", activation)
    desk.select("h1")
    desk.player.go_to(desk.player.length)
    desk.settle()
    drawing = panel.graph.layout_
    rects = [part.rect for part in (*drawing.boxes, *drawing.names)]
    for numbers in drawing.numbers:
        rects += painted(panel, numbers)
    for place, rect in enumerate(rects):
        assert panel.graph.rect().contains(rect.toAlignedRect())
        assert not any(rect.intersects(other) for other in rects[place + 1 :])


def test_a_softmax_is_drawn_as_the_share_of_a_sum(desk: Desk, panel: InsidePanel) -> None:
    desk.open("09-three-classes")
    desk.settle()
    name = desk.document.project.network.outputs[1].id
    desk.select(name)
    desk.player.go_to(desk.player.length)
    desk.settle()
    assert symbols(panel)[-3:] == ["exp", "Σ exp", "÷"]
    trace = desk.player.trace
    assert trace is not None
    sample = desk.player.sample
    assert texts(panel, "÷")[0] == format_number(trace.value(Quantity(Kind.ACTIVATION, name, sample)), 4)
    total = sum(np.exp(trace.value(Quantity(Kind.WEIGHTED_SUM, n.id, sample))) for n in trace.network.outputs)
    assert texts(panel, "Σ exp")[0] == format_number(float(total), 4)
    assert "∂L/∂z from the loss at once" in panel.note.text()


def test_many_products_share_a_box(desk: Desk, panel: InsidePanel) -> None:
    one_output(desk, 64)
    desk.select("y")
    assert symbols(panel)[:2] == ["Σ of 64 products", "+"]
    assert texts(panel, "Σ of 64 products") == ("–", "–")
    desk.player.go_to(desk.player.length)
    desk.settle()
    assert texts(panel, "Σ of 64 products")[0] == "20.8"
    assert len(panel.graph.layout_.boxes) == 6


def test_a_neuron_without_edges_and_a_linear_one(desk: Desk, panel: InsidePanel) -> None:
    one_output(desk, 0, "linear")
    desk.select("y")
    assert symbols(panel) == ["="]
    assert "linear" in panel.note.text()


# Hands


def test_a_click_asks_for_what_the_trace_has_a_name_for(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    asked: list[Quantity] = []
    panel.asked.connect(asked.append)

    def click(spot: QPointF) -> None:
        desk.qtbot.mouseClick(panel.graph, Qt.MouseButton.LeftButton, pos=point(spot))

    first = panel.graph.layout_.boxes[0].rect.center()
    click(first)
    assert asked == []  # not revealed yet
    desk.player.go_to(desk.player.length)
    desk.settle()
    click(first)
    click(box(panel, "+").rect.center())
    click(box(panel, "1/x").rect.center())
    click(box(panel, "exp").rect.center())
    assert asked == [
        Quantity(Kind.PRODUCT, "w1"),
        Quantity(Kind.WEIGHTED_SUM, "h1"),
        Quantity(Kind.ACTIVATION, "h1"),
    ]
    asked.clear()
    z = at(panel, "+").rect
    click(z.center() + QPointF(0.0, z.height() / 4.0))
    name = next(n for n in panel.graph.layout_.names if n.quantity.kind is Kind.WEIGHT)
    click(name.rect.center())
    assert asked == [Quantity(Kind.PRE_ACTIVATION_GRAD, "h1"), Quantity(Kind.WEIGHT, "w1")]


def test_pointing_at_a_box_tells_its_derivative(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    desk.player.go_to(desk.player.length)
    desk.settle()
    desk.qtbot.mouseMove(panel.graph, point(box(panel, "exp").rect.center()))
    desk.settle()
    assert panel.detail.text().startswith("exp: 0.6856\nderivative by x: e^x = e^(−0.3775) = 0.6856; back: ")
    assert panel.graph.sentence(box(panel, "exp")) == panel.detail.text()
    desk.qtbot.mouseMove(panel.graph, QPoint(2, 2))
    desk.settle()
    assert panel.detail.text() == ""
    QToolTip.hideText()


def test_the_keyboard_goes_from_box_to_box(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    asked: list[Quantity] = []
    panel.asked.connect(asked.append)
    panel.end_box.setFocus()
    desk.qtbot.keyClick(panel.end_box, Qt.Key.Key_Tab)
    assert panel.graph.hasFocus()
    desk.qtbot.keyClick(panel.graph, Qt.Key.Key_End)
    assert panel.detail.text().startswith("reciprocal")
    desk.qtbot.keyClick(panel.graph, Qt.Key.Key_Return)
    desk.qtbot.keyClick(panel.graph, Qt.Key.Key_Up)
    assert panel.detail.text().startswith("add one")
    desk.qtbot.keyClick(panel.graph, Qt.Key.Key_Return)
    assert asked == [Quantity(Kind.ACTIVATION, "h1")]


# The curve


def test_the_curve_shows_its_point_once_it_is_revealed(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    palette = theme().palette
    assert panel.curve.point_text() == ""
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.settle()
    assert panel.curve.point_text() == "slope 0.2413"
    image = panel.curve.grab().toImage()
    assert has_color(image, palette.forward)
    assert has_color(image, palette.backward)
    assert not panel.health.isVisible()


def test_a_neuron_that_passes_hardly_any_gradient_says_so(desk: Desk, panel: InsidePanel) -> None:
    desk.select("h1")
    desk.player.go_to(desk.player.length)
    with desk.document.edit("Bias") as draft:
        draft.network.set_value("h1", 40.0)
    desk.settle()
    # In all rows: the sentence of the checkup.
    assert "h1 is saturated: in 100% of the rows" in panel.health.text()
    assert panel.curve.reach() > 40.0
    set_activation(desk, "h1", "relu")
    with desk.document.edit("Bias") as draft:
        draft.network.set_value("h1", -1.0)
    desk.player.go_to(desk.player.length)
    desk.settle()
    assert "h1 is off in this sample: its z is −0.9725" in panel.health.text()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("bias", [1e300, -1e300])
def test_extreme_numbers_do_no_harm(desk: Desk, panel: InsidePanel, mode: str, bias: float) -> None:
    theme().set_mode(mode)  # type: ignore[arg-type]
    desk.select("h1")
    for activation in ACTIVATIONS:
        if activation != "softmax":
            set_activation(desk, "h1", activation)
            with desk.document.edit("Bias") as draft:
                draft.network.set_value("h1", bias)
            desk.player.go_to(desk.player.length)
            desk.settle()
            assert not panel.grab().isNull()


def test_hidden_it_waits(desk: Desk, panel: InsidePanel) -> None:
    panel.hide()
    desk.select("h2")
    assert panel.operations is None
    panel.show()
    desk.settle()
    assert panel.operations is not None
    assert panel.operations.neuron == "h2"
