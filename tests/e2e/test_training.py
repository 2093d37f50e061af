"""Training in a real window, by mouse and keys only: choose data, train, stop, scrub back, branch, compare."""

from __future__ import annotations

from hands import Hands
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QTabBar
from pytestqt.qtbot import QtBot

from nnviz_app.data_dialog import DataDialog
from nnviz_app.main_window import MainWindow


def raise_dock(hands: Hands, window: MainWindow, title: str) -> None:
    """Click on the tab of a panel that stands behind another."""
    for bar in window.findChildren(QTabBar):
        for place in range(bar.count()):
            if bar.tabText(place) == title and bar.isVisible():
                hands.click(bar.mapToGlobal(bar.tabRect(place).center()))
    hands.qtbot.waitUntil(lambda: not window.docks[title].visibleRegion().isEmpty())


def choose_circles(hands: Hands, window: MainWindow) -> None:
    """Ctrl+G, then the circles with a network that learns them."""

    def use(dialog: DataDialog) -> None:
        hands.click_item(dialog.list, "Circles")
        hands.qtbot.waitUntil(lambda: dialog.entry.title == "Circles")
        hands.key("Return")
        hands.qtbot.waitUntil(lambda: not dialog.isVisible())

    hands.use_dialogs((DataDialog, use), opened_by=lambda: hands.key("ctrl+g"))
    hands.qtbot.waitUntil(lambda: "Circles" in window.document.project.title)


def test_choose_data_train_scrub_branch_and_compare(qtbot: QtBot, window: MainWindow) -> None:
    hands, document = Hands(qtbot, window), window.document
    choose_circles(hands, window)
    start = dict(document.project.network.values)
    assert document.project.dataset.rows == 200

    # Train, and stop on the way.
    window.view.setFocus()
    hands.key("ctrl+r")
    qtbot.waitUntil(lambda: window.trainer.is_running or document.project.updates > 0)
    qtbot.waitUntil(lambda: document.project.updates > 50)
    if window.trainer.is_running:
        hands.key("ctrl+period")
    qtbot.waitUntil(lambda: not window.trainer.is_running)
    run = document.run
    reached, learned = document.project.updates, dict(document.project.network.values)
    assert reached == run.last > 50
    points = run.points()
    assert points[-1].loss < points[0].loss

    # Scrub back to the start, and to the end again: the same bits.
    raise_dock(hands, window, "Time machine")
    machine = window.time_machine
    hands.click_widget(machine.first_button)
    qtbot.waitUntil(lambda: document.project.updates == 0)
    assert document.project.network.values == start
    hands.click_widget(machine.last_button)
    qtbot.waitUntil(lambda: document.project.updates == reached)
    assert document.project.network.values == learned

    # Drag the scrubber to somewhere in the middle; canvas, plot and map follow.
    scrubber = machine.scrubber
    end = scrubber.mapToGlobal(QPoint(scrubber.width() - 8, scrubber.height() - 12))
    hands.drag(end, scrubber.mapToGlobal(QPoint(scrubber.width() // 2, scrubber.height() - 12)))
    # Until then what it says, and with it the place of what is below, still changes.
    qtbot.waitUntil(lambda: 0 < document.project.updates < reached and machine.is_at_rest)
    middle = document.project.updates
    qtbot.waitUntil(lambda: window.loss_plot.update_on_show == middle)
    assert document.project.network.values == run.parameters_at(middle)

    # Branch, and train on from there: both runs are in the plot.
    hands.click_widget(machine.branch_button)
    qtbot.waitUntil(lambda: document.run is not run)
    assert [kept.run for kept in window.runs.kept] == [run]
    hands.click(hands.on_canvas(window.view.mapToScene(QPoint(30, 60))))
    hands.key("ctrl+r")
    qtbot.waitUntil(lambda: document.project.updates > middle and not window.trainer.is_running)
    assert document.run.last > middle
    assert run.parameters_at(reached) == learned

    # Compare with the start: every edge carries the difference.
    table = machine.comparison_table
    machine.ensureWidgetVisible(table.box)
    QApplication.processEvents()
    hands.answer_popup("Home", "Down", "Return")
    hands.click_widget(table.box)
    qtbot.waitUntil(lambda: window.comparison.is_on)
    edge = next(iter(document.project.network.edges))
    assert window.comparison.title == "the start (update 0)"
    assert window.comparison.differences[edge] == document.project.network.values[edge] - start[edge]
    hands.click_widget(table.off_button)
    qtbot.waitUntil(lambda: not window.comparison.is_on)

    # The branch is one undo entry, the run before it another.
    window.view.setFocus()
    hands.key("ctrl+z")
    qtbot.waitUntil(lambda: document.project.updates == middle)
