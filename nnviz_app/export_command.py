"""``nnviz export``: weights, models, pictures, animations and plots, without a window."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnviz_app.command import (
    OK,
    SIZES,
    add_rows,
    add_style,
    chosen_rounding,
    chosen_rows,
    chosen_style,
    follow,
    keep_imports,
    print_written,
    start_painting,
    whole_number,
)

if TYPE_CHECKING:
    from core.jobs import Job
    from core.project import Project
    from nnviz_app.export.entry import Entry
    from nnviz_app.export.subject import Subject

# The names of nnviz_app.export.entries, here without its imports.
MODELS = ("npz", "safetensors", "json", "csv", "onnx", "numpy", "pytorch", "keras")
PICTURES = ("svg", "pdf", "png", "tikz")
ANIMATIONS = ("gif", "mp4")
PLOTS = ("loss", "map")
PLOT_FORMS = ("svg", "png", "csv")
DIGITS = 4
# Arguments that set an option of the export, by its name.
OF_THE_EXPORT = {
    "precision": "--precision",
    "step": "--step",
    "numbers": "--no-numbers",
    "mode": "--dark",
    "transparent": "--transparent",
    "dpi": "--dpi",
    "scale": "--scale",
    "width": "--width",
    "height": "--height",
    "by": "--by",
    "seconds": "--seconds",
    "last_seconds": "--last-seconds",
    "neuron": "--neuron",
    "axes": "--axes",
}
# Arguments that say which pass is shown, and how it is written.
OF_A_PASS = ("sample", "batch", "round", "notation", "digits")
# Dots an inch of a picture in the size that it has on the screen.
SCREEN_DPI = 96

DESCRIPTION = "Write weights, a model, a picture, an animation or a plot of a project to a file."
EPILOG = """\
formats:
  npz safetensors json csv         the weights; nnviz import brings them back
  onnx numpy pytorch keras         the model, for other programs (pytorch: a folder)
  svg pdf png tikz                 the drawing, plain or after a step
  gif mp4                          a pass as an animation (mp4 needs ffmpeg)
With --plot, svg png csv are the loss or the decision map. Each file of weights or a model is read back and compared
with the engine before it gets its name.

examples:
  nnviz export my.nnviz --to safetensors -o my.safetensors
  nnviz export my.nnviz --to pytorch -o my-pytorch
  nnviz export my.nnviz --to svg --step 14 -o step-14.svg
  nnviz export my.nnviz --to png --dpi 300 --dark --transparent -o my.png
  nnviz export my.nnviz --to gif --by neuron --width 960 -o my.gif
  nnviz export my.nnviz --plot loss --to csv -o loss.csv
  nnviz export my.nnviz --plot map --axes x1,x3 --to svg -o map.svg

exit codes:
  0 written, 2 wrong usage, a file that cannot be read or written, or an export that does not agree with the engine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command: those of OF_THE_EXPORT are None where they are not given."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument(
        "--to",
        metavar="FORMAT",
        required=True,
        choices=(*MODELS, *PICTURES, *ANIMATIONS),
        help=f"one of {' '.join((*MODELS, *PICTURES, *ANIMATIONS))}",
    )
    parser.add_argument("-o", "--out", metavar="PATH", type=_place, required=True, help="where to write")
    models = parser.add_argument_group("weights and models")
    models.add_argument(
        "--precision", choices=["float64", "float32"], help="of the numbers (float64; onnx and keras: float32)"
    )
    pictures = parser.add_argument_group("pictures, animations and plots")
    pictures.add_argument("--plot", choices=PLOTS, help="the loss curves, or what outputs answer to inputs")
    pictures.add_argument("--neuron", metavar="NAME", help="whose answers a map shows (the outputs')")
    pictures.add_argument("--axes", metavar="X,Y", type=_axes, help="the inputs that a map is over (the first two)")
    pictures.add_argument("--step", metavar="N", type=whole_number(0, None), help="after N steps (else no step at all)")
    pictures.add_argument(
        "--no-numbers", dest="numbers", action="store_const", const=False, help="outlines and names only"
    )
    pictures.add_argument(
        "--dark", dest="mode", action="store_const", const="dark", help="in the colours of the dark theme"
    )
    pictures.add_argument("--transparent", action="store_const", const=True, help="nothing behind the drawing")
    size = pictures.add_mutually_exclusive_group()
    size.add_argument("--dpi", metavar="N", type=whole_number(1, 2400), help="dots an inch of a PNG (192)")
    size.add_argument("--scale", metavar="X", type=_positive, help="pixels of a PNG to one of the screen (2)")
    pictures.add_argument("--width", metavar="N", type=whole_number(1, None), help="pixels of an animation or plot")
    pictures.add_argument("--height", metavar="N", type=whole_number(1, None), help="pixels of a plot")
    pictures.add_argument("--by", choices=SIZES, help="the step of a frame (neuron)")
    pictures.add_argument("--seconds", metavar="X", type=_positive, help="a frame lasts (1)")
    pictures.add_argument("--last-seconds", metavar="X", type=_positive, help="the last frame lasts (3)")
    add_rows(pictures)
    add_style(pictures, digits=DIGITS)


def _place(text: str) -> str:
    """Where to write, as it was typed: a slash at its end would be lost in a Path."""
    if text in ("", "-"):
        raise argparse.ArgumentTypeError(f"“{text}” is no place to write to: name a file")
    return text


def _positive(text: str) -> float:
    from core.errors import DataError
    from core.numbers import parse_number

    try:
        number = parse_number(text)
    except DataError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number above 0")
    return number


def _axes(text: str) -> tuple[str, str]:
    names = [name.strip() for name in text.split(",")]
    if len(names) > 2 or not all(names):
        raise argparse.ArgumentTypeError(f"“{text}” is not one or two inputs, as in x1,x2")
    # One of them alone: a curve over it.
    return names[0], names[-1]


def run(options: argparse.Namespace) -> int:
    """Write what the arguments ask for and say what it is."""
    if options.plot and options.to not in PLOT_FORMS:
        options.refuse(f"a plot is written as {', '.join(PLOT_FORMS)}, not as {options.to}")
    print_written(follow(_job(options)))
    return OK


def _job(options: argparse.Namespace) -> Job:
    from core.errors import ExportError
    from core.project_file import load_project
    from nnviz_app.export.entries import ENTRIES

    keep_imports()
    entry = ENTRIES[options.plot or options.to]
    subject = _subject(load_project(options.file), entry, options)
    values = _values(entry, subject, options)
    if entry.suffixes and options.out.endswith(("/", os.sep)) and not os.path.isdir(options.out):
        raise ExportError(f"There is no folder {options.out}: make it first, or leave the slash at its end out.")
    return (yield from entry.write(subject, entry.path(Path(options.out), subject, values), values))


def _subject(project: Project, entry: Entry, options: argparse.Namespace) -> Subject:
    """What is exported, with nothing on show."""
    from nnviz_app.export.subject import Subject

    name = options.file.stem
    if entry.name in MODELS:
        return Subject(project, name)
    rows = chosen_rows(project, options.sample, whole=options.batch)
    start_painting()
    from nnviz_app.export.look import Look

    return Subject(
        project,
        name,
        rows=tuple(map(int, project.first_rows if rows is None else rows)),
        # Without a row a map marks none.
        row=options.sample - 1 if options.sample else -1,
        rounding=chosen_rounding(options),
        look=Look(style=chosen_style(options)),
    )


def _values(entry: Entry, subject: Subject, options: argparse.Namespace) -> dict[str, Any]:
    """The export's options as they are chosen. An argument that would make no difference is refused."""
    known = {option.name: option for option in entry.options(subject)}
    values: dict[str, Any] = {name: option.default for name, option in known.items()}
    given = {name: value for name in OF_THE_EXPORT if (value := getattr(options, name)) is not None}
    # Two names of the same: pixels to one of the screen.
    for name, other, factor in (("scale", "dpi", SCREEN_DPI), ("dpi", "scale", 1 / SCREEN_DPI)):
        if name in given and other in known:
            given[other] = factor * given.pop(name)
    if "axes" in given and {"across", "upwards"} <= set(known):
        given["across"], given["upwards"] = given.pop("axes")
    values |= given | {"form": options.to, "moment": "plain" if options.step is None else "step"}
    if entry.name in MODELS:
        # The format itself says which precisions it has.
        given.pop("precision", None)
    refused = [OF_THE_EXPORT[name] for name in given if name not in known or not known[name].matters(values)]
    asked = [name for name in OF_A_PASS if getattr(options, name) and (name, options.digits) != ("digits", DIGITS)]
    refused += [f"--{name}" for name in asked if name not in _heeded(entry)]
    if refused:
        plot = f"--plot {options.plot} " if options.plot else ""
        options.refuse(f"{refused[0]} does not go with {plot}--to {options.to}: leave it out")
    return values


def _heeded(entry: Entry) -> tuple[str, ...]:
    """Those of OF_A_PASS that make a difference to it."""
    if entry.name == "map":
        return ("sample",)
    return OF_A_PASS if entry.name in (*PICTURES, *ANIMATIONS) else ()
