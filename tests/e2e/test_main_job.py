"""The main job in a real window, by mouse and keys only: draw the 2-2-2 network, step, update, save, open again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hands import Hands
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from real_window import close_window, open_window

from core.numbers import parse_number
from core.project_file import project_to_text
from nnviz_app.canvas.parts import PartKind
from nnviz_app.main_window import MainWindow
from nnviz_app.panels.reading_rows import ReadingRow

GOLDEN = next(
    example
    for example in json.loads((Path(__file__).parents[1] / "data" / "worked_examples.json").read_text())
    if example["name"] == "two_two_two"
)
PLACES = {"i1": (-220, -100), "i2": (-220, 100), "h1": (0, -100), "h2": (0, 100), "o1": (220, -100), "o2": (220, 100)}


def draw(hands: Hands, document: object) -> None:
    """Draw neurons and edges by hand, and move the neurons into place."""
    view = hands.view
    hands.click(hands.on_canvas(QPointF(-300, 300)))
    hands.key("i", "i", "h")
    # One hidden neuron by a double-click, the outputs by keys, all of them dragged to their places.
    hands.click(hands.on_canvas(view.mapToScene(view.viewport().rect().bottomRight() - QPoint(30, 40))))
    hands.double_click(hands.on_canvas(view.mapToScene(view.viewport().rect().bottomLeft() + QPoint(60, -60))))
    hands.key("o", "o")
    network = document.project.network  # type: ignore[attr-defined]
    assert list(network.neurons) == ["i1", "i2", "h1", "h2", "o1", "o2"]


def test_draw_step_update_save_and_open_again(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    hands, document, player = Hands(qtbot, window), window.document, window.player
    expected = GOLDEN["expected"]
    assert not document.project.network.neurons

    # Draw.
    draw(hands, document)
    # Room around what is there, so that every place is in sight.
    hands.key("f", "ctrl+minus", "ctrl+minus", "ctrl+minus")
    for neuron, place in PLACES.items():
        hands.drag(hands.middle(neuron), hands.on_canvas(QPointF(*place)))
    assert {n: tuple(p) for n, p in document.project.network.positions.items()} == PLACES
    hands.key("f")
    for edge in GOLDEN["network"]["edges"]:
        hands.drag(hands.rim(edge["source"]), hands.middle(edge["target"]))
    network = document.project.network
    assert {e.id: (e.source, e.target) for e in network.edges.values()} == {
        e["id"]: (e["source"], e["target"]) for e in GOLDEN["network"]["edges"]
    }
    assert all(network.neurons[n].activation == "sigmoid" for n in ("h1", "h2", "o1", "o2"))

    # Type the numbers where they stand.
    hands.key("f")
    for edge in GOLDEN["network"]["edges"]:
        hands.write(PartKind.WEIGHT, edge["id"], str(edge["weight"]))
    for neuron in GOLDEN["network"]["neurons"]:
        if "bias" in neuron:
            hands.write(PartKind.BIAS, neuron["id"], str(neuron["bias"]).replace(".", ","))
    for neuron, value in zip(("i1", "i2"), GOLDEN["inputs"], strict=True):
        hands.write(PartKind.VALUE, neuron, str(value))
    for neuron, value in zip(("o1", "o2"), GOLDEN["targets"], strict=True):
        hands.write(PartKind.TARGET, neuron, str(value))
    training = window.training_panel
    training.ensureWidgetVisible(training.biases_box)
    QApplication.processEvents()
    hands.answer_popup("Home", "Down", "Return")
    hands.click_widget(training.biases_box)
    qtbot.waitUntil(lambda: not document.project.settings.update_biases)
    settings = document.project.settings
    assert (settings.loss, settings.learning_rate, settings.update_biases) == ("half_squared_error", 0.5, False)

    # Step to the end, and read every gradient off the canvas and the panel.
    hands.click(hands.on_canvas(QPointF(0, 0)))
    hands.key("Escape", "Escape")
    hands.answer_popup("Up", "Return")
    hands.click_widget(window.menus.digits_button)
    qtbot.waitUntil(lambda: window.preferences.digits == 8)
    hands.key(*["Right"] * 22)
    assert hands.read(PartKind.GRADIENT, "w5") == "∂ –"
    hands.key(*["Right"] * 23)
    assert player.index == 45
    for edge, gradient in expected["weight_grad"].items():
        shown = parse_number(hands.read(PartKind.GRADIENT, edge).split()[-1])
        assert shown == pytest.approx(gradient, rel=1e-7)
    for neuron, delta in expected["pre_activation_grad"].items():
        shown = parse_number(hands.read(PartKind.DELTA, neuron).split()[-1])
        assert shown == pytest.approx(delta, rel=1e-7)
    for edge, gradient in expected["weight_grad"].items():
        hands.click(hands.on_canvas(hands.rect(PartKind.WEIGHT, edge).center()))
        assert window.selection.ids == [edge]
        assert read_panel(window, "∂L/∂w") == pytest.approx(gradient, rel=1e-12)
    for neuron, gradient in expected["bias_grad"].items():
        hands.click(hands.middle(neuron))
        assert window.selection.ids == [neuron]
        assert read_panel(window, "∂L/∂b") == pytest.approx(gradient, rel=1e-12)
        assert read_panel(window, "δ = ∂L/∂z") == pytest.approx(expected["pre_activation_grad"][neuron], rel=1e-12)
        assert read_panel(window, "∂L/∂a") == pytest.approx(expected["activation_grad"][neuron], rel=1e-12)
        shown = parse_number(hands.read(PartKind.BIAS_GRADIENT, neuron).split()[-1])
        assert shown == pytest.approx(gradient, rel=1e-7)
    assert hands.read(PartKind.LOSS) == "0.29837111"

    # One update.
    values = dict(document.project.network.values)
    hands.key("Escape", "End", "u")
    assert document.project.updates == 1
    assert hands.read(PartKind.LOSS) == "0.29102777"
    assert read_panel(window, "loss") == pytest.approx(0.2910277736935993, rel=1e-12)
    assert window.loss_plot.update_on_show == 1

    # Step all the way back: the former parameters, bit for bit, and nothing known any more.
    hands.key(*["Left"] * 22)
    assert (document.project.updates, player.index) == (0, 53)
    assert window.loss_plot.update_on_show == 0
    hands.key(*["shift+Left"] * 30)
    assert (document.project.updates, player.index) == (0, 0)
    assert document.project.network.values == values
    assert hands.read(PartKind.LOSS) == hands.read(PartKind.VALUE, "h1") == "–"

    # Save, close, open again in a new window, and find the same.
    path = tmp_path / "drawn.nnviz"
    hands.use_dialogs(hands.file_dialog(path), opened_by=lambda: hands.key("ctrl+s"))
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: not document.is_modified)
    saved = project_to_text(document.project)
    hands.key("ctrl+q")
    qtbot.waitUntil(lambda: not window.isVisible())

    again = open_window(qtbot)
    hands = Hands(qtbot, again)
    assert not again.document.project.network.neurons
    hands.open_by_dialog(path)
    qtbot.waitUntil(lambda: again.document.path == path)
    assert project_to_text(again.document.project) == saved
    hands.key(*["Right"] * 21)
    assert hands.read(PartKind.WEIGHT, "w5") == "w5 0.4"
    assert hands.read(PartKind.LOSS) == "0.29837111"
    close_window(again)


def read_panel(window: MainWindow, name: str) -> float:
    """The number that the Inspector shows beside `name`, at full precision."""
    rows = [row for row in window.inspector.findChildren(ReadingRow) if row.isVisible()]
    return parse_number(next(row.reading.text for row in rows if row.reading.label.startswith(name)))
