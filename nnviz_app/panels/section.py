"""Sections: titled parts of a panel that fold, and remember whether they are open."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSettings, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from nnviz_app.assets import icon
from nnviz_app.panels.fields import Field, MessageLabel, keep_keys
from nnviz_app.theme import theme


class SectionHeader(QAbstractButton):
    """A section's title behind an arrow; while it is folded, also what its fields are set to."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(title)
        self.summary = ""
        self.is_open = True
        # A click leaves the keyboard where it is; Tab gets here all the same.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        keep_keys(self)

    def show_state(self, is_open: bool, summary: str) -> None:
        """Show the arrow of an open or a folded section, and the summary of a folded one."""
        self.is_open, self.summary = is_open, summary
        self.setAccessibleName(f"{self.text()}, {'open' if is_open else f'folded: {summary}'}")
        self.setToolTip("Fold this section" if is_open else f"{self.text()}: {summary}")
        self.update()

    # Qt

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(theme().font("strong"))
        width = round(metrics.horizontalAdvance(self.text())) + theme().space(2.0)
        return QSize(width, round(metrics.height()) + theme().space(0.6))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(6), self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        space, palette = theme().space, theme().palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(theme().pen("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.hover) if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), space(0.3), space(0.3))
        side, rect = space(1.0), self.rect()
        arrow = "chevron-down" if self.is_open else "chevron-right"
        icon(arrow).paint(painter, space(0.1), (rect.height() - side) // 2, side, side)
        left, vertical = space(1.4), Qt.AlignmentFlag.AlignVCenter
        for text, font, color, side_of in (
            (self.text(), theme().font("strong"), palette.text, Qt.AlignmentFlag.AlignLeft),
            ("" if self.is_open else self.summary, theme().font("small"), palette.muted, Qt.AlignmentFlag.AlignRight),
        ):
            room = QRectF(left, 0, max(0, rect.width() - left - space(0.3)), rect.height())
            metrics = QFontMetricsF(font)
            painter.setFont(font)
            painter.setPen(QColor(color))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, vertical | side_of, shown)
            left += round(metrics.horizontalAdvance(shown)) + space(0.6)
        painter.end()


class Section(QWidget):
    """A header and, unless folded, `contents` with a message below them. `key` names it in the person's settings.

    A `tool`, such as a small button, stands at the right of the header, folded or not.
    """

    def __init__(
        self, title: str, *contents: QWidget, key: str, is_open: bool = True, tool: QWidget | None = None
    ) -> None:
        super().__init__()
        self._key, self._summary = f"train/{key}_open", ""
        self.header = SectionHeader(title)
        self.header.clicked.connect(self._toggle)
        self.message = MessageLabel()
        self._body = QWidget()
        self._inner, self._outer = QVBoxLayout(self._body), QVBoxLayout(self)
        for widget in (*contents, self.message):
            self._inner.addWidget(widget)
        head = QHBoxLayout()
        head.addWidget(self.header, 1)
        if tool is not None:
            head.addWidget(tool)
        self._outer.addLayout(head)
        self._outer.addWidget(self._body)
        self._outer.setContentsMargins(0, 0, 0, 0)
        stored = str(QSettings().value(self._key, "true" if is_open else "false"))
        self.set_open(stored == "true")

    @property
    def is_open(self) -> bool:
        """Whether the content can be seen."""
        return self.header.is_open

    def set_open(self, is_open: bool) -> None:
        """Show the content or fold it away."""
        self.header.show_state(is_open, self._summary)
        self._body.setVisible(is_open)

    def show_summary(self, summary: str) -> None:
        """What the header tells while the section is folded."""
        self._summary = summary
        self.header.show_state(self.is_open, summary)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        space = theme().space
        self._inner.setContentsMargins(0, 0, 0, space(0.4))
        self._inner.setSpacing(space(0.5))
        self._outer.setSpacing(space(0.3))
        self.header.updateGeometry()
        self.header.update()

    def _toggle(self) -> None:
        fields = self.findChildren(Field)
        for field in fields:
            field.commit()
        if any(field.property("invalid") for field in fields):
            # What was refused must not get out of sight.
            return
        self.set_open(not self.is_open)
        QSettings().setValue(self._key, "true" if self.is_open else "false")
