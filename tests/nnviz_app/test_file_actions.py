"""Opening and saving without a window around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from core.project_file import load_project
from nnviz_app.document import Document
from nnviz_app.examples import examples, first_example
from nnviz_app.file_actions import RECENT_COUNT, FileActions

BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def files(qtbot: QtBot) -> FileActions:
    window = QWidget()
    qtbot.addWidget(window)
    actions = FileActions(Document(window), window)
    actions.said = []  # type: ignore[attr-defined]
    actions.failed.connect(actions.said.append)  # type: ignore[attr-defined]
    return actions


def said(files: FileActions) -> list[str]:
    return files.said  # type: ignore[attr-defined,no-any-return]


def change(files: FileActions) -> None:
    with files.document.edit("Add") as draft:
        draft.network.add_neuron("hidden")


def answer(monkeypatch: pytest.MonkeyPatch, button: QMessageBox.StandardButton) -> list[str]:
    asked: list[str] = []

    def exec_(box: QMessageBox) -> QMessageBox.StandardButton:
        asked.append(box.text())
        assert box.defaultButton() is box.button(BUTTONS.Save)
        return button

    monkeypatch.setattr(QMessageBox, "exec", exec_)
    return asked


def test_saved_and_opened_again_it_is_the_same(files: FileActions, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "a.nnviz"
    assert files.open_example(first_example())
    assert files.document.path is None
    with qtbot.waitSignal(files.saved) as caught:
        assert files.save_path(path)
    assert caught.args == [f"Saved to {path}."]
    before = files.document.project
    assert files.new()
    assert not files.document.project.network.neurons
    assert files.open_path(path)
    assert files.document.project.network.values == before.network.values
    assert files.document.path == path
    assert not files.document.is_modified


def test_undo_survives_a_save(files: FileActions, tmp_path: Path) -> None:
    change(files)
    assert files.save_path(tmp_path / "a.nnviz")
    assert not files.document.is_modified
    files.document.undo_stack.undo()
    assert files.document.is_modified
    assert not files.document.project.network.neurons


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"format": "nnviz", "version": 999}', b'{"format": "other"}']
)
def test_what_cannot_be_read_changes_nothing(files: FileActions, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.nnviz"
    path.write_bytes(content)
    change(files)
    state = files.document.state
    assert not files.open_path(path)
    assert files.document.state is state
    (sentence,) = said(files)
    assert sentence.startswith("bad.nnviz")
    assert "\n" not in sentence
    assert files.recent() == []


def test_what_is_not_there_or_a_folder_is_said(files: FileActions, tmp_path: Path) -> None:
    assert not files.open_path(tmp_path / "gone.nnviz")
    assert not files.open_path(tmp_path)
    assert not files.save_path(tmp_path / "no" / "folder.nnviz")
    assert not files.save_path(tmp_path)
    assert len(said(files)) == 4
    assert not any("Errno" in sentence or "\n" in sentence for sentence in said(files))
    assert files.document.path is None


def test_a_failed_save_keeps_the_file_that_was_there(
    files: FileActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.nnviz"
    assert files.open_example(first_example())
    assert files.save_path(path)
    before = path.read_bytes()
    change(files)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("os.fsync", full)
    assert not files.save()
    assert path.read_bytes() == before
    assert files.document.is_modified
    assert len(said(files)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.nnviz"]


@pytest.mark.parametrize(("typed", "name"), [("a", "a.nnviz"), ("a.nnviz", "a.nnviz"), ("a.json", "a.json.nnviz")])
def test_save_as_adds_the_ending(
    files: FileActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, name: str
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / typed), ""))
    assert files.save()
    assert files.document.path == tmp_path / name
    assert load_project(tmp_path / name)


@pytest.mark.parametrize(("button", "saved"), [(BUTTONS.Yes, True), (BUTTONS.No, False)])
def test_the_name_with_the_ending_may_be_another_s(
    files: FileActions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    button: QMessageBox.StandardButton,
    saved: bool,
) -> None:
    path = tmp_path / "a.nnviz"
    path.write_text("another's", encoding="utf-8")
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a"), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda _w, _t, text, *_: asked.append(text) or button)
    assert files.save() is saved
    assert asked == ["a.nnviz exists already. Replace it?"]
    assert (path.read_text(encoding="utf-8") == "another's") is not saved


def test_cancelled_dialogs_change_nothing(files: FileActions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    state = files.document.state
    assert not files.save()
    assert not files.save_as()
    assert not files.open()
    assert files.document.state is state
    assert said(files) == []


def test_dialogs_begin_where_one_was_last(files: FileActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda _w, _t, start, _f: (begun.append(start) or "", ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda _w, _t, start, _f: (begun.append(start) or "", ""))
    files.open()
    assert files.save_path(tmp_path / "a.nnviz")
    files.open()
    files.save_as()
    assert files.new()
    files.open()
    files.save_as()
    folder, file = str(tmp_path), str(tmp_path / "a.nnviz")
    assert begun == [str(Path.home()), folder, file, folder, str(tmp_path / "network.nnviz")]


@pytest.mark.parametrize(
    ("button", "may"),
    [(BUTTONS.Save, True), (BUTTONS.Discard, True), (BUTTONS.Cancel, False), (BUTTONS.NoButton, False)],
)
def test_the_question_about_unsaved_work(
    files: FileActions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    button: QMessageBox.StandardButton,
    may: bool,
) -> None:
    path = tmp_path / "a.nnviz"
    assert files.save_path(path)
    asked = answer(monkeypatch, button)
    assert files.may_discard()
    assert asked == []
    change(files)
    assert files.may_discard() is may
    assert asked == ["a.nnviz has changes that are not saved."]
    assert bool(load_project(path).network.neurons) == (button == BUTTONS.Save)


def test_opening_reads_before_it_asks(files: FileActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, BUTTONS.Cancel)
    change(files)
    assert not files.open_path(tmp_path / "gone.nnviz")
    assert asked == []
    assert not files.open_example(examples()[1])
    assert not files.new()
    assert len(asked) == 2


def test_recent_files(files: FileActions, tmp_path: Path, qtbot: QtBot) -> None:
    assert files.recent() == []
    paths = [tmp_path / f"{k}.nnviz" for k in range(RECENT_COUNT + 2)]
    assert files.save_path(paths[0])
    # A single path comes back from the settings as a text.
    assert files.recent() == [paths[0]]
    for path in paths[1:]:
        with qtbot.waitSignal(files.recent_changed):
            assert files.save_path(path)
    assert files.recent() == paths[:1:-1]
    assert files.open_path(paths[5])
    assert files.recent()[0] == paths[5]
    assert len(files.recent()) == len(set(files.recent())) == RECENT_COUNT
    paths[5].unlink()
    assert paths[5] not in files.recent()
    QSettings().setValue("files/recent", 7)
    assert files.recent() == []
