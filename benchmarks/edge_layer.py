"""Frame time of the canvas's edge layer while values change, beside one QGraphicsLineItem per edge.

Run as ``python benchmarks/edge_layer.py``; see benchmarks/README.md. Every frame changes all weights and renders
the whole viewport into a picture, without a window.
"""

# ruff: noqa: E402
# The platform and the path have to be set before the imports.
from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import PySide6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, qVersion
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QGraphicsLineItem, QGraphicsScene

from benchmarks.page import make_section, write_section
from nnviz_app.canvas.edge_layer import SMOOTH_ALWAYS, EdgeLayer
from nnviz_app.theme import theme

WIDTH, HEIGHT = 1200, 800
COUNTS = (20, 200, 2_000, 20_000)
WARM_UP, FRAMES = 2, 9
# The naive scene gets no more time than this for one count, but always one frame.
PATIENCE = 60.0

Array = NDArray[np.float64]


def make_edges(count: int) -> Array:
    """Lines (count, 4) between neighbouring columns of neurons, as a layered network in the viewport has them."""
    columns = 2 if count <= 20 else 3 if count <= 200 else 4
    rows = math.ceil(math.sqrt(count / (columns - 1)))
    x = np.linspace(40, WIDTH - 40, columns)
    y = np.linspace(30, HEIGHT - 30, rows)
    lines = [(x[c] + 30, a, x[c + 1] - 30, b) for c in range(columns - 1) for a in y for b in y]
    return np.array(lines[:count])


class Batched:
    """The program's own layer."""

    def __init__(self, lines: Array, weights: Array) -> None:
        self.scene = QGraphicsScene()
        self.layer = EdgeLayer()
        self.layer.set_edges(lines, weights)
        self.scene.addItem(self.layer)

    def change(self, weights: Array) -> None:
        self.layer.set_weights(weights)


class Naive:
    """One item per edge, with the same pens; antialiased as the layer is at the same number of edges."""

    def __init__(self, lines: Array, weights: Array) -> None:
        self.scene = QGraphicsScene()
        self.items = [QGraphicsLineItem(QLineF(*line)) for line in lines.tolist()]
        for item in self.items:
            self.scene.addItem(item)
        self.change(weights)

    def change(self, weights: Array) -> None:
        largest = float(np.abs(weights).max())
        for item, weight in zip(self.items, weights.tolist(), strict=True):
            item.setPen(theme().edge_pen(weight, largest))


def frame_times(
    subject: Batched | Naive, weights: Callable[[], Array], *, smooth: bool, patience: float
) -> list[float]:
    """Milliseconds per frame: all weights change, the viewport is rendered."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_ARGB32_Premultiplied)
    area = QRectF(0, 0, WIDTH, HEIGHT)
    times = []
    begun = time.perf_counter()
    for frame in range(WARM_UP + FRAMES):
        new = weights()
        start = time.perf_counter()
        subject.change(new)
        image.fill(theme().palette.canvas)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
        subject.scene.render(painter, area, area)
        painter.end()
        # What the scene put off until the event loop belongs to the frame.
        QApplication.processEvents()
        elapsed = time.perf_counter() - start
        if frame >= WARM_UP or time.perf_counter() - begun > patience:
            times.append(1000 * elapsed)
        if time.perf_counter() - begun > patience:
            break
    return times


def measure(counts: tuple[int, ...], patience: float) -> list[str]:
    """The rows of the table."""
    rows = []
    for count in counts:
        rng = np.random.default_rng(count)
        lines = make_edges(count)

        def weights(rng: np.random.Generator = rng, count: int = count) -> Array:
            return rng.normal(size=count)

        smooth = count <= SMOOTH_ALWAYS
        batched = frame_times(Batched(lines, weights()), weights, smooth=smooth, patience=math.inf)
        naive = frame_times(Naive(lines, weights()), weights, smooth=smooth, patience=patience)
        ours, theirs = statistics.median(batched), statistics.median(naive)
        note = "" if len(naive) >= FRAMES else f" ({len(naive)} frame{'s' if len(naive) > 1 else ''})"
        rows.append(
            f"| {count:,} | {'yes' if smooth else 'no'} | {ours:.1f} | {max(batched):.1f} "
            f"| {theirs:.1f}{note} | {max(naive):.1f} | {theirs / ours:.1f} |"
        )
        print(rows[-1], flush=True)
    return rows


def report(rows: list[str], patience: float) -> str:
    """The section for docs/benchmarks.md."""
    return make_section(
        "Canvas",
        [
            f"Frame time while all values change, in ms: median (and worst) of {FRAMES} frames after {WARM_UP} to warm",
            f"up, the whole viewport of {WIDTH} x {HEIGHT} px rendered into a picture without a window. Half the",
            "weights are negative and so dashed. Beside the layer a scene with one `QGraphicsLineItem` per edge in",
            f"the same run, with the same pens; it was given {patience:.0f} s per row, and a frame once begun is",
            "finished.",
            "",
            "| edges | antialiased | layer, median | worst | one item per edge, median | worst | ratio of medians |",
            "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
            *rows,
        ],
        script="edge_layer.py",
        versions=[f"numpy {np.__version__}", f"PySide6 {PySide6.__version__}", f"Qt {qVersion()}"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS), help="numbers of edges")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for the naive scene per count")
    parser.add_argument("--dry-run", action="store_true", help="print, but leave docs/benchmarks.md alone")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    theme().apply(app)
    section = report(measure(tuple(options.counts), options.patience), options.patience)
    print(section)
    if not options.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
