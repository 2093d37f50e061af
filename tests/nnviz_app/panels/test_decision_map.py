"""The decision map: it shows any neuron's answers, follows rows and runs, and a click adds or feeds a row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from graph_strategies import connect_all
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.numbers import format_number
from core.project import Project, Settings
from core.quantities import Kind
from nnviz_app.document import Document
from nnviz_app.palette import DARK, LIGHT, Palette
from nnviz_app.panels import decision_map
from nnviz_app.panels.decision_controls import ClickMode
from nnviz_app.panels.decision_map import DecisionMapPanel
from nnviz_app.panels.fields import RUNNING
from nnviz_app.player import Player
from nnviz_app.selection import Selection
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

LEFT, NONE, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def project_of(
    inputs: int = 2, outputs: int = 1, *, activation: str = "sigmoid", test: tuple[int, ...] = ()
) -> Project:
    """A network with three tanh neurons and eight rows whose targets are classes."""
    rng = np.random.default_rng(3)
    network, names = Network(), ([], [], [])
    for place in range(inputs):
        names[0].append(network.add_neuron("input", id=f"x{place + 1}").id)
    for place in range(3):
        names[1].append(network.add_neuron("hidden", id=f"h{place + 1}", activation="tanh").id)
    for place in range(outputs):
        names[2].append(network.add_neuron("output", id=f"o{place + 1}", activation=activation).id)
    connect_all(network, names[0], names[1], lambda: float(rng.normal()))
    connect_all(network, names[1], names[2], lambda: float(rng.normal()))
    columns = {name: rng.uniform(-2, 2, 8) for name in names[0]}
    kinds = np.arange(8) % max(outputs, 2)
    for place, name in enumerate(names[2]):
        columns[name] = (kinds == (1 if outputs == 1 else place)).astype(float)
    dataset = Dataset(columns)
    dataset.set_test(test)
    return Project(network, dataset, Settings(batch_size=1))


class Hands:
    """The panel and what a person does with it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.document = Document()
        self.player = Player(self.document, self.document)
        self.selection = Selection(self.document, self.document)
        self.trainer = Trainer(self.document, self.player, self.document)
        self.panel = DecisionMapPanel(self.document, self.player, self.selection, self.trainer)
        self.document.setParent(self.panel)
        self.view, self.controls = self.panel.view, self.panel.controls
        qtbot.addWidget(self.panel)
        self.panel.resize(640, 420)

    def open(self, project: Project) -> None:
        self.document.open_project(project)
        self.panel.show()
        self.settle()

    def settle(self) -> None:
        for _ in range(4):
            QApplication.processEvents()
        self.view.grab()  # a place is known once it has been painted

    def pixel(self, x: float, y: float) -> QPoint:
        return self.view.to_pixels(x, y).toPoint()

    def click(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.qtbot.mouseClick(self.view, LEFT, modifiers, self.pixel(x, y))
        self.settle()

    def point(self, x: float, y: float) -> None:
        self.qtbot.mouseMove(self.view, self.pixel(x, y))

    def press(self, button: QWidget) -> None:
        self.qtbot.mouseClick(button, LEFT, NONE, QPoint(8, button.height() // 2))
        self.settle()

    def choose_mode(self, mode: ClickMode) -> None:
        self.press(self.controls.modes.buttons[mode])

    def choose(self, box: QComboBox, text: str) -> None:
        box.setFocus()
        place = box.findText(text)
        assert place >= 0
        while box.currentIndex() != place:
            self.qtbot.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < place else Qt.Key.Key_Up)
        self.settle()

    def color(self, x: float, y: float) -> QColor:
        """The colour of the map itself at a place."""
        picture = self.view.picture
        assert picture is not None
        assert picture.image is not None
        (left, right), (low, high) = picture.x_range, picture.y_range
        across, down = (x - left) / (right - left), (high - y) / (high - low)
        image = picture.image
        return image.pixelColor(int(across * image.width()), int(down * image.height()))

    @property
    def texts(self) -> list[str]:
        stack = self.document.undo_stack
        return [stack.text(i) for i in range(stack.index())]

    def activation(self, neuron: str) -> float:
        """What the trace of the row on show says."""
        self.player.go_to(self.player.length)
        value = self.player.known(Kind.ACTIVATION, neuron)
        assert value is not None
        return value


@pytest.fixture
def hands(qtbot: QtBot, qapp: QApplication) -> Iterator[Hands]:
    theme().set_mode("light")
    theme().set_text_scale(1.0)
    theme().apply(qapp)
    made = Hands(qtbot)
    yield made
    made.trainer.shutdown()
    theme().set_mode("light")
    theme().set_text_scale(1.0)


def test_without_inputs_or_answers_it_says_what_to_do(hands: Hands) -> None:
    hands.open(Project())
    assert hands.panel.placeholder.isVisible()
    assert hands.panel.placeholder.text() == decision_map.NO_INPUTS
    with hands.document.edit("Add") as draft:
        draft.network.add_neuron("input")
    assert hands.panel.placeholder.text() == decision_map.NO_NEURONS
    with hands.document.edit("Add") as draft:
        draft.network.add_neuron("output")
    assert not hands.panel.placeholder.isVisible()
    # One input, one row: a curve.
    assert hands.view.picture is not None
    assert hands.view.picture.curves


def test_the_map_has_the_outputs_colour_everywhere(hands: Hands) -> None:
    project = project_of()
    # o1 is 1 where x1 is above 0, whatever x2 is.
    project.network.set_values(dict.fromkeys(project.network.values, 0.0))
    for source, target in (("x1", "h1"), ("h1", "o1")):
        edge = next(e for e in project.network.edges.values() if (e.source, e.target) == (source, target))
        project.network.set_value(edge.id, 20.0)
    hands.open(project)
    positive, negative = hands.color(1.0, -1.0), hands.color(-1.0, 1.0)
    assert positive.blue() > positive.red()
    assert negative.red() > negative.blue()
    assert hands.color(1.0, 1.0) == positive
    # Along the other diagonal in the dark theme too, on another ground.
    theme().set_mode("dark")
    hands.settle()
    assert hands.color(1.0, 1.0).blue() > hands.color(1.0, 1.0).red()
    assert hands.color(1.0, 1.0) != positive


def test_discretised_there_are_two_colours(hands: Hands) -> None:
    hands.open(project_of())
    image = hands.view.picture.image
    many = {image.pixel(x, y) for x in range(0, 150, 5) for y in range(0, 150, 5)}
    hands.press(hands.controls.two_box)
    image = hands.view.picture.image
    assert len({image.pixel(x, y) for x in range(0, 150, 5) for y in range(0, 150, 5)}) <= 2 < len(many)


def test_several_outputs_are_classes(hands: Hands) -> None:
    project = project_of(outputs=3, activation="softmax")
    hands.open(project)
    picture = hands.view.picture
    assert picture.scale is None
    assert [name for _, name in picture.names] == ["o1", "o2", "o3"]
    assert picture.points.color.tolist() == [row % 3 for row in range(8)]
    # One of them alone has a scale, and the points its targets.
    hands.choose(hands.controls.neuron_box, "Output o2")
    picture = hands.view.picture
    assert picture.scale is not None
    assert len(set(picture.points.color.tolist())) == 2


def test_the_selected_neuron_is_shown(hands: Hands) -> None:
    hands.open(project_of())
    hands.selection.set(["h2"])
    assert hands.controls.neuron_box.currentText() == "Neuron h2"
    assert hands.view.picture.scale.low == -1
    hands.selection.set(["w1"])
    assert hands.controls.neuron_box.currentText() == "Neuron h2"
    hands.selection.clear()
    assert hands.controls.neuron_box.currentText() == "Output o1"
    hands.choose(hands.controls.neuron_box, "Neuron h1")
    assert hands.panel.reading_label.text().startswith("h1 ")
    with hands.document.edit("Delete") as draft:
        draft.network.remove_neuron("h1")
    assert hands.controls.neuron_box.currentText() == "Output o1"


def test_the_reading_is_what_the_canvas_says(hands: Hands) -> None:
    project = project_of()
    project.dataset.add_scaling("standardize", ["x1"])
    hands.open(project)
    hands.player.select_row(3)
    x1, x2 = (project.dataset.value(3, name) for name in ("x1", "x2"))
    answer = format_number(hands.activation("o1"))
    place = f"x1 {format_number(x1)}, x2 {format_number(x2)}"
    assert hands.panel.reading_label.text() == f"o1 {answer} at {place} · row 4"
    assert hands.view.picture.row_at == (x1, x2)
    hands.point(0.0, 0.0)
    hands.qtbot.waitUntil(lambda: "row" not in hands.panel.reading_label.text())
    hands.point(x1, x2)
    hands.qtbot.waitUntil(lambda: hands.panel.reading_label.text().endswith("row 4"))


def test_without_rows_no_row_is_read(hands: Hands) -> None:
    hands.open(project_of())
    assert hands.panel.reading_label.text().endswith("row 1")
    with hands.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows(range(8))
    hands.settle()
    assert hands.panel.reading_label.text() == ""


def test_a_click_selects_the_point_under_the_pointer(hands: Hands) -> None:
    hands.open(project_of())
    for row in (5, 2):
        hands.click(*(hands.document.project.dataset.value(row, name) for name in ("x1", "x2")))
        assert hands.player.row == row
    assert hands.view.row_at(QPointF(hands.view.plot.topLeft()) - QPointF(30, 30)) is None
    assert not hands.texts


def test_points_can_be_hidden(hands: Hands) -> None:
    hands.open(project_of(test=(1, 4)))
    assert hands.view.picture.points.test.sum() == 2
    hands.press(hands.controls.training_box)
    assert hands.view.picture.points.rows.tolist() == [1, 4]
    hands.press(hands.controls.test_box)
    assert not len(hands.view.picture.points.rows)
    with hands.document.edit("No test rows") as draft:
        draft.dataset.set_test([1, 4], False)
    assert not hands.controls.test_box.isEnabled()


def test_a_click_adds_a_point_of_the_chosen_class(hands: Hands) -> None:
    hands.open(project_of())
    hands.choose_mode(ClickMode.ADD)
    hands.choose(hands.controls.class_box, "o1 = 1")
    hands.click(0.5, -0.5)
    data = hands.document.project.dataset
    assert (data.rows, hands.player.row) == (9, 8)
    assert data.value(8, "x1") == pytest.approx(0.5, abs=0.02)
    assert data.value(8, "x2") == pytest.approx(-0.5, abs=0.02)
    assert (data.value(8, "o1"), data.test[8]) == (1.0, False)
    hands.choose(hands.controls.class_box, "o1 = 0")
    hands.click(-0.5, 0.5, SHIFT)
    data = hands.document.project.dataset
    assert (data.value(9, "o1"), data.test[9]) == (0.0, True)
    assert hands.texts == ["Add point", "Add test point"]
    hands.document.undo_stack.undo()
    assert len(hands.view.picture.points.rows) == 9


def test_a_new_point_of_several_outputs_is_one_hot(hands: Hands) -> None:
    hands.open(project_of(outputs=3, activation="softmax"))
    hands.choose_mode(ClickMode.ADD)
    hands.choose(hands.controls.class_box, "o3")
    hands.click(0.1, 0.1)
    data = hands.document.project.dataset
    assert [data.value(8, name) for name in ("o1", "o2", "o3")] == [0, 0, 1]


def test_where_targets_are_numbers_the_new_one_is_typed(hands: Hands) -> None:
    project = project_of(activation="linear")
    project.dataset.set_values({(row, "o1"): row / 3 for row in range(8)})
    hands.open(project)
    hands.choose_mode(ClickMode.ADD)
    assert not hands.controls.class_box.isVisible()
    hands.controls.target_field.setFocus()
    hands.controls.target_field.selectAll()
    hands.qtbot.keyClicks(hands.controls.target_field, "x")
    hands.click(0.0, 0.0)
    assert "“x” is not a number" in hands.panel.message.text()
    hands.controls.target_field.selectAll()
    hands.qtbot.keyClicks(hands.controls.target_field, "1,5")
    hands.click(0.0, 0.0)
    assert not hands.panel.message.isVisible()
    assert hands.document.project.dataset.value(8, "o1") == 1.5


def test_feeding_is_one_undo_entry_a_drag_and_the_plane_stays(hands: Hands) -> None:
    hands.open(project_of())
    hands.player.select_row(2)
    former = hands.document.project.dataset
    hands.choose_mode(ClickMode.FEED)
    before = hands.view.picture
    view, plot = hands.view, hands.view.plot
    start = plot.center().toPoint()
    end = plot.topRight().toPoint() + QPoint(-1, 1)
    hands.qtbot.mousePress(view, LEFT, NONE, start)
    for part in range(1, 5):
        hands.qtbot.mouseMove(view, start + (end - start) * part / 4)
        QApplication.processEvents()
    assert hands.view.picture.x_range == before.x_range
    hands.qtbot.mouseRelease(view, LEFT, NONE, end)
    assert hands.texts == ["Feed x1, x2"]
    data = hands.document.project.dataset
    assert data.rows == 8
    assert hands.player.row == 2
    assert data.value(2, "x1") == pytest.approx(before.x_range[1], abs=0.1)
    assert hands.view.picture.row_at == (data.value(2, "x1"), data.value(2, "x2"))
    hands.settle()
    hands.qtbot.mouseClick(view, LEFT, NONE, start)
    assert hands.texts == ["Feed x1, x2"] * 2
    hands.document.undo_stack.undo()
    hands.document.undo_stack.undo()
    assert hands.document.project.dataset.same_as(former)


def test_one_input_gives_the_fitted_curve(hands: Hands) -> None:
    project = project_of(inputs=1, activation="linear")
    project.dataset.set_values({(row, "o1"): row / 3 for row in range(8)})
    hands.open(project)
    picture = hands.view.picture
    assert picture.image is None
    ((_, x, y),) = picture.curves
    np.testing.assert_array_equal(picture.points.y, project.dataset.columns["o1"])
    hands.player.select_row(4)
    value = project.dataset.value(4, "x1")
    assert np.interp(value, x, y) == pytest.approx(hands.activation("o1"), abs=1e-3)
    # A new point has the target that was clicked at.
    hands.choose_mode(ClickMode.ADD)
    hands.click(0.0, 1.0)
    data = hands.document.project.dataset
    assert data.value(8, "o1") == pytest.approx(1.0, abs=0.05)
    assert not hands.controls.two_box.isVisible()
    hands.selection.set(["h1"])
    assert not len(hands.view.picture.points.rows)


def test_of_more_inputs_two_are_chosen_and_the_others_fixed(hands: Hands) -> None:
    hands.open(project_of(inputs=4))
    first, second = hands.controls.axis_boxes
    assert (first.currentText(), second.currentText()) == ("x1", "x2")
    hands.choose(first, "x3")
    assert hands.view.picture.x_name == "x3"
    # What the other axis has is exchanged for it.
    hands.choose(second, "x3")
    assert (hands.view.picture.x_name, hands.view.picture.y_name) == ("x2", "x3")
    row = hands.view.picture.image
    hands.player.select_row(1)
    assert hands.view.picture.image != row
    hands.press(hands.controls.fixed_button)
    fixed = hands.controls.fixed
    assert fixed.isVisible()
    names = [fixed.table.item(place, 0).text() for place in range(fixed.table.rowCount())]
    assert names == ["x1", "x4"]
    former = hands.view.picture.image
    fixed.table.item(1, 1).setText("2,5")
    assert fixed.typed == {"x4": 2.5}
    assert hands.view.picture.image != former
    fixed.table.item(0, 1).setText("much")
    assert "x1: “much” is not a number" in fixed.message.text()
    assert fixed.typed == {"x4": 2.5}
    # A typed value stays when another row is on show, until the row's own is wanted.
    hands.player.select_row(2)
    assert fixed.typed == {"x4": 2.5}
    hands.press(fixed.row_button)
    assert fixed.typed == {}
    fixed.close()


def test_it_is_live_during_a_run_and_refuses_clicks(hands: Hands) -> None:
    hands.open(project_of())
    former = hands.view.picture.image
    hands.trainer.start(1_000_000)
    hands.qtbot.waitUntil(lambda: hands.view.picture.image.width() == decision_map.LIVE_SIDE)
    hands.qtbot.waitUntil(lambda: hands.document.project.updates > 0)
    hands.choose_mode(ClickMode.ADD)
    hands.click(0.0, 0.0)
    assert hands.panel.message.text() == RUNNING
    with hands.qtbot.waitSignal(hands.trainer.finished):
        hands.trainer.stop()
    hands.qtbot.waitUntil(lambda: hands.view.picture.image.width() == decision_map.SIDE)
    assert hands.view.picture.image != former
    assert hands.document.project.dataset.rows == 8


def test_hidden_it_computes_nothing_and_shown_again_it_is_up_to_date(hands: Hands) -> None:
    hands.open(project_of())
    hands.panel.hide()
    former = hands.view.picture
    hands.player.apply_update()
    hands.player.select_row(3)
    assert hands.view.picture is former
    hands.panel.show()
    assert hands.view.picture is not former
    assert hands.view.picture.row == 3


def test_another_project_begins_anew(hands: Hands) -> None:
    hands.open(project_of(inputs=3))
    hands.selection.set(["h1"])
    hands.controls.fixed.typed["x3"] = 1.0
    hands.open(project_of())
    assert hands.controls.neuron_box.currentText() == "Output o1"
    assert hands.controls.fixed.typed == {}
    with hands.document.edit("Rename") as draft:
        draft.rename("x1", "length")
    assert hands.view.picture.x_name == "length"


def test_large_text_and_small_panels_are_painted(hands: Hands) -> None:
    hands.open(project_of(inputs=3, outputs=3, activation="softmax", test=(1,)))
    theme().set_text_scale(2.0)
    for width, height in ((300, 700), (900, 300), (200, 130)):
        hands.panel.resize(width, height)
        hands.settle()
        hands.panel.grab()
    assert hands.controls.modes.buttons[ClickMode.FEED].isVisible()


def test_without_rows_there_is_a_map_but_nothing_to_feed(hands: Hands) -> None:
    project = project_of()
    hands.open(project)
    with hands.document.edit("Delete rows") as draft:
        draft.dataset.delete_rows(range(8))
    hands.settle()
    assert hands.view.picture.row_at is None
    hands.choose_mode(ClickMode.FEED)
    hands.click(0.0, 0.0)
    assert "no row" in hands.panel.message.text()
    hands.choose_mode(ClickMode.ADD)
    hands.click(0.0, 0.0)
    assert hands.document.project.dataset.rows == 1


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_classes_are_told_apart_by_the_colour_blind(palette: Palette) -> None:
    # Machado, Oliveira and Fernandes 2009, severity 1: protan, deutan, tritan; then CIELAB distances.
    sights = (
        np.eye(3),
        np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
        np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
    )
    srgb = np.array([[c.redF(), c.greenF(), c.blueF()] for c in palette.classes])
    assert len(srgb) >= 8
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    for sight in sights:
        xyz = np.clip(linear @ sight.T, 0, 1) @ to_xyz.T / to_xyz.sum(axis=1)
        f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
        away = np.linalg.norm(lab[:, None] - lab[None], axis=2)
        assert away[~np.eye(len(lab), dtype=bool)].min() > 15
    assert palette.class_color(len(srgb)) == palette.class_color(0)
