"""The scrubber: a slider over the updates of a run, with the curve of the loss above its groove."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from core.history import LossPoint
from nnviz_app.palette import mix
from nnviz_app.panels.fields import keep_keys
from nnviz_app.theme import theme

# Losses further apart than this factor are drawn on a logarithmic scale.
LOG_FROM = 50.0


class Scrubber(QSlider):
    """Goes to an update by pointer, wheel and keys: the arrows go by one, the page keys by a twentieth of the run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Updates of the run")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        # The curve, shape (points, 2): the update, and how high it is drawn from 0 to 1.
        self._curve: NDArray[np.float64] = np.zeros((0, 2))
        keep_keys(self)
        theme().changed.connect(self.updateGeometry)

    def show_run(self, first: int, last: int, points: Sequence[LossPoint]) -> None:
        """Let it reach from update `first` to `last`, with these losses."""
        self.setRange(first, last)
        self.setPageStep(max(1, (last - first) // 20))
        self._curve = _heights([point for point in points if first <= point.update <= last])
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(20), theme().space(4.2))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(8), theme().space(4.2))

    # Where things stand

    def _groove(self) -> QRectF:
        radius, height = theme().space(0.6), max(3.0, 0.32 * theme().em)
        top = self.height() - radius - height / 2 - 2.0
        return QRectF(radius, top, max(1, self.width() - 2 * radius), height)

    def x_of(self, update: int) -> float:
        """Where an update stands, in pixels."""
        groove = self._groove()
        return groove.left() + groove.width() * (update - self.minimum()) / max(1, self.maximum() - self.minimum())

    def update_at(self, x: float) -> int:
        """The update at this place."""
        groove = self._groove()
        share = min(max((x - groove.left()) / groove.width(), 0.0), 1.0)
        return self.minimum() + round(share * (self.maximum() - self.minimum()))

    # How it is drawn

    def paintEvent(self, event: QPaintEvent) -> None:
        palette, groove = theme().palette, self._groove()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        here = self.x_of(self.value())
        done = palette.accent if self.isEnabled() else palette.disabled_text
        later = mix(palette.panel, done, 0.35)
        for start, stop, color in ((groove.left(), here, done), (here, groove.right(), later)):
            self._paint_curve(painter, QRectF(start, 0.0, stop - start, self.height()), color)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            piece = QRectF(start, groove.top(), stop - start, groove.height())
            painter.drawRoundedRect(piece, groove.height() / 2, groove.height() / 2)
        if self.isEnabled():
            radius = 0.55 * theme().em
            painter.setBrush(palette.accent)
            painter.setPen(theme().pen("text" if self.hasFocus() else "panel", 2.0))
            painter.drawEllipse(groove.center() + QPointF(here - groove.center().x(), 0.0), radius, radius)
        painter.end()

    def _paint_curve(self, painter: QPainter, clip: QRectF, color: QColor) -> None:
        if len(self._curve) < 2 or clip.width() < 1.0:
            return
        groove, line = self._groove(), 1.5
        top, bottom = line, groove.top() - theme().space(0.5)
        span = max(1, self.maximum() - self.minimum())
        # A point a pixel is enough, and soon drawn.
        curve = _thinned(self._curve, max(2, round(groove.width())))
        x = groove.left() + groove.width() * (curve[:, 0] - self.minimum()) / span
        y = bottom - (bottom - top) * curve[:, 1]
        painter.save()
        painter.setClipRect(clip)
        pen = theme().pen("accent", line)
        pen.setColor(color)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF([QPointF(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]))
        painter.restore()

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.setValue(self.update_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        update = self.update_at(event.position().x())
        if self.isSliderDown():
            self.setValue(update)
        self.setToolTip(f"Update {update:,}")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        if delta:
            self.setValue(self.value() + (1 if delta < 0 else -1))
        event.accept()


def _thinned(curve: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """About `most` points of a curve, shape (points, 2): the lowest and the highest of every stretch."""
    if len(curve) <= most:
        return curve
    size = -(-2 * len(curve) // most)
    starts = np.arange(0, len(curve) - size + 1, size)
    heights = curve[: len(starts) * size, 1].reshape(-1, size)
    ends = np.sort(np.stack([starts + heights.argmin(axis=1), starts + heights.argmax(axis=1)], axis=1), axis=1)
    return curve[[*ends.ravel().tolist(), len(curve) - 1]]


def _heights(points: Sequence[LossPoint]) -> NDArray[np.float64]:
    """Updates and relative heights, shape (points, 2); what is infinite is left out."""
    found = np.array([(point.update, point.loss) for point in points], dtype=np.float64).reshape(-1, 2)
    found = found[np.isfinite(found).all(axis=1)]
    if len(found) < 2:
        return np.zeros((0, 2))
    losses = found[:, 1]
    low, high = losses.min(), losses.max()
    if low > 0 and high / low > LOG_FROM:
        losses = np.log(losses)
        low, high = losses.min(), losses.max()
    found[:, 1] = (losses - low) / (high - low) if high > low else 0.5
    return found
