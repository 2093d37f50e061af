"""Many updates in one call, for small networks: an optional kernel, compiled by numba (the extra `nnviz[fast]`).

The engine and the stepper stay what explains and judges; the kernel's results are theirs up to rounding.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.errors import TrainingError
from core.fast_program import Choices, Graph, Parameters, choices_of, graph_of
from core.plan import Plan

# Samples that are computed together, and numbers kept for each neuron and sample; see core.fast_loops.
LANES, FIELDS = 8, 7
# The processor's vectors are best read from multiples of this many bytes.
ALIGNMENT = 64

_lock = threading.Lock()
_run: Any = None


def available() -> bool:
    """Whether numba is installed; it is not imported for the answer."""
    return importlib.util.find_spec("numba") is not None


def prepare() -> None:
    """Import numba and compile the loops, or load them from numba's cache on disk; once, and from any thread.

    That takes about a second, and some ten the first time of all. Raises ImportError without numba.
    """
    global _run
    with _lock:
        if _run is None:
            run = importlib.import_module("core.fast_loops").run
            choices, graph, numbers = Choices(), Graph(), np.zeros(0)
            order = np.zeros(0, dtype=np.int64)
            for lanes in (1, LANES):
                run(
                    (0,) * lanes, choices, graph, numbers, numbers, order, 1, 0, 0, numbers, numbers, 0,
                    numbers, numbers, numbers, numbers, order, numbers,
                )  # fmt: skip
            _run = run


def _aligned(count: int) -> NDArray[np.float64]:
    numbers = np.zeros(count + ALIGNMENT // 8)
    start = -(numbers.ctypes.data // 8) % (ALIGNMENT // 8)
    return numbers[start : start + count]


class FastKernel:
    """Makes updates with one network, table and choice of settings, float64.

    `x` has shape (rows, inputs), `targets` (rows, outputs). `trainable` is the plan's mask or None; `options` hold
    what differs from the optimizer's defaults. `loss` is that of the last batch of the last run, before its update.
    Raises TrainingError without an output or for options that the optimizer does not allow, ImportError without numba.
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
        if not plan.network.outputs:
            raise TrainingError("There is no output neuron, so there is no loss: make a neuron an output.")
        prepare()
        self._x, self._targets = _flat(x), _flat(targets)
        self._parameters = Parameters(plan, trainable)
        self._graph = graph_of(plan, self._parameters, loss)
        self._choices = choices_of(
            plan, self._graph, self._parameters, loss=loss, mean=mean, optimizer=optimizer, options=options, l1=l1, l2=l2
        )
        self._state = np.zeros((1 + self._choices.slots, self._parameters.count))
        self._backup = np.zeros(self._state.size)
        self._gradient = np.zeros(self._parameters.count)
        self._loss = np.zeros(1)
        self._records: dict[int, NDArray[np.float64]] = {}

    @property
    def loss(self) -> float:
        """The loss of the last batch."""
        return float(self._loss[0])

    def run(
        self,
        parameters: NDArray[np.float64],
        slots: Sequence[NDArray[np.float64]],
        optimizer_updates: int,
        *,
        order: NDArray[np.intp],
        size: int,
        batch: int,
        count: int,
        rate: float | NDArray[np.float64],
        masks: NDArray[np.float64] | None = None,
    ) -> int:
        """Make up to `count` updates of `parameters` and `slots` in place, without the interpreter lock.

        Both are flat vectors of the plan, the slots in the optimizer's order, after `optimizer_updates` updates.
        The batches of `size` are those of `order`, the rows of an epoch; the first is number `batch`, and batch 0
        of the same order follows the last. `rate` is the learning rate, or one for each epoch from this one on (the
        last stays). `masks` are the dropout masks, shape (count, dropout neurons, size); without them nobody is
        dropped out. Returns the number of updates made: fewer than `count` if the next one has an infinite or NaN
        loss or would make a parameter so; it is left out whole.
        """
        lanes = 1 if size == 1 else LANES
        records = self._records.get(lanes)
        if records is None:
            records = self._records[lanes] = _aligned((len(self._graph.code) + 1) * FIELDS * lanes)
        vectors = [parameters, *slots]
        for row, vector in zip(self._state, vectors, strict=True):
            self._parameters.take(vector, row)
        made: int = _run(
            (0,) * lanes,
            self._choices,
            self._graph,
            self._x,
            self._targets,
            np.ascontiguousarray(order, dtype=np.int64),
            size,
            batch,
            count,
            np.atleast_1d(np.asarray(rate, dtype=np.float64)),
            _flat(masks if masks is not None else ()),
            optimizer_updates,
            self._state.ravel(),
            self._backup,
            self._gradient,
            records,
            np.zeros(lanes, dtype=np.int64),
            self._loss,
        )
        for row, vector in zip(self._state, vectors, strict=True):
            self._parameters.put(row, vector)
        return made


def _flat(numbers: Any) -> NDArray[np.float64]:
    return np.ascontiguousarray(numbers, dtype=np.float64).ravel()
