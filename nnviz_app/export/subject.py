"""What there is to export: a project, and what a window shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from core.project import Project
from core.style import Rounding, Style

if TYPE_CHECKING:
    from core.training import Run
    from nnviz_app.canvas.scene import CanvasScene
    from nnviz_app.export.look import Look
    from nnviz_app.main_window import MainWindow
    from nnviz_app.panels.decision_picture import Show
    from nnviz_app.panels.loss_curves import Shown
    from nnviz_app.runs import KeptRun


class Subject(Struct, frozen=True, eq=False):
    """A project, and what is on show of it: the rows of its batch, the steps done, and how numbers are written.

    `row` is the row on show; `steps` the length of the trace, 0 where there is none for the reason in `problem`;
    `name` is what files are called after, `file` the project's own; `scene` the canvas and `look` how it looks, `kept`
    the former runs. `shown` is what the Loss panel shows of the runs, `show` what the decision map shows, `neuron`
    and `axes` of which neuron over which inputs, and `others` the values that were typed there for inputs on no axis;
    without a window these are None or empty.
    A document never changes its projects, so that a job may take its time.
    """

    project: Project
    name: str = "network"
    file: Path | None = None
    rows: tuple[int, ...] = ()
    row: int = 0
    index: int = 0
    steps: int = 0
    problem: str = ""
    style: Style = Style()
    rounding: Rounding | None = None
    run: Run | None = None
    kept: Sequence[KeptRun] = ()
    scene: CanvasScene | None = None
    look: Look | None = None
    shown: Shown | None = None
    show: Show | None = None
    neuron: str = ""
    axes: Sequence[str] = ()
    others: Mapping[str, float] = {}
    is_dark: bool = False


def subject_of(window: MainWindow) -> Subject:
    """What the window shows, as something to export."""
    from nnviz_app.export.look import Look
    from nnviz_app.theme import theme

    project, player, preferences = window.document.project, window.player, window.preferences
    path = window.document.path
    # A panel that is not in sight has not followed the document yet.
    window.loss_plot.refresh()
    has_curves = len(window.loss_plot.present) > 1
    title = re.sub(r"\W+", "-", project.title).strip("-").lower()
    return Subject(
        project,
        path.stem if path else title or "network",
        file=path,
        rows=tuple(map(int, player.batch_rows)) if player.length else (),
        row=player.row,
        index=player.index,
        steps=player.length,
        problem=player.problem,
        style=preferences.style,
        rounding=None if player.rounding_refused else preferences.rounding,
        run=window.document.run,
        # Of a run that one has come back to there is one curve.
        kept=[kept for kept in window.runs.kept if kept.run is not window.document.run],
        scene=window.view.canvas_scene,
        look=Look(
            style=preferences.exact_style,
            edge_labels=preferences.label_mode,
            maps=preferences.shows_maps,
            health=preferences.shows_health,
        ),
        # A plot that is empty offers nothing to choose.
        shown=window.loss_plot.bar.shown if has_curves else None,
        show=window.map.controls.show_what(),
        neuron=window.map.neuron,
        axes=window.map.axes,
        others=dict(window.map.controls.fixed.typed),
        is_dark=theme().is_dark,
    )
