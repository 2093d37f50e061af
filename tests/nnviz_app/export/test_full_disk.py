"""What is said where a file does not fit on the disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ExportError
from core.jobs import Job, finish
from core.project_file import load_project
from nnviz_app.examples import first_example
from nnviz_app.export.animation import write_animation
from nnviz_app.export.picture import CanvasPicture
from nnviz_app.export.picture_files import write_picture
from nnviz_app.export.plots import write_plot

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file can have more than 2,000 bytes."""
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("what", ["picture", "plot"])
def test_a_png_that_does_not_fit_is_one_true_sentence(
    what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project, path = load_project(first_example().path), tmp_path / "a.png"
    job: Job = (
        write_picture(lambda: CanvasPicture(project), path) if what == "picture" else write_plot("map", project, path)
    )
    with pytest.raises(ExportError) as problem:
        finish(job)
    assert str(problem.value) == f"{path} cannot be written (File too large): choose another place."
    # The library for images has nothing to add.
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the script that stands for ffmpeg is one of a Unix shell")
@pytest.mark.parametrize("reads", [True, False])
def test_a_film_that_does_not_fit_is_not_ffmpeg_s_fault(
    reads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    swallow = "cat > /dev/null\n" if reads else ""
    program.write_text(
        f"#!/bin/sh\n{swallow}echo '[mp4] Could not flush' >&2\necho 'Error: No space left on device' >&2\nexit 228\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = tmp_path / "a.mp4"
    with pytest.raises(ExportError) as problem:
        finish(write_animation(load_project(first_example().path), path))
    assert str(problem.value) == f"{path} cannot be written (No space left on device): choose another place."
    assert list(tmp_path.iterdir()) == [program]
