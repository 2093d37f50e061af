"""The export dialog: choosing, watching, reading what came of it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QFileDialog, QLabel, QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from window_hands import WindowHands

from core.errors import ExportError
from core.jobs import Job, Progress, Written, finish
from core.project import Project
from core.project_file import load_project
from core.whole_files import new_file
from nnviz_app.actions import EXPORTS
from nnviz_app.document import Document
from nnviz_app.examples import examples
from nnviz_app.export import previews
from nnviz_app.export.colours import chosen_mode
from nnviz_app.export.dialog import ExportDialog
from nnviz_app.export.entries import ENTRIES, GROUPS
from nnviz_app.export.entry import Entry, Previewing
from nnviz_app.export.options import Decimal, Pick, Several, Switch, Whole, write_value
from nnviz_app.export.own_file import keep_own_file
from nnviz_app.export.plot_entries import plot_options
from nnviz_app.export.subject import Subject, subject_of
from nnviz_app.panels.decision_picture import Show
from nnviz_app.panels.loss_curves import Shown
from nnviz_app.theme import theme

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def subject(qapp: QApplication) -> Subject:
    """The first example after two updates, without a window."""
    document = Document()
    document.open_project(load_project(examples()[0].path))
    document.apply_updates([0, 0])
    return Subject(document.project, "lesson", rows=(0,), steps=53, index=20, run=document.run)


@pytest.fixture
def make_dialog(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., ExportDialog]]:
    """Makes dialogs that have the keyboard; their files go to tmp_path / "out"."""
    theme().apply(qapp)
    folder = tmp_path / "out"
    folder.mkdir()

    def make(subject: Subject, name: str = "npz") -> ExportDialog:
        dialog = ExportDialog(subject, folder, name)
        qtbot.addWidget(dialog)
        with qtbot.waitActive(dialog):
            dialog.show()
            dialog.activateWindow()
        return dialog

    yield make
    theme().set_text_scale(1.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON export takes for ever."""

    def write(_subject: Subject, path: Path, _values: object) -> Job:
        with new_file(path) as file, file.open("w") as out:
            for part in range(10**9):
                out.write("{}\n")
                yield Progress(part, 10**9, "Writing braces")
        return Written((path,))

    monkeypatch.setitem(ENTRIES, "json", msgspec.structs.replace(ENTRIES["json"], write=write))


def said(dialog: ExportDialog) -> tuple[str, str]:
    """The sentence on show and what kind it is."""
    if not dialog.sentence.isVisible():
        return "", ""
    return dialog.sentence.text(), dialog.sentence.property("message")


def type_path(qtbot: QtBot, dialog: ExportDialog, path: Path | str) -> None:
    """Type into the path field in place of what it says."""
    dialog.path_field.setFocus()
    dialog.path_field.selectAll()
    qtbot.keyClicks(dialog.path_field, str(path))


def press(qtbot: QtBot, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keyboard is."""
    focus = QApplication.focusWidget()
    assert focus is not None
    qtbot.keyClick(focus, key, held)


# What is made


# The two that are checked by running frameworks take their time; tests of their own run them.
QUICK = [name for name in ENTRIES if name not in ("pytorch", "keras")]


@pytest.mark.parametrize("name", QUICK)
def test_everything_on_the_list_can_be_made(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path, name: str
) -> None:
    if ENTRIES[name].missing():
        pytest.skip(ENTRIES[name].missing())
    dialog = make_dialog(subject, name)
    small = {"width": 320, "height": 240, "variants": 2, "by": "pass"}
    for option, value in small.items():
        if option in dialog.form.fields:
            dialog.form.set_value(option, value)
    expected = dialog.path
    assert expected.parent == tmp_path / "out"
    qtbot.mouseClick(dialog.export_button, LEFT)
    qtbot.waitUntil(lambda: not dialog.runner.is_running)
    text, kind = said(dialog)
    assert (kind, text.startswith("Written: ")) == ("success", True), text
    assert expected.exists()
    assert expected.is_dir() == (not ENTRIES[name].suffixes)
    assert dialog.folder_button.isVisible()


def test_the_list_has_everything_once_under_its_heading(
    subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    shown = make_dialog(subject).list
    items = [shown.item(row) for row in range(shown.count())]
    headings = [label.text() for item in items if isinstance(label := shown.itemWidget(item), QLabel)]
    assert headings == list(GROUPS)
    names = [item.data(Qt.ItemDataRole.UserRole) for item in items if item.text()]
    assert sorted(names) == sorted(ENTRIES)


def test_each_entry_says_what_it_is_and_its_keys_are_its_own(
    subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject)
    for entry in ENTRIES.values():
        dialog.list.select(entry.name)
        check_words(dialog, entry, subject)


def check_words(dialog: ExportDialog, entry: Entry, subject: Subject) -> None:
    """What stands there belongs to this entry, and no key of Alt means two things."""
    assert dialog.title.text() == entry.title
    assert dialog.about.text() == entry.about
    assert dialog.keeps.text() == entry.keeps
    assert dialog.path.name.startswith(("lesson", "network"))
    assert dialog.path.suffix in (*entry.suffixes, "")
    titles = [option.title for option in entry.options(subject)]
    titles += [dialog.path_label.text()]
    titles += [button.text() for button in (dialog.browse_button, dialog.folder_button, dialog.close_button)]
    for last in ("&Export", "&Replace"):
        keys = [title[title.index("&") + 1].lower() for title in (*titles, last)]
        assert len(keys) == len(set(keys)), keys


def test_options_are_kept_as_text(subject: Subject) -> None:
    for entry in ENTRIES.values():
        for option in entry.options(subject):
            assert option.read(write_value(option.default)) == option.default
            assert option.read("") == option.read("nonsense") == option.default
    assert Whole(name="n", title="", low=1, high=9, default=5).read("40") == 9
    assert Decimal(name="n", title="", low=0.5, high=9, default=5).read("nan") == 5
    assert Decimal(name="n", title="", low=0.5, high=9, default=5).read("0.75") == 0.75
    assert Switch(name="n", title="", default=True).read("False") is False
    assert Pick(name="n", title="", choices=(("a", ""), ("b", ""))).read("b") == "b"
    several = Several(name="n", title="", choices=(("a", ""), ("b", ""), ("c", "")), default=("a",))
    assert several.read(write_value(("b", "c"))) == ("b", "c")


def test_modules_get_names_that_can_be_imported(subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(msgspec.structs.replace(subject, name="01-two two"), "numpy")
    assert dialog.path.name == "network_01_two_two.py"


# Where it goes


def test_the_ending_is_added(qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(subject, "csv")
    folder = dialog.path.parent
    type_path(qtbot, dialog, "weights.v2")
    assert dialog.path == folder / "weights.v2.csv"
    type_path(qtbot, dialog, folder / "weights.CSV")
    assert dialog.path == folder / "weights.CSV"
    type_path(qtbot, dialog, "~nobody-of-this-name/x")
    assert dialog.path.name == "x.csv"
    type_path(qtbot, dialog, folder)
    assert dialog.path == folder / "lesson-weights.csv"
    # Too long for a name: said when it is exported, not before.
    QApplication.clipboard().setText("x" * 5000)
    press(qtbot, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    QApplication.clipboard().clear()
    with qtbot.waitSignal(dialog.runner.failed):
        press(qtbot, Key.Key_Return)
    assert "cannot be written" in said(dialog)[0]
    dialog.path_field.clear()
    press(qtbot, Key.Key_Space)
    press(qtbot, Key.Key_Backspace)
    assert not dialog.export_button.isEnabled()


def test_the_form_follows_the_ending_and_the_ending_the_form(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject, "solution")
    assert dialog.path.name == "lesson-solution.html"
    dialog.form.set_value("form", "pdf")
    assert dialog.path_field.text().endswith("lesson-solution.pdf")
    type_path(qtbot, dialog, "mine.tex")
    assert dialog.values["form"] == "tex"
    assert dialog.path.name == "mine.tex"


def test_a_file_that_is_there_is_announced_and_replaced(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject, "csv")
    assert said(dialog) == ("", "")
    assert dialog.export_button.text() == "&Export"
    dialog.path.write_text("old")
    type_path(qtbot, dialog, dialog.path)
    assert said(dialog) == ("lesson-weights.csv exists already and would be replaced.", "info")
    assert dialog.export_button.text() == "&Replace"
    with qtbot.waitSignal(dialog.runner.finished):
        qtbot.mouseClick(dialog.export_button, LEFT)
    assert dialog.path.read_text().startswith("name,source,target,value")


def test_what_would_go_in_a_folder_is_announced(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject, "worksheets")
    folder = dialog.path
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    type_path(qtbot, dialog, folder)
    assert said(dialog) == ("", "")
    (folder / "key.md").write_text("mine")
    dialog.form.set_value("form", "md")
    assert said(dialog)[0].endswith("files of the same names in it would be replaced.")
    assert dialog.export_button.text() == "&Replace"
    (folder / "key.md").unlink()
    with qtbot.waitSignal(dialog.runner.finished):
        qtbot.mouseClick(dialog.export_button, LEFT)
    assert dialog.export_button.text() == "&Replace"
    dialog.form.set_value("variants", 2)
    assert said(dialog) == (
        "The folder lesson-worksheets holds worksheets already: they, their keys and projects would go.", "info"
    )  # fmt: skip
    # PyTorch's takes no place of other files.
    dialog.list.select("pytorch")
    type_path(qtbot, dialog, folder)
    assert said(dialog) == ("", "")
    (folder / "model.py").write_text("mine")
    type_path(qtbot, dialog, folder)
    assert said(dialog)[1] == "warning"
    assert "model.py is of no PyTorch export" in said(dialog)[0]
    assert not dialog.export_button.isEnabled()


def test_browse_asks_for_a_name_or_for_a_folder(
    qtbot: QtBot,
    subject: Subject,
    make_dialog: Callable[..., ExportDialog],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    def choose_file(_parent: object, _title: str, start: str, _filter: str) -> tuple[str, str]:
        asked.append(start)
        return str(tmp_path / "chosen"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose_file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog = make_dialog(subject, "npz")
    qtbot.mouseClick(dialog.browse_button, LEFT)
    assert asked == [str(tmp_path / "out" / "lesson.npz")]
    assert dialog.path == tmp_path / "chosen.npz"
    dialog.list.select("pytorch")
    qtbot.mouseClick(dialog.browse_button, LEFT)
    assert dialog.path == tmp_path / "lesson-pytorch"
    # Nothing chosen: nothing changes.
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    qtbot.mouseClick(dialog.browse_button, LEFT)
    assert dialog.path == tmp_path / "lesson-pytorch"


def test_the_folder_can_be_opened(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    dialog = make_dialog(subject, "csv")
    assert not dialog.folder_button.isVisible()
    with qtbot.waitSignal(dialog.runner.finished):
        dialog.export()
    qtbot.mouseClick(dialog.folder_button, LEFT)
    assert opened == [str(dialog.path.parent)]


# What goes wrong, and stopping


def test_a_failure_is_said_and_nothing_is_lost(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path
) -> None:
    dialog = make_dialog(subject, "safetensors")
    dialog.form.set_value("precision", "float32")
    wrong = tmp_path / "no" / "folder.safetensors"
    type_path(qtbot, dialog, wrong)
    with qtbot.waitSignal(dialog.runner.failed):
        press(qtbot, Key.Key_Return)
    assert said(dialog) == (
        f"{wrong} cannot be written: there is no folder {wrong.parent}, so choose another place.",
        "error",
    )
    assert dialog.values == {"precision": "float32"}
    assert dialog.path == wrong
    assert dialog.path_field.hasFocus()
    wrong.parent.mkdir()
    with qtbot.waitSignal(dialog.runner.finished):
        press(qtbot, Key.Key_Return)
    assert wrong.is_file()
    assert said(dialog)[1] == "success"


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("by", ["Esc", "Stop", "Close"])
def test_stopping_leaves_nothing(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], by: str
) -> None:
    dialog = make_dialog(subject, "json")
    folder = dialog.path.parent
    with qtbot.waitSignal(dialog.runner.progressed):
        qtbot.mouseClick(dialog.export_button, LEFT)
    assert dialog.progress.isVisible()
    assert dialog.doing.text() in ("Starting", "Writing braces")
    assert dialog.stop_button.hasFocus()
    assert not dialog.list.isEnabled()
    assert list(folder.iterdir())
    if by == "Close":
        dialog.close()
        assert not dialog.isVisible()
    else:
        with qtbot.waitSignal(dialog.runner.stopped):
            if by == "Esc":
                press(qtbot, Key.Key_Escape)
            else:
                qtbot.mouseClick(dialog.stop_button, LEFT)
        assert said(dialog) == ("Stopped: nothing was written.", "info")
        assert dialog.isVisible()
        assert dialog.export_button.hasFocus()
        # The next Esc closes.
        press(qtbot, Key.Key_Escape)
        assert not dialog.isVisible()
    assert not list(folder.iterdir())


def test_what_is_not_installed_is_shown_with_the_remedy(
    subject: Subject, make_dialog: Callable[..., ExportDialog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else object())
    monkeypatch.setattr("shutil.which", lambda _name: None)
    dialog = make_dialog(subject, "onnx")
    text, kind = said(dialog)
    assert 'pip install "nnviz[onnx]"' in text
    assert kind == "warning"
    assert not dialog.export_button.isEnabled()
    dialog.list.itemDoubleClicked.emit(dialog.list.currentItem())
    assert not dialog.runner.is_running
    dialog.list.select("mp4")
    assert "ffmpeg" in said(dialog)[0]
    assert not dialog.export_button.isEnabled()
    dialog.list.select("npz")
    assert said(dialog) == ("", "")
    assert dialog.export_button.isEnabled()


def test_without_a_network_or_a_pass_it_says_what_to_do(make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(Subject(Project()), "npz")
    assert said(dialog) == ("There is nothing to export yet: draw a network first.", "warning")
    assert not dialog.export_button.isEnabled()
    project = Project()
    project.network.add_neuron("input")
    for problem in ("", "Row 1 has no target."):
        dialog = make_dialog(Subject(project, problem=problem), "solution")
        assert said(dialog)[0] == (problem or "There is no pass to write out: give the network a row of data first.")


# Memory, keys, looks


def test_choices_are_remembered(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path
) -> None:
    dialog = make_dialog(subject, "worksheets")
    dialog.form.set_value("variants", 7)
    dialog.form.set_value("blanks", ("loss", "updates"))
    dialog.list.select("npz")
    dialog.form.set_value("precision", "float32")
    type_path(qtbot, dialog, tmp_path / "w.npz")
    dialog.list.select("csv")
    dialog.list.select("npz")
    # What was typed is there again.
    assert dialog.path == tmp_path / "w.npz"
    with qtbot.waitSignal(dialog.runner.finished):
        dialog.export()
    dialog.close()
    again = make_dialog(subject, "")
    assert again.entry.name == "npz"
    assert again.values == {"precision": "float32"}
    assert again.path == tmp_path / "lesson.npz"
    again.list.select("worksheets")
    assert (again.values["variants"], again.values["blanks"]) == (7, ("loss", "updates"))


def test_files_go_beside_the_project_until_another_folder_is_chosen_for_it(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path
) -> None:
    first, second, chosen = (tmp_path / name for name in ("first", "second", "chosen"))
    for folder in (first, second, chosen):
        folder.mkdir()
    mine = msgspec.structs.replace(subject, file=first / "a.nnviz")
    dialog = make_dialog(mine, "csv")
    assert dialog.path.parent == first
    type_path(qtbot, dialog, chosen / "w.csv")
    with qtbot.waitSignal(dialog.runner.finished):
        dialog.export()
    dialog.close()
    assert make_dialog(mine, "csv").path.parent == chosen
    for file in (second / "b.nnviz", first / "b.nnviz"):
        assert make_dialog(msgspec.structs.replace(subject, file=file), "csv").path.parent == file.parent
    # Without a file there is nothing to be beside.
    assert make_dialog(subject, "csv").path.parent == chosen


def test_what_is_remembered_wrongly_does_no_harm(subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    QSettings().setValue("export/last", "papyrus")
    QSettings().setValue("export/worksheets/variants", "many")
    dialog = make_dialog(subject, "")
    assert dialog.entry.name == "svg"
    dialog.list.select("worksheets")
    assert dialog.values["variants"] == 30


def test_all_of_it_by_keys(qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(subject, "json")
    assert dialog.list.hasFocus()
    press(qtbot, Key.Key_End)
    assert dialog.entry.name == "worksheets"
    press(qtbot, Key.Key_Home)
    assert dialog.entry.name == "npz"
    press(qtbot, Key.Key_Down)
    assert dialog.entry.name == "safetensors"
    press(qtbot, Key.Key_Tab)
    assert dialog.form.fields["precision"].hasFocus()
    press(qtbot, Key.Key_Down)
    assert dialog.values == {"precision": "float32"}
    press(qtbot, Key.Key_T, Qt.KeyboardModifier.AltModifier)
    assert dialog.path_field.hasFocus()
    dialog.path_field.selectAll()
    qtbot.keyClicks(dialog.path_field, "keyed")
    with qtbot.waitSignal(dialog.runner.finished):
        press(qtbot, Key.Key_Return)
    assert (dialog.path.name, dialog.path.is_file()) == ("keyed.safetensors", True)
    # One more Enter is enough to leave.
    press(qtbot, Key.Key_Return)
    assert not dialog.isVisible()


def test_tab_reaches_every_field(qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(subject, "worksheets")
    chain = dialog.form.focus_chain()
    chain[0].setFocus()
    for field in chain[1:]:
        press(qtbot, Key.Key_Tab)
        assert field.hasFocus()
    assert dialog.form.fields["seed"].focusProxy() in chain


def test_boxes_are_checked_by_keys(qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(subject, "worksheets")
    press(qtbot, Key.Key_D, Qt.KeyboardModifier.AltModifier)
    press(qtbot, Key.Key_Up)
    assert dialog.values["seed"] == 2
    press(qtbot, Key.Key_K, Qt.KeyboardModifier.AltModifier)
    press(qtbot, Key.Key_Space)
    press(qtbot, Key.Key_Tab)
    press(qtbot, Key.Key_Space)
    assert dialog.values["blanks"] == ("backward", "gradients", "updates")


def test_only_what_was_changed_is_remembered(make_dialog: Callable[..., ExportDialog]) -> None:
    batch = Subject(load_project(by_name("10-batch")), "batch", rows=(0, 1, 2, 3), row=2, steps=150)
    dialog = make_dialog(batch, "worksheets")
    assert dialog.values["rows"] == "batch"
    assert option_of(batch, "worksheets", "rows").choices == (
        ("batch", "The batch on the canvas: 4 rows"),
        ("sample", "Row 3 alone"),
    )
    dialog.form.set_value("hide", "all")
    assert [key for key in QSettings().allKeys() if key.startswith("export/worksheets/")] == ["export/worksheets/hide"]
    dialog.form.set_value("rows", "sample")
    dialog.close()
    # Another project, with one row: there is nothing to choose, and nothing forgotten.
    one = make_dialog(msgspec.structs.replace(batch, rows=(0,), row=0), "worksheets")
    assert "rows" not in one.values
    one.form.set_value("hide", "numbers")
    one.close()
    assert make_dialog(batch, "worksheets").values["rows"] == "sample"
    assert make_dialog(batch, "solution").values["rows"] == "batch"


@pytest.mark.parametrize("name", ["solution", "worksheets"])
def test_the_batch_on_show_is_written_unless_its_row_is_chosen(
    subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path, name: str
) -> None:
    batch = Subject(load_project(by_name("10-batch")), "batch", rows=(0, 1, 2, 3), row=2, steps=150)
    values = make_dialog(batch, name).values | {"form": "md", "variants": 0}
    path = tmp_path / ("sheets" if name == "worksheets" else "solution.md")
    for chosen, title in (({}, "a batch of 4 rows"), ({"rows": "sample"}, "row 3")):
        finish(ENTRIES[name].write(batch, path, values | chosen))
        text = (path / "worksheet.md" if path.is_dir() else path).read_text(encoding="utf-8")
        assert re.search(title, text, re.IGNORECASE), text[:300]


def by_name(name: str) -> Path:
    return next(example.path for example in examples() if example.path.stem == name)


def option_of(subject: Subject, entry: str, name: str) -> Any:
    return next(option for option in ENTRIES[entry].options(subject) if option.name == name)


def test_what_goes_on_paper_is_light_in_a_dark_window(subject: Subject) -> None:
    dark = msgspec.structs.replace(subject, is_dark=True)
    found = {}
    for name, entry in ENTRIES.items():
        values = {option.name: option.default for option in entry.options(dark)}
        if "mode" in values:
            found[name] = chosen_mode(dark, values)
            assert chosen_mode(dark, values | {"mode": "window"}) == "dark"
    light = dict.fromkeys(("svg", "pdf", "tikz", "loss", "map"), "light")
    assert found == light | dict.fromkeys(("png", "gif", "mp4"), "dark")


def test_a_drawing_on_a_dark_page_has_a_card_of_its_own_background(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "solution.html"
    values = {option.name: option.default for option in ENTRIES["solution"].options(subject)}
    finish(ENTRIES["solution"].write(subject, path, values | {"by": "pass"}))
    text = path.read_text(encoding="utf-8")
    card = re.search(r"figure svg { background: (#\w+)", text)
    background = re.search(r"<title>background</title>\s*<rect [^>]*fill=\"(#\w+)\"", text)
    assert card is not None
    assert background is not None
    assert card[1] == background[1]


def test_tikz_can_be_transparent(subject: Subject, tmp_path: Path) -> None:
    values = {option.name: option.default for option in ENTRIES["tikz"].options(subject)}
    texts = []
    for transparent in (False, True):
        finish(ENTRIES["tikz"].write(subject, tmp_path / "a.tex", values | {"transparent": transparent}))
        texts.append((tmp_path / "a.tex").read_text(encoding="utf-8"))
    assert texts[0].count("background") > texts[1].count("background") == 0


def test_worksheets_do_not_replace_the_project_s_own_file(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], tmp_path: Path
) -> None:
    own = tmp_path / "project-02.nnviz"
    own.write_bytes(by_name("01-two-two-two").read_bytes())
    dialog = make_dialog(msgspec.structs.replace(subject, file=own), "worksheets")
    type_path(qtbot, dialog, tmp_path)
    with qtbot.waitSignal(dialog.runner.failed):
        dialog.export()
    assert said(dialog)[0].startswith("project-02.nnviz is the project itself")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "project-02.nnviz"]
    keep_own_file(own, tmp_path / "out")
    keep_own_file(tmp_path / "mine.nnviz", tmp_path)
    keep_own_file(None, tmp_path)


def test_the_fields_are_of_the_right_kind(subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    dialog = make_dialog(subject, "png")
    fields = dialog.form.fields
    kinds = {"moment": QComboBox, "step": QSpinBox, "numbers": QCheckBox, "dpi": QSpinBox}
    assert all(isinstance(fields[name], kind) for name, kind in kinds.items())
    step = fields["step"]
    assert isinstance(step, QSpinBox)
    assert (step.maximum(), step.value()) == (53, 20)


def test_it_fits_a_small_screen_with_large_text(subject: Subject, make_dialog: Callable[..., ExportDialog]) -> None:
    theme().set_text_scale(2.0)
    dialog = make_dialog(subject)
    for name in ENTRIES:
        dialog.list.select(name)
        dialog.resize(1280, 720)
        QApplication.processEvents()
        assert dialog.size() == QSize(1280, 720), name
        for button in (dialog.export_button, dialog.close_button, dialog.browse_button):
            corner = button.mapTo(dialog, button.rect().bottomRight())
            assert dialog.rect().contains(corner), name
            assert button.width() >= button.sizeHint().width()


def in_sight(dialog: ExportDialog, row: int) -> bool:
    """Whether a whole line of the list is seen."""
    shown = dialog.list
    return shown.viewport().rect().contains(shown.visualItemRect(shown.item(row)))


def test_the_whole_list_is_seen_on_a_small_screen_whatever_is_said(
    subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject, "svg")
    # As high as it is made on a screen 720 pixels high.
    dialog.resize(76 * round(theme().em), 54 * round(theme().em))
    dialog._say("\n".join(["It is written."] * 6), "success")
    QApplication.processEvents()
    assert all(in_sight(dialog, row) for row in range(dialog.list.count()))
    for row in range(dialog.list.count()):
        heading = dialog.list.itemWidget(dialog.list.item(row))
        if isinstance(heading, QLabel):
            assert heading.height() >= heading.fontMetrics().height()


def test_what_is_chosen_stays_in_sight(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    theme().set_text_scale(2.0)
    dialog = make_dialog(subject, "worksheets")
    for height in (900, 620):
        dialog.resize(1140, height)
        qtbot.waitUntil(lambda: in_sight(dialog, dialog.list.currentRow()))
    for row in range(dialog.list.count()):
        heading = dialog.list.itemWidget(dialog.list.item(row))
        if heading is not None:
            assert heading.y() == dialog.list.visualItemRect(dialog.list.item(row)).y()


def test_the_first_of_a_group_is_seen_with_its_heading(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    theme().set_text_scale(2.0)
    dialog = make_dialog(subject, "npz")
    dialog.resize(1140, 620)
    press(qtbot, Key.Key_End)
    qtbot.waitUntil(lambda: in_sight(dialog, dialog.list.count() - 1))
    assert not in_sight(dialog, 0)
    press(qtbot, Key.Key_Home)
    qtbot.waitUntil(lambda: in_sight(dialog, 1))
    assert in_sight(dialog, 0)


def test_options_come_first_with_large_text(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    theme().set_text_scale(2.0)
    dialog = make_dialog(subject, "png")
    dialog.resize(1140, 648)
    qtbot.waitUntil(dialog.preview.isVisible)
    assert not dialog.body.is_beside
    for name in ("moment", "mode"):
        field = dialog.form.fields[name]
        assert field.visibleRegion().boundingRect() == field.rect()
    assert dialog.preview.y() >= dialog.form.geometry().bottom()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview may take as long as a busy machine needs for it."""
    monkeypatch.setattr(previews, "LIMIT", 60.0)


@pytest.mark.usefixtures("patient")
def test_a_page_is_shown_beside_the_options_where_there_is_room(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    dialog = make_dialog(subject, "worksheets")
    dialog.resize(80 * round(theme().em), 54 * round(theme().em))
    qtbot.waitUntil(lambda: not dialog.preview.image.isNull())
    assert dialog.body.is_beside
    assert dialog.preview.box.rect().contains(dialog.preview.box.place.toAlignedRect())
    dialog.list.select("svg")
    qtbot.waitUntil(lambda: dialog.preview.image.width() > dialog.preview.image.height())
    assert not dialog.body.is_beside


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("name", "option", "value"),
    [("loss", "height", 300), ("map", "neuron", "h1"), ("solution", "paper", "Letter"), ("worksheets", "seed", 2)],
)
def test_plots_and_pages_have_a_preview_too(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], name: str, option: str, value: Any
) -> None:
    dialog = make_dialog(subject, name)
    qtbot.waitUntil(dialog.preview.isVisible)
    first = dialog.preview.image
    assert first.pixelColor(2, 2).lightness() > 240
    is_page = name in ("solution", "worksheets")
    assert (first.height() > first.width()) == is_page
    assert dialog.preview.caption.isVisible() == is_page
    dialog.form.set_value(option, value)
    qtbot.waitUntil(lambda: dialog.preview.image != first)
    dialog.preview.grab()


def test_what_takes_too_long_has_no_preview(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, limit, nothing in (("solution", "MOST_STEPS", 10), ("map", "LIMIT", 0.0)):
        with monkeypatch.context() as patch:
            patch.setattr(previews, limit, nothing)
            dialog = make_dialog(subject, name)
            with qtbot.waitSignal(dialog.preview.shown):
                pass
            assert not dialog.preview.isVisible()
            assert said(dialog) == ("", "")
            dialog.close()


def test_where_there_is_no_loss_it_is_said_at_once(
    qtbot: QtBot, subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    untrained = Subject(load_project(by_name("01-two-two-two")), rows=(0,), steps=53)
    dialog = make_dialog(untrained, "loss")
    qtbot.waitUntil(lambda: said(dialog)[0].startswith("There is no loss to plot"))
    assert not dialog.preview.isVisible()
    assert not dialog.export_button.isEnabled()
    # Another name is no remedy.
    type_path(qtbot, dialog, "mine.svg")
    assert said(dialog)[0].startswith("There is no loss to plot")
    assert not dialog.export_button.isEnabled()
    dialog.list.select("map")
    assert said(dialog) == ("", "")
    assert dialog.export_button.isEnabled()


def test_a_worksheet_without_blanks_is_refused_at_once(
    subject: Subject, make_dialog: Callable[..., ExportDialog]
) -> None:
    # Of so many steps there is no preview.
    dialog = make_dialog(msgspec.structs.replace(subject, steps=10_000), "worksheets")
    dialog.form.set_value("blanks", ())
    text, kind = said(dialog)
    assert (kind, text.partition(":")[0]) == ("warning", "Nothing is left blank on the worksheet")
    assert not dialog.export_button.isEnabled()
    dialog.form.set_value("blanks", ("loss",))
    assert said(dialog) == ("", "")
    assert dialog.export_button.isEnabled()


def test_only_a_place_at_fault_gets_the_keys(
    subject: Subject, make_dialog: Callable[..., ExportDialog], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_subject: object, _path: Path, _values: object) -> Job:
        yield Progress(0, 1, "Trying")
        raise ExportError("There is no loss to plot: train the network first.")

    monkeypatch.setitem(ENTRIES, "csv", msgspec.structs.replace(ENTRIES["csv"], write=refuse))
    dialog = make_dialog(subject, "csv")
    with qtbot.waitSignal(dialog.runner.failed):
        dialog.export()
    assert said(dialog)[1] == "error"
    assert not dialog.path_field.hasFocus()


def test_a_preview_that_cannot_be_made_is_said(
    subject: Subject, make_dialog: Callable[..., ExportDialog], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_subject: object, _values: object) -> Previewing:
        yield None
        raise ExportError("The picture would be too large: choose a lower resolution.")

    monkeypatch.setitem(ENTRIES, "png", msgspec.structs.replace(ENTRIES["png"], preview=refuse))
    dialog = make_dialog(subject, "png")
    qtbot.waitUntil(lambda: said(dialog)[0].startswith("The picture would be too large"))
    assert not dialog.preview.isVisible()


# The whole window: after those that choose a text size, as a window is restyled each time


def test_the_menu_opens_it_and_the_weights_are_written(hands: WindowHands, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"

    def act(dialog: QWidget) -> None:
        assert isinstance(dialog, ExportDialog)
        dialog.list.select("npz")
        type_path(hands.qtbot, dialog, path)
        with hands.qtbot.waitSignal(dialog.runner.finished):
            hands.click(dialog.export_button)
        text, kind = said(dialog)
        assert kind == "success"
        assert text.startswith("Written: mine.npz.")
        assert "the greatest difference from the engine is" in text
        assert "2 dense layers" in text

    hands.answer(act)
    hands.choose("File", "Export")
    with np.load(path) as arrays:
        assert arrays["layers.0.weight"].tolist() == [[0.15, 0.2], [0.25, 0.3]]


def test_each_kind_has_an_entry_of_its_own(hands: WindowHands) -> None:
    seen: list[tuple[str, str]] = []
    for text, start in EXPORTS.values():
        hands.answer(lambda dialog: seen.append((dialog.entry.name, dialog.entry.group)))  # type: ignore[attr-defined]
        hands.choose("File", "Export as", text.replace("&", "").removesuffix("..."))
        assert start in seen[-1]
    assert len(set(seen)) == len(EXPORTS)


def test_ctrl_shift_e_opens_the_last_choice(hands: WindowHands) -> None:
    seen: list[str] = []
    hands.view.setFocus()
    hands.answer(lambda dialog: dialog.list.select("keras"))  # type: ignore[attr-defined]
    hands.press("Ctrl+Shift+E")
    hands.settle()
    hands.answer(lambda dialog: seen.append(dialog.entry.name))  # type: ignore[attr-defined]
    hands.press("Ctrl+Shift+E")
    assert seen == ["keras"]


def test_nothing_is_exported_during_a_run(hands: WindowHands) -> None:
    actions = hands.window.actions_by_name
    hands.window.trainer.start(10_000)
    hands.settle()
    assert not any(actions[name].isEnabled() for name in ("export", "import_weights", *EXPORTS))
    hands.window.trainer.shutdown()
    hands.settle()
    assert all(actions[name].isEnabled() for name in ("export", "import_weights", *EXPORTS))


def test_the_subject_is_what_the_window_shows(hands: WindowHands) -> None:
    hands.window.open_example(examples()[9])
    hands.player.go_to(7)
    hands.window.preferences.set_digits(6)
    subject = subject_of(hands.window)
    assert subject.project is hands.project
    assert subject.rows == tuple(hands.player.batch_rows)
    assert len(subject.rows) > 1
    assert (subject.index, subject.steps) == (7, hands.player.length)
    assert subject.style.digits == 6
    assert re.fullmatch(r"[\w-]+", subject.name)


def test_plots_show_what_their_panels_show(hands: WindowHands, tmp_path: Path) -> None:
    hands.window.open_example(examples()[7])
    entries, values = {name: ENTRIES[name] for name in ("loss", "map")}, {}
    for name, entry in entries.items():
        values[name] = {option.name: option.default for option in entry.options(subject_of(hands.window))}
    # Nothing is drawn yet, so nothing was chosen: test rows are shown where there are any.
    assert plot_options(subject_of(hands.window), values["loss"]).shown == Shown()
    hands.window.training_panel.apply_update()
    bar = hands.window.loss_plot.bar
    finish(entries["loss"].write(subject_of(hands.window), tmp_path / "loss.svg", values["loss"]))
    assert "<title>Mean loss of 4 rows" in (tmp_path / "loss.svg").read_text(encoding="utf-8")
    bar.log.setChecked(True)
    assert plot_options(subject_of(hands.window), values["loss"]).shown == Shown(log=True, test=False)
    bar.accuracy.setChecked(True)
    finish(entries["loss"].write(subject_of(hands.window), tmp_path / "loss.svg", values["loss"]))
    assert "<title>Accuracy after each update" in (tmp_path / "loss.svg").read_text(encoding="utf-8")
    # The panel of another project, out of sight, has not followed it yet.
    hands.window.docks["Loss"].hide()
    hands.document.undo_stack.setClean()
    hands.window.open_example(examples()[0])
    hands.window.training_panel.apply_update()
    finish(entries["loss"].write(subject_of(hands.window), tmp_path / "loss.svg", values["loss"]))

    def answers(typed: dict[str, float]) -> set[str]:
        hands.window.map.controls.fixed.typed = typed
        over_one = {**values["map"], "form": "csv", "across": "i1", "upwards": "i1"}
        finish(entries["map"].write(subject_of(hands.window), tmp_path / "map.csv", over_one))
        return set((tmp_path / "map.csv").read_text(encoding="utf-8").splitlines())

    assert len(answers({}) & answers({"i2": 7.0})) == 1
    controls = hands.window.map.controls
    for box in (controls.two_box, controls.test_box):
        box.toggle()
    shown = plot_options(subject_of(hands.window), values["map"]).show
    assert shown == Show(in_two=True, training=True, test=False)


def test_a_run_that_one_has_come_back_to_is_plotted_once(hands: WindowHands) -> None:
    window = hands.window
    window.open_example(examples()[7])
    for _ in range(3):
        window.training_panel.apply_update()
    run = hands.document.run
    window.runs.keep(run)
    with hands.document.edit("Weight") as draft:
        draft.network.set_value("w1", 3.0)
    assert [kept.run for kept in subject_of(window).kept] == [run]
    hands.document.undo_stack.undo()
    assert hands.document.run is run
    assert not subject_of(window).kept


def test_the_map_begins_as_its_panel_shows_it(hands: WindowHands) -> None:
    hands.window.open_example(examples()[7])
    QSettings().setValue("export/map/neuron", "o")
    hands.window.selection.set(["h2"])
    assert hands.window.map.neuron == "h2"
    controls = hands.window.map.controls
    hands.qtbot.keyClick(controls.axis_boxes[0], Key.Key_Down)
    assert hands.window.map.axes == ("x2", "x1")

    def look(dialog: ExportDialog) -> None:
        values = dialog.values
        seen.append((values["neuron"], values["across"], values["upwards"]))
        hands.click(dialog.close_button)

    seen: list[tuple[str, str, str]] = []
    hands.answer(look)
    QSettings().setValue("export/last", "map")
    hands.choose("File", "Export")
    assert seen == [("h2", "x2", "x1")]
    # A neuron of a network that the panel has not followed yet.
    other = msgspec.structs.replace(subject_of(hands.window), neuron="gone", axes=("gone", "x2"))
    options = {option.name: option.default for option in ENTRIES["map"].options(other)}
    assert (options["neuron"], options["across"], options["upwards"]) == ("", "x2", "x1")


def test_weights_come_back_through_the_menu(
    hands: WindowHands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = tmp_path / "mine.csv", dict(hands.project.network.values)
    finish(ENTRIES["csv"].write(subject_of(hands.window), path, {}))
    hands.window.training_panel.apply_update()
    assert hands.project.network.values != before
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    hands.answer(lambda dialog: hands.click(dialog.accept_button))  # type: ignore[attr-defined]
    hands.choose("File", "Import weights")
    assert hands.project.network.values == before
    assert hands.entries[-1] == "Import weights"
    path.write_text("name,value\nw1,none\n")
    hands.choose("File", "Import weights")
    assert "mine.csv" in hands.notice
    # No file chosen: nothing happens.
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    hands.choose("File", "Import weights")
    assert hands.project.network.values == before


def test_the_preview_shows_what_is_chosen(hands: WindowHands, make_dialog: Callable[..., ExportDialog]) -> None:
    hands.player.go_to(20)
    dialog = make_dialog(subject_of(hands.window), "png")
    preview = dialog.preview
    hands.qtbot.waitUntil(lambda: not preview.image.isNull())
    current = preview.image.copy()
    assert not current.hasAlphaChannel()
    assert re.fullmatch(r"[\d,]+ × [\d,]+ pixels", dialog.preview.caption.text())

    def changed(option: str, value: Any) -> bool:
        before = preview.image.copy()
        dialog.form.set_value(option, value)
        hands.qtbot.waitUntil(lambda: preview.image != before)
        return True

    assert changed("moment", "plain")
    assert not dialog.form.form.isRowVisible(dialog.form.fields["step"])
    assert changed("moment", "step")
    assert dialog.form.form.isRowVisible(dialog.form.fields["step"])
    assert changed("step", 50)
    assert changed("mode", "dark")
    assert changed("numbers", False)
    assert changed("transparent", True)
    assert preview.image.hasAlphaChannel()
    preview.grab()
    size = dialog.preview.caption.text()
    dialog.form.set_value("dpi", 96)
    hands.qtbot.waitUntil(lambda: dialog.preview.caption.text() != size)
    dialog.list.select("npz")
    assert not preview.isVisible()
    assert preview.image.isNull()
