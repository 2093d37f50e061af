"""The paths from a parameter to the loss, each with its product; the one that is pointed at is lit on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.notation import Writer, tex_number
from core.numbers import format_exact, format_number
from core.paths import Path, Paths
from core.quantities import Kind, Quantity
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.panels.elided_label import ElidedLabel
from nnviz_app.spotlight import Spotlight
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
# Rows in sight at most; the others are scrolled to.
MOST_ROWS = 6
# A product of more factors is not typeset: it could not be read.
MOST_FACTORS = 12


def way_of(path: Path, loss: str) -> str:
    """The neurons that a path goes through, down to the loss."""
    return " → ".join((*path.neurons, loss))


def product_of(path: Path) -> str:
    """A path's factors as text, in order."""
    return " · ".join(factor.text for factor in path.factors)


class PathModel(QAbstractListModel):
    """One row for each path that is listed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.paths: tuple[Path, ...] = ()
        self.loss = "L"
        self.digits = 4
        self.total = 0.0
        self.largest = 0.0

    def show_paths(self, paths: Paths | None, loss: str, digits: int) -> None:
        """Show other paths."""
        self.beginResetModel()
        self.paths = paths.paths if paths is not None else ()
        self.total = paths.total if paths is not None else 0.0
        self.largest = max((abs(path.product) for path in self.paths), default=0.0)
        self.loss, self.digits = loss, digits
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.paths)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        path = self.paths[index.row()]
        value = format_number(path.product, self.digits)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{way_of(path, self.loss)}: {value}"
        if role == Qt.ItemDataRole.ToolTipRole:
            numbers = " · ".join(format_number(factor.value, self.digits) for factor in path.factors)
            share = f"\n{path.product / self.total:.1%} of the sum".replace("-", "−") if self.total else ""
            return f"{product_of(path)}\n= {numbers}\n= {format_exact(path.product)}{share}"
        return None


class PathDelegate(QStyledItemDelegate):
    """Paints the way and the value, below them the product, and a bar as long as its share of the largest."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        body, small = (QFontMetricsF(theme().font(role)).height() for role in ("body", "small"))
        return QSize(theme().space(12), round(body + small + theme().space(0.95)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        option.text = ""  # type: ignore[attr-defined]
        widget = option.widget  # type: ignore[attr-defined]
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        model = index.model()
        assert isinstance(model, PathModel)
        path, palette, space = model.paths[index.row()], theme().palette, theme().space
        rect = QRectF(option.rect).adjusted(space(0.5), space(0.25), -space(0.5), -space(0.3))  # type: ignore[attr-defined]
        painter.save()
        left, right = (
            side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        )
        value = format_number(path.product, model.digits)
        strong, body, small = (theme().font(role) for role in ("strong", "body", "small"))
        width = QFontMetricsF(strong).horizontalAdvance(value)
        line = QRectF(rect.left(), rect.top(), rect.width(), QFontMetricsF(body).height())
        painter.setFont(strong)
        painter.setPen(palette.text)
        painter.drawText(line, right, value)
        painter.setFont(body)
        room = line.width() - width - space(0.8)
        way = QFontMetricsF(body).elidedText(way_of(path, model.loss), Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(line, left, way)
        below = QRectF(rect.left(), line.bottom(), rect.width(), QFontMetricsF(small).height())
        painter.setFont(small)
        painter.setPen(palette.muted_on_tint)
        product = QFontMetricsF(small).elidedText(product_of(path), Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, left, product)
        share = abs(path.product) / model.largest if model.largest else 0.0
        bar = QRectF(rect.left(), rect.bottom() - 1.0, share * rect.width(), 2.0)
        painter.fillRect(bar, palette.weight(path.product))
        painter.restore()


class PathView(QListView):
    """Lights the path under the pointer; one that is clicked stays lit until it is clicked again or Esc is pressed."""

    def __init__(self, model: PathModel, spotlight: Spotlight) -> None:
        super().__init__()
        self.spotlight = spotlight
        self.setModel(model)
        self.setItemDelegate(PathDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Paths to the loss")
        self._pressed_on_chosen = False
        # What this list has lit: what others light is theirs.
        self._lit: tuple[str, ...] = ()
        self.selectionModel().selectionChanged.connect(self.light_chosen)

    @property
    def paths(self) -> tuple[Path, ...]:
        """What is listed."""
        model = self.model()
        assert isinstance(model, PathModel)
        return model.paths

    @property
    def chosen(self) -> Path | None:
        """The path that was clicked, or come to with the keyboard."""
        rows = self.selectionModel().selectedRows()
        return self.paths[rows[0].row()] if rows else None

    def light_chosen(self) -> None:
        """Light the chosen path; without one, put out what this list has lit."""
        chosen = self.chosen
        if chosen is not None:
            self._light(chosen.edges)
        elif self.spotlight.path == self._lit:
            self._light(())

    def _light(self, edges: tuple[str, ...]) -> None:
        self._lit = edges
        self.spotlight.show_path(edges)

    def fit(self) -> None:
        """As high as its rows, up to a limit beyond which it scrolls."""
        rows = min(len(self.paths), MOST_ROWS)
        self.setFixedHeight(rows * max(self.sizeHintForRow(0), 0) + 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self._light(self.paths[index.row()].edges)
        else:
            self.light_chosen()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        self._pressed_on_chosen = index.isValid() and self.selectionModel().isSelected(index)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._pressed_on_chosen:
            self.clearSelection()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.light_chosen()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.chosen is not None:
            self.clearSelection()
        else:
            super().keyPressEvent(event)


class PathList(QWidget):
    """The paths, how many of them are listed, their sum, and the chosen one's product typeset."""

    def __init__(self, spotlight: Spotlight, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._writer: Writer | None = None
        self.model = PathModel(self)
        self.view = PathView(self.model, spotlight)
        self.count_label, self.sum_label, self.formula = ElidedLabel(), ElidedLabel(), FormulaLabel()
        set_style_property(self.count_label, "role", "muted")
        set_style_property(self.sum_label, "role", "strong")
        self.formula.set_relative_size(0.85)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        for widget in (self.count_label, self.view, self.sum_label, self.formula):
            self._box.addWidget(widget)
        self.view.selectionModel().selectionChanged.connect(self._show_formula)

    def show_paths(self, paths: Paths | None, writer: Writer | None) -> None:
        """List other paths; a path that was chosen is chosen no longer."""
        self.view.clearSelection()
        self._writer = writer
        self.model.show_paths(
            paths, writer.notation.loss if writer is not None else "L", writer.digits if writer is not None else 4
        )
        self.view.fit()
        self.view.light_chosen()
        self._show_formula()
        if paths is None or writer is None:
            return
        many = f"{paths.count:,} path{'' if paths.count == 1 else 's'}"
        listed = len(paths.paths)
        cut = listed < paths.count
        self.count_label.setText(
            f"Showing {listed:,} of {many}: the largest" if cut else f"{many} to the loss" if listed else "No path"
        )
        row = writer.row(Quantity(Kind.LOSS, "", paths.sample))
        parameter = writer.derivative(writer.parameter(paths.parameter), row)
        over = f"sum over all {paths.count:,} = " if cut else "their sum = " if listed > 1 else ""
        self.sum_label.setText(f"{parameter} = {over}{format_number(paths.total, writer.digits)}")
        parts = f"\nThose listed: {format_exact(paths.shown_total)}" if cut else ""
        self.sum_label.setToolTip(f"{format_exact(paths.total)}{parts}")

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self._box.setSpacing(theme().space(0.35))
        self.formula.setMinimumWidth(theme().space(6))
        self.view.doItemsLayout()
        self.view.fit()

    def _show_formula(self) -> None:
        path, writer = self.view.chosen, self._writer
        shown = path is not None and writer is not None and len(path.factors) <= MOST_FACTORS
        self.formula.setVisible(shown)
        if path is None or writer is None or not shown:
            return
        symbols = r" \cdot ".join(factor.latex for factor in path.factors)
        numbers = r" \cdot ".join(writer.bracket(tex_number(factor.value, writer.digits)) for factor in path.factors)
        self.formula.set_latex(f"{symbols} = {numbers} = {tex_number(path.product, writer.digits)}")
