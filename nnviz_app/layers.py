"""Whole layers at once: new networks such as 2-4-1, and a new layer in a drawn network. Pure functions on a project."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from core.activations import ACTIVATIONS
from core.dataset import Dataset
from core.errors import NetworkError
from core.initializers import initial_values
from core.network import ROLE_PREFIX, Edge, Network, Neuron, Role
from core.project import Project
from nnviz_app.arrange import COLUMN_GAP, GRID, ROW_GAP, column, columns, snapped

MOST_NEURONS = 1000
MOST_PARAMETERS = 100_000
DEFAULT_ACTIVATION = "sigmoid"


@dataclass(frozen=True, slots=True)
class NewNetwork:
    """What "New network..." asks for: the layers' sizes, inputs first, and how the weights are drawn."""

    sizes: tuple[int, ...]
    hidden_activation: str = DEFAULT_ACTIVATION
    output_activation: str = DEFAULT_ACTIVATION
    initializer: str = "xavier_uniform"
    seed: int = 1

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum((a + 1) * b for a, b in pairwise(self.sizes))


@dataclass(frozen=True, slots=True)
class NewLayer:
    """What "Add layer..." asks for."""

    count: int
    role: Role = Role.HIDDEN
    activation: str = DEFAULT_ACTIVATION
    connect_previous: bool = True
    connect_next: bool = False


def parse_sizes(text: str) -> tuple[int, ...]:
    """The layers' sizes in ``2-4-1`` (or ``2 4 1``, ``2, 4, 1``, ``2×4×1``).

    Raises NetworkError with one sentence when the text is something else or asks for too much.
    """
    example = "such as 2-4-1"
    words = [word for word in re.split(r"[\s,;×→>\-–−]+|(?<=\d)x(?=\d)", text.strip()) if word]
    if not words:
        raise NetworkError(f"Type the number of neurons of each layer, {example}.")
    for word in words:
        if not re.fullmatch(r"\d{1,9}", word):
            raise NetworkError(f"“{word}” is not a number of neurons: type one number a layer, {example}.")
    sizes = tuple(int(word) for word in words)
    if len(sizes) < 2:
        raise NetworkError(f"A network needs at least inputs and outputs: type two numbers or more, {example}.")
    if min(sizes) < 1:
        raise NetworkError(f"Every layer needs at least one neuron, {example}.")
    if max(sizes) > MOST_NEURONS:
        raise NetworkError(f"A layer can have up to {MOST_NEURONS} neurons.")
    parameters = NewNetwork(sizes).parameters
    if parameters > MOST_PARAMETERS:
        raise NetworkError(f"That is {parameters:,} parameters; up to {MOST_PARAMETERS:,} can be drawn.")
    return sizes


def describe_sizes(sizes: tuple[int, ...]) -> str:
    """One sentence: "2 inputs, 4 hidden, 1 output: 17 parameters"."""
    first, *hidden, last = sizes
    parts = [_counted(first, "input")]
    if hidden:
        parts.append(f"{' + '.join(map(str, hidden))} hidden")
    parts.append(_counted(last, "output"))
    return f"{', '.join(parts)}: {_counted(NewNetwork(sizes).parameters, 'parameter')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def new_weight(seed: int, edge_id: str) -> float:
    """A weight for a new edge: between -1 and 1 with two decimals, the same for the same seed and edge.

    Never 0, since a weight of 0 makes the gradients before it vanish, which looks like a fault to a learner.
    """
    rng = np.random.default_rng([abs(seed), zlib.crc32(edge_id.encode())])
    weight = 0.0
    while weight == 0.0:
        weight = round(float(rng.uniform(-1.0, 1.0)), 2)
    return weight


def default_activation(network: Network, role: Role) -> str:
    """What a new neuron of this role begins with: what the last one of that role has, else sigmoid."""
    if role is Role.INPUT:
        return "linear"
    others = network.with_role(role)
    return others[-1].activation if others else DEFAULT_ACTIVATION


def allowed_activations(role: Role) -> list[str]:
    """The activations that a neuron of this role can have."""
    if role is Role.INPUT:
        return []
    return [name for name, entry in ACTIVATIONS.items() if role is Role.OUTPUT or not entry.coupled]


def connect_all(project: Project, sources: Iterable[str], targets: Iterable[str]) -> tuple[list[str], str | None]:
    """Connect every source with every target where the rules allow it.

    Returns the new edges' ids and the first reason why a pair was left out (None when none was).
    """
    network, seed = project.network, project.settings.seed
    sources = list(sources)
    added: list[str] = []
    reason: str | None = None
    number = 1
    # Target by target, as the worked examples number their weights.
    for target in targets:
        for source in sources:
            why_not = network.why_not_connect(source, target)
            if why_not:
                reason = reason or why_not
                continue
            # free_id starts from 1 each time, which is slow for thousands of edges.
            while f"w{number}" in network.edges or f"w{number}" in network.neurons:
                number += 1
            edge_id = f"w{number}"
            network.connect(source, target, weight=new_weight(seed, edge_id), id=edge_id)
            added.append(edge_id)
    return added, reason


def replace_network(project: Project, new: NewNetwork) -> None:
    """Put a fully connected layered network in place of the project's, with one row of zeros as data.

    Settings stay, except for the seed and the initializer that the weights were drawn with, and biases that a worked
    example may have held fixed: those of a new network learn.
    """
    roles = [Role.INPUT, *[Role.HIDDEN] * (len(new.sizes) - 2), Role.OUTPUT]
    activations = {Role.INPUT: "linear", Role.HIDDEN: new.hidden_activation, Role.OUTPUT: new.output_activation}
    used = dict.fromkeys(Role, 0)
    groups: list[list[str]] = []
    neurons: list[Neuron] = []
    for role, size in zip(roles, new.sizes, strict=True):
        group = [f"{ROLE_PREFIX[role]}{used[role] + number}" for number in range(1, size + 1)]
        used[role] += size
        groups.append(group)
        neurons += [Neuron(neuron_id, role, activations[role]) for neuron_id in group]
    positions = columns(groups)
    edges: list[tuple[Edge, float]] = []
    for sources, targets in pairwise(groups):
        # Target by target, as the worked examples number their weights.
        for target in targets:
            edges += [(Edge(f"w{len(edges) + 1 + i}", source, target), 0.0) for i, source in enumerate(sources)]
    network = Network.build([(n, 0.0, positions[n.id]) for n in neurons], edges)
    settings = replace(project.settings, seed=new.seed, initializer=new.initializer, update_biases=True)
    rng = np.random.default_rng(new.seed)
    network.set_values(initial_values(network, new.initializer, rng, scale=settings.initializer_scale))
    project.network, project.settings = network, settings
    project.dataset = Dataset(rows=1)
    project.begin_anew()
    project.title = project.source = project.notes = ""


def previous_layer(network: Network, role: Role, selected: Iterable[str] = ()) -> list[str]:
    """The neurons that a new layer stands after: the selected ones, else the deepest layer that is no output."""
    chosen = [neuron_id for neuron_id in selected if neuron_id in network.neurons]
    if role is Role.INPUT:
        return []
    if chosen:
        return chosen
    for level in reversed(network.levels()):
        group = [neuron_id for neuron_id in level if network.neurons[neuron_id].role is not Role.OUTPUT]
        if group:
            return group
    return []


def next_layer(network: Network, previous: Iterable[str]) -> list[str]:
    """The neurons that a new layer stands before: those that `previous` feeds, else the outputs."""
    previous = list(previous)
    fed = {edge.target for neuron_id in previous for edge in network.outgoing(neuron_id)}
    found = [neuron_id for neuron_id in network.neurons if neuron_id in fed]
    return found or [neuron.id for neuron in network.outputs if neuron.id not in previous]


def add_layer(project: Project, new: NewLayer, selected: Iterable[str] = ()) -> list[str]:
    """Add a column of neurons after the selected or the last layer; return their ids.

    What stands to the right moves on where there is no room. Raises NetworkError for a count out of range.
    """
    if not 1 <= new.count <= MOST_NEURONS:
        raise NetworkError(f"A layer can have 1 to {MOST_NEURONS} neurons.")
    network = project.network
    previous = previous_layer(network, new.role, selected)
    following = [] if new.role is Role.INPUT else next_layer(network, previous)
    x, center_y = _place_layer(network, new, previous)
    activation = "linear" if new.role is Role.INPUT else new.activation
    ids: list[str] = []
    for _ in range(new.count):
        ids.append(network.add_neuron(new.role, activation=activation).id)
    network.move(column(ids, x, center_y))
    if new.role is Role.INPUT and new.connect_next:
        following = _first_layer(network)
    if new.connect_previous:
        connect_all(project, previous, ids)
    if new.connect_next:
        connect_all(project, ids, [neuron_id for neuron_id in following if neuron_id not in ids])
    return ids


def _first_layer(network: Network) -> list[str]:
    """The layer after the inputs."""
    for level in network.levels():
        group = [neuron_id for neuron_id in level if network.neurons[neuron_id].role is not Role.INPUT]
        if group:
            return group
    return []


def _place_layer(network: Network, new: NewLayer, previous: list[str]) -> tuple[float, float]:
    """Where the new column stands (x and the y of its centre); makes room for it."""
    positions = network.positions
    if not positions:
        return 0.0, 0.0
    if new.role is Role.INPUT:
        inputs = [positions[n.id] for n in network.inputs]
        leftmost = min(x for x, _ in positions.values())
        if not inputs:
            return leftmost - COLUMN_GAP, _middle(y for _, y in positions.values())
        # More inputs stand below those that are there: one column of inputs, in the order of the features.
        below = max(y for _, y in inputs) + (new.count + 1) * ROW_GAP / 2
        return inputs[-1][0], below
    if not previous:
        return max(x for x, _ in positions.values()) + COLUMN_GAP, _middle(y for _, y in positions.values())
    before = max(positions[neuron_id][0] for neuron_id in previous)
    x = before + COLUMN_GAP
    right = {i: p for i, p in positions.items() if p[0] > before + GRID}
    if new.role is Role.OUTPUT:
        outputs = [positions[n.id] for n in network.outputs if n.id not in previous]
        if outputs:
            # Outputs share one column: the new ones stand below.
            return outputs[-1][0], max(y for _, y in outputs) + (new.count + 1) * ROW_GAP / 2
        x = max([x, *(p[0] + COLUMN_GAP for p in right.values())])
    elif right:
        room = min(p[0] for p in right.values()) - x
        if room < COLUMN_GAP * 0.75:
            shift = snapped(COLUMN_GAP - room, 0.0)[0]
            network.move({i: (px + shift, py) for i, (px, py) in right.items()})
    return x, _middle(positions[neuron_id][1] for neuron_id in previous)


def _middle(values: Iterable[float]) -> float:
    numbers = list(values)
    return (min(numbers) + max(numbers)) / 2
