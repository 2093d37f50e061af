"""The canvas as a person handles it: zoom, pan, tools, keys, typing in place, and the menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from core.network import Position, Role
from nnviz_app.canvas.editor import Field
from nnviz_app.canvas.gestures import PanGesture, Pointer
from nnviz_app.canvas.in_place import InPlaceEditor
from nnviz_app.canvas.keys import handle_key
from nnviz_app.canvas.menu import CanvasMenu, select_for_menu
from nnviz_app.canvas.overlay import CanvasOverlay
from nnviz_app.canvas.paper import PaperView
from nnviz_app.canvas.scene import CanvasScene, Part, PartKind
from nnviz_app.canvas.tools import ConnectTool, NeuronTool, SelectTool, Tool, ToolName
from nnviz_app.comparison import Comparison
from nnviz_app.document import Change, Document
from nnviz_app.editing import Editing
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight

# Screen pixels within which an edge or a neuron's rim is hit, at any zoom.
TOLERANCE = 10.0


class CanvasView(PaperView):
    """Shows the scene and turns what hands do into editing operations."""

    tool_changed = Signal(str)
    role_changed = Signal(str)
    # A sentence for the person; it is also shown at the bottom of the canvas.
    message = Signal(str)
    examples_requested = Signal()
    new_network_requested = Signal()
    add_layer_requested = Signal()

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        preferences: Preferences,
        editing: Editing,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(preferences, parent)
        self.document: Document = document
        self.player: Player = player
        self.selection: Selection = selection
        self.editing: Editing = editing
        self.role = Role.HIDDEN
        self._inquiry: Inquiry | None = None
        self.canvas_scene = CanvasScene(document, player, selection, preferences, self)
        self.setScene(self.canvas_scene)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Canvas")
        # Files dropped on the canvas are the window's business.
        self.setAcceptDrops(False)
        self.viewport().setMouseTracking(True)

        self._pan: PanGesture | None = None
        self._space_held = self._space_panned = False
        self.in_place = InPlaceEditor(self)
        self.overlay = CanvasOverlay(self, document, player)
        self.overlay.examples_button.clicked.connect(self.examples_requested)
        self.overlay.new_network_button.clicked.connect(self.new_network_requested)
        self._tools: dict[ToolName, Tool] = {
            tool.name: tool for tool in (SelectTool(self), NeuronTool(self), ConnectTool(self))
        }
        self._tool = self._tools[ToolName.SELECT]

        document.changed.connect(self._follow_document)
        player.moved.connect(self.overlay.refresh)
        player.refused.connect(self.show_message)
        editing.refused.connect(self.show_message)
        editing.arranged.connect(self.show_all)
        self.update_area()
        self.overlay.refresh()

    def set_comparison(self, comparison: Comparison) -> None:
        """Show differences instead of weights while it is on."""
        self.canvas_scene.set_comparison(comparison)
        self.overlay.set_comparison(comparison)

    def set_inquiry(self, inquiry: Inquiry) -> None:
        """Ask about numbers that are clicked, tell what is pointed at, and show what is asked about."""
        self._inquiry = inquiry
        self.canvas_scene.set_inquiry(inquiry)

    def set_spotlight(self, spotlight: Spotlight) -> None:
        """Light, highlight and hide what it says."""
        self.canvas_scene.set_spotlight(spotlight)

    def ask_about(self, pos: QPointF) -> None:
        """Ask why the number at a point of the scene is what it is; beside all numbers nothing is asked any more."""
        if self._inquiry is None or self.player.trace is None:
            return
        part = self.canvas_scene.number_at(pos)
        quantity = self.canvas_scene.quantity_of(part) if part is not None else None
        if quantity is None:
            self._inquiry.end()
        else:
            self._inquiry.ask(quantity)

    def _point_at(self, pointer: Pointer | None) -> None:
        """Tell what number, or which edge, the pointer is on."""
        scene = self.canvas_scene
        if self._inquiry is None:
            return
        part = scene.number_at(pointer.pos) if pointer is not None else None
        if part is None and pointer is not None and pointer.part is not None and pointer.part.kind is PartKind.EDGE:
            part = pointer.part
        scene.is_pointed_at = pointer is not None
        self._inquiry.point_at(scene.quantity_of(part) if part is not None else None)

    # Tools

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self._tool

    def set_tool(self, name: ToolName | str) -> None:
        """Take another tool. The Connect tool takes selected neurons as sources of Tab and Enter."""
        name = ToolName(name)
        if not self.finish_editing():
            return
        self._tool.cancel()
        changed = name is not self._tool.name
        self._tool = self._tools[name]
        self._tool.activate()
        self.update_cursor()
        if changed:
            self.tool_changed.emit(name.value)

    def start_connecting(self) -> None:
        """Take the Connect tool; the selected neurons are the sources, Tab and Enter choose the target."""
        self.set_tool(ToolName.CONNECT)
        tool = self._tool
        if isinstance(tool, ConnectTool):
            tool.choose_selected()
        self.setFocus()

    def set_role(self, role: Role | str) -> None:
        """Choose the role of the neurons that a double-click or the Neuron tool adds."""
        role = Role(role)
        if role is not self.role:
            self.role = role
            self.role_changed.emit(role.value)
        if self._tool.name is ToolName.NEURON:
            self._tool.activate()

    def add_neuron(self, role: Role | str) -> None:
        """Add a neuron at a free place and scroll to it; with the Neuron tool in hand choose what it places."""
        if self._tool.name is ToolName.NEURON:
            self.set_role(role)
            return
        self.place_neuron(role)

    def place_neuron(self, role: Role | str) -> None:
        """Add a neuron at a free place and scroll to it."""
        added = self.editing.add_neuron(role)
        if added:
            self._show_added(added)

    def request_layer(self) -> None:
        """Ask the window for its dialog about a new layer."""
        self.add_layer_requested.emit()

    def paste(self, position: Position | None = None) -> None:
        """Paste around `position`, or beside the original, and scroll to it."""
        added = self.editing.paste(position)
        if added:
            self._show_added(added[0])

    def _show_added(self, neuron_id: str) -> None:
        if self.auto_fit:
            self.show_all()
        else:
            self.reveal(self.canvas_scene.neuron_rect(neuron_id))

    # The paper

    def content(self) -> QRectF:
        return self.canvas_scene.content_rect() if self.document.project.network.neurons else QRectF()

    def follow_zoom(self, zoom: float) -> None:
        self.canvas_scene.set_scale(zoom)

    def follow_paper(self) -> None:
        self.in_place.place()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.overlay.hide_message()
        super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.overlay.place()

    # The pointer

    def part_at(self, pos: QPointF) -> Part | None:
        """What is at this place of the scene."""
        return self.canvas_scene.part_at(pos, TOLERANCE / self.zoom)

    def _pointer(self, event: QMouseEvent) -> Pointer:
        screen = event.position().toPoint()
        pos = self.mapToScene(screen)
        return Pointer(pos, screen, event.modifiers(), self.part_at(pos))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.overlay.hide_message()
        if not self.finish_editing():
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space_held):
            self._tool.cancel_gesture()
            self._space_panned = self._space_held
            self._pan = PanGesture(self, self._pointer(event))
        elif left:
            self._tool.press(self._pointer(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        dragging = self._pan is None and bool(event.buttons() & Qt.MouseButton.LeftButton)
        if dragging and self._tool.gesture is not None:
            self._follow_drag(event.position().toPoint())
        pointer = self._pointer(event)
        if self._pan is not None:
            self._pan.move(pointer)
        elif dragging:
            self._tool.move(pointer)
        else:
            self.canvas_scene.set_hovered(pointer.part)
            self._point_at(pointer)
            self._tool.hover(pointer)
            self.update_cursor(pointer.part)

    def _follow_drag(self, at: QPoint) -> None:
        """Scroll along when something is dragged out of sight: the faster, the further out the pointer is."""
        area = self.viewport().rect()
        beyond = at - QPoint(min(max(at.x(), area.left()), area.right()), min(max(at.y(), area.top()), area.bottom()))
        if not beyond.isNull():
            self.scroll_by(beyond)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._pan is not None:
            if event.button() in (Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton):
                pan, self._pan = self._pan, None
                pan.release(self._pointer(event))
        elif event.button() == Qt.MouseButton.LeftButton:
            self._tool.release(self._pointer(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._space_held:
            self.mousePressEvent(event)
            return
        event.accept()
        if self.finish_editing():
            self._tool.double_click(self._pointer(event))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.canvas_scene.set_hovered(None)
        self._point_at(None)

    def update_cursor(self, part: Part | None = None) -> None:
        """Show by the pointer's shape what a press would do."""
        shape = self._tool.cursor
        if self._pan is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space_held:
            shape = Qt.CursorShape.OpenHandCursor
        elif part is not None and part.kind is PartKind.RIM:
            shape = Qt.CursorShape.CrossCursor
        elif part is not None and part.kind is not PartKind.LOSS and self._tool.name is ToolName.SELECT:
            shape = Qt.CursorShape.PointingHandCursor
        if self.viewport().cursor().shape() != shape:
            self.viewport().setCursor(shape)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            part = self.part_at(self.mapToScene(event.pos()))
            text = self.canvas_scene.tooltip_for(part) if part is not None else ""
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()
        if not self.finish_editing():
            return
        self._tool.cancel()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.open_menu()
            return
        pos = self.mapToScene(self.viewport().mapFromGlobal(event.globalPos()))
        select_for_menu(self, pos)
        CanvasMenu(self, pos).popup(event.globalPos())

    def open_menu(self) -> None:
        """Open the menu for the selection, beside it."""
        at = self.viewport().rect().center()
        if len(self.selection):
            at = self.mapFromScene(self.place_of(self.selection.ids[-1]).center())
        CanvasMenu(self, None).popup(self.viewport().mapToGlobal(at))

    # The keyboard

    def event(self, event: QEvent) -> bool:
        # Space belongs to the player, but held it makes the pointer drag the paper: it is taken here, and
        # passed on to the player when it is released without a drag.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
            and not event.modifiers()
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat() and not self._space_held:
                self._space_held, self._space_panned = True, False
                self.update_cursor()
            event.accept()
            return
        # Never to QGraphicsView, which would scroll on the arrow keys: those belong to the player.
        if handle_key(self, event):
            event.accept()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat() and self._space_held:
            self._space_held = False
            self.update_cursor()
            if not self._space_panned:
                if self.player.is_playing:
                    self.player.pause()
                else:
                    self.player.play()
            event.accept()
            return
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._space_held = False
        self.update_cursor()

    def focusNextPrevChild(self, next_: bool) -> bool:
        if self.hasFocus() and self._tool.walk(1 if next_ else -1):
            return True
        return super().focusNextPrevChild(next_)

    def cancel(self) -> None:
        """What Esc does: end what is under way, else go back to the Select tool, else select and ask nothing."""
        self.overlay.hide_message()
        if self.in_place.is_open:
            self.in_place.cancel()
        elif self._tool.cancel():
            return
        elif self._tool.name is not ToolName.SELECT:
            self.set_tool(ToolName.SELECT)
        else:
            self.selection.clear()
            if self._inquiry is not None:
                self._inquiry.end()

    def neurons_in_order(self) -> list[str]:
        """The neurons as Tab goes through them: by depth, each level in drawing order."""
        return [neuron_id for level in self.document.project.network.levels() for neuron_id in level]

    def walk(self, step: int) -> bool:
        """Select the next or the former neuron or edge; at the ends Tab leaves the canvas."""
        order = [*self.neurons_in_order(), *self.document.project.network.edges]
        selected = self.selection.ids
        # Before the first is -1, after the last is len(order): both are where a walk begins.
        here = order.index(selected[-1]) if selected else -1 if step > 0 else len(order)
        place = here + step
        if not 0 <= place < len(order):
            return False
        self.selection.set([order[place]])
        self.reveal(self.place_of(order[place]))
        return True

    def place_of(self, subject: str) -> QRectF:
        """Where a neuron stands, or the number of an edge."""
        network = self.document.project.network
        if subject in network.neurons:
            return self.canvas_scene.neuron_rect(subject)
        label = self.canvas_scene.part(PartKind.WEIGHT, subject)
        if label is not None and not label.rect.isEmpty():
            return label.rect
        # Far out the labels are left away: the middle of the edge stands for them.
        edge = network.edges[subject]
        first, last = (self.canvas_scene.neuron_rect(i).center() for i in (edge.source, edge.target))
        middle = QRectF(0, 0, 40 / self.zoom, 16 / self.zoom)
        middle.moveCenter((first + last) * 0.5)
        return middle

    # Typing in place

    def edit_selected(self) -> bool:
        """Type over the number of what was selected last; whether there is one."""
        if not len(self.selection):
            return False
        self.edit_subject(self.selection.ids[-1])
        return True

    def edit_subject(self, subject: str) -> None:
        """Type over the number of a neuron (an input's value, else the bias) or an edge (its weight)."""
        network = self.document.project.network
        if subject in network.edges:
            self.edit_part(PartKind.WEIGHT, subject)
        elif subject in network.neurons:
            self.edit_part(PartKind.BIAS if network.has_bias(subject) else PartKind.VALUE, subject)

    def edit_part(self, kind: PartKind, subject: str) -> None:
        """Type over one number or name where it stands."""
        if self.finish_editing():
            self._tool.cancel()
            self.in_place.open(Field(kind, subject, self.player.row))

    def finish_editing(self) -> bool:
        """Commit what is being typed; False when it is refused, and what is typed gets the keyboard back."""
        done = self.in_place.commit()
        if not done:
            self.in_place.line.setFocus(Qt.FocusReason.OtherFocusReason)
        return done

    # Following the document

    def show_message(self, text: str) -> None:
        """Say what could not be done, at the bottom of the canvas and to the window."""
        self.overlay.show_message(text)
        self.message.emit(text)

    def show_hint(self, text: str) -> None:
        """Say how to go on, at the bottom of the canvas."""
        self.overlay.show_message(text, "info")

    def _follow_document(self, change: Change) -> None:
        self.in_place.follow(change)
        # A run changes the document many times a second: its refusals have to stay readable.
        if not (self.in_place.is_open or self.document.busy):
            self.overlay.hide_message()
        tool = self._tools[ToolName.CONNECT]
        if change.structure and isinstance(tool, ConnectTool):
            tool.follow_document()
        self.overlay.refresh()
        if change.project:
            self._tool.cancel()
            self.fit()
        elif change.structure or change.layout:
            # Who draws does not want the paper to move at the next change of the window's size.
            if self.isVisible():
                self.auto_fit = False
            self.update_area()
