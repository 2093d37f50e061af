"""Updates per second of the engine, beside scikit-learn and PyTorch in the same run.

Run as ``python benchmarks/engine.py``; see benchmarks/README.md. An update is forward pass, loss value, backward
pass and a step of gradient descent, on one thread, from the same data.
"""

# ruff: noqa: E402
# The number of threads and the path have to be set before the imports.
from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.page import make_section, write_section
from core.engine import Engine
from core.network import Edge, Network, Neuron, Role
from core.optimizers import OPTIMIZERS, Stepper
from core.plan import compile_network

try:
    from core import fast_kernel
except ImportError:
    HAS_KERNEL = False
else:
    HAS_KERNEL = fast_kernel.available()

ROUNDS = 7
# Seconds that each contestant gets in a round.
SLICE = 0.15
LEARNING_RATE = 0.01

Array = NDArray[np.float64]
# Makes this many updates.
Updates = Callable[[int], None]


@dataclass(frozen=True)
class Case:
    """One row: a layered network, its loss and its batches; `rows` samples are gone through again and again."""

    sizes: tuple[int, ...]
    hidden: str
    output: str
    loss: str
    batch: int
    rows: int

    @property
    def title(self) -> str:
        """The network and its batch in a few words."""
        short = {"mean_squared_error": "MSE", "binary_cross_entropy": "BCE", "cross_entropy": "CE"}[self.loss]
        functions = self.hidden if self.hidden == self.output else f"{self.hidden} {self.output}"
        return f"{'-'.join(map(str, self.sizes))} {functions}, {short}, batch {self.batch}"

    def data(self) -> tuple[Array, Array]:
        """Inputs (rows, inputs) and targets (rows, outputs)."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.rows, self.sizes[0]))
        kinds = rng.integers(0, max(2, self.sizes[-1]), self.rows)
        targets = np.eye(self.sizes[-1])[kinds] if self.loss == "cross_entropy" else kinds[:, np.newaxis] * 1.0
        return x, targets

    @property
    def starts(self) -> list[int]:
        """The first rows of the batches."""
        return list(range(0, self.rows, self.batch))


CASES = (
    Case((2, 2, 1), "sigmoid", "sigmoid", "mean_squared_error", 1, 4),
    Case((2, 4, 1), "tanh", "sigmoid", "binary_cross_entropy", 400, 400),
    Case((2, 8, 8, 8, 1), "tanh", "tanh", "mean_squared_error", 10, 200),
    Case((784, 128, 10), "relu", "softmax", "cross_entropy", 64, 640),
    Case((784, 512, 512, 10), "relu", "softmax", "cross_entropy", 128, 1280),
)


def draw(sizes: tuple[int, ...], hidden: str, output: str) -> Network:
    """A network of full layers in the form that drawing gives: single neurons and single edges."""
    rng = np.random.default_rng(1)
    layers = [[f"n{depth}.{k}" for k in range(size)] for depth, size in enumerate(sizes)]
    neurons = []
    for depth, layer in enumerate(layers):
        role = Role.INPUT if not depth else Role.OUTPUT if depth == len(layers) - 1 else Role.HIDDEN
        activation = {Role.INPUT: "linear", Role.HIDDEN: hidden, Role.OUTPUT: output}[role]
        neurons += [(Neuron(name, role, activation), 0.0, (float(depth), float(k))) for k, name in enumerate(layer)]
    edges = [
        (Edge(f"{source}-{target}", source, target), rng.normal() / np.sqrt(len(sources)))
        for sources, targets in pairwise(layers)
        for target in targets
        for source in sources
    ]
    return Network.build(neurons, edges)


def draw_free(levels: int, width: int, count: int) -> Network:
    """A tanh network of 2 inputs, `levels` levels and one output with `count` edges that skip levels at random."""
    rng = np.random.default_rng(2)
    layers = [["x", "y"], *([f"h{depth}.{k}" for k in range(width)] for depth in range(levels - 1)), ["o"]]
    pairs = {(rng.choice(sources), target) for sources, targets in pairwise(layers) for target in targets}
    pairs |= {(source, targets[0]) for sources, targets in pairwise(layers) for source in sources}
    depth_of = {name: depth for depth, layer in enumerate(layers) for name in layer}
    names = list(depth_of)
    while len(pairs) < count:
        source, target = rng.choice(names, 2)
        if depth_of[source] < depth_of[target]:
            pairs.add((source, target))
    neurons = []
    for name, depth in depth_of.items():
        role = Role.INPUT if not depth else Role.OUTPUT if name == "o" else Role.HIDDEN
        neurons.append((Neuron(name, role, "tanh" if depth else "linear"), 0.0, (float(depth), 0.0)))
    edges = [(Edge(f"{s}-{t}", str(s), str(t)), rng.normal() / 2) for s, t in sorted(pairs)]
    return Network.build(neurons, edges)


# ------------------------------------------------------------------------------------------------ contestants


def engine_updates(network: Network, case: Case, dtype: str) -> Updates:
    """This program's engine, as training runs it."""
    engine = Engine(compile_network(network), loss=case.loss, dtype=dtype)
    engine.load(network.values)
    engine.bind(*case.data())
    stepper = Stepper(OPTIMIZERS["sgd"], engine.plan.size, dtype=dtype)
    starts, batch = case.starts, case.batch

    def updates(count: int) -> None:
        parameters, gradient, step, pass_rows = engine.parameters, engine.gradient, stepper.step, engine.pass_rows
        with np.errstate(all="ignore"):
            for k in range(count):
                start = starts[k % len(starts)]
                pass_rows(start, start + batch)
                step(parameters, gradient, LEARNING_RATE)

    return updates


def kernel_updates(network: Network, case: Case) -> Updates:
    """The compiled kernel: all updates of a slice in one call."""
    plan = compile_network(network)
    x, targets = case.data()
    kernel = fast_kernel.FastKernel(
        plan, loss=case.loss, mean=True, x=x, targets=targets, trainable=None, optimizer="sgd", options={}
    )
    parameters, order = plan.pack(network.values), np.arange(case.rows)

    def updates(count: int) -> None:
        kernel.run(parameters, [], 0, order=order, size=case.batch, batch=0, count=count, rate=LEARNING_RATE)

    return updates


def torch_updates(case: Case) -> Updates:
    """PyTorch as its tutorials write it: eager, float32."""
    functions = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}
    layers: list[torch.nn.Module] = []
    for depth, (sources, targets) in enumerate(pairwise(case.sizes)):
        layers.append(torch.nn.Linear(sources, targets))
        name = case.hidden if depth < len(case.sizes) - 2 else case.output
        # The stable losses take what comes before the last activation.
        if depth < len(case.sizes) - 2 or case.loss == "mean_squared_error":
            layers.append(functions[name]())
    model = torch.nn.Sequential(*layers)
    losses = {
        "mean_squared_error": torch.nn.MSELoss,
        "binary_cross_entropy": torch.nn.BCEWithLogitsLoss,
        "cross_entropy": torch.nn.CrossEntropyLoss,
    }
    criterion = losses[case.loss]()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    x, t = case.data()
    inputs = torch.tensor(x, dtype=torch.float32)
    targets = torch.tensor(t.argmax(axis=1)) if case.loss == "cross_entropy" else torch.tensor(t, dtype=torch.float32)
    starts, batch = case.starts, case.batch

    def updates(count: int) -> None:
        for k in range(count):
            start = starts[k % len(starts)]
            optimizer.zero_grad()
            loss = criterion(model(inputs[start : start + batch]), targets[start : start + batch])
            loss.backward()
            optimizer.step()
            loss.item()

    return updates


def sklearn_updates(case: Case) -> Updates:
    """scikit-learn's `partial_fit` on one batch at a time; float32 where its classifier takes it."""
    kind = MLPRegressor if case.loss == "mean_squared_error" else MLPClassifier
    model = kind(
        hidden_layer_sizes=case.sizes[1:-1],
        activation="logistic" if case.hidden == "sigmoid" else case.hidden,
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        batch_size=case.batch,
    )
    x, t = case.data()
    inputs = x.astype(np.float32)
    targets = t.argmax(axis=1) if case.loss == "cross_entropy" else t.ravel()
    more = {} if kind is MLPRegressor else {"classes": np.unique(targets)}
    starts, batch = case.starts, case.batch

    def updates(count: int) -> None:
        for k in range(count):
            start = starts[k % len(starts)]
            model.partial_fit(inputs[start : start + batch], targets[start : start + batch], **more)

    return updates


# ------------------------------------------------------------------------------------------------ measurement


def seconds(updates: Updates, count: int) -> float:
    """What `count` updates take."""
    start = time.perf_counter()
    updates(count)
    return time.perf_counter() - start


def measure(contestants: dict[str, Updates], rounds: int) -> list[dict[str, float]]:
    """Microseconds per update, for each round; in a round all take their turns, so that what slows one slows all."""
    counts = {}
    for name, updates in contestants.items():
        updates(3)
        count = 4
        while (taken := seconds(updates, count)) < SLICE / 10:
            count *= 2
        counts[name] = max(1, round(count * SLICE / taken))
    return [{n: 1e6 * seconds(u, counts[n]) / counts[n] for n, u in contestants.items()} for _ in range(rounds)]


def row(case: Case, rounds: int) -> str:
    """One row of the table."""
    network = draw(case.sizes, case.hidden, case.output)
    contestants = {
        "float64": engine_updates(network, case, "float64"),
        "float32": engine_updates(network, case, "float32"),
    }
    if HAS_KERNEL:
        contestants["kernel"] = kernel_updates(network, case)
    contestants |= {"sklearn": sklearn_updates(case), "torch": torch_updates(case)}
    measured = measure(contestants, rounds)
    ratios = [statistics.median(times["torch"] / times[name] for times in measured) for name in contestants]
    base = statistics.median(times["torch"] for times in measured)
    cells = [f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}" for ratio in ratios[:-1]]
    return f"| {case.title} | {' | '.join(cells)} | {1e6 / base:,.0f} |"


def further_level(rounds: int) -> str:
    """What a free graph of as many edges costs beside full layers, as a sentence."""
    case = CASES[2]
    full = draw(case.sizes, case.hidden, case.output)
    deep = draw_free(20, 3, len(full.edges))
    measured = measure(
        {"full": engine_updates(full, case, "float64"), "deep": engine_updates(deep, case, "float64")}, rounds
    )
    further = len(compile_network(deep).levels) - len(compile_network(full).levels)
    costs = [(times["deep"] - times["full"]) / further for times in measured]
    cost = statistics.median(costs)
    return (
        f"A free graph pays by its levels: with the {len(full.edges)} edges of the third row between "
        f"{len(compile_network(deep).levels)} levels, a third of which skip some, "
        f"{cost:.1f} us per further level and update."
    )


def blas() -> str:
    """The library of numpy's products and the kernel that it chose for this processor."""
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["internal_api"] == "openblas" and "numpy" in library["filepath"]:
            return f"OpenBLAS {library['version']} for {library['architecture']}"
    return "BLAS unknown"


def report(rows: list[str], free: str, rounds: int) -> str:
    """The section for docs/benchmarks.md."""
    names = ["engine, float64", "engine, float32", *(["compiled kernel"] if HAS_KERNEL else []), "scikit-learn"]
    return make_section(
        "Engine",
        [
            "Parameter updates per second relative to PyTorch eager, and PyTorch's own number. An update is forward",
            "pass, loss value, backward pass and a step of gradient descent, on one thread; the networks are free",
            "graphs of neurons and edges, compiled. PyTorch computes in float32, as people use it, with the loss",
            "that takes logits where there is one; scikit-learn makes one update per `partial_fit` (its regressor has",
            f"a linear output). Medians of the ratios within {rounds} rounds, in which all take turns.",
            "",
            f"| network | {' | '.join(names)} | PyTorch, updates per second |",
            f"| --- | {' | '.join('---:' for _ in names)} | ---: |",
            *rows,
            "",
            free,
        ],
        script="engine.py",
        versions=[
            f"numpy {np.__version__} ({blas()})",
            f"PyTorch {torch.__version__}",
            f"scikit-learn {sklearn.__version__}",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of which the median is taken")
    parser.add_argument("--dry-run", action="store_true", help="print, but leave docs/benchmarks.md alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    rows = []
    for case in CASES:
        rows.append(row(case, options.rounds))
        print(rows[-1], flush=True)
    section = report(rows, further_level(options.rounds), options.rounds)
    print(section)
    if not options.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
