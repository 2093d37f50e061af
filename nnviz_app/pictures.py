"""Pictures of the window, made by the program itself."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import (
    QMessageLogContext,
    QSettings,
    QSize,
    Qt,
    QtMsgType,
    qFormatLogMessage,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from nnviz_app.main_window import MainWindow
from nnviz_app.theme import Mode, theme

_ALREADY_KNOWN = "This plugin does not support propagateSizeHints()"


@contextmanager
def _without_remark() -> Iterator[None]:
    """Keep what Qt says of each window that is drawn without a display off the terminal; all else is passed on."""

    def handle(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if text == _ALREADY_KNOWN:
            return
        if callable(former):
            former(kind, context, text)
        else:
            print(qFormatLogMessage(kind, context, text), file=sys.stderr)

    former = qInstallMessageHandler(handle)
    try:
        yield
    finally:
        qInstallMessageHandler(former)


@contextmanager
def picture_window(*, size: QSize, mode: Mode, text_scale: float = 1.0) -> Iterator[MainWindow]:
    """A window of this size and theme, with settings of its own, so that a person's are neither used nor changed."""
    with _without_remark(), tempfile.TemporaryDirectory() as folder:
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme().set_mode(mode)
        theme().set_text_scale(text_scale)
        theme().apply(app)
        window = MainWindow()
        window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen, False)
        window.resize(size)
        window.show()
        settle()
        try:
            yield window
        finally:
            window.document.undo_stack.setClean()
            window.close()
            window.deleteLater()
            settle()


def settle() -> None:
    """Let everything that waits in the event loop be done: layout, the late import of the plots, painting."""
    for _ in range(6):
        QApplication.processEvents()


def take_picture(window: MainWindow, path: Path) -> None:
    """Write what the window shows."""
    window.loss_plot.ensure_plot()
    settle()
    if not window.grab().save(str(path)):
        raise OSError(f"{path} could not be written.")
