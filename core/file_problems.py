"""What is wrong with a project file, in one sentence: the file, the place in it, the problem, and what to do."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from core.errors import ProjectError
from core.file_records import StartRecord

# What msgspec calls the types of JSON.
_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_TYPE = "|".join(_TYPES)
_MESSAGES: list[tuple[str, str]] = [
    (rf"Expected `({_TYPE})(?: \| null)?`, got `({_TYPE})(?: \| null)?`", "expected {0}, got {1}"),
    (rf"Expected `({_TYPE})`", "expected {0}"),
    (r"Expected `(?:int|float)` >= ([\d.]+)", "expected {0} or more"),
    (r"Expected `(?:int|float)` < ([\d.]+)", "expected less than {0}"),
    (r"Expected `(?:int|float)` <= ([\d.]+)", "expected {0} or less"),
    (r"Expected `array` of length <= (\d+)", "too long, the limit is {0} entries"),
    (r"Expected `str` of length <= (\d+)", "too long, the limit is {0} characters"),
    (r"Expected `str` of length >= 1", "it is empty"),
    (r"Object missing required field `(.*)`", "the key “{0}” is missing"),
    (r"Object contains unknown field `(.*)`", "the key “{0}” is unknown"),
    (r"Invalid (?:enum )?value (.*)", "{0} is not known here"),
    (r"(?:Number|Integer value) out of range", "the number is too large (the limit is 1.8e308)"),
]


def problem_at(where: str, place: str, problem: str) -> str:
    """One sentence: the file, the place in it, what is wrong there, and what to do."""
    return f"{where}: {place}: {problem} — correct it in a text editor."


def refuse(where: str, place: str, problem: str) -> NoReturn:
    """Raise ProjectError with what `problem_at` says."""
    raise ProjectError(problem_at(where, place, problem))


def describe_value(message: str, data: bytes, where: str) -> str:
    """msgspec's message about a wrong value in this program's words, with its place in the file."""
    problem, _, path = message.partition(" - at `$")
    place = path.rstrip("`").lstrip(".") or "the file"
    if place == "start[...]":
        place = _place_in_start(data)
    return problem_at(where, place, translate(problem))


def translate(problem: str) -> str:
    """What msgspec says is wrong with a value, without the place, in this program's words."""
    for pattern, words in _MESSAGES:
        found = re.fullmatch(pattern, problem, re.DOTALL)
        if found:
            return words.format(*[_TYPES.get(group, shorten(group)) for group in found.groups()])
    return shorten(problem)


def _place_in_start(data: bytes) -> str:
    # msgspec does not name the key of a wrong value in a mapping.
    for name, value in msgspec.json.decode(data, type=StartRecord).start.items():
        try:
            msgspec.json.decode(value, type=float)
        except msgspec.DecodeError:
            return f"start.{shorten(name)}"
    return "start"


def shorten(text: str) -> str:
    """`text` from a file on one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def describe_syntax(message: str, data: bytes, where: str) -> str:
    """Why these bytes are no JSON, with line and column; msgspec's message names the byte."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return f"{where} is not text in UTF-8: choose a project file (*.nnviz)."
    if not data.lstrip().startswith(b"{"):
        return f"{where} is not an nnviz project: choose a project file (*.nnviz)."
    found = re.search(r"\(byte (\d+)\)", message)
    offset = min(int(found[1]), len(data)) if found else len(data)
    before = data[:offset].decode("utf-8", "replace")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    place = f"line {line}, column {column}"
    literal = re.match(
        rb"-?(nan|inf(?:inity)?)\b", data[max(0, offset - 1) : offset + 9].lstrip(b" ,:["), re.IGNORECASE
    )
    if literal:
        return problem_at(where, place, f"{literal[0].decode()} is not a number that a project can hold")
    if not found:
        return f"{where}: {place}: the file breaks off here — it is incomplete, so take a copy of it."
    problem = re.sub(r"^JSON is malformed: | \(byte \d+\)", "", message)
    return problem_at(where, place, f"this is not JSON ({problem})")
