"""README and docs say what is so: links lead somewhere, commands and panels are told of, quoted messages exist."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from LaMoDCore.cli import VERBS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "Resources").rglob("*.md")])
#: First cells of the tables that explain messages.
MESSAGE_TABLES = ("the line says", "the panel says", "message")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), f"{target}: there is no such file"
        assert not anchor or anchor in anchors(linked), f"{target}: there is no such heading"


def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        found = re.findall(r"\]\(([^)\s#:]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in found]
    lost = {page.name for page in (ROOT / "docs").glob("*.md")} - {page.name for page in reached}
    assert not lost


def options_of(verb: str) -> set[str]:
    parser = argparse.ArgumentParser()
    import_module(f"LaMoDCore.commands.{VERBS[verb]}").add_arguments(parser)
    return set(parser._option_string_actions)


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = " ".join(re.findall(r"^\| `lamod.*$", readme, re.MULTILINE))
    assert [verb for verb in VERBS if not re.search(rf"\b{verb}\b", table)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_that_are_shown_exist(page: Path):
    for command in re.findall(r"(?:^|`|/)lamod ([a-z][^`#\n]*)", page.read_text(encoding="utf-8"), re.MULTILINE):
        verb, _, rest = command.replace("…", " ").partition(" ")
        assert verb in VERBS or not rest, f"lamod {command}"
        named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest))
        assert not named - options_of(verb), f"lamod {command}"


def test_every_section_of_the_panel_is_described():
    pages = " ".join(page.read_text(encoding="utf-8") for page in PAGES)
    for file in sorted((ROOT / "LaMoDSlicer" / "Resources" / "UI").glob("*.ui")):
        for widget in ElementTree.parse(file).iter("widget"):
            if widget.get("class") == "ctkCollapsibleButton":
                title = widget.findtext("property[@name='text']/string")
                assert f"*{title}*" in pages, f"{file.name}: {title} is described nowhere"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_messages_that_are_explained_exist(page: Path):
    """So that whoever searches for the words of a message finds them, and no row explains what is never said."""
    for quoted in explained(page):
        for part in re.split(r"…|frame\(s\)|\b[A-Z]+\b|\d+|[`*“”();]", quoted):
            words = part.strip(" .,;:'")
            assert len(words) < 8 or words in said(), f"{page.name}: nothing says {words!r} ({quoted})"


def explained(page: Path) -> Iterator[str]:
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4:
            inside = False
        elif cells[1] in MESSAGE_TABLES:
            inside = True
        elif inside and not set(cells[1]) <= set("- "):
            yield cells[1]


@cache
def said() -> str:
    """Every text of the program, with … for what is filled in."""
    files = [*(ROOT / "LaMoDCore").rglob("*.py"), *(ROOT / "LaMoDSlicer").rglob("*.py")]
    texts = [_text(node) for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    return re.sub(r"\{\w*\}", "…", "\n".join(filter(None, texts)))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    return ""
