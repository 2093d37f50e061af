"""Sheets for the tests of what they are rendered to: one with everything in it, and a small one with blanks."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import msgspec

from core.activations import ACTIVATIONS
from core.dataset import Dataset
from core.losses import LOSSES
from core.network import Network
from core.optimizers import OPTIMIZERS
from core.project import Project
from core.project_file import load_project
from core.quantities import Granularity
from core.settings import Settings
from core.sheet import Blank, Block, Figure, Formula, Heading, Sheet, Table
from core.solution import solution
from core.style import Notation, Rounding, Style

EXAMPLES = sorted((Path(__file__).parents[1] / "resources" / "examples").glob("*.nnviz"))
NOTATIONS = (
    Notation(),
    Notation("net", "out", "derivative", "α", "ends", "E"),
    Notation("in", "a", "delta", "lr", "name", "J"),
)
# What names may be made of; the last ones are letters that many fonts lack.
NAMES = ("größe", "a_b-c d'", "ω", "x.y_2''", "日本")
BLANKS = (Blank.RESULT, Blank.NUMBERS, Blank.ALL)


def classic() -> Sheet:
    """The first worked example with nine digits."""
    return solution(load_project(EXAMPLES[0]), style=Style(digits=9))


def _odd(activation: str, settings: Settings, notation: Notation) -> Sheet:
    """A network of unusual names in which all hidden neurons have this activation."""
    network = Network()
    for name in NAMES[:2]:
        network.add_neuron("input", id=name)
    hidden = "sigmoid" if activation == "softmax" else activation
    for name in NAMES[2:]:
        network.add_neuron("hidden", id=name, activation=hidden, bias=-0.125)
    for name in ("o1", "o2"):
        network.add_neuron("output", id=name, bias=0.0)
    for place, name in enumerate(NAMES):
        for target in NAMES[2:] if place < 2 else ("o1", "o2"):
            network.connect(
                name, target, weight=(-0.75) ** (place + 1) * 1e-7 if place == 4 else (-0.75) ** (place + 1)
            )
    if activation == "softmax":
        for name in ("o1", "o2"):
            network.set_activation(name, "softmax")
    network.set_dropout(NAMES[3], 0.25)
    columns = {NAMES[0]: [0.5, -1.5], NAMES[1]: [-2.0, 1e-9], "o1": [0.25, 1.0], "o2": [0.75, 0.0]}
    project = Project(network, Dataset(columns), settings, title="Test & <b>50 %</b> #1_a $x$ *y* {z} ~ ^ \\ 日本")
    return solution(project, style=Style(notation, 6))


@functools.cache
def everything() -> Sheet:
    """Every activation, loss, optimizer, notation and granularity, long sums, many digits, all in one sheet."""
    sheets = [
        _odd(name, Settings(batch_size=place % 2), NOTATIONS[place % 3]) for place, name in enumerate(ACTIVATIONS)
    ]
    sheets += [_small(Settings(loss=loss), NOTATIONS[1]) for loss in LOSSES]
    sheets += [
        _small(Settings(optimizer=optimizer, l1=0.25, l2=0.125), NOTATIONS[place % 3])
        for place, optimizer in enumerate(OPTIMIZERS)
    ]
    sheets += [
        solution(load_project(EXAMPLES[place]), granularity=granularity)
        for place, granularity in ((-1, Granularity.TERM), (-2, Granularity.LAYER), (-3, Granularity.PASS))
    ]
    many = Style(digits=17)
    sheets += [solution(load_project(path), style=many) for path in EXAMPLES[-2:]]
    sheets.append(solution(_wide(), style=many))
    sheets.append(solution(load_project(EXAMPLES[0]), style=many, rounding=Rounding(3)))
    blocks: list[Block] = []
    for sheet in sheets:
        blocks += [Heading(sheet.title), *sheet.blocks]
    return _numbered_anew(sheets[0], blocks)


def _small(settings: Settings, notation: Notation) -> Sheet:
    """One input, two outputs."""
    network = Network()
    network.add_neuron("input", id="x")
    activation = {True: "sigmoid", False: "linear"}[LOSSES[settings.loss].probabilities]
    for name, weight in (("o1", -0.5), ("o2", 0.25)):
        network.add_neuron("output", id=name, activation=activation, bias=0.125)
        network.connect("x", name, weight=weight)
    columns = {"x": [-0.75], "o1": [0.25], "o2": [0.75]}
    return solution(Project(network, Dataset(columns), settings), style=Style(notation, 6))


def _wide() -> Project:
    """Eight inputs to a softmax over eight: sums and fractions as wide as they get."""
    network = Network()
    inputs = [network.add_neuron("input", id=f"x{k}").id for k in range(8)]
    outputs = [network.add_neuron("output", id=f"a rather long name of an output {k}").id for k in range(8)]
    for target in outputs:
        for place, source in enumerate(inputs):
            network.connect(source, target, weight=(-1) ** place / (place + 3))
    for target in outputs:
        network.set_activation(target, "softmax")
    columns = {name: [1 / 7] for name in inputs} | {name: [0.125] for name in outputs}
    return Project(network, Dataset(columns), Settings(loss="cross_entropy"))


def _numbered_anew(sheet: Sheet, blocks: list[Block]) -> Sheet:
    count = itertools.count(1)
    numbered = tuple(
        msgspec.structs.replace(block, number=next(count)) if isinstance(block, Formula) else block for block in blocks
    )
    return msgspec.structs.replace(sheet, blocks=numbered)


def with_blanks(blank: Blank) -> tuple[Sheet, list[str]]:
    """A sheet whose numbers are to be filled in, and those that must not stand in it."""
    formula = Formula(
        1,
        "The pre-activation of h1",
        r"z_{h1} = w_{1} \, a_{i1} + b_{h1}",
        r"= 0.625 \cdot 0.875 + 0.125",
        "= 0.671875",
        "z(h1) = ________",
        blank,
    )
    table = Table(("Neuron", "z", "a"), (("h1", "0.671875", "0.5"), ("h2", "0.25", "0.75")), blanks=frozenset({(0, 1)}))
    secret = ["0.671875"]
    if blank is not Blank.RESULT:
        secret += ["0.625", "0.875", "0.125"]
    return Sheet("Exercise", "", (Figure(0, "The network"), formula, table)), secret
