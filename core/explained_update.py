"""What each step of an update says: rows and shared weights put together, and the optimizer's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.explained import Lines, Told, product_of_two
from core.notation import MORE, MORE_TEX, Writer
from core.optimizer_terms import Formula
from core.quantities import TERM_KINDS, Kind, Quantity
from core.trace import Trace


def _contribution(trace: Trace, step: Told, w: Writer) -> Lines:
    weight, delta = step.operands
    edge = step.quantity.subject
    source = trace.network.edges[edge].source
    which = "the weight that was just updated" if weight.kind is Kind.UPDATE else "the weight"
    return product_of_two(
        step,
        w,
        f"What comes back to {source} through {w.weight(edge)}: "
        f"{which} times {w.delta_word(w.row(delta))} of {delta.subject}",
    )


def _parameter_grad(trace: Trace, step: Told, w: Writer) -> Lines:
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
        return Lines(sentence, w.symbol(step.quantity), symbols, numbers, text, f"{left} = {formula}")
    # One term stands for those of all rows, so it is no operand: a gradient of that row's own loss.
    symbols = w.cut([w.weight_grad_tex(e, "n") for e in edges], MORE_TEX)
    formula = w.cut([w.weight_grad(e, "n") for e in edges], MORE)
    return mean_or_sum(
        w,
        step.operands,
        sentence=sentence,
        left=(w.symbol(step.quantity), left),
        term=(f"({symbols})", f"({formula})")
        if edges
        else (w.derivative_tex(w.parameter_tex(subject), "n"), w.derivative(name, "n")),
    )


def mean_or_sum(
    w: Writer, terms: Sequence[Quantity], *, sentence: str, left: tuple[str, str], term: tuple[str, str]
) -> Lines:
    """The mean or sum of `terms` over the rows of a batch; `left` and the `term` of row n as LaTeX and as text."""
    rows, is_mean = w.trace.batch, w.trace.mean
    scale, scale_text = (rf"\frac{{1}}{{{rows}}} ", f"1/{rows} · ") if is_mean else ("", "")
    numbers, text = w.sum_numbers(terms), w.sum_text(terms)
    return Lines(
        sentence,
        left[0],
        rf"{scale}\sum_{{n=1}}^{{{rows}}} {term[0]}",
        rf"{scale}({numbers})" if is_mean else numbers,
        f"({text}) / {rows}" if is_mean else text,
        f"{left[1]} = {scale_text}Σ {term[1]}",
    )


def _penalized_grad(trace: Trace, step: Told, w: Writer) -> Lines:
    assert trace.learner.penalty is not None
    term = trace.learner.penalty.term
    return _term_lines(trace, step, w, term.formula, "The gradient of {name} with the penalty on the size of weights")


def _optimizer_term(trace: Trace, step: Told, w: Writer) -> Lines:
    optimizer = trace.optimizer
    term = optimizer.terms[TERM_KINDS.index(step.kind)]
    remembered = ", which is remembered for the next update" if term.kept else ""
    sentence = f"The {term.title} of {{name}}{remembered}"
    return _term_lines(trace, step, w, term.formula, sentence)


def _term_lines(trace: Trace, step: Told, w: Writer, formula: Formula, sentence: str) -> Lines:
    subject = step.quantity.subject
    penalized = step.kind is not Kind.PENALIZED_GRAD
    symbols, numbers, text = w.formula(formula, subject, penalized=penalized)
    name = w.name(step.quantity)
    return Lines(
        sentence.format(name=w.parameter(subject)),
        w.symbol(step.quantity),
        symbols,
        numbers,
        text,
        f"{name} = {w.formula_text(formula, subject, penalized=penalized)}",
    )


def _update(trace: Trace, step: Told, w: Writer) -> Lines:
    subject, optimizer = step.quantity.subject, trace.optimizer
    name = w.parameter(subject)
    symbols, numbers, text = w.formula(optimizer.update, subject)
    how = {"sgd": "the old one minus the learning rate times its gradient"}.get(
        optimizer.name, f"by {optimizer.title}, from what was just computed"
    )
    return Lines(
        f"The new {name}: {how}",
        w.symbol(step.quantity),
        symbols,
        numbers,
        text,
        f"new {name} = {w.formula_text(optimizer.update, subject)}",
    )


UPDATE: Mapping[Kind, Callable[[Trace, Told, Writer], Lines]] = {
    Kind.CONTRIBUTION: _contribution,
    Kind.PARAMETER_GRAD: _parameter_grad,
    Kind.PENALIZED_GRAD: _penalized_grad,
    **dict.fromkeys(TERM_KINDS, _optimizer_term),
    Kind.UPDATE: _update,
}
