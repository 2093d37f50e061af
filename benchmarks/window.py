"""How live the window stays while a run goes on, how fast the run stays meanwhile, and how soon the window is there.

Run as ``python benchmarks/window.py``; see benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.page import make_section, write_section  # noqa: E402

# Milliseconds between two frames that are asked for, and between two moves of the pointer.
FRAME, HAND = 16, 100
# Training that takes longer than any measurement.
ENDLESS = 10**7

# Writes the time in nanoseconds to its output now and then, from a process of its own: it waits for nobody.
HAND_CODE = """
import os, struct, sys, time
while True:
    time.sleep(float(sys.argv[1]))
    os.write(1, struct.pack("q", time.monotonic_ns()))
"""
# Prints the moment when what is watched has been painted for the first time, and ends.
WATCH_CODE = """
import os, sys, time
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QMainWindow

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            # Comes before all else when the whole window has been painted.
            QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), Qt.EventPriority.HighEventPriority.value)
        return False

    def customEvent(self, event):
        os.write(1, f"{time.monotonic()}".encode())
        os._exit(0)

run, watch = QApplication.exec, Watch()
def watched_run():
    look(next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow)))
    return run()
QApplication.exec = staticmethod(watched_run)
"""
# What is watched: the middle of the window as it is first, or the canvas, which is there when the window is filled.
PAINTED_CODE = """
def look(window):
    window.centralWidget().installEventFilter(watch)
"""
FILLED_CODE = """
def look(window):
    fill = window.fill
    def watched_fill():
        fill()
        window.view.viewport().installEventFilter(watch)
    window.fill = watched_fill
"""
BARE_CODE = """
from PySide6.QtWidgets import QLabel
app = QApplication([])
window = QMainWindow()
window.setCentralWidget(QLabel("Hello"))
window.show()
QApplication.exec()
"""
PROGRAM_CODE = """
sys.argv = ["nnviz"]
from nnviz_app.cli import main
main()
"""


def percentile(numbers: list[float], share: int) -> float:
    """The `share`th percentile of numbers, without interpolation."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


# ------------------------------------------------------------------------------------------------ while a run goes on


def make_spiral() -> Any:
    """The project: two spirals and a 2-8-8-8-1 network of tanh, batches of 10."""
    from nnviz_app.gallery import GALLERY, make_project

    entry = GALLERY["playground_spiral"]
    settings = replace(entry.settings, optimizer="sgd", learning_rate=0.01, batch_size=10)
    return make_project(replace(entry, hidden=(8, 8, 8), settings=settings))


def headless_speed(project: Any, seconds: float) -> float:
    """Updates per second of the run alone."""
    from core.training import Run

    run = Run(project)
    start = time.perf_counter()
    steps = run.train(0, project.settings, epochs=ENDLESS)
    for _ in steps:
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            break
    made = run.last
    steps.close()
    return made / elapsed


def open_all(window: Any) -> None:
    """Every panel in sight: those behind another one are taken out of the window, beside each other."""
    docks = list(window.docks.values())
    for dock in docks:
        dock.show()
    behind = {title for pile in sys.modules["nnviz_app.docks"].PILES for title in pile[1:]}
    for place, dock in enumerate(dock for dock in docks if dock.windowTitle() in behind):
        dock.setFloating(True)
        dock.resize(480, 380)
        dock.move(40 + 500 * (place % 3), 40 + 400 * (place // 3))
        dock.show()


class Watcher:
    """Asks for a frame every 16 ms, moves the pointer when the hand says so, and notes when both were served."""

    def __init__(self, window: Any) -> None:
        from PySide6.QtCore import QSocketNotifier, Qt, QTimer
        from PySide6.QtWidgets import QWidget

        watcher = self
        self.view = window.view
        self.frames: list[float] = []
        self.canvas: list[float] = []
        self.answers: list[float] = []
        self._waiting: list[float] = []
        self._place = 0

        class Spot(QWidget):
            def paintEvent(self, event: Any) -> None:  # noqa: N802
                watcher.frames.append(time.monotonic())

        self.spot = Spot()
        self.spot.setFixedSize(12, 12)
        window.statusBar().addPermanentWidget(self.spot)
        type(self.view).paintEvent = self._timed(type(self.view).paintEvent)
        network = window.document.project.network
        self.neurons = [neuron.id for neuron in network.neurons.values() if neuron.role == "hidden"]
        self._timer = QTimer(window, interval=FRAME)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.spot.update)
        self.hand = subprocess.Popen([sys.executable, "-c", HAND_CODE, str(HAND / 1000)], stdout=subprocess.PIPE)
        assert self.hand.stdout is not None
        self._pipe = self.hand.stdout.fileno()
        self._notifier = QSocketNotifier(self._pipe, QSocketNotifier.Type.Read, window)
        self._notifier.activated.connect(self._move)

    def _timed(self, paint: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def timed(view: Any, event: Any) -> None:
            paint(view, event)
            now = time.monotonic()
            self.canvas.append(now)
            self.answers += [now - asked for asked in self._waiting]
            self._waiting.clear()

        return timed

    def _move(self) -> None:
        """The pointer goes from one neuron to another: the canvas has to be painted with the highlight."""
        from PySide6.QtCore import QEvent, QPointF, Qt
        from PySide6.QtGui import QMouseEvent
        from PySide6.QtWidgets import QApplication

        self._waiting += [ns / 1e9 for (ns,) in struct.iter_unpack("q", os.read(self._pipe, 8 * 64))]
        self._place = (self._place + 5) % len(self.neurons)
        point = self.view.mapFromScene(self.view.canvas_scene.neuron_rect(self.neurons[self._place]).center())
        viewport, none = self.view.viewport(), Qt.MouseButton.NoButton
        where, there = QPointF(point), QPointF(viewport.mapToGlobal(point))
        kind, keys = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(viewport, QMouseEvent(kind, where, there, none, none, keys))

    def watch(self, seconds: float) -> None:
        """Let the window live so long, and forget what was before."""
        from PySide6.QtCore import QEventLoop, QTimer

        for noted in (self.frames, self.canvas, self.answers):
            noted.clear()
        self._timer.start()
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()
        self._timer.stop()


def live(seconds: float, *, kernel: bool, profile: str = "") -> dict[str, Any]:
    """One measurement: the run alone, the run in the window, the run alone again."""
    from core import fast_kernel
    from nnviz_app.application import make_application
    from nnviz_app.theme import theme

    if kernel:
        fast_kernel.prepare()
    else:
        fast_kernel.available = lambda: False
    app = make_application(sys.argv[:1])
    theme().apply(app)
    from nnviz_app.main_window import MainWindow

    window = MainWindow()
    window.preferences.set_shows_maps(True)
    window.resize(1600, 1000)
    window.document.open_project(make_spiral())
    window.show()
    open_all(window)
    watcher = Watcher(window)
    watcher.watch(4.0)
    rest = summary(watcher)
    speeds = [headless_speed(window.document.project, seconds / 2)]
    window.trainer.start(ENDLESS)
    watcher.watch(1.0)
    first, start = window.document.project.updates, time.monotonic()
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.enable()
    watcher.watch(seconds)
    if profile:
        profiler.disable()
        profiler.dump_stats(profile)
    made, elapsed = window.document.project.updates - first, time.monotonic() - start
    window.trainer.shutdown()
    watcher.hand.kill()
    speeds.append(headless_speed(make_spiral(), seconds / 2))
    panels = [title for title, dock in window.docks.items() if dock.widget().isVisible()]
    return {
        **summary(watcher),
        "rest": rest,
        "panels": panels,
        "canvas": len(watcher.canvas) / elapsed,
        "updates": made / elapsed,
        "headless": statistics.mean(speeds),
        "speed": made / elapsed / statistics.mean(speeds),
    }


def summary(watcher: Watcher) -> dict[str, list[float]]:
    """Milliseconds: the median, 95th and 99th percentile and worst of the times between frames and of the answers."""
    gaps = [1000 * (after - before) for before, after in zip(watcher.frames, watcher.frames[1:], strict=False)]
    answers = [1000 * seconds for seconds in watcher.answers]
    return {
        name: [percentile(numbers, share) for share in (50, 95, 99)] + [max(numbers)]
        for name, numbers in (("frame", gaps), ("answer", answers))
    }


# ------------------------------------------------------------------------------------------------ start


def seconds_to(code: str) -> float:
    """Seconds from the start of a Python process to what its code prints, or to its end."""
    start = time.monotonic()
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True).stdout
    return (float(printed) if printed else time.monotonic()) - start


def trace_seconds() -> float:
    """Seconds that `nnviz trace` takes as a whole, for the first example."""
    example = ROOT / "resources" / "examples"
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "nnviz_app", "trace", str(next(iter(sorted(example.glob("*.nnviz")))))],
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    return time.monotonic() - start


def starts(rounds: int) -> dict[str, list[float]]:
    """Seconds of every start, all in turn; a first round to warm up is left out."""
    contestants: dict[str, Callable[[], float]] = {
        "bare": lambda: seconds_to(WATCH_CODE + PAINTED_CODE + BARE_CODE),
        "frame": lambda: seconds_to(WATCH_CODE + PAINTED_CODE + PROGRAM_CODE),
        "window": lambda: seconds_to(WATCH_CODE + FILLED_CODE + PROGRAM_CODE),
        "numpy": lambda: seconds_to("import numpy"),
        "trace": trace_seconds,
    }
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            seconds = run()
            if turn:
                taken[name].append(seconds)
    return taken


# ------------------------------------------------------------------------------------------------ the report


def live_rows(measured: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The rows about the window while a run goes on."""
    rows = []
    for title, rounds in measured.items():
        frame, answer = (
            [statistics.median(found[name][place] for found in rounds) for place in (1, 2, 3)]
            for name in ("frame", "answer")
        )
        rows.append(
            f"| {title} | {' | '.join(f'{number:.0f}' for number in (*frame, *answer))} "
            f"| {statistics.median(found['headless'] for found in rounds):,.0f} "
            f"| {statistics.median(found['updates'] for found in rounds):,.0f} "
            f"| {statistics.median(found['speed'] for found in rounds):.0%} |"
        )
    return rows


def start_rows(taken: dict[str, list[float]]) -> list[str]:
    """The rows about starting."""
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    rows = []
    for ours, theirs, title, than in (
        ("frame", "bare", "window painted, empty", "a `QMainWindow` with a label"),
        ("window", "bare", "window painted with all its parts", "the same"),
        ("trace", "numpy", "`nnviz trace`", "`import numpy`"),
    ):
        ratio = statistics.median(a / b for a, b in zip(taken[ours], taken[theirs], strict=True))
        rows.append(f"| {title} | {middle[ours]:.2f} | {than} | {middle[theirs]:.2f} | {ratio:.1f} |")
    return rows


def report(
    measured: dict[str, list[dict[str, Any]]], taken: dict[str, list[float]], *, seconds: float, where: str
) -> str:
    """The section for docs/benchmarks.md."""
    import numpy
    import PySide6

    panels = next(iter(measured.values()))[0]["panels"]
    return make_section(
        "Window",
        [
            "While a 2-8-8-8-1 network of tanh is trained on two spirals in batches of 10, with all",
            f"{len(panels)} panels in sight and maps in the neurons: the time between two frames, of which one is",
            f"asked for every {FRAME} ms; the time from a move of the pointer, which another process makes every",
            f"{HAND} ms, until the canvas has been painted with what it points at; and updates per second beside",
            "those of the same run alone in the same process. Medians of what each of",
            f"{len(next(iter(measured.values())))} rounds of {seconds:.0f} s came to, {where}.",
            "",
            "| | frames, ms: 95 % | 99 % | worst | answers, ms: 95 % | 99 % | worst "
            "| updates per second, alone | in the window | share |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *live_rows(measured),
            "",
            f"From the start of the process, in seconds, medians of {len(taken['bare'])} starts in turn:",
            "",
            "| | seconds | beside | seconds | median of the ratios |",
            "| --- | ---: | --- | ---: | ---: |",
            *start_rows(taken),
        ],
        script="window.py",
        versions=[f"numpy {numpy.__version__}", f"PySide6 {PySide6.__version__}"],
    )


def measure(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """What every round came to, with numpy and with the compiled kernel in turn, each in a process of its own."""
    from core import fast_kernel

    kinds = {"numpy": "numpy"} | ({"compiled kernel": "kernel"} if fast_kernel.available() else {})
    measured: dict[str, list[dict[str, Any]]] = {title: [] for title in kinds}
    for _ in range(options.rounds):
        for title, kind in kinds.items():
            arguments = ["--live", kind, "--seconds", str(options.seconds)]
            run = subprocess.run(
                [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT
            )
            measured[title].append(json.loads(run.stdout.splitlines()[-1]))
            print(title, run.stdout.splitlines()[-1], file=sys.stderr, flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median is taken")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each round looks at the window")
    parser.add_argument("--starts", type=int, default=7, help="starts of which the median is taken")
    parser.add_argument("--platform", default="offscreen", help="Qt's platform: offscreen, or xcb for a display")
    parser.add_argument("--live", choices=("numpy", "kernel"), help="one measurement in this process, as JSON")
    parser.add_argument("--profile", default="", help="with --live: a file for the profile of the window's thread")
    parser.add_argument("--dry-run", action="store_true", help="print, but leave docs/benchmarks.md alone")
    options = parser.parse_args()
    if options.live:
        print(json.dumps(live(options.seconds, kernel=options.live == "kernel", profile=options.profile)))
        sys.stdout.flush()
        os._exit(0)
    os.environ["QT_QPA_PLATFORM"] = options.platform
    with tempfile.TemporaryDirectory() as folder:
        # A person's own settings must neither matter nor be changed.
        os.environ["XDG_CONFIG_HOME"] = folder
        # What is installed is compiled already.
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        where = "without a display" if options.platform == "offscreen" else f"on Qt's platform {options.platform}"
        section = report(measure(options), starts(options.starts), seconds=options.seconds, where=where)
    print(section)
    if not options.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
