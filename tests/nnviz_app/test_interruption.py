"""Signals to the window in the middle of an export."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")

# Opens the window, begins a job that does not end, and says so when it has written something. After a "stuck" the
# window hears of nothing any more.
CHILD = """
import signal, sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from core.whole_files import new_folder
from nnviz_app import app
from nnviz_app.export.run import JobRunner
from nnviz_app.main_window import MainWindow

goal, how = Path(sys.argv[1]), sys.argv[2]
app.qt_problem = app.display_problem = lambda: None

def job():
    with new_folder(goal) as folder:
        (folder / "part.txt").write_text("a part")
        print("begun", flush=True)
        while True:
            if how == "stuck":
                time.sleep(60)
            yield 0

class Spied(MainWindow):
    def showEvent(self, event):
        super().showEvent(event)
        if self.is_filled:
            self.runner = JobRunner(self)
            QTimer.singleShot(0, lambda: self.runner.start(job()))

import nnviz_app.main_window
nnviz_app.main_window.MainWindow = Spied
sys.exit(app.run_app())
"""


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    children = []

    def begin(how: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "goal"), how],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        return child

    yield begin
    for child in children:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_window_and_no_half_file_stays(start: Start, tmp_path: Path, name: str) -> None:
    child = start("busy")
    assert list(tmp_path.iterdir())
    child.send_signal(getattr(signal, name))
    assert child.wait(timeout=600) == -getattr(signal, name)
    assert not list(tmp_path.iterdir())


def test_a_second_signal_ends_a_window_that_answers_no_more(start: Start) -> None:
    child = start("stuck")
    while child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
    assert child.returncode == -signal.SIGINT
