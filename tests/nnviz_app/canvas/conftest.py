"""A canvas on the screen, and hands that use it through mouse and keys only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from core.network import Network
from core.project import Project
from nnviz_app.canvas.menu import CanvasMenu
from nnviz_app.canvas.scene import Part, PartKind
from nnviz_app.canvas.view import CanvasView
from nnviz_app.document import Document
from nnviz_app.editing import Editing
from nnviz_app.layers import NewNetwork, replace_network
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class Hands:
    """The view with all that belongs to it, and what a person can do to it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.document = Document()
        self.selection = Selection(self.document)
        self.player = Player(self.document)
        self.preferences = Preferences()
        self.editing = Editing(self.document, self.selection, self.player)
        self.view = CanvasView(self.document, self.player, self.selection, self.preferences, self.editing)
        qtbot.addWidget(self.view)
        self.messages: list[str] = []
        self.view.message.connect(self.messages.append)
        self.view.resize(1000, 700)

    @property
    def network(self) -> Network:
        return self.document.project.network

    @property
    def entries(self) -> list[str]:
        stack = self.document.undo_stack
        return [stack.text(i) for i in range(stack.index())]

    def open(self, *sizes: int) -> None:
        project = Project()
        replace_network(project, NewNetwork(sizes))
        self.document.open_project(project)

    # Where things are, in pixels of the viewport

    def pixel(self, x: float, y: float) -> QPoint:
        return self.view.mapFromScene(QPointF(x, y))

    def neuron(self, neuron_id: str) -> QPoint:
        """A place inside the neuron that is no number and no name: left of its middle."""
        rect = self.view.canvas_scene.neuron_rect(neuron_id)
        center = rect.center()
        for dx in (0.0, -0.2, 0.2, -0.25):
            for dy in (0.0, 0.15, -0.15, 0.2, -0.2, 0.3):
                point = QPointF(center.x() + dx * rect.width(), center.y() + dy * rect.height())
                part = self.view.part_at(point)
                if part is not None and part.kind is PartKind.NEURON and part.id == neuron_id:
                    return self.view.mapFromScene(point)
        raise AssertionError(f"{neuron_id} has no bare place")

    def rim(self, neuron_id: str) -> QPoint:
        """A place on the neuron's rim."""
        rect = self.view.canvas_scene.neuron_rect(neuron_id)
        center = rect.center()
        for reach in (0.5, 0.48, 0.46, 0.44, 0.52, 0.4):
            for x, y in ((0.0, -1.0), (-0.7, -0.7), (0.7, -0.7), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0)):
                point = center + QPointF(x * reach * rect.width(), y * reach * rect.height())
                part = self.view.part_at(point)
                if part is not None and part.kind is PartKind.RIM and part.id == neuron_id:
                    return self.view.mapFromScene(point)
        raise AssertionError(f"{neuron_id} has no rim")

    def edge(self, edge_id: str) -> QPoint:
        """A place on the edge's line."""
        edge = self.network.edges[edge_id]
        first, last = (self.view.canvas_scene.neuron_rect(i).center() for i in (edge.source, edge.target))
        for share in (0.3, 0.7, 0.25, 0.75, 0.35, 0.65, 0.5, 0.2, 0.8):
            point = first + (last - first) * share
            part = self.view.part_at(point)
            if part is not None and part.kind is PartKind.EDGE and part.id == edge_id:
                return self.view.mapFromScene(point)
        raise AssertionError(f"{edge_id} has no bare place")

    def part(self, kind: PartKind, subject: str) -> QPoint:
        part: Part | None = self.view.canvas_scene.part(kind, subject)
        assert part is not None
        return self.view.mapFromScene(part.rect.center())

    # What hands do

    def click(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.qtbot.mouseClick(self.view.viewport(), LEFT, modifiers, at)

    def double_click(self, at: QPoint) -> None:
        self.qtbot.mouseClick(self.view.viewport(), LEFT, NONE, at)
        self.qtbot.mouseDClick(self.view.viewport(), LEFT, NONE, at)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
        self.qtbot.mousePress(self.view.viewport(), button, modifiers, at)

    def move(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE, buttons: Qt.MouseButton = LEFT) -> None:
        # qtbot.mouseMove cannot hold keys or buttons.
        viewport = self.view.viewport()
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            QPointF(viewport.mapToGlobal(at)),
            Qt.MouseButton.NoButton,
            buttons,
            modifiers,
        )
        QApplication.sendEvent(viewport, event)

    def hover(self, at: QPoint) -> None:
        self.move(at, buttons=Qt.MouseButton.NoButton)

    def release(self, at: QPoint, modifiers: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
        self.qtbot.mouseRelease(self.view.viewport(), button, modifiers, at)

    def drag(
        self,
        start: QPoint,
        end: QPoint,
        modifiers: Qt.KeyboardModifier = NONE,
        button: Qt.MouseButton = LEFT,
    ) -> None:
        self.press(start, modifiers, button)
        self.move((start + end) / 2, modifiers, button)
        self.move(end, modifiers, button)
        self.release(end, modifiers, button)

    def wheel(self, at: QPoint, notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
        viewport = self.view.viewport()
        event = QWheelEvent(
            QPointF(at),
            QPointF(viewport.mapToGlobal(at)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, event)

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.qtbot.keyClick(QApplication.focusWidget() or self.view, key, modifiers)

    def type(self, text: str) -> None:
        self.qtbot.keyClicks(QApplication.focusWidget() or self.view, text)

    def menu(self, at: QPoint | None = None) -> CanvasMenu:
        """The menu that a right click here opens, or that the menu key does."""
        viewport = self.view.viewport()
        keyboard = at is None
        reason = QContextMenuEvent.Reason.Keyboard if keyboard else QContextMenuEvent.Reason.Mouse
        at = at or QPoint()
        QApplication.sendEvent(viewport, QContextMenuEvent(reason, at, viewport.mapToGlobal(at)))
        return self.view.findChildren(CanvasMenu)[-1]

    def choose(self, menu: CanvasMenu, *path: str) -> None:
        """Trigger an entry of a menu by its text, through submenus."""
        *submenus, last = path
        here: QMenu = menu
        for title in submenus:
            here = menu.submenus[title]
        action = next(a for a in here.actions() if a.text().split("\t")[0] == last)
        assert action.isEnabled(), f"{last} is not enabled"
        action.trigger()
        menu.close()


@pytest.fixture
def hands(qtbot: QtBot) -> Iterator[Hands]:
    """An empty canvas."""
    hands = Hands(qtbot)
    hands.view.show()
    hands.view.activateWindow()
    hands.view.setFocus()
    qtbot.waitUntil(hands.view.hasFocus)
    yield hands
    for menu in hands.view.findChildren(QMenu):
        menu.close()


@pytest.fixture
def drawn(hands: Hands) -> Hands:
    """A canvas with a 2-2-1 network."""
    hands.open(2, 2, 1)
    return hands
