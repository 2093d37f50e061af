"""A compiled network as the loops of the fast kernel go through it: flat arrays and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.losses import LOSSES
from core.network import Edge, Neuron, Role
from core.optimizers import OPTIMIZERS
from core.options import option_values
from core.plan import Plan

# Samples that are computed together, and numbers kept for each neuron and sample; see core.fast_loops.
LANES, FIELDS = 8, 6
# Codes by name; the functions and loops have constants for them.
ACTIVATION_CODES = {
    "linear": 0,
    "sigmoid": 1,
    "tanh": 2,
    "relu": 3,
    "leaky_relu": 4,
    "elu": 5,
    "softplus": 6,
    "gelu": 7,
    "silu": 8,
    "sine": 9,
    "step": 10,
    "softmax": 11,
}
# The squared errors are half squared errors of twice the weight.
LOSS_CODES = {
    "half_squared_error": 0,
    "half_mean_squared_error": 0,
    "squared_error": 0,
    "mean_squared_error": 0,
    "mean_absolute_error": 1,
    "huber": 2,
    "binary_cross_entropy": 3,
    "summed_binary_cross_entropy": 3,
    "cross_entropy": 4,
}
TWICE = frozenset({"squared_error", "mean_squared_error"})
# Adam is AdamW without decay.
OPTIMIZER_CODES = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 2,
    "adagrad": 3,
    "rmsprop": 4,
    "adadelta": 5,
    "adam": 6,
    "adamw": 6,
}
MOST_OPTIONS = 4
# Outputs by whether their activation has a joint form with the loss.
PLAIN_OUTPUT, JOINT_OUTPUT = 1, 2


class Graph(NamedTuple):
    """Neurons and edges: arrays of uint32, their addresses, or within the loops pointers to them.

    Neurons are numbered from the inputs on, in level order; parameters as in `Parameters`.
    """

    # By neuron: its activation's code, its bias, the kind of output, its row in the dropout masks from 1 on; 0 is none.
    code: Any = 0
    bias: Any = 0
    role: Any = 0
    dropout: Any = 0
    in_start: Any = 0
    in_stop: Any = 0
    out_start: Any = 0
    out_stop: Any = 0
    # By incoming edge.
    source: Any = 0
    in_parameter: Any = 0
    # By outgoing edge.
    target: Any = 0
    out_parameter: Any = 0
    # By output: its neuron.
    outputs: Any = 0


class Work(NamedTuple):
    """The addresses of the numbers that a kernel reads and writes, flat float64 arrays but for `columns` (int64)."""

    x: int = 0
    targets: int = 0
    # The parameters, then each of the optimizer's slots; what they were before an update; the gradient.
    state: int = 0
    backup: int = 0
    gradient: int = 0
    # The neurons' records, and the columns of the dropout masks for the samples of a tile.
    records: int = 0
    columns: int = 0
    loss: int = 0


class Choices(NamedTuple):
    """Counts, codes and settings beside the graph. `share` is the weight of one output's share in a sample's loss."""

    neurons: int = 0
    inputs: int = 0
    outputs: int = 0
    dropouts: int = 0
    softmax_first: int = 0
    softmax_last: int = 0
    parameters: int = 0
    trainable: int = 0
    weights: int = 0
    slots: int = 0
    loss: int = 0
    share: float = 0.0
    mean: bool = True
    optimizer: int = 0
    options: tuple[float, ...] = (0.0,) * MOST_OPTIONS
    l1: float = 0.0
    l2: float = 0.0


class Parameters:
    """The parameters without gaps: trainable weights, trainable biases, then what is frozen. Tied edges share one.

    `number` is the place of a weight or bias by its id; `read` holds where each is in the plan's flat vector.
    """

    def __init__(self, plan: Plan, trainable: NDArray[Any] | None) -> None:
        edges = plan.network.edges
        position = {**plan.weight_position, **plan.bias_position}
        weights = [edge.id for edge in edges.values() if edge.tied_to is None]
        biases = list(plan.bias_position)
        frozen = {name for name in position if trainable is not None and not trainable[position[name]]}
        free_weights = [name for name in weights if name not in frozen]
        free = free_weights + [name for name in biases if name not in frozen]
        order = free + [name for name in weights + biases if name in frozen]
        self.count, self.trainable, self.weights = len(order), len(free), len(free_weights)
        self.number = {name: place for place, name in enumerate(order)}
        for edge in edges.values():
            if edge.tied_to is not None:
                self.number[edge.id] = self.number[edge.tied_to]
        self.read = np.array([position[name] for name in order], dtype=np.intp)
        changed = [name for name in position if self.number[name] < self.trainable]
        self._write = np.array([position[name] for name in changed], dtype=np.intp)
        self._written = np.array([self.number[name] for name in changed], dtype=np.intp)

    def take(self, vector: Array, out: NDArray[np.float64]) -> None:
        """Read the plan's flat `vector` into `out`, shape (count,)."""
        # The mode spares a copy; no place is out of bounds.
        np.take(vector, self.read, out=out, mode="clip")

    def put(self, numbers: Array, vector: Array) -> None:
        """Write the trainable numbers back to all their places in the plan's flat `vector`."""
        vector[self._write] = numbers[self._written]


def graph_of(plan: Plan, parameters: Parameters, loss: str) -> Graph:
    """The arrays of a plan's network."""
    network = plan.network
    inputs = [neuron.id for neuron in network.inputs]
    others = sorted(plan.rows.keys() - set(inputs), key=plan.rows.__getitem__)
    place = {name: number for number, name in enumerate(inputs + others)}
    row_of_mask = {name: row for row, name in enumerate(plan.dropout_neurons, start=1)}
    neurons = [network.neurons[name] for name in place]

    def role(neuron: Neuron) -> int:
        if neuron.role is not Role.OUTPUT:
            return 0
        return JOINT_OUTPUT if neuron.activation == LOSSES[loss].joint_activation else PLAIN_OUTPUT

    def adjacency(edges_of: Callable[[str], list[Edge]], end: str) -> list[NDArray[np.uint32]]:
        counts = [0]
        ends: list[int] = []
        numbers: list[int] = []
        for name in place:
            for edge in edges_of(name):
                ends.append(place[getattr(edge, end)])
                numbers.append(parameters.number[edge.id])
            counts.append(len(ends))
        return [np.array(a, dtype=np.uint32) for a in (counts[:-1], counts[1:], ends, numbers)]

    in_start, in_stop, source, in_parameter = adjacency(network.incoming, "source")
    out_start, out_stop, target, out_parameter = adjacency(network.outgoing, "target")
    return Graph(
        code=np.array([ACTIVATION_CODES[neuron.activation] for neuron in neurons], dtype=np.uint32),
        bias=np.array([parameters.number.get(name, 0) for name in place], dtype=np.uint32),
        role=np.array([role(neuron) for neuron in neurons], dtype=np.uint32),
        dropout=np.array([row_of_mask.get(name, 0) for name in place], dtype=np.uint32),
        in_start=in_start,
        in_stop=in_stop,
        out_start=out_start,
        out_stop=out_stop,
        source=source,
        in_parameter=in_parameter,
        target=target,
        out_parameter=out_parameter,
        outputs=np.array([place[neuron.id] for neuron in network.outputs], dtype=np.uint32),
    )


def choices_of(
    plan: Plan,
    graph: Graph,
    parameters: Parameters,
    *,
    loss: str,
    mean: bool,
    optimizer: str,
    options: Mapping[str, float],
    l1: float,
    l2: float,
) -> Choices:
    """The numbers beside the graph. Raises TrainingError for options that the optimizer does not allow."""
    chosen, outputs = OPTIMIZERS[optimizer], len(plan.network.outputs)
    softmax = np.flatnonzero(graph.code == ACTIVATION_CODES["softmax"])
    values = [float(value) for value in option_values(chosen.options, options, chosen.title).values()]
    return Choices(
        neurons=len(graph.code),
        inputs=len(plan.network.inputs),
        outputs=outputs,
        dropouts=len(plan.dropout_neurons),
        softmax_first=int(softmax[0]) if len(softmax) else -1,
        softmax_last=int(softmax[-1]) if len(softmax) else -1,
        parameters=parameters.count,
        trainable=parameters.trainable,
        weights=parameters.weights,
        slots=len(chosen.slots),
        loss=LOSS_CODES[loss],
        share=(2.0 if loss in TWICE else 1.0) / (outputs if LOSSES[loss].mean else 1),
        mean=bool(mean),
        optimizer=OPTIMIZER_CODES[optimizer],
        options=tuple(values + [0.0] * (MOST_OPTIONS - len(values))),
        l1=float(l1),
        l2=float(l2),
    )
