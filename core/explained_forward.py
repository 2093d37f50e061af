"""What each step of the forward pass says, up to the loss, and what is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.activations import ACTIVATIONS
from core.explained import Lines, Told, activation_phrase, dotted, loss_scale, product_of_two, sum_of_all
from core.notation import MORE, MORE_TEX, Writer, tex_id, without_brackets
from core.numbers import format_number
from core.quantities import GIVEN_KINDS, Kind, Quantity
from core.trace import Trace

DROPOUT_NOTE = "Dropout takes part in training only; the loss over the table is computed without it."


def _given(trace: Trace, step: Told, w: Writer) -> Lines:
    what = {
        Kind.WEIGHT: "The weight {name}: a parameter, as the updates so far have left it",
        Kind.BIAS: "The bias {name}: a parameter, as the updates so far have left it",
        Kind.TARGET: "The target {name}: what this sample's output should be",
        Kind.MASK: "The mask {name}: 0 where dropout leaves the neuron out of this sample, else 1 / (1 − p)",
    }.get(step.kind, "{name}: what the optimizer remembers from the update before")
    name = w.name(step.quantity)
    return Lines(what.format(name=name), w.symbol(step.quantity), "", "", name, name)


def _input(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    sentence = f"The input {name} is given; it is passed on as it is"
    return Lines(
        sentence,
        w.symbol(step.quantity),
        f"x_{{{tex_id(name)}}}",
        "",
        f"{w.a(name)}",
        f"{w.a(name)} = x({name})",
    )


def _product(trace: Trace, step: Told, w: Writer) -> Lines:
    weight, activation = step.operands
    sentence = f"The weight {w.weight(weight.subject)} times {activation_phrase(activation)}"
    return product_of_two(step, w, sentence)


def _weighted_sum(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    products = len(step.operands) - 1
    arrive = {0: "nothing arrives there", 1: "the product that arrives there"}.get(
        products, f"the {products} products that arrive there"
    )
    sentence = f"The pre-activation of {name}: {arrive}, plus its bias"
    return Lines(
        sentence,
        w.symbol(step.quantity),
        w.sum_symbols(step.operands),
        w.sum_numbers(step.operands),
        w.sum_text(step.operands),
        f"{w.z(name)} = " + w.cut([w.name(q) for q in step.operands], MORE),
    )


def _activation(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    activation = ACTIVATIONS[trace.network.neurons[name].activation]
    z = step.operands[0]
    symbol, number = w.symbol(z), w.number(z, bracket=False)
    title = activation.title if any(c.isupper() for c in activation.title[1:]) else activation.title.lower()
    sentence = f"The activation of {name}: {title} of its pre-activation"
    if activation.coupled:
        sentence = f"The activation of {name}: its share of the exponentials of all {len(step.operands)} outputs"
        order = {neuron: place for place, neuron in enumerate(trace.network.neurons)}
        terms = sorted(step.operands, key=lambda q: order[q.subject])
        numbers = w.cut([f"e^{{{w.number(q, bracket=False)}}}" for q in terms], MORE_TEX)
        right = rf"\frac{{e^{{{symbol}}}}}{{\sum_{{k}} e^{{{w.notation.pre_activation_tex}_k}}}}"
        put_in = rf"\frac{{e^{{{number}}}}}{{{numbers}}}"
        text = f"e^{w.text(z)} / ({w.cut([f'e^{w.text(q)}' for q in terms], MORE)})"
        formula = f"{w.a(name)} = e^{w.z(name)} / Σ e^{w.notation.pre_activation}"
    elif activation.name == "linear":
        sentence = f"The activation of {name}: its pre-activation, as its activation function is linear"
        right, put_in, text, formula = symbol, "", f"{w.a(name)}", f"{w.a(name)} = {w.z(name)}"
    else:
        right, put_in = without_brackets(activation.latex(symbol)), without_brackets(activation.latex(number))
        text, formula = f"{activation.symbol}({w.text(z)})", f"{w.a(name)} = {activation.symbol}({w.z(name)})"
    return Lines(sentence, w.symbol(step.quantity), right, put_in, text, formula, activation.note)


def _dropout(trace: Trace, step: Told, w: Writer) -> Lines:
    mask = step.operands[0]
    sentence = f"What {step.quantity.subject} passes on: {_fate(trace, step, mask)}"
    return product_of_two(step, w, sentence, DROPOUT_NOTE)


def _fate(trace: Trace, step: Told, mask: Quantity) -> str:
    rate = trace.network.neurons[step.quantity.subject].dropout
    if trace.value(mask) == 0.0:
        return f"nothing, as dropout (p = {format_number(rate, 3)}) leaves it out of this sample"
    return f"its activation divided by 1 − p, as dropout (p = {format_number(rate, 3)}) keeps it"


def _loss_share(trace: Trace, step: Told, w: Writer) -> Lines:
    name = step.quantity.subject
    activation, target = step.operands
    loss = trace.engine.loss
    scale, scale_text = loss_scale(trace)
    a, t = w.bracket_text(w.text(activation)), w.bracket_text(w.text(target))
    return Lines(
        f"The share of {name} in the loss: {loss.in_words} of its activation and its target",
        w.symbol(step.quantity),
        _scaled(scale, loss.latex(w.symbol(activation), w.symbol(target))),
        _scaled(scale, loss.latex(w.number(activation), w.number(target))),
        _scaled(scale_text, share_text(loss.name, a, t)),
        f"{w.name(step.quantity)} = " + dotted(_scaled(scale_text, share_text(loss.name, w.a(name), f"t({name})"))),
    )


def _scaled(scale: str, term: str) -> str:
    """A term times the factor before it; the term's minus sign comes first."""
    return f"{term[0]}{scale}{term[1:]}" if scale and term[0] in "-−" else scale + term


def share_text(loss: str, a: str, t: str) -> str:
    """One output's share of the loss as text, before the mean over the outputs."""
    match loss:
        case "half_squared_error" | "half_mean_squared_error":
            return f"½ × ({t} − {a})²"
        case "squared_error" | "mean_squared_error":
            return f"({t} − {a})²"
        case "mean_absolute_error":
            return f"|{t} − {a}|"
        case "huber":
            return f"huber({t} − {a})"
        case "binary_cross_entropy" | "summed_binary_cross_entropy":
            return f"−({t} × ln {a} + (1 − {t}) × ln(1 − {a}))"
        case _:
            return f"−{t} × ln {a}"


def _loss(trace: Trace, step: Told, w: Writer) -> Lines:
    count = len(step.operands)
    sentence = {0: "There is no output, so there is no loss", 1: "The loss of this sample"}.get(
        count, f"The loss of this sample: the sum of the {count} shares"
    )
    return sum_of_all(step, w, sentence)


FORWARD: Mapping[Kind, Callable[[Trace, Told, Writer], Lines]] = {
    **dict.fromkeys(GIVEN_KINDS, _given),
    Kind.INPUT: _input,
    Kind.PRODUCT: _product,
    Kind.WEIGHTED_SUM: _weighted_sum,
    Kind.ACTIVATION: _activation,
    Kind.DROPOUT: _dropout,
    Kind.LOSS_SHARE: _loss_share,
    Kind.LOSS: _loss,
}
