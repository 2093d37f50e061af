"""The beginning of a worked solution: the network, its data, its parameters, and how everything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.activations import ACTIVATIONS
from core.convention_formulas import ConventionFormulas, convention_formulas
from core.explained_forward import DROPOUT_NOTE
from core.losses import LOSSES
from core.network import Network
from core.notation import tex_id, without_brackets
from core.numbers import format_number
from core.quantities import FORMER_KINDS, Granularity, Kind, Quantity
from core.sheet_writer import MOST_COLUMNS, Cell, SheetWriter, listed, row_name
from core.style import SETTING_DIGITS, Rounding
from core.trace import Trace

# Activation functions in whose formulas [z > 0] stands.
_WITH_CASES = ("relu", "step")
# Each sample of so small a batch has pictures; of a larger one the first has.
PICTURED = 4


def write_given(page: SheetWriter, rows: Sequence[int], rounding: Rounding | None) -> None:
    """Write what is known before the first step: the picture, the tables of numbers, the conventions."""
    trace, network = page.trace, page.trace.network
    page.heading("Given")
    page.paragraph(_describe(network))
    first = row_name(rows, 0)
    caption = "The network with its weights and biases" + (f" (row {first})" if trace.batch > 1 else "")
    for owner, edges in trace.schedule.sharing.items():
        caption += f"; {listed(_edge(page, edge) for edge in edges)} share {page.writer.weight(owner)}"
    page.figure(0, caption)
    if trace.batch > PICTURED:
        page.paragraph(f"The drawings show row {first} alone, as the batch has more than {PICTURED} rows.")
    _write_samples(page, rows)
    _write_parameters(page)
    page.heading("How it is computed")
    names = list(dict.fromkeys(n.activation for n in network.neurons.values() if network.has_bias(n.id)))
    for name in names:
        _write_activation(page, name, meaning=name == next((n for n in names if n in _WITH_CASES), ""))
    if network.outputs:
        _write_loss(page)
    sentences = list(_conventions(page)) if network.outputs and trace.training else []
    sentences.append(
        f"Every number is rounded to {rounding} before the next one is computed with it."
        if rounding is not None
        else f"Numbers are shown with up to {page.style.digits} significant digits and computed with all of them; "
        "≈ stands before a result where the numbers as printed come to other last digits."
    )
    page.paragraph(" ".join(sentences))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _describe(network: Network) -> str:
    hidden = len(network.neurons) - len(network.inputs) - len(network.outputs)
    biases = sum(map(network.has_bias, network.neurons))
    counts = [
        (len(network.inputs), "input", "inputs"),
        (hidden, "hidden neuron", "hidden neurons"),
        (len(network.outputs), "output", "outputs"),
    ]
    neurons = [_counted(*count) for count in counts if count[0]]
    weights = _counted(len(network.values) - biases, "weight", "weights")
    return f"A network of {listed(neurons)}, with {weights} and {_counted(biases, 'bias', 'biases')}."


def _write_samples(page: SheetWriter, rows: Sequence[int]) -> None:
    """Inputs and targets, a row a sample, or a row a neuron where these are many and the samples few."""
    trace, network = page.trace, page.trace.network
    kinds = [(Kind.INPUT, neuron.id) for neuron in network.inputs]
    kinds += [(Kind.TARGET, neuron.id) for neuron in network.outputs]
    if trace.schedule.dropped:
        kinds += [(Kind.MASK, neuron) for neuron in network.neurons if neuron in trace.schedule.dropped]
    if not kinds:
        return
    # Where its own line says so, an input's activation is what is given as x.
    x = "x({})" if page.granularity is Granularity.TERM else f"{page.style.notation.activation}({{}})"
    names = [x.format(n) if kind is Kind.INPUT else page.name(Quantity(kind, n)) for kind, n in kinds]
    what = "inputs and targets" if network.outputs else "inputs"
    if trace.schedule.dropped:
        what += ", and the masks m of dropout"
    caption = f"The {what}"
    if len(kinds) > MOST_COLUMNS >= trace.batch:
        by_neuron: list[list[Cell]] = [
            [name, *(Quantity(kind, n, s) for s in range(trace.batch))]
            for name, (kind, n) in zip(names, kinds, strict=True)
        ]
        page.table(["", *(f"Row {row_name(rows, s)}" for s in range(trace.batch))], by_neuron, caption)
        return
    by_row: list[list[Cell]] = [
        [row_name(rows, s), *(Quantity(kind, n, s) for kind, n in kinds)] for s in range(trace.batch)
    ]
    page.table(["Row", *names], by_row, caption)


def _write_parameters(page: SheetWriter) -> None:
    trace, network, writer = page.trace, page.trace.network, page.writer
    shared = {edge: owner for owner, edges in trace.schedule.sharing.items() for edge in edges}
    weights: list[list[Cell]] = [
        [
            writer.weight(edge.id),
            edge.source,
            edge.target,
            Quantity(Kind.WEIGHT, edge.id),
            *([_others(page, edge.id, shared)] if shared else []),
        ]
        for edge in network.edges.values()
    ]
    if weights:
        header = ["Weight", "From", "To", "Value", *(["Shared with"] if shared else [])]
        page.table(header, weights, "The weights")
    biases: list[list[Cell]] = [
        [neuron.id, ACTIVATIONS[neuron.activation].title, Quantity(Kind.BIAS, neuron.id)]
        for neuron in network.neurons.values()
        if network.has_bias(neuron.id)
    ]
    if biases:
        page.table(["Neuron", "Activation function", "Bias"], biases, "The neurons and their biases")
    former = FORMER_KINDS[: len(trace.optimizer.slots)] if trace.training and network.outputs else ()
    remembered: list[list[Cell]] = [
        [writer.parameter(name), *(Quantity(kind, name) for kind in former)] for name in page.parameters
    ]
    if any(trace.value(cell) for row in remembered for cell in row if isinstance(cell, Quantity)):
        caption = f"What {trace.optimizer.title} remembers of the update before"
        page.table(["Parameter", *(page.column_title(kind) for kind in former)], remembered, caption)


def _others(page: SheetWriter, edge: str, shared: dict[str, str]) -> str:
    """The edges that have the same weight as this one; `shared` has the parameter of each that shares one."""
    if edge not in shared:
        return ""
    others = [name for name, owner in shared.items() if owner == shared[edge] and name != edge]
    return listed(_edge(page, name) for name in others)


def _edge(page: SheetWriter, edge: str) -> str:
    """An edge by its ends."""
    ends = page.trace.network.edges[edge]
    return f"{ends.source}→{ends.target}"


def _write_activation(page: SheetWriter, name: str, *, meaning: bool) -> None:
    """Formulas of an activation function; with `meaning` it is said what its [z > 0] is."""
    network, notation = page.trace.network, page.style.notation
    activation = ACTIVATIONS[name]
    z, a = notation.pre_activation_tex, notation.activation_tex
    users = [n.id for n in network.neurons.values() if n.activation == name and network.has_bias(n.id)]
    note = f". {activation.note.rstrip('.')}" if activation.note else ""
    # As elsewhere, sums are over k.
    letters = " (j and k stand for any of them)" if activation.coupled else ""
    sentence = f"{activation.title}, the activation function of {listed(users)}{letters}{note}"
    argument = notation.pre_activation if name == "linear" else f"{activation.symbol}({notation.pre_activation})"
    plain = f"{notation.activation} = {argument}"
    if activation.coupled:
        page.definition(sentence, rf"{a}_j = \frac{{e^{{{z}_j}}}}{{\sum_k e^{{{z}_k}}}}", plain)
        return
    condition = f"{notation.pre_activation} > 0"
    cases = f"; [{condition}] is 1 where {condition}, else 0" if meaning else ""
    in_function = cases if name == "step" else ""
    page.definition(sentence + in_function, rf"{a} = {without_brackets(activation.latex(z))}", plain)
    if network.outputs:
        # Words need some room behind the d.
        da, dz = (rf"d \, {symbol}" if symbol.startswith("\\") else f"d {symbol}" for symbol in (a, z))
        slope = rf"\frac{{{da}}}{{{dz}}} = {without_brackets(activation.derivative_latex(z, a))}"
        page.definition(
            f"Its derivative{'' if in_function else cases}", slope, f"d{notation.activation}/d{notation.pre_activation}"
        )


def _write_loss(page: SheetWriter) -> None:
    trace, notation = page.trace, page.style.notation
    formulas = convention_formulas(trace.settings, notation, of_row=trace.batch > 1)
    loss = LOSSES[trace.settings.loss]
    outputs = [neuron.id for neuron in trace.network.outputs]
    several = len(outputs) > 1
    over = f", {'the mean' if loss.mean else 'summed'} over the outputs k, which are {listed(outputs)}"
    count = f" (K = {len(outputs)})" if several and loss.mean else ""
    over = over if several else f" of the output {outputs[0]}"
    title = loss.title.partition(",")[0]
    whose, left = ("The loss", notation.loss) if trace.batch == 1 else ("The loss of row n", page.writer.loss("n"))
    page.definition(
        f"{whose}: {title.lower()}{over}{count}", _of_outputs(formulas.loss, outputs), f"{left} = {title.lower()}"
    )
    _write_loss_slope(page, formulas, left)
    if trace.batch > 1:
        how = "mean" if trace.mean else "sum"
        page.definition(
            f"The loss of the batch: the {how} over its m = {trace.batch} samples",
            formulas.batch,
            f"{notation.loss} = {how} of the samples' losses",
        )
        z, a, delta = notation.pre_activation, notation.activation, "δ" if notation.delta == "delta" else ""
        page.paragraph(f"{listed(filter(None, (z, a, 't', delta)))} are those of the row whose lines they stand in.")


def _of_outputs(latex: str, outputs: Sequence[str]) -> str:
    """A formula for the outputs k, or for the only one by its name."""
    if len(outputs) > 1:
        return latex
    alone = latex.replace(r"\frac{1}{K} ", "").replace(r"\sum_k ", "").replace("_k", f"_{{{tex_id(outputs[0])}}}")
    left, _, right = alone.rpartition(" = ")
    return f"{left} = {without_brackets(right)}"


def _write_loss_slope(page: SheetWriter, formulas: ConventionFormulas, loss: str) -> None:
    """The derivative of the loss by an output's activation, or by its pre-activation where that is simpler."""
    trace, notation = page.trace, page.style.notation
    outputs = [neuron.id for neuron in trace.network.outputs]
    joint = [name for name in outputs if name in trace.schedule.joint]
    k = "k" if len(outputs) > 1 else outputs[0]
    if len(joint) < len(outputs):
        page.definition(
            "Its derivative by the activation",
            _of_outputs(formulas.gradient, outputs),
            f"∂{loss}/∂{notation.activation}({k})",
        )
    if not joint:
        return
    activation = ACTIVATIONS[trace.network.neurons[joint[0]].activation]
    _, _, right = formulas.joint.partition(" = ")
    note = ""
    if activation.coupled and _are_unusual(trace, joint):
        # The general form, for targets that do not add up to 1.
        right = right.replace(f"{notation.activation_tex}_k", rf"{notation.activation_tex}_k \sum_j t_j")
        note = ", with the targets t_j of all of them"
    letter = notation.loss + ("^{(n)}" if trace.batch > 1 else "")
    left = rf"\frac{{\partial {letter}}}{{\partial {notation.pre_activation_tex}_k}}"
    left = rf"\delta_k = {left}" if notation.delta == "delta" else left
    whose = "" if len(joint) == len(outputs) else f" of {listed(joint)}"
    page.definition(
        f"Its derivative by the pre-activation{whose}: {activation.title.lower()} and "
        f"{LOSSES[trace.settings.loss].in_words} put together, whose slopes cancel{note}",
        _of_outputs(f"{left} = {right}", outputs),
        f"∂{loss}/∂{notation.pre_activation}({k})",
    )


def _are_unusual(trace: Trace, outputs: Sequence[str]) -> bool:
    """Whether the targets of these outputs add up to something else than 1 in some row."""
    rows = range(trace.batch)
    return any(sum(trace.value(Quantity(Kind.TARGET, name, row)) for name in outputs) != 1.0 for row in rows)


def _conventions(page: SheetWriter) -> Iterator[str]:
    """How an update is made, in sentences."""
    trace, network, settings = page.trace, page.trace.network, page.trace.settings
    optimizer, stepper = trace.optimizer, trace.learner.stepper
    numbers = [
        f"{option.symbol} = {format_number(stepper.options[option.name], SETTING_DIGITS)}"
        for option in optimizer.options
    ]
    rate = format_number(trace.learning_rate, SETTING_DIGITS)
    numbers.append(f"the learning rate {page.style.notation.rate} = {rate}")
    how = "gradient descent" if optimizer.name == "sgd" else optimizer.title
    yield f"The update is made by {how}, with {listed(numbers)}."
    if optimizer.terms:
        yield f"It is update t = {trace.number}."
        if optimizer.slots and trace.number == 1:
            yield "What is remembered from the update before is 0 at the start."
    penalties = [f"λ{mark} = {format_number(value, SETTING_DIGITS)}" for mark, value in
                 (("₁", settings.l1), ("₂", settings.l2)) if value]  # fmt: skip
    if penalties:
        yield f"The size of weights is penalized with {listed(penalties)}; that of biases is not."
    if not settings.update_biases:
        yield "Biases are not updated."
    frozen = [page.writer.parameter(name) for name in trace.schedule.parameter_ids if name in network.frozen]
    if frozen:
        yield f"Kept as {'it is' if len(frozen) == 1 else 'they are'}: {listed(frozen)}."
    for owner, edges in trace.schedule.sharing.items():
        names = listed(f"{_edge(page, edge)} ({page.writer.weight(edge)})" for edge in edges)
        yield f"The edges {names} share one weight, {page.writer.weight(owner)}."
    if settings.updated_weights:
        yield "What comes back through an edge is computed with its new weight."
    if trace.schedule.dropped:
        yield DROPOUT_NOTE
    if settings.precision != "float64":
        yield "Parameters are kept in single precision."
