"""What the panels' tests share: a document with its player and selection, and the worked 2-2-2 example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.project_file import load_project
from core.quantities import Kind, Quantity
from nnviz_app.document import Document
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import theme

EXAMPLES = Path(__file__).parents[3] / "resources" / "examples"
W = TypeVar("W", bound=QWidget)


@dataclass
class Desk:
    """All that a panel is given, and a few shorthands."""

    qtbot: QtBot
    document: Document
    player: Player
    selection: Selection
    preferences: Preferences
    inquiry: Inquiry
    spotlight: Spotlight

    def open(self, example: str) -> None:
        """Open one of the examples."""
        self.document.open_project(load_project(EXAMPLES / f"{example}.nnviz"))

    def show(self, panel: W, width: int = 360, height: int = 520) -> W:
        """Show a panel in a window that has the keyboard."""
        self.qtbot.addWidget(panel)
        panel.resize(width, height)
        with self.qtbot.waitActive(panel):
            panel.show()
            panel.activateWindow()
        return panel

    def settle(self) -> None:
        """Let layouts and paints that are waiting be done."""
        for _ in range(4):  # a layout may ask for another
            QApplication.processEvents()

    def select(self, *ids: str) -> None:
        """Select these."""
        self.selection.set(ids)
        self.settle()

    def step_to(self, kind: Kind, subject: str, sample: int = 0) -> None:
        """Step until just after this quantity is revealed."""
        assert self.player.trace is not None
        self.player.go_to(self.player.trace.index_of(Quantity(kind, subject, sample)) + 1)

    def set_data(self, columns: dict[str, Sequence[float]]) -> None:
        """Give the network another table."""
        with self.document.edit("Data") as draft:
            draft.dataset = Dataset(columns)

    @property
    def undo_texts(self) -> list[str]:
        """The names of all undo entries."""
        stack = self.document.undo_stack
        return [stack.text(i) for i in range(stack.count())]


@pytest.fixture
def desk(qtbot: QtBot, qapp: QApplication) -> Desk:
    """A document with the 2-2-2 example."""
    theme().apply(qapp)
    document = Document()
    player = Player(document)
    made = Desk(qtbot, document, player, Selection(document), Preferences(), Inquiry(player), Spotlight(document))
    made.open("01-two-two-two")
    QGuiApplication.clipboard().clear()
    return made


def clipboard() -> str:
    """The text on the clipboard."""
    return QGuiApplication.clipboard().text()
