"""Which edges carry a label, how much it says, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from nnviz_app.canvas.geometry import PILL_HEIGHT
from nnviz_app.canvas.lettering import pill_width
from nnviz_app.canvas.parts import Focus, PartKind
from nnviz_app.canvas.placement import boxes_meet, least_covering, place_labels, upgrade_labels
from nnviz_app.canvas.texts import CanvasTexts, Text
from nnviz_app.theme import theme

Array = NDArray[np.float64]
# What labels keep clear of; fewer and smaller where the argument says that room is scarce.
Obstacles = Callable[[bool], Sequence[QRectF]]

# Between the upper and the lower pill: the edge is seen in between.
SEAM = 4.0
# More edges than this are too many to read one by one: only those that stand out are labelled.
MOST_LABELLED = 400
# Up to this many, two numbers on each edge are tried.
MOST_IN_FULL = 150
# Select all, and not every edge stands out.
MOST_SELECTED = 12
# Below this zoom labels would be too small to read.
SMALLEST_SCALE = 0.55
# Slots are this much wider at a time, so that a digit more does not move every label.
SLOT_STEP = 6.0
# What a bare pill saves at either side.
BARE_SAVING = 2.5


class Level(IntEnum):
    """How much a label says."""

    # Two numbers, with the old weight and the new one side by side after an update; two numbers; one with the
    # edge's name; one alone.
    WIDE = 0
    FULL = 1
    SINGLE = 2
    BARE = 3


@dataclass(frozen=True)
class _Attempt:
    """One way to label all edges, taken if `share` of them find a place at `level`.

    Where room `is_scarce`, neurons leave out what they say twice. Labels that still have room for it say as
    much as `upgrade`, if that is most of them.
    """

    level: Level
    share: float
    is_scarce: bool = True
    upgrade: Level | None = None


ATTEMPTS = (
    _Attempt(Level.WIDE, 1.0, is_scarce=False),
    _Attempt(Level.FULL, 1.0, is_scarce=False),
    _Attempt(Level.FULL, 1.0),
    _Attempt(Level.SINGLE, 0.97, upgrade=Level.FULL),
    _Attempt(Level.BARE, 0.0, upgrade=Level.SINGLE),
)
MOST = 0.5


def label_factor(scale: float) -> float:
    """How large labels are drawn relative to the scene at a zoom.

    They grow and shrink less than the scene does: legible when zoomed out, and when zoomed in there is room
    for more of them. In steps, so that they keep their places while the zoom changes a little.
    """
    step = round(np.log2(max(scale, 1e-6)) * 4) / 4
    return float(np.clip(2.0 ** (-0.5 * step), 0.6, 1.35))


@dataclass(frozen=True)
class Pill:
    """One pill of a label as it is painted."""

    kind: PartKind
    text: Text
    rect: QRectF
    locked: bool = False


class LabelPlan:
    """Finds and keeps the places of labels until edges, zoom or the size of what is written change.

    Edges that stand out (at work in the step, operands of it, pointed at, selected) always have a label in
    full; those of other edges make way for them.
    """

    def __init__(self, texts: CanvasTexts) -> None:
        self.texts = texts
        self.focus = Focus()
        self.hovered: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()
        self.scale = 1.0
        self.factor = 1.0
        self.ids: list[str] = []
        self.lines: Array = np.zeros((0, 4))
        self._places: dict[str, int] = {}
        self._obstacles: Obstacles = lambda _is_scarce: ()
        self._centers: Array | None = None
        self._sizes: Array = np.zeros((0, 2))
        self._levels: NDArray[np.int_] = np.zeros(0, dtype=int)
        self._is_crowded = False
        self._measured_for: tuple[object, ...] | None = None
        self._measures: object = None
        self._standing_out: dict[str, QPointF] | None = None
        self._covered: frozenset[str] = frozenset()

    # What to label

    def set_edges(self, ids: list[str], lines: Array, obstacles: Obstacles) -> None:
        """Label these edges, lines (n, 4), clear of what `obstacles` gives."""
        self.ids, self.lines, self._obstacles = ids, lines, obstacles
        self._places = {edge_id: place for place, edge_id in enumerate(ids)}
        self.forget()

    def drag_edges(self, lines: Array) -> None:
        """Follow edges that are being moved: labels slide along, without looking for better places."""
        if self._centers is not None and len(lines) == len(self.lines):
            delta = self.lines[:, 2:] - self.lines[:, :2]
            squared = np.maximum(np.einsum("ij,ij->i", delta, delta), 1e-9)
            along = np.einsum("ij,ij->i", self._centers - self.lines[:, :2], delta) / squared
            self._centers = lines[:, :2] + along[:, None] * (lines[:, 2:] - lines[:, :2])
        self.lines = lines
        self._standing_out = None

    def set_scale(self, scale: float) -> bool:
        """Follow the zoom; whether labels may stand elsewhere."""
        differs = (scale < SMALLEST_SCALE) != (self.scale < SMALLEST_SCALE)
        differs |= self._factor_at(scale) != self._factor_at(self.scale)
        self.scale = scale
        if differs:
            self.forget()
        return differs

    def forget(self) -> None:
        """Find all places anew."""
        self._centers = self._standing_out = None

    def set_standing_out(
        self,
        *,
        focus: Focus | None = None,
        hovered: frozenset[str] | None = None,
        selected: frozenset[str] | None = None,
    ) -> None:
        """Let other edges stand out; None: as before."""
        self.focus = self.focus if focus is None else focus
        self.hovered = self.hovered if hovered is None else hovered
        self.selected = self.selected if selected is None else selected
        self._standing_out = None

    def refresh(self) -> None:
        """Find places anew if what is written needs other room than before."""
        if self._centers is not None and self._written() != self._measured_for:
            self._measured_for = self._written()
            if self._measure() != self._measures:
                self.forget()
        self._standing_out = None

    # Room

    @property
    def is_legible(self) -> bool:
        """Whether labels are shown at this zoom."""
        return self.scale >= SMALLEST_SCALE

    @property
    def is_crowded(self) -> bool:
        """Whether room is so scarce that a label says but one number."""
        self._find_places()
        return self._is_crowded

    @staticmethod
    def _factor_at(scale: float) -> float:
        """Who wants larger text gets labels as large as if the drawing were zoomed out as much."""
        return label_factor(scale / theme().text_scale)

    @property
    def _has_lower(self) -> bool:
        return self.texts.has_lower

    def _written(self) -> tuple[object, ...]:
        """What the size of all that is written depends on; where none of it differs, nothing is measured anew."""
        texts = self.texts
        network, preferences, settings = texts.network, texts.preferences, texts.document.project.settings
        shown = preferences.digits, preferences.label_mode, texts.has_lower, texts.widest_lower(), settings.loss
        return network.values, network.edges, network.frozen, shown

    def _measure(self) -> object:
        """The sizes of all that is written, where it is so that labels may have to move."""
        if len(self.ids) > MOST_LABELLED or not self.is_legible:
            return None
        slots = [self._slots(level).tobytes() for level in Level]
        return slots, self._obstacles(False), self._obstacles(True)

    def _slots(self, level: Level) -> Array:
        """The room (n, 2) that each label keeps, whatever is written in it at the moment."""
        texts, frozen, edges = self.texts, self.texts.network.frozen, self.texts.network.edges
        lower = pill_width(texts.widest_lower(signed=level is not Level.BARE)) if self._has_lower else 0.0
        sizes = np.empty((len(self.ids), 2))
        for place, edge_id in enumerate(self.ids):
            locked = edges[edge_id].parameter in frozen
            widest = pill_width(texts.widest_weight(edge_id, level), locked=locked)
            sizes[place, 0] = np.ceil(max(widest, lower) / SLOT_STEP) * SLOT_STEP
        if level is Level.BARE:
            sizes[:, 0] -= 2 * BARE_SAVING
        sizes[:, 1] = 2 * PILL_HEIGHT + SEAM if level <= Level.FULL and self._has_lower else PILL_HEIGHT
        return sizes

    def _find_places(self) -> Array:
        if self._centers is not None:
            return self._centers
        count = len(self.ids)
        self._measured_for, self._measures = self._written(), self._measure()
        self.factor = self._factor_at(self.scale)
        self._levels = np.full(count, Level.BARE)
        self._is_crowded = True
        if not self.is_legible or count > MOST_LABELLED:
            self._sizes = np.zeros((count, 2))
            self._centers = nowhere = np.full((count, 2), np.nan)
            return nowhere
        self._centers = found = self._try_all()
        return found

    def _try_all(self) -> Array:
        """The places by the first attempt that is good enough."""
        slots = [self._slots(level) for level in Level]
        smaller = self.factor
        centers = self.lines[:, :2]
        for attempt in ATTEMPTS:
            if len(self.ids) > MOST_IN_FULL and attempt.level < Level.SINGLE:
                continue
            # Zoomed in, labels are drawn smaller than the scene only where that makes room for more of them.
            factors = {max(smaller, 1.0), smaller} if attempt.share else {smaller}
            for self.factor in sorted(factors, reverse=True):
                centers, is_enough = self._try(attempt, [self.factor * slot for slot in slots])
                if is_enough:
                    return centers
        return centers

    def _try(self, attempt: _Attempt, sizes: list[Array]) -> tuple[Array, bool]:
        """The places of all labels as an attempt says, and whether it is good enough."""
        count = len(self.ids)
        self._is_crowded = attempt.is_scarce
        around = self._obstacles(self._is_crowded)
        self._levels = np.full(count, attempt.level)
        self._sizes = sizes[attempt.level].copy()
        centers = place_labels(self.lines, self._sizes, around)
        placed = np.count_nonzero(~np.isnan(centers[:, 0]))
        if placed < attempt.share * count:
            return centers, False
        if attempt.upgrade is not None and count <= MOST_IN_FULL:
            larger = sizes[attempt.upgrade]
            moved, upgraded = upgrade_labels(self.lines, centers, sizes=self._sizes, larger=larger, obstacles=around)
            if np.count_nonzero(upgraded) >= MOST * placed:
                centers = moved
                self._sizes[upgraded], self._levels[upgraded] = larger[upgraded], attempt.upgrade
        return centers, True

    # Edges that stand out

    def _out(self) -> list[str]:
        focus = self.focus
        selected = self.selected if len(self.selected) <= MOST_SELECTED else frozenset()
        ids = focus.active_edges | focus.operand_edges | self.hovered | selected
        order = {True: 0, False: 1}
        known = (i for i in ids if i in self._places)
        return sorted(known, key=lambda i: (order[i in focus.active_edges], self._places[i]))

    def _place_out(self) -> dict[str, QPointF]:
        """The middle of the label of each edge that stands out, the one at work first."""
        if self._standing_out is not None:
            return self._standing_out
        centers = self._find_places()
        found: dict[str, QPointF] = {}
        self._covered = frozenset()
        self._standing_out = found
        ids = self._out()
        if not ids:
            return found
        places = np.array([self._places[i] for i in ids])
        height = (2 * PILL_HEIGHT + SEAM if self._has_lower or self.focus.active_edges else PILL_HEIGHT) * self.factor
        sizes = np.array([[self._width_out(i) * self.factor, height] for i in ids])
        around = self._obstacles(self.is_crowded)
        obstacles = _as_boxes(around)
        kept = np.zeros((0, 4))
        waiting = []
        for row, edge_id in enumerate(ids):
            center = centers[places[row]]
            box = np.concatenate([center - sizes[row] / 2, center + sizes[row] / 2])[None, :]
            if np.isnan(center[0]) or boxes_meet(box, np.concatenate([obstacles, kept])).any():
                waiting.append(row)
            else:
                found[edge_id] = QPointF(*center.tolist())
                kept = np.concatenate([kept, box])
        if waiting:
            rows = np.array(waiting)
            taken = [_rect((box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2) for box in kept]
            placed = place_labels(self.lines[places[rows]], sizes[rows], [*around, *taken])
            for row, free in zip(waiting, placed, strict=True):
                others = np.concatenate([obstacles, kept])
                line = self.lines[places[row]]
                center = least_covering(line, sizes[row], others) if np.isnan(free[0]) else free
                found[ids[row]] = QPointF(*center.tolist())
                box = np.concatenate([center - sizes[row] / 2, center + sizes[row] / 2])[None, :]
                kept = np.concatenate([kept, box])
        half = self._sizes / 2
        slots = np.concatenate([centers - half, centers + half], axis=1)
        hidden = np.flatnonzero(boxes_meet(slots, kept).any(axis=1)).tolist()
        self._covered = frozenset(self.ids[place] for place in hidden) - set(ids)
        return found

    def _width_out(self, edge_id: str) -> float:
        locked = self.texts.network.edges[edge_id].parameter in self.texts.network.frozen
        upper = pill_width(self.texts.weight(edge_id, focus=self.focus).text, locked=locked)
        lower = self.texts.lower(edge_id, self.focus)
        return max(upper, pill_width(lower.text) if lower else 0.0)

    # What is painted

    def shown(self) -> list[str]:
        """The edges that have a label at the moment, those that stand out last."""
        out = [] if self.scale < SMALLEST_SCALE / 2 else list(reversed(self._place_out()))
        if not self.is_legible:
            return out
        standing = set(out)
        places = np.flatnonzero(~np.isnan(self._find_places()[:, 0])).tolist()
        plain = [self.ids[i] for i in places if self.ids[i] not in standing and self.ids[i] not in self._covered]
        return [*plain, *out]

    def pills(self, edge_id: str) -> list[Pill]:
        """The pills of an edge as they are painted: none where its label is left out."""
        place = self._places.get(edge_id)
        if place is None or self.scale < SMALLEST_SCALE / 2:
            return []
        center = self._place_out().get(edge_id)
        if center is not None:
            return self._two_pills(edge_id, center, width=None)
        if not self.is_legible or edge_id in self._covered:
            return []
        x, y = self._find_places()[place].tolist()
        if x != x:  # NaN: no place
            return []
        width, level = float(self._sizes[place, 0]) / self.factor, Level(self._levels[place])
        if level <= Level.FULL:
            return self._two_pills(edge_id, QPointF(x, y), width=width, wide=level is Level.WIDE)
        return [self._one_pill(edge_id, QPointF(x, y), width=width, is_bare=level is Level.BARE)]

    def _two_pills(self, edge_id: str, center: QPointF, *, width: float | None, wide: bool = True) -> list[Pill]:
        texts = self.texts
        upper = texts.weight(edge_id, width=width, wide=wide, focus=self.focus)
        lower = texts.lower(edge_id, self.focus)
        height, seam = PILL_HEIGHT * self.factor, SEAM * self.factor
        is_double = self._has_lower or lower is not None
        top = center.y() - (height + seam / 2 if is_double else height / 2)
        pills = [self._pill(PartKind.WEIGHT, upper, center.x(), top, edge_id)]
        if lower is not None:
            pills.append(self._pill(PartKind.GRADIENT, lower, center.x(), top + height + seam, edge_id))
        return pills

    def _one_pill(self, edge_id: str, center: QPointF, *, width: float, is_bare: bool) -> Pill:
        saving = 2 * BARE_SAVING if is_bare else 0.0
        kind, text = self.texts.single(edge_id, named=not is_bare, width=width + saving)
        return self._pill(kind, text, center.x(), center.y() - PILL_HEIGHT * self.factor / 2, edge_id, saving=saving)

    def _pill(self, kind: PartKind, text: Text, x: float, top: float, edge_id: str, saving: float = 0.0) -> Pill:
        network = self.texts.network
        locked = kind is PartKind.WEIGHT and network.edges[edge_id].parameter in network.frozen
        width = (pill_width(text.text, locked=locked) - saving) * self.factor
        return Pill(kind, text, QRectF(x - width / 2, top, width, PILL_HEIGHT * self.factor), locked)


def _rect(center: Array, half: Array) -> QRectF:
    x, y = (center - half).tolist()
    return QRectF(x, y, float(2 * half[0]), float(2 * half[1]))


def _as_boxes(rects: Iterable[QRectF]) -> Array:
    return np.array([[r.left(), r.top(), r.right(), r.bottom()] for r in rects]).reshape(-1, 4)
