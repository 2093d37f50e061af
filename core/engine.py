"""The numpy engine: forward pass, loss, backward pass and update of a compiled network.

The same calls explain one sample and train on many. Weight matrices and their gradients are views of two flat
vectors; the arrays of a batch size and the program of calls over them are a `Workspace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike, NDArray

from core.activations import Array, Program, run
from core.errors import TrainingError
from core.losses import LOSSES, Loss
from core.network import Role
from core.plan import Plan
from core.workspace import OutputLosses, Workspace

# How many batches of a bound table have their programs kept, about 3 KB each.
KEPT_BATCHES = 1024


class Engine:
    """Computes the passes of a plan with a loss; owns the flat `parameters` and `gradient`.

    `mean`: the batch's loss is the mean over its samples, else their sum. All arrays have the `dtype`.
    There are two ways through a batch: `forward`, `loss_value` and `backward`, which leave every number in
    `workspace`; and, for many updates on one table, `bind` it once and call `pass_rows`.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        loss: str = "half_squared_error",
        mean: bool = True,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.plan = plan
        self.loss: Loss = LOSSES[loss]
        self.mean = mean
        self.dtype = np.dtype(dtype)
        self.parameters: Array = np.zeros(plan.size, self.dtype)
        self.gradient: Array = np.zeros(plan.size, self.dtype)
        self._step: Array = np.empty(plan.size, self.dtype)
        self._losses = OutputLosses(plan, self.loss, mean=mean)
        self._masks: Array | None = None
        self._workspaces: dict[tuple[int, bool], Workspace] = {}
        # The bound table: (rows, first level) with its column of ones, and the targets, (outputs, rows).
        self._table: Array = np.zeros((0, plan.first_rows), self.dtype)
        self._table_targets: Array = np.zeros((len(plan.network.outputs), 0), self.dtype)
        # The programs over its batches by first and last row, by the number of samples that are masked.
        self._kept: dict[int, dict[tuple[int, int], tuple[Workspace, Program]]] = {0: {}}
        self._batches = self._kept[0]
        self.workspace = self._workspace_for(1)

    def _workspace_for(self, batch: int) -> Workspace:
        masks = self._masks
        if masks is not None and masks.shape[1] != batch:
            raise ValueError(f"The dropout masks are for {masks.shape[1]} samples, the batch has {batch}.")
        key = batch, masks is not None
        workspace = self._workspaces.get(key)
        if workspace is None:
            workspace = self._workspaces[key] = Workspace(
                self.plan, batch, self._losses, self.parameters, self.gradient, masked=masks is not None
            )
        return workspace

    def load(self, values: Mapping[str, float]) -> None:
        """Take over the parameters from `values` by id; one that is too large for the precision becomes infinite."""
        with np.errstate(over="ignore"):
            self.parameters[:] = self.plan.pack(values)

    def set_masks(self, masks: Array | None) -> None:
        """Drop neurons out in the passes to come, until other masks are set; None drops nobody.

        `masks` has shape (neurons with dropout, batch), in the order of `plan.dropout_neurons`, and holds 0 or
        1 / (1 - p). The batches to come must have that many samples.
        """
        self._masks = masks if self.plan.dropout_neurons else None
        self._batches = self._kept.setdefault(0 if self._masks is None else self._masks.shape[1], {})
        if masks is not None and self._masks is not None:
            work = self._workspace_for(masks.shape[1])
            if work.mask is not None:
                work.mask[self.plan.dropout_rows] = masks

    def forward(self, x: Array) -> Array:
        """The outputs, shape (batch, outputs), of the samples `x`, shape (batch, inputs)."""
        work = self.workspace = self._workspace_for(len(x))
        work.write_inputs(x)
        with np.errstate(over="ignore", invalid="ignore"):
            run(work.own.forward)
        outputs: Array = work.a[self.plan.output_rows].T
        return outputs

    def loss_value(self, targets: Array) -> float:
        """The loss of the batch last passed forward; `targets` has shape (batch, outputs).

        Raises TrainingError when the network has no output.
        """
        self._check_outputs()
        work = self.workspace
        work.targets[:] = targets.T
        with np.errstate(over="ignore", invalid="ignore"):
            run(work.own.loss)
            self._losses.write_shares(work)
        return float(work.total) / work.divisor

    def backward(self, weights: Array | None = None) -> Array:
        """The gradient of the loss last computed with `loss_value`, over the flat parameter vector.

        `weights`, a flat parameter vector, are those that gradients are passed back through, where they are not the
        engine's own parameters. The forward pass stays as it was.
        """
        own = self.parameters
        kept = None if weights is None else own.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            if weights is not None:
                own[:] = weights
            run(self.workspace.own.backward)
            if kept is not None:
                own[:] = kept
        return self.gradient

    def _check_outputs(self) -> None:
        if not self.plan.network.outputs:
            raise TrainingError("There is no output neuron, so there is no loss: make a neuron an output.")

    def bind(self, x: Array, targets: Array) -> None:
        """Take a table for `pass_rows`: `x` has shape (rows, inputs), `targets` (rows, outputs).

        It is copied, once, into the form that the products use. Binding a table of as many rows again (in
        another order, say) takes the place of the former and costs the copy alone.

        Raises TrainingError when the network has no output.
        """
        self._check_outputs()
        if len(self._table) != len(x):
            self._table = np.zeros((len(x), self.plan.first_rows), self.dtype)
            self._table[:, 0] = 1.0
            self._table_targets = np.zeros((targets.shape[1], len(x)), self.dtype)
            for batches in self._kept.values():
                batches.clear()
        self._table[:, self.plan.input_rows] = x
        self._table_targets[:] = targets.T

    def bound_rows(self, start: int, stop: int) -> tuple[Array, Array]:
        """The bound table's rows from `start` to before `stop`, as `forward` and `loss_value` take them."""
        return self._table[start:stop, self.plan.input_rows], self._table_targets[:, start:stop].T

    def pass_rows(self, start: int, stop: int) -> float:
        """Forward pass, loss and backward pass of the bound table's rows from `start` to before `stop`.

        Gives the loss of the batch; its gradient is in `gradient`. The same rows give the same bits again. Made
        for loops: the caller wraps them in `np.errstate(over="ignore", invalid="ignore")`. `workspace` then holds
        the batch's numbers, but for the inputs' activations, the targets and the shares, which stay in the table.
        """
        work, program = self._batches.get((start, stop)) or self._batch(start, stop)
        for function, arguments in program:
            function(*arguments)
        self.workspace = work
        return work.total.item() / work.divisor

    def _batch(self, start: int, stop: int) -> tuple[Workspace, Program]:
        work = self._workspace_for(stop - start)
        program = work.passes(self._table[start:stop].T, self._table_targets[:, start:stop]).whole
        if len(self._batches) >= KEPT_BATCHES:
            self._batches.clear()
        self._batches[start, stop] = work, program
        return work, program

    def descend(self, learning_rate: float, trainable: NDArray[np.float64] | None = None) -> None:
        """One update of gradient descent: parameters -= learning rate * gradient, where `trainable` is 1."""
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(self.gradient, learning_rate, self._step)
            if trainable is not None:
                # Not a product: 0 times an infinite gradient would be NaN.
                self._step[trainable == 0.0] = 0.0
            np.subtract(self.parameters, self._step, self.parameters)


@dataclass(frozen=True, eq=False)
class SamplePass:
    """The finished numbers of one sample's forward and backward pass, by neuron and edge.

    Outputs whose dL/dz comes jointly from the loss (sigmoid with binary cross-entropy, softmax with
    cross-entropy) have no dL/da of their own from the loss; they are the `joint` ones.

    `a` and `a_grad` are what later neurons read and give back. Where a neuron has dropout that is its activation
    times its mask; its activation before that and the gradient are in `raw` and `raw_grad`.
    `weights` is the flat vector of those that gradients were passed back through, where these are not `parameters`.
    """

    plan: Plan
    z: Array
    a: Array
    a_grad: Array
    z_grad: Array
    shares: dict[str, float]
    targets: dict[str, float]
    loss: float
    parameters: Array
    joint: frozenset[str]
    raw: Array | None = None
    raw_grad: Array | None = None
    masks: Mapping[str, float] = field(default_factory=dict)
    weights: Array | None = None

    def pre_activation(self, neuron: str) -> float:
        """z of a neuron."""
        return float(self.z[self.plan.rows[neuron]])

    def activation(self, neuron: str) -> float:
        """a of a neuron, before dropout."""
        values = self.raw if self.raw is not None and neuron in self.masks else self.a
        return float(values[self.plan.rows[neuron]])

    def dropped_activation(self, neuron: str) -> float:
        """What later neurons read of a neuron: its activation times its mask."""
        return float(self.a[self.plan.rows[neuron]])

    def mask(self, neuron: str) -> float:
        """The dropout mask of a neuron: 0, or 1 / (1 - p); 1 where nothing is dropped."""
        return self.masks.get(neuron, 1.0)

    def activation_grad(self, neuron: str) -> float:
        """dL/da of a neuron, for its activation before dropout."""
        values = self.raw_grad if self.raw_grad is not None and neuron in self.masks else self.a_grad
        return float(values[self.plan.rows[neuron]])

    def dropped_grad(self, neuron: str) -> float:
        """dL/d(a times mask) of a neuron."""
        return float(self.a_grad[self.plan.rows[neuron]])

    def pre_activation_grad(self, neuron: str) -> float:
        """dL/dz of a neuron."""
        return float(self.z_grad[self.plan.rows[neuron]])

    def weight(self, edge: str) -> float:
        """The weight of an edge during this pass."""
        return float(self.parameters[self.plan.weight_position[edge]])

    def bias(self, neuron: str) -> float:
        """The bias of a neuron during this pass."""
        return float(self.parameters[self.plan.bias_position[neuron]])

    def product(self, edge: str) -> float:
        """w a of an edge."""
        return self.weight(edge) * self.dropped_activation(self.plan.network.edges[edge].source)

    def weight_grad(self, edge: str) -> float:
        """dL/dw through this edge alone (tied edges add theirs up later)."""
        e = self.plan.network.edges[edge]
        return self.pre_activation_grad(e.target) * self.dropped_activation(e.source)

    def contribution(self, edge: str) -> float:
        """What this edge contributes to its source's dL/da: w dL/dz."""
        weights = self.parameters if self.weights is None else self.weights
        weight = float(weights[self.plan.weight_position[edge]])
        return weight * self.pre_activation_grad(self.plan.network.edges[edge].target)


def pass_sample(engine: Engine, x: Array, targets: Array) -> SamplePass:
    """One sample's passes; `x` has shape (inputs,), `targets` (outputs,). The engine's own batch is left behind."""
    engine.forward(x[np.newaxis, :])
    loss = engine.loss_value(targets[np.newaxis, :])
    engine.backward()
    return read_sample(engine, targets, loss=loss)


def read_sample(engine: Engine, targets: Array, *, loss: float, weights: Array | None = None) -> SamplePass:
    """The numbers that the passes of one sample, with these targets and this loss, have left behind in the engine.

    `weights` are those that its gradients were passed back through, where they are not the engine's own parameters.
    """
    plan, work = engine.plan, engine.workspace
    outputs = [n.id for n in plan.network.outputs]
    joint = frozenset(
        n.id
        for n in plan.network.neurons.values()
        if n.role is Role.OUTPUT and n.activation == engine.loss.joint_activation
    )
    return SamplePass(
        plan=plan,
        z=work.z[:, 0].copy(),
        a=work.a[:, 0].copy(),
        a_grad=work.a_grad[:, 0].copy(),
        z_grad=work.z_grad[:, 0].copy(),
        shares=dict(zip(outputs, work.shares[:, 0].tolist(), strict=True)),
        targets=dict(zip(outputs, targets.tolist(), strict=True)),
        loss=loss,
        parameters=engine.parameters.copy(),
        joint=joint,
        raw=None if work.mask is None else work.raw[:, 0].copy(),
        raw_grad=None if work.mask is None else work.raw_grad[:, 0].copy(),
        masks={}
        if work.mask is None
        else dict(zip(plan.dropout_neurons, work.mask[plan.dropout_rows, 0].tolist(), strict=True)),
        weights=weights,
    )
