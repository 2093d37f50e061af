"""The scene: document, player and selection as they are drawn. It mirrors their signals and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsScene

from core.network import Network, Role
from core.quantities import Kind, Quantity
from core.trace import Trace
from nnviz_app.canvas import geometry
from nnviz_app.canvas.edge_layer import EdgeLayer, Marks
from nnviz_app.canvas.gesture_item import GestureItem
from nnviz_app.canvas.health import HealthMarks
from nnviz_app.canvas.items import DETAIL_SCALE, NeuronItem
from nnviz_app.canvas.labels import LabelLayer
from nnviz_app.canvas.loss_item import LossItem
from nnviz_app.canvas.parts import (
    Focus,
    Part,
    PartKind,
    focus_of_path,
    focus_of_quantity,
    focus_of_unit,
    with_highlighted,
    with_pointed,
)
from nnviz_app.canvas.texts import CanvasTexts
from nnviz_app.canvas.thumbnails import Thumbnails
from nnviz_app.canvas.tooltips import tooltip
from nnviz_app.comparison import Comparison
from nnviz_app.document import Change, Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import theme

__all__ = ["CanvasScene", "Part", "PartKind"]

EDGES_Z, LOSS_Z, NEURONS_Z, LABELS_Z, GESTURE_Z = range(5)
# The rim's band on either side of the outline, in the hit test's tolerances.
RIM_SHARE = 0.7
# The texts of a neuron that a person can type over.
TYPED = frozenset({PartKind.NAME, PartKind.VALUE, PartKind.BIAS, PartKind.TARGET})
# Dots of the background closer together than this on the screen are left out.
CLOSEST_DOTS = 9.0


class CanvasScene(QGraphicsScene):
    """The network, its numbers and the present step as items; pure hit tests for the tools."""

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.document, self.player, self.selection, self.preferences = document, player, selection, preferences
        self.texts = CanvasTexts(document, player, preferences)
        self.thumbnails = Thumbnails(document, self)
        self.health = HealthMarks(self)
        self.thumbnails.set_shown(preferences.shows_maps)
        self.health.set_shown(preferences.shows_health)
        self.scale = 1.0
        self.focus = Focus()
        self.hovered_part: Part | None = None
        self.hovered_neurons: frozenset[str] = frozenset()
        self.edited_part: Part | None = None
        self.inquiry: Inquiry | None = None
        # Whether the pointer is on the canvas: what it is on is then lit as it is at any time.
        self.is_pointed_at = False
        self.spotlight: Spotlight | None = None
        # Whether the numbers of the player's last steps stand out from the others.
        self.lights_steps = True
        self._hovered_edges: frozenset[str] = frozenset()
        # The network that the items show; every change of the document makes another.
        self._synced: Network | None = None
        self._preview: dict[str, QPointF] = {}
        self._items: dict[str, NeuronItem] = {}
        self._edge_ids: list[str] = []
        self._edge_places: dict[str, int] = {}
        self._parameters: list[str] = []
        self._ends = np.zeros((0, 2), dtype=np.intp)
        self._edges = EdgeLayer()
        self._labels = LabelLayer(self.texts)
        self._loss = LossItem(self)
        self._gesture = GestureItem()
        for item, z in (
            (self._edges, EDGES_Z),
            (self._loss, LOSS_Z),
            (self._labels, LABELS_Z),
            (self._gesture, GESTURE_Z),
        ):
            item.setZValue(z)
            self.addItem(item)
        document.changed.connect(self._follow_document)
        player.moved.connect(self._follow_player)
        selection.changed.connect(self._follow_selection)
        preferences.changed.connect(self._follow_preferences)
        theme().changed.connect(self._follow_theme)
        self.thumbnails.changed.connect(self.update)
        self._sync_structure()

    @property
    def network(self) -> Network:
        """The network on show."""
        return self.document.project.network

    def set_comparison(self, comparison: Comparison) -> None:
        """Show the differences from its reference on the edges and at the biases, while it is on."""
        self.texts.comparison = comparison
        comparison.changed.connect(self._sync_numbers)

    def set_inquiry(self, inquiry: Inquiry) -> None:
        """Show what was asked about, and light what is pointed at elsewhere."""
        self.inquiry = inquiry
        inquiry.changed.connect(self._follow_player)
        inquiry.pointed_changed.connect(self._follow_player)

    def set_spotlight(self, spotlight: Spotlight) -> None:
        """Light a path, highlight and hide parts as it says."""
        self.spotlight = spotlight
        spotlight.changed.connect(self._follow_spotlight)
        self._follow_spotlight()

    # What stands where

    def part_at(self, pos: QPointF, tolerance: float) -> Part | None:
        """The part under a scene point: numbers first, then rims, neurons, edges within `tolerance`, the loss."""
        found = self.health.part_at(pos) or self._number_at(pos)
        if found is None:
            found = self._neuron_at(pos, tolerance)
        if found is None:
            found = self._edge_at(pos, tolerance)
        if found is None and self._loss.isVisible() and self._loss.contains_point(pos):
            found = Part(PartKind.LOSS, "", self._loss.rect())
        return found

    def _number_at(self, pos: QPointF) -> Part | None:
        for edge_id in reversed(self._labels.plan.shown()):
            for pill in self._labels.plan.pills(edge_id):
                if pill.rect.contains(pos):
                    return Part(pill.kind, edge_id, pill.rect)
        for neuron_id, item in reversed(self._items.items()):
            if not item.isVisible() or not item.sceneBoundingRect().contains(pos):
                continue
            for piece in item.pieces():
                if piece.kind is None or (piece.kind is PartKind.VALUE and item.role is not Role.INPUT):
                    continue
                rect = piece.rect.translated(item.pos())
                if rect.contains(pos):
                    # Numbers that are computed cannot be typed over: they stand for their neuron.
                    kind = piece.kind if piece.kind in TYPED else PartKind.NEURON
                    return Part(kind, neuron_id, rect)
        return None

    def _neuron_at(self, pos: QPointF, tolerance: float) -> Part | None:
        band = RIM_SHARE * tolerance
        best: tuple[float, Part] | None = None
        for neuron_id, item in self._items.items():
            if not item.isVisible():
                continue
            offset = pos - item.pos()
            half = geometry.half_extent(item.role)
            reach = abs(offset.x()), abs(offset.y())
            away = max(reach) if item.role is Role.INPUT else (reach[0] ** 2 + reach[1] ** 2) ** 0.5
            if away > half + band:
                continue
            # Inside, the band is never so wide that nothing of the neuron is left to be taken hold of.
            kind = PartKind.NEURON if away < half - min(band, half * 0.3) else PartKind.RIM
            if best is None or away < best[0]:
                best = (away, Part(kind, neuron_id, self.neuron_rect(neuron_id)))
        return best[1] if best else None

    def _edge_at(self, pos: QPointF, tolerance: float) -> Part | None:
        if not self._edge_ids:
            return None
        away = geometry.distances_to_lines(pos.x(), pos.y(), self._edges.lines)
        place = int(np.argmin(away))
        if away[place] > tolerance:
            return None
        return Part(PartKind.EDGE, self._edge_ids[place], geometry.bounds(self._edges.lines[place : place + 1]))

    def part(self, kind: PartKind, id: str) -> Part | None:
        """Where a part stands; None when it is not shown at the moment."""
        if kind is PartKind.LOSS:
            return Part(kind, "", self._loss.rect()) if self._loss.isVisible() else None
        if id in self._items:
            if kind in (PartKind.NEURON, PartKind.RIM):
                return Part(kind, id, self.neuron_rect(id))
            item = self._items[id]
            for piece in item.pieces():
                if piece.kind is kind:
                    return Part(kind, id, piece.rect.translated(item.pos()))
        if id in self._edge_places:
            if kind is PartKind.EDGE:
                place = self._edge_places[id]
                return Part(kind, id, geometry.bounds(self._edges.lines[place : place + 1]))
            for pill in self._labels.plan.pills(id):
                if pill.kind is kind:
                    return Part(kind, id, pill.rect)
        return None

    def painted_text(self, kind: PartKind, id: str) -> str | None:
        """The text that is painted for a number at the moment; None if it is not shown."""
        if self.edited_part is not None and (kind, id) == (self.edited_part.kind, self.edited_part.id):
            return None
        if kind is PartKind.LOSS:
            text = self.texts.loss() if self._loss.isVisible() and self._loss.shows_text else None
            return text.text if text else None
        if id in self._items:
            return next((piece.text.text for piece in self._items[id].pieces() if piece.kind is kind), None)
        if id in self._edge_places:
            return next((pill.text.text for pill in self._labels.plan.pills(id) if pill.kind is kind), None)
        return None

    def quantity_of(self, part: Part) -> Quantity | None:
        """The quantity whose number a part shows at the moment; of a whole edge its label's most telling one."""
        kind, id = part.kind, part.id
        if kind is PartKind.LOSS:
            text = self.texts.loss()
            return text.quantity if text else None
        if id in self._items:
            return next((piece.text.quantity for piece in self._items[id].pieces() if piece.kind is kind), None)
        if id in self._edge_places:
            pills = {pill.kind: pill.text.quantity for pill in self._labels.plan.pills(id)}
            if kind is not PartKind.EDGE:
                return pills.get(kind)
            return pills.get(PartKind.GRADIENT) or pills.get(PartKind.WEIGHT) or Quantity(Kind.WEIGHT, id)
        return None

    def number_at(self, pos: QPointF) -> Part | None:
        """The number under a scene point, also one that is computed."""
        for neuron_id, item in reversed(self._items.items()):
            if item.isVisible() and item.sceneBoundingRect().contains(pos):
                for piece in item.pieces():
                    if piece.kind is not None and piece.rect.translated(item.pos()).contains(pos):
                        return Part(piece.kind, neuron_id, piece.rect.translated(item.pos()))
        part = self._number_at(pos)
        if part is None and self._loss.isVisible() and self._loss.contains_point(pos):
            part = Part(PartKind.LOSS, "", self._loss.rect())
        return part

    def neurons_in(self, rect: QRectF) -> list[str]:
        """The neurons whose middle lies within `rect`."""
        area = rect.normalized()
        return [neuron_id for neuron_id, item in self._items.items() if area.contains(item.pos())]

    def edges_in(self, rect: QRectF) -> list[str]:
        """The edges that lie within `rect` as a whole."""
        lines, area = self._edges.lines, rect.normalized()
        xs, ys = lines[:, 0::2], lines[:, 1::2]
        inside = (xs >= area.left()) & (xs <= area.right()) & (ys >= area.top()) & (ys <= area.bottom())
        return [self._edge_ids[place] for place in np.flatnonzero(inside.all(axis=1)).tolist()]

    def neuron_rect(self, id: str) -> QRectF:
        """The rectangle around a neuron's outline."""
        item = self._items[id]
        return geometry.body_rect(item.pos(), item.role)

    def content_rect(self) -> QRectF:
        """The rectangle around all that is drawn; empty for an empty canvas."""
        rect = QRectF()
        for neuron_id, item in self._items.items():
            rect = rect.united(self.neuron_rect(neuron_id))
            for reserved in item.reserved(is_scarce=False, has_detail=True):
                rect = rect.united(reserved)
        return rect.united(self._loss.rect()) if self._loss.isVisible() else rect

    def written_rect(self) -> QRectF:
        """The rectangle around all numbers that are written at the moment, marks on neurons included."""
        rect = QRectF()
        plan = self._labels.plan
        for edge_id in plan.shown():
            for pill in plan.pills(edge_id):
                rect = rect.united(pill.rect)
        for neuron_id, item in self._items.items():
            if item.isVisible():
                for piece in item.pieces():
                    rect = rect.united(piece.rect.translated(item.pos()))
                mark = self.health.part(neuron_id)
                rect = rect.united(mark.rect) if mark is not None else rect
        return rect

    @property
    def loss_y(self) -> float:
        """The height at which the loss stands."""
        return self._loss.rect().center().y()

    def has_label_in(self, rect: QRectF) -> bool:
        """Whether a number of an edge stands in this rectangle."""
        plan = self._labels.plan
        return any(pill.rect.intersects(rect) for edge_id in plan.shown() for pill in plan.pills(edge_id))

    def tooltip_for(self, part: Part) -> str:
        """What a part shows, with every digit."""
        return tooltip(self.texts, part) + self.health.tooltip(part)

    # What the view and the tools tell

    def set_scale(self, scale: float) -> None:
        """Follow the zoom: pixels (independent of the device) per scene unit."""
        old, self.scale = self.scale, scale
        if scale == old:
            return
        self._labels.set_scale(scale)
        self.update()

    def set_hovered(self, part: Part | None) -> None:
        """Highlight what is pointed at: an edge with its ends, or a neuron with its edges."""
        self.hovered_part = part
        neurons: set[str] = set()
        edges: set[str] = set()
        labelled: frozenset[str] = frozenset()
        if part is not None and part.is_of_edge and part.id in self.network.edges:
            edge = self.network.edges[part.id]
            edges, neurons, labelled = {part.id}, {edge.source, edge.target}, frozenset({part.id})
        elif part is not None and part.is_of_neuron and part.id in self.network.neurons:
            neurons = {part.id}
            edges = {e.id for e in (*self.network.incoming(part.id), *self.network.outgoing(part.id))}
        changed = self.hovered_neurons ^ neurons
        self.hovered_neurons = frozenset(neurons)
        self._hovered_edges = frozenset(edges)
        self._update_neurons(changed)
        if labelled != self._labels.plan.hovered:
            self._labels.set_standing_out(hovered=labelled)
        self._mark_edges()

    def preview_positions(self, positions: dict[str, QPointF] | None) -> None:
        """Draw neurons elsewhere while they are dragged; None: back to where the document has them."""
        was_previewing = bool(self._preview)
        self._preview = dict(positions or {})
        self._place_neurons(is_dragging=bool(self._preview) or was_previewing)
        if not self._preview and was_previewing:
            self._labels.set_edges(self._edge_ids, self._edges.lines, self._reserved)

    def set_edge_preview(
        self,
        source: str | None,
        end: QPointF | None = None,
        target: str | None = None,
        problem: str | None = None,
    ) -> None:
        """Draw the line that becomes an edge from `source`; None: no longer.

        In the accent where it can be, in red with the reason where `problem` says why not.
        """
        if source is None or source not in self._items or end is None:
            self._gesture.set_line(None)
            return
        start = self._items[source].pos()
        finish = self._items[target].pos() if target in self._items and not problem else end
        ends = np.array([[start.x(), start.y()]]), np.array([[finish.x(), finish.y()]])
        roles = [self._items[source].role, self._items[target].role if target in self._items else Role.HIDDEN]
        extents = np.array([[geometry.half_extent(roles[0]), geometry.half_extent(roles[1])]])
        if target is None or problem:
            extents[0, 1] = -geometry.RIM_GAP
        square = np.array([[roles[0] is Role.INPUT, roles[1] is Role.INPUT and not problem]])
        x1, y1, x2, y2 = geometry.edge_lines(*ends, square=square, extents=extents)[0].tolist()
        can_be = target is not None and problem is None
        self._gesture.set_line((QPointF(x1, y1), QPointF(x2, y2)), can_be=can_be, problem=problem, scale=self.scale)

    def set_rubber_band(self, rect: QRectF | None) -> None:
        """Draw the rectangle in which things are being selected; None: no longer."""
        self._gesture.set_band(rect)

    def set_edited(self, part: Part | None) -> None:
        """Do not paint this number: it is being edited where it stands."""
        self.edited_part = part
        self._labels.edited = None if part is None else (part.kind, part.id)
        self._labels.update()
        self._update_neurons(self._items)

    # Following

    def _follow_document(self, change: Change) -> None:
        if change.structure or change.project:
            if self._synced is not self.network:
                self._sync_structure()
            return
        if change.layout:
            self._place_neurons(is_dragging=False)
        if change.affects_numbers:
            self._sync_numbers()

    def _follow_player(self) -> None:
        # Others hear of a change first; the document's own signal is still on its way here.
        if self._shows_other_structure():
            self._sync_structure()
        else:
            self._sync_numbers()

    def _shows_other_structure(self) -> bool:
        old, new = self._synced, self.network
        return old is None or old.neurons is not new.neurons or old.edges is not new.edges or old.frozen != new.frozen

    def _follow_selection(self) -> None:
        self._labels.set_standing_out(selected=frozenset(self.selection.edges))
        self._update_neurons(self._items)
        self._mark_edges()

    def _follow_preferences(self) -> None:
        self.thumbnails.set_shown(self.preferences.shows_maps)
        self.health.set_shown(self.preferences.shows_health)
        self._labels.refresh()
        self._update_neurons(self._items)
        self._loss.update()

    def _follow_theme(self) -> None:
        self._edges.forget_colors()
        # Labels grow with the text.
        self._labels.forget_places()
        self.update()

    def _sync_structure(self) -> None:
        network = self._synced = self.network
        for neuron_id in [i for i in self._items if i not in network.neurons]:
            self.removeItem(self._items.pop(neuron_id))
        former, self._items = self._items, {}
        for neuron_id, neuron in network.neurons.items():
            item = former.get(neuron_id)
            if item is None:
                item = NeuronItem(self, neuron_id)
                item.setZValue(NEURONS_Z)
                self.addItem(item)
            elif item.role is not neuron.role:
                item.set_role(neuron.role)
            self._items[neuron_id] = item
            item.setVisible(neuron_id not in self.texts.hidden)
        order = {neuron_id: place for place, neuron_id in enumerate(network.neurons)}
        hidden = self.texts.hidden
        edges = [e for e in network.edges.values() if not hidden & {e.id, e.source, e.target}]
        self._edge_ids = [edge.id for edge in edges]
        self._edge_places = {edge_id: place for place, edge_id in enumerate(self._edge_ids)}
        self._parameters = [edge.parameter for edge in edges]
        self._ends = np.array([(order[edge.source], order[edge.target]) for edge in edges], dtype=np.intp).reshape(
            -1, 2
        )
        self._loss.setVisible(bool(network.outputs) and "loss" not in hidden)
        self._preview = {i: p for i, p in self._preview.items() if i in network.neurons}
        self._labels.set_standing_out(selected=frozenset(self.selection.edges))
        self._place_items()
        self._edges.set_edges(self._edge_lines(), self._weights())
        self._labels.set_edges(self._edge_ids, self._edges.lines, self._reserved)
        self.set_hovered(self.hovered_part)
        self._sync_numbers()

    def _place_neurons(self, *, is_dragging: bool) -> None:
        self._place_items()
        lines = self._edge_lines()
        self._edges.set_lines(lines)
        if is_dragging:
            self._labels.drag_edges(lines)
        else:
            self._labels.set_edges(self._edge_ids, lines, self._reserved)

    def _place_items(self) -> None:
        positions = self._positions()
        for neuron_id, point in positions.items():
            self._items[neuron_id].setPos(point)
        center = geometry.loss_center(self.network, positions)
        if center is not None:
            hidden = self.texts.hidden
            outputs = {n.id: positions[n.id] for n in self.network.outputs if n.id not in hidden}
            self._loss.move_to(center, outputs)
            self._update_neurons(outputs)

    def _positions(self) -> dict[str, QPointF]:
        return {
            neuron_id: self._preview.get(neuron_id) or QPointF(*self.network.positions[neuron_id])
            for neuron_id in self.network.neurons
        }

    def _edge_lines(self) -> geometry.Array:
        points = np.array([(item.x(), item.y()) for item in self._items.values()]).reshape(-1, 2)
        square = np.array([item.role is Role.INPUT for item in self._items.values()], dtype=bool)
        extents = np.array([geometry.half_extent(item.role) for item in self._items.values()])
        ends = self._ends
        return geometry.edge_lines(points[ends[:, 0]], points[ends[:, 1]], square=square[ends], extents=extents[ends])

    def _weights(self) -> geometry.Array:
        """What hue and width of the edges tell: the weights, or how much they differ from the comparison's."""
        comparison, count = self.texts.comparison, len(self._parameters)
        if comparison is not None and comparison.is_on:
            differences = comparison.differences
            return np.fromiter((differences.get(name, 0.0) for name in self._parameters), np.float64, count)
        values = self.network.values
        return np.fromiter(map(values.__getitem__, self._parameters), np.float64, count)

    def _reserved(self, is_scarce: bool) -> list[QRectF]:
        """What labels keep clear of."""
        has_detail = self.scale >= DETAIL_SCALE
        rects = [
            rect
            for item in self._items.values()
            if item.isVisible()
            for rect in item.reserved(is_scarce=is_scarce, has_detail=has_detail)
        ]
        return [*rects, self._loss.rect()] if self._loss.isVisible() else rects

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many edges that numbers which are shown twice are left out once."""
        return self._labels.plan.is_crowded

    def _sync_numbers(self) -> None:
        self._synced = self.network
        trace = self.player.trace
        self.focus = self._find_focus(trace)
        self._edges.set_weights(self._weights())
        self._mark_edges()
        self._labels.set_standing_out(focus=self.focus)
        self._labels.refresh()
        self._update_neurons(self._items)
        self._loss.update()

    def _find_focus(self, trace: Trace | None) -> Focus:
        """What the drawing is about: a path, else a number that was asked about, else the player's last steps."""
        network, spotlight = self.network, self.spotlight
        asked = self.inquiry.quantity if self.inquiry is not None else None
        pointed = self.inquiry.pointed if self.inquiry is not None else None
        if spotlight is not None and spotlight.path:
            return focus_of_path(spotlight.path, network)
        if asked is not None and trace is not None:
            focus = focus_of_quantity(trace, asked)
        else:
            lit = self.player.unit if trace is not None and self.lights_steps else ()
            steps = [trace[index] for index in lit] if trace is not None else []
            focus = focus_of_unit(steps, network, dims=self.lights_steps and self.player.index < self.player.length)
        if pointed is not None and not self.is_pointed_at:
            focus = with_pointed(focus, pointed, network)
        return focus if spotlight is None else with_highlighted(focus, spotlight.highlighted, network)

    def _follow_spotlight(self) -> None:
        spotlight = self.spotlight
        if spotlight is not None and spotlight.hidden != self.texts.hidden:
            self.texts.hidden = spotlight.hidden
            self._labels.forget_places()
            self._sync_structure()
        else:
            self._follow_player()

    def _mark_edges(self) -> None:
        focus = self.focus

        def places(ids: Iterable[str]) -> frozenset[int]:
            return frozenset(self._edge_places[i] for i in ids if i in self._edge_places)

        self._edges.set_marks(
            Marks(
                active=places(focus.active_edges),
                operands=places(focus.operand_edges),
                hovered=places(self._hovered_edges),
                selected=places(self.selection.edges),
                arrows=places(focus.arrows),
                hue=focus.hue,
                is_backward=focus.is_backward,
                dims=focus.dims,
            )
        )

    def _update_neurons(self, ids: Iterable[str]) -> None:
        for neuron_id in ids:
            item = self._items.get(neuron_id)
            if item is not None:
                item.update()

    # The background

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        palette = theme().palette
        painter.fillRect(rect, QColor(palette.canvas))
        spacing = geometry.GRID_SPACING
        if spacing * self.scale < CLOSEST_DOTS:
            return
        # A row of dots is one dashed line: a dot of 1.3 units, then nothing up to the next.
        size = 1.3
        pen = QPen(palette.grid_dots, size)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([1.0, spacing / size - 1.0])
        painter.setPen(pen)
        left = np.floor(rect.left() / spacing) * spacing - size / 2
        y = np.floor(rect.top() / spacing) * spacing
        while y <= rect.bottom():
            painter.drawLine(QPointF(left, y), QPointF(rect.right() + spacing, y))
            y += spacing
