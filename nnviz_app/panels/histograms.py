"""The histograms panel: weights, activations and gradients by layer, and the neurons that cannot learn."""

from __future__ import annotations

import math
from html import escape

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from core.diagnostics import Diagnosis, Finding, Histogram
from core.numbers import format_exact, format_number
from nnviz_app.checkup import Checkup
from nnviz_app.document import Document
from nnviz_app.palette import mix
from nnviz_app.panels.fields import PanelArea, keep_keys
from nnviz_app.player import Player
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme
from nnviz_app.trainer import Trainer

EMPTY = "Weights, activations and gradients of every layer are counted here.\n{}"
HEALTHY = "No dead or saturated neuron, and every layer gets a gradient."
# Sentences and layers shown at a time.
MOST_FINDINGS = 12
MOST_LAYERS = 40
COLUMNS = ("Weights", "Activations", "Gradients")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
COLORS = ("positive", "forward", "backward")


class HistogramView(QWidget):
    """One histogram with its axis. Pointed at, it tells the bar under the pointer and the exact figures."""

    def __init__(self, color: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.color = color
        self.subject = ""
        self.histogram: Histogram | None = None
        self.is_log = False
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._hovered: int | None = None

    def show_histogram(self, subject: str, histogram: Histogram | None, *, is_log: bool) -> None:
        """Show the counts of `subject`, such as "Weights of layer 1"; None where there is nothing to count."""
        self.subject, self.histogram, self.is_log = subject, histogram, is_log
        self.setAccessibleName(subject)
        self.setAccessibleDescription(self.figures())
        self.update()

    def restyle(self) -> None:
        """Follow the theme's text size."""
        # Taller bars tell no more.
        self.setMaximumHeight(theme().space(12))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().space(10), theme().space(6))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().space(5.5), theme().space(5))

    # What it tells

    def figures(self) -> str:
        """The exact figures, a line each."""
        found = self.histogram
        if found is None:
            return f"{self.subject}: nothing to count."
        lines = [
            f"{self.subject}: {found.total:,}",
            f"largest {format_exact(found.maximum)}",
            f"mean {format_exact(found.mean)}",
            f"smallest {format_exact(found.minimum)}",
            f"standard deviation {format_exact(found.deviation)}",
        ]
        if found.left_out:
            lines.append(f"{found.left_out:,} infinite or not a number")
        return "\n".join(lines)

    def bar_at(self, x: float) -> int | None:
        """The bar at a place across the view."""
        found, area = self.histogram, self._area()
        if found is None or not area.left() <= x < area.right():
            return None
        return min(int((x - area.left()) / area.width() * len(found.counts)), len(found.counts) - 1)

    def bar_text(self, bar: int) -> str:
        """The limits and the count of a bar."""
        found = self.histogram
        if found is None:
            return ""
        low, high = (format_number(float(edge), 6) for edge in found.edges[bar : bar + 2])
        return f"{low} to {high}: {found.counts[bar]:,}"

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            bar = self.bar_at(event.pos().x())
            first = [] if bar is None else [self.bar_text(bar), ""]
            QToolTip.showText(event.globalPos(), "\n".join([*first, self.figures()]), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.bar_at(event.position().x()))
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)
        super().leaveEvent(event)

    def _hover(self, bar: int | None) -> None:
        if bar != self._hovered:
            self._hovered = bar
            self.update()

    # How it is drawn

    def _area(self) -> QRectF:
        """Where the bars stand: above the axis and its numbers, below the largest count."""
        line = QFontMetricsF(theme().font("small")).height()
        return QRectF(1.0, line + 1.0, self.width() - 2.0, max(self.height() - 2 * line - 4.0, 1.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme().font("small"))
        palette, found, area = theme().palette, self.histogram, self._area()
        painter.setPen(QPen(palette.line, 1.0))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(palette.muted)
        if found is None:
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "–")
            return
        heights = found.counts.astype(np.float64)
        if self.is_log:
            heights = np.log10(1.0 + heights)
        shares = heights / max(float(heights.max()), 1e-300)
        width = area.width() / len(shares)
        color = palette.color(self.color)
        painter.setPen(Qt.PenStyle.NoPen)
        gap = 1.0 if width > 4 else 0.0
        for bar, share in enumerate(shares.tolist()):
            if share:
                painter.setBrush(mix(color, palette.text, 0.35) if bar == self._hovered else color)
                height = max(share * area.height(), 1.0)
                left = area.left() + bar * width
                painter.drawRect(QRectF(left, area.bottom() - height, max(width - gap, 1.0), height))
        self._paint_numbers(painter, area, found)

    def _paint_numbers(self, painter: QPainter, area: QRectF, found: Histogram) -> None:
        palette = theme().palette
        low, high = float(found.edges[0]), float(found.edges[-1])
        top = QRectF(area.left(), 0.0, area.width(), area.top())
        axis = QRectF(area.left(), area.bottom() + 2.0, area.width(), self.height() - area.bottom() - 2.0)
        # Of small and large numbers the power of ten stands above, once.
        largest = max(abs(low), abs(high))
        power = math.floor(math.log10(largest))
        power = 0 if -2 <= power <= 3 else power
        right, color = f"×10{str(power).translate(RAISED)}" if power else "", palette.muted
        if self._hovered is not None and self._hovered < len(found.counts):
            right, color = f"{found.counts[self._hovered]:,}", palette.text
        painter.setPen(color)
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        painter.setPen(palette.muted)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{found.counts.max():,}")
        # As many digits as the edges of the bars have.
        digits = min(max(math.ceil(math.log10(largest / float(found.edges[1] - low)) + 0.01) + 1, 2), 6)
        measure = QFontMetricsF(painter.font()).horizontalAdvance
        free = measure("0") * 1.5
        while True:
            first, last = (format_number(edge / 10.0**power, digits) for edge in (low, high))
            if digits == 1 or measure(first) + free + measure(last) <= area.width():
                break
            digits -= 1
        if first == last:
            first, last = f"≈ {first}", ""
        painter.drawText(axis, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, first)
        painter.drawText(axis, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, last)
        if low < 0.0 < high:
            x = area.left() + area.width() * -low / (high - low)
            painter.setPen(QPen(palette.muted, 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if area.left() + measure(first) + free < x < area.right() - measure(last) - free:
                painter.setPen(palette.muted)
                painter.drawText(
                    QRectF(x - free, axis.top(), 2 * free, axis.height()), Qt.AlignmentFlag.AlignCenter, "0"
                )


class HistogramsPanel(QWidget):
    """Rows of layers, columns of weights, activations and gradients; below, what is wrong, to be clicked."""

    def __init__(
        self,
        document: Document,
        player: Player,
        selection: Selection,
        trainer: Trainer,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.player, self.selection, self.trainer = document, player, selection, trainer
        self.checkup = Checkup.of(document)
        self.views: list[tuple[HistogramView, ...]] = []
        self._findings: tuple[Finding, ...] = ()
        self._is_stale = True
        self.caption = QLabel()
        set_style_property(self.caption, "role", "muted")
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.caption.setWordWrap(True)
        self.log_box = self._box("Log count", "Logarithmic height of the bars, so that rare values can be seen")
        self.z_box = self._box("Before f", "Pre-activations, before the activation function, instead of activations")
        self._head = QHBoxLayout()
        self._head.addWidget(self.caption, 1)
        self._head.addWidget(self.z_box)
        self._head.addWidget(self.log_box)
        self._grid = QGridLayout()
        self._titles = [QLabel(title) for title in COLUMNS]
        for column, label in enumerate(self._titles):
            set_style_property(label, "role", "small")
            self._grid.addWidget(label, 0, column + 1)
            self._grid.setColumnStretch(column + 1, 1)
        self._names: list[QLabel] = []
        self.findings_label = QLabel()
        self.findings_label.setWordWrap(True)
        self.findings_label.setTextFormat(Qt.TextFormat.RichText)
        self.findings_label.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.findings_label.linkActivated.connect(self._select)
        keep_keys(self.findings_label)
        self._content = QWidget()
        self._inner = QVBoxLayout(self._content)
        self._inner.addLayout(self._head)
        self._inner.addLayout(self._grid, 1)
        self._inner.addWidget(self.findings_label)
        self._area = PanelArea(self._content)
        self.placeholder = QLabel()
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setWordWrap(True)
        self.placeholder.setProperty("role", "muted")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._area)
        self._stack.addWidget(self.placeholder)
        self.checkup.outdated.connect(self._follow)
        trainer.running_changed.connect(self._follow)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _box(self, text: str, tip: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.toggled.connect(self.refresh)
        keep_keys(box)
        return box

    def sizeHint(self) -> QSize:
        return QSize(theme().space(30), theme().space(20))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._area.minimumSizeHint().width(), theme().space(8))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def _follow(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._is_stale = True

    def refresh(self) -> None:
        """Show the diagnosis of the present parameters."""
        self._is_stale = False
        diagnosis = self.checkup.diagnosis
        self._stack.setCurrentWidget(self.placeholder if diagnosis is None else self._area)
        if diagnosis is None:
            self.placeholder.setText(EMPTY.format(self.checkup.problem))
            return
        self.caption.setText(self._caption(diagnosis))
        self._titles[1].setText("Pre-activations" if self.z_box.isChecked() else COLUMNS[1])
        layers = diagnosis.layers[:MOST_LAYERS]
        self._make_rows(len(layers))
        for name, views, layer in zip(self._names, self.views, layers, strict=True):
            name.setText(layer.title)
            name.setToolTip(f"{len(layer.neurons):,} neuron{'' if len(layer.neurons) == 1 else 's'}")
            middle = layer.pre_activations if self.z_box.isChecked() else layer.activations
            for title, view, found in zip(self._titles, views, (layer.weights, middle, layer.gradients), strict=True):
                view.show_histogram(f"{title.text()}, {layer.title}", found, is_log=self.log_box.isChecked())
        self._findings = diagnosis.findings
        self._show_findings()

    @staticmethod
    def _caption(diagnosis: Diagnosis) -> str:
        if diagnosis.rows < diagnosis.all_rows:
            return f"{diagnosis.rows:,} of {diagnosis.all_rows:,} training rows"
        return f"{diagnosis.rows:,} training row{'' if diagnosis.rows == 1 else 's'}"

    def _make_rows(self, count: int) -> None:
        while len(self.views) > count:
            for view in (*self.views.pop(), self._names.pop()):
                self._grid.removeWidget(view)
                view.deleteLater()
        while len(self.views) < count:
            row = len(self.views) + 1
            name = QLabel()
            set_style_property(name, "role", "strong")
            self._grid.addWidget(name, row, 0)
            self._names.append(name)
            self.views.append(tuple(HistogramView(color) for color in COLORS))
            for column, view in enumerate(self.views[-1]):
                view.restyle()
                self._grid.addWidget(view, row, column + 1)

    def _show_findings(self) -> None:
        color = theme().palette.text.name()
        lines = [
            f'<p><a style="color: {color}; text-decoration: none" href="{place}">{self._marked(finding)}</a></p>'
            for place, finding in enumerate(self._findings[:MOST_FINDINGS])
        ]
        more = len(self._findings) - MOST_FINDINGS
        if more > 0:
            lines.append(f"<p>… and {more:,} more.</p>")
        text = "".join(lines) or HEALTHY
        set_style_property(self.findings_label, "role", "" if lines else "muted")
        self.findings_label.setToolTip("Click a sentence to select its neurons." if lines else "")
        # Setting it again would end a press on a sentence.
        if text != self.findings_label.text():
            self.findings_label.setText(text)

    @staticmethod
    def _marked(finding: Finding) -> str:
        """The sentence with its subject underlined, so that it looks like what can be clicked."""
        subject = finding.neurons[0] if len(finding.neurons) == 1 else f"Layer {finding.layer}"
        sentence = escape(finding.sentence)
        head = escape(subject)
        return f"<u>{head}</u>{sentence.removeprefix(head)}" if sentence.startswith(head) else sentence

    def _select(self, place: str) -> None:
        neurons = self.document.project.network.neurons
        self.selection.set(i for i in self._findings[int(place)].neurons if i in neurons)

    def _restyle(self) -> None:
        space = theme().space
        self._inner.setContentsMargins(space(0.9), space(0.4), space(0.9), space(0.4))
        self._inner.setSpacing(space(0.5))
        self._head.setSpacing(space(0.6))
        self._grid.setHorizontalSpacing(space(0.9))
        self._grid.setVerticalSpacing(space(0.4))
        self.placeholder.setContentsMargins(space(1), space(1), space(1), space(1))
        self._show_findings()
        for views in self.views:
            for view in views:
                view.restyle()
