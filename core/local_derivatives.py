"""The derivative along each arrow of the computation: what the chain rule multiplies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.activations import derivative
from core.losses import LOSSES
from core.network import Network
from core.trace import Trace

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LocalDerivatives:
    """The derivative along each arrow of the computation, for some samples: arrays of shape (samples,).

    They are those of the neurons that `neurons` lists, sources before targets, and of the edges that leave these.
    `outputs[n]` is what later neurons read of n: dz/dw of the edges from it. `slopes[n, m]` is da/dz of m with
    respect to z of n: m is n itself, or another output of the same softmax. `masks` are those of dropout. `shares`
    holds dL/da of each output's own share of the loss; `joint` dL/dz where activation and loss are taken together.
    """

    network: Network
    neurons: tuple[str, ...]
    outputs: Mapping[str, Values]
    pre_activations: Mapping[str, Values]
    targets: Mapping[str, Values]
    weights: Mapping[str, Values]
    slopes: Mapping[tuple[str, str], Values]
    masks: Mapping[str, Values]
    shares: Mapping[str, Values]
    joint: Mapping[str, Values]

    def heads(self, neuron: str) -> Sequence[str]:
        """The neurons whose activation depends on a neuron's pre-activation."""
        if self.network.neurons[neuron].activation != "softmax":
            return (neuron,)
        return [n.id for n in self.network.outputs if n.activation == "softmax"]

    def gradients(self) -> tuple[dict[str, Values], dict[str, Values]]:
        """dL/dz and dL/da (before dropout) of the neurons, shape (samples,) each: backpropagation, written plainly."""
        z_grad: dict[str, Values] = {}
        a_grad: dict[str, Values] = {}
        for neuron in reversed(self.neurons):
            total = self.joint.get(neuron, np.zeros(1))
            for head in self.heads(neuron):
                if head not in a_grad:
                    read = self.shares.get(head, np.zeros(1))
                    for edge in self.network.outgoing(head):
                        read = read + self.weights[edge.id] * z_grad[edge.target]
                    a_grad[head] = read * self.masks.get(head, 1.0)
                total = total + self.slopes[neuron, head] * a_grad[head]
            z_grad[neuron] = total
        return z_grad, a_grad


def local_derivatives(trace: Trace, samples: Iterable[int], starts: Iterable[str]) -> LocalDerivatives:
    """The local derivatives on all ways from the pre-activations of the neurons `starts` to the loss."""
    with np.errstate(all="ignore"):
        return _local_derivatives(trace, list(samples), starts)


def _local_derivatives(trace: Trace, samples: Sequence[int], starts: Iterable[str]) -> LocalDerivatives:
    network, plan = trace.network, trace.plan
    passes = [trace.sample_pass(sample) for sample in samples]
    z = np.array([numbers.z for numbers in passes])
    a = np.array([numbers.a for numbers in passes])
    neurons = _reached(network, starts)
    outputs = {n: a[:, plan.rows[n]].astype(np.float64) for n in network.neurons}
    pre_activations = {n: z[:, plan.rows[n]].astype(np.float64) for n in network.neurons if network.has_bias(n)}
    targets = {n.id: np.array([numbers.targets[n.id] for numbers in passes]) for n in network.outputs}
    slopes: dict[tuple[str, str], Values] = {}
    for neuron in neurons:
        name = network.neurons[neuron].activation
        if name == "softmax":
            for other in network.outputs:
                if other.activation == name:
                    slopes[neuron, other.id] = outputs[other.id] * ((other.id == neuron) - outputs[neuron])
        else:
            slopes[neuron, neuron] = derivative(name, pre_activations[neuron]).astype(np.float64)
    reached = set(neurons)
    joint = [n.id for n in network.outputs if n.id in passes[0].joint]
    plain = [n.id for n in network.outputs if n.id in reached and n.id not in passes[0].joint]
    loss = LOSSES[trace.settings.loss]
    divisor = len(network.outputs) if loss.mean else 1
    shares = {n: loss.grad(a[:, plan.rows[n]], targets[n]) / divisor for n in plain}
    own: dict[str, Values] = {}
    if joint and loss.joint_grad:
        rows = [plan.rows[n] for n in joint]
        together = loss.joint_grad(a[:, rows].T, np.array([targets[n] for n in joint])) / divisor
        own = {n: row.astype(np.float64) for n, row in zip(joint, together, strict=True) if n in reached}
    return LocalDerivatives(
        network=network,
        neurons=neurons,
        outputs=outputs,
        pre_activations=pre_activations,
        targets=targets,
        weights={e.id: np.array([passes[0].weight(e.id)]) for n in neurons for e in network.outgoing(n)},
        slopes=slopes,
        masks={n: np.array([numbers.masks[n] for numbers in passes]) for n in neurons if n in passes[0].masks},
        shares={n: share.astype(np.float64) for n, share in shares.items()},
        joint=own,
    )


def _reached(network: Network, starts: Iterable[str]) -> tuple[str, ...]:
    """The neurons that can be come to from `starts`, these included, sources before targets."""
    reached = set(starts)
    ordered: list[str] = []
    for level in network.levels():
        if any(network.neurons[n].activation == "softmax" and n in reached for n in level):
            reached |= {n for n in level if network.neurons[n].activation == "softmax"}
        for neuron in (n for n in level if n in reached):
            ordered.append(neuron)
            reached |= {edge.target for edge in network.outgoing(neuron)}
    return tuple(ordered)
