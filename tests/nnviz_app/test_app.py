"""Starting in a window, and what happens to errors that nobody foresaw."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QSettings, QStandardPaths, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hands import WindowHands

from core.project_file import load_project
from nnviz_app import app, application, assembly
from nnviz_app.examples import examples, first_example
from nnviz_app.main_window import MainWindow
from nnviz_app.theme import theme

# Says what has been imported when the window has been painted for the first time, and whether it is filled later on.
SPY = """
import sys
from PySide6.QtCore import QTimer
from nnviz_app import cli, main_window

class Spied(main_window.MainWindow):
    def __init__(self, **options):
        super().__init__(**options)
        self.painted_first.connect(self.tell)

    def tell(self):
        heavy = ("core", "numpy", "msgspec", "pyqtgraph", "ziamath", "nnviz_app.canvas", "nnviz_app.panels")
        print(self.isVisible(), self.is_filled, [name for name in heavy if name in sys.modules])

    def showEvent(self, event):
        super().showEvent(event)
        if self.is_filled:
            print(self.isVisible(), self.is_filled, self.windowTitle())
            QTimer.singleShot(0, self.close)

main_window.MainWindow = Spied
sys.exit(cli.main(sys.argv[1:]))
"""


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


@pytest.mark.parametrize("opens_file", [False, True])
def test_the_window_is_painted_before_anything_else_is_imported(opens_file: bool, tmp_path: Path) -> None:
    path = tmp_path / "mine.nnviz"
    path.write_bytes(examples()[3].path.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", SPY, *([str(path)] if opens_file else [])],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    name = "mine.nnviz" if opens_file else first_example().title
    assert done.stdout.splitlines() == ["True False []", f"True True {name}[*] – nnviz"]


class Natives(QObject):
    """Counts how often a native window was hidden or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() in (QEvent.Type.Show, QEvent.Type.Hide)
        return False


def settle() -> None:
    for _ in range(8):
        QApplication.processEvents()


def picture(window: MainWindow) -> QImage:
    window.loss_plot.ensure_plot()
    settle()
    return window.grab().toImage()


@pytest.fixture
def make_frame(qapp: QApplication, qtbot: QtBot) -> Iterator[Callable[[], MainWindow]]:
    """Makes frames that have been painted and wait to be filled."""
    windows: list[MainWindow] = []
    theme().apply(qapp)

    def make() -> MainWindow:
        window = MainWindow(fill_later=True)
        windows.append(window)
        window.setGeometry(40, 40, 1300, 740)
        with qtbot.waitSignal(window.painted_first), qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()
    settle()


def test_a_frame_has_the_theme_and_no_parts(make_frame: Callable[[], MainWindow]) -> None:
    frame = make_frame()
    assert not frame.is_filled
    assert frame.windowTitle() == "nnviz"
    image = frame.grab().toImage()
    colors = {image.pixelColor(x, y).name() for x in range(0, 1300, 50) for y in range(0, 740, 50)}
    assert colors == {theme().palette.canvas.name()}


def test_a_frame_that_is_filled_looks_like_a_window_made_at_once(make_frame: Callable[[], MainWindow]) -> None:
    frame = make_frame()
    natives = Natives()
    frame.windowHandle().installEventFilter(natives)
    place = frame.geometry()
    frame.fill()
    frame.open_example(first_example())
    frame.show()
    settle()
    assert natives.count == 0
    assert frame.geometry() == place
    assert frame.isVisible()
    assert QApplication.focusWidget() is frame.view
    filled = picture(frame)
    frame.close()

    window = MainWindow()
    window.setGeometry(place)
    window.open_example(first_example())
    window.show()
    settle()
    try:
        assert filled == picture(window)
    finally:
        window.close()
        window.deleteLater()


def test_a_frame_takes_the_arrangement_of_the_last_time(make_frame: Callable[[], MainWindow]) -> None:
    first = make_frame()
    first.fill()
    first.show()
    first.docks["Map"].close()
    settle()
    width = first.docks["Data"].width()
    first.close()
    again = make_frame()
    again.fill()
    again.show()
    settle()
    assert again.docks["Map"].isHidden()
    assert again.docks["Data"].width() == width


def test_a_frame_remembers_the_full_screen(make_frame: Callable[[], MainWindow]) -> None:
    frame = make_frame()
    frame.setWindowState(Qt.WindowState.WindowFullScreen)
    settle()
    frame.fill()
    frame.show()
    assert frame.isFullScreen()
    assert frame.actions_by_name["full_screen"].isChecked()


def test_a_frame_closed_at_once_stays_empty(make_frame: Callable[[], MainWindow]) -> None:
    frame = make_frame()
    frame.close()
    app._fill(frame, None)
    assert not frame.is_filled
    assert not frame.isVisible()
    # The panels of the last time stay as they were.
    assert QSettings().value("window/state") is None


def test_a_frame_that_cannot_be_filled_ends_the_program(
    make_frame: Callable[[], MainWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_window: MainWindow) -> None:
        raise ValueError("a part is missing")

    codes: list[int] = []
    monkeypatch.setattr(assembly, "assemble", fail)
    monkeypatch.setattr(QApplication, "exit", codes.append)
    with pytest.raises(ValueError, match="a part is missing"):
        app._fill(make_frame(), None)
    assert codes == [1]


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
