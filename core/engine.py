"""The numpy engine: forward pass, loss, backward pass and update of a compiled network.

The same functions explain one sample and train on many: arrays are neuron-major, shape (rows, batch), allocated
once per batch size and written in place. Weight matrices and their gradients are views of two flat vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.activations import Array
from core.errors import TrainingError
from core.losses import LOSSES, Loss
from core.network import Role
from core.plan import Block, Plan


class Workspace:
    """The arrays of one batch size: z, a, dL/dz and dL/da, each (rows, batch); targets and shares (outputs, batch)."""

    def __init__(self, plan: Plan, batch: int) -> None:
        shape = (plan.row_count, batch)
        outputs = len(plan.network.outputs)
        self.batch = batch
        self.z = np.zeros(shape)
        self.a = np.zeros(shape)
        self.a[plan.ones] = 1.0
        self.z_grad = np.zeros(shape)
        self.a_grad = np.zeros(shape)
        self.targets = np.zeros((outputs, batch))
        self.shares = np.zeros((outputs, batch))
        blocks = [block for level in plan.levels for block in level.blocks]
        self.gathered = {
            block.offset: np.zeros((block.shape[1], batch)) for block in blocks if not isinstance(block.sources, slice)
        }
        self.pulled = np.zeros((max((block.shape[1] for block in blocks), default=0), batch))


class Engine:
    """Computes the passes of a plan with a loss; owns the flat `parameters` and `gradient`.

    `mean`: the batch's loss is the mean over its samples, else their sum.
    """

    def __init__(self, plan: Plan, *, loss: str = "half_squared_error", mean: bool = True) -> None:
        self.plan = plan
        self.loss: Loss = LOSSES[loss]
        self.mean = mean
        self.parameters = np.zeros(plan.size)
        self.gradient = np.zeros(plan.size)
        outputs = plan.network.outputs
        self.output_scale = 1.0 / len(outputs) if self.loss.mean and outputs else 1.0
        joint = [n.activation == self.loss.joint_activation for n in outputs]
        self._joint = np.flatnonzero(joint)
        self._plain = np.flatnonzero(np.logical_not(joint))
        output_rows = np.arange(plan.row_count)[plan.output_rows]
        self._joint_rows = output_rows[self._joint]
        self._plain_rows = output_rows[self._plain]
        self._weights = [
            [(b, self._matrix(self.parameters, b), self._matrix(self.gradient, b)) for b in level.blocks]
            for level in plan.levels
        ]
        joint_rows = set(self._joint_rows.tolist())
        # Where the joint gradient is all there is, the activation's own derivative is not asked for.
        self._segments = [
            [s for s in level.segments if not (s.last and s.rows.start in joint_rows)] for level in plan.levels
        ]
        self._workspaces: dict[int, Workspace] = {}
        self.workspace = self._workspace_for(1)

    @staticmethod
    def _matrix(vector: NDArray[np.float64], block: Block) -> NDArray[np.float64]:
        return vector[block.offset : block.offset + block.size].reshape(block.shape)

    def _workspace_for(self, batch: int) -> Workspace:
        workspace = self._workspaces.get(batch)
        if workspace is None:
            workspace = self._workspaces[batch] = Workspace(self.plan, batch)
        return workspace

    def load(self, values: Mapping[str, float]) -> None:
        """Take over the parameters from `values` by id."""
        self.parameters[:] = self.plan.pack(values)

    def forward(self, x: Array) -> Array:
        """The outputs, shape (batch, outputs), of the samples `x`, shape (batch, inputs)."""
        work = self.workspace = self._workspace_for(len(x))
        z, a = work.z, work.a
        a[self.plan.input_rows] = x.T
        with np.errstate(over="ignore", invalid="ignore"):
            for level, weights in zip(self.plan.levels, self._weights, strict=True):
                for block, matrix, _ in weights:
                    np.dot(matrix, self._sources(block, work), out=z[block.rows])
                for segment in level.segments:
                    segment.activation.forward(z[segment.rows], a[segment.rows])
        outputs: Array = a[self.plan.output_rows].T
        return outputs

    @staticmethod
    def _sources(block: Block, work: Workspace, *, fresh: bool = True) -> NDArray[np.float64]:
        if isinstance(block.sources, slice):
            return work.a[block.sources]
        gathered = work.gathered[block.offset]
        if fresh:
            np.take(work.a, block.sources, axis=0, out=gathered)
        return gathered

    def loss_value(self, targets: Array) -> float:
        """The loss of the batch last passed forward; `targets` has shape (batch, outputs).

        Raises TrainingError when the network has no output.
        """
        work, loss = self.workspace, self.loss
        if not len(work.targets):
            raise TrainingError("There is no output neuron, so there is no loss: make a neuron an output.")
        work.targets[:] = targets.T
        with np.errstate(over="ignore", invalid="ignore"):
            if len(self._plain):
                work.shares[self._plain] = loss.share(work.a[self._plain_rows], work.targets[self._plain])
            if len(self._joint) and loss.joint_share:
                work.shares[self._joint] = loss.joint_share(work.z[self._joint_rows], work.targets[self._joint])
            if self.output_scale != 1.0:
                work.shares *= self.output_scale
            total = float(work.shares.sum())
        return total / work.batch if self.mean else total

    def backward(self) -> NDArray[np.float64]:
        """The gradient of the loss last computed with `loss_value`, over the flat parameter vector."""
        work, loss, plan = self.workspace, self.loss, self.plan
        a, a_grad, z_grad = work.a, work.a_grad, work.z_grad
        scale = self.output_scale / work.batch if self.mean else self.output_scale
        a_grad.fill(0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            if len(self._plain):
                a_grad[self._plain_rows] = scale * loss.grad(a[self._plain_rows], work.targets[self._plain])
            z_grad.fill(0.0)
            if len(self._joint) and loss.joint_grad:
                joint = scale * loss.joint_grad(a[self._joint_rows], work.targets[self._joint])
                z_grad[self._joint_rows] = joint
            for index in range(len(plan.levels) - 1, -1, -1):
                for segment in self._segments[index]:
                    rows = segment.rows
                    segment.activation.vjp(work.z[rows], a[rows], a_grad[rows], z_grad[rows])
                    if len(self._joint) and not segment.last:
                        self._add_joint(segment.rows, joint)
                for block, matrix, gradient in self._weights[index]:
                    delta = z_grad[block.rows]
                    np.dot(delta, self._sources(block, work, fresh=False).T, out=gradient)
                    if block.mask is not None:
                        np.multiply(gradient, block.mask, gradient)
                    if not block.feeds_back:
                        continue
                    if block.only:
                        np.dot(matrix.T, delta, out=a_grad[block.sources])
                    else:
                        pulled = work.pulled[: block.shape[1]]
                        np.dot(matrix.T, delta, out=pulled)
                        a_grad[block.sources] += pulled
        for positions in plan.ties:
            self.gradient[positions] = self.gradient[positions].sum()
        return self.gradient

    def _add_joint(self, rows: slice, joint: Array) -> None:
        for place, row in enumerate(self._joint_rows):
            if rows.start <= row < rows.stop:
                self.workspace.z_grad[row] += joint[place]

    def descend(self, learning_rate: float, trainable: NDArray[np.float64] | None = None) -> None:
        """One update of gradient descent: parameters -= learning rate * gradient, where `trainable` is 1."""
        with np.errstate(over="ignore", invalid="ignore"):
            step = self.gradient * learning_rate
            if trainable is not None:
                # Not a product: 0 times an infinite gradient would be NaN.
                step[trainable == 0.0] = 0.0
            np.subtract(self.parameters, step, self.parameters)


@dataclass(frozen=True, eq=False)
class SamplePass:
    """The finished numbers of one sample's forward and backward pass, by neuron and edge.

    Outputs whose dL/dz comes jointly from the loss (sigmoid with binary cross-entropy, softmax with
    cross-entropy) have no dL/da of their own from the loss; they are the `joint` ones.
    """

    plan: Plan
    z: NDArray[np.float64]
    a: NDArray[np.float64]
    a_grad: NDArray[np.float64]
    z_grad: NDArray[np.float64]
    shares: dict[str, float]
    targets: dict[str, float]
    loss: float
    parameters: NDArray[np.float64]
    joint: frozenset[str]

    def pre_activation(self, neuron: str) -> float:
        """z of a neuron."""
        return float(self.z[self.plan.rows[neuron]])

    def activation(self, neuron: str) -> float:
        """a of a neuron."""
        return float(self.a[self.plan.rows[neuron]])

    def activation_grad(self, neuron: str) -> float:
        """dL/da of a neuron."""
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
        return self.weight(edge) * self.activation(self.plan.network.edges[edge].source)

    def weight_grad(self, edge: str) -> float:
        """dL/dw through this edge alone (tied edges add theirs up later)."""
        e = self.plan.network.edges[edge]
        return self.pre_activation_grad(e.target) * self.activation(e.source)

    def contribution(self, edge: str) -> float:
        """What this edge contributes to its source's dL/da: w dL/dz."""
        return self.weight(edge) * self.pre_activation_grad(self.plan.network.edges[edge].target)


def pass_sample(engine: Engine, x: Array, targets: Array) -> SamplePass:
    """One sample's passes; `x` has shape (inputs,), `targets` (outputs,). The engine's own batch is left behind."""
    plan = engine.plan
    engine.forward(x[np.newaxis, :])
    loss = engine.loss_value(targets[np.newaxis, :])
    engine.backward()
    work = engine.workspace
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
    )
