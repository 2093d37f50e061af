"""Starting the program: in a window where there is a display, else as a walk in text and pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz_app.platform import display_problem, qt_problem

if TYPE_CHECKING:
    from types import TracebackType

    from nnviz_app.main_window import MainWindow


def run_app(path: Path | None = None) -> int:
    """Open the window on `path` (without it, on the first worked example); return the exit code.

    Where no window can be opened, says why in one line and walks through the project in text and pictures.
    """
    reason = qt_problem()
    if reason:
        from nnviz_app.walk import walk

        return walk(path, reason=reason, pictures=False)
    reason = display_problem()
    if reason:
        from nnviz_app.walk import walk

        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        return walk(path, reason=reason, pictures=True)
    return _run_window(path)


def _run_window(path: Path | None) -> int:
    """Show an empty frame at once, which takes neither numpy nor the engine, and fill it when it has been painted."""
    from PySide6.QtWidgets import QApplication

    from nnviz_app.application import make_application
    from nnviz_app.garbage import Collector
    from nnviz_app.interruption import Interruption
    from nnviz_app.theme import theme

    app = make_application(sys.argv[:1])
    theme().apply(app)

    from nnviz_app.main_window import MainWindow

    window = MainWindow(fill_later=True)
    interruption, collector = Interruption(window), Collector(app)
    window.painted_first.connect(lambda: _fill(window, path))
    window.show()
    try:
        return QApplication.exec()
    finally:
        collector.close()
        interruption.close()


def _fill(window: MainWindow, path: Path | None) -> None:
    from PySide6.QtWidgets import QApplication

    if not window.isVisible():
        # Closed at once.
        return
    try:
        window.fill()
        from nnviz_app.examples import first_example

        if path is None or not window.open_path(path):
            problem = window.notice.text
            window.open_example(first_example())
            if problem:
                window.show_error(problem)
        window.show()
    except BaseException:
        # An empty frame that stays would be of no use.
        QApplication.exit(1)
        raise
    sys.excepthook = _Rescue(window)


class _Rescue:
    """What happens to an error that nobody foresaw: details go to a log, one sentence to the person."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        import traceback
        from datetime import datetime

        from PySide6.QtCore import QStandardPaths

        details = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(details)
        folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation))
        log = folder / "errors.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}\n{details}\n")
            where = f"the details are in {log}"
        except OSError:
            where = "the details are in the terminal"
        self.window.show_error(
            f"Something went wrong that should not have; {where}. Save your work under another name to be safe."
        )
