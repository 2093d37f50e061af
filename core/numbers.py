"""Numbers as people type and read them."""

import math
import re

from core.errors import DataError

# Compiled when the first number is read, which most runs from the command line never do.
_FRACTION = r"^([^/]+)/([^/]+)$"
_NUMBER = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$"

# What is not computed yet is shown so, never as 0.
NOT_COMPUTED = "–"


def parse_number(text: str) -> float:
    """The finite number that a person typed: ``0.5``, ``0,5``, ``1e-3``, ``1/3``, with any minus sign.

    Raises DataError with one sentence when the text is not one number.
    """
    cleaned = text.strip().replace("−", "-").replace("–", "-").replace("\u00a0", "").replace(" ", "")
    if not cleaned:
        raise DataError("Nothing is typed here: type a number such as 0.5 or 1/3.")
    fraction = re.match(_FRACTION, cleaned)
    if fraction:
        divisor = _parse_decimal(fraction[2], text)
        if divisor == 0:
            raise DataError(f"“{text.strip()}” divides by zero: type a number such as 0.5 or 1/3.")
        value = _parse_decimal(fraction[1], text) / divisor
    else:
        value = _parse_decimal(cleaned, text)
    if not math.isfinite(value):
        raise DataError(f"“{text.strip()}” is too large: type a number below 1.8e308.")
    return value


def _parse_decimal(cleaned: str, text: str) -> float:
    if not re.match(_NUMBER, cleaned):
        raise DataError(f"“{text.strip()}” is not a number: type a number such as 0.5, 0,5 or 1/3.")
    return float(cleaned.replace(",", "."))


def format_number(value: float, digits: int = 4) -> str:
    """`value` with `digits` significant digits, without trailing zeros and with a true minus sign.

    From 1,000,000 on and below 0.0001 in the scientific form, such as ``1.5e−7``.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if exponent >= max(6, digits) or exponent < -4:
        text = f"{_trim(mantissa)}e{exponent}"
    else:
        text = _trim(f"{float(f'{mantissa}e{power}'):.{max(0, digits - 1 - exponent)}f}")
    return text.replace("-", "−")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_exact(value: float) -> str:
    """`value` with every digit that it takes to read the same float64 back."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value)).replace("-", "−") if value else "0"
    return repr(float(value)).replace("-", "−")


def nice_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least `least`, which is above 0."""
    power = math.floor(math.log10(least))
    for digit in (1, 2, 5, 10):
        # From text, so that 3e-1 is 0.3 to the last bit. A rounding error must not make it one larger.
        step = float(f"{digit}e{power}")
        if step >= least * (1.0 - 1e-12):
            return step
    return float(f"1e{power + 1}")
