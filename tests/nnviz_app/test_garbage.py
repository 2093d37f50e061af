"""Widgets that nothing leads to any more: destroyed between events, and never while Qt goes through all of them."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nnviz_app.garbage import Collector, collect, no_collection
from nnviz_app.theme import theme


class Ring:
    """Holds itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


class Asking(QWidget):
    """Asks at each change of its style whether the collector might set in now."""

    answers: ClassVar[list[bool]] = []

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.StyleChange:
            self.answers.append(gc.isenabled())
        super().changeEvent(event)


def test_no_widget_is_destroyed_while_all_are_styled_anew(qapp: QApplication, qtbot: QtBot) -> None:
    theme().apply(qapp)
    widget = Asking()
    qtbot.addWidget(widget)
    widget.show()
    Asking.answers.clear()
    gc.enable()
    try:
        theme().set_text_scale(1.5)
        assert gc.isenabled()
    finally:
        gc.disable()
        theme().set_text_scale(1.0)
    assert Asking.answers
    assert not any(Asking.answers)


def test_garbage_goes_between_events(qtbot: QtBot, qapp: QApplication) -> None:
    parent = QObject()
    collector = Collector(parent)
    try:
        assert not gc.isenabled()
        gc.collect()
        lost = weakref.ref(Ring())
        assert lost() is not None
        kept: list[list[object]] = []

        def is_gone() -> bool:
            # So many that a collection is due, whatever else is freed meanwhile.
            kept.extend([] for _ in range(gc.get_threshold()[0]))
            return lost() is None

        qtbot.waitUntil(is_gone)
    finally:
        collector.close()
    assert gc.isenabled()
    gc.disable()


def test_what_is_not_due_is_not_looked_through() -> None:
    gc.collect()
    before = gc.get_stats()[0]["collections"]
    with no_collection():
        collect()
    assert gc.get_stats()[0]["collections"] == before
