"""Optimizers: updates by hand and against PyTorch's, state, frozen parameters, and the formulas that explain them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import ziamath

from core.engine import Engine
from core.errors import TrainingError
from core.network import Network, Role
from core.optimizers import OPTIMIZERS, Penalty, Stepper
from core.options import option_values
from core.plan import compile_network

SIZE = 12
UPDATES = 100
WEIGHTS = np.tile([1.0, 1.0, 0.0], SIZE // 3)
OTHER_OPTIONS = {
    "sgd": {},
    "momentum": {"momentum": 0.5},
    "nesterov": {"momentum": 0.8},
    "adagrad": {"eps": 1e-3},
    "rmsprop": {"alpha": 0.7, "eps": 1e-4},
    "adadelta": {"rho": 0.6, "eps": 1e-3},
    "adam": {"beta1": 0.6, "beta2": 0.9, "eps": 1e-3},
    "adamw": {"beta1": 0.6, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.3},
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def gradients(seed: int = 1, count: int = UPDATES) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, SIZE)) * 10.0 ** rng.uniform(-4, 2, SIZE)


def start(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SIZE)


def torch_optimizer(torch, name: str, parameters: list, rate: float, given: dict[str, float]):
    """PyTorch's optimizer with our options; what is not given has PyTorch's own default, not ours."""
    if name in {"momentum", "nesterov"}:
        return torch.optim.SGD(parameters, lr=rate, momentum=given.get("momentum", 0.9), nesterov=name == "nesterov")
    kind = {
        "sgd": torch.optim.SGD,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }[name]
    options = dict(given)
    if "beta1" in options:
        options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    return kind(parameters, lr=rate, **options)


def one_step(name: str, parameter: float, gradient: float, rate: float, **options: float) -> tuple[float, Stepper]:
    parameters = np.array([parameter])
    stepper = Stepper(OPTIMIZERS[name], 1, options=options)
    stepper.step(parameters, np.array([gradient]), rate)
    return float(parameters[0]), stepper


# ----------------------------------------------------------------------------------------------- by hand


def test_gradient_descent_by_hand() -> None:
    assert one_step("sgd", 0.4, 0.2, 0.5)[0] == 0.4 - 0.2 * 0.5


def test_momentum_by_hand() -> None:
    parameters, stepper = np.array([1.0]), Stepper(OPTIMIZERS["momentum"], 1, options={"momentum": 0.5})
    seen = []
    for gradient in (2.0, 1.0, -4.0):
        stepper.step(parameters, np.array([gradient]), 0.25)
        seen.append((float(stepper.slots["velocity"][0]), float(parameters[0])))
    assert seen == [(2.0, 0.5), (2.0, 0.0), (-3.0, 0.75)]


def test_nesterov_by_hand() -> None:
    value, stepper = one_step("nesterov", 1.0, 2.0, 0.25, momentum=0.5)
    assert (stepper.terms["velocity"][0], stepper.terms["look_ahead"][0], value) == (2.0, 3.0, 0.25)


def test_adagrad_divides_by_the_root_of_all_squares() -> None:
    parameters, stepper = np.array([1.0]), Stepper(OPTIMIZERS["adagrad"], 1)
    stepper.step(parameters, np.array([3.0]), 0.5)
    assert parameters[0] == pytest.approx(0.5)
    stepper.step(parameters, np.array([4.0]), 0.5)
    assert stepper.slots["square_sum"][0] == 25.0
    assert parameters[0] == pytest.approx(0.5 - 0.5 * 4 / 5)


def test_rmsprop_by_hand() -> None:
    value, stepper = one_step("rmsprop", 1.0, 2.0, 0.5, alpha=0.75, eps=1.0)
    assert stepper.slots["square_average"][0] == 1.0
    assert value == 1.0 - 0.5 * 2 / (1 + 1)


def test_adadelta_by_hand() -> None:
    value, stepper = one_step("adadelta", 1.0, 2.0, 0.5, rho=0.75, eps=0.25)
    step = math.sqrt(0.25) / math.sqrt(1.25) * 2
    assert stepper.terms["step"][0] == pytest.approx(step)
    assert stepper.slots["step_average"][0] == pytest.approx(0.25 * step**2)
    assert value == pytest.approx(1 - 0.5 * step)


def test_adam_corrects_its_moments() -> None:
    value, stepper = one_step("adam", 1.0, -2.0, 0.1)
    assert stepper.slots["first_moment"][0] == pytest.approx(-0.2)
    assert stepper.slots["second_moment"][0] == pytest.approx(0.004)
    assert stepper.terms["first_corrected"][0] == pytest.approx(-2.0)
    assert stepper.terms["second_corrected"][0] == pytest.approx(4.0)
    # Whatever the gradient's size, the first step is as long as the learning rate.
    assert value == pytest.approx(1.1)


def test_adamw_shrinks_weights_alone() -> None:
    parameters = np.array([2.0, 2.0])
    stepper = Stepper(OPTIMIZERS["adamw"], 2, options={"weight_decay": 0.5}, weights=np.array([1.0, 0.0]))
    for rate, after in ((0.1, [1.9, 2.0]), (0.2, [1.71, 2.0])):
        stepper.step(parameters, np.zeros(2), rate)
        assert parameters == pytest.approx(after)
        assert stepper.terms["decayed"] == pytest.approx(after)


# -------------------------------------------------------------------------------------- against PyTorch


@pytest.mark.parametrize("other", [False, True], ids=["defaults", "options"])
@every_optimizer
def test_updates_agree_with_torch(name: str, other: bool) -> None:
    torch = pytest.importorskip("torch")
    options = OTHER_OPTIONS[name] if other else {}
    ours = start()
    theirs = torch.tensor(ours, requires_grad=True)
    stepper = Stepper(OPTIMIZERS[name], SIZE, options=options)
    judge = torch_optimizer(torch, name, [theirs], 0.05, options)
    for gradient in gradients():
        theirs.grad = torch.tensor(gradient)
        judge.step()
        stepper.step(ours, gradient, 0.05)
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@every_optimizer
def test_float32_agrees_with_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = start().astype(np.float32)
    theirs = torch.tensor(ours, requires_grad=True)
    stepper = Stepper(OPTIMIZERS[name], SIZE, dtype=np.float32)
    judge = torch_optimizer(torch, name, [theirs], 0.05, {})
    for gradient in gradients().astype(np.float32):
        theirs.grad = torch.tensor(gradient)
        judge.step()
        stepper.step(ours, gradient, 0.05)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


@every_optimizer
def test_a_network_learns_as_with_torch(name: str) -> None:
    """2-3-1 tanh and sigmoid on XOR, 100 full-batch updates, AdamW's decay on the weights alone."""
    torch = pytest.importorskip("torch")
    network = Network()
    for neuron in ("x1", "x2"):
        network.add_neuron(Role.INPUT, id=neuron)
    for neuron in ("h1", "h2", "h3"):
        network.add_neuron(Role.HIDDEN, id=neuron, activation="tanh")
    network.add_neuron(Role.OUTPUT, id="o", activation="sigmoid")
    layers = [(["x1", "x2"], ["h1", "h2", "h3"]), (["h1", "h2", "h3"], ["o"])]
    for sources, targets in layers:
        for source in sources:
            for target in targets:
                network.connect(source, target, id=source + target)
    rng = np.random.default_rng(3)
    values = {parameter: float(rng.normal()) for parameter in network.values}
    engine = Engine(compile_network(network), loss="mean_squared_error")
    engine.load(values)
    rate = OPTIMIZERS[name].suggested_rate
    weights = np.ones(engine.plan.size)
    weights[list(engine.plan.bias_position.values())] = 0.0
    stepper = Stepper(OPTIMIZERS[name], engine.plan.size, weights=weights)

    tensors = {p: torch.tensor(value, dtype=torch.float64, requires_grad=True) for p, value in values.items()}
    groups = [
        {"params": [t for p, t in tensors.items() if p in network.edges]},
        {"params": [t for p, t in tensors.items() if p not in network.edges], "weight_decay": 0.0},
    ]
    judge = torch_optimizer(torch, name, groups, rate, {})
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    for _ in range(UPDATES):
        engine.forward(x)
        loss = engine.loss_value(y)
        stepper.step(engine.parameters, engine.backward(), rate)

        activations = torch.tensor(x)
        for (sources, targets), f in zip(layers, (torch.tanh, torch.sigmoid), strict=True):
            weights = torch.stack([torch.stack([tensors[s + t] for s in sources]) for t in targets])
            biases = torch.stack([tensors[t] for t in targets])
            activations = f(activations @ weights.T + biases)
        judged = torch.nn.functional.mse_loss(activations, torch.tensor(y))
        judge.zero_grad()
        judged.backward()
        judge.step()
        assert loss == pytest.approx(judged.item(), rel=1e-10)
    ours = engine.plan.unpack(engine.parameters)
    for parameter, tensor in tensors.items():
        assert ours[parameter] == pytest.approx(tensor.item(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_l2_is_torchs_weight_decay(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = start()
    theirs = torch.tensor(ours, requires_grad=True)
    stepper, penalty = Stepper(OPTIMIZERS[name], SIZE), Penalty(np.ones(SIZE), l1=0.0, l2=0.1)
    judge = torch_optimizer(torch, name, [theirs], 0.05, {"weight_decay": 0.1})
    for gradient in gradients():
        theirs.grad = torch.tensor(gradient)
        judge.step()
        penalized = gradient.copy()
        penalty.add_to(penalized, ours)
        stepper.step(ours, penalized, 0.05)
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------------- properties


@every_optimizer
def test_the_gradient_is_left_as_it_is(name: str) -> None:
    gradient = gradients()[0]
    before = gradient.copy()
    Stepper(OPTIMIZERS[name], SIZE, trainable=WEIGHTS).step(start(), gradient, 0.1)
    assert gradient.tobytes() == before.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("spoilt", [np.inf, -np.inf, np.nan, 1e300])
@every_optimizer
def test_frozen_parameters_stay_to_the_bit(name: str, spoilt: float, dtype: type) -> None:
    parameters = start().astype(dtype)
    parameters[:3] = [-0.0, np.inf, 5e-324]
    trainable = np.ones(SIZE)
    trainable[[0, 1, 2, 5, 7]] = 0.0
    frozen = trainable == 0.0
    before = parameters.copy()
    stepper = Stepper(OPTIMIZERS[name], SIZE, trainable=trainable, weights=WEIGHTS, dtype=dtype)
    free = Stepper(OPTIMIZERS[name], SIZE, weights=WEIGHTS, dtype=dtype)
    beside = parameters.copy()
    for gradient in gradients(count=5).astype(dtype):
        with np.errstate(all="ignore"):
            gradient[frozen] = spoilt
            stepper.step(parameters, gradient, 0.1)
            free.step(beside, gradient, 0.1)
    assert parameters[frozen].tobytes() == before[frozen].tobytes()
    assert all(not slot[frozen].any() for slot in stepper.slots.values())
    # The others go on as if nothing were frozen.
    assert parameters[~frozen].tobytes() == beside[~frozen].tobytes()
    assert (parameters[~frozen] != before[~frozen]).all()


@every_optimizer
def test_only_what_training_can_give_is_remembered(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    stepper, parameters = Stepper(optimizer, SIZE, weights=WEIGHTS), start()
    least = dict.fromkeys(optimizer.slots, 0.0)
    for gradient in gradients():
        stepper.step(parameters, gradient, 0.1)
        least = {slot: min(number, float(stepper.slots[slot].min())) for slot, number in least.items()}
    for slot, number in least.items():
        # A slot that never was negative, however the signs of the gradients change, may not be so in a file.
        reason = optimizer.why_not_remember(slot, -1e-9)
        assert (reason is None) == (number < 0.0)
        assert reason is None or "never negative: choose 0 or more" in reason
        for possible in (0.0, -0.0, 1e-9):
            assert optimizer.why_not_remember(slot, possible) is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@every_optimizer
def test_going_on_from_a_kept_state_gives_the_same_bits(name: str, dtype: type) -> None:
    stepper, parameters = Stepper(OPTIMIZERS[name], SIZE, dtype=dtype, weights=WEIGHTS), start().astype(dtype)
    steps = gradients().astype(dtype)
    for gradient in steps[:40]:
        stepper.step(parameters, gradient, 0.1)
    state, kept = stepper.copy_state(), parameters.copy()
    for gradient in steps[40:]:
        stepper.step(parameters, gradient, 0.03)

    another = Stepper(OPTIMIZERS[name], SIZE, dtype=dtype, weights=WEIGHTS)
    for again in (another, stepper):
        beside = kept.copy()
        again.load_state(state)
        assert again.updates == 40
        for gradient in steps[40:]:
            again.step(beside, gradient, 0.03)
        assert beside.tobytes() == parameters.tobytes()
        assert again.updates == UPDATES


@every_optimizer
def test_float32_stays_float32(name: str) -> None:
    stepper, parameters = Stepper(OPTIMIZERS[name], SIZE, dtype=np.float32), start().astype(np.float32)
    stepper.step(parameters, gradients().astype(np.float32)[0], 0.1)
    assert {array.dtype for array in (parameters, *stepper.terms.values(), *stepper.copy_state().slots.values())} == {
        np.dtype(np.float32)
    }


def test_penalties_by_hand() -> None:
    gradient, parameters = np.ones(4), np.array([2.0, -2.0, 0.0, 2.0])
    Penalty(np.array([1.0, 1.0, 1.0, 0.0]), l1=0.25, l2=0.5).add_to(gradient, parameters)
    assert gradient.tolist() == [2.25, -0.25, 1.0, 1.0]
    single = np.ones(4, np.float32)
    Penalty(np.ones(4), l1=0.1, l2=0.1, dtype=np.float32).add_to(single, parameters.astype(np.float32))
    assert single.dtype == np.float32


def test_the_gradient_without_the_penalties_is_kept() -> None:
    penalty = Penalty(WEIGHTS, l1=0.3, l2=0.7)
    gradient = gradients()[0]
    alone = gradient.copy()
    penalty.add_to(gradient, start())
    assert penalty.loss_gradient.tobytes() == alone.tobytes()
    assert (gradient != alone).tolist() == (WEIGHTS == 1.0).tolist()


def test_wrong_options_are_named() -> None:
    with pytest.raises(TrainingError, match=r"^Adam has no option “momentum”: remove it \(there are: beta1, beta2, "):
        Stepper(OPTIMIZERS["adam"], 1, options={"momentum": 0.9})
    with pytest.raises(TrainingError, match=r"^Momentum: momentum is 1, and has to be at least 0 and below 1\.$"):
        Stepper(OPTIMIZERS["momentum"], 1, options={"momentum": 1.0})
    with pytest.raises(TrainingError, match=r"^AdaGrad: epsilon is 0, and has to be above 0 and at most 1\.$"):
        Stepper(OPTIMIZERS["adagrad"], 1, options={"eps": 0.0})
    with pytest.raises(TrainingError, match="nan"):
        Stepper(OPTIMIZERS["rmsprop"], 1, options={"alpha": math.nan})


# --------------------------------------------------------------------------------------------- formulas

MATH = {"×": "*", "−": "-", "²": "**2", "^": "**", "√(": "sqrt(", "√": "sqrt"}


def computed(text: str) -> float:
    """What a formula's text with numbers put in comes to."""
    text = re.sub(r"√([\d.e+-]+)", r"√(\1)", text)
    for sign, python in MATH.items():
        text = text.replace(sign, python)
    return float(eval(text, {"sqrt": math.sqrt, "sign": np.sign}))


def numbers_in(formula, values: dict[str, float]) -> dict[str, str]:
    """Exact numbers for the operands and nothing else, negative ones in brackets where they need them."""
    shown = {name: np.format_float_positional(values[name], unique=True, trim="-") for name in formula.operands}
    return {n: f"({s})" if s.startswith("-") and n not in formula.bare else s for n, s in shown.items()}


@pytest.mark.parametrize("other", [False, True], ids=["defaults", "options"])
@every_optimizer
def test_every_term_is_what_its_formula_says(name: str, other: bool) -> None:
    optimizer = OPTIMIZERS[name]
    stepper = Stepper(optimizer, SIZE, options=OTHER_OPTIONS[name] if other else {})
    parameters = start()
    for gradient in gradients(count=4):
        state, before = stepper.copy_state(), parameters.copy()
        stepper.step(parameters, gradient, 0.05)
        for place in range(SIZE):
            values = {
                **stepper.options,
                "parameter": before[place],
                "gradient": gradient[place],
                "learning_rate": 0.05,
                "updates": stepper.updates,
                **{f"{slot}_old": array[place] for slot, array in state.slots.items()},
            }
            for term in optimizer.terms:
                value = computed(term.formula.text(numbers_in(term.formula, values)))
                values[term.name] = stepper.terms[term.name][place]
                assert value == pytest.approx(values[term.name], rel=1e-12), term.name
            value = computed(optimizer.update.text(numbers_in(optimizer.update, values)))
            assert value == pytest.approx(parameters[place], rel=1e-12)


def drawn(formula, symbols: dict[str, str]) -> None:
    only = {name: symbols[name] for name in formula.operands}
    assert ziamath.Latex(formula.latex(only)).svg()
    numbers = {name: "t" if name == "updates" else r"(-1.5 \cdot 10^{-7})" for name in formula.operands}
    assert ziamath.Latex(formula.latex(numbers)).svg()
    # Nothing is raised to two powers, which LaTeX refuses.
    assert "}^" not in formula.latex(numbers).replace(")^", "")


@every_optimizer
def test_every_formula_can_be_drawn(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    symbols = {
        "parameter": "w_{5}",
        "gradient": r"\frac{\partial L}{\partial w_{5}}",
        "learning_rate": r"\eta",
        "updates": "t",
        **{option.name: option.latex for option in optimizer.options},
        **{term.name: f"{term.latex}_{{w_5}}" for term in optimizer.terms},
        **{f"{slot}_old": rf"{slot[0]}^{{\mathrm{{old}}}}_{{w_5}}" for slot in optimizer.slots},
    }
    for term in optimizer.terms:
        drawn(term.formula, symbols)
        assert ziamath.Latex(term.latex).svg()
    drawn(optimizer.update, symbols)


@pytest.mark.parametrize(("l1", "l2"), [(0.25, 0.0), (0.0, 0.5), (0.25, 0.5)])
def test_the_penalized_gradient_is_explained(l1: float, l2: float) -> None:
    penalty = Penalty(np.ones(1), l1=l1, l2=l2)
    gradient = np.array([-1.5])
    penalty.add_to(gradient, np.array([-2.0]))
    values = {"gradient": -1.5, "parameter": -2.0, "l1": l1, "l2": l2}
    formula = penalty.term.formula
    assert computed(formula.text(numbers_in(formula, values))) == gradient[0]
    assert {"l1", "l2"} & set(formula.operands) == {name for name in ("l1", "l2") if values[name]}
    drawn(formula, {"gradient": r"\frac{\partial L}{\partial w}", "parameter": "w", "l1": r"\lambda_1", "l2": "k"})


@every_optimizer
def test_formulas_refer_to_what_is_known_by_then(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    known = {"parameter", "gradient", "learning_rate", "updates", *option_values(optimizer.options, {}, name)}
    known |= {f"{slot}_old" for slot in optimizer.slots}
    for term in optimizer.terms:
        assert set(term.formula.operands) <= known
        known.add(term.name)
    assert set(optimizer.update.operands) <= known
    assert all(set(formula.bare) <= set(formula.operands) for formula in (t.formula for t in optimizer.terms))


def test_a_formula_reads_as_in_a_textbook() -> None:
    adam = {term.name: term.formula for term in OPTIMIZERS["adam"].terms}
    symbols = {"first_moment_old": "m", "beta1": r"\beta_1", "gradient": "g", "updates": "t", "first_moment": "m"}
    assert adam["first_moment"].latex(symbols) == r"\beta_1 \cdot m + (1 - \beta_1) \cdot g"
    assert adam["first_corrected"].latex(symbols) == r"\frac{m}{1 - \beta_1^{t}}"
    numbers = {"second_moment_old": "0.5", "beta2": "0.9", "gradient": "(-0.2)"}
    assert adam["second_moment"].latex(numbers) == r"0.9 \cdot 0.5 + (1 - 0.9) \cdot (-0.2)^2"
    grown = {"second_moment_old": "0.5", "beta2": "0.9", "gradient": r"\frac{\partial L}{\partial w_{5}}"}
    assert adam["second_moment"].latex(grown).endswith(r"(\frac{\partial L}{\partial w_{5}})^2")
