"""Badges on neurons that cannot learn: where they are, what they say, and that they follow the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor

from core.dataset import Dataset
from core.diagnostics import Ailment
from core.project_file import load_project
from nnviz_app.canvas.scene import PartKind
from nnviz_app.checkup import Checkup
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.canvas.conftest import Hands

EXAMPLES = sorted((Path(__file__).parents[3] / "resources" / "examples").glob("*.nnviz"))


def set_up(hands: Hands, **values: float) -> None:
    """A 2-2-1 network with ReLU, four rows and these parameters."""
    with hands.document.edit("Set up") as draft:
        draft.dataset = Dataset({"i1": [0.0, 0.0, 1.0, 1.0], "i2": [0.0, 1.0, 0.0, 1.0], "o1": [0.0, 1.0, 1.0, 0.0]})
        for name in ("h1", "h2"):
            draft.network.set_activation(name, "relu")
        draft.network.set_values(
            {"w1": 0.5, "w2": 0.4, "w3": 0.3, "w4": 0.2, "w5": 0.7, "w6": -0.6, "h1": 0.1, "h2": 0.1}
        )
        draft.network.set_values(values)


def ailment(hands: Hands, neuron: str) -> Ailment | None:
    finding = hands.view.canvas_scene.health.finding(neuron)
    return finding.ailment if finding else None


def wait_for(hands: Hands, neuron: str, expected: Ailment | None) -> None:
    hands.qtbot.waitUntil(lambda: ailment(hands, neuron) is expected)


def badge(hands: Hands, neuron: str) -> QPoint:
    part = hands.view.canvas_scene.health.part(neuron)
    assert part is not None
    return hands.view.mapFromScene(part.rect.center())


def test_a_dead_neuron_gets_a_badge_that_goes_when_it_lives(drawn: Hands) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    assert ailment(drawn, "h2") is None
    with drawn.document.edit("Bias") as draft:
        draft.network.set_value("h1", 0.5)
    wait_for(drawn, "h1", None)
    drawn.document.undo_stack.undo()
    wait_for(drawn, "h1", Ailment.DEAD)


def test_a_click_on_the_badge_selects_the_neuron(drawn: Hands) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    drawn.click(badge(drawn, "h1"))
    assert drawn.selection.ids == ["h1"]
    assert drawn.entries[-1] == "Set up"


def test_the_tooltip_has_the_sentence(drawn: Hands) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    scene = drawn.view.canvas_scene
    part = scene.health.part("h1")
    assert part is not None
    assert part.kind is PartKind.NEURON
    finding = scene.health.finding("h1")
    assert finding is not None
    assert scene.tooltip_for(part).endswith("\n\n" + finding.sentence)
    other = scene.part(PartKind.NEURON, "h2")
    assert other is not None
    assert "dead" not in scene.tooltip_for(other)


def test_the_number_is_shown_where_there_is_room(drawn: Hands) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    scene = drawn.view.canvas_scene
    drawn.view.zoom_to(1.5)
    near = scene.health.part("h1")
    drawn.view.grab()
    drawn.view.zoom_to(0.6)
    far = scene.health.part("h1")
    assert near is not None
    assert far is not None
    assert near.rect.width() > far.rect.width() == far.rect.height()


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.2])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_is_painted_in_the_themes_colours(drawn: Hands, mode: str, scale: float) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    try:
        theme().set_mode(mode)  # type: ignore[arg-type]
        drawn.view.canvas_scene.set_scale(scale)
        part = drawn.view.canvas_scene.health.part("h1")
        assert part is not None
        image = drawn.view.grab().toImage()
        ratio = image.devicePixelRatio()
        rect = drawn.view.mapFromScene(part.rect).boundingRect()
        shown = {
            QColor(image.pixel(round(x * ratio), round(y * ratio))).name()
            for x in range(rect.left(), rect.right())
            for y in range(rect.top(), rect.bottom())
        }
        assert theme().palette.error_tint.name() in shown
    finally:
        theme().set_mode("light")


def test_switched_off_there_is_none_and_nothing_is_computed(drawn: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    health = drawn.view.canvas_scene.health
    health.set_shown(False)
    assert health.finding("h1") is None
    computed: list[int] = []
    monkeypatch.setattr(Checkup, "_compute", lambda checkup: computed.append(1))
    with drawn.qtbot.waitSignal(health.checkup.outdated), drawn.document.edit("Bias") as draft:
        draft.network.set_value("h1", -8.0)
    assert not computed
    monkeypatch.undo()
    health.set_shown(True)
    assert ailment(drawn, "h1") is Ailment.DEAD


def test_a_deleted_neuron_takes_its_badge_along(drawn: Hands) -> None:
    set_up(drawn, h1=-9.0)
    wait_for(drawn, "h1", Ailment.DEAD)
    with drawn.document.edit("Delete") as draft:
        draft.network.remove_neuron("h1")
    assert drawn.view.canvas_scene.health.part("h1") is None
    drawn.view.grab()
    wait_for(drawn, "h1", None)


def test_changes_in_quick_succession_are_diagnosed_now_and_then(drawn: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(drawn)
    checkup = Checkup.of(drawn.document)
    drawn.qtbot.wait(0)
    assert checkup.diagnosis is not None
    told: list[int] = []
    checkup.outdated.connect(lambda: told.append(1))
    for k in range(20):
        with drawn.document.edit("Bias") as draft:
            draft.network.set_value("h1", -9.0 - k)
        drawn.qtbot.wait(0)
    assert len(told) <= 2
    wait_for(drawn, "h1", Ailment.DEAD)
    finding = drawn.view.canvas_scene.health.finding("h1")
    assert finding is not None
    drawn.qtbot.waitUntil(lambda: ailment(drawn, "h1") is Ailment.DEAD)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_look_healthy(hands: Hands, path: Path) -> None:
    hands.document.open_project(load_project(path))
    checkup = Checkup.of(hands.document)
    hands.view.canvas_scene.health.refresh()
    assert checkup.diagnosis is not None
    assert all(ailment(hands, neuron) is None for neuron in hands.network.neurons)


def test_without_a_loss_there_is_no_diagnosis(hands: Hands) -> None:
    hands.open(2, 2)
    with hands.document.edit("Role") as draft:
        for neuron in draft.network.outputs:
            draft.network.set_role(neuron.id, "hidden")
    checkup = Checkup.of(hands.document)
    assert checkup.diagnosis is None
    assert checkup.problem.startswith("There is nothing to look at")
    assert Checkup.of(hands.document) is checkup
