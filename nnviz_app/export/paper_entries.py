"""What shows a pass or a run to others: animations, plots, worked solutions and worksheets, for the export dialog."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from core.jobs import Job
from core.quantities import Granularity
from nnviz_app.export.entry import Entry, Write
from nnviz_app.export.options import AnyOption, Decimal, Pick, Several, Switch, Values, Whole
from nnviz_app.export.subject import Subject

COLOURS = Pick(name="mode", title="Co&lours", choices=(("", "As in the window"), ("light", "Light"), ("dark", "Dark")))
TRANSPARENT = Switch(name="transparent", title="Transparent back&ground")
_SIZES = {
    "term": "Every term",
    "neuron": "Neuron by neuron",
    "layer": "Layer by layer",
    "pass": "Forward, backward, update",
}
FORMS = {
    "html": "Web page (HTML), in one file",
    "pdf": "PDF, to print",
    "md": "Markdown",
    "tex": "LaTeX",
}
BLANKS = {
    "forward": "Forward pass",
    "loss": "Loss",
    "backward": "Backward pass",
    "gradients": "Gradients",
    "updates": "Updates",
}
HIDDEN = {"result": "The results", "numbers": "Results and the numbers put in", "all": "All but the left side"}
PAPER = Pick(name="paper", title="&Paper", choices=(("A4", "A4"), ("Letter", "US Letter")), only=("form", ("pdf",)))


def chosen_mode(subject: Subject, values: Values) -> Literal["light", "dark"]:
    """The colours."""
    mode = values.get("mode") or ("dark" if subject.is_dark else "light")
    return "dark" if mode == "dark" else "light"


def _by(*sizes: str, title: str = "Step si&ze") -> Pick:
    return Pick(name="by", title=title, choices=tuple((size, _SIZES[size]) for size in sizes))


def _form(*names: str) -> Pick:
    return Pick(name="form", title="&Form", choices=tuple((name, FORMS[name]) for name in names))


# Animation


def missing_ffmpeg() -> str:
    """What to do where there is nothing to make a film with."""
    if shutil.which("ffmpeg") is not None:
        return ""
    return "A film is made by ffmpeg, which was not found here: install it and start nnviz again, or make a GIF."


def _animation_options(_subject: Subject) -> tuple[AnyOption, ...]:
    return (
        _by("neuron", "term", "layer", "pass"),
        Whole(name="width", title="&Width", low=320, high=3840, default=960, step=80, suffix=" pixels"),
        Decimal(name="seconds", title="Each &frame for", low=0.1, high=10.0, default=1.0, suffix=" s"),
        Decimal(name="last_seconds", title="T&he last for", low=0.1, high=10.0, default=3.0, suffix=" s"),
        COLOURS,
    )


def _write_animation(subject: Subject, path: Path, values: Values) -> Job:
    from nnviz_app.export.animation import AnimationOptions, write_animation
    from nnviz_app.export.look import Look

    options = AnimationOptions(
        granularity=Granularity(values["by"]),
        width=values["width"],
        seconds=values["seconds"],
        last_seconds=values["last_seconds"],
        look=replace(subject.look or Look(), mode=chosen_mode(subject, values)),
        rows=subject.rows,
        rounding=subject.rounding,
    )
    return write_animation(subject.project, path, options=options)


# Plots

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
    Pick(name="mode", title=COLOURS.title, choices=COLOURS.choices, only=_PICTURES),
    Switch(name="transparent", title=TRANSPARENT.title, only=_PICTURES),
)


def _map_options(subject: Subject) -> tuple[AnyOption, ...]:
    network = subject.project.network
    names = [neuron.id for neuron in network.neurons.values() if neuron.role != "input"]
    inputs = [neuron.id for neuron in network.inputs]
    neuron = Pick(name="neuron", title="&Neuron", choices=(("", "The outputs"), *((name, name) for name in names)))
    axes = []
    if len(inputs) > 2:
        across = Pick(name="across", title="Acro&ss", choices=tuple((name, name) for name in inputs))
        upwards = Pick(name="upwards", title="&Upwards", choices=tuple((name, name) for name in _second_first(inputs)))
        axes = [across, upwards]
    return (_PLOT_OPTIONS[0], neuron, *axes, *_PLOT_OPTIONS[1:])


def _second_first(names: list[str]) -> list[str]:
    return [names[1], names[0], *names[2:]]


def _write_plot(kind: Literal["loss", "map"]) -> Write:
    def write(subject: Subject, path: Path, values: Values) -> Job:
        from nnviz_app.export.plots import PlotOptions, write_plot

        axes = tuple(values[name] for name in ("across", "upwards") if name in values)
        options = PlotOptions(
            mode=chosen_mode(subject, values),
            transparent=values["transparent"],
            width=values["width"],
            height=values["height"],
            scale=values["scale"],
            neuron=values.get("neuron", ""),
            axes=axes,
            row=subject.row,
        )
        return write_plot(kind, subject.project, path, options=options, run=subject.run, kept=subject.kept)

    return write


# On paper


def _rows(subject: Subject) -> Pick:
    rows = [("sample", f"Row {subject.row + 1}, which is on the canvas")]
    if len(subject.rows) > 1:
        rows.insert(0, ("batch", f"The {len(subject.rows)} rows of its batch"))
    return Pick(name="rows", title="Ro&ws", choices=tuple(rows))


def _chosen_rows(subject: Subject, values: Values) -> tuple[int, ...]:
    return subject.rows if values["rows"] == "batch" else (subject.row,)


def _solution_options(subject: Subject) -> tuple[AnyOption, ...]:
    return (
        _form("html", "pdf", "md", "tex"),
        _rows(subject),
        _by("neuron", "term", "layer", "pass", title="In &detail"),
        PAPER,
    )


def _write_solution(subject: Subject, path: Path, values: Values) -> Job:
    from nnviz_app.export.solution import write_solution

    return write_solution(
        subject.project,
        path,
        rows=_chosen_rows(subject, values),
        granularity=Granularity(values["by"]),
        style=subject.style,
        rounding=subject.rounding,
        paper=values["paper"],
    )


def _worksheet_options(subject: Subject) -> tuple[AnyOption, ...]:
    return (
        _form("pdf", "html", "md", "tex"),
        Whole(
            name="variants",
            title="&Variants",
            low=0,
            high=500,
            default=30,
            lowest="None: the numbers on the canvas",
            tip="Each has its own weights, inputs and targets",
        ),
        Whole(name="seed", title="See&d", low=0, high=2**31 - 1, default=1),
        Several(name="blanks", title="Left blan&k", choices=tuple(BLANKS.items()), default=tuple(BLANKS)),
        Pick(name="hide", title="&Hides", choices=tuple(HIDDEN.items())),
        _rows(subject),
        _by("neuron", "term", "layer", "pass", title="In deta&il"),
        PAPER,
    )


def _write_worksheets(subject: Subject, path: Path, values: Values) -> Job:
    from core.sheet import Blank
    from core.worksheet import Blanks, Group
    from nnviz_app.export.worksheet import WorksheetOptions, write_worksheets

    options = WorksheetOptions(
        rows=_chosen_rows(subject, values),
        blanks=Blanks(frozenset(map(Group, values["blanks"])), Blank(values["hide"])),
        granularity=Granularity(values["by"]),
        style=subject.style,
        rounding=subject.rounding,
        paper=values["paper"],
    )
    chosen = {name: values[name] for name in ("variants", "seed", "form")}
    return write_worksheets(subject.project, path, **chosen, options=options)


OTHERS = (
    Entry(
        name="gif",
        group="Animation",
        title="GIF",
        about="A pass as a moving picture, a frame a step, each with its caption. It plays everywhere, over and over.",
        keeps="Canvas, formulas and sentences as pixels.",
        suffixes=(".gif",),
        file="{name}",
        write=_write_animation,
        options=_animation_options,
        needs_steps=True,
    ),
    Entry(
        name="mp4",
        group="Animation",
        title="MP4",
        about="A pass as a film, a frame a step, each with its caption: for slides and videos, smaller than a GIF.",
        keeps="Canvas, formulas and sentences as pixels.",
        suffixes=(".mp4",),
        file="{name}",
        write=_write_animation,
        options=_animation_options,
        missing=missing_ffmpeg,
        needs_steps=True,
    ),
    Entry(
        name="loss",
        group="Plots",
        title="Loss",
        about="The loss of each update, for training and test rows, as the Loss panel shows it.",
        keeps="The curves as a picture, or as CSV their numbers to the last digit.",
        suffixes=(".svg", ".png", ".csv"),
        file="{name}-loss",
        write=_write_plot("loss"),
        options=lambda _: _PLOT_OPTIONS,
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
    ),
    Entry(
        name="solution",
        group="On paper",
        title="Worked solution",
        about="A pass written out: the drawing, and every line of the forward, backward and update calculation.",
        keeps="Symbols, numbers and results, in the notation and with the digits that are chosen under View.",
        suffixes=(".html", ".pdf", ".md", ".tex"),
        file="{name}-solution",
        write=_write_solution,
        options=_solution_options,
        needs_steps=True,
    ),
    Entry(
        name="worksheets",
        group="On paper",
        title="Worksheets",
        about="The same to fill in, with weights and inputs of one's own for each student.",
        keeps="A folder: the sheets, the answer keys, and each variant as a project to open and step through.",
        suffixes=(),
        file="{name}-worksheets",
        write=_write_worksheets,
        options=_worksheet_options,
        needs_steps=True,
    ),
)
