"""The loss plot: the loss over the whole table after each update, with a cursor at the present one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QMouseEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from core.numbers import format_exact, format_number
from core.history import LossPoint
from nnviz_app.document import Change, Document
from nnviz_app.palette import faded
from nnviz_app.panels.fields import keep_keys
from nnviz_app.player import Player
from nnviz_app.theme import theme
from nnviz_app.trainer import Trainer

EMPTY = (
    "Apply an update (→ at the end of the steps, or “Apply update”) and the loss is plotted here.\n"
    "Stepping back past it restores the former parameters, bit for bit."
)
PREPARING = "Preparing the plot …"
NO_LOSS = "A loss needs an output neuron and a row of data with its target."
# With as many points or fewer, each is marked by a dot.
DOTS_UP_TO = 40
# A linear axis cannot span what is larger.
MOST_DRAWN = 1e300
# How near the pointer must be to the curve's next update, in pixels.
NEAR = 40.0


def _pen(color: str, width: float, *, opacity: float = 1.0) -> QPen:
    """A pen of this width in pixels whatever the axes' scales."""
    pen = theme().pen(color, width, opacity=opacity)
    pen.setCosmetic(True)
    return pen


class LossPlotPanel(QWidget):
    """Plots `document.run.points()`; during a run the trainer's. pyqtgraph is imported after the first paint."""

    def __init__(self, document: Document, player: Player, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.player, self.trainer = document, player, trainer
        self.plot: Any = None
        self._points: Sequence[LossPoint] = ()
        self._hovered: LossPoint | None = None
        self._stale = True
        self.reading_label = QLabel()
        self.reading_label.setTextFormat(Qt.TextFormat.PlainText)
        self.log_box = QCheckBox("Log scale")
        self.log_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.log_box.setToolTip("Logarithmic axis for the loss")
        self.log_box.toggled.connect(self._set_log)
        keep_keys(self.log_box)
        self.placeholder = QLabel(PREPARING)
        self.placeholder.setProperty("role", "muted")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self._head = QHBoxLayout()
        self._head.addWidget(self.reading_label, 1)
        self._head.addWidget(self.log_box)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.placeholder)
        self._box = QVBoxLayout(self)
        self._box.addLayout(self._head)
        self._box.addLayout(self._stack, 1)
        document.changed.connect(self._follow)
        trainer.running_changed.connect(self.refresh)
        theme().changed.connect(self._restyle)
        self._restyle()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(28), theme().space(14))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(14), theme().space(6))

    # Setting up

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.plot is None:
            # Importing pyqtgraph takes most of a second: the window is painted first.
            QTimer.singleShot(0, self, self.ensure_plot)
        elif self._stale:
            self.refresh()

    def ensure_plot(self) -> None:
        """Make the plot, if it has not been made."""
        if self.plot is not None:
            return
        import pyqtgraph as pg

        self._pg = pg
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.setMouseEnabled(x=True, y=False)
        item.disableAutoRange()
        axis = item.getAxis("bottom")
        spacing = axis.tickSpacing
        # There is no half update.
        axis.tickSpacing = lambda low, high, size: (
            [(step, offset) for step, offset in spacing(low, high, size) if step >= 1] or [(1, 0)]
        )
        item.setClipToView(True)
        item.setDownsampling(auto=True, mode="peak")
        item.scene().contextMenu = []
        self.later_curve = item.plot([], [], antialias=True)
        self.curve = item.plot([], [], antialias=True)
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.cursor_dot = pg.ScatterPlotItem(size=9, pxMode=True)
        self.hover_dot = pg.ScatterPlotItem(size=9, pxMode=True)
        for part in (self.cursor_line, self.cursor_dot, self.hover_dot):
            item.addItem(part, ignoreBounds=True)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self._stack.addWidget(self.plot)
        self._restyle()
        self.refresh()

    def _restyle(self) -> None:
        space, palette = theme().space, theme().palette
        self._box.setContentsMargins(space(0.9), space(0.4), space(0.9), space(0.4))
        self._box.setSpacing(space(0.2))
        self._head.setSpacing(space(0.6))
        if self.plot is None:
            return
        item, font = self.plot.getPlotItem(), theme().font("small")
        self.plot.setBackground(palette.panel)
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setTickFont(font)
            axis.setTextPen(palette.muted)
            axis.setPen(theme().pen("line"))
            axis.setStyle(tickLength=-space(0.3), tickTextOffset=space(0.4), autoReduceTextSpace=True)
        size = f"{font.pointSizeF():.1f}pt"
        item.setLabel("bottom", "update", **{"color": palette.muted.name(), "font-size": size})
        item.getAxis("bottom").setHeight(space(2.9))
        item.layout.setContentsMargins(0, space(0.5), space(0.8), 0)
        self.curve.setPen(_pen("forward", 2.0))
        later = _pen("muted", 1.5, opacity=0.55)
        later.setDashPattern([3.0, 3.0])
        self.later_curve.setPen(later)
        self.cursor_line.setPen(_pen("backward", 1.0, opacity=0.6))
        self.cursor_dot.setBrush(palette.backward)
        self.cursor_dot.setPen(_pen("panel", 1.5))
        self.hover_dot.setBrush(palette.panel)
        self.hover_dot.setPen(_pen("forward", 2.0))
        self._show_curves()

    # What is shown

    def _follow(self, change: Change) -> None:
        if not (change.affects_numbers or change.project):
            return
        if self.isVisible():
            self.refresh()
        else:
            self._stale = True

    @property
    def update_on_show(self) -> int:
        """The update at which the cursor stands."""
        return self.document.project.updates

    def refresh(self) -> None:
        """Plot the points as they are now."""
        self._stale = False
        run = self.document.run
        if self.trainer.is_running:
            self._points = self.trainer.live_points
        else:
            self._points = run.points() if run.can_train else ()
        self._hovered = None
        enough = len(self._points) > 1
        self.log_box.setVisible(enough)
        self.placeholder.setText(EMPTY if run.can_train else NO_LOSS)
        if self.plot is None:
            if enough:
                self.placeholder.setText(PREPARING)
        else:
            self._stack.setCurrentWidget(self.plot if enough else self.placeholder)
            self._show_curves()
        self._show_reading()

    def point_at(self, update: int) -> LossPoint | None:
        """The plotted point of an update; between the plotted ones its loss is computed."""
        points = self._points
        place = bisect_left(points, update, key=lambda point: point.update)
        if place < len(points) and points[place].update == update:
            return points[place]
        run = self.document.run
        if not self.trainer.is_running and run.can_train and run.first <= update <= run.last:
            return LossPoint(update, run.table_loss(update))
        return points[place - 1] if place else None

    def _show_curves(self) -> None:
        if self.plot is None or len(self._points) < 2:
            return
        count = len(self._points)
        x = np.fromiter((point.update for point in self._points), dtype=np.float64, count=count)
        y = np.fromiter((point.loss for point in self._points), dtype=np.float64, count=count)
        here = self.update_on_show
        current = self.point_at(here)
        cut = int(np.searchsorted(x, here, side="right"))
        former_x, former_y = x[:cut], y[:cut]
        if current is not None and current.update == here and (not cut or x[cut - 1] != here):
            former_x, former_y = np.append(former_x, here), np.append(former_y, current.loss)
        palette = theme().palette
        dots = count <= DOTS_UP_TO
        self._draw(self.curve, former_x, former_y, dot=palette.forward if dots else None)
        later_x, later_y = np.append(former_x[-1:], x[cut:]), np.append(former_y[-1:], y[cut:])
        self._draw(self.later_curve, later_x, later_y, dot=faded(palette.muted, 0.55) if dots else None)
        self._place_range(x, y)
        self.cursor_line.setValue(here)
        self._place_dot(self.cursor_dot, current)
        self._place_dot(self.hover_dot, self._hovered)

    def _visible(self, y: np.ndarray) -> np.ndarray:
        """What can be drawn: no infinity, and nothing that is not above 0 on a logarithmic axis."""
        usable: np.ndarray = np.abs(y) < MOST_DRAWN
        return usable & (y > 0) if self.log_box.isChecked() else usable

    def _draw(self, curve: Any, x: np.ndarray, y: np.ndarray, *, dot: QColor | None) -> None:
        visible = np.flatnonzero(self._visible(y))
        # The line breaks off where a point is left out.
        joined = np.append(np.diff(visible) == 1, False) if len(visible) else None
        curve.setData(
            x[visible],
            y[visible],
            connect="all" if joined is None else joined.astype(np.int32),
            symbol=None if dot is None else "o",
            symbolSize=5,
            symbolBrush=dot,
            symbolPen=None,
        )

    def _place_range(self, x: np.ndarray, y: np.ndarray) -> None:
        item = self.plot.getPlotItem()
        shown = y[self._visible(y)]
        if self.log_box.isChecked():
            shown = np.log10(shown)
        low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
        if not self.log_box.isChecked():
            low = min(0.0, low)
        margin = 0.06 * (high - low) or 0.5
        first, last = float(x[0]), float(x[-1])
        aside = 0.05 * (last - first)
        # The limits first: a range beyond the former ones would be cut.
        item.setLimits(xMin=first - aside, xMax=last + aside)
        item.setXRange(first, last, padding=0.02)
        item.setYRange(low, high + margin, padding=0.02)

    def _place_dot(self, dot: Any, point: LossPoint | None) -> None:
        if point is None or not self._visible(np.array([point.loss]))[0]:
            dot.setData([], [])
        else:
            dot.setData([point.update], [np.log10(point.loss) if self.log_box.isChecked() else point.loss])

    def _set_log(self, log: bool) -> None:
        if self.plot is not None:
            self.plot.getPlotItem().setLogMode(x=False, y=log)
            self._show_curves()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Not the scene's own signal: it leaves out moves that follow another one quickly, the last one too.
        if event.type() is QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._hover(self.plot.mapToScene(event.position().toPoint()))
        elif event.type() is QEvent.Type.Leave:
            self._show_hovered(None)
        return super().eventFilter(watched, event)

    def _hover(self, position: QPointF) -> None:
        points, view = self._points, self.plot.getPlotItem().getViewBox()
        found = None
        if len(points) > 1 and view.sceneBoundingRect().contains(position):
            update = view.mapSceneToView(position).x()
            place = bisect_left(points, update, key=lambda point: point.update)
            nearest = min(points[max(0, place - 1) : place + 1], key=lambda point: abs(point.update - update))
            at = view.mapViewToScene(QPointF(nearest.update, 0.0)).x()
            if abs(at - position.x()) <= NEAR:
                found = nearest
        self._show_hovered(found)

    def _show_hovered(self, point: LossPoint | None) -> None:
        if point != self._hovered:
            self._hovered = point
            self._place_dot(self.hover_dot, point)
            self._show_reading()

    def _show_reading(self) -> None:
        point = self._hovered or self.point_at(self.update_on_show)
        if point is None:
            self.reading_label.setText("")
            self.reading_label.setToolTip("")
            return
        exact = format_exact(point.loss)
        shown = exact if self._hovered else format_number(point.loss, 6)
        self.reading_label.setText(f"Update {point.update:,}: {self._loss_name()} {shown}")
        self.reading_label.setToolTip(f"The loss over the whole table after {point.update:,} updates: {exact}")

    def _loss_name(self) -> str:
        """What is plotted, told from the loss of the one sample that the canvas shows."""
        project = self.document.project
        rows = project.dataset.rows
        return "loss" if rows == 1 else f"{'mean' if project.settings.batch_mean else 'total'} loss of {rows:,} rows"

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.plot is not None and not self.trainer.is_running:
            self._show_curves()
