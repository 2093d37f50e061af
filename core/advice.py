"""Advice: what will keep a network from learning, or from learning what was meant. It never stops anybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from core.activations import ACTIVATIONS
from core.dataset import Dataset
from core.losses import LOSSES
from core.network import Network, Role
from core.numbers import format_number
from core.optimizers import OPTIMIZERS
from core.settings import Settings

# Activations whose values are between 0 and 1.
PROBABILITY_ACTIVATIONS = frozenset({"sigmoid", "softmax", "step"})
# Sums of targets are typed with a few decimals, such as 0.33 + 0.33 + 0.34.
SUM_TOLERANCE = 1e-6
# A learning rate is far above the usual from this many times an optimizer's suggested one.
FAR_ABOVE = 10.0
# Dropout that leaves out a whole layer for more than this share of the samples is worth a word.
MOST_LAYERS_LOST = 0.01
# With fewer parameters float32 is no quicker.
FLOAT32_PARAMETERS = 10_000
# Names listed in one sentence.
NAMES_SHOWN = 3


def advise(network: Network, settings: Settings, dataset: Dataset) -> list[str]:
    """One sentence for each thing that looks wrong, the most important first; none where all fits."""
    if not network.neurons:
        return []
    if not network.outputs:
        return ["No neuron is an output, so there is no loss: make one an output."]
    return [
        *_about_loss(network, settings),
        *_about_targets(network, settings, dataset),
        *_about_paths(network),
        *_about_steps(network),
        *_about_symmetry(network),
        *_about_learning(network, settings),
    ]


def _join(names: Iterable[str]) -> str:
    names = list(names)
    if len(names) > NAMES_SHOWN:
        names = [*names[: NAMES_SHOWN - 1], f"{len(names) - NAMES_SHOWN + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verb(names: list[str], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def _activation_name(name: str) -> str:
    title = ACTIVATIONS[name].title
    return title if any(letter.isupper() for letter in title[1:]) else title.lower()


def _about_loss(network: Network, settings: Settings) -> list[str]:
    loss = LOSSES[settings.loss]
    softmax = [n.id for n in network.outputs if n.activation == "softmax"]
    found = []
    if len(softmax) == 1:
        found.append(
            f"{softmax[0]} is alone in its softmax, so it is always 1: "
            "choose sigmoid, or give another output softmax too."
        )
    if loss.joint_activation == "sigmoid":
        for activation, names in _by_activation(network, PROBABILITY_ACTIVATIONS).items():
            found.append(
                f"{_join(names)} {_verb(names, 'is', 'are')} {_activation_name(activation)}: "
                "binary cross-entropy needs outputs between 0 and 1; choose sigmoid."
            )
    if loss.name == "cross_entropy":
        for activation, names in _by_activation(network, frozenset({"softmax"})).items():
            remedy = "choose softmax." if len(network.outputs) > 1 else "choose binary cross-entropy with sigmoid."
            found.append(
                f"{_join(names)} {_verb(names, 'is', 'are')} {_activation_name(activation)}: "
                f"cross-entropy needs outputs that add up to 1; {remedy}"
            )
    return found


def _by_activation(network: Network, fitting: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for neuron in network.outputs:
        if neuron.activation not in fitting:
            found[neuron.activation].append(neuron.id)
    return found


def _about_targets(network: Network, settings: Settings, dataset: Dataset) -> list[str]:
    loss = LOSSES[settings.loss]
    outputs = [n.id for n in network.outputs]
    if not loss.probabilities or not dataset.rows or any(i not in dataset.columns for i in outputs):
        return []
    targets = dataset.matrix(outputs)
    outside = np.argwhere((targets < 0.0) | (targets > 1.0))
    if len(outside):
        row, column = outside[0]
        value = format_number(float(targets[row, column]))
        return [
            f"Row {row + 1}: the target of {outputs[column]} is {value}; {loss.in_words} needs targets between 0 and 1."
        ]
    softmax = [place for place, n in enumerate(network.outputs) if n.activation == "softmax"]
    if loss.name == "cross_entropy" and len(softmax) > 1:
        sums = targets[:, softmax].sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
        if len(wrong):
            return [
                f"Row {wrong[0] + 1}: the targets add up to {format_number(float(sums[wrong[0]]))}; "
                "with softmax and cross-entropy they should add up to 1."
            ]
    return []


def _about_paths(network: Network) -> list[str]:
    forward = _reached(network, [n.id for n in network.inputs], backward=False)
    backward = _reached(network, [n.id for n in network.outputs], backward=True)
    found = []
    # An input that leads to hidden neurons without a way out is named with them.
    idle = [n.id for n in network.inputs if not network.outgoing(n.id)]
    if idle:
        found.append(f"{_join(idle)} {_verb(idle, 'has', 'have')} no edge: connect {_verb(idle, 'it', 'them')}.")
    blind = [n.id for n in network.outputs if n.id not in forward]
    if blind and network.inputs:
        found.append(
            f"No path leads from an input to {_join(blind)}: {_verb(blind, 'it gives', 'they give')} "
            "the same for every row."
        )
    lost = [n.id for n in network.neurons.values() if n.role is Role.HIDDEN and n.id not in backward]
    if lost:
        found.append(
            f"No path leads from {_join(lost)} to an output: {_verb(lost, 'its gradient is', 'their gradients are')} 0."
        )
    return found


def _reached(network: Network, start: list[str], *, backward: bool) -> set[str]:
    """The neurons that can be reached from `start` along the edges, or against them; `start` included."""
    reached, queue = set(start), list(start)
    while queue:
        here = queue.pop()
        edges = network.incoming(here) if backward else network.outgoing(here)
        for following in (edge.source if backward else edge.target for edge in edges):
            if following not in reached:
                reached.add(following)
                queue.append(following)
    return reached


def _about_steps(network: Network) -> list[str]:
    steps = [n.id for n in network.neurons.values() if n.activation == "step" and network.incoming(n.id)]
    if not steps:
        return []
    return [
        f"{_join(steps)} {_verb(steps, 'is a step function', 'are step functions')}, whose gradient is 0: "
        f"nothing before {_join(steps)} learns."
    ]


def _about_symmetry(network: Network) -> list[str]:
    hidden = [n for n in network.with_role(Role.HIDDEN) if network.incoming(n.id) and network.outgoing(n.id)]
    if not hidden or network.frozen:
        return []
    if all(network.weight(edge_id) == 0.0 for edge_id in network.edges):
        return ["All weights are 0, so the hidden neurons get no gradient: draw new random weights."]
    # The same edges with the same weights on both sides: such neurons get the same gradients for ever.
    alike: dict[object, list[str]] = defaultdict(list)
    for neuron in hidden:
        incoming = frozenset((e.source, network.weight(e.id)) for e in network.incoming(neuron.id))
        outgoing = frozenset((e.target, network.weight(e.id)) for e in network.outgoing(neuron.id))
        alike[neuron.activation, network.bias(neuron.id), incoming, outgoing].append(neuron.id)
    twins = next((names for names in alike.values() if len(names) > 1), None)
    if twins is None:
        return []
    return [f"{_join(twins)} have the same weights, so they stay the same for ever: draw new random weights."]


def _about_learning(network: Network, settings: Settings) -> list[str]:
    found = []
    optimizer = OPTIMIZERS[settings.optimizer]
    if settings.learning_rate > FAR_ABOVE * optimizer.suggested_rate:
        found.append(
            f"A learning rate of {format_number(settings.learning_rate)} is far above the usual "
            f"{format_number(optimizer.suggested_rate)} of {optimizer.title}: the loss may jump about or grow."
        )
    for level in network.levels():
        neurons = [network.neurons[name] for name in level]
        hidden = [neuron for neuron in neurons if neuron.role is Role.HIDDEN]
        lost = float(np.prod([neuron.dropout for neuron in hidden])) if hidden and hidden == neurons else 0.0
        if lost > MOST_LAYERS_LOST:
            found.append(
                f"Dropout leaves out all of {_join(level)} for {100 * lost:.0f} % of the samples: "
                "lower it, or add neurons to the layer."
            )
    if settings.precision == "float32" and len(network.values) < FLOAT32_PARAMETERS:
        found.append("A network this small is no quicker with float32, which keeps about 7 digits: choose float64.")
    return found
