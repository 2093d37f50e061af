"""Explaining in a real window, by mouse and keys only: why, operations, paths, and a walkthrough recorded and shown."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hands import Hands
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from core.project_file import load_project
from core.quantities import Granularity, Kind, Quantity
from nnviz_app.canvas.parts import PartKind
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.main_window import MainWindow
from nnviz_app.presenter import Presenter

EXAMPLES = Path(__file__).parents[2] / "resources" / "examples"


def raise_dock(hands: Hands, window: MainWindow, title: str) -> None:
    """Click on the tab of a panel that stands behind another."""
    for bar in window.findChildren(QTabBar):
        for place in range(bar.count()):
            if bar.tabText(place) == title and bar.isVisible():
                hands.click(bar.mapToGlobal(bar.tabRect(place).center()))
    hands.qtbot.waitUntil(lambda: not window.docks[title].visibleRegion().isEmpty())


def take_picture(name: str) -> None:
    """A picture of the screen, where the environment names a folder for them."""
    folder = os.environ.get("NNVIZ_E2E_PICTURES")
    if folder:
        QApplication.processEvents()
        subprocess.run(["import", "-window", "root", f"{folder}/{name}.png"], check=True)


def open_example(hands: Hands, name: str) -> None:
    path = EXAMPLES / f"{name}.nnviz"
    hands.window.view.setFocus()
    hands.open_by_dialog(path)
    title = load_project(path).title
    hands.qtbot.waitUntil(lambda: hands.window.document.project.title == title)


def click_operand(hands: Hands, formula: FormulaLabel, place: int) -> None:
    box = dict(formula.operand_boxes())[place]
    hands.click(formula.mapToGlobal(box.center().toPoint()))


def test_why_leads_four_levels_down_and_back(qtbot: QtBot, window: MainWindow) -> None:
    hands, inquiry, explain = Hands(qtbot, window), window.inquiry, window.explain
    open_example(hands, "01-two-two-two")
    hands.key("End")
    qtbot.waitUntil(lambda: window.player.index == window.player.length)
    hands.click(hands.on_canvas(hands.rect(PartKind.DELTA, "h1").center()))
    qtbot.waitUntil(lambda: inquiry.quantity == Quantity(Kind.PRE_ACTIVATION_GRAD, "h1"))
    for place, quantity in (
        (0, Quantity(Kind.ACTIVATION_GRAD, "h1")),
        (0, Quantity(Kind.CONTRIBUTION, "w5")),
        (1, Quantity(Kind.PRE_ACTIVATION_GRAD, "o1")),
    ):
        operand = inquiry.quantity
        qtbot.waitUntil(lambda asked=operand: window.explain._quantity == asked)
        click_operand(hands, explain.symbols, place)
        qtbot.waitUntil(lambda wanted=quantity: inquiry.quantity == wanted)
    assert len(inquiry.trail) == 4
    qtbot.waitUntil(lambda: explain.result.latex() == "= 0.1385")
    # The tree beneath goes on from here; the canvas lights what is pointed at in it.
    hands.click_widget(explain.more)
    qtbot.waitUntil(explain.tree.isVisible)
    row = explain.tree.visualRect(explain.tree_model.index(0, 0)).center()
    hands.click(explain.tree.viewport().mapToGlobal(row))
    hands.key("Right", "Down", "Right", "Down", "Right")
    qtbot.waitUntil(lambda: explain.tree.isExpanded(explain.tree_model.index(0, 0)))
    take_picture("why")
    hands.click_widget(explain.trail.back_button)
    qtbot.waitUntil(lambda: inquiry.quantity == Quantity(Kind.CONTRIBUTION, "w5"))
    hands.click_widget(explain.trail.end_button)
    qtbot.waitUntil(lambda: not inquiry.trail)


def test_operations_inside_a_sigmoid_are_stepped_with_the_arrow_keys(qtbot: QtBot, window: MainWindow) -> None:
    hands, player = Hands(qtbot, window), window.player
    open_example(hands, "04-one-sigmoid-neuron")
    raise_dock(hands, window, "Inside")
    hands.answer_popup("Home", "Return")
    hands.click_widget(window.transport.granularity_box)
    qtbot.waitUntil(lambda: player.granularity is Granularity.OPERATION)
    window.view.setFocus()
    trace = player.trace
    assert trace is not None
    activation = trace.index_of(Quantity(Kind.ACTIVATION, "y"))
    while (player.index, player.operation) < (activation, 3):
        before = (player.index, player.operation)
        hands.key("Right")
        qtbot.waitUntil(lambda former=before: (player.index, player.operation) != former)
    take_picture("inside")
    hands.key("Left")
    qtbot.waitUntil(lambda: (player.index, player.operation) == (activation, 2))


def test_a_path_lights_on_the_canvas(qtbot: QtBot, window: MainWindow) -> None:
    hands = Hands(qtbot, window)
    open_example(hands, "06-skip-connection")
    hands.key("End")
    raise_dock(hands, window, "Check")
    hands.click(hands.on_canvas(hands.rect(PartKind.WEIGHT, "e1").center()))
    raise_dock(hands, window, "Check")
    check = window.check
    qtbot.waitUntil(lambda: check.answers is not None and check.path_list.model.rowCount() == 2)
    first = check.path_list.view.visualRect(check.path_list.model.index(0, 0)).center()
    hands.click(check.path_list.view.viewport().mapToGlobal(first))
    qtbot.waitUntil(lambda: len(window.spotlight.path) > 1)
    take_picture("paths")
    assert set(window.spotlight.path) <= set(window.document.project.network.edges)


def test_a_walkthrough_is_recorded_saved_opened_and_presented(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    hands, guide, panel = Hands(qtbot, window), window.guide, window.walkthrough
    open_example(hands, "05-one-linear-neuron")
    raise_dock(hands, window, "Walkthrough")
    hands.click_widget(panel.begin_button)
    form = panel.recorder
    qtbot.waitUntil(form.isVisible)
    for number, (keys, text) in enumerate(
        ((("Home",), "One neuron."), (("Right",) * 4, "What comes out."), (("End",), "What it learns.")), 1
    ):
        window.view.setFocus()
        hands.key(*keys)
        hands.click_widget(form.add_button)
        qtbot.waitUntil(lambda count=number: guide.count == count)
        hands.click_widget(form.editor)
        hands.key("ctrl+a")
        hands.type(text)
        qtbot.waitUntil(lambda said=text: guide.moment is not None and guide.moment.caption == said)
    take_picture("recorder")
    path = tmp_path / "lesson.nnviz"
    window.view.setFocus()
    hands.use_dialogs(hands.file_dialog(path), opened_by=lambda: hands.key("ctrl+shift+s"))
    qtbot.waitUntil(path.exists)

    hands.key("ctrl+n")
    qtbot.waitUntil(lambda: not window.document.project.network.neurons)
    hands.open_by_dialog(path)
    qtbot.waitUntil(lambda: guide.count == 3)
    hands.key("F5")
    presenters: list[QWidget] = []

    def is_presented() -> bool:
        presenters[:] = [w for w in QApplication.topLevelWidgets() if isinstance(w, Presenter) and w.isActiveWindow()]
        return bool(presenters)

    qtbot.waitUntil(is_presented)
    hands.key("Next")
    qtbot.waitUntil(lambda: guide.place == 1)
    hands.key("Next")
    qtbot.waitUntil(lambda: guide.place == 2 and window.player.index == window.player.length)
    take_picture("presenter")
    hands.key("Prior")
    qtbot.waitUntil(lambda: guide.place == 1)
    hands.key("Escape")
    qtbot.waitUntil(lambda: window.view.window() is window)
    assert window.view.mapTo(window, QPoint()).y() > 0
