"""The pages of the project: what one of them names is there, and their lists are the code's."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from nnviz_app.cli import COMMANDS
from nnviz_app.command import make_parser
from nnviz_app.data_dialog import GROUPS, group_of
from nnviz_app.gallery import GALLERY

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """What headings are called in links: small letters, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_begins_with_a_picture_and_the_two_commands() -> None:
    text = text_of("README.md")
    assert -1 < text.index("](docs/images/") < text.index("make run") < text.index("make test")


def test_the_page_on_data_lists_what_the_dialog_offers() -> None:
    text = text_of("docs/data.md")
    for group in GROUPS:
        row = re.search(rf"^\| {group} \| (.+) \|$", text, re.MULTILINE)
        assert row is not None, group
        assert sorted(row[1].split("; ")) == sorted(e.title for e in GALLERY.values() if group_of(e) == group)


def test_contributing_says_what_each_module_of_core_is_for() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", text_of("CONTRIBUTING.md"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    modules = {path.stem for path in (ROOT / "core").glob("*.py")} - {"__init__"}
    # What everything else stands on needs no word.
    assert modules - named == {"numbers", "errors"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_on_the_command_line_has_every_option(name: str) -> None:
    text = text_of("docs/command-line.md")
    assert f"nnviz {name} FILE" in text
    command = importlib.import_module(f"nnviz_app.{name}_command")
    parser = make_parser("nnviz", command.DESCRIPTION, command.EPILOG)
    command.add_arguments(parser)
    shown = {max(action.option_strings, key=len) for action in parser._actions if action.option_strings}
    assert [option for option in sorted(shown - {"--help", "--out"}) if f"{option}" not in text] == []
