"""Making a table that was read part of the document: with a network drawn for it, or in the network that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from core.dataset import Dataset
from core.errors import DataError
from core.import_table import Coding, SampleColumn, Samples, usable_names
from core.initializers import initial_values
from core.network import Edge, Network, Neuron, Role
from core.project import Project
from core.settings import Settings
from nnviz_app.document import Document
from nnviz_app.gallery import block_positions

HIDDEN_NEURONS = 8
HIDDEN_ACTIVATION = "tanh"
INITIALIZER = "xavier_uniform"
LEARNING_RATE = 0.1
BATCH_SIZE = 16


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What "Import data..." was asked for. `name` is that of the file; `test_share` goes from 0 to below 1."""

    name: str
    samples: Samples
    new_network: bool = True
    standardize_inputs: bool = True
    standardize_targets: bool = True
    test_share: float = 0.0
    seed: int = 1


def apply_import(document: Document, choice: ImportChoice) -> None:
    """Take the samples into the document as one undo entry.

    Raises DataError when they do not fit the present network, and TrainingError during a run.
    """
    with document.edit(f"Import {choice.name}") as draft:
        if choice.new_network:
            draw_network(draft, choice)
        fill_dataset(draft, choice)


def is_scalable(column: SampleColumn) -> bool:
    """Whether standardizing a column makes sense: its values are numbers other than 0 and 1."""
    return column.coding is Coding.NUMBER and not _is_zero_or_one(column)


def _is_zero_or_one(column: SampleColumn) -> bool:
    return bool(np.isin(column.values, (0.0, 1.0)).all())


def output_rules(targets: Sequence[SampleColumn]) -> tuple[list[str], str]:
    """The activation of each output and the loss that fit these targets."""
    one_hot = np.sum([column.values for column in targets], axis=0)
    if all(column.coding is Coding.CLASSES for column in targets) and bool((one_hot == 1.0).all()):
        return ["softmax"] * len(targets), "cross_entropy"
    activations = ["sigmoid" if _is_zero_or_one(column) else "linear" for column in targets]
    return activations, "mean_squared_error" if "linear" in activations else "binary_cross_entropy"


def draw_network(project: Project, choice: ImportChoice) -> None:
    """Put a network with one hidden layer in place of the project's: a neuron a column, named after it."""
    samples = choice.samples
    inputs, targets = [c.name for c in samples.inputs], [c.name for c in samples.targets]
    taken = [*inputs, *targets]
    hidden = usable_names([f"h{i}" for i in range(1, HIDDEN_NEURONS + 1)], taken)
    taken += hidden
    activations, loss = output_rules(samples.targets)
    neurons = [
        *(Neuron(name, Role.INPUT) for name in inputs),
        *(Neuron(name, Role.HIDDEN, HIDDEN_ACTIVATION) for name in hidden),
        *(Neuron(name, Role.OUTPUT, activation) for name, activation in zip(targets, activations, strict=True)),
    ]
    groups = [inputs, hidden, targets]
    positions = block_positions(groups)
    # Target by target, as the worked examples number their weights.
    ends = [(source, target) for before, after in pairwise(groups) for target in after for source in before]
    names = usable_names([f"w{i}" for i in range(1, len(ends) + 1)], taken)
    edges = [(Edge(name, source, target), 0.0) for name, (source, target) in zip(names, ends, strict=True)]
    network = Network.build([(neuron, 0.0, positions[neuron.id]) for neuron in neurons], edges)
    network.set_values(initial_values(network, INITIALIZER, np.random.default_rng(choice.seed)))
    project.network = network
    project.settings = Settings(
        loss=loss,
        learning_rate=LEARNING_RATE,
        batch_size=min(BATCH_SIZE, samples.rows),
        seed=choice.seed,
        initializer=INITIALIZER,
        shuffle=True,
        precision=project.settings.precision,
    )
    project.begin_anew()
    project.breakpoints = ()
    project.title, project.source, project.notes = Path(choice.name).stem, choice.name, ""


def fill_dataset(project: Project, choice: ImportChoice) -> None:
    """Put the samples in place of the project's data, then hold test rows out, then scale by the training rows."""
    samples = choice.samples
    found = match_columns(project.network, samples)
    order = [neuron.id for neuron in chain(project.network.inputs, project.network.outputs)]
    dataset = Dataset({neuron_id: found[neuron_id].values for neuron_id in order})
    dataset.split(choice.test_share, choice.seed)
    roles = [Role.INPUT] * choice.standardize_inputs + [Role.OUTPUT] * choice.standardize_targets
    scaled = [i for i in order if is_scalable(found[i]) and project.network.neuron(i).role in roles]
    if scaled:
        dataset.add_scaling("standardize", scaled)
    project.dataset = dataset


def match_columns(network: Network, samples: Samples) -> dict[str, SampleColumn]:
    """The column for each input and output neuron: by name where they agree, the others in their order.

    Raises DataError when the numbers of columns and neurons differ.
    """
    inputs, outputs = network.inputs, network.outputs
    if (len(samples.inputs), len(samples.targets)) != (len(inputs), len(outputs)):
        raise DataError(
            f"The table gives {counted(len(samples.inputs), 'input')} and "
            f"{counted(len(samples.targets), 'target')}, but the network has {counted(len(inputs), 'input')} and "
            f"{counted(len(outputs), 'output')}: choose other roles above the columns, or a new network."
        )
    found: dict[str, SampleColumn] = {}
    for neurons, given in ((inputs, samples.inputs), (outputs, samples.targets)):
        by_name = {column.name.casefold(): column for column in given}
        named = {n.id: by_name[n.id.casefold()] for n in neurons if n.id.casefold() in by_name}
        used = {id(column) for column in named.values()}
        others = (column for column in given if id(column) not in used)
        found |= {n.id: named.get(n.id) or next(others) for n in neurons}
    return found


def counted(number: int, noun: str) -> str:
    """ "1 input", "3 inputs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
