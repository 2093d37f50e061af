"""The small maps in the neurons: shown on demand for two inputs, up to date, and no harm to the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.project import Project
from nnviz_app.canvas import thumbnails
from nnviz_app.canvas.parts import PartKind
from nnviz_app.canvas.scene import CanvasScene
from nnviz_app.document import Change, Document
from nnviz_app.map_image import Ramp
from nnviz_app.palette import DARK, LIGHT, Palette, contrast_ratio
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import theme


def project_of(inputs: int = 2) -> Project:
    """A network with two tanh neurons; the second one answers to the first input alone."""
    network = Network()
    names = [network.add_neuron("input", position=(0, 130.0 * i)).id for i in range(inputs)]
    for place, name in enumerate(("h1", "h2")):
        network.add_neuron("hidden", id=name, activation="tanh", position=(260.0, 130.0 * place))
    network.add_neuron("output", id="o1", activation="sigmoid", position=(520.0, 65.0))
    connect_all(network, names, ["h1"], lambda: 1.0)
    connect_all(network, ["h1", "h2"], ["o1"], lambda: 1.0)
    network.connect(names[0], "h2", weight=50.0)
    return Project(network, Dataset({name: [-1.0, 1.0] for name in names} | {"o1": [0.0, 1.0]}))


@pytest.fixture
def scene(qtbot: QtBot) -> CanvasScene:
    theme().set_mode("light")
    document = Document()
    document.open_project(project_of())
    player = Player(document, document)
    scene = CanvasScene(document, player, Selection(document, document), Preferences(document))
    document.setParent(scene)
    return scene


def painted(scene: CanvasScene) -> QImage:
    rect = scene.content_rect()
    image = QImage(rect.size().toSize() * 2, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    scene.render(painter, source=rect)
    painter.end()
    return image


def color(scene: CanvasScene, neuron: str, x: float, y: float) -> QColor:
    """What is painted there, from a neuron's middle, in scene units."""
    rect, place = scene.content_rect(), scene.neuron_rect(neuron).center()
    return painted(scene).pixelColor(round((place.x() + x - rect.left()) * 2), round((place.y() + y - rect.top()) * 2))


def test_maps_are_painted_only_when_they_are_wanted(scene: CanvasScene) -> None:
    assert color(scene, "h2", 22, 0) == theme().palette.neuron
    scene.thumbnails.set_shown(True)
    assert all(neuron in scene.thumbnails for neuron in ("h1", "h2", "o1"))
    left, right = color(scene, "h2", -22, 0), color(scene, "h2", 22, 0)
    assert left.red() > left.blue()
    assert right.blue() > right.red()
    assert color(scene, "i1", 0, -22) == theme().palette.neuron
    scene.thumbnails.set_shown(False)
    assert color(scene, "h2", 22, 0) == theme().palette.neuron


def test_they_follow_parameters_and_structure(scene: CanvasScene) -> None:
    scene.thumbnails.set_shown(True)
    with scene.document.edit("Weight") as draft:
        edge = draft.network.edge_between("i1", "h2")
        assert edge is not None
        draft.network.set_value(edge.id, -50.0)
    assert color(scene, "h2", 22, 0).red() > color(scene, "h2", 22, 0).blue()
    with scene.document.edit("Delete") as draft:
        draft.network.remove_neuron("h2")
    assert "h2" not in scene.thumbnails
    painted(scene)
    scene.document.undo_stack.undo()
    assert "h2" in scene.thumbnails


@pytest.mark.parametrize("inputs", [1, 3])
def test_there_are_none_without_two_inputs(scene: CanvasScene, inputs: int) -> None:
    scene.thumbnails.set_shown(True)
    scene.document.open_project(project_of(inputs))
    assert "h1" not in scene.thumbnails
    painted(scene)


def test_the_numbers_stay(scene: CanvasScene) -> None:
    scene.player.go_to(scene.player.length)
    parts = [scene.painted_text(PartKind.VALUE, neuron) for neuron in ("h1", "h2", "o1")]
    scene.thumbnails.set_shown(True)
    assert [scene.painted_text(PartKind.VALUE, neuron) for neuron in ("h1", "h2", "o1")] == parts
    assert None not in parts


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_legible_on_every_colour_of_a_map(palette: Palette) -> None:
    ramp = Ramp(palette, palette.neuron, thumbnails.BEHIND_NUMBERS)
    for place in np.linspace(-1.0, 1.0, 21).tolist():
        assert contrast_ratio(palette.text, ramp.color(place)) >= 4.5


def test_during_a_run_they_are_made_ten_times_a_second_at_most(scene: CanvasScene, qtbot: QtBot) -> None:
    scene.thumbnails.set_shown(True)
    document = scene.document
    made: list[None] = []
    scene.thumbnails.changed.connect(lambda: made.append(None))
    document.busy = "A run is under way."
    for _ in range(30):
        document.changed.emit(Change(values=True))
    assert len(made) == 1
    qtbot.waitUntil(lambda: len(made) == 2)
    document.busy = ""
