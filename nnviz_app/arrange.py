"""Where neurons stand: pure functions from positions to positions. Nothing here changes a value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from core.network import Network, Position

Alignment = Literal["left", "center", "right", "top", "middle", "bottom"]
Axis = Literal["horizontal", "vertical"]
Positions = dict[str, Position]

COLUMN_GAP = 260.0
ROW_GAP = 110.0
# Columns stand at least this share of the tallest one's height apart, so that a tall network is no thin stripe.
LEAST_SLOPE = 0.25
GRID = 10.0
# Nearer than this to a neuron's centre another one would overlap it or its numbers.
CLEARANCE = 85.0
# How many rounds of ordering each column by the places of its neighbours; more change nothing in practice.
ROUNDS = 8
# Above this, edges that run through neurons are not looked for: the search compares each edge with each neuron.
MOST_EDGES_COMPARED = 3000


def snapped(x: float, y: float, grid: float = GRID) -> Position:
    """The grid point nearest to (x, y)."""
    return round(x / grid) * grid, round(y / grid) * grid


def column(ids: Sequence[str], x: float, center_y: float = 0.0) -> Positions:
    """These neurons in one column, centred on `center_y`."""
    top = center_y - (len(ids) - 1) * ROW_GAP / 2
    return {neuron_id: (x, top + row * ROW_GAP) for row, neuron_id in enumerate(ids)}


def columns(groups: Iterable[Sequence[str]], x: float = 0.0, center_y: float = 0.0) -> Positions:
    """Each group in a column of its own, from left to right beginning at `x`."""
    positions: Positions = {}
    groups = list(groups)
    gap = _column_gap(groups)
    for index, group in enumerate(groups):
        positions.update(column(group, x + index * gap, center_y))
    return positions


def _column_gap(groups: Sequence[Sequence[str]]) -> float:
    """How far apart these columns stand."""
    tallest = max((len(group) for group in groups), default=0) * ROW_GAP
    return max(COLUMN_GAP, snapped(LEAST_SLOPE * tallest, 0.0)[0])


def tidy(network: Network) -> Positions:
    """All neurons in columns by depth, ordered so that few edges cross, around the present centre.

    Inputs stand left; output neurons that feed no other stand right. Raises NetworkError for a cycle.
    """
    groups = _columns_by_depth(network)
    if not groups:
        return {}
    groups = _uncrossed(network, groups)
    positions = columns(groups)
    _step_aside(network, groups, positions)
    old_x, old_y = center(network.positions.values())
    new_x, new_y = center(positions.values())
    dx, dy = snapped(old_x - new_x, old_y - new_y)
    return {neuron_id: (x + dx, y + dy) for neuron_id, (x, y) in positions.items()}


def center(positions: Iterable[Position]) -> Position:
    """The centre of the rectangle around these positions; (0, 0) for none."""
    points = list(positions)
    if not points:
        return 0.0, 0.0
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def align(positions: Mapping[str, Position], kind: Alignment) -> Positions:
    """These neurons on one vertical (left, center, right) or horizontal (top, middle, bottom) line."""
    if not positions:
        return {}
    middle_x, middle_y = center(positions.values())
    xs, ys = [x for x, _ in positions.values()], [y for _, y in positions.values()]
    line = {
        "left": min(xs),
        "center": middle_x,
        "right": max(xs),
        "top": min(ys),
        "middle": middle_y,
        "bottom": max(ys),
    }[kind]
    if kind in ("left", "center", "right"):
        return {neuron_id: (line, y) for neuron_id, (_, y) in positions.items()}
    return {neuron_id: (x, line) for neuron_id, (x, _) in positions.items()}


def distribute(positions: Mapping[str, Position], axis: Axis) -> Positions:
    """These neurons at equal distances along `axis`, the outermost two where they are."""
    along: int = 0 if axis == "horizontal" else 1
    order = sorted(positions, key=lambda neuron_id: positions[neuron_id][along])
    if len(order) < 3:
        return dict(positions)
    first, last = positions[order[0]][along], positions[order[-1]][along]
    result: Positions = {}
    for place, neuron_id in enumerate(order):
        value = first + (last - first) * place / (len(order) - 1)
        x, y = positions[neuron_id]
        result[neuron_id] = (value, y) if along == 0 else (x, value)
    return result


def free_position(taken: Iterable[Position], wanted: Position) -> Position:
    """`wanted`, or the nearest place below it (above it, when that is nearer) that no neuron covers."""
    points = list(taken)
    x, y = wanted
    shifts = [0.0]
    for rows in range(1, len(points) + 2):
        shifts += [rows * ROW_GAP, -rows * ROW_GAP]
    for shift in shifts:
        if all(math.dist((x, y + shift), point) >= CLEARANCE for point in points):
            return x, y + shift
    return wanted


# How tidy does it


def _columns_by_depth(network: Network) -> list[list[str]]:
    groups = [list(level) for level in network.levels()]
    sinks = [n.id for n in network.outputs if not network.outgoing(n.id)]
    groups = [[i for i in group if i not in set(sinks)] for group in groups]
    while groups and not groups[-1]:
        groups.pop()
    if sinks:
        # Without inputs the first level is empty: outputs still stand one column to the right.
        groups.append(sinks)
    groups = [group for group in groups if group]
    for group in groups:
        # A tidy drawing looks like the former one: the order starts from where the neurons were.
        group.sort(key=lambda neuron_id: network.positions[neuron_id][1])
    return groups


def _uncrossed(network: Network, groups: list[list[str]]) -> list[list[str]]:
    """The groups, each in the order that crosses fewest edges, found by sweeping barycentres both ways.

    An edge over several columns takes part in each of them, as a stand-in that is dropped at the end
    (Sugiyama, Tagawa and Toda 1981, Methods for visual understanding of hierarchical system structures).
    """
    depth = {neuron_id: index for index, group in enumerate(groups) for neuron_id in group}
    layers = [list(group) for group in groups]
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for edge in network.edges.values():
        first, last = depth[edge.source], depth[edge.target]
        chain = [edge.source]
        for index in range(first + 1, last):
            # A slash cannot be part of an id.
            stand_in = f"{edge.id}/{index}"
            layers[index].append(stand_in)
            chain.append(stand_in)
        for one, other in pairwise([*chain, edge.target]):
            after.setdefault(one, []).append(other)
            before.setdefault(other, []).append(one)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after)
    for _ in range(ROUNDS):
        for index in range(1, len(layers)):
            _sort_by_neighbours(layers[index], layers[index - 1], before)
        for index in range(len(layers) - 2, -1, -1):
            _sort_by_neighbours(layers[index], layers[index + 1], after)
        count = _crossings(layers, after)
        if count >= fewest:
            break
        best, fewest = [list(layer) for layer in layers], count
    return [[i for i in layer if i in depth] for layer in best]


def _sort_by_neighbours(layer: list[str], fixed: list[str], neighbours: Mapping[str, list[str]]) -> None:
    # Places are shares of the column, so that columns of different size can be compared.
    place = {name: (index + 0.5) / len(fixed) for index, name in enumerate(fixed)}
    own = {name: (index + 0.5) / len(layer) for index, name in enumerate(layer)}

    def mean_place(name: str) -> float:
        seen = [place[other] for other in neighbours.get(name, ()) if other in place]
        return sum(seen) / len(seen) if seen else own[name]

    layer.sort(key=mean_place)


def _crossings(layers: list[list[str]], after: Mapping[str, list[str]]) -> int:
    return sum(_crossings_between(left, right, after) for left, right in pairwise(layers))


def _crossings_between(left: list[str], right: list[str], after: Mapping[str, list[str]]) -> int:
    """How many pairs of edges cross: the inversions among the ends, counted with a Fenwick tree."""
    place = {name: index for index, name in enumerate(right)}
    tree = [0] * (len(right) + 1)
    seen = crossings = 0
    for name in left:
        ends = sorted(place[other] for other in after.get(name, ()) if other in place)
        for end in ends:
            index, not_above = end + 1, 0
            while index:
                not_above += tree[index]
                index -= index & -index
            crossings += seen - not_above
        for end in ends:
            index = end + 1
            while index < len(tree):
                tree[index] += 1
                index += index & -index
            seen += 1
    return crossings


def _step_aside(network: Network, groups: list[list[str]], positions: Positions) -> None:
    """Shift columns half a row up or down where an edge would run through a neuron that it does not touch."""
    long_edges = [
        edge
        for edge in network.edges.values()
        if abs(positions[edge.source][0] - positions[edge.target][0]) > _column_gap(groups) * 1.5
    ]
    if not long_edges or len(network.edges) > MOST_EDGES_COMPARED:
        return
    for group in groups[1:-1]:
        former = {neuron_id: positions[neuron_id] for neuron_id in group}
        best: tuple[int, float, float] | None = None
        for shift in (0.0, 0.5, -0.5, 1.0, -1.0):
            moved = {i: (x, y + shift * ROW_GAP) for i, (x, y) in former.items()}
            covered = sum(
                _runs_through({**positions, **moved}, edge.source, edge.target, neuron_id)
                for edge in long_edges
                for neuron_id in group
                if neuron_id not in (edge.source, edge.target)
            )
            if best is None or (covered, abs(shift)) < best[:2]:
                best = (covered, abs(shift), shift)
            if covered == 0:
                break
        if best is not None:
            positions.update({i: (x, y + best[2] * ROW_GAP) for i, (x, y) in former.items()})


def _runs_through(positions: Mapping[str, Position], source: str, target: str, neuron_id: str) -> bool:
    (x1, y1), (x2, y2), (x, y) = positions[source], positions[target], positions[neuron_id]
    if not min(x1, x2) < x < max(x1, x2):
        return False
    return abs(y1 + (y2 - y1) * (x - x1) / (x2 - x1) - y) < CLEARANCE / 2
