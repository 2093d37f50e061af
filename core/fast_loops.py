"""The loops of the fast kernel, compiled by numba once for all networks. Only core.fast_kernel imports this.

Samples are computed in tiles, LANES of them at a time with the processor's vector instructions, or one at a time for
batches of one sample: `lanes` is a tuple of that many elements, since its length is a constant to the compiler. The
last tile of a batch repeats its last sample in the lanes left over, with weight 0.

Every neuron has one record of FIELDS * lanes numbers in the flat array `s`, inputs first, then in level order, and
there is one record more for the tile itself. Functions and derivatives are those of core.activations and core.losses.
"""

# mypy: ignore-errors
# The compiler infers the types here.

import math
import zlib
from pathlib import Path

import numpy as np
from numba import njit

from core import activations, fast_functions, fast_vectors, losses
from core.fast_functions import (
    CROSS_ENTROPY,
    DELTA,
    JOINT,
    SCRATCH,
    SLOPE,
    SOFTMAX,
    TARGET,
    TARGET_SUM,
    WEIGHT,
    Z,
    activate,
    compiled,
    joint_loss,
    plain_loss,
    softmax,
    softmax_back,
)
from core.fast_program import FIELDS, JOINT_OUTPUT, OPTIMIZER_CODES, PLAIN_OUTPUT, Graph
from core.fast_vectors import indices_at, load, numbers_at, places_at, splat, store, total

SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADADELTA, ADAM = sorted(set(OPTIMIZER_CODES.values()))
LARGEST = np.finfo(np.float64).max


# ------------------------------------------------------------------------------------------------- the passes


@compiled
def _add_targets(plan, net, s, tile, lanes):
    """The sum of the targets of the outputs that the cross-entropy has a joint form with."""
    width = len(lanes)
    targets = splat(0.0, lanes)
    for o in range(plan.outputs):
        if net.role[net.outputs[o]] == JOINT_OUTPUT:
            targets = targets + load(s, net.outputs[o] * FIELDS * width + TARGET * width, lanes)
    store(s, tile + TARGET_SUM * width, targets)


@compiled
def _softmax_losses(plan, net, s, tile, lanes):
    """The weighted shares of the softmax outputs; leaves their gradients in their records."""
    width = len(lanes)
    weight, shares = load(s, tile + WEIGHT * width, lanes), splat(0.0, lanes)
    for n in range(plan.softmax_first, plan.softmax_last + 1):
        i = n * FIELDS * width
        a, t = load(s, i, lanes), load(s, i + TARGET * width, lanes)
        if net.role[n] == JOINT_OUTPUT:
            log_a, targets = load(s, i + SLOPE * width, lanes), load(s, tile + TARGET_SUM * width, lanes)
            share, joint = joint_loss(plan.loss, a, a, log_a, t, targets)
            store(s, i + DELTA * width, splat(0.0, lanes))
            store(s, i + JOINT * width, weight * joint)
        else:
            share, grad = plain_loss(plan.loss, a, t, s, tile + SCRATCH * width, lanes)
            store(s, i + DELTA * width, weight * grad)
            store(s, i + JOINT * width, splat(0.0, lanes))
        shares = shares + weight * share
    return shares


@compiled
def _forward(plan, net, s, parameters, dropped, masks, mask, size, columns, tile, lanes):
    """Activations, slopes and the loss's gradients of a tile, whose inputs and targets are in their records; its loss.

    The gradient is taken at once, while the processor has the activation at hand.
    """
    width = len(lanes)
    record = FIELDS * width
    weight, shares = load(s, tile + WEIGHT * width, lanes), splat(0.0, lanes)
    for n in range(plan.inputs, plan.neurons):
        i = n * record
        z = splat(parameters[net.bias[n]], lanes)
        for k in range(net.in_start[n], net.in_stop[n]):
            z = z + parameters[net.in_parameter[k]] * load(s, net.source[k] * record, lanes)
        if net.code[n] == SOFTMAX:
            store(s, i + Z * width, z)
            if n == plan.softmax_last:
                softmax(s, plan.softmax_first * record, i + record, lanes)
                shares = shares + _softmax_losses(plan, net, s, tile, lanes)
            continue
        a, slope = activate(net.code[n], z, s, i, lanes)
        delta = splat(0.0, lanes)
        if net.role[n] == JOINT_OUTPUT:
            share, joint = joint_loss(plan.loss, a, z, a, load(s, i + TARGET * width, lanes), a)
            shares, delta = shares + weight * share, weight * joint
        elif net.role[n] == PLAIN_OUTPUT:
            t = load(s, i + TARGET * width, lanes)
            share, grad = plain_loss(plan.loss, a, t, s, tile + SCRATCH * width, lanes)
            shares, delta = shares + weight * share, weight * grad * slope
        elif dropped and net.dropout[n] > 0:
            for lane in range(width):
                s[i + lane] = masks[mask + (net.dropout[n] - 1) * size + columns[lane]]
            kept = load(s, i, lanes)
            a, slope = a * kept, slope * kept
        store(s, i, a)
        store(s, i + SLOPE * width, slope)
        store(s, i + DELTA * width, delta)
    return total(shares)


@compiled
def _backward(plan, net, s, parameters, gradient, lanes):
    """Add the gradient of a tile to `gradient`: neuron by neuron from the last, along the outgoing edges."""
    width = len(lanes)
    record = FIELDS * width
    for back in range(plan.neurons):
        n = plan.neurons - 1 - back
        i = n * record
        a, a_grad = load(s, i, lanes), splat(0.0, lanes)
        first, stop = net.out_start[n], net.out_stop[n]
        for k in range(first, stop):
            target_delta = load(s, net.target[k] * record + DELTA * width, lanes)
            gradient[net.out_parameter[k]] += total(a * target_delta)
            # Nothing is passed on to the inputs.
            if n >= plan.inputs:
                a_grad = a_grad + parameters[net.out_parameter[k]] * target_delta
        if n < plan.inputs:
            continue
        delta = load(s, i + DELTA * width, lanes)
        if net.code[n] == SOFTMAX:
            store(s, i + DELTA * width, a_grad + delta)
            if n == plan.softmax_first:
                softmax_back(s, i, (plan.softmax_last + 1) * record, lanes)
                for member in range(n, plan.softmax_last + 1):
                    gradient[net.bias[member]] += total(load(s, member * record + DELTA * width, lanes))
            continue
        if first < stop:
            delta = a_grad * load(s, i + SLOPE * width, lanes) + delta
            store(s, i + DELTA * width, delta)
        gradient[net.bias[n]] += total(delta)


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
    if code in (MOMENTUM, NESTEROV):
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


def run(lanes, plan, graph, work, order, size, batch, count, rates, masks, updates):
    """Make up to `count` updates and return how many; see core.fast_kernel.FastKernel.run.

    `plan` is a Choices, `graph` a Graph and `work` a Work; `masks` is flat, and empty where nobody is dropped out.
    """
    width = len(lanes)
    record = FIELDS * width
    tile = plan.neurons * record
    rows, last_rate = len(order), len(rates) - 1
    net = Graph(
        indices_at(graph.code),
        indices_at(graph.bias),
        indices_at(graph.role),
        indices_at(graph.dropout),
        indices_at(graph.in_start),
        indices_at(graph.in_stop),
        indices_at(graph.out_start),
        indices_at(graph.out_stop),
        indices_at(graph.source),
        indices_at(graph.in_parameter),
        indices_at(graph.target),
        indices_at(graph.out_parameter),
        indices_at(graph.outputs),
    )
    x, targets, order, columns = (
        numbers_at(work.x),
        numbers_at(work.targets),
        places_at(order.ctypes.data),
        places_at(work.columns),
    )
    p, backup, gradient = numbers_at(work.state), numbers_at(work.backup), numbers_at(work.gradient)
    s, loss, rates = numbers_at(work.records), numbers_at(work.loss), numbers_at(rates.ctypes.data)
    dropped, masks = len(masks) > 0, numbers_at(masks.ctypes.data)
    for k in range(plan.parameters):
        gradient[k] = 0.0
    made = epoch = 0
    while made < count:
        start = batch * size
        stop = min(start + size, rows)
        share = plan.share / (stop - start) if plan.mean else plan.share
        batch_loss = 0.0
        for base in range(start, stop, width):
            for lane in range(width):
                place = min(base + lane, stop - 1)
                columns[lane] = place - start
                s[tile + WEIGHT * width + lane] = share if base + lane < stop else 0.0
                for n in range(plan.inputs):
                    s[n * record + lane] = x[order[place] * plan.inputs + n]
                for o in range(plan.outputs):
                    s[net.outputs[o] * record + TARGET * width + lane] = targets[order[place] * plan.outputs + o]
            if plan.loss == CROSS_ENTROPY:
                _add_targets(plan, net, s, tile, lanes)
            mask = made * plan.dropouts * size
            batch_loss += _forward(plan, net, s, p, dropped, masks, mask, size, columns, tile, lanes)
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


def _compile():
    """`run`, which is compiled or loaded from numba's cache on disk when it is first called.

    The cache is beside this file, in the user's folder for caches where that cannot be written to, and nowhere where
    neither can. numba looks whether this file has changed since; whether the others have shows in the name.
    """
    sources = b"".join(
        Path(module.__file__).read_bytes() for module in (activations, fast_functions, fast_vectors, losses)
    )
    run.__qualname__ = f"run_{zlib.crc32(sources):08x}"
    options = {"fastmath": {"contract"}, "error_model": "numpy", "nogil": True}
    try:
        return njit(cache=True, **options)(run)
    except RuntimeError:
        return njit(**options)(run)


compiled_run = _compile()
