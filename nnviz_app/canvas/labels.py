"""The numbers on the edges: two pills on each edge that has room for them, the weight above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz_app.canvas.geometry import PILL_HEIGHT
from nnviz_app.canvas.lettering import Ink, active_ink, draw_pill, operand_ink, pill_width, plain_ink
from nnviz_app.canvas.parts import Focus, PartKind
from nnviz_app.canvas.placement import least_covering, place_labels
from nnviz_app.canvas.texts import CanvasTexts, Text
from nnviz_app.preferences import LabelMode
from nnviz_app.theme import theme

Array = NDArray[np.float64]

# Between the upper and the lower pill.
SEAM = 4.0
# More edges than this are too many to read one by one: only the marked ones are labelled.
MOST_LABELLED = 600
# Below this zoom labels would be too small to read.
SMALLEST_SCALE = 0.55
# Slots are this much wider at a time, so that a digit more does not move every label.
SLOT_STEP = 8.0


def label_factor(scale: float) -> float:
    """How large labels are drawn relative to the scene at a zoom.

    They grow and shrink less than the scene does: legible when zoomed out, and when zoomed in there is room
    for more of them. In steps, so that they keep their places while the zoom changes a little.
    """
    step = round(np.log2(max(scale, 1e-6)) * 4) / 4
    return float(np.clip(2.0 ** (-0.5 * step), 0.6, 1.35))


@dataclass(frozen=True)
class PlacedPill:
    """One pill of a label as it is painted."""

    kind: PartKind
    text: Text
    rect: QRectF


class LabelLayer(QGraphicsItem):
    """Paints the labels of all edges. Places are kept until edges, zoom or what is written change."""

    def __init__(self, texts: CanvasTexts) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.texts = texts
        self.focus = Focus()
        self.hovered: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()
        self.edited: tuple[PartKind, str] | None = None
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._lines: Array = np.zeros((0, 4))
        self._obstacles: Callable[[], Sequence[QRectF]] = tuple
        self._scale = 1.0
        self._factor = 1.0
        self._centers: Array | None = None
        self._fractions: Array | None = None
        self._sizes: Array = np.zeros((0, 2))
        self._key: object = None
        self._bounds = QRectF()

    # What to label

    def set_edges(self, ids: list[str], lines: Array, obstacles: Callable[[], Sequence[QRectF]]) -> None:
        """Label these edges (lines (n, 4)), keeping clear of what `obstacles` gives."""
        self._ids, self._lines, self._obstacles = ids, lines, obstacles
        self._places = {edge_id: place for place, edge_id in enumerate(ids)}
        self._centers = None
        self._measure()

    def drag_edges(self, lines: Array) -> None:
        """Follow edges that are being moved: labels slide along, without looking for better places."""
        if self._centers is not None and len(lines) == len(self._lines):
            delta = self._lines[:, 2:] - self._lines[:, :2]
            squared = np.maximum(np.einsum("ij,ij->i", delta, delta), 1e-9)
            along = np.einsum("ij,ij->i", self._centers - self._lines[:, :2], delta) / squared
            self._centers = lines[:, :2] + along[:, None] * (lines[:, 2:] - lines[:, :2])
        self._lines = lines
        self._measure()

    def set_scale(self, scale: float) -> None:
        """Follow the zoom."""
        factor = label_factor(scale)
        if (scale < SMALLEST_SCALE) != (self._scale < SMALLEST_SCALE) or factor != self._factor:
            self._factor = factor
            self._centers = None
            self.update()
        self._scale = scale

    def forget_places(self) -> None:
        """Find all places anew."""
        self._centers = None
        self.update()

    def refresh(self) -> None:
        """Paint what the texts say now; find places anew if they need other room."""
        if self._centers is not None and self._slot_key() != self._key:
            self._centers = None
        self.update()

    # Where labels stand

    @property
    def is_legible(self) -> bool:
        """Whether labels are shown at this zoom."""
        return self._scale >= SMALLEST_SCALE

    def _slot_key(self) -> object:
        # All that the size of the slots depends on.
        texts = self.texts
        if len(self._ids) > MOST_LABELLED:
            return None
        return (
            texts.preferences.digits,
            texts.preferences.label_mode is LabelMode.WEIGHT,
            texts.widest_lower(),
            self._slots().tobytes(),
        )

    def _slots(self) -> Array:
        lower = pill_width(self.texts.widest_lower())
        has_lower = self.texts.preferences.label_mode is not LabelMode.WEIGHT
        frozen, edges = self.texts.network.frozen, self.texts.network.edges
        sizes = np.empty((len(self._ids), 2))
        for place, edge_id in enumerate(self._ids):
            width = pill_width(self.texts.widest_weight(edge_id), locked=edges[edge_id].parameter in frozen)
            if has_lower:
                width = max(width, lower)
            sizes[place, 0] = np.ceil(width / SLOT_STEP) * SLOT_STEP
        sizes[:, 1] = 2 * PILL_HEIGHT + SEAM if has_lower else PILL_HEIGHT
        return sizes

    def _place(self) -> Array:
        if self._centers is None:
            if not self.is_legible or len(self._ids) > MOST_LABELLED:
                self._centers = np.full((len(self._ids), 2), np.nan)
                self._sizes = np.zeros((len(self._ids), 2))
                self._key = self._slot_key()
            else:
                sizes = self._slots()
                self._key = self._slot_key()
                self._sizes = sizes * self._factor
                self._centers = place_labels(self._lines, self._sizes, self._obstacles())
        return self._centers

    def _insistent(self) -> frozenset[str]:
        """Edges whose label is shown whether or not there is a free place."""
        return self.focus.active_edges | self.focus.operand_edges | self.hovered | self.selected

    def _center(self, edge_id: str) -> QPointF | None:
        place = self._places.get(edge_id)
        if place is None:
            return None
        centers = self._place()
        x, y = centers[place].tolist()
        if x == x:  # not NaN
            return QPointF(x, y)
        if edge_id not in self._insistent():
            return None
        kept = ~np.isnan(centers[:, 0])
        boxes = np.concatenate([centers[kept] - self._sizes[kept] / 2, centers[kept] + self._sizes[kept] / 2], axis=1)
        rects = [[r.left(), r.top(), r.right(), r.bottom()] for r in self._obstacles()]
        taken = np.concatenate([boxes, np.array(rects).reshape(-1, 4)])
        size = np.array([pill_width(self.texts.widest_weight(edge_id)), 2 * PILL_HEIGHT + SEAM]) * self._factor
        return QPointF(*least_covering(self._lines[place], size, taken).tolist())

    def pills(self, edge_id: str) -> list[PlacedPill]:
        """The pills of an edge as they are painted: none where its label is left out."""
        is_marked = edge_id in self._insistent()
        if not (self.is_legible or (is_marked and self._scale > 0.3)):
            return []
        center = self._center(edge_id)
        if center is None:
            return []
        factor = self._factor
        place = self._places[edge_id]
        has_lower = self.texts.preferences.label_mode is not LabelMode.WEIGHT
        is_free = is_marked and (edge_id in self.focus.active_edges or edge_id in self.hovered or edge_id in self.selected)
        width = None if is_free else float(self._sizes[place, 0]) / factor
        upper = self.texts.weight(edge_id, width=width, focus=self.focus)
        lower = self.texts.lower(edge_id, self.focus)
        height = PILL_HEIGHT * factor
        seam = SEAM * factor
        top = center.y() - (height + seam / 2 if has_lower or lower else height / 2)
        locked = self._is_frozen(edge_id)
        found = [PlacedPill(PartKind.WEIGHT, upper, self._rect(center.x(), top, upper, locked=locked))]
        if lower is not None:
            rect = self._rect(center.x(), top + height + seam, lower)
            found.append(PlacedPill(PartKind.GRADIENT, lower, rect))
        return found

    def _rect(self, x: float, top: float, text: Text, *, locked: bool = False) -> QRectF:
        width = pill_width(text.text, locked=locked) * self._factor
        return QRectF(x - width / 2, top, width, PILL_HEIGHT * self._factor)

    def _is_frozen(self, edge_id: str) -> bool:
        network = self.texts.network
        return network.edges[edge_id].parameter in network.frozen

    def shown(self) -> list[str]:
        """The edges that have a label at the moment, those that stand out last."""
        insistent = self._insistent()
        if not self.is_legible:
            return [edge_id for edge_id in self._ids if edge_id in insistent]
        placed = ~np.isnan(self._place()[:, 0])
        plain = [self._ids[i] for i in np.flatnonzero(placed).tolist() if self._ids[i] not in insistent]
        return [*plain, *(edge_id for edge_id in self._sorted_insistent(insistent))]

    def _sorted_insistent(self, insistent: Iterable[str]) -> list[str]:
        active = self.focus.active_edges
        return sorted((i for i in insistent if i in self._places), key=lambda i: (i in active, self._places[i]))

    # How it is drawn

    def boundingRect(self) -> QRectF:
        return self._bounds

    def _measure(self) -> None:
        from nnviz_app.canvas.geometry import bounds

        found = bounds(self._lines).adjusted(-120, -40, 120, 40)
        if found != self._bounds:
            self.prepareGeometryChange()
            self._bounds = found
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for edge_id in self.shown():
            for pill in self.pills(edge_id):
                name = (pill.kind, edge_id)
                if name == self.edited or not option.exposedRect.intersects(pill.rect):
                    continue
                locked = pill.kind is PartKind.WEIGHT and self._is_frozen(edge_id)
                draw_pill(painter, pill.rect, pill.text.text, self._ink(pill, edge_id), factor=self._factor, locked=locked)

    def _ink(self, pill: PlacedPill, edge_id: str) -> Ink:
        name, focus = (pill.kind, edge_id), self.focus
        color = theme().palette.color(pill.text.color)
        if name in focus.active:
            return active_ink(focus.hue)
        if name in focus.operands:
            return operand_ink(focus.hue, color)
        if edge_id in self.selected or edge_id in self.hovered:
            return Ink(color, theme().palette.pill, theme().palette.accent)
        ink = plain_ink(color)
        is_lit = not focus.dims or edge_id in focus.active_edges or edge_id in focus.operand_edges
        return ink if is_lit else ink.dimmed()
