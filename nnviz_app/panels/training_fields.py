"""Forms of the training panel: labelled fields, each of which shows one setting and sets it as one undo entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QSpinBox, QWidget

from core.errors import NnvizError
from core.initializers import INITIALIZERS
from core.losses import LOSSES
from core.metrics import task_of
from core.network import Role
from core.numbers import format_number
from core.project import Project
from nnviz_app.document import Document
from nnviz_app.panels.fields import Field, flat_button, keep_keys
from nnviz_app.panels.forms import ElidedBox, LabelledFields, SettingField, WheelGuard, dropout_field
from nnviz_app.theme import theme

# A file may have a larger one; the field has room for this.
MOST_SEED = 99_999_999
MOST_PATIENCE = 99_999
# A box of long titles goes below its label where it has less room, in text sizes.
WIDE = 12.0
CLASSES_ONLY = "Only where the targets are classes: 0 and 1, or one 1 in each row"


class SettingsForm(LabelledFields):
    """Fields of the document's settings.

    `refused` carries why something cannot be, or "" when that no longer holds.
    """

    refused = Signal(str)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self._guard = WheelGuard(self)
        self._visits = 0
        self._spins: list[QSpinBox] = []
        self._boxes: list[tuple[QComboBox, str]] = []
        self._numbers: list[tuple[SettingField, str]] = []

    # Making fields

    def choice(self, name: str, titles: Mapping[Any, str], text: str, *, about: str = "") -> ElidedBox:
        """A box that sets `name` to one of the keys of `titles`; `text` is the undo entry's."""
        box = self.box(titles, lambda key: self.set(text, **{name: key}))
        box.setToolTip(about)
        self._boxes.append((box, name))
        return box

    def box(self, titles: Mapping[Any, str], choose: Callable[[Any], object]) -> ElidedBox:
        """A box that tells `choose` the key of the title that a person chose."""
        box = ElidedBox()
        for key, title in titles.items():
            box.addItem(title, key)
        box.activated.connect(lambda place: choose(box.itemData(place)))
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.view().setTextElideMode(Qt.TextElideMode.ElideNone)
        self._prepare(box)
        return box

    def spin(self, name: str, text: str, *, least: int, most: int, about: str, at_least: str = "") -> QSpinBox:
        """A whole number; the least one is shown as `at_least`. One visit to the field is one undo entry."""
        spin = QSpinBox()
        spin.setRange(least, most)
        spin.setSpecialValueText(at_least)
        spin.setGroupSeparatorShown(True)
        spin.setAccelerated(True)
        spin.setToolTip(about)
        self._prepare(spin)
        spin.editingFinished.connect(self._end_visit)
        spin.valueChanged.connect(lambda value: self.set(text, merge=("training", name, self._visits), **{name: value}))
        spin.setObjectName(name)
        self._spins.append(spin)
        return spin

    def number(self, name: str, field: SettingField, text: str) -> SettingField:
        """A field that sets `name`."""
        field.chosen.connect(lambda value: self.set(text, field=field, **{name: value}))
        field.refused.connect(self.refused)
        self._numbers.append((field, name))
        return field

    def _prepare(self, field: QWidget) -> None:
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        field.installEventFilter(self._guard)
        keep_keys(field)

    # What hands do

    def set(self, text: str, *, merge: object = None, field: SettingField | None = None, **settings: Any) -> bool:
        """Change settings as one undo entry called `text`; False when that is refused."""

        def change(draft: Project) -> None:
            draft.settings = replace(draft.settings, **settings)

        return self.edit(text, change, merge=merge, field=field)

    def edit(
        self, text: str, change: Callable[[Project], object], *, merge: object = None, field: SettingField | None = None
    ) -> bool:
        """Change the project as one undo entry, or say why not; what was typed in `field` then stays."""
        try:
            with self.document.edit(text, merge=merge) as draft:
                change(draft)
        except NnvizError as error:
            if field is not None:
                field.refuse(str(error))
            else:
                self.refused.emit(str(error))
            self.refresh()
            return False
        return True

    def _end_visit(self) -> None:
        self._visits += 1

    @property
    def has_refused(self) -> bool:
        """Whether a field holds something that was refused."""
        return any(field.property("invalid") for field in self.findChildren(Field))

    # What is shown

    def refresh(self, *, force: bool = False) -> None:
        """Show the document's settings again; what is being typed stays unless `force`."""
        settings = self.document.project.settings
        # A field without the focus (changed with the pointer alone) ends its visit at once.
        if not any(spin.hasFocus() for spin in self._spins):
            self._end_visit()
        for box, name in self._boxes:
            box.setCurrentIndex(box.findData(getattr(settings, name)))
        for spin in self._spins:
            with QSignalBlocker(spin):
                value = getattr(settings, spin.objectName())
                spin.setMaximum(max(spin.maximum(), value))
                spin.setValue(value)
        for field, name in self._numbers:
            field.show_number(getattr(settings, name), force=force)

    def summary(self) -> str:
        """What is set, in a few words."""
        return ""


class DataForm(SettingsForm):
    """The loss, and how the rows become batches."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.loss_box = self.choice("loss", {key: loss.title for key, loss in LOSSES.items()}, "Change the loss")
        self.batch_spin = self.spin(
            "batch_size",
            "Set the batch size",
            least=0,
            most=1,
            at_least="all",
            about="How many rows make one update; “all” is the whole table",
        )
        self.batch_mean_box = self.choice(
            "batch_mean",
            {True: "Mean", False: "Sum"},
            "Change mean or sum",
            about="The loss of a batch: the mean or the sum over its samples",
        )
        self.shuffle_box = self.choice(
            "shuffle",
            {False: "As in the table", True: "Shuffled"},
            "Shuffle rows or not",
            about="Shuffled: each epoch has its own order of the rows, drawn from the seed",
        )
        self.precision_box = self.choice(
            "precision",
            {"float64": "float64", "float32": "float32"},
            "Change the precision",
            about="float64 keeps about 16 digits; float32 about 7, and is quicker for large networks",
        )
        self.add("Loss", self.loss_box, ems=WIDE)
        self.add("Batch size", self.batch_spin, ems=6.0)
        self.batch_line = self.add_line()
        self.add("Batch loss", self.batch_mean_box, ems=6.5)
        self.add("Row order", self.shuffle_box, ems=10.5)
        self.add("Precision", self.precision_box, ems=7.5)

    def refresh(self, *, force: bool = False) -> None:
        project, settings = self.document.project, self.document.project.settings
        rows = len(project.dataset.training_rows)
        with QSignalBlocker(self.batch_spin):
            # A batch of more rows than there are is kept for when they come back.
            self.batch_spin.setMaximum(max(1, rows, settings.batch_size))
        super().refresh(force=force)
        self.loss_box.setToolTip(LOSSES[settings.loss].title)
        self.batch_line.setText(describe_batches(project))
        self.show_row(self.batch_line, rows > 0 and settings.batch_size != 1)

    def summary(self) -> str:
        settings = self.document.project.settings
        parts = [LOSSES[settings.loss].title, f"batch {settings.batch_size or 'all'}"]
        parts += ["shuffled"] * settings.shuffle + ["float32"] * (settings.precision == "float32")
        return ", ".join(parts)


def describe_batches(project: Project) -> str:
    """How the training rows are divided: "9 rows make 2 batches of 4 and one of 1, weighted as its own mean"."""
    batches = project.batches
    rows, size, count = len(batches.training_rows), batches.size, batches.count
    if not count:
        return ""
    whose = "training row" if project.dataset.test.any() else "row"
    whole = f"{rows:,} {whose}{'' if rows == 1 else 's'} make{'s' if rows == 1 else ''}"
    if count == 1:
        return f"{whole} one batch."
    rest = rows % size
    full = count - bool(rest)
    text = f"{whole} {'one batch' if full == 1 else f'{full:,} batches'} of {size:,}"
    if rest:
        text += f" and one of {rest:,}" + (", weighted as its own mean" if project.settings.batch_mean else "")
    return f"{text}."


class RegularizationForm(SettingsForm):
    """Penalties on the weights, and dropout."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        for name, about in (
            ("l1", "Adds l1 · sign(w) to the gradient of each weight, which drives small weights to 0"),
            ("l2", "Adds l2 · w to the gradient of each weight, which keeps weights small"),
        ):
            field = SettingField(name.upper(), about, allows=lambda value: value >= 0.0, bounds="at least 0")
            self.number(name, field, f"Set {name.upper()}")
        (self.l1_field, _), (self.l2_field, _) = self._numbers
        self.dropout_field = dropout_field()
        self.dropout_field.chosen.connect(self._set_dropout)
        self.dropout_field.refused.connect(self.refused)
        self.add("L1", self.l1_field)
        self.add("L2", self.l2_field)
        self.add("Dropout", self.dropout_field)
        self.dropout_line = self.add_line()

    def _rates(self) -> set[float]:
        return {neuron.dropout for neuron in self.document.project.network.with_role(Role.HIDDEN)}

    def _set_dropout(self, rate: float) -> None:
        def change(draft: Project) -> None:
            for neuron in draft.network.with_role(Role.HIDDEN):
                draft.network.set_dropout(neuron.id, rate)

        self.edit(f"Dropout of all hidden neurons: {format_number(rate)}", change, field=self.dropout_field)

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        rates = self._rates()
        only = next(iter(rates)) if len(rates) == 1 else None
        self.dropout_field.setPlaceholderText("several" if rates else "–")
        self.dropout_field.show_number(only, force=force)
        self.dropout_field.setEnabled(bool(rates))
        self.dropout_line.setText(
            "Of all hidden neurons at once; the Inspector sets it for one."
            if rates
            else "Dropout needs a hidden neuron."
        )

    def summary(self) -> str:
        settings, rates = self.document.project.settings, self._rates()
        parts = [f"L1 {format_number(settings.l1)}"] if settings.l1 else []
        parts += [f"L2 {format_number(settings.l2)}"] if settings.l2 else []
        if any(rates):
            parts.append(f"dropout {format_number(max(rates)) if len(rates) == 1 else 'several'}")
        return ", ".join(parts) or "none"


class StopForm(SettingsForm):
    """When a run ends before its time."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.loss_field = SettingField(
            "Loss ≤",
            "A run ends when the training loss is this small",
            allows=lambda value: value >= 0.0,
            bounds="at least 0, or empty for never",
            empty="off",
        )
        self.accuracy_field = SettingField(
            "Accuracy ≥",
            "A run ends when this share of the training rows gets its class, such as 0.95",
            allows=lambda value: 0.0 < value <= 1.0,
            bounds="above 0 and at most 1, such as 0.95, or empty for never",
            empty="off",
        )
        self.number("stop_loss", self.loss_field, "Set the loss to stop at")
        self.number("stop_accuracy", self.accuracy_field, "Set the accuracy to stop at")
        self.patience_spin = self.spin(
            "patience",
            "Set the patience",
            least=0,
            most=MOST_PATIENCE,
            at_least="off",
            about="A run ends when so many epochs have brought no smaller loss (test loss, if there are test rows)",
        )
        self.add("Loss ≤", self.loss_field)
        self.add("Accuracy ≥", self.accuracy_field)
        self.add("No gain for", self.patience_spin, ems=8.0)

    def refresh(self, *, force: bool = False) -> None:
        super().refresh(force=force)
        project = self.document.project
        epochs, accuracy = project.settings.patience, project.settings.stop_accuracy
        self.patience_spin.setSuffix(" epoch" if epochs == 1 else " epochs")
        targets = project.dataset.matrix([neuron.id for neuron in project.network.outputs])
        has_classes = task_of(targets) != "regression"
        # What is set already can be taken back.
        self.accuracy_field.setEnabled(has_classes or accuracy is not None)
        if not has_classes:
            self.accuracy_field.setToolTip(CLASSES_ONLY)

    def summary(self) -> str:
        settings = self.document.project.settings
        parts = [] if settings.stop_loss is None else [f"loss ≤ {format_number(settings.stop_loss)}"]
        parts += [] if settings.stop_accuracy is None else [f"accuracy ≥ {format_number(settings.stop_accuracy)}"]
        parts += [f"no gain for {settings.patience:,}"] if settings.patience else []
        return ", ".join(parts) or "off"


class WeightsForm(SettingsForm):
    """What new random weights are drawn with."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.initializer_box = self.choice(
            "initializer",
            {key: initializer.title for key, initializer in INITIALIZERS.items()},
            "Change the initializer",
        )
        self.scale_field = SettingField(
            "Scale", "The scale of the initial weights", allows=lambda value: True, bounds="a number"
        )
        self.number("initializer_scale", self.scale_field, "Set the initializer's scale")
        self.seed_spin = self.spin(
            "seed",
            "Set the seed",
            least=0,
            most=MOST_SEED,
            about="The same seed gives the same random weights, shuffles and dropout",
        )
        self.seed_spin.setGroupSeparatorShown(False)
        self.dice_button = flat_button("dice", "Take the next seed and draw new random weights")
        self.dice_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        seed = QWidget()
        self._seed_row = QHBoxLayout(seed)
        self._seed_row.setContentsMargins(0, 0, 0, 0)
        self._seed_row.addWidget(self.seed_spin, 1)
        self._seed_row.addWidget(self.dice_button)
        self.add("Initializer", self.initializer_box, ems=WIDE)
        self.scale_label = self.add("Scale", self.scale_field)
        self.add("Seed", seed, named=self.seed_spin, ems=WIDE + 1.0)

    def restyle(self, label_width: int) -> None:
        self._seed_row.setSpacing(theme().space(0.3))
        super().restyle(label_width)

    def refresh(self, *, force: bool = False) -> None:
        initializer = INITIALIZERS[self.document.project.settings.initializer]
        what = initializer.scaled or "scale"
        self.scale_field.about = f"The {what} of the initial weights"
        super().refresh(force=force)
        self.initializer_box.setToolTip(f"{initializer.title} {initializer.formula}".strip())
        self.show_row(self.scale_field, bool(initializer.scaled))
        self.scale_label.setText(what.capitalize().replace("Standard", "Std."))
        self.scale_field.setAccessibleName(what)

    def summary(self) -> str:
        settings = self.document.project.settings
        return f"{INITIALIZERS[settings.initializer].title}, seed {settings.seed}"
