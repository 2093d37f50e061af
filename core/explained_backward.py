"""What each step of the backward pass says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from core.activations import ACTIVATIONS, derivative
from core.explained import Lines, Told, activation_phrase, dotted, loss_scale, product_of_two, sum_of_all
from core.notation import MORE, MORE_TEX, Writer, tex_id, tex_number, without_brackets
from core.numbers import format_number
from core.printed import printed
from core.quantities import Kind, Quantity
from core.trace import Trace


def _activation_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    if name in trace.schedule.dropped:
        return _kept_activation_grad(trace, step, w)
    contributions = [q for q in step.operands if q.kind is Kind.CONTRIBUTION]
    own = [q for q in step.operands if q.kind is not Kind.CONTRIBUTION]
    parts, numbers, texts, formulas = [], [], [], []
    if own:
        activation, target = own
        loss = trace.engine.loss
        scale, scale_text = loss_scale(trace)
        alone = str if scale else without_brackets
        parts.append(scale + alone(loss.grad_latex(w.symbol(activation), w.symbol(target))))
        numbers.append(scale + alone(loss.grad_latex(w.number(activation), w.number(target))))
        a, t = w.bracket_text(w.text(activation)), w.bracket_text(w.text(target))
        texts.append(scale_text + alone(_share_grad_text(loss.name, a, t)))
        formulas.append(dotted(scale_text + alone(_share_grad_text(loss.name, w.a(name), f"t({name})"))))
    left = w.name(step.quantity)
    if contributions:
        parts.append(w.sum_symbols(contributions))
        numbers.append(w.sum_numbers(contributions, goes_on=bool(own)))
        texts.append(w.sum_text(contributions, goes_on=bool(own)))
        formulas.append(w.cut([w.name(q) for q in contributions], MORE))
    if own and not contributions:
        sentence = f"How the loss changes with the activation of the output {name}"
    elif contributions:
        sentence = f"How the loss changes with the activation of {name}: {_what_came_back(len(contributions))}"
    else:
        sentence = f"No path leads from {name} to the loss, so its activation changes nothing"
    single = len(contributions) == 1 and not own
    return Lines(
        sentence,
        w.symbol(step.quantity),
        " + ".join(parts) or "0",
        "" if single else " + ".join(numbers),
        left if single or not texts else " + ".join(texts),
        f"{left} = " + (" + ".join(formulas) or "0"),
    )


def _share_grad_text(loss: str, a: str, t: str) -> str:
    """The derivative of `share_text` as text."""
    match loss:
        case "half_squared_error":
            return f"{a} − {t}"
        case "half_mean_squared_error":
            return f"({a} − {t})"
        case "squared_error" | "mean_squared_error":
            return f"2 × ({a} − {t})"
        case "mean_absolute_error":
            return f"sign({a} − {t})"
        case "huber":
            return f"clip({a} − {t})"
        case "binary_cross_entropy" | "summed_binary_cross_entropy":
            return f"({a} − {t}) / ({a} × (1 − {a}))"
        case _:
            return f"−{t} / {a}"


def _kept_activation_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    sentence = f"How the loss changes with the activation of {name}: through the same mask as forward"
    return product_of_two(step, w, sentence)


def _what_came_back(edges: int) -> str:
    if edges == 1:
        return "what came back through the one edge that leaves it"
    return f"the sum of what came back through the {edges} edges that leave it"


def _dropout_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    count = len(step.operands)
    sentence = f"How the loss changes with what {name} passes on: {_what_came_back(count)}"
    if not count:
        sentence = f"No path leads from {name} to the loss, so what it passes on changes nothing"
    return sum_of_all(step, w, sentence)


def _pre_activation_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    name, s = step.quantity.subject, step.quantity.sample
    activation = ACTIVATIONS[trace.network.neurons[name].activation]
    a, z = Quantity(Kind.ACTIVATION, name, s), Quantity(Kind.WEIGHTED_SUM, name, s)
    grad = Quantity(Kind.ACTIVATION_GRAD, name, s)
    joint = name in trace.schedule.joint
    row = w.row(step.quantity)
    left = w.symbol(step.quantity)
    if w.notation.delta == "delta":
        left += " = " + w.derivative_tex(f"{w.notation.pre_activation_tex}_{{{tex_id(name)}}}", row)
    symbols, numbers, texts, formulas = [], [], [], []
    text_value = None
    if trace.schedule.has_activation_grad(name):
        if activation.coupled:
            each = f"{w.notation.activation_tex}_k"
            symbols.append(rf"{w.symbol(a)} \, ({w.symbol(grad)} - \sum_{{k}} {each} {w.derivative_tex(each, row)})")
            grads = [q for q in step.operands if q.kind is Kind.ACTIVATION_GRAD]
            inner = w.cut(
                [rf"{w.number(Quantity(Kind.ACTIVATION, q.subject, s))} \cdot {w.number(q)}" for q in grads],
                MORE_TEX,
            )
            numbers.append(rf"{w.number(a)} \, ({w.number(grad, bracket=False)} - ({inner}))")
            group = f"Σ {w.notation.activation} · {w.derivative(w.notation.activation, row)}"
            texts.append(f"{w.bracket_text(w.text(a))} × ({w.text(grad)} − {group})")
            formulas.append(f"{w.a(name)} · ({w.name(grad)} − {group})")
        else:
            symbols.append(rf"{w.symbol(grad)} \cdot {activation.derivative_latex(w.symbol(z), w.symbol(a))}")
            slope = activation.derivative_latex(w.number(z, bracket=False), w.number(a))
            numbers.append(rf"{w.number(grad)} \cdot {slope}")
            f_prime = float(derivative(activation.name, np.array([trace.value(z)]), np.array([trace.value(a)]))[0])
            texts.append(f"{w.bracket_text(w.text(grad))} × {w.bracket_text(format_number(f_prime, w.digits))}")
            text_value = printed(trace.value(grad), w.digits) * printed(f_prime, w.digits)
            formulas.append(f"{w.name(grad)} · f'({w.z(name)})")
    if joint:
        target = Quantity(Kind.TARGET, name, s)
        scale, scale_text = loss_scale(trace)
        total = sum(trace.value(q) for q in step.operands if q.kind is Kind.TARGET)
        a_symbol, a_number, a_text, a_formula = w.symbol(a), w.number(a), w.bracket_text(w.text(a)), w.a(name)
        if activation.coupled and total != 1.0:
            # The general form, for targets that do not add up to 1.
            a_symbol += r" \sum_{k} t_k"
            a_number += rf" \cdot {w.bracket(tex_number(total, w.digits))}"
            a_text += f" × {w.bracket_text(format_number(total, w.digits))}"
            a_formula += " · Σ t"
        symbols.append(f"{scale}({a_symbol} - {w.symbol(target)})" if scale else f"{a_symbol} - {w.symbol(target)}")
        t_number, t_text = w.number(target), w.bracket_text(w.text(target))
        numbers.append(f"{scale}({a_number} - {t_number})" if scale else f"{a_number} - {t_number}")
        texts.append(f"{scale_text}({a_text} − {t_text})" if scale else f"{a_text} − {t_text}")
        formulas.append(f"{dotted(scale_text)}({a_formula} − t({name}))" if scale else f"{a_formula} − t({name})")
        sentence = (
            f"{w.delta_word(row)} of {name}: {activation.title.lower()} and "
            f"{trace.engine.loss.in_words} together leave the simple "
            "difference of activation and target"
        )
    else:
        sentence = (
            f"{w.delta_word(row)} of {name}: how the loss changes with its pre-activation, "
            "by the slope of its activation"
        )
    return Lines(
        sentence,
        left,
        " + ".join(symbols),
        " + ".join(numbers),
        " + ".join(texts),
        f"{w.name(step.quantity)} = " + " + ".join(formulas),
        activation.note,
        # What is passed back and the difference stand in one text where an output feeds another.
        None if joint else text_value,
    )


def _weight_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    delta, activation = step.operands
    edge = trace.network.edges[step.quantity.subject]
    gradient = f"The gradient of {w.weight(edge.parameter)}"
    if w.is_shared(edge.id):
        gradient = f"The share of the edge {edge.source}→{edge.target} in the gradient of {w.weight(edge.parameter)}"
    sentence = f"{gradient}: {w.delta_word(w.row(delta))} of {delta.subject} times {activation_phrase(activation)}"
    return product_of_two(step, w, sentence)


def _bias_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    (delta,) = step.operands
    return Lines(
        f"The gradient of the bias of {delta.subject}: {w.delta_word(w.row(delta))} of {delta.subject} itself, "
        "as the bias is multiplied by 1",
        w.symbol(step.quantity),
        w.symbol(delta),
        "",
        w.name(delta),
        f"{w.name(step.quantity)} = {w.name(delta)}",
    )


BACKWARD: Mapping[Kind, Callable[[Trace, Told, Writer], Lines]] = {
    Kind.ACTIVATION_GRAD: _activation_grad,
    Kind.DROPOUT_GRAD: _dropout_grad,
    Kind.PRE_ACTIVATION_GRAD: _pre_activation_grad,
    Kind.WEIGHT_GRAD: _weight_grad,
    Kind.BIAS_GRAD: _bias_grad,
}
