"""Writes the pictures of the README: ``python -m nnviz_app.screenshots FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


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
            print(f"{mode}: forward, backward, update, training, time machine", flush=True)
    del app


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
