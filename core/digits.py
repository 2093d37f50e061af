"""Drawn digits: pictures of 0 to 9 in 8 by 8 pixels, generated stroke by stroke. No one's handwriting is in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.samplers import Array, Samples

SIDE = 8
MOST_INK = 16

Point = tuple[float, float]
Stroke = Sequence[Point]

# The ways to write each digit, in strokes: curves through these points, from (-1, -1) at the top left to (1, 1) at the
# bottom right. A stroke that ends where it began is a smooth ring; at a corner one stroke ends and another begins.
WAYS: tuple[tuple[Sequence[Stroke], ...], ...] = (
    (  # 0: an egg, a narrow egg
        [[(0.0, -1.0), (0.62, -0.5), (0.66, 0.35), (0.0, 1.0), (-0.66, 0.35), (-0.62, -0.5), (0.0, -1.0)]],
        [[(0.0, -1.0), (0.44, -0.5), (0.46, 0.4), (0.0, 1.0), (-0.46, 0.4), (-0.44, -0.5), (0.0, -1.0)]],
    ),
    (  # 1: a bar, with a flag, with a flag and a foot
        [[(0.0, -1.0), (0.0, 0.0), (0.0, 1.0)]],
        [[(-0.45, -0.5), (0.1, -1.0)], [(0.1, -1.0), (0.1, 0.0), (0.1, 1.0)]],
        [[(-0.4, -0.55), (0.05, -1.0)], [(0.05, -1.0), (0.05, 0.0), (0.05, 1.0)], [(-0.5, 1.0), (0.55, 1.0)]],
    ),
    (  # 2: with a straight foot, with a loop in it
        [
            [(-0.58, -0.62), (-0.1, -1.0), (0.5, -0.7), (0.4, -0.1), (-0.1, 0.5), (-0.6, 1.0)],
            [(-0.6, 1.0), (0.0, 0.98), (0.65, 1.0)],
        ],
        [
            [(-0.55, -0.7), (0.0, -1.0), (0.5, -0.6), (0.3, 0.0), (-0.25, 0.75)],
            [(-0.25, 0.75), (-0.6, 0.9), (-0.55, 0.5), (-0.05, 0.7), (0.35, 1.0), (0.7, 0.8)],
        ],
    ),
    (  # 3: round, with a flat top
        [
            [(-0.55, -0.8), (0.05, -1.0), (0.52, -0.55), (-0.05, -0.08)],
            [(-0.05, -0.08), (0.6, 0.38), (0.1, 1.0), (-0.6, 0.8)],
        ],
        [
            [(-0.6, -1.0), (0.55, -1.0)],
            [(0.55, -1.0), (-0.05, -0.22)],
            [(-0.05, -0.22), (0.6, 0.3), (0.1, 1.0), (-0.6, 0.8)],
        ],
    ),
    (  # 4: open above, with a short stem
        [
            [(-0.45, -1.0), (-0.62, -0.3), (-0.62, 0.2)],
            [(-0.62, 0.2), (0.75, 0.2)],
            [(0.4, -0.9), (0.35, 0.1), (0.3, 1.0)],
        ],
        [[(0.05, -1.0), (-0.75, 0.3)], [(-0.75, 0.3), (0.75, 0.3)], [(0.4, -0.4), (0.35, 0.3), (0.3, 1.0)]],
    ),
    (  # 5: with corners, in one sweep
        [
            [(0.6, -1.0), (-0.45, -1.0)],
            [(-0.45, -1.0), (-0.5, -0.15)],
            [(-0.5, -0.15), (0.1, -0.3), (0.6, 0.3), (0.15, 0.95), (-0.6, 0.85)],
        ],
        [[(0.65, -1.0), (-0.2, -0.95), (-0.45, -0.3), (0.2, -0.1), (0.5, 0.45), (0.05, 1.0), (-0.6, 0.9)]],
    ),
    (  # 6: with a bent back, with a straight back
        [
            [(0.4, -1.0), (-0.25, -0.65), (-0.58, 0.1), (-0.5, 0.7), (0.0, 1.0)],
            [(0.0, 1.0), (0.55, 0.6), (0.2, 0.0), (-0.3, 0.15), (-0.57, 0.5)],
        ],
        [
            [(0.05, -1.0), (-0.4, -0.3), (-0.57, 0.4)],
            [(-0.57, 0.4), (-0.05, -0.05), (0.55, 0.4), (0.0, 1.0), (-0.57, 0.4)],
        ],
    ),
    (  # 7: plain, with a bar through the stem
        [[(-0.65, -1.0), (0.6, -1.0)], [(0.6, -1.0), (0.1, -0.1), (-0.2, 1.0)]],
        [[(-0.6, -1.0), (0.6, -1.0)], [(0.6, -1.0), (0.15, 0.0), (-0.15, 1.0)], [(-0.35, 0.05), (0.6, 0.05)]],
    ),
    (  # 8: two rings, in one go
        [
            [(0.0, -0.08), (0.45, -0.55), (0.0, -1.0), (-0.45, -0.55), (0.0, -0.08)],
            [(0.0, -0.08), (0.58, 0.48), (0.0, 1.0), (-0.58, 0.48), (0.0, -0.08)],
        ],
        [
            [(0.45, -0.75), (-0.05, -1.0), (-0.48, -0.6), (0.0, -0.05), (0.52, 0.5), (0.0, 1.0)],
            [(0.0, 1.0), (-0.52, 0.55), (0.0, -0.05), (0.48, -0.45), (0.45, -0.75)],
        ],
    ),
    (  # 9: with a straight stem, with a bent tail
        [
            [(0.52, -0.5), (0.0, -1.0), (-0.55, -0.45), (0.0, 0.05), (0.52, -0.5)],
            [(0.52, -0.5), (0.5, 0.2), (0.4, 1.0)],
        ],
        [
            [(0.55, -0.5), (0.0, -1.0), (-0.55, -0.5), (0.0, -0.02), (0.55, -0.5)],
            [(0.55, -0.5), (0.5, 0.4), (0.1, 0.98), (-0.5, 0.85)],
        ],
    ),
)

# Along all strokes of a digit: so near to each other that a line of dots looks drawn.
DOTS = 64
# Fine steps along a curve between two of its points.
FINE = 12

# How much the drawings differ, as standard deviations, or lowest and highest where two numbers stand.
TURN = math.radians(6.0)
SLANT = 0.12
HEIGHT = (2.6, 3.1)  # from the middle to the top, in pixels
WIDTH = (2.5, 3.3)
SHIFT = 0.25  # in pixels
PEN = (0.42, 0.68)  # radius, in pixels
JITTER = 0.05  # of each point of a stroke


def digits(points: int, noise: float, rng: np.random.Generator, options: Mapping[str, int]) -> Samples:
    """Pictures of 0, 1, ... 9, 0, 1 and so on: x holds the ink of each pixel, row by row, a whole number 0 to 16.

    Each is drawn in one of a digit's ways, its points moved at random; then turned, slanted, sized and shifted, and
    drawn with a pen of random width. `noise` is the standard deviation of what is added to the ink.
    """
    digit = np.arange(points) % len(WAYS)
    dots = _place(_draw(digit, rng), rng)
    ink = MOST_INK * _cover(dots, rng.uniform(*PEN, points)) + noise * rng.standard_normal((points, SIDE * SIDE))
    return np.clip(np.rint(ink), 0.0, MOST_INK), np.eye(len(WAYS))[digit]


def _draw(digit: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Dots along the strokes of each digit, of shape (points, DOTS, 2)."""
    way = rng.random(len(digit))
    dots = np.empty((len(digit), DOTS, 2))
    for value, ways in enumerate(WAYS):
        for place in range(len(ways)):
            rows = np.flatnonzero((digit == value) & (np.floor(way * len(ways)) == place))
            ends, weights = _curve(value, place)
            dots[rows] = weights @ (ends + JITTER * rng.standard_normal((len(rows), *ends.shape)))
    return dots


def _place(dots: Array, rng: np.random.Generator) -> Array:
    """The dots turned, slanted, sized and shifted, in pixels from the middle of the picture."""
    count = len(dots)
    turn, slant = TURN * rng.standard_normal(count), SLANT * rng.standard_normal(count)
    x, y = np.moveaxis(dots, 2, 0) * np.stack([rng.uniform(*WIDTH, count), rng.uniform(*HEIGHT, count)])[:, :, None]
    # A digit leans to the right where its top, whose y is negative, moves to the right.
    x = x - slant[:, None] * y
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    placed: Array = np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)
    return placed + SHIFT * rng.standard_normal((count, 1, 2))


def _cover(dots: Array, radius: Array) -> Array:
    """The share of each pixel that a round pen at the dots covers, of shape (points, pixels)."""
    # Each pixel in four parts, and the pen's rim as soft as a part is wide.
    part = 0.5
    middles = (np.arange(2 * SIDE) + 0.5) * part - SIDE / 2
    across, down = np.moveaxis((dots[:, :, :, None] - middles) ** 2, 2, 0)
    nearest = np.full((len(dots), 2 * SIDE, 2 * SIDE), np.inf)
    for dot in range(DOTS):
        np.minimum(nearest, down[:, dot, :, None] + across[:, dot, None, :], out=nearest)
    covered = np.clip((radius[:, None, None] - np.sqrt(nearest)) / part + 0.5, 0.0, 1.0)
    shares: Array = covered.reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    return shares.reshape(-1, SIDE * SIDE)


@cache
def _curve(digit: int, place: int) -> tuple[Array, Array]:
    """The points of one way to write a digit, and the weights that make of them the dots along its strokes.

    The dots are `weights @ points`, of shapes (DOTS, points) and (points, 2): where points move, the curves follow. A
    point that strokes share is one point. The curves are Catmull-Rom splines (Catmull and Rom 1974, A class of local
    interpolating splines).
    """
    strokes = WAYS[digit][place]
    ends = list(dict.fromkeys(point for stroke in strokes for point in stroke))
    points = np.array(ends)
    curves = [_spline([ends.index(point) for point in stroke], len(ends)) for stroke in strokes]
    weights = np.concatenate(curves)
    steps = np.linalg.norm(np.diff(weights @ points, axis=0), axis=1)
    # The pen is lifted between strokes.
    steps[np.cumsum([len(curve) for curve in curves[:-1]], dtype=np.intp) - 1] = 0.0
    along = np.concatenate([[0.0], np.cumsum(steps)])
    # Dots at equal distances, each at the nearest fine step.
    wanted = np.linspace(0.0, along[-1], DOTS)
    return points, weights[np.abs(along - wanted[:, None]).argmin(axis=1)]


def _spline(ends: Sequence[int], count: int) -> Array:
    """The weights of a Catmull-Rom spline through these of `count` points, of shape (fine steps, count)."""
    last = len(ends) - 1
    ring = ends[0] == ends[-1]
    before, after = (ends[-2], ends[1]) if ring else (ends[0], ends[-1])
    padded = [before, *ends, after]
    t = np.linspace(0.0, 1.0, FINE + 1)
    basis = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1) / 2
    weights = np.zeros((last, FINE + 1, count))
    for piece in range(last):
        for place, end in enumerate(padded[piece : piece + 4]):
            weights[piece, :, end] += basis[:, place]
    return weights.reshape(-1, count)
