"""Generated data: the table of generators. The same seed gives the same numbers, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core import samplers
from core.digits import SIDE, WAYS, digits
from core.errors import DataError
from core.samplers import Array, Sampler

Task = Literal["classes", "binary", "regression"]

MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class GeneratorOption:
    """One more number that a generator takes, with its range, both ends included."""

    name: str
    title: str
    default: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Generator:
    """One kind of generated data.

    `make(points, noise, rng, options)` gives x (points, inputs) and targets (points, outputs). Targets: 0 and 1
    (-1 and 1 for TensorFlow Playground's sets) in one column for two classes, one column a class for more, any
    number for regression. `inputs` and `outputs` name the columns with the default options; `noise_title` says
    what the noise is.
    """

    name: str
    title: str
    description: str
    task: Task
    make: Sampler
    points: int
    noise: float
    most_noise: float
    noise_title: str = "Standard deviation of the noise"
    inputs: tuple[str, ...] = ("x1", "x2")
    outputs: tuple[str, ...] = ("y",)
    options: tuple[GeneratorOption, ...] = ()
    least_points: int = 4
    source: str = ""


@dataclass(frozen=True, slots=True)
class GeneratedData:
    """Generated samples: the columns' names, x of shape (points, inputs) and targets of shape (points, outputs)."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    x: Array
    targets: Array


def generate(
    name: str, *, points: int | None = None, noise: float | None = None, seed: int = 1, **options: int
) -> GeneratedData:
    """Make the data of the generator `name`; what is left out is its default.

    Raises DataError for a number out of range, KeyError for an unknown generator or option.
    """
    generator = GENERATORS[name]
    points = generator.points if points is None else points
    noise = generator.noise if noise is None else noise
    if not generator.least_points <= points <= MOST_POINTS:
        raise DataError(f"{points:,} points are not possible: choose {generator.least_points} to {MOST_POINTS:,}.")
    if not 0.0 <= noise <= generator.most_noise:
        raise DataError(f"A noise of {noise:g} is not possible: choose 0 to {generator.most_noise:g}.")
    if seed < 0:
        raise DataError(f"The seed {seed} is negative: choose 0 or more.")
    values = {option.name: option.default for option in generator.options}
    for option in generator.options:
        value = values[option.name] = options.pop(option.name, option.default)
        if not option.low <= value <= option.high:
            raise DataError(f"{option.title}: {value} is not possible, choose {option.low} to {option.high}.")
    if options:
        raise KeyError(next(iter(options)))
    x, targets = generator.make(points, noise, np.random.default_rng(seed), values)
    return GeneratedData(
        _names("x", generator.inputs, x.shape[1]), _names("y", generator.outputs, targets.shape[1]), x, targets
    )


def _names(letter: str, usual: tuple[str, ...], count: int) -> tuple[str, ...]:
    return usual if len(usual) == count else tuple(f"{letter}{number}" for number in range(1, count + 1))


_PLAYGROUND = "TensorFlow Playground (playground.tensorflow.org), src/dataset.ts, Apache License 2.0"
_SCIKIT = "as in scikit-learn's sklearn.datasets"
_SLIDER = "Noise, where 0.5 is Playground's 50 %"
_ANGLES = "Standard deviation of the angle's noise"

GENERATORS: dict[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator("and", "AND", "1 where both inputs are 1.", "binary", samplers.gate((0, 0, 0, 1)), 4, 0.0, 1.0),
        Generator("or", "OR", "1 where one input or both are 1.", "binary", samplers.gate((0, 1, 1, 1)), 4, 0.0, 1.0),
        Generator(
            "xor",
            "XOR",
            "1 where exactly one input is 1: no straight line parts the classes.",
            "binary",
            samplers.gate((0, 1, 1, 0)),
            4,
            0.0,
            1.0,
        ),
        Generator(
            "circles",
            "Circles",
            "One circle inside another.",
            "binary",
            samplers.circles,
            200,
            0.08,
            1.0,
            source=f"{_SCIKIT}.make_circles",
        ),
        Generator(
            "moons",
            "Moons",
            "Two half circles that reach into each other.",
            "binary",
            samplers.moons,
            200,
            0.1,
            1.0,
            source=f"{_SCIKIT}.make_moons",
        ),
        Generator(
            "two_spirals",
            "Two spirals",
            "Two spirals wound around each other, one and a half turns each.",
            "binary",
            samplers.two_spirals,
            200,
            0.1,
            2.0,
            source="after Lang and Witbrock (1988), Learning to tell two spirals apart",
        ),
        Generator(
            "three_spirals",
            "Three spirals",
            "Three spirals, a class each.",
            "classes",
            samplers.three_spirals,
            300,
            0.2,
            2.0,
            _ANGLES,
            outputs=("c1", "c2", "c3"),
            least_points=6,
            source="Stanford's course CS231n, Putting it together: minimal neural network case study",
        ),
        Generator(
            "gaussians",
            "Two Gaussians",
            "Two round clouds, a class each.",
            "binary",
            samplers.two_gaussians,
            200,
            0.5,
            5.0,
            "Standard deviation of each cloud",
        ),
        Generator(
            "blobs",
            "Three Gaussians",
            "Three round clouds, a class each.",
            "classes",
            samplers.three_gaussians,
            300,
            0.3,
            5.0,
            "Standard deviation of each cloud",
            outputs=("c1", "c2", "c3"),
            least_points=6,
        ),
        Generator(
            "planar",
            "Planar flower, random",
            "Two classes on the petals of a flower, drawn anew with your seed.",
            "binary",
            lambda points, noise, rng, options: samplers.planar_flower(points, noise, rng),
            400,
            0.2,
            2.0,
            "Standard deviation of the angle's and the radius's noise",
            source="deeplearning.ai, Neural Networks and Deep Learning, week 3: planar data classification",
        ),
        Generator(
            "playground_circle",
            "Playground: circle",
            "A disc inside a ring, labelled 1 and -1.",
            "binary",
            samplers.playground_circle,
            500,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "playground_xor",
            "Playground: exclusive or",
            "1 where both inputs have the same sign, else -1.",
            "binary",
            samplers.playground_xor,
            500,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "playground_gauss",
            "Playground: Gaussian",
            "Two round clouds, labelled 1 and -1.",
            "binary",
            samplers.playground_gauss,
            500,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "playground_spiral",
            "Playground: spiral",
            "Two spirals wound around each other, labelled 1 and -1.",
            "binary",
            samplers.playground_spiral,
            500,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "playground_plane",
            "Playground: plane",
            "The sum of both inputs, divided by 10.",
            "regression",
            samplers.playground_plane,
            1200,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "playground_hills",
            "Playground: multi Gaussian",
            "Three hills and three hollows of height 1 on a plain.",
            "regression",
            samplers.playground_hills,
            1200,
            0.0,
            0.5,
            _SLIDER,
            source=_PLAYGROUND,
        ),
        Generator(
            "digits",
            "Drawn digits (generated)",
            "The digits 0 to 9 as pictures of 8 by 8 pixels, drawn by a formula: no handwriting.",
            "classes",
            digits,
            1797,
            0.8,
            8.0,
            "Standard deviation of the noise of each pixel, whose ink goes from 0 to 16",
            inputs=tuple(f"p{row}{column}" for row in range(SIDE) for column in range(SIDE)),
            outputs=tuple(str(digit) for digit in range(len(WAYS))),
            least_points=10,
        ),
        Generator(
            "sine",
            "Sine",
            "One wave of the sine.",
            "regression",
            samplers.sine,
            100,
            0.1,
            5.0,
            inputs=("x",),
        ),
        Generator(
            "polynomial",
            "Polynomial",
            "A polynomial of the chosen degree that stays between -1 and 1.",
            "regression",
            samplers.polynomial,
            100,
            0.05,
            5.0,
            inputs=("x",),
            options=(GeneratorOption("degree", "Degree", 3, 1, 8),),
            source="Chebyshev polynomials of the first kind: cos(n arccos x)",
        ),
        Generator(
            "random",
            "Random",
            "Random inputs with random targets: nothing to understand, only to learn by heart.",
            "regression",
            samplers.random,
            8,
            0.0,
            0.0,
            inputs=("x1", "x2", "x3"),
            outputs=("y1", "y2"),
            options=(
                GeneratorOption("inputs", "Inputs", 3, 1, 100),
                GeneratorOption("outputs", "Outputs", 2, 1, 50),
            ),
            least_points=1,
        ),
    )
}
