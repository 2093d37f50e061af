"""What a file of weights holds once it is read: arrays by name, and what the file says of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, NoReturn
from unicodedata import category

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.errors import ImportFileError
from core.file_problems import shorten

Array = NDArray[np.float64]

FORMAT = "nnviz-weights"
VERSION = 1

# Everything a file asks for is compared with these before memory is taken for it.
MOST_BYTES = 64 * 2**20
MOST_ARRAYS = 10_000
# In all arrays together.
MOST_NUMBERS = 5_000_000
# NumPy's own limit before 2.0.
MOST_DIMENSIONS = 32
# Numbers with names: one a weight or a bias, and the parts of layers.
MOST_NAMED = 250_000
# Letters of a name, in JSON with those of all that it is inside of.
LONGEST_KEY = 300


class LayerNotes(Struct, frozen=True):
    """A layer as the file describes it: the names of its neurons, of what they read, and of the edges between.

    `edges` has a row a neuron and a column a source, "" where there is no edge; empty stands for all edges, unnamed.
    """

    activation: str
    neurons: list[str]
    sources: list[str]
    edges: list[list[str]] = []


class ScalingNotes(Struct, frozen=True):
    """One step of scaling, as in core.dataset."""

    kind: Literal["standardize", "range"]
    shift: float
    scale: float


class Notes(Struct, frozen=True):
    """All that a network is beside its numbers. The k-th layer's are in layers.k.weight and layers.k.bias.

    `made_up`: the names are not the file's own, which has none.
    """

    inputs: list[str]
    outputs: list[str]
    layers: list[LayerNotes]
    version: int = VERSION
    title: str = ""
    loss: str = ""
    tied: dict[str, str] = {}
    frozen: list[str] = []
    scaling: dict[str, list[ScalingNotes]] = {}
    made_up: bool = False

    @property
    def neurons(self) -> int:
        """How many neurons there are, inputs included."""
        return len(self.inputs) + sum(len(layer.neurons) for layer in self.layers)


class NamedArrays(Struct, frozen=True, eq=False):
    """The contents of the file called `name`.

    `arrays` are matrices and vectors by their names, in the file's order. `parameters` are single numbers by name,
    `ends` their source ("" for a bias) and target where the file has them. `texts` are short texts by name.
    `notes`: what the file says of its network, where it does. `sentences`: what reading found worth saying.
    """

    name: str
    arrays: dict[str, Array] = {}
    parameters: dict[str, float] = {}
    ends: dict[str, tuple[str, str]] = {}
    texts: dict[str, str] = {}
    notes: Notes | None = None
    sentences: tuple[str, ...] = ()


def refuse(name: str, reason: str) -> NoReturn:
    """Raise ImportFileError about the file called `name`."""
    raise ImportFileError(printable(f"{name}: {reason}"))


def printable(text: str) -> str:
    """Text with names from a file, without the characters that would steer the terminal that it is printed on."""
    return "".join("\ufffd" if category(letter) in ("Cc", "Cf", "Cs") else letter for letter in text)


def check_key(key: str, name: str, *, inside: int = 0) -> None:
    """Refuse a name that is too long, with so many letters of the names that it is inside of."""
    if inside + len(key) > LONGEST_KEY:
        refuse(name, f"the name {shorten(key)} in it has more than {LONGEST_KEY} letters: choose a shorter one.")


class Room:
    """How many numbers the arrays of the file called `name` can still have."""

    def __init__(self, name: str) -> None:
        self.name, self.left = name, MOST_NUMBERS

    def take(self, shape: Sequence[int], array: str) -> int:
        """How many numbers an array of this shape has. Raises ImportFileError where there is no room for them."""
        # An array without numbers can have a size that NumPy cannot count. The length is looked at before the product.
        is_possible = len(shape) <= MOST_DIMENSIONS and min(shape, default=0) >= 0
        if not is_possible or prod(shape) > self.left or prod(size or 1 for size in shape) > MOST_NUMBERS:
            refuse(
                self.name,
                f"with {shorten(array)} it has more numbers than can be read; up to {MOST_NUMBERS:,} are, in all "
                f"arrays together, with up to {MOST_DIMENSIONS} dimensions: leave out what is no weight.",
            )
        count = prod(shape)
        self.left -= count
        return count


def as_numbers(values: NDArray[Any], *, name: str, array: str) -> Array:
    """The array as float64. Raises ImportFileError where a number is not finite, naming its place from 0 on."""
    with np.errstate(all="ignore"):
        numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        place = tuple(int(i) for i in np.unravel_index(np.argmin(np.isfinite(numbers)), numbers.shape))
        value = float(numbers[place])
        where = f"[{', '.join(map(str, place))}]" if place else ""
        word = "not a number" if np.isnan(value) else "infinite"
        refuse(name, f"{shorten(array)}{where} is {word}: a network can only hold finite numbers.")
    return numbers


def read_notes(raw: object, name: str) -> Notes | None:
    """The notes in decoded JSON; None where it is something else. Raises ImportFileError where they are not whole."""
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        return None
    version = raw.get("version")
    if isinstance(version, int) and version > VERSION:
        refuse(name, f"it was written by a newer nnviz (version {version} of its notes): update nnviz to read it.")
    try:
        return msgspec.convert(raw, Notes)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        refuse(name, f"what it says of its network is not whole ({shorten(str(error))}): export it again.")


def natural_order(text: str) -> str:
    """A key for sorting by which layers.10 comes after layers.9."""
    # One text and no list: sorting keeps the keys of all names at once.
    parts: list[str] = []
    digits = ""
    for letter in f"{text}\0":
        if letter in "0123456789":
            digits += letter
            continue
        if digits:
            # As many digits as the number has come first, then the digits themselves.
            plain = digits.lstrip("0")
            parts.append(f"\1{chr(len(plain))}{plain}")
            digits = ""
        parts.append(f"\0{letter}")
    return "".join(parts)
