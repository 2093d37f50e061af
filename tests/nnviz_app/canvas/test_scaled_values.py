"""Values and targets of scaled columns: the canvas shows, and takes, what the network sees."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from nnviz_app.canvas.scene import PartKind
from nnviz_app.fragment import copy_fragment, paste_fragment


@pytest.fixture
def scaled(drawn: Any) -> Any:
    """The rows 2, 4 and 6 for i1 and for o1, both scaled to 0..1."""
    with drawn.document.edit("Data") as draft:
        draft.dataset.insert_rows(1, [{}, {}])
        draft.dataset.set_values({(row, i): 2.0 * row + 2.0 for row in range(3) for i in ("i1", "o1")})
        draft.dataset.add_scaling("range", ["i1", "o1"])
    drawn.player.select_row(1)
    return drawn


def text(hands: Any, kind: PartKind, subject: str) -> str:
    texts = hands.view.canvas_scene.texts
    return str((texts.value(subject) if kind is PartKind.VALUE else texts.target(subject)).text)


@pytest.mark.parametrize(("kind", "subject"), [(PartKind.VALUE, "i1"), (PartKind.TARGET, "o1")])
def test_a_scaled_number_is_edited_as_it_is_shown(scaled: Any, kind: PartKind, subject: str) -> None:
    assert text(scaled, kind, subject) in ("0.5", "t 0.5")
    scaled.double_click(scaled.part(kind, subject))
    assert scaled.view.in_place.line.text() == "0.5"
    scaled.type("0.75")
    scaled.key(Qt.Key.Key_Return)
    assert scaled.document.project.dataset.columns[subject].tolist() == [2, 5, 6]
    assert text(scaled, kind, subject) in ("0.75", "t 0.75")


def test_the_tooltip_says_what_was_entered_too(scaled: Any) -> None:
    scene = scaled.view.canvas_scene
    assert "value = 0.5, scaled from 4" in scene.tooltip_for(scene.part(PartKind.VALUE, "i1"))
    assert "target t = 0.5, scaled from 4" in scene.tooltip_for(scene.part(PartKind.TARGET, "o1"))
    assert "scaled" not in scene.tooltip_for(scene.part(PartKind.VALUE, "i2"))


def test_a_copied_neuron_keeps_its_scaling(scaled: Any) -> None:
    project = scaled.document.project.copy()
    (copy,) = paste_fragment(project, copy_fragment(project, ["i1"]), (0.0, 80.0))
    assert copy != "i1"
    assert project.dataset.seen(copy).tolist() == [0, 0.5, 1]
    assert project.dataset.columns[copy].tolist() == [2, 4, 6]
