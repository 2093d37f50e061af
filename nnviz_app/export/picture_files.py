"""A picture of the drawing as a file: SVG, PDF, PNG or TikZ."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRectF, QSizeF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter

from core.errors import ExportError
from core.export.tex_text import unusual, unusual_remark
from core.export.tikz import tikz_document
from core.jobs import Job, Progress, Written, reporting
from core.whole_files import new_file
from nnviz_app.export.picture import CanvasPicture
from nnviz_app.export.whole_pdf import check_whole
from nnviz_app.export.whole_png import write_image
from nnviz_app.theme import theme

# A scene unit is a pixel of 1/96 inch on paper.
UNITS_PER_INCH = 96.0
POINTS_PER_INCH = 72.0
MILLIMETRES_PER_INCH = 25.4

# Writes a file step by step; what is to be said of it.
Writing = Generator[None, None, tuple[str, ...]]


def write_picture(
    make: Callable[[], CanvasPicture], path: Path, *, index: int | None = None, scale: float = 2.0
) -> Job:
    """The job that writes what `make` makes to `path`, by its ending: .svg, .pdf, .png, or .tex with TikZ.

    `index`: the moment, or None for the plain drawing. `scale`: pixels of a PNG to one of the drawing (1 is 96 dpi).
    Raises ExportError where there is no such moment, the image would be too large, or nothing can be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ExportError(f"{path.name} is no picture: choose a name that ends in {', '.join(ENDINGS)}.")
    yield Progress(0, 2, "Drawing the network")
    with make() as picture:
        _check(picture, index)
        writing = Progress(1, 2, f"Writing {path.name}")
        yield writing
        yield from reporting(picture.measure(), writing)
        with new_file(path) as place:
            if ending == ".png":
                sentences = yield from _write_png(picture, place, index, scale, writing)
            else:
                sentences = yield from reporting(WRITERS[ending](picture, place, index), writing)
    return Written((path,), sentences)


def write_pdf_page(picture: CanvasPicture, path: Path, index: int | None) -> Generator[None, None, tuple[float, float]]:
    """Write a PDF of one page, as large as the drawing, step by step; its size in points. Raises OSError."""
    rect = yield from picture.measure()
    # Qt cuts a page's size to whole points.
    width, height = (-(-side * POINTS_PER_INCH // UNITS_PER_INCH) for side in (rect.width(), rect.height()))
    writer = QPdfWriter(str(path))
    writer.setTitle(picture.title)
    writer.setCreator("nnviz")
    page = QPageSize(QSizeF(width, height), QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0)))
    painter = QPainter()
    if not painter.begin(writer):
        raise OSError("no PDF can be begun")
    target = QRectF(0, 0, writer.width(), writer.height())
    with painter:
        if not picture.look.transparent:
            with theme().borrowed(picture.look.mode):
                painter.fillRect(target, theme().palette.canvas)
        yield from picture.painting(painter, target, index)
    return width, height


def _check(picture: CanvasPicture, index: int | None) -> None:
    length = len(picture.trace) if picture.trace is not None else 0
    if index is None or 0 <= index <= length:
        return
    if not length:
        why = picture.problem or "There is no row in the data, so there are no steps."
        raise ExportError(f"{why} Choose the plain drawing, without a step.")
    raise ExportError(f"There is no step {index:,}: choose one from 0 to {length:,}.")


def _write_png(
    picture: CanvasPicture, path: Path, index: int | None, scale: float, writing: Progress
) -> Generator[Progress, None, tuple[str, ...]]:
    image = yield from reporting(picture.make_image(index, scale=scale), writing)
    image.setText("Title", picture.title)
    image.setText("Description", picture.describe(index))
    yield from write_image(image, path, writing)
    return (f"{image.width():,} × {image.height():,} pixels, {UNITS_PER_INCH * scale:.0f} dpi.",)


def _write_svg(picture: CanvasPicture, path: Path, index: int | None) -> Writing:
    text = yield from picture.make_svg(index)
    path.write_text(text, encoding="utf-8")
    rect = picture.rect()
    return (f"{rect.width():,.0f} × {rect.height():,.0f} pixels at 100 %; text is text.",)


def _write_pdf(picture: CanvasPicture, path: Path, index: int | None) -> Writing:
    size = yield from write_pdf_page(picture, path, index)
    check_whole(path)
    width, height = (side / POINTS_PER_INCH * MILLIMETRES_PER_INCH for side in size)
    return (f"One page of {width:.0f} × {height:.0f} mm; text is text.",)


def _write_tikz(picture: CanvasPicture, path: Path, index: int | None) -> Writing:
    text = yield from picture.make_tikz(index, write=tikz_document)
    path.write_text(text, encoding="utf-8")
    sentences = [
        "A document that LaTeX compiles as it is; in one of yours, \\usepackage{tikz} and \\input bring the picture."
    ]
    if picture.look.maps:
        sentences.append("The maps in the neurons are left out: they are images, which TikZ does not draw.")
    strange = unusual(text)
    if strange:
        sentences.append(unusual_remark(strange, r"\setsansfont{...}"))
    return tuple(sentences)


WRITERS: dict[str, Callable[[CanvasPicture, Path, int | None], Writing]] = {
    ".svg": _write_svg,
    ".pdf": _write_pdf,
    ".tex": _write_tikz,
}
ENDINGS = (*WRITERS, ".png")
