"""Exports and imports in a real window, by mouse and keys only, each file opened by what it is for."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hands import Hands
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from core.project_file import load_project
from nnviz_app.canvas.parts import PartKind
from nnviz_app.export.dialog import ExportDialog
from nnviz_app.main_window import MainWindow
from nnviz_app.weights_dialog import WeightsDialog

EXAMPLE = Path(__file__).parents[2] / "resources" / "examples" / "02-two-two-two-biases.nnviz"


@pytest.fixture
def hands(qtbot: QtBot, window: MainWindow) -> Hands:
    """Hands on a window with the example of two times two neurons and their biases."""
    hands = Hands(qtbot, window)
    window.view.setFocus()
    hands.open_by_dialog(EXAMPLE)
    title = load_project(EXAMPLE).title
    qtbot.waitUntil(lambda: window.document.project.title == title)
    return hands


def choose(hands: Hands, *titles: str) -> None:
    """Click through the menus, from the menu bar on."""
    menu: Any = hands.window.menuBar()
    # Python forgets a menu with the action that it came from.
    path: list[QAction] = []
    for title in titles:
        path.append(next(action for action in menu.actions() if action.text().replace("&", "") == title))
        entry, menu = menu.mapToGlobal(menu.actionGeometry(path[-1]).center()), path[-1].menu()
        hands.click(entry)
        if menu is not None:
            hands.qtbot.waitUntil(menu.isVisible)


def write_over(hands: Hands, field: QWidget, text: str) -> None:
    """Type into a field in place of what it says."""
    hands.click_widget(field)
    hands.key("ctrl+a")
    hands.type(text)


def export(hands: Hands, path: Path, *menus: str, fill: Callable[[ExportDialog], None] = lambda dialog: None) -> str:
    """Export to `path` by the menus, after `fill` has filled the form in; return what is said in the end."""
    said: list[str] = []

    def use(dialog: ExportDialog) -> None:
        fill(dialog)
        write_over(hands, dialog.path_field, str(path))
        hands.click_widget(dialog.export_button)
        hands.qtbot.waitUntil(lambda: not dialog.runner.is_running)
        said.append(dialog.sentence.text())
        assert dialog.sentence.property("message") == "success", said
        hands.key("Escape")
        hands.qtbot.waitUntil(lambda: not dialog.isVisible())

    hands.use_dialogs((ExportDialog, use), opened_by=lambda: choose(hands, "File", *menus))
    return said[0]


def select(hands: Hands, dialog: ExportDialog, name: str) -> None:
    """Click on something in the list of what can be exported."""
    hands.click_item(dialog.list, name)
    hands.qtbot.waitUntil(lambda: dialog.entry.title == name)


def import_weights(hands: Hands, path: Path, see: Callable[[WeightsDialog], None] = lambda dialog: None) -> None:
    """Import a file of weights by the menus, into the open network; `see` looks at the preview."""

    def use(dialog: WeightsDialog) -> None:
        see(dialog)
        hands.click_widget(dialog.accept_button)
        hands.qtbot.waitUntil(lambda: not dialog.isVisible())

    uses = hands.file_dialog(path), (WeightsDialog, use)
    hands.use_dialogs(*uses, opened_by=lambda: choose(hands, "File", "Import weights..."))


def weight(hands: Hands, edge: str) -> str:
    """The number of a weight as it stands on the canvas, after its name."""
    return hands.read(PartKind.WEIGHT, edge).removeprefix(f"{edge} ")


def test_weights_go_out_are_changed_elsewhere_and_come_back(hands: Hands, tmp_path: Path) -> None:
    document = hands.window.document
    path, changed = tmp_path / "weights.safetensors", tmp_path / "changed.safetensors"
    said = export(hands, path, "Export as", "Weights...", fill=lambda dialog: select(hands, dialog, "Safetensors"))
    assert "read back with safetensors" in said
    former = dict(document.project.network.values)
    arrays = load_file(path)
    assert arrays["layers.0.weight"].tolist() == [[former["w1"], former["w2"]], [former["w3"], former["w4"]]]
    assert arrays["layers.1.bias"].tolist() == [former["o1"], former["o2"]]
    with safe_open(path, "numpy") as file:
        assert "sigmoid" in file.metadata()["nnviz"]

    arrays["layers.0.weight"][0, 0] = 0.75
    save_file(arrays, changed)
    preview: dict[str, tuple[str, str]] = {}

    def see(dialog: WeightsDialog) -> None:
        model = dialog.model
        for row in range(model.rowCount()):
            name, now, new, _place = (str(model.index(row, column).data()) for column in range(model.columnCount()))
            preview[name] = now, new

    assert weight(hands, "w1") == "0.15"
    import_weights(hands, changed, see)
    assert preview["w1 (i1 → h1)"] == ("0.15", "0.75")
    assert {new for name, (_now, new) in preview.items() if not name.startswith("w1 ")} == {"the same"}
    hands.qtbot.waitUntil(lambda: weight(hands, "w1") == "0.75")
    assert document.project.network.values == {**former, "w1": 0.75}
    hands.key("ctrl+z")
    hands.qtbot.waitUntil(lambda: weight(hands, "w1") == "0.15")
    assert document.project.network.values == former

    by_name = tmp_path / "by-name.json"
    by_name.write_text('{"parameters": {"w8": -2, "o2": 3}}', encoding="utf-8")
    import_weights(hands, by_name)
    hands.qtbot.waitUntil(lambda: weight(hands, "w8") == "−2")
    assert document.project.network.values == {**former, "w8": -2.0, "o2": 3.0}


def test_the_step_on_show_becomes_a_picture(hands: Hands, tmp_path: Path) -> None:
    player, path = hands.window.player, tmp_path / "step.svg"
    hands.window.view.setFocus()
    hands.key("End", "Left")
    hands.qtbot.waitUntil(lambda: player.index == player.length - 1)
    export(hands, path, "Export as", "Picture...", fill=lambda dialog: select(hands, dialog, "SVG"))
    texts = {"".join(text.itertext()) for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    drawn = {hands.read(kind, subject) for kind, subject in ((PartKind.VALUE, "h1"), (PartKind.DELTA, "o2"))}
    drawn |= {hands.read(PartKind.GRADIENT, edge) for edge in ("w1", "w8")}
    assert "" not in drawn
    assert drawn <= texts


def test_a_pass_is_written_out_for_paper(hands: Hands, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="pypdf, which reads PDFs, is not installed")
    solution, sheets = tmp_path / "solution.pdf", tmp_path / "sheets"
    # The form follows the ending that is typed: HTML would be the usual one.
    export(hands, solution, "Export as", "Worked solution...")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(solution).pages)
    # The example's loss and the result of its first update, as they are published.
    assert "0.2984" in text
    assert "0.3589" in text

    def fill(dialog: ExportDialog) -> None:
        variants = dialog.form.fields["variants"]
        assert isinstance(variants, QSpinBox)
        write_over(hands, variants, "3")

    export(hands, sheets, "Export as", "Worksheets...", fill=fill)
    with (sheets / "index.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    projects = [load_project(path) for path in sorted(sheets.glob("*.nnviz"))]
    assert len(projects) == 3
    assert len({tuple(project.network.values.values()) for project in projects}) == 3
    sheet_pages = {path.name: len(pypdf.PdfReader(path).pages) for path in sheets.glob("*.pdf")}
    assert len(sheet_pages) == 8, sheet_pages


def test_a_long_export_is_stopped_and_leaves_nothing(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "long.gif"

    def use(dialog: ExportDialog) -> None:
        select(hands, dialog, "GIF")
        write_over(hands, dialog.form.fields["width"], "1920")
        write_over(hands, dialog.path_field, str(path))
        hands.key("Return")
        hands.qtbot.waitUntil(lambda: dialog.bar.value() > 0)
        hands.click_widget(dialog.stop_button)
        hands.qtbot.waitUntil(lambda: not dialog.runner.is_running)
        assert dialog.sentence.text() == "Stopped: nothing was written."
        assert not list(tmp_path.iterdir())
        # What is under way when the dialog goes is stopped as well: Esc stops, Esc closes.
        hands.key("Return")
        hands.qtbot.waitUntil(lambda: dialog.bar.value() > 0)
        hands.key("Escape")
        hands.qtbot.waitUntil(lambda: not dialog.runner.is_running)
        assert dialog.isVisible()
        hands.key("Escape")
        hands.qtbot.waitUntil(lambda: not dialog.isVisible())

    hands.use_dialogs((ExportDialog, use), opened_by=lambda: choose(hands, "File", "Export..."))
    assert not list(tmp_path.iterdir())
