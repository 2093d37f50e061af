"""The bar above the table of samples: where data comes from, test rows, scaling, and what is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from core.errors import NnvizError
from nnviz_app.panels.data_model import DataModel
from nnviz_app.panels.data_rows import EXAMPLE, RowKind
from nnviz_app.panels.fields import keep_keys
from nnviz_app.theme import set_style_property, theme

KIND_TITLES = {
    RowKind.ALL: "All rows",
    RowKind.TRAINING: "Training rows",
    RowKind.TEST: "Test rows",
    RowKind.WRONG: "Wrongly classified rows",
}


class DataBar(QWidget):
    """Buttons and the filter. Where there is no room for all buttons, the rest is in a menu at the end."""

    choose_requested = Signal()
    import_requested = Signal()
    split_requested = Signal()
    # The kind of scaling ("" to remove it) and whose: "inputs", "targets", "selected" or "all".
    scaling_requested = Signal(str, str)
    # Why the filter cannot be; "" when it can.
    refused = Signal(str)

    def __init__(self, model: DataModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.choose = QAction("Choose data…", self)
        self.choose.setToolTip("Generated and well-known data")
        self.choose.triggered.connect(self.choose_requested)
        self.import_file = QAction("Import…", self)
        self.import_file.setToolTip("Numbers from a CSV file")
        self.import_file.triggered.connect(self.import_requested)
        self.split = QAction("Test rows…", self)
        self.split.setToolTip("Hold rows out of training, to see how well the network does on what it never saw")
        self.split.triggered.connect(self.split_requested)
        self.scale = QAction("Scale", self)
        self.scale.setToolTip("Bring columns to a common size before the network sees them")
        self.scale_menu = self._make_scale_menu()
        self.scale.setMenu(self.scale_menu)
        self.show_rows = QAction(self)
        self.show_rows.setToolTip("Which rows the table shows")
        self.kinds = QActionGroup(self)
        self.show_menu = QMenu(self)
        for kind, title in KIND_TITLES.items():
            action = self.show_menu.addAction(title)
            action.setCheckable(True)
            action.setData(kind)
            self.kinds.addAction(action)
        self.kinds.triggered.connect(self._choose_kind)
        self.show_rows.setMenu(self.show_menu)
        self.seen = QAction("As seen", self)
        self.seen.setCheckable(True)
        self.seen.setToolTip("Show the numbers as the network sees them, scaled, instead of those that were entered")
        self.seen.triggered.connect(model.set_seen)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter")
        self.filter.setToolTip(f"Rows for which this holds, such as {EXAMPLE} and target o1 = 1")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter_changed)
        self.filter.editingFinished.connect(self._check_filter)
        self.bar = QToolBar()
        self.bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for action in (self.choose, self.import_file, self.split, self.scale, self.show_rows, self.seen):
            self.bar.addAction(action)
            button = self.bar.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                keep_keys(button)
                if action in (self.scale, self.show_rows):
                    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more = self.bar.findChild(QToolButton, "qt_toolbar_ext_button")
        if isinstance(more, QToolButton):
            # It takes over the other buttons' style, but has an icon only.
            more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            more.setAccessibleName("More")
            more.setToolTip("More")
            keep_keys(more)
        layout = QHBoxLayout(self)
        layout.setSpacing(0)
        layout.addWidget(self.bar, 5)
        layout.addWidget(self.filter, 1)
        if isinstance(more, QToolButton):
            QWidget.setTabOrder(self.bar.widgetForAction(self.seen), more)
            QWidget.setTabOrder(more, self.filter)
        self._box = layout
        model.modelReset.connect(self._forget)
        self.restyle()
        self.refresh(is_classification=False)

    def _make_scale_menu(self) -> QMenu:
        menu = QMenu(self)
        self.scalings: dict[tuple[str, str], QAction] = {}

        def add(title: str, kind: str, whose: str) -> None:
            action = menu.addAction(title)
            action.triggered.connect(lambda: self.scaling_requested.emit(kind, whose))
            self.scalings[kind, whose] = action

        for whose, name in (("inputs", "inputs"), ("targets", "targets"), ("selected", "selected columns")):
            add(f"Standardize {name}", "standardize", whose)
            add(f"Scale {name} to 0..1", "range", whose)
            menu.addSeparator()
        add("Remove scaling of selected columns", "", "selected")
        add("Remove all scaling", "", "all")
        return menu

    # State

    def refresh(self, *, is_classification: bool) -> None:
        """Say and enable what goes with the data."""
        model, dataset = self.model, self.model.dataset
        has_data = bool(model.columns)
        tested = int(dataset.test.sum()) if has_data else 0
        self.split.setText(f"Test rows: {tested:,}" if tested else "Test rows…")
        self.split.setEnabled(model.samples > 1)
        self.scale.setEnabled(has_data and model.samples > 0)
        for action in (self.show_rows, self.filter):
            action.setEnabled(has_data)
        has_targets = has_data and model.input_count < len(model.columns)
        for (kind, whose), action in self.scalings.items():
            possible = {"inputs": model.input_count > 0, "targets": has_targets and not is_classification}
            action.setEnabled(possible.get(whose, True) if kind else bool(dataset.scalings))
        title = KIND_TITLES[model.kind]
        self.show_rows.setText("Show" if model.kind is RowKind.ALL else f"Show: {title.lower()}")
        for action in self.kinds.actions():
            action.setChecked(action.data() is model.kind)
            if action.data() is RowKind.WRONG:
                action.setEnabled(is_classification)
            elif action.data() in (RowKind.TEST, RowKind.TRAINING):
                action.setEnabled(bool(tested))
        self.seen.setVisible(bool(dataset.scalings) or model.is_seen)
        self.seen.setChecked(model.is_seen)

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self._box.setContentsMargins(0, 0, theme().space(0.4), 0)
        self.filter.setMinimumWidth(theme().space(6.5))
        side = theme().space(0.45)
        # The button for what has no room is narrow: a menu's arrow beside its own would push that out.
        self.bar.setStyleSheet(
            "QToolBar { border: 0; padding-top: 0; padding-bottom: 0; } QToolBarExtension { padding: 0; }"
            "QToolBarExtension::menu-indicator { image: none; }"
            f'QToolButton[popupMode="DelayedPopup"], QToolButton[popupMode="0"] {{ padding: {side}px; }}'
        )
        self.filter.setMaximumWidth(theme().space(24))

    def _forget(self) -> None:
        self.filter.clear()

    # Hands

    def _choose_kind(self, action: QAction) -> None:
        kind = action.data()
        if isinstance(kind, RowKind):
            self.model.set_kind(kind)

    def _try(self, change: Callable[[], None]) -> str:
        try:
            change()
        except NnvizError as error:
            return str(error)
        return ""

    def _filter_changed(self, text: str) -> None:
        # Half a comparison is no fault while it is being typed.
        if not self._try(lambda: self.model.set_filter(text)):
            self._mark("")

    def _check_filter(self) -> None:
        self._mark(self._try(lambda: self.model.set_filter(self.filter.text())))

    def _mark(self, sentence: str) -> None:
        was_refused = bool(self.filter.property("invalid"))
        set_style_property(self.filter, "invalid", bool(sentence))
        if sentence or was_refused:
            self.refused.emit(sentence)
