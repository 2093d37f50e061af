"""What all tests share: no real display, no real settings, hypothesis profiles."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from patient_bot import PatientBot

# Before any application is created. NNVIZ_TEST_PLATFORM=xcb runs the same tests in real windows.
os.environ["QT_QPA_PLATFORM"] = os.environ.get("NNVIZ_TEST_PLATFORM") or "offscreen"

settings.register_profile("dev", max_examples=50, deadline=None)
# The same examples in every run, so that it is a change that fails here, and not chance, ...
settings.register_profile("ci", max_examples=60, deadline=None, print_blob=True, derandomize=True)
# ... and many new ones where somebody looks for what nobody thought of.
settings.register_profile("explore", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

CORE_TESTS = Path(__file__).parent / "core"


@pytest.fixture(autouse=True)
def own_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path | None:
    """Give each test outside tests/core empty settings of its own; its folder is the fixture's value.

    Programs that a test starts inherit them through the environment.
    """
    if request.path.is_relative_to(CORE_TESTS):
        return None
    folder = tmp_path_factory.mktemp("settings")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QCoreApplication, QSettings

        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            for file_format in (QSettings.Format.IniFormat, QSettings.Format.NativeFormat):
                QSettings.setPath(file_format, scope, str(folder / scope.name))
        QCoreApplication.setOrganizationName("nnviz-tests")
        QCoreApplication.setApplicationName("nnviz-tests")
    return folder


@pytest.fixture
def qtbot(request: pytest.FixtureRequest, qapp: object) -> PatientBot:
    """pytest-qt's fixture of this name, with more patience."""
    from patient_bot import PatientBot

    return PatientBot(request)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Take Qt's objects down in order: left to the interpreter's end, they can outlive what they use."""
    if "PySide6.QtWidgets" not in sys.modules:
        return
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    if not isinstance(QApplication.instance(), QApplication):
        return
    QApplication.clipboard().clear()
    for widget in QApplication.topLevelWidgets():
        widget.hide()
        widget.deleteLater()
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()
    gc.collect()
