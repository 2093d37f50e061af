"""Where things stand on the canvas: pure functions on numbers and arrays, in scene units (1 px at 100 %)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from core.network import Network, Role

Array = NDArray[np.float64]

RADIUS = 30.0
INPUT_HALF = 28.0
INPUT_CORNER = 9.0
# The outer circle of an output.
OUTER_RADIUS = 33.0
# Free space between an edge's end and the outline it meets.
RIM_GAP = 1.5

LOSS_DISTANCE = 240.0
LOSS_HALF_WIDTH = 46.0
LOSS_HALF_HEIGHT = 37.0

PILL_HEIGHT = 17.0
# Between a neuron's outline and its first pill, and between two pills.
PILL_GAP = 4.0
PILL_SPACING = 2.0

GRID_SPACING = 20.0


def half_extent(role: Role) -> float:
    """From a neuron's middle to its outermost outline, straight up."""
    return {Role.INPUT: INPUT_HALF, Role.OUTPUT: OUTER_RADIUS}.get(role, RADIUS)


def body_rect(center: QPointF, role: Role) -> QRectF:
    """The rectangle of a neuron's outline."""
    half = half_extent(role)
    return QRectF(center.x() - half, center.y() - half, 2 * half, 2 * half)


def rim_distances(directions: Array, square: NDArray[np.bool_], extents: Array) -> Array:
    """From each neuron's middle to its rim, along `directions` (n, 2) of length 1; `square` marks inputs."""
    reach = np.maximum(np.abs(directions[:, 0]), np.abs(directions[:, 1]))
    # The corners are round: no point of the outline is further away than this.
    corner = np.sqrt(2.0) * (extents - INPUT_CORNER) + INPUT_CORNER
    to_side = np.minimum(extents / np.where(reach > 0, reach, 1.0), corner)
    result: Array = np.where(square, to_side, extents)
    return result


def edge_lines(starts: Array, ends: Array, *, square: NDArray[np.bool_], extents: Array) -> Array:
    """The visible parts (n, 4) of the straight lines between neurons at `starts` and `ends`, each (n, 2).

    `square` (n, 2) and `extents` (n, 2) describe the outlines at both ends. Neurons that touch get a line of
    no length in the middle between them.
    """
    delta = ends - starts
    length = np.hypot(delta[:, 0], delta[:, 1])
    unit = delta / np.where(length > 0, length, 1.0)[:, None]
    first = rim_distances(unit, square[:, 0], extents[:, 0]) + RIM_GAP
    last = rim_distances(unit, square[:, 1], extents[:, 1]) + RIM_GAP
    short = first + last > length
    first, last = np.where(short, length / 2, first), np.where(short, length / 2, last)
    lines = np.empty((len(starts), 4))
    lines[:, :2] = starts + unit * first[:, None]
    lines[:, 2:] = ends - unit * last[:, None]
    return lines


def distances_to_lines(x: float, y: float, lines: Array) -> Array:
    """The distance of a point to each of the lines (n, 4)."""
    start, delta = lines[:, :2], lines[:, 2:] - lines[:, :2]
    point = np.array([x, y]) - start
    squared = np.einsum("ij,ij->i", delta, delta)
    along = np.einsum("ij,ij->i", point, delta) / np.where(squared > 0, squared, 1.0)
    nearest = point - np.clip(along, 0.0, 1.0)[:, None] * delta
    result: Array = np.hypot(nearest[:, 0], nearest[:, 1])
    return result


def lines_touching(lines: Array, rect: QRectF) -> NDArray[np.bool_]:
    """Which of the lines (n, 4) have a point within `rect` (Liang-Barsky clipping)."""
    start, delta = lines[:, :2], lines[:, 2:] - lines[:, :2]
    enter, leave = np.zeros(len(lines)), np.ones(len(lines))
    outside = np.zeros(len(lines), dtype=bool)
    for axis, (low, high) in enumerate(((rect.left(), rect.right()), (rect.top(), rect.bottom()))):
        still = delta[:, axis] == 0
        outside |= still & ((start[:, axis] < low) | (start[:, axis] > high))
        step = np.where(still, 1.0, delta[:, axis])
        first, second = (low - start[:, axis]) / step, (high - start[:, axis]) / step
        enter = np.where(still, enter, np.maximum(enter, np.minimum(first, second)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(first, second)))
    result: NDArray[np.bool_] = ~outside & (enter <= leave)
    return result


def boxes_touching(lines: Array, rect: QRectF, margin: float) -> NDArray[np.bool_]:
    """Which of the lines (n, 4) have a bounding box, `margin` larger, that meets `rect`: quick and generous."""
    result: NDArray[np.bool_] = (
        (np.minimum(lines[:, 0], lines[:, 2]) <= rect.right() + margin)
        & (np.maximum(lines[:, 0], lines[:, 2]) >= rect.left() - margin)
        & (np.minimum(lines[:, 1], lines[:, 3]) <= rect.bottom() + margin)
        & (np.maximum(lines[:, 1], lines[:, 3]) >= rect.top() - margin)
    )
    return result


def bounds(lines: Array) -> QRectF:
    """The rectangle around all lines (n, 4); empty for none."""
    if not len(lines):
        return QRectF()
    points = lines.reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    return QRectF(QPointF(*low.tolist()), QPointF(*high.tolist()))


def loss_center(network: Network, positions: dict[str, QPointF]) -> QPointF | None:
    """Where the loss stands: right of the outputs at their mean height, clear of every neuron; None without outputs."""
    outputs = [positions[neuron.id] for neuron in network.outputs]
    if not outputs:
        return None
    center = QPointF(
        max(point.x() for point in outputs) + LOSS_DISTANCE, sum(point.y() for point in outputs) / len(outputs)
    )
    margin = OUTER_RADIUS + 20.0
    blocking = sorted(
        point.x()
        for point in positions.values()
        if abs(point.y() - center.y()) < LOSS_HALF_HEIGHT + margin and point.x() > center.x() - LOSS_HALF_WIDTH - margin
    )
    for x in blocking:
        if abs(x - center.x()) < LOSS_HALF_WIDTH + margin:
            center.setX(x + LOSS_HALF_WIDTH + margin)
    return center


def loss_rect(center: QPointF) -> QRectF:
    """The rectangle around the loss diamond."""
    return QRectF(
        center.x() - LOSS_HALF_WIDTH, center.y() - LOSS_HALF_HEIGHT, 2 * LOSS_HALF_WIDTH, 2 * LOSS_HALF_HEIGHT
    )
