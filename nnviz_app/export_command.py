"""``nnviz export``: weights, models, pictures, animations and plots, without a window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz_app.command import (
    OK,
    add_rows,
    add_style,
    chosen_rounding,
    chosen_rows,
    chosen_style,
    follow,
    keep_imports,
    start_painting,
    whole_number,
)

if TYPE_CHECKING:
    from core.jobs import Job
    from core.project import Project
    from nnviz_app.export.picture import Look

MODELS = ("npz", "safetensors", "json", "csv", "onnx", "numpy", "pytorch", "keras")
PICTURES = ("svg", "pdf", "png", "tikz")
ANIMATIONS = ("gif", "mp4")
PLOT_FORMS = ("svg", "png", "csv")
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

exit codes:
  0 written, 2 wrong usage, a file that cannot be read or written, or an export that does not agree with the engine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a project file (*.nnviz)")
    parser.add_argument(
        "--to",
        metavar="FORMAT",
        required=True,
        choices=(*MODELS, *PICTURES, *ANIMATIONS),
        help=f"one of {' '.join((*MODELS, *PICTURES, *ANIMATIONS))}",
    )
    parser.add_argument("-o", "--out", metavar="PATH", type=Path, required=True, help="where to write")
    models = parser.add_argument_group("weights and models")
    models.add_argument(
        "--precision", choices=["float64", "float32"], help="of the numbers (float64; onnx and keras: float32)"
    )
    pictures = parser.add_argument_group("pictures, animations and plots")
    pictures.add_argument("--plot", choices=["loss", "map"], help="the loss curves, or what outputs answer to inputs")
    pictures.add_argument("--step", metavar="N", type=whole_number(0, None), help="after N steps (else no step at all)")
    pictures.add_argument("--no-numbers", action="store_true", help="outlines and names only")
    pictures.add_argument("--dark", action="store_true", help="in the colours of the dark theme")
    pictures.add_argument("--transparent", action="store_true", help="nothing behind the drawing")
    size = pictures.add_mutually_exclusive_group()
    size.add_argument("--dpi", metavar="N", type=whole_number(1, 2400), help="dots an inch of a PNG (192)")
    size.add_argument("--scale", metavar="X", type=_positive, help="pixels of a PNG to one of the screen (2)")
    pictures.add_argument("--width", metavar="N", type=whole_number(1, None), help="pixels of an animation or plot")
    pictures.add_argument("--height", metavar="N", type=whole_number(1, None), help="pixels of a plot")
    pictures.add_argument(
        "--by", choices=["term", "neuron", "layer", "pass"], default="term", help="the step of a frame (term)"
    )
    pictures.add_argument("--seconds", metavar="X", type=_positive, default=1.0, help="a frame lasts (1)")
    add_rows(pictures)
    add_style(pictures, digits=4)


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


def run(options: argparse.Namespace) -> int:
    """Write what the arguments ask for and say what it is."""
    if options.plot and options.to not in PLOT_FORMS:
        options.refuse(f"a plot is written as {', '.join(PLOT_FORMS)}, not as {options.to}")
    from core.project_file import load_project

    keep_imports()
    project = load_project(options.file)
    job = _make_job(project, options)
    written = follow(job)
    for sentence in written.sentences:
        print(sentence)
    print(f"Written to {', '.join(str(path) for path in written.paths)}.")
    return OK


def _make_job(project: Project, options: argparse.Namespace) -> Job:
    if options.to in MODELS and not options.plot:
        from core.export.formats import FORMATS

        made = FORMATS[options.to]
        return made.write(project, _with_ending(options.out, made.suffix), precision=options.precision)
    start_painting()
    path = _with_ending(options.out, ".tex" if options.to == "tikz" else f".{options.to}")
    if options.plot:
        return _plot(project, path, options)
    return (_animation if options.to in ANIMATIONS else _picture)(project, path, options)


def _with_ending(path: Path, ending: str) -> Path:
    return path if path.suffix.lower() == ending or not ending else path.with_name(f"{path.name}{ending}")


def _look(options: argparse.Namespace) -> Look:
    from nnviz_app.export.picture import Look

    return Look(
        mode="dark" if options.dark else "light",
        transparent=options.transparent,
        numbers=not options.no_numbers,
        style=chosen_style(options),
    )


def _picture(project: Project, path: Path, options: argparse.Namespace) -> Job:
    from nnviz_app.export.picture import CanvasPicture
    from nnviz_app.export.picture_files import write_picture

    def make() -> CanvasPicture:
        rows = chosen_rows(project, options.sample, whole=options.batch)
        return CanvasPicture(project, rows=rows, rounding=chosen_rounding(options), look=_look(options))

    return write_picture(make, path, index=options.step, scale=_scale(options))


def _scale(options: argparse.Namespace) -> float:
    return options.dpi / SCREEN_DPI if options.dpi else options.scale or 2.0


def _animation(project: Project, path: Path, options: argparse.Namespace) -> Job:
    from core.quantities import Granularity
    from nnviz_app.export.animation import AnimationOptions, write_animation

    rows = chosen_rows(project, options.sample, whole=options.batch)
    return write_animation(
        project,
        path,
        options=AnimationOptions(
            granularity=Granularity(options.by),
            width=options.width or 960,
            seconds=options.seconds,
            last_seconds=max(3.0, options.seconds),
            look=_look(options),
            rows=None if rows is None else tuple(rows),
            rounding=chosen_rounding(options),
        ),
    )


def _plot(project: Project, path: Path, options: argparse.Namespace) -> Job:
    from nnviz_app.export.plots import PlotOptions, write_plot

    usual = PlotOptions()
    return write_plot(
        options.plot,
        project,
        path,
        options=PlotOptions(
            mode="dark" if options.dark else "light",
            transparent=options.transparent,
            width=options.width or usual.width,
            height=options.height or usual.height,
            scale=_scale(options),
        ),
    )
