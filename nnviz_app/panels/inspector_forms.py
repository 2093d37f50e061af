"""The forms of the inspector: one neuron, one edge, several of them, or the whole network."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from core.activations import ACTIVATIONS
from core.network import Role
from core.numbers import format_exact
from core.project import Project
from nnviz_app.document import Document
from nnviz_app.panels.fields import Field, MessageLabel, NumberField, keep_keys
from nnviz_app.panels.forms import dropout_field
from nnviz_app.player import Player
from nnviz_app.selection import Selection
from nnviz_app.theme import set_style_property, theme

NEURON_ACTIVATIONS = [(name, activation.title) for name, activation in ACTIVATIONS.items()]
ROLES = [(str(role), role.value.capitalize()) for role in Role]
NOTHING_DRAWN = "Nothing is drawn yet. Double-click the canvas to add a neuron."
NOTHING_SELECTED = "Click a neuron or an edge to see and change its numbers."


class Inspector(Protocol):
    """What a form needs of the panel that it stands in."""

    document: Document
    player: Player
    selection: Selection
    message: MessageLabel

    def edit(self, text: str, change: Callable[[Project], object]) -> bool:
        """Change the project as one undo entry, or say why not."""

    def rename(self, old: str, new: str) -> None:
        """Give a neuron or an edge another name."""


class Form(QWidget):
    """A form; labels move above their fields where it is narrow."""

    def __init__(self, panel: Inspector) -> None:
        super().__init__()
        self.panel = panel
        self.subject = ""
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def add_row(self, label: str, field: QWidget) -> QLabel:
        """Add a labelled field."""
        name = QLabel(label)
        set_style_property(name, "role", "muted")
        name.setBuddy(field)
        field.setAccessibleName(label)
        self.form.addRow(name, field)
        return name

    def name_field(self) -> Field:
        """A field that renames the subject."""
        field = Field()
        field.setMaxLength(60)
        field.committed.connect(lambda text: self.panel.rename(self.subject, text))
        field.refused.connect(self.panel.message.say)
        return field

    def number_field(self, change: Callable[[float], object]) -> NumberField:
        """A field for a number of the subject."""
        field = NumberField()
        field.changed_to.connect(change)
        field.refused.connect(self.panel.message.say)
        return field

    def choice(self, choices: Sequence[tuple[str, str]], change: Callable[[str], object]) -> QComboBox:
        """A combo box of (name, title)."""
        box = QComboBox()
        for name, title in choices:
            box.addItem(title, name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
        box.activated.connect(lambda index: change(box.itemData(index)))
        # Scrolling past a box must not change the network.
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(_WheelKeeper(box))
        keep_keys(box)
        return box

    def check_box(self, text: str, change: Callable[[bool], object]) -> QCheckBox:
        """A check box; `change` is told what a person chose."""
        box = QCheckBox(text)
        box.setToolTip("A frozen parameter stays as it is in updates")
        box.clicked.connect(lambda: change(box.checkState() is not Qt.CheckState.Unchecked))
        keep_keys(box)
        self.form.addRow(box)
        return box

    def set_number(self, what: str, value: float) -> None:
        """Set the subject's bias or weight."""
        name = self.subject
        self.panel.edit(f"Set {what} {name}", lambda draft: draft.network.set_value(name, value))

    def set_frozen(self, frozen: bool) -> None:
        """Freeze or thaw the subject's parameter."""
        name = self.subject
        verb = "Freeze" if frozen else "Thaw"
        self.panel.edit(f"{verb} {name}", lambda draft: draft.network.set_frozen(name, frozen))

    def restyle(self) -> None:
        """Follow the theme's text size."""
        self.form.setVerticalSpacing(theme().space(0.45))
        self.form.setHorizontalSpacing(theme().space(0.8))


class _WheelKeeper(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return False


class NeuronForm(Form):
    """One neuron."""

    def __init__(self, panel: Inspector) -> None:
        super().__init__(panel)
        self.name = self.name_field()
        self.role = self.choice(ROLES, self._set_role)
        self.activation = self.choice(NEURON_ACTIVATIONS, self._set_activation)
        self.bias = self.number_field(lambda value: self.set_number("the bias of", value))
        self.value = self.number_field(lambda value: self._set_cell("value", value))
        self.target = self.number_field(lambda value: self._set_cell("target", value))
        self.add_row("Neuron", self.name)
        self.add_row("Role", self.role)
        self.add_row("Activation", self.activation)
        self.note = QLabel()
        self.note.setWordWrap(True)
        set_style_property(self.note, "role", "small")
        self.form.addRow(self.note)
        self.add_row("Value", self.value)
        self.add_row("Target", self.target)
        self.add_row("Bias", self.bias)
        self.dropout = dropout_field()
        self.dropout.chosen.connect(self._set_dropout)
        self.dropout.refused.connect(panel.message.say)
        self.add_row("Dropout", self.dropout)
        self.frozen = self.check_box("Frozen", self.set_frozen)

    def show_subject(self, neuron_id: str, *, force: bool) -> None:
        """Show a neuron; what is being typed stays unless it was for another one (`force`)."""
        project = self.panel.document.project
        neuron, row = project.network.neurons[neuron_id], self.panel.player.row
        self.subject = neuron_id
        self.name.show_text(neuron_id, force=force)
        self.role.setCurrentIndex(self.role.findData(str(neuron.role)))
        self.activation.setCurrentIndex(self.activation.findData(neuron.activation))
        self.note.setText(ACTIVATIONS[neuron.activation].note)
        is_input = neuron.role is Role.INPUT
        has_row = 0 <= row < project.dataset.rows
        self.form.setRowVisible(self.activation, not is_input)
        self.form.setRowVisible(self.note, bool(self.note.text()) and not is_input)
        self.form.setRowVisible(self.bias, not is_input)
        self.form.setRowVisible(self.frozen, not is_input)
        self.form.setRowVisible(self.value, is_input and has_row)
        self.form.setRowVisible(self.target, neuron.role is Role.OUTPUT and has_row)
        self.form.setRowVisible(self.dropout, neuron.role is Role.HIDDEN)
        self.dropout.show_number(neuron.dropout, force=force)
        if not is_input:
            self.bias.show_value(project.network.bias(neuron_id), force=force)
            self.frozen.setChecked(neuron_id in project.network.frozen)
        if has_row and neuron_id in project.dataset.columns:
            # As on the canvas: what the network sees.
            field, cell = self.value if is_input else self.target, float(project.dataset.seen(neuron_id)[row])
            field.show_value(cell, force=force)
            if project.dataset.scalings_of(neuron_id):
                entered = format_exact(project.dataset.value(row, neuron_id))
                field.setToolTip(f"{format_exact(cell)}, scaled from {entered}")

    def _set_role(self, role: str) -> None:
        name = self.subject
        self.panel.edit(f"Make {name} {role}", lambda draft: draft.network.set_role(name, role))

    def _set_activation(self, activation: str) -> None:
        name = self.subject
        title = ACTIVATIONS[activation].title
        self.panel.edit(f"Activation of {name}: {title}", lambda draft: draft.network.set_activation(name, activation))

    def _set_dropout(self, rate: float) -> None:
        name = self.subject
        self.panel.edit(f"Set the dropout of {name}", lambda draft: draft.network.set_dropout(name, rate))

    def _set_cell(self, what: str, value: float) -> None:
        name, row = self.subject, self.panel.player.row
        self.panel.edit(
            f"Set the {what} of {name} in row {row + 1}",
            lambda draft: draft.dataset.set_value(row, name, draft.dataset.entered(name, value)),
        )


class EdgeForm(Form):
    """One edge."""

    def __init__(self, panel: Inspector) -> None:
        super().__init__(panel)
        self.name = self.name_field()
        self.ends = QLabel()
        self.ends.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self.ends.linkActivated.connect(lambda subject: panel.selection.set([subject]))
        self.ends.setWordWrap(True)
        self.weight = self.number_field(lambda value: self.set_number("the weight of", value))
        self.tied = QLabel()
        self.tied.setWordWrap(True)
        self.add_row("Edge", self.name)
        self.add_row("Joins", self.ends)
        self.add_row("Weight", self.weight)
        self.add_row("Tied with", self.tied)
        self.frozen = self.check_box("Frozen", self.set_frozen)

    def show_subject(self, edge_id: str, *, force: bool) -> None:
        """Show an edge; what is being typed stays unless it was for another one (`force`)."""
        network = self.panel.document.project.network
        edge = network.edges[edge_id]
        self.subject = edge_id
        self.name.show_text(edge_id, force=force)
        self.ends.setText(" → ".join(_link(end) for end in (edge.source, edge.target)))
        self.weight.show_value(network.weight(edge_id), force=force)
        others = [e.id for e in network.edges_of_parameter(edge.parameter) if e.id != edge_id]
        self.form.setRowVisible(self.tied, bool(others))
        self.tied.setText(", ".join(others[:12]) + (f" and {len(others) - 12} more" if len(others) > 12 else ""))
        self.frozen.setChecked(edge.parameter in network.frozen)


def _link(neuron_id: str) -> str:
    text = html.escape(neuron_id)
    return f'<a href="{text}" style="text-decoration: none">{text}</a>'


class SeveralForm(Form):
    """Several neurons and edges at once."""

    def __init__(self, panel: Inspector) -> None:
        super().__init__(panel)
        self.count = QLabel()
        self.count.setWordWrap(True)
        set_style_property(self.count, "role", "strong")
        self.form.addRow(self.count)
        self.activation = self.choice(NEURON_ACTIVATIONS, self._set_activation)
        self.activation.setPlaceholderText("several")
        self.add_row("Activation", self.activation)
        self.frozen = self.check_box("Frozen", self._set_frozen)
        self._neurons: list[str] = []
        self._parameters: list[str] = []

    def show_subjects(self, neurons: Sequence[str], edges: Sequence[str]) -> None:
        """Show what these have in common."""
        network = self.panel.document.project.network
        self._neurons = [n for n in neurons if network.has_bias(n)]
        self._parameters = [*self._neurons, *edges]
        parts = [_count(len(neurons), "neuron")] if neurons else []
        parts += [_count(len(edges), "edge")] if edges else []
        self.count.setText(" and ".join(parts) + " selected")
        activations = {network.neurons[n].activation for n in self._neurons}
        self.form.setRowVisible(self.activation, bool(activations))
        only = activations.pop() if len(activations) == 1 else None
        self.activation.setCurrentIndex(self.activation.findData(only) if only else -1)
        self.form.setRowVisible(self.frozen, bool(self._parameters))
        frozen = [(network.edges[p].parameter if p in network.edges else p) in network.frozen for p in self._parameters]
        mixed = any(frozen) and not all(frozen)
        self.frozen.setTristate(mixed)
        self.frozen.setCheckState(
            Qt.CheckState.PartiallyChecked
            if mixed
            else Qt.CheckState.Checked
            if any(frozen)
            else Qt.CheckState.Unchecked
        )

    def _set_activation(self, activation: str) -> None:
        names = self._neurons

        def change(draft: Project) -> None:
            for name in names:
                draft.network.set_activation(name, activation)

        title = ACTIVATIONS[activation].title
        self.panel.edit(f"Activation of {_count(len(names), 'neuron')}: {title}", change)

    def _set_frozen(self, frozen: bool) -> None:
        names = self._parameters

        def change(draft: Project) -> None:
            for name in names:
                draft.network.set_frozen(name, frozen)

        self.panel.edit(f"{'Freeze' if frozen else 'Thaw'} {_count(len(names), 'parameter')}", change)


class SummaryForm(QWidget):
    """The network, while nothing is selected."""

    def __init__(self, panel: Inspector) -> None:
        super().__init__()
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        set_style_property(self.counts, "role", "strong")
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        set_style_property(self.hint, "role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.counts)
        layout.addWidget(self.hint)

    def show_network(self, project: Project) -> None:
        """Count what there is and say what to do."""
        network = project.network
        parts = [
            _count(len(network.neurons), "neuron"),
            _count(len(network.edges), "edge"),
            _count(len(network.values), "parameter"),
        ]
        if network.frozen:
            parts.append(f"{len(network.frozen):,} of them frozen")
        self.counts.setText(", ".join(parts))
        self.counts.setVisible(bool(network.neurons))
        self.hint.setText(NOTHING_SELECTED if network.neurons else NOTHING_DRAWN)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
