"""The plot of the loss panel: curves over the updates, the cursor at the present one, and what the pointer does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from nnviz_app.palette import faded, mix
from nnviz_app.panels.curve_line import LineStyle, Numbers, draw_line, line_pen
from nnviz_app.panels.plot_look import restyle_axes, set_axis_titles
from nnviz_app.runs import Course
from nnviz_app.theme import theme

# With as many points or fewer, each is marked by a dot.
DOTS_UP_TO = 40
# A linear axis cannot span what is larger.
MOST_DRAWN = 1e300
# How near the pointer must be to an update with a point, and to the cursor to drag it, in pixels.
NEAR = 40.0
GRASP = 6.0
# What comes after the cursor is paler.
LATER = 0.4


@dataclass(frozen=True, slots=True)
class Shown:
    """What is drawn of each run: its losses or accuracies, over training or test rows, and on which axis."""

    accuracy: bool = False
    log: bool = False
    training: bool = True
    test: bool = True

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns of a course that are drawn: an even one for training rows, the next one for test rows."""
        first = 2 if self.accuracy else 0
        return tuple(first + part for part, drawn in enumerate((self.training, self.test)) if drawn)

    def usable(self, y: Numbers) -> NDArray[np.bool_]:
        """What can be drawn: no infinity, and nothing that is not above 0 on a logarithmic axis."""
        usable: NDArray[np.bool_] = np.abs(y) < MOST_DRAWN
        return usable & (y > 0) if self.log and not self.accuracy else usable


@dataclass(frozen=True, slots=True)
class FormerCurve:
    """A former run: drawn from point number `start` on, where it leaves the present one."""

    course: Course
    start: int
    color: QColor


class LossCurves(QWidget):
    """Draws what it is given. `hovered` carries an update that has a point, or None; `chosen` any update.

    pyqtgraph is imported when it is made.
    """

    hovered = Signal(object)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self.shown = Shown()
        self.present = Course.of(())
        self.former: list[FormerCurve] = []
        self.here = 0
        # The updates that can be gone to.
        self.reach = range(0)
        # Long lines are quick to draw so; a file is worth the wait.
        self.in_pieces = True
        self._updates = self.present.updates
        self._hovered: int | None = None
        self._pointer = QPointF()
        self._is_zoomed = False
        self._pressed: QPointF | None = None
        self._is_dragging = False
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        self.item = self.plot.getPlotItem()
        self.view = self.item.getViewBox()
        self.item.hideButtons()
        self.item.setMouseEnabled(x=True, y=False)
        self.item.disableAutoRange()
        axis = self.item.getAxis("bottom")
        spacing = axis.tickSpacing
        # There is no half update.
        axis.tickSpacing = lambda low, high, size: (
            [(step, offset) for step, offset in spacing(low, high, size) if step >= 1] or [(1, 0)]
        )
        left = self.item.getAxis("left")
        strings = left.tickStrings
        left.tickStrings = lambda values, scale, step: (
            [f"{100.0 * value:.4g} %" for value in values] if self.shown.accuracy else strings(values, scale, step)
        )
        self.item.setClipToView(True)
        self.item.scene().contextMenu = []
        # By columns of the course: up to the cursor, and after it.
        self.later_curves = [self._curve() for _ in range(4)]
        self.curves = [self._curve() for _ in range(4)]
        self._former_curves: list[list[Any]] = []
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.cursor_dots = pg.ScatterPlotItem(size=9, pxMode=True)
        self.hover_dots = pg.ScatterPlotItem(size=9, pxMode=True)
        for part in (self.cursor_line, self.cursor_dots, self.hover_dots):
            part.setZValue(20)
            self.item.addItem(part, ignoreBounds=True)
        self.view.sigRangeChangedManually.connect(self._follow_zoom)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        self.plot.setAccessibleName("Plot over the updates")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)
        self.restyle()

    def lines(self) -> list[Any]:
        """All that are drawn: pyqtgraph's items, with a pen each."""
        every = [*self.curves, *self.later_curves, *(curve for curves in self._former_curves for curve in curves)]
        return [curve for curve in every if curve.xData is not None and len(curve.xData)]

    def _curve(self) -> Any:
        return self.item.plot([], [], antialias=True)

    # The look

    def restyle(self) -> None:
        """Take the theme's colours and sizes."""
        palette = theme().palette
        restyle_axes(self.plot)
        set_axis_titles(self.plot, bottom="update")
        self.cursor_line.setPen(line_pen(faded(palette.backward, 0.6), 1.0))
        self.cursor_dots.setBrush(palette.backward)
        self.cursor_dots.setPen(line_pen(palette.panel, 1.5))
        self.hover_dots.setBrush(palette.panel)

    # What is drawn

    def show_runs(
        self, present: Course, former: Sequence[FormerCurve], *, here: int, reach: range, shown: Shown
    ) -> None:
        """Draw the present run, with the cursor at update `here`, and former ones; `reach` can be gone to."""
        again = shown != self.shown
        self.shown, self.present, self.here, self.reach = shown, present, here, reach
        if again:
            self.item.setLogMode(x=False, y=shown.log and not shown.accuracy)
        courses = [present.updates, *(curve.course.updates[curve.start :] for curve in former)]
        self._updates = courses[0] if len(courses) == 1 else np.unique(np.concatenate(courses))
        self._draw_former(former, again=again)
        self._draw_present()
        self._place_range()
        self.cursor_line.setValue(here)
        place = present.place_at(here)
        palette = theme().palette
        at = [(present.updates[place], present.numbers[place, c], palette.backward) for c in shown.columns]
        self._place_dots(self.cursor_dots, at if place >= 0 else [])
        if self._hovered is not None:
            # Another update may be below the pointer now.
            self._show_hovered(self._nearest(self._pointer))
            self._draw_hovered()

    def _draw_former(self, former: Sequence[FormerCurve], *, again: bool) -> None:
        while len(self._former_curves) > len(former):
            for curve in self._former_curves.pop():
                self.item.removeItem(curve)
        while len(self._former_curves) < len(former):
            self._former_curves.append([self._curve() for _ in range(4)])
            for curve in self._former_curves[-1]:
                curve.setZValue(-1)
        known = self.former
        for place, (curves, run) in enumerate(zip(self._former_curves, former, strict=True)):
            if again or place >= len(known) or run != known[place]:
                for column, curve in enumerate(curves):
                    begin = run.start if column in self.shown.columns else len(run.course)
                    self._draw(curve, run.course, slice(begin, None), column, LineStyle(run.color, 1.0))
        self.former = list(former)

    def _draw_present(self) -> None:
        present, palette = self.present, theme().palette
        place, end = present.place_at(self.here), len(present)
        # Not see-through: where pieces of a line meet it would be darker.
        color, later_color = palette.forward, mix(palette.panel, palette.forward, LATER)
        has_dots = end <= DOTS_UP_TO
        style = LineStyle(color, 2.0, dot=color if has_dots else None)
        later_style = LineStyle(later_color, 1.5, dot=later_color if has_dots else None)
        for column in range(4):
            drawn = column in self.shown.columns
            # The two meet at the cursor.
            before = slice(0, place + 1 if drawn else 0)
            after = slice(max(place, 0), end if drawn and end > place + 1 else 0)
            self._draw(self.curves[column], present, before, column, style)
            self._draw(self.later_curves[column], present, after, column, later_style)

    def _draw(self, curve: Any, course: Course, part: slice, column: int, style: LineStyle) -> None:
        """Draw a part of a course's column; that of test rows is dashed."""
        x, y = course.updates[part].astype(np.float64), course.numbers[part, column]
        pixels = self.view.width() / max(1.0, float(self._updates[-1] - self._updates[0]))
        y = np.where(self.shown.usable(y), y, np.nan)
        style = replace(style, dashed=column % 2 == 1)
        draw_line(curve, x, y, style, pixels=pixels, in_pieces=self.in_pieces)

    def _lines(self) -> list[tuple[Course, int, QColor]]:
        """The runs that are drawn, from which point on, in which colour."""
        present = (self.present, 0, theme().palette.forward)
        return [present, *((run.course, run.start, run.color) for run in self.former)]

    # The axes

    def _place_range(self) -> None:
        """Show all updates, unless a part was chosen with the wheel, and what the curves come to there."""
        if not len(self._updates):
            return
        first, last = float(self._updates[0]), float(max(self._updates[-1], self.here))
        low, high = self.view.viewRange()[0]
        within = low < last and high > first and (low > first or high < last)
        self._is_zoomed = self._is_zoomed and within
        aside = 0.05 * max(last - first, 1.0)
        # The limits first: a range beyond the former ones would be cut.
        self.item.setLimits(xMin=first - aside, xMax=last + aside)
        if not self._is_zoomed:
            self.item.setXRange(first, last, padding=0.02)
        self._fit_height()

    def _fit_height(self) -> None:
        low, high = self.view.viewRange()[0] if self._is_zoomed else (-np.inf, np.inf)
        ends: list[float] = []
        for course, start, _ in self._lines():
            begin = max(start, int(np.searchsorted(course.updates, low)) - 1)
            end = int(np.searchsorted(course.updates, high, side="right")) + 1
            y = course.numbers[begin:end, list(self.shown.columns)]
            y = y[self.shown.usable(y)]
            if len(y):
                ends += [float(y.min()), float(y.max())]
        bottom, top = (min(ends), max(ends)) if ends else (0.0, 1.0)
        if self.shown.accuracy:
            margin = max(0.06 * (top - bottom), 0.01)
            self.item.setYRange(bottom - margin, top + margin, padding=0.0)
            return
        if self.shown.log:
            bottom, top = (float(np.log10(end)) for end in (bottom, top)) if ends else (0.0, 1.0)
        elif not self._is_zoomed:
            bottom = min(0.0, bottom)
        margin = 0.06 * (top - bottom) or 0.5
        self.item.setYRange(bottom, top + margin, padding=0.02)

    def _follow_zoom(self) -> None:
        if not len(self._updates):
            return
        # Seen whole again, it grows with the run.
        self._is_zoomed = True
        self._place_range()

    # The pointer

    def _place_dots(self, dots: Any, places: Sequence[tuple[int, float, QColor]]) -> None:
        drawn = [place for place in places if self.shown.usable(np.array([place[1]]))[0]]
        is_log = self.shown.log and not self.shown.accuracy
        x = [float(update) for update, _, _ in drawn]
        dots.setData(x=x, y=[np.log10(y) if is_log else y for _, y, _ in drawn])
        if dots is self.hover_dots and drawn:
            dots.setPen([line_pen(color, 2.0) for _, _, color in drawn])

    def _draw_hovered(self) -> None:
        update, places = self._hovered, []
        if update is not None:
            for course, start, color in self._lines():
                place = course.place_at(update)
                if place >= start and course.updates[place] == update:
                    places += [(update, course.numbers[place, column], color) for column in self.shown.columns]
        self._place_dots(self.hover_dots, places)

    def _show_hovered(self, update: int | None) -> None:
        changed = update != self._hovered
        self._hovered = update
        if changed:
            self._draw_hovered()
        if changed or update is not None:
            self.hovered.emit(update)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Not the scene's own signal: it leaves out moves that follow another one quickly, the last one too.
        if event.type() is QEvent.Type.ToolTip:
            # The scene, which has none, would take away the one that the panel shows.
            return True
        if event.type() is QEvent.Type.Leave:
            self._show_hovered(None)
        elif isinstance(event, QMouseEvent):
            position = QPointF(self.plot.mapToScene(event.position().toPoint()))
            match event.type():
                case QEvent.Type.MouseMove:
                    return self._move(position, event.buttons())
                case QEvent.Type.MouseButtonPress if event.button() is Qt.MouseButton.LeftButton:
                    return self._press(position)
                case QEvent.Type.MouseButtonRelease if event.button() is Qt.MouseButton.LeftButton:
                    return self._release(position)
        return super().eventFilter(watched, event)

    def _across(self, update: float) -> float:
        """Where an update stands, in pixels of the scene."""
        return float(self.view.mapViewToScene(QPointF(update, 0.0)).x())

    def _is_inside(self, position: QPointF) -> bool:
        return len(self.present) > 1 and bool(self.view.sceneBoundingRect().contains(position))

    def _grasps(self, position: QPointF) -> bool:
        """Whether the pointer is on the cursor, and this can be moved."""
        near = abs(self._across(self.here) - position.x()) <= GRASP
        return len(self.reach) > 1 and self._is_inside(position) and near

    def _update_at(self, position: QPointF) -> int:
        """The update that can be gone to which is nearest to a place of the scene."""
        update = round(float(self.view.mapSceneToView(position).x()))
        return min(max(update, self.reach[0]), self.reach[-1])

    def _target(self, position: QPointF) -> int | None:
        """The update that a click goes to: one with a point, if the pointer is near to it."""
        if len(self.reach) < 2 or not self._is_inside(position):
            return None
        nearest = self._nearest(position)
        if nearest is not None and nearest in self.reach:
            return nearest
        update = self._update_at(position)
        between = update not in (self.reach[0], self.reach[-1])
        return update if between or abs(self._across(update) - position.x()) <= NEAR else None

    def _nearest(self, position: QPointF) -> int | None:
        """The update with a point that the pointer is near to."""
        if not self._is_inside(position):
            return None
        at = self.view.mapSceneToView(position).x()
        place = int(np.searchsorted(self._updates, at))
        near = self._updates[max(0, place - 1) : place + 1]
        if not len(near):
            return None
        nearest = int(near[np.argmin(np.abs(near - at))])
        return nearest if abs(self._across(nearest) - position.x()) <= NEAR else None

    def _move(self, position: QPointF, buttons: Qt.MouseButton) -> bool:
        if self._is_dragging:
            self._choose(self._update_at(position))
            return True
        self._pointer = position
        self._show_hovered(self._nearest(position))
        if not buttons:
            cursor = Qt.CursorShape.ArrowCursor
            if self._grasps(position):
                cursor = Qt.CursorShape.SizeHorCursor
            elif self._target(position) is not None:
                cursor = Qt.CursorShape.PointingHandCursor
            self.plot.viewport().setCursor(cursor)
        return False

    def _press(self, position: QPointF) -> bool:
        self._pressed = position
        self._is_dragging = self._grasps(position)
        if self._is_dragging:
            self._show_hovered(None)
        return self._is_dragging

    def _release(self, position: QPointF) -> bool:
        pressed, was_dragging = self._pressed, self._is_dragging
        self._pressed, self._is_dragging = None, False
        if pressed is None or was_dragging:
            return was_dragging
        moved = (position - pressed).manhattanLength() >= QApplication.startDragDistance()
        target = None if moved else self._target(position)
        if target is not None:
            self._choose(target)
        return False

    def _choose(self, update: int) -> None:
        if update != self.here:
            self.chosen.emit(update)
