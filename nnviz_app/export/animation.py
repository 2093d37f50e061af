"""A pass as an animation: a frame for each step of a chosen size, with what the step says beneath it, as GIF or MP4."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from core.book import RoundedTrace
from core.errors import ExportError
from core.jobs import Job, Progress, Written, reporting
from core.project import Project
from core.quantities import Granularity
from core.style import Rounding, Style
from core.trace import Trace
from core.whole_files import new_file
from nnviz_app.export.caption_strip import CaptionStrip, caption_of
from nnviz_app.export.gif import GifWriter
from nnviz_app.export.mp4 import Mp4Writer, ffmpeg
from nnviz_app.export.picture import CanvasPicture, Look
from nnviz_app.palette import mix
from nnviz_app.theme import theme

FORMS = (".gif", ".mp4")
# Sizes of steps that a frame can have, the smallest first.
GRANULARITIES = (Granularity.TERM, Granularity.NEURON, Granularity.LAYER, Granularity.PASS)
MOST_FRAMES = 1_000
NARROWEST, WIDEST = 240, 3_840
SHORTEST, LONGEST = 0.02, 60.0
# The text of the caption is so many times as wide as the picture, and at least so many pixels high.
TEXT_SHARE, SMALLEST_TEXT = 1 / 62, 9.0
# The drawing is between so many times as high as it is wide.
FLATTEST, TALLEST = 0.3, 0.75
# Frames from which the colours of a GIF are taken.
SAMPLES = 8
# Shades between the caption's ground and each colour of its letters.
SHADES = 7


class AnimationOptions(Struct, frozen=True, kw_only=True):
    """What an animation shows, and how fast.

    A frame for each `granularity`; `width` in pixels, the height follows; `seconds` for each frame, `last_seconds` for
    the last one, which is never shorter. `rows` are those that are stepped through; without them it is the first batch.
    """

    granularity: Granularity = Granularity.TERM
    width: int = 960
    seconds: float = 1.0
    last_seconds: float = 3.0
    look: Look = Look()
    rows: tuple[int, ...] | None = None
    rounding: Rounding | None = None


def write_animation(
    project: Project,
    path: Path,
    *,
    options: AnimationOptions = AnimationOptions(),  # noqa: B008 - frozen
) -> Job:
    """Write a pass as an animation, in the form that the path's ending says: .gif or .mp4.

    Raises ExportError where there is no pass, where it would be too long or too large, and where ffmpeg is missing.
    """
    form = path.suffix.lower()
    if form not in FORMS:
        raise ExportError(f"An animation cannot be written as {path.name}: choose a name that ends with .gif or .mp4.")
    if not NARROWEST <= options.width <= WIDEST:
        raise ExportError(f"An animation is {NARROWEST} to {WIDEST:,} pixels wide, not {options.width:,}.")
    if not (SHORTEST <= options.seconds <= LONGEST and SHORTEST <= options.last_seconds <= LONGEST):
        raise ExportError(f"A frame is shown for {SHORTEST} to {LONGEST:g} seconds: choose such a time.")
    options = replace(options, last_seconds=max(options.last_seconds, options.seconds))
    program = ffmpeg() if form == ".mp4" else ""
    look = replace(options.look, transparent=False)
    with CanvasPicture(project, rows=options.rows, rounding=options.rounding, look=look) as picture:
        trace = picture.trace
        if trace is None:
            raise ExportError("There is no pass to animate: the network needs an input and the data a row.")
        moments = find_moments(trace, options.granularity)
        frames = _Frames(picture, trace, options)
        measuring = Progress(0, len(moments), "Measuring the drawing")
        yield measuring
        yield from reporting(picture.measure(), measuring)
        size = frames.size
        with new_file(path) as temporary:
            if form == ".gif":
                writing = _write_gif(frames, moments, temporary, options)
            else:
                writing = _write_mp4(frames, moments, temporary, options, program)
            yield from writing
    seconds = options.seconds * (len(moments) - 1) + options.last_seconds
    return Written((path,), (f"{len(moments):,} frames of {size[0]:,} × {size[1]:,} pixels, {seconds:g} seconds.",))


def find_moments(trace: Trace, granularity: Granularity) -> list[int]:
    """The numbers of steps done of each frame: 0, then after each unit of this size.

    Raises ExportError where these are too many, or where there is no such size.
    """
    if granularity not in GRANULARITIES:
        raise ExportError(f"There is no frame for each {granularity}: choose one of {', '.join(GRANULARITIES)}.")
    count = len(trace.boundaries(granularity)) + 1
    if count > MOST_FRAMES:
        larger = [size for size in GRANULARITIES if len(trace.boundaries(size)) < MOST_FRAMES]
        remedy = f"choose a larger step size ({larger[0]})" if larger else "choose fewer rows"
        raise ExportError(
            f"With a frame for each {granularity} there would be {count:,} frames, and {MOST_FRAMES:,} are the most: "
            f"{remedy}."
        )
    return [0, *trace.boundaries(granularity).tolist()]


class _Frames:
    """Paints the frames, all of the same size: the drawing, and the caption beneath it."""

    def __init__(self, picture: CanvasPicture, trace: Trace, options: AnimationOptions) -> None:
        self.picture, self.trace = picture, trace
        self.mode = options.look.mode
        # What is rounded already is shown with all its digits.
        style = options.look.style
        self.style = Style(style.notation, 15) if isinstance(trace, RoundedTrace) else style
        self.width = options.width // 2 * 2
        self.strip = CaptionStrip(self.width, max(SMALLEST_TEXT, self.width * TEXT_SHARE))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, both even, as videos need them."""
        drawn = self._drawn_height()
        return self.width, -(-(drawn + self.strip.height) // 2) * 2

    def _drawn_height(self) -> int:
        rect = self.picture.rect()
        share = min(max(rect.height() / rect.width(), FLATTEST), TALLEST)
        return round(self.width * share)

    def colors(self) -> list[QColor]:
        """The colours that say something, and the shades at the rims of the caption's letters."""
        with theme().borrowed(self.mode):
            palette = theme().palette
        letters = (palette.text, palette.muted, palette.forward, palette.backward)
        shades = [mix(palette.panel, color, step / SHADES) for color in letters for step in range(SHADES + 1)]
        return [
            *shades,
            palette.canvas,
            palette.positive,
            palette.negative,
            palette.forward_tint,
            palette.backward_tint,
        ]

    def paint(self, index: int, progress: Progress) -> Generator[Progress, None, QImage]:
        """The frame after `index` steps, four bytes a pixel; `progress` now and then."""
        width, height = self.size
        image = QImage(width, height, QImage.Format.Format_RGBX8888)
        drawn = height - self.strip.height
        with theme().borrowed(self.mode):
            image.fill(theme().palette.canvas)
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            yield from reporting(self.picture.painting(painter, QRectF(0, 0, width, drawn), index), progress)
            with theme().borrowed(self.mode):
                self.strip.paint(painter, drawn, caption_of(self.trace, index, self.style))
        yield progress
        return image


def _write_gif(
    frames: _Frames, moments: Sequence[int], path: Path, options: AnimationOptions
) -> Generator[Progress, None, None]:
    count = len(moments)
    with path.open("wb") as file:
        writer = GifWriter(file)
        for place in np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int)).tolist():
            writer.sample((yield from frames.paint(moments[place], Progress(0, count, "Choosing the colours"))))
        writer.begin(*frames.size, colors=frames.colors())
        for place, index in enumerate(moments):
            image = yield from frames.paint(index, Progress(place, count, f"Frame {place + 1:,} of {count:,}"))
            writer.add(image, options.last_seconds if place == count - 1 else options.seconds)
        writer.end()


def _write_mp4(
    frames: _Frames, moments: Sequence[int], path: Path, options: AnimationOptions, program: str
) -> Generator[Progress, None, None]:
    count = len(moments)
    with Mp4Writer(program, path, frames.size, seconds=options.seconds, last_seconds=options.last_seconds) as writer:
        for place, index in enumerate(moments):
            image = yield from frames.paint(index, Progress(place, count, f"Frame {place + 1:,} of {count:,}"))
            writer.add(image)
        for _ in writer.finish():
            yield Progress(count, count, "Finishing the video")
