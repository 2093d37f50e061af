from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnviz_app import platform

DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM")


@pytest.fixture(autouse=True)
def bare_linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Linux machine without any display, with all of Qt's libraries."""
    for name in DISPLAY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(platform, "_is_linux", lambda: True)
    monkeypatch.setattr(platform, "_load_error", lambda file: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)


@pytest.fixture
def pyside_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A stand-in for the folder of the PySide6 wheel."""
    plugins = tmp_path / "PySide6" / "Qt" / "plugins" / "platforms"
    plugins.mkdir(parents=True)
    (plugins / "libqxcb.so").touch()
    (plugins / "libqwayland.so").touch()
    libraries = tmp_path / "PySide6" / "Qt" / "lib"
    libraries.mkdir()
    (libraries / "libQt6Widgets.so.6").touch()
    monkeypatch.setattr(platform, "_pyside_folder", lambda: tmp_path / "PySide6")
    return tmp_path / "PySide6"


@pytest.fixture
def x_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(platform, "_x11_answers", lambda: True)


@pytest.fixture
def compositor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something that listens where a Wayland compositor would."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("needs Unix sockets")
    folder = tempfile.mkdtemp(dir="/tmp")  # the path of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/wayland-7")
        server.listen()
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
        yield
    shutil.rmtree(folder)


def lose(monkeypatch: pytest.MonkeyPatch, *lost: str) -> None:
    """Let these libraries be missing, and those files that need them not load."""

    def load_error(file: str) -> str | None:
        return f"{file}: cannot open shared object file" if Path(file).name in lost else None

    monkeypatch.setattr(platform, "_load_error", load_error)


def assert_sentence(text: str | None) -> str:
    assert text is not None
    assert text[0].isupper()
    assert text.endswith(".")
    assert "\n" not in text
    return text


# ------------------------------------------------------------------------------------------------- displays


@pytest.mark.parametrize("display", [None, ""])
def test_no_display(monkeypatch: pytest.MonkeyPatch, display: str | None) -> None:
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.setenv("WAYLAND_DISPLAY", display)
    assert platform.display_problem() == "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."


def test_wayland_session_without_any_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    assert platform.display_problem() == "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."


@pytest.mark.usefixtures("x_server", "pyside_folder")
def test_x11() -> None:
    assert platform.display_problem() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 through libxcb is for Linux")
def test_x11_display_that_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ldconfig") is None or "libxcb.so.1" not in subprocess.getoutput("ldconfig -p"):
        pytest.skip("needs libxcb")
    monkeypatch.setenv("DISPLAY", ":7654")
    assert ":7654 cannot be connected to" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("compositor", "pyside_folder")
def test_wayland() -> None:
    assert platform.display_problem() is None


@pytest.mark.usefixtures("pyside_folder")
def test_wayland_display_that_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    assert "wayland-7 cannot be connected to" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("x_server", "pyside_folder")
def test_x11_helps_where_wayland_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    assert platform.display_problem() is None


@pytest.mark.usefixtures("compositor")
def test_chosen_x11_on_a_wayland_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert platform.display_problem() == "There is no X11 display: DISPLAY is not set."


@pytest.mark.parametrize("chosen", ["offscreen", "minimal", "vnc:size=800x600", "xcb;offscreen"])
def test_platforms_that_need_no_display(monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", chosen)
    assert platform.display_problem() is None


def test_other_systems_always_have_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "_is_linux", lambda: False)
    assert platform.display_problem() is None
    assert platform.qt_problem() is None


# ------------------------------------------------------------------------------------------------ libraries


@pytest.mark.usefixtures("x_server", "pyside_folder")
def test_missing_libraries_of_the_xcb_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "libxcb-icccm.so.4", "libxcb-cursor.so.0")
    assert platform.display_problem() == (
        "Qt's xcb plugin cannot load libxcb-cursor.so.0, libxcb-icccm.so.4 "
        "(on Debian or Ubuntu: sudo apt-get install libxcb-cursor0 libxcb-icccm4)."
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "Ubuntu: apt-get install" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("x_server", "pyside_folder")
def test_xcb_plugin_that_does_not_load_for_an_unknown_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "libqxcb.so")
    assert "Qt's xcb plugin cannot be loaded" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("compositor", "pyside_folder")
def test_missing_libraries_of_the_wayland_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "libwayland-cursor.so.0")
    assert "apt-get install libwayland-cursor0" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("x_server", "pyside_folder")
def test_missing_libraries_are_told_before_a_display_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    lose(monkeypatch, "libxcb-keysyms.so.1")
    assert "libxcb-keysyms1" in assert_sentence(platform.display_problem())


@pytest.mark.usefixtures("x_server")
def test_without_plugin_files_the_distribution_is_trusted(monkeypatch: pytest.MonkeyPatch, pyside_folder: Path) -> None:
    shutil.rmtree(pyside_folder / "Qt" / "plugins")
    lose(monkeypatch, "libxcb-cursor.so.0")
    assert platform.display_problem() is None


@pytest.mark.usefixtures("pyside_folder")
def test_missing_libraries_of_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert platform.qt_problem() is None
    lose(monkeypatch, "libEGL.so.1", "libGL.so.1")
    assert platform.qt_problem() == (
        "Qt cannot load libEGL.so.1, libGL.so.1 (on Debian or Ubuntu: sudo apt-get install libegl1 libgl1)."
    )


@pytest.mark.usefixtures("pyside_folder")
def test_qt_that_does_not_load_for_an_unknown_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "libQt6Widgets.so.6")
    assert "Qt cannot be loaded" in assert_sentence(platform.qt_problem())


def test_no_pyside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "_pyside_folder", lambda: None)
    assert "PySide6 is not installed" in assert_sentence(platform.qt_problem())


# ------------------------------------------------------------------------------------------ this very machine


def test_this_machine_has_what_the_tests_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert platform.qt_problem() is None


def test_looking_imports_no_qt_and_starts_nothing() -> None:
    code = (
        "import sys; from nnviz_app import platform; platform.qt_problem(); platform.display_problem();"
        "print([name for name in sys.modules if name.startswith(('PySide6', 'shiboken6'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
