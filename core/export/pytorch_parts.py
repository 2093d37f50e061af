"""The source texts of the PyTorch export: model.py, train.py and README.md."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.form import Layer, ModelForm
from core.export.source_text import LINE_LENGTH, bracketed, fill_template, name_list, packed, plain_title
from core.export.verify import Precision
from core.losses import LOSSES, PROBABILITY_MARGIN
from core.optimizers import OPTIMIZERS
from core.options import option_values
from core.plan import compile_network
from core.project import Project
from core.rate_schedules import SCHEDULES
from core.settings import Settings

# Each activation as an expression; those without a dot are functions of the second table.
ACTIVATION_CODE: dict[str, str] = {
    "linear": "linear",
    "sigmoid": "torch.sigmoid",
    "tanh": "torch.tanh",
    "relu": "torch.relu",
    "leaky_relu": "functional.leaky_relu",
    "elu": "functional.elu",
    "softplus": "softplus",
    "gelu": "functional.gelu",
    "silu": "functional.silu",
    "sine": "torch.sin",
    "step": "step",
    "softmax": "softmax",
}
FUNCTIONS: dict[str, tuple[str, str]] = {
    "linear": ("The pre-activation itself.", "z"),
    "softplus": ("ln(1 + e^z), exact for large z too.", "torch.logaddexp(z, torch.zeros_like(z))"),
    "step": ("1 above 0, else 0; its gradient is 0.", "torch.sign(z).clamp(min=0.0)"),
    "softmax": ("Over the neurons of the layer.", "torch.softmax(z, dim=1)"),
}
# What an optimizer remembers, as torch calls it, by our name for it.
MEMORY: dict[str, dict[str, str]] = {
    "sgd": {},
    "momentum": {"velocity": "momentum_buffer"},
    "nesterov": {"velocity": "momentum_buffer"},
    "adagrad": {"square_sum": "sum"},
    "rmsprop": {"square_average": "square_avg"},
    "adadelta": {"square_average": "square_avg", "step_average": "acc_delta"},
    "adam": {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
    "adamw": {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"},
}


def model_source(project: Project, form: ModelForm, precision: Precision) -> str:
    """The text of model.py: the class NetworkModel, whose state dict has the names of core.export.arrays."""
    names, title = form.names, plain_title(project.title)
    outputs = [names[place] for place in form.outputs]
    used = dict.fromkeys(layer.activation for layer in form.layers)
    functions = [
        f'\n\ndef {name}(z: Tensor) -> Tensor:\n    """{about}"""\n    return {code}\n'
        for name, (about, code) in FUNCTIONS.items()
        if name in used
    ]
    activations = [ACTIVATION_CODE[layer.activation] for layer in form.layers]
    texts = {
        "title": f"{title}\n\n" if title else "",
        "inputs": name_list(form.inputs, 90),
        "outputs": name_list(outputs, 90),
        "input_count": str(len(form.inputs)),
        "output_count": str(len(outputs)),
        "imports": "from torch.nn import functional\n" if any("functional." in code for code in activations) else "",
        "precision": precision,
        "functions": "".join(functions),
        "layers": "\n".join(_layer_line(layer, form) for layer in form.layers),
        "activations": bracketed("self.activations = [", activations, "]", indent=8),
    }
    if form.is_layered:
        return fill_template("model_layers.py.txt", **texts)
    places = bracketed("self.outputs = [", map(str, form.outputs), "]", indent=8)
    return fill_template("model_masked.py.txt", **texts, places=places)


def _layer_line(layer: Layer, form: ModelForm) -> str:
    neurons, sources = layer.weight.shape
    if form.is_layered:
        code = f"                nn.Linear({sources}, {neurons}, dtype=DTYPE),  # "
    else:
        code = f"                MaskedLinear({sources}, {neurons}),  # "
    return code + name_list(layer.neurons, LINE_LENGTH - len(code))


def train_source(project: Project, form: ModelForm) -> str:
    """The text of train.py, which goes on as `project` would; `form` is that of model.py."""
    settings = project.settings
    loss = _loss(project)
    dropout = _dropout(project, form)
    memory = tuple(MEMORY[settings.optimizer].values())
    return fill_template(
        "train.py.txt",
        about=_about(settings, dropout=bool(dropout)),
        import_dtype="DTYPE, " if dropout else "",
        import_math="import math\n" if settings.schedule == "cosine" else "",
        import_functional="from torch.nn import functional\n" if "functional." in loss else "",
        epochs=str(settings.epochs),
        batch_size=str(settings.batch_size),
        batch_mean=str(settings.batch_mean),
        shuffle=str(settings.shuffle),
        seed=str(settings.seed),
        learning_rate=repr(float(settings.learning_rate)),
        l1=repr(float(settings.l1)),
        l2=repr(float(settings.l2)),
        update_biases=str(settings.update_biases),
        memory="()" if not memory else f'("{memory[0]}",)' if len(memory) == 1 else str(memory).replace("'", '"'),
        constants=_output_groups(project),
        dropout_masks=dropout,
        masks=_MASKS if dropout else "",
        with_masks=", masks" if dropout else "",
        rate=_rate(settings),
        optimizer=_optimizer(settings),
        loss=loss,
    )


def _about(settings: Settings, *, dropout: bool) -> str:
    text = f"The same network, data, loss, optimizer{', dropout' if dropout else ''} and order of rows: "
    if settings.updated_weights:
        text += "but gradients go back through the weights from before an update, unlike as it was set in nnviz."
    else:
        text += "each update is the one that nnviz would make, up to rounding."
    text += (
        " With several processes each takes a part of every batch, and the gradients are put together to that of the "
        "whole batch. It begins with weights.safetensors and writes trained.safetensors, for `nnviz import`."
    )
    return textwrap.fill(text, LINE_LENGTH)


def _rate(settings: Settings) -> str:
    schedule = SCHEDULES[settings.schedule]
    values = option_values(schedule.options, settings.schedule_options, f"Schedule “{schedule.title}”")
    match settings.schedule:
        case "step":
            return f"base * {values['factor']!r} ** (epoch // {int(values['epochs'])})"
        case "exponential":
            return f"base * {values['factor']!r}**epoch"
        case "cosine":
            low, epochs = float(values["minimum"]), int(values["epochs"])
            return f"{low!r} + (base - {low!r}) * (1.0 + math.cos(math.pi * epoch / {epochs})) / 2.0"
        case _:
            return "base"


def _optimizer(settings: Settings) -> str:
    """The body of make_optimizer. The formulas of nnviz are those of torch.optim, but that AdamW spares biases."""
    name = settings.optimizer
    values = option_values(OPTIMIZERS[name].options, settings.optimizer_options, OPTIMIZERS[name].title)
    v = {option: repr(float(value)) for option, value in values.items()}
    everything = "[*weights, *biases]"
    match name:
        case "momentum":
            code = f"SGD({everything}, lr=rate, momentum={v['momentum']})"
        case "nesterov" if values["momentum"]:
            code = f"SGD({everything}, lr=rate, momentum={v['momentum']}, nesterov=True)"
        case "adagrad":
            code = f"Adagrad({everything}, lr=rate, eps={v['eps']})"
        case "rmsprop":
            code = f"RMSprop({everything}, lr=rate, alpha={v['alpha']}, eps={v['eps']})"
        case "adadelta":
            code = f"Adadelta({everything}, lr=rate, rho={v['rho']}, eps={v['eps']})"
        case "adam":
            code = f"Adam({everything}, lr=rate, betas=({v['beta1']}, {v['beta2']}), eps={v['eps']})"
        case "adamw":
            groups = (
                "    # Biases do not decay.\n"
                f'    groups = [{{"params": weights, "weight_decay": {v["weight_decay"]}}}, '
                '{"params": biases, "weight_decay": 0.0}]\n'
            )
            betas = f"({v['beta1']}, {v['beta2']})"
            return f"{groups}    return torch.optim.AdamW(groups, lr=rate, betas={betas}, eps={v['eps']})"
        case _:
            code = f"SGD({everything}, lr=rate)"
    return f"    return torch.optim.{code}"


_MARGIN_CLASS = '''class Probability(torch.autograd.Function):
    """Activations kept a little above 0 and below 1, for the logarithm; the gradient passes as if they were not."""

    @staticmethod
    def forward(ctx: object, a: Tensor) -> Tensor:
        """The activations, at least the margin from 0 and 1."""
        margin = max(MARGIN, torch.finfo(a.dtype).eps)
        return a.clamp(margin, 1.0 - margin)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        """The gradient as it comes."""
        return grad


'''


def _loss(project: Project) -> str:
    """The function sum_of_losses, with what it needs before it; as stable as the engine's."""
    loss = LOSSES[project.settings.loss]
    joint, others = _groups(project)
    mean = " / a.shape[1]" if loss.mean else ""
    lines: list[str] = []
    if not loss.probabilities:
        lines.append(f"    return {_DISTANCES[loss.name]}{mean}")
    else:
        stable, plain = _PROBABILITIES[loss.joint_activation or ""]
        if joint:
            lines.append(f"    # Of {loss.joint_activation} outputs from z, exact where they saturate.")
        if not others:
            lines.append(f"    return {stable.format(z='z', t='t')}{mean}")
        elif not joint:
            lines += ["    p = Probability.apply(a)", f"    return {plain}{mean}"]
        else:
            both = f"joint - {plain[1:]}"
            lines += [
                "    logits, shares = z[:, JOINT], t[:, JOINT]",
                f"    joint = {stable.format(z='logits', t='shares')}",
                "    p, t = Probability.apply(a[:, OTHERS]), t[:, OTHERS]",
                f"    return {f'({both})' if mean else both}{mean}",
            ]
    return (
        (_MARGIN_CLASS.replace("MARGIN", repr(PROBABILITY_MARGIN)) if loss.probabilities and others else "")
        + "def sum_of_losses(z: Tensor, a: Tensor, t: Tensor) -> Tensor:\n"
        + f'    """{loss.title}, added up over the rows.\n\n'
        + "    Pre-activations z and activations a of the outputs, and targets t, have shape (rows, outputs).\n"
        + '    """\n'
        + "\n".join(lines)
        + "\n"
    )


_DISTANCES = {
    "half_squared_error": "0.5 * ((a - t) ** 2).sum()",
    "half_mean_squared_error": "0.5 * ((a - t) ** 2).sum()",
    "squared_error": "((a - t) ** 2).sum()",
    "mean_squared_error": "((a - t) ** 2).sum()",
    "mean_absolute_error": "(a - t).abs().sum()",
    "huber": 'functional.huber_loss(a, t, reduction="sum")',
}
# Of the outputs whose activation joins with the loss, and of others.
_PROBABILITIES = {
    "sigmoid": (
        'functional.binary_cross_entropy_with_logits({z}, {t}, reduction="sum")',
        "-(t * p.log() + (1.0 - t) * (-p).log1p()).sum()",
    ),
    "softmax": ("({t} * ({z}.logsumexp(1, keepdim=True) - {z})).sum()", "-(t * p.log()).sum()"),
}


def _groups(project: Project) -> tuple[list[int], list[int]]:
    """The outputs whose activation has a joint form with the loss, and the others, as places among the outputs."""
    wanted = LOSSES[project.settings.loss].joint_activation
    is_joint = [neuron.activation == wanted for neuron in project.network.outputs]
    return [k for k, one in enumerate(is_joint) if one], [k for k, one in enumerate(is_joint) if not one]


def _output_groups(project: Project) -> str:
    joint, others = _groups(project)
    if not joint or not others:
        return ""
    return (
        f"# The outputs with the activation {LOSSES[project.settings.loss].joint_activation}, and the others.\n"
        + bracketed("JOINT = [", map(str, joint), "]")
        + "\n"
        + bracketed("OTHERS = [", map(str, others), "]")
        + "\n"
    )


_MASKS = """\
        masks = dropout_masks(self.model, len(rows), [self.options.seed, 2, self.updates + 1])
        masks = {k: mask[self.rank :: self.world].to(self.device) for k, mask in masks.items()}
"""
_DROPOUT_MASKS = '''

def dropout_masks(model: NetworkModel, rows: int, seed: list[int]) -> dict[int, Tensor]:
    """Factors for activations by layer, shape (rows, neurons): 0 where one is left out, else 1 / (1 - p)."""
    rates = np.array([rate for _, _, rate in DROPOUT])[:, np.newaxis]
    kept = np.random.default_rng(seed).random((len(DROPOUT), rows)) >= rates
    masks: dict[int, Tensor] = {}
    for (layer, neuron, _), factors in zip(DROPOUT, torch.from_numpy(kept / (1.0 - rates)), strict=True):
        if layer not in masks:
            masks[layer] = torch.ones(rows, len(model.layers[layer].bias), dtype=DTYPE)
        masks[layer][:, neuron] = factors
    return masks
'''


def _dropout(project: Project, form: ModelForm) -> str:
    plan = compile_network(project.network)
    if not plan.dropout_neurons:
        return ""
    place = {name: (k, i) for k, layer in enumerate(form.layers) for i, name in enumerate(layer.neurons)}
    rates = zip(plan.dropout_neurons, plan.dropout_rates.tolist(), strict=True)
    entries = [f"({place[name][0]}, {place[name][1]}, {rate!r})" for name, rate in rates]
    return (
        "# Neurons that training leaves out at random: the layer, the neuron in it, how often.\n"
        f"# fmt: off\nDROPOUT = [\n{packed(entries)}\n]\n# fmt: on\n{_DROPOUT_MASKS}"
    )


def memory_arrays(project: Project, form: ModelForm) -> dict[str, NDArray[Any]]:
    """What the project's optimizer remembers, in the shapes of the model's parameters; empty where it is nothing."""
    memory, kept = project.memory, MEMORY[project.settings.optimizer]
    if memory is None or set(memory.slots) != set(kept):
        return {}
    arrays: dict[str, NDArray[Any]] = {}
    edges = project.network.edges
    for ours, theirs in kept.items():
        numbers = memory.slots[ours]
        for k, layer in enumerate(form.layers):
            names = [[edges[edge].parameter if edge else "" for edge in row] for row in layer.edges]
            weights = [[numbers.get(name, 0.0) for name in row] for row in names]
            biases = [numbers.get(name, 0.0) for name in layer.neurons]
            arrays[f"layers.{k}.weight.{theirs}"] = np.array(weights, layer.weight.dtype)
            arrays[f"layers.{k}.bias.{theirs}"] = np.array(biases, layer.bias.dtype)
    return arrays
