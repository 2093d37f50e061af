"""The engine against PyTorch's autograd: the same random networks, built neuron by neuron from torch's operations."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import Case, cases
from hypothesis import assume, event, given
from numpy.typing import NDArray

from core.engine import Engine
from core.losses import HUBER_DELTA, LOSSES
from core.plan import compile_network

torch = pytest.importorskip("torch")
F = torch.nn.functional

TOLERANCE = 1e-10
# torch's softplus computes exp(z) up to its threshold, which must not overflow.
SOFTPLUS_THRESHOLD = 700.0

ACTIVATIONS = {
    "linear": lambda z: z * 1.0,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "softplus": lambda z: F.softplus(z, threshold=SOFTPLUS_THRESHOLD),
    "gelu": lambda z: F.gelu(z, approximate="none"),
    "silu": F.silu,
    "sine": torch.sin,
    # Plus 0 z, so that autograd follows the activation on, with the derivative 0.
    "step": lambda z: (z > 0).to(z.dtype) + 0.0 * z,
}
LOSSES_BY_NAME = {
    "half_squared_error": lambda a, t: 0.5 * F.mse_loss(a, t, reduction="sum"),
    "half_mean_squared_error": lambda a, t: 0.5 * F.mse_loss(a, t, reduction="sum"),
    "squared_error": lambda a, t: F.mse_loss(a, t, reduction="sum"),
    "mean_squared_error": lambda a, t: F.mse_loss(a, t, reduction="sum"),
    "mean_absolute_error": lambda a, t: F.l1_loss(a, t, reduction="sum"),
    "huber": lambda a, t: F.huber_loss(a, t, delta=HUBER_DELTA, reduction="sum"),
    "binary_cross_entropy": lambda a, t: F.binary_cross_entropy(a, t, reduction="sum"),
    "summed_binary_cross_entropy": lambda a, t: F.binary_cross_entropy(a, t, reduction="sum"),
    "cross_entropy": lambda a, t: -(t * torch.log(a)).sum(),
}
JOINT_LOSSES = {
    "sigmoid": lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="sum"),
    "softmax": lambda z, t: F.cross_entropy(z, t, reduction="sum"),
}


class TorchNetwork:
    """The same network as torch tensors, one row of a batch per sample."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.network = case.network
        self.parameters = {
            name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
            for name, value in case.network.values.items()
        }
        self.z: dict[str, torch.Tensor] = {}
        self.a: dict[str, torch.Tensor] = {
            neuron.id: torch.tensor(case.x[:, k].copy(), requires_grad=True)
            for k, neuron in enumerate(case.network.inputs)
        }
        for members in case.network.levels():
            self._pass_level([n for n in members if n not in self.a])
        self.loss = self._loss()
        self.loss.backward()

    def _pass_level(self, members: list[str]) -> None:
        for neuron_id in members:
            z = self.parameters[neuron_id] + torch.zeros(len(self.case.x), dtype=torch.float64)
            for edge in self.network.incoming(neuron_id):
                z = z + self.parameters[edge.parameter] * self.a[edge.source]
            z.retain_grad()
            self.z[neuron_id] = z
        softmax = [n for n in members if self.network.neurons[n].activation == "softmax"]
        if softmax:
            together = torch.softmax(torch.stack([self.z[n] for n in softmax], dim=1), dim=1)
            self.a.update({n: together[:, k] * 1.0 for k, n in enumerate(softmax)})
        for neuron_id in members:
            if neuron_id not in softmax:
                self.a[neuron_id] = ACTIVATIONS[self.network.neurons[neuron_id].activation](self.z[neuron_id])
            self.a[neuron_id].retain_grad()

    def _loss(self) -> torch.Tensor:
        loss = LOSSES[self.case.loss]
        outputs = self.network.outputs
        targets = torch.tensor(self.case.targets)
        joint = [k for k, n in enumerate(outputs) if n.activation == loss.joint_activation]
        plain = [k for k in range(len(outputs)) if k not in joint]
        total = torch.zeros((), dtype=torch.float64, requires_grad=True) * 1.0
        if plain:
            activations = torch.stack([self.a[outputs[k].id] for k in plain], dim=1)
            total = total + LOSSES_BY_NAME[loss.name](activations, targets[:, plain])
        if joint:
            logits = torch.stack([self.z[outputs[k].id] for k in joint], dim=1)
            total = total + JOINT_LOSSES[loss.joint_activation](logits, targets[:, joint])
        if loss.mean:
            total = total / len(outputs)
        return total / len(self.case.x) if self.case.mean else total

    @staticmethod
    def grad(tensor: torch.Tensor) -> NDArray[np.float64]:
        """A tensor's gradient, 0 where no path leads from it to the loss."""
        return (torch.zeros_like(tensor) if tensor.grad is None else tensor.grad).numpy()


def engine_after_passes(case: Case) -> tuple[Engine, float]:
    engine = Engine(compile_network(case.network), loss=case.loss, mean=case.mean)
    engine.load(case.network.values)
    engine.forward(case.x)
    loss = engine.loss_value(case.targets)
    engine.backward()
    return engine, loss


def deviation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """The largest relative deviation, in which numbers below a thousandth of the largest count as that much.

    Sums whose terms cancel cannot agree in all digits when they are added in another order, and where all
    cancel (the gradient of a softmax whose outputs are all too low, say) nothing but rounding is left.
    """
    floor = 1e-3 * max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), floor), initial=0.0))


def stays_off_the_margin(case: Case, engine: Engine) -> bool:
    """Whether no logarithm of an activation is taken near 0 and 1, where our limit and torch's differ."""
    loss = LOSSES[case.loss]
    plain = [n.activation != loss.joint_activation for n in case.network.outputs]
    a = engine.forward(case.x)[:, plain]
    return not loss.probabilities or bool(np.all((a > 1e-9) & (a < 1.0 - 1e-9)))


@given(cases())
def test_loss_activations_and_gradients_agree_with_autograd(case: Case) -> None:
    engine, loss = engine_after_passes(case)
    assume(stays_off_the_margin(case, engine))
    theirs = TorchNetwork(case)
    event(f"loss {case.loss}")
    work, rows = engine.workspace, engine.plan.rows
    computed = [n.id for n in case.network.neurons.values() if n.role != "input"]
    row = [rows[n] for n in computed]
    gradient = engine.plan.unpack(engine.gradient)
    pairs = {
        "loss": (np.array(loss), theirs.loss.item()),
        "z": (work.z[row], [theirs.z[n].tolist() for n in computed]),
        "a": (work.a[row], [theirs.a[n].tolist() for n in computed]),
        "dL/dz": (work.z_grad[row], [theirs.grad(theirs.z[n]) for n in computed]),
        "dL/da": (work.a_grad[row], [theirs.grad(theirs.a[n]) for n in computed]),
        "dL/dparameter": (
            np.array(list(gradient.values())),
            [theirs.grad(theirs.parameters[n]) for n in gradient],
        ),
    }
    deviations = {name: deviation(ours, np.array(expected)) for name, (ours, expected) in pairs.items()}
    assert {name: value for name, value in deviations.items() if not value < TOLERANCE} == {}


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mean_squared_error", torch.nn.MSELoss()),
        ("mean_absolute_error", torch.nn.L1Loss()),
        ("huber", torch.nn.HuberLoss()),
        ("binary_cross_entropy", torch.nn.BCELoss()),
    ],
)
def test_a_loss_with_the_mean_over_outputs_and_batch_is_the_default_of_torch(
    name: str, module: torch.nn.Module
) -> None:
    rng = np.random.default_rng(5)
    a, t = rng.random((3, 7)) * (1.0 if LOSSES[name].probabilities else 4.0), rng.random((3, 7))
    activations = torch.tensor(a, requires_grad=True)
    expected = module(activations, torch.tensor(t))
    expected.backward()
    assert LOSSES[name].mean
    assert LOSSES[name].share(a, t).sum() / a.size == pytest.approx(expected.item(), rel=1e-14)
    np.testing.assert_allclose(LOSSES[name].grad(a, t) / a.size, activations.grad.numpy(), rtol=1e-12)
