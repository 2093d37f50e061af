"""A caption: Markdown with formulas, drawn as the rest of the program's formulas are.

Captions come in files from anywhere: no HTML, no picture and no file is taken from one, and only a link to the web is
followed, when it is clicked.
"""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QFont,
    QFontInfo,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QPainter,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextImageFormat,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from nnviz_app.formula import (
    LAYOUT_SIZE,
    LINE_GAP,
    LINE_INDENT,
    break_formula,
    fit_formula,
    formula_size,
    lay_out,
    plain_text,
    render_formula,
)
from nnviz_app.theme import theme

FORMULA = re.compile(r"(?<![\\$])\$([^$\n]+)\$")
FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
# Formulas stand in for themselves as these characters, which no text has, while Markdown is read.
FIRST = 0xE000
# More formulas, and longer ones, stay as they are written: to set them would take longer than one waits.
MOST, LONGEST = 200, 500
RESERVED = re.compile("[\ue000-\uf8ff]")
OBJECT = "\ufffc"
# Relative to the text: formulas in a line, and alone in their paragraph.
INLINE, ALONE = 1.2, 1.35
# Between lines, in text sizes.
LEADING = 0.3
SAFE_SCHEMES = ("https", "http")


class CaptionView(QTextBrowser):
    """Shows a caption in the theme's colours; `factor` is the size of its text relative to the program's."""

    def __init__(self, factor: float = 1.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._factor = factor
        self._caption = ""
        self._formulas: list[str] = []
        self._room = 0
        # The document on show, once it is one of its own making.
        self._own: QTextDocument | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QTextBrowser, QTextBrowser:focus { background: transparent; border: none; padding: 0 }")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._open)
        # A click leaves the keyboard, and with it the keys that step, where it is.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.viewport().setAutoFillBackground(False)
        theme().changed.connect(self._draw)
        self._draw()

    @property
    def caption(self) -> str:
        """The Markdown on show."""
        return self._caption

    def set_caption(self, caption: str, *, from_top: bool = False) -> None:
        """Show a caption: Markdown with formulas between dollar signs; `from_top` scrolls back to its beginning."""
        if caption != self._caption:
            self._caption = caption
            self._draw()
        if from_top:
            self.verticalScrollBar().setValue(0)

    def set_factor(self, factor: float) -> None:
        """Set the size of the text relative to the program's."""
        if factor != self._factor:
            self._factor = factor
            self._draw()

    def height_for(self, width: int) -> int:
        """How high the caption is at this width, in pixels."""
        twin = self.document().clone()
        twin.setDefaultFont(self._font())
        twin.setTextWidth(width)
        return math.ceil(twin.size().height())

    # How it is drawn

    def _font(self) -> QFont:
        font = theme().font("body")
        font.setPointSizeF(font.pointSizeF() * self._factor)
        return font

    def _draw(self) -> None:
        """Make the document anew: for another caption, theme, size of text or width."""
        scrolled = self.verticalScrollBar().value()
        self._room = self._width()
        self._formulas = []
        former = self._own
        # It is laid out once, when it is done.
        document = QTextDocument(self)
        document.setUndoRedoEnabled(False)
        document.setDefaultFont(self._font())
        document.setDocumentMargin(0)
        document.setMarkdown(FORMULA.sub(self._stand_in, RESERVED.sub("", self._caption)), FEATURES)
        _drop_pictures(document)
        self._space_lines(document)
        self._insert_formulas(document)
        self.setDocument(document)
        self._own = document
        if former is not None:
            former.deleteLater()
        spoken = RESERVED.sub("", FORMULA.sub(lambda found: plain_text(found[1]), self._caption))
        self.setAccessibleName(spoken)
        self.verticalScrollBar().setValue(scrolled)
        self.updateGeometry()

    def _width(self) -> int:
        """The room for formulas in pixels, the same with and without a scroll bar."""
        return self.contentsRect().width() - self.verticalScrollBar().sizeHint().width()

    def _stand_in(self, found: re.Match[str]) -> str:
        if len(self._formulas) >= MOST or len(found[1]) > LONGEST:
            return found[0]
        self._formulas.append(found[1])
        return chr(FIRST + len(self._formulas) - 1)

    def _space_lines(self, document: QTextDocument) -> None:
        size = QFontInfo(self._font()).pixelSize()
        cursor = QTextCursor(document)
        block = document.begin()
        while block.isValid():
            form = block.blockFormat()
            form.setLineHeight(LEADING * size, QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value)
            # What follows in the same list belongs closer together than paragraphs.
            gap = 0.1 if block.textList() is not None and block.next().textList() is not None else 0.5
            form.setBottomMargin(gap * size if block.next().isValid() else 0)
            form.setTopMargin(0)
            cursor.setPosition(block.position())
            cursor.setBlockFormat(form)
            block = block.next()

    def _insert_formulas(self, document: QTextDocument) -> None:
        for number, latex in enumerate(self._formulas):
            cursor = document.find(chr(FIRST + number))
            if cursor.isNull():
                continue
            form = cursor.charFormat()
            alone = cursor.block().length() == 2
            # In a heading it is as large as the heading.
            text_size = max(QFontInfo(form.font()).pixelSize(), QFontInfo(self._font()).pixelSize())
            size = text_size * (ALONE if alone else INLINE)
            picture, descent = self._picture(latex, size)
            name = f"formula:{number}"
            document.addResource(QTextDocument.ResourceType.ImageResource, QUrl(name), picture)
            inline = QTextImageFormat()
            inline.setName(name)
            inline.setWidth(picture.width() / picture.devicePixelRatio())
            inline.setHeight(picture.height() / picture.devicePixelRatio())
            inline.setFont(_font_of_descent(self._font(), descent))
            inline.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
            inline.setProperty(QTextCharFormat.Property.ImageAltText, plain_text(latex))
            cursor.insertImage(inline)

    def _picture(self, latex: str, size: float) -> tuple[QImage, float]:
        """A formula, in lines where it is wider than the caption, and how deep it reaches below its base line.

        Below that it is padded to the depth of some font: Qt stands pictures on the lower edge of a font.
        """
        color, ratio = theme().palette.color("text"), self.devicePixelRatioF()
        fitted = fit_formula(latex, break_formula(latex), size=size, width=max(self._room, 4 * size))
        drawing = lay_out(latex) if len(fitted.lines) == 1 else None
        wanted = drawing.descent * fitted.size / LAYOUT_SIZE if drawing is not None else 0.2 * size
        descent = QFontMetricsF(_font_of_descent(self._font(), wanted)).descent()
        height = fitted.height + max(0.0, descent - wanted)
        picture = QImage(
            math.ceil(max(1.0, fitted.width) * ratio),
            math.ceil(max(1.0, height) * ratio),
            QImage.Format.Format_ARGB32_Premultiplied,
        )
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # Rounding up has made the picture higher: what is added belongs above, so that the lower edge is exact.
        top = picture.height() / ratio - height
        for place, line in enumerate(fitted.lines):
            width, line_height = formula_size(line, fitted.size)
            left = LINE_INDENT * fitted.size if place else 0.0
            pixmap = render_formula(line, color=color, size=fitted.size, device_pixel_ratio=ratio)
            painter.drawPixmap(QRectF(left, top, width, line_height), pixmap, QRectF(pixmap.rect()))
            top += line_height + LINE_GAP * fitted.size
        painter.end()
        return picture, wanted

    def _open(self, link: QUrl) -> None:
        if link.scheme() in SAFE_SCHEMES:
            QDesktopServices.openUrl(link)

    # Qt

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        # Formulas are in the document already: whatever else is asked for comes from the caption's author.
        return None

    def sizeHint(self) -> QSize:
        return QSize(theme().space(18), theme().space(8))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(8), theme().space(4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Formulas that were or would be too wide are broken otherwise.
        if self._formulas and self._width() != self._room:
            self._draw()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._draw()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            # They go from moment to moment.
            event.ignore()
        else:
            super().keyPressEvent(event)


def _font_of_descent(font: QFont, descent: float) -> QFont:
    """The same font in the smallest size that reaches so far below the base line."""
    sized = QFont(font)
    pixels = 100
    sized.setPixelSize(pixels)
    sized.setPixelSize(max(1, math.ceil(pixels * descent / QFontMetricsF(sized).descent())))
    while QFontMetricsF(sized).descent() < descent:
        sized.setPixelSize(sized.pixelSize() + 1)
    return sized


def _drop_pictures(document: QTextDocument) -> None:
    """Put words in the place of pictures: a caption shows the network, not files or what the web has."""
    cursor = document.find(OBJECT)
    while not cursor.isNull():
        words = cursor.charFormat().stringProperty(QTextCharFormat.Property.ImageAltText)
        cursor.insertText(words.replace(OBJECT, ""), QTextCharFormat())
        cursor = document.find(OBJECT, cursor)
