"""What is said where a file does not fit on the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ExportError
from core.jobs import finish
from core.project_file import load_project
from nnviz_app.examples import first_example
from nnviz_app.export.animation import write_animation

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.skipif(sys.platform == "win32", reason="only Unix limits the size of files")
@pytest.mark.parametrize("options", [[], ["--plot", "map"]], ids=["picture", "plot"])
def test_a_png_that_does_not_fit_is_one_true_sentence(options: list[str], tmp_path: Path) -> None:
    # In a process of its own: the limit is also that of the file that a test's output may go to.
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        "from nnviz_app.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    path = tmp_path / "a.png"
    command = ["export", str(first_example().path), "--to", "png", *options, "-o", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], check=False, capture_output=True, text=True, timeout=600
    )
    # The library for images has nothing to add.
    assert done.stderr == f"{path} cannot be written (File too large): choose another place.\n"
    assert done.returncode == 2
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
