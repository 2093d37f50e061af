"""The loops of the fast kernel, compiled by numba once for all networks. Only core.fast_kernel imports this.

Samples are computed in tiles, LANES of them at a time with the processor's vector instructions, or one at a time for
batches of one sample: `lanes` is a tuple of that many elements, since its length is a constant to the compiler. The
last tile of a batch repeats its last sample in the lanes left over, with weight 0.

Every neuron has one record of FIELDS * lanes numbers in the flat array `s`, inputs first, then in level order, and
there is one record more for the tile itself. Functions and derivatives are those of core.activations and core.losses.
"""

import math

import numpy as np
from numba import njit

from core.activations import ELU_ALPHA, LEAKY_SLOPE
from core.fast_program import Graph
from core.fast_vectors import above, load, pointer, power_of_two, splat, store, total
from core.losses import HUBER_DELTA, PROBABILITY_MARGIN

# The fields of a record: the activation; z; da/dz with the dropout mask (of softmax neurons: the logarithm of the
# activation); dL/da, which becomes dL/dz; what the loss adds to dL/dz jointly with the activation; the target.
A, Z, SLOPE, DELTA, JOINT, TARGET, FIELDS = range(7)
# The fields of the tile's record: the weight of each sample in the loss, and the sum of its targets for the cross-entropy.
WEIGHT, TARGET_SUM = range(2)

LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, GELU, SILU, SINE, STEP, SOFTMAX = range(12)
HALF_SQUARED, SQUARED, ABSOLUTE, HUBER, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = range(6)
SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADADELTA, ADAM = range(7)

LARGEST = np.finfo(np.float64).max

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
def _activate(code, s, i, lanes):
    """a and da/dz of the neuron with its record at `i`, from its z; softmax follows for its whole group."""
    L = len(lanes)
    z = load(s, i + Z * L, lanes)
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
        for lane in range(L):
            s[i + lane] = 0.5 * math.erfc(s[i + Z * L + lane] / -math.sqrt(2.0))
        cdf = load(s, i, lanes)
        a = z * cdf
        slope = cdf + z * (_exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    elif code == SINE:
        for lane in range(L):
            s[i + lane] = math.sin(s[i + Z * L + lane])
            s[i + SLOPE * L + lane] = math.cos(s[i + Z * L + lane])
        a = load(s, i, lanes)
        slope = load(s, i + SLOPE * L, lanes)
    else:
        a = above(z, 0.0, 1.0, 0.0)
        slope = splat(0.0, lanes)
    store(s, i, a)
    store(s, i + SLOPE * L, slope)


@compiled
def _softmax(s, first, stop, lanes):
    """The activations, and their logarithms in place of slopes, of the records from `first` to before `stop`."""
    L = len(lanes)
    top = load(s, first + Z * L, lanes)
    for i in range(first, stop, FIELDS * L):
        z = load(s, i + Z * L, lanes)
        top = above(top, z, top, z)
    total_exp = splat(0.0, lanes)
    for i in range(first, stop, FIELDS * L):
        a = _exp(load(s, i + Z * L, lanes) - top)
        store(s, i, a)
        total_exp = total_exp + a
    store(s, first + SLOPE * L, total_exp)
    for lane in range(L):
        s[first + SLOPE * L + lane] = math.log(s[first + SLOPE * L + lane])
    logarithm = load(s, first + SLOPE * L, lanes)
    for i in range(first, stop, FIELDS * L):
        store(s, i, load(s, i, lanes) / total_exp)
        store(s, i + SLOPE * L, (load(s, i + Z * L, lanes) - top) - logarithm)


@compiled
def _softmax_back(s, first, stop, lanes):
    """dL/dz from dL/da of a softmax group."""
    L = len(lanes)
    mean = splat(0.0, lanes)
    for i in range(first, stop, FIELDS * L):
        mean = mean + load(s, i, lanes) * load(s, i + DELTA * L, lanes)
    for i in range(first, stop, FIELDS * L):
        delta = (load(s, i + DELTA * L, lanes) - mean) * load(s, i, lanes)
        store(s, i + DELTA * L, delta + load(s, i + JOINT * L, lanes))


@compiled
def _joint_loss(code, s, i, tile, lanes):
    """The weighted shares of one output whose activation the loss is joint with; leaves dL/dz in its record."""
    L = len(lanes)
    weight, t, a = load(s, tile + WEIGHT * L, lanes), load(s, i + TARGET * L, lanes), load(s, i, lanes)
    if code == BINARY_CROSS_ENTROPY:
        z = load(s, i + Z * L, lanes)
        store(s, i + JOINT * L, weight * (a - t))
        return weight * (above(0.0, z, 0.0, z) - t * z + _log1p_of_exp(z))
    store(s, i + JOINT * L, weight * (a * load(s, tile + TARGET_SUM * L, lanes) - t))
    return 0.0 - weight * (t * load(s, i + SLOPE * L, lanes))


@compiled
def _plain_loss(code, s, i, tile, lanes):
    """The weighted shares of one output; leaves dL/da in its record."""
    L = len(lanes)
    weight, t, a = load(s, tile + WEIGHT * L, lanes), load(s, i + TARGET * L, lanes), load(s, i, lanes)
    distance = a - t
    if code == HALF_SQUARED:
        share, grad = 0.5 * distance * distance, distance
    elif code == SQUARED:
        share, grad = distance * distance, distance + distance
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
        store(s, i + DELTA * L, p)
        for lane in range(L):
            s[i + JOINT * L + lane] = math.log1p(-s[i + DELTA * L + lane])
            s[i + DELTA * L + lane] = math.log(s[i + DELTA * L + lane])
        yes, no = load(s, i + DELTA * L, lanes), load(s, i + JOINT * L, lanes)
        store(s, i + JOINT * L, splat(0.0, lanes))
        if code == BINARY_CROSS_ENTROPY:
            share, grad = 0.0 - (t * yes + (1.0 - t) * no), (p - t) / (p * (1.0 - p))
        else:
            share, grad = 0.0 - t * yes, 0.0 - t / p
    store(s, i + DELTA * L, weight * grad)
    return weight * share


# ------------------------------------------------------------------------------------------------- the passes


@compiled
def _forward(plan, net, s, parameters, dropped, masks, mask, size, columns, lanes):
    """The activations and slopes of a tile, whose inputs are in their records already; dL/da is set to 0."""
    L = len(lanes)
    record = FIELDS * L
    for n in range(plan.inputs, plan.neurons):
        i = n * record
        z = splat(parameters[net.bias[n]], lanes)
        for k in range(net.in_start[n], net.in_stop[n]):
            z = z + parameters[net.in_parameter[k]] * load(s, net.source[k] * record, lanes)
        store(s, i + Z * L, z)
        store(s, i + DELTA * L, splat(0.0, lanes))
        if net.code[n] == SOFTMAX:
            if n == plan.softmax_last:
                _softmax(s, plan.softmax_first * record, i + record, lanes)
            continue
        _activate(net.code[n], s, i, lanes)
        if dropped and net.dropout[n] >= 0:
            for lane in range(L):
                kept = masks[mask + net.dropout[n] * size + columns[lane]]
                s[i + lane] *= kept
                s[i + SLOPE * L + lane] *= kept


@compiled
def _losses(plan, net, s, tile, lanes):
    """The weighted loss of a tile, whose targets are in their records; its gradient is left in the records."""
    L = len(lanes)
    record = FIELDS * L
    if plan.loss == CROSS_ENTROPY:
        target_sum = splat(0.0, lanes)
        for o in range(plan.outputs):
            if net.joint[o]:
                target_sum = target_sum + load(s, net.outputs[o] * record + TARGET * L, lanes)
        store(s, tile + TARGET_SUM * L, target_sum)
    shares = splat(0.0, lanes)
    for o in range(plan.outputs):
        i = net.outputs[o] * record
        if net.joint[o]:
            shares = shares + _joint_loss(plan.loss, s, i, tile, lanes)
        else:
            shares = shares + _plain_loss(plan.loss, s, i, tile, lanes)
    return total(shares)


@compiled
def _backward(plan, net, s, parameters, gradient, lanes):
    """Add the gradient of a tile to `gradient`: neuron by neuron from the last, along the outgoing edges."""
    L = len(lanes)
    record = FIELDS * L
    for back in range(plan.neurons):
        n = plan.neurons - 1 - back
        i = n * record
        a, delta = load(s, i, lanes), load(s, i + DELTA * L, lanes)
        for k in range(net.out_start[n], net.out_stop[n]):
            target_delta = load(s, net.target[k] * record + DELTA * L, lanes)
            gradient[net.out_parameter[k]] += total(a * target_delta)
            # Nothing is passed on to the inputs.
            if n >= plan.inputs:
                delta = delta + parameters[net.out_parameter[k]] * target_delta
        if n < plan.inputs:
            continue
        if net.code[n] != SOFTMAX:
            delta = delta * load(s, i + SLOPE * L, lanes) + load(s, i + JOINT * L, lanes)
            gradient[net.bias[n]] += total(delta)
        store(s, i + DELTA * L, delta)
        if n == plan.softmax_first:
            stop = plan.softmax_last + 1
            _softmax_back(s, i, stop * record, lanes)
            for member in range(n, stop):
                gradient[net.bias[member]] += total(load(s, member * record + DELTA * L, lanes))


# ---------------------------------------------------------------------------------------------- the optimizers


@compiled
def _step(plan, rate, t, p, gradient, backup):
    """One update of the parameters `p`, which the optimizer's slots follow; whether all parameters stay finite.

    What was there before goes to `backup`; the gradient is set to 0.
    """
    code, options, n = plan.optimizer, plan.options, plan.trainable
    # Where the slots are.
    i, j = plan.parameters, 2 * plan.parameters
    fine = True
    if code == SGD:
        for k in range(n):
            backup[k] = p[k]
            p[k] -= rate * gradient[k]
            gradient[k] = 0.0
            fine &= abs(p[k]) <= LARGEST
        return fine
    if code == MOMENTUM or code == NESTEROV:
        momentum = options[0]
        for k in range(n):
            g, v = gradient[k], p[i + k]
            backup[k], backup[i + k], gradient[k] = p[k], v, 0.0
            v = momentum * v + g
            p[i + k] = v
            p[k] -= rate * (g + momentum * v if code == NESTEROV else v)
            fine &= abs(p[k]) <= LARGEST
        return fine
    if code == ADAGRAD:
        eps = options[0]
        for k in range(n):
            g, v = gradient[k], p[i + k]
            backup[k], backup[i + k], gradient[k] = p[k], v, 0.0
            v += g * g
            p[i + k] = v
            p[k] -= rate * (g / (math.sqrt(v) + eps))
            fine &= abs(p[k]) <= LARGEST
        return fine
    if code == RMSPROP:
        alpha, eps = options[0], options[1]
        for k in range(n):
            g, v = gradient[k], p[i + k]
            backup[k], backup[i + k], gradient[k] = p[k], v, 0.0
            v = alpha * v + (1.0 - alpha) * (g * g)
            p[i + k] = v
            p[k] -= rate * (g / (math.sqrt(v) + eps))
            fine &= abs(p[k]) <= LARGEST
        return fine
    if code == ADADELTA:
        rho, eps = options[0], options[1]
        for k in range(n):
            g, v, u = gradient[k], p[i + k], p[j + k]
            backup[k], backup[i + k], backup[j + k], gradient[k] = p[k], v, u, 0.0
            v = rho * v + (1.0 - rho) * (g * g)
            step = math.sqrt(u + eps) / math.sqrt(v + eps) * g
            p[i + k], p[j + k] = v, rho * u + (1.0 - rho) * (step * step)
            p[k] -= rate * step
            fine &= abs(p[k]) <= LARGEST
        return fine
    beta1, beta2, eps, kept = options[0], options[1], options[2], 1.0 - rate * options[3]
    correction1, correction2 = 1.0 - math.pow(beta1, t), 1.0 - math.pow(beta2, t)
    for k in range(n):
        g, m, v = gradient[k], p[i + k], p[j + k]
        backup[k], backup[i + k], backup[j + k], gradient[k] = p[k], m, v, 0.0
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * (g * g)
        p[i + k], p[j + k] = m, v
        # AdamW: weights shrink first (biases do not); Adam's decay is 0.
        old = p[k] * kept if k < plan.weights else p[k]
        p[k] = old - rate * (m / correction1 / (math.sqrt(v / correction2) + eps))
        fine &= abs(p[k]) <= LARGEST
    return fine


# ------------------------------------------------------------------------------------------------- the updates


@njit(fastmath={"contract"}, error_model="numpy", nogil=True, cache=True)
def run(
    lanes, plan, arrays, x, targets, order, size, batch, count, rates, masks, updates, state, backup, gradient, s, columns, loss
):
    """Make up to `count` updates and return how many; see core.fast_kernel.FastKernel.run.

    `plan` is a Choices, `arrays` a Graph. `state` holds the parameters and then the optimizer's slots, `backup` has its
    shape, `gradient` that of the parameters; `s` holds the neurons' records, `columns` one number a lane. The last
    loss is left in `loss[0]`.
    """
    L = len(lanes)
    record = FIELDS * L
    tile = plan.neurons * record
    rows, last_rate = len(order), len(rates) - 1
    net = Graph(
        pointer(arrays.code),
        pointer(arrays.bias),
        pointer(arrays.dropout),
        pointer(arrays.in_start),
        pointer(arrays.in_stop),
        pointer(arrays.out_start),
        pointer(arrays.out_stop),
        pointer(arrays.source),
        pointer(arrays.in_parameter),
        pointer(arrays.target),
        pointer(arrays.out_parameter),
        pointer(arrays.outputs),
        pointer(arrays.joint),
    )
    dropped = len(masks) > 0
    x, targets, order, rates, masks = pointer(x), pointer(targets), pointer(order), pointer(rates), pointer(masks)
    p, backup, gradient, s, columns = pointer(state), pointer(backup), pointer(gradient), pointer(s), pointer(columns)
    for k in range(plan.parameters):
        gradient[k] = 0.0
    made = epoch = 0
    while made < count:
        start = batch * size
        stop = min(start + size, rows)
        share = plan.share / (stop - start) if plan.mean else plan.share
        batch_loss = 0.0
        for base in range(start, stop, L):
            for lane in range(L):
                place = min(base + lane, stop - 1)
                columns[lane] = place - start
                s[tile + WEIGHT * L + lane] = share if base + lane < stop else 0.0
                for n in range(plan.inputs):
                    s[n * record + lane] = x[order[place] * plan.inputs + n]
                for o in range(plan.outputs):
                    s[net.outputs[o] * record + TARGET * L + lane] = targets[order[place] * plan.outputs + o]
            _forward(plan, net, s, p, dropped, masks, made * plan.dropouts * size, size, columns, lanes)
            batch_loss += _losses(plan, net, s, tile, lanes)
            _backward(plan, net, s, p, gradient, lanes)
        if not abs(batch_loss) <= LARGEST:
            break
        if plan.l2 != 0.0:
            for k in range(plan.weights):
                gradient[k] += plan.l2 * p[k]
        if plan.l1 != 0.0:
            for k in range(plan.weights):
                gradient[k] += plan.l1 * np.sign(p[k])
        if not _step(plan, rates[min(epoch, last_rate)], updates + made + 1.0, p, gradient, backup):
            for start in range(0, plan.parameters * (1 + plan.slots), plan.parameters):
                for k in range(start, start + plan.trainable):
                    p[k] = backup[k]
            break
        loss[0] = batch_loss
        made += 1
        batch += 1
        if batch * size >= rows:
            batch = 0
            epoch += 1
    return made
