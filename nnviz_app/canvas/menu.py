"""The menu of the right mouse button: it acts on the selection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from core.activations import ACTIVATIONS
from core.network import Role
from nnviz_app.arrange import Alignment, Axis
from nnviz_app.assets import icon_names, themed_icon
from nnviz_app.canvas.gestures import subject_of
from nnviz_app.canvas.scene import PartKind
from nnviz_app.editing import is_tied
from nnviz_app.layers import allowed_activations

if TYPE_CHECKING:
    from nnviz_app.canvas.view import CanvasView

ROLE_TITLES = {Role.INPUT: "Input", Role.HIDDEN: "Hidden", Role.OUTPUT: "Output"}
ROLE_KEYS = {Role.INPUT: "I", Role.HIDDEN: "H", Role.OUTPUT: "O"}
ALIGNMENTS: dict[Alignment, str] = {
    "left": "Left",
    "center": "Center",
    "right": "Right",
    "top": "Top",
    "middle": "Middle",
    "bottom": "Bottom",
}
AXES: dict[Axis, str] = {"horizontal": "Horizontally", "vertical": "Vertically"}


class CanvasMenu(QMenu):
    """What can be done with the selection, or with the empty canvas at `place` (in the scene)."""

    def __init__(self, view: CanvasView, place: QPointF | None) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.view, self.place = view, place
        self.submenus: dict[str, QMenu] = {}
        if len(view.selection):
            self._add_selection()
        else:
            self._add_canvas()

    def _add(
        self,
        text: str,
        slot: Callable[[], object],
        *,
        key: str = "",
        enabled: bool = True,
        icon: str = "",
        menu: QMenu | None = None,
    ) -> QAction:
        # The key is shown, not set: the window's own action has it, and two of them would block one another.
        action = (menu or self).addAction(f"{text}\t{key}" if key else text)
        action.setEnabled(enabled)
        action.triggered.connect(lambda _=False: slot())
        if icon:
            themed_icon(action, icon)
        return action

    def _submenu(self, title: str) -> QMenu:
        # Kept by name: the menus that QAction.menu() gives out are lost again with the action's wrapper.
        menu = self.submenus[title] = self.addMenu(title)
        return menu

    def _add_selection(self) -> None:
        view, editing = self.view, self.view.editing
        network = view.document.project.network
        neurons, edges = view.selection.neurons, view.selection.edges
        self._add_numbers(neurons, edges)
        self.addSeparator()
        if neurons:
            self._add_neuron_choices(neurons)
        parameters = [i for i in view.selection.ids if i in network.edges or network.has_bias(i)]
        if parameters:
            own = {network.edges[i].parameter if i in network.edges else i for i in parameters}
            self._add("Freeze", lambda: editing.set_frozen(True), enabled=not own <= network.frozen, icon="lock")
            self._add("Thaw", lambda: editing.set_frozen(False), enabled=bool(own & network.frozen), icon="unlock")
        if edges:
            self._add("Tie weights", editing.tie, enabled=len(edges) > 1)
            self._add("Untie weights", editing.untie, enabled=any(is_tied(network, i) for i in edges))
        self.addSeparator()
        if neurons:
            several = len(neurons) > 1
            last = neurons[-1]
            text = f"Connect to {last}" if several else "Connect..."
            slot = editing.connect_selection if several else view.start_connecting
            self._add(text, slot, key="Ctrl+K" if several else "C", icon="connect")
            self._add("Add layer after...", view.add_layer_requested.emit, key="Ctrl+L", icon="add-layer")
            self.addSeparator()
            self._add("Cut", editing.cut, key="Ctrl+X")
            self._add("Copy", editing.copy, key="Ctrl+C", icon="copy")
            self._add("Duplicate", editing.duplicate, key="Ctrl+D")
        self._add("Delete", editing.delete, key="Del", icon="delete")
        if len(neurons) > 1:
            self.addSeparator()
            self._add_arranging(len(neurons))
        self.addSeparator()
        self._add("Select all", editing.select_all, key="Ctrl+A")

    def _add_numbers(self, neurons: list[str], edges: list[str]) -> None:
        view = self.view
        if len(neurons) + len(edges) != 1:
            return
        network = view.document.project.network
        if edges:
            edge_id = edges[0]
            self._add(f"Edit weight {edge_id}", lambda: view.edit_part(PartKind.WEIGHT, edge_id), key="F2")
            return
        neuron_id = neurons[0]
        role = network.neurons[neuron_id].role
        if role is Role.INPUT:
            self._add(f"Edit value of {neuron_id}", lambda: view.edit_part(PartKind.VALUE, neuron_id), key="F2")
        else:
            self._add(f"Edit bias of {neuron_id}", lambda: view.edit_part(PartKind.BIAS, neuron_id), key="F2")
        if role is Role.OUTPUT:
            self._add(f"Edit target of {neuron_id}", lambda: view.edit_part(PartKind.TARGET, neuron_id))
        self._add(f"Rename {neuron_id}", lambda: view.edit_part(PartKind.NAME, neuron_id))

    def _add_neuron_choices(self, neurons: list[str]) -> None:
        editing = self.view.editing
        network = self.view.document.project.network
        kinds = [network.neurons[i] for i in neurons]
        roles = self._submenu("Role")
        for role, title in ROLE_TITLES.items():
            action = self._add(title, partial(editing.set_role, role), menu=roles)
            action.setCheckable(True)
            action.setChecked(all(neuron.role is role for neuron in kinds))
            # Edges lead into it: it cannot become an input. The menu offers only what will work.
            action.setEnabled(role is not Role.INPUT or not any(network.incoming(i) for i in neurons))
        activations = self._submenu("Activation")
        activations.setEnabled(any(neuron.role is not Role.INPUT for neuron in kinds))
        having = [neuron for neuron in kinds if neuron.role is not Role.INPUT]
        allowed = [set(allowed_activations(neuron.role)) for neuron in having]
        for name, entry in ACTIVATIONS.items():
            action = self._add(entry.title, partial(editing.set_activation, name), menu=activations)
            action.setCheckable(True)
            action.setChecked(bool(having) and all(neuron.activation == name for neuron in having))
            action.setEnabled(all(name in names for names in allowed))

    def _add_arranging(self, count: int) -> None:
        editing = self.view.editing
        align = self._submenu("Align")
        for kind, title in ALIGNMENTS.items():
            self._add(title, partial(editing.align, kind), icon=_icon(f"align-{kind}"), menu=align)
        distribute = self._submenu("Distribute")
        distribute.setEnabled(count > 2)
        for axis, title in AXES.items():
            self._add(title, partial(editing.distribute, axis), icon=f"distribute-{axis}", menu=distribute)

    def _add_canvas(self) -> None:
        view, editing = self.view, self.view.editing
        position = None if self.place is None else (self.place.x(), self.place.y())
        is_empty = not view.document.project.network.neurons
        adding = self._submenu("Add neuron here" if position else "Add neuron")
        for role, title in ROLE_TITLES.items():
            self._add(title, partial(editing.add_neuron, role, position), key=ROLE_KEYS[role], menu=adding)
        self._add("Paste", lambda: view.paste(position), key="Ctrl+V", icon="paste")
        self.addSeparator()
        self._add("Add layer...", view.add_layer_requested.emit, key="Ctrl+L", icon="add-layer")
        self._add("New network...", view.new_network_requested.emit, icon="new")
        self.addSeparator()
        self._add("Select all", editing.select_all, key="Ctrl+A", enabled=not is_empty)
        self._add("Tidy layout", editing.tidy, enabled=not is_empty, icon="tidy")
        self._add("Fit", view.fit, key="F", icon="fit")


def _icon(name: str) -> str:
    return name if name in icon_names() else ""


def select_for_menu(view: CanvasView, pos: QPointF) -> None:
    """Select what is under the pointer, unless it is selected already; nothing on empty canvas."""
    subject = subject_of(view.part_at(pos))
    if subject is None:
        view.selection.clear()
    elif subject not in view.selection:
        view.selection.set([subject])
