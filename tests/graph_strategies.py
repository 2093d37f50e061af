"""Hypothesis strategies for networks of every shape that a person can draw, with data and a loss for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.activations import ACTIVATIONS
from core.errors import NetworkError
from core.losses import LOSSES
from core.network import Edge, Network, Neuron, Position, Role

MAX_NEURONS = 60
HIDDEN_ACTIVATIONS = [name for name in ACTIVATIONS if name != "softmax"]


@dataclass(frozen=True)
class Shape:
    """What a random network is like. `density`: the probability of each possible edge."""

    inputs: int = 2
    hidden: int = 3
    outputs: int = 2
    density: float = 0.5
    softmax: int = 0
    feeding_outputs: bool = False
    tied: bool = False
    frozen: bool = False
    probabilities: bool = False


@dataclass(frozen=True)
class Case:
    """A network with a batch of samples, a loss that is defined for its outputs, and the convention over the batch.

    `shape` and `seed` are what the network and the samples were made from.
    """

    shape: Shape
    seed: int
    network: Network
    x: NDArray[np.float64]
    targets: NDArray[np.float64]
    loss: str
    mean: bool


@st.composite
def shapes(draw: st.DrawFn, *, max_neurons: int = MAX_NEURONS, loss: str | None = None) -> Shape:
    """Shapes of networks with at least one output; `loss` narrows the outputs' activations to fitting ones."""
    outputs = draw(st.integers(1, min(6, max_neurons)))
    inputs = draw(st.integers(0, min(6, max_neurons - outputs)))
    return Shape(
        inputs=inputs,
        hidden=draw(st.integers(0, max_neurons - inputs - outputs)),
        outputs=outputs,
        density=draw(st.sampled_from([0.05, 0.15, 0.4, 1.0])),
        softmax=draw(st.integers(0, outputs)),
        feeding_outputs=draw(st.booleans()),
        tied=draw(st.booleans()),
        frozen=draw(st.booleans()),
        probabilities=loss is not None and LOSSES[loss].probabilities,
    )


def random_network(rng: np.random.Generator, shape: Shape) -> Network:
    """A network of this shape: edges lead from earlier to later neurons of a random order, values are random."""
    inputs = [f"i{k + 1}" for k in range(shape.inputs)]
    others = [f"h{k + 1}" for k in range(shape.hidden)] + [f"o{k + 1}" for k in range(shape.outputs)]
    order = [others[k] for k in rng.permutation(len(others))]
    pairs = _random_pairs(rng, shape, inputs, order)
    fan_in = {neuron_id: sum(target == neuron_id for _, target in pairs) for neuron_id in order}
    edges = [
        (Edge(f"w{k + 1}", source, target), float(rng.normal() / math.sqrt(fan_in[target])))
        for k, (source, target) in enumerate(pairs)
    ]
    if shape.tied:
        edges = _tie_some(rng, edges)
    drawn = inputs + others
    neurons: list[tuple[Neuron, float, Position]] = [
        (_random_neuron(rng, drawn[k], shape), float(rng.normal() * 0.5), (float(k), 0.0))
        for k in rng.permutation(len(drawn))
    ]
    network = Network.build(neurons, edges)
    if shape.frozen:
        for parameter in list(network.values):
            network.set_frozen(parameter, bool(rng.random() < 0.3))
    _use_softmax(network, shape.softmax)
    return network


def _random_pairs(rng: np.random.Generator, shape: Shape, inputs: list[str], order: list[str]) -> list[tuple[str, str]]:
    """The edges, in a random drawing order. Hidden neurons without incoming or outgoing edges are left in."""
    pairs = []
    isolated = {neuron_id for neuron_id in order if neuron_id[0] == "h" and rng.random() < 0.05}
    for place, target in enumerate(order):
        for source in inputs + order[:place]:
            if source[0] == "o" and not shape.feeding_outputs:
                continue
            if {source, target} & isolated:
                continue
            # Outputs feed less, so that often no path leads from one softmax output to another.
            if rng.random() < shape.density * (0.3 if source[0] == "o" else 1.0):
                pairs.append((source, target))
    return [pairs[k] for k in rng.permutation(len(pairs))]


def _tie_some(rng: np.random.Generator, edges: list[tuple[Edge, float]]) -> list[tuple[Edge, float]]:
    owners = [edge.id for edge, _ in edges if rng.random() < 0.5]
    return [
        (
            Edge(edge.id, edge.source, edge.target, owners[rng.integers(len(owners))])
            if owners and edge.id not in owners and rng.random() < 0.5
            else edge,
            weight,
        )
        for edge, weight in edges
    ]


def _random_neuron(rng: np.random.Generator, neuron_id: str, shape: Shape) -> Neuron:
    role = {"i": Role.INPUT, "h": Role.HIDDEN, "o": Role.OUTPUT}[neuron_id[0]]
    if role is Role.INPUT:
        return Neuron(neuron_id, role)
    if role is Role.OUTPUT and shape.probabilities:
        return Neuron(neuron_id, role, "sigmoid")
    return Neuron(neuron_id, role, HIDDEN_ACTIVATIONS[rng.integers(len(HIDDEN_ACTIVATIONS))])


def _use_softmax(network: Network, count: int) -> None:
    """Make up to `count` outputs softmax outputs, as far as the rules let them be."""
    for neuron in network.outputs:
        if sum(n.activation == "softmax" for n in network.outputs) < count:
            try:
                network.set_activation(neuron.id, "softmax")
            except NetworkError:
                continue


def random_targets(rng: np.random.Generator, shape: tuple[int, int], loss: str) -> NDArray[np.float64]:
    """Targets for which the loss is defined: probabilities, sometimes exactly 0 and 1, for the cross-entropies."""
    if not LOSSES[loss].probabilities:
        return rng.normal(size=shape)
    targets = rng.random(shape)
    match rng.integers(3):
        case 0:
            return np.round(targets)
        case 1:
            return targets / targets.sum(axis=1, keepdims=True)
        case _:
            return targets


seeds = st.integers(0, 2**32 - 1)


@st.composite
def networks(draw: st.DrawFn, *, max_neurons: int = MAX_NEURONS) -> Network:
    """Random networks with at least one output."""
    return random_network(np.random.default_rng(draw(seeds)), draw(shapes(max_neurons=max_neurons)))


@st.composite
def cases(draw: st.DrawFn, *, max_neurons: int = MAX_NEURONS, max_batch: int = 5) -> Case:
    """Random networks with a batch of 1 to `max_batch` samples, every loss, mean and sum."""
    loss = draw(st.sampled_from(list(LOSSES)))
    shape = draw(shapes(max_neurons=max_neurons, loss=loss))
    batch = draw(st.integers(1, max_batch))
    seed = draw(seeds)
    rng = np.random.default_rng(seed)
    return Case(
        shape=shape,
        seed=seed,
        network=random_network(rng, shape),
        x=rng.normal(size=(batch, shape.inputs)),
        targets=random_targets(rng, (batch, shape.outputs), loss),
        loss=loss,
        mean=draw(st.booleans()),
    )


def connect_all(
    network: Network, sources: Iterable[str], targets: Iterable[str], weight: Callable[[], float] = lambda: 0.0
) -> None:
    """Connect every source with every target where no edge is yet."""
    targets = list(targets)
    number = 1
    for source in sources:
        for target in targets:
            if source != target and network.edge_between(source, target) is None:
                edge_id = network.free_id("w", number)
                network.connect(source, target, weight=weight(), id=edge_id)
                number = int(edge_id[1:]) + 1
