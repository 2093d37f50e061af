"""The dialog that offers generated and well-known data, with a network that learns it or for the present one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.dataset import Dataset
from core.errors import DataError
from core.generators import MOST_POINTS, GeneratedData, generate
from core.network import Network
from core.project import Project
from nnviz_app.data_preview import DataPreview
from nnviz_app.dialogs import fit_to_screen
from nnviz_app.gallery import GALLERY, Entry, make_project, read_table
from nnviz_app.panels.fields import PanelArea
from nnviz_app.panels.split_dialog import SeedField
from nnviz_app.theme import set_style_property, theme

LOGIC = ("and", "or", "xor")
# Shipped as a table to the last digit, but made by a formula.
MADE = ("planar_course",)
GROUPS = ("Logic", "Two classes", "Several classes", "Regression", "Real data")
NO_NETWORK = "“Into the present network” needs a network with inputs and outputs."
KEEPS = "“Into the present network” keeps your network and replaces its data."


def group_of(entry: Entry) -> str:
    """Under which heading an entry stands."""
    if entry.name in LOGIC:
        return "Logic"
    if entry.is_real and entry.name not in MADE:
        return "Real data"
    return {"binary": "Two classes", "classes": "Several classes", "regression": "Regression"}[entry.task]


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Data that was chosen, with the numbers to make it from; `with_network`: as a project with its own network."""

    entry: Entry
    seed: int
    points: int | None = None
    noise: float | None = None
    options: Mapping[str, int] = field(default_factory=dict)
    with_network: bool = True

    @property
    def text(self) -> str:
        """How the undo entry is called."""
        return f"Data: {self.entry.title}"

    def data(self) -> GeneratedData:
        """The samples. Raises DataError for a number out of range."""
        if self.entry.generator is None:
            return read_table(self.entry.file, self.entry.task)
        return generate(self.entry.generator.name, points=self.points, noise=self.noise, seed=self.seed, **self.options)

    def make_project(self) -> Project:
        """The data with a network that learns it. Raises DataError for a number out of range."""
        return make_project(self.entry, points=self.points, noise=self.noise, seed=self.seed, **self.options)

    def put_into(self, draft: Project) -> None:
        """Give the draft this data, with its test rows and scalings; inputs and outputs get columns in their order.

        Raises DataError where their numbers differ.
        """
        why_not = why_not_into(draft.network, self.entry.title, self.data())
        if why_not:
            raise DataError(why_not)
        made = self.make_project()
        names = dict(zip(_columns(made.network), _columns(draft.network), strict=True))
        dataset = Dataset({names[name]: column for name, column in made.dataset.columns.items()})
        dataset.set_test(made.dataset.test_rows)
        dataset.scalings = tuple(replace(step, neuron=names[step.neuron]) for step in made.dataset.scalings)
        draft.dataset = dataset


def _columns(network: Network) -> list[str]:
    return [neuron.id for neuron in (*network.inputs, *network.outputs)]


def why_not_into(network: Network, title: str, data: GeneratedData) -> str:
    """Why data cannot go into a network; "" when it can."""
    inputs, outputs = len(network.inputs), len(network.outputs)
    if not inputs or not outputs:
        return NO_NETWORK
    if (inputs, outputs) == (len(data.inputs), len(data.outputs)):
        return ""
    return (
        f"“Into the present network” does not fit: {title} has {_sizes(len(data.inputs), len(data.outputs))}, "
        f"the network {inputs} and {outputs}."
    )


def _sizes(inputs: int, outputs: int) -> str:
    return f"{inputs} input{'' if inputs == 1 else 's'} and {outputs} output{'' if outputs == 1 else 's'}"


class DataDialog(QDialog):
    """Choose data. After `exec`, `choice()` says what was chosen, and whether for the present network."""

    def __init__(self, network: Network, seed: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose data")
        self.network = network
        self._with_network = True
        self._options: dict[str, QSpinBox] = {}
        self.list = QListWidget()
        self.list.setAccessibleName("Data")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._fill_list()
        self.title = QLabel()
        set_style_property(self.title, "role", "title")
        self.description, self.sizes, self.learned, self.source = (_wrapped() for _ in range(4))
        for label in (self.sizes, self.learned):
            set_style_property(label, "role", "muted")
        set_style_property(self.source, "role", "small")
        self.source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.preview = DataPreview()
        self.points_spin = QSpinBox()
        self.points_spin.setGroupSeparatorShown(True)
        self.noise_spin = QDoubleSpinBox()
        self.noise_spin.setDecimals(2)
        self.noise_spin.setSingleStep(0.05)
        self.seed_field = SeedField(seed)
        self.sentence = _wrapped()
        self.open_button = QPushButton("With a network that learns it")
        self.open_button.setDefault(True)
        set_style_property(self.open_button, "primary", True)
        self.present_button = QPushButton("Into the present network")
        self.cancel_button = QPushButton("Cancel")
        self._lay_out()
        self.list.currentItemChanged.connect(self._entry_changed)
        self.list.itemDoubleClicked.connect(self._open)
        for spin in (self.points_spin, self.noise_spin, self.seed_field.spin):
            spin.valueChanged.connect(self._refresh)
        self.open_button.clicked.connect(self._open)
        self.present_button.clicked.connect(self._put)
        self.cancel_button.clicked.connect(self.reject)
        self.select("xor")
        fit_to_screen(self, 58, 50)
        self.list.setFocus()

    # The parts

    def _fill_list(self) -> None:
        self.list.ensurePolished()  # else the items' heights leave out the style sheet's padding
        for group in GROUPS:
            entries = [entry for entry in GALLERY.values() if group_of(entry) == group]
            if not entries:
                continue
            head, label = QListWidgetItem(), QLabel(group)
            head.setFlags(Qt.ItemFlag.NoItemFlags)
            head.setSizeHint(QSize(0, theme().space(2.4)))
            label.setContentsMargins(theme().space(0.3), 0, 0, theme().space(0.2))
            label.setAlignment(Qt.AlignmentFlag.AlignBottom)
            set_style_property(label, "role", "small")
            self.list.addItem(head)
            self.list.setItemWidget(head, label)
            for entry in entries:
                item = QListWidgetItem(entry.title)
                item.setToolTip(entry.description)
                item.setData(Qt.ItemDataRole.UserRole, entry)
                self.list.addItem(item)

    def _lay_out(self) -> None:
        space = theme().space
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(space(1.5))
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.form.setVerticalSpacing(space(0.5))
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.addRow("&Points", self.points_spin)
        self.form.addRow("&Noise", self.noise_spin)
        self.form.addRow("&Seed", self.seed_field)
        content = QWidget()
        right = QVBoxLayout(content)
        right.setContentsMargins(0, 0, space(0.5), 0)
        right.setSpacing(space(0.5))
        right.addWidget(self.title)
        right.addWidget(self.description)
        right.addWidget(self.preview, 1)
        right.addWidget(self.sizes)
        right.addLayout(self.form)
        right.addWidget(self.learned)
        right.addWidget(self.source)
        self.list.setFixedWidth(space(17))
        middle = QHBoxLayout()
        middle.setSpacing(space(1))
        middle.addWidget(self.list)
        middle.addWidget(PanelArea(content), 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(space(0.5))
        buttons.addStretch()
        for button in (self.cancel_button, self.present_button, self.open_button):
            button.setAutoDefault(button is self.open_button)
            buttons.addWidget(button)
        self.sentence.setMinimumHeight(space(3.6))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(space(1.2), space(1.2), space(1.2), space(1.2))
        outer.setSpacing(space(0.8))
        outer.addLayout(middle, 1)
        outer.addWidget(self.sentence)
        outer.addLayout(buttons)

    # State

    @property
    def entry(self) -> Entry:
        """What is selected in the list."""
        entry = self.list.currentItem().data(Qt.ItemDataRole.UserRole)
        assert isinstance(entry, Entry)
        return entry

    def select(self, name: str) -> None:
        """Select the entry called `name`."""
        for row in range(self.list.count()):
            entry = self.list.item(row).data(Qt.ItemDataRole.UserRole)
            if isinstance(entry, Entry) and entry.name == name:
                self.list.setCurrentRow(row)

    def choice(self) -> DataChoice:
        """What is asked for."""
        entry, generator = self.entry, self.entry.generator
        return DataChoice(
            entry,
            self.seed_field.spin.value(),
            points=self.points_spin.value() if generator else None,
            noise=self.noise_spin.value() if generator else None,
            options={name: spin.value() for name, spin in self._options.items()},
            with_network=self._with_network,
        )

    def _entry_changed(self) -> None:
        entry = self.entry
        self.title.setText(entry.title)
        self.description.setText(entry.description)
        self.source.setText(f"Source: {entry.source}" if entry.source else "")
        self.source.setVisible(bool(entry.source))
        for option_spin in self._options.values():
            self.form.removeRow(option_spin)
        self._options = {}
        generator = entry.generator
        self.form.setRowVisible(self.points_spin, generator is not None)
        self.form.setRowVisible(self.noise_spin, generator is not None and generator.most_noise > 0)
        if generator is not None:
            for spin in (self.points_spin, self.noise_spin):
                spin.blockSignals(True)
            self.points_spin.setRange(generator.least_points, MOST_POINTS)
            self.points_spin.setValue(generator.points)
            self.noise_spin.setRange(0.0, generator.most_noise)
            self.noise_spin.setValue(generator.noise)
            self.noise_spin.setToolTip(generator.noise_title)
            for spin in (self.points_spin, self.noise_spin):
                spin.blockSignals(False)
            for option in generator.options:
                option_spin = self._options[option.name] = QSpinBox()
                option_spin.setRange(option.low, option.high)
                option_spin.setValue(option.default)
                option_spin.valueChanged.connect(self._refresh)
                self.form.addRow(option.title, option_spin)
        self._refresh()

    def _refresh(self) -> None:
        choice = self.choice()
        entry, data = choice.entry, choice.data()
        inputs, outputs = len(data.inputs), len(data.outputs)
        self.preview.show_data(data, entry.task)
        held = f", {round(100 * entry.test_share)} % of them held out for testing" if entry.test_share else ""
        scaled = f"; {entry.standardized} standardized" if entry.standardized else ""
        self.sizes.setText(f"{len(data.x):,} samples{held}; {_sizes(inputs, outputs)}{scaled}")
        layers = "-".join(str(size) for size in (inputs, *entry.hidden, outputs))
        self.learned.setText(f"Network {layers}. {entry.learned}")
        why_not = why_not_into(self.network, entry.title, data)
        self.present_button.setEnabled(not why_not)
        self.sentence.setText(why_not or KEEPS)
        set_style_property(self.sentence, "role", "muted")

    # Hands

    def _open(self) -> None:
        self._with_network = True
        self.accept()

    def _put(self) -> None:
        self._with_network = False
        self.accept()


def _wrapped() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
