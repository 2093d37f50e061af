"""Tests of the turns that panels take while a run goes on."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.turns import Turns


def add_panels(qtbot: QtBot, turns: Turns, names: str) -> tuple[dict[str, QWidget], list[str]]:
    """Shown panels that note their name when they catch up."""
    panels: dict[str, QWidget] = {}
    served: list[str] = []
    for name in names:
        panels[name] = QWidget()
        qtbot.addWidget(panels[name])
        panels[name].show()
        turns.add(panels[name], lambda name=name: served.append(name))
    return panels, served


def test_without_time_one_panel_is_served_and_then_the_next(qtbot: QtBot) -> None:
    turns = Turns()
    _, served = add_panels(qtbot, turns, "abc")
    for _ in range(4):
        turns.take(0.0)
    assert served == ["a", "b", "c", "a"]


def test_with_time_all_are_served_once(qtbot: QtBot) -> None:
    turns = Turns()
    _, served = add_panels(qtbot, turns, "abc")
    turns.take(60.0)
    assert served == ["a", "b", "c"]


def test_hidden_and_destroyed_panels_are_left_out(qtbot: QtBot) -> None:
    turns = Turns()
    panels, served = add_panels(qtbot, turns, "abc")
    panels["a"].hide()
    panels["b"].deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    turns.take(60.0)
    assert served == ["c"]
