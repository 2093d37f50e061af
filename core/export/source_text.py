"""Pieces of Python source that are safe to write whatever a project is called, and stay within the line length."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template

LINE_LENGTH = 120


def fill_template(name: str, **texts: str) -> str:
    """A text of core/export/templates with `$name` replaced by the texts. A line that becomes empty stays empty."""
    return Template((resources.files("core.export") / "templates" / name).read_text("utf-8")).substitute(texts)


def plain_title(title: str, room: int = 80) -> str:
    """A project's title as it can stand in a docstring, a comment or a sentence: one line, no quotes, no backslash."""
    text = "".join(letter if letter.isprintable() else " " for letter in title)
    text = text.translate({ord('"'): "'", ord("\\"): "/", ord("`"): "'"})
    return textwrap.shorten(text, room, placeholder=" …")


def name_list(names: Sequence[str], room: int) -> str:
    """Neurons by name as far as there is room for so many characters: all, or some, an ellipsis and their number."""
    text = ", ".join(names)
    if len(text) <= room:
        return text
    tail = f", … {names[-1]} ({len(names)} neurons)"
    shown: list[str] = []
    for name in names:
        if len(", ".join([*shown, name])) + len(tail) > room:
            break
        shown.append(name)
    return ", ".join(shown) + tail if shown else f"{len(names)} neurons"


def bracketed(start: str, items: Iterable[str], end: str, *, indent: int = 0) -> str:
    """`start`, the items with commas, `end`: on one line where it fits, else one item a line, as ruff formats it."""
    items = list(items)
    line = " " * indent + start + ", ".join(items) + end
    if len(line) <= LINE_LENGTH:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{item},\n" for item in items)
    return f"{' ' * indent}{start}\n{inner}{' ' * indent}{end}"


def packed_list(start: str, items: Iterable[str], end: str, *, indent: int = 0) -> str:
    """As `bracketed`, but as many items on a line as fit; for between `# fmt: off` and `# fmt: on`."""
    items = list(items)
    line = " " * indent + start + ", ".join(items) + end
    if len(line) <= LINE_LENGTH:
        return line
    return f"{' ' * indent}{start}\n{packed(items, indent=indent + 4)}\n{' ' * indent}{end}"


def packed(items: Iterable[str], *, indent: int = 4) -> str:
    """The items with a comma after each, as many on a line as fit; for between `# fmt: off` and `# fmt: on`."""
    lines: list[str] = []
    line = ""
    for item in items:
        if line and indent + len(line) + len(item) + 2 > LINE_LENGTH:
            lines.append(line)
            line = ""
        line += f" {item}," if line else f"{item},"
    return "\n".join(" " * indent + one for one in (*lines, line) if one)
