"""Whether Qt can start here, found out without starting it.

Qt aborts the process when it finds no display or when a shared library of its window plugin is missing, so
the program has to look before it creates the application:

- ``qt_problem()``: can PySide6 be imported at all? If not, nothing can be drawn, not even offscreen.
- ``display_problem()``: can a window be opened? If not, ``QT_QPA_PLATFORM=offscreen`` still draws pictures.

Both return ``None`` or one sentence for the user, and neither imports PySide6. On Windows and macOS the
wheels carry all that Qt needs, and there is always a display.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

# The shared libraries that the PySide6 wheels take from the system, and the Debian packages that hold them.
_QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
_PLUGIN_LIBRARIES = {
    "wayland": {
        "libwayland-client.so.0": "libwayland-client0",
        "libwayland-cursor.so.0": "libwayland-cursor0",
    },
    "xcb": {
        "libX11.so.6": "libx11-6",
        "libX11-xcb.so.1": "libx11-xcb1",
        "libxcb.so.1": "libxcb1",
        "libxcb-cursor.so.0": "libxcb-cursor0",
        "libxcb-icccm.so.4": "libxcb-icccm4",
        "libxcb-image.so.0": "libxcb-image0",
        "libxcb-keysyms.so.1": "libxcb-keysyms1",
        "libxcb-randr.so.0": "libxcb-randr0",
        "libxcb-render.so.0": "libxcb-render0",
        "libxcb-render-util.so.0": "libxcb-render-util0",
        "libxcb-shape.so.0": "libxcb-shape0",
        "libxcb-shm.so.0": "libxcb-shm0",
        "libxcb-sync.so.1": "libxcb-sync1",
        "libxcb-util.so.1": "libxcb-util1",
        "libxcb-xfixes.so.0": "libxcb-xfixes0",
        "libxcb-xkb.so.1": "libxcb-xkb1",
        "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    },
}

_NO_DISPLAY = "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."


def qt_problem() -> str | None:
    """Why PySide6 cannot be imported, as one sentence, or None if nothing speaks against it."""
    folder = _pyside_folder()
    if folder is None:
        return "PySide6 is not installed for this Python (python -m pip install PySide6-Essentials)."
    if not _is_linux():
        return None
    return _missing_problem("Qt", _QT_LIBRARIES) or _load_problem(
        "Qt", (folder / "Qt" / "lib").glob("libQt6Widgets.so.?")
    )


def display_problem() -> str | None:
    """Why Qt cannot open a window, as one sentence, or None if nothing speaks against it.

    Follows Qt's own choice: the platforms named in ``QT_QPA_PLATFORM``, else Wayland where the session has
    it, then X11; the first that works is enough.
    """
    if not _is_linux():
        return None
    platforms = _platforms()
    for platform in platforms:
        if platform not in _PLUGIN_LIBRARIES:
            # offscreen, vnc and others that need no display, by the user's own choice
            return _unknown_problem(platform)

    connection_problems = []
    plugin_problems = []
    for platform in platforms:
        if problem := _connection_problem(platform):
            connection_problems.append(problem)
        elif problem := _plugin_problem(platform):
            plugin_problems.append(problem)
        else:
            return None
    # A display without its libraries is closer to a window than a display that does not answer.
    return (plugin_problems + connection_problems)[0]


def _is_linux() -> bool:
    return sys.platform.startswith("linux")  # a function, so that type checkers read on for other systems too


def _platforms() -> list[str]:
    """The names of the platform plugins that Qt will try, in order."""
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    names = [entry.split(":", 1)[0].strip().lower() for entry in chosen.split(";")]
    # wayland-egl and the like are variants of one plugin.
    names = ["wayland" if name.startswith("wayland") else name for name in names if name]
    if names:
        return names
    if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        return ["wayland", "xcb"] if os.environ.get("DISPLAY") else ["wayland"]
    return ["xcb"]


def _connection_problem(platform: str) -> str | None:
    return _wayland_problem() if platform == "wayland" else _x11_problem()


def _x11_problem() -> str | None:
    display = os.environ.get("DISPLAY")
    if not display:
        if os.environ.get("WAYLAND_DISPLAY"):
            return "There is no X11 display: DISPLAY is not set."
        return _NO_DISPLAY
    if not _x11_answers():
        return f"The display {display} cannot be connected to (no X server lets this user in)."
    return None


def _x11_answers() -> bool:
    """Connect as Qt does, through libxcb, which also knows remote displays and access rights."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # unknown; the missing library itself is reported by _plugin_problem
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers: bool = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers


def _wayland_problem() -> str | None:
    import socket

    name = os.environ.get("WAYLAND_DISPLAY") or "wayland-0"
    path = Path(os.environ.get("XDG_RUNTIME_DIR", ""), name)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.connect(str(path))
    except OSError:
        if not os.environ.get("WAYLAND_DISPLAY") and not os.environ.get("DISPLAY"):
            return _NO_DISPLAY
        return f"The display {name} cannot be connected to (no Wayland compositor answers at {path})."
    return None


def _plugin_problem(platform: str) -> str | None:
    folder = _pyside_folder()
    plugins = sorted((folder / "Qt" / "plugins" / "platforms").glob(f"libq{platform}*.so")) if folder else []
    if not plugins:
        return None  # not from a wheel: a distribution's package brings its libraries along
    what = f"Qt's {platform} plugin"
    return _missing_problem(what, _PLUGIN_LIBRARIES[platform]) or _load_problem(what, plugins)


def _unknown_problem(platform: str) -> str | None:
    folder = _pyside_folder()
    plugins = folder / "Qt" / "plugins" / "platforms" if folder else None
    if plugins is None or not plugins.is_dir() or any(plugins.glob(f"libq{platform}*.so")):
        return None
    return f"Qt has no platform “{platform}”, which QT_QPA_PLATFORM names (unset it)."


def _missing_problem(what: str, libraries: Mapping[str, str]) -> str | None:
    missing = [file for file in libraries if _load_error(file)]
    if not missing:
        return None
    packages = " ".join(sorted({libraries[file] for file in missing}))
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{what} cannot load {', '.join(missing)} (on Debian or Ubuntu: {sudo}apt-get install {packages})."


def _load_problem(what: str, files: Iterable[Path]) -> str | None:
    """Load the file itself: finds what the tables above do not know."""
    for file in files:
        if error := _load_error(str(file)):
            return f"{what} cannot be loaded: {error}."
    return None


def _load_error(file: str) -> str | None:
    try:
        ctypes.CDLL(file)
    except OSError as error:
        return str(error)
    return None


def _pyside_folder() -> Path | None:
    """The folder of the PySide6 package, found without importing it."""
    spec = importlib.util.find_spec("PySide6")
    return Path(spec.origin).parent if spec and spec.origin else None
