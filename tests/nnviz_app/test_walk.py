"""The main job without a display: text, pictures, and one sentence for what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.dataset import Dataset
from core.network import Network
from core.project import Project
from core.project_file import load_project, save_project
from core.report import text_report
from nnviz_app import app
from nnviz_app.examples import examples, first_example
from nnviz_app.walk import FOLDER, walk

ROOT = Path(__file__).parents[2]
PICTURES = [
    "1-start.png",
    "2-forward-pass.png",
    "3-first-gradient.png",
    "4-backward-pass.png",
    "5-update.png",
    "6-after-the-update.png",
]
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM")
PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """nnviz where there is no display."""
    others = {name: value for name, value in os.environ.items() if name not in DISPLAYS}
    return subprocess.run(
        [sys.executable, "-m", "nnviz_app", *map(str, arguments)],
        cwd=cwd,
        env={**others, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is always a display")
def test_without_a_display_it_walks_and_takes_pictures(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. "
        f"So here is the worked example “{load_project(first_example().path).title}”, step by step."
    )
    walked = list(text_report(load_project(first_example().path)))
    assert "\n".join(walked) in done.stdout
    assert lines[-1].endswith(str(tmp_path / FOLDER))
    assert sorted(p.name for p in (tmp_path / FOLDER).iterdir()) == PICTURES
    contents = [(tmp_path / FOLDER / name).read_bytes() for name in PICTURES]
    assert all(content.startswith(PNG) for content in contents)
    assert len(set(contents)) == len(contents)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
def test_where_nothing_can_be_written_the_pictures_go_elsewhere(tmp_path: Path) -> None:
    # An odd network as well: an output that nothing leads to.
    network = Network()
    network.add_neuron("output", id="o1", activation="sigmoid")
    save_project(Project(network, Dataset({"o1": [1.0]})), tmp_path / "lonely.nnviz")
    done = run(tmp_path / "lonely.nnviz", cwd=Path("/proc"), TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "So here is lonely.nnviz, step by step." in done.stdout
    folder = Path(done.stdout.splitlines()[-1].rpartition(" are in ")[2])
    assert folder.parent == tmp_path
    assert sorted(p.name for p in folder.iterdir()) == PICTURES


def test_a_folder_that_is_there_but_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnviz_app.walk import _make_folder

    monkeypatch.chdir(tmp_path)
    assert _make_folder() == _make_folder() == Path(FOLDER)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert _make_folder().parent == tmp_path
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).rmdir()
    (tmp_path / FOLDER).write_text("a file of this name", encoding="utf-8")
    folder = _make_folder()
    assert folder.is_dir()
    folder.rmdir()


def test_a_bad_file_is_one_sentence_and_2(tmp_path: Path) -> None:
    (tmp_path / "bad.nnviz").write_text("{", encoding="utf-8")
    done = run("bad.nnviz", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bad.nnviz: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / FOLDER).exists()


def test_nothing_to_walk_through_is_one_sentence_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_project(Project(), tmp_path / "empty.nnviz")
    assert walk(tmp_path / "empty.nnviz", reason="No Qt.", pictures=True) == 2
    out, err = capsys.readouterr()
    assert out.startswith("No Qt. So here is empty.nnviz")
    assert err == "The network has no neuron, so there is nothing to step through.\n"


def test_where_qt_cannot_be_loaded_there_is_text_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "qt_problem", lambda: "PySide6 is not installed.")
    assert app.run_app() == 0
    out, err = capsys.readouterr()
    assert out.startswith("PySide6 is not installed. So here is ")
    assert "Summary" in out
    assert "Pictures" not in out
    assert err == ""
    assert list(tmp_path.iterdir()) == []


def test_the_text_alone_needs_no_qt(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import nnviz_app.app as app\n"
        "app.qt_problem = lambda: 'No Qt.'\n"
        "code = app.run_app()\n"
        "sys.exit(code or any(name.startswith('PySide6') for name in sys.modules))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False).returncode == 0


@pytest.mark.parametrize("name", [e.name for e in examples()])
def test_every_example_can_be_walked_through(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(e.path for e in examples() if e.name == name)
    assert walk(path, reason="No Qt.", pictures=False) == 0
    assert "Update" in capsys.readouterr().out.splitlines()
