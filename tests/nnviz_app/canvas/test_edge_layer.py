"""The layer that draws all edges: colours, dashes, widths, marks, and what it repaints."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene, QGraphicsView, QStyleOptionGraphicsItem
from pytestqt.qtbot import QtBot

from nnviz_app.canvas import edge_layer
from nnviz_app.canvas.edge_layer import SMOOTH_ALWAYS, SMOOTH_NEVER, EdgeLayer, Marks
from nnviz_app.canvas.lettering import DIMMED_LINE
from nnviz_app.palette import mix
from nnviz_app.theme import theme

AREA = QRectF(0, 0, 400, 300)


def horizontal(count: int) -> np.ndarray:
    """Lines from left to right, 20 apart, in columns of ten."""
    rows = np.arange(count)
    lines = np.zeros((count, 4))
    lines[:, 0], lines[:, 2] = 20, 380
    lines[:, 1] = lines[:, 3] = 20 + 20 * (rows % 13)
    return lines


class Drawn:
    """A layer in a scene, and the picture of it."""

    def __init__(self, lines: np.ndarray, weights: list[float]) -> None:
        self.scene = QGraphicsScene()
        self.layer = EdgeLayer()
        self.layer.set_edges(lines, np.array(weights))
        self.scene.addItem(self.layer)

    def picture(self) -> QImage:
        image = QImage(400, 300, QImage.Format.Format_RGB32)
        image.fill(theme().palette.canvas)
        painter = QPainter(image)
        self.scene.render(painter, AREA, AREA)
        painter.end()
        return image

    def colors_along(self, y: int) -> set[str]:
        image = self.picture()
        return {image.pixelColor(x, y).name() for x in range(60, 340)}

    def thickness(self, x: int, y: int) -> int:
        """How many pixels above and below (x, y) are not the canvas."""
        image, canvas = self.picture(), theme().palette.canvas.name()
        return sum(image.pixelColor(x, y + dy).name() != canvas for dy in range(-9, 10))


@pytest.fixture
def drawn(qtbot: QtBot) -> Drawn:
    return Drawn(horizontal(4), [1.0, -1.0, 0.25, 0.0])


def test_sign_is_told_by_hue_and_by_dashes(drawn: Drawn) -> None:
    palette = theme().palette
    assert drawn.colors_along(20) == {palette.positive.name()}
    assert {palette.negative.name(), palette.canvas.name()} <= drawn.colors_along(40)


def test_size_is_told_by_width(drawn: Drawn) -> None:
    widths = [drawn.layer.width(i) for i in range(4)]
    assert widths == [4.0, 4.0, 2.0, 1.0]
    assert drawn.thickness(200, 20) > drawn.thickness(200, 60) > 0


def test_edges_are_dimmed_but_for_those_that_take_part(drawn: Drawn) -> None:
    drawn.layer.set_marks(Marks(dims=True, operands=frozenset({0})))
    palette = theme().palette
    assert drawn.colors_along(20) == {palette.positive.name()}
    paler = mix(palette.positive, palette.canvas, DIMMED_LINE).name()
    assert paler in drawn.colors_along(60)


def test_an_edge_that_no_longer_stands_out_is_drawn_with_the_others_again(drawn: Drawn) -> None:
    before = drawn.picture()
    drawn.layer.set_marks(Marks(active=frozenset({0}), dims=True))
    drawn.picture()
    drawn.layer.set_marks(Marks())
    assert drawn.picture() == before


@pytest.mark.parametrize(("is_backward", "hue"), [(False, "forward"), (True, "backward")])
def test_the_edge_at_work_has_an_arrow_in_the_hue_of_the_phase(drawn: Drawn, is_backward: bool, hue: str) -> None:
    one = frozenset({0})
    drawn.layer.set_marks(Marks(active=one, arrows=one, hue=hue, is_backward=is_backward, dims=True))
    image, color = drawn.picture(), theme().palette.color(hue).name()
    # The wings of the arrow head: beside the line, near the end to which the numbers flow.
    left = any(image.pixelColor(x, y).name() == color for x in range(21, 36) for y in (15, 16, 24, 25))
    right = any(image.pixelColor(x, y).name() == color for x in range(364, 379) for y in (15, 16, 24, 25))
    assert (left, right) == (is_backward, not is_backward)
    assert image.pixelColor(200, 20).name() == theme().palette.positive.name()


def test_a_selected_edge_has_a_band_in_the_accent(drawn: Drawn) -> None:
    before = drawn.thickness(200, 60)
    drawn.layer.set_marks(Marks(selected=frozenset({2})))
    assert drawn.thickness(200, 60) >= before + 6


def test_colors_follow_the_theme(drawn: Drawn) -> None:
    try:
        theme().set_mode("dark")
        drawn.layer.forget_colors()
        assert drawn.colors_along(20) == {theme().palette.positive.name()}
    finally:
        theme().set_mode("light")


def test_weights_that_are_all_zero_or_not_numbers_are_drawn_thin(qtbot: QtBot) -> None:
    drawn = Drawn(horizontal(3), [0.0, float("nan"), float("inf")])
    assert [drawn.layer.width(i) for i in range(3)] == [1.0, 1.0, 1.0]
    assert drawn.thickness(200, 40) > 0
    assert Drawn(np.zeros((0, 4)), []).picture().pixelColor(5, 5) == theme().palette.canvas


def test_a_negative_weight_is_dashed_however_small(qtbot: QtBot) -> None:
    drawn = Drawn(horizontal(2), [1.0, -0.0001])
    assert {theme().palette.canvas.name()} < drawn.colors_along(40)


def test_a_moved_edge_is_drawn_where_it_stands(drawn: Drawn) -> None:
    lines = horizontal(4)
    lines[0] = (20, 250, 380, 250)
    drawn.layer.set_lines(lines)
    assert drawn.thickness(200, 20) == 0
    assert drawn.thickness(200, 250) > 0


def test_only_edges_whose_pen_differs_are_painted_again(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    monkeypatch.setattr(drawn.layer, "_update_edges", lambda indices: seen.append(list(indices)))
    drawn.layer.set_weights(np.array([1.0, -1.0, 0.2501, 0.0]))
    assert seen == []
    drawn.layer.set_weights(np.array([1.0, -1.0, 0.9, 0.0]))
    assert seen == [[2]]


def test_a_part_of_the_picture_looks_as_in_the_whole(qtbot: QtBot) -> None:
    rng = np.random.default_rng(3)
    lines = rng.uniform(0, 300, size=(300, 4))
    drawn = Drawn(lines, rng.normal(size=300).tolist())
    whole, part = drawn.picture(), drawn.picture()
    seen = QRectF(60, 70, 100, 80)
    option = QStyleOptionGraphicsItem()
    option.exposedRect = seen
    painter = QPainter(part)
    painter.setClipRect(seen)
    painter.fillRect(seen, theme().palette.canvas)
    drawn.layer.paint(painter, option)
    painter.end()
    assert largest_difference(whole, part) < 10


def largest_difference(first: QImage, second: QImage) -> int:
    arrays = [np.frombuffer(image.constBits(), dtype=np.uint8).astype(int) for image in (first, second)]
    return int(np.abs(arrays[0] - arrays[1]).max())


@pytest.mark.parametrize(
    ("count", "moving", "resting"),
    [(SMOOTH_ALWAYS, True, True), (SMOOTH_ALWAYS + 1, False, True), (SMOOTH_NEVER + 1, False, False)],
)
def test_many_edges_are_smooth_only_at_rest(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, count: int, moving: bool, resting: bool
) -> None:
    monkeypatch.setattr(edge_layer, "REST_MILLISECONDS", 1)
    layer = EdgeLayer()
    weights = np.ones(count)
    layer.set_edges(horizontal(count), weights)
    assert layer.is_smooth is resting
    weights = weights.copy()
    weights[1:] = 0.1
    layer.set_weights(weights)
    assert layer.is_smooth is moving
    qtbot.waitUntil(lambda: layer.is_smooth is resting)


def test_pointing_at_one_of_many_edges_does_not_draw_the_others_anew(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = SMOOTH_ALWAYS + 1
    drawn = Drawn(horizontal(count), [1.0] * count)
    view = QGraphicsView(drawn.scene)
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.show()
    view.grab()
    crowds: list[int] = []
    paint = drawn.layer._paint_crowd
    monkeypatch.setattr(drawn.layer, "_paint_crowd", lambda *rest: (crowds.append(1), paint(*rest))[1])
    drawn.layer.set_marks(Marks(hovered=frozenset({5})))
    image = view.grab().toImage()
    assert crowds == []
    point = view.mapFromScene(200, 20 + 20 * 5 - 5)
    assert QColor(image.pixel(point)) != theme().palette.canvas
    drawn.layer.set_weights(np.linspace(0, 1, count))
    view.grab()
    assert crowds
