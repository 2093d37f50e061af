"""The menus and the toolbar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

from core.activations import ACTIVATIONS
from core.network import Role
from core.quantities import Granularity
from nnviz_app.actions import ALIGNMENTS, EXPORTS
from nnviz_app.examples import examples
from nnviz_app.preferences import NOTATIONS, LabelMode
from nnviz_app.theme import theme

if TYPE_CHECKING:
    from nnviz_app.main_window import MainWindow

TEXT_SIZES = (1.0, 1.25, 1.5, 2.0)
ROUNDED = "Every step is rounded, as chosen in the Conventions panel"


class Menus(QObject):
    """Fills a window's menu bar and toolbar with its actions, and shows the choices that are made in them."""

    def __init__(self, window: MainWindow) -> None:
        # As its child it hears nothing more of theme and preferences when the window is gone.
        super().__init__(window)
        self.window = window
        self._make_menus()
        self._make_toolbar()

    def _make_menus(self) -> None:
        window = self.window
        bar, a = window.menuBar(), window.actions_by_name

        def fill(menu: QMenu, *names: str) -> QMenu:
            for name in names:
                if name == "-":
                    menu.addSeparator()
                else:
                    menu.addAction(a[name])
            return menu

        file_menu = fill(bar.addMenu("&File"), "new", "new_network", "choose_data", "open")
        self.recent_menu = file_menu.addMenu("Open &recent")
        fill(file_menu, "import_data", "import_weights", "-", "save", "save_as", "-", "export")
        fill(file_menu.addMenu("E&xport as"), *EXPORTS)
        fill(file_menu, "-", "quit")
        fill(
            bar.addMenu("&Edit"),
            "undo",
            "redo",
            "-",
            "cut",
            "copy",
            "paste",
            "duplicate",
            "delete",
            "-",
            "select_all",
            "select_none",
            "-",
            "edit_number",
        )
        view_menu = fill(bar.addMenu("&View"), "zoom_in", "zoom_out", "zoom_100", "fit", "-")
        self._label_actions = self._choices(
            view_menu.addMenu("Edge &labels"),
            [(str(mode).capitalize(), mode) for mode in LabelMode],
            self.window.preferences.set_label_mode,
        )
        self._digit_actions = self._choices(
            view_menu.addMenu("&Digits"),
            [(f"{d} significant digits", d) for d in range(2, 9)],
            self.window.preferences.set_digits,
        )
        self._notation_actions = self._choices(
            view_menu.addMenu("&Notation"),
            [(title, notation) for title, notation in NOTATIONS.items()],
            self.window.preferences.set_notation,
        )
        self._theme_actions = self._choices(
            view_menu.addMenu("&Theme"),
            [(mode.capitalize(), mode) for mode in ("system", "light", "dark")],
            theme().set_mode,
        )
        self._size_actions = self._choices(
            view_menu.addMenu("Te&xt size"),
            [(f"{round(size * 100)} %", size) for size in TEXT_SIZES],
            theme().set_text_scale,
        )
        preferences = self.window.preferences
        self.maps_action = self._switch(view_menu, "&Maps in the neurons", preferences.set_shows_maps)
        self.maps_action.setShortcut("M")
        self.window.addAction(self.maps_action)
        self.health_action = self._switch(
            view_menu, "&Signs of dead and saturated neurons", preferences.set_shows_health
        )
        self.wheel_action = self._switch(view_menu, "&Wheel zooms (Ctrl+wheel scrolls)", preferences.set_wheel_zooms)
        panels = view_menu.addMenu("&Panels")
        for dock in self.window.docks.values():
            panels.addAction(dock.toggleViewAction())
        panels.addSeparator()
        fill(panels, "reset_panels")
        fill(view_menu, "-", "present", "full_screen")

        network = fill(
            bar.addMenu("&Network"), "add_input", "add_hidden", "add_output", "add_layer", "new_network", "-"
        )
        fill(network, "connect_selection")
        fill(network.addMenu("&Role"), *(f"role_{role}" for role in Role))
        fill(network.addMenu("&Activation"), *(f"activation_{name}" for name in ACTIVATIONS))
        fill(network, "-", "freeze", "thaw", "tie", "untie", "-")
        fill(network.addMenu("A&lign"), *(f"align_{kind}" for kind in ALIGNMENTS))
        fill(network.addMenu("&Distribute"), "distribute_horizontal", "distribute_vertical")
        fill(network, "tidy")
        fill(bar.addMenu("&Data"), "choose_data", "import_data", "-", "add_row", "delete_rows")
        run = fill(bar.addMenu("&Run"), "first", "back", "forward", "last", "back_larger", "forward_larger", "play")
        self._granularity_actions = self._choices(
            run.addMenu("Step si&ze"),
            [(size.capitalize(), size) for size in Granularity],
            self.window.player.set_granularity,
        )
        fill(run, "-", "apply", "run_epoch", "run", "stop", "-", "reset", "dice")
        learn = bar.addMenu("&Learn")
        for example in examples():
            learn.addAction(example.title, lambda _checked=False, e=example: self.window.open_example(e)).setToolTip(
                example.description
            )
        fill(bar.addMenu("&Help"), "keys", "about")

    @staticmethod
    def _switch(menu: QMenu, text: str, switch: Callable[[bool], object]) -> QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.toggled.connect(switch)
        return action

    def _choices(
        self, menu: QMenu, choices: Sequence[tuple[str, object]], choose: Callable[[Any], object]
    ) -> dict[object, QAction]:
        group = QActionGroup(self.window)
        actions = {}
        for text, value in choices:
            action = group.addAction(menu.addAction(text))
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, v=value: choose(v))
            actions[value] = action
        return actions

    def _make_toolbar(self) -> None:
        bar = QToolBar("Toolbar")
        bar.setObjectName("Toolbar")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setIconSize(QSize(theme().icon_size, theme().icon_size))
        a = self.window.actions_by_name
        for name in (
            "new",
            "open",
            "save",
            "-",
            "undo",
            "redo",
            "-",
            "tool_select",
            "tool_neuron",
            "tool_connect",
            "-",
            "add_layer",
            "tidy",
            "-",
            "fit",
            "zoom_100",
            "-",
        ):
            if name == "-":
                bar.addSeparator()
            else:
                bar.addAction(a[name])
        # The words stand where the icon alone would not say it.
        for name in ("new", "open", "save", "undo", "redo", "fit"):
            button = bar.widgetForAction(a[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        zoom = bar.widgetForAction(a["zoom_100"])
        assert isinstance(zoom, QToolButton)
        self.zoom_button = zoom
        neuron = bar.widgetForAction(a["tool_neuron"])
        if isinstance(neuron, QToolButton):
            menu = QMenu(neuron)
            self._role_actions = self._choices(
                menu, [(role.capitalize(), role) for role in Role], self.window.choose_role
            )
            neuron.setMenu(menu)
            neuron.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.labels_button = self._menu_button(bar, "Which number the edges carry", self._label_actions)
        self.digits_button = self._menu_button(bar, "Significant digits", self._digit_actions)
        for button in bar.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.toolbar = bar
        self.show_role(self.window.view.role)
        self.show_zoom(self.window.view.zoom)
        self.window.addToolBar(bar)

    def _menu_button(self, bar: QToolBar, tip: str, choices: dict[object, QAction]) -> QToolButton:
        button = QToolButton()
        button.setToolTip(tip)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addActions(list(choices.values()))
        button.setMenu(menu)
        bar.addWidget(button)
        return button

    def show_zoom(self, zoom: float) -> None:
        """Show the zoom on the button that brings it back to 100 %."""
        self.zoom_button.setText(f"{zoom * 100:.0f} %")

    def show_role(self, role: str) -> None:
        """Show which neurons the Neuron tool draws."""
        self._role_actions[Role(role)].setChecked(True)
        self.window.actions_by_name["tool_neuron"].setText(f"{role.capitalize()} neuron")

    def show_preferences(self) -> None:
        """Show which label mode, digits, theme, text size and step size are chosen."""
        preferences = self.window.preferences
        self._label_actions[preferences.label_mode].setChecked(True)
        self._digit_actions[preferences.digits].setChecked(True)
        # None of them where a person chose the symbols one by one.
        for notation, action in self._notation_actions.items():
            action.setChecked(notation == preferences.notation)
        self._theme_actions[theme().mode].setChecked(True)
        self._granularity_actions[self.window.player.granularity].setChecked(True)
        if theme().text_scale in self._size_actions:
            self._size_actions[theme().text_scale].setChecked(True)
        self.wheel_action.setChecked(preferences.wheel_zooms)
        self.maps_action.setChecked(preferences.shows_maps)
        self.health_action.setChecked(preferences.shows_health)
        self.labels_button.setText(f"Edge labels: {preferences.label_mode}")
        rounding = preferences.rounding
        # What is rounded is shown with all the digits it has left.
        self.digits_button.setText(f"Rounded: {rounding}" if rounding else f"Digits: {preferences.digits}")
        self.digits_button.setToolTip(ROUNDED if rounding else "Significant digits")
        for action in self._digit_actions.values():
            action.setEnabled(rounding is None)
        self.toolbar.setIconSize(QSize(theme().icon_size, theme().icon_size))

    def fill_recent(self) -> None:
        """List the files opened or saved last."""
        self.recent_menu.clear()
        for path in self.window.files.recent():
            self.recent_menu.addAction(
                str(path).replace("&", "&&"), lambda _checked=False, p=path: self.window.open_path(p)
            )
        self.recent_menu.setEnabled(not self.recent_menu.isEmpty())
