"""A step in words and as a formula: symbols, the same with numbers put in, and the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations import ACTIVATIONS, derivative
from core.notation import MORE, MORE_TEX, Writer, bare_first, tex_id, tex_number, without_brackets
from core.numbers import format_number
from core.optimizer_terms import Formula
from core.printed import comes_out, is_shown_as, printed
from core.quantities import GIVEN_KINDS, TERM_KINDS, Kind, Quantity
from core.style import Style, unmark
from core.trace import Trace

DROPOUT_NOTE = "Dropout takes part in training only; the loss over the table is computed without it."


@dataclass(frozen=True, slots=True)
class Explanation:
    r"""A quantity explained. `symbols`, `numbers` and `result` are LaTeX: "lhs = rhs", "= ...", "= value".

    The result stands behind ``\approx`` where the numbers, as they are printed, come to other last digits. `numbers`
    is empty where a formula has nothing to put in. `plain` is the line with numbers as text, such as
    "0.1385 × 0.5933 = 0.08217"; `formula` the line with symbols as text. In the LaTeX what stands for one of
    `operands` is marked as ``\operand{place}{...}``; `latex` is the whole without these marks.
    """

    title: str
    sentence: str
    symbols: str
    numbers: str
    result: str
    plain: str
    formula: str
    note: str = ""
    operands: tuple[Quantity, ...] = ()

    @property
    def latex(self) -> str:
        """All three lines as one, in plain LaTeX."""
        return unmark(" ".join(part for part in (self.symbols, self.numbers, self.result) if part))


def step_title(trace: Trace, index: int, style: Style = Style()) -> str:  # noqa: B008 - frozen
    """The short name of what the step at `index` reveals, without computing its value."""
    return Writer(trace, style).name(trace.quantity_at(index))


@dataclass(frozen=True, slots=True)
class _Lines:
    """What one kind of step says: a sentence, the formula's sides, and the numbers as text."""

    sentence: str
    left: str
    right: str
    numbers: str
    text: str
    formula: str
    note: str = ""
    # What the text comes to as it is printed, where it has other numbers than the LaTeX.
    text_value: float | None = None


def explain(trace: Trace, quantity: Quantity, style: Style = Style()) -> Explanation:  # noqa: B008 - frozen
    """Explain how a quantity comes about, in a style; what is given has no formula but its value."""
    operands = trace.operands(quantity)
    writer = Writer(trace, style, operands)
    told = _Told(quantity, operands)
    lines = _EXPLAINERS[quantity.kind](trace, told, writer)
    value, digits = trace.value(quantity), style.digits
    exact = not lines.numbers or comes_out(trace, quantity, digits)
    exact_text = exact
    if lines.text_value is not None and trace.rounding is None:
        exact_text = is_shown_as(lines.text_value, value, digits)
    return _explanation(
        writer,
        lines,
        value=value,
        title=writer.name(quantity),
        operands=operands,
        signs=(_sign(exact), _sign_text(exact_text)),
    )


def _sign(exact: bool) -> str:
    return "=" if exact else r"\approx"


def _sign_text(exact: bool) -> str:
    return "=" if exact else "≈"


def _explanation(
    writer: Writer,
    lines: _Lines,
    *,
    value: float,
    title: str,
    operands: tuple[Quantity, ...],
    signs: tuple[str, str],
) -> Explanation:
    """The explanation of these lines; `signs` stand before the result, as LaTeX and as text."""
    result = format_number(value, writer.digits)
    return Explanation(
        title=title,
        sentence=lines.sentence,
        symbols=writer.mark_operands(f"{lines.left} = {lines.right}" if lines.right else lines.left),
        numbers=writer.mark_operands(f"= {bare_first(lines.numbers)}") if lines.numbers else "",
        result=f"{signs[0]} {tex_number(value, writer.digits)}",
        plain=f"{bare_first(lines.text)} {signs[1]} {result}" if lines.text else result,
        formula=lines.formula,
        note=lines.note,
        operands=operands,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What is explained: a quantity and what it is made of."""

    quantity: Quantity
    operands: tuple[Quantity, ...]

    @property
    def kind(self) -> Kind:
        """What the quantity is."""
        return self.quantity.kind


def _input(trace: Trace, step: _Told, w: Writer) -> _Lines:
    name = step.quantity.subject
    sentence = f"The input {name} is given; it is passed on as it is"
    return _Lines(
        sentence,
        w.symbol(step.quantity),
        f"x_{{{tex_id(name)}}}",
        "",
        f"{w.a(name)}",
        f"{w.a(name)} = x({name})",
    )


def _activation_phrase(quantity: Quantity) -> str:
    if quantity.kind is Kind.DROPOUT:
        return f"what {quantity.subject} passes on"
    return f"the {'input' if quantity.kind is Kind.INPUT else 'activation of'} {quantity.subject}"


def _product(trace: Trace, step: _Told, w: Writer) -> _Lines:
    weight, activation = step.operands
    sentence = f"The weight {w.weight(weight.subject)} times {_activation_phrase(activation)}"
    return _Lines(
        sentence,
        rf"{w.symbol(weight)} \cdot {w.symbol(activation)}",
        "",
        rf"{w.number(weight, bracket=False)} \cdot {w.number(activation)}",
        w.factor_text(weight, activation),
        f"{w.weight(weight.subject)} · {w.name(activation)}",
    )


def _weighted_sum(trace: Trace, step: _Told, w: Writer) -> _Lines:
    name = step.quantity.subject
    products = len(step.operands) - 1
    arrive = {0: "nothing arrives there", 1: "the product that arrives there"}.get(
        products, f"the {products} products that arrive there"
    )
    sentence = f"The pre-activation of {name}: {arrive}, plus its bias"
    return _Lines(
        sentence,
        w.symbol(step.quantity),
        w.sum_symbols(step.operands),
        w.sum_numbers(step.operands),
        w.sum_text(step.operands),
        f"{w.z(name)} = " + w.cut([w.name(q) for q in step.operands], MORE),
    )


def _activation(trace: Trace, step: _Told, w: Writer) -> _Lines:
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
    return _Lines(sentence, w.symbol(step.quantity), right, put_in, text, formula, activation.note)


def _scale(trace: Trace) -> tuple[str, str]:
    """The factor that makes a mean over the outputs, as LaTeX and as text."""
    count = len(trace.network.outputs)
    if trace.engine.loss.mean and count > 1:
        return rf"\frac{{1}}{{{count}}} \cdot ", f"1/{count} × "
    return "", ""


def _loss_share(trace: Trace, step: _Told, w: Writer) -> _Lines:
    name = step.quantity.subject
    activation, target = step.operands
    loss = trace.engine.loss
    scale, scale_text = _scale(trace)
    a, t = w.bracket_text(w.text(activation)), w.bracket_text(w.text(target))
    return _Lines(
        f"The share of {name} in the loss: {loss.in_words} of its activation and its target",
        w.symbol(step.quantity),
        _scaled(scale, loss.latex(w.symbol(activation), w.symbol(target))),
        _scaled(scale, loss.latex(w.number(activation), w.number(target))),
        _scaled(scale_text, _share_text(loss.name, a, t)),
        f"{w.name(step.quantity)} = " + _dotted(_scaled(scale_text, _share_text(loss.name, w.a(name), f"t({name})"))),
    )


def _dotted(formula: str) -> str:
    """A formula of symbols; between numbers stands "×"."""
    return formula.replace(" × ", " · ")


def _scaled(scale: str, term: str) -> str:
    """A term times the factor before it; the term's minus sign comes first."""
    return f"{term[0]}{scale}{term[1:]}" if scale and term[0] in "-−" else scale + term


def _share_text(loss: str, a: str, t: str) -> str:
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


def _share_grad_text(loss: str, a: str, t: str) -> str:
    """The derivative of `_share_text` as text."""
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


def _loss(trace: Trace, step: _Told, w: Writer) -> _Lines:
    count = len(step.operands)
    sentence = {0: "There is no output, so there is no loss", 1: "The loss of this sample"}.get(
        count, f"The loss of this sample: the sum of the {count} shares"
    )
    return _Lines(
        sentence,
        w.symbol(step.quantity),
        w.sum_symbols(step.operands) or "0",
        w.sum_numbers(step.operands) if count > 1 else "",
        w.sum_text(step.operands) if count > 1 else w.name(step.quantity),
        f"{w.name(step.quantity)} = " + w.cut([w.name(q) for q in step.operands], MORE),
    )


def _activation_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    name = step.quantity.subject
    if name in trace.schedule.dropped:
        return _kept_activation_grad(trace, step, w)
    contributions = [q for q in step.operands if q.kind is Kind.CONTRIBUTION]
    own = [q for q in step.operands if q.kind is not Kind.CONTRIBUTION]
    parts, numbers, texts, formulas = [], [], [], []
    if own:
        activation, target = own
        loss = trace.engine.loss
        scale, scale_text = _scale(trace)
        alone = str if scale else without_brackets
        parts.append(scale + alone(loss.grad_latex(w.symbol(activation), w.symbol(target))))
        numbers.append(scale + alone(loss.grad_latex(w.number(activation), w.number(target))))
        a, t = w.bracket_text(w.text(activation)), w.bracket_text(w.text(target))
        texts.append(scale_text + alone(_share_grad_text(loss.name, a, t)))
        formulas.append(_dotted(scale_text + alone(_share_grad_text(loss.name, w.a(name), f"t({name})"))))
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
    return _Lines(
        sentence,
        w.symbol(step.quantity),
        " + ".join(parts) or "0",
        "" if single else " + ".join(numbers),
        left if single or not texts else " + ".join(texts),
        f"{left} = " + (" + ".join(formulas) or "0"),
    )


def _kept_activation_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    mask, dropped = step.operands
    name = step.quantity.subject
    return _Lines(
        f"How the loss changes with the activation of {name}: through the same mask as forward",
        w.symbol(step.quantity),
        rf"{w.symbol(mask)} \cdot {w.symbol(dropped)}",
        rf"{w.number(mask)} \cdot {w.number(dropped)}",
        w.factor_text(mask, dropped),
        f"{w.name(step.quantity)} = {w.name(mask)} · {w.name(dropped)}",
    )


def _pre_activation_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
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
        scale, scale_text = _scale(trace)
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
        formulas.append(f"{_dotted(scale_text)}({a_formula} − t({name}))" if scale else f"{a_formula} − t({name})")
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
    return _Lines(
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


def _weight_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    delta, activation = step.operands
    edge = trace.network.edges[step.quantity.subject]
    gradient = f"The gradient of {w.weight(edge.parameter)}"
    if w.is_shared(edge.id):
        gradient = f"The share of the edge {edge.source}→{edge.target} in the gradient of {w.weight(edge.parameter)}"
    return _Lines(
        f"{gradient}: {w.delta_word(w.row(delta))} of {delta.subject} times {_activation_phrase(activation)}",
        w.symbol(step.quantity),
        rf"{w.symbol(delta)} \cdot {w.symbol(activation)}",
        rf"{w.number(delta, bracket=False)} \cdot {w.number(activation)}",
        w.factor_text(delta, activation),
        f"{w.name(step.quantity)} = {w.name(delta)} · {w.name(activation)}",
    )


def _bias_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    (delta,) = step.operands
    return _Lines(
        f"The gradient of the bias of {delta.subject}: {w.delta_word(w.row(delta))} of {delta.subject} itself, "
        "as the bias is multiplied by 1",
        w.symbol(step.quantity),
        w.symbol(delta),
        "",
        w.name(delta),
        f"{w.name(step.quantity)} = {w.name(delta)}",
    )


def _contribution(trace: Trace, step: _Told, w: Writer) -> _Lines:
    weight, delta = step.operands
    edge = step.quantity.subject
    source = trace.network.edges[edge].source
    which = "the weight that was just updated" if weight.kind is Kind.UPDATE else "the weight"
    return _Lines(
        f"What comes back to {source} through {w.weight(edge)}: "
        f"{which} times {w.delta_word(w.row(delta))} of {delta.subject}",
        rf"{w.symbol(weight)} \cdot {w.symbol(delta)}",
        "",
        rf"{w.number(weight, bracket=False)} \cdot {w.number(delta)}",
        w.factor_text(weight, delta),
        f"{w.name(weight)} · {w.name(delta)}",
    )


def _parameter_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    subject = step.quantity.subject
    name = w.parameter(subject)
    edges = trace.schedule.sharing.get(subject, [])
    what = f"the {'mean' if trace.mean else 'sum'} over the {trace.batch} samples"
    shared = f"over the {len(edges)} edges that share it"
    if trace.batch == 1:
        what = f"the sum {shared}" if edges else "the sum"
    elif edges:
        what += f", added up {shared}"
    sentence = f"The gradient of {name} for the update: {what}"
    left = w.derivative(name)
    if trace.batch == 1:
        symbols, formula = w.sum_symbols(step.operands), w.cut([w.name(q) for q in step.operands], MORE)
        numbers, text = w.sum_numbers(step.operands), w.sum_text(step.operands)
        return _Lines(sentence, w.symbol(step.quantity), symbols, numbers, text, f"{left} = {formula}")
    # One term stands for those of all rows, so it is no operand: a gradient of that row's own loss.
    symbols = w.cut([w.weight_grad_tex(e, "n") for e in edges], MORE_TEX)
    formula = w.cut([w.weight_grad(e, "n") for e in edges], MORE)
    return _over_rows(
        w,
        step.operands,
        sentence=sentence,
        left=(w.symbol(step.quantity), left),
        term=(f"({symbols})", f"({formula})")
        if edges
        else (w.derivative_tex(w.parameter_tex(subject), "n"), w.derivative(name, "n")),
    )


def _over_rows(
    w: Writer, terms: Sequence[Quantity], *, sentence: str, left: tuple[str, str], term: tuple[str, str]
) -> _Lines:
    """The mean or sum of `terms` over the rows of a batch; `left` and the `term` of row n as LaTeX and as text."""
    rows, is_mean = w.trace.batch, w.trace.mean
    scale, scale_text = (rf"\frac{{1}}{{{rows}}} ", f"1/{rows} · ") if is_mean else ("", "")
    numbers, text = w.sum_numbers(terms), w.sum_text(terms)
    return _Lines(
        sentence,
        left[0],
        rf"{scale}\sum_{{n=1}}^{{{rows}}} {term[0]}",
        rf"{scale}({numbers})" if is_mean else numbers,
        f"({text}) / {rows}" if is_mean else text,
        f"{left[1]} = {scale_text}Σ {term[1]}",
    )


def explain_batch_loss(trace: Trace, style: Style = Style()) -> Explanation:  # noqa: B008 - frozen
    """Explain how the loss of a batch of several rows comes about: no step reveals it, see `Trace.loss`."""
    losses = tuple(Quantity(Kind.LOSS, "", sample) for sample in range(trace.batch))
    w = Writer(trace, style, losses)
    lines = _over_rows(
        w,
        losses,
        sentence=f"The loss of the batch: the {'mean' if trace.mean else 'sum'} over its {trace.batch:,} samples",
        left=(w.loss_tex(), w.loss()),
        term=(w.loss_tex("n"), w.loss("n")),
    )
    total = sum(printed(trace.value(loss), style.digits) for loss in losses)
    calculated = total / trace.batch if trace.mean else total
    exact = trace.rounding is not None or is_shown_as(calculated, trace.loss, style.digits)
    signs = _sign(exact), _sign_text(exact)
    return _explanation(w, lines, value=trace.loss, title=w.loss(), operands=losses, signs=signs)


def _penalized_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    assert trace.learner.penalty is not None
    term = trace.learner.penalty.term
    return _term_lines(trace, step, w, term.formula, "The gradient of {name} with the penalty on the size of weights")


def _optimizer_term(trace: Trace, step: _Told, w: Writer) -> _Lines:
    optimizer = trace.optimizer
    term = optimizer.terms[TERM_KINDS.index(step.kind)]
    remembered = ", which is remembered for the next update" if term.kept else ""
    sentence = f"The {term.title} of {{name}}{remembered}"
    return _term_lines(trace, step, w, term.formula, sentence)


def _term_lines(trace: Trace, step: _Told, w: Writer, formula: Formula, sentence: str) -> _Lines:
    subject = step.quantity.subject
    penalized = step.kind is not Kind.PENALIZED_GRAD
    symbols, numbers, text = w.formula(formula, subject, penalized=penalized)
    name = w.name(step.quantity)
    return _Lines(
        sentence.format(name=w.parameter(subject)),
        w.symbol(step.quantity),
        symbols,
        numbers,
        text,
        f"{name} = {w.formula_text(formula, subject, penalized=penalized)}",
    )


def _update(trace: Trace, step: _Told, w: Writer) -> _Lines:
    subject, optimizer = step.quantity.subject, trace.optimizer
    name = w.parameter(subject)
    symbols, numbers, text = w.formula(optimizer.update, subject)
    how = {"sgd": "the old one minus the learning rate times its gradient"}.get(
        optimizer.name, f"by {optimizer.title}, from what was just computed"
    )
    return _Lines(
        f"The new {name}: {how}",
        w.symbol(step.quantity),
        symbols,
        numbers,
        text,
        f"new {name} = {w.formula_text(optimizer.update, subject)}",
    )


def _dropout(trace: Trace, step: _Told, w: Writer) -> _Lines:
    mask, activation = step.operands
    name = step.quantity.subject
    return _Lines(
        f"What {name} passes on: {_fate(trace, step, mask)}",
        w.symbol(step.quantity),
        rf"{w.symbol(mask)} \cdot {w.symbol(activation)}",
        rf"{w.number(mask)} \cdot {w.number(activation)}",
        w.factor_text(mask, activation),
        f"{w.dropped(name)} = m({name}) · {w.a(name)}",
        DROPOUT_NOTE,
    )


def _what_came_back(edges: int) -> str:
    if edges == 1:
        return "what came back through the one edge that leaves it"
    return f"the sum of what came back through the {edges} edges that leave it"


def _fate(trace: Trace, step: _Told, mask: Quantity) -> str:
    rate = trace.network.neurons[step.quantity.subject].dropout
    if trace.value(mask) == 0.0:
        return f"nothing, as dropout (p = {format_number(rate, 3)}) leaves it out of this sample"
    return f"its activation divided by 1 − p, as dropout (p = {format_number(rate, 3)}) keeps it"


def _dropout_grad(trace: Trace, step: _Told, w: Writer) -> _Lines:
    name = step.quantity.subject
    count = len(step.operands)
    sentence = f"How the loss changes with what {name} passes on: {_what_came_back(count)}"
    return _Lines(
        sentence if count else f"No path leads from {name} to the loss, so what it passes on changes nothing",
        w.symbol(step.quantity),
        w.sum_symbols(step.operands) or "0",
        w.sum_numbers(step.operands) if count > 1 else "",
        w.sum_text(step.operands) if count > 1 else w.name(step.quantity),
        f"{w.name(step.quantity)} = " + (w.cut([w.name(q) for q in step.operands], MORE) or "0"),
    )


def _given(trace: Trace, step: _Told, w: Writer) -> _Lines:
    what = {
        Kind.WEIGHT: "The weight {name}: a parameter, as the updates so far have left it",
        Kind.BIAS: "The bias {name}: a parameter, as the updates so far have left it",
        Kind.TARGET: "The target {name}: what this sample's output should be",
        Kind.MASK: "The mask {name}: 0 where dropout leaves the neuron out of this sample, else 1 / (1 − p)",
    }.get(step.kind, "{name}: what the optimizer remembers from the update before")
    name = w.name(step.quantity)
    return _Lines(what.format(name=name), w.symbol(step.quantity), "", "", name, name)


_EXPLAINERS = {
    **dict.fromkeys(GIVEN_KINDS, _given),
    Kind.INPUT: _input,
    Kind.PRODUCT: _product,
    Kind.WEIGHTED_SUM: _weighted_sum,
    Kind.ACTIVATION: _activation,
    Kind.LOSS_SHARE: _loss_share,
    Kind.LOSS: _loss,
    Kind.ACTIVATION_GRAD: _activation_grad,
    Kind.PRE_ACTIVATION_GRAD: _pre_activation_grad,
    Kind.WEIGHT_GRAD: _weight_grad,
    Kind.BIAS_GRAD: _bias_grad,
    Kind.CONTRIBUTION: _contribution,
    Kind.PARAMETER_GRAD: _parameter_grad,
    Kind.PENALIZED_GRAD: _penalized_grad,
    **dict.fromkeys(TERM_KINDS, _optimizer_term),
    Kind.UPDATE: _update,
    Kind.DROPOUT: _dropout,
    Kind.DROPOUT_GRAD: _dropout_grad,
}
