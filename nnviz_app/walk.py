"""The main job without a display: the walk through a project in text, with pictures of the window on the way."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from core.errors import NnvizError
from core.project import Project
from core.project_file import load_project
from core.quantities import Kind, Quantity
from core.report import text_report
from nnviz_app.examples import first_example

FOLDER = "nnviz-walk"


def walk(path: Path | None, *, reason: str, pictures: bool) -> int:
    """Say why there is no window, print the passes and the update step by step, and write pictures.

    Returns the exit code: 0, or 2 when the file cannot be read or the pictures not be written.
    """
    try:
        project = load_project(path or first_example().path)
    except NnvizError as error:
        print(error, file=sys.stderr)
        return 2
    what = path.name if path else f"the worked example “{project.title}”"
    print(f"{reason} So here is {what}, step by step.\n", flush=True)
    try:
        for line in text_report(project):
            print(line)
    except NnvizError as error:
        print(error, file=sys.stderr)
        return 2
    if not pictures:
        return 0
    try:
        folder = _write_pictures(project)
    except OSError as error:
        print(f"The pictures could not be written: {error}", file=sys.stderr)
        return 2
    print(f"\nPictures of the window at a few of these steps are in {folder.resolve()}")
    return 0


def _make_folder() -> Path:
    try:
        folder = Path(FOLDER)
        folder.mkdir(exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(FOLDER)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-"))
    return folder


def _write_pictures(project: Project) -> Path:
    from PySide6.QtCore import QSize

    from nnviz_app.application import make_application
    from nnviz_app.pictures import picture_window, take_picture

    folder = _make_folder()
    app = make_application(["nnviz"])
    with picture_window(size=QSize(1440, 900), mode="light") as window:
        window.document.open_project(project)
        window.view.fit()
        player = window.player
        take_picture(window, folder / "1-start.png")
        if player.trace is not None and project.network.outputs:
            trace = player.trace
            forward_end = trace.end_of_forward()
            gradients = trace.schedule.positions(Kind.WEIGHT_GRAD)
            middle = int(gradients[gradients >= 0].min()) + 1 if (gradients >= 0).any() else forward_end
            backward_end = trace.index_of(Quantity(Kind.BIAS_GRAD, project.network.levels()[1][-1])) + 1
            for name, index in (
                ("2-forward-pass", forward_end),
                ("3-first-gradient", middle),
                ("4-backward-pass", max(backward_end, middle)),
                ("5-update", len(trace)),
            ):
                player.go_to(index)
                take_picture(window, folder / f"{name}.png")
            player.apply_update()
            take_picture(window, folder / "6-after-the-update.png")
    del app
    return folder
