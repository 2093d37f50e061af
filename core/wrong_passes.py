"""Backward passes with one usual slip in each: by what they give, the slip in a hand calculation is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.activations import derivative, evaluate
from core.local_derivatives import LocalDerivatives, Values
from core.network import Edge
from core.notation import Names
from core.paths import slope_symbol

# Up to so many neurons and edges on the way each is looked at on its own.
MOST_NEURONS, MOST_EDGES, MOST_WEIGHTS = 30, 60, 12

# Slopes that books write with the activation: f'(z) = formula(a).
_BY_ACTIVATION: Mapping[str, Callable[[Values], Values]] = {
    "sigmoid": lambda a: a * (1.0 - a),
    "tanh": lambda a: 1.0 - a * a,
}


@dataclass(frozen=True, eq=False)
class WrongPass:
    """A slip: its name, what to say of it within a sentence, and the local derivatives as they are used then."""

    name: str
    clause: str
    local: LocalDerivatives


def wrong_passes(local: LocalDerivatives, edges: Sequence[Edge], names: Names, *, linear: bool) -> Iterator[WrongPass]:
    """Each of the usual slips, made with these local derivatives.

    `edges` are those whose weight the gradient is for (none for a neuron's). `linear`: the derivative of the loss
    is a multiple of a - t.
    """
    yield from _wrong_slopes(local, names)
    if edges:
        yield from _wrong_sources(local, edges, names)
    if linear:
        yield from _without_difference(local)
    yield from _without_an_edge(local, names)


def _wrong_slopes(local: LocalDerivatives, names: Names) -> Iterator[WrongPass]:
    ways, network = local.neurons, local.network
    each = ways if len(ways) <= MOST_NEURONS else ()
    outputs = [n.id for n in network.outputs if n.id in ways]

    def symbol(neuron: str) -> str:
        return f"{slope_symbol(network.neurons[neuron].activation)[0]}({names.z(neuron)})"

    def changed(neurons: Sequence[str], slope: Callable[[str, str], Values]) -> LocalDerivatives:
        # Huge activations overflow: such a slip explains nothing then.
        with np.errstate(all="ignore"):
            new = {(n, m): slope(n, m) for n, m in local.slopes if n in neurons}
        return replace(local, slopes={**local.slopes, **new})

    def one(neuron: str, head: str) -> Values:
        return np.array([float(neuron == head)])

    for neuron in each:
        yield WrongPass(f"missing_slope:{neuron}", f"the factor {symbol(neuron)} is missing", changed([neuron], one))
    if 1 < len(outputs) < len(ways):
        yield WrongPass("missing_slope:outputs", "the factor f′(z) of the outputs is missing", changed(outputs, one))
    if len(ways) > 1:
        yield WrongPass("missing_slope:all", "the factor f′(z) of every neuron is missing", changed(ways, one))
    if local.joint:
        clause = "f′(z) of the outputs is multiplied in, though the derivative of this loss holds it already"
        joint = {n: own * local.slopes[n, n] for n, own in local.joint.items()}
        yield WrongPass("extra_slope", clause, replace(local, joint=joint))

    def of_z(neuron: str, head: str) -> Values:
        return _BY_ACTIVATION[network.neurons[neuron].activation](local.pre_activations[neuron])

    def at_a(neuron: str, head: str) -> Values:
        name = network.neurons[neuron].activation
        return derivative(name, evaluate(name, local.pre_activations[neuron])).astype(np.float64)

    written = [n for n in ways if network.neurons[n].activation in _BY_ACTIVATION]
    for neuron in written if each else ():
        z, a = names.z(neuron), names.a(neuron)
        clause = f"{z} is put in where {symbol(neuron)} is written with {a}"
        yield WrongPass(f"slope_of_z:{neuron}", clause, changed([neuron], of_z))
        clause = f"the derivative of the activation of {neuron} is taken at {a} in place of {z}"
        yield WrongPass(f"slope_at_a:{neuron}", clause, changed([neuron], at_a))
    if len(written) > 1:
        yield WrongPass("slope_of_z:all", "z is put in where each f′(z) is written with a", changed(written, of_z))
        yield WrongPass("slope_at_a:all", "every f′ is taken at a in place of z", changed(written, at_a))


def _wrong_sources(local: LocalDerivatives, edges: Sequence[Edge], names: Names) -> Iterator[WrongPass]:
    sources = list(dict.fromkeys(edge.source for edge in edges))
    ones = {n: np.ones(1) for n in sources}
    read = " and ".join(names.a(n) for n in sources)
    yield WrongPass(
        "missing_activation", f"the factor {read} is missing", replace(local, outputs={**local.outputs, **ones})
    )
    before = {n: local.pre_activations[n] for n in sources if n in local.pre_activations}
    if before:
        clause = " and ".join(f"{names.z(n)} is used in place of {names.a(n)}" for n in before)
        yield WrongPass("z_for_a", clause, replace(local, outputs={**local.outputs, **before}))


def _without_difference(local: LocalDerivatives) -> Iterator[WrongPass]:
    """The target, or the activation, where their difference belongs."""
    own = {**local.shares, **local.joint}
    factor = {n: grad / (local.outputs[n] - local.targets[n]) for n, grad in own.items()}
    for name, letter, used in (("target", "t", local.targets), ("activation", "a", local.outputs)):
        grads = {n: factor[n] * used[n] for n in own}
        wrong = replace(
            local,
            shares={n: grads[n] for n in local.shares},
            joint={n: grads[n] for n in local.joint},
        )
        yield WrongPass(f"{name}_for_difference", f"{letter} is used in place of the difference a − t", wrong)


def _without_an_edge(local: LocalDerivatives, names: Names) -> Iterator[WrongPass]:
    """One of several ways on from a neuron is left out."""
    if len(local.weights) > MOST_EDGES:
        return
    network = local.network
    for neuron in local.neurons:
        ways = network.outgoing(neuron)
        if len(ways) + (neuron in local.shares or neuron in local.joint) < 2:
            continue
        for edge in ways:
            clause = f"the way over {names.weight(edge.id)}, from {edge.source} to {edge.target}, is missing"
            yield WrongPass(
                f"missing_path:{edge.id}", clause, replace(local, weights={**local.weights, edge.id: np.zeros(1)})
            )


def wrong_weights(local: LocalDerivatives, weight: Callable[[str], float], names: Names) -> Iterator[WrongPass]:
    """For each edge on the way the weight of another one that leads into the same neurons; `weight` gives it."""
    if len(local.weights) > MOST_WEIGHTS:
        return
    network = local.network
    for edge_id in local.weights:
        source = network.edges[edge_id].source
        others = [e.id for way in network.outgoing(source) for e in network.incoming(way.target) if e.id != edge_id]
        if len(others) > MOST_WEIGHTS:
            continue
        for other in others:
            clause = f"{names.weight(other)} is used in place of {names.weight(edge_id)}"
            wrong = replace(local, weights={**local.weights, edge_id: np.array([weight(other)])})
            yield WrongPass(f"wrong_weight:{edge_id}", clause, wrong)
