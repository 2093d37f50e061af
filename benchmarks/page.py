"""The page docs/benchmarks.md: each benchmark has a section of it, between marks of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def make_section(title: str, lines: Iterable[str], *, script: str, versions: Iterable[str]) -> str:
    """The section of a script with its marks; below its lines stands what it was measured on."""
    mark = title.lower()
    return "\n".join(
        [
            f"<!-- {mark}: begin -->",
            f"## {title}",
            "",
            *lines,
            "",
            f"Measured by `python benchmarks/{script}` on: {describe_machine(versions)}.",
            f"<!-- {mark}: end -->",
        ]
    )


def describe_machine(versions: Iterable[str]) -> str:
    """One line: the processor, the system, and the versions of Python and of what else matters."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; "
        f"{', '.join([f'Python {platform.python_version()}', *versions])}"
    )


def write_section(section: str, path: Path = PAGE) -> None:
    """Put a section between its marks on the page, or at its end."""
    begin, *_, end = section.splitlines()
    text = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    before, mark, rest = text.partition(begin)
    after = rest.partition(end)[2] if mark else "\n"
    text = before + section + after if mark else before.rstrip("\n") + "\n\n" + section + after
    path.write_text(text, encoding="utf-8")
