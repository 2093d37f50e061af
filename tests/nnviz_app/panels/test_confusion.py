"""The panel of results: the confusion table with its rows, and outputs over targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from core.dataset import Dataset
from core.network import Network
from core.numbers import format_exact
from core.project import Project
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.palette import DARK, LIGHT, contrast_ratio
from nnviz_app.panels import confusion, fit_plot
from nnviz_app.panels.confusion import ConfusionPanel
from nnviz_app.panels.confusion_table import cell_color
from nnviz_app.panels.fit_plot import FitPlot
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

LEFT = Qt.MouseButton.LeftButton


def classes_project(names: tuple[str, ...] = ("a", "b", "c")) -> Project:
    """Each output is its own input: a row's class is the largest input. Rows 0 to 8, the last three for testing."""
    network = Network()
    for name in names:
        network.add_neuron("input", id=f"in {name}")
    for name in names:
        network.add_neuron("output", id=name, activation="linear")
        network.connect(f"in {name}", name, weight=1.0)
    true, found = [0, 0, 0, 1, 1, 2, 0, 1, 2], [0, 1, 1, 1, 0, 2, 0, 1, 1]
    columns = {f"in {name}": np.eye(3)[found][:, place] for place, name in enumerate(names)}
    columns |= {name: np.eye(3)[true][:, place] for place, name in enumerate(names)}
    dataset = Dataset(columns)
    dataset.set_test([6, 7, 8])
    return Project(network, dataset, Settings())


def numbers_project(rows: int = 12, outputs: int = 1) -> Project:
    """A linear output that is off by a little."""
    network = Network()
    network.add_neuron("input", id="x")
    x = np.linspace(0.0, 1.0, rows)
    columns = {"x": x}
    for place in range(outputs):
        network.add_neuron("output", id=f"y{place}", activation="linear")
        network.connect("x", f"y{place}", weight=1.0 + place)
        columns[f"y{place}"] = (1 + place) * x + 0.1 * np.cos(20 * x)
    return Project(network, Dataset(columns), Settings(learning_rate=0.05))


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[ConfusionPanel]:
    document = Document()
    document.open_project(classes_project())
    player = Player(document, document)
    trainer = Trainer(document, player, document)
    panel = ConfusionPanel(document, player, trainer)
    document.setParent(panel)
    qtbot.addWidget(panel)
    panel.resize(560, 360)
    with qtbot.waitExposed(panel):
        panel.show()
    yield panel
    trainer.shutdown()


@pytest.fixture
def numbers(panel: ConfusionPanel, qtbot: QtBot) -> FitPlot:
    """The plot of a project whose targets are numbers."""
    panel.document.open_project(numbers_project())
    qtbot.waitUntil(lambda: panel.plot is not None and panel.plot.isVisible())
    settle()
    assert panel.plot is not None
    return panel.plot


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def click_cell(panel: ConfusionPanel, qtbot: QtBot, true: int, found: int) -> None:
    settle()
    rect = panel.view.visualRect(panel.model.index(true, found))
    qtbot.mouseClick(panel.view.viewport(), LEFT, pos=rect.center())


def click_link(panel: ConfusionPanel, qtbot: QtBot, row: int) -> None:
    """Click the number of a row in the sentence below the table."""
    settle()
    label, opened = panel.rows_label, []
    label.linkActivated.connect(opened.append)
    for y in range(4, label.height(), 8):
        for x in range(2, label.width(), 3):
            qtbot.mouseMove(label, QPoint(x, y))
            if label.cursor().shape() is Qt.CursorShape.PointingHandCursor:
                qtbot.mouseClick(label, LEFT, pos=QPoint(x, y))
                if opened and opened[-1] == str(row):
                    return
    raise AssertionError(f"no link to row {row} in {label.text()}")


# Classes


def test_rows_are_counted_by_true_and_predicted_class(panel: ConfusionPanel) -> None:
    assert panel.model.counts.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 1]]
    assert panel.result_label.text() == "Accuracy 50 %: 3 of 6 training rows"
    model = panel.model
    assert model.data(model.index(0, 1)) == "2"
    assert model.sentence(0, 1) == "2 of 3 rows of class a (66.67 %) predicted as b"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "b"
    assert model.headerData(0, Qt.Orientation.Vertical, Qt.ItemDataRole.ToolTipRole) == "True class a: 3 rows"
    assert panel.rows_label.text() == confusion.CLICK


def test_test_rows_have_a_table_of_their_own(panel: ConfusionPanel, qtbot: QtBot) -> None:
    click_cell(panel, qtbot, 0, 1)
    qtbot.mouseClick(panel.test_button, LEFT)
    assert panel.model.counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert panel.result_label.text() == "Accuracy 66.67 %: 2 of 3 test rows"
    # The rows of the other table are no longer listed.
    assert panel.rows_label.text() == confusion.CLICK
    click_cell(panel, qtbot, 2, 1)
    assert panel.player.row == 8
    # Without test rows there is nothing to choose.
    with panel.document.edit("Use all") as draft:
        draft.dataset.set_test(range(9), False)
    assert not panel.test_button.isVisible()
    assert panel.result_label.text() == "Accuracy 55.56 %: 5 of 9 training rows"


def test_a_click_on_a_cell_selects_its_first_row_and_lists_them(panel: ConfusionPanel, qtbot: QtBot) -> None:
    click_cell(panel, qtbot, 0, 1)
    assert panel.player.row == 1
    assert panel.rows_label.text().startswith("2 rows of class a predicted as b: ")
    assert panel.model.marked == (0, 1)
    click_link(panel, qtbot, 2)
    assert panel.player.row == 2
    click_cell(panel, qtbot, 2, 0)
    assert panel.rows_label.text() == "No row of class c predicted as a."
    assert panel.player.row == 2


def test_cells_are_chosen_by_keys_too(panel: ConfusionPanel, qtbot: QtBot) -> None:
    click_cell(panel, qtbot, 0, 0)
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert panel.rows_label.text().startswith("1 row of class b predicted as a: ")
    assert panel.player.row == 0
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert panel.player.row == 4


def test_the_row_on_show_is_marked(panel: ConfusionPanel) -> None:
    model = panel.model
    assert model.marked == (0, 0)
    panel.player.select_row(4)
    assert model.marked == (1, 0)
    assert "row on show" in str(model.data(model.index(1, 0), Qt.ItemDataRole.ToolTipRole))
    # A test row is not in the table of training rows.
    panel.player.select_row(7)
    assert model.marked is None


def test_many_rows_are_cut_short(panel: ConfusionPanel, qtbot: QtBot) -> None:
    with panel.document.edit("More") as draft:
        draft.dataset.insert_rows(0, [{"in a": 1.0, "a": 1.0}] * 40)
    click_cell(panel, qtbot, 0, 0)
    assert panel.rows_label.text().endswith(f" … and {41 - confusion.MOST_LISTED} more")
    settle()
    assert panel.rows_label.parentWidget().parentWidget().height() <= panel.height() / 4 + 1  # type: ignore[union-attr]


def test_it_follows_each_change(panel: ConfusionPanel) -> None:
    with panel.document.edit("Weights") as draft:
        draft.network.set_values(dict.fromkeys((edge for edge in draft.network.edges), 0.0))
    # All outputs are equal: the first class counts.
    assert panel.model.counts.tolist() == [[3, 0, 0], [2, 0, 0], [1, 0, 0]]
    panel.document.undo_stack.undo()
    assert panel.model.counts.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 1]]


def test_text_on_the_cells_can_be_read() -> None:
    for palette in (LIGHT, DARK):
        try:
            theme().set_mode("dark" if palette is DARK else "light")
            assert all(
                contrast_ratio(cell_color(share, right=right), palette.text) >= 4.5
                for share in (0.0, 0.5, 1.0)
                for right in (False, True)
            )
        finally:
            theme().set_mode("light")


# What is missing


def test_without_an_output_or_training_rows_it_says_what_to_do(panel: ConfusionPanel) -> None:
    with panel.document.edit("All test") as draft:
        draft.dataset.set_test(range(9))
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == confusion.NO_ROWS
    with panel.document.edit("No output") as draft:
        for name in ("a", "b", "c"):
            draft.network.set_role(name, "hidden")
    assert panel.placeholder.text() == confusion.NO_OUTPUT
    assert panel.result_label.text() == ""


def test_hidden_it_waits_and_shown_again_it_is_up_to_date(panel: ConfusionPanel) -> None:
    panel.hide()
    before = panel.evaluation
    with panel.document.edit("Row") as draft:
        draft.dataset.delete_rows([0])
    assert panel.evaluation is before
    panel.show()
    assert panel.model.counts.tolist() == [[0, 2, 0], [1, 1, 0], [0, 0, 1]]


def test_it_is_live_during_a_run_but_not_too_often(
    panel: ConfusionPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    refresh = panel.refresh
    monkeypatch.setattr(panel, "refresh", lambda: (made.append(panel.document.project.updates), refresh()))
    reports = []
    panel.trainer.progressed.connect(lambda _: reports.append(None))
    panel.trainer.start(10_000_000)
    qtbot.waitUntil(lambda: len(made) >= 3)
    assert len(made) < len(reports) + 2
    assert made == sorted(made)
    with qtbot.waitSignal(panel.trainer.finished):
        panel.trainer.stop()
    assert made[-1] == panel.document.project.updates


# Numbers


def test_numbers_are_plotted_over_their_targets(panel: ConfusionPanel, numbers: FitPlot) -> None:
    dataset = panel.document.project.dataset
    x, y = numbers.dots.getData()
    np.testing.assert_allclose(x, dataset.columns["y0"])
    np.testing.assert_allclose(y, dataset.columns["x"])
    assert panel.evaluation is not None
    fit = panel.evaluation.fit
    assert panel.result_label.text() == f"R² {fit.r2:.4g}, RMSE {fit.rmse:.4g} over 12 training rows"
    assert format_exact(fit.rmse) in panel.result_label.toolTip()
    assert not panel.view.isVisible()
    assert numbers.view.viewRange()[0] == pytest.approx(numbers.view.viewRange()[1])
    # Another project brings the table back.
    panel.document.open_project(classes_project())
    assert panel.view.isVisible()


def place_of(plot: FitPlot, x: float, y: float) -> QPoint:
    settle()
    return plot.plot.mapFromScene(plot.view.mapViewToScene(QPointF(x, y)))


def test_a_click_on_a_point_selects_its_row(
    panel: ConfusionPanel, numbers: FitPlot, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tips: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, *_: tips.append(text))
    viewport, (x, y) = numbers.plot.viewport(), numbers.dots.getData()
    at = place_of(numbers, x[7], y[7])
    qtbot.mouseMove(viewport, at + QPoint(1, 1))
    assert tips[-1] == f"Row 8\ny0: output {format_exact(y[7])}\ntarget {format_exact(x[7])}"
    assert viewport.cursor().shape() is Qt.CursorShape.PointingHandCursor
    qtbot.mouseClick(viewport, LEFT, pos=at)
    assert panel.player.row == 7
    assert list(numbers.ring.getData()[0]) == [x[7]]
    qtbot.mouseMove(viewport, place_of(numbers, x[7], y[2]))
    assert viewport.cursor().shape() is Qt.CursorShape.ArrowCursor
    qtbot.mouseClick(viewport, LEFT, pos=place_of(numbers, x[7], y[2]))
    assert panel.player.row == 7


def test_several_outputs_have_a_colour_each(panel: ConfusionPanel, numbers: FitPlot) -> None:
    panel.document.open_project(numbers_project(outputs=2))
    assert len(numbers.dots.getData()[0]) == 24
    colors = {brush.color().rgb() for brush in numbers.dots.data["brush"]}
    assert colors == {theme().palette.class_color(place).rgb() for place in range(2)}


def test_of_many_rows_some_are_drawn(panel: ConfusionPanel, numbers: FitPlot) -> None:
    panel.document.open_project(numbers_project(rows=fit_plot.MOST_POINTS + 500))
    assert len(numbers.dots.getData()[0]) == fit_plot.MOST_POINTS
    assert panel.result_label.text().endswith("over 3,500 training rows, 3,000 of them drawn")


def test_scaled_targets_are_told_and_infinite_outputs_left_out(panel: ConfusionPanel, numbers: FitPlot) -> None:
    with panel.document.edit("Scale") as draft:
        draft.dataset.add_scaling("standardize", ["y0"])
    assert panel.result_label.text().endswith(", targets as scaled")
    with panel.document.edit("Large") as draft:
        draft.dataset.set_values({(11, "x"): 1e300})
    assert len(numbers.dots.getData()[0]) == 11
    assert "RMSE ∞" in panel.result_label.text()
    panel.grab()


def test_pyqtgraph_comes_after_the_first_paint_and_only_for_numbers(panel: ConfusionPanel, qtbot: QtBot) -> None:
    assert panel.plot is None
    panel.document.open_project(numbers_project())
    assert panel.plot is None
    assert panel.placeholder.isVisible()
    qtbot.waitUntil(lambda: panel.plot is not None)
    assert panel.plot is not None
    assert panel.plot.isVisible()


def test_it_follows_the_theme(panel: ConfusionPanel, numbers: FitPlot) -> None:
    try:
        theme().set_mode("dark")
        assert numbers.plot.backgroundBrush().color() == theme().palette.panel
        assert numbers.ring.opts["pen"].color() == theme().palette.backward
    finally:
        theme().set_mode("light")
    panel.grab()
