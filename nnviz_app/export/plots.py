"""The loss curves and the decision map as files: a picture of the very plot that a panel shows, or its numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator

from core.decision import Array, Probe, extent_of, points_on
from core.errors import ExportError
from core.jobs import Job, Progress, Written
from core.project import Project
from core.training import Run
from core.whole_files import new_file
from nnviz_app.export.plot_pictures import LossPlot, MapPlot, Plot, paint_plot, what_there_is
from nnviz_app.export.retrace import retrace
from nnviz_app.export.svg import FONTS
from nnviz_app.export.whole_png import write_image
from nnviz_app.panels.decision_picture import Field, Show
from nnviz_app.panels.loss_curves import Shown
from nnviz_app.runs import KeptRun
from nnviz_app.theme import theme

PlotKind = Literal["loss", "map"]
FORMS = (".svg", ".png", ".csv")

# Points on a side of the map, or along a curve, and the products that a map may take.
PICTURE_SIDE, TABLE_SIDE, CURVE_POINTS = 300, 101, 400
BUDGET = 3_000_000_000
MOST_PIXELS = 100_000_000
# Rows of a table between two signs of life.
ROWS_AT_ONCE = 5_000


class PlotOptions(Struct, frozen=True, kw_only=True):
    """How a plot looks and what it shows: of `neuron` "" stands for the outputs, of `axes` () for the first inputs.

    `width` and `height` are in pixels, of a PNG times `scale`. `others` are the values, as entered, of inputs on no
    axis; they are those of `row`, else of the first one, where nothing is said. `row` gets a ring, -1 for none.
    """

    mode: Literal["light", "dark"] = "light"
    transparent: bool = False
    width: int = 720
    height: int = 460
    scale: float = 2.0
    shown: Shown = Shown()
    neuron: str = ""
    axes: tuple[str, ...] = ()
    others: Mapping[str, float] = {}
    row: int = -1
    show: Show = Show()


def write_plot(
    kind: PlotKind,
    project: Project,
    path: Path,
    *,
    options: PlotOptions = PlotOptions(),  # noqa: B008 - frozen
    run: Run | None = None,
    kept: Sequence[KeptRun] = (),
) -> Job:
    """Write the loss curves or the decision map, in the form that the path's ending says: .svg, .png or .csv.

    The losses are those of `run`, and of former runs that are `kept`; without a run that has any they are computed
    again. Raises ExportError where there is nothing to plot or nothing can be written.
    """
    form = path.suffix.lower()
    if form not in FORMS:
        raise ExportError(f"A plot cannot be written as {path.name}: choose a name that ends with .svg, .png or .csv.")
    if not (options.width >= 160 and options.height >= 120 and options.scale > 0):
        raise ExportError("A plot is at least 160 pixels wide and 120 high: choose a larger size.")
    if form == ".png" and options.width * options.height * options.scale**2 > MOST_PIXELS:
        raise ExportError("A picture has at most 100 million pixels: choose a smaller size or scale.")
    side = TABLE_SIDE if form == ".csv" else PICTURE_SIDE
    plot = yield from make_plot(kind, project, options=options, run=run, kept=kept, side=side)
    with new_file(path) as temporary:
        if form == ".csv":
            yield from _write_table(plot, temporary)
        elif form == ".svg":
            yield Progress(0, 1, plot.title)
            with theme().borrowed(options.mode):
                _write_svg(plot, temporary, options)
        else:
            yield from _write_png(plot, temporary, options)
    return Written((path,), (f"{plot.title}.",))


def make_plot(
    kind: PlotKind,
    project: Project,
    *,
    options: PlotOptions,
    run: Run | None = None,
    kept: Sequence[KeptRun] = (),
    side: int = PICTURE_SIDE,
) -> Generator[Progress, None, Plot]:
    """Compute what is plotted: the losses if need be, or a map of so many points on a side.

    Raises ExportError where there is nothing to plot.
    """
    if kind == "map":
        return (yield from _compute_map(project, options, side))
    if run is None or len(run.points()) < 2:
        run = yield from retrace(project)
    former = [one for one in kept if one.is_shown]
    return LossPlot(project, run, former, what_there_is(options.shown, run, former))


def _compute_map(project: Project, options: PlotOptions, side: int) -> Generator[Progress, None, MapPlot]:
    """Compute what neurons answer, a line of the map at a time."""
    network, dataset = project.network, project.dataset
    inputs = [neuron.id for neuron in network.inputs]
    answering = [neuron.id for neuron in network.neurons.values() if neuron.role != "input"]
    if not inputs or not answering:
        raise ExportError("There is no map to plot: a network has one when it has an input and another neuron.")
    if options.neuron and options.neuron not in answering:
        raise ExportError(f"There is no neuron {options.neuron} to plot: choose one of {', '.join(answering)}.")
    for axis in options.axes:
        if axis not in inputs:
            raise ExportError(f"There is no input {axis} to plot over: choose one or two of {', '.join(inputs)}.")
    names = list(dict.fromkeys(options.axes))[:2] or inputs[:2]
    neurons = [options.neuron] if options.neuron else [neuron.id for neuron in network.outputs] or answering[-1:]
    row = max(options.row, 0)
    others = {name: dataset.value(row, name) if row < dataset.rows else 0.0 for name in inputs}
    others = {name: options.others.get(name, value) for name, value in others.items() if name not in names}
    axes = [extent_of(dataset, name) for name in names]
    probe = Probe(network)
    probe.load(network.values)
    if len(axes) == 1:
        side = CURVE_POINTS
        lines = [others]
    else:
        side = probe.side(side, BUDGET)
        # From the top down, as a map's picture is.
        lines = [others | {names[1]: height} for height in axes[1].centres(side)[::-1].tolist()]
    parts: list[Array] = []
    for line in lines:
        yield Progress(len(parts), len(lines), "Computing the map")
        parts.append(probe.activations(points_on(dataset, probe.inputs, line, x=axes[0], side=side), neurons))
    return MapPlot(project, Field(neurons, np.concatenate(parts, axis=1), side), axes, options.row, options.show)


def _write_table(plot: Plot, path: Path) -> Generator[Progress, None, None]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for count, row in enumerate(plot.table()):
            # Python writes a number with as many digits as tell it from all others.
            writer.writerow(row)
            if count % ROWS_AT_ONCE == 0:
                yield Progress(count, 0, "Writing the numbers")


def _write_svg(plot: Plot, path: Path, options: PlotOptions) -> None:
    size = QSize(options.width, options.height)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(plot.title)
    generator.setDescription(plot.describe())
    # Texts are as large as they are on the screen.
    generator.setResolution(QImage(1, 1, QImage.Format.Format_RGB32).logicalDpiX())
    _paint(plot, generator, size, options)
    # Qt names one font only, which a reader may not have.
    text = re.sub('font-family="[^"]*"', f'font-family="{FONTS}"', bytes(buffer.data().data()).decode())
    text = text.replace("<svg ", '<svg role="img" ', 1)
    path.write_text(text, encoding="utf-8")


def _write_png(plot: Plot, path: Path, options: PlotOptions) -> Generator[Progress, None, None]:
    writing = Progress(0, 1, plot.title)
    yield writing
    with theme().borrowed(options.mode):
        image = plot_image(plot, options)
    image.setText("Title", plot.title)
    image.setText("Description", plot.describe())
    yield from write_image(image, path, writing)


def plot_image(plot: Plot, options: PlotOptions) -> QImage:
    """The plot as an image, in the theme that is in force."""
    size, scale = QSize(options.width, options.height), options.scale
    has_ground = QImage.Format.Format_RGB32 if not options.transparent else QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(size * scale, has_ground)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.transparent)
    _paint(plot, image, size, options)
    return image


def _paint(plot: Plot, device: QPaintDevice, size: QSize, options: PlotOptions) -> None:
    painter = QPainter(device)
    if not options.transparent:
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), theme().palette.panel)
    paint_plot(painter, plot, size)
    painter.end()
