"""The preview in the export dialog: a small picture, made while the hand rests, below the options or beside them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from nnviz_app.export.entry import Previewing
from nnviz_app.export.run import JobRunner
from nnviz_app.theme import set_style_property, theme

# A preview is made when the hand rests, in milliseconds.
REST = 120


class PreviewBox(QWidget):
    """A picture as large as there is room for it, never larger than it is; squares show where it is transparent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.setAccessibleName("Preview")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_image(self, image: QImage) -> None:
        """Show this picture."""
        self.image = image
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(30), theme().space(11))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(12), theme().space(9))

    @property
    def place(self) -> QRectF:
        """Where the picture is painted."""
        margin = theme().space(0.6)
        inner = QRectF(self.rect()).adjusted(margin, margin, -margin, -margin)
        size = self.image.deviceIndependentSize()
        if size.width() > inner.width() or size.height() > inner.height():
            size.scale(inner.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(QPointF(), size)
        place.moveCenter(inner.center())
        return place

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme().pen("line"))
        painter.setBrush(theme().palette.color("window"))
        painter.drawRoundedRect(frame, theme().space(0.4), theme().space(0.4))
        if self.image.isNull():
            return
        place = self.place
        if self.image.hasAlphaChannel():
            self._paint_squares(painter, place)
        # Smaller than by half the painter would leave lines out.
        pixels = (place.size() * self.devicePixelRatioF()).toSize()
        image = self.image
        if pixels.width() < image.width():
            image = image.scaled(
                pixels, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            image.setDevicePixelRatio(1.0)
        painter.drawImage(place, image)

    @staticmethod
    def _paint_squares(painter: QPainter, place: QRectF) -> None:
        side = theme().space(0.5)
        painter.save()
        painter.setClipRect(place)
        painter.fillRect(place, theme().palette.color("panel"))
        for row in range(int(place.height() // side) + 1):
            for column in range(row % 2, int(place.width() // side) + 1, 2):
                corner = QRectF(place.left() + column * side, place.top() + row * side, side, side)
                painter.fillRect(corner, theme().palette.color("window"))
        painter.restore()


class PreviewArea(QWidget):
    """The picture with a line beneath it. It is away where there is none."""

    # There is another one, or none.
    shown = Signal()
    # Why there is none: a sentence.
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = PreviewBox()
        self.caption = QLabel()
        self.caption.setAlignment(Qt.AlignmentFlag.AlignRight)
        set_style_property(self.caption, "role", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme().space(0.4))
        layout.addWidget(self.box, 1)
        layout.addWidget(self.caption)
        self.hide()
        self._make: Callable[[], Previewing] | None = None
        self._begun = 0.0
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._begin)
        self._runner = JobRunner(self)
        self._runner.finished.connect(self._show)
        self._runner.failed.connect(self._fail)

    @property
    def image(self) -> QImage:
        """The picture."""
        return self.box.image

    def ask(self, make: Callable[[], Previewing]) -> None:
        """Have another one made as soon as the hand rests; until then the former one stays."""
        self.stop()
        self._make = make
        self._rest.start()

    def stop(self) -> None:
        """Make none."""
        self._rest.stop()
        self._runner.stop()

    def clear(self) -> None:
        """Take the picture away."""
        self.stop()
        self.box.show_image(QImage())
        self.hide()

    def _begin(self) -> None:
        assert self._make is not None
        self._begun = perf_counter()
        self._runner.start(self._make())

    def _show(self, made: tuple[QImage | None, str]) -> None:
        image, words = made
        # The longer it takes the longer the hand has to rest.
        self._rest.setInterval(max(REST, round(1000 * (perf_counter() - self._begun))))
        self.box.show_image(image or QImage())
        self.caption.setText(words)
        self.caption.setVisible(bool(words))
        self.setVisible(image is not None)
        self.shown.emit()

    def _fail(self, sentence: str) -> None:
        self.clear()
        self.failed.emit(sentence)


class FormAndPreview(QWidget):
    """Options, and the preview in the room that they leave: beneath or beside them, wherever it is larger."""

    def __init__(self, form: QWidget, preview: PreviewArea, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._form, self._preview = form, preview
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme().space(0.8))
        self._layout.addWidget(form, 0, Qt.AlignmentFlag.AlignTop)
        self._layout.addWidget(preview, 1)
        preview.shown.connect(self._arrange)

    @property
    def is_beside(self) -> bool:
        """Whether the preview is beside the options."""
        return self._layout.direction() == QBoxLayout.Direction.LeftToRight

    def _arrange(self) -> None:
        form, least, image = self._form.sizeHint(), self._preview.box.minimumSizeHint(), self._preview.image
        if image.isNull():
            return
        # Where all is as low as can be, it may be that the other way it would be lower.
        height = self.height() if self.height() > self.minimumSizeHint().height() else form.height()
        beneath = QSize(self.width(), max(height - form.height(), least.height()))
        beside = QSize(self.width() - form.width(), height)
        shape = image.deviceIndependentSize()
        kept = Qt.AspectRatioMode.KeepAspectRatio
        is_larger = shape.scaled(beside.toSizeF(), kept).width() > shape.scaled(beneath.toSizeF(), kept).width()
        fits = beside.width() >= least.width()
        self._layout.setDirection(
            QBoxLayout.Direction.LeftToRight if fits and is_larger else QBoxLayout.Direction.TopToBottom
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
