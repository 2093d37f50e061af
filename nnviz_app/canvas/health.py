"""Marks on neurons that cannot learn: a small badge on the rim, with the number that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from core.diagnostics import Ailment, Finding
from core.network import Role
from nnviz_app.canvas import geometry
from nnviz_app.canvas.lettering import Ink, draw_pill, pill_width
from nnviz_app.canvas.parts import Part, PartKind
from nnviz_app.checkup import Checkup
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from nnviz_app.canvas.items import NeuronItem
    from nnviz_app.canvas.scene import CanvasScene

BADGE_RADIUS = 8.0
# The badge's middle, from the neuron's, in half extents, across and up: on the upper part of the rim.
PLACE = 0.72
NUMBER_GAP = 1.0
# Below the first zoom there is no room for numbers, nor with more of them; below the second only for a dot.
NUMBER_SCALE, MOST_NUMBERS = 0.8, 30
SIGN_SCALE = 0.45


def _cross() -> QPainterPath:
    path = QPainterPath(QPointF(-2.8, -2.8))
    path.lineTo(2.8, 2.8)
    path.moveTo(-2.8, 2.8)
    path.lineTo(2.8, -2.8)
    return path


def _plateau() -> QPainterPath:
    path = QPainterPath(QPointF(-4.2, 3.0))
    path.cubicTo(QPointF(-0.4, 3.0), QPointF(-2.2, -2.8), QPointF(0.6, -2.8))
    path.lineTo(4.4, -2.8)
    return path


def _arrow(direction: float) -> QPainterPath:
    path = QPainterPath(QPointF(0.0, -3.8 * direction))
    path.lineTo(0.0, 3.8 * direction)
    path.moveTo(-3.0, 0.8 * direction)
    path.lineTo(0.0, 3.8 * direction)
    path.lineTo(3.0, 0.8 * direction)
    return path


# Told apart by the sign and by the outline, not by the colour alone.
SIGNS: dict[Ailment, Callable[[], QPainterPath]] = {
    Ailment.DEAD: _cross,
    Ailment.SATURATED: _plateau,
    Ailment.EXPLODING: lambda: _arrow(-1.0),
    Ailment.VANISHING: lambda: _arrow(1.0),
}
SERIOUS = frozenset({Ailment.DEAD, Ailment.EXPLODING})


class HealthMarks(QObject):
    """The findings of the document's checkup as badges. `set_shown(False)` takes them off the canvas."""

    def __init__(self, canvas: CanvasScene) -> None:
        super().__init__(canvas)
        self.canvas = canvas
        self.is_shown = True
        self.checkup = Checkup.of(canvas.document)
        self._findings: dict[str, Finding] = {}
        self.checkup.outdated.connect(self.refresh)
        # After the first paint.
        QTimer.singleShot(0, self, self.refresh)

    def set_shown(self, shown: bool) -> None:
        """Show the badges, or take them off the canvas; hidden ones cost nothing."""
        if shown != self.is_shown:
            self.is_shown = shown
            self.refresh()

    def finding(self, neuron: str) -> Finding | None:
        """What the badge of a neuron says; None when it has none."""
        return self._findings.get(neuron)

    def refresh(self) -> None:
        """Show the findings as they are now."""
        diagnosis = self.checkup.diagnosis if self.is_shown else None
        former, self._findings = self._findings, diagnosis.by_neuron if diagnosis else {}
        if former != self._findings:
            self.canvas.update()

    # Where they stand

    def part(self, neuron: str) -> Part | None:
        """A neuron's badge with its number, as a part that stands for the neuron; None when it has none."""
        body, finding = self.canvas.part(PartKind.NEURON, neuron), self._findings.get(neuron)
        if body is None or finding is None:
            return None
        center = body.rect.center()
        role = self.canvas.network.neurons[neuron].role
        badge = self._badge(role).translated(center)
        return Part(PartKind.NEURON, neuron, badge.united(self._number(badge, finding, role)))

    def part_at(self, pos: QPointF) -> Part | None:
        """The badge under a scene point."""
        parts = (self.part(neuron) for neuron in self._findings)
        return next((part for part in parts if part is not None and part.rect.contains(pos)), None)

    def tooltip(self, part: Part) -> str:
        """The sentence about a neuron, after an empty line; "" when there is none."""
        finding = self._findings.get(part.id) if part.is_of_neuron else None
        return f"\n\n{finding.sentence}" if finding else ""

    @staticmethod
    def _badge(role: Role) -> QRectF:
        """The badge around the neuron's middle: on the right, where labels are far; an output has its target there."""
        half, size = PLACE * geometry.half_extent(role), 2 * BADGE_RADIUS
        x = -half if role is Role.OUTPUT else half
        return QRectF(x - BADGE_RADIUS, -half - BADGE_RADIUS, size, size)

    def _number(self, badge: QRectF, finding: Finding, role: Role) -> QRectF:
        """Where in the scene the number stands, beside the badge; empty where there is no room for it."""
        if self.canvas.scale < NUMBER_SCALE or len(self._findings) > MOST_NUMBERS:
            return QRectF()
        width = pill_width(finding.label)
        left = badge.left() - NUMBER_GAP - width if role is Role.OUTPUT else badge.right() + NUMBER_GAP
        rect = QRectF(left, badge.center().y() - geometry.PILL_HEIGHT / 2, width, geometry.PILL_HEIGHT)
        return QRectF() if self.canvas.has_label_in(rect) else rect

    # How they are drawn

    def paint(self, painter: QPainter, item: NeuronItem) -> None:
        """Paint a neuron's badge, if it has one; the painter's origin is the neuron's middle."""
        finding = self._findings.get(item.neuron_id)
        if finding is None:
            return
        palette = theme().palette
        name = "error" if finding.ailment in SERIOUS else "warning"
        color, tint = palette.color(name), palette.color(f"{name}_tint")
        badge = self._badge(item.role)
        number = self._number(badge.translated(item.pos()), finding, item.role).translated(-item.pos())
        if number.isValid():
            draw_pill(painter, number, finding.label, Ink(color, tint, color))
        painter.save()
        painter.translate(badge.center())
        self._paint_badge(painter, finding.ailment, color, tint)
        painter.restore()

    def _paint_badge(self, painter: QPainter, ailment: Ailment, color: QColor, tint: QColor) -> None:
        outline = QRectF(-BADGE_RADIUS, -BADGE_RADIUS, 2 * BADGE_RADIUS, 2 * BADGE_RADIUS)
        painter.setPen(QPen(color, 1.4))
        painter.setBrush(tint)
        if ailment in SERIOUS:
            painter.drawEllipse(outline)
        else:
            painter.drawRoundedRect(outline, 3.0, 3.0)
        if self.canvas.scale < SIGN_SCALE:
            return
        painter.setPen(QPen(color, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(SIGNS[ailment]())
