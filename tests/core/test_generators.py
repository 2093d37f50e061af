"""Generated data: shapes, classes, ranges, seeds, and the formulas against what is known of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.digits import MOST_INK, WAYS, digits
from core.errors import DataError
from core.generators import GENERATORS, MOST_POINTS, Generator, generate
from core.metrics import task_of
from core.samplers import planar_flower

PLAYGROUND = [name for name in GENERATORS if name.startswith("playground_")]


@pytest.fixture(params=GENERATORS.values(), ids=lambda generator: generator.name)
def generator(request: pytest.FixtureRequest) -> Generator:
    chosen: Generator = request.param
    return chosen


def test_the_defaults_make_what_the_table_says(generator: Generator) -> None:
    data = generate(generator.name)
    assert data.x.shape == (generator.points, len(generator.inputs))
    assert data.targets.shape == (generator.points, len(generator.outputs))
    assert (data.inputs, data.outputs) == (generator.inputs, generator.outputs)
    assert data.x.dtype == data.targets.dtype == np.float64
    assert np.isfinite(data.x).all()
    assert np.isfinite(data.targets).all()
    assert task_of(data.targets) == generator.task
    assert generator.description.endswith(".")


def test_the_seed_decides_every_bit(generator: Generator) -> None:
    noise = min(0.1, generator.most_noise)
    first, again, other = (generate(generator.name, points=50, noise=noise, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.x, again.x)
    assert np.array_equal(first.targets, again.targets)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize("points", [11, 50, 101])
def test_as_many_points_as_asked_for(generator: Generator, points: int) -> None:
    assert len(generate(generator.name, points=points).x) == points


def test_the_fewest_and_the_most(generator: Generator) -> None:
    for points in (generator.least_points, MOST_POINTS):
        data = generate(generator.name, points=points, noise=generator.most_noise)
        assert len(data.x) == points
        assert np.isfinite(data.targets).all()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"points": 3}, "3 points are not possible: choose 4 to 10,000."),
        ({"points": 20_000}, "20,000 points are not possible: choose 4 to 10,000."),
        ({"noise": -0.1}, "A noise of -0.1 is not possible: choose 0 to 1."),
        ({"noise": math.nan}, "A noise of nan is not possible: choose 0 to 1."),
        ({"seed": -1}, "The seed -1 is negative: choose 0 or more."),
    ],
)
def test_a_number_out_of_range_is_named(numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as error:
        generate("circles", **numbers)
    assert str(error.value) == message


def test_an_option_out_of_range_is_named() -> None:
    with pytest.raises(DataError, match=r"^Degree: 9 is not possible, choose 1 to 8\.$"):
        generate("polynomial", degree=9)
    with pytest.raises(KeyError, match="degree"):
        generate("sine", degree=2)


@pytest.mark.parametrize("name", [g.name for g in GENERATORS.values() if g.task != "regression"])
def test_classes_are_balanced_and_mixed(name: str) -> None:
    generator = GENERATORS[name]
    if name in {"and", "or"}:
        pytest.skip("These have one class three times as often.")
    data = generate(name, points=300)
    ones = (data.targets == 1.0).sum(axis=0)
    share = 1.0 / max(2, len(generator.outputs))
    # Playground's exclusive or is drawn at random; all others are exact.
    assert np.allclose(ones / 300, share, atol=0.1 if name == "playground_xor" else 1e-9)
    if name != "planar":
        # A batch of rows that follow each other has every class in it.
        assert (data.targets[:30] == 1.0).any(axis=0).all()
        assert (data.targets[:30] != 1.0).any(axis=0).all()


@pytest.mark.parametrize(("name", "truth"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor", [0, 1, 1, 0])])
def test_the_gates_are_the_four_rows_in_order(name: str, truth: list[int]) -> None:
    data = generate(name)
    assert data.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.targets[:, 0].tolist() == truth
    many = generate(name, points=400, noise=0.1)
    assert np.array_equal(many.targets[:, 0], np.tile(truth, 100))
    assert np.abs(many.x - np.tile(data.x, (100, 1))).std() == pytest.approx(0.06, abs=0.01)


def test_circles_moons_and_spirals_without_noise_follow_their_formulas() -> None:
    circles = generate("circles", noise=0.0)
    assert np.allclose(np.hypot(*circles.x.T), np.where(circles.targets[:, 0] == 1.0, 0.5, 1.0))
    moons = generate("moons", noise=0.0)
    outer = moons.targets[:, 0] == 0.0
    assert np.allclose(np.hypot(*moons.x[outer].T), 1.0)
    assert np.allclose(np.hypot(*(moons.x[~outer] - [1.0, 0.5]).T), 1.0)
    spirals = generate("two_spirals", noise=0.0)
    radius = np.hypot(*spirals.x.T)
    along = (radius - 0.5) / 4.5
    turn = 3.0 * math.pi * along + spirals.targets[:, 0] * math.pi
    assert np.allclose(spirals.x, radius[:, np.newaxis] * np.stack([np.sin(turn), np.cos(turn)], axis=1))
    three = generate("three_spirals", noise=0.0)
    radius = np.hypot(*three.x.T)
    turn = 4.0 * (three.targets.argmax(axis=1) + radius)
    assert np.allclose(three.x, radius[:, np.newaxis] * np.stack([np.sin(turn), np.cos(turn)], axis=1))


def test_gaussians_have_their_centres_and_deviation() -> None:
    data = generate("gaussians", points=10_000, noise=0.5)
    for label, center in ((0.0, -1.0), (1.0, 1.0)):
        cloud = data.x[data.targets[:, 0] == label]
        assert np.allclose(cloud.mean(axis=0), center, atol=0.03)
        assert np.allclose(cloud.std(axis=0), 0.5, atol=0.02)


# The planar flower of the course


def test_the_flower_with_the_old_generator_is_the_course_s_own() -> None:
    """The course's function, written out as it is published, with its seed."""
    random = np.random.RandomState(1)
    x = np.zeros((400, 2))
    for j in range(2):
        t = np.linspace(j * 3.12, (j + 1) * 3.12, 200) + random.randn(200) * 0.2
        r = 4 * np.sin(4 * t) + random.randn(200) * 0.2
        x[200 * j : 200 * (j + 1)] = np.c_[r * np.sin(t), r * np.cos(t)]
    made, targets = planar_flower(400, 0.2, np.random.RandomState(1))
    assert np.array_equal(made, x)
    assert np.array_equal(targets[:, 0], np.repeat([0.0, 1.0], 200))
    assert made[0] == pytest.approx([1.20444229, 3.57611415], abs=5e-9)


# TensorFlow Playground


@pytest.mark.parametrize("name", PLAYGROUND)
def test_playground_s_inputs_and_labels_are_in_range(name: str) -> None:
    data = generate(name)
    assert np.abs(data.x).max() <= 6.0
    assert np.abs(data.targets).max() <= 1.2
    if GENERATORS[name].task == "binary":
        assert set(data.targets[:, 0]) == {-1.0, 1.0}


def test_playground_s_circle_and_exclusive_or_are_labelled_by_their_rule() -> None:
    circle = generate("playground_circle")
    radius = np.hypot(*circle.x.T)
    assert np.array_equal(circle.targets[:, 0] == 1.0, radius < 2.5)
    assert not ((radius > 2.5) & (radius < 3.5)).any()
    assert radius.max() <= 5.0
    xor = generate("playground_xor")
    assert np.array_equal(xor.targets[:, 0], np.sign(xor.x[:, 0] * xor.x[:, 1]))
    assert np.abs(xor.x).min() >= 0.3
    assert np.abs(xor.x).max() <= 5.3


@pytest.mark.parametrize("name", ["playground_circle", "playground_xor", "playground_plane", "playground_hills"])
def test_playground_s_noise_changes_labels_and_leaves_points(name: str) -> None:
    calm, noisy = generate(name, noise=0.0), generate(name, noise=0.5)
    assert np.array_equal(calm.x, noisy.x)
    assert not np.array_equal(calm.targets, noisy.targets)


@pytest.mark.parametrize(("noise", "variance"), [(0.0, 0.5), (0.25, 2.25), (0.5, 4.0)])
def test_playground_s_gaussians_have_its_variance(noise: float, variance: float) -> None:
    data = generate("playground_gauss", points=10_000, noise=noise)
    cloud = data.x[data.targets[:, 0] == 1.0]
    assert np.allclose(cloud.mean(axis=0), 2.0, atol=0.1)
    assert np.allclose(cloud.var(axis=0), variance, rtol=0.08)


def test_playground_s_spirals_are_at_its_angles() -> None:
    data = generate("playground_spiral")
    radius = np.hypot(*data.x.T)
    turn = 1.75 * radius / 5.0 * 2.0 * math.pi + np.where(data.targets[:, 0] == 1.0, 0.0, math.pi)
    assert np.allclose(data.x, radius[:, np.newaxis] * np.stack([np.sin(turn), np.cos(turn)], axis=1))


def test_playground_s_regressions_are_its_formulas() -> None:
    plane = generate("playground_plane")
    assert np.allclose(plane.targets[:, 0], plane.x.sum(axis=1) / 10.0)
    hills = generate("playground_hills")
    centers = [(-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1)]
    for (x, y), target in zip(hills.x[:200], hills.targets[:200, 0], strict=True):
        heights = [sign * max(0.0, 1.0 - math.dist((x, y), (cx, cy)) / 2.0) for cx, cy, sign in centers]
        assert target == pytest.approx(max(heights, key=abs))


# Regression


def test_regressions_follow_their_curves() -> None:
    sine = generate("sine", noise=0.0)
    assert np.allclose(sine.targets, np.sin(sine.x))
    noisy = generate("sine", points=10_000, noise=0.3)
    assert (noisy.targets - np.sin(noisy.x)).std() == pytest.approx(0.3, rel=0.05)
    for degree in range(1, 9):
        data = generate("polynomial", noise=0.0, degree=degree)
        chebyshev = np.polynomial.chebyshev.chebval(data.x, [0.0] * degree + [1.0])
        assert np.allclose(data.targets, chebyshev)


def test_random_data_have_the_sizes_asked_for() -> None:
    data = generate("random", points=1, inputs=12, outputs=1)
    assert data.x.shape == (1, 12)
    assert data.inputs[:2] == ("x1", "x2")
    assert data.inputs[-1] == "x12"
    assert data.outputs == ("y1",)


# Drawn digits


def test_digits_come_in_turn_and_are_whole_numbers_of_ink() -> None:
    data = generate("digits")
    assert data.x.shape == (1797, 64)
    assert data.targets.argmax(axis=1)[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.array_equal(data.x, np.rint(data.x))
    assert (data.x.min(), data.x.max()) == (0.0, MOST_INK)
    assert (data.inputs[0], data.inputs[8], data.inputs[-1]) == ("p00", "p10", "p77")
    # Row by row from the top: the 7 has its bar above and its stem below.
    seven = data.x[data.targets[:, 7] == 1.0].mean(axis=0).reshape(8, 8)
    assert seven[:2, 1:6].mean() > 1.5 * seven[6:, 1:6].mean()


def test_digits_stand_in_the_picture() -> None:
    """Little ink falls on the sides, and as much on the left as on the right, above as below."""
    pictures = generate("digits", noise=0.0).x.reshape(-1, 8, 8)
    share = pictures.sum(axis=0) / pictures.sum()
    assert share[:, [0, 7]].sum() < 0.05
    place = np.arange(8) - 3.5
    assert share.sum(axis=0) @ place == pytest.approx(0.0, abs=0.4)
    assert share.sum(axis=1) @ place == pytest.approx(0.0, abs=0.4)


def test_no_two_drawn_digits_are_the_same_and_each_is_most_like_its_own() -> None:
    data = generate("digits", noise=0.0)
    assert len(np.unique(data.x, axis=0)) == len(data.x)
    label = data.targets.argmax(axis=1)
    distance = ((data.x[:, np.newaxis, :] - data.x[np.newaxis, :400, :]) ** 2).sum(axis=2)
    np.fill_diagonal(distance[:400], np.inf)
    assert (label[distance.argmin(axis=1)] == label).mean() > 0.95


def test_every_way_to_write_a_digit_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without chance in size, place and pen, a digit has as many pictures as ways."""
    for name in ("TURN", "SLANT", "SHIFT", "JITTER"):
        monkeypatch.setattr(f"core.digits.{name}", 0.0)
    for name, value in (("HEIGHT", 2.9), ("WIDTH", 2.9), ("PEN", 0.5)):
        monkeypatch.setattr(f"core.digits.{name}", (value, value))
    x, targets = digits(400, 0.0, np.random.default_rng(1), {})
    pictures = [len(np.unique(x[targets[:, value] == 1.0], axis=0)) for value in range(10)]
    assert pictures == [len(ways) for ways in WAYS]


def test_the_noise_of_digits_changes_pixels_and_not_strokes() -> None:
    calm, noisy = (generate("digits", noise=noise).x for noise in (0.0, 2.0))
    between = (calm > 6.0) & (calm < 10.0)
    assert (noisy - calm)[between].std() == pytest.approx(2.0, rel=0.1)
    assert (noisy - calm)[between].mean() == pytest.approx(0.0, abs=0.1)
