"""A sentence with its numbers on at most two lines, which are always there so that nothing jumps."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QTextLayout
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from nnviz_app.theme import theme

LINES = 2
# Between the sentence and its numbers.
GAP = "\u2003"


class Caption(QLabel):
    """Words at the left, then numbers in bold and in a phase's hue.

    Where both do not fit on one line the numbers come on the second; where even that is too narrow they are
    shortened in the middle, so that the result stays, and the tooltip has the whole.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = self.numbers = ""
        self.after: tuple[str, ...] = ()
        self.hue = "forward"
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)
        theme().changed.connect(self._restyle)

    def show_text(self, words: str, numbers: str = "", *, hue: str = "forward", after: tuple[str, ...] = ()) -> None:
        """Show a sentence, its numbers, and what to do `after` that: the first of its wordings that fits."""
        if numbers and not words.endswith((":", ".")):
            words += ":"
        self.words, self.numbers, self.hue, self.after = words, numbers, hue, after
        # The text itself is for screen readers and tests: it is painted by hand.
        self.setText("  ".join(part for part in (words, numbers, *after[:1]) if part))
        self.setAccessibleName(self.text())
        self._set_tooltip()
        self.update()

    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()

    def _set_tooltip(self) -> None:
        self.setToolTip("\n".join(part for part in (self.words, self.numbers, *self.after[:1]) if part))

    # How it is laid out

    def lines(self, width: float) -> list[list[tuple[str, str]]]:
        """What stands on each line, as pieces (text, style); a style is "words", "numbers" or "after"."""
        words, numbers, after = self.words, self.numbers, self.after
        whole = self._one_line([(words, "words"), (numbers, "numbers")], width)
        for wording in after:
            line = self._one_line([(wording, "after")], width)
            if whole and line:
                return [whole, line]
            last = self._one_line([(numbers, "numbers"), (wording, "after")], width)
            if last and self._one_line([(words, "words")], width):
                return [[(words, "words")], last]
        if after:
            return [whole or self._shortened(width), self._elided(after[-1], "after", width)]
        if whole:
            return [whole]
        if not numbers:
            return self._wrapped(width)
        return [self._elided(words, "words", width), self._elided(numbers, "numbers", width)]

    def _one_line(self, pieces: list[tuple[str, str]], width: float) -> list[tuple[str, str]]:
        pieces = [(text, style) for text, style in pieces if text]
        needed = sum(self._width(text, style) for text, style in pieces) + self._gap() * (len(pieces) - 1)
        return pieces if needed <= width else []

    def _shortened(self, width: float) -> list[tuple[str, str]]:
        """Words and numbers on one line although it is too narrow for both: the numbers matter more."""
        numbers = self._elided(self.numbers, "numbers", width * 0.7)
        rest = width - self._gap() - sum(self._width(text, style) for text, style in numbers)
        return [*self._elided(self.words, "words", rest), *numbers]

    def _wrapped(self, width: float) -> list[list[tuple[str, str]]]:
        layout = QTextLayout(self.words, self._font("words"))
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(width)
        layout.endLayout()
        cut = line.textLength()
        first, rest = self.words[:cut].rstrip(), self.words[cut:]
        return [[(first, "words")], self._elided(rest, "words", width)]

    def _elided(self, text: str, style: str, width: float) -> list[tuple[str, str]]:
        mode = Qt.TextElideMode.ElideMiddle if style == "numbers" else Qt.TextElideMode.ElideRight
        return [(QFontMetricsF(self._font(style)).elidedText(text, mode, width), style)] if text else []

    def _font(self, style: str) -> QFont:
        return theme().font("value" if style == "numbers" else "body")

    def _width(self, text: str, style: str) -> float:
        return QFontMetricsF(self._font(style)).horizontalAdvance(text)

    def _gap(self) -> float:
        return self._width(GAP, "words")

    def _line_height(self) -> float:
        return max(QFontMetricsF(self._font(style)).height() for style in ("words", "numbers")) * 1.15

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(theme().space(30), round(self._line_height() * LINES) + 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(10), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme().palette
        colors = {"words": palette.text, "numbers": palette.color(self.hue), "after": palette.muted}
        painter = QPainter(self)
        ascent = max(QFontMetricsF(self._font(style)).ascent() for style in colors)
        for place, pieces in enumerate(self.lines(self.width())):
            x = 0.0
            for text, style in pieces:
                painter.setFont(self._font(style))
                painter.setPen(QColor(colors[style]))
                painter.drawText(QPointF(x, place * self._line_height() + ascent), text)
                x += self._width(text, style) + self._gap()
        painter.end()
