"""Data to learn from: the shipped tables and the generators, each with a network that learns it.

Pure functions; nothing here needs a window.
"""

from __future__ import annotations

import csv
import importlib.resources
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.dataset import Dataset, Scaling
from core.digits import MOST_INK
from core.generators import GENERATORS, GeneratedData, Generator, Task, generate
from core.network import Network, Position
from core.project import Project
from core.settings import Settings
from nnviz_app.arrange import COLUMN_GAP, ROW_GAP
from nnviz_app.layers import NewNetwork, replace_network

# A layer of more neurons than this stands as a block, row by row: one column of them would be a thin line.
LONGEST_COLUMN = 16
LEAST_BLOCK_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """Data, and the network and settings that learn it.

    `generator` makes the data; without one `file` holds them, a table in resources/datasets with the target in its
    last column. `hidden` are the sizes of the hidden layers. `input_range`, from lowest to highest, is scaled to 0 to 1
    in every input. `learned` says what a run over the settings' epochs comes to.
    """

    name: str
    title: str
    description: str
    task: Task
    source: str
    hidden: tuple[int, ...]
    activation: str
    output: str
    settings: Settings
    learned: str
    generator: Generator | None = None
    file: str = ""
    standardized: Literal["", "inputs", "inputs and targets"] = ""
    input_range: tuple[float, float] | None = None
    test_share: float = 0.0

    @property
    def is_real(self) -> bool:
        """Whether the data are shipped as a table rather than generated."""
        return self.generator is None


def make_project(
    entry: Entry, *, points: int | None = None, noise: float | None = None, seed: int = 1, **options: int
) -> Project:
    """A project with the data of `entry` and a network that learns it, drawn and ready to train.

    `points`, `noise` and `options` are those of the generator, `seed` that of data, weights, split and shuffling.
    Raises DataError for a number out of range.
    """
    if entry.generator is None:
        data = read_table(entry.file, entry.task)
    else:
        data = generate(entry.generator.name, points=points, noise=noise, seed=seed, **options)
    project = Project(settings=replace(entry.settings, seed=seed))
    sizes = (len(data.inputs), *entry.hidden, len(data.outputs))
    initializer = entry.settings.initializer
    replace_network(project, NewNetwork(sizes, entry.activation, entry.output, initializer, seed))
    project.network.move(block_positions(project.network.levels()))
    _name_neurons(project.network, data)
    project.dataset = _dataset(entry, data, seed)
    project.title, project.source = entry.title, entry.source
    project.notes = f"{entry.description}\n{entry.learned}"
    return project


def read_table(file: str, task: Task) -> GeneratedData:
    """A shipped table: all columns but the last are inputs; for classes the last becomes one target a class."""
    text = importlib.resources.files("resources").joinpath("datasets", file).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    x = np.array([row[:-1] for row in rows], dtype=np.float64)
    last = [row[-1] for row in rows]
    if task == "classes":
        classes = sorted(set(last))
        targets = np.array([[float(value == name) for name in classes] for value in last])
        return GeneratedData(tuple(header[:-1]), tuple(classes), x, targets)
    return GeneratedData(tuple(header[:-1]), (header[-1],), x, np.array(last, dtype=np.float64)[:, np.newaxis])


def block_positions(layers: Sequence[Sequence[str]]) -> dict[str, Position]:
    """Each layer in one column or, where it is long, row by row in a block; from left to right, on one centre line."""
    blocks = []
    for layer in layers:
        height = len(layer)
        if height > LONGEST_COLUMN:
            height = max(LEAST_BLOCK_HEIGHT, math.isqrt(height - 1) + 1)
        blocks.append((layer, height, -(-len(layer) // height)))
    # As far apart as leaves the edges room to fan out: nearer, the steep ones would run into each other.
    gap = max(COLUMN_GAP, ROW_GAP * max(height for _, height, _ in blocks) / 3.0)
    positions: dict[str, Position] = {}
    left = 0.0
    for layer, height, width in blocks:
        for place, neuron_id in enumerate(layer):
            row, column = divmod(place, width)
            positions[neuron_id] = (round(left + column * ROW_GAP), round((row - (height - 1) / 2) * ROW_GAP))
        left += (width - 1) * ROW_GAP + gap
    return positions


def _name_neurons(network: Network, data: GeneratedData) -> None:
    """Call inputs and outputs as their columns."""
    ends = [*zip(network.inputs, data.inputs, strict=True), *zip(network.outputs, data.outputs, strict=True)]
    for neuron, name in ends:
        if neuron.id != name:
            network.rename(neuron.id, name)


def _dataset(entry: Entry, data: GeneratedData, seed: int) -> Dataset:
    columns = [*zip(data.inputs, data.x.T, strict=True), *zip(data.outputs, data.targets.T, strict=True)]
    dataset = Dataset(dict(columns))
    # The split comes first: scaling takes its numbers from the training rows.
    dataset.split(entry.test_share, seed)
    if entry.standardized:
        targets = data.outputs if entry.standardized == "inputs and targets" else ()
        dataset.add_scaling("standardize", [*data.inputs, *targets])
    if entry.input_range is not None:
        # One range for all: a pixel that hardly ever has ink would else count as much as any other.
        low, high = entry.input_range
        dataset.scalings = tuple(Scaling(name, "range", low, high - low) for name in data.inputs)
    return dataset


def _generated(
    name: str, hidden: tuple[int, ...], settings: Settings, learned: str, *, output: str = "sigmoid"
) -> Entry:
    """An entry of tanh neurons for the generator of this name, which has its title, description and source."""
    kind = GENERATORS[name]
    return Entry(
        name, kind.title, kind.description, kind.task, kind.source, hidden, "tanh", output, settings, learned, kind
    )


_UCI = "UCI Machine Learning Repository, CC BY 4.0"
# Two classes as 0 and 1, several classes, and numbers; all by Adam, which needs the least care.
_BINARY = Settings("binary_cross_entropy", 0.02, 16, optimizer="adam", shuffle=True)
_CLASSES = replace(_BINARY, loss="cross_entropy")
_NUMBERS = replace(_BINARY, loss="mean_squared_error")
_GATE = Settings("binary_cross_entropy", 0.1, 0, optimizer="adam", epochs=200)
# As TensorFlow Playground begins: plain gradient descent in batches of 10.
_PLAYGROUND = Settings("half_squared_error", 0.03, 10, shuffle=True)

GALLERY: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "iris",
            "Iris",
            "Three species of iris told apart by the length and width of sepals and petals.",
            "classes",
            f"Fisher (1936), The use of multiple measurements in taxonomic problems; {_UCI}",
            (8,),
            "tanh",
            "softmax",
            replace(_CLASSES, learning_rate=0.01, epochs=40),
            "About 97 % of the flowers held out are named rightly.",
            file="iris.csv",
            standardized="inputs",
            test_share=0.2,
        ),
        Entry(
            "wine",
            "Wine",
            "Three growers' wines told apart by thirteen measurements of a chemical analysis.",
            "classes",
            f"Aeberhard and Forina (1992), Wine; {_UCI}",
            (8,),
            "tanh",
            "softmax",
            replace(_CLASSES, epochs=30),
            "About 97 % of the wines held out are named rightly.",
            file="wine.csv",
            standardized="inputs",
            test_share=0.2,
        ),
        Entry(
            "cars",
            "Cars and their fuel",
            "How many miles a car of 1970 to 1982 goes on a gallon, from six of its properties.",
            "regression",
            f"Quinlan (1993), Auto MPG; {_UCI}",
            (8,),
            "tanh",
            "linear",
            replace(_NUMBERS, learning_rate=0.005, epochs=100),
            "The loss of the cars held out, about 1 for guessing the mean, comes to about 0.15.",
            file="cars.csv",
            standardized="inputs and targets",
            test_share=0.2,
        ),
        Entry(
            "planar_course",
            "Planar flower",
            "The 400 points of a well-known course: two classes on the petals of a flower.",
            "binary",
            GENERATORS["planar"].source,
            (4,),
            "tanh",
            "sigmoid",
            Settings("binary_cross_entropy", 1.2, 0, initializer="normal", initializer_scale=0.01, epochs=10_000),
            "After 10,000 updates about 90 % of the points are on the right side, as in the course.",
            file="planar.csv",
        ),
        _generated("and", (), _GATE, "Learned exactly: all four rows on the right side."),
        _generated("or", (), _GATE, "Learned exactly: all four rows on the right side."),
        _generated("xor", (4,), _GATE, "Learned exactly: all four rows on the right side."),
        _generated("circles", (8,), replace(_BINARY, epochs=60), "At least 98 % of the points on the right side."),
        _generated(
            "moons",
            (8,),
            replace(_BINARY, learning_rate=0.05, epochs=100),
            "At least 98 % of the points on the right side.",
        ),
        _generated(
            "two_spirals",
            (12, 12),
            replace(_BINARY, epochs=300),
            "At least 98 % of the points on the right side.",
        ),
        _generated(
            "three_spirals",
            (16,),
            replace(_CLASSES, epochs=200),
            "At least 95 % of the points on the right side.",
            output="softmax",
        ),
        _generated("gaussians", (), replace(_BINARY, epochs=20), "About 99 % of the points on the right side."),
        _generated(
            "blobs", (4,), replace(_CLASSES, epochs=20), "About 99 % of the points on the right side.", output="softmax"
        ),
        replace(
            _generated(
                "digits",
                (32,),
                replace(_CLASSES, learning_rate=0.005, batch_size=32, initializer="he_uniform", epochs=20),
                "About 98 % of the digits held out are read rightly.",
                output="softmax",
            ),
            activation="relu",
            input_range=(0.0, float(MOST_INK)),
            test_share=0.2,
        ),
        _generated("planar", (8,), replace(_BINARY, epochs=100), "About 90 % of the points on the right side."),
        _generated(
            "playground_circle", (4,), replace(_PLAYGROUND, epochs=40), "All points on the right side.", output="tanh"
        ),
        _generated(
            "playground_xor",
            (8,),
            replace(_PLAYGROUND, optimizer="adam", learning_rate=0.01, epochs=60),
            "At least 98 % of the points on the right side.",
            output="tanh",
        ),
        _generated(
            "playground_gauss", (), replace(_PLAYGROUND, epochs=20), "All points on the right side.", output="tanh"
        ),
        _generated(
            "playground_spiral",
            (8, 8),
            replace(_PLAYGROUND, optimizer="adam", learning_rate=0.01, batch_size=20, epochs=300),
            "At least 98 % of the points on the right side.",
            output="tanh",
        ),
        _generated(
            "playground_plane",
            (),
            replace(_PLAYGROUND, learning_rate=0.001, epochs=20),
            "The loss comes to 0.",
            output="linear",
        ),
        _generated(
            "playground_hills",
            (8, 8),
            replace(_PLAYGROUND, optimizer="adam", learning_rate=0.01, epochs=50),
            "The loss comes to about 0.01.",
            output="linear",
        ),
        _generated(
            "sine",
            (10,),
            replace(_NUMBERS, epochs=400),
            "The loss comes to about 0.01, the variance of the noise.",
            output="linear",
        ),
        _generated(
            "polynomial", (10,), replace(_NUMBERS, epochs=800), "The loss comes to about 0.01.", output="linear"
        ),
        _generated(
            "random", (8,), replace(_NUMBERS, batch_size=0, epochs=500), "The loss comes to 0.", output="linear"
        ),
    )
}
