"""The arrays of one batch size and the program of numpy calls that makes an update's passes over them.

What a pass does is settled once, when a workspace is made: every call is bound to views of its arrays, so that
a pass is nothing but the calls. Arrays are neuron-major, shape (rows, batch), and written in place.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.activations import Activation, Array, Program
from core.losses import Loss
from core.plan import Block, Plan, Segment


class Passes(Struct, frozen=True):
    """The programs of one batch: the outputs, the loss, the gradient. `whole` is the three in this order."""

    forward: Program
    loss: Program
    backward: Program

    @property
    def whole(self) -> Program:
        """An update's passes as one program."""
        return [*self.forward, *self.loss, *self.backward]


class Workspace:
    """The arrays of one batch size, each (rows, batch), and the programs over them.

    `z`, `z_grad` (dL/dz) and `slope` (f'(z)) belong to the pre-activations. `raw` and `raw_grad` are the activations
    before dropout and their gradients, `a` and `a_grad` those after it, which later levels read; without masks
    they are the same arrays. `mask` holds 0 or 1 / (1 - p) where there is dropout, else 1. `targets` and
    `shares` of the loss have shape (outputs, batch). `total` is the sum of the shares before it is divided by
    `divisor`: the number of outputs where the loss is their mean, times the batch where it is the mean of that.
    """

    def __init__(
        self, plan: Plan, batch: int, losses: OutputLosses, parameters: Array, gradient: Array, *, masked: bool = False
    ) -> None:
        shape, dtype = (plan.row_count, batch), parameters.dtype
        self.plan = plan
        self.batch = batch
        self.z, self.a, self.z_grad, self.a_grad, self.slope = (np.zeros(shape, dtype) for _ in range(5))
        self.mask: Array | None = np.ones(shape, dtype) if masked else None
        self.raw, self.raw_grad = (np.zeros(shape, dtype), np.zeros(shape, dtype)) if masked else (self.a, self.a_grad)
        self.a[plan.ones] = 1.0
        outputs = len(plan.network.outputs)
        self.targets: Array = np.zeros((outputs, batch), dtype)
        self.shares: Array = np.zeros((outputs, batch), dtype)
        self.total = np.zeros((), dtype)
        self.divisor = losses.divisor(batch)
        self._gradient = gradient
        self.matrices = {
            block.offset: (_matrix(parameters, block), _matrix(gradient, block))
            for level in plan.levels
            for block in level.blocks
        }
        self._gathered = {
            block.offset: np.zeros((block.shape[1], batch), dtype)
            for level in plan.levels
            for block in level.blocks
            if not isinstance(block.sources, slice)
        }
        self._pulled = np.zeros((plan.row_count, batch), dtype)
        # Where only the first blocks read the inputs, they do it here, (batch, rows of the first level), as in a
        # bound table: the same products on arrays of the same form give the same bits.
        self._samples: Array = np.zeros((batch, plan.first_rows), dtype)
        self._samples[:, 0:1] = 1.0
        self.inputs = self._samples.T if plan.reads_inputs_first else self.a[: plan.first_rows]
        self._joint = losses.joint_rows
        self.joint_grad = np.zeros((len(self._joint), batch), dtype)
        self._loss = losses.bind(self)
        # What does not touch the inputs and the targets is the same for every batch of this size.
        self._levels_forward = self._compile_forward()
        self._levels_backward = self._compile_backward()
        self._last_calls = self._compile_masks()
        self.own = self.passes(self.inputs, self.targets)

    def write_inputs(self, x: Array) -> None:
        """Take the samples `x`, shape (batch, inputs), as the workspace's own."""
        self.a[self.plan.input_rows] = x.T
        if self.plan.reads_inputs_first:
            self._samples[:, self.plan.input_rows] = x

    def passes(self, inputs: Array, targets: Array) -> Passes:
        """The programs for `inputs`, shape (rows of the first level, batch), and `targets`, (outputs, batch).

        Where only the first level of blocks reads the inputs they are used where they are, else copied to `a`.
        """
        forward: Program = []
        if inputs is not self.inputs and not self.plan.reads_inputs_first:
            forward.append((np.copyto, (self.inputs, inputs)))
            inputs = self.inputs
        last: Program = []
        for block in self.plan.levels[0].blocks if self.plan.levels else ():
            weights, gradient = self.matrices[block.offset]
            if isinstance(block.sources, slice):
                sources = inputs[block.sources]
            else:
                sources = self._gathered[block.offset]
                forward.append((inputs.take, (block.sources, 0, sources, "clip")))
            forward.append((weights.dot, (sources, self.z[block.rows])))
            last.append((self.z_grad[block.rows].dot, (sources.T, gradient)))
        loss, loss_grad = self._loss(targets)
        return Passes(
            [*forward, *self._levels_forward], loss, [*loss_grad, *self._levels_backward, *last, *self._last_calls]
        )

    def _sources(self, block: Block) -> Array:
        return self.a[block.sources] if isinstance(block.sources, slice) else self._gathered[block.offset]

    def _compile_forward(self) -> Program:
        program: Program = []
        for depth, level in enumerate(self.plan.levels):
            for block in level.blocks if depth else ():
                if not isinstance(block.sources, slice):
                    program.append((self.a.take, (block.sources, 0, self._gathered[block.offset], "clip")))
                program.append((self.matrices[block.offset][0].dot, (self._sources(block), self.z[block.rows])))
            for segment in level.segments:
                program += segment.activation.forward(self.z[segment.rows], self.raw[segment.rows])
            if self.mask is not None:
                rows = level.rows
                program.append((np.multiply, (self.raw[rows], self.mask[rows], self.a[rows])))
        return program

    def _segments(self, depth: int) -> list[Segment]:
        """The segments whose dL/dz comes from their dL/da, not from the loss alone."""
        joint = set(self._joint)
        return [s for s in self.plan.levels[depth].segments if not (s.last and s.rows.start in joint)]

    def _compile_slopes(self) -> Program:
        """One program per activation for all levels that follow one another."""
        spans: list[tuple[slice, Activation]] = []
        ones = set(self.plan.ones.tolist())
        for depth in range(len(self.plan.levels)):
            for segment in self._segments(depth):
                rows = segment.rows
                if segment.activation.coupled:
                    continue
                if spans and spans[-1][1] is segment.activation:
                    former = spans[-1][0]
                    if former.stop == rows.start or (former.stop + 1 == rows.start and former.stop in ones):
                        spans[-1] = (slice(former.start, rows.stop), segment.activation)
                        continue
                spans.append((rows, segment.activation))
        program: Program = []
        for rows, activation in spans:
            program += activation.slope(self.z[rows], self.raw[rows], self.slope[rows])
        return program

    def _compile_backward(self) -> Program:
        program = self._compile_slopes()
        # The rows of a_grad that hold something of this pass: the first to come writes, later ones add.
        touched = np.zeros(self.plan.row_count, bool)
        touched[self.plan.output_rows] = True
        touched[self._joint] = False
        for depth in range(len(self.plan.levels) - 1, -1, -1):
            program += self._compile_z_grad(depth)
            for block in self.plan.levels[depth].blocks:
                weights, gradient = self.matrices[block.offset]
                delta = self.z_grad[block.rows]
                if depth:
                    program.append((delta.dot, (self._sources(block).T, gradient)))
                if block.feeds_back:
                    program += self._compile_pull(block, weights, delta, touched)
        return program

    def _compile_z_grad(self, depth: int) -> Program:
        program: Program = []
        level = self.plan.levels[depth]
        segments = self._segments(depth)
        if not segments:
            return program
        if self.mask is not None:
            rows = level.rows
            program.append((np.multiply, (self.a_grad[rows], self.mask[rows], self.raw_grad[rows])))
        spans: list[slice] = []
        for segment in segments:
            rows = segment.rows
            if segment.activation.vjp is not None:
                arrays = (self.z[rows], self.raw[rows], self.raw_grad[rows], self.z_grad[rows])
                program += segment.activation.vjp(*arrays)
            elif spans and spans[-1].stop == rows.start:
                spans[-1] = slice(spans[-1].start, rows.stop)
            else:
                spans.append(rows)
        for rows in spans:
            program.append((np.multiply, (self.raw_grad[rows], self.slope[rows], self.z_grad[rows])))
        # Outputs that also feed others have dL/dz both from the loss and from those.
        for segment in segments:
            for place, row in enumerate(self._joint):
                if segment.rows.start <= row < segment.rows.stop:
                    own = self.z_grad[row]
                    program.append((np.add, (own, self.joint_grad[place], own)))
        return program

    def _compile_pull(self, block: Block, weights: Array, delta: Array, touched: NDArray[np.bool_]) -> Program:
        """dL/da of a block's sources: the products with its dL/dz, written or added to what others gave."""
        if not isinstance(block.sources, slice):
            index = block.sources
            pulled = self._pulled[: len(index)]
            fresh = index[~touched[index]]
            touched[index] = True

            def scatter() -> None:
                self.a_grad[fresh] = 0.0
                self.a_grad[index] += pulled

            return [(weights.T.dot, (delta, pulled)), (scatter, ())]
        # The inputs need no gradient.
        start = max(block.sources.start, self.plan.first_rows)
        stop = block.sources.stop
        back = weights[:, start - block.sources.start :].T
        before = touched[start:stop].copy()
        touched[start:stop] = True
        if not before.any():
            return [(back.dot, (delta, self.a_grad[start:stop]))]
        pulled = self._pulled[: stop - start]
        program: Program = [(back.dot, (delta, pulled))]
        edges = [0, *(np.flatnonzero(np.diff(before)) + 1).tolist(), stop - start]
        for first, end in pairwise(edges):
            own, part = self.a_grad[start + first : start + end], pulled[first:end]
            program.append((np.add, (own, part, own)) if before[first] else (np.copyto, (own, part)))
        return program

    def _compile_masks(self) -> Program:
        """What follows the products: absent edges get no gradient, and tied ones that of all."""
        program: Program = []
        for start, stop, mask in self.plan.gradient_masks():
            part = self._gradient[start:stop]
            program.append((np.multiply, (part, mask.astype(part.dtype), part)))
        gradient = self._gradient

        def share(positions: NDArray[np.intp]) -> None:
            gradient[positions] = gradient[positions].sum()

        return [*program, *((share, (positions,)) for positions in self.plan.ties)]


def _matrix(vector: Array, block: Block) -> Array:
    return vector[block.offset : block.offset + block.size].reshape(block.shape)


class OutputLosses:
    """The loss at the outputs of a plan: one share each, of which the `joint` ones come from the pre-activations."""

    def __init__(self, plan: Plan, loss: Loss, *, mean: bool) -> None:
        outputs = plan.network.outputs
        self.loss = loss
        self.mean = mean
        self.output_divisor = len(outputs) if loss.mean and outputs else 1
        joint = [n.activation == loss.joint_activation for n in outputs]
        self.joint, self.plain = np.flatnonzero(joint), np.flatnonzero(np.logical_not(joint))
        rows = np.arange(plan.row_count)[plan.output_rows]
        self.joint_rows: list[int] = rows[self.joint].tolist()
        self._joint_rows, self._plain_rows = rows[self.joint], rows[self.plain]
        self._rows = plan.output_rows
        last = not any(plan.network.outgoing(n.id) for n in outputs)
        # In one go where all outputs are of one kind and stand together.
        self._alike: bool | None = None
        if isinstance(self._rows, slice) and (not any(joint) or (all(joint) and last)):
            self._alike = all(joint)

    def divisor(self, batch: int) -> float:
        """What the sum of the shares is divided by."""
        return float(self.output_divisor * batch if self.mean else self.output_divisor)

    def bind(self, work: Workspace) -> Callable[[Array], tuple[Program, Program]]:
        """A function of the targets: the programs that write `total` and what the loss gives to the gradient."""
        steps = None if self._alike is None else self.loss.joint_steps if self._alike else self.loss.steps
        scale = 1.0 / work.divisor
        if steps is not None:
            grad = work.z_grad if self._alike else work.a_grad
            return steps(work.z[self._rows], work.a[self._rows], grad[self._rows], scale, work.total)

        def value(targets: Array) -> None:
            work.total[...] = sum(part.sum() for _, part in self._parts(work, targets))

        def gradient(targets: Array) -> None:
            a, loss = work.a, self.loss
            if len(self.plain):
                work.a_grad[self._plain_rows] = scale * loss.grad(a[self._plain_rows], targets[self.plain])
            if len(self.joint) and loss.joint_grad:
                np.multiply(scale, loss.joint_grad(a[self._joint_rows], targets[self.joint]), work.joint_grad)
                work.z_grad[self._joint_rows] = work.joint_grad

        return lambda targets: ([(value, (targets,))], [(gradient, (targets,))])

    def _parts(self, work: Workspace, targets: Array) -> list[tuple[NDArray[np.intp], Array]]:
        parts = []
        if len(self.plain):
            parts.append((self.plain, self.loss.share(work.a[self._plain_rows], targets[self.plain])))
        if len(self.joint) and self.loss.joint_share:
            parts.append((self.joint, self.loss.joint_share(work.z[self._joint_rows], targets[self.joint])))
        return parts

    def write_shares(self, work: Workspace) -> None:
        """Fill `shares` by the workspace's own targets."""
        for places, part in self._parts(work, work.targets):
            work.shares[places] = part / self.output_divisor
