"""Gestures of the pointer on the canvas: objects with a start, moves, and an end or a cancellation.

A gesture previews through the scene and changes the document once, at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt

from core.network import Role
from nnviz_app.arrange import snapped
from nnviz_app.canvas.scene import Part, PartKind

if TYPE_CHECKING:
    from nnviz_app.canvas.view import CanvasView

# Pixels that the pointer may move before a press is a drag rather than a click.
DRAG_DISTANCE = 4

# Parts of an output that stand away from it: an edge cannot be drawn to them.
FAR_KINDS = frozenset({PartKind.TARGET, PartKind.SHARE})


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is (in the scene and in the viewport), what is under it, and which keys are held."""

    pos: QPointF
    screen: QPoint
    modifiers: Qt.KeyboardModifier
    part: Part | None

    @property
    def shift(self) -> bool:
        """Whether Shift is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def ctrl(self) -> bool:
        """Whether Ctrl is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)

    @property
    def alt(self) -> bool:
        """Whether Alt is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    @property
    def neuron(self) -> str | None:
        """The neuron under the pointer."""
        part = self.part
        return part.id if part is not None and part.is_of_neuron and part.kind not in FAR_KINDS else None

    @property
    def subject(self) -> str | None:
        """The neuron or edge that a click here is about."""
        return subject_of(self.part)

    def snapped(self) -> tuple[float, float]:
        """The position on the grid; the very position while Alt is held."""
        return (self.pos.x(), self.pos.y()) if self.alt else snapped(self.pos.x(), self.pos.y())


def subject_of(part: Part | None) -> str | None:
    """The neuron or edge that a part belongs to; a target belongs to its output neuron."""
    if part is None or part.kind is PartKind.LOSS:
        return None
    return part.id


class Gesture:
    """One press of a button until its release."""

    def __init__(self, view: CanvasView, start: Pointer) -> None:
        self.view, self.start = view, start
        self.is_drag = False

    def move(self, pointer: Pointer) -> None:
        """The pointer moved with the button held."""
        if not self.is_drag:
            self.is_drag = (pointer.screen - self.start.screen).manhattanLength() >= DRAG_DISTANCE
        if self.is_drag:
            self.drag(pointer)

    def drag(self, pointer: Pointer) -> None:
        """The pointer moved far enough to be dragging."""

    def release(self, pointer: Pointer) -> None:
        """The button was released."""
        self.cancel()
        if self.is_drag:
            self.drop(pointer)
        else:
            self.click(pointer)

    def drop(self, pointer: Pointer) -> None:
        """The button was released after dragging."""

    def click(self, pointer: Pointer) -> None:
        """The button was released where it was pressed."""

    def cancel(self) -> None:
        """End without an effect: take back every preview."""


class PanGesture(Gesture):
    """Drags the paper."""

    def __init__(self, view: CanvasView, start: Pointer) -> None:
        super().__init__(view, start)
        self._last = start.screen
        view.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def drag(self, pointer: Pointer) -> None:
        self.view.scroll_by(self._last - pointer.screen)
        self._last = pointer.screen

    def cancel(self) -> None:
        self.view.update_cursor()


class SubjectGesture(Gesture):
    """Selects the neuron or edge under the pointer; dragging a neuron moves all that are selected."""

    def __init__(self, view: CanvasView, start: Pointer, subject: str) -> None:
        super().__init__(view, start)
        self.subject = subject
        selection = view.selection
        # Pressing one of several may begin a drag of all: only a click narrows the selection to it.
        self._narrows = not (start.shift or start.ctrl)
        if start.ctrl:
            selection.toggle(subject)
        elif start.shift:
            selection.add([subject])
        elif subject not in selection:
            selection.set([subject])
        positions = view.document.project.network.positions
        self._moves = subject in selection and subject in positions
        self._former = {i: positions[i] for i in selection.neurons} if self._moves else {}

    def drag(self, pointer: Pointer) -> None:
        if self._moves:
            self.view.canvas_scene.preview_positions({i: QPointF(*p) for i, p in self._moved(pointer).items()})

    def _moved(self, pointer: Pointer) -> dict[str, tuple[float, float]]:
        # The grabbed neuron goes onto the grid and takes the others with it.
        shift = pointer.pos - self.start.pos
        x, y = self._former[self.subject]
        new_x, new_y = x + shift.x(), y + shift.y()
        if not pointer.alt:
            new_x, new_y = snapped(new_x, new_y)
        return {i: (px + new_x - x, py + new_y - y) for i, (px, py) in self._former.items()}

    def drop(self, pointer: Pointer) -> None:
        if self._moves:
            self.view.editing.move_to(self._moved(pointer))

    def click(self, pointer: Pointer) -> None:
        if self._narrows:
            self.view.selection.set([self.subject])
            self.view.ask_about(pointer.pos)

    def cancel(self) -> None:
        self.view.canvas_scene.preview_positions(None)


class ConnectGesture(Gesture):
    """Draws an edge from each source to where the button is released."""

    def __init__(self, view: CanvasView, start: Pointer, sources: Sequence[str]) -> None:
        super().__init__(view, start)
        self.sources = list(sources)

    def drag(self, pointer: Pointer) -> None:
        preview_edge(self.view, self.sources, pointer)

    def drop(self, pointer: Pointer) -> None:
        target = pointer.neuron
        if target is not None and (target not in self.sources or len(self.sources) > 1):
            self.connected(self.view.editing.connect_neurons([i for i in self.sources if i != target], [target]))
        elif target is None and (pointer.part is None or pointer.part.is_of_edge):
            self.view.editing.add_neuron(Role.HIDDEN, pointer.snapped(), connect_from=self.sources)

    def connected(self, edges: list[str]) -> None:
        """New edges are there: they are selected, so that Enter types the weight."""
        if edges:
            self.view.selection.set(edges)

    def click(self, pointer: Pointer) -> None:
        self.view.selection.set(self.sources)

    def cancel(self) -> None:
        clear_preview(self.view)


def preview_edge(view: CanvasView, sources: Sequence[str], pointer: Pointer) -> None:
    """Show where an edge would go, and why not if it cannot."""
    target = pointer.neuron
    problem = None
    if target in sources:
        target = None
    elif target is not None:
        network = view.document.project.network
        reasons = [network.why_not_connect(source, target) for source in sources]
        problem = reasons[0] if all(reasons) else None
    view.canvas_scene.set_edge_preview(sources[0], pointer.pos, target, problem)


def clear_preview(view: CanvasView) -> None:
    """Take the preview of an edge away."""
    view.canvas_scene.set_edge_preview(None, QPointF(), None, None)


class BandGesture(Gesture):
    """Selects what a rubber band holds: instead of, with Shift beside, with Ctrl against what was selected."""

    def __init__(self, view: CanvasView, start: Pointer) -> None:
        super().__init__(view, start)
        self._former = view.selection.ids

    def band(self, pointer: Pointer) -> QRectF:
        """The rectangle between the press and the pointer."""
        return QRectF(self.start.pos, pointer.pos).normalized()

    def drag(self, pointer: Pointer) -> None:
        band = self.band(pointer)
        self.view.canvas_scene.set_rubber_band(band)
        self.caught(band)

    def caught(self, band: QRectF) -> None:
        """What the band holds changed."""
        scene = self.view.canvas_scene
        held = [*scene.neurons_in(band), *scene.edges_in(band)]
        if self.start.ctrl:
            both = set(held) & set(self._former)
            held = [i for i in [*self._former, *held] if i not in both]
        elif self.start.shift:
            held = [*self._former, *held]
        self.view.selection.set(held)

    def click(self, pointer: Pointer) -> None:
        if not (self.start.shift or self.start.ctrl):
            self.view.selection.clear()
            self.view.ask_about(pointer.pos)

    def cancel(self) -> None:
        self.view.canvas_scene.set_rubber_band(None)


class ConnectBandGesture(BandGesture):
    """Connects the sources with all neurons that a rubber band holds."""

    def __init__(self, view: CanvasView, start: Pointer, sources: Sequence[str]) -> None:
        super().__init__(view, start)
        self.sources = list(sources)

    def caught(self, band: QRectF) -> None:
        pass

    def drop(self, pointer: Pointer) -> None:
        targets = [i for i in self.view.canvas_scene.neurons_in(self.band(pointer)) if i not in self.sources]
        if not self.sources:
            self.view.show_message("Select the neurons to connect from first, then draw the band around the others.")
        elif not targets:
            self.view.show_message("The band holds no neuron to connect to.")
        else:
            self.view.editing.connect_neurons(self.sources, targets)

    def click(self, pointer: Pointer) -> None:
        self.view.selection.clear()


class PlaceGesture(Gesture):
    """Adds a neuron where the button is released."""

    def __init__(self, view: CanvasView, start: Pointer, role: Role) -> None:
        super().__init__(view, start)
        self.role = role

    def click(self, pointer: Pointer) -> None:
        self.view.editing.add_neuron(self.role, pointer.snapped())

    def drop(self, pointer: Pointer) -> None:
        self.click(pointer)
