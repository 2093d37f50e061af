"""Formulas that draw points: each makes the samples of one kind of generated data (see core.generators)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# x of shape (points, inputs) and targets of shape (points, outputs)
Samples = tuple[Array, Array]
# (points, noise, rng, options) to samples
Sampler = Callable[[int, float, np.random.Generator, Mapping[str, int]], Samples]

# Classes


def _sizes(points: int, groups: int) -> list[int]:
    """How many of the points each group gets: equal numbers, the first groups one more where it does not divide."""
    return [len(range(group, points, groups)) for group in range(groups)]


def _labelled(groups: Sequence[Array], labels: Sequence[Sequence[float]], rng: np.random.Generator) -> Samples:
    """The groups in one table, in random order: a batch of rows that follow each other has all classes in it."""
    x = np.concatenate(groups)
    targets = np.concatenate(
        [
            np.tile(np.asarray(label, dtype=np.float64), (len(group), 1))
            for group, label in zip(groups, labels, strict=True)
        ]
    )
    order = rng.permutation(len(x))
    return x[order], targets[order]


def _around(center: tuple[float, float], count: int, deviation: float, rng: np.random.Generator) -> Array:
    return np.asarray(center) + deviation * rng.standard_normal((count, 2))


def _polar(radius: Array | float, angle: Array) -> Array:
    """Points at these distances and angles, the angle counted from the second axis as in the sources below."""
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def gate(truth: tuple[int, int, int, int]) -> Sampler:
    def make(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
        corner = np.arange(points) % 4
        x = np.stack([corner // 2, corner % 2], axis=1) + noise * rng.standard_normal((points, 2))
        return x, np.asarray(truth, dtype=np.float64)[corner][:, np.newaxis]

    return make


def circles(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    groups = []
    for radius, count in zip((1.0, 0.5), _sizes(points, 2), strict=True):
        circle = _polar(radius, np.linspace(0.0, 2.0 * math.pi, count, endpoint=False))
        groups.append(circle + noise * rng.standard_normal(circle.shape))
    return _labelled(groups, [[0.0], [1.0]], rng)


def moons(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    outer, inner = (np.linspace(0.0, math.pi, count) for count in _sizes(points, 2))
    groups = [
        np.stack([np.cos(outer), np.sin(outer)], axis=1),
        np.stack([1.0 - np.cos(inner), 0.5 - np.sin(inner)], axis=1),
    ]
    return _labelled([group + noise * rng.standard_normal(group.shape) for group in groups], [[0.0], [1.0]], rng)


def two_spirals(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    groups = []
    for arm, count in enumerate(_sizes(points, 2)):
        along = np.linspace(0.0, 1.0, count)
        spiral = _polar(0.5 + 4.5 * along, 3.0 * math.pi * along + arm * math.pi)
        groups.append(spiral + noise * rng.standard_normal(spiral.shape))
    return _labelled(groups, [[0.0], [1.0]], rng)


def three_spirals(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    groups = []
    for arm, count in enumerate(_sizes(points, 3)):
        angle = np.linspace(4.0 * arm, 4.0 * (arm + 1), count) + noise * rng.standard_normal(count)
        groups.append(_polar(np.linspace(0.0, 1.0, count), angle))
    return _labelled(groups, np.eye(3).tolist(), rng)


def two_gaussians(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    centers = ((-1.0, -1.0), (1.0, 1.0))
    groups = [_around(center, count, noise, rng) for center, count in zip(centers, _sizes(points, 2), strict=True)]
    return _labelled(groups, [[0.0], [1.0]], rng)


def three_gaussians(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    centers = ((0.0, 1.0), (-0.9, -0.5), (0.9, -0.5))
    groups = [_around(center, count, noise, rng) for center, count in zip(centers, _sizes(points, 3), strict=True)]
    return _labelled(groups, np.eye(3).tolist(), rng)


def planar_flower(points: int, noise: float, rng: np.random.Generator | np.random.RandomState) -> Samples:
    """Two classes on alternate petals of a flower: r = 4 sin 4t, the classes' t from 0 to 3.12 and from 3.12 to 6.24.

    First all rows of class 0, then all of class 1, as in the course. With 400 points, a noise of 0.2 and
    `RandomState(1)` these are the course's own numbers.
    """
    groups = []
    for label, count in enumerate(_sizes(points, 2)):
        angle = np.linspace(label * 3.12, (label + 1) * 3.12, count) + rng.standard_normal(count) * noise
        groups.append(_polar(4.0 * np.sin(4.0 * angle) + rng.standard_normal(count) * noise, angle))
    return np.concatenate(groups), np.repeat([0.0, 1.0], [len(group) for group in groups])[:, np.newaxis]


# TensorFlow Playground. Inputs lie in -6 to 6; two classes are -1 and 1; the noise is its slider's 0 to 50 %.


def playground_circle(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    radius = 5.0
    inside, outside = _sizes(points, 2)
    distance = np.concatenate(
        [rng.uniform(0.0, 0.5 * radius, inside), rng.uniform(0.7 * radius, radius, outside)],
    )
    x = _polar(distance, rng.uniform(0.0, 2.0 * math.pi, points))
    # The noise moves a point only while its class is looked up, here and in the sets below.
    moved = x + noise * rng.uniform(-radius, radius, x.shape)
    return _with_sign(x, np.hypot(moved[:, 0], moved[:, 1]) < 0.5 * radius, rng)


def playground_xor(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    x = rng.uniform(-5.0, 5.0, (points, 2))
    x += np.where(x > 0.0, 0.3, -0.3)
    moved = x + noise * rng.uniform(-5.0, 5.0, x.shape)
    return _with_sign(x, moved[:, 0] * moved[:, 1] >= 0.0, rng)


def playground_gauss(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    # A variance of 0.5 without noise, and of 4 with the most.
    deviation = math.sqrt(0.5 + 7.0 * noise)
    centers = ((2.0, 2.0), (-2.0, -2.0))
    groups = [_around(center, count, deviation, rng) for center, count in zip(centers, _sizes(points, 2), strict=True)]
    return _labelled(groups, [[1.0], [-1.0]], rng)


def playground_spiral(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    groups = []
    for arm, count in enumerate(_sizes(points, 2)):
        along = np.arange(count) / (points / 2)
        spiral = _polar(5.0 * along, 1.75 * along * 2.0 * math.pi + arm * math.pi)
        groups.append(spiral + noise * rng.uniform(-1.0, 1.0, spiral.shape))
    return _labelled(groups, [[1.0], [-1.0]], rng)


def playground_plane(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    x = rng.uniform(-6.0, 6.0, (points, 2))
    moved = x + noise * rng.uniform(-6.0, 6.0, x.shape)
    return x, moved.sum(axis=1, keepdims=True) / 10.0


def playground_hills(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    x = rng.uniform(-6.0, 6.0, (points, 2))
    moved = x + noise * rng.uniform(-6.0, 6.0, x.shape)
    centers = np.asarray([(-4.0, 2.5), (0.0, 2.5), (4.0, 2.5), (-4.0, -2.5), (0.0, -2.5), (4.0, -2.5)])
    signs = np.asarray([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    distance = np.linalg.norm(moved[:, np.newaxis] - centers, axis=2)
    # A cone of height 1 and radius 2 around each centre; the one that reaches furthest from 0 counts.
    height = np.maximum(0.0, 1.0 - distance / 2.0)
    highest = height.argmax(axis=1)[:, np.newaxis]
    return x, signs[highest] * np.take_along_axis(height, highest, axis=1)


def _with_sign(x: Array, positive: NDArray[np.bool_], rng: np.random.Generator) -> Samples:
    order = rng.permutation(len(x))
    return x[order], np.where(positive, 1.0, -1.0)[order][:, np.newaxis]


# Regression


def sine(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    x = rng.uniform(-math.pi, math.pi, (points, 1))
    return x, np.sin(x) + noise * rng.standard_normal(x.shape)


def polynomial(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    x = rng.uniform(-1.0, 1.0, (points, 1))
    y = np.cos(options["degree"] * np.arccos(x))
    return x, y + noise * rng.standard_normal(x.shape)


def random(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    return (
        rng.uniform(-1.0, 1.0, (points, options["inputs"])),
        rng.uniform(-1.0, 1.0, (points, options["outputs"])),
    )
