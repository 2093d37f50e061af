"""All edges in one item: drawn in batches by pen, out of numpy arrays, repainting only what changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget
from shiboken6 import Shiboken

from nnviz_app.canvas.geometry import bounds, boxes_touching
from nnviz_app.canvas.lettering import DIMMED_LINE
from nnviz_app.palette import faded, mix
from nnviz_app.theme import theme

Array = NDArray[np.float64]

# Widths are quantised so that many edges share few pens; the same steps as the theme's edge pens.
WIDTH_STEPS = 7
# From here on antialiasing is left out while values or places change, and comes back when they rest.
SMOOTH_ALWAYS = 1500
# From here on it is left out altogether, and so is the width of dashed lines, which Qt draws slowly.
SMOOTH_NEVER = 6000
REST_MILLISECONDS = 180
# So many lines are drawn in one call.
AT_ONCE = 250

ARROW_LENGTH = 13.0
ARROW_WIDTH = 9.0
HALO = 9.0
MARGIN = 14.0


@dataclass(frozen=True)
class Marks:
    """Which edges stand out, by their places: at work, operands of the step, pointed at, selected.

    Those in `arrows` carry an arrow head, at their source if `is_backward`. `hue` names the phase's colour.
    `dims`: all others are paler.
    """

    active: frozenset[int] = frozenset()
    operands: frozenset[int] = frozenset()
    hovered: frozenset[int] = frozenset()
    selected: frozenset[int] = frozenset()
    arrows: frozenset[int] = frozenset()
    hue: str = "forward"
    is_backward: bool = False
    dims: bool = False

    @property
    def all(self) -> frozenset[int]:
        """Every edge that is not drawn with the crowd."""
        return self.active | self.operands | self.hovered | self.selected


def draw_lines(painter: QPainter, lines: Array) -> None:
    """Draw the lines (n, 4) of a contiguous float64 array with the painter's pen, in one call."""
    if len(lines):
        # The memory of n rows of four doubles is that of n QLineF: nothing is converted.
        first = cast(QLineF, Shiboken.wrapInstance(lines.ctypes.data, QLineF))
        painter.drawLines(first, len(lines))


class EdgeLayer(QGraphicsItem):
    """Draws every edge: sign by hue and dashes, size by width, and what a step or the pointer marks."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.lines: Array = np.zeros((0, 4))
        self.weights: Array = np.zeros(0)
        self.marks = Marks()
        self._classes = np.zeros(0, dtype=np.int8)
        self._order: NDArray[np.intp] | None = None
        self._sorted = self.lines
        self._ends = np.zeros(2 * WIDTH_STEPS, dtype=np.intp)
        self._bounds = QRectF()
        self._pens: dict[tuple[object, ...], QPen] = {}
        # What a picture of the crowd depends on beside the view: counted up with every change.
        self._revision = 0
        self._picture: QPixmap | None = None
        self._picture_key: object = None
        self._is_moving = False
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MILLISECONDS)
        self._rest.timeout.connect(self._come_to_rest)

    # What to draw

    def set_edges(self, lines: Array, weights: Array) -> None:
        """Draw other edges: `lines` (n, 4) from source to target, `weights` (n,)."""
        self.marks = Marks(dims=self.marks.dims, hue=self.marks.hue)
        self.lines, self.weights = np.ascontiguousarray(lines), np.asarray(weights, dtype=np.float64)
        self._classes = self._classify()
        self._order = None
        self._measure()
        self.update()

    def set_lines(self, lines: Array) -> None:
        """Move edges: the same number of lines (n, 4)."""
        moved = np.flatnonzero((lines != self.lines).any(axis=1))
        if not len(moved):
            return
        self._update_edges(moved)
        self.lines = np.ascontiguousarray(lines)
        self._order = None
        self._measure()
        self._update_edges(moved)
        self._move()

    def set_weights(self, weights: Array) -> None:
        """Change weights (n,); only edges whose pen differs are painted again."""
        self.weights = np.asarray(weights, dtype=np.float64)
        classes = self._classify()
        changed = np.flatnonzero(classes != self._classes)
        if not len(changed):
            return
        self._classes, self._order = classes, None
        self._update_edges(changed)
        self._move()

    def set_marks(self, marks: Marks) -> None:
        """Let other edges stand out."""
        old, self.marks = self.marks, marks
        if marks == old:
            return
        if not self._is_crowd_cached:
            self._order = None
        if marks.dims != old.dims:
            self.update()
            return
        changed = set(old.all ^ marks.all)
        for name in ("active", "operands", "hovered", "selected", "arrows"):
            changed |= getattr(old, name) ^ getattr(marks, name)
        if marks.hue != old.hue or marks.is_backward != old.is_backward:
            changed |= old.active | marks.active | old.arrows | marks.arrows
        self._update_edges(np.fromiter(changed, dtype=np.intp, count=len(changed)))

    def forget_colors(self) -> None:
        """Take the colours of the theme anew."""
        self._pens.clear()
        self._revision += 1
        self.update()

    @property
    def is_smooth(self) -> bool:
        """Whether edges are antialiased at the moment."""
        count = len(self.lines)
        return count <= SMOOTH_ALWAYS or (count <= SMOOTH_NEVER and not self._is_moving)

    def width(self, index: int) -> float:
        """The width of one edge at rest."""
        return 1.0 + (self._classes[index] % WIDTH_STEPS) / 2

    # How it is drawn

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not len(self.lines):
            return
        exposed: QRectF = option.exposedRect  # type: ignore[attr-defined]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self.is_smooth)
        self._sort()
        if self._is_crowd_cached and widget is not None:
            self._draw_cached_crowd(painter, widget)
        else:
            self._paint_crowd(painter, exposed)
        self._paint_marked(painter, exposed)

    def paint_by_and_by(self, painter: QPainter) -> Iterator[None]:
        """Paint all of it for elsewhere, a few lines at a time: many take seconds. Nothing moves in such a picture."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._sort()
        yield from self._crowd(painter, self._bounds)
        self._paint_marked(painter, self._bounds)

    @property
    def _is_crowd_cached(self) -> bool:
        return len(self.lines) > SMOOTH_ALWAYS

    def _draw_cached_crowd(self, painter: QPainter, widget: QWidget) -> None:
        """Draw the crowd out of a picture of the viewport, which is drawn anew only when the crowd differs.

        Edges that stand out are drawn over it, so that a step or the pointer costs the few edges it marks.
        """
        transform, ratio = painter.worldTransform(), widget.devicePixelRatioF()
        key = (self._revision, self.marks.dims, self.is_smooth, transform, ratio, widget.size())
        if self._picture is None or key != self._picture_key:
            picture = QPixmap(widget.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(picture)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing, self.is_smooth)
            inner.setWorldTransform(transform)
            seen = transform.inverted()[0].mapRect(QRectF(widget.rect()))
            self._paint_crowd(inner, seen)
            inner.end()
            self._picture, self._picture_key = picture, key
        painter.save()
        painter.resetTransform()
        painter.drawPixmap(0, 0, self._picture)
        painter.restore()

    def _paint_crowd(self, painter: QPainter, exposed: QRectF) -> None:
        for _ in self._crowd(painter, exposed):
            pass

    def _crowd(self, painter: QPainter, exposed: QRectF) -> Iterator[None]:
        lines, ends = self._sorted, self._ends
        if not exposed.contains(self._bounds):
            within = boxes_touching(lines, exposed, MARGIN)
            counts = np.concatenate(([0], np.cumsum(within)))
            lines, ends = np.ascontiguousarray(lines[within]), counts[self._ends]
        start = 0
        for kind, end in enumerate(ends.tolist()):
            if end > start:
                painter.setPen(self._pen(kind, dimmed=self.marks.dims))
                for place in range(start, end, AT_ONCE):
                    draw_lines(painter, lines[place : min(place + AT_ONCE, end)])
                    yield
            start = end

    def _paint_marked(self, painter: QPainter, exposed: QRectF) -> None:
        if not self.marks.all:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        marks, colors = self.marks, theme().palette
        hue = colors.color(marks.hue)
        halos = (
            (marks.selected, faded(colors.accent, 0.30), 7.0),
            (marks.hovered, faded(colors.accent, 0.16), HALO),
            (marks.active, faded(hue, 0.20), HALO),
        )
        for indices, color, extra in halos:
            for index in self._exposed(indices, exposed):
                pen = QPen(color, self.width(index) + extra)
                pen.setCapStyle(Qt.PenCapStyle.FlatCap)
                painter.setPen(pen)
                painter.drawLine(QLineF(*self.lines[index].tolist()))
        for index in self._exposed(marks.all, exposed):
            is_lit = not marks.dims or index in marks.active or index in marks.operands or index in marks.hovered
            wide = index in marks.active or index in marks.hovered or index in marks.selected
            pen = QPen(self._pen(int(self._classes[index]), dimmed=not is_lit, thin=False))
            if wide:
                pen.setWidthF(pen.widthF() + 0.8)
            painter.setPen(pen)
            painter.drawLine(QLineF(*self.lines[index].tolist()))
        for index in self._exposed(marks.arrows, exposed):
            self._paint_arrow(painter, index, hue, strong=index in marks.active)

    def _exposed(self, indices: Iterable[int], exposed: QRectF) -> list[int]:
        chosen = np.fromiter(indices, dtype=np.intp)
        if not len(chosen):
            return []
        kept: list[int] = np.sort(chosen[boxes_touching(self.lines[chosen], exposed, MARGIN)]).tolist()
        return kept

    def _paint_arrow(self, painter: QPainter, index: int, color: QColor, *, strong: bool) -> None:
        ends = self.lines[index].reshape(2, 2)
        tip, tail = ends if self.marks.is_backward else ends[::-1]
        length = math.dist(tip, tail)
        if length < ARROW_LENGTH:
            return
        size = 1.0 if strong else 0.8
        along = (tip - tail) / length
        across = np.array([-along[1], along[0]]) * (ARROW_WIDTH + self.width(index)) / 2 * size
        back = tip - along * ARROW_LENGTH * size
        points = [QPointF(*point.tolist()) for point in (back + across, tip, back - across)]
        pen = QPen(color, 3.0 if strong else 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))

    def _pen(self, kind: int, *, dimmed: bool, thin: bool | None = None) -> QPen:
        thin = len(self.lines) > SMOOTH_NEVER if thin is None else thin
        key = (kind, dimmed, thin)
        pen = self._pens.get(key)
        if pen is None:
            negative, level = divmod(kind, WIDTH_STEPS)
            pen = theme().edge_pen(-level if negative else level, WIDTH_STEPS - 1)
            if negative and not level:
                pen = theme().pen("negative", 1.0, dashed=True)
            # A paler opaque colour rather than a transparent one, which takes ten times as long to draw.
            if dimmed:
                pen.setColor(mix(pen.color(), theme().palette.canvas, DIMMED_LINE))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            if thin and negative:
                pen.setWidthF(1.0)
            self._pens[key] = pen
        return pen

    # Keeping order

    def _classify(self) -> NDArray[np.int8]:
        """The pen of each edge: its width step, plus WIDTH_STEPS where the weight is negative."""
        sizes = np.abs(self.weights)
        sizes = np.where(np.isfinite(sizes), sizes, 0.0)
        largest = sizes.max(initial=0.0)
        levels = np.round(sizes / largest * (WIDTH_STEPS - 1)) if largest > 0 else np.zeros(len(sizes))
        classes: NDArray[np.int8] = (levels + np.where(self.weights < 0, WIDTH_STEPS, 0)).astype(np.int8)
        return classes

    def _sort(self) -> None:
        if self._order is not None:
            return
        self._revision += 1
        marked = np.fromiter(self.marks.all, dtype=np.intp)
        if len(marked) and not self._is_crowd_cached:
            crowd = np.ones(len(self.lines), dtype=bool)
            crowd[marked] = False
            places = np.flatnonzero(crowd)
            self._order = places[np.argsort(self._classes[places], kind="stable")]
        else:
            self._order = np.argsort(self._classes, kind="stable")
        self._sorted = np.ascontiguousarray(self.lines[self._order])
        counts = np.bincount(self._classes[self._order], minlength=2 * WIDTH_STEPS)
        self._ends = np.cumsum(counts)

    def _measure(self) -> None:
        found = bounds(self.lines).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        if found != self._bounds:
            self.prepareGeometryChange()
            self._bounds = found

    def _update_edges(self, indices: NDArray[np.intp] | Sequence[int]) -> None:
        if 2 * len(indices) > len(self.lines):
            self.update()
            return
        if len(indices) > 8:
            # One rectangle around many is cheaper for Qt than many.
            self.update(bounds(self.lines[indices]).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
            return
        for index in indices:
            self.update(bounds(self.lines[index : index + 1]).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))

    def _move(self) -> None:
        if SMOOTH_ALWAYS < len(self.lines) <= SMOOTH_NEVER:
            self._is_moving = True
            self._rest.start()

    def _come_to_rest(self) -> None:
        self._is_moving = False
        if Shiboken.isValid(self):
            self.update()
