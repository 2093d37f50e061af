"""Activations and losses as Python code: templates of the formulas that core.activations and core.losses compute.

Into {z}, {a} and {t} go the identifiers of a pre-activation, an activation and a target. Of Python they take `math`
and built-in functions alone. No finite pre-activation makes them lose digits that the engine keeps.
"""

from core.activations import LEAKY_SLOPE
from core.losses import HUBER_DELTA
from core.optimizer_terms import sign_code

# a = f(z). Softmax, which takes more than one z, is `softmax_code`.
ACTIVATION_CODES = {
    "linear": "{z}",
    "sigmoid": "1 / (1 + math.exp(-{z}))",
    "tanh": "math.tanh({z})",
    "relu": "max({z}, 0.0)",
    "leaky_relu": f"max({{z}}, {LEAKY_SLOPE} * {{z}})",
    "elu": "({z} if {z} > 0 else math.expm1({z}))",
    "softplus": "max({z}, 0.0) + math.log1p(math.exp(-abs({z})))",
    "gelu": "0.5 * {z} * math.erfc(-{z} / math.sqrt(2))",
    "silu": "{z} / (1 + math.exp(-{z}))",
    "sine": "math.sin({z})",
    "step": "(1.0 if {z} > 0 else 0.0)",
}

# f'(z), as a factor.
SLOPE_CODES = {
    "linear": "1",
    "sigmoid": "{a} * (1 - {a})",
    "tanh": "(1 - {a} ** 2)",
    "relu": "(1.0 if {z} > 0 else 0.0)",
    "leaky_relu": f"(1.0 if {{z}} > 0 else {LEAKY_SLOPE})",
    "elu": "(1.0 if {z} > 0 else {a} + 1)",
    "softplus": "1 / (1 + math.exp(-{z}))",
    "gelu": ("(0.5 * math.erfc(-{z} / math.sqrt(2)) + {z} * math.exp(-0.5 * {z} * {z}) / math.sqrt(2 * math.pi))"),
    # With 1 - sigmoid(z) = 1 / (1 + e^z), which has all its digits.
    "silu": "(1 + {z} / (1 + math.exp({z}))) / (1 + math.exp(-{z}))",
    "sine": "math.cos({z})",
    "step": "0",
}

_HALF_SQUARE = "0.5 * ({t} - {a}) ** 2"
_SQUARE = "({t} - {a}) ** 2"
_BINARY = "-({t} * math.log({a}) + (1 - {t}) * math.log(1 - {a}))"

# One output's share in the loss, before the mean over the outputs.
SHARE_CODES = {
    "half_squared_error": _HALF_SQUARE,
    "half_mean_squared_error": _HALF_SQUARE,
    "squared_error": _SQUARE,
    "mean_squared_error": _SQUARE,
    "mean_absolute_error": "abs({t} - {a})",
    "huber": (
        f"(0.5 * ({{t}} - {{a}}) ** 2 if abs({{t}} - {{a}}) <= {HUBER_DELTA}"
        f" else {HUBER_DELTA} * (abs({{t}} - {{a}}) - {0.5 * HUBER_DELTA}))"
    ),
    "binary_cross_entropy": _BINARY,
    "summed_binary_cross_entropy": _BINARY,
    "cross_entropy": "-{t} * math.log({a})",
}

_BINARY_SLOPE = "({a} - {t}) / ({a} * (1 - {a}))"

# The derivative of that with respect to {a}.
SHARE_SLOPE_CODES = {
    "half_squared_error": "({a} - {t})",
    "half_mean_squared_error": "({a} - {t})",
    "squared_error": "2 * ({a} - {t})",
    "mean_squared_error": "2 * ({a} - {t})",
    "mean_absolute_error": sign_code("{a} - {t}"),
    "huber": f"max(-{HUBER_DELTA}, min({HUBER_DELTA}, {{a}} - {{t}}))",
    "binary_cross_entropy": _BINARY_SLOPE,
    "summed_binary_cross_entropy": _BINARY_SLOPE,
    "cross_entropy": "-{t} / {a}",
}

# Binary cross-entropy of a sigmoid, from z: exact where the sigmoid is so near 0 or 1 that its logarithm is not.
BINARY_FROM_Z = "(max({z}, 0.0) - {t} * {z} + math.log1p(math.exp(-abs({z}))))"


def clipped(code: str, margin: float) -> str:
    """A template with {a} kept so far from 0 and 1, before a logarithm or a division."""
    return code.replace("{a}", f"min(max({{a}}, {margin!r}), 1 - {margin!r})")
