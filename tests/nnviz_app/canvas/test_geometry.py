"""Where things stand: rims, lines, distances, the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF

from core.network import Network, Role
from nnviz_app.canvas import geometry
from nnviz_app.canvas.geometry import INPUT_CORNER, INPUT_HALF, RADIUS, RIM_GAP


def line(start: tuple[float, float], end: tuple[float, float], roles: tuple[Role, Role]) -> list[float]:
    square = np.array([[role is Role.INPUT for role in roles]])
    extents = np.array([[geometry.half_extent(role) for role in roles]])
    result: list[float] = geometry.edge_lines(np.array([start]), np.array([end]), square=square, extents=extents)[
        0
    ].tolist()
    return result


def test_an_edge_reaches_from_rim_to_rim() -> None:
    x1, y1, x2, y2 = line((0, 0), (220, 0), (Role.INPUT, Role.HIDDEN))
    assert (x1, y1) == (INPUT_HALF + RIM_GAP, 0)
    assert (x2, y2) == (220 - RADIUS - RIM_GAP, 0)


def test_an_edge_leaves_a_square_at_its_side_and_near_its_rounded_corner() -> None:
    x1, y1, *_ = line((0, 0), (200, 100), (Role.INPUT, Role.OUTPUT))
    assert x1 - RIM_GAP * 2 / math.sqrt(5) == pytest.approx(INPUT_HALF)
    assert y1 == pytest.approx(x1 / 2)
    x1, y1, *_ = line((0, 0), (200, 200), (Role.INPUT, Role.OUTPUT))
    corner = math.sqrt(2) * (INPUT_HALF - INPUT_CORNER) + INPUT_CORNER
    assert math.hypot(x1, y1) == pytest.approx(corner + RIM_GAP)


@pytest.mark.parametrize("distance", [0.0, 1.0, 40.0])
def test_neurons_that_touch_have_an_edge_without_length(distance: float) -> None:
    x1, y1, x2, y2 = line((10, 5), (10 + distance, 5), (Role.HIDDEN, Role.HIDDEN))
    assert (x1, y1) == pytest.approx((x2, y2))
    assert x1 == pytest.approx(10 + distance / 2)


def test_distances_are_to_the_line_and_beyond_its_ends_to_the_end() -> None:
    lines = np.array([[0.0, 0, 10, 0], [0, 0, 0, 10], [20, 20, 20, 20]])
    assert geometry.distances_to_lines(5, 3, lines).tolist() == pytest.approx([3, 5, math.hypot(15, 17)])
    assert geometry.distances_to_lines(13, 4, lines)[0] == pytest.approx(5)


def test_lines_touching_a_rectangle() -> None:
    rect = QRectF(0, 0, 10, 10)
    lines = np.array(
        [
            [-5.0, 5, 15, 5],  # through it
            [2, 2, 3, 3],  # inside
            [-5, 4, 4, -5],  # past the corner: its bounding box meets the rectangle, the line does not
            [5, -9, 5, -1],  # above
            [5, -9, 5, 1],  # ends inside
        ]
    )
    assert geometry.lines_touching(lines, rect).tolist() == [True, True, False, False, True]
    assert geometry.boxes_touching(lines, rect, 0.0).tolist() == [True, True, True, False, True]
    assert geometry.boxes_touching(lines, rect, 2.0).all()


def test_the_bounds_of_no_lines_are_empty() -> None:
    assert geometry.bounds(np.zeros((0, 4))).isNull()
    assert geometry.bounds(np.array([[3.0, 9, 1, 2]])) == QRectF(1, 2, 2, 7)


def test_the_loss_stands_right_of_the_outputs_clear_of_all_neurons() -> None:
    network = Network()
    assert geometry.loss_center(network, {}) is None
    network.add_neuron("output", id="o1")
    network.add_neuron("output", id="o2")
    positions = {"o1": QPointF(0, 0), "o2": QPointF(50, 200)}
    assert geometry.loss_center(network, positions) == QPointF(50 + geometry.LOSS_DISTANCE, 100)
    network.add_neuron("hidden", id="h1")
    positions["h1"] = QPointF(50 + geometry.LOSS_DISTANCE + 20, 90)
    center = geometry.loss_center(network, positions)
    assert center is not None
    body = geometry.body_rect(positions["h1"], Role.HIDDEN)
    assert not geometry.loss_rect(center).intersects(body)
