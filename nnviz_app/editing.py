"""What a person can do to the drawing, each as one undo entry. Canvas, panels and menus share it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Literal, TypeVar

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication

from core.errors import NetworkError, NnvizError
from core.network import ROLE_PREFIX, Network, Position, Role
from core.numbers import format_number
from core.project import Project
from nnviz_app import arrange
from nnviz_app.document import Document
from nnviz_app.fragment import (
    MIME_TYPE,
    Fragment,
    copy_fragment,
    fragment_from_text,
    fragment_to_text,
    paste_fragment,
)
from nnviz_app.layers import (
    NewLayer,
    NewNetwork,
    add_layer,
    connect_all,
    default_activation,
    replace_network,
)
from nnviz_app.player import Player
from nnviz_app.selection import Selection

Result = TypeVar("Result")
NumberKind = Literal["weight", "bias", "value", "target"]

# How far from the original a copy lies, in scene units: both stay visible and on the grid.
PASTE_OFFSET = 80.0


class Editing(QObject):
    """The editing operations. What a rule refuses changes nothing and is told by `refused` in one sentence."""

    refused = Signal(str)
    # Many neurons got other places, or came at once: a view may want to show them all.
    arranged = Signal()

    def __init__(self, document: Document, selection: Selection, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.selection, self.player = document, selection, player
        self._pastes = 0
        self._pasted_text = ""

    @property
    def _network(self) -> Network:
        return self.document.project.network

    def _edit(self, text: str, change: Callable[[Project], Result], *, merge: Hashable = None) -> Result | None:
        """Make one undo entry of `change`; None when it is refused."""
        try:
            with self.document.edit(text, merge=merge) as draft:
                return change(draft)
        except NnvizError as error:
            self.refused.emit(str(error))
            return None

    # Neurons

    def add_neuron(
        self, role: Role | str, position: Position | None = None, *, connect_from: Iterable[str] = ()
    ) -> str | None:
        """Add a neuron and select it; without a position at a free place next to the selection or its like.

        With `connect_from` these neurons feed it. Returns its id.
        """
        role, sources = Role(role), list(connect_from)
        x, y = position if position is not None else self._place_for(role)

        def change(draft: Project) -> str:
            activation = default_activation(draft.network, role)
            neuron = draft.network.add_neuron(role, activation=activation, position=arrange.snapped(x, y))
            if sources:
                connect_all(draft, sources, [neuron.id])
            return neuron.id

        name = self._network.free_id(ROLE_PREFIX[role])
        added = self._edit(f"Add {name}", change)
        if added is not None:
            self.selection.set([added])
        return added

    def _place_for(self, role: Role) -> Position:
        """A sensible free place: below the selected neuron of this role, else in the role's column."""
        network, positions = self._network, self._network.positions
        alike = [i for i in self.selection.neurons if network.neurons[i].role is role]
        alike = alike or [n.id for n in network.with_role(role)]
        if alike:
            x, y = positions[alike[-1]]
            wanted = (x, y + arrange.ROW_GAP)
        elif not positions:
            wanted = ({Role.INPUT: -1, Role.HIDDEN: 0, Role.OUTPUT: 1}[role] * arrange.COLUMN_GAP, 0.0)
        else:
            points = [positions[i] for i in self.selection.neurons] or list(positions.values())
            x, y = min(points)[0], min(y for _, y in points)
            wanted = (x - arrange.COLUMN_GAP if role is Role.INPUT else max(points)[0] + arrange.COLUMN_GAP, y)
        return arrange.free_position(positions.values(), wanted)

    def rename(self, old: str, new: str) -> bool:
        """Give a neuron or an edge another name."""
        new = new.strip()

        def change(draft: Project) -> bool:
            draft.rename(old, new)
            return True

        ids = self.selection.ids
        renamed = bool(self._edit(f"Rename {old} to {new}", change))
        if renamed:
            self.selection.set([new if i == old else i for i in ids])
        return renamed

    def set_role(self, role: Role | str) -> None:
        """Make the selected neurons inputs, hidden or output neurons."""
        role = Role(role)
        chosen = self._chosen_neurons("Select the neurons whose role is to change.")

        def change(draft: Project) -> None:
            for neuron_id in chosen:
                was_input = draft.network.neuron(neuron_id).role is Role.INPUT
                activation = default_activation(draft.network, role)
                draft.network.set_role(neuron_id, role)
                if was_input and role is not Role.INPUT:
                    draft.network.set_activation(neuron_id, activation)

        if chosen:
            article = "an" if role is not Role.HIDDEN else "a"
            word = {Role.INPUT: "input", Role.HIDDEN: "hidden neuron", Role.OUTPUT: "output"}[role]
            self._edit(f"Make {_name_all(chosen)} {article} {word}", change)

    def set_activation(self, name: str) -> None:
        """Give the selected neurons another activation; inputs have none and are passed over."""
        chosen = [i for i in self.selection.neurons if self._network.neurons[i].role is not Role.INPUT]
        if not chosen:
            self.refused.emit("Select hidden or output neurons first: inputs have no activation.")
            return

        def change(draft: Project) -> None:
            for neuron_id in chosen:
                draft.network.set_activation(neuron_id, name)

        self._edit(f"Activation of {_name_all(chosen)}: {name}", change)

    def move_to(self, positions: Mapping[str, Position], *, merge: Hashable = None) -> None:
        """Place neurons elsewhere."""
        moved = {i: p for i, p in positions.items() if self._network.positions.get(i) not in (None, p)}
        if moved:
            self._edit(f"Move {_name_all(list(moved))}", lambda draft: draft.network.move(moved), merge=merge)

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected neurons a little; a row of nudges is one undo entry."""
        chosen = self.selection.neurons
        positions = {i: (self._network.positions[i][0] + dx, self._network.positions[i][1] + dy) for i in chosen}
        self.move_to(positions, merge=("nudge", tuple(chosen)))

    # Edges

    def connect_neurons(self, sources: Iterable[str], targets: Iterable[str]) -> list[str]:
        """Connect every source with every target where the rules allow it; return the new edges' ids.

        Refused only when nothing could be connected.
        """
        sources, targets = list(dict.fromkeys(sources)), list(dict.fromkeys(targets))
        if len(targets) > 1:
            # All to all: a neuron among both is a target of the others.
            targets = [i for i in targets if i not in sources] or targets

        def change(draft: Project) -> list[str]:
            added, reason = connect_all(draft, sources, targets)
            if not added:
                raise NetworkError(reason or "Select the neurons to connect first.")
            return added

        return self._edit(f"Connect {_name_all(sources)} to {_name_all(targets)}", change) or []

    def connect_selection(self) -> None:
        """Connect the selected neurons to the one that was selected last."""
        chosen = self.selection.neurons
        if len(chosen) < 2:
            self.refused.emit("Select two neurons or more: the edges go to the one that is selected last.")
            return
        self.connect_neurons(chosen[:-1], chosen[-1:])

    def tie(self) -> None:
        """Let the selected edges share the weight of the one that was selected first."""
        edges = self.selection.edges
        if len(edges) < 2:
            self.refused.emit("Select two edges or more: they then share the weight of the first.")
            return

        def change(draft: Project) -> None:
            for edge_id in edges[1:]:
                draft.network.tie(edge_id, edges[0])

        self._edit(f"Tie {_name_all(edges)}", change)

    def untie(self) -> None:
        """Give each selected tied edge a weight of its own again."""
        network = self._network
        chosen = [i for i in self.selection.edges if is_tied(network, i)]
        if not chosen:
            self.refused.emit("Select edges that share a weight first.")
            return

        def change(draft: Project) -> None:
            for edge_id in chosen:
                # The owner of a shared weight is untied by untying those that it is shared with.
                for other in draft.network.edges_of_parameter(edge_id):
                    draft.network.untie(other.id)
                draft.network.untie(edge_id)

        self._edit(f"Untie {_name_all(chosen)}", change)

    # Numbers

    def set_number(self, kind: NumberKind, subject: str, value: float, *, row: int | None = None) -> bool:
        """Set a weight or bias, or an input's value or a target in `row` (the row on show by default)."""
        if kind in ("weight", "bias"):
            return self.set_parameter(subject, value)
        return self.set_cell(self.player.row if row is None else row, subject, value)

    def set_parameter(self, parameter: str, value: float) -> bool:
        """Set a weight (by its edge's id) or a bias (by its neuron's)."""

        def change(draft: Project) -> bool:
            draft.network.set_value(parameter, value)
            return True

        what = parameter if parameter in self._network.edges else f"bias of {parameter}"
        return bool(self._edit(f"Set {what} to {format_number(value)}", change))

    def set_cell(self, row: int, neuron_id: str, value: float) -> bool:
        """Set one cell of the data: an input's value or an output's target, as the network sees it."""

        def change(draft: Project) -> bool:
            draft.dataset.set_value(row, neuron_id, draft.dataset.entered(neuron_id, value))
            return True

        return bool(self._edit(f"Set {neuron_id} in row {row + 1} to {format_number(value)}", change))

    def set_frozen(self, frozen: bool) -> None:
        """Freeze the parameters of the selection, so that updates leave them alone, or thaw them."""
        network = self._network
        chosen = [i for i in self.selection.ids if i in network.edges or network.has_bias(i)]
        if not chosen:
            self.refused.emit("Select edges, hidden or output neurons first: inputs have no parameter.")
            return

        def change(draft: Project) -> None:
            for subject in chosen:
                draft.network.set_frozen(subject, frozen)

        self._edit(f"{'Freeze' if frozen else 'Thaw'} {_name_all(chosen)}", change)

    # Selecting, deleting, the clipboard

    def select_all(self) -> None:
        """Select every neuron and every edge."""
        self.selection.set([*self._network.neurons, *self._network.edges])

    def delete(self) -> None:
        """Delete what is selected; a neuron takes its edges with it."""
        self._delete("Delete")

    def _delete(self, verb: str) -> None:
        neurons, edges = self.selection.neurons, self.selection.edges
        if not neurons and not edges:
            self.refused.emit("Nothing is selected to delete.")
            return

        def change(draft: Project) -> None:
            draft.network.remove_edges(edges)
            for neuron_id in neurons:
                draft.network.remove_neuron(neuron_id)

        self._edit(f"{verb} {_name_all(neurons or edges)}", change)

    def copy(self) -> bool:
        """Copy the selected neurons with the edges among them to the clipboard."""
        fragment = self._copied()
        if fragment is None:
            return False
        text = fragment_to_text(fragment)
        data = QMimeData()
        data.setData(MIME_TYPE, text.encode())
        data.setText(text)
        QGuiApplication.clipboard().setMimeData(data)
        self._pasted_text, self._pastes = text, 0
        return True

    def cut(self) -> None:
        """Copy, then delete the copied neurons."""
        if not self.copy():
            return
        self._pastes = -1  # pasted once, cut neurons come back to where they were
        self.selection.set(self.selection.neurons)
        self._delete("Cut")

    def paste(self, position: Position | None = None) -> list[str]:
        """Paste what was copied around `position`, or a little further than the last time; select it."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()
        own = bytes(data.data(MIME_TYPE).data()).decode(errors="replace") if data else ""
        text = own or (data.text() if data else "")
        try:
            fragment = fragment_from_text(text)
        except NetworkError as error:
            self.refused.emit(str(error))
            return []
        if text != self._pasted_text:
            self._pasted_text, self._pastes = text, 0
        if position is None:
            self._pastes += 1
            offset = (self._pastes * PASTE_OFFSET, self._pastes * PASTE_OFFSET)
        else:
            x, y = arrange.center(neuron.position for neuron in fragment.neurons)
            offset = arrange.snapped(position[0] - x, position[1] - y)
        return self._insert("Paste", fragment, offset)

    def duplicate(self) -> list[str]:
        """Add a copy of the selected neurons and the edges among them beside them."""
        fragment = self._copied()
        return self._insert("Duplicate", fragment, (PASTE_OFFSET, PASTE_OFFSET)) if fragment else []

    def _copied(self) -> Fragment | None:
        chosen = self._chosen_neurons("Select the neurons to copy first: edges are copied with both their neurons.")
        return copy_fragment(self.document.project, chosen) if chosen else None

    def _insert(self, verb: str, fragment: Fragment, offset: Position) -> list[str]:
        text = f"{verb} {_name_all([neuron.id for neuron in fragment.neurons])}"
        added = self._edit(text, lambda draft: paste_fragment(draft, fragment, offset)) or []
        if added:
            inner = [e.id for e in self._network.edges.values() if e.source in added and e.target in added]
            self.selection.set([*added, *inner])
        return added

    def _chosen_neurons(self, otherwise: str) -> list[str]:
        chosen = self.selection.neurons
        if not chosen:
            self.refused.emit(otherwise)
        return chosen

    # Arranging

    def align(self, kind: arrange.Alignment) -> None:
        """Put the selected neurons on one line: left, center, right, top, middle or bottom."""
        self._arrange(f"Align {kind}", 2, lambda positions: arrange.align(positions, kind))

    def distribute(self, axis: arrange.Axis) -> None:
        """Put the selected neurons at equal distances: horizontal or vertical."""
        self._arrange(f"Distribute {axis}ly", 3, lambda positions: arrange.distribute(positions, axis))

    def _arrange(self, text: str, least: int, place: Callable[[Mapping[str, Position]], arrange.Positions]) -> None:
        chosen = self.selection.neurons
        if len(chosen) < least:
            self.refused.emit(f"Select {('two', 'three')[least - 2]} neurons or more first.")
            return
        positions = place({i: self._network.positions[i] for i in chosen})
        self._edit(text, lambda draft: draft.network.move(positions))

    def tidy(self) -> None:
        """Lay the whole network out in columns by depth. No value changes."""
        self._edit("Tidy layout", lambda draft: draft.network.move(arrange.tidy(draft.network)))
        self.arranged.emit()

    # Layers

    def add_layer(self, new: NewLayer) -> list[str]:
        """Add a layer after the selected neurons, or after the last layer; select it."""
        selected = self.selection.neurons
        noun = "neuron" if new.count == 1 else "neurons"
        added = self._edit(f"Add layer of {new.count} {noun}", lambda draft: add_layer(draft, new, selected)) or []
        if added:
            self.selection.set(added)
            self.arranged.emit()
        return added

    def new_network(self, new: NewNetwork) -> bool:
        """Put a layered network in place of the present one. The settings stay."""

        def change(draft: Project) -> bool:
            replace_network(draft, new)
            return True

        done = bool(self._edit(f"New network {'-'.join(map(str, new.sizes))}", change))
        if done:
            self.selection.clear()
            self.arranged.emit()
        return done


def is_tied(network: Network, edge_id: str) -> bool:
    """Whether this edge shares its weight with another."""
    return len(network.edges_of_parameter(network.edges[edge_id].parameter)) > 1


def _name_all(ids: list[str]) -> str:
    """The ids in words, for the undo history: "h1", "h1 and h2", "5 of them" would be too many to read."""
    if len(ids) <= 3:
        return " and ".join(filter(None, [", ".join(ids[:-1]), *ids[-1:]]))
    return f"{ids[0]}, {ids[1]} and {len(ids) - 2} more"
