"""Loss curves and decision maps, for the export dialog and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs import Job
from nnviz_app.export.colours import PAPER_COLOURS, TRANSPARENT, chosen_mode
from nnviz_app.export.entry import Entry, Preview, Previewing, Write
from nnviz_app.export.options import AnyOption, Decimal, Pick, Switch, Values, Whole
from nnviz_app.export.subject import Subject

if TYPE_CHECKING:
    from nnviz_app.export.plots import PlotKind, PlotOptions

_PICTURES = ("form", ("svg", "png"))
_PLOT_OPTIONS: tuple[AnyOption, ...] = (
    Pick(name="form", title="&Form", choices=(("svg", "SVG"), ("png", "PNG"), ("csv", "CSV: the numbers"))),
    Whole(name="width", title="&Width", low=160, high=4000, default=720, step=40, suffix=" pixels", only=_PICTURES),
    Whole(name="height", title="&Height", low=120, high=4000, default=460, step=20, suffix=" pixels", only=_PICTURES),
    Decimal(
        name="scale",
        title="Sc&ale",
        low=0.5,
        high=8.0,
        default=2.0,
        step=0.5,
        suffix=" ×",
        only=("form", ("png",)),
    ),
    Pick(name="mode", title=PAPER_COLOURS.title, choices=PAPER_COLOURS.choices, only=_PICTURES),
    Switch(name="transparent", title=TRANSPARENT.title, only=_PICTURES),
)


def _map_options(subject: Subject) -> tuple[AnyOption, ...]:
    network = subject.project.network
    names = [neuron.id for neuron in network.neurons.values() if neuron.role != "input"]
    inputs = [neuron.id for neuron in network.inputs]
    # What the panel shows, as far as it has followed the document.
    shown = subject.neuron if subject.neuron in names else ""
    choices = (("", "The outputs"), *((name, name) for name in names))
    neuron = Pick(name="neuron", title="&Neuron", choices=choices, usual=shown, kept=False)
    axes = []
    if len(inputs) > 1:
        axis_names = list(dict.fromkeys((*(axis for axis in subject.axes if axis in inputs), *inputs)))
        choices = tuple((name, name) for name in inputs)
        axes = [
            Pick(name=name, title=title, choices=choices, usual=usual, kept=False)
            for name, title, usual in zip(("across", "upwards"), ("Acro&ss", "&Upwards"), axis_names, strict=False)
        ]
    return (_PLOT_OPTIONS[0], neuron, *axes, *_PLOT_OPTIONS[1:])


def plot_options(subject: Subject, values: Values) -> PlotOptions:
    """How the plot looks and what it shows, which is what the panels show."""
    from nnviz_app.export.plots import PlotOptions

    usual = PlotOptions()
    return PlotOptions(
        mode=chosen_mode(subject, values),
        transparent=values["transparent"],
        width=values["width"],
        height=values["height"],
        scale=values["scale"],
        neuron=values.get("neuron", ""),
        axes=tuple(values[name] for name in ("across", "upwards") if name in values),
        row=subject.row,
        shown=subject.shown or usual.shown,
        show=subject.show or usual.show,
        others=subject.others,
    )


def _write_plot(kind: PlotKind) -> Write:
    def write(subject: Subject, path: Path, values: Values) -> Job:
        from nnviz_app.export.plots import write_plot

        options = plot_options(subject, values)
        return write_plot(kind, subject.project, path, options=options, run=subject.run, kept=subject.kept)

    return write


def _preview_plot(kind: PlotKind) -> Preview:
    def preview(subject: Subject, values: Values) -> Previewing:
        from nnviz_app.export.previews import preview_plot

        options = plot_options(subject, values)
        making = preview_plot(kind, subject.project, options=options, run=subject.run, kept=subject.kept)
        return (yield from making), ""

    return preview


PLOTS = (
    Entry(
        name="loss",
        group="Plots",
        title="Loss",
        about="The course of the loss or the accuracy, for training and test rows, as the Loss panel shows it.",
        keeps="The curves as a picture, or as CSV their numbers to the last digit.",
        suffixes=(".svg", ".png", ".csv"),
        file="{name}-loss",
        write=_write_plot("loss"),
        options=lambda _: _PLOT_OPTIONS,
        preview=_preview_plot("loss"),
    ),
    Entry(
        name="map",
        group="Plots",
        title="Decision map",
        about="What the network answers over two of its inputs, with the rows of the data.",
        keeps="The map as a picture, or as CSV the answer at each point of a grid to the last digit.",
        suffixes=(".svg", ".png", ".csv"),
        file="{name}-map",
        write=_write_plot("map"),
        options=_map_options,
        preview=_preview_plot("map"),
    ),
)
