"""A graphics view like a sheet of paper: zoom at the pointer, scroll without bars, fit, and nothing about networks."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QResizeEvent, QShowEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from nnviz_app.preferences import Preferences
from nnviz_app.theme import theme

SMALLEST_ZOOM, LARGEST_ZOOM = 0.1, 8.0
# Fitting never enlarges beyond this: two neurons that fill the window look silly.
LARGEST_FIT = 1.5
ZOOM_STEP = 1.25
WHEEL_ZOOM_STEP = 1.2
# Pixels a notch of the wheel.
WHEEL_SCROLL = 60
EMPTY_AREA = QRectF(-300, -200, 600, 400)
# Pixels around the drawing when it is fitted: the words at the top stand there.
MARGIN = 44


class PaperView(QGraphicsView):
    """A view that is fitted to its drawing until a person zooms or scrolls."""

    zoom_changed = Signal(float)

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.auto_fit = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        theme().changed.connect(self._follow_text_size)

    # What the canvas adds

    def content(self) -> QRectF:
        """The rectangle of the scene that is drawn on; empty when nothing is."""
        return QRectF()

    def follow_zoom(self, zoom: float) -> None:
        """The zoom is another one now."""

    def follow_paper(self) -> None:
        """The paper was moved or zoomed under what lies over it."""

    # Zooming and scrolling

    @property
    def zoom(self) -> float:
        """Screen pixels per scene unit."""
        return self.transform().m11()

    def zoom_in(self) -> None:
        """One step larger, around the centre."""
        self.zoom_to(self.zoom * ZOOM_STEP)

    def zoom_out(self) -> None:
        """One step smaller, around the centre."""
        self.zoom_to(self.zoom / ZOOM_STEP)

    def zoom_to(self, zoom: float, at: QPoint | None = None) -> None:
        """Show the drawing at `zoom` (1 is 100 %); the point under `at` (in the viewport) stays where it is."""
        self.auto_fit = False
        at = at if at is not None else self.viewport().rect().center()
        fixed = self.mapToScene(at)
        self._set_zoom(zoom)
        self.scroll_by(self.mapFromScene(fixed) - at)

    def _set_zoom(self, zoom: float) -> None:
        zoom = min(max(zoom, SMALLEST_ZOOM), LARGEST_ZOOM)
        self.setTransform(QTransform.fromScale(zoom, zoom))
        self.follow_zoom(zoom)
        self.update_area()
        self.follow_paper()
        self.zoom_changed.emit(zoom)

    def fit(self) -> None:
        """Show the whole drawing, at 150 % of the text's size at most; fitted until the person zooms or scrolls."""
        content = self._content()
        size = self.viewport().size()
        width, height = max(size.width() - 2 * MARGIN, 1), max(size.height() - 2 * MARGIN, 1)
        wanted = min(width / content.width(), height / content.height())
        # Numbers are part of the drawing: larger text is a larger drawing, where there is room for it.
        largest = theme().text_scale * (1.0 if self.content().isEmpty() else LARGEST_FIT)
        self._set_zoom(min(wanted, largest))
        self.centerOn(content.center())
        self.auto_fit = True
        self.follow_paper()

    def _follow_text_size(self) -> None:
        if self.auto_fit:
            self.fit()

    def show_all(self) -> None:
        """Fit, unless everything is in sight already."""
        if not self._visible().contains(self._content()):
            self.fit()

    def reveal(self, rect: QRectF) -> None:
        """Scroll until this part of the scene is in sight."""
        if not self._visible().contains(rect):
            self.auto_fit = False
            self.update_area(rect)
            self.ensureVisible(rect, MARGIN, MARGIN)
            self.follow_paper()

    def scroll_by(self, pixels: QPoint) -> None:
        """Scroll by this many pixels; a person has taken over from the automatic fit."""
        self.auto_fit = False
        self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() + pixels.x())
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + pixels.y())
        self.follow_paper()

    def _content(self) -> QRectF:
        content = self.content()
        return EMPTY_AREA if content.isEmpty() else content

    def _visible(self) -> QRectF:
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def update_area(self, rect: QRectF | None = None) -> None:
        """Let one scroll as far as the drawing (and `rect`) reaches."""
        # One can scroll until the drawing is about to leave the window; what is in sight now stays there.
        reach_x, reach_y = self.viewport().width() / self.zoom, self.viewport().height() / self.zoom
        area = self._content().adjusted(-reach_x, -reach_y, reach_x, reach_y)
        self.setSceneRect(area.united(self._visible()).united(rect or area))

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle, pixels = event.angleDelta(), event.pixelDelta()
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        event.accept()
        if ctrl != self.preferences.wheel_zooms:
            self.zoom_to(self.zoom * WHEEL_ZOOM_STEP ** (angle.y() / 120), event.position().toPoint())
            return
        # Touchpads tell pixels, wheels notches of 120.
        exact = not pixels.isNull()
        x, y = (pixels.x(), pixels.y()) if exact else (angle.x() * WHEEL_SCROLL / 120, angle.y() * WHEEL_SCROLL / 120)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not x:
            x, y = y, 0
        self.scroll_by(QPoint(-round(x), -round(y)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.auto_fit:
            self.fit()
        else:
            self.update_area()
        self.follow_paper()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.auto_fit:
            self.fit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self.follow_paper()
