"""Many updates in one call, for small networks: an optional kernel, compiled by numba (the extra `nnviz[fast]`).

The engine and the stepper stay what explains and judges; the kernel's results are theirs up to rounding.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.errors import TrainingError
from core.fast_program import FIELDS, LANES, Choices, Graph, Parameters, Work, choices_of, graph_of
from core.plan import Plan

# The processor's vectors are best read from multiples of this many bytes.
ALIGNMENT = 64
NOTHING = np.zeros(0)

# Edges times tiles of an update up to which numpy was slower with every network and batch that was measured: by a third
# at the limit, a hundred times for the smallest.
MOST_WORK = 4000

_lock = threading.Lock()


def available() -> bool:
    """Whether numba is installed; it is not imported for the answer."""
    return importlib.util.find_spec("numba") is not None


def is_faster(plan: Plan, batch: int) -> bool:
    """Whether the kernel is quicker than numpy for batches of this size, by a rule of measured sizes.

    A call costs some 10 microseconds beside its updates: about as much as one or two of numpy's smallest updates.
    """
    return -(-batch // LANES) * len(plan.network.edges) <= MOST_WORK


def is_prepared() -> bool:
    """Whether `prepare` has been done."""
    return _loops.cache_info().currsize > 0


def prepare() -> None:
    """Import numba and compile the loops, or load them from numba's cache on disk; once, and from any thread.

    That takes half a second, and several seconds the first time of all. Raises ImportError without numba.
    """
    with _lock:
        _loops()


@cache
def _loops() -> Any:
    run = importlib.import_module("core.fast_loops").compiled_run
    # The kinds of the arguments decide what is compiled.
    for lanes in (1, LANES):
        run((0,) * lanes, Choices(), Graph(), Work(), np.zeros(0, np.int64), 1, 0, 0, NOTHING, NOTHING, 0)
    return run


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
        with _lock:
            self._run = _loops()
        self._x, self._targets, self._rows = _flat(x), _flat(targets), len(x)
        self._order: NDArray[np.intp] | None = None
        self._parameters = Parameters(plan, trainable)
        self._graph = graph_of(plan, self._parameters, loss)
        self._choices = choices_of(
            plan,
            self._graph,
            self._parameters,
            loss=loss,
            mean=mean,
            optimizer=optimizer,
            options=options,
            l1=l1,
            l2=l2,
        )
        count = self._parameters.count
        self._state = np.zeros((1 + self._choices.slots, count))
        self._backup, self._gradient = np.zeros(self._state.size), np.zeros(count)
        self._loss, self._columns = np.zeros(1), np.zeros(LANES, dtype=np.int64)
        # One record more than there are neurons, for the tile itself.
        self._records = _aligned((self._choices.neurons + 1) * FIELDS * LANES)
        self._addresses = Graph(*(array.ctypes.data for array in self._graph))
        arrays = (self._x, self._targets, self._state, self._backup, self._gradient)
        self._work = Work(*(a.ctypes.data for a in (*arrays, self._records, self._columns, self._loss)))

    @property
    def loss(self) -> float:
        """The loss of the last batch."""
        return float(self._loss[0])

    def run(
        self,
        parameters: Array,
        slots: Sequence[Array],
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
        Raises ValueError for rows, a batch or masks that do not fit.
        """
        lanes = 1 if size == 1 else LANES
        if order is not self._order:
            # The loops do not look.
            if not len(order) or order.min() < 0 or order.max() >= self._rows:
                raise ValueError(f"The order has to hold some of the {self._rows} rows.")
            self._order = order
        if size < 1 or not 0 <= batch * size < len(order):
            raise ValueError(f"There is no batch {batch} of {size} in an order of {len(order)} rows.")
        if masks is not None and masks.shape != (count, self._choices.dropouts, size):
            raise ValueError(f"The shape of the masks is {masks.shape}: not updates, dropout neurons, batch size.")
        order = np.ascontiguousarray(order, dtype=np.int64)
        rates = np.array(rate, dtype=np.float64, ndmin=1)
        vectors = [parameters, *slots]
        for row, vector in zip(self._state, vectors, strict=True):
            self._parameters.take(vector, row)
        made: int = self._run(
            (0,) * lanes,
            self._choices,
            self._addresses,
            self._work,
            order,
            size,
            batch,
            count,
            rates,
            NOTHING if masks is None else _flat(masks),
            optimizer_updates,
        )
        for row, vector in zip(self._state, vectors, strict=True):
            self._parameters.put(row, vector)
        return made


def _flat(numbers: Any) -> NDArray[np.float64]:
    return np.ascontiguousarray(numbers, dtype=np.float64).ravel()
