"""Writes the pictures of the README: ``python -m nnviz_app.screenshots FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QImage, QPixmap

    from core.sheet import Sheet
    from nnviz_app.export.picture import CanvasPicture
    from nnviz_app.main_window import MainWindow

# A page of A4 as a picture.
DOTS_PER_INCH = 120
PAGE = (992, 1403)


def main(folder: Path) -> None:
    """Write every picture into `folder`."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

    from PySide6.QtCore import QSize
    from PySide6.QtTest import QTest

    from core.quantities import Kind, Quantity
    from nnviz_app.application import make_application
    from nnviz_app.examples import first_example
    from nnviz_app.gallery import GALLERY, make_project
    from nnviz_app.pictures import picture_window, settle, take_picture
    from nnviz_app.theme import Mode

    folder.mkdir(parents=True, exist_ok=True)
    app = make_application(["nnviz"])
    modes: tuple[Mode, ...] = ("light", "dark")
    for mode in modes:
        with picture_window(size=QSize(1440, 900), mode=mode) as window:
            window.open_example(first_example())
            player, trace = window.player, window.player.trace
            assert trace is not None
            player.go_to(trace.index_of(Quantity(Kind.ACTIVATION, "h2")) + 1)
            take_picture(window, folder / f"forward-{mode}.png")
            player.go_to(trace.index_of(Quantity(Kind.WEIGHT_GRAD, "w5")) + 1)
            take_picture(window, folder / f"backward-{mode}.png")
            for _ in range(40):
                player.apply_update()
            take_picture(window, folder / f"update-{mode}.png")
            window.document.open_project(make_project(GALLERY["circles"]))
            window.preferences.set_shows_maps(True)
            window.view.fit()
            for title in ("Loss", "Map"):
                window.docks[title].raise_()
            window.training_panel.run()
            while window.trainer.is_running:
                settle()
            # What follows a run at its own pace needs a moment more.
            QTest.qWait(400)
            player.show_next_batch()
            assert player.trace is not None
            player.go_to(player.trace.end_of_forward())
            take_picture(window, folder / f"training-{mode}.png")
            window.docks["Time machine"].raise_()
            window.time_machine.ask(window.document.run.last // 4)
            QTest.qWait(400)
            take_picture(window, folder / f"time-machine-{mode}.png")
        with picture_window(size=QSize(1440, 900), mode=mode) as window:
            _picture_explaining(window, folder, mode)
            _picture_exporting(window, folder, mode)
        print(f"{mode}: forward, backward, update, training, time machine, why, inside, paths, presenting, export")
    _picture_pages(folder)
    print("solution, worksheet", flush=True)
    del app


def _picture_explaining(window: MainWindow, folder: Path, mode: str) -> None:
    """Why a number is what it is, a neuron's operations, the paths of a gradient, and a walkthrough presented."""
    from core.quantities import Granularity, Kind, Quantity
    from nnviz_app.examples import examples, walkthroughs
    from nnviz_app.pictures import settle, take_picture
    from nnviz_app.presenter import Presenter

    shipped = {example.path.stem: example for example in (*examples(), *walkthroughs())}
    player = window.player
    window.open_example(shipped["01-two-two-two"])
    player.go_to(player.length)
    window.inquiry.ask(Quantity(Kind.WEIGHT_GRAD, "w1"))
    for kind, subject in (
        (Kind.PRE_ACTIVATION_GRAD, "h1"), (Kind.ACTIVATION_GRAD, "h1"), (Kind.CONTRIBUTION, "w5"),
    ):  # fmt: skip
        window.inquiry.follow(Quantity(kind, subject))
    settle()
    window.explain.more.setChecked(True)
    window.explain.tree.expandToDepth(1)
    take_picture(window, folder / f"why-{mode}.png")
    window.explain.more.setChecked(False)

    window.open_example(shipped["04-one-sigmoid-neuron"])
    window.show_panel("Inside")
    player.set_granularity(Granularity.OPERATION)
    trace = player.trace
    assert trace is not None
    player.go_into(trace.index_of(Quantity(Kind.PRE_ACTIVATION_GRAD, "y")), 2)
    take_picture(window, folder / f"inside-{mode}.png")
    player.set_granularity(Granularity.TERM)

    window.open_example(shipped["06-skip-connection"])
    player.go_to(player.length)
    window.selection.set(["e1"])
    window.show_panel("Check")
    settle()
    window.spotlight.show_path(window.check.path_list.model.paths[0].edges)
    take_picture(window, folder / f"paths-{mode}.png")
    window.spotlight.show_path(())

    window.open_example(shipped["1-by-numbers"])
    settle()
    window.guide.show(5)
    take_picture(window, folder / f"walkthrough-{mode}.png")
    window.present()
    presenter = window.view.window()
    assert isinstance(presenter, Presenter)
    presenter.showNormal()
    presenter.resize(1280, 720)
    settle()
    _save(presenter.grab(), folder / f"presenting-{mode}.png")
    presenter.close()


def _picture_exporting(window: MainWindow, folder: Path, mode: str) -> None:
    """The dialog for exports, with a picture about to be made."""
    from PySide6.QtTest import QTest

    from nnviz_app.examples import first_example
    from nnviz_app.export.dialog import ExportDialog
    from nnviz_app.export.subject import subject_of
    from nnviz_app.pictures import settle

    window.open_example(first_example())
    window.player.go_to(40)
    dialog = ExportDialog(subject_of(window), Path("Documents"), "png", window)
    dialog.resize(960, 720)
    dialog.show()
    # The preview is made when the hand rests.
    for _ in range(100):
        QTest.qWait(50)
        if not dialog.preview.image.isNull():
            break
    settle()
    _save(dialog.grab(), folder / f"export-{mode}.png")
    dialog.close()


def _picture_pages(folder: Path) -> None:
    """The page of a worked solution on which the calculation begins, and that of a worksheet."""
    from core.project_file import load_project
    from core.solution import solution
    from core.worksheet import worksheet
    from nnviz_app.examples import first_example
    from nnviz_app.export.picture import CanvasPicture, Look

    project = load_project(first_example().path)
    task, _ = worksheet(project)
    with CanvasPicture(project, look=Look(transparent=True, lights_steps=False)) as picture:
        for name, sheet in (("solution", solution(project)), ("worksheet", task)):
            _save(_paint_page(sheet, picture), folder / f"{name}-page.png")


def _paint_page(sheet: Sheet, picture: CanvasPicture) -> QImage:
    from PySide6.QtGui import QImage, QPainter

    from nnviz_app.export.page_layout import PER_INCH
    from nnviz_app.export.pages import draw_page, lay_out_sheet

    layout = lay_out_sheet(sheet, picture)
    while True:
        try:
            next(layout)
        except StopIteration as stop:
            # The first one has what is given.
            page = stop.value[1]
            break
    image = QImage(*PAGE, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.scale(DOTS_PER_INCH / PER_INCH, DOTS_PER_INCH / PER_INCH)
    draw_page(painter, page, "A4")
    painter.end()
    return image


def _save(picture: QImage | QPixmap, path: Path) -> None:
    if not picture.save(str(path)):
        raise OSError(f"{path} could not be written.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
