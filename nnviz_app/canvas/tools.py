"""The tools of the canvas: what a press, a click and a double-click do while a tool is chosen."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from nnviz_app.canvas.editor import EDITABLE_KINDS
from nnviz_app.canvas.gestures import (
    BandGesture,
    ConnectBandGesture,
    ConnectGesture,
    Gesture,
    PlaceGesture,
    Pointer,
    SubjectGesture,
    clear_preview,
    preview_edge,
)
from nnviz_app.canvas.scene import PartKind

if TYPE_CHECKING:
    from nnviz_app.canvas.view import CanvasView


class ToolName(StrEnum):
    """The tools."""

    SELECT = "select"
    NEURON = "neuron"
    CONNECT = "connect"


class Tool:
    """A chosen tool. It makes a gesture of each press; moves and the release go to that gesture."""

    name: ToolName
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, view: CanvasView) -> None:
        self.view = view
        self.gesture: Gesture | None = None

    def activate(self) -> None:
        """The tool was taken."""

    def begin(self, pointer: Pointer) -> Gesture | None:
        """The gesture that a press here begins."""
        raise NotImplementedError

    def press(self, pointer: Pointer) -> None:
        """The left button was pressed."""
        self.cancel_gesture()
        self.gesture = self.begin(pointer)

    def move(self, pointer: Pointer) -> None:
        """The pointer moved with the left button held."""
        if self.gesture is not None:
            self.gesture.move(pointer)

    def hover(self, pointer: Pointer) -> None:
        """The pointer moved without a button."""

    def release(self, pointer: Pointer) -> None:
        """The left button was released."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.release(pointer)

    def double_click(self, pointer: Pointer) -> None:
        """The left button was pressed a second time."""
        self.press(pointer)

    def cancel_gesture(self) -> bool:
        """End the gesture under way without an effect; whether there was one."""
        gesture, self.gesture = self.gesture, None
        if gesture is not None:
            gesture.cancel()
        return gesture is not None

    def cancel(self) -> bool:
        """What Esc does: end whatever is under way; whether there was anything."""
        return self.cancel_gesture()

    def confirm(self) -> bool:
        """What Enter does; whether it did anything."""
        return False

    def walk(self, step: int) -> bool:
        """What Tab (1) and Shift+Tab (-1) do; whether they did anything."""
        return self.view.walk(step)


class SelectTool(Tool):
    """Selects, moves, connects from a rim, and edits the numbers where they stand."""

    name = ToolName.SELECT

    def begin(self, pointer: Pointer) -> Gesture | None:
        part, subject = pointer.part, pointer.subject
        if part is not None and part.kind is PartKind.RIM and not (pointer.shift or pointer.ctrl):
            return ConnectGesture(self.view, pointer, [part.id])
        if subject is not None:
            return SubjectGesture(self.view, pointer, subject)
        return BandGesture(self.view, pointer)

    def double_click(self, pointer: Pointer) -> None:
        part = pointer.part
        if part is None:
            self.view.editing.add_neuron(self.view.role, pointer.snapped())
        elif part.kind in (PartKind.NEURON, PartKind.RIM, PartKind.EDGE):
            self.view.edit_subject(part.id)
        elif part.kind in EDITABLE_KINDS:
            self.view.edit_part(part.kind, part.id)
        else:
            self.view.show_message("This number is computed: edit a weight, a bias, an input or a target instead.")


class NeuronTool(SelectTool):
    """Adds a neuron of the view's role where empty canvas is clicked; elsewhere it is the Select tool."""

    name = ToolName.NEURON
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._placed = False

    def activate(self) -> None:
        self.view.show_hint(f"Click to place {self.view.role} neurons. I, H and O change the role, Esc ends.")

    def begin(self, pointer: Pointer) -> Gesture | None:
        self._placed = pointer.part is None
        return PlaceGesture(self.view, pointer, self.view.role) if self._placed else super().begin(pointer)

    def double_click(self, pointer: Pointer) -> None:
        # The first click of two has just placed a neuron here: the second is not about that one.
        if not self._placed and pointer.part is not None:
            super().double_click(pointer)

    def confirm(self) -> bool:
        self.view.place_neuron(self.view.role)
        return True


class ConnectTool(Tool):
    """Connects by dragging from neuron to neuron, by clicking source and target, or by Tab and Enter.

    From one of several selected neurons it connects all of them; a band connects to all that it holds.
    """

    name = ToolName.CONNECT
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        # The sources that a click or Enter has chosen, and the target that Tab has reached.
        self.sources: list[str] = []
        self.candidate: str | None = None
        # What was selected when the tool was taken: Tab then goes straight to the targets.
        self._selected_before: list[str] = []

    def activate(self) -> None:
        self.view.show_hint("Drag from neuron to neuron, or click the source, then the target. With keys: Tab, Enter.")
        self._selected_before = self.view.selection.neurons

    def sources_from(self, neuron_id: str) -> list[str]:
        """All selected neurons when this is one of several, else this one."""
        selected = self.view.selection.neurons
        return selected if neuron_id in selected and len(selected) > 1 else [neuron_id]

    def begin(self, pointer: Pointer) -> Gesture | None:
        neuron_id = pointer.neuron
        if neuron_id is None:
            sources = self.sources or self.view.selection.neurons
            self.disarm()
            return ConnectBandGesture(self.view, pointer, sources)
        if self.sources and self.candidate is None:
            return _SecondClickGesture(self.view, pointer, self)
        self.disarm()
        sources = self.sources_from(neuron_id)
        self.view.selection.set(sources)
        return _FirstClickGesture(self.view, pointer, self, sources)

    def hover(self, pointer: Pointer) -> None:
        if self.sources and self.candidate is None:
            preview_edge(self.view, self.sources, pointer)

    def arm(self, sources: list[str]) -> None:
        """Take these as the sources of the next edges."""
        self.sources, self.candidate = list(sources), None

    def disarm(self) -> bool:
        """Forget the chosen sources; whether there were any."""
        was_armed = bool(self.sources)
        self.sources, self.candidate = [], None
        clear_preview(self.view)
        return was_armed

    def cancel(self) -> bool:
        cancelled = self.cancel_gesture()
        return self.disarm() or cancelled

    def choose_selected(self) -> None:
        """Take the selected neurons as sources, for the keyboard."""
        sources = self.view.selection.neurons
        if sources:
            self.arm(sources)
            self.walk(1)
            self.view.show_hint(
                f"Connect {', '.join(sources)}: Tab goes through the targets, Enter connects, Esc ends."
            )

    def walk(self, step: int) -> bool:
        if not self.sources:
            selected = self.view.selection.neurons
            if selected and selected == self._selected_before:
                self.choose_selected()
                return True
            return self.view.walk(step)
        targets = [i for i in self.view.neurons_in_order() if i not in self.sources]
        if not targets:
            return True
        if self.candidate in targets:
            place = (targets.index(self.candidate) + step) % len(targets)
        else:
            # Beginning with one that can be connected, if there is any.
            why_not = self.view.document.project.network.why_not_connect
            targets = targets[::step]
            place = next((i for i, t in enumerate(targets) if not all(why_not(s, t) for s in self.sources)), 0)
        self.candidate = targets[place]
        self._preview_candidate()
        return True

    def _preview_candidate(self) -> None:
        if self.candidate is None or not self.sources:
            return
        scene, network = self.view.canvas_scene, self.view.document.project.network
        rect = scene.neuron_rect(self.candidate)
        reasons = [network.why_not_connect(source, self.candidate) for source in self.sources]
        problem = reasons[0] if all(reasons) else None
        scene.set_edge_preview(self.sources[0], rect.center(), self.candidate, problem)
        self.view.reveal(rect)

    def confirm(self) -> bool:
        if not self.sources:
            self.choose_selected()
            return bool(self.sources)
        if self.candidate is not None:
            self.view.editing.connect_neurons(self.sources, [self.candidate])
            # The edge may be the reason why the next one is refused: the preview has to say so.
            self._preview_candidate()
        return True

    def follow_document(self) -> None:
        """Forget neurons that are no longer there."""
        neurons = self.view.document.project.network.neurons
        if any(i not in neurons for i in [*self.sources, *filter(None, [self.candidate])]):
            self.cancel()


class _FirstClickGesture(ConnectGesture):
    """Dragging connects; a click makes the neuron the source of the next click."""

    def __init__(self, view: CanvasView, start: Pointer, tool: ConnectTool, sources: list[str]) -> None:
        super().__init__(view, start, sources)
        self.tool = tool

    def connected(self, edges: list[str]) -> None:
        """The sources stay selected, for the next edge."""

    def click(self, pointer: Pointer) -> None:
        self.tool.arm(self.sources)


class _SecondClickGesture(_FirstClickGesture):
    """The click on the target."""

    def __init__(self, view: CanvasView, start: Pointer, tool: ConnectTool) -> None:
        super().__init__(view, start, tool, tool.sources)

    def click(self, pointer: Pointer) -> None:
        self.tool.disarm()
        self.drop(pointer)

    def release(self, pointer: Pointer) -> None:
        super().release(pointer)
        self.tool.disarm()
