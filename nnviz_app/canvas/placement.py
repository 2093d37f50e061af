"""Where edge labels go: along their edges, clear of neurons, numbers and each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

Array = NDArray[np.float64]

# Places along an edge from source (0) to target (1), in the order in which they are liked.
PLACES = 0.5 + np.array([0.0, *(sign * step * 0.035 for step in range(1, 13) for sign in (-1, 1))])
# Free space around a label.
SPACE = 1.5
# Up to this many edges, labels also keep off the edges of others where they can.
MOST_KEPT_OFF = 160
# A place near the middle is worth as much as one crossing edge fewer per this much of the length.
LENGTH_PER_CROSSING = 0.35


def place_labels(lines: Array, sizes: Array, obstacles: Sequence[QRectF]) -> Array:
    """The middle (n, 2) of each label; NaN where no place is free.

    `lines` (n, 4) are the edges, `sizes` (n, 2) the widths and heights of their labels. Whoever has the fewest
    places chooses first. The same edges and sizes always give the same places.
    """
    count = len(lines)
    result = np.full((count, 2), np.nan)
    if not count:
        return result
    centers, boxes, free, cost = _candidates(lines, sizes, obstacles)
    # Among equals the order of drawing decides.
    order = np.lexsort((np.arange(count), free.sum(axis=1)))
    chosen = np.full(count, -1)
    held = np.full((count, 4), np.nan)
    for index in order.tolist():
        best = _best_place(index, boxes, free=free, cost=cost, held=held)
        if best < 0:
            best = _make_room(index, boxes, free=free, cost=cost, held=held, chosen=chosen)
        if best >= 0:
            chosen[index], held[index] = best, boxes[index, best]
    placed = chosen >= 0
    result[placed] = centers[placed, chosen[placed]]
    return result


def upgrade_labels(
    lines: Array, centers: Array, *, sizes: Array, larger: Array, obstacles: Sequence[QRectF]
) -> tuple[Array, NDArray[np.bool_]]:
    """Give each label the `larger` size (n, 2) where there is room, moving it along its edge if need be.

    `centers` (n, 2) are the places of labels with `sizes` (n, 2), NaN for none. Returns the new places and
    which labels have the larger size.
    """
    found, upgraded = centers.copy(), np.zeros(len(lines), dtype=bool)
    if not len(lines):
        return found, upgraded
    candidates, boxes, free, cost = _candidates(lines, larger, obstacles)
    halves = sizes / 2 + SPACE
    held = np.concatenate([centers - halves, centers + halves], axis=1)
    for index in np.flatnonzero(~np.isnan(centers[:, 0])).tolist():
        former = held[index].copy()
        held[index] = np.nan
        best = _best_place(index, boxes, free=free, cost=cost, held=held)
        if best < 0:
            held[index] = former
        else:
            held[index], found[index], upgraded[index] = boxes[index, best], candidates[index, best], True
    return found, upgraded


def _candidates(
    lines: Array, sizes: Array, obstacles: Sequence[QRectF]
) -> tuple[Array, Array, NDArray[np.bool_], Array]:
    """For each edge and place: the label's middle, its box, whether no obstacle is there, and what it costs."""
    start, delta = lines[:, None, :2], (lines[:, 2:] - lines[:, :2])[:, None, :]
    centers = start + PLACES[None, :, None] * delta
    halves = sizes / 2 + SPACE
    boxes = np.concatenate([centers - halves[:, None, :], centers + halves[:, None, :]], axis=2)
    taken = np.array([[r.left(), r.top(), r.right(), r.bottom()] for r in obstacles]).reshape(-1, 4)
    free = ~boxes_meet(boxes.reshape(-1, 4), taken).any(axis=1).reshape(len(lines), -1)
    cost = np.abs(PLACES - 0.5)[None, :] / LENGTH_PER_CROSSING + np.zeros((len(lines), 1))
    if len(lines) <= MOST_KEPT_OFF:
        cost = cost + _crossings(centers, halves, lines)
    return centers, boxes, free, cost


def _best_place(index: int, boxes: Array, *, free: NDArray[np.bool_], cost: Array, held: Array) -> int:
    """The cheapest place of one label that no `held` box (n, 4) meets; -1 if none."""
    # NaN, which stands for no box, meets nothing.
    candidates = np.flatnonzero(free[index])
    candidates = candidates[~boxes_meet(boxes[index, candidates], held).any(axis=1)]
    return int(candidates[np.argmin(cost[index, candidates])]) if len(candidates) else -1


def _make_room(
    index: int,
    boxes: Array,
    *,
    free: NDArray[np.bool_],
    cost: Array,
    held: Array,
    chosen: NDArray[np.int_],
) -> int:
    """Move one label that is in the way elsewhere along its edge, and give the place that this frees; -1 if none."""
    candidates = np.flatnonzero(free[index])
    blocking = boxes_meet(boxes[index, candidates], held)
    for place in np.argsort(cost[index, candidates], kind="stable").tolist():
        blockers = np.flatnonzero(blocking[place])
        if len(blockers) != 1:
            continue
        blocker = int(blockers[0])
        kept = held[blocker].copy()
        held[blocker] = boxes[index, candidates[place]]
        other = _best_place(blocker, boxes, free=free, cost=cost, held=held)
        if other >= 0:
            held[blocker], chosen[blocker] = boxes[blocker, other], other
            return int(candidates[place])
        held[blocker] = kept
    return -1


def least_covering(line: Array, size: Array, obstacles: Array) -> Array:
    """The middle (2,) for a label that must be shown, covering as few of the `obstacles` (m, 4) as can be."""
    centers = line[None, :2] + PLACES[:, None] * (line[2:] - line[:2])[None, :]
    boxes = np.concatenate([centers - size / 2, centers + size / 2], axis=1)
    covered = boxes_meet(boxes, obstacles).sum(axis=1)
    result: Array = centers[np.argmin(covered)]
    return result


def boxes_meet(boxes: Array, others: Array) -> NDArray[np.bool_]:
    """Which of the boxes (n, 4) meet which of the others (m, 4), each left, top, right, bottom: (n, m)."""
    result: NDArray[np.bool_] = (
        (boxes[:, None, 0] < others[None, :, 2])
        & (boxes[:, None, 2] > others[None, :, 0])
        & (boxes[:, None, 1] < others[None, :, 3])
        & (boxes[:, None, 3] > others[None, :, 1])
    )
    return result


def _crossings(centers: Array, halves: Array, lines: Array) -> Array:
    """How many other edges run behind each candidate label: (n, places)."""
    # A line meets a box about the origin where its distance is below what the box reaches across the line.
    delta = lines[:, 2:] - lines[:, :2]
    length = np.hypot(delta[:, 0], delta[:, 1])
    unit = delta / np.where(length > 0, length, 1.0)[:, None]
    normal = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    offset = np.einsum("ij,ij->i", normal, lines[:, :2])
    crossing = np.zeros(centers.shape[:2])
    for place in range(centers.shape[1]):
        points = centers[:, place]
        across = np.abs(points @ normal.T - offset[None, :])
        reach = halves @ np.abs(normal).T
        along = points @ unit.T - np.einsum("ij,ij->i", unit, lines[:, :2])[None, :]
        extent = halves @ np.abs(unit).T
        meets = (across < reach) & (along > -extent) & (along < length[None, :] + extent)
        np.fill_diagonal(meets, False)
        crossing[:, place] = meets.sum(axis=1)
    return crossing
