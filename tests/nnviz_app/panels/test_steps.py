"""The list of steps: what it shows, jumping, following, and that length costs nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QKeySequence
from PySide6.QtWidgets import QMainWindow

from core.dataset import Dataset
from core.explanation import step_title
from core.numbers import NOT_COMPUTED
from core.quantities import Kind, Phase
from nnviz_app.panels import steps as steps_module
from nnviz_app.panels.steps import PHASE_ROLE, VALUE_ROLE, StepsPanel
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from tests.nnviz_app.panels.conftest import Desk


@pytest.fixture
def panel(desk: Desk) -> StepsPanel:
    return desk.show(StepsPanel(desk.player, desk.preferences), 320, 320)


def click(desk: Desk, panel: StepsPanel, row: int) -> None:
    center = panel.view.visualRect(panel.model.index(row, 0)).center()
    desk.qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=center)


def value(panel: StepsPanel, row: int) -> object:
    return panel.model.index(row, 0).data(VALUE_ROLE)


def is_in_sight(panel: StepsPanel, row: int) -> bool:
    rect = panel.view.visualRect(panel.model.index(row, 0))
    return panel.view.viewport().rect().contains(rect.center())


def test_every_step_is_listed_and_only_what_is_done_has_a_value(desk: Desk, panel: StepsPanel) -> None:
    assert panel.model.rowCount() == desk.player.length == 53
    assert all(value(panel, row) == NOT_COMPUTED for row in range(53))
    desk.step_to(Kind.WEIGHT_GRAD, "w5")
    row = desk.player.index - 1
    assert panel.model.index(row, 0).data() == "∂L/∂w5"
    assert value(panel, row) == "0.08217"
    assert value(panel, row + 1) == NOT_COMPUTED
    assert panel.model.index(row, 0).data(PHASE_ROLE) == Phase.BACKWARD
    tip = str(panel.model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole))
    assert tip.startswith(f"Step {row + 1} of 53, backward pass\n∂L/∂w5 = 0.0821670405642307")


def test_the_digits_are_the_preferred_ones(desk: Desk, panel: StepsPanel) -> None:
    desk.step_to(Kind.ACTIVATION, "h1")
    desk.preferences.set_digits(6)
    assert value(panel, desk.player.index - 1) == "0.59327"


def test_a_click_jumps(desk: Desk, panel: StepsPanel) -> None:
    click(desk, panel, 4)
    assert desk.player.index == 5
    click(desk, panel, 1)
    assert desk.player.index == 2
    # Also where the pointer has been before.
    desk.player.go_to(9)
    click(desk, panel, 1)
    assert desk.player.index == 2


def test_up_and_down_step(desk: Desk, panel: StepsPanel) -> None:
    panel.view.setFocus()
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert desk.player.index == 2
    for _ in range(3):
        desk.qtbot.keyClick(panel.view, Qt.Key.Key_Up)
    assert desk.player.index == 0
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_PageDown)
    assert desk.player.index > 5


def test_the_players_keys_work_here_too(desk: Desk, panel: StepsPanel) -> None:
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert desk.player.index == 1
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert desk.player.index == 2
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_End)
    assert desk.player.index == 53
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    assert desk.player.index == 52
    desk.qtbot.keyClick(panel.view, Qt.Key.Key_Home)
    assert desk.player.index == 0


def test_other_keys_are_left_to_the_window(desk: Desk, panel: StepsPanel) -> None:
    window = QMainWindow()
    desk.qtbot.addWidget(window)
    window.setCentralWidget(panel)
    triggered: list[str] = []
    for key in ("Right", "Left", "Home", "Up", "Down"):
        action = QAction(window)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _=False, key=key: triggered.append(key))
        window.addAction(action)
    with desk.qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    panel.view.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Up):
        desk.qtbot.keyClick(panel.view, key)
    assert triggered == ["Right", "Left", "Home"]
    window.takeCentralWidget()


def test_the_current_step_stays_in_sight(desk: Desk, panel: StepsPanel) -> None:
    for index in (53, 1, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40):
        desk.player.go_to(index)
        desk.settle()
        assert is_in_sight(panel, index - 1), index
    # And with it what comes next.
    assert is_in_sight(panel, 41)
    panel.resize(320, 90)
    desk.settle()
    assert is_in_sight(panel, 39)
    desk.player.go_to(0)
    assert is_in_sight(panel, 0)


@pytest.mark.parametrize(
    ("kind", "subject", "hue"),
    [(Kind.ACTIVATION, "h1", "forward"), (Kind.LOSS, "", "forward"), (Kind.WEIGHT_GRAD, "w5", "backward")],
)
def test_the_current_step_stands_on_the_tint_of_its_phase(
    desk: Desk, panel: StepsPanel, kind: Kind, subject: str, hue: str
) -> None:
    desk.step_to(kind, subject)
    desk.settle()
    row = desk.player.index - 1
    picture = panel.view.viewport().grab().toImage()
    rect = panel.view.visualRect(panel.model.index(row, 0))
    # Between the title and the value, where nothing is written.
    middle = picture.pixelColor(rect.center().x() + rect.width() // 8, rect.center().y())
    assert middle == QColor(theme().palette.color(f"{hue}_tint"))


def test_without_steps_it_says_so(desk: Desk, panel: StepsPanel) -> None:
    with desk.document.edit("No rows") as draft:
        draft.dataset.delete_rows([0])
    assert panel.empty.isVisible()
    desk.document.undo_stack.undo()
    assert panel.view.isVisible()
    assert panel.model.rowCount() == 53


def test_a_batch_lists_all_its_samples(desk: Desk, panel: StepsPanel) -> None:
    desk.open("10-batch")
    assert panel.model.rowCount() == desk.player.length
    assert desk.player.trace is not None
    tip = panel.model.index(desk.player.trace.schedule.sample_length, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "sample 2 of 4" in str(tip)


def test_a_hidden_list_catches_up_when_shown(desk: Desk, panel: StepsPanel) -> None:
    panel.hide()
    desk.open("10-batch")
    desk.player.go_to(100)
    panel.show()
    assert panel.model.rowCount() == desk.player.length
    desk.qtbot.waitUntil(lambda: is_in_sight(panel, 99))


def test_three_million_steps_cost_no_more_than_what_is_seen(
    desk: Desk, panel: StepsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 million rows: counted is how often a row is asked for, which must not depend on their number."""
    asked: Counter[int] = Counter()

    def counted(trace: object, index: int, style: object) -> str:
        asked[index] += 1
        return step_title(trace, index, style)  # type: ignore[arg-type]

    monkeypatch.setattr(steps_module, "step_title", counted)
    rows = 70_000
    numbers = np.linspace(0, 1, rows)
    with desk.document.edit("Data") as draft:
        draft.dataset = Dataset(dict.fromkeys(("i1", "i2", "o1", "o2"), numbers))
        draft.settings = replace(draft.settings, batch_size=0)
    assert panel.model.rowCount() > 3_000_000
    for index in (1, 3_000_000, 1_500_000, 1_500_001):
        desk.player.go_to(index)
        desk.settle()
        assert is_in_sight(panel, index - 1)
    panel.view.verticalScrollBar().setValue(panel.view.verticalScrollBar().maximum() // 3)
    desk.settle()
    in_sight = 320 // panel.view.rowHeight(0) + 2
    assert len(asked) < 10 * in_sight
    assert sum(asked.values()) < 30 * in_sight
