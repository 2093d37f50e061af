"""Starting in a window, and what happens to errors that nobody foresaw."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QApplication
from window_hands import WindowHands

from core.project_file import load_project
from nnviz_app import app, application
from nnviz_app.examples import examples, first_example
from nnviz_app.main_window import MainWindow


class Start:
    """The start of the program: run until the event loop would begin."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> None:
        self.windows: list[MainWindow] = []
        monkeypatch.setattr(app, "qt_problem", lambda: None)
        monkeypatch.setattr(app, "display_problem", lambda: None)
        monkeypatch.setattr(application, "make_application", lambda _arguments: qapp)
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def _exec(self) -> int:
        for _ in range(4):
            QApplication.processEvents()
        self.windows += [
            w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w not in self.before
        ]
        return 7

    def __call__(self, path: Path | None = None) -> MainWindow:
        self.before = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
        assert app.run_app(path) == 7
        return self.windows[-1]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Iterator[Start]:
    handler = signal.getsignal(signal.SIGINT)
    start = Start(monkeypatch, qapp)
    monkeypatch.setattr(QApplication, "exec", start._exec)
    yield start
    signal.signal(signal.SIGINT, handler)
    for window in start.windows:
        window.document.undo_stack.setClean()
        window.close()
        window.deleteLater()
    QApplication.processEvents()


def test_the_first_start_opens_the_worked_example(start: Start) -> None:
    window = start()
    assert window.isVisible()
    assert window.document.project.title == load_project(first_example().path).title
    assert window.examples_panel.list.currentRow() == 0
    assert "right arrow" in window.transport.caption.accessibleName()
    assert window.notice.text == ""
    assert not window.isWindowModified()


def test_a_file_is_opened(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "mine.nnviz"
    path.write_bytes(examples()[3].path.read_bytes())
    window = start(path)
    assert window.document.path == path
    assert window.windowTitle().startswith("mine.nnviz")


def test_a_bad_file_is_one_sentence_above_the_worked_example(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "bad.nnviz"
    path.write_text("{", encoding="utf-8")
    window = start(path)
    assert window.document.project.title == load_project(first_example().path).title
    assert window.document.path is None
    assert window.notice.text.startswith("bad.nnviz: ")


@pytest.fixture
def rescue(hands: WindowHands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], str]:
    """Lets an error with this text happen and returns what stands above the canvas."""
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda _place: str(tmp_path / "data" / "nnviz"))

    def happen(text: str) -> str:
        try:
            raise ValueError(text)
        except ValueError as error:
            app._Rescue(hands.window)(type(error), error, error.__traceback__)
        return hands.notice

    return happen


def test_an_unforeseen_error_goes_to_the_log(
    rescue: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "data" / "nnviz" / "errors.log"
    sentence = rescue("first fault")
    assert str(log) in sentence
    assert "Save your work" in sentence
    assert "Traceback" not in sentence
    rescue("second fault")
    text = log.read_text(encoding="utf-8")
    assert text.count("Traceback") == 2
    assert "ValueError: first fault" in text
    assert text.index("first fault") < text.index("second fault")
    assert "ValueError: second fault" in capsys.readouterr().err


def test_where_no_log_can_be_written_the_terminal_has_it(
    rescue: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("a file where the folder would be", encoding="utf-8")
    assert "the details are in the terminal" in rescue("a fault")
    assert "ValueError: a fault" in capsys.readouterr().err
