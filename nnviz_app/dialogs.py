"""The dialogs that ask for whole layers: "New network..." and "Add layer..."."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.activations import ACTIVATIONS
from core.errors import NnvizError
from core.initializers import INITIALIZERS
from core.network import Network, Role
from core.settings import Settings
from nnviz_app.layers import (
    DEFAULT_ACTIVATION,
    MOST_NEURONS,
    NewLayer,
    NewNetwork,
    allowed_activations,
    describe_sizes,
    parse_sizes,
    previous_layer,
)
from nnviz_app.theme import set_style_property, theme

LARGEST_SEED = 2**31 - 1
ROLE_TITLES = {Role.HIDDEN: "Hidden", Role.OUTPUT: "Output", Role.INPUT: "Input"}


def choice_box(choices: Mapping[Any, str]) -> QComboBox:
    """A box with the titles of the choices; each value is its item's data."""
    box = QComboBox()
    for value, title in choices.items():
        box.addItem(title, value)
    return box


def fit_to_screen(dialog: QDialog, width: float, height: float) -> None:
    """Give a dialog this size, in text sizes, as far as the screen has room for it and the frame around it."""
    screen, space = dialog.screen().availableSize(), theme().space
    dialog.resize(min(space(width), screen.width() * 19 // 20), min(space(height), screen.height() * 9 // 10))


def accept_buttons(dialog: QDialog, text: str) -> tuple[QDialogButtonBox, QPushButton]:
    """The box with the button that accepts a dialog, which says `text`, and Cancel; and that button."""
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, dialog)
    accept = buttons.button(QDialogButtonBox.StandardButton.Ok)
    accept.setText(text)
    set_style_property(accept, "primary", True)
    for button in buttons.buttons():
        # The style's own icons for OK and Cancel do not go with the program's.
        button.setIcon(QIcon())
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons, accept


class _FormDialog(QDialog):
    """A form, a sentence beneath it, and OK with Cancel."""

    def __init__(self, title: str, accept_text: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(theme().space(1.5))
        self.form.setVerticalSpacing(theme().space(0.6))
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        # Two lines high from the start, so that nothing jumps when the sentence changes.
        self.sentence.setMinimumHeight(theme().space(3.6))
        self.sentence.setMinimumWidth(theme().space(26))
        buttons, self.accept_button = accept_buttons(self, accept_text)
        layout = QVBoxLayout(self)
        margin = theme().space(1.2)
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(theme().space(0.8))
        layout.addLayout(self.form)
        layout.addWidget(self.sentence)
        layout.addStretch()
        layout.addWidget(buttons)

    def say(self, sentence: str, *, problem: bool = False) -> None:
        """Show a sentence; with a problem the dialog cannot be accepted."""
        self.sentence.setText(sentence)
        set_style_property(self.sentence, "message", "error" if problem else "info")
        self.accept_button.setEnabled(not problem)


def _activation_box(role: Role, chosen: str) -> QComboBox:
    box = QComboBox()
    _fill_activations(box, role, chosen)
    return box


def _fill_activations(box: QComboBox, role: Role, chosen: str) -> None:
    box.clear()
    for name in allowed_activations(role):
        box.addItem(ACTIVATIONS[name].title, name)
    box.setCurrentIndex(max(0, box.findData(chosen)))


class NewNetworkDialog(_FormDialog):
    """Asks for the sizes of the layers, the activations, and how the weights are drawn."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__("New network", "Create", parent)
        self.sizes_field = QLineEdit("2-4-1")
        self.sizes_field.setToolTip("One number a layer, inputs first")
        self.hidden_box = _activation_box(Role.HIDDEN, DEFAULT_ACTIVATION)
        self.output_box = _activation_box(Role.OUTPUT, DEFAULT_ACTIVATION)
        self.initializer_box = QComboBox()
        for initializer in INITIALIZERS.values():
            self.initializer_box.addItem(initializer.title, initializer.name)
        self.initializer_box.setCurrentIndex(max(0, self.initializer_box.findData(settings.initializer)))
        self.seed_box = QSpinBox()
        self.seed_box.setRange(0, LARGEST_SEED)
        self.seed_box.setValue(settings.seed)
        self.form.addRow("&Neurons in each layer", self.sizes_field)
        self.form.addRow("&Hidden activation", self.hidden_box)
        self.form.addRow("&Output activation", self.output_box)
        self.form.addRow("&Weights", self.initializer_box)
        self.form.addRow("&Seed", self.seed_box)
        self.sizes_field.textChanged.connect(self._check)
        self.sizes_field.selectAll()
        self.sizes_field.setFocus()
        self._check()

    def choice(self) -> NewNetwork:
        """What was asked for. Raises NetworkError while the sizes are not usable."""
        return NewNetwork(
            parse_sizes(self.sizes_field.text()),
            hidden_activation=self.hidden_box.currentData(),
            output_activation=self.output_box.currentData(),
            initializer=self.initializer_box.currentData(),
            seed=self.seed_box.value(),
        )

    def _check(self) -> None:
        try:
            sizes = parse_sizes(self.sizes_field.text())
        except NnvizError as error:
            set_style_property(self.sizes_field, "invalid", True)
            self.say(str(error), problem=True)
            return
        set_style_property(self.sizes_field, "invalid", False)
        self.hidden_box.setEnabled(len(sizes) > 2)
        self.say(describe_sizes(sizes))


class AddLayerDialog(_FormDialog):
    """Asks for the neurons of one layer and what they are connected to."""

    def __init__(self, network: Network, selected: list[str], parent: QWidget | None = None) -> None:
        super().__init__("Add layer", "Add", parent)
        self.network, self.selected = network, selected
        self.count_box = QSpinBox()
        self.count_box.setRange(1, MOST_NEURONS)
        self.count_box.setValue(3)
        self.role_box = QComboBox()
        for role, title in ROLE_TITLES.items():
            self.role_box.addItem(title, role.value)
        self.activation_box = _activation_box(Role.HIDDEN, DEFAULT_ACTIVATION)
        self.previous_check = QCheckBox("Connect from the &previous layer")
        self.previous_check.setChecked(True)
        self.next_check = QCheckBox("Connect to the ne&xt layer")
        # Without it the new layer has no path to the loss.
        self.next_check.setChecked(True)
        self.form.addRow("&Neurons", self.count_box)
        self.form.addRow("&Role", self.role_box)
        self.form.addRow("&Activation", self.activation_box)
        self.form.addRow("", self.previous_check)
        self.form.addRow("", self.next_check)
        self.count_box.valueChanged.connect(self._describe)
        self.role_box.currentIndexChanged.connect(self._follow_role)
        self.previous_check.toggled.connect(self._describe)
        self.next_check.toggled.connect(self._describe)
        self._follow_role()
        self.count_box.selectAll()
        self.count_box.setFocus()

    def choice(self) -> NewLayer:
        """What was asked for."""
        role = Role(self.role_box.currentData())
        return NewLayer(
            self.count_box.value(),
            role=role,
            activation=self.activation_box.currentData() or "linear",
            connect_previous=self.previous_check.isChecked() and self.previous_check.isEnabled(),
            connect_next=self.next_check.isChecked() and self.next_check.isEnabled(),
        )

    def _follow_role(self) -> None:
        role = Role(self.role_box.currentData())
        former = self.activation_box.currentData() or DEFAULT_ACTIVATION
        self.activation_box.setEnabled(role is not Role.INPUT)
        if role is not Role.INPUT:
            _fill_activations(self.activation_box, role, former)
        self.previous_check.setEnabled(bool(previous_layer(self.network, role, self.selected)))
        self.next_check.setEnabled(role is not Role.OUTPUT and bool(self.network.neurons))
        self._describe()

    def _describe(self) -> None:
        choice = self.choice()
        kind = ROLE_TITLES[choice.role].lower()
        words = f"{choice.count} {kind} neuron{'' if choice.count == 1 else 's'}"
        previous = previous_layer(self.network, choice.role, self.selected)
        if previous:
            names = ", ".join(previous) if len(previous) <= 4 else f"{previous[0]} to {previous[-1]}"
            words += f" after {names}"
            if choice.connect_previous:
                edges = len(previous) * choice.count
                words += f", connected by {edges} edge{'' if edges == 1 else 's'}"
        self.say(f"{words}.")
