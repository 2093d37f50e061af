"""What shows a pass to others: animations, worked solutions and worksheets, for the export dialog."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.jobs import Job
from core.quantities import Granularity
from nnviz_app.export.colours import COLOURS, chosen_mode
from nnviz_app.export.entry import Entry, Previewing
from nnviz_app.export.options import AnyOption, Decimal, Pick, Several, Values, Whole
from nnviz_app.export.subject import Subject

if TYPE_CHECKING:
    from core.project import Project
    from core.sheet import Sheet
    from core.worksheet import Blanks

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


# On paper


def _rows(subject: Subject) -> tuple[Pick, ...]:
    if len(subject.rows) < 2:
        return ()
    # The canvas steps through the batch as a whole, and so does the command line.
    batch = ("batch", f"The batch on the canvas: {len(subject.rows):,} rows")
    return (Pick(name="rows", title="Ro&ws", choices=(batch, ("sample", f"Row {subject.row + 1:,} alone"))),)


def _chosen_rows(subject: Subject, values: Values) -> tuple[int, ...]:
    return (subject.row,) if values.get("rows") == "sample" else subject.rows


def _solution_options(subject: Subject) -> tuple[AnyOption, ...]:
    return (
        _form("html", "pdf", "md", "tex"),
        *_rows(subject),
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


def _preview_solution(subject: Subject, values: Values) -> Previewing:
    from core.solution import solution

    def make() -> Generator[None, None, tuple[Project, Sheet]]:
        yield
        project, rows = subject.project, _chosen_rows(subject, values)
        by, style, rounding = Granularity(values["by"]), subject.style, subject.rounding
        return project, solution(project, rows, granularity=by, style=style, rounding=rounding)

    return _preview_sheet(make(), subject, values)


def _preview_sheet(make: Generator[None, None, tuple[Project, Sheet]], subject: Subject, values: Values) -> Previewing:
    from nnviz_app.export.previews import preview_page

    rows = _chosen_rows(subject, values)
    image = yield from preview_page(
        make, steps=subject.steps, rows=rows, style=subject.style, rounding=subject.rounding, paper=values["paper"]
    )
    return image, "Its first page" if values["form"] == "pdf" else "How it begins"


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
        *_rows(subject),
        _by("neuron", "term", "layer", "pass", title="In deta&il"),
        PAPER,
    )


def _refuse_no_blanks(_subject: Subject, values: Values) -> str:
    return "" if values["blanks"] else "Nothing is left blank on the worksheet: check a part that is to be calculated."


def _write_worksheets(subject: Subject, path: Path, values: Values) -> Job:
    from nnviz_app.export.own_file import keep_own_file
    from nnviz_app.export.worksheet import WorksheetOptions, write_worksheets

    keep_own_file(subject.file, path)
    options = WorksheetOptions(
        rows=_chosen_rows(subject, values),
        blanks=_blanks(values),
        granularity=Granularity(values["by"]),
        style=subject.style,
        rounding=subject.rounding,
        paper=values["paper"],
    )
    chosen = {name: values[name] for name in ("variants", "seed", "form")}
    return (yield from write_worksheets(subject.project, path, **chosen, options=options))


def _describe_former(folder: Path) -> str:
    from nnviz_app.export.former_sheets import FormerSheets

    return FormerSheets.of(folder).describe()


def _blanks(values: Values) -> Blanks:
    from core.sheet import Blank
    from core.worksheet import Blanks, Group

    return Blanks(frozenset(map(Group, values["blanks"])), Blank(values["hide"]))


def _preview_worksheet(subject: Subject, values: Values) -> Previewing:
    from core.solution import check_length
    from core.variants import Variants
    from core.worksheet import worksheet

    def make() -> Generator[None, None, tuple[Project, Sheet]]:
        yield
        project, rows, label = subject.project, _chosen_rows(subject, values), ""
        if values["variants"]:
            check_length(project, rows, Granularity(values["by"]))
            project = yield from Variants(project, values["seed"], rows=rows).find()
            yield
            label = f"variant 1 of seed {values['seed']}"
        task, _ = worksheet(
            project,
            rows,
            blanks=_blanks(values),
            granularity=Granularity(values["by"]),
            style=subject.style,
            rounding=subject.rounding,
            title=subject.project.title,
            label=label,
        )
        return project, task

    return _preview_sheet(make(), subject, values)


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
        name="solution",
        group="On paper",
        title="Worked solution",
        about="A pass written out: the drawing, and every line of the forward, backward and update calculation.",
        keeps="Symbols, numbers and results, in the notation and with the digits that are chosen under View.",
        suffixes=(".html", ".pdf", ".md", ".tex"),
        file="{name}-solution",
        write=_write_solution,
        options=_solution_options,
        preview=_preview_solution,
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
        preview=_preview_worksheet,
        refuses=_refuse_no_blanks,
        replaces=_describe_former,
        needs_steps=True,
    ),
)
