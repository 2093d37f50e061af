"""The operations inside a neuron, painted: boxes and wires with values above and derivatives below."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.notation import Writer
from core.numbers import NOT_COMPUTED, format_exact, format_number
from core.operation_graph import Operations, Revealed
from core.quantities import Phase, Quantity
from nnviz_app.panels.fields import keep_keys
from nnviz_app.panels.inside_layout import arrange
from nnviz_app.panels.inside_parts import Box, Layout, Name, Numbers, Wire
from nnviz_app.theme import theme

NOTHING = Revealed(frozenset(), frozenset(), frozenset())


class InsideGraph(QWidget):
    """The graph of one neuron. `asked` carries what is clicked, where the trace has a name for it.

    `told` carries the sentence about what the pointer or the keyboard is on, "" for none. Up, Down, Home and End go
    from box to box, Enter asks.
    """

    asked = Signal(object)
    told = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.operations: Operations | None = None
        self.layout_ = Layout()
        self._writer: Writer | None = None
        self._revealed = NOTHING
        self._steps_done = 0
        self._current: frozenset[int] = frozenset()
        self._phase = Phase.FORWARD
        self._focused = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        keep_keys(self)

    # What is shown

    def show_operations(self, operations: Operations, writer: Writer, width: int) -> None:
        """Show the inside of a neuron, of which nothing is revealed yet, in this width if it can be."""
        same = self.operations is not None and self.operations.neuron == operations.neuron
        self.operations, self._writer = operations, writer
        metrics = QFontMetricsF(theme().font("small"))
        self.layout_ = arrange(operations, writer, metrics.horizontalAdvance, width)
        self._focused = min(self._focused, max(len(self.layout_.boxes) - 1, 0)) if same else 0
        self.setAccessibleName(f"The operations inside {operations.neuron}")
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())
        self.setMinimumWidth(self.sizeHint().width())
        self.update()

    def show_moment(self, revealed: Revealed, steps: int, current: frozenset[int], phase: Phase) -> None:
        """What is revealed, after how many steps of the trace, and the operations of the moment in their phase."""
        self._revealed, self._steps_done, self._current, self._phase = revealed, steps, current, phase
        self.setAccessibleDescription(self.summary())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(int(self.layout_.width) + 1, int(self.layout_.height) + 1)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @property
    def current_box(self) -> Box | None:
        """The box of the moment; of several the last."""
        boxes = [box for box in self.layout_.boxes if self._current.intersection(box.operations)]
        return boxes[-1] if boxes else None

    def value_text(self, numbers: Numbers) -> str:
        """The value at a wire as it is shown: "–" while it is not revealed, "" where there is none."""
        return self._text(numbers.value, self._knows_value(numbers))

    def grad_text(self, numbers: Numbers) -> str:
        """The derivative at a wire as it is shown."""
        return self._text(numbers.grad, self._knows_grad(numbers))

    def _text(self, number: float | None, known: bool) -> str:
        if number is None or self._writer is None:
            return ""
        return format_number(number, self._writer.digits) if known else NOT_COMPUTED

    def _knows_value(self, numbers: Numbers) -> bool:
        if isinstance(numbers.source, int):
            return numbers.source in self._revealed.values
        return self.operations is not None and self.operations.trace.is_revealed(numbers.source, self._steps_done)

    def _knows_grad(self, numbers: Numbers) -> bool:
        back = numbers.back
        return back in self._revealed.grads if isinstance(back, int) else back in self._revealed.passed

    # In words

    def sentence(self, box: Box) -> str:
        """What a box does with numbers, and its local derivatives, as far as they are revealed."""
        operations = self.operations
        if operations is None:
            return ""
        index = box.operations[-1]
        operation = operations[index]
        value = format_number(operation.value) if index in self._revealed.values else NOT_COMPUTED
        if box.about:
            return f"{box.symbol} = {value}. {box.about}"
        lines = [f"{operation.name}: {value}"]
        if index not in self._revealed.values:
            return lines[0]
        names = ["x"] if len(operation.operands) == 1 else ["x", "y"]
        for place, name in enumerate(names):
            symbols, numbers = operations.slope_formula(index, place)
            slope = format_number(operation.slopes[place])
            parts = dict.fromkeys([symbols, numbers, slope])
            line = f"derivative by {name}: " + " = ".join(parts)
            if (index, place) in self._revealed.passed:
                grad, back = format_number(operation.grad), format_number(operation.passed[place])
                line += f"; back: {grad} × {_bracketed(slope)} = {back}"
            lines.append(line)
        return "\n".join(lines)

    def summary(self) -> str:
        """All values that are known, for those who cannot see the picture."""
        operations = self.operations
        if operations is None:
            return ""
        known = [box for box in self.layout_.boxes if box.operations[-1] in self._revealed.values]
        return ", ".join(f"{box.symbol} = {format_number(operations[box.operations[-1]].value)}" for box in known)

    def _tip(self, position: QPointF) -> str:
        found = self._at(position)
        if isinstance(found, Box):
            return self.sentence(found)
        if isinstance(found, Name):
            return found.text
        if isinstance(found, Numbers):
            above = position.y() < found.rect.center().y()
            if above:
                return format_exact(found.value) if found.value is not None and self._knows_value(found) else ""
            return format_exact(found.grad) if found.grad is not None and self._knows_grad(found) else ""
        return ""

    # Hands

    def _at(self, position: QPointF) -> Box | Name | Numbers | None:
        parts: list[Box | Name | Numbers] = [*self.layout_.boxes, *self.layout_.names, *self.layout_.numbers]
        for part in parts:
            if part.rect.contains(position):
                return part
        return None

    def quantity_at(self, position: QPointF) -> Quantity | None:
        """The revealed quantity of the trace at a place: that of a box, a name, a value or a derivative."""
        found = self._at(position)
        if isinstance(found, Numbers):
            above = position.y() < found.rect.center().y()
            known = self._knows_value(found) if above else self._knows_grad(found)
            return (found.quantity if above else found.grad_quantity) if known else None
        return self._revealed_only(found.quantity) if found is not None else None

    def _revealed_only(self, quantity: Quantity | None) -> Quantity | None:
        if quantity is None or self.operations is None:
            return None
        return quantity if self.operations.trace.is_revealed(quantity, self._steps_done) else None

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        self.told.emit(self.sentence(found) if isinstance(found, Box) else "")
        asks = self.quantity_at(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if asks else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.told.emit("")
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        found = self._at(event.position())
        if isinstance(found, Box):
            self._focused = self.layout_.boxes.index(found)
            self.update()
        quantity = self.quantity_at(event.position())
        if quantity is not None:
            self.asked.emit(quantity)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        boxes = self.layout_.boxes
        places = {
            Qt.Key.Key_Down: self._focused + 1,
            Qt.Key.Key_Up: self._focused - 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(boxes) - 1,
        }
        key = Qt.Key(event.key())
        if boxes and key in places:
            self._focused = min(max(places[key], 0), len(boxes) - 1)
            self._tell_focused()
        elif boxes and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            quantity = self._revealed_only(boxes[self._focused].quantity)
            if quantity is not None:
                self.asked.emit(quantity)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._tell_focused()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.told.emit("")
        self.update()

    @property
    def focused_box(self) -> Box | None:
        """The box that the keyboard is on."""
        return self.layout_.boxes[self._focused] if self.layout_.boxes else None

    def _tell_focused(self) -> None:
        if self.focused_box is not None:
            self.told.emit(self.sentence(self.focused_box))
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme().font("small"))
        pen = theme().pen("border", 1.3)
        for wire in self.layout_.wires:
            _paint_wire(painter, wire, pen)
        for numbers in self.layout_.numbers:
            self._paint_numbers(painter, numbers)
        painter.setPen(theme().palette.text)
        for name in self.layout_.names:
            painter.drawText(name.rect.adjusted(-2, 0, 2, 0), Qt.AlignmentFlag.AlignCenter, name.text)
        for place, box in enumerate(self.layout_.boxes):
            self._paint_box(painter, box, is_focused=self.hasFocus() and place == self._focused)

    def _paint_numbers(self, painter: QPainter, numbers: Numbers) -> None:
        palette, rect = theme().palette, numbers.rect
        half = rect.height() / 2.0
        for text, color, top in (
            (self.value_text(numbers), palette.forward, rect.top() - 1.0),
            (self.grad_text(numbers), palette.backward, rect.top() + half + 1.0),
        ):
            painter.setPen(palette.muted if text == NOT_COMPUTED else color)
            painter.drawText(QRectF(rect.left(), top, rect.width(), half), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_box(self, painter: QPainter, box: Box, *, is_focused: bool) -> None:
        palette = theme().palette
        hue = "forward" if self._phase in (Phase.FORWARD, Phase.LOSS) else "backward"
        is_current = bool(self._current.intersection(box.operations))
        is_known = box.operations[-1] in self._revealed.values
        painter.setBrush(palette.color(f"{hue}_tint") if is_current else palette.neuron)
        painter.setPen(theme().pen(hue, 2.0) if is_current else theme().pen("neuron_border" if is_known else "border"))
        radius = theme().space(0.35)
        painter.drawRoundedRect(box.rect, radius, radius)
        painter.setPen(palette.text if is_known or is_current else palette.muted)
        painter.drawText(box.rect, Qt.AlignmentFlag.AlignCenter, box.symbol)
        if is_focused:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme().pen("accent", 1.5, dashed=True))
            painter.drawRoundedRect(box.rect.adjusted(-3, -3, 3, 3), radius + 2, radius + 2)


def _paint_wire(painter: QPainter, wire: Wire, pen: QPen) -> None:
    points = wire.points
    path = QPainterPath(points[0])
    for point in points[1:]:
        path.lineTo(point)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)
    if not wire.has_arrow:
        return
    tip, before = points[-1], points[-2]
    way = tip - before
    length = max((way.x() ** 2 + way.y() ** 2) ** 0.5, 1e-9)
    along = way / length * theme().space(0.4)
    across = QPointF(-along.y(), along.x()) * 0.6
    painter.setBrush(pen.color())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([tip, tip - along + across, tip - along - across]))


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("−") else number
