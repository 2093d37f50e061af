"""The pictures of the README."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QColor, QImage

from nnviz_app.pictures import _without_remark

ROOT = Path(__file__).parents[2]
NAMES = (
    *("forward", "backward", "update", "training", "time-machine"),
    *("why", "inside", "paths", "walkthrough", "presenting", "export"),
)
PAGES = ("solution-page", "worksheet-page")
# The whole screen of a projector, and a dialog; all others show the window.
SIZES = {"presenting": (1280, 720), "export": (960, 720)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of pictures, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("pictures")
    done = subprocess.run(
        [sys.executable, "-m", "nnviz_app.screenshots", str(folder / "new")],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return folder / "new", done


def test_all_pictures_are_written_in_silence(made: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = made
    assert (done.returncode, done.stderr) == (0, "")
    in_modes = [f"{name}-{mode}.png" for name in NAMES for mode in ("light", "dark")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*in_modes, *(f"{name}.png" for name in PAGES)])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_they_show_a_window_in_its_theme(made: tuple[Path, subprocess.CompletedProcess[str]], mode: str) -> None:
    pictures = [QImage(str(made[0] / f"{name}-{mode}.png")) for name in NAMES]
    for name, picture in zip(NAMES, pictures, strict=True):
        width, height = SIZES.get(name, (1440, 900))
        assert (picture.width(), picture.height()) == (width, height)
        places = [(x, y) for x in range(0, width, 6) for y in range(0, height, 6)]
        colors = [picture.pixel(x, y) for x, y in places]
        assert len(set(colors)) > 50
        light = sum(QColor(color).lightness() for color in colors) / len(colors)
        assert light > 200 if mode == "light" else light < 80
        # The canvas, in the middle, is not empty.
        middle = {picture.pixel(x, y) for x in range(500, 900, 3) for y in range(150, 500, 3)}
        assert len(middle) > 20
    assert len({bytes(picture.constBits()) for picture in pictures}) == len(NAMES)


def test_pages_are_those_of_paper(made: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    pages = [QImage(str(made[0] / f"{name}.png")) for name in PAGES]
    for page in pages:
        assert page.height() / page.width() == pytest.approx(297 / 210, abs=0.002)
        assert QColor(page.pixel(5, 5)) == QColor("white")
        dark = [QColor(page.pixel(x, y)).lightness() < 128 for x in range(0, 992, 4) for y in range(0, 1403, 4)]
        assert 0.003 < sum(dark) / len(dark) < 0.2
    assert pages[0] != pages[1]


def test_the_pictures_that_the_readme_shows_are_made_here() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made_here = {f"{n}-{m}.png" for n in NAMES for m in ("light", "dark")} | {f"{name}.png" for name in PAGES}
    shown = {part.partition(")")[0] for part in readme.split("docs/images/")[1:]}
    assert shown
    assert shown <= made_here


def test_only_the_one_remark_is_kept_back(capsys: pytest.CaptureFixture[str]) -> None:
    from PySide6.QtCore import qWarning

    heard: list[str] = []
    former = qInstallMessageHandler(lambda _kind, _context, text: heard.append(text))
    try:
        with _without_remark():
            qWarning("This plugin does not support propagateSizeHints()")
            qWarning("Something else")
        assert heard == ["Something else"]
        qWarning("afterwards")
        assert heard[1:] == ["afterwards"]
        qInstallMessageHandler(None)
        with _without_remark():
            qWarning("This plugin does not support propagateSizeHints()")
            qWarning("on the terminal")
    finally:
        qInstallMessageHandler(former)
    assert capsys.readouterr().err == "on the terminal\n"
    assert QtMsgType.QtWarningMsg is not None
