"""What can be plotted into a file: how it is painted, by the panels' own plots, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from core.decision import Extent
from core.errors import ExportError
from core.project import Project
from core.training import Run
from nnviz_app.panels.decision_picture import Field, Show, picture_of
from nnviz_app.panels.decision_view import MapView
from nnviz_app.panels.loss_curves import FormerCurve, LossCurves, Shown
from nnviz_app.panels.loss_plot import loss_name
from nnviz_app.panels.plot_look import set_axis_titles
from nnviz_app.panels.run_list import run_color
from nnviz_app.runs import Course, KeptRun
from nnviz_app.theme import theme

# The line above a plot, and the room around it, in text sizes.
HEAD, SIDE = 2.0, 0.5
# The share of a plot's height that its left axis surely has.
AXIS_SHARE = 0.6


@dataclass(frozen=True)
class Key:
    """A piece of the line above a plot: words, after a piece of a line where `color` is given."""

    words: str
    color: QColor | None = None
    dashed: bool = False


class Plot(Protocol):
    """Something that can be plotted. What it paints has the theme that is in force at that moment."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""

    def describe(self) -> str:
        """What it shows, for those who do not see it."""

    def keys(self) -> Sequence[Key]:
        """What stands above it."""

    def paint(self, painter: QPainter, size: QSize) -> None:
        """Paint it without a ground, from the painter's origin on."""

    def table(self) -> Iterator[Sequence[object]]:
        """Its numbers, after a row with their names."""


def paint_plot(painter: QPainter, plot: Plot, size: QSize) -> None:
    """Paint a plot and the line above it into this size."""
    space = theme().space
    head, side = space(HEAD), space(SIDE)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_keys(painter, plot.keys(), QRectF(2 * side, side, size.width() - 4 * side, head - side))
    painter.translate(side, head)
    plot.paint(painter, size - QSize(2 * side, head + side))
    painter.restore()


def _paint_keys(painter: QPainter, keys: Sequence[Key], area: QRectF) -> None:
    """Paint pieces beside each other; where they do not fit they are written smaller."""
    space, palette, font = theme().space, theme().palette, theme().font("small")
    line, gap, between = space(1.6), space(0.4), space(1.4)
    while True:
        metrics = QFontMetricsF(font)
        widths = [(line + gap if key.color else 0.0) + metrics.horizontalAdvance(key.words) for key in keys]
        if sum(widths) + between * (len(keys) - 1) <= area.width() or font.pointSizeF() < 4.0:
            break
        font.setPointSizeF(0.94 * font.pointSizeF())
    painter.setFont(font)
    x, middle = area.left(), area.center().y()
    for key, width in zip(keys, widths, strict=True):
        left = x
        if key.color is not None:
            pen = QPen(key.color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
            if key.dashed:
                pen.setDashPattern([3.0, 2.0])
            painter.setPen(pen)
            painter.drawLine(QPointF(left, middle), QPointF(left + line, middle))
            left += line + gap
        painter.setPen(palette.text)
        painter.drawText(QPointF(left, middle + metrics.capHeight() / 2), key.words)
        x += width + between


def what_there_is(asked: Shown, run: Run, kept: Sequence[KeptRun]) -> Shown:
    """What of the things asked for these runs have. Raises ExportError where they have none."""
    numbers = np.concatenate([Course.of(one.points()).numbers for one in (run, *(former.run for former in kept))])
    has = np.isfinite(numbers).any(axis=0)
    first = 2 if asked.accuracy else 0
    if not has[first : first + 2].any():
        raise ExportError("There is no accuracy to plot, because the targets are no classes: plot the loss.")
    test = asked.test and bool(has[first + 1])
    return replace(asked, training=asked.training or not test, test=test)


@dataclass(frozen=True)
class LossPlot:
    """The losses or accuracies of a run up to now, beside those of former runs."""

    project: Project
    run: Run
    kept: Sequence[KeptRun]
    shown: Shown

    @property
    def title(self) -> str:
        """What it is."""
        return f"{self._name} {self._when}".capitalize()

    def describe(self) -> str:
        """The first and the last number of each line, and the least or the greatest."""
        runs = [("", self.run), *((f"{kept.name}, ", kept.run) for kept in self.kept)]
        return " ".join(self._describe_line(name, run, column) for name, run in runs for column in self.shown.columns)

    def _describe_line(self, name: str, run: Run, column: int) -> str:
        course = Course.of(run.points())
        known = np.isfinite(course.numbers[:, column])
        updates, numbers = course.updates[known], course.numbers[known, column]
        rows = "test rows" if column % 2 else "training rows"
        if not len(numbers):
            return f"{name}{rows}: nothing."
        best = int(numbers.argmax() if self.shown.accuracy else numbers.argmin())
        ends = ((updates[place], numbers[place]) for place in (0, -1, best))
        first, last, extreme = (f"{number:.4g} at update {update:,.0f}" for update, number in ends)
        return f"{name}{rows}: {first}, {last}; {'most' if self.shown.accuracy else 'least'} {extreme}."

    @property
    def _name(self) -> str:
        return "accuracy" if self.shown.accuracy else loss_name(self.project)

    @property
    def _when(self) -> str:
        """After what there is a point: of long runs not every epoch has one, and of earlier ones none is known."""
        runs = [self.run, *(kept.run for kept in self.kept)]
        updates = [[point.update for point in run.points()] for run in runs]
        if all(after - before == 1 for of_run in updates for before, after in pairwise(of_run)):
            return "after each update"
        is_each = all(
            run.first <= before < after <= run.last and run.epoch_at(after) - run.epoch_at(before) == 1
            for run, of_run in zip(runs, updates, strict=True)
            for before, after in pairwise(of_run)
        )
        return "after each epoch" if is_each else "over the updates"

    def keys(self) -> Sequence[Key]:
        """Which line is which."""
        if not (self.kept or self.shown.test):
            return [Key(self.title)]
        color = theme().palette.forward
        rows = ("training rows", "test rows")
        parts = [Key(rows[column % 2], color, dashed=column % 2 == 1) for column in self.shown.columns]
        return [*parts, *(Key(kept.name, run_color(kept)) for kept in self.kept)]

    def paint(self, painter: QPainter, size: QSize) -> None:
        """Paint it by the loss panel's own plot."""
        course = Course.of(self.run.points())
        curves = LossCurves()
        curves.in_pieces = False
        curves.resize(size)
        curves.plot.setBackground(None)
        # The line above says it too, where the axis is too short for it.
        fits = QFontMetricsF(theme().font("small")).horizontalAdvance(self._name) < AXIS_SHARE * size.height()
        set_axis_titles(curves.plot, left=self._name if fits else "")
        curves.item.getAxis("left").enableAutoSIPrefix(False)
        # Lays it out, though it is on no screen.
        curves.grab()
        former = [FormerCurve(kept.course, kept.course.parting(course), run_color(kept)) for kept in self.kept]
        here = self.project.updates
        curves.show_runs(course, former, here=here, reach=range(0), shown=self.shown)
        if here >= self.run.last:
            # The cursor says where one has gone back to.
            curves.cursor_line.hide()
            curves.cursor_dots.hide()
        # Axes find out how wide their numbers are when they are painted.
        curves.grab()
        _make_fit_for_files(curves, painter.device().devicePixelRatio())
        area = QRectF(QPointF(), size.toSizeF())
        curves.plot.scene().render(painter, area, area)
        curves.deleteLater()

    def table(self) -> Iterator[Sequence[object]]:
        """The points with every digit; an epoch is given where it is known how many were finished."""
        names = ("update", "epoch", "loss", "test_loss", "accuracy", "test_accuracy")
        runs = [("this run", self.run), *((kept.name, kept.run) for kept in self.kept)]
        yield ("run", *names) if self.kept else names
        for name, run in runs:
            for point in run.points():
                known = run.first <= point.update <= run.last
                epoch = run.epoch_at(point.update) if known else None
                cells = (point.update, epoch, point.loss, point.test_loss, point.accuracy, point.test_accuracy)
                yield (name, *cells) if self.kept else cells


def _make_fit_for_files(curves: LossCurves, ratio: float) -> None:
    """Make what is drawn in pixels of a screen as wide in a picture that has `ratio` times as many."""
    for item in curves.plot.scene().items():
        if hasattr(item, "setExportMode"):
            # Points as shapes, not as pictures of a screen's resolution.
            item.setExportMode(True, {"antialias": True, "resolutionScale": ratio})
    for line in (curves.cursor_line, *curves.lines()):
        pen = QPen(line.pen if line is curves.cursor_line else line.opts["pen"])
        pen.setWidthF(ratio * pen.widthF())
        line.setPen(pen)


@dataclass(frozen=True)
class MapPlot:
    """What neurons answer over the plane of two inputs, or along one."""

    project: Project
    field: Field
    axes: Sequence[Extent]
    row: int
    show: Show

    @property
    def title(self) -> str:
        """What it is."""
        neurons = self.field.neurons
        what = f"Activation of {neurons[0]}" if len(neurons) == 1 else f"Largest of {', '.join(neurons)}"
        if len(self.axes) == 1 and len(neurons) > 1:
            what = f"Activations of {', '.join(neurons)}"
        return f"{what} over {' and '.join(axis.neuron for axis in self.axes)}"

    def describe(self) -> str:
        """Which inputs and activations it reaches over."""
        numbers = self.field.activations
        reach = [f"{axis.neuron} from {axis.low:.4g} to {axis.high:.4g}" for axis in self.axes]
        names = ", ".join(self.field.neurons)
        return f"{', '.join(reach)}; {names} from {np.nanmin(numbers):.4g} to {np.nanmax(numbers):.4g}."

    def keys(self) -> Sequence[Key]:
        """What it is."""
        return [Key(self.title)]

    def paint(self, painter: QPainter, size: QSize) -> None:
        """Paint it by the decision map's own view."""
        view = MapView()
        view.resize(size)
        row = self.row if self.row >= 0 else self.project.dataset.rows
        view.show_picture(picture_of(self.project, self.field, self.axes, row=row, show=self.show))
        view.paint_map(painter, as_shapes=True)
        view.deleteLater()

    def table(self) -> Iterator[Sequence[object]]:
        """A row for each point: inputs as they are entered, activations as they are computed, with every digit."""
        neurons, side = self.field.neurons, self.field.side
        yield (*(axis.neuron for axis in self.axes), *neurons)
        x = self.axes[0].centres(side)
        if len(self.axes) == 1:
            yield from np.column_stack([x, self.field.activations.T]).tolist()
            return
        for place, height in enumerate(self.axes[1].centres(side)[::-1]):
            line = self.field.activations[:, place * side : (place + 1) * side]
            yield from np.column_stack([x, np.full(side, height), line.T]).tolist()
