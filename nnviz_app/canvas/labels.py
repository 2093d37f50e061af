"""The item that paints the numbers on the edges."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz_app.canvas.geometry import Array, bounds
from nnviz_app.canvas.label_plan import LabelPlan, Obstacles, Pill
from nnviz_app.canvas.lettering import Ink, active_ink, draw_pill, operand_ink, plain_ink
from nnviz_app.canvas.parts import Focus, PartKind
from nnviz_app.canvas.texts import CanvasTexts
from nnviz_app.theme import theme

# How far a label may reach beyond its edge.
REACH_X, REACH_Y = 140.0, 45.0


class LabelLayer(QGraphicsItem):
    """Paints the labels of all edges where its plan has them."""

    def __init__(self, texts: CanvasTexts) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.plan = LabelPlan(texts)
        self.edited: tuple[PartKind, str] | None = None
        self._bounds = QRectF()

    def set_edges(self, ids: list[str], lines: Array, obstacles: Obstacles) -> None:
        """Label these edges, lines (n, 4), clear of what `obstacles` gives."""
        self.plan.set_edges(ids, lines, obstacles)
        self._measure()

    def drag_edges(self, lines: Array) -> None:
        """Follow edges that are being moved."""
        self.plan.drag_edges(lines)
        self._measure()

    def set_scale(self, scale: float) -> None:
        """Follow the zoom."""
        if self.plan.set_scale(scale):
            self.update()

    def forget_places(self) -> None:
        """Find all places anew."""
        self.plan.forget()
        self.update()

    def set_standing_out(
        self,
        *,
        focus: Focus | None = None,
        hovered: frozenset[str] | None = None,
        selected: frozenset[str] | None = None,
    ) -> None:
        """Let other edges stand out; None: as before."""
        self.plan.set_standing_out(focus=focus, hovered=hovered, selected=selected)
        self.update()

    def refresh(self) -> None:
        """Paint what the texts say now."""
        self.plan.refresh()
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def _measure(self) -> None:
        found = bounds(self.plan.lines).adjusted(-REACH_X, -REACH_Y, REACH_X, REACH_Y)
        if found != self._bounds:
            self.prepareGeometryChange()
            self._bounds = found
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plan = self.plan
        exposed: QRectF = option.exposedRect  # type: ignore[attr-defined]
        for edge_id in plan.shown():
            for pill in plan.pills(edge_id):
                if (pill.kind, edge_id) != self.edited and exposed.intersects(pill.rect):
                    ink = self._ink(pill, edge_id)
                    draw_pill(painter, pill.rect, pill.text.text, ink, factor=plan.factor, locked=pill.locked)

    def _ink(self, pill: Pill, edge_id: str) -> Ink:
        plan, palette = self.plan, theme().palette
        name, focus = (pill.kind, edge_id), plan.focus
        color = palette.color(pill.text.color)
        if name in focus.active:
            return active_ink(focus.hue)
        if name in focus.operands:
            return operand_ink(focus.hue, color)
        if edge_id in plan.selected or edge_id in plan.hovered:
            return Ink(color, palette.pill, palette.accent)
        ink = plain_ink(color)
        is_lit = not focus.dims or edge_id in focus.active_edges or edge_id in focus.operand_edges
        return ink if is_lit else ink.dimmed()
