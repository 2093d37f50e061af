"""The list of all steps of the trace on show: what each reveals, its value once known, and where one stands."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.explanation import step_title
from core.numbers import NOT_COMPUTED, format_exact, format_number
from core.quantities import Phase, phase_of
from core.trace import Trace
from nnviz_app.panels.readings import phase_name
from nnviz_app.player import Player
from nnviz_app.preferences import Preferences
from nnviz_app.theme import set_style_property, theme

Index = QModelIndex | QPersistentModelIndex
EMPTY = "No steps yet: the network needs a neuron and the data a row."
VALUE_ROLE = int(Qt.ItemDataRole.UserRole)
PHASE_ROLE = VALUE_ROLE + 1
# Qt counts pixels in 32 bits; a longer list could not be scrolled.
MOST_ROWS = 2**31 // 64
_PHASE_WORDS = {
    Phase.FORWARD: "forward pass",
    Phase.LOSS: "loss",
    Phase.BACKWARD: "backward pass",
    Phase.UPDATE: "update",
}


class StepsModel(QAbstractListModel):
    """The steps of the player's trace. Nothing is kept per row: a row is asked of the trace when it is painted."""

    def __init__(self, player: Player, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.player, self.preferences = player, preferences
        self._trace: Trace | None = None
        self._length = 0
        self.follow()

    def follow(self) -> None:
        """Take over the player's trace."""
        trace = self.player.trace
        length = min(self.player.length, MOST_ROWS)
        if length != self._length:
            self.beginResetModel()
            self._trace, self._length = trace, length
            self.endResetModel()
        self._trace = trace

    def is_revealed(self, row: int) -> bool:
        """Whether this step has been done."""
        return row < self.player.index

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._length

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        trace, row = self._trace, index.row()
        if trace is None or not 0 <= row < len(trace):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return step_title(trace, row, self.preferences.style)
        if role == VALUE_ROLE:
            if not self.is_revealed(row):
                return NOT_COMPUTED
            return format_number(trace.value(trace.quantity_at(row)), self.preferences.style.digits)
        if role == PHASE_ROLE:
            return phase_of(trace.quantity_at(row).kind)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(trace, row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row + 1}, {step_title(trace, row, self.preferences.style)}, {index.data(VALUE_ROLE)}"
        return None

    def _tool_tip(self, trace: Trace, row: int) -> str:
        quantity = trace.quantity_at(row)
        text = f"Step {row + 1:,} of {len(trace):,}, {_PHASE_WORDS[phase_of(quantity.kind)]}"
        if trace.batch > 1 and row < trace.batch * trace.schedule.sample_length:
            text += f", sample {quantity.sample + 1} of {trace.batch}"
        if self.is_revealed(row):
            text += f"\n{step_title(trace, row, self.preferences.style)} = {format_exact(trace.value(quantity))}"
        return text


class StepDelegate(QStyledItemDelegate):
    """Paints a step: its number, its name, its value at the right."""

    def __init__(self, model: StepsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        palette, row = theme().palette, index.row()
        phase = index.data(PHASE_ROLE)
        if phase is None:
            return
        hue = phase_name(phase)
        current = row == self.model.player.index - 1
        revealed = self.model.is_revealed(row)
        margin, pad = theme().space(0.35), theme().space(0.55)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)  # type: ignore[attr-defined]
        box = rect.adjusted(margin, 1, -margin, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = f"{hue}_tint" if current else "hover" if hovered else ""
        if ground:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(ground))
            painter.drawRoundedRect(QRectF(box), theme().space(0.3), theme().space(0.3))
        muted = palette.color("muted_on_tint" if ground else "muted")
        font = theme().font("body")
        metrics = QFontMetrics(font)
        painter.setFont(font)
        inner = box.adjusted(pad, 0, -pad, 0)
        number_width = metrics.horizontalAdvance("0" * len(str(max(1, self.model.rowCount()))))
        side = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(muted)
        painter.drawText(
            QRect(inner.left(), inner.top(), number_width, inner.height()),
            side | Qt.AlignmentFlag.AlignRight,
            str(row + 1),
        )
        value = str(index.data(VALUE_ROLE))
        painter.setPen(palette.color(hue) if revealed else muted)
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignRight, value)
        left = inner.left() + number_width + theme().space(0.6)
        room = inner.right() - metrics.horizontalAdvance(value) - theme().space(0.6) - left
        painter.setPen(palette.color("text") if revealed else muted)
        title = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, max(0, room))
        painter.drawText(
            QRect(left, inner.top(), max(0, room), inner.height()), side | Qt.AlignmentFlag.AlignLeft, title
        )
        painter.restore()


class StepsView(QTableView):
    """One column of rows of one height: unlike a list view, Qt lays this out without asking for every row."""

    resized = Signal()

    def __init__(self, model: StepsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player = model.player
        self.setModel(model)
        self.setItemDelegate(StepDelegate(model, self))
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
            if event.key() in keys and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        player = self.player
        page = max(1, self.viewport().height() // max(1, self.verticalHeader().defaultSectionSize()) - 1)
        size = player.larger() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else None
        match event.key():
            case Qt.Key.Key_Up:
                player.go_to(player.index - 1)
            case Qt.Key.Key_Down:
                player.go_to(player.index + 1)
            case Qt.Key.Key_PageUp:
                player.go_to(player.index - page)
            case Qt.Key.Key_PageDown:
                player.go_to(player.index + page)
            # The player's own keys mean the same here as anywhere, also where no shortcut of the window gets them.
            case Qt.Key.Key_Right:
                player.forward(size)
            case Qt.Key.Key_Left:
                player.back(size)
            case Qt.Key.Key_Home:
                player.go_to(0)
            case Qt.Key.Key_End:
                player.go_to(player.length)
            case _:
                event.ignore()


class StepsPanel(QWidget):
    """All steps; a click goes to one, and the one that was done last is always in sight."""

    def __init__(self, player: Player, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player = player
        self.model = StepsModel(player, preferences, self)
        self.view = StepsView(self.model)
        self.view.setAccessibleName("Steps")
        self.empty = QLabel(EMPTY)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_style_property(self.empty, "role", "muted")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self._stale = False
        self.view.clicked.connect(self._clicked)
        self.view.resized.connect(self._keep_in_sight)
        player.moved.connect(self._follow)
        preferences.changed.connect(self.view.viewport().update)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._follow()

    def _clicked(self, index: QModelIndex) -> None:
        self.player.go_to(index.row() + 1)

    def _restyle(self) -> None:
        header = self.view.verticalHeader()
        header.setMinimumSectionSize(1)
        header.setDefaultSectionSize(theme().space(1.9))
        self.empty.setMargin(theme().space(1))

    def _follow(self) -> None:
        if not self.isVisible() and self.model.rowCount():
            self._stale = True  # a list that nobody sees need not compute a row
            return
        self._stale = False
        self.model.follow()
        self.empty.setText(self.player.problem or EMPTY)
        self._stack.setCurrentWidget(self.view if self.model.rowCount() else self.empty)
        row = self.player.index - 1
        # Qt's own idea of the current row is for screen readers; clicks and keys speak to the player directly,
        # because Qt also makes a row current when the list merely gets the keyboard.
        index = self.model.index(row, 0) if row >= 0 else QModelIndex()
        self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._keep_in_sight()
        self.view.viewport().update()

    def _keep_in_sight(self) -> None:
        """Scroll so that the current step and a few around it can be seen."""
        view, row = self.view, min(self.player.index, self.model.rowCount()) - 1
        height = view.viewport().height()
        rows = view.verticalHeader().defaultSectionSize()
        margin = min(2, height // rows // 3) * rows
        top = view.rowViewportPosition(row) if row >= 0 else -1
        if row < 0:
            view.scrollToTop()
        elif not -1 < top < height:
            view.scrollTo(self.model.index(row, 0), QAbstractItemView.ScrollHint.PositionAtCenter)
        elif top < margin:
            view.scrollTo(self.model.index(max(0, row - margin // rows), 0))
        elif top + rows + margin > height:
            view.scrollTo(self.model.index(min(self.model.rowCount() - 1, row + margin // rows), 0))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._follow()
