"""Labels: where they go, and how much they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from graph_strategies import connect_all
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from core.quantities import Kind, Quantity
from nnviz_app.canvas.label_plan import label_factor
from nnviz_app.canvas.parts import PartKind
from nnviz_app.canvas.placement import least_covering, place_labels, upgrade_labels
from nnviz_app.canvas.scene import CanvasScene
from nnviz_app.document import Document
from nnviz_app.player import Player
from nnviz_app.preferences import LabelMode, Preferences
from nnviz_app.selection import Selection

coordinates = st.floats(-500, 500, allow_nan=False)
some_lines = st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), min_size=1, max_size=40)


def boxes(centers: np.ndarray, sizes: np.ndarray) -> list[QRectF]:
    return [
        QRectF(x - w / 2, y - h / 2, w, h)
        for (x, y), (w, h) in zip(centers.tolist(), sizes.tolist(), strict=True)
        if x == x
    ]


@given(lines=some_lines, width=st.floats(20, 120), height=st.floats(10, 40))
def test_labels_meet_neither_each_other_nor_obstacles(
    lines: list[tuple[float, ...]], width: float, height: float
) -> None:
    array, sizes = np.array(lines), np.tile([width, height], (len(lines), 1))
    obstacles = [QRectF(-50, -50, 100, 100), QRectF(200, 0, 30, 300)]
    centers = place_labels(array, sizes, obstacles)
    placed = boxes(centers, sizes)
    assert not any(a.intersects(b) for a, b in combinations(placed, 2))
    assert not any(box.intersects(obstacle) for box in placed for obstacle in obstacles)
    larger = sizes * 1.5
    moved, upgraded = upgrade_labels(array, centers, sizes=sizes, larger=larger, obstacles=obstacles)
    placed = boxes(moved, np.where(upgraded[:, None], larger, sizes))
    assert not any(a.intersects(b) for a, b in combinations(placed, 2))
    assert np.array_equal(np.isnan(moved), np.isnan(centers))


def test_a_label_stands_on_its_edge_and_alone_in_the_middle() -> None:
    assert place_labels(np.array([[0.0, 0, 100, 50]]), np.array([[20.0, 10]]), []).tolist() == [[50, 25]]
    assert place_labels(np.zeros((0, 4)), np.zeros((0, 2)), []).shape == (0, 2)


def test_where_no_place_is_free_a_label_is_left_out() -> None:
    line, size = np.array([[0.0, 0, 100, 0]]), np.array([[20.0, 10]])
    wall = QRectF(-50, -50, 300, 100)
    assert np.isnan(place_labels(line, size, [wall])).all()
    assert least_covering(line[0], size[0], np.array([[-50.0, -50, 60, 50]])).tolist() == pytest.approx([71, 0])


def test_a_label_makes_room_for_one_that_has_no_other_place() -> None:
    # The short edge has its only places where the long one would like to stand.
    lines = np.array([[0.0, 0, 400, 0], [200, -5, 200, 5]])
    sizes = np.array([[80.0, 20], [80, 20]])
    centers = place_labels(lines, sizes, [])
    assert not np.isnan(centers).any()


def test_labels_shrink_and_grow_less_than_the_scene() -> None:
    assert label_factor(1.0) == 1.0
    assert 1.0 < label_factor(0.6) <= 1.35
    assert 0.6 <= label_factor(2.0) < 1.0
    assert label_factor(1.02) == 1.0


class Canvas:
    """A layered network on a scene of its own."""

    def __init__(self, *sizes: int, gap: float = 220.0, row: float = 110.0) -> None:
        self.document = Document()
        self.player = Player(self.document)
        self.selection = Selection(self.document)
        self.preferences = Preferences()
        self.scene = CanvasScene(self.document, self.player, self.selection, self.preferences)
        rng = np.random.default_rng(1)
        with self.document.edit("Draw") as draft:
            network, before = draft.network, []
            for column, size in enumerate(sizes):
                role = "input" if column == 0 else "output" if column == len(sizes) - 1 else "hidden"
                places = [(column * gap, (i - (size - 1) / 2) * row) for i in range(size)]
                ids = [network.add_neuron(role, position=place).id for place in places]
                connect_all(network, before, ids, lambda: round(float(rng.normal()), 4))
                before = ids

    @property
    def edges(self) -> list[str]:
        return list(self.document.project.network.edges)

    def labelled(self) -> list[str]:
        """The edges of which a number is read."""
        kinds = (PartKind.WEIGHT, PartKind.GRADIENT)
        return [i for i in self.edges if any(self.scene.painted_text(kind, i) for kind in kinds)]

    def rects(self, *, without: set[str] | frozenset[str] = frozenset()) -> dict[tuple[str, PartKind], QRectF]:
        """Where the numbers on the edges stand."""
        found = {}
        for edge_id in self.edges:
            for kind in (PartKind.WEIGHT, PartKind.GRADIENT):
                part = self.scene.part(kind, edge_id)
                if part is not None and edge_id not in without:
                    found[edge_id, kind] = part.rect
        return found

    def until(self, kind: Kind, subject: str) -> None:
        trace = self.player.trace
        assert trace is not None
        self.player.go_to(trace.index_of(Quantity(kind, subject)) + 1)


def overlapping(rects: dict[tuple[str, PartKind], QRectF]) -> list[tuple[object, object]]:
    return [(a, b) for (a, r), (b, s) in combinations(rects.items(), 2) if r.intersects(s)]


@pytest.mark.parametrize("sizes", [(2, 2, 2), (2, 4, 1), (3, 4, 2), (4, 8, 8, 3)])
@pytest.mark.parametrize("scale", [0.6, 1.0, 2.0])
def test_labels_never_overlap_while_stepping(qtbot: QtBot, sizes: tuple[int, ...], scale: float) -> None:
    canvas = Canvas(*sizes)
    canvas.scene.set_scale(scale)
    assert overlapping(canvas.rects()) == []
    for index in range(0, canvas.player.length + 1, 1 + canvas.player.length // 12):
        canvas.player.go_to(index)
        focus = canvas.scene.focus
        # Those of the step may stand on neurons when nothing is free, but no other label stands on theirs.
        rects = canvas.rects(without=set() if len(focus.operand_edges) < 4 else focus.operand_edges)
        assert overlapping(rects) == []


def test_with_some_twenty_edges_every_label_finds_a_place(qtbot: QtBot) -> None:
    assert len(Canvas(3, 4, 2).labelled()) == 20
    canvas = Canvas(4, 6, 4, 2, gap=260)
    assert len(canvas.labelled()) >= 0.94 * len(canvas.edges)


def test_labels_keep_clear_of_neurons_and_their_numbers(qtbot: QtBot) -> None:
    canvas = Canvas(3, 4, 2)
    network = canvas.document.project.network
    taken = [canvas.scene.neuron_rect(i) for i in network.neurons]
    for neuron_id in network.neurons:
        for kind in (PartKind.BIAS, PartKind.TARGET, PartKind.SHARE):
            part = canvas.scene.part(kind, neuron_id)
            taken += [part.rect] if part else []
    assert not any(rect.intersects(other) for rect in canvas.rects().values() for other in taken)


def test_labels_do_not_jump_while_stepping(qtbot: QtBot) -> None:
    canvas = Canvas(2, 2, 2, row=210)

    def tops() -> dict[str, QPointF]:
        rects = canvas.rects()
        return {i: QPointF(rects[i, PartKind.WEIGHT].center()) for i in canvas.edges}

    at_rest = tops()
    for index in range(canvas.player.length + 1):
        canvas.player.go_to(index)
        for edge_id, center in tops().items():
            assert (center - at_rest[edge_id]).manhattanLength() < 1e-6


def test_labels_thin_out_by_zoom_but_not_that_of_the_step(qtbot: QtBot) -> None:
    canvas = Canvas(4, 8, 8, 3)
    counts = []
    for scale in (2.0, 1.0, 0.6, 0.5):
        canvas.scene.set_scale(scale)
        counts.append(len(canvas.labelled()))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 100
    assert counts[-1] == 0
    canvas.until(Kind.WEIGHT_GRAD, "w60")
    assert canvas.labelled() == ["w60"]
    assert canvas.scene.painted_text(PartKind.WEIGHT, "w60")


def test_selected_and_hovered_edges_always_have_their_label_in_full(qtbot: QtBot) -> None:
    canvas = Canvas(4, 8, 8, 3)
    left_out = next(i for i in canvas.edges if i not in canvas.labelled())
    canvas.selection.set([left_out])
    assert (canvas.scene.painted_text(PartKind.WEIGHT, left_out) or "").startswith(f"{left_out} ")
    canvas.selection.clear()
    assert left_out not in canvas.labelled()
    part = canvas.scene.part(PartKind.EDGE, left_out)
    canvas.scene.set_hovered(part)
    assert left_out in canvas.labelled()
    canvas.scene.set_hovered(None)
    assert left_out not in canvas.labelled()


def test_labels_slide_along_while_a_neuron_is_dragged(qtbot: QtBot) -> None:
    canvas = Canvas(2, 2, 1)
    before = canvas.rects()["w1", PartKind.WEIGHT].center()
    canvas.scene.preview_positions({"i1": QPointF(0, 55)})
    during = canvas.rects()["w1", PartKind.WEIGHT].center()
    assert during != before
    assert canvas.document.project.network.positions["i1"] == (0, -55)
    canvas.scene.preview_positions(None)
    assert canvas.rects()["w1", PartKind.WEIGHT].center() == before


def test_too_many_edges_have_no_labels_but_for_one_that_is_pointed_at(qtbot: QtBot) -> None:
    canvas = Canvas(21, 20)
    assert canvas.labelled() == []
    canvas.scene.set_hovered(canvas.scene.part(PartKind.EDGE, "w7"))
    assert canvas.labelled() == ["w7"]


@pytest.mark.parametrize("digits", [2, 8])
def test_all_digits_are_written_on_the_label_of_the_step(qtbot: QtBot, digits: int) -> None:
    canvas = Canvas(2, 2, 1)
    canvas.preferences.set_digits(digits)
    with canvas.document.edit("Set") as draft:
        draft.dataset.set_values({(0, "i1"): 0.123456789})
        draft.network.set_value("w1", 1.0)
    canvas.until(Kind.PRODUCT, "w1")
    assert canvas.scene.painted_text(PartKind.GRADIENT, "w1") == {2: "→ 0.12", 8: "→ 0.12345679"}[digits]


def test_the_weight_alone_in_the_weight_mode(qtbot: QtBot) -> None:
    canvas = Canvas(2, 2, 2)
    canvas.preferences.set_label_mode(LabelMode.WEIGHT)
    canvas.player.go_to(canvas.player.length)
    shown = [canvas.scene.painted_text(PartKind.GRADIENT, i) for i in canvas.edges[:-1]]
    assert shown == [None] * (len(canvas.edges) - 1)
