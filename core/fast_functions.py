"""Exponentials, activations and losses for core.fast_loops, on vectors of samples and on one.

Every neuron has a record of FIELDS * width numbers in a flat array `s`, for `width` samples that are computed together
(see core.fast_loops). Functions and derivatives are those of core.activations and core.losses.
"""

# mypy: ignore-errors
# The compiler infers the types here.

import math

from numba import njit

from core.activations import ELU_ALPHA, LEAKY_SLOPE
from core.fast_program import ACTIVATION_CODES, LOSS_CODES
from core.fast_vectors import above, load, power_of_two, splat, store
from core.losses import HUBER_DELTA, PROBABILITY_MARGIN

# The fields of a record: the activation; z; da/dz with the dropout mask (of softmax neurons: the logarithm of the
# activation); dL/da, which becomes dL/dz; what the loss adds to dL/dz jointly with the activation; the target.
A, Z, SLOPE, DELTA, JOINT, TARGET, FIELDS = range(7)
# The fields of the tile's own record: the weight of each sample in the loss, and the sum of its targets.
WEIGHT, TARGET_SUM = range(2)

LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, GELU, SILU, SINE, STEP, SOFTMAX = ACTIVATION_CODES.values()
HALF_SQUARED, ABSOLUTE, HUBER, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = sorted(set(LOSS_CODES.values()))

# Products and sums may be fused, but not reordered.
compiled = njit(fastmath={"contract"}, error_model="numpy", forceinline=True)


# ---------------------------------------------------------------------------------------------- exponentials

LOG2_E = math.log2(math.e)
LN_2 = math.log(2.0)
# Added to a number of moderate size, it leaves the nearest integer in the lowest bits.
ROUNDER = 1.5 * 2.0**52
# Beyond it the exponential of -x is 0 for all purposes, and that of x next to overflow.
EXP_LIMIT = 708.0


@compiled
def _exp_parts(x):
    """(p, q) with e^x = p + p q: p a power of two and q = e^r - 1 for a rest |r| <= ln(2) / 2, by its series.

    The relative error is a few units in the last place, and |x| times 3e-17 more. Terms stand in an order that
    lets the processor compute many at a time.
    """
    x = above(x, EXP_LIMIT, EXP_LIMIT, x)
    x = above(-EXP_LIMIT, x, -EXP_LIMIT, x)
    shifted = x * LOG2_E + ROUNDER
    r = x - (shifted - ROUNDER) * LN_2
    r2 = r * r
    r4 = r2 * r2
    low = r + r2 * ((1 / 2 + r * (1 / 6)) + r2 * (1 / 24 + r * (1 / 120)))
    middle = (1 / 720 + r * (1 / 5040)) + r2 * (1 / 40320 + r * (1 / 362880))
    high = (1 / 3628800 + r * (1 / 39916800)) + r2 * (1 / 479001600 + r * (1 / 6227020800))
    return power_of_two(shifted), low + (r2 * r4) * (middle + r4 * high)


@compiled
def _exp(x):
    p, q = _exp_parts(x)
    return p + p * q


@compiled
def _expm1(x):
    p, q = _exp_parts(x)
    return (p - 1.0) + p * q


@compiled
def _magnitude(x):
    return above(x, 0.0, x, 0.0 - x)


@compiled
def _sigmoid(z):
    p, q = _exp_parts(z)
    return (p + p * q) / ((1.0 + p) + p * q)


@compiled
def _tanh(z):
    p, q = _exp_parts(-2.0 * _magnitude(z))
    a = ((p - 1.0) + p * q) / ((p + 1.0) + p * q)
    return above(z, 0.0, 0.0 - a, a)


@compiled
def _log1p_of_exp(z):
    """ln(1 + e^-|z|) by the series of 2 artanh(e / (2 + e)), which converges fast since e^-|z| is at most 1."""
    e = _exp(0.0 - _magnitude(z))
    t = e / (2.0 + e)
    t2 = t * t
    t4 = t2 * t2
    even = 1 / 29 + t4 * (1 / 33)
    even = 1 / 25 + t4 * even
    even = 1 / 21 + t4 * even
    even = 1 / 17 + t4 * even
    even = 1 / 13 + t4 * even
    even = 1 / 9 + t4 * even
    even = 1 / 5 + t4 * even
    even = 1.0 + t4 * even
    odd = 1 / 27 + t4 * (1 / 31)
    odd = 1 / 23 + t4 * odd
    odd = 1 / 19 + t4 * odd
    odd = 1 / 15 + t4 * odd
    odd = 1 / 11 + t4 * odd
    odd = 1 / 7 + t4 * odd
    odd = 1 / 3 + t4 * odd
    return 2.0 * t * (even + t2 * odd)


# ------------------------------------------------------------------------------------- activations and losses


@compiled
def activate(code, s, i, lanes):
    """a and da/dz of the neuron with its record at `i`, from its z; softmax follows for its whole group."""
    width = len(lanes)
    z = load(s, i + Z * width, lanes)
    # Comparisons are written so that NaN stays NaN.
    if code == TANH:
        a = _tanh(z)
        slope = 1.0 - a * a
    elif code == SIGMOID:
        a = _sigmoid(z)
        slope = (1.0 - a) * a
    elif code == RELU:
        a = above(0.0, z, 0.0, z)
        slope = above(z, 0.0, 1.0, 0.0)
    elif code == LINEAR:
        a = z
        slope = splat(1.0, lanes)
    elif code == LEAKY_RELU:
        slope = above(z, 0.0, 1.0, LEAKY_SLOPE)
        a = z * slope
    elif code == ELU:
        below = ELU_ALPHA * _expm1(above(z, 0.0, 0.0, z))
        a = above(z, 0.0, z, below)
        slope = above(z, 0.0, 1.0, below + ELU_ALPHA)
    elif code == SOFTPLUS:
        a = above(0.0, z, 0.0, z) + _log1p_of_exp(z)
        slope = _sigmoid(z)
    elif code == SILU:
        gate = _sigmoid(z)
        a = gate * z
        slope = gate * (1.0 + z * (1.0 - gate))
    elif code == GELU:
        for lane in range(width):
            s[i + lane] = 0.5 * math.erfc(s[i + Z * width + lane] / -math.sqrt(2.0))
        cdf = load(s, i, lanes)
        a = z * cdf
        slope = cdf + z * (_exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    elif code == SINE:
        for lane in range(width):
            s[i + lane] = math.sin(s[i + Z * width + lane])
            s[i + SLOPE * width + lane] = math.cos(s[i + Z * width + lane])
        a = load(s, i, lanes)
        slope = load(s, i + SLOPE * width, lanes)
    else:
        a = above(z, 0.0, 1.0, 0.0)
        slope = splat(0.0, lanes)
    store(s, i, a)
    store(s, i + SLOPE * width, slope)


@compiled
def softmax(s, first, stop, lanes):
    """The activations, and their logarithms in place of slopes, of the records from `first` to before `stop`."""
    width = len(lanes)
    top = load(s, first + Z * width, lanes)
    for i in range(first, stop, FIELDS * width):
        z = load(s, i + Z * width, lanes)
        top = above(top, z, top, z)
    total_exp = splat(0.0, lanes)
    for i in range(first, stop, FIELDS * width):
        a = _exp(load(s, i + Z * width, lanes) - top)
        store(s, i, a)
        total_exp = total_exp + a
    store(s, first + SLOPE * width, total_exp)
    for lane in range(width):
        s[first + SLOPE * width + lane] = math.log(s[first + SLOPE * width + lane])
    logarithm = load(s, first + SLOPE * width, lanes)
    for i in range(first, stop, FIELDS * width):
        store(s, i, load(s, i, lanes) / total_exp)
        store(s, i + SLOPE * width, (load(s, i + Z * width, lanes) - top) - logarithm)


@compiled
def softmax_back(s, first, stop, lanes):
    """dL/dz from dL/da of a softmax group."""
    width = len(lanes)
    mean = splat(0.0, lanes)
    for i in range(first, stop, FIELDS * width):
        mean = mean + load(s, i, lanes) * load(s, i + DELTA * width, lanes)
    for i in range(first, stop, FIELDS * width):
        delta = (load(s, i + DELTA * width, lanes) - mean) * load(s, i, lanes)
        store(s, i + DELTA * width, delta + load(s, i + JOINT * width, lanes))


@compiled
def joint_loss(code, s, i, tile, lanes):
    """The weighted shares of one output whose activation the loss is joint with; leaves dL/dz in its record."""
    width = len(lanes)
    weight, t, a = load(s, tile + WEIGHT * width, lanes), load(s, i + TARGET * width, lanes), load(s, i, lanes)
    if code == BINARY_CROSS_ENTROPY:
        z = load(s, i + Z * width, lanes)
        store(s, i + JOINT * width, weight * (a - t))
        return weight * (above(0.0, z, 0.0, z) - t * z + _log1p_of_exp(z))
    store(s, i + JOINT * width, weight * (a * load(s, tile + TARGET_SUM * width, lanes) - t))
    return 0.0 - weight * (t * load(s, i + SLOPE * width, lanes))


@compiled
def plain_loss(code, s, i, tile, lanes):
    """The weighted shares of one output; leaves dL/da in its record."""
    width = len(lanes)
    weight, t, a = load(s, tile + WEIGHT * width, lanes), load(s, i + TARGET * width, lanes), load(s, i, lanes)
    distance = a - t
    if code == HALF_SQUARED:
        share, grad = 0.5 * distance * distance, distance
    elif code == ABSOLUTE:
        share = _magnitude(distance)
        grad = above(distance, 0.0, 1.0, above(0.0, distance, -1.0, distance))
    elif code == HUBER:
        size = _magnitude(distance)
        inside = above(size, HUBER_DELTA, HUBER_DELTA, size)
        share, grad = inside * (size - 0.5 * inside), above(0.0, distance, 0.0 - inside, inside)
    else:
        low, high = PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN
        p = above(low, a, low, above(a, high, high, a))
        # In the fields that are written below: the logarithms of p and 1 - p.
        store(s, i + DELTA * width, p)
        for lane in range(width):
            s[i + JOINT * width + lane] = math.log1p(-s[i + DELTA * width + lane])
            s[i + DELTA * width + lane] = math.log(s[i + DELTA * width + lane])
        yes, no = load(s, i + DELTA * width, lanes), load(s, i + JOINT * width, lanes)
        store(s, i + JOINT * width, splat(0.0, lanes))
        if code == BINARY_CROSS_ENTROPY:
            share, grad = 0.0 - (t * yes + (1.0 - t) * no), (p - t) / (p * (1.0 - p))
        else:
            share, grad = 0.0 - t * yes, 0.0 - t / p
    store(s, i + DELTA * width, weight * grad)
    return weight * share
