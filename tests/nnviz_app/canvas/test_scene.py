"""The scene: what is read off it at each step, what is hit where, and how it follows document and player."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network, Position, Role
from core.numbers import format_number
from core.project import Project
from core.quantities import Granularity, Kind, Quantity
from core.settings import Settings
from nnviz_app.canvas.parts import parts_of
from nnviz_app.canvas.scene import CanvasScene, Part, PartKind
from nnviz_app.document import Document
from nnviz_app.player import Player
from nnviz_app.preferences import LabelMode, Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import theme

WEIGHTS = {"w1": 0.15, "w2": 0.2, "w3": 0.25, "w4": 0.3, "w5": 0.4, "w6": 0.45, "w7": 0.5, "w8": 0.55}
ENDS = ("i1 h1", "i2 h1", "i1 h2", "i2 h2", "h1 o1", "h2 o1", "h1 o2", "h2 o2")
TOLERANCE = 10.0


class Canvas:
    """The 2-2-2 network of the classic worked example on a scene of its own."""

    def __init__(self) -> None:
        self.document = Document()
        self.player = Player(self.document)
        self.selection = Selection(self.document)
        self.preferences = Preferences()
        self.scene = CanvasScene(self.document, self.player, self.selection, self.preferences)
        with self.document.edit("Draw") as draft:
            network = draft.network
            for column, (role, letter, bias) in enumerate(
                (("input", "i", 0.0), ("hidden", "h", 0.35), ("output", "o", 0.6))
            ):
                for row in (0, 1):
                    network.add_neuron(
                        role,
                        id=f"{letter}{row + 1}",
                        activation="linear" if role == "input" else "sigmoid",
                        bias=bias,
                        position=(220.0 * column, 210.0 * row),
                    )
            for (edge_id, weight), ends in zip(WEIGHTS.items(), ENDS, strict=True):
                source, target = ends.split()
                network.connect(source, target, weight=weight, id=edge_id)
            draft.dataset.follow(network)
            draft.dataset.set_values({(0, "i1"): 0.05, (0, "i2"): 0.1, (0, "o1"): 0.01, (0, "o2"): 0.99})

    @property
    def network(self) -> Network:
        return self.document.project.network

    def read(self, kind: PartKind, subject: str = "") -> str | None:
        return self.scene.painted_text(kind, subject)

    def until(self, kind: Kind, subject: str = "") -> None:
        trace = self.player.trace
        assert trace is not None
        self.player.go_to(trace.index_of(Quantity(kind, subject)) + 1)

    def hit(self, x: float, y: float, tolerance: float = TOLERANCE) -> tuple[PartKind, str] | None:
        part = self.scene.part_at(QPointF(x, y), tolerance)
        return (part.kind, part.id) if part else None

    def picture(self, area: QRectF | None = None) -> QImage:
        area = area or self.scene.content_rect().adjusted(-20, -20, 20, 20)
        image = QImage(round(area.width()), round(area.height()), QImage.Format.Format_RGB32)
        painter = QPainter(image)
        self.scene.render(painter, QRectF(0, 0, image.width(), image.height()), area)
        painter.end()
        return image

    def colors(self, area: QRectF) -> set[str]:
        image = self.picture(area)
        return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    return Canvas()


@pytest.fixture
def dark() -> Iterator[None]:
    yield
    theme().set_mode("light")


# What is read


def test_before_the_first_step_what_is_given_is_shown_and_all_else_is_a_dash(canvas: Canvas) -> None:
    assert canvas.read(PartKind.VALUE, "i1") == "0.05"
    assert canvas.read(PartKind.VALUE, "h1") == "–"
    assert canvas.read(PartKind.BIAS, "h1") == "b 0.35"
    assert canvas.read(PartKind.WEIGHT, "w5") == "w5 0.4"
    assert canvas.read(PartKind.GRADIENT, "w5") is None
    assert canvas.read(PartKind.TARGET, "o1") == "t 0.01"
    assert canvas.read(PartKind.SHARE, "o1") == "½(t−a)² –"
    assert canvas.read(PartKind.LOSS) == "–"
    assert canvas.read(PartKind.BIAS, "i1") is None
    assert canvas.read(PartKind.NAME, "i1") == "i1"
    assert canvas.read(PartKind.VALUE, "nobody") is None


def test_the_forward_pass_is_read_off_step_by_step(canvas: Canvas) -> None:
    canvas.until(Kind.PRODUCT, "w2")
    assert canvas.read(PartKind.GRADIENT, "w2") == "→ 0.02"
    assert canvas.read(PartKind.GRADIENT, "w3") is None
    canvas.until(Kind.WEIGHTED_SUM, "h1")
    assert canvas.read(PartKind.PRE_ACTIVATION, "h1") == "z 0.3775"
    assert canvas.read(PartKind.VALUE, "h1") == "–"
    canvas.until(Kind.ACTIVATION, "h1")
    assert canvas.read(PartKind.VALUE, "h1") == "0.5933"
    canvas.until(Kind.LOSS)
    assert canvas.read(PartKind.SHARE, "o1") == "½(t−a)² 0.2748"
    assert canvas.read(PartKind.LOSS) == "0.2984"


def test_the_backward_pass_is_read_off_step_by_step(canvas: Canvas) -> None:
    canvas.until(Kind.ACTIVATION_GRAD, "o1")
    assert canvas.read(PartKind.ACTIVATION_GRADIENT, "o1") == "∂L/∂a 0.7414"
    assert canvas.read(PartKind.GRADIENT, "w5") == "∂ –"
    canvas.until(Kind.PRE_ACTIVATION_GRAD, "o1")
    assert canvas.read(PartKind.DELTA, "o1") == "δ 0.1385"
    assert canvas.read(PartKind.ACTIVATION_GRADIENT, "o1") is None
    assert canvas.read(PartKind.PRE_ACTIVATION, "o1") is None
    canvas.until(Kind.WEIGHT_GRAD, "w5")
    assert canvas.read(PartKind.GRADIENT, "w5") == "∂ 0.08217"
    assert canvas.read(PartKind.GRADIENT, "w6") == "∂ –"
    canvas.until(Kind.CONTRIBUTION, "w5")
    assert canvas.read(PartKind.GRADIENT, "w5") == "← 0.0554"
    canvas.until(Kind.ACTIVATION_GRAD, "h1")
    assert canvas.read(PartKind.GRADIENT, "w7") == "← −0.01905"
    canvas.until(Kind.BIAS_GRAD, "h1")
    assert canvas.read(PartKind.BIAS_GRADIENT, "h1") == "∂ 0.008771"
    assert canvas.read(PartKind.GRADIENT, "w5") == "∂ 0.08217"


def test_the_update_shows_old_and_new_and_the_gradients_stay(canvas: Canvas) -> None:
    canvas.until(Kind.UPDATE, "w5")
    assert canvas.read(PartKind.WEIGHT, "w5") == "w5 0.4 → 0.3589"
    assert canvas.read(PartKind.GRADIENT, "w5") == "∂ 0.08217"
    canvas.player.go_to(canvas.player.length)
    # Where there is room, all are written as the one at work is.
    assert canvas.read(PartKind.WEIGHT, "w5") == "w5 0.4 → 0.3589"
    assert canvas.read(PartKind.WEIGHT, "w8") == "w8 0.55 → 0.5614"
    assert canvas.read(PartKind.BIAS, "h1") == "b 0.35 → 0.3456"
    canvas.player.forward()
    assert canvas.read(PartKind.WEIGHT, "w5") == "w5 0.3589"


@pytest.mark.parametrize("index", range(54))
def test_a_number_is_shown_if_and_only_if_it_is_revealed(canvas: Canvas, index: int) -> None:
    trace = canvas.player.trace
    assert trace is not None
    canvas.player.go_to(index)
    for place in range(len(trace)):
        quantity = trace.quantity_at(place)
        if quantity.kind in (Kind.INPUT, Kind.PRODUCT, Kind.CONTRIBUTION, Kind.WEIGHTED_SUM, Kind.ACTIVATION_GRAD):
            continue
        for kind, subject in parts_of(quantity, canvas.network):
            text = canvas.read(kind, subject) or "–"
            number = format_number(trace.value(quantity), 4)
            if place >= index:
                assert number not in text, (quantity, text)
            elif quantity.kind is not Kind.BIAS_GRAD and not (
                # The lower number of an edge is that of the step at work while it takes part in one.
                quantity.kind is Kind.WEIGHT_GRAD and text.startswith("←")
            ):
                assert number in text, (quantity, text)


def test_each_step_shows_its_own_value(canvas: Canvas) -> None:
    trace = canvas.player.trace
    assert trace is not None
    for step in trace:
        canvas.player.go_to(step.index + 1)
        for kind, subject in parts_of(step.quantity, canvas.network):
            assert format_number(step.value, 4) in (canvas.read(kind, subject) or ""), step


@pytest.mark.parametrize(
    ("mode", "forward", "backward", "at_end"),
    [
        (LabelMode.WEIGHT, None, None, None),
        (LabelMode.PRODUCT, "→ 0.2373", "→ 0.2373", "→ 0.2373"),
        (LabelMode.GRADIENT, "∂ –", "∂ 0.08217", "∂ 0.08217"),
        (LabelMode.UPDATE, "→ –", "→ –", "→ 0.3589"),
        (LabelMode.AUTO, "→ 0.2373", "∂ 0.08217", "∂ 0.08217"),
    ],
)
def test_the_label_modes(
    canvas: Canvas, mode: LabelMode, forward: str | None, backward: str | None, at_end: str | None
) -> None:
    canvas.preferences.set_label_mode(mode)
    for kind, subject, expected in (
        (Kind.LOSS, "", forward),
        (Kind.BIAS_GRAD, "h1", backward),
        (Kind.UPDATE, "w8", at_end),
    ):
        canvas.until(kind, subject)
        assert canvas.read(PartKind.GRADIENT, "w5") == expected
        assert "w5 0.4" in (canvas.read(PartKind.WEIGHT, "w5") or "") or mode is LabelMode.AUTO


def test_the_digits_are_those_chosen(canvas: Canvas) -> None:
    canvas.until(Kind.LOSS)
    canvas.preferences.set_digits(8)
    assert canvas.read(PartKind.LOSS) == "0.29837111"
    assert canvas.read(PartKind.SHARE, "o1") == "½(t−a)² 0.27481108"
    canvas.preferences.set_digits(2)
    assert canvas.read(PartKind.LOSS) == "0.3"


def test_a_batch_shows_the_sample_and_then_the_mean(canvas: Canvas) -> None:
    with canvas.document.edit("Rows") as draft:
        draft.dataset.insert_rows(1, [{"i1": 0.5, "i2": 0.4, "o1": 0.2, "o2": 0.3}])
        draft.settings = Settings(batch_size=2)
    trace = canvas.player.trace
    assert trace is not None
    canvas.player.go_to(trace.index_of(Quantity(Kind.WEIGHT_GRAD, "w5", 0)) + 1)
    first = canvas.read(PartKind.GRADIENT, "w5")
    canvas.player.go_to(trace.index_of(Quantity(Kind.INPUT, "i1", 1)) + 1)
    assert canvas.read(PartKind.VALUE, "i1") == "0.5"
    assert canvas.read(PartKind.TARGET, "o1") == "t 0.2"
    canvas.until(Kind.PARAMETER_GRAD, "w5")
    mean = format_number(trace.gradient["w5"], 4)
    assert canvas.read(PartKind.GRADIENT, "w5") == f"mean ∂ {mean}" != first
    assert canvas.scene.focus.active_edges == {"w5"}


def test_tied_weights_are_at_work_together(canvas: Canvas) -> None:
    with canvas.document.edit("Tie") as draft:
        draft.network.tie("w8", "w5")
        draft.network.set_frozen("w1")
    canvas.until(Kind.UPDATE, "w5")
    assert canvas.scene.focus.active_edges == {"w5", "w8"}
    new = format_number(canvas.player.known(Kind.UPDATE, "w5") or 0.0)
    assert canvas.read(PartKind.WEIGHT, "w5") == f"w5 0.4 → {new}"
    assert canvas.read(PartKind.WEIGHT, "w8") == f"w8 0.4 → {new}"
    assert "(shared with w5)" in canvas.scene.tooltip_for(Part(PartKind.EDGE, "w8", QRectF()))
    assert "(frozen)" in canvas.scene.tooltip_for(Part(PartKind.EDGE, "w1", QRectF()))


@pytest.mark.parametrize(
    ("loss", "text"),
    [("squared_error", "(t−a)²"), ("mean_squared_error", "(t−a)²/2"), ("binary_cross_entropy", "BCE/2")],
)
def test_the_share_names_the_formula_of_the_loss(canvas: Canvas, loss: str, text: str) -> None:
    with canvas.document.edit("Loss") as draft:
        draft.settings = Settings(loss=loss)
    assert canvas.read(PartKind.SHARE, "o1") == f"{text} –"


def test_tooltips_have_every_digit_and_hide_what_is_not_revealed(canvas: Canvas) -> None:
    edge = Part(PartKind.GRADIENT, "w5", QRectF())
    assert "∂L/∂w = –" in canvas.scene.tooltip_for(edge)
    canvas.player.go_to(canvas.player.length)
    assert "∂L/∂w = 0.08216704056423078" in canvas.scene.tooltip_for(edge)
    assert "<b>w5</b>: h1 → o1" in canvas.scene.tooltip_for(edge)
    neuron = canvas.scene.tooltip_for(Part(PartKind.NEURON, "o1", QRectF()))
    assert "a = 0.7513650695523157" in neuron
    assert "Sigmoid" in neuron
    assert "L = 0.2983711087600027" in canvas.scene.tooltip_for(Part(PartKind.LOSS, "", QRectF()))
    assert "value = 0.05" in canvas.scene.tooltip_for(Part(PartKind.VALUE, "i1", QRectF()))
    assert canvas.scene.tooltip_for(Part(PartKind.NEURON, "gone", QRectF())) == ""


# What is hit


def test_numbers_rims_bodies_edges_and_the_loss_are_hit(canvas: Canvas) -> None:
    def middle(kind: PartKind, subject: str = "") -> QPointF:
        part = canvas.scene.part(kind, subject)
        assert part is not None
        return part.rect.center()

    for kind, subject in (
        (PartKind.WEIGHT, "w5"),
        (PartKind.BIAS, "h1"),
        (PartKind.VALUE, "i1"),
        (PartKind.NAME, "h1"),
        (PartKind.TARGET, "o1"),
        (PartKind.LOSS, ""),
    ):
        point = middle(kind, subject)
        assert canvas.hit(point.x(), point.y()) == (kind, subject)
    assert canvas.hit(220 - 22, 0) == (PartKind.NEURON, "h1")
    assert canvas.hit(220 + 30, 0) == (PartKind.RIM, "h1")
    assert canvas.hit(220 + 36, 0) == (PartKind.RIM, "h1")
    assert canvas.hit(75, 5) == (PartKind.EDGE, "w1")
    assert canvas.hit(75, 12) is None
    assert canvas.hit(75, 12, 20) == (PartKind.EDGE, "w1")
    assert canvas.hit(-200, -200) is None


def test_a_number_that_is_computed_stands_for_its_neuron(canvas: Canvas) -> None:
    canvas.until(Kind.PRE_ACTIVATION_GRAD, "o1")
    part = canvas.scene.part(PartKind.DELTA, "o1")
    assert part is not None
    assert canvas.hit(part.rect.center().x(), part.rect.center().y()) == (PartKind.NEURON, "o1")
    assert canvas.hit(220, 2) == (PartKind.NEURON, "h1")


def test_far_out_a_neuron_can_still_be_taken_hold_of(canvas: Canvas) -> None:
    canvas.scene.set_scale(0.2)
    assert canvas.hit(220, 0, 50) == (PartKind.NEURON, "h1")
    assert canvas.hit(220 + 28, 0, 50) == (PartKind.RIM, "h1")
    assert canvas.hit(110, 105, 50) in ((PartKind.EDGE, "w2"), (PartKind.EDGE, "w3"))


def test_the_rubber_band_takes_neurons_by_their_middle_and_edges_as_a_whole(canvas: Canvas) -> None:
    band = QRectF(QPointF(260, 250), QPointF(-40, -40))
    assert canvas.scene.neurons_in(band) == ["i1", "i2", "h1", "h2"]
    assert canvas.scene.edges_in(band) == ["w1", "w2", "w3", "w4"]
    assert canvas.scene.neurons_in(QRectF(1000, 0, 5, 5)) == []


def test_parts_that_are_not_shown_have_no_place(canvas: Canvas) -> None:
    canvas.scene.set_scale(0.4)
    assert canvas.scene.part(PartKind.BIAS, "h1") is None
    assert canvas.scene.part(PartKind.WEIGHT, "w1") is None
    assert canvas.read(PartKind.VALUE, "i1") == "0.05"
    assert canvas.read(PartKind.NAME, "i1") is None
    assert canvas.scene.part(PartKind.EDGE, "w1") is not None
    canvas.scene.set_scale(0.2)
    assert canvas.read(PartKind.VALUE, "i1") is None
    assert canvas.read(PartKind.LOSS) is None
    assert canvas.scene.part(PartKind.NEURON, "i1") is not None


def test_the_content_holds_every_number_at_any_zoom(canvas: Canvas) -> None:
    content = canvas.scene.content_rect()
    canvas.player.go_to(canvas.player.length)
    for kind, subject in ((PartKind.DELTA, "h1"), (PartKind.BIAS, "h2"), (PartKind.SHARE, "o2"), (PartKind.LOSS, "")):
        part = canvas.scene.part(kind, subject)
        assert part is not None
        assert content.contains(part.rect)
    canvas.scene.set_scale(0.2)
    assert canvas.scene.content_rect() == content


def test_a_number_under_an_editor_is_not_painted(canvas: Canvas) -> None:
    palette = theme().palette
    canvas.player.go_to(canvas.player.length)
    for kind, subject, ink in (
        (PartKind.WEIGHT, "w1", palette.positive),
        (PartKind.BIAS, "h1", palette.text),
        (PartKind.VALUE, "i1", palette.text),
    ):
        part = canvas.scene.part(kind, subject)
        assert part is not None
        inside = part.rect.adjusted(0, 1, 0, -3)
        assert ink.name() in canvas.colors(inside)
        canvas.scene.set_edited(part)
        assert canvas.read(kind, subject) is None
        assert canvas.scene.part(kind, subject) == part
        assert ink.name() not in canvas.colors(inside)
    canvas.scene.set_edited(None)
    assert canvas.read(PartKind.BIAS, "h1") is not None


# The step


def test_nothing_is_dimmed_before_the_first_step_and_after_the_last(canvas: Canvas) -> None:
    assert not canvas.scene.focus.dims
    canvas.player.forward()
    assert canvas.scene.focus.dims
    canvas.player.go_to(canvas.player.length)
    assert not canvas.scene.focus.dims


def test_the_neuron_at_work_has_the_hue_of_the_phase(canvas: Canvas) -> None:
    palette = theme().palette
    rim = QRectF(188, -6, 8, 12)
    assert palette.forward.name() not in canvas.colors(rim)
    canvas.until(Kind.ACTIVATION, "h1")
    assert palette.forward.name() in canvas.colors(rim)
    canvas.until(Kind.PRE_ACTIVATION_GRAD, "h1")
    assert palette.backward.name() in canvas.colors(rim)
    assert palette.forward.name() not in canvas.colors(rim)


def test_the_number_at_work_stands_on_the_tint_of_the_phase(canvas: Canvas) -> None:
    canvas.until(Kind.WEIGHT_GRAD, "w5")
    part = canvas.scene.part(PartKind.GRADIENT, "w5")
    assert part is not None
    assert theme().palette.backward_tint.name() in canvas.colors(part.rect)
    canvas.until(Kind.WEIGHT_GRAD, "w6")
    assert theme().palette.backward_tint.name() not in canvas.colors(part.rect)


def test_operands_are_lit_and_the_rest_is_paler(canvas: Canvas) -> None:
    canvas.until(Kind.WEIGHT_GRAD, "w5")
    focus = canvas.scene.focus
    assert focus.active == {(PartKind.GRADIENT, "w5")}
    assert focus.operands == {(PartKind.DELTA, "o1"), (PartKind.VALUE, "h1")}
    assert focus.is_backward
    assert focus.arrows == {"w5"}
    palette = theme().palette
    rims = {i: canvas.colors(canvas.scene.neuron_rect(i).adjusted(-2, -2, 2, 2)) for i in ("h1", "h2")}
    assert palette.backward.name() in rims["h1"]
    assert palette.text.name() in rims["h1"]
    assert palette.neuron_border.name() not in rims["h2"]
    assert palette.text.name() not in rims["h2"]


def test_a_sum_lights_its_edges_with_arrows_towards_the_neuron(canvas: Canvas) -> None:
    canvas.until(Kind.WEIGHTED_SUM, "o1")
    focus = canvas.scene.focus
    assert focus.operand_edges == focus.arrows == {"w5", "w6"}
    assert (PartKind.BIAS, "o1") in focus.operands
    assert not focus.is_backward
    canvas.until(Kind.ACTIVATION_GRAD, "h1")
    assert canvas.scene.focus.arrows == {"w5", "w7"}
    assert canvas.scene.focus.is_backward
    canvas.until(Kind.LOSS)
    assert canvas.scene.focus.curves == {"o1", "o2"}


# Following


def test_the_scene_follows_every_change_of_the_document(canvas: Canvas) -> None:
    scene = canvas.scene
    with canvas.document.edit("Rename") as draft:
        draft.rename("h1", "first")
        draft.network.add_neuron("hidden", id="h3", position=(220, 420))
        draft.network.connect("i1", "h3", id="w9", weight=-1.0)
        draft.network.remove_edge("w1")
    assert canvas.read(PartKind.NAME, "first") == "first"
    assert canvas.read(PartKind.NAME, "h1") is None
    assert canvas.read(PartKind.WEIGHT, "w9") == "w9 −1"
    assert scene.part(PartKind.EDGE, "w1") is None
    canvas.document.undo_stack.undo()
    assert canvas.read(PartKind.NAME, "h1") == "h1"
    assert scene.part(PartKind.EDGE, "w9") is None
    with canvas.document.edit("Move") as draft:
        draft.network.move({"o1": (440, -100)})
    assert scene.neuron_rect("o1").center() == QPointF(440, -100)
    assert scene.loss_y == (210 - 100) / 2
    with canvas.document.edit("Set") as draft:
        draft.network.set_value("w5", -2.5)
        draft.dataset.set_values({(0, "i1"): 7.0})
    assert canvas.read(PartKind.WEIGHT, "w5") == "w5 −2.5"
    assert canvas.read(PartKind.VALUE, "i1") == "7"


def test_roles_ties_and_another_project_are_followed(canvas: Canvas) -> None:
    with canvas.document.edit("Role") as draft:
        draft.network.set_role("o2", "hidden")
        draft.network.tie("w2", "w1")
    assert canvas.read(PartKind.TARGET, "o2") is None
    assert canvas.read(PartKind.WEIGHT, "w2") == "w2 0.15"
    other = Project()
    other.network.add_neuron("input", id="h1", position=(5.0, 5.0))
    other.dataset = Dataset({"h1": [3.0]})
    canvas.document.open_project(other)
    assert canvas.read(PartKind.VALUE, "h1") == "3"
    assert canvas.read(PartKind.BIAS, "h1") is None
    assert canvas.scene.part(PartKind.LOSS, "") is None
    assert canvas.scene.edges_in(QRectF(-500, -500, 2000, 2000)) == []


def test_an_empty_canvas_is_painted_and_hit(qtbot: QtBot) -> None:
    document = Document()
    scene = CanvasScene(document, Player(document), Selection(document), Preferences())
    assert scene.content_rect().isEmpty()
    assert scene.part_at(QPointF(0, 0), TOLERANCE) is None
    assert scene.neurons_in(QRectF(0, 0, 9, 9)) == scene.edges_in(QRectF(0, 0, 9, 9)) == []
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    scene.render(painter, QRectF(0, 0, 40, 40), QRectF(0, 0, 40, 40))
    painter.end()
    assert image.pixelColor(10, 10) == theme().palette.canvas
    # The dots of the background stand on the grid.
    assert image.pixelColor(20, 20) == theme().palette.grid_dots


def test_dragging_draws_elsewhere_and_leaves_the_document_alone(canvas: Canvas) -> None:
    canvas.scene.preview_positions({"h1": QPointF(260, -40)})
    assert canvas.scene.neuron_rect("h1").center() == QPointF(260, -40)
    assert canvas.network.positions["h1"] == (220, 0)
    line = canvas.scene.part(PartKind.EDGE, "w1")
    assert line is not None
    assert line.rect.top() < -20
    with canvas.document.edit("Move") as draft:
        draft.network.move({"h1": (260, -40)})
    canvas.scene.preview_positions(None)
    assert canvas.scene.neuron_rect("h1").center() == QPointF(260, -40)
    position: Position = canvas.network.positions["h1"]
    assert position == (260, -40)


def test_selected_neurons_have_a_ring_in_the_accent(canvas: Canvas) -> None:
    ring = QRectF(178, -4, 12, 8)
    accent = theme().palette.accent.name()
    assert accent not in canvas.colors(ring)
    canvas.selection.set(["h1"])
    assert accent in canvas.colors(ring)
    canvas.selection.clear()
    assert accent not in canvas.colors(ring)


def test_pointing_at_an_edge_lights_its_ends_and_at_a_neuron_its_edges(canvas: Canvas) -> None:
    scene = canvas.scene
    halo = QRectF(184, -3, 4, 6)
    before = canvas.colors(halo)
    scene.set_hovered(scene.part(PartKind.EDGE, "w1"))
    assert scene.hovered_neurons == {"i1", "h1"}
    assert canvas.colors(halo) != before
    scene.set_hovered(scene.part(PartKind.NEURON, "h2"))
    assert scene.hovered_neurons == {"h2"}
    scene.set_hovered(None)
    assert canvas.colors(halo) == before


def test_the_line_that_becomes_an_edge_says_whether_it_can(canvas: Canvas) -> None:
    palette = theme().palette
    along = QRectF(0, 240, 300, 90)
    canvas.scene.set_edge_preview("i2", QPointF(100, 300))
    assert palette.muted.name() in canvas.colors(along)
    canvas.scene.set_edge_preview("i2", QPointF(440, 0), "o1")
    assert palette.accent.name() in canvas.colors(QRectF(150, 80, 150, 80))
    canvas.scene.set_edge_preview("i2", QPointF(100, 300), "i1", "i1 is an input.")
    colors = canvas.colors(along)
    assert {palette.error.name(), palette.error_tint.name()} <= colors
    canvas.scene.set_edge_preview(None)
    assert palette.error.name() not in canvas.colors(along)


def test_the_rubber_band_is_drawn_while_it_is_there(canvas: Canvas) -> None:
    accent, edge = theme().palette.accent.name(), QRectF(-104, -104, 9, 9)
    canvas.scene.set_rubber_band(QRectF(-100, -100, 60, 50))
    assert accent in canvas.colors(edge)
    canvas.scene.set_rubber_band(None)
    assert accent not in canvas.colors(edge)


def test_the_scene_follows_the_theme(canvas: Canvas, dark: None) -> None:
    theme().set_mode("dark")
    colors = canvas.colors(QRectF(40, -30, 100, 60))
    assert theme().is_dark
    assert {theme().palette.canvas.name(), theme().palette.positive.name()} <= colors
    assert QColor("#FBFBFD").name() not in colors


@pytest.mark.parametrize("scale", [0.2, 0.45, 0.6, 1.0, 2.5])
def test_every_step_is_painted_at_every_zoom(canvas: Canvas, scale: float) -> None:
    canvas.scene.set_scale(scale)
    canvas.selection.set(["w5", "h1"])
    pictures = []
    for index in range(canvas.player.length + 1):
        canvas.player.go_to(index)
        pictures.append(canvas.picture())
    assert all(first != second for first, second in pairwise(pictures))


def test_what_is_painted_depends_on_the_present_state_alone(canvas: Canvas) -> None:
    scene, hands = canvas.scene, random.Random(5)
    ids = [*canvas.network.neurons, *canvas.network.edges]
    for turn in range(60):
        match turn % 6:
            case 0:
                canvas.player.go_to(hands.randrange(canvas.player.length + 1))
            case 1:
                subject = hands.choice(ids)
                kind = PartKind.NEURON if subject in canvas.network.neurons else PartKind.EDGE
                scene.set_hovered(scene.part(kind, subject))
            case 2:
                canvas.selection.set(hands.sample(ids, hands.randrange(4)))
            case 3:
                scene.preview_positions({"h1": QPointF(hands.uniform(100, 300), hands.uniform(-90, 90))})
                canvas.picture()
                scene.preview_positions(None)
            case 4:
                with canvas.document.edit("Set") as draft:
                    draft.network.set_value(hands.choice(list(WEIGHTS)), round(hands.uniform(-2, 2), 2))
            case _:
                scene.set_scale(hands.choice([0.4, 0.7, 1.0, 1.6]))
        fresh = CanvasScene(canvas.document, canvas.player, canvas.selection, canvas.preferences)
        fresh.set_scale(scene.scale)
        fresh.set_hovered(scene.hovered_part)
        pictures = [canvas.picture(), Canvas.picture(_Shown(fresh))]
        assert pictures[0] == pictures[1], turn


class _Shown(Canvas):
    """A scene that has been made already, to be looked at."""

    def __init__(self, scene: CanvasScene) -> None:
        self.scene = scene


def test_a_step_by_layer_lights_the_whole_layer(canvas: Canvas) -> None:
    player, scene = canvas.player, canvas.scene
    player.set_granularity(Granularity.LAYER)
    player.forward()
    player.forward()
    hidden = {n.id for n in canvas.document.project.network.with_role(Role.HIDDEN)}
    assert hidden <= scene.focus.active_neurons
    edges = {e.id for h in hidden for e in canvas.document.project.network.incoming(h)}
    assert edges <= scene.focus.active_edges
    for edge in edges:
        assert (scene.painted_text(PartKind.GRADIENT, edge) or "→").startswith("→")
    player.set_granularity(Granularity.TERM)
    assert len(scene.focus.active_neurons) == 1
