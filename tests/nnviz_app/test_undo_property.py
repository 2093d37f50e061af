"""Whatever is done to a document, undoing all of it gives the start back and redoing all of it the end."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot
from training_strategies import settings_of_any_sort

from core.activations import ACTIVATIONS
from core.breakpoints import Breakpoint, Relation, Watch
from core.losses import LOSSES
from core.network import Role
from core.project import Project
from nnviz_app.arrange import Alignment, Axis
from nnviz_app.document import Document
from nnviz_app.editing import Editing
from nnviz_app.layers import NewLayer, NewNetwork
from nnviz_app.player import Player
from nnviz_app.selection import Selection


def dump(project: Project) -> str:
    """Everything of a project that can be edited, with each number to the bit and in its order."""
    network = project.network
    whole: dict[str, Any] = {
        "neurons": [msgspec.structs.astuple(neuron) for neuron in network.neurons.values()],
        "edges": [msgspec.structs.astuple(edge) for edge in network.edges.values()],
        "values": [(i, value.hex()) for i, value in network.values.items()],
        "frozen": sorted(network.frozen),
        "positions": [(i, x.hex(), y.hex()) for i, (x, y) in network.positions.items()],
        "columns": [(i, [float(v).hex() for v in c]) for i, c in project.dataset.columns.items()],
        "rows": project.dataset.rows,
        "settings": dataclasses.asdict(project.settings),
        "training": [project.updates, project.start, project.epoch, project.memory],
        "breakpoints": [dataclasses.astuple(point) for point in project.breakpoints],
        "about": [project.title, project.source, project.notes],
    }
    text = json.dumps(whole, default=str)
    try:
        writer = importlib.import_module("core.project_file")
    except ModuleNotFoundError:
        return text
    return text + str(writer.project_to_text(project))


ROLES = st.sampled_from(list(Role))
ALIGNMENTS: st.SearchStrategy[Alignment] = st.sampled_from(["left", "center", "right", "top", "middle", "bottom"])
AXES: st.SearchStrategy[Axis] = st.sampled_from(["horizontal", "vertical"])
NUMBERS = st.floats(-10, 10, allow_nan=False)


class Hands:
    """Somebody who draws at random."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.document = Document()
        self.selection = Selection(self.document, self.document)
        self.player = Player(self.document, self.document)
        self.editing = Editing(self.document, self.selection, self.player, self.document)

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.data.draw(strategy)

    def subject(self) -> str:
        network = self.document.project.network
        return self.draw(st.sampled_from([*network.neurons, *network.edges] or ["nothing"]))

    def neuron(self) -> str:
        return self.draw(st.sampled_from(list(self.document.project.network.neurons) or ["nothing"]))

    def number(self) -> None:
        kind = self.draw(st.sampled_from(["weight", "bias", "value", "target"]))
        self.editing.set_number(kind, self.subject(), self.draw(NUMBERS))

    def select(self) -> None:
        network = self.document.project.network
        everything = [*network.neurons, *network.edges]
        if everything:
            self.selection.set(self.draw(st.lists(st.sampled_from(everything), max_size=5)))

    def go_to_update(self) -> None:
        run = self.document.run
        self.document.go_to_update(self.draw(st.integers(run.first, run.last)))

    def choose_settings(self) -> None:
        chosen = self.draw(settings_of_any_sort(loss=self.draw(st.sampled_from(list(LOSSES)))))
        with self.document.edit("Set everything") as draft:
            draft.settings = chosen

    def drop_out(self) -> None:
        hidden = [n.id for n in self.document.project.network.neurons.values() if n.role is Role.HIDDEN]
        if hidden:
            with self.document.edit("Dropout") as draft:
                draft.network.set_dropout(self.draw(st.sampled_from(hidden)), self.draw(st.floats(0, 0.9)))

    def add_breakpoint(self) -> None:
        with self.document.edit("Breakpoint") as draft:
            draft.breakpoints += (Breakpoint(Watch.LOSS, Relation.BELOW, value=self.draw(NUMBERS)),)

    def actions(self) -> dict[str, Callable[[], object]]:
        editing, draw = self.editing, self.draw
        return {
            "add": lambda: editing.add_neuron(draw(ROLES), draw(st.none() | st.tuples(NUMBERS, NUMBERS))),
            "select": self.select,
            "all": editing.select_all,
            "connect": lambda: editing.connect_neurons([self.neuron()], [self.neuron()]),
            "connect selection": editing.connect_selection,
            "rename": lambda: editing.rename(self.subject(), draw(st.sampled_from(["a", "b", "h1", "w1", "?"]))),
            "role": lambda: editing.set_role(draw(ROLES)),
            "activation": lambda: editing.set_activation(draw(st.sampled_from(list(ACTIVATIONS)))),
            "nudge": lambda: editing.nudge(draw(NUMBERS), draw(NUMBERS)),
            "number": self.number,
            "freeze": lambda: editing.set_frozen(draw(st.booleans())),
            "tie": editing.tie,
            "untie": editing.untie,
            "delete": editing.delete,
            "copy": editing.copy,
            "cut": editing.cut,
            "paste": lambda: editing.paste(draw(st.none() | st.tuples(NUMBERS, NUMBERS))),
            "duplicate": editing.duplicate,
            "align": lambda: editing.align(draw(ALIGNMENTS)),
            "distribute": lambda: editing.distribute(draw(AXES)),
            "tidy": editing.tidy,
            "layer": lambda: editing.add_layer(
                NewLayer(
                    draw(st.integers(1, 3)),
                    role=draw(ROLES),
                    connect_previous=draw(st.booleans()),
                    connect_next=draw(st.booleans()),
                )
            ),
            "network": lambda: editing.new_network(
                NewNetwork(
                    tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))), seed=draw(st.integers(0, 9))
                )
            ),
            "update": self.player.apply_update,
            "go to update": self.go_to_update,
            "branch": self.document.branch,
            "settings": self.choose_settings,
            "dropout": self.drop_out,
            "breakpoint": self.add_breakpoint,
            "draw weights": lambda: self.document.draw_weights(draw(st.integers(0, 9))),
            "undo": self.document.undo_stack.undo,
            "redo": self.document.undo_stack.redo,
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_undo_all_and_redo_all(qtbot: QtBot, data: st.DataObject) -> None:
    QGuiApplication.clipboard().clear()
    hands = Hands(data)
    document, stack = hands.document, hands.document.undo_stack
    if data.draw(st.booleans()):
        hands.editing.new_network(NewNetwork((2, 2, 1)))
        stack.clear()
    start = dump(document.project)
    actions = hands.actions()
    for name in data.draw(st.lists(st.sampled_from(list(actions)), max_size=25)):
        actions[name]()
        network = document.project.network
        assert set(hands.selection.ids) <= {*network.neurons, *network.edges}
        network.levels()
    end = dump(document.project)
    moments = [end]
    while stack.canUndo():
        stack.undo()
        moments.append(dump(document.project))
    assert moments[-1] == start
    # What had been undone before stays for redo: only as many steps as were undone here lead back to the end.
    for moment in reversed(moments[:-1]):
        stack.redo()
        assert dump(document.project) == moment
    # Not left to the garbage collector, which takes a circle of Qt's objects down in any order.
    document.deleteLater()
