"""Forms of the conventions panel: what a book computes otherwise, how it writes it, and how it rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSpinBox, QWidget

from core.convention_formulas import convention_formulas
from core.conventions import LOSS_CONVENTIONS, PRESETS, conventions_of, preset_of, with_conventions
from core.dataset import Dataset
from core.errors import TrainingError
from core.explanation import explain
from core.learning import refuse_updated_weights
from core.losses import LOSSES
from core.network import Network
from core.passes import trace_project
from core.project import Project
from core.quantities import Kind, Quantity
from core.style import CHOICES, MOST_PLACES, Notation, Rounding, Style, unmark
from core.trace import Trace
from nnviz_app.document import Document
from nnviz_app.formula_label import FormulaLabel
from nnviz_app.panels.forms import ElidedBox
from nnviz_app.panels.training_fields import WIDE, SettingsForm
from nnviz_app.preferences import NOTATIONS, OWN, Preferences
from nnviz_app.theme import set_style_property, theme

# The room that a box of short titles takes, in text sizes.
BOX = 8.0
# What a box shows that has nothing to choose.
NOTHING = "–"
EXACT = (
    "The program goes on computing with exact numbers: only what is shown is rounded, at every step before the next "
    "one is made with it."
)
# What the preview of the notation shows.
PREVIEWED = {
    "Forward": Quantity(Kind.WEIGHTED_SUM, "o1"),
    "Backward": Quantity(Kind.PRE_ACTIVATION_GRAD, "o1"),
    "Gradient": Quantity(Kind.WEIGHT_GRAD, "w5"),
    "Update": Quantity(Kind.UPDATE, "w5"),
}
# The places that rounding begins with.
PLACES = 4
ABOUT = {
    "half": "Whether ½ stands before the square, so that the 2 of its derivative goes away",
    "outputs": "The loss of a sample: the sum or the mean over its outputs",
    "batch": "The loss of a batch: the mean or the sum over its samples; of one sample both are the same",
    "biases": "Whether an update changes the biases, or the weights only",
    "back": "Whether gradients are passed back through the weights of the forward pass, as they should be, or through "
    "weights that the same update has changed already, as some books and programs do",
}


def add_unchoosable(box: ElidedBox, title: str) -> None:
    """An entry that the box can show and no hand can choose."""
    box.addItem(title, None)
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    model.item(box.count() - 1).setEnabled(False)


class ConventionsForm(SettingsForm):
    """How loss and update are computed, by preset or one by one, with the formulas that follow from it."""

    def __init__(self, document: Document, preferences: Preferences) -> None:
        super().__init__(document)
        self.preferences = preferences
        self.preset_box = self.box({preset.name: preset.title for preset in PRESETS}, self._choose_preset)
        add_unchoosable(self.preset_box, OWN)
        self.loss_box = self.choice("loss", {key: loss.title for key, loss in LOSSES.items()}, "Change the loss")
        self.half_box = self._convention("half", {True: "With ½", False: "Without ½"}, "Change the ½ of the loss")
        self.outputs_box = self._convention("outputs", {"sum": "Sum", "mean": "Mean"}, "Change sum or mean of outputs")
        self.batch_box = self._convention("batch", {"sum": "Sum", "mean": "Mean"}, "Change mean or sum")
        self.biases_box = self._convention("update_biases", {True: "Updated", False: "Fixed"}, "Update biases or not")
        self.back_box = self.box({False: "Old weights", True: "Updated weights"}, self._choose_back)
        self.batch_box.setToolTip(ABOUT["batch"])
        self.biases_box.setToolTip(ABOUT["biases"])
        self.back_box.setToolTip(ABOUT["back"])
        self.add("As in", self.preset_box, ems=16.0)
        self.about_line = self.add_line()
        self.add("Loss", self.loss_box, ems=WIDE)
        self.add("Squares", self.half_box, ems=BOX)
        self.add("Outputs", self.outputs_box, ems=BOX)
        self.add("Batch", self.batch_box, ems=BOX)
        self.add("Biases", self.biases_box, ems=BOX)
        self.add("Passed back by", self.back_box, ems=10.5)

    def _convention(self, name: str, titles: Mapping[Any, str], text: str) -> ElidedBox:
        """A box for one of the fields of core.conventions.Conventions."""

        def choose(value: object) -> None:
            def change(draft: Project) -> None:
                wanted: Any = {name: value}
                draft.settings = with_conventions(draft.settings, replace(conventions_of(draft.settings), **wanted))

            self.edit(text, change)

        box = self.box(titles, choose)
        add_unchoosable(box, NOTHING)
        return box

    # What hands do

    def _choose_preset(self, name: str) -> None:
        preset = next(preset for preset in PRESETS if preset.name == name)

        def change(draft: Project) -> None:
            draft.settings = preset.apply(draft.settings)

        self.edit(f"Conventions: {preset.title}", change)

    def _choose_back(self, updated: bool) -> None:
        def change(draft: Project) -> None:
            draft.settings = replace(draft.settings, updated_weights=updated)
            _refuse(draft)

        self.edit("Change the weights that gradients are passed back by", change)

    # What is shown

    def problem(self) -> str:
        """Why the conventions in force make no update possible; "" where they do."""
        try:
            _refuse(self.document.project)
        except TrainingError as error:
            return str(error)
        return ""

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        settings = self.document.project.settings
        preset, present, loss = preset_of(settings), conventions_of(settings), LOSSES[settings.loss]
        self.preset_box.setCurrentIndex(self.preset_box.findData(preset.name if preset else None))
        self.preset_box.setToolTip(preset.title if preset else OWN)
        self.about_line.setText(preset.about if preset else "")
        self.show_row(self.about_line, preset is not None)
        self.loss_box.setToolTip(loss.title)
        known = [convention for convention in LOSS_CONVENTIONS.values() if convention.family == present.family]
        for box, name, reason in (
            (self.half_box, "half", f"{loss.title} has no square that a ½ could stand before."),
            (self.outputs_box, "outputs", _outputs_reason(present.family)),
        ):
            has_choice = len({getattr(convention, name) for convention in known}) > 1
            box.setCurrentIndex(box.findData(getattr(present, name)))
            box.setEnabled(has_choice)
            box.setToolTip(ABOUT[name] if has_choice else reason)
        for box, choice in (
            (self.batch_box, present.batch),
            (self.biases_box, present.update_biases),
            (self.back_box, present.updated_weights),
        ):
            box.setCurrentIndex(box.findData(choice))

    def formulas(self) -> dict[str, str]:
        """What the conventions in force mean: formulas in LaTeX by what they are of."""
        project = self.document.project
        formulas = convention_formulas(project.settings, self.preferences.notation)
        joint, outputs = LOSSES[project.settings.loss].joint_activation, project.network.outputs
        is_joint = bool(outputs) and all(neuron.activation == joint for neuron in outputs)
        return {
            "Loss": formulas.loss,
            "Gradient": formulas.joint if is_joint else formulas.gradient,
            "Batch": formulas.batch,
            "Passed back": formulas.passed_back,
        }

    def summary(self) -> str:
        preset = preset_of(self.document.project.settings)
        return preset.title if preset else OWN


def _refuse(project: Project) -> None:
    refuse_updated_weights(project.network, project.settings, project.batches.size)


def _outputs_reason(family: str) -> str:
    if family == "cross-entropy":
        return "The outputs are the probabilities of one choice: their shares are always added up."
    return f"The loss “{family}” is always a mean over the outputs."


class FormulaList(QFrame):
    """Formulas below each other, each beside what it is of."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.formulas: dict[str, FormulaLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(1, 1)

    def show_formulas(self, formulas: Mapping[str, str]) -> None:
        """Show these, LaTeX by title; the titles stay the same from one time to the next."""
        for title, latex in formulas.items():
            if title not in self.formulas:
                self.formulas[title] = label = FormulaLabel()
                label.set_relative_size(0.85)
                caption = QLabel(title)
                set_style_property(caption, "role", "muted")
                self._grid.addWidget(caption, len(self.formulas), 0)
                self._grid.addWidget(label, len(self.formulas), 1)
            if self.formulas[title].latex() != latex:
                self.formulas[title].set_latex(latex)

    def restyle(self, label_width: int) -> None:
        """Follow the theme's text size; the formulas stand below fields whose labels have this width."""
        space = theme().space
        self._grid.setColumnMinimumWidth(0, label_width)
        self._grid.setContentsMargins(0, space(0.4), 0, space(0.2))
        self._grid.setHorizontalSpacing(space(0.8))
        self._grid.setVerticalSpacing(space(0.5))


class NotationForm(SettingsForm):
    """The symbols: those of a book, or chosen one by one."""

    def __init__(self, document: Document, preferences: Preferences) -> None:
        super().__init__(document)
        self.preferences = preferences
        self.preset_box = self.box(
            {title: title for title in NOTATIONS}, lambda title: preferences.set_notation(NOTATIONS[title])
        )
        add_unchoosable(self.preset_box, OWN)
        self.boxes: dict[str, ElidedBox] = {
            name: self.box({choice: choice for choice in choices}, self._chooser(name))
            for name, choices in CHOICES.items()
        }
        self.add("As in", self.preset_box, ems=WIDE)
        for name, title in (
            ("pre_activation", "Pre-activation"),
            ("activation", "Activation"),
            ("delta", "Delta"),
            ("weights", "Weights"),
            ("rate", "Learning rate"),
            ("loss", "Loss"),
        ):
            self.add(title, self.boxes[name], ems=11.0 if name == "weights" else BOX)

    def _chooser(self, name: str) -> Callable[[str], None]:
        def choose(value: str) -> None:
            wanted: Any = {name: value}
            self.preferences.set_notation(replace(self.preferences.notation, **wanted))

        return choose

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        notation = self.preferences.notation
        preset = preset_notation(notation)
        self.preset_box.setCurrentIndex(self.preset_box.findText(preset or OWN))
        for name, box in self.boxes.items():
            box.setCurrentIndex(box.findData(getattr(notation, name)))
        delta, weights = self.boxes["delta"], self.boxes["weights"]
        for box, titles in (
            (delta, ("δ", f"∂{notation.loss}/∂{notation.pre_activation}")),
            (weights, ("name: w5", "ends: w(h1,o1)")),
        ):
            for place, title in enumerate(titles):
                box.setItemText(place, title)

    def formulas(self) -> dict[str, str]:
        """How four steps of a small network are written."""
        style = Style(self.preferences.notation)
        return {
            title: unmark(explain(_sample_trace(), quantity, style).symbols) for title, quantity in PREVIEWED.items()
        }

    def summary(self) -> str:
        return preset_notation(self.preferences.notation) or OWN


def preset_notation(notation: Notation) -> str:
    """The title of the book that writes so; "" for none."""
    return next((title for title, known in NOTATIONS.items() if known == notation), "")


@cache
def _sample_trace() -> Trace:
    """The trace of h1 → o1, joined by w5: what is previewed is written as everywhere else."""
    network = Network()
    network.add_neuron("input", id="i1")
    network.add_neuron("hidden", id="h1", activation="sigmoid")
    network.add_neuron("output", id="o1", activation="sigmoid")
    network.connect("i1", "h1", id="w1", weight=0.5)
    network.connect("h1", "o1", id="w5", weight=0.5)
    return trace_project(Project(network, Dataset({"i1": [0.5], "o1": [1.0]})), [0])


class RoundingForm(SettingsForm):
    """How many digits are shown, and whether every step is rounded like in a book."""

    def __init__(self, document: Document, preferences: Preferences) -> None:
        super().__init__(document)
        self.preferences = preferences
        self.digits_box = self.box({d: f"{d} significant digits" for d in range(2, 9)}, preferences.set_digits)
        self.rounding_box = self.box(
            {"": "Off", "decimals": "Decimals, like the book", "digits": "Digits, like the book"}, self._choose_rounding
        )
        self.rounding_box.setToolTip("Each number is rounded before the next step is made with it, as by hand")
        self.places_spin = QSpinBox()
        self.places_spin.setRange(1, MOST_PLACES)
        self.places_spin.setValue(PLACES)
        self._prepare(self.places_spin)
        self.places_spin.valueChanged.connect(lambda: self._choose_rounding(self.rounding_box.currentData()))
        self.add("Digits", self.digits_box, ems=WIDE)
        self.add("Rounding", self.rounding_box, ems=WIDE)
        self.add("Places", self.places_spin, ems=BOX)
        self.exact_line = self.add_line()
        self.exact_line.setText(EXACT)

    def _choose_rounding(self, kind: str) -> None:
        self.preferences.set_rounding(Rounding(self.places_spin.value(), kind) if kind else None)

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        rounding = self.preferences.rounding
        self.digits_box.setCurrentIndex(self.digits_box.findData(self.preferences.digits))
        self.digits_box.setEnabled(rounding is None)
        self.digits_box.setToolTip(
            "How many digits the canvas and the formulas show"
            if rounding is None
            else "Numbers that are rounded like in a book are shown with all the digits they have left."
        )
        self.rounding_box.setCurrentIndex(self.rounding_box.findData(rounding.kind if rounding else ""))
        if rounding is not None:
            with QSignalBlocker(self.places_spin):
                self.places_spin.setValue(rounding.places)
        self.show_row(self.places_spin, rounding is not None)
        self.show_row(self.exact_line, rounding is not None)

    def summary(self) -> str:
        rounding = self.preferences.rounding
        return f"rounded to {rounding}" if rounding else f"{self.preferences.digits} digits"
