"""The surface panel: the paths of parameters over the updates, and the loss over two directions with the path on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from core.errors import NnvizError
from core.landscape import SIDE, Plane, Surface, Window, parameter_plane, random_plane
from core.numbers import format_exact, format_number, nice_step
from nnviz_app.document import Change, Document
from nnviz_app.panels.fields import try_edit
from nnviz_app.panels.landscape_form import LandscapeForm, View, push_button
from nnviz_app.panels.landscape_maker import SurfaceMaker
from nnviz_app.panels.landscape_walk import Walk
from nnviz_app.panels.picture_page import PicturePage
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

if TYPE_CHECKING:
    from nnviz_app.panels.landscape_plot import LandscapePlot, LossScale

PREPARING = "Preparing the plot …"
COMPUTING = "Computing the surface …"
RUNNING = "The surface is computed when the run has ended."
NO_PARAMETER = "Nothing here has a weight: add neurons and connect them."
ONE_PARAMETER = "A surface needs two parameters: add a neuron or an edge."
NO_LOSS = "A loss needs an output neuron and a training row with its target."
NO_PATH = "Apply an update or run training, and the path of {} is drawn here."
# Seconds of quiet before a surface is computed.
QUIET = 0.3
# The least distance from the middle of a surface to its sides, unless a person types one.
LEAST_REACH = 1.0
# A picked place is rounded to about so many steps from side to side: a pixel is no number with sixteen digits.
PICK_STEPS = 500.0
# The width of the controls beside the plot, in text sizes.
CONTROLS = 15.5


class LandscapePanel(QWidget):
    """Shows one `View` at a time, chosen in its form. The plot is made after the first paint."""

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        trainer: Trainer,
        preferences: Preferences,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.selection, self.trainer = document, player, selection, trainer
        self.plot: LandscapePlot | None = None
        self.loss_scale: LossScale | None = None
        self.form = LandscapeForm(document, selection, preferences)
        self.boxes = self.form.boxes
        self.maker = SurfaceMaker(self)
        self.walk = Walk(document, trainer)
        self.picked: tuple[float, float] | None = None
        self._refusal = ""
        self._is_stale = True
        self._make_widgets()
        self._quiet_timer = QTimer(self, singleShot=True)
        self._quiet_timer.timeout.connect(self._compute_at_rest)
        trainer.turns.add(self, self._catch_up)
        self.maker.made.connect(self._follow_maker)
        document.changed.connect(self._follow)
        # The parameters may be written in another way.
        preferences.changed.connect(self._show_again)
        trainer.running_changed.connect(self._follow_running)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _make_widgets(self) -> None:
        self.form.changed.connect(self._begin_anew)
        self.form.compute_button.clicked.connect(lambda: self._compute(asked=True))
        self.take_button = push_button("Take these values", "Give the network the parameters of the marked place")
        self.take_button.clicked.connect(self._take)
        self.caption, self.reading_label, self.placeholder = QLabel(), QLabel(), QLabel(PREPARING)
        self.reading_label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for label in (self.caption, self.placeholder):
            label.setWordWrap(True)
            set_style_property(label, "role", "muted")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        controls = QWidget()
        self._head = QVBoxLayout(controls)
        self._head.setContentsMargins(0, 0, 0, 0)
        self._head.addWidget(self.form)
        self._head.addWidget(self.caption)
        self._head.addWidget(self.take_button)
        self._head.addStretch(1)
        picture = QWidget()
        self._stack = QStackedLayout(picture)
        self._stack.addWidget(self.placeholder)
        self._page = PicturePage(controls, picture, self.reading_label, ems=CONTROLS)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._page)

    def sizeHint(self) -> QSize:
        return QSize(theme().space(28), theme().space(26))

    def _restyle(self) -> None:
        self._head.setSpacing(theme().space(0.4))
        self._page.restyle()
        if self.plot is not None:
            self.plot.restyle()
            self._show_again()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.plot is not None and self._is_stale:
            self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.plot is None:
            # Importing pyqtgraph takes its time: the window is painted first.
            QTimer.singleShot(0, self, self.ensure_plot)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._quiet_timer.stop()
        self.maker.give_up()
        self._is_stale = True

    def ensure_plot(self) -> None:
        """Make the plot, if it has not been made."""
        if self.plot is not None:
            return
        from nnviz_app.panels.landscape_plot import LandscapePlot, LossScale

        self.plot, self.loss_scale = LandscapePlot(), LossScale()
        self.plot.pointed.connect(self._point)
        self.plot.pressed.connect(self._pick)
        self.plot.left.connect(self._show_reading)
        self._stack.addWidget(self.plot)
        self._head.insertWidget(self._head.indexOf(self.caption) + 1, self.loss_scale)
        self.refresh()

    # Following

    @property
    def view(self) -> View:
        """What is shown."""
        return self.form.view

    def _begin_anew(self) -> None:
        """Something else is to be shown: the surface is not that one."""
        self.maker.forget()
        self.picked, self._refusal = None, ""
        self._show_again()

    def _show_again(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._is_stale = True

    def _follow(self, change: Change) -> None:
        if not (change.affects_numbers or change.project):
            return
        self._refusal = ""
        if change.structure or change.data or change.project:
            self.maker.forget()
            self.picked = None
        if change.project:
            self.boxes.forget()
        if self.trainer.is_running:
            self._is_stale = True
        else:
            self._show_again()

    def _catch_up(self) -> None:
        if self._is_stale:
            self.refresh()

    def _follow_running(self) -> None:
        self.maker.give_up()
        self._show_again()

    def _follow_maker(self) -> None:
        if self.plot is not None and self.view is not View.PATH and not self._problem():
            self._draw_surface(self.plot)
            self._show_reading()
            self._show_buttons()

    def refresh(self) -> None:
        """Show the path and the present values as they are now; a surface follows when all is quiet."""
        self._is_stale = False
        self.boxes.sync()
        is_path = self.view is View.PATH
        for widget in (self.take_button, self.caption):
            widget.setVisible(not is_path)
        if self.plot is None or self._problem():
            self._show_placeholder(self._problem() or PREPARING)
        else:
            self.walk.read(self._names())
            if is_path:
                self._draw_curves(self.plot)
            else:
                if self.maker.is_at_work and not self._is_fresh():
                    self.maker.give_up()
                self._draw_surface(self.plot)
                self._quiet_timer.start(round(1000 * QUIET))
        self._show_reading()
        self._show_buttons()
        self._page.turn()

    def _names(self) -> tuple[str, ...]:
        """The parameters whose path is needed."""
        if self.view is View.RANDOM:
            return tuple(self.document.run.plan.names)
        return self.boxes.chosen if self.view is View.PATH else self.boxes.pair

    def _problem(self) -> str:
        """Why there is nothing to draw; "" when there is."""
        values, run = self.document.project.network.values, self.document.run
        if not values:
            return NO_PARAMETER
        if self.view is View.PATH:
            still = run.last == run.first and not self.trainer.is_running
            return NO_PATH.format(" and ".join(self.boxes.titles()[:2])) if still else ""
        if not run.can_train:
            return NO_LOSS
        return ONE_PARAMETER if len(values) < 2 else self._refusal

    def _show_placeholder(self, text: str) -> None:
        self.placeholder.setText(text)
        self.caption.setText("")
        if self.loss_scale is not None:
            self.loss_scale.setVisible(False)
        self._stack.setCurrentWidget(self.placeholder)

    # Paths

    def _draw_curves(self, plot: LandscapePlot) -> None:
        if self.loss_scale is not None:
            self.loss_scale.setVisible(False)
        plot.show_curves(self.walk.updates, self.walk.values, self.document.project.updates)
        self._stack.setCurrentWidget(plot)

    def _tell_curves(self, place: int) -> None:
        """The parameters' values at one moment of the path, in the curves' colours."""
        colors, values = theme().palette.series, self.walk.values[place].tolist()
        named = list(zip(self.boxes.titles(), values, strict=True))
        parts = [
            f'<span style="color: {color.name()}">■</span> {title} {format_number(value, 5)}'
            for color, (title, value) in zip(colors, named, strict=False)
        ]
        self.reading_label.setTextFormat(Qt.TextFormat.RichText)
        self.reading_label.setText(f"Update {int(self.walk.updates[place]):,}: {' &nbsp; '.join(parts)}")
        self.reading_label.setToolTip("\n".join(f"{title} {format_exact(value)}" for title, value in named))

    # The surface

    def _basis(self) -> object:
        """What a surface depends on, but for the network's structure and its data."""
        project, view = self.document.project, self.view
        is_random, pair = view is View.RANDOM, self.boxes.pair
        others = {name: v for name, v in project.network.values.items() if is_random or name not in pair}
        own = self.form.seed if is_random else pair
        return view, own, self.form.reach, project.settings.loss, project.settings.batch_mean, others

    def _places(self, plane: Plane, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return plane.project(values) if self.view is View.RANDOM else values

    def _present(self, plane: Plane) -> NDArray[np.float64]:
        values = self.document.project.network.values
        return self._places(plane, np.array([[values[name] for name in self._names()]]))[0]

    def _is_fresh(self) -> bool:
        """Whether the surface is that of the present values and reaches to the place where they are."""
        surface = self.maker.surface
        if surface is None or self.maker.basis != self._basis():
            return False
        (x, y), window = self._present(surface.plane).tolist(), surface.window
        return bool(window.left <= x <= window.right and window.bottom <= y <= window.top)

    def _compute_at_rest(self) -> None:
        shown = self.isVisible() and self.view is not View.PATH
        if shown and not self.trainer.is_running and not self._problem() and not self._is_fresh():
            self._compute(asked=False)

    def _compute(self, *, asked: bool) -> None:
        if self._problem():
            return
        project, settings = self.document.project, self.document.project.settings
        self.picked = None
        try:
            plan, values = self.document.run.plan, project.network.values
            if self.view is View.RANDOM:
                plane = random_plane(plan, values, self.form.seed)
            else:
                plane = parameter_plane(plan, values, *self.boxes.pair)
            present = self._present(plane)
            points = np.vstack([self._places(plane, self.walk.values), present])
            reach = self.form.reach
            window = Window.around(present.tolist(), reach) if reach else Window.holding(points, LEAST_REACH)
            surface = Surface(plane, window, project.dataset, loss=settings.loss, mean=settings.batch_mean)
            self.maker.begin(surface, self._basis(), asked=asked)
        except NnvizError as error:
            self.maker.forget()
            self._refusal = str(error)
        self.refresh()

    def _draw_surface(self, plot: LandscapePlot) -> None:
        surface = self.maker.surface
        if surface is None or self.loss_scale is None:
            self._show_placeholder(RUNNING if self.trainer.is_running else COMPUTING)
            return
        is_random = self.view is View.RANDOM
        titles = ["first direction", "second direction"] if is_random else self.boxes.pair_titles()
        shown = plot.show_surface(surface, titles=(titles[0], titles[1]))
        if shown is not None:
            self.loss_scale.show_range(*shown)
        plot.show_path(self._places(surface.plane, self.walk.values), self.walk.walked, self._present(surface.plane))
        plot.show_picked(self.picked)
        self.caption.setText(self._describe(surface))
        self._stack.setCurrentWidget(plot)

    def _describe(self, surface: Surface) -> str:
        part = f"{surface.rows:,} of {surface.all_rows:,}" if surface.rows < surface.all_rows else f"{surface.rows:,}"
        text = f"Loss of {part} training row{'' if surface.all_rows == 1 else 's'}"
        if self.maker.is_at_work:
            return f"{text}: computing, {self.maker.done / (SIDE * SIDE):.0%}"
        if np.isnan(surface.losses).all():
            return f"{text}: the surface takes about {self.maker.seconds:.0f} s, so press Compute."
        if not self._is_fresh():
            return f"{text}, before the last changes"
        return text

    # Reading and taking

    def _point(self, x: float, y: float) -> None:
        if self.view is View.PATH:
            self._tell_curves(int(np.argmin(np.abs(self.walk.updates - x))))
        else:
            self._tell(x, y, "")

    def _pick(self, x: float, y: float) -> None:
        surface = self.maker.surface
        if self.view is View.PATH or surface is None or self.plot is None:
            return
        window = surface.window
        sides = (window.right - window.left, window.top - window.bottom)
        steps = [nice_step(side / PICK_STEPS) for side in sides]
        # To 12 digits, so that 3 times 0.1 is 0.3.
        place = [float(f"{round(v / step) * step:.12g}") for v, step in zip((x, y), steps, strict=True)]
        self.picked = (place[0], place[1])
        self.plot.show_picked(self.picked)
        self._show_reading()
        self._show_buttons()

    def _show_reading(self) -> None:
        """Tell about the marked place, or the present one."""
        surface = self.maker.surface
        if self.plot is None or self._stack.currentWidget() is not self.plot:
            self.reading_label.setText("")
        elif self.view is View.PATH:
            self._tell_curves(max(self.walk.walked - 1, 0))
        elif self.picked is not None:
            self._tell(*self.picked, "Marked: ")
        elif surface is not None:
            x, y = self._present(surface.plane).tolist()
            self._tell(x, y, "Present: ")

    def _tell(self, x: float, y: float, opening: str) -> None:
        surface = self.maker.surface
        if surface is None:
            return
        loss, places = surface.loss_at(x, y), [format_number(x), format_number(y)]
        if self.view is View.RANDOM:
            where = f"({', '.join(places)})"
        else:
            where = ", ".join(f"{name} = {v}" for name, v in zip(self.boxes.pair_titles(), places, strict=True))
        self.reading_label.setTextFormat(Qt.TextFormat.PlainText)
        self.reading_label.setText(f"{opening}{where}: loss {format_number(loss, 6)}")
        self.reading_label.setToolTip(f"Loss {format_exact(loss)}")

    def _show_buttons(self) -> None:
        at_rest = not self.trainer.is_running
        self.take_button.setEnabled(at_rest and self.picked is not None)
        self.form.compute_button.setEnabled(at_rest and not self.maker.is_at_work and not self._problem())

    def _take(self) -> None:
        surface = self.maker.surface
        if self.picked is None or surface is None:
            return
        if self.view is View.TWO:
            values = dict(zip(self.boxes.pair, self.picked, strict=True))
        else:
            values = surface.plane.values(*self.picked)
        text = "Take values from the surface"
        refusal = try_edit(self.document, self.player, text, lambda draft: draft.network.set_values(values))
        self.form.message.say(refusal)
        if not refusal:
            self.picked = None
            self.refresh()
