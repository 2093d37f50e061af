"""Ctrl+C in the terminal, and requests to end: the program ends at once as others do, but leaves no half file."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

# SIGHUP: the terminal is closed; Windows has no such signal.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interruption(QObject):
    """Listens while it lives. A second signal of the same kind does not wait for the first to be heard.

    Python's own handlers are not called while Qt waits for events, and may be called in the midst of a job. So the
    signal arrives through a socket, as an event like any other
    (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._inlet, self._outlet = socket.socketpair()
        for end in (self._inlet, self._outlet):
            end.setblocking(False)
        self._former = signal.set_wakeup_fd(self._inlet.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._outlet.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._end)
        self._formers = {number: signal.signal(number, _let_the_next_one_end_it) for number in SIGNALS}

    def close(self) -> None:
        """Listen no more."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._former)
        for number, former in self._formers.items():
            signal.signal(number, former)
        self._inlet.close()
        self._outlet.close()

    def _end(self) -> None:
        number = self._outlet.recv(1)[0]
        from nnviz_app.export.run import JobRunner

        for widget in QApplication.topLevelWidgets():
            for runner in widget.findChildren(JobRunner):
                runner.stop()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _let_the_next_one_end_it(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
