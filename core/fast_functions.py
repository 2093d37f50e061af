"""Exponentials, activations and losses for core.fast_loops, on vectors of samples and on one.

Every neuron has a record of FIELDS * width numbers in a flat array `s`, for `width` samples that are computed together
(see core.fast_loops). Functions and derivatives are those of core.activations and core.losses.
"""

# mypy: ignore-errors
# The compiler infers the types here.

import math

from numba import njit

from core.activations import ELU_ALPHA, LEAKY_SLOPE
from core.fast_program import ACTIVATION_CODES, FIELDS, LOSS_CODES
from core.fast_vectors import above, load, power_of_two, splat, store
from core.losses import HUBER_DELTA, PROBABILITY_MARGIN

# The fields of a record: the activation; z; da/dz with the dropout mask (of softmax neurons: the logarithm of the
# activation); dL/dz, and before the backward pass what the loss itself gives to it; of softmax neurons the same for
# dL/da, and in a field of its own what a loss in joint form gives to dL/dz; the target of an output.
A, Z, SLOPE, DELTA, JOINT, TARGET = range(FIELDS)
# The fields of the tile's own record: the weight of each sample in the loss, the sum of its targets, and scratch.
WEIGHT, TARGET_SUM, SCRATCH = range(3)

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
def activate(code, z, s, i, lanes):
    """a and da/dz for `z`; softmax, over a group of neurons, is another matter. `s` from `i` on is for scratch."""
    width = len(lanes)
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
        store(s, i, z)
        for lane in range(width):
            s[i + lane] = 0.5 * math.erfc(s[i + lane] / -math.sqrt(2.0))
        cdf = load(s, i, lanes)
        a = z * cdf
        slope = cdf + z * (_exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    elif code == SINE:
        store(s, i, z)
        for lane in range(width):
            s[i + SLOPE * width + lane] = math.cos(s[i + lane])
            s[i + lane] = math.sin(s[i + lane])
        a = load(s, i, lanes)
        slope = load(s, i + SLOPE * width, lanes)
    else:
        a = above(z, 0.0, 1.0, 0.0)
        slope = splat(0.0, lanes)
    return a, slope


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
def joint_loss(code, a, z, log_a, t, target_sum):
    """The share of an output whose activation has a joint form with the loss, and its gradient dL/dz."""
    if code == BINARY_CROSS_ENTROPY:
        return above(0.0, z, 0.0, z) - t * z + _log1p_of_exp(z), a - t
    return 0.0 - t * log_a, a * target_sum - t


@compiled
def plain_loss(code, a, t, s, i, lanes):
    """The share of any other output, and its gradient dL/da. `s` from `i` on is for scratch, two fields."""
    width = len(lanes)
    distance = a - t
    if code == HALF_SQUARED:
        return 0.5 * distance * distance, distance
    if code == ABSOLUTE:
        return _magnitude(distance), above(distance, 0.0, 1.0, above(0.0, distance, -1.0, distance))
    if code == HUBER:
        size = _magnitude(distance)
        inside = above(size, HUBER_DELTA, HUBER_DELTA, size)
        return inside * (size - 0.5 * inside), above(0.0, distance, 0.0 - inside, inside)
    low, high = PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN
    p = above(low, a, low, above(a, high, high, a))
    store(s, i, p)
    for lane in range(width):
        s[i + width + lane] = math.log1p(-s[i + lane])
        s[i + lane] = math.log(s[i + lane])
    log_p = load(s, i, lanes)
    if code == BINARY_CROSS_ENTROPY:
        return 0.0 - (t * log_p + (1.0 - t) * load(s, i + width, lanes)), (p - t) / (p * (1.0 - p))
    return 0.0 - t * log_p, 0.0 - t / p
