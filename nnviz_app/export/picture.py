"""The drawing of a network as a picture: the canvas itself, painted without a window, for files and pages."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from time import perf_counter
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QEvent, QIODevice, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QGraphicsItem, QStyleOptionGraphicsItem

from core.errors import ExportError
from core.explanation import explain
from core.export.tikz import tikz_picture
from core.jobs import finish
from core.project import Project
from core.quantities import Quantity
from core.style import Rounding
from core.trace import Trace
from nnviz_app.canvas.edge_layer import EdgeLayer
from nnviz_app.canvas.items import NeuronItem
from nnviz_app.canvas.loss_item import LossItem
from nnviz_app.canvas.scene import CanvasScene
from nnviz_app.document import Document
from nnviz_app.export.look import Look, preferences_of
from nnviz_app.export.svg import group_mark, tidy_svg
from nnviz_app.inquiry import Inquiry
from nnviz_app.player import Player
from nnviz_app.preferences import LabelMode
from nnviz_app.selection import Selection
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import theme

__all__ = ["CanvasPicture", "Look"]

# Free space around everything, in scene units (1 px at 100 %).
MARGIN = 16.0
# At so many moments of a trace it is measured how far the numbers reach; at fewer where edges are many.
MOMENTS = 16
EDGES_MEASURED = 20_000
# So long it paints at a time, in seconds.
AT_A_TIME = 0.01
# Pixels of the largest image, and of its longer side, which is as far as Qt paints.
MOST_PIXELS = 100_000_000
LONGEST_SIDE = 32_767
# Sorts of numbers that are left out of the plain drawing, and where there are to be none at all.
OF_A_PASS = frozenset({"values", "gradients", "targets", "results"})
NUMBERS = OF_A_PASS | {"weights", "biases"}
# Colours of the palette that TikZ calls by their names; of two that are equal the first one gives it.
COLORS = (
    *("canvas", "panel", "neuron", "pill", "text", "muted", "neuron_border", "pill_border", "border"),
    *("positive", "negative", "forward", "forward_tint", "backward", "backward_tint"),
)


class _RowsPlayer(Player):
    """A player of given rows, whatever batches training makes of them."""

    def __init__(self, document: Document, rows: NDArray[np.intp]) -> None:
        super().__init__(document)
        self._rows = rows
        self._row = int(rows[0]) if len(rows) else 0


class CanvasPicture:
    """A canvas of its own over a copy of the project: what it paints is what the window's would.

    `rows` are those that are stepped through; without them the first batch. Moments are called by their `index`: the
    number of steps done, or None for the plain drawing without anything of a pass. Raises ExportError where there is
    no neuron, or no such row. It needs an application (nnviz_app.export.offscreen), and is closed at the end.
    """

    def __init__(
        self,
        project: Project,
        *,
        rows: Sequence[int] | NDArray[np.intp] | None = None,
        rounding: Rounding | None = None,
        look: Look = Look(),  # noqa: B008 (frozen)
    ) -> None:
        if not project.network.neurons:
            raise ExportError("The network has no neuron, so there is nothing to draw: add one first.")
        self._owner = QObject()
        document = Document(self._owner)
        document.open_project(project.copy())
        chosen = _chosen_rows(document.project, rows)
        self.look = look
        # What was on show in the window that the picture is of; None where it is of a project.
        self.shown: int | None = None
        self._rect: QRectF | None = None
        self._hidden: frozenset[str] = frozenset()
        self._asked: Quantity | None = None
        with theme().borrowed(look.mode):
            self._player = _RowsPlayer(document, chosen)
            self._player.setParent(self._owner)
            self._preferences = preferences_of(look, rounding, self._owner)
            self._player.set_rounding(rounding)
            self._preferences.set_shows_exact(bool(self._player.rounding_refused))
            self._spotlight = Spotlight(document, self._owner)
            self._scene = CanvasScene(
                document, self._player, Selection(document, self._owner), self._preferences, self._owner
            )
            self._scene.lights_steps = look.lights_steps
            self._scene.set_spotlight(self._spotlight)
            self._inquiry = Inquiry(self._player, self._owner)
            self._scene.set_inquiry(self._inquiry)
            self._scene.health.refresh()
        # It stays as it is when the window gets other colours.
        theme().changed.disconnect(self._scene.thumbnails.refresh)

    @classmethod
    def of_window(
        cls,
        scene: CanvasScene,
        *,
        mode: Literal["light", "dark"] | None = None,
        transparent: bool = False,
        numbers: bool = True,
    ) -> CanvasPicture:
        """What a canvas shows now, but for what is selected and pointed at; `shown` is its moment.

        In the window's own colours unless `mode` says otherwise.
        """
        preferences, player = scene.preferences, scene.player
        look = Look(
            mode=mode or ("dark" if theme().is_dark else "light"),
            transparent=transparent,
            numbers=numbers,
            style=preferences.exact_style,
            edge_labels=preferences.label_mode,
            maps=preferences.shows_maps,
            health=preferences.shows_health,
        )
        rounding = preferences.rounding
        picture = cls(scene.document.project, rows=player.batch_rows, rounding=rounding, look=look)
        picture._follow(scene)
        return picture

    def _follow(self, scene: CanvasScene) -> None:
        """Show what is particular about a canvas: the size of its steps, a path lit, what is compared or asked."""
        player, spotlight, inquiry = scene.player, scene.spotlight, scene.inquiry
        self.shown = player.index
        self._asked = inquiry.quantity if inquiry is not None else None
        with theme().borrowed(self.look.mode):
            self._player.set_granularity(player.granularity)
            if scene.texts.comparison is not None and self.look.numbers:
                self._scene.set_comparison(scene.texts.comparison)
            if spotlight is not None:
                self._hidden = spotlight.hidden
                self._spotlight.show_path(spotlight.path)
                self._spotlight.show_parts(spotlight.highlighted, spotlight.hidden)

    @property
    def trace(self) -> Trace | None:
        """The trace whose moments are painted; None where there is no row, or no pass can be computed."""
        return self._player.trace

    @property
    def problem(self) -> str:
        """Why there is no trace, where settings do not go together; else empty."""
        return self._player.problem

    @property
    def title(self) -> str:
        """What the picture is of."""
        return self._scene.document.project.title or "A neural network"

    def describe(self, index: int | None) -> str:
        """What a moment shows, for those who do not see it."""
        network, trace = self._scene.network, self.trace
        neurons, edges = len(network.neurons), len(network.edges)
        counts = f"{neurons} neuron{'' if neurons == 1 else 's'}, {edges} edge{'' if edges == 1 else 's'}"
        if index is None or trace is None:
            return f"{counts}."
        with theme().borrowed(self.look.mode):
            self._show(index)
        told = explain(trace, trace.quantity_at(index - 1)).sentence if index else "nothing is computed yet"
        return f"{counts}; row {self._player.row + 1}, step {index} of {len(trace)}: {told.rstrip('.')}."

    def rect(self) -> QRectF:
        """The rectangle of the scene that is painted: the same at every moment, with all that is ever written in it."""
        return finish(self.measure())

    def measure(self) -> Generator[None, None, QRectF]:
        """Find out `rect`, which takes long where edges are many, a moment at a time."""
        if self._rect is None:
            rect = self._scene.content_rect()
            length, edges = self._player.length, len(self._scene.network.edges)
            count = min(length + 1, MOMENTS, max(EDGES_MEASURED // max(edges, 1), 3))
            moments = np.unique(np.linspace(0, length, count).astype(int)).tolist()
            for index in (None, *moments):
                # The theme is the window's own again whenever that can paint.
                with theme().borrowed(self.look.mode):
                    self._show(index)
                    rect = rect.united(self._scene.written_rect())
                yield
            # In whole units, so that an image has no half pixels at its rim.
            self._rect = QRectF(rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN).toAlignedRect())
        return QRectF(self._rect)

    def paint(self, painter: QPainter, target: QRectF, index: int | None) -> None:
        """Paint a moment into `target`, as large as it fits in there, in the middle."""
        finish(self.painting(painter, target, index))

    def painting(
        self, painter: QPainter, target: QRectF, index: int | None, begin: Callable[[str], object] | None = None
    ) -> Generator[None, None, None]:
        """As `paint`, step by step; `begin` hears the name of each item before it is painted.

        Another moment must not be asked for meanwhile.
        """
        yield from self.measure()
        with closing(self._strokes(painter, target, index, begin or (lambda _name: None))) as strokes:
            while True:
                until = perf_counter() + AT_A_TIME
                # The theme is the window's own again whenever that can paint.
                with theme().borrowed(self.look.mode):
                    for _ in strokes:
                        if perf_counter() >= until:
                            break
                    else:
                        return
                yield

    def svg(self, index: int | None) -> str:
        """A moment as a whole SVG document: text as text, one group for each neuron."""
        return finish(self.make_svg(index))

    def make_svg(self, index: int | None) -> Generator[None, None, str]:
        """As `svg`, step by step."""
        rect = yield from self.measure()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setResolution(96)
        generator.setSize(rect.size().toSize())
        generator.setViewBox(QRectF(0, 0, rect.width(), rect.height()))
        with QPainter(generator) as painter:
            yield from self.painting(
                painter,
                QRectF(0, 0, rect.width(), rect.height()),
                index,
                lambda name: painter.drawText(QPointF(), group_mark(name)),
            )
        return (
            yield from tidy_svg(
                bytes(buffer.data().data()).decode(),
                size=(rect.width(), rect.height()),
                title=self.title,
                description=self.describe(index),
            )
        )

    def tikz(self, index: int | None, *, write: Callable[[str, Mapping[str, str]], str] = tikz_picture) -> str:
        """A moment as a tikzpicture environment, or what else of core.export.tikz writes, without maps."""
        return finish(self.make_tikz(index, write=write))

    def make_tikz(
        self, index: int | None, *, write: Callable[[str, Mapping[str, str]], str] = tikz_picture
    ) -> Generator[None, None, str]:
        """As `tikz`, step by step."""
        with theme().borrowed(self.look.mode):
            colors = {theme().palette.color(name).name(): name.replace("_", "") for name in reversed(COLORS)}
        self._show_maps(False)
        try:
            svg = yield from self.make_svg(index)
            yield
            return write(svg, colors)
        finally:
            self._show_maps(self.look.maps)

    def _show_maps(self, shown: bool) -> None:
        with theme().borrowed(self.look.mode):
            self._preferences.set_shows_maps(shown)

    def image(self, index: int | None, *, scale: float = 1.0) -> QImage:
        """A moment as an image of `scale` pixels to a scene unit, which knows its size on paper (96 units an inch).

        Raises ExportError where that is larger than images can be.
        """
        return finish(self.make_image(index, scale=scale))

    def make_image(self, index: int | None, *, scale: float = 1.0) -> Generator[None, None, QImage]:
        """As `image`, step by step."""
        yield from self.measure()
        width, height = self.image_size(scale)
        is_opaque = not self.look.transparent
        kind = QImage.Format.Format_RGB32 if is_opaque else QImage.Format.Format_ARGB32_Premultiplied
        image = QImage(width, height, kind)
        with theme().borrowed(self.look.mode):
            image.fill(theme().palette.canvas if is_opaque else Qt.GlobalColor.transparent)
        with QPainter(image) as painter:
            yield from self.painting(painter, QRectF(0, 0, width, height), index)
        for set_dots in (image.setDotsPerMeterX, image.setDotsPerMeterY):
            set_dots(round(96 * scale / 0.0254))
        return image

    def image_size(self, scale: float) -> tuple[int, int]:
        """Width and height in pixels of an image at a scale. Raises ExportError where it is too large."""
        rect = self.rect()
        width, height = max(1, round(rect.width() * scale)), max(1, round(rect.height() * scale))
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            most = min(
                (MOST_PIXELS / rect.width() / rect.height()) ** 0.5, LONGEST_SIDE / max(rect.width(), rect.height())
            )
            raise ExportError(
                f"The picture would have {width:,} × {height:,} pixels, more than an image can hold: choose a scale of "
                f"at most {np.floor(most * 10) / 10:g} ({int(96 * most):,} dpi), or SVG or PDF, which have no pixels."
            )
        return width, height

    def close(self) -> None:
        """Take everything down. It cannot be painted any more."""
        self._owner.deleteLater()
        # Now, not when an event loop comes: a command has none.
        QApplication.sendPostedEvents(self._owner, QEvent.Type.DeferredDelete.value)

    def __enter__(self) -> CanvasPicture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # How it is done

    def _show(self, index: int | None) -> None:
        """Bring the canvas to a moment."""
        look = self.look
        hidden = frozenset() if look.numbers else NUMBERS
        if index is None:
            hidden |= OF_A_PASS
        is_bare = index is None or not look.numbers
        # Without a lower number no room is kept for one.
        mode = LabelMode.WEIGHT if is_bare else look.edge_labels
        if mode is not self._preferences.label_mode:
            self._preferences.set_label_mode(mode)
        self._spotlight.show_parts(self._spotlight.highlighted, self._hidden | hidden)
        self._player.go_to(index or 0)
        # Going to another moment has ended it.
        if self._asked is not None and index == self.shown:
            self._inquiry.ask(self._asked)

    def _strokes(
        self, painter: QPainter, target: QRectF, index: int | None, begin: Callable[[str], object]
    ) -> Generator[None, None, None]:
        """Paint a moment, a little at each step, in the theme that is borrowed."""
        rect = self.rect()
        scale = min(target.width() / rect.width(), target.height() / rect.height())
        with _kept(painter):
            self._show(index)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(target.center())
            painter.scale(scale, scale)
            painter.translate(-rect.center())
            if not self.look.transparent:
                begin("background")
                painter.fillRect(rect, theme().palette.canvas)
            yield
            for item in self._scene.items(Qt.SortOrder.AscendingOrder):
                if not item.isVisible():
                    continue
                begin(_name(item))
                with _kept(painter):
                    painter.translate(item.pos())
                    if isinstance(item, EdgeLayer):
                        yield from item.paint_by_and_by(painter)
                    else:
                        option = QStyleOptionGraphicsItem()
                        option.exposedRect = item.boundingRect()  # type: ignore[attr-defined]
                        item.paint(painter, option, None)
                yield


def _chosen_rows(project: Project, rows: Sequence[int] | NDArray[np.intp] | None) -> NDArray[np.intp]:
    chosen = np.asarray(project.first_rows if rows is None else rows, dtype=np.intp)
    count = project.dataset.rows
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if len(wrong):
        raise ExportError(f"There is no row {wrong[0] + 1:,} in the data: choose one from 1 to {count:,}.")
    return chosen


def _name(item: QGraphicsItem) -> str:
    """What a part of the drawing is called in files."""
    if isinstance(item, NeuronItem):
        return f"neuron {item.neuron_id}"
    return {EdgeLayer: "edges", LossItem: "loss"}.get(type(item), "numbers on edges")


@contextmanager
def _kept(painter: QPainter) -> Iterator[None]:
    painter.save()
    try:
        yield
    finally:
        painter.restore()
