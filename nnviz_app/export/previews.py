"""Small pictures of what an export would make, as jobs, so that the window goes on meanwhile."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace as changed
from time import perf_counter
from typing import Any, TypeVar

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPageSize, QPainter

from core.project import Project
from core.sheet import Sheet
from core.style import Rounding, Style
from core.training import Run
from nnviz_app.export.page_layout import PER_INCH
from nnviz_app.export.pages import Page, Paper, draw_page, lay_out_sheet
from nnviz_app.export.picture import CanvasPicture, Look
from nnviz_app.export.plots import PlotKind, PlotOptions, make_plot, plot_image
from nnviz_app.export.solution import picture_style
from nnviz_app.runs import KeptRun
from nnviz_app.theme import theme

# What takes longer, in seconds, has no preview.
LIMIT = 2.0
# A longer pass takes too long at one go to be written out.
MOST_STEPS = 600
# Blocks of a sheet that mostly fill its first page.
BLOCKS = 14
# Pixels of the longer side of a plot; points on a side of a map.
LONGEST = 900
MAP_SIDE = 120
DOTS_PER_INCH = 96

T = TypeVar("T")
# An image; none where it would take too long.
Making = Generator[object, None, QImage | None]


def preview_plot(
    kind: PlotKind, project: Project, *, options: PlotOptions, run: Run | None, kept: Sequence[KeptRun]
) -> Making:
    """A plot, a map in larger squares. Raises ExportError where there is nothing to plot."""
    plot = yield from _in_time(make_plot(kind, project, options=options, run=run, kept=kept, side=MAP_SIDE))
    if plot is None:
        return None
    scale = min(options.scale, LONGEST / max(options.width, options.height))
    with theme().borrowed(options.mode):
        return plot_image(plot, replace(options, scale=scale))


def preview_page(
    make: Generator[None, None, tuple[Project, Sheet]],
    *,
    steps: int,
    rows: tuple[int, ...],
    style: Style,
    rounding: Rounding | None,
    paper: Paper,
) -> Making:
    """The first page of the sheet that `make` makes, with the project in it, of a pass of so many steps."""
    if steps > MOST_STEPS:
        return None
    made = yield from _in_time(make)
    if made is None:
        return None
    project, sheet = made
    yield None
    look = Look(transparent=True, lights_steps=False, style=picture_style(style, rounding))
    with CanvasPicture(project, rows=rows, rounding=rounding, look=look) as picture:
        if (yield from _in_time(picture.measure())) is None:
            return None
        page = yield from _in_time(_first_page(sheet, picture, paper))
        if page is None:
            return None
        size = QPageSize(QPageSize.PageSizeId[paper])
        image = QImage(size.sizePixels(DOTS_PER_INCH), QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        painter.scale(DOTS_PER_INCH / PER_INCH, DOTS_PER_INCH / PER_INCH)
        draw_page(painter, page, paper)
        painter.end()
    return image


def _first_page(sheet: Sheet, picture: CanvasPicture, paper: Paper) -> Generator[None, None, Page]:
    blocks = BLOCKS
    while True:
        pages = yield from lay_out_sheet(replace(sheet, blocks=sheet.blocks[:blocks]), picture, paper=paper)
        if len(pages) > 1 or blocks >= len(sheet.blocks):
            # It is not known how many there are.
            return changed(pages[0], number="1")
        blocks *= 2


def _in_time(work: Generator[Any, None, T]) -> Generator[None, None, T | None]:
    """Run a generator, and give it up where it takes too long: None then."""
    until = perf_counter() + LIMIT
    with closing(work):
        try:
            while perf_counter() < until:
                next(work)
                yield
        except StopIteration as stop:
            result: T = stop.value
            return result
    return None
