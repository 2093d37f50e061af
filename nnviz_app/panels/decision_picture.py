"""From computed activations to the picture of a decision map: colours, curves and the points of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from core.decision import Array, Extent, Span, span_of, winners
from core.numbers import nice_step
from core.project import Project
from nnviz_app.map_image import ClassRamp, Ramp
from nnviz_app.panels.decision_view import MapPicture, Points
from nnviz_app.theme import theme

# Shades that targets which are numbers are drawn in.
TARGET_SHADES = 33
# Projected onto the plane of two of many inputs, points say less.
PROJECTED_OPACITY = 0.55


@dataclass(frozen=True)
class Field:
    """Activations that were computed, shape (neurons, points): over a line, or over a square row by row."""

    neurons: list[str]
    activations: Array
    side: int

    def image(self, place: int = 0) -> Array:
        """Those of one neuron over the square, shape (side, side)."""
        return self.activations[place].reshape(self.side, self.side)


@dataclass(frozen=True)
class Show:
    """What a person wants to see."""

    in_two: bool = False
    training: bool = True
    test: bool = True


def picture_of(project: Project, field: Field, axes: Sequence[Extent], *, row: int, show: Show) -> MapPicture:
    """The map of the neurons in `field` over one or two axes; `row` is the row on show."""
    rows = _rows(project, show)
    return (_plane if len(axes) > 1 else _curve)(project, field, axes, row, rows, show)


def span_of_field(project: Project, field: Field, place: int = 0) -> Span:
    """The scale of one neuron's colours."""
    return span_of(project.network, project.dataset, field.neurons[place], field.activations[place])


def _rows(project: Project, show: Show) -> NDArray[np.intp]:
    test = project.dataset.test
    return np.flatnonzero((test & show.test) | (~test & show.training))


def _plane(
    project: Project, field: Field, axes: Sequence[Extent], row: int, rows: NDArray[np.intp], show: Show
) -> MapPicture:
    palette, dataset = theme().palette, project.dataset
    x, y = axes
    scale: Span | None = None
    names: tuple[tuple[QColor, str], ...] = ()
    if len(field.neurons) == 1:
        scale = span_of_field(project, field)
        image = Ramp(palette, palette.panel).image(field.image(), scale, in_two=show.in_two)
    else:
        spans = [span_of_field(project, field, place) for place in range(len(field.neurons))]
        classes, certainty = winners(field.activations, max(span.high - span.low for span in spans))
        shape = (field.side, field.side)
        ramp = ClassRamp(palette, palette.panel, len(field.neurons))
        image = ramp.image(classes.reshape(shape), certainty.reshape(shape), in_two=show.in_two)
        names = _names(field.neurons)
    color, colors = _target_colors(project, field, rows)
    across, up = dataset.columns[x.neuron], dataset.columns[y.neuron]
    many = len(project.network.inputs) > 2
    points = Points(across[rows], up[rows], color, rows, dataset.test[rows], colors, PROJECTED_OPACITY if many else 1.0)
    return MapPicture(
        x_name=x.neuron,
        y_name=y.neuron,
        x_range=(x.low, x.high),
        y_range=(y.low, y.high),
        image=image,
        points=points,
        scale=scale,
        names=names,
        row=row,
        row_at=(float(across[row]), float(up[row])) if row < dataset.rows else None,
    )


def _names(neurons: Sequence[str]) -> tuple[tuple[QColor, str], ...]:
    return tuple((theme().palette.class_color(place), neuron) for place, neuron in enumerate(neurons))


def _target_colors(
    project: Project, field: Field, rows: NDArray[np.intp]
) -> tuple[NDArray[np.intp], tuple[QColor, ...]]:
    """The number of each row's colour, and the colours: by target, of the neuron on show where it has one."""
    palette, dataset, outputs = theme().palette, project.dataset, [neuron.id for neuron in project.network.outputs]
    if not outputs:
        return np.zeros(len(rows), dtype=np.intp), (palette.muted,)
    shown = field.neurons[0]
    if len(outputs) > 1 and (len(field.neurons) > 1 or shown not in outputs):
        classes = dataset.matrix(outputs, rows).argmax(axis=1)
        return classes, tuple(palette.class_color(place) for place in range(len(outputs)))
    output = shown if shown in outputs else outputs[0]
    targets = dataset.seen(output)
    span = span_of_field(project, field) if output == shown else span_of(project.network, dataset, output, targets)
    place = (span.place(targets[rows]) + 1.0) / 2.0
    ramp = Ramp(palette, palette.panel, 1.0)
    colors = tuple(ramp.color(2.0 * shade / (TARGET_SHADES - 1) - 1.0) for shade in range(TARGET_SHADES))
    return np.rint(place * (TARGET_SHADES - 1)).astype(np.intp), colors


def _curve(
    project: Project, field: Field, axes: Sequence[Extent], row: int, rows: NDArray[np.intp], show: Show
) -> MapPicture:
    palette, dataset = theme().palette, project.dataset
    (x,) = axes
    along, column = x.centres(field.side), dataset.columns[x.neuron]
    colors = tuple(palette.class_color(place) for place in range(len(field.neurons)))
    answering = [(place, neuron) for place, neuron in enumerate(field.neurons) if neuron in dataset.columns]
    count = len(answering)
    heights = [dataset.seen(neuron)[rows] for _, neuron in answering]
    points = Points(
        np.tile(column[rows], count),
        np.concatenate(heights) if count else np.zeros(0),
        np.repeat(np.array([place for place, _ in answering], dtype=np.intp), len(rows)),
        np.tile(rows, count),
        np.tile(dataset.test[rows], count),
        colors,
    )
    row_at = None
    if row < dataset.rows:
        value = float(column[row])
        # A hidden neuron has no target: the row stands on the curve.
        height = dataset.seen(answering[0][1])[row] if answering else np.interp(value, along, field.activations[0])
        row_at = (value, float(height))
    one = field.neurons[0]
    scaled = "" if one not in dataset.columns or not dataset.scalings_of(one) else ", scaled"
    return MapPicture(
        x_name=x.neuron,
        y_name=f"{one}{scaled}" if len(field.neurons) == 1 else "outputs",
        x_range=(x.low, x.high),
        y_range=_heights(np.concatenate([field.activations.ravel(), points.y])),
        curves=tuple((color, along, field.activations[place]) for place, color in enumerate(colors)),
        points=points,
        names=_names(field.neurons) if len(field.neurons) > 1 else (),
        row=row,
        row_at=row_at,
    )


def _heights(values: Array) -> tuple[float, float]:
    """A range of round numbers around all values: it stays while they change little."""
    finite = values[np.isfinite(values) & (np.abs(values) < 1e150)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        low, high = low - max(abs(low), 1.0), high + max(abs(high), 1.0)
    step = nice_step((high - low) / 8.0)
    return math.floor(low / step) * step - 0.2 * step, math.ceil(high / step) * step + 0.2 * step
