"""Running a job between the window's events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.errors import ExportError
from core.jobs import Job, Progress, Written
from core.whole_files import new_file
from nnviz_app.export.run import LONG_SLICE, JobRunner


def counting(path: Path, parts: int, work: Callable[[], object] = lambda: None) -> Job:
    """A job of `parts` parts, each a line in a file."""
    with new_file(path) as file, file.open("w") as out:
        for part in range(parts):
            work()
            out.write(f"{part}\n")
            yield Progress(part + 1, parts, "Writing lines")
    return Written((path,), (f"{parts} lines.",))


@pytest.fixture
def runner(qtbot: QtBot) -> JobRunner:
    return JobRunner()


def test_a_job_runs_to_its_end_and_says_how_far_it_is(qtbot: QtBot, runner: JobRunner, tmp_path: Path) -> None:
    path, seen = tmp_path / "lines.txt", []
    runner.progressed.connect(seen.append)
    with qtbot.waitSignal(runner.finished) as finished:
        runner.start(counting(path, 40, lambda: time.sleep(0.002)))
        assert runner.is_running
    assert finished.args == [Written((path,), ("40 lines.",))]
    assert not runner.is_running
    assert len(path.read_text().splitlines()) == 40
    # Several slices, and in each as many parts as it has time for.
    done = [progress.done for progress in seen]
    assert 2 <= len(done) < 40
    assert done == sorted(set(done))


def test_the_window_answers_while_a_job_runs(qtbot: QtBot, runner: JobRunner, tmp_path: Path) -> None:
    beats: list[float] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start()
    with qtbot.waitSignal(runner.finished):
        runner.start(counting(tmp_path / "lines.txt", 100, lambda: time.sleep(0.003)))
    timer.stop()
    assert len(beats) >= 8


def test_a_stopped_job_leaves_nothing_and_is_not_heard_of_again(
    qtbot: QtBot, runner: JobRunner, tmp_path: Path
) -> None:
    heard: list[object] = []
    for signal in (runner.finished, runner.failed):
        signal.connect(heard.append)
    with qtbot.waitSignal(runner.progressed):
        runner.start(counting(tmp_path / "lines.txt", 10**9))
    assert list(tmp_path.iterdir())
    with qtbot.waitSignal(runner.stopped):
        runner.stop()
    assert not list(tmp_path.iterdir())
    assert not runner.is_running
    runner.stop()
    assert not heard


def test_a_failure_is_one_sentence(qtbot: QtBot, runner: JobRunner, tmp_path: Path) -> None:
    with qtbot.waitSignal(runner.failed) as failed:
        runner.start(counting(tmp_path / "none" / "lines.txt", 3))
    assert failed.args == [
        f"{tmp_path / 'none' / 'lines.txt'} cannot be written: there is no folder {tmp_path / 'none'}, "
        "so choose another place."
    ]
    assert not runner.is_running


def test_another_job_takes_the_place_of_the_first(qtbot: QtBot, runner: JobRunner, tmp_path: Path) -> None:
    with qtbot.waitSignal(runner.progressed):
        runner.start(counting(tmp_path / "first.txt", 10**9))
    with qtbot.waitSignal(runner.finished):
        runner.start(counting(tmp_path / "second.txt", 3))
    assert [path.name for path in tmp_path.iterdir()] == ["second.txt"]


def test_a_mistake_of_the_program_is_reported_and_ends_the_job(qtbot: QtBot, runner: JobRunner) -> None:
    def wrong() -> Job:
        yield Progress(0, 1, "Dividing")
        return Written((), (str(1 / 0),))

    with qtbot.captureExceptions() as exceptions, qtbot.waitSignal(runner.failed) as failed:
        runner.start(wrong())
    assert failed.args == ["Nothing was written: nnviz made a mistake (ZeroDivisionError: division by zero)."]
    assert [kind for kind, *_ in exceptions] == [ZeroDivisionError]
    assert not runner.is_running


def test_a_job_that_fails_at_once_says_so(qtbot: QtBot, runner: JobRunner) -> None:
    def refused() -> Job:
        raise ExportError("There is nothing to export: draw a network first.")
        yield

    with qtbot.waitSignal(runner.failed) as failed:
        runner.start(refused())
    assert failed.args == ["There is nothing to export: draw a network first."]


def test_a_button_pressed_by_its_key_stops_a_job_of_long_slices(qtbot: QtBot, runner: JobRunner) -> None:
    """Such a button is held down for 100 ms, which another slice would outlast, and another one after it."""
    button = QPushButton("&Stop")
    qtbot.addWidget(button)
    button.show()
    button.clicked.connect(runner.stop)
    slices = []

    def job() -> Generator[int, None, None]:
        while True:
            slices.append(len(slices))
            if len(slices) == 2:
                QTimer.singleShot(0, button.animateClick)
            time.sleep(1.5 * LONG_SLICE)
            yield 0

    with qtbot.waitSignal(runner.stopped):
        runner.start(job())
    assert len(slices) == 2
