"""A compiled network as the loops of the fast kernel interpret it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Graph(NamedTuple):
    """Neurons and edges as the loops go through them.

    Neurons are numbered from the inputs on in level order. Parameters are numbered from the trainable weights on,
    then trainable biases, then what is frozen; tied edges share a number.
    """

    # By neuron: its activation's code, its bias, its row in the dropout masks (or -1), and where its edges are.
    code: Any
    bias: Any
    dropout: Any
    in_start: Any
    in_stop: Any
    # By incoming edge.
    source: Any
    in_parameter: Any
    out_start: Any
    out_stop: Any
    # By outgoing edge.
    target: Any
    out_parameter: Any
    # By output: its neuron, and whether the loss is joint with its activation.
    outputs: Any
    joint: Any


class Choices(NamedTuple):
    """The numbers beside the graph: counts, codes and settings."""

    neurons: int
    inputs: int
    outputs: int
    dropouts: int
    softmax_first: int
    softmax_last: int
    parameters: int
    trainable: int
    weights: int
    slots: int
    loss: int
    share: float
    mean: bool
    optimizer: int
    options: tuple[float, float, float, float]
    l1: float
    l2: float
