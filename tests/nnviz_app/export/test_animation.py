"""A pass as an animation: its frames, how long each is shown, and that nothing is left of one that was stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from PIL import Image
from PySide6.QtWidgets import QApplication

from core.errors import ExportError
from core.jobs import Progress, finish
from core.passes import trace_project
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity
from core.style import Rounding
from nnviz_app.examples import examples
from nnviz_app.export import animation
from nnviz_app.export.animation import AnimationOptions, find_moments, write_animation
from nnviz_app.export.gif import GifWriter
from nnviz_app.export.mp4 import Mp4Writer, ffmpeg
from nnviz_app.export.picture import Look
from nnviz_app.palette import DARK, LIGHT

pytestmark = pytest.mark.usefixtures("qapp")
needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="ffmpeg is not installed"
)
SMALL = AnimationOptions(width=320, granularity=Granularity.NEURON, seconds=0.5, last_seconds=2.0)


@pytest.fixture
def project() -> Project:
    return load_project(examples()[0].path)


def frames_of(path: Path) -> tuple[list[Image.Image], list[int]]:
    """The frames as they are shown, and how long each of them is, in milliseconds."""
    with Image.open(path) as image:
        frames, durations = [], []
        for place in range(image.n_frames):
            image.seek(place)
            frames.append(image.convert("RGB"))
            durations.append(image.info["duration"])
    return frames, durations


def test_a_gif_has_a_frame_for_each_unit_and_the_start(project: Project, tmp_path: Path) -> None:
    written = finish(write_animation(project, tmp_path / "pass.gif", options=SMALL))
    assert written.paths == (tmp_path / "pass.gif",)
    trace = trace_project(project)
    count = len(trace.boundaries(Granularity.NEURON)) + 1
    frames, durations = frames_of(tmp_path / "pass.gif")
    assert durations == [500] * (count - 1) + [2000]
    (size,) = {frame.size for frame in frames}
    assert size[0] == 320
    assert not size[1] % 2
    assert written.sentences == (f"{count} frames of 320 × {size[1]} pixels, {0.5 * (count - 1) + 2:g} seconds.",)
    assert all(one.tobytes() != following.tobytes() for one, following in pairwise(frames))


def test_frames_are_what_was_painted_up_to_the_number_of_colours(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[np.ndarray] = []
    add = GifWriter.add

    def listen(writer: GifWriter, image: object, seconds: float) -> None:
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)  # type: ignore[attr-defined]
        painted.append(pixels[:, :, :3].astype(int))
        add(writer, image, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr(GifWriter, "add", listen)
    finish(write_animation(project, tmp_path / "pass.gif", options=SMALL))
    frames, _ = frames_of(tmp_path / "pass.gif")
    assert len(frames) == len(painted)
    for frame, pixels in zip(frames, painted, strict=True):
        away = np.abs(np.asarray(frame).astype(int) - pixels)
        assert away.mean() < 0.5
        assert away.max() < 48


@pytest.mark.parametrize(("mode", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_it_has_the_colours_of_its_theme_whatever_the_window_has(
    project: Project, tmp_path: Path, mode: str, palette: object
) -> None:
    options = structs.replace(SMALL, granularity=Granularity.PASS, look=Look(mode=mode, transparent=True))  # type: ignore[arg-type]
    finish(write_animation(project, tmp_path / "pass.gif", options=options))
    frames, _ = frames_of(tmp_path / "pass.gif")
    # Start, forward pass, backward pass, update.
    assert len(frames) == 4
    corners = [(0, 0), (0, frames[0].height - 1)]
    expected = [getattr(palette, name).getRgb()[:3] for name in ("canvas", "panel")]
    hues = [getattr(palette, name).getRgb()[:3] for name in ("muted", "forward", "backward", "backward")]
    for frame, hue in zip(frames, hues, strict=True):
        assert [frame.getpixel(corner) for corner in corners] == expected
        strip = np.asarray(frame)[-80:].reshape(-1, 3).astype(int)
        assert np.abs(strip - hue).sum(axis=1).min() < 24


def test_a_gif_is_shown_again_and_again(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "pass.gif"
    finish(write_animation(project, path, options=structs.replace(SMALL, granularity=Granularity.PASS)))
    with Image.open(path) as image:
        assert image.info["loop"] == 0


def test_rounded_numbers_and_other_rows_can_be_animated(tmp_path: Path) -> None:
    project = load_project(examples()[7].path)
    options = structs.replace(SMALL, granularity=Granularity.PASS, rows=(2,), rounding=Rounding(2))
    finish(write_animation(project, tmp_path / "pass.gif", options=options))
    assert len(frames_of(tmp_path / "pass.gif")[0]) == 4


@needs_ffmpeg
def test_an_mp4_lasts_as_long_as_it_should(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "pass.mp4"
    options = structs.replace(SMALL, granularity=Granularity.LAYER)
    finish(write_animation(project, path, options=options))
    asked = ["-v", "error", "-show_entries", "stream=codec_name,pix_fmt,width,height,duration", "-of", "json"]
    probe = subprocess.run(["ffprobe", *asked, str(path)], capture_output=True, check=True)
    (stream,) = json.loads(probe.stdout)["streams"]
    count = len(find_moments(trace_project(project), Granularity.LAYER))
    assert (stream["codec_name"], stream["pix_fmt"], stream["width"]) == ("h264", "yuv420p", 320)
    assert not stream["height"] % 2
    assert float(stream["duration"]) == pytest.approx(0.5 * (count - 1) + 2.0, abs=0.11)


def test_without_ffmpeg_it_says_so(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(
        ExportError, match=r"needs the program ffmpeg, which is not found: install it .*, or choose GIF\."
    ):
        finish(write_animation(project, tmp_path / "pass.mp4", options=SMALL))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for ffmpeg is a shell script")
def test_what_ffmpeg_says_is_passed_on(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(program))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(ExportError, match="Unknown encoder libx264"):
        finish(write_animation(project, folder / "pass.mp4", options=SMALL))
    assert not list(folder.iterdir())


@needs_ffmpeg
def test_ffmpeg_ends_when_the_film_is_given_up(tmp_path: Path) -> None:
    with Mp4Writer(ffmpeg(), tmp_path / "pass.mp4", (64, 64), seconds=1.0, last_seconds=1.0) as writer:
        process = writer._process
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize("form", ["gif", pytest.param("mp4", marks=needs_ffmpeg)])
def test_nothing_is_left_of_one_that_was_stopped(project: Project, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"pass.{form}"
    path.write_text("the former one")
    job = write_animation(project, path, options=SMALL)
    seen: list[Progress] = []
    for progress in job:
        seen.append(progress)
        if progress.done == 3:
            break
    job.close()
    QApplication.processEvents()
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].what.startswith("Frame 4 of ")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "the former one"


def test_the_drawing_is_measured_in_slices(project: Project, tmp_path: Path) -> None:
    job = write_animation(project, tmp_path / "a.gif", options=AnimationOptions(granularity=Granularity.PASS))
    measuring = [progress for progress in job if progress.what == "Measuring the drawing"]
    assert len(measuring) > 3


def test_too_many_frames_are_refused_with_a_larger_size(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = trace_project(project)
    monkeypatch.setattr(animation, "MOST_FRAMES", 30)
    with pytest.raises(ExportError, match=r"each term there would be 54 frames, and 30 .* larger step size \(neuron\)"):
        find_moments(trace, Granularity.TERM)
    monkeypatch.setattr(animation, "MOST_FRAMES", 3)
    with pytest.raises(ExportError, match="choose fewer rows"):
        find_moments(trace, Granularity.TERM)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 100}, "240 to 3,840 pixels wide, not 100"),
        ({"seconds": 0.0}, "0.02 to 60 seconds"),
        ({"granularity": Granularity.EPOCH}, "There is no frame for each epoch"),
        ({"rows": (7,)}, "There is no row 8"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    project: Project, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ExportError, match=words):
        finish(write_animation(project, tmp_path / "pass.gif", options=structs.replace(SMALL, **change)))
    assert not list(tmp_path.iterdir())


def test_other_endings_and_networks_without_data_are_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"ends with \.gif or \.mp4"):
        finish(write_animation(project, tmp_path / "pass.webm"))
    project.dataset.delete_rows([0])
    with pytest.raises(ExportError, match="no pass to animate"):
        finish(write_animation(project, tmp_path / "pass.gif"))


def test_a_network_without_outputs_has_a_forward_pass(tmp_path: Path) -> None:
    project = load_project(examples()[0].path)
    for neuron in project.network.outputs:
        project.network.remove_neuron(neuron.id)
    project.dataset.follow(project.network)
    finish(write_animation(project, tmp_path / "pass.gif", options=SMALL))
    assert len(frames_of(tmp_path / "pass.gif")[0]) > 3
