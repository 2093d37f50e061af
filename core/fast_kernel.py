"""Many updates in one call, for small networks: the optional kernel that numba compiles (`pip install nnviz[fast]`)."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.losses import LOSSES
from core.optimizers import OPTIMIZERS
from core.options import option_values
from core.plan import Plan

_ACTIVATION_CODES = "linear sigmoid tanh relu leaky_relu elu softplus gelu silu sine step softmax".split()
_LOSS_CODES = {
    "half_squared_error": 0,
    "squared_error": 1,
    "mean_squared_error": 1,
    "mean_absolute_error": 2,
    "huber": 3,
    "binary_cross_entropy": 4,
    "cross_entropy": 5,
}
_OPTIMIZER_CODES = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 2,
    "adagrad": 3,
    "rmsprop": 4,
    "adadelta": 5,
    "adam": 6,
    "adamw": 6,
}
Indices = NDArray[np.uint32]

_lock = threading.Lock()
_loops: ModuleType | None = None


def available() -> bool:
    """Whether numba is installed; it is not imported for the answer."""
    return importlib.util.find_spec("numba") is not None


def prepare() -> ModuleType:
    """Import numba and compile the loops, or load them from numba's cache; from any thread, and once only.

    It takes about a second with the cache and some tens without. Raises ImportError without numba.
    """
    global _loops
    with _lock:
        if _loops is None:
            _loops = importlib.import_module("core.fast_loops")
        return _loops


class Program(NamedTuple):
    """What the loops interpret. Neurons are numbered from the inputs on in level order; parameters from the
    trainable weights on, then trainable biases, then what is frozen; tied edges share a parameter.
    """

    inputs: int
    softmax_first: int
    softmax_last: int
    # By neuron: code of the activation, bias, row of the dropout masks (or -1), and where its edges are.
    code: Indices
    bias: Indices
    dropout: NDArray[np.int64]
    in_start: Indices
    in_stop: Indices
    out_start: Indices
    out_stop: Indices
    # By incoming edge, then by outgoing edge.
    source: Indices
    in_parameter: Indices
    target: Indices
    out_parameter: Indices
    # By output.
    outputs: Indices
    joint: NDArray[np.bool_]
    loss: int
    share: float
    mean: bool
    optimizer: int
    options: NDArray[np.float64]
    trainable: int
    weights: int
    l1: float
    l2: float


class FastKernel:
    """Makes updates of `plan` in place, with the same results as the engine and the stepper up to rounding.

    `x` has shape (rows, inputs), `targets` (rows, outputs); float64. `trainable` is the plan's mask or None.
    `options` hold what differs from the optimizer's defaults. `loss` after a run is that of its last batch, before
    the update. Raises TrainingError for options that the optimizer does not allow, ImportError without numba.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        loss: str,
        mean: bool,
        x: Array,
        targets: Array,
        trainable: NDArray[Any] | None,
        optimizer: str,
        options: Mapping[str, float],
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        self._run = prepare().run
        self._lanes = 8
        self._x = np.ascontiguousarray(x, dtype=np.float64)
        self._targets = np.ascontiguousarray(targets, dtype=np.float64)
        self._number_parameters(plan, trainable)
        self._program = self._compile(plan, loss, mean, optimizer, options, l1, l2)
        count = len(OPTIMIZERS[optimizer].slots)
        self._state = np.zeros((1 + count, self._parameters))
        self._backup = np.zeros_like(self._state)
        self._gradient = np.zeros(self._parameters)
        self._loss = np.zeros(1)
        self._tiles: dict[int, tuple[tuple[int, ...], Array, NDArray[np.int64]]] = {}

    @property
    def loss(self) -> float:
        return float(self._loss[0])

    def _number_parameters(self, plan: Plan, trainable: NDArray[Any] | None) -> None:
        # Tied weights share a number: that of the weight that owns them.
        edges = plan.network.edges
        owners = [e.id for e in edges.values() if e.tied_to is None]
        biases = list(plan.bias_position)
        position = {**plan.weight_position, **plan.bias_position}

        def free(names: list[str], wanted: bool) -> list[str]:
            return [n for n in names if (trainable is None or bool(trainable[position[n]])) == wanted]

        weights = free(owners, True)
        order = [*weights, *free(biases, True)]
        self._trainable, self._weights = len(order), len(weights)
        order += [*free(owners, False), *free(biases, False)]
        number = {name: k for k, name in enumerate(order)}
        number |= {e.id: number[e.tied_to] for e in edges.values() if e.tied_to is not None}
        self._number = number
        self._parameters = len(order)
        # Where each number is read from in the plan's flat vector, and all places where it is written to.
        self._read = np.array([position[name] for name in order], dtype=np.intp)
        names = [n for n in position if number[n] < self._trainable]
        self._write = np.array([position[n] for n in names], dtype=np.intp)
        self._written = np.array([number[n] for n in names], dtype=np.intp)

    def _compile(self, plan, loss, mean, optimizer, options, l1, l2) -> Program:
        network = plan.network
        inputs = [n.id for n in network.inputs]
        others = sorted((n for n in plan.rows if n not in set(inputs)), key=plan.rows.__getitem__)
        place = {name: k for k, name in enumerate([*inputs, *others])}
        softmax = [place[n] for n in others if network.neurons[n].activation == "softmax"]
        dropped = [n for n in others if network.neurons[n].dropout]

        def edges_by(ends, others_of):
            start, stop, other, parameter = [], [], [], []
            for name in place:
                start.append(len(other))
                for edge in ends(name):
                    other.append(place[others_of(edge)])
                    parameter.append(self._number[edge.id])
                stop.append(len(other))
            return [np.array(a, dtype=np.uint32) for a in (start, stop, other, parameter)]

        in_start, in_stop, source, in_parameter = edges_by(network.incoming, lambda e: e.source)
        out_start, out_stop, target, out_parameter = edges_by(network.outgoing, lambda e: e.target)
        kind, outputs = LOSSES[loss], network.outputs
        chosen = OPTIMIZERS[optimizer]
        return Program(
            inputs=len(inputs),
            softmax_first=softmax[0] if softmax else -1,
            softmax_last=softmax[-1] if softmax else -1,
            code=np.array([_ACTIVATION_CODES.index(network.neurons[n].activation) for n in place], dtype=np.uint32),
            bias=np.array([self._number.get(n, 0) for n in place], dtype=np.uint32),
            dropout=np.array([dropped.index(n) if n in dropped else -1 for n in place], dtype=np.int64),
            in_start=in_start,
            in_stop=in_stop,
            out_start=out_start,
            out_stop=out_stop,
            source=source,
            in_parameter=in_parameter,
            target=target,
            out_parameter=out_parameter,
            outputs=np.array([place[n.id] for n in outputs], dtype=np.uint32),
            joint=np.array([n.activation == kind.joint_activation for n in outputs], dtype=np.bool_),
            loss=_LOSS_CODES[loss],
            share=1.0 / len(outputs) if kind.mean and outputs else 1.0,
            mean=mean,
            optimizer=_OPTIMIZER_CODES[optimizer],
            # Adam is AdamW with a decay of 0.
            options=np.array([*option_values(chosen.options, options, chosen.title).values(), 0.0]),
            trainable=self._trainable,
            weights=self._weights,
            l1=float(l1),
            l2=float(l2),
        )

    def run(
        self,
        parameters: NDArray[np.float64],
        slots: list[NDArray[np.float64]],
        optimizer_updates: int,
        *,
        order: NDArray[np.intp],
        size: int,
        batch: int,
        count: int,
        rate: float | NDArray[np.float64],
        masks: NDArray[np.float64] | None = None,
    ) -> int:
        lanes = 1 if size == 1 else self._lanes
        if lanes not in self._tiles:
            records = np.zeros((len(self._program.code) + 1) * 7 * lanes)
            self._tiles[lanes] = ((0,) * lanes, records, np.zeros(lanes, dtype=np.int64))
        shape, records, rows = self._tiles[lanes]
        state = self._state
        for row, vector in zip(state, [parameters, *slots], strict=True):
            np.take(vector, self._read, out=row)
        made = self._run(
            shape,
            self._program,
            self._x,
            self._targets,
            order,
            size,
            batch,
            count,
            np.atleast_1d(np.asarray(rate, dtype=np.float64)),
            np.zeros((0, 0, 0)) if masks is None else masks,
            optimizer_updates,
            state,
            self._backup,
            self._gradient,
            records,
            rows,
            self._loss,
        )
        for row, vector in zip(state, [parameters, *slots], strict=True):
            vector[self._write] = row[self._written]
        return made
