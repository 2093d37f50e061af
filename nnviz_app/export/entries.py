"""All that can be made of a project: one table for dialog and command line, with what each is, keeps and is made by.

No library that only one of them needs is imported before it is wanted.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.export.formats import FORMATS
from core.jobs import Job
from nnviz_app.export.colours import COLOURS, PAPER_COLOURS, TRANSPARENT, chosen_mode
from nnviz_app.export.entry import Entry, Previewing
from nnviz_app.export.options import AnyOption, Pick, Switch, Values, Whole
from nnviz_app.export.paper_entries import OTHERS
from nnviz_app.export.plot_entries import PLOTS
from nnviz_app.export.subject import Subject

if TYPE_CHECKING:
    from nnviz_app.export.picture import CanvasPicture

GROUPS = ("Weights", "Code", "Pictures", "Animation", "Plots", "On paper")
# Dots of a picture in its own size on the screen.
SCREEN_DPI = 96
# The width of a preview in pixels.
PREVIEW_WIDTH = 900

# Weights and code

_BACK = "nnviz reads it back."
_KEEPS = {
    "npz": f"Every weight and bias to the last digit, with names and activations beside them. {_BACK}",
    "safetensors": f"Every weight and bias, with activations, loss and file version as metadata. {_BACK}",
    "json": f"Every parameter by its name, and the layers as lists, to the last digit. {_BACK}",
    "csv": "Every weight and bias to the last digit, without the activations. nnviz reads it back into this network.",
    "onnx": f"All that the outputs need, with names; neither the data nor how it was trained. {_BACK}",
    "numpy": "All that the outputs need, as formulas to read; neither the data nor how it was trained.",
    "pytorch": "Weights, data, loss and optimizer, to go on training elsewhere. nnviz reads the weights back.",
    "keras": "Layers, activations and weights; neither the data nor how it was trained.",
}
_FILES = {"csv": "{name}-weights", "json": "{name}-weights", "pytorch": "{name}-pytorch", "keras": "{name}_keras"}
_PRECISIONS = {"float64": "64 bits, as computed here", "float32": "32 bits, as frameworks have it"}


def missing_onnx() -> str:
    """What to do where the library for ONNX is not installed."""
    if importlib.util.find_spec("onnx") is not None:
        return ""
    return 'ONNX needs a library that is not installed here: pip install "nnviz[onnx]", then start nnviz again.'


def _model(name: str, group: str) -> Entry:
    made = FORMATS[name]
    choices = tuple((precision, _PRECISIONS[precision]) for precision in made.precisions)
    options = (Pick(name="precision", title="&Precision", choices=choices),) if len(choices) > 1 else ()

    def write(subject: Subject, path: Path, values: Values) -> Job:
        return made.write(subject.project, path, precision=values.get("precision"))

    return Entry(
        name=name,
        group=group,
        title=made.title,
        about=made.about,
        keeps=_KEEPS[name],
        suffixes=(made.suffix,) if made.suffix else (),
        file=_FILES.get(name, "{name}"),
        write=write,
        options=lambda _: options,
        missing=missing_onnx if name == "onnx" else str,
        replaces=_describe_former if name == "pytorch" else lambda _: "",
    )


def _describe_former(folder: Path) -> str:
    from core.export.pytorch import former_files

    is_there = bool(former_files(folder))
    return f"The folder {folder.name} holds a PyTorch export already: it would be replaced." if is_there else ""


# Pictures


def _picture_options(subject: Subject, name: str) -> tuple[AnyOption, ...]:
    moments = [("plain", "Drawing alone, with its weights")]
    if subject.steps:
        current = f"As on the canvas: step {subject.index:,} of {subject.steps:,}"
        moments = [("current", current), *moments, ("step", "After a step")]
    options: list[AnyOption] = [
        Pick(name="moment", title="&Shows", choices=tuple(moments)),
        Whole(
            name="step",
            title="Ste&p",
            low=0,
            high=subject.steps,
            default=subject.index,
            suffix=f" of {subject.steps:,}",
            only=("moment", ("step",)),
        ),
        COLOURS if name == "png" else PAPER_COLOURS,
        Switch(name="numbers", title="With &numbers", default=True, tip="Else outlines and names alone"),
        TRANSPARENT,
    ]
    if name == "png":
        options.append(
            Whole(
                name="dpi",
                title="Resol&ution",
                low=48,
                high=1200,
                default=192,
                step=24,
                suffix=" dpi",
                tip=f"{SCREEN_DPI} dpi is the size on the screen, 300 dpi is sharp in print",
            )
        )
    return tuple(options)


def open_picture(subject: Subject, values: Values) -> CanvasPicture:
    """The canvas as it is to be painted, or one of its own where there is none; to be closed."""
    from nnviz_app.export.look import Look
    from nnviz_app.export.picture import CanvasPicture

    look = replace(
        subject.look or Look(),
        mode=chosen_mode(subject, values),
        transparent=values["transparent"],
        numbers=values["numbers"],
    )
    if subject.scene is None:
        return CanvasPicture(subject.project, rows=subject.rows or None, rounding=subject.rounding, look=look)
    return CanvasPicture.of_window(subject.scene, mode=look.mode, transparent=look.transparent, numbers=look.numbers)


def picture_index(subject: Subject, values: Values) -> int | None:
    """How many steps the picture shows done; None for the plain drawing."""
    moments: dict[str, int | None] = {"plain": None, "step": values.get("step")}
    return moments.get(values.get("moment", "current"), subject.index)


def _preview_picture(subject: Subject, values: Values) -> Previewing:
    yield None
    with open_picture(subject, values) as picture:
        size = (yield from picture.measure()).size()
        scale = values.get("dpi", SCREEN_DPI) / SCREEN_DPI
        width, height = round(size.width() * scale), round(size.height() * scale)
        caption = f"{width:,} × {height:,} pixels" if "dpi" in values else ""
        shrunk = min(1.0, PREVIEW_WIDTH / size.width())
        return (yield from picture.make_image(picture_index(subject, values), scale=shrunk)), caption


def _picture(name: str, title: str, *, about: str, keeps: str) -> Entry:
    def write(subject: Subject, path: Path, values: Values) -> Job:
        from nnviz_app.export.picture_files import write_picture

        scale = values.get("dpi", SCREEN_DPI) / SCREEN_DPI
        index = picture_index(subject, values)
        return write_picture(lambda: open_picture(subject, values), path, index=index, scale=scale)

    return Entry(
        name=name,
        group="Pictures",
        title=title,
        about=about,
        keeps=keeps,
        suffixes=(".tex" if name == "tikz" else f".{name}",),
        file="{name}",
        write=write,
        options=lambda subject: _picture_options(subject, name),
        preview=_preview_picture,
    )


_PICTURES = (
    _picture(
        "svg",
        "SVG",
        about="The drawing for web pages and drawing programs.",
        keeps="Lines stay sharp at any size, and text stays text that can be searched and edited.",
    ),
    _picture(
        "pdf",
        "PDF",
        about="The drawing as a page of its own size, to print or to put into a document.",
        keeps="Lines stay sharp at any size, and text can be searched; its fonts are in the file.",
    ),
    _picture(
        "png",
        "PNG",
        about="The drawing as a picture of pixels, for slides and messages.",
        keeps="What is on the canvas, at the chosen resolution.",
    ),
    _picture(
        "tikz",
        "TikZ for LaTeX",
        about="The drawing as a LaTeX document that compiles as it is; its picture can be put into any other.",
        keeps="Lines and texts as TikZ commands to read and change, set in the document's own fonts.",
    ),
)

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        *(_model(name, "Weights") for name in ("npz", "safetensors", "json", "csv", "onnx")),
        *(_model(name, "Code") for name in ("numpy", "pytorch", "keras")),
        *_PICTURES,
        *PLOTS,
        *OTHERS,
    )
}
