"""A label that shows a formula, fits it into the width it gets, and knows where its operands stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontInfo,
    QGuiApplication,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.style import unmark
from nnviz_app.formula import (
    LAYOUT_SIZE,
    LINE_GAP,
    LINE_INDENT,
    SMALLEST_SCALE,
    FormulaLines,
    break_formula,
    fit_formula,
    formula_size,
    lay_out,
    plain_text,
    render_formula,
)
from nnviz_app.theme import theme


class FormulaLabel(QWidget):
    """Shows one formula, never cut off: too wide, it becomes smaller and then breaks into lines.

    Operands marked in it are lit under the pointer and can be clicked; `operand_hovered` is -1 beside them.
    """

    operand_hovered = Signal(int)
    operand_clicked = Signal(int)

    def __init__(self, latex: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._latex = ""
        self._plain = ""
        self._pieces: tuple[str, ...] = ()
        self._fits: dict[tuple[object, ...], FormulaLines] = {}
        self._color: QColor | str = "text"
        self._relative_size = 1.0
        self._hovered = -1
        self._lit: frozenset[int] = frozenset()
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme().changed.connect(self._theme_changed)
        self.set_latex(latex)

    def set_latex(self, latex: str, *, plain: str = "", pieces: Sequence[str] | None = None) -> None:
        """Show a formula.

        `plain` is what tooltips and screen readers say (made from the LaTeX if not given); `pieces`, which
        joined must give the formula, say where else than by default it may be broken.
        """
        self._latex = latex.strip()
        self._hovered, self._lit = -1, frozenset()
        self._plain = plain or plain_text(latex)
        self._pieces = tuple(pieces) if pieces is not None else tuple(break_formula(self._latex))
        self.setAccessibleName(self._plain)
        self.setToolTip(self._plain)
        self._relayout()

    def set_lit(self, places: Iterable[int]) -> None:
        """Light these operands, as when the pointer is on them."""
        lit = frozenset(places)
        if lit != self._lit:
            self._lit = lit
            self.update()

    def operand_at(self, position: QPointF) -> int:
        """The place of the operand there; -1 beside all of them. Within another one, the inner one."""
        hit = [(box.width() * box.height(), place) for place, box in self.operand_boxes() if box.contains(position)]
        return min(hit)[1] if hit else -1

    def operand_boxes(self) -> list[tuple[int, QRectF]]:
        """Where the operands are painted, with a margin that makes them easy to hit."""
        found = []
        for line, origin, size in self._lines():
            drawing = lay_out(line)
            scale = size / LAYOUT_SIZE
            margin = 0.14 * size
            for place, box in drawing.boxes if drawing is not None else ():
                scaled = QRectF(box.topLeft() * scale, box.size() * scale).translated(origin)
                found.append((place, scaled.adjusted(-margin, -margin, margin, margin)))
        return found

    def latex(self) -> str:
        """Return the formula's LaTeX, without the marks of its operands."""
        return unmark(self._latex)

    def plain(self) -> str:
        """Return the formula as plain text."""
        return self._plain

    def set_color(self, color: QColor | str) -> None:
        """Set the colour: one of its own, or the name of a palette colour, which then follows the theme."""
        if isinstance(color, str):
            theme().palette.color(color)  # an unknown name must fail here, not while painting
        self._color = QColor(color) if isinstance(color, QColor) else color
        self.update()

    def color(self) -> QColor:
        """Return the colour the formula is drawn in."""
        if not self.isEnabled():
            return theme().palette.color("disabled_text")
        return QColor(self._color) if isinstance(self._color, QColor) else theme().palette.color(self._color)

    def set_relative_size(self, factor: float) -> None:
        """Set the size relative to the theme's formula font."""
        self._relative_size = factor
        self._relayout()

    def text_size(self) -> float:
        """Return the size of the formula's text in pixels before it is made to fit."""
        return QFontInfo(theme().font("formula")).pixelSize() * self._relative_size

    def fitted(self) -> FormulaLines:
        """Return the lines as they are shown at the present width."""
        return self._fit(self.width())

    def _fit(self, width: float) -> FormulaLines:
        # A layout asks for the same width several times over.
        asked = (self._latex, self._pieces, self.text_size(), max(width, 1.0), self._plain)
        if asked not in self._fits:
            latex, pieces, size, room, plain = asked
            self._fits = {asked: fit_formula(latex, pieces, size=size, width=room, plain=plain)}
        return self._fits[asked]

    # Qt

    def sizeHint(self) -> QSize:
        width, height = formula_size(self._latex, self.text_size(), plain=self._plain)
        return QSize(math.ceil(width), math.ceil(height))

    def minimumSizeHint(self) -> QSize:
        # Wide enough for the widest piece at the smallest size that is good to read, if that is not a lot.
        size = self.text_size() * SMALLEST_SCALE
        widest = max((formula_size(piece, size)[0] for piece in self._pieces), default=0.0) + size
        return QSize(math.ceil(min(widest, 12 * self.text_size())), math.ceil(self._fit(self.width()).height))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return math.ceil(self._fit(width).height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.operand_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.operand_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self.operand_clicked.emit(place)
        else:
            super().mousePressEvent(event)

    def _hover(self, place: int) -> None:
        if place == self._hovered:
            return
        self._hovered = place
        self.setCursor(Qt.CursorShape.PointingHandCursor if place >= 0 else Qt.CursorShape.ArrowCursor)
        self.update()
        self.operand_hovered.emit(place)

    def _lines(self) -> list[tuple[str, QPointF, float]]:
        """The lines as they are painted: LaTeX, upper left corner, text size."""
        if not self._latex:
            return []
        fitted = self._fit(self.width())
        # A layout may give less height than asked for; smaller is better than cut off.
        shrink = min(1.0, self.height() / fitted.height) if fitted.height > 0 else 1.0
        size = fitted.size * shrink
        top = max(0.0, (self.height() - fitted.height * shrink) / 2.0)
        lines = []
        for number, line in enumerate(fitted.lines):
            width, height = formula_size(line, size, plain=self._plain)
            indent = LINE_INDENT * size if number else 0.0
            lines.append((line, QPointF(self._left(width, indent), top), size))
            top += height + LINE_GAP * size
        return lines

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self._lit | {self._hovered}
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().palette.color("selection"))
        for place, box in self.operand_boxes() if lit != {-1} else ():
            if place in lit:
                painter.drawRoundedRect(box, 3.0, 3.0)
        for line, origin, size in self._lines():
            pixmap = render_formula(line, color=self.color(), size=size, device_pixel_ratio=ratio, plain=self._plain)
            painter.drawPixmap(origin, pixmap)
        painter.end()

    def _left(self, width: float, indent: float) -> float:
        right_to_left = QGuiApplication.isRightToLeft()
        return max(0.0, self.width() - width - indent) if right_to_left else indent

    def _theme_changed(self) -> None:
        self._relayout()

    def _relayout(self) -> None:
        self.updateGeometry()
        self.update()
