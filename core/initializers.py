"""Initial weights: the table of initializers.

In a free graph a weight's fan-in is the number of edges into its target and its fan-out the number of edges
out of its source, which in a layered network are the usual sizes of the layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from core.network import Network


class Initializer(Struct, frozen=True):
    """`draw(rng, fan_in, fan_out, scale)` gives one weight; `scale` is used where `scaled` names what it is."""

    name: str
    title: str
    draw: Callable[[np.random.Generator, int, int, float], float]
    scaled: str = ""
    formula: str = ""


INITIALIZERS: dict[str, Initializer] = {
    initializer.name: initializer
    for initializer in (
        Initializer("zeros", "Zeros", lambda rng, i, o, s: 0.0),
        Initializer("constant", "Constant", lambda rng, i, o, s: s, scaled="value"),
        Initializer("uniform", "Uniform", lambda rng, i, o, s: rng.uniform(-s, s), scaled="limit"),
        Initializer("normal", "Normal", lambda rng, i, o, s: rng.normal(0.0, s), scaled="standard deviation"),
        # Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks.
        Initializer(
            "xavier_uniform",
            "Xavier/Glorot uniform",
            lambda rng, i, o, s: rng.uniform(-1.0, 1.0) * math.sqrt(6.0 / (i + o)),
            formula="±√(6 / (fan-in + fan-out))",
        ),
        Initializer(
            "xavier_normal",
            "Xavier/Glorot normal",
            lambda rng, i, o, s: rng.normal() * math.sqrt(2.0 / (i + o)),
            formula="√(2 / (fan-in + fan-out))",
        ),
        # He et al. (2015), Delving deep into rectifiers.
        Initializer(
            "he_uniform",
            "He uniform",
            lambda rng, i, o, s: rng.uniform(-1.0, 1.0) * math.sqrt(6.0 / i),
            formula="±√(6 / fan-in)",
        ),
        Initializer(
            "he_normal",
            "He normal",
            lambda rng, i, o, s: rng.normal() * math.sqrt(2.0 / i),
            formula="√(2 / fan-in)",
        ),
        # LeCun et al. (1998), Efficient backprop.
        Initializer(
            "lecun_uniform",
            "LeCun uniform",
            lambda rng, i, o, s: rng.uniform(-1.0, 1.0) * math.sqrt(3.0 / i),
            formula="±√(3 / fan-in)",
        ),
        Initializer(
            "lecun_normal",
            "LeCun normal",
            lambda rng, i, o, s: rng.normal() * math.sqrt(1.0 / i),
            formula="√(1 / fan-in)",
        ),
    )
}


def initial_values(
    network: Network, name: str, rng: np.random.Generator, *, scale: float = 1.0, bias: float = 0.0
) -> dict[str, float]:
    """New values for every parameter that is not frozen: weights drawn in edge order, biases all `bias`."""
    initializer = INITIALIZERS[name]
    values = {
        neuron_id: bias
        for neuron_id in network.neurons
        if network.has_bias(neuron_id) and neuron_id not in network.frozen
    }
    for edge in network.edges.values():
        if edge.tied_to is None:
            # Drawn for frozen weights too, so that freezing one does not change the others.
            fan_in, fan_out = len(network.incoming(edge.target)), len(network.outgoing(edge.source))
            weight = float(initializer.draw(rng, fan_in, fan_out, scale))
            if edge.id not in network.frozen:
                values[edge.id] = weight
    return values
